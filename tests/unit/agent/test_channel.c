// SPDX-License-Identifier: BSD-3-Clause
// What control may send, and how the connection behaves: slow readers, second controls, descriptors.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "channel_server.h"

union body {
    struct channel_hello hello;
    struct channel_snapshot snapshot;
    struct channel_dialog_list list;
    struct channel_dialog_select select;
    struct channel_done done;
    struct channel_name_answer name;
    struct channel_capture_set capture;
    struct channel_ua_command ua;
};

struct datagram {
    struct channel_header header;
    union body body;
};

struct row {
    const char *name;
    enum channel_type type;
    size_t body_size;
    unsigned fds;
    int result;
    union body body;
    uint32_t magic_change, size_change;
    uint16_t version_change;
};

#define HELLO_SIZE   sizeof(struct channel_hello)
#define LIST_SIZE    sizeof(struct channel_dialog_list)
#define SELECT_SIZE  sizeof(struct channel_dialog_select)
#define ANSWER_SIZE  sizeof(struct channel_name_answer)
#define CAPTURE_SIZE sizeof(struct channel_capture_set)
#define A_CAPTURE(kind_, flags_, sample_, peer_, length_)                                                    \
    {                                                                                                        \
        .capture = {                                                                                         \
            .kind = (kind_),                                                                                 \
            .flags = (flags_),                                                                               \
            .sample = (sample_),                                                                             \
            .peer = (peer_),                                                                                 \
            .text_length = (length_),                                                                        \
            .messages = 1,                                                                                   \
            .octets = 1,                                                                                     \
            .duration_ms = 1                                                                                 \
        }                                                                                                    \
    }
#define UA_SIZE sizeof(struct channel_ua_command)
#define A_COMMAND(op_, flags_, status_, tag_)                                                                \
    .tag = (tag_), .op = (op_), .flags = (flags_), .status = (status_), .application = NUMBER_NONE,          \
    .to_peer = NUMBER_NONE, .to_member = NUMBER_NONE
#define A_NAME                                                                                               \
    {                                                                                                        \
        .length = 3, .octets = "a.b"                                                                         \
    }

