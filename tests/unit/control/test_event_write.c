// SPDX-License-Identifier: BSD-3-Clause
// Events into the file and to syslog, the ring's size, and what the counters say of limits, overload and
// workers.
#include "cmocka_first.h"
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "dialgate/counters.h"
#include "event_world.h"

// Lines of the file, in order: NULL behind the last.
static json_t *file_line(FILE *file)
{
    char line[4096];
    return file && fgets(line, sizeof(line), file) ? json_loads(line, 0, NULL) : NULL;
}

static void expect_in_file(FILE *file, json_int_t first, json_int_t last)
{
    for (json_int_t seq = first; seq <= last; seq++) {
        json_t *line = file_line(file);
        assert_non_null(line);
        assert_fields(line);
        assert_true(integer(line, "seq") == seq);
        json_decref(line);
    }
}

static void test_file(void **state)
{
    struct world *world = *state;
    char old[96];
    say_events(world, 3, 0);
    far_run(world->base, 20);
    FILE *file = fopen(world->file, "r");
    expect_in_file(file, 1, 5);
    assert_null(file_line(file));
    fclose(file);
    snprintf(old, sizeof(old), "%s/events.old", world->directory);
    assert_int_equal(rename(world->file, old), 0);
    say_events(world, 1, 0);
    far_run(world->base, 20);
    events_reopen(&world->control);
    say_events(world, 2, 0);
    far_run(world->base, 20);
    file = fopen(old, "r");
    expect_in_file(file, 1, 6);
    assert_null(file_line(file));
    fclose(file);
    file = fopen(world->file, "r");
    expect_in_file(file, 7, 8);
    assert_null(file_line(file));
    fclose(file);
}

static void limit_files(rlim_t octets)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = octets;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A full disk: what the ring keeps is written later, what it does not is told in a line.
static void test_file_full(void **state)
{
    struct world *world = *state;
    struct event_stream *stream = &world->control.events;
    signal(SIGXFSZ, SIG_IGN);
    far_run(world->base, 20);
    limit_files(1000);
    for (unsigned i = 0; i < 20; i++)
        say_events(world, CHANNEL_EVENTS_MAX, 0);
    far_run(world->base, 20);
    limit_files(RLIM_INFINITY);
    assert_true(stream->file.failing && stream->file.failures > 0);
    stream->file.retry_s = 0;
    say_events(world, 1, 0);
    far_run(world->base, 20);
    assert_false(stream->file.failing);
    FILE *file = fopen(world->file, "r");
    expect_in_file(file, 1, 2);
    json_t *line = file_line(file);
    const json_t *lost = json_object_get(line, "lost");
    json_int_t last = integer(lost, "last");
    assert_int_equal(integer(lost, "first"), 3);
    assert_true(last == (json_int_t)stream->ring.last - KEEP);
    assert_true((json_int_t)stream->lost[EVENT_LOSS_FILE] == last - 2);
    json_decref(line);
    expect_in_file(file, last + 1, (json_int_t)stream->ring.last);
    assert_null(file_line(file));
    fclose(file);
}

// One datagram an event, none for changes of dialogs.
static void test_syslog(void **state)
{
    struct world *world = *state;
    struct event_writer *writer = &world->control.events.syslog;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[1024], path[96];
    int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    far_run(world->base, 20);
    assert_true(writer->failing);
    snprintf(path, sizeof(path), "%s/syslog", world->directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(log, (struct sockaddr *)&address, sizeof(address)), 0);
    writer->path = path;
    writer->retry_s = 0;
    say_events(world, 3, 0);
    event_watch_ban(&world->control, "10.1.2.3", 60, "somebody");
    far_run(world->base, 20);
    static const char *const names[] = {"control_started", "dataplane_connected", "added"};
    for (size_t i = 0; i < 3; i++) {
        ssize_t length = recv(log, text, sizeof(text) - 1, MSG_DONTWAIT);
        assert_true(length > 0);
        text[length] = '\0';
        assert_memory_equal(text, "<30>", 4);
        char *object = strstr(text, ": {");
        assert_non_null(object);
        json_t *line = json_loads(object + 2, 0, NULL);
        assert_text(line, "name", names[i]);
        json_decref(line);
    }
    assert_true(recv(log, text, sizeof(text), MSG_DONTWAIT) < 0);
    assert_false(writer->failing);
    close(log);
}

