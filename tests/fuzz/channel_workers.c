// SPDX-License-Identifier: BSD-3-Clause
#include "channel_workers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <rte_eal.h>
#include <rte_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "command.h"
#include "dialog.h"
#include "name.h"
#include "probe.h"
#include "rules.h"
#include "sip_check.h"
#include "ua_ring.h"

#define WORKERS      CHANNEL_WORKERS
#define EACH         600u // dialogs a worker: more than a slice
#define LONG_ROW     7u   // the index of one whose texts fit no message
#define COMMAND_RING 64u
#define UA_RING      (4 * UA_RING_MESSAGE_MAX)

struct channel_workers channel_workers;
static struct dialog_transitions dialogs[WORKERS];
static struct member_transitions members[WORKERS];
static struct name_asks asks[WORKERS];
static struct suspects suspects[WORKERS];

static struct rte_ring *make_ring(void)
{
    size_t size = (size_t)rte_ring_get_memsize(COMMAND_RING);
    struct rte_ring *ring = aligned_alloc(64, (size + 63) / 64 * 64);
    CHECK(ring != NULL && rte_ring_init(ring, "ring", COMMAND_RING, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0);
    return ring;
}

static struct ua_ring *make_ua_ring(void)
{
    struct ua_ring *ring = aligned_alloc(64, sizeof(*ring) + UA_RING);
    CHECK(ring != NULL);
    return ring;
}

// For the TSC's frequency, by which captures tell the time.
static void start_eal(void)
{
    static char program[] = "channel", no_huge[] = "--no-huge", no_pci[] = "--no-pci",
                no_shconf[] = "--no-shconf", memory[] = "-m", size[] = "8", lcores[] = "--lcores=0@0",
                no_telemetry[] = "--no-telemetry", log[] = "--log-level=error", iova[] = "--iova-mode=va";
    char *arguments[] = {program, no_huge, no_pci, no_shconf, memory, size, lcores, no_telemetry, log, iova};
    CHECK(rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) >= 0);
}

void channel_workers_init(void)
{
    start_eal();
    channel_workers.all.count = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        channel_workers.all.parts[i].commands = make_ring();
        channel_workers.all.parts[i].results = make_ring();
        channel_workers.all.parts[i].ua_commands = make_ua_ring();
        channel_workers.all.parts[i].ua_events = make_ua_ring();
        channel_workers.rings[i] = (struct channel_rings){&dialogs[i], &members[i], &asks[i], &suspects[i]};
    }
}

void channel_workers_reset(void)
{
    memset(asks, 0, sizeof(asks));
    memset(dialogs, 0, sizeof(dialogs));
    memset(members, 0, sizeof(members));
    memset(suspects, 0, sizeof(suspects));
    for (unsigned i = 0; i < WORKERS; i++) {
        *channel_workers.all.parts[i].ua_commands = (struct ua_ring){.size = UA_RING};
        *channel_workers.all.parts[i].ua_events = (struct ua_ring){.size = UA_RING};
    }
}

static void tell_ua(unsigned worker, const struct channel_ua_event *event)
{
    struct ua_ring *ring = channel_workers.all.parts[worker].ua_events;
    uint8_t *to = ua_ring_add(ring, channel_ua_event_size(event));

    if (to == NULL)
        return;
    memset(to, 'x', channel_ua_event_size(event));
    memcpy(to, event, sizeof(*event));
    ua_ring_publish(ring);
}

void channel_workers_tell_ua(const uint8_t *octets, size_t size)
{
    for (; size >= 4; octets += 4, size -= 4)
        tell_ua(octets[0] % WORKERS,
                &(struct channel_ua_event){
                    .call = octets[1],
                    .application = NUMBER_NONE,
                    .peer = octets[0],
                    .length = (uint16_t)(octets[2] | octets[3] << 8),
                    .kind = (uint8_t)(CHANNEL_UA_CALL + octets[1] % (CHANNEL_UA_KINDS - CHANNEL_UA_CALL))});
}

// Each is whole when it comes, and gets its DONE.
static void answer_ua(unsigned worker)
{
    struct ua_ring *ring = channel_workers.all.parts[worker].ua_commands;
    const uint8_t *octets;
    uint32_t length;

    while ((octets = ua_ring_first(ring, &length)) != NULL) {
        struct channel_ua_command command;
        struct channel_ua_event done = {
            .application = NUMBER_NONE, .peer = NUMBER_NONE, .kind = CHANNEL_UA_DONE};

        CHECK(length >= sizeof(command));
        memcpy(&command, octets, sizeof(command));
        CHECK(length == channel_ua_command_size(&command) && command.tag != 0);
        done.tag = command.tag;
        tell_ua(worker, &done);
        ua_ring_drop(ring);
    }
}

static void put_row(struct command *command, unsigned worker, uint32_t index)
{
    struct channel_dialog_row row = {.handle = command_handle(worker, 1, index),
                                     .state = CHANNEL_DIALOG_CONFIRMED,
                                     .worker = (uint16_t)worker,
                                     .caller_peer = NUMBER_NONE,
                                     .callee_peer = NUMBER_NONE,
                                     .callee_member = NUMBER_NONE,
                                     .text_lengths = {index == LONG_ROW ? 20000 : (uint16_t)(index % 300)}};
    uint32_t size = (uint32_t)(sizeof(row) + row.text_lengths[0] + 7) / 8 * 8;
    CHECK(command->used + size <= COMMAND_ROWS_OCTETS);
    memset(command->rows + command->used, 'x', size);
    memcpy(command->rows + command->used, &row, sizeof(row));
    command->used += size;
    command->row_count++;
}

