// SPDX-License-Identifier: BSD-3-Clause
#include "record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "write_all.h"

#define TURNED_MAX 100u // of one second

void record_file_init(struct record_file *file)
{
    *file = (struct record_file){.fd = -1};
}

void record_file_close(struct record_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->unsynced = false;
}

static int append(struct record_file *file, const char *octets, size_t length)
{
    int result = write_all(file->fd, octets, length);
    if (result == 0)
        file->size += length;
    else if (ftruncate(file->fd, (off_t)file->size) < 0)
        record_file_close(file); // when it is opened again it gets a line end
    return result;
}

// The next multiple of the interval, so that files begin at full hours.
static uint64_t next_turn(uint64_t interval_ms)
{
    uint64_t interval = interval_ms / 1000, now = (uint64_t)time(NULL);
    return interval == 0 ? 0 : (now / interval + 1) * interval;
}

static int begin(struct record_file *file, const struct record_settings *settings)
{
    char last = '\n';
    if (file->size > 0 && pread(file->fd, &last, 1, (off_t)file->size - 1) == 1 && last != '\n')
        return append(file, "\n", 1);
    if (file->size == 0 && settings->format == RECORD_CSV)
        return append(file, RECORD_CSV_HEADER, strlen(RECORD_CSV_HEADER));
    return 0;
}

// O_NONBLOCK: a FIFO that nobody reads must not hold the daemon up.
int record_file_open(struct record_file *file, const struct record_settings *settings)
{
    struct stat status;
    if (file->fd >= 0 && strcmp(file->path, settings->path) == 0)
        return 0;
    record_file_close(file);
    snprintf(file->path, sizeof(file->path), "%s", settings->path);
    file->fd = open(file->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
    if (file->fd < 0)
        return -errno;
    int result = fstat(file->fd, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -EINVAL;
    if (result == 0) {
        file->size = (uint64_t)status.st_size;
        file->turns_at = next_turn(settings->rotate_interval);
        result = begin(file, settings);
    }
    if (result < 0)
        record_file_close(file);
    return result;
}

static int turn(struct record_file *file, const struct record_settings *settings)
{
    char stamp[32], path[sizeof(file->path) + 48];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
    snprintf(path, sizeof(path), "%s.%s", file->path, stamp);
    for (unsigned i = 1; access(path, F_OK) == 0; i++) {
        if (i == TURNED_MAX)
            return 0; // in the next second
        snprintf(path, sizeof(path), "%s.%s-%u", file->path, stamp, i);
    }
    if (rename(file->path, path) < 0 && errno != ENOENT)
        return -errno;
    record_file_close(file);
    return record_file_open(file, settings);
}

static bool is_due(const struct record_file *file, const struct record_settings *settings, size_t more)
{
    size_t header = settings->format == RECORD_CSV ? strlen(RECORD_CSV_HEADER) : 0;
    bool full =
        settings->rotate_size != 0 && file->size > header && file->size + more > settings->rotate_size;
    bool old =
        settings->rotate_interval != 0 && file->turns_at != 0 && (uint64_t)time(NULL) >= file->turns_at;
    return full || (old && file->size > header);
}

int record_file_append(struct record_file *file, const struct record_settings *settings, const char *lines,
                       size_t length)
{
    int result = record_file_open(file, settings);
    if (result == 0 && is_due(file, settings, length))
        result = turn(file, settings);
    if (result == 0)
        result = append(file, lines, length);
    if (result < 0)
        return result;
    file->unsynced = true;
    if (settings->sync != RECORD_SYNC_ALWAYS)
        return 0;
    file->unsynced = false;
    return fdatasync(file->fd) < 0 ? -EIO : 0;
}

int record_file_tick(struct record_file *file, const struct record_settings *settings)
{
    int result = record_file_open(file, settings);
    if (result == 0 && is_due(file, settings, 0))
        result = turn(file, settings);
    if (result == 0 && file->unsynced && settings->sync == RECORD_SYNC_SECOND) {
        file->unsynced = false;
        result = fdatasync(file->fd) < 0 ? -EIO : 0;
    }
    return result;
}
