// SPDX-License-Identifier: BSD-3-Clause
// The agent's half of captures: the memory that control gets, tables for the workers, and ends: each told
// once, and not before every worker has left the table.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <rte_eal.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "capture_memory.h"
#include "capture_requests.h"

static struct {
    struct channel_server server;
    int control; // the other end
    struct published published;
    struct capture_count counts[CAPTURES_MAX];
    struct siphash_key key;
    struct capture_requests requests;
    uint32_t number; // of the last request
} agent;

static int setup(void **state)
{
    int fds[2];

    memset(&agent, 0, sizeof(agent));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) < 0)
        return -1;
    channel_server_init(&agent.server, -1);
    agent.server.fd = fds[0];
    agent.server.greeted = true;
    agent.control = fds[1];
    capture_requests_init(&agent.requests, &(struct capture_requests_options){.channel = &agent.server,
                                                                              .published = &agent.published,
                                                                              .counts = agent.counts,
                                                                              .key = &agent.key});
    return 0;
}

static int teardown(void **state)
{
    capture_requests_fini(&agent.requests);
    rcu_barrier();
    assert_null(agent.published.captures);
    channel_server_drop(&agent.server);
    close(agent.control);
    return 0;
}

struct answer {
    struct channel_header header;
    union {
        struct channel_done done;
        struct channel_capture_ended ended;
    } body;
};

// False: nothing was sent.
static bool receive(struct answer *answer)
{
    return recv(agent.control, answer, sizeof(*answer), MSG_DONTWAIT) > 0;
}

static struct channel_done done(void)
{
    struct answer answer;

    assert_true(receive(&answer));
    assert_int_equal(answer.header.type, CHANNEL_DONE);
    assert_int_equal(answer.header.request, agent.number);
    return answer.body.done;
}

static struct channel_capture_set capture(uint32_t id, enum channel_capture_kind kind)
{
    return (struct channel_capture_set){
        .id = id, .kind = kind, .peer = NUMBER_NONE, .messages = 100, .octets = 1000, .duration_ms = 5000};
}

static struct channel_done begin(const struct channel_capture_set *set)
{
    struct channel_input in = {.header.request = ++agent.number, .body.capture = *set};

    capture_requests_begin(&agent.requests, &in, 1000);
    return done();
}

static struct channel_done begin_all(uint32_t id)
{
    const struct channel_capture_set set = capture(id, CHANNEL_CAPTURE_ALL);

    return begin(&set);
}

static struct channel_done stop(uint32_t id)
{
    struct channel_input in = {.header.request = ++agent.number, .body.capture_end.id = id};

    capture_requests_end(&agent.requests, &in);
    return done();
}

static void expect_nothing(void)
{
    struct answer answer;

    assert_false(receive(&answer));
}

static struct channel_capture_ended ended(uint32_t id, enum channel_capture_reason reason)
{
    struct answer answer;

    rcu_barrier();
    capture_requests_poll(&agent.requests, 1000);
    assert_true(receive(&answer));
    assert_int_equal(answer.header.type, CHANNEL_CAPTURE_ENDED);
    assert_int_equal(answer.header.request, 0);
    assert_int_equal(answer.body.ended.id, id);
    assert_int_equal(answer.body.ended.reason, reason);
    return answer.body.ended;
}

