// SPDX-License-Identifier: BSD-3-Clause
// Dialogs of a process that died, taken over by the next one.
#include "process.h"

#define DIALOGS  200u
#define CAPACITY 256u
#define LATER    (PROCESS_NOW + 500u)

static struct process first, second, third; // large

static void fill(struct process *process, unsigned dialogs)
{
    for (unsigned i = 0; i < dialogs; i++)
        assert_int_not_equal(process_add(process, i, PROCESS_NOW), INDEX_NONE);
}

static void assert_all(const struct process *process, unsigned dialogs)
{
    for (unsigned i = 0; i < dialogs; i++) {
        uint32_t index = process_find(process, i);
        assert_int_not_equal(index, INDEX_NONE);
        process_assert(process, index, i, process_state(i));
    }
    assert_int_equal(process->dialogs.count, dialogs);
}

static unsigned count_records(const struct image *image)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < image->header->capacity; i++)
        count += image->records[i].check != 0;
    return count;
}

static void test_all(void **state)
{
    struct image *images[] = {&first.image};
    process_begin(&first, 1, 0, 1, CAPACITY);
    fill(&first, DIALOGS);
    process_die(&first);
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images, 1, LATER);
    assert_int_equal(second.adoption.taken, DIALOGS);
    assert_int_equal(second.adoption.damaged + second.adoption.no_room, 0);
    assert_int_equal(second.dialogs.images_left, DIALOGS);
    for (unsigned i = 0; i < DIALOG_STATES; i++)
        assert_int_equal(second.dialogs.by_state[i], first.dialogs.by_state[i]);
    assert_int_equal(second.wheel.armed, DIALOGS);
    // Readable before the texts are here, and the older file has all of them still.
    assert_all(&second, DIALOGS);
    assert_int_equal(count_records(&first.image), DIALOGS);
    process_die(&second);
    assert_int_equal(count_records(&second.image), 0);
    for (unsigned left = DIALOGS; left > 0; left -= 10) {
        assert_int_equal(second.dialogs.images_left, left);
        assert_int_equal(count_records(&first.image), left);
        assert_int_equal(count_records(&second.image), DIALOGS - left);
        assert_all(&second, DIALOGS);
        assert_int_equal(adopt_texts(&second.adoption, 10), 10);
    }
    assert_int_equal(second.dialogs.images_left, 0);
    assert_null(second.dialogs.images[0]);
    assert_int_equal(adopt_texts(&second.adoption, 10), 0);
    assert_int_equal(count_records(&first.image), 0);
    process_end(&first); // nothing leads there any more
    assert_all(&second, DIALOGS);
    for (unsigned i = 0; i < DIALOGS; i++)
        dialog_release(&second.dialogs, process_find(&second, i));
    assert_int_equal(second.arena.used, 0);
    assert_int_equal(second.wheel.armed, 0);
    process_end(&second);
}

static void test_nothing(void **state)
{
    struct image *images[] = {&first.image};
    process_begin(&first, 1, 0, 1, CAPACITY);
    process_die(&first);
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images, 1, LATER);
    assert_int_equal(second.adoption.taken, 0);
    assert_int_equal(adopt_texts(&second.adoption, 10), 0);
    assert_null(second.dialogs.images[0]);
    process_end(&first);
    process_end(&second);
}

