// SPDX-License-Identifier: BSD-3-Clause
#include "capture_requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "log.h"

struct published_table {
    struct rcu_head head; // first: the callback gets its address
    struct capture_table table;
    struct capture_requests *requests;
};

void capture_requests_init(struct capture_requests *requests, const struct capture_requests_options *options)
{
    *requests = (struct capture_requests){.channel = options->channel,
                                          .published = options->published,
                                          .counts = options->counts,
                                          .key = options->key};
}

// Callbacks run in the order of call_rcu().
static void on_left(struct rcu_head *head)
{
    struct published_table *old = (struct published_table *)head;

    __atomic_store_n(&old->requests->left_serial, old->table.serial, __ATOMIC_RELEASE);
    free(old);
}

static struct published_table *holder_of(struct capture_table *table)
{
    return (struct published_table *)((uint8_t *)table - offsetof(struct published_table, table));
}

static void publish(struct capture_requests *requests, struct capture_table *table)
{
    struct capture_table *old = rcu_xchg_pointer(&requests->published->captures, table);

    if (old == NULL)
        return;
    rcu_thread_online();
    call_rcu(&holder_of(old)->head, on_left);
    rcu_thread_offline();
}

static void fill(struct capture_table *table, const struct capture_requests *requests)
{
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        const struct capture_running *running = &requests->running[slot];
        uint8_t bit = (uint8_t)(1u << slot);

        if (running->state != CAPTURE_RUNS)
            continue;
        table->slots[slot] = running->filter;
        table->live |= bit;
        if (running->filter.only_dropped)
            table->dropped |= bit;
        if (running->filter.kind == CHANNEL_CAPTURE_CALL_ID)
            table->call_ids |= bit;
        if (running->filter.kind == CHANNEL_CAPTURE_PEER)
            table->peers |= bit;
        if (running->filter.kind == CHANNEL_CAPTURE_NUMBER)
            table->numbers |= bit;
    }
}

static unsigned count_of(const struct capture_requests *requests, enum capture_state state)
{
    unsigned count = 0;

    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++)
        count += requests->running[slot].state == state;
    return count;
}

// What runs becomes the workers' table. Returns 0 or -ENOMEM: all is as before.
static int republish(struct capture_requests *requests)
{
    struct published_table *holder = NULL;

    if (count_of(requests, CAPTURE_RUNS) > 0) {
        holder = calloc(1, sizeof(*holder));
        if (holder == NULL)
            return -ENOMEM;
        fill(&holder->table, requests);
        holder->table.serial = requests->serial + 1;
        holder->requests = requests;
    }
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        if (requests->running[slot].state != CAPTURE_OVER)
            continue;
        requests->running[slot].state = CAPTURE_LEAVING;
        requests->running[slot].last_serial = requests->serial;
    }
    requests->serial += holder != NULL;
    publish(requests, holder == NULL ? NULL : &holder->table);
    return 0;
}

// The clock of the machine as workers can tell it from theirs. It may be set or slewed: each tick anew.
static void tell_time(const struct capture_requests *requests)
{
    struct timespec now;
    uint64_t wall_us;

    clock_gettime(CLOCK_REALTIME, &now);
    wall_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    __atomic_store_n(&requests->published->tsc_to_wall_us, wall_us - worker_tsc_us(), __ATOMIC_RELAXED);
}

static struct capture_filter filter_of(const struct channel_capture_set *set, const struct siphash_key *key)
{
    struct capture_filter filter = {.messages = set->messages,
                                    .octets = set->octets,
                                    .kind = set->kind,
                                    .sample = set->sample,
                                    .peer = set->peer,
                                    .only_dropped = (set->flags & CHANNEL_CAPTURE_DROPPED) != 0};

    if (set->kind == CHANNEL_CAPTURE_CALL_ID)
        filter.call_hash = siphash13(key, set->text, set->text_length);
    if (set->kind == CHANNEL_CAPTURE_NUMBER) {
        filter.number_length = set->text_length;
        memcpy(filter.number, set->text, set->text_length);
    }
    return filter;
}

static struct capture_running *by_id(struct capture_requests *requests, uint32_t id)
{
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        struct capture_running *running = &requests->running[slot];

        if (running->state == CAPTURE_RUNS && running->id == id)
            return running;
    }
    return NULL;
}

