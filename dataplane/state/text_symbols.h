// SPDX-License-Identifier: BSD-3-Clause
// The octets that a text's symbols are packed in, by their kind; text_octets.h is the way back. The caller
// knows what each octet is; out has room for TEXT_VECTOR octets more than it gets.
#ifndef DIALGATE_STATE_TEXT_SYMBOLS_H
#define DIALGATE_STATE_TEXT_SYMBOLS_H

#include "text_vector.h"

// TEXT_DIGIT_SYMBOLS, two an octet, TEXT_DIGIT_NONE behind an odd number of them.
void text_symbols_digits(const uint8_t *symbols, uint32_t length, uint8_t *out);
void text_symbols_digits_scalar(const uint8_t *symbols, uint32_t length, uint8_t *out);
// Hex digits of either case, two an octet, 0 behind an odd number of them.
void text_symbols_hex(const uint8_t *symbols, uint32_t length, uint8_t *out);
void text_symbols_hex_scalar(const uint8_t *symbols, uint32_t length, uint8_t *out);
// Of 64 symbols, which TEXT_TOKEN_SYMBOLS and TEXT_NAME_SYMBOLS are, four in three octets; the last ones in
// as many as they need.
void text_symbols_sixes(const uint8_t *symbols, uint32_t length, uint8_t *out);
void text_symbols_sixes_scalar(const uint8_t *symbols, uint32_t length, uint8_t *out);

#endif
