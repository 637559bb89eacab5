// SPDX-License-Identifier: BSD-3-Clause
#include "subscription_state.h"
#include "param.h"

static enum subscription name_state(const uint8_t *octets, struct span name)
{
    if (span_is(octets, name, "active"))
        return SUBSCRIPTION_ACTIVE;
    if (span_is(octets, name, "pending"))
        return SUBSCRIPTION_PENDING;
    return span_is(octets, name, "terminated") ? SUBSCRIPTION_TERMINATED : SUBSCRIPTION_OTHER;
}

static int take(const struct cursor *cursor, const struct param *param, struct subscription_state *state)
{
    if (param_is(cursor, param, "reason"))
        return param_take(param, &state->reason);
    if (param_is(cursor, param, "expires"))
        return param_take_number(cursor, param, UINT32_MAX, &state->has_expires, &state->expires_s);
    if (param_is(cursor, param, "retry-after"))
        return param_take_number(cursor, param, UINT32_MAX, &state->has_retry_after, &state->retry_after_s);
    return 0;
}

int subscription_state_read(const uint8_t *octets, struct span value, struct subscription_state *state)
{
    struct cursor cursor = cursor_of(octets, value);
    const uint8_t *start = cursor.at;
    struct param param;
    int more;
    memset(state, 0, sizeof(*state));
    cursor.at = scan_while(start, cursor.end, SCAN_TOKEN);
    state->name = span_between(octets, start, cursor.at);
    state->state = name_state(octets, state->name);
    if (state->name.length == 0)
        return -1;
    while ((more = param_next(&cursor, &param)) == 1)
        if (take(&cursor, &param, state) != 0)
            return -1;
    return more == 0 && cursor.at == cursor.end ? 0 : -1;
}

static void write_seconds(struct writer *writer, const char *name, bool has, uint32_t seconds)
{
    if (!has)
        return;
    write_text(writer, name);
    write_number(writer, seconds);
}

void write_subscription_state(struct writer *writer, const uint8_t *octets,
                              const struct subscription_state *state)
{
    write_octets(writer, octets + state->name.offset, state->name.length);
    if (state->reason.length != 0) {
        write_text(writer, ";reason=");
        write_octets(writer, octets + state->reason.offset, state->reason.length);
    }
    write_seconds(writer, ";expires=", state->has_expires, state->expires_s);
    write_seconds(writer, ";retry-after=", state->has_retry_after, state->retry_after_s);
}
