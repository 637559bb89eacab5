// SPDX-License-Identifier: BSD-3-Clause
// A port's life on a real interface: what a killed process leaves, whose program is whose, the maps found
// among this process's descriptors, packets from the wire to the socket, and control's view. The interfaces
// are a veth pair in a namespace of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "fixture.h"
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <cmocka.h>

#define DEADLINE_MS 5000

static const char *elf;
static char run_directory[] = "/tmp/dialgate-ebpf-XXXXXX";
static char error[256];

static int near_index(void)
{
    return (int)if_nametoindex(FIXTURE_NEAR);
}

static uint32_t attached_id(void)
{
    uint32_t id = 0;

    assert_int_equal(bpf_xdp_query_id(near_index(), 0, &id), 0);
    return id;
}

static void record_path(char path[64])
{
    snprintf(path, 64, "%s/xdp-" FIXTURE_NEAR, run_directory);
}

static bool has_record(void)
{
    char path[64];

    record_path(path);
    return access(path, F_OK) == 0;
}

static void write_record(const char *text)
{
    char path[64];

    record_path(path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int clear_stale(void)
{
    error[0] = '\0';
    return prefilter_clear_stale(run_directory, FIXTURE_NEAR, error, sizeof(error));
}

static int attach_done(struct prefilter_port *port)
{
    error[0] = '\0';
    return prefilter_attach_done(run_directory, FIXTURE_NEAR, port, error, sizeof(error));
}

static int attach_foreign(uint32_t flags)
{
    const struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
                                    {.code = BPF_JMP | BPF_EXIT}};
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);

    assert_true(fd >= 0);
    assert_int_equal(bpf_xdp_attach(near_index(), fd, flags, NULL), 0);
    return fd;
}

static void attach_ours(struct program *program)
{
    program_load(program, elf);
    assert_int_equal(
        bpf_xdp_attach(near_index(), program->fd, XDP_FLAGS_UPDATE_IF_NOEXIST | XDP_FLAGS_DRV_MODE, NULL), 0);
}

static int clean(void **state)
{
    char path[64];

    bpf_xdp_detach(near_index(), XDP_FLAGS_DRV_MODE, NULL);
    bpf_xdp_detach(near_index(), XDP_FLAGS_SKB_MODE, NULL);
    record_path(path);
    unlink(path);
    return 0;
}

static void nothing_is_stale(void **state)
{
    assert_int_equal(clear_stale(), 0);
    write_record("17\n");
    assert_int_equal(clear_stale(), 0);
    assert_false(has_record());
}

static void no_such_interface(void **state)
{
    struct prefilter_port port;

    assert_int_equal(prefilter_clear_stale(run_directory, "nowhere0", error, sizeof(error)), -ENODEV);
    assert_non_null(strstr(error, "nowhere0"));
    assert_int_equal(prefilter_attach_done(run_directory, "nowhere0", &port, error, sizeof(error)), -ENODEV);
    assert_int_equal(port.map_fds[0], -1);
}

// In native and in generic mode, with no record, a wrong one and one that is not a number.
static void foreign_is_left_alone(void **state)
{
    static const char *const records[] = {NULL, "4294967294\n", "garbage", ""};
    static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};

    for (unsigned mode = 0; mode < 2; mode++) {
        int fd = attach_foreign(modes[mode]);
        uint32_t id = attached_id();
        char expected[256];

        snprintf(expected, sizeof(expected),
                 "interface " FIXTURE_NEAR " already has an XDP program (id %u) that is not Dialgate's; "
                 "remove it with `ip link set dev " FIXTURE_NEAR " xdp off`",
                 id);
        for (unsigned i = 0; i < 4; i++) {
            if (records[i])
                write_record(records[i]);
            assert_int_equal(clear_stale(), -EBUSY);
            assert_string_equal(error, expected);
            assert_int_equal(attached_id(), id);
        }
        assert_int_equal(bpf_xdp_detach(near_index(), modes[mode], NULL), 0);
        clean(NULL);
        close(fd);
    }
}

// Who was killed between the driver's attaching and the record of the id had said that the next one is its
// own.
static void announced_is_cleared_up(void **state)
{
    int fd = attach_foreign(XDP_FLAGS_DRV_MODE);

    assert_int_equal(prefilter_attach_begin(run_directory, FIXTURE_NEAR, error, sizeof(error)), 0);
    assert_int_equal(clear_stale(), 0);
    assert_int_equal(attached_id(), 0);
    assert_false(has_record());
    // Announced, and nothing was attached: what comes later is somebody else's.
    assert_int_equal(prefilter_attach_begin(run_directory, FIXTURE_NEAR, error, sizeof(error)), 0);
    assert_int_equal(clear_stale(), 0);
    assert_false(has_record());
    close(fd);
}

