// SPDX-License-Identifier: BSD-3-Clause
// The operator's commands: list, show and end.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "tests.h"

static struct command command;

static const struct channel_dialog_row *row_at(unsigned n, const char **text)
{
    const uint8_t *at = command.rows;
    for (unsigned i = 0;; i++) {
        const struct channel_dialog_row *row = (const void *)at;
        uint32_t size = sizeof(*row);
        for (unsigned k = 0; k < CHANNEL_TEXT_COUNT; k++)
            size += row->text_lengths[k];
        size = (size + 7) & ~7u;
        assert_true(at + size <= command.rows + command.used);
        *text = (const char *)at + sizeof(*row);
        if (i == n)
            return row;
        at += size;
    }
}

static void run(struct wire *wire, enum command_kind kind)
{
    command.kind = (uint8_t)kind;
    wire_command(wire, 0, &command);
}

static void list(struct wire *wire, uint16_t peer, uint16_t state)
{
    memset(&command, 0, sizeof(command));
    command.peer = peer;
    command.state = state;
    command.limit = 1000;
    run(wire, COMMAND_DIALOG_LIST);
    assert_int_equal(command.done, 1);
}

static uint64_t handle_of_only(struct wire *wire)
{
    const char *text;
    list(wire, NUMBER_NONE, CHANNEL_DIALOG_ANY);
    assert_int_equal(command.row_count, 1);
    return row_at(0, &text)->handle;
}

static void end_handle(struct wire *wire, uint64_t handle, int result)
{
    memset(&command, 0, sizeof(command));
    command.handle = handle;
    run(wire, COMMAND_DIALOG_END);
    assert_int_equal(command.result, result);
}

static void test_list_and_show(void **state)
{
    struct wire *wire = *state;
    struct call calls[3];
    const char *text;
    call_init(&calls[0], wire, "one@command");
    call_init(&calls[1], wire, "two@command");
    call_init_outward(&calls[2], wire, "three@command");
    call_establish(&calls[0]);
    call_invite(&calls[1]);
    call_answer(&calls[1], "180 Ringing");
    call_invite(&calls[2]);
    list(wire, NUMBER_NONE, CHANNEL_DIALOG_ANY);
    assert_int_equal(command.row_count, 3);
    list(wire, IMAGE_CARRIER_B, CHANNEL_DIALOG_ANY);
    assert_int_equal(command.row_count, 0);
    list(wire, IMAGE_CARRIER_A, CHANNEL_DIALOG_EARLY);
    assert_int_equal(command.row_count, 1);
    assert_int_equal(row_at(0, &text)->state, CHANNEL_DIALOG_EARLY);
    list(wire, NUMBER_NONE, CHANNEL_DIALOG_NONE);
    assert_int_equal(command.row_count, 1);
    assert_int_equal(row_at(0, &text)->callee_peer, IMAGE_CARRIER_A);
    memset(&command, 0, sizeof(command));
    command.peer = NUMBER_NONE;
    command.limit = 2; // in pages
    run(wire, COMMAND_DIALOG_LIST);
    assert_int_equal(command.row_count, 2);
    assert_int_equal(command.done, 0);
    run(wire, COMMAND_DIALOG_LIST);
    assert_int_equal(command.row_count, 1);
    assert_int_equal(command.done, 1);
    wire_pass(wire, 400);
    memset(&command, 0, sizeof(command));
    command.call_id_length = (uint16_t)snprintf(command.call_id, sizeof(command.call_id), "one@command");
    run(wire, COMMAND_DIALOG_SHOW);
    assert_int_equal(command.result, 0);
    assert_int_equal(command.row_count, 1);
    const struct channel_dialog_row *row = row_at(0, &text);
    assert_int_equal(row->state, CHANNEL_DIALOG_CONFIRMED);
    assert_int_equal(row->age_ms, 400);
    assert_int_equal(row->acked, 1);
    assert_int_equal(row->call,
                     siphash13(&wire->parts[0].keys.table, command.call_id, command.call_id_length));
    assert_int_equal(row->caller_cseq, 100);
    const char wanted[] = "one@command\"alice\" <sip:alice@10.10.1.1><sip:bob@10.10.0.10>tag-alicetag-bob"
                          "sip:alice@10.10.1.1:5060sip:bob@10.20.0.1";
    assert_memory_equal(text, wanted, sizeof(wanted) - 1);
    memset(&command, 0, sizeof(command));
    command.call_id_length = (uint16_t)snprintf(command.call_id, sizeof(command.call_id), "none@command");
    run(wire, COMMAND_DIALOG_SHOW);
    assert_int_equal(command.result, -ENOENT);
    memset(&command, 0, sizeof(command));
    command.peer = NUMBER_NONE;
    command.older_ms = 1000;
    command.limit = 1000;
    run(wire, COMMAND_DIALOG_LIST);
    assert_int_equal(command.row_count, 0);
}

