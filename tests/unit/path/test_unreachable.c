// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors: which are believed, and what becomes of the request that they quote.
#include <stdio.h>
#include <string.h>
#include "probing.h"
#include "tests.h"

// What the agent makes of an ICMP error about this packet.
static struct unreachable about(const struct wire_packet *packet)
{
    struct unreachable error = {
        .address = packet->to.address, .port = packet->to.port, .member = NUMBER_NONE};
    memcpy(error.branch, strstr(packet->text, "branch=") + 7, sizeof(error.branch));
    return error;
}

static void hand_over(struct wire *wire, const struct unreachable *error)
{
    unreachable_put(worker_unreachables(wire->workers[0]), error);
    wire_turn(wire);
}

static void test_unreachable_probe(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    for (unsigned i = 0; i < 3; i++) {
        probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
        probing_next(wire, wire_sbc1, &probe);
        struct unreachable error = about(&probe);
        hand_over(wire, &error);
        assert_int_equal(wire->workers[0]->transactions.count, 0);
        hand_over(wire, &error); // the same again is about nothing
    }
    wire_pass(wire, INTERVAL_MS - 1000); // none of them is repeated
    wire_expect_silence(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->reason, MEMBER_REASON_UNREACHABLE);
    wire_expect_count(wire, COUNTER_ICMP_FAILED, 3);
    wire_expect_count(wire, COUNTER_ICMP_STRAY, 3);
    unreachable_ignore(worker_unreachables(wire->workers[0]));
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_ICMP_IGNORED, 1);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_ICMP_IGNORED, 1);
    probing_end(wire);
}

// Errors that were not made from what we sent, or come too late.
enum lie { LIE_LAST_LETTER, LIE_INDEX, LIE_ADDRESS, LIE_PORT, LIE_NO_BRANCH, LIE_OTHER_WORKER, LIE_COUNT };

static void test_unreachable_lies(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    probing_next(wire, wire_sbc1, &probe);
    for (unsigned lie = 0; lie < LIE_COUNT; lie++) {
        struct unreachable error = about(&probe);
        struct cookie_branch other = {.worker = 1, .generation = 0, .index = 0};
        char text[COOKIE_TEXT_MAX];
        switch ((enum lie)lie) {
        case LIE_LAST_LETTER:
            error.branch[COOKIE_BRANCH_LENGTH - 1] ^= 1;
            break;
        case LIE_INDEX:
            other = (struct cookie_branch){.index = UINT32_MAX};
            cookie_branch_write(&wire->parts[0].keys, &other, (struct cookie_octets){"x", 1}, text);
            memcpy(error.branch, text, sizeof(error.branch));
            break;
        case LIE_ADDRESS:
            error.address = wire_sbc2.address;
            break;
        case LIE_PORT:
            error.port++;
            break;
        case LIE_NO_BRANCH:
            memset(error.branch, 'a', sizeof(error.branch));
            break;
        default:
            cookie_branch_write(&wire->parts[0].keys, &other, (struct cookie_octets){"x", 1}, text);
            memcpy(error.branch, text, sizeof(error.branch));
            break;
        }
        hand_over(wire, &error);
        if (wire_count(wire, COUNTER_ICMP_STRAY) != lie + 1 || wire->workers[0]->transactions.count != 1)
            fail_msg("lie %u was believed", lie);
    }
    struct unreachable late = about(&probe);
    probing_answer(wire, &probe, G);
    hand_over(wire, &late);
    wire_expect_count(wire, COUNTER_ICMP_STRAY, LIE_COUNT + 1);
    wire_expect_count(wire, COUNTER_ICMP_FAILED, 0);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    probing_end(wire);
}

// An INVITE that does not arrive: the caller is told at once, or the next member is asked.
static void test_unreachable_call(void **state)
{
    struct wire *wire = *state;
    for (unsigned attempts = 1; attempts <= 2; attempts++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "unreachable-%u", attempts);
        probing_peer(wire)->attempts = (uint16_t)attempts;
        wire_reload(wire);
        call_init(&call, wire, id);
        call_invite(&call);
        struct unreachable error = about(&call.invite);
        hand_over(wire, &error);
        if (attempts == 2) {
            struct endpoint next =
                endpoint_equal(call.sides[DIALOG_CALLEE].at, wire_sbc1) ? wire_sbc2 : wire_sbc1;
            call.sides[DIALOG_CALLEE].at = next;
            call.invite = wire_take(wire, next);
            call_answer(&call, "486 Busy Here");
            call_take(&call, DIALOG_CALLEE, "ACK ");
        } else {
            call.answer = wire_take(wire, wire_carrier);
            assert_starts(&call.answer, "SIP/2.0 503 ");
        }
        call_ack_refusal(&call);
        call_expect_gone(&call);
    }
    wire_expect_count(wire, COUNTER_ICMP_FAILED, 2);
}

