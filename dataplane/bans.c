// SPDX-License-Identifier: BSD-3-Clause
#include "bans.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "log.h"
#include "rules.h"
#include "store.h"
#include "suspect.h"

#define BANS_MAGIC   0x736e616273736764ULL
#define BANS_VERSION 1u
#define BOOT_ID      16u
#define SLOTS        BANS_MAX // chains
#define NONE         UINT32_MAX

static_assert((SLOTS & (SLOTS - 1)) == 0, "a mask");

enum ban_state { BAN_FREE, BAN_LIVE, BAN_REMEMBERED };

struct ban {
    struct ip_address source;
    uint64_t since_ms;    // Unix time
    uint64_t until_ms;    // of the monotonic clock; 0: until it is lifted. Of a remembered one: till then
    uint64_t lifetime_ms; // 0: likewise
    uint32_t times;
    uint32_t next; // of its chain, or of the free ones
    uint8_t state; // enum ban_state
    uint8_t reason;
    uint8_t dry_run;
    uint8_t reserved[5];
};
static_assert(sizeof(struct ban) == 56, "the file has them as they are");

struct bans_file {
    uint64_t magic;
    uint32_t version;
    uint32_t count;
    uint8_t boot_id[BOOT_ID];
    struct ban rows[];
};

struct bans {
    struct bans_options options;
    struct log_limit limit;
    struct ban rows[BANS_MAX];
    uint32_t heads[SLOTS];
    uint32_t free;    // first of the free ones that were used before
    uint32_t used;    // rows from here on were never used
    uint32_t by_rule; // live or remembered
    uint32_t live;    // and no dry run
    bool changed;     // since it was saved
    uint64_t generation;
};

static uint64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct bans *bans_create(const struct bans_options *options)
{
    struct bans *bans = calloc(1, sizeof(*bans));

    if (bans == NULL)
        return NULL;
    bans->options = *options;
    memset(bans->heads, 0xff, sizeof(bans->heads));
    bans->free = NONE;
    return bans;
}

void bans_destroy(struct bans *bans)
{
    free(bans);
}

static uint32_t *chain_of(struct bans *bans, const struct ip_address *source)
{
    return &bans->heads[siphash13(&bans->options.key, source, sizeof(*source)) & (SLOTS - 1)];
}

static struct ban *find(struct bans *bans, const struct ip_address *source)
{
    for (uint32_t at = *chain_of(bans, source); at != NONE; at = bans->rows[at].next) {
        if (ip_equal(&bans->rows[at].source, source))
            return &bans->rows[at];
    }
    return NULL;
}

static void publish_count(const struct bans *bans)
{
    if (bans->options.counters != NULL)
        __atomic_store_n(&bans->options.counters->bans, bans->live, __ATOMIC_RELAXED);
}

static void count_up(uint64_t *word)
{
    __atomic_store_n(word, *word + 1, __ATOMIC_RELAXED);
}

static void forget(struct bans *bans, struct ban *ban)
{
    uint32_t index = (uint32_t)(ban - bans->rows), *at = chain_of(bans, &ban->source);

    while (*at != index)
        at = &bans->rows[*at].next;
    *at = ban->next;
    bans->by_rule -= ban->reason != CHANNEL_BAN_OPERATOR;
    *ban = (struct ban){.next = bans->free};
    bans->free = index;
    bans->changed = true;
}

static bool is_in_force(const struct ban *ban)
{
    return ban->state == BAN_LIVE && !ban->dry_run;
}

static void take_away(struct bans *bans, const struct ban *ban)
{
    if (!is_in_force(ban))
        return;
    bans->options.place.remove(bans->options.place.context, &ban->source);
    bans->live--;
    bans->generation++;
    publish_count(bans);
}

static struct ban *insert(struct bans *bans, const struct ip_address *source)
{
    uint32_t index = bans->free != NONE ? bans->free : bans->used, *chain = chain_of(bans, source);

    if (index == BANS_MAX)
        return NULL;
    if (bans->free != NONE)
        bans->free = bans->rows[index].next;
    else
        bans->used++;
    bans->rows[index] = (struct ban){.source = *source, .next = *chain};
    *chain = index;
    return &bans->rows[index];
}

