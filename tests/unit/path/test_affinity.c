// SPDX-License-Identifier: BSD-3-Clause
// Requests that are for the member that holds their call: repeated after a challenge, or naming a dialog of
// this or of another worker.
#include <stdio.h>
#include <string.h>
#include "owner.h"
#include "tests.h"

static unsigned worker_of(const struct wire *wire, const char *id)
{
    return owner_of(siphash13(&wire->parts[0].keys.table, id, strlen(id)), wire->count);
}

// A Call-ID of this worker whose first choice by the table is sbc1 (even) or sbc2 (odd).
static void id_for(struct wire *wire, unsigned worker, unsigned sbc, const char *name, char id[40])
{
    for (unsigned i = 0; i < 1000; i++) {
        struct call call;
        snprintf(id, 40, "%s-%u@affinity", name, i);
        call_init(&call, wire, id);
        if (worker_of(wire, id) == worker &&
            wire_same(call.sides[DIALOG_CALLEE].at, (sbc == 0 ? wire_sbc1 : wire_sbc2)))
            return;
    }
    fail();
}

static const char *tag_at(const struct wire_packet *packet, const char *header)
{
    static char tag[40];
    const char *at = strstr(header_of(packet, header), ";tag=");
    snprintf(tag, sizeof(tag), "%s", at != NULL ? at + 5 : "");
    return tag;
}

// The next choices go by turn, so that the table does not lead back to the same member by itself.
static void take_turns(struct wire *wire)
{
    wire->image.peers[IMAGE_SBCS].balance = BALANCE_WEIGHTED;
    wire_reload(wire);
}

struct challenge {
    const char *status;
    bool kept;
};

static const struct challenge challenges[] = {
    {"401 Unauthorized", true},
    {"407 Proxy Authentication Required", true},
    {"422 Session Interval Too Small", true},
    {"486 Busy Here", false},
    {"488 Not Acceptable Here", false},
};

// The INVITE of a call to one of the two; the one that it reached.
static struct endpoint invite_somewhere(struct wire *wire, struct call *call, const char *id, unsigned branch)
{
    char text[WIRE_TEXT_MAX];
    call_init(call, wire, id);
    call->branch = branch;
    call_invite_text(call, text);
    wire_send(wire, wire_carrier, text);
    wire_take(wire, wire_carrier); // 100
    struct endpoint at = wire_same(wire->out[0].to, wire_sbc1) ? wire_sbc1 : wire_sbc2;
    call->sides[DIALOG_CALLEE].at = at;
    call->invite = wire_take(wire, at);
    assert_starts(&call->invite, "INVITE ");
    return at;
}

static void refuse(struct call *call, const char *status)
{
    call_answer(call, status);
    wire_take(call->wire, call->sides[DIALOG_CALLEE].at); // our ACK
    call_ack_refusal(call);
}

static void test_challenge(void **state)
{
    struct wire *wire = *state;
    take_turns(wire);
    for (unsigned i = 0; i < RTE_DIM(challenges); i++) {
        struct call call;
        char id[40];
        snprintf(id, sizeof(id), "challenge-%u@affinity", i);
        struct endpoint first = invite_somewhere(wire, &call, id, 1);
        refuse(&call, challenges[i].status);
        struct endpoint second = invite_somewhere(wire, &call, id, 2);
        if ((wire_same(second, first)) != challenges[i].kept)
            fail_msg("%s: the repeated INVITE %s", challenges[i].status,
                     challenges[i].kept ? "went to the other member" : "stayed");
        refuse(&call, "486 Busy Here");
        wire_pass(wire, 40000);
    }
    wire_expect_count(wire, COUNTER_AFFINITY_KEPT, 3);
}

static void test_challenge_is_forgotten(void **state)
{
    struct wire *wire = *state;
    struct call call;
    take_turns(wire);
    struct endpoint first = invite_somewhere(wire, &call, "forgotten@affinity", 1);
    refuse(&call, "407 Proxy Authentication Required");
    wire_pass_silently(wire, 32500);
    assert_false(wire_same(invite_somewhere(wire, &call, "forgotten@affinity", 2), first));
    refuse(&call, "486 Busy Here");
    wire_pass(wire, 40000);
}

// A member that cannot take it leaves the repetition to the others; one that drains finishes what it began.
static void test_member_gone_meanwhile(void **state)
{
    struct wire *wire = *state;
    const uint32_t flags[] = {MEMBER_DISABLED, MEMBER_DRAINING};
    for (unsigned i = 0; i < RTE_DIM(flags); i++) {
        struct call call;
        char id[40];
        snprintf(id, sizeof(id), "gone-%u@affinity", i);
        struct endpoint first = invite_somewhere(wire, &call, id, 1);
        uint16_t member = wire_same(first, wire_sbc1) ? IMAGE_MEMBER_SBC1 : IMAGE_MEMBER_SBC2;
        refuse(&call, "401 Unauthorized");
        wire->image.members[member].flags |= flags[i];
        wire_reload(wire);
        bool stayed = wire_same(invite_somewhere(wire, &call, id, 2), first);
        assert_int_equal(stayed, flags[i] == MEMBER_DRAINING);
        refuse(&call, "486 Busy Here");
        wire->image.members[member].flags &= ~flags[i];
        wire_reload(wire);
        wire_pass(wire, 40000);
    }
}

