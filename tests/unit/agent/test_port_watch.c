// SPDX-License-Identifier: BSD-3-Clause
// Devices that are reset, and that go and come back, on a real EAL with DPDK's net_null as the device and a
// thread as the worker that has to let go of it.
#define ALLOW_EXPERIMENTAL_API // as port_watch.c
#include "port_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include "port_bond.h"
#include "port_offload.h"
#include "port_start.h"

#define WAIT_MS 20000u

struct world {
    struct snapshot_network network;
    struct ports ports;
    struct published published;
    struct host_taps taps;
    struct counters_network counters[NETWORKS_MAX];
    struct port_watch watch;
    pthread_t worker;
    atomic_bool listens, stop;
    atomic_bool is_deaf;  // the worker has seen that it does not listen
    atomic_uint received; // packets since the worker last came to the device
};

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

// Receives as a worker does; one that does not listen has no turns.
static void *work(void *argument)
{
    struct world *world = argument;
    uint16_t port = world->published.ports[0];
    unsigned before = 0;
    while (!atomic_load(&world->stop)) {
        unsigned away = atomic_load(&world->published.away);
        bool listens = atomic_load(&world->listens);
        atomic_store(&world->is_deaf, !listens);
        if (!listens) {
            pause_ms(1);
            continue;
        }
        if (before & ~away & 1u)
            port = world->published.ports[0];
        before = away;
        atomic_store(&world->published.away_heard[0], away);
        if (!(away & 1u)) {
            struct rte_mbuf *mbufs[4];
            unsigned n = rte_eth_rx_burst(port, 0, mbufs, 4);
            rte_pktmbuf_free_bulk(mbufs, n);
            atomic_fetch_add(&world->received, n);
        }
        pause_ms(1);
    }
    return NULL;
}

static uint64_t resets(const struct world *world)
{
    return __atomic_load_n(&world->counters[0].resets, __ATOMIC_RELAXED);
}

static void wait_until_back(struct world *world, uint64_t count)
{
    for (unsigned ms = 0; ms < WAIT_MS; ms += 5) {
        if (resets(world) == count && atomic_load(&world->published.away) == 0)
            break;
        pause_ms(5);
    }
    assert_int_equal(resets(world), count);
    assert_int_equal(atomic_load(&world->published.away), 0);
    assert_int_equal(__atomic_load_n(&world->counters[0].away, __ATOMIC_RELAXED), 0);
    atomic_store(&world->received, 0);
    for (unsigned ms = 0; ms < WAIT_MS && atomic_load(&world->received) == 0; ms += 5)
        pause_ms(5);
    assert_true(atomic_load(&world->received) > 0); // net_null always has something
}

static const char *const devices[] = {"net_null0", "net_null1"};

static int open_devices(struct world *world, enum bond bond)
{
    struct port *port = &world->ports.ports[0];
    struct fault fault = {{0}};
    world->network.bond = bond;
    if (bond != BOND_NONE)
        memcpy(world->network.more[0], devices[1], strlen(devices[1]) + 1);
    for (unsigned i = 0; i < (bond != BOND_NONE ? 2 : 1); i++)
        assert_int_equal(rte_eal_hotplug_add("vdev", devices[i], ""), 0);
    return bond != BOND_NONE ? port_bond_open(port, 0, &fault)
                             : rte_eth_dev_get_port_by_name(devices[0], &port->id);
}

static int setup_of(void **state, enum bond bond)
{
    static struct world world;
    struct rte_eth_dev_info info;
    struct fault fault = {{0}};
    world = (struct world){.network = {.name = "outside",
                                       .interface = "dg-none",
                                       .device = "net_null0",
                                       .attach = ATTACH_PCI,
                                       .queues = 1,
                                       .host_rate = 1}};
    struct port *port = &world.ports.ports[0];
    pthread_mutex_init(&world.ports.lock, NULL);
    world.ports.count = 1;
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create("packets", 8191, 0, WORKER_MBUF_PRIVATE, 2176, SOCKET_ID_ANY);
    assert_non_null(pool);
    *port = (struct port){.network = &world.network, .probed = true, .pool = pool};
    assert_int_equal(open_devices(&world, bond), 0);
    assert_int_equal(rte_eth_dev_info_get(port->id, &info), 0);
    assert_int_equal(port_start(port, port->pool, &info), 0);
    assert_int_equal(port_watch_start(&world.watch,
                                      &(struct port_watch_plan){&world.ports, &world.taps, &world.published,
                                                                1, world.counters},
                                      &fault),
                     0);
    atomic_store(&world.listens, true);
    assert_int_equal(pthread_create(&world.worker, NULL, work, &world), 0);
    *state = &world;
    return 0;
}

