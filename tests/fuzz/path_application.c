// SPDX-License-Identifier: BSD-3-Clause
// Datagrams and commands of control, mixed, into a whole worker that holds a confirmed call of an application
// and a proxied one. After each input: every packet has had one outcome, what left is SIP, what was told
// agrees with what was asked (application_told.h), and in the end nothing is left in memory.
//
// An input is a list of records that end with octet 0x1e. The first octet says what it is:
//   0-9          so long nothing comes (`pauses`)
//   s a x        a datagram of the SBC, the carrier, a stranger: the rest is its text
//   C            a command: op, flags + '@', dialog, transaction, three digits of status (of INVITE: seconds
//                of its session), then its texts and the body, with 0x1f between them. op is a letter of
//                `operations`: as a capital the routes say where to, else it goes to the SBC. Dialog and
//                transaction are digits: the first ones that were told; others: none
//   h            control goes, or comes again
// In a text a per cent sign and a letter stand for what only the parties know (see secret_of()).
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "application_told.h"
#include "command.h"
#include "sip_check.h"
#include "ua_callee.h"

#define RECORD_END  0x1e
#define TEXT_END    0x1f
#define RECORDS_MAX 32u
#define HANDLES_MAX 10u

static struct wire *wire;
static struct ua_world world;
static struct callee callee; // of the application's call: the SBC
static struct call proxied;
static struct told told;
static struct wire_packet request, response; // the last ones that left to the SBC
static uint64_t dialogs[HANDLES_MAX], transactions[HANDLES_MAX];
static unsigned dialog_count, transaction_count;

static void keep_handle(uint64_t handles[HANDLES_MAX], unsigned *count, uint64_t handle)
{
    for (unsigned i = 0; i < *count; i++) {
        if (handles[i] == handle)
            return;
    }
    if (handle != 0 && *count < HANDLES_MAX)
        handles[(*count)++] = handle;
}

static void take_events(void)
{
    struct ua_ring *ring = wire->parts[0].ua_events;
    struct channel_ua_event event;
    uint32_t length;
    const void *at;
    while ((at = ua_ring_first(ring, &length)) != NULL) {
        memcpy(&event, at, sizeof(event));
        CHECK(length == channel_ua_event_size(&event));
        told_event(&told, &event);
        keep_handle(dialogs, &dialog_count, event.dialog);
        keep_handle(transactions, &transaction_count, event.transaction);
        ua_ring_drop(ring);
    }
    CHECK(ring->lost == 0);
}

static void turn(void)
{
    wire_turn(wire);
    take_events();
    for (uint32_t i = 0; i < wire->out_count; i++) {
        if (wire->out[i].to.listener == wire_sbc1.listener)
            *(wire->out[i].message.is_request ? &request : &response) = wire->out[i];
    }
    wire->out_count = 0;
}

static void pass(uint64_t ms)
{
    for (; ms > 2500; ms -= 2500) {
        wire_pass_silently(wire, 2500);
        take_events();
    }
    wire_pass_silently(wire, ms);
    take_events();
}

// The URI in the angle brackets of a value.
static const char *uri_of(const char *value, char *out, size_t size)
{
    const char *begin = strchr(value, '<');
    begin = begin != NULL ? begin + 1 : value;
    snprintf(out, size, "%.*s", (int)strcspn(begin, ">"), begin);
    return out;
}

static const char *tag_of(const char *value)
{
    const char *tag = strstr(value, ";tag=");
    return tag != NULL ? tag + 5 : "";
}

// Values of a header as header_of() joins them, each as a line.
static const char *lines_of(const struct wire_packet *packet, const char *from, const char *to)
{
    static char lines[WIRE_TEXT_MAX];
    const char *value = header_of(packet, from);
    size_t used = 0;
    lines[0] = '\0';
    while (*value != '\0' && used < sizeof(lines)) {
        size_t length = strcspn(value, "|");
        used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%s: %.*s\r\n", to, (int)length, value);
        value += length + (value[length] == '|');
    }
    return lines;
}

