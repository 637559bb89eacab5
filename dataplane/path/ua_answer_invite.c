// SPDX-License-Identifier: BSD-3-Clause
// Responses to INVITEs of applications (RFC 3261 13.2.2, 14.1). One INVITE may have several dialogs: the
// record that it began with takes the first To-tag, each further one gets a record and a usage of its own
// (forks), in one set. 1xx and 2xx are of one dialog, a final failure is of all.
//
// A 2xx that belongs to no usage (any more) gets its ACK and a BYE all the same (13.2.2.4): from a usage that
// is made for nothing else.
#include "dialog_track.h"
#include "number.h"
#include "random.h"
#include "route_set.h"
#include "token_list.h"
#include "ua_answer.h"
#include "ua_send.h"

// Whose a response is.
struct owner {
    uint32_t dialog; // that has its tags, INDEX_NONE
    uint32_t open;   // of this INVITE, without a tag as yet, INDEX_NONE
    uint32_t usage;  // any of this INVITE, INDEX_NONE
};

static bool is_of_invite(struct worker *worker, uint32_t usage, uint32_t client)
{
    return usage != INDEX_NONE && ua_invite(worker, usage) == client;
}

// It waits for the first 1xx, whose tag it is then.
static bool is_cancel_held(struct worker *worker, uint32_t usage)
{
    return usage_at(&worker->ua.usages, usage)->state == USAGE_CANCEL_HELD;
}

static struct owner find_owner(struct worker *worker, const struct ua_end_of *end)
{
    struct owner owner = {INDEX_NONE, INDEX_NONE, INDEX_NONE};
    struct dialogs *dialogs = &worker->dialogs;
    uint32_t found[DIALOGS_OF_CALL_MAX];
    const struct message *message = end->message;
    unsigned n = dialog_find_call(dialogs, end->call_hash, string_of(message, message->call_id), found,
                                  DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        enum dialog_side ours;
        if (!ua_side(worker, found[i], &ours))
            continue;
        bool caller = ours == DIALOG_CALLER;
        if (!dialog_text_is(dialogs, found[i], caller ? DIALOG_TEXT_CALLER_TAG : DIALOG_TEXT_CALLEE_TAG,
                            string_of(message, message->from_tag)))
            continue;
        uint32_t usage = ua_usage_awake(worker, found[i]);
        bool its = is_of_invite(worker, usage, end->client);
        if (its)
            owner.usage = usage;
        if (its && dialog_at(dialogs, found[i])->callee_tag_hash == 0 &&
            (dialog_at(dialogs, found[i])->row == DIALOG_ROW_NONE || is_cancel_held(worker, usage)))
            owner.open = found[i];
        else if (dialog_text_is(dialogs, found[i], caller ? DIALOG_TEXT_CALLEE_TAG : DIALOG_TEXT_CALLER_TAG,
                                string_of(message, message->to_tag)))
            owner.dialog = found[i];
    }
    return owner;
}

// Of a request outside a dialog a member was chosen.
static bool is_first_invite(const struct worker *worker, uint32_t client)
{
    return worker->transactions.records[client].member != NUMBER_NONE;
}

