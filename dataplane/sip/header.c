// SPDX-License-Identifier: BSD-3-Clause
#include "header.h"
#include "scan.h"

struct header_name {
    uint8_t length;
    uint8_t kind;
    char text[22];
};

// In order of length: at most three names share one, so that a name is compared with three at most, and the
// first letter settles nearly all.
static const struct header_name names[] = {
    {2, HEADER_TO, "to"},
    {3, HEADER_VIA, "via"},
    {4, HEADER_FROM, "from"},
    {4, HEADER_CSEQ, "cseq"},
    {5, HEADER_ROUTE, "route"},
    {6, HEADER_REASON, "reason"},
    {7, HEADER_CALL_ID, "call-id"},
    {7, HEADER_CONTACT, "contact"},
    {7, HEADER_REQUIRE, "require"},
    {9, HEADER_SUPPORTED, "supported"},
    {9, HEADER_TIMESTAMP, "timestamp"},
    {11, HEADER_RETRY_AFTER, "retry-after"},
    {12, HEADER_MAX_FORWARDS, "max-forwards"},
    {12, HEADER_RECORD_ROUTE, "record-route"},
    {12, HEADER_CONTENT_TYPE, "content-type"},
    {13, HEADER_PROXY_REQUIRE, "proxy-require"},
    {14, HEADER_CONTENT_LENGTH, "content-length"},
    {19, HEADER_PROXY_AUTHORIZATION, "proxy-authorization"},
};

#define NAME_LENGTH_MAX 19u

// Index of the first name of a length; the next entry is where the names of that length end.
static const uint8_t first_of_length[NAME_LENGTH_MAX + 2] = {0,  0,  0,  1,  2,  4,  5,  6,  9,  9, 11,
                                                             11, 12, 15, 16, 17, 17, 17, 17, 17, 18};

static enum sip_header header_compact(uint8_t letter)
{
    switch (letter | 0x20) {
    case 'v':
        return HEADER_VIA;
    case 'f':
        return HEADER_FROM;
    case 't':
        return HEADER_TO;
    case 'i':
        return HEADER_CALL_ID;
    case 'm':
        return HEADER_CONTACT;
    case 'l':
        return HEADER_CONTENT_LENGTH;
    case 'c':
        return HEADER_CONTENT_TYPE;
    case 'k':
        return HEADER_SUPPORTED;
    default:
        return HEADER_OTHER;
    }
}

enum sip_header header_find(const uint8_t *name, size_t length)
{
    if (length == 1)
        return header_compact(name[0]);
    if (length == 0 || length > NAME_LENGTH_MAX)
        return HEADER_OTHER;
    for (unsigned i = first_of_length[length]; i < first_of_length[length + 1]; i++)
        if ((name[0] | 0x20) == names[i].text[0] && scan_same(name, names[i].text, length))
            return (enum sip_header)names[i].kind;
    return HEADER_OTHER;
}

struct method_name {
    uint8_t length;
    char text[11];
};

static const struct method_name methods[METHOD_OTHER] = {
    [METHOD_INVITE] = {6, "INVITE"},   [METHOD_ACK] = {3, "ACK"},
    [METHOD_BYE] = {3, "BYE"},         [METHOD_CANCEL] = {6, "CANCEL"},
    [METHOD_OPTIONS] = {7, "OPTIONS"}, [METHOD_REGISTER] = {8, "REGISTER"},
    [METHOD_PRACK] = {5, "PRACK"},     [METHOD_SUBSCRIBE] = {9, "SUBSCRIBE"},
    [METHOD_NOTIFY] = {6, "NOTIFY"},   [METHOD_PUBLISH] = {7, "PUBLISH"},
    [METHOD_INFO] = {4, "INFO"},       [METHOD_REFER] = {5, "REFER"},
    [METHOD_MESSAGE] = {7, "MESSAGE"}, [METHOD_UPDATE] = {6, "UPDATE"},
};

enum sip_method method_find(const uint8_t *name, size_t length)
{
    for (unsigned i = 0; i < METHOD_OTHER; i++)
        if (length == methods[i].length && memcmp(name, methods[i].text, length) == 0)
            return (enum sip_method)i;
    return METHOD_OTHER;
}

const char *method_text(unsigned method)
{
    return method < METHOD_OTHER ? methods[method].text : "OTHER";
}
