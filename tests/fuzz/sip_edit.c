// SPDX-License-Identifier: BSD-3-Clause
// Input: an octet with the number of edits, four octets for each (what, where, how much, which text), then a
// message.
// 1. Any edits: rendering gives what inserting and removing octet by octet gives, or refuses.
// 2. A message without fault, edited as a proxy edits, parses again and says the same.
// 3. The response to a request without fault parses as a response without fault and says the same.
#include <string.h>

#include "sip_check.h"
#include "uri.h"
#include "write.h"

#define SIZE_MAX_HERE  8192u
#define OPERATIONS_MAX 40u
#define SOURCE_PORT    5070u

struct operation {
    uint8_t what, where, amount, text;
};

static const char *const texts[] = {"X-Inserted: 1\r\n", "Route: <sip:192.0.2.9;lr>\r\n",
                                    "v: SIP/2.0/UDP n;branch=n\r\n", "Record-Route:\r\n <sip:r;lr>\r\n"};

static const char *text_of(const struct operation *operation)
{
    return texts[operation->text % (sizeof(texts) / sizeof(texts[0]))];
}

// The message, octet by octet. Returns its length, or -1 where rendering has to refuse.
static int model(const struct edits *edits, const struct message *message, uint32_t end, uint8_t *out)
{
    static bool removed[MESSAGE_SIZE_MAX + 1];
    int used = 0;
    memset(removed, 0, end + 1u);
    for (unsigned i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[i];
        if (edit->offset < message->start || (uint32_t)edit->offset + edit->removed > end)
            return -1;
        for (unsigned k = edit->offset; k < (unsigned)edit->offset + edit->removed; k++) {
            if (removed[k])
                return -1;
            removed[k] = true;
        }
    }
    for (unsigned i = 0; i < edits->count; i++) {
        // An insertion strictly inside what another edit removes is an overlap.
        for (unsigned k = 0; k < edits->count; k++)
            if (edits->list[i].offset > edits->list[k].offset &&
                edits->list[i].offset < edits->list[k].offset + edits->list[k].removed)
                return -1;
    }
    for (uint32_t at = message->start; at <= end; at++) {
        for (unsigned i = 0; i < edits->count; i++)
            if (edits->list[i].offset == at) {
                memcpy(out + used, edits->octets + edits->list[i].text, edits->list[i].length);
                used += edits->list[i].length;
            }
        if (at < end && !removed[at])
            out[used++] = message->octets[at];
    }
    return used;
}

static void check_any_edits(const struct message *message, const struct operation *operations, unsigned count)
{
    static struct edits edits;
    static uint8_t out[SIZE_MAX_HERE * 2], want[SIZE_MAX_HERE * 2];
    edits_init(&edits);
    for (unsigned i = 0; i < count; i++) {
        const struct operation *operation = &operations[i];
        uint16_t offset = (uint16_t)(message->length * operation->where / 255u);
        struct span span = {offset, operation->amount % 16u};
        if (operation->what % 3 == 0)
            edit_remove(&edits, span);
        else if (operation->what % 3 == 1)
            edit_insert(&edits, offset, text_of(operation), operation->amount % 16u);
        else
            edit_replace(&edits, span, text_of(operation), operation->text % 16u);
    }
    CHECK(edits.overflow == (count > EDITS_MAX));
    int used = edits_render(&edits, message, out, sizeof(out));
    if (edits.overflow) {
        CHECK(used == -1);
        return;
    }
    uint32_t end =
        message->header_end == 0 ? message->length : (uint32_t)message->body.offset + message->body.length;
    CHECK(used == model(&edits, message, end, want));
    CHECK(used == -1 || memcmp(out, want, (size_t)used) == 0);
    if (used > 0)
        CHECK(edits_render(&edits, message, out, (uint32_t)used) == used &&
              edits_render(&edits, message, out, (uint32_t)used - 1) == -1);
}

static bool same_text(const struct message *a, struct span left, const struct message *b, struct span right)
{
    return left.length == right.length && memcmp(message_at(a, left), message_at(b, right), left.length) == 0;
}

static bool removable(uint16_t kind)
{
    return kind == HEADER_OTHER || kind == HEADER_ROUTE || kind == HEADER_CONTACT ||
           kind == HEADER_MAX_FORWARDS;
}

