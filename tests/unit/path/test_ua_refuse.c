// SPDX-License-Identifier: BSD-3-Clause
// What does not come to an application: for want of control, of room or of a place within the limits, and
// what its commands may not do. And what a restart leaves of its calls.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "takeover.h"
#include "tests.h"
#include "ua_caller.h"

// The INVITE is answered with this, and nobody is told.
static struct wire_packet refused(struct caller *caller, const char *lines, const char *status)
{
    caller_invite_text(caller, &(struct asked){.lines = lines});
    caller->call.branch++;
    wire_send(caller->world->wire, wire_carrier, caller->invite);
    struct wire_packet answer = caller_take(caller, status);
    ua_expect_silence(caller->world);
    wire_expect_silence(caller->world->wire);
    call_expect_gone(&caller->call);
    assert_int_equal(caller->world->wire->workers[0]->transactions.count, 0);
    assert_int_equal(caller->world->wire->workers[0]->ua.usages.count, 0);
    return answer;
}

static void test_unheard(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "unheard@ua");
    caller.world->wire->heard = false;
    struct wire_packet answer = refused(&caller, NULL, "SIP/2.0 503 Service Unavailable\r\n");
    assert_header(&answer, "Retry-After", "5");
    wire_expect_count(caller.world->wire, COUNTER_UA_UNSERVED, 1);
    caller_init(&caller, *state, "heard@ua");
    caller.world->wire->heard = true;
    caller_establish(&caller);
    caller.world->wire->heard = false;
    caller_send(&caller, "INFO", NULL);
    (void)caller_take(&caller, "SIP/2.0 503 ");
    caller_send(&caller, "INVITE", NULL);
    caller.call.answer = caller_take(&caller, "SIP/2.0 503 ");
    call_hop(&caller.call, DIALOG_CALLER, "ACK", caller.invite);
    caller_send(&caller, "UPDATE", NULL);
    (void)caller_take(&caller, "SIP/2.0 503 ");
    assert_int_equal(caller.world->wire->workers[0]->ua.usages.count, 0); // as if they had not come
    caller_send(&caller, "BYE", NULL);                                    // nobody is asked about that
    (void)caller_take(&caller, "SIP/2.0 200 ");
    call_expect_gone(&caller.call);
}

// No room in the events' ring: as if nobody were there.
static void test_ring_full(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "ring@ua");
    struct ua_ring *ring = caller.world->wire->parts[0].ua_events;
    for (uint32_t size = 60000; size > 0; size /= 10) {
        while (ua_ring_add(ring, size) != NULL)
            continue;
    }
    caller_invite_text(&caller, NULL);
    wire_send(caller.world->wire, wire_carrier, caller.invite);
    (void)caller_take(&caller, "SIP/2.0 503 ");
    call_expect_gone(&caller.call);
    wire_expect_count(caller.world->wire, COUNTER_UA_RING_FULL, 1);
    assert_int_equal(caller.world->wire->workers[0]->transactions.count, 0);
    ua_ring_publish(ring);
    uint32_t length;
    while (ua_ring_first(ring, &length) != NULL)
        ua_ring_drop(ring);
    ring->lost = 0;
}

static void test_judged(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "judged@ua");
    struct wire_packet answer =
        refused(&caller, "Require: 100rel, join\r\n", "SIP/2.0 420 Bad Extension\r\n");
    assert_header(&answer, "Unsupported", "join");
    caller.world->wire->image.peers[IMAGE_APPLICATION].reliable = RELIABLE_OFF;
    wire_reload(caller.world->wire);
    answer = refused(&caller, "Require: 100rel\r\n", "SIP/2.0 420 Bad Extension\r\n");
    assert_header(&answer, "Unsupported", "100rel");
}

static void test_limits(void **state)
{
    struct caller caller, other;
    caller_init(&caller, *state, "limit@ua");
    caller_init(&other, *state, "limit-too@ua");
    caller.world->wire->image.peers[IMAGE_APPLICATION].out.concurrent = 1;
    wire_reload(caller.world->wire);
    caller_establish(&caller);
    caller_invite_text(&other, NULL);
    wire_send(caller.world->wire, wire_carrier, other.invite);
    (void)caller_take(&other, "SIP/2.0 503 ");
    wire_expect_count(caller.world->wire, COUNTER_LIMIT_PEER_OUT, 1);
    assert_int_equal(caller.world->wire->parts[0].peers[IMAGE_APPLICATION].calls_out, 1);
    caller_hang_up(&caller);
    caller_establish(&other);
    caller_hang_up(&other);
    assert_int_equal(caller.world->wire->parts[0].peers[IMAGE_APPLICATION].answered_out_total, 2);
}

