// SPDX-License-Identifier: BSD-3-Clause
#include "channel_check.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "dialgate/counters.h"

static int check_hello(const struct channel_input *in, struct fault *fault)
{
    if (in->body.hello.state != CHANNEL_CONTROL)
        return fault_set(fault, EBADMSG, "HELLO with state %u, control's is %u", in->body.hello.state,
                         CHANNEL_CONTROL);
    return 0;
}

static int check_snapshot(const struct channel_input *in, struct fault *fault)
{
    uint32_t size = in->body.snapshot.size;

    if (size < sizeof(struct snapshot_header) || size > SNAPSHOT_SIZE_MAX)
        return fault_set(fault, EINVAL, "snapshot of %u octets; from %zu to %u are possible", size,
                         sizeof(struct snapshot_header), SNAPSHOT_SIZE_MAX);
    return 0;
}

static int check_list(const struct channel_input *in, struct fault *fault)
{
    const struct channel_dialog_list *list = &in->body.list;

    if (list->limit == 0 || list->limit > CHANNEL_LIST_MAX)
        return fault_set(fault, EINVAL, "limit %u; from 1 to %u are possible", list->limit, CHANNEL_LIST_MAX);
    if (list->peer >= PEERS_MAX && list->peer != NUMBER_NONE)
        return fault_set(fault, EINVAL, "peer number %u is out of range", list->peer);
    if (list->state > CHANNEL_DIALOG_TERMINATED)
        return fault_set(fault, EINVAL, "dialog state %u is unknown", list->state);
    return 0;
}

static int check_select(const struct channel_input *in, struct fault *fault)
{
    const struct channel_dialog_select *select = &in->body.select;

    if (select->call_id_length > CHANNEL_CALL_ID_SIZE)
        return fault_set(fault, EINVAL, "Call-ID of %u octets; at most %u are possible",
                         select->call_id_length, CHANNEL_CALL_ID_SIZE);
    if (select->handle == 0 && select->call_id_length == 0)
        return fault_set(fault, EINVAL, "neither handle nor Call-ID");
    return 0;
}

static int check_records_done(const struct channel_input *in, struct fault *fault)
{
    const struct channel_records_done *records = &in->body.records_done;

    if (records->worker >= WORKERS_MAX || records->again > 1)
        return fault_set(fault, EINVAL, "records of worker %u, again %u", records->worker, records->again);
    return 0;
}

static int check_name(const struct channel_input *in, struct fault *fault)
{
    const struct channel_name_answer *answer = &in->body.name;
    const struct channel_name *name = &answer->name;

    if (name->length == 0 || name->length >= CHANNEL_NAME_SIZE || name->octets[name->length] != '\0' ||
        name->service > 1)
        return fault_set(fault, EINVAL, "answer for what is no name");
    if (answer->result > CHANNEL_NAME_FAILED || answer->count > CHANNEL_NAME_ADDRESSES ||
        (answer->result == CHANNEL_NAME_FOUND) != (answer->count > 0))
        return fault_set(fault, EINVAL, "answer for a name with result %u and %u addresses", answer->result,
                         answer->count);
    if (answer->ttl_s == 0 || answer->ttl_s > CHANNEL_NAME_TTL_MAX_S)
        return fault_set(fault, EINVAL, "answer for a name that is good for %u seconds; 1 to %u are possible",
                         answer->ttl_s, CHANNEL_NAME_TTL_MAX_S);
    return 0;
}

static int check_capture(const struct channel_input *in, struct fault *fault)
{
    const struct channel_capture_set *set = &in->body.capture;
    bool has_text = set->kind == CHANNEL_CAPTURE_CALL_ID || set->kind == CHANNEL_CAPTURE_NUMBER;
    unsigned most = set->kind == CHANNEL_CAPTURE_NUMBER ? CHANNEL_CAPTURE_NUMBER_MAX : CHANNEL_CALL_ID_SIZE;

    if (set->kind >= CHANNEL_CAPTURE_KINDS || set->flags > CHANNEL_CAPTURE_DROPPED)
        return fault_set(fault, EINVAL, "capture of kind %u with flags %u is unknown", set->kind, set->flags);
    if (has_text ? set->text_length == 0 || set->text_length > most : set->text_length != 0)
        return fault_set(fault, EINVAL, "capture of kind %u with a text of %u octets", set->kind,
                         set->text_length);
    if (set->kind == CHANNEL_CAPTURE_PEER ? set->peer >= PEERS_MAX : set->peer != NUMBER_NONE)
        return fault_set(fault, EINVAL, "capture of kind %u with peer number %u", set->kind, set->peer);
    if ((set->kind == CHANNEL_CAPTURE_SAMPLE) != (set->sample > 0))
        return fault_set(fault, EINVAL, "capture of kind %u with one in %u calls", set->kind, set->sample);
    if (set->messages == 0 || set->octets == 0 || set->duration_ms == 0)
        return fault_set(fault, EINVAL, "capture with a limit of 0");
    return 0;
}

static bool is_peer(uint16_t number)
{
    return number < PEERS_MAX || number == NUMBER_NONE;
}

