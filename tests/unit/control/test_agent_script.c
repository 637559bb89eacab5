// SPDX-License-Identifier: BSD-3-Clause
// Agents of libdialgate against a daemon that says what a table says: transfers, lines that no good daemon
// sends, and connections that end.
#include "agent_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ONE               "1100000000000001"
#define TWO               "1100000000000002"
#define REPLY(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}\n"
#define EVENT(seq, event)                                                                                    \
    "{\"jsonrpc\":\"2.0\",\"method\":\"ua.event\",\"params\":{\"application\":\"desk\",\"stream\":\"s1\","   \
    "\"seq\":" seq "," event "}}\n"
#define ATTACHED(id, next) REPLY(id, "{\"application\":\"desk\",\"stream\":\"s1\",\"next\":" next "}")
#define ROW(dialog)        "{\"dialog\":\"" dialog "\",\"state\":\"confirmed\",\"role\":\"client\"}"
#define LISTED(id)         REPLY(id, "{\"dialogs\":[" ROW(ONE) "," ROW(TWO) "],\"after\":null}")

struct step {
    const char *expect[3]; // parts of the next line; the first NULL: another connection
    const char *say;       // NULL: the connection is closed, if it is not begun here; "": the end
};

struct script {
    struct agent_world world;
    const struct step *steps; // end with say ""
    pthread_t thread;
    int listener;
    bool fault; // the thread's, until it is joined
};

static int accept_next(const struct script *script, int fd)
{
    if (fd >= 0)
        close(fd);
    return accept(script->listener, NULL, NULL);
}

static bool read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    while (used + 1 < size && recv(fd, line + used, 1, 0) == 1 && line[used] != '\n')
        used++;
    line[used] = '\0';
    return used > 0;
}

static void *play(void *context)
{
    struct script *script = context;
    int fd = -1;
    static char line[65536];
    for (const struct step *step = script->steps; !step->say || *step->say; step++) {
        if (!step->expect[0]) {
            fd = accept_next(script, fd);
            continue;
        }
        bool good = read_line(fd, line, sizeof(line));
        for (int i = 0; i < 3 && step->expect[i]; i++)
            good = good && strstr(line, step->expect[i]) != NULL;
        if (!good) {
            print_error("%s: %s\n", step->expect[0], line);
            script->fault = true;
            break;
        }
        if (!step->say)
            shutdown(fd, SHUT_RDWR);
        else if (send(fd, step->say, strlen(step->say), MSG_NOSIGNAL) < 0)
            script->fault = true;
    }
    // What comes behind the script is read and forgotten.
    while (!script->fault && read_line(fd, line, sizeof(line)))
        continue;
    close(fd);
    return NULL;
}

static void begin(struct script *script, const struct step *steps)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error = {0};
    memset(script, 0, sizeof(*script));
    pthread_mutex_init(&script->world.lock, NULL);
    script->steps = steps;
    strcpy(script->world.directory, "/tmp/dialgate-agent-XXXXXX");
    assert_non_null(mkdtemp(script->world.directory));
    snprintf(script->world.path, sizeof(script->world.path), "%s/socket", script->world.directory);
    strcpy(address.sun_path, script->world.path);
    script->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(script->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(script->listener, 8), 0);
    assert_int_equal(pthread_create(&script->thread, NULL, play, script), 0);
    options.socket = script->world.path;
    options.application = "desk";
    options.on_event = agent_on_event;
    options.context = &script->world;
    options.timeout_ms = DEADLINE_MS;
    script->world.agent = dg_agent_create(&options, &error);
    if (!script->world.agent)
        fail_msg("%s", error.text);
    assert_int_equal(dg_agent_start(script->world.agent), DG_OK);
}

static void end(struct script *script)
{
    dg_request_unref(script->world.asked);
    dg_agent_close(script->world.agent);
    pthread_join(script->thread, NULL);
    close(script->listener);
    unlink(script->world.path);
    rmdir(script->world.directory);
    pthread_mutex_destroy(&script->world.lock);
    assert_false(script->fault);
}

