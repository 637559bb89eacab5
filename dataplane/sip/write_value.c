// SPDX-License-Identifier: BSD-3-Clause
#include "write_value.h"

static void write_part(struct writer *writer, const uint8_t *octets, const char *before, struct span span)
{
    write_text(writer, before);
    write_octets(writer, octets + span.offset, span.length);
}

static void write_port(struct writer *writer, uint16_t port)
{
    write_text(writer, ":");
    write_number(writer, port);
}

void write_uri(struct writer *writer, const uint8_t *octets, const struct uri *uri)
{
    write_part(writer, octets, "", uri->scheme_name);
    if (uri->scheme != URI_SIP && uri->scheme != URI_SIPS) {
        write_part(writer, octets, ":", uri->rest);
        return;
    }
    write_part(writer, octets, ":", uri->user);
    if (uri->password.offset != 0)
        write_part(writer, octets, ":", uri->password);
    write_part(writer, octets, uri->user.length != 0 ? "@" : "", uri->host);
    if (uri->has_port)
        write_port(writer, uri->port);
    if (uri->parameters.offset != 0)
        write_part(writer, octets, ";", uri->parameters);
    if (uri->headers.offset != 0)
        write_part(writer, octets, "?", uri->headers);
}

void write_address(struct writer *writer, const uint8_t *octets, const struct address *address)
{
    write_part(writer, octets, "", address->display);
    write_part(writer, octets, address->display.length != 0 ? " <" : "<", address->uri);
    write_text(writer, ">");
    if (address->parameters.length != 0)
        write_part(writer, octets, ";", address->parameters);
}

void write_via(struct writer *writer, const uint8_t *octets, const struct via *via)
{
    write_part(writer, octets, "SIP/2.0/", via->transport);
    write_part(writer, octets, " ", via->host);
    if (via->port != 0)
        write_port(writer, via->port);
    if (via->parameters.length != 0)
        write_part(writer, octets, ";", via->parameters);
}
