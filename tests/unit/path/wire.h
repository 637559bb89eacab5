// SPDX-License-Identifier: BSD-3-Clause
// One or two workers in this process, on a real EAL, with ports made of rings: a test puts frames into the
// ring that a worker receives from, calls turns one at a time, turns the clock, and takes from the other ring
// what was sent.
#ifndef DIALGATE_TEST_PATH_WIRE_H
#define DIALGATE_TEST_PATH_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "image.h"
#include "worker_core.h"

#define WIRE_WORKERS  2u
#define WIRE_NETWORKS 2u
#define WIRE_QUEUES   2u // of each network's port
#define WIRE_TEXT_MAX 4096u
#define WIRE_OUT_MAX  128u

// listener: the one of ours that they send to.
extern const struct endpoint wire_carrier;   // 10.10.1.1, member of carrier-a
extern const struct endpoint wire_phone;     // 10.10.1.7, belongs to carrier-a
extern const struct endpoint wire_carrier_b; // 10.10.2.1
extern const struct endpoint wire_stranger;  // 10.10.9.9
extern const struct endpoint wire_sbc1;      // 10.20.0.11
extern const struct endpoint wire_sbc2;

static inline bool wire_same(struct endpoint a, struct endpoint b) // address
{
    return ip_equal(&a.address, &b.address);
}
static inline uint32_t wire_ipv4(struct endpoint at)
{
    return ip_ipv4(&at.address);
}

// What left, parsed: it is always a message without fault.
struct wire_packet {
    struct endpoint to; // listener: from which of ours
    uint32_t length;
    char text[WIRE_TEXT_MAX]; // NUL-terminated
    struct message message;   // of text
};

struct wire_options {
    unsigned workers; // 0: one
    unsigned queues;  // of each network that workers share; 0: one
    uint32_t dialogs; // 0: the image's
    uint32_t transactions;
    uint32_t usages; // 0: no applications; else carrier-b is one, and routes lead from it and to it
};

struct wire {
    unsigned count;
    unsigned queues;
    struct worker *workers[WIRE_WORKERS];
    struct worker_parts parts[WIRE_WORKERS];
    struct worker_queue queue_rows[WIRE_WORKERS][WIRE_NETWORKS * WIRE_QUEUES];
    struct published published;
    struct snapshot_image image;
    void *memory[WIRE_WORKERS];
    void *files[WIRE_WORKERS];
    void *arenas[WIRE_WORKERS];
    unsigned mbufs; // in the pool before the test
    unsigned large_mbufs;
    uint32_t out_count;
    struct wire_packet out[WIRE_OUT_MAX];
    struct worker_shared shared;
    struct limit_words *limits[WORKERS_MAX];
    atomic_uint heard; // which control is there, for applications
    // Of what leaves in fragments: their number, and the last message that came to more than one, or was of
    // another form than the plain one.
    unsigned pieces;
    uint8_t large[65536];
    struct reassembler reassembler;
    uint64_t reassembler_counters[COUNTER_COUNT];
    // The NIC: RTE_MBUF_F_RX_* of the frames that come, octets that it puts into one buffer (0: all of a
    // frame), and sums that it made of frames that left.
    uint64_t rx_flags;
    uint32_t rx_segment;
    unsigned ip_sums, udp_sums;
};

// EAL, pool and ports of this process; false: EAL does not run here (exit status 77).
bool wire_boot(void);
// cmocka's fixtures: one worker, two workers with one queue a network. *state: struct wire.
int wire_setup(void **state);
int wire_setup_two(void **state);
// Asserts that in the end nothing is left: no transaction, dialog, timer, text or mbuf, each packet has its
// outcome, each gauge is zero.
int wire_teardown(void **state);
struct wire *wire_open(const struct wire_options *options);
void wire_close(struct wire *wire);

