// SPDX-License-Identifier: BSD-3-Clause
// What a data plane may send, against the whole of control: its daemon with its control socket, a client
// there that asks for lists and follows events, records that go to a file. Whatever comes, control answers
// every line of its client, keeps no descriptor, and takes the next data plane.
//
// An input is a list of steps: a letter, two octets of length (the low one first), so many octets.
//   d octets      a datagram as it is
//   m type body   a message of that type, sized as it should be
//   a type body   the same as the answer to control's last request; x type octets: with what is behind a row
//   f count type body   as m, with so many descriptors
//   r octet       the client asks one of `questions`
//   c             the data plane goes, another one comes and says hello
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "channel_check.h"
#include "control.h"
#include "rpc/server.h"
#include "sip_check.h"

#define STEPS_MAX 64u
#define TURNS     3 // of the loop, after each step

static const char *const questions[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"stream\":true}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"dialog.list\",\"params\":{\"limit\":2}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"dialog.show\",\"params\":{\"id\":\"a@b\"}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"dialog.end\",\"params\":{\"id\":\"0100000100000005\"}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"dialog.end_many\",\"params\":{\"all\":true,\"rate\":1000}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"dialog.count\"}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"config.reload\"}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"metrics.get\"}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"events.follow\"}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"system.status\"}\n",
};

static struct event_base *base;
static struct control control;
static char directory[] = "/tmp/dialgate-fuzz-XXXXXX";
static char path[64], config[64], calls[64];
static int far_end = -1, client = -1;
static uint32_t last_request;

// Of the memfd that is descriptor 0, which is what comes with datagrams: sockets of look-ups come and go.
static unsigned int open_descriptors(void)
{
    struct stat carried, other;
    unsigned int count = 0;
    CHECK(fstat(STDIN_FILENO, &carried) == 0);
    for (int fd = 0; fd < 1024; fd++)
        count += fstat(fd, &other) == 0 && other.st_dev == carried.st_dev && other.st_ino == carried.st_ino;
    return count;
}

static void end(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    if (system(command) != 0)
        perror(directory);
}

static void write_config(void)
{
    static char text[16384];
    FILE *in = fopen(LAB_YAML, "r"), *out = fopen(config, "w");
    CHECK(in && out);
    size_t length = fread(text, 1, sizeof(text), in);
    CHECK(length < sizeof(text) && fwrite(text, 1, length, out) == length);
    CHECK(fprintf(out, "\nrecords: {file: %s, format: json}\n", calls) > 0);
    fclose(in);
    fclose(out);
}

