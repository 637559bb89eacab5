// SPDX-License-Identifier: BSD-3-Clause
// CLAIM: which dialog a Replaces names (RFC 3891 section 3), who has it, and what becomes of it.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_callee.h"
#include "ua_caller.h"
#include "ua_ring.h"

// What a Replaces says: to_tag is the application's.
struct named {
    char call_id[64], to_tag[64], from_tag[64];
};

static struct named named_of_caller(const struct caller *caller)
{
    struct named named;
    snprintf(named.call_id, sizeof(named.call_id), "%s", caller->call.id);
    snprintf(named.to_tag, sizeof(named.to_tag), "%s", caller->call.sides[DIALOG_CALLEE].tag);
    snprintf(named.from_tag, sizeof(named.from_tag), "%s", caller->call.sides[DIALOG_CALLER].tag);
    return named;
}

static struct named established(struct caller *caller, struct ua_world *world, const char *id)
{
    caller_init(caller, world, id);
    caller_establish(caller);
    return named_of_caller(caller);
}

static struct named named_of_callee(const struct callee *call, const char *tag)
{
    struct named named;
    const struct message *invite = &call->invite.message;
    const char *text = call->invite.text;
    snprintf(named.call_id, sizeof(named.call_id), "%.*s", invite->call_id.length,
             text + invite->call_id.offset);
    snprintf(named.to_tag, sizeof(named.to_tag), "%.*s", invite->from_tag.length,
             text + invite->from_tag.offset);
    snprintf(named.from_tag, sizeof(named.from_tag), "%s", tag);
    return named;
}

static int claim(struct ua_world *world, const struct named *named, unsigned flags, uint64_t *dialog)
{
    struct ua_seen done;
    const struct ua_wanted wanted = {.fixed = {.op = CHANNEL_UA_CLAIM, .flags = (uint8_t)flags},
                                     .texts = {[CHANNEL_UA_TEXT_CALL_ID] = named->call_id,
                                               [CHANNEL_UA_TEXT_TO] = named->to_tag,
                                               [CHANNEL_UA_TEXT_FROM_TAG] = named->from_tag}};
    int result = ua_ask(world, &wanted, &done);
    assert_int_equal(done.event.dialog != 0, result == 0);
    if (dialog != NULL)
        *dialog = done.event.dialog;
    return result;
}

// CLAIM of a dialog that is claimed: to go on (CHANNEL_UA_CLAIMED), or no more.
static int claim_again(struct ua_world *world, uint64_t dialog, unsigned flags)
{
    return ua_ask(
        world,
        &(struct ua_wanted){.fixed = {.op = CHANNEL_UA_CLAIM, .flags = (uint8_t)flags, .dialog = dialog}},
        NULL);
}

static int end_claimed(struct ua_world *world, uint64_t dialog)
{
    static const char reason[] = "Reason: SIP;cause=200;text=\"Replaced\"\r\n";
    return ua_ask(
        world,
        &(struct ua_wanted){.fixed = {.op = CHANNEL_UA_END, .flags = CHANNEL_UA_CLAIMED, .dialog = dialog},
                            .texts = {[CHANNEL_UA_TEXT_HEADERS] = reason}},
        NULL);
}

static void answer_bye(struct caller *caller)
{
    struct wire_packet bye = caller_take(caller, "BYE ");
    assert_string_equal(header_of(&bye, "Reason"), "SIP;cause=200;text=\"Replaced\"");
    ua_respond_from(caller->world, &bye, &callee_done);
    ua_forget(caller->world);
}

// Of several calls one.
static void leave(struct caller *caller)
{
    caller_send(caller, "BYE", NULL);
    (void)caller_take(caller, "SIP/2.0 200 OK\r\n");
    ua_forget(caller->world);
}

// Whoever called: the to-tag is the application's.
static void test_match(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    uint64_t dialog;
    const struct named called = established(&caller, world, "match@claim");
    struct callee call = callee_answered(world);
    const struct named placed = named_of_callee(&call, "b");
    const struct {
        const char *name;
        struct named named;
        unsigned flags;
        int result;
        uint64_t dialog;
    } rows[] = {
        {"called", called, 0, 0, caller.dialog},
        {"placed", placed, 0, 0, call.dialog},
        {"called, early only", called, CHANNEL_UA_EARLY_ONLY, -EISCONN, 0},
        {"placed, early only", placed, CHANNEL_UA_EARLY_ONLY, -EISCONN, 0},
    };
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        print_message("%s\n", rows[i].name);
        assert_int_equal(claim(world, &rows[i].named, rows[i].flags, &dialog), rows[i].result);
        assert_int_equal(dialog, rows[i].dialog);
    }
    ua_forget(world);
    leave(&caller);
    callee_hang_up(&call);
}

