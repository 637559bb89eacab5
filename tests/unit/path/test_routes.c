// SPDX-License-Identifier: BSD-3-Clause
// Routes: which one a request takes, what is answered, what is changed in what is sent on.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define MESSAGE_OF(uri, to, more)                                                                            \
    "MESSAGE " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKroutes\r\n"                         \
    "From: <sip:a@x>;tag=f\r\nCall-ID: c@routes\r\nTo: " to "\r\nCSeq: 1 MESSAGE\r\n" more                   \
    "Content-Length: 0\r\n\r\n"

// Route 1 of the image, from carrier-a, gets a condition; route 3 is one more, and answers 488.
struct row {
    const char *name;
    const char *uri_user, *uri_host, *to_user, *to_host, *header, *header_value;
    uint16_t listener;
    const char *request;
    bool fits;
};

#define TO   "<sip:+4930@Example.net>"
#define URI  "sip:+493055@H.example.net:5070;x=y"
#define NONE NULL, NULL, NULL, NULL, NULL, NULL, NUMBER_NONE
static const struct row rows[] = {
    {"no condition", NONE, MESSAGE_OF(URI, TO, ""), true},
    {"user begins so", "+49", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""), true},
    {"user is that", "+493055", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""), true},
    {"user is shorter", "+4930555", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""),
     false},
    {"user begins otherwise", "+44", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""),
     false},
    {"user's case counts", "alice", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE,
     MESSAGE_OF("sip:Alice@x", TO, ""), false},
    {"no user", "+49", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF("sip:h.example.net", TO, ""),
     false},
    {"tel has none", "+49", NULL, NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF("tel:+4930", TO, ""),
     false},
    {"host in any case", NULL, "h.EXAMPLE.net", NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""),
     true},
    {"host is longer", NULL, "h.example.ne", NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""),
     false},
    {"host is shorter", NULL, "h.example.nett", NULL, NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""),
     false},
    {"To's user", NULL, NULL, "+4930", NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""), true},
    {"To's other user", NULL, NULL, "+4931", NULL, NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""), false},
    {"To's host", NULL, NULL, NULL, "example.NET", NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""), true},
    {"To's other host", NULL, NULL, NULL, "example.org", NULL, NULL, NUMBER_NONE, MESSAGE_OF(URI, TO, ""),
     false},
    {"header is there", NULL, NULL, NULL, NULL, "x-Trunk", NULL, NUMBER_NONE,
     MESSAGE_OF(URI, TO, "X-TRUNK : 7\r\n"), true},
    {"header is not there", NULL, NULL, NULL, NULL, "X-Trunk", NULL, NUMBER_NONE,
     MESSAGE_OF(URI, TO, "X-Trunks: 7\r\n"), false},
    {"header has the value", NULL, NULL, NULL, NULL, "X-Trunk", "Blue", NUMBER_NONE,
     MESSAGE_OF(URI, TO, "X-Trunk: red\r\nX-Trunk:  bLUE \r\n"), true},
    {"header has another value", NULL, NULL, NULL, NULL, "X-Trunk", "Blue", NUMBER_NONE,
     MESSAGE_OF(URI, TO, "X-Trunk: Blue2\r\n"), false},
    {"compact form", NULL, NULL, NULL, NULL, "Subject", "hello", NUMBER_NONE,
     MESSAGE_OF(URI, TO, "s: hello\r\n"), true},
    {"by its compact form", NULL, NULL, NULL, NULL, "s", "hello", NUMBER_NONE,
     MESSAGE_OF(URI, TO, "Subject: hello\r\n"), true},
    {"our listener", NULL, NULL, NULL, NULL, NULL, NULL, 0, MESSAGE_OF(URI, TO, ""), true},
    {"another listener", NULL, NULL, NULL, NULL, NULL, NULL, 1, MESSAGE_OF(URI, TO, ""), false},
    {"all of them", "+49", "h.example.net", "+", "example.net", "X-A", "b", 0,
     MESSAGE_OF(URI, TO, "X-A: b\r\n"), true},
    {"all but one", "+49", "h.example.net", "+", "example.net", "X-A", "b", 0,
     MESSAGE_OF(URI, TO, "X-A: c\r\n"), false},
};

