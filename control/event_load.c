// SPDX-License-Identifier: BSD-3-Clause
// Limits, overload, workers that stand still and networks, as the counters of this second against those of
// the last tell. Who was refused by a limit is not counted by limit: the peers are those to or from which
// calls were refused in the second in which the limit did.
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "event.h"
#include "event_watch.h"
#include "log.h"
#include "rates.h"
#include "rpc/text.h"

#define QUIET_S 10u // a limit that has refused nothing for so long is over
#define STUCK_S 3u

enum limit { LIMIT_ALL, LIMIT_PEER_IN, LIMIT_PEER_OUT, LIMIT_MEMBER, LIMITS };

static const struct {
    enum counter counter;
    const char *name; // as the label of dialgate_limited_calls_total
} limits[LIMITS] = {
    [LIMIT_ALL] = {COUNTER_LIMIT_ALL, "all"},
    [LIMIT_PEER_IN] = {COUNTER_LIMIT_PEER_IN, "peer_in"},
    [LIMIT_PEER_OUT] = {COUNTER_LIMIT_PEER_OUT, "peer_out"},
    [LIMIT_MEMBER] = {COUNTER_LIMIT_MEMBER, "member"},
};

static const struct {
    enum counter gauge;
    const char *name;
} overloads[] = {{COUNTER_OVERLOADED_TRANSACTIONS, "transactions"},
                 {COUNTER_OVERLOADED_MBUFS, "mbufs"},
                 {COUNTER_OVERLOADED_TURN, "turn"},
                 {COUNTER_OVERLOADED_QUEUE, "queue"}};
#define OVERLOADS (sizeof(overloads) / sizeof(overloads[0]))

struct watched_limit {
    bool reached;
    uint64_t refused;
    uint64_t since_s, last_s;
};

struct watched_worker {
    bool overloaded;
    uint64_t refused; // when it began
    uint64_t turns;
    uint64_t still_s;
};

struct watched_load {
    const struct counters *seen;   // whose values these are
    uint64_t down_s[NETWORKS_MAX]; // 0: the network is up
    uint64_t missing;              // listeners' addresses
    uint64_t limited[LIMITS];
    bool lately[LIMITS]; // it refused something before the last look
    uint64_t refused_in[PEERS_MAX], refused_out[PEERS_MAX];
    struct watched_limit rows[LIMITS][PEERS_MAX]; // of LIMIT_ALL the first alone
    struct watched_worker workers[WORKERS_MAX];
};

struct watched_load *event_load_create(void)
{
    return calloc(1, sizeof(struct watched_load));
}

static json_t *peer_json(const struct control *control, enum limit limit, uint32_t peer)
{
    const char *name = control_peer_name(control, peer);
    return limit == LIMIT_ALL ? json_null() : text_json(name, strlen(name));
}

static void tell_reached(struct control *control, enum limit limit, uint32_t peer, uint64_t refused)
{
    const struct counters_peer sum = counters_peer(control->counters, peer);
    const struct rate rate = rates_of(control->rates, peer);
    const struct event_about about = {
        .peers = {limit == LIMIT_ALL ? NUMBER_NONE : (uint16_t)peer, NUMBER_NONE},
        .everybody = limit == LIMIT_ALL};
    bool in = limit == LIMIT_PEER_IN;
    json_t *calls = json_null(), *a_second = json_null();
    if (limit != LIMIT_ALL) {
        calls = json_integer(in ? sum.calls_in : sum.calls_out);
        a_second = json_integer((json_int_t)(in ? rate.in : rate.out));
    }
    event_emit(control, EVENT_LIMIT_REACHED, &about,
               json_pack("{s:s, s:o, s:I, s:o, s:o}", "limit", limits[limit].name, "peer",
                         peer_json(control, limit, peer), "refused_per_second", (json_int_t)refused, "calls",
                         calls, "calls_per_second", a_second));
}

static void tell_over(struct control *control, enum limit limit, uint32_t peer,
                      const struct watched_limit *row)
{
    const struct event_about about = {
        .peers = {limit == LIMIT_ALL ? NUMBER_NONE : (uint16_t)peer, NUMBER_NONE},
        .everybody = limit == LIMIT_ALL};
    uint64_t seconds = row->last_s - row->since_s + 1;
    event_emit(control, EVENT_LIMIT_OVER, &about,
               json_pack("{s:s, s:o, s:I, s:I}", "limit", limits[limit].name, "peer",
                         peer_json(control, limit, peer), "refused", (json_int_t)row->refused, "seconds",
                         (json_int_t)seconds));
}

static void look_at_limit(struct control *control, struct watched_load *load, enum limit limit, uint32_t peer,
                          uint64_t refused)
{
    struct watched_limit *row = &load->rows[limit][peer];
    uint64_t now = clock_ms() / 1000;
    if (refused > 0) {
        bool reached = row->reached;
        if (!reached)
            *row = (struct watched_limit){.reached = true, .since_s = now};
        row->refused += refused;
        row->last_s = now;
        if (!reached)
            tell_reached(control, limit, peer, refused);
    } else if (row->reached && now - row->last_s >= QUIET_S) {
        row->reached = false;
        tell_over(control, limit, peer, row);
    }
}

// What is counted since the last look; *last is the value now.
static uint64_t grown(uint64_t *last, uint64_t value)
{
    uint64_t more = value > *last ? value - *last : 0;
    *last = value;
    return more;
}

