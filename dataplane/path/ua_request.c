// SPDX-License-Identifier: BSD-3-Clause
// Requests of applications inside a dialog (RFC 3261 12.2.1, 14.1), and what else they send there: ACK,
// CANCEL.
#include <errno.h>
#include "header.h"
#include "ua_send.h"

#define LINES_SIZE 512u

// One that is being made.
struct asking {
    struct ua_command *command;
    uint32_t dialog, usage;
    enum dialog_side ours;
    enum sip_method method;
    bool description;
};

static struct usage *record_of(struct worker *worker, const struct asking *asking)
{
    return usage_at(&worker->ua.usages, asking->usage);
}

// Whether there is a dialog to ask in. Our BYE, and what ends with it, leaves none; nor is there one before
// the far end has given its tag, or has got ours.
static int is_open(struct worker *worker, const struct asking *asking)
{
    switch (record_of(worker, asking)->state) {
    case USAGE_CALLING:
    case USAGE_LOST_EARLY:
    case USAGE_CANCEL_HELD:
        return -EPROTO;
    case USAGE_PROCEEDING:
    case USAGE_INVITED:
        return dialog_state(&worker->dialogs, asking->dialog) == DIALOG_EARLY ? 0 : -EPROTO;
    case USAGE_CANCELLED:
    case USAGE_ENDING:
    case USAGE_LEFT_UNACKED:
    case USAGE_LEAVING_EARLY:
    case USAGE_LEFT_EARLY:
    case USAGE_LEAVING:
    case USAGE_TERMINATED:
        return -EALREADY;
    default:
        return 0;
    }
}

// The Contact of what refreshes our target: the command's, or the one that stands. In `out`.
static struct dialog_string contact_of(const struct worker *worker, const struct asking *asking,
                                       struct writer *out)
{
    struct dialog_string given = asking->command->texts[CHANNEL_UA_TEXT_CONTACT];
    bool needed = asking->method == METHOD_INVITE || asking->method == METHOD_UPDATE ||
                  asking->method == METHOD_SUBSCRIBE || asking->method == METHOD_NOTIFY ||
                  asking->method == METHOD_REFER;
    return given.length > 0 || !needed ? given : ua_contact(worker, asking->dialog, asking->ours, out);
}

// Returns 0 and the client transaction in the command, or -errno.
static int send(struct worker *worker, const struct asking *asking)
{
    struct ua_command *command = asking->command;
    char lines[LINES_SIZE];
    struct writer writer, contact;
    writer_init(&writer, lines, sizeof(lines) - 1);
    writer_init(&contact, worker->restored[1], sizeof(worker->restored[1]));
    if (asking->method == METHOD_INVITE || asking->method == METHOD_UPDATE) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, asking->dialog);
        ua_write_options(worker, &writer,
                         &(struct ua_options){.application = asking->ours == DIALOG_CALLER
                                                                 ? dialog->caller_peer
                                                                 : dialog->callee_peer,
                                              .invite = asking->method == METHOD_INVITE,
                                              .dialog = asking->dialog,
                                              .wanted = command->fixed});
    }
    lines[writer.used] = '\0';
    const struct inside_asked asked = {.method = command->texts[CHANNEL_UA_TEXT_METHOD],
                                       .contact = contact_of(worker, asking, &contact),
                                       .headers = command->texts[CHANNEL_UA_TEXT_HEADERS],
                                       .body = command->body};
    if (asking->method == METHOD_PRACK) {
        int result = ua_send_prack(worker, asking->dialog, &asked, &command->transaction);
        if (result == 0)
            ua_own(worker, command->transaction, command->fixed->tag);
        return result;
    }
    const struct inside inside = {.dialog = asking->dialog,
                                  .to = 1 - asking->ours,
                                  .method = asking->method,
                                  .cseq = ua_number(worker, asking->dialog),
                                  .extra = lines,
                                  .asked = &asked};
    if (inside.cseq == 0)
        return -ENOSPC;
    uint32_t client;
    int result = originate_asked(worker, &inside, &client);
    if (result != 0)
        return result;
    ua_own(worker, client, command->fixed->tag);
    command->transaction = client;
    return 0;
}

