// SPDX-License-Identifier: BSD-3-Clause
#include "tel.h"
#include "scan.h"

static bool is_separator(uint8_t octet)
{
    return octet == '-' || octet == '.' || octet == '(' || octet == ')';
}

// RFC 3966 3: global numbers are digits; local ones also A-F, "*" and "#".
static bool is_digit(uint8_t octet, bool is_global)
{
    uint8_t letter = octet | 0x20;
    return scan_is(octet, SCAN_DIGIT) ||
           (!is_global && (octet == '*' || octet == '#' || (letter >= 'a' && letter <= 'f')));
}

int tel_read(const uint8_t *octets, struct span rest, struct tel *tel)
{
    struct cursor cursor = cursor_of(octets, rest);
    const uint8_t *start = cursor.at;
    bool digits = false;
    memset(tel, 0, sizeof(*tel));
    tel->is_global = cursor_has(&cursor, '+');
    if (tel->is_global)
        cursor.at++;
    for (; cursor.at < cursor.end && *cursor.at != ';'; cursor.at++) {
        if (is_digit(*cursor.at, tel->is_global))
            digits = true;
        else if (!is_separator(*cursor.at))
            return -1;
    }
    if (!digits)
        return -1;
    tel->number = span_between(octets, start, cursor.at);
    if (cursor.at < cursor.end)
        tel->parameters = span_between(octets, cursor.at + 1, cursor.end);
    return 0;
}
