// SPDX-License-Identifier: BSD-3-Clause
// Any octets: the parser and the judge stay inside them, and so do the spans. Nothing else is done here, so
// that as many inputs as possible run; what lies inside values has fuzzers of its own.
#include "sip_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message message;
    if (size > UINT32_MAX)
        return 0;
    int fault = message_parse(data, (uint32_t)size, &message);
    check_message(&message, fault);
    return 0;
}
