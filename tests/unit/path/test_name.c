// SPDX-License-Identifier: BSD-3-Clause
// Next hops inside dialogs that only DNS knows: what is asked for, what the request does meanwhile, and where
// it goes with each answer. The dialogs are subscriptions, which have no record that could tell another way.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define TARGET "sip:b@far.example"

static void subscribe(struct call *call, struct wire *wire, const char *id)
{
    char text[WIRE_TEXT_MAX];
    call_init(call, wire, id);
    call_request_text(call, DIALOG_CALLER, "SUBSCRIBE", text);
    wire_send(wire, wire_carrier, text);
    call->invite = wire_take(wire, call->sides[DIALOG_CALLEE].at);
    call_answer(call, "202 Accepted");
}

// A request to a target from this side, which is sent.
static void ask(struct call *call, enum dialog_side from, const char *method, const char *target,
                char text[WIRE_TEXT_MAX])
{
    struct call to = *call;
    char made[WIRE_TEXT_MAX];
    snprintf(to.sides[1 - from].target, sizeof(to.sides[1 - from].target), "sip:here");
    call_request_text(&to, from, method, made);
    call->branch = to.branch;
    snprintf(text, WIRE_TEXT_MAX, "%s %.1000s%s", method, target, strstr(made, " SIP/2.0\r\n"));
    call->sides[from].cseq++;
    wire_send(call->wire, call->sides[from].at, text);
}

static struct name_row row_of(const struct wire *wire, const char *name, bool service)
{
    const struct worker *worker = wire->workers[0];
    struct name_row row = {.name = {.length = (uint8_t)strlen(name), .service = service},
                           .fresh_ms = worker->now_us / 1000 + 60000,
                           .until_ms = worker->now_us / 1000 + 80000};
    memcpy(row.name.octets, name, row.name.length);
    row.hash = name_hash(&wire->parts[0].keys.table, &row.name);
    return row;
}

static void add(struct name_row *row, struct ip_address address, uint16_t port, uint16_t rank)
{
    row->addresses[row->count++] = (struct name_address){address, port, rank};
}

// What the worker asks for next; length 0: nothing.
static struct name_ask next_ask(struct wire *wire)
{
    struct name_asks *asks = worker_name_asks(wire->workers[0]);
    return asks->tail == asks->head ? (struct name_ask){.peer = NUMBER_NONE}
                                    : asks->ring[asks->tail++ & (NAME_ASKS - 1)];
}

static void expect_ask(struct wire *wire, const char *name, bool service, uint16_t peer)
{
    struct name_ask got = next_ask(wire);
    assert_string_equal(got.name.octets, name);
    assert_int_equal(got.name.length, strlen(name));
    assert_int_equal(got.name.service, service);
    assert_int_equal(got.peer, peer);
}

static void expect_no_ask(struct wire *wire)
{
    assert_int_equal(next_ask(wire).name.length, 0);
}

// The request waits, goes where the answer says as it came, and its response comes back.
static void test_held(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    subscribe(&call, wire, "held@name");
    ask(&call, DIALOG_CALLER, "SUBSCRIBE", TARGET, text);
    wire_expect_silence(wire);
    expect_ask(wire, "far.example", true, IMAGE_CARRIER_A);
    wire_pass(wire, 300);
    wire_expect_silence(wire);
    struct name_row row = row_of(wire, "far.example", true);
    add(&row, wire_sbc2.address, 5075, 0);
    wire_names(wire, &row, 1);
    wire_turn(wire);
    struct wire_packet got = wire_take(wire, (struct endpoint){wire_sbc2.address, 5075, 1});
    assert_starts(&got, "SUBSCRIBE " TARGET " SIP/2.0\r\n");
    assert_header(&got, "Route", "");
    wire_expect_silence(wire);
    call_respond(&call, &got, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    // Known now: at once.
    ask(&call, DIALOG_CALLER, "SUBSCRIBE", TARGET, text);
    wire_take(wire, (struct endpoint){wire_sbc2.address, 5075, 1});
    expect_no_ask(wire);
    wire_expect_count(wire, COUNTER_NAME_ASKED, 1);
    wire_expect_count(wire, COUNTER_NAME_HELD, 1);
    wire_expect_count(wire, COUNTER_NAME_FOUND, 2);
    wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, 0);
}

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define NAME_253                                                                                             \
    LABEL_63 "." LABEL_63 "." LABEL_63 ".a2345678901234567890123456789012345678901234567890123456789."       \
             "e"

