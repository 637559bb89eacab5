// SPDX-License-Identifier: BSD-3-Clause
#include "capture_match.h"

#include "worker_core.h"

// Parsed once at most, and only when a filter asks what is in it.
static const struct message *parsed(struct worker *worker, struct capture_sight *sight)
{
    struct message *message = &worker->capturing.message;
    if (!sight->is_parsed)
        (void)message_parse(sight->octets, sight->length, message); // what stands before a fault is there
    sight->is_parsed = true;
    return message;
}

static bool is_separator(uint8_t octet)
{
    return octet == '-' || octet == '.' || octet == '(' || octet == ')';
}

// Numbers are compared without visual separators (RFC 3966 5.1.1), and a global one is found by its digits
// as well as with its plus.
static bool user_begins(const uint8_t *user, uint32_t length, const struct capture_filter *filter)
{
    uint32_t wanted = 0;
    if (length > 0 && user[0] == '+' && filter->number[0] != '+') {
        user++;
        length--;
    }
    for (uint32_t i = 0; i < length && wanted < filter->number_length; i++) {
        if (user[i] == (uint8_t)filter->number[wanted])
            wanted++;
        else if (!is_separator(user[i]))
            return false;
    }
    return wanted == filter->number_length;
}

static bool uri_begins(const struct message *message, struct span text, const struct capture_filter *filter)
{
    struct uri uri;
    if (text.length == 0 || uri_parse(message->octets, text, &uri) != 0)
        return false;
    struct span user = uri.scheme == URI_TEL ? uri.rest : uri.user;
    return user_begins(message_at(message, user), user.length, filter);
}

static bool party_begins(const struct message *message, struct span value,
                         const struct capture_filter *filter)
{
    struct address address;
    uint32_t at = 0;
    return value.length > 0 && address_next(message->octets, value, &at, &address) == 1 &&
           uri_begins(message, address.uri, filter);
}

static bool has_number(struct worker *worker, struct capture_sight *sight,
                       const struct capture_filter *filter)
{
    const struct message *message = parsed(worker, sight);
    return (message->is_request && uri_begins(message, message->request_uri, filter)) ||
           party_begins(message, message->from, filter) || party_begins(message, message->to, filter);
}

// Other bits than those that choose the owner and that overload control refuses by, which are of the same
// hash.
static bool is_sampled(uint64_t call_hash, uint32_t one_in)
{
    return (uint32_t)((call_hash * 0x9e3779b97f4a7c15u) >> 32) % one_in == 0;
}

static bool fits(struct worker *worker, struct capture_sight *sight, const struct capture_filter *filter)
{
    switch ((enum channel_capture_kind)filter->kind) {
    case CHANNEL_CAPTURE_ALL:
        return true;
    case CHANNEL_CAPTURE_CALL_ID:
        return sight->has_call && sight->call_hash == filter->call_hash;
    case CHANNEL_CAPTURE_PEER:
        return sight->peer == filter->peer;
    case CHANNEL_CAPTURE_NUMBER:
        return has_number(worker, sight, filter);
    case CHANNEL_CAPTURE_SAMPLE:
        return sight->has_call && is_sampled(sight->call_hash, filter->sample);
    default:
        return false;
    }
}

static void follow(struct worker *worker, uint64_t call_hash, uint8_t captures)
{
    uint8_t displaced = capture_calls_add(&worker->capturing.calls, call_hash, captures);
    if (displaced == 0)
        return;
    count(worker, COUNTER_CAPTURE_FORGOTTEN);
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        if (displaced & 1u << slot) // all workers' word: a locked instruction, for what is rare
            __atomic_fetch_add(&worker->parts.captures->counts[slot].forgotten, 1, __ATOMIC_RELAXED);
    }
}

uint8_t capture_match(struct worker *worker, struct capture_sight *sight)
{
    const struct capture_table *table = worker->captures;
    uint8_t followed = sight->has_call ? capture_calls_find(&worker->capturing.calls, sight->call_hash) : 0;
    uint8_t mask = followed & table->live;
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        uint8_t bit = (uint8_t)(1u << slot);
        if ((table->live & bit) && !(mask & bit) && fits(worker, sight, &table->slots[slot]))
            mask |= bit;
    }
    uint8_t fresh = mask & (table->peers | table->numbers) & (uint8_t)~followed;
    if ((mask & (uint8_t)~table->call_ids) == 0)
        return mask;
    if (probe_is_ours(worker, parsed(worker, sight)))
        return mask & (table->peers | table->call_ids);
    // Strangers' messages may be captured, but crowd no call out.
    if (fresh != 0 && sight->has_call && sight->peer != NUMBER_NONE)
        follow(worker, sight->call_hash, fresh);
    return mask;
}
