// SPDX-License-Identifier: BSD-3-Clause
// One connection at a time. Whatever is wrong with a message ends the connection and nothing else: the next
// one is tried after RETRY_MIN_MS, then at doubled distances up to RETRY_MAX_MS, so that either program may
// start first or restart.
#include "channel.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "channel_check.h"
#include "channel_datagram.h"
#include "channel_queue.h"
#include "log.h"

#define RETRY_MIN_MS    250u
#define RETRY_MAX_MS    2000u
#define PENDING_MAX     512u // the daemon's clients are fewer, each has one request under way
#define MESSAGES_A_TURN 64u  // then other events have their turn
#define SWEEP_MS        100u // how late a deadline may be noticed

struct pending {
    uint32_t number; // 0: free
    enum channel_type type;
    uint32_t rows; // that may still come
    uint64_t deadline_ms;
    struct channel_answer answer;
};

struct channel {
    struct event_base *base;
    const struct channel_callbacks *callbacks;
    void *context;
    char *path;
    int fd;
    bool greeted;
    bool running; // its workers take commands
    struct event *readable;
    struct event *writable; // while commands wait
    struct channel_queue commands;
    uint64_t ua_boot; // the data plane's process, and the number that its next event has
    uint64_t ua_next;
    struct event *retry;
    struct event *sweep;
    uint32_t retry_ms;
    uint32_t last_number;
    uint32_t waiting;
    struct log_limit limit;
    char fault[CHANNEL_TEXT_SIZE];
    struct pending pending[PENDING_MAX];
    uint64_t datagram[CHANNEL_MESSAGE_MAX / 8];
};

