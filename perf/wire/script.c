// SPDX-License-Identifier: BSD-3-Clause
#include "script.h"
#include <string.h>

#define SLOT_FACTOR  0x9e3779b1u // odd: the product tells its factor
#define SLOT_INVERSE 0x0e8b2f51u
#define STYLES       4u

enum line {
    LINE_END,
    LINE_VIA,
    LINE_ROUTE,
    LINE_MAX_FORWARDS,
    LINE_FROM,
    LINE_TO,
    LINE_CALL_ID,
    LINE_CSEQ,
    LINE_CONTACT,
    LINE_ALLOW,
    LINE_SUPPORTED,
    LINE_AGENT,
    LINE_DATE,
    LINE_SESSION,
    LINE_IDENTITY,
    LINE_TYPE,
    LINE_LENGTH
};
#define LINES_MAX 18u

// A user agent's way to write: four callers, four callees.
struct style {
    uint8_t order[LINES_MAX];
    uint8_t vias; // of a caller's request: its own, and those of whom it heads
    const char *tag, *agent, *allow, *supported;
};

static const struct style styles[2][STYLES] = {
    {{{LINE_VIA, LINE_ROUTE, LINE_MAX_FORWARDS, LINE_FROM, LINE_TO, LINE_CALL_ID, LINE_CSEQ, LINE_CONTACT,
       LINE_ALLOW, LINE_SUPPORTED, LINE_AGENT, LINE_TYPE, LINE_LENGTH},
      2,
      "gK0",
      "User-Agent: Desk/4.10 (build 22.0916.r4)\r\n",
      "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO\r\n",
      "Supported: timer, 100rel, replaces\r\n"},
     {{LINE_VIA, LINE_FROM, LINE_TO, LINE_DATE, LINE_CALL_ID, LINE_SUPPORTED, LINE_AGENT, LINE_ALLOW,
       LINE_CSEQ, LINE_MAX_FORWARDS, LINE_ROUTE, LINE_CONTACT, LINE_SESSION, LINE_TYPE, LINE_LENGTH},
      1,
      "6B4A2D18-",
      "User-Agent: Gateway-SIP/12.x\r\n",
      "Allow: INVITE, OPTIONS, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, REGISTER\r\n",
      "Supported: 100rel,timer,resource-priority,replaces,sdp-anat\r\n"},
     {{LINE_VIA, LINE_MAX_FORWARDS, LINE_ROUTE, LINE_FROM, LINE_TO, LINE_CONTACT, LINE_CALL_ID, LINE_CSEQ,
       LINE_AGENT, LINE_DATE, LINE_ALLOW, LINE_SUPPORTED, LINE_TYPE, LINE_LENGTH},
      2,
      "as",
      "User-Agent: Branch PBX 16.28.0\r\n",
      "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE\r\n",
      "Supported: replaces, timer\r\n"},
     {{LINE_VIA, LINE_ROUTE, LINE_CALL_ID, LINE_FROM, LINE_TO, LINE_CSEQ, LINE_MAX_FORWARDS, LINE_CONTACT,
       LINE_IDENTITY, LINE_SESSION, LINE_ALLOW, LINE_SUPPORTED, LINE_TYPE, LINE_LENGTH},
      3,
      "p65540t1617263300m",
      "",
      "Allow: ACK,BYE,CANCEL,INFO,INVITE,OPTIONS,PRACK,REFER,NOTIFY,UPDATE\r\n",
      "Supported: 100rel,histinfo,precondition,timer\r\n"}},
    {{{LINE_VIA, LINE_ROUTE, LINE_FROM, LINE_TO, LINE_CALL_ID, LINE_CSEQ, LINE_MAX_FORWARDS, LINE_CONTACT,
       LINE_ALLOW, LINE_AGENT, LINE_TYPE, LINE_LENGTH},
      1,
      "as",
      "Server: Session border 9.0.2p5\r\n",
      "Allow: ACK, BYE, CANCEL, INFO, INVITE, OPTIONS, UPDATE\r\n",
      ""},
     {{LINE_VIA, LINE_FROM, LINE_TO, LINE_CALL_ID, LINE_CSEQ, LINE_MAX_FORWARDS, LINE_ROUTE, LINE_AGENT,
       LINE_ALLOW, LINE_SUPPORTED, LINE_CONTACT, LINE_TYPE, LINE_LENGTH},
      1,
      "",
      "Server: Branch PBX 18.10.1\r\n",
      "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE\r\n",
      "Supported: replaces, timer\r\n"},
     {{LINE_VIA, LINE_MAX_FORWARDS, LINE_ROUTE, LINE_CONTACT, LINE_TO, LINE_FROM, LINE_CALL_ID, LINE_CSEQ,
       LINE_ALLOW, LINE_SUPPORTED, LINE_AGENT, LINE_SESSION, LINE_TYPE, LINE_LENGTH},
      1,
      "Hc7vKZ3t",
      "User-Agent: Switch-mod_sofia/1.10.7\r\n",
      "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY\r\n",
      "Supported: timer, path, replaces\r\n"},
     {{LINE_VIA, LINE_ROUTE, LINE_CALL_ID, LINE_FROM, LINE_TO, LINE_CSEQ, LINE_MAX_FORWARDS, LINE_CONTACT,
       LINE_SUPPORTED, LINE_TYPE, LINE_LENGTH},
      1,
      "sip+1+a64c0005+",
      "",
      "",
      "Supported: resource-priority, 100rel\r\n"}}};

