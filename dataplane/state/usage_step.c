// SPDX-License-Identifier: BSD-3-Clause
// A record has up to eight deadlines and one node on the wheel, armed for the nearest. Which deadlines a
// state keeps from the one before and which it begins is a table; so is what an event does (usage_fsm.c).
// What is left here is how an event is read by what the record remembers (meant()), and what the end of an
// INVITE settles.
#include "usage.h"

#define TICKS(ms)  ((ms) / TICK_MS)
#define BIT(timer) (1u << (timer))
#define LIFE       BIT(USAGE_TIMER_LIFE)
#define EXPIRED    BIT(USAGE_TIMER_EXPIRED)
#define GIVE_UP    BIT(USAGE_TIMER_GIVE_UP)
#define REPEAT     BIT(USAGE_TIMER_REPEAT)
#define RETRY      BIT(USAGE_TIMER_RETRY)
#define REFRESH    BIT(USAGE_TIMER_REFRESH)
#define FORGET     BIT(USAGE_TIMER_FORGET)
#define CALL       (LIFE | EXPIRED | REFRESH | FORGET) // of a call that goes on

#define EXTEND_UNRELIABLE TICKS(60000u)
#define EXTEND_RELIABLE   TICKS(150000u)

// LIFE that begins here is 64*T1 long; DO_CONFIRM and a 1xx set the long ones.
struct entry {
    uint8_t keeps;
    uint8_t begins;
};

static const struct entry entries[USAGE_STATES] = {
    [USAGE_PROCEEDING] = {LIFE, 0},
    [USAGE_LOST_EARLY] = {LIFE, 0},
    [USAGE_CANCEL_HELD] = {0, LIFE},
    [USAGE_CANCELLED] = {0, LIFE},
    [USAGE_ACCEPTED] = {CALL, GIVE_UP},
    [USAGE_HELD] = {LIFE | GIVE_UP | REPEAT, 0},
    [USAGE_ANSWERED] = {CALL, GIVE_UP | REPEAT},
    [USAGE_ENDING] = {GIVE_UP | REPEAT, 0},
    [USAGE_LEFT_UNACKED] = {GIVE_UP | REPEAT, 0},
    [USAGE_CONFIRMED] = {CALL | RETRY, 0},
    [USAGE_REINVITING] = {CALL, 0},
    [USAGE_REINVITE_PROCEEDING] = {CALL, 0},
    [USAGE_REINVITE_CANCEL_HELD] = {CALL, GIVE_UP},
    [USAGE_REINVITE_CANCELLED] = {CALL, GIVE_UP},
    [USAGE_REINVITE_ACCEPTED] = {CALL, GIVE_UP},
    [USAGE_REINVITED] = {CALL | RETRY, 0},
    [USAGE_REINVITE_HELD] = {CALL | RETRY | GIVE_UP | REPEAT, 0},
    [USAGE_REINVITE_ANSWERED] = {CALL | RETRY, GIVE_UP | REPEAT},
    [USAGE_LEAVING_EARLY] = {0, LIFE},
    [USAGE_LEFT_EARLY] = {LIFE, 0},
    [USAGE_LEAVING] = {FORGET, LIFE},
    [USAGE_TERMINATED] = {0, 0},
};

static const uint8_t event_of_timer[USAGE_TIMERS] = {
    [USAGE_TIMER_LIFE] = USAGE_ON_LIFE,       [USAGE_TIMER_EXPIRED] = USAGE_ON_EXPIRED,
    [USAGE_TIMER_GIVE_UP] = USAGE_ON_GIVE_UP, [USAGE_TIMER_REPEAT] = USAGE_ON_REPEAT,
    [USAGE_TIMER_RETRY] = USAGE_ON_RETRY,     [USAGE_TIMER_REFRESH] = USAGE_ON_REFRESH,
    [USAGE_TIMER_FORGET] = USAGE_ON_FORGET,   [USAGE_TIMER_EXTEND] = USAGE_ON_EXTEND,
};

static bool due(const struct usage *usage, unsigned timer, tick_t now)
{
    return (usage->armed & BIT(timer)) != 0 && (int32_t)(usage->at[timer] - now) <= 0;
}

