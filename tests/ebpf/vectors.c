// SPDX-License-Identifier: BSD-3-Clause
#include "vectors.h"

#include <string.h>
#include "fixture.h"

#define TEN  "ABCDEFGHIJ"
#define REST "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK776asdhds\r\n"

#define FROM(source_, payload_)                                                                              \
    {                                                                                                        \
        .source = source_, .destination = US, .port = 5060, .payload = payload_                              \
    }
#define WITH(source_, payload_, ...)                                                                         \
    {                                                                                                        \
        .source = source_, .destination = US, .port = 5060, .payload = payload_, __VA_ARGS__                 \
    }
#define WITH6(source_, payload_, ...)                                                                        \
    {                                                                                                        \
        .source = source_, .destination = US6, .port = 5060, .payload = payload_, __VA_ARGS__                \
    }
// The octets of headers with their count.
#define HEADERS(source_, payload_, first_, octets_)                                                          \
    WITH6(source_, payload_, .next = first_, .headers = octets_, .headers_length = sizeof(octets_) - 1)
#define WITHIN(source_, destination_, payload_, ...)                                                         \
    {                                                                                                        \
        .source = source_, .destination = destination_, .port = 5060, .payload = payload_, __VA_ARGS__       \
    }
#define TO(destination_, port_)                                                                              \
    {                                                                                                        \
        .source = PEER, .destination = destination_, .port = port_, .payload = OPTIONS                       \
    }
#define IS(reason_) PREFILTER_REASON_##reason_, 0, NULL
// With a ban of so many bits of this address, NULL: the source.
#define IS_BY(reason_, bits_, address_) PREFILTER_REASON_##reason_, bits_, address_

// An options header of 8 octets: its next header, padding.
#define OCTET_17     "\x11"
#define OCTET_44     "\x2c"
#define OCTET_59     "\x3b"
#define OCTET_60     "\x3c"
#define OPTION(next) OCTET_##next "\0\1\4\0\0\0\0"
#define ZEROS        "\0\0\0\0\0\0\0\0"
#define SIX_OPTIONS  OPTION(60) OPTION(60) OPTION(60) OPTION(60) OPTION(60) OPTION(60)

