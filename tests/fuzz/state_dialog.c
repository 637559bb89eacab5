// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of what happens to dialogs (beginnings, forks, events, changes, lookups, turns of the clock)
// against a list of plain records. The whole sequence runs a second time with one of the arena's requests
// failing. Input: that request's number, then four octets an operation.
#include <stdio.h>
#include <string.h>

#include "dialog_model.h"
#include "sip_check.h"

#define CAPACITY 40u // small, so that it is full now and then; and more than a Call-ID may have
#define REGION   ((size_t)8 << 20)
#define CALLS    6u
#define TAGS     4u
#define BATCH    8u

struct subject {
    struct dialogs set;
    struct wheel wheel;
    tick_t now;
    struct model model[CAPACITY]; // by index
    uint32_t count;
    uint32_t told; // transitions
    struct dialog_transitions ring;
};

static struct arena arena;

static struct dialog_string string(const char *text)
{
    return (struct dialog_string){text, (uint32_t)strlen(text)};
}

// Two calls have each hash.
static uint64_t hash_of(unsigned call)
{
    return (uint64_t)(call / 2) << 46 | 9;
}

// Of either family, or none.
static struct ip_address address_of(unsigned number)
{
    struct ip_address ipv6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)number}};
    if (number == 0)
        return (struct ip_address){{0}};
    return number % 2 == 0 ? ip_from_ipv4(number) : ipv6;
}

static const char *tag_of(unsigned tag)
{
    static const char *const tags[TAGS] = {"", "a1b2c3d4e5f60718", "A1B2C3D4E5F60718", "x.y"};
    return tags[tag % TAGS];
}

static void fill_text(char text[MODEL_TEXT], unsigned which, unsigned call, unsigned number)
{
    switch (which) {
    case DIALOG_TEXT_CALL_ID:
        snprintf(text, MODEL_TEXT, "%u-5f1c@host.example", call);
        break;
    case DIALOG_TEXT_CALLER_TAG:
    case DIALOG_TEXT_CALLEE_TAG:
        snprintf(text, MODEL_TEXT, "%s", tag_of(number));
        break;
    case DIALOG_TEXT_CALLER_ROUTES:
    case DIALOG_TEXT_CALLEE_ROUTES:
        snprintf(text, MODEL_TEXT, number % 3 == 0 ? "%.0u" : "<sip:10.0.0.%u;lr>", number % 3);
        break;
    default:
        snprintf(text, MODEL_TEXT, number % 4 == 0 ? "%.0u" : "<sip:+49%u@sbc.example>", number);
    }
}

static void check_one(const struct subject *subject, uint32_t index)
{
    const struct dialogs *set = &subject->set;
    const struct dialog *dialog = dialog_at(set, index);
    const struct model *model = &subject->model[index];
    CHECK(dialog_state(set, index) == model_state(model));
    if (model->row == DIALOG_ROW_FREE) {
        CHECK(dialog->check == 0);
        return;
    }
    const struct dialog_cold *cold = dialog_cold(set, index);
    CHECK(dialog->row == model->row);
    CHECK(dialog->check == (model->row == DIALOG_ROW_TERMINATED ? 0 : dialog_record_check(dialog)));
    CHECK(cold->check == dialog_cold_check(cold));
    for (unsigned side = 0; side < 2; side++) {
        CHECK(dialog->cseq[side] == model->cseq[side]);
        const struct endpoint learnt = dialog_learnt(cold, side);
        const struct ip_address expected = address_of(model->learnt[side]);
        CHECK(ip_equal(&learnt.address, &expected));
    }
    CHECK(((dialog->flags & DIALOG_FLAG_ACKED) != 0) == model->acked);
    CHECK(((dialog->flags & DIALOG_FLAG_CANCELLED) != 0) == model->cancelled);
    CHECK(((dialog->flags & DIALOG_FLAG_SESSION) != 0) == (model->session_s != 0));
    CHECK(cold->session_s == model->session_s && cold->created == model->created);
    CHECK(dialog->caller_peer == model->peers[0] && dialog->callee_peer == model->peers[1]);
    CHECK(wheel_armed(&dialog->timer) == (model->row != DIALOG_ROW_TERMINATED));
    CHECK(dialog_state_since(set, index) == model_since(model));
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        CHECK(dialog_text_is(set, index, i, string(model->texts[i])));
}

static void check_all(const struct subject *subject)
{
    uint32_t by_state[DIALOG_STATES] = {0};
    for (uint32_t i = 0; i < CAPACITY; i++) {
        check_one(subject, i);
        by_state[model_state(&subject->model[i])]++;
    }
    for (unsigned i = 0; i < DIALOG_STATES; i++)
        CHECK(subject->set.by_state[i] == by_state[i]);
    CHECK(subject->set.count == subject->count && subject->set.table.count == subject->count);
    CHECK(subject->wheel.armed == subject->count - by_state[DIALOG_TERMINATED]);
    CHECK(subject->set.journal->index == INDEX_NONE);
}

