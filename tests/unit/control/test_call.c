// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC lines against the daemon's real methods, with a configuration and no dataplane.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"
#include "rpc/call.h"

static char directory[] = "/tmp/dialgate-call-XXXXXX";
static struct event_base *base;
static struct control control;
static char *last;

static int group_setup(void **state)
{
    char error[ERROR_SIZE];
    struct control_options options = {SOURCE_ROOT "/config/examples/lab.yaml", directory, directory, NULL};
    if (!mkdtemp(directory))
        return -1;
    base = event_base_new();
    if (control_init(&control, base, &options, error, sizeof(error)) < 0) {
        print_error("%s\n", error);
        return -1;
    }
    return control_connect(&control);
}

static int group_teardown(void **state)
{
    char path[128];
    control_fini(&control);
    event_base_free(base);
    libevent_global_shutdown();
    snprintf(path, sizeof(path), "%s/manifest", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/sequence", directory);
    unlink(path);
    return rmdir(directory);
}

static void on_answer(void *context, char *line)
{
    ++*(int *)context;
    free(last);
    last = line;
}

static json_t *serve(const char *line, size_t length)
{
    int answers = 0;
    struct rpc_answer answer = {.answer = on_answer, .context = &answers};
    rpc_serve(&control, line, length, &answer);
    assert_int_equal(answers, 1);
    if (!last)
        return NULL;
    assert_int_equal(last[strlen(last) - 1], '\n');
    json_t *reply = json_loads(last, 0, NULL);
    assert_non_null(reply);
    assert_string_equal(json_string_value(json_object_get(reply, "jsonrpc")), "2.0");
    free(last);
    last = NULL;
    return reply;
}

// params in, code out; 0: a result.
static const struct {
    const char *what;
    const char *line;
    int code;
} rows[] = {
    {"no JSON", "{", -32700},
    {"empty line", "", -32700},
    {"two values", "{} {}", -32700},
    {"octets beyond UTF-8", "{\"a\":\"\xff\"}", -32700},
    {"the same key twice", "{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\"}", -32700},
    {"a number", "1", -32600},
    {"a text", "\"status\"", -32600},
    {"no version", "{\"id\":1,\"method\":\"system.status\"}", -32600},
    {"version 1", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"system.status\"}", -32600},
    {"version no text", "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"system.status\"}", -32600},
    {"no method", "{\"jsonrpc\":\"2.0\",\"id\":1}", -32600},
    {"method no text", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600},
    {"id an object", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"system.status\"}", -32600},
    {"unknown method", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.stat\"}", -32601},
    {"empty method", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", -32601},
    {"params by position", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":[\"sbcs\"]}",
     0},
    {"a parameter missing", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\"}", -32602},
    {"an unknown one", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.status\",\"params\":{\"x\":1}}",
     -32602},
    {"of the wrong type", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":1}}",
     -32602},
    {"with NUL",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":\"a\\u0000b\"}}", -32602},
    {"negative", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"older_ms\":-1}}",
     -32602},
    {"limit 0", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"limit\":0}}", -32602},
    {"limit 1001", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"limit\":1001}}",
     -32602},
    {"unknown state",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"state\":\"any\"}}", -32602},
    {"bad cursor", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"cursor\":\"1\"}}",
     -32602},
    {"file and text", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.check\",\"params\":{}}", -32602},
    {"relative file",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.reload\",\"params\":{\"file\":\"x\"}}", -32602},
    {"empty id", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.show\",\"params\":{\"id\":\"\"}}",
     -32602},
    {"unknown peer", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":\"x\"}}",
     -32001},
    {"unknown peer of a list",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"peer\":\"x\"}}", -32001},
    {"dialogs without dataplane", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\"}", -32002},
    {"end without dataplane",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.end\",\"params\":{\"id\":\"a\"}}", -32002},
    {"count without dataplane", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.count\"}", -32002},
    {"cores without dataplane", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"core.list\"}", -32002},
    {"ban without dataplane",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prefilter.ban\",\"params\":{\"address\":\"1.2.3.4\"}}",
     -32002},
    {"wrong YAML",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.check\",\"params\":{\"text\":\"a: b\"}}", -32000},
    {"no such file",
     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.reload\",\"params\":{\"file\":\"/nonexistent\"}}",
     -32000},
    {"status", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.status\"}", 0},
    {"status, empty params", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.status\",\"params\":{}}", 0},
    {"peers", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.list\"}", 0},
    {"peer", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":\"sbcs\"}}", 0},
    {"configuration", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.show\"}", 0},
    {"reload", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.reload\"}", 0},
    {"metrics", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"metrics.get\"}", 0},
    {"methods", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"api.list\"}", 0},
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].what);
        json_t *reply = serve(rows[i].line, strlen(rows[i].line));
        json_t *error = json_object_get(reply, "error");
        assert_int_equal(json_integer_value(json_object_get(error, "code")), rows[i].code);
        assert_true((error == NULL) == (json_object_get(reply, "result") != NULL));
        if (error)
            assert_string_not_equal(json_string_value(json_object_get(error, "message")), "");
        json_decref(reply);
    }
}

