// SPDX-License-Identifier: BSD-3-Clause
// Versions of the configuration: what makes one, what does not, and the way back. No dataplane is there, or
// the test is it.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "far_end.h"

#define BASE                                                                                                 \
    "networks: {n: {interface: e0}}\n"                                                                       \
    "listeners: [{name: a, network: n, address: 10.0.0.1}]\n"

struct world {
    char directory[64];
    char path[2][96]; // of configuration files
    struct event_base *base;
    struct control control;
    bool answered;
    int result;
    char text[ERROR_SIZE];
};

static void write_file(const struct world *world, int file, const char *more)
{
    FILE *out = fopen(world->path[file], "w");
    assert_non_null(out);
    fprintf(out, BASE "%s", more);
    fclose(out);
}

static void start(struct world *world)
{
    char error[ERROR_SIZE] = "";
    struct control_options options = {world->path[0], world->directory, world->directory, NULL};
    world->base = event_base_new();
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    assert_int_equal(control_connect(&world->control), 0);
}

static void stop(struct world *world)
{
    control_fini(&world->control);
    event_base_free(world->base);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->directory, "/tmp/dialgate-versions-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    for (int i = 0; i < 2; i++)
        snprintf(world->path[i], sizeof(world->path[i]), "%s/%d.yaml", world->directory, i);
    write_file(world, 0, "timers: {t1: 100ms}\n");
    start(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"manifest", "sequence", "0.yaml", "1.yaml", "dataplane.sock"};
    struct world *world = *state;
    char path[128];
    stop(world);
    far_forget_versions(world->directory);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", world->directory, files[i]);
        unlink(path);
    }
    int result = rmdir(world->directory);
    free(world);
    return result;
}

static void on_done(void *context, int result, const char *text)
{
    struct world *world = context;
    world->answered = true;
    world->result = result;
    snprintf(world->text, sizeof(world->text), "%s", text);
}

static int reload(struct world *world, const char *file)
{
    struct reload_answer answer = {on_done, world, "alice"};
    return control_reload(&world->control, file, &answer, world->text, sizeof(world->text));
}

static int rollback(struct world *world, uint32_t version)
{
    struct reload_answer answer = {on_done, world, "bob"};
    return control_rollback(&world->control, version, &answer, world->text, sizeof(world->text));
}

static struct history_entry entry_of(const struct world *world, uint32_t version)
{
    struct history_entry entry;
    assert_int_equal(history_read(world->directory, version, &entry, NULL), 0);
    return entry;
}

static uint32_t t1(const struct world *world)
{
    return world->control.active.image->settings.timer_t1_ms;
}

static void test_what_makes_one(void **state)
{
    struct world *world = *state;
    assert_int_equal(world->control.versions.active, 1);
    struct history_entry entry = entry_of(world, 1);
    assert_string_equal(entry.cause, "start");
    assert_string_equal(entry.who, "-");
    assert_string_equal(entry.file, world->path[0]);
    assert_true(entry.accepted);
    // The same again, of the same file, is none.
    assert_int_equal(reload(world, NULL), 0);
    assert_int_equal(world->control.versions.active, 1);
    // The same of another file is one, and so is another text.
    write_file(world, 1, "timers: {t1: 100ms}\n");
    assert_int_equal(reload(world, world->path[1]), 0);
    assert_int_equal(world->control.versions.active, 2);
    write_file(world, 1, "timers: {t1: 200ms}\n");
    assert_int_equal(reload(world, NULL), 0);
    assert_int_equal(world->control.versions.active, 3);
    entry = entry_of(world, 3);
    assert_string_equal(entry.cause, "reload");
    assert_string_equal(entry.who, "alice");
    assert_string_equal(entry.file, world->path[1]);
    assert_int_equal(entry.sequence, world->control.active.image->sequence);
    // What cannot be read never came so far.
    write_file(world, 1, "timers: {t1: never}\n");
    assert_int_equal(reload(world, NULL), -EINVAL);
    assert_int_equal(world->control.versions.active, 3);
    assert_int_equal(history_read(world->directory, 4, &entry, NULL), -ENOENT);
}

