// SPDX-License-Identifier: BSD-3-Clause
// The programs of config/examples/applications against ua_far.c. Arguments: that one, answering_machine,
// click_to_dial, transfer_desk; and dialgatectl. A second agent of the same application is the other hand.
#include "agent_world.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *machine_program, *dial_program, *desk_program, *ctl_program;

static pid_t start(const char *const *words)
{
    pid_t pid = fork();
    if (pid == 0) {
        int log = open("/dev/null", O_WRONLY);
        dup2(log, 1);
        execv(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static int finish(pid_t pid)
{
    int status = -1;
    for (int waited = 0; waited < DEADLINE_MS; waited += 5) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        (void)poll(NULL, 0, 5);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

static void be_called(struct agent_world *world)
{
    struct dg_options options = DG_INIT(dg_options);
    options.to = "sip:bob@y";
    options.content_type = "text/plain";
    options.body = "call";
    assert_int_equal(dg_agent_request(world->agent, "MESSAGE", &options, NULL, NULL), DG_OK);
}

// Of the program's calls the first that is confirmed; the caller's.
static bool take_confirmed(void *context, struct dg_dialog *dialog)
{
    struct dg_dialog **found = context;
    if (dg_dialog_state(dialog) == DG_STATE_CONFIRMED)
        *found = dg_dialog_ref(dialog);
    return !*found;
}

static struct dg_dialog *wait_confirmed(struct agent_world *world, size_t count)
{
    struct dg_dialog *found = NULL;
    for (int waited = 0; dg_agent_count(world->agent, DG_STATE_CONFIRMED) < count; waited += 5) {
        assert_true(waited < DEADLINE_MS);
        (void)poll(NULL, 0, 5);
    }
    dg_agent_list(world->agent, take_confirmed, &found);
    assert_non_null(found);
    return found;
}

// The far end sends a re-INVITE, and hangs up when it is answered 200; one that comes too early gets 491.
static void hang_up_changed(struct dg_dialog *dialog)
{
    struct dg_options options = DG_INIT(dg_options);
    enum dg_code code = DG_TIMEOUT;
    options.content_type = "text/plain";
    options.body = "change";
    for (int waited = 0; code == DG_TIMEOUT && waited < DEADLINE_MS; waited += 500) {
        (void)dg_dialog_request(dialog, "INFO", &options, NULL, NULL); // it may just have ended
        code = dg_dialog_wait_state(dialog, DG_STATE_TERMINATED, 500);
    }
    assert_int_equal(code, DG_OK);
    dg_dialog_unref(dialog);
}

// It is attached as soon as it answers: until then calls are refused or wait for the other agent.
static struct dg_dialog *wait_taken(struct agent_world *world)
{
    for (int i = 1; i < 100; i++) {
        be_called(world);
        agent_wait_told(world, DG_EVENT_INCOMING, (unsigned)i);
        for (int waited = 0; waited < 200; waited += 5) {
            if (dg_agent_count(world->agent, DG_STATE_CONFIRMED) > 0)
                return wait_confirmed(world, 1);
            (void)poll(NULL, 0, 5);
        }
    }
    fail_msg("nobody answers");
    return NULL;
}

static void test_answering_machine(void **state)
{
    struct agent_world *world = *state;
    const char *const words[] = {machine_program, "desk", "1", world->path, NULL};
    pid_t pid = start(words);
    hang_up_changed(wait_taken(world));
    assert_int_equal(finish(pid), 0);
}

static void test_click_to_dial(void **state)
{
    struct agent_world *world = *state;
    const char *const words[] = {dial_program, "desk", "sip:ann@y", "sip:bob@y", world->path, NULL};
    pid_t pid = start(words);
    // Whichever it is: its offer goes to the other, whose answer comes back, and when one leaves, the program
    // hangs the other up.
    hang_up_changed(wait_confirmed(world, 2));
    assert_int_equal(finish(pid), 0);
    agent_wait_told(world, DG_EVENT_ENDED, 2);
    const char *const busy[] = {dial_program, "desk", "sip:ann@y", "sip:busy@y", world->path, NULL};
    assert_int_equal(finish(start(busy)), 1);
    agent_wait_told(world, DG_EVENT_ENDED, 4);
}

// dialgatectl call place --wait: what became of the call is its exit status.
static void test_wait(void **state)
{
    struct agent_world *world = *state;
    static const struct {
        const char *to, *wait;
        int status;
    } rows[] = {{"sip:bob@y", "20s", 0}, {"sip:busy@y", "20s", 3}, {"sip:ring@y", "100ms", 4}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const words[] = {ctl_program,     "--socket", world->path, "call",   "place",
                                     rows[i].to,      "--peer",   "carrier-a", "--wait", rows[i].wait,
                                     "--application", "desk",     NULL};
        print_message("%s\n", rows[i].to);
        assert_int_equal(finish(start(words)), rows[i].status);
    }
    const char *const nobody[] = {ctl_program, "--socket", world->path, "call", "place",
                                  "sip:bob@y", "--wait",   "1s",        NULL};
    assert_int_equal(finish(start(nobody)), 2); // whose?
}

// dialgatectl refer send --wait: in a dialog, and to somebody without one.
static void test_wait_refer(void **state)
{
    struct agent_world *world = *state;
    static const struct {
        const char *target, *wait;
        int status;
    } rows[] = {{"sip:done@z", "20s", 0}, {"sip:busy@z", "20s", 3}, {"sip:ring@z", "100ms", 4}};
    struct dg_dialog *dialog;
    assert_int_equal(dg_agent_call(world->agent, "sip:bob@y", NULL, &dialog, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_answer(dialog, DEADLINE_MS, NULL), DG_OK);
    const char *const ways[][6] = {
        {dg_dialog_id(dialog)},
        {"sip:bob@y", "--application", "desk", "--peer", "carrier-a"},
    };
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            const char *words[16] = {ctl_program,  "--socket",     world->path, "refer",     "send",
                                     ways[way][0], rows[i].target, "--wait",    rows[i].wait};
            for (size_t k = 1; ways[way][k]; k++)
                words[8 + k] = ways[way][k];
            print_message("%s to %s\n", ways[way][0], rows[i].target);
            assert_int_equal(finish(start(words)), rows[i].status);
        }
    }
    dg_dialog_unref(dialog);
}

static void test_transfer_desk(void **state)
{
    struct agent_world *world = *state;
    const char *const words[] = {desk_program, "desk", world->path, "sip:busy@y", "sip:silent@y", NULL};
    pid_t pid = start(words);
    hang_up_changed(wait_taken(world)); // while it is on its way to the second target
    kill(pid, SIGTERM);
    assert_int_equal(finish(pid), 0);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answering_machine, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_click_to_dial, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_wait, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_wait_refer, agent_setup, agent_teardown),
        cmocka_unit_test_setup_teardown(test_transfer_desk, agent_setup, agent_teardown),
    };
    if (count != 6)
        return 2;
    far_program = words[1];
    machine_program = words[2];
    dial_program = words[3];
    desk_program = words[4];
    ctl_program = words[5];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
