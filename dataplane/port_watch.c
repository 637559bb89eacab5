// SPDX-License-Identifier: BSD-3-Clause
// rte_dev_event_callback_register(), there since 18.05: nothing else tells that vfio wants a device back.
#define ALLOW_EXPERIMENTAL_API
#include "port_watch.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include "away.h"
#include "bond_watch.h"
#include "clock.h"
#include "eal.h"
#include "interface.h"
#include "log.h"
#include "port_bond.h"
#include "port_start.h"

#define HEARD_MS    1u // between two looks whether all workers have heard
#define LATE_MS     2000u
#define FRAME_EXTRA 22u // Ethernet header and two tags

static const enum rte_eth_event_type events[] = {
    RTE_ETH_EVENT_INTR_RESET,      RTE_ETH_EVENT_INTR_RMV,         RTE_ETH_EVENT_ERR_RECOVERING,
    RTE_ETH_EVENT_RECOVERY_FAILED, RTE_ETH_EVENT_RECOVERY_SUCCESS,
};

void port_watch_tell(struct port_watched *row, enum port_event event)
{
    unsigned before = atomic_load(&row->event);

    while (before < event && !atomic_compare_exchange_weak(&row->event, &before, event))
        ;
}

void port_watch_tell_device(struct port_device *device, enum port_event event)
{
    if (port_is_bond(device->row->port->network))
        atomic_store(&device->is_lost, true);
    else
        port_watch_tell(device->row, event);
}

// By a thread of EAL's.
static int on_event(uint16_t id, enum rte_eth_event_type type, void *context, void *unused)
{
    struct port_device *device = context;
    const char *network = device->row->port->network->name;

    switch (type) {
    case RTE_ETH_EVENT_INTR_RESET:
    case RTE_ETH_EVENT_RECOVERY_FAILED:
        port_watch_tell_device(device, PORT_EVENT_RESET);
        break;
    case RTE_ETH_EVENT_INTR_RMV:
        port_watch_tell_device(device, PORT_EVENT_REMOVED);
        break;
    case RTE_ETH_EVENT_ERR_RECOVERING: // by its driver alone
        log_event(LOG_WARNING, "device_recovers", "network=%s device=%s", network, device->name);
        break;
    default:
        log_event(LOG_INFO, "device_recovered", "network=%s device=%s", network, device->name);
        break;
    }
    return 0;
}

// By the same thread: vfio wants the device back for the kernel.
static void on_bus_event(const char *name, enum rte_dev_event_type type, void *context)
{
    if (type == RTE_DEV_EVENT_REMOVE)
        port_watch_tell_device(context, PORT_EVENT_REMOVED);
}

void port_watch_register(struct port_device *device)
{
    uint16_t id;

    if (rte_eth_dev_get_port_by_name(device->name, &id) != 0)
        return;
    for (unsigned i = 0; i < RTE_DIM(events); i++)
        rte_eth_dev_callback_register(id, events[i], on_event, device);
}

void port_watch_unregister(struct port_device *device)
{
    uint16_t id;

    if (rte_eth_dev_get_port_by_name(device->name, &id) != 0)
        return;
    for (unsigned i = 0; i < RTE_DIM(events); i++)
        rte_eth_dev_callback_unregister(id, events[i], on_event, device);
}

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

