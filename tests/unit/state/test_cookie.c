// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base32.h"
#include "cookie.h"

static const struct cookie_keys keys = {
    .table = {{1, 2}}, .mac = {{3, 0x4444444444444444ULL}}, .tag = {{5, 6}}, .number = 7};

static struct cookie_octets text(const char *octets)
{
    return (struct cookie_octets){.octets = octets, .length = strlen(octets)};
}

static const struct endpoint home = {.address = IP_MAPPED(0xc0000201), .port = 5060, .listener = 3};

// One kind of cookie behind one face, so that every property is asked of all of them.
struct kind {
    const char *name;
    unsigned length;
    bool either_case;
    unsigned (*write)(const struct cookie_keys *keys, const char *bound, char *out);
    bool (*read)(const struct cookie_keys *keys, struct cookie_octets text, const char *bound);
};

static const struct cookie_branch a_branch = {
    .worker = 63, .generation = 0xabcd, .index = 0x3ffffffe, .loop = 0xdeadbeef};
static const struct cookie_route a_route = {
    .worker = 1, .generation = 0xfffe, .index = 77, .caller_peer = 1023, .callee_peer = 0xffff};

static unsigned write_branch(const struct cookie_keys *with, const char *bound, char *out)
{
    struct cookie_branch branch = a_branch;
    return cookie_branch_write(with, &branch, text(bound), out);
}

static bool read_branch(const struct cookie_keys *with, struct cookie_octets given, const char *bound)
{
    struct cookie_branch read = {0};
    if (!cookie_branch_read(with, given, text(bound), &read))
        return false;
    assert_int_equal(read.worker, a_branch.worker);
    assert_int_equal(read.generation, a_branch.generation);
    assert_int_equal(read.index, a_branch.index);
    assert_int_equal(read.loop, a_branch.loop);
    return true;
}

static unsigned write_stateless(const struct cookie_keys *with, const char *bound, char *out)
{
    return cookie_stateless_write(with, text(bound), home, 0x01020304, out);
}

static bool read_stateless(const struct cookie_keys *with, struct cookie_octets given, const char *bound)
{
    uint32_t loop = 0;
    struct endpoint from = {home.address, home.port, 0};
    if (!cookie_stateless_read(with, given, text(bound), &from, &loop))
        return false;
    assert_int_equal(loop, 0x01020304);
    assert_int_equal(from.listener, home.listener);
    return true;
}

static unsigned write_route(const struct cookie_keys *with, const char *bound, char *out)
{
    return cookie_route_write(with, &a_route, text(bound), out);
}

static bool read_route(const struct cookie_keys *with, struct cookie_octets given, const char *bound)
{
    struct cookie_route read = {0};
    if (!cookie_route_read(with, given, text(bound), &read))
        return false;
    assert_int_equal(read.worker, a_route.worker);
    assert_int_equal(read.generation, a_route.generation);
    assert_int_equal(read.index, a_route.index);
    assert_int_equal(read.caller_peer, a_route.caller_peer);
    assert_int_equal(read.callee_peer, a_route.callee_peer);
    return true;
}

static unsigned write_tag(const struct cookie_keys *with, const char *bound, char *out)
{
    return cookie_tag_write(with, text(bound), text("from"), text("branch"), out);
}

static bool read_tag(const struct cookie_keys *with, struct cookie_octets given, const char *bound)
{
    return cookie_tag_check(with, given, text(bound), text("from"), text("branch"));
}

static unsigned write_refusal(const struct cookie_keys *with, const char *bound, char *out)
{
    return cookie_refusal_write(with, cookie_refusal_mac(with, text(bound)), out);
}

static bool read_refusal(const struct cookie_keys *with, struct cookie_octets given, const char *bound)
{
    return cookie_refusal_check(with, given, cookie_refusal_mac(with, text(bound)));
}

static const struct kind kinds[] = {
    {"branch", COOKIE_BRANCH_LENGTH, false, write_branch, read_branch},
    {"stateless", COOKIE_STATELESS_LENGTH, false, write_stateless, read_stateless},
    {"route", COOKIE_ROUTE_LENGTH, true, write_route, read_route},
    {"tag", COOKIE_TAG_LENGTH, false, write_tag, read_tag},
    {"refusal", COOKIE_REFUSAL_LENGTH, false, write_refusal, read_refusal},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void what_is_written_is_read(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        char out[COOKIE_TEXT_MAX];
        char again[COOKIE_TEXT_MAX];
        assert_int_equal(kinds[i].write(&keys, "a@b", out), kinds[i].length);
        assert_int_equal(strlen(out), kinds[i].length);
        assert_true(kinds[i].length < COOKIE_TEXT_MAX);
        assert_true(kinds[i].read(&keys, text(out), "a@b"));
        kinds[i].write(&keys, "a@b", again);
        assert_string_equal(out, again);
    }
}

