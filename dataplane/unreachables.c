// SPDX-License-Identifier: BSD-3-Clause
#include "unreachables.h"

#include <string.h>
#include "icmp.h"
#include "unreachable.h"

#define PROBED_MAX 8u // members with one address and port

struct context {
    struct workers *workers;
    struct hostnet *hostnet;
};

// Whatever is counted without a worker of its own.
static struct unreachables *first(const struct workers *workers)
{
    return worker_unreachables(workers->workers[0]);
}

static void probe_members(const struct workers *workers, const struct listen_error *error)
{
    const struct rules *rules = workers->published.rules;
    unsigned found = 0;

    for (uint32_t i = 0; i < rules->member_count && found < PROBED_MAX; i++) {
        const struct snapshot_member *member = &rules->members[i];

        if (!(member->flags & SNAPSHOT_PRESENT) || member->port != error->port ||
            !ip_equal(&member->address, &error->address))
            continue;
        found++;
        unreachable_suspect(worker_unreachables(workers->workers[i % workers->count]), (uint16_t)i);
    }
}

static void take_unreachable(const struct workers *workers, const struct listen_error *error)
{
    struct unreachable unreachable = {.address = error->address, .port = error->port, .member = NUMBER_NONE};
    const char *branch = icmp_branch(error->quoted, error->quoted_length);
    struct cookie_branch hint;

    probe_members(workers, error);
    if (branch != NULL)
        memcpy(unreachable.branch, branch, sizeof(unreachable.branch));
    if (branch == NULL ||
        !cookie_branch_hint((struct cookie_octets){branch, sizeof(unreachable.branch)}, &hint) ||
        hint.worker >= workers->count) {
        unreachable_ignore(first(workers));
        return;
    }
    unreachable_put(worker_unreachables(workers->workers[hint.worker]), &unreachable);
}

static void take_too_big(const struct context *to, const struct listen_error *error)
{
    const struct rules *rules = to->workers->published.rules;
    uint8_t network;

    if (error->listener >= rules->listener_count || error->mtu > UINT16_MAX ||
        rules_peer(rules, &error->address) == NUMBER_NONE) {
        unreachable_ignore(first(to->workers));
        return;
    }
    network = (uint8_t)rules->listeners[error->listener].network;
    hostnet_narrow(to->hostnet, network, &error->address, (uint16_t)error->mtu);
    unreachable_narrowed(first(to->workers));
}

static void take(void *context, const struct listen_error *error)
{
    const struct context *to = context;

    switch (icmp_meaning(!ip_is_ipv4(&error->address), error->type, error->code)) {
    case ICMP_MEANS_UNREACHABLE:
        take_unreachable(to->workers, error);
        break;
    case ICMP_MEANS_TOO_BIG:
        take_too_big(to, error);
        break;
    case ICMP_MEANS_NOTHING:
        unreachable_ignore(first(to->workers));
        break;
    }
}

void unreachables_poll(struct listen_set *listens, struct workers *workers, struct hostnet *hostnet)
{
    struct context to = {.workers = workers, .hostnet = hostnet};

    listen_drain(listens, take, &to);
}
