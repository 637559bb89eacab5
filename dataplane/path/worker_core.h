// SPDX-License-Identifier: BSD-3-Clause
// Inside a worker: its memory, and the stages' prototypes. Only path/ includes this.
//
// A stage either lets a message go on or settles it by an outcome (work->outcome), which worker.c counts:
// exactly one for each packet. After a stage has handed an mbuf to a ring or a driver it does not touch it
// again; received mbufs are read only and freed by worker.c, what leaves is always a fresh mbuf.
#ifndef DIALGATE_PATH_WORKER_CORE_H
#define DIALGATE_PATH_WORKER_CORE_H

#include "adopt.h"
#include "affinity.h"
#include "call_record.h"
#include "capture.h"
#include "dialog.h"
#include "filter.h"
#include "glance.h"
#include "listener.h"
#include "member.h"
#include "name.h"
#include "originate.h"
#include "overload.h"
#include "probe.h"
#include "reassemble.h"
#include "refer_operator.h"
#include "source.h"
#include "suspect.h"
#include "transaction.h"
#include "tx.h"
#include "tx_plain.h"
#include "ua_memory.h"
#include "ua_ring.h"
#include "unreachable.h"
#include "uri.h"
#include "worker.h"
#include "write.h"

#define BURST          32u
#define BURST_TOTAL    (BURST * (2 * WORKER_QUEUES_MAX + WORKERS_MAX)) // see receive() in worker.c
#define SIP_PORT       5060u
#define MAX_FORWARDS   70u
#define EXPIRED_A_TURN 64u
#define KNOWN_VIAS     8u // a power of two
static_assert(BURST <= TABLE_BULK_MAX, "dialogs_prefetch() takes a burst");

// Frames that wait for the end of the turn: for a NIC queue that we own, or for the worker that owns one.
struct tx_buffer {
    struct rte_mbuf *mbufs[BURST * 2];
    uint32_t count;
};

#define WORK_GOES_ON UINT32_MAX
#define WORK_ASKS    (UINT32_MAX - 1) // affinity.h: the packet goes to another worker and comes back
#define WORK_HELD    (UINT32_MAX - 2) // name.h: the packet comes again when its next hop's name is known

// One received message on its way through the stages.
struct work {
    struct packet *packet;
    struct message *message;
    uint32_t outcome; // enum counter of an outcome, or WORK_GOES_ON
    // Requests.
    struct endpoint reply_to;      // where responses go (RFC 3261 18.2.2, RFC 3581)
    uint64_t server_key;           // of the server transaction this request belongs to or begins
    bool glanced;                  // the message is what glance_rest() makes
    uint64_t refusal_mac;          // then: of the To-tag of its refusal (cookie.h)
    uint32_t loop;                 // hash of what decides the way of the request (16.6 step 8)
    struct span route_removals[2]; // what popping our own Route values takes away (16.4)
    uint32_t route_removal_count;
    struct span next_route;       // URI of the first Route value that is not ours, length 0: none
    struct span next_route_value; // all of that value
    bool next_is_strict;          // it is a strict router's
    uint16_t route_listener;      // that our last Route value names: it faces the other side; NUMBER_NONE
    bool has_cookie;              // our Route has a dg parameter that we signed
    struct cookie_route cookie;
    bool inside;           // a dialog
    uint32_t dialog;       // index of the record, INDEX_NONE
    enum dialog_side side; // who sent this message, when dialog is set
    uint16_t to_peer;      // in-dialog: the other side; responses: where it goes
    // Responses.
    uint32_t client;     // index of the client transaction, INDEX_NONE: forwarded statelessly
    struct via upstream; // the Via below ours; of a client transaction's only after transaction_upstream()
    bool has_upstream;
    struct endpoint upstream_at; // where it says responses go
};

// What is too much (shed.c).
struct overload_marks {
    uint32_t transactions;
    uint32_t mbufs;
    uint32_t turn_us;
};

// The next hop of what was sent last in this turn and is not plain (tx.c).
struct last_hop {
    struct nexthop hop;
    struct ip_address address; // where that was for
    uint8_t network;
    bool is_known;
};

// What follows CSeq in a refusal, made once for all (shed.c).
struct refusal_lines {
    char octets[160];
    uint32_t length;
};

// The turn under way.
struct turn_seen {
    uint64_t began_us;
    uint32_t received; // packets
    tick_t tick;       // when mbufs were counted
    bool full;         // a queue or an inbox gave a whole burst
};

