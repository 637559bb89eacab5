// SPDX-License-Identifier: BSD-3-Clause
// Packed texts. Input: an octet that tells which request to the arena fails, two that choose a flip, and the
// texts of a dialog, one a line.
// 1. Any texts come back whole, and nothing of them is left when they are released.
// 2. A packing with a flipped bit, or with the end cut off, is read without leaving it, and what the check
// let
//    pass can be read.
// 3. The same for the input itself as a packing, and as a region with interned texts.
#include <string.h>

#include "sip_check.h"
#include "text.h"

#define REGION   ((size_t)8 << 20)
#define CAP      32u // small, so that the cap is met
#define HEAD     3u
#define FAILS_AT 16u // a higher one: none fails
#define LINE_END '\n'

static struct arena arena;
static struct intern intern;
static uint8_t *region;

static void begin(void)
{
    if (region != NULL)
        return;
    void *memory = aligned_alloc(64, intern_memory(CAP));
    region = aligned_alloc((size_t)2 << 20, REGION);
    CHECK(memory != NULL && region != NULL && arena_init(&arena, region, REGION) == 0);
    intern_init(&intern, memory, CAP, &arena);
    intern.key = (struct siphash_key){{5, 6}};
}

static unsigned texts_of(const uint8_t *data, size_t size, struct dialog_string texts[TEXT_COUNT_MAX])
{
    unsigned count = 0;
    while (count < TEXT_COUNT_MAX) {
        const uint8_t *end = size != 0 ? memchr(data, LINE_END, size) : NULL;
        size_t length = end != NULL ? (size_t)(end - data) : size;
        texts[count++] = (struct dialog_string){length != 0 ? data : NULL, (uint32_t)length};
        if (end == NULL)
            break;
        data += length + 1;
        size -= length + 1;
    }
    return count;
}

static void check_restored(const struct text_source *source, const struct dialog_string *texts,
                           unsigned count)
{
    static uint8_t out[TEXT_LENGTH_MAX];
    CHECK(text_check(source, count));
    for (unsigned i = 0; i < count; i++) {
        CHECK(text_unpack(source, i, out, sizeof(out)) == texts[i].length);
        CHECK(texts[i].length == 0 || memcmp(out, texts[i].octets, texts[i].length) == 0);
        CHECK(text_equal(source, i, texts[i]));
        if (texts[i].length == 0)
            continue;
        out[texts[i].length / 2] ^= 1;
        CHECK(!text_equal(source, i, (struct dialog_string){out, texts[i].length}));
        CHECK(!text_equal(source, i, (struct dialog_string){texts[i].octets, texts[i].length - 1}));
    }
}

// All in one walk, and what comes out of that compared likewise.
static void check_at_once(const struct text_source *source, unsigned count, bool whole)
{
    static uint8_t together[TEXT_LENGTH_MAX], alone[TEXT_LENGTH_MAX];
    struct dialog_string texts[TEXT_COUNT_MAX] = {{0}};
    text_unpack_others(source, count, texts, together);
    for (unsigned i = 0; i < count; i++) {
        CHECK(texts[i].octets != NULL && texts[i].length <= TEXT_LENGTH_MAX);
        uint32_t length = text_unpack(source, i, alone, sizeof(alone));
        CHECK(!whole || (length == texts[i].length && memcmp(alone, texts[i].octets, length) == 0));
    }
    CHECK(text_equal_all(source, count, texts) || !whole);
    if (texts[count - 1].length > 0) {
        texts[count - 1].length--;
        CHECK(!whole || !text_equal_all(source, count, texts));
    }
}

// octets: of any origin; a copy of their exact length shows a reader that leaves it.
static void check_damaged(struct region where, const uint8_t *octets, uint32_t length, unsigned count)
{
    static uint8_t out[TEXT_LENGTH_MAX];
    uint8_t *packed = malloc(length != 0 ? length : 1);
    CHECK(packed != NULL);
    memcpy(packed, octets, length);
    const struct text_source source = {where, packed, length};
    bool whole = text_check(&source, count);
    uint32_t all = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t wanted = text_unpack(&source, i, out, sizeof(out));
        bool equal = text_equal(&source, i, (struct dialog_string){out, wanted <= sizeof(out) ? wanted : 0});
        CHECK(equal || !whole);
        all += wanted;
    }
    CHECK(!whole || all <= TEXT_LENGTH_MAX);
    check_at_once(&source, count, whole);
    free(packed);
}

static void check_packing(const uint8_t *head, const struct dialog_string *texts, unsigned count)
{
    static uint8_t packed[TEXT_PACKED_MAX];
    struct region here = {region, REGION};
    uint32_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += texts[i].length;
    arena.fail_at = head[0] < FAILS_AT ? head[0] : -1;
    uint32_t copied = text_copy(texts, count, packed);
    CHECK((copied == 0) == (total > TEXT_LENGTH_MAX) && copied <= total + 3 * count);
    if (copied != 0)
        check_restored(&(struct text_source){here, packed, copied}, texts, count);
    uint32_t length = text_pack(&intern, texts, count, packed);
    arena.fail_at = -1;
    CHECK((length == 0) == (total > TEXT_LENGTH_MAX) && length <= total + 8 * count);
    if (length == 0)
        return;
    uint8_t *exact = malloc(length);
    CHECK(exact != NULL);
    memcpy(exact, packed, length);
    check_restored(&(struct text_source){here, exact, length}, texts, count);
    uint32_t bit = (head[1] | (uint32_t)head[2] << 8) % (8 * length);
    exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
    check_damaged(here, exact, length, count);
    check_damaged(here, packed, bit / 8, count);
    CHECK(!text_check(&(struct text_source){here, packed, bit / 8}, count));
    text_release(&intern, packed, length);
    free(exact);
    CHECK(intern.table.count == 0 && arena.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dialog_string texts[TEXT_COUNT_MAX];
    const uint8_t *octets;
    uint32_t length;
    if (size < HEAD || size > 2 * TEXT_LENGTH_MAX)
        return 0;
    begin();
    check_packing(data, texts, texts_of(data + HEAD, size - HEAD, texts));
    const struct region given = {data, size};
    check_damaged(given, data + HEAD, (uint32_t)(size - HEAD), 1 + data[0] % TEXT_COUNT_MAX);
    for (arena_ref ref = 0; ref <= size / ARENA_ALIGN + 1; ref++)
        if (intern_read(given, ref, &octets, &length))
            CHECK(octets >= data && length <= size && (size_t)(octets - data) <= size - length);
    return 0;
}
