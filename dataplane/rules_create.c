// SPDX-License-Identifier: BSD-3-Clause
// A snapshot is untrusted until each number in it was compared with its bound; afterwards workers index
// without a check.
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dialgate/counters.h"
#include "message.h"
#include "rules.h"
#include "rules_ports.h"
#include "rules_source.h"
#include "write.h"

#define RECORDS_MAX (1u << 26) // the table has 27 bits for an index

struct check {
    const struct rules *rules;
    char *error;
    size_t size;
};

static bool refuse(const struct check *check, const char *what, uint32_t index)
{
    snprintf(check->error, check->size, "snapshot: %s (row %u)", what, index);
    return false;
}

static bool named(const char name[NAME_SIZE])
{
    return name[0] != '\0' && memchr(name, '\0', NAME_SIZE) != NULL;
}

static bool is_at(const struct ip_address *a, uint16_t a_port, const struct ip_address *b, uint16_t b_port)
{
    return a_port == b_port && ip_equal(a, b);
}

static bool is_host(const struct ip_address *address)
{
    return ip_is_set(address) && !(ip_is_ipv4(address) && ip_ipv4(address) == 0);
}

// What names one names not the other.
static bool is_same_place(const struct snapshot_listener *a, const struct snapshot_listener *b)
{
    return is_at(&a->address, a->port, &b->advertised, b->advertised_port) ||
           is_at(&a->advertised, a->advertised_port, &b->address, b->port) ||
           is_at(&a->advertised, a->advertised_port, &b->advertised, b->advertised_port);
}

static bool deal_ports(const struct check *check, struct rules_ports *ports)
{
    int refused = rules_ports_deal(ports, check->rules->networks, check->rules->network_count);
    return refused < 0 ||
           refuse(check, "network that another one's port cannot have, too", (uint32_t)refused);
}

static bool check_networks(const struct check *check)
{
    const struct rules *rules = check->rules;
    for (uint32_t i = 0; i < rules->network_count; i++) {
        const struct snapshot_network *network = &rules->networks[i];
        if (!named(network->name) || !named(network->interface))
            return refuse(check, "network without a name", i);
        if (network->vlan > VLAN_MAX || network->outer_vlan > VLAN_MAX)
            return refuse(check, "network with a tag out of range", i);
        if (!rules_ports_fits(network))
            return refuse(check, "network whose devices or flags do not fit", i);
        if (network->attach > ATTACH_PCI || network->queues == 0 || network->queues > 64 ||
            (network->attach == ATTACH_PCI && (!named(network->device) || network->host_rate == 0)))
            return refuse(check, "network out of range", i);
    }
    for (uint32_t i = 0; i < rules->listener_count; i++) {
        const struct snapshot_listener *listener = &rules->listeners[i];
        if (!named(listener->name) || listener->network >= rules->network_count || listener->port == 0 ||
            listener->advertised_port == 0 || !is_host(&listener->address) || !is_host(&listener->advertised))
            return refuse(check, "listener out of range", i);
        for (uint32_t k = 0; k < i; k++) { // i is at most LISTENERS_MAX
            if (is_same_place(listener, &rules->listeners[k]))
                return refuse(check, "listener advertised as another", i);
        }
    }
    return true;
}

static bool is_member_of(const struct rules *rules, uint16_t member, uint32_t peer)
{
    return member < rules->member_count && (rules->members[member].flags & SNAPSHOT_PRESENT) &&
           rules->members[member].peer == peer;
}

// Whoever walks the list stops at the end of a priority: it must not come back.
static bool check_list(const struct check *check, uint32_t peer)
{
    const struct rules *rules = check->rules;
    const struct snapshot_peer *row = &rules->peers[peer];
    uint16_t priority = 0;
    if (row->list_offset > rules->list_count || row->member_count > rules->list_count - row->list_offset ||
        (row->member_count == 0) != (row->maglev_count == 0))
        return false;
    for (uint32_t i = 0; i < row->member_count; i++) {
        uint16_t member = rules->lists[row->list_offset + i];
        if (!is_member_of(rules, member, peer) || rules->members[member].priority < priority)
            return false;
        priority = rules->members[member].priority;
    }
    return true;
}

// A text begins in its section, which ends with a NUL.
static bool is_text(const struct rules *rules, uint32_t offset)
{
    return offset == 0 || offset < rules->text_size;
}

static bool is_reply(uint16_t status)
{
    return status == 503 || status == 486 || status == 480;
}

