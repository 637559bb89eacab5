// SPDX-License-Identifier: BSD-3-Clause
// What a data plane may send, against the whole of control: its daemon with its control socket, a client
// there that asks for lists, follows events and speaks for applications, records that go to a file. Whatever
// comes, control answers every line of its client, keeps no descriptor, and takes the next data plane; when
// that one knows of no dialog and time has passed, nothing is left of applications' calls.
//
// An input is a list of steps: a letter, two octets of length (the low one first), so many octets.
//   d octets      a datagram as it is
//   m type body   a message of that type, sized as it should be
//   a type body   the same as the answer to control's last request; x type octets: with what is behind a row
//   f count type body   as m, with so many descriptors
//   r octets      the client asks one of `questions`, with a dialog, a request and a transfer of the next
//   three u fields      an event of an application (channel_application.h) t octet       time passes c the
//   data plane goes, another one comes and says hello; C: of another process
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "channel_application.h"
#include "channel_check.h"
#include "control.h"
#include "log.h"
#include "rpc/dialog.h"
#include "rpc/server.h"
#include "sip_check.h"

#define STEPS_MAX 64u
#define TURNS     3 // of the loop, after each step
#define IDS       8u
#define DONE_MAX  200u // rounds until nothing is left

// %D a dialog, %T a request that waits, %R a transfer.
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
#define ASK(method, params)                                                                                  \
    "{\"jsonrpc\":\"2.0\",\"id\":11,\"method\":\"" method "\",\"params\":{" params "}}\n"
    ASK("ua.attach", "\"application\":\"desk\",\"since\":0"),
    ASK("ua.attach", "\"application\":\"robot\""),
    ASK("ua.detach", ""),
    ASK("ua.call", "\"application\":\"desk\",\"to\":\"sip:b@y\",\"peer\":\"carrier-a\",\"timeout_ms\":1000"),
    ASK("ua.call",
        "\"application\":\"robot\",\"to\":\"sip:b@y\",\"peer\":\"carrier-a\",\"user\":\"u\",\"password\":"
        "\"p\",\"redirect\":2"),
    ASK("ua.progress", "\"dialog\":\"%D\",\"status\":180,\"reliable\":true"),
    ASK("ua.answer", "\"dialog\":\"%D\""),
    ASK("ua.reject", "\"dialog\":\"%D\",\"status\":486"),
    ASK("ua.terminate", "\"dialog\":\"%D\""),
    ASK("ua.cancel", "\"dialog\":\"%D\""),
    ASK("ua.close", "\"dialog\":\"%D\""),
    ASK("ua.ack", "\"dialog\":\"%D\""),
    ASK("ua.reinvite", "\"dialog\":\"%D\",\"body\":\"v=0\\r\\n\""),
    ASK("ua.hold", "\"dialog\":\"%D\""),
    ASK("ua.request", "\"dialog\":\"%D\",\"method\":\"INFO\""),
    ASK("ua.request",
        "\"application\":\"desk\",\"method\":\"OPTIONS\",\"to\":\"sip:b@y\",\"peer\":\"carrier-a\""),
    ASK("ua.respond", "\"request\":\"%T\",\"status\":200"),
    ASK("ua.get", "\"dialog\":\"%D\""),
    ASK("ua.list", "\"application\":\"desk\""),
    ASK("ua.context", "\"dialog\":\"%D\",\"context\":\"c\""),
    ASK("ua.register",
        "\"application\":\"desk\",\"registrar\":\"sip:y\",\"aor\":\"sip:a@y\",\"peer\":\"carrier-a\""),
    ASK("ua.unregister",
        "\"application\":\"desk\",\"registrar\":\"sip:y\",\"aor\":\"sip:a@y\",\"peer\":\"carrier-a\""),
    ASK("refer.send", "\"dialog\":\"%D\",\"to\":\"sip:c@z\""),
    ASK("refer.send",
        "\"application\":\"desk\",\"uri\":\"sip:b@y\",\"to\":\"sip:c@z\",\"peer\":\"carrier-a\""),
    ASK("refer.answer", "\"refer\":\"%R\",\"accept\":true"),
    ASK("refer.notify", "\"refer\":\"%R\",\"status\":180"),
    ASK("refer.list", ""),
    ASK("refer.show", "\"refer\":\"%R\""),
    ASK("refer.dialog", "\"dialog\":\"%D\",\"party\":\"caller\",\"to\":\"sip:c@z\""),
    ASK("refer.dialog",
        "\"dialog\":\"%D\",\"party\":\"callee\",\"replaces\":\"1100000000000009\",\"replaces_party\":"
        "\"caller\""),
#undef ASK
};

static struct event_base *base;
static struct control control;
static char directory[] = "/tmp/dialgate-fuzz-XXXXXX";
static char path[64], config[64], calls[64];
static int far_end = -1, client = -1;
static uint32_t last_request;
static struct application_far_end application = {.boot = 5, .next = 1};
static uint64_t transfers[IDS];
static unsigned transfer_count;
static uint64_t ahead_ms; // of the clock

