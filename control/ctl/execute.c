// SPDX-License-Identifier: BSD-3-Clause
// A command line becomes the call of a row of the table (command.c).
#include "ctl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "pager.h"
#include "table.h"
#include "watch.h"

static int wrong(const struct ctl *ctl, const char *text, const char *word)
{
    fprintf(ctl->errors, "dialgatectl: %s%s%s; see dialgatectl --help\n", text, word ? " " : "",
            word ? word : "");
    return CTL_USAGE;
}

// A new value for the RPC, or NULL when text is not of the word's kind.
static json_t *value_of(const struct ctl_word *word, const char *text)
{
    int64_t ms;
    switch (word->kind) {
    case CTL_FLAG:
        return json_true();
    case CTL_TEXT:
    case CTL_LIST:
        return json_string(text);
    case CTL_NUMBER:
        if (*text == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
            return NULL;
        return json_integer(atoll(text));
    case CTL_SIZE:
        ms = unit_parse_size(text);
        return ms < 0 ? NULL : json_integer(ms);
    default:
        ms = unit_parse_duration_ms(text);
        // A ban shorter than a second would be for ever.
        if (ms < 0 || (word->kind == CTL_DURATION_S && ms < 1000))
            return NULL;
        return json_integer(word->kind == CTL_DURATION_S ? ms / 1000 : ms);
    }
}

static int put(const struct ctl *ctl, json_t *params, const struct ctl_word *word, const char *text)
{
    json_t *value = value_of(word, text);
    if (!value) {
        fprintf(ctl->errors, "dialgatectl: %s: \"%s\" is not understood; %s\n", word->name, text, word->help);
        return CTL_USAGE;
    }
    if (word->kind == CTL_LIST) {
        json_t *list = json_object_get(params, word->param);
        if (!list) {
            list = json_array();
            json_object_set_new(params, word->param, list);
        }
        return json_array_append_new(list, value) == 0 ? CTL_DONE : CTL_REFUSED;
    }
    return json_object_set_new(params, word->param, value) == 0 ? CTL_DONE : CTL_REFUSED;
}

// "--peer", or "--peer=NAME" with NAME in *value.
static const struct ctl_word *find_option(const struct ctl_command *command, const char *word,
                                          const char **value)
{
    const struct ctl_word *option = command->options;
    size_t length = strcspn(word, "=");
    *value = word[length] ? word + length + 1 : NULL;
    while (option->name && (strncmp(option->name, word, length) != 0 || option->name[length]))
        option++;
    return option->name ? option : NULL;
}

// A lone hyphen is standard input.
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

static int read_words(const struct ctl *ctl, const struct ctl_command *command, int count,
                      const char *const *words, json_t *params)
{
    const struct ctl_word *next = command->words;
    bool options_end = false;
    int status = CTL_DONE;
    for (int i = 0; i < count && status == CTL_DONE; i++) {
        if (strcmp(words[i], "--") == 0 && !options_end) {
            options_end = true;
            continue;
        }
        if (!is_option(words[i]) || options_end) {
            if (!next->name)
                return wrong(ctl, "one word too many:", words[i]);
            status = put(ctl, params, next, words[i]);
            next += next->kind != CTL_LIST;
            continue;
        }
        const char *value;
        const struct ctl_word *option = find_option(command, words[i], &value);
        if (!option || (option->kind == CTL_FLAG && value))
            return wrong(ctl, "unknown option", words[i]);
        if (option->kind != CTL_FLAG && !value && i + 1 == count)
            return wrong(ctl, "a value is missing behind", words[i]);
        if (option->kind != CTL_FLAG && !value)
            value = words[++i];
        status = put(ctl, params, option, value ? value : "");
    }
    if (status == CTL_DONE && next->name && next->required && !json_object_get(params, next->param))
        return wrong(ctl, "what is missing:", next->name);
    return status;
}

// Words that the command's own name took, 0 when it is not this command.
static int matches(const struct ctl_command *command, int count, const char *const *words)
{
    if (strcmp(command->noun, words[0]) != 0)
        return 0;
    if (!command->verb)
        return 1;
    return count > 1 && strcmp(command->verb, words[1]) == 0 ? 2 : 0;
}

static int run_once(struct ctl *ctl, const struct ctl_command *command, const json_t *params)
{
    if (command->run)
        return command->run(ctl, params);
    json_t *result = ctl_call(ctl, command->method, params);
    if (!result)
        return CTL_REFUSED;
    if (ctl->json)
        ctl_print_json(ctl, result);
    else
        command->show(ctl, result);
    json_decref(result);
    return CTL_DONE;
}

struct picture {
    const struct ctl_command *command;
    const json_t *params;
};

static int draw(struct ctl *ctl, void *context)
{
    const struct picture *picture = context;
    return run_once(ctl, picture->command, picture->params);
}

static int run_paged(struct ctl *ctl, const struct ctl_command *command, const json_t *params)
{
    FILE *pager = ctl->pages && !ctl->json ? pager_open() : NULL;
    if (!pager)
        return run_once(ctl, command, params);
    // A pager that is left early, or cannot be run, is no reason to die while writing to it.
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    FILE *terminal = ctl->out;
    ctl->out = pager;
    int status = run_once(ctl, command, params);
    ctl->out = terminal;
    if (!pager_close(pager)) {
        fputs("dialgatectl: $PAGER cannot be run; PAGER=cat does without\n", stderr);
        status = CTL_REFUSED;
    }
    signal(SIGPIPE, before);
    return status;
}

static int run(struct ctl *ctl, const struct ctl_command *command, const json_t *params)
{
    struct picture picture = {command, params};
    // top has its own idea of again, and what acts may ask or go on.
    if (command->run == run_top || (ctl->watch_s == 0 && command->effect == CTL_ACTS))
        return run_once(ctl, command, params);
    if (ctl->watch_s == 0)
        return run_paged(ctl, command, params);
    if (command->effect == CTL_LOOKS)
        return watch_run(ctl, ctl->watch_s, draw, &picture);
    return wrong(ctl, "nothing to --watch:", command->noun);
}

// Where help is asked for: the words before that; -1 where it is not.
static int help_at(int count, const char *const *words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return i;
    return -1;
}

static int execute(struct ctl *ctl, int count, const char *const *words)
{
    int help = help_at(count, words);
    if (count == 0)
        return CTL_DONE;
    if (help >= 0 || strcmp(words[0], "help") == 0) {
        if (help >= 0)
            ctl_usage(ctl->out, help, words);
        else
            ctl_usage(ctl->out, count - 1, words + 1);
        return CTL_DONE;
    }
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        int used = matches(command, count, words);
        if (used == 0)
            continue;
        json_t *params = json_object();
        int status = read_words(ctl, command, count - used, words + used, params);
        if (status == CTL_DONE)
            status = run(ctl, command, params);
        json_decref(params);
        return status;
    }
    return is_option(words[0]) ? wrong(ctl, "unknown option", words[0]) : ctl_no_command(ctl, count, words);
}

int ctl_execute(struct ctl *ctl, int count, const char *const *words)
{
    // What a line of a shell says holds for this line alone.
    struct ctl one = *ctl;
    const char **left = calloc((size_t)count + 1, sizeof(*left));
    if (!left) {
        fputs("dialgatectl: no memory\n", ctl->errors);
        return CTL_REFUSED;
    }
    int kept = ctl_take_options(&one, count, words, left);
    bool elsewhere = strcmp(one.socket, ctl->socket) != 0;
    if (elsewhere)
        one.client = NULL;
    int status = kept < 0 ? CTL_USAGE : execute(&one, kept, left);
    if (elsewhere)
        dg_client_close(one.client);
    else
        ctl->client = one.client;
    free(left);
    return status;
}
