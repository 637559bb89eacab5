// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 (FIPS 180-4 section 6.2): what sha256sum(1) prints, to name the octets of a configuration.
#ifndef DIALGATE_CONFIG_SHA256_H
#define DIALGATE_CONFIG_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_TEXT_SIZE 65u // hexadecimal, with its NUL

struct sha256 {
    uint32_t state[8];
    uint64_t octets; // that were added
    uint8_t block[64];
};

void sha256_init(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *octets, size_t length);
void sha256_text(struct sha256 *sum, char text[SHA256_TEXT_SIZE]); // ends it

#endif
