// SPDX-License-Identifier: BSD-3-Clause
// Control's questions and orders about bans, and the workers' verdicts.
#ifndef DIALGATE_BAN_REQUESTS_H
#define DIALGATE_BAN_REQUESTS_H

#include "bans.h"
#include "channel_check.h"
#include "channel_server.h"
#include "suspect.h"
#include "workers.h"

void ban_requests_set(struct bans *bans, const struct rules *rules, struct channel_server *channel,
                      const struct channel_input *in, uint64_t now_ms);
void ban_requests_list(struct bans *bans, struct channel_server *channel, const struct channel_input *in,
                       uint64_t now_ms);
// Empties a worker's ring.
void ban_requests_take(struct bans *bans, const struct workers *workers, struct suspects *suspects,
                       uint64_t now_ms);

#endif
