// SPDX-License-Identifier: BSD-3-Clause
// Calls whose outcomes are drawn: after each step what the limits hold and what the gauges show are a recount
// of the table. COUNTS_CALLS (50,000 when not given) says how many, COUNTS_SEED which.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests.h"

#define SLOTS   24u
#define CALLS   50000u
#define DIALOGS 128u

enum phase { FREE, INVITED, ANSWERED };

struct slot {
    struct call call;
    enum phase phase;
    char invite[WIRE_TEXT_MAX];
};

struct play {
    struct wire *wire;
    struct slot slots[SLOTS];
    uint64_t random;
    unsigned calls;
    unsigned answered, refused, ended;
};

static unsigned draw(struct play *play, unsigned n)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 7;
    play->random ^= play->random << 17;
    return (unsigned)(play->random >> 33) % n;
}

// What the table says.
struct recount {
    uint64_t all, in[PEERS_MAX], out[PEERS_MAX], members[MEMBERS_MAX];
    int64_t calls_in[PEERS_MAX], calls_out[PEERS_MAX], calls[MEMBERS_MAX];
};

static void recount(const struct worker *worker, struct recount *sums)
{
    memset(sums, 0, sizeof(*sums));
    for (uint32_t i = 0; i < worker->dialogs.capacity; i++) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, i);
        enum dialog_state state = dialog_state(&worker->dialogs, i);
        if (state == DIALOG_EARLY || state == DIALOG_CONFIRMED) {
            sums->calls_in[dialog->caller_peer]++;
            sums->calls_out[dialog->callee_peer]++;
            if (dialog->callee_member != NUMBER_NONE)
                sums->calls[dialog->callee_member]++;
        }
        if (!(dialog->flags & DIALOG_FLAG_COUNTED) ||
            (state != DIALOG_NONE && state != DIALOG_EARLY && state != DIALOG_CONFIRMED))
            continue;
        sums->all++;
        sums->in[dialog->caller_peer]++;
        sums->out[dialog->callee_peer]++;
        if (dialog->callee_member != NUMBER_NONE)
            sums->members[dialog->callee_member]++;
    }
}

static void check(const struct play *play)
{
    static struct recount sums;
    const struct wire *wire = play->wire;
    const struct limits *limits = &wire->workers[0]->limits;
    recount(wire->workers[0], &sums);
    assert_int_equal(limit_held(limits, LIMIT_ALL), sums.all);
    for (uint16_t peer = 0; peer < IMAGE_PEERS; peer++) {
        assert_int_equal(limit_held(limits, LIMIT_PEER_IN(peer)), sums.in[peer]);
        assert_int_equal(limit_held(limits, LIMIT_PEER_OUT(peer)), sums.out[peer]);
        assert_int_equal(wire->parts[0].peers[peer].calls_in, sums.calls_in[peer]);
        assert_int_equal(wire->parts[0].peers[peer].calls_out, sums.calls_out[peer]);
    }
    for (uint16_t member = 0; member < IMAGE_MEMBERS; member++) {
        assert_int_equal(limit_held(limits, LIMIT_MEMBER(member)), sums.members[member]);
        assert_int_equal(wire->parts[0].members[member].calls, sums.calls[member]);
    }
}

static const char *const refusals[] = {
    "486 Busy Here",       "503 Service Unavailable",     "404 Not Found",
    "408 Request Timeout", "480 Temporarily Unavailable", "500 Server Internal Error",
    "603 Decline"};

static const char *tag(struct play *play)
{
    static const char *const tags[] = {"a", "a", "a", "b", "c"};
    return tags[draw(play, RTE_DIM(tags))];
}

static void use_tag(struct call *call, const char *text)
{
    snprintf(call->sides[DIALOG_CALLEE].tag, sizeof(call->sides[0].tag), "%s", text);
}

static void answer_invite(struct play *play, struct slot *slot, const char *status)
{
    call_respond(&slot->call, &slot->call.invite, status, tag(play));
}

static void agent_cancelled(struct play *play, struct slot *slot, const struct wire_packet *cancel)
{
    call_respond(&slot->call, cancel, "200 OK", "c");
    unsigned what = draw(play, 10);
    if (what < 7)
        answer_invite(play, slot, "487 Request Terminated");
    else if (what < 9)
        answer_invite(play, slot, "200 OK"); // they crossed
}

