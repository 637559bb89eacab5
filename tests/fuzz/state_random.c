// SPDX-License-Identifier: BSD-3-Clause
// Runs a fuzzer's check over octets without pattern, the same ones in every run: what a fuzzer finds out for
// itself in minutes is not looked for here, but every test run has it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip_check.h"

#define RUNS        4000u
#define LENGTH_MAX  4096u
#define LONG_RUN_IN 16u // one in so many is of full length

static uint64_t random_word(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

int main(void)
{
    static uint8_t octets[LENGTH_MAX];
    for (unsigned run = 0; run < RUNS; run++) {
        uint64_t seed = (uint64_t)run << 32;
        size_t length = run % LONG_RUN_IN == 0 ? LENGTH_MAX : random_word(&seed) % (LENGTH_MAX / 8);
        for (size_t i = 0; i < length; i++)
            octets[i] = (uint8_t)random_word(&seed);
        if (run % 1000 == 0) {
            printf("from run %u on\n", run); // which of them aborts
            fflush(stdout);
        }
        LLVMFuzzerTestOneInput(octets, length);
    }
    return 0;
}
