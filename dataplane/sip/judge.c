// SPDX-License-Identifier: BSD-3-Clause
// The order of the checks is RFC 3261's: what message_parse() found, then 16.3 of a proxy or 8.2 of a UA,
// then limits. The first that fails gives the answer.
#include "judge.h"
#include "header.h"
#include "judge_limit.h"
#include "token_list.h"
#include "uri.h"

static const char *const no_extension[] = {NULL};

const struct judge_options judge_front_end = {
    .role = JUDGE_FRONT_END,
    .schemes = 1u << URI_SIP | 1u << URI_SIPS | 1u << URI_TEL | 1u << URI_URN,
    .extensions = no_extension,
};

// By fault. What has no phrase here is never answered.
static const char *const reasons[] = {
    [-MESSAGE_BAD_VERSION] = "Version Not Supported",
    [-MESSAGE_BAD_REQUEST_URI] = "Bad Request-URI",
    [-MESSAGE_BAD_HEADER_LINE] = "Bad Header Line",
    [-MESSAGE_TOO_MANY_HEADERS] = "Too Many Headers",
    [-MESSAGE_BAD_VIA] = "Bad Via",
    [-MESSAGE_NO_CALL_ID] = "Missing Call-ID",
    [-MESSAGE_BAD_CALL_ID] = "Bad Call-ID",
    [-MESSAGE_NO_FROM] = "Missing From",
    [-MESSAGE_BAD_FROM] = "Bad From",
    [-MESSAGE_NO_TO] = "Missing To",
    [-MESSAGE_BAD_TO] = "Bad To",
    [-MESSAGE_NO_CSEQ] = "Missing CSeq",
    [-MESSAGE_BAD_CSEQ] = "Bad CSeq",
    [-MESSAGE_BAD_MAX_FORWARDS] = "Bad Max-Forwards",
    [-MESSAGE_BAD_CONTENT_LENGTH] = "Bad Content-Length",
    [-MESSAGE_CUT] = "Missing Empty Line",
    [-MESSAGE_REPEATED_HEADER] = "Repeated Header",
    [-MESSAGE_TOO_LONG] = NULL,
};

static const struct message_verdict fine = {JUDGE_FINE, 0, HEADER_OTHER, NULL};

static struct message_verdict answer(uint16_t status, const char *reason)
{
    return (struct message_verdict){JUDGE_ANSWER, status, HEADER_OTHER, reason};
}

static struct message_verdict judge_fault(int fault)
{
    if (fault > 0 || fault < MESSAGE_TOO_LONG || reasons[-fault] == NULL)
        return (struct message_verdict){JUDGE_SILENCE, 0, HEADER_OTHER, NULL};
    return answer(fault == MESSAGE_BAD_VERSION ? 505 : 400, reasons[-fault]);
}

static bool is_supported(const struct judge_options *options, const uint8_t *octets, struct span tag)
{
    for (const char *const *extension = options->extensions; *extension != NULL; extension++)
        if (span_is(octets, tag, *extension))
            return true;
    return false;
}

// RFC 3261 8.2.2.3, 16.3 item 5: one option tag that we do not know is enough; so is text that is no list.
static bool requires_unknown(const struct message *message, unsigned kind,
                             const struct judge_options *options)
{
    for (uint8_t field = message_first_header(message, kind); field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct span tag;
        int more;
        while ((more = token_list_next(message->octets, message->headers[field].value, &at, &tag)) == 1)
            if (!is_supported(options, message->octets, tag))
                return true;
        if (more != 0)
            return true;
    }
    return false;
}

static struct message_verdict judge_extensions(const struct message *message,
                                               const struct judge_options *options)
{
    unsigned kind = options->role == JUDGE_UA ? HEADER_REQUIRE : HEADER_PROXY_REQUIRE;
    // 8.2.2.3: neither header counts in a CANCEL or in an ACK.
    if (message->method == METHOD_CANCEL || message->method == METHOD_ACK ||
        !requires_unknown(message, kind, options))
        return fine;
    return (struct message_verdict){JUDGE_ANSWER, 420, HEADER_UNSUPPORTED, "Bad Extension"};
}

