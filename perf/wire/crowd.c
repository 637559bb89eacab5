// SPDX-License-Identifier: BSD-3-Clause
#include "crowd_core.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "owner.h"
#include "siphash.h"

#define EARLY         (1u << 17) // calls that are not held yet, or no longer
#define TRIES         16u        // for a call in which nothing is under way
#define NOT_IDLE      UINT32_MAX
#define READY_BATCHES 4u // that wait to be sent, before more is added that need not be

const struct crowd_mix crowd_mix_usual = {
    .again = 10, .cancelled = 5, .refused = 3, .inside = 60, .options = 40, .repeats = 1};

void line_put(struct line *line, const struct event *event)
{
    if (line->count == line->size) {
        uint32_t size = line->size == 0 ? 1024 : line->size * 2;
        struct event *events = malloc(size * sizeof(*events));
        for (uint32_t i = 0; i < line->count; i++)
            events[i] = line->events[(line->first + i) & (line->size - 1)];
        free(line->events);
        line->events = events;
        line->first = 0;
        line->size = size;
    }
    line->events[(line->first + line->count++) & (line->size - 1)] = *event;
}

bool line_take(struct line *line, struct event *event)
{
    if (line->count == 0)
        return false;
    *event = line->events[line->first];
    line->first = (line->first + 1) & (line->size - 1);
    line->count--;
    return true;
}

static uint64_t draw(struct crowd *crowd)
{
    crowd->random ^= crowd->random << 13;
    crowd->random ^= crowd->random >> 7;
    crowd->random ^= crowd->random << 17;
    return crowd->random >> 32;
}

bool crowd_draw(struct crowd *crowd, double percent)
{
    return (double)draw(crowd) < percent / 100 * 4294967296.0;
}

uint32_t crowd_below(struct crowd *crowd, uint32_t n)
{
    return (uint32_t)(draw(crowd) * n >> 32);
}

struct crowd *crowd_create(const struct crowd_options *options)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    crowd->options = *options;
    crowd->capacity = options->dialogs + options->ringing + EARLY;
    crowd->calls = calloc(crowd->capacity, sizeof(*crowd->calls));
    crowd->free = malloc(crowd->capacity * sizeof(*crowd->free));
    crowd->talkers = malloc(crowd->capacity * sizeof(*crowd->talkers));
    crowd->ringers = malloc(crowd->capacity * sizeof(*crowd->ringers));
    for (uint32_t slot = crowd->capacity; slot-- > 0;)
        crowd->free[crowd->free_count++] = slot;
    crowd->random = script_mix(options->seed + 1) | 1;
    crowd->next_number = 1;
    return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
    struct event event;
    for (uint32_t i = 0; i < crowd->capacity; i++)
        if (crowd->calls[i].script.number != 0)
            crowd_release(crowd, &crowd->calls[i]);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        while (line_take(&crowd->ready[kind], &event))
            rte_pktmbuf_free(event.mbuf);
        free(crowd->ready[kind].events);
    }
    free(crowd->ringing.events);
    free(crowd->calls);
    free(crowd->free);
    free(crowd->talkers);
    free(crowd->ringers);
    free(crowd);
}

bool crowd_is_idle(const struct call *call)
{
    static const uint8_t none[2][KINDS];
    return memcmp(call->credits, none, sizeof(none)) == 0;
}

void crowd_forget(struct call *call)
{
    free(call->echo);
    call->echo = NULL;
    call->echo_length = 0;
}

void crowd_release(struct crowd *crowd, struct call *call)
{
    uint32_t slot = call->script.slot;
    free((void *)(uintptr_t)call->script.routes);
    crowd_forget(call);
    for (unsigned i = 0; call->kept != NULL && i < 2 * KINDS; i++)
        free(call->kept->texts[i / KINDS][i % KINDS]);
    free(call->kept);
    memset(call, 0, sizeof(*call));
    crowd->free[crowd->free_count++] = slot;
}

void crowd_talks(struct crowd *crowd, struct call *call)
{
    call->confirmed = true;
    crowd_forget(call);
    crowd->talkers[crowd->talker_count++] = call->script.slot;
}

// The next number whose Call-ID is this worker's.
static void number(struct crowd *crowd, struct script *script)
{
    const struct crowd_options *options = &crowd->options;
    char call_id[SCRIPT_CALL_ID_MAX];
    do
        script->number = options->seed << 48 | crowd->next_number++;
    while (options->workers > 1 &&
           owner_of(siphash13(&options->key, call_id, script_call_id(script, call_id)), options->workers) !=
               options->worker);
}

