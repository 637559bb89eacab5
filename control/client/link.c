// SPDX-License-Identifier: BSD-3-Clause
// Attached to the application, lost, and attached again. Behind a restart of dialgate-control the stream of
// events is another one, and control asks the data plane for the dialogs first: when it says `resumed` they
// are listed, and what is not there any more has ended.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire.h"

#define DELAY_FIRST_MS 50u
#define DELAY_MAX_MS   2000u
#define PAGE           1000

static void attach(struct dg_agent *agent);

void link_lost(struct dg_agent *agent, const char *why)
{
    bool was = agent->link == LINK_UP;
    agent->link = LINK_DOWN;
    agent->listing = agent->again = false;
    wire_shut(agent, DG_CLOSED, why);
    if (agent->closed)
        return;
    if (was) {
        agent_log(agent, "disconnected: %s", why);
        event_plain(agent, DG_EVENT_DISCONNECTED, 0);
        agent->delay_ms = 0;
    }
    agent->delay_ms = agent->delay_ms ? agent->delay_ms * 2 : DELAY_FIRST_MS;
    agent->delay_ms = agent->delay_ms < DELAY_MAX_MS ? agent->delay_ms : DELAY_MAX_MS;
    wire_retry_in(agent, agent->delay_ms);
    pthread_cond_broadcast(&agent->changed);
}

void link_retry(struct dg_agent *agent)
{
    int result = agent->closed ? -ECANCELED : wire_connect(agent);
    if (result == 0)
        attach(agent);
    else
        link_lost(agent, strerror(-result));
}

bool link_set_round(struct dg_dialog *dialog)
{
    bool changed = dialog->round != dialog->agent->round;
    dialog->round = dialog->agent->round;
    return changed;
}

// Those that the list did not have.
static void sweep(struct dg_agent *agent)
{
    struct node *node, *next;
    for (node = table_next(&agent->dialogs, NULL); node; node = next) {
        next = table_next(&agent->dialogs, node);
        struct dg_dialog *dialog = TABLE_OF(node, dg_dialog);
        if (dialog->round != agent->round)
            event_ended(dialog, "lost");
    }
}

static void ask_page(struct dg_agent *agent, const char *after);

static void on_page(struct dg_agent *agent, struct rpc *rpc)
{
    const json_t *rows = json_object_get(rpc->result, "dialogs");
    const char *after = json_string_value(json_object_get(rpc->result, "after"));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct dg_dialog *dialog =
            *line_id(row, "dialog") ? handle_dialog(agent, line_id(row, "dialog")) : NULL;
        if (!dialog)
            continue;
        dialog->state = event_state(line_text(row, "state"));
        dialog->callee = strcmp(line_text(row, "role"), "server") == 0;
        link_set_round(dialog);
    }
    if (rpc->code == DG_OK && after) {
        ask_page(agent, after);
    } else {
        agent->listing = false;
        if (rpc->code == DG_OK)
            sweep(agent);
        if (agent->again && agent->link == LINK_UP)
            link_sync(agent);
        else if (rpc->code == DG_OK)
            event_plain(agent, DG_EVENT_RESUMED, 0);
    }
    rpc_fini(rpc);
    free(rpc);
}

static void ask_page(struct dg_agent *agent, const char *after)
{
    struct rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc)
        rpc->take = on_page;
    agent->listing = rpc && wire_send(agent, rpc, "ua.list",
                                      json_pack("{s:s, s:i, s:s*}", "application", agent->application,
                                                "limit", PAGE, "after", after)) == DG_OK;
    if (!agent->listing)
        free(rpc);
}

void link_sync(struct dg_agent *agent)
{
    agent->again = agent->listing; // what is on its way may be older than what made us ask
    if (agent->listing)
        return;
    agent->round++;
    ask_page(agent, NULL);
}

static void on_attached(struct dg_agent *agent, struct rpc *rpc)
{
    const char *stream = line_id(rpc->result, "stream");
    bool first = agent->stream[0] == '\0';
    bool stale = !first && strcmp(agent->stream, stream) != 0;
    if (rpc->code == DG_OK) {
        agent->link = LINK_UP;
        agent->delay_ms = 0;
        snprintf(agent->stream, sizeof(agent->stream), "%s", stream);
        if (first || stale) {
            uint64_t next = line_number(rpc->result, "next");
            agent->number = next ? next - 1 : 0;
        }
        agent_log(agent, "attached: application=%s stream=%s", agent->application, agent->stream);
        if (first)
            link_sync(agent);
        else if (stale)
            event_plain(agent, DG_EVENT_LOST, 0);
        else
            event_plain(agent, DG_EVENT_RESUMED, 0);
    } else if (rpc->code != DG_CLOSED && !first) {
        agent_log(agent, "not attached: %s", rpc->text); // a reload may have taken the application out
        link_lost(agent, "not attached");
    }
    // link_open() reads its code.
    if (first)
        return;
    rpc_fini(rpc);
    free(rpc);
}

static json_t *attach_params(const struct dg_agent *agent)
{
    json_t *params = json_pack("{s:s}", "application", agent->application);
    if (agent->stream[0]) {
        json_object_set_new(params, "stream", json_string(agent->stream));
        json_object_set_new(params, "since", json_integer((json_int_t)agent->number));
    }
    return params;
}

static void attach(struct dg_agent *agent)
{
    struct rpc *rpc = calloc(1, sizeof(*rpc));
    agent->link = LINK_ATTACHING;
    if (rpc)
        rpc->take = on_attached;
    if (rpc && wire_send(agent, rpc, "ua.attach", attach_params(agent)) == DG_OK)
        return;
    free(rpc);
    link_lost(agent, "no memory");
}

static enum dg_code code_of(int cause)
{
    return cause == EACCES || cause == EPERM ? DG_PERMISSION
           : cause == EAGAIN                 ? DG_TIMEOUT
           : cause == ENAMETOOLONG           ? DG_BAD_ARGUMENT
           : cause == ENOMEM                 ? DG_NO_MEMORY
                                             : DG_NOT_CONNECTED;
}

// A Unix socket does not tell when there is room for one more that waits to be accepted (EAGAIN).
static int connect_first(struct dg_agent *agent, int64_t deadline_ms)
{
    const struct timespec step = {.tv_nsec = 10000000};
    int result;
    while ((result = wire_connect(agent)) == -EAGAIN && wire_now_ms() < deadline_ms)
        nanosleep(&step, NULL);
    return result;
}

enum dg_code link_open(struct dg_agent *agent, struct dg_error *error)
{
    int64_t deadline_ms = wire_deadline(agent->timeout_ms);
    int result = connect_first(agent, deadline_ms);
    struct rpc rpc = {.take = on_attached};
    if (result < 0)
        return agent_fail(error, code_of(-result), "%s: %s; %s", agent->socket, strerror(-result),
                          dg_code_text(code_of(-result)));
    agent->link = LINK_ATTACHING;
    enum dg_code code = wire_send(agent, &rpc, "ua.attach", attach_params(agent));
    while (code == DG_OK && (!rpc.finished || agent->listing))
        if (!wire_turn(agent, deadline_ms))
            code = DG_TIMEOUT;
    if (code != DG_OK)
        wire_forget(agent, &rpc);
    else
        code = rpc.code;
    if (code != DG_OK)
        agent_fail(error, code, "%s", rpc.text[0] ? rpc.text : dg_code_text(code));
    rpc_fini(&rpc);
    return code;
}