static void test_end_confirmed(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "end@command");
    call.extra = "Record-Route: <sip:10.10.1.7:5070;lr>\r\n"; // a proxy between the caller and us
    call_invite(&call);
    call.extra = NULL;
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    struct wire_packet info = call_request(&call, DIALOG_CALLER, "INFO");
    assert_int_equal(info.message.cseq_number, 101);
    uint64_t handle = handle_of_only(wire);
    end_handle(wire, handle, 0);
    struct wire_packet to_callee = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    struct wire_packet to_caller = wire_take(wire, wire_phone); // its route set begins there
    wire_expect_silence(wire);
    assert_header(&to_callee, "CSeq", "102 BYE");
    assert_header(&to_callee, "From", "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice");
    assert_header(&to_callee, "To", "<sip:bob@10.10.0.10>;tag=tag-bob");
    assert_header(&to_callee, "Route", "");
    assert_header(&to_callee, "Call-ID", "end@command");
    assert_header(&to_callee, "Max-Forwards", "70");
    assert_starts(&to_caller, "BYE sip:alice@10.10.1.1:5060 SIP/2.0\r\n");
    assert_header(&to_caller, "CSeq", "1 BYE");
    assert_header(&to_caller, "Route", "<sip:10.10.1.7:5070;lr>");
    assert_header(&to_caller, "From", "<sip:bob@10.10.0.10>;tag=tag-bob");
    assert_header(&to_caller, "To", "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice");
    end_handle(wire, handle, -EALREADY);
    wire_pass(wire, 600); // timer E
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, to_callee.text), 1);
    assert_int_equal(wire_take_all(wire, wire_phone, to_caller.text), 1);
    call_respond(&call, &to_callee, "200 OK", "");
    call_respond(&call, &to_caller, "200 OK", "");
    wire_expect_silence(wire);
    end_handle(wire, handle, -ENOENT);
    end_handle(wire, 0x0200000000000000u, -ENOENT); // another worker's
    end_handle(wire, UINT64_MAX, -ENOENT);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 1);
}

// Proxies on both sides: each BYE has its own half of the route set, nearest hop first (12.1.1, 12.1.2).
static void test_end_with_proxies_on_both_sides(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX], *at;
    call_init(&call, wire, "proxies@command");
    call.extra = "Record-Route: <sip:10.10.1.7:5070;lr>, <sip:far.example;lr>\r\n";
    call_invite(&call);
    call.extra = NULL;
    // The callee's proxies stand before us in what the callee saw: near to it first.
    at = strstr(call.invite.text, "Record-Route:");
    snprintf(text, sizeof(text),
             "%.*sRecord-Route: <sip:beyond.example;lr>\r\nRecord-Route: <sip:10.20.0.12;lr>\r\n%s",
             (int)(at - call.invite.text), call.invite.text, at);
    snprintf(call.invite.text, sizeof(call.invite.text), "%s", text);
    call_respond(&call, &call.invite, "200 OK", call.sides[DIALOG_CALLEE].tag);
    call.answer = wire_take(wire, wire_carrier);
    wire->workers[0]->dialogs.records[0].flags |= DIALOG_FLAG_ACKED;
    end_handle(wire, handle_of_only(wire), 0);
    struct wire_packet to_callee = wire_take(wire, wire_sbc2);
    struct wire_packet to_caller = wire_take(wire, wire_phone);
    assert_header(&to_callee, "Route", "<sip:10.20.0.12;lr>,<sip:beyond.example;lr>");
    assert_header(&to_caller, "Route", "<sip:10.10.1.7:5070;lr>,<sip:far.example;lr>");
}

// Neither gave a Contact that is one.
static void test_end_without_contacts(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "no-contact@command");
    call_invite_text(&call, text);
    memcpy(strstr(text, "Contact:"), "Comment:", 8);
    wire_send(wire, wire_carrier, text);
    wire_take_all(wire, wire_carrier, "SIP/2.0 100 ");
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    char *contact = call.sides[DIALOG_CALLEE].target;
    char kept[128];
    snprintf(kept, sizeof(kept), "%s", contact);
    snprintf(contact, sizeof(kept), "sip:bob@10.20.0.@43"); // no URI
    call_answer(&call, "200 OK");
    snprintf(contact, sizeof(kept), "%s", kept);
    call_request(&call, DIALOG_CALLER, "ACK");
    end_handle(wire, handle_of_only(wire), 0);
    struct wire_packet bye = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_starts(&bye, "BYE sip:bob@10.10.0.10 SIP/2.0\r\n");
    bye = wire_take(wire, wire_carrier);
    assert_starts(&bye, "BYE sip:alice@10.10.1.1 SIP/2.0\r\n");
    wire_expect_silence(wire);
}

