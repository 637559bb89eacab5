// SPDX-License-Identifier: BSD-3-Clause
#include "random.h"

#include <string.h>
#include "owner.h"
#include "worker_core.h"

#define CALL_ID_TRIES 16u // times the number of workers: all in vain once in 10^7

uint64_t random_word(struct worker *worker)
{
    // The time of day tells nodes of one cluster apart, which have one key.
    const uint64_t words[3] = {(uint64_t)worker->parts.id << 56 | worker->random_serial++, worker->now_us,
                               worker->wall_us};
    return siphash13(&worker->parts.keys.tag, words, sizeof(words));
}

uint32_t random_below(struct worker *worker, uint32_t bound)
{
    return (uint32_t)((random_word(worker) >> 32) * bound >> 32);
}

static unsigned write_word(struct worker *worker, char out[COOKIE_TEXT_MAX])
{
    uint64_t word = random_word(worker);
    return cookie_tag_write(&worker->parts.keys, (struct cookie_octets){&word, sizeof(word)},
                            (struct cookie_octets){NULL, 0}, (struct cookie_octets){NULL, 0}, out);
}

bool random_call_id(struct worker *worker, char out[COOKIE_TEXT_MAX])
{
    char half[COOKIE_TEXT_MAX];
    unsigned first = write_word(worker, out);
    for (unsigned i = 0; i < CALL_ID_TRIES * worker->parts.count; i++) {
        unsigned second = write_word(worker, half);
        memcpy(out + first, half, second + 1);
        if (owner_of(siphash13(&worker->parts.keys.table, out, first + second), worker->parts.count) ==
            worker->parts.id)
            return true;
    }
    return false;
}
