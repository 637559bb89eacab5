// SPDX-License-Identifier: BSD-3-Clause
// A client has one call under way: the next line is read when the answer is written and most of it is taken;
// a streamed answer goes on when most of the part before is taken. So a client can hold no more memory here
// than one line, one answer or part, and OUTPUT_HIGH octets, and who does not read holds up nobody else. Once
// a second is looked who left a line half or reads nothing at all.
#include "server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "call.h"
#include "follow.h"
#include "../control.h"
#include "../log.h"

#define OUTPUT_HIGH  (1u << 20)
#define OUTPUT_LOW   (64u << 10) // the next part of a stream is made then
#define LINES_A_TURN 64u
#define BACKLOG      512

struct client {
    struct rpc_server *server;  // NULL: the server has ended
    struct bufferevent *stream; // NULL: the client has gone, its last call has not
    bool busy;
    bool ended;               // sends no more; closed when answered
    struct follower follower; // of events.follow
    struct follower attached; // to an application
    uint64_t line_ms;         // when the line that is not whole yet was begun; 0: none
    uint64_t taken_ms;        // when it last read something, or had nothing to read
    void (*go)(void *what);   // a stream that waits for the client; NULL: none
    void *what;
    struct rpc_user user;
    LIST_ENTRY(client) link;
};

struct rpc_server {
    struct control *control;
    struct evconnlistener *listener;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct event *sweep;
    int lock;
    unsigned int count;
    struct log_limit limit;
    LIST_HEAD(clients, client) clients;
};

static void go_on(struct client *client)
{
    void (*go)(void *what) = client->go;
    client->go = NULL;
    go(client->what);
}

static void count_attached(struct client *client, int by)
{
    if (client->attached.app && !client->attached.listens)
        client->attached.app->attached += (unsigned)by;
}

static void hang_up(struct client *client)
{
    if (client->stream) {
        // A callback that waits its turn still holds the descriptor: the other end is told now.
        shutdown(bufferevent_getfd(client->stream), SHUT_RDWR);
        bufferevent_free(client->stream);
        client->stream = NULL;
        LIST_REMOVE(client, link);
        client->server->control->rpc.clients = --client->server->count;
        count_attached(client, -1);
        client->server = NULL;
    }
    if (client->go)
        go_on(client); // its call ends now, and that frees the client
    else if (!client->busy)
        free(client);
}