static void test_end_before_the_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "end-unacked@command");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    snprintf(call.sides[DIALOG_CALLER].routes, CALL_TEXT, "Route: %s\r\n",
             strchr(header_of(&call.answer, "Record-Route"), '|') + 1);
    call_request(&call, DIALOG_CALLER, "ACK"); // of nothing
    call_answer(&call, "200 OK");
    uint64_t handle = handle_of_only(wire);
    end_handle(wire, handle, 0);
    wire_expect_silence(wire); // section 15: BYE to the caller is the callee's, who may not yet
    end_handle(wire, handle, -EALREADY);
    call_request(&call, DIALOG_CALLER, "ACK");
    assert_int_equal(wire_take_all(wire, wire_carrier, "BYE "), 1);
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "BYE "), 1);
}

// 64*T1 after its 2xx the callee may, and we for it; its own BYE ends the call for both before that.
static void test_end_without_an_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "end-no-ack@command");
    call_invite(&call);
    call_answer(&call, "200 OK");
    end_handle(wire, handle_of_only(wire), 0);
    wire_pass(wire, 31000);
    wire_expect_silence(wire);
    wire_pass(wire, 1100);
    call_take(&call, DIALOG_CALLER, "BYE ");
    call_take(&call, DIALOG_CALLEE, "BYE ");
    call_init(&call, wire, "end-gives-up@command");
    call_invite(&call);
    call_answer(&call, "200 OK");
    wire_take_all(wire, wire_carrier, "BYE ");
    wire_take_all(wire, wire_sbc1, "BYE ");
    wire_take_all(wire, wire_sbc2, "BYE ");
    const char *text;
    list(wire, NUMBER_NONE, CHANNEL_DIALOG_CONFIRMED);
    end_handle(wire, row_at(0, &text)->handle, 0);
    call_hang_up(&call, DIALOG_CALLEE);
}

static void begin_early_end(struct call *call, struct wire_packet *cancel)
{
    call_invite(call);
    call_answer(call, "180 Ringing");
    end_handle(call->wire, handle_of_only(call->wire), 0);
    *cancel = wire_take(call->wire, call->sides[DIALOG_CALLEE].at);
    assert_starts(cancel, "CANCEL ");
    wire_expect_silence(call->wire);
    call_respond(call, cancel, "200 OK", "c");
}

static void test_end_early(void **state)
{
    struct wire *wire = *state;
    struct call call;
    struct wire_packet cancel;
    call_init(&call, wire, "end-early@command");
    begin_early_end(&call, &cancel);
    call_answer(&call, "487 Request Terminated");
    assert_starts(&call.answer, "SIP/2.0 480 ");
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "ACK "), 1);
    call_ack_refusal(&call);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_ANSWER_480, 1);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

static void test_end_early_crosses_the_answer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    struct wire_packet cancel;
    call_init(&call, wire, "end-cross@command");
    begin_early_end(&call, &cancel);
    call_respond(&call, &call.invite, "200 OK", call.sides[DIALOG_CALLEE].tag);
    call.answer = wire_take(wire, wire_carrier);
    assert_starts(&call.answer, "SIP/2.0 200 OK\r\n");
    wire_expect_silence(wire);
    call_learn(&call);
    call_request(&call, DIALOG_CALLER, "ACK");
    struct wire_packet to_caller = wire_take(wire, wire_carrier);
    struct wire_packet to_callee = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_starts(&to_caller, "BYE ");
    assert_starts(&to_callee, "BYE ");
    call_respond(&call, &to_caller, "200 OK", "");
    call_respond(&call, &to_callee, "200 OK", "");
    wire_expect_silence(wire);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

static void test_end_before_any_response(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "end-none@command");
    call_invite(&call);
    end_handle(wire, handle_of_only(wire), 0);
    wire_expect_silence(wire);
    wire_pass(wire, 33000);
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "INVITE "), 6);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 480 "), 2); // and timer G
    wire_expect_silence(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_list_and_show),
        ON_WIRE(test_end_confirmed),
        ON_WIRE(test_end_with_proxies_on_both_sides),
        ON_WIRE(test_end_without_contacts),
        ON_WIRE(test_end_before_the_ack),
        ON_WIRE(test_end_without_an_ack),
        ON_WIRE(test_end_early),
        ON_WIRE(test_end_early_crosses_the_answer),
        ON_WIRE(test_end_before_any_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
