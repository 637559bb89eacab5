// SPDX-License-Identifier: BSD-3-Clause
// Configurations of several files, and values from the environment.
#include <sys/stat.h>
#include <unistd.h>
#include "rows.h"

#define FILES    4
#define LISTENER "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}]\n"

static char directory[] = "/tmp/dialgate-include-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static int make_directory(void **state)
{
    char path[128];
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/sub", directory);
    return mkdir(path, 0700);
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"main", "a",     "b",     "c",   "pa",   "pB",
                                        ".p",   "sub/d", "sub/e", "sub", "fifo", ""};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        remove(path);
    }
    return 0;
}

// Loads DIRECTORY/main; the error without the directory's name.
static struct config *load(char *error, size_t size)
{
    char path[128], told[512] = "";
    snprintf(path, sizeof(path), "%s/main", directory);
    struct config *config = config_load(path, told, sizeof(told));
    error[0] = '\0';
    for (const char *at = told; *at;) {
        size_t length = strlen(error),
               skip = strncmp(at, directory, strlen(directory)) == 0 ? strlen(directory) + 1 : 0;
        at += skip;
        if (!skip)
            snprintf(error + length, size - length, "%c", *at++);
    }
    return config;
}

static const struct {
    const char *name;
    const char *files[FILES]; // main, a, b, sub/d
    const char *error;
} rows[] = {
    {"two files", {"include: [a]\n" LISTENER, "workers: {count: 2}\n"}, ""},
    {"in order",
     {LISTENER "include: [a, b]\npeers: [{name: p, listener: a, sources: [10.1.0.0/16]}]\n",
      "peers: [{name: q, listener: a, sources: [10.2.0.0/16]}]\n",
      "peers: [{name: r, listener: a, sources: [10.3.0.0/16]}]\n"},
     ""},
    {"from its own directory",
     {"include: [sub/d]\n" LISTENER, "workers: {count: 2}\n", "", "include: [../a]\n"},
     ""},
    {"one section in two files",
     {"include: [a]\n" LISTENER "workers: {count: 2}\n", "workers: {idle: spin}\n"},
     ""},
    {"one bucket in two files",
     {"include: [a]\n" LISTENER "prefilter: {peer: {rate: 7}}\n",
      "prefilter: {peer: {burst: 8}, deny: [1.2.3.4]}\n"},
     ""},
    {"a value in two files",
     {"include: [a]\n" LISTENER "workers: {count: 2}\n", "\nworkers: {count: 2}\n"},
     "a:2:18: workers.count: is given in main:4 already; remove one"},
    {"a network in two files",
     {"include: [a]\n" LISTENER, "networks: {n: {interface: e0}}\n"},
     "a:1:27: networks.n.interface: is given in main:2 already; remove one"},
    {"a section twice in the second file",
     {"include: [a]\n" LISTENER "workers: {count: 2}\n", "workers: {idle: spin}\nworkers: {}\n"},
     "a:2:1: workers: is given twice, first in line 4; remove one"},
    {"a list where a mapping is",
     {"include: [a]\n" LISTENER, "networks: [n]\n"},
     "a:1:11: networks: is given in main:2 already; remove one"},
    {"wrong value in an included file",
     {"include: [a]\n" LISTENER, "\n\nworkers: {count: 0}\n"},
     "a:3:18: workers.count: 0 is out of range; give 1 to 64"},
    {"unknown key in an included file",
     {"include: [a]\n" LISTENER, "workers: {cuont: 1}\n"},
     "a:1:11: workers.cuont: unknown key, did you mean count; give one of count, idle"},
    {"entry of a list in an included file",
     {LISTENER "include: [a]\npeers: [{name: p, listener: a, sources: [10.1.0.0/16]}]\n",
      "peers:\n  - {name: q, listener: b, sources: [10.2.0.0/16]}\n"},
     "a:2:25: peers[1].listener: no listener is called b; add it under listeners"},
    {"no YAML in an included file",
     {"include: [a]\n" LISTENER, "workers: {\n"},
     "a:2:1: not YAML: while parsing a flow node, did not find expected node content; look for a missing "
     "colon, quote or bracket, or a tab"},
    {"an empty file",
     {"include: [a]\n" LISTENER, "# nothing\n"},
     "a:1:1: the file is empty; begin with config/dialgate.yaml"},
    {"a list as a file",
     {"include: [a]\n" LISTENER, "[a]\n"},
     "a:1:1: is given in main:1 already; remove one"},
    {"a file that is not there",
     {"include: [nothing]\n" LISTENER},
     "main:1:11: include[0]: nothing cannot be included: No such file or directory"},
    {"a directory",
     {"include: [sub]\n" LISTENER},
     "main:1:11: include[0]: sub cannot be included: it is not a file"},
    {"a FIFO",
     {"include: [fifo]\n" LISTENER},
     "main:1:11: include[0]: fifo cannot be included: it is not a file"},
    {"itself",
     {"include: [main]\n" LISTENER},
     "main:1:11: include[0]: main cannot be included: it is part of this configuration already"},
    {"round and round",
     {"include: [a]\n" LISTENER, "include: [b]\n", "include: [a]\n"},
     "b:1:11: include[2]: a cannot be included: it is part of this configuration already"},
    {"not a list", {"include: a\n" LISTENER}, "main:1:10: include: is not a list; give [FILE, FILE]"},
    {"a mapping", {"include: {a: b}\n" LISTENER}, "main:1:10: include: is not a list; give [FILE, FILE]"},
    {"a list of lists", {"include: [[a]]\n" LISTENER}, "main:1:11: include[0]: is not the name of a file"},
    {"no name", {"include: ['']\n" LISTENER}, "main:1:11: include[0]: is not the name of a file"},
    {"a pattern", {"include: ['sub/*']\n" LISTENER, "", "", "workers: {count: 2}\n"}, ""},
    {"a pattern and what one file includes",
     {"include: ['[ab]']\n" LISTENER, "include: [sub/d]\n", "timers: {}\n", "workers: {count: 2}\n"},
     ""},
    {"a pattern in an included file, from its directory",
     {"include: [sub/d]\n" LISTENER, "workers: {count: 2}\n", "", "include: ['../[a]']\n"},
     ""},
    {"wrong value in a file of a pattern",
     {"include: ['sub/?']\n" LISTENER, "", "", "workers: {count: 0}\n"},
     "sub/d:1:18: workers.count: 0 is out of range; give 1 to 64"},
    {"a pattern that matches itself",
     {"include: ['mai[n]']\n" LISTENER},
     "main:1:11: include[0]: main cannot be included: it is part of this configuration already"},
    {"a pattern round and round",
     {"include: [a]\n" LISTENER, "include: ['[b]']\n", "include: ['[a]']\n"},
     "b:1:11: include[2]: a cannot be included: it is part of this configuration already"},
    {"a pattern that matches a directory",
     {"include: ['s*']\n" LISTENER},
     "main:1:11: include[0]: sub cannot be included: it is not a file"},
    {"a pattern of directories",
     {"include: ['s*/d']\n" LISTENER},
     "main:1:11: include[0]: has a pattern in a directory's name; only behind the last / may one stand"},
    {"a pattern in a directory that is not there",
     {"include: ['nothing/*']\n" LISTENER},
     "main:1:11: include[0]: nothing/ cannot be read: No such file or directory"},
    {"a pattern that matches nothing", {"include: ['*.yaml']\n" LISTENER}, ""},
    {"nothing included", {"include: []\n" LISTENER}, ""},
};

