// SPDX-License-Identifier: BSD-3-Clause
#include "session_timer.h"

#define TICKS_A_SECOND (1000u / TICK_MS)

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// The shortest that policy and request allow.
static uint32_t shortest(const struct session_policy *policy, const struct session_request *request)
{
    return larger(larger(policy->minimum_s, SESSION_FLOOR_S), request->min_se_s);
}

struct session_request session_ask(const struct session_policy *policy, uint32_t min_se_s)
{
    struct session_request request = {.min_se_s = min_se_s, .supported = true};
    if (policy->wanted_s == 0 && min_se_s == 0)
        return request;
    uint32_t wanted = smaller(policy->wanted_s, SESSION_CEILING_S);
    request.interval_s = larger(wanted, shortest(policy, &request));
    request.refresher = policy->refresher;
    // Only a Min-SE above the default tells anything, but one that came in a 422 is repeated (section 7.3).
    if (policy->minimum_s > SESSION_FLOOR_S)
        request.min_se_s = larger(request.min_se_s, policy->minimum_s);
    return request;
}

uint32_t session_ask_again(const struct session_request *asked, uint32_t min_se_s)
{
    bool helps = min_se_s > asked->interval_s && min_se_s <= SESSION_CEILING_S;
    return helps ? min_se_s : 0;
}

struct session_terms session_agree(const struct session_request *asked, struct session_terms answered)
{
    if (answered.interval_s == 0)
        return (struct session_terms){0};
    uint32_t most = asked->interval_s != 0 ? asked->interval_s : SESSION_CEILING_S;
    answered.interval_s = larger(smaller(answered.interval_s, most), SESSION_FLOOR_S);
    if (answered.refresher == SESSION_NEITHER)
        answered.refresher = SESSION_UAC;
    return answered;
}

// Table 2: the request's choice binds, but a UAC that knows no session timer does not refresh.
static uint8_t refresher_of(const struct session_policy *policy, const struct session_request *request)
{
    if (!request->supported)
        return SESSION_UAS;
    if (request->refresher != SESSION_NEITHER)
        return request->refresher;
    return policy->refresher != SESSION_NEITHER ? policy->refresher : SESSION_UAC;
}

struct session_answer session_answer(const struct session_policy *policy,
                                     const struct session_request *request)
{
    struct session_answer answer = {0};
    if (request->interval_s == 0 && policy->wanted_s == 0)
        return answer;
    uint32_t minimum = larger(policy->minimum_s, SESSION_FLOOR_S);
    // A UAC without session timers would not know a 422: a proxy has put the interval there.
    if (request->interval_s != 0 && request->interval_s < minimum && request->supported)
        return (struct session_answer){.status = 422, .min_se_s = minimum};
    uint32_t interval = policy->wanted_s != 0 ? policy->wanted_s : request->interval_s;
    interval = larger(smaller(interval, SESSION_CEILING_S), shortest(policy, request));
    // Never more than was asked for, whatever the request's own Min-SE says.
    if (request->interval_s != 0)
        interval = larger(smaller(interval, request->interval_s), SESSION_FLOOR_S);
    answer.terms.interval_s = smaller(interval, SESSION_CEILING_S);
    answer.terms.refresher = refresher_of(policy, request);
    answer.require = request->supported;
    return answer;
}

unsigned session_pass_request(const struct session_policy *policy, struct session_request *request)
{
    uint32_t minimum = larger(policy->minimum_s, SESSION_FLOOR_S);
    bool asks = request->interval_s != 0;
    if (asks && request->interval_s < minimum) {
        if (request->supported)
            return 422;
        // Who does not know session timers cannot be told: raised instead.
        request->interval_s = minimum;
        request->min_se_s = larger(request->min_se_s, minimum);
        return 0;
    }
    if (policy->wanted_s == 0)
        return 0;
    uint32_t wanted = larger(smaller(policy->wanted_s, SESSION_CEILING_S), shortest(policy, request));
    if (!asks || wanted < request->interval_s)
        request->interval_s = wanted;
    return 0;
}

bool session_pass_response(const struct session_request *sent, struct session_terms *terms)
{
    if (terms->interval_s != 0 || sent->interval_s == 0 || !sent->supported)
        return false;
    *terms = (struct session_terms){.interval_s = sent->interval_s, .refresher = SESSION_UAC};
    return true;
}

tick_t session_refresh_after(uint32_t interval_s)
{
    return smaller(interval_s, SESSION_CEILING_S) * TICKS_A_SECOND / 2;
}

tick_t session_over_after(uint32_t interval_s)
{
    interval_s = smaller(interval_s, SESSION_CEILING_S);
    return (interval_s - smaller(32, interval_s / 3)) * TICKS_A_SECOND;
}

tick_t session_forgotten_after(uint32_t interval_s)
{
    return smaller(interval_s, SESSION_CEILING_S) * TICKS_A_SECOND;
}
