// SPDX-License-Identifier: BSD-3-Clause
// Takes every call of an application: rings, answers without media, says who called, and hangs up after a
// while. One loop, nothing in it waits.
//
//   cc answering_machine.c $(pkg-config --cflags --libs dialgate) -o answering_machine
//   ./answering_machine APPLICATION [CALLS [SOCKET]]        CALLS: ends after so many
#include <dialgate/ua.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TALK_S 5

static const char description[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                                  "m=audio 9 RTP/AVP 0\r\na=inactive\r\n";
static unsigned ended;

static void on_sent(void *context, const struct dg_result *result)
{
    if (result->code != DG_OK)
        fprintf(stderr, "%s: %s\n", result->text, dg_code_advice(result->code));
}

static void on_incoming(const struct dg_event *event)
{
    struct dg_options options = DG_INIT(dg_options);
    const char *from = dg_message_header(event->message, "From", 0);
    printf("call from %s by %s\n", from ? from : "nobody", event->peer);
    options.done = on_sent;
    dg_dialog_progress(event->dialog, 180, &options, NULL);
    options.body = description;
    dg_dialog_answer(event->dialog, &options, NULL);
}

static void on_event(void *context, const struct dg_event *event)
{
    switch (event->kind) {
    case DG_EVENT_INCOMING:
        on_incoming(event);
        break;
    case DG_EVENT_ACK: // from now on it counts
        dg_dialog_set_context(event->dialog, (void *)(uintptr_t)time(NULL));
        break;
    case DG_EVENT_REQUEST:
        if (event->request) // a re-INVITE, an INFO: nothing changes here
            dg_request_respond(event->request, 488, NULL, NULL);
        break;
    case DG_EVENT_ENDED:
        printf("%s ended: %s, by %s\n", dg_dialog_id(event->dialog), event->reason, event->by);
        ended++;
        break;
    case DG_EVENT_LOST:
        printf("events were lost\n");
        break;
    default:
        break;
    }
}

static bool hang_up_old(void *context, struct dg_dialog *dialog)
{
    time_t begun = (time_t)(uintptr_t)dg_dialog_context(dialog);
    struct dg_options options = DG_INIT(dg_options);
    options.done = on_sent;
    options.cause_protocol = "Q.850";
    options.cause = 16; // normal call clearing
    if (begun && time(NULL) - begun >= TALK_S) {
        dg_dialog_set_context(dialog, NULL);
        dg_dialog_terminate(dialog, &options, NULL);
    }
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
        dg_agent_process(agent);
        dg_agent_list(agent, hang_up_old, NULL);
    }
    dg_agent_close(agent);
    return 0;
}
