// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "overlay.h"
#include "rows.h"

static char directory[64];

static int make_directory(void **state)
{
    strcpy(directory, "/tmp/dialgate-overlay-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/operator", directory);
    unlink(path);
    return rmdir(directory);
}

static void write_file(const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/operator", directory);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void say(struct overlay *overlay, const char *peer, const char *member, enum overlay_state state)
{
    struct overlay_row row = {.state = state, .since = 1700000000, .who = "alice"};
    struct overlay made;
    snprintf(row.peer, sizeof(row.peer), "%s", peer);
    snprintf(row.member, sizeof(row.member), "%s", member);
    assert_int_equal(overlay_with(&made, overlay, &row), 0);
    overlay_free(overlay);
    *overlay = made;
}

static void test_rows(void **state)
{
    struct overlay overlay = {0};
    say(&overlay, "p", "", OVERLAY_DRAINING);
    say(&overlay, "p", "10.0.1.1:5060", OVERLAY_DISABLED);
    say(&overlay, "p", "", OVERLAY_DRAINING);
    say(&overlay, "q", "sbc.net", OVERLAY_DRAINING);
    assert_int_equal(overlay.count, 3);
    assert_null(overlay_find(&overlay, "", ""));
    assert_non_null(overlay_find(&overlay, "p", ""));
    // The strongest counts: the member's own word, its host's, its peer's.
    assert_int_equal(overlay_of_member(&overlay, "p", "10.0.1.1:5060", NULL)->state, OVERLAY_DISABLED);
    assert_int_equal(overlay_of_member(&overlay, "p", "10.0.1.2:5060", NULL)->state, OVERLAY_DRAINING);
    assert_null(overlay_of_member(&overlay, "q", "10.0.1.1:5060", NULL));
    assert_null(overlay_of_member(&overlay, "q", "10.0.1.1:5060", ""));
    assert_int_equal(overlay_of_member(&overlay, "q", "10.0.1.1:5060", "sbc.net")->state, OVERLAY_DRAINING);
    say(&overlay, "", "", OVERLAY_DRAINING);
    assert_non_null(overlay_find(&overlay, "", ""));
    assert_null(overlay_of_member(&overlay, "r", "10.0.1.1:5060", NULL)); // the node is no member
    say(&overlay, "p", "", OVERLAY_ENABLED);
    say(&overlay, "p", "", OVERLAY_ENABLED);
    assert_int_equal(overlay.count, 3);
    assert_null(overlay_of_member(&overlay, "p", "10.0.1.2:5060", NULL));
    overlay_free(&overlay);
}

static void test_file(void **state)
{
    struct overlay overlay = {0}, read;
    char error[256] = "";
    assert_int_equal(overlay_load(&read, directory, error, sizeof(error)), 0);
    assert_int_equal(read.count, 0);
    assert_int_equal(overlay_load(&read, "/nonexistent", error, sizeof(error)), 0);
    say(&overlay, "", "", OVERLAY_DRAINING);
    say(&overlay, "p", "", OVERLAY_DISABLED);
    say(&overlay, "p", "10.0.1.1:5060", OVERLAY_DRAINING);
    say(&overlay, "q", "sbc.net", OVERLAY_DISABLED);
    assert_int_equal(overlay_save(&overlay, directory, error, sizeof(error)), 0);
    assert_int_equal(overlay_load(&read, directory, error, sizeof(error)), 0);
    assert_int_equal(read.count, overlay.count);
    for (size_t i = 0; i < read.count; i++) {
        assert_string_equal(read.rows[i].peer, overlay.rows[i].peer);
        assert_string_equal(read.rows[i].member, overlay.rows[i].member);
        assert_string_equal(read.rows[i].who, "alice");
        assert_int_equal(read.rows[i].state, overlay.rows[i].state);
        assert_int_equal(read.rows[i].since, 1700000000);
    }
    overlay_free(&read);
    assert_int_equal(overlay_save(&overlay, "/proc/nonexistent", error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, "/proc/nonexistent/operator: cannot be written"));
    overlay_free(&overlay);
}

static void test_damaged(void **state)
{
#define HEAD "dialgate-operator 1\n"
    static const struct {
        const char *name;
        const char *text;
        unsigned line;
    } rows[] = {
        {"empty", "", 1},
        {"another version", "dialgate-operator 2\nend 0\n", 1},
        {"cut", HEAD "node draining 1 a\n", 3},
        {"cut in a line", HEAD "node drain", 2},
        {"another count", HEAD "node draining 1 a\nend 2\n", 3},
        {"more behind the end", HEAD "end 0\nend 0\n", 2},
        {"an unknown state", HEAD "peer p resting 1 a\nend 1\n", 2},
        {"enabled", HEAD "peer p enabled 1 a\nend 1\n", 2},
        {"a disabled node", HEAD "node disabled 1 a\nend 1\n", 2},
        {"a time before 1970", HEAD "peer p draining -1 a\nend 1\n", 2},
        {"nobody", HEAD "peer p draining 1\nend 1\n", 2},
        {"twice", HEAD "peer p draining 1 a\npeer p disabled 1 a\nend 2\n", 3},
        {"a word more", HEAD "peer p draining 1 a b\nend 1\n", 2},
        {"a long name", HEAD "peer 01234567890123456789012345678901 draining 1 a\nend 1\n", 2},
        {"another kind", HEAD "trunk p draining 1 a\nend 1\n", 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct overlay overlay;
        char error[256] = "", wanted[128];
        write_file(rows[i].text);
        snprintf(wanted, sizeof(wanted), "%s/operator:%u: is damaged", directory, rows[i].line);
        int result = overlay_load(&overlay, directory, error, sizeof(error));
        if (result != -EBADMSG || strncmp(error, wanted, strlen(wanted)) != 0)
            fail_msg("%s: %d %s", rows[i].name, result, error);
        assert_null(overlay.rows);
    }
}

static unsigned dropped;

static void on_dropped(const struct overlay_row *row)
{
    dropped++;
}

static void test_follow(void **state)
{
    static const char text[] = BASE "peers:\n"
                                    "  - {name: p, listener: a, members: [{address: 10.0.1.1}]}\n"
                                    "  - {name: q, listener: a, members: [{host: sbc.net}]}\n"
                                    "routes: [{from: p, to: q}]\n";
    static const struct {
        const char *peer;
        const char *member;
        bool stays;
    } rows[] = {{"", "", true},
                {"p", "", true},
                {"p", "10.0.1.1:5060", true},
                {"p", "10.0.1.1:5070", false},
                {"p", "10.0.1.2:5060", false},
                {"p", "sbc.net", false},
                {"q", "sbc.net", true},
                {"q", "10.0.2.2:5060", true}, // DNS may give it again
                {"q", "other.net", false},
                {"r", "", false},
                {"r", "10.0.1.1:5060", false}};
    struct overlay overlay = {0};
    struct config *config = parse_good(text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        say(&overlay, rows[i].peer, rows[i].member, OVERLAY_DRAINING);
    dropped = 0;
    assert_int_equal(overlay_follow(&overlay, config, on_dropped), 6);
    assert_int_equal(dropped, 6);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(overlay_find(&overlay, rows[i].peer, rows[i].member) != NULL, rows[i].stays);
    assert_int_equal(overlay_follow(&overlay, config, on_dropped), 0);
    config_free(config);
    overlay_free(&overlay);
}

struct flags {
    uint32_t settings;
    uint32_t peers[2];
    uint32_t members[3];
};

static void compile(const struct overlay *overlay, const struct flags *wanted)
{
    static const char text[] = BASE "peers:\n"
                                    "  - {name: p, listener: a, members: [{address: 10.0.1.1}]}\n"
                                    "  - {name: q, listener: a, members: [{address: 10.0.1.2}, "
                                    "{address: 10.0.1.3}]}\n"
                                    "routes: [{from: p, to: q}]\n";
    char error[256] = "";
    struct config *config = parse_good(text);
    struct manifest *manifest = manifest_create();
    struct compile_input input = {.config = config, .manifest = manifest, .sequence = 1, .overlay = overlay};
    int fd;
    size_t size;
    assert_int_equal(config_compile(&input, &fd, &size, error, sizeof(error)), 0);
    const struct snapshot_header *image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    const struct snapshot_peer *peers =
        (const void *)((const char *)image + image->sections[SECTION_PEERS].offset);
    const struct snapshot_member *members =
        (const void *)((const char *)image + image->sections[SECTION_MEMBERS].offset);
    assert_int_equal(image->settings.flags, wanted->settings);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(peers[i].flags & PEER_DRAINING, wanted->peers[i]);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(members[i].flags, wanted->members[i] | SNAPSHOT_PRESENT);
    munmap((void *)(uintptr_t)image, size);
    close(fd);
    manifest_free(manifest);
    config_free(config);
}

static void test_compiled(void **state)
{
    struct overlay overlay = {0};
    compile(NULL, &(struct flags){0});
    compile(&overlay, &(struct flags){0});
    say(&overlay, "q", "10.0.1.3:5060", OVERLAY_DISABLED);
    compile(&overlay, &(struct flags){.members = {0, 0, MEMBER_DISABLED}});
    say(&overlay, "q", "", OVERLAY_DRAINING);
    compile(&overlay,
            &(struct flags){.peers = {0, PEER_DRAINING}, .members = {0, MEMBER_DRAINING, MEMBER_DISABLED}});
    say(&overlay, "q", "", OVERLAY_DISABLED);
    say(&overlay, "", "", OVERLAY_DRAINING);
    compile(&overlay, &(struct flags){.settings = SETTINGS_DRAINING,
                                      .peers = {0, PEER_DRAINING},
                                      .members = {0, MEMBER_DISABLED, MEMBER_DISABLED}});
    overlay_free(&overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test_setup_teardown(test_file, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_damaged, make_directory, remove_directory),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_compiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
