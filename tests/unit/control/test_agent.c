// SPDX-License-Identifier: BSD-3-Clause
// Agents of libdialgate against dialgate-control's own code and a far end that is played (ua_far.c).
// Argument: that program.
#include "agent_world.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dg_dialog *place(struct agent_world *world, const char *to)
{
    struct dg_dialog *dialog = NULL;
    struct dg_error error = {0};
    if (dg_agent_call(world->agent, to, NULL, &dialog, &error) != DG_OK)
        fail_msg("%s", error.text);
    assert_non_null(dialog);
    return dialog;
}

static void say(struct dg_dialog *dialog, const char *body)
{
    struct dg_options options = DG_INIT(dg_options);
    struct dg_request *request;
    struct dg_outcome outcome;
    options.content_type = "text/plain";
    options.body = body;
    options.tag = "mine";
    assert_int_equal(dg_dialog_request(dialog, "INFO", &options, &request, NULL), DG_OK);
    assert_true(dg_request_is_ours(request));
    assert_string_equal(dg_request_method(request), "INFO");
    assert_string_equal(dg_request_tag(request), "mine");
    assert_ptr_equal(dg_request_dialog(request), dialog);
    assert_int_equal(dg_request_wait(request, DEADLINE_MS, &outcome), DG_OK);
    assert_int_equal(outcome.status, 200);
    assert_string_equal(dg_message_header(outcome.message, "CSeq", 0), "1 INFO");
    dg_message_unref(outcome.message);
    dg_request_unref(request);
}

static void test_no_agent(void **state)
{
    struct agent_world *world = *state;
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    assert_null(dg_agent_create(&options, &error));
    assert_int_equal(error.code, DG_BAD_ARGUMENT);
    options.application = "nobody";
    options.socket = "/nonexistent/socket";
    assert_null(dg_agent_create(&options, &error));
    assert_int_equal(error.code, DG_NOT_CONNECTED);
    options.socket = world->path;
    assert_null(dg_agent_create(&options, &error));
    assert_int_equal(error.code, DG_NOT_FOUND);
    assert_non_null(strstr(error.text, "nobody"));
}

