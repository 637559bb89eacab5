// SPDX-License-Identifier: BSD-3-Clause
// dialgate-control: reads its arguments, checks or serves. All set-up stands in serve(), in order.
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "confine.h"
#include "control.h"
#include "http.h"
#include "log.h"
#include "manager.h"
#include "notify.h"
#include "rpc/dialog.h"
#include "rpc/server.h"
#include "sink.h"
#include "version.h"

#define EXIT_DONE    0
#define EXIT_REFUSED 1
#define EXIT_USAGE   2

#define DESCRIPTORS_MAX 65536u
#define SIGNALS         4

static const char usage[] =
    "usage: dialgate-control [-n | -nv] -c FILE [--run-directory DIR] [--state-directory DIR]\n"
    "  -c, --config FILE        configuration (YAML)\n"
    "  -n, --check              check the configuration and end\n"
    "  -v, --verbose            with -n: print the configuration with every key\n"
    "  --run-directory DIR      sockets (/run/dialgate)\n"
    "  --state-directory DIR    instead of state.directory\n"
    "  --name-servers LIST      ADDRESS[:PORT],... instead of those of /etc/resolv.conf\n"
    "  --log SINK               auto (default: the journal when standard error is its, else stderr), "
    "stderr,\n"
    "                           journal, syslog[:SOCKET]\n"
    "  --no-sandbox             keep all capabilities and system calls; to debug\n"
    "  --reference              print every key with default, range and meaning\n"
    "  --version, --help\n"
    "SIGHUP reloads the configuration, SIGUSR1 opens the files it writes anew (rotation; SIGHUP does, too),\n"
    "SIGTERM ends.\n";

struct arguments {
    struct control_options options;
    bool check;
    bool verbose;
    bool no_sandbox;
    int exit_status; // -1: go on
};

static int refuse_usage(const char *text)
{
    fprintf(stderr, "dialgate-control: %s; see --help\n", text);
    return EXIT_USAGE;
}

static struct arguments parse_arguments(int argc, char **argv)
{
    enum { RUN_DIRECTORY = 256, STATE_DIRECTORY, NAME_SERVERS, LOG_SINK, NO_SANDBOX, REFERENCE, VERSION };
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"check", no_argument, NULL, 'n'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"run-directory", required_argument, NULL, RUN_DIRECTORY},
                                          {"state-directory", required_argument, NULL, STATE_DIRECTORY},
                                          {"name-servers", required_argument, NULL, NAME_SERVERS},
                                          {"log", required_argument, NULL, LOG_SINK},
                                          {"no-sandbox", no_argument, NULL, NO_SANDBOX},
                                          {"reference", no_argument, NULL, REFERENCE},
                                          {"version", no_argument, NULL, VERSION},
                                          {0}};
    struct arguments a = {.options.run_directory = "/run/dialgate", .exit_status = -1};
    int option;
    while ((option = getopt_long(argc, argv, "c:nvh", longs, NULL)) != -1 && a.exit_status < 0) {
        if (option == 'c')
            a.options.file = optarg;
        else if (option == 'n')
            a.check = true;
        else if (option == 'v')
            a.verbose = true;
        else if (option == RUN_DIRECTORY)
            a.options.run_directory = optarg;
        else if (option == STATE_DIRECTORY)
            a.options.state_directory = optarg;
        else if (option == NAME_SERVERS)
            a.options.name_servers = optarg;
        else if (option == NO_SANDBOX)
            a.no_sandbox = true;
        else if (option != LOG_SINK)
            a.exit_status = option == '?' ? EXIT_USAGE : EXIT_DONE;
        if (option == LOG_SINK && !sink_open(optarg, "dialgate-control"))
            a.exit_status = refuse_usage("--log wants auto, stderr, journal, syslog or syslog:/PATH");
        if (option == 'h')
            fputs(usage, stdout);
        if (option == REFERENCE)
            config_reference(stdout);
        if (option == VERSION)
            puts("dialgate-control " DIALGATE_VERSION);
    }
    if (a.exit_status < 0 && (optind != argc || !a.options.file || (a.verbose && !a.check))) {
        fputs(usage, stderr);
        a.exit_status = EXIT_USAGE;
    }
    return a;
}

static int refuse(const char *text)
{
    fprintf(stderr, "dialgate-control: %s\n", text);
    return EXIT_REFUSED;
}

static int check_only(const struct arguments *a)
{
    char error[ERROR_SIZE];
    struct config *config = config_load(a->options.file, error, sizeof(error));
    if (!config) {
        fprintf(stderr, "%s\n", error); // FILE:LINE:COLUMN first, as editors read it
        return EXIT_REFUSED;
    }
    const char *warning;
    for (size_t i = 0; (warning = config_warning_at(config, i)); i++)
        fprintf(stderr, "warning: %s\n", warning);
    int result = a->verbose ? config_print(config, stdout) : 0;
    config_free(config);
    return result == 0 && fflush(stdout) == 0 ? EXIT_DONE
                                              : refuse("standard output does not take what is printed");
}

static void on_end(evutil_socket_t signal_number, short what, void *context)
{
    log_event(LEVEL_INFO, "ending", "signal=%d", (int)signal_number);
    event_base_loopbreak(context);
}