static int setup(void **state)
{
    return setup_of(state, BOND_NONE);
}

static int setup_bond(void **state)
{
    return setup_of(state, BOND_ACTIVE_BACKUP);
}

static int teardown(void **state)
{
    struct world *world = *state;
    atomic_store(&world->stop, true);
    pthread_join(world->worker, NULL);
    port_watch_stop(&world->watch);
    assert_int_equal(rte_eth_dev_stop(world->ports.ports[0].id), 0);
    assert_int_equal(rte_eth_dev_close(world->ports.ports[0].id), 0);
    if (world->network.bond != BOND_NONE) {
        port_bond_close_devices(&world->ports.ports[0]);
        assert_int_equal(rte_eal_hotplug_remove("vdev", "net_bonding_0"), 0);
    }
    for (unsigned i = 0; i < (world->network.bond != BOND_NONE ? 2 : 1); i++)
        assert_int_equal(rte_eal_hotplug_remove("vdev", devices[i]), 0);
    assert_int_equal(rte_mempool_in_use_count(world->ports.ports[0].pool), 0); // none was lost on the way
    rte_mempool_free(world->ports.ports[0].pool);
    return 0;
}

// From here on the worker is in no turn, and begins none.
static void stop_listening(struct world *world)
{
    atomic_store(&world->listens, false);
    for (unsigned ms = 0; ms < WAIT_MS && !atomic_load(&world->is_deaf); ms++)
        pause_ms(1);
    assert_true(atomic_load(&world->is_deaf));
}

// The workers are asked to stay away, and nothing more happens as long as one does not listen.
static void assert_waits(struct world *world)
{
    for (unsigned ms = 0; ms < WAIT_MS && atomic_load(&world->published.away) == 0; ms += 5)
        pause_ms(5);
    pause_ms(300);
    assert_int_equal(atomic_load(&world->published.away), 1);
}

static void test_reset(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 3; i++) {
        port_watch_tell(&world->watch.rows[0], PORT_EVENT_RESET);
        wait_until_back(world, i);
    }
}

// Nothing is done to a device that a worker may still be in.
static void test_worker_first(void **state)
{
    struct world *world = *state;
    stop_listening(world);
    port_watch_tell(&world->watch.rows[0], PORT_EVENT_RESET);
    assert_waits(world);
    assert_int_equal(resets(world), 0);
    atomic_store(&world->listens, true);
    wait_until_back(world, 1);
}

static void test_removed(void **state)
{
    struct world *world = *state;
    port_watch_tell(&world->watch.rows[0], PORT_EVENT_REMOVED);
    wait_until_back(world, 1);
    assert_true(world->ports.ports[0].probed);
    // Its events are ours again.
    port_watch_tell(&world->watch.rows[0], PORT_EVENT_RESET);
    wait_until_back(world, 2);
}

static void wait_for_devices(const struct world *world, unsigned count)
{
    for (unsigned ms = 0; ms < WAIT_MS && port_bond_device_count(&world->ports.ports[0]) != count; ms += 5)
        pause_ms(5);
    assert_int_equal(port_bond_device_count(&world->ports.ports[0]), count);
}

// A device of a bond that is lost leaves it and joins again, with the workers out of the way for both.
static void test_bond_device(void **state)
{
    struct world *world = *state;
    struct port_watched *row = &world->watch.rows[0];
    assert_int_equal(row->device_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        stop_listening(world);
        port_watch_tell_device(&row->devices[i], PORT_EVENT_REMOVED);
        assert_waits(world);
        assert_int_equal(port_bond_device_count(&world->ports.ports[0]), 2);
        atomic_store(&world->listens, true);
        wait_until_back(world, i + 1);
        wait_for_devices(world, 2);
    }
    assert_int_equal(atomic_load(&row->event), PORT_EVENT_NONE); // the port itself goes on
}

