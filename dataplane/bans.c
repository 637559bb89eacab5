// SPDX-License-Identifier: BSD-3-Clause
#include "bans.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ban_table.h"
#include "rules.h"
#include "store.h"

#define BANS_MAGIC   0x736e616273736764ULL
#define BANS_VERSION 2u
#define BOOT_ID      16u

struct bans_file {
    uint64_t magic;
    uint32_t version;
    uint32_t count;
    uint8_t boot_id[BOOT_ID];
    struct ban rows[];
};
struct bans *bans_create(const struct bans_options *options)
{
    struct bans *bans = calloc(1, sizeof(*bans));

    if (bans == NULL)
        return NULL;
    bans->options = *options;
    ban_table_init(bans);
    return bans;
}

void bans_destroy(struct bans *bans)
{
    free(bans);
}
static void count_up(uint64_t *word)
{
    __atomic_store_n(word, *word + 1, __ATOMIC_RELAXED);
}

int bans_set(struct bans *bans, const struct channel_ban *order, uint32_t source_bits, uint64_t now_ms)
{
    const struct ban_source source = ban_source(&order->address, source_bits);
    struct ban *ban = ban_table_find(bans, &source);

    if (order->length != 0 && order->length != source.length)
        return -EDOM;
    if (!ban_is_somebody(&source))
        return -EADDRNOTAVAIL;
    if (ban != NULL) {
        ban_table_take_away(bans, ban);
        ban_table_forget(bans, ban);
    }
    ban = ban_table_insert(bans, &source);
    if (ban == NULL)
        return -ENOSPC;
    ban->reason = CHANNEL_BAN_OPERATOR;
    ban->times = 1;
    return ban_table_begin(bans, ban, order->lifetime_ms, now_ms);
}

// One that is live, also in dry-run. NULL: none.
static struct ban *find_live(struct bans *bans, const struct ip_address *address, uint32_t bits)
{
    const struct ban_source source = ban_source(address, bits);
    struct ban *ban = ban_table_find(bans, &source);

    return ban != NULL && ban->state == BAN_LIVE ? ban : NULL;
}

int bans_lift(struct bans *bans, const struct channel_ban *order, uint32_t source_bits)
{
    struct ban *ban = find_live(bans, &order->address, order->length != 0 ? order->length : source_bits);

    for (uint32_t bits = order->length == 0 ? 128 : 0; ban == NULL && bits > 0; bits--)
        ban = find_live(bans, &order->address, bits);
    if (ban == NULL || (order->length != 0 && ban->source.length != order->length))
        return -ENOENT;
    ban_table_take_away(bans, ban);
    ban_table_forget(bans, ban);
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
    const struct channel_ban_event event = {.time_ms = ban_table_wall_ms(),
                                            .address = ban->source.address,
                                            .lifetime_ms = ban->lifetime_ms,
                                            .times = ban->times,
                                            .length = (uint16_t)ban->source.length,
                                            .reason = ban->reason,
                                            .dry_run = ban->dry_run,
                                            .change = (uint8_t)change};
    const struct ip_address *address = &ban->source.address;
    char text[INET6_ADDRSTRLEN];

    event_queue_add(bans->options.events, &event);
    if (!log_allowed(&bans->limit, events[change]))
        return;
    inet_ntop(ip_is_ipv4(address) ? AF_INET : AF_INET6,
              address->octets + (ip_is_ipv4(address) ? IP_MAPPED_BITS / 8 : 0), text, sizeof(text));
    log_event(LOG_INFO, events[change], "address=%s length=%u reason=%s lifetime_s=%llu times=%u dry_run=%u",
              text, ban->source.length - (ip_is_ipv4(address) ? IP_MAPPED_BITS : 0), reasons[ban->reason],
              (unsigned long long)ban->lifetime_ms / 1000, ban->times, ban->dry_run);
}

// A banned prefix of IPv6 must not hold a longer one either. ::/0 is all of IPv6, and nothing of IPv4.
static bool overlaps(const struct ban_source *source, const struct ip_address *prefix, unsigned length)
{
    const unsigned common = length < source->length ? length : source->length;
    const bool is_of_ipv4 = ip_is_ipv4(prefix) && length >= IP_MAPPED_BITS;
    const struct ip_address ours = ip_prefix(&source->address, common), theirs = ip_prefix(prefix, common);

    return ip_is_ipv4(&source->address) == is_of_ipv4 && ip_equal(&ours, &theirs);
}