static struct call *begin(struct crowd *crowd, enum fate fate)
{
    if (crowd->free_count == 0)
        return NULL;
    uint32_t slot = crowd->free[--crowd->free_count], whole = crowd->options.whole;
    struct call *call = &crowd->calls[slot];
    call->script.slot = slot;
    number(crowd, &call->script);
    call->script.caller =
        (uint32_t)(script_mix(call->script.number + 5) % crowd->options.world->counts[WORLD_CALLER]);
    call->fate = (uint8_t)fate;
    call->cseq[WORLD_CALLER] = 1 + (uint32_t)(script_mix(call->script.number) & 0xffff);
    call->cseq[WORLD_CALLEE] = 100;
    if (whole != 0 && crowd_below(crowd, whole) == 0)
        call->kept = calloc(1, sizeof(*call->kept));
    return call;
}

static void begin_call(struct crowd *crowd, enum fate fate)
{
    struct call *call = begin(crowd, fate);
    if (call == NULL)
        return;
    crowd->count.begun++;
    crowd_say(crowd, call, &(struct say){.side = WORLD_CALLER, .kind = KIND_INVITE});
}

static void ask_us(struct crowd *crowd)
{
    struct call *call = begin(crowd, FATE_OPTIONS);
    if (call == NULL)
        return;
    crowd->count.options++;
    call->inside = INSIDE_OPTIONS;
    crowd_say(crowd, call, &(struct say){.side = WORLD_CALLER, .kind = KIND_INSIDE});
}

// The place of a talker in whose dialog nothing is under way.
static uint32_t idle_talker(struct crowd *crowd)
{
    for (unsigned i = 0; i < TRIES && crowd->talker_count > 0; i++) {
        uint32_t at = crowd_below(crowd, crowd->talker_count);
        if (crowd_is_idle(&crowd->calls[crowd->talkers[at]]))
            return at;
    }
    return NOT_IDLE;
}

static void ask_inside(struct crowd *crowd, enum kind kind)
{
    uint32_t at = idle_talker(crowd);
    if (at == NOT_IDLE)
        return;
    struct call *call = &crowd->calls[crowd->talkers[at]];
    enum world_side side = (enum world_side)crowd_below(crowd, 2);
    call->cseq[side]++;
    if (kind == KIND_INSIDE) {
        call->inside = (uint8_t)(1 + crowd_below(crowd, INSIDES - 1));
        crowd->count.inside++;
    } else if (kind == KIND_INVITE) {
        crowd->count.again++;
    } else {
        crowd->talkers[at] = crowd->talkers[--crowd->talker_count];
    }
    crowd_say(crowd, call, &(struct say){.side = side, .kind = kind});
}

static enum fate fate_of(struct crowd *crowd)
{
    const struct crowd_mix *mix = &crowd->options.mix;
    double drawn = (double)crowd_below(crowd, 1u << 20) * 100 / (1u << 20);
    if (drawn < mix->cancelled)
        return FATE_CANCELLED;
    return drawn < mix->cancelled + mix->refused ? FATE_REFUSED : FATE_ANSWERED;
}

// A call, and what comes on the average with one.
static void begin_some(struct crowd *crowd)
{
    const struct crowd_options *options = &crowd->options;
    const struct crowd_mix *mix = &options->mix;
    if (crowd->phase == CROWD_GROWS) {
        if (crowd->count.begun - crowd->count.shed < options->dialogs + options->ringing)
            begin_call(crowd, crowd->count.begun < options->ringing ? FATE_RINGING : FATE_ANSWERED);
        return;
    }
    begin_call(crowd, fate_of(crowd));
    if (crowd->talker_count > options->dialogs)
        ask_inside(crowd, KIND_BYE);
    if (crowd_draw(crowd, mix->again))
        ask_inside(crowd, KIND_INVITE);
    for (unsigned i = 0; i * 100 < mix->inside; i++)
        if (crowd_draw(crowd, mix->inside - i * 100))
            ask_inside(crowd, KIND_INSIDE);
    if (crowd_draw(crowd, mix->options))
        ask_us(crowd);
}