static int check_ua_command(const struct channel_input *in, struct fault *fault)
{
    const struct channel_ua_command *command = &in->body.ua;

    if (sizeof(*command) + in->rest_size != channel_ua_command_size(command))
        return fault_set(fault, EBADMSG, "command of %zu octets with texts for %u",
                         sizeof(*command) + in->rest_size, channel_ua_command_size(command));
    if (command->op == CHANNEL_UA_NO_OP || command->op >= CHANNEL_UA_OPS ||
        command->flags > CHANNEL_UA_FLAGS || command->status > CHANNEL_STATUS_MAX || command->tag == 0)
        return fault_set(fault, EINVAL, "command %u with flags %u, status %u, tag %llu", command->op,
                         command->flags, command->status, (unsigned long long)command->tag);
    if (!is_peer(command->application) || !is_peer(command->to_peer) ||
        (command->to_member >= MEMBERS_MAX && command->to_member != NUMBER_NONE))
        return fault_set(fault, EINVAL, "command of application %u to peer %u, member %u",
                         command->application, command->to_peer, command->to_member);
    return 0;
}

static int check_ban(const struct channel_input *in, struct fault *fault)
{
    const struct channel_ban *ban = &in->body.ban;

    if (ban->lift > 1 || ban->lifetime_ms > (uint64_t)366 * 86400000)
        return fault_set(fault, EINVAL, "ban for %llu ms, lift %u", (unsigned long long)ban->lifetime_ms,
                         ban->lift);
    if (!ip_is_set(&ban->address))
        return fault_set(fault, EINVAL, "ban of nobody");
    if (ban->length > 128 || (ban->length != 0 && ip_is_ipv4(&ban->address) && ban->length < IP_MAPPED_BITS))
        return fault_set(fault, EINVAL, "ban of a prefix of %u bits", ban->length);
    return 0;
}

static int check_ban_list(const struct channel_input *in, struct fault *fault)
{
    const struct channel_ban_list *list = &in->body.ban_list;

    if (list->limit == 0 || list->limit > CHANNEL_LIST_MAX)
        return fault_set(fault, EINVAL, "limit %u; from 1 to %u are possible", list->limit, CHANNEL_LIST_MAX);
    return 0;
}

static const struct {
    const char *name;
    uint32_t body;
    unsigned fds;
    bool from_control;
} types[CHANNEL_TYPE_COUNT] = {
#define M(type, body, from, help)                                                                            \
    [type] = {#type, sizeof(body), (type) == CHANNEL_SNAPSHOT, (from)[0] != 'd'},
    CHANNEL_MESSAGES(M)
#undef M
};

// What is not here may have any value.
static int (*const body_checks[CHANNEL_TYPE_COUNT])(const struct channel_input *in, struct fault *fault) = {
    [CHANNEL_HELLO] = check_hello,           [CHANNEL_SNAPSHOT] = check_snapshot,
    [CHANNEL_DIALOG_LIST] = check_list,      [CHANNEL_DIALOG_SHOW] = check_select,
    [CHANNEL_DIALOG_END] = check_select,     [CHANNEL_RECORDS_DONE] = check_records_done,
    [CHANNEL_NAME_ANSWER] = check_name,      [CHANNEL_CAPTURE_SET] = check_capture,
    [CHANNEL_UA_COMMAND] = check_ua_command, [CHANNEL_BAN] = check_ban,
    [CHANNEL_BAN_LIST] = check_ban_list,
};

static int check_header(const struct channel_header *header, size_t size, unsigned fd_count,
                        struct fault *fault)
{
    if (header->magic != CHANNEL_MAGIC)
        return fault_set(fault, EBADMSG, "magic %08x is not %08x", header->magic, CHANNEL_MAGIC);
    if (header->version != CHANNEL_VERSION)
        return fault_set(fault, EPROTONOSUPPORT, "version %u is not %u; run both programs from one release",
                         header->version, CHANNEL_VERSION);
    if (header->size != size)
        return fault_set(fault, EBADMSG, "header says %u octets, the datagram has %zu", header->size, size);
    if (header->type == CHANNEL_NONE || header->type >= CHANNEL_TYPE_COUNT)
        return fault_set(fault, EBADMSG, "type %u is unknown", header->type);
    if (!types[header->type].from_control)
        return fault_set(fault, EBADMSG, "%s is not control's to send", types[header->type].name);
    // Only a command of an application has something behind its struct.
    if (header->type == CHANNEL_UA_COMMAND ? size < sizeof(*header) + types[header->type].body
                                           : size != sizeof(*header) + types[header->type].body)
        return fault_set(fault, EBADMSG, "%s has %zu octets instead of %zu", types[header->type].name, size,
                         sizeof(*header) + types[header->type].body);
    if (fd_count != types[header->type].fds)
        return fault_set(fault, EBADMSG, "%s has %u descriptors instead of %u", types[header->type].name,
                         fd_count, types[header->type].fds);
    return 0;
}

int channel_check(const void *datagram, size_t size, unsigned fd_count, struct channel_input *in,
                  struct fault *fault)
{
    const uint8_t *body = (const uint8_t *)datagram + sizeof(in->header);
    size_t fixed;
    int result;

    memset(in, 0, sizeof(*in));
    in->fd = -1;
    if (size < sizeof(in->header))
        return fault_set(fault, EBADMSG, "%zu octets are no message", size);
    if (size > CHANNEL_MESSAGE_MAX)
        return fault_set(fault, EMSGSIZE, "more than %u octets", CHANNEL_MESSAGE_MAX);
    memcpy(&in->header, datagram, sizeof(in->header));
    result = check_header(&in->header, size, fd_count, fault);
    if (result < 0)
        return result;
    fixed = types[in->header.type].body;
    memcpy(&in->body, body, fixed);
    in->rest = body + fixed;
    in->rest_size = size - sizeof(in->header) - fixed;
    return body_checks[in->header.type] == NULL ? 0 : body_checks[in->header.type](in, fault);
}
