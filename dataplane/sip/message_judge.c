// SPDX-License-Identifier: BSD-3-Clause
#include "message.h"

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

struct message_verdict message_judge(const struct message *message, int fault)
{
    const struct message_verdict silence = {0, NULL};
    if (fault >= 0 || fault < MESSAGE_TOO_LONG || reasons[-fault] == NULL)
        return silence;
    // RFC 3261 17: a response gets no response, and neither does an ACK (17.1.1.3).
    if (!message->is_request || message->method == METHOD_ACK)
        return silence;
    // The answer finds its way by the topmost Via, and its transaction by the branch there and the CSeq's
    // method (17.1.3). Of the rest, RFC 4475 3.3.1 wants a 400 even where Call-ID, From and To are all
    // missing.
    if (message->via.host.length == 0 || (message->cseq.length == 0 && message->call_id.length == 0))
        return silence;
    return (struct message_verdict){fault == MESSAGE_BAD_VERSION ? 505 : 400, reasons[-fault]};
}
