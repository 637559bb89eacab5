// SPDX-License-Identifier: BSD-3-Clause
#include "message.h"

#include <string.h>

const char *const method_names[METHODS] = {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"};

bool span_equal(struct span one, struct span other)
{
    return one.length == other.length && (one.length == 0 || memcmp(one.at, other.at, one.length) == 0);
}

bool span_is(struct span span, const char *text)
{
    return span_equal(span, (struct span){text, strlen(text)});
}

static bool read_number(struct span span, uint32_t *number)
{
    uint32_t value = 0;
    for (size_t i = 0; i < span.length; i++) {
        if (span.at[i] < '0' || span.at[i] > '9' || i == 9)
            return false;
        value = value * 10 + (uint32_t)(span.at[i] - '0');
    }
    *number = value;
    return span.length > 0;
}

static bool read_method(struct span span, uint8_t *method)
{
    for (unsigned i = 0; i < METHODS; i++)
        if (span_is(span, method_names[i])) {
            *method = (uint8_t)i;
            return true;
        }
    return false;
}

// What stands before the first DELIMITER goes to FIRST, what is behind it stays in REST. False: there is
// none.
static bool cut(struct span *rest, char delimiter, struct span *first)
{
    const char *found = memchr(rest->at, delimiter, rest->length);
    if (found == NULL)
        return false;
    *first = (struct span){rest->at, (size_t)(found - rest->at)};
    *rest = (struct span){found + 1, rest->length - first->length - 1};
    return true;
}

// From or To: the value as far as the tag, and the tag.
static bool read_party(struct span value, struct span *party, struct span *tag)
{
    static const char mark[] = ">;tag=";
    const char *found = memmem(value.at, value.length, mark, sizeof(mark) - 1);
    *party = value;
    if (found == NULL)
        return value.length > 0 && value.at[value.length - 1] == '>';
    party->length = (size_t)(found + 1 - value.at);
    tag->at = found + sizeof(mark) - 1;
    tag->length = value.length - (size_t)(tag->at - value.at);
    return memchr(tag->at, ';', tag->length) == NULL;
}

static bool read_branch(struct span via, struct span *branch)
{
    static const char mark[] = ";branch=";
    const char *found = memmem(via.at, via.length, mark, sizeof(mark) - 1);
    if (found == NULL)
        return false;
    branch->at = found + sizeof(mark) - 1;
    branch->length = via.length - (size_t)(branch->at - via.at);
    const char *end = memchr(branch->at, ';', branch->length);
    if (end != NULL)
        branch->length = (size_t)(end - branch->at);
    return true;
}

static bool read_uri(struct span value, struct span *uri)
{
    if (value.length < 3 || value.at[0] != '<' || value.at[value.length - 1] != '>')
        return false;
    *uri = (struct span){value.at + 1, value.length - 2};
    return true;
}

static bool read_cseq(struct span value, struct message *message)
{
    struct span number;
    uint8_t method;
    if (!cut(&value, ' ', &number) || !read_number(number, &message->cseq) || !read_method(value, &method))
        return false;
    if (message->status == 0)
        return method == message->method;
    message->method = method;
    return true;
}

static bool add(struct span *list, unsigned *count, unsigned room, struct span value)
{
    if (*count == room)
        return false;
    list[(*count)++] = value;
    return true;
}

static bool read_header(struct message *message, struct span name, struct span value)
{
    if (span_is(name, "Via"))
        return add(message->vias, &message->via_count, MESSAGE_VIAS, value);
    if (span_is(name, "Record-Route"))
        return add(message->record_routes, &message->record_route_count, MESSAGE_ROUTES, value);
    if (span_is(name, "Route"))
        return add(message->routes, &message->route_count, MESSAGE_ROUTES, value);
    if (span_is(name, "From"))
        return read_party(value, &message->from, &message->from_tag);
    if (span_is(name, "To"))
        return read_party(value, &message->to, &message->to_tag);
    if (span_is(name, "CSeq"))
        return read_cseq(value, message);
    if (span_is(name, "Contact"))
        return read_uri(value, &message->contact);
    if (span_is(name, "Call-ID"))
        message->call_id = value;
    if (span_is(name, "Max-Forwards"))
        return read_number(value, &message->max_forwards);
    return true;
}

static bool read_start(struct message *message, struct span line)
{
    struct span first, second;
    uint32_t status;
    if (!cut(&line, ' ', &first) || !cut(&line, ' ', &second))
        return false;
    if (span_is(first, "SIP/2.0")) {
        if (!read_number(second, &status) || status < 100 || status > 699)
            return false;
        message->status = status;
        return true;
    }
    message->uri = second;
    return read_method(first, &message->method) && span_is(line, "SIP/2.0");
}

static bool next_line(struct span *rest, struct span *line)
{
    const char *end = memmem(rest->at, rest->length, "\r\n", 2);
    if (end == NULL)
        return false;
    *line = (struct span){rest->at, (size_t)(end - rest->at)};
    *rest = (struct span){end + 2, rest->length - line->length - 2};
    return true;
}

bool message_read(struct message *message, const char *octets, size_t length)
{
    struct span rest = {octets, length}, line, name;
    memset(message, 0, sizeof(*message));
    if (!next_line(&rest, &line) || !read_start(message, line))
        return false;
    while (next_line(&rest, &line) && line.length > 0) {
        if (!cut(&line, ':', &name) || line.length == 0 || line.at[0] != ' ')
            return false;
        line = (struct span){line.at + 1, line.length - 1};
        if (!read_header(message, name, line))
            return false;
    }
    message->body = rest;
    return line.length == 0 && message->via_count > 0 && message->call_id.length > 0 && message->cseq > 0 &&
           message->from_tag.length > 0 && message->to.length > 0 &&
           read_branch(message->vias[0], &message->branch);
}
