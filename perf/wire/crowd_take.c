// SPDX-License-Identifier: BSD-3-Clause
#include "crowd_core.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wrong(struct crowd *crowd, const char *why, enum world_side side, const char *text,
                  uint32_t length)
{
    if (crowd->count.wrong++ == 0)
        snprintf(crowd->fault, sizeof(crowd->fault), "%s, at a %s: %.*s", why,
                 side == WORLD_CALLER ? "caller" : "callee", (int)RTE_MIN(strcspn(text, "\r"), length), text);
}

static struct call *call_of(struct crowd *crowd, const struct look *look)
{
    char call_id[SCRIPT_CALL_ID_MAX];
    uint32_t slot = script_slot(look->call_id);
    if (slot >= crowd->capacity || crowd->calls[slot].script.number == 0)
        return NULL;
    struct call *call = &crowd->calls[slot];
    uint32_t length = script_call_id(&call->script, call_id);
    return length == look->call_id_length && memcmp(call_id, look->call_id, length) == 0 ? call : NULL;
}

// NULL, or what is wrong with it.
static const char *fault_of(const struct crowd *crowd, struct call *call, const struct look *look,
                            const struct arrival *at)
{
    const bool answer = look->status != 0;
    const enum world_side asker = answer ? at->side : 1 - at->side;
    const struct draft asked = {
        .script = &call->script, .side = asker, .cseq = call->cseq[asker], .kind = KIND_INVITE};
    char branch[SCRIPT_TAG_MAX];
    if (call->credits[at->side][look->kind] == 0)
        return "unexpected";
    if (look->kind == KIND_INVITE && !call->confirmed)
        call->script.callee = at->party; // whom it was for is not ours to say
    if (at->party != (at->side == WORLD_CALLER ? call->script.caller : call->script.callee))
        return "for another one";
    if (look->cseq != call->cseq[asker])
        return "another CSeq";
    if (look->inside != INSIDE_NOT && look->inside != call->inside)
        return "another method";
    if (look->kind == KIND_REFUSAL && look->status != (call->fate == FATE_CANCELLED ? 487 : 486))
        return "another status";
    // A proxy adds one; a response comes without it. An ACK and a CANCEL may be the proxy's own.
    if (answer &&
        (look->vias != script_vias(&asked) || look->branch_length != script_branch(&asked, branch) ||
         memcmp(look->branch, branch, look->branch_length) != 0))
        return "another Via";
    if (!answer && look->vias != script_vias(&asked) + 1 && look->kind != KIND_CANCEL &&
        (look->kind != KIND_ACK || call->confirmed))
        return "too many Vias, or too few";
    return NULL;
}

// What the worker repeats by its own timers (RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1) when a thread was taken
// from its core; the call may be over by then. And what it says to a repeated INVITE when that comes behind
// the answer to the first one.
static bool is_late(const struct crowd *crowd, const struct call *call, const struct look *look,
                    enum world_side side)
{
    static const bool repeated[KINDS] = {[KIND_INVITE] = true,  [KIND_CANCEL] = true, [KIND_INSIDE] = true,
                                         [KIND_REFUSAL] = true, [KIND_TRYING] = true, [KIND_RINGING] = true};
    return crowd->options.clock_runs && repeated[look->kind] && (look->status < 500 || look->status == 503) &&
           (call == NULL || call->credits[side][look->kind] == 0);
}

// The worker was behind, since a thread was taken from its core, and refused the call before all else.
static bool is_shed(const struct crowd *crowd, const struct call *call, const struct look *look)
{
    return crowd->options.clock_runs && look->kind == KIND_REFUSAL && look->status == 503 &&
           !call->confirmed && call->credits[WORLD_CALLEE][KIND_INVITE] > 0;
}

static void take_shed(struct crowd *crowd, struct call *call)
{
    for (unsigned i = 0; i < 2 * KINDS; i++)
        crowd->open -= call->credits[i / KINDS][i % KINDS];
    memset(call->credits, 0, sizeof(call->credits));
    crowd->count.shed++;
    crowd_say(crowd, call, &(struct say){.side = WORLD_CALLER, .kind = KIND_ACK});
    crowd_release(crowd, call);
}

static bool is_same(struct crowd *crowd, const struct call *call, const struct look *look,
                    enum world_side side)
{
    if (call->kept == NULL || call->kept->texts[side][look->kind] == NULL)
        return true;
    crowd->count.compared++;
    return look_same(look, call->kept->texts[side][look->kind], call->kept->lengths[side][look->kind]);
}

