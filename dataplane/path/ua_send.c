// SPDX-License-Identifier: BSD-3-Clause
#include "ua_send.h"

#include <errno.h>
#include "media_type.h"
#include "session_expires.h"

void ua_own(struct worker *worker, uint32_t client, uint64_t tag)
{
    transaction_at(&worker->transactions, client)->ua = true;
    worker->ua.tags[client] = tag;
}

// 22.1: who asked for them at the INVITE asks at the ACK, and cannot ask for it to come again.
static struct dialog_string credentials_of(struct worker *worker, uint32_t invite)
{
    static const enum sip_header kinds[] = {HEADER_AUTHORIZATION, HEADER_PROXY_AUTHORIZATION};
    struct writer writer;
    writer_init(&writer, worker->restored[1], sizeof(worker->restored[1]));
    const struct transaction *client =
        invite == INDEX_NONE ? NULL : transaction_at(&worker->transactions, invite);
    if (client == NULL || client->kept == ARENA_NONE ||
        message_parse(arena_at(&worker->arena, client->kept), client->kept_length, &worker->kept) !=
            MESSAGE_FINE)
        return (struct dialog_string){"", 0};
    const struct message *message = &worker->kept;
    for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
        for (uint8_t field = message_first_header(message, kinds[i]); field != MESSAGE_NO_HEADER;
             field = message_next_header(message, field))
            write_span(&writer, message, message->headers[field].line);
    }
    return (struct dialog_string){writer.octets, writer.overflow ? 0 : writer.used};
}

static enum dialog_side far_side(const struct worker *worker, uint32_t dialog)
{
    enum dialog_side ours = DIALOG_CALLER;
    (void)ua_side(worker, dialog, &ours);
    return 1 - ours;
}

int ua_send_new_ack(struct worker *worker, uint32_t dialog, uint32_t cseq, const struct inside_asked *asked)
{
    uint32_t usage = ua_usage_awake(worker, dialog);
    struct inside_asked with = asked != NULL ? *asked : (struct inside_asked){.body = {"", 0}};
    struct dialog_string credentials = credentials_of(worker, ua_invite(worker, usage));
    struct originated ack;
    // Those of the application's own are the better ones.
    if (with.headers.length == 0)
        with.headers = credentials;
    const struct inside inside = {
        .dialog = dialog, .to = far_side(worker, dialog), .method = METHOD_ACK, .cseq = cseq, .asked = &with};
    int result = originate_ack_inside(worker, &inside, &ack);
    if (result != 0)
        return result;
    // Without room a repeated 2xx gets one that is made anew.
    (void)usage_keep_ack(&worker->ua.usages, usage, cseq,
                         (struct usage_octets){ack.writer.octets, ack.writer.used});
    (void)tx_send(worker, ack.mbuf, &ack.writer, ack.to);
    return 0;
}

void ua_send_ack(struct worker *worker, const struct ua_step *step, uint32_t usage)
{
    bool answers = step->message != NULL && !step->message->is_request;
    uint32_t cseq = answers ? step->message->cseq_number : usage_at(&worker->ua.usages, usage)->invite_cseq;
    struct usage_octets kept = usage_ack(&worker->ua.usages, usage, cseq);
    if (kept.length == 0) {
        (void)ua_send_new_ack(worker, step->dialog, cseq, NULL);
        return;
    }
    struct endpoint to = originate_next_hop(worker, step->dialog, far_side(worker, step->dialog));
    if (ip_is_set(&to.address) && tx_copy(worker, kept.octets, kept.length, to) == 0)
        count(worker, COUNTER_TX_RETRANSMITTED);
}

void ua_send_cancel(struct worker *worker, const struct ua_step *step, uint32_t usage)
{
    uint32_t invite = ua_invite(worker, usage);
    if (invite != INDEX_NONE)
        originate_cancel_with(worker, invite, step->headers);
}

