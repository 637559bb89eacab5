// SPDX-License-Identifier: BSD-3-Clause
// Strict routers (RFC 3261 16.4, 16.6 step 6, 16.12.1.2, 12.2.1.1) before and behind us, and maddr.
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "strict.h"
#include "tests.h"

enum layout { LINES, JOINED, TWO_LINES };

struct routes {
    char values[16][256];
    unsigned count;
};

static void read_routes(const char *text, struct routes *routes)
{
    struct message message;
    assert_int_equal(message_parse((const uint8_t *)text, (uint32_t)strlen(text), &message), MESSAGE_FINE);
    routes->count = 0;
    for (uint8_t field = message.first[HEADER_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(&message, field)) {
        uint32_t at = 0;
        struct address address;
        while (address_next(message.octets, message.headers[field].value, &at, &address) == 1)
            snprintf(routes->values[routes->count++], 256, "%.*s", address.whole.length,
                     text + address.whole.offset);
    }
}

// A request as it leaves a strict router that got it as it is: the first Route value becomes the Request-URI,
// which becomes the last Route value (RFC 2543 6.34).
static void route_strictly(char text[WIRE_TEXT_MAX], enum layout layout, bool with_target)
{
    struct routes routes;
    char out[WIRE_TEXT_MAX], method[16], uri[256];
    size_t used;
    read_routes(text, &routes);
    assert_true(routes.count > 0);
    assert_int_equal(sscanf(text, "%15s %255s", method, uri), 2);
    snprintf(routes.values[routes.count], 256, "<%.250s>", uri);
    routes.count += with_target;
    const char *first = routes.values[0];
    used =
        (size_t)snprintf(out, sizeof(out), "%s %.*s SIP/2.0\r\n", method, (int)strlen(first) - 2, first + 1);
    for (unsigned i = 1; i < routes.count; i++) {
        bool begins = i == 1 || layout == LINES || (layout == TWO_LINES && i + 1 == routes.count);
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s%s",
                                 begins ? (i > 1 ? "\r\nRoute: " : "Route: ") : " , ", routes.values[i],
                                 i + 1 == routes.count ? "\r\n" : "");
    }
    for (const char *line = strstr(text, "\r\n") + 2; *line != '\0'; line = strstr(line, "\r\n") + 2) {
        if (strncmp(line, "Route:", 6) != 0)
            used +=
                (size_t)snprintf(out + used, sizeof(out) - used, "%.*s\r\n", (int)strcspn(line, "\r"), line);
    }
    assert_true(used < sizeof(out));
    memcpy(text, out, used + 1);
}

static void send_strictly(struct call *call, enum dialog_side from, const char *method, enum layout layout)
{
    char text[WIRE_TEXT_MAX];
    call_request_text(call, from, method, text);
    route_strictly(text, layout, true);
    wire_send(call->wire, call->sides[from].at, text);
    if (strcmp(method, "INVITE") == 0)
        call_take(call, from, "SIP/2.0 100 ");
}

// Its receiver gets it as from a loose router: its own URI, and nothing left in Route.
static void expect_loose(struct call *call, enum dialog_side at, const char *method, const char *route)
{
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "%s %s SIP/2.0\r\n", method, call->sides[at].target);
    struct wire_packet got = call_take(call, at, method);
    assert_starts(&got, wanted);
    assert_header(&got, "Route", route);
    wire_expect_silence(call->wire);
    if (strcmp(method, "ACK") == 0)
        return;
    call_respond(call, &got, "200 OK", "");
    call_take(call, 1 - at, "SIP/2.0 200 ");
    if (strcmp(method, "INVITE") == 0) {
        call->sides[1 - at].cseq = got.message.cseq_number;
        send_strictly(call, 1 - at, "ACK", LINES);
        expect_loose(call, at, "ACK", route);
    }
}

