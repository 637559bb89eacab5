// SPDX-License-Identifier: BSD-3-Clause
// What passing messages do to dialog records: begun by the INVITE that goes out, told apart by To-tags, moved
// by responses and by requests inside. The proxy observes; it absorbs nothing here.
#include <errno.h>
#include <string.h>
#include "worker_core.h"

#define ROUTE_VALUES_MAX 16u

static bool is_call(uint8_t state)
{
    return state == DIALOG_EARLY || state == DIALOG_CONFIRMED;
}

static void count_call(struct worker *worker, const struct dialog *dialog, int change)
{
    count_gauge(&worker->parts.peers[dialog->caller_peer].calls_in, change);
    count_gauge(&worker->parts.peers[dialog->callee_peer].calls_out, change);
    if (dialog->callee_member != NUMBER_NONE)
        count_gauge(&worker->parts.members[dialog->callee_member].calls, change);
}

static void count_actions(struct worker *worker, const struct dialog *dialog, unsigned actions)
{
    if (actions & DIALOG_DO_CONFIRM) {
        count(worker, COUNTER_DIALOG_ANSWERED);
        count_word(&worker->parts.peers[dialog->caller_peer].answered_in_total, 1);
        count_word(&worker->parts.peers[dialog->callee_peer].answered_out_total, 1);
        if (dialog->callee_member != NUMBER_NONE)
            count_word(&worker->parts.members[dialog->callee_member].answered_total, 1);
    }
    if (actions & DIALOG_DO_END_CONFIRMED)
        count(worker, COUNTER_DIALOG_ENDED);
    if (actions & DIALOG_DO_END_EARLY)
        count(worker, COUNTER_DIALOG_REFUSED);
}

static void cancel_invite(struct worker *worker, const struct dialog *dialog)
{
    if (dialog->invite == INDEX_NONE)
        return;
    struct transaction *server = transaction_at(&worker->transactions, dialog->invite);
    if (server->generation != dialog->invite_generation || server->state != TRANSACTION_PROCEEDING)
        return;
    server->flags |= TRANSACTION_FLAG_OPERATOR;
    originate_cancel(worker, transaction_other(worker, dialog->invite));
}

unsigned dialog_apply(struct worker *worker, uint32_t index, enum dialog_event event)
{
    struct dialog *dialog = dialog_at(&worker->dialogs, index);
    bool before = is_call(dialog->state);
    if (event == DIALOG_ON_TIMEOUT && dialog->state != DIALOG_TERMINATING)
        count(worker, COUNTER_DIALOG_EXPIRED);
    unsigned actions = dialog_step(&worker->dialogs, index, event, worker->now);
    bool after = is_call(dialog->state);
    if (before != after)
        count_call(worker, dialog, after ? 1 : -1);
    count_actions(worker, dialog, actions);
    if (actions & DIALOG_DO_CANCEL)
        cancel_invite(worker, dialog);
    if (actions & DIALOG_DO_BYE_BOTH) {
        originate_bye(worker, index, DIALOG_CALLEE);
        originate_bye(worker, index, DIALOG_CALLER);
    }
    if (actions & DIALOG_DO_RELEASE)
        dialog_release(&worker->dialogs, index);
    return actions;
}

int dialog_end(struct worker *worker, uint32_t index)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    if (dialog->state == DIALOG_TERMINATING)
        return -EALREADY;
    // Section 15: the callee's side may not send BYE before its 2xx is acknowledged, and we speak for it.
    if (dialog->state == DIALOG_CONFIRMED && !(dialog->flags & DIALOG_FLAG_ACKED))
        return -EAGAIN;
    dialog_apply(worker, index, DIALOG_ON_OPERATOR_END);
    return 0;
}

struct endpoint dialog_endpoint(const struct worker *worker, uint32_t index, enum dialog_side side)
{
    const struct dialog *dialog = &worker->dialogs.records[index];
    struct endpoint to = dialog->learnt[side];
    uint16_t peer = side == DIALOG_CALLER ? dialog->caller_peer : dialog->callee_peer;
    if (peer < worker->rules->peer_count && (worker->rules->peers[peer].flags & SNAPSHOT_PRESENT))
        to.listener = worker->rules->peers[peer].listener;
    else
        to.address = 0; // the peer was taken out of the configuration
    return to;
}

