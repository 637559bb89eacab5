// SPDX-License-Identifier: BSD-3-Clause
// The counters file: a memfd that the dataplane makes and writes, and that control maps read-only.
//
// One header, then the agent's block, then one block a worker. A worker's block is: struct counters_worker,
// then peers_max struct counters_peer, then members_max struct counters_member, each indexed by permanent
// number. Every word has one writer (its worker, or the agent), is written with relaxed atomic stores, and
// may be read at any moment; a reader sums over workers. Nothing here is a pointer.
//
// A counter is one row of COUNTERS: name, family, label, help. A family is one row of COUNTER_FAMILIES, a
// histogram one of HISTOGRAMS. Prometheus text, `dialgatectl metrics`, DPDK's telemetry and
// control/METRICS.md are made from these rows and from nothing else.
#ifndef DIALGATE_COUNTERS_H
#define DIALGATE_COUNTERS_H

#include <assert.h>
#include <stdint.h>
#include "dialgate/counters_network.h"
#include "dialgate/prefilter.h"

#define COUNTERS_MAGIC   0x31746e6374616c67ULL
#define COUNTERS_VERSION 6u
#define WORKERS_MAX      64u

// F(FAMILY, metric name, type, help)
// clang-format off
#define COUNTER_FAMILIES(F)                                                                                            \
    F(PACKETS_RECEIVED, "dialgate_packets_received_total", "counter", "Packets taken from NIC queues.")               \
    F(PACKETS, "dialgate_packets_total", "counter",                                                                    \
      "What became of each received packet; each packet is counted in exactly one outcome.")                          \
    F(REASSEMBLY, "dialgate_reassembly_total", "counter",                                                              \
      "Datagrams that came in fragments, by what became of them, and fragments refused by themselves.")               \
    F(PACKETS_SENT, "dialgate_packets_sent_total", "counter", "Packets given to NIC queues, and those that were not.") \
    F(STEERED, "dialgate_steered_total", "counter", "Messages by owner core as seen by the core that received them.")  \
    F(STEERED_FRAGMENTS, "dialgate_steered_fragments_total", "counter",                                                \
      "Fragments handed to the core that puts their datagram together, as seen by the core that received them.")       \
    F(INBOX, "dialgate_inbox_messages_total", "counter", "Messages that other cores handed over and this one took.")   \
    F(INBOX_DEEPEST, "dialgate_inbox_deepest", "gauge",                                                                \
      "The most messages that waited in one inbox of this core since the start.")                                      \
    F(MESSAGES, "dialgate_messages_total", "counter", "SIP messages that were parsed, by kind.")                       \
    F(ANSWERS, "dialgate_answers_total", "counter", "Responses that Dialgate itself made, by status code.")            \
    F(TRANSACTIONS, "dialgate_transactions_total", "counter", "Transactions by kind.")                                 \
    F(TRANSACTION_EVENTS, "dialgate_transaction_events_total", "counter", "What happened to transactions.")            \
    F(TRANSACTIONS_LIVE, "dialgate_transactions", "gauge", "Transactions in memory now.")                              \
    F(DIALOG_EVENTS, "dialgate_dialog_events_total", "counter", "What happened to dialogs.")                           \
    F(DIALOGS_LIVE, "dialgate_dialogs", "gauge", "Dialogs in memory now, by state.")                                   \
    F(DIALOGS_FOUND, "dialgate_dialogs_found_total", "counter",                                                        \
      "Dialogs in the files of earlier processes, by what became of them at the start.")                               \
    F(DIALOGS_IN_IMAGES, "dialgate_dialogs_in_images", "gauge",                                                        \
      "Dialogs taken over whose texts still lie in an earlier process's file.")                                        \
    F(KEEPALIVES, "dialgate_keepalives_total", "counter", "OPTIONS inside dialogs, and what they found.")              \
    F(AFFINITY, "dialgate_affinity_total", "counter", "Requests that are for the member that holds their call.")       \
    F(FAILOVERS, "dialgate_failovers_total", "counter",                                                                \
      "Requests that went on to another member, by what the one before did, and those that did not for want of room.") \
    F(WAYS_REFUSED, "dialgate_refused_next_hops_total", "counter",                                                     \
      "Requests inside dialogs whose URI leads where nothing is sent, by what is wrong with it.")                      \
    F(NAMES, "dialgate_next_hop_names_total", "counter",                                                               \
      "Names of next hops inside dialogs that DNS is asked for, and the requests that need them.")                     \
    F(LIMITS, "dialgate_limited_calls_total", "counter", "Calls that a limit refused, by limit.")                      \
    F(DRAINED, "dialgate_drained_requests_total", "counter",                                                           \
      "Requests outside dialogs answered 503 because the operator drains something, by what.")                         \
    F(OVERLOADED, "dialgate_overloaded", "gauge", "Whether the worker is behind now, by what shows it.")               \
    F(OVERLOAD_SHARE, "dialgate_overload_refused_percent", "gauge", "Share of new calls that the worker refuses now.") \
    F(OVERLOAD_EVENTS, "dialgate_overload_events_total", "counter", "What overload control did.")                      \
    F(SIGNS, "dialgate_ban_signs_total", "counter",                                                                    \
      "Messages of sources that are no peers which count for a ban, by rule; bans in force and in dry-run alike.")     \
    F(CALL_RECORDS, "dialgate_call_records_total", "counter", "Records of calls that ended, on the way to control.")     \
    F(CAPTURES, "dialgate_capture_events_total", "counter", "What captures of messages did.")                          \
    F(UA_EVENTS, "dialgate_application_events_total", "counter", "Between workers and control about applications' calls.") \
    F(OPERATOR_REFERS, "dialgate_operator_refer_events_total", "counter",                                              \
      "REFERs that operators put into proxied calls, and what came of them.")                                          \
    F(REFERRALS, "dialgate_refer_events_total", "counter", "Transfers between peers, as they passed.")                  \
    F(TURNS, "dialgate_turns_total", "counter", "Turns of the worker's loop, by whether there was work.")              \
    F(ICMP_ERRORS, "dialgate_icmp_errors_total", "counter", "ICMP errors about what was sent, by what they came to.") \
    F(PROBES_EARLY, "dialgate_probes_early_total", "counter", "Probes of members before their time, as an ICMP error named the member.") \
    F(HOST_EVENTS, "dialgate_next_hop_total", "counter", "Next-hop lookups that could not be served at once.")        \
    F(RESOURCES_USED, "dialgate_resource_used", "gauge", "What is taken of what has a fixed size, by resource.")       \
    F(RESOURCES_CAPACITY, "dialgate_resource_capacity", "gauge", "How much there is of it.")                           \
    F(TIMERS, "dialgate_timers", "gauge", "Timers that pend on the wheel.")                                            \
    F(ARENA_REFUSALS, "dialgate_arena_refusals_total", "counter", "Texts for which the arena had no room.")

