// SPDX-License-Identifier: BSD-3-Clause
// Callers and three SBCs that do anything at any time, against what must hold whatever happens: a caller has
// one refusal or the answers that were given, never two refusals and never none; no SBC is asked twice for
// one call and none beyond failover.attempts; the members' calls are those of the records; in the end nothing
// is left.
#include <stdio.h>
#include <string.h>
#include "failing.h"
#include "tests.h"

#define CALLS    12u // at once
#define BRANCHES 3u
#define ROUNDS   60u
#define ROUND_MS 40000u
#define STEP_MS  100u

// One SBC's part in one call.
struct branch {
    struct wire_packet invite;
    struct endpoint member;
    char tag[16];
    unsigned ring_at, end_at; // steps from the INVITE; 0: never
    const char *ring, *end;
    unsigned age;
    bool ended;
    bool answered; // 2xx
};

struct party {
    struct call call;
    char text[WIRE_TEXT_MAX];
    struct branch branches[BRANCHES];
    unsigned branch_count;
    unsigned cancel_at; // step, 0: never
    unsigned refusals;
    unsigned answers, given; // 2xx that came, that SBCs gave
    bool refused_first;
};

static struct party parties[CALLS];
static uint64_t seed;

static unsigned below(unsigned bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % bound;
}

static void plan(struct branch *branch)
{
    static const char *const ends[] = {"200 OK",      "200 OK",        "200 OK",   "503 Busy",
                                       "503 Busy",    "486 Busy Here", "408 Late", "404 None",
                                       "603 Decline", "401 Who",       "500 Oops", "480 Away"};
    branch->end = ends[below(RTE_DIM(ends))];
    branch->end_at = below(5) == 0 ? 0 : 1 + below(below(4) == 0 ? 120 : 7);
    branch->ring = below(2) == 0 ? "100 Trying" : "180 Ringing";
    branch->ring_at = below(2) == 0 ? 0 : 1 + below(8);
}

static void end_branch(struct party *party, struct branch *branch, const char *status)
{
    if (branch->ended)
        return;
    branch->ended = true;
    branch->answered = status[0] == '2';
    party->given += branch->answered;
    failing_respond(&party->call, &branch->invite, status, branch->tag);
}

static struct branch *branch_of(struct party *party, const struct wire_packet *packet)
{
    struct span span = packet->message.via.branch;
    for (unsigned i = 0; i < party->branch_count; i++) {
        struct branch *branch = &party->branches[i];
        struct span own = branch->invite.message.via.branch;
        if (own.length == span.length &&
            memcmp(branch->invite.text + own.offset, packet->text + span.offset, own.length) == 0)
            return branch;
    }
    return NULL;
}

static void invited(struct party *party, const struct wire_packet *packet)
{
    struct branch *branch = branch_of(party, packet);
    if (branch != NULL) { // repeated
        assert_true(endpoint_equal(branch->member, packet->to));
        assert_false(branch->ended);
        return;
    }
    assert_in_range(party->branch_count, 0, BRANCHES - 1);
    for (unsigned i = 0; i < party->branch_count; i++)
        assert_false(endpoint_equal(party->branches[i].member, packet->to));
    branch = &party->branches[party->branch_count++];
    *branch = (struct branch){.member = packet->to, .invite = *packet};
    snprintf(branch->tag, sizeof(branch->tag), "tag-%u", party->branch_count);
    plan(branch);
}

static void cancelled(struct party *party, const struct wire_packet *packet)
{
    struct branch *branch = branch_of(party, packet);
    assert_non_null(branch);
    failing_respond(&party->call, packet, "200 OK", "c");
    if (below(4) != 0)
        end_branch(party, branch, "487 Request Terminated");
}

// ACK and BYE in the dialog with whoever answered.
static void hang_up(struct party *party, const struct wire_packet *answer)
{
    char text[WIRE_TEXT_MAX];
    unsigned number = 0;
    for (unsigned i = 0; i < party->branch_count; i++) {
        struct span tag = answer->message.to_tag;
        if (strlen(party->branches[i].tag) == tag.length &&
            memcmp(answer->text + tag.offset, party->branches[i].tag, tag.length) == 0)
            number = i;
    }
    struct branch *branch = &party->branches[number];
    struct call *call = &party->call;
    call->invite = branch->invite;
    call->answer = *answer;
    call->sides[DIALOG_CALLER].cseq = 100;
    snprintf(call->sides[DIALOG_CALLEE].tag, sizeof(call->sides[0].tag), "%s", branch->tag);
    failing_speak_as(call, branch->member);
    call_learn(call);
    call_request_text(call, DIALOG_CALLER, "ACK", text);
    wire_send(call->wire, wire_carrier, text);
    call_request_text(call, DIALOG_CALLER, "BYE", text);
    wire_send(call->wire, wire_carrier, text);
}

