// SPDX-License-Identifier: BSD-3-Clause
#include "imagedir.h"

#include <errno.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "store.h"

#define REMEMBERED   "dialogs.directory"
#define SHM          "/dev/shm"
#define SHM_DIALGATE SHM "/dialgate"
#define HUGE_PAGE    ((size_t)2 << 20)

static void add(struct imagedirs *dirs, const char *path, bool usable)
{
    struct imagedir *dir = &dirs->dirs[dirs->count];
    size_t length = strlen(path);

    for (unsigned i = 0; i < dirs->count; i++) {
        if (strcmp(dirs->dirs[i].path, path) == 0) {
            dirs->dirs[i].usable |= usable;
            return;
        }
    }
    if (dirs->count == IMAGEDIRS_MAX || length >= sizeof(dir->path))
        return;
    memcpy(dir->path, path, length + 1);
    dir->usable = usable;
    dirs->count++;
}

// What our directory among other instances' is called. FNV-1a, so that no two state directories share one.
static void instance_name(const char *state_directory, char *name, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;

    if (strncmp(state_directory, SHM_DIALGATE, strlen(SHM_DIALGATE)) == 0 &&
        strchr(state_directory + strlen(SHM "/"), '/') == NULL) {
        snprintf(name, size, "%s", state_directory + strlen(SHM "/"));
        return;
    }
    for (const char *c = state_directory; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    snprintf(name, size, "dialgate-%016llx", (unsigned long long)hash);
}

static void add_huge(struct imagedirs *dirs, const char *name, bool usable)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent *mount;
    char path[PATH_MAX];

    if (mounts == NULL)
        return;
    while ((mount = getmntent(mounts)) != NULL) {
        struct statfs status;

        if (strcmp(mount->mnt_type, "hugetlbfs") != 0 || access(mount->mnt_dir, W_OK | X_OK) < 0 ||
            statfs(mount->mnt_dir, &status) < 0 || (size_t)status.f_bsize != HUGE_PAGE ||
            snprintf(path, sizeof(path), "%s/%s", mount->mnt_dir, name) >= (int)sizeof(path))
            continue;
        add(dirs, path, usable);
    }
    endmntent(mounts);
}

static bool is_memory(const char *path)
{
    struct statfs status;

    return statfs(path, &status) == 0 &&
           (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC || status.f_type == HUGETLBFS_MAGIC);
}

static void add_remembered(struct imagedirs *dirs, const char *state_directory)
{
    void *octets = NULL;
    long size = store_read(state_directory, REMEMBERED, PATH_MAX - 1, &octets);
    char path[PATH_MAX];

    if (size <= 0)
        return;
    memcpy(path, octets, (size_t)size);
    path[size] = '\0';
    free(octets);
    if (path[0] == '/')
        add(dirs, path, false);
}

void imagedirs_find(struct imagedirs *dirs, const char *configured, const char *state_directory)
{
    bool chosen = configured[0] != '\0';
    char name[PATH_MAX], path[PATH_MAX + sizeof(SHM "/")];

    dirs->count = 0;
    instance_name(state_directory, name, sizeof(name));
    if (chosen)
        add(dirs, configured, true);
    add_huge(dirs, name, !chosen);
    if (is_memory(state_directory)) {
        add(dirs, state_directory, !chosen);
    } else {
        snprintf(path, sizeof(path), SHM "/%s", name);
        add(dirs, path, !chosen);
    }
    add_remembered(dirs, state_directory);
}

int imagedir_remember(const char *directory, const char *state_directory)
{
    return store_write(state_directory, REMEMBERED, directory, strlen(directory));
}

static uint64_t file_number(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned long long value = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu", &value) != 1)
        value = 0;
    fclose(file);
    return value;
}

// Pages of this size that nobody has and nobody was promised.
static uint64_t free_huge_octets(size_t page)
{
    char path[96];
    uint64_t idle, promised;

    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB/free_hugepages", page >> 10);
    idle = file_number(path);
    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB/resv_hugepages", page >> 10);
    promised = file_number(path);
    return idle > promised ? (idle - promised) * page : 0;
}

static uint64_t available_octets(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long long kilobytes = 0;
    char line[128];

    if (file == NULL)
        return 0;
    while (kilobytes == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "MemAvailable: %llu", &kilobytes) != 1)
            kilobytes = 0;
    }
    fclose(file);
    return kilobytes * 1024;
}

int imagedir_room(const char *directory, struct imageroom *room)
{
    char above[PATH_MAX];
    struct statfs status;
    uint64_t memory;

    if (statfs(directory, &status) < 0) {
        char *slash;

        if (errno != ENOENT)
            return -errno;
        snprintf(above, sizeof(above), "%s", directory);
        slash = strrchr(above, '/');
        if (slash == NULL)
            return -EINVAL;
        slash[slash == above ? 1 : 0] = '\0';
        if (statfs(above, &status) < 0)
            return -errno;
    }
    *room = (struct imageroom){.page = (size_t)status.f_bsize, .huge = status.f_type == HUGETLBFS_MAGIC};
    memory = room->huge ? free_huge_octets(room->page) : available_octets();
    room->octets = (uint64_t)status.f_bavail * (uint64_t)status.f_bsize;
    // A mount without a limit of its own says 0 blocks.
    if (status.f_blocks == 0 || room->octets > memory)
        room->octets = memory;
    return 0;
}
