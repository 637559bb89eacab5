// SPDX-License-Identifier: BSD-3-Clause
// Loading in four passes: place.c (what stands where), schema.c (libcyaml: the shape), read.c (each value),
// check.c (values against each other). The first fault ends it; the error is its one line.
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"
#include "include.h"
#include "model.h"
#include "place.h"
#include "read.h"
#include "schema.h"
#include "value.h"

static int take_warnings(struct config *config, struct places *places)
{
    config->warnings = calloc(PLACE_WARNINGS_MAX, sizeof(*config->warnings));
    if (!config->warnings)
        return -ENOMEM;
    memcpy(config->warnings, places->warnings, places->warning_count * sizeof(*config->warnings));
    config->warning_count = places->warning_count;
    places->warning_count = 0;
    return 0;
}

const struct config_source *config_source(const struct config *config)
{
    return &config->source;
}

const char *config_warning_at(const struct config *config, size_t index)
{
    return index < config->warning_count ? config->warnings[index] : NULL;
}

// What was written where the environment gave the value, so that it is printed and the value is not.
static int take_written(struct config *config, const struct places *places)
{
    size_t count = 0;
    for (size_t i = 0; i < places->count; i++)
        count += places->rows[i].written != NULL;
    config->written = count ? calloc(count, sizeof(*config->written)) : NULL;
    if (count && !config->written)
        return -ENOMEM;
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->rows[i];
        if (!place->written)
            continue;
        struct written *written = &config->written[config->written_count++];
        *written = (struct written){strdup(place->path), strdup(place->written)};
        if (!written->path || !written->text)
            return -ENOMEM;
    }
    return 0;
}

static int read_places(struct places *places, struct config *config)
{
    struct schema *schema = NULL;
    struct raw *raw = NULL;
    int result = schema_load(places, &schema, &raw);
    if (result == 0)
        result = read_config(raw, schema, places, config);
    if (result == 0)
        result = check_config(config, places);
    if (result == 0)
        result = take_written(config, places);
    if (result == 0)
        result = take_warnings(config, places);
    schema_free(schema);
    return result;
}

const char *config_written(const struct config *config, const char *path)
{
    for (size_t i = 0; i < config->written_count; i++)
        if (strcmp(config->written[i].path, path) == 0)
            return config->written[i].text;
    return NULL;
}

struct input {
    const char *name;
    const char *text;
    size_t length;
    bool is_file; // may include others
};

static struct config *parse(const struct input *input, char *error, size_t size)
{
    struct places places = {.file = input->name, .error = error, .error_size = size};
    if (size)
        error[0] = '\0';
    struct config *config = calloc(1, sizeof(*config));
    int result = config ? places_read(&places, input->text, input->length) : -ENOMEM;
    if (result == 0)
        result = input->is_file ? include_files(&places) : include_refuse(&places);
    if (result == 0)
        result = read_places(&places, config);
    if (result == 0) {
        config->source = (struct config_source){.octets = places.sum.octets, .files = places.file_count};
        sha256_text(&places.sum, config->source.sha256);
    }
    places_free(&places);
    if (result == 0) {
        value_address(&config->metrics.listen.address, config->metrics_address,
                      sizeof(config->metrics_address));
        return config;
    }
    if (size && !error[0])
        snprintf(error, size, "%s:1:1: no memory", input->name);
    config_free(config);
    return NULL;
}

struct config *config_parse(const char *text, size_t length, const char *name, char *error, size_t size)
{
    const struct input input = {name, text, length, false};
    return parse(&input, error, size);
}

struct config *config_load(const char *file, char *error, size_t size)
{
    size_t length = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : include_read(fd, CONFIG_FILE_SIZE_MAX, &length);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (!text) {
        if (size)
            snprintf(error, size, "%s: cannot be read: %s; give a readable file of at most %u MiB", file,
                     strerror(reason), CONFIG_FILE_SIZE_MAX >> 20);
        return NULL;
    }
    const struct input input = {file, text, length, true};
    struct config *config = parse(&input, error, size);
    free(text);
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->peer_count; i++) {
        free(config->peers[i].sources.rows);
        free(config->peers[i].members);
    }
    for (size_t i = 0; i < config->warning_count; i++)
        free(config->warnings[i]);
    free(config->warnings);
    for (size_t i = 0; i < config->written_count; i++) {
        free(config->written[i].path);
        free(config->written[i].text);
    }
    free(config->written);
    free(config->prefilter.deny.rows);
    free(config->bans.allow.rows);
    for (size_t i = 0; i < config->application_count; i++)
        free(config->applications[i].body);
    free(config->applications);
    free(config->retries);
    free(config->networks);
    free(config->listeners);
    free(config->peers);
    free(config->routes);
    free(config);
}

