// SPDX-License-Identifier: BSD-3-Clause
// dialgatectl: global options, then one command, or a shell.
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "version.h"

json_t *ctl_call_parts(struct ctl *ctl, const char *method, const json_t *params, dg_take_part *take,
                       void *context)
{
    struct dg_error error;
    char *text = NULL;
    char *arguments = json_dumps(params, JSON_COMPACT);
    enum dg_code code = DG_NO_MEMORY;
    if (!ctl->client)
        ctl->client = dg_client_open(ctl->socket, &error);
    if (ctl->client)
        dg_client_on_part(ctl->client, take, context);
    if (ctl->client && arguments)
        code = dg_client_call(ctl->client, method, arguments, CTL_TIMEOUT_MS, &text, &error);
    free(arguments);
    if (ctl->client)
        dg_client_on_part(ctl->client, NULL, NULL);
    json_t *result = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    if (text && !result)
        fprintf(stderr, "dialgatectl: %s\n", dg_code_text(DG_BAD_REPLY));
    dg_free(text);
    if (code == DG_OK)
        return result;
    fprintf(stderr, "dialgatectl: %s\n", error.text);
    // The next command of a shell finds a daemon that was started again.
    if (code == DG_CLOSED || code == DG_BAD_REPLY || code == DG_TIMEOUT) {
        dg_client_close(ctl->client);
        ctl->client = NULL;
    }
    return NULL;
}

json_t *ctl_call(struct ctl *ctl, const char *method, const json_t *params)
{
    return ctl_call_parts(ctl, method, params, NULL, NULL);
}

void ctl_print_json(struct ctl *ctl, const json_t *value)
{
    json_dumpf(value, ctl->out, JSON_COMPACT | JSON_ENCODE_ANY);
    fputc('\n', ctl->out);
}

int main(int argc, char **argv)
{
    enum { SOCKET = 256, RUN_DIRECTORY, JSON, VERSION };
    static const struct option longs[] = {{"json", no_argument, NULL, JSON},
                                          {"socket", required_argument, NULL, SOCKET},
                                          {"run-directory", required_argument, NULL, RUN_DIRECTORY},
                                          {"version", no_argument, NULL, VERSION},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct ctl ctl = {.socket = DG_DEFAULT_SOCKET, .out = stdout};
    char path[512];
    int option;
    // "+": options behind the first word belong to the command.
    while ((option = getopt_long(argc, argv, "+h", longs, NULL)) != -1) {
        if (option == JSON) {
            ctl.json = true;
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
    for (int i = optind; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) // also where people put it: at the end
            ctl.json = true;
        else
            words[count++] = argv[i];
    }
    int status = count > 0 ? ctl_execute(&ctl, count, words) : ctl_shell(&ctl);
    free(words);
    dg_client_close(ctl.client);
    if (fflush(stdout) != 0 && status == CTL_DONE) {
        fputs("dialgatectl: standard output does not take what is printed\n", stderr);
        status = CTL_REFUSED;
    }
    return status;
}
