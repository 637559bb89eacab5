// SPDX-License-Identifier: BSD-3-Clause
// The cold part: a head and the packed texts in one block of the arena, which never changes. Whatever is new
// makes another block, and the record then names that one; the old block is freed after the journal is
// closed, since until then the file's version may still be the one that names it.
//
// A record keeps its texts as they are until it is answered. Packing is what costs most of all that a call
// does here; a tag that came with a 180 meant that all was unpacked and packed once more, what the 200 said
// had to be held against what was packed, and what never gets an answer was packed for nothing. The 300
// octets more are little beside the kept INVITE that waits with it. Whether texts are the known ones is found
// in one walk over all of them, which decides at the first that is not.
#include <errno.h>
#include <string.h>
#include "dialog_commit.h"

static const struct dialog_cold *block_at(const struct dialogs *set, arena_ref ref)
{
    return arena_at(set->arena, ref);
}

const struct dialog_cold *dialog_cold(const struct dialogs *set, uint32_t index)
{
    const struct dialog *dialog = &set->records[index];
    return commit_is_ours(dialog) ? block_at(set, dialog->cold)
                                  : image_cold(set->images[dialog->image - 1], dialog->cold);
}

static struct text_source source_of(const struct dialogs *set, uint32_t index)
{
    const struct dialog *dialog = &set->records[index];
    if (!commit_is_ours(dialog))
        return image_texts(set->images[dialog->image - 1], dialog->cold);
    const struct dialog_cold *cold = block_at(set, dialog->cold);
    return (struct text_source){.region = {set->arena->region, set->arena->size},
                                .packed = (const uint8_t *)(cold + 1),
                                .length = cold->length};
}

uint32_t dialog_text(const struct dialogs *set, uint32_t index, enum dialog_text which, void *out,
                     uint32_t room)
{
    struct text_source source = source_of(set, index);
    return text_unpack(&source, which, out, room);
}

bool dialog_texts_are(const struct dialogs *set, uint32_t index, unsigned count,
                      const struct dialog_string *wanted)
{
    struct text_source source = source_of(set, index);
    return text_equal_all(&source, count, wanted);
}

enum text_order dialog_tags_are(const struct dialogs *set, uint32_t index, struct dialog_string call_id,
                                struct dialog_string a, struct dialog_string b)
{
    static_assert(DIALOG_TEXT_CALL_ID == 0 && DIALOG_TEXT_CALLER_TAG == 1 && DIALOG_TEXT_CALLEE_TAG == 2,
                  "the first three");
    struct text_source source = source_of(set, index);
    return text_order(&source, call_id, a, b);
}

bool dialog_text_is(const struct dialogs *set, uint32_t index, enum dialog_text which,
                    struct dialog_string wanted)
{
    struct text_source source = source_of(set, index);
    return text_equal(&source, which, wanted);
}

void dialog_cold_gather(struct dialogs *set, uint32_t index, struct dialog_string *texts)
{
    struct text_source source = source_of(set, index);
    text_unpack_others(&source, DIALOG_TEXT_COUNT, texts, set->texts);
}

void dialog_cold_learn(struct dialog_cold *head, struct dialog_tail *tail, enum dialog_side side,
                       const struct endpoint *learnt)
{
    struct dialog_learnt *kept = &head->learnt[side];
    *kept = (struct dialog_learnt){.port = learnt->port, .listener = learnt->listener};
    if (!ip_is_set(&learnt->address))
        return;
    if (ip_is_ipv4(&learnt->address)) {
        kept->address = ip_ipv4(&learnt->address);
        return;
    }
    if (kept->listener == UINT16_MAX)
        kept->listener = DIALOG_LEARNT_NO_LISTENER;
    kept->listener |= DIALOG_LEARNT_WIDE;
    tail->wide[side] = learnt->address;
}

static void write_tail(uint8_t *to, const struct dialog_cold *head, const struct dialog_tail *tail)
{
    uint32_t octets = dialog_shift_octets(head);
    if (octets > 0)
        memcpy(to, tail->shifts, octets);
    to += octets;
    for (unsigned side = 0; side < 2; side++) {
        if (!dialog_learnt_is_wide(head, side))
            continue;
        memcpy(to, &tail->wide[side], sizeof(tail->wide[side]));
        to += sizeof(tail->wide[side]);
    }
}

