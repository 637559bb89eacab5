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
#include "log.h"
#include "worker.h"
#include "xdp_record.h"

#define DESCRIPTORS        2048u
#define POOL_CACHE         256u
#define FRAME_OVERHEAD     18u   // Ethernet header and one VLAN tag
#define PACKET_FRAME_EXTRA 128u  // what AF_PACKET puts before a frame in its ring, generously
#define PACKET_FRAMES      2048u // a ring
#define AF_XDP_RESERVED    4096u // packets that the driver keeps a queue: fill ring and receive ring

static const struct {
    unsigned bit;
    const char *name;
    bool af_xdp_only;
} capabilities[] = {
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", false},
    {CAP_NET_RAW, "CAP_NET_RAW", false},
    {CAP_BPF, "CAP_BPF", true},
};

static int check_rights(bool af_xdp, struct fault *fault)
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

        if ((capabilities[i].af_xdp_only && !af_xdp) || (data[bit / 32].effective & 1u << bit % 32) != 0 ||
            (bit == CAP_BPF && sys_admin))
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
    return 0;
}

// A comma would begin another argument of the driver.
static int check_interface(const struct snapshot_network *network, struct fault *fault)
{
    if (network->interface[0] == '\0' || strlen(network->interface) >= IF_NAMESIZE ||
        strpbrk(network->interface, ", /") != NULL)
        return fault_set(fault, EINVAL,
                         "network %s: \"%s\" is no interface name; correct networks.%s.interface",
                         network->name, network->interface, network->name);
    if (if_nametoindex(network->interface) == 0)
        return fault_set(fault, ENODEV,
                         "network %s: no interface %s; create it or correct networks.%s.interface",
                         network->name, network->interface, network->name);
    return 0;
}

int ports_check(const struct ports_plan *plan, struct fault *fault)
{
    const struct rules *rules = plan->rules;
    bool af_xdp = false;
    int result = 0;

    for (unsigned i = 0; i < rules->network_count && result == 0; i++) {
        result = check_interface(&rules->networks[i], fault);
        af_xdp |= rules->networks[i].attach == ATTACH_AF_XDP;
    }
    if (result == 0)
        result = check_rights(af_xdp, fault);
    if (result == 0 && af_xdp && access(plan->prefilter, R_OK) < 0)
        result = fault_set(fault, errno, "prefilter %s: %s; name the file with --prefilter", plan->prefilter,
                           strerror(errno));
    if (result == 0 && af_xdp && strchr(plan->prefilter, ',') != NULL)
        result = fault_set(fault, EINVAL, "prefilter %s: its path must not have a comma", plan->prefilter);
    for (unsigned i = 0; i < rules->network_count && result == 0; i++) {
        if (rules->networks[i].attach == ATTACH_AF_XDP)
            result = prefilter_clear_stale(plan->run_directory, rules->networks[i].interface, fault->text,
                                           sizeof(fault->text));
    }
    return result;
}

static unsigned interface_mtu(const char *interface)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return 1500;
    memcpy(request.ifr_name, interface, strnlen(interface, IFNAMSIZ - 1));
    result = ioctl(fd, SIOCGIFMTU, &request);
    close(fd);
    return result < 0 || request.ifr_mtu < 0 ? 1500 : (unsigned)request.ifr_mtu;
}

struct pool_extent {
    uintptr_t first, last; // addresses of objects
};

static void stretch(struct rte_mempool *pool, void *argument, void *object, unsigned index)
{
    struct pool_extent *extent = argument;
    uintptr_t address = (uintptr_t)object;

    if (index == 0 || address < extent->first)
        extent->first = address;
    if (index == 0 || address > extent->last)
        extent->last = address;
}

