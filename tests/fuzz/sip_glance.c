// SPDX-License-Identifier: BSD-3-Clause
// Where the glance says yes, the parser finds the same fields and no fault, or one of a kind that the glance
// leaves alone and that gets an answer, and a refusal by either is the same; the Call-ID of its first step is
// the parser's, and so is an ACK's To-tag: in any octets, in their beginning, and in their end. And it says
// yes to its seeds' like: see test_glance.c.
#include "glance.h"
#include "judge.h"
#include "sip_check.h"
#include "write.h"

#include <string.h>

static bool same(struct span a, struct span b)
{
    return a.offset == b.offset && a.length == b.length;
}

static void check_via(const struct via *a, const struct via *b)
{
    CHECK(same(a->whole, b->whole) && same(a->transport, b->transport) && same(a->host, b->host));
    CHECK(same(a->rport, b->rport) && same(a->received, b->received) && same(a->branch, b->branch));
    CHECK(same(a->parameters, b->parameters) && a->port == b->port && a->has_rport == b->has_rport);
    CHECK(a->rport_port == b->rport_port);
}

static void check_fields(const struct message *a, const struct message *b)
{
    CHECK(a->octets == b->octets && a->length == b->length && a->start == b->start);
    CHECK(a->is_request == b->is_request && a->method == b->method);
    CHECK(a->status == b->status && a->cseq_number == b->cseq_number && a->cseq_method == b->cseq_method);
    CHECK(a->header_end == b->header_end && same(a->method_name, b->method_name));
    CHECK(same(a->call_id, b->call_id) && same(a->from, b->from));
    CHECK(same(a->to, b->to) && same(a->to_tag, b->to_tag) && same(a->cseq, b->cseq));
    check_via(&a->via, &b->via);
}

static void check_vias(const struct message *glanced, const struct message *parsed)
{
    uint8_t a = glanced->first[HEADER_VIA], b = parsed->first[HEADER_VIA];
    for (; a != MESSAGE_NO_HEADER && b != MESSAGE_NO_HEADER;
         a = message_next_header(glanced, a), b = message_next_header(parsed, b)) {
        CHECK(same(glanced->headers[a].value, parsed->headers[b].value));
        CHECK(same(glanced->headers[a].line, parsed->headers[b].line));
    }
    CHECK(a == b);
}

static bool is_left(int fault)
{
    return fault == MESSAGE_BAD_REQUEST_URI || fault == MESSAGE_BAD_HEADER_LINE ||
           fault == MESSAGE_BAD_FROM || fault == MESSAGE_BAD_TO || fault == MESSAGE_BAD_MAX_FORWARDS ||
           fault == MESSAGE_BAD_CONTENT_LENGTH || fault == MESSAGE_REPEATED_HEADER;
}

// As a worker does for what it has glanced at, or as for any message.
static uint32_t refuse(const struct message *message, bool glanced, const char *overload, uint8_t out[4096])
{
    static const char end[] = "\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n";
    static const struct refusal_tail tail = {end, sizeof(end) - 1, 13};
    const struct response_parts parts = {.status = 503,
                                         .reason = "Service Unavailable",
                                         .to_tag = "aaaabbbbccccd",
                                         .extra = "Retry-After: 5\r\n",
                                         .source_address = IP_MAPPED(0x0a0a0101),
                                         .source_port = 5060,
                                         .overload = overload};
    struct writer writer;
    writer_init(&writer, out, 4096);
    if (glanced)
        write_refusal(&writer, message, &parts, &tail);
    else
        write_response(&writer, message, &parts);
    return writer.overflow ? 0 : writer.used;
}

static void check_refusals(const struct message *glanced, const struct message *parsed)
{
    static const char *const overloads[] = {NULL, "=20;oc-validity=500;oc-seq=7.00001"};
    static uint8_t out[3][4096];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t used = refuse(glanced, false, overloads[i], out[0]);
        CHECK(used == refuse(parsed, false, overloads[i], out[1]) && memcmp(out[0], out[1], used) == 0);
        uint32_t quick = refuse(glanced, true, overloads[i], out[2]);
        CHECK(quick == used || (quick == 0 && used > 3000)); // it asks for more room than it takes
        CHECK(memcmp(out[0], out[2], quick) == 0);
    }
}

static void check_ack(struct glance *glance, const struct message *parsed, int fault)
{
    struct span tag;
    for (uint32_t size = 1; size <= 16; size++) {
        struct glance copy = *glance;
        CHECK(!glance_to_tag(&copy, size, &tag) || fault != MESSAGE_FINE ||
              (same(tag, parsed->to_tag) && tag.length == size));
    }
}

static void check_octets(const uint8_t *octets, uint32_t length, struct glance_via *known)
{
    static struct message glanced, parsed;
    struct glance glance;
    if (!glance_begin(octets, length, &glanced, &glance))
        return;
    int fault = message_parse(octets, length, &parsed);
    CHECK(same(glance.values[HEADER_CALL_ID], parsed.call_id));
    if (glance.is_ack)
        check_ack(&glance, &parsed, fault);
    if (!glance_rest(&glance, known))
        return;
    CHECK(fault == MESSAGE_FINE || is_left(fault));
    CHECK(fault == MESSAGE_FINE || message_judge(&parsed, fault, &judge_front_end).action == JUDGE_ANSWER);
    CHECK(parsed.method == METHOD_INVITE);
    if (fault == MESSAGE_BAD_TO) // what the parser took for a tag there is of no use
        parsed.to_tag = glanced.to_tag;
    check_fields(&glanced, &parsed);
    check_vias(&glanced, &parsed);
    check_refusals(&glanced, &parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > UINT16_MAX)
        return 0;
    // The last two octets, which often are the body's, say where the text is cut.
    uint32_t cut = (uint32_t)((data[size - 1] | (unsigned)data[size - 2] << 8) % size);
    // The Via that the first look leaves is known to the next ones.
    struct glance_via known = {.before_length = 0};
    check_octets(data, (uint32_t)size, &known);
    check_octets(data, (uint32_t)size, &known);
    check_octets(data + cut, (uint32_t)(size - cut), &known);
    // A copy of its own, so that the sanitizer sees the first octet read behind it.
    uint8_t *copy = malloc(cut + 1);
    CHECK(copy != NULL);
    memcpy(copy, data, cut);
    check_octets(copy, cut, &known);
    free(copy);
    return 0;
}
