// SPDX-License-Identifier: BSD-3-Clause
// The table of all transfers: what the data plane tells of those between peers, and those of applications.
#include "cmocka_first.h"
#include <stdio.h>
#include <string.h>
#include "ua_world.h"

#define CALL                 777u
#define RECORD               0x1100000000000005u // of the proxied dialog
#define TAGS                 "From: <sip:a@x>;tag=f1\r\nTo: <sip:b@y>;tag=t1\r\nCall-ID: p1@test\r\n"
#define BACK                 "From: <sip:b@y>;tag=t1\r\nTo: <sip:a@x>;tag=f1\r\nCall-ID: p1@test\r\n"
#define VIA                  "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
#define END                  "Content-Length: 0\r\n\r\n"
#define ASK(more)            "REFER sip:b@y SIP/2.0\r\n" VIA TAGS "CSeq: 7 REFER\r\nMax-Forwards: 70\r\n" more END
#define PLAIN                ASK("Refer-To: <sip:c@z>\r\nReferred-By: <sip:a@x>\r\n")
#define ANSWER(status, more) "SIP/2.0 " status "\r\n" VIA TAGS "CSeq: 7 REFER\r\n" more END
#define NEWS(event, state, frag)                                                                             \
    "NOTIFY sip:a@x SIP/2.0\r\n" VIA BACK "CSeq: 3 NOTIFY\r\nMax-Forwards: 70\r\nEvent: " event              \
    "\r\nSubscription-State: " state "\r\nContent-Type: message/sipfrag\r\n\r\n" frag

struct said {
    const char *message;
    uint32_t number; // of the REFER
    uint16_t status; // refused by the data plane
    bool back;       // from who is referred
    bool gone;       // there is no record
};

static void say(struct ua_world *world, const struct said *said)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_REFERRAL,
                                           .dialog = said->gone ? 0 : RECORD,
                                           .call = CALL,
                                           .result = (int)said->number,
                                           .application = said->back ? world->desk : world->carrier,
                                           .peer = said->back ? world->carrier : world->desk,
                                           .status = said->status,
                                           .flags = said->back && !said->gone ? CHANNEL_UA_CALLEE : 0};
    ua_say(world, &event, said->message);
    ua_run(world);
}

// The only transfer, or the one at this place: the caller's.
static json_t *row_at(struct ua_world *world, size_t place)
{
    json_t *all = ua_result(world, "refer.list", "{}");
    json_t *row = json_incref(json_array_get(json_object_get(all, "transfers"), place));
    json_decref(all);
    assert_non_null(row);
    return row;
}

static void expect_row(struct ua_world *world, const char *state, const char *outcome, int status)
{
    json_t *row = row_at(world, 0);
    assert_string_equal(ua_text(row, "state"), state);
    assert_string_equal(ua_text(row, "outcome"), outcome);
    assert_int_equal(json_integer_value(json_object_get(row, "status")), status);
    json_decref(row);
}

