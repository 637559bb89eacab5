// SPDX-License-Identifier: BSD-3-Clause
// Blocking calls over one non-blocking stream socket: poll() until the deadline, so that a silent daemon
// costs the caller no more than the time it allowed.
#include "code.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)1 << 20)  // the daemon takes no longer line
#define REPLY_MAX   ((size_t)64 << 20) // longer answers are refused
#define READ_STEP   ((size_t)64 << 10)
#define KEPT_MAX    1024u // notifications that wait to be asked for
#define CROWD_MS    2000u // how long open waits for a place among those that the daemon has not accepted yet
#define CROWD_STEP  10u   // and how long between two tries

struct dg_client {
    int fd;
    bool closed;
    uint64_t last_id;
    char *buffer;
    size_t used;
    size_t size;
    json_t *kept; // array of notifications; NULL: none came yet
    uint64_t dropped;
    dg_take_part *take; // NULL: parts are kept
    void *context;
};

__attribute__((format(printf, 3, 4))) static enum dg_code fail(struct dg_error *error, enum dg_code code,
                                                               const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is just above
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return code;
}

static enum dg_code code_of_errno(int cause)
{
    if (cause == EACCES || cause == EPERM)
        return DG_PERMISSION;
    if (cause == EAGAIN)
        return DG_TIMEOUT;
    return cause == ENOMEM ? DG_NO_MEMORY : DG_NOT_CONNECTED;
}

// A Unix socket does not tell when there is room for one more that waits to be accepted (EAGAIN).
static int connect_to(int fd, const struct sockaddr_un *address)
{
    int result = -1;
    for (unsigned waited = 0; waited <= CROWD_MS; waited += CROWD_STEP) {
        result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
        if (result == 0 || errno != EAGAIN)
            break;
        (void)poll(NULL, 0, CROWD_STEP);
        errno = EAGAIN;
    }
    return result;
}

struct dg_client *dg_client_open(const char *path, struct dg_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = path ? path : DG_DEFAULT_SOCKET;
    if (strlen(name) >= sizeof(address.sun_path)) {
        fail(error, DG_BAD_ARGUMENT, "%s: longer than a socket's path may be", name);
        return NULL;
    }
    memcpy(address.sun_path, name, strlen(name) + 1);
    struct dg_client *client = calloc(1, sizeof(*client));
    if (!client) {
        fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
        return NULL;
    }
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect_to(client->fd, &address) < 0) {
        int cause = errno;
        fail(error, code_of_errno(cause), "%s: %s; %s", name,
             cause == EAGAIN ? "too many wait to be accepted" : strerror(cause),
             dg_code_text(code_of_errno(cause)));
        dg_client_close(client);
        return NULL;
    }
    return client;
}

int dg_client_fd(const struct dg_client *client)
{
    return client->fd;
}

void dg_client_close(struct dg_client *client)
{
    if (!client)
        return;
    if (client->fd >= 0)
        close(client->fd);
    json_decref(client->kept);
    free(client->buffer);
    free(client);
}

void dg_free(char *text)
{
    free(text);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// deadline_ms negative: none. Returns DG_OK when the descriptor is ready for events.
static enum dg_code wait_for(struct dg_client *client, short events, int64_t deadline_ms,
                             struct dg_error *error)
{
    for (;;) {
        struct pollfd one = {.fd = client->fd, .events = events};
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
        if (deadline_ms >= 0 && left < 0)
            left = 0;
        int ready = poll(&one, 1, (int)left);
        if (ready > 0)
            return DG_OK;
        if (ready == 0)
            return fail(error, DG_TIMEOUT, "dialgate-control: %s", dg_code_text(DG_TIMEOUT));
        if (errno != EINTR)
            return fail(error, DG_CLOSED, "poll: %s", strerror(errno));
    }
}

static enum dg_code send_all(struct dg_client *client, const char *text, size_t length, int64_t deadline_ms,
                             struct dg_error *error)
{
    while (length > 0) {
        ssize_t sent = send(client->fd, text, length, MSG_NOSIGNAL);
        if (sent >= 0) {
            text += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            enum dg_code code = wait_for(client, POLLOUT, deadline_ms, error);
            if (code != DG_OK) {
                client->closed = true; // half a line may have left
                return code;
            }
        } else if (errno != EINTR) {
            client->closed = true;
            return fail(error, DG_CLOSED, "dialgate-control: %s", strerror(errno));
        }
    }
    return DG_OK;
}

static enum dg_code read_more(struct dg_client *client, int64_t deadline_ms, struct dg_error *error)
{
    if (client->size - client->used < READ_STEP) {
        if (client->used >= REPLY_MAX) {
            client->closed = true;
            return fail(error, DG_BAD_REPLY, "the answer is longer than %zu octets", REPLY_MAX);
        }
        size_t size = client->size ? client->size * 2 : READ_STEP * 2;
        char *grown = realloc(client->buffer, size);
        if (!grown)
            return fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
        client->buffer = grown;
        client->size = size;
    }
    enum dg_code code = wait_for(client, POLLIN, deadline_ms, error);
    if (code != DG_OK)
        return code;
    ssize_t got = recv(client->fd, client->buffer + client->used, client->size - client->used, 0);
    if (got > 0) {
        client->used += (size_t)got;
        return DG_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return DG_OK;
    client->closed = true;
    return fail(error, DG_CLOSED, "dialgate-control closed the connection");
}

// One whole line, taken out of the buffer, as JSON in *line.
static enum dg_code read_line(struct dg_client *client, int64_t deadline_ms, json_t **line,
                              struct dg_error *error)
{
    size_t searched = 0;
    char *end;
    while (!(end = client->used > searched ? memchr(client->buffer + searched, '\n', client->used - searched)
                                           : NULL)) {
        searched = client->used;
        enum dg_code code = read_more(client, deadline_ms, error);
        if (code != DG_OK)
            return code;
    }
    size_t length = (size_t)(end - client->buffer);
    *line = json_loadb(client->buffer, length, 0, NULL);
    client->used -= length + 1;
    memmove(client->buffer, end + 1, client->used);
    if (json_is_object(*line))
        return DG_OK;
    json_decref(*line);
    client->closed = true;
    return fail(error, DG_BAD_REPLY, "%s", dg_code_text(DG_BAD_REPLY));
}

static enum dg_code take_reply(struct dg_client *client, json_t *reply, char **result, struct dg_error *error)
{
    json_t *value = json_object_get(reply, "result");
    json_t *refusal = json_object_get(reply, "error");
    if (value) {
        *result = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        return *result ? DG_OK : fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
    }
    if (!refusal) {
        client->closed = true;
        return fail(error, DG_BAD_REPLY, "%s", dg_code_text(DG_BAD_REPLY));
    }
    enum dg_code code = code_of_wire(json_integer_value(json_object_get(refusal, "code")));
    const char *text = json_string_value(json_object_get(refusal, "message"));
    return fail(error, code, "%s", text ? text : dg_code_text(code));
}

static char *make_request(uint64_t id, const char *method, const char *params)
{
    json_t *arguments = params ? json_loads(params, 0, NULL) : json_object();
    if (!json_is_object(arguments)) {
        json_decref(arguments);
        return NULL;
    }
    json_t *request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)id, "method",
                                method, "params", arguments);
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    return text;
}

