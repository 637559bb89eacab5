// SPDX-License-Identifier: BSD-3-Clause
// An arena, a table of interned texts and one packing, for the tests of packed texts.
#ifndef DIALGATE_TESTS_UNIT_STATE_TEXT_WORLD_H
#define DIALGATE_TESTS_UNIT_STATE_TEXT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "text.h"

#define REGION ((size_t)8 << 20)
#define CAP    256u

struct world {
    void *region;
    void *memory;
    struct arena arena;
    struct intern intern;
    uint8_t packed[TEXT_PACKED_MAX];
    uint32_t length;
};

static inline void world_begin(struct world *world)
{
    world->region = aligned_alloc((size_t)2 << 20, REGION);
    world->memory = aligned_alloc(64, intern_memory(CAP));
    assert_non_null(world->region);
    assert_non_null(world->memory);
    assert_int_equal(arena_init(&world->arena, world->region, REGION), 0);
    intern_init(&world->intern, world->memory, CAP, &world->arena);
    world->intern.key = (struct siphash_key){{3, 4}};
}

static inline void world_end(struct world *world)
{
    assert_int_equal(world->intern.table.count, 0);
    assert_int_equal(world->arena.used, 0);
    arena_fini(&world->arena);
    free(world->memory);
    free(world->region);
}

// An exact copy on the heap: a sanitizer sees each octet read behind it.
static inline struct text_source source_of(const struct world *world)
{
    uint8_t *packed = malloc(world->length);
    assert_non_null(packed);
    memcpy(packed, world->packed, world->length);
    return (struct text_source){{world->region, REGION}, packed, world->length};
}

static inline void source_free(struct text_source *source)
{
    free((void *)(uintptr_t)source->packed);
}

static inline struct dialog_string string(const char *text)
{
    return (struct dialog_string){text, text != NULL ? (uint32_t)strlen(text) : 0};
}

// In one walk: all, and each alone while the others are given or may be any.
static inline void assert_restored_at_once(const struct text_source *source,
                                           const struct dialog_string *texts, unsigned count)
{
    static uint8_t out[TEXT_LENGTH_MAX];
    for (unsigned wanted = 0; wanted <= count; wanted++) { // count: all of them
        struct dialog_string restored[TEXT_COUNT_MAX], given[TEXT_COUNT_MAX];
        for (unsigned i = 0; i < count; i++) {
            bool is_wanted = wanted == count || i == wanted;
            given[i] = (struct dialog_string){texts[i].length > 0 ? texts[i].octets : "", texts[i].length};
            restored[i] = is_wanted ? (struct dialog_string){NULL, 7} : given[i];
            if (!is_wanted)
                given[i].octets = NULL;
        }
        assert_true(text_equal_all(source, count, given));
        text_unpack_others(source, count, restored, out);
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(restored[i].length, texts[i].length);
            assert_non_null(restored[i].octets);
            if (texts[i].length > 0)
                assert_memory_equal(restored[i].octets, texts[i].octets, texts[i].length);
        }
        if (wanted == count)
            continue;
        if (texts[wanted].length > 0)
            given[wanted].length--;
        else
            given[wanted] = string("x");
        assert_false(text_equal_all(source, count, given));
    }
}

// Everything that can be read of a packing says what was packed.
static inline void assert_restored(const struct world *world, const struct dialog_string *texts,
                                   unsigned count)
{
    static uint8_t out[TEXT_LENGTH_MAX + 1];
    static uint8_t other[TEXT_LENGTH_MAX + 1];
    struct text_source source = source_of(world);
    assert_true(text_check(&source, count));
    assert_false(text_check(&source, count + 1));
    assert_false(text_check(&source, count - 1));
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
    assert_restored_at_once(&source, texts, count);
    source_free(&source);
}

static inline void pack(struct world *world, const struct dialog_string *texts, unsigned count)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += texts[i].length;
    world->length = text_copy(texts, count, world->packed);
    assert_in_range(world->length, count, total + 3 * count);
    assert_restored(world, texts, count);
    world->length = text_pack(&world->intern, texts, count, world->packed);
    assert_in_range(world->length, count, total + 3 * count);
    assert_restored(world, texts, count);
}

static inline void release(struct world *world)
{
    text_release(&world->intern, world->packed, world->length);
}

#endif
