// SPDX-License-Identifier: BSD-3-Clause
#include "digest.h"
#include "quoted.h"
#include "value.h"

static bool dump(const uint8_t *octets, struct span text, struct writer *out)
{
    struct digest digest;
    if (digest_read(octets, text, &digest) != 0)
        return false;
    write_digest(out, octets, &digest);
    dump_number(out, " | ", digest.algorithm);
    write_text(out, digest_is_credentials(&digest) ? " credentials"
                    : digest_is_challenge(&digest) ? " challenge"
                                                   : " neither");
    if (digest.is_stale)
        write_text(out, " stale");
    if (digest.offers_auth)
        write_text(out, " auth");
    if (digest.offers_auth_int)
        write_text(out, " auth-int");
    if (digest.nc != 0)
        dump_number(out, " nc=", digest.nc);
    return true;
}

static void test_challenge(void **state)
{
    static const struct value_row rows[] = {
        {"Digest realm=\"h\", nonce=\"n\"", "Digest realm=\"h\", nonce=\"n\" | 0 challenge"},
        {"DIGEST nonce=\"n\" ,\r\n realm = \"a, b\", stale=TRUE, algorithm=MD5, qop=\"auth, auth-int\", x=y",
         "DIGEST realm=\"a, b\", nonce=\"n\", algorithm=MD5, qop=\"auth, auth-int\", stale=TRUE | 0 "
         "challenge "
         "stale auth auth-int"},
        {"Digest realm=\"\", nonce=\"n\", algorithm=sha-256, stale=false, qop=\"auth\"",
         "Digest realm=\"\", nonce=\"n\", algorithm=sha-256, qop=\"auth\", stale=false | 2 challenge auth"},
        {"Digest realm=\"h\", nonce=\"n\", algorithm=SHA-512-256-sess, domain=\"sip:a\", userhash=true",
         "Digest realm=\"h\", nonce=\"n\", algorithm=SHA-512-256-sess, domain=\"sip:a\", userhash=true | 5 "
         "challenge"},
        {"Digest nonce=\"n\", algorithm=SHA1", "Digest nonce=\"n\", algorithm=SHA1 | 6 neither"},
        {"Basic realm=\"h\"", "Basic | 0 neither"},
        {"Odd data==", "Odd | 0 neither"},
        {"Digest", NULL},
        {"Digest ", NULL},
        {"Digest realm=\"h", NULL},
        {"Digest realm=\"h\\\"", NULL},
        {"Digest realm", NULL},
        {"Digest realm=", NULL},
        {"Digest realm=\"h\" nonce=\"n\"", NULL},
        {"Digest realm=\"h\", realm=\"i\"", NULL},
        {"Digest realm=\"h\",", NULL},
        {"Digest ,realm=\"h\"", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump);
}

static void test_credentials(void **state)
{
#define PLAIN "Digest username=\"a\", realm=\"h\", nonce=\"n\", uri=\"sip:h\", response=\"0\""
    static const struct value_row rows[] = {
        {PLAIN, PLAIN " | 0 credentials"},
        {PLAIN ", cnonce=\"c\", opaque=\"o\", qop=auth, nc=0000000F",
         PLAIN ", cnonce=\"c\", opaque=\"o\", qop=auth, nc=0000000F | 0 credentials auth nc=15"},
        {PLAIN ", qop=auth", PLAIN ", qop=auth | 0 challenge auth"},
        {PLAIN ", nc=1", NULL},
        {PLAIN ", nc=0000000g", NULL},
        {PLAIN ", nc=000000001", NULL},
    };
    CHECK_ROWS(rows, dump);
}

static bool dump_quoted(const uint8_t *octets, struct span text, struct writer *out)
{
    write_unquoted(out, octets, text);
    return true;
}

static void test_quoted(void **state)
{
    static const struct value_row rows[] = {
        {"\"a b\"", "a b"}, {"\"\"", ""},         {"\"a\\\"b\\\\\"", "a\"b\\"},
        {"token", "token"}, {"\"a\\\\\"", "a\\"}, {"", ""},
    };
    char text[32];
    struct writer writer;
    CHECK_ROWS(rows, dump_quoted);
    writer_init(&writer, text, sizeof(text));
    write_quoted(&writer, "a\"\\\x07\tb", 6);
    assert_int_equal(writer.used, 11);
    assert_memory_equal(text, "\"a\\\"\\\\\\\x07\tb\"", 11);
    assert_false(writer.overflow);
    for (unsigned i = 0; i < 2; i++) {
        writer_init(&writer, text, sizeof(text));
        write_quoted(&writer, i == 0 ? "a\rb" : "a\nb", 3);
        assert_true(writer.overflow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_challenge), cmocka_unit_test(test_credentials),
                                       cmocka_unit_test(test_quoted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
