// SPDX-License-Identifier: BSD-3-Clause
// Contact (RFC 3261 20.10; RFC 5626 4.1, 11.1).
#ifndef DIALGATE_SIP_CONTACT_H
#define DIALGATE_SIP_CONTACT_H

#include "uri.h"

#define CONTACT_EXPIRES_DEFAULT_S 3600u // RFC 3261 10.2.1.1

struct contact {
    struct address address;
    struct span instance; // +sip.instance with its quotes; length 0: none
    uint32_t expires_s;   // CONTACT_EXPIRES_DEFAULT_S for text that is no number below 2^32 (20.10)
    uint32_t reg_id;      // 1 .. 2^31 - 1; 0: none
    uint16_t q;           // thousandths; 1000 when not given
    bool has_expires;
    bool has_q;
};

// Whether the value is the "*" of a REGISTER that removes all.
bool contact_is_star(const uint8_t *octets, struct span value);

// Walks the values as address_next() does. -1 also for a q-value, reg-id or instance that is none, or is
// repeated.
int contact_next(const uint8_t *octets, struct span value, uint32_t *at, struct contact *contact);

#endif
