// SPDX-License-Identifier: BSD-3-Clause
// What a control may send, against the data plane's end of the channel and what stands behind it: lists and
// ends of dialogs, snapshots, records, names. Workers answer as real ones do, from dialogs that are invented
// here. Whatever comes, each datagram that goes back is one that control's own check takes, no request waits
// for ever, no descriptor stays open, and the next control is served.
//
// An input is a list of steps: a letter, two octets of length (the low one first), so many octets.
//   d octets      a datagram as it is
//   m type body   a message of that type, numbered and sized as it should be
//   f count type body   the same with so many descriptors
//   s image       a snapshot in a sealed memfd; u image: in one that is not sealed
//   w             the workers' turn
//   t octet       so many tenths of a second go by
//   r octets      a call has ended
//   n octets      a worker asks for a name
//   q             control stops to read, or reads again
//   c             control goes, another one comes
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <rte_ring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "call_records.h"
#include "channel_server.h"
#include "dialog_requests.h"
#include "name_cache.h"
#include "rules_receive.h"
#include "sip_check.h"

#define WORKERS      2u
#define EACH         600u // dialogs a worker: more than a slice
#define LONG_ROW     7u   // the index of one whose texts fit no message
#define COMMAND_RING 64u
#define STEPS_MAX    64u
#define SEALS        (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

// control/channel_check.c under another name; both programs call theirs channel_check().
const char *control_check(const void *datagram, size_t size, size_t fd_count);

static struct channel_server server;
static struct workers workers;
static struct dialog_requests requests;
static struct call_records records;
static struct name_cache names;
static struct name_asks asks[WORKERS];
static struct name_table *table;
static char directory[] = "/tmp/dialgate-fuzz-XXXXXX";
static unsigned descriptors; // open when nothing is under way
static int control = -1;
static bool reading;
static uint64_t now_ms;
static uint32_t number;              // of the last request
static uint32_t answers, refused;    // that control got since it came
static uint32_t rows[STEPS_MAX + 2]; // by the request's number

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *open = opendir("/proc/self/fd");
    CHECK(open != NULL);
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count;
}

static void end(void)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/" CALL_RECORDS_FILE, directory);
    unlink(path);
    rmdir(directory);
}

static struct rte_ring *make_ring(void)
{
    size_t size = (size_t)rte_ring_get_memsize(COMMAND_RING);
    struct rte_ring *ring = aligned_alloc(64, (size + 63) / 64 * 64);
    CHECK(ring != NULL && rte_ring_init(ring, "ring", COMMAND_RING, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0);
    return ring;
}

static void begin(void)
{
    CHECK(mkdtemp(directory) != NULL);
    atexit(end);
    workers.count = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers.parts[i].commands = make_ring();
        workers.parts[i].results = make_ring();
    }
    CHECK(call_records_open(&records, directory, WORKERS, true) == 0);
    channel_server_init(&server, -1);
    descriptors = open_descriptors();
}

static void take_table(void *context, struct name_table *next)
{
    name_table_destroy(table);
    table = next;
}

static void leave(void)
{
    channel_server_drop(&server);
    dialog_requests_forget(&requests);
    name_cache_forget(&names);
    if (control >= 0)
        close(control);
    control = -1;
}

static void come(void)
{
    int ends[2];

    leave();
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    server.fd = ends[0];
    control = ends[1];
    reading = true;
    number = answers = refused = 0;
    memset(rows, 0, sizeof(rows));
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
        if (header->type == CHANNEL_DIALOG_ROW && header->request < sizeof(rows) / sizeof(rows[0]))
            CHECK(++rows[header->request] <= CHANNEL_LIST_MAX);
        answers += header->type == CHANNEL_DONE || header->type == CHANNEL_SNAPSHOT_RESULT;
        refused += header->type == CHANNEL_REFUSED;
    }
}

static void put_row(struct command *command, unsigned worker, uint32_t index)
{
    struct channel_dialog_row row = {.handle = command_handle(worker, 1, index),
                                     .state = CHANNEL_DIALOG_CONFIRMED,
                                     .worker = (uint16_t)worker,
                                     .caller_peer = NUMBER_NONE,
                                     .callee_peer = NUMBER_NONE,
                                     .callee_member = NUMBER_NONE,
                                     .text_lengths = {index == LONG_ROW ? 20000 : (uint16_t)(index % 300)}};
    uint32_t size = (uint32_t)(sizeof(row) + row.text_lengths[0] + 7) / 8 * 8;
    CHECK(command->used + size <= COMMAND_ROWS_OCTETS);
    memset(command->rows + command->used, 'x', size);
    memcpy(command->rows + command->used, &row, sizeof(row));
    command->used += size;
    command->row_count++;
}

