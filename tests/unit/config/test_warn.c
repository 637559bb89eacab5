// SPDX-License-Identifier: BSD-3-Clause
// What is legal but odd: each row's only warning, or none.
#include "nearest.h"
#include "rows.h"

// A listener for each of two peers.
#define TWO(rows)                                                                                            \
    BASE "  - {name: b, network: n, address: 10.0.0.2}\n"                                                    \
         "peers: [{name: p, listener: a, members: [{address: 10.0.1.1}]},\n"                                 \
         "  {name: q, listener: b, members: [{address: 10.0.1.2}]}]\nroutes: [" rows "]\n"

#define ROUTES(rows) PEERS "routes: [" rows "]\n"

static const struct row rows[] = {
    {"nothing odd", ROUTES("{from: p, to: q}"), NULL},
    {"network without listener",
     "networks: {n: {interface: e0}, m: {interface: e1}}\nlisteners: [{name: a, network: n, address: "
     "10.0.0.1}]\n",
     "1:35: networks.m: no listener is on this network: its interface is driven for nothing"},
    {"listener without peer",
     "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}, {name: b, "
     "network: n, address: 10.0.0.2}]\npeers: [{name: p, listener: a, sources: [10.1.0.0/16]}]\n",
     "2:55: listeners[1]: no peer names listener b: no request is sent from it"},
    {"peer without route", ROUTES("{from: p, to: p}"),
     "8:5: peers[1]: no route names this peer: its requests are answered 404, and none are sent to it"},
    {"member at our own address",
     PEERS "  - {name: r, listener: a, members: [{address: 10.0.0.1, port: 5070}]}\n",
     "10:48: peers[2].members[0].address: is our own address, that of listener a: nothing that is sent there "
     "leaves"},
    {"member on loopback", PEERS "  - {name: r, listener: a, members: [{address: 127.0.0.2}]}\n",
     "10:48: peers[2].members[0].address: is on no network of ours: it is loopback, and no listener of r is"},
    {"all on loopback",
     "networks: {n: {interface: lo}}\nlisteners: [{name: a, network: n, address: 127.0.0.1}]\n"
     "peers: [{name: p, listener: a, members: [{address: 127.0.0.2}]}]\n",
     NULL},
    {"only OPTIONS of any peer",
     ROUTES("{from: any-peer, method: OPTIONS, to_us: true, answer: 200}, {from: p, to: p}"),
     "8:5: peers[1]: no route names this peer: its requests are answered 404, and none are sent to it"},
    {"any peer is every peer", ROUTES("{from: any-peer, to: p}"), NULL},
    {"no routes at all", PEERS, NULL},
    {"source within another's",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\n  - {name: s, listener: a, sources: "
           "[10.9.1.0/24]}\n",
     "11:38: peers[3].sources[0]: lies within 10.9.0.0/16 of r; what it sends counts as from s"},
    {"source within its own", PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16, 10.9.1.0/24]}\n",
     NULL},
    {"sources side by side",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/24]}\n  - {name: s, listener: a, sources: "
           "[10.9.1.0/24]}\n",
     NULL},
    {"behind the inner one",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\n  - {name: s, listener: a, sources: "
           "[10.9.0.0/24]}\n  - {name: t, listener: a, sources: [10.10.0.0/24]}\n",
     "11:38: peers[3].sources[0]: lies within 10.9.0.0/16 of r; what it sends counts as from s"},
    {"member within another's source", PEERS "  - {name: r, listener: a, sources: [10.0.1.2/31]}\n",
     "9:39: peers[1].members[0].address: lies within 10.0.1.2/31 of r; what it sends counts as from q"},
    {"member beside another's source", PEERS "  - {name: r, listener: a, sources: [10.0.1.4/31]}\n", NULL},
    {"route behind a wider one", ROUTES("{from: p, to: q}, {from: p, method: INVITE, to: q}"),
     "10:28: routes[1]: is never reached: the route of line 10 takes all that it would"},
    {"route behind any-peer",
     ROUTES("{from: any-peer, to: q, uri_user: '+4'}, {from: p, to: q, uri_user: '+49', to_host: a.b}"),
     "10:51: routes[1]: is never reached: the route of line 10 takes all that it would"},
    {"route of another host", ROUTES("{from: p, to: q, uri_host: a.b}, {from: p, to: q, uri_host: c.d}"),
     NULL},
    {"route of the same host", ROUTES("{from: p, to: q, uri_host: a.b}, {from: p, to: p, uri_host: A.B}"),
     "10:43: routes[1]: is never reached: the route of line 10 takes all that it would"},
    {"route of a shorter number",
     ROUTES("{from: p, to: q, uri_user: '+49'}, {from: p, to: q, uri_user: '+4'}"), NULL},
    {"route of another listener",
     BASE "  - {name: b, network: n, address: 10.0.0.2}\npeers: [{name: p, listener: [a, b], sources: "
          "[10.1.0.0/16]}, {name: q, listener: b, members: [{address: 10.0.1.2}]}]\n"
          "routes: [{from: p, to: q, listener: a}, {from: p, to: q, listener: b}]\n",
     NULL},
    {"route of a listener where its peer does not speak",
     TWO("{from: p, to: q, listener: b}, {from: p, to: q}"),
     "7:37: routes[0].listener: is never reached: p never speaks at b"},
    {"route of a listener where nobody speaks",
     BASE
     "  - {name: b, network: n, address: 10.0.0.2}\nroutes: [{from: any-peer, answer: 404, listener: b}]\n",
     "5:50: routes[0].listener: is never reached: no peer speaks at b"},
    {"route of any peer at one's listener",
     TWO("{from: any-peer, answer: 404, listener: b}, {from: p, to: q}"), NULL},
    {"route behind its only listener's", TWO("{from: p, to: q, listener: a}, {from: p, to: q}"),
     "7:41: routes[1]: is never reached: the route of line 7 takes all that it would"},
    {"route of one of two listeners",
     BASE "  - {name: b, network: n, address: 10.0.0.2}\npeers: [{name: p, listener: [a, b], members: "
          "[{address: 10.0.1.2}]}]\nroutes: [{from: p, to: p, listener: a}, {from: p, to: p}]\n",
     NULL},
    {"route to us with a user", ROUTES("{from: p, to_us: true, uri_user: x, answer: 404}, {from: p, to: q}"),
     "10:43: routes[0].uri_user: is never reached: to_us takes only a request-URI without a user part"},
    {"route of any peer behind each one's",
     ROUTES("{from: p, to: q}, {from: q, to: p}, {from: any-peer, answer: 404}"),
     "10:46: routes[2]: is never reached: each peer has an earlier route that takes all that it would"},
    {"route of any peer behind a part of each one's",
     ROUTES("{from: p, to: q}, {from: q, method: INVITE, to: p}, {from: any-peer, answer: 404}"), NULL},
    {"route of any peer behind each one's at its listener",
     TWO("{from: p, to: q}, {from: any-peer, listener: a, answer: 404}, {from: q, to: p}"),
     "7:28: routes[1]: is never reached: each peer has an earlier route that takes all that it would"},
    {"route of a value in another case",
     ROUTES("{from: p, to: q, header: X-A, header_value: b}, {from: p, to: q, header: X-A, header_value: B}"),
     "10:58: routes[1]: is never reached: the route of line 10 takes all that it would"},
    {"route of more headers",
     ROUTES("{from: p, to: q, header: X-A, header_value: b}, {from: p, to: q, header: X-A}"), NULL},
    {"route of fewer headers",
     ROUTES("{from: p, to: q, header: x-a}, {from: p, to: p, header: X-A, header_value: b}"),
     "10:41: routes[1]: is never reached: the route of line 10 takes all that it would"},
    {"route of everything behind to_us", ROUTES("{from: p, to_us: true, answer: 404}, {from: p, to: q}"),
     NULL},
    {"what a peer sends from is dropped", PEERS "prefilter: {deny: [10.0.1.1]}\n",
     "10:20: prefilter.deny[0]: is what p sends from: all of it is dropped"},
    {"denied source",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\nprefilter: {deny: [10.9.0.0/16]}\n",
     "11:20: prefilter.deny[0]: is what r sends from: all of it is dropped"},
    {"denied part of a source",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16]}\nprefilter: {deny: [10.9.1.0/24]}\n", NULL},
    {"IPv6 source of a peer without an IPv6 listener",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16, '2001:db8::/32']}\n",
     "10:51: peers[2].sources[1]: is IPv6, and no listener of r is: nothing comes from there"},
    {"IPv4 source of a peer without an IPv4 listener",
     BASE "  - {name: b, network: n, address: '2001:db8::1'}\npeers:\n"
          "  - {name: p, listener: a, sources: [10.1.0.0/16]}\n"
          "  - {name: q, listener: b, sources: [10.2.0.0/16, '2001:db8::/32']}\n",
     "7:38: peers[1].sources[0]: is IPv4, and no listener of q is: nothing comes from there"},
    {"sources of both families, a listener of each",
     BASE "  - {name: b, network: n, address: '2001:db8::1'}\npeers:\n"
          "  - {name: p, listener: [a, b], sources: [10.1.0.0/16, '2001:db8::/32']}\n",
     NULL},
    {"peer's rate above that of all",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], limits: {calls_per_second: 9}}\nlimits: "
           "{calls_per_second: 8}\n",
     "10:79: peers[2].limits.calls_per_second: 9 is never reached: it is more than the 8 that "
     "limits.calls_per_second, which all peers share, lets through"},
    {"peer's rate above its INVITEs",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], limits: {calls_per_second: 5001}}\n",
     "10:79: peers[2].limits.calls_per_second: 5001 is never reached: it is more than the 5000 that "
     "prefilter.peer_invite.rate lets through"},
    {"peer's rate without a prefilter",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], limits: {calls_per_second: 5001}}\nprefilter: "
           "{mode: off}\n",
     NULL},
    {"peer's calls above those of all",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], limits: {concurrent_calls: 9}}\nlimits: "
           "{concurrent_calls: 8}\n",
     "10:79: peers[2].limits.concurrent_calls: 9 is never reached: it is more than the 8 that "
     "limits.concurrent_calls, which all peers share, lets through"},
    {"peer's calls above the dialogs",
     PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], limits: {concurrent_calls: 131073}}\nworkers: "
           "{count: 2}\n",
     "10:79: peers[2].limits.concurrent_calls: 131073 is never reached: it is more than the 131072 that "
     "dialogs.capacity of all workers holds"},
    {"calls out above the members'",
     PEERS "  - {name: r, listener: a, limits: {out_concurrent_calls: 21}, members: [{address: 10.9.0.1, "
           "capacity: 10}, {address: 10.9.0.2, capacity: 10}]}\n",
     "10:59: peers[2].limits.out_concurrent_calls: 21 is never reached: it is more than the 20 that capacity "
     "of its members holds"},
    {"calls out, one member without limit",
     PEERS "  - {name: r, listener: a, limits: {out_concurrent_calls: 21}, members: [{address: 10.9.0.1, "
           "capacity: 10}, {address: 10.9.0.2}]}\n",
     NULL},
    {"calls out, a host of many addresses",
     PEERS "  - {name: r, listener: a, limits: {out_concurrent_calls: 160}, members: [{host: a.b, capacity: "
           "10}]}\n",
     NULL},
    {"rate out above the members'",
     PEERS "  - {name: r, listener: a, limits: {out_calls_per_second: 3}, members: [{address: 10.9.0.1, "
           "calls_per_second: 2}]}\n",
     "10:59: peers[2].limits.out_calls_per_second: 3 is never reached: it is more than the 2 that "
     "calls_per_second of its members lets through"},
    {"fail-over after a time, once",
     PEERS "  - {name: r, listener: a, failover: {after: 4s, attempts: 1}, members: [{host: a.b}]}\n",
     "10:46: peers[2].failover.after: has no effect with attempts: 1"},
    {"fail-over of one member",
     PEERS "  - {name: r, listener: a, failover: {after: 4s}, members: [{address: 10.9.0.1}]}\n",
     "10:46: peers[2].failover.after: has no effect with one member"},
    {"fail-over of a host",
     PEERS "  - {name: r, listener: a, failover: {after: 4s}, members: [{host: a.b}]}\n", NULL},
    {"probes of nobody", PEERS "  - {name: r, listener: a, sources: [10.9.0.0/16], probe: {interval: 5s}}\n",
     "10:70: peers[2].probe.interval: has no effect without members"},
    {"From of no probes",
     PEERS "  - {name: r, listener: a, members: [{address: 10.9.0.1}], probe: {from: 'sip:a@b.c'}}\n",
     "10:74: peers[2].probe.from: has no effect without interval"},
    {"group of no use", PEERS "  - {name: r, listener: a, members: [{address: 10.9.0.1}], group: g}\n",
     "10:67: peers[2].group: has no effect unless dialogs.in_dialog is group"},
    {"no groups", PEERS "dialogs: {in_dialog: group}\n",
     "10:22: dialogs.in_dialog: no peer has a group: only a dialog's own peers may speak in it"},
    {"groups",
     PEERS
     "  - {name: r, listener: a, members: [{address: 10.9.0.1}], group: g}\ndialogs: {in_dialog: group}\n",
     NULL},
    {"burst of no rate", PEERS "limits: {burst: 5}\n",
     "10:17: limits.burst: has no effect without calls_per_second"},
    {"calls above the dialogs", PEERS "limits: {concurrent_calls: 65537}\n",
     "10:28: limits.concurrent_calls: is never reached: dialogs.capacity of all workers is less"},
    {"keepalive above the lifetime", PEERS "dialogs: {keepalive: 10m, lifetime: 10m}\n",
     "10:22: dialogs.keepalive: has no effect: dialogs.lifetime ends a dialog before"},
    {"INVITEs above all SIP", PEERS "prefilter: {peer: {rate: 10}, peer_invite: {rate: 11}}\n",
     "10:51: prefilter.peer_invite.rate: is never reached: prefilter.peer.rate, which counts INVITEs too, is "
     "less"},
    {"strangers' INVITEs above all", PEERS "prefilter: {stranger: {rate: 1}}\n",
     "10:12: prefilter.stranger_invite.rate: is never reached: prefilter.stranger.rate, which counts INVITEs "
     "too, is less"},
    {"a stranger above all of them", PEERS "prefilter: {stranger: {rate: 1001}}\n",
     "10:30: prefilter.stranger.rate: is never reached: prefilter.strangers.rate, which counts all of them, "
     "is less"},
};

