// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

#include <string.h>

struct call *check_call(struct holder *holder, const struct message *message, const char *octets)
{
    struct identity identity = {.call_id = ""};
    uint32_t number = 0;
    if (identity_number(message->call_id.at, message->call_id.length, &number))
        identity_make(&identity, holder->seed, number);
    if (!span_is(message->call_id, identity.call_id)) {
        tally_finding(&holder->tally, FINDING_UNKNOWN_CALL, octets);
        return NULL;
    }
    struct call *call = calls_find(&holder->calls, number);
    if (call == NULL)
        tally_count(&holder->tally, TALLY_LATE);
    return call;
}

// From and To of a request by BY and of its response; TAGGED: To has the tag of the far end.
static bool parties(const struct holder *holder, const struct call *call, enum side by,
                    const struct message *message, bool tagged)
{
    struct identity identity;
    char from[COMPOSE_VALUE], to[COMPOSE_VALUE];
    identity_make(&identity, holder->seed, call->number);
    compose_party(holder, call, by, from);
    compose_party(holder, call, far_side(by), to);
    return span_is(message->from, from) && span_is(message->to, to) &&
           span_is(message->from_tag, identity.tag[by]) &&
           span_is(message->to_tag, tagged ? identity.tag[far_side(by)] : "");
}

static bool begins_with(struct span span, const char *prefix, const char *rest)
{
    size_t length = strlen(prefix), rest_length = strlen(rest);
    return span.length >= length + rest_length && memcmp(span.at, prefix, length) == 0 &&
           memcmp(span.at + length, rest, rest_length) == 0;
}

// Dialgate's Via above the sender's.
static bool vias(const struct holder *holder, const struct call *call, const struct asked *asked,
                 const struct message *message)
{
    char branch[COMPOSE_VALUE];
    if (message->via_count != 2 ||
        !begins_with(message->vias[0], "SIP/2.0/UDP ", holder->dialgate[far_side(asked->by)]) ||
        !begins_with(message->vias[1], "SIP/2.0/UDP ", holder->here[wire_of(call, asked->by)]))
        return false;
    compose_branch(holder, call, asked, branch);
    return memmem(message->vias[1].at, message->vias[1].length, branch, strlen(branch)) != NULL;
}

static bool record_routes(const struct holder *holder, const struct message *message)
{
    unsigned count = message->record_route_count;
    return count > 0 && begins_with(message->record_routes[0], "<sip:", holder->dialgate[CALLEE]) &&
           begins_with(message->record_routes[count - 1], "<sip:", holder->dialgate[CALLER]);
}

static bool contact(const struct holder *holder, const struct call *call, enum side side,
                    const struct message *message)
{
    char wanted[COMPOSE_VALUE];
    compose_contact(holder, call, side, wanted);
    return span_is(message->contact, wanted);
}

static bool request_uri(const struct holder *holder, const struct call *call, const struct asked *asked,
                        const struct message *message)
{
    char wanted[COMPOSE_VALUE];
    if (call->confirmed || asked->by == CALLEE) {
        compose_contact(holder, call, far_side(asked->by), wanted);
        return span_is(message->uri, wanted);
    }
    // The callee's address of record is the URI that was called.
    compose_party(holder, call, CALLEE, wanted);
    return message->uri.length + 2 == strlen(wanted) &&
           memcmp(message->uri.at, wanted + 1, message->uri.length) == 0;
}

enum finding check_request(const struct holder *holder, const struct call *call, const struct asked *asked,
                           const struct message *message)
{
    bool outside = asked->method == METHOD_INVITE && !call->confirmed;
    if (!parties(holder, call, asked->by, message, !outside))
        return FINDING_PARTIES;
    if (message->cseq != asked->cseq)
        return FINDING_NOT_SENT;
    if (!request_uri(holder, call, asked, message))
        return FINDING_REQUEST_URI;
    if (message->route_count != 0)
        return FINDING_ROUTE;
    if (!vias(holder, call, asked, message))
        return FINDING_VIA;
    if (message->max_forwards != 69)
        return FINDING_MAX_FORWARDS;
    if (outside && !record_routes(holder, message))
        return FINDING_RECORD_ROUTE;
    if (asked->method != METHOD_INVITE)
        return message->body.length == 0 ? FINDING_NONE : FINDING_BODY;
    if (!contact(holder, call, asked->by, message))
        return FINDING_CONTACT;
    return span_is(message->body, compose_body) ? FINDING_NONE : FINDING_BODY;
}

enum finding check_hang_up(const struct holder *holder, const struct call *call, enum side by,
                           const struct message *message)
{
    struct asked asked = {.method = METHOD_BYE, .by = by};
    if (!parties(holder, call, by, message, true))
        return FINDING_PARTIES;
    if (!request_uri(holder, call, &asked, message))
        return FINDING_REQUEST_URI;
    if (message->route_count != 0)
        return FINDING_ROUTE;
    if (message->via_count != 1 ||
        !begins_with(message->vias[0], "SIP/2.0/UDP ", holder->dialgate[far_side(by)]))
        return FINDING_VIA;
    return message->body.length == 0 ? FINDING_NONE : FINDING_BODY;
}

// Record-Route of the response that makes the dialog: what the callee got, unchanged (RFC 5658 5).
static bool same_routes(const struct call *call, const struct message *message)
{
    const char *at = call->routes;
    for (unsigned i = 0; i < message->record_route_count; i++) {
        struct span value = message->record_routes[i];
        if (at == NULL || strncmp(at, value.at, value.length) != 0 || at[value.length] != '\n')
            return false;
        at += value.length + 1;
    }
    return at != NULL && *at == '\0';
}

enum finding check_response(const struct holder *holder, const struct call *call, const struct asked *asked,
                            const struct message *message)
{
    if (message->via_count != 1)
        return FINDING_VIA;
    if (!parties(holder, call, asked->by, message, true))
        return FINDING_PARTIES;
    if (asked->method != METHOD_INVITE || message->status >= 300)
        return FINDING_NONE;
    if (!contact(holder, call, far_side(asked->by), message))
        return FINDING_CONTACT;
    if (!call->confirmed && !same_routes(call, message))
        return FINDING_RECORD_ROUTE;
    return message->status == 180 || span_is(message->body, compose_body) ? FINDING_NONE : FINDING_BODY;
}
