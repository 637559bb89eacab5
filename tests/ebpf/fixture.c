// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include "fixture.h"

#include <arpa/inet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <cmocka.h>

#define AMPLE                                                                                                \
    {                                                                                                        \
        1000000, 1000000                                                                                     \
    }

void image_init(struct image *image)
{
    struct snapshot_range *sections = image->header.sections;

    memset(image, 0, sizeof(*image));
    image->header.magic = SNAPSHOT_MAGIC;
    image->header.version = SNAPSHOT_VERSION;
    image->header.size = sizeof(*image);
    sections[SECTION_NETWORKS] = (struct snapshot_range){offsetof(struct image, networks), 3};
    sections[SECTION_LISTENERS].offset = offsetof(struct image, listeners);
    sections[SECTION_SOURCES].offset = offsetof(struct image, sources);
    sections[SECTION_DENY].offset = offsetof(struct image, denies);
    sections[SECTION_PEERS].offset = offsetof(struct image, peers);
    sections[SECTION_PEERS].count = IMAGE_PEERS;
    for (unsigned i = 0; i < 3; i++)
        memcpy(image->networks[i].interface, i == 1 ? "eth1" : "eth0", 5);
    image->networks[2].vlan = 7;
    for (unsigned i = 0; i < IMAGE_PEERS; i++)
        image->peers[i] = (struct snapshot_peer){
            .flags = SNAPSHOT_PRESENT, .filter_all = AMPLE, .filter_invite = AMPLE, .filter_fragment = AMPLE};
    image->header.settings.prefilter = (struct snapshot_prefilter){
        .mode = PREFILTER_ENFORCE,
        .source_bits = 64,
        .stranger = AMPLE,
        .stranger_invite = AMPLE,
        .strangers = AMPLE,
        .strangers_fragment = AMPLE,
    };
}

// Returns how many bits of the 128-bit form come before the family's own.
static unsigned set_address(struct ip_address *to, const char *text)
{
    if (inet_pton(AF_INET6, text, to->octets) == 1)
        return 0;
    to->octets[10] = to->octets[11] = 0xff;
    assert_int_equal(inet_pton(AF_INET, text, to->octets + 12), 1);
    return IP_MAPPED_BITS;
}

void image_listener(struct image *image, const char *address, uint16_t port, uint16_t network)
{
    struct snapshot_listener *row = &image->listeners[image->header.sections[SECTION_LISTENERS].count++];

    set_address(&row->address, address);
    row->port = port;
    row->network = network;
}

void image_source(struct image *image, const char *address, unsigned length, uint16_t peer)
{
    struct snapshot_source *row = &image->sources[image->header.sections[SECTION_SOURCES].count++];

    row->length = (uint16_t)(set_address(&row->address, address) + length);
    row->peer = peer;
}

void image_deny(struct image *image, const char *address, unsigned length)
{
    struct snapshot_deny *row = &image->denies[image->header.sections[SECTION_DENY].count++];

    row->length = (uint16_t)(set_address(&row->address, address) + length);
}

void image_usual(struct image *image)
{
    image_init(image);
    image_listener(image, US, 5060, 0);
    image_listener(image, US, 5080, 0);
    image_listener(image, US, 513, 0); // the last octets of US, read as a port when a header length lies
    image_listener(image, US6, 5060, 0);
    image_listener(image, "192.0.2.9", 5060, 1);
    image_listener(image, OTHER, 5060, 2);
    image_listener(image, OTHER6, 5060, 2);
    image_source(image, "198.51.100.200", 32, 8);
    image_source(image, "203.0.113.16", 28, 9);
    image_source(image, "198.51.100.0", 24, 7);
    image_source(image, "2001:db8:7::", 48, 7);
    image_source(image, "2001:db8:d:9::", 64, 9);
    image_deny(image, "198.51.100.200", 32);
    image_deny(image, "198.51.100.64", 26);
    image_deny(image, "203.0.113.0", 24);
    image_deny(image, "2001:db8:d::", 48);
    image_deny(image, "2001:db8:7:ff::", 64);
}

void program_load(struct program *program, const char *path)
{
    static const char *const names[] = {
#define M(name, text, help) text,
        PREFILTER_MAPS(M)
#undef M
    };
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof(info);

    program->object = bpf_object__open_file(path, NULL);
    assert_non_null(program->object);
    assert_int_equal(bpf_object__load(program->object), 0);
    // The AF_XDP driver takes the first program of the file.
    program->fd = bpf_program__fd(bpf_object__next_program(program->object, NULL));
    assert_true(program->fd >= 0);
    assert_int_equal(bpf_obj_get_info_by_fd(program->fd, &info, &size), 0);
    program->id = info.id;
    prefilter_init(&program->port);
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++) {
        int fd = bpf_object__find_map_fd_by_name(program->object, names[i]);
        if (fd < 0)
            fail_msg("no map %s in %s", names[i], path);
        program->port.map_fds[i] = program->maps.fds[i] = fd;
    }
}

void program_unload(struct program *program)
{
    bpf_object__close(program->object);
}

void program_configure(struct program *program, struct image *image)
{
    char error[256] = "";

    image->header.sequence++;
    if (prefilter_load(&program->port, &image->header, 0, error, sizeof(error)))
        fail_msg("prefilter_load: %s", error);
}

void program_socket(const struct program *program, int fd)
{
    const uint32_t zero = 0;

    if (fd >= 0)
        assert_int_equal(bpf_map_update_elem(program->maps.fds[PREFILTER_MAP_XSKS], &zero, &fd, BPF_ANY), 0);
    else
        bpf_map_delete_elem(program->maps.fds[PREFILTER_MAP_XSKS], &zero);
}

