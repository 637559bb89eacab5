// SPDX-License-Identifier: BSD-3-Clause
// Answers every call and transfers it (RFC 3515) to the next of its targets in turn; a caller whose transfer
// fails is put to the one after it, and hung up behind the last. Callers whom an earlier run has left begin
// anew. The agent has a thread of its own, main() only waits.
//
//   cc transfer_desk.c $(pkg-config --cflags --libs dialgate) -o transfer_desk
//   ./transfer_desk APPLICATION SOCKET TARGET...            SOCKET: - for the usual one
#include "inactive.h"
#include <signal.h>

static char **targets; // NULL behind the last

struct caller {
    struct caller *after; // in the list of all
    struct inactive said;
    char **next; // target; NULL: no transfer has begun
};

static struct caller *callers; // all of them: the end of one may not have been told when the program ends

static struct caller *caller_of(struct dg_dialog *dialog)
{
    struct caller *caller = dg_dialog_context(dialog);
    if (!caller && (caller = calloc(1, sizeof(*caller)))) {
        caller->after = callers;
        callers = caller;
        dg_dialog_set_context(dialog, caller);
    }
    return caller;
}

static void forget(struct caller *caller)
{
    struct caller **at = &callers;
    while (*at && *at != caller)
        at = &(*at)->after;
    if (*at)
        *at = caller->after;
    free(caller);
}

static void transfer(struct dg_dialog *dialog, struct caller *caller)
{
    struct dg_error error;
    if (!caller->next)
        caller->next = targets;
    while (*caller->next) {
        const char *target = *caller->next++;
        if (dg_dialog_refer(dialog, target, NULL, NULL, &error) == DG_OK) {
            printf("%s goes to %s\n", dg_dialog_id(dialog), target);
            return;
        }
        printf("%s: %s: %s\n", target, error.text, dg_code_advice(error.code));
    }
    dg_dialog_terminate(dialog, NULL, NULL);
}

// Whose ACK was not told: of an earlier run, or while events were lost.
static bool begin(void *context, struct dg_dialog *dialog)
{
    const bool acknowledged = dg_dialog_sipgo_state(dialog) == DG_SIPGO_CONFIRMED;
    struct caller *caller = acknowledged ? caller_of(dialog) : NULL;
    if (caller && !caller->next)
        transfer(dialog, caller);
    return true;
}

static void on_incoming(const struct dg_event *event, struct caller *caller)
{
    struct dg_options options = DG_INIT(dg_options);
    char body[2048];
    if (!caller) {
        dg_dialog_reject(event->dialog, 500, NULL, NULL);
        return;
    }
    options.body =
        inactive_description(&caller->said, dg_message_body(event->message, NULL), body, sizeof(body));
    dg_dialog_answer(event->dialog, &options, NULL); // who gave up meanwhile has ended
}

static void on_progress(const struct dg_event *event, struct caller *caller)
{
    printf("%s: %u %s\n", dg_dialog_id(event->dialog), event->status, event->reason);
    if (event->final && event->status >= 300)
        transfer(event->dialog, caller);
    else if (event->final)
        dg_dialog_terminate(event->dialog, NULL, NULL);
}

static void on_event(void *context, const struct dg_event *event)
{
    struct caller *caller = event->dialog ? caller_of(event->dialog) : NULL;
    switch (event->kind) {
    case DG_EVENT_INCOMING:
        on_incoming(event, caller);
        break;
    case DG_EVENT_ACK:
        if (caller && !caller->next) // the ACKs of re-INVITEs come as well
            transfer(event->dialog, caller);
        break;
    case DG_EVENT_REFER_PROGRESS:
        if (caller)
            on_progress(event, caller);
        break;
    case DG_EVENT_REQUEST:
        inactive_respond(event, caller ? &caller->said : NULL);
        break;
    case DG_EVENT_REFER: // the caller wants to transfer us: a desk does not move
        dg_refer_refuse(event->request, 603, NULL, NULL);
        break;
    case DG_EVENT_LOST:
    case DG_EVENT_RESUMED: // dialgate-control was started anew: calls and transfers have gone on meanwhile
        dg_agent_list(event->agent, begin, NULL);
        break;
    case DG_EVENT_ENDED:
        printf("%s ended: %s\n", dg_dialog_id(event->dialog), event->reason);
        dg_dialog_set_context(event->dialog, NULL);
        forget(caller);
        break;
    default:
        break;
    }
}

int main(int count, char **words)
{
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    sigset_t ends;
    int number;
    if (count < 4) {
        fprintf(stderr, "usage: transfer_desk APPLICATION SOCKET TARGET...\n");
        return 2;
    }
    targets = words + 3;
    options.application = words[1];
    options.socket = strcmp(words[2], "-") != 0 ? words[2] : NULL;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL); // before the agent's thread begins
    struct dg_agent *agent = dg_agent_create(&options, &error);
    if (!agent) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    // Nothing is told before the thread begins, so that only one at a time has a caller in its hands.
    uint64_t subscription = dg_agent_subscribe(agent, NULL, DG_ON_ALL, on_event, NULL);
    dg_agent_list(agent, begin, NULL);
    if (!subscription || dg_agent_start(agent) != DG_OK) {
        fprintf(stderr, "no memory or no thread\n");
        return 1;
    }
    sigwait(&ends, &number);
    dg_agent_unsubscribe(agent, subscription); // waits for the callback under way
    dg_agent_close(agent);                     // the calls go on without us
    while (callers)
        forget(callers);
    return 0;
}
