// SPDX-License-Identifier: BSD-3-Clause
#include "sip_tree.h"

#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "header.h"
#include "sip_check.h"
#include "sip_line.h"

json_t *sip_text(const uint8_t *octets, struct span span)
{
    static char text[4 * MESSAGE_SIZE_MAX + 1];
    json_t *whole = json_stringn((const char *)octets + span.offset, span.length);
    char *to = text;
    if (whole != NULL)
        return whole;
    for (unsigned i = 0; i < span.length; i++) {
        uint8_t octet = octets[span.offset + i];
        if (octet < 0x80)
            *to++ = (char)octet;
        else
            to += sprintf(to, "\\x%02x", octet);
    }
    return json_stringn(text, (size_t)(to - text));
}

static json_t *header_tree(const struct message *message, const struct header_field *field)
{
    json_t *object = json_object();
    struct span name = field->line;
    name.length = 0;
    while (!memchr(": \t\r\n", message->octets[name.offset + name.length], 5))
        name.length++;
    json_object_set_new(object, "name",
                        field->kind == HEADER_OTHER ? sip_text(message->octets, name)
                                                    : json_string(header_text(field->kind)));
    json_object_set_new(object, "value", sip_text(message->octets, field->value));
    // HEADER_OTHER is the row of the Request-URI.
    json_t *means =
        field->kind == HEADER_OTHER ? NULL : sip_value(field->kind, message->octets, field->value);
    if (means != NULL)
        json_object_set_new(object, "means", means);
    return object;
}

json_t *sip_tree(const struct message *message, int fault)
{
    json_t *object = json_object();
    if (fault == MESSAGE_NOT_SIP || fault == MESSAGE_TOO_LONG) {
        json_object_set_new(object, "kind", json_string("none"));
        return object;
    }
    json_object_set_new(object, "kind", json_string(message->is_request ? "request" : "response"));
    if (message->is_request) {
        json_object_set_new(object, "method", sip_text(message->octets, message->method_name));
        json_object_set_new(object, "request_uri", sip_text(message->octets, message->request_uri));
        json_object_set_new(object, "request_uri_means",
                            sip_value(HEADER_OTHER, message->octets, message->request_uri));
    } else {
        json_object_set_new(object, "status", json_integer(message->status));
        json_object_set_new(object, "reason", sip_text(message->octets, message->reason));
    }
    json_t *headers = json_array();
    for (unsigned i = 0; i < message->header_count; i++)
        json_array_append_new(headers, header_tree(message, &message->headers[i]));
    json_object_set_new(object, "headers", headers);
    json_t *body = json_object();
    json_object_set_new(body, "octets", json_integer(message->body.length));
    if (message->body.length != 0)
        json_object_set_new(body, "text", sip_text(message->octets, message->body));
    json_object_set_new(object, "body", body);
    return object;
}

// Text for a terminal: a control octet could move its cursor.
static void print_text(FILE *out, const json_t *value)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; i < json_string_length(value); i++) {
        unsigned char octet = (unsigned char)text[i];
        if (octet == '\r' || octet == '\n')
            fputs(octet == '\r' ? "\\r" : "\\n", out);
        else if (octet < 0x20 || octet == 0x7f)
            fprintf(out, "\\x%02x", octet);
        else
            fputc(octet, out);
    }
}

static void print_scalar(FILE *out, const json_t *value)
{
    if (json_is_string(value))
        print_text(out, value);
    else if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        fputs(json_is_true(value) ? "yes" : "not understood", out);
    fputc('\n', out);
}

// The tree is as deep as what sip_value() makes: seven levels.
static void print_tree(FILE *out, const json_t *value, int depth)
{
    const char *key;
    json_t *child;
    size_t index;
    if (json_is_array(value))
        json_array_foreach(value, index, child)
        {
            fprintf(out, "%*s-", depth * 2, "");
            fputc(json_is_string(child) ? ' ' : '\n', out);
            if (json_is_string(child))
                print_scalar(out, child);
            else
                print_tree(out, child, depth + 1);
        }
    if (!json_is_object(value))
        return;
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        bool deep = json_is_object(child) || json_is_array(child);
        fprintf(out, "%*s%s:%s", depth * 2, "", key, deep ? "\n" : " ");
        if (deep)
            print_tree(out, child, depth + 1);
        else
            print_scalar(out, child);
    }
}

// "Via: SIP/2.0/UDP ..." and below it what was understood.
static void print_headers(FILE *out, const json_t *headers)
{
    size_t index;
    json_t *header;
    fputs("headers:\n", out);
    json_array_foreach(headers, index, header)
    {
        const json_t *means = json_object_get(header, "means");
        fputs("  ", out);
        print_text(out, json_object_get(header, "name"));
        fputs(": ", out);
        print_text(out, json_object_get(header, "value"));
        fputc('\n', out);
        if (json_is_object(means) || json_is_array(means))
            print_tree(out, means, 2);
        else if (json_is_false(means))
            fputs("    not understood\n", out);
    }
}

static void print_message(FILE *out, json_t *tree, const char *line)
{
    json_t *headers = json_incref(json_object_get(tree, "headers"));
    json_t *body = json_incref(json_object_get(tree, "body"));
    json_object_del(tree, "headers");
    json_object_del(tree, "body");
    print_tree(out, tree, 0);
    if (headers != NULL)
        print_headers(out, headers);
    if (body != NULL) {
        fputs("body:\n", out);
        print_tree(out, body, 1);
    }
    fprintf(out, "verdict: %s\n", line);
    json_decref(headers);
    json_decref(body);
}

int run_sip_show(struct ctl *ctl, const json_t *params)
{
    struct message message;
    char line[SIP_LINE_MAX];
    uint32_t length;
    uint8_t *octets = sip_read_file(ctl, json_string_value(json_object_get(params, "file")), &length);
    if (octets == NULL)
        return CTL_REFUSED;
    int fault = message_parse(octets, length, &message);
    json_t *tree = sip_tree(&message, fault);
    (void)sip_check_line(octets, length, &judge_front_end, line);
    if (ctl->json) {
        json_object_set_new(tree, "verdict", json_string(line));
        ctl_print_json(ctl, tree);
    } else {
        print_message(ctl->out, tree, line);
    }
    json_decref(tree);
    free(octets);
    return CTL_DONE;
}
