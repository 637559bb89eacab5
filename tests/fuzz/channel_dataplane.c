// SPDX-License-Identifier: BSD-3-Clause
// What a control may send, against the data plane's end of the channel and everything that stands behind it.
// Workers answer as real ones do, from dialogs that are invented here. Whatever comes, each datagram that
// goes back is one that control's own check takes, the numbers of events have no gap that is not told, no
// request waits for ever, no capture and no descriptor stays, and the next control is served.
//
// An input is a list of steps: a letter, two octets of length (the low one first), so many octets.
//   d octets      a datagram as it is
//   m type body   a message of that type, numbered and sized as it should be
//   f count type body   the same with so many descriptors
//   a octets      a command of an application, whose texts are as long as it says
//   v octets      applications are told
//   s image       a snapshot in a sealed memfd; u image: in one that is not sealed
//   g offset octets  a good snapshot, but for these octets at the offset (two octets, the low one first)
//   w             the workers' turn
//   e octets      dialogs change their states; h octets: members their health
//   k slot octet  so many messages are captured
//   t octet       so many tenths of a second go by
//   r octets      a call has ended
//   n octets      a worker asks for a name
//   q             control stops to read, or reads again
//   c             control goes, another one comes
//   b             the data plane ends, and another one begins without configuration
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "channel_handlers.h"
#include "channel_workers.h"
#include "rules.h"
#include "sip_check.h"
#include "../unit/path/image.h"

#define STEPS_MAX 64u
#define SERVED_WITHIN                                                                                        \
    1024u // turns: UA_CHANNEL_SENT_MAX in messages of CHANNEL_MESSAGE_MAX, and as many empty ones
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

// control/channel_check.c under another name; both programs call theirs channel_check().
const char *control_check(const void *datagram, size_t size, size_t fd_count);

static struct channel_services services;
static struct call_records records;
static struct name_table *table;
static char directory[] = "/tmp/dialgate-fuzz-XXXXXX";
static unsigned descriptors; // open when nothing is under way
static int control = -1;
static bool reading;
static uint64_t now_ms;
static uint32_t number;                              // of the last request
static uint32_t answers, refused;                    // that control got since it came
static uint32_t rows[STEPS_MAX + 2];                 // by the request's number
static uint64_t next_event[CHANNEL_EVENT_KINDS + 1]; // of this connection, applications' last; 0: any

static void end(void)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/" CALL_RECORDS_FILE, directory);
    unlink(path);
    rmdir(directory);
}

static void begin(void)
{
    CHECK(mkdtemp(directory) != NULL);
    atexit(end);
    channel_workers_init();
    CHECK(call_records_open(&records, directory, CHANNEL_WORKERS, true) == 0);
    rcu_register_thread();
    rcu_thread_offline();
    descriptors = channel_descriptors();
}

static void take_table(void *context, struct name_table *next)
{
    name_table_destroy(table);
    table = next;
}

static void leave(void)
{
    channel_server_drop(&services.server);
    channel_services_forget(&services);
    if (control >= 0)
        close(control);
    control = -1;
}

static void come(void)
{
    int ends[2];

    leave();
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    services.server.fd = ends[0];
    control = ends[1];
    reading = true;
    number = answers = refused = 0;
    memset(rows, 0, sizeof(rows));
    memset(next_event, 0, sizeof(next_event));
}

