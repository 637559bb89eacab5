// SPDX-License-Identifier: BSD-3-Clause
// Transfers between two peers, as the data plane tells that they pass. A REFER begins one; what is about it
// is found by the Call-ID's number, both peers and the REFER's CSeq: not by the dialog's handle, which is
// gone with the BYE, and another one after a restart of the data plane, while the subscription goes on (RFC
// 5057 section 4).
#include <string.h>
#include "../control.h"
#include "../counters.h"
#include "../event.h"
#include "dialgate/channel_ua.h"
#include "referral.h"

// Nobody is bound to send them back what we take from here: longer ones are cut where they are kept.
static const struct refer_limits limits = {REFER_TEXT_MAX, REFER_TEXT_MAX, 1000};

static bool is_about(const struct referral *referral, const struct channel_ua_event *event, bool back)
{
    uint16_t from = back ? event->peer : event->application, to = back ? event->application : event->peer;
    if (referral->origin != REFERRAL_PROXIED || referral->from_peer != from || referral->to_peer != to)
        return false;
    // Both sides may belong to one peer, and then the side tells; without a record nothing does.
    bool callee = (event->flags & CHANNEL_UA_CALLEE) != 0;
    return from != to || event->dialog == 0 || referral->callee == (callee != back);
}

// back: the event goes from who is referred to who refers. Of a NOTIFY that names no REFER the first of its
// dialog is meant (RFC 3515 2.4.6).
static struct referral *find(const struct control *control, const struct channel_ua_event *event, bool back)
{
    struct referral *found = NULL;
    for (struct ua_node *node = ua_table_find(&control->referrals.by_call, event->call); node;
         node = ua_table_next(node)) {
        struct referral *referral = UA_OF(node, struct referral, by_call);
        if (!is_about(referral, event, back))
            continue;
        if (event->result == 0) {
            if (!referral->refer.named)
                found = referral;
        } else if (referral->refer.cseq == (uint32_t)event->result) {
            // Of forks that count alike the one whose handle it is, else the newest.
            if (event->dialog && referral->dialog == event->dialog)
                return referral;
            found = found ? found : referral;
        }
    }
    return found;
}

// Not the first REFER of this side in its dialog, so that NOTIFYs name it.
static bool is_later(const struct control *control, const struct channel_ua_event *event)
{
    for (struct ua_node *node = ua_table_find(&control->referrals.by_call, event->call); node;
         node = ua_table_next(node))
        if (is_about(UA_OF(node, struct referral, by_call), event, false))
            return true;
    return false;
}

static void on_refer(struct control *control, const struct channel_ua_event *event,
                     const struct message *message)
{
    struct refer_ask ask;
    struct referral *referral = find(control, event, false);
    if (referral && (referral->dialog == event->dialog || event->dialog == 0))
        return;                               // repeated
    (void)refer_read(message, &limits, &ask); // what is wrong with it is for who is referred to say
    const struct referral_birth birth = {.origin = REFERRAL_PROXIED,
                                         .dialog = event->dialog,
                                         .call = event->call,
                                         .time_ms = event->time_ms,
                                         .from_peer = event->application,
                                         .to_peer = event->peer,
                                         .application = NUMBER_NONE,
                                         .callee = (event->flags & CHANNEL_UA_CALLEE) != 0,
                                         .cseq = (uint32_t)event->result,
                                         .ask = &ask};
    bool later = is_later(control, event);
    referral = referral_begin(control, &birth);
    if (!referral)
        return;
    referral->refer.named = later;
    referral->refer.life_ms = clock_ms() + REFER_LAST_MS; // until its response
    referral_keep(control, referral);
    if (event->status == 0)
        return;
    referral_step(control, referral,
                  &(struct referral_news){REFER_OVER, event->status, "refused by Dialgate", false});
    referral_end(control, referral, REFERRAL_DENIED);
}

// The outcome when the machine has come to its end, or near to it.
static void act(struct control *control, struct referral *referral, unsigned actions,
                enum referral_outcome outcome)
{
    if (actions & (REFER_DO_END | REFER_DO_FORGET))
        referral_end(control, referral, outcome);
}

