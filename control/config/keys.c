// SPDX-License-Identifier: BSD-3-Clause
#include "keys.h"

#include <string.h>
#include "config.h"
#include "message.h"
#include "model.h"

// Each list stands in the order of the enum that the snapshot carries.
const char *const choices_attach[] = {"af_xdp", "af_packet", "pci", NULL};
const char *const choices_balance[] = {"call-id", "least-calls", "weighted", NULL};
const char *const choices_ban[] = {"off", "dry-run", "on", NULL};
const char *const choices_bond[] = {"none", "active-backup", "balance-xor", "lacp", NULL};
const char *const choices_bool[] = {"false", "true", NULL};
const char *const choices_contact[] = {"target", "source", NULL};
const char *const choices_final_503[] = {"rewrite", "pass", NULL};
const char *const choices_flow_isolation[] = {"auto", "on", "off", NULL}; // enum config_isolation
const char *const choices_identity[] = {"pass", "remove", NULL};
const char *const choices_refer[] = {"pass", "refuse", NULL};
const char *const choices_refresher[] = {"any", "local", "remote", NULL};
const char *const choices_reliable[] = {"off", "supported", "required", NULL};
const char *const choices_transfer[] = {"accept", "refuse", "ask", NULL};
const char *const choices_replaces_from[] = {"same-peer", "any-peer", NULL};
const char *const choices_reply[] = {"503", "486", "480", NULL};
const char *const choices_idle[] = {"sleep", "spin", NULL};
const char *const choices_in_dialog[] = {"peer", "group", "any-peer", NULL};
const char *const choices_record_format[] = {"csv", "json", NULL};
const char *const choices_record_sync[] = {"never", "second", "always", NULL};
const char *const choices_session_end[] = {"free", "bye", NULL};
const char *const choices_mode[] = {"off", "dry-run", "enforce", NULL};
const char *const choices_unavailable[] = {"refuse", "software", NULL};
const char *const choices_method[] = {
    [METHOD_INVITE] = "INVITE",   [METHOD_ACK] = "ACK",
    [METHOD_BYE] = "BYE",         [METHOD_CANCEL] = "CANCEL",
    [METHOD_OPTIONS] = "OPTIONS", [METHOD_REGISTER] = "REGISTER",
    [METHOD_PRACK] = "PRACK",     [METHOD_SUBSCRIBE] = "SUBSCRIBE",
    [METHOD_NOTIFY] = "NOTIFY",   [METHOD_PUBLISH] = "PUBLISH",
    [METHOD_INFO] = "INFO",       [METHOD_REFER] = "REFER",
    [METHOD_MESSAGE] = "MESSAGE", [METHOD_UPDATE] = "UPDATE",
    [CHOICE_METHOD_ANY] = "any",  NULL,
};
static_assert(METHOD_OTHER == CHOICE_METHOD_ANY, "every method that has a number has its name above");
static_assert(ATTACH_AF_XDP == 0 && ATTACH_AF_PACKET == 1 && ATTACH_PCI == 2 && IDLE_SLEEP == 0 &&
                  IDLE_SPIN == 1,
              "choices");
static_assert(PREFILTER_OFF == 0 && PREFILTER_DRY_RUN == 1 && PREFILTER_ENFORCE == 2 && BALANCE_CALL_ID == 0,
              "choices");
static_assert(PREFILTER_REFUSE == 0 && PREFILTER_SOFTWARE == 1, "choices");
static_assert(BAN_OFF == 0 && BAN_DRY_RUN == 1 && BAN_ON == 2, "choices");
static_assert(IN_DIALOG_PEER == 0 && IN_DIALOG_GROUP == 1 && IN_DIALOG_ANY_PEER == 2 &&
                  SESSION_END_FREE == 0 && SESSION_END_BYE == 1,
              "choices");
static_assert(REFRESH_BY_ANY == 0 && REFRESH_BY_LOCAL == 1 && REFRESH_BY_REMOTE == 2 && RELIABLE_OFF == 0 &&
                  RELIABLE_SUPPORTED == 1 && RELIABLE_REQUIRED == 2 && CONFIG_REFER_ACCEPT == 0 &&
                  CONFIG_REFER_REFUSE == 1 && CONFIG_REFER_ASK == 2,
              "choices");

