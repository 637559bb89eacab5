// SPDX-License-Identifier: BSD-3-Clause
#include "cseq.h"
#include "header.h"
#include "number.h"
#include "value.h"

static bool dump_cseq(const uint8_t *octets, struct span text, struct writer *out)
{
    struct cseq cseq;
    if (cseq_read(octets, text, &cseq) != 0)
        return false;
    write_cseq(out, octets, &cseq);
    write_text(out, " = ");
    write_text(out, method_text(cseq.method));
    return true;
}

static void test_cseq(void **state)
{
    static const struct value_row rows[] = {
        {"1 INVITE", "1 INVITE = INVITE"},
        {"0 ACK", "0 ACK = ACK"},
        {"0009\r\n\t OPTIONS", "9 OPTIONS = OPTIONS"},
        {"2147483647 X!y", "2147483647 X!y = OTHER"},
        {"2147483648 INVITE", NULL},
        {"4294967297 INVITE", NULL},
        {"18446744073709551617 INVITE", NULL},
        {"-1 INVITE", NULL},
        {"1INVITE", NULL},
        {"1", NULL},
        {"1 ", NULL},
        {"INVITE 1", NULL},
        {"1 INVITE x", NULL},
        {"1 INV/ITE", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_cseq);
}

static bool dump_rack(const uint8_t *octets, struct span text, struct writer *out)
{
    struct rack rack;
    if (rack_read(octets, text, &rack) != 0)
        return false;
    write_rack(out, octets, &rack);
    return true;
}

static void test_rack(void **state)
{
    static const struct value_row rows[] = {
        {"776656 1 INVITE", "776656 1 INVITE"},
        {"4294967295\t2147483647\r\n UPDATE", "4294967295 2147483647 UPDATE"},
        {"4294967296 1 INVITE", NULL},
        {"0 1 INVITE", NULL},
        {"1 2147483648 INVITE", NULL},
        {"1 INVITE", NULL},
        {"1", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_rack);
}

static bool dump_32(const uint8_t *octets, struct span text, struct writer *out)
{
    uint32_t number;
    if (number_read(octets, text, UINT32_MAX, &number) != 0)
        return false;
    write_number(out, number);
    return true;
}

static bool dump_q(const uint8_t *octets, struct span text, struct writer *out)
{
    uint16_t q;
    if (number_read_q(octets, text, &q) != 0)
        return false;
    write_number(out, q);
    return true;
}

static void test_number(void **state)
{
    static const struct value_row rows[] = {
        {"0", "0"},           {"00017", "17"}, {"4294967295", "4294967295"},
        {"4294967296", NULL}, {"", NULL},      {"99999999999999999999", NULL},
        {"1 ", NULL},         {"+1", NULL},    {"-1", NULL},
        {"1a", NULL},
    };
    static const struct value_row qs[] = {
        {"0", "0"},       {"1", "1000"},  {"0.", "0"},       {"1.", "1000"},   {"0.7", "700"},
        {"0.07", "70"},   {"0.007", "7"}, {"1.000", "1000"}, {"0.999", "999"}, {"1.001", NULL},
        {"0.0001", NULL}, {"2", NULL},    {"", NULL},        {".5", NULL},     {"00.5", NULL},
        {"-0.5", NULL},   {"0,5", NULL},  {"0.5x", NULL},    {"1.1", NULL},    {"0.+5", NULL},
    };
    CHECK_ROWS(rows, dump_32);
    CHECK_ROWS(qs, dump_q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cseq), cmocka_unit_test(test_rack),
                                       cmocka_unit_test(test_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
