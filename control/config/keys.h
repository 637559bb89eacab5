// SPDX-License-Identifier: BSD-3-Clause
// Every key of the configuration: one row each. The structs that hold the values (model.h), what libcyaml
// reads (schema.c), the checks of single values, the printed form and the reference all come from these rows.
//
// K(key, kind, choices, default, least, most, takes effect, help)  a value
// L(key, most, takes effect, help)                                 a list of prefixes
// N(key, default, takes effect, help)                              a list of final statuses, 300 to 699
//
// A default of NULL makes the key necessary; "" leaves the value empty or zero. least and most are in the
// kind's unit: milliseconds, octets, or plain numbers.
#ifndef DIALGATE_CONFIG_KEYS_H
#define DIALGATE_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "dialgate/counters.h"
#include "dialgate/snapshot.h"

enum key_kind {
    KEY_COUNT,     // whole number: uint64_t
    KEY_DURATION,  // 500ms, 5s, 5m, 12h, 1d: uint64_t, milliseconds
    KEY_SIZE,      // 4096, 64KiB, 64MiB, 1GiB: uint64_t, octets
    KEY_CHOICE,    // one of choices: uint64_t, its index
    KEY_NAMES,     // one such name or a list of them: struct name_list; value_parse() adds one
    KEY_NAME,      // a letter, then letters, digits, '-' and '_': char[NAME_SIZE]
    KEY_INTERFACE, // a Linux network interface: char[NAME_SIZE]
    KEY_ADDRESS,   // unicast: struct ip_address
    KEY_ENDPOINT,  // address:port: struct key_endpoint
    KEY_PATH,      // absolute path: char[KEY_TEXT_SIZE]
    KEY_TEXT,      // printable ASCII: char[KEY_TEXT_SIZE]
    KEY_PREFIX,    // 10.0.0.0/8 or a bare address: struct key_prefix; in lists
    KEY_STATUS,    // a final status: uint16_t; in lists
    KEY_TARGETS,   // one such text or a list of them: struct target_list; value_parse() adds one
    KEY_DEVICES,   // the same of PCI addresses
    KEY_WORDS      // the same of words; a default has them with blanks between
};

#define KEY_TEXT_SIZE 108u

struct key_endpoint {
    struct ip_address address;
    uint16_t port; // host order
};

#define KEY_STATUSES_MAX 8u

struct status_list {
    uint16_t rows[KEY_STATUSES_MAX];
    size_t count;
};

struct name_list {
    char rows[PEER_LISTENERS_MAX][NAME_SIZE];
    size_t count;
};

// NAME, or the beginning of a user part, '@', and a host or '*'.
#define KEY_TARGET_SIZE 64u
#define KEY_TARGETS_MAX 32u

struct target_list {
    char rows[KEY_TARGETS_MAX][KEY_TARGET_SIZE];
    size_t count;
};

struct key_prefix {
    struct ip_address address; // octets beyond the length are zero
    uint16_t length;           // of the 128-bit form
};

enum key_effect {
    EFFECT_RELOAD,  // on `config reload`
    EFFECT_RESTART, // when dialgate-dataplane starts
    EFFECT_CONTROL  // when dialgate-control starts
};

extern const char *const choices_attach[];
extern const char *const choices_balance[];
extern const char *const choices_ban[];
extern const char *const choices_bond[]; // enum bond
extern const char *const choices_flow_isolation[];
extern const char *const choices_bool[];
extern const char *const choices_contact[];
extern const char *const choices_final_503[];
extern const char *const choices_identity[];
extern const char *const choices_idle[];
extern const char *const choices_in_dialog[];
extern const char *const choices_method[]; // enum sip_method up to METHOD_UPDATE, then "any"
extern const char *const choices_mode[];
extern const char *const choices_unavailable[];
extern const char *const choices_refer[];
extern const char *const choices_refresher[];
extern const char *const choices_reliable[];
extern const char *const choices_reply[];
extern const char *const choices_record_format[];
extern const char *const choices_record_sync[];
extern const char *const choices_session_end[];
extern const char *const choices_transfer[];
extern const char *const choices_replaces_from[];
#define CHOICE_METHOD_ANY 14u // index of "any"

// clang-format off
#define KEY_MINUTE 60000ull
#define KEY_HOUR 3600000ull
#define KEY_MIB (1ull << 20)

