// SPDX-License-Identifier: BSD-3-Clause
#include "escape.h"
#include "tel.h"
#include "value.h"
#include "write_value.h"

struct pair {
    const char *left, *right;
};

static bool are_equal(const char *left, const char *right)
{
    uint8_t other[256];
    size_t length = strlen(right);
    assert_true(length <= sizeof(other));
    memcpy(other, right, length);
    const uint8_t *octets = guard_copy(left, strlen(left));
    return uri_equal(octets, (struct span){0, (uint16_t)strlen(left)}, other,
                     (struct span){0, (uint16_t)length});
}

static void check_pairs(const struct pair *pairs, size_t count, bool want)
{
    for (size_t i = 0; i < count; i++) {
        if (are_equal(pairs[i].left, pairs[i].right) != want ||
            are_equal(pairs[i].right, pairs[i].left) != want)
            fail_msg("%s and %s: want %s", pairs[i].left, pairs[i].right, want ? "equal" : "different");
    }
}

static void test_equal(void **state)
{
    static const struct pair pairs[] = {
        {"sip:%6Aim@example.com;transport=TCP", "sip:jim@ExAmPlE.com;Transport=tcp"},
        {"sip:jo@h", "sip:jo@h;newparam=5"},
        {"sip:jo@h;a=1;b=2;lr", "SIP:jo@h;B=2;c=3;A=1"},
        {"sip:h;transport=tcp;method=REGISTER?to=sip:jo%40h",
         "sip:h;method=REGISTER;transport=tcp?to=sip:jo%40h"},
        {"sip:a@h?subject=x%20y&priority=urgent", "sip:a@h?priority=urgent&subject=x%20y"},
        {"sips:a:pw@h:5061", "sips:a:pw@H:5061"},
        {"sip:[2001:db8::9:1]", "sip:[2001:0DB8:0:0:0:0:9:01]"},
        {"sip:[::ffff:192.0.2.1]", "sip:[::FFFF:C000:201]"},
        {"tel:+358-555-1234567;postd=pp22", "TEL:+3585551234567;POSTD=PP22"},
        {"tel:+1;a=b;c=d", "tel:+1;c=d;a=b"},
        {"tel:7042;phone-context=h", "tel:70.42;phone-context=H"},
        {"urn:service:sos", "URN:Service:sos"},
        {"mailto:a@b", "MAILTO:a@b"},
    };
    check_pairs(pairs, ROWS(pairs), true);
}

static void test_different(void **state)
{
    static const struct pair pairs[] = {
        {"sip:JIM@h", "sip:jim@h"},
        {"sip:jo@h", "sip:jo@h:5060"},
        {"sip:jo@h", "sip:jo@h;transport=udp"},
        {"sip:jo@h", "sip:jo@h;user=phone"},
        {"sip:jo@h", "sip:jo@h;maddr=192.0.2.1"},
        {"sip:jo@h", "sip:jo@h;ttl=1"},
        {"sip:jo@h", "sip:jo@h;method=INVITE"},
        {"sip:jo@h;a=1", "sip:jo@h;a=2"},
        {"sip:jo@h", "sip:jo@h?Subject=next"},
        {"sip:jo@h?Subject=a", "sip:jo@h?Subject=A"},
        {"sip:jo@h", "sips:jo@h"},
        {"sip:jo@h", "sip:jo@192.0.2.4"},
        {"sip:jo:pw@h", "sip:jo:PW@h"},
        {"sip:jo:@h", "sip:jo@h"},
        {"sip:jo@h", "sip:h"},
        {"sip:a%3Bb@h", "sip:a;b@h"}, // a reserved octet is not its escape
        {"sip:a%4@h", "sip:a%04@h"},
        {"sip:[2001:db8::1]", "sip:[2001:db8::2]"},
        {"sip:[::1]", "sip:h"},
        {"tel:+1", "tel:1"},
        {"tel:+1", "tel:+12"},
        {"tel:+1", "tel:+1;ext=2"},
        {"tel:+1;ext=2", "tel:+1;ext=3"},
        {"urn:service:sos", "urn:service:SOS"},
        {"urn:service:sos", "urn:service:so"},
        {"mailto:a@b", "mailto:A@b"},
        {"mailto:a@b", "http:a@b"},
        {"sip:", "sip:"},
        {"", ""},
        {"tel:x", "tel:x"},
    };
    check_pairs(pairs, ROWS(pairs), false);
}

// Work is bounded: many parameters are not compared.
static void test_parts(void **state)
{
    char text[1024];
    for (unsigned count = URI_PARTS_MAX; count <= URI_PARTS_MAX + 1; count++) {
        int used = snprintf(text, sizeof(text), "sip:a@h");
        for (unsigned i = 0; i < count; i++)
            used += snprintf(text + used, sizeof(text) - (size_t)used, ";p%u=v", i);
        const uint8_t *octets = guard_copy(text, (size_t)used);
        struct span span = {0, (uint16_t)used};
        assert_int_equal(uri_equal(octets, span, octets, span), count <= URI_PARTS_MAX);
    }
}

static bool dump_ipv6(const uint8_t *octets, struct span text, struct writer *out)
{
    uint8_t address[16];
    if (uri_host_ipv6(octets, text, address) != 0)
        return false;
    for (unsigned i = 0; i < 16; i += 2)
        dump_number(out, i == 0 ? "" : ":", (uint32_t)(address[i] << 8 | address[i + 1]));
    return true;
}

