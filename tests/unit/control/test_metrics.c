// SPDX-License-Identifier: BSD-3-Clause
// control/METRICS.md is what the tables say: METRICS_WRITE=FILE writes it anew.
#include "cmocka_first.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "counters.h"
#include "dialgate/prefilter.h"
#include "metrics_table.h"
#include "rpc/count.h"

static const struct {
    unsigned int family;
    const char *labels;
    const char *help;
} rows[] = {
#define C(name, family, labels, help) {FAMILY_##family, labels, help},
    COUNTERS(C)
#undef C
};

static void write_family(FILE *out, const char *name, const char *type, const char *labels, const char *help)
{
    fprintf(out, "| `%s` | %s | %s | %s |\n", name, type, labels[0] ? labels : "-", help);
}

// The names of the labels in label="value",label="value", and worker before them.
static void write_labels(char *out, size_t size, const char *labels)
{
    size_t used = (size_t)snprintf(out, size, "worker");
    for (const char *at = labels; at && *at; at = strstr(at, "\",") ? strstr(at, "\",") + 2 : NULL)
        used += (size_t)snprintf(out + used, size - used, ", %.*s", (int)strcspn(at, "="), at);
}

static void write_families(FILE *out)
{
    fprintf(out, "| name | type | labels | what |\n|---|---|---|---|\n");
#define M(name, metric, type, labels, help) write_family(out, metric, type, labels, help);
    METRICS(M)
#undef M
#define N(field, name, type, help) write_family(out, name, type, "network", help);
    NETWORK_COUNTERS(N)
#undef N
#define H(name, metric, steps, help) write_family(out, metric, "histogram", "le", help);
    HISTOGRAMS(H)
#undef H
    static const char *const families[][3] = {
#define F(family, name, type, help) {name, type, help},
        COUNTER_FAMILIES(F)
#undef F
    };
    for (unsigned int family = 0; family < FAMILY_COUNT; family++) {
        char labels[128] = "worker";
        for (size_t i = 0; i < COUNTER_COUNT; i++)
            if (rows[i].family == family)
                write_labels(labels, sizeof(labels), rows[i].labels);
        write_family(out, families[family][0], families[family][1], labels, families[family][2]);
    }
}

static void write_values(FILE *out)
{
    static const char *const families[] = {
#define F(family, name, type, help) name,
        COUNTER_FAMILIES(F)
#undef F
    };
    fprintf(out, "\n## Values of labels\n\n| name | labels | what |\n|---|---|---|\n");
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        if (rows[i].labels[0])
            fprintf(out, "| `%s` | `%s` | %s |\n", families[rows[i].family], rows[i].labels,
                    rows[i].help[0] ? rows[i].help : "-");
#define R(name, label, help)                                                                                 \
    fprintf(out, "| `dialgate_control_refused_total` | `reason=\"%s\"` | %s |\n", label, help);
    RPC_REFUSALS(R)
#undef R
#define R(name, label, help)                                                                                 \
    fprintf(out, "| `dialgate_prefilter_packets_total` | `reason=\"%s\"` | %s |\n", label, help);
    PREFILTER_REASONS(R)
#undef R
}

static void write_reference(FILE *out)
{
    fprintf(out, "<!-- SPDX-License-Identifier: BSD-3-Clause -->\n"
                 "# Metrics\n\n"
                 "Made from the tables (include/dialgate/counters.h, metrics_table.h) by the test "
                 "unit-control-metrics, "
                 "which holds this page against\n"
                 "them: `METRICS_WRITE=control/METRICS.md BUILD/tests/unit/control/unit-control-metrics` "
                 "writes it anew.\n\n"
                 "`/metrics` shows every family; those of workers, peers and members only while the "
                 "dataplane's counters are "
                 "there. `peer` and `member`\n"
                 "are those of the configuration, `worker` a number, `network` a name: nothing that comes "
                 "from the network "
                 "becomes a label. The same\n"
                 "words are on the socket of DPDK's telemetry: `dpdk-telemetry.py -f dialgate`, "
                 "`/dialgate/counters`.\n\n"
                 "Histograms have two buckets for each doubling, from one step (1 ms, 1 s, 1 us) to 786,432 "
                 "steps.\n\n");
    write_families(out);
    write_values(out);
}

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static void test_reference(void **state)
{
    char *text = NULL;
    size_t size = 0;
    const char *path = getenv("METRICS_WRITE");
    FILE *memory = open_memstream(&text, &size);
    write_reference(memory);
    fclose(memory);
    if (path) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    char *kept = read_file(SOURCE_ROOT "/control/METRICS.md");
    assert_non_null(kept);
    assert_string_equal(kept, text);
    free(kept);
    free(text);
}

// Names by the book: counters end in _total, nothing else does, and no family is there twice.
static void test_names(void **state)
{
    static const char *const names[][2] = {
#define M(name, metric, type, labels, help) {metric, type},
#define N(field, metric, type, help)        {metric, type},
#define F(family, metric, type, help)       {metric, type},
#define H(name, metric, steps, help)        {metric, "histogram"},
        METRICS(M) NETWORK_COUNTERS(N) COUNTER_FAMILIES(F) HISTOGRAMS(H)
#undef M
#undef N
#undef F
#undef H
    };
    const size_t count = sizeof(names) / sizeof(names[0]);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i][0]);
        bool total = length > 6 && strcmp(names[i][0] + length - 6, "_total") == 0;
        print_message("%s\n", names[i][0]);
        assert_int_equal(strncmp(names[i][0], "dialgate_", 9), 0);
        assert_int_equal(total, strcmp(names[i][1], "counter") == 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[k][0], names[i][0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
