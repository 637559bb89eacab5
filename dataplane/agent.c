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
#include "capture_requests.h"
#include "channel_server.h"
#include "clock.h"
#include "dialog_events.h"
#include "dialog_requests.h"
#include "hello.h"
#include "log.h"
#include "manager.h"
#include "overload_log.h"
#include "member_events.h"
#include "name_cache.h"
#include "neighbours.h"
#include "reload.h"
#include "rules_receive.h"
#include "unreachables.h"

#define TICK_WAITING_MS   100u
#define TICK_RUNNING_MS   10u   // workers' questions for neighbours
#define TICK_COMMAND_MS   1u    // while workers hold commands
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
    enum channel_state state;
    bool end; // leave the loop
    int result;
    struct fault *fault;
    uint64_t without_control_ms; // since when nobody is connected
    bool saved_tried;
    uint64_t slow_ms;    // last slow tick
    uint64_t members_ms; // last question for all members
    struct log_limit snapshot_limit;
    struct channel_server channel;
    struct dialog_requests requests;
    struct capture_requests captures;
    struct dialog_events events;
    struct overload_log overload;
    struct manager manager;
    struct member_events member_events;
    struct name_cache names;
    struct dataplane plane;
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

static void say_hello(struct agent *agent, const char *text)
{
    struct channel_hello hello = {.state = agent->state, .pid = (uint32_t)getpid(), .boot = agent->boot};

    hello_send(&agent->channel, &hello, agent->state == CHANNEL_RUNNING ? &agent->plane : NULL, text);
}

static void keep_health(struct agent *agent)
{
    const struct health health =
        boot_health(&agent->plane, agent->plane.workers.published.rules, agent->dir.state);
    int result;

    if (!agent->member_events.changed)
        return;
    result = health_save(&health);
    if (result < 0)
        log_event(LOG_WARNING, "health_not_saved", "directory=%s error=\"%s\"", agent->dir.state,
                  strerror(-result));
    agent->member_events.changed = result < 0; // tried again at the next slow tick
}

static void serve_workers(struct agent *agent, uint64_t now_ms)
{
    struct dataplane *plane = &agent->plane;
    struct nexthop_table *table;

    for (unsigned i = 0; i < plane->workers.count; i++) {
        void *ask;

        for (unsigned j = 0;
             j < WORKER_ASKS_SIZE && rte_ring_dequeue(plane->workers.parts[i].asks, &ask) == 0; j++)
            hostnet_ask(plane->hostnet, WORKER_ASK_NETWORK(ask), WORKER_ASK_ADDRESS(ask), now_ms);
    }
    table = hostnet_refresh(plane->hostnet, now_ms);
    if (table != NULL) {
        reload_nexthops(plane, table);
        neighbours_ask(plane, false, now_ms);
    }
    dialog_requests_poll(&agent->requests, now_ms);
    dialog_events_poll(&agent->events);
    member_events_poll(&agent->member_events);
    call_records_poll(&agent->plane.records, &agent->channel);
    name_cache_poll(&agent->names, now_ms);
    capture_requests_poll(&agent->captures, now_ms);
    unreachables_poll(&plane->listens, &plane->workers);
    images_poll(&plane->images);
    manager_poll(&agent->manager, &plane->workers, now_ms);
    if (now_ms - agent->slow_ms < SLOW_TICK_MS)
        return;
    agent->slow_ms = now_ms;
    keep_health(agent);
    overload_log_poll(&agent->overload, &plane->workers);
    agent_gauges_poll(&plane->counters, &plane->ports);
    neighbours_ask(plane, now_ms - agent->members_ms >= MEMBER_REFRESH_MS, now_ms);
    if (now_ms - agent->members_ms >= MEMBER_REFRESH_MS)
        agent->members_ms = now_ms;
}

static int start_names(struct agent *agent)
{
    struct workers *workers = &agent->plane.workers;
    struct name_asks *asks[WORKERS_MAX];

    for (unsigned i = 0; i < workers->count; i++)
        asks[i] = worker_name_asks(workers->workers[i]);
    const struct name_cache_options options = {.channel = &agent->channel,
                                               .asks = asks,
                                               .ask_count = workers->count,
                                               .key = &agent->plane.keys.table,
                                               .publish = reload_names,
                                               .context = &agent->plane};
    return name_cache_init(&agent->names, &options);
}

// Takes rules. Returns 0 or -errno with agent->fault; then the process ends.
static int start(struct agent *agent, struct rules *rules)
{
    uint64_t begun_ms = clock_ms();
    struct workers *workers = &agent->plane.workers;
    int result;

    agent->state = CHANNEL_STARTING;
    say_hello(agent, NULL);
    result = boot_start(&agent->plane, rules, &agent->dir, &agent->options->boot, agent->fault);
    if (result == 0 &&
        (start_names(agent) < 0 || dialog_events_init(&agent->events, &agent->channel, workers) < 0 ||
         member_events_init(&agent->member_events, &agent->channel, workers) < 0)) {
        result = fault_set(agent->fault, ENOMEM, "no memory for names of next hops and events");
        boot_stop(&agent->plane);
    }
    if (result < 0) {
        agent->state = CHANNEL_FAILED;
        agent->end = true;
        return agent->result = result;
    }
    agent->state = CHANNEL_RUNNING;
    dialog_requests_init(&agent->requests, &agent->channel, workers);
    capture_requests_init(&agent->captures,
                          &(struct capture_requests_options){.channel = &agent->channel,
                                                             .published = &workers->published,
                                                             .counts = agent->plane.captures.file->counts,
                                                             .key = &agent->plane.keys.table});
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
    neighbours_ask(&agent->plane, true, clock_ms());
    log_event(LOG_INFO, "reloaded", "sequence=%llu listeners=%u", sequence, rules->listener_count);
    return 0;
}

