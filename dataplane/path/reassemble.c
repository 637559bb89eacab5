// SPDX-License-Identifier: BSD-3-Clause
#include "reassemble.h"

#include <string.h>
#include "frame.h"

static void count_event(struct reassembler *set, enum counter counter)
{
    uint64_t *word = &set->counters[counter];
    __atomic_store_n(word, *word + 1, __ATOMIC_RELAXED);
}

void reassemble_init(struct reassembler *set, struct reassembly_memory *memory, uint64_t *counters)
{
    *set = (struct reassembler){.memory = memory, .counters = counters};
}

static struct reassembly *find(struct reassembler *set, const struct fragment *fragment)
{
    for (unsigned i = 0; i < REASSEMBLE_DATAGRAMS; i++) {
        struct reassembly *row = &set->datagrams[i];
        if (row->is_used && row->id == fragment->id && row->network == fragment->network &&
            ip_equal(&row->source, &fragment->source) && ip_equal(&row->destination, &fragment->destination))
            return row;
    }
    return NULL;
}

static void release(struct reassembler *set, struct reassembly *row)
{
    row->is_used = false;
    set->count--;
    set->of_peer[row->peer]--;
}

// It is given up; what had been refused was counted then.
static void give_up(struct reassembler *set, struct reassembly *row, enum counter why)
{
    if (!row->is_refused)
        count_event(set, why);
    release(set, row);
}

void reassemble_expire(struct reassembler *set, uint64_t now_us)
{
    set->oldest_us = now_us;
    for (unsigned i = 0; i < REASSEMBLE_DATAGRAMS; i++) {
        struct reassembly *row = &set->datagrams[i];
        if (!row->is_used)
            continue;
        if (now_us - row->began_us >= REASSEMBLE_US)
            give_up(set, row, COUNTER_REASSEMBLY_TIMED_OUT);
        else if (row->began_us < set->oldest_us)
            set->oldest_us = row->began_us;
    }
}

// What there is of the same source, and who has been there longest.
struct census {
    unsigned of_source;
    struct reassembly *oldest_of_source, *oldest_of_peer;
    struct reassembly *free;
};

static struct reassembly *older(struct reassembly *a, struct reassembly *b)
{
    return a != NULL && a->began_us <= b->began_us ? a : b;
}

static struct census take_census(struct reassembler *set, const struct fragment *fragment)
{
    struct census census = {0};
    for (unsigned i = 0; i < REASSEMBLE_DATAGRAMS; i++) {
        struct reassembly *row = &set->datagrams[i];
        if (!row->is_used) {
            census.free = row;
            continue;
        }
        if (row->peer != fragment->peer)
            continue;
        census.oldest_of_peer = older(census.oldest_of_peer, row);
        if (!ip_equal(&row->source, &fragment->source))
            continue;
        census.of_source++;
        census.oldest_of_source = older(census.oldest_of_source, row);
    }
    return census;
}

// With all places taken: the oldest one of the peer that has most.
static struct reassembly *oldest_of_greediest(struct reassembler *set)
{
    struct reassembly *found = NULL;
    unsigned most = 0;
    for (unsigned i = 0; i < REASSEMBLE_DATAGRAMS; i++) {
        struct reassembly *row = &set->datagrams[i];
        unsigned of_peer = set->of_peer[row->peer];
        if (of_peer < most)
            continue;
        found = of_peer > most ? row : older(found, row);
        most = of_peer;
    }
    return found;
}

// A place for the datagram that this fragment is the first one seen of.
static struct reassembly *begin(struct reassembler *set, const struct fragment *fragment, uint64_t now_us)
{
    struct census census = take_census(set, fragment);
    struct reassembly *row = census.free;
    enum counter why = COUNTER_REASSEMBLY_NO_ROOM;
    assert(fragment->peer < PEERS_MAX);
    if (census.of_source == REASSEMBLE_OF_SOURCE) {
        row = census.oldest_of_source;
        why = COUNTER_REASSEMBLY_OF_SOURCE;
    } else if (set->of_peer[fragment->peer] == REASSEMBLE_OF_PEER) {
        row = census.oldest_of_peer;
        why = COUNTER_REASSEMBLY_OF_PEER;
    } else if (row == NULL) {
        row = oldest_of_greediest(set);
    }
    if (row->is_used)
        give_up(set, row, why);
    *row = (struct reassembly){.source = fragment->source,
                               .destination = fragment->destination,
                               .id = fragment->id,
                               .peer = fragment->peer,
                               .network = fragment->network,
                               .is_used = true,
                               .began_us = now_us};
    struct reassembly_memory *memory = &set->memory[row - set->datagrams];
    memset(memory->units, 0, sizeof(memory->units));
    set->of_peer[row->peer]++;
    if (set->count++ == 0)
        set->oldest_us = now_us;
    return row;
}

