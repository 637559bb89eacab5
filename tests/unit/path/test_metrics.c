// SPDX-License-Identifier: BSD-3-Clause
// What a worker counts besides outcomes: histograms, what a peer sent by method and class, and what there is
// of each thing.
#include <stdio.h>
#include "tests.h"

static const struct counters_histogram *histogram_of(const struct wire *wire, unsigned worker,
                                                     enum histogram histogram)
{
    return &wire->parts[worker].counters->histograms[histogram];
}

static uint64_t values_in(const struct counters_histogram *histogram)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        n += histogram->buckets[i];
    return n;
}

static void test_times_of_a_call(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "times@metrics");
    call_invite(&call);
    wire_pass(wire, 200);
    call_answer(&call, "180 Ringing");
    wire_pass(wire, 2800);
    call_answer(&call, "200 OK");
    call_answer(&call, "200 OK"); // the callee repeats it: answered once
    assert_int_equal(values_in(histogram_of(wire, 0, HISTOGRAM_POST_DIAL_DELAY)), 1);
    assert_int_equal(histogram_of(wire, 0, HISTOGRAM_POST_DIAL_DELAY)->buckets[histogram_bucket(200)], 1);
    assert_int_equal(values_in(histogram_of(wire, 0, HISTOGRAM_ANSWER_TIME)), 1);
    assert_int_equal(histogram_of(wire, 0, HISTOGRAM_ANSWER_TIME)->buckets[histogram_bucket(3000)], 1);
    call_request(&call, DIALOG_CALLER, "ACK");
    wire_pass(wire, 75500);
    assert_int_equal(values_in(histogram_of(wire, 0, HISTOGRAM_CALL_DURATION)), 0);
    call_hang_up(&call, DIALOG_CALLER);
    assert_int_equal(values_in(histogram_of(wire, 0, HISTOGRAM_CALL_DURATION)), 1);
    assert_int_equal(histogram_of(wire, 0, HISTOGRAM_CALL_DURATION)->sum, 75);
}

static void test_refused_call_has_no_times(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "refused@metrics");
    call_invite(&call);
    wire_pass(wire, 200);
    call_answer(&call, "486 Busy Here");
    call_ack_refusal(&call);
    for (unsigned i = HISTOGRAM_POST_DIAL_DELAY; i <= HISTOGRAM_CALL_DURATION; i++)
        assert_int_equal(values_in(histogram_of(wire, 0, (enum histogram)i)), 0);
}

// Each message that leaves in answer to one that came has a latency; a retransmission of ours has none. A
// second between two turns is no turn's time, since the clock is turned behind its end.
static void test_latency_of_what_came(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "latency@metrics");
    call_invite(&call); // 100 and INVITE
    const struct counters_histogram *latency = histogram_of(wire, 0, HISTOGRAM_FORWARDING);
    assert_int_equal(values_in(latency), 2);
    wire_pass_silently(wire, 5000);
    assert_true(wire_count(wire, COUNTER_TX_RETRANSMITTED) > 0);
    assert_true(wire_count(wire, COUNTER_TX_PACKETS) > 2);
    assert_int_equal(values_in(latency), 2);
    call_answer(&call, "200 OK");
    assert_int_equal(values_in(latency), 3);
    assert_true(latency->sum < 3000000);
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLER);
    assert_int_equal(values_in(latency), 6);
}

// The clock is turned between rx and tx: the frame's time is told by its receiver's.
static void test_latency_over_two_workers(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < 8; i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "both-%u@metrics", i);
        call_init(&call, wire, id);
        call_establish(&call);
        call_hang_up(&call, DIALOG_CALLER);
    }
    uint64_t values = values_in(histogram_of(wire, 0, HISTOGRAM_FORWARDING)) +
                      values_in(histogram_of(wire, 1, HISTOGRAM_FORWARDING));
    assert_int_equal(values, wire_count(wire, COUNTER_TX_PACKETS));
}

