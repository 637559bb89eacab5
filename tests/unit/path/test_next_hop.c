// SPDX-License-Identifier: BSD-3-Clause
// Where requests inside a dialog may go (RFC 3261 16.6 steps 6 and 7): addresses and names of the peer on the
// other side, the source that a record knows, nowhere else. Whatever stands in a URI, nothing leaves for a
// third party.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define SBC1 "10.20.0.11"

// What becomes of a request to a target with a record, without one, and with `contact: source`: where it is
// sent, or with which status it is refused. Without a record it waits for what DNS says of a name
// (test_name.c).
enum end { MEMBER, OTHER_MEMBER, LEARNT, WAITS, E403, E416, E500 };

struct row {
    const char *name, *target; // %s: the callee's own address
    enum end with, without, by_source;
};
// The callee learnt is at port 5060 of its address; rows that lead to the other SBC tell addresses from that.
static const struct row rows[] = {
    {"address", "sip:b@" SBC1, MEMBER, MEMBER, LEARNT},
    {"another member", "sip:b@10.20.0.12", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"no user", "sip:10.20.0.12", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"UDP", "sip:b@10.20.0.12;transport=udp", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"UDP in any case", "sip:b@10.20.0.12;TransPort=UdP", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"TCP", "sip:b@10.20.0.12;transport=tcp", E500, E500, LEARNT},
    {"TCP in any case", "sip:b@10.20.0.12;lr;TRANSPORT=TcP", E500, E500, LEARNT},
    {"TLS", "sip:b@10.20.0.12;transport=tls", E500, E500, LEARNT},
    {"SCTP", "sip:b@10.20.0.12;transport=sctp", E500, E500, LEARNT},
    {"WebSocket", "sip:b@10.20.0.12;transport=ws", E500, E500, LEARNT},
    {"what only begins so", "sip:b@10.20.0.12;transport=udpx", E500, E500, LEARNT},
    {"no transport", "sip:b@10.20.0.12;transport", E500, E500, LEARNT},
    {"transport in the user part", "sip:b;transport=tcp@10.20.0.12", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"transport by name", "sip:b@nobody.example;transport=tcp", E500, E500, LEARNT},
    {"sips", "sips:b@10.20.0.12", E416, E416, E416},
    {"sips over UDP", "sips:b@10.20.0.12;transport=udp", E416, E416, E416},
    {"sips by name", "sips:b@two.example", E416, E416, E416},
    {"the caller's own peer", "sip:b@10.10.1.1", LEARNT, E403, LEARNT},
    {"a third peer", "sip:b@10.10.2.1", LEARNT, E403, LEARNT},
    {"a stranger", "sip:b@10.10.9.9", LEARNT, E403, LEARNT},
    {"our listener", "sip:b@10.20.0.10", LEARNT, E403, LEARNT},
    {"our other listener", "sip:b@10.10.0.10", LEARNT, E403, LEARNT},
    {"loopback", "sip:b@127.0.0.1", LEARNT, E403, LEARNT},
    {"broadcast", "sip:b@255.255.255.255", LEARNT, E403, LEARNT},
    {"nothing", "sip:b@0.0.0.0", LEARNT, E403, LEARNT},
    {"a number instead of dots", "sip:b@169082892", LEARNT, E403, LEARNT},
    {"user=phone", "sip:+49@10.20.0.12;user=phone", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"an address as a user", "sip:10.20.0.12@10.10.2.1", LEARNT, E403, LEARNT},
    {"a password", "sip:10.20.0.12:5060@10.10.2.1", LEARNT, E403, LEARNT},
    {"maddr of a member", "sip:b@10.10.2.1;maddr=10.20.0.12", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"maddr of a third peer", "sip:b@10.20.0.12;maddr=10.10.2.1", LEARNT, E403, LEARNT},
    {"maddr of a stranger", "sip:b@10.20.0.12;MADDR=10.10.9.9", LEARNT, E403, LEARNT},
    {"maddr of nothing", "sip:b@10.20.0.12;maddr=", LEARNT, E403, LEARNT},
    {"maddr by name", "sip:b@10.10.2.1;maddr=two.example", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"maddr by another name", "sip:b@10.20.0.12;maddr=nobody.example", LEARNT, WAITS, LEARNT},
    {"maddr of IPv6", "sip:b@10.20.0.12;maddr=[::1]", LEARNT, E403, LEARNT},
    {"received is no parameter of a URI", "sip:b@10.20.0.12;received=10.10.2.1", OTHER_MEMBER, OTHER_MEMBER,
     LEARNT},
    {"IPv6", "sip:b@[2001:db8::1]", LEARNT, E403, LEARNT},
    {"a member's address in IPv6", "sip:b@[::ffff:10.20.0.12]", LEARNT, E403, LEARNT},
    {"IPv6 of nothing", "sip:b@[::]:5060", LEARNT, E403, LEARNT},
    {"tel", "tel:+49301", LEARNT, E403, LEARNT},
    {"urn", "urn:service:sos", LEARNT, E403, LEARNT},
    {"a member's name", "sip:b@two.example", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"in any case", "sip:b@TWO.Example", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"with the root's dot", "sip:b@two.example.", OTHER_MEMBER, OTHER_MEMBER, LEARNT},
    {"a name that begins so", "sip:b@two.example.net", LEARNT, WAITS, LEARNT},
    {"a name that ends so", "sip:b@xtwo.example", LEARNT, WAITS, LEARNT},
    {"the name of a third peer's member", "sip:b@carrier-b.example", LEARNT, WAITS, LEARNT},
    {"nobody's name", "sip:b@nobody.example", LEARNT, WAITS, LEARNT},
    {"two members' name: the one that has the call", "sip:b@both.example", MEMBER, MEMBER, LEARNT},
};