// A change of state is told once, with what it was.
static void check_told(struct subject *subject, uint32_t index, enum dialog_state from, enum dialog_state to)
{
    subject->told += from != to;
    CHECK(subject->ring.head == subject->told && subject->ring.lost == 0);
    subject->ring.tail = subject->ring.head;
    const struct dialog_transition *last = &subject->ring.ring[(subject->told - 1) % DIALOG_TRANSITIONS];
    CHECK(from == to || (last->index == index && last->from == from && last->to == to));
}

static void release(struct subject *subject, uint32_t index)
{
    struct model *model = &subject->model[index];
    if (model->row == DIALOG_ROW_FREE)
        return;
    enum dialog_state from = model_state(model);
    dialog_release(&subject->set, index);
    model->row = DIALOG_ROW_FREE;
    subject->count--;
    check_told(subject, index, from, DIALOG_TERMINATED);
}

static void step(struct subject *subject, uint32_t index, enum dialog_event event)
{
    struct model *model = &subject->model[index];
    enum dialog_state from = model_state(model);
    unsigned actions = dialog_step(&subject->set, index, event, subject->now);
    CHECK(actions == model_step(model, event, &subject->set.life, subject->now));
    check_told(subject, index, from, model_state(model));
    check_one(subject, index);
    if (actions & DIALOG_DO_RELEASE)
        release(subject, index);
}

static unsigned count_hash(const struct subject *subject, uint64_t hash)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < CAPACITY; i++)
        count += subject->model[i].row != DIALOG_ROW_FREE && hash_of(subject->model[i].call) == hash;
    return count;
}

// A record was made, or there was a reason that it was not.
static bool made(struct subject *subject, uint32_t index, unsigned call, uint64_t refused)
{
    bool full = subject->count == CAPACITY || count_hash(subject, hash_of(call)) >= DIALOGS_OF_CALL_MAX;
    CHECK(!full || index == INDEX_NONE);
    if (index == INDEX_NONE) {
        CHECK(full || arena.refused > refused);
        return false;
    }
    CHECK(index < CAPACITY && subject->model[index].row == DIALOG_ROW_FREE);
    subject->count++;
    return true;
}

static void begin(struct subject *subject, const uint8_t *octets)
{
    struct model model = {.row = DIALOG_ROW_NONE,
                          .call = octets[1] % CALLS,
                          .peers = {octets[2] % 3, octets[2] / 4 % 3},
                          .learnt = {octets[2], octets[3]},
                          .cseq = {octets[3], 0},
                          .created = subject->now};
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++) {
        // Some callees' tags are there from the first: a late 2xx begins so.
        fill_text(model.texts[i], i, model.call,
                  i == DIALOG_TEXT_CALLEE_TAG ? octets[3] >> 5 & 1u : octets[3] + i);
        texts[i] = string(model.texts[i]);
    }
    const struct dialog_birth birth = {
        .call_hash = hash_of(model.call),
        .texts = texts,
        .caller_peer = model.peers[0],
        .callee_peer = model.peers[1],
        .cseq = model.cseq[0],
        .learnt = {{address_of(model.learnt[0]), 5060, 0}, {address_of(model.learnt[1]), 5060, 0}}};
    uint64_t refused = arena.refused;
    uint32_t index = dialog_create(&subject->set, &birth, subject->now);
    if (!made(subject, index, model.call, refused))
        return;
    model_begin(&model, &subject->set.life, subject->now);
    subject->model[index] = model;
    check_told(subject, index, DIALOG_FREE, DIALOG_NONE);
    check_one(subject, index);
}

static void fork_one(struct subject *subject, uint32_t of)
{
    static const unsigned emptied[] = {DIALOG_TEXT_CALLEE_TAG, DIALOG_TEXT_CALLEE_TARGET,
                                       DIALOG_TEXT_CALLEE_ROUTES};
    if (subject->model[of].row == DIALOG_ROW_FREE)
        return;
    struct model model = subject->model[of];
    uint64_t refused = arena.refused;
    uint32_t index = dialog_fork(&subject->set, of, subject->now);
    if (!made(subject, index, model.call, refused))
        return;
    for (unsigned i = 0; i < 3; i++)
        model.texts[emptied[i]][0] = '\0';
    model.row = DIALOG_ROW_NONE;
    model.cseq[DIALOG_CALLEE] = 0;
    model.acked = false;
    model.bounded = false;
    model.session_s = 0;
    model_begin(&model, &subject->set.life, subject->now);
    subject->model[index] = model;
    check_told(subject, index, DIALOG_FREE, DIALOG_NONE);
    check_one(subject, index);
}

