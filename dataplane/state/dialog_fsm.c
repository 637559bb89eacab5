// SPDX-License-Identifier: BSD-3-Clause
// What is not in the table changes nothing: a late 1xx or refusal of a confirmed dialog, a repeated 2xx, an
// ACK or CANCEL (the flag is all there is to it). Every way into Confirmed has DO_CONFIRM or began there, and
// every way to Terminated has exactly one of the two DO_END, so that gauges made of them return to zero.
#include "dialog.h"

#define END_EARLY     (DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE)
#define END_CONFIRMED (DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE)

const uint8_t dialog_state_of[DIALOG_ROWS] = {
    [DIALOG_ROW_FREE] = DIALOG_FREE,
    [DIALOG_ROW_NONE] = DIALOG_NONE,
    [DIALOG_ROW_EARLY] = DIALOG_EARLY,
    [DIALOG_ROW_CONFIRMED] = DIALOG_CONFIRMED,
    [DIALOG_ROW_TERMINATING] = DIALOG_TERMINATING,
    [DIALOG_ROW_TERMINATING_EARLY] = DIALOG_TERMINATING,
    [DIALOG_ROW_TERMINATING_CANCELLED] = DIALOG_TERMINATING,
    [DIALOG_ROW_TERMINATED] = DIALOG_TERMINATED,
};

// clang-format off
const struct dialog_cell dialog_fsm[DIALOG_ROWS][DIALOG_EVENTS] = {
    [DIALOG_ROW_NONE] = {
        [DIALOG_ON_PROVISIONAL]  = {DIALOG_ROW_EARLY, DIALOG_DO_EARLY},
        [DIALOG_ON_SUCCESS]      = {DIALOG_ROW_CONFIRMED, DIALOG_DO_CONFIRM}, // 13.3.1.4: no 1xx is needed
        [DIALOG_ON_REFUSED]      = {DIALOG_ROW_TERMINATED, END_EARLY},
        [DIALOG_ON_TIMEOUT]      = {DIALOG_ROW_TERMINATED, END_EARLY},
        [DIALOG_ON_OPERATOR_END] = {DIALOG_ROW_TERMINATING_CANCELLED, DIALOG_DO_CANCEL},
    },
    [DIALOG_ROW_EARLY] = {
        [DIALOG_ON_PROVISIONAL]  = {DIALOG_ROW_EARLY, 0}, // its lifetime begins again
        [DIALOG_ON_SUCCESS]      = {DIALOG_ROW_CONFIRMED, DIALOG_DO_CONFIRM},
        [DIALOG_ON_REFUSED]      = {DIALOG_ROW_TERMINATED, END_EARLY}, // 12.3
        [DIALOG_ON_BYE]          = {DIALOG_ROW_TERMINATING_EARLY, 0},  // section 15: the caller may, the callee may not
        [DIALOG_ON_TIMEOUT]      = {DIALOG_ROW_TERMINATED, END_EARLY},
        [DIALOG_ON_OPERATOR_END] = {DIALOG_ROW_TERMINATING_CANCELLED, DIALOG_DO_CANCEL},
    },
    [DIALOG_ROW_CONFIRMED] = {
        [DIALOG_ON_BYE]          = {DIALOG_ROW_TERMINATING, 0},
        [DIALOG_ON_BYE_DONE]     = {DIALOG_ROW_TERMINATED, END_CONFIRMED}, // of two BYEs one was challenged, this is the other
        [DIALOG_ON_TIMEOUT]      = {DIALOG_ROW_TERMINATING, DIALOG_DO_BYE_BOTH},
        [DIALOG_ON_OPERATOR_END] = {DIALOG_ROW_TERMINATING, DIALOG_DO_BYE_BOTH},
        [DIALOG_ON_GONE]         = {DIALOG_ROW_TERMINATING, 0}, // 12.2.1.2: who got the 481 may still send BYE
        [DIALOG_ON_NO_ACK]       = {DIALOG_ROW_TERMINATED, END_CONFIRMED}, // 13.3.1.4: the callee has sent its BYE
        [DIALOG_ON_SESSION_END]  = {DIALOG_ROW_TERMINATED, END_CONFIRMED}, // RFC 4028 section 8.3: the proxy forgets it
    },
    [DIALOG_ROW_TERMINATING] = {
        [DIALOG_ON_BYE_DONE]       = {DIALOG_ROW_TERMINATED, END_CONFIRMED},
        [DIALOG_ON_BYE_CHALLENGED] = {DIALOG_ROW_CONFIRMED, 0},
        [DIALOG_ON_TIMEOUT]        = {DIALOG_ROW_TERMINATED, END_CONFIRMED},
    },
    [DIALOG_ROW_TERMINATING_EARLY] = {
        [DIALOG_ON_SUCCESS]        = {DIALOG_ROW_TERMINATING, DIALOG_DO_CONFIRM}, // it crossed the BYE: there was a call
        [DIALOG_ON_REFUSED]        = {DIALOG_ROW_TERMINATED, END_EARLY},          // 15.1.2: the 487
        [DIALOG_ON_BYE_DONE]       = {DIALOG_ROW_TERMINATED, END_EARLY},
        [DIALOG_ON_BYE_CHALLENGED] = {DIALOG_ROW_EARLY, 0},
        [DIALOG_ON_TIMEOUT]        = {DIALOG_ROW_TERMINATED, END_EARLY},
    },
    [DIALOG_ROW_TERMINATING_CANCELLED] = {
        [DIALOG_ON_SUCCESS] = {DIALOG_ROW_TERMINATING, DIALOG_DO_CONFIRM | DIALOG_DO_BYE_BOTH}, // it crossed the CANCEL (9.1)
        [DIALOG_ON_REFUSED] = {DIALOG_ROW_TERMINATED, END_EARLY},
        [DIALOG_ON_TIMEOUT] = {DIALOG_ROW_TERMINATED, END_EARLY},
    },
};
// clang-format on
