// SPDX-License-Identifier: BSD-3-Clause
#include <math.h>
#include "maglev.h"
#include "rows.h"

#define COUNT_MAX 100

static void make_members(struct maglev_member *members, uint32_t count, uint32_t weight_most)
{
    for (uint32_t i = 0; i < count; i++)
        members[i] = (struct maglev_member){(uint16_t)(i * 37 % MEMBERS_MAX + 3), 1 + i * 7 % weight_most};
}

static uint16_t *fill(const struct maglev_member *members, uint32_t count, uint32_t size)
{
    uint16_t *table = calloc(size, sizeof(*table));
    assert_non_null(table);
    assert_int_equal(maglev_fill(table, size, members, count), 0);
    return table;
}

static uint32_t slots_of(const uint16_t *table, uint32_t size, uint16_t number)
{
    uint32_t slots = 0;
    for (uint32_t slot = 0; slot < size; slot++)
        slots += table[slot] == number;
    return slots;
}

static void test_size(void **state)
{
    assert_int_equal(maglev_size(0), 0);
    assert_int_equal(maglev_size(1), 10007);
    for (uint32_t count = 1; count <= MEMBERS_MAX; count = count * 3 + 1) {
        uint32_t size = maglev_size(count);
        assert_true(size >= 1000 * count && size < 1000 * count + 10008);
        for (uint32_t divisor = 2; divisor * divisor <= size; divisor++)
            assert_int_not_equal(size % divisor, 0);
    }
}

// Every slot has a member, and each member's share is its weight's within 1 % of all slots and 10 % of its
// own.
static void test_shares(void **state)
{
    static const uint32_t rows[][2] = {{1, 1},   {2, 1},  {3, 1},   {2, 2},
                                       {2, 100}, {10, 1}, {10, 10}, {100, 100}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct maglev_member members[COUNT_MAX];
        uint32_t count = rows[i][0], size = maglev_size(count), weights = 0, slots = 0;
        make_members(members, count, rows[i][1]);
        uint16_t *table = fill(members, count, size);
        for (uint32_t m = 0; m < count; m++)
            weights += members[m].weight;
        for (uint32_t m = 0; m < count; m++) {
            uint32_t own = slots_of(table, size, members[m].number);
            double share = (double)own / size, wanted = (double)members[m].weight / weights;
            assert_true(fabs(share - wanted) < 0.01 && fabs(share - wanted) < 0.1 * wanted);
            slots += own;
        }
        assert_int_equal(slots, size);
        free(table);
    }
}

// The order in which members are given does not matter.
static void test_order(void **state)
{
    struct maglev_member members[10], turned[10];
    make_members(members, 10, 5);
    for (uint32_t i = 0; i < 10; i++)
        turned[i] = members[9 - i];
    uint32_t size = maglev_size(10);
    uint16_t *one = fill(members, 10, size), *other = fill(turned, 10, size);
    assert_memory_equal(one, other, size * sizeof(*one));
    free(one);
    free(other);
}

// A member that leaves moves its own slots, and on average at most 1 % of the others' (2 % at worst).
static void test_removal(void **state)
{
    static const uint32_t counts[] = {3, 5, 10, 30};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct maglev_member members[COUNT_MAX], rest[COUNT_MAX];
        uint32_t count = counts[i], size = maglev_size(count);
        double moved_all = 0;
        make_members(members, count, 1);
        uint16_t *before = fill(members, count, size);
        for (uint32_t gone = 0; gone < count; gone++) {
            uint32_t kept = 0, moved = 0;
            for (uint32_t m = 0; m < count; m++)
                if (m != gone)
                    rest[kept++] = members[m];
            uint16_t *after = fill(rest, kept, size);
            for (uint32_t slot = 0; slot < size; slot++)
                moved += before[slot] != members[gone].number && before[slot] != after[slot];
            assert_int_equal(slots_of(after, size, members[gone].number), 0);
            assert_true((double)moved / size < 0.02);
            moved_all += (double)moved / size;
            free(after);
        }
        assert_true(moved_all / count < 0.01);
        free(before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size), cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_order), cmocka_unit_test(test_removal)};
    return cmocka_run_group_tests_name("config maglev", tests, NULL, NULL);
}
