// SPDX-License-Identifier: BSD-3-Clause
// What an agent has. One mutex guards all of it, and of its dialogs and requests what may change; it is never
// held over a callback nor while anybody waits for the socket. Of the threads that wait one reads the socket
// for all (wire.c); what it reads changes the handles at once and is put into the queue, which the thread
// that calls dg_agent_process() empties (event.c): a slow callback makes the queue grow, never a state wrong.
#ifndef DIALGATE_CONTROL_CLIENT_AGENT_H
#define DIALGATE_CONTROL_CLIENT_AGENT_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include "dialgate/ua.h"
#include "line.h"
#include "table.h"

#define TAG_SIZE 65

struct rpc;
struct queued;

// One who hears events.
struct subscription {
    struct node node; // its number as text
    LIST_ENTRY(subscription) link;
    struct dg_dialog *dialog; // NULL: all
    uint64_t number;
    unsigned mask;
    dg_on_event *on_event;
    void *context;
};
LIST_HEAD(subscriptions, subscription); // newest first

struct dg_dialog {
    struct node node; // its id
    struct dg_agent *agent;
    atomic_uint refs;
    // Under the agent's lock.
    bool listed; // in the agent's table, which has a reference
    bool callee, acked, late_ack;
    enum dg_state state;
    struct dg_outcome outcome; // of our INVITE; status 0: none yet
    void *context;
    uint64_t round;                // of listing that has seen it
    LIST_HEAD(, dg_request) asked; // ours, without a final response
    struct subscriptions subscriptions;
};

struct dg_request {
    struct node node; // its id
    struct dg_agent *agent;
    atomic_uint refs;
    bool ours, refer;
    char method[METHOD_SIZE], tag[TAG_SIZE];
    struct dg_dialog *dialog; // NULL: outside
    struct dg_message *message;
    char *to, *replaces, *referred_by;
    // Under the agent's lock.
    bool listed, over;
    struct dg_outcome outcome;
    LIST_ENTRY(dg_request) link; // of the dialog
};

enum link { LINK_DOWN, LINK_ATTACHING, LINK_UP };

struct dg_agent {
    pthread_mutex_t lock;
    pthread_cond_t changed; // something that somebody may wait for
    atomic_uint refs;
    char *socket, *application, *retry;
    void (*log)(void *context, const char *line);
    void *log_context;
    int timeout_ms;

    // wire.c: the inner descriptor is readable when the socket or the timer is, the outer one also when
    // events wait for callbacks.
    int fd, inner, outer, wake, timer;
    bool reading; // a thread waits for the inner descriptor on behalf of all
    bool writing; // the socket is watched for room
    char *in, *out;
    size_t in_used, in_size, out_used, out_size;
    uint64_t last_id;
    TAILQ_HEAD(rpcs, rpc) waiting;

    // link.c
    enum link link;
    bool closed;
    unsigned delay_ms; // until the next try
    char stream[LINE_ID_SIZE];
    uint64_t number; // of the last event
    bool listing, again;
    uint64_t round;

    struct table dialogs, requests, numbers; // by id; numbers: of subscriptions
    struct subscriptions subscriptions;
    uint64_t last_number;

    // event.c
    TAILQ_HEAD(queue, queued) queue;
    size_t queued, queue_max; // events, without results
    uint64_t dropped;
    bool delivering, awake; // awake: the outer descriptor is readable
    pthread_t deliverer;
    uint64_t calling; // subscription; 0: none

    bool threaded;
    pthread_t thread;
};

void agent_ref(struct dg_agent *agent);
void agent_unref(struct dg_agent *agent);
// One line for the program's log; lock held.
__attribute__((format(printf, 2, 3))) void agent_log(struct dg_agent *agent, const char *format, ...);
__attribute__((format(printf, 3, 4))) enum dg_code agent_fail(struct dg_error *error, enum dg_code code,
                                                              const char *format, ...);

// --- handle.c; lock held ---

struct dg_dialog *handle_dialog(struct dg_agent *agent, const char *id); // found or made; borrowed
struct dg_dialog *handle_find_dialog(struct dg_agent *agent, const char *id);
void handle_end_dialog(struct dg_dialog *dialog); // terminated: out of the table, its requests are over
struct dg_request *handle_request(struct dg_agent *agent, const char *id, struct dg_dialog *dialog);
struct dg_request *handle_find_request(struct dg_agent *agent, const char *id);
void handle_list_request(struct dg_request *request);
void handle_end_request(struct dg_request *request, unsigned status, const char *reason,
                        struct dg_message *message);
void outcome_set(struct dg_outcome *outcome, unsigned status, const char *reason, struct dg_message *message);
void outcome_copy(struct dg_outcome *to, const struct dg_outcome *from);

// --- event.c; lock held ---

void event_take(struct dg_agent *agent, json_t *params);
void event_ended(struct dg_dialog *dialog, const char *reason); // by nobody's word: it is not listed any more
void event_plain(struct dg_agent *agent, enum dg_event_kind kind, uint64_t count);
void event_result(struct dg_agent *agent, struct rpc *rpc); // takes it
void event_deliver(struct dg_agent *agent, bool results_only);
void event_drop_all(struct dg_agent *agent);
enum dg_state event_state(const char *word);

// --- link.c; lock held ---

enum dg_code link_open(struct dg_agent *agent, struct dg_error *error);
void link_lost(struct dg_agent *agent, const char *why);
void link_retry(struct dg_agent *agent); // the timer is due
void link_sync(struct dg_agent *agent);  // dialogs are listed again
bool link_set_round(struct dg_dialog *dialog);

#endif
