// SPDX-License-Identifier: BSD-3-Clause
// An operator's transfers (control/refer/operator.c): what the data plane is asked for, and what is told of
// what comes of it.
#include "cmocka_first.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "refer/referral.h"
#include "ua_world.h"

#define CALL   778u
#define RECORD 0x1100000000000005u // of the proxied dialog
#define ID     "1100000000000005"
#define WHOM   "\"dialog\": \"" ID "\", \"party\": \"caller\""
#define LINES                                                                                                \
    "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:b@y>;tag=t1\r\nTo: <sip:a@x>;tag=f1\r\n"       \
    "Call-ID: p1@test\r\nMax-Forwards: 70\r\n"
#define REFER            "REFER sip:a@x SIP/2.0\r\n" LINES "CSeq: 9 REFER\r\nRefer-To: <sip:c@z>\r\n\r\n"
#define ANSWERED(status) "SIP/2.0 " status "\r\n" LINES "CSeq: 9 REFER\r\n\r\n"
#define NEWS(state, frag)                                                                                    \
    "NOTIFY sip:b@y SIP/2.0\r\n" LINES "CSeq: 3 NOTIFY\r\nEvent: refer;id=9\r\nSubscription-State: " state   \
    "\r\nContent-Type: message/sipfrag\r\n\r\n" frag

// The command of the request that was just asked.
static struct channel_ua_command command_of(struct ua_world *world)
{
    return *ua_command(world, CHANNEL_UA_REFER);
}

// DONE; with result 0 as the data plane has it: the callee's peer first.
static void done(struct ua_world *world, uint64_t tag, int result)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_DONE,
                                           .tag = tag,
                                           .dialog = RECORD,
                                           .call = CALL,
                                           .result = result,
                                           .application = world->desk,
                                           .peer = world->carrier};
    ua_say(world, &event, result == 0 ? REFER : NULL);
    ua_run(world);
}

// The result of what was asked last, with its error.
static json_t *answer_of(struct ua_world *world, int *code)
{
    json_t *line = ua_answer_of(world), *result = json_incref(json_object_get(line, "result"));
    *code = (int)json_integer_value(json_object_get(json_object_get(line, "error"), "code"));
    json_decref(line);
    return result;
}

static int wire_code(enum dg_code code)
{
    static const int codes[DG_CODE_COUNT] = {
#define X(name, wire, text) [name] = wire,
        DG_CODES(X)
#undef X
    };
    return codes[code];
}

static uint64_t begin(struct ua_world *world, const char *params)
{
    ua_ask(world, "refer.dialog", params);
    struct channel_ua_command command = command_of(world);
    done(world, command.tag, 0);
    int code;
    json_t *result = answer_of(world, &code);
    assert_int_equal(strlen(ua_text(result, "refer")), 16);
    json_decref(result);
    return command.tag;
}

static void say(struct ua_world *world, uint64_t tag, enum channel_ua_kind kind, const char *message)
{
    const struct channel_ua_event event = {
        .kind = (uint8_t)kind,
        .tag = tag,
        .dialog = RECORD,
        .call = CALL,
        .application = world->carrier,
        .peer = world->desk,
        .status = kind == CHANNEL_UA_REFERRAL ? 200
                  : message                   ? (uint16_t)strtoul(message + strlen("SIP/2.0 "), NULL, 10)
                                              : 408,
        .flags = kind == CHANNEL_UA_REFERRAL ? CHANNEL_UA_ABSORBED : 0};
    ua_say(world, &event, message);
    ua_run(world);
}

// Not before the DONE: it would not be told who asked, for ever.
static void test_out_of_order(void **state)
{
    struct ua_world *world = *state;
    int code;
    ua_ask(world, "refer.dialog", "{" WHOM ", \"to\": \"sip:c@z\"}");
    const struct channel_ua_command command = command_of(world);
    say(world, command.tag, CHANNEL_UA_ANSWERED, ANSWERED("603 Decline"));
    say(world, command.tag, CHANNEL_UA_REFERRAL, NEWS("terminated", "SIP/2.0 200 OK"));
    done(world, command.tag, 0);
    json_t *result = answer_of(world, &code);
    assert_int_equal(strlen(ua_text(result, "refer")), 16);
    json_decref(result);
}

