// SPDX-License-Identifier: BSD-3-Clause
#include "outcome.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <stdio.h>
#include <string.h>

void outcome_sofia(const uint8_t *octets, size_t length, struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    msg_t *msg = msg_make(sip_default_mclass(), 0, octets, (ssize_t)length);
    const sip_t *sip = msg == NULL ? NULL : sip_object(msg);
    if (sip != NULL && (sip->sip_request != NULL || sip->sip_status != NULL) && sip->sip_error == NULL &&
        sip->sip_via != NULL && sip->sip_from != NULL && sip->sip_to != NULL && sip->sip_call_id != NULL &&
        sip->sip_cseq != NULL && (sip->sip_flags & MSG_FLG_ERROR) == 0) {
        outcome->accepted = true;
        outcome_set(outcome, FIELD_CALL_ID, sip->sip_call_id->i_id);
        outcome_set(outcome, FIELD_FROM_TAG, sip->sip_from->a_tag);
        outcome_set(outcome, FIELD_TO_TAG, sip->sip_to->a_tag);
        outcome_set(outcome, FIELD_BRANCH, sip->sip_via->v_branch);
        snprintf(outcome->fields[FIELD_CSEQ], FIELD_MAX, "%u %s", sip->sip_cseq->cs_seq,
                 sip->sip_cseq->cs_method_name);
    }
    if (msg != NULL)
        msg_destroy(msg);
}
