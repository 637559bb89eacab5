// SPDX-License-Identifier: BSD-3-Clause
#include "count.h"

#include <stdio.h>
#include "../metrics.h"

static void one(const struct metrics_visitor *v, const char *name, const char *help, uint64_t value)
{
    v->family(v->context, name, "counter", help);
    v->sample(v->context, "", "", (double)value);
}

void rpc_counts_walk(const struct rpc_counts *counts, const struct metrics_visitor *v)
{
    static const char *const labels[RPC_REFUSAL_COUNT] = {
#define R(name, label, help) [RPC_REFUSED_##name] = "reason=\"" label "\"",
        RPC_REFUSALS(R)
#undef R
    };
    v->family(v->context, "dialgate_control_clients", "gauge", "Connections to the control socket.");
    v->sample(v->context, "", "", (double)counts->clients);
    one(v, "dialgate_control_requests_total", "Requests on the control socket.", counts->requests);
    v->family(v->context, "dialgate_control_refused_total", "counter",
              "Connections and requests that the control socket refused, by reason.");
    for (unsigned int i = 0; i < RPC_REFUSAL_COUNT; i++)
        v->sample(v->context, "", labels[i], (double)counts->refused[i]);
    one(v, "dialgate_control_events_lost_total", "Events lost by clients that did not read them.",
        counts->events_lost);
    one(v, "dialgate_control_audited_total", "Audited calls: changes, done or refused.", counts->audited);
    one(v, "dialgate_control_audit_lost_total", "Audited calls that control.audit did not take.",
        counts->audit_lost);
}