static void expect_row(struct ua_world *world, const char *state, const char *outcome, int status)
{
    json_t *all = ua_result(world, "refer.list", "{\"origin\": \"operator\"}");
    json_t *row = json_array_get(json_object_get(all, "transfers"), 0);
    assert_non_null(row);
    assert_string_equal(ua_text(row, "state"), state);
    assert_string_equal(ua_text(row, "outcome"), outcome);
    assert_int_equal(json_integer_value(json_object_get(row, "status")), status);
    json_decref(all);
}

static void test_what_is_asked_for(void **state)
{
    struct ua_world *world = *state;
    static const struct {
        const char *params;
        unsigned flags;
        const char *headers;
    } rows[] = {
        {"{" WHOM ", \"to\": \"sip:c@z\"}", 0, "Refer-To: <sip:c@z>\r\n"},
        {"{\"dialog\": \"" ID "\", \"party\": \"callee\", \"to\": \"sip:c@z;x=1\", \"keep\": true, "
         "\"referred_by\": \"<sip:desk@x>\"}",
         CHANNEL_UA_TO_CALLEE | CHANNEL_UA_KEEP, "Refer-To: <sip:c@z;x=1>\r\nReferred-By: <sip:desk@x>\r\n"},
    };
    for (unsigned i = 0; i < 2; i++) {
        ua_ask(world, "refer.dialog", rows[i].params);
        const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REFER);
        const uint64_t tag = command->tag;
        assert_int_equal(command->dialog, RECORD);
        assert_int_equal(command->flags, rows[i].flags);
        char *headers = ua_command_text(command, CHANNEL_UA_TEXT_HEADERS);
        assert_string_equal(headers, rows[i].headers);
        free(headers);
        done(world, tag, 0);
        int code;
        json_t *result = answer_of(world, &code);
        json_t *shown = ua_result(world, "refer.list", "{}");
        json_t *row = json_array_get(json_object_get(shown, "transfers"), 0);
        assert_string_equal(ua_text(row, "refer"), ua_text(result, "refer"));
        assert_string_equal(ua_text(row, "origin"), "operator");
        assert_string_equal(ua_text(row, "sender"), i == 0 ? "callee" : "caller");
        assert_string_equal(ua_text(row, "from_peer"), i == 0 ? "desk" : "carrier-a");
        assert_int_equal(json_integer_value(json_object_get(row, "cseq")), 9);
        json_decref(shown);
        json_decref(result);
    }
}

static void test_bad_params(void **state)
{
    struct ua_world *world = *state;
    static const char *const rows[] = {
        "{" WHOM "}",
        "{" WHOM ", \"to\": \"nobody\"}",
        "{" WHOM ", \"to\": \"sip:c@z?Replaces=1\"}",
        "{" WHOM ", \"to\": \"sip:c@z;method=BYE\"}",
        "{" WHOM ", \"to\": \"sip:c@z\\r\\nX: 1\"}",
        "{" WHOM ", \"to\": \"sip:c@z\", \"referred_by\": \"<sip:a@b>\\r\\nX: 1\"}",
        "{" WHOM ", \"replaces\": \"" ID "\"}",
        "{" WHOM ", \"replaces\": \"not an id at all\"}",
        "{\"dialog\": \"not an id at all\", \"party\": \"caller\", \"to\": \"sip:c@z\"}",
        "{\"dialog\": \"" ID "\", \"party\": \"both\", \"to\": \"sip:c@z\"}",
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i]);
        ua_refused(world, "refer.dialog", rows[i], DG_INVALID_PARAMS);
    }
}

static void test_refused_by_the_data_plane(void **state)
{
    struct ua_world *world = *state;
    static const struct {
        int result;
        enum dg_code code;
    } rows[] = {
        {-ENOENT, DG_NOT_FOUND},      {-EPROTO, DG_INVALID_TRANSITION}, {-EALREADY, DG_INVALID_STATE},
        {-EBUSY, DG_INVALID_STATE},   {-ENOSPC, DG_RESOURCES},          {-EMSGSIZE, DG_INVALID_PARAMS},
        {-ENETUNREACH, DG_TRANSPORT}, {-EINVAL, DG_INVALID_PARAMS},     {-EIO, DG_REFUSED}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ua_ask(world, "refer.dialog", "{" WHOM ", \"to\": \"sip:c@z\"}");
        done(world, command_of(world).tag, rows[i].result);
        int code;
        assert_null(answer_of(world, &code));
        assert_int_equal(code, wire_code(rows[i].code));
    }
    json_t *all = ua_result(world, "refer.list", "{}");
    assert_int_equal(json_array_size(json_object_get(all, "transfers")), 0);
    json_decref(all);
}

