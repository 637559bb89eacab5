// SPDX-License-Identifier: BSD-3-Clause
// Sockets of the data plane's listeners that outlive it: which are kept, for how long, and that their ports
// are silent meanwhile.
#include "cmocka_first.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "kept_ports.h"

#define LOOPBACK 0x7f000001u

static int open_udp(struct snapshot_listener *listener)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOOPBACK)};
    socklen_t size = sizeof(place);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &size), 0);
    *listener = (struct snapshot_listener){.address = ip_from_ipv4(LOOPBACK), .port = ntohs(place.sin_port)};
    return fd;
}

static bool is_refused(const struct snapshot_listener *listener)
{
    struct sockaddr_in place = {
        .sin_family = AF_INET, .sin_port = htons(listener->port), .sin_addr.s_addr = htonl(LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct pollfd wait = {.fd = fd};
    assert_int_equal(connect(fd, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    int result = poll(&wait, 1, 0); // loopback answers before send() returns
    close(fd);
    return result > 0 && (wait.revents & POLLERR);
}

static void test_kept(void **state)
{
    struct kept_ports kept = {.count = 0};
    struct snapshot_listener listeners[3];
    int fds[2] = {open_udp(&listeners[0]), open_udp(&listeners[1])};
    kept_ports_take(&kept, fds, 2);
    assert_int_equal(kept.count, 2);
    assert_int_equal(fds[0], -1);
    assert_int_equal(fds[1], -1);
    assert_false(is_refused(&listeners[0]));
    // Those of the next data plane take their place.
    int next[2] = {dup(kept.fds[1]), open_udp(&listeners[2])};
    kept_ports_take(&kept, next, 2);
    assert_int_equal(kept.count, 2);
    assert_true(is_refused(&listeners[0]));
    assert_false(is_refused(&listeners[1]));
    assert_false(is_refused(&listeners[2]));
    // A configuration without the second.
    kept_ports_follow(&kept, &listeners[2], 1);
    assert_int_equal(kept.count, 1);
    assert_true(is_refused(&listeners[1]));
    assert_false(is_refused(&listeners[2]));
    // Another port or address is another listener.
    struct snapshot_listener other = listeners[2];
    other.address = ip_from_ipv4(LOOPBACK + 1);
    kept_ports_follow(&kept, &other, 1);
    assert_int_equal(kept.count, 0);
    assert_true(is_refused(&listeners[2]));
    kept_ports_close(&kept);
}

static void test_ipv6(void **state)
{
    struct kept_ports kept = {.count = 0};
    struct sockaddr_in6 place = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof(place);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&place, sizeof(place)) < 0)
        skip(); // a machine without IPv6
    assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &size), 0);
    struct snapshot_listener listener = {.address = {{[15] = 1}}, .port = ntohs(place.sin6_port)};
    kept_ports_take(&kept, &fd, 1);
    kept_ports_follow(&kept, &listener, 1);
    assert_int_equal(kept.count, 1);
    listener.port++;
    kept_ports_follow(&kept, &listener, 1);
    assert_int_equal(kept.count, 0);
}

// The data plane is not trusted: what it says is a socket may be anything.
static void test_other_descriptors(void **state)
{
    struct kept_ports kept = {.count = 0};
    int pair[2], fds[4];
    assert_int_equal(pipe(pair), 0);
    fds[0] = pair[0];
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fds[3] = -1;
    kept_ports_take(&kept, fds, 4);
    assert_int_equal(kept.count, 0);
    assert_true(fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0);
    for (unsigned i = 0; i < 3; i++)
        close(fds[i]);
    close(pair[1]);
}

static void test_bound(void **state)
{
    struct kept_ports kept = {.count = 0};
    struct snapshot_listener listener;
    int fds[LISTENERS_MAX + 1];
    for (unsigned i = 0; i < LISTENERS_MAX + 1; i++)
        fds[i] = open_udp(&listener);
    kept_ports_take(&kept, fds, LISTENERS_MAX + 1);
    assert_int_equal(kept.count, LISTENERS_MAX);
    assert_true(fds[LISTENERS_MAX] >= 0);
    close(fds[LISTENERS_MAX]);
    kept_ports_close(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_other_descriptors),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests_name("kept ports", tests, NULL, NULL);
}
