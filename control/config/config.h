// SPDX-License-Identifier: BSD-3-Clause
// The configuration: YAML in, a checked immutable struct, a sealed snapshot for the dataplane out.
//
// Every function that can fail writes one line into error: for faults of the file
// `FILE:LINE:COLUMN: path.to.key: what is wrong; what to do`, without a line end. error may be NULL with size
// 0. Nothing here is thread-safe beyond what is const; nothing here keeps state between calls.
#ifndef DIALGATE_CONFIG_H
#define DIALGATE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "dialgate/snapshot.h"
#include "hosts.h"
#include "manifest.h"
#include "overlay.h"
#include "sha256.h"

#define CONFIG_FILE_SIZE_MAX (4u << 20) // octets of YAML that are read
#define CONFIG_RETRIES_MAX   64u
#define CONFIG_TEXT_MAX      108u // octets of a path or a group name, with its NUL

struct config;

// Reads and checks FILE. Returns the configuration, which config_free() frees, or NULL with error set.
struct config *config_load(const char *file, char *error, size_t size);

// The same from memory: text[0, length), which need not end in NUL. name stands where FILE would in error.
struct config *config_parse(const char *text, size_t length, const char *name, char *error, size_t size);

// The octets that were read, of all files together, the including one first: `cat FILES | sha256sum`.
struct config_source {
    char sha256[SHA256_TEXT_SIZE];
    uint64_t octets;
    unsigned int files;
};
const struct config_source *config_source(const struct config *config);

// What is legal but odd, one line each as in error; NULL behind the last one.
const char *config_warning_at(const struct config *config, size_t index);

// Writes canonical YAML with every key at its effective value. Parsed again it gives the same configuration,
// and printed again the same octets. Returns 0, or -EIO when out refused.
int config_print(const struct config *config, FILE *out);

// What an image is compiled from. Numbers of peers and members come from manifest, which learns those it does
// not know (save it before the image is handed over).
struct compile_input {
    const struct config *config;
    struct manifest *manifest;
    uint64_t sequence;
    const struct hosts *hosts;     // what DNS said of members' hosts; NULL: nothing yet
    const struct overlay *overlay; // what the operator said; NULL: nothing
    host_dropped *dropped;         // told of addresses of hosts that are not made members; may be NULL
    void *context;                 // of dropped
};

// Compiles into an image of dialgate/snapshot.h in a memfd sealed against write, growing, shrinking and more
// seals. Returns 0 with *memfd (the caller closes it) and *size_out, or -errno with error set.
int config_compile(const struct compile_input *input, int *memfd, size_t *size_out, char *error, size_t size);

// Which keys differ between old and new that only a restart of dialgate-dataplane (or of dialgate-control)
// brings into force. Returns true when there are any, with their paths joined by ", " in text (cut at size).
bool config_needs_restart(const struct config *old, const struct config *new, char *text, size_t size);

// Frees config; NULL is fine.
void config_free(struct config *config);

// Each key, in the order of the reference, from the same table that the parser reads.
struct config_option {
    const char *group; // the mapping: "workers", "peers[].members[]", "networks.NAME"; "include" has no keys
    const char *group_help;
    const char *key;
    const char *type;
    const char *unit;     // "": none
    const char *fallback; // the default; NULL: must be given; "": none
    const char *range;    // valid during the visit
    const char *effect;   // what brings it into force
    const char *help;
};
typedef void config_option_visitor(void *context, const struct config_option *option);
void config_options(config_option_visitor *visit, void *context);

// Prints the reference: aligned columns, and one line of help a key.
void config_reference(FILE *out);

// What differs between two configurations, key by key. Peers, listeners, networks and members go by their
// names
// ("peers.sbcs.limits.burst", "peers.sbcs.members.10.0.0.1:5060"), routes by their position.
enum config_change_kind { CONFIG_CHANGED, CONFIG_ADDED, CONFIG_REMOVED };
struct config_change {
    enum config_change_kind kind;
    const char *path;
    const char *before; // as config_print() prints it; "": nothing
    const char *after;
    const char *effect; // what brings it into force
};
typedef void config_change_visitor(void *context, const struct config_change *change);

// Texts are valid during the visit. Returns 0 or -ENOMEM.
int config_diff(const struct config *old, const struct config *new, config_change_visitor *visit,
                void *context);

// What control itself needs. Texts live as long as config.
// A listener of ours has it.
bool config_has_ipv6(const struct config *config);
const char *config_metrics_address(const struct config *config,
                                   uint16_t *port);              // "127.0.0.1", port in host order