static void test_before_us(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"INFO", "INVITE", "UPDATE", "PRACK", "BYE"};
    for (unsigned layout = LINES; layout <= TWO_LINES; layout++) {
        for (unsigned side = 0; side < 2; side++) {
            struct call call;
            char id[32];
            snprintf(id, sizeof(id), "before-%u-%u@strict", layout, side);
            call_init(&call, wire, id);
            call_establish(&call);
            for (size_t i = 0; i < RTE_DIM(methods); i++) {
                // With a proxy of the other side between us and the target, which stays in Route, or without.
                struct call longer = call;
                char *routes = longer.sides[side].routes;
                if (i % 2 == 1)
                    strcat(routes, "Route: <sip:proxy.example;lr>\r\n");
                send_strictly(&longer, side, methods[i], layout);
                expect_loose(&longer, 1 - side, methods[i], i % 2 == 1 ? "<sip:proxy.example;lr>" : "");
                call.branch = longer.branch;
                call.sides[side].cseq = longer.sides[side].cseq;
            }
            call_expect_gone(&call);
        }
    }
}

// One network: one Record-Route value of ours, so that nothing but the target is in Route.
static void test_before_us_on_one_network(void **state)
{
    struct wire *wire = *state;
    struct call call;
    wire->image.routes[1].to = IMAGE_CARRIER_A;
    wire_reload(wire);
    call_init_outward(&call, wire, "one-network@strict");
    call.sides[DIALOG_CALLER].at = wire_phone;
    snprintf(call.sides[DIALOG_CALLER].target, sizeof(call.sides[DIALOG_CALLER].target),
             "sip:a@10.10.1.7:5070");
    call_establish(&call);
    // A second value with the same listener is another passage's (a spiral), and stays.
    char own[CALL_TEXT], routes[CALL_TEXT];
    struct side *caller = &call.sides[DIALOG_CALLER];
    snprintf(own, sizeof(own), "%.*s", (int)strlen(caller->routes) - 9, caller->routes + 7);
    memcpy(routes, caller->routes, sizeof(routes));
    snprintf(caller->routes, CALL_TEXT, "%.400s%.400s", routes, routes);
    send_strictly(&call, DIALOG_CALLER, "INFO", LINES);
    expect_loose(&call, DIALOG_CALLEE, "INFO", own);
    memcpy(caller->routes, routes, sizeof(routes));
    send_strictly(&call, DIALOG_CALLER, "BYE", LINES);
    expect_loose(&call, DIALOG_CALLEE, "BYE", "");
}

// Without a record the cookie in the Request-URI is enough (restart).
static void test_before_us_without_a_record(void **state)
{
    struct call call;
    call_init(&call, *state, "no-record@strict");
    call_establish(&call);
    wire_close(*state);
    call.wire = *state = wire_open(&(struct wire_options){0});
    send_strictly(&call, DIALOG_CALLER, "INFO", JOINED);
    expect_loose(&call, DIALOG_CALLEE, "INFO", "");
    send_strictly(&call, DIALOG_CALLEE, "BYE", LINES);
    expect_loose(&call, DIALOG_CALLER, "BYE", "");
}

// A Request-URI of ours without anything in Route: the record knows the target.
static void test_without_target(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "no-target@strict");
    call_establish(&call);
    for (unsigned side = 0; side < 2; side++) {
        call_request_text(&call, side, "INFO", text);
        route_strictly(text, LINES, false);
        wire_send(wire, call.sides[side].at, text);
        expect_loose(&call, 1 - side, "INFO", "");
    }
    call_hang_up(&call, DIALOG_CALLER);
    // Without a record nobody knows.
    call_request_text(&call, DIALOG_CALLER, "INFO", text);
    route_strictly(text, LINES, false);
    wire_send(wire, wire_carrier, text);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 403 ");
}

// What only looks like ours: another Call-ID's cookie, a wrong letter, another address, none at all.
static void test_forged_uri(void **state)
{
    struct wire *wire = *state;
    static const char *const names[] = {"cookie", "address", "no cookie"};
    for (unsigned i = 0; i < RTE_DIM(names); i++) {
        struct call call;
        char text[WIRE_TEXT_MAX], id[32];
        print_message("%s\n", names[i]);
        snprintf(id, sizeof(id), "forged-%u@strict", i);
        call_init(&call, wire, id);
        call_establish(&call);
        call_request_text(&call, DIALOG_CALLER, "INFO", text);
        route_strictly(text, LINES, true);
        char *dg = strstr(text, ";dg=");
        if (i == 0)
            dg[20] = dg[20] == 'a' ? 'b' : 'a';
        if (i == 1)
            memcpy(strstr(text, "10.10.0.10"), "10.10.1.99", 10);
        if (i == 2)
            memcpy(dg, ";xx=", 4);
        wire_send(wire, wire_carrier, text);
        // It is a target like any other, and what stands behind our second value a strict router: 16.6
        // step 6.
        char wanted[256];
        snprintf(wanted, sizeof(wanted), "<%.*s>", (int)strcspn(text + 5, " "), text + 5);
        struct wire_packet got = call_take(&call, DIALOG_CALLEE, "INFO sip:bob@");
        assert_header(&got, "Route", wanted);
        call_hang_up(&call, DIALOG_CALLER);
    }
}

