// SPDX-License-Identifier: BSD-3-Clause
#include <rte_arp.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>
#include "wire.h"

#define BUFFERS      16384u
#define DESCRIPTORS  2048u
#define HEADERS      (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))
#define TIME_TO_LIVE 64

struct port {
    uint16_t id;
    struct rte_ether_addr address;
    struct rte_mbuf *out[WIRE_BURST];
    unsigned out_count;
    struct rte_mbuf *in[WIRE_BURST]; // of the last wire_receive()
    unsigned in_count;
};

struct wire {
    const struct scene *scene;
    struct tally *tally;
    struct rte_mempool *pool;
    struct port ports[SIDES];
    unsigned count;
    struct rte_ether_addr proxy[SIDES];
    bool known[SIDES];
    struct rte_mbuf *room[SIDES]; // handed out by wire_room()
};

static struct port *port_of(struct wire *wire, enum side side)
{
    return &wire->ports[wire->count == 1 ? 0 : side];
}

static bool start(struct wire *wire, struct port *port)
{
    struct rte_eth_conf conf = {0};
    uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
    int socket = (int)rte_socket_id();
    if (rte_eth_dev_configure(port->id, 1, 1, &conf) != 0 ||
        rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx) != 0 ||
        rte_eth_rx_queue_setup(port->id, 0, rx, (unsigned)socket, NULL, wire->pool) != 0 ||
        rte_eth_tx_queue_setup(port->id, 0, tx, (unsigned)socket, NULL) != 0 ||
        rte_eth_dev_start(port->id) != 0 || rte_eth_macaddr_get(port->id, &port->address) != 0) {
        fprintf(stderr, "callgen: port %u cannot be set up: the lines above say why\n", port->id);
        return false;
    }
    // A loop of rings has no address, and needs none that differs.
    return true;
}

struct wire *wire_create(const struct scene *scene, struct tally *tally)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    uint16_t id;
    if (wire == NULL)
        return NULL;
    wire->scene = scene;
    wire->tally = tally;
    wire->pool =
        rte_pktmbuf_pool_create("callgen", BUFFERS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (wire->pool == NULL)
        fprintf(stderr, "callgen: no memory for %u buffers: give the EAL more (-m)\n", BUFFERS);
    RTE_ETH_FOREACH_DEV(id)
    {
        if (wire->pool == NULL || wire->count == SIDES)
            break;
        wire->ports[wire->count].id = id;
        if (!start(wire, &wire->ports[wire->count]))
            break;
        wire->count++;
    }
    if (wire->count == rte_eth_dev_count_avail() && wire->count > 0)
        return wire;
    if (wire->pool != NULL && wire->count == 0 && rte_eth_dev_count_avail() == 0)
        fprintf(stderr, "callgen: no port: give one or two to the EAL, behind --, such as --vdev "
                        "net_af_xdp0,iface=eth0\n");
    wire_destroy(wire);
    return NULL;
}

void wire_destroy(struct wire *wire)
{
    for (unsigned i = 0; i < wire->count; i++) {
        rte_pktmbuf_free_bulk(wire->ports[i].in, wire->ports[i].in_count);
        rte_pktmbuf_free_bulk(wire->ports[i].out, wire->ports[i].out_count);
        rte_eth_dev_stop(wire->ports[i].id);
        rte_eth_dev_close(wire->ports[i].id);
    }
    for (unsigned side = 0; side < SIDES; side++)
        rte_pktmbuf_free(wire->room[side]);
    rte_mempool_free(wire->pool);
    free(wire);
}

unsigned wire_ports(const struct wire *wire)
{
    return wire->count;
}

static void flush(struct wire *wire, struct port *port)
{
    unsigned sent = 0, tries = 0;
    // A ring that is full empties as the kernel works; what it does not take then is lost, as on any wire.
    while (sent < port->out_count && tries++ < 16)
        sent += rte_eth_tx_burst(port->id, 0, port->out + sent, (uint16_t)(port->out_count - sent));
    wire->tally->counts[TALLY_PACKETS_SENT] += sent;
    wire->tally->counts[TALLY_PACKETS_NOT_SENT] += port->out_count - sent;
    rte_pktmbuf_free_bulk(port->out + sent, port->out_count - sent);
    port->out_count = 0;
}

static void push(struct wire *wire, struct port *port, struct rte_mbuf *mbuf)
{
    port->out[port->out_count++] = mbuf;
    if (port->out_count == WIRE_BURST)
        flush(wire, port);
}

