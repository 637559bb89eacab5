// SPDX-License-Identifier: BSD-3-Clause
#include "capture.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "control.h"
#include "metrics_walk.h"
#include "version.h"

#define TICK_MS        20
#define RECORDS_A_TICK 2048u
#define END_MS         10000u // until a capture is over without the dataplane

static const char *const reasons[CHANNEL_CAPTURE_END_COUNT] = {
#define E(name, word) [CHANNEL_CAPTURE_END_##name] = word,
    CHANNEL_CAPTURE_ENDS(E)
#undef E
};

static void arm(struct captures *captures, int ms)
{
    const struct timeval wait = {0, ms * 1000};
    if (captures->live > 0)
        evtimer_add(captures->tick, &wait);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void release(struct captures *captures, struct capture *capture)
{
    struct capture **at = &captures->first;
    while (*at != capture)
        at = &(*at)->next;
    *at = capture->next;
    free(capture);
}

// The oldest of those that are over make room. Not while somebody walks the list.
static void prune(struct captures *captures)
{
    uint32_t over = 0;
    for (struct capture *capture = captures->first, *next; capture; capture = next) {
        next = capture->next; // the newest come first
        if (capture->state == CAPTURE_OVER && ++over > CAPTURES_KEPT)
            release(captures, capture);
    }
}

uint64_t capture_lost(const struct control *control, const struct capture *capture)
{
    const struct capture_reader *reader = &control->captures.reader;
    if (capture->ended || capture->state == CAPTURE_ASKED || capture->state == CAPTURE_OVER || !reader->file)
        return capture->lost;
    return capture_reader_count(reader, capture->slot, capture->serial).lost;
}

void capture_failed(struct control *control, struct capture *capture, int result, uint64_t missing)
{
    capture->full = true;
    capture->fault = result;
    capture->reason = "file";
    capture->messages = capture->writer.messages;
    capture->failed += missing;
    control->captures.counts.lost_file += missing;
}

static void close_file(struct control *control, struct capture *capture)
{
    uint64_t before = capture->writer.messages;
    struct pcapng_statistics statistics = {now_us(), before + capture->lost + capture->failed,
                                           capture->lost + capture->failed};
    int result = capture_writer_close(&capture->writer, &statistics);
    if (result < 0)
        capture_failed(control, capture, result, before - capture->writer.messages);
}

static const char *file_of(const struct capture *capture)
{
    return capture->to[0] ? NULL : capture->writer.path;
}

static const char *hep_of(const struct capture *capture)
{
    return capture->to[0] ? capture->to : NULL;
}

static void finish(struct control *control, struct capture *capture)
{
    struct captures *captures = &control->captures;
    capture->lost = capture_lost(control, capture);
    if (capture->writer.fd >= 0)
        close_file(control, capture);
    capture_sender_close(&capture->sender);
    capture->state = CAPTURE_OVER;
    capture->ended_s = (uint64_t)time(NULL);
    captures->live--;
    captures->counts.lost_ring += capture->lost;
    log_event(capture->fault < 0 ? LEVEL_ERROR : LEVEL_INFO, "capture_ended",
              "id=%" PRIu32 " reason=%s%s%s messages=%" PRIu64 " lost=%" PRIu64 " path=\"%s\" to=\"%s\"",
              capture->set.id, capture->reason, capture->fault < 0 ? " fault=" : "",
              capture->fault < 0 ? strerror(-capture->fault) : "", capture->messages, capture->lost,
              capture->writer.path, capture->to);
    event_emit(control, EVENT_CAPTURE_ENDED, NULL,
               json_pack("{s:I, s:s, s:I, s:I, s:s?, s:s?}", "capture", (json_int_t)capture->set.id, "reason",
                         capture->reason, "messages", (json_int_t)capture->messages, "lost",
                         (json_int_t)capture->lost + (json_int_t)capture->failed, "file", file_of(capture),
                         "hep", hep_of(capture)));
    while (capture->waiters) {
        struct capture_waiter *waiter = capture->waiters;
        capture->waiters = waiter->next;
        waiter->answer.done(waiter->answer.context, capture, 0, "");
        free(waiter);
    }
}

static void on_told(void *context, const struct channel_done *done)
{
    if (done->result < 0 && done->result != -ENOENT && done->result != -ENOTCONN)
        log_event(LEVEL_WARNING, "capture_end_refused", "errno=%d text=\"%s\"", -done->result, done->text);
}

// What has no room in the socket is told with the next tick.
static void tell_end(struct control *control, struct capture *capture)
{
    const struct channel_capture_end body = {.id = capture->set.id};
    const struct channel_request request = {CHANNEL_CAPTURE_END, &body, -1, DATAPLANE_DEADLINE_MS};
    const struct channel_answer answer = {.done = on_told};
    capture->told = channel_ask(control->channel, &request, &answer) == 0;
}

static void begin_end(struct control *control, struct capture *capture)
{
    capture->state = CAPTURE_ENDING;
    capture->deadline_ms = clock_ms() + END_MS;
    tell_end(control, capture);
}

// Its last record lies in the rings.
static void begin_drain(struct control *control, struct capture *capture)
{
    struct captures *captures = &control->captures;
    if (capture->state == CAPTURE_RUNNING)
        capture->deadline_ms = clock_ms() + END_MS;
    capture->state = CAPTURE_DRAINING;
    for (uint32_t i = 0; i < captures->reader.workers; i++)
        capture->ends[i] = capture_reader_head(&captures->reader, i);
}

static bool is_drained(const struct captures *captures, const struct capture *capture)
{
    for (uint32_t i = 0; i < captures->reader.workers; i++)
        if ((int64_t)(capture->ends[i] - captures->reader.position[i]) > 0)
            return false;
    return true;
}

static void step(struct control *control, struct capture *capture)
{
    uint64_t before = capture->writer.messages;
    int result = capture->writer.fd >= 0 && !capture->fault ? capture_writer_flush(&capture->writer) : 0;
    if (result < 0)
        capture_failed(control, capture, result, before - capture->writer.messages);
    if (capture->state == CAPTURE_RUNNING && capture->full)
        begin_end(control, capture);
    else if (capture->state == CAPTURE_ENDING && !capture->told)
        tell_end(control, capture);
    bool late = capture->state > CAPTURE_RUNNING && clock_ms() >= capture->deadline_ms;
    if (late ||
        (capture->state == CAPTURE_DRAINING && (capture->full || is_drained(&control->captures, capture))))
        finish(control, capture);
}

static void step_all(struct control *control)
{
    for (struct capture *capture = control->captures.first; capture; capture = capture->next)
        if (capture->state != CAPTURE_ASKED && capture->state != CAPTURE_OVER)
            step(control, capture);
    prune(&control->captures);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    struct captures *captures = &control->captures;
    uint64_t damaged = captures->reader.damaged;
    bool all = true;
    if (captures->reader.file)
        all = capture_deliver(control, RECORDS_A_TICK);
    if (captures->reader.damaged != damaged && log_allowed(&captures->damaged_limit))
        log_event(LEVEL_ERROR, "captures_damaged", "rings=%" PRIu64, captures->reader.damaged);
    step_all(control);
    arm(captures, all ? TICK_MS : 0);
}

int capture_init(struct control *control)
{
    struct captures *captures = &control->captures;
    captures->tick = evtimer_new(control->base, on_tick, control);
    captures->octets = malloc(UINT16_MAX);
    return captures->tick && captures->octets ? 0 : -ENOMEM;
}

// Whatever runs is over, with what lies in the rings.
static void end_all(struct control *control, const char *reason)
{
    struct captures *captures = &control->captures;
    // As much as the rings hold, each record being one step at least.
    unsigned int most = captures->reader.workers * (CAPTURE_RING_OCTETS / sizeof(struct capture_record));
    for (struct capture *capture = captures->first; capture; capture = capture->next)
        if (capture->state == CAPTURE_RUNNING || capture->state == CAPTURE_ENDING)
            begin_drain(control, capture);
    if (captures->live > captures->asked && captures->reader.file)
        capture_deliver(control, most);
    for (struct capture *capture = captures->first; capture; capture = capture->next)
        if (capture->state == CAPTURE_DRAINING) {
            if (!capture->reason)
                capture->reason = reason;
            finish(control, capture);
        }
    prune(captures);
}

void capture_connected(struct control *control, const int *fds)
{
    char error[ERROR_SIZE];
    capture_disconnected(control);
    if (fds && capture_reader_open(&control->captures.reader, fds, error, sizeof(error)) < 0)
        log_event(LEVEL_ERROR, "captures_refused", "reason=\"%s\"", error);
}

void capture_disconnected(struct control *control)
{
    struct captures *captures = &control->captures;
    end_all(control, "dataplane");
    captures->damaged += captures->reader.damaged;
    capture_reader_close(&captures->reader);
}

void capture_fini(struct control *control)
{
    struct captures *captures = &control->captures;
    end_all(control, "control");
    capture_reader_close(&captures->reader);
    while (captures->first) {
        capture_writer_remove(&captures->first->writer); // of one that was only asked for
        capture_sender_close(&captures->first->sender);
        release(captures, captures->first);
    }
    if (captures->tick)
        event_free(captures->tick);
    free(captures->octets);
    captures->octets = NULL;
    captures->tick = NULL;
}

static struct capture *find(const struct captures *captures, uint32_t id)
{
    struct capture *capture = captures->first;
    while (capture && capture->set.id != id)
        capture = capture->next;
    return capture;
}

// It ended there; what runs is drained now, what was only asked for when its answer comes.
void capture_ended(struct control *control, const struct channel_capture_ended *ended)
{
    struct capture *capture = find(&control->captures, ended->id);
    if (!capture || capture->ended || capture->state == CAPTURE_OVER)
        return;
    if (!capture->reason)
        capture->reason = reasons[ended->reason];
    capture->ended = true;
    capture->lost = ended->lost;
    capture->forgotten = ended->forgotten;
    if (capture->state != CAPTURE_ASKED)
        begin_drain(control, capture);
}

static void refuse(struct control *control, struct capture *capture, int result, const char *text)
{
    struct capture_answer answer = capture->begun;
    capture_writer_remove(&capture->writer);
    capture_sender_close(&capture->sender);
    control->captures.live--;
    release(&control->captures, capture);
    answer.done(answer.context, NULL, result, text);
}

static void on_begun(void *context, const struct channel_done *done)
{
    struct capture *capture = context;
    struct control *control = capture->control;
    struct captures *captures = &control->captures;
    captures->asked--;
    if (done->result == -ETIMEDOUT) // it may have been set
        tell_end(control, capture);
    if (done->result < 0) {
        refuse(control, capture, done->result, done->text);
        return;
    }
    if (done->rows >= CAPTURES_MAX || !captures->reader.file) {
        tell_end(control, capture);
        refuse(control, capture, -EPROTO, "the dataplane gives no captures");
        return;
    }
    capture->slot = done->rows;
    capture->serial = done->cursor;
    capture->state = CAPTURE_RUNNING;
    captures->counts.begun++;
    log_event(LEVEL_INFO, "capture_started", "id=%" PRIu32 " by=\"%s\" what=\"%s\" path=\"%s\" to=\"%s\"",
              capture->set.id, capture->who, capture->what, capture->writer.path, capture->to);
    event_emit(control, EVENT_CAPTURE_STARTED, NULL,
               json_pack("{s:I, s:s, s:s?, s:s?}", "capture", (json_int_t)capture->set.id, "who",
                         capture->who, "file", file_of(capture), "hep", hep_of(capture)));
    if (capture->ended)
        begin_drain(control, capture);
    capture->begun.done(capture->begun.context, capture, 0, "");
}

static int open_target(struct control *control, struct capture *capture,
                       const struct capture_request *request, char *error, size_t size)
{
    char name[64], comment[CAPTURE_COMMENT_MAX];
    const struct config_capture_view view = config_capture_view(control->active.config);
    if (request->to) {
        snprintf(capture->to, sizeof(capture->to), "%s", request->to);
        return capture_sender_open(&capture->sender, request->to, view.hep_id, error, size);
    }
    time_t now = (time_t)capture->started_s;
    struct tm utc;
    gmtime_r(&now, &utc);
    size_t used = strftime(name, sizeof(name), "%Y%m%dT%H%M%SZ", &utc);
    snprintf(name + used, sizeof(name) - used, "-%" PRIu32, capture->set.id);
    snprintf(comment, sizeof(comment), "capture %" PRIu32 " by %s: %.160s", capture->set.id, capture->who,
             capture->what);
    for (char *at = comment; *at; at++) // UTF-8 that was cut would be none
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    const struct pcapng_section section = {"dialgate " DIALGATE_VERSION, comment, "dialgate"};
    const struct capture_place place = {.directory = view.directory,
                                        .name = request->file ? request->file : name,
                                        .group = config_control_view(control->active.config).role_groups[1],
                                        .limit = capture->set.octets};
    return capture_writer_open(&capture->writer, &place, &section, error, size);
}

static int may_start(const struct control *control, char *error, size_t size)
{
    const struct captures *captures = &control->captures;
    if (!channel_ready(control->channel) || control->hello.state != CHANNEL_RUNNING ||
        !captures->reader.file) {
        snprintf(error, size, "the dataplane is %s: nothing can be captured",
                 control_dataplane_state(control));
        return -ENOTCONN;
    }
    if (captures->live >= CAPTURES_MAX) {
        snprintf(error, size, "%u captures run already; stop one of them", captures->live);
        return -EBUSY;
    }
    return 0;
}

int capture_start(struct control *control, const struct capture_request *request,
                  const struct capture_answer *answer, char *error, size_t size)
{
    struct captures *captures = &control->captures;
    int result = may_start(control, error, size);
    if (result < 0)
        return result;
    struct capture *capture = calloc(1, sizeof(*capture));
    if (!capture) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    capture_writer_init(&capture->writer);
    capture_sender_init(&capture->sender);
    capture->control = control;
    capture->set = request->set;
    capture->set.id = ++captures->last_id;
    capture->begun = *answer;
    capture->started_s = (uint64_t)time(NULL);
    snprintf(capture->what, sizeof(capture->what), "%s", request->what);
    snprintf(capture->who, sizeof(capture->who), "%s", request->who);
    const struct channel_request set = {CHANNEL_CAPTURE_SET, &capture->set, -1, DATAPLANE_DEADLINE_MS};
    const struct channel_answer begun = {.done = on_begun, .context = capture};
    result = open_target(control, capture, request, error, size);
    if (result == 0 && (result = channel_ask(control->channel, &set, &begun)) < 0)
        snprintf(error, size, "the dataplane was not asked: %s", strerror(-result));
    if (result < 0) {
        capture_writer_remove(&capture->writer);
        capture_sender_close(&capture->sender);
        free(capture);
        return result;
    }
    capture->next = captures->first;
    captures->first = capture;
    captures->asked++;
    captures->live++;
    arm(captures, TICK_MS);
    return 0;
}

int capture_stop(struct control *control, uint32_t id, const struct capture_answer *answer, char *error,
                 size_t size)
{
    struct capture *capture = find(&control->captures, id);
    if (!capture || capture->state == CAPTURE_ASKED) {
        snprintf(error, size, "there is no capture %" PRIu32 "; capture.list names them", id);
        return -ENOENT;
    }
    if (capture->state == CAPTURE_OVER) {
        answer->done(answer->context, capture, 0, "");
        return 0;
    }
    struct capture_waiter *waiter = malloc(sizeof(*waiter));
    if (!waiter) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    *waiter = (struct capture_waiter){capture->waiters, *answer};
    capture->waiters = waiter;
    if (capture->state == CAPTURE_RUNNING) {
        capture->reason = capture->reason ? capture->reason : reasons[CHANNEL_CAPTURE_END_STOPPED];
        begin_end(control, capture);
    }
    return 0;
}

void capture_walk(const struct control *control, const struct metrics_visitor *visitor)
{
    const struct captures *captures = &control->captures;
    const struct capture_counts *counts = &captures->counts;
    uint64_t lost = counts->lost_ring;
    for (const struct capture *capture = captures->first; capture; capture = capture->next)
        if (capture->state != CAPTURE_OVER)
            lost += capture_lost(control, capture);
    walk_one(visitor, METRIC_CAPTURES, captures->live);
    walk_one(visitor, METRIC_CAPTURES_BEGUN, (double)counts->begun);
    walk_begin(visitor, METRIC_CAPTURED);
    visitor->sample(visitor->context, "", "to=\"file\"", (double)counts->to_file);
    visitor->sample(visitor->context, "", "to=\"hep\"", (double)counts->to_collector);
    walk_begin(visitor, METRIC_CAPTURES_LOST);
    visitor->sample(visitor->context, "", "cause=\"ring\"", (double)lost);
    visitor->sample(visitor->context, "", "cause=\"file\"", (double)counts->lost_file);
    visitor->sample(visitor->context, "", "cause=\"hep\"", (double)counts->lost_collector);
    walk_one(visitor, METRIC_CAPTURES_DAMAGED, (double)(captures->damaged + captures->reader.damaged));
}
