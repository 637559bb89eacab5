// SPDX-License-Identifier: BSD-3-Clause
// A call that is answered, and what each message of it looks like on either side.
#include <stdio.h>
#include <string.h>
#include "tests.h"

static void answered_then_bye(struct wire *wire, bool outward, enum dialog_side who)
{
    struct call call;
    (outward ? call_init_outward : call_init)(&call, wire, "answered@call");
    call_establish(&call);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 1);
    wire_expect_count(wire, COUNTER_DIALOG_ANSWERED, 1);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 1);
    assert_int_equal(wire->parts[0].peers[IMAGE_CARRIER_A].calls_in, !outward);
    assert_int_equal(wire->parts[0].peers[IMAGE_SBCS].calls_out, !outward);
    call_hang_up(&call, who);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 1);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_OUT_FORWARDED, 6); // INVITE 180 200 ACK BYE 200
    wire_expect_count(wire, COUNTER_RX_PACKETS, 6);
    wire_expect_count(wire, COUNTER_TX_PACKETS, 7); // and the 100
    wire_expect_count(wire, COUNTER_ANSWER_100, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_IST, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_ICT, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_NIST, 0); // BYE goes without state
}

static void test_answered_caller_hangs_up(void **state)
{
    answered_then_bye(*state, false, DIALOG_CALLER);
}

static void test_answered_callee_hangs_up(void **state)
{
    answered_then_bye(*state, false, DIALOG_CALLEE);
}

static void test_outward_call_callee_hangs_up(void **state)
{
    answered_then_bye(*state, true, DIALOG_CALLEE);
}

static void test_outward_call_caller_hangs_up(void **state)
{
    answered_then_bye(*state, true, DIALOG_CALLER);
}

static void test_record_route_names_both_sides(void **state)
{
    struct call call;
    call_init(&call, *state, "record-route@call");
    call.extra = "Record-Route: <sip:10.10.1.1;lr>\r\n";
    call_invite(&call);
    const char *line = header_of(&call.invite, "Record-Route");
    char cookie[33] = "", wanted[256];
    assert_int_equal(sscanf(line, "<sip:10.20.0.10:5060;lr;dg=%32[a-z2-7]", cookie), 1);
    assert_int_equal(strlen(cookie), 32);
    // The one that faces the callee comes first (RFC 5658), then what the request had.
    snprintf(wanted, sizeof(wanted),
             "<sip:10.20.0.10:5060;lr;dg=%s>|<sip:10.10.0.10:5060;lr;dg=%s>|<sip:10.10.1.1;lr>", cookie,
             cookie);
    assert_string_equal(line, wanted);
    call.extra = NULL;
    call_answer(&call, "200 OK");
    assert_header(&call.answer, "Record-Route", wanted); // passes unchanged
    call_request(&call, DIALOG_CALLER, "ACK");
}

