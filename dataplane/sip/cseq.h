// SPDX-License-Identifier: BSD-3-Clause
// CSeq (RFC 3261 20.16) and RAck (RFC 3262 7.2).
#ifndef DIALGATE_SIP_CSEQ_H
#define DIALGATE_SIP_CSEQ_H

#include "message.h"
#include "write.h"

struct cseq {
    uint32_t number;
    uint8_t method; // enum sip_method
    struct span method_name;
};

// Splits a CSeq: a number below 2^31 (RFC 3261 8.1.1.5), white space, a token. Returns 0; or -1, when only
// the number may be set.
int cseq_split(const uint8_t *octets, struct span value, uint32_t *number, struct span *method_name);

// Returns 0 or -1.
int cseq_read(const uint8_t *octets, struct span value, struct cseq *cseq);
void write_cseq(struct writer *writer, const uint8_t *octets, const struct cseq *cseq);

struct rack {
    uint32_t response; // the RSeq that is acknowledged: 1 .. 2^32 - 1
    struct cseq cseq;  // of the request that the response was to
};

// Returns 0 or -1.
int rack_read(const uint8_t *octets, struct span value, struct rack *rack);
void write_rack(struct writer *writer, const uint8_t *octets, const struct rack *rack);

#endif