// Each row is a transfer from its REFER to its end.
static const struct walk {
    const char *name;
    struct said said[6];
    const char *state, *outcome;
    int status;
    enum referral_outcome counted;
    bool attended;
} walks[] = {
    {"asked", {{PLAIN, .number = 7}}, "sending", "open", 0, REFERRAL_OPEN, false},
    {"repeated", {{PLAIN, .number = 7}, {PLAIN, .number = 7}}, "sending", "open", 0, REFERRAL_OPEN, false},
    {"accepted",
     {{PLAIN, .number = 7}, {ANSWER("202 Accepted", ""), .number = 7, .back = true}},
     "waiting",
     "open",
     202,
     REFERRAL_OPEN,
     false},
    {"refused",
     {{PLAIN, .number = 7}, {ANSWER("603 Decline", ""), .number = 7, .back = true}},
     "over",
     "refused",
     603,
     REFERRAL_REFUSED,
     false},
    {"challenged",
     {{PLAIN, .number = 7}, {ANSWER("407 Who", ""), .number = 7, .back = true}},
     "over",
     "challenged",
     407,
     REFERRAL_CHALLENGED,
     false},
    {"denied", {{PLAIN, .number = 7, .status = 403}}, "over", "denied", 403, REFERRAL_DENIED, false},
    {"denied outside a dialog",
     {{PLAIN, .number = 7, .status = 403, .gone = true}},
     "over",
     "denied",
     403,
     REFERRAL_DENIED,
     false},
    {"without NOTIFYs",
     {{ASK("Refer-Sub: false\r\nRefer-To: <sip:c@z>\r\n"), .number = 7},
      {ANSWER("200 OK", "Refer-Sub: false\r\n"), .number = 7, .back = true}},
     "over",
     "unreported",
     200,
     REFERRAL_UNREPORTED,
     false},
    {"progress",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "active;expires=60", "SIP/2.0 180 Ringing\r\n"), .number = 0, .back = true}},
     "waiting",
     "open",
     180,
     REFERRAL_OPEN,
     false},
    {"a 1xx is no response",
     {{PLAIN, .number = 7}, {ANSWER("180 Ringing", ""), .number = 7, .back = true}},
     "sending",
     "open",
     0,
     REFERRAL_OPEN,
     false},
    {"succeeded",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "active", "SIP/2.0 100 Trying\r\n"), .number = 0, .back = true},
      {NEWS("refer;id=7", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), .number = 7, .back = true}},
     "over",
     "succeeded",
     200,
     REFERRAL_SUCCEEDED,
     false},
    {"attended",
     {{ASK("Refer-To: <sip:c@z?Replaces=9%40z%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n"), .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "terminated", "SIP/2.0 200 OK\r\n"), .number = 0, .back = true}},
     "over",
     "succeeded",
     200,
     REFERRAL_SUCCEEDED,
     true},
    {"failed",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "terminated", "SIP/2.0 486 Busy Here\r\n"), .number = 0, .back = true}},
     "over",
     "failed",
     486,
     REFERRAL_FAILED,
     false},
    {"final, and the subscription goes on",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "active", "SIP/2.0 200 OK\r\n"), .number = 0, .back = true}},
     "over",
     "succeeded",
     200,
     REFERRAL_SUCCEEDED,
     false},
    {"NOTIFY first",
     {{PLAIN, .number = 7},
      {NEWS("refer", "active", "SIP/2.0 100 Trying\r\n"), .number = 0, .back = true},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "terminated", "SIP/2.0 503 No\r\n"), .number = 0, .back = true}},
     "over",
     "failed",
     503,
     REFERRAL_FAILED,
     false},
    {"no last word",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "terminated;reason=timeout", ""), .number = 0, .back = true}},
     "over",
     "unknown",
     202,
     REFERRAL_UNKNOWN,
     false},
    {"after the BYE",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "terminated", "SIP/2.0 200 OK\r\n"), .number = 0, .back = true, .gone = true}},
     "over",
     "succeeded",
     200,
     REFERRAL_SUCCEEDED,
     false},
    {"of another REFER",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer;id=8", "terminated", "SIP/2.0 200 OK\r\n"), .number = 8, .back = true}},
     "waiting",
     "open",
     202,
     REFERRAL_OPEN,
     false},
    {"the wrong way",
     {{PLAIN, .number = 7}, {ANSWER("202 Accepted", ""), .number = 7}},
     "sending",
     "open",
     0,
     REFERRAL_OPEN,
     false},
    {"no sipfrag",
     {{PLAIN, .number = 7},
      {ANSWER("202 Accepted", ""), .number = 7, .back = true},
      {NEWS("refer", "terminated", "\x01\xff"), .number = 0, .back = true}},
     "waiting",
     "open",
     202,
     REFERRAL_OPEN,
     false},
    {"no Refer-To", {{ASK(""), .number = 7}}, "sending", "open", 0, REFERRAL_OPEN, false},
};

static void test_walks(void **state)
{
    for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
        const struct walk *walk = &walks[i];
        print_message("  %s\n", walk->name);
        assert_int_equal(ua_setup(state), 0);
        struct ua_world *world = *state;
        for (size_t k = 0; k < 6 && walk->said[k].message; k++)
            say(world, &walk->said[k]);
        const struct referrals *referrals = &world->rpc.control.referrals;
        assert_int_equal(referrals->count, 1);
        expect_row(world, walk->state, walk->outcome, walk->status);
        for (unsigned outcome = REFERRAL_OPEN; outcome < REFERRAL_OUTCOME_COUNT; outcome++)
            assert_int_equal(referrals->counts[REFERRAL_PROXIED][walk->attended][outcome],
                             outcome != REFERRAL_OPEN && outcome == walk->counted);
        assert_int_equal(ua_teardown(state), 0);
    }
}

