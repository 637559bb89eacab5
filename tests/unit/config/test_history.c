// SPDX-License-Identifier: BSD-3-Clause
// Versions of the configuration that are kept, and the sum that names a file.
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "history.h"
#include "rows.h"
#include "sha256.h"

static char directory[] = "/tmp/dialgate-history-XXXXXX";

static int make_directory(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char path[128];
    for (unsigned i = 0; i < 64; i++) {
        snprintf(path, sizeof(path), "%s/versions/%u", directory, i);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/versions/nonsense", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/versions", directory);
    rmdir(path);
    rmdir(directory);
    return 0;
}

static uint32_t add(const char *text, bool accepted, uint64_t keep)
{
    char error[256] = "";
    struct config *config = parse_good(text);
    const struct history_target target = {directory, keep, error, sizeof(error)};
    struct history_entry entry = {.time = 1789000000,
                                  .who = "alice",
                                  .cause = "reload",
                                  .file = "/etc/a\nb.yaml",
                                  .source = *config_source(config),
                                  .sequence = 7,
                                  .accepted = accepted,
                                  .text = "well"};
    assert_int_equal(history_add(&target, config, &entry), 0);
    assert_string_equal(error, "");
    config_free(config);
    return entry.version;
}

// The numbers there are: "3 4 5".
static void list(char text[128])
{
    struct history_entry *entries;
    size_t count, length = 0;
    text[0] = '\0';
    assert_int_equal(history_list(directory, &entries, &count), 0);
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, 128 - length, "%s%u%s", i ? " " : "", entries[i].version,
                                   entries[i].accepted ? "" : "!");
    free(entries);
}

static void test_versions(void **state)
{
    char versions[128], path[128], error[512];
    struct history_entry entry;
    struct history_text text;
    list(versions);
    assert_string_equal(versions, "");
    assert_int_equal(add(PEERS "timers: {t1: 1s}\n", true, 3), 1);
    assert_int_equal(add(PEERS, true, 3), 2);
    assert_int_equal(history_read(directory, 1, &entry, &text), 0);
    assert_int_equal(entry.version, 1);
    assert_int_equal(entry.time, 1789000000);
    assert_string_equal(entry.who, "alice");
    assert_string_equal(entry.cause, "reload");
    assert_string_equal(entry.file, "/etc/a?b.yaml");
    assert_int_equal(strlen(entry.source.sha256), 64);
    assert_int_equal(entry.source.octets, strlen(PEERS "timers: {t1: 1s}\n"));
    assert_int_equal(entry.source.files, 1);
    assert_int_equal(entry.sequence, 7);
    assert_true(entry.accepted);
    assert_string_equal(entry.text, "well");
    // It is a configuration as it stands, and the same one.
    struct config *again = config_parse(text.octets, text.length, "t", error, sizeof(error));
    assert_non_null(again);
    assert_true(history_is(directory, 1, again));
    assert_false(history_is(directory, 2, again));
    assert_false(history_is(directory, 3, again));
    config_free(again);
    free(text.octets);
    snprintf(path, sizeof(path), "%s/versions/nonsense", directory);
    fclose(fopen(path, "w"));
    list(versions);
    assert_string_equal(versions, "1 2");
}

// Refused ones go before accepted ones, the newest never; numbers are not used again.
static void test_bounded(void **state)
{
    static const struct {
        bool accepted;
        const char *left;
    } rows[] = {{false, "1 2 3!"}, {false, "1 2 4!"}, {true, "1 2 5"},
                {true, "2 5 6"},   {false, "5 6 7!"}, {true, "5 6 8"}};
    char versions[128];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        add(BASE, rows[i].accepted, 3);
        list(versions);
        assert_string_equal(versions, rows[i].left);
    }
    add(BASE, true, 1);
    list(versions);
    assert_string_equal(versions, "9");
}

// Each octet cut off or changed in the head gives a version that is not read, or one with other words: no
// fault.
static void test_damage(void **state)
{
    char path[128], error[512];
    struct history_entry entry;
    struct history_text text;
    uint32_t version = add(BASE, true, 8);
    assert_int_equal(history_read(directory, version, &entry, &text), 0);
    snprintf(path, sizeof(path), "%s/versions/%u", directory, version);
    size_t refused = 0;
    for (size_t length = 0; length < text.length; length += 7) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fwrite(text.octets, 1, length, out);
        fclose(out);
        assert_int_equal(history_read(directory, version, &entry, NULL), -EBADMSG);
    }
    for (size_t at = 0; at < 300; at++) {
        char octet = text.octets[at];
        text.octets[at] = (char)(at % 3 ? 0 : '\n');
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fwrite(text.octets, 1, text.length, out);
        fclose(out);
        text.octets[at] = octet;
        refused += history_read(directory, version, &entry, NULL) < 0;
    }
    assert_true(refused >= 200);
    free(text.octets);
    assert_int_equal(history_read(directory, 60, &entry, NULL), -ENOENT);
    struct config *config = parse_good(BASE);
    const struct history_target nowhere = {"/nonexistent/directory", 3, error, sizeof(error)};
    assert_int_equal(history_add(&nowhere, config, &entry), -ENOENT);
    assert_string_equal(
        error,
        "/nonexistent/directory/versions/1: No such file or directory; is the state directory writable?");
    config_free(config);
}

// FIPS 180-4's examples, and one block's padding at every length against what was added in pieces.
static void test_sum(void **state)
{
    static const struct {
        const char *text, *sum;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char text[SHA256_TEXT_SIZE], pieces[SHA256_TEXT_SIZE];
    struct sha256 sum;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sha256_init(&sum);
        sha256_add(&sum, rows[i].text, strlen(rows[i].text));
        sha256_text(&sum, text);
        assert_string_equal(text, rows[i].sum);
    }
    char many[200];
    memset(many, 'a', sizeof(many));
    for (size_t length = 0; length <= sizeof(many); length++) {
        sha256_init(&sum);
        sha256_add(&sum, many, length);
        sha256_text(&sum, text);
        sha256_init(&sum);
        for (size_t i = 0; i < length; i++)
            sha256_add(&sum, many + i, 1);
        sha256_text(&sum, pieces);
        assert_string_equal(text, pieces);
    }
    sha256_init(&sum);
    for (int i = 0; i < 5000; i++)
        sha256_add(&sum, many, 200);
    sha256_text(&sum, text);
    assert_string_equal(text,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"); // a million
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_sum),
    };
    return cmocka_run_group_tests_name("config history", tests, make_directory, remove_directory);
}
