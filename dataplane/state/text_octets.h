// SPDX-License-Identifier: BSD-3-Clause
// What a piece says, by its kind: the octets of a text from those that it is packed in. The caller knows that
// packed holds as many as length says, and that out has room for length.
#ifndef DIALGATE_STATE_TEXT_OCTETS_H
#define DIALGATE_STATE_TEXT_OCTETS_H

#include <stdbool.h>
#include <stdint.h>

void text_octets_hex(const uint8_t *packed, uint32_t length, uint8_t *out, bool upper);
void text_octets_uuid(const uint8_t *packed, uint8_t *out, bool upper); // TEXT_UUID_LENGTH of them
// Six bits each, by 64 symbols.
void text_octets_sixes(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols);
void text_octets_digits(const uint8_t *packed, uint32_t length, uint8_t *out);

#endif
