// SPDX-License-Identifier: BSD-3-Clause
// Connects two parties (RFC 3725, flow I): the first is called without a description, what it offers goes to
// the second, and the second's answer with the ACK to the first. Calls that wait, one after another.
//
//   cc click_to_dial.c $(pkg-config --cflags --libs dialgate) -o click_to_dial
//   ./click_to_dial APPLICATION FIRST SECOND [SOCKET]       sip:ann@example.net sip:bob@example.net
#include <dialgate/ua.h>
#include <stdio.h>

#define RING_MS 60000

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

static int connect_both(struct dg_agent *agent, char **parties)
{
    struct dg_options options = DG_INIT(dg_options);
    struct dg_dialog *first, *second = NULL;
    struct dg_outcome offer, answer = {0};
    options.ring_ms = RING_MS;
    options.late_ack = true;
    int result = call(agent, parties[0], &options, &first, &offer);
    if (result == 0) {
        options = (struct dg_options)DG_INIT(dg_options);
        options.ring_ms = RING_MS;
        options.content_type = "application/sdp";
        options.body = dg_message_body(offer.message, &options.body_length);
        result = call(agent, parties[1], &options, &second, &answer);
        options.body = result == 0 ? dg_message_body(answer.message, &options.body_length) : NULL;
        options.ring_ms = 0;
        options.content_type = options.body && options.body_length ? options.content_type : NULL;
        options.body = options.content_type ? options.body : NULL;
        // The first waits for its ACK even if there is nobody to talk to: then it is hung up.
        dg_dialog_ack(first, &options, NULL);
    }
    if (result == 0) {
        printf("connected\n");
        dg_dialog_wait_state(first, DG_STATE_TERMINATED, -1);
    }
    if (second)
        dg_dialog_terminate(second, NULL, NULL);
    if (first)
        dg_dialog_terminate(first, NULL, NULL);
    dg_message_unref(offer.message);
    dg_message_unref(answer.message);
    dg_dialog_unref(first);
    dg_dialog_unref(second);
    return result;
}

int main(int count, char **words)
{
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    if (count < 4) {
        fprintf(stderr, "usage: click_to_dial APPLICATION FIRST SECOND [SOCKET]\n");
        return 2;
    }
    options.application = words[1];
    options.socket = count > 4 ? words[4] : NULL;
    struct dg_agent *agent = dg_agent_create(&options, &error);
    if (!agent) {
        fprintf(stderr, "%s: %s\n", error.text, dg_code_advice(error.code));
        return 1;
    }
    int result = connect_both(agent, words + 2);
    dg_agent_close(agent);
    return result == 0 ? 0 : 1;
}
