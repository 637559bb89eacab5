// SPDX-License-Identifier: BSD-3-Clause
#include "line.h"

// The same walk as message_parse(), which keeps the first Call-ID line whatever its value is worth; here it
// stops there.
bool peek_call_id(const uint8_t *octets, uint32_t length, struct span *call_id)
{
    struct line_walk walk;
    struct start_line start;
    struct header_field field;
    int fault = line_start(&walk, octets, length, &start);
    if (fault == MESSAGE_NOT_SIP || fault == MESSAGE_TOO_LONG)
        return false;
    while (line_header(&walk, &field)) {
        if (field.kind != HEADER_CALL_ID)
            continue;
        *call_id = field.value;
        return field.value.length != 0;
    }
    return false;
}
