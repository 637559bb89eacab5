// SPDX-License-Identifier: BSD-3-Clause
// The channel between dialgate-control and dialgate-dataplane: SOCK_SEQPACKET at
// RUN_DIRECTORY/dataplane.sock, one message a datagram, host byte order (one machine). The dataplane listens,
// one control is connected at a time; a second one gets CHANNEL_REFUSED with CHANNEL_BUSY and is closed.
//
//   control                                        dataplane
//   HELLO (version)                          ->
//                                            <-    HELLO (version, state, boot id) [fd counters, fds of
//                                            prefilter maps, fds of captures]
//   SNAPSHOT [fd sealed memfd]               ->    checked whole
//                                            <-    SNAPSHOT_RESULT (0 or an error with text)
//                                            <-    HELLO again whenever state or descriptors change (first
//                                            start-up)
//                                            <-    LISTENERS [fds of kernel sockets], after a HELLO of
//                                            one that runs and after each SNAPSHOT that it took
//   DIALOG_LIST, DIALOG_SHOW, DIALOG_END     ->
//                                            <-    DIALOG_ROW ... then DONE (result, cursor)
//                                            <-    EVENTS, MEMBER_EVENTS, NAME_ASK, unasked (request 0)
//                                            <-    RECORDS, unasked
//   RECORDS_DONE                             ->    what is kept; nothing answers it
//   NAME_ANSWER (request 0)                  ->    nothing answers it
//   EVENTS_DONE (request 0)                  ->    what is taken; nothing answers it
//   BAN                                      ->
//                                            <-    DONE; -ENOENT: there is none to lift, -ENOSPC: no room
//   BAN_LIST                                 ->
//                                            <-    BAN_ROWS, then DONE with the cursor
//                                            <-    BAN_EVENTS, unasked
//   CAPTURE_SET, CAPTURE_END                 ->
//                                            <-    DONE; after a SET its rows are the slot, its cursor the
//                                            serial (capture.h)
//                                            <-    CAPTURE_ENDED for each that was set, unasked, when all
//                                            that it has lies in the rings
//
// Events are numbered by the data plane's process, from 1 and each kind for itself. It keeps those that no
// EVENTS_DONE has named, up to a bound, and whoever connects anew gets them again; what it could not keep is
// a gap in the numbers, told in `lost` of the message behind it.
//
// A call's record stays in a ring of the data plane, in a file that outlives both processes, until
// RECORDS_DONE names it or a later one. Whoever connects anew gets again what was not named, with the same
// numbers; so each knows what it has, and what is missing is a gap.
//
// Captures live as long as the connection.
//
// Each request carries a number that its answers repeat and that rises with each request of a connection.
// Neither side trusts the other: a datagram whose size is not what its type says, whose version or index is
// out of range, or that comes in the wrong order is refused with CHANNEL_REFUSED (from control's requests) or
// logged and the connection closed (from the dataplane's messages); the process lives on.
#ifndef DIALGATE_CHANNEL_H
#define DIALGATE_CHANNEL_H

#include <assert.h>
#include <stdint.h>
#include "dialgate/channel_name.h"
#include "dialgate/channel_record.h"
#include "dialgate/channel_ua.h"
#include "dialgate/snapshot.h"

#define CHANNEL_MAGIC        0x43474c44u
#define CHANNEL_VERSION      9u
#define CHANNEL_MESSAGE_MAX  16384u // octets of a datagram
#define CHANNEL_FDS_MAX      96u    // descriptors with one datagram
#define CHANNEL_TEXT_SIZE    256u
#define CHANNEL_CALL_ID_SIZE 512u

