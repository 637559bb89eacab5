// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of calls' events, requests, forks, kept messages and turns of the clock, on dialog sets of up
// to three, against the plain model of usage_model.h: each action, each refusal, each deadline. The arena
// refuses now and then. Whatever the input leaves undone, everything ends by itself and nothing stays.
#include "sip_check.h"
#include "usage_model.h"

#define MEMBERS  3u
#define CAPACITY 8u
#define REGION   ((size_t)8 << 20)

struct sequence {
    struct usages set;
    struct wheel wheel;
    tick_t now;
    const uint8_t *octets; // what is left of the input
    size_t length;
    unsigned count; // live members of the dialog set
    uint32_t indexes[MEMBERS];
    struct model models[MEMBERS];
};

static struct arena arena;

// 0 .. below - 1 from the next octets; 0 when there are no more.
static uint32_t draw(struct sequence *sequence, uint32_t below)
{
    uint32_t word = 0;
    for (unsigned i = 0; i < 2; i++) {
        word = word << 8 | (sequence->length > 0 ? *sequence->octets : 0);
        sequence->octets += sequence->length > 0;
        sequence->length -= sequence->length > 0;
    }
    return word * below >> 16;
}

static void same_times(const struct sequence *sequence)
{
    for (unsigned i = 0; i < sequence->count; i++) {
        const struct usage *usage = &sequence->set.records[sequence->indexes[i]];
        for (unsigned timer = 0; timer < USAGE_TIMERS; timer++) {
            const struct wait *wait = &sequence->models[i].waits[timer];
            bool armed = (usage->armed & 1u << timer) != 0;
            CHECK(armed == wait->set && (!armed || usage->at[timer] == wait->at));
        }
    }
}

// The set hears of its first 2xx; what is over goes.
static void settle(struct sequence *sequence, unsigned i, unsigned actions)
{
    struct model *models = sequence->models;
    tick_t now = sequence->now;
    for (unsigned k = 0; k < sequence->count; k++) {
        if (k == i || (actions & USAGE_DO_CONFIRM) == 0 || !models[i].client)
            continue;
        if (!models[k].surplus && model_is_early(&models[k]))
            model_wait(&models[k], USAGE_TIMER_LIFE, now + MODEL_LONG);
        models[k].surplus = true;
    }
    if (models[i].over) {
        usage_release(&sequence->set, sequence->indexes[i]);
        sequence->count--;
        models[i] = models[sequence->count];
        sequence->indexes[i] = sequence->indexes[sequence->count];
    }
    same_times(sequence);
}

// A 2xx of ours is kept before it is sent; the arena may have no room, or the user forgets it.
static void keeps_2xx(struct sequence *sequence, unsigned i)
{
    struct model *model = &sequence->models[i];
    bool holds = model->reliable && model->body;
    if (!model->theirs || model->held)
        return;
    model->kept_held = false;
    if (draw(sequence, 4) == 0)
        return;
    arena.fail_at = draw(sequence, 4) == 0 ? 0 : -1;
    bool kept = usage_keep_2xx(&sequence->set, sequence->indexes[i], (struct usage_octets){"200", 3}) == 0;
    *(holds ? &model->kept_held : &model->kept) = kept;
    arena.fail_at = -1;
}

// CALLING and PROCEEDING.
static bool rings(const struct model *model)
{
    return model_is_early(model) && !model->lost && !model->cancel && !model->early_bye;
}

static void look_around(struct sequence *sequence, unsigned i)
{
    sequence->models[i].rings_elsewhere = false;
    for (unsigned k = 0; k < sequence->count; k++)
        sequence->models[i].rings_elsewhere |= k != i && rings(&sequence->models[k]);
}

static void happens(struct sequence *sequence, unsigned i, enum usage_event event)
{
    struct usages *set = &sequence->set;
    uint32_t index = sequence->indexes[i];
    if (event == USAGE_ON_SEND_INVITE)
        usage_number(set, index);
    if (event == USAGE_ON_SEND_2XX)
        keeps_2xx(sequence, i);
    look_around(sequence, i);
    unsigned expected = model_event(&sequence->models[i], event, sequence->now);
    unsigned actions = usage_step(set, index, event, sequence->now);
    CHECK(actions == expected);
    if ((actions & USAGE_DO_ACK) != 0)
        usage_keep_ack(set, index, usage_at(set, index)->invite_cseq, (struct usage_octets){"ACK", 3});
    settle(sequence, i, actions);
}

