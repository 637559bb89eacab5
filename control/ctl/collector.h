// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_CTL_COLLECTOR_H
#define DIALGATE_CTL_COLLECTOR_H

#include "ctl.h"

#define COLLECTOR_SIZE 81u // what capture.start takes, with a NUL

// HOST, HOST:PORT, ADDRESS or ADDRESS:PORT with the host's address in its place, as capture.start takes it.
// False after one line on stderr.
bool collector_look_up(struct ctl *ctl, const char *given, char *out, size_t size);

#endif
