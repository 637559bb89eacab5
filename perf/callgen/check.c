// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

static bool is(struct span span, const struct text *text)
{
    return span_equal(span, (struct span){text->octets, text->length});
}

bool check_call_id(const struct scene *scene, struct span call_id, uint32_t *number)
{
    char octets[COMPOSE_VALUE];
    struct text whole = {octets, 0, sizeof(octets), false};
    if (!compose_number(call_id, number))
        return false;
    compose_call_id(scene, *number, &whole);
    return is(call_id, &whole);
}

static bool party(const struct scene *scene, const struct call *call, enum side side, struct span found)
{
    char octets[COMPOSE_VALUE];
    struct text wanted = {octets, 0, sizeof(octets), false};
    compose_party(scene, call, side, &wanted);
    return is(found, &wanted);
}

enum tagged { TAG_NONE, TAG_ANY, TAG_FAR };

// From and To of a request by this side, and of its response.
static bool parties(const struct scene *scene, const struct call *call, enum side by,
                    const struct message *message, enum tagged tagged)
{
    struct identity identity;
    identity_make(&identity, scene->seed, call->number);
    if (!party(scene, call, by, message->from) || !party(scene, call, far_side(by), message->to) ||
        !span_equal(message->from_tag, (struct span){identity.tag[by], 16}))
        return false;
    return tagged == TAG_ANY || span_equal(message->to_tag, (struct span){identity.tag[far_side(by)],
                                                                          tagged == TAG_NONE ? 0 : 16});
}

static bool begins(struct span span, const char *text)
{
    return span_begins(span, (struct span){text, strlen(text)});
}

// As it was sent, in which received and a value of rport may have been set, in any place (18.2.1, RFC 3581
// 4).
static bool via(const struct scene *scene, const struct call *call, const struct asked *asked,
                struct span found)
{
    char octets[COMPOSE_VALUE];
    struct text sent = {octets, 0, sizeof(octets), false};
    bool same = false;
    compose_via(scene, call, asked, &sent);
    size_t sent_by = (size_t)((const char *)memchr(octets, ';', sent.length) - octets);
    struct span branch = {octets + sent_by, sent.length - sent_by};
    if (!span_begins(found, (struct span){octets, sent_by}))
        return false;
    for (size_t at = sent_by; at < found.length;) {
        const char *end = memchr(found.at + at + 1, ';', found.length - at - 1);
        size_t length = end == NULL ? found.length - at : (size_t)(end - (found.at + at));
        struct span parameter = {found.at + at, length};
        if (span_equal(parameter, branch))
            same = true;
        else if (!begins(parameter, ";rport") && !begins(parameter, ";received="))
            return false;
        at += length;
    }
    return same;
}

static bool by_proxy(const struct scene *scene, enum side side, struct span value, const char *prefix)
{
    size_t length = strlen(prefix), host = strcspn(scene->proxy[side].text, ":");
    return value.length >= length + host && memcmp(value.at, prefix, length) == 0 &&
           memcmp(value.at + length, scene->proxy[side].text, host) == 0;
}

static enum finding request_vias(const struct scene *scene, const struct call *call,
                                 const struct asked *asked, const struct message *message)
{
    const struct values *vias = &message->vias;
    if (vias->count != (scene->direct ? 1 : 2) || !via(scene, call, asked, vias->list[vias->count - 1]))
        return FINDING_VIA;
    if (!scene->direct && !by_proxy(scene, far_side(asked->by), vias->list[0], "SIP/2.0/UDP "))
        return FINDING_VIA;
    return message->max_forwards == (scene->direct ? 70 : 69) ? FINDING_NONE : FINDING_MAX_FORWARDS;
}

// The value nearest to the callee is the proxy's on its side, the last one that on the caller's (RFC 5658).
static bool record_routes(const struct scene *scene, const struct message *message)
{
    const struct values *values = &message->record_routes;
    if (scene->direct)
        return values->count == 0;
    return values->count > 0 && by_proxy(scene, CALLEE, values->list[0], "<sip:") &&
           by_proxy(scene, CALLER, values->list[values->count - 1], "<sip:");
}

static enum finding check_target(const struct scene *scene, const struct call *call, enum side side,
                                 const struct message *message)
{
    char contact_octets[COMPOSE_VALUE], body_octets[COMPOSE_OCTETS];
    struct text contact = {contact_octets, 0, sizeof(contact_octets), false};
    struct text body = {body_octets, 0, sizeof(body_octets), false};
    compose_contact(scene, call, side, &contact);
    compose_body(scene, call, side, &body);
    if (!is(message->contact, &contact))
        return FINDING_CONTACT;
    return is(message->body, &body) ? FINDING_NONE : FINDING_BODY;
}

enum finding check_request(const struct scene *scene, const struct call *call, const struct asked *asked,
                           const struct message *message)
{
    char uri_octets[COMPOSE_VALUE];
    struct text uri = {uri_octets, 0, sizeof(uri_octets), false};
    bool inside = asked->by == CALLEE || asked->cseq > 1 || asked->method == METHOD_ACK;
    if (message->cseq != asked->cseq)
        return FINDING_CSEQ;
    if (!parties(scene, call, asked->by, message, inside ? TAG_FAR : TAG_NONE))
        return FINDING_PARTIES;
    if (inside)
        compose_contact(scene, call, far_side(asked->by), &uri);
    else
        compose_called(scene, call, &uri);
    if (!is(message->uri, &uri))
        return FINDING_REQUEST_URI;
    enum finding finding = request_vias(scene, call, asked, message);
    if (finding != FINDING_NONE)
        return finding;
    if (message->routes.count != 0)
        return FINDING_ROUTE;
    if (asked->method != METHOD_INVITE)
        return message->body.length == 0 ? FINDING_NONE : FINDING_BODY;
    if (!inside && !record_routes(scene, message))
        return FINDING_RECORD_ROUTE;
    return check_target(scene, call, CALLER, message);
}

enum finding check_hop(const struct scene *scene, const struct call *call, const struct message *message)
{
    if (message->cseq != 1)
        return FINDING_CSEQ;
    if (!parties(scene, call, CALLER, message, message->method == METHOD_ACK ? TAG_FAR : TAG_NONE))
        return FINDING_PARTIES;
    if (message->vias.count != 1 ||
        !span_equal(message->branch, (struct span){call->branch, strlen(call->branch)}))
        return FINDING_VIA;
    return message->body.length == 0 ? FINDING_NONE : FINDING_BODY;
}

enum finding check_response(const struct scene *scene, const struct call *call, const struct asked *asked,
                            const struct message *message, bool far)
{
    if (message->vias.count != 1 || !via(scene, call, asked, message->vias.list[0]))
        return FINDING_VIA;
    if (!parties(scene, call, asked->by, message, far ? TAG_FAR : TAG_ANY))
        return FINDING_PARTIES;
    if (!far || asked->method != METHOD_INVITE || message->status >= 300)
        return FINDING_NONE;
    if (asked->cseq == 1 && !calls_same(call->routes, call->routes_length, &message->record_routes))
        return FINDING_RECORD_ROUTE;
    if (message->status == 200)
        return check_target(scene, call, CALLEE, message);
    char octets[COMPOSE_VALUE];
    struct text contact = {octets, 0, sizeof(octets), false};
    compose_contact(scene, call, CALLEE, &contact);
    return is(message->contact, &contact) && message->body.length == 0 ? FINDING_NONE : FINDING_CONTACT;
}