// What an agent does with a request.
static void agent_requested(struct play *play, struct slot *slot, const struct wire_packet *packet)
{
    static const char *const finals[] = {
        "200 OK", "200 OK", "200 OK", "200 OK", "481 Gone", "401 Unauthorized", "408 Request Timeout", ""};
    const char *status = finals[draw(play, RTE_DIM(finals))];
    if (packet->message.method == METHOD_CANCEL) {
        agent_cancelled(play, slot, packet);
    } else if (packet->message.method == METHOD_INVITE && packet->message.to_tag.length == 0) {
        slot->call.invite = *packet;
        slot->call.sides[DIALOG_CALLEE].at = packet->to;
    } else if (packet->message.method != METHOD_ACK && status[0] != '\0') {
        call_respond(&slot->call, packet, status, "");
    }
}

static void agent_answered(struct play *play, struct slot *slot, const struct wire_packet *packet)
{
    if (packet->message.method != METHOD_INVITE || packet->message.status == 100 || slot->phase == FREE)
        return;
    slot->call.answer = *packet;
    if (packet->message.status < 300)
        call_learn(&slot->call);
    if (packet->message.status >= 300) {
        play->refused++;
        if (slot->phase == INVITED && draw(play, 8) > 0)
            call_ack_refusal(&slot->call);
        if (slot->phase == INVITED)
            slot->phase = FREE;
    } else if (packet->message.status >= 200) {
        play->answered += slot->phase == INVITED;
        slot->phase = ANSWERED;
    }
}

static void take_all(struct play *play)
{
    struct wire *wire = play->wire;
    while (wire->out_count > 0) {
        unsigned number, serial;
        struct wire_packet packet = wire_take(wire, wire->out[0].to);
        const char *id = header_of(&packet, "Call-ID");
        assert_int_equal(sscanf(id, "%u-%u@", &number, &serial), 2);
        struct slot *slot = &play->slots[number];
        if (strcmp(id, slot->call.id) != 0 || draw(play, 50) == 0)
            continue; // of a call that the agents have forgotten, or lost
        if (packet.message.is_request)
            agent_requested(play, slot, &packet);
        else
            agent_answered(play, slot, &packet);
    }
}

static void begin_call(struct play *play, unsigned number)
{
    struct slot *slot = &play->slots[number];
    char id[48];
    snprintf(id, sizeof(id), "%u-%u@counts", number, ++play->calls);
    if (draw(play, 3) == 0)
        call_init_outward(&slot->call, play->wire, id);
    else
        call_init(&slot->call, play->wire, id);
    call_invite_text(&slot->call, slot->invite);
    slot->phase = INVITED;
    wire_send(play->wire, slot->call.sides[DIALOG_CALLER].at, slot->invite);
}

static void operator_ends(struct play *play, const struct slot *slot)
{
    struct worker *worker = play->wire->workers[0];
    uint32_t found[DIALOGS_OF_CALL_MAX];
    uint64_t hash = siphash13(&play->wire->parts[0].keys.table, slot->call.id, strlen(slot->call.id));
    unsigned n =
        dialog_find_call(&worker->dialogs, hash, (struct dialog_string){NULL, 0}, found, DIALOGS_OF_CALL_MAX);
    if (n > 0)
        (void)dialog_end(worker, found[draw(play, n)]);
    wire_turn(play->wire);
}

static void ring_on(struct play *play, struct slot *slot)
{
    struct wire *wire = play->wire;
    unsigned what = draw(play, 100);
    bool has_invite = slot->call.invite.length > 0;
    if (what < 30 && has_invite)
        answer_invite(play, slot, "180 Ringing");
    else if (what < 60 && has_invite)
        answer_invite(play, slot, "200 OK");
    else if (what < 75 && has_invite)
        answer_invite(play, slot, refusals[draw(play, RTE_DIM(refusals))]);
    else if (what < 83)
        call_hop(&slot->call, DIALOG_CALLER, "CANCEL", slot->invite);
    else if (what < 88)
        wire_send(wire, slot->call.sides[DIALOG_CALLER].at, slot->invite);
    else if (what < 92)
        operator_ends(play, slot);
    else if (what < 94)
        slot->phase = FREE; // nobody cares any more
}

