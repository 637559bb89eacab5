// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "text.h"

#define REGION  ((size_t)8 << 20)
#define CAP     256u
#define DIALOG  9u   // texts of one
#define TYPICAL 128u // octets that a cold block may take
#define HEAD    36u  // of a cold block

struct world {
    void *region;
    void *memory;
    struct arena arena;
    struct intern intern;
    uint8_t packed[TEXT_PACKED_MAX];
    uint32_t length;
};

static void world_begin(struct world *world)
{
    world->region = aligned_alloc((size_t)2 << 20, REGION);
    world->memory = aligned_alloc(64, intern_memory(CAP));
    assert_non_null(world->region);
    assert_non_null(world->memory);
    assert_int_equal(arena_init(&world->arena, world->region, REGION), 0);
    intern_init(&world->intern, world->memory, CAP, &world->arena);
    world->intern.key = (struct siphash_key){{3, 4}};
}

static void world_end(struct world *world)
{
    assert_int_equal(world->intern.table.count, 0);
    assert_int_equal(world->arena.used, 0);
    arena_fini(&world->arena);
    free(world->memory);
    free(world->region);
}

// An exact copy on the heap: a sanitizer sees each octet read behind it.
static struct text_source source_of(const struct world *world)
{
    uint8_t *packed = malloc(world->length);
    assert_non_null(packed);
    memcpy(packed, world->packed, world->length);
    return (struct text_source){{world->region, REGION}, packed, world->length};
}

static void source_free(struct text_source *source)
{
    free((void *)(uintptr_t)source->packed);
}

static struct dialog_string string(const char *text)
{
    return (struct dialog_string){text, text != NULL ? (uint32_t)strlen(text) : 0};
}

// Everything that can be read of a packing says what was packed.
static void assert_restored(const struct world *world, const struct dialog_string *texts, unsigned count)
{
    static uint8_t out[TEXT_LENGTH_MAX + 1];
    static uint8_t other[TEXT_LENGTH_MAX + 1];
    struct text_source source = source_of(world);
    assert_true(text_check(&source, count));
    assert_false(text_check(&source, count + 1));
    for (unsigned i = 0; i < count; i++) {
        uint32_t length = texts[i].length;
        out[length] = 0xee;
        assert_int_equal(text_unpack(&source, i, out, length), length);
        if (length != 0)
            assert_memory_equal(out, texts[i].octets, length);
        assert_int_equal(out[length], 0xee);
        assert_true(text_equal(&source, i, texts[i]));
        if (length != 0) {
            out[0] = 0xdd;
            assert_int_equal(text_unpack(&source, i, out, length - 1), length);
            assert_int_equal(out[0], 0xdd);
            assert_false(text_equal(&source, i, (struct dialog_string){texts[i].octets, length - 1}));
            memcpy(other, texts[i].octets, length);
        }
        other[length] = 'x';
        assert_false(text_equal(&source, i, (struct dialog_string){other, length + 1}));
        for (uint32_t k = 0; k < length; k += 1 + length / 64) {
            other[k] ^= 0x20; // the case of a letter
            assert_false(text_equal(&source, i, (struct dialog_string){other, length}));
            other[k] ^= 0x20;
        }
    }
    source_free(&source);
}

static void pack(struct world *world, const struct dialog_string *texts, unsigned count)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += texts[i].length;
    world->length = text_pack(&world->intern, texts, count, world->packed);
    assert_in_range(world->length, count, total + 3 * count);
    assert_restored(world, texts, count);
}

static void release(struct world *world)
{
    text_release(&world->intern, world->packed, world->length);
}

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
    {"1-12345@127.0.0.1", 5 + 4},
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

