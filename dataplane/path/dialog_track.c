// SPDX-License-Identifier: BSD-3-Clause
// What passing messages do to dialog records: begun by the INVITE that goes out, told apart by To-tags, moved
// by responses and by requests inside. The proxy observes; it absorbs nothing here.
#include <errno.h>
#include <string.h>
#include "session_expires.h"
#include "worker_core.h"

#define ROUTE_VALUES_MAX 16u

static bool is_call(const struct worker *worker, uint32_t index)
{
    enum dialog_state state = dialog_state(&worker->dialogs, index);
    return state == DIALOG_EARLY || state == DIALOG_CONFIRMED;
}

static_assert(DIALOG_NUMBER_NONE == NUMBER_NONE, "one name for no peer and no member");

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
    if ((uint16_t)server->generation != dialog->invite_generation || server->state != TRANSACTION_PROCEEDING)
        return;
    server->flags |= TRANSACTION_FLAG_OPERATOR;
    originate_cancel(worker, transaction_other(worker, dialog->invite));
}

unsigned dialog_apply(struct worker *worker, uint32_t index, enum dialog_event event)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    bool before = is_call(worker, index);
    unsigned actions = dialog_step(&worker->dialogs, index, event, worker->now);
    bool after = is_call(worker, index);
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

void dialog_taken(struct worker *worker, uint32_t index)
{
    if (is_call(worker, index))
        count_call(worker, dialog_at(&worker->dialogs, index), 1);
}

// Without its callee's tag a record would find nothing: the call goes on by its cookie alone.
static void dialog_drop(struct worker *worker, uint32_t index)
{
    if (is_call(worker, index))
        count_call(worker, dialog_at(&worker->dialogs, index), -1);
    dialog_release(&worker->dialogs, index);
}

int dialog_end(struct worker *worker, uint32_t index)
{
    enum dialog_state state = dialog_state(&worker->dialogs, index);
    if (state == DIALOG_TERMINATING)
        return -EALREADY;
    // Section 15: the callee's side may not send BYE before its 2xx is acknowledged, and we speak for it.
    if (state == DIALOG_CONFIRMED && !(dialog_at(&worker->dialogs, index)->flags & DIALOG_FLAG_ACKED))
        return -EAGAIN;
    dialog_apply(worker, index, DIALOG_ON_OPERATOR_END);
    return 0;
}

struct endpoint dialog_endpoint(const struct worker *worker, uint32_t index, enum dialog_side side)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    struct endpoint to = dialog_cold(&worker->dialogs, index)->learnt[side];
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

uint32_t dialog_begin(struct worker *worker, const struct work *work, const struct route_target *target,
                      uint32_t server)
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
    const struct dialog_birth birth = {
        .call_hash = work->packet->call_hash,
        .texts = texts,
        .caller_peer = work->packet->peer,
        .caller_member = NUMBER_NONE, // sources are known by their peer alone
        .callee_peer = target->peer,
        .callee_member = target->member,
        .cseq = message->cseq_number,
        .learnt = {[DIALOG_CALLER] = work->packet->source, [DIALOG_CALLEE] = target->to},
        .invite = server,
        .invite_generation = transaction_at(&worker->transactions, server)->generation};
    uint32_t index = dialog_create(&worker->dialogs, &birth, worker->now);
    count(worker, index == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    return index;
}

// The records that one INVITE made (forks); a spiral's other passage has another INVITE.
static unsigned records_of_invite(struct worker *worker, uint32_t first, uint32_t found[DIALOGS_OF_CALL_MAX])
{
    const struct dialog *of = dialog_at(&worker->dialogs, first);
    unsigned n = dialog_find_call(&worker->dialogs, of->call_hash, (struct dialog_string){NULL, 0}, found,
                                  DIALOGS_OF_CALL_MAX);
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, found[i]);
        if (dialog->invite == of->invite && dialog->invite_generation == of->invite_generation)
            found[kept++] = found[i];
    }
    return kept;
}

// The record of this response's To-tag: the one made for the INVITE takes the first tag, each further one
// gets a copy.
static uint32_t record_of_tag(struct worker *worker, const struct work *work, uint32_t first)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    struct dialogs *dialogs = &worker->dialogs;
    struct dialog_string tag = string_of(work->message, work->message->to_tag);
    if (dialog_at(dialogs, first)->callee_tag_hash == 0 ||
        dialog_text_is(dialogs, first, DIALOG_TEXT_CALLEE_TAG, tag))
        return first;
    unsigned n = records_of_invite(worker, first, found);
    for (unsigned i = 0; i < n; i++) {
        if (dialog_text_is(dialogs, found[i], DIALOG_TEXT_CALLEE_TAG, tag))
            return found[i];
    }
    uint32_t index = dialog_fork(dialogs, first, worker->now);
    count(worker, index == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    return index;
}

