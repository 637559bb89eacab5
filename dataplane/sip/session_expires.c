// SPDX-License-Identifier: BSD-3-Clause
#include "session_expires.h"
#include "param.h"

static int take_refresher(const struct cursor *cursor, const struct param *param,
                          struct session_expires *session)
{
    if (!param_is(cursor, param, "refresher"))
        return 0;
    if (session->refresher != REFRESHER_NONE)
        return -1;
    if (span_is(cursor->base, param->value, "uac"))
        session->refresher = REFRESHER_UAC;
    else if (span_is(cursor->base, param->value, "uas"))
        session->refresher = REFRESHER_UAS;
    return session->refresher == REFRESHER_NONE ? -1 : 0;
}

int session_expires_read(const uint8_t *octets, struct span value, struct session_expires *session)
{
    struct cursor cursor = cursor_of(octets, value);
    struct param param;
    int more;
    memset(session, 0, sizeof(*session));
    cursor.at = scan_number(cursor.at, cursor.end, UINT32_MAX, &session->interval_s);
    if (cursor.at == NULL)
        return -1;
    while ((more = param_next(&cursor, &param)) == 1)
        if (take_refresher(&cursor, &param, session) != 0)
            return -1;
    return more == 0 && cursor.at == cursor.end ? 0 : -1;
}

void write_session_expires(struct writer *writer, const struct session_expires *session)
{
    write_number(writer, session->interval_s);
    if (session->refresher != REFRESHER_NONE)
        write_text(writer, session->refresher == REFRESHER_UAC ? ";refresher=uac" : ";refresher=uas");
}

int min_se_read(const uint8_t *octets, struct span value, uint32_t *interval_s)
{
    struct cursor cursor = cursor_of(octets, value);
    struct param param;
    int more;
    cursor.at = scan_number(cursor.at, cursor.end, UINT32_MAX, interval_s);
    if (cursor.at == NULL)
        return -1;
    while ((more = param_next(&cursor, &param)) == 1)
        ; // generic parameters mean nothing here
    return more == 0 && cursor.at == cursor.end ? 0 : -1;
}
