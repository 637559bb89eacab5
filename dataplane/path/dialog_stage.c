// SPDX-License-Identifier: BSD-3-Clause
// In-dialog requests find their record here, and are held against it: the sender must belong to the peer on
// its side of the dialog. The cookie in our Route proves that the dialog is ours even when the record is gone
// (restart); without cookie and without record a request is answered 481.
#include "own_uri.h"
#include "strict.h"
#include "ua.h"

// 16.4: our own Route values come first. Two of them are popped only when they name different listeners,
// which is what we insert between two networks (RFC 5658); a second one with the same listener is another
// passage's.
struct own_routes {
    uint16_t first_listener;
    uint16_t last_listener;
    uint32_t count;
    struct own_uri first; // of count 1 on, but for a Request-URI
};

static bool is_own_route(const struct worker *worker, struct work *work, const struct address *address,
                         struct own_routes *own)
{
    struct own_uri found;
    if (own->count == 2 || !own_uri_look(worker, work->message, address->uri, &own->first, &found) ||
        (own->count == 1 && found.listener == own->first_listener))
        return false;
    own->last_listener = found.listener;
    if (own->count++ == 0) {
        own->first_listener = found.listener;
        own->first = found;
        work->has_cookie = found.has_cookie;
        if (found.has_cookie)
            work->cookie = found.cookie;
    }
    return true;
}

static void read_values(const struct worker *worker, struct work *work, struct own_routes *own)
{
    const struct message *message = work->message;
    work->route_removal_count = 0;
    work->next_route = (struct span){0, 0};
    work->next_is_strict = false;
    for (uint8_t field = message->first[HEADER_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        const struct header_field *line = &message->headers[field];
        uint32_t at = 0;
        struct address address;
        uint32_t before = own->count;
        while (address_next(message->octets, line->value, &at, &address) ==
               1) { // each turn moves on in the line
            if (is_own_route(worker, work, &address, own))
                continue;
            work->next_route = address.uri;
            work->next_route_value = address.whole;
            work->next_is_strict = strict_is(message->octets, address.uri);
            if (own->count > before)
                work->route_removals[work->route_removal_count++] =
                    (struct span){line->value.offset, (uint16_t)(address.whole.offset - line->value.offset)};
            return;
        }
        if (own->count == before)
            return; // nothing readable in this line: left as it is
        work->route_removals[work->route_removal_count++] = line->line;
    }
}

// in_uri: the listener that a strict router's Request-URI named, the first of ours then; NUMBER_NONE.
static void read_routes(const struct worker *worker, struct work *work, uint16_t in_uri,
                        struct own_uri *first)
{
    struct own_routes own = {in_uri, in_uri, in_uri != NUMBER_NONE, {.has_cookie = false}};
    read_values(worker, work, &own);
    work->route_listener = own.last_listener;
    *first = own.first;
}

// A record of this Call-ID and these tags, found by whatever hint, is what the cookie would prove. Without
// one it is the cookie that lets the request through. in_uri: it was in a strict router's Request-URI,
// proved.
static void prove_cookie(const struct worker *worker, struct work *work, uint16_t in_uri,
                         const struct own_uri *first)
{
    if (work->has_cookie && in_uri == NUMBER_NONE)
        work->has_cookie = own_uri_check(worker, work->message, first);
}

static uint32_t find_record(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct dialog_id id = {.call_hash = work->packet->call_hash,
                           .call_id = string_of(message, message->call_id),
                           .from_tag = string_of(message, message->from_tag),
                           .to_tag = string_of(message, message->to_tag),
                           .has_hint = work->has_cookie && work->cookie.worker == worker->parts.id,
                           .hint = work->cookie.index,
                           .hint_generation = work->cookie.generation,
                           .peer = work->packet->peer};
    return dialog_find(&worker->dialogs, &id, &work->side);
}

static void refuse_unknown(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (message->method != METHOD_ACK) {
        reply_stateless(worker, work, (struct reply){481, "Call/Transaction Does Not Exist", NULL});
        return;
    }
    struct cookie_octets tag = octets_of(message, message->to_tag);
    struct cookie_octets call_id = octets_of(message, message->call_id);
    const struct cookie_keys *keys = &worker->parts.keys;
    bool ours = cookie_refusal_check(keys, tag, cookie_refusal_mac(keys, call_id)) ||
                cookie_tag_check(keys, tag, call_id, octets_of(message, message->from_tag),
                                 octets_of(message, message->via.branch));
    settle(work, ours ? COUNTER_OUT_ABSORBED : COUNTER_DROP_STRAY_ACK);
}

bool dialog_is_untagged(const struct worker *worker, uint32_t index)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    return dialog->callee_tag_hash == 0 && dialog->row != DIALOG_ROW_NONE;
}

void dialog_stage(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (!message->is_request)
        return;
    struct own_uri first;
    uint16_t in_uri = strict_restore(worker, work);
    read_routes(worker, work, in_uri, &first);
    work->inside = message->to_tag.length > 0;
    if (!work->inside)
        prove_cookie(worker, work, in_uri, &first);
    if (!work->inside && !work->has_cookie)
        return;
    work->dialog = find_record(worker, work);
    if (work->inside && work->dialog == INDEX_NONE)
        prove_cookie(worker, work, in_uri, &first);
    if (!work->inside) {
        work->inside = work->dialog != INDEX_NONE && dialog_is_untagged(worker, work->dialog);
        if (!work->inside) {
            work->dialog = INDEX_NONE;
            return;
        }
    }
    if (work->dialog == INDEX_NONE && !work->has_cookie) {
        if (!ua_is_stray(worker, work))
            refuse_unknown(worker, work);
        return;
    }
    uint16_t caller = work->cookie.caller_peer;
    uint16_t callee = work->cookie.callee_peer;
    if (work->dialog != INDEX_NONE) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, work->dialog);
        caller = dialog->caller_peer;
        callee = dialog->callee_peer;
        if (in_uri != NUMBER_NONE && strict_restore_target(worker, work))
            read_routes(worker, work, in_uri, &first);
    } else {
        bool by_caller =
            work->packet->peer != callee && rules_may_speak(worker->rules, work->packet->peer, caller);
        work->side = work->packet->peer == caller || by_caller ? DIALOG_CALLER : DIALOG_CALLEE;
    }
    work->to_peer = work->side == DIALOG_CALLER ? callee : caller;
    bool known = work->to_peer < worker->rules->peer_count &&
                 ((worker->rules->peers[work->to_peer].flags & SNAPSHOT_PRESENT) ||
                  rules_is_application(worker->rules, work->to_peer));
    if (!known ||
        !rules_may_speak(worker->rules, work->packet->peer, work->side == DIALOG_CALLER ? caller : callee))
        settle(work, COUNTER_DROP_FORGED_DIALOG);
}
