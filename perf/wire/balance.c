// SPDX-License-Identifier: BSD-3-Clause
// The worker's own counters against what far ends sent and got.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "wire.h"

static const char *const names[] = {
#define C(name, family, label, help) #name,
    COUNTERS(C)
#undef C
};

__attribute__((format(printf, 2, 3))) static void fault(struct wire_result *result, const char *format, ...)
{
    va_list arguments;
    if (result->fault[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(result->fault, sizeof(result->fault), format, arguments);
    va_end(arguments);
}

void wire_balance(const struct plane *plane, const struct crowd_count *crowd, struct wire_result *result)
{
    uint64_t outcomes = 0, received = plane_count(plane, COUNTER_RX_PACKETS),
             sent = plane_count(plane, COUNTER_TX_PACKETS), refused = plane_count(plane, COUNTER_TX_REFUSED);
    for (unsigned i = COUNTER_OUT_FORWARDED; i <= COUNTER_DROP_HOST_FULL; i++) {
        uint64_t n = plane_count(plane, (enum counter)i);
        outcomes += n;
        if (n > 0 && i >= COUNTER_DROP_NOT_IP)
            fault(result, "%" PRIu64 " packets were dropped: %s", n, names[i]);
    }
    if (crowd->wrong > 0)
        fault(result, "%" PRIu64 " messages were wrong", crowd->wrong);
    if (result->open > 0)
        fault(result, "%" PRIu64 " messages never came", result->open);
    if (crowd->no_room > 0)
        fault(result, "%" PRIu64 " packets found no room on the wire", crowd->no_room);
    if (received != crowd->sent)
        fault(result, "%" PRIu64 " packets were sent, and %" PRIu64 " received", crowd->sent, received);
    if (outcomes != received)
        fault(result, "%" PRIu64 " packets have %" PRIu64 " outcomes", received, outcomes);
    if (sent != crowd->received || refused > 0)
        fault(result,
              "%" PRIu64 " packets were given to the wire, and %" PRIu64 " refused, but %" PRIu64 " came",
              sent, refused, crowd->received);
}