#define CONFIG_NETWORK(K, L) \
    K(interface, INTERFACE, NULL, "", 0, 0, RESTART, \
      "Linux interface that we drive; attach: pci: the one by which the kernel has what is not ours: dg-NAME when not given, or the device's own (flow_isolation)") \
    K(attach, CHOICE, choices_attach, "af_xdp", 0, 0, RESTART, \
      "how packets are taken: at the interface's driver, from its packet sockets, or from a PCI device by a driver of DPDK") \
    K(device, DEVICES, NULL, "", 1, NETWORK_DEVICES_MAX, RESTART, \
      "attach: pci: PCI address of the device, such as 0000:3b:00.0, or the name of one of DPDK's own that EAL's arguments make, such as net_memif0; with bond a list of up to 4 addresses") \
    K(bond, CHOICE, choices_bond, "none", 0, 0, RESTART, \
      "attach: pci: several devices as one: the first that has a link (active-backup), or all, by addresses and ports, with a static group of the switch's (balance-xor) or LACP (lacp)") \
    K(queues, COUNT, NULL, "1", 1, 64, RESTART, "receive queues; at most what the interface has") \
    K(vlan, COUNT, NULL, "0", 0, VLAN_MAX, RESTART, \
      "identifier of the 802.1Q tag that its frames have, ours and the others'; 0: none. Networks with the same interface differ in their tags") \
    K(outer_vlan, COUNT, NULL, "0", 0, VLAN_MAX, RESTART, "the same of the 802.1ad tag (QinQ) before that one") \
    K(host_rate, COUNT, NULL, "20000", 10, 1000000, RELOAD, \
      "attach: pci: frames a second that each worker passes on to the kernel, of each kind: UDP, other IP, the rest") \
    K(checksum_offload, CHOICE, choices_bool, "true", 0, 0, RESTART, \
      "attach: pci: the NIC checks and makes checksums as far as it can; false: all in software") \
    K(flow_isolation, CHOICE, choices_flow_isolation, "auto", 0, 0, RESTART, \
      "attach: pci: what is not ours stays with the kernel's driver, by rules in the NIC, instead of the host path; auto: where interface is the device's own (mlx5)")

#define CONFIG_LISTENER(K, L) \
    K(name, NAME, NULL, NULL, 0, 0, RELOAD, "what peers call it by") \
    K(network, NAME, NULL, NULL, 0, 0, RESTART, "network whose interface carries it") \
    K(address, ADDRESS, NULL, NULL, 0, 0, RESTART, "address that we answer on; the interface has it too") \
    K(port, COUNT, NULL, "5060", 1, 65535, RESTART, "UDP port") \
    K(advertise, ENDPOINT, NULL, "", 0, 0, RELOAD, \
      "address and port in Via, Record-Route, Path and Contact, where NAT gives us others than our own; both are ours in what comes")

#define CONFIG_PEER(K, L) \
    K(name, NAME, NULL, NULL, 0, 0, RELOAD, "what routes call it by; its number stays with the name") \
    K(listener, NAMES, NULL, NULL, 1, PEER_LISTENERS_MAX, RELOAD, \
      "our listener for this peer, or a list of them: it calls us there, and requests to it leave from the one that the kernel's route to it takes") \
    L(sources, SOURCES_MAX, RELOAD, "prefixes whose packets are from this peer; its members are so without it") \
    K(balance, CHOICE, choices_balance, "call-id", 0, 0, RELOAD, \
      "how a new call chooses among the members of the best priority: by its Call-ID, the fewest calls by weight, or in turn by weight") \
    K(contact, CHOICE, choices_contact, "target", 0, 0, RELOAD, \
      "where requests inside a dialog go towards this peer: what its Contact and Record-Route say, or where its messages come from (NAT)") \
    K(identity, CHOICE, choices_identity, "pass", 0, 0, RELOAD, "P-Asserted-Identity that comes from this peer (RFC 3325)") \
    K(refer, CHOICE, choices_refer, "pass", 0, 0, RELOAD, "REFER that comes from this peer; refuse answers 403") \
    K(path, CHOICE, choices_bool, "false", 0, 0, RELOAD, "add Path to REGISTER that is sent to this peer (RFC 3327)") \
    K(fail_open, CHOICE, choices_bool, "true", 0, 0, RELOAD, "all members down: choose as if all were up, or answer 503") \
    K(overload_control, CHOICE, choices_bool, "false", 0, 0, RELOAD, \
      "RFC 7339 with this peer: it is told what share of new requests to hold back, and what its members tell is heeded") \
    K(final_503, CHOICE, choices_final_503, "rewrite", 0, 0, RELOAD, \
      "a 503 of the last member: rewrite sends 500 to the caller (RFC 3261 16.7 step 6), pass sends it as it is") \
    K(retry_after_max, DURATION, NULL, "60s", 0, KEY_HOUR, RELOAD, "a longer Retry-After from this peer is cut to it") \
    K(group, NAME, NULL, "", 0, 0, RELOAD, "peers with the same word here may speak in each other's dialogs; see dialogs.in_dialog")

