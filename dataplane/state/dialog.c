// SPDX-License-Identifier: BSD-3-Clause
// Life and death of records. What an event changes leaves in one store of 16 octets, a CSeq by way of the
// journal, a copy of 64: a few nanoseconds either way, so that every state is in the file before anything is
// sent. Rejected: a log of events (it grows, and has to be replayed), two versions of a record side by side
// (twice the lines), the journal for all (3 ns a change, and two lines written where one is enough), a check
// of multiplications (1 ns more than a CRC that the processor makes).
//
// A step that copied the record to the journal and folded its 40 octets by multiplications took 12.0 ns where
// this one takes 8.9, beside the same load. Of 7.8 ns in a quieter run, 3.5 are the timer's, 0.5 the check's;
// with multiplications it is 8.7 to 9.6, and 10.6 where the journal stays (no SSE4.2). A loop of this size is
// worth 3 ns more or less by where the linker puts it: compare several builds before a difference is
// believed.
#include "dialog.h"

#include <string.h>
#include "dialog_commit.h"

#define LINE              64u
#define SECONDS(s)        ((s)*1000u / TICK_MS)
#define INTERN_MAX        65536u
#define INTERN_MIN        64u
#define DIALOGS_OF_INTERN 4u

static_assert(sizeof(struct dialog_journal) % LINE == 0, "records begin at a line");

static uint32_t intern_capacity(uint32_t capacity)
{
    uint32_t wanted = capacity / DIALOGS_OF_INTERN;
    return wanted > INTERN_MAX ? INTERN_MAX : wanted < INTERN_MIN ? INTERN_MIN : wanted;
}

size_t dialogs_file_memory(uint32_t capacity)
{
    return sizeof(struct dialog_journal) + (size_t)capacity * sizeof(struct dialog);
}

size_t dialogs_private_memory(uint32_t capacity)
{
    return table_memory(capacity) + intern_memory(intern_capacity(capacity));
}

void dialogs_init(struct dialogs *set, const struct dialogs_place *place, struct arena *arena,
                  struct wheel *wheel)
{
    uint32_t capacity = place->capacity;
    assert(capacity < 1u << 29);
    memset(set, 0, sizeof(*set));
    set->journal = place->file;
    set->records = (struct dialog *)(void *)((uint8_t *)place->file + sizeof(struct dialog_journal));
    set->journal->index = INDEX_NONE;
    set->journal->taken = INDEX_NONE;
    set->capacity = capacity;
    set->free = INDEX_NONE;
    set->first_generation = wheel->now;
    set->arena = arena;
    set->wheel = wheel;
    set->key = place->key;
    // None and Early outlive timer C, so that the transaction decides first.
    set->life = (struct dialog_life){.none = SECONDS(240),
                                     .early = SECONDS(240),
                                     .confirmed = SECONDS(12 * 3600),
                                     .no_ack = SECONDS(37),
                                     .terminating = SECONDS(32)};
    set->by_state[DIALOG_FREE] = capacity;
    table_init(&set->table, place->private, capacity);
    intern_init(&set->intern, (uint8_t *)place->private + table_memory(capacity), intern_capacity(capacity),
                arena);
    set->intern.key = place->key;
    wheel_class_set(wheel, WHEEL_CLASS_DIALOG, set->records, sizeof(struct dialog),
                    offsetof(struct dialog, timer));
}

uint16_t dialog_tag_hash(const struct dialogs *set, struct dialog_string tag)
{
    if (tag.length == 0)
        return 0;
    uint16_t hash = (uint16_t)siphash13(&set->key, tag.octets, tag.length);
    return hash != 0 ? hash : 1;
}

