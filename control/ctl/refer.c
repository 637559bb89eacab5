// SPDX-License-Identifier: BSD-3-Clause
// Transfers.
#include <string.h>
#include "show_value.h"

// Where the words behind the dialog lead: one URI, or none with --replaces. False after one line on stderr.
static bool take_target(struct ctl *ctl, json_t *params)
{
    json_t *words = json_object_get(params, "words");
    size_t count = json_array_size(words);
    if (count == 1)
        json_object_set(params, "to", json_array_get(words, 0));
    else if (count > 1 || !json_object_get(params, "replaces"))
        fprintf(ctl->errors,
                "dialgatectl: give one TARGET, or --replaces; see dialgatectl refer send --help\n");
    json_object_del(params, "words");
    return count == 1 || (count == 0 && json_object_get(params, "replaces"));
}

int run_refer_send(struct ctl *ctl, const json_t *given)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    if (!take_target(ctl, params)) {
        json_decref(params);
        return CTL_USAGE;
    }
    if (json_object_get(params, "no_subscribe"))
        json_object_set_new(params, "subscribe", json_false());
    json_object_del(params, "no_subscribe");
    int status = ctl_act(ctl, "refer.send", params);
    json_decref(params);
    return status;
}
