// SPDX-License-Identifier: BSD-3-Clause
#include "agent.h"

#include <errno.h>
#include <rte_ring.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "agent_gauges.h"
#include "ban_maps.h"
#include "channel_handlers.h"
#include "clock.h"
#include "hello.h"
#include "log.h"
#include "manager.h"
#include "overload_log.h"
#include "neighbours.h"
#include "reload.h"
#include "unreachables.h"

#define TICK_WAITING_MS   100u
#define TICK_RUNNING_MS   10u   // workers' questions for neighbours
#define TICK_COMMAND_MS   1u    // while somebody waits for what workers say
#define CONTROL_MS        2000u // then the last accepted configuration serves without control
#define SLOW_TICK_MS      1000u
#define MEMBER_REFRESH_MS 15000u
#define EVENTS_MAX        8

enum source { SOURCE_SIGNAL, SOURCE_TICK, SOURCE_LISTEN, SOURCE_CONTROL, SOURCE_HOSTNET };

struct agent {
    const struct agent_options *options;
    struct rundir dir;
    int epoll, signals, ticks;
    uint32_t tick_ms;        // the timer's period now
    uint32_t control_events; // what epoll watches the connection for; 0: there is none
    uint64_t boot;           // random, of this start
    bool end;                // leave the loop
    int result;
    struct fault *fault;
    uint64_t without_control_ms; // since when nobody is connected
    bool saved_tried;
    uint64_t slow_ms;    // last slow tick
    uint64_t members_ms; // last question for all members
    struct overload_log overload;
    struct manager manager;
    struct dataplane plane;
    struct channel_services services;
};

