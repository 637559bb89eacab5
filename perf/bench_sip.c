// SPDX-License-Identifier: BSD-3-Clause
// Reading SIP: our parser into all that a proxy needs, from hot memory, from cache and from DRAM, with texts
// that are all the same and texts that differ. Peers parse the same text in this program; floors are what no
// parser of whole lines can do without.
#include "bench_sip.h"
#include "corpus.h"
#include "harness.h"

#include "message.h"
#include "uri.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// Messages ahead of the one being parsed whose octets are asked for.
#define PREFETCH_AHEAD 3u
#define CACHE_LINE     64u
#define HUGE_PAGE      ((size_t)2 << 20)

// Copies of a message in the order in which they are read.
struct ring {
    uint32_t count; // a power of two
    uint32_t stride;
    uint32_t at;
    uint32_t *lengths; // by place
    uint32_t *order;   // places
    uint8_t *octets;
    struct message message;
};

static uint64_t random_state = 0x9e3779b97f4a7c15u;

// xorshift64: the same texts in every run.
static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % limit;
}

static void ring_free(void *data)
{
    struct ring *ring = data;
    free(ring->lengths);
    free(ring->order);
    free(ring->octets);
    free(ring);
}

static struct ring *ring_new(uint32_t count, uint32_t length)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (ring == NULL)
        return NULL;
    ring->count = count;
    ring->stride = (length + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    ring->lengths = calloc(count, sizeof(*ring->lengths));
    ring->order = calloc(count, sizeof(*ring->order));
    size_t size = ((size_t)count * ring->stride + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    ring->octets = aligned_alloc(HUGE_PAGE, size);
    if (ring->lengths == NULL || ring->order == NULL || ring->octets == NULL) {
        ring_free(ring);
        return NULL;
    }
    // Buffers of packets lie in large pages; where there are none, this is a wish.
    (void)madvise(ring->octets, size, MADV_HUGEPAGE);
    for (uint32_t i = 0; i < count; i++)
        ring->order[i] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = random_below(i + 1);
        uint32_t place = ring->order[i];
        ring->order[i] = ring->order[other];
        ring->order[other] = place;
    }
    return ring;
}

static void *same_texts(const struct bench *bench)
{
    const struct corpus *text = bench->with;
    struct ring *ring = ring_new((uint32_t)bench->size, text->length);
    for (uint32_t i = 0; ring != NULL && i < ring->count; i++) {
        ring->lengths[i] = text->length;
        memcpy(ring->octets + (size_t)i * ring->stride, text->octets, text->length);
    }
    return ring;
}

// What differs from call to call and from caller to caller grows or shrinks by some octets: user, tag,
// branch, Call-ID.
static uint32_t vary(const struct corpus *text, uint8_t *to)
{
    static const char *const marks[] = {"sip:+44", "tag=", "z9hG4bK", "Call-ID: "};
    uint32_t length = 0;
    for (uint32_t i = 0; i < text->length;) {
        unsigned mark = 0;
        size_t size = 0;
        for (; mark < sizeof(marks) / sizeof(marks[0]); mark++) {
            size = strlen(marks[mark]);
            if (i + size <= text->length && memcmp(text->octets + i, marks[mark], size) == 0)
                break;
        }
        if (mark == sizeof(marks) / sizeof(marks[0])) {
            to[length++] = text->octets[i++];
            continue;
        }
        memcpy(to + length, marks[mark], size);
        length += (uint32_t)size;
        i += (uint32_t)size;
        for (uint32_t more = random_below(9); more > 0; more--)
            to[length++] = (uint8_t)('0' + random_below(10));
        i += random_below(4);
    }
    return length;
}

static void *other_texts(const struct bench *bench)
{
    const struct corpus *text = bench->with;
    struct ring *ring = ring_new((uint32_t)bench->size, text->length + 256);
    for (uint32_t i = 0; ring != NULL && i < ring->count; i++)
        ring->lengths[i] = vary(text, ring->octets + (size_t)i * ring->stride);
    return ring;
}

static const uint8_t *ring_next(struct ring *ring, uint32_t *length)
{
    uint32_t place = ring->order[ring->at++ & (ring->count - 1)];
    *length = ring->lengths[place];
    return ring->octets + (size_t)place * ring->stride;
}

static void ring_prefetch(const struct ring *ring)
{
    const uint8_t *octets =
        ring->octets + (size_t)ring->order[(ring->at + PREFETCH_AHEAD) & (ring->count - 1)] * ring->stride;
    for (uint32_t i = 0; i < ring->stride; i += CACHE_LINE)
        __builtin_prefetch(octets + i);
}

// The first value of a header that is there, as its routing needs it: the rest is read on demand.
static bool read_first(const struct message *message, unsigned kind, struct address *address)
{
    uint8_t index = message->first[kind];
    uint32_t at = 0;
    return index == MESSAGE_NO_HEADER ||
           address_next(message->octets, message->headers[index].value, &at, address) == 1;
}

