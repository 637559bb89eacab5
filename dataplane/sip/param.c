// SPDX-License-Identifier: BSD-3-Clause
#include "param.h"
#include "number.h"

int param_read(struct cursor *cursor, struct param *param)
{
    const uint8_t *base = cursor->base;
    const uint8_t *end = cursor->end;
    const uint8_t *name = scan_while(cursor->at + 1, end, SCAN_LWS);
    const uint8_t *name_end = scan_while(name, end, SCAN_TOKEN);
    if (name_end == name)
        return -1;
    param->name = span_between(base, name, name_end);
    param->value = (struct span){param->name.offset + param->name.length, 0};
    param->whole = param->name;
    cursor->at = scan_while(name_end, end, SCAN_LWS);
    if (!cursor_has(cursor, '='))
        return 0;
    const uint8_t *value = scan_while(cursor->at + 1, end, SCAN_LWS);
    const uint8_t *value_end;
    if (value < end && *value == '"')
        value_end = scan_quoted(value, end);
    else
        value_end = scan_while(value, end, SCAN_VALUE);
    if (value_end == NULL || value_end == value)
        return -1;
    param->value = span_between(base, value, value_end);
    param->whole = span_between(base, name, value_end);
    cursor->at = scan_while(value_end, end, SCAN_LWS);
    return 0;
}

int param_next(struct cursor *cursor, struct param *param)
{
    cursor_skip_lws(cursor);
    if (cursor->at == cursor->end || *cursor->at == ',')
        return 0;
    if (*cursor->at != ';' || param_read(cursor, param) != 0)
        return -1;
    return 1;
}

int param_take(const struct param *param, struct span *value)
{
    if (value->length != 0 || param->value.length == 0)
        return -1;
    *value = param->value;
    return 0;
}

int param_take_number(const struct cursor *cursor, const struct param *param, uint32_t limit, bool *has,
                      uint32_t *number)
{
    if (*has)
        return -1;
    *has = true;
    return number_read(cursor->base, param->value, limit, number);
}

// The depth of a comment is a count.
int param_comment(struct cursor *cursor, struct span *comment)
{
    const uint8_t *start = cursor->at;
    unsigned depth = 0;
    for (; cursor->at < cursor->end; cursor->at++) {
        uint8_t octet = *cursor->at;
        if (octet == '(') {
            depth++;
        } else if (octet == ')' && --depth == 0) {
            cursor->at++;
            *comment = span_between(cursor->base, start, cursor->at);
            cursor_skip_lws(cursor);
            return 0;
        } else if (octet == '\\' && cursor->end - cursor->at > 1) {
            cursor->at++;
        }
    }
    return -1;
}

int param_list_open(struct cursor *cursor)
{
    const uint8_t *start = cursor->at;
    cursor_skip_lws(cursor);
    if (cursor->at < cursor->end)
        return 1;
    // Only param_list_close() moves on to the octet behind a comma.
    return start > cursor->base && start[-1] == ',' ? -1 : 0;
}

int param_list_close(struct cursor *cursor)
{
    if (cursor->at == cursor->end)
        return 1;
    if (*cursor->at != ',')
        return -1;
    cursor->at++;
    return 1;
}
