// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "uri.h"

#define VALUES_MAX 4u

struct row {
    const char *name, *text;
    int values; // before the end or the fault
    int result; // of the last call
    struct {
        const char *whole, *uri, *parameters;
    } value[VALUES_MAX];
};

static const struct row rows[] = {
    {"bracketed", "<sip:a@b>", 1, 0, {{"<sip:a@b>", "sip:a@b", NULL}}},
    {"URI parameters", "<sip:a@b;lr>;x=y", 1, 0, {{"<sip:a@b;lr>;x=y", "sip:a@b;lr", "x=y"}}},
    {"quoted name",
     "\"A, <b>\\\" ;c\" <sip:a@b>;tag=1",
     1,
     0,
     {{"\"A, <b>\\\" ;c\" <sip:a@b>;tag=1", "sip:a@b", "tag=1"}}},
    {"token name", "Joe van der X <sip:a@b>", 1, 0, {{"Joe van der X <sip:a@b>", "sip:a@b", NULL}}},
    {"no white space behind the name",
     "caller<sip:a@b>;tag=323",
     1,
     0,
     {{"caller<sip:a@b>;tag=323", "sip:a@b", "tag=323"}}},
    {"raw UTF-8 name", "J\xc3\xb6rg <sip:a@b>", 1, 0, {{"J\xc3\xb6rg <sip:a@b>", "sip:a@b", NULL}}},
    {"bare", "sip:a@b;tag=1", 1, 0, {{"sip:a@b;tag=1", "sip:a@b", "tag=1"}}},
    {"bare with white space",
     " sip:a@b ;  tag  =  1 ",
     1,
     0,
     {{"sip:a@b ;  tag  =  1", "sip:a@b", "  tag  =  1"}}},
    {"folded",
     "<sip:a@b>\r\n ;\r\n tag = 1",
     1,
     0,
     {{"<sip:a@b>\r\n ;\r\n tag = 1", "sip:a@b", "\r\n tag = 1"}}},
    {"tel", "<tel:+12015550123>;tag=x", 1, 0, {{"<tel:+12015550123>;tag=x", "tel:+12015550123", "tag=x"}}},
    {"quoted value",
     "<sip:a@b>;x=\"1;2,3\";y",
     1,
     0,
     {{"<sip:a@b>;x=\"1;2,3\";y", "sip:a@b", "x=\"1;2,3\";y"}}},
    {"two",
     "<sip:a;lr>,<sip:b;lr>",
     2,
     0,
     {{"<sip:a;lr>", "sip:a;lr", NULL}, {"<sip:b;lr>", "sip:b;lr", NULL}}},
    {"three with white space",
     "<sip:a> , \"x,y\" <sip:b>;q=1 ,\r\n sip:c",
     3,
     0,
     {{"<sip:a>", "sip:a", NULL}, {"\"x,y\" <sip:b>;q=1", "sip:b", "q=1"}, {"sip:c", "sip:c", NULL}}},
    {"comma in the URI",
     "<sip:a,b@c>,sip:d,sip:e",
     3,
     0,
     {{"<sip:a,b@c>", "sip:a,b@c", NULL}, {"sip:d", "sip:d", NULL}, {"sip:e", "sip:e", NULL}}},
    {"nothing", "", 0, 0, {{NULL, NULL, NULL}}},
    {"white space", " \t ", 0, 0, {{NULL, NULL, NULL}}},
    {"leading comma", ",<sip:a>", 0, -1, {{NULL, NULL, NULL}}},
    {"double comma", "<sip:a>,,<sip:b>", 1, -1, {{"<sip:a>", "sip:a", NULL}}},
    {"trailing comma", "<sip:a>, ", 1, -1, {{"<sip:a>", "sip:a", NULL}}},
    {"no comma", "<sip:a> <sip:b>", 0, -1, {{NULL, NULL, NULL}}},
    {"not closed", "<sip:a", 0, -1, {{NULL, NULL, NULL}}},
    {"quotes not closed", "\"Joe <sip:a>", 0, -1, {{NULL, NULL, NULL}}},
    {"quotes without a URI", "\"Joe\"", 0, -1, {{NULL, NULL, NULL}}},
    {"comma in the name", "Bell, Alexander <sip:a>", 0, -1, {{NULL, NULL, NULL}}},
    {"space in the URI", "< sip:a >", 0, -1, {{NULL, NULL, NULL}}},
    {"no scheme", "<a@b>", 0, -1, {{NULL, NULL, NULL}}},
    {"empty brackets", "<>", 0, -1, {{NULL, NULL, NULL}}},
    {"empty parameter", "<sip:a>;;x", 0, -1, {{NULL, NULL, NULL}}},
    {"trailing semicolon", "<sip:a>;", 0, -1, {{NULL, NULL, NULL}}},
    {"empty value", "<sip:a>;x=", 0, -1, {{NULL, NULL, NULL}}},
    {"question mark without brackets", "sip:a?b=c", 0, -1, {{NULL, NULL, NULL}}},
    {"two tags", "<sip:a>;tag=1;tag=2", 0, -1, {{NULL, NULL, NULL}}},
    {"tag without a value", "<sip:a>;tag", 0, -1, {{NULL, NULL, NULL}}},
};

static void test_next(void **state)
{
    for (unsigned i = 0; i < ROWS(rows); i++) {
        const struct row *row = &rows[i];
        size_t length = strlen(row->text);
        const uint8_t *text = guard_copy(row->text, length);
        struct address address;
        uint32_t at = 0;
        for (int n = 0; n < row->values; n++) {
            assert_number(row->name, address_next(text, (struct span){0, (uint16_t)length}, &at, &address),
                          1);
            assert_span(row->name, text, address.whole, row->value[n].whole);
            assert_span(row->name, text, address.uri, row->value[n].uri);
            assert_span(row->name, text, address.parameters, row->value[n].parameters);
        }
        assert_number(row->name, address_next(text, (struct span){0, (uint16_t)length}, &at, &address),
                      row->result);
    }
}

// Cut anywhere, the walk ends within the text and within as many steps as there are octets.
static void test_next_cut(void **state)
{
    for (unsigned i = 0; i < ROWS(rows); i++)
        for (size_t length = 0; length <= strlen(rows[i].text); length++) {
            const uint8_t *text = guard_copy(rows[i].text, length);
            struct address address;
            uint32_t at = 0;
            unsigned steps = 0;
            while (address_next(text, (struct span){0, (uint16_t)length}, &at, &address) == 1) {
                assert_true(at <= length && ++steps <= length);
                assert_true((size_t)address.whole.offset + address.whole.length <= at);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next), cmocka_unit_test(test_next_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
