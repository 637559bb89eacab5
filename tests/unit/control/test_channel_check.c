// SPDX-License-Identifier: BSD-3-Clause
#include "cmocka_first.h"
#include <string.h>
#include "channel_check.h"
#include "dialgate/capture.h"
#include "far_end.h"

static struct far_message message; // aligned as a real receive buffer is

static const char *check(size_t size, size_t fds)
{
    return channel_check(&message, size, fds);
}

static void test_good(void **state)
{
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 3);
    uint8_t row[512];
    size_t size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_null(check(size, 0));
    hello.has_counters = 1;
    hello.networks = 2;
    hello.prefilter_maps[1] = 3;
    size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_null(check(size, 4));
    hello.has_captures = 1;
    size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_null(check(size, 4 + CHANNEL_CAPTURE_FDS));
    assert_non_null(check(size, 4));
    size = far_row(row, 9, "call");
    size = far_build(&message, CHANNEL_DIALOG_ROW, 1, row, size);
    assert_null(check(size, 0));
    struct channel_done done = {.result = 0};
    size = far_build(&message, CHANNEL_DONE, 1, &done, sizeof(done));
    assert_null(check(size, 0));
    done.result = -22;
    size = far_build(&message, CHANNEL_REFUSED, 1, &done, sizeof(done));
    assert_null(check(size, 0));
}

static void test_every_size(void **state)
{
    static const enum channel_type types[] = {CHANNEL_HELLO, CHANNEL_SNAPSHOT_RESULT, CHANNEL_DONE,
                                              CHANNEL_REFUSED};
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        size_t right = sizeof(struct channel_header) + channel_body_size(types[t]);
        for (size_t size = 0; size < right + 64; size++) {
            struct channel_hello hello = far_hello(CHANNEL_WAITING, 0);
            struct channel_done done = {.result = -1};
            far_build(&message, types[t], 1, types[t] == CHANNEL_HELLO ? (void *)&hello : (void *)&done,
                      channel_body_size(types[t]));
            message.header.size = (uint32_t)size;
            assert_true((check(size, 0) == NULL) == (size == right));
        }
    }
}

// A good message of a type with one word of 2, 4 or 8 octets changed.
struct change {
    const char *what;
    enum channel_type type;
    size_t offset; // from the header on
    size_t width;
    uint64_t value;
};
#define HEADER(field) offsetof(struct channel_header, field)
#define HELLO(field)  (sizeof(struct channel_header) + offsetof(struct channel_hello, field))
#define ROW(field)    (sizeof(struct channel_header) + offsetof(struct channel_dialog_row, field))
#define EVENT(field)                                                                                         \
    (sizeof(struct channel_header) + offsetof(struct channel_events, rows) +                                 \
     offsetof(struct channel_event, field))
#define BODY(type, field) (sizeof(struct channel_header) + offsetof(type, field))
#define MEMBER(field)                                                                                        \
    (sizeof(struct channel_header) + offsetof(struct channel_member_events, rows) +                          \
     offsetof(struct channel_member_event, field))
#define NAME(field)                                                                                          \
    (sizeof(struct channel_header) + offsetof(struct channel_name_ask, name) +                               \
     offsetof(struct channel_name, field))
#define CAPTURE(field) (sizeof(struct channel_header) + offsetof(struct channel_capture_ended, field))
#define DONE(field)    (sizeof(struct channel_header) + offsetof(struct channel_done, field))
#define UA(field)                                                                                            \
    (sizeof(struct channel_header) + sizeof(struct channel_event_run) +                                      \
     offsetof(struct channel_ua_event, field))