static void change(struct subject *subject, uint32_t index, const uint8_t *octets)
{
    struct model *model = &subject->model[index];
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    struct model after = *model;
    struct dialog_change change = {.texts = octets[2] & 1u ? texts : NULL,
                                   .session = octets[2] & 2u,
                                   .rings = octets[2] & 32u,
                                   .answered = octets[2] & 64u,
                                   .now = subject->now,
                                   .now_ms = octets[3] % TICK_MS};
    if (model->row == DIALOG_ROW_FREE || model->row == DIALOG_ROW_TERMINATED)
        return;
    for (unsigned i = DIALOG_TEXT_CALLEE_TAG; i < DIALOG_TEXT_COUNT && change.texts != NULL; i++) {
        if ((octets[2] >> 2 & 7u) != i % 8)
            continue;
        fill_text(after.texts[i], i, model->call, octets[3]);
        texts[i] = string(after.texts[i]);
    }
    if (change.session) {
        change.session_s = after.session_s = octets[2] & 4u ? 0 : 90 + octets[3];
        change.session_end = after.session_end = subject->now + 1 + octets[3] * 10u;
    }
    change.early = octets[2] & 128u;
    change.settles = change.texts != NULL && (octets[3] & 128u);
    uint64_t refused = arena.refused;
    int result = dialog_change(&subject->set, index, &change);
    CHECK(result == 0 || arena.refused > refused);
    if (result == 0)
        *model = after;
    if (result == 0 && change.rings && model->row == DIALOG_ROW_NONE)
        CHECK(dialog_ring_ms(&subject->set, index) != UINT32_MAX);
    check_one(subject, index);
}

static void see(struct subject *subject, uint32_t index, const uint8_t *octets)
{
    struct model *model = &subject->model[index];
    enum dialog_side side = octets[2] & 1u ? DIALOG_CALLEE : DIALOG_CALLER;
    struct dialog_seen seen = {
        .side = side, .cseq = octets[3], .source = {address_of(octets[2] % 4), 5060, 0}};
    if (model->row == DIALOG_ROW_FREE || model->row == DIALOG_ROW_TERMINATED)
        return;
    uint64_t refused = arena.refused;
    dialog_see(&subject->set, index, &seen);
    if (seen.cseq > model->cseq[side])
        model->cseq[side] = seen.cseq;
    if (octets[2] % 4 != 0 && arena.refused == refused)
        model->learnt[side] = octets[2] % 4;
    check_one(subject, index);
}

// Whatever is found is of these tags, and none would be better.
static void find(struct subject *subject, const uint8_t *octets)
{
    char call_id[MODEL_TEXT];
    unsigned call = octets[1] % CALLS;
    fill_text(call_id, DIALOG_TEXT_CALL_ID, call, 0);
    const struct model_wanted wanted = {.call = call,
                                        .from = tag_of(octets[2]),
                                        .to = tag_of(octets[2] >> 2),
                                        .peer = octets[2] >> 4 & 3u,
                                        .response = octets[2] >> 6 & 1u};
    struct dialog_id id = {.call_hash = hash_of(call),
                           .call_id = string(call_id),
                           .from_tag = string(wanted.from),
                           .to_tag = string(wanted.to),
                           .has_hint = octets[2] >> 7,
                           .hint = octets[3],
                           .peer = wanted.peer == 3 ? DIALOG_NUMBER_NONE : (uint16_t)wanted.peer,
                           .response = wanted.response};
    if (id.has_hint && id.hint < CAPACITY)
        id.hint_generation = (uint16_t)dialog_at(&subject->set, id.hint)->generation;
    unsigned best = 0;
    unsigned of_call = 0;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        enum dialog_side side;
        unsigned rank = model_rank(&subject->model[i], &wanted, &side);
        best = rank > best ? rank : best;
        of_call += subject->model[i].row != DIALOG_ROW_FREE && subject->model[i].call == call;
    }
    enum dialog_side found_side = DIALOG_CALLER, side = DIALOG_CALLER;
    uint32_t found = dialog_find(&subject->set, &id, &found_side);
    CHECK((found == INDEX_NONE) == (best == 0));
    if (found != INDEX_NONE)
        CHECK(model_rank(&subject->model[found], &wanted, &side) == best && side == found_side);
    uint32_t indexes[CAPACITY];
    CHECK(dialog_find_call(&subject->set, id.call_hash, id.call_id, indexes, CAPACITY) == of_call);
}

