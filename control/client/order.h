// SPDX-License-Identifier: BSD-3-Clause
// One call of a method: from its parameters to what the program gets.
#ifndef DIALGATE_CONTROL_CLIENT_ORDER_H
#define DIALGATE_CONTROL_CLIENT_ORDER_H

#include "agent.h"

struct order {
    struct dg_agent *agent;
    struct dg_dialog *dialog; // it is about; NULL: none
    const char *method;       // of the socket
    const char *sip;          // of the request of ours that will be answered; NULL: none
    const char *retry;        // the policy where options name none; NULL: none
    json_t *params;           // taken; NULL: no memory
    const struct dg_options *options;
    bool makes_dialog;
    struct dg_dialog **new_dialog;   // NULL: not wanted
    struct dg_request **new_request; // NULL: not wanted
    json_t **result;                 // NULL: not wanted
};
// Carries it out and waits, or, with options->done, sends it.
enum dg_code order_do(const struct order *order, struct dg_error *error);

#endif