// What names the dialog, seen from the callee, who is to receive the INVITE.
static const char *const named_by[] = {
    "Replaces: %s;to-tag=%s;from-tag=%s\r\n",
    "Join: %s;from-tag=%3$s;to-tag=%2$s\r\n",
    "Target-Dialog: %s;local-tag=%s;remote-tag=%s\r\n",
};

static void name_dialog(const struct call *held, unsigned how, bool callee, char extra[256])
{
    char local[40], remote[40];
    snprintf(local, sizeof(local), "%s", tag_at(&held->answer, "To"));
    snprintf(remote, sizeof(remote), "%s", tag_at(&held->answer, "From"));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(extra, 256, named_by[how], held->id, callee ? local : remote, callee ? remote : local);
#pragma GCC diagnostic pop
}

// A call at sbc1, and an INVITE that the table would give to sbc2 names it.
static void name_a_call(struct wire *wire, unsigned holder, unsigned asker, unsigned how)
{
    struct call held, call;
    char id[40], text[WIRE_TEXT_MAX], extra[256];
    id_for(wire, holder, 0, "held", id);
    call_init(&held, wire, id);
    call_establish(&held);
    assert_true(wire_same(held.sides[DIALOG_CALLEE].at, wire_sbc1));
    id_for(wire, asker, 1, "asks", id);
    call_init(&call, wire, id);
    name_dialog(&held, how, true, extra);
    call.extra = extra;
    call_invite_text(&call, text);
    // The repetition is right behind it in the ring and stays so.
    wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    for (unsigned i = 0; i < 3; i++)
        wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 2);
    call.sides[DIALOG_CALLEE].at = wire_sbc1;
    call.invite = wire_take(wire, wire_sbc1);
    assert_starts(&call.invite, "INVITE ");
    wire_expect_silence(wire);
    call.extra = NULL;
    refuse(&call, "486 Busy Here");
    call_hang_up(&held, DIALOG_CALLER);
    wire_pass(wire, 40000);
}

static void test_named_here(void **state)
{
    struct wire *wire = *state;
    for (unsigned how = 0; how < RTE_DIM(named_by); how++)
        name_a_call(wire, 0, 0, how);
    wire_expect_count(wire, COUNTER_AFFINITY_ASKED, 0);
    wire_expect_count(wire, COUNTER_AFFINITY_KEPT, RTE_DIM(named_by));
}

static void test_named_at_another_worker(void **state)
{
    struct wire *wire = *state;
    for (unsigned how = 0; how < RTE_DIM(named_by); how++) {
        name_a_call(wire, 1, 0, how);
        name_a_call(wire, 0, 1, how);
    }
    wire_expect_count(wire, COUNTER_AFFINITY_ASKED, 4 * RTE_DIM(named_by)); // each repetition too
    wire_expect_count(wire, COUNTER_AFFINITY_KEPT, 2 * RTE_DIM(named_by));
    wire_expect_count(wire, COUNTER_MESSAGE_INVITE, 6 * RTE_DIM(named_by));
}

// The SBC called; it is found by where it stands.
static void test_member_that_called(void **state)
{
    struct wire *wire = *state;
    struct call held, call;
    char id[40], text[WIRE_TEXT_MAX], extra[256];
    call_init_outward(&held, wire, "outward@affinity");
    call_establish(&held);
    struct endpoint sbc = held.sides[DIALOG_CALLER].at;
    id_for(wire, 0, wire_same(sbc, wire_sbc1) ? 1 : 0, "asks", id);
    call_init(&call, wire, id);
    name_dialog(&held, 0, false, extra);
    call.extra = extra;
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    wire_take(wire, wire_carrier);
    call.sides[DIALOG_CALLEE].at = sbc;
    call.invite = wire_take(wire, sbc);
    call.extra = NULL;
    refuse(&call, "486 Busy Here");
    call_hang_up(&held, DIALOG_CALLER);
    wire_pass(wire, 40000);
}

static const char *const unknown[] = {
    "Replaces: nobody@affinity;to-tag=a;from-tag=b\r\n",
    "Replaces: held@unknown;to-tag=a;from-tag=b\r\n", // the call is there, the tags are not its own
    "Replaces: nobody@affinity;to-tag=a\r\n",
    "Replaces: ;to-tag=a;from-tag=b\r\n",
    "Replaces: \r\n",
    "Join: nobody@affinity;to-tag=a;from-tag=b\r\n",
    "Target-Dialog: nobody@affinity;local-tag=a\r\n",
};

