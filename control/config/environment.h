// SPDX-License-Identifier: BSD-3-Clause
// Values from the environment: ${NAME} in a value stands for the environment variable NAME of the process
// that reads the file; $${ stands for ${ itself. For secrets, and for what differs from machine to machine:
// what is printed of the configuration shows ${NAME}.
#ifndef DIALGATE_CONFIG_ENVIRONMENT_H
#define DIALGATE_CONFIG_ENVIRONMENT_H

#define ENVIRONMENT_WHY_SIZE 192u

// Gives text with its variables replaced in *value, which the caller frees. Returns 1 when there was
// something to replace, 0 when not, -EINVAL with "what is wrong; what to do" in why, or -ENOMEM.
int environment_expand(const char *text, char **value, char why[ENVIRONMENT_WHY_SIZE]);

#endif
