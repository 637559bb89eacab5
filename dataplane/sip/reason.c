// SPDX-License-Identifier: BSD-3-Clause
#include "reason.h"
#include "param.h"

static int take(const struct cursor *cursor, const struct param *param, struct reason *reason)
{
    if (param_is(cursor, param, "cause"))
        return param_take_number(cursor, param, UINT16_MAX, &reason->has_cause, &reason->cause);
    if (param_is(cursor, param, "text"))
        return param_take(param, &reason->text);
    return 0;
}

static int read_value(struct cursor *cursor, struct reason *reason)
{
    struct param param;
    int more = param_list_open(cursor);
    if (more <= 0)
        return more;
    const uint8_t *start = cursor->at;
    cursor->at = scan_while(start, cursor->end, SCAN_TOKEN);
    reason->protocol = span_between(cursor->base, start, cursor->at);
    if (reason->protocol.length == 0)
        return -1;
    while ((more = param_next(cursor, &param)) == 1)
        if (take(cursor, &param, reason) != 0)
            return -1;
    return more == 0 ? param_list_close(cursor) : -1;
}

int reason_next(const uint8_t *octets, struct span value, uint32_t *at, struct reason *reason)
{
    struct cursor cursor = cursor_of(octets, value);
    memset(reason, 0, sizeof(*reason));
    if (*at > value.length)
        return 0;
    cursor.at += *at;
    int result = read_value(&cursor, reason);
    *at = (uint32_t)(cursor.at - (octets + value.offset));
    return result;
}

void write_reason(struct writer *writer, const uint8_t *octets, const struct reason *reason)
{
    write_octets(writer, octets + reason->protocol.offset, reason->protocol.length);
    if (reason->has_cause) {
        write_text(writer, ";cause=");
        write_number(writer, reason->cause);
    }
    if (reason->text.length != 0) {
        write_text(writer, ";text=");
        write_octets(writer, octets + reason->text.offset, reason->text.length);
    }
}