// What perf/corpus and real user agents send. The texts of a dialog in the order of dialog_record.h.
static const struct {
    const char *name;
    uint32_t most; // octets, when what is interned was known before
    const char *texts[DIALOG];
} shapes[] = {
    {"the typical call",
     TYPICAL - HEAD,
     {"f47ac10b-58cc-4372-a567-0e02b2c3d479", "3a7f9c20b1d4e865", "b5d1208c7e6f4a93",
      "<sip:+14155550100@carrier-a.example.net>", "<sip:+442079460123@carrier-b.example.net>",
      "sip:+14155550100@198.51.100.7:5060", "sip:+442079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"with display names",
     TYPICAL - HEAD,
     {"f47ac10b-58cc-4372-a567-0e02b2c3d479", "3a7f9c20b1d4e865", "b5d1208c7e6f4a93",
      "\"A. Caller\" <sip:+14155550100@carrier-a.example.net>",
      "\"B. Callee\" <sip:+442079460123@carrier-b.example.net>", "sip:+14155550100@198.51.100.7:5060",
      "sip:+442079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>", "<sip:10.0.1.2;lr>"}},
    {"perf/corpus",
     TYPICAL - HEAD,
     {"84b4c76e66710a1f93bd05@198.51.100.7", "gK0c8f21", "as58f4c1e2",
      "\"A. Caller\" <sip:+441632960961@carrier-a.example>", "<sip:+442079460123@carrier-b.example>",
      "sip:+441632960961@198.51.100.7:5060", "sip:192.0.2.20:5060", "<sip:198.51.100.1;lr;ftag=gK0c8f21>",
      ""}},
    {"SIPp",
     TYPICAL - HEAD,
     {"1-12345@127.0.0.1", "12345SIPpTag001", "12346SIPpTag011", "sipp <sip:sipp@127.0.0.1:5060>",
      "service <sip:service@127.0.0.1:5062>", "sip:sipp@127.0.0.1:5060", "sip:127.0.0.1:5062;transport=UDP",
      "", ""}},
    {"Asterisk, chan_sip",
     TYPICAL - HEAD,
     {"5a1f3b7c2d9e4f60718293a4b5c6d7e8@198.51.100.7:5060", "as58f4c1e2", "as0a7b33d9",
      "\"Front Desk\" <sip:100@198.51.100.7>", "<sip:02079460123@carrier.example>",
      "sip:100@198.51.100.7:5060", "sip:02079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"Asterisk, PJSIP",
     TYPICAL - HEAD,
     {"6f3f0e4a-2b71-4c55-9df0-11c1aa8fd2b7", "d2b0a1c3-41b4-4c5c-8a3e-7a8b4f8f5a01", "b5d1208c7e6f4a93",
      "<sip:+14155550100@carrier-a.example.net>", "<sip:+442079460123@carrier-b.example.net>",
      "sip:asterisk@198.51.100.7:5060", "sip:+442079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"FreeSWITCH",
     TYPICAL - HEAD,
     {"8a1d6c02-91d4-123c-5f9a-0242ac110002", "Ht8rQ5rQaUUrH", "4rjSUg5y8rZ3p",
      "\"Alice Smith\" <sip:1001@pbx.example.net>", "<sip:1002@pbx.example.net>",
      "sip:mod_sofia@198.51.100.7:5060", "sip:1002@192.0.2.20:5060;transport=udp", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"Kamailio twice",
     TYPICAL - HEAD,
     {"4f1c2b3a-9d8e7f60@192.0.2.77", "4f1c2b3a", "b5d1208c7e6f4a93",
      "<sip:+14155550100@carrier-a.example.net;user=phone>",
      "<sip:+442079460123@carrier-a.example.net;user=phone>", "sip:+14155550100@198.51.100.7:5060;ob",
      "sip:+442079460123@192.0.2.20:5060",
      "<sip:10.0.1.1;lr=on;ftag=4f1c2b3a>,<sip:10.0.1.9;lr=on;ftag=4f1c2b3a>",
      "<sip:10.0.1.2;r2=on;lr>,<sip:10.0.1.3;r2=on;lr>"}},
};

static void shape_texts(size_t which, struct dialog_string texts[DIALOG])
{
    for (unsigned i = 0; i < DIALOG; i++)
        texts[i] = string(shapes[which].texts[i]);
}

static void dialogs_of_real_user_agents(void **state)
{
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct dialog_string texts[DIALOG];
        struct world world;
        uint32_t plain = 0;
        world_begin(&world);
        shape_texts(s, texts);
        for (unsigned i = 0; i < DIALOG; i++)
            plain += texts[i].length;
        pack(&world, texts, DIALOG);
        print_message("%s: %u octets packed in %u, %u interned\n", shapes[s].name, plain, world.length,
                      world.intern.table.count);
        if (world.length > shapes[s].most)
            fail_msg("not %u", shapes[s].most);
        release(&world);
        world_end(&world);
    }
}

// A tag in a Record-Route, a Contact's instance, a Call-ID's random end: calls that differ in them alone
// intern the same texts.
static void what_is_made_for_a_call_is_not_interned(void **state)
{
    // "%": a hex digit.
    static const char *const forms[] = {"%%%%%%%%%%%%@%%%%%%%%%%%%",
                                        "<sip:10.0.1.1;lr;ftag=%%%%%%%%>",
                                        "<sip:10.0.1.1;lr;did=%%%.%%%%>,<sip:10.0.1.2;lr>",
                                        "sip:%%%%%%%%@192.0.2.1:5060;rinstance=%%%%%%%%;ob",
                                        "<sip:%%%%%%%%%%%%%%%%@192.0.2.1>",
                                        "sip:192.0.2.1;%%%%%%%%%%%%%%%%%%",
                                        "\"%%%% %%%%\" <sip:192.0.2.1>"};
    struct world world;
    struct world first;
    uint32_t x = 1;
    world_begin(&world);
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        for (unsigned i = 0; i < 2; i++) {
            char text[100];
            snprintf(text, sizeof(text), "%s", forms[f]);
            for (char *at = text; (at = strchr(at, '%')) != NULL;) {
                x = x * 69069 + 1;
                *at = "0123456789abcdef"[x >> 28];
            }
            const struct dialog_string one = string(text);
            pack(&world, &one, 1);
            if (i == 0)
                memcpy(&first, &world, sizeof(first));
        }
        assert_int_equal(world.intern.table.count, first.intern.table.count);
        release(&world);
        text_release(&world.intern, first.packed, first.length);
        assert_int_equal(world.intern.table.count, 0);
    }
    world_end(&world);
}

// When nothing more can be interned, or the k-th block is refused, texts are larger and whole.
static void no_room_to_intern(void **state)
{
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct dialog_string texts[DIALOG];
        struct world world;
        unsigned k = 0;
        bool failed = true;
        world_begin(&world);
        shape_texts(s, texts);
        for (; failed; k++) {
            world.arena.fail_at = (int64_t)k;
            pack(&world, texts, DIALOG);
            failed = world.arena.fail_at < 0;
            world.arena.fail_at = -1;
            release(&world);
            assert_int_equal(world.arena.used, 0);
        }
        assert_true(k > 1);
        world.intern.table.capacity = 0;
        pack(&world, texts, DIALOG);
        release(&world);
        world_end(&world);
    }
}

static void interned_texts_have_their_users(void **state)
{
    struct dialog_string texts[DIALOG];
    struct world world;
    struct world first;
    world_begin(&world);
    shape_texts(0, texts);
    pack(&world, texts, DIALOG);
    size_t used = world.arena.used;
    uint32_t count = world.intern.table.count;
    memcpy(&first, &world, sizeof(first));
    pack(&world, texts, DIALOG);
    assert_int_equal(world.length, first.length);
    assert_memory_equal(world.packed, first.packed, first.length);
    assert_int_equal(world.arena.used, used);
    release(&world);
    assert_int_equal(world.intern.table.count, count);
    assert_restored(&world, texts, DIALOG);
    release(&world);
    world_end(&world);
}

// References of four octets: above the first 256 MiB.
static void a_region_of_any_size(void **state)
{
    const size_t size = (size_t)288 << 20;
    struct dialog_string texts[DIALOG];
    struct world world;
    world_begin(&world);
    arena_fini(&world.arena);
    free(world.region);
    world.region = aligned_alloc((size_t)2 << 20, size);
    assert_non_null(world.region);
    assert_int_equal(arena_init(&world.arena, world.region, size), 0);
    arena_ref most = arena_get(&world.arena, (size_t)256 << 20);
    assert_int_not_equal(most, ARENA_NONE);
    intern_init(&world.intern, world.memory, CAP, &world.arena);
    shape_texts(0, texts);
    world.length = text_pack(&world.intern, texts, DIALOG, world.packed);
    assert_true(world.length <= TYPICAL - HEAD + 6);
    const struct text_source source = {{world.region, size}, world.packed, world.length};
    assert_true(text_check(&source, DIALOG));
    for (unsigned i = 0; i < DIALOG; i++)
        assert_true(text_equal(&source, i, texts[i]));
    release(&world);
    arena_put(&world.arena, most);
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
    texts[0].length = UINT32_MAX;
    assert_int_equal(text_pack(&world.intern, texts, 2, world.packed), 0);
    for (unsigned i = 0; i < TEXT_COUNT_MAX; i++)
        texts[i] = (struct dialog_string){text, TEXT_LENGTH_MAX / TEXT_COUNT_MAX};
    pack(&world, texts, TEXT_COUNT_MAX);
    assert_true(world.length <= TEXT_PACKED_MAX);
    world_end(&world);
}

// Many routes in one text: no more than a bound of them is interned.
static void many_hosts(void **state)
{
    static char text[TEXT_LENGTH_MAX];
    struct world world;
    uint32_t used = 0;
    world_begin(&world);
    for (unsigned i = 0; used + 60 < sizeof(text); i++)
        used += (uint32_t)snprintf(text + used, sizeof(text) - used, "%s<sip:u%u@host-%u.example;lr>",
                                   used != 0 ? "," : "", i, i);
    const struct dialog_string one = {text, used};
    pack(&world, &one, 1);
    assert_in_range(world.intern.table.count, 8, TEXT_COUNT_MAX);
    release(&world);
    world_end(&world);
}

// Text that would grow by its pieces is kept as it is, and what was interned for it is given back.
static void text_that_would_grow(void **state)
{
    static const char *const units[] = {"\x01>", "a@",      "<",    "\x01;lr\x01", "\"",
                                        "sip:",  "@@aaaaa", "000x", "=10"};
    static char text[4096];
    struct world world;
    world_begin(&world);
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        uint32_t length = (uint32_t)strlen(units[u]);
        for (uint32_t i = 0; i < sizeof(text); i++)
            text[i] = units[u][i % length];
        const struct dialog_string texts[] = {{text, sizeof(text)}, {text, 2048}, {text, 77}, {text, 3}};
        pack(&world, texts, 4);
        release(&world);
        assert_int_equal(world.intern.table.count, 0);
    }
    world_end(&world);
}

