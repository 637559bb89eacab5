// SPDX-License-Identifier: BSD-3-Clause
// Calls that are to take the place of another one of the same application (RFC 3891). The data plane finds
// the dialog and holds it (CLAIM, dialgate/channel_ua.h); the application answers the new call as any other;
// its 2xx ends the old one, any other end of the INVITE gives the old one back.
#ifndef DIALGATE_CONTROL_REFER_REPLACES_H
#define DIALGATE_CONTROL_REFER_REPLACES_H

#include "../ua/ua.h"

struct replacement;
LIST_HEAD(replacements, replacement);

// What becomes of an INVITE with Replaces, for metrics.
#define TAKEOVERS(T)                                                                                         \
    T(DONE, "done")               /* it was answered, and the old call ended by that */                      \
    T(MALFORMED, "malformed")     /* its Replaces, or more than one of them */                               \
    T(DENIED, "denied")           /* by the configuration, or who sent it is not entitled to */              \
    T(UNKNOWN, "unknown")         /* 481: no such dialog, or an early one that we did not begin */           \
    T(ENDED, "ended")             /* the old call had ended, or did so before the answer */                  \
    T(CONFIRMED, "confirmed")     /* with early-only, and the old call had been answered */                  \
    T(TAKEN, "taken")             /* somebody else is about to replace the old call */                       \
    T(REFUSED, "refused")         /* by the application */                                                   \
    T(CANCELLED, "cancelled")     /* the caller gave up, or its call ended otherwise */                      \
    T(UNAVAILABLE, "unavailable") /* the data plane has no room, or is away */
enum takeover {
#define T(name, word) TAKEOVER_##name,
    TAKEOVERS(T)
#undef T
        TAKEOVER_COUNT
};

void replaces_start(struct ua *ua); // sets ua->called, ua->settled and ua->confirmed
// Also of a control that did not come to start it.
void replaces_stop(struct control *control);
// A call is about to be forgotten.
void replaces_ended(struct ua *ua, const struct ua_call *call);
// Now and then: what is held stays held.
void replaces_clock(struct ua *ua);
// RFC 3891 section 3: only an INVITE may have Replaces. True: the request was refused.
bool replaces_refuse(struct ua *ua, struct ua_request *request, const struct message *message);

#endif
