// SPDX-License-Identifier: BSD-3-Clause
#include "host_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if_arp.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_net.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "interface.h"
#include "log.h"
#include "packet.h"

#define BURST      32u // frames of one way before the others have their turn
#define IDLE_MS    1   // frames of workers wait no longer; the kernel's wake the thread
#define TUN_DEVICE "/dev/net/tun"

bool host_tap_set_carrier(struct host_tap *tap, bool carrier)
{
    int value = carrier;

    if (tap->carrier == carrier || ioctl(tap->fd, TUNSETCARRIER, &value) < 0)
        return false;
    tap->carrier = carrier;
    return true;
}

static int open_tap(struct host_tap *tap, struct fault *fault)
{
    const char *name = tap->network->interface;
    const bool is_new = if_nametoindex(name) == 0;
    const int header = sizeof(struct virtio_net_hdr);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

    tap->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0)
        return fault_set(fault, errno, "network %s: %s: %s; load the module tun, and let us open it",
                         tap->network->name, TUN_DEVICE, strerror(errno));
    memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    if (ioctl(tap->fd, TUNSETIFF, &request) < 0 || (is_new && ioctl(tap->fd, TUNSETPERSIST, 1) < 0) ||
        ioctl(tap->fd, TUNSETVNETHDRSZ, &header) < 0) {
        int error = errno;

        close(tap->fd);
        return fault_set(fault, error,
                         "network %s: interface %s of the host path: %s; it has to be a TAP interface of one "
                         "queue that no other program holds (ip tuntap), or not there at all",
                         tap->network->name, name, strerror(error));
    }
    tap->carrier = true;
    host_tap_set_carrier(tap, false);
    if (is_new)
        log_event(LOG_INFO, "host_interface_made", "network=%s interface=%s", tap->network->name, name);
    return 0;
}

int host_taps_open(struct host_taps *taps, const struct rules *rules, uint32_t isolated, struct fault *fault)
{
    *taps = (struct host_taps){0};
    for (unsigned i = 0; i < rules->network_count; i++) {
        struct host_tap *tap = &taps->taps[taps->count];
        int result;

        if (rules->networks[i].attach != ATTACH_PCI || rules->ports.of[i] != i || isolated & 1u << i)
            continue;
        *tap = (struct host_tap){.network = &rules->networks[i], .index = (uint8_t)i};
        result = open_tap(tap, fault);
        if (result < 0) {
            host_taps_close(taps);
            return result;
        }
        taps->count++;
    }
    return 0;
}

