// SPDX-License-Identifier: BSD-3-Clause
#include "channel_check.h"

#include <string.h>
#include "dialgate/capture.h"
#include "dialgate/counters.h"

size_t channel_body_size(unsigned int type)
{
    static const size_t sizes[CHANNEL_TYPE_COUNT] = {
#define M(type, body, from, help) [type] = sizeof(body),
        CHANNEL_MESSAGES(M)
#undef M
    };
    return type < CHANNEL_TYPE_COUNT ? sizes[type] : 0;
}

static const char *check_hello(const struct channel_hello *hello, size_t fd_count)
{
    if (hello->state < CHANNEL_WAITING || hello->state > CHANNEL_FAILED)
        return "hello with an unknown state";
    if (hello->networks > NETWORKS_MAX || hello->workers > WORKERS_MAX || hello->has_counters > 1 ||
        hello->has_captures > 1)
        return "hello with a number out of range";
    if (!memchr(hello->text, '\0', sizeof(hello->text)))
        return "hello whose text does not end";
    for (uint32_t i = 0; i < NETWORKS_MAX; i++)
        if (!memchr(hello->no_program[i], '\0', sizeof(hello->no_program[i])))
            return "hello whose text of a network does not end";
    size_t expected = hello->has_counters + CHANNEL_CAPTURE_FDS * (size_t)hello->has_captures;
    for (uint32_t i = 0; i < hello->networks; i++) {
        if (hello->prefilter_maps[i] > CHANNEL_FDS_MAX)
            return "hello with a number out of range";
        expected += hello->prefilter_maps[i];
    }
    return expected == fd_count ? NULL : "hello whose descriptors are not those it names";
}

static const char *check_listeners(const struct channel_listeners *listeners, size_t fd_count)
{
    return listeners->count <= LISTENERS_MAX && listeners->count == fd_count
               ? NULL
               : "listeners whose descriptors are not those it names";
}

static bool number_ok(uint16_t number, uint32_t limit)
{
    return number < limit || number == NUMBER_NONE;
}

static const char *check_row(const struct channel_dialog_row *row, size_t text_size)
{
    size_t expected = 0;
    for (size_t i = 0; i < CHANNEL_TEXT_COUNT; i++)
        expected += row->text_lengths[i];
    if (expected != text_size)
        return "dialog row whose texts are not as long as it says";
    if (row->state < CHANNEL_DIALOG_NONE || row->state > CHANNEL_DIALOG_TERMINATED)
        return "dialog row with an unknown state";
    if (row->handle == 0 || row->worker >= WORKERS_MAX || !number_ok(row->caller_peer, PEERS_MAX) ||
        !number_ok(row->callee_peer, PEERS_MAX) || !number_ok(row->callee_member, MEMBERS_MAX))
        return "dialog row with a number out of range";
    return NULL;
}

// Numbers begin with 1, and those of a message must not run over.
static bool run_ok(const struct channel_event_run *run)
{
    return run->count <= CHANNEL_EVENTS_MAX && run->first > 0 && run->lost < run->first &&
           run->first <= (uint64_t)INT64_MAX - run->count;
}

static const char *check_events(const struct channel_events *events)
{
    if (!run_ok(&events->run))
        return "events whose number is out of range";
    for (uint32_t i = 0; i < events->run.count; i++) {
        const struct channel_event *event = &events->rows[i];
        if (event->handle == 0 || event->from > CHANNEL_DIALOG_TERMINATED ||
            event->to < CHANNEL_DIALOG_NONE || event->to > CHANNEL_DIALOG_TERMINATED ||
            event->reason >= CHANNEL_REASON_COUNT || !number_ok(event->caller_peer, PEERS_MAX) ||
            !number_ok(event->callee_peer, PEERS_MAX) || !number_ok(event->callee_member, MEMBERS_MAX))
            return "event with a number out of range";
    }
    return NULL;
}

static const char *check_member_events(const struct channel_member_events *events)
{
    if (!run_ok(&events->run))
        return "events whose number is out of range";
    for (uint32_t i = 0; i < events->run.count; i++) {
        const struct channel_member_event *event = &events->rows[i];
        if (event->member >= MEMBERS_MAX || event->peer >= PEERS_MAX || event->from > MEMBER_DOWN ||
            event->to > MEMBER_DOWN)
            return "member's event with a number out of range";
    }
    return NULL;
}

