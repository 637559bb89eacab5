// SPDX-License-Identifier: BSD-3-Clause
#include "referral.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../event.h"
#include "../rpc/dialog.h"
#include "../rpc/text.h"

static const char *const origins[REFERRAL_ORIGIN_COUNT] = {
#define O(name, word) [REFERRAL_##name] = word,
    REFERRAL_ORIGINS(O)
#undef O
};
static const char *const outcomes[REFERRAL_OUTCOME_COUNT] = {
#define O(name, word) [REFERRAL_##name] = word,
    REFERRAL_OUTCOMES(O)
#undef O
};

const char *referral_origin_name(enum referral_origin origin)
{
    return origins[origin];
}

const char *referral_outcome_name(enum referral_outcome outcome)
{
    return outcomes[outcome];
}

static json_t *word(const char *text)
{
    return text ? text_json(text, strlen(text)) : json_null();
}

static json_t *peer_json(const struct control *control, uint16_t number)
{
    return number == NUMBER_NONE ? json_null() : word(control_peer_name(control, number));
}

// What list, show and every event begin with.
static json_t *names(const struct control *control, const struct referral *referral)
{
    char id[DIALOG_ID_SIZE], dialog[DIALOG_ID_SIZE], call[DIALOG_ID_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:o, s:o}", "refer", dialog_id(referral->by_id.key, id),
                     "origin", origins[referral->origin], "kind", referral->attended ? "attended" : "blind",
                     "dialog", referral->dialog ? dialog_id(referral->dialog, dialog) : NULL, "call",
                     dialog_id(referral->by_call.key, call), "from_peer",
                     peer_json(control, referral->from_peer), "to_peer",
                     peer_json(control, referral->to_peer));
}

static const char *reason_of(const struct referral *referral)
{
    return referral->step_count ? referral->steps[referral->step_count - 1].reason : "";
}

static void emit(struct control *control, enum event_name name, const struct referral *referral, json_t *more)
{
    const struct event_about about = {.peers = {referral->from_peer, referral->to_peer},
                                      .call = referral->by_call.key};
    json_t *fields = names(control, referral);
    // An event's kind is what it can be followed by.
    json_object_set(fields, "transfer", json_object_get(fields, "kind"));
    json_object_del(fields, "kind");
    json_object_update(fields, more);
    json_decref(more);
    event_emit(control, name, &about, fields);
}

// --- room ---

static void drop(struct control *control, struct referral *referral)
{
    struct referrals *referrals = &control->referrals;
    keep_drop(control->ua.keep, KEEP_REFERRAL, referral->by_id.key);
    TAILQ_REMOVE(referral->outcome == REFERRAL_OPEN ? &referrals->open : &referrals->ended, referral, link);
    ua_table_remove(&referrals->by_id, &referral->by_id);
    ua_table_remove(&referrals->by_call, &referral->by_call);
    free(referral->target);
    free(referral->replaces);
    free(referral->referred_by);
    free(referral);
    referrals->count--;
}

// Of one call: the oldest that has ended makes room. False: all are under way.
static bool make_room_in(struct control *control, uint64_t call)
{
    const struct referrals *referrals = &control->referrals;
    struct referral *oldest = NULL;
    unsigned count = 0;
    for (struct ua_node *node = ua_table_find(&referrals->by_call, call); node; node = ua_table_next(node)) {
        struct referral *referral = UA_OF(node, struct referral, by_call);
        count++;
        oldest = referral->outcome == REFERRAL_OPEN ? oldest : referral;
    }
    if (count < REFERRALS_CALL_MAX)
        return true;
    if (oldest)
        drop(control, oldest);
    return oldest != NULL;
}

static struct referral *take(struct control *control, uint64_t call)
{
    const struct referrals *referrals = &control->referrals;
    if (!make_room_in(control, call))
        return NULL;
    struct referral *oldest = TAILQ_LAST(&referrals->ended, referral_list);
    if (referrals->count >= REFERRALS_MAX && oldest)
        drop(control, oldest);
    return referrals->count < REFERRALS_MAX ? calloc(1, sizeof(struct referral)) : NULL;
}

