// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

#include <ctype.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "read.h"
#include "uri.h"

#define MBUF_OCTETS       2560u // one packet buffer with its headers
#define LARGE_MBUF_OCTETS 66000u
#define MBUFS_PER_QUEUE   4096u // an AF_XDP socket's rings hold 2048, and as many travel

bool check_same_address(const struct ip_address *one, const struct ip_address *other)
{
    return memcmp(one, other, sizeof(*one)) == 0;
}

bool check_has_address(const struct config_member *member)
{
    static const struct ip_address none;
    return !check_same_address(&member->address, &none);
}

// Labels of letters, digits and hyphens (RFC 1123 2.1), dots between them.
bool check_is_host(const char *text)
{
    size_t length = strlen(text), label = 0;
    for (size_t i = 0; i <= length; i++) {
        bool inner = isalnum((unsigned char)text[i]) || text[i] == '-';
        if (i < length && text[i] != '.' && !inner)
            return false;
        if (inner) {
            label++;
            continue;
        }
        if (label == 0 || label > 63 || text[i - 1] == '-' || text[i - label] == '-')
            return i == length && label == 0 && length > 1; // a dot at the end
        label = 0;
    }
    return length < 254;
}

bool check_is_uri(const char *text)
{
    struct uri uri;
    return uri_parse((const uint8_t *)text, (struct span){0, (uint16_t)strlen(text)}, &uri) == 0;
}

// What names one names not the other: a Route has to lead to one of them.
static int check_advertised(const struct config_listener *listener, const struct config_listener *earlier,
                            size_t number, struct places *places)
{
    const struct key_endpoint known = model_known_as(listener);
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "listeners[%zu].address", number);
    if (model_is_listener(earlier, &listener->address, listener->port))
        return places_refuse(places, path, "listener %s is advertised as this already; change one",
                             earlier->name);
    snprintf(path, sizeof(path), "listeners[%zu].advertise", number);
    if (model_is_listener(earlier, &known.address, known.port))
        return places_refuse(places, path, "is listener %s already; give each listener one of its own",
                             earlier->name);
    return 0;
}

static int check_device(const struct config_network *network, struct places *places)
{
    char path[PLACE_PATH_SIZE], interface[NAME_SIZE];
    bool is_pci = network->attach == ATTACH_PCI, is_bond = network->bond != BOND_NONE;
    snprintf(path, sizeof(path), "networks.%s.device", network->name);
    if (is_pci && network->device.count == 0)
        return places_refuse(
            places, path, "attach: pci needs the PCI address of its device, such as 0000:3b:00.0 (lspci -D)");
    if (!is_pci && network->device.count > 0)
        return places_refuse(places, path, "is for attach: pci only; remove it or attach so");
    if (!is_bond && network->device.count > 1)
        return places_refuse(places, path, "names several devices; say with bond how they are one");
    snprintf(path, sizeof(path), "networks.%s.bond", network->name);
    if (is_bond && network->device.count < 2)
        return places_refuse(places, path, "needs several devices; give device a list of them");
    for (size_t i = 0; is_bond && i < network->device.count; i++)
        if (!strchr(network->device.rows[i], ':'))
            return places_refuse(places, path, "is of PCI devices; %s is none", network->device.rows[i]);
    snprintf(path, sizeof(path), "networks.%s.flow_isolation", network->name);
    if (network->flow_isolation == CONFIG_ISOLATION_ON && (!is_pci || is_bond))
        return places_refuse(places, path, "on is for attach: pci with one device; remove it");
    snprintf(path, sizeof(path), "networks.%s.interface", network->name);
    if (!is_pci && network->interface[0] == '\0')
        return places_refuse(places, path, "is missing; give an interface");
    model_interface(network, interface);
    if (strlen(interface) >= IF_NAMESIZE)
        return places_refuse(places, path, "%s is longer than an interface's name; give a shorter one",
                             interface);
    return 0;
}

