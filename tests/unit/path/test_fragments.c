// SPDX-License-Identifier: BSD-3-Clause
// Calls whose INVITEs no frame holds, with tags, over IPv6, and from one family to the other.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capturing.h"
#include "frame.h"
#include "tests.h"

// Text of a message with a body of so many octets.
static uint32_t with_body(const char *text, uint32_t octets, char *out)
{
    const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length:");
    assert_non_null(end);
    size_t head = (size_t)((length != NULL ? length : end + 2) - text);
    memcpy(out, text, head);
    int line = sprintf(out + head, "Content-Length: %u\r\n\r\n", octets);
    for (uint32_t i = 0; i < octets; i++)
        out[head + (size_t)line + i] = "abcdefghijklmnopqrstuvwxyz0123456789\r\n"[(i + i / 997) % 38];
    return (uint32_t)head + (uint32_t)line + octets;
}

static char large[70000];

// The INVITE with a body of so many octets comes and goes whole, and its call is like any other.
static void call_with_body(struct wire *wire, const char *id, uint32_t octets, const struct wire_form *form)
{
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, id);
    call_invite_text(&call, text);
    uint32_t length = with_body(text, octets, large);
    wire->pieces = 0;
    wire_put_any(wire, call.sides[DIALOG_CALLER].at, large, length, form);
    wire_turn(wire);
    wire_turn(wire); // a burst is 32 frames
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLER].at, "SIP/2.0 100 "), 1);
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_true(wire->pieces > 0);
    assert_true(call.invite.length > length);
    assert_memory_equal(wire->large + call.invite.length - octets, large + length - octets, octets);
    call_answer(&call, "180 Ringing");
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLER);
    wire_expect_silence(wire);
}

static void test_bodies(void **state)
{
    static const uint32_t bodies[] = {1400, 3000, 8192, 60000};
    static const enum wire_order orders[] = {WIRE_IN_ORDER, WIRE_REVERSED, WIRE_MIXED};
    struct wire *wire = *state;
    char id[48];
    for (unsigned i = 0; i < RTE_DIM(bodies); i++) {
        for (unsigned k = 0; k < RTE_DIM(orders); k++) {
            snprintf(id, sizeof(id), "%u-%u@fragments", bodies[i], k);
            call_with_body(wire, id, bodies[i], &(struct wire_form){.mtu = 1500, .order = orders[k]});
        }
    }
    wire_expect_count(wire, COUNTER_REASSEMBLED, 12);
    wire_expect_count(wire, COUNTER_TX_FRAGMENTED, 12);
    wire_check(wire);
}

static const struct ip_address edge6 = {{0x20, 1, 0xd, 0xb8, [15] = 0x10}};
static const struct ip_address carrier6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}};

// The outer network speaks IPv6, the inner one stays as it is.
static void make_outside_ipv6(struct wire *wire)
{
    struct nexthop_network networks[NETWORKS_MAX] = {{.mac = {2, 0xaa, [5] = 0}, .mtu = 1500, .up = true},
                                                     {.mac = {2, 0xaa, [5] = 1}, .mtu = 1500, .up = true}};
    const struct nexthop_route routes[] = {
        {.prefix = edge6, .length = 64, .network = 0},
        {.prefix = IP_MAPPED(0x0a140000), .length = IP_MAPPED_BITS + 16, .network = 1}};
    const struct nexthop_neighbour neighbours[] = {
        {.address = carrier6, .mac = {2, 1}, .network = 0, .usable = true},
        {.address = wire_sbc1.address, .mac = {2, 0xaa, 10, 20, 0, 11}, .network = 1, .usable = true},
        {.address = wire_sbc2.address, .mac = {2, 0xaa, 10, 20, 0, 12}, .network = 1, .usable = true}};
    struct nexthop_route sorted[2] = {routes[0], routes[1]};
    sorted[0].prefix.octets[15] = 0;
    wire->image.listeners[0].address = wire->image.listeners[0].advertised = edge6;
    wire->image.members[IMAGE_MEMBER_CARRIER_A].address = carrier6;
    for (unsigned i = 0; i < 6; i++) {
        struct snapshot_source *source = &wire->image.sources[i];
        if (ip_equal(&source->address, &wire_carrier.address))
            source->address = carrier6;
    }
    wire_reload(wire);
    nexthop_destroy(wire->published.nexthops);
    wire->published.nexthops = nexthop_create(networks, sorted, 2, neighbours, 3);
    assert_non_null(wire->published.nexthops);
    wire->workers[0]->nexthops = wire->published.nexthops;
}

