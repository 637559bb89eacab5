// SPDX-License-Identifier: BSD-3-Clause
// What dialgatectl tells of itself: all commands, some of them, and what a wrong word may have meant.
#include <ctype.h>
#include <string.h>
#include "ctl.h"
#include "nearest.h"

#define LEFT_SIZE 80

static void command_text(const struct ctl_command *command, char text[LEFT_SIZE])
{
    int used = snprintf(text, LEFT_SIZE, "%s%s%s", command->noun, command->verb ? " " : "",
                        command->verb ? command->verb : "");
    for (const struct ctl_word *word = command->words; word->name; word++)
        used += snprintf(text + used, LEFT_SIZE - (size_t)used, word->required ? " %s" : " [%s]", word->name);
}

// "--older DURATION": what its value is called after, the parameter that it becomes.
static void option_text(const struct ctl_word *option, char text[LEFT_SIZE])
{
    bool duration = option->kind == CTL_DURATION_MS || option->kind == CTL_DURATION_S;
    int used = snprintf(text, LEFT_SIZE, "%s%s%s", option->name, option->kind == CTL_FLAG ? "" : " ",
                        option->kind == CTL_FLAG ? ""
                        : duration               ? "DURATION"
                                                 : option->param);
    for (int i = (int)strlen(option->name); i < used; i++)
        text[i] = (char)toupper((unsigned char)text[i]);
}

// Does the command begin with these words?
static bool begins(const struct ctl_command *command, int count, const char *const *words)
{
    return count == 0 || (strcmp(command->noun, words[0]) == 0 &&
                          (count == 1 || !command->verb || strcmp(command->verb, words[1]) == 0));
}

static void print_commands(FILE *out, int count, const char *const *words)
{
    char left[LEFT_SIZE];
    int width = 0;
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        command_text(command, left);
        if (begins(command, count, words) && (int)strlen(left) > width)
            width = (int)strlen(left);
        for (const struct ctl_word *option = command->options; option->name; option++) {
            option_text(option, left);
            if (begins(command, count, words) && (int)strlen(left) + 2 > width)
                width = (int)strlen(left) + 2;
        }
    }
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        if (!begins(command, count, words))
            continue;
        command_text(command, left);
        fprintf(out, "  %-*s  %s\n", width, left, command->help);
        for (const struct ctl_word *option = command->options; option->name; option++) {
            option_text(option, left);
            fprintf(out, "    %-*s  %s\n", width - 2, left, option->help);
        }
    }
}

static void print_words(FILE *out, const struct ctl_command *command)
{
    for (const struct ctl_word *word = command->words; word->name; word++)
        fprintf(out, "\n%s: %s", word->name, word->help);
    if (command->words->name)
        fputc('\n', out);
}

void ctl_usage(FILE *out, int count, const char *const *words)
{
    const struct ctl_command *one = ctl_commands;
    while (one->noun && !begins(one, count, words))
        one++;
    if (count > 0 && one->noun) {
        fputs("usage: dialgatectl [OPTIONS] COMMAND ...; dialgatectl --help tells the options\n\n", out);
        print_commands(out, count, words);
        if (count > 1 || !one->verb)
            print_words(out, one);
        return;
    }
    fputs(
        "usage: dialgatectl [--json] [--watch[=SECONDS]] [--socket PATH] [--run-directory DIR] COMMAND ...\n"
        "       dialgatectl                       interactive shell\n"
        "       dialgatectl [COMMAND] --help (-h) | --version\n\n"
        "  --json               what the daemon returned, as it came\n"
        "  --watch[=SECONDS]    again every 2 or so many seconds, until q or Ctrl-C; not with what changes "
        "something\n"
        "  --socket PATH        control socket (" DG_DEFAULT_SOCKET ")\n"
        "  --run-directory DIR  the control socket is DIR/control.sock\n"
        "All of them may also stand behind the command. $PAGER and NO_COLOR are honoured.\n\n",
        out);
    print_commands(out, 0, NULL);
    fputs("\nExit status: 0 done, 1 refused or failed, 2 wrong usage; with call place --wait: 3 the call "
          "failed, 4 no answer in time.\n",
          out);
}

static void add_name(char *names, size_t size, const char *name)
{
    size_t length = strlen(names);
    snprintf(names + length, size - length, "%s%s", length ? ", " : "", name);
}

int ctl_no_command(const struct ctl *ctl, int count, const char *const *words)
{
    char nouns[256] = "", verbs[256] = "", near[NEAREST_WORD_MAX + 1];
    const char *last = "";
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        if (strcmp(command->noun, last) != 0)
            add_name(nouns, sizeof(nouns), command->noun);
        last = command->noun;
        if (strcmp(command->noun, words[0]) == 0 && command->verb)
            add_name(verbs, sizeof(verbs), command->verb);
    }
    const char *wrong = !verbs[0] ? words[0] : count > 1 ? words[1] : "";
    bool meant = nearest_name(wrong, verbs[0] ? verbs : nouns, near, sizeof(near));
    fprintf(ctl->errors, "dialgatectl: no such command: %s%s%s; ", words[0], verbs[0] && count > 1 ? " " : "",
            verbs[0] ? wrong : "");
    if (meant)
        fprintf(ctl->errors, "did you mean %s? ", near);
    if (verbs[0])
        fprintf(ctl->errors, "behind %s comes one of %s\n", words[0], verbs);
    else
        fputs("see dialgatectl --help\n", ctl->errors);
    return CTL_USAGE;
}
