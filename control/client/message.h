// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_CONTROL_CLIENT_MESSAGE_H
#define DIALGATE_CONTROL_CLIENT_MESSAGE_H

#include <jansson.h>
#include "dialgate/ua.h"

// {"start", "headers", "body", "body_base64"}; NULL: no memory, or json is NULL. dg_message_unref() it.
struct dg_message *message_make(json_t *json);

#endif