static const struct endpoint caller6 = {{{0x20, 1, 0xd, 0xb8, [15] = 1}}, 5060, 0};

static void whole_call(struct wire *wire, struct endpoint caller, const char *id)
{
    struct call call;
    call_init(&call, wire, id);
    call.sides[DIALOG_CALLER].at = caller;
    call_establish(&call);
    call_request(&call, DIALOG_CALLER, "INFO");
    call_hang_up(&call, DIALOG_CALLER);
    wire_expect_silence(wire);
}

// One side speaks IPv6, the other one IPv4, with one INVITE in fragments, too.
static void test_ipv6(void **state)
{
    struct wire *wire = *state;
    make_outside_ipv6(wire);
    whole_call(wire, caller6, "ipv6@fragments");
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "ipv6-large@fragments");
    call.sides[DIALOG_CALLER].at = caller6;
    call_invite_text(&call, text);
    uint32_t length = with_body(text, 8192, large);
    wire_put_any(wire, caller6, large, length, &(struct wire_form){.mtu = 1280, .order = WIRE_MIXED});
    wire_turn(wire);
    assert_int_equal(wire_take_all(wire, caller6, "SIP/2.0 100 "), 1);
    struct wire_packet invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_true(invite.length > length);
    wire_expect_count(wire, COUNTER_REASSEMBLED, 1);
    // A response that is as long goes back in fragments of IPv6.
    wire->pieces = 0;
    call.extra = NULL;
    call_respond(&call, &invite, "486 Busy Here", "busy");
    assert_int_equal(wire_take_all(wire, caller6, "SIP/2.0 486 "), 1);
    assert_int_equal(wire->pieces, 0);
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "ACK "), 1);
}

// The other way: what comes in by IPv4 leaves by IPv6 in fragments.
static void test_to_ipv6(void **state)
{
    struct wire *wire = *state;
    make_outside_ipv6(wire);
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init_outward(&call, wire, "to-ipv6@fragments");
    call.sides[DIALOG_CALLEE].at = caller6;
    call_invite_text(&call, text);
    uint32_t length = with_body(text, 8192, large);
    wire_put_any(wire, wire_sbc1, large, length, &(struct wire_form){.mtu = 1500});
    wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_sbc1, "SIP/2.0 100 "), 1);
    struct wire_packet invite = wire_take(wire, caller6);
    assert_int_equal(wire->pieces, (8 + invite.length + 1447) / 1448);
    assert_memory_equal(wire->large + invite.length - 8192, large + length - 8192, 8192);
    wire_expect_count(wire, COUNTER_TX_FRAGMENTED, 1);
}

static void test_tags(void **state)
{
    struct wire *wire = *state;
    wire->image.networks[0].vlan = 100;
    wire->image.networks[1].vlan = 7;
    wire->image.networks[1].outer_vlan = 4000;
    wire_reload(wire);
    whole_call(wire, wire_carrier, "tags@fragments");
    call_with_body(wire, "tags-large@fragments", 3000,
                   &(struct wire_form){.mtu = 1500, .tags = FRAME_TAGS(0, 100)});
    // Others' tags, and none.
    static const uint32_t others[] = {0, FRAME_TAGS(0, 101), FRAME_TAGS(100, 0), FRAME_TAGS(100, 100)};
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "others@fragments");
    call_invite_text(&call, text);
    for (unsigned i = 0; i < RTE_DIM(others); i++)
        wire_put_any(wire, wire_carrier, text, (uint32_t)strlen(text),
                     &(struct wire_form){.mtu = 1500, .tags = others[i]});
    wire_turn(wire);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_VLAN, 4);
}

