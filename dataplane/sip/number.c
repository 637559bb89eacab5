// SPDX-License-Identifier: BSD-3-Clause
#include "number.h"
#include "scan.h"

int number_read(const uint8_t *octets, struct span text, uint32_t limit, uint32_t *number)
{
    struct cursor cursor = cursor_of(octets, text);
    if (scan_number(cursor.at, cursor.end, limit, number) == cursor.end)
        return 0;
    *number = 0;
    return -1;
}

int number_read_q(const uint8_t *octets, struct span text, uint16_t *thousandths)
{
    const uint8_t *at = octets + text.offset;
    if (text.length == 0 || text.length > 5 || (at[0] != '0' && at[0] != '1') ||
        (text.length > 1 && at[1] != '.'))
        return -1;
    unsigned value = at[0] == '1' ? 1000 : 0;
    unsigned scale = 100;
    for (unsigned i = 2; i < text.length; i++, scale /= 10) {
        if (!scan_is(at[i], SCAN_DIGIT))
            return -1;
        value += (unsigned)(at[i] - '0') * scale;
    }
    if (value > 1000)
        return -1;
    *thousandths = (uint16_t)value;
    return 0;
}
