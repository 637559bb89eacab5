// SPDX-License-Identifier: BSD-3-Clause
#include "dialog_requests.h"

#include <errno.h>
#include <rte_ring.h>
#include <stdlib.h>
#include <string.h>
#include "dialog_events.h"
#include "log.h"

void dialog_requests_init(struct dialog_requests *requests, struct channel_server *channel,
                          struct workers *workers)
{
    memset(requests, 0, sizeof(*requests));
    requests->channel = channel;
    requests->workers = workers;
}

bool dialog_requests_busy(const struct dialog_requests *requests)
{
    return requests->outstanding > 0;
}

void dialog_requests_forget(struct dialog_requests *requests)
{
    for (unsigned i = 0; i < DIALOG_REQUESTS_MAX; i++)
        requests->requests[i].used = false;
}

// Worker and index, plus 1 so that 0 is the start.
static uint64_t cursor_of(unsigned worker, uint32_t index)
{
    return ((uint64_t)worker << 32 | index) + 1;
}

static void finish(struct dialog_requests *requests, struct dialog_request *request, int result,
                   const char *text)
{
    struct channel_done done = {.result = result, .rows = request->rows};

    if (request->type == CHANNEL_DIALOG_LIST && result == 0 && request->worker < requests->workers->count)
        done.cursor = cursor_of(request->worker, request->index);
    if (request->type == CHANNEL_DIALOG_SHOW)
        done.cursor = request->call;
    if (text != NULL)
        strncpy(done.text, text, sizeof(done.text) - 1);
    request->used = false;
    channel_server_done(requests->channel, CHANNEL_DONE, request->number, &done);
}

// Hands a copy of the command to a worker. Returns 0 or -errno.
static int submit(struct dialog_requests *requests, struct dialog_request *request,
                  const struct command *command, unsigned worker)
{
    struct command *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, command, offsetof(struct command, rows));
    copy->worker = (uint16_t)worker;
    copy->request = request->serial;
    if (rte_ring_enqueue(requests->workers->parts[worker].commands, copy) != 0) {
        free(copy);
        return -EBUSY;
    }
    request->waiting++;
    requests->outstanding++;
    return 0;
}

static const char *submit_text(int result)
{
    return result == -EBUSY ? "a worker has too many commands before it; try again" : "no memory; try again";
}

// A command without rows: 64 KiB of them would be most of its cost.
static void blank(struct command *command, enum command_kind kind)
{
    memset(command, 0, offsetof(struct command, rows));
    command->kind = (uint8_t)kind;
    command->peer = NUMBER_NONE;
}

static void ask_list(struct dialog_requests *requests, struct dialog_request *request)
{
    static struct command command; // one agent thread; submit() copies it
    int result;

    blank(&command, COMMAND_DIALOG_LIST);
    command.peer = request->list.peer;
    command.state = request->list.state;
    command.older_ms = request->list.older_ms;
    command.limit = request->list.limit - request->rows;
    command.cursor = request->index;
    result = submit(requests, request, &command, request->worker);
    if (result < 0)
        finish(requests, request, result, submit_text(result));
}

static void ask_handle(struct dialog_requests *requests, struct dialog_request *request,
                       enum command_kind kind, uint64_t handle)
{
    static struct command command;
    unsigned worker = command_handle_worker(handle);
    int result = worker < requests->workers->count ? 0 : -ENOENT;

    blank(&command, kind);
    command.handle = handle;
    command.limit = 1;
    if (result == 0)
        result = submit(requests, request, &command, worker);
    if (result == -ENOENT)
        finish(requests, request, result, "no such dialog");
    else if (result < 0)
        finish(requests, request, result, submit_text(result));
}

