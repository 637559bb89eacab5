// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "param.h"
#include "uri.h"

static struct span whole(size_t length)
{
    return (struct span){0, (uint16_t)length};
}

static void test_parse(void **state)
{
    static const struct {
        const char *name, *text;
        int result, scheme, port;
        const char *user, *host, *parameters, *headers;
    } rows[] = {
        {"host only", "sip:example.com", 0, URI_SIP, -1, NULL, "example.com", NULL, NULL},
        {"user", "sip:bob@example.com", 0, URI_SIP, -1, "bob", "example.com", NULL, NULL},
        {"password", "sip:bob:secret@example.com", 0, URI_SIP, -1, "bob", "example.com", NULL, NULL},
        {"port", "sips:bob@192.0.2.1:5061", 0, URI_SIPS, 5061, "bob", "192.0.2.1", NULL, NULL},
        {"scheme without case", "SIP:h", 0, URI_SIP, -1, NULL, "h", NULL, NULL},
        {"parameters", "sip:h;lr;transport=udp", 0, URI_SIP, -1, NULL, "h", "lr;transport=udp", NULL},
        {"headers", "sip:h?Subject=a", 0, URI_SIP, -1, NULL, "h", NULL, "Subject=a"},
        {"both", "sip:u@h:1;a=b?c=d", 0, URI_SIP, 1, "u", "h", "a=b", "c=d"},
        {"IPv6", "sip:u@[2001:db8::1]:5060;lr", 0, URI_SIP, 5060, "u", "[2001:db8::1]", "lr", NULL},
        {"parameters in the user", "sip:user;par=u%40example.net@example.com", 0, URI_SIP, -1,
         "user;par=u%40example.net", "example.com", NULL, NULL},
        {"question mark in the user", "sip:a?b/c&d=e+$,f@h", 0, URI_SIP, -1, "a?b/c&d=e+$,f", "h", NULL,
         NULL},
        {"number sign in the user", "sip:*72#@h", 0, URI_SIP, -1, "*72#", "h", NULL, NULL},
        {"tel", "tel:+1-201-555-0123", 0, URI_TEL, -1, NULL, NULL, NULL, NULL},
        {"unknown", "nobodyKnowsThisScheme:totallyopaquecontent", 0, URI_OTHER, -1, NULL, NULL, NULL, NULL},
        {"nothing", "", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"no scheme", "example.com", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"empty scheme", ":example.com", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"scheme of digits", "1sip:example.com", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"nothing behind the scheme", "sip:", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"empty user", "sip:@h", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"empty host", "sip:bob@", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"only a port", "sip:bob@:5060", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"empty port", "sip:bob@h:", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"port 0", "sip:bob@h:0", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"port 65536", "sip:bob@h:65536", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"port of letters", "sip:bob@h:5o60", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"two at signs", "sip:bob@h@i", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"at sign in a parameter", "sip:u@h;x=a@b", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"space", "sip:bob@h; lr", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"angle brackets", "<sip:bob@h>", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"open IPv6", "sip:[2001:db8::1", -1, 0, 0, NULL, NULL, NULL, NULL},
        {"junk behind the host", "sip:h/x", -1, 0, 0, NULL, NULL, NULL, NULL},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        struct uri uri;
        size_t length = strlen(rows[i].text);
        const uint8_t *text = guard_copy(rows[i].text, length);
        assert_number(rows[i].name, uri_parse(text, whole(length), &uri), rows[i].result);
        if (rows[i].result != 0)
            continue;
        assert_number(rows[i].name, uri.scheme, rows[i].scheme);
        assert_number(rows[i].name, uri.has_port ? uri.port : -1, rows[i].port);
        assert_span(rows[i].name, text, uri.user, rows[i].user);
        assert_span(rows[i].name, text, uri.host, rows[i].host);
        assert_span(rows[i].name, text, uri.parameters, rows[i].parameters);
        assert_span(rows[i].name, text, uri.headers, rows[i].headers);
    }
}

// Each octet in each place of URIs whose parts end in different vectors.
static void test_same_without_vectors(void **state)
{
    static const char *const texts[] = {
        "sip:bob@h:5060;lr?a=b",
        "sip:+442079460123:secret@10.20.0.10:5060;transport=udp;lr",
        "sip:10.20.0.10:5060;lr;dg=aaaaaaaabbbbbbbbccccccccddddddddeee",
        "sip:alice_of.a-long.example@gateway-1.carrier.example.net:65535",
        "sip:alice_of.a-long.example@gateway-1.carrier.example.net:65535;",
    };
    for (unsigned i = 0; i < ROWS(texts); i++) {
        size_t length = strlen(texts[i]);
        for (size_t cut = 5; cut <= length; cut++) {
            for (unsigned octet = 0; octet < 256; octet++) {
                uint8_t text[80];
                struct uri uri, slow;
                memcpy(text, texts[i], length);
                text[cut - 1] = (uint8_t)octet;
                for (size_t end = cut; end <= length; end = end < length ? length : length + 1) {
                    const uint8_t *copy = guard_copy((const char *)text, end);
                    memset(&uri, 0, sizeof(uri));
                    int result = uri_parse(copy, whole(end), &uri);
                    assert_number(texts[i], uri_read(copy, whole(end), &slow), result);
                    if (result == 0)
                        assert_memory_equal(&uri, &slow, sizeof(uri));
                }
            }
        }
    }
}

