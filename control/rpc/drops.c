// SPDX-License-Identifier: BSD-3-Clause
// prefilter.drops: the last notes of dropped packets. A client that follows asks again and again for what is
// behind the last number that it has: it costs control nothing but its questions, and is told what it missed.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../control.h"
#include "call.h"
#include "filter.h"
#include "handlers.h"
#include "text.h"

#define DROPS_DEFAULT 50
#define STAMP_SIZE    32
#define STREAM_SIZE   17
#define GROUPS_MAX    512u // kinds of drops in one summary

// What is asked for.
struct wanted {
    const char *network; // NULL: any
    struct ip_address source;
    unsigned int bits;   // of source, of its 128
    unsigned int reason; // PREFILTER_REASON_COUNT: any
    unsigned int class;  // PREFILTER_CLASSES: any
};

static bool read_source(const char *text, struct wanted *wanted)
{
    char address[ADDRESS_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    char *end = NULL;
    if (length >= sizeof(address))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (!text_read_address(address, &wanted->source))
        return false;
    unsigned int before = ip_is_ipv4(&wanted->source) ? IP_MAPPED_BITS : 0;
    unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : 128 - before;
    if (slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > 128 - before))
        return false;
    wanted->bits = before + (unsigned int)bits;
    return true;
}

static unsigned int find_peer(const struct control *control, const char *name)
{
    for (uint32_t peer = 0; peer < PEERS_MAX; peer++)
        if (strcmp(control_peer_name(control, peer), name) == 0)
            return peer;
    return PREFILTER_CLASSES;
}

// False: the call was answered.
static bool read_wanted(struct rpc_call *call, struct wanted *wanted)
{
    const char *source = rpc_text(call, "source"), *peer = rpc_text(call, "peer");
    const char *reason = rpc_text(call, "reason");
    *wanted = (struct wanted){
        .network = rpc_text(call, "network"), .reason = PREFILTER_REASON_COUNT, .class = PREFILTER_CLASSES};
    if (source && !read_source(source, wanted)) {
        rpc_fail(call, DG_INVALID_PARAMS, "source must be an IPv4 or IPv6 address, or a prefix of one");
        return false;
    }
    for (unsigned int i = PREFILTER_FIRST_DROP; reason && i < PREFILTER_FIRST_DRY_RUN; i++)
        if (strcmp(reason, filter_reason_name(i)) == 0)
            wanted->reason = i;
    if (reason && wanted->reason == PREFILTER_REASON_COUNT) {
        rpc_fail(call, DG_INVALID_PARAMS,
                 "reason must be one of a drop, as prefilter.show has them: denied, ...");
        return false;
    }
    if (peer && (wanted->class = find_peer(rpc_control(call), peer)) == PREFILTER_CLASSES) {
        rpc_fail(call, DG_NOT_FOUND, "no peer is named so; peer.list has them");
        return false;
    }
    if (peer && rpc_boolean(call, "strangers")) {
        rpc_fail(call, DG_INVALID_PARAMS, "a stranger is no peer: give peer or strangers");
        return false;
    }
    if (rpc_boolean(call, "strangers"))
        wanted->class = PREFILTER_STRANGERS;
    return true;
}

static struct ip_address source_of(const struct drop_row *row)
{
    struct ip_address source;
    memcpy(&source, &row->drop.source, sizeof(source));
    return source;
}

static bool matches(const struct wanted *wanted, const struct drop_row *row)
{
    const struct ip_address source = source_of(row);
    const struct ip_address cut = ip_prefix(&source, wanted->bits);
    const struct ip_address of = ip_prefix(&wanted->source, wanted->bits);
    return (!wanted->network || strcmp(wanted->network, row->network) == 0) &&
           (wanted->reason == PREFILTER_REASON_COUNT || wanted->reason == row->drop.reason) &&
           (wanted->class == PREFILTER_CLASSES || wanted->class == row->drop.class) && ip_equal(&cut, &of);
}

static const char *stamp(uint64_t time_ms, char text[STAMP_SIZE])
{
    time_t second = (time_t)(time_ms / 1000);
    struct tm utc;
    gmtime_r(&second, &utc);
    size_t used = strftime(text, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, STAMP_SIZE - used, ".%03uZ", (unsigned)(time_ms % 1000));
    return text;
}

// Zeros behind the payload's end are none of it.
static json_t *first_json(const struct prefilter_drop *drop)
{
    size_t length = PREFILTER_FIRST_OCTETS;
    while (length > 0 && drop->first[length - 1] == 0)
        length--;
    return text_json((const char *)drop->first, length);
}

json_t *filter_class_json(const struct control *control, unsigned int class)
{
    const char *name = control_peer_name(control, class);
    return class >= PREFILTER_STRANGERS ? json_null() : text_json(name, strlen(name));
}

