// SPDX-License-Identifier: BSD-3-Clause
// What an agent begins, and how it finds what goes on.
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "order.h"

enum dg_code dg_agent_call(struct dg_agent *agent, const char *to, const struct dg_options *options,
                           struct dg_dialog **dialog, struct dg_error *error)
{
    const struct order order = {.agent = agent,
                                .method = "ua.call",
                                .retry = agent->retry,
                                .params =
                                    json_pack("{s:s, s:s}", "application", agent->application, "to", to),
                                .options = options,
                                .makes_dialog = true,
                                .new_dialog = dialog};
    return order_do(&order, error);
}

enum dg_code dg_agent_request(struct dg_agent *agent, const char *method, const struct dg_options *options,
                              struct dg_request **request, struct dg_error *error)
{
    const struct order order = {
        .agent = agent,
        .method = "ua.request",
        .sip = method,
        .retry = agent->retry,
        .params = json_pack("{s:s, s:s}", "application", agent->application, "method", method),
        .options = options,
        .new_request = request};
    return order_do(&order, error);
}

static enum dg_code bind(struct dg_agent *agent, const char *method, json_t *params, struct dg_error *error)
{
    const struct order order = {.agent = agent, .method = method, .params = params};
    return order_do(&order, error);
}

// What both take.
static json_t *binding(const struct dg_agent *agent, const struct dg_registration *registration)
{
    return json_pack("{s:s, s:s, s:s}", "application", agent->application, "registrar",
                     registration->registrar ? registration->registrar : "", "aor",
                     registration->aor ? registration->aor : "");
}

static struct dg_registration read_registration(const struct dg_registration *registration)
{
    struct dg_registration read = {0};
    memcpy(&read, registration, registration->size < sizeof(read) ? registration->size : sizeof(read));
    return read;
}

enum dg_code dg_agent_register(struct dg_agent *agent, const struct dg_registration *registration,
                               struct dg_error *error)
{
    const struct dg_registration read = read_registration(registration);
    json_t *params = binding(agent, &read);
    bool good = params && options_text(params, "contact", read.contact) &&
                options_text(params, "peer", read.peer) && options_text(params, "user", read.user) &&
                options_text(params, "password", read.password) &&
                options_text(params, "realm", read.realm) && options_text(params, "tag", read.tag);
    if (good && read.expires_s)
        good = json_object_set_new(params, "expires", json_integer(read.expires_s)) == 0;
    if (good)
        return bind(agent, "ua.register", params, error);
    json_decref(params);
    return agent_fail(error, DG_BAD_ARGUMENT, "a text is not UTF-8, or there is no memory");
}

enum dg_code dg_agent_unregister(struct dg_agent *agent, const struct dg_registration *registration,
                                 struct dg_error *error)
{
    const struct dg_registration read = read_registration(registration);
    return bind(agent, "ua.unregister", binding(agent, &read), error);
}

// --- finding ---

struct dg_dialog *dg_agent_find(struct dg_agent *agent, const char *id)
{
    pthread_mutex_lock(&agent->lock);
    struct dg_dialog *dialog = handle_find_dialog(agent, id);
    if (dialog)
        dg_dialog_ref(dialog);
    pthread_mutex_unlock(&agent->lock);
    return dialog;
}

static size_t visit_all(struct dg_dialog **dialogs, size_t count, dg_visit *visit, void *context)
{
    size_t visited = 0;
    bool on = true;
    for (size_t i = 0; i < count; i++) {
        if (on) {
            on = visit(context, dialogs[i]);
            visited++;
        }
        dg_dialog_unref(dialogs[i]);
    }
    free(dialogs);
    return visited;
}

size_t dg_agent_list(struct dg_agent *agent, dg_visit *visit, void *context)
{
    size_t count = 0;
    pthread_mutex_lock(&agent->lock);
    struct dg_dialog **dialogs = calloc(agent->dialogs.count + 1, sizeof(struct dg_dialog *));
    for (struct node *node = NULL; dialogs && (node = table_next(&agent->dialogs, node));)
        dialogs[count++] = dg_dialog_ref(TABLE_OF(node, dg_dialog));
    pthread_mutex_unlock(&agent->lock);
    return visit_all(dialogs, count, visit, context);
}

enum dg_code dg_agent_find_names(struct dg_agent *agent, const struct dg_names *names, dg_visit *visit,
                                 void *context)
{
    json_t *result = NULL;
    size_t count = 0;
    struct order order = {.agent = agent, .method = "ua.list", .result = &result};
    order.params = json_pack("{s:s, s:s, s:s*, s:s*}", "application", agent->application, "call_id",
                             names->call_id ? names->call_id : "", "local_tag", names->local_tag,
                             "remote_tag", names->remote_tag);
    enum dg_code code = order_do(&order, NULL);
    const json_t *rows = json_object_get(result, "dialogs");
    struct dg_dialog **dialogs = calloc(json_array_size(rows) + 1, sizeof(struct dg_dialog *));
    pthread_mutex_lock(&agent->lock);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        // One that ended meanwhile is not there any more.
        struct dg_dialog *dialog = handle_find_dialog(agent, line_id(row, "dialog"));
        if (dialog && dialogs)
            dialogs[count++] = dg_dialog_ref(dialog);
    }
    pthread_mutex_unlock(&agent->lock);
    json_decref(result);
    visit_all(dialogs, count, visit, context);
    return code;
}

size_t dg_agent_count(struct dg_agent *agent, enum dg_state state)
{
    size_t count = 0;
    pthread_mutex_lock(&agent->lock);
    for (struct node *node = NULL; (node = table_next(&agent->dialogs, node));)
        count += TABLE_OF(node, dg_dialog)->state == state;
    pthread_mutex_unlock(&agent->lock);
    return count;
}

size_t dg_agent_total(struct dg_agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    size_t count = agent->dialogs.count;
    pthread_mutex_unlock(&agent->lock);
    return count;
}
