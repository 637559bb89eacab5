// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include "../../dataplane/sip/event.h"
#include "../../dataplane/sip/media_type.h"
#include "../../dataplane/sip/number.h"
#include "../../dataplane/sip/refer_to.h"
#include "../../dataplane/sip/sipfrag.h"
#include "../../dataplane/sip/subscription_state.h"
#include "refer.h"

// A copy with a NUL, on one line: what a folded value holds is one blank (RFC 3261 7.3.1). False: too long.
static bool copy(char *out, size_t size, const uint8_t *octets, struct span span)
{
    size_t used = 0;
    for (uint32_t i = 0; i < span.length; i++) {
        uint8_t octet = octets[span.offset + i];
        if (octet == '\r' || octet == '\n')
            continue;
        if (used + 1 >= size)
            return false;
        out[used++] = octet < 0x20 || octet == 0x7f ? ' ' : (char)octet;
    }
    out[used] = '\0';
    return true;
}

// The only value of a header: 1; 0: there is none; -1: several.
static int only(const struct message *message, enum sip_header kind, struct span *value)
{
    uint8_t at = message_first_header(message, kind);
    if (at == MESSAGE_NO_HEADER)
        return 0;
    *value = message->headers[at].value;
    return message_next_header(message, at) == MESSAGE_NO_HEADER ? 1 : -1;
}

static unsigned count_parameters(const uint8_t *octets, const struct refer_to *to)
{
    struct span name, value;
    unsigned count = to->headers;
    for (uint32_t at = 0; uri_parameter_next(octets, to->uri.parameters, &at, &name, &value);)
        count++;
    for (uint32_t at = 0; uri_parameter_next(octets, to->address.parameters, &at, &name, &value);)
        count++;
    return count;
}

// Whoever routes the call behind us goes by maddr, not by the host (RFC 3261 16.5). A name that is escaped
// may be that one for who compares it as 19.1.4 says.
static bool leads_elsewhere(const uint8_t *octets, const struct refer_to *to)
{
    struct span name, value;
    for (uint32_t at = 0; uri_parameter_next(octets, to->uri.parameters, &at, &name, &value);)
        if (span_is(octets, name, "maddr") || memchr(octets + name.offset, '%', name.length) != NULL)
            return true;
    return false;
}

// The URI that is called: without its headers and its method, which no Request-URI has (RFC 3261 19.1.1), and
// without parameters that are empty, which it would not have when it is read again.
static bool copy_uri(struct refer_ask *ask, const uint8_t *octets, const struct refer_to *to)
{
    struct span uri = to->address.uri, name, value;
    size_t used, end = to->uri.headers.offset ? to->uri.headers.offset - 1u : uri.offset + uri.length;
    if (to->uri.parameters.offset == 0) {
        uri.length = (uint16_t)(end - uri.offset);
        return copy(ask->uri, sizeof(ask->uri), octets, uri);
    }
    uri.length = (uint16_t)(to->uri.parameters.offset - 1u - uri.offset);
    if (!copy(ask->uri, sizeof(ask->uri), octets, uri))
        return false;
    for (uint32_t at = 0; uri_parameter_next(octets, to->uri.parameters, &at, &name, &value);) {
        struct span part = {
            name.offset, (uint16_t)(value.length ? value.offset + value.length - name.offset : name.length)};
        used = strlen(ask->uri);
        if (span_is(octets, name, "method") || part.length == 0)
            continue;
        if (used + 2 >= sizeof(ask->uri))
            return false;
        ask->uri[used] = ';';
        if (!copy(ask->uri + used + 1, sizeof(ask->uri) - used - 1, octets, part))
            return false;
    }
    return true;
}

// 0, or the status that refuses it.
static unsigned copy_replaces(struct refer_ask *ask, const uint8_t *octets, const struct refer_to *to)
{
    uint8_t plain[REFER_TEXT_MAX / 2];
    struct writer buffer, out;
    struct replaces replaces;
    writer_init(&buffer, plain, sizeof(plain));
    writer_init(&out, ask->replaces, sizeof(ask->replaces) - 1);
    if (to->replaces.length == 0)
        return 0;
    if (refer_to_replaces(octets, to, &buffer, &replaces) < 0)
        return buffer.overflow ? 413 : 400;
    write_replaces(&out, plain, &replaces);
    ask->replaces[out.overflow ? 0 : out.used] = '\0';
    return out.overflow ? 413 : 0;
}