static void name_members(struct wire *wire, const char *sbc1, const char *sbc2)
{
    wire->image.members[IMAGE_MEMBER_SBC1].host = image_text(&wire->image, sbc1);
    wire->image.members[IMAGE_MEMBER_SBC2].host = image_text(&wire->image, sbc2);
    wire->image.members[IMAGE_MEMBER_CARRIER_B].host = image_text(&wire->image, "carrier-b.example");
    wire_reload(wire);
}

// A call whose callee is the first SBC.
static void init_call(struct call *call, struct wire *wire, const char *name)
{
    for (unsigned i = 0; i < 100; i++) {
        char id[48];
        snprintf(id, sizeof(id), "%s-%u@next-hop", name, i);
        call_init(call, wire, id);
        if (wire_same(call->sides[DIALOG_CALLEE].at, wire_sbc1))
            return;
    }
    fail_msg("no Call-ID leads to it");
}

static void expect_end(struct call *call, const char *text, enum end end)
{
    static const char *const starts_of[] = {[E403] = "SIP/2.0 403 Next Hop Not Allowed\r\n",
                                            [E416] = "SIP/2.0 416 Unsupported URI Scheme\r\n",
                                            [E500] = "SIP/2.0 500 Transport Not Supported\r\n"};
    struct wire *wire = call->wire;
    wire_send(wire, wire_carrier, text);
    if (starts_of[end] != NULL) {
        call_take(call, DIALOG_CALLER, starts_of[end]);
    } else if (end == WAITS) {
        wire_pass(wire, 1100);
    } else {
        struct wire_packet got = wire_take(wire, end == OTHER_MEMBER ? wire_sbc2 : wire_sbc1);
        char line[256];
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\r"), text);
        assert_starts(&got, line); // the Request-URI stays as it is
    }
    wire_expect_silence(wire);
}

static void establish(struct call *call, struct wire *wire, const char *name)
{
    name_members(wire, "one.example", "two.example");
    init_call(call, wire, name);
    call_establish(call);
}

static struct wire *restart(void **state, struct call *call)
{
    wire_close(*state);
    call->wire = *state = wire_open(&(struct wire_options){0});
    name_members(*state, "one.example", "two.example");
    return *state;
}

// Rows whose name has two members are another test's.
static bool is_both(const struct row *row)
{
    return strstr(row->target, "both.example") != NULL;
}

