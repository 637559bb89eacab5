// SPDX-License-Identifier: BSD-3-Clause
// The printed form, the shipped files, the reference, and what needs a restart.
#include "keys.h"
#include "place.h"
#include "rows.h"
#include "value.h"

static const char *const files[] = {
    SOURCE_ROOT "/config/dialgate.yaml",
    SOURCE_ROOT "/config/examples/application.yaml",
    SOURCE_ROOT "/config/examples/from-kamailio.yaml",
    SOURCE_ROOT "/config/examples/lab.yaml",
    SOURCE_ROOT "/config/examples/pci.yaml",
    SOURCE_ROOT "/config/examples/trunk.yaml",
    SOURCE_ROOT "/config/examples/two-armed.yaml",
};

static char *read_text(const char *file)
{
    static char text[1 << 16];
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    size_t length = fread(text, 1, sizeof(text) - 1, in);
    text[length] = '\0';
    fclose(in);
    return text;
}

static void check_round(const struct config *config)
{
    char *printed = print_text(config);
    struct config *again = parse_good(printed);
    char *twice = print_text(again);
    char differences[64];
    assert_string_equal(printed, twice);
    assert_false(config_needs_restart(config, again, differences, sizeof(differences)));
    free(printed);
    free(twice);
    config_free(again);
}

static void test_round_trip(void **state)
{
    static const char *const texts[] = {
        BASE,
        PEERS "routes: [{from: p, method: INVITE, answer: 603}, {from: any-peer, to: q, to_us: true}]\n",
        BASE "state: {directory: \"/it's # here\"}\nprefilter: {deny: [10.0.0.0/8, 1.2.3.4], mode: off}\n"
             "timers: {t1: 100ms, c: 200s}\ndialogs: {arena: 1GiB, early_lifetime: 201s}\n"
             "peers: [{name: any, listener: a, sources: [0.0.0.0/0]}]\nworkers: {count: 64, idle: spin}\n",
        BASE "  - {name: b, network: n, address: 10.0.0.2, advertise: '192.0.2.1:5066'}\n"
             "peers: [{name: one, listener: [b], sources: [10.1.0.1]}, {name: two, listener: [b, a], "
             "sources: [10.1.0.2]}]\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config *config = parse_good(texts[i]);
        check_round(config);
        config_free(config);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct config *config = parse_good(read_text(files[i]));
        check_round(config);
        config_free(config);
    }
}

static void test_listeners(void **state)
{
    static const char *const parts[] = {
        "- name: one\n    listener: b\n", "- name: two\n    listener: [b, a]\n",
        "port: 5060, advertise: 192.0.2.1:5066}\n", "10.0.0.1, port: 5060}\n"};
    struct config *config = parse_good(
        BASE "  - {name: b, network: n, address: 10.0.0.2, advertise: '192.0.2.1:5066'}\n"
             "peers: [{name: one, listener: [b], sources: [10.1.0.1]}, {name: two, listener: [b, a], "
             "sources: [10.1.0.2]}]\n");
    char *printed = print_text(config);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        assert_non_null(strstr(printed, parts[i]));
    free(printed);
    config_free(config);
}

// What was asked for is what is printed, and what was not has its default.
static void test_effective(void **state)
{
    struct config *config = parse_good(PEERS "routes: [{from: p, to: q}]\n"
                                             "timers: {t1: 1000ms}\n"
                                             "state: {directory: \"/it's\"}\n"
                                             "prefilter: {peer: {rate: 7}, deny: [10.0.0.1]}\n");
    char *printed = print_text(config);
    static const char *const parts[] = {
        "  n: {interface: e0, attach: af_xdp, bond: none, queues: 1, vlan: 0, outer_vlan: 0, host_rate: "
        "20000, checksum_offload: true, flow_isolation: auto}\n",
        "  - {name: a, network: n, address: 10.0.0.1, port: 5060}\n",
        "  - name: p\n    listener: a\n    sources: []\n    balance: call-id\n    contact: target\n",
        ("    failover: {attempts: 3, statuses: [408, 503]}\n    limits: {reply: 503, retry_after: 5s}\n"
         "    prefilter: {}\n    members:\n"),
        "      - {address: 10.0.1.1, port: 5060, weight: 1, priority: 1}\n",
        "  - {from: p, method: any, to_us: false, to: q, strip: 0}\n",
        "timers:\n  t1: 1s\n  t2: 4s\n  t4: 5s\n  b: 64s\n  c: 181s\n",
        "  directory: '/it''s'\n",
        "  deny: [10.0.0.1/32]\n  peer: {rate: 7, burst: 40000}\n",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(printed, parts[i]))
            fail_msg("'%s' is not in:\n%s", parts[i], printed);
    free(printed);
    config_free(config);
}

