// SPDX-License-Identifier: BSD-3-Clause
#include "quoted.h"

static bool is_quoted(const uint8_t *octets, struct span value)
{
    return value.length >= 2 && octets[value.offset] == '"';
}

struct span quoted_inside(const uint8_t *octets, struct span value)
{
    if (!is_quoted(octets, value))
        return value;
    return (struct span){(uint16_t)(value.offset + 1u), (uint16_t)(value.length - 2u)};
}

void write_unquoted(struct writer *writer, const uint8_t *octets, struct span value)
{
    struct span inside = quoted_inside(octets, value);
    const uint8_t *at = octets + inside.offset;
    const uint8_t *end = at + inside.length;
    if (!is_quoted(octets, value)) {
        write_octets(writer, at, inside.length);
        return;
    }
    for (; at < end; at++) {
        if (*at == '\\' && end - at > 1)
            at++;
        write_octets(writer, at, 1);
    }
}

void write_quoted(struct writer *writer, const void *octets, uint32_t length)
{
    const uint8_t *at = octets;
    write_octets(writer, "\"", 1);
    for (uint32_t i = 0; i < length; i++) {
        uint8_t octet = at[i];
        if (octet == '\r' || octet == '\n')
            writer->overflow = true;
        // RFC 3261 25.1 qdtext: the other control octets only pass as quoted pairs.
        if (octet == '"' || octet == '\\' || (octet < 0x20 && octet != '\t') || octet == 0x7f)
            write_octets(writer, "\\", 1);
        write_octets(writer, &octet, 1);
    }
    write_octets(writer, "\"", 1);
}
