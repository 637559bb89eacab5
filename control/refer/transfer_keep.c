// SPDX-License-Identifier: BSD-3-Clause
// Transfers over a restart of control (control/ua/keep.h). A record is written before anything of it is sent,
// so that no NOTIFY is owed that nobody knows of. What is taken up stands still until the calls are as the
// data plane has them (`resumed`); then each is told on, or ended by a last NOTIFY.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "operator.h"
#include "referral.h"
#include "transfer.h"

#define NUMBERS 30u

void transfer_keep(struct ua *ua, const struct transfer *transfer)
{
    const struct refer *refer = &transfer->refer;
    const struct refer_ask *ask = &transfer->ask;
    struct keep_writer *writer = keep_begin(ua->keep);
    if (!writer)
        return;
    const uint64_t numbers[NUMBERS] = {refer->state,
                                       refer->notifies,
                                       refer->status,
                                       refer->last,
                                       refer->due,
                                       refer->out,
                                       refer->ran_out,
                                       refer->named,
                                       refer->cseq,
                                       refer->until_ms,
                                       refer->life_ms,
                                       transfer->dialog,
                                       transfer->sent,
                                       transfer->request,
                                       transfer->target,
                                       transfer->invite,
                                       transfer->to_peer,
                                       transfer->ours,
                                       transfer->program,
                                       transfer->alone,
                                       transfer->refusal,
                                       transfer->depth,
                                       transfer->cseq,
                                       ask->method,
                                       ask->silent | ask->sip << 1,
                                       transfer->outside,
                                       transfer->peer,
                                       transfer->member,
                                       transfer->their_cseq,
                                       ip_ipv4(&transfer->source)};
    const char *const texts[] = {transfer->call_id, transfer->uri,    transfer->from,   transfer->from_tag,
                                 transfer->to,      transfer->routes, ask->uri,         ask->user,
                                 ask->host,         ask->replaces,    ask->referred_by, transfer->reason,
                                 transfer->label};
    keep_number(writer, transfer->app->number);
    keep_text(writer, transfer->app->name);
    for (unsigned i = 0; i < NUMBERS; i++)
        keep_number(writer, numbers[i]);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        keep_text(writer, texts[i]);
    keep_octets(writer, &transfer->source, sizeof(transfer->source)); // IPv6 too
    keep_put(ua->keep, KEEP_TRANSFER, transfer->id);
}

static void read_numbers(struct transfer *transfer, struct keep_reader *reader)
{
    struct refer *refer = &transfer->refer;
    uint64_t n[NUMBERS];
    for (unsigned i = 0; i < NUMBERS; i++)
        n[i] = keep_read_number(reader);
    *refer = (struct refer){.state = n[0] > REFER_FREE && n[0] < REFER_STATES ? (uint8_t)n[0] : REFER_OVER,
                            .notifies = (uint8_t)n[1],
                            .status = (uint16_t)n[2],
                            .last = n[3] != 0,
                            .due = n[4] != 0,
                            .out = n[5] != 0,
                            .ran_out = n[6] != 0,
                            .named = n[7] != 0,
                            .cseq = (uint32_t)n[8],
                            .until_ms = n[9],
                            .life_ms = n[10]};
    transfer->dialog = n[11];
    transfer->sent = n[12];
    transfer->request = n[13];
    transfer->target = n[14];
    transfer->invite = n[15];
    transfer->to_peer = (uint16_t)n[16];
    transfer->ours = n[17] != 0;
    transfer->program = n[18] != 0;
    transfer->alone = n[19] != 0;
    transfer->refusal = (uint16_t)n[20];
    transfer->depth = (uint8_t)n[21];
    transfer->cseq = (uint32_t)n[22];
    transfer->ask.method = (uint8_t)n[23];
    transfer->ask.silent = (n[24] & 1) != 0;
    transfer->ask.sip = (n[24] & 2) != 0;
    transfer->outside = n[25] != 0;
    transfer->peer = (uint16_t)n[26];
    transfer->member = (uint16_t)n[27];
    transfer->their_cseq = (uint32_t)n[28];
    transfer->source = ip_from_ipv4((uint32_t)n[29]);
}

static void read_texts(struct transfer *transfer, struct keep_reader *reader)
{
    struct refer_ask *ask = &transfer->ask;
    char **const texts[] = {&transfer->call_id,  &transfer->uri, &transfer->from,
                            &transfer->from_tag, &transfer->to,  &transfer->routes};
    const struct {
        char *text;
        size_t size;
    } fields[] = {{ask->uri, sizeof(ask->uri)},
                  {ask->user, sizeof(ask->user)},
                  {ask->host, sizeof(ask->host)},
                  {ask->replaces, sizeof(ask->replaces)},
                  {ask->referred_by, sizeof(ask->referred_by)},
                  {transfer->reason, sizeof(transfer->reason)},
                  {transfer->label, sizeof(transfer->label)}};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = keep_read_text(reader);
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        keep_read_into(reader, fields[i].text, fields[i].size);
}