static void send_to_us(const void *octets, size_t size, unsigned fd_count)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof(int) * (CHANNEL_FDS_MAX + 8))] = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)octets, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        struct cmsghdr *item = (struct cmsghdr *)rights;

        message.msg_control = rights;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memset(CMSG_DATA(item), 0, sizeof(int) * fd_count); // descriptor 0
    }
    // What finds no room is not sent: a control that does not read is q's business.
    if (sendmsg(control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        CHECK(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET || errno == EMSGSIZE);
}

// After a HELLO they begin anew.
static void follow_events(const struct channel_header *header, const struct channel_event_run *run)
{
    uint64_t *next = &next_event[header->type == CHANNEL_EVENTS          ? CHANNEL_EVENT_DIALOG
                                 : header->type == CHANNEL_MEMBER_EVENTS ? CHANNEL_EVENT_MEMBER
                                 : header->type == CHANNEL_BAN_EVENTS    ? CHANNEL_EVENT_BAN
                                                                         : CHANNEL_EVENT_KINDS];

    CHECK(*next == 0 || run->first - run->lost == *next);
    *next = run->first + run->count;
}

static void take_answer(const struct channel_header *header, const void *body)
{
    const struct channel_done *done = body;

    if (header->type == CHANNEL_DIALOG_ROW && header->request < sizeof(rows) / sizeof(rows[0]))
        CHECK(++rows[header->request] <= CHANNEL_LIST_MAX);
    if (header->type == CHANNEL_SNAPSHOT_RESULT)
        CHECK((done->result == 0) == (done->text[0] == '\0'));
    if (header->type == CHANNEL_HELLO)
        memset(next_event, 0, sizeof(next_event));
    if (header->type == CHANNEL_EVENTS || header->type == CHANNEL_MEMBER_EVENTS ||
        header->type == CHANNEL_BAN_EVENTS || header->type == CHANNEL_UA_EVENTS)
        follow_events(header, body);
    answers += header->type == CHANNEL_DONE || header->type == CHANNEL_SNAPSHOT_RESULT;
    refused += header->type == CHANNEL_REFUSED;
}

static void take_answers(void)
{
    static _Alignas(8) uint8_t octets[CHANNEL_MESSAGE_MAX + 1];
    const struct channel_header *header = (const void *)octets;
    ssize_t size;

    while (reading && control >= 0 && (size = recv(control, octets, sizeof(octets), MSG_DONTWAIT)) > 0) {
        const char *wrong = control_check(octets, (size_t)size, 0);

        if (wrong != NULL)
            fprintf(stderr, "type %u: %s\n", header->type, wrong);
        CHECK(wrong == NULL);
        take_answer(header, header + 1);
    }
}

// Those that leave are out of every worker's table after this.
static void leave_captures(void)
{
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++)
        if (services.captures.running[slot].state == CAPTURE_LEAVING) {
            rcu_barrier();
            return;
        }
}

static void work(void)
{
    leave_captures();
    channel_workers_answer();
}

// Workers use these without a look at their bounds.
static void use_rules(const struct rules *rules)
{
    for (uint32_t i = 0; i < rules->peer_count; i++) {
        uint16_t member = rules_member(rules, (uint16_t)i, 0x123456789abcdefull * (i + 1));

        CHECK(member == NUMBER_NONE || member < rules->member_count);
    }
    for (uint32_t i = 0; i < 64; i++) {
        uint16_t peer = rules_peer(rules, &(struct ip_address)IP_MAPPED(0x0a0a0101u * (i + 1)));

        CHECK(peer == NUMBER_NONE || peer < rules->peer_count);
    }
}

static void say_hello(void *context, const char *text)
{
    const struct channel_hello hello = {
        .state = services.state, .pid = 1, .boot = 1, .workers = CHANNEL_WORKERS};

    channel_server_send(
        &services.server,
        &(struct channel_output){.type = CHANNEL_HELLO, .body = &hello, .body_size = sizeof(hello)});
}

static void start(void)
{
    CHECK(channel_services_start(
              &services, &(struct channel_services_options){.workers = &channel_workers.all,
                                                            .rings = channel_workers.rings,
                                                            .records = &records,
                                                            .capture_counts = channel_workers.captured,
                                                            .bans = channel_workers_bans,
                                                            .publish_names = take_table}) == 0);
    services.state = CHANNEL_RUNNING;
}

static int take_rules(void *context, struct rules *rules, struct fault *fault)
{
    use_rules(rules);
    rules_destroy(channel_workers.all.published.rules);
    channel_workers.all.published.rules = rules;
    if (services.state == CHANNEL_WAITING)
        start();
    return 0;
}

static void serve(void)
{
    struct channel_input in;
    for (unsigned i = 0; i < 64 && channel_server_receive(&services.server, &in) == 1; i++) {
        CHECK((in.header.type == CHANNEL_SNAPSHOT) == (in.fd >= 0));
        channel_handlers_take(&services, &in, now_ms);
    }
    if (services.state == CHANNEL_RUNNING)
        channel_services_poll(&services, now_ms);
    channel_server_flush(&services.server);
    CHECK(services.server.queued <= CHANNEL_SERVER_QUEUE_MAX &&
          services.server.queued_fds <= CHANNEL_SERVER_FDS_MAX);
    take_answers();
    if (services.server.fd < 0)
        come();
}

