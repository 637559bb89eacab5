// SPDX-License-Identifier: BSD-3-Clause
#include "unreachables.h"

#include <string.h>
#include "icmp.h"
#include "unreachable.h"

static void take(void *context, const struct listen_error *error)
{
    struct workers *workers = context;
    struct unreachable unreachable = {.address = error->address, .port = error->port};
    struct cookie_branch hint;
    const char *branch = icmp_is_unreachable(error->type, error->code)
                             ? icmp_branch(error->quoted, error->quoted_length)
                             : NULL;

    if (branch != NULL)
        memcpy(unreachable.branch, branch, sizeof(unreachable.branch));
    if (branch == NULL ||
        !cookie_branch_hint((struct cookie_octets){branch, sizeof(unreachable.branch)}, &hint) ||
        hint.worker >= workers->count) {
        unreachable_ignore(worker_unreachables(workers->workers[0]));
        return;
    }
    unreachable_put(worker_unreachables(workers->workers[hint.worker]), &unreachable);
}

void unreachables_poll(struct listen_set *listens, struct workers *workers)
{
    listen_drain(listens, take, workers);
}