static void test_drained(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "drained@ua");
    caller_establish(&caller);
    caller.world->wire->image.peers[IMAGE_APPLICATION].flags |= PEER_DRAINING;
    wire_reload(caller.world->wire);
    (void)caller_asks(&caller, "INFO", NULL); // its calls go on
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    caller_hang_up(&caller);
    wire_pass(caller.world->wire, 33000);
    caller_init(&caller, *state, "drained-too@ua");
    (void)refused(&caller, NULL, "SIP/2.0 503 ");
    wire_expect_count(caller.world->wire, COUNTER_DRAINED_PEER, 1);
}

// As many calls as may be under way; what rests needs no place.
static void test_usages_full(void **state)
{
    struct caller callers[33];
    for (unsigned i = 0; i < 32; i++) {
        char id[32];
        snprintf(id, sizeof(id), "full-%u@ua", i);
        caller_init(&callers[i], *state, id);
        caller_invite(&callers[i], NULL);
    }
    struct wire *wire = callers[0].world->wire;
    caller_init(&callers[32], *state, "one-more@ua");
    caller_invite_text(&callers[32], NULL);
    wire_send(wire, wire_carrier, callers[32].invite);
    (void)caller_take(&callers[32], "SIP/2.0 503 ");
    wire_expect_count(wire, COUNTER_UA_FULL, 1);
    assert_int_equal(wire->workers[0]->dialogs.count, 32);
    for (unsigned i = 0; i < 31; i++) {
        assert_int_equal(caller_answered(&callers[i], 200, NULL), 0);
        (void)caller_take(&callers[i], "SIP/2.0 200 ");
        caller_ack(&callers[i], NULL);
    }
    ua_forget(callers[0].world);
    caller_invite(&callers[32], NULL);
    for (unsigned i = 31; i < 33; i++) {
        assert_int_equal(caller_answered(&callers[i], 486, NULL), 0);
        (void)caller_take(&callers[i], "SIP/2.0 486 ");
    }
    wire_pass_silently(wire, 35000); // what transactions keep
    ua_forget(callers[0].world);
    const struct worker *worker = wire->workers[0];
    assert_int_equal(worker->transactions.count + worker->ua.usages.count, 0);
    // All that a dialog has: its record, its place in the table, its texts.
    assert_in_range(sizeof(struct dialog) + 8 + worker->arena.used / worker->dialogs.count, 100, 250);
    for (unsigned i = 0; i < 31; i++) {
        caller_send(&callers[i], "BYE", NULL);
        (void)caller_take(&callers[i], "SIP/2.0 200 ");
        ua_forget(callers[0].world);
    }
}

struct bad {
    const char *name;
    enum channel_ua_text which;
    const char *text;
};

