// SPDX-License-Identifier: BSD-3-Clause
// RFC 4028, one row a sentence of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "session_timer.h"

enum { NEITHER = SESSION_NEITHER, UAC = SESSION_UAC, UAS = SESSION_UAS };

static void asks(void **test)
{
    static const struct {
        const char *name;
        struct session_policy policy;
        uint32_t min_se_s;
        struct session_request is;
    } rows[] = {
        {"not wanted: only Supported", {0, 90, NEITHER}, 0, {0, 0, NEITHER, true}},
        {"wanted", {1800, 90, NEITHER}, 0, {1800, 0, NEITHER, true}},
        {"wanted, and refreshed by us", {1800, 90, UAC}, 0, {1800, 0, UAC, true}},
        {"7.1: a Min-SE above the default is told", {1800, 600, UAS}, 0, {1800, 600, UAS, true}},
        {"never below our own minimum", {100, 600, UAC}, 0, {600, 600, UAC, true}},
        {"never below the floor", {10, 0, UAC}, 0, {90, 0, UAC, true}},
        {"never above the ceiling", {1000000, 90, UAC}, 0, {86400, 0, UAC, true}},
        {"7.3: raised and told after a 422", {300, 90, UAC}, 500, {500, 500, UAC, true}},
        {"7.3: also when we want none ourselves", {0, 90, NEITHER}, 500, {500, 500, NEITHER, true}},
        {"7.3: a 422 below what is wanted", {1800, 90, UAC}, 500, {1800, 500, UAC, true}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_request request = session_ask(&rows[i].policy, rows[i].min_se_s);
        print_message("%s\n", rows[i].name);
        assert_int_equal(request.interval_s, rows[i].is.interval_s);
        assert_int_equal(request.min_se_s, rows[i].is.min_se_s);
        assert_int_equal(request.refresher, rows[i].is.refresher);
        assert_true(request.supported);
    }
}

static void asks_again(void **test)
{
    struct session_request asked = {.interval_s = 300, .supported = true};
    assert_int_equal(session_ask_again(&asked, 500), 500);
    // A server that names what it was given would be asked for ever.
    assert_int_equal(session_ask_again(&asked, 300), 0);
    assert_int_equal(session_ask_again(&asked, 0), 0);
    assert_int_equal(session_ask_again(&asked, SESSION_CEILING_S), SESSION_CEILING_S);
    assert_int_equal(session_ask_again(&asked, SESSION_CEILING_S + 1), 0);
    assert_int_equal(session_ask_again(&asked, UINT32_MAX), 0);
}

static void agrees(void **test)
{
    static const struct {
        const char *name;
        uint32_t asked_s;
        struct session_terms answered, is;
    } rows[] = {
        {"7.2: no Session-Expires, no session timer", 1800, {0, NEITHER}, {0, NEITHER}},
        {"no Session-Expires, whatever else", 1800, {0, UAS}, {0, NEITHER}},
        {"as asked", 1800, {1800, UAC}, {1800, UAC}},
        {"lowered", 1800, {600, UAS}, {600, UAS}},
        {"not asked for", 0, {600, UAS}, {600, UAS}},
        {"no refresher: we do it", 1800, {600, NEITHER}, {600, UAC}},
        {"raised, which is not allowed: as asked", 1800, {3600, UAS}, {1800, UAS}},
        {"below the floor: a trap for who refreshes", 1800, {1, UAC}, {90, UAC}},
        {"not asked for and endless", 0, {UINT32_MAX, UAC}, {SESSION_CEILING_S, UAC}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_request asked = {.interval_s = rows[i].asked_s, .supported = true};
        struct session_terms terms = session_agree(&asked, rows[i].answered);
        print_message("%s\n", rows[i].name);
        assert_int_equal(terms.interval_s, rows[i].is.interval_s);
        assert_int_equal(terms.refresher, rows[i].is.refresher);
    }
}

static void answers(void **test)
{
    static const struct {
        const char *name;
        struct session_policy policy;
        struct session_request request;
        struct session_answer is;
    } rows[] = {
        // Table 2
        {"not supported, none asked", {600, 90, UAC}, {0, 0, NEITHER, false}, {0, 0, {600, UAS}, false}},
        {"not supported, a proxy asks", {0, 90, UAC}, {600, 0, NEITHER, false}, {0, 0, {600, UAS}, false}},
        {"not supported, says uac", {0, 90, NEITHER}, {600, 0, UAC, false}, {0, 0, {600, UAS}, false}},
        {"supported, free, we say uas", {0, 90, UAS}, {600, 0, NEITHER, true}, {0, 0, {600, UAS}, true}},
        {"supported, free, no matter", {0, 90, NEITHER}, {600, 0, NEITHER, true}, {0, 0, {600, UAC}, true}},
        {"supported, uac binds", {0, 90, UAS}, {600, 0, UAC, true}, {0, 0, {600, UAC}, true}},
        {"supported, uas binds", {0, 90, UAC}, {600, 0, UAS, true}, {0, 0, {600, UAS}, true}},
        // the interval
        {"neither wants it", {0, 90, UAC}, {0, 0, NEITHER, true}, {0, 0, {0, NEITHER}, false}},
        {"inserted", {600, 90, NEITHER}, {0, 0, NEITHER, true}, {0, 0, {600, UAC}, true}},
        {"inserted, not below its Min-SE", {600, 90, UAC}, {0, 900, NEITHER, true}, {0, 0, {900, UAC}, true}},
        {"lowered", {600, 90, UAC}, {1800, 0, UAC, true}, {0, 0, {600, UAC}, true}},
        {"lowered, not below its Min-SE", {600, 90, UAC}, {1800, 900, UAC, true}, {0, 0, {900, UAC}, true}},
        {"never raised", {1800, 90, UAC}, {600, 0, UAC, true}, {0, 0, {600, UAC}, true}},
        {"never raised, though its Min-SE says so",
         {0, 90, UAC},
         {600, 900, UAC, true},
         {0, 0, {600, UAC}, true}},
        {"endless", {0, 90, UAC}, {UINT32_MAX, 0, UAC, true}, {0, 0, {SESSION_CEILING_S, UAC}, true}},
        {"an endless Min-SE",
         {600, 90, UAC},
         {0, UINT32_MAX, UAC, true},
         {0, 0, {SESSION_CEILING_S, UAC}, true}},
        // 422
        {"too short", {0, 300, UAC}, {120, 0, UAC, true}, {422, 300, {0, NEITHER}, false}},
        {"below the floor", {0, 0, UAC}, {89, 0, UAC, true}, {422, 90, {0, NEITHER}, false}},
        {"just long enough", {0, 300, UAC}, {300, 0, UAC, true}, {0, 0, {300, UAC}, true}},
        {"too short of who knows no 422", {0, 300, UAC}, {120, 0, NEITHER, false}, {0, 0, {120, UAS}, false}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_answer answer = session_answer(&rows[i].policy, &rows[i].request);
        print_message("%s\n", rows[i].name);
        assert_int_equal(answer.status, rows[i].is.status);
        assert_int_equal(answer.min_se_s, rows[i].is.min_se_s);
        assert_int_equal(answer.terms.interval_s, rows[i].is.terms.interval_s);
        assert_int_equal(answer.terms.refresher, rows[i].is.terms.refresher);
        assert_int_equal(answer.require, rows[i].is.require);
    }
}

static void passes_requests(void **test)
{
    static const struct {
        const char *name;
        struct session_policy policy;
        struct session_request request;
        unsigned status;
        struct session_request is;
    } rows[] = {
        {"8.1: observed", {0, 90, UAC}, {1800, 0, UAC, true}, 0, {1800, 0, UAC, true}},
        {"none, none inserted", {0, 90, UAC}, {0, 0, NEITHER, true}, 0, {0, 0, NEITHER, true}},
        {"inserted, whoever knows it", {600, 90, UAC}, {0, 0, NEITHER, false}, 0, {600, 0, NEITHER, false}},
        {"inserted, not below its Min-SE",
         {600, 90, UAC},
         {0, 900, NEITHER, true},
         0,
         {900, 900, NEITHER, true}},
        {"lowered", {600, 90, UAC}, {1800, 0, UAS, true}, 0, {600, 0, UAS, true}},
        {"lowered, not below its Min-SE", {600, 90, UAC}, {1800, 900, UAC, true}, 0, {900, 900, UAC, true}},
        {"never raised", {1800, 90, UAC}, {600, 0, UAC, true}, 0, {600, 0, UAC, true}},
        {"too short", {600, 300, UAC}, {120, 0, UAC, true}, 422, {120, 0, UAC, true}},
        {"just long enough", {0, 300, UAC}, {300, 0, UAC, true}, 0, {300, 0, UAC, true}},
        {"too short of who knows no 422",
         {600, 300, UAC},
         {120, 0, NEITHER, false},
         0,
         {300, 300, NEITHER, false}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_request request = rows[i].request;
        print_message("%s\n", rows[i].name);
        assert_int_equal(session_pass_request(&rows[i].policy, &request), rows[i].status);
        assert_int_equal(request.interval_s, rows[i].is.interval_s);
        assert_int_equal(request.min_se_s, rows[i].is.min_se_s);
        assert_int_equal(request.refresher, rows[i].is.refresher);
        assert_int_equal(request.supported, rows[i].is.supported);
    }
}

static void passes_responses(void **test)
{
    static const struct {
        const char *name;
        struct session_request sent;
        struct session_terms terms;
        bool changed;
        struct session_terms is;
    } rows[] = {
        {"the UAS says it", {600, 0, UAC, true}, {500, UAS}, false, {500, UAS}},
        {"8.2: the UAS does not know it", {600, 0, NEITHER, true}, {0, NEITHER}, true, {600, UAC}},
        {"neither knows it", {600, 0, NEITHER, false}, {0, NEITHER}, false, {0, NEITHER}},
        {"nobody asked", {0, 0, NEITHER, true}, {0, NEITHER}, false, {0, NEITHER}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_terms terms = rows[i].terms;
        print_message("%s\n", rows[i].name);
        assert_int_equal(session_pass_response(&rows[i].sent, &terms), rows[i].changed);
        assert_int_equal(terms.interval_s, rows[i].is.interval_s);
        assert_int_equal(terms.refresher, rows[i].is.refresher);
    }
}

// 7.4 and 10: half; 32 seconds or a third before the end.
static void deadlines(void **test)
{
    static const struct {
        uint32_t interval_s;
        tick_t refresh, over, forgotten;
    } rows[] = {
        {90, 4500, 6000, 9000},
        {91, 4550, 6100, 9100}, // a third of 91, in whole seconds, is 30
        {96, 4800, 6400, 9600},
        {1800, 90000, 176800, 180000},
        {SESSION_CEILING_S, 4320000, 8636800, 8640000},
        {UINT32_MAX, 4320000, 8636800, 8640000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(session_refresh_after(rows[i].interval_s), rows[i].refresh);
        assert_int_equal(session_over_after(rows[i].interval_s), rows[i].over);
        assert_int_equal(session_forgotten_after(rows[i].interval_s), rows[i].forgotten);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks),      cmocka_unit_test(asks_again),      cmocka_unit_test(agrees),
        cmocka_unit_test(answers),   cmocka_unit_test(passes_requests), cmocka_unit_test(passes_responses),
        cmocka_unit_test(deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