static json_t *row_json(const struct control *control, uint64_t number, const struct drop_row *row)
{
    const struct prefilter_drop *drop = &row->drop;
    const struct ip_address source = source_of(row);
    char address[ADDRESS_TEXT_SIZE], time[STAMP_SIZE];
    return json_pack("{s:I, s:s, s:s, s:s, s:i, s:i, s:o, s:s, s:b, s:o}", "seq", (json_int_t)number, "time",
                     stamp(row->time_ms, time), "network", row->network, "source",
                     text_address(&source, 0, address), "source_port", (int)drop->source_port, "port",
                     (int)drop->port, "peer", filter_class_json(control, drop->class), "reason",
                     filter_reason_name(drop->reason), "dry_run", drop->dry_run != 0, "first",
                     first_json(drop));
}

struct group {
    const struct drop_row *like;
    uint64_t notes, first_ms, last_ms;
};

static bool is_of(const struct group *group, const struct drop_row *row)
{
    return strcmp(group->like->network, row->network) == 0 && group->like->drop.reason == row->drop.reason &&
           group->like->drop.class == row->drop.class && group->like->drop.dry_run == row->drop.dry_run;
}

static json_t *group_json(const struct control *control, const struct group *group)
{
    const struct prefilter_drop *drop = &group->like->drop;
    char first[STAMP_SIZE], last[STAMP_SIZE];
    return json_pack("{s:s, s:o, s:s, s:b, s:I, s:s, s:s}", "network", group->like->network, "peer",
                     filter_class_json(control, drop->class), "reason", filter_reason_name(drop->reason),
                     "dry_run", drop->dry_run != 0, "notes", (json_int_t)group->notes, "first",
                     stamp(group->first_ms, first), "last", stamp(group->last_ms, last));
}

static int compare(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    return (a->notes < b->notes) - (a->notes > b->notes);
}

// All that is kept, by network, peer and reason.
static json_t *groups_json(const struct control *control, const struct wanted *wanted)
{
    static struct group groups[GROUPS_MAX]; // one thread
    const struct drops *drops = control->drops;
    size_t count = 0;
    json_t *list = json_array();
    for (uint64_t number = drops_first(drops); number <= drops_last(drops); number++) {
        const struct drop_row *row = drops_row(drops, number);
        size_t at = 0;
        if (!matches(wanted, row))
            continue;
        while (at < count && !is_of(&groups[at], row))
            at++;
        if (at == GROUPS_MAX)
            continue;
        if (at == count)
            groups[count++] = (struct group){.like = row, .first_ms = row->time_ms};
        groups[at].notes++;
        groups[at].last_ms = row->time_ms;
    }
    qsort(groups, count, sizeof(groups[0]), compare);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, group_json(control, &groups[i]));
    return list;
}

// The newest `limit` that match, or the oldest behind a number; *next: where to go on.
static json_t *rows_json(const struct control *control, const struct wanted *wanted, int64_t limit,
                         uint64_t *next)
{
    const struct drops *drops = control->drops;
    uint64_t last = drops_last(drops), from = *next;
    json_t *list = json_array();
    if (from == 0) {
        from = last + 1;
        for (int64_t found = 0; from > drops_first(drops) && found < limit; from--)
            found += matches(wanted, drops_row(drops, from - 1));
    }
    for (int64_t found = 0; from <= last && found < limit; from++) {
        if (!matches(wanted, drops_row(drops, from)))
            continue;
        json_array_append_new(list, row_json(control, from, drops_row(drops, from)));
        found++;
    }
    *next = from;
    return list;
}

void rpc_prefilter_drops(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    const char *of = rpc_text(call, "stream");
    int64_t after = rpc_integer(call, "after", -1);
    uint64_t first = drops_first(control->drops), last = drops_last(control->drops), missed = 0, next = 0;
    char stream[STREAM_SIZE];
    struct wanted wanted;
    if (!read_wanted(call, &wanted))
        return;
    snprintf(stream, sizeof(stream), "%016" PRIx64, control->events.id);
    if (rpc_boolean(call, "summary")) {
        rpc_reply(call,
                  json_pack("{s:s, s:I, s:o}", "stream", stream, "lost",
                            (json_int_t)drops_lost(control->drops), "groups", groups_json(control, &wanted)));
        return;
    }
    // Numbers of another process, or beyond ours, are none of these: all that is kept comes.
    if (after >= 0 && ((of && strcmp(of, stream) != 0) || (uint64_t)after > last))
        after = (int64_t)first - 1;
    if (after >= 0)
        missed = (uint64_t)after + 1 < first ? first - (uint64_t)after - 1 : 0;
    if (after >= 0)
        next = (uint64_t)after + 1 + missed;
    json_t *rows = rows_json(control, &wanted, rpc_integer(call, "limit", DROPS_DEFAULT), &next);
    rpc_reply(call,
              json_pack("{s:s, s:I, s:I, s:I, s:o}", "stream", stream, "last", (json_int_t)(next - 1), "lost",
                        (json_int_t)drops_lost(control->drops), "missed", (json_int_t)missed, "drops", rows));
}
