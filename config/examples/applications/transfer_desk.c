// SPDX-License-Identifier: BSD-3-Clause
// Answers every call and transfers it (RFC 3515) to the next of its targets in turn; a caller whose transfer
// fails is put to the one after it, and hung up behind the last. The agent has a thread of its own, main()
// only waits.
//
//   cc transfer_desk.c $(pkg-config --cflags --libs dialgate) -o transfer_desk
//   ./transfer_desk APPLICATION SOCKET TARGET...            SOCKET: - for the usual one
#include <dialgate/ua.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static char **targets; // NULL behind the last

static const char description[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                                  "m=audio 9 RTP/AVP 0\r\na=inactive\r\n";

// The dialog's context is the target that comes next.
static void transfer(struct dg_dialog *dialog)
{
    struct dg_error error;
    char **next = dg_dialog_context(dialog);
    while (*next) {
        const char *target = *next++;
        dg_dialog_set_context(dialog, next);
        if (dg_dialog_refer(dialog, target, NULL, NULL, &error) == DG_OK) {
            printf("%s goes to %s\n", dg_dialog_id(dialog), target);
            return;
        }
        printf("%s: %s: %s\n", target, error.text, dg_code_advice(error.code));
    }
    dg_dialog_terminate(dialog, NULL, NULL);
}

static void on_event(void *context, const struct dg_event *event)
{
    struct dg_options options = DG_INIT(dg_options);
    switch (event->kind) {
    case DG_EVENT_INCOMING:
        options.body = description;
        dg_dialog_set_context(event->dialog, targets);
        dg_dialog_answer(event->dialog, &options, NULL);
        break;
    case DG_EVENT_ACK:
        transfer(event->dialog);
        break;
    case DG_EVENT_REFER_PROGRESS:
        printf("%s: %u %s\n", dg_dialog_id(event->dialog), event->status, event->reason);
        if (event->final && event->status >= 300)
            transfer(event->dialog);
        else if (event->final)
            dg_dialog_terminate(event->dialog, NULL, NULL);
        break;
    case DG_EVENT_REFER: // the caller wants to transfer us: a desk does not move
        dg_refer_refuse(event->request, 603, NULL, NULL);
        break;
    case DG_EVENT_ENDED:
        printf("%s ended: %s\n", dg_dialog_id(event->dialog), event->reason);
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
    options.on_event = on_event;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL); // before the agent's thread begins
    struct dg_agent *agent = dg_agent_create(&options, &error);
    if (!agent || dg_agent_start(agent) != DG_OK) {
        fprintf(stderr, "%s\n", agent ? "no thread" : error.text);
        return 1;
    }
    sigwait(&ends, &number);
    dg_agent_close(agent); // the calls go on without us
    return 0;
}
