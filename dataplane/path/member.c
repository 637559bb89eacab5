// SPDX-License-Identifier: BSD-3-Clause
// The members of the best priority that has a usable one are the candidates. By Call-ID the Maglev table
// names the first choice, and the hash with the number of the attempt the next ones, so that the calls of a
// member that is down spread over all others and theirs stay where they are; when a few attempts meet nobody,
// the list is walked from where the hash points.
//
// A member that is silent costs each of its requests the time until fail-over, and the next member a request
// more. So after the first one that met complete silence it rests for a second, and then one request a second
// goes there until it is answered: of a member that comes and goes no more requests go twice than came within
// the time of one fail-over.
#include "member.h"

#define MAGLEV_ATTEMPTS 8u
#define SILENT_TICKS    (1000u / TICK_MS)

// Who may be chosen besides those that are up and awake.
#define ALLOW_DOWN    1u
#define ALLOW_RESTING 2u

void member_tried(struct member_choice *choice, uint16_t member)
{
    if (choice->tried_count < MEMBER_TRIED_MAX)
        choice->tried[choice->tried_count++] = member;
}

void member_heard(const struct member_view *view, uint16_t member)
{
    struct member_lately *lately = &view->lately[member];
    lately->heard = *view->now;
    lately->heard_once = true;
    if (lately->rest == MEMBER_RESTS_SILENT)
        lately->rest = MEMBER_RESTS_NOT;
}

static bool is_resting(const struct member_view *view, uint16_t member)
{
    const struct member_lately *lately = &view->lately[member];
    return lately->rest != MEMBER_RESTS_NOT && (int32_t)(lately->until - *view->now) > 0;
}

void member_asked(const struct member_view *view, uint16_t member)
{
    struct member_lately *lately = &view->lately[member];
    if (lately->rest == MEMBER_RESTS_SILENT)
        lately->until = *view->now + SILENT_TICKS;
}

void member_silent(const struct member_view *view, uint16_t member, tick_t since)
{
    struct member_lately *lately = &view->lately[member];
    bool heard = lately->heard_once && (int32_t)(lately->heard - since) >= 0;
    if (heard || is_resting(view, member))
        return;
    lately->rest = MEMBER_RESTS_SILENT;
    lately->until = *view->now + SILENT_TICKS;
}

void member_rests(const struct member_view *view, uint16_t member, tick_t ticks)
{
    struct member_lately *lately = &view->lately[member];
    lately->rest = MEMBER_RESTS_ASKED;
    lately->until = *view->now + ticks;
}

bool member_is_up(const struct member_view *view, uint16_t member)
{
    const struct counters_member *words = &view->members[member % view->workers][member];
    return __atomic_load_n(&words->health, __ATOMIC_RELAXED) != MEMBER_DOWN;
}

static bool is_full(const struct member_view *view, uint16_t member)
{
    uint32_t capacity = view->rules->members[member].capacity;
    return capacity != 0 && limit_held(view->limits, LIMIT_MEMBER(member)) >= capacity;
}

static bool was_tried(const struct member_choice *choice, uint16_t member)
{
    for (unsigned i = 0; i < choice->tried_count; i++) {
        if (choice->tried[i] == member)
            return true;
    }
    return false;
}

bool member_keeps(const struct member_view *view, const struct member_choice *choice, uint16_t member)
{
    if (member >= view->rules->member_count)
        return false;
    const struct snapshot_member *row = &view->rules->members[member];
    return (row->flags & SNAPSHOT_PRESENT) && !(row->flags & MEMBER_DISABLED) && row->peer == choice->peer &&
           !was_tried(choice, member) && member_is_up(view, member) && !is_full(view, member);
}

// RFC 7339 5.10.1, 6.2: a share of new requests does not go to this member. A request that comes again fares
// alike.
static bool is_held_back(const struct member_view *view, const struct member_choice *choice, uint16_t member)
{
    const struct member_lately *lately = &view->lately[member];
    if (lately->holds_back == 0 || (int32_t)(lately->holds_until - *view->now) <= 0)
        return false;
    return ((choice->call_hash + member) * 0x9e3779b97f4a7c15u >> 32) % 100 < lately->holds_back;
}

static bool is_usable(const struct member_view *view, const struct member_choice *choice, uint16_t member,
                      unsigned allow)
{
    if (view->rules->members[member].flags & (MEMBER_DRAINING | MEMBER_DISABLED))
        return false;
    if (was_tried(choice, member) || is_full(view, member) || is_held_back(view, choice, member))
        return false;
    return ((allow & ALLOW_DOWN) || member_is_up(view, member)) &&
           ((allow & ALLOW_RESTING) || !is_resting(view, member));
}