// A key without a default that stands as a comment: "# interval: 5s".
static bool is_shown(const char *text, const struct key *key)
{
    char line[64];
    snprintf(line, sizeof(line), "%s: ", key->name);
    return key->fallback && !key->fallback[0] && strstr(text, line);
}

static void check_group(const char *text, const struct places *places, const struct key_group *group,
                        const char *where)
{
    char path[128];
    for (size_t k = 0; k < group->count; k++) {
        snprintf(path, sizeof(path), "%s.%s", where, group->keys[k].name);
        if (!is_shown(text, &group->keys[k]))
            assert_string_equal(places_find(places, path)->path, path);
    }
}

// config/dialgate.yaml says every key, and each of its sections stands at its defaults: without them it means
// the same.
static void test_complete(void **state)
{
    char *text = read_text(files[0]), path[128];
    struct places places = {.file = "t"};
    assert_int_equal(places_read(&places, text, strlen(text)), 0);
    const struct {
        const struct key_group *group;
        const char *path;
    } items[] = {{&keys_network, "networks.outside"},
                 {&keys_listener, "listeners[0]"},
                 {&keys_peer, "peers[0]"},
                 {&keys_member, "peers[0].members[0]"}};
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
        check_group(text, &places, items[i].group, items[i].path);
    for (size_t i = 0; i < keys_peer_sections_count; i++) {
        snprintf(path, sizeof(path), "peers[0]%s", strchr(keys_peer_sections[i].path, '.'));
        check_group(text, &places, &keys_peer_sections[i], path);
    }
    for (size_t i = 0; i < keys_sections_count; i++)
        check_group(text, &places, &keys_sections[i], keys_sections[i].path);
    for (size_t i = 0; i < keys_route.count; i++)
        assert_non_null(strstr(text, keys_route.keys[i].name));
    static const char *const route_keys[] = {"from", "method", "to_us", "answer"};
    for (size_t i = 0; i < sizeof(route_keys) / sizeof(route_keys[0]); i++) {
        snprintf(path, sizeof(path), "routes[0].%s", route_keys[i]);
        assert_string_equal(places_find(&places, path)->path, path);
    }
    assert_string_equal(places_find(&places, "routes[1].to")->path, "routes[1].to");
    assert_string_equal(places_find(&places, "include")->path, "");
    assert_non_null(strstr(text, "\n# include: ["));
    places_free(&places);

    struct config *whole = parse_good(text);
    char *sections = strstr(text, "\nworkers:");
    assert_non_null(sections);
    sections[1] = '\0';
    struct config *lists = parse_good(text);
    char *one = print_text(whole), *other = print_text(lists);
    assert_string_equal(one, other);
    free(one);
    free(other);
    config_free(whole);
    config_free(lists);
}

