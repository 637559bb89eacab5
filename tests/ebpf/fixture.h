// SPDX-License-Identifier: BSD-3-Clause
// What the prefilter's tests share: the built program loaded, a snapshot image, a network namespace of the
// test's own with a veth pair, and an AF_XDP socket.
#ifndef TESTS_EBPF_FIXTURE_H
#define TESTS_EBPF_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <bpf/libbpf.h>
#include "control/prefilter.h"
#include "dataplane/path/ban_source.h"
#include "dataplane/prefilter.h"

#define FIXTURE_SKIP 77 // exit status that meson counts as skipped
#define FIXTURE_NEAR "near0"
#define FIXTURE_FAR  "far0"

#define IMAGE_PEERS 10u // numbers 0 .. 9, all present

// Room for the image: header, then rows.
struct image {
    struct snapshot_header header;
    struct snapshot_network networks[3]; // the last one shares the interface of the first, in VLAN 7
    struct snapshot_listener listeners[16];
    struct snapshot_source sources[8];
    struct snapshot_deny denies[8];
    struct snapshot_peer peers[IMAGE_PEERS];
};

// An empty enforcing image whose limits are ample.
void image_init(struct image *image);
void image_listener(struct image *image, const char *address, uint16_t port, uint16_t network);
void image_source(struct image *image, const char *address, unsigned length, uint16_t peer); // of its family
void image_deny(struct image *image, const char *address, unsigned length);

// What most tests load for network 0: listeners US:5060 and US:5080 (and one of network 1), peers 7, 8 and 9,
// deny rows.
#define US        "192.0.2.1"
#define PEER      "198.51.100.1" // 7
#define STRANGER  "203.0.114.77"
#define DENIED    "203.0.113.1"
#define US6       "2001:db8::1"
#define OTHER     "192.0.2.7" // ours in VLAN 7
#define OTHER6    "2001:db8::7"
#define PEER6     "2001:db8:7::5" // 7
#define STRANGER6 "2001:db8:f:1::77"
#define INVITE    "INVITE sip:bob@example.com SIP/2.0\r\n"
#define OPTIONS   "OPTIONS sip:example.com SIP/2.0\r\n"
void image_usual(struct image *image);

struct program {
    struct bpf_object *object;
    int fd;
    uint32_t id;
    struct prefilter_port port;
    struct prefilter_maps maps;
};

// Loads the ELF; port and maps get the object's own descriptors. Ends the test on failure.
void program_load(struct program *program, const char *path);
void program_unload(struct program *program);
void program_configure(struct program *program, struct image *image);
void program_socket(const struct program *program, int fd); // of queue 0; -1: none
// Runs it on one frame `times` times and returns the last verdict (enum xdp_action).
int program_run(const struct program *program, const uint8_t *frame, size_t length, int times);
// The source that the address is of when so many bits of IPv6 are one; until CLOCK_MONOTONIC, 0: for ever.
// The program looks for bans of this length and of /64 then.
void program_ban(const struct program *program, const char *address, unsigned bits, uint64_t until_ns);
void program_unban(const struct program *program, const char *address, unsigned bits);
struct ban_source fixture_source(const char *address, unsigned bits);
uint64_t program_counter(const struct program *program, enum prefilter_reason reason);
uint64_t program_tally(const struct program *program, uint32_t class, enum prefilter_tally tally);

// Enters a network namespace that ends with the process, with FIXTURE_NEAR and FIXTURE_FAR up. False without
// root.
bool fixture_namespace(void);
int fixture_command(const char *command); // exit status

#define SOCKET_FRAMES     16u
#define SOCKET_FRAME_SIZE 4096u

struct xdp_socket {
    int fd;
    uint8_t *area;     // SOCKET_FRAMES frames
    uint8_t *rx_ring;  // mapped
    uint64_t producer; // offsets into rx_ring
    uint64_t consumer;
    uint64_t descriptors;
};

// A copy-mode AF_XDP socket on queue 0 of the interface with all frames in its fill ring.
void socket_open(struct xdp_socket *socket, const char *interface);
// Waits up to timeout_ms for a frame; returns its length (0: none came) and points *frame at it.
size_t socket_receive(struct xdp_socket *socket, int timeout_ms, const uint8_t **frame);

#endif
