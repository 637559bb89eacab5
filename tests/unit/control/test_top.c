// SPDX-License-Identifier: BSD-3-Clause
// Figures of dialgatectl top from what a daemon could have said, and the screen that they are painted on.
#include "cmocka_first.h"
#include <stdlib.h>
#include <string.h>
#include "top.h"
#include "watch.h"

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    if (!value)
        fail_msg("%s in %s", error.text, text);
    return value;
}

// A bucket holds what took at most 1 ms, 2 ms, any time.
static json_t *families(int first, int second, int all, int dropped, int seizures)
{
    json_t *metrics = json_pack(
        "{s:[{s:s, s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}, {s:s, s:s, s:i}, {s:s, s:s, s:f}]},"
        "{s:s, s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}, {s:s, s:s, s:i}]},"
        "{s:s, s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}]}, {s:s, s:[{s:s, s:s, s:i}]}]}",
        "families", "name", "dialgate_post_dial_delay_seconds", "samples", "suffix", "_bucket", "labels",
        "le=\"0.001\"", "value", first, "suffix", "_bucket", "labels", "le=\"0.002\"", "value", second,
        "suffix", "_bucket", "labels", "le=\"+Inf\"", "value", all, "suffix", "_sum", "labels", "", "value",
        3.5, "name", "dialgate_packets_total", "samples", "suffix", "", "labels",
        "worker=\"0\",outcome=\"dropped\",reason=\"not_udp\"", "value", dropped, "suffix", "", "labels",
        "worker=\"1\",outcome=\"dropped\",reason=\"not_udp\"", "value", dropped, "suffix", "", "labels",
        "worker=\"0\",outcome=\"forwarded\"", "value", 1000, "name", "dialgate_peer_calls_total", "samples",
        "suffix", "", "labels", "peer=\"a\",direction=\"in\"", "value", 99, "suffix", "", "labels",
        "peer=\"b\",direction=\"out\"", "value", seizures, "name", "dialgate_peer_calls_answered_total",
        "samples", "suffix", "", "labels", "peer=\"b\",direction=\"out\"", "value", 10 + seizures / 2);
    json_t *found = top_families(metrics);
    json_decref(metrics);
    assert_int_equal(json_object_size(found), 4);
    return found;
}

static struct top_look look(double at_s, int received, json_t *found)
{
    char cores[128];
    snprintf(cores, sizeof(cores), "{\"cores\":[{\"worker\":0,\"cpu\":2,\"received\":%d,\"dialogs\":7}]}",
             received);
    return (struct top_look){
        at_s, parse("{\"ready\":true,\"calls\":{\"created\":5}}"), parse(cores),
        parse("{\"peers\":[{\"name\":\"b\",\"calls_out_total\":4,\"answered_out_total\":3}]}"), found};
}

static void forget(struct top_look *one)
{
    json_decref(one->status);
    json_decref(one->cores);
    json_decref(one->peers);
    json_decref(one->families);
}

static double at(const json_t *figures, const char *list, const char *key)
{
    const json_t *value = json_object_get(figures, list);
    if (json_is_array(value))
        value = json_array_get(value, 0);
    value = json_object_get(value, key);
    if (!json_is_number(value))
        fail_msg("%s has no number %s", list, key);
    return json_number_value(value);
}

static bool same(double a, double b)
{
    return a - b < 1e-9 && b - a < 1e-9;
}

static void test_figures(void **state)
{
    struct top_look oldest = look(10, 100, families(90, 90, 90, 1, 0));
    struct top_look before = look(20, 100, families(90, 90, 90, 1, 0));
    struct top_look now = look(22, 300, families(91, 99, 100, 5, 20));
    json_t *figures = top_figures(&now, &before, &oldest);
    assert_true(same(json_number_value(json_object_get(figures, "window_s")), 12));
    assert_true(same(at(figures, "cores", "received_rate"), 100));
    assert_true(same(at(figures, "messages", "dropped_rate"), 4));
    assert_true(same(at(figures, "messages", "dropped_total"), 10));
    assert_int_equal(json_array_size(json_object_get(figures, "drops")), 1);
    assert_true(same(at(figures, "drops", "rate"), 4));
    assert_true(same(at(figures, "calls", "answered_share"), 0.5));
    assert_true(same(at(figures, "calls", "answered_share_total"), 1));
    // Of ten since the oldest, one was within 1 ms and nine within 2 ms; of all, nearly all within 1 ms.
    assert_true(same(at(figures, "delays", "p50_s"), 0.002));
    assert_true(same(at(figures, "delays", "total_p50_s"), 0.001));
    assert_true(same(at(figures, "delays", "total_p99_s"), 0.002));
    assert_true(same(at(figures, "peers", "answered_out_share"), 0.75));
    json_decref(figures);
    forget(&oldest);
    forget(&before);
    forget(&now);
}

