// SPDX-License-Identifier: BSD-3-Clause
#include "header.h"
#include "refer_to.h"
#include "value.h"

static bool dump_replaces(const uint8_t *octets, struct span text, struct writer *out)
{
    struct replaces replaces;
    if (replaces_read(octets, text, &replaces) != 0)
        return false;
    write_replaces(out, octets, &replaces);
    return true;
}

static bool dump_join(const uint8_t *octets, struct span text, struct writer *out)
{
    struct replaces join;
    if (join_read(octets, text, &join) != 0)
        return false;
    write_replaces(out, octets, &join);
    return true;
}

static bool dump_target(const uint8_t *octets, struct span text, struct writer *out)
{
    struct target_dialog target;
    if (target_dialog_read(octets, text, &target) != 0)
        return false;
    dump_span(out, "", octets, target.call_id);
    dump_span(out, " local=", octets, target.local_tag);
    dump_span(out, " remote=", octets, target.remote_tag);
    return true;
}

static void test_dialogs(void **state)
{
    static const struct value_row rows[] = {
        {"a@h;to-tag=1;from-tag=2", "a@h;to-tag=1;from-tag=2"},
        {"a@h;from-tag=2;to-tag=1;early-only", "a@h;to-tag=1;from-tag=2;early-only"},
        {"a@h ; FROM-tag = 2\r\n ;To-Tag=1;x=\"y\";EARLY-ONLY", "a@h;to-tag=1;from-tag=2;early-only"},
        {"a@h;to-tag=1;from-tag=0", "a@h;to-tag=1;from-tag=0"},
        {"a@h;to-tag=1", NULL},
        {"a@h;from-tag=1", NULL},
        {"a@h;to-tag=;from-tag=2", NULL},
        {"a@h;to-tag;from-tag=2", NULL},
        {"a@h;to-tag=1;from-tag=2;to-tag=3", NULL},
        {"a@h;to-tag=1;from-tag=2;early-only=1", NULL},
        {"a@h;to-tag=1;from-tag=2;early-only;early-only", NULL},
        {"a@h;to-tag=1;from-tag=2,b@h;to-tag=1;from-tag=2", NULL},
        {"a b;to-tag=1;from-tag=2", NULL},
        {";to-tag=1;from-tag=2", NULL},
        {"", NULL},
    };
    static const struct value_row joins[] = {
        {"a;to-tag=1;from-tag=2", "a;to-tag=1;from-tag=2"},
        {"a;to-tag=1;from-tag=2;early-only", "a;to-tag=1;from-tag=2"},
        {"a;to-tag=1", NULL},
    };
    static const struct value_row targets[] = {
        {"a;local-tag=1;remote-tag=2", "a local=1 remote=2"},
        {"a;remote-tag=2;local-tag=1;x", "a local=1 remote=2"},
        {"a;local-tag=1", NULL},
        {"a;to-tag=1;from-tag=2", NULL},
    };
    CHECK_ROWS(rows, dump_replaces);
    CHECK_ROWS(joins, dump_join);
    CHECK_ROWS(targets, dump_target);
}

static bool dump_refer_to(const uint8_t *octets, struct span text, struct writer *out)
{
    struct refer_to refer;
    uint8_t room[256];
    struct writer buffer;
    struct replaces replaces;
    if (refer_to_read(octets, text, &refer) != 0)
        return false;
    dump_span(out, "", octets, refer.address.uri);
    write_text(out, " ");
    write_text(out, method_text(refer.method));
    dump_number(out, " headers=", refer.headers);
    writer_init(&buffer, room, sizeof(room));
    if (refer_to_replaces(octets, &refer, &buffer, &replaces) == 0) {
        write_text(out, " ");
        write_replaces(out, room, &replaces);
    } else if (refer.replaces.length != 0) {
        write_text(out, " bad");
    }
    return true;
}

