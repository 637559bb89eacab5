// SPDX-License-Identifier: BSD-3-Clause
// What a fuzzer asserts.
#ifndef DIALGATE_TESTS_FUZZ_CHECK_H
#define DIALGATE_TESTS_FUZZ_CHECK_H

#include <stdlib.h>

// Not assert(): it must hold with NDEBUG too.
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

#endif