// Under peers[]. The probe's From is sip:probe@LISTENER unless it is given.
#define CONFIG_PROBE(K, N) \
    K(interval, DURATION, NULL, "", 1000, KEY_HOUR, RELOAD, "an OPTIONS to each member that often; none when not given") \
    K(timeout, DURATION, NULL, "2s", 500, 32000, RELOAD, "a probe without an answer has failed then") \
    K(down_after, COUNT, NULL, "3", 1, 100, RELOAD, "failed probes in a row that make a member down") \
    K(up_after, COUNT, NULL, "2", 1, 100, RELOAD, "good probes in a row that make it up again") \
    K(jitter, COUNT, NULL, "20", 0, 50, RELOAD, "per cent of the interval by which each probe comes earlier or later") \
    K(from, TEXT, NULL, "", 0, 0, RELOAD, "URI of the probe's From") \
    N(accept, "404 405 480 481 483 486 488 501", RELOAD, "answers that are good besides 2xx")

#define CONFIG_FAILOVER(K, N) \
    K(after, DURATION, NULL, "", 500, 32000, RELOAD, "next member when one has not answered by then; only at timers.b when not given") \
    K(attempts, COUNT, NULL, "3", 1, 8, RELOAD, "members tried for one request; 1: no fail-over") \
    N(statuses, "408 503", RELOAD, "answers before a 18x that send the request to the next member; 300 to 599")

#define CONFIG_PEER_LIMITS(K, N) \
    K(calls_per_second, COUNT, NULL, "", 1, 1000000, RELOAD, "new calls from this peer") \
    K(burst, COUNT, NULL, "", 1, 1000000, RELOAD, "of those at once; a second's worth when not given") \
    K(concurrent_calls, COUNT, NULL, "", 1, 100000000, RELOAD, "calls from this peer, early ones too") \
    K(out_calls_per_second, COUNT, NULL, "", 1, 1000000, RELOAD, "new calls to this peer") \
    K(out_burst, COUNT, NULL, "", 1, 1000000, RELOAD, "of those at once; a second's worth when not given") \
    K(out_concurrent_calls, COUNT, NULL, "", 1, 100000000, RELOAD, "calls to this peer, early ones too") \
    K(reply, CHOICE, choices_reply, "503", 0, 0, RELOAD, "what a call beyond a limit is answered with") \
    K(retry_after, DURATION, NULL, "5s", 0, KEY_HOUR, RELOAD, "its Retry-After; 0s: none")

#define CONFIG_PEER_PREFILTER(K, N) \
    K(rate, COUNT, NULL, "", 1, 10000000, RELOAD, "packets a second of all SIP; prefilter.peer when not given") \
    K(burst, COUNT, NULL, "", 1, 10000000, RELOAD, "of those at once; twice the rate when only that is given") \
    K(invite_rate, COUNT, NULL, "", 1, 10000000, RELOAD, "INVITEs a second; prefilter.peer_invite when not given") \
    K(invite_burst, COUNT, NULL, "", 1, 10000000, RELOAD, "of those at once; twice the rate when only that is given") \
    K(fragment_rate, COUNT, NULL, "", 1, 10000000, RELOAD, "fragments a second; prefilter.peer_fragment when not given") \
    K(fragment_burst, COUNT, NULL, "", 1, 10000000, RELOAD, "of those at once; twice the rate when only that is given")

// S(key, tag of its structs, rows, help)
#define CONFIG_PEER_SECTIONS(S) \
    S(probe, probe, CONFIG_PROBE, "are its members well") \
    S(failover, failover, CONFIG_FAILOVER, "when a member does not take a request") \
    S(limits, peer_limits, CONFIG_PEER_LIMITS, "calls of this peer; no limit where none is given") \
    S(prefilter, peer_prefilter, CONFIG_PEER_PREFILTER, "packets that are taken from this peer")

#define CONFIG_MEMBER(K, L) \
    K(address, ADDRESS, NULL, "", 0, 0, RELOAD, "where requests are sent; this or host") \
    K(host, TEXT, NULL, "", 0, 0, RELOAD, "name that DNS resolves (SRV, then A and AAAA), again and again; this or address") \
    K(port, COUNT, NULL, "5060", 1, 65535, RELOAD, "UDP port; what SRV says goes before") \
    K(weight, COUNT, NULL, "1", 1, 100, RELOAD, "share of the calls, relative to the peer's other members of its priority") \
    K(priority, COUNT, NULL, "1", 1, 16, RELOAD, "lower ones are chosen first, others when all of these are down or full") \
    K(capacity, COUNT, NULL, "", 1, 100000000, RELOAD, "calls that it takes at once; no limit when not given") \
    K(calls_per_second, COUNT, NULL, "", 1, 1000000, RELOAD, "new calls that it takes; no limit when not given")