// Of the last request that the SBC got: v Via lines, f t i n From, To, Call-ID, CSeq, r Route lines, c its
// Contact's URI, g From's tag; of the last response: V T N Q (its RSeq). Of the application's call: A its
// From, a the tag of that, B the SBC's To, J Call-ID, W its target. Of the proxied one: I, F and G tags, O
// and P Route lines of both sides.
static const char *secret_of(char which)
{
    static char text[512];
    switch (which) {
    case 'v':
        return lines_of(&request, "Via", "Via");
    case 'f':
        return header_of(&request, "From");
    case 't':
        return header_of(&request, "To");
    case 'i':
        return header_of(&request, "Call-ID");
    case 'n':
        return header_of(&request, "CSeq");
    case 'r':
        return lines_of(&request, "Record-Route", "Route");
    case 'c':
        return uri_of(header_of(&request, "Contact"), text, sizeof(text));
    case 'V':
        return lines_of(&response, "Via", "Via");
    case 'T':
        return header_of(&response, "To");
    case 'N':
        return header_of(&response, "CSeq");
    case 'Q':
        return header_of(&response, "RSeq");
    case 'a':
        return tag_of(header_of(&callee.invite, "From"));
    case 'g':
        return tag_of(header_of(&request, "From"));
    case 'A':
        return header_of(&callee.invite, "From");
    case 'B':
        snprintf(text, sizeof(text), "%s;tag=%s", header_of(&callee.invite, "To"), callee_fine.tag);
        return text;
    case 'J':
        return header_of(&callee.invite, "Call-ID");
    case 'W':
        return uri_of(header_of(&callee.invite, "Contact"), text, sizeof(text));
    case 'I':
        return proxied.id;
    case 'F':
        return proxied.sides[DIALOG_CALLER].tag;
    case 'G':
        return proxied.sides[DIALOG_CALLEE].tag;
    case 'O':
        return proxied.sides[DIALOG_CALLER].routes;
    case 'P':
        return proxied.sides[DIALOG_CALLEE].routes;
    default:
        return "%";
    }
}

static uint32_t expand(const uint8_t *data, size_t size, char *text, uint32_t room)
{
    uint32_t used = 0;
    for (size_t i = 0; i < size && used < room; i++) {
        if (data[i] != '%' || i + 1 == size) {
            text[used++] = (char)data[i];
            continue;
        }
        const char *secret = secret_of((char)data[++i]);
        uint32_t length = (uint32_t)strlen(secret);
        if (length > room - used)
            break;
        memcpy(text + used, secret, length);
        used += length;
    }
    return used;
}

static uint64_t handle_of(const uint64_t handles[HANDLES_MAX], uint8_t digit)
{
    return isdigit(digit) ? handles[digit - '0'] : 0;
}

// The texts and the body, one after another, and their lengths.
static uint32_t read_texts(struct channel_ua_command *fixed, const uint8_t *data, size_t size, char *out)
{
    uint32_t used = 0;
    for (unsigned i = 0; i <= CHANNEL_UA_TEXTS && size > 0; i++) {
        const uint8_t *behind = memchr(data, TEXT_END, size);
        size_t length = behind != NULL ? (size_t)(behind - data) : size;
        uint32_t octets = expand(data, length, out + used, WIRE_TEXT_MAX - used);
        if (i < CHANNEL_UA_TEXTS)
            fixed->text_lengths[i] = (uint16_t)octets;
        else
            fixed->body_length = (uint16_t)octets;
        used += octets;
        size -= length + (behind != NULL);
        data += length + (behind != NULL);
    }
    return used;
}

static void run_command(const uint8_t *data, size_t size)
{
    static const char operations[] = "-iqrakelmf"; // enum channel_ua_op
    char texts[WIRE_TEXT_MAX];
    struct channel_ua_command fixed = {
        .application = IMAGE_APPLICATION, .to_peer = NUMBER_NONE, .to_member = NUMBER_NONE};
    if (size < 7)
        return;
    const char *op = memchr(operations, tolower(data[0]), sizeof(operations) - 1);
    fixed.op = op != NULL ? (uint8_t)(op - operations) : CHANNEL_UA_OPS;
    if (islower(data[0])) {
        fixed.to_peer = IMAGE_SBCS;
        fixed.to_member = IMAGE_MEMBER_SBC1;
    }
    fixed.flags = (uint8_t)(data[1] - '@');
    fixed.dialog = handle_of(dialogs, data[2]);
    fixed.transaction = handle_of(transactions, data[3]);
    for (unsigned i = 4; i < 7; i++)
        fixed.status = (uint16_t)(fixed.status * 10 + (uint8_t)(data[i] - '0') % 10);
    fixed.session_s = fixed.op == CHANNEL_UA_INVITE || fixed.op == CHANNEL_UA_REQUEST ? fixed.status : 0;
    uint32_t length = read_texts(&fixed, data + 7, size - 7, texts);
    fixed.cseq = fixed.text_lengths[CHANNEL_UA_TEXT_CALL_ID] > 0 ? 1000u + fixed.status : 0;
    fixed.tag = told_command(&told, fixed.op, fixed.dialog);
    uint8_t *at = ua_ring_add(wire->parts[0].ua_commands, (uint32_t)sizeof(fixed) + length);
    CHECK(at != NULL);
    memcpy(at, &fixed, sizeof(fixed));
    memcpy(at + sizeof(fixed), texts, length);
    ua_ring_publish(wire->parts[0].ua_commands);
    turn();
}