// Every event of a transfer is of the kind by which it can be followed.
static void test_events(void **state)
{
    struct ua_world *world = *state;
    static const char *const names[] = {"began", "progress", "ended"};
    const struct event_ring *ring = &world->rpc.control.events.ring;
    uint64_t first = ring->last + 1;
    say(world, &walks[3].said[0]); // refused
    say(world, &walks[3].said[1]);
    assert_int_equal(ring->last + 1 - first, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct event_kept *kept = event_ring_at(ring, first + i);
        json_t *event = json_loadb(kept->line, kept->length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(event);
        assert_string_equal(ua_text(event, "kind"), "refer");
        assert_string_equal(ua_text(event, "name"), names[i]);
        assert_string_equal(ua_text(event, "transfer"), "blind");
        json_decref(event);
    }
}

static void test_shown(void **state)
{
    struct ua_world *world = *state;
    char params[64];
    say(world, &walks[8].said[0]);
    say(world, &walks[8].said[1]);
    say(world, &walks[8].said[2]);
    say(world, &walks[8].said[2]); // says nothing new
    json_t *row = row_at(world, 0);
    assert_string_equal(ua_text(row, "origin"), "proxied");
    assert_string_equal(ua_text(row, "kind"), "blind");
    assert_string_equal(ua_text(row, "dialog"), "1100000000000005");
    assert_string_equal(ua_text(row, "from_peer"), "carrier-a");
    assert_string_equal(ua_text(row, "to_peer"), "desk");
    assert_string_equal(ua_text(row, "sender"), "caller");
    assert_string_equal(ua_text(row, "to"), "sip:c@z");
    assert_string_equal(ua_text(row, "referred_by"), "<sip:a@x>");
    assert_string_equal(ua_text(row, "reason"), "Ringing");
    assert_int_equal(json_integer_value(json_object_get(row, "cseq")), 7);
    snprintf(params, sizeof(params), "{\"refer\":\"%s\"}", ua_text(row, "refer"));
    json_decref(row);
    row = ua_result(world, "refer.show", params);
    json_t *steps = json_object_get(row, "steps");
    assert_int_equal(json_array_size(steps), 2);
    assert_string_equal(ua_text(json_array_get(steps, 0), "reason"), "Accepted");
    assert_string_equal(ua_text(json_array_get(steps, 1), "reason"), "Ringing");
    json_decref(row);
    ua_refused(world, "refer.show", "{\"refer\":\"00000000000000ff\"}", DG_NOT_FOUND);
    ua_refused(world, "refer.list", "{\"peer\":\"nobody\"}", DG_NOT_FOUND);
}

static size_t count_of(struct ua_world *world, const char *params)
{
    json_t *all = ua_result(world, "refer.list", params);
    size_t count = json_array_size(json_object_get(all, "transfers"));
    json_decref(all);
    return count;
}

static void test_filters(void **state)
{
    struct ua_world *world = *state;
    say(world, &(struct said){PLAIN, .number = 7, .status = 403});
    say(world, &(struct said){PLAIN, .number = 8});
    say(world, &(struct said){PLAIN, .number = 9});
    assert_int_equal(count_of(world, "{}"), 3);
    assert_int_equal(count_of(world, "{\"open\":true}"), 2);
    assert_int_equal(count_of(world, "{\"limit\":1}"), 1);
    assert_int_equal(count_of(world, "{\"origin\":\"operator\"}"), 0);
    assert_int_equal(count_of(world, "{\"origin\":\"proxied\"}"), 3);
    assert_int_equal(count_of(world, "{\"peer\":\"carrier-a\"}"), 3);
    assert_int_equal(count_of(world, "{\"peer\":\"robot\"}"), 0);
    assert_int_equal(count_of(world, "{\"application\":\"desk\"}"), 0);
    // Two at once: a NOTIFY without id is about the first (RFC 3515 2.4.6), and here that was the denied one.
    say(world,
        &(struct said){NEWS("refer;id=9", "terminated", "SIP/2.0 200 OK\r\n"), .number = 9, .back = true});
    json_t *row = row_at(world, 0);
    assert_int_equal(json_integer_value(json_object_get(row, "cseq")), 8);
    json_decref(row);
}

// A peer may refer as often as it likes, in one call and in many: the table has an end, what is under way
// stays.
static void refer_in(struct ua_world *world, uint64_t call, uint32_t number, uint16_t status)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_REFERRAL,
                                           .dialog = RECORD,
                                           .call = call,
                                           .result = (int)number,
                                           .application = world->carrier,
                                           .peer = world->desk,
                                           .status = status,
                                           .length = sizeof(PLAIN) - 1};
    refer_watch_take(&world->rpc.control, &event, (const uint8_t *)PLAIN);
}

