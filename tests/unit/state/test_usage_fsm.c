// SPDX-License-Identifier: BSD-3-Clause
// The table of usage_fsm.c said again by sentence of the RFC: one row an event and the states in which it
// means the same. What has no row changes nothing.
#include "usage_world.h"

enum {
    SEND = USAGE_DO_SEND,
    RESEND = USAGE_DO_RESEND,
    ACK = USAGE_DO_ACK,
    BYE = USAGE_DO_BYE,
    CANCEL = USAGE_DO_CANCEL,
    REFUSE = USAGE_DO_REFUSE,
    DELIVER = USAGE_DO_DELIVER,
    CONFIRM = USAGE_DO_CONFIRM,
    END = USAGE_DO_END,
    RELEASE = USAGE_DO_RELEASE,
    NOT_NOW = USAGE_DO_NOT_NOW,
    TARGET = USAGE_DO_TARGET,
    RETRY = USAGE_DO_RETRY,
    REFRESH = USAGE_DO_REFRESH,
    AUTHORIZE = USAGE_DO_AUTHORIZE,
    EXTEND = USAGE_DO_EXTEND
};

#define S(state) (1u << USAGE_##state)
#define SAME     USAGE_STATES // the state goes on
#define STAYS    USAGE_FREE   // and no timer moves either

enum {
    OPEN_FIRST = S(CALLING) | S(PROCEEDING) | S(LOST_EARLY), // our first INVITE, wanted
    CANCELS = S(CANCEL_HELD) | S(CANCELLED),
    LEAVES_EARLY = S(LEAVING_EARLY) | S(LEFT_EARLY),
    OPEN_SECOND = S(REINVITING) | S(REINVITE_PROCEEDING), // our re-INVITE, wanted
    CANCELS_SECOND = S(REINVITE_CANCEL_HELD) | S(REINVITE_CANCELLED),
    RINGS = S(INVITED) | S(HELD), // their first INVITE
    RINGS_SECOND = S(REINVITED) | S(REINVITE_HELD),
    UNACKED = S(ANSWERED) | S(REINVITE_ANSWERED),
    OWES_ACK = S(ACCEPTED) | S(REINVITE_ACCEPTED),
    ENDS = S(ENDING) | S(LEFT_UNACKED),
    LIVE = ((1u << USAGE_TERMINATED) - 1) & ~S(FREE)
};

struct row {
    const char *why;
    int event;
    uint32_t states;
    int next;
    unsigned actions;
};

