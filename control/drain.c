// SPDX-License-Identifier: BSD-3-Clause
#include "drain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "event_tell.h"
#include "log.h"

// One line that grows; what does not fit is cut.
struct line {
    char *text;
    size_t size;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    line->used += length > 0 ? (size_t)length : 0;
    line->used = line->used < line->size ? line->used : line->size - 1;
}

const struct snapshot_peer *drain_peer(const struct control *control, const char *name, uint32_t *number)
{
    for (*number = 0; *number < PEERS_MAX; ++*number) {
        const struct snapshot_peer *peer = configuration_peer(&control->active, *number);
        if (peer && strcmp(peer->name, name) == 0)
            return peer;
    }
    return NULL;
}

static int refuse_peer(const struct control *control, const char *name, char *error, size_t size)
{
    struct line line = {error, size, 0};
    const char *before = "";
    add(&line, "no peer is called %.64s; there are ", name);
    for (uint32_t number = 0; number < PEERS_MAX; number++) {
        const struct snapshot_peer *peer = configuration_peer(&control->active, number);
        if (peer)
            add(&line, "%s%s", before, peer->name);
        before = peer ? ", " : before;
    }
    return -ENOENT;
}

static int refuse_member(const struct control *control, const struct snapshot_peer *peer, const char *text,
                         struct line *line)
{
    char address[OVERLAY_ADDRESS_SIZE];
    const char *before = "", *host;
    uint32_t count;
    const uint16_t *lists = configuration_section(&control->active, SECTION_LISTS, &count);
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    add(line, "peer %s has no member %.64s; there %s", peer->name, text,
        peer->member_count ? "are " : "is none");
    for (uint32_t i = 0; i < peer->member_count; i++, before = ", ") {
        const struct snapshot_member *member = &members[lists[peer->list_offset + i]];
        add(line, "%s%s", before, overlay_address(&member->address, member->port, address));
    }
    for (size_t i = 0; (host = hosts_of_peer(control->active.config, peer->name, i)); i++, before = ", ")
        add(line, "%s%s", before, host);
    return -ENOENT;
}

// The name of a peer's member in the overlay. Returns 0, or -ENOENT with what members there are in fault.
static int name_member(const struct control *control, const struct snapshot_peer *peer, const char *text,
                       char name[HOST_NAME_SIZE], struct line *fault)
{
    char address[OVERLAY_ADDRESS_SIZE];
    const char *host;
    uint32_t count, found = 0;
    const uint16_t *lists = configuration_section(&control->active, SECTION_LISTS, &count);
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    const struct overlay_row *row = overlay_find(&control->overlay, peer->name, text);
    if (row) { // perhaps an address that DNS has taken away
        memcpy(name, row->member, HOST_NAME_SIZE);
        return 0;
    }
    for (size_t i = 0; (host = hosts_of_peer(control->active.config, peer->name, i)); i++)
        if (strcasecmp(host, text) == 0) {
            snprintf(name, HOST_NAME_SIZE, "%s", host);
            return 0;
        }
    for (uint32_t i = 0; i < peer->member_count; i++) {
        const struct snapshot_member *member = &members[lists[peer->list_offset + i]];
        overlay_address(&member->address, member->port, address);
        bool whole = strcmp(address, text) == 0;
        size_t length = (size_t)(strchr(address, ':') - address);
        if (whole || (strlen(text) == length && strncmp(address, text, length) == 0)) {
            snprintf(name, HOST_NAME_SIZE, "%s", address);
            found++;
        }
    }
    if (found == 1)
        return 0;
    if (found == 0)
        return refuse_member(control, peer, text, fault);
    add(fault, "peer %s has %u members at %.64s; give address:port", peer->name, found, text);
    return -ENOENT;
}

// What else keeps a member out that is to be enabled. Returns 0, or -EINVAL with one line in error.
static int check_enabled(const struct overlay *made, const struct overlay_row *row, char *error, size_t size)
{
    const struct overlay_row *other =
        row->member[0] ? overlay_of_member(made, row->peer, row->member, NULL) : NULL;
    if (!other)
        return 0;
    snprintf(error, size, "peer %s is %s as a whole; enable it, then drain the members that are to stay out",
             row->peer, overlay_state_name(other->state));
    return -EINVAL;
}

// Writes down and hands over. Returns 0 or -errno; control->changed is this change until it is settled.
static int hand_over(struct control *control, const struct reload_answer *answer, char *error, size_t size)
{
    int result = overlay_save(&control->changed, control->state_directory, error, size);
    if (result == 0)
        result = control_again(control, RELOAD_OF_OVERLAY, answer, error, size);
    if (result < 0)
        drain_settle(control, result);
    return result;
}

static int make_row(const struct control *control, const struct drain_request *request,
                    struct overlay_row *row, char *error, size_t size)
{
    uint32_t number;
    *row = (struct overlay_row){.state = request->state, .since = time(NULL)};
    snprintf(row->who, sizeof(row->who), "%s", request->who);
    if (!request->peer)
        return 0;
    const struct snapshot_peer *peer = drain_peer(control, request->peer, &number);
    if (!peer)
        return refuse_peer(control, request->peer, error, size);
    memcpy(row->peer, peer->name, sizeof(row->peer));
    struct line fault = {error, size, 0};
    return request->member ? name_member(control, peer, request->member, row->member, &fault) : 0;
}

int drain_request(struct control *control, const struct drain_request *request,
                  const struct reload_answer *answer, char *error, size_t size)
{
    struct overlay_row row;
    struct overlay made;
    int result = make_row(control, request, &row, error, size);
    if (result == 0)
        result = control_may_hand_over(control, error, size);
    if (result < 0)
        return result;
    result = overlay_with(&made, &control->overlay, &row);
    if (result < 0) {
        snprintf(error, size, "%s", strerror(-result));
        return result;
    }
    const struct overlay_row *old = overlay_find(&control->overlay, row.peer, row.member);
    if (row.state == OVERLAY_ENABLED)
        result = check_enabled(&made, &row, error, size);
    if (result < 0 || (old ? old->state : OVERLAY_ENABLED) == row.state) {
        overlay_free(&made);
        if (result == 0)
            answer->done(answer->context, 0, "nothing to change");
        return result;
    }
    log_event(LEVEL_INFO, "drain", "peer=%s member=%s state=%s who=%s", row.peer[0] ? row.peer : "-",
              row.member[0] ? row.member : "-", overlay_state_name(row.state), row.who);
    control->changed = made;
    return hand_over(control, answer, error, size);
}

void drain_settle(struct control *control, int result)
{
    char error[ERROR_SIZE];
    if (result == 0) {
        event_tell_drained(control);
        overlay_free(&control->overlay);
        control->overlay = control->changed;
        control->changed = (struct overlay){0};
        return;
    }
    overlay_free(&control->changed);
    if (overlay_save(&control->overlay, control->state_directory, error, sizeof(error)) < 0)
        log_event(LEVEL_ERROR, "drain_not_saved", "reason=\"%s\"", error);
}

static void tell_dropped(const struct overlay_row *row)
{
    log_event(LEVEL_WARNING, "drain_forgotten",
              "peer=%s member=%s state=%s reason=\"it left the configuration\"", row->peer,
              row->member[0] ? row->member : "-", overlay_state_name(row->state));
}

void drain_follow(struct control *control)
{
    char error[ERROR_SIZE];
    if (overlay_follow(&control->overlay, control->active.config, tell_dropped) > 0 &&
        overlay_save(&control->overlay, control->state_directory, error, sizeof(error)) < 0)
        log_event(LEVEL_ERROR, "drain_not_saved", "reason=\"%s\"", error);
}
