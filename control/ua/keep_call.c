// SPDX-License-Identifier: BSD-3-Clause
// Calls over a restart of control (keep.h). What the data plane has is not written twice: it is asked for the
// dialogs (resume.c), and what it has not any more is over. A request that waits for our answer and an INVITE
// of ours that waits for theirs are known by the data plane's handle and our tag, which both outlive control.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../log.h"
#include "ua.h"

enum {
    FLAG_CALLEE = 1,
    FLAG_UPDATES = 2,
    FLAG_REFERRED = 4,
    FLAG_REFERS = 8,
    FLAG_SUBSCRIBES = 16,
};

static uint64_t flags_of(const struct ua_call *call)
{
    return (call->callee ? FLAG_CALLEE : 0) | (call->updates ? FLAG_UPDATES : 0) |
           (call->referred ? FLAG_REFERRED : 0) | (call->refers ? FLAG_REFERS : 0) |
           (call->subscribes ? FLAG_SUBSCRIBES : 0);
}

// Unix time; 0: none.
static uint64_t limit_of(const struct ua_call *call)
{
    struct timeval at;
    if (!call->limit || !event_pending(call->limit, EV_TIMEOUT, &at))
        return 0;
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_usec / 1000;
}

void ua_call_keep(struct ua *ua, const struct ua_call *call)
{
    struct keep_writer *writer = keep_begin(ua->keep);
    const struct ua_sent *placing = call->state < CHANNEL_DIALOG_CONFIRMED ? call->placing : NULL;
    if (!writer || call->untold)
        return;
    keep_number(writer, call->app->number);
    keep_text(writer, call->app->name);
    keep_number(writer, call->by_handle.key);
    keep_number(writer, call->by_number.key);
    keep_number(writer, call->created_ms);
    keep_number(writer, call->active_ms);
    keep_number(writer, call->peer);
    keep_number(writer, call->state);
    keep_number(writer, call->ender);
    keep_number(writer, call->transfers);
    keep_number(writer, flags_of(call));
    keep_text(writer, call->context);
    keep_text(writer, call->user);
    keep_text(writer, call->password);
    keep_text(writer, call->realm);
    keep_octets(writer, call->description, call->description_length);
    keep_octets(writer, call->history, call->changes * sizeof(call->history[0]));
    keep_number(writer, call->invite ? call->invite->node.key : 0);
    keep_number(writer, call->invite ? call->invite->replaces : 0);
    keep_number(writer, placing ? placing->order->tag : 0);
    keep_number(writer, placing ? placing->name : 0);
    keep_text(writer, placing ? placing->label : NULL);
    keep_number(writer, limit_of(call));
    keep_put(ua->keep, KEEP_CALL, call->by_id.key);
}

struct ua_app *ua_app_kept(struct ua *ua, struct keep_reader *reader)
{
    char name[NAME_SIZE];
    uint64_t number = keep_read_number(reader);
    keep_read_into(reader, name, sizeof(name));
    struct ua_app *app = number < PEERS_MAX && !reader->bad ? ua_app_at(ua, (uint16_t)number) : NULL;
    return app && strcmp(app->name, name) == 0 ? app : NULL;
}

static bool is_state(uint64_t state)
{
    return state >= CHANNEL_DIALOG_NONE && state <= CHANNEL_DIALOG_TERMINATED;
}

static void read_history(struct ua_call *call, struct keep_reader *reader)
{
    size_t length;
    struct ua_change *history = keep_read_octets(reader, &length);
    for (size_t i = 0; history && i < length / sizeof(*history) && i < UA_HISTORY; i++)
        if (is_state(history[i].from) && is_state(history[i].to) && history[i].reason < UA_REASONS)
            call->history[call->changes++] = history[i];
    free(history);
}

static void wait_again(struct ua *ua, struct ua_call *call, uint64_t limit_ms)
{
    uint64_t now = ua_unix_ms(), left_ms = limit_ms > now ? limit_ms - now : 0;
    if (limit_ms != 0 && call->placing)
        ua_call_limit(ua, call, left_ms > 0 ? left_ms : 1);
}

// What is under way: our INVITE, or theirs.
static void read_under_way(struct ua *ua, struct ua_call *call, struct keep_reader *reader)
{
    const struct channel_ua_event asked = {.transaction = keep_read_number(reader)};
    uint64_t replaces = keep_read_number(reader);
    struct ua_before before = {
        .purpose = UA_FOR_CALL, .app = call->app, .call = call, .tag = keep_read_number(reader)};
    before.name = keep_read_number(reader);
    keep_read_into(reader, before.label, sizeof(before.label));
    uint64_t limit_ms = keep_read_number(reader);
    if (reader->bad || call->state >= CHANNEL_DIALOG_CONFIRMED)
        return;
    if (asked.transaction && (call->invite = ua_request_begin(ua, &asked, call->app, call))) {
        snprintf(call->invite->method, sizeof(call->invite->method), "INVITE");
        call->invite->replaces = replaces;
    }
    if (before.tag && (call->placing = ua_sent_before(ua, &before)))
        wait_again(ua, call, limit_ms);
}

