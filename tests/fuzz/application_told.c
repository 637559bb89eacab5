// SPDX-License-Identifier: BSD-3-Clause
#include "application_told.h"

#include <string.h>
#include "dialgate/channel.h"
#include "sip_check.h"

void told_begin(struct told *told)
{
    memset(told, 0, sizeof(*told));
}

uint64_t told_command(struct told *told, enum channel_ua_op op, uint64_t dialog)
{
    CHECK(told->commands_count < TOLD_ROWS);
    struct told_command *row = &told->commands[told->commands_count++];
    *row = (struct told_command){.op = (uint8_t)op, .in_dialog = dialog != 0, .dialog = dialog};
    return told->commands_count;
}

static struct told_dialog *dialog_row(struct told *told, uint64_t handle)
{
    for (uint32_t i = 0; i < told->dialogs_count; i++) {
        if (told->dialogs[i].handle == handle)
            return &told->dialogs[i];
    }
    CHECK(told->dialogs_count < TOLD_ROWS);
    struct told_dialog *row = &told->dialogs[told->dialogs_count++];
    *row = (struct told_dialog){.handle = handle};
    return row;
}

static struct told_request *request_row(struct told *told, uint64_t handle)
{
    for (uint32_t i = 0; i < told->requests_count; i++) {
        if (told->requests[i].handle == handle)
            return &told->requests[i];
    }
    return NULL;
}

static void on_done(struct told *told, const struct channel_ua_event *event)
{
    struct told_command *row = &told->commands[event->tag - 1];
    CHECK(!row->done && event->result <= 0);
    row->done = true;
    row->result = event->result;
    if (event->result != 0 || event->dialog == 0)
        return;
    struct told_dialog *dialog = dialog_row(told, event->dialog);
    row->dialog = event->dialog;
    if (row->op == CHANNEL_UA_INVITE)
        dialog->application = true;
    if (row->op == CHANNEL_UA_RELEASE)
        dialog->released = true;
}

static void on_answered(struct told *told, const struct channel_ua_event *event)
{
    struct told_command *row = &told->commands[event->tag - 1];
    bool invite = row->op == CHANNEL_UA_INVITE;
    CHECK(invite || row->op == CHANNEL_UA_REQUEST || row->op == CHANNEL_UA_REFER);
    CHECK(!row->done || row->result == 0); // nothing more comes of a refused one
    CHECK(event->status >= 100 && event->status <= CHANNEL_STATUS_MAX);
    if (event->status < 200)
        return;
    row->finals++;
    // Each 2xx of a fork is one of its own (RFC 3261 13.2.2.4).
    CHECK(row->finals == 1 || invite);
}

static void on_request(struct told *told, const struct channel_ua_event *event)
{
    if (event->transaction == 0)
        return;
    CHECK(request_row(told, event->transaction) == NULL);
    CHECK(told->requests_count < TOLD_ROWS);
    told->requests[told->requests_count++] = (struct told_request){.handle = event->transaction};
}

static void on_cancelled(struct told *told, const struct channel_ua_event *event)
{
    struct told_request *row = request_row(told, event->transaction);
    CHECK(row != NULL || told->deaf);
    if (row == NULL)
        return;
    CHECK(!row->cancelled);
    row->cancelled = true;
}

static void on_state(struct told *told, const struct channel_ua_event *event)
{
    struct told_dialog *row = dialog_row(told, event->dialog);
    CHECK(event->dialog != 0 && !row->ended && !row->released);
    row->application = true;
    row->ended = event->state == CHANNEL_DIALOG_TERMINATED;
}

void told_event(struct told *told, const struct channel_ua_event *event)
{
    CHECK(event->kind > CHANNEL_UA_NO_EVENT && event->kind < CHANNEL_UA_KINDS);
    CHECK((event->flags & ~CHANNEL_UA_EVENT_FLAGS) == 0 && event->state <= CHANNEL_DIALOG_TERMINATED);
    CHECK(event->tag <= told->commands_count);
    // A BYE that is challenged is told, also when no command asked for it.
    bool challenged = event->kind == CHANNEL_UA_ANSWERED && (event->status == 401 || event->status == 407);
    CHECK(event->tag != 0 || challenged ||
          (event->kind != CHANNEL_UA_DONE && event->kind != CHANNEL_UA_ANSWERED));
    if (event->tag == 0 && challenged)
        return;
    switch (event->kind) {
    case CHANNEL_UA_DONE:
        on_done(told, event);
        break;
    case CHANNEL_UA_ANSWERED:
        on_answered(told, event);
        break;
    case CHANNEL_UA_CALL:
        CHECK(event->transaction != 0 && event->dialog != 0);
        dialog_row(told, event->dialog)->application = true;
        on_request(told, event);
        break;
    case CHANNEL_UA_ASKED:
        on_request(told, event);
        break;
    case CHANNEL_UA_CANCELLED:
        on_cancelled(told, event);
        break;
    case CHANNEL_UA_STATE:
        on_state(told, event);
        break;
    case CHANNEL_UA_REFERRAL:
        break;
    default:
        CHECK(event->dialog != 0);
    }
}

void told_end(const struct told *told)
{
    if (told->deaf)
        return;
    bool released = false;
    for (uint32_t i = 0; i < told->dialogs_count; i++) {
        const struct told_dialog *row = &told->dialogs[i];
        CHECK(!row->application || row->ended || row->released);
        released = released || row->released;
    }
    for (uint32_t i = 0; i < told->commands_count; i++) {
        const struct told_command *row = &told->commands[i];
        CHECK(row->done);
        // RFC 3261 9.1: a cancelled INVITE without a response is over 64*T1 later; its dialog's end says so.
        bool waits = row->op == CHANNEL_UA_REQUEST;
        CHECK(!waits || row->result != 0 || row->finals > 0 || released);
    }
}