static void test_rows(void **state)
{
    static const char *const names[FILES] = {"main", "a", "b", "sub/d"};
    char path[128], error[512];
    int failed = 0;
    snprintf(path, sizeof(path), "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < FILES; k++)
            put(names[k], rows[i].files[k] ? rows[i].files[k] : "");
        struct config *config = load(error, sizeof(error));
        if (strcmp(error, rows[i].error) != 0 || !config != (rows[i].error[0] != '\0')) {
            print_error("row '%s': expected '%s', got '%s'\n", rows[i].name, rows[i].error, error);
            failed++;
        }
        config_free(config);
    }
    assert_int_equal(failed, 0);
}

// What several files say is what one says that has all of it.
static void test_joined(void **state)
{
    char error[512];
    put("main", LISTENER "include: [a, sub/d]\npeers: [{name: p, listener: a, sources: [10.1.0.0/16]}]\n"
                         "prefilter: {deny: [1.0.0.0/8], peer: {rate: 7}}\nworkers: {count: 2}\n");
    put("a", "peers: [{name: q, listener: a, sources: [10.2.0.0/16]}]\nprefilter: {deny: [2.0.0.0/8], peer: "
             "{burst: 8}}\n"
             "include: [b]\n");
    put("b", "peers: [{name: r, listener: a, sources: [10.3.0.0/16]}]\nroutes: [{from: p, answer: 404}]\n");
    put("sub/d",
        "peers: [{name: s, listener: a, sources: [10.4.0.0/16]}]\nnetworks: {m: {interface: 'e\"1'}}\n");
    struct config *config = load(error, sizeof(error));
    assert_string_equal(
        error,
        "sub/d:2:27: networks.m.interface: 'e\"1' cannot be an interface; give a name that `ip link` shows");
    assert_null(config);
    put("sub/d",
        "peers: [{name: s, listener: a, sources: [10.4.0.0/16]}]\nnetworks: {m: {interface: \"e\\x31\"}}\n");
    config = load(error, sizeof(error));
    assert_string_equal(error, "");
    struct config *one = parse_good(
        "networks: {n: {interface: e0}, m: {interface: e1}}\nlisteners: [{name: a, network: n, address: "
        "10.0.0.1}]\n"
        "peers: [{name: p, listener: a, sources: [10.1.0.0/16]}, {name: q, listener: a, sources: "
        "[10.2.0.0/16]},\n"
        "  {name: r, listener: a, sources: [10.3.0.0/16]}, {name: s, listener: a, sources: [10.4.0.0/16]}]\n"
        "routes: [{from: p, answer: 404}]\nworkers: {count: 2}\n"
        "prefilter: {deny: [1.0.0.0/8, 2.0.0.0/8], peer: {rate: 7, burst: 8}}\n");
    char *text = print_text(config), *expected = print_text(one);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
    config_free(one);
    config_free(config);
}

