// SPDX-License-Identifier: BSD-3-Clause
// A received message: its JSON, which nobody changes any more, and its body as octets.
#include "message.h"

#include <nettle/base64.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct dg_message {
    atomic_uint refs;
    json_t *json;
    const json_t *headers;
    char *body;
    size_t body_length;
};

static bool decode(struct dg_message *message, const char *text, size_t length)
{
    struct base64_decode_ctx context;
    size_t octets = BASE64_DECODE_LENGTH(length);
    base64_decode_init(&context);
    bool good = base64_decode_update(&context, &octets, (uint8_t *)message->body, length, text) &&
                base64_decode_final(&context);
    message->body_length = good ? octets : 0;
    return good;
}

static bool read_body(struct dg_message *message)
{
    const json_t *body = json_object_get(message->json, "body");
    const char *text = json_string_value(body);
    size_t length = json_string_length(body);
    message->body = malloc(BASE64_DECODE_LENGTH(length) + length + 1);
    if (!message->body)
        return false;
    if (json_is_true(json_object_get(message->json, "body_base64"))) {
        (void)decode(message, text ? text : "", length);
    } else if (length > 0) {
        memcpy(message->body, text, length);
        message->body_length = length;
    }
    message->body[message->body_length] = '\0';
    return true;
}

struct dg_message *message_make(json_t *json)
{
    struct dg_message *message = json ? calloc(1, sizeof(*message)) : NULL;
    if (!message)
        return NULL;
    atomic_init(&message->refs, 1);
    message->json = json_incref(json);
    message->headers = json_object_get(json, "headers");
    if (read_body(message))
        return message;
    dg_message_unref(message);
    return NULL;
}

struct dg_message *dg_message_ref(const struct dg_message *message)
{
    struct dg_message *counted = (struct dg_message *)(uintptr_t)message; // only the count changes
    atomic_fetch_add(&counted->refs, 1);
    return counted;
}

void dg_message_unref(struct dg_message *message)
{
    if (!message || atomic_fetch_sub(&message->refs, 1) != 1)
        return;
    json_decref(message->json);
    free(message->body);
    free(message);
}

const char *dg_message_start(const struct dg_message *message)
{
    const char *start = json_string_value(json_object_get(message->json, "start"));
    return start ? start : "";
}

bool dg_message_header_at(const struct dg_message *message, size_t index, struct dg_header *header)
{
    const json_t *pair = json_array_get(message->headers, index);
    header->name = json_string_value(json_array_get(pair, 0));
    header->value = json_string_value(json_array_get(pair, 1));
    if (!pair)
        return false;
    header->name = header->name ? header->name : "";
    header->value = header->value ? header->value : "";
    return true;
}

// RFC 3261 20, 3515 2.1, 3841 9.1, 3891 6, 3892 2.1, 4028 4 and 5, 6665 8.2.1
static const char *long_name(const char *name)
{
    static const char *const forms[26] = {['a' - 'a'] = "Accept-Contact",
                                          ['b' - 'a'] = "Referred-By",
                                          ['c' - 'a'] = "Content-Type",
                                          ['d' - 'a'] = "Request-Disposition",
                                          ['e' - 'a'] = "Content-Encoding",
                                          ['f' - 'a'] = "From",
                                          ['i' - 'a'] = "Call-ID",
                                          ['j' - 'a'] = "Reject-Contact",
                                          ['k' - 'a'] = "Supported",
                                          ['l' - 'a'] = "Content-Length",
                                          ['m' - 'a'] = "Contact",
                                          ['o' - 'a'] = "Event",
                                          ['r' - 'a'] = "Refer-To",
                                          ['s' - 'a'] = "Subject",
                                          ['t' - 'a'] = "To",
                                          ['u' - 'a'] = "Allow-Events",
                                          ['v' - 'a'] = "Via",
                                          ['x' - 'a'] = "Session-Expires"};
    unsigned letter = (unsigned)(name[0] | 0x20) - 'a';
    return name[0] && !name[1] && letter < 26 && forms[letter] ? forms[letter] : name;
}

const char *dg_message_header(const struct dg_message *message, const char *name, size_t index)
{
    struct dg_header header;
    for (size_t i = 0; dg_message_header_at(message, i, &header); i++)
        if (strcasecmp(long_name(header.name), long_name(name)) == 0 && index-- == 0)
            return header.value;
    return NULL;
}

const char *dg_message_body(const struct dg_message *message, size_t *length)
{
    if (length)
        *length = message->body_length;
    return message->body;
}