static struct channel_done begin(struct capture_requests *requests, const struct channel_capture_set *set,
                                 uint64_t now_ms)
{
    struct capture_running *running = NULL;
    unsigned slot;

    if (by_id(requests, set->id) != NULL)
        return (struct channel_done){.result = -EEXIST, .text = "a capture has this number already"};
    for (slot = 0; slot < CAPTURES_MAX && running == NULL; slot++) {
        if (requests->running[slot].state == CAPTURE_FREE)
            running = &requests->running[slot];
    }
    if (running == NULL)
        return (struct channel_done){.result = -ENOSPC,
                                     .text = "as many captures run as can; stop one first"};
    slot = (unsigned)(running - requests->running);
    *running = (struct capture_running){.state = CAPTURE_RUNS,
                                        .id = set->id,
                                        .ends_ms = now_ms + set->duration_ms,
                                        .filter = filter_of(set, requests->key)};
    running->filter.serial = requests->serial + 1;
    requests->counts[slot] = (struct capture_count){.serial = running->filter.serial};
    tell_time(requests);
    if (republish(requests) < 0) {
        running->state = CAPTURE_FREE;
        return (struct channel_done){.result = -ENOMEM, .text = "no memory for another capture"};
    }
    return (struct channel_done){.rows = slot, .cursor = running->filter.serial};
}

void capture_requests_begin(struct capture_requests *requests, const struct channel_input *in,
                            uint64_t now_ms)
{
    const struct channel_done done = begin(requests, &in->body.capture, now_ms);

    channel_server_done(requests->channel, CHANNEL_DONE, in->header.request, &done);
}

void capture_requests_end(struct capture_requests *requests, const struct channel_input *in)
{
    struct capture_running *running = by_id(requests, in->body.capture_end.id);
    struct channel_done done = {.result = 0};

    if (running == NULL) {
        done =
            (struct channel_done){.result = -ENOENT, .text = "no capture has this number, or it has ended"};
    } else {
        running->state = CAPTURE_OVER;
        running->reason = CHANNEL_CAPTURE_END_STOPPED;
        republish(requests); // without memory the next tick tries again
    }
    channel_server_done(requests->channel, CHANNEL_DONE, in->header.request, &done);
}

// Whether it has reached a limit, which is the reason of its end then.
static bool is_over(struct capture_running *running, const struct capture_count *words, uint64_t now_ms)
{
    if (__atomic_load_n(&words->messages, __ATOMIC_RELAXED) >= running->filter.messages)
        running->reason = CHANNEL_CAPTURE_END_MESSAGES;
    else if (__atomic_load_n(&words->octets, __ATOMIC_RELAXED) >= running->filter.octets)
        running->reason = CHANNEL_CAPTURE_END_OCTETS;
    else if (now_ms >= running->ends_ms)
        running->reason = CHANNEL_CAPTURE_END_DURATION;
    else
        return false;
    return true;
}

static void tell_ended(struct capture_requests *requests, unsigned slot)
{
    const struct capture_running *running = &requests->running[slot];
    const struct capture_count *words = &requests->counts[slot];
    const struct channel_capture_ended ended = {.id = running->id,
                                                .slot = (uint16_t)slot,
                                                .reason = (uint16_t)running->reason,
                                                .serial = running->filter.serial,
                                                .messages = words->messages,
                                                .octets = words->octets,
                                                .lost = words->lost,
                                                .forgotten = words->forgotten};

    channel_server_send(
        requests->channel,
        &(struct channel_output){.type = CHANNEL_CAPTURE_ENDED, .body = &ended, .body_size = sizeof(ended)});
}

void capture_requests_poll(struct capture_requests *requests, uint64_t now_ms)
{
    uint64_t left = __atomic_load_n(&requests->left_serial, __ATOMIC_ACQUIRE);

    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        struct capture_running *running = &requests->running[slot];

        if (running->state == CAPTURE_RUNS && is_over(running, &requests->counts[slot], now_ms))
            running->state = CAPTURE_OVER;
        if (running->state != CAPTURE_LEAVING || running->last_serial > left)
            continue;
        running->state = CAPTURE_FREE;
        if (!running->is_silent)
            tell_ended(requests, slot);
    }
    if (count_of(requests, CAPTURE_OVER) > 0)
        republish(requests);
    if (count_of(requests, CAPTURE_RUNS) > 0)
        tell_time(requests);
}

void capture_requests_forget(struct capture_requests *requests)
{
    unsigned ended = 0;

    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        struct capture_running *running = &requests->running[slot];

        running->is_silent = true;
        if (running->state != CAPTURE_RUNS)
            continue;
        running->state = CAPTURE_OVER;
        ended++;
    }
    if (count_of(requests, CAPTURE_OVER) > 0)
        republish(requests); // none runs: it needs no memory
    if (ended > 0)
        log_event(LOG_INFO, "captures_ended", "count=%u reason=\"control is gone\"", ended);
}

void capture_requests_fini(struct capture_requests *requests)
{
    if (requests->published != NULL)
        publish(requests, NULL);
}
