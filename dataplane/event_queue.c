// SPDX-License-Identifier: BSD-3-Clause
#include "event_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int event_queue_init(struct event_queue *queue, size_t row_size, uint32_t size)
{
    assert(row_size <= EVENT_ROW_MAX && size > 0 && (size & (size - 1)) == 0);
    *queue = (struct event_queue){.row_size = row_size, .size = size};
    queue->rows = calloc(size, row_size);
    queue->numbers = calloc(size, sizeof(*queue->numbers));
    if (queue->rows != NULL && queue->numbers != NULL)
        return 0;
    event_queue_fini(queue);
    return -ENOMEM;
}

void event_queue_fini(struct event_queue *queue)
{
    free(queue->rows);
    free(queue->numbers);
    *queue = (struct event_queue){.rows = NULL};
}

static size_t place(const struct event_queue *queue, uint64_t position)
{
    return (size_t)(position & (queue->size - 1));
}

void event_queue_add(struct event_queue *queue, const void *row)
{
    if (queue->head - queue->tail == queue->size) {
        queue->tail++;
        if (queue->sent < queue->tail)
            queue->sent = queue->tail;
    }
    memcpy(queue->rows + place(queue, queue->head) * queue->row_size, row, queue->row_size);
    queue->numbers[place(queue, queue->head++)] = ++queue->last;
}

void event_queue_skip(struct event_queue *queue, uint64_t count)
{
    queue->last += count;
}

void event_queue_begin(struct event_queue *queue)
{
    queue->sent = queue->tail;
    queue->told = queue->done;
}

void event_queue_done(struct event_queue *queue, uint64_t number)
{
    if (number > queue->told)
        number = queue->told;
    if (number > queue->done)
        queue->done = number;
    while (queue->tail != queue->sent && queue->numbers[place(queue, queue->tail)] <= queue->done)
        queue->tail++;
}

bool event_queue_next(struct event_queue *queue, void *rows, uint32_t max, struct channel_event_run *run)
{
    uint8_t *to = rows;

    *run = (struct channel_event_run){.first = queue->last + 1};
    if (queue->sent != queue->head)
        run->first = queue->numbers[place(queue, queue->sent)];
    run->lost = run->first - queue->told - 1;
    while (queue->sent != queue->head && run->count < max &&
           queue->numbers[place(queue, queue->sent)] == run->first + run->count) {
        memcpy(to, queue->rows + place(queue, queue->sent++) * queue->row_size, queue->row_size);
        to += queue->row_size;
        run->count++;
    }
    queue->told = run->first + run->count - 1;
    return run->count > 0 || run->lost > 0;
}

static bool may_send(const struct channel_server *channel)
{
    return channel->fd >= 0 && channel->greeted && channel->queued <= EVENT_WAITING_MAX;
}

void event_queue_send(struct event_queue *queue, struct channel_server *channel, enum channel_type type)
{
    uint8_t rows[CHANNEL_EVENTS_MAX * EVENT_ROW_MAX] = {0};
    struct channel_event_run run;

    for (unsigned i = 0; i < EVENT_MESSAGES_MAX && may_send(channel) &&
                         event_queue_next(queue, rows, CHANNEL_EVENTS_MAX, &run);
         i++)
        channel_server_send(channel,
                            &(struct channel_output){.type = type,
                                                     .body = &run,
                                                     .body_size = sizeof(run),
                                                     .text = rows,
                                                     .text_size = CHANNEL_EVENTS_MAX * queue->row_size});
}
