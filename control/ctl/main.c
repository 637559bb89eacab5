// SPDX-License-Identifier: BSD-3-Clause
// dialgatectl: global options, then one command, or a shell.
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>
#include "ctl.h"
#include "pager.h"
#include "version.h"

int main(int argc, char **argv)
{
    enum { SOCKET = 256, RUN_DIRECTORY, JSON, WATCH, VERSION };
    static const struct option longs[] = {{"json", no_argument, NULL, JSON},
                                          {"watch", optional_argument, NULL, WATCH},
                                          {"socket", required_argument, NULL, SOCKET},
                                          {"run-directory", required_argument, NULL, RUN_DIRECTORY},
                                          {"version", no_argument, NULL, VERSION},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct ctl ctl = {.socket = DG_DEFAULT_SOCKET,
                      .pages = isatty(STDOUT_FILENO),
                      .colours = pager_colours(),
                      .out = stdout,
                      .errors = stderr};
    char path[512];
    int option;
    // "+": options behind the first word belong to the command.
    while ((option = getopt_long(argc, argv, "+h", longs, NULL)) != -1) {
        if (option == JSON) {
            ctl.json = true;
        } else if (option == WATCH) {
            ctl.watch_s = ctl_watch_seconds(&ctl, optarg);
            if (ctl.watch_s == 0)
                return CTL_USAGE;
        } else if (option == SOCKET) {
            ctl.socket = optarg;
        } else if (option == RUN_DIRECTORY) {
            snprintf(path, sizeof(path), "%s/control.sock", optarg);
            ctl.socket = path;
        } else if (option == VERSION) {
            puts("dialgatectl " DIALGATE_VERSION);
            return CTL_DONE;
        } else {
            ctl_usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? CTL_DONE : CTL_USAGE;
        }
    }
    const char **words = calloc((size_t)argc, sizeof(*words));
    int count = 0;
    if (!words) {
        fputs("dialgatectl: no memory\n", stderr);
        return CTL_REFUSED;
    }
    for (int i = optind; i < argc; i++)
        words[count++] = argv[i];
    int status = count > 0 ? ctl_execute(&ctl, count, words) : ctl_shell(&ctl);
    free(words);
    dg_client_close(ctl.client);
    if (fflush(stdout) != 0 && status == CTL_DONE) {
        fputs("dialgatectl: standard output does not take what is printed\n", stderr);
        status = CTL_REFUSED;
    }
    return status;
}
