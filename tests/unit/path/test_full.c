// SPDX-License-Identifier: BSD-3-Clause
// Tables and arena full: a new call gets 503 with Retry-After, what is inside a call goes on as if there were
// room, and as soon as there is room calls are accepted again.
#include <stdio.h>
#include <string.h>
#include "tests.h"

struct limit {
    const char *name;
    struct wire_options options;
    enum counter counter; // of refusals
};

#define CALLS_MAX        64u
#define ARENA_BLOCKS_MAX (1u << 19)

static struct call calls[CALLS_MAX];

static void full_init(struct call *call, struct wire *wire, unsigned i)
{
    char id[32];
    snprintf(id, sizeof(id), "call-%u@full", i);
    call_init(call, wire, id);
}

// 503, its repetition, and the ACK, which stays here.
static void refused(struct wire *wire, unsigned i)
{
    struct call call;
    char text[WIRE_TEXT_MAX];
    full_init(&call, wire, i);
    call_invite_text(&call, text);
    uint64_t absorbed = wire_count(wire, COUNTER_OUT_ABSORBED);
    wire_send(wire, wire_carrier, text);
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 503 Service Unavailable\r\n");
    assert_header(&call.answer, "Retry-After", "5");
    call_ack_refusal(&call);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, absorbed + 1);
}

static bool is_accepted(struct wire *wire, unsigned i)
{
    char text[WIRE_TEXT_MAX];
    full_init(&calls[i], wire, i);
    call_invite_text(&calls[i], text);
    wire_send(wire, wire_carrier, text);
    if (wire_take_all(wire, wire_carrier, "SIP/2.0 503 ") == 1)
        return false;
    call_take(&calls[i], DIALOG_CALLER, "SIP/2.0 100 ");
    calls[i].invite = call_take(&calls[i], DIALOG_CALLEE, "INVITE ");
    call_answer(&calls[i], "200 OK");
    call_ack(&calls[i], DIALOG_CALLER, 100);
    return true;
}

static void ok(struct call *call, const struct wire_packet *request, enum dialog_side to)
{
    call_respond(call, request, "200 OK", "");
    struct wire_packet response = call_take(call, to, "SIP/2.0 200 ");
    assert_int_equal(response.message.method, request->message.method);
    wire_expect_silence(call->wire);
}

// A request and its answer, a refused INVITE, a cancelled one and one that is answered, from either side.
static void live_on(struct call *call, enum dialog_side from)
{
    char text[WIRE_TEXT_MAX];
    struct wire_packet update = call_request(call, from, "UPDATE");
    ok(call, &update, from);
    for (unsigned i = 0; i < 3; i++) {
        call_request_text(call, from, "INVITE", text);
        wire_send(call->wire, call->sides[from].at, text);
        wire_take_all(call->wire, call->sides[from].at, "SIP/2.0 100 "); // only where there is room for it
        struct wire_packet invite = call_take(call, 1 - from, "INVITE ");
        if (i == 0) {
            ok(call, &invite, from);
            call_ack(call, from, call->sides[from].cseq);
            continue;
        }
        call_respond(call, &invite, "180 Ringing", "");
        call_take(call, from, "SIP/2.0 180 ");
        if (i == 2) {
            call_hop(call, from, "CANCEL", text);
            struct wire_packet cancel = call_take(call, 1 - from, "CANCEL ");
            char via[2][WIRE_TEXT_MAX];
            snprintf(via[0], sizeof(via[0]), "%.60s", header_of(&invite, "Via"));
            snprintf(via[1], sizeof(via[1]), "%.60s", header_of(&cancel, "Via"));
            assert_string_equal(via[0], via[1]); // 9.1
            call_respond(call, &cancel, "200 OK", "");
            call_take(call, from, "SIP/2.0 200 ");
        }
        call_respond(call, &invite, i == 1 ? "491 Request Pending" : "487 Request Terminated", "");
        call_take(call, from, i == 1 ? "SIP/2.0 491 " : "SIP/2.0 487 ");
        wire_take_all(call->wire, call->sides[1 - from].at, "ACK "); // ours
        call_hop(call, from, "ACK", text);
        wire_take_all(call->wire, call->sides[1 - from].at, "ACK "); // or the asker's
        wire_expect_silence(call->wire);
    }
}

static unsigned fill(struct wire *wire)
{
    unsigned n = 0;
    while (n < CALLS_MAX && is_accepted(wire, n))
        n++;
    assert_in_range(n, 2, CALLS_MAX - 2);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], n);
    return n;
}

static void check_full(const struct limit *limit)
{
    struct wire *wire = wire_open(&limit->options);
    unsigned n = fill(wire);
    print_message("%s: %u calls\n", limit->name, n);
    refused(wire, n);
    refused(wire, n + 1);
    wire_expect_count(wire, limit->counter, 3);
    for (unsigned i = 0; i < n; i += n / 3 + 1) {
        live_on(&calls[i], i % 2);
        live_on(&calls[i], 1 - i % 2);
    }
    call_hang_up(&calls[0], DIALOG_CALLER);
    call_hang_up(&calls[1], DIALOG_CALLEE);
    if (limit->counter != COUNTER_DIALOG_FULL)
        wire_pass_silently(wire, 70000); // the INVITEs' transactions make room
    assert_true(is_accepted(wire, n));
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], n - 1);
    for (unsigned i = 2; i <= n; i++)
        call_hang_up(&calls[i], i % 2);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, n + 1);
    wire_close(wire);
}

