// SPDX-License-Identifier: BSD-3-Clause
// How a request of ours is tried again: retry.c decides, keep_invite.c takes it over a restart of control.
#ifndef DIALGATE_CONTROL_UA_RETRY_H
#define DIALGATE_CONTROL_UA_RETRY_H

#include "../config/config.h"
#include "credentials.h"
#include "redirect.h"
#include "ua.h"

struct ua_try {
    struct ua *ua;
    struct ua_sent *sent;
    struct config_retry_view policy;
    uint32_t attempts, redirects, challenges;
    unsigned challenged; // the last status, 401 or 407
    struct ua_credentials credentials;
    uint32_t timeout_ms;
    bool waiting; // decided, the data plane has not begun it yet
    char *context;
    char *call_id, *from_tag, *uri; // of the request as it was sent
    uint32_t cseq;
    size_t headers;  // octets of header lines that stay as they are
    size_t answered; // of those behind them, at first: answers to challenges of before
    struct ua_targets targets;
    struct event *timer;
};

// Each request with a nonce has a count of its own (RFC 7616 3.4): answers what was asked anew.
void ua_try_renew(struct ua_sent *sent);
void ua_try_wait(struct ua *ua, struct ua_sent *sent, uint64_t delay_ms); // it is sent again then

#endif