static void is_asked(struct sequence *sequence, unsigned i, enum usage_method method)
{
    struct usages *set = &sequence->set;
    const struct usage *usage = usage_at(set, sequence->indexes[i]);
    unsigned wanted;
    struct usage_request request = {.cseq = usage->remote_cseq + 1 + draw(sequence, 3),
                                    .method = (uint8_t)method,
                                    .rack = usage->rseq,
                                    .rack_cseq = usage->invite_cseq};
    look_around(sequence, i);
    unsigned status = model_request(&sequence->models[i], method, sequence->now, &wanted);
    struct usage_verdict verdict =
        usage_receive(set, sequence->indexes[i], &request, draw(sequence, UINT16_MAX), sequence->now);
    CHECK(verdict.status == status && verdict.actions == wanted);
    settle(sequence, i, verdict.actions);
}

static void sends_reliable(struct sequence *sequence, unsigned i)
{
    struct model *model = &sequence->models[i];
    bool body = draw(sequence, 2) == 0, may = model->theirs && !model->held && !model->reliable;
    CHECK((usage_send_reliable(&sequence->set, sequence->indexes[i], body, draw(sequence, UINT16_MAX),
                               sequence->now) != 0) == may);
    if (may) {
        model->reliable = true;
        model->body = body;
        model->interval = MODEL_T1;
        model_wait(model, USAGE_TIMER_REPEAT, sequence->now + MODEL_T1);
        model_wait(model, USAGE_TIMER_GIVE_UP, sequence->now + MODEL_LONG);
        arena.fail_at = draw(sequence, 4) == 0 ? 0 : -1;
        struct usage_octets octets = {"180", 3};
        model->kept = usage_keep_1xx(&sequence->set, sequence->indexes[i], octets) == 0;
        arena.fail_at = -1;
    }
    same_times(sequence);
}

static void forks(struct sequence *sequence, unsigned i)
{
    if (sequence->count == MEMBERS || !sequence->models[i].client)
        return;
    struct model fork = {.client = true, .first = true, .ours = true, .came = true};
    fork.late = sequence->models[i].late;
    fork.surplus = sequence->models[i].surplus;
    for (unsigned k = 0; k < sequence->count; k++) {
        const struct model *member = &sequence->models[k];
        fork.surplus |= !model_is_early(member);
        fork.cancel |= model_is_early(member) && member->cancel;
    }
    model_wait(&fork, USAGE_TIMER_LIFE,
               sequence->now + (fork.surplus || fork.cancel ? MODEL_LONG : MODEL_EARLY));
    uint32_t index = usage_fork(&sequence->set, sequence->indexes[i], 1, sequence->now);
    CHECK(index != INDEX_NONE);
    sequence->indexes[sequence->count] = index;
    sequence->models[sequence->count++] = fork;
    same_times(sequence);
}

static void sets_times(struct sequence *sequence, unsigned i)
{
    struct model *model = &sequence->models[i];
    if (!model_is_idle(model))
        return;
    if (draw(sequence, 2) == 0) {
        tick_t deadline = sequence->now + 1 + draw(sequence, 400);
        usage_retry_at(&sequence->set, sequence->indexes[i], deadline);
        model_wait(model, USAGE_TIMER_RETRY, deadline);
    } else {
        bool uac = draw(sequence, 2) == 0;
        struct session_terms terms = {90 + draw(sequence, 30),
                                      draw(sequence, 2) == 0 ? SESSION_UAC : SESSION_UAS};
        usage_session(&sequence->set, sequence->indexes[i], terms, uac, sequence->now);
        model_forget(model, USAGE_TIMER_REFRESH);
        model_wait(model, USAGE_TIMER_EXPIRED, sequence->now + session_over_after(terms.interval_s));
        if (terms.refresher == (uac ? SESSION_UAC : SESSION_UAS))
            model_wait(model, USAGE_TIMER_REFRESH, sequence->now + session_refresh_after(terms.interval_s));
    }
    same_times(sequence);
}

// The nearest deadline; the wheel gives what is late at its next tick. False: none up to `until`.
static bool next_tick(const struct sequence *sequence, tick_t until, tick_t *tick)
{
    bool found = false;
    tick_t now = sequence->now;
    for (unsigned i = 0; i < sequence->count; i++)
        for (unsigned timer = 0; timer < USAGE_TIMERS; timer++) {
            const struct wait *wait = &sequence->models[i].waits[timer];
            tick_t at = (int32_t)(wait->at - now) <= 0 ? now + 1 : wait->at;
            if (wait->set && (int32_t)(at - until) <= 0 && (!found || (int32_t)(at - *tick) < 0)) {
                *tick = at;
                found = true;
            }
        }
    return found;
}

