// SPDX-License-Identifier: BSD-3-Clause
// How an image gets to the dataplane: its number, its making, its sending. For control.c and reload.c alone.
#ifndef DIALGATE_CONTROL_HAND_OVER_H
#define DIALGATE_CONTROL_HAND_OVER_H

#include <stdbool.h>
#include <stddef.h>
#include "control.h"

// Takes the next number, beyond what the dataplane has. The file is written before an image with this number
// leaves, so that no number is used twice; 0 or -errno with one line in error.
void hand_over_number(struct control *control);
int hand_over_save_number(struct control *control, char *error, size_t size);

// What an image is made from now. error holds one line when it fails.
struct build hand_over_build(struct control *control, char *error, size_t size);

// Sends an image. Returns 0 (answer follows) or -errno.
int hand_over_send(struct control *control, const struct configuration *configuration,
                   const struct channel_answer *answer);
bool hand_over_taken(const struct control *control); // is there somebody who takes one?

// Brings the active configuration to the dataplane when that has another one. What it refused is not offered
// twice to the same dataplane.
void hand_over_synchronise(struct control *control);

#endif
