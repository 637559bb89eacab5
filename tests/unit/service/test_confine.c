// SPDX-License-Identifier: BSD-3-Clause
// Each row is tried in a process of its own, by two threads: one that made the filter, one that was there
// before.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "confine.h"

// 0: allowed. Else the errno that the call ended with.
static int try_exec(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int try_socket(int family, int type)
{
    int fd = socket(family, type, 0);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int try_packet_socket(void)
{
    return try_socket(AF_PACKET, SOCK_RAW);
}

static int try_vsock(void)
{
    return try_socket(AF_VSOCK, SOCK_STREAM);
}

static int try_inet_socket(void)
{
    return try_socket(AF_INET, SOCK_DGRAM);
}

static int try_unix_socket(void)
{
    return try_socket(AF_UNIX, SOCK_STREAM);
}

static int try_bpf(enum bpf_cmd command)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    return syscall(SYS_bpf, command, &attributes, sizeof(attributes)) < 0 ? errno : 0;
}

static int try_program(void)
{
    return try_bpf(BPF_PROG_LOAD);
}

// Passes the filter: the descriptor 0 is no map.
static int try_map_lookup(void)
{
    int error = try_bpf(BPF_MAP_LOOKUP_ELEM);

    return error == EPERM ? EPERM : 0;
}

static int try_mount(void)
{
    return mount("none", "/", "tmpfs", 0, NULL) < 0 ? errno : 0;
}

static int try_namespace(void)
{
    return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int try_user(void)
{
    return syscall(SYS_setuid, geteuid()) < 0 ? errno : 0;
}

static int try_executable_pages(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? errno : 0;
}

static int try_to_make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

static int try_kill_parent(void)
{
    return kill(getppid(), 0) < 0 ? errno : 0;
}

static int try_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static void *nothing(void *argument)
{
    return argument;
}

static int try_thread(void)
{
    pthread_t thread;
    int result = pthread_create(&thread, NULL, nothing, NULL);

    return result != 0 ? result : pthread_join(thread, NULL);
}

static int try_file(void)
{
    FILE *file = fopen("/proc/self/status", "re");

    if (file == NULL)
        return errno;
    fclose(file);
    return 0;
}

enum { DATAPLANE = CALLS_DATAPLANE, CONTROL = CALLS_CONTROL, BOTH = CALLS_BOTH };

static const struct row {
    const char *name;
    int (*attempt)(void);
    int refused;    // by whose filter
    bool sanitizer; // refused in sanitized builds, too
} rows[] = {
    {"another program", try_exec, BOTH, true},
    {"a socket that sees all packets", try_packet_socket, BOTH, true},
    {"a socket of a family that is not used", try_vsock, BOTH, true},
    {"a BPF program", try_program, BOTH, true},
    {"a mount", try_mount, BOTH, true},
    {"a namespace", try_namespace, BOTH, true},
    {"another user", try_user, BOTH, true},
    {"executable pages", try_executable_pages, DATAPLANE, false},
    {"pages that become executable", try_to_make_executable, DATAPLANE, false},
    {"a signal for another process", try_kill_parent, BOTH, false},
    {"to be traced", try_trace, BOTH, false},
    {"a UDP socket", try_inet_socket, 0, true},
    {"a Unix socket", try_unix_socket, 0, true},
    {"a map's element", try_map_lookup, 0, true},
    {"a thread", try_thread, 0, true},
    {"a file", try_file, 0, true},
};

struct other {
    const struct row *row;
    atomic_bool go;
    int error;
};

static void *other_thread(void *argument)
{
    struct other *other = argument;

    while (!atomic_load(&other->go))
        sched_yield();
    other->error = other->row->attempt();
    return NULL;
}

// In the child: what both threads were told, 255 when it could not be tried.
static int attempt_confined(const struct row *row, enum calls_of who, bool beside)
{
    struct other other = {.row = row};
    pthread_t thread;

    if (beside && pthread_create(&thread, NULL, other_thread, &other) != 0)
        return 255;
    if (confine_calls(who) < 0)
        return 255;
    if (!beside)
        return row->attempt();
    atomic_store(&other.go, true);
    return pthread_join(thread, NULL) != 0 ? 255 : other.error;
}

static void check_row(const struct row *row, enum calls_of who, bool beside)
{
    bool refused = (row->refused & (int)who) != 0;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(attempt_confined(row, who, beside));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != (refused ? EPERM : 0))
        fail_msg("%s, filter %d%s: status %x, wanted %s", row->name, (int)who, beside ? ", other thread" : "",
                 (unsigned)status, refused ? "EPERM" : "success");
}

static void test_calls(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (CONFINE_SANITIZED && !rows[i].sanitizer)
            continue;
        for (int who = CALLS_DATAPLANE; who <= CALLS_CONTROL; who++) {
            check_row(&rows[i], (enum calls_of)who, false);
            check_row(&rows[i], (enum calls_of)who, true);
        }
    }
}

static uint64_t permitted(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    syscall(SYS_capget, &header, data);
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

struct waiter {
    atomic_bool *go;
    uint64_t has;
};

static void *waiting_thread(void *argument)
{
    struct waiter *waiter = argument;

    while (!atomic_load(waiter->go))
        usleep(100);
    waiter->has = permitted();
    return NULL;
}

// Many threads lose what the first one gives up. One that blocks the signal is told of.
static int drop_with_threads(uint64_t keep, bool block)
{
    enum { THREADS = 20 };
    struct waiter waiters[THREADS];
    pthread_t threads[THREADS];
    atomic_bool go = false;
    sigset_t all, before;
    int more;

    sigfillset(&all);
    for (unsigned i = 0; i < THREADS; i++) {
        waiters[i] = (struct waiter){.go = &go, .has = ~UINT64_C(0)};
        if (block && i == 7)
            pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&threads[i], NULL, waiting_thread, &waiters[i]) != 0)
            return 255;
        if (block && i == 7)
            pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    more = confine_rights(keep);
    atomic_store(&go, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (more != (block ? 1 : 0) || permitted() != keep)
        return 1;
    if (!block) // a thread that was slow was asked twice: what comes late ends nothing
        raise(CONFINE_SIGNAL);
    for (unsigned i = 0; i < THREADS; i++) {
        if ((waiters[i].has == keep) != !(block && i == 7))
            return 2;
    }
    return 0;
}

static void check_rights(uint64_t keep, bool block)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(drop_with_threads(keep, block));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_rights(void **state)
{
    if ((permitted() & 1u << CAP_NET_ADMIN) == 0)
        skip();
    check_rights(0, false);
    check_rights(1u << CAP_NET_ADMIN, false);
    check_rights(1u << CAP_NET_ADMIN, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls), cmocka_unit_test(test_rights)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
