// SPDX-License-Identifier: BSD-3-Clause
#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "model.h"
#include "replace.h"
#include "value.h"

#define FILE_NAME  "operator"
#define FIRST_LINE "dialgate-operator 1\n"
#define LINE_SIZE  256

static const char *const state_names[] = {"enabled", "draining", "disabled"};

const char *overlay_state_name(enum overlay_state state)
{
    return state_names[state];
}

const char *overlay_address(const struct ip_address *address, uint16_t port, char text[OVERLAY_ADDRESS_SIZE])
{
    return value_endpoint(address, port, text, OVERLAY_ADDRESS_SIZE);
}

void overlay_free(struct overlay *overlay)
{
    free(overlay->rows);
    *overlay = (struct overlay){0};
}

const struct overlay_row *overlay_find(const struct overlay *overlay, const char *peer, const char *member)
{
    for (size_t i = 0; i < overlay->count; i++)
        if (strcmp(overlay->rows[i].peer, peer) == 0 && strcmp(overlay->rows[i].member, member) == 0)
            return &overlay->rows[i];
    return NULL;
}

const struct overlay_row *overlay_of_member(const struct overlay *overlay, const char *peer,
                                            const char *address, const char *host)
{
    const struct overlay_row *strongest = NULL;
    for (size_t i = 0; i < overlay->count; i++) {
        const struct overlay_row *row = &overlay->rows[i];
        bool meant = row->member[0] == '\0' || strcmp(row->member, address) == 0 ||
                     (host && host[0] && strcmp(row->member, host) == 0);
        if (meant && row->peer[0] && strcmp(row->peer, peer) == 0 &&
            (!strongest || row->state > strongest->state))
            strongest = row;
    }
    return strongest;
}

int overlay_with(struct overlay *made, const struct overlay *from, const struct overlay_row *row)
{
    *made = (struct overlay){calloc(from->count + 1, sizeof(*made->rows)), 0};
    if (!made->rows)
        return -ENOMEM;
    for (size_t i = 0; i < from->count; i++)
        if (&from->rows[i] != overlay_find(from, row->peer, row->member))
            made->rows[made->count++] = from->rows[i];
    if (row->state != OVERLAY_ENABLED)
        made->rows[made->count++] = *row;
    if (made->count <= OVERLAY_ROWS_MAX)
        return 0;
    overlay_free(made);
    return -ENOSPC;
}

static bool is_configured(const struct config *config, const struct overlay_row *row)
{
    const struct config_peer *peer = model_peer(config, row->peer);
    char address[OVERLAY_ADDRESS_SIZE];
    if (row->peer[0] == '\0' || (row->member[0] == '\0' && model_application(config, row->peer)))
        return true;
    if (!peer || row->member[0] == '\0')
        return peer != NULL;
    bool is_address = strchr(row->member, ':') != NULL; // no host has one
    for (size_t m = 0; m < peer->member_count; m++) {
        const struct config_member *member = &peer->members[m];
        if (member->host[0] ? is_address || strcmp(member->host, row->member) == 0
                            : strcmp(overlay_address(&member->address, (uint16_t)member->port, address),
                                     row->member) == 0)
            return true;
    }
    return false;
}

size_t overlay_follow(struct overlay *overlay, const struct config *config, overlay_dropped *dropped)
{
    size_t kept = 0, count = overlay->count;
    for (size_t i = 0; i < count; i++) {
        if (is_configured(config, &overlay->rows[i]))
            overlay->rows[kept++] = overlay->rows[i];
        else
            dropped(&overlay->rows[i]);
    }
    overlay->count = kept;
    return count - kept;
}

static bool read_state(const char *word, struct overlay_row *row)
{
    row->state = strcmp(word, state_names[OVERLAY_DISABLED]) == 0 ? OVERLAY_DISABLED : OVERLAY_DRAINING;
    return strcmp(word, state_names[row->state]) == 0 && row->since >= 0;
}

