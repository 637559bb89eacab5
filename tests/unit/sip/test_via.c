// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "uri.h"

struct expected {
    const char *whole, *transport, *host;
    int port;
    const char *branch, *received, *rport;
    int rport_port;
};

struct row {
    const char *name, *text;
    int values, result;
    struct expected value[2];
};

#define NOTHING                                                                                              \
    {                                                                                                        \
        {                                                                                                    \
            NULL, NULL, NULL, 0, NULL, NULL, NULL, 0                                                         \
        }                                                                                                    \
    }

static const struct row rows[] = {
    {"usual",
     "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKa",
     1,
     0,
     {{"SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKa", "UDP", "192.0.2.1", 5062, "z9hG4bKa", NULL, NULL, 0}}},
    {"rport",
     "SIP/2.0/UDP h;rport;branch=b",
     1,
     0,
     {{"SIP/2.0/UDP h;rport;branch=b", "UDP", "h", 0, "b", NULL, "rport", 0}}},
    {"filled",
     "SIP/2.0/UDP h;branch=b;received=192.0.2.9;rport=1025",
     1,
     0,
     {{"SIP/2.0/UDP h;branch=b;received=192.0.2.9;rport=1025", "UDP", "h", 0, "b", "192.0.2.9", "rport=1025",
       1025}}},
    {"no parameters",
     "SIP/2.0/TCP example.com",
     1,
     0,
     {{"SIP/2.0/TCP example.com", "TCP", "example.com", 0, NULL, NULL, NULL, 0}}},
    {"IPv6",
     "SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::1;branch=b",
     1,
     0,
     {{"SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::1;branch=b", "UDP", "[2001:db8::9:1]", 5060, "b",
       "2001:db8::1", NULL, 0}}},
    {"lower case",
     "sip/2.0/udp h;BRANCH=b",
     1,
     0,
     {{"sip/2.0/udp h;BRANCH=b", "udp", "h", 0, "b", NULL, NULL, 0}}},
    {"white space everywhere",
     "SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ; branch = b ; rport",
     1,
     0,
     {{"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ; branch = b ; rport", "UDP", "192.0.2.2", 5060, "b",
       NULL, "rport", 0}}},
    {"two",
     "SIP/2.0/UDP a;branch=1,SIP/2.0/UDP b;branch=2",
     2,
     0,
     {{"SIP/2.0/UDP a;branch=1", "UDP", "a", 0, "1", NULL, NULL, 0},
      {"SIP/2.0/UDP b;branch=2", "UDP", "b", 0, "2", NULL, NULL, 0}}},
    {"two with white space",
     "SIP / 2.0/TCP a.b ;\r\n  branch  =   1 ,\r\n SIP  /    2.0   / UDP  b   ; branch=2",
     2,
     0,
     {{"SIP / 2.0/TCP a.b ;\r\n  branch  =   1", "TCP", "a.b", 0, "1", NULL, NULL, 0},
      {"SIP  /    2.0   / UDP  b   ; branch=2", "UDP", "b", 0, "2", NULL, NULL, 0}}},
    {"comma in quotes",
     "SIP/2.0/UDP a;x=\",SIP/2.0/UDP b\";branch=1",
     1,
     0,
     {{"SIP/2.0/UDP a;x=\",SIP/2.0/UDP b\";branch=1", "UDP", "a", 0, "1", NULL, NULL, 0}}},
    {"comment",
     "SIP/2.0/UDP a;branch=1 (of (a, \\) b);rport), SIP/2.0/UDP b",
     2,
     0,
     {{"SIP/2.0/UDP a;branch=1", "UDP", "a", 0, "1", NULL, NULL, 0},
      {"SIP/2.0/UDP b", "UDP", "b", 0, NULL, NULL, NULL, 0}}},
    {"nothing", "", 0, 0, NOTHING},
    {"trailing comma", "SIP/2.0/UDP a,", 1, -1, {{"SIP/2.0/UDP a", "UDP", "a", 0, NULL, NULL, NULL, 0}}},
    {"leading comma", ",SIP/2.0/UDP a", 0, -1, NOTHING},
    {"no host", "SIP/2.0/UDP", 0, -1, NOTHING},
    {"no host but parameters", "SIP/2.0/UDP ;branch=1", 0, -1, NOTHING},
    {"no transport", "SIP/2.0 h", 0, -1, NOTHING},
    {"other version", "SIP/7.0/UDP h", 0, -1, NOTHING},
    {"other protocol", "HTTP/2.0/UDP h", 0, -1, NOTHING},
    {"port 0", "SIP/2.0/UDP h:0", 0, -1, NOTHING},
    {"port 65536", "SIP/2.0/UDP h:65536", 0, -1, NOTHING},
    {"no port", "SIP/2.0/UDP h:;branch=1", 0, -1, NOTHING},
    {"empty parameters", "SIP/2.0/UDP h;;branch=1", 0, -1, NOTHING},
    {"empty branch", "SIP/2.0/UDP h;branch=", 0, -1, NOTHING},
    {"branch without a value", "SIP/2.0/UDP h;branch;rport", 0, -1, NOTHING},
    {"two branches", "SIP/2.0/UDP h;branch=1;branch=2", 0, -1, NOTHING},
    {"two rports", "SIP/2.0/UDP h;rport;rport=1", 0, -1, NOTHING},
    {"rport of letters", "SIP/2.0/UDP h;rport=x", 0, -1, NOTHING},
    {"rport too large", "SIP/2.0/UDP h;rport=65536", 0, -1, NOTHING},
    {"comment not closed", "SIP/2.0/UDP h (a", 0, -1, NOTHING},
    {"two hosts", "SIP/2.0/UDP a b", 0, -1, NOTHING},
};

static void test_next(void **state)
{
    for (unsigned i = 0; i < ROWS(rows); i++) {
        const struct row *row = &rows[i];
        size_t length = strlen(row->text);
        const uint8_t *text = guard_copy(row->text, length);
        const struct span all = {0, (uint16_t)length};
        struct via via;
        uint32_t at = 0;
        for (int n = 0; n < row->values; n++) {
            const struct expected *want = &row->value[n];
            assert_number(row->name, via_next(text, all, &at, &via), 1);
            assert_span(row->name, text, via.whole, want->whole);
            assert_span(row->name, text, via.transport, want->transport);
            assert_span(row->name, text, via.host, want->host);
            assert_number(row->name, via.port, want->port);
            assert_span(row->name, text, via.branch, want->branch);
            assert_span(row->name, text, via.received, want->received);
            assert_number(row->name, via.has_rport, want->rport != NULL);
            assert_span(row->name, text, via.rport, want->rport);
            assert_number(row->name, via.rport_port, want->rport_port);
        }
        assert_number(row->name, via_next(text, all, &at, &via), row->result);
    }
}

static void test_next_cut(void **state)
{
    for (unsigned i = 0; i < ROWS(rows); i++)
        for (size_t length = 0; length <= strlen(rows[i].text); length++) {
            const uint8_t *text = guard_copy(rows[i].text, length);
            struct via via;
            uint32_t at = 0;
            unsigned steps = 0;
            while (via_next(text, (struct span){0, (uint16_t)length}, &at, &via) == 1) {
                assert_true(at <= length && ++steps <= length);
                assert_true((size_t)via.whole.offset + via.whole.length <= at);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next), cmocka_unit_test(test_next_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
