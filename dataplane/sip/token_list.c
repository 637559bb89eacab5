// SPDX-License-Identifier: BSD-3-Clause
#include "token_list.h"
#include "param.h"

int token_list_next(const uint8_t *octets, struct span value, uint32_t *at, struct span *token)
{
    struct cursor cursor = cursor_of(octets, value);
    if (*at > value.length)
        return 0;
    cursor.at += *at;
    int result = *at == 0 && value.length == 0 ? 0 : param_list_open(&cursor);
    if (result == 1) {
        const uint8_t *start = cursor.at;
        cursor.at = scan_while(start, cursor.end, SCAN_TOKEN);
        *token = span_between(octets, start, cursor.at);
        cursor_skip_lws(&cursor);
        result = token->length == 0 ? -1 : param_list_close(&cursor);
    }
    *at = (uint32_t)(cursor.at - (octets + value.offset));
    return result;
}

bool token_list_has(const uint8_t *octets, struct span value, const char *token)
{
    uint32_t at = 0;
    struct span found;
    while (token_list_next(octets, value, &at, &found) == 1)
        if (span_is(octets, found, token))
            return true;
    return false;
}
