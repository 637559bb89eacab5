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

// Where the next edit may begin.
struct behind {
    uint32_t at;
    uint32_t last; // offset of the edit before
    uint32_t end;
};

// Whether an edit lies in the message and overlaps none before it.
static inline bool may_follow(const struct edit *edit, const struct behind *behind)
{
    // Behind a removal only insertions at the removal's own offset are no overlap: they stand before it.
    return (edit->offset >= behind->at || (edit->offset == behind->last && edit->removed == 0)) &&
           edit->offset <= behind->end && edit->removed <= behind->end - edit->offset;
}

static inline void go_behind(const struct edit *edit, struct behind *behind)
{
    behind->at = (edit->offset > behind->at ? edit->offset : behind->at) + edit->removed;
    behind->last = edit->offset;
}

// Whether what is rendered fits. Each edit is looked at only where removals decide it.
static bool fits(const struct edits *edits, const uint8_t *order, struct behind behind, uint32_t size)
{
    uint64_t length = (uint64_t)behind.end - behind.at;
    if (length + edits->text.used <= size)
        return true;
    for (unsigned i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[order[i]];
        if (!may_follow(edit, &behind))
            return false;
        go_behind(edit, &behind);
        length += edit->length;
        length -= edit->removed;
    }
    return length <= size;
}

int edits_render(const struct edits *edits, const struct message *message, uint8_t *out, uint32_t size)
{
    uint8_t order[EDITS_MAX];
    uint8_t *to = out;
    struct behind behind = {message->start, message->start, message_end(message)};
    if (edits->overflow)
        return -1;
    sort_edits(edits, order);
    if (!fits(edits, order, behind, size))
        return -1;
    for (unsigned i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[order[i]];
        if (!may_follow(edit, &behind))
            return -1;
        if (edit->offset > behind.at)
            to = copy_short(to, message->octets + behind.at, edit->offset - behind.at);
        to = copy_short(to, edits->octets + edit->text, edit->length);
        go_behind(edit, &behind);
    }
    to = copy_short(to, message->octets + behind.at, behind.end - behind.at);
    return (int)(to - out);
}
