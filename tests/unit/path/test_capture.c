// SPDX-License-Identifier: BSD-3-Clause
// What captures take of what passes: whole calls in their order, both directions, what we answer ourselves,
// what is dropped and why; nothing else, never more than their limits, and whatever the reader does.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capturing.h"
#include "probing.h"
#include "tests.h"

// The messages of a call in which the one is received and sent on: text and then its copy.
static void take_both(uint8_t captures, const char *text)
{
    const struct capture_record *in = capturing_take(0, captures, false, text);
    assert_int_equal(in->outcome, COUNTER_OUT_FORWARDED);
    assert_int_equal(capturing_take(0, captures, true, text)->outcome, CAPTURE_NO_OUTCOME);
}

static void take_call(uint8_t captures)
{
    capturing_take(0, captures, false, "INVITE sip:bob@");
    capturing_take(0, captures, true, "INVITE sip:bob@");
    capturing_take(0, captures, true, "SIP/2.0 100 ");
    take_both(captures, "SIP/2.0 180 ");
    take_both(captures, "SIP/2.0 200 ");
    take_both(captures, "ACK ");
    take_both(captures, "BYE ");
    take_both(captures, "CSeq: 101 BYE");
}

static void expect_empty(struct wire *wire)
{
    for (unsigned i = 0; i < wire->count; i++)
        assert_null(capturing_record(i));
}

