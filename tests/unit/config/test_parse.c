// SPDX-License-Identifier: BSD-3-Clause
// Shape and single values: the error's line and column, path and words.
#include <unistd.h>
#include "rows.h"

#define MAPPING "is not a mapping; give `key: value` lines below it, or {key: value}"
#define LIST    "is not a list; give [a, b], or lines that begin with -"
#define SINGLE  "is not a single value; give one without { } or [ ]"
#define EMPTY   "1:1: the file is empty; begin with config/dialgate.yaml"

static const struct row shape_rows[] = {
    {"least", BASE, NULL},
    {"design example",
     "networks:\n"
     "  outside: {interface: eth0, attach: af_xdp, queues: 4}\n"
     "  inside:  {interface: eth1, attach: af_xdp, queues: 4}\n"
     "listeners:\n"
     "  - {name: edge, network: outside, address: 203.0.113.10, port: 5060}\n"
     "  - {name: core, network: inside, address: 10.0.0.10, port: 5060}\n"
     "peers:\n"
     "  - name: carrier-a\n"
     "    listener: edge\n"
     "    sources: [198.51.100.0/28]\n"
     "    members: [{address: 198.51.100.1}]\n"
     "  - name: sbcs\n"
     "    listener: core\n"
     "    members: [{address: 10.0.1.1, weight: 2}, {address: 10.0.1.2}]\n"
     "    balance: call-id\n"
     "routes:                                   # first match wins\n"
     "  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}   # strangers get nothing\n"
     "  - {from: carrier-a, to: sbcs}\n"
     "  - {from: sbcs, to: carrier-a}\n",
     NULL},
    {"empty", "", EMPTY},
    {"only a comment", "# nothing\n", EMPTY},
    {"a value", "a", "1:1: " MAPPING},
    {"a list", "- a\n", "1:1: " MAPPING},
    {"networks a list", "networks: [a]\n", "1:11: networks: " MAPPING},
    {"network a value", "networks: {n: 5}\n", "1:15: networks.n: " MAPPING},
    {"network's name", "networks:\n  1n: {interface: e0}\n",
     "2:3: networks.1n: '1n' is not a name; give a letter, then letters, digits, '-' and '_'"},
    {"network without interface", "networks:\n  n: {queues: 1}\n",
     "2:6: networks.n.interface: is missing; give an interface"},
    {"unknown key at the top", BASE "worker: {count: 1}\n",
     "4:1: worker: unknown key, did you mean workers; give one of networks, listeners, peers, applications, "
     "retry, routes, "
     "workers, memory, dialogs, "
     "transactions, timers, limits, application_limits, overload, prefilter, bans, metrics, control, "
     "records, "
     "capture, events, state, "
     "include"},
    {"unknown key in a section", BASE "workers:\n  count: 1\n  idel: spin\n",
     "6:3: workers.idel: unknown key, did you mean idle; give one of count, idle"},
    {"unknown key in a network", "networks: {n: {interface: e0, quues: 2}}\n",
     "1:31: networks.n.quues: unknown key, did you mean queues; give one of interface, attach, device, "
     "bond, queues, vlan, outer_vlan, host_rate, checksum_offload, flow_isolation"},
    {"unknown key in a member",
     BASE "peers:\n  - name: p\n    listener: a\n    members:\n      - {adress: 10.0.0.9}\n",
     "8:10: peers[0].members[0].adress: unknown key, did you mean address; give one of address, host, port, "
     "weight, priority, "
     "capacity, calls_per_second"},
    {"unknown key in the second peer", PEERS "  - nam: r\n",
     "10:5: peers[2].nam: unknown key, did you mean name; give one of name, listener, sources, balance, "
     "contact, identity, "
     "refer, path, fail_open, overload_control, final_503, retry_after_max, group, probe, failover, limits, "
     "prefilter, members"},
    {"unknown key in a bucket", BASE "prefilter:\n  peer: {rat: 1}\n",
     "5:10: prefilter.peer.rat: unknown key, did you mean rate; give one of rate, burst"},
    {"key of another section", BASE "prefilter: {rate: 5}\n",
     "4:13: prefilter.rate: unknown key here, it stands under peers[].prefilter; give one of mode, "
     "unavailable, "
     "source_prefix, deny, peer, peer_invite, peer_fragment, stranger, stranger_invite, strangers, "
     "strangers_fragment"},
    {"unknown key in a peer's section", BASE "peers: [{name: p, limits: {call: 1}}]\n",
     "4:28: peers[0].limits.call: unknown key; give one of calls_per_second, burst, concurrent_calls, "
     "out_calls_per_second, out_burst, out_concurrent_calls, reply, retry_after"},
    {"section a value", BASE "workers: 2\n", "4:10: workers: " MAPPING},
    {"section without value", BASE "workers:\n", "4:9: workers: " MAPPING},
    {"peers a mapping", BASE "peers: {name: p}\n", "4:8: peers: " LIST},
    {"peers without value", BASE "peers:\n", "4:7: peers: " LIST},
    {"value a list", BASE "workers: {count: [1]}\n", "4:18: workers.count: " SINGLE},
    {"value a mapping", BASE "state:\n  directory: {a: b}\n", "5:14: state.directory: " SINGLE},
    {"list a value", BASE "prefilter: {deny: 10.0.0.0/8}\n", "4:19: prefilter.deny: " LIST},
    {"list in a list", BASE "prefilter:\n  deny:\n    - 10.0.0.0/8\n    - [10.1.0.0/16]\n",
     "7:7: prefilter.deny[1]: " SINGLE},
    {"key twice", BASE "workers: {count: 1, count: 2}\n",
     "4:21: workers.count: is given twice, first in line 4; remove one"},
    {"section twice", BASE "workers: {count: 1}\nmemory: {mb: 512}\nworkers: {idle: spin}\n",
     "6:1: workers: is given twice, first in line 4; remove one"},
    {"network twice", "networks:\n  n: {interface: e0}\n  n: {interface: e1}\n",
     "3:3: networks.n: is given twice, first in line 2; remove one"},
    {"key twice in a member", PEERS "  - {name: r, members: [{port: 1, port: 2}]}\n",
     "10:35: peers[2].members[0].port: is given twice, first in line 10; remove one"},
    {"alias", BASE "workers: {count: &a 1}\nmemory: {mb: *a}\n",
     "5:14: memory: an alias (*) stands here; write the value out"},
    {"merge key", BASE "workers: &w {count: 1}\nmemory:\n  <<: *w\n",
     "6:7: memory: an alias (*) stands here; write the value out"},
    {"second document", BASE "---\nworkers: {count: 2}\n",
     "4:1: a second document begins here; remove it and its ---"},
    {"key not text", BASE "? [a]\n: 1\n",
     "4:3: a key is not plain text; write `key: value`, and {...} or [...] only behind a colon"},
    {"too deep", BASE "peers: [[[[[[[[[]]]]]]]]]\n",
     "4:15: peers[0][0][0][0][0][0][0]: is nested too deep; see config/dialgate.yaml"},
    {"bracket open", BASE "workers: {count: 1\nmemory: {mb: 512}\n",
     "5:7: not YAML: while parsing a flow mapping, did not find expected ',' or '}'; look for a missing "
     "colon, quote "
     "or bracket, or a tab"},
    {"tab", BASE "workers:\n\tcount: 1\n",
     "5:1: not YAML: while scanning for the next token, found character that cannot start any token; look "
     "for a "
     "missing colon, quote or bracket, or a tab"},
    {"not UTF-8", BASE "workers: {count: \xff}\n",
     "4:18: not YAML: invalid leading UTF-8 octet; look for a missing colon, quote or bracket, or a tab"},
    {"NUL in a value", BASE "state: {directory: \"/a\\0b\"}\n",
     "4:20: state.directory: holds NUL; remove it"},
    {"line end in a value", BASE "state: {directory: \"/a\\nb\"}\n",
     "4:20: state.directory: holds a character that is not printable ASCII; remove it"},
    {"line end in a key", BASE "\"wor\\nkers\": {count: 1}\n",
     "4:1: wor?kers: unknown key, did you mean workers; give one of networks, listeners, peers, "
     "applications, retry, routes, "
     "workers, memory, dialogs, "
     "transactions, timers, limits, application_limits, overload, prefilter, bans, metrics, control, "
     "records, "
     "capture, events, state, "
     "include"},
};

