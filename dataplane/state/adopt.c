// SPDX-License-Identifier: BSD-3-Clause
// Both steps are loops over memory that no cache has seen for long: what the next rounds need is asked for
// while this one works.
#include "adopt.h"

#include "owner.h"

#define AHEAD        16u // records between prefetch and use
#define LINE         64u
#define COLD_LINES   3u // of a typical cold block
#define LOOKED_A_GET 8u // records passed over for each one that may be fetched: the slice stays short

static bool is_ours(const struct adoption *adoption, const struct dialog *record)
{
    return record->check != 0 && owner_of(record->call_hash, adoption->workers) == adoption->worker;
}

static void prefetch_cold(const struct image *image, arena_ref ref)
{
    size_t at = (size_t)ref * ARENA_ALIGN;
    if (at + (size_t)COLD_LINES * LINE > image->arena.size)
        return;
    for (unsigned i = 0; i < COLD_LINES; i++)
        __builtin_prefetch(image->arena.octets + at + (size_t)i * LINE);
}

static bool member_fits(const struct adoption *adoption, uint16_t number)
{
    return number < adoption->members || number == DIALOG_NUMBER_NONE;
}

static bool numbers_fit(const struct adoption *adoption, const struct image *image, uint32_t index)
{
    const struct dialog *record = &image->records[index];
    return record->caller_peer < adoption->peers && record->callee_peer < adoption->peers &&
           member_fits(adoption, record->callee_member);
}

static void adopt_record(struct adoption *adoption, unsigned number, uint32_t index, tick_t now)
{
    struct dialogs *set = adoption->set;
    const struct image *image = set->images[number];
    if (image_record(image, index) != IMAGE_RECORD_FINE || !numbers_fit(adoption, image, index)) {
        adoption->damaged++;
        return;
    }
    uint32_t made = dialog_adopt(set, number, index, now);
    if (made == INDEX_NONE) {
        adoption->no_room++;
        return;
    }
    adoption->taken++;
    if (made >= adoption->end)
        adoption->end = made + 1;
}

static void adopt_image(struct adoption *adoption, unsigned number, tick_t now)
{
    const struct image *image = adoption->set->images[number];
    uint32_t capacity = image->header->capacity;
    for (uint32_t i = 0; i < capacity; i++) {
        // The records themselves lie in a row, which the processor foresees.
        if (i + AHEAD < capacity && is_ours(adoption, &image->records[i + AHEAD])) {
            prefetch_cold(image, image->records[i + AHEAD].cold);
            table_prefetch(&adoption->set->table, image->records[i + AHEAD].call_hash);
        }
        if (is_ours(adoption, &image->records[i]))
            adopt_record(adoption, number, i, now);
    }
}

void adopt_records(struct adoption *adoption, struct image *const *images, unsigned count, tick_t now)
{
    assert(count <= DIALOG_IMAGES_MAX);
    for (unsigned i = 0; i < count; i++) {
        adoption->set->images[i] = images[i];
        adopt_image(adoption, i, now);
    }
}

static bool is_in_image(const struct dialog *record)
{
    return record->row != DIALOG_ROW_FREE && record->image != 0;
}

// First the record in the image, which will be struck out, then what it leads to.
static void prefetch_image(const struct adoption *adoption, uint32_t index)
{
    const struct dialogs *set = adoption->set;
    if (index + AHEAD < adoption->end && is_in_image(&set->records[index + AHEAD])) {
        const struct dialog *record = &set->records[index + AHEAD];
        __builtin_prefetch(&set->images[record->image - 1]->records[record->cold], 1);
    }
    if (index < adoption->end && is_in_image(&set->records[index])) {
        const struct dialog *record = &set->records[index];
        const struct image *image = set->images[record->image - 1];
        prefetch_cold(image, image->records[record->cold].cold);
    }
}

static void forget_images(struct adoption *adoption)
{
    for (unsigned i = 0; i < DIALOG_IMAGES_MAX; i++)
        adoption->set->images[i] = NULL;
    adoption->next = adoption->end = 0;
}

unsigned adopt_texts(struct adoption *adoption, unsigned most)
{
    struct dialogs *set = adoption->set;
    unsigned fetched = 0;
    for (unsigned i = 0; i < most * LOOKED_A_GET && fetched < most && set->images_left > 0; i++) {
        // What found no room is tried again in a later round.
        if (adoption->next >= adoption->end)
            adoption->next = 0;
        prefetch_image(adoption, adoption->next + AHEAD);
        if (is_in_image(&set->records[adoption->next])) {
            if (dialog_thaw(set, adoption->next) != 0) {
                adoption->next++;
                break;
            }
            fetched++;
        }
        adoption->next++;
    }
    if (set->images_left == 0 && set->images[0] != NULL)
        forget_images(adoption);
    return fetched;
}
