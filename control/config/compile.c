// SPDX-License-Identifier: BSD-3-Clause
// From struct config to the image of dialgate/snapshot.h. The plan counts every section first, so that the
// image is allocated once and each section is filled where it will stay.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "application.h"
#include "compile.h"
#include "config.h"
#include "maglev.h"
#include "model.h"

static const uint32_t element_sizes[SECTION_COUNT] = {
    [SECTION_NETWORKS] = sizeof(struct snapshot_network),
    [SECTION_LISTENERS] = sizeof(struct snapshot_listener),
    [SECTION_PEERS] = sizeof(struct snapshot_peer),
    [SECTION_MEMBERS] = sizeof(struct snapshot_member),
    [SECTION_SOURCES] = sizeof(struct snapshot_source),
    [SECTION_ROUTES] = sizeof(struct snapshot_route),
    [SECTION_MAGLEV] = sizeof(uint16_t),
    [SECTION_DENY] = sizeof(struct snapshot_deny),
    [SECTION_LISTS] = sizeof(uint16_t),
    [SECTION_TEXTS] = 1,
    [SECTION_ALLOW] = sizeof(struct snapshot_deny),
    [SECTION_SCANNERS] = sizeof(struct snapshot_scanner),
};

const uint16_t plan_replies[] = {503, 486, 480}; // in the order of choices_reply

int plan_fail(struct plan *plan, int reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (plan->error_size)
        vsnprintf(plan->error, plan->error_size, format, arguments);
    va_end(arguments);
    return reason;
}

void *plan_section(const struct plan *plan, enum snapshot_section which)
{
    return (char *)plan->image + plan->image->sections[which].offset;
}

uint32_t plan_text(struct plan *plan, const char *text)
{
    char *texts = plan_section(plan, SECTION_TEXTS);
    uint32_t offset = plan->text_used;
    size_t length = strlen(text);
    if (length == 0)
        return 0;
    memcpy(texts + offset, text, length + 1);
    plan->text_used += (uint32_t)length + 1;
    return offset;
}

uint32_t plan_seconds(uint64_t ms)
{
    return (uint32_t)((ms + 999) / 1000);
}

struct call_limit plan_limit(uint64_t rate, uint64_t burst, uint64_t concurrent)
{
    return (struct call_limit){(uint32_t)rate, (uint32_t)(burst ? burst : rate), (uint32_t)concurrent};
}

struct bucket_limit plan_bucket(const struct config_bucket *common, uint64_t rate, uint64_t burst)
{
    struct bucket_limit limit = {(uint32_t)common->rate, (uint32_t)common->burst};
    if (rate)
        limit = (struct bucket_limit){(uint32_t)rate, (uint32_t)rate * 2};
    if (burst)
        limit.burst = (uint32_t)burst;
    return limit;
}

uint16_t plan_number(const struct plan *plan, const char *name)
{
    const struct config_peer *peer = model_peer(plan->config, name);
    const struct config_application *application = model_application(plan->config, name);
    if (peer)
        return plan->peers[peer - plan->config->peers];
    return application
               ? plan->peers[plan->config->peer_count + (size_t)(application - plan->config->applications)]
               : NUMBER_NONE;
}

static void count_number(struct plan *plan, enum snapshot_section which, int number)
{
    if ((uint32_t)number >= plan->counts[which])
        plan->counts[which] = (uint32_t)number + 1;
}

static int number_applications(struct plan *plan)
{
    const struct config *config = plan->config;
    for (size_t i = 0; i < config->application_count; i++) {
        int number = manifest_application_number(plan->manifest, config->applications[i].name);
        if (number < 0)
            return plan_fail(plan, number,
                             "application %s gets no number: %s; give at most %u with the peers",
                             config->applications[i].name, strerror(-number), PEERS_MAX);
        plan->peers[config->peer_count + i] = (uint16_t)number;
    }
    // Those that left the configuration, too.
    for (int number = 0; number < (int)PEERS_MAX; number++)
        if (manifest_is_application(plan->manifest, (uint32_t)number))
            count_number(plan, SECTION_PEERS, number);
    return 0;
}