static const struct row rows[] = {
    // --- UAC, first INVITE
    {"13.2.2.1: a 1xx", USAGE_ON_1XX, S(CALLING), USAGE_PROCEEDING, DELIVER},
    {"13.2.2.1: another", USAGE_ON_1XX, S(PROCEEDING), SAME, DELIVER},
    {"RFC 6228: 199 ends this early dialog only", USAGE_ON_199, S(CALLING) | S(PROCEEDING), USAGE_LOST_EARLY,
     DELIVER},
    {"13.2.2.4: 2xx", USAGE_ON_2XX, OPEN_FIRST, USAGE_CONFIRMED, ACK | DELIVER | CONFIRM | TARGET},
    {"13.2.2.4: 2xx, the user gives the ACK", USAGE_ON_2XX_LATE, OPEN_FIRST, USAGE_ACCEPTED,
     DELIVER | CONFIRM | TARGET},
    {"13.2.2.4: not wanted: ACK, then BYE", USAGE_ON_2XX_SURPLUS, OPEN_FIRST | CANCELS, USAGE_LEAVING,
     ACK | BYE | CONFIRM | TARGET},
    {"13.2.2.4: this branch is over", USAGE_ON_BRANCH_OVER, OPEN_FIRST | CANCELS, USAGE_TERMINATED,
     DELIVER | END | RELEASE},
    {"13.2.2.3: failure", USAGE_ON_FAILURE, OPEN_FIRST | CANCELS, USAGE_TERMINATED, DELIVER | END | RELEASE},
    {"9.1: no CANCEL before a 1xx", USAGE_ON_SEND_CANCEL, S(CALLING), USAGE_CANCEL_HELD, 0},
    {"9.1: no CANCEL before a 1xx", USAGE_ON_END, S(CALLING), USAGE_CANCEL_HELD, 0},
    {"early too long", USAGE_ON_LIFE, S(CALLING), USAGE_CANCEL_HELD, DELIVER},
    {"9.1: the 1xx frees it", USAGE_ON_1XX, S(CANCEL_HELD), USAGE_CANCELLED, CANCEL},
    {"9.1: the 1xx frees it", USAGE_ON_199, S(CANCEL_HELD), USAGE_CANCELLED, CANCEL},
    {"9.1: CANCEL", USAGE_ON_SEND_CANCEL, S(PROCEEDING) | S(LOST_EARLY), USAGE_CANCELLED, CANCEL},
    {"section 15: the end of an early dialog is CANCEL", USAGE_ON_END, S(PROCEEDING) | S(LOST_EARLY),
     USAGE_CANCELLED, CANCEL},
    {"early too long", USAGE_ON_LIFE, S(PROCEEDING) | S(LOST_EARLY), USAGE_CANCELLED, CANCEL | DELIVER},
    {"12.2.1.2: PRACK or UPDATE found nothing", USAGE_ON_GONE, S(PROCEEDING), USAGE_CANCELLED,
     CANCEL | DELIVER},
    {"13.3.1.4: the callee's 2xx were all lost", USAGE_ON_BYE, S(PROCEEDING), USAGE_CANCELLED,
     CANCEL | DELIVER},
    {"RFC 5407 3.1.2: 2xx crosses CANCEL", USAGE_ON_2XX, CANCELS, USAGE_LEAVING,
     ACK | BYE | CONFIRM | TARGET},
    {"RFC 5407 3.1.2, the user's ACK or not", USAGE_ON_2XX_LATE, CANCELS, USAGE_LEAVING,
     ACK | BYE | CONFIRM | TARGET},
    {"9.1: 64*T1 after the CANCEL", USAGE_ON_LIFE, CANCELS, USAGE_TERMINATED, DELIVER | END | RELEASE},
    {"section 15: BYE to one early dialog", USAGE_ON_LEAVE_EARLY, S(PROCEEDING), USAGE_LEAVING_EARLY, BYE},
    {"2xx crosses that BYE", USAGE_ON_2XX, S(LEAVING_EARLY), USAGE_LEAVING, ACK | CONFIRM},
    {"2xx crosses that BYE", USAGE_ON_2XX_LATE, S(LEAVING_EARLY), USAGE_LEAVING, ACK | CONFIRM},
    {"2xx crosses that BYE", USAGE_ON_2XX_SURPLUS, S(LEAVING_EARLY), USAGE_LEAVING, ACK | CONFIRM},
    {"15.1.2: the INVITE's 487", USAGE_ON_FAILURE, S(LEAVING_EARLY), USAGE_LEAVING, 0},
    {"the BYE is done, the INVITE is not", USAGE_ON_BYE_DONE, S(LEAVING_EARLY), USAGE_LEFT_EARLY, 0},
    {"2xx after that BYE was done", USAGE_ON_2XX, S(LEFT_EARLY), USAGE_LEAVING, ACK | BYE | CONFIRM},
    {"2xx after that BYE was done", USAGE_ON_2XX_LATE, S(LEFT_EARLY), USAGE_LEAVING, ACK | BYE | CONFIRM},
    {"2xx after that BYE was done", USAGE_ON_2XX_SURPLUS, S(LEFT_EARLY), USAGE_LEAVING, ACK | BYE | CONFIRM},
    {"15.1.2: the INVITE's 487", USAGE_ON_FAILURE, S(LEFT_EARLY), USAGE_TERMINATED, END | RELEASE},
    {"nothing came", USAGE_ON_LIFE, LEAVES_EARLY, USAGE_TERMINATED, END | RELEASE},
    {"13.2.2.4: this branch is over", USAGE_ON_BRANCH_OVER, LEAVES_EARLY, USAGE_TERMINATED, END | RELEASE},
    {"CANCEL is of the whole set", USAGE_ON_SEND_CANCEL, LEAVES_EARLY, SAME, CANCEL},
    // --- the user owes the ACK
    {"13.2.2.4: the ACK", USAGE_ON_SEND_ACK, OWES_ACK, USAGE_CONFIRMED, SEND},
    {"13.2.2.4: ACK, then BYE", USAGE_ON_END, OWES_ACK, USAGE_LEAVING, ACK | BYE},
    {"64*T1 without the user's ACK", USAGE_ON_GIVE_UP, OWES_ACK, USAGE_LEAVING, ACK | BYE | DELIVER},
    {"12.2.1.2", USAGE_ON_GONE, OWES_ACK, USAGE_LEAVING, ACK | BYE | DELIVER},
    {"the longest call", USAGE_ON_LIFE, OWES_ACK, USAGE_LEAVING, ACK | BYE | DELIVER},
    {"RFC 4028 section 10", USAGE_ON_EXPIRED, OWES_ACK, USAGE_LEAVING, ACK | BYE | DELIVER},
    {"every 2xx gets an ACK, also after a BYE", USAGE_ON_BYE, OWES_ACK, USAGE_TERMINATED,
     ACK | DELIVER | END | RELEASE},
    // --- UAS, first INVITE
    {"13.3.1.4", USAGE_ON_SEND_2XX, S(INVITED), USAGE_ANSWERED, SEND | CONFIRM},
    {"13.3.1.1: a 1xx", USAGE_ON_SEND_1XX, S(INVITED) | S(REINVITED), SAME, SEND},
    {"13.3.1.1: every minute", USAGE_ON_EXTEND, S(INVITED) | S(REINVITED), SAME, EXTEND},
    {"RFC 3262 section 3: not before the PRACK", USAGE_ON_SEND_2XX_HELD, S(INVITED), USAGE_HELD, 0},
    {"RFC 3262 section 3: the PRACK", USAGE_ON_PRACKED, S(HELD), USAGE_ANSWERED, RESEND | DELIVER | CONFIRM},
    {"RFC 3262 section 3: the PRACK", USAGE_ON_PRACKED, S(INVITED), SAME, DELIVER},
    {"13.3.1.3", USAGE_ON_SEND_FAILURE, RINGS, USAGE_TERMINATED, SEND | END | RELEASE},
    {"section 15: the callee refuses", USAGE_ON_END, RINGS, USAGE_TERMINATED, REFUSE | END | RELEASE},
    {"9.2: CANCEL", USAGE_ON_CANCEL, RINGS, USAGE_TERMINATED, REFUSE | DELIVER | END | RELEASE},
    {"15.1.2: BYE", USAGE_ON_BYE, RINGS, USAGE_TERMINATED, REFUSE | DELIVER | END | RELEASE},
    {"12.2.1.2: UPDATE found nothing", USAGE_ON_GONE, RINGS, USAGE_TERMINATED,
     REFUSE | DELIVER | END | RELEASE},
    {"nobody answers", USAGE_ON_LIFE, RINGS, USAGE_TERMINATED, REFUSE | DELIVER | END | RELEASE},
    {"RFC 3262 section 3: 64*T1", USAGE_ON_GIVE_UP, RINGS, USAGE_TERMINATED,
     REFUSE | DELIVER | END | RELEASE},
    {"RFC 3262 section 3, 13.3.1.4: again", USAGE_ON_REPEAT, RINGS | RINGS_SECOND | UNACKED | ENDS, SAME,
     RESEND},
    // --- 2xx sent
    {"13.3.1.4: ACK", USAGE_ON_ACK, UNACKED, USAGE_CONFIRMED, DELIVER},
    {"13.3.1.4: 64*T1 without ACK", USAGE_ON_GIVE_UP, UNACKED, USAGE_LEAVING, BYE | DELIVER},
    {"RFC 5407 3.1.4: re-INVITE before the ACK", USAGE_ON_INVITE, UNACKED, USAGE_REINVITED, DELIVER},
    {"section 15: BYE waits for the ACK", USAGE_ON_END, UNACKED, USAGE_ENDING, 0},
    {"12.2.1.2, BYE waits for the ACK", USAGE_ON_GONE, UNACKED, USAGE_ENDING, DELIVER},
    {"the longest call, BYE waits for the ACK", USAGE_ON_LIFE, UNACKED, USAGE_ENDING, DELIVER},
    {"RFC 4028 section 10, BYE waits for the ACK", USAGE_ON_EXPIRED, UNACKED, USAGE_ENDING, DELIVER},
    {"RFC 5407 3.1.3: BYE before the ACK", USAGE_ON_BYE, UNACKED | S(ENDING), USAGE_LEFT_UNACKED,
     DELIVER | END},
    {"section 15: the ACK frees the BYE", USAGE_ON_ACK, S(ENDING), USAGE_LEAVING, BYE},
    {"section 15: the time-out frees the BYE", USAGE_ON_GIVE_UP, S(ENDING), USAGE_LEAVING, BYE},
    {"the ACK of what is over", USAGE_ON_ACK, S(LEFT_UNACKED), USAGE_TERMINATED, RELEASE},
    {"no ACK of what is over", USAGE_ON_GIVE_UP, S(LEFT_UNACKED), USAGE_TERMINATED, RELEASE},
    // --- the call
    {"13.2.2.4: the 2xx again", USAGE_ON_2XX, S(CONFIRMED), SAME, ACK},
    {"13.2.2.4: the 2xx again", USAGE_ON_2XX_LATE, S(CONFIRMED), SAME, ACK},
    {"13.2.2.4: an older 2xx again", USAGE_ON_OLD_2XX,
     S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND | S(REINVITE_ACCEPTED) | RINGS_SECOND |
         S(REINVITE_ANSWERED) | S(LEAVING),
     SAME, ACK},
    {"14.1", USAGE_ON_SEND_INVITE, S(CONFIRMED), USAGE_REINVITING, SEND},
    {"14.2", USAGE_ON_INVITE, S(CONFIRMED), USAGE_REINVITED, DELIVER},
    {"section 15", USAGE_ON_END, S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND, USAGE_LEAVING, BYE},
    {"15.1.2", USAGE_ON_BYE, S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND, USAGE_TERMINATED,
     DELIVER | END | RELEASE},
    {"12.2.1.2", USAGE_ON_GONE, S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND, USAGE_LEAVING, BYE | DELIVER},
    {"the longest call", USAGE_ON_LIFE, S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND, USAGE_LEAVING,
     BYE | DELIVER},
    {"RFC 4028 section 10", USAGE_ON_EXPIRED, S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND, USAGE_LEAVING,
     BYE | DELIVER},
    {"14.1: the wait is over", USAGE_ON_RETRY, S(CONFIRMED), SAME, RETRY},
    {"RFC 4028 7.4", USAGE_ON_REFRESH, S(CONFIRMED), SAME, REFRESH},
    // --- our re-INVITE
    {"14.1: 1xx", USAGE_ON_1XX, S(REINVITING), USAGE_REINVITE_PROCEEDING, DELIVER},
    {"14.1: 1xx", USAGE_ON_1XX, S(REINVITE_PROCEEDING), SAME, DELIVER},
    {"a 199 of a re-INVITE ends no early dialog", USAGE_ON_199, S(REINVITING), USAGE_REINVITE_PROCEEDING, 0},
    {"14.1: 2xx", USAGE_ON_2XX, OPEN_SECOND | CANCELS_SECOND, USAGE_CONFIRMED, ACK | DELIVER | TARGET},
    {"14.1: 2xx, the user gives the ACK", USAGE_ON_2XX_LATE, OPEN_SECOND | CANCELS_SECOND,
     USAGE_REINVITE_ACCEPTED, DELIVER | TARGET},
    {"14.1: the session stays", USAGE_ON_FAILURE, OPEN_SECOND | CANCELS_SECOND, USAGE_CONFIRMED, DELIVER},
    {"9.1: held", USAGE_ON_SEND_CANCEL, S(REINVITING), USAGE_REINVITE_CANCEL_HELD, 0},
    {"9.1", USAGE_ON_SEND_CANCEL, S(REINVITE_PROCEEDING), USAGE_REINVITE_CANCELLED, CANCEL},
    {"9.1: the 1xx frees it", USAGE_ON_1XX, S(REINVITE_CANCEL_HELD), USAGE_REINVITE_CANCELLED, CANCEL},
    {"9.1: the 1xx frees it", USAGE_ON_199, S(REINVITE_CANCEL_HELD), USAGE_REINVITE_CANCELLED, CANCEL},
    {"9.1: 64*T1", USAGE_ON_GIVE_UP, CANCELS_SECOND, USAGE_CONFIRMED, DELIVER},
    // --- their re-INVITE
    {"14.2: 2xx", USAGE_ON_SEND_2XX, S(REINVITED), USAGE_REINVITE_ANSWERED, SEND | TARGET},
    {"RFC 3262 section 3", USAGE_ON_SEND_2XX_HELD, S(REINVITED), USAGE_REINVITE_HELD, 0},
    {"RFC 3262 section 3", USAGE_ON_PRACKED, S(REINVITED), SAME, DELIVER},
    {"RFC 3262 section 3", USAGE_ON_PRACKED, S(REINVITE_HELD), USAGE_REINVITE_ANSWERED,
     RESEND | DELIVER | TARGET},
    {"14.2: 488 and others", USAGE_ON_SEND_FAILURE, RINGS_SECOND, USAGE_CONFIRMED, SEND},
    {"9.2", USAGE_ON_CANCEL, RINGS_SECOND, USAGE_CONFIRMED, REFUSE | DELIVER},
    {"RFC 3262 section 3: 64*T1", USAGE_ON_GIVE_UP, RINGS_SECOND, USAGE_CONFIRMED, REFUSE | DELIVER},
    {"section 15", USAGE_ON_END, RINGS_SECOND, USAGE_LEAVING, REFUSE | BYE},
    {"15.1.2", USAGE_ON_BYE, RINGS_SECOND, USAGE_TERMINATED, REFUSE | DELIVER | END | RELEASE},
    {"12.2.1.2", USAGE_ON_GONE, RINGS_SECOND, USAGE_LEAVING, REFUSE | BYE | DELIVER},
    {"the longest call", USAGE_ON_LIFE, RINGS_SECOND, USAGE_LEAVING, REFUSE | BYE | DELIVER},
    {"RFC 4028 section 10", USAGE_ON_EXPIRED, RINGS_SECOND, USAGE_LEAVING, REFUSE | BYE | DELIVER},
    // --- our BYE is out
    {"15.1.1: any final response", USAGE_ON_BYE_DONE, S(LEAVING), USAGE_TERMINATED, END | RELEASE},
    {"22.2: but for a challenge", USAGE_ON_BYE_CHALLENGED, S(LEAVING) | S(LEAVING_EARLY), SAME, AUTHORIZE},
    {"15.1.1: none", USAGE_ON_LIFE, S(LEAVING), USAGE_TERMINATED, END | RELEASE},
    {"a 2xx gets its ACK all the same", USAGE_ON_2XX, S(LEAVING), SAME, ACK},
    {"a 2xx gets its ACK all the same", USAGE_ON_2XX_LATE, S(LEAVING), SAME, ACK},
    {"a 2xx gets its ACK all the same", USAGE_ON_2XX_SURPLUS, S(LEAVING), SAME, ACK},
    // --- what the user may not do
    {"14.1: one INVITE at a time", USAGE_ON_SEND_INVITE, LIVE & ~S(CONFIRMED), STAYS, NOT_NOW},
    {"no INVITE of ours to cancel", USAGE_ON_SEND_CANCEL, LIVE & ~(OPEN_FIRST | OPEN_SECOND | LEAVES_EARLY),
     STAYS, NOT_NOW},
    {"no INVITE of theirs rings", USAGE_ON_SEND_1XX, LIVE & ~(S(INVITED) | S(REINVITED)), STAYS, NOT_NOW},
    {"no INVITE of theirs to accept", USAGE_ON_SEND_2XX, LIVE & ~(S(INVITED) | S(REINVITED)), STAYS, NOT_NOW},
    {"no INVITE of theirs to accept", USAGE_ON_SEND_2XX_HELD, LIVE & ~(S(INVITED) | S(REINVITED)), STAYS,
     NOT_NOW},
    {"no INVITE of theirs to refuse", USAGE_ON_SEND_FAILURE, LIVE & ~(RINGS | RINGS_SECOND), STAYS, NOT_NOW},
    {"no ACK is owed", USAGE_ON_SEND_ACK, LIVE & ~OWES_ACK, STAYS, NOT_NOW},
    {"section 15: only the caller, only early", USAGE_ON_LEAVE_EARLY, LIVE & ~S(PROCEEDING), STAYS, NOT_NOW},
    {"it ends already", USAGE_ON_END, CANCELS | ENDS | LEAVES_EARLY | S(LEAVING), STAYS, NOT_NOW},
};

