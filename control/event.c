// SPDX-License-Identifier: BSD-3-Clause
#include "event.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "control.h"
#include "log.h"
#include "metrics_walk.h"
#include "version.h"

#define HEAD_SIZE 256

const struct event_row event_rows[EVENT_COUNT] = {
#define E(name, kind, word, fields, help) [EVENT_##name] = {word, fields, help, EVENT_KIND_##kind},
    EVENTS(E)
#undef E
};

const char *const event_kinds[EVENT_KIND_COUNT + 1] = {
#define K(kind, word, help) [EVENT_KIND_##kind] = word,
    EVENT_KINDS(K)
#undef K
};

const char *const event_kinds_help[EVENT_KIND_COUNT] = {
#define K(kind, word, help) [EVENT_KIND_##kind] = help,
    EVENT_KINDS(K)
#undef K
};

static uint64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *events_loss(const struct event_stream *stream, uint64_t first, uint64_t last,
                        char buffer[EVENT_LOSS_SIZE])
{
    snprintf(buffer, EVENT_LOSS_SIZE,
             "\"stream\":\"%016" PRIx64 "\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"count\":%" PRIu64,
             stream->id, first, last, last - first + 1);
    return buffer;
}

// Followers are served before the data plane hears that we took what it sent: they get it from this turn on.
static void serve(struct control *control)
{
    struct event_stream *stream = &control->events;
    stream->served = stream->ring.last;
    event_file_write(control, &stream->file);
    event_syslog_write(control, &stream->syslog);
    if (stream->tell)
        stream->tell(stream->context);
    events_acknowledge(control);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    uint64_t room = config_events_view(control->active.config).keep;
    serve(control);
    // events.keep is another: what both rings have room for stays.
    if (room != control->events.ring.room)
        event_ring_resize(&control->events.ring, room);
}

void events_serve_soon(struct event_stream *stream)
{
    event_active(stream->turn, EV_TIMEOUT, 0);
}

int events_start(struct control *control)
{
    struct event_stream *stream = &control->events;
    event_file_init(&stream->file);
    event_syslog_init(&stream->syslog);
    if (getrandom(&stream->id, sizeof(stream->id), 0) != sizeof(stream->id))
        stream->id = unix_ms();
    int result = event_ring_open(&stream->ring, config_events_view(control->active.config).keep, 0);
    stream->turn = event_new(control->base, -1, 0, on_turn, control);
    if (result < 0 || !stream->turn)
        return -ENOMEM;
    event_emit(control, EVENT_CONTROL_STARTED, NULL,
               json_pack("{s:s, s:i}", "version", DIALGATE_VERSION, "pid", (int)getpid()));
    return 0;
}

void events_stop(struct control *control)
{
    struct event_stream *stream = &control->events;
    if (stream->ring.kept && stream->turn) {
        event_file_write(control, &stream->file);
        event_syslog_write(control, &stream->syslog);
    }
    if (stream->turn) {
        event_file_close(&stream->file);
        event_syslog_close(&stream->syslog);
        event_free(stream->turn);
    }
    event_ring_close(&stream->ring);
    stream->turn = NULL;
}

void events_reopen(struct control *control)
{
    event_file_close(&control->events.file);
}

// `{"stream":..,"seq":..,"time":..,"kind":..,"name":..`: what every line begins with.
static size_t head(struct event_stream *stream, const struct event_row *row, uint64_t time_ms,
                   char text[HEAD_SIZE])
{
    time_t second = (time_t)(time_ms / 1000);
    if (stream->stamp[0] == '\0' || stream->second != (uint64_t)second) {
        struct tm utc;
        gmtime_r(&second, &utc);
        strftime(stream->stamp, sizeof(stream->stamp), "%Y-%m-%dT%H:%M:%S", &utc);
        stream->second = (uint64_t)second;
    }
    int length = snprintf(text, HEAD_SIZE,
                          "{\"stream\":\"%016" PRIx64 "\",\"seq\":%" PRIu64
                          ",\"time\":\"%s.%03uZ\",\"kind\":\"%s\",\"name\":\"%s\"",
                          stream->id, stream->ring.last + 1, stream->stamp, (unsigned)(time_ms % 1000),
                          event_kinds[row->kind], row->name);
    return (size_t)length;
}

// The head, a comma, the fields; without its end. NULL: no memory.
static char *line_of(const char *begin, size_t begun, const char *fields, size_t length)
{
    char *line = malloc(begun + 1 + length);
    if (!line)
        return NULL;
    memcpy(line, begin, begun);
    line[begun] = ',';
    memcpy(line + begun + 1, fields, length);
    return line;
}

// fields: NULL: there was no memory for them, and a number is missing.
static void emit(struct control *control, enum event_name name, const struct event_about *about,
                 const char *fields, size_t length)
{
    static const struct event_about none = {.peers = {NUMBER_NONE, NUMBER_NONE}};
    struct event_stream *stream = &control->events;
    const struct event_row *row = &event_rows[name];
    about = about ? about : &none;
    stream->emitted[row->kind]++;
    struct event_kept kept = {.call = about->call,
                              .peers = {about->peers[0], about->peers[1]},
                              .kind = (uint8_t)row->kind,
                              .everybody = about->everybody};
    char begin[HEAD_SIZE];
    size_t begun = head(stream, row, about->time_ms ? about->time_ms : unix_ms(), begin);
    kept.line = fields ? line_of(begin, begun, fields, length) : NULL;
    kept.length = kept.line ? begun + 1 + length : 0;
    event_ring_add(&stream->ring, &kept);
    // A turn may bring more than the ring holds.
    if (stream->ring.last - stream->served >= stream->ring.room / 2)
        serve(control);
    events_serve_soon(stream);
}

void event_emit_text(struct control *control, enum event_name name, const struct event_about *about,
                     const char *fields, size_t length)
{
    if (control->events.ring.kept)
        emit(control, name, about, fields, length);
}

void event_emit(struct control *control, enum event_name name, const struct event_about *about,
                json_t *fields)
{
    if (control->events.ring.kept) {
        char *text = fields ? json_dumps(fields, JSON_COMPACT) : NULL; // "{..}"
        emit(control, name, about, text ? text + 1 : NULL, text ? strlen(text) - 1 : 0);
        free(text);
    }
    json_decref(fields);
}

void events_walk(const struct control *control, const struct metrics_visitor *visitor)
{
    static const char *const losses[EVENT_LOSS_COUNT] = {
#define L(name, word) [EVENT_LOSS_##name] = "cause=\"" word "\"",
        EVENT_LOSSES(L)
#undef L
    };
    static const char *const kinds[EVENT_KIND_COUNT] = {
#define K(kind, word, help) [EVENT_KIND_##kind] = "kind=\"" word "\"",
        EVENT_KINDS(K)
#undef K
    };
    const struct event_stream *stream = &control->events;
    walk_begin(visitor, METRIC_EVENTS);
    for (unsigned i = 0; i < EVENT_KIND_COUNT; i++)
        visitor->sample(visitor->context, "", kinds[i], (double)stream->emitted[i]);
    walk_begin(visitor, METRIC_EVENTS_LOST);
    for (unsigned i = 0; i < EVENT_LOSS_COUNT; i++)
        visitor->sample(visitor->context, "", losses[i], (double)stream->lost[i]);
    walk_one(visitor, METRIC_EVENTS_FAILED, (double)(stream->file.failures + stream->syslog.failures));
}
