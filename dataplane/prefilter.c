// SPDX-License-Identifier: BSD-3-Clause
// The AF_XDP driver loads and attaches the program itself and hands out no descriptors, and looking objects
// up by id needs CAP_SYS_ADMIN. But the driver's descriptors live in this process: every descriptor of
// /proc/self/fd that is a BPF object is asked what it is, the program is the one whose id the interface
// shows, and its map ids say which maps are the port's.
#include "prefilter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../ebpf/bucket.h"
#include "xdp_record.h"

struct report {
    char *text;
    size_t size;
};

struct map_shape {
    uint32_t key_size;
    uint32_t value_size;
};

#define SHAPE(map, key, value) [PREFILTER_MAP_##map] = {sizeof(key), sizeof(value)}
static const struct map_shape map_shapes[PREFILTER_MAP_COUNT] = {
    SHAPE(COUNTERS, uint32_t, uint64_t),
    SHAPE(BANS, uint32_t, struct prefilter_ban),
    SHAPE(DROPPERS, uint32_t, uint64_t),
    SHAPE(XSKS, uint32_t, uint32_t),
    SHAPE(ACTIVE, uint32_t, uint32_t),
    SHAPE(SETTINGS, uint32_t, struct prefilter_settings),
    SHAPE(LISTENERS_A, struct prefilter_listener, uint32_t),
    SHAPE(LISTENERS_B, struct prefilter_listener, uint32_t),
    SHAPE(SOURCES_A, struct prefilter_prefix, struct prefilter_source),
    SHAPE(SOURCES_B, struct prefilter_prefix, struct prefilter_source),
    SHAPE(PEERS, uint32_t, struct prefilter_buckets),
    SHAPE(STRANGERS, uint32_t, struct prefilter_stranger),
};

static const char *const map_names[PREFILTER_MAP_COUNT] = {
#define M(name, text, help) [PREFILTER_MAP_##name] = text,
    PREFILTER_MAPS(M)
#undef M
};

__attribute__((format(printf, 3, 4))) static int fail(const struct report *report, int result,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is in the line above
    vsnprintf(report->text, report->size, format, arguments);
    va_end(arguments);
    return result;
}

void prefilter_init(struct prefilter_port *port)
{
    port->program_id = 0;
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++)
        port->map_fds[i] = -1;
}

// The interface's program.

struct attached {
    unsigned ifindex;
    uint32_t id; // 0: none
    uint32_t flags;
};

static int query(const char *interface, struct attached *attached, const struct report *report)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, options);

    attached->ifindex = if_nametoindex(interface);
    if (attached->ifindex == 0)
        return fail(report, -ENODEV, "no interface %s; create it or correct networks in the configuration",
                    interface);
    int result = bpf_xdp_query((int)attached->ifindex, 0, &options);
    if (result)
        return fail(report, result, "interface %s: its XDP program cannot be queried: %s", interface,
                    strerror(-result));
    if (options.drv_prog_id) {
        attached->id = options.drv_prog_id;
        attached->flags = XDP_FLAGS_DRV_MODE;
    } else if (options.skb_prog_id) {
        attached->id = options.skb_prog_id;
        attached->flags = XDP_FLAGS_SKB_MODE;
    } else {
        attached->id = options.hw_prog_id;
        attached->flags = XDP_FLAGS_HW_MODE;
    }
    return 0;
}

int prefilter_clear_stale(const char *run_directory, const char *interface, char *error, size_t size)
{
    const struct report report = {error, size};
    struct attached attached = {0};
    uint32_t known = xdp_record_read(run_directory, interface);
    int result = query(interface, &attached, &report);

    if (result)
        return result;
    if (attached.id == 0) {
        xdp_record_remove(run_directory, interface);
        return 0;
    }
    if (known != XDP_RECORD_NEXT && attached.id != known)
        return fail(&report, -EBUSY,
                    "interface %s already has an XDP program (id %u) that is not Dialgate's; "
                    "remove it with `ip link set dev %s xdp off`",
                    interface, attached.id, interface);
    result = bpf_xdp_detach((int)attached.ifindex, attached.flags, NULL);
    if (result)
        return fail(&report, result,
                    "interface %s: the XDP program (id %u) of an earlier run cannot be detached: %s",
                    interface, attached.id, strerror(-result));
    xdp_record_remove(run_directory, interface);
    return 0;
}

