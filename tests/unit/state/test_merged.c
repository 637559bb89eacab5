// SPDX-License-Identifier: BSD-3-Clause
// RFC 3261 8.2.2.2, one request after another that is served, and then one that is asked for.
#include <errno.h>
#include <stdio.h>

#include "merged.h"
#include "world.h"

#define METHOD_OF_INVITE 0u
#define METHOD_OF_OTHER  4u
#define TURNS            20000u
#define CALLS            6u
#define BRANCHES         4u
#define CALL_IDS         1000000u

struct served {
    struct world *world;
    struct merged merged;
    void *memory;
};

static void begin(struct served *served, struct world *world)
{
    served->world = world;
    served->memory = aligned_alloc(64, (merged_memory(WORLD_CAPACITY) + 63) / 64 * 64);
    assert_non_null(served->memory);
    memset(served->memory, 0x5a, merged_memory(WORLD_CAPACITY));
    merged_init(&served->merged, served->memory, WORLD_CAPACITY, (struct siphash_key){{3, 4}});
}

static struct dialog_string string(const char *text)
{
    return (struct dialog_string){text, (uint32_t)strlen(text)};
}

static bool is_merged(struct served *served, const struct merged_request *request)
{
    return merged_is(&served->merged, &served->world->transactions, request);
}

static uint32_t serve(struct served *served, const struct merged_request *request)
{
    struct transactions *set = &served->world->transactions;
    enum transaction_kind kind =
        request->method == METHOD_OF_INVITE ? TRANSACTION_INVITE_SERVER : TRANSACTION_SERVER;
    uint32_t index = transaction_create(set, kind, request->key, served->world->now);
    assert_int_not_equal(index, INDEX_NONE);
    assert_int_equal(merged_note(&served->merged, set, index, request), 0);
    return index;
}

struct row {
    const char *name;
    uint64_t key;
    const char *call_id, *from_tag, *to_tag;
    uint32_t cseq;
    uint8_t method;
    bool merged;
};

// After an INVITE under branch 1: Call-ID "call", From-tag "from", CSeq 7.
static const struct row rows[] = {
    {"another branch", 2, "call", "from", "", 7, METHOD_OF_INVITE, true},
    {"the same branch: a retransmission", 1, "call", "from", "", 7, METHOD_OF_INVITE, false},
    {"with a To-tag", 2, "call", "from", "to", 7, METHOD_OF_INVITE, false},
    {"another CSeq", 2, "call", "from", "", 8, METHOD_OF_INVITE, false},
    {"another method of this number", 2, "call", "from", "", 7, METHOD_OF_OTHER, false},
    {"another From-tag", 2, "call", "From", "", 7, METHOD_OF_INVITE, false},
    {"no From-tag", 2, "call", "", "", 7, METHOD_OF_INVITE, false},
    {"another Call-ID", 2, "Call", "from", "", 7, METHOD_OF_INVITE, false},
    {"an octet moved from one to the other", 2, "callf", "rom", "", 7, METHOD_OF_INVITE, false},
    {"exchanged", 2, "from", "call", "", 7, METHOD_OF_INVITE, false},
};

static struct merged_request request_of(const struct row *row)
{
    return (struct merged_request){.key = row->key,
                                   .call_id = string(row->call_id),
                                   .from_tag = string(row->from_tag),
                                   .to_tag = string(row->to_tag),
                                   .cseq = row->cseq,
                                   .method = row->method};
}

static const struct row first = {"the first", 1, "call", "from", "", 7, METHOD_OF_INVITE, false};

static void scenario_rows(struct world *world)
{
    struct served served;
    struct merged_request request = request_of(&first);
    begin(&served, world);
    assert_false(is_merged(&served, &request));
    uint32_t index = serve(&served, &request);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        request = request_of(&rows[i]);
        if (is_merged(&served, &request) != rows[i].merged)
            fail_msg("%s", rows[i].name);
    }
    // Answered, but its branch still repeats the answer.
    transaction_step(&world->transactions, index, TRANSACTION_ON_SEND_FAILURE, world->now);
    request = request_of(&rows[0]);
    assert_true(is_merged(&served, &request));
    transaction_release(&world->transactions, index);
    assert_false(is_merged(&served, &request));
    assert_int_equal(served.merged.table.count, 0); // it was met, and taken out
    free(served.memory);
}

