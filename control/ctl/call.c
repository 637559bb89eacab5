// SPDX-License-Identifier: BSD-3-Clause
// Calls of the daemon.
#include <stdlib.h>
#include "ctl.h"

json_t *ctl_call_parts(struct ctl *ctl, const char *method, const json_t *params, dg_take_part *take,
                       void *context)
{
    struct dg_error error;
    char *text = NULL;
    char *arguments = json_dumps(params, JSON_COMPACT);
    enum dg_code code = DG_NO_MEMORY;
    if (!ctl->client)
        ctl->client = dg_client_open(ctl->socket, &error);
    if (ctl->client)
        dg_client_on_part(ctl->client, take, context);
    if (ctl->client && arguments)
        code = dg_client_call(ctl->client, method, arguments, CTL_TIMEOUT_MS, &text, &error);
    free(arguments);
    if (ctl->client)
        dg_client_on_part(ctl->client, NULL, NULL);
    json_t *result = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    if (text && !result)
        fprintf(ctl->errors, "dialgatectl: %s\n", dg_code_text(DG_BAD_REPLY));
    dg_free(text);
    if (code == DG_OK)
        return result;
    fprintf(ctl->errors, "dialgatectl: %s\n", error.text);
    // The next command of a shell finds a daemon that was started again.
    if (code == DG_CLOSED || code == DG_BAD_REPLY || code == DG_TIMEOUT) {
        dg_client_close(ctl->client);
        ctl->client = NULL;
    }
    return NULL;
}

json_t *ctl_call(struct ctl *ctl, const char *method, const json_t *params)
{
    return ctl_call_parts(ctl, method, params, NULL, NULL);
}

void ctl_print_json(struct ctl *ctl, const json_t *value)
{
    json_dumpf(value, ctl->out, JSON_COMPACT | JSON_ENCODE_ANY);
    fputc('\n', ctl->out);
}