// Known names before new ones, so that a new one never takes the number of one that is still wanted.
static int number_peers(struct plan *plan)
{
    const struct config *config = plan->config;
    manifest_begin(plan->manifest);
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        if (manifest_find_peer(plan->manifest, peer->name) < 0)
            continue;
        for (size_t m = 0; m < peer->member_count; m++)
            manifest_find_member(plan->manifest, peer->name, &peer->members[m].address,
                                 (uint16_t)peer->members[m].port);
    }
    for (size_t i = 0; i < config->application_count; i++)
        manifest_find_application(plan->manifest, config->applications[i].name);
    size_t next = 0;
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        int number = manifest_peer_number(plan->manifest, peer->name);
        if (number < 0)
            return plan_fail(plan, number, "peer %s gets no number: %s; give at most %u peers", peer->name,
                             strerror(-number), PEERS_MAX);
        plan->peers[i] = (uint16_t)number;
        count_number(plan, SECTION_PEERS, number);
        for (size_t m = 0; m < peer->member_count; m++) {
            number = manifest_member_number(plan->manifest, peer->name, &peer->members[m].address,
                                            (uint16_t)peer->members[m].port);
            if (number < 0)
                return plan_fail(plan, number,
                                 "member %zu of peer %s gets no number: %s; give at most %u members", m,
                                 peer->name, strerror(-number), MEMBERS_MAX);
            plan->members[next++] = (uint16_t)number;
            count_number(plan, SECTION_MEMBERS, number);
        }
        plan->counts[SECTION_MAGLEV] += maglev_size(compile_best_count(peer));
    }
    return number_applications(plan);
}

// Longest first, then by address. `reserved` tells a member's own address (1) from what stands under sources
// (0): of the same prefix the latter wins.
static int compare_sources(const void *left, const void *right)
{
    const struct snapshot_source *a = left, *b = right;
    int order = (int)b->length - (int)a->length;
    if (order == 0)
        order = memcmp(&a->address, &b->address, sizeof(a->address));
    return order ? order : (int)a->reserved - (int)b->reserved;
}

static void collect_sources(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_source *sources = plan->sources;
    uint32_t count = 0, kept = 0;
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        for (size_t s = 0; s < peer->sources.count; s++)
            sources[count++] = (struct snapshot_source){peer->sources.rows[s].address,
                                                        peer->sources.rows[s].length, plan->peers[i], 0};
        for (size_t m = 0; m < peer->member_count; m++)
            sources[count++] = (struct snapshot_source){peer->members[m].address, 128, plan->peers[i], 1};
    }
    qsort(sources, count, sizeof(*sources), compare_sources);
    for (uint32_t i = 0; i < count; i++) {
        bool repeated =
            kept > 0 && sources[kept - 1].length == sources[i].length &&
            memcmp(&sources[kept - 1].address, &sources[i].address, sizeof(struct ip_address)) == 0;
        if (!repeated)
            sources[kept++] = sources[i];
    }
    for (uint32_t i = 0; i < kept; i++)
        sources[i].reserved = 0;
    plan->counts[SECTION_SOURCES] = kept;
}

// Octets of the names of members with their NULs, each as often as it stands there.
static size_t host_octets(const struct config *config)
{
    size_t octets = 0;
    for (size_t i = 0; i < config->peer_count; i++)
        for (size_t m = 0; m < config->peers[i].member_count; m++)
            if (config->peers[i].members[m].host[0])
                octets += strlen(config->peers[i].members[m].host) + 1;
    return octets;
}

static int make_plan(struct plan *plan)
{
    const struct config *config = plan->config;
    size_t sources = 0;
    for (size_t i = 0; i < config->peer_count; i++) {
        plan->member_count += config->peers[i].member_count;
        sources += config->peers[i].member_count + config->peers[i].sources.count;
    }
    plan->peers = calloc(config->peer_count + config->application_count + 1, sizeof(*plan->peers));
    plan->members = calloc(plan->member_count + 1, sizeof(*plan->members));
    plan->sources = calloc(sources + 1, sizeof(*plan->sources));
    if (!plan->peers || !plan->members || !plan->sources)
        return plan_fail(plan, -ENOMEM, "no memory for the snapshot");
    int result = number_peers(plan);
    if (result < 0)
        return result;
    collect_sources(plan);
    plan->counts[SECTION_NETWORKS] = (uint32_t)config->network_count;
    plan->counts[SECTION_LISTENERS] = (uint32_t)config->listener_count;
    plan->counts[SECTION_ROUTES] = (uint32_t)config->route_count;
    plan->counts[SECTION_DENY] = (uint32_t)config->prefilter.deny.count;
    plan->counts[SECTION_LISTS] = (uint32_t)plan->member_count;
    plan->counts[SECTION_ALLOW] = (uint32_t)config->bans.allow.count;
    plan->counts[SECTION_SCANNERS] = (uint32_t)config->bans.scanners.count;
    // Each text at its longest: nobody counts them twice.
    plan->counts[SECTION_TEXTS] =
        (uint32_t)(1 + (config->peer_count + config->route_count * ROUTE_TEXTS) * KEY_TEXT_SIZE +
                   host_octets(config));
    return 0;
}

