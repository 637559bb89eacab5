// SPDX-License-Identifier: BSD-3-Clause
#include "build.h"
#include "edit_header.h"
#include "guard.h"

static char room[1024];

static void build_all(struct build *build, uint32_t size)
{
    build_request(build, room, size, "REFER", "sip:b@h;x=y");
    build_header(build, HEADER_VIA, "SIP/2.0/UDP h;branch=z9hG4bK1");
    build_header(build, HEADER_FROM, "<sip:a@h>;tag=1");
    build_header(build, HEADER_TO, "<sip:b@h>;tag=2");
    build_header(build, HEADER_CALL_ID, "c@h");
    struct writer *value = build_open(build, HEADER_CSEQ);
    write_number(value, 7);
    write_text(value, " REFER");
    build_close(build);
    build_header_named(build, "X-Y", "");
}

static void test_request(void **state)
{
    static const char want[] =
        "REFER sip:b@h;x=y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
        "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: c@h\r\nCSeq: 7 REFER\r\n"
        "X-Y: \r\nContent-Length: 3\r\n\r\na\0\r";
    struct build build;
    struct message message;
    build_all(&build, sizeof(room));
    int length = build_end(&build, "a\0\r", 3);
    assert_int_equal(length, sizeof(want) - 1);
    assert_memory_equal(room, want, (size_t)length);
    assert_int_equal(message_parse((const uint8_t *)room, (uint32_t)length, &message), MESSAGE_FINE);
    assert_int_equal(message.method, METHOD_REFER);
    assert_int_equal(message.cseq_number, 7);
    // Saturating: with one octet less, at each size, nothing is written past the end.
    for (uint32_t size = 0; size < (uint32_t)length; size++) {
        room[size] = 'Z';
        build_all(&build, size);
        assert_int_equal(build_end(&build, "a\0\r", 3), BUILD_NO_ROOM);
        assert_int_equal(room[size], 'Z');
    }
    build_all(&build, (uint32_t)length);
    assert_int_equal(build_end(&build, "a\0\r", 3), length);
}

static void test_response(void **state)
{
    struct build build;
    build_response(&build, room, sizeof(room), 180, "Ringing");
    int length = build_end(&build, NULL, 0);
    assert_int_equal(length, strlen("SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n"));
    assert_memory_equal(room, "SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n", (size_t)length);
    static const struct {
        uint16_t status;
        const char *reason;
        int fault;
    } rows[] = {{99, "x", BUILD_BAD_STATUS}, {700, "x", BUILD_BAD_STATUS}, {200, "a\r\nb", BUILD_BAD_TEXT}};
    for (unsigned i = 0; i < ROWS(rows); i++) {
        build_response(&build, room, sizeof(room), rows[i].status, rows[i].reason);
        assert_int_equal(build_end(&build, NULL, 0), rows[i].fault);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *method, *uri, *name, *value;
        int fault;
    } rows[] = {
        {"BYE", "sip:h", "X", "a\r\nRoute: <sip:evil>", BUILD_BAD_TEXT},
        {"BYE", "sip:h", "X", "a\rb", BUILD_BAD_TEXT},
        {"BYE", "sip:h", "X", "a\nb", BUILD_BAD_TEXT},
        {"BYE", "sip:h", "X",
         "a\x01"
         "b",
         BUILD_BAD_TEXT},
        {"BYE", "sip:h", "X", "a\x7f", BUILD_BAD_TEXT},
        {"BYE", "sip:h", "X:", "a", BUILD_BAD_NAME},
        {"BYE", "sip:h", "", "a", BUILD_BAD_NAME},
        {"BYE", "sip:h", "X Y", "a", BUILD_BAD_NAME},
        {"BYE X", "sip:h", "X", "a", BUILD_BAD_NAME},
        {"", "sip:h", "X", "a", BUILD_BAD_NAME},
        {"BYE", "sip:h SIP/2.0\r\nX: y", "X", "a", BUILD_BAD_URI},
        {"BYE", "sip:h?Route=x", "X", "a", BUILD_BAD_URI},
        {"BYE", "h", "X", "a", BUILD_BAD_URI},
        {"BYE", "", "X", "a", BUILD_BAD_URI},
    };
    struct build build;
    for (unsigned i = 0; i < ROWS(rows); i++) {
        build_request(&build, room, sizeof(room), rows[i].method, rows[i].uri);
        build_header_named(&build, rows[i].name, rows[i].value);
        assert_number(rows[i].value, build_end(&build, NULL, 0), rows[i].fault);
    }
    // A NUL written by the caller.
    build_request(&build, room, sizeof(room), "BYE", "sip:h");
    write_octets(build_open(&build, HEADER_SUBJECT), "a\0b", 3);
    build_close(&build);
    assert_int_equal(build_end(&build, NULL, 0), BUILD_BAD_TEXT);
}

