// SPDX-License-Identifier: BSD-3-Clause
// prefilter.drops, the top of droppers and the watch over peers that lose packets: what workers noted, as the
// control socket tells it, and memory that nobody should have written so.
#include "cmocka_first.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drops.h"
#include "droppers.h"
#include "rpc_world.h"

#define CARRIER  0u // a peer's number in lab.yaml
#define WORKERS  2u
#define STRANGER PREFILTER_STRANGERS

struct world {
    struct rpc_world rpc;
    struct rpc_reader reader;
    int fd;
    size_t size;
    uint8_t *map; // of the counters file, as the workers have it
};

static uint8_t *block_end(const struct world *world, uint32_t worker)
{
    const struct counters_header *header = (const void *)world->map;
    return world->map + header->worker_offset + (size_t)(worker + 1) * header->worker_stride;
}

static struct filter_notes *notes_of(const struct world *world, uint32_t worker)
{
    return (void *)(block_end(world, worker) - sizeof(struct filter_notes));
}

static struct counters_filter *filter_of(const struct world *world, uint32_t worker)
{
    return (void *)(block_end(world, worker) - sizeof(struct filter_notes) - sizeof(struct counters_filter));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char error[ERROR_SIZE];
    struct stat status;
    *state = world;
    if (!world || rpc_world_open(&world->rpc, "group: dialgate") < 0)
        return -1;
    world->fd = far_counters(WORKERS, 0, F_SEAL_SHRINK);
    assert_int_equal(fstat(world->fd, &status), 0);
    world->size = (size_t)status.st_size;
    world->map = mmap(NULL, world->size, PROT_READ | PROT_WRITE, MAP_SHARED, world->fd, 0);
    assert_true(world->map != MAP_FAILED);
    assert_int_equal(counters_open(world->fd, &world->rpc.control.counters, error, sizeof(error)), 0);
    world->rpc.control.networks = 1;
    rpc_reader_open(&world->reader, &world->rpc);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rpc_reader_close(&world->reader);
    munmap(world->map, world->size);
    close(world->fd);
    int result = rpc_world_close(&world->rpc);
    free(world);
    return result;
}

static struct prefilter_address address(uint32_t ipv4)
{
    const struct ip_address source = IP_MAPPED(ipv4);
    struct prefilter_address words;
    memcpy(&words, &source, sizeof(words));
    return words;
}

static struct filter_note *note(const struct world *world, uint32_t worker, uint16_t class, uint8_t reason)
{
    struct filter_notes *notes = notes_of(world, worker);
    uint64_t number = ++notes->last;
    struct filter_note *slot = &notes->ring[number % FILTER_NOTES];
    *slot = (struct filter_note){.drop = {.number = number,
                                          .time_ns = 1,
                                          .source = address(0x0a0a0201),
                                          .source_port = 5080,
                                          .port = 5060,
                                          .class = class,
                                          .reason = reason,
                                          .first = "INVITE"}};
    return slot;
}

static void read_notes(struct world *world)
{
    drops_disconnected(&world->rpc.control);
}

static json_t *ask(struct world *world, const char *params)
{
    char line[512];
    snprintf(line, sizeof(line),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prefilter.drops\",\"params\":%s}\n", params);
    rpc_reader_say(&world->reader, line);
    return rpc_reader_line(&world->rpc, &world->reader);
}

static int64_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static size_t rows(struct world *world, const char *params)
{
    json_t *line = ask(world, params);
    const json_t *list = json_object_get(json_object_get(line, "result"), "drops");
    assert_true(json_is_array(list));
    size_t count = json_array_size(list);
    json_decref(line);
    return count;
}

