// SPDX-License-Identifier: BSD-3-Clause
// Transfers.
#include <string.h>
#include "show_value.h"

static bool is_party(const json_t *word)
{
    const char *text = json_string_value(word);
    return text && (strcmp(text, "caller") == 0 || strcmp(text, "callee") == 0);
}

// Where the words behind the dialog lead: one URI, or none with --replaces; before it, in a call between two
// peers, the party. False after one line on stderr.
static bool take_target(struct ctl *ctl, json_t *params)
{
    json_t *words = json_object_get(params, "words");
    size_t party = is_party(json_array_get(words, 0)), count = json_array_size(words) - party;
    bool enough = count == 1 || (count == 0 && json_object_get(params, "replaces"));
    if (party)
        json_object_set(params, "party", json_array_get(words, 0));
    if (count == 1)
        json_object_set(params, "to", json_array_get(words, party));
    if (!enough)
        fprintf(ctl->errors,
                "dialgatectl: give one TARGET, or --replaces; see dialgatectl refer send --help\n");
    json_object_del(params, "words");
    return enough;
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
    bool proxied = json_object_get(params, "party");
    int status = ctl_act(ctl, proxied ? "refer.dialog" : "refer.send", params);
    json_decref(params);
    return status;
}

int run_refer_answer(struct ctl *ctl, const json_t *given)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    json_t *refuse = json_object_get(params, "refuse");
    json_object_set_new(params, "accept", json_boolean(!refuse));
    if (refuse)
        json_object_set(params, "status", refuse);
    json_object_del(params, "refuse");
    int status = ctl_act(ctl, "refer.answer", params);
    json_decref(params);
    return status;
}

int run_refer_notify(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "refer.notify", params);
}