static bool read_row(const char *line, struct overlay_row *row)
{
    char word[12];
    int rest = 0;
    bool whole;
    *row = (struct overlay_row){0};
    if (strncmp(line, "node ", 5) == 0)
        whole = sscanf(line, "node %11s %" SCNd64 " %32s%n", word, &row->since, row->who, &rest) == 3;
    else if (strncmp(line, "peer ", 5) == 0)
        whole = sscanf(line, "peer %31s %11s %" SCNd64 " %32s%n", row->peer, word, &row->since, row->who,
                       &rest) == 4;
    else
        whole = sscanf(line, "member %31s %107s %11s %" SCNd64 " %32s%n", row->peer, row->member, word,
                       &row->since, row->who, &rest) == 5;
    return whole && strcmp(line + rest, "\n") == 0 && read_state(word, row) &&
           (row->peer[0] || row->state == OVERLAY_DRAINING);
}

// Returns the number of the first bad line, 0 when the whole file was read.
static unsigned read_lines(struct overlay *overlay, FILE *file)
{
    char line[LINE_SIZE];
    unsigned told = 0, number = 1;
    for (; fgets(line, sizeof(line), file); number++) {
        struct overlay_row row;
        int rest = 0;
        if (number == 1 && strcmp(line, FIRST_LINE) != 0)
            return number;
        if (number == 1)
            continue;
        if (sscanf(line, "end %5u%n", &told, &rest) == 1)
            return told == overlay->count && strcmp(line + rest, "\n") == 0 && fgetc(file) == EOF ? 0
                                                                                                  : number;
        if (overlay->count == OVERLAY_ROWS_MAX || !read_row(line, &row) ||
            overlay_find(overlay, row.peer, row.member))
            return number;
        overlay->rows[overlay->count++] = row;
    }
    return number;
}

int overlay_load(struct overlay *overlay, const char *directory, char *error, size_t size)
{
    char path[PATH_MAX];
    unsigned bad = 0;
    snprintf(path, sizeof(path), "%s/" FILE_NAME, directory);
    *overlay = (struct overlay){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return 0;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        int result = -errno;
        snprintf(error, size, "%s: cannot be read: %s; give dialgate-control the right to it", path,
                 strerror(-result));
        if (fd >= 0)
            close(fd);
        return result;
    }
    overlay->rows = calloc(OVERLAY_ROWS_MAX, sizeof(*overlay->rows));
    if (overlay->rows)
        bad = read_lines(overlay, file);
    fclose(file);
    if (overlay->rows && !bad)
        return 0;
    if (bad)
        snprintf(error, size,
                 "%s:%u: is damaged; mend the line, or remove the file: then nothing is drained or disabled",
                 path, bad);
    else
        snprintf(error, size, "%s: no memory", path);
    overlay_free(overlay);
    return bad ? -EBADMSG : -ENOMEM;
}

static void write_lines(const void *content, FILE *file)
{
    const struct overlay *overlay = content;
    fputs(FIRST_LINE, file);
    for (size_t i = 0; i < overlay->count; i++) {
        const struct overlay_row *row = &overlay->rows[i];
        fprintf(file, "%s%s%s%s%s %s %" PRId64 " %s\n",
                row->member[0] ? "member"
                : row->peer[0] ? "peer"
                               : "node",
                row->peer[0] ? " " : "", row->peer, row->member[0] ? " " : "", row->member,
                state_names[row->state], row->since, row->who);
    }
    fprintf(file, "end %zu\n", overlay->count);
}

int overlay_save(const struct overlay *overlay, const char *path, char *error, size_t size)
{
    int result = replace_file(path, FILE_NAME, write_lines, overlay);
    if (result < 0)
        snprintf(error, size, "%s/" FILE_NAME ": cannot be written: %s; is the state directory writable?",
                 path, strerror(-result));
    return result;
}