static const struct row *row_of(unsigned state, unsigned event)
{
    const struct row *found = NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].event == (int)event && (rows[i].states & 1u << state) != 0) {
            if (found != NULL)
                fail_msg("two rows for state %u, event %u: %s; %s", state, event, found->why, rows[i].why);
            found = &rows[i];
        }
    return found;
}

static void every_cell(void **test)
{
    for (unsigned state = 0; state < USAGE_STATES; state++)
        for (unsigned event = 0; event < USAGE_EVENTS; event++) {
            const struct row *row = row_of(state, event);
            unsigned next = row == NULL ? STAYS : row->next == SAME ? state : (unsigned)row->next;
            struct usage_cell cell = usage_fsm[state][event];
            if (cell.next != next || cell.actions != (row == NULL ? 0 : row->actions))
                fail_msg("state %u, event %u: %u, actions %x; %s", state, event, cell.next, cell.actions,
                         row == NULL ? "nothing" : row->why);
        }
}

// Whatever the events: confirmed at most once, over exactly once, nothing after the release.
static void walk(unsigned state, bool confirmed, bool ended, bool (*seen)[2][2])
{
    if (seen[state][confirmed][ended])
        return;
    seen[state][confirmed][ended] = true;
    for (unsigned event = 0; event < USAGE_EVENTS; event++) {
        struct usage_cell cell = usage_fsm[state][event];
        bool confirms = (cell.actions & CONFIRM) != 0, ends = (cell.actions & END) != 0;
        bool releases = (cell.actions & RELEASE) != 0;
        if ((confirms && (confirmed || ended)) || (ends && ended))
            fail_msg("state %u, event %u: confirmed or over twice", state, event);
        if (releases != (cell.next == USAGE_TERMINATED && state != USAGE_TERMINATED) ||
            (releases && !ended && !ends))
            fail_msg("state %u, event %u: released wrongly", state, event);
        if (cell.next != USAGE_FREE)
            walk(cell.next, confirmed || confirms, ended || ends, seen);
    }
}