static void put(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static void put_away(const struct port_watch *watch, const struct port_watched *row)
{
    for (unsigned i = 0; i < NETWORKS_MAX; i++) {
        if (row->networks & 1u << i)
            put(&watch->counters[i].away, row->away);
    }
}

bool port_watch_take(struct port_watch *watch, struct port_watched *row)
{
    const uint64_t begun_ms = clock_ms();
    bool is_told = false;

    atomic_fetch_or(&watch->published->away, row->networks);
    while (!away_is_heard(watch->published, watch->workers)) {
        if (atomic_load(&watch->stop))
            return false;
        if (!is_told && clock_ms() - begun_ms > LATE_MS) {
            log_event(LOG_WARNING, "device_waits", "network=%s device=%s reason=\"a worker does not answer\"",
                      row->port->network->name, row->port->network->device);
            is_told = true;
        }
        pause_ms(HEARD_MS);
    }
    if (!row->away)
        row->away_ms = begun_ms;
    row->away = true;
    put_away(watch, row);
    return true;
}

void port_watch_count_reset(struct port_watch *watch, const struct port_watched *row)
{
    for (unsigned i = 0; i < NETWORKS_MAX; i++) {
        if (row->networks & 1u << i)
            put(&watch->counters[i].resets, watch->counters[i].resets + 1);
    }
}

void port_watch_give(struct port_watch *watch, struct port_watched *row)
{
    for (unsigned i = 0; i < NETWORKS_MAX; i++) {
        if (row->networks & 1u << i)
            watch->published->ports[i] = row->port->id;
    }
    row->away = false;
    put_away(watch, row);
    atomic_fetch_and(&watch->published->away, ~row->networks);
}

// The device is no more: its port goes, and with it what DPDK knows of the device.
static void let_go(struct port_watched *row)
{
    struct rte_eth_dev_info info = {0};
    struct port *port = row->port;
    bool is_known = rte_eth_dev_info_get(port->id, &info) == 0;

    port_watch_unregister(&row->devices[0]);
    port_flows_stop(port);
    rte_eth_dev_stop(port->id);
    rte_eth_dev_close(port->id);
    if (is_known && info.device != NULL)
        rte_dev_remove(info.device);
    port->probed = false;
}

static void refuse_mtu(const struct port_watched *row, unsigned wanted, int result)
{
    const struct snapshot_network *network = row->port->network;
    struct ifreq request = {.ifr_mtu = (int)row->mtu};

    log_event(LOG_WARNING, "mtu_refused",
              "network=%s device=%s wanted=%u mtu=%u reason=\"%s\" fix=\"set it while the data plane is "
              "stopped\"",
              network->name, network->device, wanted, row->mtu, strerror(-result));
    interface_do(network->interface, SIOCSIFMTU, &request);
}

static int bring_back(struct port_watch *watch, struct port_watched *row, enum port_event event)
{
    struct port *port = row->port;
    struct rte_eth_dev_info info = {0};
    int result = 0;

    eal_words_forget();
    if (!port->probed) {
        result = rte_dev_probe(port->network->device);
        if (result == 0)
            result = rte_eth_dev_get_port_by_name(port->network->device, &port->id);
        if (result < 0)
            return result;
        port->probed = true;
        port_watch_register(&row->devices[0]);
    } else {
        port_flows_stop(port);
        result = event == PORT_EVENT_RESET ? rte_eth_dev_reset(port->id) : -ENOTSUP;
        if (result == -ENOTSUP)
            result = rte_eth_dev_stop(port->id);
    }
    if (result == 0)
        result = rte_eth_dev_info_get(port->id, &info);
    if (result == 0)
        result = port_start(port, port->pool, &info);
    if (result < 0 && event == PORT_EVENT_MTU) {
        refuse_mtu(row, interface_mtu(port->network->interface), result);
        result = port_start(port, port->pool, &info);
    }
    return result;
}

// Why it does not start.
static const char *words_of(const struct port *port)
{
    return port->flows.words[0] != '\0' ? port->flows.words : eal_words();
}

static void restart(struct port_watch *watch, struct port_watched *row, enum port_event event)
{
    static const char *const names[] = {"", "mtu", "reset", "removed"};
    const struct snapshot_network *network = row->port->network;
    int result;

    if (!row->away)
        log_event(event == PORT_EVENT_MTU ? LOG_INFO : LOG_WARNING, "device_away",
                  "network=%s device=%s reason=%s", network->name, network->device, names[event]);
    if (!port_watch_take(watch, row))
        return;
    pthread_mutex_lock(&watch->ports->lock);
    if (event == PORT_EVENT_REMOVED && row->port->probed)
        let_go(row);
    result = bring_back(watch, row, event);
    pthread_mutex_unlock(&watch->ports->lock);
    if (result < 0) {
        if (row->retry_ms == 0)
            log_event(LOG_ERROR, "device_not_back",
                      "network=%s device=%s reason=\"%s\" text=\"%s\" next=\"tried again each second\"",
                      network->name, network->device, strerror(-result), words_of(row->port));
        row->retry_ms = clock_ms() + PORT_WATCH_RETRY_MS;
        port_watch_tell(row, event);
        return;
    }
    row->retry_ms = 0;
    row->mtu = interface_mtu(network->interface);
    port_watch_count_reset(watch, row);
    port_watch_give(watch, row);
    log_event(LOG_INFO, "device_back", "network=%s device=%s away_ms=%llu", network->name, network->device,
              (unsigned long long)(clock_ms() - row->away_ms));
}

static void follow_link(struct port_watched *row)
{
    const struct snapshot_network *network = row->port->network;
    bool up = !row->away && bond_watch_link_is_up(row, row->port->id);

    if (!host_tap_set_carrier(row->tap, up))
        return;
    log_event(up ? LOG_INFO : LOG_WARNING, up ? "link_up" : "link_down", "network=%s device=%s interface=%s",
              network->name, network->device, network->interface);
}

// The interface says, as `ip link set mtu` does; where the NIC cannot, the interface gets its MTU back.
static void follow_mtu(const struct port_watch *watch, struct port_watched *row)
{
    const struct snapshot_network *network = row->port->network;
    const unsigned wanted = interface_mtu(network->interface);
    const unsigned room = rte_pktmbuf_data_room_size(row->port->pool) - RTE_PKTMBUF_HEADROOM;
    int result;

    if (wanted == row->mtu)
        return;
    result = wanted > room - FRAME_EXTRA ? -EMSGSIZE : rte_eth_dev_set_mtu(row->port->id, (uint16_t)wanted);
    if (result == -EBUSY) {
        port_watch_tell(row, PORT_EVENT_MTU);
        return;
    }
    if (result == 0) {
        log_event(LOG_INFO, "mtu_changed", "network=%s device=%s mtu=%u", network->name, network->device,
                  wanted);
        row->mtu = wanted;
        return;
    }
    refuse_mtu(row, wanted, result);
}

// Of each device of a bond; of another port it is told as the link of its interface.
static void follow_devices(struct port_watch *watch, struct port_watched *row)
{
    uint32_t up = 0;

    for (unsigned i = 0; i < row->device_count && !row->away; i++) {
        uint16_t id;
        uint32_t bit = 1u << i;

        if (rte_eth_dev_get_port_by_name(row->devices[i].name, &id) == 0 && bond_watch_link_is_up(row, id))
            up |= bit;
        if (row->device_count > 1 && (up & bit) != (row->devices_up & bit))
            log_event(up & bit ? LOG_INFO : LOG_WARNING, up & bit ? "device_link_up" : "device_link_down",
                      "network=%s device=%s", row->port->network->name, row->devices[i].name);
    }
    row->devices_up = up;
    for (unsigned i = 0; i < NETWORKS_MAX; i++) {
        if (row->networks & 1u << i)
            put(&watch->counters[i].devices_up, (uint64_t)__builtin_popcount(up));
    }
}

static void look(struct port_watch *watch, struct port_watched *row)
{
    if (!row->away)
        follow_mtu(watch, row);
    if (atomic_load(&row->event) != PORT_EVENT_NONE && clock_ms() >= row->retry_ms)
        restart(watch, row, atomic_exchange(&row->event, PORT_EVENT_NONE));
    if (row->tap != NULL)
        follow_link(row);
    follow_devices(watch, row);
    if (port_is_bond(row->port->network))
        bond_watch_look(watch, row);
}

static void *run(void *argument)
{
    struct port_watch *watch = argument;

    while (!atomic_load(&watch->stop)) {
        for (unsigned i = 0; i < watch->count; i++)
            look(watch, &watch->rows[i]);
        pause_ms(PORT_WATCH_MS);
    }
    return NULL;
}

static unsigned mtu_of(uint16_t id)
{
    uint16_t mtu = 0;

    return rte_eth_dev_get_mtu(id, &mtu) == 0 ? mtu : 0;
}

static uint32_t sharers(const struct ports *ports, unsigned port)
{
    uint32_t networks = 0;

    for (unsigned i = 0; i < ports->count; i++)
        networks |= ports->ports[i].shared == port ? 1u << i : 0;
    return networks;
}

static void add_row(struct port_watch *watch, const struct port_watch_plan *plan, unsigned network)
{
    struct port_watched *row = &watch->rows[watch->count++];
    struct port *port = &plan->ports->ports[network];
    const char *devices[NETWORK_DEVICES_MAX];

    *row = (struct port_watched){.port = port,
                                 .tap = host_taps_of(plan->taps, (uint8_t)network),
                                 .networks = sharers(plan->ports, network),
                                 .device_count = port_devices(port->network, devices)};
    row->mtu = mtu_of(port->id);
    for (unsigned i = 0; i < row->device_count; i++) {
        struct port_device *device = &row->devices[i];

        device->row = row;
        device->name = devices[i];
        port_watch_register(device);
        rte_dev_event_callback_register(device->name, on_bus_event, device);
    }
}

int port_watch_start(struct port_watch *watch, const struct port_watch_plan *plan, struct fault *fault)
{
    bool has_bond = false;
    int error;

    *watch = (struct port_watch){.ports = plan->ports,
                                 .published = plan->published,
                                 .workers = plan->workers,
                                 .counters = plan->counters,
                                 .announcer = {.fd = -1, .socket = {.fd = -1, .stop = -1}}};
    for (unsigned i = 0; i < plan->ports->count; i++) {
        const struct port *port = &plan->ports->ports[i];

        plan->published->ports[i] = port->id;
        if (port->network->attach != ATTACH_PCI || port->shared != i)
            continue;
        add_row(watch, plan, i);
        has_bond |= port_is_bond(port->network);
    }
    if (watch->count == 0)
        return 0;
    if (has_bond && (error = announce_open(&watch->announcer)) < 0)
        log_event(LOG_WARNING, "no_announcements", "reason=\"%s\"", strerror(-error));
    error = pthread_create(&watch->thread, NULL, run, watch); // on the agent's CPU, as the agent
    watch->running = error == 0;
    return error == 0 ? 0 : fault_set(fault, error, "PCI devices: no thread: %s", strerror(error));
}

static void forget_row(struct port_watched *row)
{
    for (unsigned i = 0; i < row->device_count; i++) {
        port_watch_unregister(&row->devices[i]);
        rte_dev_event_callback_unregister(row->devices[i].name, on_bus_event, &row->devices[i]);
    }
}

void port_watch_stop(struct port_watch *watch)
{
    if (watch->running) {
        atomic_store(&watch->stop, true);
        pthread_join(watch->thread, NULL);
    }
    for (unsigned i = 0; i < watch->count; i++)
        forget_row(&watch->rows[i]);
    if (watch->count > 0)
        announce_close(&watch->announcer);
    watch->running = false;
    watch->count = 0;
}
