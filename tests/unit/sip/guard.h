// SPDX-License-Identifier: BSD-3-Clause
// Inputs that end where an unreadable page begins, so that one octet read too far kills the test; and
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

// Copies octets to the end of a mapping whose next page faults. The copy is good until the next call.
static inline uint8_t *guard_copy(const void *octets, size_t length)
{
    static uint8_t *edge;
    if (edge == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        uint8_t *map =
            mmap(NULL, (GUARD_PAGES + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert(map != MAP_FAILED);
        edge = map + GUARD_PAGES * page;
        int refused = mprotect(edge, page, PROT_NONE);
        assert(refused == 0);
        (void)refused;
    }
    assert(length <= 4096u * GUARD_PAGES);
    memcpy(edge - length, octets, length);
    return edge - length;
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
