// SPDX-License-Identifier: BSD-3-Clause
#include "port_watch.h"

#include <errno.h>
#include <rte_alarm.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include "away.h"
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

// By a thread of EAL's.
static int on_event(uint16_t id, enum rte_eth_event_type type, void *context, void *unused)
{
    struct port_watched *row = context;
    const struct snapshot_network *network = row->port->network;

    switch (type) {
    case RTE_ETH_EVENT_INTR_RESET:
    case RTE_ETH_EVENT_RECOVERY_FAILED:
        port_watch_tell(row, PORT_EVENT_RESET);
        break;
    case RTE_ETH_EVENT_INTR_RMV:
        port_watch_tell(row, PORT_EVENT_REMOVED);
        break;
    case RTE_ETH_EVENT_ERR_RECOVERING: // by its driver alone
        log_event(LOG_WARNING, "device_recovers", "network=%s device=%s", network->name, network->device);
        break;
    default:
        log_event(LOG_INFO, "device_recovered", "network=%s device=%s", network->name, network->device);
        break;
    }
    return 0;
}

static void register_events(struct port_watched *row)
{
    for (unsigned i = 0; i < RTE_DIM(events); i++)
        rte_eth_dev_callback_register(row->port->id, events[i], on_event, row);
}

static void unregister_events(struct port_watched *row)
{
    for (unsigned i = 0; i < RTE_DIM(events); i++)
        rte_eth_dev_callback_unregister(row->port->id, events[i], on_event, row);
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

// False: the end came first.
static bool take_from_workers(struct port_watch *watch, struct port_watched *row)
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

static void give_to_workers(struct port_watch *watch, struct port_watched *row)
{
    for (unsigned i = 0; i < NETWORKS_MAX; i++) {
        if (row->networks & 1u << i) {
            watch->published->ports[i] = row->port->id;
            put(&watch->counters[i].resets, watch->counters[i].resets + 1);
        }
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

    unregister_events(row);
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
        register_events(row);
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
    if (!take_from_workers(watch, row))
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
    give_to_workers(watch, row);
    log_event(LOG_INFO, "device_back", "network=%s device=%s away_ms=%llu", network->name, network->device,
              (unsigned long long)(clock_ms() - row->away_ms));
}

struct link_question {
    uint16_t id;
    atomic_int up; // -1: not yet said
};

static void answer_link(void *argument)
{
    struct link_question *question = argument;

    atomic_store(&question->up, host_tap_link_is_up(question->id));
}

// Bonding asks its devices in EAL's thread of alarms, and drivers do not bear two who ask: so do we there.
static bool link_is_up(const struct port_watched *row, uint16_t id)
{
    struct link_question question = {.id = id, .up = -1};

    if (row->port->network->bond == BOND_NONE || rte_eal_alarm_set(1, answer_link, &question) < 0)
        return host_tap_link_is_up(id);
    while (atomic_load(&question.up) < 0)
        pause_ms(1);
    return atomic_load(&question.up) != 0;
}

static void follow_link(struct port_watched *row)
{
    const struct snapshot_network *network = row->port->network;
    bool up = !row->away && link_is_up(row, row->port->id);

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
    const struct snapshot_network *network = row->port->network;
    const char *devices[NETWORK_DEVICES_MAX];
    const unsigned count = port_devices(network, devices);
    uint32_t up = 0;

    for (unsigned i = 0; i < count && !row->away; i++) {
        uint16_t id;
        uint32_t bit = 1u << i;

        if (rte_eth_dev_get_port_by_name(devices[i], &id) == 0 && link_is_up(row, id))
            up |= bit;
        if (count > 1 && (up & bit) != (row->devices_up & bit))
            log_event(up & bit ? LOG_INFO : LOG_WARNING, up & bit ? "device_link_up" : "device_link_down",
                      "network=%s device=%s", network->name, devices[i]);
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

int port_watch_start(struct port_watch *watch, const struct port_watch_plan *plan, struct fault *fault)
{
    int error;

    *watch = (struct port_watch){.ports = plan->ports,
                                 .published = plan->published,
                                 .workers = plan->workers,
                                 .counters = plan->counters};
    for (unsigned i = 0; i < plan->ports->count; i++) {
        struct port *port = &plan->ports->ports[i];
        struct port_watched *row = &watch->rows[watch->count];

        plan->published->ports[i] = port->id;
        if (port->network->attach != ATTACH_PCI || port->shared != i)
            continue;
        *row = (struct port_watched){
            .port = port, .tap = host_taps_of(plan->taps, (uint8_t)i), .networks = sharers(plan->ports, i)};
        row->mtu = mtu_of(port->id);
        register_events(row);
        watch->count++;
    }
    if (watch->count == 0)
        return 0;
    error = pthread_create(&watch->thread, NULL, run, watch); // on the agent's CPU, as the agent
    watch->running = error == 0;
    return error == 0 ? 0 : fault_set(fault, error, "PCI devices: no thread: %s", strerror(error));
}

void port_watch_stop(struct port_watch *watch)
{
    if (watch->running) {
        atomic_store(&watch->stop, true);
        pthread_join(watch->thread, NULL);
    }
    for (unsigned i = 0; i < watch->count; i++) {
        if (watch->rows[i].port->probed)
            unregister_events(&watch->rows[i]);
    }
    watch->running = false;
    watch->count = 0;
}
