// SPDX-License-Identifier: BSD-3-Clause
#include "cseq.h"
#include "header.h"
#include "scan.h"

int cseq_split(const uint8_t *octets, struct span value, uint32_t *number, struct span *method_name)
{
    struct cursor cursor = cursor_of(octets, value);
    const uint8_t *behind = scan_number(cursor.at, cursor.end, INT32_MAX, number);
    if (behind == NULL) {
        *number = 0;
        return -1;
    }
    const uint8_t *name = scan_while(behind, cursor.end, SCAN_LWS);
    if (name == behind || name == cursor.end || scan_while(name, cursor.end, SCAN_TOKEN) != cursor.end)
        return -1;
    *method_name = span_between(octets, name, cursor.end);
    return 0;
}

int cseq_read(const uint8_t *octets, struct span value, struct cseq *cseq)
{
    memset(cseq, 0, sizeof(*cseq));
    if (cseq_split(octets, value, &cseq->number, &cseq->method_name) != 0)
        return -1;
    cseq->method = (uint8_t)method_find(octets + cseq->method_name.offset, cseq->method_name.length);
    return 0;
}

void write_cseq(struct writer *writer, const uint8_t *octets, const struct cseq *cseq)
{
    write_number(writer, cseq->number);
    write_text(writer, " ");
    write_octets(writer, octets + cseq->method_name.offset, cseq->method_name.length);
}

int rack_read(const uint8_t *octets, struct span value, struct rack *rack)
{
    struct cursor cursor = cursor_of(octets, value);
    memset(rack, 0, sizeof(*rack));
    const uint8_t *behind = scan_number(cursor.at, cursor.end, UINT32_MAX, &rack->response);
    // RFC 3262 7.1: an RSeq is never 0.
    if (behind == NULL || rack->response == 0)
        return -1;
    const uint8_t *rest = scan_while(behind, cursor.end, SCAN_LWS);
    if (rest == behind)
        return -1;
    return cseq_read(octets, span_between(octets, rest, cursor.end), &rack->cseq);
}

void write_rack(struct writer *writer, const uint8_t *octets, const struct rack *rack)
{
    write_number(writer, rack->response);
    write_text(writer, " ");
    write_cseq(writer, octets, &rack->cseq);
}
