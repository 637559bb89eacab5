// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rows.h"

static char directory[64];

static int make_directory(void **state)
{
    strcpy(directory, "/tmp/dialgate-manifest-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/manifest", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/manifest.new", directory);
    unlink(path);
    return rmdir(directory);
}

static struct ip_address ip(uint32_t host)
{
    struct ip_address address = {{[10] = 0xff,
                                  [11] = 0xff,
                                  [12] = 10,
                                  [13] = (uint8_t)(host >> 16),
                                  [14] = (uint8_t)(host >> 8),
                                  [15] = (uint8_t)host}};
    return address;
}

static void write_manifest(const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/manifest", directory);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void test_numbers(void **state)
{
    struct manifest *manifest = manifest_create();
    struct ip_address one = ip(1), two = ip(2), found;
    uint32_t peer;
    uint16_t port;
    assert_int_equal(manifest_find_peer(manifest, "p"), -ENOENT);
    assert_int_equal(manifest_peer_number(manifest, "p"), 0);
    assert_int_equal(manifest_peer_number(manifest, "q"), 1);
    assert_int_equal(manifest_peer_number(manifest, "p"), 0);
    assert_int_equal(manifest_member_number(manifest, "p", &one, 5060), 0);
    assert_int_equal(manifest_member_number(manifest, "p", &one, 5061), 1);
    assert_int_equal(manifest_member_number(manifest, "q", &one, 5060), 2);
    assert_int_equal(manifest_member_number(manifest, "q", &two, 5060), 3);
    assert_int_equal(manifest_member_number(manifest, "p", &one, 5061), 1);
    assert_int_equal(manifest_find_member(manifest, "q", &two, 5060), 3);
    assert_int_equal(manifest_find_member(manifest, "p", &two, 5060), -ENOENT);
    assert_int_equal(manifest_member_number(manifest, "r", &one, 5060), -ENOENT);
    assert_int_equal(manifest_peer_number(manifest, ""), -EINVAL);
    assert_int_equal(manifest_peer_number(manifest, "a b"), -EINVAL);
    assert_int_equal(manifest_peer_number(manifest, "a\n"), -EINVAL);
    assert_int_equal(manifest_peer_number(manifest, "abcdefghijklmnopqrstuvwxyz012345"), -EINVAL);
    assert_string_equal(manifest_peer_name(manifest, 1), "q");
    assert_null(manifest_peer_name(manifest, 2));
    assert_null(manifest_peer_name(manifest, PEERS_MAX));
    assert_int_equal(manifest_member_name(manifest, 3, &peer, &found, &port), 0);
    assert_true(peer == 1 && port == 5060 && memcmp(&found, &two, sizeof(two)) == 0);
    assert_int_equal(manifest_member_name(manifest, 3, NULL, NULL, NULL), 0);
    assert_int_equal(manifest_member_name(manifest, 4, NULL, NULL, NULL), -ENOENT);
    assert_int_equal(manifest_member_name(manifest, MEMBERS_MAX, NULL, NULL, NULL), -ENOENT);
    manifest_free(manifest);
}

// A name that left keeps its number; a new one gets the next.
static void test_stable(void **state)
{
    char error[256];
    struct ip_address one = ip(1);
    struct manifest *manifest = manifest_create();
    manifest_peer_number(manifest, "p");
    manifest_peer_number(manifest, "q");
    manifest_member_number(manifest, "p", &one, 5060);
    manifest_begin(manifest);
    assert_int_equal(manifest_peer_number(manifest, "r"), 2);
    assert_int_equal(manifest_save(manifest, directory, error, sizeof(error)), 0);
    manifest_free(manifest);
    manifest = manifest_load(directory, error, sizeof(error));
    assert_non_null(manifest);
    assert_int_equal(manifest_peer_number(manifest, "s"), 3);
    assert_int_equal(manifest_peer_number(manifest, "q"), 1);
    assert_int_equal(manifest_peer_number(manifest, "p"), 0);
    assert_int_equal(manifest_member_number(manifest, "s", &one, 5060), 1);
    assert_int_equal(manifest_member_number(manifest, "p", &one, 5060), 0);
    manifest_free(manifest);
}

// Only when all numbers are taken does a name that is not in use lose its own, and never one that is.
static void test_exhausted(void **state)
{
    char name[NAME_SIZE];
    struct manifest *manifest = manifest_create();
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        snprintf(name, sizeof(name), "p%u", i);
        assert_int_equal(manifest_peer_number(manifest, name), i);
    }
    struct ip_address one = ip(1);
    for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
        struct ip_address address = ip(i);
        assert_int_equal(manifest_member_number(manifest, i == 7 ? "p7" : "p8", &address, 5060), i);
    }
    assert_int_equal(manifest_peer_number(manifest, "new"), -ENOSPC);
    assert_int_equal(manifest_member_number(manifest, "p9", &one, 5060), -ENOSPC);
    manifest_begin(manifest);
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        snprintf(name, sizeof(name), "p%u", i);
        if (i != 7)
            assert_int_equal(manifest_find_peer(manifest, name), i);
    }
    for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
        struct ip_address address = ip(i);
        if (i != 7)
            assert_int_equal(manifest_find_member(manifest, "p8", &address, 5060), i);
    }
    assert_int_equal(manifest_peer_number(manifest, "new"), 7);
    assert_int_equal(manifest_find_peer(manifest, "p7"), -ENOENT);
    assert_int_equal(manifest_member_name(manifest, 7, NULL, NULL, NULL), -ENOENT);
    assert_int_equal(manifest_member_number(manifest, "new", &one, 5060), 7);
    assert_int_equal(manifest_peer_number(manifest, "newer"), -ENOSPC);
    manifest_free(manifest);
}

