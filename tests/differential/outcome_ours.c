// SPDX-License-Identifier: BSD-3-Clause
#include "outcome.h"

#include <stdio.h>
#include <string.h>

#include "cseq.h"
#include "message.h"

void outcome_set(struct outcome *outcome, enum field field, const char *text)
{
    snprintf(outcome->fields[field], FIELD_MAX, "%s", text == NULL ? "" : text);
}

static void set_span(struct outcome *outcome, enum field field, const struct message *message,
                     struct span span)
{
    snprintf(outcome->fields[field], FIELD_MAX, "%.*s", (int)span.length,
             (const char *)message_at(message, span));
}

void outcome_ours(const uint8_t *octets, size_t length, struct outcome *outcome)
{
    struct message message;
    struct cseq cseq;
    memset(outcome, 0, sizeof(*outcome));
    outcome->fault = message_parse(octets, (uint32_t)length, &message);
    outcome->accepted = outcome->fault == MESSAGE_FINE;
    if (!outcome->accepted)
        return;
    set_span(outcome, FIELD_CALL_ID, &message, message.call_id);
    set_span(outcome, FIELD_FROM_TAG, &message, message.from_tag);
    set_span(outcome, FIELD_TO_TAG, &message, message.to_tag);
    set_span(outcome, FIELD_BRANCH, &message, message.via.branch);
    if (cseq_read(octets, message.cseq, &cseq) == 0)
        snprintf(outcome->fields[FIELD_CSEQ], FIELD_MAX, "%u %.*s", cseq.number, (int)cseq.method_name.length,
                 (const char *)message_at(&message, cseq.method_name));
}