static void add_difference(char *text, size_t size, const char *outer, const char *key)
{
    size_t length = size ? strlen(text) : 0;
    if (length < size)
        snprintf(text + length, size - length, "%s%s%s%s", length ? ", " : "", outer, key ? "." : "",
                 key ? key : "");
}

// What takes effect on a reload may change.
static bool is_same_until_restart(const struct config_network *a, const struct config_network *b)
{
    bool same = strcmp(a->name, b->name) == 0;
#define K(key, kind, choices, given, least, most, effect, help)                                              \
    same = same && (EFFECT_##effect != EFFECT_RESTART || memcmp(&a->key, &b->key, sizeof(a->key)) == 0);
#define L(...)
    CONFIG_NETWORK(K, L)
#undef L
#undef K
    return same;
}

static bool networks_differ(const struct config *old, const struct config *new, char *text, size_t size)
{
    bool differ = false;
    for (size_t i = 0; i < new->network_count; i++) {
        const struct config_network *network = &new->networks[i], *before = model_network(old, network->name);
        char path[NAME_SIZE + 16];
        snprintf(path, sizeof(path), "networks.%s", network->name);
        // The snapshot names networks by position.
        if (before && before == &old->networks[i] && is_same_until_restart(before, network))
            continue;
        add_difference(text, size, path, NULL);
        differ = true;
    }
    for (size_t i = 0; i < old->network_count; i++) {
        char path[NAME_SIZE + 16];
        snprintf(path, sizeof(path), "networks.%s", old->networks[i].name);
        if (model_network(new, old->networks[i].name))
            continue;
        add_difference(text, size, path, NULL);
        differ = true;
    }
    return differ;
}

// A running dataplane knows listeners by their place, and takes new ones behind those that it has.
static bool listeners_differ(const struct config *old, const struct config *new, char *text, size_t size)
{
    for (size_t i = 0; i < old->listener_count && i < new->listener_count; i++) {
        const struct config_listener *before = &old->listeners[i], *listener = &new->listeners[i];
        if (memcmp(&before->address, &listener->address, sizeof(before->address)) == 0 &&
            before->port == listener->port && strcmp(before->network, listener->network) == 0)
            continue;
        add_difference(text, size, "listeners", NULL);
        return true;
    }
    return false;
}

bool config_needs_restart(const struct config *old, const struct config *new, char *text, size_t size)
{
    char before[VALUE_TEXT_SIZE], after[VALUE_TEXT_SIZE];
    if (size)
        text[0] = '\0';
    bool differ = networks_differ(old, new, text, size);
    differ |= listeners_differ(old, new, text, size);
    for (size_t i = 0; i < keys_sections_count; i++) {
        const struct key_group *group = &keys_sections[i];
        for (size_t k = 0; k < group->count; k++) {
            const struct key *key = &group->keys[k];
            size_t offset = group->offset + key->offset;
            // Without applications nobody needs the room that is there for them.
            bool unused =
                offset == offsetof(struct config, dialogs.applications) && new->dialogs.applications == 0;
            if (key->effect == EFFECT_RELOAD || key->kind == KEY_PREFIX || unused)
                continue;
            value_format(key, (const char *)old + offset, before, sizeof(before));
            value_format(key, (const char *)new + offset, after, sizeof(after));
            if (strcmp(before, after) == 0)
                continue;
            add_difference(text, size, group->path, key->name);
            differ = true;
        }
    }
    return differ;
}

const struct config_peer *model_peer(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->peer_count; i++)
        if (strcmp(config->peers[i].name, name) == 0)
            return &config->peers[i];
    return NULL;
}

struct key_endpoint model_known_as(const struct config_listener *listener)
{
    const struct key_endpoint own = {listener->address, (uint16_t)listener->port};
    return listener->advertise.port ? listener->advertise : own;
}

bool model_is_listener(const struct config_listener *listener, const struct ip_address *address,
                       uint64_t port)
{
    const struct key_endpoint known = model_known_as(listener);
    return (check_same_address(address, &listener->address) && port == listener->port) ||
           (check_same_address(address, &known.address) && port == known.port);
}

const struct config_listener *model_listener(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (strcmp(config->listeners[i].name, name) == 0)
            return &config->listeners[i];
    return NULL;
}

bool model_has_family(const struct config *config, const struct config_peer *peer,
                      const struct ip_address *address)
{
    for (size_t i = 0; i < peer->listener.count; i++) {
        const struct config_listener *listener = model_listener(config, peer->listener.rows[i]);
        if (listener && ip_is_ipv4(&listener->address) == ip_is_ipv4(address))
            return true;
    }
    return false;
}

bool model_speaks_at(const struct config_peer *peer, const char *listener)
{
    for (size_t i = 0; i < peer->listener.count; i++)
        if (strcmp(peer->listener.rows[i], listener) == 0)
            return true;
    return false;
}