// Chains and fans that are too large end; memory is bounded by files and octets.
static void test_bounds(void **state)
{
    char path[128], text[2048], error[512];
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof(path), "f%d", i);
        snprintf(text, sizeof(text), "include: [f%d]\n", i + 1);
        put(path, i < 5 ? text : "workers: {count: 2}\n");
    }
    put("main", LISTENER "include: [f2]\n");
    struct config *config = load(error, sizeof(error));
    assert_string_equal(error, ""); // f2, f3, f4, f5
    config_free(config);
    put("main", LISTENER "include: [f1]\n");
    assert_null(load(error, sizeof(error)));
    assert_string_equal(error,
                        "f4:1:11: include[4]: is included too deep; at most 4 files within each other");
    size_t length = (size_t)snprintf(text, sizeof(text), LISTENER "include: [");
    for (int i = 0; i < 32; i++) {
        snprintf(path, sizeof(path), "f%d", i);
        put(path, "timers: {}\n");
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%sf%d", i ? ", " : "", i);
    }
    snprintf(text + length, sizeof(text) - length, "]\n");
    put("main", text);
    assert_null(load(error, sizeof(error)));
    assert_non_null(strstr(error, "include[31]: is one file too many; at most 32"));
    for (int i = 0; i < 32; i++) {
        snprintf(path, sizeof(path), "%s/f%d", directory, i);
        remove(path);
    }
}

