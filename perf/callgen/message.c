// SPDX-License-Identifier: BSD-3-Clause
#include <strings.h>
#include "message.h"

const char *const method_names[METHODS] = {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"};

enum header { VIA, ROUTE, RECORD_ROUTE, FROM, TO, CALL_ID, CSEQ, CONTACT, MAX_FORWARDS, LENGTH, OTHER };

static const struct name {
    const char *text;
    size_t length;
    enum header header;
} names[] = {
#define NAME(text, header)                                                                                   \
    {                                                                                                        \
        text, sizeof(text) - 1, header                                                                       \
    }
    NAME("Via", VIA),
    NAME("v", VIA),
    NAME("Route", ROUTE),
    NAME("Record-Route", RECORD_ROUTE),
    NAME("From", FROM),
    NAME("f", FROM),
    NAME("To", TO),
    NAME("t", TO),
    NAME("Call-ID", CALL_ID),
    NAME("i", CALL_ID),
    NAME("CSeq", CSEQ),
    NAME("Contact", CONTACT),
    NAME("m", CONTACT),
    NAME("Max-Forwards", MAX_FORWARDS),
    NAME("Content-Length", LENGTH),
    NAME("l", LENGTH),
#undef NAME
};

static enum header header_of(struct span name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].length == name.length && strncasecmp(names[i].text, name.at, name.length) == 0)
            return names[i].header;
    return OTHER;
}

static struct span trim(struct span span)
{
    while (span.length > 0 && (span.at[0] == ' ' || span.at[0] == '\t')) {
        span.at++;
        span.length--;
    }
    while (span.length > 0 && (span.at[span.length - 1] == ' ' || span.at[span.length - 1] == '\t'))
        span.length--;
    return span;
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
        if (span.length == strlen(method_names[i]) && memcmp(span.at, method_names[i], span.length) == 0) {
            *method = (uint8_t)i;
            return true;
        }
    return false;
}

// What stands before the first DELIMITER goes to FIRST, what is behind it stays in REST.
static bool cut(struct span *rest, char delimiter, struct span *first)
{
    const char *found = memchr(rest->at, delimiter, rest->length);
    if (found == NULL)
        return false;
    *first = (struct span){rest->at, (size_t)(found - rest->at)};
    *rest = (struct span){found + 1, rest->length - first->length - 1};
    return true;
}

// The value of a parameter behind the URI or sent-by, where no quotes can be.
static struct span parameter(struct span value, const char *mark)
{
    struct span found = {memmem(value.at, value.length, mark, strlen(mark)), 0};
    if (found.at == NULL)
        return found;
    found.at += strlen(mark);
    found.length = value.length - (size_t)(found.at - value.at);
    const char *end = memchr(found.at, ';', found.length);
    if (end != NULL)
        found.length = (size_t)(end - found.at);
    return trim(found);
}

// From or To: the value as far as its parameters, and the tag.
static bool read_party(struct span value, struct span *party, struct span *tag)
{
    const char *end = memchr(value.at, '>', value.length);
    if (end == NULL)
        return false;
    *party = (struct span){value.at, (size_t)(end + 1 - value.at)};
    *tag = parameter((struct span){end + 1, value.length - party->length}, ";tag=");
    return true;
}

static bool read_uri(struct span value, struct span *uri)
{
    const char *begin = memchr(value.at, '<', value.length);
    if (begin == NULL) {
        *uri = value;
        return true;
    }
    struct span rest = {begin + 1, value.length - (size_t)(begin + 1 - value.at)};
    return cut(&rest, '>', uri);
}

// Values of a list are apart by commas, but for those in angle brackets and quotes.
static bool read_values(struct values *values, struct span line)
{
    bool quoted = false;
    unsigned angles = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= line.length; i++) {
        char octet = i < line.length ? line.at[i] : ',';
        if (octet == '"')
            quoted = !quoted;
        else if (!quoted && octet == '<')
            angles++;
        else if (!quoted && octet == '>' && angles > 0)
            angles--;
        if (octet != ',' || ((quoted || angles > 0) && i < line.length))
            continue;
        if (values->count == MESSAGE_VIAS)
            return false;
        values->list[values->count++] = trim((struct span){line.at + begin, i - begin});
        begin = i + 1;
    }
    return true;
}

static bool read_cseq(struct span value, struct message *message)
{
    struct span number;
    uint8_t method;
    if (!cut(&value, ' ', &number) || !read_number(number, &message->cseq) ||
        !read_method(trim(value), &method))
        return false;
    if (message->status == 0)
        return method == message->method;
    message->method = method;
    return true;
}

static bool read_header(struct message *message, enum header header, struct span value, uint32_t *length)
{
    switch (header) {
    case VIA:
        return read_values(&message->vias, value);
    case ROUTE:
        return read_values(&message->routes, value);
    case RECORD_ROUTE:
        return read_values(&message->record_routes, value);
    case FROM:
        return read_party(value, &message->from, &message->from_tag);
    case TO:
        return read_party(value, &message->to, &message->to_tag);
    case CALL_ID:
        message->call_id = value;
        return true;
    case CSEQ:
        return read_cseq(value, message);
    case CONTACT:
        return read_uri(value, &message->contact);
    case MAX_FORWARDS:
        return read_number(value, &message->max_forwards);
    case LENGTH:
        return read_number(value, length);
    case OTHER:
        break;
    }
    return true;
}

static bool read_start(struct message *message, struct span line)
{
    struct span first, second;
    uint32_t status;
    if (!cut(&line, ' ', &first) || !cut(&line, ' ', &second))
        return false;
    if (first.length == 7 && memcmp(first.at, "SIP/2.0", 7) == 0) {
        if (!read_number(second, &status) || status < 100 || status > 699)
            return false;
        message->status = status;
        return true;
    }
    message->uri = second;
    return read_method(first, &message->method) && line.length == 7 && memcmp(line.at, "SIP/2.0", 7) == 0;
}

static bool next_line(struct span *rest, struct span *line)
{
    if (!cut(rest, '\n', line) || line->length == 0 || line->at[line->length - 1] != '\r')
        return false;
    line->length--;
    return true;
}

bool message_read(struct message *message, const char *octets, size_t length)
{
    struct span rest = {octets, length}, line, name;
    uint32_t body = UINT32_MAX;
    memset(message, 0, sizeof(*message));
    message->max_forwards = UINT32_MAX;
    if (!next_line(&rest, &line) || !read_start(message, line))
        return false;
    for (;;) {
        if (!next_line(&rest, &line))
            return false;
        if (line.length == 0)
            break;
        if (!cut(&line, ':', &name) || !read_header(message, header_of(trim(name)), trim(line), &body))
            return false;
    }
    message->body = rest;
    if (message->vias.count == 0 || message->call_id.length == 0 || message->cseq == 0 ||
        message->from_tag.length == 0 || message->to.length == 0 || message->from_tag.length > MESSAGE_TAG ||
        message->to_tag.length > MESSAGE_TAG)
        return false;
    message->branch = parameter(message->vias.list[0], ";branch=");
    return body == UINT32_MAX || body == rest.length;
}
