// SPDX-License-Identifier: BSD-3-Clause
// Two arrays indexed by number and looked up by walking: a configuration is compiled once in a while, and has
// at most a few thousand names.
#include "manifest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "replace.h"
#include "value.h"

#define FILE_NAME  "manifest"
#define FIRST_LINE "dialgate-manifest 1\n"
#define LINE_SIZE  128
#define PATH_SIZE  512

struct peer {
    char name[NAME_SIZE]; // empty: the number is free
    bool in_use;
    bool application;
};

struct member {
    bool present;
    bool in_use;
    uint16_t peer; // number
    uint16_t port; // host order
    struct ip_address address;
};

struct manifest {
    struct peer peers[PEERS_MAX];
    struct member members[MEMBERS_MAX];
    uint32_t peers_next; // numbers from here on were never given
    uint32_t members_next;
};

struct manifest *manifest_create(void)
{
    return calloc(1, sizeof(struct manifest));
}

void manifest_free(struct manifest *manifest)
{
    free(manifest);
}

void manifest_begin(struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->peers_next; i++)
        manifest->peers[i].in_use = false;
    for (uint32_t i = 0; i < manifest->members_next; i++)
        manifest->members[i].in_use = false;
}

static int find_name(const struct manifest *manifest, const char *name, bool application)
{
    for (uint32_t i = 0; i < manifest->peers_next; i++)
        if (name[0] && manifest->peers[i].application == application &&
            strcmp(manifest->peers[i].name, name) == 0)
            return (int)i;
    return -ENOENT;
}

static int find_peer(const struct manifest *manifest, const char *name)
{
    return find_name(manifest, name, false);
}

static int find_member(const struct manifest *manifest, uint32_t peer, const struct ip_address *address,
                       uint16_t port)
{
    for (uint32_t i = 0; i < manifest->members_next; i++) {
        const struct member *member = &manifest->members[i];
        if (member->present && member->peer == peer && member->port == port &&
            memcmp(&member->address, address, sizeof(*address)) == 0)
            return (int)i;
    }
    return -ENOENT;
}

static int use_name(struct manifest *manifest, const char *name, bool application)
{
    int number = find_name(manifest, name, application);
    if (number >= 0)
        manifest->peers[number].in_use = true;
    return number;
}

int manifest_find_peer(struct manifest *manifest, const char *peer)
{
    return use_name(manifest, peer, false);
}

int manifest_find_application(struct manifest *manifest, const char *application)
{
    return use_name(manifest, application, true);
}

int manifest_find_member(struct manifest *manifest, const char *peer, const struct ip_address *address,
                         uint16_t port)
{
    int owner = find_peer(manifest, peer);
    int number = owner < 0 ? owner : find_member(manifest, (uint32_t)owner, address, port);
    if (number >= 0)
        manifest->members[number].in_use = true;
    return number;
}

// A peer's number goes to another name: what was remembered of its members goes too.
static void forget_peer(struct manifest *manifest, uint32_t number)
{
    for (uint32_t i = 0; i < manifest->members_next; i++)
        if (manifest->members[i].present && manifest->members[i].peer == number)
            manifest->members[i] = (struct member){0};
    manifest->peers[number] = (struct peer){0};
}

static int number_name(struct manifest *manifest, const char *name, bool application)
{
    int number = use_name(manifest, name, application);
    if (number >= 0)
        return number;
    size_t length = strlen(name);
    if (length == 0 || length >= NAME_SIZE || strcspn(name, " \t\r\n\v\f") != length)
        return -EINVAL;
    if (manifest->peers_next < PEERS_MAX)
        number = (int)manifest->peers_next++;
    for (uint32_t i = 0; number < 0 && i < PEERS_MAX; i++)
        if (!manifest->peers[i].in_use)
            number = (int)i;
    if (number < 0)
        return -ENOSPC;
    forget_peer(manifest, (uint32_t)number);
    memcpy(manifest->peers[number].name, name, length + 1);
    manifest->peers[number].in_use = true;
    manifest->peers[number].application = application;
    return number;
}

int manifest_peer_number(struct manifest *manifest, const char *peer)
{
    return number_name(manifest, peer, false);
}

int manifest_application_number(struct manifest *manifest, const char *application)
{
    return number_name(manifest, application, true);
}

int manifest_member_number(struct manifest *manifest, const char *peer, const struct ip_address *address,
                           uint16_t port)
{
    int owner = find_peer(manifest, peer);
    if (owner < 0)
        return owner;
    int number = manifest_find_member(manifest, peer, address, port);
    if (number >= 0)
        return number;
    if (manifest->members_next < MEMBERS_MAX)
        number = (int)manifest->members_next++;
    for (uint32_t i = 0; number < 0 && i < MEMBERS_MAX; i++)
        if (!manifest->members[i].in_use)
            number = (int)i;
    if (number < 0)
        return -ENOSPC;
    manifest->members[number] = (struct member){true, true, (uint16_t)owner, port, *address};
    return number;
}

const char *manifest_peer_name(const struct manifest *manifest, uint32_t number)
{
    bool known = number < manifest->peers_next && manifest->peers[number].name[0];
    return known ? manifest->peers[number].name : NULL;
}

bool manifest_is_application(const struct manifest *manifest, uint32_t number)
{
    return manifest_peer_name(manifest, number) && manifest->peers[number].application;
}

int manifest_member_name(const struct manifest *manifest, uint32_t number, uint32_t *peer,
                         struct ip_address *address, uint16_t *port)
{
    if (number >= manifest->members_next || !manifest->members[number].present)
        return -ENOENT;
    const struct member *member = &manifest->members[number];
    if (peer)
        *peer = member->peer;
    if (address)
        *address = member->address;
    if (port)
        *port = member->port;
    return 0;
}