// From or To without its header parameters: the tag is kept apart.
static struct span without_parameters(const struct message *message, struct span value)
{
    uint32_t at = 0;
    struct address address;
    if (address_next(message->octets, value, &at, &address) != 1 || address.parameters.length == 0)
        return value;
    uint32_t end = address.parameters.offset - 1u; // the semicolon
    while (end > value.offset && (message->octets[end - 1] == ' ' || message->octets[end - 1] == '\t'))
        end--;
    return (struct span){value.offset, (uint16_t)(end - value.offset)};
}

static struct dialog_string contact_of(const struct message *message)
{
    uint8_t field = message->first[HEADER_CONTACT];
    uint32_t at = 0;
    struct address address;
    struct uri uri;
    // It becomes a Request-URI of ours: what is no URI is no target.
    if (field == MESSAGE_NO_HEADER ||
        address_next(message->octets, message->headers[field].value, &at, &address) != 1 ||
        uri_parse(message->octets, address.uri, &uri) != 0)
        return (struct dialog_string){"", 0};
    return string_of(message, address.uri);
}

// Record-Route values down to our own, joined. reversed: as the other end's route set wants them (12.1.2).
static struct dialog_string routes_above_us(struct worker *worker, const struct message *message,
                                            bool reversed)
{
    struct span values[ROUTE_VALUES_MAX];
    uint32_t n = 0;
    bool end = false;
    for (uint8_t field = message->first[HEADER_RECORD_ROUTE]; field != MESSAGE_NO_HEADER && !end;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct address address;
        while (!end && address_next(message->octets, message->headers[field].value, &at, &address) == 1) {
            struct endpoint hop;
            end = n == ROUTE_VALUES_MAX ||
                  (endpoint_of_uri(message, address.uri, &hop) &&
                   rules_listener(worker->rules, hop.address, hop.port) != NUMBER_NONE);
            if (!end)
                values[n++] = address.whole;
        }
    }
    struct writer writer;
    writer_init(&writer, worker->scratch, sizeof(worker->scratch));
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            write_text(&writer, ",");
        write_span(&writer, message, values[reversed ? n - 1 - i : i]);
    }
    return (struct dialog_string){worker->scratch, writer.overflow ? 0 : writer.used};
}

uint32_t dialog_begin(struct worker *worker, struct work *work, uint16_t to_peer, uint16_t member)
{
    const struct message *message = work->message;
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALL_ID] = string_of(message, message->call_id),
        [DIALOG_TEXT_CALLER_FROM] = string_of(message, without_parameters(message, message->from)),
        [DIALOG_TEXT_CALLEE_TO] = string_of(message, without_parameters(message, message->to)),
        [DIALOG_TEXT_CALLER_TAG] = string_of(message, message->from_tag),
        [DIALOG_TEXT_CALLEE_TAG] = {"", 0},
        [DIALOG_TEXT_CALLER_TARGET] = contact_of(message),
        [DIALOG_TEXT_CALLEE_TARGET] = {"", 0},
        [DIALOG_TEXT_CALLER_ROUTES] = routes_above_us(worker, message, false),
        [DIALOG_TEXT_CALLEE_ROUTES] = {"", 0},
    };
    uint32_t index = dialog_create(&worker->dialogs, work->packet->call_hash, texts, worker->now);
    if (index == INDEX_NONE) {
        count(worker, COUNTER_DIALOG_FULL);
        return INDEX_NONE;
    }
    struct dialog *dialog = dialog_at(&worker->dialogs, index);
    dialog->caller_peer = work->packet->peer;
    dialog->callee_peer = to_peer;
    dialog->callee_member = member;
    dialog->cseq[DIALOG_CALLER] = message->cseq_number;
    dialog->learnt[DIALOG_CALLER] = work->packet->source;
    count(worker, COUNTER_DIALOG_CREATED);
    return index;
}

