// SPDX-License-Identifier: BSD-3-Clause
// Dialogs that nobody has left: a side that was not heard for an interval is asked with an OPTIONS inside the
// dialog (RFC 3261 11, 12.2.1.1) in the name of the other one. 481, 408 or no answer (which is a
// 408: 8.1.3.1) say that the dialog is gone (12.2.1.2), and BYE goes to both sides; any other answer that it
// lives.
#ifndef DIALGATE_PATH_KEEPALIVE_H
#define DIALGATE_PATH_KEEPALIVE_H

#include "worker_core.h"

// The dialog's timer says that an interval has passed (DIALOG_ON_KEEPALIVE).
void keepalive_look(struct worker *worker, uint32_t dialog);
// A message of this side passed.
static inline void keepalive_heard(struct worker *worker, uint32_t dialog, enum dialog_side side)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    dialog_heard_set(&worker->dialogs, dialog, record->heard | DIALOG_HEARD(side));
}
// A request of ours inside a dialog has ended, by a final status, or by none: 0. Any but OPTIONS: nothing.
void keepalive_ended(struct worker *worker, uint32_t client, uint16_t status);

#endif
