// SPDX-License-Identifier: BSD-3-Clause
// A worker that receives and filters, and does nothing else. The path's headers have names that the fixture
// has, too.
#ifndef TESTS_EBPF_SOFTWARE_H
#define TESTS_EBPF_SOFTWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/address.h"
#include "dialgate/prefilter.h"

struct snapshot_header;

#define SOFTWARE_DENIED 0xffffu

void software_open(void);
void software_close(void);
void software_load(const struct snapshot_header *image);
// until_ns 0: for ever; none: NULL. The worker looks for this length and for /64.
struct ban_source;
void software_ban(const struct ban_source *source, uint64_t until_ns);
// A frame through screen and filter, as a worker receives one. True: the later stages get it. A fragment ends
// in screen, as its datagram never gets whole.
bool software_receive(const uint8_t *octets, size_t length);
uint64_t software_filtered(void); // packets that the worker dropped for the filter
uint64_t software_judged(void);   // packets that the filter counted
// A datagram with this source and payload, through the filter alone.
bool software_passes(const struct ip_address *source, const char *payload, size_t length);
bool software_passes_from(const struct ip_address *source, const char *payload);
uint64_t software_reason(enum prefilter_reason reason); // packets
uint64_t software_class_packets(uint32_t class);
uint32_t software_class(const struct ip_address *source);
uint64_t software_hits(const struct ban_source *source);
uint64_t software_now_ns(void);
void software_wait_us(uint64_t us);
unsigned software_strangers(void); // that have buckets

#endif
