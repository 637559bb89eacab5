// SPDX-License-Identifier: BSD-3-Clause
// Usages and the dialogs that they belong to. A usage counts what the record counts (CSeqs, session); what it
// has beyond that is what is under way, and when nothing is, it goes.
#include "dialog_track.h"
#include "ua.h"

#define SECOND (1000u / TICK_MS)

bool ua_side(const struct worker *worker, uint32_t dialog, enum dialog_side *ours)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    if (worker->ua.usages.capacity == 0)
        return false;
    bool called = rules_is_application(worker->rules, record->callee_peer);
    *ours = called ? DIALOG_CALLEE : DIALOG_CALLER;
    return called || rules_is_application(worker->rules, record->caller_peer);
}

uint32_t ua_usage_awake(struct worker *worker, uint32_t dialog)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    uint32_t index = record->invite & ~UA_INVITE;
    if (record->invite == INDEX_NONE || !(record->invite & UA_INVITE) || index >= worker->ua.usages.capacity)
        return INDEX_NONE;
    const struct usage *usage = usage_at(&worker->ua.usages, index);
    bool its = usage->state != USAGE_FREE && (uint16_t)usage->generation == record->invite_generation;
    return its ? index : INDEX_NONE;
}

void ua_tie(struct worker *worker, uint32_t dialog, uint32_t usage)
{
    struct usage *record = usage_at(&worker->ua.usages, usage);
    record->dialog = dialog;
    record->dialog_generation = dialog_at(&worker->dialogs, dialog)->generation;
    dialog_invite_set(&worker->dialogs, dialog, usage | UA_INVITE, record->generation);
}

uint32_t ua_dialog_of(struct worker *worker, uint32_t usage)
{
    const struct usage *record = usage_at(&worker->ua.usages, usage);
    if (record->dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, record->dialog)->generation != record->dialog_generation ||
        dialog_state(&worker->dialogs, record->dialog) == DIALOG_FREE)
        return INDEX_NONE;
    return record->dialog;
}

uint32_t ua_invite(struct worker *worker, uint32_t usage)
{
    const struct usage *record = usage_at(&worker->ua.usages, usage);
    if (record->invite == INDEX_NONE)
        return INDEX_NONE;
    const struct transaction *invite = transaction_at(&worker->transactions, record->invite);
    bool live = invite->state != TRANSACTION_FREE && invite->generation == record->invite_generation;
    return live ? record->invite : INDEX_NONE;
}

// The record's session_end is when the next timer of the session is due: from it follow both (RFC 4028
// section 10).
static void resume_session(struct worker *worker, uint32_t dialog, uint32_t usage, enum dialog_side ours)
{
    const struct dialog_cold *cold = dialog_cold(&worker->dialogs, dialog);
    if (!(dialog_at(&worker->dialogs, dialog)->flags & DIALOG_FLAG_SESSION) || cold->session_s == 0)
        return;
    tick_t due = cold->session_end;
    struct usages *usages = &worker->ua.usages;
    if (dialog_refresher(cold) != ours) {
        usage_arm(usages, usage, USAGE_TIMER_EXPIRED, due);
        return;
    }
    usage_arm(usages, usage, USAGE_TIMER_REFRESH, due);
    usage_arm(usages, usage, USAGE_TIMER_EXPIRED,
              due + session_over_after(cold->session_s) - session_refresh_after(cold->session_s));
}

uint32_t ua_usage(struct worker *worker, uint32_t dialog)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    enum dialog_side ours;
    uint32_t usage = ua_usage_awake(worker, dialog);
    if (usage != INDEX_NONE || record->row != DIALOG_ROW_CONFIRMED || !ua_side(worker, dialog, &ours))
        return usage;
    const struct usage_numbers numbers = {
        .role = ours == DIALOG_CALLER ? USAGE_CLIENT : USAGE_SERVER,
        .local_cseq = record->cseq[ours],
        .remote_cseq = record->cseq[1 - ours],
        .remote = ours == DIALOG_CALLEE || record->cseq[1 - ours] != 0,
    };
    usage = usage_resume(&worker->ua.usages, &numbers, record->since + worker->dialogs.life.confirmed);
    if (usage == INDEX_NONE) {
        count(worker, COUNTER_UA_FULL);
        return INDEX_NONE;
    }
    ua_tie(worker, dialog, usage);
    resume_session(worker, dialog, usage, ours);
    return usage;
}

