// SPDX-License-Identifier: BSD-3-Clause
// Any octets: the parser reads the same whatever vectors it marks them with, and steering sees the same
// Call-ID.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mark.h"
#include "sip_check.h"

static void check_same(const struct message *a, const struct message *b)
{
    // Cleared as a whole before they are filled, padding too.
    CHECK(memcmp(a, b, offsetof(struct message, first)) == 0);
    CHECK(memcmp(a->first, b->first, sizeof(a->first)) == 0);
    CHECK(memcmp(a->last, b->last, sizeof(a->last)) == 0);
    CHECK(memcmp(a->headers, b->headers, a->header_count * sizeof(a->headers[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message bare, message;
    if (size > UINT32_MAX)
        return 0;
    CHECK(mark_use(MARK_NONE));
    int fault = message_parse(data, (uint32_t)size, &bare);
    for (unsigned level = MARK_NONE; level < MARK_LEVEL_COUNT; level++) {
        struct span call_id;
        if (!mark_use((enum mark_level)level))
            continue;
        CHECK(message_parse(data, (uint32_t)size, &message) == fault);
        check_same(&bare, &message);
        CHECK(peek_call_id(data, (uint32_t)size, &call_id) == (bare.call_id.length != 0));
        CHECK(bare.call_id.length == 0 ||
              (call_id.offset == bare.call_id.offset && call_id.length == bare.call_id.length));
    }
    return 0;
}