// C(NAME, FAMILY, label pairs as in Prometheus text, what it means)
#define COUNTERS(C)                                                                                                    \
    C(RX_PACKETS, PACKETS_RECEIVED, "", "packets from this worker's NIC queues")                                      \
    /* Outcomes: their sum over all workers is RX_PACKETS once the rings are empty. */                                 \
    C(OUT_FORWARDED, PACKETS, "outcome=\"forwarded\"", "request or response sent on")                                  \
    C(OUT_APPLICATION, PACKETS, "outcome=\"application\"", "request that an application was told of")                     \
    C(OUT_ANSWERED, PACKETS, "outcome=\"answered\"", "request that Dialgate answered itself")                          \
    C(OUT_ABSORBED, PACKETS, "outcome=\"absorbed\"", "retransmission, ACK or response that ended here as it should")   \
    C(OUT_HOST, PACKETS, "outcome=\"host\"", "not for us: passed on to the kernel (attach: pci)")                        \
    C(OUT_FRAGMENT, PACKETS, "outcome=\"fragment\"", "fragment of a datagram, but the one that made it whole")          \
    C(DROP_NOT_IP, PACKETS, "outcome=\"dropped\",reason=\"not_ip\"", "no IPv4 or IPv6 packet")                         \
    C(DROP_VLAN, PACKETS, "outcome=\"dropped\",reason=\"vlan\"", "tagged otherwise than its network")                  \
    C(DROP_IP_HEADER, PACKETS, "outcome=\"dropped\",reason=\"ip_header\"", "IP header, extension header or length wrong") \
    C(DROP_SOURCE, PACKETS, "outcome=\"dropped\",reason=\"source\"", "source address that no host sends from")         \
    C(DROP_FRAGMENT, PACKETS, "outcome=\"dropped\",reason=\"fragment\"", "fragment that was refused, mostly with its datagram")  \
    C(DROP_NOT_UDP, PACKETS, "outcome=\"dropped\",reason=\"not_udp\"", "no UDP")                                       \
    C(DROP_UDP_HEADER, PACKETS, "outcome=\"dropped\",reason=\"udp_header\"", "UDP length or checksum wrong")           \
    C(DROP_LISTENER, PACKETS, "outcome=\"dropped\",reason=\"listener\"", "outside a dialog, at a listener that is not its peer's") \
    C(DROP_NOT_OURS, PACKETS, "outcome=\"dropped\",reason=\"not_ours\"", "no listener has this address and port")      \
    C(DROP_KEEPALIVE, PACKETS, "outcome=\"dropped\",reason=\"keepalive\"", "CRLF keepalive of RFC 5626")               \
    C(DROP_INBOX_FULL, PACKETS, "outcome=\"dropped\",reason=\"inbox_full\"", "the owner's inbox had no room")          \
    C(DROP_UNKNOWN_SOURCE, PACKETS, "outcome=\"dropped\",reason=\"unknown_source\"", "the source belongs to no peer")  \
    C(DROP_MALFORMED_REQUEST, PACKETS, "outcome=\"dropped\",reason=\"malformed_request\"",                             \
      "request too broken to answer, or a broken ACK")                                                                \
    C(DROP_MALFORMED_RESPONSE, PACKETS, "outcome=\"dropped\",reason=\"malformed_response\"", "response that is not SIP") \
    C(DROP_FORGED_BRANCH, PACKETS, "outcome=\"dropped\",reason=\"forged_branch\"",                                     \
      "response whose top Via is not ours or whose branch was not made by us")                                        \
    C(DROP_STRAY_RESPONSE, PACKETS, "outcome=\"dropped\",reason=\"stray_response\"", "response that nobody waits for") \
    C(DROP_FORGED_DIALOG, PACKETS, "outcome=\"dropped\",reason=\"forged_dialog\"",                                     \
      "in-dialog request from outside the dialog's peers")                                                            \
    C(DROP_STRAY_ACK, PACKETS, "outcome=\"dropped\",reason=\"stray_ack\"", "ACK that belongs to nothing here")         \
    C(DROP_MAX_FORWARDS, PACKETS, "outcome=\"dropped\",reason=\"max_forwards\"", "ACK with no hops left")              \
    C(DROP_NO_NEXT_HOP, PACKETS, "outcome=\"dropped\",reason=\"no_next_hop\"", "no route, or neighbour not known yet") \
    C(DROP_NO_MBUF, PACKETS, "outcome=\"dropped\",reason=\"no_mbuf\"", "the packet pool was empty")                    \
    C(DROP_TOO_LONG, PACKETS, "outcome=\"dropped\",reason=\"too_long\"", "what had to be sent is longer than its way takes") \
    C(DROP_NO_ROOM, PACKETS, "outcome=\"dropped\",reason=\"no_room\"", "no memory left for what the message needs")    \
    C(DROP_FILTERED, PACKETS, "outcome=\"dropped\",reason=\"filtered\"", "the software filter; dialgate_prefilter_packets_total tells why") \
    C(DROP_NAME_OPEN, PACKETS, "outcome=\"dropped\",reason=\"name_open\"", "its next hop's name was not known in time") \
    C(DROP_HOST_RATE, PACKETS, "outcome=\"dropped\",reason=\"host_rate\"", "for the kernel, but more than networks.host_rate") \
    C(DROP_HOST_FULL, PACKETS, "outcome=\"dropped\",reason=\"host_full\"", "for the kernel, which takes them too slowly") \
    C(REASSEMBLED, REASSEMBLY, "result=\"whole\"", "datagrams put together")                                           \
    C(REASSEMBLY_TIMED_OUT, REASSEMBLY, "result=\"timed_out\"", "datagrams whose other fragments did not come")        \
    C(REASSEMBLY_OVERLAP, REASSEMBLY, "result=\"overlap\"", "datagrams whose fragments contradict each other")         \
    C(REASSEMBLY_TOO_LONG, REASSEMBLY, "result=\"too_long\"", "datagrams longer than IP carries")                      \
    C(REASSEMBLY_PIECES, REASSEMBLY, "result=\"pieces\"", "datagrams of too many fragments")                           \
    C(REASSEMBLY_TINY, REASSEMBLY, "result=\"tiny\"", "first fragments without the whole UDP header")                  \
    C(REASSEMBLY_OF_SOURCE, REASSEMBLY, "result=\"of_source\"", "datagrams given up for newer ones of their source")   \
    C(REASSEMBLY_OF_PEER, REASSEMBLY, "result=\"of_peer\"", "datagrams given up for newer ones of their peer")         \
    C(REASSEMBLY_NO_ROOM, REASSEMBLY, "result=\"no_room\"", "datagrams given up for newer ones of anybody")            \
    C(TX_PACKETS, PACKETS_SENT, "result=\"sent\"", "packets the driver took")                                          \
    C(TX_REFUSED, PACKETS_SENT, "result=\"refused\"", "packets the driver did not take")                               \
    C(TX_HOST, PACKETS_SENT, "result=\"host\"", "frames of the kernel that the driver took (attach: pci)")           \
    C(TX_FRAGMENTED, PACKETS_SENT, "result=\"fragmented\"", "messages that left in fragments, which are counted as sent") \
    C(TX_RETRANSMITTED, PACKETS_SENT, "result=\"retransmission\"", "of those sent: repeated by a timer or a repeat")   \
    C(STEER_HERE, STEERED, "owner=\"self\"", "owned by the receiving core")                                            \
    C(STEER_AWAY, STEERED, "owner=\"other\"", "handed to another core")                                                \
    C(STEER_FRAGMENT, STEERED_FRAGMENTS, "", "")                                                                       \
    C(INBOX_TAKEN, INBOX, "", "owned by this core, received by another")                                               \
    C(INBOX_MOST, INBOX_DEEPEST, "", "of one inbox ring")                                                              \
    C(MESSAGE_INVITE, MESSAGES, "kind=\"INVITE\"", "INVITE outside a dialog")                                          \
    C(MESSAGE_REINVITE, MESSAGES, "kind=\"re-INVITE\"", "INVITE inside a dialog")                                      \
    C(MESSAGE_ACK, MESSAGES, "kind=\"ACK\"", "ACK")                                                                    \
    C(MESSAGE_BYE, MESSAGES, "kind=\"BYE\"", "BYE")                                                                    \
    C(MESSAGE_CANCEL, MESSAGES, "kind=\"CANCEL\"", "CANCEL")                                                           \
    C(MESSAGE_OPTIONS, MESSAGES, "kind=\"OPTIONS\"", "OPTIONS")                                                        \
    C(MESSAGE_OTHER, MESSAGES, "kind=\"other\"", "any other request")                                                  \
    C(MESSAGE_1XX, MESSAGES, "kind=\"1xx\"", "provisional response")                                                   \
    C(MESSAGE_2XX, MESSAGES, "kind=\"2xx\"", "success response")                                                       \
    C(MESSAGE_FAILURE, MESSAGES, "kind=\"3xx-6xx\"", "any other final response")                                       \
    C(ANSWER_100, ANSWERS, "status=\"100\"", "Trying")                                                                 \
    C(ANSWER_200, ANSWERS, "status=\"200\"", "OK, to CANCEL or by a route")                                            \
    C(ANSWER_400, ANSWERS, "status=\"400\"", "Bad Request")                                                            \
    C(ANSWER_404, ANSWERS, "status=\"404\"", "no route matched")                                                       \
    C(ANSWER_408, ANSWERS, "status=\"408\"", "nobody answered an INVITE")                                              \
    C(ANSWER_480, ANSWERS, "status=\"480\"", "ended by the operator before it was answered")                           \
    C(ANSWER_481, ANSWERS, "status=\"481\"", "no such dialog or transaction")                                          \
    C(ANSWER_482, ANSWERS, "status=\"482\"", "loop")                                                                   \
    C(ANSWER_483, ANSWERS, "status=\"483\"", "too many hops")                                                          \
    C(ANSWER_487, ANSWERS, "status=\"487\"", "cancelled")                                                              \
    C(ANSWER_503, ANSWERS, "status=\"503\"", "no room, or no member to send to")                                       \
    C(ANSWER_403, ANSWERS, "status=\"403\"", "next hop not allowed")                                                   \
    C(ANSWER_416, ANSWERS, "status=\"416\"", "Request-URI of a scheme that is not routed")                           \
    C(ANSWER_420, ANSWERS, "status=\"420\"", "Proxy-Require asks for what we do not do")                              \
    C(ANSWER_500, ANSWERS, "status=\"500\"", "the request could not be sent on")                                     \
    C(ANSWER_505, ANSWERS, "status=\"505\"", "a version that is not SIP/2.0")                                        \
    C(ANSWER_513, ANSWERS, "status=\"513\"", "longer than the way to the next hop carries")                          \
    C(ANSWER_OTHER, ANSWERS, "status=\"other\"", "any other status")                                                   \
    C(TRANSACTION_IST, TRANSACTIONS, "kind=\"invite_server\"", "begun")                                                \
    C(TRANSACTION_NIST, TRANSACTIONS, "kind=\"server\"", "begun")                                                      \
    C(TRANSACTION_ICT, TRANSACTIONS, "kind=\"invite_client\"", "begun")                                                \
    C(TRANSACTION_NICT, TRANSACTIONS, "kind=\"client\"", "begun")                                                      \
    C(TRANSACTION_REPEAT, TRANSACTION_EVENTS, "event=\"repeat_absorbed\"", "repeated request answered from memory")    \
    C(TRANSACTION_TIMEOUT, TRANSACTION_EVENTS, "event=\"timeout\"", "no final response came")                          \
    C(TRANSACTION_NO_ACK, TRANSACTION_EVENTS, "event=\"no_ack\"", "no ACK for a final refusal came (timer H)")         \
    C(TRANSACTION_FULL, TRANSACTION_EVENTS, "event=\"full\"", "table full")                                            \
    C(TRANSACTION_NOW, TRANSACTIONS_LIVE, "", "in memory")                                                             \
    C(DIALOG_CREATED, DIALOG_EVENTS, "event=\"created\"", "None: an INVITE was sent on")                               \
    C(DIALOG_ANSWERED, DIALOG_EVENTS, "event=\"confirmed\"", "a 2xx came")                                             \
    C(DIALOG_REFUSED, DIALOG_EVENTS, "event=\"refused\"", "ended by a final refusal, a CANCEL or a timeout")           \
    C(DIALOG_ENDED, DIALOG_EVENTS, "event=\"ended\"", "ended after it was confirmed")                                  \
    C(DIALOG_EXPIRED, DIALOG_EVENTS, "event=\"expired\"", "ended by its lifetime")                                     \
    C(DIALOG_NO_ACK, DIALOG_EVENTS, "event=\"no_ack\"", "forgotten: nobody acknowledged its 2xx")                      \
    C(DIALOG_SESSION_END, DIALOG_EVENTS, "event=\"session_end\"", "its session timer ran out (RFC 4028)")              \
    C(DIALOG_FULL, DIALOG_EVENTS, "event=\"full\"", "table or arena full")                                             \
    C(KEEPALIVE_SENT, KEEPALIVES, "event=\"sent\"", "OPTIONS to a side that was not heard for dialogs.keepalive")       \
    C(KEEPALIVE_DEAD, KEEPALIVES, "event=\"dead\"", "dialog found dead (481, 408, or no answer) and ended by BYE")      \
    C(DIALOG_NONE_NOW, DIALOGS_LIVE, "state=\"none\"", "")                                                             \
    C(DIALOG_EARLY_NOW, DIALOGS_LIVE, "state=\"early\"", "")                                                           \
    C(DIALOG_CONFIRMED_NOW, DIALOGS_LIVE, "state=\"confirmed\"", "")                                                   \
    C(DIALOG_TERMINATING_NOW, DIALOGS_LIVE, "state=\"terminating\"", "")                                               \
    C(FOUND_TAKEN, DIALOGS_FOUND, "result=\"taken_over\"", "in memory again, with counts and timers")                  \
    C(FOUND_DAMAGED, DIALOGS_FOUND, "result=\"damaged\"", "dropped: torn, or its octets had changed")                  \
    C(FOUND_NO_ROOM, DIALOGS_FOUND, "result=\"no_room\"", "dropped: dialogs.capacity is less than it was")             \
    C(IN_IMAGES_NOW, DIALOGS_IN_IMAGES, "", "")                                                                        \
    C(AFFINITY_ASKED, AFFINITY, "event=\"asked\"", "another core was asked which member holds the dialog that an INVITE names") \
    C(AFFINITY_KEPT, AFFINITY, "event=\"kept\"", "request sent to the member that holds its call or challenged it")   \
    C(AFFINITY_FORGOTTEN, AFFINITY, "event=\"forgotten\"", "a challenge's member was forgotten for want of room")     \
    C(FAILOVER_TIMEOUT, FAILOVERS, "reason=\"timeout\"", "it did not answer in time")                                  \
    C(FAILOVER_REFUSED, FAILOVERS, "reason=\"refused\"", "it answered with a status of failover.statuses")             \
    C(FAILOVER_UNREACHABLE, FAILOVERS, "reason=\"unreachable\"", "ICMP said so")                                       \
    C(FAILOVER_NO_ROOM, FAILOVERS, "reason=\"no_room\"", "no fail-over: the transactions were three quarters full")    \
    C(NEXT_HOP_TRANSPORT, WAYS_REFUSED, "reason=\"transport\"", "it asks for TLS or another transport than UDP")      \
    C(NEXT_HOP_REFUSED, WAYS_REFUSED, "reason=\"not_allowed\"", "no address or name of the peer on the other side, and no learnt source") \
    C(NAME_ASKED, NAMES, "event=\"asked\"", "DNS is to be asked for it, or once more")                                 \
    C(NAME_LIMITED, NAMES, "event=\"limited\"", "not asked: messages of the peer gave too many in this second")        \
    C(NAME_FULL, NAMES, "event=\"full\"", "not asked: too many wait to be asked")                                      \
    C(NAME_HELD, NAMES, "event=\"held\"", "a request waits until it is known")                                         \
    C(NAME_FOUND, NAMES, "event=\"found\"", "a request goes to an address of it")                                      \
    C(NAME_FOREIGN, NAMES, "event=\"foreign\"", "request refused: no address of it belongs to the peer of the other side") \
    C(NAME_UNKNOWN, NAMES, "event=\"unknown\"", "request refused: there is no such name, or it has no address")        \
    C(NAME_FAILED, NAMES, "event=\"failed\"", "request refused: DNS does not say")                                     \
    C(LIMIT_ALL, LIMITS, "limit=\"all\"", "of all peers together")                                                   \
    C(LIMIT_PEER_IN, LIMITS, "limit=\"peer_in\"", "of the peer that the call came from")                             \
    C(LIMIT_PEER_OUT, LIMITS, "limit=\"peer_out\"", "of the peer that the call was to go to")                        \
    C(LIMIT_MEMBER, LIMITS, "limit=\"member\"", "of every member that was left")                                     \
    C(DRAINED_NODE, DRAINED, "drained=\"node\"", "the whole node")                                                    \
    C(DRAINED_PEER, DRAINED, "drained=\"peer\"", "the peer that the request came from")                               \
    C(SIGN_MALFORMED, SIGNS, "rule=\"malformed\"", "no SIP")                                                          \
    C(SIGN_SCANNER, SIGNS, "rule=\"scanner\"", "the User-Agent of a scanner")                                         \
    C(SIGN_IN_DIALOG, SIGNS, "rule=\"in-dialog\"", "of a dialog that it has no part in")                              \
    C(OVERLOADED_TRANSACTIONS, OVERLOADED, "reason=\"transactions\"", "transactions in memory")                        \
    C(OVERLOADED_MBUFS, OVERLOADED, "reason=\"mbufs\"", "packet buffers in use")                                       \
    C(OVERLOADED_TURN, OVERLOADED, "reason=\"turn\"", "turns that last too long")                                      \
    C(OVERLOADED_QUEUE, OVERLOADED, "reason=\"queue\"", "a NIC queue or an inbox that does not drain")                  \
    C(OVERLOAD_LOSS, OVERLOAD_SHARE, "", "")                                                                           \
    C(OVERLOAD_REFUSED, OVERLOAD_EVENTS, "event=\"refused\"", "new call answered 503 by a worker that is behind")      \
    C(OVERLOAD_HEARD, OVERLOAD_EVENTS, "event=\"asked_by_member\"", "a member asked for fewer new requests (RFC 7339)") \
    C(OVERLOAD_RESTS, OVERLOAD_EVENTS, "event=\"member_rests\"", "a member's 503 had a Retry-After")                  \
    C(RECORD_MADE, CALL_RECORDS, "event=\"made\"", "on its way to control")                                             \
    C(RECORD_LOST, CALL_RECORDS, "event=\"lost\"", "control took none for so long that there was no room")              \
    C(CAPTURED, CAPTURES, "event=\"captured\"", "message on its way to control")                                       \
    C(CAPTURE_LOST, CAPTURES, "event=\"lost\"", "wanted, but control had not read what came before")                   \
    C(CAPTURE_FORGOTTEN, CAPTURES, "event=\"call_forgotten\"", "call that made room for a newer one that a capture follows") \
    C(UA_COMMAND, UA_EVENTS, "event=\"command\"", "commands that were carried out")                                    \
    C(UA_COMMAND_REFUSED, UA_EVENTS, "event=\"command_refused\"", "commands that could not be")                       \
    C(UA_TOLD, UA_EVENTS, "event=\"told\"", "events")                                                                  \
    C(UA_RING_FULL, UA_EVENTS, "event=\"ring_full\"", "events that found no room on their way to control")            \
    C(UA_UNHEARD, UA_EVENTS, "event=\"unheard\"", "events while no control was connected")                            \
    C(UA_UNSERVED, UA_EVENTS, "event=\"unserved\"", "requests answered 503, because control could not be told")       \
    C(UA_FULL, UA_EVENTS, "event=\"full\"", "dialogs.applications is reached: nothing can be under way in one more")  \
    C(REFER_OPERATOR, OPERATOR_REFERS, "event=\"sent\"", "REFER to one side in the name of the other")                \
    C(REFER_OPERATOR_NOTIFY, OPERATOR_REFERS, "event=\"notify\"", "NOTIFY about one, answered here")                  \
    C(REFER_OPERATOR_FULL, OPERATOR_REFERS, "event=\"full\"", "not sent: the worker has 256 under way")               \
    C(REFER_DENIED, REFERRALS, "event=\"denied\"", "REFERs that a peer's policy refused (403)")                        \
    C(REFER_TOLD, REFERRALS, "event=\"told\"", "messages about transfers that control was told of")                    \
    C(REFER_UNTOLD, REFERRALS, "event=\"untold\"", "likewise, while no control was there, or had no room")             \
    C(TURN_BUSY, TURNS, "work=\"yes\"", "turns that had something to do")                                              \
    C(TURN_IDLE, TURNS, "work=\"no\"", "turns that had nothing to do")                                                 \
    C(ICMP_FAILED, ICMP_ERRORS, "result=\"failed\"", "a request that waited for its answer failed at once")            \
    C(ICMP_STRAY, ICMP_ERRORS, "result=\"stray\"", "it quotes no request that waits for an answer, or another destination") \
    C(ICMP_IGNORED, ICMP_ERRORS, "result=\"ignored\"", "it is of another kind or quotes no request of a transaction of ours") \
    C(ICMP_NARROWED, ICMP_ERRORS, "result=\"narrowed\"", "a datagram to a peer was too long: for ten minutes none that long goes there") \
    C(PROBE_EARLY, PROBES_EARLY, "", "")                                                                               \
    C(NEXT_HOP_ASKED, HOST_EVENTS, "event=\"asked\"", "the kernel was asked to resolve a neighbour")                   \
    C(NEXT_HOP_UNROUTED, HOST_EVENTS, "event=\"unrouted\"", "the kernel has no route through one of our networks")   \
    /* The same order in both families (gauges.c). */                                                                  \
    C(USED_DIALOGS, RESOURCES_USED, "resource=\"dialogs\"", "records")                                                 \
    C(USED_TRANSACTIONS, RESOURCES_USED, "resource=\"transactions\"", "records")                                       \
    C(USED_TABLE, RESOURCES_USED, "resource=\"dialog_table\"", "entries by Call-ID")      \
    C(USED_ARENA, RESOURCES_USED, "resource=\"arena_octets\"", "octets of texts, as they were allocated")              \
    C(USED_INBOX, RESOURCES_USED, "resource=\"inbox\"", "packets from other workers that wait: the fullest ring")      \
    C(USED_TX, RESOURCES_USED, "resource=\"tx_ring\"", "frames of other workers that wait: the fullest ring")          \
    C(USED_COMMANDS, RESOURCES_USED, "resource=\"commands\"", "commands of the agent that wait")                       \
    C(USED_USAGES, RESOURCES_USED, "resource=\"usages\"", "applications' dialogs with something under way")            \
    C(CAPACITY_DIALOGS, RESOURCES_CAPACITY, "resource=\"dialogs\"", "dialogs.capacity")                                \
    C(CAPACITY_TRANSACTIONS, RESOURCES_CAPACITY, "resource=\"transactions\"", "transactions.capacity")                 \
    C(CAPACITY_TABLE, RESOURCES_CAPACITY, "resource=\"dialog_table\"", "")                                             \
    C(CAPACITY_ARENA, RESOURCES_CAPACITY, "resource=\"arena_octets\"", "")                                             \
    C(CAPACITY_INBOX, RESOURCES_CAPACITY, "resource=\"inbox\"", "of one ring")                                         \
    C(CAPACITY_TX, RESOURCES_CAPACITY, "resource=\"tx_ring\"", "of one ring")                                          \
    C(CAPACITY_COMMANDS, RESOURCES_CAPACITY, "resource=\"commands\"", "")                                              \
    C(CAPACITY_USAGES, RESOURCES_CAPACITY, "resource=\"usages\"", "")                                                   \
    C(TIMERS_NOW, TIMERS, "", "")                                                                                      \
    C(ARENA_REFUSED, ARENA_REFUSALS, "", "")