static void test_parameter(void **state)
{
    static const struct {
        const char *name, *text, *parameter;
        bool found;
        const char *value;
    } rows[] = {
        {"alone", "lr", "lr", true, NULL},
        {"value", "lr;transport=udp", "transport", true, "udp"},
        {"without case", "LR;Transport=UDP", "transport", true, "UDP"},
        {"last", "a=b;c=d;lr", "lr", true, NULL},
        {"longer name", "lrx;xlr", "lr", false, NULL},
        {"value is no name", "a=lr", "lr", false, NULL},
        {"white space", " a = b ;\r\n lr ", "lr", true, NULL},
        {"value behind white space", " a =\r\n b ; lr", "a", true, "b"},
        {"in quotes", "a=\";lr;\";b", "lr", false, NULL},
        {"behind quotes", "a=\"\\\";\";b=c", "b", true, "c"},
        {"quoted value", "a=\"x;y\";b", "a", true, "\"x;y\""},
        {"quotes not closed", "a=\"x;b=c", "b", true, "c"},
        {"URI octets", "x=[::1]/:&+$=;y", "x", true, "[::1]/:&+$="},
        {"empty value", "a=;b", "a", true, NULL},
        {"empty parameters", ";;;lr", "lr", true, NULL},
        {"nothing", "", "lr", false, NULL},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        struct span value = {0, 0};
        size_t length = strlen(rows[i].text);
        const uint8_t *text = guard_copy(rows[i].text, length);
        assert_number(rows[i].name, uri_parameter(text, whole(length), rows[i].parameter, &value),
                      rows[i].found);
        if (rows[i].found)
            assert_span(rows[i].name, text, value, rows[i].value);
        // Again behind other octets, as in a message, and so far on that it takes more than one vector.
        for (unsigned more = 2; more < 48; more++) {
            char all[128];
            int size =
                snprintf(all, sizeof(all), "%s;%*s=%s", "<sip:192.0.2.1;lr", (int)more, "x", rows[i].text);
            memset(all + 18, 'x', more);
            struct span parameters = {18, (uint16_t)(size - 18)};
            all[18 + more] = ';';
            text = guard_copy(all, (size_t)size);
            assert_number(rows[i].name, uri_parameter(text, parameters, rows[i].parameter, &value),
                          rows[i].found);
            if (rows[i].found)
                assert_span(rows[i].name, text, value, rows[i].value);
        }
    }
}

static void test_host_ipv4(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint32_t address;
    } rows[] = {
        {"192.0.2.1", 0, 0xc0000201},
        {"0.0.0.0", 0, 0},
        {"255.255.255.255", 0, 0xffffffff},
        {"192.0.2", -1, 0},
        {"192.0.2.1.", -1, 0},
        {"192.0.2.256", -1, 0},
        {"192.0.2.01", -1, 0},
        {"192..2.1", -1, 0},
        {"", -1, 0},
        {"example.com", -1, 0},
        {"[2001:db8::1]", -1, 0},
        {"192.0.2.1a", -1, 0},
        {"1.2.3.4.5", -1, 0},
        {"192.0.2.4294967297", -1, 0},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        uint32_t address = 0;
        size_t length = strlen(rows[i].text);
        const uint8_t *text = guard_copy(rows[i].text, length);
        assert_number(rows[i].text, uri_host_ipv4(text, whole(length), &address), rows[i].result);
        assert_number(rows[i].text, address, rows[i].address);
    }
}

static void test_span_is(void **state)
{
    const uint8_t *text = guard_copy("xUdP[", 5);
    assert_true(span_is(text, (struct span){1, 3}, "udp"));
    assert_true(span_is(text, (struct span){1, 3}, "UDP"));
    assert_false(span_is(text, (struct span){1, 2}, "UDP"));
    assert_false(span_is(text, (struct span){1, 3}, "UD"));
    assert_false(span_is(text, (struct span){1, 3}, "TCP"));
    // "[" and "{" differ in the bit that tells the cases of a letter apart.
    assert_false(span_is(text, (struct span){4, 1}, "{"));
    assert_true(span_is(text, (struct span){0, 0}, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),     cmocka_unit_test(test_same_without_vectors),
        cmocka_unit_test(test_parameter), cmocka_unit_test(test_host_ipv4),
        cmocka_unit_test(test_span_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
