// SPDX-License-Identifier: BSD-3-Clause
#include "announce.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hostnet_message.h"

#define HOPS_OF_ND 255 // RFC 4861 7.1.2: less has passed a router

struct na_frame {
    struct ether_header ethernet;
    struct ip6_hdr ip;
    struct nd_neighbor_advert advert;
    struct nd_opt_hdr option;
    uint8_t mac[6];
} __attribute__((packed));
static_assert(sizeof(struct na_frame) == ANNOUNCE_NA_SIZE, "no room between");
static_assert(sizeof(struct ether_header) + sizeof(struct ether_arp) == ANNOUNCE_ARP_SIZE, "nor here");

// One question for all that is upon an interface.
struct announcing {
    const struct announcer *announcer;
    const char *interface;
    struct hostnet_link links[ANNOUNCE_LINKS];
    unsigned link_count;
    int sent;
};

void announce_arp(uint8_t frame[ANNOUNCE_ARP_SIZE], const uint8_t mac[6], const struct in_addr *address)
{
    struct ether_header ethernet = {.ether_type = htons(ETHERTYPE_ARP)};
    struct ether_arp arp = {.ea_hdr = {htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4, htons(ARPOP_REQUEST)}};

    memset(ethernet.ether_dhost, 0xff, sizeof(ethernet.ether_dhost));
    memcpy(ethernet.ether_shost, mac, sizeof(ethernet.ether_shost));
    memcpy(arp.arp_sha, mac, sizeof(arp.arp_sha));
    memcpy(arp.arp_spa, address, sizeof(arp.arp_spa));
    memcpy(arp.arp_tpa, address, sizeof(arp.arp_tpa));
    memcpy(frame, &ethernet, sizeof(ethernet));
    memcpy(frame + sizeof(ethernet), &arp, sizeof(arp));
}

// RFC 4443 2.3, of an even number of octets. Every word counts the same in either order of octets.
static uint16_t checksum(const struct na_frame *frame)
{
    const uint8_t *octets = (const uint8_t *)&frame->ip.ip6_src;
    uint32_t sum = ntohs(frame->ip.ip6_plen) + IPPROTO_ICMPV6;

    for (const uint8_t *end = (const uint8_t *)(frame + 1); octets < end; octets += 2)
        sum += (uint32_t)octets[0] << 8 | octets[1];
    sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

void announce_na(uint8_t frame[ANNOUNCE_NA_SIZE], const uint8_t mac[6], const struct in6_addr *address,
                 bool is_router)
{
    static const uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
    struct na_frame na = {.ethernet.ether_type = htons(ETHERTYPE_IPV6)};

    memcpy(na.ethernet.ether_dhost, all_nodes, sizeof(all_nodes));
    memcpy(na.ethernet.ether_shost, mac, sizeof(na.ethernet.ether_shost));
    na.ip.ip6_flow = htonl(UINT32_C(6) << 28);
    na.ip.ip6_plen = htons(sizeof(na) - offsetof(struct na_frame, advert));
    na.ip.ip6_nxt = IPPROTO_ICMPV6;
    na.ip.ip6_hlim = HOPS_OF_ND;
    na.ip.ip6_src = *address;
    na.ip.ip6_dst = (struct in6_addr){.s6_addr = {[0] = 0xff, [1] = 0x02, [15] = 1}};
    na.advert.nd_na_type = ND_NEIGHBOR_ADVERT;
    na.advert.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE | (is_router ? ND_NA_FLAG_ROUTER : 0);
    na.advert.nd_na_target = *address;
    na.option = (struct nd_opt_hdr){ND_OPT_TARGET_LINKADDR, 1};
    memcpy(na.mac, mac, sizeof(na.mac));
    na.advert.nd_na_cksum = checksum(&na);
    memcpy(frame, &na, sizeof(na));
}

int announce_open(struct announcer *announcer)
{
    announcer->socket = (struct hostnet_socket){.fd = -1, .stop = -1};
    announcer->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); // receives nothing
    return announcer->fd < 0 ? -errno : 0;
}

void announce_close(struct announcer *announcer)
{
    if (announcer->fd >= 0)
        close(announcer->fd);
    if (announcer->socket.fd >= 0)
        close(announcer->socket.fd);
    announcer->fd = announcer->socket.fd = -1;
}

