// SPDX-License-Identifier: BSD-3-Clause
#include "name_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules.h"

struct name_entry {
    struct name_row row; // until_ms 0: there was no answer yet
    uint16_t next;       // entry + 1 with the same head
    uint16_t owner;      // peer whose message gave the name first
    uint16_t asker;      // peer whose message made it open
    bool open;
    bool told;        // to control
    uint64_t open_ms; // since when it is open
};

int name_cache_init(struct name_cache *cache, const struct name_cache_options *options)
{
    *cache = (struct name_cache){.channel = options->channel,
                                 .ask_count = options->ask_count,
                                 .key = *options->key,
                                 .publish = options->publish,
                                 .context = options->context};
    for (unsigned i = 0; i < options->ask_count; i++)
        cache->asks[i] = options->asks[i];
    cache->entries = calloc(NAME_ROWS_MAX, sizeof(*cache->entries));
    return cache->entries == NULL ? -ENOMEM : 0;
}

void name_cache_fini(struct name_cache *cache)
{
    free(cache->entries);
    cache->entries = NULL;
}

static uint16_t *head_of(struct name_cache *cache, uint64_t hash)
{
    return &cache->heads[hash % NAME_CACHE_HEADS];
}

static struct name_entry *find(struct name_cache *cache, const struct channel_name *name, uint64_t hash)
{
    struct name_entry *entry = NULL;

    for (uint16_t at = *head_of(cache, hash); at != 0; at = entry->next) {
        entry = &cache->entries[at - 1];
        // Behind its end a name has zeros.
        if (entry->row.hash == hash && memcmp(&entry->row.name, name, sizeof(*name)) == 0)
            return entry;
    }
    return NULL;
}

static void unlink_entry(struct name_cache *cache, const struct name_entry *entry)
{
    uint16_t number = (uint16_t)(entry - cache->entries + 1);
    uint16_t *link = head_of(cache, entry->row.hash);

    while (*link != number)
        link = &cache->entries[*link - 1].next;
    *link = entry->next;
    cache->of_peer[entry->owner]--;
}

// The one whose time ends first among those that nobody waits for; of this peer, or of all.
static struct name_entry *oldest(struct name_cache *cache, uint16_t peer)
{
    struct name_entry *found = NULL;

    for (uint32_t i = 0; i < cache->used; i++) {
        struct name_entry *entry = &cache->entries[i];

        if (!entry->open && (peer == NUMBER_NONE || entry->owner == peer) &&
            (found == NULL || entry->row.until_ms < found->row.until_ms))
            found = entry;
    }
    return found;
}

// NULL: there is no room.
static struct name_entry *make_entry(struct name_cache *cache, const struct name_ask *ask, uint64_t hash)
{
    struct name_entry *entry = NULL;

    if (cache->of_peer[ask->peer] >= NAME_CACHE_OF_PEER)
        entry = oldest(cache, ask->peer);
    else if (cache->used < NAME_ROWS_MAX)
        entry = &cache->entries[cache->used];
    else
        entry = oldest(cache, NUMBER_NONE);
    if (entry == NULL)
        return NULL;
    if (entry == &cache->entries[cache->used])
        cache->used++;
    else
        unlink_entry(cache, entry);
    *entry = (struct name_entry){
        .row = {.name = ask->name, .hash = hash}, .owner = ask->peer, .next = *head_of(cache, hash)};
    *head_of(cache, hash) = (uint16_t)(entry - cache->entries + 1);
    cache->of_peer[ask->peer]++;
    return entry;
}

static void tell(const struct name_cache *cache, struct name_entry *entry)
{
    const struct channel_name_ask ask = {entry->row.name};

    if (cache->channel->fd < 0 || !cache->channel->greeted)
        return;
    entry->told = true;
    channel_server_send(
        cache->channel,
        &(struct channel_output){.type = CHANNEL_NAME_ASK, .body = &ask, .body_size = sizeof(ask)});
}

static void take(struct name_cache *cache, const struct name_ask *ask, uint64_t now_ms)
{
    uint64_t hash = name_hash(&cache->key, &ask->name);
    struct name_entry *entry = find(cache, &ask->name, hash);

    // Another worker has asked already, or an answer came since.
    if (entry != NULL && (entry->open || now_ms < entry->row.fresh_ms))
        return;
    bool room = cache->open < NAME_CACHE_OPEN && cache->open_of_peer[ask->peer] < NAME_CACHE_OPEN_OF_PEER;
    if (entry == NULL && room)
        entry = make_entry(cache, ask, hash);
    if (entry == NULL || !room) {
        if (log_allowed(&cache->limit, "names_full"))
            log_event(LOG_WARNING, "names_full", "name=\"%s\" open=%u open_of_peer=%u", ask->name.octets,
                      cache->open, cache->open_of_peer[ask->peer]);
        return;
    }
    entry->open = true;
    entry->told = false;
    entry->open_ms = now_ms;
    entry->asker = ask->peer;
    cache->open++;
    cache->open_of_peer[ask->peer]++;
    tell(cache, entry);
}