// Everything of the front end's list: request URI, topmost Via with branch, From and To with tags, Call-ID,
// CSeq, Max-Forwards, topmost Route, Contact, Content-Length and the body.
static inline void parse_one(struct message *message, const uint8_t *octets, uint32_t length)
{
    struct address route, contact;
    if (message_parse(octets, length, message) != MESSAGE_FINE ||
        !read_first(message, HEADER_ROUTE, &route) || !read_first(message, HEADER_CONTACT, &contact)) {
        fputs("bench_sip: the parser refuses the corpus\n", stderr);
        abort();
    }
    bench_keep(message);
    bench_keep(&route);
    bench_keep(&contact);
}

static void run_parse(void *data, uint64_t iterations)
{
    struct ring *ring = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t length;
        const uint8_t *octets = ring_next(ring, &length);
        parse_one(&ring->message, octets, length);
    }
}

static void run_parse_prefetched(void *data, uint64_t iterations)
{
    struct ring *ring = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t length;
        ring_prefetch(ring);
        const uint8_t *octets = ring_next(ring, &length);
        parse_one(&ring->message, octets, length);
    }
}

static void run_message_parse(void *data, uint64_t iterations)
{
    struct ring *ring = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t length;
        const uint8_t *octets = ring_next(ring, &length);
        message_parse(octets, length, &ring->message);
        bench_keep(&ring->message);
    }
}

static void run_peek(void *data, uint64_t iterations)
{
    struct ring *ring = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t length;
        struct span call_id;
        const uint8_t *octets = ring_next(ring, &length);
        bool found = peek_call_id(octets, length, &call_id);
        bench_keep(&found);
        bench_keep(&call_id);
    }
}

static void run_newlines(void *data, uint64_t iterations)
{
    struct ring *ring = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t length;
        const uint8_t *at = ring_next(ring, &length);
        const uint8_t *end = at + length;
        while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
            at++;
            bench_keep(at);
        }
    }
}

static void run_memcpy(void *data, uint64_t iterations)
{
    struct ring *ring = data;
    uint8_t copy[2048];
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t length;
        const uint8_t *octets = ring_next(ring, &length);
        memcpy(copy, octets, length);
        bench_keep(copy);
    }
}

#define INVITE &corpus[CORPUS_INVITE]
#define OK     &corpus[CORPUS_200]
#define BYE    &corpus[CORPUS_BYE]
#define RING   .setup = same_texts, .teardown = ring_free
#define VARIED .setup = other_texts, .teardown = ring_free

// Budgets are times of a core on which sofia-sip takes 3.6 us for the INVITE, so the ratio to it is what
// counts elsewhere.
static const struct bench benches[] = {
    {"floor_newlines/invite", 1, INVITE, RING, .run = run_newlines, .octets = 890},
    {"floor_newlines/200", 1, OK, RING, .run = run_newlines, .octets = 808},
    {"floor_newlines/bye", 1, BYE, RING, .run = run_newlines, .octets = 406},
    {"floor_memcpy/invite", 1, INVITE, RING, .run = run_memcpy, .octets = 890},
    {"sip_parse/invite", 1, INVITE, RING, .run = run_parse, .octets = 890, .floor = "floor_newlines/invite",
     .peer = "sofia_parse/invite"},
    {"sip_parse/200", 1, OK, RING, .run = run_parse, .octets = 808, .floor = "floor_newlines/200",
     .peer = "sofia_parse/200"},
    {"sip_parse/bye", 1, BYE, RING, .run = run_parse, .octets = 406, .floor = "floor_newlines/bye",
     .peer = "sofia_parse/bye"},
    {"sip_parse/invite-cache", 512, INVITE, RING, .run = run_parse, .octets = 890,
     .floor = "floor_newlines/invite", .peer = "sofia_parse/invite"},
    {"sip_parse/invite-cache-varied", 512, INVITE, VARIED, .run = run_parse, .octets = 890,
     .floor = "floor_newlines/invite", .peer = "sofia_parse/invite"},
    {"sip_parse/invite-dram", 1u << 18, INVITE, RING, .run = run_parse_prefetched, .octets = 890,
     .floor = "floor_newlines/invite", .peer = "sofia_parse/invite"},
    {"sip_parse/invite-dram-varied", 1u << 18, INVITE, VARIED, .run = run_parse_prefetched, .octets = 890,
     .floor = "floor_newlines/invite", .peer = "sofia_parse/invite"},
    {"sip_message_parse/invite", 1, INVITE, RING, .run = run_message_parse, .octets = 890,
     .floor = "floor_newlines/invite", .peer = "sofia_parse/invite"},
    {"sip_peek/invite", 1, INVITE, RING, .run = run_peek, .octets = 890, .peer = "sofia_parse/invite"},
    {"sip_peek/200", 1, OK, RING, .run = run_peek, .octets = 808, .peer = "sofia_parse/invite"},
    {"sip_peek/bye", 1, BYE, RING, .run = run_peek, .octets = 406, .peer = "sofia_parse/invite"},
    {"sip_peek/invite-cache-varied", 512, INVITE, VARIED, .run = run_peek, .octets = 890,
     .peer = "sofia_parse/invite"},
};

int main(int argc, char **argv)
{
    if (corpus_load(PERF_CORPUS) != 0) {
        fputs("bench_sip: cannot read the corpus in " PERF_CORPUS "\n", stderr);
        return 1;
    }
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
    bench_sip_peers();
    return bench_main(argc, argv);
}
