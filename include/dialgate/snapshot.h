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
#include "dialgate/address.h"

#define SNAPSHOT_MAGIC    0x746f687370616e73ULL
#define SNAPSHOT_VERSION  8u
#define SNAPSHOT_SIZE_MAX (64u << 20)

#define NAME_SIZE          32u  // octets of a name, with its NUL
#define SNAPSHOT_PATH_SIZE 112u // octets of a path, with its NUL
#define NETWORKS_MAX       16u
#define LISTENERS_MAX      64u
#define PEERS_MAX          1024u // permanent numbers are 0 .. PEERS_MAX - 1
#define MEMBERS_MAX        4096u // permanent numbers are 0 .. MEMBERS_MAX - 1
#define SOURCES_MAX        16384u
#define ALLOWED_MAX        256u
#define SCANNERS_MAX       32u
#define SCANNER_SIZE       64u // octets of a word, with its NUL
#define ROUTES_MAX         1024u
#define NUMBER_NONE        0xffffu // no peer, no member, no listener

enum attach { ATTACH_AF_XDP, ATTACH_AF_PACKET, ATTACH_PCI };
// Several devices as one (IEEE 802.1AX): one in use and others in reserve, all by addresses and ports, and
// all as the switch and we agree on by LACP.
enum bond { BOND_NONE, BOND_ACTIVE_BACKUP, BOND_BALANCE_XOR, BOND_LACP };
#define NETWORK_DEVICES_MAX 4u
#define DEVICE_SIZE         16u // octets of a PCI address, with its NUL

struct snapshot_network {
    char name[NAME_SIZE];
    char interface[NAME_SIZE]; // of the kernel; with ATTACH_PCI that of the host path, or the device's own
    char device[NAME_SIZE];    // with ATTACH_PCI: PCI address, or the name of a device of DPDK's own (vdev)
    uint32_t attach;           // enum attach
    uint32_t queues;
    uint32_t host_rate;  // frames a second and worker for the kernel, of each kind; not 0 with ATTACH_PCI
    uint16_t vlan;       // identifier of the 802.1Q tag of its frames; 0: they have none
    uint16_t outer_vlan; // of the 802.1ad tag before that one, likewise
    uint32_t flags;      // NETWORK_*
    uint32_t bond;       // enum bond
    char more[NETWORK_DEVICES_MAX - 1][DEVICE_SIZE]; // further devices of a bond, "" behind the last
};
#define VLAN_MAX         4094u
#define NETWORK_OFFLOADS 1u // its NIC makes and checks checksums, as far as it can
// Flow isolation with ATTACH_PCI: must be, must not be; neither: where the interface is the device's own.
#define NETWORK_ISOLATION_ON  2u
#define NETWORK_ISOLATION_OFF 4u
#define NETWORK_FLAGS         7u
static_assert(sizeof(struct snapshot_network) == 168, "layout");

// Tags of its frames as one number: the inner identifier, the outer one 16 bits up; 0: they have none.
static inline uint32_t snapshot_tags(const struct snapshot_network *network)
{
    return (uint32_t)network->outer_vlan << 16 | network->vlan;
}

struct snapshot_listener {
    char name[NAME_SIZE];
    struct ip_address address;
    struct ip_address advertised; // what we are known by out there; address unless NAT lies between
    uint16_t port;                // host order
    uint16_t advertised_port;     // host order
    uint16_t network;             // index
    uint16_t reserved;
};
static_assert(sizeof(struct snapshot_listener) == 72, "layout");

#define SNAPSHOT_PRESENT 1u

enum balance { BALANCE_CALL_ID, BALANCE_LEAST_CALLS, BALANCE_WEIGHTED };

