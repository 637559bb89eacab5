// SPDX-License-Identifier: BSD-3-Clause
// What passing messages do to dialog records: begun by the INVITE that goes out, told apart by To-tags, moved
// by responses and by requests inside. The proxy observes; it absorbs nothing here.
#include <string.h>
#include "ending.h"
#include "route_set.h"
#include "session_expires.h"

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

// A record for this INVITE, or for a 2xx that is late for it. birth: what the texts do not say. mine: as for
// route_set_of_caller().
static uint32_t begin(struct worker *worker, const struct work *work, struct dialog_birth birth,
                      const struct cookie_route *mine)
{
    const struct message *message = work->message;
    const struct dialog_string none = {"", 0};
    const struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALL_ID] = string_of(message, message->call_id),
        [DIALOG_TEXT_CALLER_FROM] = string_of(message, without_parameters(message, message->from)),
        [DIALOG_TEXT_CALLEE_TO] = string_of(message, without_parameters(message, message->to)),
        [DIALOG_TEXT_CALLER_TAG] = string_of(message, message->from_tag),
        [DIALOG_TEXT_CALLEE_TAG] = none,
        [DIALOG_TEXT_CALLER_TARGET] = message->is_request ? contact_of(message) : none,
        [DIALOG_TEXT_CALLEE_TARGET] = none,
        [DIALOG_TEXT_CALLER_ROUTES] = route_set_of_caller(worker, message, mine),
        [DIALOG_TEXT_CALLEE_ROUTES] = none,
    };
    birth.call_hash = work->packet->call_hash;
    birth.texts = texts;
    birth.cseq = message->cseq_number;
    uint32_t index = dialog_create(&worker->dialogs, &birth, worker->now);
    count(worker, index == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    return index;
}