#define CONFIG_APPLICATION(K, L) \
    K(name, NAME, NULL, NULL, 0, 0, RELOAD, "what routes and programs call it by; no peer has it") \
    K(listener, NAME, NULL, "", 0, 0, RELOAD, "our listener whose address stands in From where a call gives none; the first one when not given") \
    K(reliable, CHOICE, choices_reliable, "supported", 0, 0, RELOAD, \
      "100rel (RFC 3262): off refuses it, supported offers it, required asks for it and sends each 1xx so that can be") \
    K(refer, CHOICE, choices_transfer, "ask", 0, 0, RELOAD, "a REFER in its calls: control carries it out, refuses it with 603, or asks the program") \
    K(refer_targets, TARGETS, NULL, "", 1, KEY_TARGETS_MAX, RELOAD, \
      "whom a REFER may make it call: +49@* for users that begin so, @example.net for a host, a peer's name for any URI by that peer; else 403") \
    K(refer_wait, DURATION, NULL, "15s", 1000, 19000, RELOAD, \
      "refer: ask: so long the program may take to say what becomes of a REFER; then it gets 480") \
    K(replaces, CHOICE, choices_transfer, "ask", 0, 0, RELOAD, \
      "a call that is to replace another of its calls (RFC 3891): accept lets automatic answers take it, too, ask the program alone, refuse answers 403") \
    K(replaces_from, CHOICE, choices_replaces_from, "same-peer", 0, 0, RELOAD, "who may do so: the peer of the call that is replaced, or any-peer; others get 403") \
    K(retry, NAME, NULL, "default", 0, 0, RELOAD, "policy under retry that its requests go by when they name none")

// Under applications[].
#define CONFIG_SESSION(K, N) \
    K(expires, DURATION, NULL, "", 90000, 86400000, RELOAD, "session interval that it asks for (RFC 4028); none of its own when not given") \
    K(minimum, DURATION, NULL, "90s", 90000, 86400000, RELOAD, "a shorter one is answered 422") \
    K(refresher, CHOICE, choices_refresher, "any", 0, 0, RELOAD, "who refreshes: any of both, we, or the far end")

#define CONFIG_ANSWER(K, N) \
    K(status, COUNT, NULL, "", 200, 699, RELOAD, "each call to it is answered so by itself; the program answers when not given") \
    K(after, DURATION, NULL, "0s", 0, 10 * KEY_MINUTE, RELOAD, "so long after the INVITE") \
    K(ring, COUNT, NULL, "", 101, 199, RELOAD, "a provisional answer before that") \
    K(ring_after, DURATION, NULL, "0s", 0, 10 * KEY_MINUTE, RELOAD, "so long after the INVITE") \
    K(hang_up, DURATION, NULL, "", 1000, 24 * KEY_HOUR, RELOAD, "BYE so long after the answer; the caller hangs up when not given") \
    K(body, PATH, NULL, "", 0, 0, RELOAD, "file with the session description (SDP) of the answer; read with the configuration")

// S(key, tag of its structs, rows, help)
#define CONFIG_APPLICATION_SECTIONS(S) \
    S(session, session, CONFIG_SESSION, "session timers (RFC 4028)") \
    S(answer, answer, CONFIG_ANSWER, "calls that are answered without a program") \
    S(limits, peer_limits, CONFIG_PEER_LIMITS, "its calls, as a peer's; no limit where none is given")

#define CONFIG_RETRY(K, L) \
    K(name, NAME, NULL, NULL, 0, 0, RELOAD, "what applications and calls name; default and network exist by themselves") \
    K(count, COUNT, NULL, "3", 0, 20, RELOAD, "so often at most") \
    K(first, DURATION, NULL, "100ms", 10, KEY_MINUTE, RELOAD, "wait before the first") \
    K(factor, COUNT, NULL, "200", 100, 1000, RELOAD, "per cent of the wait before that each further one has") \
    K(cap, DURATION, NULL, "5s", 10, KEY_HOUR, RELOAD, "no wait is longer") \
    K(jitter, COUNT, NULL, "20", 0, 50, RELOAD, "per cent by which each wait is shorter or longer")