// Puts it in force, or notes what it would be. Returns 0 or -errno; then it is forgotten.
static int begin(struct bans *bans, struct ban *ban, uint64_t lifetime_ms, uint64_t now_ms)
{
    const struct ban_place *place = &bans->options.place;
    int result = 0;

    ban->since_ms = wall_ms();
    ban->lifetime_ms = lifetime_ms;
    ban->until_ms = lifetime_ms != 0 ? now_ms + lifetime_ms : 0;
    ban->state = BAN_LIVE;
    bans->changed = true;
    if (!ban->dry_run)
        result = place->put(place->context, &ban->source, ban->until_ms);
    if (result < 0) {
        ban->state = BAN_REMEMBERED; // nothing to take away
        forget(bans, ban);
        return result;
    }
    bans->live += !ban->dry_run;
    bans->generation += !ban->dry_run;
    publish_count(bans);
    return 0;
}

int bans_set(struct bans *bans, const struct channel_ban *order, uint64_t now_ms)
{
    struct ip_address source = suspect_source(&order->address);
    struct ban *ban = find(bans, &source);

    if (ban != NULL) {
        take_away(bans, ban);
        forget(bans, ban);
    }
    ban = insert(bans, &source);
    if (ban == NULL)
        return -ENOSPC;
    ban->reason = CHANNEL_BAN_OPERATOR;
    ban->times = 1;
    return begin(bans, ban, order->lifetime_ms, now_ms);
}

int bans_lift(struct bans *bans, const struct ip_address *address)
{
    struct ip_address source = suspect_source(address);
    struct ban *ban = find(bans, &source);

    if (ban == NULL || ban->state != BAN_LIVE)
        return -ENOENT;
    take_away(bans, ban);
    forget(bans, ban);
    return 0;
}

static void tell(struct bans *bans, const struct ban *ban, enum channel_ban_change change)
{
    static const char *const events[] = {"banned", "ban_expired", "ban_ended"};
    static const char *const reasons[CHANNEL_BAN_REASON_COUNT] = {
#define R(name, word) [CHANNEL_BAN_##name] = word,
        CHANNEL_BAN_REASONS(R)
#undef R
    };
    const struct channel_ban_event event = {.time_ms = wall_ms(),
                                            .address = ban->source,
                                            .lifetime_ms = ban->lifetime_ms,
                                            .times = ban->times,
                                            .length = ip_is_ipv4(&ban->source) ? 128 : 64,
                                            .reason = ban->reason,
                                            .dry_run = ban->dry_run,
                                            .change = (uint8_t)change};
    char text[INET6_ADDRSTRLEN];

    event_queue_add(bans->options.events, &event);
    if (!log_allowed(&bans->limit, events[change]))
        return;
    inet_ntop(ip_is_ipv4(&ban->source) ? AF_INET : AF_INET6,
              ban->source.octets + (ip_is_ipv4(&ban->source) ? IP_MAPPED_BITS / 8 : 0), text, sizeof(text));
    log_event(LOG_INFO, events[change], "address=%s reason=%s lifetime_s=%llu times=%u dry_run=%u", text,
              reasons[ban->reason], (unsigned long long)ban->lifetime_ms / 1000, ban->times, ban->dry_run);
}

static bool is_within(const struct ip_address *source, const struct ip_address *prefix, unsigned length)
{
    unsigned whole = length / 8;

    return memcmp(source, prefix, whole) == 0 &&
           (length % 8 == 0 || ((source->octets[whole] ^ prefix->octets[whole]) >> (8 - length % 8)) == 0);
}

// A banned /64 of IPv6 must not hold a longer prefix either.
static bool overlaps(const struct ip_address *source, const struct ip_address *prefix, unsigned length)
{
    unsigned own = ip_is_ipv4(source) ? 128 : 64;

    return is_within(source, prefix, length < own ? length : own);
}

static bool is_spared(const struct rules *rules, const struct ip_address *source)
{
    for (uint32_t i = 0; i < rules->allowed_count; i++) {
        if (overlaps(source, &rules->allowed[i].address, rules->allowed[i].length))
            return true;
    }
    if (ip_is_ipv4(source))
        return rules_peer(rules, source) != NUMBER_NONE;
    for (uint32_t i = 0; i < rules->source_count; i++) {
        if (overlaps(source, &rules->sources[i].address, rules->sources[i].length))
            return true;
    }
    return false;
}