// What would begin another line, end the message, or speak of what is ours.
static void test_texts(void **state)
{
    static const struct bad rows[] = {
        {"line in the phrase", CHANNEL_UA_TEXT_REASON, "OK\r\nX: y"},
        {"line in the Contact", CHANNEL_UA_TEXT_CONTACT, "<sip:a@b>\nX: y"},
        {"no end", CHANNEL_UA_TEXT_HEADERS, "X: y"},
        {"LF alone", CHANNEL_UA_TEXT_HEADERS, "X: y\nZ: a\r\n"},
        {"CR alone", CHANNEL_UA_TEXT_HEADERS, "X: y\rZ: a\r\n"},
        {"empty line", CHANNEL_UA_TEXT_HEADERS, "X: y\r\n\r\n"},
        {"fold", CHANNEL_UA_TEXT_HEADERS, "X: y\r\n z\r\n"},
        {"no colon", CHANNEL_UA_TEXT_HEADERS, "X y\r\n"},
        {"no name", CHANNEL_UA_TEXT_HEADERS, ": y\r\n"},
        {"white space in the name", CHANNEL_UA_TEXT_HEADERS, "X : y\r\n"},
        {"Via", CHANNEL_UA_TEXT_HEADERS, "v: SIP/2.0/UDP a;branch=b\r\n"},
        {"To", CHANNEL_UA_TEXT_HEADERS, "X: y\r\ntO: <sip:a@b>\r\n"},
        {"Call-ID", CHANNEL_UA_TEXT_HEADERS, "i: x\r\n"},
        {"Content-Length", CHANNEL_UA_TEXT_HEADERS, "l: 5\r\n"},
        {"Contact", CHANNEL_UA_TEXT_HEADERS, "m: <sip:a@b>\r\n"},
        {"RSeq", CHANNEL_UA_TEXT_HEADERS, "RSeq: 5\r\n"},
        {"100rel", CHANNEL_UA_TEXT_HEADERS, "Require: x, 100rel\r\n"},
        {"Session-Expires", CHANNEL_UA_TEXT_HEADERS, "x: 90\r\n"},
        {"Record-Route", CHANNEL_UA_TEXT_HEADERS, "Record-Route: <sip:a;lr>\r\n"},
    };
    struct caller caller;
    caller_init(&caller, *state, "texts@ua");
    caller_invite(&caller, NULL);
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct ua_wanted wanted = {0};
        wanted.texts[rows[i].which] = rows[i].text;
        int result = caller_answered(&caller, 200, &wanted);
        if (result != -EINVAL)
            fail_msg("%s: %d", rows[i].name, result);
        wire_expect_silence(caller.world->wire);
    }
    const uint16_t statuses[] = {0, 99, 100, 700, UINT16_MAX};
    for (unsigned i = 0; i < RTE_DIM(statuses); i++)
        assert_int_equal(caller_answered(&caller, statuses[i], NULL), -EINVAL);
    caller.transaction ^= 1ull << 32; // another generation
    assert_int_equal(caller_answered(&caller, 200, NULL), -ENOENT);
    caller.transaction = UINT64_MAX;
    assert_int_equal(caller_answered(&caller, 200, NULL), -ENOENT);
    assert_int_equal(caller_end(&caller, NULL, 200), -EINVAL);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    (void)caller_take(&caller, "SIP/2.0 480 ");
    ua_forget(caller.world);
}

// Lengths that do not add up, an operation that nobody knows.
static void test_lengths(void **state)
{
    struct ua_world *world = *state;
    struct ua_ring *ring = world->wire->parts[0].ua_commands;
    for (uint32_t length = 0; length < 200; length += 7) {
        struct channel_ua_command fixed = {.tag = 5, .op = CHANNEL_UA_END, .body_length = 9};
        uint8_t *at = ua_ring_add(ring, length);
        memset(at, 0, length);
        memcpy(at, &fixed, RTE_MIN(length, (uint32_t)sizeof(fixed)));
        ua_ring_publish(ring);
        wire_turn(world->wire);
        if (length >= sizeof(fixed))
            assert_int_equal(ua_take(world, CHANNEL_UA_DONE).event.result, -EINVAL);
    }
    for (unsigned op = CHANNEL_UA_OPS; op < 256; op += 50)
        assert_int_equal(ua_ask(world, &(struct ua_wanted){.fixed = {.op = (uint8_t)op}}, NULL), -EINVAL);
    ua_expect_silence(world);
}

// A process later: the records are there, no usage and no transaction is.
static void restart(struct caller *caller)
{
    struct worker *worker = caller->world->wire->workers[0];
    for (uint32_t i = 0; i < worker->ua.usages.capacity; i++)
        usage_release(&worker->ua.usages, i);
    for (uint32_t i = 0; i < worker->transactions.capacity; i++)
        transaction_release(&worker->transactions, i);
    for (uint32_t i = 0; i < worker->dialogs.capacity; i++) {
        if (dialog_state(&worker->dialogs, i) != DIALOG_FREE)
            dialog_invite_set(&worker->dialogs, i, INDEX_NONE, 0);
    }
}