#define HEAD "BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a@h;tag=1\r\n"
#define TAIL "Call-ID: c\r\nCSeq: 1 BYE\r\n"
#define TEXT HEAD "Route: <sip:r>\r\nTo: <sip:b>\r\nRoute:\r\n <sip:s>\r\n" TAIL "\r\nbody"

static struct edits edits;
static struct message message;

static void begin(const char *text)
{
    edits_init(&edits);
    assert_int_equal(message_parse(guard_copy(text, strlen(text)), (uint32_t)strlen(text), &message),
                     MESSAGE_FINE);
}

static void check_rendered(const char *want)
{
    int length = edits_render(&edits, &message, (uint8_t *)room, sizeof(room));
    if (length != (int)strlen(want) || memcmp(room, want, strlen(want)) != 0)
        fail_msg("got '%.*s', want '%s'", length, room, want);
}

static void test_edit_header(void **state)
{
    begin(TEXT);
    check_rendered(TEXT);
    edit_header_insert(&edits, &message, HEADER_ROUTE, "<sip:new>");
    check_rendered(HEAD "Route: <sip:new>\r\nRoute: <sip:r>\r\nTo: <sip:b>\r\nRoute:\r\n <sip:s>\r\n" TAIL
                        "\r\nbody");
    begin(TEXT);
    edit_header_insert(&edits, &message, HEADER_SUPPORTED, "timer");
    check_rendered(HEAD "Route: <sip:r>\r\nTo: <sip:b>\r\nRoute:\r\n <sip:s>\r\n" TAIL
                        "Supported: timer\r\n\r\nbody");
    begin(TEXT);
    edit_header_remove(&edits, &message, HEADER_ROUTE);
    edit_header_remove(&edits, &message, HEADER_EVENT);
    check_rendered(HEAD "To: <sip:b>\r\n" TAIL "\r\nbody");
    begin(TEXT);
    edit_header_replace(&edits, &message, HEADER_ROUTE, "<sip:new>");
    edit_header_replace(&edits, &message, HEADER_EVENT, "x");
    check_rendered(HEAD "Route: <sip:new>\r\nTo: <sip:b>\r\n" TAIL "Event: x\r\n\r\nbody");
    begin(TEXT);
    edit_header_insert(&edits, &message, HEADER_ROUTE, "<sip:a>\r\nX: y");
    assert_int_equal(edits_render(&edits, &message, (uint8_t *)room, sizeof(room)), -1);
    // Line ends that are a lone LF.
    begin("BYE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: <sip:a>\nTo: <sip:b>\nCall-ID: c\nCSeq: 1 BYE\n\n");
    edit_header_insert(&edits, &message, HEADER_EVENT, "x");
    check_rendered("BYE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: <sip:a>\nTo: <sip:b>\nCall-ID: c\nCSeq: 1 "
                   "BYE\nEvent: x\r\n\n");
}

static void test_edit_uri(void **state)
{
    struct address address;
    uint32_t at = 0;
    begin(TEXT);
    edit_request_uri(&edits, &message, "sip:c@i;lr");
    assert_int_equal(address_next(message.octets, message.from, &at, &address), 1);
    edit_address_uri(&edits, &address, "sip:x@y;z");
    at = 0;
    assert_int_equal(address_next(message.octets, message.to, &at, &address), 1);
    edit_address_uri(&edits, &address, "tel:+1");
    check_rendered("BYE sip:c@i;lr SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:x@y;z>;tag=1\r\n"
                   "Route: <sip:r>\r\nTo: <tel:+1>\r\nRoute:\r\n <sip:s>\r\n" TAIL "\r\nbody");
    begin(TEXT);
    edit_request_uri(&edits, &message, "sip:c\r\n");
    assert_int_equal(edits_render(&edits, &message, (uint8_t *)room, sizeof(room)), -1);
    begin("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\n" TAIL "\r\n");
    edit_request_uri(&edits, &message, "sip:c");
    assert_int_equal(edits.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),     cmocka_unit_test(test_response), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_edit_header), cmocka_unit_test(test_edit_uri),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