// Which name a URI leads to, and with which question. NULL: it is none, 403.
static void test_questions(void **state)
{
    struct wire *wire = *state;
    static const struct {
        const char *host, *name;
        bool service;
    } rows[] = {{"far.example", "far.example", true},
                {"FAR.Example.", "far.example", true},
                {"far.example:5060", "far.example", false}, // RFC 3263 4.2
                {"far.example:5071", "far.example", false},
                {"10.10.9.9;maddr=far.example", "far.example", true},
                {"far", "far", true},
                {"1.2.example", "1.2.example", true},
                {"a-b.c--d.example", "a-b.c--d.example", true},
                {LABEL_63 ".example", LABEL_63 ".example", true},
                {NAME_253, NAME_253, true},
                {NAME_253 ".", NAME_253, true},
                {"x" NAME_253, NULL, false},
                {"a" LABEL_63 ".example", NULL, false},
                {"-a.example", NULL, false},
                {"a-.example", NULL, false},
                {"example.1a", NULL, false},
                {"10.20.0.300", NULL, false},
                {"169082892", NULL, false}};
    char text[WIRE_TEXT_MAX], target[400];
    struct call call;
    subscribe(&call, wire, "questions@name");
    unsigned refused = 0;
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        print_message("%s\n", rows[i].host);
        snprintf(target, sizeof(target), "sip:b@%s", rows[i].host);
        ask(&call, DIALOG_CALLER, "INFO", target, text);
        if (rows[i].name != NULL) {
            wire_expect_silence(wire);
            expect_ask(wire, rows[i].name, rows[i].service, IMAGE_CARRIER_A);
            wire_pass_silently(wire, 2500);
        } else {
            call_take(&call, DIALOG_CALLER, "SIP/2.0 403 Next Hop Not Allowed\r\n");
            refused++;
        }
        expect_no_ask(wire);
    }
    wire_expect_count(wire, COUNTER_NAME_UNKNOWN, refused);
    wire_expect_count(wire, COUNTER_NEXT_HOP_REFUSED, refused);
    wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, RTE_DIM(rows) - refused);
}

struct answer {
    const char *name;
    uint16_t result, count;
    struct name_address addresses[4];
    const char *target;
    struct endpoint to; // address 0: refused
    const char *refusal;
    enum counter counter;
};
#define SBC1_AT 0x0a14000bu
#define SBC2_AT 0x0a14000cu
#define REFUSED "SIP/2.0 403 Next Hop Not Allowed\r\n"
#define NOWHERE                                                                                              \
    {                                                                                                        \
        {{0}}, 0, 0                                                                                          \
    }