// Another number of workers: each takes what it owns now, and together they have all of it once.
static void test_workers(void **state)
{
    static const struct {
        unsigned before, after;
    } rows[] = {{1, 2}, {1, 3}, {2, 1}, {3, 2}, {2, 3}, {3, 3}};
    struct process *old = calloc(3, sizeof(*old)), *new = calloc(3, sizeof(*new));
    assert_non_null(old);
    assert_non_null(new);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct image *images[3];
        unsigned taken = 0;
        for (unsigned w = 0; w < rows[row].before; w++) {
            process_begin(&old[w], 1, w, rows[row].before, CAPACITY);
            for (unsigned i = 0; i < DIALOGS; i++)
                if (owner_of(process_hash(&old[w], i), rows[row].before) == w)
                    assert_int_not_equal(process_add(&old[w], i, PROCESS_NOW), INDEX_NONE);
            process_die(&old[w]);
            images[w] = &old[w].image;
        }
        for (unsigned w = 0; w < rows[row].after; w++) {
            process_begin(&new[w], 2, w, rows[row].after, CAPACITY);
            process_adopt(&new[w], images, rows[row].before, LATER);
            taken += (unsigned)new[w].adoption.taken;
        }
        assert_int_equal(taken, DIALOGS);
        for (unsigned w = 0; w < rows[row].after; w++) {
            while (adopt_texts(&new[w].adoption, 7) > 0) {
            }
            assert_int_equal(new[w].dialogs.images_left, 0);
            for (unsigned i = 0; i < DIALOGS; i++) {
                uint32_t index = process_find(&new[w], i);
                bool ours = owner_of(process_hash(&new[w], i), rows[row].after) == w;
                assert_int_equal(index != INDEX_NONE, ours);
                if (ours)
                    process_assert(&new[w], index, i, process_state(i));
            }
        }
        for (unsigned w = 0; w < rows[row].before; w++)
            assert_int_equal(count_records(&old[w].image), 0);
        for (unsigned w = 0; w < rows[row].before; w++)
            process_end(&old[w]);
        for (unsigned w = 0; w < rows[row].after; w++)
            process_end(&new[w]);
    }
    free(old);
    free(new);
}

// What the second process did before it died: some dialogs ended, others moved on, others began.
enum { ENDED = 5, MOVED = 6 };
static void live(struct process *process)
{
    for (unsigned i = 0; i < DIALOGS; i++) {
        uint32_t index = process_find(process, i);
        if (i % 10 == ENDED)
            dialog_release(&process->dialogs, index);
        if (i % 10 == MOVED)
            dialog_step(&process->dialogs, index, DIALOG_ON_SUCCESS, LATER);
    }
    for (unsigned i = DIALOGS; i < DIALOGS + 10; i++)
        assert_int_not_equal(process_add(process, i, LATER), INDEX_NONE);
}

static void assert_lived(const struct process *process)
{
    for (unsigned i = 0; i < DIALOGS + 10; i++) {
        uint32_t index = process_find(process, i);
        bool moved = i < DIALOGS && i % 10 == MOVED;
        assert_int_equal(index == INDEX_NONE, i < DIALOGS && i % 10 == ENDED);
        if (index != INDEX_NONE)
            process_assert(process, index, i, moved ? DIALOG_CONFIRMED : process_state(i));
    }
    assert_int_equal(process->dialogs.count, DIALOGS + 10 - DIALOGS / 10);
}

// The second process dies too, after any number of texts: every dialog is there once, what ended stays so.
static void test_killed_again(void **state)
{
    struct image *images[] = {&second.image, &first.image};
    for (unsigned fetched = 0; fetched <= DIALOGS; fetched += fetched < 20 ? 1 : 9) {
        process_begin(&first, 1, 0, 1, CAPACITY);
        fill(&first, DIALOGS);
        process_die(&first);
        process_begin(&second, 2, 0, 1, CAPACITY);
        process_adopt(&second, images + 1, 1, LATER);
        assert_int_equal(adopt_texts(&second.adoption, fetched), fetched);
        live(&second);
        process_die(&second);
        process_begin(&third, 3, 0, 1, CAPACITY);
        process_adopt(&third, images, 2, LATER);
        assert_lived(&third);
        assert_int_equal(third.adoption.damaged + third.adoption.no_room, 0);
        while (adopt_texts(&third.adoption, 3) > 0) {
        }
        assert_int_equal(third.dialogs.images_left, 0);
        assert_lived(&third);
        process_end(&first);
        process_end(&second);
        process_end(&third);
    }
}

// It dies between its own commit of a record and the moment when the older file loses it.
static void test_killed_between(void **state)
{
    struct image *images[] = {&second.image, &first.image};
    process_begin(&first, 1, 0, 1, CAPACITY);
    fill(&first, DIALOGS);
    process_die(&first);
    struct dialog before = first.image.records[9];
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images + 1, 1, LATER);
    assert_int_equal(adopt_texts(&second.adoption, 10), 10);
    process_die(&second);
    uint32_t index = process_find(&second, 9);
    assert_int_equal(first.image.records[9].check, 0);
    first.image.records[9] = before;
    second.image.journal->taken_from = 9;
    second.image.journal->taken_image = 1u << 8;
    second.image.journal->taken = index;
    process_begin(&third, 3, 0, 1, CAPACITY);
    process_adopt(&third, images, 2, LATER);
    assert_all(&third, DIALOGS);
    process_end(&first);
    process_end(&second);
    process_end(&third);
}