#define PLAIN "{" WHOM ", \"to\": \"sip:c@z\"}"

static const struct walk {
    const char *name;
    const char *answer;  // NULL: none came
    const char *news[3]; // NOTIFYs
    const char *state, *outcome;
    int status;
} walks[] = {
    {"accepted", ANSWERED("202 Accepted"), {NULL}, "waiting", "open", 202},
    {"refused", ANSWERED("603 Decline"), {NULL}, "over", "refused", 603},
    {"challenged", ANSWERED("407 Proxy"), {NULL}, "over", "challenged", 407},
    {"silence", NULL, {NULL}, "over", "refused", 408},
    {"progress",
     ANSWERED("200 OK"),
     {NEWS("active;expires=60", "SIP/2.0 180 Ringing")},
     "waiting",
     "open",
     180},
    {"answered",
     ANSWERED("200 OK"),
     {NEWS("active;expires=60", "SIP/2.0 100 Trying\r\n"),
      NEWS("terminated;reason=noresource", "SIP/2.0 200 OK\r\n")},
     "over",
     "succeeded",
     200},
    {"failed", ANSWERED("200 OK"), {NEWS("active", "SIP/2.0 486 Busy\r\n")}, "over", "failed", 486},
    {"unknown", ANSWERED("200 OK"), {NEWS("terminated", "SIP/2.0 100 Trying\r\n")}, "over", "unknown", 100},
    {"nonsense", ANSWERED("200 OK"), {NEWS("active", "1 2 3\r\n")}, "waiting", "open", 200},
};

static void test_walks(void **state)
{
    struct ua_world *world = *state;
    for (unsigned i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
        print_message("%s\n", walks[i].name);
        uint64_t tag = begin(world, PLAIN);
        expect_row(world, "sending", "open", 0);
        say(world, tag, CHANNEL_UA_ANSWERED, walks[i].answer);
        for (unsigned n = 0; n < 3 && walks[i].news[n]; n++)
            say(world, tag, CHANNEL_UA_REFERRAL, walks[i].news[n]);
        if (strcmp(walks[i].outcome, "open") == 0) {
            expect_row(world, walks[i].state, "open", walks[i].status);
            say(world, tag, CHANNEL_UA_REFERRAL, NEWS("terminated", "SIP/2.0 503 No\r\n"));
            expect_row(world, "over", "failed", 503);
        } else {
            // The newest of those that are over.
            expect_row(world, walks[i].state, walks[i].outcome, walks[i].status);
        }
        assert_int_equal(world->rpc.control.operators.count, 0);
        say(world, tag, CHANNEL_UA_REFERRAL, NEWS("terminated", "SIP/2.0 200 OK\r\n")); // nobody's
    }
}

// --- restarts ---

// What the rows of transfers are in the end.
static void await_row(struct ua_world *world, const char *state, const char *outcome, int status)
{
    const struct referral *referral = NULL;
    for (int i = 0; i < 2000; i++) {
        far_run(world->rpc.base, 2);
        referral = TAILQ_FIRST(&world->rpc.control.referrals.open);
        referral = referral ? referral : TAILQ_FIRST(&world->rpc.control.referrals.ended);
        if (referral && referral->status == status &&
            strcmp(referral_outcome_name(referral->outcome), outcome) == 0)
            break;
    }
    expect_row(world, state, outcome, status);
}

