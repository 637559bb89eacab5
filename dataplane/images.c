// SPDX-License-Identifier: BSD-3-Clause
#include "images.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "clock.h"
#include "dialog.h"
#include "log.h"
#include "memory_node.h"
#include "rundir.h"

#define HUGE_PAGE      ((size_t)2 << 20)
#define NAME_FORMAT    "dialogs.%llu.%u"
#define REFUSED_PREFIX "refused."
#define KEY            "state.dialogs"

static_assert(IMAGES_OLDER_MAX == DIALOG_IMAGES_MAX, "workers take over from all of them");

static bool has_records(const struct image *image)
{
    for (uint32_t i = 0; i < image->header->capacity; i++) {
        if (image->records[i].check != 0)
            return true;
    }
    return false;
}

// What can never be of use goes; the rest is put aside until the next start, for whoever starts the other
// release again or brings the keys back.
static void refuse_file(struct imagefile *file, enum image_fault fault)
{
    bool useless = fault == IMAGE_UNFINISHED || fault == IMAGE_OTHER_BOOT;
    char aside[PATH_MAX + IMAGEFILE_NAME_SIZE + sizeof("/" REFUSED_PREFIX)];

    log_event(useless ? LOG_INFO : LOG_ERROR, "dialogs_refused", "file=%s reason=\"%s\" %s",
              imagefile_path(file), image_fault_text(fault),
              useless ? "now=removed" : "now=\"put aside as " REFUSED_PREFIX "* until the next start\"");
    if (useless) {
        imagefile_remove(file);
        return;
    }
    snprintf(aside, sizeof(aside), "%s/" REFUSED_PREFIX "%s", file->directory, file->name);
    rename(imagefile_path(file), aside);
    imagefile_close(file);
}

// Returns 0 or -errno with fault.
static int take_older(struct images *images, struct imagefile *file, struct fault *fault)
{
    struct image *part = &images->parts[images->older_count];
    enum image_fault wrong;
    int result = imagefile_open(file);

    if (result == -EWOULDBLOCK) {
        imagefile_close(file);
        return fault_set(
            fault, EBUSY,
            "dialogs' file %s is in use by another dialgate-dataplane; stop it, or choose another "
            "directory with " KEY " or --state-directory",
            imagefile_path(file));
    }
    if (result < 0) {
        log_event(LOG_ERROR, "dialogs_refused", "file=%s reason=\"%s\" now=\"left as it is\"",
                  imagefile_path(file),
                  result == -EPERM ? "another user owns it or may read it" : strerror(-result));
        imagefile_close(file);
        return 0;
    }
    wrong = image_open(part, file->octets, file->size, &images->identity);
    if (wrong != IMAGE_FINE) {
        refuse_file(file, wrong);
        return 0;
    }
    // The workers' first look is at the records. A wish: without it they have page faults.
    madvise(file->octets, (size_t)(part->arena.octets - file->octets), MADV_POPULATE_WRITE);
    images->older[images->older_count++] = *file;
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const struct imagefile *left = a, *right = b;

    if (left->epoch != right->epoch)
        return left->epoch < right->epoch ? 1 : -1;
    return strcmp(left->name, right->name);
}

struct found {
    struct imagefile *files;
    size_t count;
};

// Whether a name is that of a file of ours, refused or not. Fills in name and epoch.
static bool read_name(const char *name, struct imagefile *file, bool *refused)
{
    const size_t prefix = sizeof(REFUSED_PREFIX) - 1, length = strlen(name);
    unsigned long long epoch;
    unsigned worker;
    int end = 0;

    *refused = strncmp(name, REFUSED_PREFIX, prefix) == 0;
    if (length >= sizeof(file->name))
        return false;
    memcpy(file->name, name, length + 1);
    if (*refused)
        name += prefix;
    if (sscanf(name, NAME_FORMAT "%n", &epoch, &worker, &end) != 2 || name[end] != '\0')
        return false;
    file->epoch = epoch;
    return true;
}

static int find_in(struct images *images, const char *directory, struct found *found)
{
    DIR *open = opendir(directory);
    const struct dirent *entry;
    int result = 0;

    if (open == NULL)
        return 0;
    while (result == 0 && (entry = readdir(open)) != NULL) {
        struct imagefile file = {.directory = directory, .fd = -1};
        struct imagefile *grown;
        bool refused;

        if (!read_name(entry->d_name, &file, &refused))
            continue;
        // The refused ones count too: their names are not given again.
        if (file.epoch >= images->identity.epoch)
            images->identity.epoch = file.epoch + 1;
        if (refused) {
            unlinkat(dirfd(open), entry->d_name, 0);
            continue;
        }
        grown = realloc(found->files, (found->count + 1) * sizeof(*found->files));
        result = grown == NULL ? -ENOMEM : 0;
        if (grown != NULL) {
            found->files = grown;
            found->files[found->count++] = file;
        }
    }
    closedir(open);
    return result;
}

