// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of events of one REFER, of either role: it is answered once, makes one call at most, sends one
// NOTIFY at a time, so many as it may and one last one behind which none comes, its outcome is counted once,
// and when all its times have passed it is over.
#include <string.h>

#include "refer/refer.h"
#include "sip_check.h"

#define NOTIFY_ACTIONS (REFER_DO_NOTIFY | REFER_DO_LAST)

struct subject {
    struct refer refer;
    uint64_t now;
    bool ours, over, waits; // waits: a NOTIFY has no response yet
    unsigned answers, calls, notifies, lasts, ends;
};

static void take_actions(struct subject *subject, unsigned actions)
{
    CHECK(!subject->over || actions == 0);
    CHECK((actions & NOTIFY_ACTIONS) != NOTIFY_ACTIONS);
    CHECK(!(actions & REFER_DO_ACCEPT) || !(actions & REFER_DO_REFUSE));
    CHECK(!(actions & REFER_DO_CALL) || (actions & REFER_DO_ACCEPT));
    subject->answers += (actions & (REFER_DO_ACCEPT | REFER_DO_REFUSE)) != 0;
    subject->calls += (actions & REFER_DO_CALL) != 0;
    subject->ends += (actions & REFER_DO_END) != 0;
    if (actions & NOTIFY_ACTIONS) {
        CHECK(!subject->waits && subject->lasts == 0);
        subject->waits = true;
        subject->notifies++;
        subject->lasts += (actions & REFER_DO_LAST) != 0;
        CHECK(subject->refer.notifies == subject->notifies);
    }
    CHECK(subject->answers <= !subject->ours && subject->calls <= 1 && subject->ends <= 1);
    CHECK(subject->notifies - subject->lasts <= REFER_NOTIFIES_MAX);
    CHECK(!subject->ours || subject->notifies == 0);
    subject->over = subject->over || (actions & REFER_DO_FORGET) != 0;
    CHECK(subject->over == (subject->refer.state == REFER_OVER));
    CHECK(!subject->over || subject->ends == 1); // whatever becomes of it, it is counted
}

static void step(struct subject *subject, uint8_t what, uint8_t number)
{
    static const unsigned statuses[] = {0, 100, 180, 183, 199, 200, 202, 299, 302, 486, 503, 603};
    unsigned status = statuses[number % (sizeof(statuses) / sizeof(statuses[0]))];
    unsigned actions = 0;
    switch (what % 8) {
    case 0:
        actions = refer_notified(&subject->refer, status, subject->now);
        if (status == 0 || status >= 200)
            subject->waits = false;
        break;
    case 1:
        actions = refer_subscribe(&subject->refer, number * 60u, subject->now);
        break;
    case 2:
        subject->now += number * 1000ull;
        actions = refer_clock(&subject->refer, subject->now);
        break;
    default:
        actions =
            refer_step(&subject->refer, (enum refer_event)(number % REFER_EVENTS), status, subject->now);
    }
    take_actions(subject, actions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct subject subject = {.now = 1000};
    if (size == 0)
        return 0;
    subject.ours = data[0] % 4 == 0;
    refer_begin(&subject.refer, subject.ours ? REFER_SENDING : REFER_ASKED, 7, subject.now);
    for (size_t at = 1; at + 2 <= size && !subject.over; at += 2)
        step(&subject, data[at], data[at + 1]);
    // A NOTIFY that nobody answers has 408 after 64*T1; everything else has its time.
    for (unsigned i = 0; i < 8 && !subject.over; i++) {
        subject.now += REFER_EXPIRES_MAX_S * 1000ull;
        take_actions(&subject, refer_clock(&subject.refer, subject.now));
    }
    CHECK(subject.over);
    return 0;
}