// The whole of it goes to the file and comes back; the file is replaced, readable and without a rest of its
// writing.
static void test_file(void **state)
{
    char error[256], path[256], text[512] = "", below[128];
    struct ip_address one = ip(11), two = ip(12);
    struct manifest *manifest = manifest_load(directory, error, sizeof(error));
    assert_non_null(manifest);
    manifest_peer_number(manifest, "carrier-a");
    manifest_peer_number(manifest, "sbcs");
    manifest_member_number(manifest, "sbcs", &one, 5060);
    manifest_member_number(manifest, "sbcs", &two, 65535);
    assert_int_equal(manifest_application_number(manifest, "sbcs"), 2); // not the peer's
    snprintf(below, sizeof(below), "%s/new", directory);
    assert_int_equal(manifest_save(manifest, below, error, sizeof(error)), 0);
    snprintf(path, sizeof(path), "%s/manifest", below);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(fread(text, 1, sizeof(text) - 1, in) > 0);
    fclose(in);
    assert_string_equal(text, "dialgate-manifest 1\npeer 0 carrier-a\npeer 1 sbcs\napplication 2 sbcs\n"
                              "member 0 sbcs 10.0.0.11:5060\nmember 1 sbcs 10.0.0.12:65535\nend 5\n");
    assert_int_equal(manifest_save(manifest, below, error, sizeof(error)), 0);
    manifest_free(manifest);
    manifest = manifest_load(below, error, sizeof(error));
    assert_non_null(manifest);
    assert_int_equal(manifest_find_member(manifest, "sbcs", &two, 65535), 1);
    assert_int_equal(manifest_find_application(manifest, "sbcs"), 2);
    assert_int_equal(manifest_find_application(manifest, "carrier-a"), -ENOENT);
    assert_string_equal(manifest_peer_name(manifest, 2), "sbcs");
    manifest_free(manifest);
    unlink(path);
    assert_int_equal(rmdir(below), 0);
}