static void drops_are_told_and_chosen(void **state)
{
    struct world *world = *state;
    note(world, 0, CARRIER, PREFILTER_REASON_PEER_RATE);
    note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP)->drop.source = address(0xc0000201);
    note(world, 1, STRANGER, PREFILTER_REASON_BANNED);
    read_notes(world);
    json_t *line = ask(world, "{\"peer\":\"carrier-a\"}");
    const json_t *row = json_array_get(json_object_get(json_object_get(line, "result"), "drops"), 0);
    static const char *const texts[][2] = {{"network", "outside"},
                                           {"source", "10.10.2.1"},
                                           {"peer", "carrier-a"},
                                           {"reason", "peer_rate"},
                                           {"first", "INVITE"}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(json_string_value(json_object_get(row, texts[i][0])), texts[i][1]);
    assert_int_equal(number_of(row, "seq"), 1);
    assert_int_equal(number_of(row, "source_port"), 5080);
    json_decref(line);
    static const struct {
        const char *params;
        size_t rows;
    } chosen[] = {{"{}", 3},
                  {"{\"strangers\":true}", 2},
                  {"{\"reason\":\"banned\"}", 1},
                  {"{\"source\":\"192.0.2.0/24\"}", 1},
                  {"{\"source\":\"10.10.2.1\"}", 2},
                  {"{\"source\":\"::/0\"}", 3},
                  {"{\"source\":\"2001:db8::/32\"}", 0},
                  {"{\"network\":\"outside\"}", 3},
                  {"{\"network\":\"inside\"}", 0},
                  {"{\"limit\":2}", 2},
                  {"{\"after\":2}", 1},
                  {"{\"after\":3}", 0},
                  {"{\"after\":99}", 3},
                  {"{\"after\":3,\"stream\":\"0000000000000000\"}", 3}};
    for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++)
        if (rows(world, chosen[i].params) != chosen[i].rows)
            fail_msg("%s", chosen[i].params);
    line = ask(world, "{\"summary\":true}");
    assert_int_equal(json_array_size(json_object_get(json_object_get(line, "result"), "groups")), 3);
    json_decref(line);
}

static void what_is_not_understood_is_refused(void **state)
{
    static const char *const wrong[] = {"{\"source\":\"10.10.2\"}",
                                        "{\"source\":\"10.0.0.0/33\"}",
                                        "{\"source\":\"10.0.0.0/\"}",
                                        "{\"source\":\"10.0.0.0/-1\"}",
                                        "{\"source\":\"::/129\"}",
                                        "{\"source\":\"::/8x\"}",
                                        "{\"reason\":\"redirected\"}",
                                        "{\"reason\":\"x\"}",
                                        "{\"peer\":\"nobody\"}",
                                        "{\"peer\":\"sbcs\",\"strangers\":true}",
                                        "{\"limit\":0}",
                                        "{\"limit\":1001}",
                                        "{\"after\":-1}",
                                        "{\"stream\":\"1\"}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (rpc_code(ask(*state, wrong[i])) == 0)
            fail_msg("%s", wrong[i]);
}

static void the_newest_stay(void **state)
{
    struct world *world = *state;
    const struct drops *drops = world->rpc.control.drops;
    for (uint32_t i = 0; i < DROPS_KEPT + FILTER_NOTES; i++) {
        note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP);
        if (i % FILTER_NOTES == FILTER_NOTES - 1)
            read_notes(world);
    }
    assert_int_equal(drops_last(drops), DROPS_KEPT + FILTER_NOTES);
    assert_int_equal(drops_first(drops), FILTER_NOTES + 1);
    assert_int_equal(drops_lost(drops), 0);
    json_t *line = ask(world, "{\"after\":0,\"limit\":1000}");
    assert_int_equal(number_of(json_object_get(line, "result"), "missed"), FILTER_NOTES);
    json_decref(line);
    for (uint32_t i = 0; i < FILTER_NOTES + 7; i++) // seven are written over
        note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP);
    read_notes(world);
    assert_int_equal(drops_lost(drops), 7);
}