// The record of this response's To-tag: the one made for the INVITE takes the first tag, each further one
// gets a copy.
static uint32_t record_of_tag(struct worker *worker, struct work *work, uint32_t first)
{
    const struct message *message = work->message;
    if (dialog_text(&worker->dialogs, first, DIALOG_TEXT_CALLEE_TAG).length == 0)
        return first;
    enum dialog_side side;
    struct dialog_id id = {.call_hash = work->packet->call_hash,
                           .call_id = string_of(message, message->call_id),
                           .from_tag = string_of(message, message->from_tag),
                           .to_tag = string_of(message, message->to_tag)};
    uint32_t index = dialog_find(&worker->dialogs, &id, &side);
    if (index != INDEX_NONE)
        return index;
    index = dialog_fork(&worker->dialogs, first, worker->now);
    count(worker, index == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    return index;
}

// 13.2.2.4: 64*T1 after the first 2xx the caller gives up the early dialogs that had none.
static void bound_other_forks(struct worker *worker, uint64_t call_hash, uint32_t answered)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    const struct dialog *winner = dialog_at(&worker->dialogs, answered);
    unsigned n = dialog_find_call(&worker->dialogs, call_hash,
                                  dialog_text(&worker->dialogs, answered, DIALOG_TEXT_CALL_ID), found,
                                  DIALOGS_OF_CALL_MAX);
    tick_t deadline = worker->now + 64 * worker->transactions.timers.t1;
    for (unsigned i = 0; i < n; i++) {
        const struct dialog *other = dialog_at(&worker->dialogs, found[i]);
        if (other->state == DIALOG_EARLY && other->invite == winner->invite &&
            other->invite_generation == winner->invite_generation)
            wheel_arm(&worker->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, found[i]), deadline);
    }
}

static void track_tag(struct worker *worker, struct work *work, uint32_t first)
{
    const struct message *message = work->message;
    uint32_t index = record_of_tag(worker, work, first);
    if (index == INDEX_NONE)
        return;
    uint8_t state = dialog_at(&worker->dialogs, index)->state;
    if (state == DIALOG_NONE || state == DIALOG_EARLY) { // 13.2.2.4: the 2xx sets the route set anew
        struct dialog_string texts[DIALOG_TEXT_COUNT] = {
            [DIALOG_TEXT_CALLEE_TAG] = string_of(message, message->to_tag),
            [DIALOG_TEXT_CALLEE_TARGET] = contact_of(message),
            [DIALOG_TEXT_CALLEE_ROUTES] = routes_above_us(worker, message, true),
        };
        if (texts[DIALOG_TEXT_CALLEE_TARGET].length == 0) // a 1xx may have no Contact
            texts[DIALOG_TEXT_CALLEE_TARGET].octets = NULL;
        if (dialog_text_set(&worker->dialogs, index, texts) != 0)
            count(worker, COUNTER_DIALOG_FULL);
    }
    dialog_at(&worker->dialogs, index)->learnt[DIALOG_CALLEE] = work->packet->source;
    unsigned actions =
        dialog_apply(worker, index, message->status < 200 ? DIALOG_ON_PROVISIONAL : DIALOG_ON_SUCCESS);
    if (actions & DIALOG_DO_CONFIRM)
        bound_other_forks(worker, work->packet->call_hash, index);
}

// A final refusal ends every record of the INVITE that was not confirmed meanwhile.
static void refuse_set(struct worker *worker, uint64_t call_hash, uint32_t first)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    const struct dialog *dialog = dialog_at(&worker->dialogs, first);
    uint32_t invite = dialog->invite;
    uint32_t generation = dialog->invite_generation;
    unsigned n = dialog_find_call(&worker->dialogs, call_hash,
                                  dialog_text(&worker->dialogs, first, DIALOG_TEXT_CALL_ID), found,
                                  DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        dialog = dialog_at(&worker->dialogs, found[i]);
        if (dialog->invite == invite && dialog->invite_generation == generation &&
            dialog->state != DIALOG_CONFIRMED)
            dialog_apply(worker, found[i], DIALOG_ON_REFUSED);
    }
}

