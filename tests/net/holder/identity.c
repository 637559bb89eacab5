// SPDX-License-Identifier: BSD-3-Clause
#include "identity.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

enum purpose { OF_CALL_ID, OF_CALL_ID_END, OF_BRANCH, OF_TAG };

// Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), the finalizer. The tool needs
// values that differ, not secrets.
static uint64_t finish(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

uint64_t identity_mix(uint64_t seed, uint32_t number, uint32_t purpose)
{
    return finish(finish(seed + 0x9e3779b97f4a7c15u * (purpose + 1)) ^ number);
}

static void put_hex(char *to, uint64_t value, unsigned count)
{
    for (unsigned i = count; i > 0; i--, value >>= 4)
        to[i - 1] = digits[value & 15];
}

static void put_user(char *to, const char *prefix, uint32_t number)
{
    size_t length = strlen(prefix);
    memcpy(to, prefix, length);
    for (unsigned i = 8; i > 0; i--, number /= 10)
        to[length + i - 1] = (char)('0' + number % 10);
    to[length + 8] = '\0';
}

void identity_make(struct identity *identity, uint64_t seed, uint32_t number)
{
    uint64_t value = identity_mix(seed, number, OF_CALL_ID);
    memcpy(identity->call_id, "00000000-0000-0000-0000-000000000000", sizeof(identity->call_id));
    put_hex(identity->call_id, number, 8);
    put_hex(identity->call_id + 9, value, 4);
    put_hex(identity->call_id + 14, value >> 16, 4);
    put_hex(identity->call_id + 19, value >> 32, 4);
    put_hex(identity->call_id + 24, identity_mix(seed, number, OF_CALL_ID_END), 12);
    put_hex(identity->branch, identity_mix(seed, number, OF_BRANCH), 16);
    identity->branch[16] = '\0';
    for (unsigned side = 0; side < SIDES; side++) {
        put_hex(identity->tag[side], identity_mix(seed, number, OF_TAG + side), 16);
        identity->tag[side][16] = '\0';
        put_user(identity->user[side], side == CALLER ? "+4930" : "+4969", number);
    }
}

bool identity_number(const char *call_id, size_t length, uint32_t *number)
{
    uint32_t value = 0;
    if (length != sizeof(((struct identity *)0)->call_id) - 1)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        const char *digit = memchr(digits, call_id[i], 16);
        if (digit == NULL)
            return false;
        value = value << 4 | (uint32_t)(digit - digits);
    }
    *number = value;
    return true;
}
