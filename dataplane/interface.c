// SPDX-License-Identifier: BSD-3-Clause
#include "interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_do(const char *name, unsigned long what, struct ifreq *request)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    memcpy(request->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    result = ioctl(fd, what, request) < 0 ? -errno : 0;
    close(fd);
    return result;
}

unsigned interface_mtu(const char *name)
{
    struct ifreq request = {0};

    return interface_do(name, SIOCGIFMTU, &request) < 0 || request.ifr_mtu < 0 ? 1500
                                                                               : (unsigned)request.ifr_mtu;
}

unsigned interface_queues(const char *name)
{
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    struct ifreq request = {.ifr_data = (void *)&channels};

    return interface_do(name, SIOCETHTOOL, &request) < 0 ? 0 : channels.combined_count + channels.rx_count;
}

bool interface_strips_tags(const char *name)
{
    struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
    struct ifreq request = {.ifr_data = (void *)&flags};

    return interface_do(name, SIOCETHTOOL, &request) == 0 && (flags.data & ETH_FLAG_RXVLAN) != 0;
}