// 14.1: not while another INVITE or an offer is under way, and after glare not before its time.
static int reinvite(struct worker *worker, const struct asking *asking)
{
    struct usage *usage = record_of(worker, asking);
    bool may = usage_fsm[usage->state][USAGE_ON_SEND_INVITE].actions & USAGE_DO_SEND;
    if (usage->armed & 1u << USAGE_TIMER_RETRY)
        return -EAGAIN;
    if (!may || usage->offer.state != OFFER_STABLE)
        return -EPROTO;
    int result = send(worker, asking);
    if (result != 0)
        return result;
    usage->flags &= (uint16_t)~USAGE_FLAG_LATE_ACK;
    if (asking->command->fixed->flags & CHANNEL_UA_LATE_ACK)
        usage->flags |= USAGE_FLAG_LATE_ACK;
    usage->invite = asking->command->transaction;
    usage->invite_generation = transaction_at(&worker->transactions, usage->invite)->generation;
    (void)ua_step(worker, &(struct ua_step){.dialog = asking->dialog, .event = USAGE_ON_SEND_INVITE});
    if (asking->description)
        (void)usage_description(&worker->ua.usages, asking->usage, OFFER_IN_INVITE, true);
    return 0;
}

// RFC 3311 5.1.
static int update(struct worker *worker, const struct asking *asking)
{
    struct usages *usages = &worker->ua.usages;
    if (record_of(worker, asking)->armed & 1u << USAGE_TIMER_RETRY)
        return -EAGAIN;
    if (!usage_send_update(usages, asking->usage, asking->description))
        return -EPROTO;
    int result = send(worker, asking);
    if (result != 0)
        usage_update_done(usages, asking->usage, true);
    return result;
}

// RFC 3262 section 4: to the reliable 1xx that came last, while its INVITE is under way.
static int prack(struct worker *worker, const struct asking *asking)
{
    const struct usage *usage = record_of(worker, asking);
    bool waits = usage->state == USAGE_PROCEEDING || usage->state == USAGE_REINVITE_PROCEEDING;
    if (!waits || !(usage->flags & USAGE_FLAG_RSEQ))
        return -EPROTO;
    bool owes = usage->offer.state == OFFER_RECEIVED && usage->offer.carrier == OFFER_IN_RELIABLE;
    if (owes && !asking->description) // section 5
        return -EINVAL;
    int result = send(worker, asking);
    if (result == 0 && asking->description)
        (void)usage_description(&worker->ua.usages, asking->usage, OFFER_IN_PRACK, true);
    return result;
}

// Section 15; again with credentials, when the first one was challenged (22.1).
static int bye(struct worker *worker, const struct asking *asking)
{
    uint8_t state = record_of(worker, asking)->state;
    if (state == USAGE_LEAVING || state == USAGE_LEAVING_EARLY)
        return send(worker, asking);
    const struct ua_step step = {.dialog = asking->dialog,
                                 .event = USAGE_ON_END,
                                 .headers = asking->command->texts[CHANNEL_UA_TEXT_HEADERS]};
    int result = is_open(worker, asking);
    if (result == 0 && (ua_step(worker, &step) & USAGE_DO_NOT_NOW))
        result = -EPROTO;
    return result;
}

static int ask(struct worker *worker, const struct asking *asking)
{
    if (asking->method == METHOD_BYE)
        return bye(worker, asking);
    int result = is_open(worker, asking);
    if (result != 0)
        return result;
    switch (asking->method) {
    case METHOD_INVITE:
        return reinvite(worker, asking);
    case METHOD_UPDATE:
        return update(worker, asking);
    case METHOD_PRACK:
        return prack(worker, asking);
    case METHOD_ACK:
    case METHOD_CANCEL:
    case METHOD_REGISTER:
        return -EINVAL;
    default:
        return send(worker, asking);
    }
}