// Files of a pattern are read in the order of their names, hidden ones are not; no file is worth a word; and
// their number has an end.
static void test_pattern(void **state)
{
    char path[128], text[512], error[512];
    put("main", LISTENER "include: ['p*']\n");
    put("pa", "prefilter: {deny: [2.0.0.0/8]}\n");
    put("pB", "prefilter: {deny: [1.0.0.0/8]}\n");
    put(".p", "no: YAML: of ours\n");
    struct config *config = load(error, sizeof(error));
    assert_string_equal(error, "");
    assert_null(config_warning_at(config, 0));
    char *printed = print_text(config);
    assert_non_null(strstr(printed, "deny: [1.0.0.0/8, 2.0.0.0/8]"));
    free(printed);
    config_free(config);
    put("main", LISTENER "include: ['q*']\n");
    config = load(error, sizeof(error));
    snprintf(text, sizeof(text), "%s/main:3:11: include[0]: no file matches %s/q*", directory, directory);
    assert_string_equal(config_warning_at(config, 0), text);
    assert_null(config_warning_at(config, 1));
    config_free(config);
    for (int i = 0; i < 33; i++) {
        snprintf(path, sizeof(path), "q%d", i);
        put(path, "timers: {}\n");
        config = i == 30 || i == 31 ? load(error, sizeof(error)) : NULL;
        assert_int_equal(config != NULL, i == 30);
        if (i == 31)
            assert_string_equal(error, "main:3:11: include[0]: is one file too many; at most 32");
        config_free(config);
    }
    assert_null(load(error, sizeof(error)));
    assert_string_equal(error, "main:3:11: include[0]: matches too many files; at most 32");
    for (int i = 0; i < 33; i++) {
        snprintf(path, sizeof(path), "%s/q%d", directory, i);
        remove(path);
    }
}

static void test_text(void **state)
{
    static const struct row text_rows[] = {
        {"include in a text", BASE "include: [a]\n", "4:1: include: only a file can include others"},
        {"include in a text, of nothing", BASE "include: []\n",
         "4:1: include: only a file can include others"},
    };
    check_rows(text_rows, sizeof(text_rows) / sizeof(text_rows[0]));
}

static void test_environment(void **state)
{
    static const struct row environment_rows[] = {
        {"value", BASE "workers: {count: '${DG_TWO}'}\n", NULL},
        {"part of a value", BASE "state: {directory: '/x/${DG_TWO}/${DG_TWO}'}\n", NULL},
        {"the sign itself", BASE "state: {directory: '/x/$${DG_TWO}$x$'}\n", NULL},
        {"entry of a list", BASE "prefilter: {deny: ['${DG_PREFIX}']}\n", NULL},
        {"not there", BASE "workers: {count: '${DG_NONE}'}\n",
         "4:18: workers.count: the environment has no variable DG_NONE; set it where this file is read"},
        {"empty", BASE "workers: {count: '${DG_EMPTY}'}\n",
         "4:18: workers.count: what ${DG_EMPTY} stands for does not fit here; see `dialgatectl config "
         "reference`"},
        {"wrong value is not told", BASE "workers: {count: '${DG_SECRET}'}\n",
         "4:18: workers.count: what ${DG_SECRET} stands for does not fit here; see `dialgatectl config "
         "reference`"},
        {"wrong entry is not told", BASE "prefilter: {deny: ['${DG_SECRET}']}\n",
         "4:20: prefilter.deny[0]: what ${DG_SECRET} stands for does not fit here; see `dialgatectl config "
         "reference`"},
        {"no name", BASE "workers: {count: '${}'}\n",
         "4:18: workers.count: ${ begins no name of an environment variable; give ${NAME}, or $${ for ${ "
         "itself"},
        {"not ended", BASE "workers: {count: '${DG_TWO'}\n",
         "4:18: workers.count: ${ begins no name of an environment variable; give ${NAME}, or $${ for ${ "
         "itself"},
        {"begins with a digit", BASE "workers: {count: '${2}'}\n",
         "4:18: workers.count: ${ begins no name of an environment variable; give ${NAME}, or $${ for ${ "
         "itself"},
        {"not ASCII", BASE "workers: {count: '${DG_OCTETS}'}\n",
         "4:18: workers.count: the variable DG_OCTETS holds a character that is not printable ASCII"},
        {"too long", BASE "state: {directory: '/${DG_LONG}${DG_LONG}'}\n",
         "4:20: state.directory: is too long with what its variables stand for"},
        {"not in a key", BASE "'${DG_TWO}': {count: 1}\n",
         "4:1: ${DG_TWO}: unknown key; give one of networks, listeners, peers, applications, retry, routes, "
         "workers, memory, "
         "dialogs, "
         "transactions, timers, limits, application_limits, overload, prefilter, bans, metrics, control, "
         "records, "
         "capture, events, "
         "state, include"},
    };
    char *many = malloc(601);
    assert_non_null(many);
    memset(many, 'x', 600);
    many[600] = '\0';
    setenv("DG_TWO", "2", 1);
    setenv("DG_EMPTY", "", 1);
    setenv("DG_SECRET", "s3cret", 1);
    setenv("DG_PREFIX", "10.66.0.0/16", 1);
    setenv("DG_OCTETS", "2\n", 1);
    setenv("DG_LONG", many, 1);
    unsetenv("DG_NONE");
    free(many);
    check_rows(environment_rows, sizeof(environment_rows) / sizeof(environment_rows[0]));
}