// A line `# key: value  # comment` of config/dialgate.yaml is a key that was left out: with its mark taken
// away the file still says only what is known.
static void test_left_out(void **state)
{
    const char *text = read_text(files[0]);
    char *bare = calloc(1, strlen(text) + 1), error[512] = "";
    size_t length = 0, uncommented = 0;
    assert_non_null(bare);
    for (const char *line = text; *line;) {
        size_t end = strcspn(line, "\n"), indent = strspn(line, " "), name;
        bool key = strncmp(line + indent, "# ", 2) == 0 &&
                   (name = strspn(line + indent + 2, "abcdefghijklmnopqrstuvwxyz_0123456789")) > 0 &&
                   strncmp(line + indent + 2 + name, ": ", 2) == 0 &&
                   strncmp(line + indent + 2, "include", 7) != 0;
        memcpy(bare + length, line, indent);
        length += indent;
        size_t skip = indent + (key ? 2 : 0);
        memcpy(bare + length, line + skip, end - skip + 1);
        length += end - skip + 1;
        uncommented += key;
        line += end + 1;
    }
    struct config *config = config_parse(bare, length, "bare", error, sizeof(error));
    assert_string_equal(error, "");
    assert_true(uncommented >= 12);
    config_free(config);
    free(bare);
}

struct seen {
    const char *text; // the reference
    size_t count;
};

// Every default is a good value of its own key, and the reference has a row for each.
static void see_option(void *context, const struct config_option *option)
{
    struct seen *seen = context;
    char path[128];
    snprintf(path, sizeof(path), "\n  %s%s%s ", option->group, option->key[0] ? "." : "", option->key);
    if (!strstr(seen->text, path))
        fail_msg("%s is not in the reference", path);
    assert_true(strlen(option->help) > 3 && strlen(option->group_help) > 3);
    assert_true(option->type[0] && option->range[0] && option->effect[0]);
    assert_int_equal(strcmp(option->type, "duration") == 0 || strcmp(option->type, "size") == 0,
                     option->unit[0] != '\0');
    seen->count++;
}

static void test_reference(void **state)
{
    const struct key_group *group;
    struct seen seen = {0};
    char *text = NULL;
    size_t size = 0, rows = 1; // include
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_reference(out);
    fclose(out);
    seen.text = text;
    config_options(see_option, &seen);
    for (size_t i = 0; (group = keys_group(i)); i++)
        for (size_t k = 0; k < group->count; k++, rows++) {
            const struct key *key = &group->keys[k];
            char why[320], value[KEY_TEXT_SIZE];
            if (key->fallback && key->fallback[0] && key->kind != KEY_STATUS && key->kind != KEY_WORDS)
                assert_int_equal(value_parse(key, key->fallback, value, why, sizeof(why)), 0);
        }
    assert_int_equal(seen.count, rows);
    const char *row = strstr(text, "\n  timers.c ");
    assert_non_null(row);
    char words[5][40];
    assert_int_equal(
        sscanf(row, "%39s %39s %39s %39s %*s %39s", words[0], words[1], words[2], words[3], words[4]), 5);
    assert_string_equal(words[1], "duration");
    assert_string_equal(words[2], "181s");
    assert_string_equal(words[3], "3m");
    assert_string_equal(words[4], "1h");
    assert_non_null(
        strstr(row, "reload\n      an INVITE that only rings is cancelled (RFC 3261 16.6 step 11)\n"));
    free(text);
}

#define BASE_OF(listeners) "networks: {n: {interface: e0}}\nlisteners: [" listeners "]\n"