static void test_full(void **state)
{
    struct ua_world *world = *state;
    const struct referrals *referrals = &world->rpc.control.referrals;
    for (uint32_t i = 1; i <= REFERRALS_CALL_MAX + 5; i++)
        refer_in(world, CALL, i, i <= 3 ? 403 : 0);
    assert_int_equal(referrals->count, REFERRALS_CALL_MAX);
    assert_int_equal(referrals->unkept, 2);
    for (uint32_t i = 1; i <= REFERRALS_MAX; i++)
        refer_in(world, CALL + i, 1, i <= 3 ? 403 : 0);
    assert_int_equal(referrals->count, REFERRALS_MAX);
    assert_int_equal(referrals->unkept, 2 + REFERRALS_CALL_MAX - 3);
    assert_int_equal(count_of(world, "{\"limit\":4096}"), REFERRALS_MAX);
}

static void pass_time(struct ua_world *world, uint64_t ms)
{
    struct referral *referral;
    TAILQ_FOREACH(referral, &world->rpc.control.referrals.open, link)
    referral->refer.life_ms -= ms;
    refer_watch_clock(&world->rpc.control);
}

static void test_expired(void **state)
{
    struct ua_world *world = *state;
    say(world, &(struct said){PLAIN, .number = 7});
    pass_time(world, REFER_LAST_MS - 5000);
    expect_row(world, "sending", "open", 0);
    pass_time(world, 5000);
    expect_row(world, "over", "expired", 0);
    assert_int_equal(world->rpc.control.referrals.counts[REFERRAL_PROXIED][0][REFERRAL_EXPIRED], 1);
}

// The dialog's end is not the subscription's (RFC 5057), but it is not waited for as long.
static void test_dialog_ends(void **state)
{
    struct ua_world *world = *state;
    const struct channel_event other = {.handle = RECORD + 1, .call = CALL},
                               ended = {.handle = RECORD, .call = CALL};
    say(world, &walks[2].said[0]);
    say(world, &walks[2].said[1]);
    refer_watch_ended(&world->rpc.control, &other);
    json_t *row = row_at(world, 0);
    assert_null(json_object_get(row, "dialog_over"));
    json_decref(row);
    refer_watch_ended(&world->rpc.control, &ended);
    row = row_at(world, 0);
    assert_true(json_is_true(json_object_get(row, "dialog_over")));
    json_decref(row);
    pass_time(world, REFER_EXPIRES_S * 1000);
    expect_row(world, "over", "expired", 202);
}

// An application's transfer is in the table, too, with what it alone has.
static void test_application(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ",\"body\":\"" SDP_JSON "\""));
    ua_say_asked(world, 0x1100000000000077u, 0, REQUEST("REFER", ";tag=t1", "7", "Refer-To: <tel:1>\r\n"));
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 416);
    ua_done(world, command, 0, DIALOG, NULL);
    ua_run(world);
    json_t *row = row_at(world, 0);
    assert_string_equal(ua_text(row, "origin"), "application");
    assert_string_equal(ua_text(row, "application"), "desk");
    assert_string_equal(ua_text(row, "outcome"), "refused");
    assert_string_equal(ua_text(row, "to_peer"), "desk");
    assert_int_equal(json_integer_value(json_object_get(row, "status")), 416);
    json_decref(row);
    assert_int_equal(world->rpc.control.referrals.counts[REFERRAL_APPLICATION][0][REFERRAL_REFUSED], 1);
}

// One between two peers is heard of by the next control, and told of by the one after it.
static void test_control_restarts(void **state)
{
    static const struct said refer = {PLAIN, .number = 7},
                             accepted = {ANSWER("202 Accepted", ""), .number = 7, .back = true},
                             done = {NEWS("refer", "terminated", "SIP/2.0 200 OK\r\n"), .number = 7,
                                     .back = true};
    struct ua_world *world = *state;
    say(world, &refer);
    for (int i = 0; i < 2000 && world->rpc.control.referrals.count == 0; i++)
        far_run(world->rpc.base, 2);
    json_t *before = row_at(world, 0);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    expect_row(world, "sending", "open", 0);
    say(world, &accepted);
    say(world, &done);
    for (int i = 0; i < 2000 && !TAILQ_EMPTY(&world->rpc.control.referrals.open); i++)
        far_run(world->rpc.base, 2);
    expect_row(world, "over", "succeeded", 200);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    expect_row(world, "over", "succeeded", 200);
    json_t *after = row_at(world, 0);
    static const char *const same[] = {"refer", "call", "from_peer", "to_peer", "to", "sender", "began_ms"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_true(json_equal(json_object_get(before, same[i]), json_object_get(after, same[i])));
    json_decref(before);
    json_decref(after);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walks),
                                       T(test_events),
                                       T(test_shown),
                                       T(test_filters),
                                       T(test_full),
                                       T(test_expired),
                                       T(test_dialog_ends),
                                       T(test_application),
                                       T(test_control_restarts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
