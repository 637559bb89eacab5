// SPDX-License-Identifier: BSD-3-Clause
// A cookie is packed fields, then a 64-bit SipHash-2-4 over them and over what they are bound to; all of it
// in base32. 64 bits is what a guesser has to meet at line rate with every try costing a packet, and it keeps
// the branch at 41 octets.
#include "cookie.h"
#include "base32.h"

#include <string.h>

#define PREFIX_SIZE   9u // "z9hG4bK" (RFC 3261 8.1.1.7) and our two letters
#define GROUP_LETTERS 8u

static const char prefix_branch[] = "z9hG4bKdg";
static const char prefix_stateless[] = "z9hG4bKds";
static_assert(sizeof(prefix_branch) == PREFIX_SIZE + 1 && sizeof(prefix_stateless) == PREFIX_SIZE + 1,
              "prefix");
static_assert(COOKIE_BRANCH_LENGTH == PREFIX_SIZE + 32, "20 octets: 1 + 1 + 2 + 4 + 4 + MAC");
static_assert(COOKIE_ROUTE_LENGTH == 32, "20 octets: 1 + 1 + 2 + 4 + 2 + 2 + MAC");
static_assert(COOKIE_STATELESS_LENGTH == PREFIX_SIZE + 8 + 15, "1 + 4 octets, MAC, 1 octet: listener");
static_assert(COOKIE_TAG_LENGTH == 13, "8 octets: MAC");
static_assert(COOKIE_REFUSAL_LENGTH == 15, "9 octets: MAC, key number");

// What is signed begins with two words, the first of which has the domain in its lowest octet, so that no
// cookie passes as another kind; behind them comes what the cookie is bound to.
enum domain { DOMAIN_BRANCH = 1, DOMAIN_STATELESS, DOMAIN_ROUTE, DOMAIN_TAG, DOMAIN_STATELESS_IPV6 };

static uint64_t mac_of(const struct siphash_key *key, enum domain domain, uint32_t low, uint64_t high,
                       struct cookie_octets bound)
{
    const uint64_t words[2] = {(uint64_t)low << 32 | domain, high};
    return siphash24_behind(key, words, bound.octets, bound.length);
}

static inline void group_write(uint64_t forty, char *out)
{
    uint64_t letters = htole64(base32_letters(forty));
    memcpy(out, &letters, sizeof(letters));
}

static inline uint64_t group_read(const uint8_t *text, bool either_case, bool *fine)
{
    uint64_t letters;
    memcpy(&letters, text, sizeof(letters));
    return base32_forty(le64toh(letters), either_case, fine);
}

// 64 bits as 13 letters, the last of which has a bit to spare. Writes 16.
// The next two letters hold an octet more.
static void word_write(uint64_t word, uint8_t more, char *out)
{
    group_write(word >> 24, out);
    group_write((word & 0xffffff) << 16 | (uint32_t)more << 7, out + GROUP_LETTERS);
}

// letters: 13, or 15 with *more. The bits to spare are zero, so that a cookie has one spelling.
static uint64_t word_read(const uint8_t *text, size_t letters, uint8_t *more, bool *fine)
{
    uint8_t rest[GROUP_LETTERS] = {'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'}; // zeros
    memcpy(rest, text + GROUP_LETTERS, letters - GROUP_LETTERS);
    uint64_t first = group_read(text, false, fine);
    uint64_t last = group_read(rest, false, fine);
    *fine = *fine && (last & 0x807f) == 0;
    *more = (uint8_t)(last >> 7);
    return first << 24 | last >> 16;
}

// Fields and MAC of a branch or a route: 160 bits, the highest first.
struct whole {
    uint64_t high;
    uint32_t low;
    uint64_t mac;
};

static void whole_write(const struct whole *whole, char *out)
{
    group_write(whole->high >> 24, out);
    group_write((whole->high & 0xffffff) << 16 | whole->low >> 16, out + GROUP_LETTERS);
    group_write((uint64_t)(whole->low & 0xffff) << 24 | whole->mac >> 40, out + 2 * GROUP_LETTERS);
    group_write(whole->mac & 0xffffffffff, out + 3 * GROUP_LETTERS);
}

static bool whole_read(const uint8_t *text, bool either_case, struct whole *whole)
{
    bool fine = true;
    uint64_t groups[4];
    for (unsigned i = 0; i < 4; i++)
        groups[i] = group_read(text + i * GROUP_LETTERS, either_case, &fine);
    whole->high = groups[0] << 24 | groups[1] >> 16;
    whole->low = (uint32_t)((groups[1] & 0xffff) << 16 | groups[2] >> 24);
    whole->mac = groups[2] << 40 | groups[3];
    return fine;
}