static void test_damaged(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "1: is missing: the file is cut"},
        {"dialgate-manifest 2\n", "1: is not dialgate-manifest 1"},
        {"dialgate-manifest 1\n", "2: is missing: the file is cut"},
        {"dialgate-manifest 1\npeer 0 p\n", "3: is missing: the file is cut"},
        {"dialgate-manifest 1\npeer 0 p\nend 2\n", "3: ends with another number of entries than there are"},
        {"dialgate-manifest 1\nend 0", "2: ends with another number of entries than there are"},
        {"dialgate-manifest 1\nend 0\nx", "2: ends with another number of entries than there are"},
        {"dialgate-manifest 1\npeer 1024 p\nend 1\n", "2: has a number out of range"},
        {"dialgate-manifest 1\npeer -1 p\nend 1\n", "2: has a number out of range"},
        {"dialgate-manifest 1\npeer x p\nend 1\n", "2: is not `peer NUMBER NAME`"},
        {"dialgate-manifest 1\npeer 0 p q\nend 1\n", "2: is not `peer NUMBER NAME`"},
        {"dialgate-manifest 1\npeer 0 abcdefghijklmnopqrstuvwxyz012345\nend 1\n",
         "2: is not `peer NUMBER NAME`"},
        {"dialgate-manifest 1\npeer 0 p\npeer 0 q\nend 2\n", "3: repeats a number or a name"},
        {"dialgate-manifest 1\npeer 0 p\npeer 1 p\nend 2\n", "3: repeats a number or a name"},
        {"dialgate-manifest 1\nmember 0 p 10.0.0.1:1\nend 1\n", "2: names a peer that no line above has"},
        {"dialgate-manifest 1\npeer 0 p\nmember 0 p 10.0.0.256:1\nend 2\n",
         "3: is not `member NUMBER PEER ADDRESS:PORT`"},
        {"dialgate-manifest 1\npeer 0 p\nmember 0 p 10.0.0.1:0\nend 2\n", "3: has a number out of range"},
        {"dialgate-manifest 1\npeer 0 p\nmember 0 p 10.0.0.1:70000\nend 2\n",
         "3: is not `member NUMBER PEER ADDRESS:PORT`"},
        {"dialgate-manifest 1\npeer 0 p\nmember 4096 p 10.0.0.1:1\nend 2\n", "3: has a number out of range"},
        {"dialgate-manifest 1\npeer 0 p\nmember 0 p 10.0.0.1:1\nmember 1 p 10.0.0.1:1\nend 3\n",
         "4: repeats a number or a name"},
        {"dialgate-manifest 1\napplication 0 p q\nend 1\n", "2: is not `application NUMBER NAME`"},
        {"dialgate-manifest 1\napplication 0 p\napplication 1 p\nend 2\n", "3: repeats a number or a name"},
        {"dialgate-manifest 1\napplication 0 p\npeer 0 q\nend 2\n", "3: repeats a number or a name"},
        {"dialgate-manifest 1\nhello\nend 1\n", "2: is neither peer, application, member nor end"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char error[512] = "", expected[512];
        write_manifest(rows[i].text);
        struct manifest *manifest = manifest_load(directory, error, sizeof(error));
        snprintf(expected, sizeof(expected), "%s/manifest:%s; put back a copy", directory, rows[i].error);
        if (manifest || strncmp(error, expected, strlen(expected)) != 0)
            fail_msg("row %zu: expected '%s...', got '%s'", i, expected, manifest ? "a manifest" : error);
    }
}

// A write that fails leaves the old file; a link in its place is not followed.
static void test_refused(void **state)
{
    char error[256] = "", path[128], target[128];
    struct manifest *manifest = manifest_create();
    assert_true(manifest_save(manifest, "/proc/nonexistent", error, sizeof(error)) < 0);
    assert_non_null(strstr(error, "/proc/nonexistent/manifest: cannot be written: "));
    assert_true(manifest_save(manifest, "/dev/null", error, sizeof(error)) < 0);
    snprintf(path, sizeof(path), "%s/manifest.new", directory);
    snprintf(target, sizeof(target), "%s/target", directory);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(manifest_save(manifest, directory, error, sizeof(error)), 0);
    assert_int_equal(access(target, F_OK), -1);
    snprintf(path, sizeof(path), "%s/manifest", directory);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777 & ~0640u, 0);
    unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_null(manifest_load(directory, error, sizeof(error)));
    assert_non_null(strstr(error, "cannot be read"));
    manifest_free(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test_setup_teardown(test_stable, make_directory, remove_directory),
        cmocka_unit_test(test_exhausted),
        cmocka_unit_test_setup_teardown(test_file, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_damaged, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_refused, make_directory, remove_directory),
    };
    return cmocka_run_group_tests_name("config manifest", tests, NULL, NULL);
}
