// SPDX-License-Identifier: BSD-3-Clause
// The program's verdicts, one row a branch, by BPF_PROG_TEST_RUN on the ELF that was built. An AF_XDP socket
// is bound in a namespace of the test's own, so that a packet that passes ends in a real XDP_REDIRECT. Limits
// are emptied by rate 0, which does not depend on the clock.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "fixture.h"
#include "frame.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include "bucket.h"

#define NO_PEER       (1u << 0) // limits that are 0
#define NO_INVITE     (1u << 1)
#define NO_OWN        (1u << 2)
#define NO_OWN_INVITE (1u << 3)
#define NO_STRANGERS  (1u << 4)
#define BAN           (1u << 5) // the source is banned for ever
#define BAN_OVER      (1u << 6) // by a ban that has expired
#define BAN_HOUR      (1u << 7)
#define NO_SOCKET     (1u << 8)
#define DRY_RUN       (1u << 9)
#define OFF           (1u << 10)

#define TEN "ABCDEFGHIJ"

struct row {
    const char *name;
    struct frame_spec frame;
    unsigned set;
    enum prefilter_reason reason;
};

#define FROM(source_, payload_)                                                                              \
    {                                                                                                        \
        .source = source_, .destination = US, .port = 5060, .payload = payload_                              \
    }
#define WITH(source_, payload_, ...)                                                                         \
    {                                                                                                        \
        .source = source_, .destination = US, .port = 5060, .payload = payload_, __VA_ARGS__                 \
    }
#define TO(destination_, port_)                                                                              \
    {                                                                                                        \
        .source = PEER, .destination = destination_, .port = port_, .payload = OPTIONS                       \
    }
#define IS(reason_) PREFILTER_REASON_##reason_

static const struct row rows[] = {
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
    {"IPv6", WITH(PEER, OPTIONS, .ether_type = 0x86dd), 0, IS(PASSED_TO_KERNEL)},
    {"VLAN tag", WITH(PEER, OPTIONS, .ether_type = 0x8100), 0, IS(PASSED_TO_KERNEL)},
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

    // Fragments.
    {"first fragment", WITH(PEER, OPTIONS, .fragment = 0x2000), 0, IS(FRAGMENT)},
    {"middle fragment", WITH(PEER, OPTIONS, .fragment = 0x2010), 0, IS(FRAGMENT)},
    {"last fragment", WITH(PEER, OPTIONS, .fragment = 0x0010), 0, IS(FRAGMENT)},
    {"fragment without octets", WITH(PEER, "", .fragment = 0x0010, .cut = 34), 0, IS(FRAGMENT)},
    {"fragment to another port's bytes",
     {.source = PEER, .destination = US, .port = 9, .payload = "x", .fragment = 0x0010},
     0,
     IS(FRAGMENT)},
    {"fragment of TCP", WITH(PEER, OPTIONS, .fragment = 0x2000, .protocol = 6), 0, IS(PASSED_TO_KERNEL)},
    {"fragment to another address",
     {.source = PEER, .destination = "192.0.2.2", .port = 5060, .payload = OPTIONS, .fragment = 0x2000},
     0,
     IS(PASSED_TO_KERNEL)},
    {"fragment in dry-run", WITH(PEER, OPTIONS, .fragment = 0x2000), DRY_RUN, IS(DRY_RUN_FRAGMENT)},
    {"fragment with mode off", WITH(PEER, OPTIONS, .fragment = 0x2000), OFF, IS(REDIRECTED)},

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

static struct program program;
static struct xdp_socket xdp_socket;

static void configure(struct image *image, unsigned set)
{
    struct snapshot_prefilter *limits = &image->header.settings.prefilter;
    const struct {
        unsigned bit;
        struct bucket_limit *limit;
    } zeros[] = {{NO_PEER, &limits->peer},
                 {NO_INVITE, &limits->peer_invite},
                 {NO_OWN, &limits->stranger},
                 {NO_OWN_INVITE, &limits->stranger_invite},
                 {NO_STRANGERS, &limits->strangers}};

    image_usual(image);
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
        if (set & zeros[i].bit)
            *zeros[i].limit = (struct bucket_limit){0, 0};
    if (set & (DRY_RUN | OFF))
        limits->mode = set & OFF ? PREFILTER_OFF : PREFILTER_DRY_RUN;
}

static void set_ban(const struct row *row)
{
    struct in_addr address;
    struct timespec now;

    inet_pton(AF_INET, row->frame.source, &address);
    prefilter_unban(&program.maps, row->frame.source);
    if (row->set & (BAN | BAN_HOUR))
        assert_int_equal(prefilter_ban(&program.maps, row->frame.source, row->set & BAN ? 0 : 3600), 0);
    if (row->set & BAN_OVER) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        struct prefilter_ban ban = {(uint64_t)now.tv_sec * BUCKET_NS_PER_S};
        bpf_map_update_elem(program.maps.fds[PREFILTER_MAP_BANS], &address.s_addr, &ban, BPF_ANY);
    }
}

