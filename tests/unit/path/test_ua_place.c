// SPDX-License-Identifier: BSD-3-Clause
// What an application sends outside a dialog, and what is refused before anything goes.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_world.h"

#define ON_UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)

static const struct ua_wanted invite = {
    .fixed = {.op = CHANNEL_UA_INVITE},
    .texts = {[CHANNEL_UA_TEXT_URI] = "sip:bob@10.20.0.11"},
};

static struct ua_wanted with(enum channel_ua_text which, const char *text)
{
    struct ua_wanted wanted = invite;
    wanted.texts[which] = text;
    return wanted;
}

static struct wire_packet taken(struct ua_world *world, const char *text)
{
    // By Call-ID either of the two.
    bool first = world->wire->out_count > 0 && endpoint_equal(world->wire->out[0].to, wire_sbc1);
    struct wire_packet packet = wire_take(world->wire, first ? wire_sbc1 : wire_sbc2);
    assert_starts(&packet, text);
    return packet;
}

static void invite_is_written(void **state)
{
    struct ua_world *world = *state;
    struct ua_seen done;
    struct ua_wanted wanted = invite;
    wanted.fixed.flags = CHANNEL_UA_DESCRIPTION;
    wanted.texts[CHANNEL_UA_TEXT_FROM] = "\"Alice\" <sip:alice@example.org>";
    wanted.texts[CHANNEL_UA_TEXT_TO] = "<sip:bob@example.net>";
    wanted.texts[CHANNEL_UA_TEXT_CONTACT] = "<sip:alice@10.20.0.10>;expires=60";
    wanted.texts[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\nSubject: tea\r\n";
    wanted.body = ua_sdp;
    assert_int_equal(ua_ask(world, &wanted, &done), 0);
    struct wire_packet sent = taken(world, "INVITE sip:bob@10.20.0.11 SIP/2.0\r\n");
    assert_non_null(strstr(header_of(&sent, "From"), "\"Alice\" <sip:alice@example.org>;tag="));
    assert_header(&sent, "To", "<sip:bob@example.net>");
    assert_header(&sent, "CSeq", "1 INVITE");
    assert_header(&sent, "Max-Forwards", "70");
    assert_header(&sent, "Contact", "<sip:alice@10.20.0.10>;expires=60");
    assert_header(&sent, "Supported", "timer,199,100rel");
    assert_header(&sent, "Subject", "tea");
    assert_int_equal(strlen(header_of(&sent, "Call-ID")), 26);
    assert_non_null(strstr(sent.text, ua_sdp));
    // DONE tells what was sent, and where to.
    assert_string_equal(done.packet.text, sent.text);
    assert_true(ip_equal(&done.event.source, &sent.to.address));
    assert_int_equal(done.event.source_port, sent.to.port);
    assert_int_not_equal(done.event.dialog, 0);
    assert_int_not_equal(done.event.transaction, 0);
    assert_int_equal(done.event.application, IMAGE_APPLICATION);
    assert_int_equal(done.event.peer, IMAGE_SBCS);
    assert_int_equal(world->wire->parts[0].peers[IMAGE_APPLICATION].calls_in_total, 1);
    assert_int_equal(world->wire->parts[0].peers[IMAGE_SBCS].calls_out_total, 1);
}

// Nothing given: From is the application at its first listener, To the Request-URI, Contact where it leaves.
static void defaults(void **state)
{
    struct ua_world *world = *state;
    assert_int_equal(ua_ask(world, &invite, NULL), 0);
    struct wire_packet sent = taken(world, "INVITE ");
    assert_non_null(strstr(header_of(&sent, "From"), "<sip:carrier-b@10.10.0.10:5060>;tag="));
    assert_header(&sent, "To", "<sip:bob@10.20.0.11>");
    assert_header(&sent, "Contact", "<sip:10.20.0.10:5060>");
    assert_header(&sent, "Content-Length", "0");
}

static void settings(void **state)
{
    struct ua_world *world = *state;
    struct snapshot_peer *row = &world->wire->image.peers[IMAGE_APPLICATION];
    row->session_expires_s = 1800;
    row->session_minimum_s = 120;
    row->session_refresher = REFRESH_BY_LOCAL;
    row->reliable = RELIABLE_REQUIRED;
    wire_reload(world->wire);
    assert_int_equal(ua_ask(world, &invite, NULL), 0);
    struct wire_packet sent = taken(world, "INVITE ");
    assert_header(&sent, "Session-Expires", "1800;refresher=uac");
    assert_header(&sent, "Min-SE", "120");
    assert_header(&sent, "Require", "100rel");
    row->reliable = RELIABLE_OFF;
    wire_reload(world->wire);
    struct ua_wanted wanted = invite;
    wanted.fixed.session_s = 600;
    wanted.fixed.min_se_s = 3600;
    assert_int_equal(ua_ask(world, &wanted, NULL), 0);
    sent = taken(world, "INVITE ");
    assert_header(&sent, "Session-Expires", "3600;refresher=uac"); // RFC 4028 7.3
    assert_header(&sent, "Min-SE", "3600");
    assert_header(&sent, "Supported", "timer,199");
    assert_header(&sent, "Require", "");
}

// Routes look at what the application has written, and change the Request-URI.
static void by_route(void **state)
{
    struct ua_world *world = *state;
    struct snapshot_route *route = &world->wire->image.routes[1];
    route->prepend = image_text(&world->wire->image, "9");
    route->uri_user = image_text(&world->wire->image, "bo");
    wire_reload(world->wire);
    assert_int_equal(ua_ask(world, &invite, NULL), 0);
    struct wire_packet sent = taken(world, "INVITE sip:9bob@10.20.0.11 SIP/2.0\r\n");
    assert_header(&sent, "To", "<sip:bob@10.20.0.11>");
    struct ua_wanted wanted = with(CHANNEL_UA_TEXT_URI, "sip:alice@10.20.0.11");
    assert_int_equal(ua_ask(world, &wanted, NULL), -ENETUNREACH); // the next route leads to itself
    wanted.fixed.to_peer = IMAGE_SBCS;
    wanted.fixed.to_member = IMAGE_MEMBER_SBC2;
    assert_int_equal(ua_ask(world, &wanted, NULL), 0);
    sent = wire_take(world->wire, wire_sbc2);
    assert_starts(&sent, "INVITE sip:alice@10.20.0.11 SIP/2.0\r\n");
}

// R(name, result, what is wrong)
static const struct refused {
    const char *name;
    int result;
    enum channel_ua_text which;
    const char *text;
} refused[] = {
    {"no URI", -EINVAL, CHANNEL_UA_TEXT_URI, ""},
    {"sips", -EINVAL, CHANNEL_UA_TEXT_URI, "sips:bob@10.20.0.11"},
    {"headers in the URI", -EINVAL, CHANNEL_UA_TEXT_URI, "sip:bob@10.20.0.11?Subject=x"},
    {"two words", -EINVAL, CHANNEL_UA_TEXT_URI, "sip:bob@10.20.0.11 x"},
    {"From with a tag", -EINVAL, CHANNEL_UA_TEXT_FROM, "<sip:a@b>;tag=1"},
    {"From that is none", -EINVAL, CHANNEL_UA_TEXT_FROM, "<sip:a@b"},
    {"To with a tag", -EINVAL, CHANNEL_UA_TEXT_TO, "<sip:a@b>;tag=1"},
    {"line in From", -EINVAL, CHANNEL_UA_TEXT_FROM, "<sip:a@b>\r\nX: y"},
    {"line in Contact", -EINVAL, CHANNEL_UA_TEXT_CONTACT, "<sip:a@b>\nX: y"},
    {"a header of ours", -EINVAL, CHANNEL_UA_TEXT_HEADERS, "Call-ID: mine\r\n"},
    {"compact", -EINVAL, CHANNEL_UA_TEXT_HEADERS, "v: SIP/2.0/UDP a\r\n"},
    {"no line end", -EINVAL, CHANNEL_UA_TEXT_HEADERS, "Subject: x"},
    {"end of headers", -EINVAL, CHANNEL_UA_TEXT_HEADERS, "Subject: x\r\n\r\nv=0"},
    {"Call-ID alone", -EINVAL, CHANNEL_UA_TEXT_CALL_ID, "abc"},
    {"tag alone", -EINVAL, CHANNEL_UA_TEXT_FROM_TAG, "abc"},
};

static void refusals(void **state)
{
    struct ua_world *world = *state;
    for (unsigned i = 0; i < RTE_DIM(refused); i++) {
        struct ua_wanted wanted = with(refused[i].which, refused[i].text);
        if (ua_ask(world, &wanted, NULL) != refused[i].result)
            fail_msg("%s", refused[i].name);
    }
    struct ua_wanted wanted = invite;
    wanted.fixed.to_peer = IMAGE_APPLICATION;
    assert_int_equal(ua_ask(world, &wanted, NULL), -ENETUNREACH);
    wanted.fixed.to_peer = 77;
    assert_int_equal(ua_ask(world, &wanted, NULL), -ENETUNREACH);
    wanted.fixed.to_peer = IMAGE_SBCS;
    wanted.fixed.to_member = IMAGE_MEMBER_CARRIER_A + 100;
    assert_int_equal(ua_ask(world, &wanted, NULL), -ENETUNREACH);
    static char body[2000];
    memset(body, 'x', sizeof(body) - 1);
    wanted = invite;
    wanted.body = body;
    world->wire->workers[0]->parts.large = NULL; // nor are there buffers for fragments
    assert_int_equal(ua_ask(world, &wanted, NULL), -EMSGSIZE);
    wire_expect_silence(world->wire);
    ua_expect_silence(world);
    assert_int_equal(world->wire->workers[0]->transactions.count, 0);
}

static void limits(void **state)
{
    struct ua_world *world = *state;
    world->wire->image.peers[IMAGE_APPLICATION].in.concurrent = 1;
    wire_reload(world->wire);
    assert_int_equal(ua_ask(world, &invite, NULL), 0);
    assert_int_equal(ua_ask(world, &invite, NULL), -EBUSY);
    wire_expect_count(world->wire, COUNTER_LIMIT_PEER_IN, 1);
    world->wire->image.peers[IMAGE_APPLICATION].in.concurrent = 0;
    world->wire->image.peers[IMAGE_APPLICATION].flags |= PEER_DRAINING;
    wire_reload(world->wire);
    assert_int_equal(ua_ask(world, &invite, NULL), -EBUSY);
    wire_expect_count(world->wire, COUNTER_DRAINED_PEER, 1);
}

// Each request or record that has no room is refused, and nothing of the call stays.
static void no_room(void **state)
{
    struct ua_world *world = *state;
    int result = 0;
    for (unsigned i = 0; i < 40 && result == 0; i++)
        result = ua_ask(world, &invite, NULL);
    assert_int_equal(result, -ENOSPC);
    wire_expect_count(world->wire, COUNTER_UA_FULL, 1);
    assert_int_equal(world->wire->workers[0]->ua.usages.count, 32);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 32);
    assert_int_equal(world->wire->limits[0][LIMIT_PEER_IN(IMAGE_APPLICATION)].held, 32);
    world->wire->out_count = 0;
    wire_pass_silently(world->wire, 40000);
    ua_forget(world);
}