// Its number is new unless nothing answers it.
static void send_message(uint8_t type, const uint8_t *body, size_t size, unsigned fd_count)
{
    static const size_t sizes[CHANNEL_TYPE_COUNT] = {
#define M(type, body, from, help) [type] = sizeof(body),
        CHANNEL_MESSAGES(M)
#undef M
    };
    static uint8_t octets[CHANNEL_MESSAGE_MAX];
    size_t room = sizeof(octets) - sizeof(struct channel_header);
    size_t whole = type < CHANNEL_TYPE_COUNT ? sizes[type] : size;

    if (type == CHANNEL_UA_COMMAND && size > whole)
        whole = size;
    whole = whole < room ? whole : room;
    struct channel_header header = {.magic = CHANNEL_MAGIC,
                                    .version = CHANNEL_VERSION,
                                    .type = type,
                                    .size = (uint32_t)(sizeof(header) + whole)};

    if (type != CHANNEL_HELLO && type != CHANNEL_RECORDS_DONE && type != CHANNEL_NAME_ANSWER &&
        type != CHANNEL_EVENTS_DONE && type != CHANNEL_UA_COMMAND)
        header.request = ++number;
    memset(octets, 0, sizeof(header) + whole);
    memcpy(octets, &header, sizeof(header));
    memcpy(octets + sizeof(header), body, size < whole ? size : whole);
    send_to_us(octets, sizeof(header) + whole, fd_count);
}

static void send_ua_command(const uint8_t *octets, size_t size)
{
    static uint8_t body[CHANNEL_MESSAGE_MAX];
    struct channel_ua_command command = {.tag = 0};
    size_t left = size > sizeof(command) ? size - sizeof(command) : 0;

    if (size > sizeof(body) - sizeof(struct channel_header))
        return;
    memcpy(&command, octets, size < sizeof(command) ? size : sizeof(command));
    command.tag |= 1;
    command.application = NUMBER_NONE;
    command.to_peer %= PEERS_MAX;
    command.to_member %= MEMBERS_MAX;
    command.status %= CHANNEL_STATUS_MAX + 1;
    command.op = (uint8_t)(CHANNEL_UA_INVITE + command.op % (CHANNEL_UA_OPS - CHANNEL_UA_INVITE));
    command.flags &= CHANNEL_UA_FLAGS;
    for (unsigned i = 0; i < CHANNEL_UA_TEXTS; left -= command.text_lengths[i++])
        command.text_lengths[i] = (uint16_t)(command.text_lengths[i] % (left + 1));
    command.body_length = (uint16_t)left;
    memcpy(body, octets, size);
    memcpy(body, &command, sizeof(command));
    send_message(CHANNEL_UA_COMMAND, body, size > sizeof(command) ? size : sizeof(command), 0);
}

static void send_snapshot(const uint8_t *image, size_t size, bool sealed)
{
    struct {
        struct channel_header header;
        struct channel_snapshot body;
    } message = {{.magic = CHANNEL_MAGIC,
                  .version = CHANNEL_VERSION,
                  .type = CHANNEL_SNAPSHOT,
                  .size = sizeof(message),
                  .request = ++number},
                 {.size = (uint32_t)size}};
    int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING), zero = dup(STDIN_FILENO);

    CHECK(fd >= 0 && zero >= 0 && write(fd, image, size) == (ssize_t)size);
    CHECK(!sealed || fcntl(fd, F_ADD_SEALS, SEALS) == 0);
    if (size >= sizeof(struct snapshot_header))
        memcpy(&message.body.sequence, image + offsetof(struct snapshot_header, sequence),
               sizeof(message.body.sequence));
    // send_to_us() sends descriptor 0.
    CHECK(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    send_to_us(&message, sizeof(message), 1);
    CHECK(dup2(zero, STDIN_FILENO) == STDIN_FILENO);
    close(zero);
    close(fd);
}

static void send_changed_image(const uint8_t *octets, size_t size)
{
    static struct snapshot_image image;
    size_t offset = size > 1 ? octets[0] | (size_t)octets[1] << 8 : 0;

    image_make(&image);
    for (size_t i = 2; i < size && offset < sizeof(image); i++)
        ((uint8_t *)&image)[offset++] = octets[i];
    send_snapshot((const uint8_t *)&image, sizeof(image), true);
}