const struct vector vectors[] = {
    // Whose packet it is.
    {"listener's address and port", TO(US, 5060), 0, IS(REDIRECTED)},
    {"second port of the address", TO(US, 5080), 0, IS(REDIRECTED)},
    {"port of no listener", TO(US, 5061), 0, IS(PASSED_TO_KERNEL)},
    {"port 0", TO(US, 0), 0, IS(PASSED_TO_KERNEL)},
    {"address of no listener", TO("192.0.2.2", 5060), 0, IS(PASSED_TO_KERNEL)},
    {"listener of another network", TO("192.0.2.9", 5060), 0, IS(PASSED_TO_KERNEL)},
    {"not SIP to another port",
     {.source = PEER, .destination = US, .port = 53, .payload = "hello"},
     0,
     IS(PASSED_TO_KERNEL)},
    {"ARP", WITH(PEER, OPTIONS, .ether_type = 0x0806), 0, IS(PASSED_TO_KERNEL)},
    {"TCP", WITH(PEER, OPTIONS, .protocol = 6), 0, IS(PASSED_TO_KERNEL)},
    {"ICMP", WITH(PEER, OPTIONS, .protocol = 1), 0, IS(PASSED_TO_KERNEL)},
    {"version 6 under IPv4's ether type", WITH(PEER, OPTIONS, .version_ihl = 0x65), 0, IS(PASSED_TO_KERNEL)},
    {"header length 4 words", WITH(PEER, OPTIONS, .version_ihl = 0x44), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the Ethernet header", WITH(PEER, OPTIONS, .cut = 14), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the IPv4 header", WITH(PEER, OPTIONS, .cut = 33), 0, IS(PASSED_TO_KERNEL)},
    {"ends after the IPv4 header", WITH(PEER, OPTIONS, .cut = 34), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the UDP header", WITH(PEER, OPTIONS, .cut = 41), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the options", WITH(PEER, OPTIONS, .version_ihl = 0x4f, .cut = 60), 0, IS(PASSED_TO_KERNEL)},
    {"IPv4 options of 4 octets", WITH(PEER, OPTIONS, .version_ihl = 0x46), 0, IS(REDIRECTED)},
    {"IPv4 options of 40 octets", WITH(PEER, OPTIONS, .version_ihl = 0x4f), 0, IS(REDIRECTED)},
    {"do not fragment", WITH(PEER, OPTIONS, .fragment = 0x4000), 0, IS(REDIRECTED)},

    // Payloads that are long enough to be looked at in place, at each offset that they may have there.
    {"long INVITE", FROM(PEER, INVITE REST), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"long OPTIONS", FROM(PEER, OPTIONS REST), NO_INVITE, IS(REDIRECTED)},
    {"long ACK", FROM(PEER, "ACK sip:x SIP/2.0\r\n" REST), NO_INVITE, IS(REDIRECTED)},
    {"long BYE", FROM(PEER, "BYE sip:x SIP/2.0\r\n" REST), NO_INVITE, IS(REDIRECTED)},
    {"long response", FROM(PEER, "SIP/2.0 200 OK\r\n" REST), NO_INVITE, IS(REDIRECTED)},
    {"long response in small letters", FROM(PEER, "sip/2.0 200 OK\r\n" REST), 0, IS(REDIRECTED)},
    {"long, a method that begins as INVITE does", FROM(PEER, "INVITEE sip:x SIP/2.0\r\n" REST), NO_INVITE,
     IS(REDIRECTED)},
    {"long, a method that begins as ACK does", FROM(PEER, "ACKS sip:x SIP/2.0\r\n" REST), 0, IS(REDIRECTED)},
    {"long, a method and no space", FROM(PEER, "BYE\tsip:x SIP/2.0\r\n" REST), 0, IS(NOT_SIP)},
    {"long, another version", FROM(PEER, "SIP/3.0 200 OK\r\n" REST), 0, IS(NOT_SIP)},
    {"long, behind a CRLF", FROM(PEER, "\r\n" INVITE REST), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"long, not SIP", FROM(PEER, "<" REST), 0, IS(NOT_SIP)},
    {"tagged, long INVITE", WITH(PEER, INVITE REST, .tags = {FRAME_TAG | 5}), TAGGED | NO_INVITE,
     IS(PEER_INVITE_RATE)},
    {"tagged, long, not SIP", WITH(PEER, "<" REST, .tags = {FRAME_TAG | 5}), TAGGED, IS(NOT_SIP)},
    {"IPv6 long INVITE", WITH6(PEER6, INVITE REST), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"IPv6 long, not SIP", WITH6(PEER6, "<" REST), 0, IS(NOT_SIP)},
    {"tagged IPv6, long INVITE", WITH6(PEER6, INVITE REST, .tags = {FRAME_TAG | 5}), TAGGED | NO_INVITE,
     IS(PEER_INVITE_RATE)},
    {"tagged IPv6, long, not SIP", WITH6(PEER6, "<" REST, .tags = {FRAME_TAG | 5}), TAGGED, IS(NOT_SIP)},
    {"tagged TCP", WITH(PEER, OPTIONS REST, .tags = {FRAME_TAG | 5}, .protocol = 6), TAGGED,
     IS(PASSED_TO_KERNEL)},
    {"tagged, ends in the UDP header", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5}, .cut = 45), TAGGED,
     IS(PASSED_TO_KERNEL)},

    // Tags: the network has none, another one of its interface is in VLAN 7.
    {"VLAN tag", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5}), 0, IS(PASSED_TO_KERNEL)},
    {"priority tag is none", WITH(PEER, OPTIONS, .tags = {FRAME_TAG}), 0, IS(REDIRECTED)},
    {"two priority tags", WITH(PEER, OPTIONS, .tags = {FRAME_TAG, FRAME_TAG}), 0, IS(REDIRECTED)},
    {"two tags", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5, FRAME_TAG | 6}), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the tag", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5}, .cut = 15), 0, IS(PASSED_TO_KERNEL)},
    {"IPv4 under IPv6's ether type", WITH(PEER, OPTIONS, .ether_type = 0x86dd), 0, IS(PASSED_TO_KERNEL)},
    {"tag's ether type without a tag", WITH(PEER, OPTIONS, .ether_type = 0x8100), 0, IS(PASSED_TO_KERNEL)},
    {"tag of our VLAN", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5}), TAGGED, IS(REDIRECTED)},
    {"its priority means nothing", WITH(PEER, OPTIONS, .tags = {0xe000 | FRAME_TAG | 5}), TAGGED,
     IS(REDIRECTED)},
    {"tag of another VLAN", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 6}), TAGGED, IS(PASSED_TO_KERNEL)},
    {"no tag where there should be one", FROM(PEER, OPTIONS), TAGGED, IS(PASSED_TO_KERNEL)},
    {"outer tag too many", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 9, FRAME_TAG | 5}), TAGGED,
     IS(PASSED_TO_KERNEL)},
    {"tagged and not SIP", WITH(PEER, "x", .tags = {FRAME_TAG | 5}), TAGGED, IS(NOT_SIP)},
    {"tagged, with options", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5}, .version_ihl = 0x46), TAGGED,
     IS(REDIRECTED)},
    {"tagged IPv6", WITH6(PEER6, OPTIONS, .tags = {FRAME_TAG | 5}), TAGGED, IS(REDIRECTED)},
    {"both tags", WITH(PEER, INVITE, .tags = {FRAME_TAG | 9, FRAME_TAG | 5}), TAGGED_TWICE, IS(REDIRECTED)},
    {"both tags, INVITEs above their rate", WITH(PEER, INVITE, .tags = {FRAME_TAG | 9, FRAME_TAG | 5}),
     TAGGED_TWICE | NO_INVITE, IS(PEER_INVITE_RATE)},
    {"both tags the wrong way round", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5, FRAME_TAG | 9}),
     TAGGED_TWICE, IS(PASSED_TO_KERNEL)},
    {"inner tag alone", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 5}), TAGGED_TWICE, IS(PASSED_TO_KERNEL)},
    {"another VLAN of the interface", WITHIN(PEER, OTHER, OPTIONS, .tags = {FRAME_TAG | 7}), 0,
     IS(REDIRECTED)},
    {"both networks tagged", WITHIN(PEER, OTHER, OPTIONS, .tags = {FRAME_TAG | 7}), TAGGED, IS(REDIRECTED)},
    {"its address without the tag", WITHIN(PEER, OTHER, OPTIONS, ), 0, IS(PASSED_TO_KERNEL)},
    {"its address in the first VLAN", WITHIN(PEER, OTHER, OPTIONS, .tags = {FRAME_TAG | 5}), TAGGED,
     IS(PASSED_TO_KERNEL)},
    {"the first's address in its VLAN", WITH(PEER, OPTIONS, .tags = {FRAME_TAG | 7}), 0,
     IS(PASSED_TO_KERNEL)},
    {"fragment in another VLAN", WITHIN(PEER, OTHER, OPTIONS, .tags = {FRAME_TAG | 7}, .fragment = 0x2010), 0,
     IS(REDIRECTED)},
    {"fragment without its tag", WITHIN(PEER, OTHER, OPTIONS, .fragment = 0x2010), 0, IS(PASSED_TO_KERNEL)},
    {"IPv6 in another VLAN", WITHIN(PEER6, OTHER6, OPTIONS, .tags = {FRAME_TAG | 7}), 0, IS(REDIRECTED)},
    {"IPv6 without its tag", WITHIN(PEER6, OTHER6, OPTIONS, ), 0, IS(PASSED_TO_KERNEL)},
    {"rules are the same in another VLAN", WITHIN(PEER, OTHER, INVITE, .tags = {FRAME_TAG | 7}), NO_INVITE,
     IS(PEER_INVITE_RATE)},

    // Fragments.
    {"first fragment", WITH(PEER, OPTIONS, .fragment = 0x2000), 0, IS(REDIRECTED)},
    {"middle fragment", WITH(PEER, OPTIONS, .fragment = 0x2010), 0, IS(REDIRECTED)},
    {"last fragment", WITH(PEER, OPTIONS, .fragment = 0x0010), 0, IS(REDIRECTED)},
    {"fragment without octets", WITH(PEER, "", .fragment = 0x0010, .cut = 34), 0, IS(REDIRECTED)},
    {"first fragment without a whole UDP header", WITH(PEER, OPTIONS, .fragment = 0x2000, .cut = 41), 0,
     IS(REDIRECTED)},
    {"first fragment that is not SIP", WITH(PEER, "x", .fragment = 0x2000), 0, IS(NOT_SIP)},
    {"middle fragment is not asked for SIP", WITH(PEER, "x", .fragment = 0x2010), 0, IS(REDIRECTED)},
    {"first fragment of an INVITE is an INVITE", WITH(PEER, INVITE, .fragment = 0x2000), NO_INVITE,
     IS(PEER_INVITE_RATE)},
    {"first fragment above the peer's rate", WITH(PEER, OPTIONS, .fragment = 0x2000), NO_PEER, IS(PEER_RATE)},
    {"middle fragment has a budget of its own", WITH(PEER, OPTIONS, .fragment = 0x2010), NO_PEER | NO_INVITE,
     IS(REDIRECTED)},
    {"first fragment above the peer's rate of fragments", WITH(PEER, OPTIONS, .fragment = 0x2000),
     NO_FRAGMENT, IS(PEER_FRAGMENT_RATE)},
    {"last fragment above the peer's rate of fragments", WITH(PEER, OPTIONS, .fragment = 0x0010), NO_FRAGMENT,
     IS(PEER_FRAGMENT_RATE)},
    {"whole datagram while fragments do not pass", FROM(PEER, OPTIONS), NO_FRAGMENT, IS(REDIRECTED)},
    {"fragment with a peer's budget in dry-run", WITH(PEER, OPTIONS, .fragment = 0x0010),
     NO_FRAGMENT | DRY_RUN, IS(DRY_RUN_PEER_FRAGMENT_RATE)},
    {"stranger's fragment", WITH(STRANGER, OPTIONS, .fragment = 0x0010), NO_STRANGERS | NO_OWN,
     IS(REDIRECTED)},
    {"stranger's first fragment is held to its rate", WITH(STRANGER, OPTIONS, .fragment = 0x2000), NO_OWN,
     IS(STRANGER_RATE)},
    {"stranger's fragment above the rate of fragments", WITH(STRANGER, OPTIONS, .fragment = 0x0010),
     NO_STRANGERS_FRAGMENT, IS(STRANGERS_FRAGMENT_RATE)},
    {"a peer's fragment has nothing to do with strangers'", WITH(PEER, OPTIONS, .fragment = 0x0010),
     NO_STRANGERS_FRAGMENT, IS(REDIRECTED)},
    {"strangers' fragments in dry-run", WITH(STRANGER, OPTIONS, .fragment = 0x0010),
     NO_STRANGERS_FRAGMENT | DRY_RUN, IS(DRY_RUN_STRANGERS_FRAGMENT_RATE)},
    {"fragment from a denied prefix", WITH(DENIED, OPTIONS, .fragment = 0x0010), 0, IS(DENIED)},
    {"fragment from a banned source", WITH(PEER, OPTIONS, .fragment = 0x0010), BAN, IS(BANNED)},
    {"first fragment to another port",
     {.source = PEER, .destination = US, .port = 9, .payload = "x", .fragment = 0x2000},
     0,
     IS(REDIRECTED)},
    {"first fragment to another port above the rate of fragments",
     {.source = PEER, .destination = US, .port = 9, .payload = "x", .fragment = 0x2000},
     NO_FRAGMENT,
     IS(PEER_FRAGMENT_RATE)},
    {"fragment with options", WITH(PEER, OPTIONS, .fragment = 0x0010, .version_ihl = 0x46), 0,
     IS(REDIRECTED)},
    {"fragment of TCP", WITH(PEER, OPTIONS, .fragment = 0x2000, .protocol = 6), 0, IS(PASSED_TO_KERNEL)},
    {"fragment to another address",
     {.source = PEER, .destination = "192.0.2.2", .port = 5060, .payload = OPTIONS, .fragment = 0x2000},
     0,
     IS(PASSED_TO_KERNEL)},
    {"middle fragment to another address",
     {.source = PEER, .destination = "192.0.2.2", .port = 5060, .payload = OPTIONS, .fragment = 0x0010},
     0,
     IS(PASSED_TO_KERNEL)},
    {"fragment with mode off", WITH(PEER, OPTIONS, .fragment = 0x2000), OFF | NO_FRAGMENT, IS(REDIRECTED)},

    // IPv6.
    {"IPv6", WITH6(PEER6, OPTIONS), 0, IS(REDIRECTED)},
    {"IPv6 INVITE", WITH6(PEER6, INVITE), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"IPv6 response", WITH6(PEER6, "SIP/2.0 200 OK\r\n"), NO_INVITE, IS(REDIRECTED)},
    {"IPv6 keepalive", WITH6(PEER6, "\r\n\r\n"), 0, IS(REDIRECTED)},
    {"IPv6, not SIP", WITH6(PEER6, "x"), 0, IS(NOT_SIP)},
    {"IPv6 port of no listener",
     {.source = PEER6, .destination = US6, .port = 5061, .payload = OPTIONS},
     0,
     IS(PASSED_TO_KERNEL)},
    {"IPv6 address of no listener",
     {.source = PEER6, .destination = "2001:db8::2", .port = 5060, .payload = OPTIONS},
     0,
     IS(PASSED_TO_KERNEL)},
    {"IPv6 of another version", WITH6(PEER6, OPTIONS, .version_ihl = 0x45), 0, IS(PASSED_TO_KERNEL)},
    {"IPv6 TCP", WITH6(PEER6, OPTIONS, .next = 6), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the IPv6 header", WITH6(PEER6, OPTIONS, .cut = 53), 0, IS(PASSED_TO_KERNEL)},
    {"ends in the UDP header of IPv6", WITH6(PEER6, OPTIONS, .cut = 61), 0, IS(PASSED_TO_KERNEL)},
    {"mapped source", WITH6("::ffff:198.51.100.1", OPTIONS), 0, IS(PASSED_TO_KERNEL)},
    {"mapped destination",
     {.source = PEER6, .destination = "::ffff:192.0.2.1", .port = 5060, .payload = OPTIONS},
     0,
     IS(PASSED_TO_KERNEL)},
    {"IPv6 denied prefix", WITH6("2001:db8:d:1::5", OPTIONS), 0, IS(DENIED)},
    {"IPv6 peer inside a denied prefix", WITH6("2001:db8:d:9::5", OPTIONS), NO_STRANGERS, IS(REDIRECTED)},
    {"IPv6 denied inside a peer's prefix", WITH6("2001:db8:7:ff::5", OPTIONS), 0, IS(DENIED)},
    {"IPv6 banned", WITH6(PEER6, OPTIONS), BAN, IS(BANNED)},
    {"IPv6, another address of the banned /64", WITH6(STRANGER6, OPTIONS), BAN,
     IS_BY(BANNED, 64, "2001:db8:f:1:9::1")},
    {"IPv6, ban of the next /64", WITH6(STRANGER6, OPTIONS), BAN, IS_BY(REDIRECTED, 64, "2001:db8:f:2::1")},
    {"IPv6, ban of a /48 from before source_prefix was changed", WITH6(STRANGER6, OPTIONS), BAN,
     IS_BY(BANNED, 48, NULL)},
    {"IPv6, ban of the address alone", WITH6(STRANGER6, OPTIONS), BAN, IS_BY(BANNED, 128, NULL)},
    {"IPv6, ban of another address alone", WITH6(STRANGER6, OPTIONS), BAN,
     IS_BY(REDIRECTED, 128, "2001:db8:f:1::78")},
    {"IPv6, ban of a /64 that has the octets of our /48", WITH6(STRANGER6, OPTIONS), BAN,
     IS_BY(REDIRECTED, 64, "2001:db8:f::")},
    {"IPv6 stranger", WITH6(STRANGER6, INVITE), 0, IS(REDIRECTED)},
    {"IPv6 stranger above its rate", WITH6(STRANGER6, OPTIONS), NO_OWN, IS(STRANGER_RATE)},
    {"another address of its /64 is the same stranger", WITH6("2001:db8:f:1:9::1", OPTIONS), NO_OWN,
     IS(STRANGER_RATE)},
    {"another /64 is another stranger", WITH6("2001:db8:f:2::77", OPTIONS), NO_OWN | NO_STRANGERS,
     IS(STRANGERS_RATE)},
    {"IPv6 in dry-run", WITH6(PEER6, "x"), DRY_RUN, IS(DRY_RUN_NOT_SIP)},
    {"IPv6 with mode off", WITH6(PEER6, "x"), OFF, IS(REDIRECTED)},

    // Extension headers: hop-by-hop 0, routing 43, fragment 44, destination options 60; UDP is 17.
    {"hop-by-hop options", HEADERS(PEER6, OPTIONS, FRAME_HOP, OPTION(17)), 0, IS(REDIRECTED)},
    {"destination options of 16 octets", HEADERS(PEER6, OPTIONS, 60, "\x11\1\1\14" ZEROS "\0\0\0\0"), 0,
     IS(REDIRECTED)},
    {"INVITE behind options", HEADERS(PEER6, INVITE, 60, OPTION(17)), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"routing header that is done", HEADERS(PEER6, OPTIONS, 43, "\x11\0\4\0\0\0\0\0"), 0, IS(REDIRECTED)},
    {"routing header with segments left", HEADERS(PEER6, OPTIONS, 43, "\x11\0\4\1\0\0\0\0"), 0,
     IS(PASSED_TO_KERNEL)},
    {"routing header of type 0 at its end", HEADERS(PEER6, OPTIONS, 43, "\x11\0\0\0\0\0\0\0"), 0,
     IS(REDIRECTED)},
    {"routing header of type 0 with segments left", HEADERS(PEER6, OPTIONS, 43, "\x11\0\0\1\0\0\0\0"), 0,
     IS(PASSED_TO_KERNEL)},
    {"eight headers", HEADERS(PEER6, OPTIONS, 60, SIX_OPTIONS OPTION(60) OPTION(17)), 0, IS(REDIRECTED)},
    {"nine headers", HEADERS(PEER6, OPTIONS, 60, SIX_OPTIONS OPTION(60) OPTION(60) OPTION(17)), 0,
     IS(PASSED_TO_KERNEL)},
    {"authentication header", HEADERS(PEER6, OPTIONS, 51, "\x11\0\0\0\0\0\0\0"), 0, IS(PASSED_TO_KERNEL)},
    {"no next header", HEADERS(PEER6, OPTIONS, 60, OPTION(59)), 0, IS(PASSED_TO_KERNEL)},
    {"header longer than the frame", HEADERS(PEER6, OPTIONS, 60, "\x11\xff\1\4\0\0\0\0"), 0,
     IS(PASSED_TO_KERNEL)},
    {"ends in an extension header",
     WITH6(PEER6, OPTIONS, .next = 60, .headers = OPTION(17), .headers_length = 8, .cut = 58), 0,
     IS(PASSED_TO_KERNEL)},
    {"atomic fragment", HEADERS(PEER6, OPTIONS, 44, "\x11\0\0\0\0\0\0\7"), NO_FRAGMENT, IS(REDIRECTED)},
    {"IPv6 first fragment", HEADERS(PEER6, OPTIONS, 44, "\x11\0\0\1\0\0\0\7"), 0, IS(REDIRECTED)},
    {"IPv6 first fragment that is not SIP", HEADERS(PEER6, "x", 44, "\x11\0\0\1\0\0\0\7"), 0, IS(NOT_SIP)},
    {"IPv6 first fragment above the rate of fragments", HEADERS(PEER6, OPTIONS, 44, "\x11\0\0\1\0\0\0\7"),
     NO_FRAGMENT, IS(PEER_FRAGMENT_RATE)},
    {"IPv6 middle fragment", HEADERS(PEER6, "x", 44, "\x11\0\1\1\0\0\0\7"), 0, IS(REDIRECTED)},
    {"IPv6 last fragment above the rate of fragments", HEADERS(PEER6, "x", 44, "\x11\0\1\0\0\0\0\7"),
     NO_FRAGMENT, IS(PEER_FRAGMENT_RATE)},
    {"IPv6 stranger's fragment above its rate", HEADERS(STRANGER6, "x", 44, "\x11\0\1\0\0\0\0\7"),
     NO_STRANGERS_FRAGMENT, IS(STRANGERS_FRAGMENT_RATE)},
    {"IPv6 fragment of TCP", HEADERS(PEER6, "x", 44, "\6\0\1\0\0\0\0\7"), 0, IS(PASSED_TO_KERNEL)},
    {"first fragment behind options, options before UDP",
     HEADERS(PEER6, OPTIONS, FRAME_HOP, OPTION(44) "\x3c\0\0\1\0\0\0\7" OPTION(17)), 0, IS(REDIRECTED)},
    {"later fragment whose first header is none of UDP's", HEADERS(PEER6, "x", 44, "\x3c\0\1\0\0\0\0\7"), 0,
     IS(PASSED_TO_KERNEL)},
    {"IPv6 fragment to another address",
     {.source = PEER6,
      .destination = "2001:db8::2",
      .port = 5060,
      .payload = OPTIONS,
      .next = 44,
      .headers = "\x11\0\1\0\0\0\0\7",
      .headers_length = 8},
     0,
     IS(PASSED_TO_KERNEL)},

    // Sources.
    {"denied prefix, first address", FROM("203.0.113.0", OPTIONS), 0, IS(DENIED)},
    {"denied prefix, last address", FROM("203.0.113.255", OPTIONS), 0, IS(DENIED)},
    {"one before the denied prefix", FROM("203.0.112.255", OPTIONS), 0, IS(REDIRECTED)},
    {"one after the denied prefix", FROM("203.0.114.0", OPTIONS), 0, IS(REDIRECTED)},
    {"peer inside a denied prefix", FROM("203.0.113.17", OPTIONS), NO_STRANGERS, IS(REDIRECTED)},
    {"denied inside a peer's prefix", FROM("198.51.100.65", OPTIONS), 0, IS(DENIED)},
    {"peer and denied at once", FROM("198.51.100.200", OPTIONS), 0, IS(DENIED)},
    {"denied comes before banned", FROM(DENIED, OPTIONS), BAN, IS(DENIED)},
    {"denied comes before not SIP", FROM(DENIED, "x"), 0, IS(DENIED)},
    {"denied in dry-run", FROM(DENIED, OPTIONS), DRY_RUN, IS(DRY_RUN_DENIED)},
    {"denied with mode off", FROM(DENIED, OPTIONS), OFF, IS(REDIRECTED)},
    {"banned for ever", FROM(PEER, OPTIONS), BAN, IS(BANNED)},
    {"banned for an hour", FROM(STRANGER, OPTIONS), BAN_HOUR, IS(BANNED)},
    {"ban that has expired", FROM(PEER, OPTIONS), BAN_OVER, IS(REDIRECTED)},
    {"banned comes before not SIP", FROM(PEER, "x"), BAN, IS(BANNED)},
    {"banned in dry-run", FROM(PEER, OPTIONS), BAN | DRY_RUN, IS(DRY_RUN_BANNED)},
    {"banned with mode off", FROM(PEER, OPTIONS), BAN | OFF, IS(REDIRECTED)},

    // What SIP looks like.
    {"INVITE", FROM(PEER, INVITE), 0, IS(REDIRECTED)},
    {"response", FROM(PEER, "SIP/2.0 200 OK\r\n"), 0, IS(REDIRECTED)},
    {"response in small letters", FROM(PEER, "sip/2.0 200 OK\r\n"), 0, IS(REDIRECTED)},
    {"response of another version", FROM(PEER, "SIP/3.0 200 OK\r\n"), 0, IS(NOT_SIP)},
    {"response cut in its version", FROM(PEER, "SIP/2.0"), 0, IS(NOT_SIP)},
    {"method with every kind of token octet", FROM(PEER, "aZ09-.!%*_+`'~ sip:x SIP/2.0\r\n"), 0,
     IS(REDIRECTED)},
    {"method of one octet", FROM(PEER, "X sip:x SIP/2.0\r\n"), 0, IS(REDIRECTED)},
    {"method of 32 octets", FROM(PEER, TEN TEN TEN "AB sip:x SIP/2.0\r\n"), 0, IS(REDIRECTED)},
    {"method of 33 octets", FROM(PEER, TEN TEN TEN "ABC sip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"method and nothing", FROM(PEER, "OPTIONS"), 0, IS(NOT_SIP)},
    {"method and the end of the frame", WITH(PEER, OPTIONS, .cut = 42 + 7), 0, IS(NOT_SIP)},
    {"space first", FROM(PEER, " OPTIONS sip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"tab after the method", FROM(PEER, "OPTIONS\tsip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"header field first", FROM(PEER, "Via: SIP/2.0/UDP x\r\n"), 0, IS(NOT_SIP)},
    {"at sign in the method", FROM(PEER, "OPT@ONS sip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"slash in the method", FROM(PEER, "OPT/ONS sip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"octet above 127 in the method", FROM(PEER, "OPT\xc9ONS sip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"octet 0xe1, a letter but for its high bit", FROM(PEER, "\xe1 sip:x SIP/2.0\r\n"), 0, IS(NOT_SIP)},
    {"RTP", WITH(PEER, "\x80\x00\x12\x34", .payload_length = 4), 0, IS(NOT_SIP)},
    {"STUN", WITH(PEER, "\0\1\0\0\x21\x12\xa4\x42", .payload_length = 8), 0, IS(NOT_SIP)},
    {"one NUL", WITH(PEER, "", .payload_length = 1), 0, IS(NOT_SIP)},
    {"nothing", FROM(PEER, ""), 0, IS(NOT_SIP)},
    {"nothing, padded", WITH(PEER, "", .pad = 18), 0, IS(NOT_SIP)},
    {"UDP length 0", WITH(PEER, OPTIONS, .udp_length = 7), 0, IS(NOT_SIP)},
    {"UDP length ends in the method", WITH(PEER, OPTIONS, .udp_length = 8 + 7), 0, IS(NOT_SIP)},
    {"UDP length ends in the method of a long frame", WITH(PEER, OPTIONS TEN TEN TEN, .udp_length = 8 + 7), 0,
     IS(NOT_SIP)},
    {"UDP length longer than the frame", WITH(PEER, OPTIONS, .udp_length = 9000), 0, IS(REDIRECTED)},
    {"not SIP in dry-run", FROM(PEER, "x"), DRY_RUN, IS(DRY_RUN_NOT_SIP)},
    {"not SIP with mode off", FROM(PEER, "x"), OFF, IS(REDIRECTED)},
    {"keepalive CRLF CRLF", FROM(PEER, "\r\n\r\n"), 0, IS(REDIRECTED)},
    {"keepalive CRLF, padded", WITH(PEER, "\r\n", .pad = 16), 0, IS(REDIRECTED)},
    {"four CRLF", FROM(PEER, "\r\n\r\n\r\n\r\n"), 0, IS(REDIRECTED)},
    {"five CRLF", FROM(PEER, "\r\n\r\n\r\n\r\n\r\n"), 0, IS(NOT_SIP)},
    {"CR alone", FROM(PEER, "\r"), 0, IS(NOT_SIP)},
    {"LF CR", FROM(PEER, "\n\r"), 0, IS(NOT_SIP)},
    {"CRLF and something", FROM(PEER, "\r\n\1"), 0, IS(NOT_SIP)},
    {"CRLF before a start-line", FROM(PEER, "\r\n\r\n" OPTIONS), 0, IS(REDIRECTED)},

    // A peer's limits.
    {"peer above its rate", FROM(PEER, OPTIONS), NO_PEER, IS(PEER_RATE)},
    {"peer's response above its rate", FROM(PEER, "SIP/2.0 200 OK\r\n"), NO_PEER, IS(PEER_RATE)},
    {"peer's keepalive above its rate", FROM(PEER, "\r\n"), NO_PEER, IS(PEER_RATE)},
    {"peer's INVITE above its rate", FROM(PEER, INVITE), NO_PEER, IS(PEER_RATE)},
    {"INVITEs above their rate", FROM(PEER, INVITE), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"INVITEs' limit is asked first", FROM(PEER, INVITE), NO_PEER | NO_INVITE, IS(PEER_INVITE_RATE)},
    {"INVITE behind a CRLF is an INVITE", FROM(PEER, "\r\n" INVITE), NO_INVITE, IS(PEER_INVITE_RATE)},
    {"BYE passes while INVITEs do not", FROM(PEER, "BYE sip:x SIP/2.0\r\n"), NO_INVITE, IS(REDIRECTED)},
    {"response passes while INVITEs do not", FROM(PEER, "SIP/2.0 200 OK\r\n"), NO_INVITE, IS(REDIRECTED)},
    {"small letters are another method", FROM(PEER, "invite sip:x SIP/2.0\r\n"), NO_INVITE, IS(REDIRECTED)},
    {"longer word is another method", FROM(PEER, "INVITED sip:x SIP/2.0\r\n"), NO_INVITE, IS(REDIRECTED)},
    {"strangers' limits are not a peer's", FROM(PEER, INVITE), NO_OWN | NO_OWN_INVITE | NO_STRANGERS,
     IS(REDIRECTED)},
    {"peer above its rate in dry-run", FROM(PEER, OPTIONS), NO_PEER | DRY_RUN, IS(DRY_RUN_PEER_RATE)},
    {"INVITEs in dry-run", FROM(PEER, INVITE), NO_INVITE | DRY_RUN, IS(DRY_RUN_PEER_INVITE_RATE)},

    // Strangers' limits.
    {"stranger", FROM(STRANGER, INVITE), 0, IS(REDIRECTED)},
    {"stranger above its rate", FROM(STRANGER, OPTIONS), NO_OWN, IS(STRANGER_RATE)},
    {"stranger's INVITEs above their rate", FROM(STRANGER, INVITE), NO_OWN_INVITE, IS(STRANGER_INVITE_RATE)},
    {"stranger's OPTIONS while INVITEs do not pass", FROM(STRANGER, OPTIONS), NO_OWN_INVITE, IS(REDIRECTED)},
    {"new stranger, all strangers above their rate", FROM("203.0.115.1", OPTIONS), NO_STRANGERS,
     IS(STRANGERS_RATE)},
    {"known stranger, all strangers above their rate", FROM(STRANGER, OPTIONS), NO_STRANGERS,
     IS(STRANGERS_RATE)},
    {"known stranger is held to its own limit first", FROM(STRANGER, OPTIONS), NO_OWN | NO_STRANGERS,
     IS(STRANGER_RATE)},
    {"new stranger meets the shared limit first", FROM("203.0.115.2", OPTIONS), NO_OWN | NO_STRANGERS,
     IS(STRANGERS_RATE)},
    {"a peer's limits are not a stranger's", FROM(STRANGER, INVITE), NO_PEER | NO_INVITE, IS(REDIRECTED)},
    {"stranger in dry-run", FROM(STRANGER, OPTIONS), NO_OWN | DRY_RUN, IS(DRY_RUN_STRANGER_RATE)},
    {"its INVITEs in dry-run", FROM(STRANGER, INVITE), NO_OWN_INVITE | DRY_RUN,
     IS(DRY_RUN_STRANGER_INVITE_RATE)},
    {"all strangers in dry-run", FROM(STRANGER, OPTIONS), NO_STRANGERS | DRY_RUN, IS(DRY_RUN_STRANGERS_RATE)},

    // The redirect.
    {"no socket on the queue", FROM(PEER, OPTIONS), NO_SOCKET, IS(NO_SOCKET)},
    {"no socket in dry-run", FROM(PEER, "x"), NO_SOCKET | DRY_RUN, IS(NO_SOCKET)},
    {"no socket with mode off", FROM(PEER, "x"), NO_SOCKET | OFF, IS(NO_SOCKET)},
    {"dropped whether there is a socket or not", FROM(PEER, "x"), NO_SOCKET, IS(NOT_SIP)},
    {"the kernel's whether there is a socket or not", TO(US, 22), NO_SOCKET, IS(PASSED_TO_KERNEL)},
};

const size_t vectors_count = sizeof(vectors) / sizeof(vectors[0]);

unsigned vector_ban_bits(const struct vector *vector)
{
    return vector->ban_bits ? vector->ban_bits : 64;
}

const char *vector_banned(const struct vector *vector)
{
    return vector->banned ? vector->banned : vector->frame.source;
}

uint32_t vector_class(const struct vector *vector)
{
    static const struct {
        const char *begins;
        uint32_t class;
    } peers[] = {{"198.51.100.", 7}, {"203.0.113.17", 9}, {"2001:db8:7:", 7}, {"2001:db8:d:9:", 9}};

    if (vector->set & OFF || vector->reason == PREFILTER_REASON_PASSED_TO_KERNEL ||
        vector->reason == PREFILTER_REASON_NO_SOCKET)
        return PREFILTER_CLASSES;
    if (vector->reason == PREFILTER_REASON_DENIED || vector->reason == PREFILTER_REASON_DRY_RUN_DENIED)
        return PREFILTER_STRANGERS;
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
        if (strncmp(vector->frame.source, peers[i].begins, strlen(peers[i].begins)) == 0)
            return peers[i].class;
    return PREFILTER_STRANGERS;
}

void vector_image(const struct vector *vector, struct image *image)
{
    struct snapshot_prefilter *limits = &image->header.settings.prefilter;
    const struct bucket_limit none = {0, 0};

    image_usual(image);
    image->networks[0].vlan = vector->set & (TAGGED | TAGGED_TWICE) ? 5 : 0;
    image->networks[0].outer_vlan = vector->set & TAGGED_TWICE ? 9 : 0;
    for (unsigned i = 0; i < IMAGE_PEERS; i++) {
        struct snapshot_peer *peer = &image->peers[i];

        peer->filter_all = vector->set & NO_PEER ? none : peer->filter_all;
        peer->filter_invite = vector->set & NO_INVITE ? none : peer->filter_invite;
        peer->filter_fragment = vector->set & NO_FRAGMENT ? none : peer->filter_fragment;
    }
    limits->stranger = vector->set & NO_OWN ? none : limits->stranger;
    limits->stranger_invite = vector->set & NO_OWN_INVITE ? none : limits->stranger_invite;
    limits->strangers = vector->set & NO_STRANGERS ? none : limits->strangers;
    limits->strangers_fragment = vector->set & NO_STRANGERS_FRAGMENT ? none : limits->strangers_fragment;
    if (vector->set & (DRY_RUN | OFF))
        limits->mode = vector->set & OFF ? PREFILTER_OFF : PREFILTER_DRY_RUN;
}
