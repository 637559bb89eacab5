// SPDX-License-Identifier: BSD-3-Clause
// How a configuration gets to the dataplane: the test is the far end of RUN_DIRECTORY/dataplane.sock.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "far_end.h"
#include "metrics.h"

struct world {
    char directory[64];
    struct event_base *base;
    struct control control;
    int listener;
    int far;
    bool answered;
    int result;
    char text[ERROR_SIZE];
};

static int open_world(struct world *world)
{
    char error[ERROR_SIZE];
    struct control_options options = {SOURCE_ROOT "/config/examples/lab.yaml", world->directory,
                                      world->directory, NULL};
    world->base = event_base_new();
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    return control_connect(&world->control);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(world->directory, "/tmp/dialgate-hand-XXXXXX");
    world->far = -1;
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/dataplane.sock", world->directory);
    world->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(world->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(world->listener, 4) < 0)
        return -1;
    *state = world;
    return open_world(world);
}

static void close_world(struct world *world)
{
    control_fini(&world->control);
    event_base_free(world->base);
}

static int teardown(void **state)
{
    static const char *const files[] = {"dataplane.sock", "manifest", "sequence", "other.yaml"};
    struct world *world = *state;
    close_world(world);
    close(world->listener);
    if (world->far >= 0)
        close(world->far);
    int result = far_remove(world->directory, files, sizeof(files) / sizeof(files[0]));
    free(world);
    return result;
}

static void accept_control(struct world *world)
{
    struct far_message message;
    if (world->far >= 0)
        close(world->far);
    for (int i = 0; i < 300; i++) {
        far_run(world->base, 10);
        world->far = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC);
        if (world->far >= 0)
            break;
    }
    assert_true(world->far >= 0);
    assert_true(far_receive(world->far, &message, NULL, 60000));
    assert_int_equal(message.header.type, CHANNEL_HELLO);
}

static void say_hello(struct world *world, enum channel_state state, uint64_t sequence)
{
    struct channel_hello hello = far_hello(state, sequence);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_run(world->base, 30);
}

// The snapshot that control sent; checks its seals and header. Returns its request number.
static uint32_t take_snapshot(struct world *world, uint64_t *sequence)
{
    struct far_message message;
    struct channel_snapshot body;
    int fd;
    assert_true(far_receive(world->far, &message, &fd, 60000));
    assert_int_equal(message.header.type, CHANNEL_SNAPSHOT);
    assert_true(fd >= 0);
    memcpy(&body, message.body, sizeof(body));
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, body.size);
    int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    assert_int_equal(fcntl(fd, F_GET_SEALS) & needed, needed);
    struct snapshot_header *image = mmap(NULL, body.size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(image != MAP_FAILED);
    assert_int_equal(image->magic, SNAPSHOT_MAGIC);
    assert_int_equal(image->size, body.size);
    assert_int_equal(image->sequence, body.sequence);
    munmap(image, body.size);
    close(fd);
    *sequence = body.sequence;
    return message.header.request;
}

static void nothing_more(struct world *world)
{
    struct far_message message;
    far_run(world->base, 30);
    assert_false(far_receive(world->far, &message, NULL, 0));
}

static unsigned int reasons(const struct world *world)
{
    char buffer[ERROR_SIZE];
    unsigned int count = 0;
    while (control_not_ready(&world->control, count, buffer, sizeof(buffer)))
        count++;
    return count;
}

static void on_reloaded(void *context, int result, const char *text)
{
    struct world *world = context;
    world->answered = true;
    world->result = result;
    snprintf(world->text, sizeof(world->text), "%s", text);
}

static int reload(struct world *world, const char *file)
{
    struct reload_answer answer = {on_reloaded, world, NULL};
    world->answered = false;
    return control_reload(&world->control, file, &answer, world->text, sizeof(world->text));
}