static bool check_peer_settings(const struct check *check, uint32_t peer)
{
    const struct snapshot_peer *row = &check->rules->peers[peer];
    if (row->attempts == 0 || row->attempts > 8 || row->failover_after_ms > 600000 ||
        !is_reply(row->limit_reply))
        return refuse(check, "peer's fail-over or limits out of range", peer);
    if (row->probe_interval_ms != 0 &&
        (row->probe_interval_ms < 100 || row->probe_timeout_ms == 0 || row->probe_timeout_ms > 600000 ||
         row->probe_down_after == 0 || row->probe_up_after == 0 || row->probe_jitter > 50 ||
         !is_text(check->rules, row->probe_from)))
        return refuse(check, "peer's probe out of range", peer);
    return true;
}

// At least one, none twice, and nothing behind the last.
static bool are_listeners(const struct rules *rules, const struct snapshot_peer *peer)
{
    bool ended = false;
    for (uint32_t i = 0; i < PEER_LISTENERS_MAX; i++) {
        uint16_t listener = peer->listeners[i];
        ended = ended || (listener == NUMBER_NONE && i > 0);
        if (ended ? listener != NUMBER_NONE : listener >= rules->listener_count)
            return false;
        for (uint32_t k = 0; k < i && !ended; k++) {
            if (peer->listeners[k] == listener)
                return false;
        }
    }
    return true;
}

// No packet comes from it or goes to it: no address may be its own, and nobody may share its group.
static bool check_application(const struct check *check, uint32_t peer)
{
    const struct rules *rules = check->rules;
    const struct snapshot_peer *row = &rules->peers[peer];
    const uint32_t flags = SNAPSHOT_PRESENT | PEER_APPLICATION | PEER_DRAINING;
    if ((row->flags & ~flags) != 0 || row->member_count != 0 || row->probe_interval_ms != 0)
        return refuse(check, "application with what only peers have", peer);
    for (uint32_t i = 0; i < rules->peer_count; i++) {
        if ((rules->peers[i].flags & SNAPSHOT_PRESENT) && (rules->peers[i].group == peer) != (i == peer))
            return refuse(check, "application in a group", peer);
    }
    if (row->session_minimum_s < SESSION_MINIMUM_S || row->session_minimum_s > SESSION_MAXIMUM_S ||
        row->session_expires_s > SESSION_MAXIMUM_S ||
        (row->session_expires_s != 0 && row->session_expires_s < row->session_minimum_s) ||
        row->session_refresher > REFRESH_BY_REMOTE || row->reliable > RELIABLE_REQUIRED)
        return refuse(check, "application's session timer or 100rel out of range", peer);
    if ((row->flags & SNAPSHOT_PRESENT) && rules->settings->usages_capacity == 0)
        return refuse(check, "application without room for its calls", peer);
    return true;
}

static bool check_peers(const struct check *check)
{
    const struct rules *rules = check->rules;
    uint64_t entries = 0, listed = 0;
    for (uint32_t i = 0; i < rules->peer_count; i++) {
        const struct snapshot_peer *peer = &rules->peers[i];
        if (!(peer->flags & (SNAPSHOT_PRESENT | PEER_APPLICATION)))
            continue;
        entries += peer->maglev_count; // each is looked at once, however many peers say that it is theirs
        if (!named(peer->name) || !are_listeners(rules, peer) || peer->balance > BALANCE_WEIGHTED ||
            peer->group >= rules->peer_count)
            return refuse(check, "peer out of range", i);
        if (peer->maglev_offset > rules->maglev_count ||
            peer->maglev_count > rules->maglev_count - peer->maglev_offset || entries > rules->maglev_count)
            return refuse(check, "peer's table out of range", i);
        for (uint32_t k = 0; k < peer->maglev_count; k++) {
            uint16_t member = rules->maglev[peer->maglev_offset + k];
            if (!is_member_of(rules, member, i))
                return refuse(check, "peer's table names a foreign member", i);
        }
        listed += peer->member_count;
        if (!check_list(check, i) || listed > rules->list_count)
            return refuse(check, "peer's list of members out of range", i);
        if (!check_peer_settings(check, i) ||
            (rules_is_application(rules, (uint16_t)i) && !check_application(check, i)))
            return false;
    }
    for (uint32_t i = 0; i < rules->member_count; i++) {
        const struct snapshot_member *member = &rules->members[i];
        if (!(member->flags & SNAPSHOT_PRESENT))
            continue;
        if (member->peer >= rules->peer_count || !(rules->peers[member->peer].flags & SNAPSHOT_PRESENT) ||
            rules_is_application(rules, member->peer) || member->port == 0 || !is_host(&member->address) ||
            member->weight == 0 || member->weight > 100 || member->priority == 0 || member->priority > 16 ||
            !is_text(rules, member->host))
            return refuse(check, "member out of range", i);
    }
    return true;
}