// 13.2.2.4: 64*T1 after the first 2xx the caller gives up the early dialogs that had none.
static void bound_other_forks(struct worker *worker, uint32_t answered)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = records_of_invite(worker, answered, found);
    tick_t deadline = worker->now + 64 * worker->transactions.timers.t1;
    for (unsigned i = 0; i < n; i++) {
        if (dialog_state(&worker->dialogs, found[i]) == DIALOG_EARLY)
            dialog_end_at(&worker->dialogs, found[i], deadline);
    }
}

// RFC 4028 8.2: each 2xx to INVITE or UPDATE says how long the session lasts from now on; without a word of
// it, it does not expire. asker: who sent that request.
static void read_session(const struct worker *worker, const struct message *message, enum dialog_side asker,
                         struct dialog_change *change)
{
    uint8_t field = message_first_header(message, HEADER_SESSION_EXPIRES);
    struct session_expires session = {0};
    if (field != MESSAGE_NO_HEADER &&
        session_expires_read(message->octets, message->headers[field].value, &session) != 0)
        return;
    change->session = true;
    if (field == MESSAGE_NO_HEADER)
        return;
    // RFC 4028 section 4: less than 90 seconds is nobody's to ask for.
    uint32_t interval_s = RTE_MIN(RTE_MAX(session.interval_s, SESSION_EXPIRES_MIN_S), (uint32_t)UINT16_MAX);
    change->session_s = (uint16_t)interval_s;
    change->session_refresher = session.refresher == REFRESHER_UAS ? 1 - asker : asker;
    change->session_end = worker->now + interval_s * (1000 / TICK_MS);
}

// What a response to the INVITE that begins a dialog says of it. Returns false when the callee's tag found no
// room.
static bool keep_answer(struct worker *worker, const struct work *work, uint32_t index)
{
    const struct message *message = work->message;
    struct dialog_string tag = string_of(message, message->to_tag);
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = tag,
        [DIALOG_TEXT_CALLEE_TARGET] = contact_of(message),
        [DIALOG_TEXT_CALLEE_ROUTES] = routes_above_us(worker, message, true),
    };
    if (texts[DIALOG_TEXT_CALLEE_TARGET].length == 0) // a 1xx may have no Contact
        texts[DIALOG_TEXT_CALLEE_TARGET].octets = NULL;
    struct dialog_change change = {.texts = texts};
    if (message->status >= 200)
        read_session(worker, message, DIALOG_CALLER, &change);
    if (dialog_change(&worker->dialogs, index, &change) == 0)
        return true;
    count(worker, COUNTER_DIALOG_FULL);
    return dialog_text_is(&worker->dialogs, index, DIALOG_TEXT_CALLEE_TAG, tag);
}

static void track_tag(struct worker *worker, struct work *work, uint32_t first)
{
    const struct message *message = work->message;
    uint32_t index = record_of_tag(worker, work, first);
    if (index == INDEX_NONE)
        return;
    uint8_t row = dialog_at(&worker->dialogs, index)->row;
    // 13.2.2.4: the 2xx sets the route set anew; then it stands.
    bool kept =
        row == DIALOG_ROW_CONFIRMED || row == DIALOG_ROW_TERMINATING || keep_answer(worker, work, index);
    if (!kept && message->status >= 200) {
        dialog_drop(worker, index);
        return;
    }
    dialog_see(&worker->dialogs, index,
               &(struct dialog_seen){.side = DIALOG_CALLEE, .source = work->packet->source});
    unsigned actions =
        dialog_apply(worker, index, message->status < 200 ? DIALOG_ON_PROVISIONAL : DIALOG_ON_SUCCESS);
    if (actions & DIALOG_DO_CONFIRM)
        bound_other_forks(worker, index);
}

// A final refusal ends every record of the INVITE that was not confirmed meanwhile.
static void refuse_set(struct worker *worker, uint32_t first)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = records_of_invite(worker, first, found);
    for (unsigned i = 0; i < n; i++) {
        if (dialog_state(&worker->dialogs, found[i]) != DIALOG_CONFIRMED)
            dialog_apply(worker, found[i], DIALOG_ON_REFUSED);
    }
}