// A credit is paid.
static void pay(struct crowd *crowd, struct call *call, enum world_side side, enum kind kind)
{
    crowd->open--;
    if (--call->credits[side][kind] > 0 || call->kept == NULL)
        return;
    free(call->kept->texts[side][kind]);
    call->kept->texts[side][kind] = NULL;
}

static void remember(struct call *call, const char *echo, uint32_t length)
{
    free(call->echo);
    call->echo = memcpy(malloc(length + 1), echo, length);
    call->echo_length = length;
}

static void say(struct crowd *crowd, struct call *call, enum world_side side, enum kind kind)
{
    crowd_say(crowd, call, &(struct say){side, kind, 486, call->echo, call->echo_length});
}

static void take_invite(struct crowd *crowd, struct call *call, const struct look *look, enum world_side side)
{
    if (call->confirmed) {
        say(crowd, call, side, KIND_ANSWER);
        return;
    }
    call->script.routes = look_routes(look);
    say(crowd, call, side, KIND_TRYING);
    say(crowd, call, side, KIND_RINGING);
    if (call->fate == FATE_RINGING) {
        crowd->ringers[crowd->ringer_count++] = call->script.slot;
        return;
    }
    line_put(&crowd->ringing, &(struct event){.number = call->script.number,
                                              .slot = call->script.slot,
                                              .due_us = crowd->now_us + crowd->options.ring_us});
}

static void take_request(struct crowd *crowd, struct call *call, const struct look *look,
                         enum world_side side)
{
    char echo[2048];
    uint32_t length = look->kind == KIND_ACK ? 0 : look_echo(look, echo, sizeof(echo));
    switch (look->kind) {
    case KIND_INVITE:
        remember(call, echo, length);
        take_invite(crowd, call, look, side);
        break;
    case KIND_CANCEL:
        crowd_say(crowd, call, &(struct say){side, KIND_CANCEL_ANSWER, 0, echo, length});
        crowd_say(crowd, call, &(struct say){side, KIND_REFUSAL, 487, call->echo, call->echo_length});
        break;
    case KIND_BYE:
        crowd_say(crowd, call, &(struct say){side, KIND_BYE_ANSWER, 0, echo, length});
        break;
    case KIND_INSIDE:
        crowd_say(crowd, call, &(struct say){side, KIND_INSIDE_ANSWER, 0, echo, length});
        break;
    default: // ACK
        crowd_forget(call);
    }
}

static void take_answer(struct crowd *crowd, struct call *call, const struct look *look, enum world_side side)
{
    switch (look->kind) {
    case KIND_ANSWER:
        if (!call->confirmed)
            crowd_talks(crowd, call);
        say(crowd, call, side, KIND_ACK);
        break;
    case KIND_REFUSAL:
        if (!call->over)
            (*(call->fate == FATE_CANCELLED ? &crowd->count.cancelled : &crowd->count.refused))++;
        call->over = true;
        say(crowd, call, side, KIND_ACK);
        break;
    case KIND_BYE_ANSWER:
        crowd->count.completed += !call->over;
        call->over = true;
        break;
    case KIND_INSIDE_ANSWER:
        call->over |= call->fate == FATE_OPTIONS;
        break;
    default:
        break;
    }
}

void crowd_take(struct crowd *crowd, enum world_side side, struct rte_mbuf *mbuf)
{
    struct arrival at;
    struct look look;
    uint32_t whole = crowd->options.whole;
    bool sums = whole != 0 && crowd->count.received % whole == 0;
    crowd->count.received++;
    crowd->count.received_octets += rte_pktmbuf_data_len(mbuf);
    if (!datagram_read(crowd->options.world, side, mbuf, sums, &at)) {
        wrong(crowd, "no datagram for anybody", side, "", 0);
        goto out;
    }
    bool is_read = look_at(at.text, at.length, &look);
    struct call *call = is_read ? call_of(crowd, &look) : NULL;
    if (call != NULL && is_shed(crowd, call, &look)) {
        take_shed(crowd, call);
        goto out;
    }
    if (is_read && is_late(crowd, call, &look, side)) {
        crowd->count.late++;
        goto out;
    }
    const char *fault = call == NULL ? "of no call" : fault_of(crowd, call, &look, &at);
    if (fault == NULL && !is_same(crowd, call, &look, side))
        fault = "not as it was sent";
    if (fault != NULL) {
        wrong(crowd, fault, side, at.text, at.length);
        goto out;
    }
    pay(crowd, call, side, look.kind);
    if (look.status == 0)
        take_request(crowd, call, &look, side);
    else
        take_answer(crowd, call, &look, side);
    if (call->over && crowd_is_idle(call))
        crowd_release(crowd, call);
out:
    rte_pktmbuf_free(mbuf);
}
