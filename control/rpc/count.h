// SPDX-License-Identifier: BSD-3-Clause
// What the control socket counts, and its part of the metrics.
#ifndef DIALGATE_CONTROL_RPC_COUNT_H
#define DIALGATE_CONTROL_RPC_COUNT_H

#include <stdint.h>
#include "dialgate/ua.h"

struct control;
struct metrics_visitor;

// X(NAME, label, what was refused)
#define RPC_REFUSALS(X)                                                                                      \
    X(CLIENTS, "clients", "a connection beyond control.clients")                                             \
    X(STRANGER, "stranger", "a connection of a user without a role")                                         \
    X(LINE_TOO_LONG, "line_too_long", "a line of more than 1 MiB")                                           \
    X(HALF_LINE, "half_line", "a line that was not whole within control.line_timeout")                       \
    X(SLOW_READER, "slow_reader", "a client that read nothing for control.reader_timeout")                   \
    X(ROLE, "role", "a method that the caller's role does not allow")                                        \
    X(REQUEST, "request", "what is no request, or has wrong parameters")                                     \
    X(BATCH, "batch", "a batch, or its rest, that is too long")

enum rpc_refusal {
#define R(name, label, help) RPC_REFUSED_##name,
    RPC_REFUSALS(R)
#undef R
        RPC_REFUSAL_COUNT
};

struct rpc_counts {
    uint64_t clients; // now
    uint64_t requests;
    uint64_t refused[RPC_REFUSAL_COUNT];
    uint64_t errors[DG_CODE_COUNT]; // answered, or they would have been to a notification
    uint64_t audited;
    uint64_t audit_lost; // not written to control.audit; they are in the log
};

void rpc_counts_walk(const struct rpc_counts *counts, const struct metrics_visitor *visitor);

#endif
