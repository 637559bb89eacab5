// SPDX-License-Identifier: BSD-3-Clause
// URIs of ours, told apart from what only looks like one. Written just as we write them they are known by
// their octets; "lr" in capitals has the grammar read the same URI, which must come to the same.
#include "own_uri.h"
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define CALL_ID "own@uri"
#define OTHER   "other@uri"

// An asterisk: the cookie of this call.
static const struct {
    const char *name, *text, *call_id;
    bool ours, signed_by_us;
} rows[] = {
    {"as it is written", "sip:10.20.0.10:5060;lr;dg=*", CALL_ID, true, true},
    {"another call's", "sip:10.20.0.10:5060;lr;dg=*", OTHER, true, false},
    {"another port", "sip:10.20.0.10:5061;lr;dg=*", CALL_ID, false, false},
    {"another host", "sip:10.20.0.11:5060;lr;dg=*", CALL_ID, false, false},
    {"a user", "sip:eve@10.20.0.10:5060;lr;dg=*", CALL_ID, true, true},
    {"sips", "sips:10.20.0.10:5060;lr;dg=*", CALL_ID, false, false},
    {"another order", "sip:10.20.0.10:5060;dg=*;lr", CALL_ID, true, true},
    {"more behind it", "sip:10.20.0.10:5060;lr;dg=*;x", CALL_ID, true, true},
    {"a maddr behind it", "sip:10.20.0.10:5060;lr;dg=*;maddr=192.0.2.9", CALL_ID, false, false},
    {"letters alone", "sip:10.20.0.10:5060;lr;dg=aaaaaaaabbbbbbbbccccccccdddddddd", CALL_ID, true, false},
    {"a maddr in the cookie's place", "sip:10.20.0.10:5060;lr;dg=aaaaaaaaaaaaaaa;maddr=192.0.2.99", CALL_ID,
     false, false},
    {"a host in the cookie's place", "sip:10.20.0.10:5060;lr;dg=aaaaaaaaaaaaaaaaaaaaaa@192.0.2.9", CALL_ID,
     false, false},
    {"two at signs there", "sip:10.20.0.10:5060;lr;dg=aaaaaaaaaaaaaaaaaaaaaaaaaaaa@b@c", CALL_ID, false,
     false},
    {"headers there", "sip:10.20.0.10:5060;lr;dg=aaaaaaaaaaaaaaaaaaaaaaaaa?to=bcd", CALL_ID, true, false},
    {"no cookie", "sip:10.20.0.10:5060;lr", CALL_ID, true, false},
};

static void write_cookie(const struct wire *wire, char cookie[COOKIE_TEXT_MAX])
{
    const struct cookie_route route = {.index = 7, .generation = 3, .caller_peer = 1, .callee_peer = 2};
    cookie_route_write(&wire->workers[0]->parts.keys, &route,
                       (struct cookie_octets){CALL_ID, strlen(CALL_ID)}, cookie);
}

// The URI stands behind the Call-ID.
static bool read_text(const struct wire *wire, const char *call_id, const char *uri, struct own_uri *own)
{
    char text[256];
    int length = snprintf(text, sizeof(text), "%s %s", call_id, uri);
    uint16_t begin = (uint16_t)(strlen(call_id) + 1);
    const struct message message = {.octets = (const uint8_t *)text,
                                    .call_id = {0, (uint16_t)strlen(call_id)}};
    return own_uri_read(wire->workers[0], &message, (struct span){begin, (uint16_t)(length - begin)}, NULL,
                        own);
}

static void test_read(void **state)
{
    struct wire *wire = *state;
    char cookie[COOKIE_TEXT_MAX], uri[128];
    write_cookie(wire, cookie);
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        for (unsigned k = 0; k < 2; k++) {
            struct own_uri own;
            const char *place = strchr(rows[i].text, '*');
            snprintf(uri, sizeof(uri), "%.*s%s%s", (int)strcspn(rows[i].text, "*"), rows[i].text,
                     place != NULL ? cookie : "", place != NULL ? place + 1 : "");
            char *lr = strstr(uri, ";lr");
            if (k == 1)
                memcpy(lr, ";LR", 3);
            bool ours = read_text(wire, rows[i].call_id, uri, &own);
            if (ours != rows[i].ours || (ours && own.has_cookie != rows[i].signed_by_us))
                print_error("%s\n", rows[i].name);
            assert_int_equal(ours, rows[i].ours);
            if (!ours)
                continue;
            assert_int_equal(own.listener, 1);
            assert_int_equal(own.has_cookie, rows[i].signed_by_us);
            if (own.has_cookie)
                assert_int_equal(own.cookie.index, 7);
        }
    }
}

// A cookie that was checked is not checked again, but another one in its place is.
static void test_repeated(void **state)
{
    struct wire *wire = *state;
    char text[256], cookie[COOKIE_TEXT_MAX];
    struct own_uri first, second;
    write_cookie(wire, cookie);
    for (unsigned k = 0; k < 2; k++) {
        int at = snprintf(text, sizeof(text), CALL_ID " sip:10.20.0.10:5060;lr;dg=%s ", cookie);
        int end = at + snprintf(text + at, sizeof(text) - (size_t)at, "sip:10.10.0.10:5060;lr;dg=%s", cookie);
        const struct message message = {.octets = (const uint8_t *)text, .call_id = {0, sizeof(CALL_ID) - 1}};
        const uint16_t begin = sizeof(CALL_ID);
        text[end - 1] = k == 0 ? text[end - 1] : text[end - 1] == 'a' ? 'b' : 'a';
        assert_true(own_uri_read(wire->workers[0], &message, (struct span){begin, (uint16_t)(at - 1 - begin)},
                                 NULL, &first));
        assert_true(first.has_cookie);
        assert_true(own_uri_read(wire->workers[0], &message,
                                 (struct span){(uint16_t)at, (uint16_t)(end - at)}, &first, &second));
        assert_int_equal(second.listener, 0);
        assert_int_equal(second.has_cookie, k == 0);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_read),
        ON_WIRE(test_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