static void advance(struct control *control, struct referral *referral, enum refer_event event,
                    const struct referral_news *news)
{
    struct refer refer = referral->refer;
    unsigned actions = refer_step(&refer, event, news->status, clock_ms());
    struct referral_news told = *news;
    if (actions == 0 || referral->outcome != REFERRAL_OPEN)
        return;
    told.state = refer.state;
    referral_step(control, referral, &told);
    referral->refer = refer;
    referral_keep(control, referral);
    act(control, referral, actions,
        event == REFER_ON_2XX_SILENT ? REFERRAL_UNREPORTED
        : event == REFER_ON_LIFE     ? REFERRAL_EXPIRED
                                     : REFERRAL_OPEN);
}

static void on_response(struct control *control, const struct channel_ua_event *event,
                        const struct message *message)
{
    struct referral *referral = find(control, event, true);
    char reason[sizeof(referral->steps[0].reason)];
    if (!referral || message->status < 200)
        return;
    snprintf(reason, sizeof(reason), "%.*s", (int)message->reason.length,
             (const char *)message_at(message, message->reason));
    enum refer_event what = message->status >= 300     ? REFER_ON_REFUSED
                            : refer_is_silent(message) ? REFER_ON_2XX_SILENT
                                                       : REFER_ON_2XX;
    advance(control, referral, what,
            &(struct referral_news){.status = message->status, .reason = reason, .of_call = false});
}

static void on_notify(struct control *control, const struct channel_ua_event *event,
                      const struct message *message)
{
    struct refer_news news;
    struct referral *referral = find(control, event, true);
    if (!referral || refer_read_notify(message, &news) != 0)
        return;
    if (event->dialog)
        referral->dialog = event->dialog;
    enum refer_event what = news.last            ? REFER_ON_TOLD_LAST
                            : news.status >= 200 ? REFER_ON_TOLD_FINAL
                                                 : REFER_ON_TOLD;
    advance(control, referral, what,
            &(struct referral_news){.status = news.status, .reason = news.reason, .of_call = true});
}

void refer_watch_take(struct control *control, const struct channel_ua_event *event, const uint8_t *octets)
{
    struct message message;
    if (event->length == 0)
        return; // cut: what it says is not known
    // What has a fault came through the data plane's parser all the same.
    (void)message_parse(octets, event->length, &message);
    if (!message.is_request && message.method == METHOD_REFER)
        on_response(control, event, &message);
    else if (message.is_request && message.method == METHOD_REFER)
        on_refer(control, event, &message);
    else if (message.is_request && message.method == METHOD_NOTIFY)
        on_notify(control, event, &message);
}

void refer_watch_ended(struct control *control, const struct channel_event *event)
{
    for (struct ua_node *node = ua_table_find(&control->referrals.by_call, event->call); node;
         node = ua_table_next(node)) {
        struct referral *referral = UA_OF(node, struct referral, by_call);
        uint64_t last = clock_ms() + REFER_EXPIRES_S * 1000ull;
        if (referral->origin != REFERRAL_PROXIED || referral->dialog != event->handle)
            continue;
        referral->over = true;
        if (referral->outcome == REFERRAL_OPEN && referral->refer.life_ms > last)
            referral->refer.life_ms = last;
        referral_keep(control, referral);
    }
}

static void look_at_losses(struct control *control)
{
    static const struct event_about about = {.peers = {NUMBER_NONE, NUMBER_NONE}, .everybody = true};
    struct referrals *referrals = &control->referrals;
    uint64_t untold = control->counters ? counters_sum(control->counters, COUNTER_REFER_UNTOLD) : 0;
    uint64_t more = untold > referrals->untold ? untold - referrals->untold : 0;
    bool same = control->counters && referrals->counters == control->counters;
    referrals->counters = control->counters;
    referrals->untold = untold;
    if (same && more > 0)
        event_emit(control, EVENT_REFER_LOST, &about, json_pack("{s:I}", "count", (json_int_t)more));
}

void refer_watch_clock(struct control *control)
{
    struct referral *referral = TAILQ_FIRST(&control->referrals.open);
    uint64_t now = clock_ms();
    for (struct referral *next; referral; referral = next) {
        next = TAILQ_NEXT(referral, link);
        if (referral->origin == REFERRAL_PROXIED && now >= referral->refer.life_ms)
            advance(control, referral, REFER_ON_LIFE, &(struct referral_news){.of_call = true});
    }
    look_at_losses(control);
}
