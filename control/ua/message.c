// SPDX-License-Identifier: BSD-3-Clause
#include "message.h"

#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/retry_after.h"
#include "../../dataplane/sip/token_list.h"
#include "../../dataplane/sip/uri.h"
#include "../rpc/text.h"

json_t *ua_text_json(const uint8_t *octets, size_t length)
{
    json_t *text = json_stringn((const char *)octets, length);
    return text ? text : text_json((const char *)octets, length);
}

static json_t *start_line(const struct message *message)
{
    const uint8_t *from = message->octets + message->start;
    const uint8_t *end = memchr(from, '\r', message->length - message->start);
    if (!end)
        end = memchr(from, '\n', message->length - message->start);
    return ua_text_json(from, end ? (size_t)(end - from) : 0);
}

static void add_body(json_t *json, const struct message *message)
{
    const uint8_t *body = message_at(message, message->body);
    size_t length = message->body.length;
    json_t *text = length ? json_stringn((const char *)body, length) : NULL;
    char *coded = text || length == 0 ? NULL : malloc(BASE64_ENCODE_RAW_LENGTH(length));
    if (coded) {
        base64_encode_raw(coded, length, body);
        text = json_stringn(coded, BASE64_ENCODE_RAW_LENGTH(length));
        json_object_set_new(json, "body_base64", json_true());
        free(coded);
    }
    if (text)
        json_object_set_new(json, "body", text);
}

json_t *ua_message_json(const struct message *message)
{
    json_t *json = json_object(), *headers = json_array();
    for (uint16_t i = 0; i < message->header_count; i++) {
        const struct header_field *field = &message->headers[i];
        const uint8_t *line = message_at(message, field->line);
        size_t name = strcspn((const char *)line, ": \t"); // the parser found a colon
        json_array_append_new(
            headers, json_pack("[o, o]", ua_text_json(line, name),
                               ua_text_json(message_at(message, field->value), field->value.length)));
    }
    json_object_set_new(json, "start", start_line(message));
    json_object_set_new(json, "headers", headers);
    add_body(json, message);
    return json;
}

bool ua_message_names(const struct message *message, unsigned kind, const char *token)
{
    uint8_t i = message_first_header(message, kind);
    while (i != MESSAGE_NO_HEADER && !token_list_has(message->octets, message->headers[i].value, token))
        i = message_next_header(message, i);
    return i != MESSAGE_NO_HEADER;
}

long ua_message_retry_after(const struct message *message)
{
    struct retry_after retry;
    uint8_t at = message_first_header(message, HEADER_RETRY_AFTER);
    if (at == MESSAGE_NO_HEADER || retry_after_read(message->octets, message->headers[at].value, &retry) < 0)
        return -1;
    return (long)retry.delay_s;
}

char *ua_base64_octets(const char *text, size_t length, size_t *octets)
{
    struct base64_decode_ctx context;
    char *made = malloc(BASE64_DECODE_LENGTH(length) + 1);
    *octets = BASE64_DECODE_LENGTH(length);
    base64_decode_init(&context);
    if (!made || !base64_decode_update(&context, octets, (uint8_t *)made, length, text) ||
        !base64_decode_final(&context)) {
        free(made);
        return NULL;
    }
    made[*octets] = '\0';
    return made;
}