static void begin_again(void)
{
    channel_workers_reset();
    channel_services_init(&services, -1, &(struct channel_owner){say_hello, take_rules, NULL});
    come();
}

// The data plane's end, with whatever is under way.
static void stop(void)
{
    bool captured = services.captures.serial > 0;

    leave();
    if (services.state == CHANNEL_RUNNING)
        channel_services_stop(&services);
    if (captured)
        rcu_barrier();
    CHECK(channel_workers.all.published.captures == NULL);
    rules_destroy(channel_workers.all.published.rules);
    channel_workers.all.published.rules = NULL;
}

static void step(char what, const uint8_t *octets, size_t size)
{
    switch (what) {
    case 'd':
        if (size > 0) // an empty one is the end of the connection
            send_to_us(octets, size, 0);
        break;
    case 'm':
        if (size > 0)
            send_message(octets[0], octets + 1, size - 1, 0);
        break;
    case 'f':
        if (size > 1)
            send_message(octets[1], octets + 2, size - 2, octets[0] % (CHANNEL_FDS_MAX + 8));
        break;
    case 'a':
        send_ua_command(octets, size);
        break;
    case 'v':
        channel_workers_tell_ua(octets, size);
        break;
    case 's':
    case 'u':
        send_snapshot(octets, size, what == 's');
        break;
    case 'g':
        send_changed_image(octets, size);
        break;
    case 'w':
        work();
        break;
    case 'e':
        channel_workers_change_dialogs(octets, size);
        break;
    case 'h':
        channel_workers_change_members(octets, size);
        break;
    case 'k':
        if (size > 1)
            channel_workers.captured[octets[0] % CAPTURES_MAX].messages += octets[1];
        break;
    case 't':
        now_ms += size > 0 ? 100u * octets[0] : 100;
        break;
    case 'r':
        channel_workers_end_call(&records, octets, size);
        break;
    case 'n':
        channel_workers_ask_name(octets, size);
        break;
    case 'q':
        reading = !reading;
        break;
    case 'c':
        come();
        break;
    case 'b':
        stop();
        begin_again();
        break;
    default:
        break;
    }
}

// Whatever was there before, the next control is served.
static void expect_service(void)
{
    const struct channel_hello hello = {.state = CHANNEL_CONTROL};
    const struct channel_dialog_list list = {.peer = NUMBER_NONE, .limit = 5};

    come();
    send_message(CHANNEL_HELLO, (const uint8_t *)&hello, sizeof(hello), 0);
    send_message(CHANNEL_DIALOG_LIST, (const uint8_t *)&list, sizeof(list), 0);
    // Applications' events that nobody has taken come first, as far as they are kept.
    for (unsigned i = 0; i < 4 || (answers == 0 && i < SERVED_WITHIN); i++) {
        serve();
        work();
    }
    CHECK(answers == 1 && refused == 0);
}

static void reset(void)
{
    now_ms = 1000000;
    for (unsigned i = 0; i < CHANNEL_WORKERS; i++) {
        struct call_ring *ring = call_records_ring(&records, i);

        ring->head = ring->tail = ring->sequence = ring->lost = 0;
        records.sent[i] = 0;
    }
    begin_again();
    start();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (channel_workers.all.count == 0)
        begin();
    reset();
    for (unsigned steps = 0; steps < STEPS_MAX && size >= 3; steps++) {
        size_t length = data[1] | (size_t)data[2] << 8;

        if (length > size - 3)
            length = size - 3;
        step((char)data[0], data + 3, length);
        serve();
        data += 3 + length;
        size -= 3 + length;
    }
    now_ms += DIALOG_REQUEST_MS;
    serve();
    for (unsigned i = 0; i < DIALOG_REQUESTS_MAX; i++)
        CHECK(!services.requests.requests[i].used);
    work();
    serve();
    CHECK(!dialog_requests_busy(&services.requests));
    expect_service();
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++)
        CHECK(services.captures.running[slot].state == CAPTURE_FREE);
    stop();
    take_table(NULL, NULL);
    CHECK(channel_descriptors() == descriptors);
    return 0;
}