static bool prefix_read(struct cookie_octets text, const char *prefix, size_t length)
{
    return text.length == length && memcmp(text.octets, prefix, PREFIX_SIZE) == 0;
}

// Key number, worker, generation, index.
static uint64_t hint(const struct cookie_keys *keys, uint8_t worker, uint16_t generation, uint32_t index)
{
    return (uint64_t)keys->number << 56 | (uint64_t)worker << 48 | (uint64_t)generation << 32 | index;
}

// A sum, so that no octet of the text changes without changing it; that of the others is where they name.
static uint64_t check_of(const struct whole *whole)
{
    uint64_t rest = whole->high >> 56 << 32 | whole->low;
    return whole->mac + rest * 0x9e3779b97f4a7c15u;
}

unsigned cookie_branch_write(const struct cookie_keys *keys, struct cookie_branch *branch,
                             struct cookie_octets bound, char out[COOKIE_TEXT_MAX])
{
    struct whole whole = {.high = hint(keys, branch->worker, branch->generation, branch->index),
                          .low = branch->loop};
    whole.mac = mac_of(&keys->mac, DOMAIN_BRANCH, whole.low, whole.high, bound);
    branch->check = check_of(&whole);
    memcpy(out, prefix_branch, PREFIX_SIZE);
    whole_write(&whole, out + PREFIX_SIZE);
    out[COOKIE_BRANCH_LENGTH] = '\0';
    return COOKIE_BRANCH_LENGTH;
}

static bool branch_whole(struct cookie_octets text, struct whole *whole)
{
    return prefix_read(text, prefix_branch, COOKIE_BRANCH_LENGTH) &&
           whole_read((const uint8_t *)text.octets + PREFIX_SIZE, false, whole);
}

static struct cookie_branch branch_fields(const struct whole *whole)
{
    return (struct cookie_branch){.worker = (uint8_t)(whole->high >> 48),
                                  .generation = (uint16_t)(whole->high >> 32),
                                  .index = (uint32_t)whole->high,
                                  .loop = whole->low,
                                  .check = check_of(whole)};
}

bool cookie_branch_read(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets bound,
                        struct cookie_branch *branch)
{
    struct whole whole;
    if (!branch_whole(text, &whole) || whole.high >> 56 != keys->number ||
        whole.mac != mac_of(&keys->mac, DOMAIN_BRANCH, whole.low, whole.high, bound))
        return false;
    *branch = branch_fields(&whole);
    return true;
}

bool cookie_branch_stands_in(struct cookie_octets text)
{
    // What both prefixes begin with.
    const size_t length = PREFIX_SIZE - 1;
    const uint8_t *at = text.octets, *end = at + text.length;
    while ((size_t)(end - at) >= length && (at = memchr(at, prefix_branch[0], (size_t)(end - at))) != NULL &&
           (size_t)(end - at) >= length) {
        if (memcmp(at, prefix_branch, length) == 0)
            return true;
        at++;
    }
    return false;
}

bool cookie_branch_hint(struct cookie_octets text, struct cookie_branch *branch)
{
    struct whole whole;
    if (!branch_whole(text, &whole))
        return false;
    *branch = branch_fields(&whole);
    return true;
}