// A hint needs neither keys nor what the branch is bound to, and proves nothing: only its form is looked at.
static void branch_is_hinted(void **state)
{
    struct cookie_branch read = {0};
    char out[COOKIE_TEXT_MAX];
    write_branch(&keys, "a@b", out);
    assert_true(cookie_branch_hint(text(out), &read));
    assert_int_equal(read.worker, a_branch.worker);
    assert_int_equal(read.generation, a_branch.generation);
    assert_int_equal(read.index, a_branch.index);
    assert_int_equal(read.loop, a_branch.loop);
    out[COOKIE_BRANCH_LENGTH - 1] ^= 1; // of its MAC
    assert_true(cookie_branch_hint(text(out), &read));
    out[COOKIE_BRANCH_LENGTH - 1] = '!';
    assert_false(cookie_branch_hint(text(out), &read));
    out[COOKIE_BRANCH_LENGTH - 1] = '\0';
    assert_false(cookie_branch_hint(text(out), &read));
    write_stateless(&keys, "a@b", out);
    assert_false(cookie_branch_hint(text(out), &read));
}

static bool is_same_branch(const struct cookie_branch *a, const struct cookie_branch *b)
{
    return a->worker == b->worker && a->generation == b->generation && a->index == b->index &&
           cookie_branch_key(a, 17) == cookie_branch_key(b, 17);
}

// A hint stands for a proof by its key: no other text, of other letters, key or Call-ID, has the same.
static void branch_has_a_key(void **state)
{
    struct cookie_branch written = a_branch, read, hinted;
    char out[COOKIE_TEXT_MAX];
    cookie_branch_write(&keys, &written, text("a@b"), out);
    assert_true(cookie_branch_read(&keys, text(out), text("a@b"), &read));
    assert_true(cookie_branch_hint(text(out), &hinted));
    assert_true(is_same_branch(&written, &read) && is_same_branch(&written, &hinted));
    assert_true(cookie_branch_key(&written, 17) != cookie_branch_key(&written, 18));
    for (unsigned i = COOKIE_BRANCH_LENGTH - 32; i < COOKIE_BRANCH_LENGTH; i++) {
        char was = out[i];
        out[i] = was == 'a' ? 'b' : 'a';
        assert_true(cookie_branch_hint(text(out), &hinted));
        assert_false(is_same_branch(&written, &hinted));
        out[i] = was;
    }
    struct cookie_keys others = keys;
    others.number++;
    struct cookie_branch other = a_branch;
    cookie_branch_write(&others, &other, text("a@b"), out);
    assert_false(is_same_branch(&written, &other));
    other = a_branch;
    cookie_branch_write(&keys, &other, text("a@c"), out);
    assert_false(is_same_branch(&written, &other));
}

// What a route says is known without a proof, but for the number of the keys.
static void route_is_hinted(void **state)
{
    struct cookie_keys others = keys;
    struct cookie_route read;
    char out[COOKIE_TEXT_MAX];
    others.number++;
    cookie_route_write(&keys, &a_route, text("a@b"), out);
    for (unsigned i = 0; i < 2; i++) { // with its MAC, and another
        assert_true(cookie_route_hint(&keys, text(out), &read));
        assert_int_equal(read.index, a_route.index);
        assert_int_equal(read.generation, a_route.generation);
        assert_int_equal(read.worker, a_route.worker);
        assert_int_equal(read.caller_peer, a_route.caller_peer);
        assert_int_equal(read.callee_peer, a_route.callee_peer);
        assert_false(cookie_route_hint(&others, text(out), &read));
        assert_int_equal(cookie_route_read(&keys, text(out), text("a@b"), &read), i == 0);
        out[COOKIE_ROUTE_LENGTH - 1] = out[COOKIE_ROUTE_LENGTH - 1] == 'a' ? 'b' : 'a';
    }
    out[COOKIE_ROUTE_LENGTH - 1] = ';';
    assert_false(cookie_route_hint(&keys, text(out), &read));
    out[COOKIE_ROUTE_LENGTH - 1] = '\0';
    assert_false(cookie_route_hint(&keys, text(out), &read));
}

// RFC 3261 25.1: letters and digits only are a token, a URI parameter value and need no escape.
static void text_is_plain(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        char out[COOKIE_TEXT_MAX];
        kinds[i].write(&keys, "a@b", out);
        const char *from = out;
        if (strcmp(kinds[i].name, "branch") == 0 || strcmp(kinds[i].name, "stateless") == 0) {
            assert_memory_equal(out, "z9hG4bK", 7);
            from += 7;
        }
        for (; *from != '\0'; from++)
            assert_true(islower((unsigned char)*from) || isdigit((unsigned char)*from));
    }
}