static bool has_device(const struct config_network *network, size_t before, const char *device)
{
    for (size_t i = 0; i < before; i++) {
        if (strcmp(network->device.rows[i], device) == 0)
            return true;
    }
    return false;
}

static int check_own_devices(const struct config_network *network, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < network->device.count; i++) {
        snprintf(path, sizeof(path), "networks.%s.device[%zu]", network->name, i);
        if (has_device(network, i, network->device.rows[i]))
            return places_refuse(places, path, "%s stands there already; give each device once",
                                 network->device.rows[i]);
    }
    return 0;
}

// The first of the devices that is another one's, too, NULL: none is.
static const char *common_device(const struct config_network *network, const struct config_network *other)
{
    for (size_t i = 0; i < network->device.count; i++) {
        if (has_device(other, other->device.count, network->device.rows[i]))
            return network->device.rows[i];
    }
    return NULL;
}

static bool same_devices(const struct config_network *network, const struct config_network *other)
{
    bool equal = network->device.count == other->device.count;
    for (size_t i = 0; equal && i < network->device.count; i++)
        equal = strcmp(network->device.rows[i], other->device.rows[i]) == 0;
    return equal;
}

// Two networks of one interface: what a port has once is equal, and their tags tell them apart.
static int check_shared(const struct config_network *network, const struct config_network *earlier,
                        struct places *places)
{
    char path[PLACE_PATH_SIZE], interface[NAME_SIZE], taken[NAME_SIZE];
    model_interface(network, interface);
    model_interface(earlier, taken);
    const char *device = common_device(network, earlier);
    if (strcmp(interface, taken) != 0 && !device)
        return 0;
    const struct {
        const char *key;
        bool equal;
    } rows[] = {{"interface", strcmp(interface, taken) == 0},
                {"attach", network->attach == earlier->attach},
                {"device", same_devices(network, earlier)},
                {"bond", network->bond == earlier->bond},
                {"checksum_offload", network->checksum_offload == earlier->checksum_offload},
                {"flow_isolation", network->flow_isolation == earlier->flow_isolation},
                {"queues", network->queues == earlier->queues}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(path, sizeof(path), "networks.%s.%s", network->name, rows[i].key);
        if (!rows[i].equal)
            return places_refuse(places, path,
                                 "differs from networks.%s.%s, whose port it shares (%s); make them equal",
                                 earlier->name, rows[i].key, device ? device : interface);
    }
    snprintf(path, sizeof(path), "networks.%s.vlan", network->name);
    if (network->vlan == earlier->vlan && network->outer_vlan == earlier->outer_vlan)
        return places_refuse(
            places, path, "%" PRIu64 " is that of networks.%s, too, which shares %s; give each its own VLAN",
            network->vlan, earlier->name, interface);
    return 0;
}

// The kernel shows packet sockets a single tag as one of 802.1Q, whatever it was.
static int check_tags(const struct config_network *network, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "networks.%s.outer_vlan", network->name);
    if (network->outer_vlan != 0 && network->vlan == 0 && network->attach == ATTACH_AF_PACKET)
        return places_refuse(places, path, "needs vlan, too, with attach: af_packet");
    return 0;
}

static int check_networks(const struct config *config, struct places *places)
{
    int result = 0;
    if (config->network_count == 0)
        return places_refuse(places, "networks", "no network is given; give at least one with its interface");
    for (size_t i = 0; i < config->network_count && result == 0; i++) {
        const struct config_network *network = &config->networks[i];
        result = check_device(network, places);
        if (result == 0)
            result = check_own_devices(network, places);
        if (result == 0)
            result = check_tags(network, places);
        for (size_t other = 0; other < i && result == 0; other++)
            result = check_shared(network, &config->networks[other], places);
    }
    return result;
}