// Where it came from is signed and not written into the text.
static uint64_t stateless_mac(const struct cookie_keys *keys, uint32_t loop, struct cookie_octets upstream,
                              struct endpoint from)
{
    uint64_t high =
        (uint64_t)(from.listener & 0xff) << 56 | (uint64_t)keys->number << 48 | (uint64_t)from.port << 32;
    if (ip_is_ipv4(&from.address))
        return mac_of(&keys->mac, DOMAIN_STATELESS, loop, high | ip_ipv4(&from.address), upstream);
    const uint64_t words[2] = {(uint64_t)loop << 32 | DOMAIN_STATELESS_IPV6, high};
    const struct siphash_piece pieces[] = {
        {words, sizeof(words)}, {&from.address, sizeof(from.address)}, {upstream.octets, upstream.length}};
    return siphash24_joined(&keys->mac, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

unsigned cookie_stateless_write(const struct cookie_keys *keys, struct cookie_octets upstream,
                                struct endpoint from, uint32_t loop, char out[COOKIE_TEXT_MAX])
{
    memcpy(out, prefix_stateless, PREFIX_SIZE);
    group_write((uint64_t)keys->number << 32 | loop, out + PREFIX_SIZE);
    word_write(stateless_mac(keys, loop, upstream, from), (uint8_t)from.listener,
               out + PREFIX_SIZE + GROUP_LETTERS);
    out[COOKIE_STATELESS_LENGTH] = '\0';
    return COOKIE_STATELESS_LENGTH;
}

bool cookie_stateless_read(const struct cookie_keys *keys, struct cookie_octets text,
                           struct cookie_octets upstream, struct endpoint *from, uint32_t *loop)
{
    const uint8_t *letters = (const uint8_t *)text.octets + PREFIX_SIZE;
    bool fine = true;
    uint8_t listener;
    if (!prefix_read(text, prefix_stateless, COOKIE_STATELESS_LENGTH))
        return false;
    uint64_t fields = group_read(letters, false, &fine);
    uint64_t mac = word_read(letters + GROUP_LETTERS, 15, &listener, &fine);
    from->listener = listener;
    if (!fine || fields >> 32 != keys->number ||
        mac != stateless_mac(keys, (uint32_t)fields, upstream, *from))
        return false;
    *loop = (uint32_t)fields;
    return true;
}

unsigned cookie_route_write(const struct cookie_keys *keys, const struct cookie_route *route,
                            struct cookie_octets call_id, char out[COOKIE_TEXT_MAX])
{
    struct whole whole = {.high = hint(keys, route->worker, route->generation, route->index),
                          .low = (uint32_t)route->caller_peer << 16 | route->callee_peer};
    whole.mac = mac_of(&keys->mac, DOMAIN_ROUTE, whole.low, whole.high, call_id);
    whole_write(&whole, out);
    out[COOKIE_ROUTE_LENGTH] = '\0';
    return COOKIE_ROUTE_LENGTH;
}

static bool route_whole(const struct cookie_keys *keys, struct cookie_octets text, struct whole *whole)
{
    // 19.1.4: parameters of a URI compare without regard to case, and some write them in capitals.
    return text.length == COOKIE_ROUTE_LENGTH && whole_read(text.octets, true, whole) &&
           whole->high >> 56 == keys->number;
}

static struct cookie_route route_fields(const struct whole *whole)
{
    return (struct cookie_route){.worker = (uint8_t)(whole->high >> 48),
                                 .generation = (uint16_t)(whole->high >> 32),
                                 .index = (uint32_t)whole->high,
                                 .caller_peer = (uint16_t)(whole->low >> 16),
                                 .callee_peer = (uint16_t)whole->low};
}

bool cookie_route_read(const struct cookie_keys *keys, struct cookie_octets text,
                       struct cookie_octets call_id, struct cookie_route *route)
{
    struct whole whole;
    if (!route_whole(keys, text, &whole) ||
        whole.mac != mac_of(&keys->mac, DOMAIN_ROUTE, whole.low, whole.high, call_id))
        return false;
    *route = route_fields(&whole);
    return true;
}

bool cookie_route_hint(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_route *route)
{
    struct whole whole;
    if (!route_whole(keys, text, &whole))
        return false;
    *route = route_fields(&whole);
    return true;
}

static uint64_t tag_of(const struct cookie_keys *keys, struct cookie_octets call_id,
                       struct cookie_octets from_tag, struct cookie_octets branch)
{
    // Two lengths and that of all tell three pieces apart.
    const uint64_t words[2] = {htole64((uint64_t)call_id.length << 8 | DOMAIN_TAG), htole64(from_tag.length)};
    const struct siphash_piece pieces[] = {{words, sizeof(words)},
                                           {call_id.octets, call_id.length},
                                           {from_tag.octets, from_tag.length},
                                           {branch.octets, branch.length}};
    return siphash24_joined(&keys->tag, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

unsigned cookie_tag_write(const struct cookie_keys *keys, struct cookie_octets call_id,
                          struct cookie_octets from_tag, struct cookie_octets branch,
                          char out[COOKIE_TEXT_MAX])
{
    word_write(tag_of(keys, call_id, from_tag, branch), 0, out);
    out[COOKIE_TAG_LENGTH] = '\0';
    return COOKIE_TAG_LENGTH;
}

bool cookie_tag_check(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets call_id,
                      struct cookie_octets from_tag, struct cookie_octets branch)
{
    bool fine = true;
    uint8_t none;
    if (text.length != COOKIE_TAG_LENGTH)
        return false;
    uint64_t word = word_read(text.octets, 13, &none, &fine);
    return fine && word == tag_of(keys, call_id, from_tag, branch);
}

unsigned cookie_refusal_write(const struct cookie_keys *keys, uint64_t mac, char out[COOKIE_TEXT_MAX])
{
    word_write(mac, keys->number, out);
    out[COOKIE_REFUSAL_LENGTH] = '\0';
    return COOKIE_REFUSAL_LENGTH;
}

bool cookie_refusal_check(const struct cookie_keys *keys, struct cookie_octets text, uint64_t mac)
{
    char own[COOKIE_TEXT_MAX];
    return text.length == cookie_refusal_write(keys, mac, own) &&
           memcmp(text.octets, own, COOKIE_REFUSAL_LENGTH) == 0;
}