// M(TYPE, struct of its body after the header, from, what it is for). The body is exactly this struct; only
// DIALOG_ROW and UA_COMMAND are followed by text, RECORDS and UA_EVENTS by their rows.
// clang-format off
#define CHANNEL_MESSAGES(M)                                                                                            \
    M(CHANNEL_HELLO, struct channel_hello, "both", "who speaks and in which state")                                   \
    M(CHANNEL_SNAPSHOT, struct channel_snapshot, "control", "a new configuration, one descriptor")                     \
    M(CHANNEL_DIALOG_LIST, struct channel_dialog_list, "control", "a page of dialogs")                                 \
    M(CHANNEL_DIALOG_SHOW, struct channel_dialog_select, "control", "every dialog with this id or Call-ID")            \
    M(CHANNEL_DIALOG_END, struct channel_dialog_select, "control", "end one dialog")                                   \
    M(CHANNEL_SNAPSHOT_RESULT, struct channel_done, "dataplane", "accepted or refused whole")                          \
    M(CHANNEL_DIALOG_ROW, struct channel_dialog_row, "dataplane", "one dialog")                                        \
    M(CHANNEL_DONE, struct channel_done, "dataplane", "a request is finished")                                         \
    M(CHANNEL_REFUSED, struct channel_done, "dataplane", "a message was not understood")                               \
    M(CHANNEL_EVENTS, struct channel_events, "dataplane", "changes of dialogs' states, as they come")                 \
    M(CHANNEL_MEMBER_EVENTS, struct channel_member_events, "dataplane", "changes of members' health, as they come")  \
    M(CHANNEL_RECORDS, struct channel_records, "dataplane", "records of calls that ended")                             \
    M(CHANNEL_RECORDS_DONE, struct channel_records_done, "control", "these records are kept")                    \
    M(CHANNEL_NAME_ASK, struct channel_name_ask, "dataplane", "what addresses has a name that a message gives")        \
    M(CHANNEL_NAME_ANSWER, struct channel_name_answer, "control", "what DNS says of it")                               \
    M(CHANNEL_CAPTURE_SET, struct channel_capture_set, "control", "messages that are wanted")                          \
    M(CHANNEL_CAPTURE_END, struct channel_capture_end, "control", "no more of them")                                   \
    M(CHANNEL_CAPTURE_ENDED, struct channel_capture_ended, "dataplane", "a capture is over, for this reason")               \
    M(CHANNEL_EVENTS_DONE, struct channel_events_done, "control", "these events are taken")                            \
    M(CHANNEL_UA_COMMAND, struct channel_ua_command, "control", "what an application does")                            \
    M(CHANNEL_UA_EVENTS, struct channel_event_run, "dataplane", "what applications are told") \
    M(CHANNEL_LISTENERS, struct channel_listeners, "dataplane", "the listeners' sockets, to keep open") \
    M(CHANNEL_BAN, struct channel_ban, "control", "ban an address, or lift its ban")                                   \
    M(CHANNEL_BAN_LIST, struct channel_ban_list, "control", "a page of bans")                                          \
    M(CHANNEL_BAN_ROWS, struct channel_ban_rows, "dataplane", "some bans")                                             \
    M(CHANNEL_BAN_EVENTS, struct channel_ban_events, "dataplane", "bans by rules, and bans that end, as they come") \
    M(CHANNEL_UA_TAKEN, struct channel_ua_taken, "control", "what applications were told is taken")

// clang-format on

enum channel_type {
    CHANNEL_NONE,
#define M(type, body, from, help) type,
    CHANNEL_MESSAGES(M)
#undef M
        CHANNEL_TYPE_COUNT
};

struct channel_header {
    uint32_t magic;
    uint16_t version;
    uint16_t type;    // enum channel_type
    uint32_t size;    // octets of the datagram, header included
    uint32_t request; // control's, from 1 and rising; repeated in answers; 0 in what nobody asked for
};
static_assert(sizeof(struct channel_header) == 16, "layout");

enum channel_state {
    CHANNEL_CONTROL,  // the sender is control
    CHANNEL_WAITING,  // dataplane without configuration: send a snapshot
    CHANNEL_STARTING, // EAL and ports are coming up
    CHANNEL_RUNNING,  // packets are taken
    CHANNEL_FAILED    // start-up failed; text says why; the process ends after this
};