int prefilter_attach_begin(const char *run_directory, const char *interface, char *error, size_t size)
{
    const struct report report = {error, size};
    int result = xdp_record_write(run_directory, interface, XDP_RECORD_NEXT);

    return result ? fail(&report, result, "%s/xdp-%s cannot be written: %s", run_directory, interface,
                         strerror(-result))
                  : 0;
}

// Descriptors.

enum object { OBJECT_NONE, OBJECT_MAP, OBJECT_PROGRAM };

static enum object object_of(int fd)
{
    char path[64], target[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return OBJECT_NONE;
    target[length] = '\0';
    if (strcmp(target, "anon_inode:bpf-map") == 0)
        return OBJECT_MAP;
    return strcmp(target, "anon_inode:bpf-prog") == 0 ? OBJECT_PROGRAM : OBJECT_NONE;
}

#define MAP_IDS_MAX 64u

struct search {
    uint32_t program_id;
    uint32_t map_ids[MAP_IDS_MAX];
    uint32_t map_count;
    int map_fds[PREFILTER_MAP_COUNT]; // the driver's, not ours to close
    const char *other_version;        // name of a map whose shape is not ours
};

static void match_program(struct search *search, int fd)
{
    struct bpf_prog_info info = {.nr_map_ids = MAP_IDS_MAX, .map_ids = (uintptr_t)search->map_ids};
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.id == search->program_id)
        search->map_count = info.nr_map_ids < MAP_IDS_MAX ? info.nr_map_ids : MAP_IDS_MAX;
}

static bool is_programs_map(const struct search *search, uint32_t id)
{
    for (uint32_t i = 0; i < search->map_count; i++)
        if (search->map_ids[i] == id)
            return true;
    return false;
}

static void match_map(struct search *search, int fd)
{
    struct bpf_map_info info = {0};
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &size) || !is_programs_map(search, info.id))
        return;
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++) {
        if (strcmp(info.name, map_names[i]) != 0)
            continue;
        search->map_fds[i] = fd;
        if (info.key_size != map_shapes[i].key_size || info.value_size != map_shapes[i].value_size)
            search->other_version = map_names[i];
    }
}

// Calls visit for each of this process's descriptors that is such an object.
static int each_object(enum object wanted, void (*visit)(struct search *, int), struct search *search)
{
    DIR *directory = opendir("/proc/self/fd");

    if (!directory)
        return -errno;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        int fd = atoi(entry->d_name);
        if (fd != dirfd(directory) && object_of(fd) == wanted)
            visit(search, fd);
    }
    closedir(directory);
    return 0;
}

static void close_all(struct prefilter_port *port)
{
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++)
        if (port->map_fds[i] >= 0)
            close(port->map_fds[i]);
    prefilter_init(port);
}

static int find_maps(struct search *search, const char *interface, const struct report *report)
{
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++)
        search->map_fds[i] = -1;
    int result = each_object(OBJECT_PROGRAM, match_program, search);
    if (result == 0)
        result = each_object(OBJECT_MAP, match_map, search);
    if (result)
        return fail(report, result, "/proc/self/fd: %s; is /proc mounted?", strerror(-result));
    if (search->other_version)
        return fail(report, -EPROTO,
                    "interface %s: map %s of XDP program %u is of another version of Dialgate; install "
                    "prefilter.bpf.o and dialgate-dataplane together",
                    interface, search->other_version, search->program_id);
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++)
        if (search->map_fds[i] < 0)
            return fail(report, -ENOENT,
                        "interface %s: XDP program %u is not the one this process loaded: no map %s",
                        interface, search->program_id, map_names[i]);
    return 0;
}

