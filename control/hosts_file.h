// SPDX-License-Identifier: BSD-3-Clause
// DIRECTORY/hosts: the last addresses of each host, so that a start without DNS serves them. Text, replaced
// atomically:
//
//   dialgate-hosts 1
//   host sbc.example.net 1763734800
//   address 10.20.0.11:5060 0 100
//   end 2
//
// The numbers are the second in which the host was resolved, and rank and share of the address.
#ifndef DIALGATE_CONTROL_HOSTS_FILE_H
#define DIALGATE_CONTROL_HOSTS_FILE_H

#include "config/hosts.h"

// Returns 0 with the rows (free() frees them; none where there is no file), or -errno with one line in error.
int hosts_load(const char *directory, struct hosts *hosts, char *error, size_t size);

// Hosts without addresses are not written. Returns 0 or -errno with one line in error.
int hosts_save(const char *directory, const struct hosts *hosts, char *error, size_t size);

#endif