// The block as it lies in set->block, with the packed texts behind its head.
static arena_ref store(struct dialogs *set, const struct dialog_cold *head, uint32_t length,
                       const struct dialog_tail *tail)
{
    struct dialog_cold *block = (struct dialog_cold *)(void *)set->block;
    uint32_t size = (uint32_t)sizeof(*block) + length + dialog_shift_octets(head) + dialog_wide_octets(head);
    arena_ref ref = arena_get(set->arena, size);
    if (ref == ARENA_NONE)
        return ARENA_NONE;
    *block = *head;
    block->length = (uint16_t)length;
    write_tail((uint8_t *)(block + 1) + length, head, tail);
    block->check = dialog_cold_check(block);
    memcpy(arena_at(set->arena, ref), block, size);
    return ref;
}

arena_ref dialog_cold_begin(struct dialogs *set, const struct dialog_cold *head,
                            const struct dialog_string *texts, const struct dialog_tail *tail)
{
    uint32_t length = text_copy(texts, DIALOG_TEXT_COUNT, set->block + sizeof(*head));
    return length != 0 ? store(set, head, length, tail) : ARENA_NONE;
}

arena_ref dialog_cold_make(struct dialogs *set, const struct dialog_cold *head,
                           const struct dialog_string *texts, const struct dialog_tail *tail)
{
    uint8_t *packed = set->block + sizeof(*head);
    uint32_t length = text_pack(&set->intern, texts, DIALOG_TEXT_COUNT, packed);
    if (length == 0)
        return ARENA_NONE;
    arena_ref ref = store(set, head, length, tail);
    if (ref == ARENA_NONE)
        text_release(&set->intern, packed, length);
    return ref;
}

arena_ref dialog_cold_remake(struct dialogs *set, const struct dialog_cold *head, arena_ref old,
                             const struct dialog_tail *tail)
{
    const struct dialog_cold *from = block_at(set, old);
    memcpy(set->block + sizeof(*from), from + 1, from->length);
    return store(set, head, from->length, tail);
}

void dialog_cold_free(struct dialogs *set, arena_ref ref)
{
    if (ref == ARENA_NONE)
        return;
    const struct dialog_cold *cold = block_at(set, ref);
    text_release(&set->intern, (const uint8_t *)(cold + 1), cold->length);
    arena_put(set->arena, ref);
}

// A target refresh mostly repeats what is known.
static bool texts_differ(const struct dialogs *set, uint32_t index, const struct dialog_string *texts)
{
    return texts != NULL && !dialog_texts_are(set, index, DIALOG_TEXT_COUNT, texts);
}

static bool session_differs(const struct dialog_cold *cold, const struct dialog_change *change)
{
    if (!change->session || (change->session_s == 0 && cold->session_s == 0))
        return false;
    return change->session_s != cold->session_s || change->session_end != cold->session_end ||
           change->session_refresher != dialog_refresher(cold);
}

// In one commit: the new block and what the line knows of it.
static void swap(struct dialogs *set, uint32_t index, arena_ref made, const struct dialog_string *texts)
{
    const struct dialog *dialog = &set->records[index];
    bool session = block_at(set, made)->session_s != 0;
    uint8_t flags = dialog->flags & (uint8_t) ~(DIALOG_FLAG_SESSION | DIALOG_FLAG_SHIFTED);
    flags |= block_at(set, made)->shifts != 0 ? DIALOG_FLAG_SHIFTED : 0;
    struct commit_group group = commit_group_of(dialog);
    commit_cold(&group, made);
    assert(texts == NULL || dialog->caller_tag_hash == dialog_tag_hash(set, texts[DIALOG_TEXT_CALLER_TAG]));
    if (texts != NULL)
        commit_callee_tag(&group, dialog_tag_hash(set, texts[DIALOG_TEXT_CALLEE_TAG]));
    commit_row(&group, dialog->row, session ? flags | DIALOG_FLAG_SESSION : flags);
    commit_change(set, index, group);
}