// A row of keys.h as struct key; the struct's name (network, workers, ...) is what STRUCT says where the rows
// expand.
#define ROW(tag, key, kind, choices, fallback, least, most, effect, help)                                    \
    {#key,                                                                                                   \
     KEY_##kind,                                                                                             \
     choices,                                                                                                \
     fallback,                                                                                               \
     least,                                                                                                  \
     most,                                                                                                   \
     EFFECT_##effect,                                                                                        \
     help,                                                                                                   \
     offsetof(struct raw_##tag, key),                                                                        \
     offsetof(struct config_##tag, key)},
#define LIST_ROW(tag, key, most, effect, help) ROW(tag, key, PREFIX, NULL, "", 0, most, effect, help)
#define STATUS_ROW(tag, key, fallback, effect, help)                                                         \
    ROW(tag, key, STATUS, NULL, fallback, 300, 699, effect, help)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define K(...) ROW(network, __VA_ARGS__)
#define L(...) LIST_ROW(network, __VA_ARGS__)
static const struct key network_keys[] = {CONFIG_NETWORK(K, L)};
#undef K
#undef L
#define K(...) ROW(listener, __VA_ARGS__)
#define L(...) LIST_ROW(listener, __VA_ARGS__)
static const struct key listener_keys[] = {CONFIG_LISTENER(K, L)};
#undef K
#undef L
#define K(...) ROW(peer, __VA_ARGS__)
#define L(...) LIST_ROW(peer, __VA_ARGS__)
static const struct key peer_keys[] = {CONFIG_PEER(K, L)};
#undef K
#undef L
#define N(...) STATUS_ROW(probe, __VA_ARGS__)
#define K(...) ROW(probe, __VA_ARGS__)
static const struct key probe_keys[] = {CONFIG_PROBE(K, N)};
#undef K
#undef N
#define N(...) STATUS_ROW(failover, __VA_ARGS__)
#define K(...) ROW(failover, __VA_ARGS__)
static const struct key failover_keys[] = {CONFIG_FAILOVER(K, N)};
#undef K
#undef N
#define K(...) ROW(peer_limits, __VA_ARGS__)
static const struct key peer_limits_keys[] = {CONFIG_PEER_LIMITS(K, )};
#undef K
#define K(...) ROW(peer_prefilter, __VA_ARGS__)
static const struct key peer_prefilter_keys[] = {CONFIG_PEER_PREFILTER(K, )};
#undef K
#define K(...) ROW(member, __VA_ARGS__)
#define L(...) LIST_ROW(member, __VA_ARGS__)
static const struct key member_keys[] = {CONFIG_MEMBER(K, L)};
#undef K
#undef L
#define K(...) ROW(application, __VA_ARGS__)
static const struct key application_keys[] = {CONFIG_APPLICATION(K, )};
#undef K
#define K(...) ROW(session, __VA_ARGS__)
static const struct key session_keys[] = {CONFIG_SESSION(K, )};
#undef K
#define K(...) ROW(answer, __VA_ARGS__)
static const struct key answer_keys[] = {CONFIG_ANSWER(K, )};
#undef K
#define K(...) ROW(retry, __VA_ARGS__)
static const struct key retry_keys[] = {CONFIG_RETRY(K, )};
#undef K
#define K(...) ROW(route, __VA_ARGS__)
#define L(...) LIST_ROW(route, __VA_ARGS__)
static const struct key route_keys[] = {CONFIG_ROUTE(K, L)};
#undef K
#undef L
#define K(...)                    ROW(bucket, __VA_ARGS__)
#define L(...)                    LIST_ROW(bucket, __VA_ARGS__)
#define B(tag, rate, burst, help) static const struct key bucket_##tag[] = {CONFIG_BUCKET(K, L, rate, burst)};
CONFIG_BUCKETS(B)
#undef B
#undef K
#undef L
#define K(...) ROW(workers, __VA_ARGS__)
static const struct key workers_keys[] = {CONFIG_WORKERS(K, )};
#undef K
#define K(...) ROW(memory, __VA_ARGS__)
static const struct key memory_keys[] = {CONFIG_MEMORY(K, )};
#undef K
#define K(...) ROW(dialogs, __VA_ARGS__)
static const struct key dialogs_keys[] = {CONFIG_DIALOGS(K, )};
#undef K
#define K(...) ROW(transactions, __VA_ARGS__)
static const struct key transactions_keys[] = {CONFIG_TRANSACTIONS(K, )};
#undef K
#define K(...) ROW(timers, __VA_ARGS__)
static const struct key timers_keys[] = {CONFIG_TIMERS(K, )};
#undef K
#define K(...) ROW(limits, __VA_ARGS__)
static const struct key limits_keys[] = {CONFIG_LIMITS(K, )};
#undef K
#define K(...) ROW(application_limits, __VA_ARGS__)
static const struct key application_limits_keys[] = {CONFIG_APPLICATION_LIMITS(K, )};
#undef K
#define K(...) ROW(overload, __VA_ARGS__)
static const struct key overload_keys[] = {CONFIG_OVERLOAD(K, )};
#undef K
#define K(...) ROW(prefilter, __VA_ARGS__)
#define L(...) LIST_ROW(prefilter, __VA_ARGS__)
static const struct key prefilter_keys[] = {CONFIG_PREFILTER(K, L)};
#undef K
#undef L
#define K(...) ROW(bans, __VA_ARGS__)
#define L(...) LIST_ROW(bans, __VA_ARGS__)
static const struct key bans_keys[] = {CONFIG_BANS(K, L)};
#undef K
#undef L
#define K(...) ROW(metrics, __VA_ARGS__)
static const struct key metrics_keys[] = {CONFIG_METRICS(K, )};
#undef K
#define K(...) ROW(control, __VA_ARGS__)
static const struct key control_keys[] = {CONFIG_CONTROL(K, )};
#undef K
#define K(...) ROW(records, __VA_ARGS__)
static const struct key records_keys[] = {CONFIG_RECORDS(K, )};
#undef K
#define K(...) ROW(capture, __VA_ARGS__)
static const struct key capture_keys[] = {CONFIG_CAPTURE(K, )};
#undef K
#define K(...) ROW(events, __VA_ARGS__)
static const struct key events_keys[] = {CONFIG_EVENTS(K, )};
#undef K
#define K(...) ROW(state, __VA_ARGS__)
static const struct key state_keys[] = {CONFIG_STATE(K, )};
#undef K

#define ITEM(tag, where, text)                                                                               \
    {                                                                                                        \
        where, text, tag##_keys, COUNT_OF(tag##_keys), 0, 0                                                  \
    }
const struct key_group keys_network =
    ITEM(network, "networks.NAME", "an interface that we drive; at least one");
const struct key_group keys_listener =
    ITEM(listener, "listeners[]", "an address and port of ours; at least one");
const struct key_group keys_peer =
    ITEM(peer, "peers[]", "a named group of addresses that we exchange SIP with");
const struct key_group keys_member = ITEM(member, "peers[].members[]", "one address of a peer");
const struct key_group keys_application =
    ITEM(application, "applications[]", "a program that makes and takes calls by the control socket");
const struct key_group keys_retry =
    ITEM(retry, "retry[]", "how often and when an application's request that failed for a while is repeated");
const struct key_group keys_route =
    ITEM(route, "routes[]", "where a request outside a dialog goes; first match wins");

const struct key_group keys_peer_sections[] = {
#define S(key, tag, rows, help)                                                                              \
    {"peers[]." #key,                                                                                        \
     help,                                                                                                   \
     tag##_keys,                                                                                             \
     COUNT_OF(tag##_keys),                                                                                   \
     offsetof(struct raw_peer, key),                                                                         \
     offsetof(struct config_peer, key)},
    CONFIG_PEER_SECTIONS(S)
#undef S
};
const size_t keys_peer_sections_count = COUNT_OF(keys_peer_sections);

const struct key_group keys_application_sections[] = {
#define S(key, tag, rows, help)                                                                              \
    {"applications[]." #key,                                                                                 \
     help,                                                                                                   \
     tag##_keys,                                                                                             \
     COUNT_OF(tag##_keys),                                                                                   \
     offsetof(struct raw_application, key),                                                                  \
     offsetof(struct config_application, key)},
    CONFIG_APPLICATION_SECTIONS(S)
#undef S
};
const size_t keys_application_sections_count = COUNT_OF(keys_application_sections);

const struct key_group keys_sections[] = {
#define S(key, rows, help)                                                                                   \
    {#key, help, key##_keys, COUNT_OF(key##_keys), offsetof(struct raw, key), offsetof(struct config, key)},
    CONFIG_SECTIONS(S)
#undef S
#define B(key, rate, burst, help)                                                                            \
    {"prefilter." #key,                                                                                      \
     help,                                                                                                   \
     bucket_##key,                                                                                           \
     COUNT_OF(bucket_##key),                                                                                 \
     offsetof(struct raw, buckets.key),                                                                      \
     offsetof(struct config, buckets.key)},
        CONFIG_BUCKETS(B)
#undef B
};
const size_t keys_sections_count = COUNT_OF(keys_sections);

static const struct key_group *const items[] = {&keys_network,     &keys_listener, &keys_peer, &keys_member,
                                                &keys_application, &keys_retry,    &keys_route};

const struct key_group *keys_group(size_t index)
{
    if (index < COUNT_OF(items))
        return items[index];
    index -= COUNT_OF(items);
    if (index < COUNT_OF(keys_peer_sections))
        return &keys_peer_sections[index];
    index -= COUNT_OF(keys_peer_sections);
    if (index < COUNT_OF(keys_application_sections))
        return &keys_application_sections[index];
    index -= COUNT_OF(keys_application_sections);
    return index < COUNT_OF(keys_sections) ? &keys_sections[index] : NULL;
}

const char *keys_find(const char *name)
{
    const struct key_group *group;
    for (size_t i = 0; (group = keys_group(i)); i++)
        for (size_t k = 0; k < group->count; k++)
            if (strcmp(group->keys[k].name, name) == 0)
                return group->path;
    return NULL;
}

// "peers[3].members[0]" as "peers[].members[]", "networks.outside" as "networks.NAME".
static void pattern_of(const char *path, char *pattern, size_t size)
{
    size_t length = 0;
    for (const char *at = path; *at && length + 1 < size; at++) {
        bool index = at > path && (*at >= '0' && *at <= '9') && pattern[length - 1] == '[';
        if (index)
            at += strspn(at, "0123456789");
        if (*at)
            pattern[length++] = *at;
        else
            break;
    }
    pattern[length] = '\0';
    if (strncmp(pattern, "networks.", 9) == 0)
        snprintf(pattern, size, "networks.NAME");
}

static void add_name(char *text, size_t size, const char *name)
{
    size_t length = strlen(text);
    if (length < size)
        snprintf(text + length, size - length, "%s%s", length ? ", " : "", name);
}

static void add_keys(const struct key_group *group, char *text, size_t size)
{
    for (size_t i = 0; i < group->count; i++)
        add_name(text, size, group->keys[i].name);
}

void keys_names(const char *path, char *text, size_t size)
{
    char pattern[64];
    pattern_of(path, pattern, sizeof(pattern));
    text[0] = '\0';
    if (pattern[0] == '\0') {
        static const char *const lists[] = {"networks",     "listeners", "peers",
                                            "applications", "retry",     "routes"};
        for (size_t i = 0; i < COUNT_OF(lists); i++)
            add_name(text, size, lists[i]);
        for (size_t i = 0; i < COUNT_OF(keys_sections); i++)
            if (!strchr(keys_sections[i].path, '.'))
                add_name(text, size, keys_sections[i].path);
        add_name(text, size, "include");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(items); i++)
        if (strcmp(pattern, items[i]->path) == 0)
            add_keys(items[i], text, size);
    size_t length = strlen(pattern);
    for (size_t i = 0; i < COUNT_OF(keys_sections); i++) {
        const char *section = keys_sections[i].path;
        if (strcmp(pattern, section) == 0)
            add_keys(&keys_sections[i], text, size);
        else if (strncmp(pattern, section, length) == 0 && section[length] == '.')
            add_name(text, size, section + length + 1);
    }
    for (size_t i = 0; i < COUNT_OF(keys_peer_sections); i++)
        if (strcmp(pattern, keys_peer_sections[i].path) == 0)
            add_keys(&keys_peer_sections[i], text, size);
    for (size_t i = 0; i < COUNT_OF(keys_application_sections); i++)
        if (strcmp(pattern, keys_application_sections[i].path) == 0)
            add_keys(&keys_application_sections[i], text, size);
    if (strcmp(pattern, keys_application.path) == 0) {
#define S(key, tag, rows, help) add_name(text, size, #key);
        CONFIG_APPLICATION_SECTIONS(S)
#undef S
    }
    if (strcmp(pattern, keys_peer.path) == 0) {
#define S(key, tag, rows, help) add_name(text, size, #key);
        CONFIG_PEER_SECTIONS(S)
#undef S
        add_name(text, size, "members");
    }
}
