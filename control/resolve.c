// SPDX-License-Identifier: BSD-3-Clause
#include "resolve.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "dns.h"
#include "hosts_file.h"
#include "log.h"

#define TTL_LEAST_S     5u
#define TTL_MOST_S      300u
#define RETRY_FIRST_S   5u
#define RETRY_MOST_S    60u
#define LOOK_UPS_MAX    64u  // at once: a thousand hosts do not become a burst
#define BUSY_MS         50u  // until the next try where there are that many
#define ANNOUNCE_MS     100u // answers that come together are one change
#define ANNOUNCE_GAP_MS 1000u
#define FAULT_SIZE      64

// Stays where it is while a look-up may come back to it.
struct watch {
    struct resolver *resolver;
    char name[HOST_NAME_SIZE];
    struct event *timer;
    bool under_way;
    bool forgotten; // freed when its look-up ends
    uint32_t failures;
    uint32_t wait_s;
    char fault[FAULT_SIZE];
};

struct resolver {
    struct resolver_options options;
    struct dns *dns;
    struct hosts hosts;
    struct watch **watches; // beside hosts.rows
    uint32_t look_ups;
    bool ipv6; // a listener of ours has it
    struct event *announce;
    uint64_t announced_ms;
    struct log_limit log_limit;
};

static void free_watch(struct watch *watch)
{
    if (watch->timer)
        event_free(watch->timer);
    free(watch);
}

static void schedule(struct event *timer, uint64_t ms)
{
    struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    evtimer_add(timer, &wait);
}

static void on_announce(evutil_socket_t fd, short what, void *context)
{
    struct resolver *resolver = context;
    char error[512];
    resolver->announced_ms = clock_ms();
    if (hosts_save(resolver->options.directory, &resolver->hosts, error, sizeof(error)) < 0 &&
        log_allowed(&resolver->log_limit))
        log_event(LEVEL_ERROR, "hosts_not_saved", "reason=\"%s\"", error);
    resolver->options.changed(resolver->options.context);
}

static void announce(struct resolver *resolver)
{
    uint64_t now = clock_ms(), earliest = resolver->announced_ms + ANNOUNCE_GAP_MS;
    if (!evtimer_pending(resolver->announce, NULL))
        schedule(resolver->announce, earliest > now + ANNOUNCE_MS ? earliest - now : ANNOUNCE_MS);
}

static uint32_t retry_s(uint32_t failures)
{
    uint32_t wait = RETRY_FIRST_S;
    while (--failures > 0 && wait < RETRY_MOST_S)
        wait *= 2;
    return wait < RETRY_MOST_S ? wait : RETRY_MOST_S;
}

static void take(struct resolver *resolver, struct host *host, const struct dns_answer *answer)
{
    bool same = host->count == answer->count &&
                memcmp(host->addresses, answer->addresses, sizeof(host->addresses)) == 0;
    host->resolved = time(NULL);
    if (same)
        return;
    memcpy(host->addresses, answer->addresses, sizeof(host->addresses));
    host->count = answer->count;
    if (log_allowed(&resolver->log_limit))
        log_event(LEVEL_INFO, "host_resolved", "host=\"%s\" addresses=%u ttl_s=%u", host->name, answer->count,
                  answer->ttl_s);
    announce(resolver);
}

static void on_answer(void *context, const struct dns_answer *answer)
{
    struct watch *watch = context;
    struct resolver *resolver = watch->resolver;
    resolver->look_ups--;
    watch->under_way = false;
    if (watch->forgotten) {
        free_watch(watch);
        return;
    }
    // A watch that is not forgotten has its row.
    struct host *host =
        &resolver->hosts.rows[hosts_find(&resolver->hosts, watch->name) - resolver->hosts.rows];
    snprintf(watch->fault, sizeof(watch->fault), "%s", answer->fault ? answer->fault : "");
    if (!answer->fault) {
        uint32_t ttl = answer->ttl_s < TTL_LEAST_S ? TTL_LEAST_S : answer->ttl_s;
        watch->failures = 0;
        watch->wait_s = ttl < TTL_MOST_S ? ttl : TTL_MOST_S;
        schedule(watch->timer, 1000ull * watch->wait_s);
        take(resolver, host, answer);
        return;
    }
    watch->wait_s = retry_s(++watch->failures);
    if (log_allowed(&resolver->log_limit))
        log_event(LEVEL_WARNING, "host_not_resolved", "host=\"%s\" reason=\"%s\" addresses_kept=%u",
                  host->name, answer->fault, host->count);
    schedule(watch->timer, 1000ull * watch->wait_s);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
    struct watch *watch = context;
    struct resolver *resolver = watch->resolver;
    if (resolver->look_ups >= LOOK_UPS_MAX) {
        schedule(watch->timer, BUSY_MS);
        return;
    }
    resolver->look_ups++;
    watch->under_way = true;
    dns_look_up(resolver->dns, &(struct dns_question){watch->name, true, resolver->ipv6}, on_answer, watch);
}