// Control ends at each moment of it; the next one goes on.
static void test_control_restarts(void **state)
{
    struct ua_world *world = *state;
    uint64_t tag = begin(world, "{" WHOM ", \"to\": \"sip:c@z\"}");
    ua_restart(world);
    ua_resume(world, NULL, 0);
    expect_row(world, "sending", "open", 0);
    say(world, tag, CHANNEL_UA_ANSWERED, ANSWERED("202 Accepted"));
    await_row(world, "waiting", "open", 202);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    expect_row(world, "waiting", "open", 202);
    say(world, tag, CHANNEL_UA_REFERRAL, NEWS("active", "SIP/2.0 180 Ringing\r\n"));
    await_row(world, "waiting", "open", 180);
    say(world, tag, CHANNEL_UA_REFERRAL, NEWS("terminated", "SIP/2.0 200 OK\r\n"));
    await_row(world, "over", "succeeded", 200);
    assert_int_equal(world->rpc.control.operators.count, 0);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    expect_row(world, "over", "succeeded", 200);
}

// It ends before it has heard that the REFER went: what it was about was written before.
static void test_control_restarts_at_once(void **state)
{
    struct ua_world *world = *state;
    ua_ask(world, "refer.dialog", "{" WHOM ", \"to\": \"sip:c@z\"}");
    uint64_t tag = command_of(world).tag;
    ua_restart(world);
    ua_resume(world, NULL, 0);
    done(world, tag, 0);
    await_row(world, "sending", "open", 0);
    say(world, tag, CHANNEL_UA_ANSWERED, ANSWERED("603 Decline"));
    await_row(world, "over", "refused", 603);
    // One that the data plane has refused leaves nothing.
    ua_ask(world, "refer.dialog", "{" WHOM ", \"to\": \"sip:c@z\"}");
    tag = command_of(world).tag;
    ua_restart(world);
    ua_resume(world, NULL, 0);
    assert_int_equal(world->rpc.control.operators.count, 1);
    done(world, tag, -ENOENT);
    for (int i = 0; i < 2000 && world->rpc.control.operators.count > 0; i++)
        far_run(world->rpc.base, 2);
    assert_int_equal(world->rpc.control.operators.count, 0);
    assert_int_equal(world->rpc.control.referrals.count, 1);
}

// The data plane's process has forgotten it.
static void test_dataplane_restarts(void **state)
{
    struct ua_world *world = *state;
    uint64_t tag = begin(world, "{" WHOM ", \"to\": \"sip:c@z\"}");
    say(world, tag, CHANNEL_UA_ANSWERED, ANSWERED("202 Accepted"));
    await_row(world, "waiting", "open", 202);
    ua_ask(world, "refer.dialog", "{" WHOM ", \"to\": \"sip:c@z\"}");
    (void)command_of(world);
    ua_reboot(world);
    ua_resume(world, NULL, 0);
    int code;
    json_decref(answer_of(world, &code));
    assert_int_equal(code, wire_code(DG_UNAVAILABLE));
    await_row(world, "over", "lost", 202);
    assert_int_equal(world->rpc.control.operators.count, 0);
    assert_int_equal(world->rpc.control.referrals.counts[REFERRAL_OPERATOR][0][REFERRAL_LOST], 1);
}

// What is told of a REFER that control has forgotten, or another control has sent, makes no application of a
// peer, and no call.
static void test_left_over(void **state)
{
    static const enum channel_ua_kind kinds[] = {CHANNEL_UA_DONE, CHANNEL_UA_ANSWERED};
    struct ua_world *world = *state;
    const struct ua *ua = &world->rpc.control.ua;
    for (unsigned i = 0; i < 2; i++) {
        const struct channel_ua_event event = {.kind = (uint8_t)kinds[i],
                                               .tag = 99,
                                               .dialog = RECORD,
                                               .call = CALL,
                                               .status = i == 0 ? 0 : 202,
                                               .application = world->carrier,
                                               .peer = world->carrier};
        ua_say(world, &event, i == 0 ? REFER : ANSWERED("202 Accepted"));
        ua_run(world);
        assert_null(ua->apps[world->carrier]);
        assert_true(LIST_EMPTY(&ua->calls));
    }
}

int main(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {UA(test_what_is_asked_for),
                                       UA(test_bad_params),
                                       UA(test_refused_by_the_data_plane),
                                       UA(test_walks),
                                       UA(test_out_of_order),
                                       UA(test_control_restarts),
                                       UA(test_control_restarts_at_once),
                                       UA(test_dataplane_restarts),
                                       UA(test_left_over)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