// The bits of units first .. end - 1 that lie in this word.
static uint64_t word_mask(uint32_t word, uint32_t first, uint32_t end)
{
    uint32_t low = word * 64 < first ? first - word * 64 : 0;
    uint32_t high = end - word * 64 < 64 ? end - word * 64 : 64;
    uint64_t up_to = high == 64 ? UINT64_MAX : ((uint64_t)1 << high) - 1;
    return up_to & ~(((uint64_t)1 << low) - 1);
}

// Whether it says of the datagram's end what others said.
static bool agrees_on_end(const struct reassembly *row, const struct fragment *fragment)
{
    uint32_t end = fragment->offset + fragment->length;
    if (fragment->has_more)
        return !row->has_end || end < row->end;
    return row->has_end ? end == row->end : end >= row->end;
}

enum overlap { OVERLAP_NONE, OVERLAP_ALL_THE_SAME, OVERLAP_WRONG };

static enum overlap overlaps(const struct reassembly_memory *memory, const struct fragment *fragment)
{
    uint32_t first = fragment->offset / 8, end = (fragment->offset + fragment->length + 7) / 8;
    bool some = false, all = true;
    for (uint32_t word = first / 64; word * 64 < end; word++) {
        uint64_t mask = word_mask(word, first, end);
        some |= (memory->units[word] & mask) != 0;
        all &= (memory->units[word] & mask) == mask;
    }
    if (!some)
        return OVERLAP_NONE;
    return all && memcmp(memory->octets + fragment->offset, fragment->octets, fragment->length) == 0
               ? OVERLAP_ALL_THE_SAME
               : OVERLAP_WRONG;
}

static void store(struct reassembly *row, struct reassembly_memory *memory, const struct fragment *fragment)
{
    uint32_t first = fragment->offset / 8, end = (fragment->offset + fragment->length + 7) / 8;
    for (uint32_t word = first / 64; word * 64 < end; word++)
        memory->units[word] |= word_mask(word, first, end);
    memcpy(memory->octets + fragment->offset, fragment->octets, fragment->length);
    row->have += fragment->length;
    row->pieces++;
    if (!fragment->has_more)
        row->has_end = true;
    if (row->end < fragment->offset + fragment->length)
        row->end = fragment->offset + fragment->length;
    if (fragment->offset == 0)
        row->next = fragment->next;
}

// What decides whose the datagram is lies in its first fragment whole: RFC 3128, and for IPv6 RFC 7112.
static bool is_tiny(const struct fragment *fragment)
{
    struct frame inside = {.is_fragment = true};
    if (fragment->offset != 0)
        return false;
    return frame_walk(&inside, fragment->next, fragment->octets, fragment->length) != COUNTER_COUNT ||
           inside.octets < FRAME_UDP;
}

static enum reassembled refuse(struct reassembler *set, struct reassembly *row, enum counter why)
{
    count_event(set, why);
    if (row != NULL)
        row->is_refused = true;
    return REASSEMBLED_REFUSED;
}

enum reassembled reassemble_add(struct reassembler *set, const struct fragment *fragment, uint64_t now_us,
                                struct reassembled_datagram *whole)
{
    if (is_tiny(fragment))
        return refuse(set, NULL, COUNTER_REASSEMBLY_TINY);
    struct reassembly *row = find(set, fragment);
    if (row == NULL)
        row = begin(set, fragment, now_us);
    else if (row->is_refused)
        return REASSEMBLED_REFUSED;
    if (fragment->offset + fragment->length > REASSEMBLE_OCTETS)
        return refuse(set, row, COUNTER_REASSEMBLY_TOO_LONG);
    if (!agrees_on_end(row, fragment))
        return refuse(set, row, COUNTER_REASSEMBLY_OVERLAP);
    struct reassembly_memory *memory = &set->memory[row - set->datagrams];
    enum overlap overlap = overlaps(memory, fragment);
    if (overlap == OVERLAP_ALL_THE_SAME)
        return REASSEMBLED_NOT;
    if (overlap == OVERLAP_WRONG)
        return refuse(set, row, COUNTER_REASSEMBLY_OVERLAP);
    if (row->pieces == REASSEMBLE_PIECES)
        return refuse(set, row, COUNTER_REASSEMBLY_PIECES);
    store(row, memory, fragment);
    if (!row->has_end || row->have < row->end)
        return REASSEMBLED_NOT;
    *whole = (struct reassembled_datagram){memory->octets, row->end, row->next};
    release(set, row);
    count_event(set, COUNTER_REASSEMBLED);
    return REASSEMBLED_WHOLE;
}