static void request_to(struct call *call, const char *target, bool by_route, char text[WIRE_TEXT_MAX])
{
    struct call to = *call;
    struct side *caller = &to.sides[DIALOG_CALLER];
    char routes[CALL_TEXT];
    snprintf(to.sides[DIALOG_CALLEE].target, sizeof(to.sides[DIALOG_CALLEE].target), "%s",
             by_route ? "sip:far@phone.example" : target);
    if (by_route) {
        snprintf(routes, sizeof(routes), "%.700sRoute: <%s%slr>\r\n", caller->routes, target,
                 strncmp(target, "sip", 3) == 0 ? ";" : "?");
        memcpy(caller->routes, routes, sizeof(routes));
    }
    call_request_text(&to, DIALOG_CALLER, "INFO", text);
    call->branch = to.branch;
    caller = &call->sides[DIALOG_CALLER];
    caller->cseq++;
}

// By the Request-URI (the callee's Contact), with a record, with contact: source, and with the cookie alone.
static void test_targets(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    establish(&call, wire, "target");
    for (unsigned round = 0; round < 3; round++) {
        if (round == 1) {
            wire->image.peers[IMAGE_SBCS].flags |= PEER_CONTACT_SOURCE;
            wire_reload(wire);
        } else if (round == 2) {
            wire = restart(state, &call);
        }
        for (size_t i = 0; i < RTE_DIM(rows); i++) {
            if (is_both(&rows[i]))
                continue;
            print_message("%s\n", rows[i].name);
            request_to(&call, rows[i].target, false, text);
            expect_end(&call, text,
                       round == 0   ? rows[i].with
                       : round == 1 ? rows[i].by_source
                                    : rows[i].without);
        }
    }
    unsigned transports = 0, refused = 0, waited = 0;
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        transports += rows[i].without == E500 || rows[i].without == E416;
        refused += rows[i].without == E403;
        waited += rows[i].without == WAITS;
    }
    wire_expect_count(wire, COUNTER_NEXT_HOP_TRANSPORT, transports);
    wire_expect_count(wire, COUNTER_NEXT_HOP_REFUSED, refused);
    wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, waited);
}

// The same by the first Route behind ours. A URI that is no sip URI is none in a Route either.
static void test_routes(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    establish(&call, wire, "route");
    for (unsigned round = 0; round < 2; round++) {
        if (round == 1)
            wire = restart(state, &call);
        for (size_t i = 0; i < RTE_DIM(rows); i++) {
            if (is_both(&rows[i]) || strncmp(rows[i].target, "sip", 3) != 0)
                continue;
            print_message("%s\n", rows[i].name);
            request_to(&call, rows[i].target, true, text);
            expect_end(&call, text, round == 0 ? rows[i].with : rows[i].without);
        }
    }
}

// An ACK that leads nowhere is dropped, and never answered.
static void test_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    static const char *const targets[] = {"sip:b@10.20.0.12;transport=tcp", "sips:b@10.20.0.12"};
    establish(&call, wire, "ack");
    struct call to = call;
    for (unsigned i = 0; i < RTE_DIM(targets); i++) {
        snprintf(to.sides[DIALOG_CALLEE].target, 128, "%s", targets[i]);
        call_request_text(&to, DIALOG_CALLER, "ACK", text);
        wire_send(wire, wire_carrier, text);
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_DROP_NO_NEXT_HOP, 2);
    to = call;
    to.branch += 9;
    call_hang_up(&to, DIALOG_CALLER);
}

// One name of two members: that of the call, or without a record one by Call-ID, one that is up if any is.
static void test_name_of_two(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    name_members(wire, "both.example", "both.example");
    init_call(&call, wire, "both");
    call_establish(&call);
    request_to(&call, "sip:b@both.example", false, text);
    expect_end(&call, text, MEMBER);
    wire_close(wire);
    call.wire = wire = *state = wire_open(&(struct wire_options){0});
    name_members(wire, "both.example", "both.example");
    for (unsigned down = 0; down < 2; down++) {
        uint16_t member = (uint16_t)(IMAGE_MEMBER_SBC1 + down);
        wire->parts[0].members[member].health = MEMBER_DOWN;
        request_to(&call, "sip:b@both.example", false, text);
        expect_end(&call, text, down == 0 ? OTHER_MEMBER : MEMBER);
        wire->parts[0].members[member].health = MEMBER_UP;
    }
}