static void caller_hears(struct party *party, const struct wire_packet *packet)
{
    uint16_t status = packet->message.status;
    if (packet->message.method != METHOD_INVITE || status < 200)
        return;
    if (status < 300) {
        party->answers++;
        hang_up(party, packet);
        return;
    }
    assert_int_equal(party->answers, 0);
    assert_int_equal(party->refusals++, 0);
    party->call.answer = *packet;
    party->call.branch = 0;
    call_ack_refusal(&party->call);
}

static struct party *party_of(const struct wire_packet *packet)
{
    for (unsigned i = 0; i < CALLS; i++) {
        struct span id = packet->message.call_id;
        if (strlen(parties[i].call.id) == id.length &&
            memcmp(packet->text + id.offset, parties[i].call.id, id.length) == 0)
            return &parties[i];
    }
    fail_msg("whose is this?\n%s", packet->text);
    return NULL;
}

static void deliver_all(struct wire *wire)
{
    while (wire->out_count > 0) {
        struct wire_packet packet = wire_take(wire, wire->out[0].to);
        struct party *party = party_of(&packet);
        if (endpoint_equal(packet.to, wire_carrier))
            caller_hears(party, &packet);
        else if (starts(&packet, "INVITE "))
            invited(party, &packet);
        else if (starts(&packet, "CANCEL "))
            cancelled(party, &packet);
        else if (starts(&packet, "BYE "))
            failing_respond(&party->call, &packet, "200 OK", "");
    }
}

// Of each member the calls held are the records that stand for one.
static void recount(const struct wire *wire)
{
    const struct worker *worker = wire->workers[0];
    uint64_t held[IMAGE_MEMBERS] = {0};
    for (uint32_t i = 0; i < worker->dialogs.unused; i++) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, i);
        enum dialog_state state = dialog_state(&worker->dialogs, i);
        if ((dialog->flags & DIALOG_FLAG_COUNTED) &&
            (state == DIALOG_NONE || state == DIALOG_EARLY || state == DIALOG_CONFIRMED))
            held[dialog->callee_member]++;
    }
    for (uint16_t i = 0; i < IMAGE_MEMBERS; i++)
        assert_int_equal(limit_held(&worker->limits, LIMIT_MEMBER(i)), held[i]);
}

static void step(struct wire *wire, unsigned now)
{
    wire_pass(wire, STEP_MS);
    deliver_all(wire);
    for (unsigned i = 0; i < CALLS; i++) {
        struct party *party = &parties[i];
        for (unsigned b = 0; b < party->branch_count; b++) {
            struct branch *branch = &party->branches[b];
            branch->age++;
            if (branch->age == branch->ring_at && !branch->ended)
                failing_respond(&party->call, &branch->invite, branch->ring,
                                branch->ring[1] == '0' ? "" : branch->tag);
            if (branch->age == branch->end_at)
                end_branch(party, branch, branch->end);
        }
        deliver_all(wire);
        if (now == party->cancel_at && party->refusals + party->answers == 0)
            call_cancel(&party->call);
        if (now == 3 && party->refusals + party->answers == 0)
            wire_send(wire, wire_carrier, party->text); // the 100 was lost
        deliver_all(wire);
    }
    recount(wire);
}

static void play(struct wire *wire, unsigned round)
{
    for (unsigned i = 0; i < CALLS; i++) {
        struct party *party = &parties[i];
        char id[48];
        memset(party, 0, sizeof(*party));
        snprintf(id, sizeof(id), "%u-%u@random", round, i);
        call_init(&party->call, wire, id);
        party->cancel_at = below(5) == 0 ? 1 + below(30) : 0;
        call_invite_text(&party->call, party->text);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        wire_send(wire, wire_carrier, parties[i].text);
        deliver_all(wire);
    }
    // After that nobody acts of himself, and all of Dialgate's times have passed.
    for (unsigned now = 1; now <= ROUND_MS / STEP_MS * 3; now++)
        step(wire, now);
    for (unsigned i = 0; i < CALLS; i++) {
        const struct party *party = &parties[i];
        assert_int_equal(party->answers, party->given);
        if (party->refusals + (party->answers > 0) == 0) // it rings on: timer C
            continue;
        assert_true(party->answers > 0 || party->refusals == 1);
    }
}

static void test_random(void **state)
{
    const uint16_t statuses[STATUSES_MAX] = {408, 503, 500, 401};
    uint64_t slow = 0, refused = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct wire *wire = wire_open(&(struct wire_options){.transactions = 1024});
        seed = 0x9e3779b97f4a7c15u * (round + 1);
        failing_configure(wire, 3, statuses);
        play(wire, round);
        unsigned settled = 0;
        for (unsigned i = 0; i < CALLS; i++)
            settled += parties[i].refusals + (parties[i].answers > 0) > 0;
        assert_in_range(settled, CALLS / 2, CALLS);
        slow += wire_count(wire, COUNTER_FAILOVER_TIMEOUT);
        refused += wire_count(wire, COUNTER_FAILOVER_REFUSED);
        wire_close(wire);
    }
    print_message("%lu were slow, %lu refused\n", (unsigned long)slow, (unsigned long)refused);
    assert_true(slow > ROUNDS && refused > ROUNDS);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