int prefilter_attach_done(const char *run_directory, const char *interface, struct prefilter_port *port,
                          char *error, size_t size)
{
    const struct report report = {error, size};
    struct attached attached = {0};
    struct search search = {0};

    prefilter_init(port);
    int result = query(interface, &attached, &report);
    if (result)
        return result;
    if (attached.id == 0)
        return fail(&report, -ENOENT, "interface %s has no XDP program after the driver's start", interface);
    search.program_id = attached.id;
    result = find_maps(&search, interface, &report);
    if (result)
        return result;
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++) {
        port->map_fds[i] = fcntl(search.map_fds[i], F_DUPFD_CLOEXEC, 0);
        if (port->map_fds[i] < 0) {
            result =
                fail(&report, -errno, "interface %s: a map's descriptor: %s", interface, strerror(errno));
            goto undo;
        }
    }
    result = xdp_record_write(run_directory, interface, attached.id);
    if (result) {
        fail(&report, result, "%s/xdp-%s cannot be written: %s", run_directory, interface, strerror(-result));
        goto undo;
    }
    port->program_id = attached.id;
    return 0;
undo:
    close_all(port);
    return result;
}

void prefilter_detach(const char *run_directory, const char *interface, struct prefilter_port *port)
{
    char text[256];
    const struct report report = {text, sizeof(text)};
    struct attached attached = {0};

    if (port->program_id == 0)
        return;
    // The driver's close may have detached it, and an operator may have put another one there since.
    if (query(interface, &attached, &report) == 0 && attached.id == port->program_id)
        bpf_xdp_detach((int)attached.ifindex, attached.flags, NULL);
    xdp_record_remove(run_directory, interface);
    close_all(port);
}

// Loading.

