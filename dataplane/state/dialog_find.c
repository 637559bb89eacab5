// SPDX-License-Identifier: BSD-3-Clause
// Finding records. The cookie's hint and the table only propose; Call-ID and both tags decide, and among the
// records of a spiral (the same call passing twice) the sender's peer does.
#include "dialog_commit.h"

unsigned dialog_count_call(const struct dialogs *set, uint64_t call_hash)
{
    struct table_cursor cursor;
    unsigned count = 0;
    for (uint32_t at = table_first(&set->table, call_hash, &cursor); at != INDEX_NONE;
         at = table_next(&set->table, &cursor))
        count += set->records[at].call_hash == call_hash;
    return count;
}

// One id, and the best record so far.
struct search {
    const struct dialogs *set;
    const struct dialog_id *id;
    // The tags, once a record was another one: the first that has the Call-ID's hash is nearly always the
    // right one, and compared whole at once.
    bool hashed;
    uint16_t from_hash;
    uint16_t to_hash;
    unsigned rank; // 0: none yet
    uint32_t found;
    enum dialog_side side;
};
#define RANK_OF_PEER 2u
#define RANK_BEST    4u

// An empty text is meant, not any.
static struct dialog_string this_one(struct dialog_string text)
{
    return text.length > 0 ? text : (struct dialog_string){"", 0};
}

static bool may_be(const struct search *search, const struct dialog *dialog)
{
    bool to_known = search->id->to_tag.length > 0;
    if (!search->hashed)
        return true;
    if (dialog->caller_tag_hash == search->from_hash)
        return !to_known || dialog->callee_tag_hash == search->to_hash ||
               dialog->callee_tag_hash == search->from_hash;
    return to_known && dialog->callee_tag_hash == search->from_hash &&
           dialog->caller_tag_hash == search->to_hash;
}

// Whether the record is the one of these tags, and as seen from which side.
static bool is_of(const struct search *search, uint32_t index, enum dialog_side *side)
{
    const struct dialog_id *id = search->id;
    bool to_known = id->to_tag.length > 0;
    struct dialog_string to_tag = to_known ? id->to_tag : (struct dialog_string){NULL, 0};
    if (!may_be(search, &search->set->records[index]))
        return false;
    enum text_order order =
        dialog_tags_are(search->set, index, this_one(id->call_id), this_one(id->from_tag), to_tag);
    *side = order == TEXT_IN_ORDER ? DIALOG_CALLER : DIALOG_CALLEE;
    return order == TEXT_IN_ORDER || (order == TEXT_OTHER_ORDER && to_known);
}

static unsigned rank(const struct search *search, uint32_t index, enum dialog_side side)
{
    const struct dialog *dialog = &search->set->records[index];
    const struct dialog_id *id = search->id;
    bool sent_by_caller = (side == DIALOG_CALLER) != id->response;
    uint16_t peer = sent_by_caller ? dialog->caller_peer : dialog->callee_peer;
    bool peer_fits = id->peer == DIALOG_NUMBER_NONE || id->peer == peer;
    // Without a To-tag the record that has none is meant.
    bool tags_fit = id->to_tag.length > 0 || dialog->callee_tag_hash == 0;
    return 1 + RANK_OF_PEER * peer_fits + tags_fit;
}

// True when no other record can be better.
static bool look_at(struct search *search, uint32_t index)
{
    const struct dialog *dialog = &search->set->records[index];
    enum dialog_side side;
    if (dialog->row == DIALOG_ROW_FREE || dialog->call_hash != search->id->call_hash ||
        !is_of(search, index, &side))
        return false;
    unsigned now = rank(search, index, side);
    if (now > search->rank) {
        search->rank = now;
        search->found = index;
        search->side = side;
    }
    return search->rank == RANK_BEST;
}

static void look_in_table(struct search *search)
{
    const struct dialogs *set = search->set;
    const struct dialog_id *id = search->id;
    struct table_cursor cursor;
    for (uint32_t at = table_first(&set->table, id->call_hash, &cursor); at != INDEX_NONE;
         at = table_next(&set->table, &cursor)) {
        if (look_at(search, at))
            return;
        if (!search->hashed) {
            search->from_hash = dialog_tag_hash(set, id->from_tag);
            search->to_hash = dialog_tag_hash(set, id->to_tag);
            search->hashed = true;
        }
    }
}

uint32_t dialog_find(const struct dialogs *set, const struct dialog_id *id, enum dialog_side *side)
{
    struct search search = {.set = set, .id = id, .found = INDEX_NONE};
    bool done = id->has_hint && id->hint < set->capacity &&
                (uint16_t)set->records[id->hint].generation == id->hint_generation &&
                look_at(&search, id->hint);
    if (!done)
        look_in_table(&search);
    if (search.found != INDEX_NONE)
        *side = search.side;
    return search.found;
}

unsigned dialog_find_call(const struct dialogs *set, uint64_t call_hash, struct dialog_string call_id,
                          uint32_t *indexes, unsigned max)
{
    struct table_cursor cursor;
    unsigned count = 0;
    for (uint32_t at = table_first(&set->table, call_hash, &cursor); at != INDEX_NONE && count < max;
         at = table_next(&set->table, &cursor)) {
        if (set->records[at].call_hash == call_hash &&
            (call_id.octets == NULL || dialog_text_is(set, at, DIALOG_TEXT_CALL_ID, call_id)))
            indexes[count++] = at;
    }
    return count;
}

void dialogs_prefetch_begin(const struct dialogs *set, uint64_t call_hash)
{
    table_prefetch(&set->table, call_hash);
}

// Buckets, then records, then the two lines of the cold block in which tags and Call-ID lie: each stage asks
// for the lines of all before the next one looks at the first.
void dialogs_prefetch(const struct dialogs *set, const uint64_t *call_hashes, unsigned n)
{
    uint32_t indexes[TABLE_BULK_MAX];
    const struct table_records records = {(const uint8_t *)set->records, sizeof(struct dialog)};
    table_first_bulk(&set->table, call_hashes, n, records, indexes);
    for (unsigned i = 0; i < n; i++) {
        if (indexes[i] == INDEX_NONE || !commit_is_ours(&set->records[indexes[i]]))
            continue;
        const uint8_t *cold = arena_at(set->arena, set->records[indexes[i]].cold);
        __builtin_prefetch(cold);
        __builtin_prefetch(cold + 64);
    }
}
