// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent.h"
#include "eal.h"
#include "notify.h"
#include "sink.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

// O(NAME, letter of getopt, argument's name or "", help)
#define OPTIONS(O)                                                                                           \
    O("run-directory", 'r', "DIR",                                                                           \
      "socket, lock and records; one instance each (default " RUNDIR_DEFAULT ")")                            \
    O("state-directory", 's', "DIR",                                                                         \
      "keys and the last configuration (default /dev/shm/dialgate, by run directory)")                       \
    O("prefilter", 'p', "FILE", "the XDP program (default: the installed prefilter.bpf.o)")                  \
    O("cpus", 'c', "LIST",                                                                                   \
      "CPUs to use, such as 0,2-5: the agent on the first, workers from the last (default: all)")            \
    O("log", 'l', "SINK",                                                                                    \
      "auto (default: the journal when standard error is its, else stderr), stderr, journal,"                \
      " syslog[:SOCKET]")                                                                                    \
    O("no-sandbox", 'n', "", "keep all capabilities and system calls once packets are taken; to debug")      \
    O("help", 'h', "", "this text")                                                                          \
    O("version", 'V', "", "the version")

static const struct option long_options[] = {
#define O(name, letter, argument, help)                                                                      \
    {name, (argument)[0] != '\0' ? required_argument : no_argument, NULL, letter},
    OPTIONS(O)
#undef O
        {NULL, 0, NULL, 0},
};

static void usage(FILE *to)
{
    fputs("usage: dialgate-dataplane [options] [-- EAL arguments]\n", to);
#define O(name, letter, argument, help)                                                                      \
    fprintf(to, "  --%s%s%s\n        %s\n", name, (argument)[0] != '\0' ? " " : "", argument, help);
    OPTIONS(O)
#undef O
}

struct cpu_list {
    uint16_t cpus[EAL_CPUS_MAX];
    unsigned count;
};

static void take_set(struct cpu_list *list, const bool *wanted)
{
    cpu_set_t allowed;

    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof(allowed), &allowed);
    list->count = 0;
    for (unsigned i = 0; i < EAL_CPUS_MAX && i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &allowed) && (wanted == NULL || wanted[i]))
            list->cpus[list->count++] = (uint16_t)i;
    }
}

// "0,2-5". Returns false when it is no list.
static bool parse_cpus(const char *text, bool wanted[EAL_CPUS_MAX])
{
    for (;;) {
        unsigned long first, last;
        char *end;

        if (*text < '0' || *text > '9')
            return false;
        first = last = strtoul(text, &end, 10);
        if (*end == '-' && end[1] >= '0' && end[1] <= '9')
            last = strtoul(end + 1, &end, 10);
        if (first > last || last >= EAL_CPUS_MAX)
            return false;
        for (unsigned long i = first; i <= last; i++)
            wanted[i] = true;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        text = end + 1;
    }
}

// Beside a program that was just built, or where it is installed.
static const char *find_prefilter(void)
{
    static char path[PATH_MAX + sizeof("/../ebpf/prefilter.bpf.o")];
    char *slash;
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

    if (length > 0) {
        path[length] = '\0';
        slash = strrchr(path, '/');
        if (slash != NULL) {
            static const char beside[] = "/../ebpf/prefilter.bpf.o";

            memcpy(slash, beside, sizeof(beside));
            if (access(path, R_OK) == 0)
                return path;
        }
    }
    return DIALGATE_PREFILTER;
}

static int wrong_usage(const char *text)
{
    if (text != NULL)
        fprintf(stderr, "dialgate-dataplane: %s; see --help\n", text);
    return EXIT_USAGE;
}

// Returns -1 to go on, or the exit status.
static int parse(int count, char **arguments, struct agent_options *options, struct cpu_list *cpus)
{
    bool wanted[EAL_CPUS_MAX] = {false};
    bool some = false;
    int letter;

    while ((letter = getopt_long(count, arguments, "+", long_options, NULL)) != -1) {
        switch (letter) {
        case 'r':
            options->run_directory = optarg;
            break;
        case 's':
            options->state_directory = optarg;
            break;
        case 'p':
            options->boot.prefilter = optarg;
            break;
        case 'c':
            some = parse_cpus(optarg, wanted);
            if (!some)
                return wrong_usage("--cpus wants a list such as 0,2-5");
            break;
        case 'l':
            if (!sink_open(optarg, "dialgate-dataplane"))
                return wrong_usage("--log wants auto, stderr, journal, syslog or syslog:/PATH");
            break;
        case 'n':
            options->sandbox = false;
            break;
        case 'h':
            usage(stdout);
            return EXIT_DONE;
        case 'V':
            puts("dialgate-dataplane " DIALGATE_VERSION);
            return EXIT_DONE;
        default:
            return wrong_usage(NULL);
        }
    }
    if (optind < count && strcmp(arguments[optind - 1], "--") != 0)
        return wrong_usage("EAL arguments come after --");
    options->boot.eal_arguments = arguments + optind;
    options->boot.eal_argument_count = (unsigned)(count - optind);
    take_set(cpus, some ? wanted : NULL);
    if (cpus->count == 0)
        return wrong_usage("--cpus names no CPU that this process may use");
    options->boot.cpus = cpus->cpus;
    options->boot.cpu_count = cpus->count;
    return -1;
}

int main(int count, char **arguments)
{
    struct agent_options options = {.run_directory = RUNDIR_DEFAULT, .sandbox = true};
    struct cpu_list cpus;
    struct fault fault = {.text = ""};
    int status;

    sink_open("auto", "dialgate-dataplane");
    status = parse(count, arguments, &options, &cpus);
    if (status >= 0)
        return status;
    notify_open();
    if (options.boot.prefilter == NULL)
        options.boot.prefilter = find_prefilter();
    if (agent_run(&options, &fault) < 0) {
        fprintf(stderr, "dialgate-dataplane: %s\n", fault.text);
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}
