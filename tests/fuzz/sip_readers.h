// SPDX-License-Identifier: BSD-3-Clause
// Every typed reader of dataplane/sip on one value, with what must hold for any text: spans lie inside the
// value, what has a writer is written so that it reads the same again.
#ifndef DIALGATE_TESTS_FUZZ_SIP_READERS_H
#define DIALGATE_TESTS_FUZZ_SIP_READERS_H

#include "message.h"

// Readers have numbers from 0 to readers_count() - 1.
unsigned readers_count(void);
void readers_run(unsigned reader, const uint8_t *octets, struct span value);

// Runs the reader of this kind of header, if there is one.
void readers_run_kind(unsigned kind, const uint8_t *octets, struct span value);

#endif
