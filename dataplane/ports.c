// SPDX-License-Identifier: BSD-3-Clause
#include "ports.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "eal.h"
#include "interface.h"
#include "log.h"
#include "port_bond.h"
#include "port_start.h"
#include "xdp_record.h"

#define FRAME_OVERHEAD     22u   // Ethernet header and two tags
#define PACKET_FRAME_EXTRA 128u  // what AF_PACKET puts before a frame in its ring, generously
#define PACKET_FRAMES      2048u // a ring
#define PCI_DEVICES        "/sys/bus/pci/devices/"

static const struct {
    unsigned bit;
    const char *name;
    bool af_xdp_only;
} capabilities[] = {
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", false},
    {CAP_NET_RAW, "CAP_NET_RAW", false},
    {CAP_BPF, "CAP_BPF", true},
};

// What programs need is asked of the kernel, where the start goes on without.
static int check_rights(bool af_xdp, bool must, struct fault *fault)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    char missing[128] = "";
    bool sys_admin;
    int fd;

    if (syscall(SYS_capget, &header, data) < 0)
        return fault_set(fault, errno, "capabilities: %s", strerror(errno));
    sys_admin = (data[0].effective & 1u << CAP_SYS_ADMIN) != 0;
    for (unsigned i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        unsigned bit = capabilities[i].bit;

        if ((capabilities[i].af_xdp_only && !(af_xdp && must)) ||
            (data[bit / 32].effective & 1u << bit % 32) != 0 || (bit == CAP_BPF && sys_admin))
            continue;
        strncat(missing, " ", sizeof(missing) - strlen(missing) - 1);
        strncat(missing, capabilities[i].name, sizeof(missing) - strlen(missing) - 1);
    }
    if (missing[0] != '\0')
        return fault_set(fault, EPERM,
                         "no permission to drive network interfaces: missing%s; run as root or grant them",
                         missing);
    // In a user namespace the capabilities are there and rule over nothing: only an attempt tells.
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fault_set(fault, errno,
                         "no permission to drive network interfaces here: %s; run as root of the machine",
                         strerror(errno));
    close(fd);
    // Without it the kernel puts barriers against speculation into the program.
    if (af_xdp && !sys_admin && (data[CAP_PERFMON / 32].effective & 1u << CAP_PERFMON % 32) == 0)
        log_event(
            LOG_WARNING, "prefilter_slower",
            "missing=CAP_PERFMON reason=\"each packet costs the XDP program about half as much again\"");
    return 0;
}

// What driver of the kernel has a device; "" when none has.
static void driver_of(const char *device, char *driver, size_t size)
{
    char path[PATH_MAX], target[PATH_MAX];
    ssize_t length;

    snprintf(path, sizeof(path), PCI_DEVICES "%s/driver", device);
    length = readlink(path, target, sizeof(target) - 1);
    target[length < 0 ? 0 : length] = '\0';
    snprintf(driver, size, "%s", length < 0 ? "" : strrchr(target, '/') + 1);
}

// DPDK's drivers reach most devices through vfio or uio; mlx4 and mlx5 share theirs with the kernel.
// One of DPDK's own (vdev) is made by EAL's arguments, or it is not there after them.
static int check_device(const struct snapshot_network *network, const char *device, struct fault *fault)
{
    static const char *const drivers[] = {"vfio-pci",  "uio_pci_generic", "igb_uio",
                                          "mlx4_core", "mlx5_core",       NULL};
    char path[PATH_MAX], driver[64];

    if (port_device_is_virtual(device))
        return 0;
    snprintf(path, sizeof(path), PCI_DEVICES "%s", device);
    if (strchr(device, '/') != NULL || access(path, F_OK) < 0)
        return fault_set(fault, ENODEV,
                         "network %s: no PCI device %s; correct networks.%s.device (lspci -D lists them)",
                         network->name, device, network->name);
    driver_of(device, driver, sizeof(driver));
    for (unsigned i = 0; drivers[i] != NULL; i++) {
        if (strcmp(driver, drivers[i]) == 0)
            return 0;
    }
    return fault_set(fault, EBUSY,
                     "network %s: device %s has the driver %s, which DPDK cannot use; bind it "
                     "(dpdk-devbind.py -b vfio-pci %s)",
                     network->name, device, driver[0] != '\0' ? driver : "none", device);
}

static int check_devices(const struct snapshot_network *network, struct fault *fault)
{
    const char *devices[NETWORK_DEVICES_MAX];
    const unsigned count = port_devices(network, devices);
    int result = 0;

    for (unsigned i = 0; i < count && result == 0; i++)
        result = check_device(network, devices[i], fault);
    return result;
}

