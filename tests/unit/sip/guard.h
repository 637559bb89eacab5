// SPDX-License-Identifier: BSD-3-Clause
// Inputs between unreadable pages, so that one octet read too far kills the test; and
// shorthands for spans. Included by one C file a program.
#ifndef DIALGATE_TESTS_UNIT_SIP_GUARD_H
#define DIALGATE_TESTS_UNIT_SIP_GUARD_H

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "message.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define GUARD_PAGES 17u

// First octet of GUARD_PAGES pages between two that fault.
static inline uint8_t *guard_map(void)
{
    static uint8_t *first;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (first == NULL) {
        uint8_t *map = mmap(NULL, (GUARD_PAGES + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert(map != MAP_FAILED);
        first = map + page;
        int refused = mprotect(first, GUARD_PAGES * page, PROT_READ | PROT_WRITE);
        assert(refused == 0);
        (void)refused;
    }
    return first;
}

// Copies octets to the end of the pages: what reads behind them faults. The copy is good until the next call.
static inline uint8_t *guard_copy(const void *octets, size_t length)
{
    size_t size = GUARD_PAGES * (size_t)sysconf(_SC_PAGESIZE);
    assert(length <= size);
    return memcpy(guard_map() + size - length, octets, length);
}

// Copies octets to the beginning of the pages: what reads before them faults.
static inline uint8_t *guard_copy_front(const void *octets, size_t length)
{
    assert(length <= GUARD_PAGES * (size_t)sysconf(_SC_PAGESIZE));
    return memcpy(guard_map(), octets, length);
}

// Fails with the row's name unless span is text; NULL means absent.
static inline void assert_span(const char *row, const uint8_t *octets, struct span span, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (span.length == length && (text == NULL || memcmp(octets + span.offset, text, length) == 0))
        return;
    fail_msg("%s: got '%.*s', want '%s'", row, (int)span.length, (const char *)octets + span.offset,
             text == NULL ? "(absent)" : text);
}

static inline void assert_number(const char *row, long got, long want)
{
    if (got != want)
        fail_msg("%s: got %ld, want %ld", row, got, want);
}

#endif
