// SPDX-License-Identifier: BSD-3-Clause
// Events of what came of a request: configurations, and what the operator takes out of service.
#ifndef DIALGATE_CONTROL_EVENT_TELL_H
#define DIALGATE_CONTROL_EVENT_TELL_H

#include "control.h"

// What was handed over was taken, and is in force, or was not (result -errno); control->reload and versions
// are still of it.
void event_tell_handed(struct control *control, enum reload_cause cause, int result, const char *text);
// A file or a version was refused before that. cause: "reload" or "rollback"; who may be NULL.
void event_tell_refused(struct control *control, const char *cause, const char *who, const char *text);
// control->changed takes the place of control->overlay.
void event_tell_drained(struct control *control);

#endif
