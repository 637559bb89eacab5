// SPDX-License-Identifier: BSD-3-Clause
// libcyaml 1.3 has no mapping with free keys, which `networks` is: its schema is made for each text, one
// field a name found by places_read(). Every field is optional text for libcyaml; defaults, necessity and
// ranges are checked with the rows of keys.h, whose errors are better than "invalid value". What libcyaml
// refuses it tells as a code and as log lines: the message and a backtrace of fields and entries, innermost
// first. From these the path is put together, and the place is looked up by path, since the positions of the
// backtrace are those of what was read last.
#include "schema.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nearest.h"

#define TEXT(key, tag)                                                                                       \
    CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_##tag, key, 0,         \
                           CYAML_UNLIMITED),
#define PREFIXES(key, tag, most)                                                                             \
    CYAML_FIELD_SEQUENCE_COUNT(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_##tag, key.rows,   \
                               key.count, &prefix_schema, 0, most),

static const cyaml_schema_value_t prefix_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED),
};

// libcyaml has no value that is a text or a list: read.c takes those from the places.
#define YAML_NETWORK_INTERFACE(key) TEXT(key, network)
#define YAML_NETWORK_CHOICE(key)    TEXT(key, network)
#define YAML_NETWORK_COUNT(key)     TEXT(key, network)
#define YAML_NETWORK_DEVICES(key)   CYAML_FIELD_IGNORE(#key, CYAML_FLAG_OPTIONAL),
#define K(key, kind, ...)           YAML_NETWORK_##kind(key)
static const cyaml_schema_field_t network_fields[] = {CONFIG_NETWORK(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, listener)
static const cyaml_schema_field_t listener_fields[] = {CONFIG_LISTENER(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, member)
static const cyaml_schema_field_t member_fields[] = {CONFIG_MEMBER(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, route)
static const cyaml_schema_field_t route_fields[] = {CONFIG_ROUTE(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, bucket)
static const cyaml_schema_field_t bucket_fields[] = {CONFIG_BUCKET(K, , "", "") CYAML_FIELD_END};
#undef K

#define K(key, ...) TEXT(key, session)
static const cyaml_schema_field_t session_fields[] = {CONFIG_SESSION(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, answer)
static const cyaml_schema_field_t answer_fields[] = {CONFIG_ANSWER(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, retry)
static const cyaml_schema_field_t retry_fields[] = {CONFIG_RETRY(K, ) CYAML_FIELD_END};
#undef K

static const cyaml_schema_value_t retry_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_retry, retry_fields)};
static const cyaml_schema_value_t listener_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_listener, listener_fields)};
static const cyaml_schema_value_t member_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_member, member_fields)};
static const cyaml_schema_value_t route_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_route, route_fields)};

#define K(key, ...) TEXT(key, probe)
#define N(key, ...) PREFIXES(key, probe, KEY_STATUSES_MAX)
static const cyaml_schema_field_t probe_fields[] = {CONFIG_PROBE(K, N) CYAML_FIELD_END};
#undef K
#undef N
#define K(key, ...) TEXT(key, failover)
#define N(key, ...) PREFIXES(key, failover, KEY_STATUSES_MAX)
static const cyaml_schema_field_t failover_fields[] = {CONFIG_FAILOVER(K, N) CYAML_FIELD_END};
#undef K
#undef N
#define K(key, ...) TEXT(key, peer_limits)
static const cyaml_schema_field_t peer_limits_fields[] = {CONFIG_PEER_LIMITS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, peer_prefilter)
static const cyaml_schema_field_t peer_prefilter_fields[] = {CONFIG_PEER_PREFILTER(K, ) CYAML_FIELD_END};
#undef K

// Peers' names as the devices above.
#define YAML_NAME(key)     TEXT(key, peer)
#define YAML_CHOICE(key)   TEXT(key, peer)
#define YAML_DURATION(key) TEXT(key, peer)
#define YAML_NAMES(key)    CYAML_FIELD_IGNORE(#key, CYAML_FLAG_OPTIONAL),
#define K(key, kind, ...)  YAML_##kind(key)
#define L(key, most, ...)  PREFIXES(key, peer, most)
#define S(key, tag, rows, help)                                                                              \
    CYAML_FIELD_MAPPING(#key, CYAML_FLAG_OPTIONAL, struct raw_peer, key, tag##_fields),
static const cyaml_schema_field_t peer_fields[] = {
    CONFIG_PEER(K, L) CONFIG_PEER_SECTIONS(S)
        CYAML_FIELD_SEQUENCE("members", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_peer, members,
                             &member_schema, 0, MEMBERS_MAX),
    CYAML_FIELD_END};
#undef K
#undef L
#undef S
static const cyaml_schema_value_t peer_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_peer, peer_fields)};