static void begin(void)
{
    static char error[ERROR_SIZE];
    // Nobody answers there, and nothing leaves the machine.
    struct control_options options = {config, directory, directory, "127.0.0.1:1"};
    int carried = memfd_create("carried", MFD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    CHECK(carried >= 0 && dup2(carried, STDIN_FILENO) == STDIN_FILENO && close(carried) == 0);
    CHECK(mkdtemp(directory));
    atexit(end);
    snprintf(path, sizeof(path), "%s/control.sock", directory);
    snprintf(config, sizeof(config), "%s/lab.yaml", directory);
    snprintf(calls, sizeof(calls), "%s/calls.json", directory);
    write_config();
    base = event_base_new();
    CHECK(base && control_init(&control, base, &options, error, sizeof(error)) == 0);
    CHECK(rpc_server_create(&control, path, NULL, error, sizeof(error)));
    CHECK(control_connect(&control) == 0);
}

static void turn(void)
{
    for (int i = 0; i < TURNS; i++)
        CHECK(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

// What control sends is read and forgotten, but for the number of its last request.
static void take_requests(void)
{
    static uint64_t octets[CHANNEL_MESSAGE_MAX / 8];
    const struct channel_header *header = (const void *)octets;
    union {
        char octets[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        struct cmsghdr align;
    } rights;
    for (;;) {
        struct iovec part = {.iov_base = octets, .iov_len = sizeof(octets)};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof(rights)};
        if (recvmsg(far_end, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < (ssize_t)sizeof(*header))
            return;
        CHECK(header->size == sizeof(*header) + channel_body_size(header->type));
        CHECK(header->request == 0 || header->request == last_request + 1);
        last_request = header->request ? header->request : last_request;
        struct cmsghdr *item = CMSG_FIRSTHDR(&message);
        if (item && item->cmsg_type == SCM_RIGHTS) {
            int fd;
            memcpy(&fd, CMSG_DATA(item), sizeof(fd));
            close(fd);
        }
    }
}

static void take_lines(void)
{
    static char text[65536];
    while (recv(client, text, sizeof(text), MSG_DONTWAIT) > 0)
        continue;
}

static void say(const void *octets, size_t size, unsigned int fd_count)
{
    union {
        char octets[CMSG_SPACE(sizeof(int) * (CHANNEL_FDS_MAX + 8))];
        struct cmsghdr align;
    } rights = {.octets = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)octets, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = &rights;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *item = CMSG_FIRSTHDR(&message);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memset(CMSG_DATA(item), 0, sizeof(int) * fd_count); // descriptor 0
    }
    // Control may have hung up.
    if (sendmsg(far_end, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

struct outgoing {
    uint8_t type;
    uint32_t request;
    unsigned int fd_count;
    bool loose; // as long as its octets are, not as its type says
};

static void say_message(const struct outgoing *message, const void *body, size_t size)
{
    static uint64_t datagram[CHANNEL_MESSAGE_MAX / 8];
    size_t whole = channel_body_size(message->type);
    if (message->loose || whole == 0)
        whole = size < sizeof(datagram) - sizeof(struct channel_header)
                    ? size
                    : sizeof(datagram) - sizeof(struct channel_header);
    struct channel_header header = {.magic = CHANNEL_MAGIC,
                                    .version = CHANNEL_VERSION,
                                    .type = message->type,
                                    .size = (uint32_t)(sizeof(header) + whole),
                                    .request = message->request};
    memset(datagram, 0, sizeof(header) + whole);
    memcpy(datagram, &header, sizeof(header));
    memcpy((uint8_t *)datagram + sizeof(header), body, size < whole ? size : whole);
    say(datagram, sizeof(header) + whole, message->fd_count);
}

static void leave(void)
{
    if (far_end >= 0)
        close(far_end);
    far_end = -1;
    turn();
    CHECK(!channel_ready(control.channel));
}

// A data plane comes, and has the configuration that is in force.
static void come(void)
{
    int pair[2];
    struct outgoing hello = {.type = CHANNEL_HELLO};
    struct channel_hello body = {.state = CHANNEL_RUNNING, .pid = 7, .boot = 5, .workers = 2};
    leave();
    body.snapshot_sequence = control.active.image->sequence;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    far_end = pair[1];
    last_request = 0;
    CHECK(channel_attach(control.channel, pair[0]) == 0);
    say_message(&hello, &body, sizeof(body));
    turn();
    CHECK(channel_ready(control.channel));
}

static void connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    CHECK(client >= 0 && connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static void ask(unsigned int which)
{
    const char *line = questions[which % (sizeof(questions) / sizeof(questions[0]))];
    // A client whose lines are not read any more says no more.
    if (send(client, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

static void step(char what, const uint8_t *octets, size_t size)
{
    bool answer = what == 'a' || what == 'x';
    if (what == 'd' && size > 0)
        say(octets, size, 0);
    else if (size > 0 && (what == 'm' || answer))
        say_message(&(struct outgoing){.type = octets[0],
                                       .request = answer ? last_request : 0,
                                       .loose = octets[0] == CHANNEL_RECORDS ||
                                                octets[0] == CHANNEL_UA_EVENTS || what == 'x'},
                    octets + 1, size - 1);
    else if (what == 'f' && size > 1)
        say_message(&(struct outgoing){.type = octets[1], .fd_count = octets[0] % (CHANNEL_FDS_MAX + 8)},
                    octets + 2, size - 2);
    else if (what == 'r')
        ask(size > 0 ? octets[0] : 0);
    else if (what == 'c')
        come();
}

// Another file of records than any input has: what was noted of one before is forgotten.
static void forget_records(void)
{
    struct outgoing message = {.type = CHANNEL_RECORDS, .loose = true};
    struct {
        struct channel_records body;
        struct channel_record record;
    } records = {{.instance = UINT64_MAX, .count = 1},
                 {.sequence = 1,
                  .size = sizeof(struct channel_record),
                  .caller_peer = NUMBER_NONE,
                  .callee_peer = NUMBER_NONE,
                  .callee_member = NUMBER_NONE}};
    for (; records.body.instance > UINT64_MAX - 2; records.body.instance--)
        say_message(&message, &records, sizeof(records));
    turn();
    CHECK(truncate(calls, 0) == 0 || access(calls, F_OK) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!base)
        begin();
    come();
    forget_records();
    CHECK(channel_ready(control.channel));
    connect_client();
    for (unsigned int steps = 0; steps < STEPS_MAX && size >= 3; steps++) {
        size_t length = data[1] | (size_t)data[2] << 8;
        if (length > size - 3)
            length = size - 3;
        step((char)data[0], data + 3, length);
        turn();
        take_requests();
        take_lines();
        data += 3 + length;
        size -= 3 + length;
    }
    close(client);
    leave();
    // Jobs of the client notice by their timers.
    for (int i = 0; i < 5000 && control.rpc.clients > 0; i++) {
        turn();
        usleep(200);
    }
    come();
    CHECK(control.rpc.clients == 0 && channel_ready(control.channel));
    take_requests();
    CHECK(open_descriptors() == 1);
    return 0;
}
