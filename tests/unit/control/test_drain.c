// SPDX-License-Identifier: BSD-3-Clause
// What the operator says, on its way to the dataplane and over restarts: the test is the far end of
// RUN_DIRECTORY/dataplane.sock.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "drain.h"
#include "far_end.h"

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

static void start(struct world *world)
{
    char error[ERROR_SIZE];
    struct control_options options = {SOURCE_ROOT "/config/examples/lab.yaml", world->directory,
                                      world->directory, NULL};
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
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(world->directory, "/tmp/dialgate-drain-XXXXXX");
    world->far = -1;
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/dataplane.sock", world->directory);
    world->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(world->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(world->listener, 4) < 0)
        return -1;
    start(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"dataplane.sock", "manifest", "sequence", "operator", "other.yaml"};
    struct world *world = *state;
    stop(world);
    close(world->listener);
    if (world->far >= 0)
        close(world->far);
    int result = far_remove(world->directory, files, sizeof(files) / sizeof(files[0]));
    free(world);
    return result;
}

static void say_hello(struct world *world, enum channel_state state, uint64_t sequence)
{
    struct far_message message;
    for (int i = 0; i < 500 && world->far < 0; i++) {
        far_run(world->base, 10);
        world->far = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC);
        if (world->far >= 0)
            assert_true(far_receive(world->far, &message, NULL, 60000)); // control's own hello
    }
    struct channel_hello hello = far_hello(state, sequence);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_run(world->base, 30);
}

// What an image says: the node, peer sbcs, its two members.
struct said {
    bool node;
    bool sbcs;
    uint32_t members[2];
};

static struct said read_image(const struct snapshot_header *image)
{
    const struct snapshot_peer *peers =
        (const void *)((const char *)image + image->sections[SECTION_PEERS].offset);
    const struct snapshot_member *members =
        (const void *)((const char *)image + image->sections[SECTION_MEMBERS].offset);
    assert_string_equal(peers[1].name, "sbcs");
    return (struct said){image->settings.flags & SETTINGS_DRAINING,
                         peers[1].flags & PEER_DRAINING,
                         {members[1].flags & ~SNAPSHOT_PRESENT, members[2].flags & ~SNAPSHOT_PRESENT}};
}

static uint32_t take_snapshot(struct world *world, uint64_t *sequence, struct said *said)
{
    struct far_message message;
    struct channel_snapshot body;
    int fd;
    assert_true(far_receive(world->far, &message, &fd, 60000));
    assert_int_equal(message.header.type, CHANNEL_SNAPSHOT);
    memcpy(&body, message.body, sizeof(body));
    struct snapshot_header *image = mmap(NULL, body.size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(image != MAP_FAILED);
    *said = read_image(image);
    *sequence = image->sequence;
    munmap(image, body.size);
    close(fd);
    return message.header.request;
}

static void nothing_more(struct world *world)
{
    struct far_message message;
    far_run(world->base, 30);
    assert_false(far_receive(world->far, &message, NULL, 0));
}

static void bring_up(struct world *world)
{
    uint64_t sequence;
    struct said said;
    say_hello(world, CHANNEL_WAITING, 0);
    uint32_t request = take_snapshot(world, &sequence, &said);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    say_hello(world, CHANNEL_RUNNING, sequence);
    assert_int_equal(world->control.handed, HANDED_ACCEPTED);
    nothing_more(world);
}

static void on_done(void *context, int result, const char *text)
{
    struct world *world = context;
    world->answered = true;
    world->result = result;
    snprintf(world->text, sizeof(world->text), "%s", text);
}

static int say(struct world *world, const char *peer, const char *member, enum overlay_state state)
{
    struct reload_answer answer = {on_done, world, NULL};
    struct drain_request request = {peer, member, state, "alice"};
    world->answered = false;
    world->text[0] = '\0';
    return drain_request(&world->control, &request, &answer, world->text, sizeof(world->text));
}

// The dataplane takes what was said.
static struct said taken(struct world *world)
{
    uint64_t sequence;
    struct said said;
    uint32_t request = take_snapshot(world, &sequence, &said);
    assert_false(world->answered);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, 0);
    assert_int_equal(world->control.active.image->sequence, sequence);
    return said;
}