#define FOREIGN  COUNTER_NAME_FOREIGN
#define FOUND_AT COUNTER_NAME_FOUND
// clang-format off
static const struct answer answers[] = {
    {"no port anywhere", CHANNEL_NAME_FOUND, 1, {{IP_MAPPED(SBC1_AT), 0, 0}}, TARGET, {IP_MAPPED(SBC1_AT), 5060, 1}, NULL, FOUND_AT},
    {"SRV's port", CHANNEL_NAME_FOUND, 1, {{IP_MAPPED(SBC1_AT), 5099, 0}}, TARGET, {IP_MAPPED(SBC1_AT), 5099, 1}, NULL, FOUND_AT},
    {"the URI's port", CHANNEL_NAME_FOUND, 1, {{IP_MAPPED(SBC1_AT), 0, 0}}, TARGET ":5098", {IP_MAPPED(SBC1_AT), 5098, 1}, NULL, FOUND_AT},
    {"one of the peer's", CHANNEL_NAME_FOUND, 3, {{IP_MAPPED(0x0a0a0201), 1, 0}, {IP_MAPPED(SBC2_AT), 2, 0}, {IP_MAPPED(0x0a0a0909), 3, 0}}, TARGET, {IP_MAPPED(SBC2_AT), 2, 1}, NULL, FOUND_AT},
    {"the better rank", CHANNEL_NAME_FOUND, 2, {{IP_MAPPED(SBC2_AT), 1, 0}, {IP_MAPPED(SBC1_AT), 2, 1}}, TARGET, {IP_MAPPED(SBC2_AT), 1, 1}, NULL, FOUND_AT},
    {"the next rank", CHANNEL_NAME_FOUND, 2, {{IP_MAPPED(0x0a0a0909), 1, 0}, {IP_MAPPED(SBC1_AT), 2, 1}}, TARGET, {IP_MAPPED(SBC1_AT), 2, 1}, NULL, FOUND_AT},
    {"a stranger", CHANNEL_NAME_FOUND, 1, {{IP_MAPPED(0x0a0a0909), 0, 0}}, TARGET, NOWHERE, REFUSED, FOREIGN},
    {"a third peer", CHANNEL_NAME_FOUND, 1, {{IP_MAPPED(0x0a0a0201), 0, 0}}, TARGET, NOWHERE, REFUSED, FOREIGN},
    {"who asks", CHANNEL_NAME_FOUND, 1, {{IP_MAPPED(0x0a0a0101), 0, 0}}, TARGET, NOWHERE, REFUSED, FOREIGN},
    {"our listeners", CHANNEL_NAME_FOUND, 2, {{IP_MAPPED(IMAGE_CORE_ADDRESS), 0, 0}, {IP_MAPPED(IMAGE_EDGE_ADDRESS), 0, 0}}, TARGET, NOWHERE, REFUSED, FOREIGN},
    {"loopback and nothing", CHANNEL_NAME_FOUND, 3, {{IP_MAPPED(0x7f000001), 0, 0}, {{{0}}, 0, 0}, {IP_MAPPED(0xffffffff), 0, 0}}, TARGET, NOWHERE, REFUSED, FOREIGN},
    {"no address", CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}, TARGET, NOWHERE, REFUSED, COUNTER_NAME_UNKNOWN},
    {"DNS is silent", CHANNEL_NAME_FAILED, 0, {{{{0}}, 0, 0}}, TARGET, NOWHERE, "SIP/2.0 500 Next Hop Not Resolved\r\n", COUNTER_NAME_FAILED},
};
// clang-format on

static void test_answers(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    subscribe(&call, wire, "answers@name");
    for (size_t i = 0; i < RTE_DIM(answers); i++) {
        const struct answer *answer = &answers[i];
        print_message("%s\n", answer->name);
        uint64_t before = wire_count(wire, answer->counter);
        struct name_row row = row_of(wire, "far.example", strcmp(answer->target, TARGET) == 0);
        row.result = answer->result;
        for (unsigned a = 0; a < answer->count; a++)
            add(&row, answer->addresses[a].address, answer->addresses[a].port, answer->addresses[a].rank);
        wire_names(wire, NULL, 0);
        ask(&call, DIALOG_CALLER, "INFO", answer->target, text);
        wire_expect_silence(wire);
        wire_names(wire, &row, 1);
        wire_turn(wire);
        if (answer->refusal != NULL)
            call_take(&call, DIALOG_CALLER, answer->refusal);
        else
            wire_take(wire, answer->to);
        wire_expect_silence(wire);
        wire_expect_count(wire, answer->counter, before + 1);
        wire_pass_silently(wire, 2500); // so that it is asked for again
        next_ask(wire);
    }
}

