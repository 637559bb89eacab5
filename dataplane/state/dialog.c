// SPDX-License-Identifier: BSD-3-Clause
// A record of 96 octets, an entry in the table under the hash of its Call-ID, a node on the wheel, and one
// block of texts in the arena: the texts' lengths as 16-bit numbers, then their octets one after another. A
// fork shares nothing, so that any record can be released alone.
#include "dialog.h"

#include <errno.h>
#include <string.h>

#define LINE         64u
#define SECONDS(s)   ((s)*1000u / TICK_MS)
#define LENGTHS_SIZE (DIALOG_TEXT_COUNT * sizeof(uint16_t))

static size_t records_size(uint32_t capacity)
{
    return ((size_t)capacity * sizeof(struct dialog) + LINE - 1) / LINE * LINE;
}

size_t dialogs_memory(uint32_t capacity)
{
    return records_size(capacity) + table_memory(capacity);
}

void dialogs_init(struct dialogs *set, void *memory, uint32_t capacity, struct arena *arena,
                  struct wheel *wheel)
{
    assert(capacity < 1u << 30);
    memset(memory, 0, records_size(capacity));
    *set = (struct dialogs){.records = memory,
                            .capacity = capacity,
                            .free = capacity > 0 ? 0 : INDEX_NONE,
                            .arena = arena,
                            .wheel = wheel,
                            // None and Early outlive timer C, so that the transaction decides first.
                            .life = {.none = SECONDS(240),
                                     .early = SECONDS(240),
                                     .confirmed = SECONDS(12 * 3600),
                                     .terminating = SECONDS(32)}};
    set->by_state[DIALOG_FREE] = capacity;
    for (uint32_t i = 0; i < capacity; i++)
        set->records[i].next_free = i + 1 < capacity ? i + 1 : INDEX_NONE;
    table_init(&set->table, (uint8_t *)memory + records_size(capacity), capacity);
    wheel_class_set(wheel, WHEEL_CLASS_DIALOG, memory, sizeof(struct dialog), offsetof(struct dialog, timer));
}

// 0 stands for "no tag yet".
static uint32_t tag_hash(const struct dialogs *set, struct dialog_string tag)
{
    uint32_t hash = (uint32_t)siphash13(&set->key, tag.octets, tag.length);
    if (tag.length == 0)
        return 0;
    return hash != 0 ? hash : 1;
}

static void tags_follow(struct dialogs *set, uint32_t index)
{
    set->records[index].caller_tag_hash = tag_hash(set, dialog_text(set, index, DIALOG_TEXT_CALLER_TAG));
    set->records[index].callee_tag_hash = tag_hash(set, dialog_text(set, index, DIALOG_TEXT_CALLEE_TAG));
}

struct dialog_string dialog_text(const struct dialogs *set, uint32_t index, enum dialog_text which)
{
    const uint8_t *block = arena_at(set->arena, set->records[index].text);
    uint16_t lengths[DIALOG_TEXT_COUNT];
    size_t at = LENGTHS_SIZE;
    memcpy(lengths, block, LENGTHS_SIZE);
    for (unsigned i = 0; i < (unsigned)which; i++)
        at += lengths[i];
    return (struct dialog_string){.octets = block + at, .length = lengths[which]};
}

// A block with these texts, all of them given. ARENA_NONE: no room.
static arena_ref block_make(struct arena *arena, const struct dialog_string *texts)
{
    uint16_t lengths[DIALOG_TEXT_COUNT];
    size_t size = LENGTHS_SIZE;
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++) {
        if (texts[i].length > UINT16_MAX)
            return ARENA_NONE;
        lengths[i] = (uint16_t)texts[i].length;
        size += texts[i].length;
    }
    arena_ref ref = arena_get(arena, size);
    if (ref == ARENA_NONE)
        return ARENA_NONE;
    uint8_t *at = arena_at(arena, ref);
    memcpy(at, lengths, LENGTHS_SIZE);
    at += LENGTHS_SIZE;
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++) {
        if (texts[i].length > 0) // memcpy() takes no NULL, not even for nothing
            memcpy(at, texts[i].octets, texts[i].length);
        at += texts[i].length;
    }
    return ref;
}