// refer_targets as the peers' names above.
#define YAML_FIELD_NAME(key)     TEXT(key, application)
#define YAML_FIELD_CHOICE(key)   TEXT(key, application)
#define YAML_FIELD_DURATION(key) TEXT(key, application)
#define YAML_FIELD_TARGETS(key)  CYAML_FIELD_IGNORE(#key, CYAML_FLAG_OPTIONAL),
#define K(key, kind, ...)        YAML_FIELD_##kind(key)
#define S(key, tag, rows, help)                                                                              \
    CYAML_FIELD_MAPPING(#key, CYAML_FLAG_OPTIONAL, struct raw_application, key, tag##_fields),
static const cyaml_schema_field_t application_fields[] = {CONFIG_APPLICATION(K, )
                                                              CONFIG_APPLICATION_SECTIONS(S) CYAML_FIELD_END};
#undef K
#undef S
static const cyaml_schema_value_t application_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_application, application_fields)};

#define K(key, ...) TEXT(key, workers)
static const cyaml_schema_field_t workers_fields[] = {CONFIG_WORKERS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, memory)
static const cyaml_schema_field_t memory_fields[] = {CONFIG_MEMORY(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, dialogs)
static const cyaml_schema_field_t dialogs_fields[] = {CONFIG_DIALOGS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, transactions)
static const cyaml_schema_field_t transactions_fields[] = {CONFIG_TRANSACTIONS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, timers)
static const cyaml_schema_field_t timers_fields[] = {CONFIG_TIMERS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, limits)
static const cyaml_schema_field_t limits_fields[] = {CONFIG_LIMITS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, application_limits)
static const cyaml_schema_field_t application_limits_fields[] = {CONFIG_APPLICATION_LIMITS(K, )
                                                                     CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, overload)
static const cyaml_schema_field_t overload_fields[] = {CONFIG_OVERLOAD(K, ) CYAML_FIELD_END};
#undef K
#define YAML_BANS_CHOICE(key)   TEXT(key, bans)
#define YAML_BANS_COUNT(key)    TEXT(key, bans)
#define YAML_BANS_DURATION(key) TEXT(key, bans)
#define YAML_BANS_WORDS(key)    CYAML_FIELD_IGNORE(#key, CYAML_FLAG_OPTIONAL),
#define K(key, kind, ...)       YAML_BANS_##kind(key)
#define L(key, most, ...)       PREFIXES(key, bans, most)
static const cyaml_schema_field_t bans_fields[] = {CONFIG_BANS(K, L) CYAML_FIELD_END};
#undef K
#undef L
#define K(key, ...) TEXT(key, metrics)
static const cyaml_schema_field_t metrics_fields[] = {CONFIG_METRICS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, control)
static const cyaml_schema_field_t control_fields[] = {CONFIG_CONTROL(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, records)
static const cyaml_schema_field_t records_fields[] = {CONFIG_RECORDS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, capture)
static const cyaml_schema_field_t capture_fields[] = {CONFIG_CAPTURE(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, events)
static const cyaml_schema_field_t events_fields[] = {CONFIG_EVENTS(K, ) CYAML_FIELD_END};
#undef K
#define K(key, ...) TEXT(key, state)
static const cyaml_schema_field_t state_fields[] = {CONFIG_STATE(K, ) CYAML_FIELD_END};
#undef K

// The buckets stand under prefilter in the file and beside it in struct raw: their offsets reach over.
#define K(key, ...)       TEXT(key, prefilter)
#define L(key, most, ...) PREFIXES(key, prefilter, most)
#define B(bucket, rate_default, burst_default, help)                                                         \
    {.key = #bucket,                                                                                         \
     .value = {CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, struct raw_bucket, bucket_fields)},                  \
     .data_offset = offsetof(struct raw, buckets.bucket) - offsetof(struct raw, prefilter)},
static_assert(offsetof(struct raw, buckets) > offsetof(struct raw, prefilter), "offsets are not negative");
static const cyaml_schema_field_t prefilter_fields[] = {CONFIG_PREFILTER(K, L) CONFIG_BUCKETS(B)
                                                            CYAML_FIELD_END};
#undef K
#undef L
#undef B

#define FIELDS_NETWORKS 0 // index of networks in root_fields
static const cyaml_schema_field_t root_fields[] = {
    {.key = "networks", .data_offset = offsetof(struct raw, networks)},
    CYAML_FIELD_SEQUENCE("listeners", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, listeners,
                         &listener_schema, 0, LISTENERS_MAX),
    CYAML_FIELD_SEQUENCE("peers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, peers, &peer_schema,
                         0, PEERS_MAX),
    CYAML_FIELD_SEQUENCE("applications", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, applications,
                         &application_schema, 0, PEERS_MAX),
    CYAML_FIELD_SEQUENCE("retry", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, retry, &retry_schema,
                         0, CONFIG_RETRIES_MAX),
    CYAML_FIELD_SEQUENCE("routes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, routes,
                         &route_schema, 0, ROUTES_MAX),
#define S(key, rows, help) CYAML_FIELD_MAPPING(#key, CYAML_FLAG_OPTIONAL, struct raw, key, key##_fields),
    CONFIG_SECTIONS(S)
#undef S
        CYAML_FIELD_END};

#define UNEXPECTED    "Unexpected key: " // what libcyaml says before the key
#define NAMES_SIZE    400
#define BACKTRACE_MAX (PLACE_DEPTH_MAX + 2)

struct schema {
    cyaml_schema_field_t root[sizeof(root_fields) / sizeof(root_fields[0])];
    cyaml_schema_field_t networks[NETWORKS_MAX + 1];
    cyaml_schema_value_t value;
    cyaml_config_t config;
    struct raw *raw;
    const struct place *network_places[NETWORKS_MAX];
    size_t network_count;
    // What libcyaml logged.
    char message[256];
    char backtrace[BACKTRACE_MAX][PLACE_PATH_SIZE];
    size_t backtrace_count;
};

__attribute__((format(printf, 3, 0))) static void keep_log(cyaml_log_t level, void *context,
                                                           const char *format, va_list arguments)
{
    struct schema *schema = context;
    char line[256];
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(line, sizeof(line), format, arguments);
    size_t length = strlen(line);
    if (length && line[length - 1] == '\n')
        line[length - 1] = '\0';
    if (strncmp(line, "  in ", 5) == 0) {
        if (schema->backtrace_count < BACKTRACE_MAX)
            snprintf(schema->backtrace[schema->backtrace_count++], PLACE_PATH_SIZE, "%.*s",
                     (int)PLACE_PATH_SIZE - 1, line + 5);
    } else if (!schema->message[0] && !strstr(line, "Backtrace:")) {
        snprintf(schema->message, sizeof(schema->message), "%s", line);
    }
}

// The innermost name in single quotes of a backtrace line, as a step of a path. Entries are counted from 1.
static void add_step(char *path, const char *line)
{
    size_t length = strlen(path);
    const char *name = strchr(line, '\'');
    const char *end = name ? strchr(name + 1, '\'') : NULL;
    if (!end)
        return;
    name++;
    if (strncmp(line, "sequence entry", 14) == 0) {
        unsigned long entry = strtoul(name, NULL, 10);
        snprintf(path + length, PLACE_PATH_SIZE - length, "[%lu]", entry ? entry - 1 : 0);
    } else {
        snprintf(path + length, PLACE_PATH_SIZE - length, "%s%.*s", length ? "." : "", (int)(end - name),
                 name);
    }
}

// key is not known under path.
static int refuse_key(struct places *places, const char *path, const char *key)
{
    char names[NAMES_SIZE], near[NEAREST_WORD_MAX + 1], whole[PLACE_PATH_SIZE];
    const char *elsewhere = keys_find(key);
    keys_names(path, names, sizeof(names));
    snprintf(whole, sizeof(whole), "%.150s%s%s", path, path[0] && key[0] ? "." : "", key);
    if (nearest_name(key, names, near, sizeof(near)))
        return places_refuse_key(places, whole, "unknown key, did you mean %s; give one of %s", near, names);
    if (elsewhere)
        return places_refuse_key(places, whole, "unknown key here, it stands under %s; give one of %s",
                                 elsewhere, names);
    return places_refuse_key(places, whole, "unknown key; give one of %s", names);
}

static int refuse(struct schema *schema, struct places *places, cyaml_err_t code)
{
    char path[PLACE_PATH_SIZE] = "";
    for (size_t i = schema->backtrace_count; i-- > 0;)
        add_step(path, schema->backtrace[i]);
    const char *told = strstr(schema->message, ": ");
    told = told ? told + 2 : schema->message;
    switch (code) {
    case CYAML_ERR_OOM:
        places_refuse(places, "", "no memory");
        return -ENOMEM;
    case CYAML_ERR_INVALID_KEY:
        return refuse_key(places, path,
                          strncmp(told, UNEXPECTED, strlen(UNEXPECTED)) == 0 ? told + strlen(UNEXPECTED)
                                                                             : "");
    case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
        // The backtrace counts the entries that fitted.
        *(strrchr(path, '[') ? strrchr(path, '[') : path) = '\0';
        return places_refuse(places, path, "has too many entries; %s", told);
    case CYAML_ERR_INVALID_VALUE:
        if (strstr(told, "Expecting MAPPING"))
            return places_refuse(places, path,
                                 "is not a mapping; give `key: value` lines below it, or {key: value}");
        if (strstr(told, "Expecting SEQUENCE"))
            return places_refuse(places, path, "is not a list; give [a, b], or lines that begin with -");
        if (strstr(told, "Expecting STRING"))
            return places_refuse(places, path, "is not a single value; give one without { } or [ ]");
        break;
    default:
        break;
    }
    return places_refuse(places, path, "%s (%s); compare with config/dialgate.yaml", told,
                         cyaml_strerror(code));
}

// One field a network. Names are checked later, as values.
static int add_networks(struct schema *schema, struct places *places)
{
    const cyaml_schema_value_t network = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, struct raw_network, network_fields)};
    for (size_t i = 1; i < places->count; i++) {
        const struct place *place = &places->rows[i];
        const char *outer = places->rows[place->parent].path;
        if (!place->name || place->parent == 0 || strcmp(outer, "networks") != 0)
            continue;
        if (schema->network_count == NETWORKS_MAX)
            return places_refuse_key(places, place->path, "is one network too many; give at most %u",
                                     NETWORKS_MAX);
        schema->network_places[schema->network_count] = place;
        schema->networks[schema->network_count] = (cyaml_schema_field_t){
            .key = place->path + place->name,
            .value = network,
            .data_offset = (uint32_t)(schema->network_count * sizeof(struct raw_network))};
        schema->network_count++;
    }
    return 0;
}