#define CONFIG_ROUTE(K, L) \
    K(from, NAME, NULL, NULL, 0, 0, RELOAD, "peer or application that the request came from, or any-peer: of no application") \
    K(method, CHOICE, choices_method, "any", 0, 0, RELOAD, "only this method") \
    K(to_us, CHOICE, choices_bool, "false", 0, 0, RELOAD, \
      "only when the request-URI is one of our listeners and has no user part") \
    K(listener, NAME, NULL, "", 0, 0, RELOAD, "only what this listener received") \
    K(uri_user, TEXT, NULL, "", 0, 0, RELOAD, "only when the request-URI's user part begins so, such as +49") \
    K(uri_host, TEXT, NULL, "", 0, 0, RELOAD, "only when this is the request-URI's host") \
    K(to_user, TEXT, NULL, "", 0, 0, RELOAD, "only when the To's user part begins so") \
    K(to_host, TEXT, NULL, "", 0, 0, RELOAD, "only when this is the To's host") \
    K(header, TEXT, NULL, "", 0, 0, RELOAD, "only when the request has this header") \
    K(header_value, TEXT, NULL, "", 0, 0, RELOAD, "and it has this value, letters' case aside") \
    K(to, NAME, NULL, "", 0, 0, RELOAD, "peer or application that it is sent to; one of to, answer, redirect") \
    K(strip, COUNT, NULL, "0", 0, 32, RELOAD, "with to: characters taken from the front of the request-URI's user part") \
    K(prepend, TEXT, NULL, "", 0, 0, RELOAD, "with to: then put before it") \
    K(set_host, TEXT, NULL, "", 0, 0, RELOAD, "with to: host, or host:port, of the request-URI that is sent") \
    K(answer, COUNT, NULL, "", 200, 699, RELOAD, "status that we answer with") \
    K(retry_after, DURATION, NULL, "", 1000, KEY_HOUR, RELOAD, "with answer: its Retry-After") \
    K(redirect, TEXT, NULL, "", 0, 0, RELOAD, "302 with this URI as its Contact")

#define CONFIG_WORKERS(K, L) \
    K(count, COUNT, NULL, "1", 1, WORKERS_MAX, RESTART, "poll-mode cores") \
    K(idle, CHOICE, choices_idle, "sleep", 0, 0, RELOAD, "what a worker without packets does; spin costs a core and saves 50 us")

#define CONFIG_MEMORY(K, L) \
    K(mb, COUNT, NULL, "512", 64, 1048576, RESTART, "MiB that DPDK has for packets and rings; it takes them at the start and never more") \
    K(mbufs, COUNT, NULL, "32768", 4096, 8388608, RESTART, "packet buffers of the whole process, 2.5 KiB each") \
    K(large_mbufs, COUNT, NULL, "64", 0, LARGE_MBUFS_MAX, RESTART, "buffers for messages that no frame holds, 64 KiB each; 0: those are refused")

#define CONFIG_DIALOGS(K, L) \
    K(capacity, COUNT, NULL, "65536", 1024, 16777216, RESTART, "dialogs a worker; beyond it new calls get 503") \
    K(early_lifetime, DURATION, NULL, "5m", 10000, KEY_HOUR, RELOAD, "a call that is not answered so long after its INVITE is cancelled") \
    K(lifetime, DURATION, NULL, "12h", KEY_MINUTE, 720 * KEY_HOUR, RELOAD, "a confirmed dialog is ended then") \
    K(session_end, CHOICE, choices_session_end, "free", 0, 0, RELOAD, \
      "a session timer that nobody refreshed (RFC 4028): free only forgets the dialog, bye ends it at both sides") \
    K(keepalive, DURATION, NULL, "", 10000, KEY_HOUR, RELOAD, \
      "a side that is silent so long is asked by OPTIONS inside the dialog; 481, 408 or none: BYE to both") \
    K(in_dialog, CHOICE, choices_in_dialog, "peer", 0, 0, RELOAD, \
      "who may send requests inside a dialog: its own peer, any of that peer's group, or any-peer") \
    K(applications, COUNT, NULL, "", 64, 1048576, RESTART, \
      "calls of applications a worker that are early or have a request under way; beyond it new ones get 503; when not given 16384 with applications and none without") \
    K(arena, SIZE, NULL, "128MiB", 8 * KEY_MIB, 65536 * KEY_MIB, RESTART, "memory a worker for texts of dialogs and kept messages")

#define CONFIG_TRANSACTIONS(K, L) \
    K(capacity, COUNT, NULL, "65536", 1024, 16777216, RESTART, "transactions a worker; beyond it new requests get 503")

