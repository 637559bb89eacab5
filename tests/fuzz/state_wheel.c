// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of arming, cancelling and turns of the clock, against a list of deadlines: what expires was
// due, in order and once, what is left is not due, and no turn takes more than it may.
#include <string.h>

#include "sip_check.h"
#include "wheel.h"

#define RECORDS  64u
#define BATCH    16u
#define JUMP_MAX 20000u // ticks: the lowest level turns over five times

struct record {
    uint32_t before;
    struct wheel_node node;
};

struct subject {
    struct wheel wheel;
    struct record records[2][RECORDS]; // of two classes
    bool armed[2][RECORDS];
    tick_t deadlines[2][RECORDS];
    uint32_t count;
};

// 0 .. 2^30 ticks ahead, small ones more often; some in the past.
static tick_t ahead(const uint8_t *octets)
{
    uint32_t span = (uint32_t)octets[0] << 22 | (uint32_t)octets[1] << 14 | (uint32_t)octets[2];
    tick_t delay = span >> octets[3] % 30;
    return octets[3] >= 250 ? 0 - delay : delay;
}

static void arm(struct subject *subject, uint32_t class, uint32_t index, const uint8_t *octets)
{
    tick_t deadline = subject->wheel.now + ahead(octets);
    wheel_arm(&subject->wheel, WHEEL_HANDLE(class, index), deadline);
    // What has passed is due at the next tick.
    if ((int32_t)(deadline - subject->wheel.now) <= 0)
        deadline = subject->wheel.now + 1;
    subject->count += !subject->armed[class][index];
    subject->armed[class][index] = true;
    subject->deadlines[class][index] = deadline;
}

static void cancel(struct subject *subject, uint32_t class, uint32_t index)
{
    wheel_cancel(&subject->wheel, WHEEL_HANDLE(class, index));
    subject->count -= subject->armed[class][index];
    subject->armed[class][index] = false;
}

static void check_expired(struct subject *subject, const uint32_t *expired, unsigned count, tick_t *last)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t class = WHEEL_CLASS(expired[i]);
        uint32_t index = WHEEL_INDEX(expired[i]);
        CHECK(class < 2 && index < RECORDS && subject->armed[class][index]);
        tick_t due = subject->deadlines[class][index];
        // The tick under way is the one after now.
        CHECK((int32_t)(due - *last) >= 0 && (int32_t)(due - (subject->wheel.now + 1)) <= 0);
        CHECK(!wheel_armed(&subject->records[class][index].node));
        *last = due;
        subject->armed[class][index] = false;
        subject->count--;
    }
}

static void turn(struct subject *subject, tick_t to, unsigned max)
{
    tick_t last = subject->wheel.now;
    uint32_t expired[BATCH];
    // 256 ticks or max nodes a turn, and no node is looked at more than three times.
    for (unsigned turns = 0; subject->wheel.now != to; turns++) {
        tick_t before = subject->wheel.now;
        unsigned count = wheel_advance(&subject->wheel, to, expired, max);
        CHECK(turns <= JUMP_MAX / 256 + 1 + 3 * 2 * RECORDS / max);
        CHECK(count <= max && (subject->wheel.now - before <= 256 || subject->count == count));
        check_expired(subject, expired, count, &last);
    }
    CHECK(subject->wheel.armed == subject->count);
    for (unsigned class = 0; class < 2; class ++)
        for (unsigned index = 0; index < RECORDS; index++)
            CHECK(!subject->armed[class][index] || (int32_t)(subject->deadlines[class][index] - to) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct subject subject;
    if (size < 4)
        return 0;
    memset(&subject, 0, sizeof(subject));
    tick_t now;
    memcpy(&now, data, sizeof(now));
    wheel_init(&subject.wheel, now);
    for (unsigned class = 0; class < 2; class ++) {
        wheel_class_set(&subject.wheel, class, subject.records[class], sizeof(struct record),
                        offsetof(struct record, node));
        for (unsigned index = 0; index < RECORDS; index++)
            wheel_node_init(&subject.records[class][index].node);
    }
    for (size_t at = 4; at + 6 <= size; at += 6) {
        const uint8_t *octets = data + at;
        uint32_t class = octets[1] / 64 % 2;
        uint32_t index = octets[1] % RECORDS;
        if (octets[0] % 4 < 2)
            arm(&subject, class, index, octets + 2);
        else if (octets[0] % 4 == 2)
            cancel(&subject, class, index);
        else
            turn(&subject, subject.wheel.now + ahead(octets + 2) % JUMP_MAX, 1 + octets[1] % BATCH);
    }
    return 0;
}
