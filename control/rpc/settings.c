// SPDX-License-Identifier: BSD-3-Clause
// config.*: check, show, reload.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "call.h"
#include "handlers.h"
#include "text.h"

static json_t *printed(const struct config *config)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return NULL;
    int result = config_print(config, memory);
    json_t *value = fclose(memory) == 0 && result == 0 ? json_stringn(text, length) : NULL;
    free(text);
    return value;
}

void rpc_config_check(struct rpc_call *call)
{
    char error[ERROR_SIZE];
    char keys[ERROR_SIZE];
    const struct control *control = rpc_control(call);
    const char *file = rpc_text(call, "file");
    const char *text = rpc_text(call, "text");
    if (!file == !text) {
        rpc_fail(call, DG_INVALID_PARAMS, "give either file or text");
        return;
    }
    struct config *config = file ? config_load(file, error, sizeof(error))
                                 : config_parse(text, strlen(text), "text", error, sizeof(error));
    if (!config) {
        rpc_fail(call, DG_REFUSED, "%s", error);
        return;
    }
    bool restart = config_needs_restart(control->active.config, config, keys, sizeof(keys));
    config_free(config);
    rpc_reply(call, json_pack("{s:b, s:o}", "valid", 1, "needs_restart",
                              restart ? text_json(keys, strlen(keys)) : json_null()));
}

void rpc_config_show(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    const char *file = control->active.file;
    rpc_reply(call, json_pack("{s:o, s:I, s:o}", "file", text_json(file, strlen(file)), "sequence",
                              (json_int_t)control->active.image->sequence, "yaml",
                              printed(control->active.config)));
}

static void on_reloaded(void *context, int result, const char *text)
{
    struct rpc_call *call = context;
    const struct control *control = rpc_control(call);
    if (result < 0)
        rpc_fail_errno(call, result, text);
    else
        rpc_reply(call, json_pack("{s:o, s:I, s:o}", "file",
                                  text_json(control->active.file, strlen(control->active.file)), "sequence",
                                  (json_int_t)control->active.image->sequence, "text",
                                  text_json(text, strlen(text))));
}

void rpc_config_reload(struct rpc_call *call)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_reloaded, call};
    const char *file = rpc_text(call, "file");
    // The daemon's working directory is not the caller's.
    if (file && file[0] != '/') {
        rpc_fail(call, DG_INVALID_PARAMS, "file must be an absolute path");
        return;
    }
    if (control_reload(rpc_control(call), file, &answer, error, sizeof(error)) < 0)
        rpc_fail(call, DG_REFUSED, "%s", error);
}