// Octets and bits beyond the length are zero.
static bool is_prefix(const struct snapshot_source *source)
{
    uint8_t beyond = 0;
    if (source->length % 8 != 0)
        beyond = (uint8_t)(source->address.octets[source->length / 8] << source->length % 8);
    for (uint32_t i = (source->length + 7u) / 8; i < sizeof(source->address.octets); i++)
        beyond |= source->address.octets[i];
    return beyond == 0;
}

static bool is_end(const struct rules *rules, const struct snapshot_route *route)
{
    switch (route->action) {
    case ROUTE_ANSWER:
        return route->answer >= 200 && route->answer <= 699;
    case ROUTE_REDIRECT:
        return route->redirect != 0;
    case ROUTE_TO_PEER: // whose members may all be hosts without an address yet: 503
        return route->to < rules->peer_count && (rules->peers[route->to].flags & SNAPSHOT_PRESENT);
    default:
        return false;
    }
}

static bool are_route_texts(const struct rules *rules, const struct snapshot_route *route)
{
    const uint32_t offsets[] = {route->uri_user, route->uri_host, route->to_user,
                                route->to_host,  route->header,   route->header_value,
                                route->prepend,  route->set_host, route->redirect};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        if (!is_text(rules, offsets[i]))
            return false;
    }
    return true;
}

static bool check_routes(const struct check *check)
{
    const struct rules *rules = check->rules;
    for (uint32_t i = 0; i < rules->source_count; i++) {
        const struct snapshot_source *source = &rules->sources[i];
        if (source->peer >= rules->peer_count || !(rules->peers[source->peer].flags & SNAPSHOT_PRESENT) ||
            rules_is_application(rules, source->peer) || source->length > 128 || !is_prefix(source))
            return refuse(check, "source out of range", i);
    }
    for (uint32_t i = 0; i < rules->route_count; i++) {
        const struct snapshot_route *route = &rules->routes[i];
        bool from_known =
            route->from == ROUTE_FROM_ANY_PEER ||
            (route->from < rules->peer_count && (rules->peers[route->from].flags & SNAPSHOT_PRESENT));
        if (!from_known || !is_end(rules, route) || !are_route_texts(rules, route) ||
            (route->listener != NUMBER_NONE && route->listener >= rules->listener_count) ||
            (route->method >= METHOD_COUNT && route->method != ROUTE_METHOD_ANY) || route->to_us > 1)
            return refuse(check, "route out of range", i);
    }
    return true;
}

static bool check_bans(const struct check *check)
{
    const struct rules *rules = check->rules;
    const struct snapshot_bans *bans = &rules->settings->bans;
    bool any = false;
    for (uint32_t i = 0; i < BAN_RULE_COUNT; i++) {
        const struct snapshot_ban_rule *rule = &bans->rules[i];
        any |= rule->action != BAN_OFF;
        if (rule->action > BAN_ON ||
            (rule->action != BAN_OFF && (rule->count == 0 || rule->count > UINT16_MAX)))
            return refuse(check, "rule for bans out of range", i);
    }
    if (any && (bans->within_ms == 0 || bans->within_ms > 3600000 || bans->lifetime_ms == 0 ||
                bans->lifetime_max_ms < bans->lifetime_ms || bans->lifetime_max_ms > (uint64_t)30 * 86400000))
        return refuse(check, "lifetimes of bans out of range", 0);
    for (uint32_t i = 0; i < rules->allowed_count; i++) {
        if (rules->allowed[i].length > 128)
            return refuse(check, "allowed prefix out of range", i);
    }
    for (uint32_t i = 0; i < rules->scanner_count; i++) {
        const char *word = rules->scanners[i].word;
        if (word[0] == '\0' || memchr(word, '\0', SCANNER_SIZE) == NULL)
            return refuse(check, "scanner's word out of range", i);
    }
    return true;
}