static bool is_spared(const struct rules *rules, const struct ban_source *source)
{
    for (uint32_t i = 0; i < rules->allowed_count; i++) {
        if (overlaps(source, &rules->allowed[i].address, rules->allowed[i].length))
            return true;
    }
    if (ip_is_ipv4(&source->address))
        return rules_peer(rules, &source->address) != NUMBER_NONE;
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
    if (bans->remembered == 0)
        return false;
    while (bans->rows[bans->hand].state != BAN_REMEMBERED)
        bans->hand = (bans->hand + 1) % bans->used;
    ban_table_forget(bans, &bans->rows[bans->hand]);
    return true;
}

static uint64_t lifetime_of(const struct snapshot_bans *settings, uint32_t times)
{
    uint64_t lifetime_ms = settings->lifetime_ms;

    for (uint32_t i = 1; i < times && lifetime_ms < settings->lifetime_max_ms; i++)
        lifetime_ms *= 2;
    return lifetime_ms < settings->lifetime_max_ms ? lifetime_ms : settings->lifetime_max_ms;
}

static struct ban *row_for(struct bans *bans, const struct ban_source *source)
{
    struct ban *ban = ban_table_find(bans, source);

    if (ban != NULL)
        return ban;
    ban = has_room(bans) ? ban_table_insert(bans, source) : NULL;
    bans->by_rule += ban != NULL;
    return ban;
}

void bans_judge(struct bans *bans, const struct rules *rules, const struct ban_source *source,
                enum ban_rule rule, uint64_t now_ms)
{
    const struct snapshot_bans *settings = &rules->settings->bans;
    uint32_t action = settings->rules[rule].action;
    struct counters_agent *counters = bans->options.counters;
    struct ban *ban = ban_table_find(bans, source);

    if (ban != NULL && ban->state == BAN_LIVE && (!ban->dry_run || action == BAN_DRY_RUN))
        return;
    // The worker's rules may have been older ones.
    if (action == BAN_OFF || !ban_is_somebody(source) || is_spared(rules, source))
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
    if (ban_table_begin(bans, ban, lifetime_of(settings, ban->times), now_ms) < 0) {
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
        ban_table_take_away(bans, ban);
        ban_table_forget(bans, ban);
    }
}

static void remember(struct bans *bans, struct ban *ban, uint64_t now_ms)
{
    ban_table_take_away(bans, ban);
    tell(bans, ban, CHANNEL_BAN_EXPIRED);
    if (ban->reason == CHANNEL_BAN_OPERATOR) {
        ban_table_forget(bans, ban);
        return;
    }
    ban->state = BAN_REMEMBERED;
    bans->remembered++;
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
            ban_table_forget(bans, ban);
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
            (struct channel_ban_row){.address = ban->source.address,
                                     .since_ms = ban->since_ms,
                                     .remaining_ms = ban->until_ms == 0       ? 0
                                                     : ban->until_ms > now_ms ? ban->until_ms - now_ms
                                                                              : 1,
                                     .hits = ban->dry_run ? 0 : place->hits(place->context, &ban->source),
                                     .length = (uint16_t)ban->source.length,
                                     .reason = ban->reason,
                                     .dry_run = ban->dry_run,
                                     .times = ban->times};
    }
    *cursor = at < bans->used ? at : 0;
    return count;
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
    const struct ban_source source = ban_source(&row->source.address, row->source.length);

    if (row->state == BAN_FREE || row->state > BAN_REMEMBERED || row->reason >= CHANNEL_BAN_REASON_COUNT ||
        row->dry_run > 1 || source.length >= BAN_LENGTHS || !ban_source_equal(&source, &row->source) ||
        !ban_is_somebody(&source) || ban_table_find(bans, &source) != NULL ||
        (row->until_ms != 0 && row->until_ms <= now_ms))
        return false;
    struct ban *ban = ban_table_insert(bans, &source);
    if (ban == NULL)
        return false;
    uint32_t next = ban->next;
    *ban = *row;
    ban->next = next;
    bans->by_rule += row->reason != CHANNEL_BAN_OPERATOR;
    bans->remembered += row->state == BAN_REMEMBERED;
    if (!ban_is_in_force(ban))
        return false;
    if (ban_table_put(bans, ban) < 0) {
        ban_table_forget(bans, ban);
        return false;
    }
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
    ban_table_publish(bans);
    return restored;
}
