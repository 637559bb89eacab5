// SPDX-License-Identifier: BSD-3-Clause
// Capabilities belong to threads and only a thread can give up its own, so that each is asked by a signal;
// /proc tells which of them still have something, however many there are and whoever started them. A seccomp
// filter is set on all threads at once (TSYNC).
#include "confine.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUND_NS   2000000
#define ROUNDS_MAX 500u // a second

static struct __user_cap_data_struct wanted[2]; // before signals go out; read by each thread's handler

static void drop_here(int signal_number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    int error = errno;

    // Only async-signal-safe calls: this is a handler too. /proc shows whether it worked.
    if (syscall(SYS_capset, &header, wanted) < 0)
        errno = error;
}

// Returns false when the thread is gone.
static bool read_permitted(const char *thread, uint64_t *permitted)
{
    unsigned long long bits = 0;
    char path[64], line[128];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", thread);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), file) != NULL)
        found = sscanf(line, "CapPrm: %llx", &bits) == 1;
    fclose(file);
    *permitted = bits;
    return found;
}

// Asks every thread that has more than keep. Returns how many those are, or -errno.
static int ask_threads(uint64_t keep, int signal_number)
{
    DIR *threads = opendir("/proc/self/task");
    struct dirent *entry;
    int more = 0;

    if (threads == NULL)
        return -errno;
    while ((entry = readdir(threads)) != NULL) {
        uint64_t permitted;

        if (entry->d_name[0] == '.' || !read_permitted(entry->d_name, &permitted) || (permitted & ~keep) == 0)
            continue;
        more++;
        syscall(SYS_tgkill, getpid(), (pid_t)strtol(entry->d_name, NULL, 10), signal_number);
    }
    closedir(threads);
    return more;
}

int confine_rights(uint64_t keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct sigaction action = {.sa_handler = drop_here, .sa_flags = SA_RESTART};
    const struct timespec pause = {.tv_nsec = ROUND_NS};
    uint64_t has;
    int more = 0;

    if (syscall(SYS_capget, &header, wanted) < 0)
        return -errno;
    has = wanted[0].permitted | (uint64_t)wanted[1].permitted << 32;
    keep &= has;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t bits = (uint32_t)(keep >> 32 * i);

        wanted[i] = (struct __user_cap_data_struct){.effective = bits, .permitted = bits};
    }
    if (syscall(SYS_capset, &header, wanted) < 0 || sigaction(CONFINE_SIGNAL, &action, NULL) < 0)
        return -errno;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        more = ask_threads(keep, CONFINE_SIGNAL);
        if (more <= 0)
            break;
        nanosleep(&pause, NULL);
    }
    // Signals of this kind are queued: a thread that was slow has one of each round, and the default, or one
    // that it still blocks, would end the process later.
    if (more == 0) {
        action.sa_handler = SIG_IGN;
        sigaction(CONFINE_SIGNAL, &action, NULL);
    }
    return more;
}

// A call that this machine does not have (open() on arm64) has no number.
static int add_rule(scmp_filter_ctx filter, const struct call_rule *rule)
{
    int number = seccomp_syscall_resolve_name(rule->name);

    if (number < 0)
        return 0;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
                            SCMP_CMP(rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value));
}

static int add_list(scmp_filter_ctx filter, const char *names)
{
    char name[32];
    int result = 0;

    for (const char *end; (end = strchr(names, ' ')) != NULL && result == 0; names = end + 1) {
        int number;

        snprintf(name, sizeof(name), "%.*s", (int)(end - names), names);
        number = seccomp_syscall_resolve_name(name);
        if (number >= 0)
            result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    return result;
}

// abort() and raise() signal this process, nothing else may be signalled. For clone3 the C library falls back
// to clone, whose flags a filter can see, when it does not exist.
static int add_own_rules(scmp_filter_ctx filter)
{
    int result = 0;

#if !CONFINE_SANITIZED
    result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)getpid()));
#endif
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return result;
}

int confine_calls(enum calls_of who)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int result;

    if (filter == NULL)
        return -ENOMEM;
    // no_new_privs is set by libseccomp. As a binary tree (2) the filter costs each call the same.
    result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1); // where the kernel can
    if (result == 0)
        result = add_own_rules(filter);
    for (unsigned i = 0; i < call_list_count && result == 0; i++) {
        if ((call_lists[i].who & who) != 0)
            result = add_list(filter, call_lists[i].names);
    }
    for (unsigned i = 0; i < call_rule_count && result == 0; i++) {
        if ((call_rules[i].who & who) != 0)
            result = add_rule(filter, &call_rules[i]);
    }
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}

int confine(enum calls_of who, char *text, size_t size)
{
    const uint64_t keep = who == CALLS_DATAPLANE ? UINT64_C(1) << CAP_NET_ADMIN : 0;
    int threads = confine_rights(keep);
    int calls = confine_calls(who);

    snprintf(text, size, "capabilities=%s threads_with_more=%d calls=%s%s", keep != 0 ? "net_admin" : "none",
             threads, calls == 0 ? "filtered" : strerror(-calls), CONFINE_SANITIZED ? " sanitizer=yes" : "");
    if (calls < 0 || threads < 0)
        return calls < 0 ? calls : threads;
    return threads > 0 ? -EBUSY : 0;
}