// A comma would begin another argument of the driver.
static int check_interface(const struct snapshot_network *network, struct fault *fault)
{
    unsigned queues;

    if (network->interface[0] == '\0' || strlen(network->interface) >= IF_NAMESIZE ||
        strpbrk(network->interface, ", /") != NULL)
        return fault_set(fault, EINVAL,
                         "network %s: \"%s\" is no interface name; correct networks.%s.interface",
                         network->name, network->interface, network->name);
    if (network->attach == ATTACH_PCI) // the host path makes what is not there
        return check_devices(network, fault);
    if (if_nametoindex(network->interface) == 0)
        return fault_set(fault, ENODEV,
                         "network %s: no interface %s; create it or correct networks.%s.interface",
                         network->name, network->interface, network->name);
    // An XDP program cannot move a packet to another queue: what comes by one that nobody reads is lost.
    queues = network->attach == ATTACH_AF_XDP ? interface_queues(network->interface) : 0;
    if (queues > 0 && queues != network->queues)
        return fault_set(fault, EINVAL,
                         "network %s: interface %s has %u receive queues and networks.%s.queues is %u; "
                         "make them equal there or with ethtool -L %s",
                         network->name, network->interface, queues, network->name, network->queues,
                         network->interface);
    return 0;
}

// XDP sees no tag that the NIC took off: frames of all VLANs look untagged.
static void check_tags(const struct snapshot_network *network)
{
    if (network->attach == ATTACH_AF_XDP && snapshot_tags(network) != 0 &&
        interface_strips_tags(network->interface))
        log_event(LOG_WARNING, "vlan_stripped",
                  "network=%s interface=%s reason=\"the NIC takes tags off before XDP sees them\" "
                  "fix=\"ethtool -K %s rxvlan off\"",
                  network->name, network->interface, network->interface);
}

// Where the kernel keeps the device: its interface has to be there, and is nobody else's.
static int check_isolation(const struct ports_plan *plan, unsigned index, struct fault *fault)
{
    const struct snapshot_network *network = &plan->rules->networks[index];
    int result = port_flows_wanted(network, fault);

    if (result == 1 && if_nametoindex(network->interface) == 0)
        return fault_set(fault, ENODEV,
                         "network %s: no interface %s, by which the kernel has what is not ours "
                         "(flow_isolation); correct networks.%s.interface",
                         network->name, network->interface, network->name);
    if (result == 1)
        *plan->isolated |= 1u << index;
    else if (result == 0 && network->attach == ATTACH_PCI && plan->rules->ports.of[index] == index)
        log_event(LOG_INFO, "host_path", "network=%s device=%s interface=%s reason=\"%s\"", network->name,
                  network->device, network->interface,
                  network->flags & NETWORK_ISOLATION_OFF ? "flow_isolation: off"
                                                         : "the interface is not the device's own");
    return result < 0 ? result : 0;
}

int ports_check(const struct ports_plan *plan, struct fault *fault)
{
    const struct rules *rules = plan->rules;
    bool af_xdp = false;
    int result = 0;

    *plan->isolated = 0;
    for (unsigned i = 0; i < rules->network_count && result == 0; i++) {
        result = check_interface(&rules->networks[i], fault);
        if (result == 0)
            check_tags(&rules->networks[i]);
        if (result == 0)
            result = check_isolation(plan, i, fault);
        af_xdp |= rules->networks[i].attach == ATTACH_AF_XDP;
    }
    if (result == 0)
        result = check_rights(af_xdp, rules->settings->prefilter.unavailable == PREFILTER_REFUSE, fault);
    if (result == 0 && af_xdp && strchr(plan->prefilter, ',') != NULL)
        result = fault_set(fault, EINVAL, "prefilter %s: its path must not have a comma", plan->prefilter);
    if (result == 0)
        result = port_programs_check(
            plan->programs, &(struct port_program_plan){plan->rules, plan->run_directory, plan->prefilter},
            fault);
    return result;
}

// EAL probed the devices that it was given.
static int find_device(struct port *port, unsigned index, struct fault *fault)
{
    const struct snapshot_network *network = port->network;

    if (port_is_bond(network))
        return port_bond_open(port, index, fault);
    port->probed = rte_eth_dev_get_port_by_name(network->device, &port->id) == 0;
    if (port->probed)
        return 0;
    if (port_device_is_virtual(network->device))
        return fault_set(fault, ENODEV,
                         "network %s: there is no device %s; make it with an EAL argument (-- --vdev %s,...)",
                         network->name, network->device, network->device);
    return fault_set(fault, ENODEV,
                     "network %s: no driver of DPDK has taken device %s: %s; check that it is a network "
                     "device that DPDK supports and that we may open its /dev/vfio group",
                     network->name, network->device, eal_words());
}