void wire_flush(struct wire *wire)
{
    for (unsigned i = 0; i < wire->count; i++)
        if (wire->ports[i].out_count > 0)
            flush(wire, &wire->ports[i]);
}

// --- ARP (RFC 826) ---

static void send_arp(struct wire *wire, struct port *port, const struct rte_arp_hdr *arp,
                     const struct rte_ether_addr *to)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(wire->pool);
    if (mbuf == NULL)
        return;
    struct rte_ether_hdr *ether = (void *)rte_pktmbuf_append(mbuf, sizeof(*ether) + sizeof(*arp));
    ether->dst_addr = *to;
    ether->src_addr = port->address;
    ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
    memcpy(ether + 1, arp, sizeof(*arp));
    push(wire, port, mbuf);
}

static bool ours(const struct wire *wire, const struct port *port, uint32_t address)
{
    for (unsigned side = 0; side < SIDES; side++)
        for (unsigned i = 0; i < wire->scene->counts[side]; i++)
            if (wire->scene->sides[side][i].address == address &&
                (wire->count == 1 || port == &wire->ports[side]))
                return true;
    return false;
}

static void on_arp(struct wire *wire, struct port *port, const struct rte_mbuf *mbuf)
{
    const struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(mbuf, void *, sizeof(struct rte_ether_hdr));
    if (mbuf->data_len < sizeof(struct rte_ether_hdr) + sizeof(*arp) ||
        arp->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
        arp->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
        return;
    uint32_t sender = rte_be_to_cpu_32(arp->arp_data.arp_sip),
             target = rte_be_to_cpu_32(arp->arp_data.arp_tip);
    for (unsigned side = 0; side < SIDES; side++)
        if (port == port_of(wire, side) && sender == wire->scene->proxy[side].address) {
            wire->proxy[side] = arp->arp_data.arp_sha;
            wire->known[side] = true;
        }
    if (arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) || !ours(wire, port, target))
        return;
    struct rte_arp_hdr answer = *arp;
    answer.arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
    answer.arp_data.arp_tha = arp->arp_data.arp_sha;
    answer.arp_data.arp_tip = arp->arp_data.arp_sip;
    answer.arp_data.arp_sha = port->address;
    answer.arp_data.arp_sip = arp->arp_data.arp_tip;
    send_arp(wire, port, &answer, &arp->arp_data.arp_sha);
}

static void ask(struct wire *wire, enum side side)
{
    static const struct rte_ether_addr all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    struct port *port = port_of(wire, side);
    struct rte_arp_hdr arp = {
        .arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
        .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
        .arp_hlen = RTE_ETHER_ADDR_LEN,
        .arp_plen = sizeof(uint32_t),
        .arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REQUEST),
        .arp_data = {.arp_sha = port->address,
                     .arp_sip = rte_cpu_to_be_32(wire->scene->sides[side][0].address),
                     .arp_tip = rte_cpu_to_be_32(wire->scene->proxy[side].address)},
    };
    send_arp(wire, port, &arp, &all);
}

bool wire_ready(struct wire *wire)
{
    bool ready = true;
    for (unsigned side = 0; side < SIDES; side++) {
        if (wire->known[side])
            continue;
        ask(wire, side);
        ready = false;
    }
    wire_flush(wire);
    return ready;
}

// --- datagrams ---

static bool whole(const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
    size_t length = rte_be_to_cpu_16(ip->total_length);
    return ip->version_ihl == RTE_IPV4_VHL_DEF && ip->next_proto_id == IPPROTO_UDP &&
           (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) == 0 &&
           length >= sizeof(*ip) + sizeof(struct rte_udp_hdr) &&
           length + sizeof(struct rte_ether_hdr) <= mbuf->data_len;
}

// False: it is not for us.
static bool find_place(const struct wire *wire, const struct port *port, const struct rte_ipv4_hdr *ip,
                       struct datagram *datagram)
{
    const struct rte_udp_hdr *udp = (const void *)(ip + 1);
    for (unsigned side = 0; side < SIDES; side++) {
        if (wire->count != 1 && port != &wire->ports[side])
            continue;
        int place =
            scene_find(wire->scene, side, rte_be_to_cpu_32(ip->dst_addr), rte_be_to_cpu_16(udp->dst_port));
        if (place < 0)
            continue;
        datagram->side = side;
        datagram->place = (unsigned)place;
        return true;
    }
    return false;
}