// NULL: there is none, or no memory to keep it.
static char *keep(const char *text)
{
    return text && text[0] ? strndup(text, REFERRAL_TEXT_MAX) : NULL;
}

struct referral *referral_begin(struct control *control, const struct referral_birth *birth)
{
    struct referrals *referrals = &control->referrals;
    struct referral *referral = take(control, birth->call);
    if (!referral) {
        referrals->unkept++;
        return NULL;
    }
    refer_begin(&referral->refer, REFER_SENDING, birth->cseq, clock_ms());
    referral->dialog = birth->dialog;
    referral->began_ms = referral->changed_ms = clock_ms();
    referral->began_unix_ms = birth->time_ms ? birth->time_ms : ua_unix_ms();
    referral->from_peer = birth->from_peer;
    referral->to_peer = birth->to_peer;
    referral->application = birth->application;
    referral->origin = (uint8_t)birth->origin;
    referral->callee = birth->callee;
    referral->attended = birth->ask && birth->ask->replaces[0];
    if (birth->ask) {
        referral->target = keep(birth->ask->uri);
        referral->replaces = keep(birth->ask->replaces);
        referral->referred_by = keep(birth->ask->referred_by);
    }
    ua_table_add(&referrals->by_id, &referral->by_id,
                 birth->id ? birth->id : ++control->transfers.last); // one row of ids for all
    ua_table_add(&referrals->by_call, &referral->by_call, birth->call);
    TAILQ_INSERT_HEAD(&referrals->open, referral, link);
    referrals->count++;
    referral_keep(control, referral);
    emit(control, EVENT_REFER_BEGAN, referral,
         json_pack("{s:s, s:o, s:o}", "sender", referral->callee ? "callee" : "caller", "to",
                   word(referral->target), "referred_by", word(referral->referred_by)));
    return referral;
}

bool referral_take(struct control *control, struct referral *referral, uint64_t id, uint64_t call)
{
    struct referrals *referrals = &control->referrals;
    if (referrals->count >= REFERRALS_MAX)
        return false;
    ua_table_add(&referrals->by_id, &referral->by_id, id);
    ua_table_add(&referrals->by_call, &referral->by_call, call);
    TAILQ_INSERT_HEAD(referral->outcome == REFERRAL_OPEN ? &referrals->open : &referrals->ended, referral,
                      link);
    referrals->count++;
    return true;
}

struct referral *referral_find(const struct control *control, uint64_t id)
{
    struct ua_node *node = ua_table_find(&control->referrals.by_id, id);
    return node ? UA_OF(node, struct referral, by_id) : NULL;
}

// --- what becomes of it ---

static void note(struct referral *referral, const struct referral_news *news)
{
    if (referral->step_count < REFERRAL_STEPS)
        referral->step_count++;
    struct referral_step *step = &referral->steps[referral->step_count - 1];
    *step = (struct referral_step){.after_ms = (uint32_t)(clock_ms() - referral->began_ms),
                                   .status = referral->status,
                                   .state = (uint8_t)news->state};
    snprintf(step->reason, sizeof(step->reason), "%s", news->reason ? news->reason : "");
}

void referral_step(struct control *control, struct referral *referral, const struct referral_news *news)
{
    uint16_t status = news->status ? news->status : referral->status;
    bool again = referral->step_count && status == referral->status && news->state == referral->refer.state;
    if (referral->outcome != REFERRAL_OPEN)
        return;
    referral->refer.state = (uint8_t)news->state;
    referral->status = status;
    referral->changed_ms = clock_ms();
    if (news->of_call && news->status)
        referral->reported = news->status;
    else if (news->status / 100 == 2)
        referral->accepted = true;
    if (again) // a NOTIFY that says the same, as often as somebody likes to send it
        return;
    note(referral, news);
    referral_keep(control, referral);
    emit(control, EVENT_REFER_PROGRESS, referral,
         json_pack("{s:s, s:i, s:o}", "state", refer_state_name(news->state), "status", (int)status, "reason",
                   word(reason_of(referral))));
}

