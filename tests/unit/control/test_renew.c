// SPDX-License-Identifier: BSD-3-Clause
// Addresses that DNS changed on their way to the dataplane: the test is the name server and the far end of
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
#include "control.h"
#include "far_end.h"
#include "name_server.h"

#define A(name, address)                                                                                     \
    {                                                                                                        \
        name, 1, 60, address, 0, 0, 0                                                                        \
    }

static const struct record one[] = {A("x.net", "10.0.2.1"), {0}};
static const struct record two[] = {A("x.net", "10.0.2.1"), A("x.net", "10.0.2.2"), {0}};
static const struct record three[] = {
    A("x.net", "10.0.2.1"), A("x.net", "10.0.2.2"), A("x.net", "10.0.2.3"), {0}};

static const char yaml[] = "networks: {n: {interface: e0}}\n"
                           "listeners: [{name: a, network: n, address: 10.0.0.1}]\n"
                           "peers: [{name: p, listener: a, members: [{host: x.net}]}]\n"
                           "routes: [{from: p, to: p}]\n";

struct world {
    char directory[64];
    char file[128];
    struct event_base *base;
    struct name_server server;
    struct control control;
    bool started;
    int listener;
    int far;
    bool answered;
    int result;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(world->directory, "/tmp/dialgate-renew-XXXXXX");
    world->far = -1;
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(world->file, sizeof(world->file), "%s/x.yaml", world->directory);
    FILE *file = fopen(world->file, "w");
    if (!file || fputs(yaml, file) < 0 || fclose(file) != 0)
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/dataplane.sock", world->directory);
    world->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(world->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(world->listener, 4) < 0)
        return -1;
    world->base = event_base_new();
    name_server_open(&world->server, world->base);
    *state = world;
    return 0;
}

static void start(struct world *world, const struct record *records)
{
    char error[ERROR_SIZE];
    struct control_options options = {world->file, world->directory, world->directory, world->server.address};
    world->server.records = records;
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    world->started = true;
    assert_int_equal(control_connect(&world->control), 0);
}

static void stop(struct world *world)
{
    if (world->started)
        control_fini(&world->control);
    world->started = false;
}

static int teardown(void **state)
{
    static const char *const files[] = {"dataplane.sock", "manifest", "sequence", "hosts", "x.yaml"};
    struct world *world = *state;
    char path[128];
    stop(world);
    name_server_close(&world->server);
    event_base_free(world->base);
    close(world->listener);
    if (world->far >= 0)
        close(world->far);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", world->directory, files[i]);
        unlink(path);
    }
    far_forget_versions(world->directory);
    int result = rmdir(world->directory);
    free(world);
    return result;
}

// Members of the peer in an image.
static uint32_t members_of(const struct snapshot_header *image)
{
    const struct snapshot_peer *peers =
        (const void *)((const char *)image + image->sections[SECTION_PEERS].offset);
    return peers[0].member_count;
}