static struct timeval interval(uint32_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static void finish(struct channel *channel, struct pending *pending, const struct channel_done *done)
{
    struct channel_answer answer = pending->answer;
    pending->number = 0;
    if (--channel->waiting == 0)
        event_del(channel->sweep);
    answer.done(answer.context, done);
}

static void fail_all(struct channel *channel, int result, const char *text)
{
    struct channel_done done = {.result = result};
    snprintf(done.text, sizeof(done.text), "%s", text);
    for (size_t i = 0; i < PENDING_MAX; i++)
        if (channel->pending[i].number)
            finish(channel, &channel->pending[i], &done);
}

static void schedule(struct channel *channel)
{
    struct timeval wait = interval(channel->retry_ms);
    if (!channel->path)
        return;
    event_add(channel->retry, &wait);
    channel->retry_ms = channel->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : channel->retry_ms * 2;
}

static void free_event(struct event **event)
{
    if (*event)
        event_free(*event);
    *event = NULL;
}

static void forget_connection(struct channel *channel)
{
    free_event(&channel->readable);
    free_event(&channel->writable);
    channel_queue_clear(&channel->commands);
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
}

static void drop(struct channel *channel, const char *why)
{
    if (channel->fd < 0)
        return;
    snprintf(channel->fault, sizeof(channel->fault), "%s", why);
    if (log_allowed(&channel->limit))
        log_event(LEVEL_WARNING, "dataplane_lost", "reason=\"%s\"", why);
    forget_connection(channel);
    channel->greeted = false;
    fail_all(channel, -ENOTCONN, "the connection to the dataplane was lost");
    channel->callbacks->lost(channel->context);
    schedule(channel);
}

static struct pending *find(struct channel *channel, uint32_t number)
{
    for (size_t i = 0; number && i < PENDING_MAX; i++)
        if (channel->pending[i].number == number)
            return &channel->pending[i];
    return NULL;
}

static const char *take_bans(struct pending *pending, const struct channel_ban_rows *rows)
{
    if (!pending->answer.bans || pending->rows < rows->count)
        return "bans that nobody asked for";
    pending->rows -= rows->count;
    pending->answer.bans(pending->answer.context, rows);
    return NULL;
}

// A row, or what ends a request. Returns NULL, or why the connection must end.
static const char *take_answer(struct channel *channel, const struct channel_header *header)
{
    if (header->request == 0 || header->request > channel->last_number)
        return "an answer to a request that was never made";
    struct pending *pending = find(channel, header->request);
    if (!pending)
        return NULL; // its deadline passed
    if (header->type == CHANNEL_BAN_ROWS)
        return take_bans(pending, (const void *)(header + 1));
    if (header->type != CHANNEL_DIALOG_ROW) {
        bool of_snapshot = header->type == CHANNEL_SNAPSHOT_RESULT;
        if (header->type != CHANNEL_REFUSED && of_snapshot != (pending->type == CHANNEL_SNAPSHOT))
            return "an answer to another kind of request";
        finish(channel, pending, (const void *)(header + 1));
        return NULL;
    }
    // More than was asked for could fill our memory.
    if (!pending->answer.row || pending->rows == 0)
        return "a dialog row that nobody asked for";
    pending->rows--;
    const struct channel_dialog_row *row = (const void *)(header + 1);
    pending->answer.row(pending->answer.context, row, (const char *)(row + 1));
    return NULL;
}

// What came on a connection before this one is not lost, what came between them is.
static void deliver_ua(struct channel *channel, const struct channel_event_run *run)
{
    const uint8_t *at = (const uint8_t *)(run + 1);
    uint64_t expected = channel->ua_next > 0 ? channel->ua_next : run->first - run->lost;
    if (run->first > expected && channel->callbacks->ua_lost)
        channel->callbacks->ua_lost(channel->context, run->first - expected);
    for (uint32_t i = 0; i < run->count && channel->callbacks->ua_event; i++) {
        const struct channel_ua_event *event = (const void *)at;
        at += channel_ua_event_size(event);
        if (run->first + i < expected) // it comes again
            continue;
        channel->ua_next = run->first + i + 1;
        if (channel->callbacks->ua_taking)
            channel->callbacks->ua_taking(channel->context, run->first + i);
        channel->callbacks->ua_event(channel->context, event, (const uint8_t *)(event + 1));
    }
    if (channel->ua_next < run->first + run->count)
        channel->ua_next = run->first + run->count;
}

void channel_expect_ua(struct channel *channel, uint64_t number)
{
    if (channel->ua_next == 0)
        channel->ua_next = number;
}

static void greet(struct channel *channel, const struct channel_hello *hello, int *fds)
{
    channel->greeted = true;
    channel->running = hello->state == CHANNEL_RUNNING;
    channel->retry_ms = RETRY_MIN_MS;
    channel->fault[0] = '\0';
    if (channel->ua_boot != hello->boot)
        channel->ua_next = 0;
    channel->ua_boot = hello->boot;
    channel->callbacks->hello(channel->context, hello, fds);
}

// Returns NULL, or why the connection must end.
static const char *deliver(struct channel *channel, int *fds)
{
    const struct channel_header *header = (const void *)channel->datagram;
    const void *body = header + 1;
    if (header->type == CHANNEL_HELLO) {
        greet(channel, body, fds);
        return NULL;
    }
    if (header->type == CHANNEL_REFUSED && header->request == 0)
        return "refused by the dataplane; another dialgate-control may be connected";
    if (!channel->greeted && header->type != CHANNEL_REFUSED)
        return "a message before the hello";
    if (header->type == CHANNEL_LISTENERS) {
        if (channel->callbacks->listeners)
            channel->callbacks->listeners(channel->context, fds,
                                          ((const struct channel_listeners *)body)->count);
        return NULL;
    }
    if (header->type == CHANNEL_EVENTS) {
        channel->callbacks->events(channel->context, body);
        return NULL;
    }
    if (header->type == CHANNEL_MEMBER_EVENTS) {
        channel->callbacks->member_events(channel->context, body);
        return NULL;
    }
    if (header->type == CHANNEL_BAN_EVENTS) {
        if (channel->callbacks->ban_events)
            channel->callbacks->ban_events(channel->context, body);
        return NULL;
    }
    if (header->type == CHANNEL_RECORDS) {
        channel->callbacks->records(channel->context, body);
        return NULL;
    }
    if (header->type == CHANNEL_UA_EVENTS) {
        deliver_ua(channel, body);
        return NULL;
    }
    if (header->type == CHANNEL_NAME_ASK) {
        channel->callbacks->name_ask(channel->context, &((const struct channel_name_ask *)body)->name);
        return NULL;
    }
    if (header->type == CHANNEL_CAPTURE_ENDED) {
        if (channel->callbacks->capture_ended)
            channel->callbacks->capture_ended(channel->context, body);
        return NULL;
    }
    return take_answer(channel, header);
}

// One datagram. Returns false when there is none, or the connection has ended.
static bool receive(struct channel *channel)
{
    union {
        char octets[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = channel->datagram, .iov_len = sizeof(channel->datagram)};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.octets,
                             .msg_controllen = sizeof(control.octets)};
    ssize_t got = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0) {
        drop(channel, got == 0 ? "the dataplane closed the connection" : strerror(errno));
        return false;
    }
    int fds[CHANNEL_FDS_MAX];
    size_t count = channel_datagram_fds(&message, fds);
    const char *wrong = NULL;
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        wrong = "datagram larger than the protocol allows";
    if (!wrong)
        wrong = channel_check(channel->datagram, (size_t)got, count);
    if (!wrong)
        wrong = deliver(channel, fds);
    channel_datagram_close(fds, count);
    if (wrong)
        drop(channel, wrong);
    return wrong == NULL && channel->fd >= 0;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct channel *channel = context;
    for (unsigned int i = 0; i < MESSAGES_A_TURN && receive(channel); i++)
        continue;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    struct channel *channel = context;
    int result = channel_queue_flush(&channel->commands, channel->fd);
    if (result < 0)
        drop(channel, strerror(-result));
    else if (!channel_queue_empty(&channel->commands))
        event_add(channel->writable, NULL);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct channel *channel = context;
    struct channel_done done = {.result = -ETIMEDOUT, .text = "dataplane does not answer"};
    uint64_t now = clock_ms();
    for (size_t i = 0; i < PENDING_MAX; i++)
        if (channel->pending[i].number && channel->pending[i].deadline_ms <= now)
            finish(channel, &channel->pending[i], &done);
}

