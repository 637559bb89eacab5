// SPDX-License-Identifier: BSD-3-Clause
// RESPOND: what the application answers to a request. The response is made first, so that what cannot be sent
// changes nothing; then the machine of the call takes its step, and the response goes out.
#include <errno.h>
#include "random.h"
#include "ua.h"
#include "ua_session.h"

// What is answered.
struct answering {
    const struct ua_command *command;
    uint32_t server;
    uint32_t dialog; // INDEX_NONE: outside, or gone
    uint32_t usage;  // awake, INDEX_NONE
    uint16_t application;
    bool description;
    bool reliable;
};

static struct transaction *server_of(struct worker *worker, const struct answering *answering)
{
    return transaction_at(&worker->transactions, answering->server);
}

static struct ua_response response_of(const struct answering *answering, const char *lines)
{
    const struct ua_command *command = answering->command;
    return (struct ua_response){.status = command->fixed->status,
                                .phrase = command->texts[CHANNEL_UA_TEXT_REASON],
                                .lines = lines,
                                .headers = command->texts[CHANNEL_UA_TEXT_HEADERS],
                                .contact = command->texts[CHANNEL_UA_TEXT_CONTACT],
                                .body = command->body};
}

// Of a response that refreshes our target: what stands where the command gives no Contact. In `out`.
static struct ua_response refreshing(struct worker *worker, const struct answering *answering,
                                     struct writer *out)
{
    struct ua_response response = response_of(answering, worker->ua.lines);
    enum dialog_side ours;
    writer_init(out, worker->restored[1], sizeof(worker->restored[1]));
    response.ours = true;
    if (response.contact.length == 0 && answering->dialog != INDEX_NONE &&
        ua_side(worker, answering->dialog, &ours))
        response.contact = ua_contact(worker, answering->dialog, ours, out);
    return response;
}

// And it stands from then on.
static void keep_contact(struct worker *worker, const struct answering *answering)
{
    struct dialog_string given = answering->command->texts[CHANNEL_UA_TEXT_CONTACT];
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    enum dialog_side ours;
    struct address address;
    uint32_t at = 0;
    if (given.length == 0 || answering->dialog == INDEX_NONE || !ua_side(worker, answering->dialog, &ours) ||
        address_next(given.octets, (struct span){0, (uint16_t)given.length}, &at, &address) != 1)
        return;
    texts[ours == DIALOG_CALLER ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET] =
        (struct dialog_string){(const uint8_t *)given.octets + address.uri.offset, address.uri.length};
    if (dialog_change(&worker->dialogs, answering->dialog, &(struct dialog_change){.texts = texts}) != 0)
        count(worker, COUNTER_DIALOG_FULL);
}

// The tag that the first response with one gives the record. In worker->kept is the request.
static int give_tag(struct worker *worker, const struct answering *answering)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, answering->dialog);
    char tag[COOKIE_TEXT_MAX];
    if (dialog->row != DIALOG_ROW_NONE)
        return 0;
    ua_tag_for(worker, &worker->kept, answering->application, tag);
    const struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = {tag, (uint32_t)strlen(tag)}};
    bool timed = call_record_wanted(worker), answered = answering->command->fixed->status >= 200;
    const struct dialog_change change = {.texts = texts,
                                         .rings = timed && !answered,
                                         .answered = timed && answered,
                                         .now = worker->now,
                                         .now_ms = call_record_ms(worker)};
    return dialog_change(&worker->dialogs, answering->dialog, &change);
}

// When a call that rang is answered.
static void note_answer(struct worker *worker, const struct answering *answering)
{
    const struct dialog_change change = {
        .answered = true, .now = worker->now, .now_ms = call_record_ms(worker)};
    if (call_record_wanted(worker) && dialog_state(&worker->dialogs, answering->dialog) == DIALOG_EARLY)
        (void)dialog_change(&worker->dialogs, answering->dialog, &change);
}

static bool may_send(struct worker *worker, const struct answering *answering, enum usage_event event)
{
    uint8_t state = usage_at(&worker->ua.usages, answering->usage)->state;
    unsigned actions = usage_fsm[state][event].actions;
    return actions != 0 && !(actions & USAGE_DO_NOT_NOW);
}

static void step(struct worker *worker, const struct answering *answering, enum usage_event event)
{
    const struct ua_step taken = {
        .dialog = answering->dialog, .event = event, .status = answering->command->fixed->status};
    (void)ua_step(worker, &taken);
}

// Without a PRACK of the last one, or at the end of the numbers, there is no next.
static int number_reliable(struct worker *worker, const struct answering *answering, struct writer *lines)
{
    uint32_t rseq = usage_send_reliable(&worker->ua.usages, answering->usage,
                                        answering->description && answering->command->body.length > 0,
                                        (uint32_t)random_word(worker), worker->now);
    if (rseq == 0)
        return -EAGAIN;
    write_text(lines, "Require: 100rel\r\nRSeq: ");
    write_number(lines, rseq);
    write_text(lines, "\r\n");
    return 0;
}