// With no device left the workers stay away until there is one.
static void test_bond_without_devices(void **state)
{
    struct world *world = *state;
    struct port_watched *row = &world->watch.rows[0];
    rte_dev_event_callback_process("net_null0", RTE_DEV_EVENT_REMOVE);
    rte_dev_event_callback_process("net_null1", RTE_DEV_EVENT_REMOVE);
    wait_until_back(world, 2);
    wait_for_devices(world, 2);
    assert_true(row->devices[0].out_ms > 0 && row->devices[1].out_ms > 0);
}

// What is worse is not forgotten for what comes later.
static void test_worst_event(void **state)
{
    struct port_watched row = {0};
    port_watch_tell(&row, PORT_EVENT_REMOVED);
    port_watch_tell(&row, PORT_EVENT_RESET);
    port_watch_tell(&row, PORT_EVENT_MTU);
    assert_int_equal(atomic_load(&row.event), PORT_EVENT_REMOVED);
}

// Which checksums a device makes is what its driver offers, unless they are switched off.
static void test_offload(void **state)
{
    static const struct {
        uint64_t rx, tx;
        uint32_t flags, attach, chosen;
        const char *text;
    } rows[] = {
        {0, 0, NETWORK_OFFLOADS, ATTACH_PCI, 0, "none"},
        {RTE_ETH_RX_OFFLOAD_CHECKSUM, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM,
         NETWORK_OFFLOADS, ATTACH_PCI, 15, "rx=ip,udp tx=ip,udp"},
        {RTE_ETH_RX_OFFLOAD_UDP_CKSUM, RTE_ETH_TX_OFFLOAD_UDP_CKSUM, NETWORK_OFFLOADS, ATTACH_PCI, 10,
         "rx=udp tx=udp"},
        {RTE_ETH_RX_OFFLOAD_TCP_CKSUM, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, NETWORK_OFFLOADS, ATTACH_PCI, 4,
         "tx=ip"},
        {RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, 0, NETWORK_OFFLOADS, ATTACH_PCI, 1, "rx=ip"},
        {UINT64_MAX, UINT64_MAX, 0, ATTACH_PCI, 0, "none"},
        {UINT64_MAX, UINT64_MAX, NETWORK_OFFLOADS, ATTACH_AF_PACKET, 0, "none"},
    };
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct rte_eth_conf configuration = {0};
        const struct rte_eth_dev_info info = {.rx_offload_capa = rows[i].rx, .tx_offload_capa = rows[i].tx};
        const struct snapshot_network network = {.attach = rows[i].attach, .flags = rows[i].flags};
        char text[PORT_OFFLOAD_TEXT_SIZE];
        uint32_t chosen = port_offload_choose(&network, &info, &configuration);
        assert_int_equal(chosen, rows[i].chosen);
        assert_string_equal(port_offload_text(chosen, text), rows[i].text);
        assert_true((configuration.rxmode.offloads & ~rows[i].rx) == 0);
        assert_true((configuration.txmode.offloads & ~rows[i].tx) == 0);
        assert_int_equal(configuration.txmode.offloads != 0, (chosen & 12) != 0);
        assert_int_equal(port_offload_of_workers(chosen), chosen >> 2);
    }
}

#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define ON_BOND(test)   cmocka_unit_test_setup_teardown(test, setup_bond, teardown)

int main(void)
{
    static char program[] = "test", no_huge[] = "--no-huge", memory[] = "-m", mb[] = "64",
                no_pci[] = "--no-pci", no_shconf[] = "--no-shconf", lcores[] = "--lcores",
                main_lcore[] = "0@0", quiet[] = "--log-level=error", no_telemetry[] = "--no-telemetry",
                va[] = "--iova-mode=va";
    static char prefix_option[] = "--file-prefix", prefix[64];
    char *arguments[] = {program,    no_huge, memory,       mb, no_pci,        no_shconf, lcores,
                         main_lcore, quiet,   no_telemetry, va, prefix_option, prefix};
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_reset),         ON_DEVICE(test_worker_first),       ON_DEVICE(test_removed),
        ON_BOND(test_bond_device),     ON_BOND(test_bond_without_devices), cmocka_unit_test(test_worst_event),
        cmocka_unit_test(test_offload)};
    snprintf(prefix, sizeof(prefix), "dialgate-test-agent-%d", (int)getpid());
    if (rte_eal_init(RTE_DIM(arguments), arguments) < 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
