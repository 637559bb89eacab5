// SPDX-License-Identifier: BSD-3-Clause
// What somebody may have meant.
#ifndef DIALGATE_CONFIG_NEAREST_H
#define DIALGATE_CONFIG_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#define NEAREST_WORD_MAX 31u // octets of words that are compared; longer ones are near nothing

// The one of names ("a, b, c") that is nearest to word, into found: at most a third of its characters wrong,
// missing, too many or swapped with their neighbours. False: none is near.
bool nearest_name(const char *word, const char *names, char *found, size_t size);

#endif