static int on_link(const struct nlmsghdr *message, void *data)
{
    struct announcing *announcing = data;
    struct hostnet_link *link = &announcing->links[announcing->link_count];
    const size_t length = strlen(announcing->interface);

    if (announcing->link_count == ANNOUNCE_LINKS || hostnet_message_link(message, link) < 0 || !link->up)
        return MNL_CB_OK;
    // A VLAN interface by its parent, one that stands in for one by its name (hostnet_vlan.h).
    if (link->vlan != 0 || (strncmp(link->name, announcing->interface, length) == 0 &&
                            (link->name[length] == '\0' || link->name[length] == '.')))
        announcing->link_count++;
    return MNL_CB_OK;
}

static const struct hostnet_link *by_index(const struct announcing *announcing, int ifindex)
{
    for (unsigned i = 0; i < announcing->link_count; i++) {
        if (announcing->links[i].ifindex == ifindex)
            return &announcing->links[i];
    }
    return NULL;
}

// Two tags are a VLAN interface upon another one.
static bool is_upon(const struct announcing *announcing, const struct hostnet_link *link)
{
    for (unsigned i = 0; i < 3 && link != NULL && link->vlan != 0; i++)
        link = by_index(announcing, link->parent);
    return link != NULL && link->vlan == 0;
}

// A router that says to be none is one no more for who hears it (RFC 4861 7.2.5).
static bool is_router(const char *interface)
{
    char path[64 + IF_NAMESIZE];
    int value = '0';
    FILE *file;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", interface);
    file = fopen(path, "re");
    if (file != NULL) {
        value = fgetc(file);
        fclose(file);
    }
    return value != '0' && value != EOF;
}

static bool send_frame(const struct announcer *announcer, int ifindex, const uint8_t *frame, size_t size)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};

    memcpy(to.sll_addr, frame, 6);
    memcpy(&to.sll_protocol, frame + offsetof(struct ether_header, ether_type), sizeof(to.sll_protocol));
    return sendto(announcer->fd, frame, size, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to)) ==
           (ssize_t)size;
}

static int on_address(const struct nlmsghdr *message, void *data)
{
    struct announcing *announcing = data;
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
    const struct hostnet_link *link;
    struct hostnet_address address;
    uint8_t frame[ANNOUNCE_NA_SIZE];
    size_t size = ANNOUNCE_ARP_SIZE;

    // An address that is not ours yet is none to be announced (RFC 4862 5.4, RFC 4429 3.3).
    if (hostnet_message_address(message, &address) < 0 || !address.usable ||
        (info->ifa_flags & IFA_F_TENTATIVE) != 0)
        return MNL_CB_OK;
    link = by_index(announcing, address.ifindex);
    if (link == NULL || !is_upon(announcing, link))
        return MNL_CB_OK;
    if (ip_is_ipv4(&address.address)) {
        announce_arp(frame, link->mac, &(struct in_addr){htonl(ip_ipv4(&address.address))});
    } else {
        struct in6_addr ipv6;

        memcpy(&ipv6, address.address.octets, sizeof(ipv6));
        announce_na(frame, link->mac, &ipv6, is_router(link->name));
        size = ANNOUNCE_NA_SIZE;
    }
    announcing->sent += send_frame(announcing->announcer, link->ifindex, frame, size);
    return MNL_CB_OK;
}

static int read_table(struct announcing *announcing, struct hostnet_socket *socket, uint16_t type,
                      size_t header, mnl_cb_t callback)
{
    uint8_t buffer[256] = {0};
    struct nlmsghdr *message = hostnet_request(socket, buffer, type, NLM_F_DUMP);

    mnl_nlmsg_put_extra_header(message, header);
    return hostnet_transact(socket, message, callback, announcing);
}

int announce_send(struct announcer *announcer, const char *interface)
{
    struct announcing announcing = {.announcer = announcer, .interface = interface};
    int result;

    if (announcer->fd < 0)
        return -EBADF;
    result = read_table(&announcing, &announcer->socket, RTM_GETLINK, sizeof(struct ifinfomsg), on_link);
    if (result == 0)
        result =
            read_table(&announcing, &announcer->socket, RTM_GETADDR, sizeof(struct ifaddrmsg), on_address);
    return result < 0 ? result : announcing.sent;
}