bool host_tap_link_is_up(uint16_t port)
{
    struct rte_eth_link link = {0};

    return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static int join(struct host_tap *tap, struct fault *fault)
{
    const char *name = tap->network->interface;
    struct rte_ether_addr mac = {0};
    struct ifreq request = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};
    int result = rte_eth_macaddr_get(tap->port, &mac);

    memcpy(request.ifr_hwaddr.sa_data, mac.addr_bytes, sizeof(mac.addr_bytes));
    if (result == 0)
        result = interface_do(name, SIOCSIFHWADDR, &request);
    request = (struct ifreq){0};
    if (result == 0)
        result = interface_do(name, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    if (result == 0)
        result = interface_do(name, SIOCSIFFLAGS, &request);
    host_tap_set_carrier(tap, host_tap_link_is_up(tap->port));
    return result == 0 ? 0
                       : fault_set(fault, -result, "network %s: interface %s of the host path: %s",
                                   tap->network->name, name, strerror(-result));
}

int host_taps_join(struct host_taps *taps, const struct ports *ports, struct fault *fault)
{
    int result = 0;

    for (unsigned i = 0; i < taps->count && result == 0; i++) {
        taps->taps[i].port = ports->ports[taps->taps[i].index].id;
        result = join(&taps->taps[i], fault);
    }
    return result;
}

struct host_tap *host_taps_of(struct host_taps *taps, uint8_t network)
{
    for (unsigned i = 0; i < taps->count; i++) {
        if (taps->taps[i].index == network)
            return &taps->taps[i];
    }
    return NULL;
}

static void count_refused(struct host_taps *taps, uint8_t network)
{
    uint64_t *word = &taps->counters[network].host_refused;

    __atomic_store_n(word, *word + 1, __ATOMIC_RELAXED);
}

// A virtual NIC gives us packets of other guests whose TCP or UDP sum was never made: the kernel is told to
// take it as its sender's kernel left it, over the pseudo header only.
static struct virtio_net_hdr header_of(const struct rte_mbuf *mbuf)
{
    struct virtio_net_hdr header = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
    struct rte_net_hdr_lens lengths;
    uint32_t kind;

    if ((mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) != RTE_MBUF_F_RX_L4_CKSUM_NONE)
        return header;
    kind = rte_net_get_ptype(mbuf, &lengths, RTE_PTYPE_ALL_MASK) & RTE_PTYPE_L4_MASK;
    if (kind != RTE_PTYPE_L4_TCP && kind != RTE_PTYPE_L4_UDP)
        return header;
    header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.csum_start = (uint16_t)(lengths.l2_len + lengths.l3_len);
    header.csum_offset = kind == RTE_PTYPE_L4_TCP ? offsetof(struct rte_tcp_hdr, cksum)
                                                  : offsetof(struct rte_udp_hdr, dgram_cksum);
    return header;
}

static bool write_frame(const struct host_tap *tap, const struct rte_mbuf *mbuf)
{
    struct virtio_net_hdr header = header_of(mbuf);
    const struct iovec parts[] = {{&header, sizeof(header)},
                                  {rte_pktmbuf_mtod(mbuf, void *), rte_pktmbuf_data_len(mbuf)}};

    return writev(tap->fd, parts, RTE_DIM(parts)) >= 0;
}

// The kernel makes all its sums: nothing else was agreed on with it. Returns octets of the frame, 0: none.
static uint16_t read_frame(const struct host_tap *tap, struct rte_mbuf *mbuf)
{
    struct virtio_net_hdr header;
    const struct iovec parts[] = {{&header, sizeof(header)},
                                  {rte_pktmbuf_mtod(mbuf, void *), rte_pktmbuf_tailroom(mbuf)}};
    ssize_t got = readv(tap->fd, parts, RTE_DIM(parts));

    return got > (ssize_t)sizeof(header) ? (uint16_t)(got - (ssize_t)sizeof(header)) : 0;
}

// Frames of one worker for the kernel. What was written lies ready for what comes, or goes back to be freed.
static unsigned write_frames(struct host_taps *taps, struct host_path_rings *way)
{
    struct rte_mbuf *mbufs[BURST];
    unsigned n, back = 0;

    if (rte_ring_free_count(way->back) < BURST)
        return 0;
    n = rte_ring_sc_dequeue_burst(way->out, (void **)mbufs, BURST, NULL);
    for (unsigned i = 0; i < n; i++) {
        struct packet *packet = packet_of(mbufs[i]);
        const struct host_tap *tap = host_taps_of(taps, packet->network);

        // The interface may be down, or its queue full.
        if (tap != NULL && !write_frame(tap, mbufs[i]))
            count_refused(taps, packet->network);
        if (taps->empty_count < HOST_TAP_EMPTIES) {
            taps->empties[taps->empty_count++] = mbufs[i];
            continue;
        }
        packet->network = HOST_PATH_DONE;
        mbufs[back++] = mbufs[i];
    }
    rte_ring_sp_enqueue_bulk(way->back, (void *const *)mbufs, back, NULL);
    return n;
}

static bool has_empty(struct host_taps *taps, const struct host_path_rings *way)
{
    if (taps->empty_count == 0)
        taps->empty_count =
            rte_ring_sc_dequeue_burst(way->spare, (void **)taps->empties, HOST_TAP_EMPTIES, NULL);
    return taps->empty_count > 0;
}

// What the kernel sends. Without room it waits in the interface's own queue, which drops.
static unsigned read_frames(struct host_taps *taps, struct host_tap *tap)
{
    struct rte_mbuf *mbufs[BURST];
    unsigned n = 0;

    if (rte_ring_free_count(tap->way.back) < BURST)
        return 0;
    while (n < BURST && has_empty(taps, &tap->way)) {
        struct rte_mbuf *mbuf = taps->empties[taps->empty_count - 1];

        rte_pktmbuf_reset(mbuf);
        mbuf->data_len = read_frame(tap, mbuf);
        mbuf->pkt_len = mbuf->data_len;
        if (mbuf->data_len == 0)
            break;
        taps->empty_count--;
        packet_of(mbuf)->network = tap->index;
        mbufs[n++] = mbuf;
    }
    rte_ring_sp_enqueue_bulk(tap->way.back, (void *const *)mbufs, n, NULL);
    return n;
}

static void *move_frames(void *argument)
{
    struct host_taps *taps = argument;
    const struct timespec pause = {.tv_nsec = IDLE_MS * 1000000};
    struct pollfd files[NETWORKS_MAX];
    bool is_ready = false;

    for (unsigned i = 0; i < taps->count; i++)
        files[i] = (struct pollfd){.fd = taps->taps[i].fd, .events = POLLIN};
    while (!atomic_load_explicit(&taps->stop, memory_order_relaxed)) {
        unsigned n = 0;

        for (unsigned i = 0; i < taps->way_count; i++)
            n += write_frames(taps, &taps->ways[i]);
        for (unsigned i = 0; i < taps->count; i++)
            n += read_frames(taps, &taps->taps[i]);
        // What is there and cannot be taken waits: for room in the ring, or for empty mbufs.
        if (n == 0 && is_ready)
            nanosleep(&pause, NULL);
        is_ready = n == 0 && poll(files, taps->count, IDLE_MS) > 0;
        for (unsigned i = 0; i < taps->count && n == 0; i++) {
            if (files[i].revents & POLLERR) // somebody removed the interface
                files[i].fd = -1;
        }
    }
    return NULL;
}

int host_taps_start(struct host_taps *taps, const struct host_taps_workers *workers, struct fault *fault)
{
    int error;

    if (taps->count == 0)
        return 0;
    for (unsigned i = 0; i < workers->count; i++)
        taps->ways[i] = workers->rings[i];
    taps->way_count = workers->count;
    taps->counters = workers->counters;
    for (unsigned i = 0; i < taps->count; i++)
        taps->taps[i].way = taps->ways[workers->owner(workers->count, taps->taps[i].index, 0)];
    error = pthread_create(&taps->thread, NULL, move_frames, taps); // on the agent's CPU, as the agent
    taps->running = error == 0;
    return error == 0 ? 0 : fault_set(fault, error, "host path: no thread: %s", strerror(error));
}

void host_taps_stop(struct host_taps *taps)
{
    if (!taps->running)
        return;
    atomic_store(&taps->stop, true);
    pthread_join(taps->thread, NULL);
    taps->running = false;
    rte_pktmbuf_free_bulk(taps->empties, taps->empty_count); // alone by now
    taps->empty_count = 0;
}

void host_taps_close(struct host_taps *taps)
{
    host_taps_stop(taps);
    for (unsigned i = 0; i < taps->count; i++)
        close(taps->taps[i].fd);
    taps->count = 0;
}
