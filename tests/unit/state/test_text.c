// SPDX-License-Identifier: BSD-3-Clause
// Texts alone: each kind of piece comes back whole, and in how many octets it was kept.
#include "text_world.h"

#include "text_code.h"

// One text, packed when what can be interned of it was known before: its octets at most.
static const struct {
    const char *text;
    uint32_t most;
} single[] = {
    {"", 1},
    {"a", 2},
    {"ab", 3},
    {"0", 2},
    {"100", 3},
    {"1000", 3},
    {"12345678901234567890", 11}, // as hex
    {"+14155550100", 7},
    {"+*-.:", 4},
    {"#", 2},
    {"0#", 3},
    {"3a7f9c20b1d4e865", 9},
    {"3A7F9C20B1D4E865", 10},
    {"3a7F9c20b1D4e865", 13},
    {"3a7f9c20b1d4e86", 10},
    {"84b4c76e66710a1f93bd05@198.51.100.7", 12 + 4},
    {"0123456789abcdef0123456789abcdef0123", 19},
    {"0123456789abcdef0123456789abcdef01234567", 22},
    {"f47ac10b-58cc-4372-a567-0e02b2c3d479", 17},
    {"F47AC10B-58CC-4372-A567-0E02B2C3D479", 17},
    {"F47ac10b-58cc-4372-a567-0e02b2c3d479", 36},
    {"f47ac10b-58cc-4372-a567-0e02b2c3d47g", 36},
    {"f47ac10b-58cc-4372-a567-0e02b2c3d47", 32},
    {"f47ac10b-58cc-4372-a567-0e02b2c3d479@198.51.100.7", 17 + 4},
    {"f47ac10b_58cc-4372-a567-0e02b2c3d479", 36},
    {"f47ac10b-58cc_4372-a567-0e02b2c3d479", 36},
    {"f47ac10b-58cc-4372_a567-0e02b2c3d479", 36},
    {"f47ac10b-58cc-4372-a567_0e02b2c3d479", 36},
    {"1-12345@127.0.0.1", 5 + 4},
    {"_123_", 6}, // two more codes would cost more than they save
    {"_123456_", 8},
    {"\"Eighteen letters a\" <sip:192.0.2.1>", 15 + 4},
    {"\"Nineteen letters ab\" <sip:192.0.2.1>", 25 + 4},
    {"12345SIPpTag001", 13},
    {"as58f4c1e2", 9},
    {"gK0c8f21", 7},
    {"Ht8rQ5rQaUUrH", 11},
    {"sip:+14155550100@198.51.100.7:5060", 7 + 4},
    {"<sip:+14155550100@carrier-a.example.net>", 7 + 4},
    {"\"A. Caller\" <sip:+14155550100@carrier-a.example.net>", 8 + 7 + 4},
    {"\"Caller\" <sip:+14155550100@carrier-a.example.net;user=phone>", 6 + 7 + 4},
    {"\"J\xc3\xb6rg\" <sip:j@h>", 21},
    {"\"\" <sip:alice@h.example>", 16},
    {"Alice <sip:alice@h.example>", 17},
    {"sip:alice@h.example", 1 + 5 + 4},
    {"sips:alice@h.example;transport=tcp", 1 + 5 + 4},
    {"sip:alice@[2001:db8::9]:5060", 1 + 5 + 4},
    {"tel:+14155550100", 5 + 7},
    {"<sip:10.0.1.1;lr>", 4},
    {"<sip:10.0.1.1;lr>,<sip:10.0.1.2:5060;lr>", 4},
    {"<sip:10.0.1.1;lr=on>,<sip:x@10.0.1.2:5060;lr>", 4 + 3 + 2 + 4},
    {"<sip:198.51.100.1;lr;ftag=gK0c8f21>", 4 + 1 + 7 + 1},
    {"sip:", 5},
    {"<sip:", 6},
    {"<sip:>", 7},
    {"@", 2},
    {"@@@@@@@@", 9},
    {"sip:@", 5},
    {"<<<>>>;;;,,,\"\"\"", 16},
    {"\"abc\" ", 4},
    {"\"abc\"", 6},
    {"a;lr;transport=udp", 8},
};

static void single_texts(void **state)
{
    struct world world;
    world_begin(&world);
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        const struct dialog_string text = string(single[i].text);
        pack(&world, &text, 1);
        if (world.length > single[i].most)
            fail_msg("%s: %u octets, not %u", single[i].text, world.length, single[i].most);
        release(&world);
        assert_int_equal(world.intern.table.count, 0);
    }
    world_end(&world);
}

