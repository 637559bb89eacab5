// SPDX-License-Identifier: BSD-3-Clause
#include "boot.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include "clock.h"
#include "eal.h"
#include "filter.h"
#include "log.h"
#include "name.h"
#include "port_bond.h"
#include "telemetry.h"

// Where everything is to lie: at the workers' nodes, packets at their devices'.
struct nodes {
    int workers[WORKERS_MAX];
    struct port_nodes ports;
};

static void find_nodes(struct nodes *nodes, const struct eal_plan *eal, const struct rules *rules)
{
    assert(eal->workers > 0); // rules_create() saw to it
    for (unsigned i = 0; i < eal->workers; i++)
        nodes->workers[i] = eal_worker_node(eal, i);
    port_nodes_find(&nodes->ports, rules, nodes->workers[0]);
}

static struct eal_plan eal_plan_of(const struct rules *rules, const struct rundir *dir,
                                   const struct boot_options *options, const struct nodes *nodes)
{
    struct eal_plan plan = {.file_prefix = dir->prefix,
                            .memory_mb = rules->settings->memory_mb,
                            .nodes = &nodes->ports,
                            .workers = rules->settings->workers,
                            .cpus = options->cpus,
                            .cpu_count = options->cpu_count,
                            .arguments = options->eal_arguments,
                            .argument_count = options->eal_argument_count};

    for (unsigned i = 0; i < rules->network_count; i++) {
        if (rules->networks[i].attach == ATTACH_PCI && rules->ports.of[i] == i &&
            !port_device_is_virtual(rules->networks[i].device))
            plan.device_count += port_devices(&rules->networks[i], &plan.devices[plan.device_count]);
    }
    return plan;
}

// AF_XDP's memory is locked memory, and maps are where the kernel is older than 5.11. Without the right to
// raise it, what we have must do.
static void raise_locked_memory(void)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
        return;
    getrlimit(RLIMIT_MEMLOCK, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
}

// What can be refused before DPDK starts: the machine is as the configuration says.
static int open_host(struct dataplane *plane, const struct rules *rules, const struct ports_plan *ports,
                     struct nexthop_table **nexthops, struct fault *fault)
{
    int result = ports_check(ports, fault);

    if (result == 0)
        result = host_taps_open(&plane->host_taps, rules, plane->isolated, fault);
    if (result == 0)
        result = listen_update(&plane->listens, rules->listeners, rules->listener_count, fault);
    if (result == 0)
        result = hostnet_open(&plane->hostnet, rules->networks, rules->network_count, nexthops, fault);
    if (result == 0)
        hostnet_watch(plane->hostnet, rules->listeners, rules->listener_count);
    return result;
}

static struct images_plan images_plan_of(const struct rules *rules, const struct rundir *dir,
                                         const struct cookie_keys *keys, const struct nodes *nodes)
{
    return (struct images_plan){.configured = rules->settings->dialogs_directory,
                                .state_directory = dir->state,
                                .key = keys->table,
                                .workers = rules->settings->workers,
                                .nodes = nodes->workers,
                                .capacity = rules->settings->dialogs_capacity,
                                .arena_octets = rules->settings->arena_octets};
}

// Calls go on without their records.
static void open_records(struct dataplane *plane, const struct rundir *dir,
                         const struct snapshot_settings *settings)
{
    int result = call_records_open(&plane->records, dir->state, settings->workers,
                                   (settings->flags & SETTINGS_RECORDS) != 0);

    if (result < 0)
        log_event(LOG_ERROR, "call_records_missing", "file=\"%s/%s\" reason=\"%s\"", dir->state,
                  CALL_RECORDS_FILE, strerror(-result));
}

struct health boot_health(const struct dataplane *plane, const struct rules *rules,
                          const char *state_directory)
{
    return (struct health){.counters = &plane->counters,
                           .rules = rules,
                           .workers = plane->counters.header->workers,
                           .boot_id = plane->images.identity.boot_id,
                           .state_directory = state_directory};
}

static void restore_health(struct dataplane *plane, const struct rules *rules, const char *state_directory)
{
    const struct health health = boot_health(plane, rules, state_directory);
    unsigned restored = health_restore(&health, clock_ms());

    if (restored > 0)
        log_event(LOG_INFO, "health_restored", "members=%u", restored);
}

static int start_host_path(struct dataplane *plane, struct fault *fault)
{
    struct host_path_rings rings[WORKERS_MAX];

    for (unsigned i = 0; i < plane->workers.count; i++)
        rings[i] = plane->workers.parts[i].host;
    return host_taps_start(&plane->host_taps,
                           &(struct host_taps_workers){rings, plane->workers.count, workers_queue_owner,
                                                       counters_file_networks(&plane->counters)},
                           fault);
}

static int watch_ports(struct dataplane *plane, struct fault *fault)
{
    return port_watch_start(&plane->port_watch,
                            &(struct port_watch_plan){&plane->ports, &plane->host_taps,
                                                      &plane->workers.published, plane->workers.count,
                                                      counters_file_networks(&plane->counters)},
                            fault);
}