static bool source_ok(const struct ip_address *address, uint16_t length, uint8_t reason, uint8_t dry_run)
{
    return ip_is_set(address) && length <= 128 && reason < CHANNEL_BAN_REASON_COUNT && dry_run <= 1;
}

static const char *check_bans(const struct channel_ban_rows *rows)
{
    if (rows->count > CHANNEL_BAN_ROWS_MAX)
        return "more bans than there is room for";
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct channel_ban_row *row = &rows->rows[i];
        if (!source_ok(&row->address, row->length, row->reason, row->dry_run) ||
            (row->since_ms | row->remaining_ms | row->hits) > INT64_MAX)
            return "ban with a number out of range";
    }
    return NULL;
}

static const char *check_ban_events(const struct channel_ban_events *events)
{
    if (!run_ok(&events->run))
        return "events whose number is out of range";
    for (uint32_t i = 0; i < events->run.count; i++) {
        const struct channel_ban_event *event = &events->rows[i];
        if (!source_ok(&event->address, event->length, event->reason, event->dry_run) ||
            event->change > CHANNEL_BAN_ENDED || event->lifetime_ms > INT64_MAX)
            return "ban's event with a number out of range";
    }
    return NULL;
}

static const char *check_record(const struct channel_record *record, size_t room)
{
    size_t expected = sizeof(*record);
    if (room < sizeof(*record) || record->size > room)
        return "record longer than its message";
    for (size_t i = 0; i < CHANNEL_RECORD_TEXTS; i++) {
        if (record->text_lengths[i] > CHANNEL_RECORD_TEXT_MAX)
            return "record with a text that is too long";
        expected += record->text_lengths[i];
    }
    if (record->size != ((expected + 7) & ~(size_t)7))
        return "record whose texts are not as long as it says";
    if (record->sequence == 0 || record->ender >= CHANNEL_ENDER_COUNT ||
        record->reason >= CHANNEL_REASON_COUNT || !number_ok(record->caller_peer, PEERS_MAX) ||
        !number_ok(record->callee_peer, PEERS_MAX) || !number_ok(record->callee_member, MEMBERS_MAX))
        return "record with a number out of range";
    // So that times can be added and written.
    return record->start_ms < (uint64_t)1 << 48 ? NULL : "record with an impossible time";
}

static const char *check_records(const struct channel_records *records, size_t room)
{
    const char *at = (const char *)(records + 1);
    uint64_t last = 0;
    if (records->worker >= WORKERS_MAX || records->count == 0)
        return "records with a number out of range";
    for (uint32_t i = 0; i < records->count; i++) {
        const struct channel_record *record = (const void *)at;
        const char *wrong = check_record(record, room);
        if (wrong)
            return wrong;
        if (record->sequence <= last)
            return "records out of order";
        last = record->sequence;
        at += record->size;
        room -= record->size;
    }
    return room == 0 ? NULL : "records with something behind them";
}

static const char *check_ua_event(const struct channel_ua_event *event, size_t room)
{
    if (room < sizeof(*event) || channel_ua_event_size(event) > room)
        return "application's event longer than its message";
    if (event->kind == CHANNEL_UA_NO_EVENT || event->kind >= CHANNEL_UA_KINDS ||
        event->state > CHANNEL_DIALOG_TERMINATED || event->reason >= CHANNEL_REASON_COUNT ||
        event->flags > CHANNEL_UA_EVENT_FLAGS || event->status > CHANNEL_STATUS_MAX ||
        !number_ok(event->application, PEERS_MAX) || !number_ok(event->peer, PEERS_MAX))
        return "application's event with a number out of range";
    if ((event->result > 0 && event->kind != CHANNEL_UA_REFERRAL) ||
        (event->result < 0 && event->kind == CHANNEL_UA_REFERRAL) ||
        (event->flags & CHANNEL_UA_CUT && event->length > 0))
        return "application's event that contradicts itself";
    // So that times can be added and written.
    return event->time_ms < (uint64_t)1 << 48 ? NULL : "application's event out of this world";
}

