// SPDX-License-Identifier: BSD-3-Clause
#include "name_server.h"

#include "cmocka_first.h"
#include <arpa/inet.h>
#include <event2/event.h>
#include <string.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER     12
#define ROOM       16384
#define NXDOMAIN   3
#define TYPE_A     1
#define TYPE_CNAME 5
#define TYPE_AAAA  28

struct message {
    uint8_t octets[ROOM];
    size_t length;
};

static void put(struct message *message, uint32_t value, size_t octets)
{
    for (size_t i = octets; i-- > 0;)
        message->octets[message->length++] = (uint8_t)(value >> 8 * i);
}

static void put_name(struct message *message, const char *name)
{
    while (*name) {
        size_t label = strcspn(name, ".");
        put(message, (uint32_t)label, 1);
        memcpy(message->octets + message->length, name, label);
        message->length += label;
        name += label + (name[label] == '.');
    }
    put(message, 0, 1);
}

static void put_record(struct message *message, const struct record *record)
{
    put(message, 0xc000 | HEADER, 2); // the name that was asked for
    put(message, record->type, 2);
    put(message, 1, 2);
    put(message, record->ttl, 4);
    size_t at = message->length;
    put(message, 0, 2);
    if (record->type == TYPE_A) {
        assert_int_equal(inet_pton(AF_INET, record->data, message->octets + message->length), 1);
        message->length += 4;
    } else if (record->type == TYPE_AAAA) {
        assert_int_equal(inet_pton(AF_INET6, record->data, message->octets + message->length), 1);
        message->length += 16;
    } else {
        for (size_t i = 0; record->type != TYPE_CNAME && i < 3; i++)
            put(message, i == 0 ? record->priority : i == 1 ? record->weight : record->port, 2);
        put_name(message, record->data);
    }
    uint16_t length = htons((uint16_t)(message->length - at - 2));
    memcpy(message->octets + at, &length, 2);
}

// The name of the question as text; returns the octets of the question.
static size_t read_question(const uint8_t *octets, char *name)
{
    size_t at = 0;
    name[0] = '\0';
    for (; octets[at]; at += 1u + octets[at])
        sprintf(name + strlen(name), "%s%.*s", at ? "." : "", octets[at], (const char *)octets + at + 1);
    return at + 5;
}

// Returns what the records say of the query: 0 .. 15, or one of the codes above.
static uint32_t answer(const struct name_server *server, struct message *message, const char *name,
                       uint16_t type)
{
    uint32_t code = NXDOMAIN;
    uint16_t count = 0;
    size_t records = 0;
    while (server->records[records].name)
        records++;
    for (size_t i = 0; i < records; i++) {
        const struct record *record = &server->records[server->turned ? records - 1 - i : i];
        if (strcasecmp(record->name, name) != 0)
            continue;
        if (record->type == NAME_SERVER_RCODE)
            return record->ttl;
        code = 0;
        if (record->type != type)
            continue;
        put_record(message, record);
        count++;
    }
    count = htons(count);
    memcpy(message->octets + 6, &count, 2);
    return code;
}

static void note_name(struct name_server *server, const char *name)
{
    for (unsigned i = 0; i < server->names; i++)
        if (strcmp(server->seen[i], name) == 0)
            return;
    if (server->names < sizeof(server->seen) / sizeof(server->seen[0]))
        snprintf(server->seen[server->names++], sizeof(server->seen[0]), "%s", name);
}

static void on_query(evutil_socket_t fd, short what, void *context)
{
    struct name_server *server = context;
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    uint8_t query[512] = {0};
    char name[256];
    struct message message = {.length = 0};
    if (recvfrom(fd, query, sizeof(query) - 1, 0, (struct sockaddr *)&from, &size) < HEADER)
        return;
    server->queries++;
    size_t question = read_question(query + HEADER, name);
    note_name(server, name);
    uint16_t type = (uint16_t)(query[HEADER + question - 4] << 8 | query[HEADER + question - 3]);
    memcpy(message.octets, query, HEADER + question);
    memset(message.octets + 6, 0, 6);
    message.length = HEADER + question;
    uint32_t code = answer(server, &message, name, type);
    if (code == NAME_SERVER_SILENT)
        return;
    if (code == NAME_SERVER_BROKEN) {
        message.octets[7] = 3; // answers that are not there
        code = 0;
    }
    message.octets[2] = 0x81; // response, recursion was desired
    message.octets[3] = (uint8_t)(0x80 | code);
    if (sendto(fd, message.octets, message.length, 0, (struct sockaddr *)&from, size) < 0)
        print_error("the name server cannot answer\n");
}

void name_server_open(struct name_server *server, struct event_base *base)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", ntohs(address.sin_port));
    server->event = event_new(base, server->fd, EV_READ | EV_PERSIST, on_query, server);
    assert_int_equal(event_add(server->event, NULL), 0);
}

void name_server_close(struct name_server *server)
{
    if (!server->event)
        return;
    event_free(server->event);
    close(server->fd);
    server->event = NULL;
}