static void test_restart(void **state)
{
    static const struct {
        const char *old, *new, *keys;
    } rows[] = {
        {BASE, BASE, ""},
        {BASE, BASE "workers: {count: 2, idle: spin}\n", "workers.count"},
        {BASE, BASE "timers: {t1: 100ms}\nprefilter: {mode: off, peer: {rate: 1}}\n", ""},
        {BASE,
         BASE "memory: {mb: 1024, mbufs: 65536}\nstate: {directory: /x, dialogs: /y}\ncontrol: {group: g}\n",
         "memory.mb, memory.mbufs, control.group, state.directory, state.dialogs"},
        {BASE, BASE "metrics: {listen: 127.0.0.1:1}\nmemory: {mbufs: 40000}\n",
         "memory.mbufs, metrics.listen"},
        {BASE, BASE "dialogs: {capacity: 1024, arena: 64MiB, lifetime: 1h}\ntransactions: {capacity: 1024}\n",
         "dialogs.capacity, dialogs.arena, transactions.capacity"},
        {BASE, PEERS "routes: [{from: p, to: q}]\n", ""},
        {BASE, "networks: {n: {interface: e1}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}]\n",
         "networks.n"},
        {BASE, "networks: {m: {interface: e0}}\nlisteners: [{name: a, network: m, address: 10.0.0.1}]\n",
         "networks.m, networks.n, listeners"},
        // The snapshot names networks by position.
        {"networks: {n: {interface: e0}, m: {interface: e1}}\nlisteners: [{name: a, network: n, address: "
         "10.0.0.1}]\n",
         "networks: {m: {interface: e1}, n: {interface: e0}}\nlisteners: [{name: a, network: n, address: "
         "10.0.0.1}]\n",
         "networks.m, networks.n"},
        // A running dataplane names listeners by position, too, and takes new ones at the end.
        {BASE, BASE "  - {name: b, network: n, address: 10.0.0.2}\n", ""},
        {BASE "  - {name: b, network: n, address: 10.0.0.2}\n", BASE, ""},
        {BASE, BASE_OF("{name: b, network: n, address: 10.0.0.1}"), ""},
        {BASE, BASE_OF("{name: a, network: n, address: 10.0.0.2}"), "listeners"},
        {BASE, BASE_OF("{name: a, network: n, address: 10.0.0.1, port: 7}"), "listeners"},
        {BASE, BASE_OF("{name: a, network: n, address: 10.0.0.1, advertise: '192.0.2.1:7'}"), ""},
        {BASE, BASE_OF("{name: b, network: n, address: 10.0.0.2}, {name: a, network: n, address: 10.0.0.1}"),
         "listeners"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *old = parse_good(rows[i].old), *new = parse_good(rows[i].new);
        char text[256], cut[6];
        assert_int_equal(config_needs_restart(old, new, text, sizeof(text)), rows[i].keys[0] != '\0');
        assert_string_equal(text, rows[i].keys);
        config_needs_restart(old, new, cut, sizeof(cut));
        assert_int_equal(strncmp(cut, rows[i].keys, sizeof(cut) - 1), 0);
        config_free(old);
        config_free(new);
    }
}

static void test_views(void **state)
{
    struct config *config = parse_good(PEERS "metrics: {listen: 10.1.2.3:80}\n");
    struct snapshot_network network;
    struct config_listener_view listener;
    struct config_peer_view peer;
    struct config_member_view member;
    uint16_t port;
    assert_string_equal(config_metrics_address(config, &port), "10.1.2.3");
    assert_int_equal(port, 80);
    assert_string_equal(config_control_group(config), "dialgate");
    assert_string_equal(config_state_directory(config), "/dev/shm/dialgate");
    assert_true(config_network_at(config, 0, &network) && !config_network_at(config, 1, &network));
    assert_string_equal(network.interface, "e0");
    assert_true(config_listener_at(config, 0, &listener) && !config_listener_at(config, 1, &listener));
    assert_string_equal(listener.network, "n");
    assert_true(config_peer_at(config, 1, &peer) && !config_peer_at(config, 2, &peer));
    assert_string_equal(peer.name, "q");
    assert_string_equal(peer.listener, "a");
    assert_string_equal(peer.balance, "call-id");
    assert_int_equal(peer.members, 1);
    assert_int_equal(peer.sources, 0);
    assert_true(config_member_at(config, 1, 0, &member) && !config_member_at(config, 1, 1, &member));
    assert_int_equal(member.address.octets[15], 2);
    assert_int_equal(member.port, 5060);
    assert_int_equal(member.weight, 1);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_effective), cmocka_unit_test(test_complete),
        cmocka_unit_test(test_listeners),  cmocka_unit_test(test_left_out),  cmocka_unit_test(test_reference),
        cmocka_unit_test(test_restart),    cmocka_unit_test(test_views),
    };
    return cmocka_run_group_tests_name("config print", tests, NULL, NULL);
}
