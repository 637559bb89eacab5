// SPDX-License-Identifier: BSD-3-Clause
#include "call.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *dotted(uint32_t address)
{
    static char text[4][16];
    static unsigned next;
    char *out = text[next++ % 4];
    snprintf(out, sizeof(text[0]), "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
    return out;
}

static void init_side(struct side *side, const char *user, struct endpoint at)
{
    *side = (struct side){.at = at, .user = user, .cseq = 100, .via_parameters = ";rport"};
    snprintf(side->tag, sizeof(side->tag), "tag-%s", user);
    snprintf(side->target, sizeof(side->target), "sip:%s@%s:%u", user, dotted(wire_ipv4(at)), at.port);
}

static struct endpoint sbc_of(const struct wire *wire, const char *id)
{
    uint64_t hash = siphash13(&wire->parts[0].keys.table, id, strlen(id));
    const struct rules *rules = wire->published.rules;
    return rules_member(rules, IMAGE_SBCS, hash) == IMAGE_MEMBER_SBC1 ? wire_sbc1 : wire_sbc2;
}

void call_init(struct call *call, struct wire *wire, const char *id)
{
    memset(call, 0, sizeof(*call));
    call->wire = wire;
    snprintf(call->id, sizeof(call->id), "%s", id);
    init_side(&call->sides[DIALOG_CALLER], "alice", wire_carrier);
    init_side(&call->sides[DIALOG_CALLEE], "bob", sbc_of(wire, id));
}

void call_init_outward(struct call *call, struct wire *wire, const char *id)
{
    call_init(call, wire, id);
    init_side(&call->sides[DIALOG_CALLER], "bob", wire_sbc1);
    init_side(&call->sides[DIALOG_CALLEE], "alice", wire_carrier);
}

const char *header_of(const struct wire_packet *packet, const char *name)
{
    static char values[8][WIRE_TEXT_MAX];
    static unsigned next;
    char *out = values[next++ % 8];
    size_t length = strlen(name), used = 0;
    out[0] = '\0';
    for (const char *line = strstr(packet->text, "\r\n"); line != NULL && line[2] != '\r';
         line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        if (strncasecmp(at, name, length) != 0 || at[length] != ':')
            continue;
        at += length + 1;
        at += strspn(at, " ");
        used += (size_t)snprintf(out + used, WIRE_TEXT_MAX - used, "%s%.*s", used > 0 ? "|" : "",
                                 (int)strcspn(at, "\r"), at);
    }
    return out;
}

bool starts(const struct wire_packet *packet, const char *text)
{
    return strncmp(packet->text, text, strlen(text)) == 0;
}

static void put_request(struct call *call, enum dialog_side from, const char *method,
                        char text[WIRE_TEXT_MAX])
{
    const struct side *us = &call->sides[from], *them = &call->sides[1 - from];
    bool first = call->invite.length == 0;
    char to_tag[48] = "", target[160];
    if (!first)
        snprintf(to_tag, sizeof(to_tag), ";tag=%s", them->tag);
    snprintf(target, sizeof(target), first ? "sip:%s@10.10.0.10" : "%s", first ? them->user : them->target);
    snprintf(text, WIRE_TEXT_MAX,
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bK-%s-%s-%u%s\r\n%sMax-Forwards: 70\r\n"
             "From: \"%s\" <sip:%s@%s>;tag=%s\r\nTo: <sip:%s@10.10.0.10>%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
             "Contact: <%s>\r\n%sContent-Length: 0\r\n\r\n",
             method, target, dotted(wire_ipv4(us->at)), us->at.port, call->id, us->user, call->branch,
             us->via_parameters, us->routes, us->user, us->user, dotted(wire_ipv4(us->at)), us->tag,
             them->user, to_tag, call->id, us->cseq, method, us->target,
             call->extra != NULL ? call->extra : "");
}

void call_invite_text(struct call *call, char text[WIRE_TEXT_MAX])
{
    call->invite.length = 0;
    put_request(call, DIALOG_CALLER, "INVITE", text);
}

void call_invite(struct call *call)
{
    char text[WIRE_TEXT_MAX];
    call_invite_text(call, text);
    wire_send(call->wire, call->sides[DIALOG_CALLER].at, text);
    struct wire_packet trying = wire_take(call->wire, call->sides[DIALOG_CALLER].at);
    assert_starts(&trying, "SIP/2.0 100 Trying\r\n");
    call->invite = wire_take(call->wire, call->sides[DIALOG_CALLEE].at);
    assert_starts(&call->invite, "INVITE ");
}

// Lines of the request that a response repeats (8.2.6.2, 12.1.1).
static uint32_t copy_lines(const struct wire_packet *request, const char *tag, char *out)
{
    static const char *const names[] = {"Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:"};
    uint32_t used = 0;
    for (const char *line = strstr(request->text, "\r\n"); line != NULL && line[2] != '\r';
         line = strstr(line + 2, "\r\n")) {
        int length = (int)strcspn(line + 2, "\r");
        for (unsigned i = 0; i < RTE_DIM(names); i++) {
            if (strncasecmp(line + 2, names[i], strlen(names[i])) != 0)
                continue;
            bool tagged = i != 3 || request->message.to_tag.length > 0 || tag[0] == '\0';
            used += (uint32_t)snprintf(out + used, WIRE_TEXT_MAX - used, "%.*s%s%s\r\n", length, line + 2,
                                       tagged ? "" : ";tag=", tagged ? "" : tag);
        }
    }
    return used;
}

void call_respond(struct call *call, const struct wire_packet *request, const char *status, const char *tag)
{
    char text[WIRE_TEXT_MAX], lines[WIRE_TEXT_MAX];
    const struct side *us = &call->sides[endpoint_equal(request->to, call->sides[0].at) ? 0 : 1];
    copy_lines(request, tag, lines);
    assert_true((size_t)snprintf(text, sizeof(text),
                                 "SIP/2.0 %s\r\n%sContact: <%s>\r\n%sContent-Length: 0\r\n\r\n", status,
                                 lines, us->target, call->extra != NULL ? call->extra : "") < sizeof(text));
    wire_send(call->wire, request->to, text);
}

// The caller has the Record-Routes reversed (12.1.2), the callee in their order (12.1.1).
static void learn_routes(struct side *side, const struct wire_packet *packet, bool reversed)
{
    const uint8_t *octets = (const uint8_t *)packet->text; // message.octets is where the packet was before
    char lines[16][256];
    unsigned n = 0;
    for (uint8_t field = packet->message.first[HEADER_RECORD_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(&packet->message, field)) {
        uint32_t at = 0;
        struct address address;
        while (address_next(octets, packet->message.headers[field].value, &at, &address) == 1)
            snprintf(lines[n++], sizeof(lines[0]), "Route: %.*s\r\n", address.whole.length,
                     packet->text + address.whole.offset);
    }
    side->routes[0] = '\0';
    int used = 0;
    for (unsigned i = 0; i < n; i++)
        used += snprintf(side->routes + used, sizeof(side->routes) - (size_t)used, "%s",
                         lines[reversed ? n - 1 - i : i]);
    assert_true((size_t)used < sizeof(side->routes));
}

void call_learn(struct call *call)
{
    learn_routes(&call->sides[DIALOG_CALLER], &call->answer, true);
    learn_routes(&call->sides[DIALOG_CALLEE], &call->invite, false);
}

void call_answer(struct call *call, const char *status)
{
    call_respond(call, &call->invite, status, call->sides[DIALOG_CALLEE].tag);
    call->answer = wire_take(call->wire, call->sides[DIALOG_CALLER].at);
    if (status[0] == '2' || strncmp(status, "18", 2) == 0)
        call_learn(call);
}

void call_request_text(struct call *call, enum dialog_side from, const char *method, char text[WIRE_TEXT_MAX])
{
    call->branch++;
    if (strcmp(method, "ACK") != 0)
        call->sides[from].cseq++;
    put_request(call, from, method, text);
}

struct wire_packet call_request(struct call *call, enum dialog_side from, const char *method)
{
    char text[WIRE_TEXT_MAX];
    call_request_text(call, from, method, text);
    wire_send(call->wire, call->sides[from].at, text);
    if (strcmp(method, "INVITE") == 0) {
        struct wire_packet trying = wire_take(call->wire, call->sides[from].at);
        assert_starts(&trying, "SIP/2.0 100 ");
    }
    struct wire_packet packet = wire_take(call->wire, call->sides[1 - from].at);
    assert_starts(&packet, method);
    return packet;
}

void call_send(struct call *call, enum dialog_side from, const char *method, char text[WIRE_TEXT_MAX])
{
    call_request_text(call, from, method, text);
    wire_send(call->wire, call->sides[from].at, text);
    if (strcmp(method, "INVITE") == 0)
        call_take(call, from, "SIP/2.0 100 ");
}

struct wire_packet call_take(struct call *call, enum dialog_side at, const char *text)
{
    struct wire_packet packet = wire_take(call->wire, call->sides[at].at);
    assert_starts(&packet, text);
    return packet;
}

struct wire_packet call_ack(struct call *call, enum dialog_side from, uint32_t cseq)
{
    uint32_t last = call->sides[from].cseq;
    call->sides[from].cseq = cseq;
    struct wire_packet ack = call_request(call, from, "ACK");
    call->sides[from].cseq = last;
    return ack;
}

void call_hop(struct call *call, enum dialog_side from, const char *method, const char *invite)
{
    char text[WIRE_TEXT_MAX];
    const char *cseq = strstr(invite, " INVITE\r\n");
    assert_int_equal(strncmp(invite, "INVITE ", 7), 0);
    assert_non_null(cseq);
    snprintf(text, sizeof(text), "%s %.*s %s%s", method, (int)(cseq - invite - 7), invite + 7, method,
             cseq + 7);
    wire_send(call->wire, call->sides[from].at, text);
}

void call_establish(struct call *call)
{
    call_invite(call);
    call_answer(call, "180 Ringing");
    assert_starts(&call->answer, "SIP/2.0 180 ");
    call_answer(call, "200 OK");
    assert_starts(&call->answer, "SIP/2.0 200 ");
    call_request(call, DIALOG_CALLER, "ACK");
    wire_expect_silence(call->wire);
}

void call_hang_up(struct call *call, enum dialog_side from)
{
    struct wire_packet bye = call_request(call, from, "BYE");
    call_respond(call, &bye, "200 OK", "");
    struct wire_packet done = wire_take(call->wire, call->sides[from].at);
    assert_starts(&done, "SIP/2.0 200 ");
    assert_int_equal(done.message.method, METHOD_BYE);
    wire_expect_silence(call->wire);
}

// A hop-by-hop request for the INVITE: its Via, From, Call-ID, CSeq number.
static void send_for_invite(struct call *call, const char *method, const char *to)
{
    char text[WIRE_TEXT_MAX];
    const struct side *us = &call->sides[DIALOG_CALLER], *them = &call->sides[DIALOG_CALLEE];
    snprintf(text, sizeof(text),
             "%s sip:%s@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP "
             "%s:%u;branch=z9hG4bK-%s-%s-%u%s\r\nMax-Forwards: 70\r\n"
             "From: \"%s\" <sip:%s@%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%sContent-Length: "
             "0\r\n\r\n",
             method, them->user, dotted(wire_ipv4(us->at)), us->at.port, call->id, us->user, call->branch,
             us->via_parameters, us->user, us->user, dotted(wire_ipv4(us->at)), us->tag, to, call->id,
             us->cseq, method, call->extra != NULL ? call->extra : "");
    wire_send(call->wire, us->at, text);
}

void call_ack_refusal(struct call *call)
{
    send_for_invite(call, "ACK", header_of(&call->answer, "To"));
}

void call_cancel(struct call *call)
{
    char to[128];
    snprintf(to, sizeof(to), "<sip:%s@10.10.0.10>", call->sides[DIALOG_CALLEE].user);
    send_for_invite(call, "CANCEL", to);
}

uint32_t call_expect(const struct call *call, enum dialog_state state)
{
    const struct dialogs *dialogs = &call->wire->workers[0]->dialogs;
    struct dialog_string id = {call->id, (uint32_t)strlen(call->id)};
    uint64_t hash = siphash13(&call->wire->parts[0].keys.table, id.octets, id.length);
    uint32_t found[DIALOGS_OF_CALL_MAX];
    assert_int_equal(dialog_find_call(dialogs, hash, id, found, DIALOGS_OF_CALL_MAX), 1);
    assert_int_equal(dialogs->by_state[state], 1);
    assert_int_equal(dialogs->count, 1);
    return found[0];
}

void call_expect_gone(const struct call *call)
{
    assert_int_equal(call->wire->workers[0]->dialogs.count, 0);
}