const char *const script_kinds[KINDS] = {[KIND_INVITE] = "INVITE",
                                         [KIND_ACK] = "ACK",
                                         [KIND_CANCEL] = "CANCEL",
                                         [KIND_BYE] = "BYE",
                                         [KIND_INSIDE] = "INFO, UPDATE, OPTIONS",
                                         [KIND_TRYING] = "100",
                                         [KIND_RINGING] = "180",
                                         [KIND_ANSWER] = "200 to INVITE",
                                         [KIND_REFUSAL] = "refusal",
                                         [KIND_BYE_ANSWER] = "200 to BYE",
                                         [KIND_CANCEL_ANSWER] = "200 to CANCEL",
                                         [KIND_INSIDE_ANSWER] = "200 to INFO, UPDATE, OPTIONS"};
const char *const script_methods[KIND_REQUESTS] = {"INVITE", "ACK", "CANCEL", "BYE", NULL};
const char *const script_insides[INSIDES] = {NULL, "INFO", "UPDATE", "OPTIONS"};

struct pen {
    char *at;
};

static inline void put(struct pen *pen, const char *text, size_t length)
{
    memcpy(pen->at, text, length);
    pen->at += length;
}

static inline void put_text(struct pen *pen, const char *text)
{
    put(pen, text, strlen(text));
}

static void put_hex(struct pen *pen, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value >>= 4)
        pen->at[i] = "0123456789abcdef"[value & 15];
    pen->at += digits;
}

static void put_number(struct pen *pen, uint64_t value)
{
    char digits[20];
    unsigned n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n > 0)
        *pen->at++ = digits[--n];
}

static const struct style *style_of(const struct script *script, enum world_side side)
{
    uint64_t which = side == WORLD_CALLER ? script_mix(script->number) >> 40 : script->callee;
    return &styles[side][which % STYLES];
}

