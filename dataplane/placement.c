// SPDX-License-Identifier: BSD-3-Clause
#include "placement.h"

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include "log.h"

#define ISOLATED "/sys/devices/system/cpu/isolated" // "2-5,8"; an empty line: none

static bool is_isolated(unsigned cpu)
{
    FILE *file = fopen(ISOLATED, "re");
    char line[1024] = "", *at = line;
    bool found = false;

    if (file == NULL)
        return false;
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    fclose(file);
    while (*at >= '0' && *at <= '9' && !found) {
        unsigned long first = strtoul(at, &at, 10), last = first;

        if (*at == '-')
            last = strtoul(at + 1, &at, 10);
        found = cpu >= first && cpu <= last;
        at += *at == ',';
    }
    return found;
}

static bool is_shared(const struct eal_plan *plan, const struct worker_parts *parts)
{
    bool shared = parts->cpu == eal_main_cpu(plan);

    for (unsigned i = 0; i < plan->workers && !shared; i++)
        shared = i != parts->id && eal_worker_cpu(plan, i) == parts->cpu;
    return shared;
}

// A device of no node (one that is no PCI device) is near to all.
static bool is_remote(const struct worker_parts *parts)
{
    const unsigned node = rte_lcore_to_socket_id(eal_worker_lcore(parts->id));

    for (unsigned i = 0; i < parts->queue_count; i++) {
        int other = rte_eth_dev_socket_id(parts->queues[i].port);

        if (other >= 0 && (unsigned)other != node)
            return true;
    }
    return false;
}

uint64_t placement_check(const struct eal_plan *plan, const struct worker_parts *parts)
{
    const bool shared = is_shared(plan, parts), isolated = is_isolated(parts->cpu), remote = is_remote(parts);

    if (shared || !isolated || remote)
        log_event(LOG_WARNING, "worker_placement",
                  "worker=%u cpu=%u shared=%s isolated=%s remote_device=%s fix=\"%s\"", parts->id, parts->cpu,
                  shared ? "yes" : "no", isolated ? "yes" : "no", remote ? "yes" : "no",
                  shared   ? "fewer workers, or more CPUs with --cpus"
                  : remote ? "CPUs of the devices' memory node with --cpus"
                           : "isolcpus= and nohz_full= for the workers' CPUs in the kernel's arguments");
    return (shared ? PLACEMENT_SHARED : 0) | (isolated ? 0 : PLACEMENT_NOT_ISOLATED) |
           (remote ? PLACEMENT_REMOTE : 0);
}