// Descriptors with a dataplane HELLO, in this order: counters memfd when has_counters, then for each of
// `networks` entries of prefilter[] whose maps is not 0 that many map descriptors (order of enum
// prefilter_map in prefilter.h), in order, then with has_captures the memfd of captures and that of their
// tails (capture.h).
struct channel_hello {
    uint32_t state; // enum channel_state
    uint32_t pid;
    uint64_t boot;              // random, new at each dataplane start
    uint64_t snapshot_sequence; // of the configuration in force, 0: none
    uint32_t workers;
    uint32_t has_counters;
    uint32_t networks;
    uint32_t prefilter_maps[NETWORKS_MAX];
    uint32_t has_captures;
    char text[CHANNEL_TEXT_SIZE]; // FAILED: what, where, what to do
    // RUNNING, by network: why its XDP program cannot be had and the workers' filter serves instead; "": it
    // can, or none is wanted.
    char no_program[NETWORKS_MAX][CHANNEL_TEXT_SIZE];
};
static_assert(sizeof(struct channel_hello) == 360 + NETWORKS_MAX * CHANNEL_TEXT_SIZE, "layout");

// With as many descriptors: the UDP socket of each listener, which receives nothing and answers nothing.
// Control keeps them open, so that the ports stay silent while the data plane is away. They replace those of
// the last such message.
struct channel_listeners {
    uint32_t count; // at most LISTENERS_MAX
    uint32_t reserved;
};
static_assert(sizeof(struct channel_listeners) == 8, "layout");
static_assert(LISTENERS_MAX <= CHANNEL_FDS_MAX, "all of them in one message");

struct channel_snapshot {
    uint64_t sequence;
    uint32_t size; // octets of the image in the descriptor
    uint32_t reserved;
};
static_assert(sizeof(struct channel_snapshot) == 16, "layout");

#define CHANNEL_LIST_MAX 1000u // rows a request

struct channel_dialog_list {
    uint64_t cursor;   // 0: from the start; else the cursor of the last DONE
    uint64_t older_ms; // only dialogs at least this old
    uint16_t peer;     // number; NUMBER_NONE: any
    uint16_t state;    // enum dialog_state of channel, 0: any
    uint32_t limit;    // rows, 1 .. CHANNEL_LIST_MAX
};
static_assert(sizeof(struct channel_dialog_list) == 24, "layout");

// By handle when handle is not 0, by Call-ID otherwise.
struct channel_dialog_select {
    uint64_t handle;
    uint16_t call_id_length; // at most CHANNEL_CALL_ID_SIZE
    uint16_t reserved[3];
    char call_id[CHANNEL_CALL_ID_SIZE];
};
static_assert(sizeof(struct channel_dialog_select) == 528, "layout");

// RFC 3261 section 12 names with what a call goes through.
enum channel_dialog_state {
    CHANNEL_DIALOG_ANY,
    CHANNEL_DIALOG_NONE,
    CHANNEL_DIALOG_EARLY,
    CHANNEL_DIALOG_CONFIRMED,
    CHANNEL_DIALOG_TERMINATING,
    CHANNEL_DIALOG_TERMINATED
};

// The texts follow the struct one after another in this order, without NUL.
enum channel_dialog_text {
    CHANNEL_TEXT_CALL_ID,
    CHANNEL_TEXT_CALLER_URI, // From of the INVITE
    CHANNEL_TEXT_CALLEE_URI, // To of the INVITE
    CHANNEL_TEXT_CALLER_TAG,
    CHANNEL_TEXT_CALLEE_TAG,
    CHANNEL_TEXT_CALLER_TARGET, // remote target: last Contact
    CHANNEL_TEXT_CALLEE_TARGET,
    CHANNEL_TEXT_COUNT
};

