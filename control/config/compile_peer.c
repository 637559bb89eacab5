// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "maglev.h"

static uint64_t best_priority(const struct config_peer *peer)
{
    uint64_t best = UINT64_MAX;
    for (size_t m = 0; m < peer->member_count; m++)
        best = peer->members[m].priority < best ? peer->members[m].priority : best;
    return best;
}

uint32_t compile_best_count(const struct config_peer *peer)
{
    uint32_t count = 0;
    for (size_t m = 0; m < peer->member_count; m++)
        count += peer->members[m].priority == best_priority(peer);
    return count;
}

static int put_maglev(struct plan *plan, const struct config_peer *peer, const uint16_t *numbers,
                      uint16_t *table)
{
    struct maglev_member *members = calloc(peer->member_count + 1, sizeof(*members));
    uint32_t count = 0;
    if (!members)
        return plan_fail(plan, -ENOMEM, "no memory for the snapshot");
    for (size_t m = 0; m < peer->member_count; m++)
        if (peer->members[m].priority == best_priority(peer))
            members[count++] = (struct maglev_member){numbers[m], (uint32_t)peer->members[m].weight};
    int result = maglev_fill(table, maglev_size(count), members, count);
    free(members);
    return result < 0 ? plan_fail(plan, result, "no memory for the snapshot") : 0;
}

// Best priority first, then in the order of the file.
static void put_list(const struct config_peer *peer, const uint16_t *numbers, uint16_t *list)
{
    for (uint64_t priority = 1; priority <= PRIORITY_MAX; priority++)
        for (size_t m = 0; m < peer->member_count; m++)
            if (peer->members[m].priority == priority)
                *list++ = numbers[m];
}

// The first peer of the same group, in the order of the file: the peer itself when it names none.
static size_t first_of_group(const struct config *config, size_t peer)
{
    size_t first = peer;
    for (size_t i = peer; i-- > 0 && config->peers[peer].group[0] != '\0';)
        if (strcmp(config->peers[i].group, config->peers[peer].group) == 0)
            first = i;
    return first;
}

void plan_peer_limits(struct snapshot_peer *row, const struct config_peer_limits *limits)
{
    row->in = plan_limit(limits->calls_per_second, limits->burst, limits->concurrent_calls);
    row->out = plan_limit(limits->out_calls_per_second, limits->out_burst, limits->out_concurrent_calls);
    row->limit_reply = plan_replies[limits->reply];
    row->limit_retry_after_s = (uint16_t)plan_seconds(limits->retry_after);
}

static void put_peer_sections(struct plan *plan, const struct config_peer *peer, struct snapshot_peer *row)
{
    row->attempts = (uint16_t)peer->failover.attempts;
    row->failover_after_ms = (uint32_t)peer->failover.after;
    memcpy(row->failover_statuses, peer->failover.statuses.rows, sizeof(row->failover_statuses));
    row->probe_interval_ms = (uint32_t)peer->probe.interval;
    row->probe_timeout_ms = (uint32_t)peer->probe.timeout;
    memcpy(row->probe_accept, peer->probe.accept.rows, sizeof(row->probe_accept));
    row->probe_down_after = (uint8_t)peer->probe.down_after;
    row->probe_up_after = (uint8_t)peer->probe.up_after;
    row->probe_jitter = (uint8_t)peer->probe.jitter;
    row->probe_from = plan_text(plan, peer->probe.from);
    plan_peer_limits(row, &peer->limits);
    const struct config_peer_prefilter *own = &peer->prefilter;
    const struct config_buckets *common = &plan->config->buckets;
    row->filter_all = plan_bucket(&common->peer, own->rate, own->burst);
    row->filter_invite = plan_bucket(&common->peer_invite, own->invite_rate, own->invite_burst);
    row->filter_fragment = plan_bucket(&common->peer_fragment, own->fragment_rate, own->fragment_burst);
    row->retry_after_max_s = plan_seconds(peer->retry_after_max);
}

