// SPDX-License-Identifier: BSD-3-Clause
// What each message of control gets: before there is a configuration, and while workers run. There are none
// here, so that every answer comes at once.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "channel_handlers.h"
#include "rules.h"
#include "../path/image.h"

#define NUMBER    7u // of the request
#define NO_ANSWER 1

static struct {
    struct channel_services services;
    struct workers workers;
    struct call_records records;
    int control; // the other end
    int result;  // of take_rules()
    bool has_rules;
} agent;

static void say_hello(void *context, const char *text)
{
    struct channel_hello hello = {.state = agent.services.state};

    if (text != NULL)
        strncpy(hello.text, text, sizeof(hello.text) - 1);
    channel_server_send(
        &agent.services.server,
        &(struct channel_output){.type = CHANNEL_HELLO, .body = &hello, .body_size = sizeof(hello)});
}

static void take_table(void *context, struct name_table *table)
{
    name_table_destroy(table);
}

static void start(void)
{
    const struct channel_rings none[1] = {{NULL, NULL, NULL, NULL}};

    assert_int_equal(channel_services_start(&agent.services,
                                            &(struct channel_services_options){.workers = &agent.workers,
                                                                               .rings = none,
                                                                               .records = &agent.records,
                                                                               .publish_names = take_table}),
                     0);
    agent.services.state = CHANNEL_RUNNING;
}

static int take_rules(void *context, struct rules *rules, struct fault *fault)
{
    agent.has_rules = true;
    rules_destroy(rules);
    if (agent.result < 0) {
        agent.services.state =
            agent.services.state == CHANNEL_WAITING ? CHANNEL_FAILED : agent.services.state;
        return fault_set(fault, -agent.result, "no room");
    }
    if (agent.services.state == CHANNEL_WAITING)
        start();
    return 0;
}

static int setup(void **state)
{
    int ends[2];

    memset(&agent, 0, sizeof(agent));
    agent.records.fd = -1;
    channel_services_init(&agent.services, -1, &(struct channel_owner){say_hello, take_rules, NULL});
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) < 0)
        return -1;
    agent.services.server.fd = ends[0];
    agent.services.server.greeted = true;
    agent.control = ends[1];
    return 0;
}

static int teardown(void **state)
{
    if (agent.services.state == CHANNEL_RUNNING)
        channel_services_stop(&agent.services);
    channel_server_drop(&agent.services.server);
    close(agent.control);
    return 0;
}

struct answer {
    struct channel_header header;
    union {
        struct channel_hello hello;
        struct channel_done done;
    } body;
};

static struct answer receive(void)
{
    struct answer answer = {.header = {0}};

    if (recv(agent.control, &answer, sizeof(answer), MSG_DONTWAIT) < 0)
        assert_int_equal(errno, EAGAIN);
    return answer;
}

static const struct {
    const char *name;
    enum channel_type type;
    int before, running; // result, or NO_ANSWER
} rows[] = {
    {"list", CHANNEL_DIALOG_LIST, -EAGAIN, -EINVAL},
    {"show", CHANNEL_DIALOG_SHOW, -EAGAIN, -ENOENT},
    {"end", CHANNEL_DIALOG_END, -EAGAIN, -ENOENT},
    {"a capture", CHANNEL_CAPTURE_SET, -EAGAIN, -ENOSPC},
    {"a capture's end", CHANNEL_CAPTURE_END, -EAGAIN, -ENOENT},
    {"records", CHANNEL_RECORDS_DONE, NO_ANSWER, NO_ANSWER},
    {"events", CHANNEL_EVENTS_DONE, NO_ANSWER, NO_ANSWER},
    {"a name", CHANNEL_NAME_ANSWER, NO_ANSWER, NO_ANSWER},
};

static void expect(unsigned row, int result)
{
    struct channel_input in = {.header = {.type = (uint16_t)rows[row].type, .request = NUMBER}, .fd = -1};
    struct answer answer;

    if (rows[row].type == CHANNEL_DIALOG_LIST)
        in.body.list = (struct channel_dialog_list){.peer = NUMBER_NONE, .limit = 1};
    if (rows[row].type == CHANNEL_DIALOG_SHOW || rows[row].type == CHANNEL_DIALOG_END)
        in.body.select.handle = 1;
    channel_handlers_take(&agent.services, &in, 1000);
    answer = receive();
    print_message("%s\n", rows[row].name);
    assert_int_equal(answer.header.type, result == NO_ANSWER ? CHANNEL_NONE : CHANNEL_DONE);
    assert_int_equal(receive().header.type, CHANNEL_NONE);
    if (result == NO_ANSWER)
        return;
    assert_int_equal(answer.header.request, NUMBER);
    assert_int_equal(answer.body.done.result, result);
}

