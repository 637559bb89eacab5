// SPDX-License-Identifier: BSD-3-Clause
#include "compose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char compose_body[] =
    "v=0\r\no=- 53655765 2353687637 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 16384 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

struct text {
    char *octets;
    size_t length;
};

// Our messages have a known greatest length: one that does not fit is a fault of ours.
__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text->octets + text->length, MESSAGE_OCTETS - text->length, format, list);
    va_end(list);
    text->length += (size_t)length;
    if (length < 0 || text->length >= MESSAGE_OCTETS)
        abort();
}

static void add_body(struct text *text, bool body)
{
    if (body)
        add(text, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(compose_body),
            compose_body);
    else
        add(text, "Content-Length: 0\r\n\r\n");
}

static void identify(const struct holder *holder, const struct call *call, struct identity *identity)
{
    identity_make(identity, holder->seed, call->number);
}

void compose_contact(const struct holder *holder, const struct call *call, enum side side, char *to)
{
    struct identity identity;
    identify(holder, call, &identity);
    snprintf(to, COMPOSE_VALUE, "sip:%s@%s", identity.user[side], holder->here[wire_of(call, side)]);
}

void compose_party(const struct holder *holder, const struct call *call, enum side side, char *to)
{
    struct identity identity;
    identify(holder, call, &identity);
    snprintf(to, COMPOSE_VALUE, "<sip:%s@%s>", identity.user[side],
             side == CALLER ? holder->here[0] : holder->dialgate[CALLER]);
}

void compose_branch(const struct holder *holder, const struct call *call, const struct asked *asked, char *to)
{
    struct identity identity;
    identify(holder, call, &identity);
    snprintf(to, COMPOSE_VALUE, "z9hG4bK%s%c%x%c", identity.branch, asked->by == CALLER ? 'r' : 'e',
             asked->cseq, "iabco"[asked->transaction]);
}

// 12.1.2: the callee's route set is the Record-Route as it came; 12.1.1: the caller's is its reverse.
static void add_routes(struct text *text, const char *routes, enum side by)
{
    const char *values[MESSAGE_ROUTES];
    unsigned count = 0;
    for (const char *at = routes; at != NULL && *at != '\0' && count < MESSAGE_ROUTES;
         at = strchr(at, '\n') + 1)
        values[count++] = at;
    for (unsigned i = 0; i < count; i++) {
        const char *value = values[by == CALLER ? count - 1 - i : i];
        add(text, "Route: %.*s\r\n", (int)(strchr(value, '\n') - value), value);
    }
}

size_t compose_request(const struct holder *holder, const struct call *call, const struct asked *asked,
                       char *to)
{
    struct text text = {to, 0};
    struct identity identity;
    char uri[COMPOSE_VALUE], contact[COMPOSE_VALUE], branch[COMPOSE_VALUE], from[COMPOSE_VALUE],
        party[COMPOSE_VALUE];
    bool inside = call->confirmed || asked->by == CALLEE;
    struct span to_tag = asked->to_tag;
    identify(holder, call, &identity);
    compose_branch(holder, call, asked, branch);
    compose_contact(holder, call, asked->by, contact);
    compose_party(holder, call, asked->by, from);
    compose_party(holder, call, far_side(asked->by), party);
    if (inside)
        compose_contact(holder, call, far_side(asked->by), uri);
    else
        snprintf(uri, sizeof(uri), "sip:%s@%s", identity.user[CALLEE], holder->dialgate[CALLER]);
    if (inside && to_tag.length == 0)
        to_tag = (struct span){identity.tag[far_side(asked->by)], 16};
    add(&text, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\n",
        method_names[asked->method], uri, holder->here[wire_of(call, asked->by)], branch);
    if (inside)
        add_routes(&text, call->routes, asked->by);
    add(&text, "From: %s;tag=%s\r\nTo: %s%s%.*s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", from,
        identity.tag[asked->by], party, to_tag.length > 0 ? ";tag=" : "", (int)to_tag.length,
        to_tag.length > 0 ? to_tag.at : "", identity.call_id, asked->cseq, method_names[asked->method]);
    if (asked->method == METHOD_INVITE)
        add(&text, "Contact: <%s>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n", contact);
    add_body(&text, asked->method == METHOD_INVITE);
    return text.length;
}

static const char *reason(unsigned status)
{
    return status == 180   ? "Ringing"
           : status == 200 ? "OK"
           : status == 482 ? "Loop Detected"
                           : "Request Terminated";
}

size_t compose_answer(const struct holder *holder, const struct call *call, const struct answer *answer,
                      char *to)
{
    const struct message *request = answer->request;
    struct text text = {to, 0};
    struct identity identity;
    char contact[COMPOSE_VALUE];
    bool target = request->method == METHOD_INVITE && answer->status < 300;
    identify(holder, call, &identity);
    add(&text, "SIP/2.0 %u %s\r\n", answer->status, reason(answer->status));
    for (unsigned i = 0; i < request->via_count; i++)
        add(&text, "Via: %.*s\r\n", (int)request->vias[i].length, request->vias[i].at);
    for (unsigned i = 0; target && i < request->record_route_count; i++)
        add(&text, "Record-Route: %.*s\r\n", (int)request->record_routes[i].length,
            request->record_routes[i].at);
    add(&text, "From: %.*s;tag=%.*s\r\nTo: %.*s;tag=%s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n",
        (int)request->from.length, request->from.at, (int)request->from_tag.length, request->from_tag.at,
        (int)request->to.length, request->to.at, identity.tag[answer->at], (int)request->call_id.length,
        request->call_id.at, request->cseq, method_names[request->method]);
    if (target) {
        compose_contact(holder, call, answer->at, contact);
        add(&text, "Contact: <%s>\r\n", contact);
    }
    add_body(&text, request->method == METHOD_INVITE && answer->status == 200);
    return text.length;
}