int dialog_text_set(struct dialogs *set, uint32_t index, const struct dialog_string *texts)
{
    struct dialog_string all[DIALOG_TEXT_COUNT];
    bool changed = false;
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++) {
        struct dialog_string old = dialog_text(set, index, i);
        all[i] = texts[i].octets != NULL ? texts[i] : old;
        changed |= all[i].length != old.length || memcmp(all[i].octets, old.octets, old.length) != 0;
    }
    // A target refresh mostly repeats what is known.
    if (!changed)
        return 0;
    arena_ref block = block_make(set->arena, all);
    if (block == ARENA_NONE)
        return -ENOSPC;
    arena_put(set->arena, set->records[index].text);
    set->records[index].text = block;
    tags_follow(set, index);
    return 0;
}

static unsigned count_of_call(const struct dialogs *set, uint64_t call_hash)
{
    struct table_cursor cursor;
    unsigned count = 0;
    for (uint32_t at = table_first(&set->table, call_hash, &cursor); at != INDEX_NONE;
         at = table_next(&set->table, &cursor))
        count += set->records[at].call_hash == call_hash;
    return count;
}

static void state_set(struct dialogs *set, struct dialog *dialog, enum dialog_row row)
{
    set->by_state[dialog->state]--;
    dialog->row = (uint8_t)row;
    dialog->state = dialog_state_of[row];
    set->by_state[dialog->state]++;
}

uint32_t dialog_create(struct dialogs *set, uint64_t call_hash, const struct dialog_string *texts, tick_t now)
{
    uint32_t index = set->free;
    if (index == INDEX_NONE || count_of_call(set, call_hash) >= DIALOGS_OF_CALL_MAX)
        return INDEX_NONE;
    arena_ref block = block_make(set->arena, texts);
    if (block == ARENA_NONE)
        return INDEX_NONE;
    if (table_insert(&set->table, call_hash, index) != 0) {
        arena_put(set->arena, block);
        return INDEX_NONE;
    }
    struct dialog *dialog = &set->records[index];
    set->free = dialog->next_free;
    set->count++;
    *dialog = (struct dialog){.call_hash = call_hash,
                              .generation = dialog->generation,
                              .created = now,
                              .changed = now,
                              .text = block,
                              .invite = INDEX_NONE};
    wheel_node_init(&dialog->timer);
    state_set(set, dialog, DIALOG_ROW_NONE);
    tags_follow(set, index);
    wheel_arm(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index), now + set->life.none);
    return index;
}

uint32_t dialog_fork(struct dialogs *set, uint32_t index, tick_t now)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = dialog_text(set, index, i);
    texts[DIALOG_TEXT_CALLEE_TAG].length = 0;
    texts[DIALOG_TEXT_CALLEE_TARGET].length = 0;
    texts[DIALOG_TEXT_CALLEE_ROUTES].length = 0;
    uint32_t made = dialog_create(set, set->records[index].call_hash, texts, now);
    if (made == INDEX_NONE)
        return INDEX_NONE;
    const struct dialog *from = &set->records[index];
    struct dialog *dialog = &set->records[made];
    dialog->flags = from->flags & DIALOG_FLAG_CANCELLED;
    dialog->caller_peer = from->caller_peer;
    dialog->callee_peer = from->callee_peer;
    dialog->callee_member = from->callee_member;
    dialog->cseq[DIALOG_CALLER] = from->cseq[DIALOG_CALLER];
    memcpy(dialog->learnt, from->learnt, sizeof(dialog->learnt));
    dialog->created = from->created;
    dialog->invite = from->invite;
    dialog->invite_generation = from->invite_generation;
    return made;
}

static bool text_is(const struct dialogs *set, uint32_t index, enum dialog_text which,
                    struct dialog_string wanted)
{
    struct dialog_string text = dialog_text(set, index, which);
    return text.length == wanted.length &&
           (text.length == 0 || memcmp(text.octets, wanted.octets, text.length) == 0);
}

// One id with the hashes of its tags.
struct wanted {
    const struct dialog_id *id;
    uint32_t from_hash;
    uint32_t to_hash;
};