// A capture of what is dropped of a peer has its frames whatever they are: pieces of IPv6 with others' tags.
static void test_captured_pieces(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    make_outside_ipv6(wire);
    struct capture_filter of_peer = capturing_filter(CHANNEL_CAPTURE_PEER);
    of_peer.peer = IMAGE_CARRIER_A;
    capturing_begin(wire);
    capturing_dropped(wire, 0, of_peer);
    call_init(&call, wire, "captured@fragments");
    call.sides[DIALOG_CALLER].at = caller6;
    call_invite_text(&call, text);
    uint32_t length = with_body(text, 3000, large);
    wire_put_any(wire, caller6, large, length,
                 &(struct wire_form){.mtu = 1280, .tags = FRAME_TAGS(200, 100)});
    wire_turn(wire);
    uint32_t pieces = (8 + length + 1231) / 1232; // of what 1280 leaves beside IPv6's two headers
    for (uint32_t i = 0; i < pieces; i++) {
        const struct capture_record *record = capturing_record(0);
        assert_non_null(record);
        assert_int_equal(record->flags, CAPTURE_FRAME);
        assert_int_equal(record->outcome, COUNTER_DROP_VLAN);
        assert_int_equal(record->peer, IMAGE_CARRIER_A);
        assert_memory_equal((const uint8_t *)(record + 1) + 12, "\x88\xa8", 2);
        capturing_tails.rings[0].tail += record->size;
    }
    assert_null(capturing_record(0));
    wire_expect_count(wire, COUNTER_DROP_VLAN, pieces);
    capturing_end(wire);
}

// What never becomes whole, and what is not for us, costs others nothing.
static void test_lost_pieces(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "lost@fragments");
    call_invite_text(&call, text);
    uint32_t length = with_body(text, 3000, large);
    for (uint32_t lost = 1; lost <= 3; lost++)
        wire_put_any(wire, wire_carrier, large, length, &(struct wire_form){.mtu = 1500, .lost = lost});
    wire_turn(wire);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OUT_FRAGMENT, 6);
    for (unsigned i = 0; i < 200; i++)
        wire_put_any(wire, wire_stranger, large, length, &(struct wire_form){.mtu = 1500});
    for (unsigned i = 0; i < 20; i++)
        wire_turn(wire);
    wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, 600);
    assert_int_equal(wire->workers[0]->reassembler.count, 3);
    wire_pass(wire, 2100);
    wire_expect_count(wire, COUNTER_REASSEMBLY_TIMED_OUT, 3);
    assert_int_equal(wire->workers[0]->reassembler.count, 0);
    wire_check(wire);
}

// Without a large buffer the datagram is lost and counted; the next one is not.
static void test_no_large_buffer(void **state)
{
    static struct rte_mbuf *taken[64];
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "buffers@fragments");
    call_invite_text(&call, text);
    uint32_t length = with_body(text, 3000, large);
    unsigned n = rte_mempool_avail_count(wire_large_pool());
    assert_int_equal(rte_pktmbuf_alloc_bulk(wire_large_pool(), taken, n), 0);
    wire_put_any(wire, wire_carrier, large, length, &(struct wire_form){.mtu = 1500});
    wire_turn(wire);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_NO_MBUF, 1);
    // One for what comes and none for what leaves: refused, not lost.
    rte_pktmbuf_free(taken[0]);
    wire_put_any(wire, wire_carrier, large, length, &(struct wire_form){.mtu = 1500});
    wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 503 "), 1);
    rte_pktmbuf_free_bulk(taken + 1, n - 1);
    wire_put_any(wire, wire_carrier, large, length, &(struct wire_form){.mtu = 1500});
    wire_turn(wire);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "INVITE "), 1);
}

static uint64_t of_worker(const struct wire *wire, unsigned worker, enum counter counter)
{
    return wire->parts[worker].counters->values[counter];
}