#define MAPPED_BITS 96u // IPv4 is ::ffff:a.b.c.d in the snapshot

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_ipv4(const struct ip_address *address)
{
    return memcmp(address->octets, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static const void *section(const struct snapshot_header *image, enum snapshot_section which)
{
    return (const uint8_t *)image + image->sections[which].offset;
}

// Deletes every row. Both kinds of map start again at some row when asked for the one after NULL.
static int empty_map(int fd)
{
    union {
        struct prefilter_listener listener;
        struct prefilter_prefix prefix;
    } key;

    for (uint32_t left = PREFILTER_SOURCES_MAX + 1; left > 0; left--) {
        if (bpf_map_get_next_key(fd, NULL, &key))
            return errno == ENOENT ? 0 : -errno;
        if (bpf_map_delete_elem(fd, &key))
            return -errno;
    }
    return -E2BIG;
}

static int load_listeners(int fd, const struct snapshot_header *image, uint32_t network)
{
    const struct snapshot_listener *listeners = section(image, SECTION_LISTENERS);
    const uint32_t one = 1;

    for (uint32_t i = 0; i < image->sections[SECTION_LISTENERS].count; i++) {
        struct prefilter_listener row = {0};

        if (listeners[i].network != network || !is_ipv4(&listeners[i].address))
            continue;
        memcpy(row.address, listeners[i].address.octets + 12, 4);
        row.fragment = 1;
        if (bpf_map_update_elem(fd, &row, &one, BPF_ANY))
            return -errno;
        row.fragment = 0;
        row.port[0] = (uint8_t)(listeners[i].port >> 8);
        row.port[1] = (uint8_t)listeners[i].port;
        if (bpf_map_update_elem(fd, &row, &one, BPF_ANY))
            return -errno;
    }
    return 0;
}

// One row of the trie; a prefix that covers more than IPv4 is not the prefilter's.
static int load_prefix(int fd, const struct ip_address *address, uint16_t length,
                       const struct prefilter_source *value)
{
    struct prefilter_prefix key = {0};

    if (length < MAPPED_BITS || !is_ipv4(address))
        return 0;
    key.length = length - MAPPED_BITS;
    memcpy(key.address, address->octets + 12, 4);
    return bpf_map_update_elem(fd, &key, value, BPF_ANY) ? -errno : 0;
}

// Deny rows come last: where a peer's source has the same prefix, deny wins.
static int load_sources(int fd, const struct snapshot_header *image)
{
    const struct snapshot_source *sources = section(image, SECTION_SOURCES);
    const struct snapshot_deny *denies = section(image, SECTION_DENY);
    const struct prefilter_source denied = {.peer = NUMBER_NONE, .denied = 1};
    int result = 0;

    for (uint32_t i = 0; i < image->sections[SECTION_SOURCES].count && result == 0; i++) {
        const struct prefilter_source value = {.peer = sources[i].peer};

        result = load_prefix(fd, &sources[i].address, sources[i].length, &value);
    }
    for (uint32_t i = 0; i < image->sections[SECTION_DENY].count && result == 0; i++)
        result = load_prefix(fd, &denies[i].address, denies[i].length, &denied);
    return result;
}

static int load_settings(int fd, const struct snapshot_header *image, uint32_t half)
{
    const struct snapshot_prefilter *from = &image->settings.prefilter;
    const struct prefilter_settings value = {
        .sequence = image->sequence,
        .check = from->mode != PREFILTER_OFF,
        .dry_run = from->mode == PREFILTER_DRY_RUN,
        .peer = bucket_rule(from->peer.rate, from->peer.burst),
        .peer_invite = bucket_rule(from->peer_invite.rate, from->peer_invite.burst),
        .stranger = bucket_rule(from->stranger.rate, from->stranger.burst),
        .stranger_invite = bucket_rule(from->stranger_invite.rate, from->stranger_invite.burst),
        .strangers = bucket_rule(from->strangers.rate, from->strangers.burst),
    };

    return bpf_map_update_elem(fd, &half, &value, BPF_ANY) ? -errno : 0;
}

int prefilter_load(struct prefilter_port *port, const struct snapshot_header *image, uint32_t network,
                   char *error, size_t size)
{
    const struct report report = {error, size};
    const uint32_t zero = 0;
    uint32_t half;
    const char *step = "active";

    if (bpf_map_lookup_elem(port->map_fds[PREFILTER_MAP_ACTIVE], &zero, &half))
        return fail(&report, -errno, "prefilter: map %s: %s", step, strerror(errno));
    half = !half;
    int listeners = port->map_fds[half ? PREFILTER_MAP_LISTENERS_B : PREFILTER_MAP_LISTENERS_A];
    int sources = port->map_fds[half ? PREFILTER_MAP_SOURCES_B : PREFILTER_MAP_SOURCES_A];

    step = "listeners";
    int result = empty_map(listeners);
    if (result == 0)
        result = load_listeners(listeners, image, network);
    if (result == 0) {
        step = "sources";
        result = empty_map(sources);
    }
    if (result == 0)
        result = load_sources(sources, image);
    if (result == 0) {
        step = "settings";
        result = load_settings(port->map_fds[PREFILTER_MAP_SETTINGS], image, half);
    }
    if (result)
        return fail(&report, result, "prefilter: map %s: %s; the old configuration stays in force", step,
                    result == -ENOSPC || result == -E2BIG ? "too many rows" : strerror(-result));
    if (bpf_map_update_elem(port->map_fds[PREFILTER_MAP_ACTIVE], &zero, &half, BPF_ANY))
        return fail(&report, -errno, "prefilter: map active: %s; the old configuration stays in force",
                    strerror(errno));
    // Waits for an RCU grace period: a packet on another CPU may still be reading the old half, which the
    // next load clears. Where the kernel refuses (nohz_full) two loads are still far further apart than a
    // packet takes.
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    return 0;
}
