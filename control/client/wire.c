// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "code.h"

#define REQUEST_MAX ((size_t)1 << 20)  // the daemon takes no longer line
#define LINE_MAX    ((size_t)64 << 20) // longer ones are refused
#define OUT_MAX     ((size_t)16 << 20) // that the daemon has not taken
#define READ_STEP   ((size_t)64 << 10)
#define READS       16u // of one turn, that callbacks get theirs

int64_t wire_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wire_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? -1 : wire_now_ms() + timeout_ms;
}

static bool watch(int epoll, int fd, uint32_t events, int op)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, op, fd, &event) == 0;
}

bool wire_open(struct dg_agent *agent)
{
    agent->inner = epoll_create1(EPOLL_CLOEXEC);
    agent->outer = epoll_create1(EPOLL_CLOEXEC);
    agent->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    agent->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return agent->inner >= 0 && agent->outer >= 0 && agent->wake >= 0 && agent->timer >= 0 &&
           watch(agent->inner, agent->timer, EPOLLIN, EPOLL_CTL_ADD) &&
           watch(agent->outer, agent->inner, EPOLLIN, EPOLL_CTL_ADD) &&
           watch(agent->outer, agent->wake, EPOLLIN, EPOLL_CTL_ADD);
}

void wire_close(struct dg_agent *agent)
{
    const int fds[] = {agent->fd, agent->inner, agent->outer, agent->wake, agent->timer};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(agent->in);
    free(agent->out);
}

void wire_wake(struct dg_agent *agent, bool on)
{
    uint64_t count = 1;
    if (on == agent->awake)
        return;
    agent->awake = on;
    ssize_t result =
        on ? write(agent->wake, &count, sizeof(count)) : read(agent->wake, &count, sizeof(count));
    (void)result; // a counter of 1 can always be written, and read
}

void wire_retry_in(struct dg_agent *agent, unsigned delay_ms)
{
    struct itimerspec when = {.it_value = {delay_ms / 1000, (long)(delay_ms % 1000) * 1000000}};
    timerfd_settime(agent->timer, 0, &when, NULL);
}

int wire_connect(struct dg_agent *agent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(agent->socket) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, agent->socket, strlen(agent->socket) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        !watch(agent->inner, fd, EPOLLIN, EPOLL_CTL_ADD)) {
        int cause = errno;
        close(fd);
        return -cause;
    }
    agent->fd = fd;
    agent->writing = false;
    agent->in_used = agent->out_used = 0;
    return 0;
}

void wire_kick(struct dg_agent *agent)
{
    const struct itimerspec now = {.it_value = {0, 1}};
    timerfd_settime(agent->timer, 0, &now, NULL);
    pthread_cond_broadcast(&agent->changed);
}

void rpc_fini(struct rpc *rpc)
{
    json_decref(rpc->result);
    dg_request_unref(rpc->request);
    dg_dialog_unref(rpc->dialog);
}

// The handles of what has begun.
static void adopt(struct dg_agent *agent, struct rpc *rpc)
{
    const char *request = line_id(rpc->result, "request"), *refer = line_id(rpc->result, "refer");
    const char *dialog = line_id(rpc->result, "dialog");
    if (rpc->wants_dialog && !rpc->dialog && *dialog) {
        rpc->dialog = handle_dialog(agent, dialog);
        if (rpc->dialog)
            dg_dialog_ref(rpc->dialog)->late_ack = rpc->late_ack;
    }
    if (!rpc->wants_request || (!*request && !*refer))
        return;
    rpc->request = handle_request(agent, *refer ? refer : request, rpc->dialog);
    if (!rpc->request)
        return;
    rpc->request->ours = true;
    rpc->request->refer = *refer != '\0';
    snprintf(rpc->request->method, sizeof(rpc->request->method), "%s", rpc->method);
    snprintf(rpc->request->tag, sizeof(rpc->request->tag), "%s", rpc->tag);
    handle_list_request(rpc->request);
}

static void finish(struct dg_agent *agent, struct rpc *rpc, enum dg_code code, const char *text)
{
    TAILQ_REMOVE(&agent->waiting, rpc, link);
    rpc->code = code;
    snprintf(rpc->text, sizeof(rpc->text), "%s", *text || code == DG_OK ? text : dg_code_text(code));
    if (code == DG_OK && !agent->closed)
        adopt(agent, rpc);
    rpc->finished = true;
    if (rpc->take)
        rpc->take(agent, rpc);
    else if (rpc->done)
        event_result(agent, rpc);
    pthread_cond_broadcast(&agent->changed);
}

void wire_shut(struct dg_agent *agent, enum dg_code code, const char *text)
{
    struct rpc *rpc;
    if (agent->fd >= 0)
        close(agent->fd); // and out of the inner descriptor with it
    agent->fd = -1;
    while ((rpc = TAILQ_FIRST(&agent->waiting)))
        finish(agent, rpc, code, text);
}

void wire_forget(struct dg_agent *agent, struct rpc *rpc)
{
    if (!rpc->finished)
        TAILQ_REMOVE(&agent->waiting, rpc, link);
    rpc->finished = true;
}

// --- out ---