static void test_id_comes_back(void **state)
{
    static const char *const ids[] = {"1", "-5", "\"a b\"", "null", "9007199254740993"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char line[256];
        int length =
            snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"api.list\",\"id\":%s}", ids[i]);
        json_t *reply = serve(line, (size_t)length);
        char *id = json_dumps(json_object_get(reply, "id"), JSON_ENCODE_ANY);
        assert_string_equal(id, ids[i]);
        free(id);
        json_decref(reply);
    }
}

static void test_notification_gets_nothing(void **state)
{
    static const char good[] = "{\"jsonrpc\":\"2.0\",\"method\":\"api.list\"}";
    static const char bad[] = "{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}";
    assert_null(serve(good, sizeof(good) - 1));
    assert_null(serve(bad, sizeof(bad) - 1));
}

static void test_every_cut(void **state)
{
    static const char line[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":\"sbcs\"}}";
    for (size_t length = 0; length < sizeof(line) - 1; length++) {
        json_t *reply = serve(line, length);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(reply, "error"), "code")),
                         -32700);
        json_decref(reply);
    }
}

static void test_what_peers_say(void **state)
{
    static const char line[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":\"sbcs\"}}";
    json_t *reply = serve(line, sizeof(line) - 1);
    json_t *result = json_object_get(reply, "result");
    json_t *members = json_object_get(result, "members");
    assert_string_equal(json_string_value(json_object_get(json_object_get(result, "peer"), "listener")),
                        "core");
    assert_int_equal(json_array_size(members), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(members, 0), "address")),
                        "10.20.0.11:5060");
    json_decref(reply);
}

static void test_shown_configuration_parses_again(void **state)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.show\"}";
    json_t *reply = serve(line, sizeof(line) - 1);
    const char *yaml = json_string_value(json_object_get(json_object_get(reply, "result"), "yaml"));
    json_t *check = json_pack("{s:s, s:i, s:s, s:{s:s}}", "jsonrpc", "2.0", "id", 2, "method", "config.check",
                              "params", "text", yaml);
    char *text = json_dumps(check, 0);
    json_t *verdict = serve(text, strlen(text));
    assert_true(json_is_true(json_object_get(json_object_get(verdict, "result"), "valid")));
    assert_true(json_is_null(json_object_get(json_object_get(verdict, "result"), "needs_restart")));
    free(text);
    json_decref(check);
    json_decref(verdict);
    json_decref(reply);
}

static void test_table_is_complete(void **state)
{
    for (const struct rpc_method *method = rpc_methods; method->name; method++) {
        assert_non_null(method->handler);
        assert_non_null(method->params);
        assert_string_not_equal(method->help, "");
        for (const struct rpc_method *other = method + 1; other->name; other++)
            assert_string_not_equal(method->name, other->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_id_comes_back),
                                       cmocka_unit_test(test_notification_gets_nothing),
                                       cmocka_unit_test(test_every_cut),
                                       cmocka_unit_test(test_what_peers_say),
                                       cmocka_unit_test(test_shown_configuration_parses_again),
                                       cmocka_unit_test(test_table_is_complete)};
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