// Start-up as the dataplane does it. Returns the sequence in force.
static uint64_t bring_up(struct world *world)
{
    uint64_t sequence;
    accept_control(world);
    say_hello(world, CHANNEL_WAITING, 0);
    uint32_t request = take_snapshot(world, &sequence);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, sequence);
    struct far_message message;
    int fd = far_counters(2, 5, F_SEAL_SHRINK);
    hello.has_counters = 1;
    far_send(world->far, &message, far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello)), &fd, 1);
    close(fd);
    far_run(world->base, 30);
    assert_int_equal(world->control.handed, HANDED_ACCEPTED);
    return sequence;
}

static void test_waiting_gets_it(void **state)
{
    struct world *world = *state;
    assert_int_equal(reasons(world), 1);
    uint64_t sequence = bring_up(world);
    assert_int_equal(sequence, 1);
    assert_int_equal(reasons(world), 0);
    assert_int_equal(counters_workers(world->control.counters), 2);
    nothing_more(world);
}

static void test_the_same_is_not_sent_again(void **state)
{
    struct world *world = *state;
    uint64_t sequence = bring_up(world);
    say_hello(world, CHANNEL_RUNNING, sequence);
    nothing_more(world);
}

static void test_running_with_another_gets_ours(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    accept_control(world);
    say_hello(world, CHANNEL_RUNNING, 40); // newer than ours: ours is numbered beyond it
    uint32_t request = take_snapshot(world, &sequence);
    assert_int_equal(sequence, 41);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    far_run(world->base, 30);
    assert_int_equal(world->control.handed, HANDED_ACCEPTED);
    assert_int_equal(sequence_load(world->directory), 41);
}

static void test_refused_is_kept_in_mind(void **state)
{
    struct world *world = *state;
    char buffer[ERROR_SIZE];
    uint64_t sequence;
    accept_control(world);
    say_hello(world, CHANNEL_WAITING, 0);
    uint32_t request = take_snapshot(world, &sequence);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, -EINVAL, "interface x is not there");
    say_hello(world, CHANNEL_WAITING, 0);
    nothing_more(world); // not offered again to the same process
    assert_non_null(
        strstr(control_not_ready(&world->control, 1, buffer, sizeof(buffer)), "interface x is not there"));
    accept_control(world); // it was started again
    say_hello(world, CHANNEL_WAITING, 0);
    take_snapshot(world, &sequence);
}

static void test_starting_is_left_alone(void **state)
{
    struct world *world = *state;
    accept_control(world);
    say_hello(world, CHANNEL_STARTING, 0);
    nothing_more(world);
    assert_int_equal(reload(world, NULL), -EAGAIN);
}

static void test_reload_accepted(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    bring_up(world);
    assert_int_equal(reload(world, NULL), 0);
    uint32_t request = take_snapshot(world, &sequence);
    assert_int_equal(sequence, 2);
    assert_int_equal(world->control.active.image->sequence, 1); // not before it is accepted
    assert_int_equal(reload(world, NULL), -EBUSY);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, 0);
    assert_int_equal(world->control.active.image->sequence, 2);
    say_hello(world, CHANNEL_RUNNING, 2);
    nothing_more(world);
}

static void test_reload_refused(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    bring_up(world);
    assert_int_equal(reload(world, NULL), 0);
    uint32_t request = take_snapshot(world, &sequence);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, -EINVAL, "too many routes");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, -EINVAL);
    assert_non_null(strstr(world->text, "too many routes"));
    assert_int_equal(world->control.active.image->sequence, 1);
    nothing_more(world);
}

static void test_reload_lost_on_the_way(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    bring_up(world);
    assert_int_equal(reload(world, NULL), 0);
    take_snapshot(world, &sequence);
    close(world->far);
    world->far = -1;
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, -ENOTCONN);
    accept_control(world);
    say_hello(world, CHANNEL_RUNNING,
              sequence); // it had taken the new one; the old one goes out under a newer number
    uint64_t again;
    take_snapshot(world, &again);
    assert_true(again > sequence);
}

