// SPDX-License-Identifier: BSD-3-Clause
// Transfers.
#include <string.h>
#include <strings.h>
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

// No id of a dialog has a colon: a URI in its place is whom to refer outside dialogs.
static void take_subject(json_t *params)
{
    const char *subject = text(params, "dialog");
    if (strncasecmp(subject, "sip:", 4) != 0 && strncasecmp(subject, "sips:", 5) != 0)
        return;
    json_object_set(params, "uri", json_object_get(params, "dialog"));
    json_object_del(params, "dialog");
}

// Every transfer is an event of kind refer, so nobody has to be attached to an application for it.
static int send_and_wait(struct ctl *ctl, const char *method, const json_t *params, int64_t timeout_ms)
{
    json_t *follow = json_pack("{s:[s]}", "kinds", "refer");
    bool waits = ctl_wait_begin(ctl, "events.follow", follow);
    json_t *result = waits ? ctl_ask(ctl, method, params) : NULL;
    int status = CTL_REFUSED;
    json_decref(follow);
    if (result) {
        const struct ctl_waiting waiting = {"refer", text(result, "refer"), timeout_ms};
        ctl_print_sent(ctl, result);
        fflush(ctl->out);
        status = ctl_wait(ctl, &waiting);
    } else {
        ctl_wait_end(ctl);
    }
    json_decref(result);
    return status;
}

int run_refer_send(struct ctl *ctl, const json_t *given)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    if (!take_target(ctl, params)) {
        json_decref(params);
        return CTL_USAGE;
    }
    take_subject(params);
    if (json_object_get(params, "no_subscribe"))
        json_object_set_new(params, "subscribe", json_false());
    json_object_del(params, "no_subscribe");
    const char *method = json_object_get(params, "party") ? "refer.dialog" : "refer.send";
    const bool waits = json_object_get(params, "wait");
    const int64_t wait_ms = number(params, "wait");
    json_object_del(params, "wait");
    int status = waits ? send_and_wait(ctl, method, params, wait_ms) : ctl_act(ctl, method, params);
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