static void test_call(void **state)
{
    struct agent_world *world = *state;
    struct dg_dialog *dialog = place(world, "sip:bob@y");
    struct dg_outcome outcome;
    struct dg_dialog_info *info;
    assert_int_equal(dg_dialog_wait_answer(dialog, DEADLINE_MS, &outcome), DG_OK);
    assert_int_equal(outcome.status, 200);
    assert_string_equal(dg_message_start(outcome.message), "SIP/2.0 200 Text");
    assert_string_equal(dg_message_header(outcome.message, "From", 0), "<sip:a@x>;tag=f1"); // came compact
    assert_null(dg_message_header(outcome.message, "From", 1));
    dg_message_unref(outcome.message);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_wait_ack(dialog, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_sipgo_state(dialog), DG_SIPGO_CONFIRMED);
    assert_false(dg_dialog_is_callee(dialog));
    assert_int_equal(dg_agent_total(world->agent), 1);
    assert_int_equal(dg_agent_count(world->agent, DG_STATE_CONFIRMED), 1);
    struct dg_dialog *same = dg_agent_find(world->agent, dg_dialog_id(dialog));
    assert_ptr_equal(same, dialog);
    dg_dialog_unref(same);
    assert_int_equal(dg_dialog_note(dialog, "row 7", NULL), DG_OK);
    assert_int_equal(dg_dialog_info(dialog, &info, NULL), DG_OK);
    assert_string_equal(info->call_id, "c1@test");
    assert_string_equal(info->note, "row 7");
    assert_string_equal(info->application, "desk");
    assert_int_equal(info->state, DG_STATE_CONFIRMED);
    assert_int_equal(info->changes, 2);
    assert_int_equal(info->history[1].to, DG_STATE_CONFIRMED);
    assert_non_null(info->remote.uri);
    dg_dialog_info_free(info);
    say(dialog, "hello");
    assert_int_equal(dg_dialog_terminate(dialog, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    agent_wait_told(world, DG_EVENT_ENDED, 1);
    assert_string_equal(world->order, "PROGRESS STATE:early ANSWERED STATE:confirmed RESPONSE "
                                      "STATE:terminated ENDED ");
    assert_int_equal(dg_agent_total(world->agent), 0);
    assert_int_equal(dg_dialog_sipgo_state(dialog), DG_SIPGO_ENDED);
    struct dg_error error;
    assert_int_equal(dg_dialog_terminate(dialog, NULL, &error), DG_NOT_FOUND);
    assert_int_equal(dg_dialog_wait_ack(dialog, 0), DG_OK);
    dg_dialog_unref(dialog);
}

static void test_refused_and_cancelled(void **state)
{
    struct agent_world *world = *state;
    struct dg_outcome outcome;
    struct dg_dialog *busy = place(world, "sip:busy@y");
    assert_int_equal(dg_dialog_wait_answer(busy, DEADLINE_MS, &outcome), DG_REFUSED);
    assert_int_equal(outcome.status, 486);
    assert_string_equal(outcome.reason, "Text");
    dg_message_unref(outcome.message);
    struct dg_dialog *ringing = place(world, "sip:ring@y");
    assert_int_equal(dg_dialog_wait_state(ringing, DG_STATE_EARLY, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_wait_answer(ringing, 0, &outcome), DG_TIMEOUT);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(dg_dialog_sipgo_state(ringing), DG_SIPGO_NONE);
    assert_int_equal(dg_dialog_cancel(ringing, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_answer(ringing, DEADLINE_MS, &outcome), DG_REFUSED);
    assert_int_equal(outcome.status, 487);
    dg_message_unref(outcome.message);
    assert_int_equal(dg_dialog_wait_ack(ringing, DEADLINE_MS), DG_INVALID_TRANSITION);
    dg_dialog_unref(busy);
    dg_dialog_unref(ringing);
}

static void be_called(struct agent_world *world)
{
    struct dg_options options = DG_INIT(dg_options);
    struct dg_request *request;
    options.to = "sip:bob@y";
    options.content_type = "text/plain";
    options.body = "call";
    assert_int_equal(dg_agent_request(world->agent, "MESSAGE", &options, &request, NULL), DG_OK);
    assert_int_equal(dg_request_wait(request, DEADLINE_MS, NULL), DG_OK);
    assert_null(dg_request_dialog(request));
    dg_request_unref(request);
    agent_wait_told(world, DG_EVENT_INCOMING, 1);
}

static void test_called(void **state)
{
    struct agent_world *world = *state;
    be_called(world);
    struct dg_dialog *dialog = world->incoming;
    assert_true(dg_dialog_is_callee(dialog));
    assert_int_equal(dg_dialog_progress(dialog, 180, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_EARLY, DEADLINE_MS), DG_OK);
    struct dg_options options = DG_INIT(dg_options);
    options.body = "v=0\r\no=- 1 7 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
    assert_int_equal(dg_dialog_answer(dialog, &options, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_ack(dialog, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_answer(dialog, NULL, NULL), DG_INVALID_TRANSITION);
    say(dialog, "ask");
    agent_wait_told(world, DG_EVENT_REQUEST, 1);
    assert_string_equal(dg_request_method(world->asked), "INFO");
    assert_string_equal(dg_message_body(dg_request_message(world->asked), NULL), "hello");
    assert_int_equal(dg_request_respond(world->asked, 200, NULL, NULL), DG_OK);
    assert_int_equal(dg_request_respond(world->asked, 200, NULL, NULL), DG_TRANSACTION_GONE);
    say(dialog, "bye");
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
}

// RFC 3891: a call that is to take the place of another one.
static void test_taken_over(void **state)
{
    struct agent_world *world = *state;
    struct dg_dialog *old = place(world, "sip:bob@y");
    assert_int_equal(dg_dialog_wait_state(old, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    say(old, "replace");
    agent_wait_told(world, DG_EVENT_INCOMING, 1);
    assert_ptr_equal(world->replaced, old);
    assert_int_equal(dg_dialog_reject(world->incoming, 486, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(world->incoming, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_state(old), DG_STATE_CONFIRMED);
    pthread_mutex_lock(&world->lock);
    dg_dialog_unref(world->incoming);
    world->incoming = NULL;
    pthread_mutex_unlock(&world->lock);
    say(old, "replace");
    agent_wait_told(world, DG_EVENT_INCOMING, 2);
    assert_ptr_equal(world->replaced, old);
    assert_int_equal(dg_dialog_answer(world->incoming, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(old, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_wait_state(world->incoming, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    dg_dialog_unref(old);
}

static void test_changes(void **state)
{
    struct agent_world *world = *state;
    struct dg_dialog *dialog = place(world, "sip:bob@y");
    struct dg_options options = DG_INIT(dg_options);
    struct dg_request *request;
    struct dg_outcome outcome;
    struct dg_error error;
    options.body = "v=0\r\no=- 1 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                   "m=audio 4000 RTP/AVP 0\r\n";
    assert_int_equal(dg_dialog_wait_answer(dialog, DEADLINE_MS, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_hold(dialog, NULL, NULL, &error), DG_INVALID_STATE); // nothing was sent yet
    assert_int_equal(dg_dialog_reinvite(dialog, &options, &request, &error), DG_OK);
    assert_int_equal(dg_request_wait(request, DEADLINE_MS, &outcome), DG_OK);
    assert_int_equal(outcome.status, 200);
    dg_message_unref(outcome.message);
    dg_request_unref(request);
    assert_int_equal(dg_dialog_hold(dialog, NULL, &request, &error), DG_OK);
    assert_int_equal(dg_request_wait(request, DEADLINE_MS, NULL), DG_OK);
    dg_request_unref(request);
    assert_int_equal(dg_dialog_unhold(dialog, NULL, &request, &error), DG_OK);
    assert_int_equal(dg_request_wait(request, DEADLINE_MS, NULL), DG_OK);
    dg_request_unref(request);
    const struct dg_header via = {"Via", "SIP/2.0/UDP x"};
    options = (struct dg_options)DG_INIT(dg_options);
    options.headers = &via;
    options.header_count = 1;
    assert_int_equal(dg_dialog_update(dialog, &options, NULL, &error), DG_INVALID_PARAMS);
    assert_non_null(strstr(error.text, "Via"));
    assert_int_equal(dg_dialog_close(dialog, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    dg_dialog_unref(dialog);
}

static bool count_one(void *context, struct dg_dialog *dialog)
{
    unsigned *count = context;
    ++*count;
    return true;
}

// Control begins anew: what goes on is there again under the same handle, what went meanwhile has ended.
static void test_restart(void **state)
{
    struct agent_world *world = *state;
    struct dg_dialog *stays = place(world, "sip:bob@y"), *goes = place(world, "sip:ann@y");
    unsigned count = 0;
    assert_int_equal(dg_dialog_wait_state(stays, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_wait_state(goes, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    say(goes, "forget");
    agent_wait_told(world, DG_EVENT_RESUMED, 1); // the dialogs that there were in the beginning
    kill(world->far, SIGUSR1);
    agent_wait_told(world, DG_EVENT_DISCONNECTED, 1);
    agent_wait_told(world, DG_EVENT_LOST, 1);
    assert_true(world->lost_unknown);
    assert_int_equal(dg_dialog_wait_state(goes, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    agent_wait_told(world, DG_EVENT_RESUMED, 2);
    assert_true(dg_agent_is_connected(world->agent));
    assert_int_equal(dg_dialog_state(stays), DG_STATE_CONFIRMED);
    assert_int_equal(dg_agent_list(world->agent, count_one, &count), 1);
    assert_int_equal(count, 1);
    say(stays, "hello");
    const struct dg_names names = {.call_id = "c1@test"};
    count = 0;
    assert_int_equal(dg_agent_find_names(world->agent, &names, count_one, &count), DG_OK);
    assert_int_equal(count, 1);
    assert_int_equal(dg_dialog_terminate(stays, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(stays, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    dg_dialog_unref(stays);
    dg_dialog_unref(goes);
}

// Another program of the application, or the same one again, has the calls that there are.
static void test_taken_up(void **state)
{
    struct agent_world *world = *state;
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_dialog *dialog = place(world, "sip:bob@y");
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    options.socket = world->path;
    options.application = "desk";
    struct dg_agent *agent = dg_agent_create(&options, NULL);
    assert_int_equal(dg_agent_total(agent), 1);
    struct dg_dialog *same = dg_agent_find(agent, dg_dialog_id(dialog));
    assert_int_equal(dg_dialog_state(same), DG_STATE_CONFIRMED);
    assert_int_equal(dg_dialog_terminate(same, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    dg_dialog_unref(same);
    dg_dialog_unref(dialog);
    dg_agent_close(agent);
}

struct slow { // a listener of four events
    struct dg_agent *agent;
    unsigned told;
    uint64_t lost;
    bool ended, answered;
};

static void on_slow(void *context, const struct dg_event *event)
{
    struct slow *slow = context;
    slow->told++;
    slow->lost += event->kind == DG_EVENT_LOST ? event->count : 0;
    slow->ended = slow->ended || event->kind == DG_EVENT_ENDED;
}

static void on_answer(void *context, const struct dg_result *result)
{
    struct slow *slow = context;
    assert_int_equal(result->code, DG_OK);
    assert_non_null(result->dialog);
    slow->answered = true;
}

// Its own loop, calls that do not wait, and a queue that runs over: states are right, the loss is told.
static void test_slow_listener(void **state)
{
    struct agent_world *world = *state;
    struct slow slow = {0};
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_options call = DG_INIT(dg_options);
    struct dg_error error = {0};
    options.socket = world->path;
    options.application = "robot";
    options.on_event = on_slow;
    options.context = &slow;
    options.queue = 4;
    slow.agent = dg_agent_create(&options, &error);
    assert_non_null(slow.agent);
    call.done = on_answer;
    call.context = &slow;
    assert_int_equal(dg_agent_call(slow.agent, "sip:bob@y", &call, NULL, &error), DG_OK);
    while (!slow.answered) {
        struct pollfd one = {.fd = dg_agent_fd(slow.agent), .events = POLLIN};
        assert_int_equal(poll(&one, 1, DEADLINE_MS), 1);
        assert_int_equal(dg_agent_process(slow.agent), DG_OK);
    }
    struct dg_dialog *dialog = NULL;
    assert_int_equal(dg_agent_call(slow.agent, "sip:ann@y", NULL, &dialog, &error), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    say(dialog, "hello");
    say(dialog, "hello");
    say(dialog, "bye");
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    while (!slow.ended) {
        struct pollfd one = {.fd = dg_agent_fd(slow.agent), .events = POLLIN};
        assert_int_equal(poll(&one, 1, DEADLINE_MS), 1);
        assert_int_equal(dg_agent_process(slow.agent), DG_OK);
    }
    assert_true(slow.lost > 0);
    // 1xx, 2xx, two states, three responses, BYE, its state, the end, and what came of the other call
    assert_true(slow.told + slow.lost >= 11);
    dg_agent_close(slow.agent);
    assert_int_equal(dg_dialog_state(dialog), DG_STATE_TERMINATED);
    assert_int_equal(dg_dialog_terminate(dialog, NULL, NULL), DG_CLOSED);
    dg_dialog_unref(dialog);
}

static void on_body(void *context, const struct dg_event *event)
{
    unsigned *told = context;
    size_t length;
    dg_message_body(event->message, &length);
    assert_true(length > 0);
    ++*told;
}

static void test_subscriptions(void **state)
{
    struct agent_world *world = *state;
    unsigned bodies = 0, others = 0;
    struct dg_dialog *dialog = place(world, "sip:bob@y"), *other = place(world, "sip:ann@y");
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_wait_state(other, DG_STATE_CONFIRMED, DEADLINE_MS), DG_OK);
    assert_true(dg_agent_subscribe(world->agent, dialog, DG_ON_BODY, on_body, &bodies) != 0);
    uint64_t silent = dg_agent_subscribe(world->agent, other, DG_ON_BODY, on_body, &others);
    dg_agent_unsubscribe(world->agent, silent);
    dg_agent_unsubscribe(world->agent, silent); // nothing any more
    say(dialog, "ask");
    say(other, "ask");
    say(other, "bye");
    say(dialog, "bye");
    agent_wait_told(world, DG_EVENT_ENDED, 2);
    assert_int_equal(bodies, 2); // INFO and BYE, no response has one
    assert_int_equal(others, 0);
    dg_dialog_unref(dialog);
    dg_dialog_unref(other);
}

enum { THREADS = 8, CALLS = 12 };

struct caller {
    pthread_t thread;
    struct agent_world *world;
    const char *fault; // NULL: none
};

static const char *calls_of(struct agent_world *world)
{
    for (int i = 0; i < CALLS; i++) {
        struct dg_dialog *dialog = NULL;
        unsigned bodies = 0;
        if (dg_agent_call(world->agent, i % 3 ? "sip:bob@y" : "sip:busy@y", NULL, &dialog, NULL) != DG_OK)
            return "a call was not placed";
        uint64_t subscription = dg_agent_subscribe(world->agent, dialog, DG_ON_BODY, on_body, &bodies);
        enum dg_code code = dg_dialog_wait_answer(dialog, DEADLINE_MS, NULL);
        if (code != (i % 3 ? DG_OK : DG_REFUSED))
            return "another answer was awaited";
        if (code == DG_OK) {
            struct dg_request *request = NULL;
            if (dg_dialog_request(dialog, "OPTIONS", NULL, &request, NULL) != DG_OK ||
                dg_request_wait(request, DEADLINE_MS, NULL) != DG_OK)
                return "a request was not answered";
            dg_request_unref(request);
            if (dg_dialog_terminate(dialog, NULL, NULL) != DG_OK)
                return "a call did not end";
        }
        if (dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS) != DG_OK)
            return "a call went on";
        dg_agent_unsubscribe(world->agent, subscription);
        dg_dialog_unref(dialog);
    }
    return NULL;
}

static void *call_often(void *context)
{
    struct caller *caller = context;
    caller->fault = calls_of(caller->world);
    return NULL;
}

static void test_threads(void **state)
{
    struct agent_world *world = *state;
    struct caller callers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        callers[i].world = world;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        if (callers[i].fault)
            fail_msg("%s", callers[i].fault);
    }
    agent_wait_told(world, DG_EVENT_ENDED, THREADS * CALLS);
    assert_int_equal(dg_agent_total(world->agent), 0);
    assert_int_equal(world->told[DG_EVENT_LOST], 0);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_agent, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_call, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_refused_and_cancelled, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_called, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_taken_over, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_changes, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_restart, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_taken_up, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_slow_listener, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_subscriptions, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_threads, agent_setup, agent_teardown),
    };
    if (count != 2)
        return 2;
    far_program = words[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