static int check_listeners(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    if (config->listener_count == 0)
        return places_refuse(places, "listeners", "no listener is given; give at least one address of ours");
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        const struct key_endpoint known = model_known_as(listener);
        snprintf(path, sizeof(path), "listeners[%zu].advertise", i);
        if (ip_is_ipv4(&known.address) != ip_is_ipv4(&listener->address))
            return places_refuse(places, path, "is of another family than address; give %s",
                                 ip_is_ipv4(&listener->address) ? "IPv4" : "IPv6");
        snprintf(path, sizeof(path), "listeners[%zu].network", i);
        if (!model_network(config, listener->network))
            return places_refuse(places, path, "no network is called %s; add it under networks",
                                 listener->network);
        for (size_t other = 0; other < i; other++) {
            const struct config_listener *earlier = &config->listeners[other];
            snprintf(path, sizeof(path), "listeners[%zu].name", i);
            if (strcmp(listener->name, earlier->name) == 0)
                return places_refuse(places, path, "%s is the name of two listeners; rename one",
                                     listener->name);
            snprintf(path, sizeof(path), "listeners[%zu].address", i);
            if (check_same_address(&listener->address, &earlier->address) && listener->port == earlier->port)
                return places_refuse(
                    places, path, "listener %s has this address and port already; change one", earlier->name);
            int result = check_advertised(listener, earlier, i, places);
            if (result < 0)
                return result;
        }
    }
    return 0;
}

static int check_settings(const struct config *config, struct places *places)
{
    uint64_t queues = 0, mbufs = config->memory.mbufs;
    for (size_t i = 0; i < config->network_count; i++)
        queues += model_port(config, i) != i ? 0
                  : config->networks[i].device.count > 1
                      ? config->networks[i].queues * config->networks[i].device.count
                      : config->networks[i].queues;
    if (mbufs < queues * MBUFS_PER_QUEUE)
        return places_refuse(places, "memory.mbufs",
                             "%" PRIu64 " is too few for %" PRIu64 " queues; give at least %" PRIu64, mbufs,
                             queues, queues * MBUFS_PER_QUEUE);
    uint64_t needed_mb = (mbufs * MBUF_OCTETS * 4 / 3 + config->memory.large_mbufs * LARGE_MBUF_OCTETS) >> 20;
    if (config->memory.mb < needed_mb)
        return places_refuse(places, "memory.mb",
                             "%" PRIu64 " is too little for %" PRIu64 " mbufs; give at least %" PRIu64,
                             config->memory.mb, mbufs, needed_mb);
    if (config->timers.t2 < config->timers.t1)
        return places_refuse(places, "timers.t2", "is shorter than t1; give t1 or more");
    if (config->dialogs.early_lifetime <= config->timers.c)
        return places_refuse(
            places, "dialogs.early_lifetime",
            "is not longer than timers.c, which ends calls that only ring; give more than it");
    if (config->dialogs.lifetime < config->dialogs.early_lifetime)
        return places_refuse(places, "dialogs.lifetime", "is shorter than early_lifetime; give it or more");
    return 0;
}

static int check_deny(const struct config *config, struct places *places)
{
    const struct prefix_list *deny = &config->prefilter.deny;
    char path[PLACE_PATH_SIZE];
    for (size_t i = 1; i < deny->count; i++)
        for (size_t other = 0; other < i; other++)
            if (check_same_address(&deny->rows[i].address, &deny->rows[other].address) &&
                deny->rows[i].length == deny->rows[other].length) {
                snprintf(path, sizeof(path), "prefilter.deny[%zu]", i);
                return places_refuse(places, path, "is given twice; remove one");
            }
    return 0;
}

int check_config(const struct config *config, struct places *places)
{
    int result = check_networks(config, places);
    if (result == 0)
        result = check_listeners(config, places);
    if (result == 0)
        result = check_peers(config, places);
    if (result == 0)
        result = check_applications(config, places);
    if (result == 0)
        result = check_sources(config, places);
    for (size_t i = 0; result == 0 && i < config->route_count; i++)
        result = check_route(config, i, places);
    if (result == 0)
        result = check_settings(config, places);
    if (result == 0)
        result = check_deny(config, places);
    if (result == 0)
        warn_config(config, places);
    return result;
}