static void test_ipv6(void **state)
{
    static const struct value_row rows[] = {
        {"[2001:db8::1]", "8193:3512:0:0:0:0:0:1"},
        {"::", "0:0:0:0:0:0:0:0"},
        {"[::]", "0:0:0:0:0:0:0:0"},
        {"1::", "1:0:0:0:0:0:0:0"},
        {"::1", "0:0:0:0:0:0:0:1"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:258:772"},
        {"::ffff:192.0.2.1", "0:0:0:0:0:65535:49152:513"},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7:8::", NULL},
        {"1::2:3:4:5:6:7:8", NULL},
        {"1::2::3", NULL},
        {":::1", NULL},
        {"1:::2", NULL},
        {":1", NULL},
        {"1:", NULL},
        {"12345::", NULL},
        {"::1.2.3", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"::1.2.3.4:1", NULL},
        {"g::", NULL},
        {"[::1", NULL},
        {"[]", NULL},
        {"192.0.2.1", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_ipv6);
}

static bool dump_tel(const uint8_t *octets, struct span text, struct writer *out)
{
    struct tel tel;
    if (tel_read(octets, text, &tel) != 0)
        return false;
    write_text(out, tel.is_global ? "global " : "local ");
    dump_span(out, "", octets, tel.number);
    dump_span(out, " ", octets, tel.parameters);
    return true;
}

static void test_tel(void **state)
{
    static const struct value_row rows[] = {
        {"+1-201-555.0123", "global +1-201-555.0123"},
        {"7042;phone-context=example.com", "local 7042 phone-context=example.com"},
        {"*69#aF", "local *69#aF"},
        {"+1;ext=2;isub=3", "global +1 ext=2;isub=3"},
        {"+", NULL},
        {"+1a", NULL},
        {"--", NULL},
        {"1x", NULL},
        {"", NULL},
        {";ext=1", NULL},
    };
    CHECK_ROWS(rows, dump_tel);
}

static bool dump_uri(const uint8_t *octets, struct span text, struct writer *out)
{
    struct uri uri;
    if (uri_parse(octets, text, &uri) != 0)
        return false;
    write_uri(out, octets, &uri);
    return true;
}

static bool dump_address(const uint8_t *octets, struct span text, struct writer *out)
{
    struct address address;
    uint32_t at = 0;
    if (address_next(octets, text, &at, &address) != 1)
        return false;
    write_address(out, octets, &address);
    return true;
}

static bool dump_via(const uint8_t *octets, struct span text, struct writer *out)
{
    struct via via;
    uint32_t at = 0;
    if (via_next(octets, text, &at, &via) != 1)
        return false;
    write_via(out, octets, &via);
    return true;
}

#define SAME(text)                                                                                           \
    {                                                                                                        \
        text, text                                                                                           \
    }

static void test_write_same(void **state)
{
    static const struct value_row uris[] = {
        SAME("sip:h"),
        SAME("SIPS:a:b@h:5061;lr;x=%22y%22?a=b&c=d"),
        SAME("sip:a;b=c?d/e@[2001:db8::1]:1;lr"),
        SAME("sip:a:@h;"),
        SAME("sip:h?"),
        SAME("tel:+1-2;ext=3"),
        SAME("urn:service:sos"),
        SAME("nobody:knows@it?really"),
        {"sip:h:05060", "sip:h:5060"},
    };
    static const struct value_row addresses[] = {
        SAME("<sip:a@h>"),           SAME("\"A \\\" B\" <sip:a@h;lr>;tag=x;y"),
        SAME("A B <sip:a@h>;q=0.5"), {"sip:a@h;tag=x", "<sip:a@h>;tag=x"},
        {"A<sip:a>", "A <sip:a>"},
    };
    static const struct value_row vias[] = {
        SAME("SIP/2.0/UDP h"),
        SAME("SIP/2.0/TLS-SCTP [2001:db8::1]:5061;branch=z9hG4bK1;rport;received=192.0.2.1;x"),
        {"sip / 2.0 / UDP   h : 5060 ; rport (c)", "SIP/2.0/UDP h:5060; rport"},
    };
    CHECK_ROWS(uris, dump_uri);
    CHECK_ROWS(addresses, dump_address);
    CHECK_ROWS(vias, dump_via);
}

static bool dump_escaped(const uint8_t *octets, struct span text, struct writer *out)
{
    uint8_t plain[DUMP_SIZE];
    struct writer writer;
    writer_init(&writer, plain, sizeof(plain));
    if (write_unescaped(&writer, octets, text) != 0)
        return false;
    write_escaped(out, plain, writer.used);
    return true;
}

static void test_escape(void **state)
{
    static const struct value_row rows[] = {
        SAME("a%40h%3Bto-tag%3D1"),
        SAME("abc-_.!~*'()[]/?:+$"),
        {"%61%2D", "a-"},
        {"%c3%a4", "%C3%A4"},
        {"a=b;c", "a%3Db%3Bc"},
        {"%0d", NULL},
        {"%0A", NULL},
        {"%00", NULL},
        {"%7F", NULL},
        {"%", NULL},
        {"%1", NULL},
        {"%1g", NULL},
        {"%%", NULL},
    };
    CHECK_ROWS(rows, dump_escaped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),  cmocka_unit_test(test_different), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_ipv6),   cmocka_unit_test(test_tel),       cmocka_unit_test(test_write_same),
        cmocka_unit_test(test_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