static struct ua_wanted other(const char *method)
{
    struct ua_wanted wanted = invite;
    wanted.fixed.op = CHANNEL_UA_REQUEST;
    wanted.texts[CHANNEL_UA_TEXT_METHOD] = method;
    return wanted;
}

// 10.2.4: the same Call-ID, a higher CSeq; Contact only as given.
static void register_twice(void **state)
{
    struct ua_world *world = *state;
    struct ua_seen done;
    struct ua_wanted wanted = other("REGISTER");
    wanted.texts[CHANNEL_UA_TEXT_CONTACT] = "<sip:alice@10.20.0.10>;expires=60, <sip:b@10.20.0.10>";
    assert_int_equal(ua_ask(world, &wanted, &done), 0);
    assert_int_equal(done.event.dialog, 0);
    struct wire_packet first = taken(world, "REGISTER ");
    assert_header(&first, "CSeq", "1 REGISTER");
    assert_header(&first, "Contact", wanted.texts[CHANNEL_UA_TEXT_CONTACT]);
    assert_header(&first, "Supported", "");
    ua_respond_from(world, &first, &(struct ua_response){"401 Unauthorized", "r", NULL, NULL});
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.tag, done.event.tag);
    assert_int_equal(seen.event.status, 401);
    assert_int_equal(seen.event.application, IMAGE_APPLICATION);
    assert_starts(&seen.packet, "SIP/2.0 401 ");
    wanted.texts[CHANNEL_UA_TEXT_CONTACT] = NULL;
    wanted.texts[CHANNEL_UA_TEXT_CALL_ID] = header_of(&first, "Call-ID");
    wanted.texts[CHANNEL_UA_TEXT_FROM_TAG] = strstr(header_of(&first, "From"), ";tag=") + 5;
    wanted.texts[CHANNEL_UA_TEXT_HEADERS] = "Authorization: Digest x\r\n";
    assert_int_equal(ua_ask(world, &wanted, NULL), -EINVAL); // without a CSeq
    wanted.fixed.cseq = 2;
    assert_int_equal(ua_ask(world, &wanted, NULL), 0);
    struct wire_packet second = taken(world, "REGISTER ");
    assert_header(&second, "Call-ID", header_of(&first, "Call-ID"));
    assert_header(&second, "From", header_of(&first, "From"));
    assert_header(&second, "CSeq", "2 REGISTER");
    assert_header(&second, "Contact", "");
    assert_header(&second, "Authorization", "Digest x");
    ua_respond_from(world, &second, &(struct ua_response){"200 OK", "r", NULL, NULL});
    assert_int_equal(ua_take(world, CHANNEL_UA_ANSWERED).event.status, 200);
    wanted.texts[CHANNEL_UA_TEXT_FROM_TAG] = "0002aaaaaaaaaaaaa"; // of nobody
    assert_int_equal(ua_ask(world, &wanted, NULL), -EINVAL);
    ua_expect_silence(world);
}

