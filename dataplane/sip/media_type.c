// SPDX-License-Identifier: BSD-3-Clause
#include "media_type.h"
#include "number.h"
#include "param.h"

static struct span take_token(struct cursor *cursor)
{
    const uint8_t *start = cursor->at;
    cursor->at = scan_while(start, cursor->end, SCAN_TOKEN);
    struct span token = span_between(cursor->base, start, cursor->at);
    cursor_skip_lws(cursor);
    return token;
}

static int read_parameters(struct cursor *cursor, struct media_type *media)
{
    const uint8_t *start = cursor->at + 1;
    struct param param;
    int more;
    while ((more = param_next(cursor, &param)) == 1) {
        const uint8_t *end = cursor->base + param.whole.offset + param.whole.length;
        media->parameters = span_between(cursor->base, start, end);
        if (param_is(cursor, &param, "boundary") && param_take(&param, &media->boundary) != 0)
            return -1;
        if (param_is(cursor, &param, "q") && number_read_q(cursor->base, param.value, &media->q) != 0)
            return -1;
    }
    return more;
}

// type SLASH subtype *( SEMI parameter ); white space may stand around the slash.
static int read_one(struct cursor *cursor, struct media_type *media)
{
    media->type = take_token(cursor);
    if (!cursor_has(cursor, '/'))
        return -1;
    cursor->at++;
    cursor_skip_lws(cursor);
    media->subtype = take_token(cursor);
    if (media->type.length == 0 || media->subtype.length == 0)
        return -1;
    return read_parameters(cursor, media);
}

int media_type_read(const uint8_t *octets, struct span value, struct media_type *media)
{
    struct cursor cursor = cursor_of(octets, value);
    *media = (struct media_type){.q = 1000};
    return read_one(&cursor, media) == 0 && cursor.at == cursor.end ? 0 : -1;
}

int accept_next(const uint8_t *octets, struct span value, uint32_t *at, struct media_type *media)
{
    struct cursor cursor = cursor_of(octets, value);
    *media = (struct media_type){.q = 1000};
    if (*at > value.length || value.length == 0)
        return 0;
    cursor.at += *at;
    int result = param_list_open(&cursor);
    if (result == 1)
        result = read_one(&cursor, media) == 0 ? param_list_close(&cursor) : -1;
    *at = (uint32_t)(cursor.at - (octets + value.offset));
    return result;
}

bool media_type_is(const uint8_t *octets, const struct media_type *media, const char *type,
                   const char *subtype)
{
    return span_is(octets, media->type, type) && span_is(octets, media->subtype, subtype);
}
