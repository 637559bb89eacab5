// SPDX-License-Identifier: BSD-3-Clause
#include "agent.h"

#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "wire.h"

#define TIMEOUT_MS 10000
#define QUEUE      4096u

enum dg_code agent_fail(struct dg_error *error, enum dg_code code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is just above
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return code;
}

void agent_log(struct dg_agent *agent, const char *format, ...)
{
    char line[512];
    va_list arguments;
    if (!agent->log)
        return;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is just above
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    agent->log(agent->log_context, line);
}

void agent_ref(struct dg_agent *agent)
{
    atomic_fetch_add(&agent->refs, 1);
}

void agent_unref(struct dg_agent *agent)
{
    if (atomic_fetch_sub(&agent->refs, 1) != 1)
        return;
    wire_close(agent);
    table_free(&agent->dialogs);
    table_free(&agent->requests);
    table_free(&agent->numbers);
    pthread_cond_destroy(&agent->changed);
    pthread_mutex_destroy(&agent->lock);
    free(agent->socket);
    free(agent->application);
    free(agent->retry);
    free(agent);
}

static struct dg_agent *make(const struct dg_agent_options *options)
{
    pthread_condattr_t clock;
    struct dg_agent *agent = calloc(1, sizeof(*agent));
    if (!agent)
        return NULL;
    pthread_mutex_init(&agent->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&agent->changed, &clock);
    pthread_condattr_destroy(&clock);
    atomic_init(&agent->refs, 1);
    TAILQ_INIT(&agent->queue);
    TAILQ_INIT(&agent->waiting);
    agent->fd = agent->inner = agent->outer = agent->wake = agent->timer = -1;
    agent->socket = strdup(options->socket ? options->socket : DG_DEFAULT_SOCKET);
    agent->application = options->application ? strdup(options->application) : NULL;
    agent->retry = options->retry ? strdup(options->retry) : NULL;
    agent->log = options->log;
    agent->log_context = options->context;
    agent->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    agent->queue_max = options->queue ? options->queue : QUEUE;
    return agent;
}

struct dg_agent *dg_agent_create(const struct dg_agent_options *options, struct dg_error *error)
{
    struct dg_agent_options read = agent_options_read(options);
    struct dg_agent *agent = read.application ? make(&read) : NULL;
    if (!agent) {
        agent_fail(error, read.application ? DG_NO_MEMORY : DG_BAD_ARGUMENT, "%s",
                   read.application ? dg_code_text(DG_NO_MEMORY) : "application is missing");
        return NULL;
    }
    bool made = wire_open(agent) && agent->socket && agent->application;
    if (made && read.on_event)
        made = dg_agent_subscribe(agent, NULL, DG_ON_ALL, read.on_event, read.context) != 0;
    enum dg_code code = made ? DG_OK : agent_fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
    pthread_mutex_lock(&agent->lock);
    if (code == DG_OK)
        code = link_open(agent, error);
    pthread_mutex_unlock(&agent->lock);
    if (code == DG_OK)
        return agent;
    dg_agent_close(agent);
    return NULL;
}

// Handles that the program still has are nobody's now.
static void forget_all(struct dg_agent *agent)
{
    struct node *node;
    while ((node = table_next(&agent->requests, NULL)))
        handle_end_request(TABLE_OF(node, dg_request), 0, dg_code_text(DG_CLOSED), NULL);
    while ((node = table_next(&agent->dialogs, NULL))) {
        struct dg_dialog *dialog = TABLE_OF(node, dg_dialog);
        table_remove(&agent->dialogs, node);
        dialog->listed = false;
        dg_dialog_unref(dialog);
    }
}

void dg_agent_close(struct dg_agent *agent)
{
    if (!agent)
        return;
    pthread_mutex_lock(&agent->lock);
    bool self = agent->delivering && pthread_equal(agent->deliverer, pthread_self());
    bool threaded = agent->threaded;
    pthread_t thread = agent->thread;
    agent->closed = true;
    agent->threaded = false;
    link_lost(agent, dg_code_text(DG_CLOSED));
    wire_wake(agent, true);
    wire_kick(agent);
    while (agent->delivering && !self)
        pthread_cond_wait(&agent->changed, &agent->lock);
    event_deliver(agent, true); // what was under way is told DG_CLOSED
    event_drop_all(agent);
    forget_all(agent);
    pthread_mutex_unlock(&agent->lock);
    if (threaded && pthread_equal(thread, pthread_self()))
        pthread_detach(thread);
    else if (threaded)
        pthread_join(thread, NULL);
    agent_unref(agent);
}

int dg_agent_fd(const struct dg_agent *agent)
{
    return agent->outer;
}

enum dg_code dg_agent_process(struct dg_agent *agent)
{
    agent_ref(agent); // a callback may close it
    pthread_mutex_lock(&agent->lock);
    // Who waits for the socket reads it, and then fills the queue: its wait would not end if we read.
    bool left = agent->reading && TAILQ_EMPTY(&agent->queue);
    if (!agent->closed) {
        if (!agent->reading)
            wire_io(agent);
        event_deliver(agent, false);
    }
    enum dg_code code = agent->closed ? DG_CLOSED : agent->link == LINK_UP ? DG_OK : DG_NOT_CONNECTED;
    pthread_mutex_unlock(&agent->lock);
    agent_unref(agent);
    if (left)
        sched_yield(); // it is awake, too
    return code;
}

static void *serve(void *context)
{
    struct dg_agent *agent = context;
    struct pollfd one = {.fd = agent->outer, .events = POLLIN};
    // The thread has a reference of its own, which the analyzer does not count.
    do
        (void)poll(&one, 1, -1);
    while (dg_agent_process(agent) != DG_CLOSED); // NOLINT(clang-analyzer-unix.Malloc)
    agent_unref(agent);                           // NOLINT(clang-analyzer-unix.Malloc)
    return NULL;
}

enum dg_code dg_agent_start(struct dg_agent *agent)
{
    enum dg_code code = DG_OK;
    pthread_mutex_lock(&agent->lock);
    if (agent->threaded || agent->closed) {
        code = agent->closed ? DG_CLOSED : DG_BAD_ARGUMENT;
    } else {
        agent_ref(agent);
        agent->threaded = pthread_create(&agent->thread, NULL, serve, agent) == 0;
        if (!agent->threaded) {
            agent_unref(agent);
            code = DG_NO_MEMORY;
        }
    }
    pthread_mutex_unlock(&agent->lock);
    return code;
}

bool dg_agent_is_connected(struct dg_agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    bool up = agent->link == LINK_UP;
    pthread_mutex_unlock(&agent->lock);
    return up;
}
