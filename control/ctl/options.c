// SPDX-License-Identifier: BSD-3-Clause
// Options of dialgatectl itself, which stand where people put them.
#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "watch.h"

static int seconds_of(const struct ctl *ctl, const char *text)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    int seconds = !text ? WATCH_SECONDS : digits > 0 && digits < 5 && !text[digits] ? atoi(text) : 0;
    if (seconds > 0 && seconds <= WATCH_SECONDS_MAX)
        return seconds;
    fprintf(ctl->errors, "dialgatectl: --watch: \"%s\" is not understood; a number of seconds, at most %d\n",
            text, WATCH_SECONDS_MAX);
    return 0;
}

// Is the word this option? Then *value is what stands behind its "=", NULL where it has none.
static bool is_option(const char *word, const char *name, const char **value)
{
    size_t length = strlen(name);
    bool begins = strncmp(word, name, length) == 0;
    *value = begins && word[length] == '=' ? word + length + 1 : NULL;
    return begins && (word[length] == '\0' || *value);
}

static bool set_socket(struct ctl *ctl, const char *option, const char *value, const char *file)
{
    if (value[0] &&
        snprintf(ctl->socket, sizeof(ctl->socket), "%s%s", value, file) < (int)sizeof(ctl->socket))
        return true;
    if (value[0])
        fprintf(ctl->errors, "dialgatectl: %s: the path is too long for a socket; at most %zu octets\n",
                option, sizeof(ctl->socket) - 1);
    else
        fprintf(ctl->errors, "dialgatectl: a value is missing behind %s; see dialgatectl --help\n", option);
    return false;
}

int ctl_take_options(struct ctl *ctl, int count, const char *const *words, const char **left)
{
    int kept = 0, i = 0;
    for (; i < count && strcmp(words[i], "--") != 0; i++) {
        const char *value, *next = i + 1 < count ? words[i + 1] : "";
        if (strcmp(words[i], "--json") == 0) {
            ctl->json = true;
        } else if (is_option(words[i], "--watch", &value)) {
            if (!value && next[0] >= '0' && next[0] <= '9')
                value = words[++i];
            ctl->watch_s = seconds_of(ctl, value);
            if (ctl->watch_s == 0)
                return -1;
        } else if (is_option(words[i], "--socket", &value)) {
            if (!set_socket(ctl, "--socket", value ? value : next, ""))
                return -1;
            i += !value;
        } else if (is_option(words[i], "--run-directory", &value)) {
            if (!set_socket(ctl, "--run-directory", value ? value : next, "/control.sock"))
                return -1;
            i += !value;
        } else {
            left[kept++] = words[i];
        }
    }
    while (i < count)
        left[kept++] = words[i++];
    return kept;
}