// Who rang long enough answers or refuses, or his caller has enough.
static void rang(struct crowd *crowd, const struct event *event)
{
    struct call *call = &crowd->calls[event->slot];
    if (call->script.number != event->number || call->confirmed)
        return;
    struct say say = {WORLD_CALLEE, KIND_ANSWER, 486, call->echo, call->echo_length};
    if (call->fate == FATE_CANCELLED)
        say = (struct say){.side = WORLD_CALLER, .kind = KIND_CANCEL};
    else if (call->fate != FATE_ANSWERED)
        say.kind = KIND_REFUSAL;
    crowd_say(crowd, call, &say);
}

// Begins calls, and what comes with them, until more than so many messages wait.
static void fill(struct crowd *crowd, uint32_t most)
{
    const uint32_t window = crowd->options.window;
    while (crowd->ready_count <= most && crowd->phase != CROWD_RESTS &&
           (window == 0 || crowd->open < window)) {
        uint64_t sent = crowd->count.sent;
        begin_some(crowd);
        if (crowd->count.sent == sent)
            return;
    }
}

static bool next_ready(struct crowd *crowd, struct event *event)
{
    if (crowd->ready_count == 0)
        fill(crowd, 0);
    if (!line_take(&crowd->ready[crowd->sending], event))
        return false;
    crowd->ready_count--;
    return true;
}

// The kind whose oldest message has waited longest. Of a call what comes first is older, so that it is sent
// first as well.
static enum kind oldest(const struct crowd *crowd)
{
    enum kind found = 0;
    uint64_t least = UINT64_MAX;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct line *line = &crowd->ready[kind];
        if (line->count == 0 || line->events[line->first].due_us >= least)
            continue;
        least = line->events[line->first].due_us;
        found = (enum kind)kind;
    }
    return found;
}

static bool goes_with_last(const struct crowd *crowd)
{
    const struct line *line = &crowd->ready[crowd->sending];
    return line->count > 0 && line->events[line->first].again;
}

unsigned crowd_send(struct crowd *crowd, uint64_t now_us, unsigned n, crowd_sender *send, void *context)
{
    struct event event;
    unsigned sent = 0;
    crowd->now_us = now_us;
    // Calls that are all over at once end one after another.
    while (crowd->ringing.count > 0 && crowd->ready_count < READY_BATCHES * crowd->options.batch &&
           crowd->ringing.events[crowd->ringing.first].due_us <= now_us) {
        line_take(&crowd->ringing, &event);
        rang(crowd, &event);
    }
    if (crowd->options.sorted) {
        fill(crowd, READY_BATCHES * crowd->options.batch);
        crowd->sending = oldest(crowd);
    }
    while ((sent < n || goes_with_last(crowd)) && next_ready(crowd, &event)) {
        if (send(context, (enum world_side)event.side, event.party, event.mbuf)) {
            sent++;
        } else {
            crowd->count.no_room++;
            rte_pktmbuf_free(event.mbuf);
        }
    }
    return sent;
}

enum kind crowd_kind(const struct crowd *crowd)
{
    return crowd->sending;
}

void crowd_set(struct crowd *crowd, enum crowd_phase phase)
{
    crowd->phase = phase;
}

uint32_t crowd_held(const struct crowd *crowd)
{
    return crowd->talker_count;
}

uint64_t crowd_open(const struct crowd *crowd)
{
    return crowd->open + crowd->ready_count + crowd->ringing.count;
}

void crowd_stop_ringing(struct crowd *crowd)
{
    while (crowd->ringer_count > 0) {
        const struct call *call = &crowd->calls[crowd->ringers[--crowd->ringer_count]];
        line_put(&crowd->ringing, &(struct event){.number = call->script.number,
                                                  .slot = call->script.slot,
                                                  .due_us = crowd->now_us});
    }
}

const struct crowd_count *crowd_count(const struct crowd *crowd)
{
    return &crowd->count;
}

static void tell_missing(struct crowd *crowd, const struct call *call)
{
    for (unsigned i = 0; i < 2 * KINDS; i++)
        if (call->credits[i / KINDS][i % KINDS] > 0)
            snprintf(crowd->fault, sizeof(crowd->fault),
                     "a %s still awaits: %s (%s, %s, of %" PRIu64 " messages)",
                     i / KINDS == WORLD_CALLER ? "caller" : "callee", script_kinds[i % KINDS],
                     call->confirmed ? "confirmed" : "early", call->over ? "over" : "not over", crowd->open);
}

const char *crowd_fault(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->capacity && crowd->fault[0] == '\0' && crowd->open > 0; i++)
        if (crowd->calls[i].script.number != 0)
            tell_missing(crowd, &crowd->calls[i]);
    return crowd->fault;
}