// What the file says.
static size_t written(struct world *world)
{
    struct overlay overlay;
    char error[ERROR_SIZE];
    assert_int_equal(overlay_load(&overlay, world->directory, error, sizeof(error)), 0);
    size_t count = overlay.count;
    overlay_free(&overlay);
    return count;
}

static void test_words(void **state)
{
    struct world *world = *state;
    bring_up(world);
    assert_int_equal(say(world, "sbcs", "10.20.0.12", OVERLAY_DRAINING), 0);
    struct said said = taken(world);
    assert_true(!said.node && !said.sbcs && said.members[0] == 0 && said.members[1] == MEMBER_DRAINING);
    assert_int_equal(say(world, "sbcs", "10.20.0.12:5060", OVERLAY_DISABLED), 0);
    said = taken(world);
    assert_true(said.members[0] == 0 && said.members[1] == MEMBER_DISABLED);
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_DRAINING), 0);
    said = taken(world);
    assert_true(said.sbcs && said.members[0] == MEMBER_DRAINING && said.members[1] == MEMBER_DISABLED);
    assert_int_equal(say(world, NULL, NULL, OVERLAY_DRAINING), 0);
    said = taken(world);
    assert_true(said.node && said.sbcs);
    assert_int_equal(written(world), 3);
    char buffer[ERROR_SIZE];
    assert_non_null(strstr(control_not_ready(&world->control, 1, buffer, sizeof(buffer)), "drains"));
    // What the whole peer was told does not take back what one member was told.
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_ENABLED), 0);
    said = taken(world);
    assert_true(!said.sbcs && said.members[0] == 0 && said.members[1] == MEMBER_DISABLED);
    assert_int_equal(say(world, NULL, NULL, OVERLAY_ENABLED), 0);
    assert_false(taken(world).node);
    assert_int_equal(say(world, "sbcs", "10.20.0.12", OVERLAY_ENABLED), 0);
    assert_int_equal(taken(world).members[1], 0);
    assert_int_equal(written(world), 0);
}

// Said again it changes nothing, and since stays.
static void test_the_same_again(void **state)
{
    struct world *world = *state;
    bring_up(world);
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_DRAINING), 0);
    taken(world);
    world->control.overlay.rows[0].since = 7;
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_DRAINING), 0);
    assert_true(world->answered && world->result == 0);
    nothing_more(world);
    assert_int_equal(world->control.overlay.rows[0].since, 7);
    assert_int_equal(say(world, "carrier-a", NULL, OVERLAY_ENABLED), 0);
    assert_true(world->answered && world->result == 0);
    nothing_more(world);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *peer;
        const char *member;
        const char *text;
    } rows[] = {
        {"sbc", NULL, "no peer is called sbc; there are carrier-a, sbcs"},
        {"", NULL, "no peer is called ; there are carrier-a, sbcs"},
        {"sbcs", "10.20.0.13",
         "peer sbcs has no member 10.20.0.13; there are 10.20.0.11:5060, 10.20.0.12:5060"},
        {"sbcs", "10.20.0.1",
         "peer sbcs has no member 10.20.0.1; there are 10.20.0.11:5060, 10.20.0.12:5060"},
        {"sbcs", "", "peer sbcs has no member ; there are 10.20.0.11:5060, 10.20.0.12:5060"},
        {"sbcs", "10.20.0.11:5061",
         "peer sbcs has no member 10.20.0.11:5061; there are 10.20.0.11:5060, 10.20.0.12:5060"},
    };
    struct world *world = *state;
    bring_up(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(say(world, rows[i].peer, rows[i].member, OVERLAY_DRAINING), -ENOENT);
        assert_string_equal(world->text, rows[i].text);
    }
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_DISABLED), 0);
    taken(world);
    assert_int_equal(say(world, "sbcs", "10.20.0.11", OVERLAY_ENABLED), -EINVAL);
    assert_non_null(strstr(world->text, "disabled as a whole"));
    nothing_more(world);
    assert_int_equal(world->control.overlay.count, 1);
}