#define RUN(field) (sizeof(struct channel_header) + offsetof(struct channel_event_run, field))
static const struct change changes[] = {
    {"magic", CHANNEL_DONE, HEADER(magic), 4, 1},
    {"version", CHANNEL_DONE, HEADER(version), 2, CHANNEL_VERSION + 1},
    {"type none", CHANNEL_DONE, HEADER(type), 2, CHANNEL_NONE},
    {"type beyond the last", CHANNEL_DONE, HEADER(type), 2, CHANNEL_TYPE_COUNT},
    {"type of another size", CHANNEL_DONE, HEADER(type), 2, CHANNEL_HELLO},
    {"type far beyond", CHANNEL_DONE, HEADER(type), 2, 0xffff},
    {"size smaller", CHANNEL_DONE, HEADER(size), 4, 16},
    {"size huge", CHANNEL_DONE, HEADER(size), 4, UINT32_MAX},
    {"state of control", CHANNEL_HELLO, HELLO(state), 4, CHANNEL_CONTROL},
    {"state beyond the last", CHANNEL_HELLO, HELLO(state), 4, CHANNEL_FAILED + 1},
    {"too many networks", CHANNEL_HELLO, HELLO(networks), 4, NETWORKS_MAX + 1},
    {"too many workers", CHANNEL_HELLO, HELLO(workers), 4, WORKERS_MAX + 1},
    {"has_counters not 0 or 1", CHANNEL_HELLO, HELLO(has_counters), 4, 2},
    {"counters named, none sent", CHANNEL_HELLO, HELLO(has_counters), 4, 1},
    {"has_captures not 0 or 1", CHANNEL_HELLO, HELLO(has_captures), 4, 2},
    {"captures named, none sent", CHANNEL_HELLO, HELLO(has_captures), 4, 1},
    {"end of a capture answers a request", CHANNEL_CAPTURE_ENDED, HEADER(request), 4, 1},
    {"slot of a capture beyond", CHANNEL_CAPTURE_ENDED, CAPTURE(slot), 2, CAPTURES_MAX},
    {"reason of a capture beyond", CHANNEL_CAPTURE_ENDED, CAPTURE(reason), 2, CHANNEL_CAPTURE_END_COUNT},
    {"capture without serial", CHANNEL_CAPTURE_ENDED, CAPTURE(serial), 8, 0},
    {"row without handle", CHANNEL_DIALOG_ROW, ROW(handle), 8, 0},
    {"row state any", CHANNEL_DIALOG_ROW, ROW(state), 2, CHANNEL_DIALOG_ANY},
    {"row state beyond", CHANNEL_DIALOG_ROW, ROW(state), 2, CHANNEL_DIALOG_TERMINATED + 1},
    {"row worker beyond", CHANNEL_DIALOG_ROW, ROW(worker), 2, WORKERS_MAX},
    {"row caller peer beyond", CHANNEL_DIALOG_ROW, ROW(caller_peer), 2, PEERS_MAX},
    {"row callee peer beyond", CHANNEL_DIALOG_ROW, ROW(callee_peer), 2, 0xfffe},
    {"row member beyond", CHANNEL_DIALOG_ROW, ROW(callee_member), 2, MEMBERS_MAX},
    {"row text one octet longer", CHANNEL_DIALOG_ROW, ROW(text_lengths[CHANNEL_TEXT_CALL_ID]), 2, 5},
    {"row text very long", CHANNEL_DIALOG_ROW, ROW(text_lengths[CHANNEL_TEXT_CALLEE_TARGET]), 2, 0xffff},
    {"events answer a request", CHANNEL_EVENTS, HEADER(request), 4, 1},
    {"events without a number", CHANNEL_EVENTS,
     sizeof(struct channel_header) + offsetof(struct channel_events, run.first), 8, 0},
    {"numbers of events run over", CHANNEL_EVENTS,
     sizeof(struct channel_header) + offsetof(struct channel_events, run.first), 8, INT64_MAX},
    {"more events lost than there were", CHANNEL_EVENTS,
     sizeof(struct channel_header) + offsetof(struct channel_events, run.lost), 8, 1},
    {"too many events", CHANNEL_EVENTS,
     sizeof(struct channel_header) + offsetof(struct channel_events, run.count), 4, CHANNEL_EVENTS_MAX + 1},
    {"event without handle", CHANNEL_EVENTS, EVENT(handle), 8, 0},
    {"event from beyond", CHANNEL_EVENTS, EVENT(from), 1, CHANNEL_DIALOG_TERMINATED + 1},
    {"event to none", CHANNEL_EVENTS, EVENT(to), 1, CHANNEL_DIALOG_ANY},
    {"event to beyond", CHANNEL_EVENTS, EVENT(to), 1, CHANNEL_DIALOG_TERMINATED + 1},
    {"event reason beyond", CHANNEL_EVENTS, EVENT(reason), 1, CHANNEL_REASON_COUNT},
    {"event caller peer beyond", CHANNEL_EVENTS, EVENT(caller_peer), 2, PEERS_MAX},
    {"event callee peer beyond", CHANNEL_EVENTS, EVENT(callee_peer), 2, PEERS_MAX},
    {"event member beyond", CHANNEL_EVENTS, EVENT(callee_member), 2, MEMBERS_MAX},
    {"member's events answer a request", CHANNEL_MEMBER_EVENTS, HEADER(request), 4, 1},
    {"more member's events lost than there were", CHANNEL_MEMBER_EVENTS,
     sizeof(struct channel_header) + offsetof(struct channel_member_events, run.lost), 8, 1},
    {"more bans than fit", CHANNEL_BAN_ROWS, BODY(struct channel_ban_rows, count), 4,
     CHANNEL_BAN_ROWS_MAX + 1},
    {"ban for no reason", CHANNEL_BAN_ROWS, BODY(struct channel_ban_rows, rows[0].reason), 1,
     CHANNEL_BAN_REASON_COUNT},
    {"ban of a prefix that is too long", CHANNEL_BAN_ROWS, BODY(struct channel_ban_rows, rows[0].length), 2,
     129},
    {"ban's event as an answer", CHANNEL_BAN_EVENTS, HEADER(request), 4, 1},
    {"ban's event of no kind", CHANNEL_BAN_EVENTS, BODY(struct channel_ban_events, rows[0].change), 1,
     CHANNEL_BAN_ENDED + 1},
    {"ban's event neither dry nor wet", CHANNEL_BAN_EVENTS, BODY(struct channel_ban_events, rows[0].dry_run),
     1, 2},
    {"ban's event with a number that runs over", CHANNEL_BAN_EVENTS,
     BODY(struct channel_ban_events, run.lost), 8, 3},
    {"too many member's events", CHANNEL_MEMBER_EVENTS,
     sizeof(struct channel_header) + offsetof(struct channel_member_events, run.count), 4,
     CHANNEL_EVENTS_MAX + 1},
    {"event of a member beyond", CHANNEL_MEMBER_EVENTS, MEMBER(member), 2, MEMBERS_MAX},
    {"event of a member of a peer beyond", CHANNEL_MEMBER_EVENTS, MEMBER(peer), 2, PEERS_MAX},
    {"member's event from beyond", CHANNEL_MEMBER_EVENTS, MEMBER(from), 1, 3},
    {"member's event to beyond", CHANNEL_MEMBER_EVENTS, MEMBER(to), 1, 3},
    {"applications' events answer a request", CHANNEL_UA_EVENTS, HEADER(request), 4, 1},
    {"applications' events without a number", CHANNEL_UA_EVENTS, RUN(first), 8, 0},
    {"more applications' events lost than there were", CHANNEL_UA_EVENTS, RUN(lost), 8, 1},
    {"more applications' events than there are", CHANNEL_UA_EVENTS, RUN(count), 4, 3},
    {"fewer applications' events than there are", CHANNEL_UA_EVENTS, RUN(count), 4, 1},
    {"no application's event", CHANNEL_UA_EVENTS, UA(kind), 1, CHANNEL_UA_NO_EVENT},
    {"kind of an application's event beyond", CHANNEL_UA_EVENTS, UA(kind), 1, CHANNEL_UA_KINDS},
    {"state of an application's event beyond", CHANNEL_UA_EVENTS, UA(state), 1,
     CHANNEL_DIALOG_TERMINATED + 1},
    {"reason of an application's event beyond", CHANNEL_UA_EVENTS, UA(reason), 1, CHANNEL_REASON_COUNT},
    {"flag of an application's event beyond", CHANNEL_UA_EVENTS, UA(flags), 1, CHANNEL_UA_EVENT_FLAGS + 1},
    {"cut message that is there", CHANNEL_UA_EVENTS, UA(flags), 1, CHANNEL_UA_CUT},
    {"status of an application's event beyond", CHANNEL_UA_EVENTS, UA(status), 2, 700},
    {"application beyond", CHANNEL_UA_EVENTS, UA(application), 2, PEERS_MAX},
    {"peer of an application's event beyond", CHANNEL_UA_EVENTS, UA(peer), 2, PEERS_MAX},
    {"application's event with a positive result", CHANNEL_UA_EVENTS, UA(result), 4, 1},
    {"application's event in another age", CHANNEL_UA_EVENTS, UA(time_ms), 8, (uint64_t)1 << 48},
    {"message one octet longer", CHANNEL_UA_EVENTS, UA(length), 2, 9},
    {"message that takes all", CHANNEL_UA_EVENTS, UA(length), 2, 72},
    {"message without its octets", CHANNEL_UA_EVENTS, UA(length), 2, 0},
    {"name answers a request", CHANNEL_NAME_ASK, HEADER(request), 4, 1},
    {"name of another question", CHANNEL_NAME_ASK, NAME(service), 1, 2},
    {"name without octets", CHANNEL_NAME_ASK, NAME(length), 1, 0},
    {"name shorter than it says", CHANNEL_NAME_ASK, NAME(length), 1, 8},
    {"name longer than it says", CHANNEL_NAME_ASK, NAME(length), 1, 6},
    {"name longer than there is room", CHANNEL_NAME_ASK, NAME(length), 1, CHANNEL_NAME_SIZE},
    {"name in upper case", CHANNEL_NAME_ASK, NAME(octets), 1, 'A'},
    {"name that begins with a dot", CHANNEL_NAME_ASK, NAME(octets), 1, '.'},
    {"name with two dots", CHANNEL_NAME_ASK, NAME(octets) + 2, 1, '.'},
    {"name that ends with a dot", CHANNEL_NAME_ASK, NAME(octets) + 6, 1, '.'},
    {"name with a NUL", CHANNEL_NAME_ASK, NAME(octets) + 4, 1, 0},
    {"name with a backslash", CHANNEL_NAME_ASK, NAME(octets) + 4, 1, '\\'},
    {"name with a space", CHANNEL_NAME_ASK, NAME(octets) + 4, 1, ' '},
    {"done with a positive result", CHANNEL_DONE, DONE(result), 4, 1},
};

