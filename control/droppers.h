// SPDX-License-Identifier: BSD-3-Clause
// The sources with the most drops on a network, wherever its policy is carried out.
#ifndef DIALGATE_CONTROL_DROPPERS_H
#define DIALGATE_CONTROL_DROPPERS_H

#include "prefilter.h"

struct control;

// At most capacity rows, most drops first. Returns their number or -errno.
int droppers_top(const struct control *control, uint32_t network, struct prefilter_dropper *rows,
                 size_t capacity);

#endif
