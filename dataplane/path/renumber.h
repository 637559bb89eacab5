// SPDX-License-Identifier: BSD-3-Clause
// Numbers in messages of a dialog into which we have put requests of our own (state/dialog_cseq.c): shifted
// on the way to the other end, restored on the way back. Everything else passes as it is.
#ifndef DIALGATE_PATH_RENUMBER_H
#define DIALGATE_PATH_RENUMBER_H

#include "worker_core.h"

// Edits of a request that is sent on, in its dialog: CSeq, RAck (RFC 3262 7.2), and the id of an Event of
// REFER (RFC 3515 2.4.6), which is a CSeq number.
void renumber_request(struct worker *worker, const struct work *work);
// Edits of a response that is sent on. Also of a kept request that we answer ourselves: dialog is its record,
// INDEX_NONE: none.
void renumber_response(struct worker *worker, const struct work *work);
void renumber_kept(struct worker *worker, const struct message *message, uint32_t dialog);
// The record of a transaction, INDEX_NONE when it is gone.
static inline uint32_t renumber_record(const struct worker *worker, const struct transaction *transaction)
{
    uint32_t index = transaction->dialog;
    return index != INDEX_NONE &&
                   dialog_at(&worker->dialogs, index)->generation == transaction->dialog_generation
               ? index
               : INDEX_NONE;
}

#endif
