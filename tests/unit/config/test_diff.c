// SPDX-License-Identifier: BSD-3-Clause
// What differs between two configurations: each row's changes, one a line.
#include "rows.h"

struct told {
    char text[1024];
    size_t length;
};

static void tell(void *context, const struct config_change *change)
{
    static const char marks[] = {[CONFIG_CHANGED] = '~', [CONFIG_ADDED] = '+', [CONFIG_REMOVED] = '-'};
    struct told *told = context;
    told->length +=
        (size_t)snprintf(told->text + told->length, sizeof(told->text) - told->length, "%c %s|%s|%s|%s\n",
                         marks[change->kind], change->path, change->before, change->after, change->effect);
}

#define MORE(text) PEERS text

static const struct {
    const char *name, *old, *new, *changes;
} rows[] = {
    {"nothing", PEERS, PEERS, ""},
    {"a default said", BASE, BASE "workers: {count: 1}\ntimers: {b: 32s}\n", ""},
    {"a value", BASE, BASE "timers: {t1: 1s}\n", "~ timers.t1|500ms|1s|reload\n~ timers.b|32s|64s|reload\n"},
    {"a value that needs a restart", BASE, BASE "workers: {count: 2}\n",
     "~ workers.count|1|2|restart of dialgate-dataplane\n"},
    {"one of control", BASE, BASE "metrics: {listen: 127.0.0.1:1}\n",
     "~ metrics.listen|127.0.0.1:9464|127.0.0.1:1|restart of dialgate-control\n"},
    {"a value that was none", BASE, BASE "dialogs: {keepalive: 1m}\n", "~ dialogs.keepalive||1m|reload\n"},
    {"a bucket", BASE, BASE "prefilter: {stranger: {burst: 21}}\n",
     "~ prefilter.stranger.burst|20|21|reload\n"},
    {"a text", BASE, BASE "state: {directory: /it's}\n",
     "~ state.directory|'/dev/shm/dialgate'|'/it''s'|restart of dialgate-dataplane\n"},
    {"prefixes", BASE "prefilter: {deny: [1.0.0.0/8, 2.0.0.0/8]}\n",
     BASE "prefilter: {deny: [3.0.0.0/8, 1.0.0.0/8]}\n",
     "- prefilter.deny|2.0.0.0/8||reload\n+ prefilter.deny||3.0.0.0/8|reload\n"},
    {"a network that came", BASE,
     "networks: {n: {interface: e0}, m: {interface: e1, queues: 2}}\nlisteners: [{name: a, network: n, "
     "address: 10.0.0.1}]\n",
     "+ networks.m||interface: e1, queues: 2|restart of dialgate-dataplane\n"},
    {"a network that went",
     "networks: {n: {interface: e0}, m: {interface: e1}}\nlisteners: [{name: a, network: n, address: "
     "10.0.0.1}]\n",
     BASE, "- networks.m|interface: e1||restart of dialgate-dataplane\n"},
    {"a network's key", BASE,
     "networks: {n: {interface: e0, queues: 2}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}]\n",
     "~ networks.n.queues|1|2|restart of dialgate-dataplane\n"},
    {"a listener", BASE "  - {name: b, network: n, address: 10.0.0.2}\n",
     BASE "  - {name: c, network: n, address: 10.0.0.2, port: 9}\n",
     "- listeners.b|name: b, network: n, address: 10.0.0.2||reload\n+ listeners.c||name: c, network: n, "
     "address: 10.0.0.2, port: 9|reload\n"},
    {"listeners in another order", BASE "  - {name: b, network: n, address: 10.0.0.2}\n",
     "networks: {n: {interface: e0}}\nlisteners:\n  - {name: b, network: n, address: 10.0.0.2, port: 7}\n  - "
     "{name: a, network: n, address: 10.0.0.1}\n",
     "~ listeners.b.port|5060|7|reload\n"},
    {"a peer that came", PEERS,
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], members: [{address: 10.9.0.1}]}\n",
     "+ peers.r||name: r, listener: a, sources: [10.9.0.0/16]|reload\n"},
    {"a peer that went, others in another place",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\n",
     BASE "peers:\n  - {name: r, listener: a, sources: [10.9.0.0/16]}\n  - {name: q, listener: a, members: "
          "[{address: 10.0.1.2}]}\n",
     "- peers.p|name: p, listener: a||reload\n"},
    {"a peer's keys", PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\n",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], fail_open: false, limits: {burst: 5, "
           "calls_per_second: 5}, failover: {statuses: [503]}}\n",
     "~ peers.r.fail_open|true|false|reload\n~ peers.r.failover.statuses|[408, 503]|[503]|reload\n"
     "~ peers.r.limits.calls_per_second||5|reload\n~ peers.r.limits.burst||5|reload\n"},
    {"members",
     PEERS "  - {name: r, listener: a, members: [{address: 10.9.0.1}, {host: a.b}, {address: 10.9.0.2}]}\n",
     PEERS "  - {name: r, listener: a, members: [{address: 10.9.0.2, weight: 3}, {host: a.b, port: 9}, "
           "{address: 10.9.0.1}]}\n",
     "- peers.r.members.a.b:5060|host: 'a.b'||reload\n~ peers.r.members.10.9.0.2:5060.weight|1|3|reload\n"
     "+ peers.r.members.a.b:9||host: 'a.b', port: 9|reload\n"},
    {"a route between", PEERS "routes: [{from: p, to: q}, {from: q, to: p}]\n",
     PEERS "routes: [{from: p, to: q}, {from: q, method: BYE, answer: 404}, {from: q, to: p}]\n",
     "+ routes[1]||from: q, method: BYE, answer: 404|reload\n"},
    {"a route's key", PEERS "routes: [{from: p, to: q}, {from: q, to: p}]\n",
     PEERS "routes: [{from: p, to: q, strip: 2}, {from: q, to: p}]\n", "~ routes[0].strip|0|2|reload\n"},
    {"routes that went", PEERS "routes: [{from: p, to: q}, {from: q, to: p}]\n", PEERS,
     "- routes[0]|from: p, to: q||reload\n- routes[1]|from: q, to: p||reload\n"},
    {"from the environment", BASE "limits: {concurrent_calls: '${DG_TWO}0'}\n",
     BASE "limits: {concurrent_calls: '${DG_TWO}1'}\n",
     "~ limits.concurrent_calls|'${DG_TWO}0'|'${DG_TWO}1'|reload\n"},
    {"the same from the environment", BASE "limits: {concurrent_calls: 2}\n",
     BASE "limits: {concurrent_calls: '${DG_TWO}'}\n", ""},
    {"a prefix from the environment", BASE, BASE "prefilter: {deny: ['10.${DG_TWO}.0.0/16']}\n",
     "+ prefilter.deny||'10.${DG_TWO}.0.0/16'|reload\n"},
};

static void test_rows(void **state)
{
    int failed = 0;
    setenv("DG_TWO", "2", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *old = parse_good(rows[i].old), *new = parse_good(rows[i].new);
        struct told told = {.length = 0};
        assert_int_equal(config_diff(old, new, tell, &told), 0);
        if (strcmp(told.text, rows[i].changes) != 0) {
            print_error("row '%s': expected\n%sgot\n%s", rows[i].name, rows[i].changes, told.text);
            failed++;
        }
        config_free(old);
        config_free(new);
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests_name("config diff", tests, NULL, NULL);
}