int ua_send_prack(struct worker *worker, uint32_t dialog, const struct inside_asked *asked, uint32_t *client)
{
    char line[64];
    struct writer writer;
    uint32_t usage = ua_usage_awake(worker, dialog);
    if (usage == INDEX_NONE)
        return -EPROTO;
    const struct usage *record = usage_at(&worker->ua.usages, usage);
    uint32_t cseq = ua_number(worker, dialog);
    if (cseq == 0)
        return -ENOSPC;
    writer_init(&writer, line, sizeof(line) - 1);
    write_text(&writer, "RAck: "); // RFC 3262 7.2
    write_number(&writer, record->rseq);
    write_text(&writer, " ");
    write_number(&writer, record->invite_cseq);
    write_text(&writer, " INVITE\r\n");
    line[writer.used] = '\0';
    const struct inside inside = {.dialog = dialog,
                                  .to = far_side(worker, dialog),
                                  .method = METHOD_PRACK,
                                  .cseq = cseq,
                                  .extra = line,
                                  .asked = asked};
    return originate_asked(worker, &inside, client);
}

// RFC 4028 section 7.4: a request inside the session says how it stands, unless the command wants it
// otherwise.
static struct session_request session_of(struct worker *worker, const struct ua_options *options)
{
    struct session_policy policy = rules_session(worker->rules, options->application, true);
    if (options->dialog != INDEX_NONE &&
        (dialog_at(&worker->dialogs, options->dialog)->flags & DIALOG_FLAG_SESSION)) {
        const struct dialog_cold *cold = dialog_cold(&worker->dialogs, options->dialog);
        bool theirs = dialog_refresher(cold) == far_side(worker, options->dialog);
        policy.wanted_s = cold->session_s;
        policy.refresher = theirs ? SESSION_UAS : SESSION_UAC;
    }
    if (options->wanted->session_s != 0)
        policy.wanted_s = options->wanted->session_s;
    return session_ask(&policy, options->wanted->min_se_s);
}

void ua_write_options(struct worker *worker, struct writer *writer, const struct ua_options *options)
{
    uint8_t reliable = worker->rules->peers[options->application].reliable;
    struct session_request session = session_of(worker, options);
    write_text(writer, "Supported: timer");
    if (options->invite)
        write_text(writer, reliable == RELIABLE_OFF ? ",199" : ",199,100rel");
    write_text(writer, "\r\n");
    if (options->invite && reliable == RELIABLE_REQUIRED)
        write_text(writer, "Require: 100rel\r\n");
    if (session.interval_s != 0) {
        const struct session_expires expires = {session.interval_s,
                                                (enum session_refresher)session.refresher};
        write_text(writer, "Session-Expires: ");
        write_session_expires(writer, &expires);
        write_text(writer, "\r\n");
    }
    if (session.min_se_s != 0) {
        write_text(writer, "Min-SE: ");
        write_number(writer, session.min_se_s);
        write_text(writer, "\r\n");
    }
}

bool ua_has_description(const struct message *message)
{
    struct media_type media;
    uint8_t type = message->first[HEADER_CONTENT_TYPE];
    uint8_t disposition = message_first_header(message, HEADER_CONTENT_DISPOSITION);
    if (message->body.length == 0 || type == MESSAGE_NO_HEADER ||
        media_type_read(message->octets, message->headers[type].value, &media) != 0)
        return false;
    if (span_is(message->octets, media.type, "multipart"))
        return true;
    struct span of =
        disposition == MESSAGE_NO_HEADER ? (struct span){0, 0} : message->headers[disposition].value;
    const char *semicolon = of.length == 0 ? NULL : memchr(message_at(message, of), ';', of.length);
    if (semicolon != NULL)
        of.length = (uint16_t)(semicolon - (const char *)message_at(message, of));
    while (of.length > 0 && message->octets[of.offset + of.length - 1] == ' ')
        of.length--;
    return media_type_is(message->octets, &media, "application", "sdp") &&
           (of.length == 0 || span_is(message->octets, of, "session"));
}