uint32_t script_slot(const char *call_id)
{
    uint32_t product = 0;
    for (unsigned i = 0; i < 8; i++) {
        char digit = call_id[i];
        product = product << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return (product ^ 0x5bd1e995u) * SLOT_INVERSE;
}

uint32_t script_call_id(const struct script *script, char out[SCRIPT_CALL_ID_MAX])
{
    struct pen pen = {out};
    uint64_t rest = script_mix(script->number ^ 0xca11);
    put_hex(&pen, script->slot * SLOT_FACTOR ^ 0x5bd1e995u, 8);
    switch (script_mix(script->number) >> 40 & 3) {
    case 0:
        put_hex(&pen, rest, 12);
        put_text(&pen, "@198.51.100.7");
        break;
    case 1:
        put_text(&pen, "-");
        put_hex(&pen, rest >> 48, 4);
        put_text(&pen, "-11ed-");
        put_hex(&pen, rest >> 32, 4);
        put_text(&pen, "-");
        put_hex(&pen, rest, 12);
        put_text(&pen, "@192.0.2.61");
        break;
    case 2:
        put_hex(&pen, rest, 16);
        put_text(&pen, "@pbx.example.net:5060");
        break;
    default:
        put_text(&pen, "-");
        put_hex(&pen, rest >> 48, 4);
        put_text(&pen, "-4");
        put_hex(&pen, rest >> 32, 3);
        put_text(&pen, "-a");
        put_hex(&pen, rest >> 20, 3);
        put_text(&pen, "-");
        put_hex(&pen, rest, 12);
    }
    return (uint32_t)(pen.at - out);
}

uint32_t script_tag(const struct script *script, enum world_side side, char out[SCRIPT_TAG_MAX])
{
    struct pen pen = {out};
    put_text(&pen, style_of(script, side)->tag);
    put_hex(&pen, script_mix(script->number * 2 + side), 10);
    return (uint32_t)(pen.at - out);
}

// An ACK to a refusal has the INVITE's, as a CANCEL (RFC 3261 17.1.1.3, 9.1); one to a 2xx has its own.
uint32_t script_branch(const struct draft *draft, char out[SCRIPT_TAG_MAX])
{
    struct pen pen = {out};
    uint64_t what = (uint64_t)draft->cseq << 2 | (uint64_t)draft->side << 1 |
                    (draft->kind == KIND_ACK && draft->confirmed);
    put_text(&pen, "z9hG4bK");
    put_hex(&pen, script_mix(draft->script->number ^ what << 40), 14);
    return (uint32_t)(pen.at - out);
}

unsigned script_vias(const struct draft *draft)
{
    return style_of(draft->script, draft->side)->vias;
}

static const struct party *party_of(const struct draft *draft, enum world_side side)
{
    return &draft->world->parties[side][side == WORLD_CALLER ? draft->script->caller : draft->script->callee];
}

static void put_user(struct pen *pen, const struct draft *draft, enum world_side side)
{
    put_text(pen, side == WORLD_CALLER ? "+441632" : "+442079");
    put_number(pen, 100000 + script_mix(draft->script->number * 2 + side + 1) % 900000);
}

static void put_uri(struct pen *pen, const struct draft *draft, enum world_side side)
{
    const struct party *party = party_of(draft, side);
    put_text(pen, "sip:");
    put_user(pen, draft, side);
    put_text(pen, "@");
    put(pen, party->host, party->host_length);
    put_text(pen, ":5060");
    if (side == WORLD_CALLEE && draft->script->callee % 2 == 0)
        put_text(pen, ";transport=udp");
}

static void put_vias(struct pen *pen, const struct draft *draft)
{
    const struct party *party = party_of(draft, draft->side);
    char branch[SCRIPT_TAG_MAX];
    unsigned vias = script_vias(draft);
    put_text(pen, "Via: SIP/2.0/UDP ");
    put(pen, party->host, party->host_length);
    put_text(pen, ":5060;branch=");
    put(pen, branch, script_branch(draft, branch));
    put_text(pen, "\r\n");
    if (vias > 1) {
        put_text(pen, "Via: SIP/2.0/UDP 198.51.100.7:5060;received=198.51.100.7;rport=5060;branch=z9hG4bK-");
        put_hex(pen, script_mix(draft->script->number + draft->cseq), 12);
        put_text(pen, "\r\n");
    }
    if (vias > 2) {
        put_text(pen, "Via: SIP/2.0/TCP [2001:db8:5a::12]:5061;alias;branch=z9hG4bK.");
        put_hex(pen, script_mix(draft->script->number - draft->cseq), 10);
        put_text(pen, "\r\n");
    }
}

// The caller has them in the other order (RFC 3261 12.1.2).
static void put_routes(struct pen *pen, const struct draft *draft)
{
    const char *values[8];
    unsigned n = 0;
    bool first = draft->kind == KIND_CANCEL || (draft->kind == KIND_ACK && !draft->confirmed);
    if (draft->script->routes == NULL || first)
        return;
    for (const char *at = draft->script->routes; *at != '\0' && n < 8; at = strchr(at, '\n') + 1)
        values[n++] = at;
    for (unsigned i = 0; i < n; i++) {
        const char *value = values[draft->side == WORLD_CALLER ? n - 1 - i : i];
        put_text(pen, "Route: ");
        put(pen, value, (size_t)(strchr(value, '\n') - value));
        put_text(pen, "\r\n");
    }
}

// from: who sent the request.
static void put_person(struct pen *pen, const struct draft *draft, enum world_side whose, bool from)
{
    char tag[SCRIPT_TAG_MAX];
    bool answer = draft->kind >= KIND_REQUESTS && draft->kind != KIND_TRYING;
    put_text(pen, from ? "From: " : "To: ");
    if (whose == WORLD_CALLER && (script_mix(draft->script->number) >> 50 & 1))
        put_text(pen, "\"A. Caller\" ");
    put_text(pen, "<sip:");
    put_user(pen, draft, whose);
    put_text(pen, whose == WORLD_CALLER ? "@carrier-a.example" : "@voice.example.com");
    put_text(pen, ">");
    if (from || answer || draft->confirmed || (draft->kind == KIND_ACK && whose == WORLD_CALLEE)) {
        put_text(pen, ";tag=");
        put(pen, tag, script_tag(draft->script, whose, tag));
    }
    put_text(pen, "\r\n");
}

static void put_method(struct pen *pen, const struct draft *draft)
{
    static const uint8_t asked[KINDS] = {[KIND_BYE_ANSWER] = KIND_BYE, [KIND_CANCEL_ANSWER] = KIND_CANCEL};
    if (draft->kind == KIND_INSIDE || draft->kind == KIND_INSIDE_ANSWER)
        put_text(pen, script_insides[draft->inside]);
    else
        put_text(pen, script_methods[draft->kind < KIND_REQUESTS ? draft->kind : asked[draft->kind]]);
}

static void put_start(struct pen *pen, const struct draft *draft)
{
    const struct world *world = draft->world;
    if (draft->kind >= KIND_REQUESTS) {
        put_text(pen, "SIP/2.0 ");
        if (draft->kind == KIND_TRYING)
            put_text(pen, "100 Trying");
        else if (draft->kind == KIND_RINGING)
            put_text(pen, "180 Ringing");
        else if (draft->kind == KIND_REFUSAL)
            put_text(pen, draft->status == 487 ? "487 Request Terminated" : "486 Busy Here");
        else
            put_text(pen, "200 OK");
        put_text(pen, "\r\n");
        return;
    }
    put_method(pen, draft);
    put_text(pen, " ");
    if (draft->confirmed) {
        put_uri(pen, draft, 1 - draft->side);
    } else {
        put_text(pen, "sip:");
        if (draft->kind != KIND_INSIDE) {
            put_user(pen, draft, WORLD_CALLEE);
            put_text(pen, "@");
        }
        put(pen, world->ours[0].host, world->ours[0].host_length);
    }
    put_text(pen, " SIP/2.0\r\n");
}

static uint32_t write_body(const struct draft *draft, char out[])
{
    struct pen pen = {out};
    uint64_t hash = script_mix(draft->script->number ^ (0x5d9u + draft->side));
    if (draft->kind == KIND_INSIDE && draft->inside == INSIDE_INFO) {
        put_text(&pen, "Signal=5\r\nDuration=160\r\n");
        return (uint32_t)(pen.at - out);
    }
    if (draft->kind != KIND_INVITE && draft->kind != KIND_ANSWER)
        return 0;
    put_text(&pen, "v=0\r\no=- ");
    put_number(&pen, hash >> 36);
    put_text(&pen, " ");
    put_number(&pen, (hash >> 36) + draft->cseq);
    put_text(&pen, " IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio ");
    put_number(&pen, 16384 + hash % 16384 * 2);
    put_text(&pen, " RTP/AVP 8 0 18 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
                   "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\n"
                   "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n");
    return (uint32_t)(pen.at - out);
}

struct written {
    const struct style *style;
    char body[512];
    uint32_t body_length;
    bool response, target; // it is one; its Contact is wanted
    enum world_side asker; // who sent the request
};

// Lines that a user agent may as well leave out, and those of the body.
static void put_more(struct pen *pen, const struct draft *draft, const struct written *written, uint8_t line)
{
    switch (line) {
    case LINE_ALLOW:
        put_text(pen, written->target ? written->style->allow : "");
        break;
    case LINE_SUPPORTED:
        put_text(pen, written->target ? written->style->supported : "");
        break;
    case LINE_AGENT:
        put_text(pen, written->style->agent);
        break;
    case LINE_DATE:
        put_text(pen, "Date: Tue, 12 May 2026 14:03:27 GMT\r\n");
        break;
    case LINE_SESSION:
        if (draft->kind == KIND_INVITE)
            put_text(pen, "Session-Expires: 1800\r\nMin-SE: 90\r\n");
        break;
    case LINE_IDENTITY:
        if (draft->kind != KIND_INVITE || draft->confirmed)
            break;
        put_text(pen, "P-Asserted-Identity: <sip:");
        put_user(pen, draft, WORLD_CALLER);
        put_text(pen, "@carrier-a.example;user=phone>\r\nPrivacy: none\r\n"
                      "P-Charging-Vector: icid-value=\"");
        put_hex(pen, script_mix(draft->script->number + 77), 16);
        put_text(pen, "\"\r\n");
        break;
    case LINE_TYPE:
        if (written->body_length > 0)
            put_text(pen, draft->kind == KIND_INSIDE ? "Content-Type: application/dtmf-relay\r\n"
                                                     : "Content-Type: application/sdp\r\n");
        break;
    default:
        put_text(pen, "Content-Length: ");
        put_number(pen, written->body_length);
        put_text(pen, "\r\n");
    }
}

static void put_line(struct pen *pen, const struct draft *draft, const struct written *written, uint8_t line)
{
    char call_id[SCRIPT_CALL_ID_MAX];
    switch (line) {
    case LINE_VIA:
        if (written->response)
            put(pen, draft->echo, draft->echo_length);
        else
            put_vias(pen, draft);
        break;
    case LINE_ROUTE:
        if (!written->response)
            put_routes(pen, draft);
        break;
    case LINE_MAX_FORWARDS:
        put_text(pen, written->response ? "" : "Max-Forwards: 69\r\n");
        break;
    case LINE_FROM:
        put_person(pen, draft, written->asker, true);
        break;
    case LINE_TO:
        put_person(pen, draft, 1 - written->asker, false);
        break;
    case LINE_CALL_ID:
        put_text(pen, "Call-ID: ");
        put(pen, call_id, script_call_id(draft->script, call_id));
        put_text(pen, "\r\n");
        break;
    case LINE_CSEQ:
        put_text(pen, "CSeq: ");
        put_number(pen, draft->cseq);
        put_text(pen, " ");
        put_method(pen, draft);
        put_text(pen, "\r\n");
        break;
    case LINE_CONTACT:
        if (!written->target)
            break;
        put_text(pen, "Contact: <");
        put_uri(pen, draft, draft->side);
        put_text(pen, ">\r\n");
        break;
    default:
        put_more(pen, draft, written, line);
    }
}

uint32_t script_write(const struct draft *draft, char out[])
{
    struct pen pen = {out};
    struct written written = {.style = style_of(draft->script, draft->side),
                              .response = draft->kind >= KIND_REQUESTS};
    written.asker = written.response ? 1 - draft->side : draft->side;
    written.target = draft->kind == KIND_INVITE || draft->kind == KIND_ANSWER ||
                     draft->kind == KIND_RINGING ||
                     (draft->kind == KIND_INSIDE && draft->inside == INSIDE_UPDATE);
    written.body_length = write_body(draft, written.body);
    put_start(&pen, draft);
    for (unsigned i = 0; i < LINES_MAX && written.style->order[i] != LINE_END; i++)
        put_line(&pen, draft, &written, written.style->order[i]);
    put_text(&pen, "\r\n");
    put(&pen, written.body, written.body_length);
    return (uint32_t)(pen.at - out);
}