static void what_no_worker_writes_is_passed_over(void **state)
{
    struct world *world = *state;
    struct filter_notes *notes = notes_of(world, 0);
    note(world, 0, PREFILTER_CLASSES, PREFILTER_REASON_NOT_SIP);
    note(world, 0, STRANGER, PREFILTER_REASON_REDIRECTED);
    note(world, 0, STRANGER, UINT8_MAX);
    note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP)->drop.dry_run = 2;
    note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP)->network = UINT64_MAX;
    note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP)->drop.number = 0; // it is being written
    read_notes(world);
    assert_int_equal(drops_last(world->rpc.control.drops), 0);
    struct filter_note *odd = note(world, 0, STRANGER, PREFILTER_REASON_NOT_SIP);
    memset(odd->drop.first, 0xff, sizeof(odd->drop.first)); // no UTF-8
    odd->drop.time_ns = UINT64_MAX;
    read_notes(world);
    assert_int_equal(rows(world, "{}"), 1);
    notes->last = UINT64_MAX;
    read_notes(world);
    assert_int_equal(rows(world, "{}"), 1);
}

static struct filter_dropper *dropper(const struct world *world, uint32_t worker, uint32_t set,
                                      uint32_t source, uint64_t packets)
{
    struct filter_dropper *row = &notes_of(world, worker)->droppers[set][0];
    *row = (struct filter_dropper){
        .version = 2,
        .source = address(source),
        .dropped = {.packets = packets, .reason = PREFILTER_REASON_NOT_SIP, .class = STRANGER}};
    return row;
}

static void droppers_of_all_workers_are_summed(void **state)
{
    struct world *world = *state;
    struct prefilter_dropper top[4];
    dropper(world, 0, 1, 0x0a000001, 100);
    dropper(world, 0, 2, 0x0a000002, 150);
    dropper(world, 1, 9, 0x0a000001, 60);
    dropper(world, 1, 3, 0x0a000003, 999)->network = 1;
    dropper(world, 1, 4, 0x0a000004, 999)->version = 3;                 // it is being written
    dropper(world, 1, 5, 0x0a000005, 999)->dropped.reason = UINT16_MAX; // no worker writes these
    dropper(world, 1, 6, 0x0a000006, 999)->dropped.class = UINT16_MAX;
    dropper(world, 1, 7, 0x0a000007, UINT64_MAX);
    assert_int_equal(droppers_top(&world->rpc.control, 0, top, 4), 2);
    assert_string_equal(top[0].address, "10.0.0.1");
    assert_true(top[0].drops == 160);
    assert_string_equal(top[1].address, "10.0.0.2");
    assert_int_equal(droppers_top(&world->rpc.control, 0, top, 1), 1);
    assert_string_equal(top[0].address, "10.0.0.1");
    assert_int_equal(droppers_top(&world->rpc.control, 5, top, 4), 0);
}

static void a_peer_that_begins_to_lose_is_told_once(void **state)
{
    struct world *world = *state;
    struct control *control = &world->rpc.control;
    struct drop_watch *watch = drop_watch_create();
    struct counters_filter *filter = filter_of(world, 1);
    const uint64_t *told = &control->events.emitted[EVENT_KIND_DROP];
    assert_non_null(watch);
    for (unsigned second = 0; second < 4; second++) { // the first look only learns what there is
        filter->reasons[0][PREFILTER_REASON_PEER_RATE] += 5;
        filter->classes[CARRIER][PREFILTER_TALLY_PASSED + 1] += 5;
        drop_watch_look(control, watch);
        assert_int_equal(*told, second > 0);
    }
    filter->reasons[0][PREFILTER_REASON_NOT_SIP]++; // a stranger's is no event
    filter->classes[STRANGER][PREFILTER_TALLY_PASSED + 1]++;
    drop_watch_look(control, watch);
    filter->reasons[0][PREFILTER_REASON_PEER_RATE] = 0; // counters that go back, too
    filter->classes[CARRIER][PREFILTER_TALLY_PASSED + 1] = 0;
    drop_watch_look(control, watch);
    assert_int_equal(*told, 1);
    free(watch);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(drops_are_told_and_chosen),
        ROW(what_is_not_understood_is_refused),
        ROW(the_newest_stay),
        ROW(what_no_worker_writes_is_passed_over),
        ROW(droppers_of_all_workers_are_summed),
        ROW(a_peer_that_begins_to_lose_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