// The SBC's own proxy is a strict router: a Record-Route value without lr behind ours.
struct behind {
    const char *name;
    const char *record_route; // of the SBC's 200, %s: the SBC's address
    const char *uri, *route;  // of what it gets; the target stands behind the route
    bool joined;              // in one line with ours
};
static const struct behind behinds[] = {
    {"one", "<sip:%s>", "sip:%s", "", false},
    {"one in a line with ours", "<sip:%s>", "sip:%s", "", true},
    {"with a port and a user", "<sip:p@%s:5060;x=y>", "sip:p@%s:5060;x=y", "", false},
    {"a loose one behind it", "<sip:far.net;lr>, <sip:%s>", "sip:%s", "<sip:far.net;lr>,", false},
    {"another strict one behind it", "<sip:far.net>, <sip:%s>", "sip:%s", "<sip:far.net>,", true},
    {"method and headers", "<sip:%s;method=INVITE;a=b?Subject=x>", "sip:%s;a=b", "", false},
    {"a display name", "\"x, <y>\" <sip:%s>;p=q", "sip:%s", "", true},
};

// text with address where it has %s.
static void fill(char out[256], const char *text, const char *address)
{
    const char *at = strstr(text, "%s");
    assert_non_null(at);
    snprintf(out, 256, "%.*s%s%s", (int)(at - text), text, address, at + 2);
}

// The values of a Record-Route in the other order (12.1.2).
static void reverse(const char *record_route, const char *separator, char out[CALL_TEXT])
{
    char text[CALL_TEXT + 128];
    struct routes routes;
    snprintf(text, sizeof(text),
             "INFO sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCall-ID: "
             "c\r\nCSeq: 1 INFO\r\nRoute: %s\r\n\r\n",
             record_route);
    read_routes(text, &routes);
    out[0] = '\0';
    for (unsigned i = routes.count; i-- > 0;)
        snprintf(out + strlen(out), CALL_TEXT - strlen(out), "%s%s", routes.values[i],
                 i > 0 ? separator : "");
}

// A call whose callee's proxy stands above us in what the callee answers. uri, route: what it is to get.
static void establish_behind(struct call *call, const struct behind *row, char uri[256], char route[512])
{
    const char *address = wire_same(call->sides[DIALOG_CALLEE].at, wire_sbc1) ? "10.20.0.11" : "10.20.0.12";
    char record_route[256], line[300], ours[CALL_TEXT], theirs[CALL_TEXT];
    fill(record_route, row->record_route, address);
    call_invite(call);
    char *at = strstr(call->invite.text, "Record-Route:");
    snprintf(ours, sizeof(ours), "%s", header_of(&call->invite, "Record-Route"));
    *strchr(ours, '|') = ',';
    size_t length = (size_t)snprintf(line, sizeof(line), "Record-Route: %s\r\n", record_route);
    memmove(at + length, at, strlen(at) + 1);
    memcpy(at, line, length);
    call_respond(call, &call->invite, "200 OK", call->sides[DIALOG_CALLEE].tag);
    call->answer = wire_take(call->wire, call->sides[DIALOG_CALLER].at);
    char text[CALL_TEXT];
    reverse(ours, "\r\nRoute: ", text);
    reverse(record_route, ", ", theirs);
    snprintf(call->sides[DIALOG_CALLER].routes, CALL_TEXT, "Route: %.400s%s%.400s\r\n", text,
             row->joined ? " , " : "\r\nRoute: ", theirs);
    fill(uri, row->uri, address);
    snprintf(route, 512, "%s<%s>", row->route, call->sides[DIALOG_CALLEE].target);
}

