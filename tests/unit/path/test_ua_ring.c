// SPDX-License-Identifier: BSD-3-Clause
// What goes into the ring comes out of it whole, in order, wherever its end lies; what finds no room is
// counted, and breaks nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "ua_ring.h"

#define SIZE (4 * UA_RING_MESSAGE_MAX)

static struct ua_ring *ring_of(void)
{
    struct ua_ring *ring = aligned_alloc(64, sizeof(*ring) + SIZE);
    assert_non_null(ring);
    memset(ring, 0, sizeof(*ring) + SIZE);
    ring->size = SIZE;
    return ring;
}

static void put(struct ua_ring *ring, uint32_t length, uint8_t octet)
{
    void *to = ua_ring_add(ring, length);
    assert_non_null(to);
    assert_int_equal((uintptr_t)to % 8, 0);
    assert_true((uint8_t *)to + length <= ring->octets + SIZE);
    memset(to, octet, length);
    ua_ring_publish(ring);
}

static void expect(struct ua_ring *ring, uint32_t length, uint8_t octet)
{
    uint32_t found = UINT32_MAX;
    const uint8_t *octets = ua_ring_first(ring, &found);
    assert_non_null(octets);
    assert_int_equal(found, length);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(octets[i], octet);
    ua_ring_drop(ring);
}

static void test_empty(void **state)
{
    struct ua_ring *ring = ring_of();
    uint32_t length;
    (void)state;
    assert_null(ua_ring_first(ring, &length));
    ua_ring_drop(ring);
    assert_null(ua_ring_first(ring, &length));
    put(ring, 0, 0);
    expect(ring, 0, 0);
    assert_null(ua_ring_first(ring, &length));
    free(ring);
}

static void test_unpublished(void **state)
{
    struct ua_ring *ring = ring_of();
    uint32_t length;
    (void)state;
    assert_non_null(ua_ring_add(ring, 10));
    assert_non_null(ua_ring_add(ring, 20));
    assert_null(ua_ring_first(ring, &length));
    ua_ring_publish(ring);
    expect(ring, 10, 0);
    expect(ring, 20, 0);
    assert_null(ua_ring_first(ring, &length));
    free(ring);
}

// Lengths that have nothing in common with the size, so that messages begin everywhere.
static void test_order(void **state)
{
    struct ua_ring *ring = ring_of();
    uint32_t in = 0, out = 0;
    (void)state;
    while (out < 3000) {
        while (in < out + 5)
            put(ring, in * 7919 % 40000, (uint8_t)in), in++;
        for (unsigned i = 0; i < 3; i++, out++)
            expect(ring, out * 7919 % 40000, (uint8_t)out);
    }
    assert_int_equal(ring->lost, 0);
    free(ring);
}

static void test_full(void **state)
{
    struct ua_ring *ring = ring_of();
    (void)state;
    assert_null(ua_ring_add(ring, UA_RING_MESSAGE_MAX + 1));
    assert_int_equal(ring->lost, 1);
    for (unsigned i = 0; i < 3; i++)
        put(ring, UA_RING_MESSAGE_MAX, (uint8_t)i);
    assert_null(ua_ring_add(ring, UA_RING_MESSAGE_MAX)); // the words of the four would not fit
    assert_int_equal(ring->lost, 2);
    expect(ring, UA_RING_MESSAGE_MAX, 0);
    put(ring, UA_RING_MESSAGE_MAX, 3); // at the start again, where the first was
    assert_null(ua_ring_add(ring, UA_RING_MESSAGE_MAX));
    for (uint8_t i = 1; i < 4; i++)
        expect(ring, UA_RING_MESSAGE_MAX, i);
    assert_int_equal(ring->lost, 3);
    free(ring);
}

// To the last octet: a message that ends where the ring ends skips nothing.
static void test_end(void **state)
{
    struct ua_ring *ring = ring_of();
    uint32_t length;
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        put(ring, UA_RING_MESSAGE_MAX - 8, (uint8_t)i);
    assert_null(ua_ring_add(ring, 0));
    for (uint8_t i = 0; i < 4; i++)
        expect(ring, UA_RING_MESSAGE_MAX - 8, i);
    assert_null(ua_ring_first(ring, &length));
    put(ring, 1, 9);
    expect(ring, 1, 9);
    free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty), cmocka_unit_test(test_unpublished),
                                       cmocka_unit_test(test_order), cmocka_unit_test(test_full),
                                       cmocka_unit_test(test_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
