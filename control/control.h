// SPDX-License-Identifier: BSD-3-Clause
// The daemon's one object: the configuration in force, what is known of the dataplane, and the reload that
// brings a new configuration to it. Runs on one libevent thread; nothing here locks.
#ifndef DIALGATE_CONTROL_H
#define DIALGATE_CONTROL_H

#include <limits.h>
#include <stdbool.h>
#include "capture.h"
#include "channel.h"
#include "configuration.h"
#include "counters.h"
#include "dialgate/prefilter.h"
#include "drops.h"
#include "event.h"
#include "event_watch.h"
#include "kept_ports.h"
#include "names.h"
#include "prefilter.h"
#include "rates.h"
#include "record.h"
#include "resolve.h"
#include "rpc/audit.h"
#include "versions.h"
#include "rpc/count.h"
#include "refer/operator.h"
#include "refer/referral.h"
#include "refer/transfer.h"
#include "ua/ua.h"

#define ERROR_SIZE            1024
#define DATAPLANE_DEADLINE_MS 5000u
#define SNAPSHOT_DEADLINE_MS  15000u // the dataplane checks, fills eBPF maps and waits for a grace period

enum hand_over { HANDED_NONE, HANDED_WAITING, HANDED_ACCEPTED, HANDED_REFUSED };

// Called once for each reload that was begun: result 0 or -errno, text says what happened.
struct reload_answer {
    void (*done)(void *context, int result, const char *text);
    void *context;
    const char *who; // asked for it, for the history; NULL: nobody at the control socket
};

// Why a configuration goes to the dataplane.
enum reload_cause { RELOAD_OF_FILE, RELOAD_OF_ADDRESSES, RELOAD_OF_OVERLAY };

// What came of reloads of the file since control started.
struct reload_counts {
    uint64_t taken;
    uint64_t refused;
    bool last_refused;
    uint64_t last_s; // Unix time of the last, or of the start
};

struct listings {
    struct listing_stream *first, **end; // that wait for their next page; end NULL: none yet did
    unsigned int asked;                  // pages that the dataplane is asked for
};

struct control {
    struct event_base *base;
    const char *run_directory;
    char state_directory[PATH_MAX];
    struct manifest *manifest;
    struct overlay overlay; // what the operator said of node, peers and members; drain.c
    struct overlay changed; // with RELOAD_OF_OVERLAY: what is to be said
    struct resolver *resolver;
    struct names *names;
    struct event *renewal; // hosts changed: pending until the new addresses can be handed over
    uint64_t sequence;     // the last that was given to an image
    struct configuration active;
    struct configuration candidate; // of a reload under way
    struct reload_answer reload;
    enum reload_cause cause; // of the candidate
    bool reloading;
    bool resend; // an unanswered hand-over leaves unknown what is in force there
    enum hand_over handed;
    uint64_t handed_boot;
    char refusal[CHANNEL_TEXT_SIZE]; // with HANDED_REFUSED
    struct channel *channel;
    struct channel_hello hello; // the last one; only with channel_ready()
    struct kept_ports kept_ports;
    struct counters *counters; // NULL: none
    struct rates *rates;
    uint32_t networks;
    struct prefilter_maps
        prefilters[NETWORKS_MAX]; // descriptors, -1: none; index is the network's in the image
    uint64_t started_ms;
    uint64_t start_time_s; // Unix time
    struct reload_counts reloads;
    struct versions versions;
    uint32_t snapshot_deadline_ms;
    struct event_stream events;
    struct event_watch watch;
    struct drops *drops;
    struct record_keeper records;
    struct captures captures;
    struct end_job *end_jobs; // rpc/dialog_end_many.c
    struct listings listings; // streamed; rpc/dialog_stream.c
    struct rpc_counts rpc;
    struct audit_file audit;
    struct ua ua;
    struct transfers transfers;
    struct referrals referrals;
    struct operator_transfers operators;
};

// Reads file and compiles it. options: run_directory, and state_directory or NULL for that of the
// configuration; its texts live as long as control. Returns 0 or -errno with one line in error;
// control_fini() is needed only after 0.
struct control_options {
    const char *file;
    const char *run_directory;
    const char *state_directory;
    const char *name_servers; // as dns_create() takes them; NULL: of the system
};
int control_init(struct control *control, struct event_base *base, const struct control_options *options,
                 char *error, size_t size);
int control_connect(struct control *control); // begins to look for the dataplane
void control_fini(struct control *control);

// Begins a reload from file (NULL: the file in force). Whole or nothing. Returns 0 (answer follows, perhaps
// before this returns) or -errno with one line in error (no answer follows).
int control_reload(struct control *control, const char *file, const struct reload_answer *answer, char *error,
                   size_t size);

// The same from a version that is kept (0: the newest one before that in force which says something else).
// -ENOENT when there is none.
int control_rollback(struct control *control, uint32_t version, const struct reload_answer *answer,
                     char *error, size_t size);

// 0 when a configuration may be handed over now, or when there is no dataplane to take it; else -EBUSY while
// another one is under way, or -EAGAIN, with one line in error.
int control_may_hand_over(const struct control *control, char *error, size_t size);

// Compiles the configuration in force once more, with what changed around it (cause), and hands it over as a
// reload does. Returns 0 (answer follows, perhaps before this returns) or -errno with one line in error (no
// answer follows).
int control_again(struct control *control, enum reload_cause cause, const struct reload_answer *answer,
                  char *error, size_t size);

// What has to be well for calls to be taken. What only a running data plane shows is well without one.
enum control_check {
    CONTROL_CHECK_DATAPLANE,
    CONTROL_CHECK_CONFIGURATION,
    CONTROL_CHECK_COUNTERS,
    CONTROL_CHECK_OPERATOR,
    CONTROL_CHECKS
};
extern const char *const control_check_names[CONTROL_CHECKS];
// What is wrong there, NULL: nothing. buffer holds texts that are made.
const char *control_check(const struct control *control, enum control_check check, char *buffer, size_t size);
// What keeps the whole from taking calls, one text a call with rising index; NULL behind the last: ready when
// index 0 gives NULL. buffer holds texts that are made.
const char *control_not_ready(const struct control *control, unsigned int index, char *buffer, size_t size);

const char *control_dataplane_state(const struct control *control); // "absent", "waiting", "starting", ...

// Names for an operator. Numbers that nobody knows give "-".
const char *control_peer_name(const struct control *control, uint32_t number);
const char *control_network_name(const struct control *control, uint32_t index);
// Its row of the configuration in force, NULL for none.
const struct snapshot_network *control_network(const struct control *control, uint32_t index);
bool control_has_prefilter(const struct control *control, uint32_t network); // an XDP program's maps

// Where the prefilter's policy is carried out. FILTER_SHARED: in the program of an earlier network with the
// same interface, which counts for both. FILTER_INSTEAD: in the workers, since the XDP program could not be
// had (prefilter.unavailable).
enum filter_place { FILTER_NOWHERE, FILTER_IN_XDP, FILTER_IN_WORKERS, FILTER_SHARED, FILTER_INSTEAD };
enum filter_place control_filter_place(const struct control *control, uint32_t network);
// Packets by reason there. Returns 0 or -errno.
int control_filter_counters(const struct control *control, uint32_t network,
                            uint64_t values[PREFILTER_REASON_COUNT]);
// Packets of a class, a peer's number or PREFILTER_STRANGERS, by enum prefilter_tally: on all networks.
void control_filter_class(const struct control *control, uint32_t class,
                          uint64_t values[PREFILTER_TALLY_COUNT]);

#endif
