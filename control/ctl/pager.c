// SPDX-License-Identifier: BSD-3-Clause
#include "pager.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// less: to end at once what fits on the screen, colours, and what was read stays there.
#define LESS_OPTIONS "FRX"

FILE *pager_open(void)
{
    const char *named = getenv("PAGER");
    if (named && (named[0] == '\0' || strcmp(named, "cat") == 0))
        return NULL;
    setenv("LESS", LESS_OPTIONS, 0);
    return popen(named ? named : "command -v less >/dev/null && exec less; exec cat", "we");
}

bool pager_close(FILE *pager)
{
    int status = pclose(pager);
    // 127: the shell found no such program.
    return WIFEXITED(status) && WEXITSTATUS(status) != 127;
}

bool pager_colours(void)
{
    const char *none = getenv("NO_COLOR"), *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(none && none[0]) && kind && strcmp(kind, "dumb") != 0;
}
