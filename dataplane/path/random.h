// SPDX-License-Identifier: BSD-3-Clause
// What nobody outside can guess (RFC 3261 19.3, 8.1.1.4): a keyed hash of what never comes twice.
#ifndef DIALGATE_PATH_RANDOM_H
#define DIALGATE_PATH_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include "cookie.h"

struct worker;

uint64_t random_word(struct worker *worker);
// Uniform in 0 .. bound - 1.
uint32_t random_below(struct worker *worker, uint32_t bound);
// 26 letters: a Call-ID whose owner is this worker, so that what comes of it comes here. False: none was
// found, which is no more likely than one in 10^7.
bool random_call_id(struct worker *worker, char out[COOKIE_TEXT_MAX]);

#endif
