// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "filter.h"

static_assert((FILTER_BAN_CHAINS & (FILTER_BAN_CHAINS - 1)) == 0, "a mask");

struct kept_ban {
    struct filter_ban ban; // first: workers know no more of it
    uint64_t hits_before;  // of its row, when it began
    struct rcu_head head;
};

struct kept_lengths {
    struct ban_lengths lengths; // first
    struct rcu_head head;
};

struct filter_bans *filter_bans_create(uint32_t workers, const struct siphash_key *key)
{
    struct filter_bans *bans = calloc(1, sizeof(*bans));
    uint64_t *hits = calloc((size_t)PREFILTER_BANS_MAX * workers, sizeof(*hits));

    if (bans == NULL || hits == NULL) {
        free(bans);
        free(hits);
        return NULL;
    }
    bans->key = *key;
    bans->workers = workers;
    bans->hits = hits;
    return bans;
}

static void free_ban(struct rcu_head *head)
{
    free((uint8_t *)head - offsetof(struct kept_ban, head));
}

static void free_lengths(struct rcu_head *head)
{
    free((uint8_t *)head - offsetof(struct kept_lengths, head));
}

// No synchronize_rcu: a worker that is stuck must not stop the agent too.
static void free_later(struct rcu_head *head, void (*free_it)(struct rcu_head *head))
{
    rcu_thread_online();
    call_rcu(head, free_it);
    rcu_thread_offline();
}

static uint64_t hits_of_row(const struct filter_bans *bans, uint32_t row)
{
    uint64_t hits = 0;

    for (uint32_t i = 0; i < bans->workers; i++)
        hits += __atomic_load_n(&bans->hits[(size_t)i * PREFILTER_BANS_MAX + row], __ATOMIC_RELAXED);
    return hits;
}

// What leads to the ban of a source, or to the end of its chain.
static struct filter_ban **link_to(struct filter_bans *bans, const struct ban_source *source)
{
    struct filter_ban **at = &bans->chains[filter_ban_chain(bans, source)];

    while (*at != NULL && !ban_source_equal(&(*at)->source, source))
        at = &(*at)->next;
    return at;
}

// Rows are never cleared, since their workers alone write them. One that still holds the ban that ended may
// count its last packets to the next ban of the row.
static uint32_t take_row(struct filter_bans *bans)
{
    return bans->free_count > 0 ? bans->free_rows[--bans->free_count] : bans->used++;
}

int filter_bans_put(struct filter_bans *bans, const struct ban_source *source, uint64_t until_ns)
{
    struct filter_ban **at = link_to(bans, source);
    struct kept_ban *before = (struct kept_ban *)*at, *kept;

    if (before == NULL && bans->free_count == 0 && bans->used == PREFILTER_BANS_MAX)
        return -ENOSPC;
    kept = malloc(sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;
    kept->ban = (struct filter_ban){.next = before != NULL ? before->ban.next : NULL,
                                    .source = *source,
                                    .row = before != NULL ? before->ban.row : take_row(bans),
                                    .until_ns = until_ns};
    kept->hits_before = before != NULL ? before->hits_before : hits_of_row(bans, kept->ban.row);
    rcu_assign_pointer(*at, &kept->ban);
    if (before != NULL)
        free_later(&before->head, free_ban);
    return 0;
}

void filter_bans_remove(struct filter_bans *bans, const struct ban_source *source)
{
    struct filter_ban **at = link_to(bans, source);
    struct kept_ban *kept = (struct kept_ban *)*at;

    if (kept == NULL)
        return;
    rcu_assign_pointer(*at, kept->ban.next);
    bans->free_rows[bans->free_count++] = kept->ban.row;
    free_later(&kept->head, free_ban);
}

int filter_bans_look(struct filter_bans *bans, const struct ban_lengths *lengths)
{
    struct kept_lengths *before = (struct kept_lengths *)bans->lengths, *kept = NULL;

    if (lengths->any != 0) {
        kept = malloc(sizeof(*kept));
        if (kept == NULL)
            return -ENOMEM;
        kept->lengths = *lengths;
    }
    rcu_assign_pointer(bans->lengths, kept != NULL ? &kept->lengths : NULL);
    if (before != NULL)
        free_later(&before->head, free_lengths);
    return 0;
}

uint64_t filter_bans_hits(const struct filter_bans *bans, const struct ban_source *source)
{
    const struct kept_ban *kept =
        bans != NULL ? (const struct kept_ban *)filter_ban_find(bans, source) : NULL;

    return kept != NULL ? hits_of_row(bans, kept->ban.row) - kept->hits_before : 0;
}

void filter_bans_destroy(struct filter_bans *bans)
{
    if (bans == NULL)
        return;
    for (uint32_t i = 0; i < FILTER_BAN_CHAINS; i++)
        for (struct filter_ban *ban = bans->chains[i], *next; ban != NULL; ban = next) {
            next = ban->next;
            free(ban);
        }
    free(bans->lengths);
    free(bans->hits);
    free(bans);
}
