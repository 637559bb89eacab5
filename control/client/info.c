// SPDX-License-Identifier: BSD-3-Clause
// Everything about a dialog, as Dialgate knows it now.
#include <stdlib.h>
#include <string.h>
#include "order.h"

struct kept { // what the program gets, and whose texts they are
    struct dg_dialog_info info;
    json_t *json;
    struct dg_change changes[];
};

static const char *text_or_null(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct dg_end end_of(const json_t *json, const char *side)
{
    const json_t *end = json_object_get(json, side);
    return (struct dg_end){.uri = text_or_null(end, "uri"),
                           .tag = text_or_null(end, "tag"),
                           .target = text_or_null(end, "target"),
                           .cseq = (uint32_t)line_number(end, "cseq")};
}

static void read_history(struct kept *kept, const json_t *history)
{
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *row = json_array_get(history, i);
        kept->changes[i] = (struct dg_change){.after_ms = line_number(row, "after_ms"),
                                              .from = event_state(line_text(row, "from")),
                                              .to = event_state(line_text(row, "to")),
                                              .reason = line_text(row, "reason")};
    }
    kept->info.history = kept->changes;
    kept->info.changes = json_array_size(history);
}

enum dg_code dg_dialog_info(struct dg_dialog *dialog, struct dg_dialog_info **info, struct dg_error *error)
{
    json_t *json = NULL;
    const struct order order = {.agent = dialog->agent,
                                .dialog = dialog,
                                .method = "ua.get",
                                .params = json_pack("{s:s}", "dialog", dialog->node.id),
                                .result = &json};
    *info = NULL;
    enum dg_code code = order_do(&order, error);
    if (code != DG_OK)
        return code;
    const json_t *history = json_object_get(json, "history");
    struct kept *kept = calloc(1, sizeof(*kept) + json_array_size(history) * sizeof(kept->changes[0]));
    if (!kept) {
        json_decref(json);
        return agent_fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
    }
    kept->json = json;
    kept->info = (struct dg_dialog_info){.id = line_text(json, "dialog"),
                                         .call_id = text_or_null(json, "call_id"),
                                         .application = line_text(json, "application"),
                                         .peer = text_or_null(json, "peer"),
                                         .note = text_or_null(json, "context"),
                                         .local = end_of(json, "local"),
                                         .remote = end_of(json, "remote"),
                                         .state = event_state(line_text(json, "state")),
                                         .callee = strcmp(line_text(json, "role"), "server") == 0,
                                         .acked = json_is_true(json_object_get(json, "acked")),
                                         .created_ms = line_number(json, "created_ms"),
                                         .active_ms = line_number(json, "active_ms")};
    read_history(kept, history);
    *info = &kept->info;
    return DG_OK;
}

void dg_dialog_info_free(struct dg_dialog_info *info)
{
    struct kept *kept = (struct kept *)(void *)info; // its first member
    if (!kept)
        return;
    json_decref(kept->json);
    free(kept);
}