// Flags of a peer besides SNAPSHOT_PRESENT.
#define PEER_CONTACT_SOURCE  2u   // in-dialog requests towards it go where its messages come from
#define PEER_IDENTITY_REMOVE 4u   // its P-Asserted-Identity is taken out
#define PEER_REFER_REFUSE    8u   // its REFERs are answered 403
#define PEER_PATH            16u  // REGISTER sent to it gets a Path
#define PEER_FAIL_OPEN       32u  // all members down: as if all were up
#define PEER_503_PASS        64u  // a lone 503 goes to the caller as it is
#define PEER_DRAINING        128u // the operator drains or disables it: no new requests from it
#define PEER_OVERLOAD        256u // it takes part in overload control (RFC 7339)
// Not addresses but an application (channel_ua.h): no members, no sources, no probes, a group of its own.
// Without SNAPSHOT_PRESENT it left the configuration: no new calls, but those that live are its own.
#define PEER_APPLICATION 512u

// Who refreshes a session of an application (RFC 4028), as far as we may say.
enum refresh_by { REFRESH_BY_ANY, REFRESH_BY_LOCAL, REFRESH_BY_REMOTE };
#define SESSION_MINIMUM_S 90u    // RFC 4028 section 4
#define SESSION_MAXIMUM_S 86400u // a longer session is no check of anything

// 100rel (RFC 3262) in what an application begins, and in its 1xx.
enum reliable {
    RELIABLE_OFF,       // its INVITEs do not offer it; an INVITE that requires it gets 420
    RELIABLE_SUPPORTED, // offered; its 1xx are so when the command or the INVITE asks for it
    RELIABLE_REQUIRED   // its INVITEs require it; each of its 101-199 is so when the INVITE supports it
};

// Calls: new ones by rate and burst, those that live by concurrent. 0: no limit.
struct call_limit {
    uint32_t rate; // a second
    uint32_t burst;
    uint32_t concurrent;
};

struct bucket_limit {
    uint32_t rate;  // per second; 0 lets nothing through
    uint32_t burst; // packets that may come at once
};

#define STATUSES_MAX       8u
#define PEER_LISTENERS_MAX 4u

struct snapshot_peer {
    char name[NAME_SIZE];
    uint32_t flags;   // SNAPSHOT_PRESENT, PEER_*
    uint16_t balance; // enum balance
    uint16_t reserved2;
    uint16_t listeners[PEER_LISTENERS_MAX]; // indexes, the first choice first; NUMBER_NONE behind the last
    uint32_t maglev_offset; // first entry in SECTION_MAGLEV, of the members of the best priority
    uint32_t maglev_count;  // entries; prime, or 0 when the peer has no members
    uint32_t member_count;
    uint32_t list_offset; // its members in SECTION_LISTS, best priority first; member_count of them
    uint16_t group;    // peers with equal numbers here are one group; a peer without one has its own number
    uint16_t attempts; // members tried for one request, from 1
    uint32_t failover_after_ms;               // 0: at timer B only
    uint16_t failover_statuses[STATUSES_MAX]; // 0 behind the last
    uint32_t probe_interval_ms;               // 0: no probes
    uint32_t probe_timeout_ms;
    uint16_t probe_accept[STATUSES_MAX]; // besides 2xx; 0 behind the last
    uint8_t probe_down_after;
    uint8_t probe_up_after;
    uint8_t probe_jitter; // per cent of the interval
    uint8_t reserved;
    uint32_t probe_from; // text: URI; 0: made of the listener
    struct call_limit in;
    struct call_limit out;
    uint16_t limit_reply; // 503, 486 or 480
    uint16_t limit_retry_after_s;
    uint32_t retry_after_max_s;
    // Of an application.
    uint32_t session_expires_s; // asked for in its INVITEs and set in its 2xx; 0: only when the peer asks
    uint32_t session_minimum_s; // a shorter one gets 422
    uint8_t session_refresher;  // enum refresh_by
    uint8_t reliable;           // enum reliable
    uint16_t reserved3[3];
    // What the prefilter lets through of all its members together.
    struct bucket_limit filter_all;
    struct bucket_limit filter_invite;
    struct bucket_limit filter_fragment;
};
static_assert(sizeof(struct snapshot_peer) == 192, "layout");

// Flags of a member besides SNAPSHOT_PRESENT: what the operator said.
#define MEMBER_DRAINING 2u // no new calls; those it has go on
#define MEMBER_DISABLED 4u // no new calls, no probes