static int make_image(struct plan *plan, uint64_t sequence)
{
    struct snapshot_range ranges[SECTION_COUNT];
    size_t size = sizeof(struct snapshot_header);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        ranges[i] = (struct snapshot_range){(uint32_t)size, plan->counts[i]};
        size += ((size_t)plan->counts[i] * element_sizes[i] + 7) & ~(size_t)7;
    }
    if (size > SNAPSHOT_SIZE_MAX)
        return plan_fail(plan, -EFBIG, "the snapshot would have %zu octets; give fewer peers or members",
                         size);
    plan->image = calloc(1, size);
    if (!plan->image)
        return plan_fail(plan, -ENOMEM, "no memory for the snapshot");
    plan->image->magic = SNAPSHOT_MAGIC;
    plan->image->version = SNAPSHOT_VERSION;
    plan->image->size = (uint32_t)size;
    plan->image->sequence = sequence;
    plan->text_used = 1;
    memcpy(plan->image->sections, ranges, sizeof(ranges));
    return 0;
}

static void put_listeners(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_network *networks = plan_section(plan, SECTION_NETWORKS);
    for (size_t i = 0; i < config->network_count; i++)
        config_network_at(config, i, &networks[i]);
    struct snapshot_listener *listeners = plan_section(plan, SECTION_LISTENERS);
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        memcpy(listeners[i].name, listener->name, sizeof(listeners[i].name));
        const struct key_endpoint known = model_known_as(listener);
        listeners[i].address = listener->address;
        listeners[i].port = (uint16_t)listener->port;
        listeners[i].advertised = known.address;
        listeners[i].advertised_port = known.port;
        listeners[i].network = (uint16_t)(model_network(config, listener->network) - config->networks);
    }
}

static void put_sources(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_source *sources = plan_section(plan, SECTION_SOURCES);
    memcpy(sources, plan->sources, plan->counts[SECTION_SOURCES] * sizeof(*sources));
    struct snapshot_deny *deny = plan_section(plan, SECTION_DENY);
    for (size_t i = 0; i < config->prefilter.deny.count; i++) {
        deny[i].address = config->prefilter.deny.rows[i].address;
        deny[i].length = config->prefilter.deny.rows[i].length;
    }
}

// An application that has left the configuration may have calls, which are ended as an application's.
static uint32_t usages_of(const struct plan *plan)
{
    if (plan->config->dialogs.applications > 0)
        return (uint32_t)plan->config->dialogs.applications;
    for (uint32_t i = 0; i < plan->counts[SECTION_PEERS]; i++)
        if (manifest_is_application(plan->manifest, i))
            return APPLICATION_CALLS;
    return 0;
}