// A datagram into the rx ring of a queue.
void wire_put(struct wire *wire, struct endpoint from, const void *octets, uint32_t length);
void wire_put_queue(struct wire *wire, unsigned queue, struct endpoint from, const char *text);
// A whole frame as given.
void wire_put_frame(struct wire *wire, unsigned network, const void *octets, uint32_t length);
void wire_put_mbuf(unsigned network, struct rte_mbuf *mbuf); // takes it
void wire_put_frame_queue(struct wire *wire, const struct worker_queue *queue, const void *octets,
                          uint32_t length);
enum wire_order { WIRE_IN_ORDER, WIRE_REVERSED, WIRE_MIXED };
struct wire_form {
    uint32_t mtu; // of the sender's way
    uint32_t tags;
    uint32_t lost; // number of the frame that does not arrive, from 1; 0: all do
    enum wire_order order;
    unsigned queues; // frames take turns on so many; 0: all by the first one
};
// wire_any.c: a datagram with tags, over IPv6, in fragments: to the listener that `from` names.
void wire_put_any(struct wire *wire, struct endpoint from, const void *octets, uint32_t length,
                  const struct wire_form *form);
// Reads a frame of any form that left. False: a fragment, and the message is not whole.
bool wire_read_any(struct wire *wire, const struct rte_mbuf *mbuf, unsigned network,
                   struct wire_packet *packet);
// Ethernet, IPv4, UDP and text as from an endpoint. Returns octets.
uint32_t wire_frame(struct endpoint from, const void *octets, uint32_t length, uint8_t frame[WIRE_TEXT_MAX]);
// One turn of each worker, then what left is in out[]. With two workers: turns until a message that changes
// worker twice has left.
void wire_turn(struct wire *wire);
// wire_put() and wire_turn().
void wire_send(struct wire *wire, struct endpoint from, const char *text);
// Turns the clock in steps of 100 ms with a turn each.
void wire_pass(struct wire *wire, uint64_t ms);
// Likewise without stopping the test for retransmissions: what leaves is thrown away. In steps of 2.5 s.
void wire_pass_silently(struct wire *wire, uint64_t ms);
// A turn of each worker, and what leaves is thrown away.
void wire_turn_silently(struct wire *wire);

// Takes the first packet to this address and port off out[]; it must be there.
struct wire_packet wire_take(struct wire *wire, struct endpoint to);
void wire_expect_silence(struct wire *wire);
// How many packets to this endpoint are in out[] that begin with text; they are taken off.
unsigned wire_take_all(struct wire *wire, struct endpoint to, const char *text);

uint64_t wire_count(const struct wire *wire, enum counter counter);
#define wire_expect_count(wire, counter, n) assert_int_equal(wire_count(wire, counter), n)
// Each received packet has exactly one outcome.
void wire_check(const struct wire *wire);

struct wire_ways {
    uint16_t mtu;                 // of both networks, 0: 1500
    struct ip_address unresolved; // whose MAC is not known
    uint32_t unrouted;            // network without a route + 1
    const struct nexthop_route *more;
    uint32_t more_count; // any: everybody is a neighbour on both networks
};
void wire_ways_set(struct wire *wire, const struct wire_ways *ways);
// Rules from wire->image, as after a reload.
void wire_reload(struct wire *wire);
// What DNS says of names, as after an answer. NULL and 0: of none.
void wire_names(struct wire *wire, const struct name_row *rows, uint32_t count);
// A next hop that the workers asked for: 0 none.
uint32_t wire_asked(struct wire *wire);
// Runs a command through the rings.
void wire_command(struct wire *wire, unsigned worker, struct command *command);
struct rte_mempool *wire_pool(void);
struct rte_mempool *wire_large_pool(void);
// All of the pool but so many, for rte_pktmbuf_free_bulk(). Returns how many.
#define WIRE_MBUFS_MAX 1024u
unsigned wire_take_mbufs(struct rte_mbuf *mbufs[WIRE_MBUFS_MAX], unsigned leave);
// wire_frame.c: checks what lies in a tx ring, from the addresses of Ethernet to the checksum of UDP, and
// moves it to out[] when it is to be kept.
void wire_drain(struct wire *wire, struct rte_ring *ring, unsigned network, bool keep);

#endif