static void test_rows(void **state)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[512] = "";
        struct config *config = parse_good(rows[i].text);
        const char *first = config_warning_at(config, 0);
        if (rows[i].error)
            snprintf(expected, sizeof(expected), "t:%s", rows[i].error);
        if (strcmp(first ? first : "", expected) != 0 || (first && config_warning_at(config, 1))) {
            print_error("row '%s': expected '%s', got '%s' and '%s'\n", rows[i].name, expected,
                        first ? first : "",
                        first && config_warning_at(config, 1) ? config_warning_at(config, 1) : "");
            failed++;
        }
        config_free(config);
    }
    assert_int_equal(failed, 0);
}

// Files that people begin with are not odd.
static void test_shipped(void **state)
{
    static const char *const files[] = {
        SOURCE_ROOT "/config/dialgate.yaml",
        SOURCE_ROOT "/config/examples/application.yaml",
        SOURCE_ROOT "/config/examples/from-kamailio.yaml",
        SOURCE_ROOT "/config/examples/lab.yaml",
        SOURCE_ROOT "/config/examples/one-armed.yaml",
        SOURCE_ROOT "/config/examples/trunk.yaml",
        SOURCE_ROOT "/config/examples/two-armed.yaml",
        SOURCE_ROOT "/config/examples/two-nodes/node-a.yaml",
        SOURCE_ROOT "/config/examples/two-nodes/node-b.yaml",
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char error[512] = "";
        struct config *config = config_load(files[i], error, sizeof(error));
        assert_string_equal(error, "");
        if (config_warning_at(config, 0))
            fail_msg("%s", config_warning_at(config, 0));
        config_free(config);
    }
}

