// SPDX-License-Identifier: BSD-3-Clause
#include "route.h"
#include "value.h"

static bool dump(const uint8_t *octets, struct span text, struct writer *out)
{
    struct via via;
    struct via_parameters parameters;
    uint32_t at = 0;
    if (via_next(octets, text, &at, &via) != 1 || via_parameters_read(octets, &via, &parameters) != 0)
        return false;
    dump_span(out, "", octets, via.host);
    dump_span(out, " received=", octets, via.received);
    dump_span(out, " maddr=", octets, parameters.maddr);
    if (parameters.has_ttl)
        dump_number(out, " ttl=", parameters.ttl);
    if (parameters.has_oc)
        write_text(out, " oc");
    dump_span(out, "=", octets, parameters.oc);
    dump_span(out, " oc-algo=", octets, parameters.oc_algorithm);
    dump_span(out, " oc-seq=", octets, parameters.oc_sequence);
    dump_number(out, " validity=", parameters.oc_validity_ms);
    return true;
}

static void test_via_parameters(void **state)
{
    static const struct value_row rows[] = {
        {"SIP/2.0/UDP h", "h validity=500"},
        {"SIP/2.0/UDP h;maddr=224.2.0.1;ttl=16;branch=b", "h maddr=224.2.0.1 ttl=16 validity=500"},
        {"SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];maddr=[::1]",
         "[2001:db8::9:1] received=[2001:db8::9:255] maddr=[::1] validity=500"},
        {"SIP/2.0/UDP h;received=2001:db8::9:255", "h received=2001:db8::9:255 validity=500"},
        {"SIP/2.0/UDP h;oc;oc-algo=\"loss,A\"", "h oc oc-algo=loss,A validity=500"},
        {"SIP/2.0/UDP h;TTL=0;oc=20;oc-algo=\"loss\";oc-validity=0;oc-seq=1282321615.782",
         "h ttl=0 oc=20 oc-algo=loss oc-seq=1282321615.782 validity=0"},
        {"SIP/2.0/UDP h;ttl=256", NULL},
        {"SIP/2.0/UDP h;ttl", NULL},
        {"SIP/2.0/UDP h;ttl=1;ttl=1", NULL},
        {"SIP/2.0/UDP h;maddr", NULL},
        {"SIP/2.0/UDP h;maddr=a;maddr=a", NULL},
        {"SIP/2.0/UDP h;maddr=a/b", NULL},
        {"SIP/2.0/UDP h;oc;oc", NULL},
        {"SIP/2.0/UDP h;oc=x", NULL},
        {"SIP/2.0/UDP h;oc-validity=x", NULL},
        {"SIP/2.0/UDP h;oc-algo", NULL},
    };
    CHECK_ROWS(rows, dump);
}

static bool dump_routes(const uint8_t *octets, struct span text, struct writer *out)
{
    struct message message = {.octets = octets};
    struct route_walk walk;
    struct route route;
    int more;
    // Two lines of the same kind with the same values.
    memset(message.first, MESSAGE_NO_HEADER, sizeof(message.first));
    message.first[HEADER_ROUTE] = 0;
    message.last[HEADER_ROUTE] = 1;
    message.header_count = 2;
    message.headers[0] = message.headers[1] = (struct header_field){text, text, HEADER_ROUTE};
    route_walk_init(&walk, &message, HEADER_ROUTE);
    while ((more = route_walk_next(&walk, &route)) == 1) {
        dump_span(out, "", octets, route.uri.host);
        write_text(out, route.is_loose ? ";lr|" : "|");
    }
    return more == 0;
}

static void test_route(void **state)
{
    static const struct value_row rows[] = {
        {"<sip:a;lr>,<sip:b>", "a;lr|b|a;lr|b|"},
        {"\"N\" <sip:x@a;LR=on>;p=q", "a;lr|a;lr|"},
        {"sip:a;lr", NULL},
        {"<sip:a;lr>,", NULL},
        {"<a>", NULL},
        {"<sip:a b>", NULL},
    };
    struct message none = {.header_count = 0};
    struct route_walk walk;
    struct route route;
    CHECK_ROWS(rows, dump_routes);
    memset(none.first, MESSAGE_NO_HEADER, sizeof(none.first));
    route_walk_init(&walk, &none, HEADER_PATH);
    assert_int_equal(route_walk_next(&walk, &route), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_via_parameters), cmocka_unit_test(test_route)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