// Fewer records than before: what finds no place is counted, the newest file's come first.
static void test_no_room_in_table(void **state)
{
    struct image *images[] = {&first.image};
    process_begin(&first, 1, 0, 1, CAPACITY);
    fill(&first, DIALOGS);
    process_die(&first);
    process_begin(&second, 2, 0, 1, 64);
    process_adopt(&second, images, 1, LATER);
    assert_int_equal(second.adoption.taken, 64);
    assert_int_equal(second.adoption.no_room, DIALOGS - 64);
    assert_int_equal(second.dialogs.count, 64);
    while (adopt_texts(&second.adoption, 10) > 0) {
    }
    assert_int_equal(second.dialogs.images_left, 0);
    process_end(&first);
    process_end(&second);
}

// No room for texts: the image keeps the record, all works, and it is tried again.
static void test_no_room_for_texts(void **state)
{
    struct image *images[] = {&first.image};
    for (int64_t k = 0; k < 40; k++) {
        process_begin(&first, 1, 0, 1, CAPACITY);
        fill(&first, DIALOGS);
        process_die(&first);
        process_begin(&second, 2, 0, 1, CAPACITY);
        process_adopt(&second, images, 1, LATER);
        second.arena.fail_at = k;
        unsigned fetched = adopt_texts(&second.adoption, 30);
        assert_in_range(fetched, 0, 30);
        assert_int_equal(second.dialogs.images_left, DIALOGS - fetched);
        assert_int_equal(count_records(&first.image), DIALOGS - fetched);
        second.arena.fail_at = -1;
        assert_all(&second, DIALOGS);
        while (second.dialogs.images_left > 0)
            adopt_texts(&second.adoption, 30);
        assert_all(&second, DIALOGS);
        assert_int_equal(count_records(&first.image), 0);
        process_end(&first);
        process_end(&second);
    }
}

// A change asks for the texts first; a release of what is still in the image takes it out there.
static void test_changed_before(void **state)
{
    struct image *images[] = {&first.image};
    process_begin(&first, 1, 0, 1, CAPACITY);
    fill(&first, DIALOGS);
    process_die(&first);
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images, 1, LATER);
    uint32_t index = process_find(&second, 8);
    dialog_step(&second.dialogs, index, DIALOG_ON_BYE, LATER);
    assert_int_equal(first.image.records[8].check, 0);
    assert_int_equal(second.dialogs.images_left, DIALOGS - 1);
    process_assert(&second, index, 8, DIALOG_TERMINATING);
    dialog_release(&second.dialogs, process_find(&second, 16));
    assert_int_equal(first.image.records[16].check, 0);
    assert_int_equal(second.dialogs.images_left, DIALOGS - 2);
    unsigned fetched = 0, part;
    while ((part = adopt_texts(&second.adoption, 16)) > 0)
        fetched += part;
    assert_int_equal(fetched, DIALOGS - 2);
    process_end(&first);
    process_end(&second);
}

static void damage_peer(struct dialog *record, struct dialog_cold *cold)
{
    record->callee_peer = PROCESS_PEERS;
}
static void damage_no_peer(struct dialog *record, struct dialog_cold *cold)
{
    record->caller_peer = DIALOG_NUMBER_NONE;
}
static void damage_member(struct dialog *record, struct dialog_cold *cold)
{
    record->callee_member = PROCESS_PEERS;
}
static void damage_row(struct dialog *record, struct dialog_cold *cold)
{
    record->row = DIALOG_ROWS;
}