static void test_dialogs_full(void **state)
{
    (void)state;
    check_full(&(struct limit){"dialogs", {.dialogs = 8}, COUNTER_DIALOG_FULL});
}

// An odd number: the server's half of the last pair finds room, the client's does not.
static void test_transactions_full(void **state)
{
    (void)state;
    check_full(&(struct limit){"transactions", {.transactions = 16}, COUNTER_TRANSACTION_FULL});
    check_full(&(struct limit){"transactions", {.transactions = 17}, COUNTER_TRANSACTION_FULL});
}

// A call that rings takes the last two places: its CANCEL goes all the same, once.
static void test_cancel_with_transactions_full(void **state)
{
    (void)state;
    struct wire *wire = wire_open(&(struct wire_options){.transactions = 4});
    struct call call;
    assert_true(is_accepted(wire, 0));
    full_init(&call, wire, 1);
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    refused(wire, 2);
    call_cancel(&call);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    struct wire_packet cancel = call_take(&call, DIALOG_CALLEE, "CANCEL ");
    call_cancel(&call);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_respond(&call, &cancel, "200 OK", "c");
    wire_expect_silence(wire);
    call_answer(&call, "487 Request Terminated");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_ack_refusal(&call);
    call_expect(&calls[0], DIALOG_CONFIRMED);
    call_hang_up(&calls[0], DIALOG_CALLER);
    wire_close(wire);
}

// Takes all that the arena has. Returns the number of blocks.
static unsigned eat(struct arena *arena, arena_ref blocks[ARENA_BLOCKS_MAX])
{
    unsigned n = 0;
    // Each of jemalloc's size classes may have free places of its own.
    for (size_t size = 1u << 20; size >= ARENA_ALIGN; size -= size > 4096 ? size / 2 : ARENA_ALIGN) {
        for (arena_ref block = arena_get(arena, size); block != ARENA_NONE; block = arena_get(arena, size)) {
            blocks[n++] = block;
            assert_in_range(n, 1, ARENA_BLOCKS_MAX - 1);
        }
    }
    return n;
}

static void test_arena_full(void **state)
{
    static arena_ref blocks[ARENA_BLOCKS_MAX];
    struct wire *wire = *state;
    struct arena *arena = &wire->workers[0]->arena;
    for (unsigned i = 0; i < 4; i++)
        assert_true(is_accepted(wire, i));
    wire_pass_silently(wire, 40000);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    unsigned n = eat(arena, blocks);
    refused(wire, 4);
    assert_int_equal(wire->workers[0]->dialogs.count, 4);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    live_on(&calls[0], DIALOG_CALLER);
    live_on(&calls[0], DIALOG_CALLEE);
    call_hang_up(&calls[1], DIALOG_CALLER);
    call_hang_up(&calls[2], DIALOG_CALLEE);
    while (n > 0)
        arena_put(arena, blocks[--n]);
    assert_true(is_accepted(wire, 4));
    call_hang_up(&calls[4], DIALOG_CALLER);
    live_on(&calls[3], DIALOG_CALLEE);
    call_hang_up(&calls[3], DIALOG_CALLER);
    call_hang_up(&calls[0], DIALOG_CALLEE);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

// The k-th request for memory fails inside a call that was there before, for every k that it comes to:
// whatever cannot be kept, everything passes.
static void test_kth_request_for_memory_fails(void **state)
{
    uint64_t refused = 1;
    (void)state;
    for (int64_t k = 0; refused > 0; k++) {
        struct wire *wire = wire_open(&(struct wire_options){0});
        struct arena *arena = &wire->workers[0]->arena;
        assert_true(is_accepted(wire, 0));
        struct call *call = &calls[0];
        wire_pass_silently(wire, 40000);
        arena->fail_at = k;
        call->extra = "Session-Expires: 90;refresher=uac\r\n";
        for (unsigned side = 0; side < 2; side++) { // targets move
            snprintf(call->sides[side].target, 128, "sip:moved@10.%s",
                     side == 0                                 ? "10.1.7:5070"
                     : wire_same(call->sides[1].at, wire_sbc1) ? "20.0.11"
                                                               : "20.0.12");
            if (side == 0)
                call->sides[0].at = wire_phone;
            live_on(call, side);
        }
        call->extra = NULL;
        call_hang_up(call, k % 2);
        assert_int_equal(wire->workers[0]->dialogs.count, 0);
        refused = arena->refused;
        wire_close(wire);
        assert_true(k < 100);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogs_full),
        cmocka_unit_test(test_transactions_full),
        cmocka_unit_test(test_cancel_with_transactions_full),
        ON_WIRE(test_arena_full),
        cmocka_unit_test(test_kth_request_for_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
