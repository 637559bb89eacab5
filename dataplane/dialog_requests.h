// SPDX-License-Identifier: BSD-3-Clause
// Control's questions about dialogs: asked of the workers over their command rings, answered over the
// channel. A worker that does not answer costs a timed-out request, never the agent's time.
#ifndef DIALGATE_DIALOG_REQUESTS_H
#define DIALGATE_DIALOG_REQUESTS_H

#include "channel_server.h"
#include "command.h"
#include "workers.h"

#define DIALOG_REQUESTS_MAX     8u    // at once
#define DIALOG_REQUEST_MS       5000u // then a worker is said not to answer
#define DIALOG_LIST_MS          500u  // then a list that found too little ends its page with a cursor
#define DIALOG_REQUESTS_HANDLES 32u   // dialogs of one Call-ID (forks) ended by one request

struct dialog_request {
    bool used;
    enum channel_type type;
    uint32_t number; // control's
    uint32_t serial; // ours, in command.request: tells late answers
    uint64_t begun_ms;
    unsigned waiting; // commands out
    uint32_t rows;
    int result;
    uint64_t call; // SHOW by Call-ID: its number in events
    struct channel_dialog_list list;
    unsigned worker; // LIST: who is asked now
    uint32_t index;  // LIST: where that worker goes on
    bool ending;     // END by Call-ID: the dialogs are known and being ended
    unsigned handle_count;
    uint64_t handles[DIALOG_REQUESTS_HANDLES];
};

struct dialog_requests {
    struct channel_server *channel;
    struct workers *workers;
    uint32_t serial;
    unsigned outstanding; // commands that workers hold
    struct log_limit limit;
    struct dialog_request requests[DIALOG_REQUESTS_MAX];
};

void dialog_requests_init(struct dialog_requests *requests, struct channel_server *channel,
                          struct workers *workers);
// A checked DIALOG_LIST, DIALOG_SHOW or DIALOG_END. Answers at once when it can.
void dialog_requests_begin(struct dialog_requests *requests, const struct channel_input *in, uint64_t now_ms);
// Takes results and ends what takes too long. Every 1 or 2 ms while dialog_requests_busy().
void dialog_requests_poll(struct dialog_requests *requests, uint64_t now_ms);
bool dialog_requests_busy(const struct dialog_requests *requests);
// The connection is gone: nobody waits for answers any more.
void dialog_requests_forget(struct dialog_requests *requests);
// After the workers stopped, before their rings are freed.
void dialog_requests_fini(struct dialog_requests *requests);

#endif
