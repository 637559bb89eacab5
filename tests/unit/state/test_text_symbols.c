// SPDX-License-Identifier: BSD-3-Clause
// What packing does 16 octets at a time says the same as its scalar twins, at any length, and reads nothing
// behind its input: each input is a copy of its exact length on the heap.
#include "text_world.h"

#include "text_code.h"
#include "text_octets.h"
#include "text_scan.h"
#include "text_symbols.h"

#define LENGTH_MAX TEXT_HEX_MAX
#define ROOM       (LENGTH_MAX + 2 * TEXT_VECTOR)

static uint32_t next_random(void)
{
    static uint32_t x = 1;
    x = x * 69069 + 12345;
    return x >> 8;
}

static uint8_t *exact(const uint8_t *octets, uint32_t length)
{
    uint8_t *copy = malloc(length);
    assert_true(copy != NULL || length == 0);
    if (length > 0)
        memcpy(copy, octets, length);
    return copy;
}

typedef void packer(const uint8_t *symbols, uint32_t length, uint8_t *out);
typedef void reader(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols);

static const struct {
    const char *name;
    const char *symbols; // any of them
    uint32_t count, most;
    unsigned bits; // a symbol
    packer *pack, *pack_scalar;
    reader *read, *read_scalar;
} kinds[] = {
    {"digits", "0123456789+-.*:", 15, TEXT_DIGITS_MAX, 4, text_symbols_digits, text_symbols_digits_scalar,
     text_octets_halves, text_octets_halves_scalar},
    {"hex", "0123456789abcdef", 16, TEXT_HEX_MAX, 4, text_symbols_hex, text_symbols_hex_scalar,
     text_octets_halves, text_octets_halves_scalar},
    {"upper hex", "0123456789ABCDEF", 16, TEXT_HEX_MAX, 4, text_symbols_hex, text_symbols_hex_scalar,
     text_octets_halves, text_octets_halves_scalar},
    {"token", TEXT_TOKEN_SYMBOLS, 64, TEXT_TOKEN_MAX, 6, text_symbols_sixes, text_symbols_sixes_scalar,
     text_octets_sixes, text_octets_sixes_scalar},
    {"name", TEXT_NAME_SYMBOLS, 64, TEXT_NAME_MAX, 6, text_symbols_sixes, text_symbols_sixes_scalar,
     text_octets_sixes, text_octets_sixes_scalar},
};

static void pack_and_read(size_t kind, uint32_t length)
{
    uint8_t text[LENGTH_MAX], packed[ROOM], scalar[ROOM], out[ROOM];
    const char *symbols =
        kinds[kind].bits == 4 && kinds[kind].count == 15 ? TEXT_DIGIT_SYMBOLS : kinds[kind].symbols;
    uint32_t octets = (length * kinds[kind].bits + 7) / 8;
    for (uint32_t i = 0; i < length; i++)
        text[i] = (uint8_t)kinds[kind].symbols[next_random() % kinds[kind].count];
    uint8_t *from = exact(text, length);
    memset(packed, 0xee, sizeof(packed));
    kinds[kind].pack(from, length, packed);
    kinds[kind].pack_scalar(from, length, scalar);
    free(from);
    if (memcmp(packed, scalar, octets) != 0)
        fail_msg("%s, %u symbols: not packed as the twin does", kinds[kind].name, length);
    assert_int_equal(packed[octets + TEXT_VECTOR], 0xee);
    from = exact(packed, octets);
    for (unsigned twin = 0; twin < 2; twin++) {
        (twin ? kinds[kind].read_scalar : kinds[kind].read)(from, length, out, symbols);
        if (memcmp(out, text, length) != 0)
            fail_msg("%s, %u symbols: not restored", kinds[kind].name, length);
    }
    free(from);
}

static void symbols_come_back(void **state)
{
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
        for (uint32_t length = 1; length <= kinds[kind].most; length++)
            for (unsigned times = 0; times < 50; times++)
                pack_and_read(kind, length);
}

static void kinds_are_those_of_the_table(void **state)
{
    uint8_t text[300], of[300 + TEXT_VECTOR];
    for (uint32_t length = 0; length < sizeof(text); length++) {
        for (uint32_t i = 0; i < length; i++)
            text[i] = (uint8_t)(length < 256 ? i + length : next_random());
        uint8_t *from = exact(text, length);
        text_kinds_of(from, length, of);
        free(from);
        for (uint32_t i = 0; i < length; i++)
            assert_int_equal(of[i], text_kinds[text[i]]);
    }
}

static void scans_stop_where_the_twin_does(void **state)
{
    uint8_t of[64 + TEXT_VECTOR];
    for (unsigned times = 0; times < 2000; times++) {
        for (size_t i = 0; i < sizeof(of); i++)
            of[i] = next_random() % (1 + times % 40) == 0 ? (uint8_t)next_random() : IS_HEX | IS_EDGE;
        uint32_t end = next_random() % 65, at = next_random() % (end + 1);
        for (unsigned bit = 0; bit < 8; bit++)
            for (unsigned is = 0; is < 2; is++)
                assert_int_equal(text_scan(of, at, end, (uint8_t)(1u << bit), is),
                                 text_scan_scalar(of, at, end, (uint8_t)(1u << bit), is));
    }
}

static void octets_that_differ_anywhere(void **state)
{
    uint8_t text[70];
    for (uint32_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)next_random();
    for (uint32_t length = 0; length <= sizeof(text); length++) {
        uint8_t *a = exact(text, length), *b = exact(text, length);
        assert_true(text_same(a, b, length));
        for (uint32_t i = 0; i < length; i++) {
            b[i] ^= (uint8_t)(1u << i % 8);
            assert_false(text_same(a, b, length));
            b[i] ^= (uint8_t)(1u << i % 8);
        }
        free(a);
        free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_come_back),
        cmocka_unit_test(kinds_are_those_of_the_table),
        cmocka_unit_test(scans_stop_where_the_twin_does),
        cmocka_unit_test(octets_that_differ_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