static void killed_process_is_cleared_up(void **state)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct program program;
        struct prefilter_port port;

        attach_ours(&program);
        if (attach_done(&port) == 0)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(attached_id() != 0);
    assert_true(has_record());

    // The program is of another process: its maps are not here to be found.
    struct prefilter_port port;
    assert_int_equal(attach_done(&port), -ENOENT);
    assert_non_null(strstr(error, "not the one this process loaded"));

    assert_int_equal(clear_stale(), 0);
    assert_int_equal(attached_id(), 0);
    assert_false(has_record());
}

static uint32_t map_id(int fd)
{
    struct bpf_map_info info = {0};
    uint32_t size = sizeof(info);

    assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
    return info.id;
}

// A second copy of the program is loaded in the same process, as with two ports: each finds its own maps.
static void maps_are_found(void **state)
{
    struct program other, ours;
    struct prefilter_port port;

    assert_int_equal(attach_done(&port), -ENOENT);
    program_load(&other, elf);
    attach_ours(&ours);
    if (attach_done(&port))
        fail_msg("%s", error);
    assert_int_equal(port.program_id, ours.id);
    for (unsigned i = 0; i < PREFILTER_MAP_COUNT; i++) {
        assert_int_equal(map_id(port.map_fds[i]), map_id(ours.port.map_fds[i]));
        assert_int_not_equal(port.map_fds[i], ours.port.map_fds[i]);
    }
    int first = port.map_fds[0];
    prefilter_detach(run_directory, FIXTURE_NEAR, &port);
    assert_int_equal(attached_id(), 0);
    assert_false(has_record());
    assert_int_equal(port.map_fds[0], -1);
    struct bpf_map_info info = {0};
    uint32_t size = sizeof(info);
    assert_true(bpf_obj_get_info_by_fd(first, &info, &size) < 0);
    prefilter_detach(run_directory, FIXTURE_NEAR, &port);
    program_unload(&ours);
    program_unload(&other);
}

// What the dataplane needs, and CAP_PERFMON, which switches off verifier rules that the program has to keep
// without it.
static bool keep_capabilities(bool perfmon)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}};

    sets[0].permitted = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_IPC_LOCK;
    sets[1].permitted = 1u << (CAP_BPF - 32) | (perfmon ? 1u << (CAP_PERFMON - 32) : 0);
    sets[0].effective = sets[0].permitted;
    sets[1].effective = sets[1].permitted;
    return syscall(SYS_capset, &header, sets) == 0;
}

static void loads_with(bool perfmon)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct program program;
        struct prefilter_port port;
        struct image image;

        if (!keep_capabilities(perfmon))
            _exit(2);
        attach_ours(&program);
        if (attach_done(&port))
            _exit(3);
        image_usual(&image);
        if (prefilter_load(&port, &image.header, 0, error, sizeof(error)))
            _exit(4);
        prefilter_detach(run_directory, FIXTURE_NEAR, &port);
        _exit(attached_id() == 0 ? 0 : 5);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void four_capabilities_are_enough(void **state)
{
    loads_with(false);
}

static void perfmon_beside_them(void **state)
{
    loads_with(true);
}

static void record_that_cannot_be_written(void **state)
{
    struct program ours;
    struct prefilter_port port;

    attach_ours(&ours);
    assert_int_equal(prefilter_attach_done("/nowhere", FIXTURE_NEAR, &port, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, "/nowhere/xdp-" FIXTURE_NEAR));
    assert_int_equal(port.map_fds[0], -1);
    program_unload(&ours);
}

static void detach_leaves_another_program(void **state)
{
    struct program ours;
    struct prefilter_port port;

    attach_ours(&ours);
    assert_int_equal(attach_done(&port), 0);
    assert_int_equal(bpf_xdp_detach(near_index(), XDP_FLAGS_DRV_MODE, NULL), 0);
    int fd = attach_foreign(XDP_FLAGS_DRV_MODE);
    uint32_t id = attached_id();
    prefilter_detach(run_directory, FIXTURE_NEAR, &port);
    assert_int_equal(attached_id(), id);
    assert_false(has_record());
    close(fd);
    program_unload(&ours);
}

static void send_frame(int fd, struct frame_spec spec)
{
    struct ifreq request = {.ifr_name = FIXTURE_NEAR};
    uint8_t frame[FRAME_MAX];
    size_t length = frame_build(&spec, frame);

    assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
    memcpy(frame, request.ifr_hwaddr.sa_data, 6);
    assert_int_equal(send(fd, frame, length, 0), length);
}

