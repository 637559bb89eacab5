// SPDX-License-Identifier: BSD-3-Clause
#include "ua_channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "command.h"
#include "dialog_events.h"
#include "owner.h"
#include "ua_ring.h"

#define ROWS_MAX (CHANNEL_MESSAGE_MAX - sizeof(struct channel_header) - sizeof(struct channel_event_run))

// The rows of one message.
struct rows {
    uint32_t count;
    size_t used;
    _Alignas(8) uint8_t octets[ROWS_MAX];
};

// A message that went out.
struct ua_channel_sent {
    struct ua_channel_sent *next;
    struct channel_event_run run;
    size_t size;
    uint8_t rows[];
};

void ua_channel_init(struct ua_channel *ua, struct channel_server *server, struct workers *workers)
{
    memset(ua, 0, sizeof(*ua));
    ua->server = server;
    ua->workers = workers;
    ua->sent_end = &ua->sent;
}

static void forget_first(struct ua_channel *ua)
{
    struct ua_channel_sent *first = ua->sent;

    ua->sent = first->next;
    if (ua->sent == NULL)
        ua->sent_end = &ua->sent;
    if (ua->again == first)
        ua->again = first->next;
    ua->sent_octets -= sizeof(*first) + first->size;
    free(first);
}

void ua_channel_fini(struct ua_channel *ua)
{
    while (ua->sent != NULL)
        forget_first(ua);
}

void ua_channel_taken(struct ua_channel *ua, const struct channel_ua_taken *taken)
{
    while (ua->sent != NULL && ua->sent->run.first + ua->sent->run.count - 1 <= taken->number)
        forget_first(ua);
}

static bool has_applications(const struct ua_channel *ua)
{
    return ua->workers->parts[0].ua_commands != NULL;
}

void ua_channel_begin(struct ua_channel *ua)
{
    ua->told = ua->last;
    ua->again = ua->sent;
    if (++ua->controls == 0)
        ua->controls = 1;
    atomic_store(&ua->workers->ua_heard, has_applications(ua) ? ua->controls : 0);
}

bool ua_channel_heard(const struct ua_channel *ua)
{
    return atomic_load_explicit(&ua->workers->ua_heard, memory_order_relaxed) != 0;
}

void ua_channel_forget(struct ua_channel *ua)
{
    atomic_store(&ua->workers->ua_heard, 0);
    ua->refused_count = 0;
}

// The worker that has the dialogs of the text.
static unsigned owner_of_text(const struct ua_channel *ua, const struct channel_input *in)
{
    const struct channel_ua_command *command = &in->body.ua;
    const uint8_t *text = in->rest;

    for (unsigned i = 0; i < CHANNEL_UA_TEXT_CALL_ID; i++)
        text += command->text_lengths[i];
    return owner_of(
        siphash13(&ua->workers->parts[0].keys.table, text, command->text_lengths[CHANNEL_UA_TEXT_CALL_ID]),
        ua->workers->count);
}

// The worker's number; one that is out of range: there is none.
static unsigned worker_of(struct ua_channel *ua, const struct channel_input *in)
{
    const struct channel_ua_command *command = &in->body.ua;
    uint64_t handle = command->transaction != 0 ? command->transaction : command->dialog;

    if (handle != 0)
        return command_handle_worker(handle);
    if (command->op != CHANNEL_UA_INVITE && command->op != CHANNEL_UA_REQUEST &&
        command->op != CHANNEL_UA_CLAIM)
        return WORKERS_MAX;
    if (command->text_lengths[CHANNEL_UA_TEXT_CALL_ID] > 0)
        return owner_of_text(ua, in);
    return ua->next_worker++ % ua->workers->count;
}

static int hand_over(struct ua_channel *ua, const struct channel_input *in)
{
    unsigned worker = worker_of(ua, in);
    struct ua_ring *ring;
    uint8_t *to;

    if (worker >= ua->workers->count)
        return -ENOENT;
    ring = ua->workers->parts[worker].ua_commands;
    if (ring == NULL)
        return -ENOSPC;
    to = ua_ring_add(ring, (uint32_t)(sizeof(in->body.ua) + in->rest_size));
    if (to == NULL)
        return -ENOSPC;
    memcpy(to, &in->body.ua, sizeof(in->body.ua));
    memcpy(to + sizeof(in->body.ua), in->rest, in->rest_size);
    ua_ring_publish(ring);
    return 0;
}

static uint64_t unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void refuse(struct ua_channel *ua, const struct channel_ua_command *command, int result)
{
    if (ua->refused_count == UA_CHANNEL_REFUSED) {
        ua->last++;
        return;
    }
    ua->refused[(ua->refused_first + ua->refused_count++) % UA_CHANNEL_REFUSED] =
        (struct channel_ua_event){.tag = command->tag,
                                  .dialog = command->dialog,
                                  .transaction = command->transaction,
                                  .time_ms = unix_ms(),
                                  .result = result,
                                  .application = command->application,
                                  .peer = NUMBER_NONE,
                                  .kind = CHANNEL_UA_DONE};
}

