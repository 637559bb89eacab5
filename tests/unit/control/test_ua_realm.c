// SPDX-License-Identifier: BSD-3-Clause
// Whose challenges a name and its password answer (RFC 3261 22.1, 22.3), and how often (RFC 7616 3.4).
#include "cmocka_first.h"
#include <stdio.h>
#include <string.h>
#include "ua_world.h"

#define WHO     ",\"user\":\"alice\",\"password\":\"secret\""
#define WHO_IN  WHO ",\"realm\":\"a\""
#define DIRECTS ",\"redirect\":1"

static const struct row {
    const char *name, *more;
    const char *before; // realm that asks first; NULL: none
    const char *target; // of a 3xx then; NULL: none comes
    const char *realm;  // that asks in the end
    bool answered;
} rows[] = {
    {"anybody on the way", WHO, NULL, NULL, "b", true},
    {"and one behind the other", WHO, "a", NULL, "b", true},
    {"its realm", WHO_IN, NULL, NULL, "a", true},
    {"another realm", WHO_IN, NULL, NULL, "b", false},
    {"a realm in other letters", WHO_IN, NULL, NULL, "A", false},
    {"behind a 3xx", WHO DIRECTS, NULL, "sip:c@z", "a", false},
    {"behind a 3xx, who asked before", WHO DIRECTS, "a", "sip:c@z", "a", true},
    {"behind a 3xx, somebody else", WHO DIRECTS, "a", "sip:c@z", "b", false},
    {"behind a 3xx, its realm", WHO_IN DIRECTS, NULL, "sip:c@z", "a", true},
    {"behind a 3xx of the same host", WHO DIRECTS, NULL, "sip:c@Y;transport=udp", "b", true},
    {"behind a 3xx to a number", WHO DIRECTS, NULL, "tel:+1555", "b", false},
};

// The call's INVITE is in its n-th try; its response has one more line.
static void respond(struct ua_world *world, unsigned n, unsigned status, const char *line)
{
    char text[1024];
    struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                     .dialog = DIALOG + n - 1,
                                     .call = 700,
                                     .application = world->desk,
                                     .status = (uint16_t)status};
    event.tag = world->rpc.control.ua.last_tag;
    snprintf(text, sizeof(text),
             "SIP/2.0 %u Text\r\n" HEAD("f1", ";tag=t1", "%u INVITE") "%s\r\nContent-Length: 0\r\n\r\n",
             status, n, line);
    ua_say(world, &event, text);
}

static void ask(struct ua_world *world, unsigned n, unsigned status, const char *realm)
{
    char line[128];
    snprintf(line, sizeof(line), "%s: Digest realm=\"%s\", nonce=\"n%u\"",
             status == 407 ? "Proxy-Authenticate" : "WWW-Authenticate", realm, n);
    respond(world, n, status, line);
}

// The next try, which the data plane takes.
static const struct channel_ua_command *try_again(struct ua_world *world, unsigned n)
{
    static const char *const sent[] = {REQUEST("INVITE", "", "2", ""), REQUEST("INVITE", "", "3", "")};
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_done(world, command, 0, DIALOG + n - 1, sent[n - 2]);
    return command;
}

// The application hears of the challenge.
static void expect_failed(struct ua_world *world)
{
    json_t *event = ua_event_of(world, "failed");
    assert_int_equal(json_integer_value(json_object_get(event, "status")), 401);
    json_decref(event);
}

static void test_realms(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct ua_world *world;
        char line[128], answer[64];
        unsigned n = 1;
        print_message("%s\n", row->name);
        assert_int_equal(ua_setup((void **)&world), 0);
        ua_attach(world);
        (void)ua_place(world, row->more);
        if (row->before) {
            ask(world, n++, 407, row->before);
            (void)try_again(world, n);
        }
        if (row->target) {
            snprintf(line, sizeof(line), "Contact: <%s>", row->target);
            respond(world, n++, 302, line);
            (void)try_again(world, n);
        }
        ask(world, n++, 401, row->realm);
        snprintf(answer, sizeof(answer), "username=\"alice\",realm=\"%s\"", row->realm);
        if (row->answered)
            ua_expect_in(ua_command(world, CHANNEL_UA_INVITE), CHANNEL_UA_TEXT_HEADERS, answer);
        else
            expect_failed(world);
        assert_int_equal(ua_teardown((void **)&world), 0);
    }
}

// What is sent in the call is answered for as its INVITE was.
static void test_inside(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    (void)ua_place(world, WHO DIRECTS);
    respond(world, 1, 302, "Contact: <sip:c@z>");
    (void)try_again(world, 2);
    respond(world, 2, 200, "Contact: <sip:c@z>");
    ua_say_state(world, DIALOG + 1, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    ua_expect_event(world, "answered", "dialog", HEX);
    ua_ask(world, "ua.request", "{\"dialog\":\"" HEX "\",\"method\":\"INFO\",\"tag\":\"i\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_done(world, command, 0, DIALOG + 1, NULL);
    json_decref(ua_answer_of(world));
    ua_say_answer(world, tag, 401,
                  RESPONSE("401", "3 INFO", "WWW-Authenticate: Digest realm=\"b\", nonce=\"n\"\r\n"));
    ua_expect_event(world, "response", "tag", "i");
}

static void test_over_a_restart(void **state)
{
    struct ua_world *world = *state;
    const struct ua_row rings = {DIALOG, CHANNEL_DIALOG_EARLY, .call = 700};
    ua_attach(world);
    uint64_t tag = ua_place(world, WHO_IN);
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    ua_restart(world);
    ua_resume(world, &rings, 1);
    ua_attach_again(world);
    ua_say_answer(world, tag, 401,
                  RESPONSE("401", "1 INVITE", "WWW-Authenticate: Digest realm=\"b\", nonce=\"n\"\r\n"));
    expect_failed(world);
}

// RFC 7616 3.4: what met a glare goes out again with a count of its own.
static void test_count_after_glare(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, WHO ",\"body\":\"" SDP_JSON "\""));
    ua_ask(world, "ua.hold", "{\"dialog\":\"" HEX "\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_done(world, command, 0, DIALOG, REQUEST("INVITE", ";tag=t1", "2", ""));
    json_decref(ua_answer_of(world));
    ua_say_answer(
        world, tag, 407,
        RESPONSE("407", "2 INVITE", "Proxy-Authenticate: Digest realm=\"a\", nonce=\"n\", qop=\"auth\"\r\n"));
    command = ua_command(world, CHANNEL_UA_REQUEST);
    tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, ",nc=00000001");
    ua_done(world, command, 0, DIALOG, REQUEST("INVITE", ";tag=t1", "3", ""));
    ua_say_answer(world, tag, 491, RESPONSE("491", "3 INVITE", ""));
    const struct channel_ua_event retry = {
        .kind = CHANNEL_UA_RETRY, .dialog = DIALOG, .call = 700, .application = world->desk};
    ua_say(world, &retry, NULL);
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, ",nc=00000002");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "a=sendonly");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_realms), TEST(test_inside),
                                       TEST(test_over_a_restart), TEST(test_count_after_glare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