int channel_attach(struct channel *channel, int fd)
{
    struct channel_hello hello = {.state = CHANNEL_CONTROL, .pid = (uint32_t)getpid()};
    struct channel_request greeting = {.type = CHANNEL_HELLO, .body = &hello, .fd = -1};
    channel->fd = fd;
    channel->last_number = 0;
    channel->readable = event_new(channel->base, fd, EV_READ | EV_PERSIST, on_readable, channel);
    channel->writable = event_new(channel->base, fd, EV_WRITE, on_writable, channel);
    int result =
        channel->readable && channel->writable ? channel_datagram_send(channel->fd, &greeting, 0) : -ENOMEM;
    if (result == 0 && event_add(channel->readable, NULL) == 0)
        return 0;
    forget_connection(channel);
    return result ? result : -ENOMEM;
}

static int connect_now(struct channel *channel)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", channel->path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int cause = errno;
        close(fd);
        return -cause;
    }
    return channel_attach(channel, fd);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    struct channel *channel = context;
    int result = connect_now(channel);
    if (result == 0)
        return;
    char fault[CHANNEL_TEXT_SIZE];
    snprintf(fault, sizeof(fault), "%s: %s", channel->path, strerror(-result));
    // Waiting is a state, not an event a second: only another reason is told.
    if (strcmp(fault, channel->fault) != 0)
        log_event(LEVEL_INFO, "dataplane_awaited", "reason=\"%s\"", fault);
    memcpy(channel->fault, fault, sizeof(channel->fault));
    schedule(channel);
}

