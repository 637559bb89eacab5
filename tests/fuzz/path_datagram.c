// SPDX-License-Identifier: BSD-3-Clause
// Datagrams into a whole worker that holds a confirmed call and one that rings. After each input: every
// packet has had one outcome, what left is SIP, and in the end nothing is left in memory.
//
// An input is a list of records that end with octet 0x1e: one letter for who sends (a capital one: in
// fragments, out of order), or how long nothing is sent, then the text; or z and a frame of any form. In the
// text a per cent sign and a letter stand for what only the parties of the calls
// can know (see put_secret()), since no fuzzer would guess a MAC.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "checksum.h"
#include "headers.h"
#include "sip_check.h"

#define RECORD_END  0x1e
#define RECORDS_MAX 24u

static struct wire *wire;
static struct call confirmed, ringing;
static struct wire_packet last[2]; // the last that left outside and inside

static void remember(void)
{
    for (uint32_t i = 0; i < wire->out_count; i++)
        last[wire->out[i].to.listener] = wire->out[i];
    wire->out_count = 0;
}

static uint32_t put_lines(const struct wire_packet *packet, const char *name, char *out, uint32_t room)
{
    const char *value = header_of(packet, name);
    uint32_t used = 0;
    while (*value != '\0' && used < room) {
        size_t length = strcspn(value, "|");
        used += (uint32_t)snprintf(out + used, room - used, "%s: %.*s\r\n", name, (int)length, value);
        value += length + (value[length] == '|');
    }
    return used < room ? used : 0;
}

// The URI of the caller's first Route value, which a strict router makes its Request-URI.
static uint32_t put_first_route(char *out, uint32_t room)
{
    const char *uri = strchr(confirmed.sides[DIALOG_CALLER].routes, '<') + 1;
    uint32_t length = (uint32_t)strcspn(uri, ">");
    if (length > room)
        return 0;
    memcpy(out, uri, length);
    return length;
}

// i r: Call-ID; f t: tags of caller and callee; o p: their Route lines; u: a URI of those; v w: Via lines of
// the last message that left inside and outside; b: the branch of the INVITE that rings.
static uint32_t put_secret(char which, char *out, uint32_t room)
{
    const char *text;
    switch (which) {
    case 'i':
        text = confirmed.id;
        break;
    case 'r':
        text = ringing.id;
        break;
    case 'f':
        text = confirmed.sides[DIALOG_CALLER].tag;
        break;
    case 't':
        text = confirmed.sides[DIALOG_CALLEE].tag;
        break;
    case 'o':
        text = confirmed.sides[DIALOG_CALLER].routes;
        break;
    case 'p':
        text = confirmed.sides[DIALOG_CALLEE].routes;
        break;
    case 'u':
        return put_first_route(out, room);
    case 'v':
        return put_lines(&last[1], "Via", out, room);
    case 'w':
        return put_lines(&last[0], "Via", out, room);
    case 'b':
        return put_lines(&ringing.invite, "Via", out, room);
    default:
        text = "%";
    }
    uint32_t length = (uint32_t)strlen(text);
    if (length > room)
        return 0;
    memcpy(out, text, length);
    return length;
}

static uint32_t expand(const uint8_t *data, size_t size, char text[WIRE_TEXT_MAX])
{
    const uint32_t room = 1900; // of an mbuf, with the headers
    uint32_t used = 0;
    for (size_t i = 0; i < size && used < room; i++) {
        if (data[i] == '%' && i + 1 < size)
            used += put_secret((char)data[++i], text + used, room - used);
        else
            text[used++] = (char)data[i];
    }
    return used;
}

// The sum of IPv4's header is put in: no input has the right one.
static void put_raw(const uint8_t *data, size_t size)
{
    uint8_t frame[1900];
    uint32_t length = (uint32_t)(size < sizeof(frame) ? size : sizeof(frame));
    memcpy(frame, data, length);
    if (length >= FRAME_ETHERNET + FRAME_IPV4 && frame[12] == 8) {
        uint32_t header = (frame[FRAME_ETHERNET] & 15u) * 4;
        memset(frame + 24, 0, 2);
        if (header >= FRAME_IPV4 && FRAME_ETHERNET + header <= length) {
            uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, frame + FRAME_ETHERNET, header));
            memcpy(frame + 24, &sum, sizeof(sum));
        }
    }
    wire_put_frame(wire, 0, frame, length);
    wire_turn(wire);
    remember();
}

