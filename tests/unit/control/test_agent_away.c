// SPDX-License-Identifier: BSD-3-Clause
// An agent of libdialgate whose daemon goes away and comes back while many threads call, wait for, change and
// cancel the same dialogs. What a thread is told is what such a time allows, no wait outlives its limit by
// far, and afterwards the agent works and has nothing left. Argument: ua-far.
#include "agent_world.h"
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CALLERS = 5, MEDDLERS = 3, DEATHS = 4, CALLS_MAX = 200, WAIT_MS = 300, STEP_MS = 5 };

struct crowd {
    struct agent_world world;
    atomic_bool over;
    atomic_uint calls;
    pthread_mutex_t lock;
    struct dg_dialog *shared; // the newest; under the lock, with a reference
};

struct member {
    pthread_t thread;
    struct crowd *crowd;
    unsigned number;
    enum dg_code fault; // DG_OK: none
};

// True: no daemon that comes and goes explains it.
static bool is_fault(enum dg_code code)
{
    return code == DG_NO_MEMORY || code == DG_PERMISSION || code == DG_BAD_REPLY || code == DG_DENIED ||
           (code >= DG_BAD_ARGUMENT && code <= DG_INTERNAL);
}

static void note(struct member *member, enum dg_code code)
{
    if (is_fault(code))
        member->fault = code;
}

static void share(struct crowd *crowd, struct dg_dialog *dialog)
{
    pthread_mutex_lock(&crowd->lock);
    struct dg_dialog *before = crowd->shared;
    crowd->shared = dg_dialog_ref(dialog);
    pthread_mutex_unlock(&crowd->lock);
    dg_dialog_unref(before);
}

static struct dg_dialog *take_shared(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    struct dg_dialog *dialog = crowd->shared ? dg_dialog_ref(crowd->shared) : NULL;
    pthread_mutex_unlock(&crowd->lock);
    return dialog;
}

static void call_once(struct member *member, unsigned round)
{
    static const char *const targets[] = {"sip:bob@y", "sip:ring@y", "sip:busy@y"};
    struct dg_agent *agent = member->crowd->world.agent;
    struct dg_dialog *dialog = NULL;
    struct dg_request *request = NULL;
    enum dg_code code = dg_agent_call(agent, targets[round % 3], NULL, &dialog, NULL);
    note(member, code);
    if (code != DG_OK) {
        (void)poll(NULL, 0, STEP_MS); // the daemon is not there
        return;
    }
    atomic_fetch_add(&member->crowd->calls, 1);
    share(member->crowd, dialog);
    note(member, dg_dialog_wait_answer(dialog, WAIT_MS, NULL));
    code = dg_dialog_request(dialog, "OPTIONS", NULL, &request, NULL);
    note(member, code);
    if (code == DG_OK)
        note(member, dg_request_wait(request, WAIT_MS, NULL));
    dg_request_unref(request);
    note(member, dg_dialog_terminate(dialog, NULL, NULL));
    note(member, dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, WAIT_MS));
    dg_dialog_unref(dialog);
}

static void *call(void *context)
{
    struct member *member = context;
    for (unsigned round = member->number; !member->crowd->over && member->crowd->calls < CALLS_MAX * CALLERS;
         round++)
        call_once(member, round);
    return NULL;
}

static bool visit(void *context, struct dg_dialog *dialog)
{
    unsigned *states = context;
    *states += dg_dialog_state(dialog);
    return true;
}

static void meddle_with(struct member *member, struct dg_dialog *dialog, unsigned round)
{
    struct dg_dialog_info *info = NULL;
    unsigned states = 0;
    switch (round % 6) {
    case 0:
        note(member, dg_dialog_cancel(dialog, NULL, NULL));
        break;
    case 1:
        note(member, dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, WAIT_MS));
        break;
    case 2:
        note(member, dg_dialog_info(dialog, &info, NULL));
        dg_dialog_info_free(info);
        break;
    case 3:
        note(member, dg_dialog_note(dialog, "a note", NULL));
        break;
    case 4:
        dg_agent_list(member->crowd->world.agent, visit, &states);
        break;
    default:
        note(member, dg_dialog_wait_answer(dialog, WAIT_MS, NULL));
    }
}