static void answer_list(struct command *command, unsigned worker)
{
    CHECK(command->limit > 0 && command->limit <= CHANNEL_LIST_MAX);
    for (uint32_t seen = 0; seen < 512 && command->cursor < EACH && command->row_count < command->limit &&
                            command->used + 20100 < COMMAND_ROWS_OCTETS;
         seen++)
        put_row(command, worker, command->cursor++);
    command->done = command->cursor >= EACH;
}

// Call-IDs that begin with a digit have so many dialogs, with worker 1.
static void answer_one(struct command *command, unsigned worker)
{
    bool by_id = command->call_id_length > 0;
    unsigned count = by_id && worker == 1 ? (unsigned)(uint8_t)command->call_id[0] - '0' : 0;
    if (by_id) {
        for (uint32_t i = 0; i < count && count < 10; i++)
            put_row(command, worker, i);
    } else if ((uint32_t)command->handle < EACH &&
               command->handle == command_handle(worker, 1, (uint32_t)command->handle)) {
        if (command->kind == COMMAND_DIALOG_SHOW)
            put_row(command, worker, (uint32_t)command->handle);
        return;
    }
    command->result = command->row_count > 0 ? 0 : -ENOENT;
}

static void work(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        void *item;

        while (rte_ring_dequeue(workers.parts[i].commands, &item) == 0) {
            struct command *command = item;

            CHECK(command->call_id_length <= CHANNEL_CALL_ID_SIZE);
            if (command->kind == COMMAND_DIALOG_LIST)
                answer_list(command, i);
            else
                answer_one(command, i);
            CHECK(rte_ring_enqueue(workers.parts[i].results, command) == 0);
        }
    }
}

// Workers use these without a look at their bounds.
static void use_rules(const struct rules *rules)
{
    for (uint32_t i = 0; i < rules->peer_count; i++) {
        uint16_t member = rules_member(rules, (uint16_t)i, 0x123456789abcdefull * (i + 1));

        CHECK(member == NUMBER_NONE || member < rules->member_count);
    }
    for (uint32_t i = 0; i < 64; i++) {
        uint16_t peer = rules_peer(rules, 0x0a0a0101u * (i + 1));

        CHECK(peer == NUMBER_NONE || peer < rules->peer_count);
    }
}

static void take_snapshot(const struct channel_input *in)
{
    struct channel_done done = {0};
    struct fault fault = {.text = ""};
    struct rules *rules = rules_receive(in->fd, &in->body.snapshot, &fault);
    close(in->fd);
    CHECK((rules == NULL) == (fault.text[0] != '\0'));
    if (rules != NULL)
        use_rules(rules);
    else
        done.result = -EINVAL;
    memcpy(done.text, fault.text, sizeof(done.text));
    rules_destroy(rules);
    channel_server_done(&server, CHANNEL_SNAPSHOT_RESULT, in->header.request, &done);
}

// As take_message() of the agent.
static void take_message(const struct channel_input *in)
{
    const struct channel_hello hello = {.state = CHANNEL_RUNNING, .pid = 1, .boot = 1, .workers = WORKERS};

    CHECK((in->header.type == CHANNEL_SNAPSHOT) == (in->fd >= 0));
    switch ((enum channel_type)in->header.type) {
    case CHANNEL_HELLO:
        channel_server_send(&server, &(struct channel_output){
                                         .type = CHANNEL_HELLO, .body = &hello, .body_size = sizeof(hello)});
        call_records_begin(&records);
        break;
    case CHANNEL_RECORDS_DONE:
        call_records_done(&records, &in->body.records_done);
        break;
    case CHANNEL_SNAPSHOT:
        take_snapshot(in);
        break;
    case CHANNEL_NAME_ANSWER:
        name_cache_answer(&names, &in->body.name, now_ms);
        break;
    case CHANNEL_DIALOG_LIST:
    case CHANNEL_DIALOG_SHOW:
    case CHANNEL_DIALOG_END:
        dialog_requests_begin(&requests, in, now_ms);
        break;
    default: // of the workers
        channel_server_done(&server, CHANNEL_DONE, in->header.request, &(struct channel_done){0});
        break;
    }
}