static void test_memory(void **state)
{
    struct capture_memory memory;
    struct fault fault;
    void *map;

    assert_int_equal(capture_memory_create(&memory, 3, &fault), 0);
    assert_int_equal(memory.file->magic, CAPTURE_MAGIC);
    assert_int_equal(memory.file->workers, 3);
    assert_ptr_equal(memory.places[2].ring, &memory.file->rings[2]);
    assert_ptr_equal(memory.places[1].counts, memory.file->counts);
    // Control reads the rings, and writes the tails, which the workers see.
    assert_ptr_equal(mmap(NULL, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0), MAP_FAILED);
    map = mmap(NULL, memory.size, PROT_READ, MAP_SHARED, memory.fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    munmap(map, memory.size);
    map = mmap(NULL, sizeof(*memory.tails), PROT_READ | PROT_WRITE, MAP_SHARED, memory.tails_fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    ((struct capture_tails *)map)->rings[1].tail = 77;
    assert_int_equal(*memory.places[1].tail, 77);
    munmap(map, sizeof(*memory.tails));
    assert_int_equal(ftruncate(memory.fd, 0), -1);
    assert_int_equal(ftruncate(memory.tails_fd, 0), -1);
    capture_memory_destroy(&memory);
}

static void test_tables(void **state)
{
    struct channel_capture_set number = capture(7, CHANNEL_CAPTURE_NUMBER);
    struct channel_capture_set call = capture(8, CHANNEL_CAPTURE_CALL_ID);
    const struct capture_table *table;
    struct channel_done first, second;

    number.text_length = 4;
    memcpy(number.text, "+493", 4);
    number.flags = CHANNEL_CAPTURE_DROPPED;
    call.text_length = 3;
    memcpy(call.text, "a@b", 3);
    first = begin(&number);
    second = begin(&call);
    assert_int_equal(first.result, 0);
    assert_int_equal(first.rows, 0);
    assert_int_equal(second.rows, 1);
    assert_true(second.cursor > first.cursor);
    table = agent.published.captures;
    assert_int_equal(table->serial, second.cursor);
    assert_int_equal(table->live, 3);
    assert_int_equal(table->dropped, 1);
    assert_int_equal(table->numbers, 1);
    assert_int_equal(table->call_ids, 2);
    assert_int_equal(table->peers, 0);
    assert_int_equal(table->slots[0].serial, first.cursor);
    assert_memory_equal(table->slots[0].number, "+493", 4);
    assert_int_equal(table->slots[1].call_hash, siphash13(&agent.key, "a@b", 3));
    assert_int_equal(agent.counts[1].serial, second.cursor);
    assert_int_not_equal(agent.published.tsc_to_wall_us, 0);
    assert_int_equal(begin(&call).result, -EEXIST);
    assert_int_equal(stop(9).result, -ENOENT);
    assert_int_equal(stop(7).result, 0);
    table = agent.published.captures;
    assert_int_equal(table->live, 2);
    assert_int_equal(table->slots[1].serial, second.cursor); // it runs on as it began
    assert_int_equal(ended(7, CHANNEL_CAPTURE_END_STOPPED).serial, first.cursor);
    assert_int_equal(stop(7).result, -ENOENT);
}

static void test_too_many(void **state)
{
    for (uint32_t id = 0; id < CAPTURES_MAX; id++)
        assert_int_equal(begin_all(id).rows, id);
    assert_int_equal(begin_all(CAPTURES_MAX).result, -ENOSPC);
    assert_int_equal(stop(5).result, 0);
    assert_int_equal(begin_all(CAPTURES_MAX).result, -ENOSPC); // its end was not told yet
    ended(5, CHANNEL_CAPTURE_END_STOPPED);
    assert_int_equal(begin_all(CAPTURES_MAX).rows, 5);
}

static void test_limits(void **state)
{
    struct channel_capture_ended end;
    struct answer answer;

    begin_all(1);
    begin_all(2);
    begin_all(3);
    agent.counts[0].messages = 99;
    agent.counts[1].octets = 999;
    capture_requests_poll(&agent.requests, 5999);
    assert_int_equal(agent.published.captures->live, 7);
    agent.counts[0] = (struct capture_count){.messages = 100, .octets = 5, .lost = 6, .forgotten = 7};
    agent.counts[1].octets = 1000;
    capture_requests_poll(&agent.requests, 5999);
    assert_int_equal(agent.published.captures->live, 4);
    end = ended(1, CHANNEL_CAPTURE_END_MESSAGES);
    assert_int_equal(end.messages, 100);
    assert_int_equal(end.octets, 5);
    assert_int_equal(end.lost, 6);
    assert_int_equal(end.forgotten, 7);
    assert_true(receive(&answer));
    assert_int_equal(answer.body.ended.reason, CHANNEL_CAPTURE_END_OCTETS);
    capture_requests_poll(&agent.requests, 6000);
    assert_null(agent.published.captures); // the workers are as before
    ended(3, CHANNEL_CAPTURE_END_DURATION);
    expect_nothing();
}

// The connection is gone: nobody is told, and the slots come free.
static void test_forget(void **state)
{
    begin_all(1);
    begin_all(2);
    stop(2);
    capture_requests_forget(&agent.requests);
    assert_null(agent.published.captures);
    rcu_barrier();
    capture_requests_poll(&agent.requests, 1000);
    expect_nothing();
    for (uint32_t id = 1; id <= CAPTURES_MAX; id++)
        assert_int_equal(begin_all(id).result, 0);
}

static pthread_barrier_t turns;

static void *worker(void *argument)
{
    rcu_register_thread();
    pthread_barrier_wait(&turns); // has a turn under way
    pthread_barrier_wait(&turns); // which ends now
    rcu_unregister_thread();
    return NULL;
}

static void test_not_before_workers_left(void **state)
{
    pthread_t thread;

    begin_all(1);
    pthread_barrier_init(&turns, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, worker, NULL), 0);
    pthread_barrier_wait(&turns);
    stop(1);
    for (unsigned i = 0; i < 50; i++) {
        capture_requests_poll(&agent.requests, 1000);
        expect_nothing();
        usleep(1000);
    }
    pthread_barrier_wait(&turns);
    pthread_join(thread, NULL);
    ended(1, CHANNEL_CAPTURE_END_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forget, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_before_workers_left, setup, teardown),
    };
    // For the frequency of the TSC.
    static char program[] = "test-agent-captures", no_huge[] = "--no-huge", no_pci[] = "--no-pci",
                no_shconf[] = "--no-shconf", size_option[] = "-m", size[] = "16", lcores[] = "--lcores=0@0",
                no_telemetry[] = "--no-telemetry", log[] = "--log-level=error", iova[] = "--iova-mode=va";
    char *arguments[] = {program, no_huge, no_pci,       no_shconf, size_option,
                         size,    lcores,  no_telemetry, log,       iova};
    int failed;

    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
        return 77;
    rcu_register_thread();
    rcu_thread_offline();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_unregister_thread();
    rte_eal_cleanup();
    return failed;
}