static void any_changed_octet_fails(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        char out[COOKIE_TEXT_MAX];
        unsigned length = kinds[i].write(&keys, "a@b", out);
        for (unsigned at = 0; at < length; at++) {
            char right = out[at];
            for (int octet = 0; octet < 256; octet++) {
                out[at] = (char)octet;
                bool same = out[at] == right || (kinds[i].either_case && tolower(octet) == right);
                if (kinds[i].read(&keys, (struct cookie_octets){out, length}, "a@b") != same)
                    fail_msg("%s: octet %u as %d", kinds[i].name, at, octet);
            }
            out[at] = right;
        }
    }
}

static void any_other_length_fails(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        char out[COOKIE_TEXT_MAX + 16] = {0};
        unsigned right = kinds[i].write(&keys, "a@b", out);
        memset(out + right, 'a', sizeof(out) - right);
        for (unsigned length = 0; length < sizeof(out); length++)
            assert_int_equal(kinds[i].read(&keys, (struct cookie_octets){out, length}, "a@b"),
                             length == right);
    }
}

static void wrong_bound_fails(void **state)
{
    static const char *const others[] = {"", "a@", "a@c", "A@b", "a@bb", "a@b "};
    for (size_t i = 0; i < KINDS; i++) {
        char out[COOKIE_TEXT_MAX];
        kinds[i].write(&keys, "a@b", out);
        for (size_t o = 0; o < sizeof(others) / sizeof(others[0]); o++)
            assert_false(kinds[i].read(&keys, text(out), others[o]));
    }
}

static void wrong_key_fails(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        char out[COOKIE_TEXT_MAX];
        struct cookie_keys other = keys;
        kinds[i].write(&keys, "a@b", out);
        other.mac.word[1] ^= 1;
        other.tag.word[0] ^= 1ULL << 63;
        other.table.word[1] ^= 1ULL << 32;
        assert_false(kinds[i].read(&other, text(out), "a@b"));
        // A tag has no number: the same request after the key changed gets a new tag anyway.
        other = keys;
        other.number++;
        assert_int_equal(kinds[i].read(&other, text(out), "a@b"), strcmp(kinds[i].name, "tag") == 0);
    }
}

// A branch and a route cookie have 20 octets each: without domains one could stand for the other.
static void kinds_are_apart(void **state)
{
    for (size_t made = 0; made < KINDS; made++) {
        char out[COOKIE_TEXT_MAX];
        kinds[made].write(&keys, "a@b", out);
        for (size_t as = 0; as < KINDS; as++) {
            char moved[2 * COOKIE_TEXT_MAX];
            if (as == made)
                continue;
            assert_false(kinds[as].read(&keys, text(out), "a@b"));
            if (strncmp(out, "z9hG4bKd", 8) == 0) {
                assert_false(kinds[as].read(&keys, text(out + 9), "a@b"));
                continue;
            }
            snprintf(moved, sizeof(moved), "z9hG4bKdg%s", out);
            assert_false(kinds[as].read(&keys, text(moved), "a@b"));
            snprintf(moved, sizeof(moved), "z9hG4bKds%s", out);
            assert_false(kinds[as].read(&keys, text(moved), "a@b"));
        }
    }
}

// The same fields under the domain of another kind have another MAC.
static void domains_differ(void **state)
{
    struct cookie_branch branch = {.worker = 2, .generation = 3, .index = 4, .loop = 0x00050006};
    static const struct cookie_route route = {
        .worker = 2, .generation = 3, .index = 4, .caller_peer = 5, .callee_peer = 6};
    char branch_text[COOKIE_TEXT_MAX];
    char route_text[COOKIE_TEXT_MAX];
    cookie_branch_write(&keys, &branch, text("a@b"), branch_text);
    cookie_route_write(&keys, &route, text("a@b"), route_text);
    // 12 octets of fields are 19 letters and one bit.
    assert_memory_equal(branch_text + 9, route_text, 19);
    assert_string_not_equal(branch_text + 9, route_text);
}

static void stateless_is_bound_to_the_source(void **state)
{
    char out[COOKIE_TEXT_MAX];
    uint32_t loop;
    struct endpoint from = home;
    cookie_stateless_write(&keys, text("z9hG4bKup"), home, 5, out);
    from.listener++; // the answer may come in at another of our listeners
    assert_true(cookie_stateless_read(&keys, text(out), text("z9hG4bKup"), &from, &loop));
    assert_int_equal(loop, 5);
    assert_int_equal(from.listener, home.listener);
    from.port++;
    assert_false(cookie_stateless_read(&keys, text(out), text("z9hG4bKup"), &from, &loop));
    from = home;
    from.address.octets[15]++;
    assert_false(cookie_stateless_read(&keys, text(out), text("z9hG4bKup"), &from, &loop));
    // Every octet of IPv6 counts, and that it is no IPv4.
    static const struct endpoint ipv6 = {
        .address = {{[10] = 0xff, [11] = 0xfe, [12] = 192, [15] = 1}}, .port = 5060, .listener = 3};
    cookie_stateless_write(&keys, text("z9hG4bKup"), ipv6, 5, out);
    from = ipv6;
    assert_true(cookie_stateless_read(&keys, text(out), text("z9hG4bKup"), &from, &loop));
    for (unsigned i = 0; i < sizeof(from.address.octets); i++) {
        from = ipv6;
        from.address.octets[i] ^= 1;
        assert_false(cookie_stateless_read(&keys, text(out), text("z9hG4bKup"), &from, &loop));
    }
    from = ipv6;
    from.port++;
    assert_false(cookie_stateless_read(&keys, text(out), text("z9hG4bKup"), &from, &loop));
}

