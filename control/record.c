// SPDX-License-Identifier: BSD-3-Clause
#include "record.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "control.h"
#include "dialgate/counters.h"
#include "metrics_walk.h"
#include "rpc/text.h"

#define MARKS_NAME  "calls.kept"
#define MARKS_MAGIC 0x74706b6c6c616367ull

struct record_marks {
    uint64_t magic;
    uint64_t instance;           // of the data plane's file; another one counts anew
    uint64_t done[WORKERS_MAX];  // written
    uint64_t begun[WORKERS_MAX]; // perhaps written
    uint64_t lost[WORKERS_MAX];  // told by the data plane, as far as it was counted here
};
static_assert(sizeof(((struct record_keeper *)0)->waiting) == WORKERS_MAX * sizeof(uint64_t), "by worker");

static struct record_settings settings_of(const struct control *control)
{
    struct config_records_view view = config_records_view(control->active.config);
    return (struct record_settings){.path = view.file,
                                    .format = view.format,
                                    .sync = view.sync,
                                    .rotate_size = view.rotate_size,
                                    .rotate_interval = view.rotate_interval};
}

static void fail(struct control *control, int error)
{
    struct record_keeper *keeper = &control->records;
    keeper->counts.failures++;
    if (!keeper->failing)
        log_event(LEVEL_ERROR, "records_not_written", "path=\"%s\" reason=\"%s\"", keeper->file.path,
                  error == -EINVAL ? "is no plain file" : strerror(-error));
    keeper->blocked = true;
    keeper->failing = true;
}

static void tell(struct control *control, uint32_t worker, bool again)
{
    const struct record_marks *marks = control->records.marks;
    struct channel_records_done done = {
        .instance = marks->instance, .sequence = marks->done[worker], .worker = worker, .again = again};
    // What is not told now is told with the next records: the number covers all before it.
    if (channel_ready(control->channel) && channel_tell(control->channel, CHANNEL_RECORDS_DONE, &done) < 0)
        control->records.blocked = true;
}