struct worker {
    struct worker_parts parts;
    const struct rules *rules; // this turn's
    const struct nexthop_table *nexthops;
    const struct name_table *name_table;  // NULL: none is known
    const struct capture_table *captures; // NULL: none is wanted
    uint64_t now_us;
    tick_t now;
    uint64_t wall_us; // what now_us lacks to the time of day
    uint64_t tsc_base, us_base;
    uint64_t us_per_tsc_shifted; // 2^32 * microseconds a TSC cycle
    uint64_t us_ahead_of_tsc;    // what our clock is beyond the microseconds of the TSC
    uint32_t idle_turns;
    struct transactions transactions;
    struct dialogs dialogs;
    struct adoption adoption;
    struct wheel wheel;
    struct arena arena;
    struct tx_buffer steer[WORKERS_MAX];              // received packets for other owners
    struct tx_buffer tx_queue[NETWORKS_MAX];          // frames for our own queue of the network
    uint32_t tx_received_us[NETWORKS_MAX][BURST * 2]; // of its frames, as in struct packet
    struct tx_buffer tx_away[WORKERS_MAX];            // frames for the worker that owns one
    int queue_of[NETWORKS_MAX];                       // index in queues of our queue of the network, -1
    struct worker_queue queues[WORKER_QUEUES_MAX];
    struct dialog_transitions transitions;
    struct limits limits;
    struct overload overload;
    struct overload_marks marks;
    uint32_t mbufs_at_rest;                // in the NICs' queues before the first packet
    struct refusal_lines refusal_lines[2]; // the second for those who listen (RFC 7339)
    struct glance_via vias[KNOWN_VIAS];    // by peer, the lowest bits
    struct last_hop last_hop;
    uint64_t settled; // serial of the rules whose settings are in force
    struct sources sources;
    struct tx_plains plains;
    struct turn_seen seen;
    struct member_view view;
    struct probes probes;
    struct unreachables unreachables;
    struct affinity affinity;
    struct names names;
    struct capturing capturing;
    struct ua ua;
    struct refers_sent refers;
    struct suspects suspects;
    struct host_path_buckets host_buckets[NETWORKS_MAX];
    int32_t credits[MEMBERS_MAX]; // whose turn it is among weighted members
    struct member_lately lately[MEMBERS_MAX];
    uint32_t received_us; // of the message in process, as in struct packet
    tick_t gauged;        // when the gauges that cost more were published
    uint16_t ip_id;
    uint32_t tags[NETWORKS_MAX]; // of frames, FRAME_TAGS()
    uint32_t away;               // networks without a device now, bits (away.h)
    struct reassembler reassembler;
    struct command *command;        // being worked on
    struct message messages[BURST]; // of a burst: process.c; the first two are early.c's too
    struct message kept;            // a kept one, parsed again
    struct edits edits;
    uint8_t call_texts[2048];                 // of a record (call_record.c)
    uint64_t random_serial;                   // random.h
    tick_t began;                             // dialogs that are older were taken over
    uint64_t refused_keys[CALL_REFUSED_KEYS]; // call_record.c
    uint8_t scratch[MESSAGE_SIZE_MAX + 1];
    // What a strict router sent, as a loose one would have (strict.h): one is made while another is read.
    uint8_t restored[2][MESSAGE_SIZE_MAX + 1];
    struct rte_mbuf *burst[BURST_TOTAL];
};

static inline void count_add(struct worker *worker, enum counter counter, uint64_t n)
{
    uint64_t *word = &worker->parts.counters->values[counter];
    __atomic_store_n(word, *word + n, __ATOMIC_RELAXED); // one writer: no locked instruction is needed
}

static inline void count(struct worker *worker, enum counter counter)
{
    count_add(worker, counter, 1);
}

static inline void count_word(uint64_t *word, int64_t n)
{
    __atomic_store_n(word, *word + (uint64_t)n, __ATOMIC_RELAXED);
}

static inline void count_gauge(int64_t *word, int64_t n)
{
    __atomic_store_n(word, *word + n, __ATOMIC_RELAXED);
}

static inline void count_histogram(struct worker *worker, enum histogram histogram, uint64_t value,
                                   unsigned n)
{
    struct counters_histogram *words = &worker->parts.counters->histograms[histogram];
    count_word(&words->buckets[histogram_bucket(value)], n);
    count_word(&words->sum, (int64_t)(value * n));
}

static inline void settle(struct work *work, enum counter outcome)
{
    work->outcome = outcome;
}

static inline struct dialog_string string_of(const struct message *message, struct span span)
{
    return (struct dialog_string){message_at(message, span), span.length};
}

