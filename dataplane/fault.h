// SPDX-License-Identifier: BSD-3-Clause
// Why something was refused: one line for the operator, saying what, where and what to do.
#ifndef DIALGATE_FAULT_H
#define DIALGATE_FAULT_H

#include "dialgate/channel.h"

struct fault {
    char text[CHANNEL_TEXT_SIZE];
};

// Writes the line and returns -error, so that a caller can return it at once.
int fault_set(struct fault *fault, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