// What is not there or not to be read changes nothing.
static void test_unknown(void **state)
{
    struct wire *wire = *state;
    struct call held;
    call_init(&held, wire, "held@unknown");
    call_establish(&held);
    for (unsigned i = 0; i < RTE_DIM(unknown); i++) {
        for (unsigned worker = 0; worker < wire->count; worker++) {
            struct call call;
            char id[40], name[16], text[WIRE_TEXT_MAX];
            snprintf(name, sizeof(name), "unknown%u", i);
            id_for(wire, worker, worker, name, id);
            call_init(&call, wire, id);
            call.extra = unknown[i];
            call_invite_text(&call, text);
            wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
            for (unsigned turn = 0; turn < 3; turn++)
                wire_turn(wire);
            if (wire_take_all(wire, wire_carrier, "SIP/2.0 400 ") == 1)
                continue; // who cannot be read is told so
            assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
            call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
            call.extra = NULL;
            refuse(&call, "486 Busy Here");
        }
    }
    call_hang_up(&held, DIALOG_CALLER);
    wire_pass(wire, 40000);
    wire_expect_count(wire, COUNTER_AFFINITY_KEPT, 0);
}

// The one who is asked has no room: the INVITE is lost like any other that is steered, and comes again.
static void test_full_ring(void **state)
{
    struct wire *wire = *state;
    struct call held, call;
    char id[40], text[WIRE_TEXT_MAX], extra[256];
    id_for(wire, 1, 0, "held", id);
    call_init(&held, wire, id);
    call_establish(&held);
    id_for(wire, 0, 1, "asks", id);
    call_init(&call, wire, id);
    name_dialog(&held, 0, true, extra);
    call.extra = extra;
    call_invite_text(&call, text);
    struct rte_ring *ring = wire->parts[0].outbox[1];
    unsigned filled = 0;
    while (rte_ring_sp_enqueue(ring, wire) == 0)
        filled++;
    wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    worker_turn(wire->workers[0]);
    worker_turn(wire->workers[0]);
    wire_expect_count(wire, COUNTER_DROP_INBOX_FULL, 1);
    void *out;
    for (unsigned i = 0; i < filled; i++)
        assert_int_equal(rte_ring_sc_dequeue(ring, &out), 0);
    wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    for (unsigned i = 0; i < 3; i++)
        wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
    call.sides[DIALOG_CALLEE].at = wire_sbc1;
    call.invite = wire_take(wire, wire_sbc1);
    call.extra = NULL;
    refuse(&call, "486 Busy Here");
    call_hang_up(&held, DIALOG_CALLER);
    wire_pass(wire, 40000);
}

static void test_notes(void **state)
{
    (void)state;
    static struct affinity affinity;
    struct affinity_note note = {.call_hash = 7, .until = 100, .peer = 3 + 1, .member = 5};
    assert_int_equal(affinity_take(&affinity, 7, 3, 0), NUMBER_NONE);
    assert_true(affinity_put(&affinity, &note, 0));
    assert_int_equal(affinity_take(&affinity, 7, 2, 0), NUMBER_NONE);
    assert_int_equal(affinity_take(&affinity, 7 + AFFINITY_SETS, 3, 0), NUMBER_NONE);
    assert_int_equal(affinity_take(&affinity, 7, 3, 99), 5);
    assert_int_equal(affinity_take(&affinity, 7, 3, 99), NUMBER_NONE); // once
    assert_true(affinity_put(&affinity, &note, 0));
    assert_int_equal(affinity_take(&affinity, 7, 3, 100), NUMBER_NONE);
    note.until = UINT32_MAX; // just before the clock begins again
    assert_true(affinity_put(&affinity, &note, UINT32_MAX - 10));
    note.member = 6;
    note.until = 20;
    assert_true(affinity_put(&affinity, &note, UINT32_MAX - 9));
    assert_int_equal(affinity_take(&affinity, 7, 3, 5), 6);
    // A full set gives up the note that ends first.
    for (uint16_t i = 0; i < AFFINITY_WAYS + 1u; i++) {
        note = (struct affinity_note){
            .call_hash = 7 + (uint64_t)i * AFFINITY_SETS, .until = 200 + (i ^ 1u), .peer = 1, .member = i};
        assert_int_equal(affinity_put(&affinity, &note, 100), i < AFFINITY_WAYS);
    }
    for (uint16_t i = 0; i < AFFINITY_WAYS + 1u; i++)
        assert_int_equal(affinity_take(&affinity, 7 + (uint64_t)i * AFFINITY_SETS, 0, 100),
                         i == 1 ? NUMBER_NONE : i);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes),        ON_WIRE(test_challenge),  ON_WIRE(test_challenge_is_forgotten),
        ON_WIRE(test_member_gone_meanwhile), ON_WIRE(test_named_here), ON_TWO(test_named_at_another_worker),
        ON_WIRE(test_member_that_called),    ON_TWO(test_unknown),     ON_TWO(test_full_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
