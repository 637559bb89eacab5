// SPDX-License-Identifier: BSD-3-Clause
// The control socket with two applications, a client of them, and the test as their data plane: it reads
// commands and tells events.
#ifndef DIALGATE_TEST_UA_WORLD_H
#define DIALGATE_TEST_UA_WORLD_H

#include "rpc_world.h"

#define DESK_CALL_ID "c1@test"

struct ua_world {
    struct rpc_world rpc;
    struct rpc_reader client;
    uint16_t desk, robot, carrier; // numbers of two applications and a peer
    uint64_t next;                 // number of the next event
    int last_id;                   // of requests
};

// applications: YAML of their list. 0 or -1.
int ua_world_open(struct ua_world *world, const char *applications);
int ua_world_close(struct ua_world *world);

// A method's call; its answer is a line of the client.
void ua_ask(struct ua_world *world, const char *method, const char *params);
// The next answer, or the next event (others are skipped): the caller's; asserts that there is one.
json_t *ua_answer_of(struct ua_world *world);
json_t *ua_event_of(struct ua_world *world, const char *event);
// Both of a call in one: asserts the code; the result is the caller's (NULL with an error).
json_t *ua_result(struct ua_world *world, const char *method, const char *params);
void ua_refused(struct ua_world *world, const char *method, const char *params, enum dg_code code);
const char *ua_text(const json_t *json, const char *key); // "": none

// The next command, which stays until the next call; asserts that there is one, of this op. A text of it is
// the caller's copy.
const struct channel_ua_command *ua_command(struct ua_world *world, enum channel_ua_op op);
char *ua_command_text(const struct channel_ua_command *command, unsigned which); // CHANNEL_UA_TEXTS: the body

void ua_say(struct ua_world *world, const struct channel_ua_event *event, const char *message);
// DONE of a command with this result, in the name of a dialog.
void ua_done(struct ua_world *world, const struct channel_ua_command *command, int result, uint64_t dialog,
             const char *message);
// What control makes of all that was said.
void ua_run(struct ua_world *world);

#define DIALOG 0x1100000000000001u
#define HEX    "1100000000000001"
#define SDP                                                                                                  \
    "v=0\r\no=- 1 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#define SDP_JSON                                                                                             \
    "v=0\\r\\no=- 1 7 IN IP4 192.0.2.1\\r\\ns=-\\r\\nc=IN IP4 192.0.2.1\\r\\nt=0 0\\r\\nm=audio 4000 "       \
    "RTP/AVP 0\\r\\n"
#define HEAD(from, to, cseq)                                                                                 \
    "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=" from "\r\nTo: <sip:b@y>" to         \
    "\r\nCall-ID: c1@test\r\nCSeq: " cseq "\r\nMax-Forwards: 70\r\n"
#define REQUEST(method, to, cseq, more)                                                                      \
    method " sip:b@y SIP/2.0\r\n" HEAD("f1", to, cseq " " method) more "Content-Length: 0\r\n\r\n"
#define RESPONSE(status, cseq, more)                                                                         \
    "SIP/2.0 " status " Text\r\n" HEAD("f1", ";tag=t1", cseq) more "Content-Length: 0\r\n\r\n"

void ua_attach(struct ua_world *world);
void ua_say_state(struct ua_world *world, uint64_t dialog, unsigned state, unsigned reason);
void ua_say_call(struct ua_world *world, uint16_t application);
void ua_say_answer(struct ua_world *world, uint64_t tag, unsigned status, const char *message);
void ua_say_asked(struct ua_world *world, uint64_t transaction, unsigned status, const char *message);
void ua_expect_event(struct ua_world *world, const char *name, const char *key, const char *value);
void ua_expect_in(const struct channel_ua_command *command, unsigned which, const char *part);
// The client places a call; it is HEX then. Returns the tag of its INVITE.
uint64_t ua_place(struct ua_world *world, const char *more);
void ua_confirm(struct ua_world *world, uint64_t tag);

// Control ends and begins again with what it has kept; then the data plane tells what it still has of
// calls. The client is another connection, not attached.
struct ua_row {
    uint64_t handle;
    unsigned state; // enum channel_dialog_state
    bool robot;     // it is robot's call, else desk's
    uint64_t call;  // its Call-ID's number; 0: 700, as what ua_done() and ua_say_state() tell
    bool callee;    // the application was called
};
void ua_attach_again(struct ua_world *world); // after it: all events that there are
// RESPOND to this transaction, which is carried out.
void ua_expect_answer(struct ua_world *world, uint64_t transaction, unsigned status);
// Another process of the data plane greets; ua_resume() follows.
void ua_reboot(struct ua_world *world);
void ua_restart(struct ua_world *world);
void ua_resume(struct ua_world *world, const struct ua_row *rows, size_t count);

// A world with the applications desk and robot, which refuses by itself.
int ua_setup(void **state);
int ua_setup_transfers(void **state); // desk carries out REFERs to @z
int ua_setup_with(void **state, const char *applications);
int ua_teardown(void **state);

#endif
