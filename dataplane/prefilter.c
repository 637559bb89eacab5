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
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
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
    SHAPE(DROPPERS, struct prefilter_address, struct prefilter_dropped),
    SHAPE(CLASSES, uint32_t, uint64_t),
    [PREFILTER_MAP_DROPS] = {0, 0},
    SHAPE(BANS, struct prefilter_prefix6, struct prefilter_ban),
    SHAPE(XSKS, uint32_t, uint32_t),
    SHAPE(CONFIG, uint32_t, struct prefilter_config),
    SHAPE(LISTENERS_A, struct prefilter_listener, uint32_t),
    SHAPE(LISTENERS_B, struct prefilter_listener, uint32_t),
    SHAPE(SLOTS, uint32_t, uint64_t),
    SHAPE(STEPS4, uint32_t, struct prefilter_step4),
    SHAPE(STEPS6, uint32_t, struct prefilter_step6),
    SHAPE(RULES, uint32_t, struct prefilter_rules),
    SHAPE(BUCKETS, uint32_t, struct prefilter_buckets),
    SHAPE(STRANGERS, struct prefilter_address, struct prefilter_stranger),
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