// RFC 6665: a subscription's dialog is the application's to keep.
static void own_dialog(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted wanted = other("SUBSCRIBE");
    assert_int_equal(ua_ask(world, &wanted, NULL), 0);
    struct wire_packet first = taken(world, "SUBSCRIBE ");
    ua_respond_from(world, &first, &(struct ua_response){"200 OK", "n", NULL, NULL});
    ua_forget(world);
    wanted.texts[CHANNEL_UA_TEXT_HEADERS] = "Route: <sip:10.20.0.12;lr>\r\nEvent: dialog\r\n";
    assert_int_equal(ua_ask(world, &wanted, NULL), -EINVAL);
    wanted.texts[CHANNEL_UA_TEXT_TO] = "<sip:bob@10.20.0.11>;tag=n";
    wanted.texts[CHANNEL_UA_TEXT_CALL_ID] = header_of(&first, "Call-ID");
    wanted.texts[CHANNEL_UA_TEXT_FROM_TAG] = strstr(header_of(&first, "From"), ";tag=") + 5;
    wanted.fixed.cseq = 2;
    wanted.fixed.to_peer = IMAGE_SBCS;
    wanted.fixed.to_member = IMAGE_MEMBER_SBC2;
    assert_int_equal(ua_ask(world, &wanted, NULL), 0);
    struct wire_packet second = wire_take(world->wire, wire_sbc2);
    assert_starts(&second, "SUBSCRIBE sip:bob@10.20.0.11 ");
    assert_header(&second, "To", "<sip:bob@10.20.0.11>;tag=n");
    assert_header(&second, "Route", "<sip:10.20.0.12;lr>");
    ua_respond_from(world, &second, &(struct ua_response){"200 OK", NULL, NULL, NULL});
    assert_int_equal(ua_take(world, CHANNEL_UA_ANSWERED).event.status, 200);
}