static void expect_strict(const struct wire_packet *got, const char *method, const char *uri,
                          const char *route)
{
    char wanted[512];
    snprintf(wanted, sizeof(wanted), "%s %s SIP/2.0\r\n", method, uri);
    assert_starts(got, wanted);
    assert_header(got, "Route", route);
}

static void test_behind_us(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"ACK", "INFO", "INVITE", "BYE"};
    for (size_t i = 0; i < RTE_DIM(behinds); i++) {
        struct call call;
        char id[32], uri[256], route[512];
        print_message("%s\n", behinds[i].name);
        snprintf(id, sizeof(id), "behind-%zu@strict", i);
        call_init(&call, wire, id);
        establish_behind(&call, &behinds[i], uri, route);
        for (size_t m = 0; m < RTE_DIM(methods); m++) {
            struct wire_packet got = call_request(&call, DIALOG_CALLER, methods[m]);
            expect_strict(&got, methods[m], uri, route);
            if (strcmp(methods[m], "INVITE") != 0)
                continue;
            // The ACK to its refusal is ours, with its Request-URI and Route (17.1.1.3).
            call_respond(&call, &got, "488 Not Acceptable Here", "");
            call_take(&call, DIALOG_CALLER, "SIP/2.0 488 ");
            struct wire_packet ack = call_take(&call, DIALOG_CALLEE, "ACK ");
            expect_strict(&ack, "ACK", uri, route);
        }
        wire_pass_silently(wire, 40000);
        call_expect_gone(&call);
    }
}

// Outside a dialog the configuration names the next hop, and 16.6 step 6 still holds for the Route that is
// left; what the route changes is the request's own target.
static void test_preloaded(void **state)
{
    struct wire *wire = *state;
    wire->image.routes[1].prepend = image_text(&wire->image, "00");
    wire_reload(wire);
    static const struct {
        const char *routes, *uri, *route;
    } rows[] = {
        {"Route: <sip:10.10.0.10;lr>\r\n", "sip:0049@x.net;user=phone", ""},
        {"Route: <sip:10.10.0.10>\r\n", "sip:0049@x.net;user=phone", ""},
        {"Route: <sip:sbc.net;lr>\r\n", "sip:0049@x.net;user=phone", "<sip:sbc.net;lr>"},
        {"Route: <sip:sbc.net>\r\n", "sip:sbc.net", "<sip:0049@x.net;user=phone>"},
        {"Route: <sip:10.10.0.10;lr>,<sip:sbc.net>\r\nX: y\r\nRoute: <sip:far.net;lr>\r\n", "sip:sbc.net",
         "<sip:far.net;lr>,<sip:0049@x.net;user=phone>"},
    };
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        char text[1024], wanted[128];
        snprintf(
            text, sizeof(text),
            "MESSAGE sip:49@x.net;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKp%zu\r\n"
            "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: preloaded-%zu\r\nCSeq: 1 MESSAGE\r\n%s"
            "Content-Length: 0\r\n\r\n",
            i, i, rows[i].routes);
        wire_send(wire, wire_carrier, text);
        assert_int_equal(wire->out_count, 1);
        snprintf(wanted, sizeof(wanted), "MESSAGE %s SIP/2.0\r\n", rows[i].uri);
        assert_starts(&wire->out[0], wanted);
        assert_header(&wire->out[0], "Route", rows[i].route);
        wire->out_count = 0;
    }
}

// 12.2.1.1: our own BYE to the side of the strict router.
static void test_own_bye(void **state)
{
    struct wire *wire = *state;
    static struct command command;
    for (size_t i = 0; i < RTE_DIM(behinds); i++) {
        struct call call;
        char id[32], uri[256], route[512], text[WIRE_TEXT_MAX];
        print_message("%s\n", behinds[i].name);
        snprintf(id, sizeof(id), "bye-%zu@strict", i);
        call_init(&call, wire, id);
        establish_behind(&call, &behinds[i], uri, route);
        call_send(&call, DIALOG_CALLER, "ACK", text);
        call_take(&call, DIALOG_CALLEE, "ACK ");
        uint32_t index = call_expect(&call, DIALOG_CONFIRMED);
        memset(&command, 0, sizeof(command));
        command.kind = COMMAND_DIALOG_END;
        command.handle = command_handle(0, dialog_at(&wire->workers[0]->dialogs, index)->generation, index);
        wire_command(wire, 0, &command);
        assert_int_equal(command.result, 0);
        struct wire_packet bye = call_take(&call, DIALOG_CALLEE, "BYE ");
        expect_strict(&bye, "BYE", uri, route);
        struct wire_packet other = call_take(&call, DIALOG_CALLER, "BYE ");
        call_respond(&call, &bye, "200 OK", "");
        call_respond(&call, &other, "200 OK", "");
        call_expect_gone(&call);
    }
}

