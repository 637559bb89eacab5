// SPDX-License-Identifier: BSD-3-Clause
#include "build.h"
#include "header.h"
#include "scan.h"
#include "uri.h"

static void note_fault(struct build *build, int fault)
{
    if (build->fault == 0)
        build->fault = fault;
}

// What was written from `from` on must stay on its line.
static void check_text(struct build *build, uint32_t from)
{
    const uint8_t *end = build->writer.octets + build->writer.used;
    if (from < build->writer.used && scan_control(build->writer.octets + from, end) != end)
        note_fault(build, BUILD_BAD_TEXT);
}

static void check_token(struct build *build, const char *text)
{
    const uint8_t *octets = (const uint8_t *)text;
    const uint8_t *end = octets + strlen(text);
    if (octets == end || scan_while(octets, end, SCAN_TOKEN) != end)
        note_fault(build, BUILD_BAD_NAME);
}

static void begin(struct build *build, void *buffer, uint32_t size)
{
    *build = (struct build){.fault = 0};
    writer_init(&build->writer, buffer, size);
}

void build_request(struct build *build, void *buffer, uint32_t size, const char *method, const char *uri)
{
    struct uri parts;
    size_t length = strlen(uri);
    begin(build, buffer, size);
    check_token(build, method);
    // RFC 3261 19.1.1: a Request-URI has no headers.
    if (length > UINT16_MAX ||
        uri_parse((const uint8_t *)uri, (struct span){0, (uint16_t)length}, &parts) != 0 ||
        parts.headers.offset != 0)
        note_fault(build, BUILD_BAD_URI);
    write_text(&build->writer, method);
    write_text(&build->writer, " ");
    write_text(&build->writer, uri);
    write_text(&build->writer, " SIP/2.0\r\n");
}

void build_response(struct build *build, void *buffer, uint32_t size, uint16_t status, const char *reason)
{
    begin(build, buffer, size);
    if (status < 100 || status > 699)
        note_fault(build, BUILD_BAD_STATUS);
    write_text(&build->writer, "SIP/2.0 ");
    write_number(&build->writer, status);
    write_text(&build->writer, " ");
    uint32_t from = build->writer.used;
    write_text(&build->writer, reason);
    check_text(build, from);
    write_text(&build->writer, "\r\n");
}

static struct writer *open_named(struct build *build, const char *name)
{
    check_token(build, name);
    write_text(&build->writer, name);
    write_text(&build->writer, ": ");
    build->value = build->writer.used;
    return &build->writer;
}

struct writer *build_open(struct build *build, enum sip_header kind)
{
    return open_named(build, header_text(kind));
}

void build_close(struct build *build)
{
    check_text(build, build->value);
    write_text(&build->writer, "\r\n");
}

void build_header(struct build *build, enum sip_header kind, const char *value)
{
    write_text(build_open(build, kind), value);
    build_close(build);
}

void build_header_named(struct build *build, const char *name, const char *value)
{
    write_text(open_named(build, name), value);
    build_close(build);
}

int build_end(struct build *build, const void *body, uint32_t length)
{
    write_text(&build->writer, "Content-Length: ");
    write_number(&build->writer, length);
    write_text(&build->writer, "\r\n\r\n");
    write_octets(&build->writer, body, length);
    if (build->fault != 0)
        return build->fault;
    return build->writer.overflow || build->writer.used > MESSAGE_SIZE_MAX ? BUILD_NO_ROOM
                                                                           : (int)build->writer.used;
}