// Another dialog of the set. INDEX_NONE: no room.
static uint32_t make_fork(struct worker *worker, uint32_t usage, uint32_t cseq)
{
    uint32_t of = ua_dialog_of(worker, usage);
    uint32_t made = of == INDEX_NONE ? INDEX_NONE : usage_fork(&worker->ua.usages, usage, cseq, worker->now);
    if (made == INDEX_NONE) {
        count(worker, COUNTER_UA_FULL);
        return INDEX_NONE;
    }
    uint32_t dialog = dialog_fork(&worker->dialogs, of, worker->now);
    count(worker, dialog == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    if (dialog == INDEX_NONE)
        usage_release(&worker->ua.usages, made);
    else
        ua_tie(worker, dialog, made);
    return dialog;
}

// The dialog that a 1xx or 2xx makes or belongs to.
static uint32_t dialog_of(struct worker *worker, const struct owner *owner, const struct ua_end_of *end)
{
    if (owner->dialog != INDEX_NONE || !is_first_invite(worker, end->client))
        return owner->dialog;
    if (owner->open != INDEX_NONE)
        return owner->open;
    return owner->usage == INDEX_NONE ? INDEX_NONE
                                      : make_fork(worker, owner->usage, end->message->cseq_number);
}

// Tag, target and route set (12.1.2), which the 2xx sets anew (13.2.2.4). False: the tag found no room.
static bool keep_answer(struct worker *worker, uint32_t dialog, const struct ua_end_of *end)
{
    const struct message *message = end->message;
    struct dialog_string tag = string_of(message, message->to_tag);
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = tag,
        [DIALOG_TEXT_CALLEE_TARGET] = track_contact(message),
        [DIALOG_TEXT_CALLEE_ROUTES] = route_set_of_answer(worker, message),
    };
    if (texts[DIALOG_TEXT_CALLEE_TARGET].length == 0) // a 1xx may have no Contact
        texts[DIALOG_TEXT_CALLEE_TARGET].octets = NULL;
    bool answered = end->status >= 200, timed = call_record_wanted(worker);
    const struct dialog_change change = {.texts = texts,
                                         .rings = timed && !answered,
                                         .answered = timed && answered,
                                         .now = worker->now,
                                         .now_ms = call_record_ms(worker)};
    if (dialog_change(&worker->dialogs, dialog, &change) != 0) {
        count(worker, COUNTER_DIALOG_FULL);
        if (!dialog_text_is(&worker->dialogs, dialog, DIALOG_TEXT_CALLEE_TAG, tag))
            return false;
    }
    // Who answers from another port than it listens at has not moved.
    struct dialog_seen seen = {.side = DIALOG_CALLEE, .source = end->source};
    struct endpoint learnt = dialog_learnt(dialog_cold(&worker->dialogs, dialog), DIALOG_CALLEE);
    if (ip_equal(&seen.source.address, &learnt.address))
        seen.source = (struct endpoint){0};
    dialog_see(&worker->dialogs, dialog, &seen);
    return true;
}

// One event of the usage: told first, then what follows from it.
static unsigned step_and_tell(struct worker *worker, uint32_t dialog, enum usage_event event,
                              const struct ua_end_of *end)
{
    uint32_t usage = ua_usage_awake(worker, dialog);
    struct ua_end_of of = *end;
    of.dialog = dialog;
    const struct ua_step step = {.dialog = dialog,
                                 .event = event,
                                 .status = end->status,
                                 .message = end->is_received ? end->message : NULL};
    unsigned actions = usage_step(&worker->ua.usages, usage, event, worker->now);
    if ((actions & USAGE_DO_DELIVER) && end->status != 100) { // hop by hop
        struct ua_told told = ua_told_of_answer(worker, &of);
        (void)ua_tell(worker, &told);
    }
    if (end->status / 100 == 2 && (actions & (USAGE_DO_CONFIRM | USAGE_DO_TARGET)) &&
        !(actions & USAGE_DO_BYE))
        ua_agree(worker, dialog, &of);
    ua_do(worker, &step, actions);
    return actions;
}

// RFC 3262 section 4: what has no RSeq is not reliable, whatever it requires.
static bool is_reliable(const struct message *message, uint32_t *rseq)
{
    uint8_t field = message_first_header(message, HEADER_RSEQ);
    bool required = false;
    if (field == MESSAGE_NO_HEADER ||
        number_read(message->octets, message->headers[field].value, UINT32_MAX, rseq) != 0)
        return false;
    for (field = message->first[HEADER_REQUIRE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field))
        required = required || token_list_has(message->octets, message->headers[field].value, "100rel");
    return required;
}

static void send_prack(struct worker *worker, uint32_t dialog)
{
    uint32_t client;
    if (ua_send_prack(worker, dialog, NULL, &client) == 0)
        ua_own(worker, client, 0);
}