static void run_datagram(struct endpoint from, const uint8_t *data, size_t size)
{
    char text[WIRE_TEXT_MAX];
    wire_put(wire, from, text, expand(data, size, text, 1900)); // what an mbuf takes, with the headers
    turn();
}

static void run_record(const uint8_t *data, size_t size)
{
    static const uint32_t pauses[] = {100, 500, 1000, 4000, 8000, 16000, 32000, 64000, 90000, 181000};
    if (isdigit(data[0])) {
        pass(pauses[data[0] - '0']);
    } else if (data[0] == 'C') {
        run_command(data + 1, size - 1);
    } else if (data[0] == 'h') {
        wire->heard = !wire->heard;
        told.deaf = true;
    } else if (data[0] == 's') {
        run_datagram(wire_sbc1, data + 1, size - 1);
    } else if (data[0] == 'a') {
        run_datagram(wire_carrier, data + 1, size - 1);
    } else if (data[0] == 'x') {
        run_datagram(wire_stranger, data + 1, size - 1);
    }
}

// carrier-a is proxied to the SBCs, which call the application, and are called by it.
static void make_world(void)
{
    if (!wire_boot())
        exit(77);
    wire = wire_open(&(struct wire_options){.transactions = 64, .dialogs = 16, .usages = 16});
    wire->image.routes[0] = (struct snapshot_route){.from = IMAGE_CARRIER_A,
                                                    .to = IMAGE_SBCS,
                                                    .action = ROUTE_TO_PEER,
                                                    .method = ROUTE_METHOD_ANY,
                                                    .listener = NUMBER_NONE};
    wire_reload(wire);
    // Shorter than life, since each input waits for the end of everything.
    wire->workers[0]->transactions.timers.c = 4000;
    wire->workers[0]->dialogs.life = (struct dialog_life){
        .none = 24000, .early = 24000, .confirmed = 30000, .no_ack = 3700, .terminating = 3200};
}

static void begin(void)
{
    static unsigned number;
    char id[32];
    if (wire == NULL)
        make_world();
    snprintf(id, sizeof(id), "proxied-%u@fuzz", number++);
    call_init(&proxied, wire, id);
    call_establish(&proxied);
    uint32_t index = call_expect(&proxied, DIALOG_CONFIRMED);
    world = (struct ua_world){.wire = wire};
    told_begin(&told);
    callee = callee_answered(&world);
    told.commands[told_command(&told, CHANNEL_UA_INVITE, callee.dialog) - 1] =
        (struct told_command){.op = CHANNEL_UA_INVITE, .done = true, .finals = 1, .dialog = callee.dialog};
    told.dialogs[told.dialogs_count++] = (struct told_dialog){.handle = callee.dialog, .application = true};
    request = callee.invite;
    response = proxied.answer;
    dialog_count = transaction_count = 0;
    memset(dialogs, 0, sizeof(dialogs));
    memset(transactions, 0, sizeof(transactions));
    keep_handle(dialogs, &dialog_count, callee.dialog);
    keep_handle(dialogs, &dialog_count,
                command_handle(0, dialog_at(&wire->workers[0]->dialogs, index)->generation, index));
    wire->out_count = 0;
}

static uint32_t live(void)
{
    return wire->workers[0]->transactions.count + wire->workers[0]->dialogs.count +
           wire->workers[0]->ua.usages.count;
}

static void end(void)
{
    const struct worker *worker = wire->workers[0];
    for (unsigned i = 0; i < 2000 && (live() > 0 || worker->names.held_count > 0); i++)
        pass(2500);
    wire_check(wire);
    CHECK(live() == 0 && worker->wheel.armed == 0 && worker->arena.used == 0);
    CHECK(worker->transactions.table.count == 0 && worker->dialogs.table.count == 0);
    CHECK(rte_mempool_avail_count(wire_pool()) == wire->mbufs);
    for (unsigned peer = 0; peer < IMAGE_PEERS; peer++)
        CHECK(wire->parts[0].peers[peer].calls_in == 0 && wire->parts[0].peers[peer].calls_out == 0);
    told_end(&told);
    wire->heard = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    for (unsigned records = 0; size > 0 && records < RECORDS_MAX; records++) {
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
