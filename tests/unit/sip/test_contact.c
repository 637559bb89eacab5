// SPDX-License-Identifier: BSD-3-Clause
#include "contact.h"
#include "value.h"

static bool dump(const uint8_t *octets, struct span text, struct writer *out)
{
    struct contact contact;
    uint32_t at = 0;
    int more;
    if (contact_is_star(octets, text)) {
        write_text(out, "star");
        return true;
    }
    while ((more = contact_next(octets, text, &at, &contact)) == 1) {
        dump_span(out, "[", octets, contact.address.uri);
        dump_span(out, " display=", octets, contact.address.display);
        dump_span(out, " instance=", octets, contact.instance);
        if (contact.has_q)
            dump_number(out, " q=", contact.q);
        if (contact.has_expires)
            dump_number(out, " expires=", contact.expires_s);
        if (contact.reg_id != 0)
            dump_number(out, " reg-id=", contact.reg_id);
        write_text(out, "]");
    }
    return more == 0;
}

static void test_contact(void **state)
{
    static const struct value_row rows[] = {
        {"*", "star"},
        {"<sip:a@h>", "[sip:a@h]"},
        {"sip:a@h;expires=60", "[sip:a@h expires=60]"},
        {"<sip:a@h;expires=5>;expires=60", "[sip:a@h;expires=5 expires=60]"},
        {"\"A, B\" <sip:a@h>;q=0.5;EXPIRES=0, B b <sips:b>;Q=1", "[sip:a@h display=\"A, B\" q=500 expires=0]"
                                                                 "[sips:b display=B b q=1000]"},
        {"<sip:a>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1",
         "[sip:a instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\" reg-id=1]"},
        // 20.10: what is no number means an hour.
        {"<sip:a>;expires=4294967295", "[sip:a expires=4294967295]"},
        {"<sip:a>;expires=4294967296", "[sip:a expires=3600]"},
        {"<sip:a>;expires=soon", "[sip:a expires=3600]"},
        {"<sip:a>;expires", "[sip:a expires=3600]"},
        {"<tel:+1>;a;b=\"x;q=2,\";c=d", "[tel:+1]"},
        {"<sip:a>;q=1.5", NULL},
        {"<sip:a>;q", NULL},
        {"<sip:a>;q=1;q=1", NULL},
        {"<sip:a>;expires=1;expires=2", NULL},
        {"<sip:a>;reg-id=0", NULL},
        {"<sip:a>;reg-id=2147483648", NULL},
        {"<sip:a>;reg-id=1;reg-id=2", NULL},
        {"<sip:a>;+sip.instance=\"a\";+sip.instance=\"b\"", NULL},
        {"sip:a?Route=b", NULL}, // without angle brackets a URI has no headers (20.10)
        {"sip:a,b@h", NULL},
        {"\"A\" sip:a", NULL},
        {"<sip:a>,", NULL},
        {"<sip:a", NULL},
        {"* , <sip:a>", NULL},
        {"\"A <sip:a>", NULL},
    };
    CHECK_ROWS(rows, dump);
}

// Without angle brackets parameters are the header's; a comma ends the value.
static void test_bare(void **state)
{
    static const char text[] = "sip:a@h;transport=udp;tag=x,sip:b";
    struct address address;
    uint32_t at = 0;
    const uint8_t *octets = (const uint8_t *)text;
    assert_int_equal(address_next(octets, (struct span){0, sizeof(text) - 1}, &at, &address), 1);
    assert_span("URI", octets, address.uri, "sip:a@h");
    assert_span("parameters", octets, address.parameters, "transport=udp;tag=x");
    assert_int_equal(address_next(octets, (struct span){0, sizeof(text) - 1}, &at, &address), 1);
    assert_span("second", octets, address.uri, "sip:b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contact), cmocka_unit_test(test_bare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