// Whatever happens to the octets of a packing, reading it stays inside of it and comes to an end.
static void damaged_packings(void **state)
{
    static uint8_t out[TEXT_LENGTH_MAX];
    struct dialog_string texts[DIALOG];
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct world world;
        world_begin(&world);
        shape_texts(s, texts);
        pack(&world, texts, DIALOG);
        for (uint32_t bit = 0; bit < 8 * world.length; bit++) {
            struct text_source source = source_of(&world);
            uint8_t *packed = (uint8_t *)(uintptr_t)source.packed;
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            bool whole = text_check(&source, DIALOG);
            for (unsigned i = 0; i < DIALOG; i++) {
                uint32_t length = text_unpack(&source, i, out, sizeof(out));
                if (whole)
                    assert_true(text_equal(&source, i, (struct dialog_string){out, length}));
                else
                    text_equal(&source, i, texts[i]);
            }
            source_free(&source);
        }
        const uint32_t length = world.length;
        for (world.length = 0; world.length < length; world.length++) {
            struct text_source source = source_of(&world);
            assert_false(text_check(&source, DIALOG));
            for (unsigned i = 0; i < DIALOG; i++)
                text_unpack(&source, i, out, sizeof(out));
            source_free(&source);
        }
        release(&world);
        world_end(&world);
    }
}