// Time passes when an input says so.
uint64_t __real_clock_ms(void);
uint64_t __wrap_clock_ms(void);
uint64_t __wrap_clock_ms(void)
{
    return __real_clock_ms() + ahead_ms;
}

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
    static const char description[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
    static char text[16384], body[64];
    snprintf(body, sizeof(body), "%s/body", directory);
    FILE *in = fopen(LAB_YAML, "r"), *out = fopen(config, "w"), *answer = fopen(body, "w");
    CHECK(in && out && answer);
    size_t length = fread(text, 1, sizeof(text), in);
    CHECK(length < sizeof(text) && fwrite(text, 1, length, out) == length);
    CHECK(fprintf(out,
                  "\nrecords: {file: %s, format: json}\n"
                  "applications:\n"
                  " - {name: desk, listener: edge, refer: ask, refer_targets: [\"@z\"], retry: once}\n"
                  " - {name: robot, answer: {status: 200, body: %s}, refer: accept, refer_targets: [\"@z\"], "
                  "retry: once,\n"
                  "    replaces: accept}\n"
                  "retry: [{name: once, count: 0}]\n",
                  calls, body) > 0);
    CHECK(fputs(description, answer) >= 0);
    fclose(in);
    fclose(out);
    fclose(answer);
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
    application.peers[0] = ua_app_find(&control.ua, "desk")->number;
    application.peers[1] = ua_app_find(&control.ua, "robot")->number;
    application.peers[2] = (uint16_t)dialog_find_peer(&control, "carrier-a");
    application.peers[3] = (uint16_t)dialog_find_peer(&control, "sbcs");
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
        const struct channel_ua_command *command = (const void *)(header + 1);
        bool commanded = header->type == CHANNEL_UA_COMMAND;
        CHECK(header->size == sizeof(*header) + (commanded ? channel_ua_command_size(command)
                                                           : channel_body_size(header->type)));
        if (commanded)
            application_commanded(&application, command->tag);
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
    static const char refer[] = "\"refer\":\"";
    static char text[65536];
    ssize_t size;
    while ((size = recv(client, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
        text[size] = '\0';
        for (const char *at = text; (at = strstr(at, refer)) != NULL; at++)
            transfers[transfer_count++ % IDS] = strtoull(at + strlen(refer), NULL, 16);
    }
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
    struct channel_hello body = {.state = CHANNEL_RUNNING, .pid = 7, .boot = application.boot, .workers = 2};
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

static void ask(const uint8_t octets[4])
{
    char line[1024], *end = line;
    for (const char *at = questions[octets[0] % (sizeof(questions) / sizeof(questions[0]))]; *at; at++)
        if (*at != '%')
            *end++ = *at;
        else
            end += sprintf(end, "%016" PRIx64,
                           *++at == 'D' ? APPLICATION_DIALOG + octets[1]
                           : *at == 'T' ? APPLICATION_TRANSACTION + octets[2]
                                        : transfers[octets[3] % IDS]);
    *end = '\0';
    // A client whose lines are not read any more says no more.
    if (send(client, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

static void say_event(const uint8_t *octets, size_t size)
{
    static uint64_t body[APPLICATION_EVENT_MAX / 8];
    struct outgoing message = {.type = CHANNEL_UA_EVENTS, .loose = true};
    size_t length = application_event(&application, octets, size, body);
    say_message(&message, body, length);
}

static void pass(unsigned which)
{
    static const uint64_t pauses[] = {100, 1000, 21000, 181000, 3601000};
    struct event *clocks[] = {control.ua.sweep, control.transfers.clock, control.referrals.clock,
                              control.operators.clock};
    ahead_ms += pauses[which % (sizeof(pauses) / sizeof(pauses[0]))];
    for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
        if (clocks[i] != NULL)
            event_active(clocks[i], EV_TIMEOUT, 1);
}

static void step(char what, const uint8_t *octets, size_t size)
{
    uint8_t choice[4] = {0};
    bool answer = what == 'a' || what == 'x';
    memcpy(choice, octets, size < sizeof(choice) ? size : sizeof(choice));
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
    else if (what == 'u')
        say_event(octets, size);
    else if (what == 'r')
        ask(choice);
    else if (what == 't')
        pass(choice[0]);
    else if (what == 'c' || what == 'C') {
        application.boot += what == 'C';
        application.next = what == 'C' ? 1 : application.next;
        come();
    }
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

static void refuse_commands(void)
{
    struct application_far_end *far = &application;
    for (; far->refused_count < far->tag_count; far->refused_count++) {
        const uint8_t fields[APPLICATION_FIELDS] = {
            [0] = CHANNEL_UA_DONE, [5] = (uint8_t)(far->tag_count - far->refused_count), [11] = ENOENT};
        say_event(fields, sizeof(fields));
    }
}

// The next process of the data plane has no dialogs, and can do nothing.
static void end_applications(void)
{
    const struct ua *ua = &control.ua;
    struct outgoing none = {.type = CHANNEL_DONE};
    const struct channel_done done = {0};
    unsigned rounds = 0;
    application.boot++;
    application.next = 1;
    come();
    application.refused_count = application.tag_count; // those of before went with the connection
    for (; rounds < DONE_MAX && !(LIST_EMPTY(&ua->calls) && ua->requests.count == 0 && ua->tags.count == 0 &&
                                  control.transfers.count == 0 && control.operators.count == 0);
         rounds++) {
        take_requests();
        refuse_commands();
        none.request = last_request;
        if (ua->resume != NULL)
            say_message(&none, &done, sizeof(done));
        turn();
        if (ua->resume == NULL)
            pass(rounds);
    }
    CHECK(rounds < DONE_MAX && LIST_EMPTY(&control.transfers.replacements));
    CHECK(ua->handles.count == 0 && ua->ids.count == 0 && ua->numbers.count == 0);
    ua_registrations_stop(&control.ua);
    transfer_count = 0;
    memset(transfers, 0, sizeof(transfers));
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
        if (i % 16 == 15)
            pass(2);
        turn();
        usleep(200);
    }
    end_applications();
    come();
    CHECK(control.rpc.clients == 0 && channel_ready(control.channel));
    take_requests();
    CHECK(open_descriptors() == 1);
    return 0;
}