uint32_t dialog_begin(struct worker *worker, const struct work *work, const struct route_target *target,
                      uint32_t server)
{
    const struct dialog_birth birth = {
        .caller_peer = work->packet->peer,
        .caller_member = NUMBER_NONE, // sources are known by their peer alone
        .callee_peer = target->peer,
        .callee_member = target->member,
        .counted = true,
        .learnt = {[DIALOG_CALLER] = work->reply_to, [DIALOG_CALLEE] = target->to},
        .invite = server,
        .invite_generation = transaction_at(&worker->transactions, server)->generation};
    return begin(worker, work, birth, NULL);
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
static bool keep_answer(struct worker *worker, const struct work *work, uint32_t index,
                        const struct cookie_route *mine)
{
    const struct message *message = work->message;
    struct dialog_string tag = string_of(message, message->to_tag);
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = tag,
        [DIALOG_TEXT_CALLEE_TARGET] = contact_of(message),
        [DIALOG_TEXT_CALLEE_ROUTES] = route_set_of_callee(worker, message, mine),
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

// mine: the cookie of the INVITE's first record, which may be gone.
static void track_tag(struct worker *worker, struct work *work, uint32_t first,
                      const struct cookie_route *mine)
{
    const struct message *message = work->message;
    uint32_t index = record_of_tag(worker, work, first);
    if (index == INDEX_NONE)
        return;
    uint8_t row = dialog_at(&worker->dialogs, index)->row;
    // 13.2.2.4: the 2xx sets the route set anew; then it stands.
    bool kept = row == DIALOG_ROW_CONFIRMED || row == DIALOG_ROW_TERMINATING ||
                keep_answer(worker, work, index, mine);
    if (!kept && message->status >= 200) {
        dialog_drop(worker, index);
        return;
    }
    // Who answers from another port than it listens at has not moved.
    struct dialog_seen seen = {.side = DIALOG_CALLEE, .source = work->packet->source};
    if (seen.source.address == dialog_cold(&worker->dialogs, index)->learnt[DIALOG_CALLEE].address)
        seen.source.address = 0;
    dialog_see(&worker->dialogs, index, &seen);
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
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation)
        return;
    if (began_with(worker, dialog, server))
        refuse_set(worker, dialog);
    else if (!(transaction->flags & TRANSACTION_FLAG_CANCELLED)) // 12.2.1.2: a 408 ends the dialog
        dialog_apply(worker, dialog, DIALOG_ON_GONE);
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

static enum ending_request request_of(uint8_t method)
{
    switch (method) {
    case METHOD_INVITE:
        return ENDING_REINVITE;
    case METHOD_UPDATE:
    case METHOD_INFO:
        return ENDING_IN_USAGE;
    case METHOD_PRACK:
        return ENDING_PRACK;
    case METHOD_CANCEL:
        return ENDING_CANCEL;
    case METHOD_SUBSCRIBE:
    case METHOD_NOTIFY:
        return ENDING_SUBSCRIPTION;
    case METHOD_REFER:
        return ENDING_REFER;
    default:
        return ENDING_OF_NONE;
    }
}

// Whether a response ends the dialog or its INVITE usage (RFC 5057); that of a subscription is another.
static bool ends_call(const struct message *message)
{
    enum ending_request request = request_of(message->method);
    enum ending ending = ending_of(request, message->status);
    return ending == ENDING_DIALOG || (ending == ENDING_USAGE && request != ENDING_SUBSCRIPTION);
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
    else if (message->method != METHOD_BYE && ends_call(message))
        dialog_apply(worker, index, DIALOG_ON_GONE);
}

// The record that an INVITE's transaction is tied to. When the first of several forks is gone, another one
// stands for the set.
static uint32_t record_of_client(struct worker *worker, const struct work *work)
{
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    uint32_t index = client->dialog;
    if (index == INDEX_NONE || dialog_at(&worker->dialogs, index)->generation == client->dialog_generation)
        return index;
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = dialog_find_call(&worker->dialogs, work->packet->call_hash, (struct dialog_string){NULL, 0},
                                  found, DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (began_with(worker, found[i], client->other))
            return found[i];
    }
    return INDEX_NONE;
}

// The call that a 2xx belongs to is known by our Record-Route when its record is not: after a restart, or
// because everybody had given it up. False: none of ours names the two peers that it goes between.
static bool find_passage(const struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    uint16_t caller = rules_peer(worker->rules, work->upstream_at.address);
    bool ours = false;
    for (uint8_t field = message->first[HEADER_RECORD_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct address address;
        while (address_next(message->octets, message->headers[field].value, &at, &address) ==
               1) { // each turn moves on in the line
            if (!route_set_cookie(worker, message, &address, &work->cookie))
                continue;
            ours = true;
            if (work->cookie.caller_peer == caller &&
                rules_may_speak(worker->rules, work->packet->peer, work->cookie.callee_peer)) {
                work->has_cookie = true;
                return true;
            }
        }
    }
    return !ours;
}

bool dialog_may_answer(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct dialog_id id = {.call_hash = work->packet->call_hash,
                           .call_id = string_of(message, message->call_id),
                           .from_tag = string_of(message, message->from_tag),
                           .to_tag = string_of(message, message->to_tag),
                           .peer = work->packet->peer,
                           .response = true};
    bool answer = message->method == METHOD_INVITE && message->status / 100 == 2;
    if (message->to_tag.length == 0)
        return true;
    work->dialog = dialog_find(&worker->dialogs, &id, &work->side);
    if (work->dialog == INDEX_NONE)
        return !answer || find_passage(worker, work);
    const struct dialog *dialog = dialog_at(&worker->dialogs, work->dialog);
    if (rules_may_speak(worker->rules, work->packet->peer,
                        work->side == DIALOG_CALLER ? dialog->callee_peer : dialog->caller_peer))
        return true;
    work->dialog = INDEX_NONE; // another passage's, if anybody's
    return answer && find_passage(worker, work) && work->has_cookie;
}

// What a restart left of the INVITE: a record that no transaction belongs to, without the callee's tag.
static uint32_t orphan_of(const struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    enum dialog_side side;
    struct dialog_id id = {.call_hash = work->packet->call_hash,
                           .call_id = string_of(message, message->call_id),
                           .from_tag = string_of(message, message->from_tag),
                           .peer = work->packet->peer,
                           .response = true};
    uint32_t index = dialog_find(&worker->dialogs, &id, &side);
    if (index == INDEX_NONE)
        return INDEX_NONE;
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    bool orphan = dialog->invite == INDEX_NONE && dialog->callee_tag_hash == 0 &&
                  dialog->row == DIALOG_ROW_NONE && dialog->caller_peer == work->cookie.caller_peer &&
                  dialog->callee_peer == work->cookie.callee_peer;
    return orphan ? index : INDEX_NONE;
}

// A 2xx whose record was early when the process died.
static void answer_late(struct worker *worker, struct work *work)
{
    uint8_t row = dialog_at(&worker->dialogs, work->dialog)->row;
    if ((row == DIALOG_ROW_NONE || row == DIALOG_ROW_EARLY) && find_passage(worker, work))
        track_tag(worker, work, work->dialog, work->has_cookie ? &work->cookie : NULL);
}

// RFC 3261 16.7 step 5, 13.3.1.4: the call exists from this 2xx on.
static void begin_late(struct worker *worker, struct work *work)
{
    const struct dialog_birth birth = {
        .caller_peer = work->cookie.caller_peer,
        .caller_member = NUMBER_NONE,
        .callee_peer = work->cookie.callee_peer,
        .callee_member = NUMBER_NONE,
        .learnt = {[DIALOG_CALLER] = work->upstream_at, [DIALOG_CALLEE] = work->packet->source},
        .invite = INDEX_NONE};
    uint32_t index = orphan_of(worker, work);
    if (index == INDEX_NONE)
        index = begin(worker, work, birth, &work->cookie);
    if (index != INDEX_NONE)
        track_tag(worker, work, index, &work->cookie);
}

void dialog_response(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (work->client == INDEX_NONE) {
        if (work->dialog != INDEX_NONE && message->method != METHOD_INVITE)
            track_inside(worker, work, work->dialog);
        else if (work->dialog != INDEX_NONE && message->status / 100 == 2)
            answer_late(worker, work);
        else if (work->dialog == INDEX_NONE && work->has_cookie)
            begin_late(worker, work);
        return;
    }
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    uint32_t index = record_of_client(worker, work);
    if (index == INDEX_NONE)
        return;
    if (!began_with(worker, index, client->other)) {
        if (message->status / 100 == 2)
            refresh_by_reinvite(worker, work, index);
        else
            track_inside(worker, work, index);
        return;
    }
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    const struct cookie_route mine = {.worker = (uint8_t)worker->parts.id,
                                      .generation = (uint16_t)client->dialog_generation,
                                      .index = client->dialog,
                                      .caller_peer = dialog->caller_peer,
                                      .callee_peer = dialog->callee_peer};
    if (message->status >= 300)
        refuse_set(worker, index);
    else if (message->status > 100 && message->to_tag.length > 0)
        track_tag(worker, work, index, &mine);
}

void dialog_request(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    dialog_see(&worker->dialogs, work->dialog,
               &(struct dialog_seen){work->side, message->cseq_number, work->reply_to});
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
