// SPDX-License-Identifier: BSD-3-Clause
// Long random sequences of events, on dialog sets of up to three, against the plain model of usage_model.h.
// What it expects of each event, of each request that comes in, and of every deadline must be what the usage
// does.
#include "usage_model.h"
#include "usage_world.h"

enum { MEMBERS = 3, SEQUENCES = 20000, STEPS = 100 };

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (uint32_t)((uint64_t)seed * below >> 32);
}

struct sequence {
    struct world *world;
    unsigned count; // live members of the set
    uint32_t indexes[MEMBERS];
    struct model models[MEMBERS];
};

static void same_times(const struct sequence *sequence)
{
    for (unsigned i = 0; i < sequence->count; i++) {
        const struct usage *usage = usage_at(&sequence->world->usages, sequence->indexes[i]);
        for (unsigned timer = 0; timer < USAGE_TIMERS; timer++) {
            const struct wait *wait = &sequence->models[i].waits[timer];
            bool armed = (usage->armed & 1u << timer) != 0;
            if (armed != wait->set || (armed && usage->at[timer] != wait->at))
                fail_msg("state %u: timer %u is %d at %u; should be %d at %u", usage->state, timer, armed,
                         usage->at[timer], wait->set, wait->at);
        }
    }
}

// The set hears of its first 2xx; what is over goes.
static void settle(struct sequence *sequence, unsigned i, unsigned actions)
{
    struct model *models = sequence->models;
    tick_t now = sequence->world->now;
    for (unsigned k = 0; k < sequence->count; k++) {
        if (k == i || (actions & USAGE_DO_CONFIRM) == 0 || !models[i].client)
            continue;
        if (!models[k].surplus && model_is_early(&models[k]))
            model_wait(&models[k], USAGE_TIMER_LIFE, now + MODEL_LONG);
        models[k].surplus = true;
    }
    if (models[i].over) {
        usage_release(&sequence->world->usages, sequence->indexes[i]);
        sequence->count--;
        models[i] = models[sequence->count];
        sequence->indexes[i] = sequence->indexes[sequence->count];
    }
    same_times(sequence);
}

static void happens(struct sequence *sequence, unsigned i, enum usage_event event)
{
    struct usages *set = &sequence->world->usages;
    uint32_t index = sequence->indexes[i];
    unsigned state = usage_at(set, index)->state;
    if (event == USAGE_ON_SEND_INVITE)
        usage_number(set, index);
    unsigned expected = model_event(&sequence->models[i], event, sequence->world->now);
    unsigned actions = usage_step(set, index, event, sequence->world->now);
    if (actions != expected)
        fail_msg("state %u, event %d: actions %x, should be %x", state, event, actions, expected);
    settle(sequence, i, actions);
}

static void is_asked(struct sequence *sequence, unsigned i, enum usage_method method)
{
    struct usages *set = &sequence->world->usages;
    const struct usage *usage = usage_at(set, sequence->indexes[i]);
    unsigned state = usage->state, wanted;
    struct usage_request request = {.cseq = usage->remote_cseq + 1 + draw(3),
                                    .method = (uint8_t)method,
                                    .rack = usage->rseq,
                                    .rack_cseq = usage->invite_cseq};
    unsigned status = model_request(&sequence->models[i], method, sequence->world->now, &wanted);
    struct usage_verdict verdict =
        usage_receive(set, sequence->indexes[i], &request, draw(UINT32_MAX), sequence->world->now);
    if (verdict.status != status || verdict.actions != wanted)
        fail_msg("state %u, method %d: %u, actions %x; should be %u, %x", state, method, verdict.status,
                 verdict.actions, status, wanted);
    settle(sequence, i, verdict.actions);
}

static void sends_reliable(struct sequence *sequence, unsigned i)
{
    struct world *world = sequence->world;
    struct model *model = &sequence->models[i];
    bool body = draw(2) == 0, may = model->theirs && !model->held && !model->reliable;
    assert_int_equal(
        usage_send_reliable(&world->usages, sequence->indexes[i], body, draw(UINT32_MAX), world->now) != 0,
        may);
    if (may) {
        model->reliable = true;
        model->body = body;
        model->interval = MODEL_T1;
        model_wait(model, USAGE_TIMER_REPEAT, world->now + MODEL_T1);
        model_wait(model, USAGE_TIMER_GIVE_UP, world->now + MODEL_LONG);
    }
    same_times(sequence);
}

