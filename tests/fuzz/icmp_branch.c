// SPDX-License-Identifier: BSD-3-Clause
// The quotation of an ICMP error, as somebody else wrote it: what is found in it lies in it, whole, in the
// topmost line that could be a Via of ours.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "cookie.h"
#include "icmp.h"
#include "sip_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *branch = icmp_branch(data, size), *text = (const char *)data;
    struct cookie_branch hint;
    if (branch == NULL)
        return 0;
    size_t offset = (size_t)(branch - text);
    CHECK(branch > text && offset + COOKIE_BRANCH_LENGTH <= size);
    CHECK(offset >= 25 && memcmp(branch - 8, ";branch=", 8) == 0);
    CHECK(memchr(branch, '\n', COOKIE_BRANCH_LENGTH) == NULL);
    CHECK(memcmp(text, "SIP/2.0 ", 8) != 0 && memcmp(text, "ACK ", 4) != 0 &&
          memcmp(text, "CANCEL ", 7) != 0);
    (void)cookie_branch_hint((struct cookie_octets){branch, COOKIE_BRANCH_LENGTH}, &hint);
    return 0;
}