// clang-format off
static const struct row rows[] = {
    {"hello", CHANNEL_HELLO, HELLO_SIZE, 0, 0, {.hello = {.state = CHANNEL_CONTROL}}, 0, 0, 0},
    {"hello of a dataplane", CHANNEL_HELLO, HELLO_SIZE, 0, -EBADMSG, {.hello = {.state = CHANNEL_RUNNING}}, 0, 0, 0},
    {"magic", CHANNEL_HELLO, HELLO_SIZE, 0, -EBADMSG, {.hello = {0}}, 1, 0, 0},
    {"version", CHANNEL_HELLO, HELLO_SIZE, 0, -EPROTONOSUPPORT, {.hello = {0}}, 0, 0, 1},
    {"size of the header too small", CHANNEL_HELLO, HELLO_SIZE, 0, -EBADMSG, {.hello = {0}}, 0, (uint32_t)-1, 0},
    {"size of the header too large", CHANNEL_HELLO, HELLO_SIZE, 0, -EBADMSG, {.hello = {0}}, 0, 1, 0},
    {"body short", CHANNEL_HELLO, HELLO_SIZE - 1, 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"body of another type", CHANNEL_HELLO, LIST_SIZE, 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"no body", CHANNEL_HELLO, 0, 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"descriptor with hello", CHANNEL_HELLO, HELLO_SIZE, 1, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"type 0", CHANNEL_NONE, HELLO_SIZE, 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"type out of range", CHANNEL_TYPE_COUNT, HELLO_SIZE, 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"dataplane's row", CHANNEL_DIALOG_ROW, sizeof(struct channel_dialog_row), 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"dataplane's result", CHANNEL_SNAPSHOT_RESULT, sizeof(struct channel_done), 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"dataplane's done", CHANNEL_DONE, sizeof(struct channel_done), 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"dataplane's refusal", CHANNEL_REFUSED, sizeof(struct channel_done), 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"snapshot", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 1, 0, {.snapshot = {.sequence = 1, .size = 4096}}, 0, 0, 0},
    {"snapshot without descriptor", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 0, -EBADMSG, {.snapshot = {.size = 4096}}, 0, 0, 0},
    {"snapshot with two", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 2, -EBADMSG, {.snapshot = {.size = 4096}}, 0, 0, 0},
    {"smallest snapshot", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 1, 0, {.snapshot = {.size = sizeof(struct snapshot_header)}}, 0, 0, 0},
    {"snapshot too small", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 1, -EINVAL, {.snapshot = {.size = sizeof(struct snapshot_header) - 1}}, 0, 0, 0},
    {"largest snapshot", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 1, 0, {.snapshot = {.size = SNAPSHOT_SIZE_MAX}}, 0, 0, 0},
    {"snapshot too large", CHANNEL_SNAPSHOT, sizeof(struct channel_snapshot), 1, -EINVAL, {.snapshot = {.size = SNAPSHOT_SIZE_MAX + 1}}, 0, 0, 0},
    {"list", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, 0, {.list = {.peer = NUMBER_NONE, .limit = 1}}, 0, 0, 0},
    {"list of most", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, 0, {.list = {.peer = PEERS_MAX - 1, .limit = CHANNEL_LIST_MAX}}, 0, 0, 0},
    {"list of none", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, -EINVAL, {.list = {.peer = NUMBER_NONE}}, 0, 0, 0},
    {"list of too many", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, -EINVAL, {.list = {.peer = NUMBER_NONE, .limit = CHANNEL_LIST_MAX + 1}}, 0, 0, 0},
    {"list of no peer", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, -EINVAL, {.list = {.peer = PEERS_MAX, .limit = 1}}, 0, 0, 0},
    {"list of the last state", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, 0, {.list = {.peer = NUMBER_NONE, .limit = 1, .state = CHANNEL_DIALOG_TERMINATED}}, 0, 0, 0},
    {"list of no state", CHANNEL_DIALOG_LIST, LIST_SIZE, 0, -EINVAL, {.list = {.peer = NUMBER_NONE, .limit = 1, .state = CHANNEL_DIALOG_TERMINATED + 1}}, 0, 0, 0},
    {"show by handle", CHANNEL_DIALOG_SHOW, SELECT_SIZE, 0, 0, {.select = {.handle = 1}}, 0, 0, 0},
    {"show by Call-ID", CHANNEL_DIALOG_SHOW, SELECT_SIZE, 0, 0, {.select = {.call_id_length = CHANNEL_CALL_ID_SIZE}}, 0, 0, 0},
    {"Call-ID too long", CHANNEL_DIALOG_SHOW, SELECT_SIZE, 0, -EINVAL, {.select = {.call_id_length = CHANNEL_CALL_ID_SIZE + 1}}, 0, 0, 0},
    {"end nothing", CHANNEL_DIALOG_END, SELECT_SIZE, 0, -EINVAL, {.select = {0}}, 0, 0, 0},
    {"name found", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, 0, {.name = {A_NAME, 5, CHANNEL_NAME_FOUND, 1, {{{{0}}, 5060, 0}}}}, 0, 0, 0},
    {"name of most", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, 0, {.name = {A_NAME, CHANNEL_NAME_TTL_MAX_S, CHANNEL_NAME_FOUND, CHANNEL_NAME_ADDRESSES, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"no such name", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, 0, {.name = {A_NAME, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name failed", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, 0, {.name = {A_NAME, 1, CHANNEL_NAME_FAILED, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name of another result", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {A_NAME, 1, CHANNEL_NAME_FAILED + 1, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name found without address", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {A_NAME, 1, CHANNEL_NAME_FOUND, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"no such name with one", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {A_NAME, 1, CHANNEL_NAME_NONE, 1, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name with too many", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {A_NAME, 1, CHANNEL_NAME_FOUND, CHANNEL_NAME_ADDRESSES + 1, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name for no time", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {A_NAME, 0, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name for too long", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {A_NAME, CHANNEL_NAME_TTL_MAX_S + 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name of nothing", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {{.length = 0}, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name without an end", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {{.length = 2, .octets = "a.b"}, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name longer than it can be", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {{.length = CHANNEL_NAME_SIZE, .octets = "a"}, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name with another question", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 0, -EINVAL, {.name = {{.length = 1, .service = 2, .octets = "a"}, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"name and a descriptor", CHANNEL_NAME_ANSWER, ANSWER_SIZE, 1, -EBADMSG, {.name = {A_NAME, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"capture of all", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, 0, A_CAPTURE(CHANNEL_CAPTURE_ALL, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of what is dropped", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, 0, A_CAPTURE(CHANNEL_CAPTURE_ALL, CHANNEL_CAPTURE_DROPPED, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of a Call-ID", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, 0, A_CAPTURE(CHANNEL_CAPTURE_CALL_ID, 0, 0, NUMBER_NONE, CHANNEL_CALL_ID_SIZE), 0, 0, 0},
    {"capture of a peer", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, 0, A_CAPTURE(CHANNEL_CAPTURE_PEER, 0, 0, PEERS_MAX - 1, 0), 0, 0, 0},
    {"capture of a number", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, 0, A_CAPTURE(CHANNEL_CAPTURE_NUMBER, 0, 0, NUMBER_NONE, CHANNEL_CAPTURE_NUMBER_MAX), 0, 0, 0},
    {"capture of a sample", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, 0, A_CAPTURE(CHANNEL_CAPTURE_SAMPLE, 0, 1, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of another kind", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_KINDS, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture with another flag", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_ALL, 2, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of all with a text", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_ALL, 0, 0, NUMBER_NONE, 1), 0, 0, 0},
    {"capture of no Call-ID", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_CALL_ID, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of a long Call-ID", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_CALL_ID, 0, 0, NUMBER_NONE, CHANNEL_CALL_ID_SIZE + 1), 0, 0, 0},
    {"capture of a long number", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_NUMBER, 0, 0, NUMBER_NONE, CHANNEL_CAPTURE_NUMBER_MAX + 1), 0, 0, 0},
    {"capture of a peer out of range", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_PEER, 0, 0, PEERS_MAX, 0), 0, 0, 0},
    {"capture of no peer", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_PEER, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of all with a peer", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_ALL, 0, 0, 1, 0), 0, 0, 0},
    {"capture of a sample of none", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_SAMPLE, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture of all and a sample", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, A_CAPTURE(CHANNEL_CAPTURE_ALL, 0, 2, NUMBER_NONE, 0), 0, 0, 0},
    {"capture without messages", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, {.capture = {.peer = NUMBER_NONE, .octets = 1, .duration_ms = 1}}, 0, 0, 0},
    {"capture without octets", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, {.capture = {.peer = NUMBER_NONE, .messages = 1, .duration_ms = 1}}, 0, 0, 0},
    {"capture without time", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 0, -EINVAL, {.capture = {.peer = NUMBER_NONE, .messages = 1, .octets = 1}}, 0, 0, 0},
    {"capture and a descriptor", CHANNEL_CAPTURE_SET, CAPTURE_SIZE, 1, -EBADMSG, A_CAPTURE(CHANNEL_CAPTURE_ALL, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"capture one octet short", CHANNEL_CAPTURE_SET, CAPTURE_SIZE - 1, 0, -EBADMSG, A_CAPTURE(CHANNEL_CAPTURE_ALL, 0, 0, NUMBER_NONE, 0), 0, 0, 0},
    {"end of a capture", CHANNEL_CAPTURE_END, sizeof(struct channel_capture_end), 0, 0, {.hello = {0}}, 0, 0, 0},
    {"dataplane's end of a capture", CHANNEL_CAPTURE_ENDED, sizeof(struct channel_capture_ended), 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"dataplane's question", CHANNEL_NAME_ASK, sizeof(struct channel_name_ask), 0, -EBADMSG, {.name = {A_NAME, 1, CHANNEL_NAME_NONE, 0, {{{{0}}, 0, 0}}}}, 0, 0, 0},
    {"command", CHANNEL_UA_COMMAND, UA_SIZE, 0, 0, {.ua = {A_COMMAND(CHANNEL_UA_INVITE, CHANNEL_UA_FLAGS, 0, 1)}}, 0, 0, 0},
    {"command of the last kind", CHANNEL_UA_COMMAND, UA_SIZE, 0, 0, {.ua = {A_COMMAND(CHANNEL_UA_OPS - 1, 0, 699, UINT64_MAX)}}, 0, 0, 0},
    {"command to the last peer", CHANNEL_UA_COMMAND, UA_SIZE, 0, 0, {.ua = {.tag = 1, .op = 1, .application = PEERS_MAX - 1, .to_peer = PEERS_MAX - 1, .to_member = MEMBERS_MAX - 1}}, 0, 0, 0},
    {"command with a text", CHANNEL_UA_COMMAND, UA_SIZE + 3, 0, 0, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 1), .text_lengths = {1, 2}}}, 0, 0, 0},
    {"command with texts and a body", CHANNEL_UA_COMMAND, UA_SIZE + 14, 0, 0, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 1), .text_lengths = {1, 1, 1, 1, 1, 1, 1}, .body_length = 7}}, 0, 0, 0},
    {"command one octet longer than its texts", CHANNEL_UA_COMMAND, UA_SIZE + 4, 0, -EBADMSG, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 1), .text_lengths = {3}}}, 0, 0, 0},
    {"command without its body", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EBADMSG, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 1), .body_length = 1}}, 0, 0, 0},
    {"command with texts that go round", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EBADMSG, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 1), .text_lengths = {0x8000, 0x8000}}}, 0, 0, 0},
    {"command to do nothing", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {A_COMMAND(CHANNEL_UA_NO_OP, 0, 0, 1)}}, 0, 0, 0},
    {"command of no kind", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {A_COMMAND(CHANNEL_UA_OPS, 0, 0, 1)}}, 0, 0, 0},
    {"command with another flag", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {A_COMMAND(CHANNEL_UA_END, CHANNEL_UA_FLAGS + 1, 0, 1)}}, 0, 0, 0},
    {"command with no status", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 700, 1)}}, 0, 0, 0},
    {"command without a tag", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 0)}}, 0, 0, 0},
    {"command of no application", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {.tag = 1, .op = 1, .application = PEERS_MAX, .to_peer = NUMBER_NONE, .to_member = NUMBER_NONE}}, 0, 0, 0},
    {"command to no peer", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {.tag = 1, .op = 1, .to_peer = PEERS_MAX, .to_member = NUMBER_NONE}}, 0, 0, 0},
    {"command to no member", CHANNEL_UA_COMMAND, UA_SIZE, 0, -EINVAL, {.ua = {.tag = 1, .op = 1, .to_member = MEMBERS_MAX}}, 0, 0, 0},
    {"command and a descriptor", CHANNEL_UA_COMMAND, UA_SIZE, 1, -EBADMSG, {.ua = {A_COMMAND(CHANNEL_UA_END, 0, 0, 1)}}, 0, 0, 0},
    {"dataplane's event", CHANNEL_UA_EVENTS, sizeof(struct channel_event_run), 0, -EBADMSG, {.hello = {0}}, 0, 0, 0},
    {"end by handle", CHANNEL_DIALOG_END, SELECT_SIZE, 0, 0, {.select = {.handle = 1}}, 0, 0, 0},
};
// clang-format on