static void end_open(struct name_cache *cache, struct name_entry *entry)
{
    entry->open = false;
    cache->open--;
    cache->open_of_peer[entry->asker]--;
}

// What was known stays good for its time, and is asked for again soon.
static void fail(struct name_cache *cache, struct name_entry *entry, uint64_t now_ms, uint64_t ms)
{
    struct name_row *row = &entry->row;

    cache->changed = true;
    if (row->result == CHANNEL_NAME_FOUND && now_ms < row->until_ms) {
        row->fresh_ms = now_ms + ms < row->until_ms ? now_ms + ms : row->until_ms;
        return;
    }
    row->result = CHANNEL_NAME_FAILED;
    row->count = 0;
    row->fresh_ms = row->until_ms = now_ms + ms;
}

void name_cache_answer(struct name_cache *cache, const struct channel_name_answer *answer, uint64_t now_ms)
{
    struct channel_name name = {.length = answer->name.length, .service = answer->name.service};
    uint64_t ms = 1000u * (uint64_t)answer->ttl_s;

    memcpy(name.octets, answer->name.octets, name.length);
    struct name_entry *entry = find(cache, &name, name_hash(&cache->key, &name));
    if (entry == NULL || !entry->open)
        return;
    end_open(cache, entry);
    if (answer->result == CHANNEL_NAME_FAILED) {
        fail(cache, entry, now_ms, ms);
        return;
    }
    struct name_row *row = &entry->row;
    row->count = 0;
    for (unsigned i = 0; i < answer->count; i++) {
        const struct channel_name_address *from = &answer->rows[i];

        if (ip_is_set(&from->address))
            row->addresses[row->count++] = (struct name_address){from->address, from->port, from->rank};
    }
    row->result = row->count > 0 ? CHANNEL_NAME_FOUND : CHANNEL_NAME_NONE;
    row->until_ms = now_ms + ms;
    row->fresh_ms = row->count > 0 ? now_ms + ms * 3 / 4 : row->until_ms;
    cache->changed = true;
}

static void look_at_open(struct name_cache *cache, uint64_t now_ms)
{
    for (uint32_t i = 0; i < cache->used; i++) {
        struct name_entry *entry = &cache->entries[i];

        if (!entry->open)
            continue;
        if (!entry->told)
            tell(cache, entry);
        if (now_ms - entry->open_ms < NAME_CACHE_OPEN_MS)
            continue;
        end_open(cache, entry);
        fail(cache, entry, now_ms, NAME_CACHE_FAILED_MS);
    }
}

static void publish(struct name_cache *cache, uint64_t now_ms)
{
    struct name_row *rows = malloc((cache->used + 1) * sizeof(*rows));
    struct name_table *table = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; rows != NULL && i < cache->used; i++) {
        if (now_ms < cache->entries[i].row.until_ms)
            rows[count++] = cache->entries[i].row;
    }
    if (rows != NULL)
        table = name_table_create(cache->serial + 1, rows, count);
    free(rows);
    cache->published_ms = now_ms;
    if (table == NULL) // workers keep the one that they have, until there is memory
        return;
    cache->serial++;
    cache->changed = false;
    cache->publish(cache->context, table);
}

static void drain(struct name_cache *cache, struct name_asks *asks, uint64_t now_ms)
{
    uint32_t head = __atomic_load_n(&asks->head, __ATOMIC_ACQUIRE);
    uint32_t tail = asks->tail;

    for (; tail != head; tail++)
        take(cache, &asks->ring[tail & (NAME_ASKS - 1)], now_ms);
    __atomic_store_n(&asks->tail, head, __ATOMIC_RELEASE);
}

void name_cache_poll(struct name_cache *cache, uint64_t now_ms)
{
    for (unsigned i = 0; i < cache->ask_count; i++)
        drain(cache, cache->asks[i], now_ms);
    if (cache->open > 0)
        look_at_open(cache, now_ms);
    if (cache->changed && now_ms - cache->published_ms >= NAME_CACHE_PUBLISH_MS)
        publish(cache, now_ms);
}

void name_cache_forget(struct name_cache *cache)
{
    for (uint32_t i = 0; i < cache->used; i++)
        cache->entries[i].told = false;
}