#define CONFIG_TIMERS(K, L) \
    K(t1, DURATION, NULL, "500ms", 100, 5000, RELOAD, "round trip estimate (RFC 3261 17.1.1.1)") \
    K(t2, DURATION, NULL, "4s", 500, 60000, RELOAD, "longest interval between repeats") \
    K(t4, DURATION, NULL, "5s", 500, 60000, RELOAD, "longest time a message stays in the network") \
    K(b, DURATION, NULL, "", 1000, 10 * KEY_MINUTE, RELOAD, "an INVITE that nobody answers gives up; 64 * t1 (32s) when not given") \
    K(c, DURATION, NULL, "181s", 180000, KEY_HOUR, RELOAD, "an INVITE that only rings is cancelled (RFC 3261 16.6 step 11)")

#define CONFIG_LIMITS(K, L) \
    K(calls_per_second, COUNT, NULL, "", 1, 10000000, RELOAD, "new calls of all peers; no limit when not given") \
    K(burst, COUNT, NULL, "", 1, 10000000, RELOAD, "of those at once; a second's worth when not given") \
    K(concurrent_calls, COUNT, NULL, "", 1, 1000000000, RELOAD, "calls of all peers, early ones too; no limit when not given") \
    K(reply, CHOICE, choices_reply, "503", 0, 0, RELOAD, "what a call beyond a limit is answered with") \
    K(retry_after, DURATION, NULL, "5s", 0, KEY_HOUR, RELOAD, "its Retry-After; 0s: none")

#define CONFIG_APPLICATION_LIMITS(K, L) \
    K(header_line, COUNT, NULL, "8192", 256, 65535, RELOAD, "octets of one header field") \
    K(body, COUNT, NULL, "65536", 1, 65536, RELOAD, "octets of a body; what a datagram does not take is refused before") \
    K(uri, COUNT, NULL, "2048", 64, 8192, RELOAD, "octets of a URI") \
    K(call_id, COUNT, NULL, "256", 32, 1024, RELOAD, "octets of a Call-ID") \
    K(replaces, COUNT, NULL, "512", 64, 4096, RELOAD, "octets of a Replaces") \
    K(tag, COUNT, NULL, "128", 16, 512, RELOAD, "octets of a tag") \
    K(vias, COUNT, NULL, "10", 1, 70, RELOAD, "Via values of a request") \
    K(routes, COUNT, NULL, "10", 1, 70, RELOAD, "Route values of a request") \
    K(refer_to_parameters, COUNT, NULL, "20", 1, 100, RELOAD, "parameters and headers of a Refer-To") \
    K(media, COUNT, NULL, "10", 1, 100, RELOAD, "m= lines of a session description")

#define CONFIG_OVERLOAD(K, L) \
    K(transactions, COUNT, NULL, "90", 10, 100, RELOAD, "per cent of transactions.capacity in use: new calls get 503") \
    K(mbufs, COUNT, NULL, "90", 10, 100, RELOAD, "per cent of memory.mbufs in use: new calls get 503") \
    K(turn, DURATION, NULL, "10ms", 1, 1000, RELOAD, "a worker whose turn takes longer is behind: new calls get 503") \
    K(retry_after, DURATION, NULL, "5s", 0, KEY_HOUR, RELOAD, "Retry-After of those; 0s: none")

#define CONFIG_PREFILTER(K, L) \
    K(mode, CHOICE, choices_mode, "enforce", 0, 0, RELOAD, "dry-run counts what enforce would drop") \
    K(unavailable, CHOICE, choices_unavailable, "refuse", 0, 0, RESTART, \
      "attach: af_xdp and the XDP program cannot be loaded or attached: refuse to start, or start with af_packet and the software filter") \
    K(source_prefix, COUNT, NULL, "64", 32, 128, RELOAD, "length of the IPv6 prefix that is one source, for limits and bans; of IPv4 each address is one") \
    L(deny, 4096, RELOAD, "prefixes whose SIP is dropped")

// B(key, rate, burst, help): a token bucket under prefilter.
#define CONFIG_BUCKETS(B) \
    B(peer, "20000", "40000", "all SIP of one peer") \
    B(peer_invite, "5000", "10000", "INVITEs of one peer") \
    B(peer_fragment, "2000", "4000", "fragments of one peer") \
    B(stranger, "10", "20", "all SIP of one source that is no peer") \
    B(stranger_invite, "2", "5", "its INVITEs") \
    B(strangers, "1000", "2000", "all sources that are no peer, together") \
    B(strangers_fragment, "100", "200", "their fragments, together")

