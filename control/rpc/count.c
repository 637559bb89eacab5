// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include "count.h"

#include "../metrics_walk.h"

static void walk_errors(const struct rpc_counts *counts, const struct metrics_visitor *v)
{
    char labels[LABELS_SIZE];
    walk_begin(v, METRIC_RPC_ERRORS);
    for (enum dg_category category = DG_CATEGORY_USE; category <= DG_CATEGORY_CONNECTION; category++)
        for (enum dg_severity severity = DG_SEVERITY_NOTICE; severity <= DG_SEVERITY_ERROR; severity++) {
            uint64_t sum = 0;
            bool known = false;
            for (enum dg_code code = DG_OK; code < DG_CODE_COUNT; code++)
                if (dg_code_category(code) == category && dg_code_severity(code) == severity) {
                    known = true;
                    sum += counts->errors[code];
                }
            snprintf(labels, sizeof(labels), "category=\"%s\",severity=\"%s\"", dg_category_text(category),
                     dg_severity_text(severity));
            if (known)
                v->sample(v->context, "", labels, (double)sum);
        }
}

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
    walk_errors(counts, v);
    walk_one(v, METRIC_AUDITED, (double)counts->audited);
    walk_one(v, METRIC_AUDIT_LOST, (double)counts->audit_lost);
}
