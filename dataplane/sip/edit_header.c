// SPDX-License-Identifier: BSD-3-Clause
#include "edit_header.h"
#include "header.h"
#include "scan.h"

static void write_checked(struct writer *writer, const char *text)
{
    const uint8_t *octets = (const uint8_t *)text;
    const uint8_t *end = octets + strlen(text);
    if (scan_control(octets, end) != end)
        writer->overflow = true;
    write_text(writer, text);
}

static void write_line(struct writer *writer, enum sip_header kind, const char *value)
{
    write_text(writer, header_text(kind));
    write_text(writer, ": ");
    write_checked(writer, value);
    write_text(writer, "\r\n");
}

// Where the empty line begins: it is CRLF or LF, and header_end is behind it.
static uint16_t empty_line(const struct message *message)
{
    uint16_t at = (uint16_t)(message->header_end - 1u);
    return message->octets[at - 1] == '\r' ? (uint16_t)(at - 1u) : at;
}

void edit_header_insert(struct edits *edits, const struct message *message, enum sip_header kind,
                        const char *value)
{
    uint8_t field = message_first_header(message, kind);
    if (field == MESSAGE_NO_HEADER && message->header_end == 0)
        return;
    uint16_t at = field == MESSAGE_NO_HEADER ? empty_line(message) : message->headers[field].line.offset;
    write_line(edit_open(edits, at, 0), kind, value);
    edit_close(edits);
}

void edit_header_remove(struct edits *edits, const struct message *message, enum sip_header kind)
{
    for (uint8_t field = message_first_header(message, kind); field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field))
        edit_remove(edits, message->headers[field].line);
}

void edit_header_replace(struct edits *edits, const struct message *message, enum sip_header kind,
                         const char *value)
{
    edit_header_insert(edits, message, kind, value);
    edit_header_remove(edits, message, kind);
}

void edit_request_uri(struct edits *edits, const struct message *message, const char *uri)
{
    if (message->request_uri.length == 0)
        return;
    write_checked(edit_open(edits, message->request_uri.offset, message->request_uri.length), uri);
    edit_close(edits);
}

void edit_address_uri(struct edits *edits, const struct address *address, const char *uri)
{
    bool is_bare = address->uri.offset == address->whole.offset;
    struct writer *writer = edit_open(edits, address->uri.offset, address->uri.length);
    write_text(writer, is_bare ? "<" : "");
    write_checked(writer, uri);
    write_text(writer, is_bare ? ">" : "");
    edit_close(edits);
}