struct channel_dialog_row {
    uint64_t handle;   // worker, index and generation: stays the same as long as dialog and process live
    uint64_t call;     // as in struct channel_event; the same in the next process
    uint64_t age_ms;   // since its INVITE
    uint64_t state_ms; // since it came to this state
    uint16_t state;    // enum channel_dialog_state
    uint16_t worker;
    uint16_t caller_peer;   // number
    uint16_t callee_peer;   // number
    uint16_t callee_member; // number
    uint16_t acked;         // 1: the ACK to the 2xx was seen
    uint32_t caller_cseq;   // highest seen
    uint32_t callee_cseq;
    uint16_t text_lengths[CHANNEL_TEXT_COUNT];
    uint16_t reserved[3];
};
static_assert(sizeof(struct channel_dialog_row) == 72, "layout");

// R(NAME, word): what moved a dialog from one state to another.
// clang-format off
#define CHANNEL_REASONS(R)                                                                                             \
    R(CREATED, "created")               /* an INVITE was sent on */                                                   \
    R(RESTORED, "restored")             /* taken over from the process before */                                      \
    R(PROVISIONAL, "provisional")       /* 101-199 */                                                                 \
    R(SUCCESS, "answered")              /* 2xx */                                                                     \
    R(REFUSED, "refused")               /* 300-699, or nobody answered */                                             \
    R(ACK, "ack")                                                                                                      \
    R(CANCEL, "cancel")                                                                                                \
    R(BYE, "bye")                                                                                                      \
    R(BYE_DONE, "bye-done")             /* the BYE got its final response */                                          \
    R(BYE_CHALLENGED, "bye-challenged") /* 401 or 407 */                                                              \
    R(TIMEOUT, "timeout")               /* lifetime of the state */                                                   \
    R(OPERATOR, "operator")             /* dialog end */                                                              \
    R(GONE, "gone")                     /* 481 or 408 inside the dialog (RFC 5057) */                                 \
    R(NO_ACK, "no-ack")                 /* the 2xx was never acknowledged */                                          \
    R(SESSION_END, "session-expired")   /* RFC 4028 */                                                                \
    R(DEAD, "dead")                     /* an OPTIONS of ours inside it was answered 481 or 408, or not at all */    \
    R(NO_ROOM, "no-room")               /* its record could not be kept */
// clang-format on
enum channel_reason {
#define R(name, word) CHANNEL_REASON_##name,
    CHANNEL_REASONS(R)
#undef R
        CHANNEL_REASON_COUNT
};

struct channel_event {
    uint64_t handle;  // as in struct channel_dialog_row
    uint64_t time_ms; // Unix time
    uint64_t call;    // the same for all dialogs of one Call-ID; DONE of DIALOG_SHOW tells it
    uint16_t caller_peer;
    uint16_t callee_peer;
    uint16_t callee_member;
    uint8_t from; // enum channel_dialog_state; CHANNEL_DIALOG_ANY: there was none
    uint8_t to;
    uint8_t reason; // enum channel_reason
    uint8_t reserved[7];
};
static_assert(sizeof(struct channel_event) == 40, "layout");

#define CHANNEL_EVENTS_MAX 64u // rows a datagram

// Which events a message has; their rows follow, and their numbers follow one another. Nobody waits for
// control: what there is no room for is dropped and counted. Without rows: what is lost and has nothing
// behind it.
struct channel_event_run {
    uint64_t first; // number of the first row, or of the next that will come
    uint64_t lost;  // numbers right before it that have no row
    uint32_t count; // of rows, at most CHANNEL_EVENTS_MAX
    uint32_t reserved;
};
static_assert(sizeof(struct channel_event_run) == 24, "layout");

// Those of one dialog are in order.
struct channel_events {
    struct channel_event_run run;
    struct channel_event rows[CHANNEL_EVENTS_MAX];
};
static_assert(sizeof(struct channel_events) == 24 + 40 * CHANNEL_EVENTS_MAX, "layout");

