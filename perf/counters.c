// SPDX-License-Identifier: BSD-3-Clause
#include "counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define L1_INSTRUCTION_MISSES                                                                                \
    (PERF_COUNT_HW_CACHE_L1I | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

const struct counter_event counters_known[] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"branch_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"l1i_misses", PERF_TYPE_HW_CACHE, L1_INSTRUCTION_MISSES},
    {"page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
};
const unsigned counters_known_count = sizeof(counters_known) / sizeof(counters_known[0]);

static int open_event(const struct counter_event *event)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.size = sizeof(attr);
    attr.type = event->type;
    attr.config = event->event;
    attr.disabled = 1;
    attr.exclude_kernel = 1; // allowed up to perf_event_paranoid 2
    attr.exclude_hv = 1;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void counters_open(struct counters *counters, const struct counter_event *events, unsigned count)
{
    memset(counters, 0, sizeof(*counters));
    for (unsigned i = 0; i < count && counters->count < COUNTERS_MAX; i++) {
        int descriptor = open_event(&events[i]);
        if (descriptor >= 0) {
            counters->open[counters->count].name = events[i].name;
            counters->open[counters->count++].descriptor = descriptor;
        } else if (counters->missing == NULL) {
            counters->missing = events[i].name;
            counters->error = errno;
        }
    }
}

static void look(int descriptor, uint64_t at[3])
{
    if (read(descriptor, at, 3 * sizeof(*at)) != (ssize_t)(3 * sizeof(*at)))
        memset(at, 0, 3 * sizeof(*at)); // as one that never counted
}

void counters_start(struct counters *counters)
{
    for (unsigned i = 0; i < counters->count; i++)
        look(counters->open[i].descriptor, counters->open[i].begin);
    for (unsigned i = 0; i < counters->count; i++)
        (void)ioctl(counters->open[i].descriptor, PERF_EVENT_IOC_ENABLE, 0); // one that fails never counts
}

void counters_stop(const struct counters *counters, double values[COUNTERS_MAX])
{
    for (unsigned i = 0; i < counters->count; i++)
        (void)ioctl(counters->open[i].descriptor, PERF_EVENT_IOC_DISABLE, 0);
    for (unsigned i = 0; i < counters->count; i++) {
        const uint64_t *begin = counters->open[i].begin;
        uint64_t end[3];
        look(counters->open[i].descriptor, end);
        values[i] = end[2] <= begin[2] ? -1
                                       : (double)(end[0] - begin[0]) * (double)(end[1] - begin[1]) /
                                             (double)(end[2] - begin[2]);
    }
}

void counters_close(struct counters *counters)
{
    for (unsigned i = 0; i < counters->count; i++)
        close(counters->open[i].descriptor);
    counters->count = 0;
}
