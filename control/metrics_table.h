// SPDX-License-Identifier: BSD-3-Clause
// The metric families that dialgate-control makes itself; those of the counters file are the rows of
// include/dialgate/counters.h. Both together are every family there is: /metrics, metrics.get and
// control/METRICS.md show them all and no other.
#ifndef DIALGATE_CONTROL_METRICS_TABLE_H
#define DIALGATE_CONTROL_METRICS_TABLE_H

// M(NAME, metric name, type, labels, help)
// clang-format off
#define METRICS(M)                                                                                                     \
    M(BUILD_INFO, "dialgate_build_info", "gauge", "version", "Always 1; the release of dialgate-control.")             \
    M(DATAPLANE_UP, "dialgate_dataplane_up", "gauge", "", "1 when the dataplane is connected and takes packets.")      \
    M(READY, "dialgate_ready", "gauge", "",                                                                            \
      "1 when calls can be taken with the present configuration; /readyz tells what is missing.")                      \
    M(SEQUENCE, "dialgate_configuration_sequence", "gauge", "",                                                        \
      "Sequence of the configuration that control has in force.")                                                      \
    M(DATAPLANE_SEQUENCE, "dialgate_dataplane_configuration_sequence", "gauge", "",                                    \
      "Sequence of the configuration that the dataplane has in force; 0: none, or it is not connected.")               \
    M(RELOADS, "dialgate_configuration_reloads_total", "counter", "result",                                            \
      "Reloads of the file since dialgate-control started, by what came of them.")                                     \
    M(RELOAD_GOOD, "dialgate_configuration_last_reload_successful", "gauge", "",                                       \
      "1 when the last reload was taken; 1 too before the first one.")                                                 \
    M(RELOAD_TIME, "dialgate_configuration_last_reload_time_seconds", "gauge", "",                                     \
      "Unix time of the last reload, or of the start.")                                                                \
    M(UPTIME, "dialgate_control_uptime_seconds", "gauge", "", "Since dialgate-control started.")                       \
    M(START_TIME, "dialgate_control_start_time_seconds", "gauge", "", "Unix time at which dialgate-control started.")  \
    M(CALLS_LIMIT, "dialgate_peer_calls_limit", "gauge", "peer, direction", "Calls that a peer may have at once.")     \
    M(RATE_LIMIT, "dialgate_peer_calls_per_second_limit", "gauge", "peer, direction",                                  \
      "New calls a second that a peer may begin or get.")                                                              \
    M(DRAINING, "dialgate_draining", "gauge", "", "1 while the operator drains this node.")                            \
    M(MEMBER_DRAINED, "dialgate_member_drained", "gauge", "peer, member",                                              \
      "1 while the operator drains or disables a member, or its peer.")                                                \
    M(DATAPLANE_START, "dialgate_dataplane_start_time_seconds", "gauge", "", "Unix time at which the dataplane started.")\
    M(QUEUE_RECEIVED, "dialgate_queue_packets_received_total", "counter", "network, queue, worker",                    \
      "Packets taken from each NIC queue, by the worker that owns it.")                                                \
    M(WORKER_BUSY, "dialgate_worker_busy_seconds_total", "counter", "worker",                                          \
      "Time of a worker's turns that received something; its rate is the load of the core, whatever the CPU says.")    \
    M(MBUFS_USED, "dialgate_mbufs_used", "gauge", "", "Packet buffers in use, those in the NICs' queues too.")         \
    M(MBUFS_CAPACITY, "dialgate_mbufs_capacity", "gauge", "", "Packet buffers that there are.")                        \
    M(MEMORY_REFUSED, "dialgate_memory_refused_total", "counter", "",                                                  \
      "Times that DPDK was refused more huge pages than memory.mb.")                                                   \
    M(HOST_READS, "dialgate_host_reads_total", "counter", "", "Readings of the kernel's links, addresses, routes and neighbours.") \
    M(HOST_READ_FAILURES, "dialgate_host_read_failures_total", "counter", "", "Such readings that failed.")             \
    M(HOST_ASKS_DROPPED, "dialgate_host_asks_dropped_total", "counter", "",                                            \
      "Neighbours that the kernel was not asked for and path MTUs that were not taken, as it did not answer.")         \
    M(ADDRESSES_MISSING, "dialgate_listener_addresses_missing", "gauge", "",                                           \
      "Listeners' addresses that no interface of this machine has.")                                                   \
    M(PEER_REQUESTS, "dialgate_peer_requests_total", "counter", "peer, method", "Requests received from a peer.")      \
    M(PEER_RESPONSES, "dialgate_peer_responses_total", "counter", "peer, class", "Responses received from a peer.")    \
    M(PEER_CALLS_TOTAL, "dialgate_peer_calls_total", "counter", "peer, direction",                                     \
      "INVITEs outside a dialog that were sent on, by the peer's side of the call.")                                   \
    M(PEER_ANSWERED, "dialgate_peer_calls_answered_total", "counter", "peer, direction", "Calls that a 2xx confirmed.")\
    M(PEER_CALLS, "dialgate_peer_calls", "gauge", "peer, direction", "Calls of a peer now, early and confirmed.")      \
    M(PEER_REFUSED, "dialgate_peer_calls_refused_total", "counter", "peer, direction",                                 \
      "Calls of a peer that a limit or overload refused.")                                                             \
    M(MEMBER_CALLS_TOTAL, "dialgate_member_calls_total", "counter", "peer, member",                                    \
      "INVITEs outside a dialog that were sent to a member.")                                                          \
    M(MEMBER_ANSWERED, "dialgate_member_calls_answered_total", "counter", "peer, member",                              \
      "Calls to a member that a 2xx confirmed.")                                                                       \
    M(MEMBER_TIMEOUTS, "dialgate_member_timeouts_total", "counter", "peer, member",                                    \
      "Client transactions that a member did not answer.")                                                             \
    M(MEMBER_CALLS, "dialgate_member_calls", "gauge", "peer, member", "Calls with a member now, early and confirmed.") \
    M(MEMBER_FAILOVERS, "dialgate_member_failovers_total", "counter", "peer, member",                                  \
      "Requests that went to the next member instead.")                                                                \
    M(MEMBER_PROBES, "dialgate_member_probes_total", "counter", "peer, member",                                        \
      "OPTIONS sent to a member to see whether it is well.")                                                           \
    M(MEMBER_UP, "dialgate_member_up", "gauge", "peer, member",                                                        \
      "1 while the probes of a member are answered well, 0 while it is down; none before the first result.")           \
    M(MEMBER_PROBES_FAILED, "dialgate_member_probes_failed_total", "counter", "peer, member",                          \
      "Of the probes: not answered, or not well.")                                                                     \
    M(RPC_CLIENTS, "dialgate_control_clients", "gauge", "", "Connections to the control socket.")                      \
    M(RPC_REQUESTS, "dialgate_control_requests_total", "counter", "", "Requests on the control socket.")               \
    M(RPC_REFUSED, "dialgate_control_refused_total", "counter", "reason",                                              \
      "Connections and requests that the control socket refused, by reason.")                                          \
    M(RPC_ERRORS, "dialgate_control_errors_total", "counter", "category, severity",                                    \
      "Requests that were answered with an error, by whose matter it is and how bad (dg_code_category() in ua.h).")     \
    M(EVENTS, "dialgate_events_total", "counter", "kind", "Events of the stream since dialgate-control started.")      \
    M(EVENTS_LOST, "dialgate_events_lost_total", "counter", "cause",                                                   \
      "Events that somebody did not get: a client that did not read, the file, syslog, or we from the data plane.")    \
    M(EVENTS_FAILED, "dialgate_events_write_failures_total", "counter", "",                                            \
      "Times that the file or syslog did not take events; they are tried again.")                                      \
    M(AUDITED, "dialgate_control_audited_total", "counter", "", "Audited calls: changes, done or refused.")            \
    M(AUDIT_LOST, "dialgate_control_audit_lost_total", "counter", "", "Audited calls that control.audit did not take.")\
    M(RECORDS_WRITTEN, "dialgate_records_written_total", "counter", "", "Records of calls in the file.")                \
    M(RECORDS_OCTETS, "dialgate_records_written_bytes_total", "counter", "", "Octets of their lines.")                  \
    M(RECORDS_LOST, "dialgate_records_lost_total", "counter", "",                                                      \
      "Records that the data plane had no room for, or whose numbers are missing.")                                   \
    M(RECORDS_FAILED, "dialgate_records_write_failures_total", "counter", "",                                          \
      "Times that the file did not take records; the data plane keeps them meanwhile.")                               \
    M(RECORDS_WAITING, "dialgate_records_waiting_bytes", "gauge", "",                                                  \
      "What waited in the data plane when it was told last.")                                                         \
    M(CAPTURES, "dialgate_captures", "gauge", "", "Captures that run.")                                                \
    M(CAPTURES_BEGUN, "dialgate_captures_started_total", "counter", "", "Captures that were started.")                 \
    M(CAPTURED, "dialgate_captured_messages_total", "counter", "to", "Messages given to captures' files and collectors.")\
    M(CAPTURES_LOST, "dialgate_captured_messages_lost_total", "counter", "cause",                                      \
      "Messages missing in captures, by what did not take them: a worker's ring, the file, the network to the collector.")\
    M(CAPTURES_DAMAGED, "dialgate_capture_rings_damaged_total", "counter", "",                                         \
      "Times that what a worker's ring of captures held made no sense and was thrown away.")                           \
    M(UA_DIALOGS, "dialgate_ua_dialogs", "gauge", "application", "Dialogs of an application that control knows.")       \
    M(UA_CALLS_PLACED, "dialgate_ua_calls_placed_total", "counter", "application", "Calls that an application began.") \
    M(UA_CALLS_TAKEN, "dialgate_ua_calls_offered_total", "counter", "application", "Calls that came for an application.")\
    M(UA_REFUSED, "dialgate_ua_requests_unattended_total", "counter", "application",                                   \
      "Requests that were answered 480 because nobody was attached.")                                                  \
    M(UA_EVENTS, "dialgate_ua_events_total", "counter", "application", "Events told to an application.")               \
    M(UA_ATTACHED, "dialgate_ua_attached", "gauge", "application", "Connections that are attached to an application.") \
    M(UA_OPERATIONS, "dialgate_ua_operations_total", "counter", "operation, result",                                   \
      "Operations of applications, by what the data plane made of them.")                                              \
    M(UA_TIMES, "dialgate_ua_operation_seconds", "histogram", "",                                                      \
      "Until the data plane has carried out an operation of an application.")                                          \
    M(UA_AGAIN, "dialgate_ua_retries_total", "counter", "cause",                                                       \
      "Requests that were sent again in the name of one that failed: any, and of these those with another cause.")     \
    M(UA_TRANSITIONS, "dialgate_ua_transitions_total", "counter", "from, to, reason",                                      \
      "Changes of state of applications' dialogs, by why; those that there have been.")                                \
    M(UA_EVENTS_LOST, "dialgate_ua_events_lost_total", "counter", "",                                                  \
      "Events for applications that the data plane could not keep for control.")                                       \
    M(UA_NOT_KEPT, "dialgate_ua_not_kept_total", "counter", "",                                                        \
      "Records of calls, registrations and transfers that a restart of control would not find again.")                 \
    M(REFERS, "dialgate_refer_transfers_total", "counter", "origin, kind, outcome",                                    \
      "Transfers that are over, by who made them, blind or attended, and by what came of them.")                       \
    M(REFERS_OPEN, "dialgate_refer_transfers", "gauge", "origin", "Transfers under way.")                              \
    M(REFERS_UNKEPT, "dialgate_refer_transfers_unkept_total", "counter", "",                                           \
      "Transfers that are not listed because too many were under way.")                                                \
    M(TAKEOVERS, "dialgate_refer_takeovers_total", "counter", "outcome",                                               \
      "Calls of applications that are to take another one's place (Replaces), by what came of it.")                    \
    M(BANS, "dialgate_bans", "gauge", "", "Sources that are banned now, by operators and rules.")                       \
    M(BANS_BEGUN, "dialgate_bans_total", "counter", "rule, action",                                                    \
      "Bans that rules began, and in dry-run those that they would have begun.")                                       \
    M(BANS_REFUSED, "dialgate_bans_refused_total", "counter", "", "Bans that rules did not begin for want of room.")    \
    M(PREFILTER, "dialgate_prefilter_packets_total", "counter", "network, reason",                                     \
      "What the XDP program, or where none runs the workers' filter, did with each packet.")                             \
    M(PREFILTER_CLASS, "dialgate_prefilter_class_packets_total", "counter", "peer, result",                            \
      "The same by the peer that the source belongs to, \"-\" for strangers; each packet whose source was asked for.") \
    M(DROP_NOTES, "dialgate_prefilter_drop_notes_total", "counter", "",                                                \
      "Dropped packets that `prefilter drops` was told of, a sample, since dialgate-control started.")                 \
    M(DROP_NOTES_LOST, "dialgate_prefilter_drop_notes_lost_total", "counter", "",                                      \
      "Of the sample: those that nobody read in time, such as while dialgate-control was away.")
// clang-format on

enum metric {
#define M(name, metric, type, labels, help) METRIC_##name,
    METRICS(M)
#undef M
        METRIC_COUNT
};

struct metric_row {
    const char *name;
    const char *type; // counter, gauge
    const char *labels;
    const char *help;
};
extern const struct metric_row metric_rows[METRIC_COUNT];

#endif
