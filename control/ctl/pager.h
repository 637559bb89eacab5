// SPDX-License-Identifier: BSD-3-Clause
// What does not fit on a terminal is leafed through.
#ifndef DIALGATE_CTL_PAGER_H
#define DIALGATE_CTL_PAGER_H

#include <stdbool.h>
#include <stdio.h>

// $PAGER, or less where it is; NULL: none is wanted, or there is none.
FILE *pager_open(void);

// Waits until the operator has read. Returns false when the pager could not be run.
bool pager_close(FILE *pager);

// Standard output is a terminal that shows colours, and nobody asked for none (https://no-color.org).
bool pager_colours(void);

#endif
