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

#define TWO_LISTENERS BASE "  - {name: b, network: n, address: 10.0.0.2}\n"
#define ROUTES(rows)  PEERS "routes: [" rows "]\n"
#define MEMBERS(rows) BASE "peers: [{name: p, listener: a, members: [" rows "]}]\n"

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
     "~ listeners|a, b|b, a|restart of dialgate-dataplane\n"
     "~ listeners.b.port|5060|7|restart of dialgate-dataplane\n"},
    {"a listener that went, others behind it", TWO_LISTENERS,
     "networks: {n: {interface: e0}}\nlisteners: [{name: b, network: n, address: 10.0.0.2}]\n",
     "- listeners.a|name: a, network: n, address: 10.0.0.1||restart of dialgate-dataplane\n"},
    {"a listener that came before others", BASE,
     "networks: {n: {interface: e0}}\nlisteners: [{name: b, network: n, address: 10.0.0.2}, {name: a, "
     "network: n, address: 10.0.0.1}]\n",
     "+ listeners.b||name: b, network: n, address: 10.0.0.2|restart of dialgate-dataplane\n"},
    {"networks in another order",
     "networks: {n: {interface: e0}, m: {interface: e1}}\nlisteners: [{name: a, network: n, address: "
     "10.0.0.1}]\n",
     "networks: {m: {interface: e1}, n: {interface: e0}}\nlisteners: [{name: a, network: n, address: "
     "10.0.0.1}]\n",
     "~ networks|n, m|m, n|restart of dialgate-dataplane\n"},
    {"a peer that came", PEERS,
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], members: [{address: 10.9.0.1}]}\n",
     "+ peers.r||name: r, listener: a, sources: [10.9.0.0/16]|reload\n"
     "+ peers.r.members.10.9.0.1:5060||address: 10.9.0.1|reload\n"},
    {"a peer that came with limits, before others",
     BASE "peers:\n  - {name: p, listener: a, sources: [10.9.0.0/16]}\n",
     BASE "peers:\n  - {name: q, listener: a, sources: [10.8.0.0/16], limits: {concurrent_calls: 7}}\n"
          "  - {name: p, listener: a, sources: [10.9.0.0/16]}\n",
     "+ peers.q||name: q, listener: a, sources: [10.8.0.0/16]|reload\n+ peers.q.limits||concurrent_calls: "
     "7|reload\n"},
    {"statuses in another order",
     BASE "peers: [{name: p, listener: a, sources: [10.9.0.0/16], failover: {statuses: [503, 408]}}]\n",
     BASE "peers: [{name: p, listener: a, sources: [10.9.0.0/16]}]\n", ""},
    {"listeners of a peer in another order",
     TWO_LISTENERS "peers: [{name: p, listener: [a, b], sources: [10.9.0.0/16]}]\n",
     TWO_LISTENERS "peers: [{name: p, listener: [b, a], sources: [10.9.0.0/16]}]\n",
     "~ peers.p.listener|[a, b]|[b, a]|reload\n"},
    {"a peer that went, others in another place",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\n",
     BASE "peers:\n  - {name: r, listener: a, sources: [10.9.0.0/16]}\n  - {name: q, listener: a, members: "
          "[{address: 10.0.1.2}]}\n",
     "- peers.p|name: p, listener: a||reload\n- peers.p.members.10.0.1.1:5060|address: 10.0.1.1||reload\n"},
    {"a peer's keys", PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\n",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], fail_open: false, limits: {burst: 5, "
           "calls_per_second: 5}, failover: {statuses: [503]}}\n",
     "~ peers.r.fail_open|true|false|reload\n~ peers.r.failover.statuses|[408, 503]|[503]|reload\n"
     "~ peers.r.limits.calls_per_second||5|reload\n~ peers.r.limits.burst||5|reload\n"},
    {"members in another order", MEMBERS("{address: 10.9.0.1}, {address: 10.9.0.2}, {address: 10.9.0.3}"),
     MEMBERS("{address: 10.9.0.3}, {address: 10.9.0.1}"),
     "~ peers.p.members|10.9.0.1:5060, 10.9.0.3:5060|10.9.0.3:5060, 10.9.0.1:5060|reload\n"
     "- peers.p.members.10.9.0.2:5060|address: 10.9.0.2||reload\n"},
    {"members in an order that means the same",
     MEMBERS("{address: 10.9.0.1}, {address: 10.9.0.2, priority: 2}"),
     MEMBERS("{address: 10.9.0.2, priority: 2}, {address: 10.9.0.1}"), ""},
    {"members",
     PEERS "  - {name: r, listener: a, members: [{address: 10.9.0.1}, {host: a.b}, {address: 10.9.0.2}]}\n",
     PEERS "  - {name: r, listener: a, members: [{address: 10.9.0.2, weight: 3}, {host: a.b, port: 9}, "
           "{address: 10.9.0.1}]}\n",
     "~ peers.r.members|10.9.0.1:5060, 10.9.0.2:5060|10.9.0.2:5060, 10.9.0.1:5060|reload\n"
     "- peers.r.members.a.b:5060|host: 'a.b'||reload\n~ peers.r.members.10.9.0.2:5060.weight|1|3|reload\n"
     "+ peers.r.members.a.b:9||host: 'a.b', port: 9|reload\n"},
    {"a route between", PEERS "routes: [{from: p, to: q}, {from: q, to: p}]\n",
     PEERS "routes: [{from: p, to: q}, {from: q, method: BYE, answer: 404}, {from: q, to: p}]\n",
     "+ routes[1]||from: q, method: BYE, answer: 404|reload\n"},
    {"a route's key", PEERS "routes: [{from: p, to: q}, {from: q, to: p}]\n",
     PEERS "routes: [{from: p, to: q, strip: 2}, {from: q, to: p}]\n", "~ routes[0].strip|0|2|reload\n"},
    {"a route that moved", ROUTES("{from: p, to: q}, {from: q, to: p}, {from: p, method: BYE, to: p}"),
     ROUTES("{from: p, method: BYE, to: p}, {from: p, to: q}, {from: q, to: p}"),
     "+ routes[0]||from: p, method: BYE, to: p|reload\n- routes[2]|from: p, method: BYE, to: p||reload\n"},
    {"a route that came and another's key", ROUTES("{from: p, to: q}, {from: q, to: p}, {from: p, to: p}"),
     ROUTES("{from: q, to: q}, {from: p, to: q}, {from: q, to: p, strip: 2}, {from: p, to: p}"),
     "+ routes[0]||from: q, to: q|reload\n~ routes[2].strip|0|2|reload\n"},
    {"routes that went", PEERS "routes: [{from: p, to: q}, {from: q, to: p}]\n", PEERS,
     "- routes[0]|from: p, to: q||reload\n- routes[1]|from: q, to: p||reload\n"},
    {"from the environment", BASE "limits: {concurrent_calls: '${DG_TWO}0'}\n",
     BASE "limits: {concurrent_calls: '${DG_TWO}1'}\n",
     "~ limits.concurrent_calls|'${DG_TWO}0'|'${DG_TWO}1'|reload\n"},
    {"the same from the environment", BASE "limits: {concurrent_calls: 2}\n",
     BASE "limits: {concurrent_calls: '${DG_TWO}'}\n", ""},
    {"a prefix from the environment", BASE, BASE "prefilter: {deny: ['10.${DG_TWO}.0.0/16']}\n",
     "+ prefilter.deny||'10.${DG_TWO}.0.0/16'|reload\n"},
    {"quotes of the environment", BASE, BASE "records: {file: '/it''s/${DG_TWO}'}\n",
     "~ records.file||'/it''s/${DG_TWO}'|reload\n"},
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
