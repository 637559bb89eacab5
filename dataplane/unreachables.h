// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors on their way from the listeners' sockets to the workers.
#ifndef DIALGATE_UNREACHABLES_H
#define DIALGATE_UNREACHABLES_H

#include "listen.h"
#include "workers.h"

// Takes what waits on the sockets, a bounded part of it at a time.
void unreachables_poll(struct listen_set *listens, struct workers *workers);

#endif