// Another dataplane counts from 0: no rate is negative or wild. Nothing is no share.
static void test_counters_that_went_back(void **state)
{
    struct top_look before = look(20, 1000000, families(1000, 1000, 1000, 500, 40));
    struct top_look now = look(22, 6, families(1, 1, 1, 1, 0));
    json_t *figures = top_figures(&now, &before, &before);
    assert_true(same(at(figures, "cores", "received_rate"), 3));
    assert_true(same(at(figures, "messages", "dropped_rate"), 1));
    assert_true(same(at(figures, "delays", "p50_s"), 0.001));
    assert_true(json_is_null(json_object_get(json_object_get(figures, "calls"), "answered_share")));
    json_decref(figures);
    forget(&before);
    forget(&now);
}

// What is wrong comes first, then what is busy; what was before the first look stays in its order.
static void test_order(void **state)
{
    static const char *const wanted[] = {"broken", "worse", "busy", "quiet", "idle", "last"};
    json_t *peers =
        json_pack("{s:[{s:s,s:s},{s:s,s:s,s:i},{s:s,s:s,s:i},{s:s,s:s},{s:s,s:s},{s:s,s:s}]}", "peers",
                  "name", "idle", "state", "up", "name", "quiet", "state", "unknown", "calls_in", 7, "name",
                  "busy", "state", "up", "calls_out_total", 70, "name", "worse", "state", "degraded", "name",
                  "last", "state", "up", "name", "broken", "state", "down");
    json_t *drops = json_pack("{s:[{s:s,s:i},{s:s,s:i},{s:s,s:i}]}", "dialgate_packets_total", "labels",
                              "outcome=\"dropped\",reason=\"old\",worker=\"0\"", "value", 50, "labels",
                              "outcome=\"dropped\",reason=\"new\",worker=\"0\"", "value", 3, "labels",
                              "outcome=\"dropped\",reason=\"new\",worker=\"1\"", "value", 4);
    struct top_look before = {.at_s = 1, .status = json_object(), .families = json_deep_copy(drops)};
    struct top_look now = {.at_s = 2, .status = json_object(), .peers = peers, .families = drops};
    json_t *samples = json_object_get(before.families, "dialgate_packets_total");
    json_object_set_new(json_array_get(samples, 2), "value", json_integer(1));
    json_t *figures = top_figures(&now, &before, &before);
    json_t *rows = json_object_get(figures, "peers");
    assert_int_equal(json_array_size(rows), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(rows, i), "name")), wanted[i]);
    rows = json_object_get(figures, "drops");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "reason")), "new");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "total")), 7);
    assert_true(same(at(figures, "drops", "rate"), 3));
    json_decref(figures);
    forget(&before);
    forget(&now);
}

// What is not there shows as nothing, never as a crash.
static void test_daemon_that_says_little(void **state)
{
    struct top_look empty = {.at_s = 1, .status = json_object(), .families = json_object()};
    char *text = NULL;
    size_t length = 0;
    struct ctl ctl = {.out = open_memstream(&text, &length)};
    json_t *figures = top_figures(&empty, &empty, &empty);
    assert_non_null(figures);
    top_draw(&ctl, figures);
    fclose(ctl.out);
    assert_non_null(strstr(text, "NOT READY"));
    assert_null(strstr(text, "WORKER"));
    assert_null(strstr(text, "nan"));
    free(text);
    json_decref(figures);
    forget(&empty);
}

static void test_paint(void **state)
{
    static const struct {
        const char *name, *text, *painted;
        int rows, columns;
    } rows[] = {
        {"all of it", "ab\ncd\n", "\033[Hab\033[K\r\ncd\033[K\033[J", 5, 80},
        {"nothing", "", "\033[H\033[J", 5, 80},
        {"too wide", "abcdef\ngh\n", "\033[Habc\033[K\r\ngh\033[K\033[J", 5, 3},
        {"too high", "a\nb\nc\nd\n", "\033[Ha\033[K\r\nb\033[K\r\n-- 2 more lines --\033[K\033[J", 3, 80},
        {"just as high", "a\nb\n", "\033[Ha\033[K\r\nb\033[K\033[J", 2, 80},
        {"one row", "a\nb\n", "\033[H-- 2 more lines --\033[K\033[J", 1, 80},
        {"characters of two octets", "\xc3\xa4\xc3\xb6x\n", "\033[H\xc3\xa4\xc3\xb6\033[K\033[J", 2, 2},
        {"colours take no room and end", "\033[31mabc\033[0m\n", "\033[H\033[31mab\033[0m\033[K\033[J", 2, 2},
        {"half an escape sequence", "a\033[3", "\033[Ha\033[3\033[K\033[J", 2, 9},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        watch_paint(rows[i].text, rows[i].rows, rows[i].columns, out);
        fclose(out);
        print_message("%s\n", rows[i].name);
        assert_string_equal(text, rows[i].painted);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures), cmocka_unit_test(test_counters_that_went_back),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_daemon_that_says_little),
        cmocka_unit_test(test_paint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
