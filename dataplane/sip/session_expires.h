// SPDX-License-Identifier: BSD-3-Clause
// Session-Expires and Min-SE (RFC 4028 4, 5).
#ifndef DIALGATE_SIP_SESSION_EXPIRES_H
#define DIALGATE_SIP_SESSION_EXPIRES_H

#include "message.h"
#include "write.h"

#define SESSION_EXPIRES_MIN_S 90u // RFC 4028 4: no smaller interval may be asked for; a reader lets it pass

enum session_refresher { REFRESHER_NONE, REFRESHER_UAC, REFRESHER_UAS };

struct session_expires {
    uint32_t interval_s;
    enum session_refresher refresher; // REFRESHER_NONE: not given
};

// Returns 0, or -1: no number below 2^32, or a refresher that is neither uac nor uas or is repeated.
int session_expires_read(const uint8_t *octets, struct span value, struct session_expires *session);
void write_session_expires(struct writer *writer, const struct session_expires *session);

// Returns 0 or -1.
int min_se_read(const uint8_t *octets, struct span value, uint32_t *interval_s);

#endif