// The driver of DPDK 22.11 registers with the kernel, as one range, the number of objects times their size.
// Where the pool leaves gaps, so that no object crosses a page, its end lies outside: the kernel throws such
// frames away and nobody gets them back. Without need of physical addresses objects may cross pages, and the
// pool is dense; that it is dense and in one piece is checked.
static struct rte_mempool *dense_pool(uint32_t mbufs, uint16_t room)
{
    struct rte_pktmbuf_pool_private sizes = {.mbuf_data_room_size = room,
                                             .mbuf_priv_size = WORKER_MBUF_PRIVATE};
    unsigned size = (unsigned)sizeof(struct rte_mbuf) + WORKER_MBUF_PRIVATE + room;
    struct rte_mempool *pool = rte_mempool_create_empty("packets", mbufs, size, POOL_CACHE, sizeof(sizes),
                                                        SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

    if (pool == NULL)
        return NULL;
    rte_pktmbuf_pool_init(pool, &sizes);
    if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) < 0 ||
        rte_mempool_populate_default(pool) < 0) {
        rte_mempool_free(pool);
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

static bool is_dense(struct rte_mempool *pool)
{
    struct pool_extent extent = {0, 0};
    size_t size = (size_t)pool->header_size + pool->elt_size + pool->trailer_size;

    rte_mempool_obj_iter(pool, stretch, &extent);
    return pool->nb_mem_chunks == 1 && extent.last - extent.first == (pool->populated_size - 1) * size;
}

static int make_pool(struct ports *ports, const struct rules *rules, struct fault *fault)
{
    unsigned room = RTE_MBUF_DEFAULT_DATAROOM;
    unsigned needed = rules->settings->workers * POOL_CACHE * 2;

    for (unsigned i = 0; i < rules->network_count; i++) {
        unsigned frame = interface_mtu(rules->networks[i].interface) + FRAME_OVERHEAD;

        if (frame > room && frame <= UINT16_MAX - RTE_PKTMBUF_HEADROOM - RTE_CACHE_LINE_SIZE)
            room = RTE_ALIGN_CEIL(frame, RTE_CACHE_LINE_SIZE);
        needed +=
            rules->networks[i].attach == ATTACH_AF_XDP ? rules->networks[i].queues * AF_XDP_RESERVED : 0;
    }
    if (rules->settings->mbufs < needed)
        return fault_set(fault, EINVAL,
                         "%u packets are too few for these queues and workers; at least %u (memory.mbufs)",
                         rules->settings->mbufs, needed);
    ports->pool = dense_pool(rules->settings->mbufs, (uint16_t)(RTE_PKTMBUF_HEADROOM + room));
    if (ports->pool == NULL)
        return fault_set(fault, ENOMEM,
                         "%u packets do not fit in %u MB; raise memory.mb or lower memory.mbufs",
                         rules->settings->mbufs, rules->settings->memory_mb);
    if (!is_dense(ports->pool))
        return fault_set(
            fault, ENOMEM,
            "the %u packets do not lie in one piece of memory; raise memory.mb or free huge pages",
            rules->settings->mbufs);
    return 0;
}

static int probe(struct port *port, unsigned index, const char *prefilter, struct fault *fault)
{
    const struct snapshot_network *network = port->network;
    const bool af_xdp = network->attach == ATTACH_AF_XDP;
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

static int start(struct port *port, struct rte_mempool *pool)
{
    const struct rte_eth_conf configuration = {0};
    const uint16_t queues = (uint16_t)port->network->queues;
    int result = rte_eth_dev_configure(port->id, queues, queues, &configuration);

    for (uint16_t q = 0; q < queues && result == 0; q++)
        result = rte_eth_rx_queue_setup(port->id, q, DESCRIPTORS, SOCKET_ID_ANY, NULL, pool);
    for (uint16_t q = 0; q < queues && result == 0; q++)
        result = rte_eth_tx_queue_setup(port->id, q, DESCRIPTORS, SOCKET_ID_ANY, NULL);
    return result == 0 ? rte_eth_dev_start(port->id) : result;
}

static int open_port(struct ports *ports, unsigned index, const struct ports_plan *plan, struct fault *fault)
{
    struct port *port = &ports->ports[index];
    const struct snapshot_network *network = port->network;
    struct rte_eth_dev_info info;
    int result = probe(port, index, plan->prefilter, fault);

    if (result < 0)
        return result;
    if (rte_eth_dev_info_get(port->id, &info) == 0 && info.max_mtu != 0 &&
        interface_mtu(network->interface) > info.max_mtu)
        return fault_set(fault, EINVAL,
                         "network %s: the MTU of %s is %u, at most %u with this attachment; lower it",
                         network->name, network->interface, interface_mtu(network->interface), info.max_mtu);
    if (network->attach == ATTACH_AF_XDP) {
        result = prefilter_attach_begin(ports->run_directory, network->interface, fault->text,
                                        sizeof(fault->text));
        if (result < 0)
            return result;
        port->attaching = true;
    }
    eal_words_forget();
    result = start(port, ports->pool);
    if (result < 0)
        return fault_set(
            fault, -result,
            "network %s: interface %s did not start: %s; check networks.%s.queues against its channels "
            "(ethtool -l %s) and the rights to load eBPF",
            network->name, network->interface, eal_words(), network->name, network->interface);
    if (network->attach != ATTACH_AF_XDP)
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

    *ports = (struct ports){.run_directory = plan->run_directory};
    result = make_pool(ports, plan->rules, fault);
    for (unsigned i = 0; i < plan->rules->network_count && result == 0; i++) {
        ports->ports[i].network = &plan->rules->networks[i];
        prefilter_init(&ports->ports[i].prefilter);
        ports->count++;
        result = open_port(ports, i, plan, fault);
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
            rte_eth_dev_stop(port->id);
            rte_eth_dev_close(port->id);
        }
        if (port->attaching && !port->attached) // what the driver had attached it has taken away
            xdp_record_remove(ports->run_directory, port->network->interface);
    }
    ports->count = 0;
    rte_mempool_free(ports->pool);
    ports->pool = NULL;
}

int ports_load(struct ports *ports, const struct rules *rules, const struct rules *before,
               struct fault *fault)
{
    for (unsigned i = 0; i < ports->count; i++) {
        struct fault undo;
        int result;

        if (!ports->ports[i].attached)
            continue;
        result =
            prefilter_load(&ports->ports[i].prefilter, rules->image, i, fault->text, sizeof(fault->text));
        if (result == 0)
            continue;
        for (unsigned j = 0; j < i; j++) {
            if (ports->ports[j].attached && prefilter_load(&ports->ports[j].prefilter, before->image, j,
                                                           undo.text, sizeof(undo.text)) < 0)
                log_event(LOG_ERROR, "prefilter_undo", "network=%s error=\"%s\"",
                          ports->ports[j].network->name, undo.text);
        }
        return result;
    }
    return 0;
}
