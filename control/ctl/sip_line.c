// SPDX-License-Identifier: BSD-3-Clause
#include "sip_line.h"

#include <stdio.h>
#include "uri.h"

#define METHOD_SHOWN 100 // characters

static const char *const extensions[] = {"100rel", "timer", "replaces", "norefersub", "tdialog", NULL};

// The library's own limits, copied once: a constant cannot be made of another one.
static struct judge_options user_agent = {
    .role = JUDGE_UA,
    .schemes = 1u << URI_SIP | 1u << URI_SIPS | 1u << URI_TEL,
    .methods = (1u << METHOD_OTHER) - 1,
    .extensions = extensions,
};

const struct judge_options *sip_check_ua(void)
{
    user_agent.limits = judge_limits_ua;
    return &user_agent;
}

struct message_verdict sip_check_line(const uint8_t *octets, uint32_t length,
                                      const struct judge_options *options, char line[SIP_LINE_MAX])
{
    struct message message;
    int fault = message_parse(octets, length, &message);
    struct message_verdict verdict = message_judge(&message, fault, options);
    int shown = message.method_name.length > METHOD_SHOWN ? METHOD_SHOWN : message.method_name.length;
    if (verdict.action == JUDGE_SILENCE)
        snprintf(line, SIP_LINE_MAX, "drop");
    else if (verdict.action == JUDGE_ANSWER)
        snprintf(line, SIP_LINE_MAX, "reject %u %s", verdict.status, verdict.reason);
    else if (message.is_request)
        snprintf(line, SIP_LINE_MAX, "ok %.*s", shown,
                 (const char *)message_at(&message, message.method_name));
    else
        snprintf(line, SIP_LINE_MAX, "ok %u", message.status);
    return verdict;
}