// The dialog that a response speaks of, by its Call-ID and tags.
static inline struct dialog_id response_id(const struct work *work)
{
    const struct message *message = work->message;
    return (struct dialog_id){.call_hash = work->packet->call_hash,
                              .call_id = string_of(message, message->call_id),
                              .from_tag = string_of(message, message->from_tag),
                              .to_tag = string_of(message, message->to_tag),
                              .peer = work->packet->peer,
                              .response = true};
}

static inline struct cookie_octets octets_of(const struct message *message, struct span span)
{
    return (struct cookie_octets){message_at(message, span), span.length};
}

// worker.c: one turn. Returns how much there was to do. Tests call turns one at a time.
unsigned worker_turn(struct worker *worker);
struct work work_of(struct message *message); // without a packet as yet
// worker.c: microseconds of the monotonic clock now, where now_us is those of the turn's begin.
uint64_t worker_us(const struct worker *worker);
// worker.c, for worker_create.c: the clock and what follows from a new configuration.
void worker_clock(struct worker *worker);
void worker_settings(struct worker *worker);

// gauges.c: what there is of each thing now. Once a turn.
void gauges_publish(struct worker *worker);

// rx.c: up to BURST packets from one queue.
unsigned rx_burst(struct worker *worker, const struct worker_queue *queue, struct rte_mbuf **mbufs);
// screen.c: keeps what is UDP to a listener, in place; the rest is counted and freed. Returns how many stay.
unsigned screen_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n);
// host_path.c: takes a received frame that is not ours, and counts what becomes of it. why: the outcome that
// it has otherwise. False: it is not for the kernel, and still the caller's.
bool host_path_give(struct worker *worker, struct rte_mbuf *mbuf, enum counter why);
// What came back from the kernel. Returns how much.
unsigned host_path_slice(struct worker *worker);
// steer.c: keeps what this worker owns, in place, and buffers the rest for its owners.
unsigned steer_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n);
// The packet gets its Call-ID, a place in its payload, and the hash by which all know the call.
void steer_know(const struct worker *worker, struct packet *packet, struct span call_id);
// Hands a fragment to the worker packet->asker. Takes the mbuf.
void steer_fragment(struct worker *worker, struct rte_mbuf *mbuf);
// At most BURST from each other worker. Of fragments among them those stay that make a datagram of ours
// whole.
unsigned steer_inbox(struct worker *worker, struct rte_mbuf **mbufs);
void steer_flush(struct worker *worker);
// parse.c
void parse_stage(struct worker *worker, struct work *work);
void parse_count(struct worker *worker, const struct packet *packet, const struct message *message);
// The sender is a peer, whom the packet gets, and came to a listener of ours; or the work is settled.
bool parse_source(struct worker *worker, struct work *work);
// Of a request: where its response goes, and its server transaction.
void parse_request(struct worker *worker, struct work *work);
// early.c: before they are steered or parsed, of a worker that is behind: what shed_stage() refuses, and the
// ACK to it. Keeps the others in place and returns how many they are; some have their Call-ID then.
unsigned early_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n);
// The topmost branch is one of RFC 3261 (17.2.3).
bool has_magic_cookie(const struct message *message);
// transaction_stage.c
void transaction_stage(struct worker *worker, struct work *work);
void transaction_upstream(struct work *work); // of a response: finds the Via below ours
// shed.c: a worker that is behind. Its marks follow from the configuration; each turn begins with a look at
// the one before.
void shed_settings(struct worker *worker);
void shed_turn(struct worker *worker);
// Answers 503 to the share of new calls that is refused now. Only for what no transaction knows.
void shed_stage(struct worker *worker, struct work *work);
uint32_t shed_percent(const struct worker *worker); // that share
// dialog_stage.c
void dialog_stage(struct worker *worker, struct work *work);
// The callee has answered without a tag (RFC 2543), which counts as an empty one (12.1.2, 12.2.1.1).
bool dialog_is_untagged(const struct worker *worker, uint32_t index);
// route.c
void route_stage(struct worker *worker, struct work *work);
// The listener from which a message leaves for an address of this peer (listener.h).
static inline uint16_t listener_towards(const struct worker *worker, uint16_t peer,
                                        const struct ip_address *address, uint16_t known)
{
    return listener_choose(worker->rules, worker->nexthops,
                           &(struct listener_choice){.peer = peer, .known = known, .address = *address});
}
// forward.c: requests on their way.
struct forward {
    struct endpoint to;
    char branch[COOKIE_TEXT_MAX];
    uint32_t branch_length;
    const char *record_route;           // cookie text, NULL: no Record-Route
    uint16_t listener_in;               // Record-Route towards the caller, when another than to.listener
    const struct snapshot_route *route; // what it changes, NULL: nothing
    bool path;                          // add a Path (RFC 3327)
    uint16_t peer;                      // that it goes to
};
struct rendered {
    struct rte_mbuf *mbuf;
    struct writer writer;
};
// Renders the request for the next hop. Returns 0, or the outcome that tells why not.
uint32_t forward_render(struct worker *worker, struct work *work, const struct forward *forward,
                        struct rendered *rendered);