// From our INVITE to the first sign of the far end, and to its answer.
static void count_delays(struct worker *worker, const struct ua_end_of *end)
{
    struct transaction *client = transaction_at(&worker->transactions, end->client);
    if (!is_first_invite(worker, end->client))
        return;
    if (!(client->flags & TRANSACTION_FLAG_RINGING))
        response_count_delay(worker, client, HISTOGRAM_POST_DIAL_DELAY);
    client->flags |= TRANSACTION_FLAG_RINGING;
    if (end->status >= 200)
        response_count_delay(worker, client, HISTOGRAM_ANSWER_TIME);
}

// A 1xx that makes or belongs to a dialog.
static void ring(struct worker *worker, uint32_t dialog, const struct ua_end_of *end)
{
    struct usages *usages = &worker->ua.usages;
    const struct message *message = end->message;
    uint32_t usage = ua_usage_awake(worker, dialog), rseq = 0;
    bool reliable = is_reliable(message, &rseq), asks = false;
    if (usage == INDEX_NONE)
        return;
    bool early = usage_is_early_client(usage_at(usages, usage));
    if (reliable && !usage_receive_reliable(usages, usage, rseq, message->cseq_number))
        return; // a repetition, or out of order
    if (early && !keep_answer(worker, dialog, end))
        return;
    count_delays(worker, end);
    if (reliable && !early) // RFC 6141 4.4
        ua_target(worker, dialog, message);
    if (reliable && ua_has_description(message))
        asks = usage_description(usages, usage, OFFER_IN_RELIABLE, false) == OFFER_IS_OFFER;
    uint32_t generation = dialog_at(&worker->dialogs, dialog)->generation;
    step_and_tell(worker, dialog, usage_invite_event(usages, usage, end->status, message->cseq_number), end);
    // The answer to an offer is the application's.
    if (reliable && !asks && dialog_at(&worker->dialogs, dialog)->generation == generation)
        send_prack(worker, dialog);
}

// Of a re-INVITE whose call is being ended, or was over first: a BYE went out beside it. A first INVITE's end
// is its dialog's, which was told. Once: a 2xx comes again.
static void tell_late(struct worker *worker, const struct ua_end_of *end)
{
    struct ua_told told = ua_told_of_answer(worker, end);
    if (told.tag == 0 || is_first_invite(worker, end->client))
        return;
    (void)ua_tell(worker, &told);
    worker->ua.tags[end->client] = 0;
}

static void accept(struct worker *worker, uint32_t dialog, const struct ua_end_of *end)
{
    struct usages *usages = &worker->ua.usages;
    const struct message *message = end->message;
    uint32_t usage = ua_usage(worker, dialog);
    if (usage == INDEX_NONE)
        return; // without its ACK it comes again
    const struct usage *record = usage_at(usages, usage);
    bool early = usage_is_early_client(record);
    bool first = early || (record->state >= USAGE_REINVITING && record->state <= USAGE_REINVITE_CANCELLED);
    enum usage_event event = usage_invite_event(usages, usage, end->status, message->cseq_number);
    if (early && !keep_answer(worker, dialog, end))
        return;
    if (early && (record->flags & USAGE_FLAG_SURPLUS) == 0) // the first one
        count_delays(worker, end);
    if (first && event == USAGE_ON_2XX && ua_has_description(message))
        (void)usage_description(usages, usage, OFFER_IN_2XX, false);
    if (record->state == USAGE_LEAVING)
        tell_late(worker, end);
    step_and_tell(worker, dialog, event, end);
}

