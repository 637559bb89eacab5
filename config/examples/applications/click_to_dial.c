// SPDX-License-Identifier: BSD-3-Clause
// Connects two parties (RFC 3725, flow I): the first is called without a description, what it offers goes to
// the second, and the second's answer with the ACK to the first. When a party changes its session later, its
// offer goes to the other one, and that one's answer back (section 7). The agent's thread does so; main()
// makes the calls, one after another, and waits.
//
//   cc click_to_dial.c $(pkg-config --cflags --libs dialgate) -o click_to_dial
//   ./click_to_dial APPLICATION FIRST SECOND [SOCKET]       sip:ann@example.net sip:bob@example.net
#include <dialgate/ua.h>
#include <stdio.h>
#include <string.h>

#define RING_MS 60000
#define LOOK_MS 500

struct leg {
    struct dg_dialog *dialog; // NULL: not called
    struct leg *other;        // they are connected; NULL: not yet
    struct dg_request *asked; // theirs, which the other party's answer is waited for; NULL: none
};

// Offers of this party go to the other one.
static void on_request(const struct dg_event *event)
{
    struct leg *leg = dg_dialog_context(event->dialog);
    struct dg_options options = DG_INIT(dg_options);
    const bool invite = strcmp(event->method, "INVITE") == 0;
    if (!event->request)
        return; // it is answered already
    if (!invite && strcmp(event->method, "UPDATE") != 0) {
        dg_request_respond(event->request, strcmp(event->method, "OPTIONS") == 0 ? 200 : 501, NULL, NULL);
        return;
    }
    options.body = dg_message_body(event->message, &options.body_length);
    options.content_type = dg_message_header(event->message, "Content-Type", 0);
    if (options.body_length == 0) {
        // An UPDATE without an offer refreshes the session; for an INVITE without one the other party would
        // have to be asked first, and to wait for the ACK.
        dg_request_respond(event->request, invite ? 488 : 200, NULL, NULL);
    } else if (!leg || leg->asked || dg_dialog_reinvite(leg->other->dialog, &options, NULL, NULL) != DG_OK) {
        dg_request_respond(event->request, 491, NULL, NULL); // something is under way: again later
    } else {
        leg->asked = dg_request_ref(event->request);
    }
}

static void on_response(const struct dg_event *event)
{
    struct leg *leg = dg_dialog_context(event->dialog);
    struct leg *asking = leg ? leg->other : NULL;
    struct dg_options options = DG_INIT(dg_options);
    if (!event->final || !asking || !asking->asked || strcmp(event->method, "INVITE") != 0)
        return;
    if (event->status < 300 && event->message) {
        options.body = dg_message_body(event->message, &options.body_length);
        options.content_type = options.body_length ? "application/sdp" : NULL;
        options.body = options.body_length ? options.body : NULL;
    }
    dg_request_respond(asking->asked, event->status, &options, NULL);
    dg_request_unref(asking->asked);
    asking->asked = NULL;
}

static void on_event(void *context, const struct dg_event *event)
{
    if (event->kind == DG_EVENT_REQUEST && event->dialog)
        on_request(event);
    else if (event->kind == DG_EVENT_RESPONSE && event->dialog)
        on_response(event);
    else if (event->kind == DG_EVENT_REFER)
        dg_refer_refuse(event->request, 603, NULL, NULL);
    else if (event->kind == DG_EVENT_INCOMING)
        dg_dialog_reject(event->dialog, 480, NULL, NULL); // it only calls
}

// 0: it answered, and its body is in outcome->message.
static int call(struct dg_agent *agent, const char *to, const struct dg_options *options,
                struct dg_dialog **dialog, struct dg_outcome *outcome)
{
    struct dg_error error;
    *outcome = (struct dg_outcome){0};
    *dialog = NULL;
    if (dg_agent_call(agent, to, options, dialog, &error) != DG_OK) {
        fprintf(stderr, "%s: %s\n", to, error.text);
        return -1;
    }
    enum dg_code code = dg_dialog_wait_answer(*dialog, RING_MS + 5000, outcome);
    printf("%s: %u %s\n", to, outcome->status, outcome->reason);
    return code == DG_OK ? 0 : -1;
}

static int connect_both(struct dg_agent *agent, char **parties, struct leg *legs)
{
    struct dg_options options = DG_INIT(dg_options);
    struct dg_outcome offer, answer = {0};
    options.ring_ms = RING_MS;
    options.late_ack = true;
    int result = call(agent, parties[0], &options, &legs[0].dialog, &offer);
    if (result == 0) {
        options = (struct dg_options)DG_INIT(dg_options);
        options.ring_ms = RING_MS;
        options.content_type = "application/sdp";
        options.body = dg_message_body(offer.message, &options.body_length);
        result = call(agent, parties[1], &options, &legs[1].dialog, &answer);
        options.body = result == 0 ? dg_message_body(answer.message, &options.body_length) : NULL;
        options.ring_ms = 0;
        options.content_type = options.body && options.body_length ? options.content_type : NULL;
        options.body = options.content_type ? options.body : NULL;
        // The first waits for its ACK even if there is nobody to talk to: then it is hung up.
        dg_dialog_ack(legs[0].dialog, &options, NULL);
    }
    dg_message_unref(offer.message);
    dg_message_unref(answer.message);
    return result;
}

// Until one of them hangs up, also while dialgate-control is started anew.
static void talk(struct leg *legs)
{
    for (int i = 0; i < 2; i++)
        legs[i].other = &legs[1 - i];
    for (int i = 0; i < 2; i++)
        dg_dialog_set_context(legs[i].dialog, &legs[i]);
    printf("connected\n");
    while (dg_dialog_state(legs[1].dialog) != DG_STATE_TERMINATED &&
           dg_dialog_wait_state(legs[0].dialog, DG_STATE_TERMINATED, LOOK_MS) == DG_TIMEOUT)
        continue;
}

int main(int count, char **words)
{
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    struct leg legs[2] = {{0}};
    if (count < 4) {
        fprintf(stderr, "usage: click_to_dial APPLICATION FIRST SECOND [SOCKET]\n");
        return 2;
    }
    options.application = words[1];
    options.socket = count > 4 ? words[4] : NULL;
    options.on_event = on_event;
    struct dg_agent *agent = dg_agent_create(&options, &error);
    if (!agent || dg_agent_start(agent) != DG_OK) {
        fprintf(stderr, "%s\n", agent ? "no thread" : error.text);
        return 1;
    }
    int result = connect_both(agent, words + 2, legs);
    if (result == 0)
        talk(legs);
    for (int i = 1; i >= 0; i--)
        if (legs[i].dialog)
            dg_dialog_terminate(legs[i].dialog, NULL, NULL);
    dg_agent_close(agent); // no callback comes any more
    for (int i = 0; i < 2; i++) {
        dg_request_unref(legs[i].asked);
        dg_dialog_unref(legs[i].dialog);
    }
    return result == 0 ? 0 : 1;
}