// Workers count on while we read: a limit that was read after its peers may have grown a look before them.
static void look_at_limits(struct control *control, struct watched_load *load, bool first)
{
    uint64_t limited[LIMITS], in[PEERS_MAX] = {0}, out[PEERS_MAX] = {0};
    bool refused[LIMITS];
    for (uint32_t peer = 0; peer < PEERS_MAX; peer++) {
        if (!configuration_peer(&control->active, peer))
            continue;
        const struct counters_peer sum = counters_peer(control->counters, peer);
        in[peer] = grown(&load->refused_in[peer], sum.refused_in_total);
        out[peer] = grown(&load->refused_out[peer], sum.refused_out_total);
    }
    for (unsigned i = 0; i < LIMITS; i++) {
        limited[i] = grown(&load->limited[i], counters_sum(control->counters, limits[i].counter));
        refused[i] = limited[i] || load->lately[i];
        load->lately[i] = limited[i] && !first;
    }
    if (first)
        return;
    look_at_limit(control, load, LIMIT_ALL, 0, limited[LIMIT_ALL]);
    for (uint32_t peer = 0; peer < PEERS_MAX; peer++) {
        if (!configuration_peer(&control->active, peer))
            continue;
        look_at_limit(control, load, LIMIT_PEER_IN, peer, refused[LIMIT_PEER_IN] ? in[peer] : 0);
        look_at_limit(control, load, LIMIT_PEER_OUT, peer, refused[LIMIT_PEER_OUT] ? out[peer] : 0);
        look_at_limit(control, load, LIMIT_MEMBER, peer, refused[LIMIT_MEMBER] ? out[peer] : 0);
    }
}

static void look_at_overload(struct control *control, struct watched_worker *worker, uint32_t number)
{
    const struct counters *counters = control->counters;
    uint64_t refused = counters_value(counters, number, COUNTER_OVERLOAD_REFUSED);
    json_t *reasons = json_array();
    for (size_t i = 0; i < OVERLOADS; i++)
        if (counters_value(counters, number, overloads[i].gauge))
            json_array_append_new(reasons, json_string(overloads[i].name));
    bool overloaded = json_array_size(reasons) > 0;
    if (overloaded && !worker->overloaded) {
        worker->refused = refused;
        event_emit(control, EVENT_OVERLOAD, NULL,
                   json_pack("{s:i, s:O, s:I}", "worker", (int)number, "reasons", reasons, "refused_percent",
                             (json_int_t)counters_value(counters, number, COUNTER_OVERLOAD_LOSS)));
    } else if (!overloaded && worker->overloaded) {
        event_emit(control, EVENT_OVERLOAD_OVER, NULL,
                   json_pack("{s:i, s:I}", "worker", (int)number, "refused",
                             (json_int_t)(refused - worker->refused)));
    }
    worker->overloaded = overloaded;
    json_decref(reasons);
}

static void look_at_turns(struct control *control, struct watched_worker *worker, uint32_t number)
{
    uint64_t turns = counters_value(control->counters, number, COUNTER_TURN_BUSY) +
                     counters_value(control->counters, number, COUNTER_TURN_IDLE);
    bool moved = turns != worker->turns;
    worker->turns = turns;
    if (moved && worker->still_s >= STUCK_S)
        event_emit(control, EVENT_WORKER_BACK, NULL,
                   json_pack("{s:i, s:I}", "worker", (int)number, "seconds", (json_int_t)worker->still_s));
    worker->still_s = moved ? 0 : worker->still_s + 1;
    if (worker->still_s == STUCK_S)
        event_emit(control, EVENT_WORKER_STUCK, NULL, json_pack("{s:i}", "worker", (int)number));
}

static void look_at_networks(struct control *control, struct watched_load *load)
{
    uint64_t missing = counters_agent(control->counters).addresses_missing;
    for (uint32_t i = 0; i < control->networks; i++) {
        struct counters_network words = counters_network(control->counters, i);
        const char *name = control_network_name(control, i);
        bool down = words.mtu > 0 && words.up == 0; // without an MTU nothing is known yet
        if (down && load->down_s[i]++ == 0)
            event_emit(control, EVENT_NETWORK_DOWN, NULL, json_pack("{s:s}", "network", name));
        if (down || load->down_s[i] == 0)
            continue;
        event_emit(control, EVENT_NETWORK_UP, NULL,
                   json_pack("{s:s, s:I}", "network", name, "seconds", (json_int_t)load->down_s[i]));
        load->down_s[i] = 0;
    }
    if (missing != load->missing)
        event_emit(
            control, EVENT_ADDRESSES_MISSING, NULL,
            json_pack("{s:I, s:I}", "count", (json_int_t)missing, "before", (json_int_t)load->missing));
    load->missing = missing;
}

void event_load_look(struct control *control, struct watched_load *load)
{
    const struct counters *counters = control->counters;
    bool first = counters != load->seen;
    load->seen = counters;
    if (!counters)
        return;
    if (first) // another data plane counts from 0
        memset(load->workers, 0, sizeof(load->workers));
    look_at_networks(control, load);
    look_at_limits(control, load, first);
    for (uint32_t i = 0; i < counters_workers(counters); i++) {
        look_at_overload(control, &load->workers[i], i);
        look_at_turns(control, &load->workers[i], i);
    }
}
