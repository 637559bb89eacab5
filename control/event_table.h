// SPDX-License-Identifier: BSD-3-Clause
// Every event there is: one row each. What events.follow can filter, the reference (`dialgatectl api`) and
// the metrics come from these rows; a test holds the fields of what is emitted against them.
#ifndef DIALGATE_CONTROL_EVENT_TABLE_H
#define DIALGATE_CONTROL_EVENT_TABLE_H

// K(KIND, word, what it tells of)
// clang-format off
#define EVENT_KINDS(K)                                                                                                 \
    K(DIALOG, "dialog", "changes of dialogs' states")                                                                  \
    K(MEMBER, "member", "changes of probed members' health")                                                           \
    K(LIMIT, "limit", "limits that refuse calls")                                                                      \
    K(BAN, "ban", "bans of addresses")                                                                                 \
    K(DROP, "drop", "packets of peers that the prefilter drops")                                                       \
    K(CONFIG, "config", "configurations on their way into force")                                                      \
    K(REFER, "refer", "transfers, whoever makes them")                                                                 \
    K(CAPTURE, "capture", "captures of messages")                                                                      \
    K(HEALTH, "health", "both programs, overload, what the operator takes out of service")

// E(NAME, KIND, name, fields in their order, what happened)
#define EVENTS(E)                                                                                                      \
    E(DIALOG_CHANGED, DIALOG, "changed",                                                                               \
      "dataplane_seq, id, call, from, to, reason, caller_peer, callee_peer, member",                                   \
      "a dialog came to another state; call is the same for all dialogs of a Call-ID")                                 \
    E(DIALOG_LOST, DIALOG, "lost", "count, first, last",                                                               \
      "changes that the data plane could not keep for us, by their dataplane_seq")                                     \
    E(MEMBER_UP, MEMBER, "up", "dataplane_seq, peer, member, from, reason, in_row, probes_total",                      \
      "in_row probes were answered well")                                                                              \
    E(MEMBER_DOWN, MEMBER, "down", "dataplane_seq, peer, member, from, reason, in_row, probes_total",                  \
      "in_row probes failed, the last for this reason")                                                                \
    E(MEMBER_UNKNOWN, MEMBER, "unknown", "dataplane_seq, peer, member, from, reason, in_row, probes_total",            \
      "it is probed no longer")                                                                                        \
    E(MEMBER_LOST, MEMBER, "lost", "count, first, last", "as dialog lost")                                             \
    E(LIMIT_REACHED, LIMIT, "reached", "limit, peer, refused_per_second, calls, calls_per_second",                     \
      "a limit refuses calls of or to this peer, where it is of one")                                                  \
    E(LIMIT_OVER, LIMIT, "over", "limit, peer, refused, seconds", "it has refused none for ten seconds")               \
    E(BAN_ADDED, BAN, "added", "address, seconds, who", "seconds are null for one that lasts until it is lifted")      \
    E(BAN_REMOVED, BAN, "removed", "address, who", "somebody lifted it")                                               \
    E(BAN_BY_RULE, BAN, "by_rule", "dataplane_seq, address, reason, seconds, times, dry_run",                          \
      "a rule of bans began the times-th ban of a source; dry_run: it only tells")                                     \
    E(BAN_EXPIRED, BAN, "expired", "dataplane_seq, address, reason, seconds, times, dry_run", "its time is over")      \
    E(BAN_ENDED, BAN, "ended", "dataplane_seq, address, reason, seconds, times, dry_run",                              \
      "its source is a peer's or allowed now, or its rule bans no more")                                               \
    E(BAN_LOST, BAN, "lost", "count, first, last", "as dialog lost")                                                   \
    E(DROP_BEGAN, DROP, "began", "peer, reasons, packets_per_second",                                                  \
      "packets of a peer are dropped, or in dry-run would be; reasons as in dialgate_prefilter_class_packets_total")   \
    E(DROP_OVER, DROP, "over", "peer, packets, seconds", "none was for ten seconds")                                   \
    E(CONFIG_RELOADED, CONFIG, "reloaded", "who, version, sequence, file, text", "a file is in force")                 \
    E(CONFIG_ROLLED_BACK, CONFIG, "rolled_back", "who, version, sequence, file, text", "a version of before is")       \
    E(CONFIG_REFUSED, CONFIG, "refused", "cause, who, text", "what was to come into force did not")                    \
    E(CONFIG_ADDRESSES, CONFIG, "addresses", "sequence, text", "DNS gave members other addresses")                     \
    E(REFER_BEGAN, REFER, "began",                                                                                     \
      "refer, origin, transfer, dialog, call, from_peer, to_peer, sender, to, referred_by",                            \
      "somebody refers somebody; refer.show has it by its id")                                                         \
    E(REFER_PROGRESS, REFER, "progress",                                                                               \
      "refer, origin, transfer, dialog, call, from_peer, to_peer, state, status, reason",                              \
      "the REFER was answered, or a NOTIFY tells another status of the call")                                          \
    E(REFER_ENDED, REFER, "ended",                                                                                     \
      "refer, origin, transfer, dialog, call, from_peer, to_peer, outcome, status, reason, duration_ms",               \
      "its outcome is known, or never will be")                                                                        \
    E(REFER_LOST, REFER, "lost", "count", "messages about transfers that the data plane could not tell of")            \
    E(CAPTURE_STARTED, CAPTURE, "started", "capture, who, file, hep", "somebody captures messages")                    \
    E(CAPTURE_ENDED, CAPTURE, "ended", "capture, reason, messages, lost, file, hep", "it is over, its file is whole")  \
    E(CONTROL_STARTED, HEALTH, "control_started", "version, pid", "the first of a stream")                             \
    E(DATAPLANE_CONNECTED, HEALTH, "dataplane_connected", "state, pid, boot, sequence", "the data plane answers")      \
    E(DATAPLANE_RESTARTED, HEALTH, "dataplane_restarted", "state, pid, boot, sequence",                                \
      "as connected, and it is another process: what the last one had not told is lost")                               \
    E(DATAPLANE_STATE, HEALTH, "dataplane_state", "state, text", "waiting, starting, running, failed")                 \
    E(DATAPLANE_AWAY, HEALTH, "dataplane_away", "reason", "the connection ended")                                      \
    E(OVERLOAD, HEALTH, "overload", "worker, reasons, refused_percent", "a worker is behind and refuses new calls")    \
    E(OVERLOAD_OVER, HEALTH, "overload_over", "worker, refused", "it is not any more")                                 \
    E(WORKER_STUCK, HEALTH, "worker_stuck", "worker", "a worker has made no turn for three seconds")                   \
    E(WORKER_BACK, HEALTH, "worker_back", "worker, seconds", "it turns again")                                         \
    E(NETWORK_DOWN, HEALTH, "network_down", "network", "a network's interface is down, or has lost its link")          \
    E(NETWORK_UP, HEALTH, "network_up", "network, seconds", "it is up again, after so long")                           \
    E(ADDRESSES_MISSING, HEALTH, "addresses_missing", "count, before",                                                 \
      "so many listeners' addresses are on no interface of this machine")                                              \
    E(DRAIN, HEALTH, "drain", "peer, member, state, who",                                                              \
      "enabled, draining or disabled: the node where peer is null, the peer where member is")                          \
    E(RECORDS_FAILING, HEALTH, "records_failing", "waiting_octets", "the file of calls' records takes none")           \
    E(RECORDS_WRITTEN, HEALTH, "records_written", "lost", "it takes them again")                                       \
    E(RECORDS_LOST, HEALTH, "records_lost", "count, total", "records of calls that nothing had room for")
// clang-format on

enum event_kind {
#define K(kind, word, help) EVENT_KIND_##kind,
    EVENT_KINDS(K)
#undef K
        EVENT_KIND_COUNT
};

enum event_name {
#define E(name, kind, word, fields, help) EVENT_##name,
    EVENTS(E)
#undef E
        EVENT_COUNT
};

struct event_row {
    const char *name;
    const char *fields; // joined by ", "
    const char *help;
    enum event_kind kind;
};
extern const struct event_row event_rows[EVENT_COUNT];
extern const char *const event_kinds[EVENT_KIND_COUNT + 1]; // words, NULL behind the last one
extern const char *const event_kinds_help[EVENT_KIND_COUNT];

#endif
