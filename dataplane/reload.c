// SPDX-License-Identifier: BSD-3-Clause
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "filter.h"
#include "log.h"
#include "name.h"
#include "store.h"

struct rules *reload_saved(const char *state_directory, struct fault *fault)
{
    struct rules *rules;
    void *image = NULL;
    long size = store_read(state_directory, STORE_SNAPSHOT, SNAPSHOT_SIZE_MAX, &image);

    fault->text[0] = '\0';
    if (size == -ENOENT)
        return NULL;
    if (size < 0) {
        fault_set(fault, (int)-size, "%s/" STORE_SNAPSHOT ": %s", state_directory, strerror((int)-size));
        return NULL;
    }
    rules = rules_create(image, (size_t)size, fault->text, sizeof(fault->text));
    free(image);
    return rules;
}

void reload_save(const char *state_directory, const struct rules *rules)
{
    int result = store_write(state_directory, STORE_SNAPSHOT, rules->image, rules->image->size);

    if (result < 0)
        log_event(LOG_WARNING, "snapshot_not_saved", "directory=%s error=\"%s\"", state_directory,
                  strerror(-result));
}

struct garbage {
    struct rcu_head head; // first: the callback gets its address
    struct rules *rules;
    struct nexthop_table *nexthops;
    struct name_table *names;
    struct filter_policy *filter;
};

static void destroy_garbage(struct rcu_head *head)
{
    struct garbage *garbage = (struct garbage *)head;

    if (garbage->rules != NULL)
        rules_destroy(garbage->rules);
    nexthop_destroy(garbage->nexthops);
    name_table_destroy(garbage->names);
    filter_policy_destroy(garbage->filter);
    free(garbage);
}

// call_rcu and not synchronize_rcu: a worker that is stuck must not stop the agent too. Without memory for
// the note the garbage stays, which is the lesser evil.
static void destroy_later(const struct garbage *what)
{
    struct garbage *garbage = malloc(sizeof(*garbage));

    if (garbage == NULL) {
        log_event(LOG_ERROR, "no_memory", "what=\"old configuration kept\"");
        return;
    }
    *garbage = *what;
    rcu_thread_online();
    call_rcu(&garbage->head, destroy_garbage);
    rcu_thread_offline();
}

void reload_nexthops(struct dataplane *plane, struct nexthop_table *table)
{
    destroy_later(&(struct garbage){.nexthops = rcu_xchg_pointer(&plane->workers.published.nexthops, table)});
}

void reload_names(void *data_plane, struct name_table *table)
{
    struct dataplane *plane = data_plane;

    destroy_later(&(struct garbage){.names = rcu_xchg_pointer(&plane->workers.published.names, table)});
}

static void name_change(struct fault *fault, const char *what)
{
    size_t used = strlen(fault->text);

    // One that does not fit is cut: the first names say enough.
    snprintf(fault->text + used, sizeof(fault->text) - used, "%s%s", used == 0 ? "" : ", ", what);
}

static bool networks_equal(const struct rules *a, const struct rules *b)
{
    if (a->network_count != b->network_count)
        return false;
    for (unsigned i = 0; i < a->network_count; i++) {
        if (strcmp(a->networks[i].name, b->networks[i].name) != 0 ||
            strcmp(a->networks[i].interface, b->networks[i].interface) != 0 ||
            strcmp(a->networks[i].device, b->networks[i].device) != 0 ||
            a->networks[i].vlan != b->networks[i].vlan ||
            a->networks[i].outer_vlan != b->networks[i].outer_vlan ||
            a->networks[i].flags != b->networks[i].flags || a->networks[i].bond != b->networks[i].bond ||
            memcmp(a->networks[i].more, b->networks[i].more, sizeof(a->networks[i].more)) != 0 ||
            a->networks[i].attach != b->networks[i].attach || a->networks[i].queues != b->networks[i].queues)
            return false;
    }
    return true;
}