static void answer_list(struct command *command, unsigned worker)
{
    CHECK(command->limit > 0 && command->limit <= CHANNEL_LIST_MAX);
    for (uint32_t seen = 0; seen < 512 && command->cursor < EACH && command->row_count < command->limit &&
                            command->used + 20100 < COMMAND_ROWS_OCTETS;
         seen++)
        put_row(command, worker, command->cursor++);
    command->done = command->cursor >= EACH;
}

// Call-IDs that begin with a digit have so many dialogs, with worker 1.
static void answer_one(struct command *command, unsigned worker)
{
    bool by_id = command->call_id_length > 0;
    unsigned count = by_id && worker == 1 ? (unsigned)(uint8_t)command->call_id[0] - '0' : 0;
    if (by_id) {
        for (uint32_t i = 0; i < count && count < 10; i++)
            put_row(command, worker, i);
    } else if ((uint32_t)command->handle < EACH &&
               command->handle == command_handle(worker, 1, (uint32_t)command->handle)) {
        if (command->kind == COMMAND_DIALOG_SHOW)
            put_row(command, worker, (uint32_t)command->handle);
        return;
    }
    command->result = command->row_count > 0 ? 0 : -ENOENT;
}

void channel_workers_answer(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        void *item;

        while (rte_ring_dequeue(channel_workers.all.parts[i].commands, &item) == 0) {
            struct command *command = item;

            CHECK(command->call_id_length <= CHANNEL_CALL_ID_SIZE);
            if (command->kind == COMMAND_DIALOG_LIST)
                answer_list(command, i);
            else
                answer_one(command, i);
            CHECK(rte_ring_enqueue(channel_workers.all.parts[i].results, command) == 0);
        }
        answer_ua(i);
    }
}

void channel_workers_end_call(const struct call_records *records, const uint8_t *octets, size_t size)
{
    struct channel_record record = {.start_ms = 1,
                                    .ring_ms = 1,
                                    .answer_ms = 2,
                                    .end_ms = 3,
                                    .caller_peer = NUMBER_NONE,
                                    .callee_peer = NUMBER_NONE,
                                    .callee_member = NUMBER_NONE,
                                    .ender = CHANNEL_ENDER_CALLER,
                                    .reason = CHANNEL_REASON_BYE};
    const struct call_text texts[CHANNEL_RECORD_TEXTS] = {
        {octets, (uint32_t)size}, {octets, (uint32_t)size / 2}, {"sip:a", 5}};

    call_ring_put(call_records_ring(records, (unsigned)size % WORKERS), &record, texts, 0);
}

// One an octet, as workers write them; what finds the ring full is lost.
void channel_workers_change_dialogs(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        struct dialog_transitions *ring = &dialogs[octets[i] % WORKERS];

        if (ring->head - ring->tail == DIALOG_TRANSITIONS) {
            ring->lost++;
            continue;
        }
        ring->ring[ring->head++ % DIALOG_TRANSITIONS] =
            (struct dialog_transition){.call_hash = octets[i],
                                       .generation = 1,
                                       .index = octets[i],
                                       .caller_peer = octets[i] % 3,
                                       .callee_peer = NUMBER_NONE,
                                       .callee_member = NUMBER_NONE,
                                       .from = octets[i] % DIALOG_STATES,
                                       .to = DIALOG_NONE + octets[i] / 16 % (DIALOG_STATES - DIALOG_NONE),
                                       .reason = octets[i] % (DIALOG_EVENTS + 1)};
    }
}

void channel_workers_change_members(const uint8_t *octets, size_t size)
{
    // Where there are rules: before, workers have none.
    for (size_t i = 0; channel_workers.all.published.rules != NULL && i < size; i++) {
        struct member_transitions *ring = &members[octets[i] % WORKERS];

        if (ring->head - ring->tail == MEMBER_TRANSITIONS) {
            ring->lost++;
            continue;
        }
        ring->ring[ring->head++ % MEMBER_TRANSITIONS] = (struct member_transition){
            .member = octets[i], .peer = octets[i] % 4, .to = octets[i] % 3, .reason = octets[i] * 3u};
    }
}

void channel_workers_ask_name(const uint8_t *octets, size_t size)
{
    struct name_asks *ring = &asks[size % WORKERS];
    struct name_ask *ask = &ring->ring[ring->head & (NAME_ASKS - 1)];
    if (ring->head - ring->tail == NAME_ASKS || size == 0)
        return;
    *ask = (struct name_ask){.peer = octets[0] % 3};
    ask->name.length = (uint8_t)(size < 200 ? size : 200);
    ask->name.service = octets[0] % 2;
    for (unsigned i = 0; i < ask->name.length; i++)
        ask->name.octets[i] = (char)('a' + octets[i] % 26);
    ring->head++;
}

static int put_ban(void *context, const struct ban_source *source, uint64_t until_ms)
{
    return 0;
}

static void remove_ban(void *context, const struct ban_source *source)
{
}

static uint64_t ban_hits(void *context, const struct ban_source *source)
{
    return 0;
}

static int look_for_bans(void *context, const struct ban_lengths *lengths)
{
    return 0;
}

const struct ban_place channel_workers_bans = {put_ban, remove_ban, ban_hits, look_for_bans, NULL};

unsigned channel_descriptors(void)
{
    unsigned count = 0;
    DIR *open = opendir("/proc/self/fd");
    const struct dirent *entry;
    struct stat status;

    CHECK(open != NULL);
    while ((entry = readdir(open)) != NULL)
        count += fstatat(dirfd(open), entry->d_name, &status, 0) == 0 && !S_ISFIFO(status.st_mode);
    closedir(open);
    return count;
}