static void test_transfers(void **state)
{
    static const struct step steps[] = {
        {{NULL}, NULL},
        {{"\"ua.attach\"", "\"application\":\"desk\""}, ATTACHED("1", "1")},
        {{"\"ua.list\"", "\"limit\":1000"}, LISTED("2")},
        {{"\"refer.send\"", "\"to\":\"sip:carol@y\"", "\"subscribe\":false"},
         REPLY("3", "{\"refer\":\"aa\"}")
             EVENT("1", "\"event\":\"refer_progress\",\"dialog\":\"" ONE
                        "\",\"refer\":\"aa\",\"status\":180,\"reason\":\"Ringing\",\"final\":false")
                 EVENT("2", "\"event\":\"refer_progress\",\"dialog\":\"" ONE
                            "\",\"refer\":\"aa\",\"status\":200,\"reason\":\"OK\",\"final\":true")},
        {{"\"refer.send\"", "\"replaces\":\"" TWO "\"", "\"early_only\":true"},
         REPLY("4", "{\"refer\":\"bb\"}")
             EVENT("3", "\"event\":\"refer_progress\",\"dialog\":\"" ONE
                        "\",\"refer\":\"bb\",\"status\":603,\"reason\":\"Decline\",\"final\":true")
                 EVENT("4", "\"event\":\"refer\",\"dialog\":\"" TWO
                            "\",\"refer\":\"cc\",\"to\":\"sip:dave@y\",\"referred_by\":\"sip:b@y\"")},
        {{"\"refer.answer\"", "\"accept\":true", "\"refer\":\"cc\""}, REPLY("5", "{}")},
        {{"\"refer.notify\"", "\"status\":180", "\"final\":false"}, REPLY("6", "{}")},
        {{"\"refer.answer\"", "\"accept\":false", "\"status\":603"}, REPLY("7", "{}")},
        {{"\"refer.send\""},
         "{\"jsonrpc\":\"2.0\",\"id\":8,\"error\":{\"code\":-32016,\"message\":\"not there\"}}\n"},
        {.say = ""},
    };
    struct script script;
    struct dg_options options = DG_INIT(dg_options);
    struct dg_request *refer;
    struct dg_outcome outcome;
    begin(&script, steps);
    struct dg_dialog *one = dg_agent_find(script.world.agent, ONE),
                     *two = dg_agent_find(script.world.agent, TWO);
    assert_int_equal(dg_dialog_state(one), DG_STATE_CONFIRMED);
    options.no_subscription = true;
    assert_int_equal(dg_dialog_refer(one, "sip:carol@y", &options, &refer, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_refer(refer, DEADLINE_MS, &outcome), DG_OK);
    assert_int_equal(outcome.status, 200);
    assert_string_equal(outcome.reason, "OK");
    dg_request_unref(refer);
    options = (struct dg_options)DG_INIT(dg_options);
    options.early_only = true;
    assert_int_equal(dg_dialog_refer_replace(one, two, &options, &refer, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_refer(refer, DEADLINE_MS, &outcome), DG_OK);
    assert_int_equal(outcome.status, 603);
    assert_int_equal(dg_refer_accept(refer, NULL, NULL), DG_BAD_ARGUMENT); // ours
    dg_request_unref(refer);
    agent_wait_told(&script.world, DG_EVENT_REFER, 1);
    refer = script.world.asked;
    assert_non_null(refer);
    assert_string_equal(dg_refer_to(refer), "sip:dave@y");
    assert_string_equal(dg_refer_replaces(refer), "");
    assert_string_equal(dg_refer_referred_by(refer), "sip:b@y");
    assert_string_equal(dg_request_method(refer), "REFER");
    assert_int_equal(dg_refer_accept(refer, NULL, NULL), DG_OK);
    assert_int_equal(dg_refer_notify(refer, 180, false, NULL, NULL), DG_OK);
    assert_int_equal(dg_refer_refuse(refer, 603, NULL, NULL), DG_OK);
    assert_int_equal(dg_dialog_wait_refer(refer, DEADLINE_MS, &outcome), DG_OK);
    assert_int_equal(dg_dialog_refer(one, "sip:x@y", NULL, NULL, NULL), DG_REFER_TARGET);
    assert_int_equal(script.world.told[DG_EVENT_REFER_PROGRESS], 3);
    dg_dialog_unref(one);
    dg_dialog_unref(two);
    end(&script);
}

// The same stream goes on where it was; what it forgot is told, and dialogs are listed.
static void test_same_stream(void **state)
{
    static const struct step steps[] = {
        {{NULL}, NULL},
        {{"\"ua.attach\""}, ATTACHED("1", "5")},
        {{"\"ua.list\""},
         LISTED("2") EVENT("5", "\"event\":\"state\",\"dialog\":\"" ONE
                                "\",\"from\":\"confirmed\",\"to\":\"terminating\",\"reason\":\"bye\"")},
        {{"\"ua.terminate\""}, NULL},
        {{NULL}, NULL},
        {{"\"ua.attach\"", "\"stream\":\"s1\"", "\"since\":5"},
         ATTACHED("4", "6") EVENT("8", "\"event\":\"lost\",\"count\":3")},
        {{"\"ua.list\""}, REPLY("5", "{\"dialogs\":[" ROW(TWO) "],\"after\":null}")},
        {.say = ""},
    };
    struct script script;
    begin(&script, steps);
    struct dg_dialog *one = dg_agent_find(script.world.agent, ONE);
    assert_int_equal(dg_dialog_wait_state(one, DG_STATE_TERMINATING, DEADLINE_MS), DG_OK);
    assert_int_equal(dg_dialog_terminate(one, NULL, NULL), DG_CLOSED); // nobody knows whether it is done
    agent_wait_told(&script.world, DG_EVENT_DISCONNECTED, 1);
    agent_wait_told(&script.world, DG_EVENT_LOST, 1);
    assert_int_equal(script.world.lost, 3);
    assert_int_equal(dg_dialog_wait_state(one, DG_STATE_TERMINATED, DEADLINE_MS), DG_OK);
    agent_wait_told(&script.world, DG_EVENT_ENDED, 1);
    assert_int_equal(dg_agent_total(script.world.agent), 1);
    dg_dialog_unref(one);
    end(&script);
}

static void test_bad_lines(void **state)
{
    static const struct step steps[] = {
        {{NULL}, NULL},
        {{"\"ua.attach\""},
         "{\"method\":\"event\",\"params\":{}}\n" REPLY("99", "{}") ATTACHED("1", "1")
             EVENT("1", "\"event\":\"nonsense\",\"dialog\":7")},
        {{"\"ua.list\""}, LISTED("2") "hello\n"},
        {{NULL}, NULL},
        {{"\"ua.attach\""}, ATTACHED("3", "2")},
        {.say = ""},
    };
    struct script script;
    begin(&script, steps);
    agent_wait_told(&script.world, DG_EVENT_DISCONNECTED, 1);
    agent_wait_told(&script.world, DG_EVENT_RESUMED, 2);
    assert_int_equal(dg_agent_total(script.world.agent), 2);
    end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_same_stream),
        cmocka_unit_test(test_bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
