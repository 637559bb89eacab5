// SPDX-License-Identifier: BSD-3-Clause
#include "event.h"
#include "session_expires.h"
#include "subscription_state.h"
#include "value.h"

static bool dump_event(const uint8_t *octets, struct span text, struct writer *out)
{
    struct event event;
    if (event_read(octets, text, &event) != 0)
        return false;
    write_event(out, octets, &event);
    return true;
}

static void test_event(void **state)
{
    static const struct value_row rows[] = {
        {"refer", "refer"},
        {"refer;id=93809824", "refer;id=93809824"},
        {"presence.winfo ; a=b ;\r\n ID = 1", "presence.winfo;id=1"},
        {"refer;id", NULL},
        {"refer;id=", NULL},
        {"refer;id=1;id=1", NULL},
        {"refer id=1", NULL},
        {"refer,dialog", NULL},
        {";id=1", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_event);
}

static bool dump_state(const uint8_t *octets, struct span text, struct writer *out)
{
    struct subscription_state state;
    if (subscription_state_read(octets, text, &state) != 0)
        return false;
    dump_number(out, "", state.state);
    write_text(out, " ");
    write_subscription_state(out, octets, &state);
    return true;
}

static void test_subscription_state(void **state)
{
    static const struct value_row rows[] = {
        {"active;expires=60", "0 active;expires=60"},
        {"Pending", "1 Pending"},
        {"terminated;reason=noresource", "2 terminated;reason=noresource"},
        {"terminated;retry-after=4294967295;reason=giveup;expires=0;x=y",
         "2 terminated;reason=giveup;expires=0;retry-after=4294967295"},
        {"waiting", "3 waiting"},
        {"active;expires=4294967296", NULL},
        {"active;expires=-1", NULL},
        {"active;expires", NULL},
        {"active;expires=1;expires=1", NULL},
        {"active;reason=a;reason=b", NULL},
        {"terminated;retry-after=x", NULL},
        {"active,pending", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_state);
}

static bool dump_session(const uint8_t *octets, struct span text, struct writer *out)
{
    struct session_expires session;
    if (session_expires_read(octets, text, &session) != 0)
        return false;
    write_session_expires(out, &session);
    return true;
}

static bool dump_min_se(const uint8_t *octets, struct span text, struct writer *out)
{
    uint32_t interval_s;
    if (min_se_read(octets, text, &interval_s) != 0)
        return false;
    write_number(out, interval_s);
    return true;
}

static void test_session_expires(void **state)
{
    static const struct value_row rows[] = {
        {"1800", "1800"},
        {"90;refresher=uac", "90;refresher=uac"},
        {"4294967295 ;x=y; Refresher = UAS", "4294967295;refresher=uas"},
        {"4294967296", NULL},
        {"-90", NULL},
        {"x", NULL},
        {"", NULL},
        {"90;refresher", NULL},
        {"90;refresher=us", NULL},
        {"90;refresher=uac;refresher=uas", NULL},
        {"90 uac", NULL},
        {"90,90", NULL},
        {"90;", NULL},
    };
    static const struct value_row minimums[] = {
        {"90", "90"}, {"120;a=b", "120"}, {"", NULL}, {"a", NULL}, {"90;;", NULL}, {"90,1", NULL},
    };
    CHECK_ROWS(rows, dump_session);
    CHECK_ROWS(minimums, dump_min_se);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_event),
                                       cmocka_unit_test(test_subscription_state),
                                       cmocka_unit_test(test_session_expires)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