static const struct {
    const char *name, *uri, *wanted;
} maddrs[] = {
    {"ours", "sip:49@x.net;maddr=10.10.0.10", "sip:49@x.net"},
    {"ours, any case", "sip:49@x.net;a=b;MADDR=10.10.0.10;c", "sip:49@x.net;a=b;c"},
    {"ours with its port", "sip:49@x.net:5060;maddr=10.10.0.10;c=d", "sip:49@x.net:5060;c=d"},
    {"our address, another port", "sip:49@x.net:5070;maddr=10.10.0.10", "sip:49@x.net:5070;maddr=10.10.0.10"},
    {"the other listener's", "sip:49@x.net;maddr=10.20.0.10", "sip:49@x.net;maddr=10.20.0.10"},
    {"another's", "sip:49@x.net;maddr=10.9.9.9", "sip:49@x.net;maddr=10.9.9.9"},
    {"a name", "sip:49@x.net;maddr=y.net", "sip:49@x.net;maddr=y.net"},
    {"of nothing", "sip:49@x.net;maddr", "sip:49@x.net;maddr"},
    {"in the user part", "sip:49;maddr=10.10.0.10@x.net;b", "sip:49;maddr=10.10.0.10@x.net;b"},
};

static void test_maddr(void **state)
{
    struct wire *wire = *state;
    for (size_t i = 0; i < RTE_DIM(maddrs); i++) {
        char text[1024], wanted[128];
        print_message("%s\n", maddrs[i].name);
        snprintf(text, sizeof(text),
                 "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKm%zu\r\nFrom: "
                 "<sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: maddr-%zu\r\nCSeq: 1 MESSAGE\r\n"
                 "Content-Length: 0\r\n\r\n",
                 maddrs[i].uri, i, i);
        wire_send(wire, wire_carrier, text);
        assert_int_equal(wire->out_count, 1); // whatever it says, to a member
        assert_true(wire_same(wire->out[0].to, wire_sbc1) || wire_same(wire->out[0].to, wire_sbc2));
        snprintf(wanted, sizeof(wanted), "MESSAGE %s SIP/2.0\r\n", maddrs[i].wanted);
        assert_starts(&wire->out[0], wanted);
        wire->out_count = 0;
    }
}

// A listener at another port: its maddr takes the port away with it (16.4). The wire has no other port.
static void test_maddr_of_another_port(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    static const char text[] =
        "MESSAGE sip:49@x.net:5070;maddr=10.10.0.10;a SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1\r\n"
        "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n\r\n";
    struct packet packet = {.source = wire_carrier};
    struct work work = {.packet = &packet, .message = &worker->messages[0]};
    wire->image.listeners[0].port = 5070;
    wire_reload(wire);
    assert_int_equal(message_parse((const uint8_t *)text, sizeof(text) - 1, &worker->messages[0]),
                     MESSAGE_FINE);
    assert_int_equal(strict_restore(worker, &work), NUMBER_NONE);
    assert_int_equal(work.message->request_uri.length, strlen("sip:49@x.net;a"));
    assert_memory_equal(message_at(work.message, work.message->request_uri), "sip:49@x.net;a", 14);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_before_us),      ON_WIRE(test_before_us_on_one_network),
        ON_WIRE(test_without_target), ON_WIRE(test_before_us_without_a_record),
        ON_WIRE(test_forged_uri),     ON_WIRE(test_behind_us),
        ON_WIRE(test_preloaded),      ON_WIRE(test_own_bye),
        ON_WIRE(test_maddr),          ON_WIRE(test_maddr_of_another_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