static int read_boot_id(uint8_t boot_id[IMAGE_BOOT_ID])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    unsigned done = 0;

    if (file == NULL)
        return -errno;
    while (done < IMAGE_BOOT_ID) {
        unsigned octet;

        if (fscanf(file, "-%2x", &octet) != 1 && fscanf(file, "%2x", &octet) != 1)
            break;
        boot_id[done++] = (uint8_t)octet;
    }
    fclose(file);
    return done == IMAGE_BOOT_ID ? 0 : -EIO;
}

// Only now is known what is in them: those without a record go at once.
static void settle(struct images *images)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < images->older_count; i++)
        images->list[i] = &images->parts[i];
    image_settle(images->list, images->older_count);
    for (unsigned i = 0; i < images->older_count; i++) {
        if (!has_records(&images->parts[i])) {
            imagefile_remove(&images->older[i]);
            continue;
        }
        images->older[kept] = images->older[i];
        images->parts[kept++] = images->parts[i];
    }
    images->older_count = kept;
}

int images_open(struct images *images, const struct images_plan *plan, struct fault *fault)
{
    struct found found = {0};
    int result;

    *images = (struct images){.identity = {.workers = plan->workers, .epoch = 1, .key = plan->key}};
    imagedirs_find(&images->dirs, plan->configured, plan->state_directory);
    result = read_boot_id(images->identity.boot_id);
    if (result < 0)
        return fault_set(fault, -result, "/proc/sys/kernel/random/boot_id: %s; mount /proc",
                         strerror(-result));
    for (unsigned i = 0; i < images->dirs.count && result == 0; i++)
        result = find_in(images, images->dirs.dirs[i].path, &found);
    if (result < 0)
        result = fault_set(fault, -result, "dialogs' files: %s", strerror(-result));
    else if (found.count > 0)
        qsort(found.files, found.count, sizeof(*found.files), by_age);
    for (size_t i = 0; i < found.count && result == 0; i++) {
        if (images->older_count < IMAGES_OLDER_MAX)
            result = take_older(images, &found.files[i], fault);
        else
            log_event(LOG_ERROR, "dialogs_refused",
                      "file=%s reason=\"more than %u files\" now=\"left for the next start\"",
                      imagefile_path(&found.files[i]), IMAGES_OLDER_MAX);
    }
    free(found.files);
    if (result == 0)
        settle(images);
    return result;
}

// What earlier files take in this directory, and give back soon.
static uint64_t older_octets(const struct images *images, unsigned dir)
{
    uint64_t octets = 0;

    for (unsigned i = 0; i < images->older_count; i++)
        octets += images->older[i].directory == images->dirs.dirs[dir].path ? images->older[i].size : 0;
    return octets;
}

struct place {
    unsigned dir;
    size_t size; // of a file there
    bool huge;
};

// A directory with room for our files, and for the next process's beside them; once there is something to
// take over, without that. Returns 0 or -errno with fault.
static int choose(const struct images *images, unsigned workers, struct place *place, struct fault *fault)
{
    struct place second = {.size = 0};
    unsigned long long most = 0;
    uint64_t need = 0;
    const char *where = "";

    for (unsigned i = 0; i < images->dirs.count; i++) {
        const struct imagedir *dir = &images->dirs.dirs[i];
        struct imageroom room;
        size_t size;
        int result;

        if (!dir->usable)
            continue;
        result = imagedir_room(dir->path, &room);
        if (result < 0) {
            log_event(LOG_WARNING, "dialogs_directory", "directory=%s error=\"%s\"", dir->path,
                      strerror(-result));
            continue;
        }
        size = (images->layout.size + room.page - 1) / room.page * room.page;
        need = (uint64_t)size * workers;
        *place = (struct place){.dir = i, .size = size, .huge = room.huge};
        if (room.octets >= need && room.octets + older_octets(images, i) >= 2 * need)
            return 0;
        if (room.octets >= need && second.size == 0)
            second = *place;
        if (room.octets >= most) {
            most = room.octets;
            where = dir->path;
        }
    }
    if (need == 0)
        return fault_set(fault, ENOENT, "no directory for the dialogs' files; choose another with " KEY);
    if (second.size == 0 || images->older_count == 0)
        return fault_set(
            fault, ENOSPC,
            "dialogs of %u workers need %llu MB twice, since a restart reads the old files beside new "
            "ones; %s has %llu MB: make room, choose another directory with " KEY ", or lower "
            "dialogs.capacity or dialogs.arena",
            workers, (unsigned long long)(need >> 20), where, most >> 20);
    *place = second;
    log_event(LOG_WARNING, "dialogs_room_short",
              "directory=%s needs_mb=%llu to=\"be started again after this\"",
              images->dirs.dirs[place->dir].path, (unsigned long long)(need >> 20));
    return 0;
}