// The owner follows from the hash of the Call-ID, which its worker checks: each is asked.
static void ask_call_id(struct dialog_requests *requests, struct dialog_request *request,
                        const struct channel_dialog_select *select)
{
    static struct command command;

    if (request->type == CHANNEL_DIALOG_SHOW)
        request->call =
            dialog_events_call(requests->workers, siphash13(&requests->workers->parts[0].keys.table,
                                                            select->call_id, select->call_id_length));
    blank(&command, COMMAND_DIALOG_SHOW);
    command.limit = CHANNEL_LIST_MAX;
    command.call_id_length = select->call_id_length;
    memcpy(command.call_id, select->call_id, select->call_id_length);
    for (unsigned i = 0; i < requests->workers->count; i++) {
        int result = submit(requests, request, &command, i);

        if (result < 0) {
            finish(requests, request, result, submit_text(result));
            return;
        }
    }
}

static void begin_list(struct dialog_requests *requests, struct dialog_request *request)
{
    if (request->list.cursor != 0) {
        request->worker = (unsigned)((request->list.cursor - 1) >> 32);
        request->index = (uint32_t)(request->list.cursor - 1);
    }
    if (request->worker >= requests->workers->count) {
        request->rows = 0;
        finish(requests, request, -EINVAL, "the cursor is none of ours");
        return;
    }
    ask_list(requests, request);
}

void dialog_requests_begin(struct dialog_requests *requests, const struct channel_input *in, uint64_t now_ms)
{
    struct dialog_request *request = NULL;

    for (unsigned i = 0; i < DIALOG_REQUESTS_MAX && request == NULL; i++) {
        if (!requests->requests[i].used)
            request = &requests->requests[i];
    }
    if (request == NULL) {
        struct channel_done done = {.result = -EBUSY,
                                    .text = "too many requests at once; wait for their answers"};

        channel_server_done(requests->channel, CHANNEL_DONE, in->header.request, &done);
        return;
    }
    *request = (struct dialog_request){.used = true,
                                       .type = (enum channel_type)in->header.type,
                                       .number = in->header.request,
                                       .serial = ++requests->serial,
                                       .begun_ms = now_ms,
                                       .result = -ENOENT};
    if (request->type == CHANNEL_DIALOG_LIST) {
        request->list = in->body.list;
        begin_list(requests, request);
    } else if (in->body.select.handle != 0) {
        request->ending = request->type == CHANNEL_DIALOG_END;
        ask_handle(requests, request, request->ending ? COMMAND_DIALOG_END : COMMAND_DIALOG_SHOW,
                   in->body.select.handle);
    } else {
        ask_call_id(requests, request, &in->body.select);
    }
}

static size_t row_size(const struct channel_dialog_row *row)
{
    size_t size = sizeof(*row);

    for (unsigned i = 0; i < CHANNEL_TEXT_COUNT; i++)
        size += row->text_lengths[i];
    return size;
}

// Sends a row to control, or notes its handle when it is to be ended.
static void take_row(struct dialog_requests *requests, struct dialog_request *request,
                     const struct channel_dialog_row *row, size_t size)
{
    if (request->type == CHANNEL_DIALOG_END) {
        if (request->handle_count < DIALOG_REQUESTS_HANDLES)
            request->handles[request->handle_count++] = row->handle;
        return;
    }
    request->rows++;
    if (size + sizeof(struct channel_header) > CHANNEL_MESSAGE_MAX) {
        if (log_allowed(&requests->limit, "dialog_row_too_long"))
            log_event(LOG_WARNING, "dialog_row_too_long", "handle=%016llx octets=%zu",
                      (unsigned long long)row->handle, size);
        return;
    }
    struct channel_dialog_row told = *row;
    told.call = dialog_events_call(requests->workers, row->call);
    channel_server_send(requests->channel, &(struct channel_output){.type = CHANNEL_DIALOG_ROW,
                                                                    .request = request->number,
                                                                    .body = &told,
                                                                    .body_size = sizeof(told),
                                                                    .text = row + 1,
                                                                    .text_size = size - sizeof(*row)});
}

