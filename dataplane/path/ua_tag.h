// SPDX-License-Identifier: BSD-3-Clause
// Tags of applications (RFC 3261 19.3): the application's number and 64 bits that nobody else can make, bound
// to the Call-ID. A tag that comes back tells whose it is when there is no record any more, or never was one:
// a NOTIFY for a subscription that its application keeps by itself (RFC 6665), or after the call (RFC
// 5057 4.2).
#ifndef DIALGATE_PATH_UA_TAG_H
#define DIALGATE_PATH_UA_TAG_H

#include <stdbool.h>
#include <stdint.h>
#include "cookie.h"

#define UA_TAG_LENGTH (4u + COOKIE_TAG_LENGTH)

unsigned ua_tag_write(const struct cookie_keys *keys, uint16_t application, struct cookie_octets call_id,
                      char out[COOKIE_TEXT_MAX]);
bool ua_tag_read(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets call_id,
                 uint16_t *application);

#endif