static void test_no_match(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    const struct named called = established(&caller, world, "no-match@claim");
    struct callee call = callee_answered(world);
    const struct named placed = named_of_callee(&call, "b");
    struct named turned[2] = {called, placed}, other[2][3];
    for (unsigned i = 0; i < 2; i++) {
        const struct named *right = i == 0 ? &called : &placed;
        memcpy(turned[i].to_tag, right->from_tag, sizeof(right->from_tag));
        memcpy(turned[i].from_tag, right->to_tag, sizeof(right->to_tag));
        assert_int_equal(claim(world, &turned[i], 0, NULL), -ENOENT);
        for (unsigned k = 0; k < 3; k++) {
            char *text = (other[i][k] = *right, k == 0   ? other[i][k].call_id
                                                : k == 1 ? other[i][k].to_tag
                                                         : other[i][k].from_tag);
            char last = text[strlen(text) - 1];
            text[strlen(text) - 1] = '\0'; // a part
            assert_int_equal(claim(world, &other[i][k], 0, NULL), -ENOENT);
            text[strlen(text)] = last == 'x' ? 'y' : 'x';
            assert_int_equal(claim(world, &other[i][k], 0, NULL), -ENOENT);
            strcpy(text, "0"); // both have tags
            assert_int_equal(claim(world, &other[i][k], 0, NULL), -ENOENT);
            text[0] = '\0';
            assert_int_equal(claim(world, &other[i][k], 0, NULL), -ENOENT);
        }
    }
    assert_int_equal(claim(world, &called, 0, NULL), 0); // nothing of that has claimed it
    ua_forget(world);
    leave(&caller);
    callee_hang_up(&call);
}

// RFC 3891 6.1: a far end of RFC 2543 has no tag, and 0 names it.
static void test_null_tag(void **state)
{
    struct ua_world *world = *state;
    struct ua_response untagged = callee_fine;
    uint64_t dialog;
    untagged.tag = NULL;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &untagged);
    callee_expect(&call, 200);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_CONFIRMED);
    callee_arrived(world, "ACK ");
    struct named named = named_of_callee(&call, "00");
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
    strcpy(named.from_tag, "0");
    assert_int_equal(claim(world, &named, 0, &dialog), 0);
    assert_int_equal(dialog, call.dialog);
    callee_hang_up(&call);
}

// A proxied call has no side that an application may give away.
static void test_proxied(void **state)
{
    struct ua_world *world = *state;
    struct call call;
    struct named named;
    world->wire->image.routes[1] = world->wire->image.routes[2];
    world->wire->image.routes[1].from = IMAGE_CARRIER_A;
    world->wire->image.routes[1].to = IMAGE_SBCS;
    wire_reload(world->wire);
    call_init(&call, world->wire, "proxied@claim");
    call_establish(&call);
    snprintf(named.call_id, sizeof(named.call_id), "%s", call.id);
    for (unsigned side = 0; side < 2; side++) {
        snprintf(named.to_tag, sizeof(named.to_tag), "%s", call.sides[side].tag);
        snprintf(named.from_tag, sizeof(named.from_tag), "%s", call.sides[1 - side].tag);
        assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
    }
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_early_called(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    caller_init(&caller, world, "early@claim");
    caller_invite(&caller, NULL);
    struct named named = named_of_caller(&caller);
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT); // no tag yet
    strcpy(named.to_tag, "0");
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 180 ");
    named = named_of_caller(&caller);
    assert_int_equal(claim(world, &named, CHANNEL_UA_EARLY_ONLY, NULL), -EPROTO);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    (void)caller_take(&caller, "SIP/2.0 480 ");
    ua_forget(world);
}

// Ours that rings is cancelled.
static void test_early_placed(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    struct named named = named_of_callee(&call, "b");
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
    strcpy(named.from_tag, "0"); // there is no dialog, so none with a null tag
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
    strcpy(named.from_tag, "b");
    callee_respond(&call, &callee_ringing);
    callee_expect(&call, 180);
    ua_forget(world);
    assert_int_equal(claim(world, &named, CHANNEL_UA_EARLY_ONLY, NULL), 0);
    assert_int_equal(end_claimed(world, call.dialog), 0);
    struct wire_packet cancel = callee_arrived(world, "CANCEL ");
    assert_string_equal(header_of(&cancel, "Reason"), "SIP;cause=200;text=\"Replaced\"");
    assert_int_equal(claim(world, &named, 0, NULL), -EALREADY);
    ua_respond_from(world, &cancel, &callee_done);
    callee_respond(&call, &(struct ua_response){.status = "487 Request Terminated", .tag = "b"});
    callee_arrived(world, "ACK ");
    ua_forget(world);
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
}

