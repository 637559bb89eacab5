// SPDX-License-Identifier: BSD-3-Clause
// The only C++ here. Comparisons travel in the label, so that Google Benchmark's JSON holds all that perf/run
// needs.
#include "harness.h"

#include <benchmark/benchmark.h>

#include <string>

static std::string label_of(const struct bench &bench)
{
    std::string label;
    if (bench.floor != nullptr)
        label += std::string("floor=") + bench.floor + " ";
    if (bench.peer != nullptr)
        label += std::string("peer=") + bench.peer + " ";
    if (bench.budget_ns != 0)
        label += "budget_ns=" + std::to_string(bench.budget_ns) + " ";
    if (bench.budget_ratio != 0)
        label += "budget_ratio=" + std::to_string(bench.budget_ratio) + " ";
    label += "items=" + std::to_string(bench.items == 0 ? 1 : bench.items);
    return label;
}

static void run_bench(benchmark::State &state, const struct bench *bench)
{
    void *data = bench->setup(bench);
    if (data == nullptr) {
        state.SkipWithError("setup failed");
        return;
    }
    // One batch of all iterations: the loop is the benchmark's own, in C, with nothing of the harness in it.
    const auto iterations = state.max_iterations;
    while (state.KeepRunningBatch(iterations))
        bench->run(data, static_cast<uint64_t>(iterations));
    const auto done = static_cast<int64_t>(state.iterations());
    state.SetItemsProcessed(done * static_cast<int64_t>(bench->items == 0 ? 1 : bench->items));
    if (bench->octets != 0)
        state.SetBytesProcessed(done * static_cast<int64_t>(bench->octets));
    state.SetLabel(label_of(*bench));
    if (bench->teardown != nullptr)
        bench->teardown(data);
}

extern "C" void bench_add(const struct bench *bench)
{
    benchmark::RegisterBenchmark(bench->name, run_bench, bench);
}

extern "C" int bench_main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
