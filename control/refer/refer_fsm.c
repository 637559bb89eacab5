// SPDX-License-Identifier: BSD-3-Clause
// What has no cell changes nothing. DO_CALL stands in one state only, each way to REFER_OVER has DO_FORGET,
// and the outcome is counted once (DO_END).
#include "refer.h"

#define ACCEPT REFER_DO_ACCEPT
#define REFUSE REFER_DO_REFUSE
#define CALL   REFER_DO_CALL
#define NOTIFY REFER_DO_NOTIFY
#define LAST   REFER_DO_LAST
#define ANSWER REFER_DO_ANSWER
#define DENY   REFER_DO_DENY
#define TELL   REFER_DO_TELL
#define END    REFER_DO_END
#define OVER   (REFER_DO_FORGET)

// clang-format off
const struct refer_cell refer_fsm[REFER_STATES][REFER_EVENTS] = {
    [REFER_ASKED] = {
        [REFER_ON_ACCEPT]        = {REFER_CARRIED, ACCEPT | CALL | NOTIFY | TELL}, // RFC 3515 2.4.4: a NOTIFY at once
        [REFER_ON_ACCEPT_SILENT] = {REFER_SILENT, ACCEPT | CALL | TELL},           // RFC 4488 section 4
        [REFER_ON_REFUSE]        = {REFER_OVER, REFUSE | END | OVER},
        [REFER_ON_SUBSCRIBE]     = {REFER_FREE, DENY},
        [REFER_ON_UNSUBSCRIBE]   = {REFER_FREE, DENY},
        [REFER_ON_GONE]          = {REFER_OVER, REFUSE | TELL | END | OVER}, // RFC 3261 15.1.2
        [REFER_ON_LIFE]          = {REFER_OVER, REFUSE | TELL | END | OVER},
    },
    [REFER_CARRIED] = {
        [REFER_ON_PROGRESS]    = {REFER_CARRIED, NOTIFY | TELL},
        [REFER_ON_OUTCOME]     = {REFER_REPORTING, LAST | TELL | END},  // RFC 3515 2.4.7
        [REFER_ON_SUBSCRIBE]   = {REFER_CARRIED, ANSWER | NOTIFY},      // RFC 6665 4.2.1.2
        [REFER_ON_UNSUBSCRIBE] = {REFER_SILENT, ANSWER | LAST},         // RFC 3515 2.4.7: the call goes on
        [REFER_ON_EXPIRED]     = {REFER_SILENT, LAST},
        [REFER_ON_DEAF]        = {REFER_SILENT, TELL},
        [REFER_ON_LIFE]        = {REFER_REPORTING, LAST | TELL | END},
    },
    [REFER_SILENT] = {
        [REFER_ON_PROGRESS]    = {REFER_SILENT, TELL},
        [REFER_ON_OUTCOME]     = {REFER_OVER, TELL | END | OVER},
        [REFER_ON_SUBSCRIBE]   = {REFER_FREE, DENY},
        [REFER_ON_UNSUBSCRIBE] = {REFER_FREE, DENY},
        [REFER_ON_LIFE]        = {REFER_OVER, TELL | END | OVER},
    },
    [REFER_REPORTING] = {
        [REFER_ON_SUBSCRIBE]   = {REFER_FREE, DENY},
        [REFER_ON_UNSUBSCRIBE] = {REFER_FREE, DENY},
        [REFER_ON_LAST_DONE]   = {REFER_OVER, OVER},
        [REFER_ON_DEAF]        = {REFER_OVER, OVER},
        [REFER_ON_LIFE]        = {REFER_OVER, OVER},
    },
    [REFER_SENDING] = {
        [REFER_ON_2XX]        = {REFER_WAITING, TELL},
        [REFER_ON_2XX_SILENT] = {REFER_OVER, TELL | END | OVER},
        [REFER_ON_REFUSED]    = {REFER_OVER, TELL | END | OVER},
        [REFER_ON_TOLD]       = {REFER_SENDING, ANSWER | TELL},
        [REFER_ON_TOLD_FINAL] = {REFER_SENDING, ANSWER | TELL},
        [REFER_ON_TOLD_LAST]  = {REFER_ENDED, ANSWER | TELL | END},
        [REFER_ON_LIFE]       = {REFER_OVER, TELL | END | OVER},
    },
    [REFER_ENDED] = {
        [REFER_ON_2XX]        = {REFER_OVER, OVER},
        [REFER_ON_2XX_SILENT] = {REFER_OVER, OVER},
        [REFER_ON_REFUSED]    = {REFER_OVER, OVER},
        [REFER_ON_TOLD]       = {REFER_FREE, DENY},
        [REFER_ON_TOLD_FINAL] = {REFER_FREE, DENY},
        [REFER_ON_TOLD_LAST]  = {REFER_FREE, DENY},
        [REFER_ON_LIFE]       = {REFER_OVER, OVER},
    },
    [REFER_WAITING] = {
        [REFER_ON_TOLD]       = {REFER_WAITING, ANSWER | TELL},
        [REFER_ON_TOLD_FINAL] = {REFER_LINGERING, ANSWER | TELL | END},
        [REFER_ON_TOLD_LAST]  = {REFER_OVER, ANSWER | TELL | END | OVER},
        [REFER_ON_LIFE]       = {REFER_OVER, TELL | END | OVER},
    },
    [REFER_LINGERING] = {
        [REFER_ON_TOLD]       = {REFER_LINGERING, ANSWER},
        [REFER_ON_TOLD_FINAL] = {REFER_LINGERING, ANSWER},
        [REFER_ON_TOLD_LAST]  = {REFER_OVER, ANSWER | OVER},
        [REFER_ON_LIFE]       = {REFER_OVER, OVER},
    },
};
// clang-format on