static bool check_settings(const struct check *check)
{
    const struct snapshot_settings *s = check->rules->settings;
    if (s->workers == 0 || s->workers > WORKERS_MAX || s->idle > IDLE_SPIN ||
        s->prefilter.mode > PREFILTER_ENFORCE || s->prefilter.unavailable > PREFILTER_SOFTWARE ||
        s->prefilter.source_bits > 128)
        return refuse(check, "workers or modes out of range", 0);
    if (s->dialogs_capacity == 0 || s->dialogs_capacity > RECORDS_MAX || s->transactions_capacity == 0 ||
        s->transactions_capacity > RECORDS_MAX || s->arena_octets < (4u << 20) ||
        s->arena_octets > ((uint64_t)64 << 30))
        return refuse(check, "capacities out of range", 0);
    if (s->usages_capacity > RECORDS_MAX)
        return refuse(check, "applications' capacity out of range", 0);
    if (s->timer_t1_ms == 0 || s->timer_t1_ms > 60000 || s->timer_t2_ms < s->timer_t1_ms ||
        s->timer_t2_ms > 600000 || s->timer_t4_ms == 0 || s->timer_t4_ms > 600000 || s->timer_b_ms == 0 ||
        s->timer_b_ms > 3600000 || s->timer_c_ms == 0 || s->timer_c_ms > 86400000)
        return refuse(check, "timers out of range", 0);
    if (s->early_life_ms == 0 || s->dialog_life_ms == 0 || s->dialog_life_ms > (uint64_t)30 * 86400000 ||
        memchr(s->server_header, '\0', NAME_SIZE) == NULL)
        return refuse(check, "lifetimes out of range", 0);
    if (!is_reply(s->limit_reply) || s->overload.transactions == 0 || s->overload.transactions > 100 ||
        s->overload.mbufs == 0 || s->overload.mbufs > 100 || s->overload.turn_us == 0)
        return refuse(check, "limits or overload out of range", 0);
    if (s->large_mbufs > LARGE_MBUFS_MAX)
        return refuse(check, "large_mbufs out of range", 0);
    if (s->keepalive_ms > 3600000 || (s->keepalive_ms != 0 && s->keepalive_ms < 1000))
        return refuse(check, "keepalive out of range", 0);
    if (s->in_dialog > IN_DIALOG_ANY_PEER || s->session_end > SESSION_END_BYE)
        return refuse(check, "dialog choices out of range", 0);
    if (memchr(s->dialogs_directory, '\0', SNAPSHOT_PATH_SIZE) == NULL ||
        (s->dialogs_directory[0] != '\0' && s->dialogs_directory[0] != '/'))
        return refuse(check, "directory of the dialogs' files is no absolute path", 0);
    return true;
}

// Section sizes and most rows of each. The order is enum snapshot_section.
static const struct {
    uint32_t size;
    uint32_t most;
} section_rows[SECTION_COUNT] = {
    {sizeof(struct snapshot_network), NETWORKS_MAX},
    {sizeof(struct snapshot_listener), LISTENERS_MAX},
    {sizeof(struct snapshot_peer), PEERS_MAX},
    {sizeof(struct snapshot_member), MEMBERS_MAX},
    {sizeof(struct snapshot_source), SOURCES_MAX},
    {sizeof(struct snapshot_route), ROUTES_MAX},
    {sizeof(uint16_t), SNAPSHOT_SIZE_MAX / 2},
    {sizeof(struct snapshot_deny), SOURCES_MAX},
    {sizeof(uint16_t), MEMBERS_MAX},
    {1, SNAPSHOT_SIZE_MAX},
    {sizeof(struct snapshot_deny), ALLOWED_MAX},
    {sizeof(struct snapshot_scanner), SCANNERS_MAX},
};

static bool check_sections(const struct snapshot_header *header, size_t size, struct check *check)
{
    if (header->magic != SNAPSHOT_MAGIC || header->version != SNAPSHOT_VERSION || header->size != size)
        return refuse(check, "not a snapshot of this version", 0);
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        const struct snapshot_range *range = &header->sections[i];
        if (range->offset % 8 != 0 || range->offset < sizeof(*header) || range->offset > size ||
            range->count > section_rows[i].most ||
            range->count > (size - range->offset) / section_rows[i].size)
            return refuse(check, "section outside the image", i);
    }
    return true;
}

static const void *section(const struct snapshot_header *header, enum snapshot_section which, uint32_t *count)
{
    *count = header->sections[which].count;
    return (const uint8_t *)header + header->sections[which].offset;
}

static bool is_ipv4(const struct snapshot_source *source)
{
    return source->length >= IP_MAPPED_BITS && ip_is_ipv4(&source->address);
}