static void send_inside(struct play *play, struct slot *slot, const char *method)
{
    char text[WIRE_TEXT_MAX];
    bool callee = strcmp(method, "ACK") != 0 && draw(play, 2) == 1;
    enum dialog_side from = callee ? DIALOG_CALLEE : DIALOG_CALLER;
    use_tag(&slot->call, tag(play));
    call_request_text(&slot->call, from, method, text);
    wire_send(play->wire, slot->call.sides[from].at, text);
}

static void talk_on(struct play *play, struct slot *slot)
{
    unsigned what = draw(play, 100);
    if (what < 35) {
        send_inside(play, slot, "ACK");
    } else if (what < 60) {
        send_inside(play, slot, "BYE");
        play->ended++;
        if (draw(play, 3) > 0)
            slot->phase = FREE;
    } else if (what < 70) {
        answer_invite(play, slot, "200 OK"); // again, or of another branch
    } else if (what < 75) {
        send_inside(play, slot, "INFO");
    } else if (what < 80) {
        send_inside(play, slot, "INVITE");
    } else if (what < 84) {
        operator_ends(play, slot);
    } else if (what < 90) {
        slot->phase = FREE;
    }
}

static void pass(struct play *play, unsigned ms)
{
    for (; ms > 0; ms -= RTE_MIN(ms, 500u)) {
        play->wire->workers[0]->us_base += 500000;
        wire_turn(play->wire);
        take_all(play);
        check(play);
    }
}

static void step(struct play *play)
{
    unsigned number = draw(play, SLOTS);
    struct slot *slot = &play->slots[number];
    struct arena *arena = &play->wire->workers[0]->arena;
    arena->fail_at = draw(play, 40) == 0 ? (int64_t)draw(play, 3) : -1;
    if (slot->phase == FREE)
        begin_call(play, number);
    else if (slot->phase == INVITED)
        ring_on(play, slot);
    else
        talk_on(play, slot);
    check(play);
    take_all(play);
    check(play);
    arena->fail_at = -1;
    if (draw(play, 12) == 0)
        pass(play, 500 + draw(play, 3000));
    if (draw(play, 3000) == 0)
        pass(play, 400000);
}

// Limits that refuse now and then, members that stand in for each other, and sides that are asked.
static void configure(struct wire *wire)
{
    struct snapshot_image *image = &wire->image;
    struct snapshot_peer *sbcs = &image->peers[IMAGE_SBCS];
    image->peers[IMAGE_CARRIER_A].in = (struct call_limit){.concurrent = 16};
    sbcs->in = (struct call_limit){.rate = 20, .burst = 5};
    image->members[IMAGE_MEMBER_SBC1].capacity = 12;
    image->members[IMAGE_MEMBER_SBC2].capacity = 8;
    sbcs->attempts = 2;
    sbcs->failover_after_ms = 1500;
    memcpy(sbcs->failover_statuses, (const uint16_t[STATUSES_MAX]){408, 503},
           sizeof(sbcs->failover_statuses));
    image->header.settings.keepalive_ms = 20000;
    image->header.settings.dialog_life_ms = 600000;
    image->header.settings.session_end = SESSION_END_BYE;
    wire_reload(wire);
}

static void test_counts_are_recounts(void **state)
{
    (void)state;
    struct play *play = calloc(1, sizeof(*play));
    const char *calls = getenv("COUNTS_CALLS"), *seed = getenv("COUNTS_SEED");
    unsigned wanted = calls != NULL ? (unsigned)strtoul(calls, NULL, 10) : CALLS;
    play->random = seed != NULL ? strtoull(seed, NULL, 10) * 2 + 1 : 0x9e3779b97f4a7c15;
    play->wire = wire_open(&(struct wire_options){.dialogs = DIALOGS, .transactions = 512});
    configure(play->wire);
    while (play->calls < wanted)
        step(play);
    print_message("%u calls: %u answered, %u refused, %u BYEs; %lu limited, %lu full, %lu found dead\n",
                  play->calls, play->answered, play->refused, play->ended,
                  (unsigned long)(wire_count(play->wire, COUNTER_LIMIT_PEER_IN) +
                                  wire_count(play->wire, COUNTER_LIMIT_MEMBER)),
                  (unsigned long)wire_count(play->wire, COUNTER_DIALOG_FULL),
                  (unsigned long)wire_count(play->wire, COUNTER_KEEPALIVE_DEAD));
    assert_true(play->answered > wanted / 10 && play->refused > wanted / 10 && play->ended > wanted / 100);
    wire_close(play->wire); // and in the end everything is zero
    free(play);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts_are_recounts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