static size_t make(const struct row *row, struct datagram *datagram)
{
    memset(datagram, 0, sizeof(*datagram));
    datagram->header = (struct channel_header){
        .magic = CHANNEL_MAGIC + row->magic_change,
        .version = (uint16_t)(CHANNEL_VERSION + row->version_change),
        .type = (uint16_t)row->type,
        .size = (uint32_t)(sizeof(struct channel_header) + row->body_size) + row->size_change,
        .request = 42};
    datagram->body = row->body;
    return sizeof(struct channel_header) + row->body_size;
}

static void test_check(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct datagram datagram;
        struct channel_input in;
        struct fault fault = {.text = ""};
        size_t size = make(&rows[i], &datagram);
        // A copy of its own, so that a read past its end is found.
        void *exact = malloc(size);
        int result;

        memcpy(exact, &datagram, size);
        result = channel_check(exact, size, rows[i].fds, &in, &fault);
        if (result != rows[i].result || in.header.request != 42 || (result < 0) != (fault.text[0] != '\0'))
            fail_msg("%s: %d instead of %d (%s)", rows[i].name, result, rows[i].result, fault.text);
        if (result == 0) {
            assert_memory_equal(&in.body, &datagram.body, rows[i].body_size);
            assert_true(in.rest + in.rest_size == (const uint8_t *)exact + size);
            assert_true(in.rest_size == 0 || in.rest == (const uint8_t *)exact + 16 + UA_SIZE);
        }
        free(exact);
    }
}

