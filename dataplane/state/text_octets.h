// SPDX-License-Identifier: BSD-3-Clause
// What a piece says, by its kind: the octets of a text from those that it is packed in. The caller knows that
// packed holds as many as length says; out has room for length, rounded up to TEXT_VECTOR.
#ifndef DIALGATE_STATE_TEXT_OCTETS_H
#define DIALGATE_STATE_TEXT_OCTETS_H

#include "text_vector.h"

// Two symbols an octet, by 16 symbols; the first one in the higher half.
void text_octets_halves(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols);
void text_octets_halves_scalar(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols);
// Six bits each, by 64 symbols of which all but the last are those of TEXT_TOKEN_SYMBOLS.
void text_octets_sixes(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols);
void text_octets_sixes_scalar(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols);
// TEXT_UUID_LENGTH octets, by the digits of one case.
void text_octets_uuid(const uint8_t *packed, uint8_t *out, const char *symbols);

#endif