struct snapshot_member {
    uint32_t flags; // SNAPSHOT_PRESENT, MEMBER_*
    uint16_t peer;  // number
    uint16_t port;  // host order
    struct ip_address address;
    uint16_t weight;
    uint16_t priority; // lower is better
    uint32_t capacity; // calls at once; 0: no limit
    uint32_t rate;     // new calls a second; 0: no limit
    uint32_t host;     // text: the name that it was found by; 0: given by its address
};
static_assert(sizeof(struct snapshot_member) == 40, "layout");

// A prefix whose packets belong to a peer. Members' own addresses are there too, as /32 or /128. No two rows
// have the same prefix. Sorted by length, longest first.
struct snapshot_source {
    struct ip_address address; // octets beyond the length are zero
    uint16_t length;           // of the 128-bit form: IPv4 /24 is 120
    uint16_t peer;             // number
    uint32_t reserved;
};
static_assert(sizeof(struct snapshot_source) == 24, "layout");

enum route_action { ROUTE_TO_PEER, ROUTE_ANSWER, ROUTE_REDIRECT };
#define ROUTE_FROM_ANY_PEER 0xfffeu
#define ROUTE_METHOD_ANY    0xffu

// First match wins. Strangers (sources of no peer) never reach the routes.
struct snapshot_route {
    uint16_t from;          // peer number, or ROUTE_FROM_ANY_PEER
    uint16_t to;            // peer number with ROUTE_TO_PEER
    uint16_t answer;        // status with ROUTE_ANSWER
    uint16_t listener;      // index: what this one received; NUMBER_NONE: any
    uint8_t action;         // enum route_action
    uint8_t method;         // enum sip_method of dataplane/sip/message.h, or ROUTE_METHOD_ANY
    uint8_t to_us;          // 1: only when the request-URI names one of our listeners and has no user part
    uint8_t strip;          // characters taken from the front of the request-URI's user part
    uint32_t retry_after_s; // with ROUTE_ANSWER; 0: none
    // Texts: offsets in SECTION_TEXTS, 0: none.
    uint32_t uri_user; // the request-URI's user part begins so
    uint32_t uri_host; // and this is its host
    uint32_t to_user;  // the same of the To
    uint32_t to_host;
    uint32_t header;       // the request has this header
    uint32_t header_value; // with this value
    uint32_t prepend;      // what is put before the user part
    uint32_t set_host;     // host or host:port of the request-URI that is sent
    uint32_t redirect;     // URI with ROUTE_REDIRECT
    uint32_t reserved;
};
static_assert(sizeof(struct snapshot_route) == 56, "layout");

// Whose requests are accepted inside a dialog, at the side where its peer stands.
enum in_dialog { IN_DIALOG_PEER, IN_DIALOG_GROUP, IN_DIALOG_ANY_PEER };
// What happens to a dialog whose session timer ran out (RFC 4028 section 10).
enum session_end { SESSION_END_FREE, SESSION_END_BYE };
enum idle_mode { IDLE_SLEEP, IDLE_SPIN };
enum prefilter_mode { PREFILTER_OFF, PREFILTER_DRY_RUN, PREFILTER_ENFORCE };
// What a network of ATTACH_AF_XDP does that cannot have its XDP program.
enum prefilter_unavailable { PREFILTER_REFUSE, PREFILTER_SOFTWARE };

struct snapshot_prefilter {
    uint16_t mode;                          // enum prefilter_mode
    uint16_t unavailable;                   // enum prefilter_unavailable
    uint32_t source_bits;                   // of an IPv6 address that are one source, 32 .. 128
    struct bucket_limit stranger;           // all SIP of one source that is no peer
    struct bucket_limit stranger_invite;    // its INVITEs
    struct bucket_limit strangers;          // all sources that are no peer, together
    struct bucket_limit strangers_fragment; // their fragments
};
static_assert(sizeof(struct snapshot_prefilter) == 40, "layout");

// A deny prefix of the prefilter (SECTION_DENY), or one that no rule bans (SECTION_ALLOW). Peers' sources are
// taken from SECTION_SOURCES.
struct snapshot_deny {
    struct ip_address address;
    uint16_t length; // of the 128-bit form
    uint16_t reserved[3];
};
static_assert(sizeof(struct snapshot_deny) == 24, "layout");