// Each octet value, alone and among others.
static void any_octets(void **state)
{
    struct world world;
    world_begin(&world);
    for (unsigned value = 0; value < 256; value++) {
        char around[] = "sip:a_b@h_.example;lr";
        around[5] = (char)value;
        around[9] = (char)value;
        const struct dialog_string texts[] = {
            {around + 5, 1}, {around, sizeof(around) - 1}, {around + 4, 3}, {around, 12}};
        pack(&world, texts, 4);
        release(&world);
    }
    world_end(&world);
}

// All lengths of runs of each kind: in one code, with a length behind it, cut in several.
static void any_length(void **state)
{
    static const char *const symbols[] = {
        "0123456789", "0123456789abcdef", "ABCDEF0123456789", "+-.*:#", "aZ0.-", "x y", "\x01\xff",
        "@a.",        "<sip:>",
    };
    char text[600];
    struct world world;
    world_begin(&world);
    for (size_t s = 0; s < sizeof(symbols) / sizeof(symbols[0]); s++) {
        for (uint32_t i = 0; i < sizeof(text); i++)
            text[i] = symbols[s][(i + i / 7) % strlen(symbols[s])];
        for (uint32_t length = 0; length < sizeof(text); length += length < 300 ? 1 : 37) {
            const struct dialog_string texts[] = {
                {text, length}, {text, length}, {text, length / 2}, {text, length}};
            pack(&world, texts, 4);
            release(&world);
        }
    }
    world_end(&world);
}

static void too_long_is_refused(void **state)
{
    static char text[TEXT_LENGTH_MAX + 1];
    struct world world;
    world_begin(&world);
    memset(text, '\x01', sizeof(text));
    struct dialog_string texts[TEXT_COUNT_MAX] = {{text, TEXT_LENGTH_MAX}};
    pack(&world, texts, TEXT_COUNT_MAX);
    texts[1] = (struct dialog_string){text, 1};
    assert_int_equal(text_pack(&world.intern, texts, 2, world.packed), 0);
    assert_int_equal(text_copy(texts, 2, world.packed), 0);
    texts[0].length = UINT32_MAX;
    assert_int_equal(text_pack(&world.intern, texts, 2, world.packed), 0);
    for (unsigned i = 0; i < TEXT_COUNT_MAX; i++)
        texts[i] = (struct dialog_string){text, TEXT_LENGTH_MAX / TEXT_COUNT_MAX};
    pack(&world, texts, TEXT_COUNT_MAX);
    assert_true(world.length <= TEXT_PACKED_MAX);
    world_end(&world);
}

// Octets that only a literal can hold, none like another.
static uint32_t put_noise(char *out, uint32_t length, uint32_t seed)
{
    for (uint32_t i = 0; i < length; i++)
        out[i] = (char)(0x80 | (seed = seed * 69069 + 1) >> 25);
    return length;
}

// Text that would grow by its pieces is kept as it is, what was interned for it is given back, and nothing
// is copied from what is not there any more.
static void text_that_would_grow(void **state)
{
    static const struct {
        const char *unit;
        bool counts; // a number behind it makes each another one
    } rows[] = {{"1234", true},   {"@h.e", true},   {"abcdef", true}, {"123456", false}, {"@h.exa", false},
                {"\x01>", false}, {"<sip:", false}, {"\"", false},    {"sip:", false},   {"=10", false}};
    static char text[4096];
    struct world world;
    world_begin(&world);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint32_t used = 0;
        char third[16];
        for (unsigned i = 10; i < 99; i++) {
            used += put_noise(text + used, 17, i);
            uint32_t unit = used;
            used += (uint32_t)snprintf(text + used, sizeof(text) - used, "%s", rows[r].unit);
            if (rows[r].counts)
                used += (uint32_t)snprintf(text + used, sizeof(text) - used, "%u", i);
            if (i == 12)
                snprintf(third, sizeof(third), "%.*s", (int)(used - unit), text + unit);
        }
        const struct dialog_string texts[] = {{text, used}, string(third),          string("+14155550100"),
                                              {text, 17},   string("+14155550100"), {text, used / 2},
                                              string(third)};
        pack(&world, texts, 1);
        release(&world);
        pack(&world, texts, sizeof(texts) / sizeof(texts[0]));
        release(&world);
        assert_int_equal(world.intern.table.count, 0);
    }
    world_end(&world);
}

