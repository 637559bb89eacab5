// SPDX-License-Identifier: BSD-3-Clause
// Texts are put together by copying: printf would take longer than all else that is done for a message.
#include "compose.h"

static void add(struct text *text, const char *octets, size_t length)
{
    text->full |= length > text->room - text->length;
    if (text->full)
        return;
    memcpy(text->octets + text->length, octets, length);
    text->length += length;
}

static void add_text(struct text *text, const char *string)
{
    add(text, string, strlen(string));
}

static void add_number(struct text *text, uint32_t number)
{
    char digits[10];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    add(text, digits + at, sizeof(digits) - at);
}

// In three forms, as calls of different user agents have.
void compose_call_id(const struct scene *scene, uint32_t number, struct text *text)
{
    struct identity identity;
    identity_make(&identity, scene->seed, number);
    const struct place *caller = &scene->sides[CALLER][scene_caller(scene, number)];
    size_t host = strcspn(caller->text, ":");
    switch ((number >> 4) % 3) {
    case 0:
        add(text, identity.call_id, 36);
        return;
    case 1:
        add(text, identity.call_id, 36);
        break;
    default:
        add(text, identity.call_id, 18);
        break;
    }
    add_text(text, "@");
    add(text, caller->text, host);
}

static const char *place_of(const struct scene *scene, const struct call *call, enum side side)
{
    return side == CALLER ? scene->sides[CALLER][scene_caller(scene, call->number)].text
                          : scene->sides[CALLEE][call->callee].text;
}

static void add_via(const struct scene *scene, const struct call *call, const struct asked *asked,
                    const struct identity *identity, struct text *text)
{
    add_text(text, "SIP/2.0/UDP ");
    add_text(text, place_of(scene, call, asked->by));
    add_text(text, ";branch=z9hG4bK");
    add(text, identity->branch, 16);
    add(text, &(asked->by == CALLER ? "iabco" : "IABCO")[asked->transaction], 1);
    add_number(text, asked->cseq);
}

void compose_via(const struct scene *scene, const struct call *call, const struct asked *asked,
                 struct text *text)
{
    struct identity identity;
    identity_make(&identity, scene->seed, call->number);
    add_via(scene, call, asked, &identity, text);
}

static void add_contact(const struct scene *scene, const struct call *call, enum side side,
                        const struct identity *identity, struct text *text)
{
    add_text(text, "sip:");
    add(text, identity->user[side], 13);
    add_text(text, "@");
    add_text(text, place_of(scene, call, side));
    add_text(text, ";transport=udp");
}

void compose_contact(const struct scene *scene, const struct call *call, enum side side, struct text *text)
{
    struct identity identity;
    identity_make(&identity, scene->seed, call->number);
    add_contact(scene, call, side, &identity, text);
}

static void add_called(const struct scene *scene, const struct identity *identity, struct text *text)
{
    add_text(text, "sip:");
    add(text, identity->user[CALLEE], 13);
    add_text(text, "@");
    add_text(text, scene->proxy[CALLER].text);
}

void compose_called(const struct scene *scene, const struct call *call, struct text *text)
{
    struct identity identity;
    identity_make(&identity, scene->seed, call->number);
    add_called(scene, &identity, text);
}

static void add_party(const struct scene *scene, const struct call *call, enum side side,
                      const struct identity *identity, struct text *text)
{
    if (side == CALLEE) {
        add_text(text, "<");
        add_called(scene, identity, text);
    } else {
        add_text(text, "\"Caller\" <sip:");
        add(text, identity->user[CALLER], 13);
        add_text(text, "@");
        add_text(text, place_of(scene, call, CALLER));
    }
    add_text(text, ">");
}

void compose_party(const struct scene *scene, const struct call *call, enum side side, struct text *text)
{
    struct identity identity;
    identity_make(&identity, scene->seed, call->number);
    add_party(scene, call, side, &identity, text);
}

// Its origin line tells each call's description from every other's.
void compose_body(const struct scene *scene, const struct call *call, enum side by, struct text *text)
{
    const char *place = by == CALLER ? "192.0.2.17" : "198.51.100.61";
    add_text(text, "v=0\r\no=- ");
    add_number(text, call->number);
    add_text(text, " 2353687637 IN IP4 ");
    add_text(text, place);
    add_text(text, "\r\ns=-\r\nc=IN IP4 ");
    add_text(text, place);
    add_text(text,
             "\r\nt=0 0\r\nm=audio 16384 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
             "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n");
}

static void add_session(const struct scene *scene, const struct call *call, enum side by, struct text *text)
{
    char octets[COMPOSE_OCTETS];
    struct text body = {octets, 0, sizeof(octets), false};
    compose_body(scene, call, by, &body);
    add_text(text, "Content-Type: application/sdp\r\nContent-Length: ");
    add_number(text, (uint32_t)body.length);
    add_text(text, "\r\n\r\n");
    add(text, body.octets, body.length);
}

// Kept values as header lines.
static void add_lines(struct text *text, const char *name, struct span kept)
{
    for (const char *at = kept.at, *end = kept.at + kept.length; at < end;) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        add_text(text, name);
        add(text, at, (size_t)(next - at));
        add_text(text, "\r\n");
        at = next + 1;
    }
}

