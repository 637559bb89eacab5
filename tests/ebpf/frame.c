// SPDX-License-Identifier: BSD-3-Clause
#include "frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
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

size_t frame_build(const struct frame_spec *spec, uint8_t frame[FRAME_MAX])
{
    size_t payload_length = spec->payload_length ? spec->payload_length : strlen(spec->payload);
    uint8_t version_ihl = spec->version_ihl ? spec->version_ihl : 0x45;
    // A header length below 5 is a lie that is told in the field only.
    size_t ip_length = (version_ihl & 15) < 5 ? 20 : (version_ihl & 15) * 4u;
    struct ethhdr ethernet = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_source = {2, 0, 0, 0, 0, 2}};
    struct iphdr ip = {.ttl = 64};
    struct udphdr udp = {.source = htons(5060), .dest = htons(spec->port)};
    size_t length = sizeof(ethernet);

    memset(frame, 0, FRAME_MAX);
    ethernet.h_proto = htons(spec->ether_type ? spec->ether_type : ETH_P_IP);
    memcpy(frame, &ethernet, sizeof(ethernet));

    memcpy(&ip, &version_ihl, 1);
    ip.protocol = spec->protocol ? spec->protocol : IPPROTO_UDP;
    ip.tot_len = htons((uint16_t)(ip_length + sizeof(udp) + payload_length));
    ip.frag_off = htons(spec->fragment);
    inet_pton(AF_INET, spec->source, &ip.saddr);
    inet_pton(AF_INET, spec->destination, &ip.daddr);
    memcpy(frame + length, &ip, sizeof(ip));
    memset(frame + length + sizeof(ip), 1, ip_length - sizeof(ip)); // NOP options
    ip.check = checksum(frame + length, ip_length);
    memcpy(frame + length, &ip, sizeof(ip));
    length += ip_length;

    udp.len = htons(spec->udp_length ? spec->udp_length : (uint16_t)(sizeof(udp) + payload_length));
    memcpy(frame + length, &udp, sizeof(udp)); // checksum 0: none
    length += sizeof(udp);
    memcpy(frame + length, spec->payload, payload_length);
    length += payload_length + spec->pad;
    return spec->cut ? spec->cut : length;
}