static int verdict_of(enum prefilter_reason reason)
{
    if (reason == PREFILTER_REASON_PASSED_TO_KERNEL)
        return XDP_PASS;
    if (reason == PREFILTER_REASON_REDIRECTED || reason >= PREFILTER_FIRST_DRY_RUN)
        return XDP_REDIRECT;
    return XDP_DROP;
}

// A row passes when its verdict is right and its counter, and no other, moved by one.
static unsigned check_row(const struct row *row)
{
    uint64_t before[PREFILTER_REASON_COUNT], after[PREFILTER_REASON_COUNT];
    uint8_t frame[FRAME_MAX];
    struct image image;
    unsigned faults = 0;

    configure(&image, row->set);
    program_configure(&program, &image);
    set_ban(row);
    program_socket(&program, row->set & NO_SOCKET ? -1 : xdp_socket.fd);
    size_t length = frame_build(&row->frame, frame);

    assert_int_equal(prefilter_read_counters(&program.maps, before), 0);
    int verdict = program_run(&program, frame, length, 1);
    assert_int_equal(prefilter_read_counters(&program.maps, after), 0);
    for (unsigned i = 0; i < PREFILTER_REASON_COUNT; i++) {
        uint64_t expected = before[i] + (i == row->reason);
        if (after[i] != expected) {
            print_error("%s: reason %u moved by %ld\n", row->name, i, (long)(after[i] - before[i]));
            faults++;
        }
    }
    if (verdict != verdict_of(row->reason)) {
        print_error("%s: verdict %d, expected %d\n", row->name, verdict, verdict_of(row->reason));
        faults++;
    }
    prefilter_unban(&program.maps, row->frame.source);
    return faults;
}

// The same row with a payload that fills the program's look at it: the program reads long payloads in place
// and copies short ones. Octets after what decides change nothing, but for payloads that end where they
// decide.
static unsigned check_long_row(const struct row *row)
{
    struct row longer = *row;
    char payload[256];

    if (row->frame.payload_length || row->frame.cut || row->frame.udp_length || row->frame.pad ||
        strspn(row->frame.payload, "\r\n") == strlen(row->frame.payload))
        return 0;
    snprintf(payload, sizeof(payload), "%s%064d", row->frame.payload, 0);
    longer.frame.payload = payload;
    return check_row(&longer);
}

static void every_branch(void **state)
{
    bool seen[PREFILTER_REASON_COUNT] = {false};
    unsigned faults = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        faults += check_row(&rows[i]) + check_long_row(&rows[i]);
        seen[rows[i].reason] = true;
    }
    assert_int_equal(faults, 0);
    // Contention needs two CPUs at one bucket within nanoseconds: its arithmetic has a test with threads.
    for (unsigned i = 0; i < PREFILTER_REASON_COUNT; i++)
        if (!seen[i] && i != PREFILTER_REASON_CONTENDED)
            fail_msg("no row for reason %u", i);
    print_message("%zu rows\n", sizeof(rows) / sizeof(rows[0]));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (!fixture_namespace()) {
        fprintf(stderr, "skipped: needs root, namespaces and veth\n");
        return FIXTURE_SKIP;
    }
    program_load(&program, argv[1]);
    socket_open(&xdp_socket, FIXTURE_NEAR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_branch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