const char *config_control_group(const struct config *config);   // name of the control socket's group
const char *config_state_directory(const struct config *config); // absolute path
uint64_t config_versions(const struct config *config);           // how many are kept
struct config_control_view {
    const char *role_groups[3]; // of viewers, operators, admins; "": not given
    const char *audit;          // absolute path, "": none
    uint32_t clients;
    uint32_t line_timeout_ms, reader_timeout_ms;
};
struct config_control_view config_control_view(const struct config *config);
struct config_records_view {
    const char *file;         // absolute path, "": no records
    unsigned format, sync;    // index among their choices
    uint64_t rotate_size;     // octets, 0: never
    uint64_t rotate_interval; // ms, 0: never
};
struct config_records_view config_records_view(const struct config *config);
struct config_capture_view {
    const char *directory; // absolute path
    uint64_t duration_ms;
    uint64_t size; // octets
    uint32_t hep_id;
};
struct config_capture_view config_capture_view(const struct config *config);
struct config_events_view {
    uint64_t keep;    // events
    const char *file; // absolute path, "": none
    bool file_dialogs, syslog;
};
struct config_events_view config_events_view(const struct config *config);

enum config_isolation { CONFIG_ISOLATION_AUTO, CONFIG_ISOLATION_ON, CONFIG_ISOLATION_OFF };

// Applications, in the order of the file.
enum config_refer { CONFIG_REFER_ACCEPT, CONFIG_REFER_REFUSE, CONFIG_REFER_ASK };
struct config_answer_view {
    uint16_t status;        // 0: calls wait for a program
    uint16_t ring_status;   // 0: none
    uint32_t after_ms;      // both after the INVITE
    uint32_t ring_after_ms; //
    uint32_t hang_up_ms;    // after the answer; 0: never
    const char *body;       // session description; NULL: none
    size_t body_length;
};
struct config_retry_view {
    uint32_t count;
    uint32_t first_ms;
    uint32_t factor_percent;
    uint32_t cap_ms;
    uint32_t jitter_percent;
};
struct config_application_view {
    const char *name;
    struct config_answer_view answer;
    enum config_refer refer;
    size_t refer_targets; // 0: any
    uint32_t refer_wait_ms;
    enum config_refer replaces;
    bool replaces_any_peer;
    struct config_retry_view retry;
    uint32_t session_expires_s; // 0: it asks for none
};
uint32_t config_applications(const struct config *config); // how many
struct config_application_view config_application_view(const struct config *config, uint32_t index);
// False: there is no such policy.
bool config_retry_view(const struct config *config, const char *name, struct config_retry_view *view);

// Whom a REFER may make an application call.
struct config_refer_target {
    const char *peer; // NULL: a URI's parts
    const char *user; // its user part begins so; not ended by a NUL
    size_t user_length;
    const char *host; // NULL: any
};
struct config_refer_uri {
    const char *peer; // that the routes lead to; NULL: none
    const char *user, *host;
    size_t user_length, host_length;
    bool elsewhere; // it names the host, and leads to another one (maddr)
};
bool config_refer_target_at(const struct config *config, uint32_t application, size_t index,
                            struct config_refer_target *target);
bool config_refer_target_takes(const struct config_refer_target *target, const struct config_refer_uri *uri);

// What messages of applications' calls may have, in octets and numbers.
struct config_ua_limits_view {
    uint32_t header_line, body, uri, call_id, replaces, tag;
    uint32_t vias, routes, refer_to_parameters, media;
};
struct config_ua_limits_view config_ua_limits_view(const struct config *config);

// What is configured, in the order of the file, for those who show it. Texts live as long as config. Each
// returns false behind the last one.
struct config_listener_view {
    const char *name;
    const char *network;
    struct ip_address address;
    uint16_t port; // host order
};
struct config_peer_view {
    const char *name;
    const char *listener; // the first of them
    const char *balance;  // as in the file: "call-id"
    size_t sources;       // prefixes under `sources`
    size_t members;
};
struct config_member_view {
    struct ip_address address;
    uint16_t port; // host order
    uint32_t weight;
};
bool config_network_at(const struct config *config, size_t index, struct snapshot_network *view);
bool config_listener_at(const struct config *config, size_t index, struct config_listener_view *view);
bool config_peer_at(const struct config *config, size_t index, struct config_peer_view *view);
bool config_member_at(const struct config *config, size_t peer, size_t index,
                      struct config_member_view *view);

#endif