void dialog_tell_all(struct dialogs *set, uint32_t index, uint8_t from, unsigned reason)
{
    const struct dialog *dialog = &set->records[index];
    struct dialog_transitions *ring = set->transitions;
    uint32_t head = ring->head;
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == DIALOG_TRANSITIONS) {
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
        return;
    }
    ring->ring[head % DIALOG_TRANSITIONS] =
        (struct dialog_transition){.call_hash = dialog->call_hash,
                                   .index = index,
                                   .generation = dialog->generation,
                                   .at = set->wheel->now,
                                   .from = from,
                                   .to = dialog_state_of[dialog->row],
                                   .reason = (uint8_t)reason,
                                   .caller_peer = dialog->caller_peer,
                                   .callee_peer = dialog->callee_peer,
                                   .callee_member = dialog->callee_member};
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

static void count_state(struct dialogs *set, uint8_t from, uint8_t to)
{
    set->by_state[from]--;
    set->by_state[to]++;
}

uint32_t dialog_take(struct dialogs *set, uint64_t call_hash)
{
    uint32_t index = set->free != INDEX_NONE ? set->free : set->unused;
    if (index >= set->capacity || table_insert(&set->table, call_hash, index) != 0)
        return INDEX_NONE;
    struct dialog *dialog = &set->records[index];
    if (set->free != INDEX_NONE) {
        set->free = dialog->next_free;
    } else {
        set->unused++;
        dialog->generation = set->first_generation;
    }
    set->count++;
    count_state(set, DIALOG_FREE, DIALOG_NONE);
    wheel_node_init(&dialog->timer);
    return index;
}

// What a record in state None has in its line beside timer, generation, cold part and check.
static void fill(struct dialog *dialog, const struct dialog *from)
{
    uint32_t generation = dialog->generation;
    struct wheel_node timer = dialog->timer;
    *dialog = *from;
    dialog->generation = generation;
    dialog->timer = timer;
}

static uint32_t begin(struct dialogs *set, const struct dialog *line, arena_ref cold)
{
    uint32_t index = cold == ARENA_NONE ? INDEX_NONE : dialog_take(set, line->call_hash);
    if (index == INDEX_NONE) {
        dialog_cold_free(set, cold);
        return INDEX_NONE;
    }
    struct dialog *dialog = &set->records[index];
    fill(dialog, line);
    dialog->cold = cold;
    commit_new(dialog);
    wheel_arm(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index), line->since + set->life.none);
    dialog_tell(set, index, DIALOG_FREE, DIALOG_EVENTS);
    return index;
}

static bool is_full(const struct dialogs *set, uint64_t call_hash)
{
    return set->count == set->capacity || dialog_count_call(set, call_hash) >= DIALOGS_OF_CALL_MAX;
}

uint32_t dialog_create(struct dialogs *set, const struct dialog_birth *birth, tick_t now)
{
    struct dialog line = {.call_hash = birth->call_hash,
                          .cseq = {[DIALOG_CALLER] = birth->cseq},
                          .since = now,
                          .caller_tag_hash = dialog_tag_hash(set, birth->texts[DIALOG_TEXT_CALLER_TAG]),
                          .callee_tag_hash = dialog_tag_hash(set, birth->texts[DIALOG_TEXT_CALLEE_TAG]),
                          .caller_peer = birth->caller_peer,
                          .callee_peer = birth->callee_peer,
                          .callee_member = birth->callee_member,
                          .row = DIALOG_ROW_NONE,
                          .flags = birth->counted ? DIALOG_FLAG_COUNTED : 0,
                          .invite = birth->invite,
                          .invite_generation = (uint16_t)birth->invite_generation};
    struct dialog_cold head = {
        .ring = DIALOG_RING_NONE, .created = now, .fine = dialog_fine(0, birth->ms, 0)};
    struct dialog_tail tail = {.shifts = NULL};
    dialog_cold_learn(&head, &tail, DIALOG_CALLER, &birth->learnt[DIALOG_CALLER]);
    dialog_cold_learn(&head, &tail, DIALOG_CALLEE, &birth->learnt[DIALOG_CALLEE]);
    if (is_full(set, birth->call_hash))
        return INDEX_NONE;
    bool is_whole = birth->texts[DIALOG_TEXT_CALLEE_TAG].length > 0;
    arena_ref cold = is_whole ? dialog_cold_make(set, &head, birth->texts, &tail)
                              : dialog_cold_begin(set, &head, birth->texts, &tail);
    return begin(set, &line, cold);
}