// What the checks cannot tell: numbers that nobody has.
static void test_damaged_numbers(void **state)
{
    static void (*const rows[])(struct dialog * record, struct dialog_cold * cold) = {
        damage_peer, damage_no_peer, damage_member, damage_row};
    struct image *images[] = {&first.image};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        process_begin(&first, 1, 0, 1, CAPACITY);
        fill(&first, 10);
        process_die(&first);
        struct dialog *record = &first.image.records[4];
        struct dialog_cold *cold = arena_at(&first.arena, record->cold);
        rows[i](record, cold);
        cold->check = dialog_cold_check(cold);
        record->check = dialog_record_check(record);
        process_begin(&second, 2, 0, 1, CAPACITY);
        process_adopt(&second, images, 1, LATER);
        assert_int_equal(second.adoption.damaged, 1);
        assert_int_equal(second.adoption.taken, 9);
        assert_int_equal(process_find(&second, 4), INDEX_NONE);
        process_end(&first);
        process_end(&second);
    }
}

// Deadlines are absolute: what passed while nobody lived ends at once, the others when they would have.
static void test_deadlines(void **state)
{
    struct image *images[] = {&first.image};
    process_begin(&first, 1, 0, 1, CAPACITY);
    assert_int_not_equal(process_add(&first, 0, PROCESS_NOW), INDEX_NONE);
    uint32_t early = process_add(&first, 7, PROCESS_NOW);
    tick_t end = PROCESS_NOW + first.dialogs.life.confirmed;
    uint32_t none = process_add(&first, 6, PROCESS_NOW);
    tick_t early_end = dialog_at(&first.dialogs, early)->timer.deadline;
    tick_t none_end = dialog_at(&first.dialogs, none)->timer.deadline;
    process_die(&first);
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images, 1, LATER);
    assert_int_equal(dialog_at(&second.dialogs, process_find(&second, 0))->timer.deadline, end);
    assert_int_equal(dialog_at(&second.dialogs, process_find(&second, 7))->timer.deadline, early_end);
    assert_int_equal(dialog_at(&second.dialogs, process_find(&second, 6))->timer.deadline, none_end);
    process_end(&second);
    tick_t late = end + 100;
    process_begin(&second, 2, 0, 1, CAPACITY);
    second.wheel.now = late;
    process_adopt(&second, images, 1, late);
    uint32_t expired[4];
    assert_int_equal(wheel_advance(&second.wheel, late + 1, expired, 4), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dialog_expired(&second.dialogs, WHEEL_INDEX(expired[i]), late + 1),
                         DIALOG_ON_TIMEOUT);
    process_end(&first);
    process_end(&second);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

// A bit turned anywhere in what a live file holds: each dialog is either taken over whole, or counted.
static void test_flips(void **state)
{
    struct image *images[] = {&first.image};
    uint64_t seed = 3;
    unsigned damaged = 0;
    for (unsigned i = 0; i < 300; i++) {
        process_begin(&first, 1, 0, 1, CAPACITY);
        fill(&first, 40);
        process_die(&first);
        size_t records = sizeof(struct dialog_journal) + 40 * sizeof(struct dialog);
        const struct dialog *record = &first.image.records[next_random(&seed) % 40];
        const struct dialog_cold *cold = arena_at(&first.arena, record->cold);
        uint8_t *at = i % 2 == 0 ? first.file + IMAGE_HEADER + next_random(&seed) % records
                                 : first.file + ((const uint8_t *)cold - first.file) +
                                       next_random(&seed) % (sizeof(*cold) + cold->length);
        *at ^= (uint8_t)(1u << next_random(&seed) % 8);
        process_begin(&second, 2, 0, 1, CAPACITY);
        process_adopt(&second, images, 1, LATER);
        assert_int_equal(second.adoption.taken + second.adoption.damaged, 40);
        assert_in_range(second.adoption.damaged, i % 2, 1);
        damaged += (unsigned)second.adoption.damaged;
        while (adopt_texts(&second.adoption, 100) > 0) {
        }
        unsigned found = 0;
        for (unsigned k = 0; k < 40; k++) {
            uint32_t index = process_find(&second, k);
            if (index != INDEX_NONE)
                process_assert(&second, index, k, process_state(k));
            found += index != INDEX_NONE;
        }
        assert_int_equal(found, second.adoption.taken);
        process_end(&first);
        process_end(&second);
    }
    assert_in_range(damaged, 200, 299);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_killed_again),
        cmocka_unit_test(test_killed_between),
        cmocka_unit_test(test_no_room_in_table),
        cmocka_unit_test(test_no_room_for_texts),
        cmocka_unit_test(test_changed_before),
        cmocka_unit_test(test_damaged_numbers),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
