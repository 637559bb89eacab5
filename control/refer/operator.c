// SPDX-License-Identifier: BSD-3-Clause
#include "operator.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "dialgate/channel_ua.h"
#include "referral.h"
#include "subscription_state.h"

#define LINES_MAX    8192u
#define DONE_MS      10000u  // the data plane has taken the command or not
#define SILENCE_MS   180000u // without a word of the referee, unless its subscription lasts longer
#define SILENCE_MOST 3600u   // seconds of that
#define ENDED_MS     5000u   // after the dialog: what was told before its end may come later
#define CLOCK_S      1

static void drop(struct control *control, struct operator_transfer *transfer)
{
    struct operator_transfers *transfers = &control->operators;
    LIST_REMOVE(transfer, link);
    free(transfer);
    if (--transfers->count > 0)
        return;
    event_free(transfers->clock);
    transfers->clock = NULL;
}

static void forget(struct control *control, struct operator_transfer *transfer)
{
    keep_drop(control->ua.keep, KEEP_OPERATOR, transfer->tag);
    drop(control, transfer);
}

static void tell(const struct operator_transfer *transfer, enum dg_code code, const char *text)
{
    if (transfer->told)
        transfer->told(transfer->context, code, text, transfer->id);
}

static void refuse(struct control *control, struct operator_transfer *transfer, enum dg_code code,
                   const char *text)
{
    tell(transfer, code, text);
    forget(control, transfer);
}

static void wait_ms(struct control *control, struct operator_transfer *transfer, uint64_t ms)
{
    transfer->deadline_ms = clock_ms() + ms;
    operator_keep(control, transfer);
}

// What the data plane has kept for it comes first.
static bool is_unheard(const struct control *control, struct operator_transfer *transfer, uint64_t now)
{
    if (!transfer->kept)
        return false;
    if (channel_ready(control->channel)) {
        transfer->kept = false;
        if (transfer->deadline_ms < now + ENDED_MS)
            transfer->deadline_ms = now + ENDED_MS;
    }
    return true;
}

static void on_clock(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    struct operator_transfer *transfer = LIST_FIRST(&control->operators.list);
    uint64_t now = clock_ms();
    for (struct operator_transfer *next; transfer; transfer = next) {
        next = LIST_NEXT(transfer, link);
        struct referral *referral = transfer->id ? referral_find(control, transfer->id) : NULL;
        if (is_unheard(control, transfer, now) || now < transfer->deadline_ms)
            continue;
        if (!transfer->id) {
            refuse(control, transfer, DG_NO_ANSWER,
                   "the data plane does not answer; refer.list shows whether the REFER went");
            continue;
        }
        if (referral)
            referral_end(control, referral, referral->over ? REFERRAL_OPEN : REFERRAL_EXPIRED);
        forget(control, transfer);
    }
}

// --- sending ---

static bool begin_clock(struct control *control)
{
    static const struct timeval interval = {CLOCK_S, 0};
    struct operator_transfers *transfers = &control->operators;
    if (transfers->clock)
        return true;
    transfers->clock = event_new(control->base, -1, EV_PERSIST, on_clock, control);
    if (transfers->clock && event_add(transfers->clock, &interval) == 0)
        return true;
    if (transfers->clock)
        event_free(transfers->clock);
    transfers->clock = NULL;
    return false;
}

static void note_order(struct refer_ask *ask, const struct refer_order *order)
{
    snprintf(ask->uri, sizeof(ask->uri), "%s", order->uri);
    snprintf(ask->referred_by, sizeof(ask->referred_by), "%s", order->referred_by ? order->referred_by : "");
    if (order->call_id)
        snprintf(ask->replaces, sizeof(ask->replaces), "%s;to-tag=%s;from-tag=%s%s", order->call_id,
                 order->to_tag, order->from_tag, order->early_only ? ";early-only" : "");
}

// 0 or -errno of the channel.
static int transmit(struct control *control, const struct operator_transfer *transfer, bool keep,
                    const struct writer *lines)
{
    size_t size = sizeof(struct channel_ua_command) + lines->used;
    struct channel_ua_command *command = calloc(1, size);
    if (!command)
        return -ENOMEM;
    *command = (struct channel_ua_command){
        .tag = transfer->tag,
        .dialog = transfer->dialog,
        .to_peer = NUMBER_NONE,
        .to_member = NUMBER_NONE,
        .op = CHANNEL_UA_REFER,
        .flags = (uint8_t)((transfer->to_callee ? CHANNEL_UA_TO_CALLEE : 0) | (keep ? CHANNEL_UA_KEEP : 0))};
    command->text_lengths[CHANNEL_UA_TEXT_HEADERS] = (uint16_t)lines->used;
    memcpy(command + 1, lines->octets, lines->used);
    int result = channel_send_ua(control->channel, command, size);
    free(command);
    return result;
}

