// SPDX-License-Identifier: BSD-3-Clause
// A cookie is packed fields, then a 64-bit SipHash-2-4 over them and over what they are bound to; all of it
// in base32. 64 bits is what a guesser has to meet at line rate with every try costing a packet, and it keeps
// the branch at 41 octets.
#include "cookie.h"

#include <string.h>

#define MAC_SIZE    8u
#define PACKED_MAX  20u
#define PREFIX_SIZE 9u // "z9hG4bK" (RFC 3261 8.1.1.7) and our two letters

static const char prefix_branch[] = "z9hG4bKdg";
static const char prefix_stateless[] = "z9hG4bKds";
static_assert(sizeof(prefix_branch) == PREFIX_SIZE + 1 && sizeof(prefix_stateless) == PREFIX_SIZE + 1,
              "prefix");

// Goes into the MAC first.
enum domain { DOMAIN_BRANCH = 1, DOMAIN_STATELESS, DOMAIN_ROUTE, DOMAIN_TAG };

struct packed {
    uint8_t octets[PACKED_MAX];
    unsigned length;
};
static_assert(COOKIE_BRANCH_LENGTH == PREFIX_SIZE + (20 * 8 + 4) / 5, "1 + 1 + 2 + 4 + 4 + MAC");
static_assert(COOKIE_STATELESS_LENGTH == PREFIX_SIZE + (13 * 8 + 4) / 5, "1 + 4 + MAC");
static_assert(COOKIE_ROUTE_LENGTH == (20 * 8 + 4) / 5, "1 + 1 + 2 + 4 + 2 + 2 + MAC");
static_assert(COOKIE_TAG_LENGTH == (MAC_SIZE * 8 + 4) / 5, "MAC");

static void pack(struct packed *packed, uint64_t value, unsigned octets)
{
    assert(packed->length + octets <= PACKED_MAX);
    for (unsigned shift = 8 * octets; shift > 0; shift -= 8)
        packed->octets[packed->length++] = (uint8_t)(value >> (shift - 8));
}

// Takes the next octets; packed->length counts what was taken.
static uint64_t unpack(struct packed *packed, unsigned octets)
{
    uint64_t value = 0;
    assert(packed->length + octets <= PACKED_MAX);
    for (unsigned i = 0; i < octets; i++)
        value = value << 8 | packed->octets[packed->length++];
    return value;
}

static void mac_add(struct siphash *mac, const void *octets, size_t length)
{
    uint64_t framed = length;
    siphash_add(mac, &framed, sizeof(framed));
    siphash_add(mac, octets, length);
}

static void mac_begin(struct siphash *mac, const struct siphash_key *key, enum domain domain)
{
    uint8_t first = (uint8_t)domain;
    siphash_begin(mac, key);
    siphash_add(mac, &first, sizeof(first));
}

static uint64_t mac_of(const struct siphash_key *key, enum domain domain, const struct packed *fields,
                       struct cookie_octets bound)
{
    struct siphash mac;
    mac_begin(&mac, key, domain);
    mac_add(&mac, fields->octets, fields->length);
    mac_add(&mac, bound.octets, bound.length);
    return siphash_end(&mac);
}

// Writes and terminates; returns the number of octets without the NUL.
static unsigned base32_write(const struct packed *packed, char *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    unsigned held = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < packed->length; i++) {
        bits = bits << 8 | packed->octets[i];
        for (held += 8; held >= 5; held -= 5)
            out[count++] = letters[bits >> (held - 5) & 31];
    }
    if (held > 0)
        out[count++] = letters[bits << (5 - held) & 31];
    out[count] = '\0';
    return count;
}

