// SPDX-License-Identifier: BSD-3-Clause
// The interactive shell: libedit with history and completion of commands, options and names, help on "?".
// Each line is run by a process of its own, so that Ctrl-C ends the command and not the shell. Without a
// terminal the lines of standard input are run one by one, and the exit status is that of the first one that
// failed.
#include <errno.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "complete.h"

#define HISTORY_LINES 500
#define HISTORY_FILE  ".dialgatectl_history" // of the user, in $HOME

static char *prompt(EditLine *editor)
{
    static char text[] = "dialgate> ";
    return text;
}

// The candidates of the word that is begun.
struct candidates {
    char common[128]; // how all of them go on, cut where it has no room
    size_t count;
    bool explain, print;
};

static void take_candidate(void *context, const char *word, const char *help)
{
    struct candidates *found = context;
    if (found->count++ == 0)
        snprintf(found->common, sizeof(found->common), "%s", word);
    size_t same = 0;
    while (found->common[same] && found->common[same] == word[same])
        same++;
    found->common[same] = '\0';
    if (found->print)
        printf(found->explain && help[0] ? "  %-24s  %s\n" : found->explain ? "  %s\n" : "%s  ", word, help);
}

static void find(EditLine *editor, struct candidates *found)
{
    const LineInfo *line = el_line(editor);
    Tokenizer *tokenizer = tok_init(NULL);
    const char **words;
    int count = 0, word = 0, offset = 0;
    struct ctl *ctl;
    el_get(editor, EL_CLIENTDATA, &ctl);
    if (!tokenizer)
        return;
    if (tok_line(tokenizer, line, &count, &words, &word, &offset) == 0) {
        char begun[128];
        snprintf(begun, sizeof(begun), "%.*s", offset, word < count ? words[word] : "");
        struct complete_line asked = {words, word, begun, found->explain};
        found->count = 0;
        complete_words(ctl, &asked, take_candidate, found);
        // Only what goes on is left: the first part stands there.
        size_t length = strlen(begun), whole = strlen(found->common);
        memmove(found->common, found->common + (length < whole ? length : whole),
                whole + 1 - (length < whole ? length : whole));
    }
    tok_end(tokenizer);
}

static unsigned char complete(EditLine *editor, int key)
{
    struct candidates found = {0};
    find(editor, &found);
    if (found.count == 0)
        return CC_ERROR;
    if (found.common[0] && el_insertstr(editor, found.common) != 0)
        return CC_ERROR;
    if (found.count == 1)
        return el_insertstr(editor, " ") == 0 ? CC_REFRESH : CC_ERROR;
    if (found.common[0])
        return CC_REFRESH;
    found = (struct candidates){.print = true};
    fputc('\n', stdout);
    find(editor, &found);
    fputc('\n', stdout);
    return CC_REDISPLAY;
}

// "?" tells what may come next; where nothing may, it is a character like others.
static unsigned char explain(EditLine *editor, int key)
{
    struct candidates found = {.explain = true};
    find(editor, &found);
    if (found.count == 0)
        return el_insertstr(editor, "?") == 0 ? CC_REFRESH : CC_ERROR;
    found = (struct candidates){.explain = true, .print = true};
    fputs("?\n", stdout);
    find(editor, &found);
    return CC_REDISPLAY;
}

// Does the operator want to leave?
static bool is_farewell(const char *line)
{
    size_t before = strspn(line, " \t"), length = strcspn(line + before, " \t\n");
    return length == 4 && (strncmp(line + before, "exit", 4) == 0 || strncmp(line + before, "quit", 4) == 0);
}

// Returns the command's exit status.
static int run_line(struct ctl *ctl, const char *line)
{
    Tokenizer *tokenizer = tok_init(NULL);
    const char **words;
    int count = 0;
    int status = CTL_USAGE;
    if (!tokenizer)
        return CTL_REFUSED;
    if (tok_str(tokenizer, line, &count, &words) != 0)
        fputs("dialgatectl: a quote is not closed\n", stderr);
    else
        status = ctl_execute(ctl, count, words);
    tok_end(tokenizer);
    fflush(ctl->out);
    return status;
}

static int read_script(struct ctl *ctl)
{
    char *line = NULL;
    size_t size = 0;
    int status = CTL_DONE;
    while (getline(&line, &size, stdin) > 0) {
        if (is_farewell(line))
            break;
        int one = run_line(ctl, line);
        if (status == CTL_DONE)
            status = one;
    }
    free(line);
    return status;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = 1;
}

// Ctrl-C reaches both: it is held back until each knows what it does about it, so that none is lost.
static void run_child(struct ctl *ctl, const char *line)
{
    sigset_t held, before;
    int status = 0;
    fflush(NULL);
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigprocmask(SIG_BLOCK, &held, &before);
    pid_t child = interrupted ? -1 : fork();
    signal(SIGINT, child == 0 ? SIG_DFL : SIG_IGN);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child == 0) {
        ctl->client = NULL; // the shell's: two would read from one
        run_line(ctl, line);
        fflush(NULL);
        _exit(0);
    }
    if (child < 0 && !interrupted)
        fprintf(stderr, "dialgatectl: %s\n", strerror(errno));
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0 || WIFSIGNALED(status))
        fputc('\n', stdout);
}

static void read_lines(struct ctl *ctl, EditLine *editor, History *past)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt}; // el_gets() returns
    HistEvent event;
    const char *line;
    int length;
    while (true) {
        sigaction(SIGINT, &interrupt, NULL);
        interrupted = 0;
        line = el_gets(editor, &length);
        if (interrupted) {
            fputs("^C\n", stdout);
            continue;
        }
        if (!line || length <= 0)
            break;
        if (line[0] != '\n')
            history(past, &event, H_ENTER, line);
        if (is_farewell(line))
            return;
        run_child(ctl, line);
    }
    fputc('\n', stdout);
}

// libedit makes the file, for its owner alone. A home that cannot be written to is no reason to complain.
static void keep_history(History *past, int operation)
{
    HistEvent event;
    char path[4096];
    const char *home = getenv("HOME");
    int length = snprintf(path, sizeof(path), "%s/" HISTORY_FILE, home ? home : "");
    if (home && home[0] && length > 0 && (size_t)length < sizeof(path))
        (void)history(past, &event, operation, path);
}

int ctl_shell(struct ctl *ctl)
{
    if (!isatty(STDIN_FILENO))
        return read_script(ctl);
    signal(SIGPIPE, SIG_IGN); // a pager that is left early does not end the shell
    EditLine *editor = el_init("dialgatectl", stdin, stdout, stderr);
    History *past = history_init();
    if (!editor || !past) {
        fputs("dialgatectl: this terminal cannot be edited on; give a command\n", stderr);
        if (past)
            history_end(past);
        if (editor)
            el_end(editor);
        return CTL_REFUSED;
    }
    HistEvent event;
    history(past, &event, H_SETSIZE, HISTORY_LINES);
    history(past, &event, H_SETUNIQUE, 1);
    keep_history(past, H_LOAD);
    el_set(editor, EL_PROMPT, prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, past);
    el_set(editor, EL_ADDFN, "complete", "complete a word", complete);
    el_set(editor, EL_BIND, "^I", "complete", NULL);
    el_set(editor, EL_CLIENTDATA, ctl);
    el_set(editor, EL_ADDFN, "explain", "what may come next", explain);
    el_set(editor, EL_BIND, "?", "explain", NULL);
    read_lines(ctl, editor, past);
    keep_history(past, H_SAVE);
    history_end(past);
    el_end(editor);
    return CTL_DONE;
}
