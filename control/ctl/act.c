// SPDX-License-Identifier: BSD-3-Clause
// Commands that change something for an application: bodies come from files, header fields as "Name: value".
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "show_value.h"

#define BODY_MAX 65536u // octets; the daemon takes no more

// A file's text; "-": standard input. NULL after one line on stderr.
static json_t *read_text(struct ctl *ctl, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *octets = malloc(BODY_MAX + 1);
    size_t length = file && octets ? fread(octets, 1, BODY_MAX + 1, file) : 0;
    json_t *made = file && octets && length <= BODY_MAX ? json_stringn(octets, length) : NULL;
    if (!file)
        fprintf(ctl->errors, "dialgatectl: %s: %s\n", path, strerror(errno));
    else if (!made)
        fprintf(ctl->errors, "dialgatectl: %s: no UTF-8, or more than %u octets\n", path, BODY_MAX);
    if (file && file != stdin)
        fclose(file);
    free(octets);
    return made;
}

// ["Name: value"] -> [["Name", "value"]]. NULL after one line on stderr.
static json_t *read_headers(struct ctl *ctl, const json_t *lines)
{
    json_t *pairs = json_array();
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const char *line = json_string_value(json_array_get(lines, i));
        size_t name = strcspn(line, ":");
        const char *value = line[name] ? line + name + 1 : line + name;
        if (name == 0 || !line[name]) {
            fprintf(ctl->errors, "dialgatectl: --header: \"%s\" is not \"Name: value\"\n", line);
            json_decref(pairs);
            return NULL;
        }
        json_array_append_new(pairs, json_pack("[s#, s]", line, (int)name, value + strspn(value, " \t")));
    }
    return pairs;
}

// Parameters as the daemon wants them, NULL after one line on stderr.
static json_t *prepare(struct ctl *ctl, const json_t *given)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    const char *const files[][2] = {{"body", "body"}, {"password_file", "password"}};
    const json_t *headers = json_object_get(params, "headers");
    json_t *pairs = headers ? read_headers(ctl, headers) : NULL;
    bool good = !headers || pairs;
    if (pairs)
        json_object_set_new(params, "headers", pairs);
    for (size_t i = 0; i < COLUMNS(files) && good; i++) {
        const char *path = json_string_value(json_object_get(params, files[i][0]));
        json_t *octets = path ? read_text(ctl, path) : NULL;
        good = !path || octets;
        if (!octets)
            continue;
        json_object_del(params, files[i][0]);
        if (i == 1) { // its first line
            const char *line = json_string_value(octets);
            json_t *first = json_stringn(line, strcspn(line, "\r\n"));
            json_decref(octets);
            octets = first;
        }
        json_object_set_new(params, files[i][1], octets);
    }
    if (good)
        return params;
    json_decref(params);
    return NULL;
}

json_t *ctl_ask(struct ctl *ctl, const char *method, const json_t *given)
{
    json_t *params = prepare(ctl, given);
    json_t *result = params ? ctl_call(ctl, method, params) : NULL;
    json_decref(params);
    return result;
}

void ctl_print_sent(struct ctl *ctl, const json_t *result)
{
    if (ctl->json)
        ctl_print_json(ctl, result);
    else if (json_object_get(result, "call_id"))
        fprintf(ctl->out, "dialog %s, Call-ID %s\n", text(result, "dialog"), text(result, "call_id"));
    else if (json_object_get(result, "refer"))
        fprintf(ctl->out, "transfer %s\n", text(result, "refer"));
    else
        fputs("sent\n", ctl->out);
}

int ctl_act(struct ctl *ctl, const char *method, const json_t *given)
{
    json_t *result = ctl_ask(ctl, method, given);
    if (!result)
        return CTL_REFUSED;
    ctl_print_sent(ctl, result);
    json_decref(result);
    return CTL_DONE;
}
