// SPDX-License-Identifier: BSD-3-Clause
// Options as the program gave them, of whichever size, and what becomes of them on the wire.
#ifndef DIALGATE_CONTROL_CLIENT_OPTIONS_H
#define DIALGATE_CONTROL_CLIENT_OPTIONS_H

#include <jansson.h>
#include "dialgate/ua.h"

struct dg_agent_options agent_options_read(const struct dg_agent_options *options); // NULL: all zero
struct dg_options options_read(const struct dg_options *options);
// Adds what is set to params. False: no memory, or a text that is not UTF-8.
bool options_write(const struct dg_options *options, json_t *params);
bool options_text(json_t *params, const char *key, const char *text); // NULL: nothing is added

#endif