// Members of one priority, and which of them may be chosen.
struct group {
    const struct member_view *view;
    const struct member_choice *choice;
    const uint16_t *members;
    uint32_t count;
    unsigned allow;
};

static bool usable(const struct group *group, uint16_t member)
{
    return is_usable(group->view, group->choice, member, group->allow);
}

static uint16_t by_call_id(const struct group *group)
{
    const struct rules *rules = group->view->rules;
    const struct snapshot_peer *peer = &rules->peers[group->choice->peer];
    uint64_t hash = group->choice->call_hash;
    // The table is that of the best priority.
    bool has_table = group->members == rules->lists + peer->list_offset;
    for (unsigned attempt = 0; has_table && attempt < MAGLEV_ATTEMPTS; attempt++) {
        uint16_t member = rules_member(rules, group->choice->peer, hash);
        if (usable(group, member))
            return member;
        hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u + attempt;
        hash ^= hash >> 32;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        uint16_t member = group->members[((uint32_t)hash + i) % group->count];
        if (usable(group, member))
            return member;
    }
    return NUMBER_NONE;
}

// Calls by weight; of equals the one behind where the hash points, so that empty members share.
static uint16_t by_calls(const struct group *group)
{
    uint16_t best = NUMBER_NONE;
    uint64_t best_calls = 0, best_weight = 1;
    for (uint32_t i = 0; i < group->count; i++) {
        uint16_t member = group->members[((uint32_t)group->choice->call_hash + i) % group->count];
        uint64_t calls = limit_held(group->view->limits, LIMIT_MEMBER(member));
        uint64_t weight = group->view->rules->members[member].weight;
        if (!usable(group, member) || (best != NUMBER_NONE && calls * best_weight >= best_calls * weight))
            continue;
        best = member;
        best_calls = calls;
        best_weight = weight;
    }
    return best;
}

// Smooth weighted round robin: each earns its weight, the richest is chosen and pays what all have earned.
static uint16_t by_turn(const struct group *group)
{
    int32_t *credits = group->view->credits;
    uint16_t best = NUMBER_NONE;
    int32_t earned = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        uint16_t member = group->members[i];
        if (!usable(group, member))
            continue;
        int32_t weight = group->view->rules->members[member].weight;
        credits[member] += weight;
        earned += weight;
        if (best == NUMBER_NONE || credits[member] > credits[best])
            best = member;
    }
    if (best != NUMBER_NONE)
        credits[best] -= earned;
    return best;
}

static uint16_t of_group(const struct group *group)
{
    switch (group->view->rules->peers[group->choice->peer].balance) {
    case BALANCE_LEAST_CALLS:
        return by_calls(group);
    case BALANCE_WEIGHTED:
        return by_turn(group);
    default:
        return by_call_id(group);
    }
}

static uint16_t of_peer(const struct member_view *view, const struct member_choice *choice, unsigned allow)
{
    const struct rules *rules = view->rules;
    const struct snapshot_peer *peer = &rules->peers[choice->peer];
    const uint16_t *list = rules->lists + peer->list_offset;
    for (uint32_t first = 0, end; first < peer->member_count; first = end) {
        uint16_t priority = rules->members[list[first]].priority;
        for (end = first + 1; end < peer->member_count && rules->members[list[end]].priority == priority;
             end++)
            continue;
        struct group group = {view, choice, list + first, end - first, allow};
        uint16_t member = of_group(&group);
        if (member != NUMBER_NONE)
            return member;
    }
    return NUMBER_NONE;
}

// Of those that the operator has not taken out.
static bool is_all_down(const struct member_view *view, uint16_t peer)
{
    const struct snapshot_peer *row = &view->rules->peers[peer];
    for (uint32_t i = 0; i < row->member_count; i++) {
        uint16_t member = view->rules->lists[row->list_offset + i];
        if (!(view->rules->members[member].flags & (MEMBER_DRAINING | MEMBER_DISABLED)) &&
            member_is_up(view, member))
            return false;
    }
    return true;
}

uint16_t member_choose(const struct member_view *view, const struct member_choice *choice)
{
    unsigned resting = choice->again ? 0 : ALLOW_RESTING;
    uint16_t member = of_peer(view, choice, 0);
    if (member == NUMBER_NONE && resting != 0)
        member = of_peer(view, choice, resting);
    if (member != NUMBER_NONE || !(view->rules->peers[choice->peer].flags & PEER_FAIL_OPEN) ||
        !is_all_down(view, choice->peer))
        return member;
    return of_peer(view, choice, ALLOW_DOWN | resting);
}
