// SPDX-License-Identifier: BSD-3-Clause
// How a record changes in the mapped file: dialog_record.h has the rules. Only the dialog_*.c of this folder
// include this.
#ifndef DIALGATE_STATE_DIALOG_COMMIT_H
#define DIALGATE_STATE_DIALOG_COMMIT_H

#include <stdatomic.h>
#include <string.h>
#include "dialog.h"

// A kill stops between two instructions, and what the program had stored by then is in the file. So it is the
// compiler alone that has to keep the order.
static inline void commit_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static inline bool commit_is_ours(const struct dialog *dialog)
{
    return dialog->image == 0;
}

// What a change begins with: the cold part is fetched when it still lies in an image. -ENOSPC: it stays
// there.
static inline int commit_thaw(struct dialogs *set, uint32_t index)
{
    return commit_is_ours(&set->records[index]) ? 0 : dialog_thaw(set, index);
}

// The group of the record (dialog_record.h) as it is to be: since, and the word behind the check.
struct commit_group {
    uint32_t since;
    uint64_t rest;
};

static inline struct commit_group commit_group_of(const struct dialog *dialog)
{
    return (struct commit_group){dialog->since, check_word((const uint8_t *)&dialog->cold)};
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "where a field lies in its word");
static_assert(offsetof(struct dialog, callee_tag_hash) == 60 && offsetof(struct dialog, row) == 62 &&
                  offsetof(struct dialog, flags) == 63,
              "the shifts below");

static inline void commit_row(struct commit_group *group, uint8_t row, uint8_t flags)
{
    group->rest = (group->rest & (UINT64_MAX >> 16)) | (uint64_t)row << 48 | (uint64_t)flags << 56;
}

static inline void commit_cold(struct commit_group *group, arena_ref cold)
{
    group->rest = (group->rest & ~(uint64_t)UINT32_MAX) | cold;
}

static inline void commit_callee_tag(struct commit_group *group, uint16_t hash)
{
    group->rest = (group->rest & ~((uint64_t)0xffff << 32)) | (uint64_t)hash << 32;
}

// The one field outside of the group that an event changes: between commit_open() and commit_close(). It goes
// in by the word that the check reads: had one half been stored by itself a moment ago, the check would wait
// for it to leave the processor's store buffer, as long as all the rest takes.
static inline void commit_cseq(struct dialog *dialog, enum dialog_side side, uint32_t cseq)
{
    uint64_t word = side == DIALOG_CALLER ? cseq | (uint64_t)dialog->cseq[DIALOG_CALLEE] << 32
                                          : dialog->cseq[DIALOG_CALLER] | (uint64_t)cseq << 32;
    __asm__("" : "+r"(word)); // or the compiler sees that fewer octets are enough
    memcpy(dialog->cseq, &word, sizeof(word));
}

// The group, the check of all that the record holds now among it. Of a record whose cold part still lies in
// an image nothing is committed: the image has it.
static inline void commit_store(struct dialog *dialog, struct commit_group group)
{
    uint32_t check = commit_is_ours(dialog) ? dialog_check(dialog, group.since, group.rest) : 0;
    uint64_t first = group.since | (uint64_t)check << 32;
    commit_order();
#ifdef __SSE4_2__
    __m128i words = _mm_set_epi64x((long long)group.rest, (long long)first);
    // Not an intrinsic: the compiler may make two stores of that.
    __asm__ volatile("movdqa %1, %0" : "=m"(*(__m128i *)(void *)&dialog->since) : "x"(words));
#else
    memcpy(&dialog->since, &first, sizeof(first));
    memcpy(&dialog->cold, &group.rest, sizeof(group.rest));
#endif
    commit_order();
}

// From here to commit_close() the file's version is the journal's copy.
static inline void commit_open(struct dialogs *set, uint32_t index)
{
    if (!commit_is_ours(&set->records[index]))
        return;
    set->journal->record = set->records[index];
    commit_order();
    set->journal->index = index;
    commit_order();
}

static inline void commit_close(struct dialogs *set, uint32_t index)
{
    struct dialog *dialog = &set->records[index];
    if (!commit_is_ours(dialog))
        return;
    commit_store(dialog, commit_group_of(dialog));
    set->journal->index = INDEX_NONE;
    commit_order();
}