int schema_load(struct places *places, struct schema **result, struct raw **raw)
{
    struct schema *schema = calloc(1, sizeof(*schema));
    size_t length = 0;
    char *text = schema ? places_text(places, &length) : NULL;
    *result = schema;
    if (!text) {
        places_refuse(places, "", "no memory");
        return -ENOMEM;
    }
    memcpy(schema->root, root_fields, sizeof(root_fields));
    int error = add_networks(schema, places);
    if (error < 0) {
        free(text);
        return error;
    }
    schema->root[FIELDS_NETWORKS].value =
        (cyaml_schema_value_t){.type = CYAML_MAPPING,
                               .flags = CYAML_FLAG_OPTIONAL,
                               .data_size = sizeof(((struct raw *)0)->networks),
                               .mapping.fields = schema->networks};
    schema->value = (cyaml_schema_value_t){CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, schema->root)};
    schema->config = (cyaml_config_t){.log_fn = keep_log,
                                      .log_ctx = schema,
                                      .mem_fn = cyaml_mem,
                                      .log_level = CYAML_LOG_ERROR,
                                      .flags = CYAML_CFG_NO_ALIAS};
    cyaml_err_t code = cyaml_load_data((const uint8_t *)text, length, &schema->config, &schema->value,
                                       (cyaml_data_t **)&schema->raw, NULL);
    free(text);
    if (code != CYAML_OK)
        return refuse(schema, places, code);
    *raw = schema->raw;
    return schema->raw ? 0 : places_refuse(places, "", "the file is empty; begin with config/dialgate.yaml");
}

void schema_free(struct schema *schema)
{
    if (schema && schema->raw)
        cyaml_free(&schema->config, &schema->value, schema->raw, 0);
    free(schema);
}

size_t schema_network_count(const struct schema *schema)
{
    return schema->network_count;
}

const char *schema_network_path(const struct schema *schema, size_t index)
{
    return schema->network_places[index]->path;
}