// enum member_health and reasons: counters.h.
struct channel_member_event {
    uint64_t time_ms; // Unix time
    uint64_t probes;  // of this member, in all
    struct ip_address address;
    uint16_t port;
    uint16_t member;
    uint16_t peer;
    uint16_t reason;
    uint8_t from; // enum member_health
    uint8_t to;
    uint8_t in_row; // probes that decided it
    uint8_t reserved[5];
};
static_assert(sizeof(struct channel_member_event) == 48, "layout");

// Those of one member are in order.
struct channel_member_events {
    struct channel_event_run run;
    struct channel_member_event rows[CHANNEL_EVENTS_MAX];
};
static_assert(sizeof(struct channel_member_events) == 24 + 48 * CHANNEL_EVENTS_MAX, "layout");

// R(NAME, word): why a source is banned. The last ones are enum ban_rule in its order.
// clang-format off
#define CHANNEL_BAN_REASONS(R)                                                                                         \
    R(OPERATOR, "operator")                                                                                            \
    R(MALFORMED, "malformed")           /* messages that are no SIP */                                                \
    R(SCANNER, "scanner")               /* its User-Agent */                                                          \
    R(IN_DIALOG, "in-dialog")           /* requests and responses of dialogs that it has no part in */
// clang-format on
enum channel_ban_reason {
#define R(name, word) CHANNEL_BAN_##name,
    CHANNEL_BAN_REASONS(R)
#undef R
        CHANNEL_BAN_REASON_COUNT
};
static_assert(CHANNEL_BAN_MALFORMED == BAN_RULE_MALFORMED + 1 &&
                  CHANNEL_BAN_SCANNER == BAN_RULE_SCANNER + 1 &&
                  CHANNEL_BAN_IN_DIALOG == BAN_RULE_IN_DIALOG + 1,
              "one order");

// Of an address, or of a prefix that is one source.
struct channel_ban {
    struct ip_address address;
    uint64_t lifetime_ms; // 0: until it is lifted
    uint32_t lift;        // 1: lift it
    uint32_t length;      // that was given with the address, of the 128-bit form; 0: none was
};
static_assert(sizeof(struct channel_ban) == 32, "layout");

struct channel_ban_row {
    struct ip_address address; // octets beyond the length are zero
    uint64_t since_ms;         // Unix time
    uint64_t remaining_ms;     // 0: until it is lifted
    uint64_t hits;             // packets that it dropped
    uint16_t length;           // of the 128-bit form; of IPv4 128
    uint8_t reason;            // enum channel_ban_reason
    uint8_t dry_run;           // 1: its rule only tells
    uint32_t times;            // bans of this source, this one too
};
static_assert(sizeof(struct channel_ban_row) == 48, "layout");

#define CHANNEL_BAN_ROWS_MAX 64u // rows a datagram

struct channel_ban_list {
    uint64_t cursor; // 0: from the start; else the cursor of the last DONE
    uint32_t limit;  // rows, 1 .. CHANNEL_LIST_MAX
    uint32_t reserved;
};
static_assert(sizeof(struct channel_ban_list) == 16, "layout");

struct channel_ban_rows {
    uint32_t count; // at most CHANNEL_BAN_ROWS_MAX
    uint32_t reserved;
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
};
static_assert(sizeof(struct channel_ban_rows) == 8 + 48 * CHANNEL_BAN_ROWS_MAX, "layout");

enum channel_ban_change {
    CHANNEL_BAN_BEGAN,   // by a rule
    CHANNEL_BAN_EXPIRED, // its time is over
    CHANNEL_BAN_ENDED    // the source is a peer's now, or allowed
};

struct channel_ban_event {
    uint64_t time_ms; // Unix time
    struct ip_address address;
    uint64_t lifetime_ms; // 0: until it is lifted
    uint32_t times;
    uint16_t length;
    uint8_t reason;
    uint8_t dry_run;
    uint8_t change; // enum channel_ban_change
    uint8_t reserved[7];
};
static_assert(sizeof(struct channel_ban_event) == 48, "layout");

