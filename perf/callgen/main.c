// SPDX-License-Identifier: BSD-3-Clause
// Calls through a SIP proxy, both ends, and what became of each: see README.md.
#include <getopt.h>
#include <rte_eal.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "generator.h"

#define MEET_SECONDS 30u

static const char usage[] =
    "usage: callgen [OPTIONS] -- EAL_ARGUMENTS\n"
    "Calls from callers through a proxy to callees, all on DPDK ports: the first is the callers', the "
    "second, if there\n"
    "is one, the callees'. Ends when all calls have; exit status 0: each went as it had to, 1: not so, 2: "
    "wrong usage.\n"
    "  --caller A[+N][:P[+M]]  callers: N more addresses, M more ports (10.10.0.1:5060)\n"
    "  --callee A[+N][:P[+M]]  callees (10.20.0.1:5060)\n"
    "  --proxy A[:P],A[:P]     the proxy, as callers and as callees see it\n"
    "  --direct                no proxy between one caller and one callee\n"
    "  --rate R                calls a second (1000)\n"
    "  --poisson               at random times; else evenly\n"
    "  --calls N               how many (--rate times ten)\n"
    "  --ring MS, --hold MS    180 to 200 (0), ACK to BYE (1000)\n"
    "  --changed, --cancelled, --refused, --options, --callee-bye PERCENT   of the calls: with a re-INVITE "
    "(10),\n"
    "                          cancelled when they ring (5), refused by the callee (3), OPTIONS instead (0), "
    "ended\n"
    "                          by the callee (0)\n"
    "  --t1 MS                 first wait for an answer (500); a request is given up after 64 of it\n"
    "  --skip MS               calls for which this program is later than that are left out and counted: "
    "what "
    "came is\n"
    "                          then looked at before they are begun (never)\n"
    "  --warm-up S             calls that are due by then are not in the times (0)\n"
    "  --room N                calls at once (rate * (ring + hold + 64 * t1), at most 4000000)\n"
    "  --seed N                another one: other texts (1)\n"
    "  --spin                  never sleeps\n"
    "  --json FILE             all figures\n";

enum word {
    CALLER_PLACES = 256,
    CALLEE_PLACES,
    PROXY,
    DIRECT,
    RATE,
    POISSON,
    CALLS,
    RING,
    HOLD,
    CHANGED,
    CANCELLED,
    REFUSED,
    OPTIONS,
    CALLEE_BYE,
    T1,
    SKIP,
    WARM_UP,
    ROOM,
    SEED,
    SPIN,
    JSON,
    HELP
};

static const struct option long_options[] = {
    {"caller", required_argument, NULL, CALLER_PLACES},
    {"callee", required_argument, NULL, CALLEE_PLACES},
    {"proxy", required_argument, NULL, PROXY},
    {"direct", no_argument, NULL, DIRECT},
    {"rate", required_argument, NULL, RATE},
    {"poisson", no_argument, NULL, POISSON},
    {"calls", required_argument, NULL, CALLS},
    {"ring", required_argument, NULL, RING},
    {"hold", required_argument, NULL, HOLD},
    {"changed", required_argument, NULL, CHANGED},
    {"cancelled", required_argument, NULL, CANCELLED},
    {"refused", required_argument, NULL, REFUSED},
    {"options", required_argument, NULL, OPTIONS},
    {"callee-bye", required_argument, NULL, CALLEE_BYE},
    {"t1", required_argument, NULL, T1},
    {"skip", required_argument, NULL, SKIP},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"room", required_argument, NULL, ROOM},
    {"seed", required_argument, NULL, SEED},
    {"spin", no_argument, NULL, SPIN},
    {"json", required_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static struct generator generator;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    stopped = signal;
}

static _Noreturn void wrong(const char *what, const char *text)
{
    fprintf(stderr, "callgen: %s: %s; see callgen --help\n", what, text);
    exit(2);
}

static double number(const char *name, const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fprintf(stderr, "callgen: --%s %s: a number from %g to %g is wanted\n", name, text, least, most);
        exit(2);
    }
    return value;
}

static void read_places(enum side side, const char *text)
{
    if (!scene_places(generator.scene.sides[side], &generator.scene.counts[side], text))
        wrong(text, "no addresses and ports");
}

static void read_proxy(char *text)
{
    struct place list[SCENE_PLACES];
    unsigned count;
    char *second = strchr(text, ',');
    if (second == NULL)
        wrong(text, "two addresses are wanted, with a comma between");
    *second++ = '\0';
    for (unsigned side = 0; side < SIDES; side++) {
        if (!scene_places(list, &count, side == CALLER ? text : second) || count != 1)
            wrong(side == CALLER ? text : second, "no address and port");
        generator.scene.proxy[side] = list[0];
    }
}

struct rest { // what is no part of the load
    double room;
    const char *json;
};

static void set_share(enum kind kind, const char *name)
{
    generator.load.per_mille[kind] = (unsigned)(number(name, optarg, 0, 100) * 10);
}

