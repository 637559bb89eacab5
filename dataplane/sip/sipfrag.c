// SPDX-License-Identifier: BSD-3-Clause
#include "sipfrag.h"
#include "scan.h"

#define VERSION        "SIP/2.0"
#define VERSION_LENGTH 7u

// SIP-Version SP 3DIGIT [ SP Reason-Phrase ]
static int read_status(const uint8_t *octets, const uint8_t *at, const uint8_t *end, struct sipfrag *frag)
{
    uint32_t status;
    if (at == end || *at != ' ')
        return -1;
    const uint8_t *behind = scan_number(at + 1, end, 699, &status);
    if (behind == NULL || behind - at != 4 || status < 100 || (behind < end && *behind != ' '))
        return -1;
    frag->status = (uint16_t)status;
    if (behind < end)
        frag->reason = span_between(octets, behind + 1, end);
    return 0;
}

// Method SP Request-URI SP SIP-Version. Returns false when the line is none.
static bool read_request(const uint8_t *octets, const uint8_t *at, const uint8_t *end, struct sipfrag *frag)
{
    const uint8_t *blank = scan_while(at, end, SCAN_TOKEN);
    const uint8_t *version = end - VERSION_LENGTH;
    if (blank == at || end - blank < (long)VERSION_LENGTH + 3 || *blank != ' ' || version[-1] != ' ' ||
        !scan_same(version, "sip/2.0", VERSION_LENGTH))
        return false;
    frag->method = span_between(octets, at, blank);
    frag->request_uri = span_between(octets, blank + 1, version - 1);
    return true;
}

int sipfrag_read(const uint8_t *octets, struct span body, struct sipfrag *frag)
{
    const uint8_t *at = octets + body.offset;
    const uint8_t *end = at + body.length;
    memset(frag, 0, sizeof(*frag));
    const uint8_t *line_end = body.length == 0 ? NULL : memchr(at, '\n', body.length);
    const uint8_t *rest = line_end == NULL ? end : line_end + 1;
    if (line_end == NULL)
        line_end = end;
    if (line_end > at && line_end[-1] == '\r')
        line_end--;
    frag->rest = span_between(octets, rest, end);
    if (line_end - at >= (long)VERSION_LENGTH && scan_same(at, "sip/2.0", VERSION_LENGTH))
        return read_status(octets, at + VERSION_LENGTH, line_end, frag);
    if (read_request(octets, at, line_end, frag))
        return 0;
    frag->rest = body;
    const uint8_t *colon = scan_while(at, line_end, SCAN_TOKEN);
    const uint8_t *name_end = colon;
    colon = scan_while(colon, line_end, SCAN_LWS);
    return name_end > at && colon < line_end && *colon == ':' ? 0 : -1;
}

void write_sipfrag(struct writer *writer, uint16_t status, const char *reason)
{
    write_text(writer, VERSION " ");
    write_number(writer, status);
    write_text(writer, " ");
    write_text(writer, reason);
    write_text(writer, "\r\n");
}