// Automatic bans: what a source that is no peer is banned for.
enum ban_rule { BAN_RULE_MALFORMED, BAN_RULE_SCANNER, BAN_RULE_IN_DIALOG, BAN_RULE_COUNT };
enum ban_action { BAN_OFF, BAN_DRY_RUN, BAN_ON };

struct snapshot_ban_rule {
    uint32_t action; // enum ban_action
    uint32_t count;  // such messages within within_ms, from 1
};

struct snapshot_bans {
    struct snapshot_ban_rule rules[BAN_RULE_COUNT];
    uint32_t within_ms;
    uint32_t reserved;
    uint64_t lifetime_ms;     // of the first ban of a source; each further one lasts twice as long
    uint64_t lifetime_max_ms; // but not longer
};
static_assert(sizeof(struct snapshot_bans) == 48, "layout");

// What the User-Agent of a scanner contains: lower case.
struct snapshot_scanner {
    char word[SCANNER_SIZE];
};

// A worker beyond one of these is behind: new calls are answered 503.
struct snapshot_overload {
    uint16_t transactions; // per cent of the capacity
    uint16_t mbufs;        // per cent of the pool
    uint32_t turn_us;      // a turn that lasts longer
    uint32_t retry_after_s;
    uint32_t reserved;
};
static_assert(sizeof(struct snapshot_overload) == 16, "layout");

// What messages of applications' calls may have, in octets and numbers; 0: no limit.
struct snapshot_ua_limits {
    uint32_t header_line;
    uint32_t body;
    uint32_t uri;
    uint32_t call_id;
    uint32_t tag;
    uint32_t replaces;
    uint32_t vias;
    uint32_t routes;
    uint32_t refer_to_parameters;
    uint32_t media_lines;
};
static_assert(sizeof(struct snapshot_ua_limits) == 40, "layout");

#define LARGE_MBUFS_MAX   4096u
#define SETTINGS_DRAINING 1u // the operator drains this node: requests that begin calls are answered 503
#define SETTINGS_RECORDS  2u // calls are recorded

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
    uint32_t early_life_ms;           // a call that is not answered so long after its INVITE is cancelled
    uint64_t dialog_life_ms;          // a confirmed dialog is ended then
    uint32_t in_dialog;               // enum in_dialog
    uint32_t session_end;             // enum session_end
    uint8_t server_header[NAME_SIZE]; // Server of our own answers, empty: none
    char dialogs_directory[SNAPSHOT_PATH_SIZE]; // of the dialogs' files, empty: chosen at the start; restart
    struct snapshot_prefilter prefilter;
    struct call_limit limits; // of all peers together
    uint16_t limit_reply;
    uint16_t limit_retry_after_s;
    struct snapshot_overload overload;
    uint32_t flags;           // SETTINGS_*
    uint32_t keepalive_ms;    // between OPTIONS inside a confirmed dialog, to either side; 0: none
    uint32_t usages_capacity; // a worker: applications' calls with something under way; 0: no applications;
                              // restart
    uint32_t large_mbufs;     // buffers for messages that no frame holds; 0: longer ones are refused; restart
    struct snapshot_ua_limits ua_limits;
    struct snapshot_bans bans;
};
static_assert(sizeof(struct snapshot_settings) == 392, "layout");

enum snapshot_section {
    SECTION_NETWORKS,
    SECTION_LISTENERS,
    SECTION_PEERS,
    SECTION_MEMBERS,
    SECTION_SOURCES,
    SECTION_ROUTES,
    SECTION_MAGLEV, // uint16_t member numbers
    SECTION_DENY,
    SECTION_LISTS, // uint16_t member numbers
    SECTION_TEXTS, // octets: texts with their NUL; the first octet is a NUL of its own
    SECTION_ALLOW, // struct snapshot_deny
    SECTION_SCANNERS,
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
static_assert(sizeof(struct snapshot_header) == 24 + 8 * SECTION_COUNT + sizeof(struct snapshot_settings),
              "layout");

#endif
