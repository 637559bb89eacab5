// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors on their way from the listeners' sockets to whom they concern.
//
// One that says that a request of ours did not arrive goes to the worker that its branch names, which checks
// it (path/unreachable.h). Whatever it quotes, a member that it says is unreachable is probed soon: that
// alone decides about its health. One that says that a datagram was too long lowers what is sent to that
// address, when it is an address of a peer: what it quotes may be a response, which has no branch of ours, so
// that forging one is possible, and costs no more than fragments of 576 or 1280 octets for ten minutes (RFC
// 8201 section 6).
#ifndef DIALGATE_UNREACHABLES_H
#define DIALGATE_UNREACHABLES_H

#include "hostnet.h"
#include "listen.h"
#include "workers.h"

// Takes what waits on the sockets, a bounded part of it at a time.
void unreachables_poll(struct listen_set *listens, struct workers *workers, struct hostnet *hostnet);

#endif
