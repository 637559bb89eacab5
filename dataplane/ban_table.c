// SPDX-License-Identifier: BSD-3-Clause
#include "ban_table.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static_assert((BANS_MAX & (BANS_MAX - 1)) == 0, "a mask");

uint64_t ban_table_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void ban_table_init(struct bans *bans)
{
    memset(bans->heads, 0xff, sizeof(bans->heads));
    bans->free = BAN_NONE;
}

static uint32_t *chain_of(struct bans *bans, const struct ban_source *source)
{
    return &bans->heads[siphash13(&bans->options.key, source, sizeof(*source)) & (BANS_MAX - 1)];
}

struct ban *ban_table_find(struct bans *bans, const struct ban_source *source)
{
    for (uint32_t at = *chain_of(bans, source); at != BAN_NONE; at = bans->rows[at].next) {
        if (ban_source_equal(&bans->rows[at].source, source))
            return &bans->rows[at];
    }
    return NULL;
}

void ban_table_publish(const struct bans *bans)
{
    if (bans->options.counters != NULL)
        __atomic_store_n(&bans->options.counters->bans, bans->live, __ATOMIC_RELAXED);
}

void ban_table_forget(struct bans *bans, struct ban *ban)
{
    uint32_t index = (uint32_t)(ban - bans->rows), *at = chain_of(bans, &ban->source);

    while (*at != index)
        at = &bans->rows[*at].next;
    *at = ban->next;
    bans->by_rule -= ban->reason != CHANNEL_BAN_OPERATOR;
    bans->remembered -= ban->state == BAN_REMEMBERED;
    *ban = (struct ban){.next = bans->free};
    bans->free = index;
    bans->changed = true;
}

static struct ban_lengths lengths_of(const struct bans *bans)
{
    struct ban_lengths lengths = {.any = bans->live > 0};

    for (uint32_t i = BAN_LENGTHS - 1; i > 0 && lengths.count < PREFILTER_BAN_LENGTHS; i--) {
        if (bans->of_length[i] > 0)
            lengths.lengths[lengths.count++] = i;
    }
    return lengths;
}

// What is looked for changes with the first and with the last one of a length.
static int count_live(struct bans *bans, const struct ban_source *source, bool more)
{
    const struct ban_place *place = &bans->options.place;
    const struct ban_lengths before = lengths_of(bans);
    uint32_t *of_length = &bans->of_length[source->length];

    if (!ip_is_ipv4(&source->address)) {
        if (more && *of_length == 0 && before.count == PREFILTER_BAN_LENGTHS)
            return -E2BIG;
        *of_length += more ? 1 : UINT32_MAX;
    }
    bans->live += more ? 1 : UINT32_MAX;
    const struct ban_lengths after = lengths_of(bans);
    return memcmp(&before, &after, sizeof(after)) != 0 ? place->look(place->context, &after) : 0;
}

void ban_table_take_away(struct bans *bans, const struct ban *ban)
{
    if (!ban_is_in_force(ban))
        return;
    bans->options.place.remove(bans->options.place.context, &ban->source);
    count_live(bans, &ban->source, false);
    ban_table_publish(bans);
}

int ban_table_put(struct bans *bans, const struct ban *ban)
{
    const struct ban_place *place = &bans->options.place;
    int result = count_live(bans, &ban->source, true);

    if (result == -E2BIG)
        return result;
    if (result == 0)
        result = place->put(place->context, &ban->source, ban->until_ms);
    if (result < 0) {
        count_live(bans, &ban->source, false);
        return result;
    }
    return 0;
}

struct ban *ban_table_insert(struct bans *bans, const struct ban_source *source)
{
    uint32_t index = bans->free != BAN_NONE ? bans->free : bans->used, *chain = chain_of(bans, source);

    if (index == BANS_MAX)
        return NULL;
    if (bans->free != BAN_NONE)
        bans->free = bans->rows[index].next;
    else
        bans->used++;
    bans->rows[index] = (struct ban){.source = *source, .next = *chain};
    *chain = index;
    return &bans->rows[index];
}

int ban_table_begin(struct bans *bans, struct ban *ban, uint64_t lifetime_ms, uint64_t now_ms)
{
    int result = 0;

    bans->remembered -= ban->state == BAN_REMEMBERED;
    ban->since_ms = ban_table_wall_ms();
    ban->lifetime_ms = lifetime_ms;
    ban->until_ms = lifetime_ms != 0 ? now_ms + lifetime_ms : 0;
    ban->state = BAN_LIVE;
    bans->changed = true;
    if (!ban->dry_run)
        result = ban_table_put(bans, ban);
    if (result < 0)
        ban_table_forget(bans, ban);
    ban_table_publish(bans);
    return result;
}