static void take_snapshot(struct agent *agent, const struct channel_input *in)
{
    struct channel_done done = {0};
    struct fault fault = {.text = ""};
    bool first = agent->state == CHANNEL_WAITING;
    struct rules *rules = rules_receive(in->fd, &in->body.snapshot, &fault);

    close(in->fd);
    if (rules == NULL) {
        done.result = -errno;
    } else if (first) {
        done.result = start(agent, rules);
        if (done.result < 0)
            fault = *agent->fault;
    } else {
        done.result = reload(agent, rules, &fault);
    }
    if (done.result < 0) {
        memcpy(done.text, fault.text, sizeof(done.text));
        // A failed start says it in the process's last line.
        if (!agent->end && log_allowed(&agent->snapshot_limit, "snapshot_refused"))
            log_event(LOG_WARNING, "snapshot_refused", "reason=\"%s\"", fault.text);
    }
    channel_server_done(&agent->channel, CHANNEL_SNAPSHOT_RESULT, in->header.request, &done);
    if (first && rules != NULL)
        say_hello(agent, done.result < 0 ? fault.text : NULL);
}

// What the workers have to do with.
static void take_request(struct agent *agent, const struct channel_input *in)
{
    switch ((enum channel_type)in->header.type) {
    case CHANNEL_CAPTURE_SET:
        capture_requests_begin(&agent->captures, in, clock_ms());
        break;
    case CHANNEL_CAPTURE_END:
        capture_requests_end(&agent->captures, in);
        break;
    default:
        dialog_requests_begin(&agent->requests, in, clock_ms());
    }
}

static void take_message(struct agent *agent, const struct channel_input *in)
{
    const struct channel_done not_yet = {.result = -EAGAIN,
                                         .text = "the data plane has no configuration yet"};

    switch ((enum channel_type)in->header.type) {
    case CHANNEL_HELLO:
        say_hello(agent, NULL);
        call_records_begin(&agent->plane.records);
        event_queue_begin(&agent->events.queue);
        event_queue_begin(&agent->member_events.queue);
        break;
    case CHANNEL_EVENTS_DONE:
        event_queue_done(&agent->events.queue, in->body.events_done.numbers[CHANNEL_EVENT_DIALOG]);
        event_queue_done(&agent->member_events.queue, in->body.events_done.numbers[CHANNEL_EVENT_MEMBER]);
        break;
    case CHANNEL_RECORDS_DONE:
        call_records_done(&agent->plane.records, &in->body.records_done);
        break;
    case CHANNEL_SNAPSHOT:
        take_snapshot(agent, in);
        break;
    case CHANNEL_NAME_ANSWER:
        if (agent->state == CHANNEL_RUNNING)
            name_cache_answer(&agent->names, &in->body.name, clock_ms());
        break;
    default:
        if (agent->state == CHANNEL_RUNNING)
            take_request(agent, in);
        else
            channel_server_done(&agent->channel, CHANNEL_DONE, in->header.request, &not_yet);
        break;
    }
}

static void serve_control(struct agent *agent)
{
    struct channel_input in;

    // A bound, so that a control that never stops talking does not starve the rest.
    for (unsigned i = 0; i < 64 && !agent->end && channel_server_receive(&agent->channel, &in) == 1; i++)
        take_message(agent, &in);
    if (agent->channel.fd >= 0)
        channel_server_flush(&agent->channel);
}

// After each event: one may drop the connection and the next one take another with the same number.
static void watch_control(struct agent *agent)
{
    struct channel_server *channel = &agent->channel;
    uint32_t events = EPOLLIN | (channel_server_waiting(channel) ? (uint32_t)EPOLLOUT : 0u);

    if (agent->control_events != 0 && channel->fd < 0) {
        agent->control_events = 0;
        agent->without_control_ms = clock_ms();
        agent->saved_tried = false;
        dialog_requests_forget(&agent->requests);
        if (agent->state == CHANNEL_RUNNING) {
            name_cache_forget(&agent->names);
            capture_requests_forget(&agent->captures);
        }
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

    if (agent->saved_tried || agent->channel.fd >= 0 || now_ms - agent->without_control_ms < CONTROL_MS)
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
    if (agent->state == CHANNEL_WAITING) {
        try_saved(agent, now_ms);
        return;
    }
    if (agent->state != CHANNEL_RUNNING)
        return;
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
        channel_server_accept(&agent->channel);
        break;
    case SOURCE_CONTROL:
        serve_control(agent);
        break;
    case SOURCE_HOSTNET:
        hostnet_read(agent->plane.hostnet);
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
        if (agent->state == CHANNEL_RUNNING)
            set_tick(agent, dialog_requests_busy(&agent->requests) ? TICK_COMMAND_MS : TICK_RUNNING_MS);
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
        watch(agent, agent->channel.listen_fd, SOURCE_LISTEN, EPOLLIN) < 0)
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
    bool was_running = agent->state == CHANNEL_RUNNING;

    channel_server_drop(&agent->channel);
    if (!was_running)
        return;
    if (!workers_stop(&agent->plane.workers)) {
        // Its memory cannot be freed under it; the ports can be closed, so that no program stays behind.
        ports_close(&agent->plane.ports);
        rundir_close(&agent->dir, true);
        _exit(1);
    }
    dialog_requests_fini(&agent->requests);
    name_cache_fini(&agent->names);
    capture_requests_fini(&agent->captures);
    dialog_events_fini(&agent->events);
    member_events_fini(&agent->member_events);
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
                            .state = CHANNEL_WAITING,
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
    channel_server_init(&agent->channel, listen_fd);
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
