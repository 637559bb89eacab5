// SPDX-License-Identifier: BSD-3-Clause
// What a registrar asks, over the registrations that follow.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ua_world.h"

#define ASKS(nonce, more)                                                                                    \
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\", qop=\"auth\"" more "\r\n"
#define GRANTED "Contact: <sip:b@z>;expires=200\r\n"

// A challenge that was answered is answered in each REGISTER from then on (RFC 7616 3.4), until the registrar
// asks anew; an answer that it does not take is not sent again.
static const struct registering {
    bool asked;                // by the program; else it follows from the response before
    const char *nonce, *count; // of its Authorization; NULL: it has none
    unsigned status;
    const char *lines; // of the response
} registering[] = {
    {true, NULL, NULL, 401, ASKS("n", "")},
    {false, "n", "00000001", 200, GRANTED},
    {true, "n", "00000002", 200, GRANTED},
    {true, "n", "00000003", 401, ASKS("m", ", stale=true")},
    {false, "m", "00000001", 423, "Min-Expires: 7200\r\n"},
    {false, "m", "00000002", 200, GRANTED},
    {true, "m", "00000003", 401, ASKS("o", "")}, // it has forgotten us, and does not say so
    {false, "o", "00000001", 401, ASKS("p", "")},
    {true, NULL, NULL, 200, GRANTED},
};

static void expect_answer(const struct channel_ua_command *command, const struct registering *row)
{
    char nonce[64], count[64];
    char *headers = ua_command_text(command, CHANNEL_UA_TEXT_HEADERS);
    const char *first = strstr(headers, "Authorization:");
    assert_int_equal(first != NULL, row->nonce != NULL);
    if (first) {
        snprintf(nonce, sizeof(nonce), "nonce=\"%s\"", row->nonce);
        snprintf(count, sizeof(count), "nc=%s", row->count);
        assert_non_null(strstr(first, nonce));
        assert_non_null(strstr(first, count));
        assert_non_null(strstr(first, "uri=\"sip:y\""));
        assert_null(strstr(first + 1, "Authorization:"));
    }
    free(headers);
}

static void test_registers_with_challenge(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    for (size_t i = 0; i < sizeof(registering) / sizeof(registering[0]); i++) {
        const struct registering *row = &registering[i];
        char request[512], response[1024], number[16];
        print_message("  %zu\n", i);
        snprintf(number, sizeof(number), "%zu REGISTER", i + 1);
        snprintf(request, sizeof(request), "REGISTER sip:y SIP/2.0\r\n" HEAD("f1", "", "%s") "\r\n", number);
        snprintf(response, sizeof(response), "SIP/2.0 %u Text\r\n" HEAD("f1", ";tag=t1", "%s") "%s\r\n",
                 row->status, number, row->lines);
        if (row->asked)
            ua_ask(world, "ua.register",
                   "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\",\"user\":\"b\",\"password\":\"p\"}");
        const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
        const struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                               .tag = command->tag,
                                               .application = world->desk,
                                               .status = (uint16_t)row->status};
        expect_answer(command, row);
        ua_done(world, command, 0, 0, request);
        if (row->asked)
            json_decref(ua_answer_of(world));
        ua_say(world, &event, response);
        if (row->status == 200 || i == 7)
            json_decref(ua_event_of(world, "registered"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registers_with_challenge, ua_setup, ua_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
