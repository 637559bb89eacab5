// SPDX-License-Identifier: BSD-3-Clause
#include "write.h"

void writer_init(struct writer *writer, void *octets, uint32_t size)
{
    *writer = (struct writer){.octets = octets, .size = size};
}

void write_span(struct writer *writer, const struct message *message, struct span span)
{
    write_octets(writer, message_at(message, span), span.length);
}

#define NUMBER_DIGITS_MAX 10 // 4294967295

void write_number(struct writer *writer, uint32_t number)
{
    char digits[NUMBER_DIGITS_MAX];
    unsigned at = NUMBER_DIGITS_MAX;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    write_octets(writer, digits + at, NUMBER_DIGITS_MAX - at);
}

void write_ipv4(struct writer *writer, uint32_t address)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        write_number(writer, address >> shift & 0xff);
        if (shift > 0)
            write_octets(writer, ".", 1);
    }
}