void forward_stateless(struct worker *worker, struct work *work, struct endpoint to);
// Whether a request, outside a dialog, gets our Record-Route.
bool forward_begins_dialog(const struct message *message);
// The request outside a dialog in worker->kept, which we sent, goes out once more from another listener: our
// Via, Record-Route and Path name that one. False: it cannot be; worker->kept is of no use then.
struct forward_move {
    uint16_t from, to;
    uint16_t in; // that received it
};
bool forward_readdress(struct worker *worker, const struct forward_move *move);
// Responses to the Via below ours. Returns 0, or the outcome that tells why not. server: keeps the copy,
// INDEX_NONE: none.
uint32_t forward_response(struct worker *worker, struct work *work, struct endpoint to, uint32_t server);

// reply.c: our own responses. extra: header lines with CRLF each, or NULL.
struct reply {
    uint16_t status;
    const char *reason;
    const char *extra;
};
// Answers without any state (RFC 3261 8.2.7): the tag is derived from the request, so that repeats get the
// same one, and the ACK is known by it. Settles the work.
void reply_stateless(struct worker *worker, struct work *work, struct reply reply);
// The same with this To-tag.
void reply_tagged(struct worker *worker, struct work *work, struct reply reply, const char *to_tag);
// 503 for overload, with these lines, and a tag by which early_burst() knows its ACK.
void reply_refusal(struct worker *worker, struct work *work, const struct refusal_lines *lines);
// The RFC's phrase, or that of the class.
const char *reply_reason(uint16_t status);
// A response of ours went out.
void reply_count(struct worker *worker, uint16_t status);
// 100 Trying, kept in the server transaction.
void reply_trying(struct worker *worker, struct work *work, uint32_t server);
// The same for a request other than INVITE that nobody has answered for long (RFC 4320 4.1); it is known from
// what its client transaction keeps.
void reply_trying_late(struct worker *worker, uint32_t server, uint32_t client);
// A final response of our own for a server transaction whose request is known only from its client
// transaction's kept copy.
void reply_for(struct worker *worker, uint32_t server, uint32_t client, struct reply reply);

// response.c
void response_stage(struct worker *worker, struct work *work);
// How long it took to answer an INVITE.
void response_count_delay(struct worker *worker, const struct transaction *server, enum histogram histogram);
// The INVITE's client transaction came to a final end by itself: tells the caller.
void response_failed(struct worker *worker, uint32_t client);

// The live transaction on the other side of a proxied pair, INDEX_NONE when it is gone.
static inline uint32_t transaction_other(struct worker *worker, uint32_t index)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, index);
    uint32_t other = transaction->other;
    if (other == INDEX_NONE)
        return INDEX_NONE;
    const struct transaction *record = transaction_at(&worker->transactions, other);
    return record->state != TRANSACTION_FREE && record->generation == transaction->other_generation
               ? other
               : INDEX_NONE;
}

// dialog_apply.c
struct endpoint dialog_endpoint(const struct worker *worker, uint32_t dialog, enum dialog_side side);
unsigned dialog_apply(struct worker *worker, uint32_t dialog,
                      enum dialog_event event); // step, gauges, actions, release
// end: of the call, where more is known of it than the event says.
unsigned dialog_apply_end(struct worker *worker, uint32_t dialog, enum dialog_event event,
                          const struct call_end *end);
// Ends a dialog by command; one whose 2xx was not acknowledged yet, as soon as it is. Returns 0 or -errno.
int dialog_end(struct worker *worker, uint32_t dialog);
// The lifetime of its state is over. An early one whose INVITE is still open is cancelled, the others are
// dropped or ended as the machine says.
void dialog_overdue(struct worker *worker, uint32_t dialog);
void dialog_taken(struct worker *worker, uint32_t dialog); // over from an image: counts for its peers
// The call is at another member of the callee's peer now, behind this address. A record whose member is not
// known stays as it is.
void dialog_moves(struct worker *worker, uint32_t dialog, uint16_t member, struct endpoint to);
// Without its callee's tag a record would find nothing: the call goes on by its cookie alone.
void dialog_drop(struct worker *worker, uint32_t dialog);

// The live record that a handle (command.h) names, INDEX_NONE.
uint32_t dialog_by_handle(const struct worker *worker, uint64_t handle);

