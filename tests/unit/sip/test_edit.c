// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "write.h"

static void test_writer(void **state)
{
    uint8_t octets[12];
    struct writer writer;
    writer_init(&writer, octets, sizeof(octets));
    write_text(&writer, "ab");
    write_number(&writer, 0);
    write_number(&writer, 4294967295u);
    assert_true(writer.overflow);
    assert_int_equal(writer.used, 3);
    write_text(&writer, "c");
    assert_int_equal(writer.used, 3);

    writer_init(&writer, octets, sizeof(octets));
    write_ip(&writer, &(struct ip_address)IP_MAPPED(0xc0000201));
    write_octets(&writer, "xyz", 3);
    assert_false(writer.overflow);
    assert_memory_equal(octets, "192.0.2.1xyz", 12);
    write_octets(&writer, "", 0);
    assert_false(writer.overflow);
    write_octets(&writer, "!", 1);
    assert_true(writer.overflow);

    writer_init(&writer, octets, sizeof(octets));
    write_number(&writer, 4294967295u);
    assert_memory_equal(octets, "4294967295", 10);
}

struct step {
    int offset, removed; // offset -1: no more steps
    const char *text;
};

#define DONE                                                                                                 \
    {                                                                                                        \
        -1, 0, NULL                                                                                          \
    }

// Applied to "0123456789".
static const struct {
    const char *name;
    struct step steps[5];
    const char *want; // NULL: refused
} rows[] = {
    {"none", {DONE}, "0123456789"},
    {"insert", {{5, 0, "x"}, DONE}, "01234x56789"},
    {"insert first", {{0, 0, "x"}, DONE}, "x0123456789"},
    {"insert last", {{10, 0, "x"}, DONE}, "0123456789x"},
    {"remove", {{2, 3, ""}, DONE}, "0156789"},
    {"remove all", {{0, 10, ""}, DONE}, ""},
    {"replace", {{2, 3, "abcdef"}, DONE}, "01abcdef56789"},
    {"any order", {{8, 1, "c"}, {1, 1, "a"}, {4, 1, "b"}, DONE}, "0a23b567c9"},
    {"same offset", {{5, 0, "a"}, {5, 0, "b"}, {2, 0, "z"}, {5, 0, "c"}, DONE}, "01z234abc56789"},
    {"insertion before a removal", {{5, 0, "a"}, {5, 2, ""}, {5, 0, "b"}, DONE}, "01234ab789"},
    {"removal before an insertion", {{5, 2, "x"}, {5, 0, "a"}, {5, 0, "b"}, DONE}, "01234xab789"},
    {"insertion behind a removal", {{7, 0, "a"}, {5, 2, ""}, DONE}, "01234a789"},
    {"removals side by side", {{4, 2, "b"}, {2, 2, "a"}, DONE}, "01ab6789"},
    {"insertion inside a removal", {{2, 4, ""}, {3, 0, "a"}, DONE}, NULL},
    {"removals overlap", {{2, 4, ""}, {5, 2, ""}, DONE}, NULL},
    {"removed twice", {{2, 4, ""}, {2, 4, ""}, DONE}, NULL},
    {"nested removals", {{2, 6, ""}, {3, 1, ""}, DONE}, NULL},
    {"offset outside", {{11, 0, "a"}, DONE}, NULL},
    {"removal outside", {{9, 2, ""}, DONE}, NULL},
};

static struct message ten_octets(void)
{
    // Without a NUL behind it, so that the sanitizer sees an octet read too far.
    static const uint8_t digits[10] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'};
    return (struct message){.octets = digits, .length = 10};
}

static void apply(struct edits *edits, const struct step *steps)
{
    edits_init(edits);
    for (; steps->offset >= 0; steps++) {
        struct span span = {(uint16_t)steps->offset, (uint16_t)steps->removed};
        uint32_t length = (uint32_t)strlen(steps->text);
        if (length == 0)
            edit_remove(edits, span);
        else if (span.length == 0)
            edit_insert(edits, span.offset, steps->text, length);
        else
            edit_replace(edits, span, steps->text, length);
    }
}

static void test_render(void **state)
{
    struct message message = ten_octets();
    for (unsigned i = 0; i < ROWS(rows); i++) {
        uint8_t out[64];
        struct edits edits;
        apply(&edits, rows[i].steps);
        int used = edits_render(&edits, &message, out, sizeof(out));
        if (rows[i].want == NULL) {
            assert_number(rows[i].name, used, -1);
            continue;
        }
        size_t length = strlen(rows[i].want);
        assert_number(rows[i].name, used, (long)length);
        assert_span(rows[i].name, out, (struct span){0, (uint16_t)used}, length == 0 ? NULL : rows[i].want);
        // The exact room is enough; one octet less is not, and nothing is written behind it.
        if (length == 0)
            continue;
        uint8_t *tight = guard_copy(out, length);
        assert_number(rows[i].name, edits_render(&edits, &message, tight, (uint32_t)length), (long)length);
        assert_number(rows[i].name, edits_render(&edits, &message, tight + 1, (uint32_t)length - 1), -1);
    }
}

static void test_open(void **state)
{
    struct message message = ten_octets();
    struct edits edits;
    uint8_t out[64];
    edits_init(&edits);
    struct writer *writer = edit_open(&edits, 5, 1);
    write_text(writer, "a");
    write_number(writer, 17);
    write_span(writer, &message, (struct span){8, 2});
    edit_close(&edits);
    edit_insert(&edits, 0, "<", 1);
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), 15);
    assert_memory_equal(out, "<01234a17896789", 15);
}

static void test_too_many(void **state)
{
    struct message message = ten_octets();
    struct edits edits;
    uint8_t out[64];
    edits_init(&edits);
    for (unsigned i = 0; i < EDITS_MAX; i++)
        edit_insert(&edits, (uint16_t)(i % 11), "x", 1);
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), 10 + (int)EDITS_MAX);
    edit_insert(&edits, 0, "x", 1);
    assert_true(edits.overflow);
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), -1);
}

static void test_text_overflow(void **state)
{
    struct message message = ten_octets();
    struct edits edits;
    static uint8_t out[4096], large[sizeof(edits.octets)];
    memset(large, 'x', sizeof(large));
    edits_init(&edits);
    edit_insert(&edits, 3, large, sizeof(large));
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), 10 + (int)sizeof(large));
    edit_insert(&edits, 3, "x", 1);
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), -1);
}

// What is no part of the message is not rendered: line ends before the start line, octets behind
// Content-Length.
static void test_outside_the_message(void **state)
{
    static const char text[] =
        "\r\nACK sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\n"
        "Call-ID: x\r\nCSeq: 1 ACK\r\nl: 2\r\n\r\nabcd";
    struct message message;
    struct edits edits;
    uint8_t out[256];
    assert_int_equal(message_parse((const uint8_t *)text, sizeof(text) - 1, &message), MESSAGE_FINE);
    edits_init(&edits);
    int used = edits_render(&edits, &message, out, sizeof(out));
    assert_int_equal(used, sizeof(text) - 1 - 4);
    assert_memory_equal(out, text + 2, (size_t)used);
    edit_insert(&edits, (uint16_t)(sizeof(text) - 1), "x", 1);
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), -1);
    edits_init(&edits);
    edit_insert(&edits, 0, "x", 1);
    assert_int_equal(edits_render(&edits, &message, out, sizeof(out)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer),        cmocka_unit_test(test_render),
        cmocka_unit_test(test_open),          cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_text_overflow), cmocka_unit_test(test_outside_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
