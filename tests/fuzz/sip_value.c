// SPDX-License-Identifier: BSD-3-Clause
// Input: an octet that chooses a reader, then the value.
#include "sip_check.h"
#include "sip_readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > UINT16_MAX)
        return 0;
    readers_run(data[0] % readers_count(), data + 1, (struct span){0, (uint16_t)(size - 1)});
    return 0;
}
