// SPDX-License-Identifier: BSD-3-Clause
#include "agent_world.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_MS 5

const char *far_program;

int far_begin(struct agent_world *world)
{
    memset(world, 0, sizeof(*world));
    pthread_mutex_init(&world->lock, NULL);
    strcpy(world->directory, "/tmp/dialgate-agent-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(world->path, sizeof(world->path), "%s/socket", world->directory);
    world->far = fork();
    if (world->far == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); // a test that fails may not get to far_end()
        execl(far_program, far_program, world->path, (char *)NULL);
        _exit(127);
    }
    for (int waited = 0; access(world->path, F_OK) < 0; waited += STEP_MS) {
        if (waited > DEADLINE_MS || world->far < 0)
            return -1;
        (void)poll(NULL, 0, STEP_MS);
    }
    return 0;
}

int far_end(struct agent_world *world)
{
    int status = -1;
    kill(world->far, SIGTERM);
    if (waitpid(world->far, &status, 0) != world->far || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        print_error("the far end: status %d\n", status);
    pthread_mutex_destroy(&world->lock);
    return rmdir(world->directory) == 0 && status == 0 ? 0 : -1;
}

static const char *const words[DG_EVENT_KINDS] = {
#define X(name, word, text) [DG_EVENT_##name] = #name,
    DG_EVENTS(X)
#undef X
};

void agent_on_event(void *context, const struct dg_event *event)
{
    struct agent_world *world = context;
    pthread_mutex_lock(&world->lock);
    world->told[event->kind]++;
    if (event->kind == DG_EVENT_LOST) {
        world->lost += event->count;
        world->lost_unknown = event->count == 0;
    }
    if (event->kind == DG_EVENT_INCOMING && !world->incoming)
        world->incoming = dg_dialog_ref(event->dialog);
    if (event->kind == DG_EVENT_INCOMING)
        world->replaced = event->replaces; // the test has a reference
    bool asks = event->kind == DG_EVENT_REQUEST || event->kind == DG_EVENT_REFER;
    if (asks && event->request && !world->asked)
        world->asked = dg_request_ref(event->request);
    size_t used = strlen(world->order);
    if (event->dialog)
        snprintf(world->order + used, sizeof(world->order) - used, "%s%s%s ", words[event->kind],
                 event->kind == DG_EVENT_STATE ? ":" : "",
                 event->kind == DG_EVENT_STATE ? dg_state_text(event->to) : "");
    pthread_mutex_unlock(&world->lock);
}

void agent_wait_told(struct agent_world *world, enum dg_event_kind kind, unsigned count)
{
    for (int waited = 0;; waited += STEP_MS) {
        pthread_mutex_lock(&world->lock);
        bool told = world->told[kind] >= count;
        pthread_mutex_unlock(&world->lock);
        if (told)
            return;
        if (waited > DEADLINE_MS)
            fail_msg("%s was not told: %s", words[kind], world->order);
        (void)poll(NULL, 0, STEP_MS);
    }
}

int agent_setup(void **state)
{
    struct agent_world *world = malloc(sizeof(*world));
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    *state = world;
    if (!world || far_begin(world) < 0)
        return -1;
    options.socket = world->path;
    options.application = "desk";
    options.on_event = agent_on_event;
    options.context = world;
    options.timeout_ms = DEADLINE_MS;
    world->agent = dg_agent_create(&options, &error);
    if (!world->agent) {
        print_error("%s\n", error.text);
        return -1;
    }
    return dg_agent_start(world->agent) == DG_OK ? 0 : -1;
}

int agent_teardown(void **state)
{
    struct agent_world *world = *state;
    dg_dialog_unref(world->incoming);
    dg_request_unref(world->asked);
    dg_agent_close(world->agent);
    int result = far_end(world);
    free(world);
    return result;
}