static struct watch *make_watch(struct resolver *resolver, const char *name)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->resolver = resolver;
    memcpy(watch->name, name, strlen(name) + 1);
    watch->timer = evtimer_new(resolver->options.base, on_due, watch);
    if (watch->timer)
        return watch;
    free(watch);
    return NULL;
}

static void forget(struct watch *watch)
{
    if (!watch)
        return;
    watch->forgotten = true;
    evtimer_del(watch->timer);
    if (!watch->under_way)
        free_watch(watch);
}

// Makes a watch for each name of `next` that has none. Returns 0, or -ENOMEM with none made.
static int make_missing(struct resolver *resolver, const struct hosts *next, struct watch **watches)
{
    for (size_t i = 0; i < next->count; i++) {
        const struct host *known = hosts_find(&resolver->hosts, next->rows[i].name);
        if (known && resolver->watches[known - resolver->hosts.rows])
            continue;
        watches[i] = make_watch(resolver, next->rows[i].name);
        if (watches[i])
            continue;
        while (i-- > 0)
            if (watches[i])
                free_watch(watches[i]);
        return -ENOMEM;
    }
    return 0;
}

static int follow(struct resolver *resolver, const struct config *config)
{
    struct hosts next;
    resolver->ipv6 = config_has_ipv6(config);
    int result = hosts_of_config(config, &next);
    struct watch **watches = result == 0 ? calloc(next.count + 1, sizeof(struct watch *)) : NULL;
    if (result == 0)
        result = watches ? make_missing(resolver, &next, watches) : -ENOMEM;
    if (result != 0) {
        free(next.rows);
        free(watches);
        return result;
    }
    for (size_t i = 0; i < next.count; i++) {
        const struct host *known = hosts_find(&resolver->hosts, next.rows[i].name);
        if (known)
            next.rows[i] = *known;
        if (!watches[i]) {
            watches[i] = resolver->watches[known - resolver->hosts.rows];
            resolver->watches[known - resolver->hosts.rows] = NULL;
        }
        if (!watches[i]->under_way)
            schedule(watches[i]->timer, 0);
    }
    for (size_t i = 0; i < resolver->hosts.count; i++)
        forget(resolver->watches[i]);
    free(resolver->hosts.rows);
    free(resolver->watches);
    resolver->hosts = next;
    resolver->watches = watches;
    return 0;
}

void resolver_follow(struct resolver *resolver, const struct config *config)
{
    if (follow(resolver, config) < 0)
        log_event(LEVEL_ERROR, "hosts_not_followed", "reason=\"no memory\"");
}

struct resolver *resolver_create(const struct resolver_options *options, const struct config *config,
                                 char *error, size_t size)
{
    char damage[512];
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (!resolver) {
        snprintf(error, size, "no memory");
        return NULL;
    }
    resolver->options = *options;
    if (hosts_load(options->directory, &resolver->hosts, damage, sizeof(damage)) < 0)
        log_event(LEVEL_WARNING, "hosts_not_loaded", "reason=\"%s\"", damage);
    resolver->announce = evtimer_new(options->base, on_announce, resolver);
    resolver->watches = calloc(resolver->hosts.count + 1, sizeof(struct watch *));
    resolver->dns = dns_create(options->base, options->servers);
    if (resolver->announce && resolver->watches && resolver->dns && follow(resolver, config) == 0)
        return resolver;
    snprintf(error, size, "no resolver: %s",
             options->servers ? "give servers such as 192.0.2.53 or 192.0.2.53:5353"
                              : "is /etc/resolv.conf readable?");
    resolver_destroy(resolver);
    return NULL;
}

void resolver_destroy(struct resolver *resolver)
{
    if (!resolver)
        return;
    for (size_t i = 0; resolver->watches && i < resolver->hosts.count; i++)
        forget(resolver->watches[i]);
    dns_destroy(resolver->dns); // ends look-ups, whose watches are forgotten
    if (resolver->announce)
        event_free(resolver->announce);
    free(resolver->hosts.rows);
    free(resolver->watches);
    free(resolver);
}

const struct hosts *resolver_hosts(const struct resolver *resolver)
{
    return &resolver->hosts;
}

struct resolver_state resolver_state(const struct resolver *resolver, const char *host)
{
    const struct host *known = hosts_find(&resolver->hosts, host);
    const struct watch *watch = known ? resolver->watches[known - resolver->hosts.rows] : NULL;
    return watch ? (struct resolver_state){watch->fault, watch->wait_s} : (struct resolver_state){"", 0};
}