static void test_refer_to(void **state)
{
    static const struct value_row rows[] = {
        {"<sip:c@h>", "sip:c@h INVITE headers=0"},
        {"sip:c@h", "sip:c@h INVITE headers=0"},
        {"tel:+1234", "tel:+1234 INVITE headers=0"},
        {"\"C\" <sip:c@h;method=BYE>;x=y", "sip:c@h;method=BYE BYE headers=0"},
        {"<sip:c@h;method=X>", "sip:c@h;method=X OTHER headers=0"},
        {"<sip:c@h?Subject=a&Replaces=i%40h%3Bto-tag%3D1%3bfrom-tag%3D2%3Bearly-only>",
         "sip:c@h?Subject=a&Replaces=i%40h%3Bto-tag%3D1%3bfrom-tag%3D2%3Bearly-only INVITE headers=2 "
         "i@h;to-tag=1;from-tag=2;early-only"},
        {"<sip:c@h?replaces=i%3Bto-tag%3D1>", "sip:c@h?replaces=i%3Bto-tag%3D1 INVITE headers=1 bad"},
        // An escaped line end must not become one.
        {"<sip:c@h?Replaces=i%0D%0AX:y%3Bto-tag%3D1%3Bfrom-tag%3D2>",
         "sip:c@h?Replaces=i%0D%0AX:y%3Bto-tag%3D1%3Bfrom-tag%3D2 INVITE headers=1 bad"},
        {"<sip:c@h?Replaces=i%4>", "sip:c@h?Replaces=i%4 INVITE headers=1 bad"},
        {"<sip:c@h?Replaces=a&Replaces=b>", NULL},
        {"<sip:c@h?Replaces=>", NULL},
        {"<sip:c@h?Replaces>", NULL},
        {"<sip:c@h?a=b&>", NULL},
        {"<sip:c@h?=b>", NULL},
        {"sip:c@h?Replaces=a", NULL},
        {"<sip:c@h>,<sip:d@h>", NULL},
        {"<sip:c@h>,", NULL},
        {"<sip:>", NULL},
        {"<c@h>", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_refer_to);
}

// What is written reads back, whatever octets the Call-ID and tags hold.
static void test_write_refer_to(void **state)
{
    static const char odd[] = "w%ZK-!.*_+'@w`~)(><:\\/\"][?}{&=x1";
    char text[256], room[256];
    struct replaces replaces = {.call_id = {0, sizeof(odd) - 3}, .to_tag = {0, 1}, .from_tag = {1, 1}};
    for (unsigned early = 0; early < 2; early++) {
        struct writer writer, buffer;
        struct refer_to refer;
        struct replaces again;
        replaces.early_only = early != 0;
        writer_init(&writer, text, sizeof(text));
        write_refer_to(&writer, "sip:c@h;x=y", (const uint8_t *)odd, &replaces);
        assert_false(writer.overflow);
        const uint8_t *copy = guard_copy(text, writer.used);
        assert_int_equal(refer_to_read(copy, (struct span){0, (uint16_t)writer.used}, &refer), 0);
        writer_init(&buffer, room, sizeof(room));
        assert_int_equal(refer_to_replaces(copy, &refer, &buffer, &again), 0);
        assert_int_equal(again.call_id.length, sizeof(odd) - 3);
        assert_memory_equal(room + again.call_id.offset, odd, sizeof(odd) - 3);
        assert_int_equal(again.early_only, early);
        // No room for the unescaped text.
        writer_init(&buffer, room, 10);
        assert_int_equal(refer_to_replaces(copy, &refer, &buffer, &again), -1);
    }
    struct writer writer;
    writer_init(&writer, text, sizeof(text));
    write_refer_to(&writer, "tel:+1", NULL, NULL);
    assert_memory_equal(text, "<tel:+1>", writer.used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dialogs), cmocka_unit_test(test_refer_to),
                                       cmocka_unit_test(test_write_refer_to)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