// What is printed has the variable's name, not what it stands for, and means the same.
static void test_masked(void **state)
{
    setenv("DG_TWO", "2", 1);
    setenv("DG_SECRET", "s3cret", 1);
    setenv("DG_PREFIX", "10.66.0.0/16", 1);
    struct config *config =
        parse_good("networks: {n: {interface: 'e${DG_TWO}'}}\nlisteners: [{name: a, network: n, address: "
                   "'10.0.0.${DG_TWO}'}]\n"
                   "peers: [{name: p, listener: a, sources: [10.1.0.0/16, '${DG_PREFIX}'], probe: {from: "
                   "'sip:it''s${DG_SECRET}@b.c', interval: 5s},\n"
                   "  members: [{address: 10.9.0.1}, {address: '10.9.0.${DG_TWO}'}]}]\nroutes: [{from: p, "
                   "to: p, prepend: '${DG_SECRET}'}]\n"
                   "workers: {count: '${DG_TWO}'}\nprefilter: {stranger: {rate: '1${DG_TWO}'}}\nstate: "
                   "{directory: '/x$${y'}\n");
    char *printed = print_text(config);
    static const char *const parts[] = {"interface: 'e${DG_TWO}'",
                                        "address: '10.0.0.${DG_TWO}'",
                                        "sources: [10.1.0.0/16, '${DG_PREFIX}']",
                                        "from: 'sip:it''s${DG_SECRET}@b.c'",
                                        "{address: '10.9.0.${DG_TWO}'",
                                        "prepend: '${DG_SECRET}'",
                                        "  count: '${DG_TWO}'\n",
                                        "stranger: {rate: '1${DG_TWO}', burst: 20}",
                                        "directory: '/x$${y'"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(printed, parts[i]))
            fail_msg("'%s' is not in:\n%s", parts[i], printed);
    assert_null(strstr(printed, "s3cret"));
    assert_string_equal(config_state_directory(config), "/x${y");
    struct config *again = parse_good(printed);
    char *twice = print_text(again);
    assert_string_equal(printed, twice);
    free(printed);
    free(twice);
    config_free(again);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_joined), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_pattern), cmocka_unit_test(test_text),   cmocka_unit_test(test_environment),
        cmocka_unit_test(test_masked),
    };
    return cmocka_run_group_tests_name("config include", tests, make_directory, remove_directory);
}