// An interned text that is damaged or lies outside of the region fails the check of the packing.
static void damaged_interned_text(void **state)
{
    struct dialog_string texts[DIALOG];
    struct world world;
    world_begin(&world);
    shape_texts(0, texts);
    pack(&world, texts, DIALOG);
    struct text_source source = source_of(&world);
    arena_ref ref = intern_get(&world.intern, "<sip:10.0.1.2;lr>", 17);
    uint8_t *block = arena_at(&world.arena, ref);
    block[12] ^= 1;
    assert_false(text_check(&source, DIALOG));
    block[12] ^= 1;
    assert_true(text_check(&source, DIALOG));
    source.region.size = 1024;
    assert_false(text_check(&source, DIALOG));
    source_free(&source);
    intern_put(&world.intern, ref);
    release(&world);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_texts),
        cmocka_unit_test(any_octets),
        cmocka_unit_test(any_length),
        cmocka_unit_test(dialogs_of_real_user_agents),
        cmocka_unit_test(what_is_made_for_a_call_is_not_interned),
        cmocka_unit_test(no_room_to_intern),
        cmocka_unit_test(interned_texts_have_their_users),
        cmocka_unit_test(a_region_of_any_size),
        cmocka_unit_test(too_long_is_refused),
        cmocka_unit_test(many_hosts),
        cmocka_unit_test(text_that_would_grow),
        cmocka_unit_test(damaged_packings),
        cmocka_unit_test(damaged_interned_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
