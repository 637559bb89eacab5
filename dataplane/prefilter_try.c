// SPDX-License-Identifier: BSD-3-Clause
#include "prefilter_try.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "prefilter.h"
#include "xdp_record.h"

#define VERIFIER_LOG_SIZE 65536u

struct report {
    const struct prefilter_trial *trial;
    char *text;
    size_t size;
};

static int fail(const struct report *report, int error, const char *what, const char *why)
{
    snprintf(report->text, report->size, "interface %s: %s: %s", report->trial->interface, what, why);
    return -error;
}

static int try_socket(const struct report *report)
{
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail(report, errno, "the kernel gives no AF_XDP socket", strerror(errno));
    close(fd);
    return 0;
}

// The last line of the verifier's log but for its statistics: what it refused. Cuts the log.
static const char *last_words(char *log)
{
    char *end = strstr(log, "\nprocessed ");

    if (end == NULL)
        end = log + strlen(log);
    while (end > log && end[-1] == '\n')
        end--;
    *end = '\0';
    const char *line = strrchr(log, '\n');
    return line != NULL ? line + 1 : log;
}

static int load(struct bpf_object *object, char *log, const struct report *report)
{
    char why[256];
    int result = bpf_object__load(object);

    if (result == 0)
        return 0;
    const char *words = last_words(log);
    snprintf(why, sizeof(why), "%s%s%s%s", strerror(-result), words[0] != '\0' ? ": " : "", words,
             result == -EPERM ? "; it takes CAP_BPF and CAP_NET_ADMIN" : "");
    return fail(report, -result, "the kernel refuses the XDP program", why);
}

static int attach(const struct bpf_program *program, const struct report *report)
{
    const struct prefilter_trial *trial = report->trial;
    const int index = (int)if_nametoindex(trial->interface);
    int result = prefilter_attach_begin(trial->run_directory, trial->interface, report->text, report->size);

    if (result < 0)
        return result;
    // As the driver does it: native where the NIC can, generic elsewhere.
    result = bpf_xdp_attach(index, bpf_program__fd(program), XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
    if (result == 0)
        bpf_xdp_detach(index, 0, NULL);
    xdp_record_remove(trial->run_directory, trial->interface);
    return result == 0 ? 0
                       : fail(report, -result,
                              "the XDP program cannot be attached (an MTU that is too large for it, or "
                              "offloads of the NIC that exclude it?)",
                              strerror(-result));
}

static int silence(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

int prefilter_try(const struct prefilter_trial *trial, char *error, size_t size)
{
    static char log[VERIFIER_LOG_SIZE];
    const struct report report = {trial, error, size};
    LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log, .kernel_log_size = sizeof(log));
    int result = try_socket(&report);

    if (result < 0)
        return result;
    if (access(trial->file, R_OK) < 0)
        return fail(&report, errno, trial->file, strerror(errno));
    log[0] = '\0';
    libbpf_print_fn_t print = libbpf_set_print(silence);
    struct bpf_object *object = bpf_object__open_file(trial->file, &options);
    if (object == NULL) {
        result = fail(&report, EINVAL, trial->file, "it is no BPF object; install prefilter.bpf.o again");
        goto done;
    }
    struct bpf_program *program = bpf_object__next_program(object, NULL);
    if (program == NULL || bpf_object__find_map_by_name(object, "xsks_map") == NULL)
        result = fail(&report, EINVAL, trial->file, "it has no XDP program of Dialgate's");
    else
        result = load(object, log, &report);
    if (result == 0 && trial->attach)
        result = attach(program, &report);
    bpf_object__close(object);
done:
    libbpf_set_print(print);
    return result;
}
