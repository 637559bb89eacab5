// SPDX-License-Identifier: BSD-3-Clause
// libdialgate: states of dialogs, and what an agent is told. A part of ua.h.
#ifndef DIALGATE_UA_EVENT_H
#define DIALGATE_UA_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dg_agent;
struct dg_dialog;
struct dg_request;
struct dg_message;

// RFC 3261 section 12. Confirmed begins at the 2xx.
enum dg_state {
    DG_STATE_NONE, // nobody has answered yet
    DG_STATE_EARLY,
    DG_STATE_CONFIRMED,
    DG_STATE_TERMINATING,
    DG_STATE_TERMINATED
};
// The same as sipgo sees it: established is a 2xx without its ACK.
enum dg_sipgo_state { DG_SIPGO_NONE, DG_SIPGO_ESTABLISHED, DG_SIPGO_CONFIRMED, DG_SIPGO_ENDED };

// X(NAME, word on the socket, what it means)
#define DG_EVENTS(X)                                                                                         \
    X(INCOMING, "incoming", "a call: event->request is its INVITE, answer it by the dialog")                 \
    X(PROGRESS, "progress", "1xx to our INVITE")                                                             \
    X(ANSWERED, "answered", "2xx to our INVITE")                                                             \
    X(FAILED, "failed", "any other final response to our INVITE, or none")                                   \
    X(ACK, "ack", "the ACK of our 2xx")                                                                      \
    X(CANCELLED, "cancelled", "the caller gave up; the request is answered")                                 \
    X(REQUEST, "request", "any other request; request NULL: it is answered already")                         \
    X(RESPONSE, "response", "to a request of ours")                                                          \
    X(STATE, "state", "the dialog's state has changed")                                                      \
    X(FORKED, "forked", "one more early dialog of our INVITE")                                               \
    X(REGISTERED, "registered", "REGISTER was answered, or refreshed")                                       \
    X(REFER, "refer", "a transfer is asked of us: dg_refer_accept() or dg_refer_refuse()")                   \
    X(REFER_PROGRESS, "refer_progress", "what became of a transfer")                                         \
    X(ENDED, "ended", "the last event of a dialog")                                                          \
    X(RESUMED, "resumed", "connected again: dialogs are there, handles go on")                               \
    X(DISCONNECTED, "", "dialgate-control is gone; it is tried again by itself")                             \
    X(LOST, "lost", "events were dropped: count of them, 0 where nobody knows")

enum dg_event_kind {
#define X(name, word, text) DG_EVENT_##name,
    DG_EVENTS(X)
#undef X
        DG_EVENT_KINDS
};
enum dg_event_mask {
#define X(name, word, text) DG_ON_##name = 1 << DG_EVENT_##name,
    DG_EVENTS(X)
#undef X
        DG_ON_BODY = 1 << DG_EVENT_KINDS, // whatever comes with a body
    DG_ON_ALL = (1 << DG_EVENT_KINDS) - 1
};

// Everything here is gone when the callback returns, but for what is kept by a _ref function.
struct dg_event {
    enum dg_event_kind kind;
    struct dg_agent *agent;
    struct dg_dialog *dialog;   // NULL: outside dialogs
    struct dg_request *request; // theirs that waits for an answer, or ours that was answered; NULL: none
    struct dg_dialog *replaces; // INCOMING: it ends when this call is answered (RFC 3891); NULL: none
    const struct dg_message *message; // NULL: none
    unsigned status;                  // of a response; 0: none
    bool final;                       // no more of this comes
    const char *method;               // "": none
    const char *reason;               // phrase of a response, or why a state changed
    const char *tag;                  // of the request, as the program gave it
    const char *by;                   // ENDED: local, remote, operator, timeout
    const char *peer, *source;        // INCOMING, REQUEST: name of the peer, address:port
    enum dg_state from, to;           // STATE
    uint32_t expires_s;               // REGISTERED
    uint64_t count;                   // LOST
    uint64_t number;                  // of the event in its stream
};
typedef void dg_on_event(void *context, const struct dg_event *event);

#ifdef __cplusplus
}
#endif

#endif