static void forks(struct sequence *sequence, unsigned i)
{
    struct world *world = sequence->world;
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
               world->now + (fork.surplus || fork.cancel ? MODEL_LONG : MODEL_EARLY));
    uint32_t index = usage_fork(&world->usages, sequence->indexes[i], 1, world->now);
    assert_int_not_equal(index, INDEX_NONE);
    sequence->indexes[sequence->count] = index;
    sequence->models[sequence->count++] = fork;
    same_times(sequence);
}

static void sets_times(struct sequence *sequence, unsigned i)
{
    struct world *world = sequence->world;
    struct model *model = &sequence->models[i];
    if (!model_is_idle(model))
        return;
    if (draw(2) == 0) {
        tick_t deadline = world->now + 1 + draw(400);
        usage_retry_at(&world->usages, sequence->indexes[i], deadline);
        model_wait(model, USAGE_TIMER_RETRY, deadline);
    } else {
        bool uac = draw(2) == 0;
        struct session_terms terms = {90 + draw(30), draw(2) == 0 ? SESSION_UAC : SESSION_UAS};
        usage_session(&world->usages, sequence->indexes[i], terms, uac, world->now);
        model_forget(model, USAGE_TIMER_REFRESH);
        model_wait(model, USAGE_TIMER_EXPIRED, world->now + session_over_after(terms.interval_s));
        if (terms.refresher == (uac ? SESSION_UAC : SESSION_UAS))
            model_wait(model, USAGE_TIMER_REFRESH, world->now + session_refresh_after(terms.interval_s));
    }
    same_times(sequence);
}

// The nearest deadline; the wheel gives what is late at its next tick. False: none up to `until`.
static bool next_tick(const struct sequence *sequence, tick_t until, tick_t *tick)
{
    bool found = false;
    tick_t now = sequence->world->now;
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
    struct world *world = sequence->world;
    tick_t tick = world->now;
    while (next_tick(sequence, until, &tick)) {
        uint32_t handles[MEMBERS];
        unsigned count = 0;
        world->now = tick;
        while (world->wheel.now != tick)
            count += wheel_advance(&world->wheel, tick, handles + count, MEMBERS - count);
        assert_true(count > 0);
        for (unsigned k = 0; k < count; k++)
            for (unsigned i = 0; i < sequence->count; i++)
                if (sequence->indexes[i] == WHEEL_INDEX(handles[k])) {
                    enum usage_event event = model_due(&sequence->models[i], tick);
                    assert_int_equal(usage_expired(&world->usages, sequence->indexes[i], tick), event);
                    happens(sequence, i, event);
                    break;
                }
    }
    if (sequence->count > 0)
        world->now = until;
    while (world->wheel.now != world->now) {
        uint32_t handle;
        assert_int_equal(wheel_advance(&world->wheel, world->now, &handle, 1), 0);
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
    uint32_t event = draw(USAGE_ON_LIFE);
    if ((requests & 1u << event) == 0 && ((rare & 1u << event) == 0 || draw(8) == 0))
        happens(sequence, i, (enum usage_event)event);
}

static void some_request(struct sequence *sequence, unsigned i)
{
    static const uint8_t methods[] = {USAGE_INVITE, USAGE_PRACK, USAGE_OTHER_METHOD};
    is_asked(sequence, i, draw(20) == 0 ? USAGE_BYE : (enum usage_method)methods[draw(3)]);
}

static void one_thing(struct sequence *sequence)
{
    unsigned i = draw(sequence->count), what = draw(40);
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
        time_passes(sequence, sequence->world->now + 1 + draw(1u << (1 + draw(12))));
}

static void random_sequences(struct world *world)
{
    world->usages.timers.confirmed = MODEL_CALL;
    seed = 2463534242u;
    for (unsigned n = 0; n < SEQUENCES; n++) {
        struct sequence sequence = {.world = world, .count = 1};
        struct model *model = &sequence.models[0];
        bool client = draw(2) == 0, late = client && draw(2) == 0;
        *model =
            (struct model){.client = client, .first = true, .ours = client, .theirs = !client, .late = late};
        sequence.indexes[0] = client ? calls(world, 1) : is_called(world, 1);
        if (late)
            at(world, sequence.indexes[0])->flags |= USAGE_FLAG_LATE_ACK;
        model_wait(model, USAGE_TIMER_LIFE, world->now + MODEL_EARLY);
        for (unsigned k = 0; k < STEPS && sequence.count > 0; k++)
            one_thing(&sequence);
        // Whatever was left undone, everything ends.
        time_passes(&sequence, world->now + 2 * MODEL_CALL + 4 * MODEL_LONG);
        assert_int_equal(sequence.count, 0);
        assert_int_equal(world->usages.count, 0);
        assert_int_equal(world->wheel.armed, 0);
    }
}

static void test_random_sequences(void **test)
{
    world_run(random_sequences);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