// clang-format on

enum counter_family {
#define F(family, name, type, help) FAMILY_##family,
    COUNTER_FAMILIES(F)
#undef F
        FAMILY_COUNT
};

enum counter {
#define C(name, family, labels, help) COUNTER_##name,
    COUNTERS(C)
#undef C
        COUNTER_COUNT
};

// H(NAME, metric name, steps of its values in a second, help)
// clang-format off
#define HISTOGRAMS(H)                                                                                                  \
    H(POST_DIAL_DELAY, "dialgate_post_dial_delay_seconds", 1000, "INVITE received to the first 180, 183 or 2xx sent on.") \
    H(ANSWER_TIME, "dialgate_answer_time_seconds", 1000, "INVITE received to its first 2xx sent on.")                  \
    H(CALL_DURATION, "dialgate_call_duration_seconds", 1, "Confirmed dialogs that have ended, from the 2xx to the end of the BYE.")             \
    H(FORWARDING, "dialgate_forwarding_latency_seconds", 1000000,                                                      \
      "From the turn that received a message to when the driver had taken what came of it.")                           \
    H(TURN, "dialgate_turn_seconds", 1000000, "Turns of the workers' loops that received something.")
// clang-format on

enum histogram {
#define H(name, metric, steps, help) HISTOGRAM_##name,
    HISTOGRAMS(H)
#undef H
        HISTOGRAM_COUNT
};

