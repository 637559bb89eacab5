// SPDX-License-Identifier: BSD-3-Clause
#include "event_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "control.h"
#include "event.h"
#include "log.h"

#define BATCH_SIZE  (64u << 10) // octets a write
#define SYSLOG_PATH "/dev/log"
#define SYSLOG_SIZE 8192u // a longer event does not fit what syslog daemons take

// Lines of one write, and where the writer stands behind them.
struct batch {
    char text[BATCH_SIZE];
    size_t used;
    uint64_t next;
    uint64_t lost;
};

static bool wanted(const struct event_kept *kept, bool dialogs)
{
    return dialogs || kept->kind != EVENT_KIND_DIALOG;
}

static void add(struct batch *batch, const char *text, size_t length)
{
    memcpy(batch->text + batch->used, text, length);
    batch->used += length;
    batch->text[batch->used++] = '\n';
}

// Numbers from batch->next on that are not kept, told in a line.
static void add_lost(const struct event_stream *stream, struct batch *batch)
{
    char loss[EVENT_LOSS_SIZE], line[EVENT_LOSS_SIZE + 16];
    uint64_t first = batch->next;
    batch->next = event_ring_next(&stream->ring, batch->next);
    if (batch->next == first)
        return;
    batch->lost += batch->next - first;
    int length =
        snprintf(line, sizeof(line), "{\"lost\":{%s}}", events_loss(stream, first, batch->next - 1, loss));
    add(batch, line, (size_t)length);
}

static void gather(const struct event_stream *stream, struct batch *batch, bool dialogs)
{
    while (batch->next <= stream->ring.last && batch->used < BATCH_SIZE / 2) {
        const struct event_kept *kept = event_ring_at(&stream->ring, batch->next);
        if (!kept) {
            add_lost(stream, batch);
            continue;
        }
        bool fits = kept->length < BATCH_SIZE - batch->used;
        if (wanted(kept, dialogs) && fits)
            add(batch, kept->line, kept->length);
        batch->lost += !fits;
        batch->next++;
    }
}

void event_file_init(struct event_writer *writer)
{
    *writer = (struct event_writer){.next = 1};
    record_file_init(&writer->file);
}

void event_file_close(struct event_writer *writer)
{
    record_file_close(&writer->file);
}

static bool may_try(const struct event_writer *writer)
{
    return !writer->failing || clock_ms() / 1000 >= writer->retry_s;
}

static void note(struct event_writer *writer, const char *what, const char *path, int result)
{
    if (result < 0) {
        writer->failures++;
        writer->retry_s = clock_ms() / 1000 + 1;
        if (!writer->failing)
            log_event(LEVEL_ERROR, "events_not_written", "to=%s path=\"%s\" reason=\"%s\"", what, path,
                      result == -EINVAL ? "is no plain file" : strerror(-result));
    } else if (writer->failing) {
        log_event(LEVEL_INFO, "events_written_again", "to=%s path=\"%s\"", what, path);
    }
    writer->failing = result < 0;
}

// Switched on by a reload it begins with what comes then.
static bool is_on(const struct control *control, struct event_writer *writer, bool on)
{
    if (!on)
        writer->next = control->events.ring.last + 1;
    return on;
}

void event_file_write(struct control *control, struct event_writer *writer)
{
    static struct batch batch; // one thread
    const struct config_events_view view = config_events_view(control->active.config);
    const struct record_settings settings = {
        .path = view.file, .format = RECORD_JSON, .sync = RECORD_SYNC_NEVER};
    if (!is_on(control, writer, view.file[0] != '\0') || !may_try(writer))
        return;
    int result = record_file_open(&writer->file, &settings);
    while (result == 0 && writer->next <= control->events.ring.last) {
        batch.used = batch.lost = 0;
        batch.next = writer->next;
        gather(&control->events, &batch, view.file_dialogs);
        if (batch.used > 0)
            result = record_file_append(&writer->file, &settings, batch.text, batch.used);
        if (result == 0) {
            writer->next = batch.next;
            control->events.lost[EVENT_LOSS_FILE] += batch.lost;
        }
    }
    note(writer, "file", view.file, result);
}

void event_syslog_init(struct event_writer *writer)
{
    *writer = (struct event_writer){.next = 1, .socket = -1, .path = SYSLOG_PATH};
}

void event_syslog_close(struct event_writer *writer)
{
    if (writer->socket >= 0)
        close(writer->socket);
    writer->socket = -1;
}

static int connect_syslog(struct event_writer *writer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (writer->socket >= 0)
        return 0;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", writer->path);
    writer->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (writer->socket >= 0 &&
        connect(writer->socket, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    int result = -errno;
    event_syslog_close(writer);
    return result;
}

// In the form that syslog(3) writes, and syslog daemons and the journal read there; RFC 5424's is not known
// to all of them. syslog(3) itself would wait for a full socket.
static int send_syslog(const struct event_writer *writer, const char *line, size_t length)
{
    char text[SYSLOG_SIZE], stamp[24];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &local);
    int used = snprintf(text, sizeof(text), "<%d>%s dialgate-control[%d]: ", LOG_DAEMON | LOG_INFO, stamp,
                        (int)getpid());
    if (length >= sizeof(text) - (size_t)used)
        return -EMSGSIZE;
    memcpy(text + used, line, length);
    return send(writer->socket, text, (size_t)used + length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

// One event, or one loss. Returns 0 or -errno, and nothing has moved then.
static int step_syslog(struct control *control, struct event_writer *writer)
{
    struct event_stream *stream = &control->events;
    const struct event_kept *kept = event_ring_at(&stream->ring, writer->next);
    if (kept) {
        int result = wanted(kept, false) ? send_syslog(writer, kept->line, kept->length) : 0;
        if (result == -EMSGSIZE)
            stream->lost[EVENT_LOSS_SYSLOG]++;
        if (result == 0 || result == -EMSGSIZE)
            writer->next++;
        return result == -EMSGSIZE ? 0 : result;
    }
    static struct batch batch;
    batch.used = batch.lost = 0;
    batch.next = writer->next;
    add_lost(stream, &batch);
    int result = send_syslog(writer, batch.text, batch.used - 1);
    if (result < 0)
        return result;
    writer->next = batch.next;
    stream->lost[EVENT_LOSS_SYSLOG] += batch.lost;
    return 0;
}

void event_syslog_write(struct control *control, struct event_writer *writer)
{
    const struct config_events_view view = config_events_view(control->active.config);
    if (!is_on(control, writer, view.syslog)) {
        event_syslog_close(writer);
        return;
    }
    if (writer->next > control->events.ring.last || !may_try(writer))
        return;
    int result = connect_syslog(writer);
    while (result == 0 && writer->next <= control->events.ring.last)
        result = step_syslog(control, writer);
    if (result < 0 && result != -EAGAIN)
        event_syslog_close(writer);
    note(writer, "syslog", writer->path, result);
}
