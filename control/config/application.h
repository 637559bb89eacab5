// SPDX-License-Identifier: BSD-3-Clause
// What applications have beyond rows of keys.h: the description that answers their calls, and the policies
// that exist without being written.
#ifndef DIALGATE_CONFIG_APPLICATION_H
#define DIALGATE_CONFIG_APPLICATION_H

#include "model.h"
#include "place.h"

#define APPLICATION_CALLS   16384u // dialogs.applications when it is not given
#define APPLICATION_RETRIES 2u     // policies that exist by themselves

// Reads the file that answer.body of applications[number] names. Returns 0, or -EINVAL or -ENOMEM with the
// error in places.
int application_read_body(struct places *places, size_t number, struct config_application *application);

// Adds those policies that exist by themselves and were not written; config->retries has room for them.
void application_add_retries(struct config *config);

#endif
