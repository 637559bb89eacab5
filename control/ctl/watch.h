// SPDX-License-Identifier: BSD-3-Clause
// The same picture again and again: on a terminal over the whole screen until q, elsewhere one behind the
// other.
#ifndef DIALGATE_CTL_WATCH_H
#define DIALGATE_CTL_WATCH_H

#include "ctl.h"

#define WATCH_SECONDS     2 // where the operator names none
#define WATCH_SECONDS_MAX 3600

// Draws into ctl->out; returns an exit status.
typedef int watch_draw(struct ctl *ctl, void *context);

// Draws at once and every so many seconds. On a terminal a picture that fails shows why, and the next one is
// tried; elsewhere it ends the watch. Returns the exit status of the last picture.
int watch_run(struct ctl *ctl, int seconds, watch_draw *draw, void *context);

// Text on a screen of this size, from its upper left corner: what has no room is left out, what stood there
// before is gone. Escape sequences take no room.
void watch_paint(const char *text, int rows, int columns, FILE *out);

#endif