static void on_reloaded(void *context, int result, const char *text)
{
    manager_reloaded(); // the reload itself has logged its outcome
}

static void on_hangup(evutil_socket_t signal_number, short what, void *context)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_reloaded, NULL, "SIGHUP"};
    manager_reloading();
    audit_reopen(context);
    record_reopen(context);
    events_reopen(context);
    if (control_reload(context, NULL, &answer, error, sizeof(error)) < 0) {
        log_event(LEVEL_ERROR, "reload_refused", "text=\"%s\"", error);
        manager_reloaded();
    }
}

static int make_run_directory(const char *directory, char *error, size_t size)
{
    struct stat status;
    if (mkdir(directory, 0750) < 0 && errno != EEXIST) {
        snprintf(error, size, "%s: %s; make it, or use another --run-directory", directory, strerror(errno));
        return -1;
    }
    if (stat(directory, &status) < 0 || !S_ISDIR(status.st_mode) || access(directory, W_OK | X_OK) < 0) {
        snprintf(error, size, "%s: is no directory that this user may write; use another --run-directory",
                 directory);
        return -1;
    }
    return 0;
}

static void on_rotated(evutil_socket_t signal_number, short what, void *context)
{
    audit_reopen(context);
    record_reopen(context);
    events_reopen(context);
}

// Signals as events; NULL without memory. Freed with event_free.
struct signals {
    struct event *events[SIGNALS];
};

static bool watch_signals(struct signals *signals, struct control *control)
{
    signals->events[0] = evsignal_new(control->base, SIGTERM, on_end, control->base);
    signals->events[1] = evsignal_new(control->base, SIGINT, on_end, control->base);
    signals->events[2] = evsignal_new(control->base, SIGHUP, on_hangup, control);
    signals->events[3] = evsignal_new(control->base, SIGUSR1, on_rotated, control);
    for (size_t i = 0; i < SIGNALS; i++)
        if (!signals->events[i] || event_add(signals->events[i], NULL) < 0)
            return false;
    return true;
}

// Sockets are open and the C library knows who owns them: what is needed from here on is little.
static void give_up_rights(bool sandbox)
{
    char text[160] = "reason=\"--no-sandbox\"";
    int result = sandbox ? confine(CALLS_CONTROL, text, sizeof(text)) : -EPERM;
    log_event(result < 0 ? LEVEL_WARNING : LEVEL_INFO, result < 0 ? "not_confined" : "confined", "%s", text);
}

static int serve(const struct arguments *a, struct event_base *base)
{
    struct control control;
    struct signals signals = {0};
    struct manager manager = {0};
    struct rpc_server *server = NULL;
    struct evhttp *http = NULL;
    char error[ERROR_SIZE] = "out of memory";
    char path[PATH_MAX];
    uint16_t port;
    int status = EXIT_REFUSED;

    if (make_run_directory(a->options.run_directory, error, sizeof(error)) < 0)
        return refuse(error);
    if (control_init(&control, base, &a->options, error, sizeof(error)) < 0)
        return refuse(error);
    snprintf(path, sizeof(path), "%s/control.sock", a->options.run_directory);
    const struct config *config = control.active.config;
    if (!watch_signals(&signals, &control))
        goto done;
    if (audit_open(&control) < 0) {
        snprintf(error, sizeof(error), "control.audit: %s cannot be appended to", control.audit.path);
        goto done;
    }
    server = rpc_server_create(&control, path, config_control_group(config), error, sizeof(error));
    if (!server)
        goto done;
    control.events.tell = rpc_server_tell;
    control.events.context = server;
    const char *address = config_metrics_address(config, &port);
    http = http_create(&control, address, port, error, sizeof(error));
    if (!http || control_connect(&control) < 0)
        goto done;
    log_event(LEVEL_INFO, "started", "version=%s pid=%d socket=\"%s\" metrics=%s:%u", DIALGATE_VERSION,
              (int)getpid(), path, address, port);
    give_up_rights(!a->no_sandbox);
    if (!manager_start(&manager, &control))
        goto done;
    status = event_base_dispatch(base) < 0 ? EXIT_REFUSED : EXIT_DONE;
done:
    if (status != EXIT_DONE)
        refuse(error);
    manager_stop(&manager);
    if (http)
        evhttp_free(http);
    control.events.tell = NULL;
    rpc_server_destroy(server);
    dialog_end_stop(&control);
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals.events[i])
            event_free(signals.events[i]);
    control_fini(&control);
    return status;
}

int main(int argc, char **argv)
{
    sink_open("auto", "dialgate-control");
    struct arguments a = parse_arguments(argc, argv);
    if (a.exit_status >= 0)
        return a.exit_status;
    if (a.check)
        return check_only(&a);
    signal(SIGPIPE, SIG_IGN);
    notify_open();
    // Every client is a descriptor: what the system allows is used.
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct event_base *base = event_base_new();
    if (!base)
        return refuse("out of memory");
    int status = serve(&a, base);
    event_base_loop(base, EVLOOP_NONBLOCK); // callbacks that wait their turn hold what was freed
    event_base_free(base);
    libevent_global_shutdown();
    return status;
}
