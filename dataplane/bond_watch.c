// SPDX-License-Identifier: BSD-3-Clause
#include "bond_watch.h"

#include <errno.h>
#include <rte_alarm.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "eal.h"
#include "log.h"
#include "port_bond.h"

#define ANSWER_NS 1000000 // between two looks for an answer

struct question {
    const struct port *port;
    uint16_t id;
    atomic_int answer; // -1: not yet said
};

static void answer_link(void *argument)
{
    struct question *question = argument;

    atomic_store(&question->answer, host_tap_link_is_up(question->id));
}

static void answer_settled(void *argument)
{
    struct question *question = argument;

    port_bond_settle(question->port);
    atomic_store(&question->answer, 1);
}

// Bonding asks its devices in EAL's thread of alarms, and drivers do not bear two who ask: so do we there.
static bool ask_there(struct question *question, rte_eal_alarm_callback answer)
{
    atomic_init(&question->answer, -1);
    if (rte_eal_alarm_set(1, answer, question) < 0)
        return false;
    while (atomic_load(&question->answer) < 0)
        nanosleep(&(struct timespec){.tv_nsec = ANSWER_NS}, NULL);
    return atomic_load(&question->answer) != 0;
}

bool bond_watch_link_is_up(const struct port_watched *row, uint16_t id)
{
    struct question question = {.port = row->port, .id = id};

    return port_is_bond(row->port->network) ? ask_there(&question, answer_link) : host_tap_link_is_up(id);
}

static void announce(struct port_watch *watch, struct port_watched *row)
{
    const struct snapshot_network *network = row->port->network;
    const int sent = announce_send(&watch->announcer, network->interface);

    if (sent < 0)
        log_event(LOG_WARNING, "not_announced", "network=%s interface=%s reason=\"%s\"", network->name,
                  network->interface, strerror(-sent));
    else if (row->bond.announcements == ANNOUNCE_TIMES)
        log_event(LOG_INFO, "announced", "network=%s interface=%s addresses=%d", network->name,
                  network->interface, sent);
    row->bond.announcements--;
    row->bond.announce_ms = clock_ms() + ANNOUNCE_MS;
}

// The first way is no other one: whoever speaks to us learns it as of any interface.
static void follow_way(struct port_watch *watch, struct port_watched *row)
{
    struct bond_watched *bond = &row->bond;
    const uint32_t way = row->away ? 0 : port_bond_way(row->port, row->devices_up);

    if (way != bond->way && way != 0) {
        bond->announcements = bond->has_way ? ANNOUNCE_TIMES : 0;
        bond->announce_ms = 0;
        bond->has_way = true;
        ask_there(&(struct question){.port = row->port}, answer_settled);
    }
    bond->way = way;
    if (way != 0 && bond->announcements > 0 && clock_ms() >= bond->announce_ms)
        announce(watch, row);
}

// The workers come back when the bond has a device at all.
static void give_again(struct port_watch *watch, struct port_watched *row)
{
    if (port_bond_device_count(row->port) > 0)
        port_watch_give(watch, row);
}

// One that cannot leave is asked again: the kernel repeats that it wants it back.
static void take_out(struct port_watch *watch, struct port_watched *row, struct port_device *device)
{
    int result;

    log_event(LOG_WARNING, "device_away", "network=%s device=%s reason=lost", row->port->network->name,
              device->name);
    port_watch_unregister(device);
    if (!port_watch_take(watch, row))
        return;
    pthread_mutex_lock(&watch->ports->lock);
    eal_words_forget();
    result = port_bond_take_out(row->port, device->name);
    pthread_mutex_unlock(&watch->ports->lock);
    give_again(watch, row);
    if (result < 0) {
        log_event(LOG_ERROR, "device_not_out", "network=%s device=%s reason=\"%s\" text=\"%s\"",
                  row->port->network->name, device->name, strerror(-result), eal_words());
        port_watch_register(device);
        return;
    }
    device->is_out = true;
    device->out_ms = clock_ms();
    device->retry_ms = 0;
}

// Mostly it is not there yet, and no worker has to wait for that.
static int probe_and_join(struct port_watch *watch, struct port_watched *row, const char *device)
{
    int result;

    pthread_mutex_lock(&watch->ports->lock);
    eal_words_forget();
    result = port_bond_probe(device);
    if (result == 0 && !port_watch_take(watch, row))
        result = -ECANCELED;
    if (result == 0)
        result = port_bond_put_in(row->port, device);
    pthread_mutex_unlock(&watch->ports->lock);
    if (row->away)
        give_again(watch, row);
    return result;
}

static void put_in(struct port_watch *watch, struct port_watched *row, struct port_device *device)
{
    const bool is_first = device->retry_ms == 0;
    const int result = probe_and_join(watch, row, device->name);

    device->retry_ms = clock_ms() + PORT_WATCH_RETRY_MS;
    if (result < 0 && is_first)
        log_event(LOG_ERROR, "device_not_back",
                  "network=%s device=%s reason=\"%s\" text=\"%s\" next=\"tried again each second\"",
                  row->port->network->name, device->name, strerror(-result), eal_words());
    if (result < 0)
        return;
    device->is_out = false;
    port_watch_register(device);
    port_watch_count_reset(watch, row);
    log_event(LOG_INFO, "device_back", "network=%s device=%s away_ms=%llu", row->port->network->name,
              device->name, (unsigned long long)(clock_ms() - device->out_ms));
}

// What is lost goes before anything comes: the driver of a device that is gone is not called again.
static void follow_lost(struct port_watch *watch, struct port_watched *row)
{
    for (unsigned i = 0; i < row->device_count; i++) {
        struct port_device *device = &row->devices[i];

        if (atomic_exchange(&device->is_lost, false) && !device->is_out)
            take_out(watch, row, device);
    }
    for (unsigned i = 0; i < row->device_count; i++) {
        struct port_device *device = &row->devices[i];

        if (device->is_out && clock_ms() >= device->retry_ms)
            put_in(watch, row, device);
    }
}

void bond_watch_look(struct port_watch *watch, struct port_watched *row)
{
    follow_lost(watch, row);
    follow_way(watch, row);
}
