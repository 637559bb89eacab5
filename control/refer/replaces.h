// SPDX-License-Identifier: BSD-3-Clause
// Calls that are to take the place of another one of the same application (RFC 3891). The data plane finds
// the dialog and holds it (CLAIM, dialgate/channel_ua.h); the application answers the new call as any other;
// its 2xx ends the old one, any other end of the INVITE gives the old one back.
#ifndef DIALGATE_CONTROL_REFER_REPLACES_H
#define DIALGATE_CONTROL_REFER_REPLACES_H

#include "../ua/ua.h"

struct replacement;
LIST_HEAD(replacements, replacement);

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