static uint32_t text(struct wire *wire, const char *octets)
{
    return octets == NULL ? 0 : image_text(&wire->image, octets);
}

static void test_conditions(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire *wire = wire_open(&(struct wire_options){0});
        struct snapshot_route *route = &wire->image.routes[1];
        route->uri_user = text(wire, rows[i].uri_user);
        route->uri_host = text(wire, rows[i].uri_host);
        route->to_user = text(wire, rows[i].to_user);
        route->to_host = text(wire, rows[i].to_host);
        route->header = text(wire, rows[i].header);
        route->header_value = text(wire, rows[i].header_value);
        route->listener = rows[i].listener;
        wire->image.routes[2] = (struct snapshot_route){.from = ROUTE_FROM_ANY_PEER,
                                                        .answer = 488,
                                                        .retry_after_s = 30,
                                                        .action = ROUTE_ANSWER,
                                                        .method = ROUTE_METHOD_ANY,
                                                        .listener = NUMBER_NONE};
        wire_reload(wire);
        print_message("%s\n", rows[i].name);
        wire_send(wire, wire_carrier, rows[i].request);
        if (rows[i].fits) {
            assert_int_equal(wire->out_count, 1);
            assert_starts(&wire->out[0], "MESSAGE ");
        } else {
            struct wire_packet answer = wire_take(wire, wire_carrier);
            assert_starts(&answer, "SIP/2.0 488 ");
            assert_header(&answer, "Retry-After", "30");
        }
        wire_close(wire);
    }
    *state = wire_open(&(struct wire_options){0});
}

static void test_redirect(void **state)
{
    struct wire *wire = *state;
    wire->image.routes[1] = (struct snapshot_route){.from = IMAGE_CARRIER_A,
                                                    .action = ROUTE_REDIRECT,
                                                    .method = METHOD_INVITE,
                                                    .listener = NUMBER_NONE,
                                                    .redirect = text(wire, "sip:support@example.net")};
    wire_reload(wire);
    wire_send(wire, wire_carrier,
              "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKr\r\n"
              "From: <sip:a@x>;tag=f\r\nCall-ID: c@redirect\r\nTo: <sip:b@y>\r\nCSeq: 1 INVITE\r\n"
              "Content-Length: 0\r\n\r\n");
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 302 Moved Temporarily\r\n");
    assert_header(&answer, "Contact", "<sip:support@example.net>");
}

static const struct {
    const char *name, *uri;
    uint8_t strip;
    const char *prepend, *set_host, *wanted;
} rewrites[] = {
    {"nothing", "sip:0049301@h:5070;a=b;c=d", 0, NULL, NULL, "sip:0049301@h:5070;a=b;c=d"},
    {"strip", "sip:0049301@h:5070;a=b;c=d", 2, NULL, NULL, "sip:49301@h:5070;a=b;c=d"},
    {"prepend", "sip:49301@h", 0, "+", NULL, "sip:+49301@h"},
    {"both", "sips:0049301:secret@h", 2, "+", NULL, "sips:+49301:secret@h"},
    {"strip all", "sip:12@h", 2, NULL, NULL, "sip:2@h"},
    {"strip more than all", "sip:12@h", 32, NULL, NULL, "sip:2@h"},
    {"strip all and prepend", "sip:12@h", 32, "0", NULL, "sip:0@h"},
    {"no user", "sip:h.net", 2, "+", NULL, "sip:h.net"},
    {"tel", "tel:0049301", 2, "+", NULL, "tel:0049301"},
    {"host", "sip:a@h.net;p=q", 0, NULL, "sbc.net", "sip:a@sbc.net;p=q"},
    {"host with its port", "sip:a@h.net:5070;p=q", 0, NULL, "sbc.net", "sip:a@sbc.net;p=q"},
    {"host and port", "sip:a@h.net:5070", 0, NULL, "10.1.1.1:5080", "sip:a@10.1.1.1:5080"},
    {"IPv6 host", "sip:a@[2001:db8::1]:5070;x=y", 0, NULL, "sbc.net", "sip:a@sbc.net;x=y"},
    {"host alone", "sip:h.net", 0, NULL, "sbc.net", "sip:sbc.net"},
    {"all", "sip:0049301@h.net:5070;a=b", 2, "+", "sbc.net:5080", "sip:+49301@sbc.net:5080;a=b"},
};