// Every node that expires was due, or only begins again; afterwards nothing is due.
static void turn(struct subject *subject, tick_t ticks, unsigned max)
{
    uint32_t expired[BATCH];
    const struct dialog_life *life = &subject->set.life;
    subject->now += ticks + 1; // what an event made due expires at the next tick
    while (subject->wheel.now != subject->now) {
        unsigned count = wheel_advance(&subject->wheel, subject->now, expired, max);
        for (unsigned i = 0; i < count; i++) {
            uint32_t index = WHEEL_INDEX(expired[i]);
            CHECK(WHEEL_CLASS(expired[i]) == WHEEL_CLASS_DIALOG);
            enum dialog_event event = dialog_expired(&subject->set, index, subject->now);
            CHECK(event == model_due(&subject->model[index], life, subject->now));
            if (event != DIALOG_EVENTS)
                step(subject, index, event);
        }
    }
    for (uint32_t i = 0; i < CAPACITY; i++)
        CHECK(model_due(&subject->model[i], life, subject->now) == DIALOG_EVENTS);
}

// Of the next early one.
static void end_at(struct subject *subject, uint32_t index, tick_t deadline)
{
    while (index < CAPACITY && subject->model[index].row != DIALOG_ROW_EARLY)
        index++;
    if (index == CAPACITY)
        return;
    dialog_end_at(&subject->set, index, deadline);
    model_end_at(&subject->model[index], deadline);
    check_one(subject, index);
}

static void operate(struct subject *subject, const uint8_t *octets)
{
    // Mostly the same few, so that they come far; and events that keep them alive more often than others.
    static const uint8_t likely[] = {DIALOG_ON_PROVISIONAL, DIALOG_ON_SUCCESS, DIALOG_ON_SUCCESS,
                                     DIALOG_ON_ACK,         DIALOG_ON_ACK,     DIALOG_ON_BYE_CHALLENGED};
    uint32_t index = octets[1] % (octets[1] & 0x80u ? CAPACITY : 6u);
    unsigned event = octets[3] & 1u ? likely[octets[2] % sizeof(likely)] : octets[2] % DIALOG_EVENTS;
    tick_t ticks = octets[2] | (unsigned)octets[3] << 8;
    switch (octets[0] % 16) {
    case 0:
    case 1:
        begin(subject, octets);
        break;
    case 2:
        fork_one(subject, index);
        break;
    case 3:
    case 4:
        change(subject, index, octets);
        break;
    case 5:
        see(subject, index, octets);
        break;
    case 6:
    case 7:
        find(subject, octets);
        break;
    case 8:
        turn(subject, ticks % (octets[1] & 1u ? 40000u : 300u), 1 + octets[1] % BATCH);
        break;
    case 9:
        turn(subject, ticks % 100, 1 + octets[1] % BATCH);
        break;
    case 10:
        if (octets[2] % 4 == 0)
            release(subject, index);
        else
            end_at(subject, index, subject->now + 1 + octets[3]);
        break;
    default:
        step(subject, index, (enum dialog_event)event);
        break;
    }
}

static void run(const uint8_t *data, size_t size, int64_t fail_at)
{
    static struct subject subject;
    static _Alignas(64) uint8_t file[4096], private[4096];
    arena.fail_at = fail_at;
    memset(&subject, 0, sizeof(subject));
    memset(file, 0, sizeof(file));
    CHECK(dialogs_file_memory(CAPACITY) <= sizeof(file));
    CHECK(dialogs_private_memory(CAPACITY) <= sizeof(private));
    subject.now = 0xffff0000u; // the clock runs over
    wheel_init(&subject.wheel, subject.now);
    const struct dialogs_place place = {
        .file = file, .private = private, .capacity = CAPACITY, .key = {{7, 8}}};
    dialogs_init(&subject.set, &place, &arena, &subject.wheel);
    subject.set.life = (struct dialog_life){
        .none = 400, .early = 500, .confirmed = 20000, .no_ack = 370, .terminating = 320};
    subject.set.transitions = &subject.ring;
    for (size_t at = 0; at + 4 <= size; at += 4)
        operate(&subject, data + at);
    check_all(&subject);
    for (uint32_t i = 0; i < CAPACITY; i++)
        release(&subject, i);
    check_all(&subject);
    CHECK(arena.used == 0 && subject.set.intern.table.count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *region;
    if (size < 1)
        return 0;
    if (region == NULL) {
        region = aligned_alloc((size_t)2 << 20, REGION);
        CHECK(region != NULL && arena_init(&arena, region, REGION) == 0);
    }
    run(data + 1, size - 1, -1);
    run(data + 1, size - 1, data[0]);
    return 0;
}
