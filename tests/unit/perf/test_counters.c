// SPDX-License-Identifier: BSD-3-Clause
// The counters: what the kernel itself counts, really counted; and a processor that has few of them, made up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE  4096u
#define PAGES 200u

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_ioctl(int descriptor, unsigned long request, ...);
int __wrap_ioctl(int descriptor, unsigned long request, ...);

// A processor that has the event of this type alone, and what is read of it at the start and at the end.
static struct {
    bool on;
    uint32_t has;
    uint64_t begin[3], end[3];
    unsigned opened;
    int descriptor;
} made_up;

static void put(const uint64_t counted[3])
{
    assert_int_equal(pwrite(made_up.descriptor, counted, 24, 0), 24);
    assert_int_equal(lseek(made_up.descriptor, 0, SEEK_SET), 0);
}

long __wrap_syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    struct perf_event_attr *attr = va_arg(list, struct perf_event_attr *);
    const int process = va_arg(list, int), cpu = va_arg(list, int), group = va_arg(list, int);
    const unsigned long flags = va_arg(list, unsigned long);
    va_end(list);
    assert_int_equal(number, SYS_perf_event_open);
    if (!made_up.on)
        return __real_syscall(number, attr, process, cpu, group, flags);
    made_up.opened++;
    if (attr->type != made_up.has) {
        errno = ENOENT;
        return -1;
    }
    made_up.descriptor = memfd_create("counter", 0);
    put(made_up.begin);
    return made_up.descriptor;
}

int __wrap_ioctl(int descriptor, unsigned long request, ...)
{
    if (!made_up.on)
        return __real_ioctl(descriptor, request, 0);
    assert_int_equal(descriptor, made_up.descriptor);
    if (request == PERF_EVENT_IOC_ENABLE)
        put(made_up.end);
    return 0;
}

static int real(void **state)
{
    memset(&made_up, 0, sizeof(made_up));
    return 0;
}

// Pages touched for the first time are counted between start and stop, and no others.
static void counts_what_the_kernel_counts(void **state)
{
    static const struct counter_event faults[] = {
        {"page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS}};
    struct counters counters;
    double values[COUNTERS_MAX];
    counters_open(&counters, faults, 1);
    if (counters.count == 0 &&
        (counters.error == EACCES || counters.error == EPERM || counters.error == ENOSYS))
        skip();
    assert_int_equal(counters.count, 1);
    assert_null(counters.missing);
    char *pages = mmap(NULL, 3 * PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    madvise(pages, 3 * PAGES * PAGE, MADV_NOHUGEPAGE);
    for (unsigned part = 0; part < 3; part++) {
        if (part != 1)
            counters_start(&counters);
        for (unsigned page = 0; page < PAGES; page++)
            pages[(part * PAGES + page) * PAGE] = 1;
        if (part == 1)
            continue; // not counted
        counters_stop(&counters, values);
        assert_true(values[0] >= PAGES && values[0] < PAGES + 50);
    }
    munmap(pages, 3 * PAGES * PAGE);
    counters_close(&counters);
    assert_int_equal(counters.count, 0);
}

// The first event that is not there is named, with the reason; others are tried all the same.
static void leaves_out_what_is_not_there(void **state)
{
    struct counters counters;
    made_up.on = true;
    made_up.has = PERF_TYPE_HW_CACHE;
    counters_open(&counters, counters_known, counters_known_count);
    assert_int_equal(made_up.opened, counters_known_count);
    assert_int_equal(counters.count, 1);
    assert_string_equal(counters.open[0].name, "l1i_misses");
    assert_string_equal(counters.missing, "cycles");
    assert_int_equal(counters.error, ENOENT);
    counters_close(&counters);
}

static double made_up_value(const uint64_t begin[3], const uint64_t end[3])
{
    struct counters counters;
    double values[COUNTERS_MAX] = {NAN};
    memset(&made_up, 0, sizeof(made_up));
    made_up.on = true;
    made_up.has = PERF_TYPE_HW_CACHE;
    memcpy(made_up.begin, begin, sizeof(made_up.begin));
    memcpy(made_up.end, end, sizeof(made_up.end));
    counters_open(&counters, counters_known, counters_known_count);
    counters_start(&counters);
    counters_stop(&counters, values);
    counters_close(&counters);
    return values[0];
}

// Counted for a fifth of the time since the start: five times as much. What was before the start is not in
// it.
static void estimates_where_events_share_a_counter(void **state)
{
    assert_true(made_up_value((uint64_t[]){0, 0, 0}, (uint64_t[]){700, 50, 50}) == 700);
    assert_true(made_up_value((uint64_t[]){1000, 500, 500}, (uint64_t[]){1200, 1500, 700}) == 1000);
    assert_true(made_up_value((uint64_t[]){1000, 500, 500}, (uint64_t[]){1000, 1500, 500}) == -1);
}

// A look that gives fewer octets is none.
static void knows_a_counter_that_cannot_be_read(void **state)
{
    struct counters counters;
    double values[COUNTERS_MAX] = {NAN};
    made_up.on = true;
    made_up.has = PERF_TYPE_HW_CACHE;
    counters_open(&counters, counters_known, counters_known_count);
    counters_start(&counters);
    assert_int_equal(ftruncate(made_up.descriptor, 8), 0);
    counters_stop(&counters, values);
    assert_true(values[0] == -1);
    counters_close(&counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counts_what_the_kernel_counts, real),
        cmocka_unit_test_setup(leaves_out_what_is_not_there, real),
        cmocka_unit_test_setup(estimates_where_events_share_a_counter, real),
        cmocka_unit_test_setup(knows_a_counter_that_cannot_be_read, real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
