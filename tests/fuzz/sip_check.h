// SPDX-License-Identifier: BSD-3-Clause
// What the fuzzers of dataplane/sip share.
#ifndef DIALGATE_TESTS_FUZZ_SIP_CHECK_H
#define DIALGATE_TESTS_FUZZ_SIP_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "judge.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check_span(const struct message *message, struct span span)
{
    CHECK((uint32_t)span.offset + span.length <= message->length);
}

// The lines of a kind are found one after the other.
static inline void check_index(const struct message *message)
{
    uint8_t first[HEADER_COUNT];
    memset(first, MESSAGE_NO_HEADER, sizeof(first));
    for (unsigned i = message->header_count; i-- > 0;) {
        unsigned kind = message->headers[i].kind;
        CHECK(message_next_header(message, (uint8_t)i) == first[kind]);
        first[kind] = (uint8_t)i;
    }
    for (unsigned kind = 0; kind < HEADER_COUNT; kind++)
        CHECK(message_first_header(message, kind) == first[kind]);
}

static inline void check_message(const struct message *message, int fault)
{
    const struct span spans[] = {
        message->method_name, message->request_uri, message->reason,       message->call_id,
        message->from,        message->from_tag,    message->to,           message->to_tag,
        message->cseq,        message->body,        message->via.whole,    message->via.transport,
        message->via.host,    message->via.rport,   message->via.received, message->via.branch,
    };
    CHECK(fault <= MESSAGE_FINE && fault >= MESSAGE_TOO_LONG);
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        check_span(message, spans[i]);
    uint32_t end = message->start;
    for (unsigned i = 0; i < message->header_count; i++) {
        const struct header_field *field = &message->headers[i];
        CHECK(field->line.offset >= end && field->kind < HEADER_COUNT);
        end = (uint32_t)field->line.offset + field->line.length;
        CHECK(field->value.offset >= field->line.offset);
        CHECK((uint32_t)field->value.offset + field->value.length <= end);
    }
    CHECK(end <= message->length);
    check_index(message);
    struct message_verdict verdict = message_judge(message, fault, &judge_front_end);
    CHECK((verdict.action == JUDGE_ANSWER) == (verdict.status != 0));
    CHECK(fault == MESSAGE_FINE || verdict.action != JUDGE_FINE);
    CHECK((verdict.status == 0) == (verdict.reason == NULL));
    CHECK(verdict.status == 0 || (message->is_request && message->method != METHOD_ACK));
    if (fault != MESSAGE_FINE)
        return;
    CHECK(message->via.host.length != 0 && message->from.length != 0 && message->to.length != 0);
    CHECK(message->call_id.length != 0 && message->cseq.length != 0 && message->header_end != 0);
    CHECK(message->cseq_number <= INT32_MAX && message->cseq_method == message->method);
}

#endif
