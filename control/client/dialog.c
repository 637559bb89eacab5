// SPDX-License-Identifier: BSD-3-Clause
// What a program does with a dialog, and with requests that came.
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "order.h"
#include "wire.h"

static json_t *naming(const struct dg_dialog *dialog)
{
    return json_pack("{s:s}", "dialog", dialog->node.id);
}

static enum dg_code simple(struct dg_dialog *dialog, const char *method, json_t *params,
                           const struct dg_options *options, struct dg_error *error)
{
    const struct order order = {
        .agent = dialog->agent, .dialog = dialog, .method = method, .params = params, .options = options};
    return order_do(&order, error);
}

enum dg_code dg_dialog_progress(struct dg_dialog *dialog, unsigned status, const struct dg_options *options,
                                struct dg_error *error)
{
    json_t *params = json_pack("{s:s, s:i}", "dialog", dialog->node.id, "status", (int)status);
    return simple(dialog, "ua.progress", params, options, error);
}

enum dg_code dg_dialog_answer(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_error *error)
{
    return simple(dialog, "ua.answer", naming(dialog), options, error);
}

enum dg_code dg_dialog_reject(struct dg_dialog *dialog, unsigned status, const struct dg_options *options,
                              struct dg_error *error)
{
    json_t *params = json_pack("{s:s, s:i}", "dialog", dialog->node.id, "status", (int)status);
    return simple(dialog, "ua.reject", params, options, error);
}

enum dg_code dg_dialog_redirect(struct dg_dialog *dialog, const char *const *targets, size_t count,
                                const struct dg_options *options, struct dg_error *error)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(targets[i]));
    json_t *params = json_pack("{s:s, s:o}", "dialog", dialog->node.id, "targets", list);
    return simple(dialog, "ua.redirect", params, options, error);
}

enum dg_code dg_dialog_terminate(struct dg_dialog *dialog, const struct dg_options *options,
                                 struct dg_error *error)
{
    return simple(dialog, "ua.terminate", naming(dialog), options, error);
}

enum dg_code dg_dialog_cancel(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_error *error)
{
    return simple(dialog, "ua.cancel", naming(dialog), options, error);
}

enum dg_code dg_dialog_close(struct dg_dialog *dialog, struct dg_error *error)
{
    return simple(dialog, "ua.close", naming(dialog), NULL, error);
}

enum dg_code dg_dialog_ack(struct dg_dialog *dialog, const struct dg_options *options, struct dg_error *error)
{
    enum dg_code code = simple(dialog, "ua.ack", naming(dialog), options, error);
    if (code != DG_OK)
        return code;
    pthread_mutex_lock(&dialog->agent->lock);
    dialog->acked = true;
    wire_kick(dialog->agent);
    pthread_mutex_unlock(&dialog->agent->lock);
    return DG_OK;
}

// Params that name the dialog, for a request of the SIP method.
static enum dg_code ask(const struct order *order, struct dg_error *error)
{
    struct order whole = *order;
    whole.agent = order->dialog->agent;
    if (!whole.params)
        whole.params = naming(order->dialog);
    return order_do(&whole, error);
}

enum dg_code dg_dialog_reinvite(struct dg_dialog *dialog, const struct dg_options *options,
                                struct dg_request **request, struct dg_error *error)
{
    const struct order order = {.dialog = dialog,
                                .method = "ua.reinvite",
                                .sip = "INVITE",
                                .options = options,
                                .new_request = request};
    return ask(&order, error);
}

enum dg_code dg_dialog_update(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_request **request, struct dg_error *error)
{
    const struct order order = {
        .dialog = dialog, .method = "ua.update", .sip = "UPDATE", .options = options, .new_request = request};
    return ask(&order, error);
}

enum dg_code dg_dialog_hold(struct dg_dialog *dialog, const struct dg_options *options,
                            struct dg_request **request, struct dg_error *error)
{
    const struct order order = {
        .dialog = dialog, .method = "ua.hold", .sip = "INVITE", .options = options, .new_request = request};
    return ask(&order, error);
}

