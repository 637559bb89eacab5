// SPDX-License-Identifier: BSD-3-Clause
#include "refer_to.h"
#include "escape.h"
#include "header.h"
#include "scan.h"

static int read_headers(const uint8_t *octets, struct refer_to *refer)
{
    struct span name, value;
    int more;
    for (uint32_t at = 0; (more = uri_header_next(octets, refer->uri.headers, &at, &name, &value)) == 1;) {
        refer->headers++;
        if (!span_is(octets, name, "Replaces"))
            continue;
        if (refer->replaces.length != 0 || value.length == 0)
            return -1;
        refer->replaces = value;
    }
    return more;
}

int refer_to_read(const uint8_t *octets, struct span value, struct refer_to *refer)
{
    uint32_t at = 0;
    struct address more;
    struct span method;
    memset(refer, 0, sizeof(*refer));
    if (address_next(octets, value, &at, &refer->address) != 1 ||
        address_next(octets, value, &at, &more) != 0 ||
        uri_parse(octets, refer->address.uri, &refer->uri) != 0)
        return -1;
    if (uri_parameter(octets, refer->uri.parameters, "method", &method))
        refer->method = (uint8_t)method_find(octets + method.offset, method.length);
    return read_headers(octets, refer);
}

int refer_to_replaces(const uint8_t *octets, const struct refer_to *refer, struct writer *buffer,
                      struct replaces *replaces)
{
    uint32_t start = buffer->used;
    if (refer->replaces.length == 0 || write_unescaped(buffer, octets, refer->replaces) != 0 ||
        buffer->overflow || buffer->used > UINT16_MAX)
        return -1;
    struct span text = {(uint16_t)start, (uint16_t)(buffer->used - start)};
    return replaces_read(buffer->octets, text, replaces);
}

void write_refer_to(struct writer *writer, const char *uri, const uint8_t *octets,
                    const struct replaces *replaces)
{
    write_text(writer, "<");
    write_text(writer, uri);
    if (replaces != NULL) {
        write_text(writer, "?Replaces=");
        write_escaped(writer, octets + replaces->call_id.offset, replaces->call_id.length);
        write_text(writer, "%3Bto-tag%3D");
        write_escaped(writer, octets + replaces->to_tag.offset, replaces->to_tag.length);
        write_text(writer, "%3Bfrom-tag%3D");
        write_escaped(writer, octets + replaces->from_tag.offset, replaces->from_tag.length);
        if (replaces->early_only)
            write_text(writer, "%3Bearly-only");
    }
    write_text(writer, ">");
}