static void test_shape(void **state)
{
    check_rows(shape_rows, sizeof(shape_rows) / sizeof(shape_rows[0]));
}

static const struct row single_rows[] = {
    {"not a number", BASE "workers: {count: two}\n",
     "4:18: workers.count: 'two' is not a whole number; give one from 1 to 64"},
    {"too small", BASE "workers: {count: 0}\n", "4:18: workers.count: 0 is out of range; give 1 to 64"},
    {"too large", BASE "workers: {count: 65}\n", "4:18: workers.count: 65 is out of range; give 1 to 64"},
    {"quoted number", BASE "workers: {count: '2'}\n", NULL},
    {"no value", BASE "workers:\n  count:\n", "5:9: workers.count: has no value; give one or remove the key"},
    {"timer C at least 180 s", BASE "timers: {c: 179s}\n",
     "4:13: timers.c: 179s is out of range; give 3m to 1h"},
    {"timer C of 180 s", BASE "timers: {c: 180s}\n", NULL},
    {"no unit", BASE "timers: {t1: 5}\n",
     "4:14: timers.t1: '5' is not a duration such as 500ms, 5s, 5m or 12h; give one from 100ms to 5s"},
    {"decimal unit", BASE "dialogs: {arena: 64MB}\n",
     "4:18: dialogs.arena: '64MB' is not a size in octets, KiB, MiB or GiB such as 64MiB; give one from 8MiB "
     "to 64GiB"},
    {"no choice", BASE "prefilter: {mode: on}\n",
     "4:19: prefilter.mode: 'on' is not known here; give off | dry-run | enforce"},
    {"YAML 1.1 truth", PEERS "routes: [{from: p, to: q, to_us: yes}]\n",
     "10:34: routes[0].to_us: 'yes' is not known here; give false | true"},
    {"prefix with host bits", BASE "prefilter: {deny: [10.0.0.0/8, 10.1.1.1/16]}\n",
     "4:32: prefilter.deny[1]: 10.1.1.1/16 has bits set behind its length; give 10.1.0.0/16"},
    {"prefix too long", BASE "prefilter: {deny: [10.0.0.0/33]}\n",
     "4:20: prefilter.deny[0]: '10.0.0.0/33' is not a prefix; give one such as 192.0.2.0/24 or "
     "2001:db8::/32"},
    {"listener without address", "networks: {n: {interface: e0}}\nlisteners:\n  - name: a\n    network: n\n",
     "3:5: listeners[0].address: is missing; give an address"},
    {"listener bound to one link",
     "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 'fe80::1'}]\n",
     "2:44: listeners[0].address: fe80::1 is not a unicast address; give the address of a host"},
    {"listener IPv4 in IPv6's clothes",
     "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: '::ffff:10.0.0.1'}]\n",
     "2:44: listeners[0].address: '::ffff:10.0.0.1' is not an address; give one such as 192.0.2.1 or "
     "2001:db8::1"},
    {"listener on any address",
     "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 0.0.0.0}]\n",
     "2:44: listeners[0].address: 0.0.0.0 is not a unicast address; give the address of a host"},
    {"member without address", PEERS "  - name: r\n    listener: a\n    members:\n      - {port: 5060}\n",
     "13:9: peers[2].members[0]: has neither address nor host; give one of them"},
    {"port too large", PEERS "  - {name: r, listener: a, members: [{address: 10.0.1.9, port: 65536}]}\n",
     "10:64: peers[2].members[0].port: 65536 is out of range; give 1 to 65535"},
    {"metrics", BASE "metrics: {listen: localhost:80}\n",
     "4:19: metrics.listen: 'localhost:80' is not an address and port; give such as 127.0.0.1:9464 or "
     "[::1]:9464"},
    {"directory", BASE "state: {directory: var}\n",
     "4:20: state.directory: 'var' is not an absolute path; begin with /"},
};