static void set_load(int option, const char *name)
{
    struct load *load = &generator.load;
    switch (option) {
    case RATE:
        load->rate = number(name, optarg, 0.01, 1e7);
        break;
    case CALLS:
        load->count = (uint64_t)number(name, optarg, 1, 4e9);
        break;
    case RING:
        load->ring_ns = (uint64_t)(number(name, optarg, 0, 1e6) * 1e6);
        break;
    case HOLD:
        load->hold_ns = (uint64_t)(number(name, optarg, 0, 1e8) * 1e6);
        break;
    case T1:
        load->t1_ns = (uint64_t)(number(name, optarg, 1, 60000) * 1e6);
        break;
    case SKIP:
        load->skip_ns = (uint64_t)(number(name, optarg, 1, 1e6) * 1e6);
        break;
    case WARM_UP:
        load->warm_up_ns = (uint64_t)(number(name, optarg, 0, 1e6) * 1e9);
        break;
    case CHANGED:
        set_share(KIND_CHANGED, name);
        break;
    case CANCELLED:
        set_share(KIND_CANCELLED, name);
        break;
    case REFUSED:
        set_share(KIND_REFUSED, name);
        break;
    case OPTIONS:
        set_share(KIND_OPTIONS, name);
        break;
    case CALLEE_BYE:
        set_share(KIND_HUNG_UP, name);
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static void set(int option, const char *name, struct rest *rest)
{
    switch (option) {
    case CALLER_PLACES:
        read_places(CALLER, optarg);
        break;
    case CALLEE_PLACES:
        read_places(CALLEE, optarg);
        break;
    case PROXY:
        read_proxy(optarg);
        break;
    case DIRECT:
        generator.scene.direct = true;
        break;
    case POISSON:
        generator.load.poisson = true;
        break;
    case SPIN:
        generator.load.spin = true;
        break;
    case ROOM:
        rest->room = number(name, optarg, 1, 1u << 26);
        break;
    case SEED:
        generator.scene.seed = (uint64_t)number(name, optarg, 0, 1e15);
        break;
    case JSON:
        rest->json = optarg;
        break;
    case HELP:
        fputs(usage, stdout);
        exit(0);
    default:
        set_load(option, name);
    }
}

// Options stand before --, the EAL's behind it. Returns where the latter begin.
static int read_options(int argc, char **argv, struct rest *rest)
{
    int option, index = 0;
    generator.load = (struct load){.rate = 1000, .hold_ns = 1000000000, .t1_ns = 500000000};
    generator.load.per_mille[KIND_CHANGED] = 100;
    generator.load.per_mille[KIND_CANCELLED] = 50;
    generator.load.per_mille[KIND_REFUSED] = 30;
    generator.scene.seed = 1;
    read_places(CALLER, "10.10.0.1:5060");
    read_places(CALLEE, "10.20.0.1:5060");
    while ((option = getopt_long(argc, argv, "+h", long_options, &index)) != -1)
        set(option, option >= CALLER_PLACES ? long_options[index].name : "", rest);
    unsigned shares = 0;
    for (unsigned kind = 0; kind < KINDS; kind++)
        shares += generator.load.per_mille[kind];
    if (shares > 1000)
        wrong("shares of the calls", "more than 100 per cent");
    if (generator.scene.direct) {
        if (generator.scene.counts[CALLER] != 1 || generator.scene.counts[CALLEE] != 1)
            wrong("--direct", "takes one caller and one callee");
        for (unsigned side = 0; side < SIDES; side++)
            generator.scene.proxy[side] = generator.scene.sides[far_side(side)][0];
    } else if (generator.scene.proxy[CALLER].port == 0) {
        wrong("--proxy", "is missing");
    }
    return optind;
}

static bool make_room(const struct rest *rest)
{
    const struct load *load = &generator.load;
    double room = rest->room;
    if (room == 0) {
        room = load->rate * (double)(load->ring_ns + load->hold_ns + 64 * load->t1_ns) / 1e9 + 1000;
        if (room > 4e6)
            room = 4e6;
    }
    if (calls_create(&generator.calls, (uint32_t)room))
        return true;
    fprintf(stderr, "callgen: no memory for %.0f calls: --room makes it less\n", room);
    return false;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run(struct summary *summary)
{
    if (!generator_meet(&generator, MEET_SECONDS)) {
        fprintf(stderr, "callgen: nobody answers for the proxy's addresses (ARP): are its interfaces up, and "
                        "beside these ports?\n");
        return false;
    }
    summary->cpu_seconds = -cpu_seconds();
    while (!stopped && generator_turn(&generator))
        ;
    summary->cpu_seconds += cpu_seconds();
    summary->rate = generator.load.rate;
    summary->seconds = (double)(generator.now_ns - generator.began_ns) / 1e9;
    summary->offered_seconds = 1 / generator.load.rate;
    if (generator.last_ns > generator.began_ns)
        summary->offered_seconds += (double)(generator.last_ns - generator.began_ns) / 1e9;
    return true;
}

static bool report(const struct summary *summary, const char *json)
{
    tally_print(&generator.tally, summary, stdout);
    if (json == NULL)
        return true;
    FILE *file = fopen(json, "w");
    if (file != NULL) {
        tally_json(&generator.tally, summary, file);
        if (fclose(file) == 0)
            return true;
    }
    perror(json);
    return false;
}

int main(int argc, char **argv)
{
    struct rest rest = {0};
    struct summary summary = {0};
    int eal = read_options(argc, argv, &rest);
    if (generator.load.count == 0)
        generator.load.count = (uint64_t)(generator.load.rate * 10);
    generator.random = generator.scene.seed;
    // The EAL takes the word before its first for the program's name.
    argv[eal - 1] = argv[0];
    if (rte_eal_init(argc - eal + 1, argv + eal - 1) < 0) {
        fprintf(stderr, "callgen: the EAL does not start: its lines above say why\n");
        return 1;
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    generator.wire = make_room(&rest) ? wire_create(&generator.scene, &generator.tally) : NULL;
    bool clean = generator.wire != NULL && run(&summary) && report(&summary, rest.json) &&
                 tally_clean(&generator.tally);
    if (generator.wire != NULL)
        wire_destroy(generator.wire);
    calls_destroy(&generator.calls);
    rte_eal_cleanup();
    return clean ? 0 : 1;
}
