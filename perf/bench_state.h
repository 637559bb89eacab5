// SPDX-License-Identifier: BSD-3-Clause
// What the files of bench_state share: memory, random words, the EAL, and who adds which rows.
#ifndef DIALGATE_PERF_BENCH_STATE_H
#define DIALGATE_PERF_BENCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Zeros, aligned to 2 MiB, in large pages where the machine has some; until the program ends. Leaves the
// program when there is no memory.
void *bench_memory(size_t size);

// A number by which words are as good as random and none comes twice.
static inline uint64_t bench_mix(uint64_t number)
{
    uint64_t z = number * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// The words of 0 .. count - 1 in an order without pattern.
const uint64_t *bench_words(uint32_t count);

// Starts the EAL, once, and puts its heap into large pages too. False: it does not start.
bool bench_eal(void);

// Each adds the rows of its file.
void bench_state_table(void);
void bench_state_hash(void);
void bench_state_wheel(void);
void bench_state_timer(void);
void bench_state_transaction(void);
void bench_state_cookie(void);

#endif
