// SPDX-License-Identifier: BSD-3-Clause
// What each message of control does.
#ifndef DIALGATE_CHANNEL_HANDLERS_H
#define DIALGATE_CHANNEL_HANDLERS_H

#include "channel_services.h"

// A checked message, whose descriptor becomes ours.
void channel_handlers_take(struct channel_services *services, const struct channel_input *in,
                           uint64_t now_ms);

#endif