enum dg_code operator_send(struct control *control, const struct operator_wish *wish, const char **text)
{
    char octets[LINES_MAX];
    struct writer lines;
    struct operator_transfers *transfers = &control->operators;
    writer_init(&lines, octets, sizeof(octets));
    *text = "to is no URI that a REFER can name: it may have no headers and no method";
    if (!refer_write_refer(&lines, wish->order) || lines.overflow)
        return DG_INVALID_PARAMS;
    *text = "too many transfers are under way; refer.list shows them";
    if (transfers->count == OPERATOR_TRANSFERS_MAX)
        return DG_RESOURCES;
    *text = "out of memory";
    struct operator_transfer *transfer = calloc(1, sizeof(*transfer));
    if (!transfer || !begin_clock(control)) {
        free(transfer);
        return DG_INTERNAL;
    }
    transfer->tag = ++control->ua.last_tag;
    transfer->dialog = wish->dialog;
    transfer->to_callee = wish->to_callee;
    transfer->deadline_ms = clock_ms() + DONE_MS;
    transfer->told = wish->told;
    transfer->context = wish->context;
    note_order(&transfer->ask, wish->order);
    LIST_INSERT_HEAD(&transfers->list, transfer, link);
    transfers->count++;
    operator_keep(control, transfer);
    keep_commit(control->ua.keep); // before the far end hears of it
    int result = transmit(control, transfer, wish->keep, &lines);
    if (result == 0)
        return DG_OK;
    forget(control, transfer);
    *text = "the data plane is not connected; system.status says why";
    return result == -ENOMEM ? DG_INTERNAL : DG_UNAVAILABLE;
}

// --- what comes of it ---

static const struct {
    int result;
    enum dg_code code;
    const char *text;
} refusals[] = {
    {-ENOENT, DG_NOT_FOUND,
     "no call between two peers has this id; dialog.list names them, refer.send is for calls of "
     "applications"},
    {-EPROTO, DG_INVALID_TRANSITION,
     "the call is not answered and acknowledged yet, or the other party's Contact is not known; dialog.show "
     "says which"},
    {-EALREADY, DG_INVALID_STATE, "the call is ending"},
    {-EBUSY, DG_INVALID_STATE,
     "a transfer of this call is under way; refer.list shows it, another one may follow when it is over"},
    {-ENOSPC, DG_RESOURCES, "transactions or transfers of the data plane are full; try again"},
    {-EMSGSIZE, DG_INVALID_PARAMS, "the REFER would be longer than the way takes; give a shorter target"},
    {-ENETUNREACH, DG_TRANSPORT, "there is no way to this party: its peer is not configured any more"},
    {-EINVAL, DG_INVALID_PARAMS, "the data plane takes a text for no URI or header field"},
};

static void on_done(struct control *control, struct operator_transfer *transfer,
                    const struct channel_ua_event *event, const struct message *message)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].result == event->result) {
            refuse(control, transfer, refusals[i].code, refusals[i].text);
            return;
        }
    }
    if (event->result != 0) {
        refuse(control, transfer, DG_REFUSED, "refused by the data plane");
        return;
    }
    // DONE has the callee's peer first.
    const struct referral_birth birth = {.origin = REFERRAL_OPERATOR,
                                         .id = ++control->transfers.last,
                                         .dialog = transfer->dialog,
                                         .call = event->call,
                                         .time_ms = event->time_ms,
                                         .from_peer = transfer->to_callee ? event->peer : event->application,
                                         .to_peer = transfer->to_callee ? event->application : event->peer,
                                         .application = NUMBER_NONE,
                                         .callee = !transfer->to_callee,
                                         .cseq = message ? message->cseq_number : 0,
                                         .ask = &transfer->ask};
    transfer->id = birth.id;
    wait_ms(control, transfer, SILENCE_MS);
    (void)referral_begin(control, &birth); // not kept when there is no room, which is counted
    tell(transfer, DG_OK, NULL);
    transfer->told = NULL;
}

static void on_answered(struct control *control, struct operator_transfer *transfer,
                        const struct channel_ua_event *event, const struct message *message)
{
    struct referral *referral = referral_find(control, transfer->id);
    char reason[sizeof(referral->steps[0].reason)] = "no answer";
    bool accepted = event->status / 100 == 2;
    if (message)
        snprintf(reason, sizeof(reason), "%.*s", (int)message->reason.length,
                 (const char *)message_at(message, message->reason));
    const struct referral_news news = {.state = accepted ? REFER_WAITING : REFER_OVER,
                                       .status = event->status,
                                       .reason = reason,
                                       .of_call = false};
    wait_ms(control, transfer, SILENCE_MS);
    if (referral)
        referral_step(control, referral, &news);
    if (accepted)
        return;
    if (referral)
        referral_end(control, referral, REFERRAL_OPEN);
    forget(control, transfer);
}