// A response to a request has its folds as spaces: only what holds none is compared there.
static void check_same(const struct message *a, const struct message *b)
{
    CHECK(same_text(a, a->call_id, b, b->call_id));
    CHECK(same_text(a, a->from_tag, b, b->from_tag));
    CHECK(same_text(a, a->via.branch, b, b->via.branch) ||
          memchr(message_at(a, a->via.branch), '\n', a->via.branch.length) ||
          memchr(message_at(a, a->via.branch), '\r', a->via.branch.length));
    CHECK(a->cseq_number == b->cseq_number && a->method == b->method);
}

// By the Call-ID, which stays: both families get their turn.
static const struct ip_address *source_of(const struct message *message)
{
    static const struct ip_address sources[2] = {IP_MAPPED(0xc0000201u),
                                                 {{0x20, 0x01, 0x0d, 0xb8, [6] = 0xa0, [15] = 0x01}}};
    return &sources[message->call_id.length % 2];
}

static void check_source(const struct message *message)
{
    struct ip_address address;
    const struct ip_address *source = source_of(message);
    CHECK(!message->via.has_rport || message->via.rport_port == SOURCE_PORT);
    CHECK(!message->via.has_rport || message->via.received.length != 0);
    if (message->via.received.length != 0)
        CHECK(uri_host_ip(message->octets, message->via.received, &address) == 0 &&
              ip_equal(&address, source));
    else
        CHECK(uri_host_ip(message->octets, message->via.host, &address) == 0 && ip_equal(&address, source));
}

static void check_proxy_edits(const struct message *message, const struct operation *operations,
                              unsigned count)
{
    static struct edits edits;
    static uint8_t out[SIZE_MAX_HERE * 2];
    struct message again;
    bool gone[MESSAGE_HEADERS_MAX] = {false};
    edits_init(&edits);
    edit_via_source(&edits, message, source_of(message), SOURCE_PORT);
    for (unsigned i = 0; i < count && i < EDITS_MAX - 2; i++) {
        const struct operation *operation = &operations[i];
        unsigned index = operation->where % message->header_count;
        const struct header_field *field = &message->headers[index];
        if (operation->what % 2 == 0 || gone[index] || !removable(field->kind)) {
            // Not before the topmost Via: it would be another one.
            index = message->first[HEADER_VIA];
            field = &message->headers[index];
            edit_insert(&edits, field->line.offset + field->line.length, text_of(operation),
                        (uint32_t)strlen(text_of(operation)));
        } else {
            edit_remove(&edits, field->line);
            gone[index] = true;
        }
    }
    int used = edits_render(&edits, message, out, sizeof(out));
    CHECK(used > 0);
    int fault = message_parse(out, (uint32_t)used, &again);
    check_message(&again, fault);
    if (fault == MESSAGE_TOO_MANY_HEADERS)
        return;
    CHECK(fault == MESSAGE_FINE);
    check_same(message, &again);
    CHECK(same_text(message, message->body, &again, again.body));
    check_source(&again);
}

static void check_response(const struct message *request)
{
    static uint8_t out[SIZE_MAX_HERE * 2];
    const struct response_parts parts = {.status = 100,
                                         .reason = "Trying",
                                         .to_tag = "dg",
                                         .source_address = *source_of(request),
                                         .source_port = SOURCE_PORT,
                                         .overload = "=20;oc-validity=500;oc-seq=1282321615.00782"};
    struct writer writer;
    struct message response;
    writer_init(&writer, out, sizeof(out));
    write_response(&writer, request, &parts);
    CHECK(!writer.overflow);
    int fault = message_parse(out, writer.used, &response);
    check_message(&response, fault);
    CHECK(fault == MESSAGE_FINE && !response.is_request && response.status == 100);
    check_same(request, &response);
    CHECK(response.to_tag.length != 0);
    check_source(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct operation operations[OPERATIONS_MAX];
    struct message message;
    if (size == 0 || size > SIZE_MAX_HERE)
        return 0;
    unsigned count = data[0] % OPERATIONS_MAX;
    size_t head = 1 + count * sizeof(operations[0]);
    if (size < head)
        return 0;
    memcpy(operations, data + 1, count * sizeof(operations[0]));
    int fault = message_parse(data + head, (uint32_t)(size - head), &message);
    check_message(&message, fault);
    check_any_edits(&message, operations, count);
    if (fault != MESSAGE_FINE)
        return 0;
    check_proxy_edits(&message, operations, count);
    if (message.is_request)
        check_response(&message);
    return 0;
}
