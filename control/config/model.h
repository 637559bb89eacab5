// SPDX-License-Identifier: BSD-3-Clause
// struct config as the files of this library see it, and the texts that libcyaml read before they were
// checked. Both are made from the rows of keys.h.
#ifndef DIALGATE_CONFIG_MODEL_H
#define DIALGATE_CONFIG_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config.h"
#include "keys.h"

#define FIELD_COUNT(key)                                               uint64_t key;
#define FIELD_DURATION(key)                                            uint64_t key;
#define FIELD_SIZE(key)                                                uint64_t key;
#define FIELD_CHOICE(key)                                              uint64_t key;
#define FIELD_NAMES(key)                                               struct name_list key;
#define FIELD_TARGETS(key)                                             struct target_list key;
#define FIELD_DEVICES(key)                                             struct target_list key;
#define FIELD_WORDS(key)                                               struct target_list key;
#define FIELD_NAME(key)                                                char key[NAME_SIZE];
#define FIELD_INTERFACE(key)                                           char key[NAME_SIZE];
#define FIELD_ADDRESS(key)                                             struct ip_address key;
#define FIELD_ENDPOINT(key)                                            struct key_endpoint key;
#define FIELD_PATH(key)                                                char key[KEY_TEXT_SIZE];
#define FIELD_TEXT(key)                                                char key[KEY_TEXT_SIZE];
#define FIELD(key, kind, choices, fallback, least, most, effect, help) FIELD_##kind(key)

struct prefix_list {
    struct key_prefix *rows;
    size_t count;
};
#define LIST(key, most, effect, help)         struct prefix_list key;
#define STATUSES(key, fallback, effect, help) struct status_list key;

// Values, checked.
struct config_network {
    char name[NAME_SIZE];
    CONFIG_NETWORK(FIELD, LIST)
};
struct config_listener {
    CONFIG_LISTENER(FIELD, LIST)
};
struct config_member {
    CONFIG_MEMBER(FIELD, LIST)
};
#define S(key, tag, rows, help)                                                                              \
    struct config_##tag {                                                                                    \
        rows(FIELD, STATUSES)                                                                                \
    };
CONFIG_PEER_SECTIONS(S)
#undef S
struct config_peer {
    CONFIG_PEER(FIELD, LIST)
#define S(key, tag, rows, help) struct config_##tag key;
    CONFIG_PEER_SECTIONS(S)
#undef S
    struct config_member *members;
    size_t member_count;
};
#define S(key, tag, rows, help)                                                                              \
    struct config_##tag {                                                                                    \
        rows(FIELD, STATUSES)                                                                                \
    };
S(session, session, CONFIG_SESSION, )
S(answer, answer, CONFIG_ANSWER, )
#undef S
struct config_application {
    CONFIG_APPLICATION(FIELD, LIST)
#define S(key, tag, rows, help) struct config_##tag key;
    CONFIG_APPLICATION_SECTIONS(S)
#undef S
    char *body; // what answer.body names; NULL: nothing
    size_t body_length;
};
struct config_retry {
    CONFIG_RETRY(FIELD, LIST)
};
struct config_route {
    CONFIG_ROUTE(FIELD, LIST)
};
struct config_bucket {
    CONFIG_BUCKET(FIELD, LIST, "", "")
};
struct config_buckets {
#define B(key, rate, burst, help) struct config_bucket key;
    CONFIG_BUCKETS(B)
#undef B
};
#define S(key, rows, help)                                                                                   \
    struct config_##key {                                                                                    \
        rows(FIELD, LIST)                                                                                    \
    };
CONFIG_SECTIONS(S)
#undef S

// A value as it is written in the file, with its ${NAME}.
struct written {
    char *path;
    char *text;
};

struct config {
    struct config_network *networks;
    size_t network_count;
    struct config_listener *listeners;
    size_t listener_count;
    struct config_peer *peers;
    size_t peer_count;
    struct config_application *applications;
    size_t application_count;
    struct config_retry *retries; // default and network are always among them
    size_t retry_count;
    struct config_route *routes;
    size_t route_count;
#define S(key, rows, help) struct config_##key key;
    CONFIG_SECTIONS(S)
#undef S
    struct config_buckets buckets;
    char metrics_address[INET6_ADDRSTRLEN]; // metrics.listen without its port, for those who want text
    struct config_source source;
    struct written *written; // values that came from the environment
    size_t written_count;
    char **warnings;
    size_t warning_count;
};