// The nearest deadline, the first of the enum among equals. USAGE_TIMERS: none.
static unsigned nearest(const struct usage *usage)
{
    unsigned best = USAGE_TIMERS;
    for (unsigned timer = 0; timer < USAGE_TIMERS; timer++)
        if ((usage->armed & BIT(timer)) != 0 &&
            (best == USAGE_TIMERS || (int32_t)(usage->at[timer] - usage->at[best]) < 0))
            best = timer;
    return best;
}

static void rearm(struct usages *set, uint32_t index)
{
    const struct usage *usage = &set->records[index];
    unsigned timer = nearest(usage);
    if (timer == USAGE_TIMERS)
        wheel_cancel(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_USAGE, index));
    else
        wheel_arm(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_USAGE, index), usage->at[timer]);
}

void usage_arm(struct usages *set, uint32_t index, enum usage_timer timer, tick_t deadline)
{
    struct usage *usage = &set->records[index];
    usage->at[timer] = deadline;
    usage->armed |= (uint8_t)BIT(timer);
    rearm(set, index);
}

void usage_disarm(struct usages *set, uint32_t index, enum usage_timer timer)
{
    set->records[index].armed &= (uint8_t)~BIT(timer);
    rearm(set, index);
}

static void set_timer(struct usage *usage, enum usage_timer timer, tick_t deadline)
{
    usage->at[timer] = deadline;
    usage->armed |= (uint8_t)BIT(timer);
}

// 13.2.2.4: the others have 64*T1 to be answered.
static void tell_set(struct usages *set, uint32_t index, tick_t now)
{
    uint32_t members[USAGES_OF_SET_MAX];
    unsigned count = usage_set(set, index, members);
    for (unsigned i = 1; i < count; i++) {
        struct usage *usage = &set->records[members[i]];
        bool first = (usage->flags & USAGE_FLAG_SURPLUS) == 0;
        usage->flags |= USAGE_FLAG_SURPLUS;
        if (first && usage_is_early_client(usage))
            usage_arm(set, members[i], USAGE_TIMER_LIFE, now + 64 * set->timers.t1);
    }
}

// Another branch of our first INVITE has not come to an end.
static bool rings_elsewhere(const struct usages *set, uint32_t index)
{
    uint32_t members[USAGES_OF_SET_MAX];
    unsigned count = usage_set(set, index, members);
    for (unsigned i = 1; i < count; i++) {
        uint8_t state = set->records[members[i]].state;
        if (state == USAGE_CALLING || state == USAGE_PROCEEDING)
            return true;
    }
    return false;
}

static enum usage_event meant(const struct usages *set, uint32_t index, enum usage_event event)
{
    const struct usage *usage = &set->records[index];

    bool surplus = (usage->flags & USAGE_FLAG_SURPLUS) != 0 && usage_is_early_client(usage);
    bool asks = usage->offer.state == OFFER_RECEIVED && usage->offer.carrier == OFFER_IN_2XX;
    switch (event) {
    case USAGE_ON_2XX:
        if (surplus)
            return USAGE_ON_2XX_SURPLUS;
        // Only the user can answer the offer of a 2xx.
        return (usage->flags & USAGE_FLAG_LATE_ACK) != 0 || asks ? USAGE_ON_2XX_LATE : USAGE_ON_2XX;
    case USAGE_ON_LIFE:
        if (surplus)
            return USAGE_ON_BRANCH_OVER;
        // A CANCEL would end the others too.
        if (usage->state == USAGE_LOST_EARLY || usage->state == USAGE_PROCEEDING)
            return rings_elsewhere(set, index) ? USAGE_ON_BRANCH_OVER : event;
        return event;
    case USAGE_ON_GONE:
    case USAGE_ON_BYE:
        if (usage->state == USAGE_PROCEEDING && rings_elsewhere(set, index))
            return USAGE_ON_BRANCH_OVER;
        return event;
    case USAGE_ON_SEND_2XX:
        return usage_must_hold(usage) ? USAGE_ON_SEND_2XX_HELD : USAGE_ON_SEND_2XX;
    default:
        return event;
    }
}