// Its number was taken, but it did not go: as if it had not been.
static void unnumber(struct worker *worker, const struct answering *answering, const struct usage *before)
{
    struct usage *usage = usage_at(&worker->ua.usages, answering->usage);
    usage->flags = before->flags;
    usage->rseq = before->rseq;
    usage_disarm(&worker->ua.usages, answering->usage, USAGE_TIMER_REPEAT);
    usage_disarm(&worker->ua.usages, answering->usage, USAGE_TIMER_GIVE_UP);
}

// RFC 3262 section 3: reliably where the INVITE requires it, or where it can be and either the command or the
// configuration wants it.
static int choose_reliable(struct worker *worker, struct answering *answering)
{
    uint8_t policy = worker->rules->peers[answering->application].reliable;
    bool offered = ua_offers(&worker->kept, "100rel");
    bool asked = answering->command->fixed->flags & CHANNEL_UA_RELIABLE;
    if (asked && !offered)
        return -EOPNOTSUPP;
    answering->reliable =
        offered && (asked || policy == RELIABLE_REQUIRED || ua_requires(&worker->kept, "100rel"));
    return 0;
}

static int provisional(struct worker *worker, struct answering *answering)
{
    struct writer lines, contact;
    struct rendered rendered;
    const struct usage before = *usage_at(&worker->ua.usages, answering->usage);
    uint16_t status = answering->command->fixed->status;
    int result = choose_reliable(worker, answering);
    writer_init(&lines, worker->ua.lines, sizeof(worker->ua.lines) - 1);
    if (result == 0)
        result = give_tag(worker, answering);
    if (result == 0 && answering->reliable)
        result = number_reliable(worker, answering, &lines);
    if (result != 0)
        return result;
    worker->ua.lines[lines.used] = '\0';
    const struct ua_response response = refreshing(worker, answering, &contact);
    result = ua_response_write(worker, answering->server, &response, &rendered);
    if (result == 0 && answering->reliable &&
        usage_keep_1xx(&worker->ua.usages, answering->usage,
                       (struct usage_octets){rendered.writer.octets, rendered.writer.used}) != 0) {
        rte_pktmbuf_free(rendered.mbuf);
        result = -ENOSPC;
    }
    if (result != 0) {
        if (answering->reliable)
            unnumber(worker, answering, &before);
        return result;
    }
    if (answering->reliable && answering->description)
        (void)usage_description(&worker->ua.usages, answering->usage, OFFER_IN_RELIABLE, true);
    bool first = dialog_state(&worker->dialogs, answering->dialog) != DIALOG_CONFIRMED;
    step(worker, answering, USAGE_ON_SEND_1XX);
    struct transaction *server = server_of(worker, answering);
    if (first && !(server->flags & TRANSACTION_FLAG_RINGING))
        response_count_delay(worker, server, HISTOGRAM_POST_DIAL_DELAY);
    server->flags |= TRANSACTION_FLAG_RINGING;
    keep_contact(worker, answering);
    (void)ua_response_send(worker, answering->server, status, &rendered);
    return 0;
}

static int success(struct worker *worker, const struct answering *answering)
{
    struct writer lines, contact;
    struct rendered rendered;
    const struct session_answer session = ua_session_answer(worker, answering->application, &worker->kept);
    int result = give_tag(worker, answering);
    if (result != 0)
        return result;
    writer_init(&lines, worker->ua.lines, sizeof(worker->ua.lines) - 1);
    ua_session_write(&lines, &session);
    worker->ua.lines[lines.used] = '\0';
    const struct ua_response response = refreshing(worker, answering, &contact);
    result = ua_response_write(worker, answering->server, &response, &rendered);
    if (result != 0)
        return result;
    const struct usage_octets octets = {rendered.writer.octets, rendered.writer.used};
    if (usage_keep_2xx(&worker->ua.usages, answering->usage, octets) != 0) {
        rte_pktmbuf_free(rendered.mbuf);
        return -ENOSPC;
    }
    if (answering->description)
        (void)usage_description(&worker->ua.usages, answering->usage, OFFER_IN_2XX, true);
    bool first = dialog_state(&worker->dialogs, answering->dialog) != DIALOG_CONFIRMED;
    bool held = usage_must_hold(usage_at(&worker->ua.usages, answering->usage));
    note_answer(worker, answering);
    keep_contact(worker, answering);
    step(worker, answering, USAGE_ON_SEND_2XX);
    ua_session(worker, answering->dialog, session.terms, false);
    if (first)
        response_count_delay(worker, server_of(worker, answering), HISTOGRAM_ANSWER_TIME);
    if (held) // RFC 3262 section 3: the PRACK sends it
        rte_pktmbuf_free(rendered.mbuf);
    else
        (void)ua_response_send(worker, answering->server, answering->command->fixed->status, &rendered);
    return 0;
}