static void test_rewrites(void **state)
{
    for (size_t i = 0; i < sizeof(rewrites) / sizeof(rewrites[0]); i++) {
        struct wire *wire = wire_open(&(struct wire_options){0});
        char request[1024], wanted[256];
        struct snapshot_route *route = &wire->image.routes[1];
        route->strip = rewrites[i].strip;
        route->prepend = text(wire, rewrites[i].prepend);
        route->set_host = text(wire, rewrites[i].set_host);
        wire_reload(wire);
        print_message("%s\n", rewrites[i].name);
        snprintf(request, sizeof(request), MESSAGE_OF("%s", "<sip:to@stays>", ""), rewrites[i].uri);
        wire_send(wire, wire_carrier, request);
        snprintf(wanted, sizeof(wanted), "MESSAGE %s SIP/2.0\r\n", rewrites[i].wanted);
        assert_int_equal(wire->out_count, 1);
        assert_starts(&wire->out[0], wanted);
        assert_header(&wire->out[0], "To", "<sip:to@stays>");
        wire_close(wire);
    }
    *state = wire_open(&(struct wire_options){0});
}

// The CANCEL and the ACK of a rewritten INVITE have its Request-URI (9.1, 17.1.1.3).
static void test_rewritten_invite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    wire->image.routes[1].prepend = text(wire, "00");
    wire_reload(wire);
    call_init(&call, wire, "rewritten@routes");
    call_invite(&call);
    assert_int_equal(strncmp(call.invite.text, "INVITE sip:00", 13), 0);
    call_answer(&call, "180 Ringing");
    call_cancel(&call);
    struct wire_packet cancel = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_starts(&cancel, "CANCEL sip:00");
}

#define IDENTITIES                                                                                           \
    "P-Asserted-Identity: <sip:boss@x>\r\nX-Before: 1\r\nP-Preferred-Identity: <sip:c@x>\r\n"                \
    "P-Asserted-Identity: <tel:+1>\r\n"

static void test_identity(void **state)
{
    struct wire *wire = *state;
    for (unsigned removed = 0; removed < 2; removed++) {
        struct call call;
        if (removed)
            wire->image.peers[IMAGE_CARRIER_A].flags |= PEER_IDENTITY_REMOVE;
        wire_reload(wire);
        call_init(&call, wire, removed ? "removed@identity" : "passed@identity");
        call.extra = IDENTITIES;
        call_invite(&call);
        assert_header(&call.invite, "P-Asserted-Identity", removed ? "" : "<sip:boss@x>|<tel:+1>");
        assert_header(&call.invite, "P-Preferred-Identity", removed ? "" : "<sip:c@x>");
        assert_header(&call.invite, "X-Before", "1");
        // From the other peer it passes.
        call.extra = "P-Asserted-Identity: <sip:callee@x>\r\n";
        call_answer(&call, "200 OK");
        assert_header(&call.answer, "P-Asserted-Identity", "<sip:callee@x>");
        call.extra = NULL;
        call_ack(&call, DIALOG_CALLER, 1);
        call_hang_up(&call, DIALOG_CALLER);
    }
}

static void test_refer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char request[WIRE_TEXT_MAX];
    call_init(&call, wire, "refer@routes");
    call_establish(&call);
    struct wire_packet passed = call_request(&call, DIALOG_CALLER, "REFER");
    assert_starts(&passed, "REFER ");
    wire->image.peers[IMAGE_CARRIER_A].flags |= PEER_REFER_REFUSE;
    wire_reload(wire);
    call_send(&call, DIALOG_CALLER, "REFER", request);
    struct wire_packet answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 403 ");
    assert_starts(&answer, "SIP/2.0 403 ");
    passed = call_request(&call, DIALOG_CALLEE, "REFER"); // that peer may
    assert_starts(&passed, "REFER ");
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_path(void **state)
{
    struct wire *wire = *state;
    static const char request[] =
        "REGISTER sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKp%u\r\n"
        "From: <sip:a@x>;tag=f\r\nCall-ID: c%u@path\r\nTo: <sip:a@x>\r\nCSeq: 1 REGISTER\r\n"
        "Path: <sip:before.net;lr>\r\nContact: <sip:a@10.10.1.1>\r\nContent-Length: 0\r\n\r\n";
    for (unsigned with = 0; with < 2; with++) {
        char octets[1024];
        if (with)
            wire->image.peers[IMAGE_SBCS].flags |= PEER_PATH;
        wire_reload(wire);
        snprintf(octets, sizeof(octets), request, with, with);
        wire_send(wire, wire_carrier, octets);
        assert_int_equal(wire->out_count, 1);
        assert_header(&wire->out[0], "Path",
                      with ? "<sip:10.20.0.10:5060;lr>|<sip:before.net;lr>" : "<sip:before.net;lr>");
        wire->out_count = 0;
    }
}