// Texts as they stood in the file; NULL: not there.
struct raw_list {
    char **rows;
    uint32_t count;
};
#define RAW(key, kind, choices, fallback, least, most, effect, help) char *key;
#define RAW_LIST(key, most, effect, help)                            struct raw_list key;
#define RAW_STATUSES(key, fallback, effect, help)                    struct raw_list key;

struct raw_network {
    CONFIG_NETWORK(RAW, RAW_LIST)
};
struct raw_listener {
    CONFIG_LISTENER(RAW, RAW_LIST)
};
struct raw_member {
    CONFIG_MEMBER(RAW, RAW_LIST)
};
#define S(key, tag, rows, help)                                                                              \
    struct raw_##tag {                                                                                       \
        rows(RAW, RAW_STATUSES)                                                                              \
    };
CONFIG_PEER_SECTIONS(S)
#undef S
struct raw_peer {
    CONFIG_PEER(RAW, RAW_LIST)
#define S(key, tag, rows, help) struct raw_##tag key;
    CONFIG_PEER_SECTIONS(S)
#undef S
    struct raw_member *members;
    uint32_t members_count;
};
#define S(key, tag, rows, help)                                                                              \
    struct raw_##tag {                                                                                       \
        rows(RAW, RAW_STATUSES)                                                                              \
    };
S(session, session, CONFIG_SESSION, )
S(answer, answer, CONFIG_ANSWER, )
#undef S
struct raw_application {
    CONFIG_APPLICATION(RAW, RAW_LIST)
#define S(key, tag, rows, help) struct raw_##tag key;
    CONFIG_APPLICATION_SECTIONS(S)
#undef S
};
struct raw_retry {
    CONFIG_RETRY(RAW, RAW_LIST)
};
struct raw_route {
    CONFIG_ROUTE(RAW, RAW_LIST)
};
struct raw_bucket {
    CONFIG_BUCKET(RAW, RAW_LIST, "", "")
};
struct raw_buckets {
#define B(key, rate, burst, help) struct raw_bucket key;
    CONFIG_BUCKETS(B)
#undef B
};
#define S(key, rows, help)                                                                                   \
    struct raw_##key {                                                                                       \
        rows(RAW, RAW_LIST)                                                                                  \
    };
CONFIG_SECTIONS(S)
#undef S

struct raw {
    struct raw_network networks[NETWORKS_MAX];
    struct raw_listener *listeners;
    uint32_t listeners_count;
    struct raw_peer *peers;
    uint32_t peers_count;
    struct raw_application *applications;
    uint32_t applications_count;
    struct raw_retry *retry;
    uint32_t retry_count;
    struct raw_route *routes;
    uint32_t routes_count;
#define S(key, rows, help) struct raw_##key key;
    CONFIG_SECTIONS(S)
#undef S
    struct raw_buckets buckets;
};

#undef RAW
#undef RAW_LIST
#undef RAW_STATUSES
#undef FIELD
#undef LIST
#undef STATUSES

// The configured peer with this name, NULL when there is none; the same for others.
const struct config_peer *model_peer(const struct config *config, const char *name);
const struct config_listener *model_listener(const struct config *config, const char *name);
struct key_endpoint model_known_as(const struct config_listener *listener); // what it is advertised as
// By its own address and port, or by what it is advertised as.
bool model_is_listener(const struct config_listener *listener, const struct ip_address *address,
                       uint64_t port);
const struct config_application *model_application(const struct config *config, const char *name);
const struct config_retry *model_retry(const struct config *config, const char *name);
// Whether one of its listeners has the family of this address.
bool model_has_family(const struct config *config, const struct config_peer *peer,
                      const struct ip_address *address);
bool model_speaks_at(const struct config_peer *peer, const char *listener); // one of its listeners
// The kernel's interface of a network: interface, or what it is when none is given.
void model_interface(const struct config_network *network, char interface[NAME_SIZE]);
// Index of the first network with the interface of this one: they share a port.
size_t model_port(const struct config *config, size_t network);
const struct config_network *model_network(const struct config *config, const char *name);

// How the value at this path is written where the environment gave it ("${NAME}"); NULL where it did not.
const char *config_written(const struct config *config, const char *path);

#endif
