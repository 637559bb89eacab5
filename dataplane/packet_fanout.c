// SPDX-License-Identifier: BSD-3-Clause
// net_af_packet joins its sockets into a fanout group whose kernel puts IPv4's fragments together before a
// socket gets them (PACKET_FANOUT_FLAG_DEFRAG), and cuts what comes of that to a frame: a datagram in
// fragments never arrives whole. DPDK 22.11 has no argument against it, and a group's flags stay as they
// were. The driver is a shared object, which finds this setsockopt() before libc's: it leaves the flag out.
// Fragments spread by addresses alone then, all of a datagram to one queue, and we put them together as with
// any port (path/reassemble.h).
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    unsigned int fanout;

    if (level == SOL_PACKET && name == PACKET_FANOUT && length == sizeof(fanout)) {
        memcpy(&fanout, value, sizeof(fanout));
        fanout &= ~((unsigned int)PACKET_FANOUT_FLAG_DEFRAG << 16);
        return (int)syscall(SYS_setsockopt, fd, level, name, &fanout, length);
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}
