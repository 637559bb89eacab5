// SPDX-License-Identifier: BSD-3-Clause
#include "event.h"
#include "number.h"
#include "param.h"

int event_read(const uint8_t *octets, struct span value, struct event *event)
{
    struct cursor cursor = cursor_of(octets, value);
    const uint8_t *start = cursor.at;
    struct param param;
    int more;
    memset(event, 0, sizeof(*event));
    // Dots, which join package and templates, are octets of a token.
    cursor.at = scan_while(start, cursor.end, SCAN_TOKEN);
    event->package = span_between(octets, start, cursor.at);
    if (event->package.length == 0)
        return -1;
    while ((more = param_next(&cursor, &param)) == 1)
        if (param_is(&cursor, &param, "id") && param_take(&param, &event->id) != 0)
            return -1;
    return more == 0 && cursor.at == cursor.end ? 0 : -1;
}

bool event_refer(const struct message *message, struct span *id, uint32_t *cseq)
{
    uint8_t field = message_first_header(message, HEADER_EVENT);
    struct event event;
    if (field == MESSAGE_NO_HEADER ||
        event_read(message->octets, message->headers[field].value, &event) != 0 ||
        !span_is(message->octets, event.package, "refer"))
        return false;
    *id = event.id;
    *cseq = 0;
    return event.id.length == 0 || number_read(message->octets, event.id, INT32_MAX, cseq) == 0;
}

void write_event(struct writer *writer, const uint8_t *octets, const struct event *event)
{
    write_octets(writer, octets + event->package.offset, event->package.length);
    if (event->id.length == 0)
        return;
    write_text(writer, ";id=");
    write_octets(writer, octets + event->id.offset, event->id.length);
}