// The caller's route set is the Record-Route in reverse (12.1.2), the callee's as it came (12.1.1).
static void add_route_set(struct text *text, const struct call *call, enum side by)
{
    if (by == CALLEE) {
        add_lines(text, "Route: ", (struct span){call->routes, call->routes_length});
        return;
    }
    for (size_t end = call->routes_length; end > 0;) {
        size_t begin = end - 1;
        while (begin > 0 && call->routes[begin - 1] != '\n')
            begin--;
        add_text(text, "Route: ");
        add(text, call->routes + begin, end - 1 - begin);
        add_text(text, "\r\n");
        end = begin;
    }
}

// Inside the dialog, as who asks sees it: a CANCEL and the ACK to a refusal are the INVITE's.
static bool inside(const struct asked *asked)
{
    return asked->by == CALLEE || asked->cseq > 1 ||
           (asked->method == METHOD_ACK && asked->transaction == METHOD_ACK);
}

size_t compose_request(const struct scene *scene, const struct call *call, const struct asked *asked,
                       char *to)
{
    struct text text = {to, 0, COMPOSE_OCTETS, false};
    struct identity identity;
    struct span to_tag = asked->to_tag;
    identity_make(&identity, scene->seed, call->number);
    add_text(&text, method_names[asked->method]);
    add_text(&text, " ");
    if (inside(asked)) {
        add_contact(scene, call, far_side(asked->by), &identity, &text);
        to_tag = (struct span){identity.tag[far_side(asked->by)], 16};
    } else {
        add_called(scene, &identity, &text);
    }
    add_text(&text, " SIP/2.0\r\nVia: ");
    add_via(scene, call, asked, &identity, &text);
    add_text(&text, ";rport\r\n");
    if (inside(asked))
        add_route_set(&text, call, asked->by);
    add_text(&text, "Max-Forwards: 70\r\nFrom: ");
    add_party(scene, call, asked->by, &identity, &text);
    add_text(&text, ";tag=");
    add(&text, identity.tag[asked->by], 16);
    add_text(&text, "\r\nTo: ");
    add_party(scene, call, far_side(asked->by), &identity, &text);
    if (to_tag.length > 0) {
        add_text(&text, ";tag=");
        add(&text, to_tag.at, to_tag.length);
    }
    add_text(&text, "\r\nCall-ID: ");
    compose_call_id(scene, call->number, &text);
    add_text(&text, "\r\nCSeq: ");
    add_number(&text, asked->cseq);
    add_text(&text, " ");
    add_text(&text, method_names[asked->method]);
    add_text(&text, "\r\n");
    if (asked->method != METHOD_INVITE) {
        add_text(&text, "Content-Length: 0\r\n\r\n");
        return text.full ? 0 : text.length;
    }
    add_text(&text, "Contact: <");
    add_contact(scene, call, CALLER, &identity, &text);
    add_text(&text, ">\r\nUser-Agent: callgen\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE\r\n"
                    "Supported: replaces\r\n");
    add_session(scene, call, CALLER, &text);
    return text.full ? 0 : text.length;
}

static const char *status_line(unsigned status)
{
    switch (status) {
    case 180:
        return "SIP/2.0 180 Ringing\r\n";
    case 200:
        return "SIP/2.0 200 OK\r\n";
    case 486:
        return "SIP/2.0 486 Busy Here\r\n";
    default:
        return "SIP/2.0 487 Request Terminated\r\n";
    }
}

size_t compose_answer(const struct scene *scene, const struct call *call, const struct answer *answer,
                      char *to)
{
    struct text text = {to, 0, COMPOSE_OCTETS, false};
    struct identity identity;
    bool target = answer->method == METHOD_INVITE && answer->status < 300;
    identity_make(&identity, scene->seed, call->number);
    add_text(&text, status_line(answer->status));
    add_lines(&text, "Via: ", answer->vias);
    if (target && answer->cseq == 1)
        add_lines(&text, "Record-Route: ", (struct span){call->routes, call->routes_length});
    add_text(&text, "From: ");
    add_party(scene, call, far_side(answer->by), &identity, &text);
    add_text(&text, ";tag=");
    add(&text, identity.tag[far_side(answer->by)], 16);
    add_text(&text, "\r\nTo: ");
    add_party(scene, call, answer->by, &identity, &text);
    add_text(&text, ";tag=");
    add(&text, identity.tag[answer->by], 16);
    add_text(&text, "\r\nCall-ID: ");
    compose_call_id(scene, call->number, &text);
    add_text(&text, "\r\nCSeq: ");
    add_number(&text, answer->cseq);
    add_text(&text, " ");
    add_text(&text, method_names[answer->method]);
    add_text(&text, "\r\n");
    if (target) {
        add_text(&text, "Contact: <");
        add_contact(scene, call, CALLEE, &identity, &text);
        add_text(&text, ">\r\n");
    }
    if (target && answer->status == 200)
        add_session(scene, call, CALLEE, &text);
    else
        add_text(&text, "Content-Length: 0\r\n\r\n");
    return text.full ? 0 : text.length;
}
