// SPDX-License-Identifier: BSD-3-Clause
// When a key takes effect, in words.
#ifndef DIALGATE_CONFIG_EFFECT_H
#define DIALGATE_CONFIG_EFFECT_H

#include "keys.h"

const char *effect_name(enum key_effect effect); // "reload", "restart of dialgate-dataplane", ...

#endif