static void run_until_members(struct world *world, uint32_t members)
{
    for (int i = 0; i < 500 && members_of(world->control.active.image) != members; i++)
        far_run(world->base, 10);
    assert_int_equal(members_of(world->control.active.image), members);
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

// The next snapshot within five seconds: its request number, with how many members it has.
static uint32_t take_snapshot(struct world *world, uint64_t *sequence, uint32_t *members)
{
    struct far_message message;
    int fd = -1;
    bool received = false;
    for (int i = 0; i < 500 && !received; i++) {
        far_run(world->base, 10);
        received = far_receive(world->far, &message, &fd, 0);
    }
    assert_true(received && message.header.type == CHANNEL_SNAPSHOT && fd >= 0);
    struct channel_snapshot body;
    memcpy(&body, message.body, sizeof(body));
    struct snapshot_header *image = mmap(NULL, body.size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(image != MAP_FAILED);
    *members = members_of(image);
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

static void on_reloaded(void *context, int result, const char *text)
{
    struct world *world = context;
    world->answered = true;
    world->result = result;
}

// Begins a reload, whose end makes control ask the name server again.
static void reload(struct world *world)
{
    struct reload_answer answer = {on_reloaded, world, NULL};
    char error[ERROR_SIZE];
    world->answered = false;
    assert_int_equal(control_reload(&world->control, NULL, &answer, error, sizeof(error)), 0);
}

static uint64_t bring_up(struct world *world, const struct record *records, uint32_t members)
{
    uint64_t sequence;
    uint32_t found;
    start(world, records);
    run_until_members(world, members);
    say_hello(world, CHANNEL_WAITING, 0);
    uint32_t request = take_snapshot(world, &sequence, &found);
    assert_int_equal(found, members);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    say_hello(world, CHANNEL_RUNNING, sequence);
    assert_int_equal(world->control.handed, HANDED_ACCEPTED);
    nothing_more(world);
    return sequence;
}

// Without a dataplane, and over a restart without DNS.
static void test_alone(void **state)
{
    struct world *world = *state;
    start(world, two);
    assert_int_equal(members_of(world->control.active.image), 0);
    uint64_t sequence = world->control.active.image->sequence;
    run_until_members(world, 2);
    assert_true(world->control.active.image->sequence > sequence);
    assert_string_equal(world->control.active.file, world->file);
    stop(world);
    name_server_close(&world->server);
    start(world, NULL);
    assert_int_equal(members_of(world->control.active.image), 2);
}

static void test_change_goes_over(void **state)
{
    struct world *world = *state;
    uint64_t before = bring_up(world, one, 1), sequence;
    uint32_t members;
    reload(world);
    uint32_t request = take_snapshot(world, &sequence, &members);
    assert_int_equal(members, 1);
    world->server.records = three;
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    request = take_snapshot(world, &sequence, &members);
    assert_true(members == 3 && sequence > before + 1);
    assert_int_equal(members_of(world->control.active.image), 1); // not before it is accepted
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    run_until_members(world, 3);
    assert_int_equal(world->control.active.image->sequence, sequence);
    nothing_more(world);
    reload(world); // what it was made of is still there
    take_snapshot(world, &sequence, &members);
    assert_int_equal(members, 3);
}

// A change that comes in the midst of a reload waits for its end.
static void test_waits_for_a_reload(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    uint32_t members;
    bring_up(world, one, 1);
    reload(world);
    uint32_t request = take_snapshot(world, &sequence, &members);
    world->server.records = two;
    resolver_follow(world->control.resolver, world->control.active.config);
    for (int i = 0; i < 500 && !evtimer_pending(world->control.renewal, NULL); i++)
        far_run(world->base, 10);
    assert_int_equal(hosts_find(resolver_hosts(world->control.resolver), "x.net")->count, 2);
    nothing_more(world);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    take_snapshot(world, &sequence, &members);
    assert_int_equal(members, 2);
    assert_true(world->answered && world->result == 0);
}

static void test_refused(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    uint32_t members;
    bring_up(world, one, 1);
    reload(world);
    uint32_t request = take_snapshot(world, &sequence, &members);
    world->server.records = two;
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    request = take_snapshot(world, &sequence, &members);
    assert_int_equal(members, 2);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, -EINVAL, "no");
    far_run(world->base, 300);
    nothing_more(world);
    assert_int_equal(members_of(world->control.active.image), 1);
    assert_string_equal(world->control.active.file, world->file);
}

// The dataplane went away before it answered: the next one gets the new addresses.
static void test_lost(void **state)
{
    struct world *world = *state;
    uint64_t sequence;
    uint32_t members;
    bring_up(world, one, 1);
    reload(world);
    uint32_t request = take_snapshot(world, &sequence, &members);
    world->server.records = two;
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, request, 0, "");
    take_snapshot(world, &sequence, &members);
    close(world->far);
    world->far = -1;
    run_until_members(world, 2);
    say_hello(world, CHANNEL_WAITING, 0);
    take_snapshot(world, &sequence, &members);
    assert_int_equal(members, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {TEST(test_alone), TEST(test_change_goes_over),
                                     TEST(test_waits_for_a_reload), TEST(test_refused), TEST(test_lost)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
