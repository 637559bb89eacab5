// SPDX-License-Identifier: BSD-3-Clause
#include "media_type.h"
#include "token_list.h"
#include "value.h"

static void dump_media(struct writer *out, const uint8_t *octets, const struct media_type *media)
{
    dump_span(out, "", octets, media->type);
    dump_span(out, "/", octets, media->subtype);
    dump_span(out, ";", octets, media->parameters);
    dump_span(out, " boundary=", octets, media->boundary);
    if (media->q != 1000)
        dump_number(out, " q=", media->q);
}

static bool dump_type(const uint8_t *octets, struct span text, struct writer *out)
{
    struct media_type media;
    if (media_type_read(octets, text, &media) != 0)
        return false;
    dump_media(out, octets, &media);
    return true;
}

static bool dump_accept(const uint8_t *octets, struct span text, struct writer *out)
{
    struct media_type media;
    uint32_t at = 0;
    int more;
    while ((more = accept_next(octets, text, &at, &media)) == 1) {
        dump_media(out, octets, &media);
        write_text(out, "|");
    }
    return more == 0;
}

static void test_media_type(void **state)
{
    static const struct value_row rows[] = {
        {"application/sdp", "application/sdp"},
        {"Multipart / Mixed ; boundary = \"a,b\" ; x=y",
         "Multipart/Mixed; boundary = \"a,b\" ; x=y boundary=\"a,b\""},
        {"message/sipfrag;version=2.0", "message/sipfrag;version=2.0"},
        {"text", NULL},
        {"text/", NULL},
        {"/plain", NULL},
        {"text/plain;boundary=a;boundary=b", NULL},
        {"text/plain;boundary=\"a", NULL},
        {"text/plain, text/html", NULL},
        {"text/plain x", NULL},
        {"", NULL},
    };
    static const struct value_row lists[] = {
        {"", ""},
        {"application/sdp", "application/sdp|"},
        {"application/sdp;level=1, application/x-private, text/*;q=0.5 , */*;q=0",
         "application/sdp;level=1|application/x-private|text/*;q=0.5 q=500|*/*;q=0 q=0|"},
        {"text/plain,", NULL},
        {",text/plain", NULL},
        {"text/plain;q=2", NULL},
        {"text", NULL},
    };
    struct media_type media;
    CHECK_ROWS(rows, dump_type);
    CHECK_ROWS(lists, dump_accept);
    const uint8_t *octets = (const uint8_t *)"Application/SDP";
    assert_int_equal(media_type_read(octets, (struct span){0, 15}, &media), 0);
    assert_true(media_type_is(octets, &media, "application", "sdp"));
    assert_false(media_type_is(octets, &media, "application", "sd"));
}

static bool dump_tokens(const uint8_t *octets, struct span text, struct writer *out)
{
    struct span token;
    uint32_t at = 0;
    int more;
    while ((more = token_list_next(octets, text, &at, &token)) == 1) {
        dump_span(out, "", octets, token);
        write_text(out, "|");
    }
    return more == 0;
}

static void test_token_list(void **state)
{
    static const struct value_row rows[] = {
        {"", ""},       {"100rel", "100rel|"}, {"100rel , timer,\r\n\treplaces", "100rel|timer|replaces|"},
        {"a,,b", NULL}, {"a,", NULL},          {",", NULL},
        {"a b", NULL},  {"a;b", NULL},
    };
    CHECK_ROWS(rows, dump_tokens);
    const uint8_t *octets = (const uint8_t *)"100rel, Timer";
    assert_true(token_list_has(octets, (struct span){0, 13}, "timer"));
    assert_true(token_list_has(octets, (struct span){0, 13}, "100REL"));
    assert_false(token_list_has(octets, (struct span){0, 13}, "time"));
    assert_false(token_list_has(octets, (struct span){0, 0}, "timer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_media_type), cmocka_unit_test(test_token_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