static void put_settings(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_settings *settings = &plan->image->settings;
    settings->workers = (uint32_t)config->workers.count;
    settings->idle = (uint32_t)config->workers.idle;
    settings->dialogs_capacity = (uint32_t)config->dialogs.capacity;
    settings->transactions_capacity = (uint32_t)config->transactions.capacity;
    settings->usages_capacity = usages_of(plan);
    settings->arena_octets = config->dialogs.arena;
    settings->mbufs = (uint32_t)config->memory.mbufs;
    settings->large_mbufs = (uint32_t)config->memory.large_mbufs;
    settings->memory_mb = (uint32_t)config->memory.mb;
    settings->timer_t1_ms = (uint32_t)config->timers.t1;
    settings->timer_t2_ms = (uint32_t)config->timers.t2;
    settings->timer_t4_ms = (uint32_t)config->timers.t4;
    settings->timer_b_ms = (uint32_t)config->timers.b;
    settings->timer_c_ms = (uint32_t)config->timers.c;
    settings->early_life_ms = (uint32_t)config->dialogs.early_lifetime;
    settings->dialog_life_ms = config->dialogs.lifetime;
    settings->keepalive_ms = (uint32_t)config->dialogs.keepalive;
    settings->in_dialog = (uint32_t)config->dialogs.in_dialog;
    settings->session_end = (uint32_t)config->dialogs.session_end;
    if (config->state.dialogs[0] == '/') // else "auto"
        memcpy(settings->dialogs_directory, config->state.dialogs, sizeof(config->state.dialogs));
    settings->prefilter = (struct snapshot_prefilter){
        .mode = (uint16_t)config->prefilter.mode,
        .unavailable = (uint16_t)config->prefilter.unavailable,
        .source_bits = (uint32_t)config->prefilter.source_prefix,
        .stranger = plan_bucket(&config->buckets.stranger, 0, 0),
        .stranger_invite = plan_bucket(&config->buckets.stranger_invite, 0, 0),
        .strangers = plan_bucket(&config->buckets.strangers, 0, 0),
        .strangers_fragment = plan_bucket(&config->buckets.strangers_fragment, 0, 0)};
    settings->limits =
        plan_limit(config->limits.calls_per_second, config->limits.burst, config->limits.concurrent_calls);
    settings->limit_reply = plan_replies[config->limits.reply];
    settings->limit_retry_after_s = (uint16_t)plan_seconds(config->limits.retry_after);
    const struct config_application_limits *limits = &config->application_limits;
    settings->ua_limits =
        (struct snapshot_ua_limits){.header_line = (uint32_t)limits->header_line,
                                    .body = (uint32_t)limits->body,
                                    .uri = (uint32_t)limits->uri,
                                    .call_id = (uint32_t)limits->call_id,
                                    .tag = (uint32_t)limits->tag,
                                    .replaces = (uint32_t)limits->replaces,
                                    .vias = (uint32_t)limits->vias,
                                    .routes = (uint32_t)limits->routes,
                                    .refer_to_parameters = (uint32_t)limits->refer_to_parameters,
                                    .media_lines = (uint32_t)limits->media};
    settings->overload =
        (struct snapshot_overload){.transactions = (uint16_t)config->overload.transactions,
                                   .mbufs = (uint16_t)config->overload.mbufs,
                                   .turn_us = (uint32_t)config->overload.turn * 1000,
                                   .retry_after_s = plan_seconds(config->overload.retry_after)};
    settings->flags = (overlay_find(plan->overlay, "", "") ? SETTINGS_DRAINING : 0) |
                      (config->records.file[0] != '\0' ? SETTINGS_RECORDS : 0);
}

// A memfd with the image, sealed. Returns the descriptor or -errno.
static int seal(struct plan *plan)
{
    int fd = memfd_create("dialgate-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return plan_fail(plan, -errno, "no memfd for the snapshot: %s", strerror(errno));
    const char *octets = (const char *)plan->image;
    for (size_t done = 0; done < plan->image->size;) {
        ssize_t written = write(fd, octets + done, plan->image->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            goto failed;
        done += (size_t)written;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        return fd;
failed:;
    int reason = -errno;
    close(fd);
    return plan_fail(plan, reason ? reason : -EIO, "the snapshot cannot be sealed: %s", strerror(-reason));
}

static int compile(struct plan *plan, uint64_t sequence, int *memfd, size_t *size_out)
{
    int result = make_plan(plan);
    if (result == 0)
        result = make_image(plan, sequence);
    if (result == 0)
        result = compile_peers(plan);
    if (result == 0) {
        put_listeners(plan);
        compile_applications(plan);
        compile_routes(plan);
        put_sources(plan);
        put_settings(plan);
        compile_bans(plan);
        result = seal(plan);
    }
    if (result < 0)
        return result;
    *memfd = result;
    *size_out = plan->image->size;
    return 0;
}

int config_compile(const struct compile_input *input, int *memfd, size_t *size_out, char *error, size_t size)
{
    struct config *expanded = hosts_expand(input->config, input->hosts, input->dropped, input->context);
    static const struct overlay nothing = {0};
    struct plan plan = {.config = expanded,
                        .manifest = input->manifest,
                        .overlay = input->overlay ? input->overlay : &nothing,
                        .error = error,
                        .error_size = size};
    int result = expanded ? compile(&plan, input->sequence, memfd, size_out)
                          : plan_fail(&plan, -ENOMEM, "no memory for the snapshot");
    free(plan.peers);
    free(plan.members);
    free(plan.sources);
    free(plan.image);
    hosts_free_expanded(expanded);
    return result;
}