// The REFER that waits for our answer, or for theirs.
static void take_under_way(struct ua *ua, struct transfer *transfer)
{
    struct ua_call *call = transfer->outside ? NULL : ua_call_by_id(ua, transfer->dialog);
    const struct ua_before before = {.purpose = UA_FOR_REQUEST,
                                     .app = transfer->app,
                                     .call = call,
                                     .tag = transfer->sent,
                                     .name = transfer->sent};
    const struct channel_ua_event event = {.transaction = transfer->request};
    if (!call && !transfer->outside)
        return;
    if (transfer->request)
        (void)ua_request_begin(ua, &event, transfer->app, call);
    else if (transfer->sent &&
             (transfer->refer.state == REFER_SENDING || transfer->refer.state == REFER_ENDED))
        (void)ua_sent_before(ua, &before);
}

static void take(void *context, uint64_t id, struct keep_reader *reader)
{
    struct ua *ua = context;
    struct transfers *transfers = &ua->control->transfers;
    struct ua_app *app = ua_app_kept(ua, reader);
    struct transfer *transfer = app && transfers->count < TRANSFERS_MAX ? calloc(1, sizeof(*transfer)) : NULL;
    if (!transfer) {
        keep_drop(ua->keep, KEEP_TRANSFER, id);
        return;
    }
    transfer->id = id;
    transfer->app = app;
    transfer->kept = true;
    read_numbers(transfer, reader);
    read_texts(transfer, reader);
    keep_read_address(reader, &transfer->source);
    LIST_INSERT_HEAD(&transfers->list, transfer, link);
    transfers->count++;
    take_under_way(ua, transfer);
}

void transfers_take(struct ua *ua)
{
    keep_each(ua->keep, KEEP_TRANSFER, take, ua);
    operators_take(ua->control);
    referrals_take(ua->control); // which of them go on is known now
}

// What became of the call that it asks for. 0: nothing yet, or the program says.
static unsigned outcome_of(struct ua *ua, struct transfer *transfer)
{
    const struct ua_call *target = transfer->target ? ua_call_by_id(ua, transfer->target) : NULL;
    bool carried = transfer->refer.state == REFER_CARRIED || transfer->refer.state == REFER_SILENT;
    if (!carried || transfer->program)
        return 0;
    unsigned status = !target                                     ? 503
                      : target->state == CHANNEL_DIALOG_CONFIRMED ? 200
                      : target->placing                           ? 0
                                                                  : 503;
    if (status)
        snprintf(transfer->reason, sizeof(transfer->reason), "%s",
                 status == 200 ? "OK" : "Service Unavailable");
    return status;
}

// Our answer to a REFER outside dialogs is under way: without its tag there is no dialog to notify in.
static bool has_no_dialog(const struct transfer *transfer)
{
    return transfer->outside && !transfer->ours && !transfer->from_tag &&
           transfer->refer.state != REFER_ASKED;
}

static void revive(struct ua *ua, struct transfer *transfer)
{
    uint64_t now = clock_ms();
    transfer->kept = false;
    if (transfer->refer.state == REFER_OVER) { // a record that is none
        transfer_act(ua, transfer, REFER_DO_FORGET);
    } else if (has_no_dialog(transfer)) {
        transfer->refer.status = 503;
        transfer_respond(ua, transfer, 480);
        transfer_act(ua, transfer, REFER_DO_TELL | REFER_DO_END | REFER_DO_FORGET);
    } else if (transfer->refer.state == REFER_ASKED) { // who was asked is gone with the connection
        transfer->refusal = 480;
        transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_REFUSE, 0, now) | REFER_DO_TELL);
    } else {
        if (transfer->request) // perhaps it has had its answer, and the data plane says so
            transfer_respond(ua, transfer, 200);
        transfer->request = 0;
        // The data plane tells an answer, or that there is none, within 64*T1; or it could not keep it.
        if (transfer->refer.state == REFER_SENDING && transfer->refer.life_ms > now + REFER_LAST_MS)
            transfer->refer.life_ms = now + REFER_LAST_MS;
        transfer_act(ua, transfer, refer_revive(&transfer->refer, outcome_of(ua, transfer), now));
    }
}

// The data plane was started anew: what waits there for an answer of ours, or of theirs, is gone.
void transfers_restarted(struct ua *ua)
{
    struct transfer *transfer;
    operators_restarted(ua->control);
    LIST_FOREACH(transfer, &ua->control->transfers.list, link)
    if (!transfer->ours)
        transfer->kept = true;
}

void transfers_resumed(struct ua *ua)
{
    struct transfer *transfer, *next;
    for (transfer = LIST_FIRST(&ua->control->transfers.list); transfer; transfer = next) {
        next = LIST_NEXT(transfer, link);
        if (transfer->kept)
            revive(ua, transfer);
    }
}