// Whether the record says what the session's timers are. Ours to refresh, and told already, it does not.
static bool is_session_kept(struct worker *worker, uint32_t dialog, uint32_t usage)
{
    const struct usage *record = usage_at(&worker->ua.usages, usage);
    const struct dialog_cold *cold = dialog_cold(&worker->dialogs, dialog);
    bool expires = record->armed & 1u << USAGE_TIMER_EXPIRED,
         ours = record->armed & 1u << USAGE_TIMER_REFRESH;
    tick_t apart = session_over_after(cold->session_s) - session_refresh_after(cold->session_s);
    if (!expires)
        return !ours && cold->session_s == 0;
    if (cold->session_s == 0)
        return false;
    return ours ? record->at[USAGE_TIMER_REFRESH] == cold->session_end &&
                      record->at[USAGE_TIMER_EXPIRED] == cold->session_end + apart
                : record->at[USAGE_TIMER_EXPIRED] == cold->session_end;
}

void ua_rest(struct worker *worker, uint32_t dialog)
{
    uint32_t usage = ua_usage_awake(worker, dialog);
    if (usage == INDEX_NONE || dialog_at(&worker->dialogs, dialog)->row != DIALOG_ROW_CONFIRMED ||
        !usage_may_rest(&worker->ua.usages, usage) || !is_session_kept(worker, dialog, usage))
        return;
    usage_release(&worker->ua.usages, usage);
    dialog_invite_set(&worker->dialogs, dialog, INDEX_NONE, 0);
}

uint32_t ua_number(struct worker *worker, uint32_t dialog)
{
    enum dialog_side ours;
    uint32_t usage = ua_usage(worker, dialog);
    if (usage == INDEX_NONE || !ua_side(worker, dialog, &ours))
        return 0;
    uint32_t number = usage_number(&worker->ua.usages, usage);
    if (number != 0)
        dialog_see(&worker->dialogs, dialog, &(struct dialog_seen){.side = ours, .cseq = number});
    return number;
}

void ua_target(struct worker *worker, uint32_t dialog, const struct message *message)
{
    enum dialog_side ours;
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    struct dialog_string contact = track_contact(message);
    if (contact.length == 0 || !ua_side(worker, dialog, &ours))
        return;
    texts[ours == DIALOG_CALLER ? DIALOG_TEXT_CALLEE_TARGET : DIALOG_TEXT_CALLER_TARGET] = contact;
    if (dialog_change(&worker->dialogs, dialog, &(struct dialog_change){.texts = texts}) != 0)
        count(worker, COUNTER_DIALOG_FULL);
}

void ua_session(struct worker *worker, uint32_t dialog, struct session_terms terms, bool uac)
{
    enum dialog_side ours;
    uint32_t usage = ua_usage(worker, dialog);
    if (usage == INDEX_NONE || !ua_side(worker, dialog, &ours))
        return;
    bool by_us = terms.refresher == (uac ? SESSION_UAC : SESSION_UAS);
    uint32_t interval_s = RTE_MIN(terms.interval_s, (uint32_t)UINT16_MAX);
    terms.interval_s = interval_s;
    tick_t after = by_us ? session_refresh_after(interval_s) : session_over_after(interval_s);
    usage_session(&worker->ua.usages, usage, terms, uac, worker->now);
    const struct dialog_change change = {.session = true,
                                         .session_s = (uint16_t)interval_s,
                                         .session_refresher = by_us ? ours : 1 - ours,
                                         .session_end = worker->now + after};
    if (dialog_change(&worker->dialogs, dialog, &change) != 0)
        count(worker, COUNTER_DIALOG_FULL); // what the usage counts holds until it rests
}

void ua_session_due(struct worker *worker, uint32_t dialog)
{
    uint32_t usage = ua_usage(worker, dialog);
    const struct dialog_cold *cold = dialog_cold(&worker->dialogs, dialog);
    if (usage == INDEX_NONE) { // nobody can refresh it
        (void)ua_end(worker, dialog, CHANNEL_REASON_NO_ROOM);
        return;
    }
    const struct usage *record = usage_at(&worker->ua.usages, usage);
    bool expires = record->armed & 1u << USAGE_TIMER_EXPIRED;
    const struct dialog_change change = {.session = true,
                                         .session_s = expires ? cold->session_s : 0,
                                         .session_refresher = dialog_refresher(cold),
                                         .session_end = record->at[USAGE_TIMER_EXPIRED] + SECOND};
    if (dialog_change(&worker->dialogs, dialog, &change) != 0)
        (void)ua_end(worker, dialog, CHANNEL_REASON_NO_ROOM);
}