// Transactions and dialogs name listeners by index: those that stay keep theirs.
static bool listeners_keep_place(const struct rules *a, const struct rules *b)
{
    for (unsigned i = 0; i < a->listener_count && i < b->listener_count; i++) {
        if (!ip_equal(&a->listeners[i].address, &b->listeners[i].address) ||
            a->listeners[i].port != b->listeners[i].port ||
            a->listeners[i].network != b->listeners[i].network)
            return false;
    }
    return true;
}

// What EAL, ports and the workers' memory were made from cannot change under them.
static int check_unchanged(const struct rules *now, const struct rules *next, struct fault *fault)
{
    const struct snapshot_settings *a = now->settings, *b = next->settings;
    struct fault names = {.text = ""};

    if (!networks_equal(now, next))
        name_change(&names, "networks");
    if (!listeners_keep_place(now, next))
        name_change(&names, "listeners (a running one takes new ones at the end only)");
    if (a->workers != b->workers)
        name_change(&names, "workers.count");
    if (a->dialogs_capacity != b->dialogs_capacity)
        name_change(&names, "dialogs.capacity");
    if (a->transactions_capacity != b->transactions_capacity)
        name_change(&names, "transactions.capacity");
    if (a->arena_octets != b->arena_octets)
        name_change(&names, "dialogs.arena");
    if (strcmp(a->dialogs_directory, b->dialogs_directory) != 0)
        name_change(&names, "state.dialogs");
    if (a->mbufs != b->mbufs)
        name_change(&names, "memory.mbufs");
    if (a->large_mbufs != b->large_mbufs)
        name_change(&names, "memory.large_mbufs");
    if (a->memory_mb != b->memory_mb)
        name_change(&names, "memory.mb");
    if (names.text[0] == '\0')
        return 0;
    return fault_set(fault, EBUSY, "restart dialgate-dataplane to change: %.200s", names.text);
}

// Workers write records as soon as they see the rules.
static int check_records(const struct dataplane *plane, const struct rules *before, const struct rules *rules,
                         struct fault *fault)
{
    int result;

    if (!(~before->settings->flags & rules->settings->flags & SETTINGS_RECORDS))
        return 0;
    result = call_records_reserve(&plane->records);
    if (result == 0)
        return 0;
    return fault_set(fault, -result,
                     "records.file: no room for " CALL_RECORDS_FILE
                     " in the state directory: %s; make some and restart dialgate-dataplane",
                     strerror(-result));
}

int reload_apply(struct dataplane *plane, struct rules *rules, struct fault *fault)
{
    struct rules *before = plane->workers.published.rules;
    struct filter_policy *filter = filter_policy_create(rules->image);
    int result = check_unchanged(before, rules, fault);

    if (result == 0 && filter == NULL)
        result = fault_set(fault, ENOMEM, "no memory for the filter's rules");

    if (result == 0)
        result = check_records(plane, before, rules, fault);
    if (result == 0)
        result = ports_load(&plane->ports, rules, before, fault);
    if (result == 0) {
        struct fault undo;

        result = listen_update(&plane->listens, rules->listeners, rules->listener_count, fault);
        if (result < 0 && ports_load(&plane->ports, before, rules, &undo) < 0)
            log_event(LOG_ERROR, "rules_undo", "error=\"%s\"", undo.text);
    }
    if (result < 0) {
        filter_policy_destroy(filter);
        rules_destroy(rules);
        return result;
    }
    hostnet_watch(plane->hostnet, rules->listeners, rules->listener_count);
    destroy_later(&(struct garbage){.filter = rcu_xchg_pointer(&plane->workers.published.filter, filter)});
    before = rcu_xchg_pointer(&plane->workers.published.rules, rules);
    // The ports name their networks by those of the start.
    if (before != plane->start_rules)
        destroy_later(&(struct garbage){.rules = before});
    return 0;
}