static void run_record(const uint8_t *data, size_t size)
{
    static const struct {
        char letter;
        struct endpoint from;
    } senders[] = {{'a', {IP_MAPPED(0x0a0a0101), 5060, 0}}, {'p', {IP_MAPPED(0x0a0a0107), 5070, 0}},
                   {'b', {IP_MAPPED(0x0a0a0201), 5060, 0}}, {'s', {IP_MAPPED(0x0a14000b), 5060, 1}},
                   {'t', {IP_MAPPED(0x0a14000c), 5060, 1}}, {'x', {IP_MAPPED(0x0a0a0909), 5060, 0}}};
    char text[WIRE_TEXT_MAX];
    if (data[0] >= '0' && data[0] <= '9') {
        static const uint32_t ms[] = {100, 500, 1000, 4000, 8000, 16000, 32000, 64000, 181000, 240000};
        wire_pass_silently(wire, ms[data[0] - '0']);
        return;
    }
    if (data[0] == 'z') {
        put_raw(data + 1, size - 1);
        return;
    }
    uint32_t length = expand(data + 1, size - 1, text);
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
        if (senders[i].letter == (char)data[0])
            wire_put(wire, senders[i].from, text, length);
        else if (senders[i].letter == (char)(data[0] | 0x20))
            wire_put_any(wire, senders[i].from, text, length,
                         &(struct wire_form){.mtu = HEADERS_MTU_IPV4, .order = WIRE_MIXED});
    }
    wire_turn(wire);
    remember();
}

static void begin(void)
{
    static unsigned number;
    char id[32];
    if (wire == NULL) {
        if (!wire_boot())
            exit(77);
        wire = wire_open(&(struct wire_options){.transactions = 64, .dialogs = 16});
        for (unsigned i = 0; i < IMAGE_PEERS; i++)
            wire->image.peers[i].flags |= PEER_OVERLOAD;
        wire->image.header.settings.overload.transactions = 20; // behind with a few calls beside the two
        wire_reload(wire);
        // Shorter than life, since each input waits for the end of everything.
        wire->workers[0]->transactions.timers.c = 4000;
        wire->workers[0]->dialogs.life = (struct dialog_life){.none = 5000,
                                                              .early = 5000,
                                                              .confirmed = 30000,
                                                              .no_ack = 3700,
                                                              .terminating = 3200,
                                                              .keepalive = 1500};
    }
    memset(last, 0, sizeof(last));
    snprintf(id, sizeof(id), "confirmed-%u@fuzz", number);
    call_init(&confirmed, wire, id);
    call_establish(&confirmed);
    snprintf(id, sizeof(id), "ringing-%u@fuzz", number++);
    call_init(&ringing, wire, id);
    call_invite(&ringing);
    call_answer(&ringing, "180 Ringing");
}

static uint32_t live(void)
{
    return wire->workers[0]->transactions.count + wire->workers[0]->dialogs.count;
}

static void end(void)
{
    const struct worker *worker = wire->workers[0];
    char text[WIRE_TEXT_MAX];
    call_request_text(&confirmed, DIALOG_CALLER, "BYE", text);
    wire_send(wire, wire_carrier, text);
    wire->out_count = 0;
    for (unsigned i = 0; i < 20000 && (live() > 0 || worker->names.held_count > 0); i++)
        wire_pass_silently(wire, 2500);
    wire_check(wire);
    CHECK(live() == 0);
    CHECK(worker->wheel.armed == 0);
    CHECK(worker->arena.used == 0);
    CHECK(worker->transactions.table.count == 0 && worker->dialogs.table.count == 0);
    CHECK(rte_mempool_avail_count(wire_pool()) == wire->mbufs);
    for (unsigned peer = 0; peer < IMAGE_PEERS; peer++)
        CHECK(wire->parts[0].peers[peer].calls_in == 0 && wire->parts[0].peers[peer].calls_out == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    unsigned records = 0;
    while (size > 0 && records++ < RECORDS_MAX) {
        const uint8_t *behind = memchr(data, RECORD_END, size);
        size_t length = behind != NULL ? (size_t)(behind - data) : size;
        if (length > 0)
            run_record(data, length);
        size -= length + (behind != NULL);
        data += length + (behind != NULL);
    }
    end();
    return 0;
}