static void test_check_every_short_size(void **state)
{
    struct datagram datagram;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t size = make(&rows[i], &datagram);

        for (size_t less = 0; less < size; less++) {
            struct channel_input in;
            struct fault fault;
            void *exact = malloc(less + 1);

            memcpy(exact, &datagram, less);
            assert_true(channel_check(exact, less, rows[i].fds, &in, &fault) < 0);
            free(exact);
        }
    }
}

// A connected server: the test holds the other end.
static int connect_server(struct channel_server *server)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    channel_server_init(server, -1);
    server->fd = ends[0];
    return ends[1];
}

static void send_hello(int fd)
{
    struct datagram datagram;
    size_t size = make(&rows[0], &datagram);

    datagram.header.request = 0;
    assert_int_equal(send(fd, &datagram, size, 0), size);
}

static void test_refused_and_lives(void **state)
{
    struct channel_server server;
    struct channel_input in;
    struct datagram answer;
    int fd = connect_server(&server);
    struct datagram list;
    size_t list_size = make(&rows[23], &list);

    assert_int_equal(list.header.type, CHANNEL_DIALOG_LIST);
    // Before HELLO nothing else is taken.
    assert_int_equal(send(fd, &list, list_size, 0), list_size);
    assert_int_equal(channel_server_receive(&server, &in), 0);
    assert_int_equal(recv(fd, &answer, sizeof(answer), 0),
                     sizeof(struct channel_header) + sizeof(struct channel_done));
    assert_int_equal(answer.header.type, CHANNEL_REFUSED);
    assert_int_equal(answer.header.request, 42);
    assert_int_equal(answer.body.done.result, -EPROTO);
    assert_int_equal(send(fd, "nonsense", 8, 0), 8);
    send_hello(fd);
    assert_int_equal(send(fd, &list, list_size, 0), list_size);
    assert_int_equal(channel_server_receive(&server, &in), 1);
    assert_int_equal(in.header.type, CHANNEL_HELLO);
    assert_int_equal(recv(fd, &answer, sizeof(answer), 0),
                     sizeof(struct channel_header) + sizeof(struct channel_done));
    assert_int_equal(answer.header.type, CHANNEL_REFUSED);
    assert_int_equal(channel_server_receive(&server, &in), 1);
    assert_int_equal(in.header.type, CHANNEL_DIALOG_LIST);
    assert_int_equal(in.body.list.limit, 1);
    close(fd);
    assert_int_equal(channel_server_receive(&server, &in), -ECONNRESET);
    assert_int_equal(server.fd, -1);
    assert_int_equal(channel_server_send(&server, &(struct channel_output){.type = CHANNEL_DONE}), -ENOTCONN);
}

