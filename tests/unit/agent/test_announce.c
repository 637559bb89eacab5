// SPDX-License-Identifier: BSD-3-Clause
// What a bond announces: the frames octet by octet, and which addresses of a namespace of our own they are
// of.
#include "announce.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>
#include <net/if.h>

#define WAIT_MS 2000

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static void test_arp(void **state)
{
    static const uint8_t wanted[ANNOUNCE_ARP_SIZE] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x08, 0x06, // Ethernet
        0x00, 0x01, 0x08, 0x00, 6,    4,    0,    1,                                        // a request
        0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 192,  0,    2,    10,   0,    0,    0,    0,
        0,    0,    192,  0,    2,    10};
    uint8_t frame[ANNOUNCE_ARP_SIZE];

    announce_arp(frame, mac, &(struct in_addr){htonl(0xc000020a)});
    assert_memory_equal(frame, wanted, sizeof(wanted));
}

// The checksums are another program's.
static void test_na(void **state)
{
    uint8_t wanted[ANNOUNCE_NA_SIZE] = {
        0x33, 0x33, 0,    0,    0,    1,    0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x86, 0xdd, // Ethernet
        0x60, 0,    0,    0,    0,    32,   58,   255,                                      // IPv6
        0x20, 0x01, 0x0d, 0xb8, 0x10, 0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x10, 0xff, 0x02, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    1,    136,  0,    0x00, 0x00, 0x20, 0,    0,    0, // Override
        0x20, 0x01, 0x0d, 0xb8, 0x10, 0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x10, 2,    1,    0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    uint8_t frame[ANNOUNCE_NA_SIZE];
    struct in6_addr address;

    assert_int_equal(inet_pton(AF_INET6, "2001:db8:1000::10", &address), 1);
    for (unsigned is_router = 0; is_router < 2; is_router++) {
        memcpy(wanted + 56, is_router ? "\xd4\x50" : "\x54\x51", 2);
        wanted[58] = is_router ? 0xa0 : 0x20;
        announce_na(frame, mac, &address, is_router);
        assert_memory_equal(frame, wanted, sizeof(wanted));
    }
}

// A TAP interface, which has a carrier while its descriptor is open.
static int open_tap(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

struct heard {
    unsigned arp, na;
};

// Until nothing more comes; the kernel's own frames are others.
static struct heard hear(int fd, const char *ipv4, const char *ipv6)
{
    struct heard heard = {0};
    uint8_t frame[2048], wanted[16];

    for (;;) {
        ssize_t got = read(fd, frame, sizeof(frame));

        if (got < 0 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS / 10) <= 0)
            return heard;
        assert_int_equal(inet_pton(AF_INET, ipv4, wanted), 1);
        if (got == ANNOUNCE_ARP_SIZE && memcmp(frame + 38, wanted, 4) == 0)
            heard.arp += memcmp(frame + 28, wanted, 4) == 0;
        assert_int_equal(inet_pton(AF_INET6, ipv6, wanted), 1);
        if (got == ANNOUNCE_NA_SIZE && frame[54] == 136 && memcmp(frame + 62, wanted, 16) == 0)
            heard.na++;
    }
}

// Its own addresses and those of its VLAN, and of no other interface.
static void test_interfaces(void **state)
{
    static struct announcer announcer;
    struct heard heard;
    int base = unshare(CLONE_NEWNET) < 0 ? -1 : open_tap("dg-out");
    int vlan = open_tap("dg-out.100"), other = open_tap("dg-outer");

    if (base < 0)
        skip(); // only root may
    assert_true(vlan >= 0 && other >= 0);
    assert_int_equal(system("set -e; ip link set lo up\n"
                            "for i in 1:dg-out 2:dg-out.100 3:dg-outer; do\n"
                            "  sysctl -qw net/ipv6/conf/${i#*:}/addr_gen_mode=1\n"
                            "  ip link set ${i#*:} up\n"
                            "  ip address add 192.0.2.${i%%:*}/24 dev ${i#*:}\n"
                            "  ip address add 2001:db8::${i%%:*}/64 dev ${i#*:} nodad\n"
                            "done"),
                     0);
    assert_int_equal(announce_open(&announcer), 0);
    assert_int_equal(announce_send(&announcer, "dg-out"), 4);
    heard = hear(base, "192.0.2.1", "2001:db8::1");
    assert_int_equal(heard.arp, 1);
    assert_int_equal(heard.na, 1);
    heard = hear(vlan, "192.0.2.2", "2001:db8::2");
    assert_int_equal(heard.arp, 1);
    assert_int_equal(heard.na, 1);
    heard = hear(other, "192.0.2.3", "2001:db8::3");
    assert_int_equal(heard.arp + heard.na, 0);
    assert_int_equal(system("ip link set dg-out.100 down"), 0);
    assert_int_equal(announce_send(&announcer, "dg-out"), 2);
    assert_int_equal(announce_send(&announcer, "dg-none"), 0);
    announce_close(&announcer);
    assert_true(announce_send(&announcer, "dg-out") < 0);
    close(base);
    close(vlan);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_arp), cmocka_unit_test(test_na),
                                       cmocka_unit_test(test_interfaces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