static void watch_room(struct dg_agent *agent, bool on)
{
    if (on == agent->writing)
        return;
    agent->writing = on;
    watch(agent->inner, agent->fd, on ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void flush(struct dg_agent *agent)
{
    size_t sent = 0;
    while (sent < agent->out_used) {
        ssize_t count = send(agent->fd, agent->out + sent, agent->out_used - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            break; // a connection that has ended is seen by reading
        sent += (size_t)count;
    }
    agent->out_used -= sent;
    memmove(agent->out, agent->out + sent, agent->out_used);
    watch_room(agent, agent->out_used > 0);
}

static bool append(struct dg_agent *agent, const char *text, size_t length)
{
    if (agent->out_size - agent->out_used < length + 1) {
        size_t size = (agent->out_used + length + 1) * 2;
        char *grown = realloc(agent->out, size);
        if (!grown)
            return false;
        agent->out = grown;
        agent->out_size = size;
    }
    memcpy(agent->out + agent->out_used, text, length);
    agent->out[agent->out_used + length] = '\n';
    agent->out_used += length + 1;
    return true;
}

enum dg_code wire_send(struct dg_agent *agent, struct rpc *rpc, const char *method, json_t *params)
{
    json_t *request = params ? json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
                                         (json_int_t)agent->last_id + 1, "method", method, "params", params)
                             : NULL;
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    size_t length = text ? strlen(text) : 0;
    enum dg_code code = !text                       ? DG_NO_MEMORY
                        : length >= REQUEST_MAX     ? DG_BAD_ARGUMENT
                        : agent->fd < 0             ? DG_NOT_CONNECTED
                        : agent->out_used > OUT_MAX ? DG_RESOURCES
                                                    : DG_OK;
    if (code == DG_OK && !append(agent, text, length))
        code = DG_NO_MEMORY;
    json_decref(request);
    free(text);
    if (code != DG_OK)
        return code;
    rpc->id = ++agent->last_id;
    rpc->finished = false;
    TAILQ_INSERT_TAIL(&agent->waiting, rpc, link);
    flush(agent);
    return DG_OK;
}

// --- in ---

static void take_reply(struct dg_agent *agent, struct line *line)
{
    struct rpc *rpc = NULL;
    TAILQ_FOREACH(rpc, &agent->waiting, link)
    {
        if (rpc->id != line->id)
            continue;
        rpc->result = json_incref(line->value);
        finish(agent, rpc, line->value ? DG_OK : code_of_wire(line->code), line->text);
        return;
    }
}

// False: the connection is not good any more.
static bool take_line(struct dg_agent *agent, const char *text, size_t length)
{
    struct line line = line_read(text, length);
    if (line.kind == LINE_REPLY && line.id)
        take_reply(agent, &line);
    else if (line.kind == LINE_REPLY) // it concerns the connection itself
        agent_log(agent, "dialgate-control: %s", line.text);
    else if (line.kind == LINE_EVENT && agent->link != LINK_DOWN)
        event_take(agent, line.value);
    json_decref(line.json);
    return line.kind != LINE_BAD;
}

static bool take_lines(struct dg_agent *agent, size_t searched)
{
    size_t begin = 0;
    const char *end;
    while (agent->fd >= 0 && (end = memchr(agent->in + searched, '\n', agent->in_used - searched)) != NULL) {
        size_t length = (size_t)(end - agent->in) - begin;
        if (!take_line(agent, agent->in + begin, length))
            return false;
        begin += length + 1;
        searched = begin;
    }
    if (agent->fd >= 0) {
        agent->in_used -= begin;
        memmove(agent->in, agent->in + begin, agent->in_used);
    }
    return true;
}

static bool make_room(struct dg_agent *agent)
{
    if (agent->in_size - agent->in_used >= READ_STEP)
        return true;
    size_t size = agent->in_size ? agent->in_size * 2 : READ_STEP * 2;
    char *grown = agent->in_used < LINE_MAX ? realloc(agent->in, size) : NULL;
    if (!grown)
        return false;
    agent->in = grown;
    agent->in_size = size;
    return true;
}

void wire_io(struct dg_agent *agent)
{
    uint64_t due;
    if (read(agent->timer, &due, sizeof(due)) == (ssize_t)sizeof(due) && agent->link == LINK_DOWN)
        link_retry(agent);
    if (agent->fd >= 0 && agent->out_used > 0)
        flush(agent);
    for (unsigned i = 0; i < READS && agent->fd >= 0; i++) {
        if (!make_room(agent)) {
            link_lost(agent, "a line is too long");
            return;
        }
        ssize_t got = recv(agent->fd, agent->in + agent->in_used, agent->in_size - agent->in_used, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            link_lost(agent, "dialgate-control closed the connection");
            return;
        }
        size_t searched = agent->in_used;
        agent->in_used += (size_t)got;
        if (!take_lines(agent, searched)) {
            link_lost(agent, dg_code_text(DG_BAD_REPLY));
            return;
        }
    }
}

static void until(const struct dg_agent *agent, int64_t left_ms, struct timespec *when)
{
    clock_gettime(CLOCK_MONOTONIC, when);
    when->tv_sec += left_ms / 1000;
    when->tv_nsec += left_ms % 1000 * 1000000;
    if (when->tv_nsec >= 1000000000) {
        when->tv_sec++;
        when->tv_nsec -= 1000000000;
    }
}

bool wire_turn(struct dg_agent *agent, int64_t deadline_ms)
{
    int64_t left = deadline_ms < 0 ? 60000 : deadline_ms - wire_now_ms();
    struct timespec when;
    if (left <= 0)
        return false;
    left = left > 60000 ? 60000 : left;
    if (agent->reading) {
        until(agent, left, &when);
        pthread_cond_timedwait(&agent->changed, &agent->lock, &when);
        return true;
    }
    struct pollfd one = {.fd = agent->inner, .events = POLLIN};
    agent->reading = true;
    pthread_mutex_unlock(&agent->lock);
    (void)poll(&one, 1, (int)left);
    pthread_mutex_lock(&agent->lock);
    agent->reading = false;
    wire_io(agent);
    pthread_cond_broadcast(&agent->changed); // another one reads, if this one has what it waits for
    return true;
}
