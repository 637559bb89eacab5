// SPDX-License-Identifier: BSD-3-Clause
#include "refer.h"

#include <string.h>

#define NOTIFYING (REFER_DO_NOTIFY | REFER_DO_LAST)

void refer_begin(struct refer *refer, enum refer_state state, uint32_t cseq, uint64_t now_ms)
{
    *refer = (struct refer){.state = (uint8_t)state, .cseq = cseq};
    refer->life_ms = now_ms + (state == REFER_ASKED ? REFER_ASKED_MS : REFER_SENT_MS);
}

// One NOTIFY at a time, so that none overtakes another; what is due meanwhile is one.
static unsigned notify(struct refer *refer)
{
    if (!refer->due || refer->out)
        return 0;
    refer->due = false;
    if (!refer->last && refer->notifies >= REFER_NOTIFIES_MAX)
        return 0;
    refer->notifies++;
    refer->out = true;
    refer->out_last = refer->last;
    return refer->last ? REFER_DO_LAST : REFER_DO_NOTIFY;
}

static void take_status(struct refer *refer, enum refer_event event, unsigned status)
{
    switch (event) {
    case REFER_ON_ACCEPT:
    case REFER_ON_ACCEPT_SILENT:
        refer->status = 100;
        break;
    case REFER_ON_LIFE: // the call has no final response yet, nor will they hear of one
        if (refer->state == REFER_CARRIED)
            refer->status = 408;
        break;
    case REFER_ON_EXPIRED:
    case REFER_ON_UNSUBSCRIBE:
        refer->ran_out = refer->state == REFER_CARRIED;
        break;
    default:
        if (status != 0)
            refer->status = (uint16_t)status;
    }
}

static void set_clock(struct refer *refer, enum refer_event event, uint64_t now_ms)
{
    if (event == REFER_ON_ACCEPT || event == REFER_ON_ACCEPT_SILENT) {
        refer->until_ms = now_ms + REFER_EXPIRES_S * 1000ull;
        refer->life_ms = now_ms + REFER_EXPIRES_MAX_S * 1000ull;
    } else if (refer->state == REFER_REPORTING || refer->state == REFER_LINGERING ||
               refer->state == REFER_ENDED) {
        refer->life_ms = now_ms + REFER_LAST_MS;
    } else if (refer->state == REFER_WAITING || refer->state == REFER_SENDING) {
        refer->life_ms = now_ms + REFER_SENT_MS;
    }
}

unsigned refer_step(struct refer *refer, enum refer_event event, unsigned status, uint64_t now_ms)
{
    const struct refer_cell *cell = &refer_fsm[refer->state][event];
    if (cell->actions == 0)
        return 0;
    if (cell->next != REFER_FREE) {
        take_status(refer, event, status);
        if (event == REFER_ON_DEAF)
            refer->due = false;
        refer->state = cell->next;
        set_clock(refer, event, now_ms);
    }
    refer->due = refer->due || (cell->actions & NOTIFYING) != 0;
    refer->last = refer->last || (cell->actions & REFER_DO_LAST) != 0;
    return (cell->actions & ~NOTIFYING) | notify(refer);
}

unsigned refer_notified(struct refer *refer, unsigned status, uint64_t now_ms)
{
    bool last = refer->out_last;
    if (!refer->out || (status >= 100 && status < 200))
        return 0;
    refer->out = refer->out_last = false;
    if (status < 200 || status >= 300) {
        refer->due = false;
        return refer_step(refer, REFER_ON_DEAF, 0, now_ms);
    }
    return last ? refer_step(refer, REFER_ON_LAST_DONE, 0, now_ms) : notify(refer);
}

unsigned refer_subscribe(struct refer *refer, uint32_t expires_s, uint64_t now_ms)
{
    if (expires_s == 0)
        return refer_step(refer, REFER_ON_UNSUBSCRIBE, 0, now_ms);
    uint32_t granted = expires_s < REFER_EXPIRES_MAX_S ? expires_s : REFER_EXPIRES_MAX_S;
    refer->until_ms = now_ms + granted * 1000ull;
    return refer_step(refer, REFER_ON_SUBSCRIBE, 0, now_ms);
}

unsigned refer_clock(struct refer *refer, uint64_t now_ms)
{
    if (now_ms >= refer->life_ms)
        return refer_step(refer, REFER_ON_LIFE, 0, now_ms);
    return refer->state == REFER_CARRIED && now_ms >= refer->until_ms
               ? refer_step(refer, REFER_ON_EXPIRED, 0, now_ms)
               : 0;
}

unsigned refer_revive(struct refer *refer, unsigned status, uint64_t now_ms)
{
    refer->due = refer->due || refer->out;
    refer->out = refer->out_last = false;
    if (refer->state == REFER_REPORTING)
        refer->life_ms = now_ms + REFER_LAST_MS;
    unsigned actions = status ? refer_step(refer, REFER_ON_OUTCOME, status, now_ms) : 0;
    return actions ? actions : notify(refer);
}

const char *refer_state_name(enum refer_state state)
{
    static const char *const names[REFER_STATES] = {
        [REFER_FREE] = "free",     [REFER_ASKED] = "asked",         [REFER_CARRIED] = "carried",
        [REFER_SILENT] = "silent", [REFER_REPORTING] = "reporting", [REFER_SENDING] = "sending",
        [REFER_ENDED] = "ended",   [REFER_WAITING] = "waiting",     [REFER_LINGERING] = "lingering",
        [REFER_OVER] = "over",
    };
    return names[state];
}
