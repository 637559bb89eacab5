// SPDX-License-Identifier: BSD-3-Clause
// The numbers of a dialog into which we have put requests are the same after a restart, before its texts are
// fetched and afterwards; a block whose numbers are not whole is damaged.
#include "process.h"

#define CAPACITY 16u
#define NUMBER   8u // confirmed; the caller's CSeq is its number
#define LATER    (PROCESS_NOW + 100)

static struct process first, second;

static void begin_first(void)
{
    process_begin(&first, 1, 0, 1, CAPACITY);
    uint32_t index = process_add(&first, NUMBER, PROCESS_NOW);
    assert_int_equal(dialog_cseq_take(&first.dialogs, index, DIALOG_CALLER), 0);
    dialog_see(&first.dialogs, index, &(struct dialog_seen){.side = DIALOG_CALLEE, .cseq = 50});
    assert_int_equal(dialog_cseq_take(&first.dialogs, index, DIALOG_CALLEE), 0);
    assert_int_equal(dialog_cseq_take(&first.dialogs, index, DIALOG_CALLEE), 0);
    process_die(&first);
}

static void assert_numbers(const struct process *process, uint32_t index)
{
    const struct dialogs *set = &process->dialogs;
    assert_int_equal(dialog_cseq_out(set, index, DIALOG_CALLER, NUMBER), NUMBER);
    assert_int_equal(dialog_cseq_out(set, index, DIALOG_CALLER, NUMBER + 1), NUMBER + 2);
    assert_int_equal(dialog_cseq_back(set, index, DIALOG_CALLER, NUMBER + 2), NUMBER + 1);
    assert_int_equal(dialog_cseq_out(set, index, DIALOG_CALLEE, 50), 50);
    assert_int_equal(dialog_cseq_out(set, index, DIALOG_CALLEE, 51), 53);
    assert_int_equal(dialog_cseq_next(set, index, DIALOG_CALLEE), 53);
}

static void test_restart(void **state)
{
    struct image *images[] = {&first.image};
    begin_first();
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images, 1, LATER);
    uint32_t index = process_find(&second, NUMBER);
    assert_int_not_equal(index, INDEX_NONE);
    assert_numbers(&second, index);
    assert_int_equal(adopt_texts(&second.adoption, 4), 1);
    assert_numbers(&second, index);
    process_assert(&second, index, NUMBER, DIALOG_CONFIRMED);
    assert_int_equal(dialog_cseq_take(&second.dialogs, index, DIALOG_CALLER), 0);
    assert_int_equal(dialog_cseq_out(&second.dialogs, index, DIALOG_CALLER, NUMBER + 1), NUMBER + 3);
    process_end(&first);
    process_end(&second);
}

// One more request of ours right after the restart, when all lies in the old file still.
static void test_take_before_texts(void **state)
{
    struct image *images[] = {&first.image};
    begin_first();
    process_begin(&second, 2, 0, 1, CAPACITY);
    process_adopt(&second, images, 1, LATER);
    uint32_t index = process_find(&second, NUMBER);
    assert_int_equal(dialog_cseq_take(&second.dialogs, index, DIALOG_CALLEE), 0);
    assert_int_equal(dialog_cseq_out(&second.dialogs, index, DIALOG_CALLEE, 51), 54);
    assert_int_equal(dialog_cseq_out(&second.dialogs, index, DIALOG_CALLER, NUMBER + 1), NUMBER + 2);
    assert_int_equal(second.dialogs.images_left, 0);
    process_assert(&second, index, NUMBER, DIALOG_CONFIRMED);
    process_end(&first);
    process_end(&second);
}

// A count that is too high with a check that fits, and octets that changed.
static void damage_count(struct dialog_cold *cold)
{
    cold->shifts = DIALOG_SHIFTS_MAX + 1;
}
static void damage_both(struct dialog_cold *cold)
{
    cold->shifts = (DIALOG_SHIFTS_MAX + 1) << 4;
}
static void damage_octets(struct dialog_cold *cold)
{
    ((uint8_t *)(cold + 1))[cold->length] ^= 1; // the first shift
}

static void test_damaged(void **state)
{
    static const struct {
        void (*damage)(struct dialog_cold *cold);
        bool checked; // its check is made anew
    } rows[] = {{damage_count, true}, {damage_both, true}, {damage_octets, false}};
    struct image *images[] = {&first.image};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin_first();
        struct dialog_cold *cold = arena_at(&first.arena, first.image.records[0].cold);
        rows[i].damage(cold);
        if (rows[i].checked)
            cold->check = dialog_cold_check(cold);
        process_begin(&second, 2, 0, 1, CAPACITY);
        process_adopt(&second, images, 1, LATER);
        assert_int_equal(second.adoption.damaged, 1);
        assert_int_equal(process_find(&second, NUMBER), INDEX_NONE);
        process_end(&first);
        process_end(&second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_take_before_texts),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
