// SPDX-License-Identifier: BSD-3-Clause
// Takes every call of an application: rings, answers without media, says who called, and hangs up after a
// while. One loop, nothing in it waits. Calls that an earlier run has left are hung up as well.
//
//   cc answering_machine.c $(pkg-config --cflags --libs dialgate) -o answering_machine
//   ./answering_machine APPLICATION [CALLS [SOCKET]]        CALLS: ends after so many
#include "inactive.h"
#include <poll.h>
#include <time.h>

#define TALK_S 5

struct call {
    struct call *after; // in the list of all
    struct inactive said;
    time_t since; // it is confirmed; 0: not yet
    bool leaving;
};

static unsigned ended;

static void on_sent(void *context, const struct dg_result *result)
{
    // A caller who gives up meanwhile is no fault: the end of the call is told.
    if (result->code != DG_OK && result->code != DG_TRANSACTION_GONE && result->code != DG_NOT_FOUND)
        fprintf(stderr, "%s: %s\n", result->text, dg_code_advice(result->code));
}

static struct call *calls_known; // all of them: the end of one may not have been told when the program ends

static struct call *call_of(struct dg_dialog *dialog)
{
    struct call *call = dg_dialog_context(dialog);
    if (!call && (call = calloc(1, sizeof(*call)))) {
        call->after = calls_known;
        calls_known = call;
        dg_dialog_set_context(dialog, call);
    }
    return call;
}

static void forget(struct call *call)
{
    struct call **at = &calls_known;
    while (*at && *at != call)
        at = &(*at)->after;
    if (*at)
        *at = call->after;
    free(call);
}

static void on_incoming(const struct dg_event *event)
{
    struct dg_options options = DG_INIT(dg_options);
    char body[2048];
    const char *from = dg_message_header(event->message, "From", 0);
    struct call *call = call_of(event->dialog);
    printf("call from %s by %s\n", from ? from : "nobody", event->peer);
    options.done = on_sent;
    if (!call) {
        dg_dialog_reject(event->dialog, 500, &options, NULL);
        return;
    }
    dg_dialog_progress(event->dialog, 180, &options, NULL);
    options.body =
        inactive_description(&call->said, dg_message_body(event->message, NULL), body, sizeof(body));
    dg_dialog_answer(event->dialog, &options, NULL);
}

static void on_event(void *context, const struct dg_event *event)
{
    struct call *call = event->dialog ? dg_dialog_context(event->dialog) : NULL;
    switch (event->kind) {
    case DG_EVENT_INCOMING:
        on_incoming(event);
        break;
    case DG_EVENT_REQUEST:
        inactive_respond(event, call ? &call->said : NULL);
        break;
    case DG_EVENT_REFER: // a machine does not move
        dg_refer_refuse(event->request, 603, NULL, NULL);
        break;
    case DG_EVENT_ENDED:
        printf("%s ended: %s, by %s\n", dg_dialog_id(event->dialog), event->reason, event->by);
        dg_dialog_set_context(event->dialog, NULL);
        forget(call);
        ended++;
        break;
    case DG_EVENT_LOST: // what dialogs are and are not is right all the same
        printf("events were lost\n");
        break;
    default:
        break;
    }
}

static bool hang_up_old(void *context, struct dg_dialog *dialog)
{
    struct dg_options options = DG_INIT(dg_options);
    struct call *call = dg_dialog_state(dialog) == DG_STATE_CONFIRMED ? call_of(dialog) : NULL;
    if (!call || call->leaving)
        return true;
    if (!call->since)
        call->since = time(NULL);
    if (time(NULL) - call->since < TALK_S)
        return true;
    call->leaving = true;
    options.done = on_sent;
    options.cause_protocol = "Q.850";
    options.cause = 16; // normal call clearing
    dg_dialog_terminate(dialog, &options, NULL);
    return true;
}

int main(int count, char **words)
{
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    unsigned calls = count > 2 ? (unsigned)atoi(words[2]) : 0;
    if (count < 2) {
        fprintf(stderr, "usage: answering_machine APPLICATION [CALLS [SOCKET]]\n");
        return 2;
    }
    options.application = words[1];
    options.socket = count > 3 ? words[3] : NULL;
    options.on_event = on_event;
    struct dg_agent *agent = dg_agent_create(&options, &error);
    if (!agent) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    while (!calls || ended < calls) {
        struct pollfd one = {.fd = dg_agent_fd(agent), .events = POLLIN};
        poll(&one, 1, 1000);
        dg_agent_process(agent); // connects again, too, when control was started anew
        dg_agent_list(agent, hang_up_old, NULL);
    }
    dg_agent_close(agent);
    while (calls_known)
        forget(calls_known);
    return 0;
}