// RFC 6228: the branch is over, though the INVITE is not.
static void test_lost_early(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    const struct named named = named_of_callee(&call, "b");
    callee_respond(&call, &callee_ringing);
    callee_expect(&call, 180);
    callee_respond(&call, &(struct ua_response){"199 Early Dialog Terminated", "b", CALLEE_CONTACT, NULL});
    callee_expect(&call, 199);
    ua_forget(world);
    assert_int_equal(claim(world, &named, 0, NULL), -EALREADY);
    callee_respond(&call, &(struct ua_response){.status = "486 Busy Here", .tag = "b"});
    callee_arrived(world, "ACK ");
    ua_forget(world);
}

// RFC 3891 7.1: who was answered while the claim lasted is not hung up on.
static void test_answered_meanwhile(void **state)
{
    struct ua_world *world = *state;
    for (unsigned early_only = 0; early_only < 2; early_only++) {
        struct callee call = callee_place(world, NULL);
        const struct named named = named_of_callee(&call, "b");
        callee_respond(&call, &callee_ringing);
        callee_expect(&call, 180);
        ua_forget(world);
        assert_int_equal(claim(world, &named, early_only ? CHANNEL_UA_EARLY_ONLY : 0, NULL), 0);
        callee_respond(&call, &callee_fine);
        callee_expect(&call, 200);
        callee_arrived(world, "ACK ");
        ua_forget(world);
        assert_int_equal(end_claimed(world, call.dialog), early_only ? -EALREADY : 0);
        if (early_only) {
            wire_expect_silence(world->wire);
            callee_hang_up(&call);
        } else {
            struct wire_packet bye = callee_arrived(world, "BYE ");
            ua_respond_from(world, &bye, &callee_done);
            ua_forget(world);
        }
    }
}

static void test_confirmed(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    const struct named named = established(&caller, world, "confirmed@claim");
    assert_int_equal(end_claimed(world, caller.dialog), -EALREADY); // nobody claimed it
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    assert_int_equal(claim(world, &named, 0, NULL), -EBUSY);
    assert_int_equal(end_claimed(world, caller.dialog), 0);
    assert_int_equal(claim(world, &named, 0, NULL), -EALREADY); // its BYE is not answered yet
    answer_bye(&caller);
    assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
    call_expect_gone(&caller.call);
}

// Section 15: the BYE waits for the ACK.
static void test_unacked(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    caller_init(&caller, world, "unacked@claim");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    const struct named named = named_of_caller(&caller);
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    assert_int_equal(end_claimed(world, caller.dialog), 0);
    wire_expect_silence(world->wire);
    caller_ack(&caller, NULL);
    struct wire_packet bye = caller_take(&caller, "BYE ");
    ua_respond_from(world, &bye, &callee_done);
    ua_forget(world);
}

// The far end hangs up first: the END comes too late.
static void test_bye_wins(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    const struct named named = established(&caller, world, "bye@claim");
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    caller_hang_up(&caller);
    assert_int_equal(end_claimed(world, caller.dialog), -ENOENT);
    assert_int_equal(claim_again(world, caller.dialog, 0), -ENOENT);
    // The record that takes its place is not claimed.
    struct caller next;
    caller_init(&next, world, "next@claim");
    caller_establish(&next);
    assert_int_equal((uint32_t)next.dialog, (uint32_t)caller.dialog);
    assert_int_equal(end_claimed(world, next.dialog), -EALREADY);
    caller_hang_up(&next);
}

static void test_given_back(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    const struct named named = established(&caller, world, "back@claim");
    assert_int_equal(claim_again(world, caller.dialog, 0), -EALREADY);
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    assert_int_equal(claim_again(world, caller.dialog, 0), 0);
    assert_int_equal(claim_again(world, caller.dialog, 0), -EALREADY);
    assert_int_equal(end_claimed(world, caller.dialog), -EALREADY);
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    ua_forget(world);
    caller_hang_up(&caller);
}

// 64*T1 after it was made or went on.
static void test_time(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    const struct named named = established(&caller, world, "time@claim");
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    wire_pass(world->wire, 31000);
    assert_int_equal(claim_again(world, caller.dialog, CHANNEL_UA_CLAIMED), 0);
    wire_pass(world->wire, 31000);
    assert_int_equal(claim(world, &named, 0, NULL), -EBUSY);
    wire_pass(world->wire, 1100);
    assert_int_equal(claim_again(world, caller.dialog, CHANNEL_UA_CLAIMED), -EALREADY);
    assert_int_equal(end_claimed(world, caller.dialog), -EALREADY);
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    ua_forget(world);
    caller_hang_up(&caller);
}

