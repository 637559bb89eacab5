// SPDX-License-Identifier: BSD-3-Clause
// Octets of a client against the real control socket of a daemon without a dataplane. Whatever comes, each
// line that goes back is JSON-RPC 2.0, no line answers more requests than there were lines and batch rows,
// the connection ends soon after the client has, and nobody else loses his. The first octet says how the
// octets are cut into pieces.
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "rpc/server.h"
#include "sip_check.h"

#define TURNS       10000 // of the loop, until the daemon must have closed
#define PIECES_MAX  64
#define ANSWERS_MAX (64u << 20)

static struct event_base *base;
static struct control control;
static char directory[] = "/tmp/dialgate-fuzz-XXXXXX";
static char path[64];

static void end(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    if (system(command) != 0)
        perror(directory);
}

static void begin(void)
{
    static char error[ERROR_SIZE];
    struct control_options options = {LAB_YAML, directory, directory, NULL};
    signal(SIGPIPE, SIG_IGN);
    CHECK(mkdtemp(directory));
    atexit(end);
    snprintf(path, sizeof(path), "%s/control.sock", directory);
    base = event_base_new();
    CHECK(base && control_init(&control, base, &options, error, sizeof(error)) == 0);
    CHECK(rpc_server_create(&control, path, NULL, error, sizeof(error)));
    CHECK(control_connect(&control) == 0);
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static void check_answer(const json_t *answer)
{
    const char *version = json_string_value(json_object_get(answer, "jsonrpc"));
    const json_t *error = json_object_get(answer, "error");
    CHECK(version && strcmp(version, "2.0") == 0);
    CHECK(json_object_get(answer, "method") ||
          (json_object_get(answer, "id") != NULL &&
           (error != NULL) != (json_object_get(answer, "result") != NULL)));
    if (error)
        CHECK(json_integer_value(json_object_get(error, "code")) < 0 &&
              json_string_length(json_object_get(error, "message")) > 0);
}

static void check_lines(const char *text, size_t length)
{
    while (length > 0) {
        const char *line_end = memchr(text, '\n', length);
        CHECK(line_end);
        json_t *line = json_loadb(text, (size_t)(line_end - text), 0, NULL);
        CHECK(line);
        if (json_is_array(line)) {
            CHECK(json_array_size(line) > 0 && json_array_size(line) <= 101);
            for (size_t i = 0; i < json_array_size(line); i++)
                check_answer(json_array_get(line, i));
        } else {
            check_answer(line);
        }
        json_decref(line);
        length -= (size_t)(line_end + 1 - text);
        text = line_end + 1;
    }
}

// What came is appended; returns true when the daemon has closed.
static bool take(int fd, char **text, size_t *used)
{
    for (;;) {
        char block[65536];
        ssize_t got = recv(fd, block, sizeof(block), MSG_DONTWAIT);
        if (got <= 0)
            return got == 0;
        CHECK(*used + (size_t)got < ANSWERS_MAX);
        *text = realloc(*text, *used + (size_t)got);
        CHECK(*text);
        memcpy(*text + *used, block, (size_t)got);
        *used += (size_t)got;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t used = 0, sent = 1;
    bool closed = false, whole = false;
    if (size < 2)
        return 0;
    if (!base)
        begin();
    size_t piece = 1 + (size - 1) * data[0] / 255;
    if (piece < size / PIECES_MAX)
        piece = size / PIECES_MAX;
    int fd = connect_client();
    for (int turn = 0; turn < TURNS && !closed; turn++) {
        if (sent < size) {
            size_t left = size - sent < piece ? size - sent : piece;
            ssize_t taken = send(fd, data + sent, left, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += taken > 0 ? (size_t)taken : 0;
        } else if (!whole) {
            whole = true;
            shutdown(fd, SHUT_WR);
        }
        CHECK(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
        closed = take(fd, &text, &used);
    }
    CHECK(closed);
    check_lines(text, used);
    free(text);
    close(fd);
    CHECK(control.rpc.clients == 0);
    return 0;
}
