// SPDX-License-Identifier: BSD-3-Clause
// Steering sees the Call-ID that the parser sees: in any octets, in their beginning, and in their end.
#include "sip_check.h"

#include <string.h>

static void check_octets(const uint8_t *octets, uint32_t length)
{
    static struct message message;
    struct span call_id;
    (void)message_parse(octets, length, &message);
    bool found = peek_call_id(octets, length, &call_id);
    CHECK(found == (message.call_id.length != 0));
    CHECK(!found || (call_id.offset == message.call_id.offset && call_id.length == message.call_id.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > UINT16_MAX)
        return 0;
    // The last two octets, which often are the body's, say where the text is cut.
    uint32_t cut = (uint32_t)((data[size - 1] | (unsigned)data[size - 2] << 8) % size);
    check_octets(data, (uint32_t)size);
    check_octets(data + cut, (uint32_t)(size - cut));
    // A copy of its own, so that the sanitizer sees the first octet read behind it.
    uint8_t *copy = malloc(cut + 1);
    CHECK(copy != NULL);
    memcpy(copy, data, cut);
    check_octets(copy, cut);
    free(copy);
    return 0;
}