static void test_each_message(void **state)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(i, rows[i].before);
    start();
    // None is free, so that nothing asks for the time.
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++)
        agent.services.captures.running[slot] =
            (struct capture_running){.state = CAPTURE_RUNS, .id = 100 + slot};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(i, rows[i].running);
    memset(&agent.services.captures.running, 0, sizeof(agent.services.captures.running));
}

// What nobody has named goes out again to whoever greets.
static void test_hello_sends_again(void **state)
{
    static const struct channel_event event = {.handle = 1};
    struct channel_input hello = {.header.type = CHANNEL_HELLO, .fd = -1};
    struct channel_input done = {.header.type = CHANNEL_EVENTS_DONE, .fd = -1};

    start();
    for (unsigned i = 0; i < 3; i++)
        event_queue_add(&agent.services.events[CHANNEL_EVENT_DIALOG], &event);
    channel_services_poll(&agent.services, 1000);
    assert_int_equal(receive().header.type, CHANNEL_EVENTS);
    channel_services_poll(&agent.services, 1000);
    assert_int_equal(receive().header.type, CHANNEL_NONE);
    channel_handlers_take(&agent.services, &hello, 1000);
    assert_int_equal(receive().header.type, CHANNEL_HELLO);
    channel_services_poll(&agent.services, 1000);
    assert_int_equal(receive().header.type, CHANNEL_EVENTS);
    done.body.events_done.numbers[CHANNEL_EVENT_DIALOG] = 3;
    channel_handlers_take(&agent.services, &done, 1000);
    channel_handlers_take(&agent.services, &hello, 1000);
    assert_int_equal(receive().header.type, CHANNEL_HELLO);
    channel_services_poll(&agent.services, 1000);
    assert_int_equal(receive().header.type, CHANNEL_NONE);
}

static struct answer send_snapshot(uint64_t sequence)
{
    static struct snapshot_image image;
    struct channel_input in = {.header = {.type = CHANNEL_SNAPSHOT, .request = NUMBER}};

    image_make(&image);
    in.body.snapshot = (struct channel_snapshot){.sequence = sequence, .size = sizeof(image)};
    in.fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(in.fd, &image, sizeof(image)), sizeof(image));
    assert_int_equal(fcntl(in.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    agent.has_rules = false;
    channel_handlers_take(&agent.services, &in, 1000);
    assert_int_equal(fcntl(in.fd, F_GETFD), -1); // it is closed
    const struct answer answer = receive();
    assert_int_equal(answer.header.type, CHANNEL_SNAPSHOT_RESULT);
    assert_int_equal(answer.header.request, NUMBER);
    return answer;
}

// The first configuration changes what we are, which control is told; a later one does not.
static void test_snapshots(void **state)
{
    assert_int_equal(send_snapshot(2).body.done.result, -EINVAL); // the image says 1
    assert_false(agent.has_rules);
    assert_int_equal(receive().header.type, CHANNEL_NONE);
    assert_int_equal(send_snapshot(1).body.done.result, 0);
    assert_true(agent.has_rules);
    const struct answer hello = receive();
    assert_int_equal(hello.header.type, CHANNEL_HELLO);
    assert_int_equal(hello.body.hello.state, CHANNEL_RUNNING);
    assert_int_equal(send_snapshot(1).body.done.result, 0);
    assert_int_equal(receive().header.type, CHANNEL_NONE);
    agent.result = -EBUSY;
    const struct answer refused = send_snapshot(1);
    assert_int_equal(refused.body.done.result, -EBUSY);
    assert_string_equal(refused.body.done.text, "no room");
    assert_int_equal(receive().header.type, CHANNEL_NONE);
}

static void test_failed_start(void **state)
{
    agent.result = -ENOMEM;
    assert_int_equal(send_snapshot(1).body.done.result, -ENOMEM);
    const struct answer hello = receive();
    assert_int_equal(hello.header.type, CHANNEL_HELLO);
    assert_int_equal(hello.body.hello.state, CHANNEL_FAILED);
    assert_string_equal(hello.body.hello.text, "no room");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hello_sends_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_start, setup, teardown),
    };
    return cmocka_run_group_tests_name("channel handlers", tests, NULL, NULL);
}
