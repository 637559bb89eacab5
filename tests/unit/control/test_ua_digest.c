// SPDX-License-Identifier: BSD-3-Clause
// Digest answers against the examples of RFC 7616 3.9.1, RFC 2617 3.5 and RFC 2069 2.4 (as corrected).
#include "cmocka_first.h"
#include <stdio.h>
#include <string.h>
#include "ua/digest.h"

#define NONCE_7616 "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"

static const struct row {
    const char *name, *challenge, *user, *password, *method, *uri, *cnonce;
    const char *response; // "": no answer
} rows[] = {
    {"RFC 7616, MD5",
     "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, nonce=\"" NONCE_7616
     "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
     "Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
     "8ca523f5e9506fed4657c9700eebdbec"},
    {"RFC 7616, SHA-256",
     "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, nonce=\"" NONCE_7616
     "\"",
     "Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
     "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
    {"RFC 2617",
     "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
     "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
     "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", "6629fae49393a05397450978507c4ef1"},
    {"without qop", "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
     "Mufasa", "CircleOfLife", "GET", "/dir/index.html", "x", "1949323746fe6a43ef61f9606e7febea"},
    {"another scheme", "Basic realm=\"x\"", "a", "b", "GET", "/", "c", ""},
    {"unknown algorithm", "Digest realm=\"x\", nonce=\"y\", algorithm=SHA3", "a", "b", "GET", "/", "c", ""},
    {"auth-int alone", "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"", "a", "b", "GET", "/", "c", ""},
    {"no nonce", "Digest realm=\"x\"", "a", "b", "GET", "/", "c", ""},
};

static size_t answer(const struct row *row, const char *more, char *lines, size_t size,
                     struct ua_digest_seen *seen)
{
    char text[2048];
    struct message message;
    const struct ua_digest digest = {row->user, row->password, NULL, row->method, row->uri, row->cnonce, 1};
    int length = snprintf(text, sizeof(text),
                          "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
                          "To: <sip:b@y>;tag=2\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nWWW-Authenticate: %s\r\n%s"
                          "Content-Length: 0\r\n\r\n",
                          row->challenge, more);
    assert_int_equal(message_parse((const uint8_t *)text, (uint32_t)length, &message), MESSAGE_FINE);
    return ua_digest_answer(&message, &digest, lines, size, seen);
}

static void test_vectors(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char lines[2048] = "", expected[128];
        struct ua_digest_seen seen;
        print_message("%s\n", rows[i].name);
        size_t length = answer(&rows[i], "", lines, sizeof(lines), &seen);
        assert_int_equal(length > 0, rows[i].response[0] != '\0');
        snprintf(expected, sizeof(expected), "response=\"%s\"", rows[i].response);
        if (length > 0)
            assert_non_null(strstr(lines, expected));
        assert_false(seen.stale);
    }
}

static void test_several(void **state)
{
    char lines[4096];
    struct ua_digest_seen seen;
    // RFC 8760 2.4: the first that is understood of a realm; another realm has an answer of its own.
    size_t length = answer(&rows[1],
                           "WWW-Authenticate: Digest realm=\"http-auth@example.org\", nonce=\"z\"\r\n"
                           "WWW-Authenticate: Digest realm=\"other\", nonce=\"q\", stale=true\r\n",
                           lines, sizeof(lines), &seen);
    lines[length] = '\0';
    assert_non_null(strstr(lines, "algorithm=SHA-256"));
    assert_null(strstr(lines, "nonce=\"z\""));
    assert_non_null(strstr(lines, "\r\nAuthorization: Digest username=\"Mufasa\",realm=\"other\""));
    assert_true(seen.stale);
    assert_string_equal(seen.realm, "http-auth@example.org");
    // No room: nothing half.
    assert_int_equal(answer(&rows[1], "", lines, 100, &seen), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_several)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
