// SPDX-License-Identifier: BSD-3-Clause
// The socket of an agent: lines out, lines in, and who waits for an answer. All under the agent's lock.
#ifndef DIALGATE_CONTROL_CLIENT_WIRE_H
#define DIALGATE_CONTROL_CLIENT_WIRE_H

#include "agent.h"

// A call of a method, from wire_send() until its answer.
struct rpc {
    TAILQ_ENTRY(rpc) link;
    uint64_t id;
    enum dg_code code;
    bool finished;
    char text[DG_ERROR_TEXT_SIZE];
    json_t *result;
    // Who is told: take (which frees it), else done, else who waits for finished.
    void (*take)(struct dg_agent *agent, struct rpc *rpc);
    dg_done *done;
    void *context;
    // What becomes of its result.
    bool wants_dialog, wants_request, late_ack;
    char method[METHOD_SIZE], tag[TAG_SIZE];
    struct dg_dialog *dialog;   // it is about, or the new one; a reference
    struct dg_request *request; // the new one; a reference
};

int64_t wire_now_ms(void);
int64_t wire_deadline(int timeout_ms); // negative: none
bool wire_open(struct dg_agent *agent);
void wire_close(struct dg_agent *agent);
int wire_connect(struct dg_agent *agent); // 0 or -errno
void wire_retry_in(struct dg_agent *agent, unsigned delay_ms);
// The socket is closed, who waits for an answer is told code.
void wire_shut(struct dg_agent *agent, enum dg_code code, const char *text);
// Params are taken. DG_OK: the answer will come to rpc.
enum dg_code wire_send(struct dg_agent *agent, struct rpc *rpc, const char *method, json_t *params);
void wire_forget(struct dg_agent *agent, struct rpc *rpc); // nobody waits for it any more
void wire_io(struct dg_agent *agent);                      // what can be read and sent now
void wire_wake(struct dg_agent *agent, bool on);           // the outer descriptor is readable
// Something has changed that did not come by the socket: who waits for it looks again.
void wire_kick(struct dg_agent *agent);
// Waits until something has changed. False: the deadline is over.
bool wire_turn(struct dg_agent *agent, int64_t deadline_ms);
void rpc_fini(struct rpc *rpc);

#endif