// Of the remembered ones one goes for a new ban; when all are in force, none begins.
static bool has_room(struct bans *bans)
{
    if (bans->by_rule < BANS_BY_RULES)
        return true;
    for (uint32_t i = 0; i < bans->used; i++) {
        if (bans->rows[i].state == BAN_REMEMBERED) {
            forget(bans, &bans->rows[i]);
            return true;
        }
    }
    return false;
}

static uint64_t lifetime_of(const struct snapshot_bans *settings, uint32_t times)
{
    uint64_t lifetime_ms = settings->lifetime_ms;

    for (uint32_t i = 1; i < times && lifetime_ms < settings->lifetime_max_ms; i++)
        lifetime_ms *= 2;
    return lifetime_ms < settings->lifetime_max_ms ? lifetime_ms : settings->lifetime_max_ms;
}

static struct ban *row_for(struct bans *bans, const struct ip_address *source)
{
    struct ban *ban = find(bans, source);

    if (ban != NULL)
        return ban;
    ban = has_room(bans) ? insert(bans, source) : NULL;
    bans->by_rule += ban != NULL;
    return ban;
}

void bans_judge(struct bans *bans, const struct rules *rules, const struct ip_address *source,
                enum ban_rule rule, uint64_t now_ms)
{
    const struct snapshot_bans *settings = &rules->settings->bans;
    uint32_t action = settings->rules[rule].action;
    struct counters_agent *counters = bans->options.counters;
    struct ban *ban = find(bans, source);

    // The worker's rules may have been older ones.
    if (action == BAN_OFF || is_spared(rules, source))
        return;
    if (ban != NULL && ban->state == BAN_LIVE && (!ban->dry_run || action == BAN_DRY_RUN))
        return;
    ban = row_for(bans, source);
    if (ban == NULL) {
        if (counters != NULL)
            count_up(&counters->bans_refused);
        return;
    }
    ban->reason = (uint8_t)(CHANNEL_BAN_OPERATOR + 1 + rule);
    ban->times += ban->state == BAN_REMEMBERED || ban->times == 0;
    ban->dry_run = action == BAN_DRY_RUN;
    if (begin(bans, ban, lifetime_of(settings, ban->times), now_ms) < 0) {
        if (counters != NULL)
            count_up(&counters->bans_refused);
        return;
    }
    if (counters != NULL)
        count_up(ban->dry_run ? &counters->bans_told[rule] : &counters->bans_begun[rule]);
    tell(bans, ban, CHANNEL_BAN_BEGAN);
}

void bans_check(struct bans *bans, const struct rules *rules, uint64_t now_ms)
{
    const struct snapshot_bans *settings = &rules->settings->bans;

    for (uint32_t i = 0; i < bans->used; i++) {
        struct ban *ban = &bans->rows[i];

        if (ban->state == BAN_FREE || ban->reason == CHANNEL_BAN_OPERATOR)
            continue;
        uint32_t action = settings->rules[ban->reason - CHANNEL_BAN_MALFORMED].action;
        if (action >= (ban->dry_run ? BAN_DRY_RUN : BAN_ON) && !is_spared(rules, &ban->source))
            continue;
        if (ban->state == BAN_LIVE)
            tell(bans, ban, CHANNEL_BAN_ENDED);
        take_away(bans, ban);
        forget(bans, ban);
    }
}

static void remember(struct bans *bans, struct ban *ban, uint64_t now_ms)
{
    take_away(bans, ban);
    tell(bans, ban, CHANNEL_BAN_EXPIRED);
    if (ban->reason == CHANNEL_BAN_OPERATOR) {
        forget(bans, ban);
        return;
    }
    ban->state = BAN_REMEMBERED;
    // As long again as it lasted: who comes back soon after a long ban is known the longer.
    ban->until_ms = now_ms + ban->lifetime_ms;
    bans->changed = true;
}

void bans_expire(struct bans *bans, uint64_t now_ms)
{
    for (uint32_t i = 0; i < bans->used; i++) {
        struct ban *ban = &bans->rows[i];

        if (ban->state == BAN_FREE || ban->until_ms == 0 || ban->until_ms > now_ms)
            continue;
        if (ban->state == BAN_LIVE)
            remember(bans, ban, now_ms);
        else
            forget(bans, ban);
    }
}

