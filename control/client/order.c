// SPDX-License-Identifier: BSD-3-Clause
#include "order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "wire.h"

static void fill(const struct order *order, const struct dg_options *options, struct rpc *rpc)
{
    *rpc = (struct rpc){.done = options->done,
                        .context = options->context,
                        .wants_dialog = order->makes_dialog,
                        .wants_request = order->sip != NULL,
                        .late_ack = options->late_ack};
    snprintf(rpc->method, sizeof(rpc->method), "%s", order->sip ? order->sip : "");
    snprintf(rpc->tag, sizeof(rpc->tag), "%s", options->tag ? options->tag : "");
    if (order->dialog)
        rpc->dialog = dg_dialog_ref(order->dialog);
}

// What the program gets of a call that waited.
static enum dg_code give(const struct order *order, struct rpc *rpc, struct dg_error *error)
{
    if (rpc->code != DG_OK)
        return agent_fail(error, rpc->code, "%s", rpc->text);
    if (order->new_dialog && rpc->dialog)
        *order->new_dialog = dg_dialog_ref(rpc->dialog);
    if (order->new_request && rpc->request)
        *order->new_request = dg_request_ref(rpc->request);
    if (order->result)
        *order->result = json_incref(rpc->result);
    return DG_OK;
}

static enum dg_code send_and_wait(const struct order *order, const struct dg_options *options, json_t *params,
                                  struct dg_error *error)
{
    struct dg_agent *agent = order->agent;
    int64_t deadline_ms = wire_deadline(options->timeout_ms ? options->timeout_ms : agent->timeout_ms);
    struct rpc rpc;
    fill(order, options, &rpc);
    enum dg_code code = wire_send(agent, &rpc, order->method, params);
    while (code == DG_OK && !rpc.finished)
        if (!wire_turn(agent, deadline_ms) && !rpc.finished)
            code = DG_TIMEOUT;
    if (code == DG_OK) {
        code = give(order, &rpc, error);
    } else {
        if (code == DG_TIMEOUT)
            wire_forget(agent, &rpc);
        agent_fail(error, code, "%s: %s", order->method, dg_code_text(code));
    }
    rpc_fini(&rpc);
    return code;
}

static enum dg_code send_and_go(const struct order *order, const struct dg_options *options, json_t *params,
                                struct dg_error *error)
{
    struct rpc *rpc = malloc(sizeof(*rpc));
    if (!rpc) {
        json_decref(params);
        return agent_fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
    }
    fill(order, options, rpc);
    enum dg_code code = wire_send(order->agent, rpc, order->method, params);
    if (code == DG_OK)
        return DG_OK;
    rpc_fini(rpc);
    free(rpc);
    return agent_fail(error, code, "%s: %s", order->method, dg_code_text(code));
}

enum dg_code order_do(const struct order *order, struct dg_error *error)
{
    struct dg_options options = options_read(order->options);
    struct dg_agent *agent = order->agent;
    enum dg_code code;
    if (order->new_dialog)
        *order->new_dialog = NULL;
    if (order->new_request)
        *order->new_request = NULL;
    options.retry = options.retry ? options.retry : order->retry;
    if (!order->params || !options_write(&options, order->params)) {
        json_decref(order->params);
        return agent_fail(error, DG_BAD_ARGUMENT, "%s: a text is not UTF-8, or there is no memory",
                          order->method);
    }
    pthread_mutex_lock(&agent->lock);
    if (agent->link != LINK_UP) {
        json_decref(order->params);
        code = agent->closed ? DG_CLOSED : DG_NOT_CONNECTED;
        agent_fail(error, code, "%s", dg_code_text(code));
    } else if (options.done) {
        code = send_and_go(order, &options, order->params, error);
    } else {
        code = send_and_wait(order, &options, order->params, error);
    }
    pthread_mutex_unlock(&agent->lock);
    return code;
}