static void test_restart(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "restart@ua");
    caller_establish(&caller);
    restart(&caller);
    (void)caller_asks(&caller, "INVITE", NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    caller_ack(&caller, NULL);
    ua_forget(caller.world);
    caller.call.sides[DIALOG_CALLER].cseq -= 2; // its number is remembered
    caller_send(&caller, "INFO", NULL);
    (void)caller_take(&caller, "SIP/2.0 500 ");
    caller.call.sides[DIALOG_CALLER].cseq += 2;
    restart(&caller);
    caller_hang_up(&caller);
}

static void test_restart_unacked(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "restart-unacked@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    caller.world->wire->out_count = 0;
    ua_forget(caller.world);
    restart(&caller);
    wire_pass(caller.world->wire, 37200); // dialogs.no_ack: 64*T1 and T4
    (void)caller_take(&caller, "BYE ");
    ua_forget(caller.world);
}

static void test_restart_early(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "restart-early@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    caller.world->wire->out_count = 0;
    ua_forget(caller.world);
    restart(&caller);
    assert_int_equal(caller_answered(&caller, 200, NULL), -ENOENT);
    caller_send(&caller, "UPDATE", NULL);
    (void)caller_take(&caller, "SIP/2.0 481 ");
    wire_pass_silently(caller.world->wire, 245000);
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATED);
    call_expect_gone(&caller.call);
}

static void test_restart_early_ended(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "restart-early-ended@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    caller.world->wire->out_count = 0;
    ua_forget(caller.world);
    restart(&caller);
    assert_int_equal(caller_end(&caller, NULL, 480), 0);
    ua_expect_state(caller.world, caller.dialog, CHANNEL_DIALOG_TERMINATED);
    wire_expect_silence(caller.world->wire);
    call_expect_gone(&caller.call);
    assert_int_equal(caller_end(&caller, NULL, 480), -ENOENT);
}

// A request that nobody answers, because control has gone: silence, and its transaction ends (RFC 4320 4.1).
static void test_never_answered(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "never-answered@ua");
    caller_establish(&caller);
    (void)caller_asks(&caller, "REFER", &(struct asked){.lines = "Refer-To: <sip:c@example.net>\r\n"});
    caller.world->wire->heard = false;
    wire_pass_silently(caller.world->wire, 33000);
    assert_int_equal(caller.world->wire->workers[0]->transactions.count, 0);
    caller.world->wire->heard = true;
    ua_forget(caller.world);
    caller_hang_up(&caller);
}

// The k-th request for memory fails, for every k that a call comes to: it ends, and leaves nothing.
static void test_arena_full(void **state)
{
    struct caller caller;
    for (unsigned k = 0; k < 24; k++) { // more than there are
        char id[32];
        snprintf(id, sizeof(id), "arena-%u@ua", k);
        caller_init(&caller, *state, id);
        struct arena *arena = &caller.world->wire->workers[0]->arena;
        caller_invite_text(&caller, &(struct asked){"Supported: 100rel\r\n", ua_sdp});
        arena->fail_at = k;
        wire_send(caller.world->wire, wire_carrier, caller.invite);
        if (ua_seen_of(caller.world, CHANNEL_UA_CALL) == 1) {
            struct ua_seen call = ua_take(caller.world, CHANNEL_UA_CALL);
            caller.dialog = call.event.dialog;
            caller.transaction = call.event.transaction;
            (void)caller_answered(&caller, 180, &(struct ua_wanted){.fixed.flags = CHANNEL_UA_RELIABLE});
            (void)caller_answered(&caller, 200, NULL);
            (void)caller_end(&caller, NULL, 0);
        }
        arena->fail_at = -1;
        wire_pass_silently(caller.world->wire, 300000);
        ua_forget(caller.world);
        caller.world->wire->out_count = 0;
        call_expect_gone(&caller.call);
        assert_int_equal(caller.world->wire->workers[0]->ua.usages.count, 0);
        assert_int_equal(caller.world->wire->workers[0]->transactions.count, 0);
    }
}

int path_tests(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {
        UA(test_unheard),         UA(test_ring_full),     UA(test_judged),
        UA(test_limits),          UA(test_drained),       UA(test_usages_full),
        UA(test_texts),           UA(test_lengths),       UA(test_restart),
        UA(test_restart_unacked), UA(test_restart_early), UA(test_restart_early_ended),
        UA(test_never_answered),  UA(test_arena_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