uint32_t dialog_fork(struct dialogs *set, uint32_t index, tick_t now)
{
    static const struct dialog_string empty = {"", 0};
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {[DIALOG_TEXT_CALLEE_TAG] = empty,
                                                     [DIALOG_TEXT_CALLEE_TARGET] = empty,
                                                     [DIALOG_TEXT_CALLEE_ROUTES] = empty};
    struct dialog line = set->records[index];
    struct dialog_cold head = *dialog_cold(set, index);
    const struct dialog_tail tail = dialog_cold_tail(dialog_cold(set, index));
    if (is_full(set, line.call_hash))
        return INDEX_NONE;
    line.cseq[DIALOG_CALLEE] = 0;
    line.since = now;
    line.callee_tag_hash = 0;
    line.check = 0;
    line.heard = 0;
    line.row = DIALOG_ROW_NONE;
    line.flags &= DIALOG_FLAG_CANCELLED;
    line.image = 0;
    head.session_s = 0;
    head.shifts = 0;
    head.ring = DIALOG_RING_NONE;
    head.fine = dialog_fine(0, dialog_created_ms(&head), 0);
    dialog_cold_gather(set, index, texts);
    return begin(set, &line, dialog_cold_begin(set, &head, texts, &tail));
}

void dialog_release(struct dialogs *set, uint32_t index)
{
    struct dialog *dialog = &set->records[index];
    uint8_t from = dialog_state_of[dialog->row];
    if (from == DIALOG_FREE)
        return;
    commit_gone(dialog);
    if (commit_is_ours(dialog)) {
        dialog_cold_free(set, dialog->cold);
    } else {
        image_strike(set->images[dialog->image - 1], dialog->cold);
        set->images_left--;
    }
    table_remove(&set->table, dialog->call_hash, index);
    wheel_cancel(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
    count_state(set, from, DIALOG_FREE);
    dialog->row = DIALOG_ROW_TERMINATED;
    dialog_tell(set, index, from, DIALOG_EVENTS);
    dialog->row = DIALOG_ROW_FREE;
    dialog->cold = ARENA_NONE;
    dialog->image = 0;
    dialog->generation++;
    dialog->next_free = set->free;
    set->free = index;
    set->count--;
}

void dialog_invite_set(struct dialogs *set, uint32_t index, uint32_t invite, uint32_t generation)
{
    set->records[index].invite = invite;
    set->records[index].invite_generation = (uint16_t)generation;
}

static bool has_moved(const struct dialogs *set, uint32_t index, const struct dialog_seen *seen)
{
    if (!ip_is_set(&seen->source.address))
        return false;
    const struct endpoint learnt = dialog_learnt(dialog_cold(set, index), seen->side);
    return !endpoint_equal(learnt, seen->source) || learnt.listener != seen->source.listener;
}

void dialog_see(struct dialogs *set, uint32_t index, const struct dialog_seen *seen)
{
    struct dialog *dialog = &set->records[index];
    bool moved = has_moved(set, index, seen);
    bool counted = seen->cseq > dialog->cseq[seen->side];
    arena_ref old = dialog->cold;
    arena_ref made = ARENA_NONE;
    if (!moved && !counted)
        return;
    // Without room for the source the old one stays, and is tried again with the next message.
    if (commit_thaw(set, index) == 0 && moved) {
        struct dialog_cold head = *dialog_cold(set, index);
        struct dialog_tail tail = dialog_cold_tail(dialog_cold(set, index));
        dialog_cold_learn(&head, &tail, seen->side, &seen->source);
        old = dialog->cold;
        made = dialog_cold_remake(set, &head, old, &tail);
    }
    commit_open(set, index);
    if (counted)
        commit_cseq(dialog, seen->side, seen->cseq);
    if (made != ARENA_NONE)
        dialog->cold = made;
    commit_close(set, index);
    if (made != ARENA_NONE)
        arena_put(set->arena, old);
}