unsigned refer_read(const struct message *message, const struct refer_limits *limits, struct refer_ask *ask)
{
    struct span value;
    struct refer_to to;
    *ask = (struct refer_ask){.silent = refer_is_silent(message)};
    if (only(message, HEADER_REFER_TO, &value) != 1 || refer_to_read(message->octets, value, &to) < 0)
        return 400;
    // As the data plane refuses what is over these limits (sip/judge_limit.c).
    if (to.address.uri.length > limits->uri || to.replaces.length > limits->replaces ||
        count_parameters(message->octets, &to) > limits->parameters)
        return 400;
    ask->method = to.method;
    ask->sip = to.uri.scheme == URI_SIP;
    ask->elsewhere = leads_elsewhere(message->octets, &to);
    if (!copy_uri(ask, message->octets, &to) ||
        !copy(ask->user, sizeof(ask->user), message->octets, to.uri.user) ||
        !copy(ask->host, sizeof(ask->host), message->octets, to.uri.host))
        return 414;
    unsigned status = copy_replaces(ask, message->octets, &to);
    if (status != 0)
        return status;
    // RFC 3892 3: at most one.
    int count = only(message, HEADER_REFERRED_BY, &value);
    if (count < 0)
        return 400;
    return count == 0 || copy(ask->referred_by, sizeof(ask->referred_by), message->octets, value) ? 0 : 413;
}

static bool same(const uint8_t *octets, struct span span, const uint8_t *other, struct span other_span)
{
    return span.length == other_span.length &&
           memcmp(octets + span.offset, other + other_span.offset, span.length) == 0;
}

unsigned refer_judge(const struct message *message, const struct refer_ask *ask, unsigned depth)
{
    const uint8_t *text = (const uint8_t *)ask->replaces;
    struct span all = {0, (uint16_t)strlen(ask->replaces)};
    struct replaces replaces;
    if (!ask->sip)
        return 416;
    if (ask->method != METHOD_INVITE)
        return 403;
    // The Call-ID is enough: a call that replaces one of its own forks has no end, either.
    if (all.length && replaces_read(text, all, &replaces) == 0 &&
        same(text, replaces.call_id, message->octets, message->call_id))
        return 482;
    return depth >= REFER_DEPTH_MAX ? 482 : 0;
}

unsigned refer_read_notify(const struct message *message, struct refer_news *news)
{
    struct span value;
    struct subscription_state state;
    struct event event;
    struct sipfrag frag;
    *news = (struct refer_news){0};
    if (only(message, HEADER_EVENT, &value) != 1 || event_read(message->octets, value, &event) < 0 ||
        event.package.length != 5 || memcmp(message_at(message, event.package), "refer", 5) != 0)
        return 489;
    if (only(message, HEADER_SUBSCRIPTION_STATE, &value) != 1 ||
        subscription_state_read(message->octets, value, &state) < 0)
        return 400;
    news->last = state.state == SUBSCRIPTION_TERMINATED;
    if (message->body.length == 0)
        return 0;
    if (sipfrag_read(message->octets, message->body, &frag) < 0)
        return 400;
    news->status = frag.status;
    // A phrase of any length is one; what does not fit is left out.
    if (frag.reason.length >= sizeof(news->reason))
        frag.reason.length = sizeof(news->reason) - 1;
    (void)copy(news->reason, sizeof(news->reason), message->octets, frag.reason);
    return 0;
}

static bool read_event(const struct message *message, struct event *event)
{
    struct span value;
    return only(message, HEADER_EVENT, &value) == 1 && event_read(message->octets, value, event) == 0 &&
           event->package.length == 5 && memcmp(message_at(message, event->package), "refer", 5) == 0;
}

bool refer_is_event(const struct message *message)
{
    struct event event;
    return read_event(message, &event);
}

bool refer_is_about(const struct message *message, uint32_t cseq, bool first)
{
    struct event event;
    uint32_t id;
    if (!read_event(message, &event))
        return false;
    if (event.id.length == 0)
        return first;
    return number_read(message->octets, event.id, UINT32_MAX, &id) == 0 && id == cseq;
}

uint32_t refer_read_expires(const struct message *message)
{
    struct span value;
    uint32_t seconds;
    if (only(message, HEADER_EXPIRES, &value) != 1 ||
        number_read(message->octets, value, UINT32_MAX, &seconds) < 0)
        return REFER_EXPIRES_S;
    return seconds;
}

bool refer_is_silent(const struct message *message)
{
    struct span value;
    return only(message, HEADER_REFER_SUB, &value) == 1 && value.length >= 5 &&
           span_is(message->octets, (struct span){value.offset, 5}, "false") &&
           (value.length == 5 || strchr("; \t", message->octets[value.offset + 5]) != NULL);
}

unsigned refer_judge_replaces(const struct refer_match *match, bool early_only)
{
    if (!match->found)
        return 481;
    if (match->ended)
        return 603;
    if (!match->allowed) // section 3 asks for no status of its own: RFC 3261 21.4.4
        return 403;
    if (match->taken || (match->confirmed && early_only))
        return 486;
    // An early dialog can be replaced by who was called only if it began it.
    return match->callee && !match->confirmed ? 481 : 0;
}

unsigned refer_read_replaces(const struct message *message, struct replaces *replaces, bool *given)
{
    struct span value, join;
    int count = only(message, HEADER_REPLACES, &value);
    *given = count != 0;
    if (count == 0)
        return 0;
    bool fine = count == 1 && only(message, HEADER_JOIN, &join) == 0 &&
                replaces_read(message->octets, value, replaces) == 0;
    return fine ? 0 : 400;
}