static void every_sequence(void **test)
{
    bool seen[USAGE_STATES][2][2];
    memset(seen, 0, sizeof(seen));
    walk(USAGE_CALLING, false, false, seen);
    walk(USAGE_INVITED, false, false, seen);
    for (unsigned state = USAGE_CALLING; state < USAGE_STATES; state++)
        if (!seen[state][0][0] && !seen[state][0][1] && !seen[state][1][0] && !seen[state][1][1])
            fail_msg("state %u is never reached", state);
    // A call cannot be without having been confirmed.
    for (unsigned state = USAGE_CONFIRMED; state <= USAGE_REINVITE_ANSWERED; state++)
        assert_false(seen[state][0][0] || seen[state][0][1] || seen[state][1][1]);
}

// Which deadlines live on when a state is entered, and which begin there: of all that could be pending, from
// each state by each event that leads there.
static void timers_of_every_state(struct world *world)
{
#define T(timer) (1u << USAGE_TIMER_##timer)
    static const unsigned call = T(LIFE) | T(EXPIRED) | T(REFRESH) | T(FORGET);
    static const uint32_t calls_on =
        S(CONFIRMED) | OPEN_SECOND | CANCELS_SECOND | OWES_ACK | UNACKED | RINGS_SECOND;
    static const uint32_t has_life = OPEN_FIRST | CANCELS | S(HELD) | LEAVES_EARLY | S(LEAVING);
    static const uint32_t repeats = S(HELD) | S(REINVITE_HELD) | UNACKED | ENDS;
    static const uint32_t gives_up = repeats | OWES_ACK | CANCELS_SECOND;
    static const uint32_t retries = S(CONFIRMED) | RINGS_SECOND | S(REINVITE_ANSWERED);
    static const uint32_t short_life = CANCELS | S(LEAVING_EARLY) | S(LEAVING); // 64*T1 from their beginning
    for (unsigned from = USAGE_CALLING; from < USAGE_TERMINATED; from++)
        for (unsigned event = 0; event < USAGE_ON_LIFE; event++) {
            struct usage_cell cell = usage_fsm[from][event];
            if (cell.next == USAGE_FREE || cell.next == from)
                continue;
            uint32_t bit = 1u << cell.next;
            unsigned expected = (calls_on & bit) != 0 ? call : 0;
            expected |= (has_life & bit) != 0 ? T(LIFE) : 0;
            expected |= (repeats & bit) != 0 ? T(REPEAT) : 0;
            expected |= (gives_up & bit) != 0 ? T(GIVE_UP) : 0;
            expected |= (retries & bit) != 0 ? T(RETRY) : 0;
            if (cell.next == USAGE_REINVITED && from != USAGE_CONFIRMED)
                expected &= ~(T(REPEAT) | T(GIVE_UP));              // what was repeated was the answer before
            expected |= cell.next == USAGE_LEAVING ? T(FORGET) : 0; // the ACK may be asked for again
            uint32_t index = calls(world, 1);
            struct usage *usage = at(world, index);
            usage->state = (uint8_t)from;
            for (unsigned timer = 0; timer < USAGE_TIMERS; timer++)
                usage_arm(&world->usages, index, (enum usage_timer)timer, world->now + 123456);
            usage_step(&world->usages, index, (enum usage_event)event, world->now);
            if (usage->state == cell.next && usage->armed != expected)
                fail_msg("state %u, event %u: timers %x, should be %x", from, event, usage->armed, expected);
            bool confirms = (cell.actions & CONFIRM) != 0;
            tick_t life = (short_life & bit) != 0 ? LONG : confirms ? CALL : 123456;
            if (usage->state == cell.next && (usage->armed & T(LIFE)) != 0)
                assert_int_equal(usage->at[USAGE_TIMER_LIFE] - world->now, life);
            assert_int_equal(wheel_armed(&usage->timer), expected != 0);
            usage_release(&world->usages, index);
        }
#undef T
}

static void run_timers_of_every_state(void **test)
{
    world_run(timers_of_every_state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(every_sequence),
        cmocka_unit_test(run_timers_of_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
