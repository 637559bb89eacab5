// SPDX-License-Identifier: BSD-3-Clause
// The compiled configuration: one contiguous image without pointers, made by control, sealed in a memfd
// (F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW), checked whole by the dataplane before a worker sees it.
//
// header | sections. A section is an array of fixed-size structs at an 8-octet aligned offset. Peers and
// members are arrays indexed by their permanent number; a hole has no SNAPSHOT_PRESENT. Other references are
// indexes into sections. Times are milliseconds, rates are per second, text is NUL-terminated in its array.
#ifndef DIALGATE_SNAPSHOT_H
#define DIALGATE_SNAPSHOT_H

#include <assert.h>
#include <stdint.h>

#define SNAPSHOT_MAGIC    0x746f687370616e73ULL
#define SNAPSHOT_VERSION  2u
#define SNAPSHOT_SIZE_MAX (64u << 20)

#define NAME_SIZE          32u  // octets of a name, with its NUL
#define SNAPSHOT_PATH_SIZE 112u // octets of a path, with its NUL
#define NETWORKS_MAX       16u
#define LISTENERS_MAX      64u
#define PEERS_MAX          1024u // permanent numbers are 0 .. PEERS_MAX - 1
#define MEMBERS_MAX        4096u // permanent numbers are 0 .. MEMBERS_MAX - 1
#define SOURCES_MAX        16384u
#define ROUTES_MAX         1024u
#define NUMBER_NONE        0xffffu // no peer, no member, no listener

// IPv4 is kept as ::ffff:a.b.c.d, so that one comparison serves both. Network byte order.
struct ip_address {
    uint8_t octets[16];
};
static_assert(sizeof(struct ip_address) == 16, "an IPv6 address");

enum attach { ATTACH_AF_XDP, ATTACH_AF_PACKET };

struct snapshot_network {
    char name[NAME_SIZE];
    char interface[NAME_SIZE];
    uint32_t attach; // enum attach
    uint32_t queues;
};
static_assert(sizeof(struct snapshot_network) == 72, "layout");

struct snapshot_listener {
    char name[NAME_SIZE];
    struct ip_address address;
    uint16_t port;    // host order
    uint16_t network; // index
    uint32_t reserved;
};
static_assert(sizeof(struct snapshot_listener) == 56, "layout");

#define SNAPSHOT_PRESENT 1u

enum balance { BALANCE_CALL_ID };

struct snapshot_peer {
    char name[NAME_SIZE];
    uint32_t flags;         // SNAPSHOT_PRESENT
    uint16_t listener;      // index: requests to this peer leave from here
    uint16_t balance;       // enum balance
    uint32_t maglev_offset; // first entry in SECTION_MAGLEV
    uint32_t maglev_count;  // entries; prime, or 0 when the peer has no members
    uint32_t member_count;
    uint16_t group; // peers with equal numbers here are one group; a peer without one has its own number
    uint16_t reserved;
};
static_assert(sizeof(struct snapshot_peer) == 56, "layout");

struct snapshot_member {
    uint32_t flags; // SNAPSHOT_PRESENT
    uint16_t peer;  // number
    uint16_t port;  // host order
    struct ip_address address;
    uint32_t weight;
    uint32_t reserved;
};
static_assert(sizeof(struct snapshot_member) == 32, "layout");

// A prefix whose packets belong to a peer. Members' own addresses are there too, as /32 or /128. No two rows
// have the same prefix. Sorted by length, longest first.
struct snapshot_source {
    struct ip_address address; // octets beyond the length are zero
    uint16_t length;           // of the 128-bit form: IPv4 /24 is 120
    uint16_t peer;             // number
    uint32_t reserved;
};
static_assert(sizeof(struct snapshot_source) == 24, "layout");

enum route_action { ROUTE_TO_PEER, ROUTE_ANSWER };
#define ROUTE_FROM_ANY_PEER 0xfffeu
#define ROUTE_METHOD_ANY    0xffu

