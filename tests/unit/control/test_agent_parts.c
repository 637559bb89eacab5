// SPDX-License-Identifier: BSD-3-Clause
// What libdialgate writes and reads, part by part.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "code.h"
#include "line.h"
#include "message.h"
#include "options.h"
#include "table.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *name;
        struct dg_address address;
        const char *text; // NULL: refused
    } rows[] = {
        {"a URI", {.uri = "sip:a@x"}, "<sip:a@x>"},
        {"parts", {.user = "a", .host = "x"}, "<sip:a@x>"},
        {"no user", {.host = "x"}, "<sip:x>"},
        {"display", {.display = "Bob, B.", .uri = "sip:b@y"}, "\"Bob, B.\" <sip:b@y>"},
        {"quotes", {.display = "a\"b\\c", .uri = "sip:b@y"}, "\"a\\\"b\\\\c\" <sip:b@y>"},
        {"escaped user", {.user = "a@b c", .host = "x"}, "<sip:a%40b%20c@x>"},
        {"parameters",
         {.host = "x", .uri_parameters = "user=phone", .parameters = "expires=9"},
         "<sip:x;user=phone>;expires=9"},
        {"nothing", {.display = "a"}, NULL},
        {"a line end", {.display = "a\r\nVia: b", .uri = "sip:b@y"}, NULL},
        {"DEL", {.uri = "sip:b\x7f@y"}, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = dg_address_text(&rows[i].address);
        print_message("%s\n", rows[i].name);
        if (rows[i].text)
            assert_string_equal(text, rows[i].text);
        else
            assert_null(text);
        dg_free(text);
    }
}

static struct dg_message *message_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    struct dg_message *message = message_make(json);
    assert_non_null(message);
    json_decref(json);
    return message;
}

static void test_messages(void **state)
{
    size_t length;
    struct dg_header header;
    struct dg_message *message =
        message_of("{\"start\":\"INVITE sip:b@y SIP/2.0\",\"headers\":[[\"v\",\"one\"],[\"VIA\",\"two\"],"
                   "[\"X-Note\",\"n\"]],\"body\":\"aGkAeA==\",\"body_base64\":true}");
    assert_string_equal(dg_message_start(message), "INVITE sip:b@y SIP/2.0");
    assert_string_equal(dg_message_header(message, "Via", 0), "one");
    assert_string_equal(dg_message_header(message, "v", 1), "two");
    assert_null(dg_message_header(message, "Via", 2));
    assert_string_equal(dg_message_header(message, "x-note", 0), "n");
    assert_null(dg_message_header(message, "x", 0)); // Session-Expires
    assert_memory_equal(dg_message_body(message, &length), "hi\0x", 5);
    assert_int_equal(length, 4);
    assert_true(dg_message_header_at(message, 2, &header));
    assert_string_equal(header.name, "X-Note");
    assert_false(dg_message_header_at(message, 3, &header));
    dg_message_unref(dg_message_ref(message));
    dg_message_unref(message);
    // What is broken reads as empty.
    message = message_of("{\"headers\":[1,[2],[\"A\"]],\"body\":\"*\",\"body_base64\":true}");
    assert_string_equal(dg_message_start(message), "");
    assert_string_equal(dg_message_header(message, "A", 0), "");
    assert_string_equal(dg_message_body(message, &length), "");
    assert_int_equal(length, 0);
    dg_message_unref(message);
}

static void expect_written(const struct dg_options *options, const char *wanted)
{
    json_t *params = json_object();
    assert_true(options_write(options, params));
    char *text = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(params);
}

static void test_options(void **state)
{
    const struct dg_header own = {"X-A", "b"};
    struct dg_options options = DG_INIT(dg_options);
    expect_written(&options, "{}");
    options.headers = &own;
    options.header_count = 1;
    options.subject = "tea";
    options.expires_s = 60;
    options.from = "sip:a@x";
    options.asserted_identity = DG_SAME_AS_FROM;
    options.body = "hi";
    options.late_ack = true;
    options.no_subscription = true;
    expect_written(&options, "{\"body\":\"hi\",\"from\":\"sip:a@x\",\"headers\":[[\"Subject\",\"tea\"],"
                             "[\"Expires\",\"60\"],[\"P-Asserted-Identity\",\"<sip:a@x>\"],[\"X-A\",\"b\"]],"
                             "\"late_ack\":true,\"subscribe\":false}");
    options = (struct dg_options)DG_INIT(dg_options);
    options.body = "a\0b";
    options.body_length = 3;
    expect_written(&options, "{\"body\":\"YQBi\",\"body_base64\":true}");
    options.body = "\xff";
    options.body_length = 1;
    expect_written(&options, "{\"body\":\"/w==\",\"body_base64\":true}");
    json_t *params = json_object();
    options.tag = "\xff";
    assert_false(options_write(&options, params));
    json_decref(params);
    // A program that was built when the structure was shorter.
    options = (struct dg_options)DG_INIT(dg_options);
    options.tag = "t";
    options.size = offsetof(struct dg_options, tag);
    assert_null(options_read(&options).tag);
    options.size = sizeof(options) + 100;
    assert_string_equal(options_read(&options).tag, "t");
    assert_null(options_read(NULL).tag);
}

