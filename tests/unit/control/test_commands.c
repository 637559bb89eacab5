// SPDX-License-Identifier: BSD-3-Clause
// The real dialgatectl with a real dialgate-control, without a dataplane: commands, the terminal, completion,
// and the reference of methods. Arguments: the two programs.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "process.h"

#define TEN       "0123456789"
#define LONG_PATH TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

// Nothing that an operator looks at every day is wider than a terminal.
static void test_width(void **state)
{
    struct world *world = *state;
    static const char *const screens[][3] = {{"peer", "list"}, {"peer", "show", "sbcs"}};
    char output[65536];
    for (size_t i = 0; i < sizeof(screens) / sizeof(screens[0]); i++) {
        const char *words[8] = {ctl_program,   "--run-directory", world->run,
                                screens[i][0], screens[i][1],     screens[i][2]};
        assert_int_equal(process_run(world, words, output, sizeof(output)), 0);
        for (const char *line = output; *line; line += strcspn(line, "\n"), line += *line == '\n') {
            if (strcspn(line, "\n") > 80)
                fail_msg("%.*s", (int)strcspn(line, "\n"), line);
        }
    }
}

static void test_dialgatectl(void **state)
{
    struct world *world = *state;
    char output[65536];
    static const struct {
        const char *words[8];
        int status;
        const char *says;
    } rows[] = {
        {{"status"}, 0, "NOT READY"},
        {{"status", "--watch=0"}, 2, "a number of seconds"},
        {{"drain", "on", "--watch"}, 2, "nothing to --watch"},
        {{"top", "--once"}, 0, "NOT READY"},
        {{"top", "--once", "--json"}, 0, "\"answered_share\":null"},
        {{"completion", "words", "--", "pe"}, 0, "peer\n"},
        {{"completion", "words", "--", "--json", "dialog", "li"}, 0, "list\n"},
        {{"completion", "words", "--", "dialog", "list", "--st"}, 0, "--state\n"},
        {{"completion", "words", "--", "dialog", "list", "--state", "ea"}, 0, "early\n"},
        {{"completion", "words", "--", "peer", "show", "sb"}, 0, "sbcs\n"},
        {{"completion", "words", "--", "peer", "drain", "sbcs", ""}, 0, "10.20.0.11:5060\n10.20.0.12:5060\n"},
        {{"completion", "words", "--", "config", "rollback", ""}, 0, "1\n"},
        {{"completion", "words", "--", "api", "drain."}, 0, "drain.off\n"},
        {{"completion", "words", "--", "dialog", "show", ""}, 0, ""},
        {{"completion", "words", "--", "--socket", "/nonexistent", "peer", "show", ""}, 0, ""},
        {{"--json", "status"}, 0, "\"ready\":false"},
        {{"status", "--json"}, 0, "\"ready\":false"},
        {{"peer", "list"}, 0, "carrier-a"},
        {{"peer", "show", "sbcs"}, 0, "10.20.0.12:5060"},
        {{"peer", "show"}, 2, "PEER"},
        {{"peer", "show", "x"}, 1, "no peer is called x"},
        {{"peer", "show", "a", "b"}, 2, "one word too many"},
        {{"peer"}, 2, "no such command: peer; behind peer comes one of list, show, "},
        {{"peer", "lst"}, 2, "no such command: peer lst; did you mean list? behind peer comes one of list"},
        {{"per", "list"}, 2, "no such command: per; did you mean peer? see"},
        {{"--bogus"}, 2, "unknown option --bogus"},
        {{"dialog", "list", "--limit=2"}, 1, "dataplane"},
        {{"dialog", "list", "-x"}, 2, "unknown option -x"},
        {{"dialog", "end", "--all=1"}, 2, "unknown option --all=1"},
        {{"status", "--socket", "/nonexistent/x"}, 1, "is it running?"},
        {{"status", "--socket=/nonexistent/x"}, 1, "is it running?"},
        {{"status", "--run-directory"}, 2, "value is missing"},
        {{"peer", "list", "--run-directory", LONG_PATH}, 2, "too long for a socket"},
        {{"peer", "--help"}, 0, "COMMAND ...; dialgatectl --help tells the options\n\n  peer list "},
        {{"peer", "drain", "-h"}, 0, "MEMBER: address, address:port or host"},
        {{"help", "bogus"}, 0, "usage: dialgatectl [--json]"},
        {{"bogus"}, 2, "no such command"},
        {{"dialog", "list"}, 1, "dataplane"},
        {{"capture", "start", "--sample", "1"}, 1, "the dataplane is absent: nothing can be captured"},
        {{"refer", "list", "--json"}, 0, "\"transfers\":[]"},
        {{"refer", "list"}, 0, "no transfers\n"},
        {{"application", "list"}, 0, "no applications are configured\n"},
        {{"call", "list"}, 0, "no calls of applications\n"},
        {{"refer", "list", "--origin", "nobody"}, 1, "origin"},
        {{"refer", "show", "00000000000000ff"}, 1, "no transfer is called so; refer.list names them"},
        {{"refer", "send", "0123456789abcdef"}, 2, "give one TARGET, or --replaces"},
        {{"refer", "send", "0123456789abcdef", "sip:a@b", "sip:c@d"}, 2, "give one TARGET, or --replaces"},
        {{"refer", "send", "0123456789abcdef", "sip:a@b", "--header", "x"}, 1, "is not \"Name: value\""},
        {{"refer", "send", "0123456789abcdef", "sip:a@b", "--no-subscribe", "--outside"},
         1,
         "no application has a dialog"},
        {{"completion", "words", "--", "refer", "send", "x", "--re"},
         0,
         "--replaces\n--replaces-party\n--referred-by\n"},
        {{"refer", "send", "sip:a@b", "sip:c@d"}, 1, "this client is attached to none"},
        {{"refer", "send", "sips:a@b", "sip:c@d", "--application", "x"}, 1, "no application is called x"},
        {{"refer", "send", "0123456789abcdef", "callee"}, 2, "give one TARGET, or --replaces"},
        {{"refer", "send", "0123456789abcdef", "callee", "sip:a@b", "--keep"},
         1,
         "the data plane is not connected"},
        {{"refer", "send", "0123456789abcdef", "sip:a@b", "callee"}, 2, "give one TARGET, or --replaces"},
        {{"refer", "answer", "0123456789abcdef"}, 1, "no transfer is called so"},
        {{"refer", "answer", "0123456789abcdef", "--refuse", "200"}, 1, "status"},
        {{"refer", "notify", "0123456789abcdef", "180", "--reason", "Ringing"},
         1,
         "no transfer is called so"},
        {{"refer", "notify", "0123456789abcdef"}, 2, "STATUS"},
        {{"call", "place", "sip:a@b", "--wait", "1s"}, 2, "--wait needs --application"},
        {{"capture", "start"}, 1, "give one of"},
        {{"capture", "start", "--sample", "1", "--max-size", "64KB"}, 2, "not understood"},
        {{"capture", "start", "--peer", "x", "--max-size=64KiB"}, 1, "no peer is called x"},
        {{"capture", "list", "--json"}, 0, "\"captures\":[]"},
        {{"capture", "stop", "1"}, 1, "there is no capture 1"},
        {{"completion", "words", "--", "capture", "start", "--max"}, 0, "--max-messages\n--max-size\n"},
        {{"dialog", "list", "--older", "x"}, 2, "not understood"},
        {{"dialog", "list", "--peer"}, 2, "value is missing"},
        {{"dialog", "list", "--none"}, 2, "unknown option"},
        {{"prefilter", "ban", "1.2.3.4", "--for", "5"}, 1, "dataplane"},
        {{"prefilter", "ban", "1.2.3.4", "--for", "10ms"}, 2, "not understood"},
        {{"config", "show"}, 0, "listeners:"},
        {{"config", "reload"}, 0, "sequence 2"},
        {{"config", "reload", "/nonexistent"}, 1, "No such file"},
        {{"metrics"}, 0, "dialgate_dataplane_up 0"},
        {{"dialog", "end", "--help"}, 0, "usage:"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *words[12] = {ctl_program, "--run-directory", world->run};
        for (size_t k = 0; k < 8 && rows[i].words[k]; k++)
            words[k + 3] = rows[i].words[k];
        print_message("%s %s\n", words[3], words[4] ? words[4] : "");
        assert_int_equal(process_run(world, words, output, sizeof(output)), rows[i].status);
        assert_non_null(strstr(output, rows[i].says));
    }
    const char *check[] = {ctl_program, "config", "check", world->config, NULL};
    assert_int_equal(process_run(world, check, output, sizeof(output)), 0);
    const char *nobody[] = {ctl_program, "--socket", "/nonexistent/x", "status", NULL};
    assert_int_equal(process_run(world, nobody, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "is it running?"));
}

// script(1) gives it a terminal.
static void test_terminal(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *environment, *says, *never;
    } rows[] = {{"PAGER='sed s/^/paged:/' TERM=xterm", "paged:\033[1mPEER\033[0m", NULL},
                {"PAGER=cat TERM=xterm", "\033[1mPEER\033[0m", "paged"},
                {"PAGER= TERM=xterm NO_COLOR=1", "PEER ", "\033"},
                {"PAGER=cat TERM=dumb", "PEER ", "\033"},
                {"PAGER=/nonexistent TERM=dumb", "PAGER=cat does without", NULL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024], output[65536];
        snprintf(text, sizeof(text), "%s script -qc '%s --run-directory %s peer list' /dev/null",
                 rows[i].environment, ctl_program, world->run);
        const char *words[] = {"/bin/bash", "-c", text, NULL};
        process_run(world, words, output, sizeof(output));
        print_message("%s\n", rows[i].environment);
        assert_non_null(strstr(output, rows[i].says));
        if (rows[i].never)
            assert_null(strstr(output, rows[i].never));
    }
}

