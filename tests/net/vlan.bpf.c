// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// VLANs by tc where the kernel has no VLAN interfaces: at the ingress of a trunk and of each of its ports, as
// a VLAN-aware switch, or as VLAN interfaces upon one. A port says by its index which frames are its own:
// those with one tag have PORT_SINGLE and its identifier, those with two PORT_DOUBLE and the inner one's.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TRUNK       9999
#define PORT_SINGLE 10000
#define PORT_DOUBLE 20000
#define OUTER       4000
#define IDENTIFIER  0x0fff

// The identifier of the outermost tag, which goes; 0: there is none.
static __always_inline __u32 pop(struct __sk_buff *skb)
{
    __u32 identifier = skb->vlan_present ? skb->vlan_tci & IDENTIFIER : 0;

    return skb->vlan_present && bpf_skb_vlan_pop(skb) == 0 ? identifier : 0;
}

SEC("trunk") int from_trunk(struct __sk_buff *skb)
{
    __u32 port = PORT_SINGLE, identifier = pop(skb);

    if (identifier == 0)
        return TC_ACT_OK;
    if (identifier == OUTER) {
        identifier = pop(skb);
        port = PORT_DOUBLE;
    }
    return bpf_redirect(port + identifier, 0);
}

SEC("port") int from_port(struct __sk_buff *skb)
{
    __u32 port = skb->ifindex;

    if (port > PORT_DOUBLE) {
        if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), port - PORT_DOUBLE) ||
            bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), OUTER))
            return TC_ACT_SHOT;
    } else if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), port - PORT_SINGLE)) {
        return TC_ACT_SHOT;
    }
    return bpf_redirect(TRUNK, 0);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
