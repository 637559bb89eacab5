// SPDX-License-Identifier: BSD-3-Clause
#include "health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store.h"

#define HEALTH_MAGIC   0x746c61656867ULL
#define HEALTH_VERSION 2u

struct health_row {
    uint64_t since_ms;
    struct ip_address address;
    uint16_t port;
    uint16_t member; // permanent numbers
    uint16_t peer;
    uint16_t health; // enum member_health
    uint16_t reason;
    uint16_t reserved[3];
};
static_assert(sizeof(struct health_row) == 40, "layout");

struct health_file {
    uint64_t magic;
    uint32_t version;
    uint32_t count; // of rows
    uint8_t boot_id[HEALTH_BOOT_ID];
    struct health_row rows[];
};
static_assert(sizeof(struct health_file) == 32, "layout");

static struct counters_member *words_of(const struct health *health, uint32_t member)
{
    return &counters_file_members(health->counters, member % health->workers)[member];
}

static bool is_probed(const struct rules *rules, uint32_t member)
{
    const struct snapshot_member *row = &rules->members[member];

    return (row->flags & SNAPSHOT_PRESENT) && !(row->flags & MEMBER_DISABLED) &&
           rules->peers[row->peer].probe_interval_ms != 0;
}

int health_save(const struct health *health)
{
    const struct rules *rules = health->rules;
    struct health_file *file = calloc(1, sizeof(*file) + MEMBERS_MAX * sizeof(file->rows[0]));
    int result;

    if (file == NULL)
        return -ENOMEM;
    file->magic = HEALTH_MAGIC;
    file->version = HEALTH_VERSION;
    memcpy(file->boot_id, health->boot_id, sizeof(file->boot_id));
    for (uint32_t i = 0; i < rules->member_count; i++) {
        const struct counters_member *words = words_of(health, i);
        struct health_row row = {.since_ms = __atomic_load_n(&words->health_since_ms, __ATOMIC_RELAXED),
                                 .address = rules->members[i].address,
                                 .port = rules->members[i].port,
                                 .member = (uint16_t)i,
                                 .peer = rules->members[i].peer,
                                 .health = __atomic_load_n(&words->health, __ATOMIC_RELAXED),
                                 .reason = __atomic_load_n(&words->reason, __ATOMIC_RELAXED)};

        if (is_probed(rules, i) && row.health != MEMBER_UNKNOWN)
            file->rows[file->count++] = row;
    }
    result = store_write(health->state_directory, STORE_HEALTH, file,
                         sizeof(*file) + file->count * sizeof(file->rows[0]));
    free(file);
    return result;
}

static bool is_current(const struct rules *rules, const struct health_row *row, uint64_t now_ms)
{
    if (row->member >= rules->member_count || !is_probed(rules, row->member))
        return false;
    const struct snapshot_member *member = &rules->members[row->member];
    return row->peer == member->peer && ip_equal(&row->address, &member->address) &&
           row->port == member->port && (row->health == MEMBER_UP || row->health == MEMBER_DOWN) &&
           row->since_ms <= now_ms;
}

unsigned health_restore(const struct health *health, uint64_t now_ms)
{
    const size_t most = sizeof(struct health_file) + MEMBERS_MAX * sizeof(struct health_row);
    unsigned restored = 0;
    void *octets = NULL;
    long size = store_read(health->state_directory, STORE_HEALTH, most, &octets);
    const struct health_file *file = octets;

    if (size < (long)sizeof(*file) || file->magic != HEALTH_MAGIC || file->version != HEALTH_VERSION ||
        (size_t)size != sizeof(*file) + (size_t)file->count * sizeof(file->rows[0]) ||
        memcmp(file->boot_id, health->boot_id, sizeof(file->boot_id)) != 0) {
        free(octets);
        return 0;
    }
    for (uint32_t i = 0; i < file->count; i++) {
        const struct health_row *row = &file->rows[i];
        struct counters_member *words;

        if (!is_current(health->rules, row, now_ms))
            continue;
        words = words_of(health, row->member);
        words->health_since_ms = row->since_ms;
        words->health = row->health;
        words->reason = row->reason;
        restored++;
    }
    free(octets);
    return restored;
}