// What the dataplane refused was not said, nor was it written down; the same where it does not answer.
static void test_refused(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    struct said said;
    bring_up(world);
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_DRAINING), 0);
    uint32_t request = take_snapshot(world, &sequence, &said);
    assert_true(said.sbcs);
    assert_int_equal(say(world, NULL, NULL, OVERLAY_DRAINING), -EBUSY);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, -EINVAL, "no");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, -EINVAL);
    assert_int_equal(world->control.overlay.count, 0);
    assert_int_equal(written(world), 0);
    nothing_more(world);
    world->control.snapshot_deadline_ms = 50;
    assert_int_equal(say(world, "sbcs", NULL, OVERLAY_DRAINING), 0);
    take_snapshot(world, &sequence, &said);
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(world->result, -ETIMEDOUT);
    take_snapshot(world, &sequence, &said); // nobody knows what is in force there: what was before, once more
    assert_false(said.sbcs);
    assert_int_equal(written(world), 0);
}

static void test_survives(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    struct said said;
    assert_int_equal(say(world, NULL, NULL, OVERLAY_DRAINING), 0); // without a dataplane
    assert_true(world->answered && world->result == 0);
    stop(world);
    start(world);
    assert_true(read_image(world->control.active.image).node);
    assert_string_equal(world->control.overlay.rows[0].who, "alice");
    say_hello(world, CHANNEL_WAITING, 0);
    uint32_t request = take_snapshot(world, &sequence, &said);
    assert_true(said.node);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    say_hello(world, CHANNEL_RUNNING, sequence);
    struct reload_answer answer = {on_done, world, NULL};
    world->answered = false;
    assert_int_equal(control_reload(&world->control, NULL, &answer, world->text, sizeof(world->text)), 0);
    assert_true(taken(world).node);
}

// A member that leaves the file loses its row.
static void test_forgotten(void **state)
{
    struct world *world = *state;
    char path[128], line[256];
    bring_up(world);
    assert_int_equal(say(world, "sbcs", "10.20.0.12", OVERLAY_DISABLED), 0);
    taken(world);
    snprintf(path, sizeof(path), "%s/other.yaml", world->directory);
    FILE *in = fopen(SOURCE_ROOT "/config/examples/lab.yaml", "r"), *out = fopen(path, "w");
    while (fgets(line, sizeof(line), in)) {
        char *member = strstr(line, ", {address: 10.20.0.12}");
        if (member)
            strcpy(member, "]\n");
        fputs(line, out);
    }
    fclose(in);
    fclose(out);
    struct reload_answer answer = {on_done, world, NULL};
    world->answered = false;
    assert_int_equal(control_reload(&world->control, path, &answer, world->text, sizeof(world->text)), 0);
    assert_int_equal(world->control.overlay.count, 1); // not before it is accepted
    taken(world);
    assert_int_equal(world->control.overlay.count, 0);
    assert_int_equal(written(world), 0);
}

static void test_damaged_file(void **state)
{
    struct world *world = *state;
    struct control other;
    char path[128], error[ERROR_SIZE];
    snprintf(path, sizeof(path), "%s/operator", world->directory);
    FILE *out = fopen(path, "w");
    fputs("dialgate-operator 1\nnode", out);
    fclose(out);
    struct control_options options = {SOURCE_ROOT "/config/examples/lab.yaml", world->directory,
                                      world->directory, NULL};
    assert_true(control_init(&other, world->base, &options, error, sizeof(error)) < 0);
    assert_non_null(strstr(error, "operator:2: is damaged"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {TEST(test_words),       TEST(test_the_same_again), TEST(test_wrong),
                                     TEST(test_refused),     TEST(test_survives),       TEST(test_forgotten),
                                     TEST(test_damaged_file)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