// More oddities than are kept: the first ones stay.
static void test_many(void **state)
{
    char *text = NULL;
    size_t size = 0, count = 0;
    FILE *out = open_memstream(&text, &size);
    fputs(PEERS "routes:\n", out);
    for (int i = 0; i < 100; i++)
        fputs("  - {from: any-peer, to: p}\n", out);
    fclose(out);
    struct config *config = parse_good(text);
    while (config_warning_at(config, count))
        count++;
    assert_int_equal(count, 32);
    assert_string_equal(config_warning_at(config, 0),
                        "t:12:5: routes[1]: is never reached: the route of line 11 takes all that it would");
    config_free(config);
    free(text);
}

static void test_nearest(void **state)
{
    static const struct {
        const char *word, *names, *found;
    } words[] = {
        {"idel", "count, idle", "idle"},
        {"nam", "listener, name", "name"},
        {"calls_per_secnd", "calls_per_second, out_calls_per_second", "calls_per_second"},
        {"a", "b, c", NULL},
        {"", "a", NULL},
        {"port", "", NULL},
        {"weight", "priority, capacity", NULL},
        {"0123456789012345678901234567890", "0123456789012345678901234567890",
         "0123456789012345678901234567890"},
        {"01234567890123456789012345678901", "01234567890123456789012345678901", NULL},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char found[NEAREST_WORD_MAX + 1] = "";
        assert_int_equal(nearest_name(words[i].word, words[i].names, found, sizeof(found)),
                         words[i].found != NULL);
        assert_string_equal(found, words[i].found ? words[i].found : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests_name("config warnings", tests, NULL, NULL);
}