// RFC 768; 0: the sender made none.
static bool sum_holds(const struct rte_ipv4_hdr *ip, const struct rte_udp_hdr *udp)
{
    uint32_t sum =
        rte_ipv4_phdr_cksum(ip, 0) + (uint32_t)rte_raw_cksum(udp, rte_be_to_cpu_16(udp->dgram_len));
    sum = (sum & 0xffff) + (sum >> 16);
    return udp->dgram_cksum == 0 || sum == 0xffff;
}

// Only the proxy sends here. Without one its place is the far side's.
static bool from_proxy(const struct wire *wire, const struct rte_ipv4_hdr *ip, enum side side)
{
    const struct rte_udp_hdr *udp = (const void *)(ip + 1);
    const struct place *proxy = &wire->scene->proxy[side];
    uint32_t address = rte_be_to_cpu_32(ip->src_addr);
    uint16_t port = rte_be_to_cpu_16(udp->src_port);
    return (address == proxy->address && port == proxy->port) ||
           (wire->scene->direct && scene_find(wire->scene, far_side(side), address, port) >= 0);
}

static bool take(struct wire *wire, struct port *port, const struct rte_mbuf *mbuf, struct datagram *datagram)
{
    const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = (const void *)(ether + 1);
    const struct rte_udp_hdr *udp = (const void *)(ip + 1);
    if (mbuf->nb_segs != 1 || mbuf->data_len < sizeof(*ether))
        return false;
    if (ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
        on_arp(wire, port, mbuf);
        return false;
    }
    if (mbuf->data_len < HEADERS || ether->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ||
        !whole(mbuf, ip) || !find_place(wire, port, ip, datagram)) {
        tally_count(wire->tally, TALLY_PACKETS_OF_OTHERS);
        return false;
    }
    size_t length = rte_be_to_cpu_16(ip->total_length) - sizeof(*ip) - sizeof(*udp);
    datagram->octets = (struct span){(const char *)(udp + 1), length};
    tally_count(wire->tally, TALLY_PACKETS_RECEIVED);
    if (rte_be_to_cpu_16(udp->dgram_len) != length + sizeof(*udp) || rte_ipv4_cksum(ip) != 0 ||
        !sum_holds(ip, udp))
        tally_finding(wire->tally, FINDING_CHECKSUM, datagram->octets);
    else if (!from_proxy(wire, ip, datagram->side))
        tally_finding(wire->tally, FINDING_STRANGE_SOURCE, datagram->octets);
    else
        return true;
    return false;
}

unsigned wire_receive(struct wire *wire, unsigned index, struct datagram datagrams[WIRE_BURST])
{
    struct port *port = &wire->ports[index];
    unsigned count = 0;
    rte_pktmbuf_free_bulk(port->in, port->in_count);
    port->in_count = rte_eth_rx_burst(port->id, 0, port->in, WIRE_BURST);
    for (unsigned i = 0; i < port->in_count; i++)
        rte_prefetch0(rte_pktmbuf_mtod(port->in[i], void *));
    for (unsigned i = 0; i < port->in_count; i++)
        count += take(wire, port, port->in[i], &datagrams[count]);
    return count;
}

char *wire_room(struct wire *wire, enum side side)
{
    if (wire->room[side] == NULL)
        wire->room[side] = rte_pktmbuf_alloc(wire->pool);
    if (wire->room[side] == NULL) {
        tally_count(wire->tally, TALLY_PACKETS_NOT_SENT);
        return NULL;
    }
    return rte_pktmbuf_mtod_offset(wire->room[side], char *, HEADERS);
}

void wire_send(struct wire *wire, enum side side, unsigned index, size_t length)
{
    struct rte_mbuf *mbuf = wire->room[side];
    struct port *port = port_of(wire, side);
    const struct place *place = &wire->scene->sides[side][index], *proxy = &wire->scene->proxy[side];
    struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
    struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
    wire->room[side] = NULL;
    ether->dst_addr = wire->proxy[side];
    ether->src_addr = port->address;
    ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
    *ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
                                .total_length =
                                    rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + sizeof(*udp) + length)),
                                .time_to_live = TIME_TO_LIVE,
                                .fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
                                .next_proto_id = IPPROTO_UDP,
                                .src_addr = rte_cpu_to_be_32(place->address),
                                .dst_addr = rte_cpu_to_be_32(proxy->address)};
    ip->hdr_checksum = rte_ipv4_cksum(ip);
    *udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(place->port),
                                .dst_port = rte_cpu_to_be_16(proxy->port),
                                .dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + length))};
    udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
    mbuf->data_len = (uint16_t)(HEADERS + length);
    mbuf->pkt_len = mbuf->data_len;
    push(wire, port, mbuf);
}