// A change of nothing but the group.
static inline void commit_change(struct dialogs *set, uint32_t index, struct commit_group group)
{
#ifdef __SSE4_2__
    commit_store(&set->records[index], group);
#else
    commit_open(set, index);
    commit_store(&set->records[index], group);
    set->journal->index = INDEX_NONE;
    commit_order();
#endif
}

// A record that has been written whole, or one that is to be gone.
static inline void commit_new(struct dialog *dialog)
{
    commit_order();
    dialog->check = dialog_record_check(dialog);
    commit_order();
}

static inline void commit_gone(struct dialog *dialog)
{
    dialog->check = 0;
    commit_order();
}

// dialog.c
void dialog_tell_all(struct dialogs *set, uint32_t index, uint8_t from, unsigned reason);
static inline void dialog_tell(struct dialogs *set, uint32_t index, uint8_t from, unsigned reason)
{
    if (set->transitions != NULL && from != dialog_state_of[set->records[index].row])
        dialog_tell_all(set, index, from, reason);
}
uint16_t dialog_tag_hash(const struct dialogs *set, struct dialog_string tag); // 0: no tag
uint32_t dialog_take(struct dialogs *set, uint64_t call_hash); // a record and its entry in the table
// dialog_step.c: the timer of the present state, and of Confirmed alone, by what its deadline follows from.
void dialog_arm(struct dialogs *set, uint32_t index, tick_t now);
void dialog_arm_confirmed(struct dialogs *set, uint32_t index, tick_t now);

// What follows the texts of a block, as much of each as its head says.
struct dialog_tail {
    const void *shifts;
    struct ip_address wide[2]; // by side
};
static inline struct dialog_tail dialog_cold_tail(const struct dialog_cold *cold)
{
    struct dialog_tail tail = {.shifts = (const uint8_t *)(cold + 1) + cold->length};
    for (unsigned side = 0; side < 2; side++) {
        if (dialog_learnt_is_wide(cold, side))
            tail.wide[side] = dialog_learnt(cold, side).address;
    }
    return tail;
}
// Where this side's messages come from is this now.
void dialog_cold_learn(struct dialog_cold *head, struct dialog_tail *tail, enum dialog_side side,
                       const struct endpoint *learnt);
// dialog_cold.c: a block with this head, these texts (DIALOG_TEXT_COUNT) and this tail. ARENA_NONE: no room,
// and nothing was interned.
arena_ref dialog_cold_make(struct dialogs *set, const struct dialog_cold *head,
                           const struct dialog_string *texts, const struct dialog_tail *tail);
// The same with the texts as they are: for a record that has no answer yet. Most get their callee's tag
// within milliseconds, which is another block; what was packed before would be unpacked for it.
arena_ref dialog_cold_begin(struct dialogs *set, const struct dialog_cold *head,
                            const struct dialog_string *texts, const struct dialog_tail *tail);
// In one commit another block with this head and these shifts, its texts as they are. 0 or -ENOSPC.
int dialog_cold_shift(struct dialogs *set, uint32_t index, const struct dialog_cold *head,
                      const struct dialog_shift *shifts);
// A block with another head and this tail, and the packed texts of a block of ours, whose interned texts
// change hands.
arena_ref dialog_cold_remake(struct dialogs *set, const struct dialog_cold *head, arena_ref old,
                             const struct dialog_tail *tail);
void dialog_cold_free(struct dialogs *set, arena_ref ref);
// Restores all texts but those that stand in texts[] already (octets not NULL), into set->texts or where they
// lie in the block.
void dialog_cold_gather(struct dialogs *set, uint32_t index, struct dialog_string *texts);

// Call-ID is this one, and the tags of caller and callee are a and b, or b and a; a tag with octets NULL may
// be any.
enum text_order dialog_tags_are(const struct dialogs *set, uint32_t index, struct dialog_string call_id,
                                struct dialog_string a, struct dialog_string b);

// dialog_find.c
unsigned dialog_count_call(const struct dialogs *set, uint64_t call_hash);

#endif