// An ACK is never answered, whatever the name came to.
static void test_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    subscribe(&call, wire, "ack@name");
    ask(&call, DIALOG_CALLER, "ACK", TARGET, text);
    struct name_row row = row_of(wire, "far.example", true);
    row.result = CHANNEL_NAME_NONE;
    wire_names(wire, &row, 1);
    wire_turn(wire);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_NO_NEXT_HOP, 1);
    row.result = CHANNEL_NAME_FOUND;
    add(&row, wire_sbc1.address, 0, 0);
    wire_names(wire, &row, 1);
    wire_send(wire, wire_carrier, text);
    struct wire_packet got = wire_take(wire, wire_sbc1);
    assert_starts(&got, "ACK " TARGET " ");
}

// Repetitions end here while the first waits; two that wait leave in the order in which they came; an INVITE
// begins its transaction when it goes.
static void test_order(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX], invite[WIRE_TEXT_MAX];
    subscribe(&call, wire, "order@name");
    ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
    wire_send(wire, wire_carrier, text);
    ask(&call, DIALOG_CALLER, "INVITE", TARGET, invite);
    wire_send(wire, wire_carrier, text);
    wire_send(wire, wire_carrier, invite);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 3);
    wire_expect_count(wire, COUNTER_NAME_ASKED, 1);
    wire_expect_count(wire, COUNTER_MESSAGE_REINVITE, 2);
    struct name_row row = row_of(wire, "far.example", true);
    add(&row, wire_sbc1.address, 0, 0);
    wire_names(wire, &row, 1);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_MESSAGE_REINVITE, 2); // once for each packet
    call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
    assert_int_equal(wire->out_count, 2);
    assert_starts(&wire->out[0], "INFO ");
    assert_starts(&wire->out[1], "INVITE ");
    struct wire_packet got = wire->out[1];
    wire->out_count = 0;
    call_respond(&call, &got, "488 Not Acceptable Here", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 488 ");
    wire_take(wire, wire_sbc1); // ACK
}

// Nobody answers: it is dropped after a second, and its repetition asks again.
static void test_too_late(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    subscribe(&call, wire, "late@name");
    for (unsigned i = 1; i <= 3; i++) {
        if (i == 1)
            ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
        else
            wire_send(wire, wire_carrier, text);
        expect_ask(wire, "far.example", true, IMAGE_CARRIER_A);
        wire_pass(wire, 900);
        wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, i - 1);
        // Another table says nothing of it.
        struct name_row row = row_of(wire, "near.example", true);
        wire_names(wire, &row, 1);
        wire_turn(wire);
        wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, i - 1);
        wire_pass(wire, 200);
        wire_expect_silence(wire);
        wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, i);
    }
}

// The last quarter of its time asks anew and goes on; the end of it waits.
static void test_renewal(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    subscribe(&call, wire, "renewal@name");
    struct name_row row = row_of(wire, "far.example", true);
    add(&row, wire_sbc1.address, 0, 0);
    wire_names(wire, &row, 1);
    wire_pass(wire, 59900);
    ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
    wire_take(wire, wire_sbc1);
    expect_no_ask(wire);
    wire_pass(wire, 200);
    for (unsigned i = 0; i < 3; i++) {
        ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
        wire_take(wire, wire_sbc1);
        if (i == 0)
            expect_ask(wire, "far.example", true, IMAGE_CARRIER_A);
        expect_no_ask(wire);
    }
    wire_pass(wire, 19900);
    ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
    wire_expect_silence(wire);
    expect_ask(wire, "far.example", true, IMAGE_CARRIER_A);
}

