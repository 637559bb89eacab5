// SPDX-License-Identifier: BSD-3-Clause
// The interactive shell: libedit with history and completion of nouns, verbs and options. Without a terminal
// the lines of standard input are run one by one, and the exit status is that of the first one that failed.
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

#define HISTORY_LINES 500

static char *prompt(EditLine *editor)
{
    static char text[] = "dialgate> ";
    return text;
}

// What may stand in place number `at` behind the words before it; NULL behind the last candidate.
static const char *candidate(const char *const *words, int at, size_t index)
{
    size_t seen = 0;
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        bool noun = at > 0 && strcmp(command->noun, words[0]) == 0;
        // Rows of one noun stand together: the first of them names it.
        bool first = command == ctl_commands || strcmp(command->noun, command[-1].noun) != 0;
        if (at == 0 && first && seen++ == index)
            return command->noun;
        if (at == 1 && noun && command->verb && seen++ == index)
            return command->verb;
        if (at < 2 || !noun || !command->verb || strcmp(command->verb, words[1]) != 0)
            continue;
        for (const struct ctl_word *option = command->options; option->name; option++)
            if (seen++ == index)
                return option->name;
    }
    return NULL;
}

static void show_candidates(const char *const *words, int at, const char *begun)
{
    const char *name;
    fputc('\n', stdout);
    for (size_t i = 0; (name = candidate(words, at, i)); i++)
        if (strncmp(name, begun, strlen(begun)) == 0)
            printf("%s  ", name);
    fputc('\n', stdout);
}

static unsigned char complete(EditLine *editor, int key)
{
    const LineInfo *line = el_line(editor);
    Tokenizer *tokenizer = tok_init(NULL);
    const char **words;
    int count = 0, word = 0, offset = 0;
    unsigned char outcome = CC_ERROR;
    if (!tokenizer)
        return CC_ERROR;
    if (tok_line(tokenizer, line, &count, &words, &word, &offset) == 0) {
        char begun[64];
        const char *match = NULL;
        size_t matches = 0;
        const char *name;
        snprintf(begun, sizeof(begun), "%.*s", offset, word < count ? words[word] : "");
        for (size_t i = 0; (name = candidate(words, word, i)); i++)
            if (strncmp(name, begun, strlen(begun)) == 0) {
                match = name;
                matches++;
            }
        if (matches == 1 && el_insertstr(editor, match + strlen(begun)) == 0 &&
            el_insertstr(editor, " ") == 0)
            outcome = CC_REFRESH;
        if (matches > 1) {
            show_candidates(words, word, begun);
            outcome = CC_REDISPLAY;
        }
    }
    tok_end(tokenizer);
    return outcome;
}

// Returns the command's exit status, or -1 when the operator wants to leave.
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
    else if (count > 0 && (strcmp(words[0], "exit") == 0 || strcmp(words[0], "quit") == 0))
        status = -1;
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
        int one = run_line(ctl, line);
        if (one < 0)
            break;
        if (status == CTL_DONE)
            status = one;
    }
    free(line);
    return status;
}

int ctl_shell(struct ctl *ctl)
{
    if (!isatty(STDIN_FILENO))
        return read_script(ctl);
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
    el_set(editor, EL_PROMPT, prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, past);
    el_set(editor, EL_ADDFN, "complete", "complete a word", complete);
    el_set(editor, EL_BIND, "^I", "complete", NULL);
    const char *line;
    int length;
    while ((line = el_gets(editor, &length)) && length > 0) {
        if (line[0] != '\n')
            history(past, &event, H_ENTER, line);
        if (run_line(ctl, line) < 0)
            break;
    }
    history_end(past);
    el_end(editor);
    return CTL_DONE;
}
