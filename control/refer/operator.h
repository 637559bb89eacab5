// SPDX-License-Identifier: BSD-3-Clause
// An operator's transfers of proxied calls (channel_ua.h, REFER). What the data plane does of them it does
// without being asked again: they go on while control is started anew, and the next control knows them
// (operator_keep.c). A data plane that is started anew knows nothing of them, and they are lost.
#ifndef DIALGATE_CONTROL_REFER_OPERATOR_H
#define DIALGATE_CONTROL_REFER_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>
#include "../ua/ua.h"
#include "refer.h"

struct control;
struct event;
struct channel_event;
struct channel_ua_event;

#define OPERATOR_TRANSFERS_MAX 1024u

struct operator_transfer {
    LIST_ENTRY(operator_transfer) link;
    uint64_t tag;
    uint64_t id; // of its referral, 0: not sent as yet
    uint64_t dialog;
    uint64_t deadline_ms;
    bool to_callee;
    bool kept; // from before control was started anew: the data plane has not been heard since
    void (*told)(void *context, enum dg_code code, const char *text, uint64_t id); // NULL: nobody waits
    void *context;
    struct refer_ask ask; // uri, replaces, referred_by
};

struct operator_transfers { // zeroed memory is empty
    LIST_HEAD(, operator_transfer) list;
    struct event *clock; // while there is one
    uint32_t count;
};

// id of the transfer, with DG_OK; else text says what to do next.
typedef void operator_sent(void *context, enum dg_code code, const char *text, uint64_t id);

struct operator_wish {
    uint64_t dialog; // handle
    bool to_callee;  // the callee is referred, in the name of the caller; else the other way round
    bool keep;       // the call stays, also when the new one was answered
    const struct refer_order *order;
    operator_sent *told; // once, unless the call returned an error
    void *context;
};
// Returns DG_OK, or the code with *text, and nothing was sent.
enum dg_code operator_send(struct control *control, const struct operator_wish *wish, const char **text);
// What the data plane tells of one. False: it is not about any; message: event->length octets.
bool operator_take(struct control *control, const struct channel_ua_event *event, const uint8_t *message);
// event_take.c: the dialog has come to its end.
void operator_ended(struct control *control, const struct channel_event *event);
void operators_restarted(struct control *control); // another process of the data plane: they are lost
void operators_stop(struct control *control);
bool operator_has(const struct control *control, uint64_t id); // it is under way
// One of before control was started anew, in the list; takes it. False: no memory.
bool operator_resume(struct control *control, struct operator_transfer *transfer);

// --- operator_keep.c ---

void operator_keep(struct control *control, const struct operator_transfer *transfer); // as it is now
void operators_take(struct control *control);

#endif
