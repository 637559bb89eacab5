// SPDX-License-Identifier: BSD-3-Clause
// The arithmetic of memory nodes, and what the kernel says of pages of our own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "eal_memory.h"
#include "memory_node.h"

static void test_pages(void **state)
{
    static const struct {
        const char *name;
        uintptr_t begin;
        size_t size;
        struct memory_range range;
    } table[] = {
        {"whole pages", 8192, 8192, {8192, 8192}},
        {"begins within one", 8193, 8191, {12288, 4096}},
        {"ends within one", 8192, 8191, {8192, 4096}},
        {"both", 8193, 12288, {12288, 8192}},
        {"within one", 8193, 100, {12288, 0}},
        {"over a border, none whole", 8193, 4096 + 4094, {12288, 0}},
        {"nothing", 8192, 0, {8192, 0}},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct memory_range range = memory_node_pages(table[i].begin, table[i].size, 4096);
        if (range.size != table[i].range.size || (range.size > 0 && range.begin != table[i].range.begin))
            fail_msg("%s: %zx, %zu", table[i].name, (size_t)range.begin, range.size);
    }
}

static void test_mask(void **state)
{
    static const int nodes[] = {0, 1, 63, 64, MEMORY_NODES_MAX - 1};
    unsigned long mask[MEMORY_MASK_WORDS];
    for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        unsigned bits = 0;
        assert_true(memory_node_mask(nodes[i], mask));
        for (unsigned k = 0; k < MEMORY_MASK_WORDS; k++)
            bits += (unsigned)__builtin_popcountl(mask[k]);
        assert_int_equal(bits, 1);
        assert_int_equal(mask[nodes[i] / 64] >> nodes[i] % 64 & 1, 1);
    }
    assert_false(memory_node_mask(MEMORY_NODE_NONE, mask));
    assert_false(memory_node_mask(MEMORY_NODES_MAX, mask));
}

static void test_shares(void **state)
{
    static const struct {
        const char *name;
        uint32_t whole, weights[3], least[3];
        unsigned count;
        uint32_t shares[3];
    } table[] = {
        {"one", 32768, {1}, {4608}, 1, {32768}},
        {"two alike", 32768, {1, 1}, {4608, 4608}, 2, {16384, 16384}},
        {"three to one", 16384, {3, 1}, {0, 0}, 2, {12288, 4096}},
        {"each has its least first", 16384, {4, 1}, {8192, 4096}, 2, {11469, 4915}},
        {"the rest goes to the first", 10, {1, 1, 1}, {0, 0, 0}, 3, {4, 3, 3}},
        {"no weight", 10, {0, 0}, {2, 3}, 2, {7, 3}},
        {"just enough", 5, {1, 1}, {2, 3}, 2, {2, 3}},
        {"too little", 4, {1, 1}, {2, 3}, 2, {2, 3}}, // which the caller refuses
        {"large", UINT32_MAX, {UINT32_MAX, UINT32_MAX}, {0, 0}, 2, {2147483648u, 2147483647u}},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint32_t shares[3] = {0};
        memory_node_shares(table[i].whole, table[i].weights, table[i].least, table[i].count, shares);
        if (memcmp(shares, table[i].shares, sizeof(shares)) != 0)
            fail_msg("%s: %u %u %u", table[i].name, shares[0], shares[1], shares[2]);
    }
}

// DPDK counts the nodes of the machine, whatever their numbers; what has no packets gets little or nothing.
static void test_split(void **state)
{
    static const int machine[3] = {0, 1, 4};
    static const struct {
        const char *name;
        struct port_nodes ports;
        int threads[2];
        bool fits;
        uint32_t shares[3];
    } table[] = {
        {"all at one node", {.count = 1, .nodes = {1}, .mbufs = {32768}}, {1, 1}, true, {0, 512, 0}},
        {"the agent elsewhere", {.count = 1, .nodes = {1}, .mbufs = {32768}}, {0, 1}, true, {16, 496, 0}},
        {"two alike", {.count = 2, .nodes = {4, 0}, .mbufs = {16384, 16384}}, {0, 4}, true, {256, 0, 256}},
        {"and a thread at a third",
         {.count = 2, .nodes = {4, 0}, .mbufs = {16384, 16384}},
         {1, 1},
         true,
         {248, 16, 248}},
        {"huge pages are whole", {.count = 2, .nodes = {0, 1}, .mbufs = {2, 1}}, {0, 0}, true, {348, 164, 0}},
        {"a device's node is not there", {.count = 1, .nodes = {2}, .mbufs = {1}}, {0, 0}, false, {0}},
        {"a thread's node", {.count = 1, .nodes = {0}, .mbufs = {1}}, {0, 3}, false, {0}},
        {"devices of none", {.count = 1, .nodes = {MEMORY_NODE_NONE}, .mbufs = {1}}, {0, 0}, false, {0}},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct eal_memory_wants wants = {
            .mb = 512, .ports = &table[i].ports, .threads = table[i].threads, .thread_count = 2};
        uint32_t shares[3] = {0};
        assert_int_equal(eal_memory_split(&wants, machine, 3, shares), table[i].fits);
        if (table[i].fits && memcmp(shares, table[i].shares, sizeof(shares)) != 0)
            fail_msg("%s: %u %u %u", table[i].name, shares[0], shares[1], shares[2]);
    }
}

// Every machine has node 0.
static void test_kernel(void **state)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE) * 200;
    uint8_t *octets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(octets != MAP_FAILED);
    if (memory_node_of_cpu(0) == MEMORY_NODE_NONE)
        skip(); // a kernel without NUMA
    assert_int_equal(memory_node_found(octets, size, 0), MEMORY_NODE_NONE);
    memory_node_prefer(octets, size, 0);
    memset(octets, 1, size);
    assert_int_equal(memory_node_found(octets, size, 0), 0);
    assert_int_equal(memory_node_found(octets, size, 7), 0);
    // A node that is not there is no harm.
    memory_node_prefer(octets, size, MEMORY_NODES_MAX - 1);
    memory_node_prefer(octets, size, MEMORY_NODE_NONE);
    assert_int_equal(memory_node_found(octets, size, 0), 0);
    assert_int_equal(memory_node_found(octets, 10, 0), MEMORY_NODE_NONE);
    munmap(octets, size);
    assert_int_equal(memory_node_of_cpu(100000), MEMORY_NODE_NONE);
    assert_int_equal(memory_node_of_interface("lo"), MEMORY_NODE_NONE);
    assert_int_equal(memory_node_of_device("0000:ff:1f.7"), MEMORY_NODE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_mask),
                                       cmocka_unit_test(test_shares), cmocka_unit_test(test_split),
                                       cmocka_unit_test(test_kernel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