static bool matches(const struct dialogs *set, uint32_t index, const struct wanted *wanted,
                    enum dialog_side *side)
{
    const struct dialog *dialog = &set->records[index];
    const struct dialog_id *id = wanted->id;
    bool callee_known = id->to_tag.length > 0;
    if (dialog->call_hash != id->call_hash)
        return false;
    if (dialog->caller_tag_hash == wanted->from_hash &&
        (!callee_known || dialog->callee_tag_hash == wanted->to_hash) &&
        text_is(set, index, DIALOG_TEXT_CALLER_TAG, id->from_tag) &&
        (!callee_known || text_is(set, index, DIALOG_TEXT_CALLEE_TAG, id->to_tag)))
        *side = DIALOG_CALLER;
    else if (callee_known && dialog->callee_tag_hash == wanted->from_hash &&
             dialog->caller_tag_hash == wanted->to_hash &&
             text_is(set, index, DIALOG_TEXT_CALLEE_TAG, id->from_tag) &&
             text_is(set, index, DIALOG_TEXT_CALLER_TAG, id->to_tag))
        *side = DIALOG_CALLEE;
    else
        return false;
    return text_is(set, index, DIALOG_TEXT_CALL_ID, id->call_id);
}

uint32_t dialog_find(const struct dialogs *set, const struct dialog_id *id, enum dialog_side *side)
{
    struct wanted wanted = {
        .id = id, .from_hash = tag_hash(set, id->from_tag), .to_hash = tag_hash(set, id->to_tag)};
    struct table_cursor cursor;
    uint32_t found = INDEX_NONE;
    for (uint32_t at = table_first(&set->table, id->call_hash, &cursor); at != INDEX_NONE;
         at = table_next(&set->table, &cursor)) {
        if (!matches(set, at, &wanted, side))
            continue;
        found = at;
        // Without a To-tag the record that has none is meant, wherever it comes in the walk.
        if (id->to_tag.length > 0 || set->records[at].callee_tag_hash == 0)
            break;
    }
    return found;
}

unsigned dialog_find_call(const struct dialogs *set, uint64_t call_hash, struct dialog_string call_id,
                          uint32_t *indexes, unsigned max)
{
    struct table_cursor cursor;
    unsigned count = 0;
    for (uint32_t at = table_first(&set->table, call_hash, &cursor); at != INDEX_NONE && count < max;
         at = table_next(&set->table, &cursor))
        if (set->records[at].call_hash == call_hash && text_is(set, at, DIALOG_TEXT_CALL_ID, call_id))
            indexes[count++] = at;
    return count;
}

static void arm(struct dialogs *set, uint32_t index, tick_t now)
{
    const struct dialog *dialog = &set->records[index];
    uint32_t handle = WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index);
    switch (dialog->state) {
    case DIALOG_EARLY:
        wheel_arm(set->wheel, handle, now + set->life.early);
        break;
    case DIALOG_CONFIRMED:
        wheel_arm(set->wheel, handle, dialog->life_end);
        break;
    case DIALOG_TERMINATING:
        wheel_arm(set->wheel, handle, now + set->life.terminating);
        break;
    default:
        wheel_cancel(set->wheel, handle);
        break;
    }
}

unsigned dialog_step(struct dialogs *set, uint32_t index, enum dialog_event event, tick_t now)
{
    struct dialog *dialog = &set->records[index];
    struct dialog_cell cell = dialog_fsm[dialog->row][event];
    if (event == DIALOG_ON_TIMEOUT && wheel_armed(&dialog->timer))
        return 0;
    if (event == DIALOG_ON_ACK && dialog->row >= DIALOG_ROW_CONFIRMED)
        dialog->flags |= DIALOG_FLAG_ACKED;
    if (event == DIALOG_ON_CANCEL && (dialog->row == DIALOG_ROW_NONE || dialog->row == DIALOG_ROW_EARLY))
        dialog->flags |= DIALOG_FLAG_CANCELLED;
    if (cell.next == DIALOG_ROW_FREE)
        return 0;
    if (dialog_state_of[cell.next] != dialog->state)
        dialog->changed = now;
    state_set(set, dialog, cell.next);
    if (cell.actions & DIALOG_DO_CONFIRM)
        dialog->life_end = now + set->life.confirmed;
    arm(set, index, now);
    return cell.actions;
}

void dialog_release(struct dialogs *set, uint32_t index)
{
    struct dialog *dialog = &set->records[index];
    if (dialog->state == DIALOG_FREE)
        return;
    table_remove(&set->table, dialog->call_hash, index);
    arena_put(set->arena, dialog->text);
    wheel_cancel(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
    state_set(set, dialog, DIALOG_ROW_FREE);
    dialog->text = ARENA_NONE;
    dialog->generation++;
    dialog->next_free = set->free;
    set->free = index;
    set->count--;
}