// Moving an octet from one piece to the next is another request.
static void tag_pieces_are_framed(void **state)
{
    char out[COOKIE_TEXT_MAX];
    cookie_tag_write(&keys, text("ab"), text("cd"), text("ef"), out);
    assert_true(cookie_tag_check(&keys, text(out), text("ab"), text("cd"), text("ef")));
    assert_false(cookie_tag_check(&keys, text(out), text("abc"), text("d"), text("ef")));
    assert_false(cookie_tag_check(&keys, text(out), text("ab"), text("cde"), text("f")));
    assert_false(cookie_tag_check(&keys, text(out), text("cd"), text("ab"), text("ef")));
    assert_false(cookie_tag_check(&keys, text(out), text("a"), text("bc"), text("def")));
    // Octets that look like a frame.
    static const char zeros[10] = {'a', 0, 0, 0, 0, 0, 0, 0, 0, 'b'};
    cookie_tag_write(&keys, (struct cookie_octets){zeros, 1}, (struct cookie_octets){zeros + 1, 9},
                     text("ef"), out);
    assert_false(cookie_tag_check(&keys, text(out), (struct cookie_octets){zeros, 9},
                                  (struct cookie_octets){zeros + 9, 1}, text("ef")));
}

// RFC 4648's alphabet, one letter after another.
static void base32_one_by_one(void **state)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (uint64_t round = 0; round < 10000; round++) {
        uint64_t forty = round * 0x9e3779b97f4a7c15ULL >> 24;
        uint64_t word = htole64(base32_letters(forty));
        char letters[8];
        bool fine = true;
        memcpy(letters, &word, sizeof(letters));
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(letters[i], alphabet[forty >> (35 - 5 * i) & 31]);
        assert_int_equal(base32_forty(le64toh(word), false, &fine), forty);
        assert_true(fine);
    }
}

// Each octet in each place: a letter of the alphabet is read, in capitals where these are let through, and
// nothing else is.
static void base32_every_octet(void **state)
{
    for (unsigned place = 0; place < 8; place++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            bool lower = (octet >= 'a' && octet <= 'z') || (octet >= '2' && octet <= '7');
            bool upper = octet >= 'A' && octet <= 'Z';
            unsigned folded = upper ? octet + 'a' - 'A' : octet;
            uint64_t value = folded >= 'a' ? folded - 'a' : folded - '2' + 26;
            uint8_t letters[8] = {'b', '7', 'z', '2', 'a', 'q', '5', 'm'};
            uint64_t all = 0;
            uint64_t word;
            for (unsigned i = 0; i < 8; i++)
                all = all << 5 | (i == place          ? value & 31
                                  : letters[i] >= 'a' ? letters[i] - 'a' + 0ULL
                                                      : letters[i] - '2' + 26ULL);
            letters[place] = (uint8_t)octet;
            memcpy(&word, letters, sizeof(word));
            for (int either = 0; either < 2; either++) {
                bool fine = true;
                uint64_t forty = base32_forty(le64toh(word), either, &fine);
                assert_int_equal(fine, lower || (either && upper));
                if (fine)
                    assert_int_equal(forty, all);
                fine = false;
                (void)base32_forty(BASE32_EACH('a'), either, &fine);
                assert_false(fine); // a fault is not forgotten
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(branch_is_hinted),
        cmocka_unit_test(branch_has_a_key),        cmocka_unit_test(route_is_hinted),
        cmocka_unit_test(text_is_plain),           cmocka_unit_test(any_changed_octet_fails),
        cmocka_unit_test(any_other_length_fails),  cmocka_unit_test(wrong_bound_fails),
        cmocka_unit_test(wrong_key_fails),         cmocka_unit_test(kinds_are_apart),
        cmocka_unit_test(domains_differ),          cmocka_unit_test(stateless_is_bound_to_the_source),
        cmocka_unit_test(tag_pieces_are_framed),   cmocka_unit_test(base32_one_by_one),
        cmocka_unit_test(base32_every_octet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