static bool began_with(const struct worker *worker, uint32_t dialog, uint32_t server)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    return record->invite == server &&
           record->invite_generation == (uint16_t)worker->transactions.records[server].generation;
}

void dialog_refused(struct worker *worker, uint32_t server)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    uint32_t dialog = transaction->dialog;
    if (dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation ||
        !began_with(worker, dialog, server))
        return;
    refuse_set(worker, dialog);
}

static enum dialog_side asker_of(const struct worker *worker, const struct message *response, uint32_t index)
{
    // By tag, not by peer: both sides may belong to the same one. The response's From is the asker's.
    return dialog_text_is(&worker->dialogs, index, DIALOG_TEXT_CALLER_TAG,
                          string_of(response, response->from_tag))
               ? DIALOG_CALLER
               : DIALOG_CALLEE;
}

static const enum dialog_text target_of[2] = {DIALOG_TEXT_CALLER_TARGET, DIALOG_TEXT_CALLEE_TARGET};

// A 2xx to a target refresh request (12.2.1.2, 12.2.2; RFC 3311 5.2): the answerer's target is in it, the
// asker's was in the request, and the session timer begins again. request: NULL when nothing kept it.
static void refresh(struct worker *worker, const struct work *work, uint32_t index,
                    const struct message *request)
{
    enum dialog_side asker = asker_of(worker, work->message, index);
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    struct dialog_change change = {.texts = texts};
    struct dialog_string answered = contact_of(work->message);
    if (answered.length > 0)
        texts[target_of[1 - asker]] = answered;
    if (request != NULL) {
        struct dialog_string asked = contact_of(request);
        if (asked.length > 0)
            texts[target_of[asker]] = asked;
    }
    read_session(worker, work->message, asker, &change);
    if (dialog_change(&worker->dialogs, index, &change) != 0)
        count(worker, COUNTER_DIALOG_FULL);
}

static void refresh_by_reinvite(struct worker *worker, struct work *work, uint32_t index)
{
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    bool kept = client->kept != ARENA_NONE &&
                message_parse(arena_at(&worker->arena, client->kept), client->kept_length, &worker->kept) ==
                    MESSAGE_FINE;
    refresh(worker, work, index, kept ? &worker->kept : NULL);
}

static void track_inside(struct worker *worker, struct work *work, uint32_t index)
{
    const struct message *message = work->message;
    if (message->method == METHOD_UPDATE && message->status / 100 == 2)
        refresh(worker, work, index, NULL);
    else if (message->method == METHOD_BYE && message->status >= 200)
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
                               .to_tag = string_of(message, message->to_tag),
                               .peer = work->packet->peer,
                               .response = true};
        work->dialog = dialog_find(&worker->dialogs, &id, &work->side);
        if (work->dialog != INDEX_NONE && message->method != METHOD_INVITE)
            track_inside(worker, work, work->dialog);
        return;
    }
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    uint32_t index = client->dialog;
    if (index == INDEX_NONE || dialog_at(&worker->dialogs, index)->generation != client->dialog_generation)
        return;
    if (!began_with(worker, index, client->other)) {
        if (message->status / 100 == 2)
            refresh_by_reinvite(worker, work, index);
        else
            track_inside(worker, work, index);
        return;
    }
    if (message->status >= 300)
        refuse_set(worker, index);
    else if (message->status > 100 && message->to_tag.length > 0)
        track_tag(worker, work, index);
}

void dialog_request(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    dialog_see(&worker->dialogs, work->dialog,
               &(struct dialog_seen){work->side, message->cseq_number, work->packet->source});
    if (message->method == METHOD_UPDATE) {
        // It passes without state: where its sender says to be reached is believed before it is answered.
        struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
        struct dialog_string target = contact_of(message);
        texts[target_of[work->side]] = target;
        if (target.length > 0 &&
            dialog_change(&worker->dialogs, work->dialog, &(struct dialog_change){.texts = texts}) != 0)
            count(worker, COUNTER_DIALOG_FULL);
    } else if (message->method == METHOD_ACK) {
        dialog_apply(worker, work->dialog, DIALOG_ON_ACK); // marks the dialog, if there was a 2xx
    } else if (message->method == METHOD_BYE) {
        dialog_apply(worker, work->dialog, DIALOG_ON_BYE);
    }
}