void model_interface(const struct config_network *network, char interface[NAME_SIZE])
{
    if (network->interface[0] != '\0')
        memcpy(interface, network->interface, NAME_SIZE);
    else
        snprintf(interface, NAME_SIZE, "dg-%.*s", NAME_SIZE - 4, network->name);
}

size_t model_port(const struct config *config, size_t network)
{
    char own[NAME_SIZE], other[NAME_SIZE];
    model_interface(&config->networks[network], own);
    for (size_t i = 0; i < network; i++) {
        model_interface(&config->networks[i], other);
        if (strcmp(own, other) == 0)
            return i;
    }
    return network;
}

const struct config_network *model_network(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->network_count; i++)
        if (strcmp(config->networks[i].name, name) == 0)
            return &config->networks[i];
    return NULL;
}

bool config_has_ipv6(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (!ip_is_ipv4(&config->listeners[i].address))
            return true;
    return false;
}

const char *config_metrics_address(const struct config *config, uint16_t *port)
{
    *port = config->metrics.listen.port;
    return config->metrics_address;
}

const char *config_control_group(const struct config *config)
{
    return config->control.group;
}

struct config_records_view config_records_view(const struct config *config)
{
    const struct config_records *records = &config->records;
    return (struct config_records_view){records->file, (unsigned)records->format, (unsigned)records->sync,
                                        records->rotate_size, records->rotate_interval};
}

struct config_capture_view config_capture_view(const struct config *config)
{
    const struct config_capture *capture = &config->capture;
    return (struct config_capture_view){capture->directory, capture->duration, capture->size,
                                        (uint32_t)capture->hep_id};
}

struct config_events_view config_events_view(const struct config *config)
{
    const struct config_events *events = &config->events;
    return (struct config_events_view){events->keep, events->file, events->file_dialogs != 0,
                                       events->syslog != 0};
}

struct config_control_view config_control_view(const struct config *config)
{
    const struct config_control *control = &config->control;
    return (struct config_control_view){
        {control->viewer_group, control->operator_group, control->admin_group},
        control->audit,
        (uint32_t)control->clients,
        (uint32_t)control->line_timeout,
        (uint32_t)control->reader_timeout};
}

const char *config_state_directory(const struct config *config)
{
    return config->state.directory;
}

uint64_t config_versions(const struct config *config)
{
    return config->state.versions;
}

bool config_network_at(const struct config *config, size_t index, struct snapshot_network *view)
{
    if (index >= config->network_count)
        return false;
    const struct config_network *network = &config->networks[index];
    memset(view, 0, sizeof(*view));
    memcpy(view->name, network->name, sizeof(view->name));
    model_interface(network, view->interface);
    memcpy(view->device, network->device.rows[0], sizeof(view->device));
    for (size_t i = 1; i < network->device.count; i++)
        memcpy(view->more[i - 1], network->device.rows[i], sizeof(view->more[0]));
    view->bond = (uint32_t)network->bond;
    view->attach = (uint32_t)network->attach;
    view->vlan = (uint16_t)network->vlan;
    view->outer_vlan = (uint16_t)network->outer_vlan;
    view->host_rate = (uint32_t)network->host_rate;
    view->queues = (uint32_t)network->queues;
    view->flags = (network->checksum_offload ? NETWORK_OFFLOADS : 0) |
                  (network->flow_isolation == CONFIG_ISOLATION_ON ? NETWORK_ISOLATION_ON : 0) |
                  (network->flow_isolation == CONFIG_ISOLATION_OFF ? NETWORK_ISOLATION_OFF : 0);
    return true;
}

bool config_listener_at(const struct config *config, size_t index, struct config_listener_view *view)
{
    if (index >= config->listener_count)
        return false;
    const struct config_listener *listener = &config->listeners[index];
    *view = (struct config_listener_view){listener->name, listener->network, listener->address,
                                          (uint16_t)listener->port};
    return true;
}

bool config_peer_at(const struct config *config, size_t index, struct config_peer_view *view)
{
    if (index >= config->peer_count)
        return false;
    const struct config_peer *peer = &config->peers[index];
    *view = (struct config_peer_view){peer->name, peer->listener.rows[0], choices_balance[peer->balance],
                                      peer->sources.count, peer->member_count};
    return true;
}

bool config_member_at(const struct config *config, size_t peer, size_t index, struct config_member_view *view)
{
    if (peer >= config->peer_count || index >= config->peers[peer].member_count)
        return false;
    const struct config_member *member = &config->peers[peer].members[index];
    *view = (struct config_member_view){member->address, (uint16_t)member->port, (uint32_t)member->weight};
    return true;
}