int program_run(const struct program *program, const uint8_t *frame, size_t length, int times)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)length,
                .repeat = times);

    assert_int_equal(bpf_prog_test_run_opts(program->fd, &options), 0);
    return (int)options.retval;
}

struct ban_source fixture_source(const char *address, unsigned bits)
{
    struct ip_address ip = {{0}};

    set_address(&ip, address);
    return ban_source(&ip, bits);
}

void program_ban(const struct program *program, const char *address, unsigned bits, uint64_t until_ns)
{
    const struct ban_source source = fixture_source(address, bits);
    const struct prefilter_ban ban = {.expires_ns = until_ns};
    const struct ban_lengths lengths = {1, bits == 64 ? 1 : 2, {64, bits}};

    assert_int_equal(prefilter_look_for_bans(&program->port, &lengths), 0);
    assert_int_equal(bpf_map_update_elem(program->maps.fds[PREFILTER_MAP_BANS], &source, &ban, BPF_ANY), 0);
}

void program_unban(const struct program *program, const char *address, unsigned bits)
{
    const struct ban_source source = fixture_source(address, bits);

    assert_int_equal(bpf_map_delete_elem(program->maps.fds[PREFILTER_MAP_BANS], &source), 0);
}

uint64_t program_tally(const struct program *program, uint32_t class, enum prefilter_tally tally)
{
    const uint32_t key = prefilter_tally_key(class, tally);
    uint64_t values[256], sum = 0;
    int cpus = libbpf_num_possible_cpus();

    assert_in_range(cpus, 1, 256);
    assert_int_equal(bpf_map_lookup_elem(program->maps.fds[PREFILTER_MAP_CLASSES], &key, values), 0);
    for (int cpu = 0; cpu < cpus; cpu++)
        sum += values[cpu];
    return sum;
}

uint64_t program_counter(const struct program *program, enum prefilter_reason reason)
{
    uint64_t values[PREFILTER_REASON_COUNT];

    assert_int_equal(prefilter_read_counters(&program->maps, values), 0);
    return values[reason];
}

int fixture_command(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool fixture_namespace(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        return false;
    return fixture_command("ip link set lo up && ip link add " FIXTURE_NEAR
                           " type veth peer name " FIXTURE_FAR
                           " && ip address add 192.0.2.1/24 dev " FIXTURE_NEAR " && ip link set " FIXTURE_NEAR
                           " up && ip link set " FIXTURE_FAR " up") == 0;
}

static void *map_ring(int fd, size_t size, off_t offset)
{
    void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

    assert_true(ring != MAP_FAILED);
    return ring;
}

static void set_ring(int fd, int option)
{
    const int frames = SOCKET_FRAMES;

    assert_int_equal(setsockopt(fd, SOL_XDP, option, &frames, sizeof(frames)), 0);
}

void socket_open(struct xdp_socket *xdp, const char *interface)
{
    struct xdp_umem_reg area = {.len = SOCKET_FRAMES * SOCKET_FRAME_SIZE, .chunk_size = SOCKET_FRAME_SIZE};
    struct sockaddr_xdp address = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY};
    struct xdp_mmap_offsets offsets;
    socklen_t size = sizeof(offsets);

    xdp->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_true(xdp->fd >= 0);
    xdp->area = mmap(NULL, area.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(xdp->area != MAP_FAILED);
    area.addr = (uintptr_t)xdp->area;
    assert_int_equal(setsockopt(xdp->fd, SOL_XDP, XDP_UMEM_REG, &area, sizeof(area)), 0);
    set_ring(xdp->fd, XDP_UMEM_FILL_RING);
    set_ring(xdp->fd, XDP_UMEM_COMPLETION_RING);
    set_ring(xdp->fd, XDP_RX_RING);
    assert_int_equal(getsockopt(xdp->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size), 0);

    uint8_t *fill =
        map_ring(xdp->fd, offsets.fr.desc + SOCKET_FRAMES * sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING);
    for (uint32_t i = 0; i < SOCKET_FRAMES; i++)
        ((uint64_t *)(void *)(fill + offsets.fr.desc))[i] = i * SOCKET_FRAME_SIZE;
    __atomic_store_n((uint32_t *)(void *)(fill + offsets.fr.producer), SOCKET_FRAMES, __ATOMIC_RELEASE);
    xdp->rx_ring =
        map_ring(xdp->fd, offsets.rx.desc + SOCKET_FRAMES * sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
    xdp->producer = offsets.rx.producer;
    xdp->consumer = offsets.rx.consumer;
    xdp->descriptors = offsets.rx.desc;

    address.sxdp_ifindex = if_nametoindex(interface);
    assert_int_equal(bind(xdp->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

size_t socket_receive(struct xdp_socket *xdp, int timeout_ms, const uint8_t **frame)
{
    struct pollfd ready = {.fd = xdp->fd, .events = POLLIN};
    uint32_t *producer = (void *)(xdp->rx_ring + xdp->producer);
    uint32_t *consumer = (void *)(xdp->rx_ring + xdp->consumer);

    if (poll(&ready, 1, timeout_ms) <= 0 || __atomic_load_n(producer, __ATOMIC_ACQUIRE) == *consumer)
        return 0;
    const struct xdp_desc *got = (const void *)(xdp->rx_ring + xdp->descriptors);

    got += *consumer % SOCKET_FRAMES;
    *frame = xdp->area + got->addr;
    size_t length = got->len;
    __atomic_store_n(consumer, *consumer + 1, __ATOMIC_RELEASE);
    return length;
}