// Without a port the one of the member (from SRV, RFC 3263 4.2); with one, that.
static void test_port_of_a_name(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    static const struct {
        const char *target;
        uint16_t port;
    } ports[] = {{"sip:b@two.example", 5090},      {"sip:b@two.example:5060", 5060},
                 {"sip:b@two.example:5071", 5071}, {"sip:b@10.20.0.12", 5060},
                 {"sip:b@10.20.0.12:5072", 5072},  {"sip:b@10.9.9.9:5073;maddr=10.20.0.12", 5073}};
    establish(&call, wire, "port");
    wire->image.members[IMAGE_MEMBER_SBC2].port = 5090;
    wire_reload(wire);
    for (size_t i = 0; i < RTE_DIM(ports); i++) {
        struct endpoint at = {wire_sbc2.address, ports[i].port, wire_sbc2.listener};
        request_to(&call, ports[i].target, false, text);
        wire_send(wire, wire_carrier, text);
        wire_take(wire, at);
        wire_expect_silence(wire);
    }
}

// Outside a dialog no URI leads anywhere: the configuration does. What a REGISTER says in Path, and what a
// Route says behind ours, passes as it is.
static void test_outside_dialogs(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"INVITE", "MESSAGE", "REGISTER", "OPTIONS", "SUBSCRIBE"};
    static const char *const uris[] = {"sip:b@10.10.2.1",     "sip:b@10.10.9.9:53;maddr=10.10.2.1",
                                       "sip:b@10.10.0.10",    "sip:b@nobody.example;transport=tcp;user=ip",
                                       "sip:b@[2001:db8::1]", "sip:b@10.10.1.1;maddr=[::1];ttl=255"};
    static const char *const routes[] = {"", "Route: <sip:10.10.2.1;lr>\r\n",
                                         "Route: <sip:10.10.0.10;lr>, <sip:10.10.9.9:53;lr>\r\n",
                                         "Route: <sip:10.10.0.10;lr;dg=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>\r\n",
                                         "Path: <sip:10.10.9.9;lr>\r\nContact: <sip:x@10.10.2.1>\r\n"};
    unsigned n = 0;
    for (size_t m = 0; m < RTE_DIM(methods); m++) {
        for (size_t u = 0; u < RTE_DIM(uris); u++) {
            for (size_t r = 0; r < RTE_DIM(routes); r++) {
                char text[1024];
                snprintf(text, sizeof(text),
                         "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKo%u\r\nFrom: "
                         "<sip:a@10.10.2.1>;tag=f\r\nTo: <sip:b@10.10.2.1>\r\nCall-ID: outside-%u\r\nCSeq: 1 "
                         "%s\r\n%sContent-Length: 0\r\n\r\n",
                         methods[m], uris[u], n, n, methods[m], routes[r]);
                n++;
                wire_send(wire, wire_carrier, text);
                if (m == 0)
                    wire_take(wire, wire_carrier); // 100
                assert_int_equal(wire->out_count, 1);
                struct endpoint to = wire->out[0].to;
                assert_true(wire_same(to, wire_sbc1) || wire_same(to, wire_sbc2));
                assert_starts(&wire->out[0], methods[m]);
                if (r == 4) {
                    assert_header(&wire->out[0], "Path", "<sip:10.10.9.9;lr>");
                    assert_header(&wire->out[0], "Contact", "<sip:x@10.10.2.1>");
                }
                wire->out_count = 0;
                if (n % 25 == 0)
                    wire_pass_silently(wire, 400000);
            }
        }
    }
}

// A subscription has no record: Route and cookie lead its NOTIFYs and its end, in both directions, whichever
// method comes.
static void test_subscription(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"NOTIFY", "SUBSCRIBE", "NOTIFY", "X-METHOD", "INFO"};
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "subscription@next-hop");
    call_request_text(&call, DIALOG_CALLER, "SUBSCRIBE", text);
    wire_send(wire, wire_carrier, text);
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    call_answer(&call, "202 Accepted");
    for (unsigned i = 0; i < RTE_DIM(methods); i++) {
        enum dialog_side from = i % 2 == 0 ? DIALOG_CALLEE : DIALOG_CALLER;
        struct wire_packet request = call_request(&call, from, methods[i]);
        assert_header(&request, "Route", "");
        call_respond(&call, &request, "200 OK", "");
        call_take(&call, from, "SIP/2.0 200 ");
    }
    call_expect_gone(&call);
}

