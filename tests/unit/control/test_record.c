// SPDX-License-Identifier: BSD-3-Clause
// A message of records is refused unless it is whole; and how a record looks as a line.
#include "cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include "channel_check.h"
#include "dialgate/counters.h"
#include "record_line.h"

struct datagram {
    struct channel_header header;
    struct channel_records records;
    struct channel_record record;
    char texts[64]; // 24 of them are used
};

static struct datagram good(void)
{
    struct datagram datagram = {
        .header = {.magic = CHANNEL_MAGIC, .version = CHANNEL_VERSION, .type = CHANNEL_RECORDS},
        .records = {.instance = 0x1234, .worker = 2, .count = 1},
        .record = {.sequence = 7,
                   .start_ms = 1700000000123,
                   .ring_ms = 250,
                   .answer_ms = 1250,
                   .end_ms = 61250,
                   .size = sizeof(struct channel_record) + 24,
                   .callee_peer = 1,
                   .callee_member = NUMBER_NONE,
                   .status = 200,
                   .cause = 16,
                   .ender = CHANNEL_ENDER_CALLEE,
                   .reason = CHANNEL_REASON_BYE,
                   .text_lengths = {3, 9, 12}},
        .texts = "a\"b<sip:a@b>sip:c@d;x=12",
    };
    datagram.header.size = (uint32_t)offsetof(struct datagram, texts) + 24;
    return datagram;
}

static const char *check(const struct datagram *datagram)
{
    return channel_check(datagram, datagram->header.size, 0);
}

static void test_check(void **state)
{
    struct datagram datagram = good();
    assert_null(check(&datagram));
#define WRONG(field, value)                                                                                  \
    datagram = good();                                                                                       \
    datagram.field = value;                                                                                  \
    assert_non_null(check(&datagram))
    WRONG(header.request, 1);
    WRONG(records.worker, WORKERS_MAX);
    WRONG(records.count, 0);
    WRONG(records.count, 2);
    WRONG(record.size, sizeof(struct channel_record));
    WRONG(record.size, sizeof(struct channel_record) + 32);
    WRONG(record.size, UINT32_MAX);
    WRONG(record.text_lengths[0], CHANNEL_RECORD_TEXT_MAX + 1);
    WRONG(record.text_lengths[0], 11);
    WRONG(record.sequence, 0);
    WRONG(record.start_ms, UINT64_MAX);
    WRONG(record.ender, CHANNEL_ENDER_COUNT);
    WRONG(record.reason, CHANNEL_REASON_COUNT);
    WRONG(record.caller_peer, PEERS_MAX);
    WRONG(record.callee_peer, PEERS_MAX);
    WRONG(record.callee_member, MEMBERS_MAX);
    WRONG(header.size, datagram.header.size - 8);
#undef WRONG
}

static void expect_line(const struct datagram *datagram, enum record_format format, const char *wanted)
{
    const struct record_names names = {.caller_peer = "carrier-a",
                                       .callee_peer = "sbcs",
                                       .member = "-",
                                       .instance = datagram->records.instance,
                                       .worker = datagram->records.worker,
                                       .repeated = true};
    size_t length;
    char *line = record_line(&datagram->record, &names, format, &length);
    assert_non_null(line);
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(line, wanted, length);
    free(line);
}

static void test_lines(void **state)
{
    struct datagram datagram = good();
    expect_line(
        &datagram, RECORD_CSV,
        "00001234-2-7,2023-11-14T22:13:20.123Z,2023-11-14T22:13:20.373Z,2023-11-14T22:13:21.373Z,"
        "2023-11-14T22:14:21.373Z,\"a\"\"b\",\"sip:a@b\",\"sip:c@d\",\"carrier-a\",\"sbcs\",-,200,callee,bye,"
        "Q.850 16,250,1250,60000,repeated\r\n");
    datagram.record.ring_ms = datagram.record.answer_ms = CHANNEL_RECORD_NEVER;
    datagram.record.cause = 0;
    datagram.record.status = 486;
    datagram.record.reason = CHANNEL_REASON_REFUSED;
    expect_line(
        &datagram, RECORD_JSON,
        "{\"record\":\"00001234-2-7\",\"start\":\"2023-11-14T22:13:20.123Z\",\"end\":\"2023-11-14T22:14:21."
        "373Z\","
        "\"call_id\":\"a\\\"b\",\"from\":\"sip:a@b\",\"to\":\"sip:c@d\",\"caller_peer\":\"carrier-a\","
        "\"callee_peer\":\"sbcs\",\"member\":\"-\",\"status\":486,\"ended_by\":\"callee\",\"reason\":"
        "\"refused\","
        "\"marks\":\"repeated\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check), cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests_name("control record", tests, NULL, NULL);
}