#define OF(listener) BASE "peers:\n  - {name: p, sources: [10.1.0.0/16], listener" listener "}\n"
static const struct row listener_rows[] = {
    {"one", OF(": a"), NULL},
    {"a list of one", OF(": [a]"), NULL},
    {"lines", BASE "peers:\n  - name: p\n    sources: [10.1.0.0/16]\n    listener:\n      - a\n", NULL},
    {"none", BASE "peers: [{name: p, sources: [10.1.0.0/16]}]\n",
     "4:9: peers[0].listener: is missing; give a name, or a list of 1 to 4"},
    {"empty", OF(": ''"), "5:49: peers[0].listener: has no value; give one or remove the key"},
    {"an empty list", OF(": []"), "5:49: peers[0].listener: names nothing; give a name, or a list of 1 to 4"},
    {"a mapping", OF(": {a: b}"), "5:49: peers[0].listener: names nothing; give a name, or a list of 1 to 4"},
    {"an entry that is a list", OF(": [[a]]"),
     "5:50: peers[0].listener[0]: is not a single value; give one without { } or [ ]"},
    {"an entry that is a mapping", OF(": [a, {a: b}]"),
     "5:53: peers[0].listener[1]: is not a single value; give one without { } or [ ]"},
    {"no name", OF(": [a, 1b]"),
     "5:53: peers[0].listener[1]: '1b' is not a name; give a letter, then letters, digits, '-' and '_'"},
    {"five", OF(": [a, b, c, d, e]"), "5:62: peers[0].listener[4]: is one too many; give at most 4"},
    {"twice", OF(": a, listener: a"), "5:52: peers[0].listener: is given twice, first in line 5; remove one"},
};

