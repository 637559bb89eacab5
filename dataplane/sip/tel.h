// SPDX-License-Identifier: BSD-3-Clause
// tel URIs (RFC 3966).
#ifndef DIALGATE_SIP_TEL_H
#define DIALGATE_SIP_TEL_H

#include "uri.h"

struct tel {
    bool is_global;         // begins with "+"
    struct span number;     // with its "+" and visual separators
    struct span parameters; // from behind the first semicolon; offset 0: none
};

// Reads what stands behind the colon of a tel URI, or the user part of a sip URI with user=phone (RFC
// 3261 19.1.6). Returns 0, or -1 when it is no number. A local number without phone-context passes: nearly
// nobody sends one.
int tel_read(const uint8_t *octets, struct span rest, struct tel *tel);

#endif