// As a bash completes a line that ends where the cursor stands.
static void test_completion_of_bash(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *line, *replies;
    } rows[] = {{"pee", "<peer>"},
                {"peer show sb", "<sbcs>"},
                {"peer drain sbcs 10.20.0.1", "<10.20.0.11:5060><10.20.0.12:5060>"},
                {"peer drain sbcs 10.20.0.12:5", "<5060>"}, // bash holds "10.20.0.12:" for a word of its own
                {"drain ", "<on><off><status>"},
                {"peer show nobody", "<>"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024], output[65536];
        snprintf(text, sizeof(text),
                 "set -u; source <(%s completion bash); COMP_WORDBREAKS=' :' COMP_LINE='%s --run-directory "
                 "%s %s'; "
                 "COMP_POINT=${#COMP_LINE}; _dialgatectl; printf '<%%s>' \"${COMPREPLY[@]}\"",
                 ctl_program, ctl_program, world->run, rows[i].line);
        const char *words[] = {"/bin/bash", "-c", text, NULL};
        assert_int_equal(process_run(world, words, output, sizeof(output)), 0);
        assert_string_equal(output, rows[i].replies);
    }
}

// The reference in the tree is what the daemon says of itself: every method, and no other.
static void test_reference_of_methods(void **state)
{
    static char output[65536], file[65536];
    const char *words[] = {ctl_program, "--run-directory", ((struct world *)*state)->run, "api", NULL, NULL};
    assert_int_equal(process_run(*state, words, output, sizeof(output)), 0);
    FILE *in = fopen(SOURCE_ROOT "/control/rpc/API.md", "r");
    size_t length = in ? fread(file, 1, sizeof(file) - 1, in) : 0;
    file[length] = '\0';
    if (in)
        fclose(in);
    if (strcmp(output, file) != 0)
        fail_msg("control/rpc/API.md is old: dialgatectl api >control/rpc/API.md");
    words[4] = "dialog.list";
    assert_int_equal(process_run(*state, words, output, sizeof(output)), 0);
    assert_non_null(strstr(output, "* `stream`, optional: page after page"));
    assert_null(strstr(output, "dialog.show"));
    words[4] = "dialog";
    assert_int_equal(process_run(*state, words, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "no method is called dialog"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, daemon_setup, daemon_teardown)

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    control_program = argv[1];
    ctl_program = argv[2];
    const struct CMUnitTest tests[] = {T(test_dialgatectl), T(test_width), T(test_completion_of_bash),
                                       T(test_terminal), T(test_reference_of_methods)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