int ua_request(struct worker *worker, struct ua_command *command)
{
    struct dialog_string method = command->texts[CHANNEL_UA_TEXT_METHOD];
    if (method.length == 0)
        return -EINVAL;
    if (command->dialog == INDEX_NONE)
        return ua_place_other(worker, command);
    struct asking asking = {.command = command,
                            .dialog = command->dialog,
                            .usage = ua_usage(worker, command->dialog),
                            .method = method_find(method.octets, method.length),
                            .description = (command->fixed->flags & CHANNEL_UA_DESCRIPTION) != 0};
    if (asking.usage == INDEX_NONE)
        return dialog_state(&worker->dialogs, command->dialog) == DIALOG_CONFIRMED ? -ENOSPC : -EPROTO;
    (void)ua_side(worker, command->dialog, &asking.ours);
    uint32_t generation = dialog_at(&worker->dialogs, command->dialog)->generation;
    int result = ask(worker, &asking);
    if (dialog_at(&worker->dialogs, command->dialog)->generation == generation)
        ua_rest(worker, command->dialog);
    return result;
}

int ua_ack(struct worker *worker, struct ua_command *command)
{
    uint32_t usage = ua_usage_awake(worker, command->dialog);
    bool description = (command->fixed->flags & CHANNEL_UA_DESCRIPTION) != 0;
    if (usage == INDEX_NONE)
        return -EPROTO;
    const struct usage *record = usage_at(&worker->ua.usages, usage);
    if (record->state != USAGE_ACCEPTED && record->state != USAGE_REINVITE_ACCEPTED)
        return -EPROTO;
    if (record->offer.state == OFFER_RECEIVED && !description) // 13.2.1: the answer is due now
        return -EINVAL;
    const struct inside_asked asked = {.contact = command->texts[CHANNEL_UA_TEXT_CONTACT],
                                       .headers = command->texts[CHANNEL_UA_TEXT_HEADERS],
                                       .body = command->body};
    int result = ua_send_new_ack(worker, command->dialog, record->invite_cseq, &asked);
    if (result != 0)
        return result;
    if (description)
        (void)usage_description(&worker->ua.usages, usage, OFFER_IN_ACK, true);
    (void)ua_step(worker, &(struct ua_step){.dialog = command->dialog, .event = USAGE_ON_SEND_ACK});
    return 0;
}

unsigned ua_step_set(struct worker *worker, const struct ua_step *step)
{
    uint32_t usages[USAGES_OF_SET_MAX];
    uint32_t first = ua_usage_awake(worker, step->dialog);
    bool early = first != INDEX_NONE && usage_is_early_client(usage_at(&worker->ua.usages, first));
    unsigned count = early ? usage_set(&worker->ua.usages, first, usages) : 0;
    unsigned actions = ua_step(worker, step);
    for (unsigned i = 1; i < count; i++) {
        struct ua_step other = *step;
        other.dialog = ua_dialog_of(worker, usages[i]);
        if (other.dialog != INDEX_NONE && usage_is_early_client(usage_at(&worker->ua.usages, usages[i])))
            (void)ua_step(worker, &other);
    }
    return actions;
}

int ua_cancel(struct worker *worker, struct ua_command *command)
{
    uint32_t usage = ua_usage_awake(worker, command->dialog);
    if (usage == INDEX_NONE)
        return -EPROTO;
    uint8_t state = usage_at(&worker->ua.usages, usage)->state;
    if (state == USAGE_CANCELLED || state == USAGE_CANCEL_HELD || state == USAGE_REINVITE_CANCELLED ||
        state == USAGE_REINVITE_CANCEL_HELD)
        return -EALREADY;
    const struct ua_step step = {.dialog = command->dialog,
                                 .event = USAGE_ON_SEND_CANCEL,
                                 .headers = command->texts[CHANNEL_UA_TEXT_HEADERS]};
    return ua_step_set(worker, &step) & USAGE_DO_NOT_NOW ? -EPROTO : 0;
}