uint32_t dialog_ring_ms(const struct dialogs *set, uint32_t index)
{
    const struct dialog *dialog = &set->records[index];
    const struct dialog_cold *cold = dialog_cold(set, index);
    if (cold->ring != DIALOG_RING_NONE)
        return cold->ring < DIALOG_RING_FINE ? cold->ring * TICK_MS : cold->ring - DIALOG_RING_FINE;
    if (dialog->row != DIALOG_ROW_EARLY && dialog->row != DIALOG_ROW_TERMINATING_EARLY)
        return UINT32_MAX;
    return (dialog->since - cold->created) * TICK_MS;
}

static uint16_t ring_of_ms(uint32_t ms)
{
    if (ms < DIALOG_RING_NONE - DIALOG_RING_FINE)
        return (uint16_t)(DIALOG_RING_FINE + ms);
    uint32_t ticks = ms / TICK_MS;
    return (uint16_t)(ticks < DIALOG_RING_FINE ? ticks : DIALOG_RING_FINE - 1);
}

static uint32_t ms_since_created(const struct dialog_cold *head, const struct dialog_change *change)
{
    uint32_t ms = (change->now - head->created) * TICK_MS + change->now_ms;
    return ms > dialog_created_ms(head) ? ms - dialog_created_ms(head) : 0;
}

// Returns whether there was anything to note.
static bool note_times(const struct dialogs *set, uint32_t index, const struct dialog_change *change,
                       struct dialog_cold *head)
{
    uint8_t row = set->records[index].row;
    bool rings = change->rings && row == DIALOG_ROW_NONE;
    bool answered = change->answered && (row == DIALOG_ROW_NONE || row == DIALOG_ROW_EARLY);
    if (rings)
        head->ring = ring_of_ms(ms_since_created(head, change));
    else if (answered && row == DIALOG_ROW_EARLY) // confirmed, it does not know any more when it became early
        head->ring = ring_of_ms(dialog_ring_ms(set, index));
    if (answered)
        head->fine = dialog_fine(dialog_refresher(head), dialog_created_ms(head), change->now_ms);
    return rings || answered;
}

int dialog_change(struct dialogs *set, uint32_t index, const struct dialog_change *change)
{
    struct dialog_string all[DIALOG_TEXT_COUNT];
    bool anew = change->settles || texts_differ(set, index, change->texts);
    struct dialog_cold head = *dialog_cold(set, index);
    bool session = session_differs(&head, change);
    bool times = note_times(set, index, change, &head);
    if (!anew && !session && !times)
        return 0;
    if (commit_thaw(set, index) != 0)
        return -ENOSPC;
    if (session) {
        head.session_s = change->session_s;
        head.fine = dialog_fine(change->session_refresher, dialog_created_ms(&head), dialog_answer_ms(&head));
        head.session_end = change->session_end;
    }
    arena_ref old = set->records[index].cold;
    const struct dialog_tail tail = dialog_cold_tail(block_at(set, old));
    arena_ref made;
    if (anew) {
        memcpy(all, change->texts, sizeof(all));
        dialog_cold_gather(set, index, all);
        made = change->early ? dialog_cold_begin(set, &head, all, &tail)
                             : dialog_cold_make(set, &head, all, &tail);
    } else {
        made = dialog_cold_remake(set, &head, old, &tail);
    }
    if (made == ARENA_NONE)
        return -ENOSPC;
    swap(set, index, made, anew ? all : NULL);
    if (anew)
        dialog_cold_free(set, old);
    else
        arena_put(set->arena, old); // its interned texts are the new block's
    if (session && set->records[index].row == DIALOG_ROW_CONFIRMED)
        dialog_arm_confirmed(set, index, set->wheel->now);
    return 0;
}

int dialog_cold_shift(struct dialogs *set, uint32_t index, const struct dialog_cold *head,
                      const struct dialog_shift *shifts)
{
    arena_ref old = set->records[index].cold;
    struct dialog_tail tail = dialog_cold_tail(block_at(set, old));
    tail.shifts = shifts;
    arena_ref made = dialog_cold_remake(set, head, old, &tail);
    if (made == ARENA_NONE)
        return -ENOSPC;
    swap(set, index, made, NULL);
    arena_put(set->arena, old); // its interned texts are the new block's
    return 0;
}
