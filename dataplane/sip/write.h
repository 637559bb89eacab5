// SPDX-License-Identifier: BSD-3-Clause
// Writing: a saturating writer, and edits of a received message rendered in one pass.
#ifndef DIALGATE_SIP_WRITE_H
#define DIALGATE_SIP_WRITE_H

#include <string.h>
#include "dialgate/address.h"
#include "message.h"

// Appends to the caller's buffer. What does not fit is not written and sets overflow; later writes do
// nothing, so that only the end needs a check.
struct writer {
    uint8_t *octets;
    uint32_t size;
    uint32_t used;
    bool overflow;
};

void writer_init(struct writer *writer, void *octets, uint32_t size);
// Inline, as most of what is written is a literal.
static inline void write_octets(struct writer *writer, const void *octets, uint32_t length)
{
    if (writer->overflow || length > writer->size - writer->used) {
        writer->overflow = true;
        return;
    }
    if (length != 0)
        memcpy(writer->octets + writer->used, octets, length);
    writer->used += length;
}
// NUL-terminated.
static inline void write_text(struct writer *writer, const char *text)
{
    write_octets(writer, text, (uint32_t)strlen(text));
}
void write_span(struct writer *writer, const struct message *message, struct span span);
void write_number(struct writer *writer, uint32_t number);
// IPv4 dotted, IPv6 as RFC 5952 section 4 has it.
void write_ip(struct writer *writer, const struct ip_address *address);
// The same as a host (RFC 3261 25.1): IPv6 in brackets.
void write_ip_host(struct writer *writer, const struct ip_address *address);

// Edits of a received message, in any order of call; rendered sorted by offset. At the same offset,
// insertions come in the order in which they were made, and stand before what a removal at that offset
// leaves.
#define EDITS_MAX 32u

struct edit {
    uint16_t offset;  // in the received message
    uint16_t removed; // octets
    uint16_t text;    // offset of the inserted octets in the edits' own text
    uint16_t length;  // octets inserted
};

struct edits {
    struct edit list[EDITS_MAX];
    uint16_t count;
    bool overflow;      // too many edits, or the text did not fit: render refuses
    struct writer text; // inserted octets
    uint8_t octets[2048];
};

void edits_init(struct edits *edits);
void edit_remove(struct edits *edits, struct span span);
void edit_insert(struct edits *edits, uint16_t offset, const void *octets, uint32_t length);
void edit_replace(struct edits *edits, struct span span, const void *octets, uint32_t length);
// Inserts what the caller then writes to the returned writer, up to edit_close(). No other edit in between.
struct writer *edit_open(struct edits *edits, uint16_t offset, uint16_t removed);
void edit_close(struct edits *edits);

// Renders the message with the edits applied. Returns the octets written, or -1 when it does not fit in size,
// an edit lies outside the message, or edits overlap.
int edits_render(const struct edits *edits, const struct message *message, uint8_t *out, uint32_t size);

// A response to a request by RFC 3261 8.2.6: status line, all Via, From, To (with to_tag when the request has
// none and to_tag is not empty), Call-ID, CSeq, extra header lines as given (each with CRLF, may be NULL),
// Content-Length: 0. The topmost Via gets received and rport as in RFC 3261 18.2.1 and RFC 3581 from source.
struct response_parts {
    uint16_t status;
    const char *reason;
    const char *to_tag;
    const char *extra;
    struct ip_address source_address;
    uint16_t source_port;
    const char *source_text; // the address as a host, by which most Vias are known; may be NULL
    const char *overload;    // see edit_via_overload(), for the topmost Via; NULL: none
};
void write_response(struct writer *writer, const struct message *request, const struct response_parts *parts);
// The same up to the extra lines: what follows, Content-Length with it, is the caller's to write.
void write_response_head(struct writer *writer, const struct message *request,
                         const struct response_parts *parts);

// What write_response() makes of status 503 and the reason of RFC 3261 21.5.4, for a request that
// glance_rest() has read: its lines are plain, and it has no To-tag. A tenth more room is asked for than it
// takes. tail: what follows CSeq, from the CRLF of that line to the end; parts' status, reason and extra
// are not looked at.
#define REFUSAL_ROOM 256u // octets, for the changes of a Via and the names of lines
struct refusal_tail {
    const char *octets;
    uint32_t length;
    uint32_t tag_length; // of parts' to_tag
};
void write_refusal(struct writer *writer, const struct message *request, const struct response_parts *parts,
                   const struct refusal_tail *tail);

// received= and rport= as RFC 3261 18.2.1 and RFC 3581 section 4 want them on the topmost Via: as edits on a
// request that is sent on.
void edit_via_source(struct edits *edits, const struct message *request, const struct ip_address *address,
                     uint16_t port);
// What the sender of a request is to hold back, in its Via of a response (RFC 7339 4): overload begins with
// the equals sign and takes the place behind oc. Nothing happens to a Via that does not take part.
void edit_via_overload(struct edits *edits, const struct message *message, const struct via *via,
                       const char *overload);

#endif
