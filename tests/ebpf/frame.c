// SPDX-License-Identifier: BSD-3-Clause
#include "frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <string.h>

static uint16_t checksum(const uint8_t *octets, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)octets[i] << 8 | octets[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

// Each returns the octets that it wrote.

static size_t put_ethernet(const struct frame_spec *spec, uint8_t *frame, uint16_t type)
{
    struct ethhdr ethernet = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_source = {2, 0, 0, 0, 0, 2}};
    const uint16_t words[] = {htons(spec->tags[1] ? ETH_P_8021AD : ETH_P_8021Q), htons(spec->tags[0]),
                              htons(ETH_P_8021Q), htons(spec->tags[1])};
    size_t tags = spec->tags[1] ? 8 : spec->tags[0] ? 4 : 0;

    type = htons(spec->ether_type ? spec->ether_type : type);
    memcpy(frame, &ethernet, 2 * ETH_ALEN);
    memcpy(frame + 2 * ETH_ALEN, words, tags);
    memcpy(frame + 2 * ETH_ALEN + tags, &type, sizeof(type));
    return sizeof(ethernet) + tags;
}

static size_t put_ipv4(const struct frame_spec *spec, uint8_t *at, size_t behind)
{
    uint8_t version_ihl = spec->version_ihl ? spec->version_ihl : 0x45;
    // A header length below 5 is a lie that is told in the field only.
    size_t length = (version_ihl & 15) < 5 ? 20 : (version_ihl & 15) * 4u;
    struct iphdr ip = {.ttl = 64};

    memcpy(&ip, &version_ihl, 1);
    ip.protocol = spec->protocol ? spec->protocol : IPPROTO_UDP;
    ip.tot_len = htons((uint16_t)(length + behind));
    ip.frag_off = htons(spec->fragment);
    inet_pton(AF_INET, spec->source, &ip.saddr);
    inet_pton(AF_INET, spec->destination, &ip.daddr);
    memcpy(at, &ip, sizeof(ip));
    memset(at + sizeof(ip), 1, length - sizeof(ip)); // NOP options
    ip.check = checksum(at, length);
    memcpy(at, &ip, sizeof(ip));
    return length;
}

static size_t put_ipv6(const struct frame_spec *spec, uint8_t *at, size_t behind)
{
    uint8_t version = spec->version_ihl ? spec->version_ihl : 0x60;
    struct ipv6hdr ip = {.hop_limit = 64};

    memcpy(&ip, &version, 1);
    ip.nexthdr = spec->next == FRAME_HOP ? IPPROTO_HOPOPTS : spec->next ? spec->next : IPPROTO_UDP;
    ip.payload_len = htons((uint16_t)(spec->headers_length + behind));
    inet_pton(AF_INET6, spec->source, &ip.saddr);
    inet_pton(AF_INET6, spec->destination, &ip.daddr);
    memcpy(at, &ip, sizeof(ip));
    if (spec->headers_length)
        memcpy(at + sizeof(ip), spec->headers, spec->headers_length);
    return sizeof(ip) + spec->headers_length;
}

// UDP's checksum, which IPv6 wants (RFC 8200 8.1); with IPv4 there is none. An odd last octet has a zero
// behind it, as the frame has.
static void put_sum(const struct frame_spec *spec, uint8_t *udp, size_t length)
{
    uint8_t pseudo[40 + FRAME_MAX] = {
        [34] = (uint8_t)(length >> 8), [35] = (uint8_t)length, [39] = IPPROTO_UDP};

    inet_pton(AF_INET6, spec->source, pseudo);
    inet_pton(AF_INET6, spec->destination, pseudo + 16);
    memcpy(pseudo + 40, udp, length);
    const uint16_t sum = checksum(pseudo, 40 + (length + 1) / 2 * 2);

    memcpy(udp + 6, &sum, sizeof(sum));
}

// A fragment carries units of 8 octets: zeros follow the text.
static size_t payload_length_of(const struct frame_spec *spec)
{
    size_t length = spec->payload_length ? spec->payload_length : strlen(spec->payload);
    const int is_fragment = (spec->fragment & 0x3fff) || spec->next == IPPROTO_FRAGMENT ||
                            (spec->headers && memchr(spec->headers, IPPROTO_FRAGMENT, spec->headers_length));

    return is_fragment ? (length + 7) / 8 * 8 : length;
}

size_t frame_build(const struct frame_spec *spec, uint8_t frame[FRAME_MAX])
{
    const int ipv6 = strchr(spec->source, ':') != NULL;
    size_t payload_length = payload_length_of(spec);
    struct udphdr udp = {.source = htons(5060), .dest = htons(spec->port)};

    memset(frame, 0, FRAME_MAX);
    size_t length = put_ethernet(spec, frame, ipv6 ? ETH_P_IPV6 : ETH_P_IP);
    length += ipv6 ? put_ipv6(spec, frame + length, sizeof(udp) + payload_length)
                   : put_ipv4(spec, frame + length, sizeof(udp) + payload_length);
    udp.len = htons(spec->udp_length ? spec->udp_length : (uint16_t)(sizeof(udp) + payload_length));
    memcpy(frame + length, &udp, sizeof(udp));
    memcpy(frame + length + sizeof(udp), spec->payload,
           spec->payload_length ? spec->payload_length : strlen(spec->payload));
    if (ipv6)
        put_sum(spec, frame + length, sizeof(udp) + payload_length);
    length += sizeof(udp) + payload_length + spec->pad;
    return spec->cut ? spec->cut : length;
}