static void *meddle(void *context)
{
    struct member *member = context;
    for (unsigned round = member->number; !member->crowd->over; round++) {
        struct dg_dialog *dialog = take_shared(member->crowd);
        if (dialog)
            meddle_with(member, dialog, round);
        else
            (void)poll(NULL, 0, STEP_MS);
        dg_dialog_unref(dialog);
    }
    return NULL;
}

static bool gather(void *context, struct dg_dialog *dialog)
{
    struct dg_dialog **found = context;
    *found = dg_dialog_ref(dialog);
    return false;
}

// What threads could not end while nobody was there.
static void end_all(struct dg_agent *agent)
{
    for (int waited = 0; dg_agent_total(agent) > 0; waited += STEP_MS) {
        struct dg_dialog *dialog = NULL;
        dg_agent_list(agent, gather, &dialog);
        if (dialog)
            (void)dg_dialog_terminate(dialog, NULL, NULL);
        dg_dialog_unref(dialog);
        if (waited > DEADLINE_MS)
            fail_msg("%zu dialogs are left", dg_agent_total(agent));
        (void)poll(NULL, 0, STEP_MS);
    }
}

static void call_again(struct dg_agent *agent)
{
    struct dg_dialog *dialog = NULL;
    assert_int_equal(dg_agent_call(agent, "sip:bob@y", NULL, &dialog, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_answer(dialog, DEADLINE_MS, NULL), DG_OK);
    assert_int_equal(dg_dialog_terminate(dialog, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    dg_dialog_unref(dialog);
    assert_int_equal(dg_agent_total(agent), 0);
}

static unsigned told(struct crowd *crowd, enum dg_event_kind kind)
{
    pthread_mutex_lock(&crowd->world.lock);
    unsigned count = crowd->world.told[kind];
    pthread_mutex_unlock(&crowd->world.lock);
    return count;
}

// A call that is answered on this connection shows that the daemon is there whole, and takes a signal.
static void wait_for_daemon(struct crowd *crowd)
{
    for (int waited = 0; !dg_agent_is_connected(crowd->world.agent); waited += STEP_MS) {
        if (waited > DEADLINE_MS)
            fail_msg("the agent does not connect");
        (void)poll(NULL, 0, STEP_MS);
    }
    agent_wait_told(&crowd->world, DG_EVENT_ANSWERED, told(crowd, DG_EVENT_ANSWERED) + 1);
}

static void test_away(void **state)
{
    struct crowd *crowd = *state;
    struct member members[CALLERS + MEDDLERS];
    for (unsigned i = 0; i < CALLERS + MEDDLERS; i++) {
        members[i] = (struct member){.crowd = crowd, .number = i};
        assert_int_equal(pthread_create(&members[i].thread, NULL, i < CALLERS ? call : meddle, &members[i]),
                         0);
    }
    for (unsigned death = 1; death <= DEATHS; death++) {
        wait_for_daemon(crowd);
        kill(crowd->world.far, SIGUSR1);
        agent_wait_told(&crowd->world, DG_EVENT_DISCONNECTED, death);
    }
    wait_for_daemon(crowd);
    crowd->over = true;
    for (unsigned i = 0; i < CALLERS + MEDDLERS; i++)
        pthread_join(members[i].thread, NULL);
    for (unsigned i = 0; i < CALLERS + MEDDLERS; i++)
        if (members[i].fault != DG_OK)
            fail_msg("thread %u: %s", i, dg_code_text(members[i].fault));
    end_all(crowd->world.agent);
    call_again(crowd->world.agent);
}

static int setup(void **state)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    *state = crowd;
    if (!crowd || far_begin(&crowd->world) < 0 || pthread_mutex_init(&crowd->lock, NULL) != 0)
        return -1;
    options.socket = crowd->world.path;
    options.application = "desk";
    options.on_event = agent_on_event;
    options.context = &crowd->world;
    options.timeout_ms = DEADLINE_MS;
    options.queue = 65536; // more than there are events: none of those that are waited for is dropped
    crowd->world.agent = dg_agent_create(&options, NULL);
    return crowd->world.agent && dg_agent_start(crowd->world.agent) == DG_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct crowd *crowd = *state;
    dg_dialog_unref(crowd->shared);
    dg_agent_close(crowd->world.agent);
    pthread_mutex_destroy(&crowd->lock);
    int result = far_end(&crowd->world);
    free(crowd);
    return result;
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_away, setup, teardown)};
    if (count != 2)
        return 2;
    far_program = words[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
