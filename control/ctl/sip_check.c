// SPDX-License-Identifier: BSD-3-Clause
#include "sip_check.h"
#include "sip_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

uint8_t *sip_read_file(const struct ctl *ctl, const char *path, uint32_t *length)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    uint8_t *octets = file == NULL ? NULL : malloc(MESSAGE_SIZE_MAX + 1);
    if (octets == NULL) {
        fprintf(ctl->errors, "dialgatectl: %s: %s\n", path, strerror(errno));
    } else {
        *length = (uint32_t)fread(octets, 1, MESSAGE_SIZE_MAX + 1, file);
        if (ferror(file)) {
            fprintf(ctl->errors, "dialgatectl: %s: %s\n", path, strerror(errno));
            free(octets);
            octets = NULL;
        }
    }
    if (file != NULL && file != stdin)
        fclose(file);
    return octets;
}

static void print_line(struct ctl *ctl, const char *path, const struct message_verdict *verdict,
                       const char *line)
{
    static const char *const words[] = {
        [JUDGE_FINE] = "ok", [JUDGE_ANSWER] = "reject", [JUDGE_SILENCE] = "drop"};
    if (!ctl->json) {
        fprintf(ctl->out, "%s: %s\n", path, line);
        return;
    }
    json_t *object = json_pack("{s:s, s:s}", "file", path, "verdict", words[verdict->action]);
    if (object == NULL) { // a file name that is no UTF-8
        fprintf(ctl->out, "{\"verdict\":\"%s\"}\n", words[verdict->action]);
        return;
    }
    if (verdict->action == JUDGE_ANSWER) {
        json_object_set_new(object, "status", json_integer(verdict->status));
        json_object_set_new(object, "reason", json_string(verdict->reason));
    }
    if (verdict->action == JUDGE_FINE)
        json_object_set_new(object, "message", json_string(line + strlen("ok ")));
    ctl_print_json(ctl, object);
    json_decref(object);
}

int run_sip_check(struct ctl *ctl, const json_t *params)
{
    const struct judge_options *options =
        json_is_true(json_object_get(params, "ua")) ? sip_check_ua() : &judge_front_end;
    const json_t *files = json_object_get(params, "files");
    size_t index, failed = 0;
    json_t *file;
    int status = CTL_DONE;
    json_array_foreach(files, index, file)
    {
        char line[SIP_LINE_MAX];
        uint32_t length;
        uint8_t *octets = sip_read_file(ctl, json_string_value(file), &length);
        if (octets == NULL) {
            status = CTL_REFUSED;
            continue;
        }
        struct message_verdict verdict = sip_check_line(octets, length, options, line);
        print_line(ctl, json_string_value(file), &verdict, line);
        failed += verdict.action != JUDGE_FINE;
        free(octets);
    }
    if (failed == 0)
        return status;
    fprintf(ctl->errors, "dialgatectl: %zu of %zu messages would not pass\n", failed, json_array_size(files));
    return CTL_REFUSED;
}