static void test_codes(void **state)
{
    for (unsigned code = 0; code < DG_CODE_COUNT; code++) {
        assert_non_null(dg_code_advice(code));
        assert_true((dg_code_category(code) == DG_CATEGORY_NONE) == (code == DG_OK));
        assert_true((dg_code_severity(code) == DG_SEVERITY_NONE) == (code == DG_OK));
        assert_true(strlen(dg_category_text(dg_code_category(code))) > 0);
    }
    assert_int_equal(dg_code_category(DG_REFER_TARGET), DG_CATEGORY_POLICY);
    assert_true(dg_code_is_temporary(DG_RATE_LIMITED));
    assert_false(dg_code_is_temporary(DG_PROTOCOL));
    assert_int_equal(code_of_wire(-32015), DG_REFER_REFUSED);
    assert_int_equal(code_of_wire(-1), DG_REFUSED);
    assert_int_equal(dg_code_category((enum dg_code)999), DG_CATEGORY_CONNECTION);
}

static void test_states(void **state)
{
    static const char wanted[5][6] = {".xxxx", ".xxxx", "...xx", "..x.x", "....."};
    for (unsigned from = 0; from < 5; from++)
        for (unsigned to = 0; to < 5; to++)
            assert_int_equal(dg_state_can_follow(from, to), wanted[from][to] == 'x');
    assert_false(dg_state_can_follow(DG_STATE_NONE, (enum dg_state)5));
    assert_string_equal(dg_state_text(DG_STATE_TERMINATING), "terminating");
}

static void test_lines(void **state)
{
    static const struct {
        const char *name, *text;
        enum line_kind kind;
    } rows[] = {
        {"no JSON", "hello", LINE_BAD},
        {"no object", "[]", LINE_BAD},
        {"nothing of ours", "{}", LINE_BAD},
        {"a key twice", "{\"result\":1,\"result\":2}", LINE_BAD},
        {"a result", "{\"id\":7,\"result\":null}", LINE_REPLY},
        {"an error", "{\"id\":7,\"error\":{\"code\":-32010,\"message\":\"no\"}}", LINE_REPLY},
        {"an event", "{\"method\":\"ua.event\",\"params\":{}}", LINE_EVENT},
        {"an event of nothing", "{\"method\":\"ua.event\",\"params\":7}", LINE_OTHER},
        {"another notification", "{\"method\":\"event\",\"params\":{}}", LINE_OTHER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line line = line_read(rows[i].text, strlen(rows[i].text));
        print_message("%s\n", rows[i].name);
        assert_int_equal(line.kind, rows[i].kind);
        assert_int_equal(line.id, line.kind == LINE_REPLY ? 7 : 0);
        json_decref(line.json);
    }
    json_t *params = json_loads("{\"event\":\"failed\",\"status\":70000,\"seq\":-1,\"dialog\":"
                                "\"0123456789012345678901234567890123\",\"final\":1,\"message\":[]}",
                                0, NULL);
    struct line_event event;
    line_event(params, &event);
    assert_int_equal(event.kind, DG_EVENT_FAILED);
    assert_int_equal(event.status, 0);
    assert_int_equal(event.number, 0);
    assert_string_equal(event.dialog, "");
    assert_string_equal(event.reason, "");
    assert_true(event.final);
    assert_null(event.message);
    json_decref(params);
}

static void test_table(void **state)
{
    enum { COUNT = 1000 };
    static struct node nodes[COUNT];
    struct table table = {0};
    char id[16];
    assert_null(table_find(&table, "0"));
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_true(table_add(&table, &nodes[i], id));
    }
    for (int i = 0; i < COUNT; i += 2)
        table_remove(&table, &nodes[i]);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_ptr_equal(table_find(&table, id), i % 2 ? &nodes[i] : NULL);
    }
    size_t seen = 0;
    for (struct node *node = NULL; (node = table_next(&table, node));)
        seen++;
    assert_int_equal(seen, COUNT / 2);
    assert_int_equal(table.count, COUNT / 2);
    table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_messages), cmocka_unit_test(test_options),
        cmocka_unit_test(test_codes),     cmocka_unit_test(test_states),   cmocka_unit_test(test_lines),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