static int watch(struct agent *agent, int fd, enum source source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = source};

    if (epoll_ctl(agent->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return epoll_ctl(agent->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void set_tick(struct agent *agent, uint32_t period_ms)
{
    const struct itimerspec period = {.it_interval.tv_nsec = (long)period_ms * 1000000,
                                      .it_value.tv_nsec = (long)period_ms * 1000000};

    if (agent->tick_ms == period_ms)
        return;
    agent->tick_ms = period_ms;
    timerfd_settime(agent->ticks, 0, &period, NULL);
}

static bool is_running(const struct agent *agent)
{
    return agent->services.state == CHANNEL_RUNNING;
}

static void say_hello(void *context, const char *text)
{
    struct agent *agent = context;
    struct channel_hello hello = {
        .state = agent->services.state, .pid = (uint32_t)getpid(), .boot = agent->boot};

    hello_send(&agent->services.server, &hello, is_running(agent) ? &agent->plane : NULL, text);
    if (is_running(agent))
        hello_send_listeners(&agent->services.server, &agent->plane.listens);
}

static void keep_health(struct agent *agent)
{
    const struct health health =
        boot_health(&agent->plane, agent->plane.workers.published.rules, agent->dir.state);
    int result;

    if (!agent->services.member_events.changed)
        return;
    result = health_save(&health);
    if (result < 0)
        log_event(LOG_WARNING, "health_not_saved", "directory=%s error=\"%s\"", agent->dir.state,
                  strerror(-result));
    agent->services.member_events.changed = result < 0; // tried again at the next slow tick
}

static void keep_bans(struct agent *agent)
{
    int result = bans_save(agent->services.bans);

    if (result < 0)
        log_event(LOG_WARNING, "bans_not_saved", "directory=%s error=\"%s\"", agent->dir.state,
                  strerror(-result));
}

static void serve_workers(struct agent *agent, uint64_t now_ms)
{
    struct dataplane *plane = &agent->plane;

    for (unsigned i = 0; i < plane->workers.count; i++) {
        struct worker_ask ask;

        for (unsigned j = 0; j < WORKER_ASKS_SIZE &&
                             rte_ring_dequeue_elem(plane->workers.parts[i].asks, &ask, sizeof(ask)) == 0;
             j++)
            hostnet_ask(plane->hostnet, (uint8_t)ask.network, &ask.address, now_ms);
    }
    channel_services_poll(&agent->services, now_ms);
    unreachables_poll(&plane->listens, &plane->workers, plane->hostnet);
    images_poll(&plane->images);
    manager_poll(&agent->manager, &plane->workers, now_ms);
    if (now_ms - agent->slow_ms < SLOW_TICK_MS)
        return;
    agent->slow_ms = now_ms;
    keep_health(agent);
    bans_expire(agent->services.bans, now_ms);
    keep_bans(agent);
    overload_log_poll(&agent->overload, &plane->workers);
    agent_gauges_poll(plane);
    neighbours_ask(plane, now_ms - agent->members_ms >= MEMBER_REFRESH_MS, now_ms);
    if (now_ms - agent->members_ms >= MEMBER_REFRESH_MS)
        agent->members_ms = now_ms;
}

static void take_nexthops(struct agent *agent)
{
    struct nexthop_table *table = hostnet_take(agent->plane.hostnet);

    if (table == NULL)
        return;
    reload_nexthops(&agent->plane, table);
    neighbours_ask(&agent->plane, false, clock_ms());
}

static int start_services(struct agent *agent)
{
    struct workers *workers = &agent->plane.workers;
    struct channel_rings rings[WORKERS_MAX];

    for (unsigned i = 0; i < workers->count; i++)
        rings[i] = (struct channel_rings){.dialogs = worker_transitions(workers->workers[i]),
                                          .members = worker_member_transitions(workers->workers[i]),
                                          .names = worker_name_asks(workers->workers[i]),
                                          .suspects = worker_suspects(workers->workers[i])};
    return channel_services_start(
        &agent->services,
        &(struct channel_services_options){.workers = workers,
                                           .rings = rings,
                                           .records = &agent->plane.records,
                                           .capture_counts = agent->plane.captures.file->counts,
                                           .bans = ban_maps_place(&agent->plane),
                                           .state_directory = agent->dir.state,
                                           .boot_id = agent->plane.images.identity.boot_id,
                                           .ban_counters = counters_file_agent(&agent->plane.counters),
                                           .publish_names = reload_names,
                                           .publish_context = &agent->plane});
}

// Takes rules. Returns 0 or -errno with agent->fault; then the process ends.
static int start(struct agent *agent, struct rules *rules)
{
    uint64_t begun_ms = clock_ms();
    struct workers *workers = &agent->plane.workers;
    unsigned restored;
    int result;

    agent->services.state = CHANNEL_STARTING;
    say_hello(agent, NULL);
    result = boot_start(&agent->plane, rules, &agent->dir, &agent->options->boot, agent->fault);
    if (result == 0 && start_services(agent) < 0) {
        result = fault_set(agent->fault, ENOMEM, "no memory for names of next hops and events");
        boot_stop(&agent->plane);
    }
    if (result < 0) {
        agent->services.state = CHANNEL_FAILED;
        agent->end = true;
        return agent->result = result;
    }
    restored = bans_restore(agent->services.bans, clock_ms());
    if (restored > 0)
        log_event(LOG_INFO, "bans_restored", "bans=%u", restored);
    agent->services.state = CHANNEL_RUNNING;
    watch(agent, hostnet_fd(agent->plane.hostnet), SOURCE_HOSTNET, EPOLLIN);
    set_tick(agent, TICK_RUNNING_MS);
    neighbours_ask(&agent->plane, true, clock_ms());
    reload_save(agent->dir.state, rules);
    log_event(LOG_INFO, "running", "workers=%u networks=%u listeners=%u sequence=%llu took_ms=%llu",
              workers->count, rules->network_count, rules->listener_count,
              (unsigned long long)rules->image->sequence, (unsigned long long)(clock_ms() - begun_ms));
    manager_running(&agent->manager, workers);
    return 0;
}

static int reload(struct agent *agent, struct rules *rules, struct fault *fault)
{
    unsigned long long sequence = rules->image->sequence;
    int result = reload_apply(&agent->plane, rules, fault);

    if (result < 0)
        return result;
    reload_save(agent->dir.state, rules);
    hello_send_listeners(&agent->services.server, &agent->plane.listens);
    bans_check(agent->services.bans, rules, clock_ms());
    neighbours_ask(&agent->plane, true, clock_ms());
    log_event(LOG_INFO, "reloaded", "sequence=%llu listeners=%u", sequence, rules->listener_count);
    return 0;
}

static int take_rules(void *context, struct rules *rules, struct fault *fault)
{
    struct agent *agent = context;
    int result;

    if (is_running(agent))
        return reload(agent, rules, fault);
    result = start(agent, rules);
    if (result < 0)
        *fault = *agent->fault;
    return result;
}

static void serve_control(struct agent *agent)
{
    struct channel_input in;

    // A bound, so that a control that never stops talking does not starve the rest.
    for (unsigned i = 0; i < 64 && !agent->end && channel_server_receive(&agent->services.server, &in) == 1;
         i++)
        channel_handlers_take(&agent->services, &in, clock_ms());
    if (agent->services.server.fd >= 0)
        channel_server_flush(&agent->services.server);
}

// After each event: one may drop the connection and the next one take another with the same number.
static void watch_control(struct agent *agent)
{
    struct channel_server *channel = &agent->services.server;
    uint32_t events = EPOLLIN | (channel_server_waiting(channel) ? (uint32_t)EPOLLOUT : 0u);

    if (agent->control_events != 0 && channel->fd < 0) {
        agent->control_events = 0;
        agent->without_control_ms = clock_ms();
        agent->saved_tried = false;
        channel_services_forget(&agent->services);
    }
    if (channel->fd < 0)
        return;
    if (events != agent->control_events)
        watch(agent, channel->fd, SOURCE_CONTROL, events);
    agent->control_events = events;
}

// No control came: the configuration accepted last serves.
static void try_saved(struct agent *agent, uint64_t now_ms)
{
    struct fault fault;
    struct rules *rules;

    if (agent->saved_tried || agent->services.server.fd >= 0 ||
        now_ms - agent->without_control_ms < CONTROL_MS)
        return;
    agent->saved_tried = true;
    rules = reload_saved(agent->dir.state, &fault);
    if (rules == NULL) {
        if (fault.text[0] != '\0')
            log_event(LOG_WARNING, "snapshot_saved_refused", "reason=\"%s\"", fault.text);
        log_event(LOG_INFO, "waiting", "for=\"dialgate-control and its configuration\"");
        return;
    }
    log_event(LOG_INFO, "snapshot_saved_used", "sequence=%llu", (unsigned long long)rules->image->sequence);
    start(agent, rules);
}

static void serve_tick(struct agent *agent)
{
    uint64_t expirations, now_ms = clock_ms();

    if (read(agent->ticks, &expirations, sizeof(expirations)) < 0)
        return;
    if (agent->services.state == CHANNEL_WAITING)
        try_saved(agent, now_ms);
    else if (is_running(agent))
        serve_workers(agent, now_ms);
}

static void serve(struct agent *agent, enum source source)
{
    switch (source) {
    case SOURCE_SIGNAL:
        log_event(LOG_INFO, "stopping", "pid=%d", (int)getpid());
        manager_stopping();
        agent->end = true;
        break;
    case SOURCE_TICK:
        serve_tick(agent);
        break;
    case SOURCE_LISTEN:
        channel_server_accept(&agent->services.server);
        break;
    case SOURCE_CONTROL:
        serve_control(agent);
        break;
    case SOURCE_HOSTNET:
        take_nexthops(agent);
        break;
    }
}

static void loop(struct agent *agent)
{
    struct epoll_event events[EVENTS_MAX];

    while (!agent->end) {
        int count = epoll_wait(agent->epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count && !agent->end; i++) {
            serve(agent, (enum source)events[i].data.u32);
            watch_control(agent);
        }
        if (is_running(agent))
            set_tick(agent, channel_services_busy(&agent->services) ? TICK_COMMAND_MS : TICK_RUNNING_MS);
    }
}

// Signals are blocked before any thread begins, so that only the descriptor sees them.
static int open_events(struct agent *agent, struct fault *fault)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    agent->epoll = epoll_create1(EPOLL_CLOEXEC);
    agent->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    agent->ticks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (agent->epoll < 0 || agent->signals < 0 || agent->ticks < 0 ||
        watch(agent, agent->signals, SOURCE_SIGNAL, EPOLLIN) < 0 ||
        watch(agent, agent->ticks, SOURCE_TICK, EPOLLIN) < 0 ||
        watch(agent, agent->services.server.listen_fd, SOURCE_LISTEN, EPOLLIN) < 0)
        return fault_set(fault, errno, "event loop: %s", strerror(errno));
    set_tick(agent, TICK_WAITING_MS);
    return 0;
}

static void close_events(struct agent *agent)
{
    if (agent->epoll >= 0)
        close(agent->epoll);
    if (agent->signals >= 0)
        close(agent->signals);
    if (agent->ticks >= 0)
        close(agent->ticks);
}

static void stop(struct agent *agent)
{
    channel_server_drop(&agent->services.server);
    if (!is_running(agent))
        return;
    if (!workers_stop(&agent->plane.workers)) {
        // Its memory cannot be freed under it; the ports can be closed, so that no program stays behind.
        ports_close(&agent->plane.ports);
        rundir_close(&agent->dir, true);
        _exit(1);
    }
    keep_bans(agent);
    channel_services_stop(&agent->services);
    rcu_barrier();
    boot_stop(&agent->plane);
}

int agent_run(const struct agent_options *options, struct fault *fault)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    int listen_fd;
    int result;

    if (agent == NULL)
        return fault_set(fault, ENOMEM, "no memory");
    *agent = (struct agent){.options = options,
                            .fault = fault,
                            .epoll = -1,
                            .signals = -1,
                            .ticks = -1,
                            .manager = {.sandbox = options->sandbox},
                            .without_control_ms = clock_ms()};
    result = rundir_open(&agent->dir, options->run_directory, options->state_directory, fault);
    if (result < 0)
        goto out;
    listen_fd = rundir_listen(&agent->dir, fault);
    if (listen_fd < 0) {
        result = listen_fd;
        goto out_directory;
    }
    channel_services_init(&agent->services, listen_fd, &(struct channel_owner){say_hello, take_rules, agent});
    if (getrandom(&agent->boot, sizeof(agent->boot), 0) != sizeof(agent->boot))
        agent->boot = clock_ms();
    rcu_register_thread();
    rcu_thread_offline();
    result = open_events(agent, fault);
    if (result == 0) {
        manager_waiting();
        loop(agent);
        result = agent->result;
    }
    stop(agent);
    close_events(agent);
    rcu_unregister_thread();
    close(listen_fd);
out_directory:
    rundir_close(&agent->dir, listen_fd >= 0);
out:
    free(agent);
    return result;
}