static const char *check_ua_events(const struct channel_event_run *run, size_t room)
{
    const char *at = (const char *)(run + 1);
    if (!run_ok(run))
        return "events whose number is out of range";
    for (uint32_t i = 0; i < run->count; i++) {
        const struct channel_ua_event *event = (const void *)at;
        const char *wrong = check_ua_event(event, room);
        if (wrong)
            return wrong;
        at += channel_ua_event_size(event);
        room -= channel_ua_event_size(event);
    }
    return room == 0 ? NULL : "events with something behind them";
}

static bool is_name_octet(char octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-';
}

// No label is empty; what else a label must be is DNS's business.
static bool name_ok(const struct channel_name *name)
{
    char before = '.';
    if (name->length == 0 || name->length >= CHANNEL_NAME_SIZE || name->octets[name->length] != '\0' ||
        name->service > 1)
        return false;
    for (uint32_t i = 0; i < name->length; before = name->octets[i++])
        if (!is_name_octet(name->octets[i]) && (name->octets[i] != '.' || before == '.'))
            return false;
    return before != '.';
}

static const char *check_capture_ended(const struct channel_capture_ended *ended)
{
    return ended->slot < CAPTURES_MAX && ended->reason < CHANNEL_CAPTURE_END_COUNT && ended->serial > 0
               ? NULL
               : "end of a capture with a number out of range";
}

static const char *check_done(const struct channel_done *done, unsigned int type)
{
    if (!memchr(done->text, '\0', sizeof(done->text)))
        return "answer whose text does not end";
    if (done->result > 0 || (type == CHANNEL_REFUSED && done->result == 0))
        return "answer with an impossible result";
    return NULL;
}

const char *channel_check(const void *datagram, size_t size, size_t fd_count)
{
    const struct channel_header *header = datagram;
    if (size < sizeof(*header))
        return "datagram shorter than a header";
    if (header->magic != CHANNEL_MAGIC)
        return "datagram that is not of this protocol";
    if (header->version != CHANNEL_VERSION)
        return "another version of the channel; install the same release of both programs";
    size_t body = channel_body_size(header->type);
    if (header->size != size || body == 0)
        return body == 0 ? "datagram of an unknown type" : "datagram whose size is not what its header says";
    size_t rest = size - sizeof(*header);
    bool longer = header->type == CHANNEL_DIALOG_ROW || header->type == CHANNEL_RECORDS ||
                  header->type == CHANNEL_UA_EVENTS;
    if (longer ? rest < body : rest != body)
        return "datagram whose size is not that of its type";
    if (header->type != CHANNEL_HELLO && header->type != CHANNEL_LISTENERS && fd_count > 0)
        return "descriptors where none belong";
    const void *payload = header + 1;
    switch (header->type) {
    case CHANNEL_HELLO:
        return check_hello(payload, fd_count);
    case CHANNEL_DIALOG_ROW:
        return check_row(payload, rest - body);
    case CHANNEL_EVENTS:
        return header->request == 0 ? check_events(payload) : "events as an answer";
    case CHANNEL_MEMBER_EVENTS:
        return header->request == 0 ? check_member_events(payload) : "events as an answer";
    case CHANNEL_BAN_EVENTS:
        return header->request == 0 ? check_ban_events(payload) : "events as an answer";
    case CHANNEL_BAN_ROWS:
        return check_bans(payload);
    case CHANNEL_RECORDS:
        return header->request == 0 ? check_records(payload, rest - body) : "records as an answer";
    case CHANNEL_UA_EVENTS:
        return header->request == 0 ? check_ua_events(payload, rest - body) : "events as an answer";
    case CHANNEL_NAME_ASK:
        return header->request == 0 && name_ok(&((const struct channel_name_ask *)payload)->name)
                   ? NULL
                   : "question for what is no name";
    case CHANNEL_LISTENERS:
        return header->request == 0 ? check_listeners(payload, fd_count) : "listeners as an answer";
    case CHANNEL_CAPTURE_ENDED:
        return header->request == 0 ? check_capture_ended(payload) : "end of a capture as an answer";
    case CHANNEL_SNAPSHOT_RESULT:
    case CHANNEL_DONE:
    case CHANNEL_REFUSED:
        return check_done(payload, header->type);
    default:
        return "message that only control may send";
    }
}