static void test_turns_that_received(void **state)
{
    struct wire *wire = *state;
    struct call call;
    const struct counters_histogram *turns = histogram_of(wire, 0, HISTOGRAM_TURN);
    for (unsigned i = 0; i < 5; i++)
        wire_turn(wire);
    assert_int_equal(values_in(turns), 0);
    call_init(&call, wire, "turns@metrics");
    call_invite(&call);
    wire_turn(wire);
    assert_int_equal(values_in(turns), 1);
    wire->workers[0]->idle_turns = 1; // it slept after a turn that received
    call_answer(&call, "200 OK");
    wire_turn(wire);
    assert_int_equal(values_in(turns), 1);
    wire->workers[0]->idle_turns = 0;
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_peers_by_method_and_class(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "methods@metrics");
    call_invite(&call);
    call_answer(&call, "183 Session Progress");
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    struct wire_packet info = call_request(&call, DIALOG_CALLEE, "INFO");
    call_respond(&call, &info, "500 Server Internal Error", "");
    call_take(&call, DIALOG_CALLEE, "SIP/2.0 500");
    struct wire_packet again = call_request(&call, DIALOG_CALLER, "INVITE");
    call_respond(&call, &again, "488 Not Acceptable Here", "");
    wire_pass_silently(wire, 40000); // its ACK, and repeats of it
    call_hang_up(&call, DIALOG_CALLEE);
    const struct counters_peer *carrier = &wire->parts[0].peers[IMAGE_CARRIER_A];
    const struct counters_peer *sbcs = &wire->parts[0].peers[IMAGE_SBCS];
    assert_int_equal(carrier->requests[PEER_METHOD_INVITE], 1);
    assert_int_equal(carrier->requests[PEER_METHOD_REINVITE], 1);
    assert_int_equal(carrier->requests[PEER_METHOD_ACK], 1);
    assert_int_equal(carrier->requests[PEER_METHOD_BYE], 0);
    assert_int_equal(carrier->responses[4], 1); // 5xx to INFO
    assert_int_equal(carrier->responses[1], 1); // to BYE
    assert_int_equal(sbcs->requests[PEER_METHOD_INFO], 1);
    assert_int_equal(sbcs->requests[PEER_METHOD_BYE], 1);
    assert_int_equal(sbcs->responses[0], 1);
    assert_int_equal(sbcs->responses[1], 1);
    assert_int_equal(sbcs->responses[3], 1);
}

static uint64_t gauge(const struct wire *wire, enum counter counter)
{
    return wire->parts[0].counters->values[counter];
}

static void test_resources(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    struct call call;
    gauges_publish(worker);
    assert_int_equal(gauge(wire, COUNTER_USED_DIALOGS), 0);
    call_init(&call, wire, "resources@metrics");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    gauges_publish(worker);
    assert_int_equal(gauge(wire, COUNTER_DIALOG_EARLY_NOW), 1);
    assert_int_equal(gauge(wire, COUNTER_USED_DIALOGS), 0); // not each turn
    wire_pass(wire, 200);
    gauges_publish(worker);
    assert_int_equal(gauge(wire, COUNTER_USED_DIALOGS), 1);
    assert_int_equal(gauge(wire, COUNTER_USED_TABLE), 1);
    assert_int_equal(gauge(wire, COUNTER_USED_TRANSACTIONS), 2);
    assert_true(gauge(wire, COUNTER_USED_ARENA) > 0);
    assert_true(gauge(wire, COUNTER_TIMERS_NOW) > 0);
    for (unsigned i = 0; i <= COUNTER_USED_COMMANDS - COUNTER_USED_DIALOGS; i++)
        assert_true(gauge(wire, (enum counter)(COUNTER_USED_DIALOGS + i)) <=
                    gauge(wire, (enum counter)(COUNTER_CAPACITY_DIALOGS + i)));
    assert_int_equal(gauge(wire, COUNTER_CAPACITY_DIALOGS), wire->parts[0].dialogs_capacity);
    assert_int_equal(gauge(wire, COUNTER_CAPACITY_TRANSACTIONS), wire->parts[0].transactions_capacity);
    assert_int_equal(gauge(wire, COUNTER_CAPACITY_ARENA), wire->parts[0].arena_size);
    assert_int_equal(gauge(wire, COUNTER_ARENA_REFUSED), 0);
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLER);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_times_of_a_call),
        ON_WIRE(test_refused_call_has_no_times),
        ON_WIRE(test_latency_of_what_came),
        ON_TWO(test_latency_over_two_workers),
        ON_WIRE(test_turns_that_received),
        ON_WIRE(test_peers_by_method_and_class),
        ON_WIRE(test_resources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
