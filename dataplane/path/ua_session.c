// SPDX-License-Identifier: BSD-3-Clause
#include "ua_session.h"
#include "session_expires.h"
#include "token_list.h"

static bool lists(const struct message *message, enum sip_header kind, const char *token)
{
    for (uint8_t field = message->first[kind]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        if (token_list_has(message->octets, message->headers[field].value, token))
            return true;
    }
    return false;
}

bool ua_offers(const struct message *message, const char *extension)
{
    return lists(message, HEADER_SUPPORTED, extension) || lists(message, HEADER_REQUIRE, extension);
}

bool ua_requires(const struct message *message, const char *extension)
{
    return lists(message, HEADER_REQUIRE, extension);
}

struct session_answer ua_session_answer(const struct worker *worker, uint16_t application,
                                        const struct message *request)
{
    const struct session_policy policy = rules_session(worker->rules, application, false);
    struct session_request asked = {.supported = ua_offers(request, "timer")};
    struct session_expires expires;
    uint8_t field = message_first_header(request, HEADER_SESSION_EXPIRES);
    if (field != MESSAGE_NO_HEADER &&
        session_expires_read(request->octets, request->headers[field].value, &expires) == 0) {
        static_assert((int)REFRESHER_UAC == (int)SESSION_UAC && (int)REFRESHER_UAS == (int)SESSION_UAS,
                      "one order");
        asked.interval_s = expires.interval_s;
        asked.refresher = (uint8_t)expires.refresher;
    }
    field = message_first_header(request, HEADER_MIN_SE);
    if (field != MESSAGE_NO_HEADER &&
        min_se_read(request->octets, request->headers[field].value, &asked.min_se_s) != 0)
        asked.min_se_s = 0;
    return session_answer(&policy, &asked);
}

void ua_session_write(struct writer *writer, const struct session_answer *answer)
{
    if (answer->status == 422) {
        write_text(writer, "Min-SE: ");
        write_number(writer, answer->min_se_s);
        write_text(writer, "\r\n");
        return;
    }
    if (answer->terms.interval_s == 0)
        return;
    const struct session_expires expires = {answer->terms.interval_s,
                                            (enum session_refresher)answer->terms.refresher};
    if (answer->require)
        write_text(writer, "Require: timer\r\n");
    write_text(writer, "Session-Expires: ");
    write_session_expires(writer, &expires);
    write_text(writer, "\r\n");
}