static void serve(void)
{
    struct channel_input in;
    for (unsigned i = 0; i < 64 && channel_server_receive(&server, &in) == 1; i++)
        take_message(&in);
    dialog_requests_poll(&requests, now_ms);
    call_records_poll(&records, &server);
    name_cache_poll(&names, now_ms);
    channel_server_flush(&server);
    CHECK(server.queued <= CHANNEL_SERVER_QUEUE_MAX && server.queued_fds <= CHANNEL_SERVER_FDS_MAX);
    take_answers();
    if (server.fd < 0)
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
    size_t whole = type < CHANNEL_TYPE_COUNT ? sizes[type] : size;
    struct channel_header header = {.magic = CHANNEL_MAGIC,
                                    .version = CHANNEL_VERSION,
                                    .type = type,
                                    .size = (uint32_t)(sizeof(header) + whole)};

    if (type != CHANNEL_HELLO && type != CHANNEL_RECORDS_DONE && type != CHANNEL_NAME_ANSWER)
        header.request = ++number;
    memset(octets, 0, sizeof(header) + whole);
    memcpy(octets, &header, sizeof(header));
    memcpy(octets + sizeof(header), body, size < whole ? size : whole);
    send_to_us(octets, sizeof(header) + whole, fd_count);
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

static void end_call(const uint8_t *octets, size_t size)
{
    struct channel_record record = {.start_ms = 1,
                                    .ring_ms = 1,
                                    .answer_ms = 2,
                                    .end_ms = 3,
                                    .caller_peer = NUMBER_NONE,
                                    .callee_peer = NUMBER_NONE,
                                    .callee_member = NUMBER_NONE,
                                    .ender = CHANNEL_ENDER_CALLER,
                                    .reason = CHANNEL_REASON_BYE};
    const struct call_text texts[CHANNEL_RECORD_TEXTS] = {
        {octets, (uint32_t)size}, {octets, (uint32_t)size / 2}, {"sip:a", 5}};

    call_ring_put(call_records_ring(&records, (unsigned)size % WORKERS), &record, texts, 0);
}

static void ask_name(const uint8_t *octets, size_t size)
{
    struct name_asks *ring = &asks[size % WORKERS];
    struct name_ask *ask = &ring->ring[ring->head & (NAME_ASKS - 1)];
    if (ring->head - ring->tail == NAME_ASKS || size == 0)
        return;
    *ask = (struct name_ask){.peer = octets[0] % 3};
    ask->name.length = (uint8_t)(size < 200 ? size : 200);
    ask->name.service = octets[0] % 2;
    for (unsigned i = 0; i < ask->name.length; i++)
        ask->name.octets[i] = (char)('a' + octets[i] % 26);
    ring->head++;
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
    case 's':
    case 'u':
        send_snapshot(octets, size, what == 's');
        break;
    case 'w':
        work();
        break;
    case 't':
        now_ms += size > 0 ? 100u * octets[0] : 100;
        break;
    case 'r':
        end_call(octets, size);
        break;
    case 'n':
        ask_name(octets, size);
        break;
    case 'q':
        reading = !reading;
        break;
    case 'c':
        come();
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
    for (unsigned i = 0; i < 4; i++) {
        serve();
        work();
    }
    CHECK(answers == 1 && refused == 0);
}

static void reset(void)
{
    const struct siphash_key key = {{1, 2}};
    struct name_asks *of_workers[WORKERS] = {&asks[0], &asks[1]};
    const struct name_cache_options options = {&server, of_workers, WORKERS, &key, take_table, NULL};

    now_ms = 1000000;
    memset(asks, 0, sizeof(asks));
    for (unsigned i = 0; i < WORKERS; i++) {
        struct call_ring *ring = call_records_ring(&records, i);

        ring->head = ring->tail = ring->sequence = ring->lost = 0;
        records.sent[i] = 0;
    }
    dialog_requests_init(&requests, &server, &workers);
    CHECK(name_cache_init(&names, &options) == 0);
    come();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (workers.count == 0)
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
        CHECK(!requests.requests[i].used);
    work();
    serve();
    CHECK(!dialog_requests_busy(&requests));
    expect_service();
    leave();
    dialog_requests_fini(&requests);
    name_cache_fini(&names);
    take_table(NULL, NULL);
    CHECK(open_descriptors() == descriptors);
    return 0;
}
