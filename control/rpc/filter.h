// SPDX-License-Identifier: BSD-3-Clause
// What the methods of prefilter have in common.
#ifndef DIALGATE_CONTROL_RPC_FILTER_H
#define DIALGATE_CONTROL_RPC_FILTER_H

#include <jansson.h>

struct control;

const char *filter_reason_name(unsigned int reason); // enum prefilter_reason, as the label of the metric
// A peer's name by its number; null for strangers. A new reference.
json_t *filter_class_json(const struct control *control, unsigned int class);

#endif