static void take(void *context, uint64_t id, struct keep_reader *reader)
{
    struct ua *ua = context;
    size_t length;
    struct ua_app *app = ua_app_kept(ua, reader);
    uint64_t handle = keep_read_number(reader), number = keep_read_number(reader);
    struct ua_call *call = app && id && handle && !reader->bad ? ua_call_begin(ua, app, id, number) : NULL;
    if (!call) {
        keep_drop(ua->keep, KEEP_CALL, id);
        return;
    }
    if (handle != id)
        ua_call_rename(ua, call, handle);
    call->created_ms = keep_read_number(reader);
    call->active_ms = keep_read_number(reader);
    call->peer = (uint16_t)keep_read_number(reader);
    uint64_t state = keep_read_number(reader), ender = keep_read_number(reader);
    call->state = is_state(state) ? (uint8_t)state : CHANNEL_DIALOG_NONE;
    call->ender = (ender <= UA_BY_TIMEOUT ? (uint8_t)ender : UA_BY_NOBODY) & 15;
    call->transfers = (uint8_t)keep_read_number(reader);
    uint64_t flags = keep_read_number(reader);
    call->callee = (flags & FLAG_CALLEE) != 0;
    call->updates = (flags & FLAG_UPDATES) != 0;
    call->referred = (flags & FLAG_REFERRED) != 0;
    call->refers = (flags & FLAG_REFERS) != 0;
    call->subscribes = (flags & FLAG_SUBSCRIBES) != 0;
    call->context = keep_read_text(reader);
    call->user = keep_read_text(reader);
    call->password = keep_read_text(reader);
    call->realm = keep_read_text(reader);
    call->description = keep_read_octets(reader, &length);
    call->description_length = (uint32_t)length;
    read_history(call, reader);
    read_under_way(ua, call, reader);
    if (call->callee && (call->invite || call->state == CHANNEL_DIALOG_CONFIRMED) &&
        ua_automatic_begin(ua, call) && call->state == CHANNEL_DIALOG_CONFIRMED)
        ua_automatic_answered(ua, call);
}

// --- whose records they are ---

// Dialogs, handles and clocks are of one boot of the machine.
static void read_machine(char id[64])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(id, 64, file))
        snprintf(id, 64, "unknown");
    id[strcspn(id, "\n")] = '\0';
    if (file)
        fclose(file);
}

struct about {
    char machine[64];
    uint64_t boot;
};

static void take_about(void *context, uint64_t id, struct keep_reader *reader)
{
    struct about *about = context;
    keep_read_into(reader, about->machine, sizeof(about->machine));
    about->boot = keep_read_number(reader);
}

static void take_taken(void *context, uint64_t id, struct keep_reader *reader)
{
    struct ua *ua = context;
    ua->taken_boot = keep_read_number(reader);
    ua->taken = keep_read_number(reader);
}

void ua_keep_boot(struct ua *ua)
{
    char machine[64];
    struct keep_writer *writer = keep_begin(ua->keep);
    if (!writer)
        return;
    read_machine(machine);
    keep_text(writer, machine);
    keep_number(writer, ua->boot);
    keep_put(ua->keep, KEEP_ABOUT, 0);
}

void ua_keep_start(struct ua *ua)
{
    struct about about = {.machine = ""};
    char machine[64];
    if (ua->tried_to_keep)
        return;
    ua->tried_to_keep = true;
    ua->keep = keep_open(ua->control->base, ua->control->state_directory);
    read_machine(machine);
    keep_each(ua->keep, KEEP_ABOUT, take_about, &about);
    ua->same_machine = strcmp(machine, about.machine) == 0;
    if (!ua->same_machine) {
        keep_drop_all(ua->keep, KEEP_CALL);
        keep_drop_all(ua->keep, KEEP_INVITE);
        keep_drop_all(ua->keep, KEEP_REQUEST);
        keep_drop_all(ua->keep, KEEP_TRANSFER);
        keep_drop_all(ua->keep, KEEP_REFERRAL);
        keep_drop_all(ua->keep, KEEP_OPERATOR);
        keep_drop_all(ua->keep, KEEP_TAKEN);
    }
    keep_each(ua->keep, KEEP_TAKEN, take_taken, ua);
    ua->boot = ua->same_machine ? about.boot : 0;
    ua_keep_boot(ua);
    keep_each(ua->keep, KEEP_CALL, take, ua);
    ua_invites_take(ua);
    ua_requests_take(ua);
    ua_registrations_take(ua);
    keep_commit(ua->keep);
    if (!LIST_EMPTY(&ua->calls) || !LIST_EMPTY(&ua->registrations))
        log_event(LEVEL_INFO, "applications_kept", "calls=%u registrations=%s", ua->ids.count,
                  LIST_EMPTY(&ua->registrations) ? "no" : "yes");
}
