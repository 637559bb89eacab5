// SPDX-License-Identifier: BSD-3-Clause
// What control does in a dialog without being told: refreshes of the session (RFC 4028), the last 1xx again,
// what met a glare, and the session as it was said last.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "retry.h"

static void send_change(struct ua *ua, struct ua_call *call, const char *method)
{
    struct ua_fault fault;
    bool described = strcmp(method, "INVITE") == 0;
    const struct ua_wish wish = {.op = CHANNEL_UA_REQUEST,
                                 .call = call,
                                 .method = method,
                                 .body = described ? call->description : NULL,
                                 .body_length = described ? call->description_length : 0,
                                 .peer = NUMBER_NONE,
                                 .member = NUMBER_NONE};
    if (!call->changing)                      // which is a refresh, too
        (void)ua_do(ua, &wish, NULL, &fault); // the session runs out when it cannot be sent
}

// RFC 4028 7.4: UPDATE where the far end takes it: it needs no description.
void ua_session_refresh(struct ua *ua, struct ua_call *call)
{
    send_change(ua, call, call->updates || !call->description ? "UPDATE" : "INVITE");
}

void ua_session_resync(struct ua *ua, struct ua_call *call)
{
    if (call->description)
        send_change(ua, call, "INVITE");
}

void ua_session_extend(struct ua *ua, struct ua_call *call)
{
    struct ua_request *request = call->invite;
    if (!request || !request->last || request->answering)
        return;
    request->last->tag = ++ua->last_tag; // nobody waits for its DONE
    (void)channel_send_ua(ua->control->channel, request->last, request->last_size);
}

void ua_session_retry(struct ua *ua, struct ua_call *call)
{
    struct ua_sent *sent = call->changing;
    if (!sent || !sent->done)
        return;
    ua->counts.retries++;
    ua_try_renew(sent);
    if (ua_sent_again(ua, sent) < 0)
        ua_give_up(ua, sent, &(struct ua_response){.status = 503});
}

// --- descriptions ---

// RFC 3264 section 8.4: the other direction of a stream on hold, and back.
static const char *turn(const char *line, size_t length, bool hold)
{
    static const char *const pairs[][2] = {{"a=sendrecv", "a=sendonly"}, {"a=recvonly", "a=inactive"}};
    for (unsigned i = 0; i < 2; i++)
        if (strlen(pairs[i][!hold]) == length && memcmp(line, pairs[i][!hold], length) == 0)
            return pairs[i][hold];
    return NULL;
}

static bool is_direction(const char *line, size_t length)
{
    static const char *const words[] = {"a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"};
    for (unsigned i = 0; i < 4; i++)
        if (strlen(words[i]) == length && memcmp(line, words[i], length) == 0)
            return true;
    return false;
}

// o=name id VERSION ...: one higher, as each change of a description wants it.
static size_t put_origin(char *out, const char *line, size_t length)
{
    char text[256];
    int name = 0, digits = 0;
    unsigned long long version;
    snprintf(text, sizeof(text), "%.*s", (int)length, line);
    if (length >= sizeof(text) || sscanf(text, "o=%*s %*s %n%llu%n", &name, &version, &digits) != 1) {
        memcpy(out, line, length);
        return length;
    }
    return (size_t)sprintf(out, "%.*s%llu%s", name, text, version + 1, text + digits);
}

char *ua_session_description(const struct ua_call *call, bool hold, size_t *length)
{
    const char *at = call->description, *end = at ? at + call->description_length : NULL;
    char *made = at ? malloc(call->description_length + 64) : NULL;
    size_t used = 0;
    bool said = false, media = false; // a direction for the whole session; behind the first m=
    bool raised = false; // the version: one line of a description has it, and made has no room for more
    while (made && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop ? stop + 1 : end;
        size_t line = (size_t)((stop ? stop : end) - at);
        line -= line > 0 && at[line - 1] == '\r';
        const char *turned = turn(at, line, hold);
        if (!media && line > 1 && at[0] == 'm' && at[1] == '=') {
            media = true;
            if (!said && hold) // of the streams that name none
                used += (size_t)sprintf(made + used, "a=sendonly\r\n");
        }
        said = said || (!media && is_direction(at, line));
        if (turned)
            used += (size_t)sprintf(made + used, "%s", turned);
        else if (line > 2 && at[0] == 'o' && !media && !raised) {
            used += put_origin(made + used, at, line);
            raised = true;
        } else {
            memcpy(made + used, at, line);
            used += line;
        }
        memcpy(made + used, at + line, (size_t)(next - at) - line);
        used += (size_t)(next - at) - line;
        at = next;
    }
    *length = used;
    return made;
}
