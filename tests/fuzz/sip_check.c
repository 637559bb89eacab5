// SPDX-License-Identifier: BSD-3-Clause
// The line that `dialgatectl sip check` prints: one printable line that says what the judge says, for a front
// end and for a user agent.
#include <string.h>

#include "sip_check.h"
#include "sip_line.h"

static void check_line(const uint8_t *data, size_t size, const struct judge_options *options)
{
    char line[SIP_LINE_MAX];
    memset(line, 0x55, sizeof(line));
    struct message_verdict verdict = sip_check_line(data, (uint32_t)size, options, line);
    size_t length = strnlen(line, sizeof(line));
    CHECK(length < sizeof(line));
    for (size_t i = 0; i < length; i++)
        CHECK(line[i] >= ' ' && line[i] <= '~');
    CHECK((verdict.action == JUDGE_FINE) == (strncmp(line, "ok ", 3) == 0));
    CHECK((verdict.action == JUDGE_ANSWER) == (strncmp(line, "reject ", 7) == 0));
    CHECK((verdict.action == JUDGE_SILENCE) == (strcmp(line, "drop") == 0));
    CHECK(verdict.action != JUDGE_ANSWER || (verdict.status >= 400 && verdict.status <= 599));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > UINT32_MAX)
        return 0;
    check_line(data, size, &judge_front_end);
    check_line(data, size, sip_check_ua());
    return 0;
}