// Before the first record. Returns 0 or -errno.
static int map_marks(struct control *control)
{
    char path[PATH_MAX];
    if (control->records.marks)
        return 0;
    if (snprintf(path, sizeof(path), "%s/" MARKS_NAME, control->state_directory) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    // Reserved: a page that is not there would kill us when it is written.
    int result = -posix_fallocate(fd, 0, sizeof(struct record_marks));
    struct record_marks *marks = MAP_FAILED;
    if (result == 0)
        marks = mmap(NULL, sizeof(*marks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (result == 0 && marks == MAP_FAILED)
        result = -errno;
    close(fd);
    if (result < 0)
        return result;
    if (marks->magic != MARKS_MAGIC)
        *marks = (struct record_marks){.magic = MARKS_MAGIC};
    control->records.marks = marks;
    return 0;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    struct record_keeper *keeper = &control->records;
    struct record_settings settings = settings_of(control);
    int result = settings.path[0] ? record_file_tick(&keeper->file, &settings) : 0;
    if (result == 0 && keeper->blocked)
        result = map_marks(control);
    if (result < 0)
        fail(control, result);
    if (result < 0 || !keeper->blocked)
        return;
    keeper->blocked = false; // until the next write says otherwise
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        tell(control, i, true);
}

int record_start(struct control *control)
{
    static const struct timeval second = {1, 0};
    struct record_keeper *keeper = &control->records;
    record_file_init(&keeper->file);
    keeper->tick = event_new(control->base, -1, EV_PERSIST, on_tick, control);
    if (!keeper->tick || event_add(keeper->tick, &second) < 0)
        return -ENOMEM;
    struct record_settings settings = settings_of(control);
    int result = settings.path[0] ? record_file_open(&keeper->file, &settings) : 0;
    if (result < 0)
        fail(control, result);
    return 0;
}

void record_stop(struct control *control)
{
    struct record_keeper *keeper = &control->records;
    if (keeper->tick) {
        event_free(keeper->tick);
        record_file_close(&keeper->file);
    }
    if (keeper->marks)
        munmap(keeper->marks, sizeof(*keeper->marks));
    keeper->tick = NULL;
    keeper->marks = NULL;
}

void record_reopen(struct control *control)
{
    record_file_close(&control->records.file);
}

static void count_lost(struct control *control, uint32_t worker, uint64_t lost)
{
    struct record_keeper *keeper = &control->records;
    if (lost == 0)
        return;
    keeper->counts.lost += lost;
    if (log_allowed(&keeper->lost_limit))
        log_event(LEVEL_WARNING, "records_lost", "worker=%" PRIu32 " count=%" PRIu64 " total=%" PRIu64,
                  worker, lost, keeper->counts.lost);
}

static char *line_of(struct control *control, const struct channel_records *records,
                     const struct channel_record *record, size_t *length)
{
    struct ip_address address;
    uint16_t port;
    char member[ADDRESS_TEXT_SIZE] = "-";
    if (record->callee_member < MEMBERS_MAX &&
        manifest_member_name(control->manifest, record->callee_member, NULL, &address, &port) >= 0)
        text_address(&address, port, member);
    const struct record_names names = {
        .caller_peer = control_peer_name(control, record->caller_peer),
        .callee_peer = control_peer_name(control, record->callee_peer),
        .member = member,
        .instance = records->instance,
        .worker = records->worker,
        .repeated = record->sequence <= control->records.marks->begun[records->worker],
    };
    return record_line(record, &names, settings_of(control).format, length);
}

// The lines of what is new in the message, in one text.
struct batch {
    char *lines;
    size_t length;
    uint64_t last; // sequence
    uint64_t count;
    uint64_t missing;
};

static int gather(struct control *control, const struct channel_records *records, struct batch *batch)
{
    const struct record_marks *marks = control->records.marks;
    const struct channel_record *record = (const void *)(records + 1);
    FILE *out = open_memstream(&batch->lines, &batch->length);
    int result = out ? 0 : -ENOMEM;
    batch->last = marks->done[records->worker];
    for (uint32_t i = 0; result == 0 && i < records->count;
         i++, record = (const void *)((const char *)record + record->size)) {
        size_t length;
        if (record->sequence <= batch->last)
            continue; // it was sent before what we said of it arrived
        char *line = line_of(control, records, record, &length);
        if (!line || fwrite(line, 1, length, out) != length)
            result = -ENOMEM;
        free(line);
        batch->missing += record->sequence - batch->last - 1;
        batch->last = record->sequence;
        batch->count++;
    }
    if (out && fclose(out) != 0 && result == 0)
        result = -ENOMEM;
    return result;
}

static void keep(struct control *control, uint32_t worker, const struct batch *batch)
{
    struct record_keeper *keeper = &control->records;
    struct record_marks *marks = keeper->marks;
    struct record_settings settings = settings_of(control);
    uint64_t begun = marks->begun[worker];
    // A kill comes between two of these stores, not within one; the kernel keeps the page.
    __atomic_store_n(&marks->begun[worker], batch->last > begun ? batch->last : begun, __ATOMIC_SEQ_CST);
    int result = record_file_append(&keeper->file, &settings, batch->lines, batch->length);
    if (result < 0) {
        if (result != -EIO)
            __atomic_store_n(&marks->begun[worker], begun, __ATOMIC_SEQ_CST);
        fail(control, result);
        return;
    }
    __atomic_store_n(&marks->done[worker], batch->last, __ATOMIC_SEQ_CST);
    if (keeper->failing)
        log_event(LEVEL_INFO, "records_written_again", "path=\"%s\"", keeper->file.path);
    keeper->failing = false;
    keeper->counts.written += batch->count;
    keeper->counts.octets += batch->length;
    count_lost(control, worker, batch->missing);
    tell(control, worker, false);
}

void record_take(struct control *control, const struct channel_records *records)
{
    struct record_keeper *keeper = &control->records;
    const struct channel_record *first = (const void *)(records + 1);
    struct batch batch = {0};
    uint32_t worker = records->worker;
    int result = map_marks(control);
    if (result < 0) {
        fail(control, result);
        return;
    }
    struct record_marks *marks = keeper->marks;
    if (marks->instance != records->instance)
        *marks = (struct record_marks){.magic = MARKS_MAGIC, .instance = records->instance};
    if (marks->done[worker] == 0) // whoever came before us has what is before it
        marks->done[worker] = first->sequence - 1;
    keeper->counts.waiting += records->waiting - keeper->waiting[worker];
    keeper->waiting[worker] = records->waiting;
    if (records->lost > marks->lost[worker])
        count_lost(control, worker, records->lost - marks->lost[worker]);
    marks->lost[worker] = records->lost;
    if (keeper->blocked)
        return; // the next tick asks for them again
    result = gather(control, records, &batch);
    if (result < 0) {
        fail(control, result);
    } else if (settings_of(control).path[0]) {
        keep(control, worker, &batch);
    } else { // records were switched off while these were on their way
        marks->done[worker] = batch.last;
        count_lost(control, worker, batch.count);
        tell(control, worker, false);
    }
    free(batch.lines);
}

void record_walk(const struct control *control, const struct metrics_visitor *visitor)
{
    const struct record_counts *counts = &control->records.counts;
    walk_one(visitor, METRIC_RECORDS_WRITTEN, (double)counts->written);
    walk_one(visitor, METRIC_RECORDS_OCTETS, (double)counts->octets);
    walk_one(visitor, METRIC_RECORDS_LOST, (double)counts->lost);
    walk_one(visitor, METRIC_RECORDS_FAILED, (double)counts->failures);
    walk_one(visitor, METRIC_RECORDS_WAITING, (double)counts->waiting);
}