static int index_sources(struct rules *rules)
{
    uint32_t slots = 16;
    while (slots < rules->source_count * 2)
        slots *= 2;
    rules->source_slots = calloc(slots, sizeof(*rules->source_slots));
    if (rules->source_slots == NULL)
        return -ENOMEM;
    rules->source_mask = slots - 1;
    bool used[2][129] = {0};
    for (uint32_t i = 0; i < rules->source_count; i++) {
        const struct snapshot_source *source = &rules->sources[i];
        uint32_t *slot = source_slot(rules, &source->address, source->length);
        if (*slot != 0)
            return -EEXIST;
        *slot = i + 1;
        used[is_ipv4(source)][source->length] = true;
    }
    for (int length = 128; length >= 0; length--) {
        for (unsigned family = 0; family < 2; family++) {
            struct rules_lengths *lengths = &rules->source_lengths[family];
            if (used[family][length])
                lengths->lengths[lengths->count++] = (uint8_t)length;
        }
    }
    return 0;
}

static void write_listeners(struct rules *rules)
{
    for (uint32_t i = 0; i < rules->listener_count; i++) { // at most LISTENERS_MAX
        const struct snapshot_listener *listener = &rules->listeners[i];
        struct listener_text *text = &rules->listener_texts[i];
        struct writer writer;
        writer_init(&writer, text->octets, sizeof(text->octets));
        write_ip_host(&writer, &listener->advertised);
        write_text(&writer, ":");
        write_number(&writer, listener->advertised_port);
        text->length = (uint8_t)writer.used; // an address of IPv6 takes at most 47 octets
    }
}

struct rules *rules_create(const void *image, size_t size, char *error, size_t error_size)
{
    static atomic_ullong made;
    struct rules *rules = NULL;
    if (size < sizeof(struct snapshot_header) || size > SNAPSHOT_SIZE_MAX) {
        snprintf(error, error_size, "snapshot: %zu octets is no size for one", size);
        return NULL;
    }
    void *copy = malloc(size);
    rules = calloc(1, sizeof(*rules));
    if (copy == NULL || rules == NULL)
        goto memory;
    memcpy(copy, image, size); // checked after the copy: the sender cannot change it any more
    const struct snapshot_header *header = copy;
    struct check check = {.rules = rules, .error = error, .size = error_size};
    rules->image = header;
    rules->serial = atomic_fetch_add(&made, 1) + 1;
    if (!check_sections(header, size, &check))
        goto refused;
    rules->settings = &header->settings;
    rules->networks = section(header, SECTION_NETWORKS, &rules->network_count);
    rules->listeners = section(header, SECTION_LISTENERS, &rules->listener_count);
    rules->peers = section(header, SECTION_PEERS, &rules->peer_count);
    rules->members = section(header, SECTION_MEMBERS, &rules->member_count);
    rules->sources = section(header, SECTION_SOURCES, &rules->source_count);
    rules->routes = section(header, SECTION_ROUTES, &rules->route_count);
    rules->maglev = section(header, SECTION_MAGLEV, &rules->maglev_count);
    rules->lists = section(header, SECTION_LISTS, &rules->list_count);
    rules->texts = section(header, SECTION_TEXTS, &rules->text_size);
    rules->allowed = section(header, SECTION_ALLOW, &rules->allowed_count);
    rules->scanners = section(header, SECTION_SCANNERS, &rules->scanner_count);
    if (rules->text_size == 0 || rules->texts[rules->text_size - 1] != '\0') {
        refuse(&check, "texts without an end", 0);
        goto refused;
    }
    if (!check_settings(&check) || !check_networks(&check) || !deal_ports(&check, &rules->ports) ||
        !check_peers(&check) || !check_routes(&check) || !check_bans(&check))
        goto refused;
    write_listeners(rules);
    route_index_fill(&rules->route_index, rules->routes, rules->route_count, rules->texts);
    int result = index_sources(rules);
    if (result == 0)
        return rules;
    if (result == -ENOMEM)
        goto memory;
    snprintf(error, error_size, "snapshot: two sources with one prefix");
    goto refused;
memory:
    snprintf(error, error_size, "snapshot: no memory for %zu octets", size);
refused:
    if (rules != NULL)
        free(rules->source_slots);
    free(copy);
    free(rules);
    return NULL;
}

void rules_destroy(struct rules *rules)
{
    if (rules == NULL)
        return;
    free(rules->source_slots);
    free((void *)(uintptr_t)rules->image);
    free(rules);
}
