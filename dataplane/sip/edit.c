// SPDX-License-Identifier: BSD-3-Clause
// Edits are kept as they come and sorted once, when rendering: there are few, and most come in order already.
#include <assert.h>
#include <string.h>
#include "copy_short.h"
#include "write.h"

static_assert(sizeof(((struct edits *)0)->octets) <= UINT16_MAX, "an edit finds its text by 16 bits");

void edits_init(struct edits *edits)
{
    edits->count = 0;
    edits->overflow = false;
    writer_init(&edits->text, edits->octets, sizeof(edits->octets));
}

struct writer *edit_open(struct edits *edits, uint16_t offset, uint16_t removed)
{
    if (edits->count == EDITS_MAX) {
        edits->overflow = true;
        edits->text.overflow = true;
        return &edits->text;
    }
    edits->list[edits->count++] =
        (struct edit){.offset = offset, .removed = removed, .text = (uint16_t)edits->text.used};
    return &edits->text;
}

void edit_close(struct edits *edits)
{
    if (edits->text.overflow) {
        edits->overflow = true;
        return;
    }
    struct edit *edit = &edits->list[edits->count - 1];
    edit->length = (uint16_t)(edits->text.used - edit->text);
}

void edit_replace(struct edits *edits, struct span span, const void *octets, uint32_t length)
{
    write_octets(edit_open(edits, span.offset, span.length), octets, length);
    edit_close(edits);
}

void edit_insert(struct edits *edits, uint16_t offset, const void *octets, uint32_t length)
{
    edit_replace(edits, (struct span){offset, 0}, octets, length);
}

void edit_remove(struct edits *edits, struct span span)
{
    edit_replace(edits, span, NULL, 0);
}

// Indexes of the edits by offset, those at the same offset as they were made: insertion sort, EDITS_MAX at
// most.
static void sort_edits(const struct edits *edits, uint8_t order[EDITS_MAX])
{
    for (unsigned i = 0; i < edits->count; i++) {
        unsigned at = i;
        for (; at > 0 && edits->list[order[at - 1]].offset > edits->list[i].offset; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
}

// RFC 3261 18.3: octets of the datagram behind the body are discarded; 7.5: so are line ends before the start
// line.
static uint32_t message_end(const struct message *message)
{
    if (message->header_end == 0)
        return message->length;
    return (uint32_t)message->body.offset + message->body.length;
}

// Octets that the edits add and take away; false: they lie outside the message, or overlap.
static bool measure(const struct edits *edits, const uint8_t *order, const struct message *message,
                    int64_t *more)
{
    uint32_t at = message->start, end = message_end(message), last = at;
    *more = 0;
    for (unsigned i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[order[i]];
        // Behind a removal only insertions at the removal's own offset are no overlap: they stand before it.
        if (edit->offset < at && (edit->offset != last || edit->removed != 0))
            return false;
        if (edit->offset > end || edit->removed > end - edit->offset)
            return false;
        at = (edit->offset > at ? edit->offset : at) + edit->removed;
        last = edit->offset;
        *more += (int64_t)edit->length - edit->removed;
    }
    return true;
}

int edits_render(const struct edits *edits, const struct message *message, uint8_t *out, uint32_t size)
{
    uint8_t order[EDITS_MAX];
    uint8_t *to = out;
    uint32_t at = message->start, end = message_end(message);
    int64_t more;
    if (edits->overflow)
        return -1;
    sort_edits(edits, order);
    if (!measure(edits, order, message, &more) || (int64_t)end - at + more > (int64_t)size)
        return -1;
    for (unsigned i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[order[i]];
        if (edit->offset > at) {
            to = copy_short(to, message->octets + at, edit->offset - at);
            at = edit->offset;
        }
        to = copy_short(to, edits->octets + edit->text, edit->length);
        at += edit->removed;
    }
    to = copy_short(to, message->octets + at, end - at);
    return (int)(to - out);
}
