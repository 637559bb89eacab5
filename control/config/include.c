// SPDX-License-Identifier: BSD-3-Clause
#include "include.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"

#define KEY "include"

struct include {
    struct places *places;
    struct {
        dev_t device;
        ino_t inode;
    } seen[PLACE_FILES_MAX];
    size_t octets; // of included files
};

char *include_read(int fd, size_t most, size_t *length)
{
    size_t room = 1u << 14;
    char *text = malloc(room);
    *length = 0;
    while (text) {
        ssize_t octets = read(fd, text + *length, room - *length);
        if (octets < 0 && errno == EINTR)
            continue;
        if (octets == 0)
            return text;
        if (octets < 0)
            break;
        *length += (size_t)octets;
        if (*length > most) {
            errno = EFBIG;
            break;
        }
        char *larger = *length == room ? realloc(text, room *= 2) : text;
        if (!larger)
            break;
        text = larger;
    }
    int reason = errno;
    free(text);
    errno = reason;
    return NULL;
}

int include_refuse(struct places *places)
{
    if (strcmp(places_find(places, KEY)->path, KEY) != 0)
        return 0;
    return places_refuse_key(places, KEY, "only a file can include others");
}

// FILE as it is opened: from the directory of the file that names it.
static int resolve(const struct places *places, const struct place *row, char path[PATH_MAX])
{
    const char *outer = places_file(places, row->file), *slash = strrchr(outer, '/');
    bool absolute = row->value[0] == '/';
    int length = snprintf(path, PATH_MAX, "%.*s%s", absolute || !slash ? 0 : (int)(slash - outer + 1), outer,
                          row->value);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

// Opens path, which must be a file that was not read yet; its number among the files is next.
static int open_file(struct include *include, const char *path, const char **why)
{
    struct stat status = {0};
    unsigned next = include->places->file_count;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); // a FIFO would hold us up
    *why = fd < 0 || fstat(fd, &status) < 0 ? strerror(errno) : NULL;
    if (!*why && !S_ISREG(status.st_mode))
        *why = "it is not a file";
    for (unsigned i = 0; !*why && i < next; i++)
        if (include->seen[i].device == status.st_dev && include->seen[i].inode == status.st_ino)
            *why = "it is part of this configuration already";
    if (!*why) {
        include->seen[next].device = status.st_dev;
        include->seen[next].inode = status.st_ino;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static int read_one(struct include *include, const char *entry, const char *path)
{
    const char *why = NULL;
    size_t length = 0;
    int fd = open_file(include, path, &why);
    char *text = fd < 0 ? NULL : include_read(fd, CONFIG_FILE_SIZE_MAX - include->octets, &length);
    if (fd >= 0 && !text)
        why = strerror(errno);
    if (fd >= 0)
        close(fd);
    if (!text)
        return places_refuse(include->places, entry, "%s cannot be included: %s", path, why);
    include->octets += length;
    int result = places_add(include->places, path, text, length);
    free(text);
    return result;
}

static int read_included(struct include *include, unsigned file, unsigned depth);

// path, and what that includes.
static int read_path(struct include *include, const char *entry, const char *path, unsigned depth)
{
    struct places *places = include->places;
    unsigned number = places->file_count;
    if (depth > INCLUDE_DEPTH_MAX)
        return places_refuse(places, entry, "is included too deep; at most %u files within each other",
                             INCLUDE_DEPTH_MAX);
    if (number == PLACE_FILES_MAX)
        return places_refuse(places, entry, "is one file too many; at most %u", PLACE_FILES_MAX);
    int result = read_one(include, entry, path);
    return result < 0 ? result : read_included(include, number, depth + 1);
}

struct matches {
    char *names[PLACE_FILES_MAX];
    size_t count;
};

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// The files of a directory whose names match, in the order of their octets: glob(3) sorts by the locale,
// which is not the same everywhere. Returns 0 or an errno.
static int find_matches(const char *directory, const char *pattern, struct matches *matches)
{
    DIR *files = opendir(directory);
    const struct dirent *file;
    int reason = 0;
    if (!files)
        return errno;
    while (reason == 0 && (file = readdir(files))) {
        if (fnmatch(pattern, file->d_name, FNM_PERIOD) != 0)
            continue;
        if (matches->count == PLACE_FILES_MAX)
            reason = E2BIG;
        else if (!(matches->names[matches->count] = strdup(file->d_name)))
            reason = ENOMEM;
        else
            matches->count++;
    }
    closedir(files);
    qsort(matches->names, matches->count, sizeof(matches->names[0]), compare_names);
    return reason;
}

// The files that match path, whose last part is a pattern.
static int read_matches(struct include *include, const char *entry, const char *path, unsigned depth)
{
    struct places *places = include->places;
    struct matches matches = {.count = 0};
    char directory[PATH_MAX], file[PATH_MAX];
    const char *slash = strrchr(path, '/'), *pattern = slash ? slash + 1 : path;
    snprintf(directory, sizeof(directory), "%.*s", (int)(pattern - path), path);
    int result = 0, reason = find_matches(slash ? directory : ".", pattern, &matches);
    if (reason == E2BIG)
        result = places_refuse(places, entry, "matches too many files; at most %u", PLACE_FILES_MAX);
    else if (reason)
        result =
            places_refuse(places, entry, "%s cannot be read: %s", slash ? directory : ".", strerror(reason));
    else if (matches.count == 0)
        places_warn(places, entry, "no file matches %s", path);
    for (size_t i = 0; i < matches.count; i++) {
        if (result == 0 &&
            snprintf(file, sizeof(file), "%s%s", directory, matches.names[i]) >= (int)sizeof(file))
            result = places_refuse(places, entry, "is too long for the name of a file");
        if (result == 0)
            result = read_path(include, entry, file, depth);
        free(matches.names[i]);
    }
    return result;
}

// One entry of a list: a file, or a pattern of files.
static int read_entry(struct include *include, const struct place *row, unsigned depth)
{
    struct places *places = include->places;
    char path[PATH_MAX], entry[PLACE_PATH_SIZE];
    snprintf(entry, sizeof(entry), "%s", row->path); // row moves when files are added
    if (row->kind != PLACE_VALUE || row->value[0] == '\0')
        return places_refuse(places, entry, "is not the name of a file");
    if (resolve(places, row, path) < 0)
        return places_refuse(places, entry, "is too long for the name of a file");
    const char *wild = strpbrk(row->value, "*?[");
    if (wild && strchr(wild, '/'))
        return places_refuse(places, entry,
                             "has a pattern in a directory's name; only behind the last / may one stand");
    return wild ? read_matches(include, entry, path, depth) : read_path(include, entry, path, depth);
}

// What file asks for. The list may hold rows of other files: they are theirs.
static int read_included(struct include *include, unsigned file, unsigned depth)
{
    const struct places *places = include->places;
    int result = 0;
    for (size_t i = 0; i < places->count && result == 0; i++) {
        const struct place *row = &places->rows[i];
        if (row->file == file && strcmp(row->path, KEY) == 0 && row->kind != PLACE_LIST)
            return places_refuse(include->places, KEY, "is not a list; give [FILE, FILE]");
        if (row->file == file && i > 0 && strcmp(places->rows[row->parent].path, KEY) == 0)
            result = read_entry(include, row, depth);
    }
    return result;
}

int include_files(struct places *places)
{
    struct include include = {.places = places};
    struct stat status;
    // A file that is gone by now is found by what includes it: then it cannot be read.
    if (stat(places->file, &status) == 0) {
        include.seen[0].device = status.st_dev;
        include.seen[0].inode = status.st_ino;
    }
    return read_included(&include, 0, 1);
}