static void test_via_tells_where_it_came_from(void **state)
{
    static const struct {
        const char *via, *wanted;
        uint16_t port; // where the response goes
    } rows[] = {
        {"SIP/2.0/UDP 10.10.1.7:5070;branch=z9hG4bK-1", "SIP/2.0/UDP 10.10.1.7:5070;branch=z9hG4bK-1", 5070},
        {"SIP/2.0/UDP 10.10.1.7;branch=z9hG4bK-2", "SIP/2.0/UDP 10.10.1.7;branch=z9hG4bK-2", 5060},
        {"SIP/2.0/UDP 10.10.1.7;rport;branch=z9hG4bK-3",
         "SIP/2.0/UDP 10.10.1.7;rport=5070;branch=z9hG4bK-3;received=10.10.1.7", 5070},
        {"SIP/2.0/UDP phone.example:5080;branch=z9hG4bK-4",
         "SIP/2.0/UDP phone.example:5080;branch=z9hG4bK-4;received=10.10.1.7", 5080},
        {"SIP/2.0/UDP 10.10.1.9:5080;branch=z9hG4bK-5;received=1.2.3.4",
         "SIP/2.0/UDP 10.10.1.9:5080;branch=z9hG4bK-5;received=10.10.1.7", 5080},
        {"SIP/2.0/UDP 10.10.1.9;rport=99;branch=z9hG4bK-6",
         "SIP/2.0/UDP 10.10.1.9;rport=5070;branch=z9hG4bK-6;received=10.10.1.7", 5070},
    };
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct call call;
        char text[1024], id[32], top[128];
        snprintf(id, sizeof(id), "via-%u@call", i);
        call_init(&call, wire, id);
        snprintf(text, sizeof(text),
                 "MESSAGE sip:bob@10.10.0.10 SIP/2.0\r\nVia: %s\r\nFrom: <sip:a@x>;tag=1\r\nTo: "
                 "<sip:b@y>\r\nCall-ID: %s\r\n"
                 "CSeq: 1 MESSAGE\r\nContent-Length: 2\r\n\r\nhi",
                 rows[i].via, id);
        wire_send(wire, wire_phone, text);
        struct wire_packet request = wire_take(wire, call.sides[DIALOG_CALLEE].at);
        assert_header(&request, "Max-Forwards", "70"); // 16.6 step 3: it had none
        assert_string_equal(request.text + request.length - 6, "\r\n\r\nhi");
        assert_int_equal(sscanf(header_of(&request, "Via"),
                                "SIP/2.0/UDP 10.20.0.10:5060;branch=z9hG4bKdg%32[a-z2-7]|", top),
                         1);
        assert_string_equal(strchr(header_of(&request, "Via"), '|') + 1, rows[i].wanted);
        call_respond(&call, &request, "200 OK", "t");
        struct endpoint back = {wire_phone.address, rows[i].port, 0};
        struct wire_packet response = wire_take(wire, back);
        assert_header(&response, "Via", rows[i].wanted);
    }
    wire_expect_silence(wire);
}

static void test_max_forwards_counts_down(void **state)
{
    struct call call;
    call_init(&call, *state, "hops@call");
    call_establish(&call);
    struct wire_packet info = call_request(&call, DIALOG_CALLER, "INFO");
    assert_header(&info, "Max-Forwards", "69");
}

static void test_own_routes_are_popped(void **state)
{
    static const struct {
        const char *routes, *wanted; // E, C: ours of edge and core
        bool to_sbc2;
    } rows[] = {
        {"Route: E\r\nRoute: C\r\n", "", false},
        {"Route: E, C\r\n", "", false},
        {"route:E,C,<sip:10.20.0.12;lr>\r\n", "<sip:10.20.0.12;lr>", true},
        {"Route: E\r\nRoute: C, <sip:10.20.0.12;lr>\r\n", "<sip:10.20.0.12;lr>", true},
        {"Route: E, C\r\nRoute: <sip:10.20.0.12;lr>,<sip:x.example>\r\n",
         "<sip:10.20.0.12;lr>,<sip:x.example>", true},
        {"Route: E\r\nRoute: <sip:10.20.0.12;lr>\r\n", "<sip:10.20.0.12;lr>", true},
        {"Route: <sip:10.20.0.12;lr>, E\r\n", "<sip:10.20.0.12;lr>, E",
         true},                          // the next hop is not ours to pass over
        {"Route: E, E\r\n", "E", false}, // another passage's
        {"Route: E, C\r\nRoute: <sip:192.0.2.1;lr>\r\n", "<sip:192.0.2.1;lr>",
         false}, // no address of the peer
    };
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "routes5@call");
    call_establish(&call);
    assert_true(wire_same(call.sides[DIALOG_CALLEE].at, wire_sbc1));
    char cookie[33], wanted[512], *out;
    assert_int_equal(
        sscanf(header_of(&call.invite, "Record-Route"), "<sip:10.20.0.10:5060;lr;dg=%32[a-z2-7]", cookie), 1);
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        for (unsigned k = 0; k < 2; k++) {
            out = k == 0 ? call.sides[DIALOG_CALLER].routes : wanted;
            *out = '\0';
            for (const char *at = k == 0 ? rows[i].routes : rows[i].wanted; *at != '\0'; at++) {
                if ((*at == 'E' || *at == 'C') && at[1] != 'S')
                    out += sprintf(out, "<sip:10.%u.0.10:5060;lr;dg=%s>", *at == 'E' ? 10 : 20, cookie);
                else
                    out += sprintf(out, "%c", *at);
            }
        }
        char text[WIRE_TEXT_MAX];
        call_request_text(&call, DIALOG_CALLER, "INFO", text);
        wire_send(wire, wire_carrier, text);
        struct wire_packet info = wire_take(wire, rows[i].to_sbc2 ? wire_sbc2 : wire_sbc1);
        assert_header(&info, "Route", wanted);
        assert_int_equal(wire->out_count, 0);
    }
}

