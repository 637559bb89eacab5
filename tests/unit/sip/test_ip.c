// SPDX-License-Identifier: BSD-3-Clause
// Addresses in text and back: RFC 5952 section 4 for what is written, RFC 3261 25.1 and RFC 5118 for what is
// read.
#include <arpa/inet.h>
#include "guard.h"
#include "uri.h"
#include "write.h"

static const struct {
    const char *octets; // as inet_pton() reads them
    const char *text;
} written[] = {
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // 4.2.3: the first of equal runs
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // 4.2.2: a single group stays
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          // 4.2.3: the longest
    {"2001:db8::1:0:0:0", "2001:db8:0:0:1::"},        // a run at the end
    {"2001:DB8:00A0::FFFF", "2001:db8:a0::ffff"},     // 4.1, 4.3
    {"::1", "::1"},
    {"1::", "1::"},
    {"::2:3:4:5:6:7", "::2:3:4:5:6:7"},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"},
    {"::fffe:1.2.3.4", "::fffe:102:304"},
    {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
};

static void assert_written(const char *row, const uint8_t *got, const struct writer *writer, const char *want)
{
    if (writer->overflow || writer->used != strlen(want) || memcmp(got, want, writer->used) != 0)
        fail_msg("%s: got %.*s, want %s", row, (int)writer->used, (const char *)got, want);
}

static struct ip_address of_text(const char *text)
{
    struct ip_address address;
    assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
    return address;
}

static void test_write(void **state)
{
    for (unsigned i = 0; i < ROWS(written); i++) {
        const struct ip_address address = of_text(written[i].octets);
        char host[64];
        uint8_t out[64];
        struct writer writer;
        struct ip_address again;
        writer_init(&writer, out, sizeof(out));
        write_ip(&writer, &address);
        assert_written(written[i].octets, out, &writer, written[i].text);
        assert_number(written[i].text, uri_host_ip(out, (struct span){0, (uint16_t)writer.used}, &again), 0);
        assert_true(ip_equal(&address, &again));
        snprintf(host, sizeof(host), "[%s]", written[i].text);
        writer_init(&writer, out, sizeof(out));
        write_ip_host(&writer, &address);
        assert_written(written[i].octets, out, &writer, host);
    }
    const struct ip_address ipv4 = IP_MAPPED(0xc0000201);
    uint8_t out[16];
    struct writer writer;
    writer_init(&writer, out, sizeof(out));
    write_ip_host(&writer, &ipv4);
    assert_written("IPv4", out, &writer, "192.0.2.1");
}

// What is written of random addresses is what inet_ntop() makes of them, and is read again. Zeros are many.
static void test_random(void **state)
{
    uint64_t seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        struct ip_address address, again;
        char wanted[INET6_ADDRSTRLEN];
        uint8_t out[64];
        struct writer writer;
        for (unsigned i = 0; i < sizeof(address.octets); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            address.octets[i] = seed >> 62 == 0 ? (uint8_t)(seed >> 32) : 0;
        }
        address.octets[0] = 0x20; // no IPv4 in its last 32 bits, as inet_ntop() would have it
        assert_non_null(inet_ntop(AF_INET6, &address, wanted, sizeof(wanted)));
        writer_init(&writer, out, sizeof(out));
        write_ip(&writer, &address);
        assert_written("random", out, &writer, wanted);
        assert_int_equal(uri_host_ip(out, (struct span){0, (uint16_t)writer.used}, &again), 0);
        assert_true(ip_equal(&address, &again));
    }
}

static void test_read(void **state)
{
    static const struct {
        const char *text;
        const char *octets; // NULL: it is none
    } rows[] = {
        {"192.0.2.1", "::ffff:192.0.2.1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"2001:db8::1", "2001:db8::1"}, // RFC 5118 4.5
        {"[2001:db8:::192.0.2.1]", NULL},
        {"[2001:DB8:0:0::10]", "2001:db8::10"},
        {"[64:ff9b::192.0.2.1]", "64:ff9b::c000:201"},
        {"[::ffff:192.0.2.1]", NULL},
        {"::ffff:c000:201", NULL},
        {"[::]", NULL},
        {"[fe80::1%eth0]", NULL},
        {"fe80::1%1", NULL},
        {"[2001:db8::1", NULL},
        {"2001:db8::1]", NULL},
        {"[2001:db8:1]", NULL},
        {"2001", NULL},
        {"sbc.example", NULL},
        {"", NULL},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        size_t length = strlen(rows[i].text);
        const uint8_t *text = guard_copy(rows[i].text, length);
        struct ip_address address;
        int result = uri_host_ip(text, (struct span){0, (uint16_t)length}, &address);
        assert_number(rows[i].text, result, rows[i].octets != NULL ? 0 : -1);
        if (result != 0)
            continue;
        const struct ip_address wanted = of_text(rows[i].octets);
        if (!ip_equal(&address, &wanted))
            fail_msg("%s: another address", rows[i].text);
    }
}

static uint32_t random_below(uint64_t *seed, uint32_t limit)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % limit;
}

