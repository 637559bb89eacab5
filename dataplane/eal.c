// SPDX-License-Identifier: BSD-3-Clause
#include "eal.h"

#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "confine.h"
#include "dialgate/counters.h"
#include "eal_memory.h"
#include "log.h"
#include "memory_node.h"

#define ARGUMENTS_MAX    (96u + 2 * EAL_DEVICES_MAX)
#define LCORES_SIZE      2048u
#define MEMORY_ARGUMENTS 6u // of add_memory(), at most

// DPDK writes from any of its threads; its stream's lock keeps the lines apart.
static char words[160];
static atomic_bool log_on;
static struct log_limit dpdk_limit;
static struct eal_memory memory;
static bool started;

unsigned eal_main_cpu(const struct eal_plan *plan)
{
    return plan->cpus[0];
}

unsigned eal_worker_cpu(const struct eal_plan *plan, unsigned worker)
{
    return plan->cpus[plan->cpu_count - 1 - worker % plan->cpu_count];
}

int eal_worker_node(const struct eal_plan *plan, unsigned worker)
{
    return memory_node_of_cpu(eal_worker_cpu(plan, worker));
}

static ssize_t take_words(void *cookie, const char *octets, size_t size)
{
    char line[sizeof(words)];
    size_t used = size < sizeof(line) ? size : sizeof(line) - 1;

    while (used > 0 && (octets[used - 1] == '\n' || octets[used - 1] == '.'))
        used--;
    if (used == 0)
        return (ssize_t)size;
    memcpy(line, octets, used);
    line[used] = '\0';
    if (words[0] == '\0')
        memcpy(words, line, used + 1);
    if (atomic_load(&log_on) && log_allowed(&dpdk_limit, "dpdk"))
        log_event(LOG_WARNING, "dpdk", "text=\"%s\"", line);
    return (ssize_t)size;
}

static int catch_log(void)
{
    const cookie_io_functions_t functions = {.write = take_words};
    FILE *stream = fopencookie(NULL, "w", functions);

    if (stream == NULL)
        return -ENOMEM;
    setvbuf(stream, NULL, _IOLBF, BUFSIZ);
    return rte_openlog_stream(stream);
}

const char *eal_words(void)
{
    return words;
}

void eal_words_forget(void)
{
    words[0] = '\0';
}

static void write_lcores(const struct eal_plan *plan, char lcores[LCORES_SIZE])
{
    size_t used = (size_t)snprintf(lcores, LCORES_SIZE, "0@%u", eal_main_cpu(plan));

    for (unsigned i = 0; i < plan->workers && used < LCORES_SIZE; i++)
        used += (size_t)snprintf(lcores + used, LCORES_SIZE - used, ",%u@%u", eal_worker_lcore(i),
                                 eal_worker_cpu(plan, i));
}

// As "--option", "--option=value" or "-o".
static bool operator_says(const struct eal_plan *plan, const char *option)
{
    const size_t length = strlen(option);

    for (unsigned i = 0; i < plan->argument_count; i++) {
        const char *argument = plan->arguments[i];

        if (strncmp(argument, option, length) == 0 && (argument[length] == '\0' || argument[length] == '='))
            return true;
    }
    return false;
}

static void plan_memory(const struct eal_plan *plan)
{
    int threads[1 + WORKERS_MAX];

    threads[0] = memory_node_of_cpu(eal_main_cpu(plan));
    for (unsigned i = 0; i < plan->workers; i++)
        threads[1 + i] = eal_worker_node(plan, i);
    eal_memory_plan(&memory, &(struct eal_memory_wants){.mb = plan->memory_mb,
                                                        .may_huge = !operator_says(plan, "--no-huge"),
                                                        .ports = plan->nodes,
                                                        .threads = threads,
                                                        .thread_count = 1 + plan->workers});
}

