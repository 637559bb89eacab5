// SPDX-License-Identifier: BSD-3-Clause
// What becomes of transfers of applications' calls, for the table of all (referral.h).
#include "../control.h"
#include "referral.h"
#include "transfer.h"

static struct referral *begin(struct ua *ua, const struct transfer *transfer)
{
    const struct ua_call *call = ua_call_by_id(ua, transfer->dialog);
    const uint16_t application = transfer->app->number, peer = transfer->peer;
    const struct referral_birth birth = {.origin = REFERRAL_APPLICATION,
                                         .id = transfer->id,
                                         .dialog = call ? call->by_handle.key : 0,
                                         .call = call ? call->by_number.key : 0,
                                         .from_peer = transfer->ours ? application : peer,
                                         .to_peer = transfer->ours ? peer : application,
                                         .application = application,
                                         .callee = call && call->callee == transfer->ours,
                                         .cseq = transfer->refer.cseq,
                                         .ask = &transfer->ask};
    return referral_begin(ua->control, &birth);
}

// We are referred: what we answer to the REFER, then what the call comes to.
static void note_taken(struct control *control, struct referral *referral, const struct transfer *transfer,
                       unsigned actions)
{
    const struct refer *refer = &transfer->refer;
    uint16_t refusal = transfer->refusal ? transfer->refusal : 480;
    if (actions & REFER_DO_REFUSE)
        referral_step(control, referral, &(struct referral_news){REFER_OVER, refusal, "", false});
    if (actions & REFER_DO_ACCEPT)
        referral_step(control, referral, &(struct referral_news){refer->state, 200, "accepted", false});
    if (!(actions & REFER_DO_REFUSE))
        referral_step(control, referral,
                      &(struct referral_news){refer->state, refer->status, transfer->reason, true});
    if (actions & REFER_DO_END)
        referral_end(control, referral, REFERRAL_OPEN);
}

// We refer: the response to the REFER, then what NOTIFYs tell; they may come first (RFC 6665 4.1.2.4).
static void note_sent(struct control *control, struct referral *referral, const struct transfer *transfer,
                      unsigned actions)
{
    const struct refer *refer = &transfer->refer;
    bool expired = refer->state == REFER_OVER && clock_ms() >= refer->life_ms;
    bool of_call = referral->accepted || refer->state == REFER_SENDING || refer->state == REFER_ENDED;
    bool silent = !of_call && refer->state == REFER_OVER && refer->status / 100 == 2;
    referral->refer.cseq = refer->cseq;
    if (!expired)
        referral_step(control, referral,
                      &(struct referral_news){refer->state, refer->status, transfer->reason, of_call});
    if (actions & REFER_DO_END)
        referral_end(control, referral,
                     expired  ? REFERRAL_EXPIRED
                     : silent ? REFERRAL_UNREPORTED
                              : REFERRAL_OPEN);
}

void transfer_note(struct ua *ua, const struct transfer *transfer, unsigned actions)
{
    struct referral *referral;
    if (!(actions & (REFER_DO_TELL | REFER_DO_END)))
        return;
    referral = referral_find(ua->control, transfer->id);
    referral = referral ? referral : begin(ua, transfer);
    if (referral && transfer->ours)
        note_sent(ua->control, referral, transfer, actions);
    else if (referral)
        note_taken(ua->control, referral, transfer, actions);
}
