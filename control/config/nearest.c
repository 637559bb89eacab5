// SPDX-License-Identifier: BSD-3-Clause
// Distance of words as Damerau counted it: one for each character that is wrong, missing, too many, or
// swapped with the next one.
#include "nearest.h"

#include <stdio.h>
#include <string.h>

#define SEPARATOR ", "

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *one, size_t length, const char *other, size_t other_length)
{
    unsigned rows[NEAREST_WORD_MAX + 1][NEAREST_WORD_MAX + 1];
    for (unsigned i = 0; i <= length; i++)
        rows[i][0] = i;
    for (unsigned k = 0; k <= other_length; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= length; i++)
        for (size_t k = 1; k <= other_length; k++) {
            unsigned best = least(rows[i - 1][k], rows[i][k - 1]) + 1;
            best = least(best, rows[i - 1][k - 1] + (one[i - 1] != other[k - 1]));
            if (i > 1 && k > 1 && one[i - 1] == other[k - 2] && one[i - 2] == other[k - 1])
                best = least(best, rows[i - 2][k - 2] + 1);
            rows[i][k] = best;
        }
    return rows[length][other_length];
}

bool nearest_name(const char *word, const char *names, char *found, size_t size)
{
    size_t length = strlen(word);
    unsigned best = (unsigned)length / 3 + 1;
    bool any = false;
    if (length == 0 || length > NEAREST_WORD_MAX)
        return false;
    for (const char *name = names; *name;) {
        size_t name_length = strcspn(name, ",");
        unsigned apart =
            name_length && name_length <= NEAREST_WORD_MAX ? distance(word, length, name, name_length) : best;
        if (apart < best) {
            best = apart;
            any = true;
            snprintf(found, size, "%.*s", (int)name_length, name);
        }
        name += name_length;
        name += strspn(name, SEPARATOR);
    }
    return any;
}
