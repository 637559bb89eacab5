// SPDX-License-Identifier: BSD-3-Clause
// What we write into our own branches, Record-Route parameters and tags so that the message which comes back
// names its record and cannot be forged: a hint (worker, index, generation, numbers) and a 64-bit SipHash-2-4
// over the hint and over what binds it to its message. The text is base32 in lower case without padding (RFC
// 4648 alphabet), so that it is a token, survives case folding in URIs and needs no escapes.
//
//  - branch of a client transaction: z9hG4bKdg and 32 letters: key number, worker, generation, index, loop
//    hash, MAC with the Call-ID
//  - branch of a stateless forward: z9hG4bKds and 23 letters: key number, loop hash, MAC with upstream's
//    branch and address, listener
//  - Record-Route parameter dg: 32 letters: key number, worker, generation, index, peers of caller and
//    callee, MAC with the Call-ID
//  - To-tag of our own responses: 13 letters: MAC of Call-ID, From-tag and branch
//  - To-tag of a refusal for overload: 15 letters: MAC of the Call-ID, key number
//
// The last is the second word of the Call-ID's SipHash-1-3, with the table's key: there are many of them, and
// little to gain by one. Each kind of the others has a MAC of its own (its number goes in first), so that no
// cookie passes as another kind. Only the Record-Route cookie is
// read in either case of letters; the others are compared as they are.
#ifndef DIALGATE_STATE_COOKIE_H
#define DIALGATE_STATE_COOKIE_H

#include "endpoint.h"
#include "siphash.h"

#define COOKIE_TEXT_MAX         64u // octets that any of the writers below needs, NUL included
#define COOKIE_BRANCH_LENGTH    41u // octets of text, without NUL
#define COOKIE_STATELESS_LENGTH 32u
#define COOKIE_ROUTE_LENGTH     32u
#define COOKIE_TAG_LENGTH       13u
#define COOKIE_REFUSAL_LENGTH   15u

struct cookie_keys {
    struct siphash_key table; // SipHash-1-3 of Call-IDs and of server transactions
    struct siphash_key mac;   // cookies
    struct siphash_key tag;   // tags and loop hashes
    uint8_t number;           // of this key set; part of each cookie
};

struct cookie_octets {
    const void *octets;
    size_t length;
};

// A client transaction's branch. bound: the Call-ID. Writes NUL-terminated text, returns its length.
struct cookie_branch {
    uint8_t worker;
    uint16_t generation; // low bits of the record's generation
    uint32_t index;
    uint32_t loop;  // loop hash of RFC 3261 16.6 step 8
    uint64_t check; // of the text, set by all three: the MAC, and what no other field here holds
};
unsigned cookie_branch_write(const struct cookie_keys *keys, struct cookie_branch *branch,
                             struct cookie_octets bound, char out[COOKIE_TEXT_MAX]);
// True when text is a branch that we made with these keys for this Call-ID. Any Via of a request may be asked
// (loop check).
bool cookie_branch_read(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets bound,
                        struct cookie_branch *branch);
// Whether a branch of ours may stand in a text, such as a Via line: in most of those of others none does.
bool cookie_branch_stands_in(struct cookie_octets text);
// What text says that it names, without a proof: whoever has no Call-ID to check it against compares the
// whole text with what the named record keeps. False when it has not the form of such a branch.
bool cookie_branch_hint(struct cookie_octets text, struct cookie_branch *branch);
// What the named record keeps, so that a hint is as good as a proof when it comes to the same: whoever would
// meet it with another text has to know the MAC, and with another Call-ID what its hash (SipHash-1-3 with the
// table's key) differs by, which nobody else can tell.
static inline uint64_t cookie_branch_key(const struct cookie_branch *branch, uint64_t call_hash)
{
    return branch->check ^ call_hash;
}

// The branch of a request forwarded statelessly (RFC 3261 16.11): the same for each repeat. upstream: the
// branch received (or, without the magic cookie, what 16.11 names); from: where it came from, and our
// listener that it came to. The MAC covers them all, so that a response can only go where the request came
// from, and from where it was sent to (18.2.2, RFC 3581 section 4).
unsigned cookie_stateless_write(const struct cookie_keys *keys, struct cookie_octets upstream,
                                struct endpoint from, uint32_t loop, char out[COOKIE_TEXT_MAX]);
// from: address and port as the Via below ours has them; its listener is set.
bool cookie_stateless_read(const struct cookie_keys *keys, struct cookie_octets text,
                           struct cookie_octets upstream, struct endpoint *from, uint32_t *loop);

// The value of the dg parameter in our Record-Route.
struct cookie_route {
    uint8_t worker;
    uint16_t generation;
    uint32_t index;       // of the dialog record made for the INVITE; only a hint
    uint16_t caller_peer; // permanent numbers
    uint16_t callee_peer;
};
unsigned cookie_route_write(const struct cookie_keys *keys, const struct cookie_route *route,
                            struct cookie_octets call_id, char out[COOKIE_TEXT_MAX]);
bool cookie_route_read(const struct cookie_keys *keys, struct cookie_octets text,
                       struct cookie_octets call_id, struct cookie_route *route);
// What text says, without a proof: true for whatever 32 letters and digits of the alphabet name this key set.
bool cookie_route_hint(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_route *route);

// A To-tag for our own responses, 64 unguessable bits from what identifies the request, so that a repeat gets
// the same tag.
unsigned cookie_tag_write(const struct cookie_keys *keys, struct cookie_octets call_id,
                          struct cookie_octets from_tag, struct cookie_octets branch,
                          char out[COOKIE_TEXT_MAX]);
bool cookie_tag_check(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets call_id,
                      struct cookie_octets from_tag, struct cookie_octets branch);

// The same for a refusal of which there are many: 64 unguessable bits too, but known again by its length and
// by what is found on the way to the Call-ID's hash, which it tells nothing about. What a forged one gains is
// that an ACK of the forger's own ends here: the shorter hash does.
static inline uint64_t cookie_refusal_mac(const struct cookie_keys *keys, struct cookie_octets call_id)
{
    return siphash13_two(&keys->table, call_id.octets, call_id.length).second;
}
// mac: cookie_refusal_mac() of its Call-ID.
unsigned cookie_refusal_write(const struct cookie_keys *keys, uint64_t mac, char out[COOKIE_TEXT_MAX]);
bool cookie_refusal_check(const struct cookie_keys *keys, struct cookie_octets text, uint64_t mac);

#endif
