// SPDX-License-Identifier: BSD-3-Clause
// The quotation in an ICMP error: whose branch it is, wherever it was cut off.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cookie.h"
#include "icmp.h"

#define OURS "z9hG4bKdgabcdefghijklmnopqrstuvwxyz234567"
#define VIA  "Via: SIP/2.0/UDP 10.0.0.1:5060;branch="
#define REST "\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKtheirs\r\nFrom: <sip:a@b>;tag=1\r\n"
static_assert(sizeof(OURS) == COOKIE_BRANCH_LENGTH + 1, "as long as one of ours");

static const struct {
    const char *name;
    const char *quoted;
    bool found;
} rows[] = {
    {"INVITE", "INVITE sip:a@b SIP/2.0\r\n" VIA OURS REST, true},
    {"OPTIONS", "OPTIONS sip:a SIP/2.0\r\n" VIA OURS REST, true},
    {"behind other headers", "INVITE sip:a SIP/2.0\r\nFrom: x\r\nTo: y\r\n" VIA OURS REST, true},
    {"ends with the branch", "INVITE sip:a SIP/2.0\r\n" VIA OURS, true},
    {"another parameter behind it", "INVITE sip:a SIP/2.0\r\n" VIA OURS ";rport\r\n", true},
    {"ends one octet before", "INVITE sip:a SIP/2.0\r\n" VIA "z9hG4bKdgabcdefghijklmnopqrstuvwxyz23456",
     false},
    {"goes on", "INVITE sip:a SIP/2.0\r\n" VIA OURS "a\r\n", false},
    {"short and another header",
     "INVITE sip:a SIP/2.0\r\n" VIA "z9hG4bK1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", false},
    {"ACK has the INVITE's branch", "ACK sip:a SIP/2.0\r\n" VIA OURS REST, false},
    {"CANCEL too", "CANCEL sip:a SIP/2.0\r\n" VIA OURS REST, false},
    {"ACKNOWLEDGE is another method", "ACKNOWLEDGE sip:a SIP/2.0\r\n" VIA OURS REST, true},
    {"a response of ours", "SIP/2.0 200 OK\r\n" VIA OURS REST, false},
    {"theirs on top", "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK1\r\n" VIA OURS REST,
     false},
    {"in a folded line", "INVITE sip:a SIP/2.0\r\nX: 1\r\n " VIA OURS REST, false},
    {"in the body", "INVITE sip:a SIP/2.0\r\nX: 1\r\n\r\n" VIA OURS REST, false},
    {"in the request-URI", "INVITE sip:a;branch=" OURS " SIP/2.0\r\n", false},
    {"no line", "INVITE sip:a", false},
    {"nothing", "", false},
};

// At the end of an allocation of its own, so that a sanitizer sees what is read behind it.
static const char *look(const char *quoted, size_t length, size_t *offset)
{
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy + 1, quoted, length);
    const char *found = icmp_branch(copy + 1, length);
    *offset = found != NULL ? (size_t)(found - copy - 1) : 0;
    free(copy);
    return found;
}

static void test_branch(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = strlen(rows[i].quoted), offset;
        bool found = look(rows[i].quoted, length, &offset) != NULL;
        if (found != rows[i].found)
            fail_msg("%s: %s", rows[i].name, found ? "found" : "not found");
        if (found)
            assert_memory_equal(rows[i].quoted + offset, OURS, COOKIE_BRANCH_LENGTH);
    }
}

// Cut anywhere, it is found exactly when all of it is there.
static void test_cut(void **state)
{
    const char *quoted = "INVITE sip:a@b SIP/2.0\r\nFrom: x\r\n" VIA OURS REST;
    size_t whole = (size_t)(strstr(quoted, OURS) - quoted) + COOKIE_BRANCH_LENGTH;
    for (size_t length = 0; length <= strlen(quoted); length++) {
        size_t offset;
        assert_int_equal(look(quoted, length, &offset) != NULL, length >= whole);
    }
}

#define NOTHING     ICMP_MEANS_NOTHING
#define UNREACHABLE ICMP_MEANS_UNREACHABLE
#define TOO_BIG     ICMP_MEANS_TOO_BIG

static const struct {
    bool ipv6;
    uint8_t type, code;
    enum icmp_meaning meaning;
} errors[] = {
    {false, 3, 0, UNREACHABLE},  {false, 3, 1, UNREACHABLE},  {false, 3, 2, UNREACHABLE},
    {false, 3, 3, UNREACHABLE},  {false, 3, 4, TOO_BIG},      {false, 3, 9, UNREACHABLE},
    {false, 3, 10, UNREACHABLE}, {false, 3, 13, UNREACHABLE}, {false, 3, 15, UNREACHABLE},
    {false, 3, 16, NOTHING},     {false, 12, 0, UNREACHABLE}, {false, 11, 0, NOTHING},
    {false, 4, 0, NOTHING},      {false, 5, 1, NOTHING},      {false, 0, 0, NOTHING},
    {false, 8, 3, NOTHING},      {false, 2, 0, NOTHING},      {false, 1, 4, NOTHING},
    {true, 1, 0, UNREACHABLE},   {true, 1, 4, UNREACHABLE},   {true, 1, 6, UNREACHABLE},
    {true, 2, 0, TOO_BIG},       {true, 3, 0, NOTHING},       {true, 4, 1, UNREACHABLE},
    {true, 12, 0, NOTHING},      {true, 128, 0, NOTHING},     {true, 137, 0, NOTHING},
};

static void test_types(void **state)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (icmp_meaning(errors[i].ipv6, errors[i].type, errors[i].code) != errors[i].meaning)
            fail_msg("%s type %u code %u", errors[i].ipv6 ? "ICMPv6" : "ICMP", errors[i].type,
                     errors[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branch),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
