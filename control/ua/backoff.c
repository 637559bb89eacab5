// SPDX-License-Identifier: BSD-3-Clause
#include "backoff.h"

#include <sys/random.h>
#include "../control.h"

uint32_t ua_random(void)
{
    uint32_t word = 0;
    if (getrandom(&word, sizeof(word), GRND_NONBLOCK) != sizeof(word))
        word = (uint32_t)ua_unix_ms();
    return word;
}

struct config_retry_view ua_policy(const struct ua *ua, const struct ua_app *app, const char *name)
{
    struct config_application_view view;
    struct config_retry_view policy = {0};
    if (name)
        (void)config_retry_view(ua->control->active.config, name, &policy);
    else if (ua_app_view(ua, app, &view, NULL))
        policy = view.retry;
    return policy;
}

uint64_t ua_backoff_ms(const struct config_retry_view *policy, uint32_t attempts)
{
    uint64_t delay_ms = policy->first_ms;
    for (uint32_t i = 0; i < attempts && delay_ms < policy->cap_ms; i++)
        delay_ms = delay_ms * policy->factor_percent / 100;
    if (delay_ms > policy->cap_ms)
        delay_ms = policy->cap_ms;
    uint64_t jitter = delay_ms * policy->jitter_percent / 100;
    return jitter ? delay_ms - jitter + ua_random() % (2 * jitter + 1) : delay_ms;
}

void ua_fail_over(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    uint32_t count, first = ua_random();
    const struct snapshot_member *members =
        configuration_section(&ua->control->active, SECTION_MEMBERS, &count);
    sent->order->to_member = NUMBER_NONE;
    for (uint32_t i = 0; i < count && ip_is_set(&response->source); i++) {
        uint32_t number = (first + i) % count;
        bool same = ip_equal(&members[number].address, &response->source) &&
                    members[number].port == response->source_port;
        if (members[number].flags == SNAPSHOT_PRESENT && members[number].peer == response->peer && !same) {
            sent->order->to_peer = response->peer;
            sent->order->to_member = (uint16_t)number;
            ua->counts.failovers++;
            return;
        }
    }
}