static size_t build_good(enum channel_type type)
{
    uint8_t body[1024] = {0};
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 1);
    if (type == CHANNEL_DIALOG_ROW)
        return far_build(&message, type, 1, body, far_row(body, 9, "call"));
    struct channel_events events = {.run = {.first = 1, .count = 1},
                                    .rows = {{.handle = 1, .to = CHANNEL_DIALOG_NONE}}};
    struct channel_member_events members = {.run = {.first = 1, .count = 1}};
    struct channel_capture_ended ended = {.slot = CAPTURES_MAX - 1, .serial = 1};
    struct channel_name_ask name = {{.length = 7, .octets = "a.x-9.b"}};
    struct {
        struct channel_event_run run;
        struct channel_ua_event event;
        char message[8];
        struct channel_ua_event last;
    } ua = {{.first = 1, .count = 2},
            {.kind = CHANNEL_UA_CALL, .length = 7},
            "INVITE",
            {.kind = CHANNEL_UA_KINDS - 1, .flags = CHANNEL_UA_CALLEE | CHANNEL_UA_CUT}};
    static const struct channel_ban_rows bans = {
        .count = 1, .rows = {{.address = IP_MAPPED(1), .length = 128, .since_ms = 1, .hits = 2}}};
    static const struct channel_ban_events ban_events = {.run = {.first = 3, .lost = 1, .count = 1},
                                                         .rows = {{.address = IP_MAPPED(1), .length = 128}}};
    if (type == CHANNEL_BAN_ROWS)
        return far_build(&message, type, 1, &bans, sizeof(bans));
    if (type == CHANNEL_BAN_EVENTS)
        return far_build(&message, type, 0, &ban_events, sizeof(ban_events));
    if (type == CHANNEL_UA_EVENTS)
        return far_build(&message, type, 0, &ua, sizeof(ua));
    if (type == CHANNEL_CAPTURE_ENDED)
        return far_build(&message, type, 0, &ended, sizeof(ended));
    if (type == CHANNEL_NAME_ASK)
        return far_build(&message, type, 0, &name, sizeof(name));
    if (type == CHANNEL_MEMBER_EVENTS)
        return far_build(&message, type, 0, &members, sizeof(members));
    if (type == CHANNEL_HELLO)
        return far_build(&message, type, 0, &hello, sizeof(hello));
    if (type == CHANNEL_EVENTS)
        return far_build(&message, type, 0, &events, sizeof(events));
    return far_build(&message, type, 1, body, sizeof(struct channel_done));
}