// EAL takes either -m or --socket-mem, and the operator may have said what.
static unsigned add_memory(const struct eal_plan *plan, char **arguments)
{
    static char all[] = "-m", each[] = "--socket-mem", limit[] = "--socket-limit",
                in_memory[] = "--in-memory", no_huge[] = "--no-huge", no_shconf[] = "--no-shconf";
    static char mb[16], shares[EAL_MEMORY_SIZE], limits[EAL_MEMORY_SIZE];
    unsigned count = 0;

    snprintf(mb, sizeof(mb), "%u", memory.mb);
    snprintf(shares, sizeof(shares), "%s", memory.shares);
    snprintf(limits, sizeof(limits), "%s", memory.limits);
    if (!operator_says(plan, all) && !operator_says(plan, each)) {
        arguments[count++] = memory.split ? each : all;
        arguments[count++] = memory.split ? shares : mb;
    }
    if (memory.huge && !operator_says(plan, limit)) {
        arguments[count++] = limit;
        arguments[count++] = limits;
    }
    if (memory.huge) {
        arguments[count++] = in_memory;
    } else {
        arguments[count++] = no_huge;
        arguments[count++] = no_shconf;
    }
    return count;
}

// EAL leaves its directory, one for each run directory that there ever was. Its telemetry removes its socket
// from it at exit, so this is registered before it and runs after it. With a file left in it, it stays.
static void remove_directory(void)
{
    const char *directory = rte_eal_get_runtime_dir();

    if (directory[0] != '\0')
        rmdir(directory);
}

// Some drivers (net_tap) have a signal for each packet that waits: it is for the threads that EAL has made,
// and interrupts none of the agent's system calls, nor those of threads that it makes.
static void leave_signals(void)
{
    sigset_t drivers;

    sigemptyset(&drivers);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        if (number != CONFINE_SIGNAL)
            sigaddset(&drivers, number);
    }
    pthread_sigmask(SIG_BLOCK, &drivers, NULL);
}

int eal_start(const struct eal_plan *plan, struct fault *fault)
{
    // EAL reorders what it is given and may write to it.
    static char program[] = "dialgate-dataplane", lcores_option[] = "--lcores",
                prefix_option[] = "--file-prefix", no_pci[] = "--no-pci", va[] = "--iova-mode=va",
                warnings[] = "--log-level=warning", allow[] = "-a";
    static char lcores[LCORES_SIZE], prefix[128], devices[EAL_DEVICES_MAX][NAME_SIZE];
    char *arguments[ARGUMENTS_MAX] = {program, lcores_option, lcores, prefix_option, prefix, va, warnings};
    unsigned count = 7;

    plan_memory(plan);
    if (plan->device_count == 0)
        arguments[count++] = no_pci;
    for (unsigned i = 0; i < plan->device_count; i++) {
        snprintf(devices[i], sizeof(devices[i]), "%s", plan->devices[i]);
        arguments[count++] = allow;
        arguments[count++] = devices[i];
    }
    if (count + MEMORY_ARGUMENTS + plan->argument_count > ARGUMENTS_MAX)
        return fault_set(fault, E2BIG, "more than %u EAL arguments",
                         ARGUMENTS_MAX - count - MEMORY_ARGUMENTS);
    write_lcores(plan, lcores);
    snprintf(prefix, sizeof(prefix), "%s", plan->file_prefix);
    count += add_memory(plan, &arguments[count]);
    for (unsigned i = 0; i < plan->argument_count; i++)
        arguments[count++] = plan->arguments[i];
    if (catch_log() < 0 || atexit(remove_directory) != 0)
        return fault_set(fault, ENOMEM, "EAL: no memory");
    if (rte_eal_init((int)count, arguments) < 0)
        return fault_set(
            fault, rte_errno != 0 ? rte_errno : EIO,
            "EAL with %u MB of %s did not start: %s; check memory.mb, --cpus and the EAL arguments",
            plan->memory_mb, memory.huge ? "huge pages" : "plain memory",
            words[0] != '\0' ? words : rte_strerror(rte_errno));
    leave_signals();
    started = true;
    log_event(LOG_INFO, "eal_started", "memory_mb=%u pages=%s nodes=%s lcores=%s", plan->memory_mb,
              memory.huge ? "huge" : "plain", memory.split ? memory.shares : "any", lcores);
    return 0;
}

void eal_begin_watch(void)
{
    if (eal_memory_watch(&memory) < 0)
        log_event(LOG_WARNING, "memory_unwatched", "reason=\"%s\"", rte_strerror(rte_errno));
    atomic_store(&log_on, true);
}

void eal_stop(void)
{
    if (started)
        rte_eal_cleanup();
    started = false;
}
