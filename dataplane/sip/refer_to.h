// SPDX-License-Identifier: BSD-3-Clause
// Refer-To (RFC 3515 2.1) and the headers that its URI holds (RFC 3261 19.1.1), Replaces above all (RFC 3891
// 4).
#ifndef DIALGATE_SIP_REFER_TO_H
#define DIALGATE_SIP_REFER_TO_H

#include "replaces.h"
#include "uri.h"

struct refer_to {
    struct address address;
    struct uri uri;
    uint8_t method;       // enum sip_method that the URI asks for; METHOD_INVITE when it names none
    struct span replaces; // value of the Replaces header, escaped; length 0: none
    uint16_t headers;     // how many the URI holds
};

// Reads the one value. Returns 0, or -1: no address, more than one, a URI that is none, headers that are
// none, or a second Replaces.
int refer_to_read(const uint8_t *octets, struct span value, struct refer_to *refer);

// The Replaces that a Refer-To carries, unescaped into buffer, which the spans are relative to. Returns 0, or
// -1 when there is none, it does not fit or it is faulty.
int refer_to_replaces(const uint8_t *octets, const struct refer_to *refer, struct writer *buffer,
                      struct replaces *replaces);

// Writes <URI?Replaces=...> with what must be escaped escaped. replaces may be NULL. uri must hold no
// headers.
void write_refer_to(struct writer *writer, const char *uri, const uint8_t *octets,
                    const struct replaces *replaces);

#endif