static int probe(struct port *port, unsigned index, const char *prefilter, struct fault *fault)
{
    const struct snapshot_network *network = port->network;
    const bool af_xdp = port->attach == ATTACH_AF_XDP;
    // Frames of AF_PACKET are a power of two, so that they fill their blocks.
    unsigned frame = 2048;
    char name[32], arguments[PATH_MAX];
    int result;

    while (frame < interface_mtu(network->interface) + FRAME_OVERHEAD + PACKET_FRAME_EXTRA)
        frame *= 2;
    if (af_xdp) {
        snprintf(name, sizeof(name), "net_af_xdp%u", index);
        snprintf(arguments, sizeof(arguments), "iface=%s,start_queue=0,queue_count=%u,xdp_prog=%s",
                 network->interface, network->queues, prefilter);
    } else {
        snprintf(name, sizeof(name), "net_af_packet%u", index);
        snprintf(arguments, sizeof(arguments),
                 "iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u,qdisc_bypass=1", network->interface,
                 network->queues, frame < 4096 ? 4096 : frame, frame, PACKET_FRAMES);
    }
    eal_words_forget();
    result = rte_eal_hotplug_add("vdev", name, arguments);
    if (result < 0)
        return fault_set(
            fault, -result, "network %s: interface %s could not be taken with %s: %s; check networks.%s",
            network->name, network->interface, af_xdp ? "af_xdp" : "af_packet", eal_words(), network->name);
    port->probed = rte_eth_dev_get_port_by_name(name, &port->id) == 0;
    return port->probed ? 0 : fault_set(fault, EIO, "network %s: DPDK lost port %s", network->name, name);
}

static int check_limits(const struct port *port, const struct rte_eth_dev_info *info, struct fault *fault)
{
    const struct snapshot_network *network = port->network;
    unsigned most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

    if (info->max_mtu != 0 && interface_mtu(network->interface) > info->max_mtu)
        return fault_set(fault, EINVAL,
                         "network %s: the MTU of %s is %u, at most %u with this attachment; lower it",
                         network->name, network->interface, interface_mtu(network->interface), info->max_mtu);
    if (network->attach != ATTACH_PCI)
        return 0;
    if (network->queues > most)
        return fault_set(fault, EINVAL, "network %s: device %s has %u queues; lower networks.%s.queues",
                         network->name, network->device, most, network->name);
    if (network->queues > 1 && (info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP)) == 0)
        return fault_set(fault, EINVAL,
                         "network %s: device %s cannot spread packets over queues (RSS); set "
                         "networks.%s.queues to 1",
                         network->name, network->device, network->name);
    return 0;
}

static int start(struct ports *ports, unsigned index, const struct rules *rules,
                 const struct rte_eth_dev_info *info, struct fault *fault)
{
    struct port *port = &ports->ports[index];
    int result = port_flows_want(port, rules, index, fault);

    return result < 0 ? result : port_start(port, port->pool, info);
}

static int open_port(struct ports *ports, unsigned index, const struct ports_plan *plan, struct fault *fault)
{
    struct port *port = &ports->ports[index];
    const struct snapshot_network *network = port->network;
    struct rte_eth_dev_info info = {0};
    int result;

    port->attach = port_programs_attach(plan->programs, plan->rules, index);
    result = network->attach == ATTACH_PCI ? find_device(port, index, fault)
                                           : probe(port, index, plan->prefilter, fault);

    if (result == 0 && rte_eth_dev_info_get(port->id, &info) != 0)
        result = fault_set(fault, EIO, "network %s: its driver says nothing of itself", network->name);
    if (result == 0)
        result = check_limits(port, &info, fault);
    if (result < 0)
        return result;
    if (port->attach == ATTACH_AF_XDP) {
        result = prefilter_attach_begin(ports->run_directory, network->interface, fault->text,
                                        sizeof(fault->text));
        if (result < 0)
            return result;
        port->attaching = true;
    }
    eal_words_forget();
    result = start(ports, index, plan->rules, &info, fault);
    if (result < 0 && port->flows.words[0] != '\0')
        return fault_set(fault, -result,
                         "network %s: device %s: its driver refuses flow isolation: %s; set "
                         "networks.%s.flow_isolation: off, with the host path's own interface as interface",
                         network->name, network->device, port->flows.words, network->name);
    if (result < 0 && network->attach == ATTACH_PCI)
        return fault_set(fault, -result, "network %s: device %s did not start: %s", network->name,
                         network->device, eal_words());
    if (result < 0)
        return fault_set(
            fault, -result,
            "network %s: interface %s did not start: %s; check networks.%s.queues against its channels "
            "(ethtool -l %s) and the rights to load eBPF",
            network->name, network->interface, eal_words(), network->name, network->interface);
    if (port->attach != ATTACH_AF_XDP)
        return 0;
    result = prefilter_attach_done(ports->run_directory, network->interface, &port->prefilter, fault->text,
                                   sizeof(fault->text));
    port->attached = result == 0;
    if (result == 0)
        result =
            prefilter_load(&port->prefilter, plan->rules->image, index, fault->text, sizeof(fault->text));
    return result;
}