static int letter_value(uint8_t letter, bool either_case)
{
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a';
    if (letter >= '2' && letter <= '7')
        return letter - '2' + 26;
    if (either_case && letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    return -1;
}

// Reads exactly length octets from text, which has the right number of letters for them. Bits that are left
// over are zero, so that a cookie has one spelling.
static bool base32_read(const uint8_t *text, unsigned length, bool either_case, struct packed *packed)
{
    uint32_t bits = 0;
    unsigned held = 0;
    packed->length = 0;
    for (unsigned i = 0; i < (length * 8 + 4) / 5; i++) {
        int value = letter_value(text[i], either_case);
        if (value < 0)
            return false;
        bits = bits << 5 | (uint32_t)value;
        held += 5;
        if (held >= 8) {
            held -= 8;
            packed->octets[packed->length++] = (uint8_t)(bits >> held);
        }
    }
    packed->length = 0;
    return (bits & ((1u << held) - 1)) == 0;
}

static bool prefix_read(struct cookie_octets text, const char *prefix, size_t length)
{
    return text.length == length && memcmp(text.octets, prefix, PREFIX_SIZE) == 0;
}

// Takes the MAC that follows the fields and compares it with what it must be.
static bool mac_check(const struct siphash_key *key, enum domain domain, struct packed *packed,
                      struct cookie_octets bound)
{
    uint64_t mac = mac_of(key, domain, packed, bound);
    return unpack(packed, MAC_SIZE) == mac;
}

unsigned cookie_branch_write(const struct cookie_keys *keys, const struct cookie_branch *branch,
                             struct cookie_octets bound, char out[COOKIE_TEXT_MAX])
{
    struct packed packed = {.length = 0};
    pack(&packed, keys->number, 1);
    pack(&packed, branch->worker, 1);
    pack(&packed, branch->generation, 2);
    pack(&packed, branch->index, 4);
    pack(&packed, branch->loop, 4);
    pack(&packed, mac_of(&keys->mac, DOMAIN_BRANCH, &packed, bound), MAC_SIZE);
    memcpy(out, prefix_branch, PREFIX_SIZE);
    return PREFIX_SIZE + base32_write(&packed, out + PREFIX_SIZE);
}

bool cookie_branch_read(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets bound,
                        struct cookie_branch *branch)
{
    struct packed packed;
    struct cookie_branch read;
    if (!prefix_read(text, prefix_branch, COOKIE_BRANCH_LENGTH) ||
        !base32_read((const uint8_t *)text.octets + PREFIX_SIZE, 20, false, &packed))
        return false;
    if (unpack(&packed, 1) != keys->number)
        return false;
    read.worker = (uint8_t)unpack(&packed, 1);
    read.generation = (uint16_t)unpack(&packed, 2);
    read.index = (uint32_t)unpack(&packed, 4);
    read.loop = (uint32_t)unpack(&packed, 4);
    if (!mac_check(&keys->mac, DOMAIN_BRANCH, &packed, bound))
        return false;
    *branch = read;
    return true;
}

// The fields are followed by where it came from, which is not written into the text.
static uint64_t stateless_mac(const struct cookie_keys *keys, uint32_t loop, struct cookie_octets upstream,
                              struct endpoint from)
{
    struct packed fields = {.length = 0};
    pack(&fields, keys->number, 1);
    pack(&fields, loop, 4);
    pack(&fields, from.address, 4);
    pack(&fields, from.port, 2);
    return mac_of(&keys->mac, DOMAIN_STATELESS, &fields, upstream);
}

unsigned cookie_stateless_write(const struct cookie_keys *keys, struct cookie_octets upstream,
                                struct endpoint from, uint32_t loop, char out[COOKIE_TEXT_MAX])
{
    struct packed packed = {.length = 0};
    pack(&packed, keys->number, 1);
    pack(&packed, loop, 4);
    pack(&packed, stateless_mac(keys, loop, upstream, from), MAC_SIZE);
    memcpy(out, prefix_stateless, PREFIX_SIZE);
    return PREFIX_SIZE + base32_write(&packed, out + PREFIX_SIZE);
}

bool cookie_stateless_read(const struct cookie_keys *keys, struct cookie_octets text,
                           struct cookie_octets upstream, struct endpoint from, uint32_t *loop)
{
    struct packed packed;
    if (!prefix_read(text, prefix_stateless, COOKIE_STATELESS_LENGTH) ||
        !base32_read((const uint8_t *)text.octets + PREFIX_SIZE, 13, false, &packed))
        return false;
    if (unpack(&packed, 1) != keys->number)
        return false;
    uint32_t read = (uint32_t)unpack(&packed, 4);
    if (unpack(&packed, MAC_SIZE) != stateless_mac(keys, read, upstream, from))
        return false;
    *loop = read;
    return true;
}

unsigned cookie_route_write(const struct cookie_keys *keys, const struct cookie_route *route,
                            struct cookie_octets call_id, char out[COOKIE_TEXT_MAX])
{
    struct packed packed = {.length = 0};
    pack(&packed, keys->number, 1);
    pack(&packed, route->worker, 1);
    pack(&packed, route->generation, 2);
    pack(&packed, route->index, 4);
    pack(&packed, route->caller_peer, 2);
    pack(&packed, route->callee_peer, 2);
    pack(&packed, mac_of(&keys->mac, DOMAIN_ROUTE, &packed, call_id), MAC_SIZE);
    return base32_write(&packed, out);
}

bool cookie_route_read(const struct cookie_keys *keys, struct cookie_octets text,
                       struct cookie_octets call_id, struct cookie_route *route)
{
    struct packed packed;
    struct cookie_route read;
    // 19.1.4: parameters of a URI compare without regard to case, and some write them in capitals.
    if (text.length != COOKIE_ROUTE_LENGTH || !base32_read(text.octets, 20, true, &packed))
        return false;
    if (unpack(&packed, 1) != keys->number)
        return false;
    read.worker = (uint8_t)unpack(&packed, 1);
    read.generation = (uint16_t)unpack(&packed, 2);
    read.index = (uint32_t)unpack(&packed, 4);
    read.caller_peer = (uint16_t)unpack(&packed, 2);
    read.callee_peer = (uint16_t)unpack(&packed, 2);
    if (!mac_check(&keys->mac, DOMAIN_ROUTE, &packed, call_id))
        return false;
    *route = read;
    return true;
}

static uint64_t tag_of(const struct cookie_keys *keys, struct cookie_octets call_id,
                       struct cookie_octets from_tag, struct cookie_octets branch)
{
    struct siphash mac;
    mac_begin(&mac, &keys->tag, DOMAIN_TAG);
    mac_add(&mac, call_id.octets, call_id.length);
    mac_add(&mac, from_tag.octets, from_tag.length);
    mac_add(&mac, branch.octets, branch.length);
    return siphash_end(&mac);
}

unsigned cookie_tag_write(const struct cookie_keys *keys, struct cookie_octets call_id,
                          struct cookie_octets from_tag, struct cookie_octets branch,
                          char out[COOKIE_TEXT_MAX])
{
    struct packed packed = {.length = 0};
    pack(&packed, tag_of(keys, call_id, from_tag, branch), MAC_SIZE);
    return base32_write(&packed, out);
}

bool cookie_tag_check(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets call_id,
                      struct cookie_octets from_tag, struct cookie_octets branch)
{
    struct packed packed;
    return text.length == COOKIE_TAG_LENGTH && base32_read(text.octets, MAC_SIZE, false, &packed) &&
           unpack(&packed, MAC_SIZE) == tag_of(keys, call_id, from_tag, branch);
}
