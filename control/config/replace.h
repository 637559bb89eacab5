// SPDX-License-Identifier: BSD-3-Clause
// A small file of the state directory that is written anew as a whole: whoever reads it finds the old one or
// the new one, also after a power failure.
#ifndef DIALGATE_CONFIG_REPLACE_H
#define DIALGATE_CONFIG_REPLACE_H

#include <stdio.h>

// Writes everything; what goes wrong with the file is seen afterwards.
typedef void replace_writer(const void *content, FILE *file);

// Makes the directory (0750) when it is not there, writes NAME.new in it (0640), and puts it in the place of
// NAME. name: at most 32 octets. Returns 0 or -errno: the old file is there still.
int replace_file(const char *directory, const char *name, replace_writer *write, const void *content);

#endif
