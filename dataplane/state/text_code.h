// SPDX-License-Identifier: BSD-3-Clause
// How packed texts are written. A text is a sequence of pieces, and a piece begins with one octet: its code,
// and TEXT_LAST when it is the last one of its text. Codes are grouped so that a length that occurs often is
// part of the code; the tables in text.c tell for each what follows it.
//
// Pieces that say something of their own (all but constants, copies and the empty text) are numbered from 0
// through the whole packing; a copy names one of the first TEXT_COPIES of them and stands for its octets,
// without the "sip:" that may be joined to it.
#ifndef DIALGATE_STATE_TEXT_CODE_H
#define DIALGATE_STATE_TEXT_CODE_H

#include "text.h"

#define TEXT_LAST   0x80u
#define TEXT_COPIES 16u

enum text_code {
    TEXT_LITERAL = 0x00,       // 1-16 octets as they are
    TEXT_TOKEN = 0x10,         // 5-20 of TEXT_TOKEN_SYMBOLS, six bits each
    TEXT_HEX = 0x20,           // 6, 8, ... 36 digits with lower-case letters, two an octet
    TEXT_DIGITS = 0x30,        // 2-9 octets of two TEXT_DIGIT_SYMBOLS; the last half may be TEXT_DIGIT_NONE
    TEXT_SIP_DIGITS = 0x38,    // the same behind "sip:"
    TEXT_LT_SIP_DIGITS = 0x40, // the same behind "<sip:"
    TEXT_COPY = 0x48,          // of piece 0-15
    TEXT_SIP_COPY = 0x58,      // of piece TEXT_SIP_COPY_FIRST and the seven behind it, behind "sip:"
    TEXT_NAME = 0x60,          // 3-18 of TEXT_NAME_SYMBOLS, six bits each, between '"' and '" '
    TEXT_CONSTANT = 0x70,      // enum text_constant
    TEXT_EMPTY = 0x78,
    TEXT_UUID,         // lower case, with its four dashes
    TEXT_UUID_UPPER,   // upper case
    TEXT_INTERN3,      // arena_ref below 2^24 in three octets, lowest first
    TEXT_INTERN4,      // arena_ref in four
    TEXT_LITERAL_LONG, // length in two octets, lowest first
    TEXT_HEX_LONG,     // number of digits in an octet; when it is odd, the last half octet is 0
    TEXT_HEX_UPPER_LONG,
    TEXT_CODES
};
static_assert(TEXT_CODES == TEXT_LAST, "seven bits");

enum text_constant {
    TEXT_IS_SIP, // these two are also what is joined to digits
    TEXT_IS_LT_SIP,
    TEXT_IS_GT,
    TEXT_IS_AT,
    TEXT_IS_LR,
    TEXT_IS_FTAG, // Record-Routes of Kamailio and its kin repeat the From-tag so
    TEXT_IS_TRANSPORT_UDP,
    TEXT_IS_SIPS,
    TEXT_CONSTANTS
};

#define TEXT_LITERAL_MAX 16u
#define TEXT_TOKEN_MIN   5u
#define TEXT_TOKEN_MAX   20u
#define TEXT_HEX_MIN     6u
#define TEXT_HEX_SHORT   36u // longest with its length in the code
#define TEXT_HEX_MAX     255u
#define TEXT_DIGITS_MIN  3u // in two octets
#define TEXT_DIGITS_MAX  18u
#define TEXT_NAME_MIN    3u
#define TEXT_NAME_MAX    18u
#define TEXT_UUID_LENGTH 36u
#define TEXT_UUID_PACKED 16u

#define TEXT_SIP_COPY_FIRST 3u // Call-ID and two tags are 0, 1 and 2
#define TEXT_SIP_COPY_COUNT 8u
#define TEXT_LITERAL_HEAD   3u // of a long one
#define TEXT_HEX_HEAD       2u // likewise

#define TEXT_DIGIT_NONE 15u
// One for each value of a half octet.
#define TEXT_DIGIT_SYMBOLS "0123456789+-.*:#"
// One for each value of six bits.
#define TEXT_TOKEN_SYMBOLS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-"
#define TEXT_NAME_SYMBOLS  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz. "

struct text_constant_octets {
    uint8_t length;
    char octets[15];
};
extern const struct text_constant_octets text_constants[TEXT_CONSTANTS + 1]; // the last one is empty

// Octets that so many symbols of six bits take.
static inline uint32_t text_sixes(uint32_t symbols)
{
    return (symbols * 6 + 7) / 8;
}

#endif
