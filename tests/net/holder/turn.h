// SPDX-License-Identifier: BSD-3-Clause
// One turn of the loop: what came, what is due, what is to be started.
#ifndef HOLDER_TURN_H
#define HOLDER_TURN_H

#include "work.h"

// Sets the holder's clock and does all that there is to do now. Returns milliseconds until the next turn is
// needed.
int turn(struct holder *holder, struct work *work);

#endif