// dialog_track.c
struct route_target {
    struct endpoint to;
    uint16_t peer;
    uint16_t member;
    const struct snapshot_route *route; // NULL: inside a dialog
};
// match.c: the first route that fits a request outside a dialog, NULL: none.
const struct snapshot_route *match_route(const struct worker *worker, const struct work *work);
// rewrite.c: edits of a message that is sent on.
bool rewrites_request_uri(const struct snapshot_route *route); // NULL: it does not
// Writes the Request-URI with which a request goes on.
void rewrite_request_uri(const struct worker *worker, const struct message *message,
                         const struct snapshot_route *route, struct writer *writer);
void rewrite_identity(struct worker *worker, const struct message *message, uint16_t peer);
// A refusal of this peer: 503 and Retry-After as its configuration wants them upstream.
void rewrite_refusal(struct worker *worker, const struct message *message, uint16_t peer);
void rewrite_path(struct worker *worker, const struct message *message, uint16_t listener);
// target.c: requests outside dialogs.
struct endpoint target_of_member(const struct worker *worker, uint16_t member);
void route_new(struct worker *worker, struct work *work);
void route_inside(struct worker *worker, struct work *work); // route_inside.c: requests inside dialogs
// route.c: sends a request on, with a transaction on either side. For an INVITE outside a dialog its call was
// taken (calls_take()) for this target.
void forward_stateful(struct worker *worker, struct work *work, const struct route_target *target);

// calls.c: one call and the limits that it stands in.
struct call_parties {
    uint16_t from; // peer
    uint16_t to;   // peer
    uint16_t member;
};
struct refusal {
    uint16_t status;
    uint16_t retry_after_s; // 0: none
    enum counter counter;   // which limit
};
bool calls_take(struct worker *worker, const struct call_parties *call, struct refusal *refusal);
void calls_untake(struct worker *worker, const struct call_parties *call); // it did not come about
bool calls_take_member(struct worker *worker, uint16_t member); // of a member alone, for a call that is there
void calls_hold(struct worker *worker, const struct dialog *dialog);
void calls_release(struct worker *worker, const struct dialog *dialog);

// The record of an INVITE that goes out, and of its server transaction. INDEX_NONE: no room.
uint32_t dialog_begin(struct worker *worker, const struct work *work, const struct route_target *target,
                      uint32_t server);
// dialog_inside.c: a request inside the dialog, after it was sent on.
void dialog_request(struct worker *worker, struct work *work);
// dialog_answer.c: a response that has no transaction: finds its record, or for a 2xx to an INVITE our cookie
// in it. False: it does not come from the side that was asked.
bool dialog_may_answer(struct worker *worker, struct work *work);
// After it was sent on. One without a transaction went through dialog_may_answer().
void dialog_response(struct worker *worker, struct work *work);
// dialog_track.c: the INVITE of this server transaction failed by itself.
void dialog_refused(struct worker *worker, uint32_t server, uint16_t status);

// takeover.c: what earlier processes left. Before the first turn, and then a slice a turn; returns how much
// was done.
void takeover_begin(struct worker *worker);
unsigned takeover_slice(struct worker *worker, bool busy);

// expire.c: one slice of the wheel.
void expire_slice(struct worker *worker);
// command.c: one piece of one command from the agent.
bool command_slice(struct worker *worker);

// uri_endpoint.c: addresses in messages.
// Host and port of a SIP URI that names an address; false for names and other schemes. listener is
// NUMBER_NONE.
bool endpoint_of_uri(const struct message *message, struct span uri, struct endpoint *to);
bool endpoint_of_parts(const uint8_t *octets, const struct uri *uri, struct endpoint *to);
// What a URI says of the next hop (16.6 step 7, RFC 3263 section 4).
enum next_hop {
    NEXT_HOP_ADDRESS,
    NEXT_HOP_NAME,
    NEXT_HOP_ELSEWHERE, // tel, what is no URI, an address of nobody (uri_host_ip())
    NEXT_HOP_SECURE,    // sips
    NEXT_HOP_TRANSPORT  // another one than UDP
};
struct next_hop_uri {
    struct ip_address address;
    uint16_t port; // 0: not given
    struct span host;
};
enum next_hop next_hop_of_uri(const uint8_t *octets, struct span text, struct next_hop_uri *hop);
// Where a Via says that responses go (18.2.2, RFC 3581 section 4); false when it names no address.
bool endpoint_of_via(const struct message *message, const struct via *via, struct endpoint *to);
// Whether its sent-by names a listener of ours.
bool via_is_ours(const struct rules *rules, const struct message *message, const struct via *via);

#endif