// Fragments of one datagram come by queues of different workers: one of the two puts it together, whoever
// owns its Call-ID.
static void test_two_workers(void **state)
{
    static const uint32_t bodies[] = {1400, 3000, 8192, 60000};
    static const enum wire_order orders[] = {WIRE_IN_ORDER, WIRE_REVERSED, WIRE_MIXED};
    struct wire *wire = wire_open(&(struct wire_options){.workers = 2, .queues = 2});
    const struct wire_form form = {.mtu = 1500, .queues = 2};
    char id[48];
    for (unsigned i = 0; i < 48; i++) {
        struct wire_form this = form;
        snprintf(id, sizeof(id), "%u@fragments-of-two", i);
        this.order = orders[i % RTE_DIM(orders)];
        call_with_body(wire, id, bodies[i % RTE_DIM(bodies)], &this);
    }
    wire_expect_count(wire, COUNTER_REASSEMBLED, 48);
    for (unsigned worker = 0; worker < 2; worker++) {
        assert_in_range(of_worker(wire, worker, COUNTER_REASSEMBLED), 8, 40);
        // Half of each datagram came by the other's queue, and each worker owns some of the calls.
        assert_in_range(of_worker(wire, worker, COUNTER_STEER_FRAGMENT), 48, 600);
        assert_in_range(of_worker(wire, worker, COUNTER_DIALOG_CREATED), 8, 40);
    }
    // Messages alone are told as owned.
    uint64_t owned = wire_count(wire, COUNTER_STEER_HERE) + wire_count(wire, COUNTER_INBOX_TAKEN);
    assert_int_equal(owned, 48 * 6);
    wire_expect_count(wire, COUNTER_DROP_INBOX_FULL, 0);
    // Who is no peer is handed to nobody.
    uint64_t handed = wire_count(wire, COUNTER_STEER_FRAGMENT);
    for (unsigned i = 0; i < 10; i++)
        wire_put_any(wire, wire_stranger, large, 3000, &form);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, 30);
    wire_expect_count(wire, COUNTER_STEER_FRAGMENT, handed);
    wire_close(wire);
    (void)state;
}

// A network with one queue has one worker that receives from it.
static void test_two_workers_one_queue(void **state)
{
    struct wire *wire = *state;
    char id[48];
    for (unsigned i = 0; i < 8; i++) {
        snprintf(id, sizeof(id), "%u@fragments-of-one", i);
        call_with_body(wire, id, 3000, &(struct wire_form){.mtu = 1500});
    }
    assert_int_equal(of_worker(wire, 0, COUNTER_REASSEMBLED), 8);
    wire_expect_count(wire, COUNTER_STEER_FRAGMENT, 0);
}

// The worker that is to put them together stands still: what it has no room for is lost and counted, and what
// comes when it goes on is not.
static void test_inbox_full(void **state)
{
    struct wire *wire = wire_open(&(struct wire_options){.workers = 2, .queues = 2});
    const struct wire_form form = {.mtu = 1500, .lost = 3}; // three fragments each
    struct rte_ring *inbox = wire->parts[1].inbox[0];
    struct call call;
    char text[WIRE_TEXT_MAX];
    void *filler[1024] = {0};
    call_init(&call, wire, "inbox@fragments");
    call_invite_text(&call, text);
    uint32_t length = with_body(text, 3000, large);
    unsigned fill = rte_ring_free_count(inbox) - 1;
    assert_int_equal(rte_ring_enqueue_bulk(inbox, filler, fill, NULL), fill);
    for (unsigned i = 0; i < 16; i++)
        wire_put_any(wire, wire_carrier, large, length, &form);
    worker_turn(wire->workers[0]);
    assert_int_equal(rte_ring_dequeue_bulk(inbox, filler, fill, NULL), fill);
    uint64_t handed = of_worker(wire, 0, COUNTER_STEER_FRAGMENT);
    assert_in_range(handed, 2, 30); // of 32
    wire_expect_count(wire, COUNTER_DROP_INBOX_FULL, handed - 1);
    wire_expect_count(wire, COUNTER_OUT_FRAGMENT, 32 - handed);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_OUT_FRAGMENT, 32 - handed + 1);
    wire_pass(wire, 2100);
    assert_int_equal(wire->workers[0]->reassembler.count + wire->workers[1]->reassembler.count, 0);
    wire_expect_silence(wire);
    call_with_body(wire, "inbox-empty@fragments", 3000, &(struct wire_form){.mtu = 1500, .queues = 2});
    wire_close(wire);
    (void)state;
}

