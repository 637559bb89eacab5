// SPDX-License-Identifier: BSD-3-Clause
#include "line.h"

#include <string.h>

const char *line_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const char *line_id(const json_t *object, const char *key)
{
    const char *text = line_text(object, key);
    return strlen(text) < LINE_ID_SIZE ? text : "";
}

uint64_t line_number(const json_t *object, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(object, key));
    return number > 0 ? (uint64_t)number : 0;
}

struct line line_read(const char *text, size_t length)
{
    struct line line = {.kind = LINE_BAD, .text = ""};
    line.json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(line.json))
        return line;
    const json_t *error = json_object_get(line.json, "error");
    line.value = json_object_get(line.json, "result");
    if (json_is_string(json_object_get(line.json, "method"))) {
        line.value = json_object_get(line.json, "params");
        bool ours = strcmp(line_text(line.json, "method"), "ua.event") == 0 && json_is_object(line.value);
        line.kind = ours ? LINE_EVENT : LINE_OTHER;
    } else if (line.value || json_is_object(error)) {
        line.kind = LINE_REPLY;
        line.id = line_number(line.json, "id");
        line.code = json_integer_value(json_object_get(error, "code"));
        line.text = line_text(error, "message");
    }
    return line;
}

static enum dg_event_kind kind_of(const char *word)
{
    static const char *const words[DG_EVENT_KINDS] = {
#define X(name, word, text) word,
        DG_EVENTS(X)
#undef X
    };
    unsigned kind = 0;
    while (kind < DG_EVENT_KINDS && (*word == '\0' || strcmp(words[kind], word) != 0))
        kind++;
    return (enum dg_event_kind)kind;
}

void line_event(const json_t *params, struct line_event *event)
{
    uint64_t status = line_number(params, "status"), expires = line_number(params, "expires");
    *event = (struct line_event){
        .kind = kind_of(line_text(params, "event")),
        .dialog = line_id(params, "dialog"),
        .request = line_id(params, "request"),
        .refer = line_id(params, "refer"),
        .of = line_id(params, "of"),
        .stream = line_id(params, "stream"),
        .method = line_text(params, "method"),
        .reason = line_text(params, "reason"),
        .tag = line_text(params, "tag"),
        .by = line_text(params, "by"),
        .peer = line_text(params, "peer"),
        .source = line_text(params, "source"),
        .to = line_text(params, "to"),
        .from = line_text(params, "from"),
        .replaces = line_text(params, "replaces"),
        .referred_by = line_text(params, "referred_by"),
        .number = line_number(params, "seq"),
        .count = line_number(params, "count"),
        .status = status < 700 ? (unsigned)status : 0,
        .expires_s = expires <= UINT32_MAX ? (uint32_t)expires : UINT32_MAX,
        .message = json_object_get(params, "message"),
    };
    const json_t *final = json_object_get(params, "final");
    event->final = json_is_true(final) || json_integer_value(final) > 0;
    if (!json_is_object(event->message))
        event->message = NULL;
}