static enum referral_outcome outcome_of(const struct referral *referral)
{
    if (referral->reported >= 200)
        return referral->reported < 300 ? REFERRAL_SUCCEEDED : REFERRAL_FAILED;
    if (!referral->accepted && referral->status >= 300)
        return referral->status == 401 || referral->status == 407 ? REFERRAL_CHALLENGED : REFERRAL_REFUSED;
    return REFERRAL_UNKNOWN;
}

void referral_end(struct control *control, struct referral *referral, enum referral_outcome outcome)
{
    struct referrals *referrals = &control->referrals;
    if (referral->outcome != REFERRAL_OPEN)
        return;
    TAILQ_REMOVE(&referrals->open, referral, link);
    referral->outcome = (uint8_t)(outcome == REFERRAL_OPEN ? outcome_of(referral) : outcome);
    referral->changed_ms = clock_ms();
    TAILQ_INSERT_HEAD(&referrals->ended, referral, link);
    referral_keep(control, referral);
    referrals->counts[referral->origin][referral->attended][referral->outcome]++;
    emit(control, EVENT_REFER_ENDED, referral,
         json_pack("{s:s, s:i, s:o, s:I}", "outcome", outcomes[referral->outcome], "status",
                   (int)referral->status, "reason", word(reason_of(referral)), "duration_ms",
                   (json_int_t)(referral->changed_ms - referral->began_ms)));
}

static json_t *steps_json(const struct referral *referral)
{
    json_t *steps = json_array();
    for (unsigned i = 0; i < referral->step_count; i++) {
        const struct referral_step *step = &referral->steps[i];
        json_array_append_new(steps, json_pack("{s:I, s:s, s:i, s:o}", "after_ms", (json_int_t)step->after_ms,
                                               "state", refer_state_name(step->state), "status",
                                               (int)step->status, "reason", word(step->reason)));
    }
    return steps;
}

json_t *referral_json(const struct control *control, const struct referral *referral, bool whole)
{
    bool ended = referral->outcome != REFERRAL_OPEN;
    json_t *row = names(control, referral);
    json_t *more = json_pack("{s:s, s:I, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:I, s:I}", "sender",
                             referral->callee ? "callee" : "caller", "cseq", (json_int_t)referral->refer.cseq,
                             "state", ended ? "over" : refer_state_name(referral->refer.state), "outcome",
                             outcomes[referral->outcome], "status", (int)referral->status, "reason",
                             word(reason_of(referral)), "to", word(referral->target), "replaces",
                             word(referral->replaces), "referred_by", word(referral->referred_by), "began_ms",
                             (json_int_t)referral->began_unix_ms, "duration_ms",
                             (json_int_t)((ended ? referral->changed_ms : clock_ms()) - referral->began_ms));
    json_object_update(row, more);
    json_decref(more);
    if (referral->application != NUMBER_NONE)
        json_object_set_new(row, "application", peer_json(control, referral->application));
    if (referral->over)
        json_object_set_new(row, "dialog_over", json_true());
    if (whole)
        json_object_set_new(row, "steps", steps_json(referral));
    return row;
}

// --- start and end ---

static void on_clock(evutil_socket_t fd, short what, void *context)
{
    refer_watch_clock(context);
}

int referrals_start(struct control *control)
{
    static const struct timeval interval = {1, 0};
    struct referrals *referrals = &control->referrals;
    TAILQ_INIT(&referrals->open);
    TAILQ_INIT(&referrals->ended);
    if (ua_table_open(&referrals->by_id) < 0 || ua_table_open(&referrals->by_call) < 0)
        return -ENOMEM;
    referrals->clock = event_new(control->base, -1, EV_PERSIST, on_clock, control);
    return referrals->clock && event_add(referrals->clock, &interval) == 0 ? 0 : -ENOMEM;
}

void referrals_stop(struct control *control)
{
    struct referrals *referrals = &control->referrals;
    if (!referrals->by_id.buckets)
        return;
    while (!TAILQ_EMPTY(&referrals->open))
        drop(control, TAILQ_FIRST(&referrals->open));
    while (!TAILQ_EMPTY(&referrals->ended))
        drop(control, TAILQ_FIRST(&referrals->ended));
    if (referrals->clock)
        event_free(referrals->clock);
    referrals->clock = NULL;
    ua_table_close(&referrals->by_id);
    ua_table_close(&referrals->by_call);
}