void ua_channel_take(struct ua_channel *ua, const struct channel_input *in)
{
    int result = hand_over(ua, in);

    if (result < 0)
        refuse(ua, &in->body.ua, result);
}

// False: it does not fit any more.
static bool add_row(struct rows *rows, struct channel_ua_event *event, const uint8_t *message)
{
    uint32_t size = channel_ua_event_size(event);

    if (size > ROWS_MAX) {
        event->flags |= CHANNEL_UA_CUT;
        event->length = 0;
        size = channel_ua_event_size(event);
    }
    if (rows->count == CHANNEL_EVENTS_MAX || size > ROWS_MAX - rows->used)
        return false;
    memset(rows->octets + rows->used + size - 8, 0, 8); // padding
    memcpy(rows->octets + rows->used, event, sizeof(*event));
    memcpy(rows->octets + rows->used + sizeof(*event), message, event->length);
    rows->used += size;
    rows->count++;
    return true;
}

static bool add_refused(struct ua_channel *ua, struct rows *rows)
{
    static const uint8_t none[1];

    while (ua->refused_count > 0) {
        if (!add_row(rows, &ua->refused[ua->refused_first], none))
            return false;
        ua->refused_first = (ua->refused_first + 1) % UA_CHANNEL_REFUSED;
        ua->refused_count--;
    }
    return true;
}

static bool add_ring(struct ua_channel *ua, struct rows *rows, struct ua_ring *ring)
{
    const uint8_t *octets;
    uint32_t length;

    while ((octets = ua_ring_first(ring, &length)) != NULL) {
        struct channel_ua_event event;

        memcpy(&event, octets, sizeof(event));
        assert(sizeof(event) + event.length <= length);
        if (event.call != 0)
            event.call = dialog_events_call(ua->workers, event.call);
        if (!add_row(rows, &event, octets + sizeof(event)))
            return false;
        ua_ring_drop(ring);
    }
    return true;
}

static void gather(struct ua_channel *ua, struct rows *rows)
{
    unsigned first = ua->next_ring++;

    rows->count = 0;
    rows->used = 0;
    if (!add_refused(ua, rows) || !has_applications(ua))
        return;
    for (unsigned i = 0; i < ua->workers->count; i++) {
        if (!add_ring(ua, rows, ua->workers->parts[(first + i) % ua->workers->count].ua_events))
            return;
    }
}

// Before what comes behind them.
static void count_lost(struct ua_channel *ua)
{
    for (unsigned i = 0; has_applications(ua) && i < ua->workers->count; i++) {
        uint64_t lost = __atomic_load_n(&ua->workers->parts[i].ua_events->lost, __ATOMIC_RELAXED);

        ua->last += lost - ua->lost[i];
        ua->lost[i] = lost;
    }
}

static void send_run(struct ua_channel *ua, const struct channel_event_run *run, const void *rows,
                     size_t size)
{
    channel_server_send(ua->server, &(struct channel_output){.type = CHANNEL_UA_EVENTS,
                                                             .body = run,
                                                             .body_size = sizeof(*run),
                                                             .text = rows,
                                                             .text_size = size});
}

// Without memory it does not come again, and is a gap in the numbers. One without rows tells what was lost
// before it, to the next connection as to this one.
static void keep_sent(struct ua_channel *ua, const struct channel_event_run *run, const struct rows *rows)
{
    struct ua_channel_sent *sent = malloc(sizeof(*sent) + rows->used);

    if (sent == NULL)
        return;
    *sent = (struct ua_channel_sent){.run = *run, .size = rows->used};
    memcpy(sent->rows, rows->octets, rows->used);
    *ua->sent_end = sent;
    ua->sent_end = &sent->next;
    ua->sent_octets += sizeof(*sent) + rows->used;
}

static bool may_send(const struct channel_server *server)
{
    return server->fd >= 0 && server->greeted && server->queued <= EVENT_WAITING_MAX;
}

void ua_channel_poll(struct ua_channel *ua)
{
    static struct rows rows; // one agent thread

    for (unsigned i = 0; i < UA_CHANNEL_MESSAGES && may_send(ua->server); i++) {
        struct channel_event_run run;

        if (ua->again != NULL) {
            const struct ua_channel_sent *again = ua->again;
            ua->again = again->next;
            send_run(ua, &again->run, again->rows, again->size);
            continue;
        }
        if (ua->sent_octets >= UA_CHANNEL_SENT_MAX)
            return;
        count_lost(ua);
        gather(ua, &rows);
        run = (struct channel_event_run){
            .first = ua->last + 1, .lost = ua->last - ua->told, .count = rows.count};
        if (run.count == 0 && run.lost == 0)
            return;
        ua->last += run.count;
        ua->told = ua->last;
        keep_sent(ua, &run, &rows);
        send_run(ua, &run, rows.octets, rows.used);
    }
}
