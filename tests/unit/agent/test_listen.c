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
    struct snapshot_listener listener = {.name = "edge", .port = free_port()};
    const uint32_t address = LOOPBACK;
    struct fault fault;
    char octet;

    assert_true(answered_unreachable(listener.port));
    assert_int_equal(listen_update(&set, &listener, &address, 1, &fault), 0);
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
        assert_int_equal(heard.address, LOOPBACK);
        assert_int_equal(heard.port, ntohs(closed.sin_port));
        assert_int_equal(heard.type, 3); // destination unreachable
        assert_int_equal(heard.code, 3); // its port
        assert_int_equal(heard.quoted_length, 3);
        assert_string_equal(heard_text, "abc");
        listen_drain(&set, hear, &count);
        assert_int_equal(count, 1);
    }
    assert_int_equal(listen_update(&set, NULL, NULL, 0, &fault), 0);
    assert_int_equal(set.count, 0);
    assert_true(answered_unreachable(listener.port));
}

static void test_update(void **state)
{
    struct listen_set set = {.count = 0};
    struct snapshot_listener listeners[3] = {
        {.name = "a", .port = free_port()}, {.name = "b", .port = free_port()}, {.name = "c"}};
    const uint32_t addresses[3] = {LOOPBACK, LOOPBACK, LOOPBACK};
    int other = open_udp(0);
    struct fault fault;
    int kept;

    listeners[2].port = port_of(other);
    assert_int_equal(listen_update(&set, listeners, addresses, 1, &fault), 0);
    kept = set.sockets[0].fd;
    // The third is in use: the second is not opened either, the first stays.
    assert_int_equal(listen_update(&set, listeners, addresses, 3, &fault), -EADDRINUSE);
    assert_non_null(strstr(fault.text, "listener c: 127.0.0.1:"));
    assert_non_null(strstr(fault.text, "is in use by another program"));
    assert_int_equal(set.count, 1);
    assert_true(answered_unreachable(listeners[1].port));
    assert_false(answered_unreachable(listeners[0].port));
    close(other);
    assert_int_equal(listen_update(&set, listeners, addresses, 3, &fault), 0);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.sockets[0].fd, kept);
    // The first goes, the others stay.
    assert_int_equal(listen_update(&set, listeners + 1, addresses, 2, &fault), 0);
    assert_int_equal(set.count, 2);
    assert_true(answered_unreachable(listeners[0].port));
    assert_false(answered_unreachable(listeners[2].port));
    listen_close(&set);
    assert_true(answered_unreachable(listeners[2].port));
}

static void test_no_such_address(void **state)
{
    struct listen_set set = {.count = 0};
    struct snapshot_listener listener = {.name = "edge", .port = 5060};
    const uint32_t address = 0xc0000201; // 192.0.2.1, RFC 5737
    struct fault fault;

    assert_int_equal(listen_update(&set, &listener, &address, 1, &fault), -EADDRNOTAVAIL);
    assert_non_null(strstr(fault.text, "192.0.2.1 is no address of this machine"));
    assert_int_equal(set.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_silent), cmocka_unit_test(test_update),
                                       cmocka_unit_test(test_no_such_address)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
