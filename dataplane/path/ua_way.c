// SPDX-License-Identifier: BSD-3-Clause
// Which way a request of an application's goes that is outside a dialog: the peer and its member.
#include "ua_way.h"
#include <errno.h>
#include "worker_core.h"

// The peer: the command's, or that of the first route from the application which fits.
static int find_peer(struct worker *worker, struct placed *placed)
{
    const struct rules *rules = worker->rules;
    placed->peer = placed->command->fixed->to_peer;
    if (placed->peer == NUMBER_NONE) {
        const struct work work = {.packet = &placed->packet, .message = &worker->kept};
        placed->route = match_route(worker, &work);
        if (placed->route == NULL || placed->route->action != ROUTE_TO_PEER)
            return -ENETUNREACH;
        placed->peer = placed->route->to;
    }
    bool known = placed->peer < rules->peer_count && (rules->peers[placed->peer].flags & SNAPSHOT_PRESENT);
    return known && !rules_is_application(rules, placed->peer) ? 0 : -ENETUNREACH;
}

static uint16_t next_member(struct worker *worker, const struct placed *placed,
                            const struct member_choice *choice)
{
    uint16_t wanted = placed->command->fixed->to_member;
    if (wanted == NUMBER_NONE)
        return member_choose(&worker->view, choice);
    if (wanted >= worker->rules->member_count || choice->tried_count > 0)
        return NUMBER_NONE;
    const struct snapshot_member *row = &worker->rules->members[wanted];
    bool usable = (row->flags & SNAPSHOT_PRESENT) && !(row->flags & MEMBER_DISABLED);
    return usable && row->peer == placed->peer ? wanted : NUMBER_NONE;
}

static void count_refusal(struct worker *worker, const struct placed *placed, enum counter counter)
{
    count(worker, counter);
    count_word(&worker->parts.peers[placed->packet.peer].refused_in_total, 1);
    count_word(&worker->parts.peers[placed->peer].refused_out_total, 1);
}

// A member that can be reached, and for a call its place within the limits. A member's own limit sends it to
// the next one.
static int find_member(struct worker *worker, struct placed *placed)
{
    struct member_choice choice = {.peer = placed->peer, .call_hash = placed->packet.call_hash};
    struct refusal refusal = {.counter = COUNTER_COUNT};
    while ((placed->member = next_member(worker, placed, &choice)) != NUMBER_NONE) {
        const struct call_parties call = {placed->packet.peer, placed->peer, placed->member};
        placed->to = target_of_member(worker, placed->member);
        bool routed = tx_is_routed(worker, placed->to);
        if (routed && (!placed->invite || calls_take(worker, &call, &refusal))) {
            member_asked(&worker->view, placed->member);
            return 0;
        }
        if ((routed && refusal.counter != COUNTER_LIMIT_MEMBER) || choice.tried_count == MEMBER_TRIED_MAX)
            break;
        member_tried(&choice, placed->member);
    }
    if (refusal.counter == COUNTER_COUNT)
        return -ENETUNREACH;
    count_refusal(worker, placed, refusal.counter);
    return -EBUSY;
}

int ua_way_find(struct worker *worker, struct placed *placed)
{
    bool node = (worker->rules->settings->flags & SETTINGS_DRAINING) != 0;
    int result = find_peer(worker, placed);
    if (result != 0)
        return result;
    if (node || (worker->rules->peers[placed->packet.peer].flags & PEER_DRAINING)) {
        count(worker, node ? COUNTER_DRAINED_NODE : COUNTER_DRAINED_PEER);
        return -EBUSY;
    }
    return find_member(worker, placed);
}