static void enter(struct usages *set, struct usage *usage, enum usage_state state, tick_t now)
{
    struct entry entry = entries[state];
    tick_t long_wait = 64 * set->timers.t1;
    bool held = usage->state == USAGE_HELD || usage->state == USAGE_REINVITE_HELD;
    bool answered = state == USAGE_ANSWERED || state == USAGE_REINVITE_ANSWERED;
    if (held && answered) {
        usage_drop(set, usage, USAGE_SLOT_REPEATED);
        usage->kept[USAGE_SLOT_REPEATED] = usage->kept[USAGE_SLOT_HELD];
        usage->kept_length[USAGE_SLOT_REPEATED] = usage->kept_length[USAGE_SLOT_HELD];
        usage->kept[USAGE_SLOT_HELD] = ARENA_NONE;
    }
    usage->state = (uint8_t)state;
    usage->armed &= entry.keeps;
    if ((entry.begins & LIFE) != 0)
        set_timer(usage, USAGE_TIMER_LIFE, now + long_wait);
    if ((entry.begins & GIVE_UP) != 0)
        set_timer(usage, USAGE_TIMER_GIVE_UP, now + long_wait);
    if ((entry.begins & REPEAT) != 0) {
        usage->interval = set->timers.t1;
        set_timer(usage, USAGE_TIMER_REPEAT, now + usage->interval);
    }
    if ((usage->armed & REPEAT) == 0) {
        usage_drop(set, usage, USAGE_SLOT_REPEATED);
        usage_drop(set, usage, USAGE_SLOT_HELD);
    }
    // The INVITE is done: an offer that it left unanswered was never made (14.1), nor can it be answered now.
    if (state == USAGE_CONFIRMED)
        offer_failed(&usage->offer, OFFER_IN_INVITE);
    if (answered && usage->offer.state == OFFER_RECEIVED)
        offer_failed(&usage->offer, OFFER_IN_INVITE);
}

// RFC 3262 section 3: a reliable 1xx is repeated at T1, 2*T1, 4*T1, ...; 13.3.1.4: a 2xx no later than T2.
static void repeat(const struct usages *set, struct usage *usage, tick_t now)
{
    bool provisional = usage->state == USAGE_INVITED || usage->state == USAGE_HELD ||
                       usage->state == USAGE_REINVITED || usage->state == USAGE_REINVITE_HELD;
    usage->interval *= 2;
    if (!provisional && usage->interval > set->timers.t2)
        usage->interval = set->timers.t2;
    set_timer(usage, USAGE_TIMER_REPEAT, now + usage->interval);
}

// 13.3.1.1: every minute; RFC 3262 section 3: a reliable one every two and a half.
static void extend(struct usage *usage, tick_t now)
{
    bool reliable = (usage->flags & USAGE_FLAG_UNACKED) != 0;
    set_timer(usage, USAGE_TIMER_EXTEND, now + (reliable ? EXTEND_RELIABLE : EXTEND_UNRELIABLE));
}

// Times of a state that goes on.
static void go_on(const struct usages *set, struct usage *usage, enum usage_event event, tick_t now)
{
    tick_t left = usage->at[USAGE_TIMER_EXPIRED] - now;
    switch (event) {
    case USAGE_ON_REPEAT:
        repeat(set, usage, now);
        break;
    case USAGE_ON_1XX:
        if (usage->state == USAGE_PROCEEDING && (usage->flags & USAGE_FLAG_SURPLUS) == 0)
            set_timer(usage, USAGE_TIMER_LIFE, now + set->timers.early);
        break;
    case USAGE_ON_SEND_1XX:
    case USAGE_ON_EXTEND:
        extend(usage, now);
        break;
    case USAGE_ON_REFRESH:
        // RFC 4028 section 10: what fails may be tried again, but not without end.
        if ((usage->armed & EXPIRED) != 0 && left / 2 > set->timers.t2)
            set_timer(usage, USAGE_TIMER_REFRESH, now + left / 2);
        break;
    default:
        break;
    }
}

// A timer event: due or not. What cannot be now, since an INVITE is under way, comes again soon.
static bool consume(const struct usages *set, struct usage *usage, enum usage_event event, tick_t now)
{
    for (unsigned timer = 0; timer < USAGE_TIMERS; timer++) {
        if (event_of_timer[timer] != event)
            continue;
        if (!due(usage, timer, now))
            return false;
        usage->armed &= (uint8_t)~BIT(timer);
        bool later =
            (event == USAGE_ON_RETRY || event == USAGE_ON_REFRESH) && usage->state != USAGE_CONFIRMED;
        if (later)
            set_timer(usage, (enum usage_timer)timer, now + set->timers.t2);
    }
    return true;
}