// The NOTIFYs of a REFER outlive its call (RFC 3515 2.4.6): BYE ends the record, and they go on. The other
// end alone knows what of the dialog is left, and says 481 to what is not.
static void test_after_bye(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "after-bye@next-hop");
    call_establish(&call);
    struct wire_packet refer = call_request(&call, DIALOG_CALLER, "REFER");
    call_respond(&call, &refer, "202 Accepted", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 202 ");
    call_hang_up(&call, DIALOG_CALLER);
    call_expect_gone(&call);
    for (unsigned i = 0; i < 3; i++) {
        struct wire_packet notify = call_request(&call, DIALOG_CALLEE, "NOTIFY");
        call_respond(&call, &notify, "200 OK", "");
        call_take(&call, DIALOG_CALLEE, "SIP/2.0 200 ");
        wire_pass_silently(wire, 60000);
    }
    static const char *const late[] = {"BYE", "INFO", "INVITE", "UPDATE"};
    for (unsigned i = 0; i < RTE_DIM(late); i++) {
        struct wire_packet request = call_request(&call, DIALOG_CALLEE, late[i]);
        call_respond(&call, &request, "481 Call/Transaction Does Not Exist", "");
        struct wire_packet answer = call_take(&call, DIALOG_CALLEE, "SIP/2.0 481 ");
        assert_int_equal(answer.message.cseq_number, call.sides[DIALOG_CALLEE].cseq);
        if (strcmp(late[i], "INVITE") == 0)
            call_take(&call, DIALOG_CALLER, "ACK ");
        wire_pass_silently(wire, 40000);
    }
    call_expect_gone(&call);
}

static void expect_text(const struct call *call, enum dialog_text which, const char *wanted)
{
    const struct dialogs *dialogs = &call->wire->workers[0]->dialogs;
    struct dialog_string text = {wanted, (uint32_t)strlen(wanted)};
    assert_true(dialog_text_is(dialogs, call_expect(call, DIALOG_CONFIRMED), which, text));
}

// RFC 3311 5.2: an UPDATE moves its sender's target with its 2xx, not before, and not when it is refused.
static void test_update(void **state)
{
    struct wire *wire = *state;
    struct call call;
    static const char *const answers[] = {"488 Not Acceptable Here", "500 Glare", "200 OK"};
    call_init(&call, wire, "update@next-hop");
    call_establish(&call);
    const char *before = "sip:alice@10.10.1.1:5060";
    snprintf(call.sides[DIALOG_CALLER].target, 128, "sip:moved@10.10.1.7:5070");
    for (unsigned i = 0; i < RTE_DIM(answers); i++) {
        char text[WIRE_TEXT_MAX];
        call_send(&call, DIALOG_CALLER, "UPDATE", text);
        struct wire_packet update = call_take(&call, DIALOG_CALLEE, "UPDATE ");
        expect_text(&call, DIALOG_TEXT_CALLER_TARGET, before);
        wire_send(wire, wire_carrier, text); // with state: a repetition ends here
        wire_expect_silence(wire);
        call_respond(&call, &update, answers[i], "");
        call_take(&call, DIALOG_CALLER, i < 2 ? i == 0 ? "SIP/2.0 488 " : "SIP/2.0 500 " : "SIP/2.0 200 ");
        expect_text(&call, DIALOG_TEXT_CALLER_TARGET, i < 2 ? before : "sip:moved@10.10.1.7:5070");
        expect_text(&call, DIALOG_TEXT_CALLEE_TARGET, call.sides[DIALOG_CALLEE].target);
    }
    call_hang_up(&call, DIALOG_CALLER);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_targets),      ON_WIRE(test_routes),         ON_WIRE(test_ack),
        ON_WIRE(test_name_of_two),  ON_WIRE(test_port_of_a_name), ON_WIRE(test_outside_dialogs),
        ON_WIRE(test_subscription), ON_WIRE(test_after_bye),      ON_WIRE(test_update),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
