// SPDX-License-Identifier: BSD-3-Clause
#include "calls.h"

#include <linux/bpf.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include "confine.h"

#define WORD            0xffffffffu // of int arguments the upper half of the register is nothing
#define PR_NAMES_MEMORY 0x53564d41  // PR_SET_VMA: the C library names what it maps

#define FAMILY(family)                                                                                       \
    {                                                                                                        \
        "socket", CALLS_BOTH, 0, WORD, family                                                                \
    }
#define MAP(command)                                                                                         \
    {                                                                                                        \
        "bpf", CALLS_BOTH, 0, WORD, command                                                                  \
    }
#define PROCESS(option)                                                                                      \
    {                                                                                                        \
        "prctl", CALLS_BOTH, 0, WORD, option                                                                 \
    }
#define NAMESPACES                                                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |            \
     CLONE_NEWNET)

const struct call_list call_lists[] = {
    // Memory. Control's C library maps modules for the names of groups.
    {CALLS_BOTH, "brk munmap mremap madvise msync mlock munlock membarrier memfd_create "},
    {CALLS_DATAPLANE, "mbind get_mempolicy set_mempolicy sched_setaffinity "},
    {CALLS_CONTROL, "mmap mprotect "},

    // Files: configuration, state, records, logs.
    {CALLS_BOTH, "read readv pread64 preadv write writev pwrite64 pwritev lseek open openat openat2 close "
                 "close_range dup dup2 dup3 fcntl flock ioctl umask fsync fdatasync sync_file_range "},
    {CALLS_BOTH, "stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink "
                 "readlinkat getdents64 getcwd chmod fchmod fchmodat "},
    {CALLS_BOTH, "mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat truncate "
                 "ftruncate fallocate fadvise64 "},
    {CALLS_CONTROL, "chown fchown fchownat utimensat symlink symlinkat sendfile copy_file_range "
                    "inotify_init1 inotify_add_watch inotify_rm_watch "},

    // Sockets.
    {CALLS_BOTH, "socketpair bind listen accept accept4 connect shutdown sendto sendmsg sendmmsg recvfrom "
                 "recvmsg recvmmsg getsockopt setsockopt getsockname getpeername "},

    // Waiting and time.
    {CALLS_BOTH, "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait "
                 "epoll_pwait2 eventfd2 pipe pipe2 timerfd_create timerfd_settime timerfd_gettime "},
    {CALLS_BOTH, "nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time "},

    // The process itself: threads, signals, what it is.
    {CALLS_BOTH, "futex futex_waitv set_robust_list get_robust_list rseq set_tid_address sched_yield "
                 "sched_getaffinity getcpu exit exit_group restart_syscall "},
    {CALLS_BOTH, "gettid getpid getppid getuid geteuid getgid getegid getresuid getresgid getgroups capget "
                 "getrandom uname sysinfo getrusage getrlimit prlimit64 "},
    {CALLS_BOTH, "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait sigaltstack "
                 "signalfd4 "},

#if CONFINE_SANITIZED
    // LeakSanitizer stops the threads by ptrace, from a process of its own.
    {CALLS_BOTH, "clone ptrace wait4 process_vm_readv prctl personality tgkill kill mmap mprotect mincore "
                 "getdents getdents64 "},
#endif
};

const struct call_rule call_rules[] = {
    // Executable pages are what an intruder wants.
    {"mmap", CALLS_DATAPLANE, 2, PROT_EXEC, 0},
    {"mprotect", CALLS_DATAPLANE, 2, PROT_EXEC, 0},
    // The sockets that see all packets were opened before.
    FAMILY(AF_UNIX),
    FAMILY(AF_INET),
    FAMILY(AF_INET6),
    FAMILY(AF_NETLINK),
    // A thread, in the namespaces that there are.
    {"clone", CALLS_BOTH, 0, CLONE_THREAD | NAMESPACES, CLONE_THREAD},
    PROCESS(PR_SET_NAME),
    PROCESS(PR_GET_NAME),
    PROCESS(PR_CAPBSET_READ),
    PROCESS(PR_NAMES_MEMORY),
    // The prefilter's maps by their descriptors; nothing is loaded or attached.
    MAP(BPF_MAP_LOOKUP_ELEM),
    MAP(BPF_MAP_UPDATE_ELEM),
    MAP(BPF_MAP_DELETE_ELEM),
    MAP(BPF_MAP_GET_NEXT_KEY),
    MAP(BPF_MAP_LOOKUP_BATCH),
    MAP(BPF_MAP_LOOKUP_AND_DELETE_BATCH),
    MAP(BPF_MAP_UPDATE_BATCH),
    MAP(BPF_MAP_DELETE_BATCH),
    MAP(BPF_OBJ_GET_INFO_BY_FD),
};

const unsigned call_list_count = sizeof(call_lists) / sizeof(call_lists[0]);
const unsigned call_rule_count = sizeof(call_rules) / sizeof(call_rules[0]);
