// SPDX-License-Identifier: BSD-3-Clause
// RFC 5057 section 5.1, said again as lists: which codes end what, by the kind of request.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ending.h"

static bool in(unsigned status, const unsigned *list)
{
    for (; *list != 0; list++)
        if (*list == status)
            return true;
    return false;
}

// What complains of the Request-URI or of the way to it: no later request of the dialog can fare better.
static const unsigned whole_dialog[] = {404, 410, 416, 482, 483, 484, 485, 502, 604, 0};
// 5xx and 6xx that complain of this one request.
static const unsigned mere_request[] = {505, 513, 580, 603, 606, 0};
static const unsigned challenge[] = {401, 407, 0};

static enum ending usual(unsigned status)
{
    if (in(status, whole_dialog))
        return ENDING_DIALOG;
    if (status >= 500 && status != 501 && !in(status, mere_request))
        return ENDING_OPTIONAL;
    return ENDING_TRANSACTION;
}

static enum ending expected(enum ending_request request, unsigned status)
{
    static const unsigned ends_call[] = {405, 408, 480, 481, 501, 0};
    static const unsigned ends_call_by_update[] = {408, 480, 481, 0};
    static const unsigned ends_call_by_prack[] = {408, 480, 0};
    static const unsigned ends_subscription[] = {403, 405, 408, 480, 481, 489, 501, 0};
    static const unsigned of_refer_to[] = {404, 484, 485, 604, 0};
    switch (request) {
    case ENDING_REINVITE:
        return in(status, ends_call) ? ENDING_USAGE : usual(status);
    case ENDING_IN_USAGE:
        return in(status, ends_call_by_update) ? ENDING_USAGE : usual(status);
    case ENDING_PRACK:
        return in(status, ends_call_by_prack) ? ENDING_USAGE : usual(status);
    case ENDING_BYE:
        if (in(status, challenge))
            return ENDING_TRANSACTION;
        return in(status, whole_dialog) ? ENDING_DIALOG : ENDING_USAGE;
    case ENDING_CANCEL:
        return ENDING_TRANSACTION;
    case ENDING_SUBSCRIPTION:
        return in(status, ends_subscription) ? ENDING_USAGE : usual(status);
    case ENDING_REFER:
        if (in(status, of_refer_to))
            return ENDING_TRANSACTION;
        return status == 481 ? ENDING_DIALOG : usual(status);
    default:
        return status == 481 ? ENDING_DIALOG : usual(status);
    }
}

static void every_status(void **test)
{
    for (unsigned request = 0; request < ENDING_REQUESTS; request++)
        for (unsigned status = 200; status < 700; status++)
            if (ending_of((enum ending_request)request, status) !=
                expected((enum ending_request)request, status))
                fail_msg("request %u, status %u: %u", request, status,
                         ending_of((enum ending_request)request, status));
}

// RFC 5057 5.2: only the usage of the request; requests of no usage, and CANCEL, have none to end.
static void silence_is_408(void **test)
{
    for (unsigned request = 0; request < ENDING_REQUESTS; request++)
        assert_int_equal(ending_of((enum ending_request)request, 0),
                         ending_of((enum ending_request)request, 408));
    assert_int_equal(ending_of(ENDING_REINVITE, 0), ENDING_USAGE);
    assert_int_equal(ending_of(ENDING_OF_NONE, 0), ENDING_TRANSACTION);
}

static void no_final_response(void **test)
{
    static const unsigned statuses[] = {1, 99, 100, 180, 199, 700, 999, 65535};
    for (unsigned request = 0; request < ENDING_REQUESTS; request++)
        for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
            assert_int_equal(ending_of((enum ending_request)request, statuses[i]), ENDING_TRANSACTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status),
        cmocka_unit_test(silence_is_408),
        cmocka_unit_test(no_final_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
