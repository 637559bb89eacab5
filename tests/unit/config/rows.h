// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the configuration share: the smallest good text, and rows of good and bad texts.
#ifndef DIALGATE_TESTS_CONFIG_ROWS_H
#define DIALGATE_TESTS_CONFIG_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "config.h"

// Three lines; what a row adds begins in line 4.
#define BASE                                                                                                 \
    "networks: {n: {interface: e0}}\n"                                                                       \
    "listeners:\n"                                                                                           \
    "  - {name: a, network: n, address: 10.0.0.1}\n"

// Two peers with members; what a row adds begins in line 10.
#define PEERS                                                                                                \
    BASE "peers:\n"                                                                                          \
         "  - name: p\n"                                                                                     \
         "    listener: a\n"                                                                                 \
         "    members: [{address: 10.0.1.1}]\n"                                                              \
         "  - {name: q,\n"                                                                                   \
         "     listener: a, members: [{address: 10.0.1.2}]}\n"

struct row {
    const char *name;
    const char *text;
    const char *error; // behind "t:", NULL: the text is good
};

static inline void check_rows(const struct row *rows, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        char error[512] = "", expected[512] = "";
        // A copy of just its size: reading behind it is a fault that ASan sees.
        size_t length = strlen(rows[i].text);
        char *text = malloc(length ? length : 1);
        assert_non_null(text);
        memcpy(text, rows[i].text, length);
        struct config *config = config_parse(text, length, "t", error, sizeof(error));
        free(text);
        if (rows[i].error)
            snprintf(expected, sizeof(expected), "t:%s", rows[i].error);
        if (strcmp(error, expected) != 0 || !config != (rows[i].error != NULL)) {
            print_error("row '%s': expected '%s', got '%s'\n", rows[i].name, expected, error);
            failed++;
        }
        config_free(config);
    }
    assert_int_equal(failed, 0);
}

static inline struct config *parse_good(const char *text)
{
    char error[512];
    struct config *config = config_parse(text, strlen(text), "t", error, sizeof(error));
    if (!config)
        print_error("%s\n", error);
    assert_non_null(config);
    return config;
}

// The printed form; the caller frees it.
static inline char *print_text(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(config_print(config, out), 0);
    fclose(out);
    return text;
}

#endif
