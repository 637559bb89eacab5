// SPDX-License-Identifier: BSD-3-Clause
// The kernel sockets of listeners, on loopback: silent, whole or nothing, with the faults an operator meets.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "listen.h"

#define LOOPBACK 0x7f000001u

static int open_udp(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static uint16_t port_of6(int fd)
{
    struct sockaddr_in6 address;
    socklen_t size = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin6_port);
}

static uint16_t free_port(void)
{
    int fd = open_udp(0);
    uint16_t port = port_of(fd);

    close(fd);
    return port;
}

// Sends to a loopback port; true when the kernel answers port-unreachable.
static bool answered_unreachable(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct pollfd wait = {.fd = fd};
    int result;

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    // Loopback answers before send() returns.
    result = poll(&wait, 1, 0);
    close(fd);
    return result > 0 && (wait.revents & POLLERR) != 0;
}

static struct listen_error heard;
static char heard_text[8];

static void hear(void *context, const struct listen_error *error)
{
    heard = *error;
    assert_true(error->quoted_length < sizeof(heard_text));
    memcpy(heard_text, error->quoted, error->quoted_length);
    ++*(unsigned *)context;
}

static void test_silent(void **state)
{
    struct listen_set set = {.count = 0};
    struct snapshot_listener listener = {.name = "edge", .address = IP_MAPPED(LOOPBACK), .port = free_port()};
    struct fault fault;
    char octet;

    assert_true(answered_unreachable(listener.port));
    assert_int_equal(listen_update(&set, &listener, 1, &fault), 0);
    assert_false(answered_unreachable(listener.port));
    assert_int_equal(recv(set.sockets[0].fd, &octet, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    // ICMP errors about what left by the port come back to it.
    {
        struct sockaddr_in closed = {
            .sin_family = AF_INET, .sin_port = htons(free_port()), .sin_addr.s_addr = htonl(LOOPBACK)};

        unsigned count = 0;

        listen_drain(&set, hear, &count);
        assert_int_equal(count, 0);
        assert_int_equal(sendto(set.sockets[0].fd, "abc", 3, 0, (struct sockaddr *)&closed, sizeof(closed)),
                         3);
        listen_drain(&set, hear, &count);
        assert_int_equal(count, 1);
        assert_int_equal(set.errors, 1);
        assert_true(ip_is_ipv4(&heard.address));
        assert_int_equal(ip_ipv4(&heard.address), LOOPBACK);
        assert_int_equal(heard.listener, 0);
        assert_int_equal(heard.port, ntohs(closed.sin_port));
        assert_int_equal(heard.type, 3); // destination unreachable
        assert_int_equal(heard.code, 3); // its port
        assert_int_equal(heard.quoted_length, 3);
        assert_string_equal(heard_text, "abc");
        listen_drain(&set, hear, &count);
        assert_int_equal(count, 1);
    }
    assert_int_equal(listen_update(&set, NULL, 0, &fault), 0);
    assert_int_equal(set.count, 0);
    assert_true(answered_unreachable(listener.port));
}

// The same over IPv6, where the port of IPv4 is another one.
static void test_ipv6(void **state)
{
    struct listen_set set = {.count = 0};
    struct snapshot_listener listeners[2] = {
        {.name = "edge", .address = {{[15] = 1}}, .port = free_port()},
        {.name = "core", .address = IP_MAPPED(LOOPBACK)},
    };
    struct sockaddr_in6 closed = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct fault fault;
    unsigned count = 0;
    int result;

    listeners[1].port = listeners[0].port;
    result = listen_update(&set, listeners, 2, &fault);
    if (result == -EADDRNOTAVAIL || result == -EAFNOSUPPORT)
        skip(); // a machine without IPv6
    assert_int_equal(result, 0);
    assert_false(answered_unreachable(listeners[1].port));
    closed.sin6_port = htons(free_port());
    assert_int_equal(sendto(set.sockets[0].fd, "abc", 3, 0, (struct sockaddr *)&closed, sizeof(closed)), 3);
    listen_drain(&set, hear, &count);
    assert_int_equal(count, 1);
    assert_true(ip_equal(&heard.address, &listeners[0].address));
    assert_int_equal(heard.port, ntohs(closed.sin6_port));
    assert_int_equal(heard.listener, 0);
    assert_int_equal(heard.type, 1); // destination unreachable
    assert_int_equal(heard.code, 4); // its port
    assert_int_equal(heard.quoted_length, 3);
    assert_string_equal(heard_text, "abc");
    // Its address in a fault is written so that a port can follow.
    int other = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    closed.sin6_port = 0;
    assert_int_equal(bind(other, (struct sockaddr *)&closed, sizeof(closed)), 0);
    listeners[1] = (struct snapshot_listener){.name = "other", .address = {{[15] = 1}}};
    listeners[1].port = port_of6(other);
    assert_int_equal(listen_update(&set, listeners, 2, &fault), -EADDRINUSE);
    assert_non_null(strstr(fault.text, "listener other: [::1]:"));
    close(other);
    listen_close(&set);
}

static void test_update(void **state)
{
    struct listen_set set = {.count = 0};
    struct snapshot_listener listeners[3] = {
        {.name = "a", .address = IP_MAPPED(LOOPBACK), .port = free_port()},
        {.name = "b", .address = IP_MAPPED(LOOPBACK), .port = free_port()},
        {.name = "c", .address = IP_MAPPED(LOOPBACK)}};
    int other = open_udp(0);
    struct fault fault;
    int kept;

    listeners[2].port = port_of(other);
    assert_int_equal(listen_update(&set, listeners, 1, &fault), 0);
    kept = set.sockets[0].fd;
    // The third is in use: the second is not opened either, the first stays.
    assert_int_equal(listen_update(&set, listeners, 3, &fault), -EADDRINUSE);
    assert_non_null(strstr(fault.text, "listener c: 127.0.0.1:"));
    assert_non_null(strstr(fault.text, "is in use by another program"));
    assert_int_equal(set.count, 1);
    assert_true(answered_unreachable(listeners[1].port));
    assert_false(answered_unreachable(listeners[0].port));
    close(other);
    assert_int_equal(listen_update(&set, listeners, 3, &fault), 0);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.sockets[0].fd, kept);
    // The first goes, the others stay.
    assert_int_equal(listen_update(&set, listeners + 1, 2, &fault), 0);
    assert_int_equal(set.count, 2);
    assert_true(answered_unreachable(listeners[0].port));
    assert_false(answered_unreachable(listeners[2].port));
    listen_close(&set);
    assert_true(answered_unreachable(listeners[2].port));
}

static void test_no_such_address(void **state)
{
    struct listen_set set = {.count = 0};
    struct snapshot_listener listener = {
        .name = "edge", .address = IP_MAPPED(0xc0000201), .port = 5060}; // 192.0.2.1, RFC 5737
    struct fault fault;

    assert_int_equal(listen_update(&set, &listener, 1, &fault), -EADDRNOTAVAIL);
    assert_non_null(strstr(fault.text, "192.0.2.1 is no address of this machine"));
    assert_int_equal(set.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_silent), cmocka_unit_test(test_ipv6),
                                       cmocka_unit_test(test_update), cmocka_unit_test(test_no_such_address)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
