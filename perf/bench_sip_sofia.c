// SPDX-License-Identifier: BSD-3-Clause
#include "bench_sip.h"
#include "harness.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>

// sofia-sip reads every header it knows when it parses, tags and branch included.
int sofia_parse_one(const struct corpus *text)
{
    msg_t *msg = msg_make(sip_default_mclass(), 0, text->octets, (ssize_t)text->length);
    if (msg == NULL)
        return -1;
    const sip_t *sip = sip_object(msg);
    int result = -1;
    if (sip != NULL && (sip->sip_request != NULL || sip->sip_status != NULL) && sip->sip_error == NULL &&
        sip->sip_via != NULL && sip->sip_via->v_branch != NULL && sip->sip_from != NULL &&
        sip->sip_from->a_tag != NULL && sip->sip_to != NULL && sip->sip_call_id != NULL &&
        sip->sip_cseq != NULL)
        result = 0;
    bench_keep(sip);
    msg_destroy(msg);
    return result;
}
