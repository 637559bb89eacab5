// SPDX-License-Identifier: BSD-3-Clause
#include "capture_write.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "write_all.h"

#define BUFFER_OCTETS (256u << 10)
#define SUFFIX        ".pcapng"
_Static_assert(BUFFER_OCTETS >= PCAPNG_PACKET_MAX && BUFFER_OCTETS >= PCAPNG_HEAD_MAX, "one block");

void capture_writer_init(struct capture_writer *writer)
{
    *writer = (struct capture_writer){.fd = -1};
}

static void forget(struct capture_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->buffer);
    writer->fd = -1;
    writer->buffer = NULL;
    writer->used = 0;
}

int capture_writer_flush(struct capture_writer *writer)
{
    int result = write_all(writer->fd, writer->buffer, writer->used);
    if (result == 0) {
        writer->size += writer->used;
    } else {
        writer->messages -= writer->waiting;
        if (ftruncate(writer->fd, (off_t)writer->size) < 0) // or it would end within a block
            result = -errno;
    }
    writer->used = 0;
    writer->waiting = 0;
    return result;
}

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= 128 && name[0] != '.' && strspn(name, allowed) == length;
}

static bool has_suffix(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

// Messages are private: who may not capture must not read the file either. The daemon's own group is that of
// everybody who may connect, hence the change of both or none.
static void give_to_group(int fd, const char *name)
{
    const struct group *group = name[0] ? getgrnam(name) : NULL;
    if (group && fchown(fd, (uid_t)-1, group->gr_gid) == 0)
        fchmod(fd, 0640);
}

static int make(struct capture_writer *writer, const struct capture_place *place, char *error, size_t size)
{
    if (!is_name(place->name)) {
        snprintf(error, size,
                 "a file's name has letters, digits, '.', '-', '_' alone, and no '.' first: it is made in %s",
                 place->directory);
        return -EINVAL;
    }
    int length = snprintf(writer->path, sizeof(writer->path), "%s/%s%s", place->directory, place->name,
                          has_suffix(place->name) ? "" : SUFFIX);
    if (length >= (int)sizeof(writer->path))
        return -ENAMETOOLONG;
    if (mkdir(place->directory, 0750) < 0 && errno != EEXIST) {
        int result = -errno;
        snprintf(error, size, "%s cannot be made: %s; see capture.directory", place->directory,
                 strerror(errno));
        return result;
    }
    writer->fd = open(writer->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result = writer->fd < 0 ? -errno : 0;
    if (result == -EEXIST)
        snprintf(error, size, "%s is there already; give another name, or none", writer->path);
    else if (result < 0)
        snprintf(error, size, "%s cannot be made: %s", writer->path, strerror(-result));
    else
        give_to_group(writer->fd, place->group);
    return result;
}

int capture_writer_open(struct capture_writer *writer, const struct capture_place *place,
                        const struct pcapng_section *section, char *error, size_t size)
{
    capture_writer_init(writer);
    writer->limit = place->limit;
    writer->buffer = malloc(BUFFER_OCTETS);
    int result = -ENOMEM;
    snprintf(error, size, "%s", strerror(ENOMEM));
    if (writer->buffer)
        result = make(writer, place, error, size);
    if (result == 0) {
        writer->used = pcapng_head(section, writer->buffer);
        result = capture_writer_flush(writer);
        if (result < 0) {
            snprintf(error, size, "%s cannot be written: %s", writer->path, strerror(-result));
            capture_writer_remove(writer);
        }
    }
    if (result < 0)
        forget(writer);
    return result;
}

int capture_writer_add(struct capture_writer *writer, const struct capture_packet *packet)
{
    if (BUFFER_OCTETS - writer->used < PCAPNG_PACKET_MAX) {
        int result = capture_writer_flush(writer);
        if (result < 0)
            return result;
    }
    size_t octets = pcapng_packet(packet, writer->buffer + writer->used);
    if (writer->size + writer->used + octets + PCAPNG_STATISTICS_MAX > writer->limit)
        return -E2BIG;
    writer->used += octets;
    writer->waiting++;
    writer->messages++;
    return 0;
}

int capture_writer_close(struct capture_writer *writer, const struct pcapng_statistics *statistics)
{
    int result = capture_writer_flush(writer);
    if (result == 0 && statistics) {
        writer->used = pcapng_statistics(statistics, writer->buffer);
        result = capture_writer_flush(writer);
    }
    forget(writer);
    return result;
}

void capture_writer_remove(struct capture_writer *writer)
{
    if (writer->fd >= 0)
        unlink(writer->path);
    forget(writer);
}