static int32_t refusal(int fd)
{
    struct datagram answer;

    assert_int_equal(recv(fd, &answer, sizeof(answer), 0),
                     sizeof(struct channel_header) + sizeof(struct channel_done));
    assert_int_equal(answer.header.type, CHANNEL_REFUSED);
    return answer.body.done.result;
}

static void test_numbers_rise(void **state)
{
    // 0 is a message that nothing answers; it may come between any two.
    static const struct {
        uint32_t number;
        bool taken;
    } steps[] = {{5, true}, {5, false}, {4, false}, {0, true}, {6, true}, {UINT32_MAX, true}, {1, false}};
    struct channel_server server;
    struct channel_input in;
    int fd = connect_server(&server), ends[2];

    for (unsigned connection = 0; connection < 2; connection++) {
        send_hello(fd);
        assert_int_equal(channel_server_receive(&server, &in), 1);
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            struct datagram list;
            size_t size = make(&rows[23], &list);

            list.header.request = steps[i].number;
            assert_int_equal(send(fd, &list, size, 0), size);
            assert_int_equal(channel_server_receive(&server, &in), steps[i].taken ? 1 : 0);
            if (!steps[i].taken)
                assert_int_equal(refusal(fd), -EPROTO);
        }
        // They begin again with the connection.
        close(fd);
        channel_server_drop(&server);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        server.fd = ends[0];
        fd = ends[1];
    }
    close(fd);
    channel_server_drop(&server);
}

// The agent has its turn in between.
static void test_refusals_are_bounded(void **state)
{
    struct channel_server server;
    struct channel_input in;
    int fd = connect_server(&server);
    unsigned refused = 0;

    for (unsigned i = 0; i < CHANNEL_SERVER_REFUSALS; i++)
        assert_int_equal(send(fd, "nonsense", 8, 0), 8);
    send_hello(fd);
    assert_int_equal(channel_server_receive(&server, &in), 0);
    for (struct datagram answer; recv(fd, &answer, sizeof(answer), 0) > 0; refused++)
        assert_int_equal(answer.header.type, CHANNEL_REFUSED);
    assert_int_equal(refused, CHANNEL_SERVER_REFUSALS);
    assert_int_equal(channel_server_receive(&server, &in), 1);
    assert_int_equal(in.header.type, CHANNEL_HELLO);
    close(fd);
    channel_server_drop(&server);
}