#define CONFIG_BUCKET(K, L, rate_default, burst_default) \
    K(rate, COUNT, NULL, rate_default, 0, 10000000, RELOAD, "packets a second; 0 lets nothing through") \
    K(burst, COUNT, NULL, burst_default, 1, 10000000, RELOAD, "packets that may come at once")

#define CONFIG_BANS(K, L) \
    K(malformed, CHOICE, choices_ban, "dry-run", 0, 0, RELOAD, "a source that is no peer and sends malformed_count messages that are no SIP: ban it, or only tell") \
    K(malformed_count, COUNT, NULL, "20", 1, 65535, RELOAD, "so many within within, as each worker counts them") \
    K(scanner, CHOICE, choices_ban, "dry-run", 0, 0, RELOAD, "one whose User-Agent has a word of scanners") \
    K(scanners, WORDS, NULL, "friendly-scanner sipvicious sipcli sundayddr VaxSIPUserAgent pplsip sip-scan Nmap", 3, SCANNERS_MAX, RELOAD, \
      "words, letters' case aside") \
    K(in_dialog, CHOICE, choices_ban, "dry-run", 0, 0, RELOAD, "one that sends in_dialog_count requests inside dialogs, or responses, that none of ours can be") \
    K(in_dialog_count, COUNT, NULL, "20", 1, 65535, RELOAD, "so many within within, as each worker counts them") \
    K(within, DURATION, NULL, "10s", 1000, KEY_HOUR, RELOAD, "the time in which messages are counted together") \
    K(lifetime, DURATION, NULL, "10m", 1000, 168 * KEY_HOUR, RELOAD, "of a source's first ban; each further one lasts twice as long") \
    K(lifetime_max, DURATION, NULL, "1d", 1000, 720 * KEY_HOUR, RELOAD, "but not longer") \
    L(allow, ALLOWED_MAX, RELOAD, "prefixes that these rules never ban, as they do no peer's")

#define CONFIG_METRICS(K, L) \
    K(listen, ENDPOINT, NULL, "127.0.0.1:9464", 0, 0, CONTROL, "where Prometheus reads /metrics")

#define CONFIG_CONTROL(K, L) \
    K(group, NAME, NULL, "dialgate", 0, 0, CONTROL, "group that may use the control socket") \
    K(viewer_group, NAME, NULL, "", 0, 0, RELOAD, "who of those may look; all of them when not given") \
    K(operator_group, NAME, NULL, "dialgate-operator", 0, 0, RELOAD, "who of those may change calls, members and bans, too") \
    K(admin_group, NAME, NULL, "dialgate-admin", 0, 0, RELOAD, "who of those may change the configuration, too") \
    K(clients, COUNT, NULL, "256", 8, 4096, RELOAD, "connections at once; an eighth of them is kept for admins") \
    K(line_timeout, DURATION, NULL, "30s", 1000, KEY_HOUR, RELOAD, "a request that is begun must be whole by then") \
    K(reader_timeout, DURATION, NULL, "10m", 1000, 24 * KEY_HOUR, RELOAD, "who reads nothing of what waits for him so long is cut off") \
    K(audit, PATH, NULL, "", 0, 0, RELOAD, "file to which every change by RPC is appended, a JSON object a line; none when not given")

#define CONFIG_RECORDS(K, L) \
    K(file, PATH, NULL, "", 0, 0, RELOAD, "where a line is written for each call that ends; no records when not given") \
    K(format, CHOICE, choices_record_format, "csv", 0, 0, RELOAD, "csv has one line of names first; json is an object a line") \
    K(rotate_size, SIZE, NULL, "0", 0, 1024 * 1024 * KEY_MIB, RELOAD, "the file is turned before it is longer; 0: never") \
    K(rotate_interval, DURATION, NULL, "0s", 0, 720 * KEY_HOUR, RELOAD, "and at whole multiples of this since 1970, UTC; 0s: never") \
    K(sync, CHOICE, choices_record_sync, "second", 0, 0, RELOAD, \
      "when lines are forced to the disk: never, each second, or always before the data plane is told that it may forget them")

#define CONFIG_CAPTURE(K, L) \
    K(directory, PATH, NULL, "/var/lib/dialgate/captures", 0, 0, RELOAD, \
      "where captures make their files; it is made when only its last part is missing") \
    K(duration, DURATION, NULL, "10m", 1000, 168 * KEY_HOUR, RELOAD, "a capture that says nothing else ends then") \
    K(size, SIZE, NULL, "64MiB", KEY_MIB / 16, 65536 * KEY_MIB, RELOAD, \
      "what the file, or the messages, of one capture may have at most; it may say less") \
    K(hep_id, COUNT, NULL, "2001", 1, UINT32_MAX, RELOAD, "number of this capture agent in HEP")