// Another control knows nothing of it.
static void test_control_goes(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    const struct named named = established(&caller, world, "control@claim");
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    world->wire->heard = 2;
    assert_int_equal(end_claimed(world, caller.dialog), -EALREADY);
    assert_int_equal(claim(world, &named, 0, NULL), 0);
    assert_int_equal(claim(world, &named, 0, NULL), -EBUSY);
    ua_forget(world);
    caller_hang_up(&caller);
}

// As many as there is room for; one that ends makes room.
static void test_full(void **state)
{
    struct ua_world *world = *state;
    struct caller callers[2];
    struct ua_claim *claims = world->wire->workers[0]->ua.claims;
    const struct named first = established(&callers[0], world, "full-0@claim"),
                       second = established(&callers[1], world, "full-1@claim");
    assert_int_equal(claim(world, &first, 0, NULL), 0);
    unsigned at = 0;
    while (claims[at].control == 0)
        at++;
    for (unsigned i = 0; i < UA_CLAIMS; i++)
        claims[i] = claims[at];
    assert_int_equal(claim(world, &second, 0, NULL), -ENOSPC);
    leave(&callers[0]);
    assert_int_equal(claim(world, &second, 0, NULL), 0);
    ua_forget(world);
    leave(&callers[1]);
}

// RFC 3911: who does not know Join refuses it where it is required (RFC 3261 8.2.2.3), else it is not looked
// at; Replaces is known.
static void test_join(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    caller_init(&caller, world, "join@claim");
    caller_invite_text(
        &caller, &(struct asked){.lines = "Require: join\r\nJoin: other@claim;to-tag=a;from-tag=b\r\n"});
    wire_send(world->wire, wire_carrier, caller.invite);
    struct wire_packet refusal = caller_take(&caller, "SIP/2.0 420 ");
    assert_string_equal(header_of(&refusal, "Unsupported"), "join");
    ua_expect_silence(world);
    static const char *const rows[] = {
        "Join: other@claim;to-tag=a;from-tag=b\r\n",
        "Require: replaces\r\nReplaces: other@claim;to-tag=a;from-tag=b\r\n",
    };
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        caller_init(&caller, world, i == 0 ? "join-0@claim" : "join-1@claim");
        caller_invite(&caller, &(struct asked){.lines = rows[i]});
        assert_int_equal(caller_end(&caller, NULL, 0), 0);
        (void)caller_take(&caller, "SIP/2.0 480 ");
        ua_forget(world);
    }
}

static bool is_owned(const struct wire *wire, const char *id, unsigned owner)
{
    uint64_t hash = siphash13(&wire->parts[0].keys.table, id, strlen(id));
    return (hash >> 32) * 2 >> 32 == owner;
}

// The dialog is on one core, the call that replaces it on the other: both ways round.
static void test_two_workers(void **state)
{
    struct ua_world *world = *state;
    for (unsigned owner = 0; owner < 2; owner++) {
        struct caller old, new;
        char ids[2][32];
        for (unsigned k = 0, i = 0; k < 2; k++) {
            do
                snprintf(ids[k], sizeof(ids[k]), "two-%u-%u@claim", owner, i++);
            while (!is_owned(world->wire, ids[k], k == 0 ? owner : 1 - owner));
        }
        world->worker = owner;
        caller_init(&old, world, ids[0]);
        caller_establish(&old);
        const struct named named = named_of_caller(&old);
        caller_init(&new, world, ids[1]);
        caller_invite(&new, NULL);
        world->worker = 1 - owner;
        assert_int_equal(claim(world, &named, 0, NULL), -ENOENT);
        world->worker = owner;
        assert_int_equal(claim(world, &named, 0, NULL), 0);
        world->worker = 1 - owner;
        assert_int_equal(caller_answered(&new, 200, NULL), 0);
        (void)caller_take(&new, "SIP/2.0 200 ");
        caller_ack(&new, NULL);
        world->worker = owner;
        assert_int_equal(end_claimed(world, old.dialog), 0);
        answer_bye(&old);
        assert_int_equal(world->wire->workers[owner]->dialogs.count, 0);
        leave(&new);
    }
}

int path_tests(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {
        UA(test_match),
        UA(test_no_match),
        UA(test_null_tag),
        UA(test_proxied),
        UA(test_early_called),
        UA(test_early_placed),
        UA(test_lost_early),
        UA(test_answered_meanwhile),
        UA(test_confirmed),
        UA(test_unacked),
        UA(test_bye_wins),
        UA(test_given_back),
        UA(test_time),
        UA(test_control_goes),
        UA(test_full),
        UA(test_join),
        cmocka_unit_test_setup_teardown(test_two_workers, ua_setup_two, ua_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
