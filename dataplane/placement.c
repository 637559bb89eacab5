// SPDX-License-Identifier: BSD-3-Clause
#include "placement.h"

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

// A device of no node is near to all.
static bool is_remote(const struct worker_parts *parts)
{
    for (unsigned i = 0; i < parts->queue_count; i++) {
        if (parts->node >= 0 && parts->queues[i].node >= 0 && parts->queues[i].node != parts->node)
            return true;
    }
    return false;
}

static const char *fix_of(bool shared, bool remote, bool elsewhere)
{
    if (shared)
        return "fewer workers, or more CPUs with --cpus";
    if (remote)
        return "CPUs of the devices' memory node with --cpus";
    if (elsewhere)
        return "free memory, and huge pages, at the node of the worker's CPU";
    return "isolcpus= and nohz_full= for the workers' CPUs in the kernel's arguments";
}

uint64_t placement_check(const struct eal_plan *plan, const struct worker_parts *parts, int memory_node)
{
    const bool shared = is_shared(plan, parts), isolated = is_isolated(parts->cpu), remote = is_remote(parts);
    const bool elsewhere = parts->node >= 0 && memory_node >= 0 && memory_node != parts->node;

    if (shared || !isolated || remote || elsewhere)
        log_event(LOG_WARNING, "worker_placement",
                  "worker=%u cpu=%u node=%d memory_node=%d shared=%s isolated=%s remote_device=%s "
                  "remote_memory=%s fix=\"%s\"",
                  parts->id, parts->cpu, parts->node, memory_node, shared ? "yes" : "no",
                  isolated ? "yes" : "no", remote ? "yes" : "no", elsewhere ? "yes" : "no",
                  fix_of(shared, remote, elsewhere));
    return (shared ? PLACEMENT_SHARED : 0) | (isolated ? 0 : PLACEMENT_NOT_ISOLATED) |
           (remote ? PLACEMENT_REMOTE : 0) | (elsewhere ? PLACEMENT_MEMORY : 0);
}
