// SPDX-License-Identifier: BSD-3-Clause
// The commands on standard input, a line each, answered by a line of JSON each; README.md lists them.
#ifndef HOLDER_COMMAND_H
#define HOLDER_COMMAND_H

#include "work.h"

struct commands {
    bool waiting; // for all to be done, with the next lines behind it
    uint64_t wait_end_us;
    size_t length; // of what was read and not executed
    char line[256];
    bool ended; // by command, or end of input
};

// Reads standard input when READABLE and executes what is complete.
void commands_turn(struct commands *commands, struct holder *holder, struct work *work, bool readable);

#endif