static void test_repeated_invite_gets_the_last_response(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "repeated@call");
    call_invite_text(&call, text);
    call_invite(&call);
    wire_send(wire, wire_carrier, text);
    struct wire_packet again = wire_take(wire, wire_carrier);
    assert_starts(&again, "SIP/2.0 100 ");
    wire_expect_silence(wire); // it did not go to the callee a second time
    call_answer(&call, "180 Ringing");
    wire_send(wire, wire_carrier, text);
    again = wire_take(wire, wire_carrier);
    assert_string_equal(again.text, call.answer.text);
    call_answer(&call, "200 OK");
    wire_send(wire, wire_carrier, text); // RFC 6026 7.1: absorbed, the callee repeats its 2xx
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_TRANSACTION_REPEAT, 3);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 3);
    wire_expect_count(wire, COUNTER_TX_RETRANSMITTED, 2);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 1);
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_repeated_200_and_ack_pass(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "repeated-200@call");
    call_establish(&call);
    for (unsigned i = 0; i < 3; i++) {
        call_answer(&call, "200 OK");
        assert_starts(&call.answer, "SIP/2.0 200 OK\r\n");
        call_request(&call, DIALOG_CALLER, "ACK");
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_DIALOG_ANSWERED, 1);
    wire_pass(wire, 33000); // timers L and M: the pair is gone, a late repeat still goes its way
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLEE);
}

static void test_100_is_hop_by_hop_and_delay_is_counted(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "delay@call");
    call_invite(&call);
    call_respond(&call, &call.invite, "100 Trying", "");
    wire_expect_silence(wire);
    wire_pass(wire, 700);
    call_answer(&call, "183 Session Progress");
    call_answer(&call, "200 OK");
    const struct counters_histogram *delay = &wire->parts[0].counters->histograms[HISTOGRAM_POST_DIAL_DELAY];
    assert_int_equal(delay->buckets[histogram_bucket(700)], 1);
    assert_int_equal(delay->sum, 700);
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_calls_side_by_side(void **state)
{
    struct wire *wire = *state;
    struct call calls[16];
    char id[32];
    unsigned to_sbc1 = 0;
    for (unsigned i = 0; i < RTE_DIM(calls); i++) {
        snprintf(id, sizeof(id), "many-%u@call", i);
        call_init(&calls[i], wire, id);
        call_invite(&calls[i]);
        to_sbc1 += endpoint_equal(calls[i].sides[DIALOG_CALLEE].at, wire_sbc1);
    }
    assert_true(to_sbc1 > 2 && to_sbc1 < 14);
    assert_int_equal(wire->parts[0].members[IMAGE_MEMBER_SBC1].calls_total, to_sbc1);
    for (unsigned i = RTE_DIM(calls); i-- > 0;) {
        call_answer(&calls[i], "180 Ringing");
        call_answer(&calls[i], "200 OK");
    }
    assert_int_equal(wire->parts[0].members[IMAGE_MEMBER_SBC1].calls, to_sbc1);
    for (unsigned i = 0; i < RTE_DIM(calls); i++)
        call_request(&calls[i], DIALOG_CALLER, "ACK");
    for (unsigned i = 0; i < RTE_DIM(calls); i++)
        call_hang_up(&calls[i], i % 2 == 0 ? DIALOG_CALLER : DIALOG_CALLEE);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, RTE_DIM(calls));
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_answered_caller_hangs_up),
        ON_WIRE(test_answered_callee_hangs_up),
        ON_WIRE(test_outward_call_callee_hangs_up),
        ON_WIRE(test_outward_call_caller_hangs_up),
        ON_WIRE(test_record_route_names_both_sides),
        ON_WIRE(test_via_tells_where_it_came_from),
        ON_WIRE(test_max_forwards_counts_down),
        ON_WIRE(test_own_routes_are_popped),
        ON_WIRE(test_repeated_invite_gets_the_last_response),
        ON_WIRE(test_repeated_200_and_ack_pass),
        ON_WIRE(test_100_is_hop_by_hop_and_delay_is_counted),
        ON_WIRE(test_calls_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