static void test_listeners(void **state)
{
    check_rows(listener_rows, sizeof(listener_rows) / sizeof(listener_rows[0]));
}

static void test_single(void **state)
{
    check_rows(single_rows, sizeof(single_rows) / sizeof(single_rows[0]));
}

// Octets that no editor writes: every one of them changed in a good text gives a configuration or one line.
static void test_damage(void **state)
{
    static const char good[] = PEERS "routes: [{from: p, to: q}]\ntimers: {t1: 500ms}\n";
    char copy[sizeof(good)], error[512];
    size_t refused = 0;
    for (size_t i = 0; i < sizeof(good) - 1; i++)
        for (unsigned octet = 0; octet < 256; octet += 7) {
            memcpy(copy, good, sizeof(good));
            copy[i] = (char)octet;
            struct config *config = config_parse(copy, sizeof(good) - 1, "t", error, sizeof(error));
            refused += !config;
            if (!config) {
                assert_int_equal(strncmp(error, "t:", 2), 0);
                assert_null(strchr(error, '\n'));
            }
            config_free(config);
        }
    assert_true(refused > 1000);
}

static void test_load(void **state)
{
    char error[256], path[] = "/tmp/dialgate-config-XXXXXX";
    assert_null(config_load("/nonexistent/file", error, sizeof(error)));
    assert_string_equal(
        error, "/nonexistent/file: cannot be read: No such file or directory; give a readable file of "
               "at most 4 MiB");
    assert_null(config_load("/tmp", error, sizeof(error)));
    assert_non_null(strstr(error, "/tmp: cannot be read: Is a directory"));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, BASE, sizeof(BASE) - 1), sizeof(BASE) - 1);
    struct config *config = config_load(path, error, sizeof(error));
    assert_non_null(config);
    config_free(config);
    assert_int_equal(ftruncate(fd, CONFIG_FILE_SIZE_MAX + 1), 0);
    assert_null(config_load(path, error, sizeof(error)));
    assert_non_null(strstr(error, "File too large"));
    close(fd);
    unlink(path);
    // A caller may not want the words.
    assert_null(config_parse("a", 1, "t", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shape), cmocka_unit_test(test_listeners),
                                       cmocka_unit_test(test_single), cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_load)};
    return cmocka_run_group_tests_name("config parse", tests, NULL, NULL);
}