// Two buckets for each doubling: their upper bounds are 1, 2, 3, 4, 6, 8, 12, 16 ... steps, up to 786,432;
// the last one has no bound. So a quantile is read to at most a half more than it is.
#define HISTOGRAM_BUCKETS 40u

struct counters_histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS]; // not cumulative
    uint64_t sum;                        // of all values, in steps
};

// The bucket of a value.
static inline uint32_t histogram_bucket(uint64_t value)
{
    if (value < 2)
        return 0;
    uint64_t below = value - 1;
    uint32_t octave = 63u - (uint32_t)__builtin_clzll(below);
    uint32_t bucket = octave == 0 ? 1 : 2 * octave + (uint32_t)(below >> (octave - 1) & 1);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

// The largest value of a bucket but the last.
static inline uint64_t histogram_bound(uint32_t bucket)
{
    if (bucket < 2)
        return bucket + 1;
    return (uint64_t)(3 + (bucket & 1)) << (bucket / 2 - 1);
}

// P(NAME, label): requests by method as a peer's counters tell them apart; a re-INVITE is one inside a
// dialog.
#define PEER_METHODS(P)                                                                                      \
    P(INVITE, "INVITE")                                                                                      \
    P(ACK, "ACK")                                                                                            \
    P(BYE, "BYE")                                                                                            \
    P(CANCEL, "CANCEL")                                                                                      \
    P(OPTIONS, "OPTIONS")                                                                                    \
    P(REGISTER, "REGISTER")                                                                                  \
    P(PRACK, "PRACK")                                                                                        \
    P(SUBSCRIBE, "SUBSCRIBE")                                                                                \
    P(NOTIFY, "NOTIFY")                                                                                      \
    P(PUBLISH, "PUBLISH")                                                                                    \
    P(INFO, "INFO")                                                                                          \
    P(REFER, "REFER")                                                                                        \
    P(MESSAGE, "MESSAGE")                                                                                    \
    P(UPDATE, "UPDATE")                                                                                      \
    P(OTHER, "other")                                                                                        \
    P(REINVITE, "re-INVITE")

enum peer_method {
#define P(name, label) PEER_METHOD_##name,
    PEER_METHODS(P)
#undef P
        PEER_METHOD_COUNT
};
#define PEER_CLASSES 6u // of responses: 1xx to 6xx

// Calls are dialogs by the peer they came from (incoming) or went to (outgoing). calls is a gauge: dialogs
// not terminated.
struct counters_peer {
    uint64_t calls_in_total;    // INVITEs outside a dialog that were sent on
    uint64_t calls_out_total;   //
    uint64_t answered_in_total; // of those: confirmed
    uint64_t answered_out_total;
    int64_t calls_in; // gauge: early and confirmed now
    int64_t calls_out;
    uint64_t refused_in_total;            // calls from this peer that a limit refused
    uint64_t refused_out_total;           // calls to this peer that a limit refused
    uint64_t requests[PEER_METHOD_COUNT]; // received from this peer
    uint64_t responses[PEER_CLASSES];     // the same
    uint64_t reserved[2];
};
static_assert(sizeof(struct counters_peer) == 256, "four lines a peer");

struct counters_member {
    uint64_t calls_total;    // INVITEs sent to it, outside a dialog
    uint64_t answered_total; // of those: confirmed
    uint64_t timeouts_total; // client transactions that nobody answered
    int64_t calls;           // gauge: early and confirmed now
    // Health, in the block of the worker that probes the member (number % workers); all workers read it.
    uint64_t health_since_ms; // of the monotonic clock; 0: since the start
    uint16_t health;          // enum member_health
    uint16_t reason;          // of a member that is down: the status of the last probe, 0: no answer, or
                              // MEMBER_REASON_UNREACHABLE
    uint32_t probes_failed;   // in all
    uint64_t probes;          // in all
    uint64_t failovers_total; // requests that went to the next member
};
static_assert(sizeof(struct counters_member) == 64, "one line a member");

#define MEMBER_REASON_UNREACHABLE 1u // an ICMP error came back

enum member_health {
    MEMBER_UNKNOWN,
    MEMBER_UP,
    MEMBER_DOWN
}; // unknown: not probed; it is chosen like one that is up

#define COUNTERS_QUEUES_MAX 32u // of one worker

// A NIC queue that a worker owns.
struct counters_queue {
    uint64_t received; // packets
    uint32_t network;  // index in the snapshot
    uint16_t queue;    // of the network
    int16_t node;      // memory node of the device, -1: of none, or not known
};
static_assert(sizeof(struct counters_queue) == 16, "no padding");

// Where a worker runs, when that is not as it should be: bits.
#define PLACEMENT_SHARED       1u // its CPU is another worker's or the agent's, too
#define PLACEMENT_NOT_ISOLATED 2u // the kernel puts other programs on its CPU
#define PLACEMENT_REMOTE       4u // a device whose queue it owns is at another memory node
#define PLACEMENT_MEMORY       8u // some of its memory lies at another node than its CPU

struct counters_worker {
    uint64_t values[COUNTER_COUNT];
    struct counters_histogram histograms[HISTOGRAM_COUNT];
    uint64_t cpu;         // CPU this worker is bound to
    uint64_t placement;   // PLACEMENT_*
    int64_t node;         // memory node of that CPU, -1: not known
    int64_t memory_node;  // node of its tables and dialogs; of what lies elsewhere, if something does
    uint64_t queue_count; // of queues
    struct counters_queue queues[COUNTERS_QUEUES_MAX];
};

// What the software filter of a worker did, by network as in the snapshot, and by class: behind its members.
// struct filter_notes (filter_notes.h) follows.
#define COUNTERS_FILTER_NETWORKS 16u
struct counters_filter {
    uint64_t reasons[COUNTERS_FILTER_NETWORKS][PREFILTER_REASON_COUNT];
    uint64_t classes[PREFILTER_CLASSES][PREFILTER_TALLY_COUNT];
};
static_assert(sizeof(struct counters_filter) % 64 == 0, "blocks are aligned");

// What belongs to no worker. networks_max rows of networks follow, by index in the snapshot.
struct counters_agent {
    uint64_t mbufs_used;
    uint64_t mbufs_capacity;
    uint64_t networks;      // that there are
    uint64_t bans;          // in force now
    uint64_t bans_refused;  // for want of room
    uint64_t bans_begun[3]; // by enum ban_rule
    uint64_t bans_told[3];  // the same in dry-run
    // Of hostnet.h: readings of the kernel's tables, those that failed, what its thread had no time for, and
    // listeners' addresses that this machine does not have now.
    uint64_t host_reads;
    uint64_t host_read_failures;
    uint64_t host_asks_dropped;
    uint64_t addresses_missing;
    uint64_t memory_refused; // times that DPDK was refused more memory than memory.mb
};
static_assert(sizeof(struct counters_agent) == 128, "networks are aligned");

struct counters_header {
    uint64_t magic;
    uint32_t version;
    uint32_t counter_count; // COUNTER_COUNT of the writer: another value means another build
    uint32_t workers;
    uint32_t peers_max;
    uint32_t members_max;
    uint32_t worker_offset; // of the first worker's block, octets from the start of the file
    uint32_t worker_stride; // octets from one worker's block to the next; blocks are 64-octet aligned
    uint32_t peers_offset;  // of the peers, octets from the start of a worker's block
    uint32_t members_offset;
    uint32_t agent_offset; // of the agent's block, from the start of the file
    uint64_t start_time_s; // when the dataplane started, Unix time
    uint32_t networks_max;
    uint32_t histograms; // HISTOGRAM_COUNT of the writer
};
static_assert(sizeof(struct counters_header) == 64, "header is one line");

#endif
