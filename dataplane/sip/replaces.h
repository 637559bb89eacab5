// SPDX-License-Identifier: BSD-3-Clause
// Headers that name another dialog: Replaces (RFC 3891 6.1), Join (RFC 3911 7.1), Target-Dialog (RFC 4538 7).
#ifndef DIALGATE_SIP_REPLACES_H
#define DIALGATE_SIP_REPLACES_H

#include "message.h"
#include "write.h"

struct replaces {
    struct span call_id;
    struct span to_tag;   // the local tag of who receives the header
    struct span from_tag; // the remote tag of who receives it; 0 is the tag of RFC 2543 peers that have none
    bool early_only;
};

// Return 0, or -1: no Call-ID, a tag that is missing, empty or repeated. RFC 3891 6.1: exactly one of each.
int replaces_read(const uint8_t *octets, struct span value, struct replaces *replaces);
int join_read(const uint8_t *octets, struct span value, struct replaces *join); // early_only is false
void write_replaces(struct writer *writer, const uint8_t *octets, const struct replaces *replaces);

struct target_dialog {
    struct span call_id;
    struct span local_tag; // of who receives the header, as the example in RFC 4538 section 8 has it
    struct span remote_tag;
};

int target_dialog_read(const uint8_t *octets, struct span value, struct target_dialog *target);

#endif