struct channel *channel_create(struct event_base *base, const char *path,
                               const struct channel_callbacks *callbacks, void *context)
{
    struct channel *channel = calloc(1, sizeof(*channel));
    if (!channel)
        return NULL;
    channel->base = base;
    channel->callbacks = callbacks;
    channel->context = context;
    channel->fd = -1;
    channel->retry_ms = RETRY_MIN_MS;
    channel->retry = evtimer_new(base, on_retry, channel);
    channel->sweep = event_new(base, -1, EV_PERSIST, on_sweep, channel);
    channel->path = path ? strdup(path) : NULL;
    if (!channel->retry || !channel->sweep || (path && !channel->path)) {
        channel_destroy(channel);
        return NULL;
    }
    if (path)
        event_active(channel->retry, EV_TIMEOUT, 0);
    return channel;
}

void channel_destroy(struct channel *channel)
{
    if (!channel)
        return;
    fail_all(channel, -ENOTCONN, "dialgate-control is ending");
    forget_connection(channel);
    free_event(&channel->retry);
    free_event(&channel->sweep);
    free(channel->path);
    free(channel);
}

bool channel_ready(const struct channel *channel)
{
    return channel->fd >= 0 && channel->greeted;
}

const char *channel_fault(const struct channel *channel)
{
    return channel_ready(channel) ? "" : channel->fault;
}

static uint32_t rows_of(const struct channel_request *request)
{
    if (request->type == CHANNEL_DIALOG_LIST)
        return ((const struct channel_dialog_list *)request->body)->limit;
    if (request->type == CHANNEL_BAN_LIST)
        return ((const struct channel_ban_list *)request->body)->limit;
    return request->type == CHANNEL_DIALOG_SHOW ? CHANNEL_LIST_MAX : 0;
}

int channel_ask(struct channel *channel, const struct channel_request *request,
                const struct channel_answer *answer)
{
    if (!channel_ready(channel))
        return -ENOTCONN;
    struct pending *slot = NULL;
    for (size_t i = 0; i < PENDING_MAX && !slot; i++)
        if (channel->pending[i].number == 0)
            slot = &channel->pending[i];
    if (!slot)
        return -EAGAIN;
    if (channel->last_number == UINT32_MAX) { // numbers start again with the next connection
        drop(channel, "request numbers used up");
        return -ENOTCONN;
    }
    uint32_t number = channel->last_number + 1;
    int result = channel_datagram_send(channel->fd, request, number);
    if (result < 0)
        return result;
    channel->last_number = number;
    *slot =
        (struct pending){number, request->type, rows_of(request), clock_ms() + request->timeout_ms, *answer};
    struct timeval wait = interval(SWEEP_MS);
    if (channel->waiting++ == 0)
        event_add(channel->sweep, &wait);
    return 0;
}

int channel_tell(struct channel *channel, enum channel_type type, const void *body)
{
    const struct channel_request message = {.type = type, .body = body, .fd = -1};
    return channel_ready(channel) ? channel_datagram_send(channel->fd, &message, 0) : -ENOTCONN;
}

int channel_send_ua(struct channel *channel, const struct channel_ua_command *command, size_t octets)
{
    const struct channel_header header = {.magic = CHANNEL_MAGIC,
                                          .version = CHANNEL_VERSION,
                                          .type = CHANNEL_UA_COMMAND,
                                          .size = (uint32_t)(sizeof(header) + octets)};
    const struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)&header, .iov_len = sizeof(header)},
                                   {.iov_base = (void *)(uintptr_t)command, .iov_len = octets}};
    if (!channel_ready(channel) || !channel->running)
        return -ENOTCONN;
    if (octets < sizeof(*command) || octets != channel_ua_command_size(command))
        return -EINVAL;
    if (sizeof(header) + octets > CHANNEL_MESSAGE_MAX)
        return -EMSGSIZE;
    int result = channel_queue_send(&channel->commands, channel->fd, parts, 2);
    if (!channel_queue_empty(&channel->commands))
        event_add(channel->writable, NULL);
    return result == -EPIPE || result == -ECONNRESET ? -ENOTCONN : result;
}