static int make_file(struct images *images, unsigned worker, const struct place *place, int node)
{
    struct imagefile *file = &images->own[images->count++];
    ssize_t present;

    *file = (struct imagefile){.directory = images->dirs.dirs[place->dir].path,
                               .epoch = images->identity.epoch,
                               .size = place->size,
                               .node = node};
    snprintf(file->name, sizeof(file->name), NAME_FORMAT, (unsigned long long)file->epoch, worker);
    present = imagefile_make(file, place->huge, images->layout.arena_offset);
    if (present < 0)
        return (int)present;
    if ((size_t)present < file->size)
        backing_add(&images->backing, file->octets + present, file->size - (size_t)present);
    images->identity.worker = worker;
    image_begin(file->octets, &images->layout, &images->identity, images->capacity);
    return 0;
}

int images_create(struct images *images, const struct images_plan *plan, struct fault *fault)
{
    size_t arena = (plan->arena_octets + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    const char *directory;
    struct place place = {.size = 0};
    int result;

    images->capacity = plan->capacity;
    images->layout = image_layout(plan->capacity, arena);
    result = choose(images, plan->workers, &place, fault);
    if (result < 0)
        return result;
    directory = images->dirs.dirs[place.dir].path;
    result = rundir_make(directory, 0700, KEY, fault);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < plan->workers; i++) {
        result = make_file(images, i, &place, plan->nodes == NULL ? MEMORY_NODE_NONE : plan->nodes[i]);
        if (result < 0)
            return fault_set(
                fault, -result,
                "dialogs' file of %zu MB in %s: %s; make room, choose another directory with " KEY
                ", or lower dialogs.capacity or dialogs.arena",
                place.size >> 20, directory, strerror(-result));
        images->takeovers[i] = (struct takeover){.images = images->list, .image_count = images->older_count};
    }
    result = imagedir_remember(directory, plan->state_directory);
    if (result < 0)
        return fault_set(fault, -result, "state directory %s: %s", plan->state_directory, strerror(-result));
    log_event(LOG_INFO, "dialogs_files", "directory=%s epoch=%llu files=%u mb=%zu pages=%s earlier=%u",
              directory, (unsigned long long)images->identity.epoch, images->count,
              images->count * (place.size >> 20), place.huge ? "huge" : "plain", images->older_count);
    images->begun_ms = clock_ms();
    return 0;
}

void images_wait(struct images *images)
{
    uint64_t taken = 0, damaged = 0, no_room = 0;

    for (unsigned i = 0; i < images->count; i++) {
        const struct takeover *takeover = &images->takeovers[i];

        while (!atomic_load(&takeover->begun))
            usleep(200);
        taken += takeover->taken;
        damaged += takeover->damaged;
        no_room += takeover->no_room;
    }
    if (images->older_count > 0)
        log_event(damaged + no_room > 0 ? LOG_WARNING : LOG_INFO, "dialogs_taken_over",
                  "dialogs=%llu damaged=%llu no_room=%llu files=%u took_ms=%llu", (unsigned long long)taken,
                  (unsigned long long)damaged, (unsigned long long)no_room, images->older_count,
                  (unsigned long long)(clock_ms() - images->begun_ms));
    backing_start(&images->backing);
}

void images_poll(struct images *images)
{
    if (images->older_count == 0)
        return;
    for (unsigned i = 0; i < images->count; i++) {
        if (!atomic_load(&images->takeovers[i].finished))
            return;
    }
    for (unsigned i = 0; i < images->older_count; i++)
        imagefile_remove(&images->older[i]);
    log_event(LOG_INFO, "dialogs_files_removed", "files=%u took_ms=%llu", images->older_count,
              (unsigned long long)(clock_ms() - images->begun_ms));
    images->older_count = 0;
}

void images_close(struct images *images)
{
    backing_stop(&images->backing);
    for (unsigned i = 0; i < images->older_count; i++)
        imagefile_close(&images->older[i]);
    images->older_count = 0;
    for (unsigned i = 0; i < images->count; i++) {
        struct imagefile *file = &images->own[i];
        struct image part;

        if (file->octets != NULL &&
            image_open(&part, file->octets, file->size, &images->identity) == IMAGE_FINE &&
            has_records(&part))
            imagefile_close(file);
        else
            imagefile_remove(file);
    }
    images->count = 0;
    explicit_bzero(&images->identity.key, sizeof(images->identity.key));
}