static bool began_with(const struct worker *worker, uint32_t dialog, uint32_t server)
{
    const struct dialog *record = &worker->dialogs.records[dialog];
    return record->invite == server &&
           record->invite_generation ==
               transaction_at((struct transactions *)(uintptr_t)&worker->transactions, server)->generation;
}

void dialog_refused(struct worker *worker, uint32_t server)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    uint32_t dialog = transaction->dialog;
    if (dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation ||
        !began_with(worker, dialog, server))
        return;
    refuse_set(worker, dialog_at(&worker->dialogs, dialog)->call_hash, dialog);
}

// A re-INVITE's 2xx refreshes both targets (12.2.1.2, 12.2.2): the answerer's from the response, the asker's
// from the request.
static void refresh_targets(struct worker *worker, struct work *work, uint32_t index)
{
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    // By tag, not by peer: both sides may belong to the same one. The response's From is the asker's.
    struct dialog_string caller_tag = dialog_text(&worker->dialogs, index, DIALOG_TEXT_CALLER_TAG);
    struct dialog_string from_tag = string_of(work->message, work->message->from_tag);
    bool by_caller = caller_tag.length == from_tag.length &&
                     memcmp(caller_tag.octets, from_tag.octets, from_tag.length) == 0;
    enum dialog_side asker = by_caller ? DIALOG_CALLER : DIALOG_CALLEE;
    const enum dialog_text texts_of[2] = {DIALOG_TEXT_CALLER_TARGET, DIALOG_TEXT_CALLEE_TARGET};
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    struct dialog_string answered = contact_of(work->message);
    if (answered.length > 0)
        texts[texts_of[1 - asker]] = answered;
    if (client->kept != ARENA_NONE && message_parse(arena_at(&worker->arena, client->kept),
                                                    client->kept_length, &worker->kept) == MESSAGE_FINE) {
        struct dialog_string asked = contact_of(&worker->kept);
        if (asked.length > 0)
            texts[texts_of[asker]] = asked;
    }
    if (dialog_text_set(&worker->dialogs, index, texts) != 0)
        count(worker, COUNTER_DIALOG_FULL);
}

static void track_inside(struct worker *worker, const struct message *message, uint32_t index)
{
    if (message->method == METHOD_BYE && message->status >= 200)
        dialog_apply(worker, index,
                     message->status == 401 || message->status == 407 ? DIALOG_ON_BYE_CHALLENGED
                                                                      : DIALOG_ON_BYE_DONE);
    else if (message->method != METHOD_BYE && (message->status == 408 || message->status == 481))
        dialog_apply(worker, index, DIALOG_ON_GONE);
}

void dialog_response(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (work->client == INDEX_NONE) {
        struct dialog_id id = {.call_hash = work->packet->call_hash,
                               .call_id = string_of(message, message->call_id),
                               .from_tag = string_of(message, message->from_tag),
                               .to_tag = string_of(message, message->to_tag)};
        work->dialog = dialog_find(&worker->dialogs, &id, &work->side);
        if (work->dialog != INDEX_NONE && message->method != METHOD_INVITE)
            track_inside(worker, message, work->dialog);
        return;
    }
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    uint32_t index = client->dialog;
    if (index == INDEX_NONE || dialog_at(&worker->dialogs, index)->generation != client->dialog_generation)
        return;
    if (!began_with(worker, index, client->other)) {
        if (message->status / 100 == 2)
            refresh_targets(worker, work, index);
        else
            track_inside(worker, message, index);
        return;
    }
    if (message->status >= 300)
        refuse_set(worker, work->packet->call_hash, index);
    else if (message->status > 100 && message->to_tag.length > 0)
        track_tag(worker, work, index);
}

void dialog_request(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct dialog *dialog = dialog_at(&worker->dialogs, work->dialog);
    if (message->cseq_number > dialog->cseq[work->side])
        dialog->cseq[work->side] = message->cseq_number;
    dialog->learnt[work->side] = work->packet->source;
    if (message->method == METHOD_ACK) {
        dialog_apply(worker, work->dialog, DIALOG_ON_ACK); // marks the dialog, if there was a 2xx
    } else if (message->method == METHOD_BYE) {
        dialog_apply(worker, work->dialog, DIALOG_ON_BYE);
    }
}