// An index that another transaction has by now, noted or not.
static void scenario_reused(struct world *world)
{
    struct served served;
    struct merged_request request = request_of(&first);
    struct merged_request other = request_of(&rows[7]);
    struct merged_request again = request_of(&rows[0]);
    begin(&served, world);
    uint32_t index = serve(&served, &request);
    transaction_release(&world->transactions, index);
    assert_int_equal(transaction_create(&world->transactions, TRANSACTION_SERVER, 9, world->now), index);
    assert_false(is_merged(&served, &again));
    transaction_release(&world->transactions, index);
    assert_int_equal(serve(&served, &request), index);
    transaction_release(&world->transactions, index);
    assert_int_equal(serve(&served, &other), index);
    assert_int_equal(served.merged.table.count, 1);
    assert_false(is_merged(&served, &again));
    free(served.memory);
}

// More of one kind than a hash has room for: what is refused is not there, the others are.
static void scenario_no_room(struct world *world)
{
    struct served served;
    struct merged_request request = request_of(&first);
    unsigned noted = 0;
    begin(&served, world);
    served.merged.table.capacity = 3;
    for (uint32_t i = 0; i < 5; i++) {
        request.key = i;
        uint32_t index = transaction_create(&world->transactions, TRANSACTION_SERVER, i, world->now);
        int result = merged_note(&served.merged, &world->transactions, index, &request);
        assert_true(result == 0 || result == -ENOSPC);
        noted += result == 0;
    }
    assert_int_equal(noted, 3);
    request.key = 99;
    assert_true(is_merged(&served, &request));
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++)
        transaction_release(&world->transactions, i);
    for (unsigned i = 0; i < 3; i++) // one is taken out a time
        assert_false(is_merged(&served, &request));
    assert_int_equal(served.merged.table.count, 0);
    free(served.memory);
}

// The table knows 16 bits of a hash: some of these Call-IDs have those of the first.
static void scenario_fingerprints(struct world *world)
{
    struct served served;
    struct merged_request request = request_of(&first);
    begin(&served, world);
    serve(&served, &request);
    request.key = 2;
    for (uint32_t i = 0; i < CALL_IDS; i++) {
        request.call_id = (struct dialog_string){&i, sizeof(i)};
        assert_false(is_merged(&served, &request));
    }
    free(served.memory);
}

// What is alive, plainly.
struct alive {
    unsigned call;
    uint64_t key;
    bool is;
};

static bool plain_is(const struct alive *alive, unsigned call, uint64_t key)
{
    bool found = false;
    for (unsigned i = 0; i < WORLD_CAPACITY; i++)
        found |= alive[i].is && alive[i].call == call && alive[i].key != key;
    return found;
}

static void scenario_model(struct world *world)
{
    struct served served;
    struct alive alive[WORLD_CAPACITY] = {0};
    uint64_t seed = 5;
    begin(&served, world);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned call = (unsigned)(seed >> 33) % CALLS;
        uint64_t key = (seed >> 40) % BRANCHES + 10 * (uint64_t)call;
        char text[16];
        (void)snprintf(text, sizeof(text), "call-%u", call);
        struct merged_request request = {.key = key, .call_id = string(text), .from_tag = string("from")};
        bool merged = is_merged(&served, &request);
        if (merged != plain_is(alive, call, key))
            fail_msg("turn %u: call %u, branch %u", turn, call, (unsigned)key);
        uint32_t index = transaction_find_server(&world->transactions, key);
        if (index != INDEX_NONE && (seed >> 50) % 3 == 0) {
            transaction_release(&world->transactions, index);
            alive[index].is = false;
        } else if (index == INDEX_NONE && !merged) {
            alive[serve(&served, &request)] = (struct alive){call, key, true};
        }
        assert_in_range(served.merged.table.count, 0, WORLD_CAPACITY);
    }
    free(served.memory);
}

static void test_rows(void **state)
{
    world_run(scenario_rows);
}

static void test_reused(void **state)
{
    world_run(scenario_reused);
}

static void test_no_room(void **state)
{
    world_run(scenario_no_room);
}

static void test_fingerprints(void **state)
{
    world_run(scenario_fingerprints);
}

static void test_model(void **state)
{
    world_run(scenario_model);
}

static void test_memory(void **state)
{
    assert_in_range(merged_memory(100000), 2400000, 2600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_reused), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_fingerprints), cmocka_unit_test(test_model),  cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
