// SPDX-License-Identifier: BSD-3-Clause
#include "hosts_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/replace.h"
#include "config/value.h"

#define FIRST_LINE "dialgate-hosts 1\n"
#define LINE_SIZE  256

static bool read_host(struct hosts *hosts, const char *line)
{
    struct host *host = &hosts->rows[hosts->count];
    int rest = 0;
    if (hosts->count == MEMBERS_MAX ||
        sscanf(line, "host %107s %" SCNd64 "%n", host->name, &host->resolved, &rest) != 2 ||
        strcmp(line + rest, "\n") != 0 || host->resolved < 0)
        return false;
    // Sorted as it was written: each name once.
    if (hosts->count > 0 && strcmp(hosts->rows[hosts->count - 1].name, host->name) >= 0)
        return false;
    hosts->count++;
    return true;
}

static bool read_address(struct hosts *hosts, const char *line)
{
    struct host *host = hosts->count ? &hosts->rows[hosts->count - 1] : NULL;
    struct host_address row;
    struct key_endpoint at;
    char text[VALUE_PREFIX_SIZE];
    unsigned rank, share;
    int rest = 0;
    static_assert(VALUE_PREFIX_SIZE == 56, "what is read of it below");
    if (!host || host->count == HOST_ADDRESSES_MAX ||
        sscanf(line, "address %55s %5u %5u%n", text, &rank, &share, &rest) != 3 ||
        strcmp(line + rest, "\n") != 0 || value_parse_endpoint(text, &at) < 0 || rank >= HOST_ADDRESSES_MAX ||
        share == 0 || share > 100)
        return false;
    row.address = at.address;
    row.port = at.port;
    row.rank = (uint16_t)rank;
    row.share = (uint16_t)share;
    host->addresses[host->count++] = row;
    return true;
}

// Returns the number of the first bad line, 0 when the whole file was read.
static unsigned read_lines(struct hosts *hosts, FILE *file)
{
    char line[LINE_SIZE];
    unsigned entries = 0, told = 0, number = 1;
    for (; fgets(line, sizeof(line), file); number++) {
        bool good;
        int rest = 0;
        if (number == 1)
            good = strcmp(line, FIRST_LINE) == 0;
        else if (sscanf(line, "end %7u%n", &told, &rest) == 1)
            return told == entries && strcmp(line + rest, "\n") == 0 && fgetc(file) == EOF ? 0 : number;
        else
            good = strncmp(line, "host ", 5) == 0 ? read_host(hosts, line) : read_address(hosts, line);
        if (!good)
            return number;
        entries += number > 1;
    }
    return number;
}

int hosts_load(const char *directory, struct hosts *hosts, char *error, size_t size)
{
    char path[PATH_MAX];
    unsigned bad = 0;
    snprintf(path, sizeof(path), "%s/hosts", directory);
    *hosts = (struct hosts){calloc(MEMBERS_MAX + 1, sizeof(*hosts->rows)), 0};
    if (!hosts->rows) {
        snprintf(error, size, "%s: no memory", path);
        return -ENOMEM;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    int result = file || errno == ENOENT ? 0 : -errno;
    if (file)
        bad = read_lines(hosts, file);
    if (result < 0)
        snprintf(error, size, "%s: cannot be read: %s", path, strerror(-result));
    if (bad)
        snprintf(error, size, "%s:%u: is damaged; the hosts are resolved anew", path, bad);
    if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    if (result == 0 && !bad)
        return 0;
    free(hosts->rows);
    *hosts = (struct hosts){0};
    return result ? result : -EBADMSG;
}

static void write_lines(const void *content, FILE *file)
{
    const struct hosts *hosts = content;
    unsigned entries = 0;
    fputs(FIRST_LINE, file);
    for (size_t i = 0; i < hosts->count; i++) {
        const struct host *host = &hosts->rows[i];
        if (host->count == 0)
            continue;
        fprintf(file, "host %s %" PRId64 "\n", host->name, host->resolved);
        for (uint32_t a = 0; a < host->count; a++) {
            const struct host_address *row = &host->addresses[a];
            char place[VALUE_PREFIX_SIZE];
            fprintf(file, "address %s %u %u\n",
                    value_endpoint(&row->address, row->port, place, sizeof(place)), row->rank, row->share);
        }
        entries += 1 + host->count;
    }
    fprintf(file, "end %u\n", entries);
}

int hosts_save(const char *directory, const struct hosts *hosts, char *error, size_t size)
{
    int result = replace_file(directory, "hosts", write_lines, hosts);
    if (result < 0)
        snprintf(error, size, "%s/hosts: cannot be written: %s", directory, strerror(-result));
    return result;
}
