// SPDX-License-Identifier: BSD-3-Clause
// What may come in and go out at this moment. The order of the checks of a received request: is there a call
// at all, is its CSeq in order (12.2.2; the number is taken whatever comes of it), and then what its method
// asks.
#include "usage.h"

#include "ending.h"

// What a state says to the peer's INVITE (14.2), and to its other requests.
enum entry { ENTRY_OPEN, ENTRY_OURS, ENTRY_THEIRS, ENTRY_GONE };

static const uint8_t entry_of[USAGE_STATES] = {
    [USAGE_FREE] = ENTRY_GONE,
    [USAGE_CALLING] = ENTRY_GONE, // no dialog yet
    [USAGE_PROCEEDING] = ENTRY_OURS,
    [USAGE_LOST_EARLY] = ENTRY_OURS,
    [USAGE_CANCEL_HELD] = ENTRY_OURS,
    [USAGE_CANCELLED] = ENTRY_OURS,
    [USAGE_ACCEPTED] = ENTRY_OURS,
    [USAGE_INVITED] = ENTRY_THEIRS,
    [USAGE_HELD] = ENTRY_THEIRS,
    [USAGE_ANSWERED] = ENTRY_OPEN,
    [USAGE_ENDING] = ENTRY_GONE,
    [USAGE_LEFT_UNACKED] = ENTRY_GONE,
    [USAGE_CONFIRMED] = ENTRY_OPEN,
    [USAGE_REINVITING] = ENTRY_OURS,
    [USAGE_REINVITE_PROCEEDING] = ENTRY_OURS,
    [USAGE_REINVITE_CANCEL_HELD] = ENTRY_OURS,
    [USAGE_REINVITE_CANCELLED] = ENTRY_OURS,
    [USAGE_REINVITE_ACCEPTED] = ENTRY_OURS,
    [USAGE_REINVITED] = ENTRY_THEIRS,
    [USAGE_REINVITE_HELD] = ENTRY_THEIRS,
    [USAGE_REINVITE_ANSWERED] = ENTRY_OPEN,
    [USAGE_LEAVING_EARLY] = ENTRY_GONE,
    [USAGE_LEFT_EARLY] = ENTRY_GONE,
    [USAGE_LEAVING] = ENTRY_GONE,
    [USAGE_TERMINATED] = ENTRY_GONE,
};

// Uniform in 0 .. below - 1.
static uint32_t scale(uint32_t random, uint32_t below)
{
    return (uint32_t)((uint64_t)random * below >> 32);
}

static struct usage_verdict refuse(uint16_t status)
{
    return (struct usage_verdict){.status = status, .retry_after_s = USAGE_RETRY_AFTER_NONE};
}

static struct usage_verdict refuse_for_now(uint32_t random)
{
    return (struct usage_verdict){.status = 500,
                                  .retry_after_s = (uint8_t)scale(random, 11)}; // 14.2: 0 to 10
}

static struct usage_verdict come_in(unsigned actions)
{
    return (struct usage_verdict){.retry_after_s = USAGE_RETRY_AFTER_NONE, .actions = actions};
}

// RFC 6141 3.4: what is agreed before the final response has taken effect, however the re-INVITE ends.
static enum offer_verdict told(struct usage *usage, enum offer_message message, bool sent)
{
    enum offer_verdict verdict =
        sent ? offer_sent(&usage->offer, message) : offer_received(&usage->offer, message);
    bool reinvite = usage->state >= USAGE_REINVITING && usage->state <= USAGE_REINVITE_HELD;
    bool before_final = message != OFFER_IN_2XX && message != OFFER_IN_ACK;
    if (verdict == OFFER_IS_ANSWER && reinvite && before_final)
        usage->flags |= USAGE_FLAG_CHANGED;
    return verdict;
}

// RFC 3311 5.2 and RFC 3261 14.2 agree on who must wait.
static bool refuses(enum offer_verdict verdict, uint32_t random, struct usage_verdict *refusal)
{
    if (verdict == OFFER_REFUSE_491)
        *refusal = refuse(491);
    else if (verdict == OFFER_REFUSE_500)
        *refusal = refuse_for_now(random);
    else
        return false;
    return true;
}

static struct usage_verdict receive_invite(struct usages *set, uint32_t index,
                                           const struct usage_request *request, uint32_t random, tick_t now)
{
    struct usage *usage = usage_at(set, index);
    if (entry_of[usage->state] == ENTRY_OURS || usage->offer.state == OFFER_SENT)
        return refuse(491); // also without an offer: its 2xx would have to make one beside ours
    if (entry_of[usage->state] == ENTRY_THEIRS || usage->offer.state == OFFER_RECEIVED)
        return refuse_for_now(random);
    usage_begin_invite(usage, request->cseq);
    if (request->description)
        told(usage, OFFER_IN_INVITE, false);
    return come_in(usage_step(set, index, USAGE_ON_INVITE, now));
}

