// SPDX-License-Identifier: BSD-3-Clause
#include "xdp_record.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_SIZE PATH_MAX

static int record_path(char path[PATH_SIZE], const char *run_directory, const char *interface)
{
    int length = snprintf(path, PATH_SIZE, "%s/xdp-%s", run_directory, interface);

    return length < 0 || (unsigned)length >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

uint32_t xdp_record_read(const char *run_directory, const char *interface)
{
    char path[PATH_SIZE];
    unsigned id = 0;

    if (record_path(path, run_directory, interface))
        return 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%u", &id) != 1)
        id = 0;
    fclose(file);
    return id;
}

int xdp_record_write(const char *run_directory, const char *interface, uint32_t id)
{
    char path[PATH_SIZE], fresh[PATH_SIZE + 4];
    int result = record_path(path, run_directory, interface);

    if (result)
        return result;
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "we");
    if (!file)
        return -errno;
    // Renamed when whole: half a record would make our own program a stranger's at the next start.
    bool written = fprintf(file, "%u\n", id) > 0;
    if (fclose(file) || !written)
        result = -EIO;
    else if (rename(fresh, path))
        result = -errno;
    if (result)
        unlink(fresh);
    return result;
}

void xdp_record_remove(const char *run_directory, const char *interface)
{
    char path[PATH_SIZE];

    if (record_path(path, run_directory, interface) == 0)
        unlink(path);
}
