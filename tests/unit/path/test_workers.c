// SPDX-License-Identifier: BSD-3-Clause
// Two workers: one owner for each Call-ID, whatever queue its messages come from; order kept; each sends
// through whoever owns a queue of the network; a full inbox drops and counts.
#include <stdio.h>
#include <string.h>
#include "tests.h"

static unsigned owner_of(const struct wire *wire, const char *id)
{
    uint64_t hash = siphash13(&wire->parts[0].keys.table, id, strlen(id));
    return (unsigned)((hash >> 32) * 2 >> 32);
}

// A Call-ID that this worker owns.
static void id_for(const struct wire *wire, unsigned owner, unsigned n, char id[32])
{
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, 32, "%u-%u@workers", n, i);
        if (owner_of(wire, id) == owner)
            return;
    }
    fail();
}

static void one_call_for_each(struct wire *wire)
{
    for (unsigned owner = 0; owner < 2; owner++) {
        struct call call;
        char id[32];
        id_for(wire, owner, 1, id);
        call_init(&call, wire, id);
        call_establish(&call);
        assert_int_equal(wire->workers[owner]->dialogs.count, 1);
        assert_int_equal(wire->workers[1 - owner]->dialogs.count, 0);
        call_hang_up(&call, owner == 0 ? DIALOG_CALLER : DIALOG_CALLEE);
        assert_int_equal(wire->workers[owner]->dialogs.count, 0);
    }
    wire_expect_count(wire, COUNTER_RX_PACKETS, 12);
    wire_expect_count(wire, COUNTER_OUT_FORWARDED, 12);
    wire_expect_count(wire, COUNTER_TX_PACKETS, 14);
    wire_expect_count(wire, COUNTER_DROP_INBOX_FULL, 0);
}

// One queue a network: outside belongs to worker 0, inside to worker 1. Each call needs both.
static void test_one_queue_a_network(void **state)
{
    struct wire *wire = *state;
    one_call_for_each(wire);
    wire_expect_count(wire, COUNTER_STEER_AWAY, 6); // worker 0's from inside, worker 1's from outside
    assert_true(wire->parts[0].counters->values[COUNTER_TX_PACKETS] ==
                8); // 100 180 200, 200 or BYE: each outside
    assert_true(wire->parts[1].counters->values[COUNTER_TX_PACKETS] == 6);
}

static void test_two_queues_a_network(void **state)
{
    struct wire *wire = wire_open(&(struct wire_options){.workers = 2, .queues = 2});
    struct call call;
    char text[WIRE_TEXT_MAX], id[32];
    one_call_for_each(wire);
    // Repetitions of one INVITE on both queues meet one transaction.
    for (unsigned owner = 0; owner < 2; owner++) {
        id_for(wire, owner, 2, id);
        call_init(&call, wire, id);
        call_invite_text(&call, text);
        for (unsigned i = 0; i < 6; i++)
            wire_put_queue(wire, i % 2, wire_carrier, text);
        uint32_t before = wire->workers[owner]->transactions.count;
        wire_turn(wire);
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 6);
        assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "INVITE "), 1);
        wire_expect_silence(wire);
        assert_int_equal(wire->workers[owner]->transactions.count, before + 2);
    }
    wire_close(wire);
}

// 180 and 200 of many calls, back to back in one burst: none overtakes.
static void test_order(void **state)
{
    struct wire *wire = *state;
    static struct call calls[20];
    for (unsigned i = 0; i < RTE_DIM(calls); i++) {
        char id[32];
        id_for(wire, i % 2, 10 + i, id);
        call_init(&calls[i], wire, id);
        call_invite(&calls[i]);
    }
    for (unsigned i = 0; i < RTE_DIM(calls); i++) { // all in the ring before the next turn
        const char *const statuses[] = {"180 Ringing", "200 OK"};
        for (unsigned k = 0; k < 2; k++) {
            char text[WIRE_TEXT_MAX];
            const struct wire_packet *invite = &calls[i].invite;
            snprintf(text, sizeof(text),
                     "SIP/2.0 %s\r\nVia: %.*s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=t\r\nCall-ID: %s\r\nCSeq: "
                     "100 INVITE\r\n\r\n",
                     statuses[k], (int)strcspn(header_of(invite, "Via"), "|"), header_of(invite, "Via"),
                     strchr(header_of(invite, "Via"), '|') + 1, header_of(invite, "From"),
                     header_of(invite, "To"), calls[i].id);
            wire_put(wire, calls[i].sides[DIALOG_CALLEE].at, text, (uint32_t)strlen(text));
        }
    }
    wire_turn(wire);
    wire_turn(wire);
    for (unsigned i = 0; i < RTE_DIM(calls); i++) {
        unsigned seen = 0;
        for (uint32_t k = 0; k < wire->out_count; k++) {
            if (strcmp(header_of(&wire->out[k], "Call-ID"), calls[i].id) == 0)
                assert_int_equal(wire->out[k].message.status, seen++ == 0 ? 180 : 200);
        }
        assert_int_equal(seen, 2);
    }
    wire->out_count = 0;
}

