// SPDX-License-Identifier: BSD-3-Clause
#include "retry_after.h"
#include "param.h"

int retry_after_read(const uint8_t *octets, struct span value, struct retry_after *retry)
{
    struct cursor cursor = cursor_of(octets, value);
    struct param param;
    int more;
    memset(retry, 0, sizeof(*retry));
    cursor.at = scan_number(cursor.at, cursor.end, UINT32_MAX, &retry->delay_s);
    if (cursor.at == NULL)
        return -1;
    cursor_skip_lws(&cursor);
    if (cursor_has(&cursor, '(') && param_comment(&cursor, &retry->comment) != 0)
        return -1;
    while ((more = param_next(&cursor, &param)) == 1)
        if (param_is(&cursor, &param, "duration") &&
            param_take_number(&cursor, &param, UINT32_MAX, &retry->has_duration, &retry->duration_s) != 0)
            return -1;
    return more == 0 && cursor.at == cursor.end ? 0 : -1;
}

void write_retry_after(struct writer *writer, const uint8_t *octets, const struct retry_after *retry)
{
    write_number(writer, retry->delay_s);
    if (retry->comment.length != 0) {
        write_text(writer, " ");
        write_octets(writer, octets + retry->comment.offset, retry->comment.length);
    }
    if (retry->has_duration) {
        write_text(writer, ";duration=");
        write_number(writer, retry->duration_s);
    }
}