uint32_t bans_list(const struct bans *bans, uint64_t *cursor, struct channel_ban_row *rows, uint32_t most,
                   uint64_t now_ms)
{
    const struct ban_place *place = &bans->options.place;
    uint64_t at = *cursor;
    uint32_t count = 0;

    for (; at < bans->used && count < most; at++) {
        const struct ban *ban = &bans->rows[at];

        if (ban->state != BAN_LIVE)
            continue;
        rows[count++] =
            (struct channel_ban_row){.address = ban->source,
                                     .since_ms = ban->since_ms,
                                     .remaining_ms = ban->until_ms == 0       ? 0
                                                     : ban->until_ms > now_ms ? ban->until_ms - now_ms
                                                                              : 1,
                                     .hits = ban->dry_run ? 0 : place->hits(place->context, &ban->source),
                                     .length = ip_is_ipv4(&ban->source) ? 128 : 64,
                                     .reason = ban->reason,
                                     .dry_run = ban->dry_run,
                                     .times = ban->times};
    }
    *cursor = at < bans->used ? at : 0;
    return count;
}

void bans_each(const struct bans *bans,
               void (*visit)(void *context, const struct ip_address *source, uint64_t until_ms),
               void *context)
{
    for (uint32_t i = 0; i < bans->used; i++) {
        if (is_in_force(&bans->rows[i]))
            visit(context, &bans->rows[i].source, bans->rows[i].until_ms);
    }
}

uint32_t bans_in_force(const struct bans *bans)
{
    return bans->live;
}

uint64_t bans_generation(const struct bans *bans)
{
    return bans->generation;
}

int bans_save(struct bans *bans)
{
    struct bans_file *file;
    int result;

    if (!bans->changed || bans->options.state_directory == NULL)
        return 0;
    file = calloc(1, sizeof(*file) + bans->used * sizeof(file->rows[0]));
    if (file == NULL)
        return -ENOMEM;
    file->magic = BANS_MAGIC;
    file->version = BANS_VERSION;
    memcpy(file->boot_id, bans->options.boot_id, BOOT_ID);
    for (uint32_t i = 0; i < bans->used; i++) {
        if (bans->rows[i].state != BAN_FREE)
            file->rows[file->count++] = bans->rows[i];
    }
    result = store_write(bans->options.state_directory, STORE_BANS, file,
                         sizeof(*file) + file->count * sizeof(file->rows[0]));
    free(file);
    bans->changed = result < 0;
    return result;
}

static bool restore(struct bans *bans, const struct ban *row, uint64_t now_ms)
{
    const struct ip_address source = suspect_source(&row->source);

    if (row->state == BAN_FREE || row->state > BAN_REMEMBERED || row->reason >= CHANNEL_BAN_REASON_COUNT ||
        row->dry_run > 1 || !ip_equal(&source, &row->source) || find(bans, &source) != NULL ||
        (row->until_ms != 0 && row->until_ms <= now_ms))
        return false;
    struct ban *ban = insert(bans, &source);
    if (ban == NULL)
        return false;
    uint32_t next = ban->next;
    *ban = *row;
    ban->next = next;
    bans->by_rule += row->reason != CHANNEL_BAN_OPERATOR;
    if (!is_in_force(ban))
        return false;
    const struct ban_place *place = &bans->options.place;
    if (place->put(place->context, &source, ban->until_ms) < 0) {
        ban->state = BAN_REMEMBERED;
        forget(bans, ban);
        return false;
    }
    bans->live++;
    bans->generation++;
    return true;
}

unsigned bans_restore(struct bans *bans, uint64_t now_ms)
{
    const size_t most = sizeof(struct bans_file) + BANS_MAX * sizeof(struct ban);
    void *octets = NULL;
    long size = store_read(bans->options.state_directory, STORE_BANS, most, &octets);
    const struct bans_file *file = octets;
    unsigned restored = 0;

    if (size >= (long)sizeof(*file) && file->magic == BANS_MAGIC && file->version == BANS_VERSION &&
        file->count <= BANS_MAX &&
        (size_t)size == sizeof(*file) + (size_t)file->count * sizeof(file->rows[0]) &&
        memcmp(file->boot_id, bans->options.boot_id, BOOT_ID) == 0) {
        for (uint32_t i = 0; i < file->count; i++)
            restored += restore(bans, &file->rows[i], now_ms);
    }
    free(octets);
    publish_count(bans);
    return restored;
}