static uint64_t silence_of(const struct message *message)
{
    uint8_t field = message_first_header(message, HEADER_SUBSCRIPTION_STATE);
    struct subscription_state state;
    if (field == MESSAGE_NO_HEADER ||
        subscription_state_read(message->octets, message->headers[field].value, &state) < 0 ||
        !state.has_expires || state.expires_s * 1000ull < SILENCE_MS)
        return SILENCE_MS;
    return (state.expires_s < SILENCE_MOST ? state.expires_s : SILENCE_MOST) * 1000ull;
}

static void on_notify(struct control *control, struct operator_transfer *transfer,
                      const struct message *message)
{
    struct refer_news news = {0};
    struct referral *referral = referral_find(control, transfer->id);
    if (refer_read_notify(message, &news) != 0)
        return;
    wait_ms(control, transfer, silence_of(message));
    bool over = news.last || news.status >= 200;
    if (referral)
        referral_step(control, referral,
                      &(struct referral_news){.state = over ? REFER_OVER : REFER_WAITING,
                                              .status = news.status,
                                              .reason = news.reason,
                                              .of_call = true});
    if (!over)
        return;
    if (referral)
        referral_end(control, referral, REFERRAL_OPEN);
    forget(control, transfer);
}

bool operator_take(struct control *control, const struct channel_ua_event *event, const uint8_t *octets)
{
    struct operator_transfer *transfer;
    struct message message, *read = NULL;
    LIST_FOREACH(transfer, &control->operators.list, link)
    if (transfer->tag == event->tag)
        break;
    if (!transfer || event->tag == 0)
        return false;
    // What has a fault came through the data plane's parser all the same.
    if (event->length > 0) {
        (void)message_parse(octets, event->length, &message);
        read = &message;
    }
    if (event->kind == CHANNEL_UA_DONE && !transfer->id)
        on_done(control, transfer, event, read);
    else if (event->kind == CHANNEL_UA_ANSWERED && transfer->id) // nothing comes of it before its DONE
        on_answered(control, transfer, event, read);
    else if (event->kind == CHANNEL_UA_REFERRAL && transfer->id && read)
        on_notify(control, transfer, read);
    return true;
}

void operator_ended(struct control *control, const struct channel_event *event)
{
    struct operator_transfer *transfer;
    uint64_t last = clock_ms() + ENDED_MS;
    LIST_FOREACH(transfer, &control->operators.list, link)
    {
        struct referral *referral = transfer->id ? referral_find(control, transfer->id) : NULL;
        if (transfer->dialog != event->handle || !referral)
            continue;
        referral->over = true;
        transfer->deadline_ms = last < transfer->deadline_ms ? last : transfer->deadline_ms;
    }
}

void operators_restarted(struct control *control)
{
    struct operator_transfer *transfer, *next;
    for (transfer = LIST_FIRST(&control->operators.list); transfer; transfer = next) {
        next = LIST_NEXT(transfer, link);
        struct referral *referral = transfer->id ? referral_find(control, transfer->id) : NULL;
        if (referral)
            referral_end(control, referral, REFERRAL_LOST);
        if (transfer->id)
            forget(control, transfer);
        else
            refuse(control, transfer, DG_UNAVAILABLE,
                   "the data plane was started anew; whether the REFER went is not known");
    }
}

bool operator_has(const struct control *control, uint64_t id)
{
    const struct operator_transfer *transfer;
    LIST_FOREACH(transfer, &control->operators.list, link)
    if (transfer->id == id)
        return true;
    return false;
}

bool operator_resume(struct control *control, struct operator_transfer *transfer)
{
    if (control->operators.count == OPERATOR_TRANSFERS_MAX || !begin_clock(control))
        return false;
    LIST_INSERT_HEAD(&control->operators.list, transfer, link);
    control->operators.count++;
    return true;
}

// Their records stay: the next control goes on with them.
void operators_stop(struct control *control)
{
    struct operator_transfer *transfer, *next;
    for (transfer = LIST_FIRST(&control->operators.list); transfer; transfer = next) {
        next = LIST_NEXT(transfer, link);
        if (!transfer->id)
            tell(transfer, DG_UNAVAILABLE, "dialgate-control is ending");
        drop(control, transfer);
    }
}
