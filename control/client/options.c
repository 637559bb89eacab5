// SPDX-License-Identifier: BSD-3-Clause
#include "options.h"

#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dg_agent_options agent_options_read(const struct dg_agent_options *options)
{
    struct dg_agent_options read = {0};
    if (options)
        memcpy(&read, options, options->size < sizeof(read) ? options->size : sizeof(read));
    return read;
}

struct dg_options options_read(const struct dg_options *options)
{
    struct dg_options read = {0};
    if (options)
        memcpy(&read, options, options->size < sizeof(read) ? options->size : sizeof(read));
    return read;
}

bool options_text(json_t *params, const char *key, const char *text)
{
    return !text || json_object_set_new(params, key, json_string(text)) == 0;
}

static bool number(json_t *params, const char *key, unsigned value)
{
    return !value || json_object_set_new(params, key, json_integer(value)) == 0;
}

static bool flag(json_t *params, const char *key, bool value)
{
    return !value || json_object_set_new(params, key, json_true()) == 0;
}

static bool header(json_t *headers, const char *name, const char *value)
{
    return !value || json_array_append_new(headers, json_pack("[s, s]", name, value)) == 0;
}

// RFC 3325 9.1
static bool identity(json_t *headers, const struct dg_options *options)
{
    const char *given = options->asserted_identity;
    if (given && strcmp(given, DG_SAME_AS_FROM) == 0)
        given = options->from;
    if (!given)
        return true;
    bool bare = *given != '"' && !strchr(given, '<');
    json_t *value = json_sprintf(bare ? "<%s>" : "%s", given);
    bool good = value && header(headers, "P-Asserted-Identity", json_string_value(value));
    json_decref(value);
    return good;
}

static bool write_headers(const struct dg_options *options, json_t *params)
{
    char expires[12];
    json_t *headers = json_array();
    snprintf(expires, sizeof(expires), "%u", options->expires_s);
    bool good = header(headers, "User-Agent", options->user_agent) &&
                header(headers, "Subject", options->subject) && header(headers, "Allow", options->allow) &&
                header(headers, "Supported", options->supported) &&
                header(headers, "Accept", options->accept) &&
                header(headers, "Expires", options->expires_s ? expires : NULL) && identity(headers, options);
    for (size_t i = 0; good && i < options->header_count; i++)
        good =
            options->headers[i].value && header(headers, options->headers[i].name, options->headers[i].value);
    if (good && json_array_size(headers) > 0)
        good = json_object_set(params, "headers", headers) == 0;
    json_decref(headers);
    return good;
}

static bool write_body(const struct dg_options *options, json_t *params)
{
    const char *body = options->body;
    size_t length = body && !options->body_length ? strlen(body) : options->body_length;
    if (!body)
        return true;
    json_t *text = memchr(body, '\0', length) ? NULL : json_stringn(body, length);
    if (text)
        return json_object_set_new(params, "body", text) == 0;
    char *coded = malloc(BASE64_ENCODE_RAW_LENGTH(length) + 1);
    if (!coded)
        return false;
    base64_encode_raw(coded, length, (const uint8_t *)body);
    bool good =
        json_object_set_new(params, "body", json_stringn(coded, BASE64_ENCODE_RAW_LENGTH(length))) == 0;
    free(coded);
    return good && flag(params, "body_base64", true);
}

bool options_write(const struct dg_options *options, json_t *params)
{
    const struct {
        const char *key, *text;
    } texts[] = {{"content_type", options->content_type},
                 {"reason", options->reason},
                 {"to", options->to},
                 {"from", options->from},
                 {"contact", options->contact},
                 {"peer", options->peer},
                 {"member", options->member},
                 {"user", options->user},
                 {"password", options->password},
                 {"realm", options->realm},
                 {"retry", options->retry},
                 {"context", options->note},
                 {"tag", options->tag},
                 {"protocol", options->cause_protocol},
                 {"text", options->cause_text},
                 {"referred_by", options->referred_by}};
    bool good = write_headers(options, params) && write_body(options, params);
    for (size_t i = 0; good && i < sizeof(texts) / sizeof(texts[0]); i++)
        good = options_text(params, texts[i].key, texts[i].text);
    good = good && number(params, "redirect", options->redirects) &&
           number(params, "timeout_ms", options->ring_ms) &&
           number(params, "session_expires", options->session_expires_s) &&
           number(params, "cause", options->cause) && number(params, "status", options->status) &&
           flag(params, "late_ack", options->late_ack) && flag(params, "reliable", options->reliable) &&
           flag(params, "early_only", options->early_only);
    return good && (!options->no_subscription || json_object_set_new(params, "subscribe", json_false()) == 0);
}