static void test_changes(void **state)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *change = &changes[i];
        size_t size = build_good(change->type);
        assert_null(check(size, 0));
        memcpy((uint8_t *)&message + change->offset, &change->value, change->width);
        print_message("%s\n", change->what);
        assert_non_null(check(size, 0));
    }
}

static void test_texts_end(void **state)
{
    size_t size = build_good(CHANNEL_HELLO);
    memset((uint8_t *)&message + HELLO(text), 'x', CHANNEL_TEXT_SIZE);
    assert_non_null(check(size, 0));
    for (unsigned int i = 0; i < NETWORKS_MAX; i++) {
        size = build_good(CHANNEL_HELLO);
        memset((uint8_t *)&message + HELLO(no_program[0]) + (size_t)i * CHANNEL_TEXT_SIZE, 'x',
               CHANNEL_TEXT_SIZE - 1);
        assert_null(check(size, 0));
        ((uint8_t *)&message)[HELLO(no_program[0]) + (i + 1) * CHANNEL_TEXT_SIZE - 1] = 'x';
        assert_non_null(check(size, 0));
    }
    size = build_good(CHANNEL_DONE);
    memset((uint8_t *)&message + DONE(text), 'x', CHANNEL_TEXT_SIZE);
    assert_non_null(check(size, 0));
}

