// SPDX-License-Identifier: BSD-3-Clause
// dialog.end_many: a page of the dialogs that match is looked up, then ended one after another at a rate that
// the far ends can bear: each end is a BYE or a CANCEL to them. Who wants all asks page after page, and can
// stop between two.
#include "dialog.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include "../log.h"
#include "handlers.h"

#define RATE_DEFAULT 100
#define PAGE_S       10 // a page is no longer than this
#define TICK_US      20000
#define AT_ONCE      4u // of the requests that the dataplane takes at once; others want some too

struct end_slot { // one request under way
    struct end_job *job;
    uint64_t handle; // 0: free
};

struct end_job {
    struct rpc_call *call;
    struct end_job *next_job;
    struct event *tick;
    uint64_t begun_ms;
    int64_t rate;
    uint64_t cursor; // behind this page
    uint32_t count, next;
    uint32_t ended, gone;
    int result;
    char text[CHANNEL_TEXT_SIZE];
    struct end_slot slots[AT_ONCE];
    uint64_t handles[CHANNEL_LIST_MAX];
};

static void unlink_job(struct end_job *job)
{
    struct end_job **link = &rpc_control(job->call)->end_jobs;
    while (*link != job)
        link = &(*link)->next_job;
    *link = job->next_job;
    if (job->tick)
        event_free(job->tick);
}

static void finish(struct end_job *job)
{
    char cursor[DIALOG_ID_SIZE];
    unlink_job(job);
    if (job->result < 0) {
        rpc_fail_errno(job->call, job->result, job->text);
    } else {
        if (job->ended > 0)
            log_event(LEVEL_INFO, "dialogs_ended", "who=%s dialogs=%u", rpc_who(job->call), job->ended);
        rpc_reply(job->call,
                  json_pack("{s:I, s:I, s:o}", "ended", (json_int_t)job->ended, "gone", (json_int_t)job->gone,
                            "cursor",
                            job->cursor ? json_string(dialog_id(job->cursor, cursor)) : json_null()));
    }
    free(job);
}

static void fail(struct end_job *job, int result, const char *text)
{
    job->result = result;
    snprintf(job->text, sizeof(job->text), "%s", text ? text : "");
}

static bool is_busy(const struct end_job *job)
{
    for (size_t i = 0; i < AT_ONCE; i++)
        if (job->slots[i].handle)
            return true;
    return false;
}

static void end_due(struct end_job *job);

// The dataplane is done with one. -EBUSY: it had too many requests, this one is tried again at the next tick.
static void on_ended(void *context, const struct channel_done *done)
{
    struct end_slot *slot = context;
    struct end_job *job = slot->job;
    if (done->result == -EBUSY)
        job->handles[--job->next] = slot->handle;
    else if (done->result == 0)
        job->ended++;
    else if (done->result == -ENOENT || done->result == -EALREADY) // by itself, or it is being ended
        job->gone++;
    else
        fail(job, done->result, done->text);
    slot->handle = 0;
    if (job->result < 0 && !is_busy(job))
        finish(job);
    else if (done->result != -EBUSY)
        end_due(job);
}

static void end_one(struct end_job *job, struct end_slot *slot)
{
    struct channel_dialog_select select = {.handle = job->handles[job->next]};
    struct channel_answer answer = {NULL, on_ended, slot, NULL};
    int result = dialog_ask(rpc_control(job->call), CHANNEL_DIALOG_END, &select, &answer);
    if (result == -EAGAIN)
        return; // the next tick tries again
    if (result < 0) {
        fail(job, result, NULL);
        return;
    }
    slot->handle = select.handle;
    job->next++;
}

static uint64_t due_now(const struct end_job *job)
{
    return (clock_ms() - job->begun_ms) * (uint64_t)job->rate / 1000;
}

static void end_due(struct end_job *job)
{
    uint64_t due = due_now(job);
    for (size_t i = 0; i < AT_ONCE && job->result == 0 && job->next < job->count && job->next < due; i++)
        if (job->slots[i].handle == 0)
            end_one(job, &job->slots[i]);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct end_job *job = context;
    uint64_t due = due_now(job);
    end_due(job);
    if (!is_busy(job) && (job->result < 0 || (job->next == job->count && due >= job->count)))
        finish(job);
}

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct end_job *job = context;
    if (job->count < CHANNEL_LIST_MAX && row->state < CHANNEL_DIALOG_TERMINATING)
        job->handles[job->count++] = row->handle;
}

static void on_listed(void *context, const struct channel_done *done)
{
    static const struct timeval tick = {0, TICK_US};
    struct end_job *job = context;
    job->cursor = done->cursor;
    job->begun_ms = clock_ms();
    job->tick = event_new(rpc_control(job->call)->base, -1, EV_PERSIST, on_tick, job);
    if (done->result < 0)
        fail(job, done->result, done->text);
    else if (!job->tick || event_add(job->tick, &tick) < 0)
        fail(job, -ENOMEM, NULL);
    if (job->result < 0 || job->count == 0)
        finish(job);
}

static struct end_job *job_create(struct rpc_call *call, int64_t rate)
{
    struct end_job *job = calloc(1, sizeof(*job));
    if (!job) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return NULL;
    }
    job->call = call;
    job->rate = rate;
    for (size_t i = 0; i < AT_ONCE; i++)
        job->slots[i].job = job;
    job->next_job = rpc_control(call)->end_jobs;
    rpc_control(call)->end_jobs = job;
    return job;
}

void rpc_dialog_end_many(struct rpc_call *call)
{
    struct channel_dialog_list list;
    int64_t rate = rpc_integer(call, "rate", RATE_DEFAULT);
    if (!rpc_boolean(call, "all") && !rpc_text(call, "peer") && !rpc_text(call, "state") &&
        rpc_integer(call, "older_ms", 0) == 0) {
        rpc_fail(call, DG_INVALID_PARAMS, "give peer, state or older_ms, or \"all\" for every dialog");
        return;
    }
    if (!dialog_read_filters(call, &list))
        return;
    if (list.limit > rate * PAGE_S)
        list.limit = (uint32_t)(rate * PAGE_S);
    struct end_job *job = job_create(call, rate);
    if (!job)
        return;
    struct channel_answer answer = {on_row, on_listed, job, NULL};
    int result = dialog_ask(rpc_control(call), CHANNEL_DIALOG_LIST, &list, &answer);
    if (result < 0) {
        fail(job, result, NULL);
        finish(job);
    }
}

void dialog_end_stop(struct control *control)
{
    for (struct end_job *job = control->end_jobs, *next; job; job = next) {
        next = job->next_job;
        fail(job, -ECANCELED, "dialgate-control ends");
        if (job->tick && !is_busy(job))
            finish(job);
    }
}