static bool is_notification(const json_t *line)
{
    return json_is_string(json_object_get(line, "method")) && !json_object_get(line, "id");
}

static void keep(struct dg_client *client, json_t *notification)
{
    if (!client->kept)
        client->kept = json_array();
    if (json_array_size(client->kept) == KEPT_MAX) {
        json_array_remove(client->kept, 0);
        client->dropped++;
    }
    json_array_append(client->kept, notification);
}

// The oldest that was kept; NULL: none.
static json_t *take_kept(struct dg_client *client)
{
    json_t *first = json_incref(json_array_get(client->kept, 0));
    if (client->dropped > 0) {
        json_decref(first);
        first = json_pack("{s:s, s:{s:I}}", "method", "events.lost", "params", "count",
                          (json_int_t)client->dropped);
        client->dropped = 0;
    } else if (first) {
        json_array_remove(client->kept, 0);
    }
    return first;
}

enum dg_code dg_client_next(struct dg_client *client, int timeout_ms, char **notification,
                            struct dg_error *error)
{
    int64_t deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    json_t *line = take_kept(client);
    *notification = NULL;
    if (!line && client->closed)
        return fail(error, DG_CLOSED, "%s", dg_code_text(DG_CLOSED));
    while (!line) {
        enum dg_code code = read_line(client, deadline_ms, &line, error);
        if (code != DG_OK)
            return code;
        if (!is_notification(line)) { // the answer to a call that was given up
            json_decref(line);
            line = NULL;
        }
    }
    json_object_del(line, "jsonrpc");
    *notification = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    return *notification ? DG_OK : fail(error, DG_NO_MEMORY, "%s", dg_code_text(DG_NO_MEMORY));
}

void dg_client_on_part(struct dg_client *client, dg_take_part *take, void *context)
{
    client->take = take;
    client->context = context;
}

// True when the notification was a part of the answer to call id.
static bool give_part(const struct dg_client *client, const json_t *notification, uint64_t id)
{
    const json_t *params = json_object_get(notification, "params");
    const json_t *number = json_object_get(params, "id");
    if (!client->take || !json_is_integer(number) || json_integer_value(number) != (json_int_t)id)
        return false;
    char *text = json_dumps(params, JSON_COMPACT);
    if (text)
        client->take(client->context, text);
    free(text);
    return text != NULL;
}

enum dg_code dg_client_call(struct dg_client *client, const char *method, const char *params, int timeout_ms,
                            char **result, struct dg_error *error)
{
    int64_t deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    *result = NULL;
    if (client->closed)
        return fail(error, DG_CLOSED, "%s", dg_code_text(DG_CLOSED));
    uint64_t id = client->last_id + 1;
    char *text = make_request(id, method, params);
    size_t length = text ? strlen(text) : 0;
    if (!text || length + 1 > REQUEST_MAX) {
        free(text);
        return fail(error, DG_BAD_ARGUMENT, "%s: %s", method, dg_code_text(DG_BAD_ARGUMENT));
    }
    client->last_id = id;
    text[length] = '\n'; // the line end takes the place of the NUL: the length is known
    enum dg_code code = send_all(client, text, length + 1, deadline_ms, error);
    free(text);
    while (code == DG_OK) {
        json_t *reply = NULL;
        code = read_line(client, deadline_ms, &reply, error);
        if (code != DG_OK)
            break;
        if (is_notification(reply)) {
            if (!give_part(client, reply, id))
                keep(client, reply);
            else if (timeout_ms >= 0)
                deadline_ms = now_ms() + timeout_ms;
            json_decref(reply);
            continue;
        }
        json_t *number = json_object_get(reply, "id");
        // An answer without an id concerns the connection itself: the daemon could not read the line, or is
        // full.
        bool ours = json_integer_value(number) == (json_int_t)id || !json_is_integer(number);
        if (ours)
            code = take_reply(client, reply, result, error);
        json_decref(reply);
        if (ours)
            break;
    }
    return code;
}
