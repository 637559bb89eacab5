// SPDX-License-Identifier: BSD-3-Clause
#include "count.h"

#include "../metrics_walk.h"

void rpc_counts_walk(const struct rpc_counts *counts, const struct metrics_visitor *v)
{
    static const char *const labels[RPC_REFUSAL_COUNT] = {
#define R(name, label, help) [RPC_REFUSED_##name] = "reason=\"" label "\"",
        RPC_REFUSALS(R)
#undef R
    };
    walk_one(v, METRIC_RPC_CLIENTS, (double)counts->clients);
    walk_one(v, METRIC_RPC_REQUESTS, (double)counts->requests);
    walk_begin(v, METRIC_RPC_REFUSED);
    for (unsigned int i = 0; i < RPC_REFUSAL_COUNT; i++)
        v->sample(v->context, "", labels[i], (double)counts->refused[i]);
    walk_one(v, METRIC_AUDITED, (double)counts->audited);
    walk_one(v, METRIC_AUDIT_LOST, (double)counts->audit_lost);
}