static int send_number(struct channel_server *server, uint32_t number, const int *fds, unsigned fd_count)
{
    static uint8_t text[8000];
    struct channel_dialog_row row = {.handle = number};

    return channel_server_send(server, &(struct channel_output){.type = CHANNEL_DIALOG_ROW,
                                                                .request = number,
                                                                .body = &row,
                                                                .body_size = sizeof(row),
                                                                .text = text,
                                                                .text_size = sizeof(text),
                                                                .fds = fds,
                                                                .fd_count = fd_count});
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

// What a slow reader did not take waits in order, its descriptors with it.
static void test_slow_reader(void **state)
{
    struct channel_server server;
    unsigned before = open_descriptors();
    int fd = connect_server(&server);
    uint32_t sent = 0, got = 0, with_fd = 0;

    while (server.queued < 100000) {
        assert_int_equal(send_number(&server, sent, &fd, 1), 0);
        sent++;
    }
    assert_true(channel_server_waiting(&server));
    while (got < sent) {
        struct {
            struct channel_header header;
            struct channel_dialog_row row;
            uint8_t text[8000];
        } row;
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        struct iovec part = {.iov_base = &row, .iov_len = sizeof(row)};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

        if (recvmsg(fd, &message, 0) < 0) {
            assert_int_equal(errno, EAGAIN);
            assert_int_equal(channel_server_flush(&server), 0);
            continue;
        }
        assert_int_equal(row.header.request, got);
        assert_int_equal(row.row.handle, got);
        if (message.msg_controllen > 0) {
            int copy;

            memcpy(&copy, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(copy));
            close(copy);
            with_fd++;
        }
        got++;
    }
    assert_int_equal(with_fd, sent);
    assert_false(channel_server_waiting(&server));
    assert_int_equal(server.queued, 0);
    channel_server_drop(&server);
    close(fd);
    assert_int_equal(open_descriptors(), before);
}

static void test_reader_too_slow(void **state)
{
    struct channel_server server;
    unsigned before = open_descriptors();
    int fd = connect_server(&server);
    uint32_t sent = 0;

    while (send_number(&server, sent, NULL, 0) == 0) {
        assert_true(server.queued <= CHANNEL_SERVER_QUEUE_MAX);
        sent++;
        assert_true(sent < 100000);
    }
    assert_true(sent > CHANNEL_SERVER_QUEUE_MAX / 10000);
    assert_int_equal(server.fd, -1);
    assert_int_equal(server.queued, 0);
    close(fd);
    assert_int_equal(open_descriptors(), before);
}

// Descriptors for one who does not read are not ours to run out of.
static void test_descriptors_that_wait(void **state)
{
    struct channel_server server;
    unsigned before = open_descriptors();
    int fd = connect_server(&server), fds[CHANNEL_FDS_MAX];

    for (unsigned i = 0; i < CHANNEL_FDS_MAX; i++)
        fds[i] = STDIN_FILENO;
    for (unsigned sent = 0; send_number(&server, sent, fds, CHANNEL_FDS_MAX) == 0; sent++) {
        assert_true(open_descriptors() <= before + 2 + CHANNEL_SERVER_FDS_MAX);
        assert_true(sent < 1000);
    }
    assert_int_equal(server.fd, -1);
    assert_int_equal(server.queued_fds, 0);
    close(fd);
    assert_int_equal(open_descriptors(), before);
}

// A descriptor with a refused message is closed.
static void test_descriptors_of_refused(void **state)
{
    struct channel_server server;
    struct channel_input in;
    int fd = connect_server(&server);
    unsigned before = open_descriptors();

    for (unsigned count = 1; count <= CHANNEL_FDS_MAX; count += 21) {
        struct channel_queued *none = server.first;
        struct channel_server back;
        struct channel_hello hello = {.state = CHANNEL_CONTROL};
        int fds[CHANNEL_FDS_MAX];

        channel_server_init(&back, -1);
        back.fd = fd;
        for (unsigned i = 0; i < count; i++)
            fds[i] = STDIN_FILENO;
        assert_int_equal(channel_server_send(&back, &(struct channel_output){.type = CHANNEL_HELLO,
                                                                             .body = &hello,
                                                                             .body_size = sizeof(hello),
                                                                             .fds = fds,
                                                                             .fd_count = count}),
                         0);
        assert_int_equal(channel_server_receive(&server, &in), 0);
        assert_ptr_equal(server.first, none);
        assert_int_equal(open_descriptors(), before);
    }
    close(fd);
    channel_server_drop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_every_short_size),
        cmocka_unit_test(test_refused_and_lives),
        cmocka_unit_test(test_numbers_rise),
        cmocka_unit_test(test_refusals_are_bounded),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_reader_too_slow),
        cmocka_unit_test(test_descriptors_that_wait),
        cmocka_unit_test(test_descriptors_of_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