// Packings that nobody wrote: each of their pieces is right.
static void more_than_there_can_be(void **state)
{
    enum { SIZE = TEXT_PACKED_MAX + 100, LITERAL = 4096 };
    static uint8_t packed[SIZE];
    struct text_source source = {.packed = packed};
    // Nothing, over and over, in one text.
    memset(packed, TEXT_EMPTY, sizeof(packed));
    packed[1000] |= TEXT_LAST;
    packed[sizeof(packed) - 1] |= TEXT_LAST;
    source.length = 1001;
    assert_true(text_check(&source, 1));
    source.length = sizeof(packed);
    assert_false(text_check(&source, 2));
    // A literal, and copies of it in the same text or in others: with the fourth it is too much.
    packed[0] = TEXT_LITERAL_LONG;
    packed[1] = LITERAL & 0xff;
    packed[2] = LITERAL >> 8;
    for (unsigned copies = 2; copies < 5; copies++) {
        uint8_t *at = packed + 3 + LITERAL;
        for (unsigned last = 0; last < 2; last++) {
            packed[0] = (uint8_t)(TEXT_LITERAL_LONG | last * TEXT_LAST);
            memset(at, (int)(TEXT_COPY | last * TEXT_LAST), copies);
            at[copies - 1] |= TEXT_LAST;
            source.length = 3 + LITERAL + copies;
            assert_int_equal(text_check(&source, last != 0 ? 1 + copies : 1), copies < 4);
        }
    }
}
static_assert(4 * 4096 == TEXT_LENGTH_MAX, "more_than_there_can_be()");

// Whatever happens to the octets of a packing, reading it stays inside of it and comes to an end; what the
// check lets pass can be read.
static void read_damaged(const struct text_source *source, unsigned count)
{
    static uint8_t out[TEXT_LENGTH_MAX];
    bool whole = text_check(source, count);
    for (unsigned i = 0; i < count; i++) {
        uint32_t length = text_unpack(source, i, out, sizeof(out));
        bool equal = text_equal(source, i, (struct dialog_string){out, length <= sizeof(out) ? length : 0});
        assert_true(equal || !whole);
    }
}

static void damaged_packings(void **state)
{
    struct world world;
    world_begin(&world);
    for (size_t s = 0; s + TEXT_COUNT_MAX <= sizeof(single) / sizeof(single[0]); s += 4) {
        struct dialog_string texts[TEXT_COUNT_MAX];
        for (unsigned i = 0; i < TEXT_COUNT_MAX; i++)
            texts[i] = string(single[s + i].text);
        pack(&world, texts, TEXT_COUNT_MAX);
        for (uint32_t bit = 0; bit < 8 * world.length; bit++) {
            struct text_source source = source_of(&world);
            ((uint8_t *)(uintptr_t)source.packed)[bit / 8] ^= (uint8_t)(1u << bit % 8);
            read_damaged(&source, TEXT_COUNT_MAX);
            source_free(&source);
        }
        const uint32_t length = world.length;
        for (world.length = 0; world.length < length; world.length++) {
            struct text_source source = source_of(&world);
            assert_false(text_check(&source, TEXT_COUNT_MAX));
            read_damaged(&source, TEXT_COUNT_MAX);
            source_free(&source);
        }
        release(&world);
    }
    world_end(&world);
}

// An interned text that is damaged or lies outside of the region fails the check of the packing.
static void damaged_interned_text(void **state)
{
    const struct dialog_string texts[] = {string("a tag"), string("<sip:10.0.1.2;lr>")};
    struct world world;
    world_begin(&world);
    pack(&world, texts, 2);
    struct text_source source = source_of(&world);
    arena_ref ref = intern_get(&world.intern, texts[1].octets, texts[1].length);
    uint8_t *block = arena_at(&world.arena, ref);
    block[12] ^= 1;
    assert_false(text_check(&source, 2));
    assert_true(text_equal(&source, 0, texts[0]));
    assert_false(text_equal(&source, 1, texts[1]));
    block[12] ^= 1;
    assert_true(text_check(&source, 2));
    source.region.size = 1024;
    assert_false(text_check(&source, 2));
    assert_false(text_equal(&source, 1, texts[1]));
    source_free(&source);
    intern_put(&world.intern, ref);
    release(&world);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_texts),         cmocka_unit_test(any_octets),
        cmocka_unit_test(any_length),           cmocka_unit_test(too_long_is_refused),
        cmocka_unit_test(text_that_would_grow), cmocka_unit_test(more_than_there_can_be),
        cmocka_unit_test(damaged_packings),     cmocka_unit_test(damaged_interned_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
