// SPDX-License-Identifier: BSD-3-Clause
// Header parameters and comma-joined lists (RFC 3261 7.3.1, 25.1), and what else readers share. Private to
// dataplane/sip.
#ifndef DIALGATE_SIP_PARAM_H
#define DIALGATE_SIP_PARAM_H

#include "scan.h"
#include "uri.h"

struct param {
    struct span whole; // name to value
    struct span name;
    struct span value; // with its quotes; length 0 and the offset behind the name when there is none
};

// Reads ";" name [ "=" value ] at the cursor, which must stand on the semicolon, and white space behind it.
// Returns 0, or -1 when it is no parameter.
int param_read(struct cursor *cursor, struct param *param);

// Reads the next parameter. Returns 1, 0 at the end of the text or before a comma, -1 when something else is
// there.
int param_next(struct cursor *cursor, struct param *param);

// Whether the parameter has this name, compared without case (lower case letters, digits, hyphens).
static inline bool param_is(const struct cursor *cursor, const struct param *param, const char *name)
{
    return strlen(name) == param->name.length &&
           scan_same(cursor->base + param->name.offset, name, param->name.length);
}

// Keeps a value that may be there once and must not be empty. Returns 0, or -1.
int param_take(const struct param *param, struct span *value);

// The same for a number up to limit; *has tells whether it was there before.
int param_take_number(const struct cursor *cursor, const struct param *param, uint32_t limit, bool *has,
                      uint32_t *number);

// Reads a comment, which nests (RFC 3261 25.1), at the cursor, which must stand on its parenthesis, and white
// space behind it. Returns 0, or -1 when it is not closed.
int param_comment(struct cursor *cursor, struct span *comment);

// Before a value of a list: skips white space. Returns 1 when a value must follow, 0 at the end, -1 when the
// text ends with a comma.
int param_list_open(struct cursor *cursor);

// Behind a value of a list: takes the comma. Returns 1, or -1 when something else follows.
int param_list_close(struct cursor *cursor);

// As uri_parse(), without vectors: octet by octet, for what those leave, and for the tests.
int uri_read(const uint8_t *octets, struct span text, struct uri *uri);

// One value of a list of addresses, as address_next() but with the tag parameter (length 0: none) read in the
// same pass.
int address_read(struct cursor *cursor, struct address *address, struct span *tag);

#endif
