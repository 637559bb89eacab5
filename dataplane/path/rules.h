// SPDX-License-Identifier: BSD-3-Clause
// The configuration as workers read it: a checked copy of control's snapshot with the look-ups that the path
// needs. Immutable; published by RCU.
#ifndef DIALGATE_PATH_RULES_H
#define DIALGATE_PATH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/snapshot.h"
#include "judge.h"
#include "route_index.h"
#include "session_timer.h"

// Prefix lengths in use, longest first, as IPv6 has them.
struct rules_lengths {
    uint8_t lengths[129];
    uint8_t count;
};

#define NETWORK_NONE 0xffu

// Networks whose tags tell them apart share a port: that of the first of them, whose number stands for it.
struct rules_ports {
    uint8_t of[NETWORKS_MAX];       // the port of a network
    uint8_t untagged[NETWORKS_MAX]; // of a port: the network whose frames have no tag, NETWORK_NONE
    uint8_t next[NETWORKS_MAX];     // the next network of the same port, NETWORK_NONE
};

// What a listener is called in messages, as others know it: "10.20.0.10:5060", "[2001:db8::a]:5060".
#define LISTENER_TEXT_MAX 63u
struct listener_text {
    uint8_t length;
    char octets[LISTENER_TEXT_MAX];
};

struct rules {
    uint64_t serial; // each has another, never 0: memory of rules that are gone may hold the next ones
    const struct snapshot_header *image; // own copy, aligned
    const struct snapshot_settings *settings;
    const struct snapshot_network *networks;
    const struct snapshot_listener *listeners;
    const struct snapshot_peer *peers;     // by permanent number
    const struct snapshot_member *members; // by permanent number
    const struct snapshot_source *sources;
    const struct snapshot_route *routes;
    const uint16_t *maglev;
    const uint16_t *lists;               // member numbers
    const char *texts;                   // ends with a NUL
    const struct snapshot_deny *allowed; // that no rule bans
    const struct snapshot_scanner *scanners;
    uint32_t allowed_count, scanner_count;
    uint32_t list_count, text_size;
    uint32_t network_count, listener_count, peer_count, member_count, source_count, route_count, maglev_count;
    uint32_t *source_slots; // open-addressed hash of (prefix, length) -> source index + 1
    uint32_t source_mask;
    struct rules_lengths source_lengths[2]; // [1]: of IPv4
    struct rules_ports ports;
    struct listener_text listener_texts[LISTENERS_MAX];
    struct route_index route_index;
};

// Checks an image of size octets from an untrusted sender and makes rules of it: sizes, versions, offsets,
// every index, every enum and every range. Returns NULL with one line in error. The image is copied.
struct rules *rules_create(const void *image, size_t size, char *error, size_t error_size);
void rules_destroy(struct rules *rules);

// A text of the snapshot by its offset; "" for 0.
static inline const char *rules_text(const struct rules *rules, uint32_t offset)
{
    return offset == 0 ? "" : rules->texts + offset;
}
// The network of a frame with these tags (snapshot_tags()) at the port of a network; NETWORK_NONE.
uint8_t rules_network(const struct rules *rules, uint8_t of, uint32_t tags);
// The listener with this address and port, as packets have them; NUMBER_NONE.
uint16_t rules_listener(const struct rules *rules, const struct ip_address *address, uint16_t port);
// The listener that a URI or a sent-by means: also by what it is advertised as; NUMBER_NONE.
uint16_t rules_listener_named(const struct rules *rules, const struct ip_address *address, uint16_t port);
// The peer that an address belongs to, by the longest prefix; NUMBER_NONE: a stranger.
uint16_t rules_peer(const struct rules *rules, const struct ip_address *address);
// The peer is an application (dialgate/channel_ua.h), not addresses; also one that a reload took out.
static inline bool rules_is_application(const struct rules *rules, uint16_t peer)
{
    return peer < rules->peer_count && (rules->peers[peer].flags & PEER_APPLICATION);
}
// What an application wants of session timers in a request of its own (uac), or in its answer to one.
struct session_policy rules_session(const struct rules *rules, uint16_t application, bool uac);
// What a request that comes for an application may have.
struct judge_limits rules_judge_limits(const struct rules *rules);
// Whether a request from peer `from` is accepted inside a dialog whose peer on that side is `of`
// (dialogs.in_dialog). Neither is a stranger. Nobody on the wire speaks for an application.
bool rules_may_speak(const struct rules *rules, uint16_t from, uint16_t of);
// The member of peer that its Maglev table gives this hash. NUMBER_NONE: the peer has none.
uint16_t rules_member(const struct rules *rules, uint16_t peer, uint64_t call_hash);

#endif