// More than the ring holds: what finds no room is ignored, and no turn takes more than its share.
static void test_unreachable_flood(void **state)
{
    struct wire *wire = *state;
    struct unreachables *ring = worker_unreachables(wire->workers[0]);
    struct unreachable error = {.address = wire_sbc1.address, .port = wire_sbc1.port, .member = NUMBER_NONE};
    for (unsigned i = 0; i < UNREACHABLES + 5; i++)
        unreachable_put(ring, &error);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_ICMP_IGNORED, 5);
    wire_expect_count(wire, COUNTER_ICMP_STRAY, UNREACHABLES_A_TURN);
    for (unsigned i = 0; i < UNREACHABLES / UNREACHABLES_A_TURN; i++)
        wire_turn(wire);
    wire_expect_count(wire, COUNTER_ICMP_STRAY, UNREACHABLES);
}

// A member that somebody calls unreachable, without a branch of ours, is probed before its time, however
// often that is said, and judged by its answers alone.
static void test_unreachable_suspected(void **state)
{
    struct wire *wire = *state;
    struct unreachables *ring = worker_unreachables(wire->workers[0]);
    struct wire_packet probe;
    unsigned probes = 0;
    probing_begin(wire);
    probing_next(wire, wire_sbc1, &probe);
    unreachable_suspect(ring, IMAGE_MEMBER_SBC1); // its probe is out already
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_PROBE_EARLY, 0);
    probing_answer(wire, &probe, G);
    for (unsigned i = 0; i < 10; i++) {
        unreachable_suspect(ring, IMAGE_MEMBER_SBC1);
        assert_true(probing_next(wire, wire_sbc1, &probe) <= 1000 + WALK_MS);
        probing_answer(wire, &probe, G);
        wire_expect_count(wire, COUNTER_PROBE_EARLY, i + 1);
    }
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    // Ten seconds of it: no more than two in one of them.
    for (unsigned ms = 0; ms < 10000; ms += 100) {
        for (unsigned i = 0; i < 10; i++)
            unreachable_suspect(ring, IMAGE_MEMBER_SBC1);
        wire_pass(wire, 100);
        if (wire->out_count == 0)
            continue;
        probe = wire_take(wire, wire_sbc1);
        probing_answer(wire, &probe, G);
        probes++;
    }
    assert_in_range(probes, 8, 20);
    // Those that nobody probes, and numbers of nobody.
    unreachable_suspect(ring, IMAGE_MEMBER_SBC2);
    unreachable_suspect(ring, MEMBERS_MAX);
    wire_pass(wire, 2000);
    wire_expect_count(wire, COUNTER_ICMP_IGNORED, 0);
    // Without a single lie it goes on at its own pace.
    wire_pass_silently(wire, 2 * INTERVAL_MS);
    probing_end(wire);
}

// Suspicions take no more than half of the room for errors that can be checked; both kinds are counted.
static void test_unreachable_room(void **state)
{
    struct wire *wire = *state;
    struct unreachables *ring = worker_unreachables(wire->workers[0]);
    struct unreachable error = {.member = NUMBER_NONE};
    for (unsigned i = 0; i < UNREACHABLES; i++)
        unreachable_suspect(ring, IMAGE_MEMBER_SBC1);
    for (unsigned i = 0; i < UNREACHABLES / 2; i++)
        unreachable_put(ring, &error);
    unreachable_narrowed(ring);
    for (unsigned i = 0; i < UNREACHABLES / UNREACHABLES_A_TURN; i++)
        wire_turn(wire);
    wire_expect_count(wire, COUNTER_ICMP_STRAY, UNREACHABLES / 2);
    wire_expect_count(wire, COUNTER_ICMP_IGNORED, 0);
    wire_expect_count(wire, COUNTER_ICMP_NARROWED, 1);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_unreachable_probe), ON_WIRE(test_unreachable_lies),      ON_WIRE(test_unreachable_call),
        ON_WIRE(test_unreachable_flood), ON_WIRE(test_unreachable_suspected), ON_WIRE(test_unreachable_room),
    };
    return cmocka_run_group_tests_name("unreachable", tests, NULL, NULL);
}