// ACK and BYE for a 2xx of which nothing is known any more. The record counts no call.
static void accept_lost(struct worker *worker, const struct ua_end_of *end)
{
    const struct message *message = end->message;
    const struct transaction *client = transaction_at(&worker->transactions, end->client);
    struct ua_told told = ua_told_of_answer(worker, end);
    struct packet packet = {.call_hash = end->call_hash, .source = end->source};
    const struct work work = {.packet = &packet, .message = end->message};
    const struct dialog_birth birth = {
        .caller_peer = told.application,
        .callee_peer = client->peer,
        .callee_member = client->member,
        .learnt = {[DIALOG_CALLER] = {.listener = end->source.listener}, [DIALOG_CALLEE] = end->source},
        .invite = INDEX_NONE};
    if (!rules_is_application(worker->rules, told.application) || client->peer >= worker->rules->peer_count)
        return;
    uint32_t usage = usage_create(&worker->ua.usages, USAGE_CLIENT, message->cseq_number, worker->now);
    uint32_t dialog = usage == INDEX_NONE ? INDEX_NONE : track_begin(worker, &work, birth, NULL);
    if (dialog == INDEX_NONE) {
        if (usage != INDEX_NONE)
            usage_release(&worker->ua.usages, usage);
        return;
    }
    ua_tie(worker, dialog, usage);
    struct usage *record = usage_at(&worker->ua.usages, usage);
    record->flags |= USAGE_FLAG_SURPLUS;
    record->invite = end->client;
    record->invite_generation = client->generation;
    if (keep_answer(worker, dialog, end))
        step_and_tell(worker, dialog, USAGE_ON_2XX, end);
    else
        (void)ua_end(worker, dialog, CHANNEL_REASON_NO_ROOM);
}

// A final failure, or none: of every dialog of the INVITE that is not answered. It is told once.
static void fail(struct worker *worker, const struct ua_end_of *end)
{
    struct usages *usages = &worker->ua.usages;
    uint32_t set[USAGES_OF_SET_MAX];
    struct owner owner = find_owner(worker, end);
    if (owner.usage == INDEX_NONE) {
        tell_late(worker, end);
        return;
    }
    unsigned count = is_first_invite(worker, end->client) ? usage_set(usages, owner.usage, set) : 1;
    if (count == 1)
        set[0] = owner.usage;
    bool told = false, owed = true;
    for (unsigned i = 0; i < count; i++) {
        uint32_t dialog = ua_dialog_of(worker, set[i]);
        uint16_t status = end->is_received || end->status != 408 ? end->status : 0;
        if (dialog == INDEX_NONE)
            continue;
        enum usage_event event = usage_invite_event(usages, set[i], status, end->message->cseq_number);
        if (usage_at(usages, set[i])->state == USAGE_REINVITING ||
            usage_at(usages, set[i])->state == USAGE_REINVITE_PROCEEDING)
            ua_back_off(worker, set[i], end);
        struct ua_end_of of = *end;
        of.dialog = dialog;
        const struct ua_step step = {.dialog = dialog,
                                     .event = event,
                                     .reason = status == 0 ? CHANNEL_REASON_TIMEOUT : CHANNEL_REASON_CREATED,
                                     .status = end->status,
                                     .message = end->is_received ? end->message : NULL};
        unsigned actions = usage_step(usages, set[i], event, worker->now);
        struct ua_told answer = ua_told_of_answer(worker, &of);
        if ((actions & USAGE_DO_DELIVER) && !told)
            told = ua_tell(worker, &answer);
        owed = owed && !(actions & USAGE_DO_DELIVER);
        ua_do(worker, &step, actions);
    }
    if (owed)
        tell_late(worker, end);
}

void ua_answer_invite(struct worker *worker, const struct ua_end_of *end)
{
    if (!end->is_received || end->status >= 300) {
        fail(worker, end);
        return;
    }
    struct owner owner = find_owner(worker, end);
    bool of_dialog = end->status >= 200 || (end->status > 100 && end->message->to_tag.length > 0);
    if (!of_dialog) {
        uint32_t dialog = owner.usage == INDEX_NONE ? INDEX_NONE : ua_dialog_of(worker, owner.usage);
        if (dialog != INDEX_NONE)
            step_and_tell(worker, dialog, USAGE_ON_1XX, end);
        return;
    }
    uint32_t dialog = dialog_of(worker, &owner, end);
    if (dialog != INDEX_NONE && end->status < 200)
        ring(worker, dialog, end);
    else if (dialog != INDEX_NONE)
        accept(worker, dialog, end);
    else if (end->status >= 200 && is_first_invite(worker, end->client))
        accept_lost(worker, end);
}