static void test_inbox_full(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char id[32], text[WIRE_TEXT_MAX];
    id_for(wire, 1, 50, id);
    call_init(&call, wire, id);
    call_request_text(&call, DIALOG_CALLER, "OPTIONS", text);
    memcpy(strstr(text, "sip:bob@10.10.0.10"), "sip:10.10.0.10    ", 14); // to us: answered at once
    memmove(strstr(text, "sip:10.10.0.10") + 14, strstr(text, " SIP/2.0"),
            strlen(strstr(text, " SIP/2.0")) + 1);
    // The other worker stands still. The pool has not as many mbufs as a ring has room: the ring is made
    // smaller.
    struct rte_ring *inbox = wire->parts[1].inbox[0];
    void *filler[1024];
    unsigned fill = rte_ring_free_count(inbox) - 3;
    memset(filler, 0, sizeof(filler));
    assert_int_equal(rte_ring_enqueue_bulk(inbox, filler, fill, NULL), fill);
    for (unsigned i = 0; i < 10; i++)
        wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    worker_turn(wire->workers[0]);
    assert_int_equal(rte_ring_dequeue_bulk(inbox, filler, fill, NULL), fill);
    wire_expect_count(wire, COUNTER_DROP_INBOX_FULL, 7);
    wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 3);
    wire_expect_silence(wire);
}

// What another worker should send finds its ring full.
static void test_tx_ring_full(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char id[32], text[WIRE_TEXT_MAX];
    id_for(wire, 0, 60, id);
    call_init(&call, wire, id);
    struct rte_ring *out = wire->parts[0].tx_out[1];
    void *filler[1024] = {0};
    unsigned fill = rte_ring_free_count(out);
    assert_int_equal(rte_ring_enqueue_bulk(out, filler, fill, NULL), fill);
    call_invite_text(&call, text);
    wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    worker_turn(wire->workers[0]);
    assert_int_equal(rte_ring_dequeue_bulk(out, filler, fill, NULL), fill);
    wire_expect_count(wire, COUNTER_TX_REFUSED, 1);
    wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
    wire_pass(wire, 600); // timer A brings it there
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    call_answer(&call, "486 Busy Here");
    call_ack_refusal(&call);
}

// A response's branch names its worker: a hint of the wrong worker finds nothing, and no Call-ID can be
// borrowed.
static void test_branch_of_another_call(void **state)
{
    struct wire *wire = *state;
    struct call mine, other;
    char id[32];
    id_for(wire, 0, 70, id);
    call_init(&mine, wire, id);
    call_invite(&mine);
    id_for(wire, 1, 70, id);
    call_init(&other, wire, id);
    call_invite(&other);
    struct wire_packet forged = mine.invite;
    char *at = strstr(forged.text, mine.id); // in the Via of the caller
    assert_non_null(at);
    at = strstr(forged.text, "Call-ID: ") + 9;
    assert_int_equal(strlen(mine.id), strlen(other.id));
    memcpy(at, other.id, strlen(other.id));
    call_respond(&mine, &forged, "200 OK", "t");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_BRANCH, 1);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_TWO(test_one_queue_a_network),
        cmocka_unit_test(test_two_queues_a_network),
        ON_TWO(test_order),
        ON_TWO(test_inbox_full),
        ON_TWO(test_tx_ring_full),
        ON_TWO(test_branch_of_another_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