// What one peer's messages do is bounded: names asked for in a second, requests held. The other peer's go on.
static void test_limits(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX], target[64];
    subscribe(&call, wire, "limits@name");
    for (unsigned i = 0; i < 40; i++) {
        snprintf(target, sizeof(target), "sip:b@host%u.example", i);
        ask(&call, DIALOG_CALLER, "INFO", target, text);
    }
    wire_expect_count(wire, COUNTER_NAME_ASKED, NAME_ASKS_A_SECOND);
    wire_expect_count(wire, COUNTER_NAME_LIMITED, 40 - NAME_ASKS_A_SECOND);
    wire_expect_count(wire, COUNTER_NAME_HELD, NAME_HELD_OF_PEER);
    wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, 40 - NAME_HELD_OF_PEER);
    ask(&call, DIALOG_CALLEE, "INFO", TARGET, text);
    wire_expect_count(wire, COUNTER_NAME_ASKED, NAME_ASKS_A_SECOND + 1);
    wire_expect_count(wire, COUNTER_NAME_HELD, NAME_HELD_OF_PEER + 1);
    struct name_row row = row_of(wire, "far.example", true);
    add(&row, wire_carrier.address, 0, 0);
    wire_names(wire, &row, 1);
    wire_turn(wire);
    struct wire_packet got = wire_take(wire, wire_carrier);
    assert_starts(&got, "INFO " TARGET " ");
    // The next second.
    wire_pass(wire, 1100);
    ask(&call, DIALOG_CALLER, "INFO", "sip:b@host39.example", text);
    wire_expect_count(wire, COUNTER_NAME_ASKED, NAME_ASKS_A_SECOND + 2);
    wire_expect_count(wire, COUNTER_NAME_HELD, NAME_HELD_OF_PEER + 2);
    // An agent that does not read.
    for (unsigned i = 0; i < NAME_ASKS; i++) {
        snprintf(target, sizeof(target), "sip:b@more%u.example", i);
        ask(&call, DIALOG_CALLER, "INFO", target, text);
        if (i % 8 == 0)
            wire_pass(wire, 1100);
    }
    wire_expect_count(wire, COUNTER_NAME_ASKED, NAME_ASKS);
    assert_true(wire_count(wire, COUNTER_NAME_FULL) > 0);
    for (unsigned i = 0; i < NAME_ASKS; i++)
        assert_int_not_equal(next_ask(wire).name.length, 0);
    expect_no_ask(wire);
}

// Peers and listeners may have other numbers after a reload: what waits is dropped, and repeated by its
// sender.
static void test_reload(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    subscribe(&call, wire, "reload@name");
    ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
    wire_reload(wire);
    wire_expect_count(wire, COUNTER_DROP_NAME_OPEN, 1);
    struct name_row row = row_of(wire, "far.example", true);
    add(&row, wire_sbc1.address, 0, 0);
    wire_names(wire, &row, 1);
    wire_turn(wire);
    wire_expect_silence(wire);
    wire_send(wire, wire_carrier, text);
    wire_take(wire, wire_sbc1);
}

// A record that knows where that side's messages come from asks nobody.
static void test_record(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "record@name");
    call_establish(&call);
    ask(&call, DIALOG_CALLER, "INFO", TARGET, text);
    wire_take(wire, call.sides[DIALOG_CALLEE].at);
    expect_no_ask(wire);
}

// A table whose rows fill their half of it, with hashes that meet.
static void test_table(void **state)
{
    static struct name_row rows[NAME_ROWS_MAX];
    for (unsigned i = 0; i < NAME_ROWS_MAX; i++) {
        rows[i].name.length = 2;
        memcpy(rows[i].name.octets, &(uint16_t){(uint16_t)i}, 2);
        rows[i].hash = i / 3 * 8192u;
    }
    struct name_table *table = name_table_create(1, rows, NAME_ROWS_MAX);
    assert_non_null(table);
    for (unsigned i = 0; i < NAME_ROWS_MAX; i++) {
        const struct name_row *found = name_table_find(table, &rows[i].name, rows[i].hash);
        assert_non_null(found);
        assert_memory_equal(found, &rows[i], sizeof(rows[i]));
        assert_null(name_table_find(table, &rows[i].name, rows[i].hash + 1));
    }
    struct channel_name other = rows[5].name;
    other.service = 1;
    assert_null(name_table_find(table, &other, rows[5].hash));
    name_table_destroy(table);
    table = name_table_create(1, NULL, 0);
    assert_null(name_table_find(table, &other, 0));
    name_table_destroy(table);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_held),   ON_WIRE(test_questions), ON_WIRE(test_answers),        ON_WIRE(test_ack),
        ON_WIRE(test_order),  ON_WIRE(test_too_late),  ON_WIRE(test_renewal),        ON_WIRE(test_limits),
        ON_WIRE(test_reload), ON_WIRE(test_record),    cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
