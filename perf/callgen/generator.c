// SPDX-License-Identifier: BSD-3-Clause
#include <math.h>
#include <time.h>
#include "check.h"
#include "generator.h"

#define EXPIRED_A_TURN 64u
#define REST_NS        20000 // between turns with nothing to do
#define MEET_PAUSE_NS  20000000

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t generator_wait(const struct generator *generator, unsigned repeats, bool capped)
{
    uint64_t most = capped ? 8 : 64, factor = repeats < 6 ? UINT64_C(1) << repeats : 64;
    return generator->load.t1_ns * (factor < most ? factor : most);
}

void generator_note(struct generator *generator, enum tally_time which, uint64_t since_ns)
{
    if (since_ns >= generator->began_ns + generator->load.warm_up_ns)
        histogram_note(&generator->tally.times[which],
                       generator->now_ns > since_ns ? generator->now_ns - since_ns : 0);
}

static int place_of(const struct generator *generator, const struct call *call, enum side side)
{
    return side == CALLER ? (int)scene_caller(&generator->scene, call->number) : call->callee;
}

static void send(struct generator *generator, const struct call *call, enum side by, size_t length)
{
    if (length == 0)
        tally_finding(&generator->tally, FINDING_TOO_LONG, (struct span){NULL, 0});
    else
        wire_send(generator->wire, by, place_of(generator, call, by), length);
}

void generator_ask(struct generator *generator, const struct call *call, const struct asked *asked)
{
    char *room = wire_room(generator->wire, asked->by);
    if (room != NULL)
        send(generator, call, asked->by, compose_request(&generator->scene, call, asked, room));
}

void generator_answer(struct generator *generator, const struct call *call, const struct answer *answer)
{
    char *room = wire_room(generator->wire, answer->by);
    if (room != NULL)
        send(generator, call, answer->by, compose_answer(&generator->scene, call, answer, room));
}

static void take(struct generator *generator, const struct datagram *datagram)
{
    struct message message;
    uint32_t number;
    if (!message_read(&message, datagram->octets.at, datagram->octets.length)) {
        tally_finding(&generator->tally, FINDING_UNREADABLE, datagram->octets);
        return;
    }
    if (!check_call_id(&generator->scene, message.call_id, &number)) {
        tally_finding(&generator->tally, FINDING_UNKNOWN_CALL, datagram->octets);
        return;
    }
    struct call *call = calls_find(&generator->calls, number);
    bool response = message.status != 0, caller = datagram->side == CALLER;
    if (call == NULL && response && caller)
        client_late(generator, number, &message);
    else if (call == NULL)
        tally_count(&generator->tally, TALLY_LATE);
    else if (response && caller)
        client_response(generator, call, &message, datagram->octets);
    else if (response)
        server_response(generator, call, &message, datagram->octets);
    else if (caller)
        client_request(generator, call, datagram, &message);
    else
        server_request(generator, call, datagram, &message);
}

static unsigned receive(struct generator *generator)
{
    struct datagram datagrams[WIRE_BURST];
    unsigned taken = 0;
    for (unsigned port = 0; port < wire_ports(generator->wire); port++) {
        unsigned count = wire_receive(generator->wire, port, datagrams);
        if (count > 0)
            generator->now_ns = clock_ns();
        for (unsigned i = 0; i < count; i++)
            take(generator, &datagrams[i]);
        taken += count;
    }
    return taken;
}

static unsigned expire(struct generator *generator)
{
    uint32_t expired[EXPIRED_A_TURN];
    unsigned count = wheel_advance(&generator->wheel, tick_of(generator->now_ns), expired, EXPIRED_A_TURN);
    for (unsigned i = 0; i < count; i++) {
        struct call *call = &generator->calls.places[WHEEL_INDEX(expired[i])];
        bool client = WHEEL_CLASS(expired[i]) == TIMER_CLIENT;
        // What expired before it may have ended the call, or armed the timer again.
        if (!call->taken || wheel_armed(client ? &call->client_timer : &call->server_timer))
            continue;
        if (client)
            client_expired(generator, call, call->client_timer.deadline);
        else
            server_expired(generator, call);
    }
    return count;
}

static uint64_t gap_ns(struct generator *generator)
{
    double gap = 1e9 / generator->load.rate;
    if (generator->load.poisson) {
        generator->random = generator->random * 6364136223846793005u + 1442695040888963407u;
        gap *= -log(((double)(generator->random >> 11) + 1) / 9007199254740993.0);
    }
    return (uint64_t)gap;
}

// The schedule is that of the rate alone. With equal gaps each is reckoned from the first, so that no rest is
// lost. A generator that may skip begins calls only when it has looked at all that came: far ends that answer
// late would be a load of another kind, of which every message comes several times.
static unsigned begin(struct generator *generator, unsigned received)
{
    unsigned count = 0;
    if (generator->load.skip_ns != 0 && received >= WIRE_BURST)
        return 0;
    while (count < STARTS_A_TURN && generator->begun < generator->load.count &&
           generator->next_ns <= generator->now_ns) {
        if (generator->load.skip_ns != 0 && generator->now_ns - generator->next_ns > generator->load.skip_ns)
            tally_count(&generator->tally, TALLY_SKIPPED);
        else
            client_begin(generator, generator->next_ns);
        generator->begun++;
        generator->last_ns = generator->now_ns;
        if (generator->load.poisson)
            generator->next_ns += gap_ns(generator);
        else
            generator->next_ns =
                generator->began_ns + (uint64_t)((double)generator->begun * 1e9 / generator->load.rate);
        count++;
    }
    return count;
}

bool generator_turn(struct generator *generator)
{
    generator->now_ns = clock_ns();
    if (generator->began_ns == 0) {
        generator->began_ns = generator->next_ns = generator->now_ns;
        wheel_init(&generator->wheel, tick_of(generator->now_ns));
        wheel_class_set(&generator->wheel, TIMER_CLIENT, generator->calls.places, sizeof(struct call),
                        offsetof(struct call, client_timer));
        wheel_class_set(&generator->wheel, TIMER_SERVER, generator->calls.places, sizeof(struct call),
                        offsetof(struct call, server_timer));
    }
    unsigned received = receive(generator);
    unsigned done = received + expire(generator) + begin(generator, received);
    wire_flush(generator->wire);
    if (generator->begun == generator->load.count && generator->calls.free_count == generator->calls.capacity)
        return false;
    if (done == 0 && !generator->load.spin)
        nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
    return true;
}

bool generator_meet(struct generator *generator, unsigned seconds)
{
    struct datagram datagrams[WIRE_BURST];
    uint64_t end_ns = clock_ns() + seconds * UINT64_C(1000000000);
    while (!wire_ready(generator->wire)) {
        if (clock_ns() > end_ns)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = MEET_PAUSE_NS}, NULL);
        for (unsigned port = 0; port < wire_ports(generator->wire); port++)
            wire_receive(generator->wire, port, datagrams);
    }
    wire_flush(generator->wire);
    return true;
}