// A dotted address, right or nearly so.
static size_t dotted(uint64_t *seed, char text[64])
{
    static const char strange[] = "0123456789..:/a ";
    size_t length = 0;
    for (unsigned i = 0; i < 4; i++) {
        const char *before = i == 0 ? "" : random_below(seed, 20) == 0 ? ".0" : ".";
        length += (size_t)snprintf(text + length, 64 - length, "%s%u", before,
                                   random_below(seed, random_below(seed, 2) ? 10 : 300));
    }
    if (random_below(seed, 3) == 0)
        text[random_below(seed, (uint32_t)length)] = strange[random_below(seed, sizeof(strange) - 1)];
    return random_below(seed, 8) == 0 ? random_below(seed, (uint32_t)length + 1) : length;
}

// What inet_pton() reads is read, alone and behind and before other octets, and nothing else is.
static void test_dotted(void **state)
{
    uint64_t seed = 7;
    unsigned good = 0;
    for (unsigned round = 0; round < 100000; round++) {
        char text[64];
        uint8_t all[128];
        uint32_t address = 0, wanted;
        size_t length = dotted(&seed, text), before = random_below(&seed, 24);
        text[length] = '\0';
        bool is_good = inet_pton(AF_INET, text, &wanted) == 1;
        good += is_good;
        memset(all, '0' + (int)random_below(&seed, 10), sizeof(all));
        memcpy(all + before, text, length);
        const uint8_t *copy = guard_copy_front(all, before + length + 4);
        const struct span host = {(uint16_t)before, (uint16_t)length};
        assert_number(text, uri_host_ipv4(copy, host, &address), is_good ? 0 : -1);
        assert_number(text, address, is_good ? ntohl(wanted) : 0);
        copy = guard_copy(text, length);
        assert_number(text, uri_host_ipv4(copy, (struct span){0, (uint16_t)length}, &address),
                      is_good ? 0 : -1);
    }
    assert_true(good > 30000 && good < 80000);
}

// All numbers, with all the room that there may be or less: what does not fit is not begun.
static void test_write_ipv4(void **state)
{
    for (uint32_t number = 0; number < 1024; number++) {
        char wanted[32];
        uint8_t out[32];
        struct writer writer;
        const struct ip_address address = IP_MAPPED(number << 24 | (number & 0xff) << 8 | 0xfe0007);
        snprintf(wanted, sizeof(wanted), "%u.254.%u.7", number & 0xff, number & 0xff);
        for (uint32_t size = (uint32_t)strlen(wanted) - 1; size < sizeof(out); size++) {
            memset(out, 0xee, sizeof(out));
            writer_init(&writer, out, size);
            write_ip(&writer, &address);
            assert_int_equal(out[size], 0xee);
            if (size < strlen(wanted))
                assert_true(writer.overflow);
            else
                assert_written(wanted, out, &writer, wanted);
        }
        snprintf(wanted, sizeof(wanted), "%u", number);
        for (uint32_t size = 1; size < 8; size++) {
            memset(out, 0xee, sizeof(out));
            writer_init(&writer, out, size);
            write_number(&writer, number);
            assert_int_equal(out[size], 0xee);
            if (size < strlen(wanted))
                assert_true(writer.overflow && writer.used == 0);
            else
                assert_written(wanted, out, &writer, wanted);
        }
    }
}

static void test_prefix(void **state)
{
    const struct ip_address ones = of_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for (unsigned bits = 0; bits <= 128; bits++) {
        struct ip_address prefix = ip_prefix(&ones, bits);
        for (unsigned i = 0; i < 128; i++)
            assert_int_equal(prefix.octets[i / 8] >> (7 - i % 8) & 1, i < bits);
        struct ip_address less = ip_prefix(&ones, bits > 0 ? bits - 1 : 0);
        assert_int_equal(ip_compare(&prefix, &less), bits > 0);
        assert_int_equal(ip_compare(&less, &prefix), bits > 0 ? -1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_write),      cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_read),       cmocka_unit_test(test_dotted),
                                       cmocka_unit_test(test_write_ipv4), cmocka_unit_test(test_prefix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