static void test_the_way_back(void **state)
{
    struct world *world = *state;
    assert_int_equal(rollback(world, 0), -ENOENT);
    assert_non_null(strstr(world->text, "no version of before"));
    write_file(world, 0, "timers: {t1: 200ms}\n");
    assert_int_equal(reload(world, NULL), 0);
    assert_int_equal(t1(world), 200);
    assert_int_equal(rollback(world, 0), 0);
    assert_int_equal(world->result, 0);
    assert_int_equal(t1(world), 100);
    assert_int_equal(world->control.versions.active, 3);
    struct history_entry entry = entry_of(world, 3);
    assert_string_equal(entry.cause, "rollback 1");
    assert_string_equal(entry.who, "bob");
    assert_string_equal(entry.source.sha256, entry_of(world, 1).source.sha256);
    assert_string_equal(entry.file, world->path[0]);
    assert_string_equal(world->control.active.file, world->path[0]); // which the next reload reads
    assert_int_equal(rollback(world, 0), 0);
    assert_int_equal(t1(world), 200);
    assert_string_equal(entry_of(world, 4).cause, "rollback 2");
    assert_int_equal(rollback(world, 1), 0);
    assert_int_equal(t1(world), 100);
    assert_int_equal(rollback(world, 17), -ENOENT);
    assert_string_equal(world->text, "version 17: there is none; see config history");
    assert_int_equal(world->control.versions.active, 5);
    assert_int_equal(world->control.reloads.refused, 0);
}

static void test_damaged(void **state)
{
    struct world *world = *state;
    char path[128];
    write_file(world, 0, "timers: {t1: 200ms}\n");
    assert_int_equal(reload(world, NULL), 0);
    snprintf(path, sizeof(path), "%s/versions/1", world->directory);
    assert_int_equal(truncate(path, 300), 0);
    assert_int_equal(rollback(world, 1), -EBADMSG);
    assert_string_equal(world->text, "version 1: is damaged; see config history");
    assert_int_equal(rollback(world, 0), -ENOENT);
    assert_int_equal(t1(world), 200);
}

// A variable is read when the version comes back; what is kept has its name alone.
static void test_environment(void **state)
{
    struct world *world = *state;
    char path[128], text[4096];
    setenv("DG_T1", "300ms", 1);
    write_file(world, 0, "timers: {t1: '${DG_T1}'}\n");
    assert_int_equal(reload(world, NULL), 0);
    assert_int_equal(t1(world), 300);
    snprintf(path, sizeof(path), "%s/versions/2", world->directory);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    assert_non_null(strstr(text, "t1: '${DG_T1}'\n"));
    assert_int_equal(rollback(world, 1), 0);
    setenv("DG_T1", "400ms", 1);
    assert_int_equal(rollback(world, 2), 0);
    assert_int_equal(t1(world), 400);
    unsetenv("DG_T1");
    assert_int_equal(rollback(world, 1), 0);
    assert_int_equal(rollback(world, 2), -EINVAL);
    assert_non_null(strstr(world->text, "the environment has no variable DG_T1"));
    assert_int_equal(t1(world), 100);
}

static void test_start_again(void **state)
{
    struct world *world = *state;
    stop(world);
    start(world);
    assert_int_equal(world->control.versions.active, 1); // the same: no version
    stop(world);
    write_file(world, 0, "timers: {t1: 200ms}\n");
    start(world);
    assert_int_equal(world->control.versions.active, 2);
    assert_string_equal(entry_of(world, 2).cause, "start");
}

static void test_bounded(void **state)
{
    struct world *world = *state;
    struct history_entry *entries;
    size_t count;
    char text[64];
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "timers: {t1: %dms}\nstate: {versions: 3}\n", 200 + i);
        write_file(world, 0, text);
        assert_int_equal(reload(world, NULL), 0);
    }
    assert_int_equal(history_list(world->directory, &entries, &count), 0);
    assert_int_equal(count, 3);
    assert_int_equal(entries[2].version, world->control.versions.active);
    free(entries);
}

// What the dataplane refused is kept to be looked at, and is no way back.
static void test_refused(void **state)
{
    struct world *world = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct far_message message;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/dataplane.sock", world->directory);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), far = -1;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    for (int i = 0; i < 300 && far < 0; i++) {
        far_run(world->base, 10);
        far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    }
    assert_true(far >= 0 && far_receive(far, &message, NULL, 60000));
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->control.active.image->sequence);
    far_say(far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_run(world->base, 30);
    write_file(world, 0, "timers: {t1: 200ms}\n");
    assert_int_equal(reload(world, NULL), 0);
    assert_true(far_receive(far, &message, NULL, 60000));
    far_done(far, CHANNEL_SNAPSHOT_RESULT, message.header.request, -EINVAL, "too steep");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->control.versions.active, 1);
    struct history_entry entry = entry_of(world, 2);
    assert_false(entry.accepted);
    assert_non_null(strstr(entry.text, "too steep"));
    assert_int_equal(rollback(world, 2), -EINVAL);
    assert_non_null(strstr(world->text, "version 2 was refused by the dataplane: too steep"));
    assert_int_equal(rollback(world, 0), -ENOENT);
    assert_int_equal(t1(world), 100);
    close(far);
    close(listener);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_what_makes_one), T(test_the_way_back), T(test_damaged),
                                       T(test_environment),    T(test_start_again),  T(test_bounded),
                                       T(test_refused)};
#undef T
    return cmocka_run_group_tests_name("versions", tests, NULL, NULL);
}