static uint64_t judged(const struct counters_filter *counters, enum prefilter_reason first,
                       enum prefilter_reason last)
{
    uint64_t sum = 0;
    for (unsigned network = 0; network < NETWORKS_MAX; network++)
        for (unsigned reason = first; reason <= last; reason++)
            sum += counters->reasons[network][reason];
    return sum;
}

static void load_filter(struct wire *wire, struct bucket_limit fragments)
{
    const struct bucket_limit ample = {1000000, 1000000};
    wire->image.header.settings.prefilter =
        (struct snapshot_prefilter){.mode = PREFILTER_ENFORCE, .source_bits = 64};
    for (unsigned i = 0; i < RTE_DIM(wire->image.peers); i++) {
        wire->image.peers[i].filter_all = wire->image.peers[i].filter_invite = ample;
        wire->image.peers[i].filter_fragment = fragments;
    }
    filter_policy_destroy(wire->published.filter);
    wire->published.filter = filter_policy_create(&wire->image.header);
    assert_non_null(wire->published.filter);
}

// The software filter judges each frame once: fragments, and not again what they make. Above their rate none
// gets to where datagrams are put together.
static void test_filtered_pieces(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    struct filter *filter = calloc(1, sizeof(*filter));
    struct counters_filter *counters = calloc(1, sizeof(*counters));
    struct call call;
    char text[WIRE_TEXT_MAX];
    assert_true(filter != NULL && counters != NULL);
    filter->networks = UINT32_MAX;
    worker->parts.filter = filter;
    worker->parts.filter_counters = counters;
    load_filter(wire, (struct bucket_limit){1000000, 1000000});
    call_with_body(wire, "filtered@fragments", 8192, &(struct wire_form){.mtu = 1500});
    assert_int_equal(judged(counters, PREFILTER_REASON_REDIRECTED, PREFILTER_REASON_REDIRECTED),
                     wire_count(wire, COUNTER_RX_PACKETS));
    assert_int_equal(judged(counters, 0, PREFILTER_REASON_COUNT - 1), wire_count(wire, COUNTER_RX_PACKETS));
    wire_expect_count(wire, COUNTER_REASSEMBLED, 1);
    load_filter(wire, (struct bucket_limit){0, 0});
    call_init(&call, wire, "dropped@fragments");
    call_invite_text(&call, text);
    wire_put_any(wire, wire_carrier, large, with_body(text, 8192, large), &(struct wire_form){.mtu = 1500});
    wire_turn(wire);
    wire_turn(wire);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FILTERED, 6);
    assert_int_equal(
        judged(counters, PREFILTER_REASON_PEER_FRAGMENT_RATE, PREFILTER_REASON_PEER_FRAGMENT_RATE), 6);
    assert_int_equal(worker->reassembler.count, 0);
    worker->parts.filter = NULL;
    filter_policy_destroy(wire->published.filter);
    wire->published.filter = NULL;
    free(filter);
    free(counters);
}

// The same where NICs make sums: of whole datagrams in any form, never of fragments.
static int setup_offload(void **state)
{
    int result = wire_setup(state);
    struct wire *wire = *state;
    for (unsigned i = 0; result == 0 && i < WIRE_NETWORKS; i++)
        wire->workers[0]->parts.offload[i] = WORKER_OFFLOAD_IP | WORKER_OFFLOAD_UDP;
    return result;
}

static int teardown_offload(void **state)
{
    struct wire *wire = *state;
    assert_true(wire->ip_sums > 0 && wire->udp_sums > 0);
    return wire_teardown(state);
}

#define OFFLOADED(test) cmocka_unit_test_setup_teardown(test, setup_offload, teardown_offload)

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_bodies),
        ON_WIRE(test_ipv6),
        ON_WIRE(test_to_ipv6),
        ON_WIRE(test_tags),
        ON_WIRE(test_captured_pieces),
        ON_WIRE(test_lost_pieces),
        ON_WIRE(test_no_large_buffer),
        ON_WIRE(test_filtered_pieces),
        cmocka_unit_test(test_two_workers),
        ON_TWO(test_two_workers_one_queue),
        cmocka_unit_test(test_inbox_full),
        OFFLOADED(test_bodies),
        OFFLOADED(test_ipv6),
        OFFLOADED(test_to_ipv6),
        OFFLOADED(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