// First match wins. Strangers (sources of no peer) never reach the routes.
struct snapshot_route {
    uint16_t from;   // peer number, or ROUTE_FROM_ANY_PEER
    uint16_t to;     // peer number with ROUTE_TO_PEER
    uint16_t answer; // status with ROUTE_ANSWER
    uint8_t action;  // enum route_action
    uint8_t method;  // enum sip_method of dataplane/sip/message.h, or ROUTE_METHOD_ANY
    uint8_t to_us;   // 1: only when the request-URI names one of our listeners and has no user part
    uint8_t reserved[3];
    uint32_t reserved2;
};
static_assert(sizeof(struct snapshot_route) == 16, "layout");

// Whose requests are accepted inside a dialog, at the side where its peer stands.
enum in_dialog { IN_DIALOG_PEER, IN_DIALOG_GROUP, IN_DIALOG_ANY_PEER };
// What happens to a dialog whose session timer ran out (RFC 4028 section 10).
enum session_end { SESSION_END_FREE, SESSION_END_BYE };
enum idle_mode { IDLE_SLEEP, IDLE_SPIN };
enum prefilter_mode { PREFILTER_OFF, PREFILTER_DRY_RUN, PREFILTER_ENFORCE };

struct bucket_limit {
    uint32_t rate;  // per second; 0 lets nothing through
    uint32_t burst; // packets that may come at once
};

struct snapshot_prefilter {
    uint32_t mode; // enum prefilter_mode
    uint32_t reserved;
    struct bucket_limit peer;            // all SIP of one peer
    struct bucket_limit peer_invite;     // INVITEs of one peer
    struct bucket_limit stranger;        // all SIP of one source that is no peer
    struct bucket_limit stranger_invite; // its INVITEs
    struct bucket_limit strangers;       // all sources that are no peer, together
};
static_assert(sizeof(struct snapshot_prefilter) == 48, "layout");

// A deny prefix of the prefilter. Peers' sources are taken from SECTION_SOURCES.
struct snapshot_deny {
    struct ip_address address;
    uint16_t length; // of the 128-bit form
    uint16_t reserved[3];
};
static_assert(sizeof(struct snapshot_deny) == 24, "layout");

struct snapshot_settings {
    uint32_t workers;               // poll-mode cores; restart
    uint32_t idle;                  // enum idle_mode
    uint32_t dialogs_capacity;      // a worker; restart
    uint32_t transactions_capacity; // a worker; restart
    uint64_t arena_octets;          // a worker, for the text of dialogs and kept messages; restart
    uint32_t mbufs;                 // packets in the pool of the whole process; restart
    uint32_t memory_mb;             // what EAL takes; restart
    uint32_t timer_t1_ms;
    uint32_t timer_t2_ms;
    uint32_t timer_t4_ms;
    uint32_t timer_b_ms;              // INVITE unanswered: 64*T1 unless configured
    uint32_t timer_c_ms;              // INVITE ringing; at least 180,000 (RFC 3261 16.6 step 11)
    uint32_t early_life_ms;           // a dialog that is not confirmed by then is dropped from the table
    uint64_t dialog_life_ms;          // a confirmed dialog is ended then
    uint32_t in_dialog;               // enum in_dialog
    uint32_t session_end;             // enum session_end
    uint8_t server_header[NAME_SIZE]; // Server of our own answers, empty: none
    char dialogs_directory[SNAPSHOT_PATH_SIZE]; // of the dialogs' files, empty: chosen at the start; restart
    struct snapshot_prefilter prefilter;
};
static_assert(sizeof(struct snapshot_settings) == 264, "layout");

enum snapshot_section {
    SECTION_NETWORKS,
    SECTION_LISTENERS,
    SECTION_PEERS,
    SECTION_MEMBERS,
    SECTION_SOURCES,
    SECTION_ROUTES,
    SECTION_MAGLEV, // uint16_t member numbers
    SECTION_DENY,
    SECTION_COUNT
};

struct snapshot_range {
    uint32_t offset; // octets from the start of the image, a multiple of 8
    uint32_t count;  // elements
};

struct snapshot_header {
    uint64_t magic;
    uint32_t version;
    uint32_t size;     // octets of the whole image
    uint64_t sequence; // grows with each accepted configuration
    struct snapshot_range sections[SECTION_COUNT];
    struct snapshot_settings settings;
};
static_assert(sizeof(struct snapshot_header) == 24 + 8 * SECTION_COUNT + 264, "layout");

#endif