// Behind a NAT: what the phone calls itself leads nowhere, so that requests go where its own came from.
static void test_contact_source(void **state)
{
    struct wire *wire = *state;
    for (unsigned by_source = 0; by_source < 2; by_source++) {
        struct call call;
        if (by_source)
            wire->image.peers[IMAGE_CARRIER_A].flags |= PEER_CONTACT_SOURCE;
        wire_reload(wire);
        call_init(&call, wire, by_source ? "source@contact" : "target@contact");
        // It says that it is where wire_phone is.
        snprintf(call.sides[DIALOG_CALLER].target, sizeof(call.sides[DIALOG_CALLER].target),
                 "sip:a@10.10.1.7:5070");
        call_establish(&call);
        char request[WIRE_TEXT_MAX];
        call_send(&call, DIALOG_CALLEE, "INFO", request);
        struct wire_packet info = wire_take(wire, by_source ? wire_carrier : wire_phone);
        assert_starts(&info, "INFO sip:a@10.10.1.7:5070 ");
        call_hang_up(&call, DIALOG_CALLER);
    }
}

static const struct {
    const char *name, *status, *retry_after, *start, *wanted;
    bool pass;
} refusals[] = {
    {"503", "503 Service Unavailable", "Retry-After: 30\r\n", "SIP/2.0 500 Server Internal Error\r\n", "",
     false},
    {"503 without a reason", "503 ", "", "SIP/2.0 500 Server Internal Error\r\n", "", false},
    {"503 passes", "503 Busy SBC", "Retry-After: 30\r\n", "SIP/2.0 503 Busy SBC\r\n", "30", true},
    {"503 passes, for less", "503 Busy SBC", "Retry-After: 3600 (later);duration=5\r\n",
     "SIP/2.0 503 Busy SBC\r\n", "60 (later);duration=5", true},
    {"486", "486 Busy Here", "Retry-After: 61\r\n", "SIP/2.0 486 Busy Here\r\n", "60", false},
    {"486, at the bound", "486 Busy Here", "Retry-After: 60\r\n", "SIP/2.0 486 Busy Here\r\n", "60", false},
    {"Retry-After of nothing", "480 Gone", "Retry-After: soon\r\n", "SIP/2.0 480 Gone\r\n", "soon", false},
};

static void test_refusals(void **state)
{
    struct wire *wire = *state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "refusal-%zu@routes", i);
        wire->image.peers[IMAGE_SBCS].flags &= ~PEER_503_PASS;
        if (refusals[i].pass)
            wire->image.peers[IMAGE_SBCS].flags |= PEER_503_PASS;
        wire_reload(wire);
        print_message("%s\n", refusals[i].name);
        call_init(&call, wire, id);
        call_invite(&call);
        call.extra = refusals[i].retry_after;
        call_answer(&call, refusals[i].status);
        assert_starts(&call.answer, refusals[i].start);
        assert_header(&call.answer, "Retry-After", refusals[i].wanted);
        call.extra = NULL;
        call_ack_refusal(&call);
        wire_pass_silently(wire, 40000);
        memset(wire->workers[0]->lately, 0, sizeof(wire->workers[0]->lately)); // nobody rests
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_conditions, NULL, wire_teardown),
        cmocka_unit_test_setup_teardown(test_redirect, wire_setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_rewrites, NULL, wire_teardown),
        cmocka_unit_test_setup_teardown(test_rewritten_invite, wire_setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_identity, wire_setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_refer, wire_setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_refusals, wire_setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_path, wire_setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_contact_source, wire_setup, wire_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