// RFC 3261 8.2.1: whoever does not know a method says 501 (21.5.2), whoever does not serve it here 405.
static struct message_verdict judge_method(const struct message *message, const struct judge_options *options)
{
    if (options->role != JUDGE_UA || (options->methods >> message->method & 1) != 0)
        return fine;
    if (message->method == METHOD_OTHER)
        return answer(501, "Not Implemented");
    return (struct message_verdict){JUDGE_ANSWER, 405, HEADER_ALLOW, "Method Not Allowed"};
}

static struct message_verdict judge_request(const struct message *message,
                                            const struct judge_options *options)
{
    const struct judge_limits *limits = &options->limits;
    struct message_verdict verdict = judge_method(message, options);
    if (verdict.action != JUDGE_FINE)
        return verdict;
    if (limits->uri != 0 && message->request_uri.length > limits->uri)
        return answer(414, "Request-URI Too Long");
    if ((options->schemes >> message->uri_scheme & 1) == 0)
        return answer(416, "Unsupported URI Scheme");
    // 16.3 item 3. To whom the request came in the end (8.2), the number means nothing.
    if (options->role == JUDGE_FRONT_END && message->max_forwards == 0)
        return answer(483, "Too Many Hops");
    return judge_extensions(message, options);
}

// Who gets no answer, whatever is wrong. A response gets none (RFC 3261 17), and neither does an ACK
// (17.1.1.3). The answer finds its way by the topmost Via, and its transaction by the branch there and the
// CSeq's method (17.1.3). Of the rest, RFC 4475 3.3.1 wants a 400 even where Call-ID, From and To are all
// missing.
static bool is_answerable(const struct message *message)
{
    return message->is_request && message->method != METHOD_ACK && message->via.host.length != 0 &&
           (message->cseq.length != 0 || message->call_id.length != 0);
}

struct message_verdict message_judge(const struct message *message, int fault,
                                     const struct judge_options *options)
{
    struct message_verdict verdict = fine;
    if (fault != MESSAGE_FINE)
        verdict = judge_fault(fault);
    else if (message->is_request)
        verdict = judge_request(message, options);
    if (verdict.action == JUDGE_FINE) {
        struct judge_excess excess = judge_limit(message, &options->limits);
        if (excess.status != 0)
            verdict = answer(excess.status, excess.reason);
    }
    if (verdict.action == JUDGE_ANSWER && !is_answerable(message))
        return (struct message_verdict){JUDGE_SILENCE, 0, HEADER_OTHER, NULL};
    return verdict;
}

static void write_unsupported(struct writer *writer, const struct message *message,
                              const struct judge_options *options)
{
    unsigned kind = options->role == JUDGE_UA ? HEADER_REQUIRE : HEADER_PROXY_REQUIRE;
    const char *before = "Unsupported: ";
    for (uint8_t field = message_first_header(message, kind); field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct span tag;
        while (token_list_next(message->octets, message->headers[field].value, &at, &tag) == 1) {
            if (is_supported(options, message->octets, tag))
                continue;
            write_text(writer, before);
            write_span(writer, message, tag);
            before = ", ";
        }
    }
    // No tag could be read: there is nothing to name.
    if (before[0] == ',')
        write_text(writer, "\r\n");
}

void write_verdict_header(struct writer *writer, const struct message *message,
                          const struct message_verdict *verdict, const struct judge_options *options)
{
    if (verdict->header == HEADER_UNSUPPORTED)
        write_unsupported(writer, message, options);
    if (verdict->header != HEADER_ALLOW)
        return;
    const char *before = "Allow: ";
    for (unsigned method = 0; method < METHOD_OTHER; method++) {
        if ((options->methods >> method & 1) == 0)
            continue;
        write_text(writer, before);
        write_text(writer, method_text(method));
        before = ", ";
    }
    // RFC 3261 20.5: an empty list means that nothing is allowed.
    write_text(writer, before[0] == ',' ? "\r\n" : "Allow:\r\n");
}