static void play(struct wire *wire, const char *id, const char *user)
{
    struct call call;
    call_init(&call, wire, id);
    if (user != NULL)
        call.sides[DIALOG_CALLER].user = user;
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_nothing_wanted(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    play(wire, "nobody@capture", NULL);
    assert_int_equal(capturing_file->rings[0].head, 0);
    capturing_end(wire);
}

// Of two calls beside each other the one, whole; each octet as on the wire, with addresses and times.
static void test_one_call(void **state)
{
    struct wire *wire = *state;
    struct call one, other;
    capturing_begin(wire);
    capturing_call(wire, 3, "one@capture");
    call_init(&one, wire, "one@capture");
    call_init(&other, wire, "other@capture");
    call_invite(&one);
    call_invite(&other);
    const struct capture_record *in = capturing_take(0, 8, false, "INVITE sip:bob@");
    uint64_t begun_us = in->time_us;
    assert_memory_equal(in->source.octets + 12, "\x0a\x0a\x01\x01", 4);
    assert_memory_equal(in->destination.octets + 12, "\x0a\x0a\x00\x0a", 4);
    assert_int_equal(in->source_port, 5060);
    assert_int_equal(in->destination_port, 5060);
    assert_int_equal(in->peer, IMAGE_CARRIER_A);
    assert_int_equal(in->network, 0);
    assert_int_equal(in->serial, capturing_table.serial);
    const struct capture_record *out = capturing_take(0, 8, true, "INVITE sip:bob@");
    assert_int_equal(out->length, one.invite.length);
    assert_memory_equal(out + 1, one.invite.text, one.invite.length);
    assert_memory_equal(out->source.octets + 12, "\x0a\x14\x00\x0a", 4);
    assert_int_equal(out->peer, IMAGE_SBCS);
    assert_int_equal(out->network, 1);
    capturing_take(0, 8, true, "SIP/2.0 100 ");
    wire_pass(wire, 100);
    call_answer(&other, "200 OK");
    call_answer(&one, "200 OK");
    in = capturing_take(0, 8, false, "SIP/2.0 200 ");
    assert_int_equal(in->time_us - begun_us, 100000);
    capturing_take(0, 8, true, "SIP/2.0 200 ");
    expect_empty(wire);
    for (unsigned i = 0; i < 2; i++) {
        struct call *call = i == 0 ? &one : &other;
        call_learn(call);
        call_ack(call, DIALOG_CALLER, call->sides[DIALOG_CALLER].cseq);
        call_hang_up(call, DIALOG_CALLEE);
    }
    take_both(8, "ACK ");
    take_both(8, "BYE ");
    take_both(8, "BYE\r\n");
    expect_empty(wire);
    assert_int_equal(capturing_file->counts[3].messages, 11);
    wire_expect_count(wire, COUNTER_CAPTURED, 11);
    capturing_end(wire);
}

struct number_row {
    const char *user, *number;
    bool wanted;
};

static const struct number_row numbers[] = {
    {"alice", "ali", true},      {"alice", "alice", true},     {"alice", "lice", false},
    {"alice", "alicea", false},  {"alice", "bob", true},       {"+49301234", "+4930", true},
    {"+49301234", "4930", true}, {"49301234", "+4930", false}, {"+49-30.1234", "+49301234", true},
    {"alice", "bobby", false},
};

static void test_number(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    for (unsigned i = 0; i < RTE_DIM(numbers); i++) {
        char id[32];
        snprintf(id, sizeof(id), "number%u@capture", i);
        capturing_number(wire, 0, numbers[i].number);
        play(wire, id, numbers[i].user);
        print_message("%s in %s\n", numbers[i].number, numbers[i].user);
        if (numbers[i].wanted)
            take_call(1);
        expect_empty(wire);
    }
    capturing_end(wire);
}

// The call comes from another peer: that it goes to this one is not known when it comes.
static void test_peer(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    capturing_peer(wire, 0, IMAGE_SBCS);
    play(wire, "peer@capture", NULL);
    take_call(1);
    capturing_peer(wire, 1, IMAGE_CARRIER_A);
    capturing_peer(wire, 2, IMAGE_CARRIER_B);
    play(wire, "peers@capture", NULL);
    take_call(3);
    expect_empty(wire);
    assert_int_equal(capturing_file->counts[2].messages, 0);
    capturing_end(wire);
}

// What matches in the end by nobody leaves nothing in the ring.
static void test_taken_back(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    capturing_peer(wire, 0, IMAGE_CARRIER_B);
    play(wire, "back@capture", NULL);
    assert_int_equal(capturing_file->rings[0].head, 0);
    assert_int_equal(wire->workers[0]->capturing.writer.head, 0);
    capturing_end(wire);
}

// One in three Call-IDs, and of these all.
static void test_sample(void **state)
{
    struct wire *wire = *state;
    struct capture_filter filter = capturing_filter(CHANNEL_CAPTURE_SAMPLE);
    unsigned sampled = 0;
    capturing_begin(wire);
    filter.sample = 3;
    capturing_set(wire, 7, &filter);
    for (unsigned i = 0; i < 60; i++) {
        char id[32];
        snprintf(id, sizeof(id), "sample%u@capture", i);
        play(wire, id, NULL);
        if (capturing_record(0) == NULL)
            continue;
        take_call(0x80);
        expect_empty(wire);
        sampled++;
    }
    assert_in_range(sampled, 8, 34);
    capturing_end(wire);
}

static void test_refused(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    capturing_peer(wire, 0, IMAGE_CARRIER_B);
    wire_send(wire, wire_carrier_b,
              "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.2.1;branch=z9hG4bKx\r\n"
              "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c@refused\r\nCSeq: 1 INVITE\r\n"
              "Content-Length: 0\r\n\r\n");
    wire_take(wire, wire_carrier_b);
    assert_int_equal(capturing_take(0, 1, false, "INVITE ")->outcome, COUNTER_OUT_ANSWERED);
    capturing_take(0, 1, true, "SIP/2.0 404 ");
    expect_empty(wire);
    capturing_end(wire);
}

#define STRAY(method)                                                                                        \
    method " sip:bob@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKy\r\n"                   \
           "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>;tag=t\r\nCall-ID: c@dropped\r\nCSeq: 1 " method           \
           "\r\nContent-Length: 0\r\n\r\n"

static void expect_drop(uint8_t captures, const char *text, enum counter outcome, uint16_t peer)
{
    const struct capture_record *record = capturing_take(0, captures, false, text);
    assert_int_equal(record->outcome, outcome);
    assert_int_equal(record->peer, peer);
}

// All that is dropped, and what of it is one peer's; what is sent on is in neither.
static void test_dropped(void **state)
{
    struct wire *wire = *state;
    struct capture_filter of_peer = capturing_filter(CHANNEL_CAPTURE_PEER);
    capturing_begin(wire);
    of_peer.peer = IMAGE_CARRIER_A;
    capturing_dropped(wire, 0, capturing_filter(CHANNEL_CAPTURE_ALL));
    capturing_dropped(wire, 1, of_peer);
    play(wire, "fine@capture", NULL);
    assert_null(capturing_record(0));
    wire_send(wire, wire_stranger, STRAY("INVITE"));
    wire_send(wire, wire_carrier, STRAY("ACK"));
    wire_send(wire, wire_carrier_b, "\r\n\r\n");
    wire_send(wire, wire_carrier, "ACK \x01\x02");
    expect_drop(1, "INVITE ", COUNTER_DROP_UNKNOWN_SOURCE, NUMBER_NONE);
    expect_drop(3, "ACK sip", COUNTER_DROP_STRAY_ACK, IMAGE_CARRIER_A);
    expect_drop(1, "\r\n", COUNTER_DROP_KEEPALIVE, IMAGE_CARRIER_B);
    expect_drop(3, "ACK \x01", COUNTER_DROP_MALFORMED_REQUEST, IMAGE_CARRIER_A);
    expect_empty(wire);
    capturing_end(wire);
}

// Strangers' messages of a call that is followed belong to it; they make no call followed.
static void test_stranger(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    capturing_number(wire, 0, "bob");
    wire_send(wire, wire_stranger, STRAY("INVITE"));
    capturing_take(0, 1, false, "INVITE ");
    assert_int_equal(wire->workers[0]->capturing.calls.used, 0);
    capturing_end(wire);
}

// Frames of which no message was found; what is no UDP over IPv4 is not ours to show.
static void test_frames(void **state)
{
    struct wire *wire = *state;
    uint8_t frame[WIRE_TEXT_MAX];
    uint32_t length = wire_frame(wire_carrier, "text", 4, frame);
    capturing_begin(wire);
    capturing_dropped(wire, 0, capturing_filter(CHANNEL_CAPTURE_ALL));
    frame[length - 1] ^= 1; // the checksum of UDP
    wire_put_frame(wire, 0, frame, length);
    wire_turn(wire);
    const struct capture_record *record = capturing_record(0);
    assert_non_null(record);
    assert_int_equal(record->flags, CAPTURE_FRAME);
    assert_int_equal(record->outcome, COUNTER_DROP_UDP_HEADER);
    assert_int_equal(record->peer, IMAGE_CARRIER_A);
    assert_int_equal(record->network, 0);
    assert_int_equal(record->length, length);
    assert_memory_equal(record + 1, frame, length);
    capturing_tails.rings[0].tail += record->size;
    frame[12] = 0x86; // no IPv4
    wire_put_frame(wire, 0, frame, length);
    wire_turn(wire);
    expect_empty(wire);
    capturing_end(wire);
}

// What we could not send: with the reason, and what it would have answered too.
static void test_not_sent(void **state)
{
    struct wire *wire = *state;
    capturing_begin(wire);
    capturing_dropped(wire, 0, capturing_filter(CHANNEL_CAPTURE_ALL));
    wire_ways_set(wire, &(struct wire_ways){.unresolved = wire_carrier.address});
    wire_send(wire, wire_carrier,
              "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKz\r\n"
              "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c@unsent\r\nCSeq: 1 OPTIONS\r\n"
              "Content-Length: 0\r\n\r\n");
    const struct capture_record *record = capturing_take(0, 1, true, "SIP/2.0 200 ");
    assert_int_equal(record->outcome, COUNTER_DROP_NO_NEXT_HOP);
    expect_drop(1, "OPTIONS ", COUNTER_DROP_NO_NEXT_HOP, IMAGE_CARRIER_A);
    expect_empty(wire);
    wire_asked(wire);
    capturing_end(wire);
}

// Now and then the transactions of calls that are over have to go.
static void forget(struct wire *wire, unsigned calls)
{
    if (calls % 16 == 15)
        wire_pass_silently(wire, 40000);
}

// A reader that does not read: what does not fit is lost and counted; the calls do not notice. One that
// writes nonsense is a reader that does not read.
static void test_full(void **state)
{
    static const uint64_t nonsense[] = {1, (uint64_t)1 << 63, UINT64_MAX - CAPTURE_RING_OCTETS};
    struct wire *wire = *state;
    struct capture_filter all = capturing_filter(CHANNEL_CAPTURE_ALL);
    capturing_begin(wire);
    capturing_set(wire, 0, &all);
    capturing_set(wire, 1, &all);
    unsigned calls = 0;
    for (; capturing_file->rings[0].lost == 0; calls++) {
        char id[32];
        snprintf(id, sizeof(id), "full%u@capture", calls);
        play(wire, id, NULL);
        forget(wire, calls);
        assert_in_range(calls, 0, CAPTURE_RING_OCTETS / 13 / 200);
    }
    assert_int_equal(capturing_file->counts[0].messages + capturing_file->counts[0].lost, 13 * calls);
    assert_int_equal(capturing_file->counts[1].lost, capturing_file->rings[0].lost);
    assert_int_equal(wire_count(wire, COUNTER_CAPTURE_LOST), capturing_file->rings[0].lost);
    assert_in_range(capturing_file->rings[0].head, CAPTURE_RING_OCTETS - 4096, CAPTURE_RING_OCTETS);
    for (unsigned i = 0; i < RTE_DIM(nonsense); i++) {
        uint64_t lost = capturing_file->rings[0].lost, head = capturing_file->rings[0].head;
        char id[32];
        capturing_tails.rings[0].tail = head + nonsense[i];
        snprintf(id, sizeof(id), "nonsense%u@capture", i);
        play(wire, id, NULL);
        assert_int_equal(capturing_file->rings[0].lost, lost + 13);
        assert_int_equal(capturing_file->rings[0].head, head);
    }
    capturing_end(wire);
}

// Round the ring, with a reader that keeps up: each call whole, and nothing lost.
static void test_around(void **state)
{
    struct wire *wire = *state;
    struct capture_filter all = capturing_filter(CHANNEL_CAPTURE_ALL);
    capturing_begin(wire);
    capturing_set(wire, 0, &all);
    for (unsigned i = 0; capturing_file->rings[0].head < 2 * (uint64_t)CAPTURE_RING_OCTETS + 100000; i++) {
        char id[32];
        snprintf(id, sizeof(id), "around%u@capture", i);
        play(wire, id, NULL);
        forget(wire, i);
        take_call(1);
        expect_empty(wire);
    }
    assert_int_equal(capturing_file->rings[0].lost, 0);
    capturing_end(wire);
}

static void test_limits(void **state)
{
    struct wire *wire = *state;
    struct capture_filter messages = capturing_filter(CHANNEL_CAPTURE_ALL), octets = messages;
    capturing_begin(wire);
    messages.messages = 5;
    octets.octets = 1;
    capturing_set(wire, 0, &messages);
    capturing_set(wire, 1, &octets);
    play(wire, "limits@capture", NULL);
    capturing_take(0, 3, false, "INVITE ");
    capturing_take(0, 1, true, "INVITE ");
    capturing_take(0, 1, true, "SIP/2.0 100 ");
    take_both(1, "SIP/2.0 180 ");
    expect_empty(wire);
    assert_int_equal(capturing_file->counts[0].messages, 5);
    assert_int_equal(capturing_file->counts[1].messages, 1);
    capturing_end(wire);
}

// Whichever worker receives: each message once, by its owner, in its ring.
static void test_two_workers(void **state)
{
    struct wire *wire = *state;
    struct capture_filter all = capturing_filter(CHANNEL_CAPTURE_ALL);
    uint64_t both = 0;
    capturing_begin(wire);
    capturing_set(wire, 0, &all);
    for (unsigned i = 0; i < 16; i++) {
        char id[32];
        unsigned count = 0;
        snprintf(id, sizeof(id), "two%u@capture", i);
        play(wire, id, NULL);
        for (unsigned worker = 0; worker < 2; worker++) {
            for (const struct capture_record *record; (record = capturing_record(worker)) != NULL; count++) {
                capturing_tails.rings[worker].tail += record->size;
                both |= 1u << worker;
            }
        }
        assert_int_equal(count, 13);
    }
    assert_int_equal(both, 3);
    assert_int_equal(capturing_file->counts[0].messages, 16 * 13);
    capturing_end(wire);
}

// Probes are their peer's, nobody else's.
static void test_probes(void **state)
{
    struct wire *wire = *state;
    struct capture_filter all = capturing_filter(CHANNEL_CAPTURE_ALL);
    struct wire_packet probe;
    capturing_begin(wire);
    capturing_set(wire, 0, &all);
    capturing_number(wire, 1, "probe");
    capturing_peer(wire, 2, IMAGE_SBCS);
    probing_begin(wire);
    probing_next(wire, wire_sbc1, &probe);
    probing_answer(wire, &probe, G);
    capturing_take(0, 4, true, "OPTIONS ");
    capturing_take(0, 4, false, "SIP/2.0 200 ");
    expect_empty(wire);
    assert_int_equal(wire->workers[0]->capturing.calls.used, 0);
    probing_end(wire);
    capturing_end(wire);
}

// The calls that captures follow: the one silent for longest makes room, and a capture that ends leaves none.
static void test_calls(void **state)
{
    struct capture_calls *calls = calloc(1, sizeof(*calls));
    assert_non_null(calls);
    for (uint64_t i = 0; i < CAPTURE_CALLS; i++)
        assert_int_equal(capture_calls_add(calls, i * 8, 1), 0);
    assert_int_equal(capture_calls_find(calls, 0), 1); // heard again: 8 is the oldest now
    assert_int_equal(capture_calls_add(calls, 0, 4), 0);
    assert_int_equal(capture_calls_add(calls, UINT64_MAX, 2), 1);
    assert_int_equal(capture_calls_find(calls, 8), 0);
    assert_int_equal(capture_calls_find(calls, 0), 5);
    assert_int_equal(capture_calls_find(calls, UINT64_MAX), 2);
    for (uint64_t i = 2; i < CAPTURE_CALLS; i++)
        assert_int_equal(capture_calls_find(calls, i * 8), 1);
    capture_calls_clear(calls, 1);
    assert_int_equal(capture_calls_find(calls, 0), 4);
    assert_int_equal(capture_calls_find(calls, 16), 0);
    assert_int_equal(calls->used, CAPTURE_CALLS);
    capture_calls_clear(calls, 6);
    assert_int_equal(calls->used, 0);
    assert_int_equal(capture_calls_find(calls, 0), 0);
    assert_int_equal(capture_calls_add(calls, 0, 1), 0);
    assert_int_equal(capture_calls_find(calls, 0), 1);
    free(calls);
}

// A slot's next capture has nothing of what the one before followed.
static void test_slot_again(void **state)
{
    struct wire *wire = *state;
    struct call call;
    capturing_begin(wire);
    capturing_number(wire, 0, "alice");
    call_init(&call, wire, "again@capture");
    call_establish(&call);
    assert_int_equal(wire->workers[0]->capturing.calls.used, 1);
    capturing_tails.rings[0].tail = capturing_file->rings[0].head;
    capturing_number(wire, 0, "carol");
    call_hang_up(&call, DIALOG_CALLER);
    expect_empty(wire);
    capturing_end(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_nothing_wanted), ON_WIRE(test_one_call),       ON_WIRE(test_number),
        ON_WIRE(test_peer),           ON_WIRE(test_taken_back),     ON_WIRE(test_sample),
        ON_WIRE(test_refused),        ON_WIRE(test_dropped),        ON_WIRE(test_stranger),
        ON_WIRE(test_frames),         ON_WIRE(test_not_sent),       ON_WIRE(test_full),
        ON_WIRE(test_around),         ON_WIRE(test_limits),         ON_TWO(test_two_workers),
        ON_WIRE(test_probes),         cmocka_unit_test(test_calls), ON_WIRE(test_slot_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