// The ring takes another size while it runs; what both have room for stays.
static void test_resized(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 20; i++)
        say_events(world, CHANNEL_EVENTS_MAX, 0);
    far_run(world->base, 20);
    struct event_stream *stream = &world->control.events;
    uint64_t first = event_ring_first(&stream->ring);
    for (unsigned turn = 0; turn < 2; turn++) {
        FILE *config = fopen(world->config, "w");
        fprintf(config, "include: [%s]\nevents: {keep: %u}\n", SOURCE_ROOT "/config/examples/lab.yaml",
                turn == 0 ? 4096 : 1024);
        fclose(config);
        struct config *changed = config_load(world->config, (char[ERROR_SIZE]){0}, ERROR_SIZE);
        assert_non_null(changed);
        config_free(world->control.active.config);
        world->control.active.config = changed;
        say_events(world, 1, 0);
        far_run(world->base, 20);
        assert_int_equal(stream->ring.room, turn == 0 ? 4096 : 1024);
        for (uint64_t number = stream->ring.last - 1000; number <= stream->ring.last; number++)
            assert_non_null(event_ring_at(&stream->ring, number));
        assert_null(event_ring_at(&stream->ring, first - 1));
    }
    assert_int_equal(event_ring_first(&stream->ring), stream->ring.last - 1023);
}

// The counters file as the data plane sees it.
struct load {
    int fd;
    size_t size;
    uint8_t *map;
};

static struct counters_worker *worker_of(const struct load *load, uint32_t number)
{
    const struct counters_header *header = (const void *)load->map;
    return (void *)(load->map + header->worker_offset + (size_t)number * header->worker_stride);
}

static struct counters_peer *peer_of(const struct load *load, uint32_t number)
{
    const struct counters_header *header = (const void *)load->map;
    return (struct counters_peer *)(void *)((uint8_t *)worker_of(load, 0) + header->peers_offset) + number;
}

// A second of two workers that turn, or of the first alone.
static void look(struct world *world, const struct load *load, uint32_t turning)
{
    for (uint32_t i = 0; i < turning; i++)
        worker_of(load, i)->values[COUNTER_TURN_IDLE]++;
    event_load_look(&world->control, world->control.watch.load);
}

static struct load open_load(struct world *world)
{
    char error[ERROR_SIZE];
    struct stat status;
    struct load load = {.fd = far_counters(2, 0, F_SEAL_SHRINK)};
    assert_int_equal(fstat(load.fd, &status), 0);
    load.size = (size_t)status.st_size;
    load.map = mmap(NULL, load.size, PROT_READ | PROT_WRITE, MAP_SHARED, load.fd, 0);
    assert_int_equal(counters_open(load.fd, &world->control.counters, error, sizeof(error)), 0);
    event_free(world->control.watch.tick); // the test is the clock
    world->control.watch.tick = NULL;
    return load;
}

static void close_load(struct load *load)
{
    munmap(load->map, load->size);
    close(load->fd);
}