enum dg_code dg_dialog_unhold(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_request **request, struct dg_error *error)
{
    const struct order order = {
        .dialog = dialog, .method = "ua.unhold", .sip = "INVITE", .options = options, .new_request = request};
    return ask(&order, error);
}

enum dg_code dg_dialog_refresh(struct dg_dialog *dialog, struct dg_error *error)
{
    return dg_dialog_update(dialog, NULL, NULL, error);
}

enum dg_code dg_dialog_request(struct dg_dialog *dialog, const char *method, const struct dg_options *options,
                               struct dg_request **request, struct dg_error *error)
{
    const struct order order = {.dialog = dialog,
                                .method = "ua.request",
                                .sip = method,
                                .params =
                                    json_pack("{s:s, s:s}", "dialog", dialog->node.id, "method", method),
                                .options = options,
                                .new_request = request};
    return ask(&order, error);
}

enum dg_code dg_dialog_note(struct dg_dialog *dialog, const char *note, struct dg_error *error)
{
    json_t *params = json_pack("{s:s, s:s}", "dialog", dialog->node.id, "context", note);
    return simple(dialog, "ua.context", params, NULL, error);
}

enum dg_code dg_dialog_refer(struct dg_dialog *dialog, const char *to, const struct dg_options *options,
                             struct dg_request **refer, struct dg_error *error)
{
    const struct order order = {.dialog = dialog,
                                .method = "refer.send",
                                .sip = "REFER",
                                .params = json_pack("{s:s, s:s}", "dialog", dialog->node.id, "to", to),
                                .options = options,
                                .new_request = refer};
    return ask(&order, error);
}

enum dg_code dg_dialog_refer_replace(struct dg_dialog *dialog, struct dg_dialog *other,
                                     const struct dg_options *options, struct dg_request **refer,
                                     struct dg_error *error)
{
    const struct order order = {
        .dialog = dialog,
        .method = "refer.send",
        .sip = "REFER",
        .params = json_pack("{s:s, s:s}", "dialog", dialog->node.id, "replaces", other->node.id),
        .options = options,
        .new_request = refer};
    return ask(&order, error);
}

// --- requests that came ---

static enum dg_code about(struct dg_request *request, const char *method, json_t *params,
                          const struct dg_options *options, struct dg_error *error)
{
    const struct order order = {
        .agent = request->agent, .method = method, .params = params, .options = options};
    if (!request->ours)
        return order_do(&order, error);
    json_decref(params);
    return agent_fail(error, DG_BAD_ARGUMENT, "%s: the request is ours", method);
}

enum dg_code dg_request_respond(struct dg_request *request, unsigned status, const struct dg_options *options,
                                struct dg_error *error)
{
    json_t *params = json_pack("{s:s, s:i}", "request", request->node.id, "status", (int)status);
    return about(request, "ua.respond", params, options, error);
}

enum dg_code dg_refer_accept(struct dg_request *refer, const struct dg_options *options,
                             struct dg_error *error)
{
    json_t *params = json_pack("{s:s, s:b}", "refer", refer->node.id, "accept", 1);
    return about(refer, "refer.answer", params, options, error);
}

enum dg_code dg_refer_refuse(struct dg_request *refer, unsigned status, const struct dg_options *options,
                             struct dg_error *error)
{
    json_t *params =
        json_pack("{s:s, s:b, s:i}", "refer", refer->node.id, "accept", 0, "status", (int)status);
    enum dg_code code = about(refer, "refer.answer", params, options, error);
    if (code != DG_OK)
        return code;
    pthread_mutex_lock(&refer->agent->lock);
    handle_end_request(refer, status, "refused", NULL);
    wire_kick(refer->agent);
    pthread_mutex_unlock(&refer->agent->lock);
    return DG_OK;
}

enum dg_code dg_refer_notify(struct dg_request *refer, unsigned status, bool final,
                             const struct dg_options *options, struct dg_error *error)
{
    json_t *params =
        json_pack("{s:s, s:i, s:b}", "refer", refer->node.id, "status", (int)status, "final", (int) final);
    return about(refer, "refer.notify", params, options, error);
}