static struct usage_verdict receive_update(struct usage *usage, const struct usage_request *request,
                                           uint32_t random)
{
    struct usage_verdict refusal;
    if ((usage->flags & USAGE_FLAG_UPDATE_RECEIVED) != 0)
        return refuse_for_now(random);
    if (request->description && refuses(told(usage, OFFER_IN_UPDATE, false), random, &refusal))
        return refusal;
    usage->flags |= USAGE_FLAG_UPDATE_RECEIVED;
    return come_in(USAGE_DO_DELIVER);
}

static struct usage_verdict receive_prack(struct usages *set, uint32_t index,
                                          const struct usage_request *request, tick_t now)
{
    struct usage *usage = usage_at(set, index);
    bool matches = (usage->flags & USAGE_FLAG_UNACKED) != 0 && request->rack == usage->rseq &&
                   request->rack_cseq == usage->invite_cseq;
    if (!matches)
        return refuse(481);
    if (request->description)
        told(usage, OFFER_IN_PRACK, false);
    usage->flags &= (uint16_t) ~(USAGE_FLAG_UNACKED | USAGE_FLAG_UNACKED_BODY);
    // After a 2xx without a PRACK, what is repeated is the 2xx.
    if (entry_of[usage->state] == ENTRY_THEIRS) {
        usage_disarm(set, index, USAGE_TIMER_REPEAT);
        usage_disarm(set, index, USAGE_TIMER_GIVE_UP);
        usage_drop(set, usage, USAGE_SLOT_REPEATED);
    }
    return come_in(usage_step(set, index, USAGE_ON_PRACKED, now));
}

struct usage_verdict usage_receive(struct usages *set, uint32_t index, const struct usage_request *request,
                                   uint32_t random, tick_t now)
{
    struct usage *usage = usage_at(set, index);
    bool over = usage->state == USAGE_FREE || usage->state == USAGE_CALLING ||
                usage->state == USAGE_LEFT_UNACKED || usage->state == USAGE_LEFT_EARLY ||
                usage->state == USAGE_TERMINATED;
    if (over)
        return refuse(481);
    // Two requests of one CSeq are no more in order than a lower one.
    if ((usage->flags & USAGE_FLAG_REMOTE_CSEQ) != 0 && request->cseq <= usage->remote_cseq)
        return refuse(500);
    usage->remote_cseq = request->cseq;
    usage->flags |= USAGE_FLAG_REMOTE_CSEQ;
    if (request->method == USAGE_BYE)
        return come_in(usage_step(set, index, USAGE_ON_BYE, now));
    if (entry_of[usage->state] == ENTRY_GONE)
        return refuse(481); // our BYE is out or waits (RFC 5407 3.2.2)
    switch (request->method) {
    case USAGE_INVITE:
        return receive_invite(set, index, request, random, now);
    case USAGE_UPDATE:
        return receive_update(usage, request, random);
    case USAGE_PRACK:
        return receive_prack(set, index, request, now);
    default:
        return come_in(USAGE_DO_DELIVER);
    }
}

unsigned usage_receive_ack(struct usages *set, uint32_t index, uint32_t cseq, tick_t now)
{
    return usage_at(set, index)->invite_cseq == cseq ? usage_step(set, index, USAGE_ON_ACK, now) : 0;
}

enum usage_event usage_invite_event(const struct usages *set, uint32_t index, unsigned status, uint32_t cseq)
{
    const struct usage *usage = &set->records[index];
    bool success = status >= 200 && status < 300;
    bool reinvite = usage->state >= USAGE_REINVITING && usage->state <= USAGE_REINVITE_CANCELLED;
    bool theirs = entry_of[usage->state] == ENTRY_THEIRS || usage->state == USAGE_REINVITE_ANSWERED;
    if (usage->invite_cseq != cseq || theirs)
        return success ? USAGE_ON_OLD_2XX : USAGE_EVENTS;
    if (success)
        return USAGE_ON_2XX;
    if (status == 199)
        return USAGE_ON_199;
    if (status >= 100 && status < 200)
        return USAGE_ON_1XX;
    return reinvite && ending_of(ENDING_REINVITE, status) >= ENDING_USAGE ? USAGE_ON_GONE : USAGE_ON_FAILURE;
}

uint32_t usage_number(struct usages *set, uint32_t index)
{
    struct usage *usage = usage_at(set, index);
    if (usage->local_cseq >= (1u << 31) - 1)
        return 0;
    return ++usage->local_cseq;
}