static void take_rows(struct dialog_requests *requests, struct dialog_request *request,
                      const struct command *command)
{
    uint32_t offset = 0;

    for (uint32_t i = 0;
         i < command->row_count && command->used - offset >= sizeof(struct channel_dialog_row); i++) {
        const struct channel_dialog_row *row =
            (const struct channel_dialog_row *)(const void *)(command->rows + offset);
        size_t size = row_size(row);

        if (size > command->used - offset)
            return;
        take_row(requests, request, row, size);
        offset += (uint32_t)((size + 7) / 8 * 8);
        if (offset > command->used)
            return;
    }
}

static void go_on_list(struct dialog_requests *requests, struct dialog_request *request,
                       const struct command *command, uint64_t now_ms)
{
    request->index = command->cursor;
    if (command->done) {
        request->worker++;
        request->index = 0;
    }
    if (command->result < 0)
        finish(requests, request, command->result, strerror(-command->result));
    else if (request->worker >= requests->workers->count || request->rows >= request->list.limit ||
             now_ms - request->begun_ms >= DIALOG_LIST_MS)
        finish(requests, request, 0, NULL);
    else
        ask_list(requests, request);
}

static void end_handles(struct dialog_requests *requests, struct dialog_request *request)
{
    request->ending = true;
    for (unsigned i = 0; i < request->handle_count && request->used; i++)
        ask_handle(requests, request, COMMAND_DIALOG_END, request->handles[i]);
}

static void take_result(struct dialog_requests *requests, struct dialog_request *request,
                        const struct command *command, uint64_t now_ms)
{
    request->waiting--;
    take_rows(requests, request, command);
    // Sending a row may have dropped the connection, which forgets all requests.
    if (requests->channel->fd < 0 || !request->used)
        return;
    if (request->type == CHANNEL_DIALOG_LIST) {
        go_on_list(requests, request, command, now_ms);
        return;
    }
    if (request->ending && command->result == 0)
        request->rows++;
    // One worker's "none here" says nothing when another has it.
    if (command->result == 0 || (request->result == -ENOENT && command->result != -ENOENT))
        request->result = command->result;
    if (request->waiting > 0)
        return;
    if (request->type == CHANNEL_DIALOG_END && !request->ending && request->handle_count > 0)
        end_handles(requests, request);
    else if (request->rows > 0)
        finish(requests, request, 0, NULL);
    else if (request->result < 0 && request->result != -ENOENT)
        finish(requests, request, request->result, strerror(-request->result));
    else
        finish(requests, request, -ENOENT, "no such dialog");
}

static struct dialog_request *find_request(struct dialog_requests *requests, uint32_t serial)
{
    for (unsigned i = 0; i < DIALOG_REQUESTS_MAX; i++) {
        if (requests->requests[i].used && requests->requests[i].serial == serial)
            return &requests->requests[i];
    }
    return NULL;
}

void dialog_requests_poll(struct dialog_requests *requests, uint64_t now_ms)
{
    void *item;

    if (requests->outstanding == 0)
        return;
    for (unsigned w = 0; w < requests->workers->count; w++) {
        for (unsigned i = 0;
             i < WORKER_COMMANDS_SIZE && rte_ring_dequeue(requests->workers->parts[w].results, &item) == 0;
             i++) {
            struct command *command = item;
            struct dialog_request *request = find_request(requests, command->request);

            requests->outstanding--;
            if (request != NULL)
                take_result(requests, request, command, now_ms);
            free(command);
        }
    }
    for (unsigned i = 0; i < DIALOG_REQUESTS_MAX; i++) {
        struct dialog_request *request = &requests->requests[i];

        if (request->used && now_ms - request->begun_ms >= DIALOG_REQUEST_MS)
            finish(requests, request, -ETIMEDOUT, "a worker does not answer");
    }
}

static void free_commands(struct rte_ring *ring)
{
    void *item;

    while (ring != NULL && rte_ring_dequeue(ring, &item) == 0)
        free(item);
}

void dialog_requests_fini(struct dialog_requests *requests)
{
    if (requests->workers == NULL)
        return;
    for (unsigned w = 0; w < requests->workers->count; w++) {
        free_commands(requests->workers->parts[w].commands);
        free_commands(requests->workers->parts[w].results);
    }
    requests->outstanding = 0;
}