static uint32_t peer_flags(const struct config_peer *peer, const struct overlay *overlay)
{
    return SNAPSHOT_PRESENT | (overlay_find(overlay, peer->name, "") ? PEER_DRAINING : 0) |
           (peer->contact ? PEER_CONTACT_SOURCE : 0) | (peer->identity ? PEER_IDENTITY_REMOVE : 0) |
           (peer->refer ? PEER_REFER_REFUSE : 0) | (peer->path ? PEER_PATH : 0) |
           (peer->fail_open ? PEER_FAIL_OPEN : 0) | (peer->final_503 ? PEER_503_PASS : 0) |
           (peer->overload_control ? PEER_OVERLOAD : 0);
}

// What the operator said of a member, or of its whole peer.
static uint32_t member_flags(const struct plan *plan, const char *peer, const struct config_member *member)
{
    static const uint32_t flags[] = {
        [OVERLAY_DRAINING] = MEMBER_DRAINING, [OVERLAY_DISABLED] = MEMBER_DISABLED};
    char address[OVERLAY_ADDRESS_SIZE];
    overlay_address(&member->address, (uint16_t)member->port, address);
    const struct overlay_row *row = overlay_of_member(plan->overlay, peer, address, member->host);
    return SNAPSHOT_PRESENT | (row ? flags[row->state] : 0);
}

static struct snapshot_member member_row(const struct plan *plan, const struct config_peer *of,
                                         const struct config_member *member, uint16_t peer)
{
    return (struct snapshot_member){.flags = member_flags(plan, of->name, member),
                                    .peer = peer,
                                    .port = (uint16_t)member->port,
                                    .address = member->address,
                                    .weight = (uint16_t)member->weight,
                                    .priority = (uint16_t)member->priority,
                                    .capacity = (uint32_t)member->capacity,
                                    .rate = (uint32_t)member->calls_per_second};
}

// Members of one name follow each other, and share its text.
static void put_members(struct plan *plan, size_t number, const uint16_t *numbers)
{
    const struct config_peer *peer = &plan->config->peers[number];
    struct snapshot_member *rows = plan_section(plan, SECTION_MEMBERS);
    for (size_t m = 0; m < peer->member_count; m++) {
        const struct config_member *member = &peer->members[m];
        bool repeated = m > 0 && strcmp(member->host, peer->members[m - 1].host) == 0;
        rows[numbers[m]] = member_row(plan, peer, member, plan->peers[number]);
        rows[numbers[m]].host = repeated ? rows[numbers[m - 1]].host : plan_text(plan, member->host);
    }
}

int compile_peers(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_peer *peers = plan_section(plan, SECTION_PEERS);
    uint16_t *maglev = plan_section(plan, SECTION_MAGLEV), *lists = plan_section(plan, SECTION_LISTS);
    const uint16_t *numbers = plan->members;
    uint32_t offset = 0, list = 0;
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        struct snapshot_peer *row = &peers[plan->peers[i]];
        memcpy(row->name, peer->name, sizeof(row->name));
        row->flags = peer_flags(peer, plan->overlay);
        for (size_t l = 0; l < PEER_LISTENERS_MAX; l++)
            row->listeners[l] =
                l < peer->listener.count
                    ? (uint16_t)(model_listener(config, peer->listener.rows[l]) - config->listeners)
                    : NUMBER_NONE;
        row->balance = (uint16_t)peer->balance;
        row->maglev_offset = offset;
        row->maglev_count = maglev_size(compile_best_count(peer));
        row->member_count = (uint32_t)peer->member_count;
        row->list_offset = list;
        row->group = plan->peers[first_of_group(config, i)];
        put_peer_sections(plan, peer, row);
        put_members(plan, i, numbers);
        put_list(peer, numbers, lists + list);
        int result = put_maglev(plan, peer, numbers, maglev + offset);
        if (result < 0)
            return result;
        offset += row->maglev_count;
        list += row->member_count;
        numbers += peer->member_count;
    }
    return 0;
}