enum offer_verdict usage_description(struct usages *set, uint32_t index, enum offer_message message,
                                     bool sent)
{
    struct usage *usage = usage_at(set, index);
    if (message == OFFER_IN_INVITE && usage->state == USAGE_CALLING)
        usage->flags |= USAGE_FLAG_OFFERED; // what forks begin with
    return told(usage, message, sent);
}

uint32_t usage_send_reliable(struct usages *set, uint32_t index, bool description, uint32_t random,
                             tick_t now)
{
    struct usage *usage = usage_at(set, index);
    bool open = usage->state == USAGE_INVITED || usage->state == USAGE_REINVITED;
    if (!open || (usage->flags & USAGE_FLAG_UNACKED) != 0)
        return 0;
    // The first is uniform in 1 .. 2^31 - 1, the next ones go up by one; they may not wrap.
    if ((usage->flags & USAGE_FLAG_RSEQ) == 0)
        usage->rseq = 1 + scale(random, (1u << 31) - 1);
    else if (usage->rseq == UINT32_MAX)
        return 0;
    else
        usage->rseq++;
    usage->flags |= USAGE_FLAG_RSEQ | USAGE_FLAG_UNACKED;
    if (description)
        usage->flags |= USAGE_FLAG_UNACKED_BODY;
    usage->interval = set->timers.t1;
    usage_arm(set, index, USAGE_TIMER_REPEAT, now + usage->interval);
    usage_arm(set, index, USAGE_TIMER_GIVE_UP, now + 64 * set->timers.t1);
    return usage->rseq;
}

bool usage_receive_reliable(struct usages *set, uint32_t index, uint32_t rseq, uint32_t cseq)
{
    struct usage *usage = usage_at(set, index);
    bool waits = (usage->state >= USAGE_CALLING && usage->state <= USAGE_CANCELLED) ||
                 (usage->state >= USAGE_REINVITING && usage->state <= USAGE_REINVITE_CANCELLED);
    bool first = (usage->flags & USAGE_FLAG_RSEQ) == 0;
    if (!waits || cseq != usage->invite_cseq || rseq == 0 || (!first && rseq != usage->rseq + 1))
        return false;
    usage->rseq = rseq;
    usage->flags |= USAGE_FLAG_RSEQ;
    return true;
}

bool usage_send_update(struct usages *set, uint32_t index, bool description)
{
    struct usage *usage = usage_at(set, index);
    bool blocked = entry_of[usage->state] == ENTRY_GONE || usage->state == USAGE_LOST_EARLY ||
                   usage->state == USAGE_CANCEL_HELD || usage->state == USAGE_CANCELLED;
    if (blocked || (usage->flags & USAGE_FLAG_UPDATE_SENT) != 0)
        return false;
    if (description && told(usage, OFFER_IN_UPDATE, true) != OFFER_IS_OFFER)
        return false;
    usage->flags |= USAGE_FLAG_UPDATE_SENT;
    return true;
}

void usage_update_done(struct usages *set, uint32_t index, bool sent)
{
    struct usage *usage = usage_at(set, index);
    uint8_t owed = sent ? OFFER_SENT : OFFER_RECEIVED;
    usage->flags &= (uint16_t) ~(sent ? USAGE_FLAG_UPDATE_SENT : USAGE_FLAG_UPDATE_RECEIVED);
    // A failure, and a 2xx without the answer that it owed, leave things as they were (RFC 3311 5.1).
    if (usage->offer.state == owed)
        offer_failed(&usage->offer, OFFER_IN_UPDATE);
}

void usage_back_off(struct usages *set, uint32_t index, uint32_t random, tick_t now)
{
    const struct usage *usage = usage_at(set, index);
    tick_t wait = usage->role == USAGE_CLIENT ? 210 + scale(random, 191) : scale(random, 201);
    usage_arm(set, index, USAGE_TIMER_RETRY, now + wait);
}

void usage_retry_at(struct usages *set, uint32_t index, tick_t deadline)
{
    usage_arm(set, index, USAGE_TIMER_RETRY, deadline);
}

void usage_session(struct usages *set, uint32_t index, struct session_terms terms, bool uac, tick_t now)
{
    usage_disarm(set, index, USAGE_TIMER_REFRESH);
    usage_disarm(set, index, USAGE_TIMER_EXPIRED);
    if (terms.interval_s == 0)
        return;
    usage_arm(set, index, USAGE_TIMER_EXPIRED, now + session_over_after(terms.interval_s));
    if (terms.refresher == (uac ? SESSION_UAC : SESSION_UAS))
        usage_arm(set, index, USAGE_TIMER_REFRESH, now + session_refresh_after(terms.interval_s));
}