static void nobody_answers(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted wanted = other("MESSAGE");
    uint64_t tag = ua_put(world, &wanted);
    taken(world, "MESSAGE ");
    assert_int_equal(ua_take(world, CHANNEL_UA_DONE).event.result, 0);
    wire_pass_silently(world->wire, 35000);
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.tag, tag);
    assert_int_equal(seen.event.status, 408);
    assert_int_equal(seen.event.length, 0);
    assert_int_equal(seen.event.application, IMAGE_APPLICATION);
    ua_expect_silence(world);
}

static void methods(void **state)
{
    struct ua_world *world = *state;
    static const char *const never[] = {"INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE", "A B", ""};
    for (unsigned i = 0; i < RTE_DIM(never); i++) {
        struct ua_wanted wanted = other(never[i]);
        if (ua_ask(world, &wanted, NULL) != -EINVAL)
            fail_msg("%s", never[i]);
    }
    static const char *const fine[] = {"OPTIONS", "SUBSCRIBE", "PUBLISH", "NOTIFY", "FROB"};
    for (unsigned i = 0; i < RTE_DIM(fine); i++) {
        struct ua_wanted wanted = other(fine[i]);
        assert_int_equal(ua_ask(world, &wanted, NULL), 0);
        struct wire_packet sent = taken(world, fine[i]);
        bool refreshes = strcmp(fine[i], "SUBSCRIBE") == 0 || strcmp(fine[i], "NOTIFY") == 0;
        assert_header(&sent, "Contact", refreshes ? "<sip:10.20.0.10:5060>" : "");
        ua_respond_from(world, &sent, &(struct ua_response){"200 OK", "t", NULL, NULL});
        assert_int_equal(ua_take(world, CHANNEL_UA_ANSWERED).event.status, 200);
    }
    ua_expect_silence(world);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_UA(invite_is_written), ON_UA(defaults),       ON_UA(settings),
                                       ON_UA(by_route),          ON_UA(refusals),       ON_UA(limits),
                                       ON_UA(no_room),           ON_UA(register_twice), ON_UA(own_dialog),
                                       ON_UA(nobody_answers),    ON_UA(methods)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
