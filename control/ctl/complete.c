// SPDX-License-Identifier: BSD-3-Clause
#include "complete.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "show_value.h"

#define DIALOGS_MAX 200 // ids that are offered: more, nobody reads

static const struct ctl_word common[] = {
    {"--json", NULL, CTL_FLAG, false, "what the daemon returned"},
    {"--watch", NULL, CTL_FLAG, false, "again every 2 seconds, or --watch=SECONDS"},
    {"--socket", NULL, CTL_TEXT, false, "control socket"},
    {"--run-directory", NULL, CTL_TEXT, false, "the control socket is DIR/control.sock"},
    {"--help", NULL, CTL_FLAG, false, "all commands"},
    {0},
};

struct offer {
    struct ctl *ctl;
    const struct complete_line *line;
    complete_take *take;
    void *context;
};

static void offer(const struct offer *to, const char *word, const char *help)
{
    if (strncmp(word, to->line->begun, strlen(to->line->begun)) == 0)
        to->take(to->context, word, help);
}

// The text of `key` in each row of the list of a result, or the row itself where key is NULL.
static void offer_rows(const struct offer *to, const json_t *rows, const char *key, const char *help_key)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *value = json_object_get(row, key);
        char digits[UNIT_SIZE];
        snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)json_integer_value(value));
        if (json_is_string(value) || json_is_integer(value))
            offer(to, json_is_string(value) ? json_string_value(value) : digits,
                  help_key ? text(row, help_key) : "");
    }
}

// Names that the daemon knows, by what usage calls the word.
static const struct {
    const char *word, *method, *list, *key, *help_key;
} live[] = {
    {"PEER", "peer.list", "peers", "name", "state"},
    {"--peer", "peer.list", "peers", "name", "state"},
    {"MEMBER", "peer.show", "members", "address", "state"},
    {"ID", "dialog.list", "dialogs", "id", "call_id"},
    {"DIALOG", "ua.list", "dialogs", "dialog", "state"},
    {"--application", "application.list", "applications", "application", NULL},
    {"CAPTURE", "capture.list", "captures", "id", "what"},
    {"METHOD", "api.list", "methods", "name", "help"},
    {"--kind", "api.list", "kinds", "kind", "help"},
    {"VERSION", "config.history", "versions", "version", "cause"},
    {"--version", "config.history", "versions", "version", "cause"},
};

// peer is the word before, of which MEMBER is one of the members.
static void offer_live(const struct offer *to, const char *word, const char *peer)
{
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        if (strcmp(live[i].word, word) != 0)
            continue;
        json_t *params = json_object();
        if (strcmp(word, "MEMBER") == 0)
            json_object_set_new(params, "peer", json_string(peer));
        if (strcmp(word, "ID") == 0)
            json_object_set_new(params, "limit", json_integer(DIALOGS_MAX));
        json_t *result = ctl_call(to->ctl, live[i].method, params);
        offer_rows(to, json_object_get(result, live[i].list), live[i].key, live[i].help_key);
        json_decref(params);
        json_decref(result);
    }
}

// A value that is no word of ours is told by what it means.
static void offer_value(const struct offer *to, const struct ctl_word *word, const char *before)
{
    static const char *const states[] = {"none", "early", "confirmed", "terminating", "terminated"};
    if (strcmp(word->name, "--state") == 0)
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
            offer(to, states[i], "");
    offer_live(to, word->name, before);
    if (to->line->explain && !to->line->begun[0])
        to->take(to->context, word->name[0] == '-' ? "VALUE" : word->name, word->help);
}

static const struct ctl_word *option_named(const struct ctl_word *options, const char *name)
{
    for (; options->name; options++)
        if (strcmp(options->name, name) == 0)
            return options;
    return NULL;
}

static void offer_options(const struct offer *to, const struct ctl_word *options)
{
    bool all = to->line->explain && !to->line->begun[0];
    for (; options->name && (all || to->line->begun[0] == '-'); options++)
        offer(to, options->name, options->help);
}

// Behind the command itself: a value of the option before, options, or the next positional word.
static void offer_arguments(const struct offer *to, const struct ctl_command *command,
                            const char *const *words, int count)
{
    const struct ctl_word *next = command->words, *option = NULL;
    for (int i = 0; i < count; i++) {
        if (option)
            option = NULL; // this was its value
        else if (words[i][0] == '-' && words[i][1])
            option = option_named(command->options, words[i]);
        else if (next->name && next->kind != CTL_LIST)
            next++;
        if (option && option->kind == CTL_FLAG)
            option = NULL;
    }
    if (option) {
        offer_value(to, option, "");
        return;
    }
    offer_options(to, command->options);
    offer_options(to, common);
    if (next->name)
        offer_value(to, next, count > 0 ? words[count - 1] : "");
}

// "list, show, ..." of the noun whose first row this is.
static const char *verbs_of(const struct ctl_command *first, char verbs[128])
{
    size_t length = 0;
    verbs[0] = '\0';
    for (const struct ctl_command *row = first; row->noun && strcmp(row->noun, first->noun) == 0; row++)
        if (length < 128)
            length += (size_t)snprintf(verbs + length, 128 - length, "%s%s", length ? ", " : "", row->verb);
    return verbs;
}

static void offer_commands(const struct offer *to, const char *const *words, int count)
{
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        // Rows of one noun stand together: the first of them names it.
        bool first = command == ctl_commands || strcmp(command->noun, command[-1].noun) != 0;
        if (count == 0) {
            char verbs[128];
            if (first)
                offer(to, command->noun, command->verb ? verbs_of(command, verbs) : command->help);
            continue;
        }
        if (strcmp(command->noun, words[0]) != 0)
            continue;
        if (command->verb && count == 1)
            offer(to, command->verb, command->help);
        else if (!command->verb || strcmp(command->verb, words[1]) == 0)
            offer_arguments(to, command, words + 1 + (command->verb != NULL),
                            count - 1 - (command->verb != NULL));
    }
}

void complete_words(struct ctl *ctl, const struct complete_line *line, complete_take *take, void *context)
{
    struct ctl quiet = *ctl;
    const char **left = calloc((size_t)line->count + 1, sizeof(*left));
    quiet.errors = fopen("/dev/null", "w");
    // Options of dialgatectl itself, of which two say whom to ask. -1: what is begun is the value of one.
    int count = left && quiet.errors ? ctl_take_options(&quiet, line->count, line->words, left) : -1;
    bool elsewhere = strcmp(quiet.socket, ctl->socket) != 0;
    struct offer to = {&quiet, line, take, context};
    if (elsewhere)
        quiet.client = NULL;
    if (count == 0)
        offer_options(&to, common);
    if (count >= 0)
        offer_commands(&to, left, count);
    if (elsewhere)
        dg_client_close(quiet.client);
    else
        ctl->client = quiet.client;
    if (quiet.errors)
        fclose(quiet.errors);
    free(left);
}
