// SPDX-License-Identifier: BSD-3-Clause
// The reference of the control socket's methods and events, from api.list. control/rpc/API.md is this output.
#include <inttypes.h>
#include <string.h>
#include "show_value.h"

// "true or false", "1 to 255 octets", "at least 0", "none | early": what a parameter may be.
static void print_range(FILE *out, const json_t *param)
{
    const char *type = text(param, "type");
    const json_t *choices = json_object_get(param, "choices");
    bool ends = json_is_integer(json_object_get(param, "most"));
    if (strcmp(type, "choices") == 0)
        fputs("a list of ", out);
    if (strcmp(type, "boolean") == 0)
        fputs("true or false", out);
    else if (choices)
        for (size_t i = 0; i < json_array_size(choices); i++)
            fprintf(out, "%s%s", i ? " | " : "", json_string_value(json_array_get(choices, i)));
    else if (ends && number(param, "least") == number(param, "most"))
        fprintf(out, "%s, %" PRId64, type, number(param, "least"));
    else if (ends)
        fprintf(out, "%s, %" PRId64 " to %" PRId64, type, number(param, "least"), number(param, "most"));
    else
        fprintf(out, "%s, at least %" PRId64, type, number(param, "least"));
    if (strcmp(type, "text") == 0)
        fputs(" octets", out);
}

static void print_method(FILE *out, const json_t *method)
{
    const json_t *params = json_object_get(method, "params");
    bool audited = json_is_true(json_object_get(method, "audited"));
    fprintf(out, "\n## %s\n\n%s (%s, since %s%s)\n", text(method, "name"), text(method, "help"),
            text(method, "role"), text(method, "since"), audited ? ", audited" : "");
    for (size_t i = 0; i < json_array_size(params); i++) {
        const json_t *param = json_array_get(params, i);
        fprintf(out, "%s* `%s`%s: %s (", i == 0 ? "\n" : "", text(param, "name"),
                json_is_true(json_object_get(param, "required")) ? "" : ", optional", text(param, "help"));
        print_range(out, param);
        fputs(")\n", out);
    }
}

static void print_notifications(FILE *out, const json_t *result)
{
    const json_t *rows = json_object_get(result, "notifications");
    fputs("\n# Notifications\n\nWhat a client gets between its answers.\n", out);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        fprintf(out, "\n## %s\n\n%s\n\nparams: %s\n", text(row, "name"), text(row, "help"),
                text(row, "params"));
    }
}

static void print_events(FILE *out, const json_t *result)
{
    const json_t *kinds = json_object_get(result, "kinds"), *events = json_object_get(result, "events");
    fputs("\n# Events\n\nOf the notification `event`, of `events.file` and of syslog.\n", out);
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *kind = text(json_array_get(kinds, i), "kind");
        fprintf(out, "\n## %s\n\n%s\n\n", kind, text(json_array_get(kinds, i), "help"));
        for (size_t k = 0; k < json_array_size(events); k++) {
            const json_t *event = json_array_get(events, k);
            if (strcmp(text(event, "kind"), kind) == 0)
                fprintf(out, "* `%s`: %s (%s)\n", text(event, "name"), text(event, "help"),
                        text(event, "fields"));
        }
    }
}

int run_api(struct ctl *ctl, const json_t *params)
{
    const char *wanted = json_string_value(json_object_get(params, "method"));
    json_t *nothing = json_object();
    json_t *result = ctl_call(ctl, "api.list", nothing);
    json_t *methods = json_object_get(result, "methods");
    size_t shown = 0;
    json_decref(nothing);
    if (!result)
        return CTL_REFUSED;
    if (!wanted && !ctl->json)
        fputs("# Methods of the control socket\n\nJSON-RPC 2.0, one object or batch a line. Parameters by "
              "name, "
              "or by\n"
              "position in the order given. A role may call what the roles before it may: viewer, operator, "
              "admin.\n",
              ctl->out);
    for (size_t i = 0; i < json_array_size(methods); i++) {
        const json_t *method = json_array_get(methods, i);
        if (wanted && strcmp(text(method, "name"), wanted) != 0)
            continue;
        shown++;
        if (ctl->json)
            ctl_print_json(ctl, method);
        else
            print_method(ctl->out, method);
    }
    if (!wanted && !ctl->json) {
        print_notifications(ctl->out, result);
        print_events(ctl->out, result);
    }
    json_decref(result);
    if (shown > 0)
        return CTL_DONE;
    fprintf(ctl->errors, "dialgatectl: no method is called %s; dialgatectl api names them\n", wanted);
    return CTL_REFUSED;
}
