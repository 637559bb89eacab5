// SPDX-License-Identifier: BSD-3-Clause
#include "replaces.h"
#include "param.h"

// callid: visible text up to the first semicolon.
static int read_call_id(struct cursor *cursor, struct span *call_id)
{
    const uint8_t *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ';' && scan_is(*cursor->at, SCAN_VISIBLE))
        cursor->at++;
    *call_id = span_between(cursor->base, start, cursor->at);
    return call_id->length == 0 ? -1 : 0;
}

struct tags {
    const char *names[2];
    struct span *values[2];
    bool *flag; // early-only; NULL: means nothing
};

static int take(const struct cursor *cursor, const struct param *param, const struct tags *tags)
{
    for (unsigned i = 0; i < 2; i++)
        if (param_is(cursor, param, tags->names[i]))
            return param_take(param, tags->values[i]);
    if (tags->flag == NULL || !param_is(cursor, param, "early-only"))
        return 0;
    // A flag has no value (RFC 3891 6.1).
    if (*tags->flag || param->whole.length != param->name.length)
        return -1;
    *tags->flag = true;
    return 0;
}

static int read_dialog(const uint8_t *octets, struct span value, struct span *call_id,
                       const struct tags *tags)
{
    struct cursor cursor = cursor_of(octets, value);
    struct param param;
    int more;
    if (read_call_id(&cursor, call_id) != 0)
        return -1;
    while ((more = param_next(&cursor, &param)) == 1)
        if (take(&cursor, &param, tags) != 0)
            return -1;
    if (more != 0 || cursor.at != cursor.end)
        return -1;
    return tags->values[0]->length == 0 || tags->values[1]->length == 0 ? -1 : 0;
}

int replaces_read(const uint8_t *octets, struct span value, struct replaces *replaces)
{
    memset(replaces, 0, sizeof(*replaces));
    const struct tags tags = {
        {"to-tag", "from-tag"}, {&replaces->to_tag, &replaces->from_tag}, &replaces->early_only};
    return read_dialog(octets, value, &replaces->call_id, &tags);
}

int join_read(const uint8_t *octets, struct span value, struct replaces *join)
{
    memset(join, 0, sizeof(*join));
    const struct tags tags = {{"to-tag", "from-tag"}, {&join->to_tag, &join->from_tag}, NULL};
    return read_dialog(octets, value, &join->call_id, &tags);
}

int target_dialog_read(const uint8_t *octets, struct span value, struct target_dialog *target)
{
    memset(target, 0, sizeof(*target));
    const struct tags tags = {{"local-tag", "remote-tag"}, {&target->local_tag, &target->remote_tag}, NULL};
    return read_dialog(octets, value, &target->call_id, &tags);
}

void write_replaces(struct writer *writer, const uint8_t *octets, const struct replaces *replaces)
{
    write_octets(writer, octets + replaces->call_id.offset, replaces->call_id.length);
    write_text(writer, ";to-tag=");
    write_octets(writer, octets + replaces->to_tag.offset, replaces->to_tag.length);
    write_text(writer, ";from-tag=");
    write_octets(writer, octets + replaces->from_tag.offset, replaces->from_tag.length);
    if (replaces->early_only)
        write_text(writer, ";early-only");
}