static bool is_reinvited(const struct usage *usage)
{
    return usage->state == USAGE_REINVITED || usage->state == USAGE_REINVITE_HELD;
}

void usage_begin_invite(struct usage *usage, uint32_t cseq)
{
    usage->invite_cseq = cseq;
    offer_begin(&usage->offer);
    usage->flags &=
        (uint16_t) ~(USAGE_FLAG_CHANGED | USAGE_FLAG_UNACKED | USAGE_FLAG_UNACKED_BODY | USAGE_FLAG_RSEQ);
}

// RFC 6026 timer M: the first 2xx of an INVITE is followed by its repetitions for 64*T1.
static void expect_again(const struct usages *set, struct usage *usage, struct usage_cell cell, tick_t now)
{
    if ((cell.actions & (USAGE_DO_CONFIRM | USAGE_DO_TARGET)) != 0)
        set_timer(usage, USAGE_TIMER_FORGET, now + 64 * set->timers.t1);
}

unsigned usage_step(struct usages *set, uint32_t index, enum usage_event event, tick_t now)
{
    struct usage *usage = &set->records[index];
    if (event >= USAGE_EVENTS || usage->state == USAGE_FREE || !consume(set, usage, event, now))
        return 0;
    if (event == USAGE_ON_FORGET)
        usage_drop(set, usage, USAGE_SLOT_ACK);
    event = meant(set, index, event);
    bool changed = (usage->flags & USAGE_FLAG_CHANGED) != 0;
    struct usage_cell cell = usage_fsm[usage->state][event];
    // RFC 6141 3.3: what took effect cannot be cancelled; the user answers with a 2xx.
    if (event == USAGE_ON_CANCEL && changed && is_reinvited(usage))
        cell = (struct usage_cell){usage->state, USAGE_DO_DELIVER};
    unsigned actions = cell.actions;
    bool ours = usage->state >= USAGE_REINVITING && usage->state <= USAGE_REINVITE_CANCELLED;
    if (ours && changed && cell.next == USAGE_CONFIRMED && (actions & USAGE_DO_TARGET) == 0)
        actions |= USAGE_DO_RESYNC;
    if (event == USAGE_ON_SEND_INVITE && cell.next != USAGE_FREE)
        usage_begin_invite(usage, usage->local_cseq);
    if (cell.next == usage->state)
        go_on(set, usage, event, now);
    else if (cell.next != USAGE_FREE)
        enter(set, usage, (enum usage_state)cell.next, now);
    if ((actions & USAGE_DO_CONFIRM) != 0 && usage->state != USAGE_LEAVING)
        set_timer(usage, USAGE_TIMER_LIFE, now + set->timers.confirmed);
    if (event == USAGE_ON_2XX || event == USAGE_ON_2XX_LATE || event == USAGE_ON_2XX_SURPLUS)
        expect_again(set, usage, cell, now);
    if ((actions & USAGE_DO_RESEND) != 0 && usage->kept[USAGE_SLOT_REPEATED] == ARENA_NONE)
        actions &= ~(unsigned)USAGE_DO_RESEND;
    rearm(set, index);
    if ((actions & USAGE_DO_CONFIRM) != 0 && usage->role == USAGE_CLIENT)
        tell_set(set, index, now);
    return actions;
}

enum usage_event usage_expired(const struct usages *set, uint32_t index, tick_t now)
{
    const struct usage *usage = &set->records[index];
    unsigned timer = usage->state == USAGE_FREE ? USAGE_TIMERS : nearest(usage);
    if (timer == USAGE_TIMERS || !due(usage, timer, now))
        return USAGE_EVENTS;
    return (enum usage_event)event_of_timer[timer];
}

unsigned usage_refusal(enum usage_event event)
{
    switch (event) {
    case USAGE_ON_CANCEL:
    case USAGE_ON_BYE:
        return 487;
    case USAGE_ON_GIVE_UP: // the PRACK: a 5xx
        return 504;
    default:
        return 480;
    }
}
