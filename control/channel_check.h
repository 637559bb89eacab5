// SPDX-License-Identifier: BSD-3-Clause
// What makes a datagram of the dataplane acceptable. Pure: no descriptor is touched, no state is kept.
#ifndef DIALGATE_CONTROL_CHANNEL_CHECK_H
#define DIALGATE_CONTROL_CHANNEL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "dialgate/channel.h"

// datagram: 8-octet aligned, size octets, came with fd_count descriptors. Returns NULL when it is good, else
// what is wrong with it: a constant text.
const char *channel_check(const void *datagram, size_t size, size_t fd_count);

// Octets of the body that a type has, 0 for a type that does not exist. A DIALOG_ROW has text after it.
size_t channel_body_size(unsigned int type);

#endif