static int failure(struct worker *worker, const struct answering *answering)
{
    struct rendered rendered;
    const struct ua_response response = response_of(answering, NULL);
    int result = ua_response_write(worker, answering->server, &response, &rendered);
    if (result != 0)
        return result;
    (void)ua_response_send(worker, answering->server, response.status, &rendered);
    step(worker, answering, USAGE_ON_SEND_FAILURE);
    return 0;
}

static int respond_invite(struct worker *worker, struct answering *answering)
{
    uint16_t status = answering->command->fixed->status;
    enum usage_event event = status < 200   ? USAGE_ON_SEND_1XX
                             : status < 300 ? USAGE_ON_SEND_2XX
                                            : USAGE_ON_SEND_FAILURE;
    if (answering->usage == INDEX_NONE || ua_invite(worker, answering->usage) != answering->server ||
        !may_send(worker, answering, event))
        return -EPROTO;
    if (event == USAGE_ON_SEND_1XX)
        return provisional(worker, answering);
    return event == USAGE_ON_SEND_2XX ? success(worker, answering) : failure(worker, answering);
}

// RFC 3311 5.2: a 2xx moves the peer's target, sets the session, and answers the offer; whatever it is, the
// next may come. The request is in worker->kept.
static void settle_update(struct worker *worker, const struct answering *answering,
                          const struct session_answer *session)
{
    struct usages *usages = &worker->ua.usages;
    if (answering->dialog == INDEX_NONE || answering->usage == INDEX_NONE)
        return;
    if (answering->command->fixed->status < 300) {
        if (answering->description)
            (void)usage_description(usages, answering->usage, OFFER_IN_UPDATE_2XX, true);
        ua_target(worker, answering->dialog, &worker->kept);
        ua_session(worker, answering->dialog, session->terms, false);
    }
    usage_update_done(usages, answering->usage, false);
}

// RFC 4320 4.1: no 1xx but a 100, which is ours.
static int respond_other(struct worker *worker, const struct answering *answering)
{
    uint16_t status = answering->command->fixed->status;
    uint8_t method = server_of(worker, answering)->method;
    struct session_answer session = {0};
    struct writer lines, contact;
    struct rendered rendered;
    if (status < 200)
        return -EPROTO;
    writer_init(&lines, worker->ua.lines, sizeof(worker->ua.lines) - 1);
    if (method == METHOD_UPDATE && status < 300) {
        session = ua_session_answer(worker, answering->application, &worker->kept);
        ua_session_write(&lines, &session);
    }
    worker->ua.lines[lines.used] = '\0';
    bool refreshes = status < 300 && (method == METHOD_UPDATE || method == METHOD_SUBSCRIBE ||
                                      method == METHOD_REFER || method == METHOD_NOTIFY);
    const struct ua_response response =
        refreshes ? refreshing(worker, answering, &contact) : response_of(answering, worker->ua.lines);
    int result = ua_response_write(worker, answering->server, &response, &rendered);
    if (result != 0)
        return result;
    if (refreshes)
        keep_contact(worker, answering);
    if (method == METHOD_UPDATE)
        settle_update(worker, answering, &session);
    else if (method == METHOD_PRACK && status < 300 && answering->description &&
             answering->usage != INDEX_NONE)
        (void)usage_description(&worker->ua.usages, answering->usage, OFFER_IN_PRACK_2XX, true);
    (void)ua_response_send(worker, answering->server, status, &rendered);
    if (answering->dialog != INDEX_NONE)
        ua_rest(worker, answering->dialog);
    return 0;
}

int ua_respond(struct worker *worker, struct ua_command *command)
{
    const struct transaction *server = transaction_at(&worker->transactions, command->transaction);
    struct ua_kept kept;
    struct answering answering = {.command = command,
                                  .server = command->transaction,
                                  .dialog = INDEX_NONE,
                                  .usage = INDEX_NONE,
                                  .description = command->fixed->flags & CHANNEL_UA_DESCRIPTION};
    if (command->fixed->status <= 100)
        return -EINVAL;
    if (server->kind != TRANSACTION_INVITE_SERVER && server->kind != TRANSACTION_SERVER)
        return -ENOENT;
    if (server->state != TRANSACTION_PROCEEDING && server->state != TRANSACTION_TRYING)
        return -EPROTO;
    if (!ua_request_kept(worker, answering.server, &kept))
        return -ENOENT;
    answering.application = kept.application;
    if (server->dialog != INDEX_NONE &&
        dialog_at(&worker->dialogs, server->dialog)->generation == server->dialog_generation) {
        answering.dialog = server->dialog;
        answering.usage = ua_usage_awake(worker, server->dialog);
    }
    command->dialog = answering.dialog;
    return server->kind == TRANSACTION_INVITE_SERVER ? respond_invite(worker, &answering)
                                                     : respond_other(worker, &answering);
}