// EAL has its memory before the dialogs take theirs: large pages that are too few are its first.
static int start_dpdk(struct dataplane *plane, struct workers_plan *plan, const struct ports_plan *ports,
                      const struct images_plan *images, struct fault *fault)
{
    int result = eal_start(plan->eal, fault);

    if (result == 0)
        result = ports_open(&plane->ports, ports, fault);
    if (result == 0)
        result = host_taps_join(&plane->host_taps, &plane->ports, fault);
    if (result == 0)
        result = counters_file_create(&plane->counters, plan->rules->settings->workers, fault);
    if (result == 0)
        restore_health(plane, plan->rules, images->state_directory);
    if (result == 0)
        result = telemetry_begin(&plane->counters, fault);
    if (result == 0)
        result = capture_memory_create(&plane->captures, plan->rules->settings->workers, fault);
    if (result == 0)
        result = images_create(&plane->images, images, fault);
    if (result == 0)
        result = workers_create(&plane->workers, plan, fault);
    if (result == 0)
        result = start_host_path(plane, fault);
    if (result == 0)
        result = watch_ports(plane, fault);
    if (result == 0)
        result = workers_launch(&plane->workers, fault);
    if (result == 0) // on the agent's CPU, as EAL has us now
        result = hostnet_start(plane->hostnet, fault);
    if (result == 0)
        images_wait(&plane->images);
    return result;
}

int boot_start(struct dataplane *plane, struct rules *rules, const struct rundir *dir,
               const struct boot_options *options, struct fault *fault)
{
    struct nodes nodes;
    const struct eal_plan eal = eal_plan_of(rules, dir, options, &nodes);
    const struct ports_plan ports = {.rules = rules,
                                     .run_directory = dir->run,
                                     .prefilter = options->prefilter,
                                     .nodes = &nodes.ports,
                                     .programs = &plane->programs,
                                     .isolated = &plane->isolated};
    struct workers_plan plan = {.eal = &eal,
                                .ports = &plane->ports,
                                .counters = &plane->counters,
                                .keys = &plane->keys,
                                .images = &plane->images,
                                .records = &plane->records,
                                .captures = &plane->captures,
                                .rules = rules};
    struct images_plan images;
    int result;

    find_nodes(&nodes, &eal, rules);
    memset(plane, 0, sizeof(*plane));
    open_records(plane, dir, rules->settings);
    raise_locked_memory();
    result = keys_open(dir->state, &plane->keys, fault);
    if (result == 0)
        result = open_host(plane, rules, &ports, &plan.nexthops, fault);
    plan.filter = filter_policy_create(rules->image);
    if (result == 0 && plan.filter == NULL)
        result = fault_set(fault, ENOMEM, "no memory for the filter's rules");
    images = images_plan_of(rules, dir, &plane->keys, &nodes);
    if (result == 0)
        result = images_open(&plane->images, &images, fault);
    if (result == 0)
        result = start_dpdk(plane, &plan, &ports, &images, fault);
    explicit_bzero(&images.key, sizeof(images.key));
    if (result < 0) {
        bool published = plane->workers.published.rules != NULL;

        boot_stop(plane);
        if (!published) {
            nexthop_destroy(plan.nexthops);
            filter_policy_destroy(plan.filter);
            rules_destroy(rules);
        }
        return result;
    }
    plane->start_rules = rules;
    eal_begin_watch();
    return 0;
}

bool boot_stop(struct dataplane *plane)
{
    port_watch_stop(&plane->port_watch);

    bool stopped = workers_stop(&plane->workers);
    struct rules *rules = plane->workers.published.rules;
    struct nexthop_table *nexthops = plane->workers.published.nexthops;
    struct name_table *names = plane->workers.published.names;
    struct filter_policy *filter = plane->workers.published.filter;
    struct filter_bans *bans = plane->workers.published.bans;

    host_taps_stop(&plane->host_taps);
    if (stopped) {
        workers_destroy(&plane->workers);
        images_close(&plane->images);
        call_records_close(&plane->records);
    }
    ports_close(&plane->ports);
    host_taps_close(&plane->host_taps);
    hostnet_close(plane->hostnet);
    listen_close(&plane->listens);
    plane->hostnet = NULL;
    explicit_bzero(&plane->keys, sizeof(plane->keys));
    if (!stopped)
        return false;
    telemetry_end();
    counters_file_destroy(&plane->counters);
    capture_memory_destroy(&plane->captures);
    nexthop_destroy(nexthops);
    name_table_destroy(names);
    filter_policy_destroy(filter);
    filter_bans_destroy(bans);
    if (plane->start_rules != NULL && plane->start_rules != rules)
        rules_destroy(plane->start_rules);
    if (rules != NULL)
        rules_destroy(rules);
    memset(&plane->workers.published, 0, sizeof(plane->workers.published));
    plane->start_rules = NULL;
    eal_stop();
    return true;
}
