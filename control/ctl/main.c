// SPDX-License-Identifier: BSD-3-Clause
// dialgatectl: one command, or a shell.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"
#include "pager.h"
#include "version.h"

int main(int argc, char **argv)
{
    struct ctl ctl = {.socket = DG_DEFAULT_SOCKET,
                      .pages = isatty(STDOUT_FILENO),
                      .colours = pager_colours(),
                      .out = stdout,
                      .errors = stderr};
    const char **words = calloc((size_t)argc + 1, sizeof(*words));
    if (!words) {
        fputs("dialgatectl: no memory\n", stderr);
        return CTL_REFUSED;
    }
    int status, count = ctl_take_options(&ctl, argc - 1, (const char *const *)argv + 1, words);
    if (count < 0)
        status = CTL_USAGE;
    else if (count == 0)
        status = ctl_shell(&ctl);
    else if (strcmp(words[0], "--version") == 0)
        status = puts("dialgatectl " DIALGATE_VERSION) < 0;
    else
        status = ctl_execute(&ctl, count, words);
    free(words);
    dg_client_close(ctl.client);
    if (fflush(stdout) != 0 && status == CTL_DONE) {
        fputs("dialgatectl: standard output does not take what is printed\n", stderr);
        status = CTL_REFUSED;
    }
    return status;
}