static void time_passes(struct sequence *sequence, tick_t until)
{
    tick_t tick = sequence->now;
    while (next_tick(sequence, until, &tick)) {
        uint32_t handles[MEMBERS];
        unsigned count = 0;
        sequence->now = tick;
        while (sequence->wheel.now != tick)
            count += wheel_advance(&sequence->wheel, tick, handles + count, MEMBERS - count);
        CHECK(count > 0);
        for (unsigned k = 0; k < count; k++)
            for (unsigned i = 0; i < sequence->count; i++)
                if (sequence->indexes[i] == WHEEL_INDEX(handles[k])) {
                    enum usage_event event = model_due(&sequence->models[i], tick);
                    CHECK(usage_expired(&sequence->set, sequence->indexes[i], tick) == event);
                    happens(sequence, i, event);
                    break;
                }
    }
    if (sequence->count > 0)
        sequence->now = until;
    while (sequence->wheel.now != sequence->now) {
        uint32_t handle;
        CHECK(wheel_advance(&sequence->wheel, sequence->now, &handle, 1) == 0);
    }
}

// What ends most calls comes seldom, or few of them would get far.
static void some_event(struct sequence *sequence, unsigned i)
{
    static const uint32_t rare = 1u << USAGE_ON_END | 1u << USAGE_ON_FAILURE | 1u << USAGE_ON_GONE |
                                 1u << USAGE_ON_BYE_DONE | 1u << USAGE_ON_LEAVE_EARLY |
                                 1u << USAGE_ON_SEND_FAILURE | 1u << USAGE_ON_CANCEL |
                                 1u << USAGE_ON_SEND_CANCEL;
    static const uint32_t requests = 1u << USAGE_ON_INVITE | 1u << USAGE_ON_BYE | 1u << USAGE_ON_PRACKED;
    uint32_t event = draw(sequence, USAGE_ON_LIFE);
    if ((requests & 1u << event) == 0 && ((rare & 1u << event) == 0 || draw(sequence, 8) == 0))
        happens(sequence, i, (enum usage_event)event);
}

static void some_request(struct sequence *sequence, unsigned i)
{
    static const uint8_t methods[] = {USAGE_INVITE, USAGE_PRACK, USAGE_OTHER_METHOD};
    is_asked(sequence, i,
             draw(sequence, 20) == 0 ? USAGE_BYE : (enum usage_method)methods[draw(sequence, 3)]);
}

static void one_thing(struct sequence *sequence)
{
    unsigned i = draw(sequence, sequence->count), what = draw(sequence, 40);
    if (what < 22)
        some_event(sequence, i);
    else if (what < 28)
        some_request(sequence, i);
    else if (what < 31)
        sends_reliable(sequence, i);
    else if (what < 32)
        forks(sequence, i);
    else if (what < 33)
        sets_times(sequence, i);
    else
        time_passes(sequence, sequence->now + 1 + draw(sequence, 1u << (1 + draw(sequence, 12))));
}

static void begins(struct sequence *sequence)
{
    struct model *model = &sequence->models[0];
    bool client = draw(sequence, 2) == 0, late = client && draw(sequence, 2) == 0;
    *model = (struct model){.client = client, .first = true, .ours = client, .theirs = !client, .late = late};
    enum usage_role role = client ? USAGE_CLIENT : USAGE_SERVER;
    sequence->indexes[0] = usage_create(&sequence->set, role, 1, sequence->now);
    CHECK(sequence->indexes[0] != INDEX_NONE);
    sequence->count = 1;
    if (late)
        usage_at(&sequence->set, sequence->indexes[0])->flags |= USAGE_FLAG_LATE_ACK;
    model_wait(model, USAGE_TIMER_LIFE, sequence->now + MODEL_EARLY);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
    static uint8_t region[REGION] __attribute__((aligned(2u << 20)));
    static uint8_t memory[CAPACITY * sizeof(struct usage) + 64] __attribute__((aligned(64)));
    static struct sequence sequence;
    static bool made;
    if (!made && arena_init(&arena, region, REGION) != 0)
        return 0;
    made = true;
    sequence = (struct sequence){.now = 0xffff0000u, .octets = octets, .length = length};
    wheel_init(&sequence.wheel, sequence.now);
    usages_init(&sequence.set, memory, CAPACITY, &arena, &sequence.wheel);
    sequence.set.timers.early = MODEL_EARLY;
    sequence.set.timers.confirmed = MODEL_CALL;
    while (sequence.length > 0) {
        if (sequence.count == 0)
            begins(&sequence);
        one_thing(&sequence);
    }
    time_passes(&sequence, sequence.now + 2 * MODEL_CALL + 4 * MODEL_LONG);
    CHECK(sequence.count == 0 && sequence.set.count == 0);
    CHECK(sequence.wheel.armed == 0 && arena.used == 0);
    return 0;
}
