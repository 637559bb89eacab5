// SPDX-License-Identifier: BSD-3-Clause
// A run: callers and callees of many calls, in one thread. Calls are due at their rate whatever the ones
// before them do (an open loop), and what is told as time counts from when something was due, so that a proxy
// that stands still is seen to stand still.
#ifndef CALLGEN_GENERATOR_H
#define CALLGEN_GENERATOR_H

#include "compose.h"
#include "tally.h"
#include "wire.h"

#define TICK_NS       100000u // of the wheel: what is due falls on a tick, and counts from there
#define TIMER_CLIENT  0u      // classes of the wheel
#define TIMER_SERVER  1u
#define STARTS_A_TURN 16u // calls that are begun before the ports are looked at again

struct load {
    double rate;               // calls a second
    bool poisson;              // gaps are drawn; else all are equal
    uint64_t count;            // calls
    uint64_t ring_ns, hold_ns; // 180 to 200, ACK to BYE
    uint64_t t1_ns;            // RFC 3261 17.1.1.1; T2 is eight times that
    uint64_t skip_ns;          // calls that are later than that are left out; 0: none is
    uint64_t warm_up_ns;       // calls that are due by then are left out of the times
    unsigned per_mille[KINDS]; // KIND_PLAIN is what is left
    bool spin;                 // never sleeps
};

struct generator {
    struct scene scene;
    struct load load;
    struct calls calls;
    struct wheel wheel;
    struct tally tally;
    struct wire *wire;
    uint64_t now_ns;            // of this turn
    uint64_t began_ns, next_ns; // first call due, next one due
    uint64_t begun;             // calls that were due
    uint64_t last_ns;           // when the last of them was begun
    uint64_t random;
};

static inline tick_t tick_of(uint64_t ns)
{
    return (tick_t)(ns / TICK_NS);
}

// The time at which this tick began, which is not far from now.
static inline uint64_t ns_of(const struct generator *generator, tick_t tick)
{
    return generator->now_ns - generator->now_ns % TICK_NS -
           (uint64_t)(tick_t)(tick_of(generator->now_ns) - tick) * TICK_NS;
}

// Timers A, B, E, F and their kin (17.1.1.2, 17.1.2.2): the wait before repeat number REPEATS, which doubles,
// up to T2 if CAPPED.
uint64_t generator_wait(const struct generator *generator, unsigned repeats, bool capped);

// Notes the time since a moment, unless that was in the warm-up.
void generator_note(struct generator *generator, enum tally_time which, uint64_t since_ns);

// Sends the first call due, if there is room for it.
void client_begin(struct generator *generator, uint64_t due_ns);
void client_response(struct generator *generator, struct call *call, const struct message *message,
                     struct span octets);
// A final answer to an INVITE of a call that is over is acknowledged all the same.
void client_late(struct generator *generator, uint32_t number, const struct message *message);
// A request to the caller: the callee's BYE.
void client_request(struct generator *generator, struct call *call, const struct datagram *datagram,
                    const struct message *message);
void client_expired(struct generator *generator, struct call *call, tick_t deadline);
// The callee is done: the call is over if the caller is too.
void client_settle(struct generator *generator, struct call *call);
// Nobody answered the callee's BYE.
void client_unanswered(struct generator *generator, struct call *call);
// A message of the call was not what it had to be.
void client_wrong(struct generator *generator, struct call *call, enum finding finding, struct span octets);

void server_request(struct generator *generator, struct call *call, const struct datagram *datagram,
                    const struct message *message);
// A response to the callee's BYE.
void server_response(struct generator *generator, struct call *call, const struct message *message,
                     struct span octets);
void server_expired(struct generator *generator, struct call *call);

// Writes a request or an answer of this side's, and sends it.
void generator_ask(struct generator *generator, const struct call *call, const struct asked *asked);
void generator_answer(struct generator *generator, const struct call *call, const struct answer *answer);

// One turn: what came, timers, calls that are due. False: all is over.
bool generator_turn(struct generator *generator);
// Until the proxy's place is known. False: nobody said where it is, within SECONDS.
bool generator_meet(struct generator *generator, unsigned seconds);

#endif
