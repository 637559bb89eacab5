// SPDX-License-Identifier: BSD-3-Clause
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS        5u
#define RATE_DEFAULT 2000u // calls a second that Dialgate takes anywhere

struct context {
    struct commands *commands;
    struct holder *holder;
    struct work *work;
    unsigned count; // words behind the command
    char *words[WORDS];
};

static uint64_t number(const struct context *context, unsigned word, uint64_t otherwise)
{
    if (word >= context->count)
        return otherwise;
    return strcmp(context->words[word], "all") == 0 ? UINT32_MAX : strtoull(context->words[word], NULL, 10);
}

static void refuse(const char *why)
{
    printf("{\"error\":\"%s\"}\n", why);
}

static void started(bool done)
{
    if (done)
        puts("{}");
    else
        refuse("another of its kind is under way");
}

static void print_report(const struct context *context)
{
    const struct calls *calls = &context->holder->calls;
    uint64_t lost = 0;
    for (unsigned i = 0; i < context->holder->wire_count; i++)
        lost += wire_lost(context->holder->wires[i]);
    printf("{\"to_start\":%" PRIu64 ",\"held\":%" PRIu32 ",\"passing\":%" PRIu32 ",\"flights\":%" PRIu32
           ",\"unsent\":%" PRIu64 ",\"elapsed_ms\":%" PRIu64 ",",
           context->work->start.left, calls->held_count, calls->aging_count,
           calls->flight_capacity - calls->free_flight_count, lost,
           (context->holder->now_us - context->work->began_us) / 1000);
    tally_print(&context->holder->tally, stdout);
    puts("}");
}

static void run_hold(struct context *context)
{
    started(work_start(context->work, context->holder, MANNER_PLAIN, number(context, 0, 0),
                       number(context, 1, RATE_DEFAULT)));
}

static void run_flood(struct context *context)
{
    static const char *const names[MANNERS] = {"plain", "mute", "unacked", "cancel"};
    for (unsigned i = MANNER_MUTE; context->count > 0 && i < MANNERS; i++)
        if (strcmp(context->words[0], names[i]) == 0) {
            started(work_start(context->work, context->holder, (enum manner)i, number(context, 1, 0),
                               number(context, 2, RATE_DEFAULT)));
            return;
        }
    refuse("flood mute, unacked or cancel");
}

static void ask(struct context *context, enum method method)
{
    const char *side = context->count > 2 ? context->words[2] : "either";
    context->work->ask.side = strcmp(side, "caller") == 0   ? CALLER
                              : strcmp(side, "callee") == 0 ? CALLEE
                                                            : SIDES;
    started(work_ask(context->work, context->holder, method, number(context, 0, 0),
                     number(context, 1, RATE_DEFAULT)));
}

static void run_end(struct context *context)
{
    ask(context, METHOD_BYE);
}

static void run_reinvite(struct context *context)
{
    ask(context, METHOD_INVITE);
}

static void run_probe(struct context *context)
{
    ask(context, METHOD_OPTIONS);
}

static void run_run(struct context *context)
{
    work_run(context->work, number(context, 0, 0), number(context, 1, 1) * 1000000);
    started(true);
}

static void run_wait(struct context *context)
{
    context->commands->waiting = true;
    context->commands->wait_end_us = context->holder->now_us + number(context, 0, 60) * 1000000;
}

static void run_let_end(struct context *context)
{
    context->holder->let_end = true;
    started(true);
}

static void run_mark(struct context *context)
{
    tally_mark(&context->holder->tally, context->holder->now_us);
    started(true);
}

static void run_report(struct context *context)
{
    if (context->holder->tally.history != NULL)
        fflush(context->holder->tally.history);
    print_report(context);
}

static void run_quit(struct context *context)
{
    context->commands->ended = true;
    started(true);
}

static const struct {
    const char *name;
    void (*run)(struct context *context);
} table[] = {{"hold", run_hold},       {"flood", run_flood},   {"end", run_end},   {"reinvite", run_reinvite},
             {"probe", run_probe},     {"run", run_run},       {"wait", run_wait}, {"mark", run_mark},
             {"let-end", run_let_end}, {"report", run_report}, {"quit", run_quit}};

static void execute(struct context *context, char *line)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " \t", &rest);
    for (char *word = strtok_r(NULL, " \t", &rest); word != NULL && context->count < WORDS;
         word = strtok_r(NULL, " \t", &rest))
        context->words[context->count++] = word;
    for (unsigned i = 0; name != NULL && i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].name, name) == 0) {
            table[i].run(context);
            return;
        }
    refuse("no such command");
}

static void read_input(struct commands *commands)
{
    ssize_t count =
        read(STDIN_FILENO, commands->line + commands->length, sizeof(commands->line) - commands->length);
    if (count <= 0)
        commands->ended = true;
    else
        commands->length += (size_t)count;
    // A line that does not fit is nobody's command.
    if (commands->length == sizeof(commands->line) && memchr(commands->line, '\n', commands->length) == NULL)
        commands->ended = true;
}

// True: a command was waited for and is answered, or none was.
static bool waited(struct commands *commands, struct holder *holder, struct work *work)
{
    if (!commands->waiting)
        return true;
    if (!work_idle(work, holder) && holder->now_us < commands->wait_end_us)
        return false;
    commands->waiting = false;
    run_report(&(struct context){.holder = holder, .work = work});
    return true;
}

void commands_turn(struct commands *commands, struct holder *holder, struct work *work, bool readable)
{
    char *end;
    if (readable && commands->length < sizeof(commands->line))
        read_input(commands);
    while (waited(commands, holder, work) && (end = memchr(commands->line, '\n', commands->length)) != NULL) {
        size_t length = (size_t)(end - commands->line) + 1;
        char line[sizeof(commands->line)];
        memcpy(line, commands->line, length);
        line[length - 1] = '\0';
        commands->length -= length;
        memmove(commands->line, commands->line + length, commands->length);
        execute(&(struct context){.commands = commands, .holder = holder, .work = work}, line);
    }
    fflush(stdout);
}