struct channel_ban_events {
    struct channel_event_run run;
    struct channel_ban_event rows[CHANNEL_EVENTS_MAX];
};
static_assert(sizeof(struct channel_ban_events) == 24 + 48 * CHANNEL_EVENTS_MAX, "layout");

// Each kind has its own numbers and its own message.
enum channel_event_kind {
    CHANNEL_EVENT_DIALOG, // CHANNEL_EVENTS
    CHANNEL_EVENT_MEMBER, // CHANNEL_MEMBER_EVENTS
    CHANNEL_EVENT_BAN,    // CHANNEL_BAN_EVENTS
    CHANNEL_EVENT_KINDS
};

// All up to these numbers are taken, or known to be lost.
struct channel_events_done {
    uint64_t numbers[CHANNEL_EVENT_KINDS];
};
static_assert(sizeof(struct channel_events_done) == 24, "layout");

enum channel_capture_kind {
    CHANNEL_CAPTURE_ALL,     // whatever passes
    CHANNEL_CAPTURE_CALL_ID, // this Call-ID
    CHANNEL_CAPTURE_PEER,    // calls of which a message comes from this peer or goes to it
    CHANNEL_CAPTURE_NUMBER,  // calls with a user in Request-URI, From or To that begins like this
    CHANNEL_CAPTURE_SAMPLE,  // one of so many Call-IDs
    CHANNEL_CAPTURE_KINDS
};

#define CHANNEL_CAPTURE_FDS        2u // with a HELLO
#define CHANNEL_CAPTURE_DROPPED    1u // of these messages those alone that are dropped
#define CHANNEL_CAPTURE_NUMBER_MAX 64u

struct channel_capture_set {
    uint32_t id;    // control's; no other capture of the connection has it
    uint32_t kind;  // enum channel_capture_kind
    uint32_t flags; // CHANNEL_CAPTURE_DROPPED
    uint32_t sample;
    uint64_t messages; // limits, each at least 1
    uint64_t octets;
    uint32_t duration_ms;
    uint16_t peer;        // number; NUMBER_NONE with another kind
    uint16_t text_length; // of the Call-ID or number; 0 with another kind
    char text[CHANNEL_CALL_ID_SIZE];
};
static_assert(sizeof(struct channel_capture_set) == 552, "layout");

struct channel_capture_end {
    uint32_t id;
    uint32_t reserved;
};
static_assert(sizeof(struct channel_capture_end) == 8, "layout");

// Why a capture is over.
// clang-format off
#define CHANNEL_CAPTURE_ENDS(E)                                                                                        \
    E(STOPPED, "stopped")               /* CAPTURE_END */                                                             \
    E(MESSAGES, "messages")             /* its limits */                                                              \
    E(OCTETS, "octets")                                                                                                \
    E(DURATION, "duration")
// clang-format on
enum channel_capture_reason {
#define E(name, word) CHANNEL_CAPTURE_END_##name,
    CHANNEL_CAPTURE_ENDS(E)
#undef E
        CHANNEL_CAPTURE_END_COUNT
};

// The numbers are those of struct capture_count.
struct channel_capture_ended {
    uint32_t id;
    uint16_t slot;
    uint16_t reason; // enum channel_capture_reason
    uint64_t serial;
    uint64_t messages;
    uint64_t octets;
    uint64_t lost;
    uint64_t forgotten;
};
static_assert(sizeof(struct channel_capture_ended) == 48, "layout");

struct channel_done {
    int32_t result; // 0, or -errno
    uint32_t rows;
    uint64_t cursor;              // with DIALOG_LIST: where to go on, 0: that was all; with DIALOG_SHOW of a
                                  // Call-ID: its number in events, also where there is no dialog
    char text[CHANNEL_TEXT_SIZE]; // with a result that is not 0: what was wrong
};
static_assert(sizeof(struct channel_done) == 272, "layout");

#endif