#define CONFIG_EVENTS(K, L) \
    K(keep, COUNT, NULL, "16384", 1024, 1048576, RELOAD, "events kept in memory for followers that come back or read slowly; about 400 octets each") \
    K(file, PATH, NULL, "", 0, 0, RELOAD, "where every event is appended, a JSON object a line; none when not given") \
    K(file_dialogs, CHOICE, choices_bool, "true", 0, 0, RELOAD, "changes of dialogs go to the file, too: five of a usual call") \
    K(syslog, CHOICE, choices_bool, "false", 0, 0, RELOAD, "events go to syslog, too, but for changes of dialogs")

#define CONFIG_STATE(K, L) \
    K(directory, PATH, NULL, "/dev/shm/dialgate", 0, 0, RESTART, "where state is kept over restarts") \
    K(dialogs, PATH, NULL, "auto", 0, 0, RESTART, \
      "directory in memory for the dialogs' files; auto: on hugetlbfs where there is room for them twice, else in /dev/shm") \
    K(versions, COUNT, NULL, "20", 1, 100, RELOAD, "configurations that are kept in directory for config history and rollback")

// S(key, rows, help): a section of values, in the order in which they are printed.
#define CONFIG_SECTIONS(S) \
    S(workers, CONFIG_WORKERS, "poll-mode cores") \
    S(memory, CONFIG_MEMORY, "what DPDK takes") \
    S(dialogs, CONFIG_DIALOGS, "dialogs kept by each worker") \
    S(transactions, CONFIG_TRANSACTIONS, "transactions kept by each worker") \
    S(timers, CONFIG_TIMERS, "RFC 3261 timers") \
    S(limits, CONFIG_LIMITS, "calls of all peers together") \
    S(application_limits, CONFIG_APPLICATION_LIMITS, "what messages of applications' calls may have; what has more is refused") \
    S(overload, CONFIG_OVERLOAD, "when a worker is behind, new calls are refused and old ones go on") \
    S(prefilter, CONFIG_PREFILTER, "what is dropped before it costs anything") \
    S(bans, CONFIG_BANS, "automatic bans of sources that are no peers") \
    S(metrics, CONFIG_METRICS, "Prometheus") \
    S(control, CONFIG_CONTROL, "the control socket") \
    S(records, CONFIG_RECORDS, "records of calls") \
    S(capture, CONFIG_CAPTURE, "messages that operators capture") \
    S(events, CONFIG_EVENTS, "what is told of dialogs, members, limits, bans, configurations and both programs") \
    S(state, CONFIG_STATE, "files that outlive a process")
// clang-format on

struct key {
    const char *name;
    enum key_kind kind;
    const char *const *choices;
    const char *fallback; // the default as it would stand in the file, NULL: the key is necessary
    uint64_t least;
    uint64_t most;
    enum key_effect effect;
    const char *help;
    size_t raw_offset; // of its text in struct raw_*: char *, or struct raw_list
    size_t offset;     // of its value in struct config_*
};

// A mapping with its rows. Section groups have the offsets of their structs in struct raw and struct config.
struct key_group {
    const char *path; // as in the reference: "workers", "peers[].members[]", "networks.NAME"
    const char *help;
    const struct key *keys;
    size_t count;
    size_t raw_offset;
    size_t offset;
};

extern const struct key_group keys_network;
extern const struct key_group keys_listener;
extern const struct key_group keys_peer;
extern const struct key_group keys_member;
extern const struct key_group keys_application;
extern const struct key_group keys_retry;
extern const struct key_group keys_route;
extern const struct key_group keys_peer_sections[]; // of each peer; offsets in struct raw_peer, config_peer
extern const size_t keys_peer_sections_count;
extern const struct key_group keys_application_sections[]; // in struct raw_application, config_application
extern const size_t keys_application_sections_count;
extern const struct key_group keys_sections[]; // sections and buckets, in printing order
extern const size_t keys_sections_count;

// Every mapping that has keys, in the order of the reference; NULL behind the last one.
const struct key_group *keys_group(size_t index);

// Where a key of this name stands: the path of the first mapping that has it, NULL: nowhere.
const char *keys_find(const char *name);

// Writes the names of the keys allowed under a path of the file (such as "peers[3].members[0]" or "") into
// text, joined by ", ".
void keys_names(const char *path, char *text, size_t size);

#endif