__attribute__((format(printf, 3, 4))) static void tell(char *error, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (size)
        vsnprintf(error, size, format, arguments);
    va_end(arguments);
}

// Each reads one line into the manifest and returns what is wrong with it, NULL when nothing is. `rest` is
// where sscanf stopped: a line has nothing behind what is expected.
static const char *read_peer(struct manifest *manifest, const char *line)
{
    unsigned number;
    char name[NAME_SIZE];
    int rest = 0;
    bool application = line[0] == 'a';
    if (sscanf(line, application ? "application %5u %31s%n" : "peer %5u %31s%n", &number, name, &rest) != 2 ||
        strcmp(line + rest, "\n") != 0)
        return application ? "is not `application NUMBER NAME`" : "is not `peer NUMBER NAME`";
    if (number >= PEERS_MAX)
        return "has a number out of range";
    if (manifest->peers[number].name[0] || find_name(manifest, name, application) >= 0)
        return "repeats a number or a name";
    snprintf(manifest->peers[number].name, NAME_SIZE, "%s", name);
    manifest->peers[number].application = application;
    if (number >= manifest->peers_next)
        manifest->peers_next = number + 1;
    return NULL;
}

static const char *read_member(struct manifest *manifest, const char *line)
{
    unsigned number;
    char peer[NAME_SIZE], text[VALUE_PREFIX_SIZE];
    struct key_endpoint at;
    int rest = 0;
    static_assert(VALUE_PREFIX_SIZE == 56, "what is read of it below");
    if (sscanf(line, "member %5u %31s %55s%n", &number, peer, text, &rest) != 3 ||
        strcmp(line + rest, "\n") != 0 || value_parse_endpoint(text, &at) < 0)
        return "is not `member NUMBER PEER ADDRESS:PORT`";
    if (number >= MEMBERS_MAX || at.port == 0)
        return "has a number out of range";
    int owner = find_peer(manifest, peer);
    if (owner < 0)
        return "names a peer that no line above has";
    if (manifest->members[number].present ||
        find_member(manifest, (uint32_t)owner, &at.address, at.port) >= 0)
        return "repeats a number or a name";
    manifest->members[number] = (struct member){true, false, (uint16_t)owner, at.port, at.address};
    if (number >= manifest->members_next)
        manifest->members_next = number + 1;
    return NULL;
}

// Returns what is wrong with line *number, NULL when the whole file was read.
static const char *read_lines(struct manifest *manifest, FILE *file, unsigned *number)
{
    char line[LINE_SIZE];
    unsigned entries = 0, told = 0;
    for (*number = 1; fgets(line, sizeof(line), file); ++*number) {
        const char *wrong = NULL;
        int rest = 0;
        if (*number == 1)
            wrong = strcmp(line, FIRST_LINE) == 0 ? NULL : "is not " FIRST_LINE;
        else if (sscanf(line, "end %5u%n", &told, &rest) == 1)
            return told == entries && strcmp(line + rest, "\n") == 0 && fgetc(file) == EOF
                       ? NULL
                       : "ends with another number of entries than there are";
        else if (strncmp(line, "peer ", 5) == 0 || strncmp(line, "application ", 12) == 0)
            wrong = read_peer(manifest, line);
        else if (strncmp(line, "member ", 7) == 0)
            wrong = read_member(manifest, line);
        else
            wrong = "is neither peer, application, member nor end";
        if (wrong)
            return wrong;
        entries += *number > 1;
    }
    return "is missing: the file is cut";
}

struct manifest *manifest_load(const char *directory, char *error, size_t size)
{
    char path[PATH_SIZE];
    unsigned line = 1;
    snprintf(path, sizeof(path), "%s/" FILE_NAME, directory);
    struct manifest *manifest = manifest_create();
    if (!manifest) {
        tell(error, size, "%s: no memory", path);
        return NULL;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return manifest;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        tell(error, size, "%s: cannot be read: %s; give dialgate-control the right to it", path,
             strerror(errno));
        if (fd >= 0)
            close(fd);
        manifest_free(manifest);
        return NULL;
    }
    const char *wrong = read_lines(manifest, file, &line);
    fclose(file);
    if (!wrong)
        return manifest;
    tell(error, size,
         "%s:%u: %.*s; put back a copy of the file, or remove it while dialgate-dataplane is stopped (peers "
         "are then "
         "numbered anew)",
         path, line, (int)strcspn(wrong, "\n"), wrong);
    manifest_free(manifest);
    return NULL;
}

static void write_lines(const void *content, FILE *file)
{
    const struct manifest *manifest = content;
    unsigned entries = 0;
    fputs(FIRST_LINE, file);
    for (uint32_t i = 0; i < manifest->peers_next; i++)
        if (manifest->peers[i].name[0]) {
            fprintf(file, "%s %u %s\n", manifest->peers[i].application ? "application" : "peer", i,
                    manifest->peers[i].name);
            entries++;
        }
    for (uint32_t i = 0; i < manifest->members_next; i++) {
        const struct member *member = &manifest->members[i];
        char place[VALUE_PREFIX_SIZE];
        if (!member->present)
            continue;
        fprintf(file, "member %u %s %s\n", i, manifest->peers[member->peer].name,
                value_endpoint(&member->address, member->port, place, sizeof(place)));
        entries++;
    }
    fprintf(file, "end %u\n", entries);
}

int manifest_save(const struct manifest *manifest, const char *path, char *error, size_t size)
{
    int result = replace_file(path, FILE_NAME, write_lines, manifest);
    if (result < 0)
        tell(error, size,
             "%s/" FILE_NAME ": cannot be written: %s; give dialgate-control a directory that it may write",
             path, strerror(-result));
    return result;
}