static void test_overload_and_stuck(void **state)
{
    struct world *world = *state;
    struct load load = open_load(world);
    follow(world, "{\"kinds\":[\"health\"]}");
    uint64_t *values = worker_of(&load, 1)->values;
    for (unsigned i = 0; i < 4; i++) // overloaded in far_counters(): its workers count from their number
        values[COUNTER_OVERLOADED_TRANSACTIONS + i] = 0;
    look(world, &load, 2);
    values[COUNTER_OVERLOADED_MBUFS] = values[COUNTER_OVERLOADED_TURN] = 1;
    values[COUNTER_OVERLOAD_LOSS] = 40;
    look(world, &load, 2);
    const json_t *params = expect(world, "health", "overload");
    assert_int_equal(integer(params, "worker"), 1);
    assert_int_equal(json_array_size(json_object_get(params, "reasons")), 2);
    assert_int_equal(integer(params, "refused_percent"), 40);
    values[COUNTER_OVERLOAD_REFUSED] += 9;
    look(world, &load, 2);
    values[COUNTER_OVERLOADED_MBUFS] = values[COUNTER_OVERLOADED_TURN] = 0;
    look(world, &load, 2);
    assert_int_equal(integer(expect(world, "health", "overload_over"), "refused"), 9);
    for (unsigned i = 0; i < 2; i++)
        look(world, &load, 1);
    expect_none(world);
    look(world, &load, 1);
    assert_int_equal(integer(expect(world, "health", "worker_stuck"), "worker"), 1);
    look(world, &load, 1);
    look(world, &load, 2);
    assert_int_equal(integer(expect(world, "health", "worker_back"), "seconds"), 4);
    expect_none(world);
    close_load(&load);
}

static struct counters_agent *agent_of(const struct load *load)
{
    return (struct counters_agent *)(void *)(load->map +
                                             ((const struct counters_header *)(const void *)load->map)
                                                 ->agent_offset);
}

static void test_networks(void **state)
{
    struct world *world = *state;
    struct load load = open_load(world);
    struct counters_agent *agent = agent_of(&load);
    struct counters_network *network = (struct counters_network *)(agent + 1);
    follow(world, "{\"kinds\":[\"health\"]}");
    for (uint32_t w = 0; w < 2; w++)
        for (unsigned i = 0; i < 4; i++)
            worker_of(&load, w)->values[COUNTER_OVERLOADED_TRANSACTIONS + i] = 0;
    world->control.networks = 1;
    look(world, &load, 2); // nothing is known yet
    network->mtu = 1500;
    network->up = 1;
    look(world, &load, 2);
    expect_none(world);
    network->up = 0;
    look(world, &load, 2);
    const json_t *params = expect(world, "health", "network_down");
    assert_string_equal(json_string_value(json_object_get(params, "network")),
                        control_network_name(&world->control, 0));
    look(world, &load, 2);
    look(world, &load, 2);
    expect_none(world);
    network->up = 1;
    agent->addresses_missing = 2;
    look(world, &load, 2);
    assert_int_equal(integer(expect(world, "health", "network_up"), "seconds"), 3);
    params = expect(world, "health", "addresses_missing");
    assert_int_equal(integer(params, "count"), 2);
    assert_int_equal(integer(params, "before"), 0);
    agent->addresses_missing = 0;
    look(world, &load, 2);
    assert_int_equal(integer(expect(world, "health", "addresses_missing"), "count"), 0);
    expect_none(world);
    world->control.networks = 0;
    close_load(&load);
}

static void test_limits(void **state)
{
    struct world *world = *state;
    struct load load = open_load(world);
    uint64_t *values = worker_of(&load, 0)->values;
    follow(world, "{\"kinds\":[\"limit\"]}");
    look(world, &load, 2);
    look(world, &load, 2);
    expect_none(world);
    for (unsigned i = 0; i < 2; i++) { // told once
        values[COUNTER_LIMIT_PEER_IN] += 7;
        peer_of(&load, 1)->refused_in_total += 7;
        peer_of(&load, 0)->refused_out_total += 7;
        look(world, &load, 2);
    }
    const json_t *params = expect(world, "limit", "reached");
    assert_text(params, "limit", "peer_in");
    assert_text(params, "peer", control_peer_name(&world->control, 1));
    assert_int_equal(integer(params, "refused_per_second"), 7);
    assert_int_equal(integer(params, "calls"), 6); // far_counters(): 3 of each worker
    values[COUNTER_LIMIT_ALL] += 2;
    look(world, &load, 2);
    params = expect(world, "limit", "reached");
    assert_text(params, "limit", "all");
    assert_true(json_is_null(json_object_get(params, "peer")));
    expect_none(world);
    close_load(&load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_syslog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resized, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overload_and_stuck, setup, teardown),
        cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
    };
    return cmocka_run_group_tests_name("events written", tests, NULL, NULL);
}
