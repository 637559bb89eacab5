// SPDX-License-Identifier: BSD-3-Clause
// The only C++ here. Comparisons travel in the label, so that Google Benchmark's JSON holds all that perf/run
// needs.
#include "harness.h"
#include "counters.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

static std::vector<const struct bench *> rows;
static struct counters counters;

static uint64_t items_of(const struct bench &bench)
{
    return bench.items == 0 ? 1 : bench.items;
}

static const char *unit_of(const struct bench &bench)
{
    return bench.figure == nullptr ? "ns" : bench.unit;
}

static std::string label_of(const struct bench &bench)
{
    std::string label;
    if (bench.floor != nullptr)
        label += std::string("floor=") + bench.floor + " ";
    if (bench.peer != nullptr)
        label += std::string("peer=") + bench.peer + " ";
    return label + "unit=" + unit_of(bench) + " items=" + std::to_string(items_of(bench));
}

// One batch of all iterations: the loop is the benchmark's own, in C, with nothing of the harness in it.
static void run_timed(benchmark::State &state, const struct bench *bench)
{
    double counted[COUNTERS_MAX];
    void *data = bench->setup(bench);
    if (data == nullptr) {
        state.SkipWithError("setup failed");
        return;
    }
    const auto iterations = state.max_iterations;
    while (state.KeepRunningBatch(iterations)) {
        counters_start(&counters);
        bench->run(data, static_cast<uint64_t>(iterations));
        counters_stop(&counters, counted);
    }
    const auto done = static_cast<int64_t>(state.iterations());
    const auto items = done * static_cast<int64_t>(items_of(*bench));
    state.SetItemsProcessed(items);
    if (bench->octets != 0)
        state.SetBytesProcessed(done * static_cast<int64_t>(bench->octets));
    for (unsigned i = 0; i < counters.count; i++)
        if (counted[i] >= 0)
            state.counters[counters.open[i].name] = counted[i] / static_cast<double>(items);
    state.SetLabel(label_of(*bench));
    if (bench->teardown != nullptr)
        bench->teardown(data);
}

static void run_figure(benchmark::State &state, const struct bench *bench)
{
    const double figure = bench->figure(bench);
    if (figure < 0) {
        state.SkipWithError("no figure");
        return;
    }
    while (state.KeepRunning())
        continue;
    state.counters["figure"] = figure;
    state.SetLabel(label_of(*bench));
}

extern "C" void bench_add(const struct bench *bench)
{
    rows.push_back(bench);
    if (bench->figure != nullptr)
        benchmark::RegisterBenchmark(bench->name, run_figure, bench)->Iterations(1)->Repetitions(1);
    else
        benchmark::RegisterBenchmark(bench->name, run_timed, bench);
}

static int print_rows()
{
    const auto name_or_none = [](const char *name) { return name == nullptr ? "-" : name; };
    for (const struct bench *bench : rows)
        std::printf("%s\t%s\t%s\t%s\n", bench->name, unit_of(*bench), name_or_none(bench->floor),
                    name_or_none(bench->peer));
    return 0;
}

// What is counted, or why not, for the head of perf/run's table.
static void tell_counters()
{
    std::string names;
    for (unsigned i = 0; i < counters.count; i++)
        names += (i == 0 ? "" : " ") + std::string(counters.open[i].name);
    benchmark::AddCustomContext("counters", names);
    if (counters.missing != nullptr)
        benchmark::AddCustomContext("counters_missing",
                                    std::string(counters.missing) + ": " + std::strerror(counters.error));
}

extern "C" size_t bench_resident(void)
{
    unsigned long pages = 0;
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%*u %lu", &pages) != 1) {
        std::perror("/proc/self/statm");
        std::exit(1);
    }
    std::fclose(file);
    return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

extern "C" int bench_main(int argc, char **argv)
{
    if (argc == 2 && std::strcmp(argv[1], "--rows") == 0)
        return print_rows();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    counters_open(&counters, counters_known, counters_known_count);
    tell_counters();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    counters_close(&counters);
    return 0;
}