static void on_answer(void *context, char *line)
{
    struct client *client = context;
    client->busy = false;
    if (client->stream && line)
        bufferevent_write(client->stream, line, strlen(line));
    free(line);
    if (!client->stream)
        free(client);
    else
        bufferevent_trigger(client->stream, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

static void on_part(void *context, char *line)
{
    struct client *client = context;
    if (client->stream)
        bufferevent_write(client->stream, line, strlen(line));
    free(line);
}

static bool is_gone(void *context)
{
    const struct client *client = context;
    return client->stream == NULL;
}

static void when_taken(void *context, void (*go)(void *what), void *what)
{
    struct client *client = context;
    client->go = go;
    client->what = what;
    if (client->stream && evbuffer_get_length(bufferevent_get_output(client->stream)) <= OUTPUT_LOW)
        bufferevent_trigger(client->stream, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

static const struct rpc_stream parts = {on_part, when_taken, is_gone};

static void on_follow(void *context, const struct follower *follower)
{
    struct client *client = context;
    client->follower = *follower;
}

static void on_attach(void *context, const struct follower *follower)
{
    struct client *client = context;
    count_attached(client, -1);
    client->attached = *follower;
    count_attached(client, 1);
}

static struct ua_app *attached_to(void *context)
{
    const struct client *client = context;
    return client->attached.app;
}

static void pump(struct client *client)
{
    struct evbuffer *output = bufferevent_get_output(client->stream);
    follower_pump(&client->follower, client->server->control, output, OUTPUT_HIGH);
    follower_pump(&client->attached, client->server->control, output, OUTPUT_HIGH);
}

void rpc_server_tell(void *context)
{
    struct rpc_server *server = context;
    for (struct client *client = LIST_FIRST(&server->clients); client; client = LIST_NEXT(client, link))
        pump(client);
}

// Nothing more is read, and what was is dropped.
static void refuse_line(struct client *client, enum rpc_refusal refusal, const char *text)
{
    struct evbuffer *input = bufferevent_get_input(client->stream);
    char *line = rpc_error_line(DG_INVALID_REQUEST, text);
    client->server->control->rpc.refused[refusal]++;
    if (log_allowed(&client->server->limit))
        log_event(LEVEL_WARNING, "line_refused", "user=%s uid=%u pid=%d text=\"%s\"", client->user.name,
                  (unsigned)client->user.uid, (int)client->user.pid, text);
    bufferevent_disable(client->stream, EV_READ);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (line)
        bufferevent_write(client->stream, line, strlen(line));
    free(line);
    client->ended = true;
}

static void close_when_written(struct client *client)
{
    if (client->ended && !client->busy && evbuffer_get_length(bufferevent_get_output(client->stream)) == 0)
        hang_up(client);
}

static void on_read(struct bufferevent *stream, void *context)
{
    struct client *client = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    for (unsigned int i = 0; i < LINES_A_TURN; i++) {
        if (client->busy || evbuffer_get_length(bufferevent_get_output(stream)) > OUTPUT_HIGH)
            return;
        size_t length = 0;
        char *line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF);
        if (!line) {
            if (evbuffer_get_length(input) >= RPC_LINE_MAX && !client->ended)
                refuse_line(client, RPC_REFUSED_LINE_TOO_LONG, "a line may have 1 MiB");
            if (client->line_ms == 0 && evbuffer_get_length(input) > 0)
                client->line_ms = clock_ms();
            close_when_written(client);
            return;
        }
        client->line_ms = 0;
        struct rpc_answer answer = {on_answer,     client,    on_follow,  &parts,
                                    &client->user, on_attach, attached_to};
        client->busy = true;
        rpc_serve(client->server->control, line, length, &answer);
        free(line);
    }
    bufferevent_trigger(stream, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

static void on_write(struct bufferevent *stream, void *context)
{
    struct client *client = context;
    if (client->go)
        go_on(client);
    pump(client);
    on_read(stream, context);
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *context)
{
    struct client *client = context;
    if (info->n_deleted > 0 || info->orig_size == 0)
        client->taken_ms = clock_ms();
}

// True when it is gone.
static bool cut_if_stuck(struct client *client, uint64_t now, const struct config_control_view *view)
{
    size_t waiting = evbuffer_get_length(bufferevent_get_output(client->stream));
    if (waiting == 0 || now - client->taken_ms < view->reader_timeout_ms)
        return false;
    client->server->control->rpc.refused[RPC_REFUSED_SLOW_READER]++;
    log_event(LEVEL_WARNING, "reader_cut", "user=%s uid=%u pid=%d octets=%zu", client->user.name,
              (unsigned)client->user.uid, (int)client->user.pid, waiting);
    hang_up(client);
    return true;
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct rpc_server *server = context;
    const struct config_control_view view = config_control_view(server->control->active.config);
    uint64_t now = clock_ms();
    for (struct client *client = LIST_FIRST(&server->clients), *next; client; client = next) {
        next = LIST_NEXT(client, link);
        if (!cut_if_stuck(client, now, &view) && !client->busy && !client->ended && client->line_ms > 0 &&
            now - client->line_ms >= view.line_timeout_ms)
            refuse_line(client, RPC_REFUSED_HALF_LINE, "a line must be whole within control.line_timeout");
    }
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    struct client *client = context;
    if ((what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING)) {
        // Half-closed: what was asked is still answered (printf ... | nc -U).
        client->ended = true;
        on_read(stream, client);
        return;
    }
    if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
        hang_up(client);
}

static void refuse_client(struct rpc_server *server, int fd, const struct rpc_user *user,
                          enum rpc_refusal refusal)
{
    char text[DG_ERROR_TEXT_SIZE], way[128];
    const struct config_control_view view = config_control_view(server->control->active.config);
    bool stranger = refusal == RPC_REFUSED_STRANGER;
    if (stranger)
        snprintf(text, sizeof(text), "user %s has no role; %s", user->name,
                 role_way(&view, ROLE_VIEWER, way, sizeof(way)));
    else
        snprintf(text, sizeof(text), "too many clients of the control socket: %u; close some", server->count);
    char *line = rpc_error_line(stranger ? DG_DENIED : DG_REFUSED, text);
    server->control->rpc.refused[refusal]++;
    // Who does not take so little at once is not told.
    ssize_t told = line ? send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (log_allowed(&server->limit))
        log_event(LEVEL_WARNING, "client_refused", "user=%s uid=%u pid=%d clients=%u told=%d text=\"%s\"",
                  user->name, (unsigned)user->uid, (int)user->pid, server->count, told > 0, text);
    free(line);
    close(fd);
}

// RPC_REFUSAL_COUNT: it may come in.
static enum rpc_refusal judge_client(const struct rpc_server *server, const struct rpc_user *user,
                                     uint32_t places)
{
    if (user->role == ROLE_NONE)
        return RPC_REFUSED_STRANGER;
    if (user->role < ROLE_ADMIN)
        places -= places / RPC_ADMIN_PART;
    return server->count < places ? RPC_REFUSAL_COUNT : RPC_REFUSED_CLIENTS;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context)
{
    struct rpc_server *server = context;
    struct rpc_user user;
    const struct config_control_view view = config_control_view(server->control->active.config);
    role_of_peer(fd, &view, &user);
    enum rpc_refusal refusal = judge_client(server, &user, view.clients);
    struct client *client = refusal == RPC_REFUSAL_COUNT ? calloc(1, sizeof(*client)) : NULL;
    struct bufferevent *stream =
        client ? bufferevent_socket_new(server->control->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
    if (!stream) {
        free(client);
        refuse_client(server, fd, &user, refusal == RPC_REFUSAL_COUNT ? RPC_REFUSED_CLIENTS : refusal);
        return;
    }
    *client = (struct client){.server = server, .stream = stream, .user = user, .taken_ms = clock_ms()};
    LIST_INSERT_HEAD(&server->clients, client, link);
    server->control->rpc.clients = ++server->count;
    bufferevent_setcb(stream, on_read, on_write, on_event, client);
    // Reading stops at the limit; a whole line of the limit's size and its end must fit.
    bufferevent_setwatermark(stream, EV_READ, 0, RPC_LINE_MAX + 1);
    bufferevent_setwatermark(stream, EV_WRITE, OUTPUT_LOW, 0);
    evbuffer_add_cb(bufferevent_get_output(stream), on_output, client);
    bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct rpc_server *server = context;
    if (log_allowed(&server->limit))
        log_event(LEVEL_ERROR, "accept_failed", "errno=%d", errno);
}

// 0 when path is free now, or -errno with one line in error.
static int clear_path(const struct sockaddr_un *address, char *error, size_t size)
{
    struct stat status;
    const char *path = address->sun_path;
    if (lstat(path, &status) < 0) {
        if (errno == ENOENT)
            return 0;
        snprintf(error, size, "%s: %s", path, strerror(errno));
        return -EACCES;
    }
    if (status.st_uid != geteuid()) {
        snprintf(error, size,
                 "%s: belongs to user %u, not to user %u; remove it, or use another --run-directory", path,
                 (unsigned int)status.st_uid, (unsigned int)geteuid());
        return -EPERM;
    }
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(error, size, "%s: is not a socket; remove it, or use another --run-directory", path);
        return -EEXIST;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive =
        fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    if (alive) {
        snprintf(error, size, "%s: in use by another process; stop it, or use another --run-directory", path);
        return -EADDRINUSE;
    }
    if (unlink(path) < 0) {
        snprintf(error, size, "%s: stale socket not removed: %s", path, strerror(errno));
        return -EPERM;
    }
    return 0;
}

static int take_lock(const char *socket_path, char *error, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s.lock", socket_path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        snprintf(error, size, "%s: %s; check the owner of the run directory", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        snprintf(error, size,
                 "%s: another dialgate-control runs here; stop it, or use another --run-directory",
                 socket_path);
        close(fd);
        return -1;
    }
    return fd;
}

static void give_to_group(const char *path, const char *group)
{
    const struct group *entry = group && group[0] ? getgrnam(group) : NULL;
    if (!entry)
        log_event(LEVEL_WARNING, "group_missing",
                  "group=\"%s\" path=\"%s\" text=\"only the owner can use the socket\"", group ? group : "",
                  path);
    else if (chown(path, (uid_t)-1, entry->gr_gid) < 0)
        log_event(LEVEL_WARNING, "group_not_set", "group=\"%s\" path=\"%s\" errno=%d", group, path, errno);
}

static int bind_socket(const struct sockaddr_un *address, const char *group, char *error, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old = umask(0117); // from its first moment nobody else may connect
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    umask(old);
    if (!bound) {
        snprintf(error, size, "%s: %s", address->sun_path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    give_to_group(address->sun_path, group);
    return fd;
}

struct rpc_server *rpc_server_create(struct control *control, const char *path, const char *group,
                                     char *error, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        snprintf(error, size, "%s: longer than a socket's path may be; use another --run-directory", path);
        return NULL;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    struct rpc_server *server = calloc(1, sizeof(*server));
    if (!server) {
        snprintf(error, size, "out of memory");
        return NULL;
    }
    server->control = control;
    server->lock = take_lock(path, error, size);
    if (server->lock < 0)
        goto failed;
    if (clear_path(&address, error, size) < 0)
        goto failed;
    int fd = bind_socket(&address, group, error, size);
    if (fd < 0)
        goto failed;
    memcpy(server->path, address.sun_path, sizeof(server->path));
    server->listener = evconnlistener_new(control->base, on_accept, server,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (!server->listener) {
        snprintf(error, size, "%s: listen: %s", path, strerror(errno));
        close(fd);
        unlink(path);
        goto failed;
    }
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    static const struct timeval second = {1, 0};
    server->sweep = event_new(control->base, -1, EV_PERSIST, on_sweep, server);
    if (!server->sweep || event_add(server->sweep, &second) < 0) {
        snprintf(error, size, "out of memory");
        rpc_server_destroy(server);
        return NULL;
    }
    return server;
failed:
    if (server->lock >= 0)
        close(server->lock);
    free(server);
    return NULL;
}

void rpc_server_destroy(struct rpc_server *server)
{
    if (!server)
        return;
    struct client *client = LIST_FIRST(&server->clients);
    while (client) {
        struct client *next = LIST_NEXT(client, link);
        hang_up(client);
        client = next;
    }
    if (server->sweep)
        event_free(server->sweep);
    evconnlistener_free(server->listener);
    unlink(server->path);
    close(server->lock);
    free(server);
}
