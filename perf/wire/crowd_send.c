// SPDX-License-Identifier: BSD-3-Clause
#include "crowd_core.h"
#include <stdlib.h>
#include <string.h>

// What comes of a message, and of its repeat: it reaches the other side, or something of its kind does; our
// own answer comes back.
enum { GOES = 1, ANSWERED = 2, AGAIN_GOES = 4, AGAIN_ANSWERED = 8, MADE_ANEW = 16 };

struct effect {
    uint8_t what;
    enum kind answer;
};

static const struct effect effects[KINDS] = {
    [KIND_INVITE] = {GOES | ANSWERED | AGAIN_ANSWERED, KIND_TRYING},
    [KIND_ACK] = {GOES | AGAIN_GOES, KINDS},
    // Both hop by hop (RFC 3261 9.2, 17.1.1.3).
    [KIND_CANCEL] = {GOES | MADE_ANEW | ANSWERED | AGAIN_ANSWERED, KIND_CANCEL_ANSWER},
    [KIND_REFUSAL] = {GOES | ANSWERED | AGAIN_ANSWERED, KIND_ACK},
    [KIND_BYE] = {GOES | AGAIN_GOES, KINDS},
    [KIND_INSIDE] = {GOES | AGAIN_GOES, KINDS},
    [KIND_TRYING] = {0, KINDS},
    [KIND_CANCEL_ANSWER] = {0, KINDS},
    [KIND_RINGING] = {GOES | AGAIN_GOES, KINDS},
    [KIND_ANSWER] = {GOES | AGAIN_GOES, KINDS}, // 16.7: each 2xx
    [KIND_BYE_ANSWER] = {GOES | AGAIN_GOES, KINDS},
    [KIND_INSIDE_ANSWER] = {GOES | AGAIN_GOES, KINDS}};

static struct effect effect_of(const struct call *call, enum kind kind)
{
    struct effect effect = effects[kind];
    if (call->fate == FATE_OPTIONS)
        return (struct effect){ANSWERED | AGAIN_ANSWERED, KIND_INSIDE_ANSWER};
    if (kind == KIND_ACK && !call->confirmed)
        return (struct effect){0, KINDS}; // it was for us
    // UPDATE has transactions, which absorb.
    if ((kind == KIND_INSIDE || kind == KIND_INSIDE_ANSWER) && call->inside == INSIDE_UPDATE)
        effect.what = GOES;
    return effect;
}

static void credit(struct crowd *crowd, struct call *call, enum world_side side, enum kind kind)
{
    call->credits[side][kind]++;
    crowd->open++;
}

static void keep(struct call *call, const struct say *say, const char *text, uint32_t length)
{
    const enum world_side to = 1 - say->side;
    if (call->kept == NULL)
        return;
    free(call->kept->texts[to][say->kind]);
    call->kept->texts[to][say->kind] = memcpy(malloc(length), text, length);
    call->kept->lengths[to][say->kind] = length;
}

static void post(struct crowd *crowd, const struct arrival *from, enum kind kind, bool again)
{
    struct event event = {
        .side = (uint8_t)from->side, .party = from->party, .again = again, .due_us = crowd->order++};
    event.mbuf = datagram_make(crowd->options.world, crowd->options.pool, from);
    if (event.mbuf == NULL) {
        crowd->count.no_room++;
        return;
    }
    crowd->count.sent++;
    crowd->count.sent_octets += from->length;
    line_put(&crowd->ready[crowd->options.sorted ? kind : 0], &event);
    crowd->ready_count++;
}

void crowd_say(struct crowd *crowd, struct call *call, const struct say *say)
{
    char text[DATAGRAM_TEXT_MAX + 512];
    const struct effect effect = effect_of(call, say->kind);
    const enum world_side other = 1 - say->side;
    bool answer = say->kind >= KIND_REQUESTS;
    struct draft draft = {.world = crowd->options.world,
                          .script = &call->script,
                          .side = say->side,
                          .kind = say->kind,
                          .inside = call->inside,
                          .cseq = call->cseq[answer ? other : say->side],
                          .confirmed = call->confirmed,
                          .status = say->status,
                          .echo = say->echo,
                          .echo_length = say->echo_length};
    struct arrival from = {.side = say->side,
                           .party = say->side == WORLD_CALLER ? call->script.caller : call->script.callee,
                           .text = text};
    from.length = script_write(&draft, text);
    post(crowd, &from, say->kind, false);
    if (effect.what & GOES) {
        credit(crowd, call, other, say->kind);
        if (!(effect.what & MADE_ANEW))
            keep(call, say, text, from.length);
    }
    if (effect.what & ANSWERED)
        credit(crowd, call, say->side, effect.answer);
    if (!crowd_draw(crowd, crowd->options.mix.repeats))
        return;
    crowd->count.repeated++;
    post(crowd, &from, say->kind, true);
    if (effect.what & AGAIN_GOES)
        credit(crowd, call, other, say->kind);
    // By a clock that runs, the repeat may come behind 180, which is repeated then (RFC 3261 17.2.1).
    if ((effect.what & AGAIN_ANSWERED) && !(say->kind == KIND_INVITE && crowd->options.clock_runs))
        credit(crowd, call, say->side, effect.answer);
}
