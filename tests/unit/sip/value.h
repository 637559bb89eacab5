// SPDX-License-Identifier: BSD-3-Clause
// Tables of header values: what a reader makes of a text is dumped as text. Each row is read between guard
// pages, whole and cut at each length.
#ifndef DIALGATE_TESTS_UNIT_SIP_VALUE_H
#define DIALGATE_TESTS_UNIT_SIP_VALUE_H

#include "guard.h"
#include "write.h"

#define DUMP_SIZE 1024u

// Reads text and writes what it understood. Returns false when the text was refused.
typedef bool (*dump_function)(const uint8_t *octets, struct span text, struct writer *out);

struct value_row {
    const char *text;
    const char *want; // NULL: refused
};

static inline void dump_span(struct writer *out, const char *name, const uint8_t *octets, struct span span)
{
    if (span.length == 0)
        return;
    write_text(out, name);
    write_octets(out, octets + span.offset, span.length);
}

static inline void dump_number(struct writer *out, const char *name, uint32_t number)
{
    write_text(out, name);
    write_number(out, number);
}

static inline bool dump_text(dump_function dump, const uint8_t *octets, size_t length, char text[DUMP_SIZE])
{
    struct writer out;
    writer_init(&out, text, DUMP_SIZE - 1);
    bool read = dump(octets, (struct span){0, (uint16_t)length}, &out);
    text[out.used] = '\0';
    return read;
}

static inline void check_rows(const struct value_row *rows, size_t count, dump_function dump)
{
    char text[DUMP_SIZE];
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(rows[i].text);
        bool read = dump_text(dump, guard_copy(rows[i].text, length), length, text);
        if (read != (rows[i].want != NULL))
            fail_msg("'%s': %s", rows[i].text, read ? "not refused" : "refused");
        if (read && strcmp(text, rows[i].want) != 0)
            fail_msg("'%s': got '%s', want '%s'", rows[i].text, text, rows[i].want);
        for (size_t cut = 0; cut < length; cut++) {
            dump_text(dump, guard_copy(rows[i].text, cut), cut, text);
            dump_text(dump, guard_copy_front(rows[i].text, cut), cut, text);
        }
    }
}

#define CHECK_ROWS(rows, dump) check_rows((rows), ROWS(rows), (dump))

#endif