// From the wire through the attached program: SIP to the socket, another port to the kernel, the rest
// nowhere.
static void wire_to_socket(void **state)
{
    struct sockaddr_ll far = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(FIXTURE_FAR)};
    struct sockaddr_in plain = {.sin_family = AF_INET, .sin_port = htons(5090)};
    struct frame_spec spec = {
        .source = "192.0.2.200", .destination = US, .port = 5060, .payload = "<not SIP at all>"};
    struct program program;
    struct prefilter_port port;
    struct xdp_socket xdp;
    struct image image;
    const uint8_t *frame = NULL;
    char text[64] = "";

    attach_ours(&program);
    assert_int_equal(attach_done(&port), 0);
    socket_open(&xdp, FIXTURE_NEAR);
    program_socket(&program, xdp.fd);
    image_usual(&image);
    if (prefilter_load(&port, &image.header, 0, error, sizeof(error)))
        fail_msg("%s", error);
    int wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0),
        kernel = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(wire, (struct sockaddr *)&far, sizeof(far)), 0);
    assert_int_equal(bind(kernel, (struct sockaddr *)&plain, sizeof(plain)), 0);

    // Sent in this order on one queue: when the later ones have come, the first would have come too.
    send_frame(wire, spec);
    spec.payload = OPTIONS;
    send_frame(wire, spec);
    spec.port = 5090;
    spec.payload = "for the kernel";
    send_frame(wire, spec);
    size_t length = socket_receive(&xdp, DEADLINE_MS, &frame);
    assert_int_equal(length, 42 + strlen(OPTIONS));
    assert_memory_equal(frame + 42, OPTIONS, strlen(OPTIONS));
    struct pollfd ready = {.fd = kernel, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
    assert_int_equal(recv(kernel, text, sizeof(text), 0), 14);
    assert_string_equal(text, "for the kernel");
    assert_int_equal(socket_receive(&xdp, 0, &frame), 0);
    assert_int_equal(program_counter(&program, PREFILTER_REASON_NOT_SIP), 1);
    assert_int_equal(program_counter(&program, PREFILTER_REASON_REDIRECTED), 1);

    // A ban takes effect on the next packet, and so does its end.
    spec.port = 5060;
    spec.payload = INVITE;
    program_ban(&program, "192.0.2.200", 64, 0);
    send_frame(wire, spec);
    program_unban(&program, "192.0.2.200", 64);
    spec.payload = "BYE sip:x SIP/2.0\r\n";
    send_frame(wire, spec);
    assert_true(socket_receive(&xdp, DEADLINE_MS, &frame) > 0);
    assert_memory_equal(frame + 42, "BYE", 3);
    assert_int_equal(program_counter(&program, PREFILTER_REASON_BANNED), 1);
    prefilter_detach(run_directory, FIXTURE_NEAR, &port);
    close(wire);
    close(kernel);
    close(xdp.fd);
    program_unload(&program);
}

static void maps_are_checked(void **state)
{
    struct prefilter_maps wrong;
    struct program program;

    program_load(&program, elf);
    assert_int_equal(prefilter_check_maps(&program.maps), 0);
    for (unsigned i = 0; i < PREFILTER_MAP_SHARED; i++) {
        wrong = program.maps;
        wrong.fds[i] = program.maps.fds[PREFILTER_MAP_CONFIG];
        assert_int_equal(prefilter_check_maps(&wrong), -EPROTO);
        wrong.fds[i] = program.fd;
        assert_int_equal(prefilter_check_maps(&wrong), -EPROTO);
        wrong.fds[i] = STDERR_FILENO;
        assert_int_equal(prefilter_check_maps(&wrong), -EPROTO);
        wrong.fds[i] = -1;
        assert_int_equal(prefilter_check_maps(&wrong), -EPROTO);
    }
    program_unload(&program);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (!fixture_namespace() || !mkdtemp(run_directory)) {
        fprintf(stderr, "skipped: needs root, namespaces and veth\n");
        return FIXTURE_SKIP;
    }
    elf = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_stale, clean),
        cmocka_unit_test_setup(no_such_interface, clean),
        cmocka_unit_test_setup(foreign_is_left_alone, clean),
        cmocka_unit_test_setup(announced_is_cleared_up, clean),
        cmocka_unit_test_setup(killed_process_is_cleared_up, clean),
        cmocka_unit_test_setup(maps_are_found, clean),
        cmocka_unit_test_setup(four_capabilities_are_enough, clean),
        cmocka_unit_test_setup(perfmon_beside_them, clean),
        cmocka_unit_test_setup(record_that_cannot_be_written, clean),
        cmocka_unit_test_setup(detach_leaves_another_program, clean),
        cmocka_unit_test_setup(wire_to_socket, clean),
        cmocka_unit_test_setup(maps_are_checked, clean),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    clean(NULL);
    rmdir(run_directory);
    return failed;
}