// Our own frames, as AF_PACKET sees them on their way out, are no received packets. The driver has no option
// for that; its sockets are among our descriptors.
static void ignore_outgoing(void)
{
    const int on = 1;

    for (int fd = 0; fd < 1024; fd++) {
        int domain = 0;
        socklen_t size = sizeof(domain);

        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_PACKET)
            setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    }
}

int ports_open(struct ports *ports, const struct ports_plan *plan, struct fault *fault)
{
    int result;

    *ports = (struct ports){.run_directory = plan->run_directory, .lock = PTHREAD_MUTEX_INITIALIZER};
    result = packet_pools_create(&ports->pools, plan->rules, plan->nodes, fault);
    if (result == 0)
        result = packet_pool_create_large(plan->rules, &ports->large, fault);
    for (unsigned i = 0; i < plan->rules->network_count && result == 0; i++) {
        struct port *port = &ports->ports[i];

        port->network = &plan->rules->networks[i];
        port->shared = plan->rules->ports.of[i];
        port->node = plan->nodes->device[i];
        port->pool = ports->pools.pools[plan->nodes->of[i]];
        port->flows.is_isolated = (*plan->isolated & 1u << i) != 0;
        prefilter_init(&port->prefilter);
        ports->count++;
        if (port->shared == i)
            result = open_port(ports, i, plan, fault);
        else
            port->id = ports->ports[port->shared].id;
    }
    if (result < 0) {
        ports_close(ports);
        return result;
    }
    ignore_outgoing();
    return 0;
}

// The program goes first, so that what arrives meanwhile meets the kernel's silent sockets and not a
// half-closed one.
void ports_close(struct ports *ports)
{
    for (unsigned i = 0; i < ports->count; i++) {
        struct port *port = &ports->ports[i];

        if (port->attached)
            prefilter_detach(ports->run_directory, port->network->interface, &port->prefilter);
        if (port->probed) {
            port_flows_stop(port);
            rte_eth_dev_stop(port->id);
            rte_eth_dev_close(port->id);
            if (port_is_bond(port->network))
                port_bond_close_devices(port);
        }
        if (port->attaching && !port->attached) // what the driver had attached it has taken away
            xdp_record_remove(ports->run_directory, port->network->interface);
    }
    ports->count = 0;
    packet_pools_free(&ports->pools);
    rte_mempool_free(ports->large);
    ports->large = NULL;
}

static int load_port(struct ports *ports, unsigned index, const struct rules *rules, struct fault *fault)
{
    struct port *port = &ports->ports[index];
    int result = 0;

    if (port->attached)
        result = prefilter_load(&port->prefilter, rules->image, index, fault->text, sizeof(fault->text));
    else if (port->shared == index)
        result = port_flows_want(port, rules, index, fault);
    return result;
}

static int load_all(struct ports *ports, const struct rules *rules, const struct rules *before,
                    struct fault *fault)
{
    for (unsigned i = 0; i < ports->count; i++) {
        struct fault undo;
        int result = load_port(ports, i, rules, fault);

        for (unsigned j = 0; j < i && result < 0; j++) {
            if (load_port(ports, j, before, &undo) < 0)
                log_event(LOG_ERROR, "rules_undo", "network=%s error=\"%s\"", ports->ports[j].network->name,
                          undo.text);
        }
        if (result < 0)
            return result;
    }
    return 0;
}

// The agent waits for no device.
int ports_load(struct ports *ports, const struct rules *rules, const struct rules *before,
               struct fault *fault)
{
    int result;

    if (pthread_mutex_trylock(&ports->lock) != 0)
        return fault_set(fault, EBUSY, "a network's device is being started again; reload in a moment");
    result = load_all(ports, rules, before, fault);
    pthread_mutex_unlock(&ports->lock);
    return result;
}