static void test_descriptors(void **state)
{
    assert_non_null(check(build_good(CHANNEL_HELLO), 1));
    assert_non_null(check(build_good(CHANNEL_DONE), 1));
    size_t size = build_good(CHANNEL_HELLO);
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 1);
    hello.networks = 2;
    hello.prefilter_maps[0] = UINT32_MAX; // their sum wraps to 2
    hello.prefilter_maps[1] = 3;
    size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_non_null(check(size, 2));
}

static void test_listeners(void **state)
{
    struct channel_listeners listeners = {.count = LISTENERS_MAX};
    size_t size = far_build(&message, CHANNEL_LISTENERS, 0, &listeners, sizeof(listeners));
    assert_null(check(size, LISTENERS_MAX));
    assert_non_null(check(size, LISTENERS_MAX - 1));
    size = far_build(&message, CHANNEL_LISTENERS, 1, &listeners, sizeof(listeners));
    assert_non_null(check(size, LISTENERS_MAX));
    listeners.count = LISTENERS_MAX + 1;
    size = far_build(&message, CHANNEL_LISTENERS, 0, &listeners, sizeof(listeners));
    assert_non_null(check(size, LISTENERS_MAX + 1));
    listeners.count = 0;
    size = far_build(&message, CHANNEL_LISTENERS, 0, &listeners, sizeof(listeners));
    assert_null(check(size, 0));
}

static void test_what_only_control_sends(void **state)
{
    static const enum channel_type types[] = {CHANNEL_SNAPSHOT,    CHANNEL_DIALOG_LIST, CHANNEL_DIALOG_SHOW,
                                              CHANNEL_DIALOG_END,  CHANNEL_NAME_ANSWER, CHANNEL_CAPTURE_SET,
                                              CHANNEL_CAPTURE_END, CHANNEL_UA_COMMAND};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_non_null(check(far_build(&message, types[i], 1, NULL, channel_body_size(types[i])), 0));
    struct channel_done fine = {.result = 0};
    assert_non_null(check(far_build(&message, CHANNEL_REFUSED, 1, &fine, sizeof(fine)), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good),
                                       cmocka_unit_test(test_every_size),
                                       cmocka_unit_test(test_changes),
                                       cmocka_unit_test(test_texts_end),
                                       cmocka_unit_test(test_descriptors),
                                       cmocka_unit_test(test_listeners),
                                       cmocka_unit_test(test_what_only_control_sends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