// Nobody knows whether it took the new one: the old one goes out again under a number of its own.
static void test_reload_not_answered(void **state)
{
    struct world *world = *state;
    uint64_t sequence, again;
    bring_up(world);
    world->control.snapshot_deadline_ms = 150;
    assert_int_equal(reload(world, NULL), 0);
    take_snapshot(world, &sequence);
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, -ETIMEDOUT);
    world->control.snapshot_deadline_ms = 60000; // this one is answered, however late
    uint32_t request = take_snapshot(world, &again);
    assert_true(again > sequence);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    far_run(world->base, 30);
    assert_int_equal(world->control.handed, HANDED_ACCEPTED);
    nothing_more(world);
}

static void write_other(const struct world *world, const char *from, const char *to, char *path, size_t size)
{
    char text[8192];
    snprintf(path, size, "%s/other.yaml", world->directory);
    FILE *in = fopen(SOURCE_ROOT "/config/examples/lab.yaml", "r");
    assert_non_null(in);
    size_t length = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[length] = '\0';
    char *place = strstr(text, from);
    assert_non_null(place);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    fclose(out);
}

static void test_restart_keys_are_refused(void **state)
{
    struct world *world = *state;
    char path[128];
    write_other(world, "interface: inside0", "interface: other0", path, sizeof(path));
    bring_up(world);
    assert_int_equal(reload(world, path), -ENOTSUP);
    assert_non_null(strstr(world->text, "inside"));
    assert_non_null(strstr(world->text, "stop dialgate-dataplane"));
    assert_int_equal(world->control.active.image->sequence, 1);
    nothing_more(world);
    // With the dataplane stopped the same reload is taken.
    close(world->far);
    world->far = -1;
    far_run(world->base, 50);
    assert_int_equal(reload(world, path), 0);
    assert_true(world->answered);
    assert_int_equal(world->result, 0);
    assert_string_equal(world->control.active.file, path);
}

static void test_bad_file_changes_nothing(void **state)
{
    struct world *world = *state;
    char path[128];
    write_other(world, "listener: edge", "listener: edgy", path, sizeof(path));
    bring_up(world);
    assert_int_equal(reload(world, path), -EINVAL);
    assert_non_null(strstr(world->text, "other.yaml:"));
    assert_false(world->answered);
    nothing_more(world);
}

static void test_sequence_grows_over_restarts(void **state)
{
    struct world *world = *state;
    uint64_t first = bring_up(world);
    close_world(world);
    close(world->far);
    world->far = -1;
    memset(&world->control, 0, sizeof(world->control));
    assert_int_equal(open_world(world), 0);
    assert_true(world->control.active.image->sequence > first);
}

struct seen {
    unsigned int up;
    unsigned int families;
    bool in_up;
};

static void on_family(void *context, const char *name, const char *type, const char *help)
{
    struct seen *seen = context;
    seen->families++;
    seen->in_up = strcmp(name, "dialgate_dataplane_up") == 0;
    assert_string_not_equal(help, "");
}

static void on_sample(void *context, const char *suffix, const char *labels, double value)
{
    struct seen *seen = context;
    if (seen->in_up)
        seen->up = (unsigned int)value;
}

static void test_metrics_follow(void **state)
{
    struct world *world = *state;
    struct seen before = {.up = 9}, after = {.up = 9};
    struct metrics_visitor visitor = {on_family, on_sample, &before};
    metrics_walk(&world->control, &visitor);
    assert_int_equal(before.up, 0);
    bring_up(world);
    visitor.context = &after;
    metrics_walk(&world->control, &visitor);
    assert_int_equal(after.up, 1);
    assert_true(after.families >= before.families + FAMILY_COUNT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_waiting_gets_it),
                                       T(test_the_same_is_not_sent_again),
                                       T(test_running_with_another_gets_ours),
                                       T(test_refused_is_kept_in_mind),
                                       T(test_starting_is_left_alone),
                                       T(test_reload_accepted),
                                       T(test_reload_refused),
                                       T(test_reload_lost_on_the_way),
                                       T(test_reload_not_answered),
                                       T(test_restart_keys_are_refused),
                                       T(test_bad_file_changes_nothing),
                                       T(test_sequence_grows_over_restarts),
                                       T(test_metrics_follow)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
