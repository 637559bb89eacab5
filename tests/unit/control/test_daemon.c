// SPDX-License-Identifier: BSD-3-Clause
// The real dialgate-control on a run directory of its own, without a dataplane, through libdialgate, raw
// sockets and the real dialgatectl. Arguments: the two programs.
#include "cmocka_first.h"
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "process.h"

static void test_status_says_waiting(void **state)
{
    struct world *world = *state;
    struct dg_error error = {0};
    struct dg_client *client = daemon_connect(world);
    char *text = NULL;
    assert_int_equal(dg_client_call(client, "system.status", NULL, DEADLINE_MS, &text, &error), DG_OK);
    json_t *status = json_loads(text, 0, NULL);
    assert_true(json_is_false(json_object_get(status, "ready")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(status, "dataplane"), "state")),
                        "absent");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "control"), "pid")),
                     world->daemon);
    json_decref(status);
    dg_free(text);
    dg_client_close(client);
}

static void test_library_errors(void **state)
{
    static const struct {
        const char *method;
        const char *params;
        enum dg_code code;
    } rows[] = {{"nothing", NULL, DG_UNKNOWN_METHOD},
                {"peer.show", "{}", DG_INVALID_PARAMS},
                {"peer.show", "{\"peer\":\"x\"}", DG_NOT_FOUND},
                {"dialog.list", NULL, DG_UNAVAILABLE},
                {"peer.list", "[]", DG_BAD_ARGUMENT},
                {"peer.list", "{", DG_BAD_ARGUMENT},
                {"config.check", "{\"text\":\"a: b\"}", DG_REFUSED},
                {"peer.list", "{}", DG_OK}};
    struct world *world = *state;
    struct dg_client *client = daemon_connect(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dg_error error = {0};
        char *text = (char *)1;
        assert_int_equal(dg_client_call(client, rows[i].method, rows[i].params, DEADLINE_MS, &text, &error),
                         rows[i].code);
        assert_true((text != NULL) == (rows[i].code == DG_OK));
        assert_int_equal(error.code, rows[i].code);
        assert_true((error.text[0] != '\0') == (rows[i].code != DG_OK));
        dg_free(text);
    }
    char *text;
    char *huge = malloc(2u << 20);
    memset(huge, 'x', (2u << 20) - 1);
    memcpy(huge, "{\"text\":\"", 9);
    memcpy(huge + (2u << 20) - 3, "\"}", 3);
    assert_int_equal(dg_client_call(client, "config.check", huge, DEADLINE_MS, &text, NULL), DG_BAD_ARGUMENT);
    free(huge);
    struct dg_error error;
    assert_null(dg_client_open("/nonexistent/control.sock", &error));
    assert_int_equal(error.code, DG_NOT_CONNECTED);
    // A stopped daemon: the call ends in time, the late answer is skipped.
    kill(world->daemon, SIGSTOP);
    assert_int_equal(dg_client_call(client, "peer.list", NULL, 50, &text, &error), DG_TIMEOUT);
    kill(world->daemon, SIGCONT);
    assert_int_equal(dg_client_call(client, "api.list", NULL, DEADLINE_MS, &text, &error), DG_OK);
    assert_non_null(strstr(text, "system.status"));
    dg_free(text);
    kill(world->daemon, SIGTERM);
    assert_int_equal(process_finish(world->daemon), 0);
    world->daemon = 0;
    assert_int_equal(dg_client_call(client, "peer.list", NULL, DEADLINE_MS, &text, &error), DG_CLOSED);
    assert_int_equal(dg_client_call(client, "peer.list", NULL, DEADLINE_MS, &text, &error), DG_CLOSED);
    dg_client_close(client);
}

static int raw_connection(const struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = DEADLINE_MS / 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", world->socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

// Reads until the other side closes; returns the octets.
static size_t drain(int fd, char *buffer, size_t size)
{
    size_t used = 0;
    ssize_t got;
    while ((got = recv(fd, buffer + used, size - 1 - used, 0)) > 0)
        used += (size_t)got;
    buffer[used] = '\0';
    assert_int_equal(got, 0); // closed, not silent
    return used;
}

// Those that wait to be accepted fill the socket's queue while the daemon stands still.
static void test_crowded_socket(void **state)
{
    enum { MOST = 4096 };
    static int crowd[MOST];
    struct world *world = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct dg_error error;
    size_t count = 0;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", world->socket);
    kill(world->daemon, SIGSTOP);
    while (count < MOST) {
        crowd[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(crowd[count] >= 0);
        if (connect(crowd[count++], (struct sockaddr *)&address, sizeof(address)) < 0)
            break;
    }
    assert_int_equal(errno, EAGAIN);
    assert_null(dg_client_open(world->socket, &error));
    assert_int_equal(error.code, DG_TIMEOUT);
    assert_non_null(strstr(error.text, "too many wait"));
    while (count > 0)
        close(crowd[--count]);
    pid_t waker = fork();
    if (waker == 0) {
        (void)poll(NULL, 0, 100);
        kill(world->daemon, SIGCONT);
        _exit(0);
    }
    struct dg_client *client = dg_client_open(world->socket, &error);
    assert_non_null(client);
    assert_int_equal(process_finish(waker), 0);
    dg_client_close(client);
}

static void test_lines(void **state)
{
    static const char three[] = "garbage\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"api.list\"}\n"
                                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"peer.list\"}\nno end";
    char *answer = malloc(1u << 20);
    int fd = raw_connection(*state);
    assert_int_equal(send(fd, three, sizeof(three) - 1, 0), sizeof(three) - 1);
    shutdown(fd, SHUT_WR); // what was asked is still answered, in order
    drain(fd, answer, 1u << 20);
    close(fd);
    char *parse = strstr(answer, "-32700");
    char *first = strstr(answer, "\"id\":1");
    char *second = strstr(answer, "\"id\":2");
    assert_true(parse && first && second && parse < first && first < second);
    free(answer);
}

static void test_endless_line_is_refused(void **state)
{
    static char block[65536];
    char answer[1024];
    int fd = raw_connection(*state);
    memset(block, 'x', sizeof(block));
    size_t sent = 0;
    for (;;) { // without a line end, until it is told
        struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT};
        assert_int_equal(poll(&one, 1, DEADLINE_MS), 1);
        if (one.revents & POLLIN)
            break;
        ssize_t taken = send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += taken > 0 ? (size_t)taken : 0;
        assert_true(sent < 4u << 20);
    }
    assert_true(sent >= 1u << 20);
    ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);
    assert_true(got > 0);
    answer[got] = '\0';
    assert_non_null(strstr(answer, "-32600"));
    close(fd);
    dg_client_close(daemon_connect(*state)); // others are served
}

static void test_too_many_clients(void **state)
{
    struct world *world = *state;
    int fds[256];
    char answer[1024];
    for (size_t i = 0; i < 256; i++)
        fds[i] = raw_connection(world);
    int late = raw_connection(world);
    drain(late, answer, sizeof(answer));
    assert_non_null(strstr(answer, "too many clients"));
    close(late);
    for (size_t i = 0; i < 256; i++)
        close(fds[i]);
    struct dg_client *client = daemon_connect(world);
    char *text = NULL;
    int waited = 0;
    while (dg_client_call(client, "peer.list", NULL, DEADLINE_MS, &text, NULL) != DG_OK && waited++ < 100) {
        dg_client_close(client);
        poll(NULL, 0, 20);
        client = daemon_connect(world);
    }
    assert_non_null(text);
    dg_free(text);
    dg_client_close(client);
}

static void test_second_start_is_refused(void **state)
{
    struct world *world = *state;
    char output[4096];
    const char *words[] = {control_program, "-c", world->config, "--run-directory", world->run, NULL};
    assert_int_equal(process_run(world, words, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "another dialgate-control runs here"));
    struct dg_client *client = daemon_connect(world); // the first one was not disturbed
    dg_client_close(client);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct world *world = *state;
    kill(world->daemon, SIGKILL);
    process_finish(world->daemon);
    assert_int_equal(access(world->socket, F_OK), 0);
    world->daemon = daemon_start(world);
    dg_client_close(daemon_connect(world));
}

static void test_what_is_no_socket_is_left(void **state)
{
    struct world *world = *state;
    char output[4096];
    char other[160];
    char path[192];
    const char *words[] = {control_program, "-c", world->config, "--run-directory", other, NULL};
    snprintf(other, sizeof(other), "%s/other", world->directory);
    snprintf(path, sizeof(path), "%s/control.sock", other);
    assert_int_equal(mkdir(other, 0700), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(process_run(world, words, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "is not a socket"));
    assert_int_equal(access(path, F_OK), 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(process_run(world, words, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "belongs to user 12345"));
    assert_int_equal(access(path, F_OK), 0);
}

static void test_port_in_use(void **state)
{
    struct world *world = *state;
    char output[4096];
    char other[160];
    char port[32];
    const char *words[] = {control_program, "-c", world->config, "--run-directory", other, NULL};
    snprintf(other, sizeof(other), "%s/other", world->directory);
    snprintf(port, sizeof(port), ":%u", world->port);
    assert_int_equal(process_run(world, words, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "metrics.listen"));
    assert_non_null(strstr(output, port));
    assert_non_null(strstr(output, "in use"));
}

static void test_socket_mode(void **state)
{
    struct world *world = *state;
    struct stat status;
    assert_int_equal(stat(world->socket, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(stat(world->run, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
}

static void test_command_line(void **state)
{
    struct world *world = *state;
    char output[16384];
    static const struct {
        const char *words[4];
        int status;
        const char *says;
    } rows[] = {{{"-n", "-c", "CONFIG"}, 0, ""},
                {{"-nv", "-c", "CONFIG"}, 0, "listeners:"},
                {{"-v", "-c", "CONFIG"}, 2, "usage:"},
                {{"-n"}, 2, "usage:"},
                {{"-n", "-c", "CONFIG", "more"}, 2, "usage:"},
                {{"--nothing"}, 2, "unrecognized"},
                {{"-n", "-c", "/nonexistent.yaml"}, 1, "/nonexistent.yaml"},
                {{"--help"}, 0, "usage:"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *words[6] = {control_program};
        for (size_t k = 0; k < 4 && rows[i].words[k]; k++)
            words[k + 1] = strcmp(rows[i].words[k], "CONFIG") == 0 ? world->config : rows[i].words[k];
        assert_int_equal(process_run(world, words, output, sizeof(output)), rows[i].status);
        assert_non_null(strstr(output, rows[i].says));
    }
}

static bool log_says(const struct world *world, const char *text)
{
    char log[32768];
    for (int waited = 0; waited < DEADLINE_MS; waited += 10) {
        FILE *file = fopen(world->log, "r");
        size_t length = file ? fread(log, 1, sizeof(log) - 1, file) : 0;
        log[length] = '\0';
        if (file)
            fclose(file);
        if (strstr(log, text))
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static void test_hangup_reloads(void **state)
{
    struct world *world = *state;
    kill(world->daemon, SIGHUP);
    assert_true(log_says(world, "event=reloaded sequence=2"));
    FILE *file = fopen(world->config, "a");
    fputs("nonsense: 1\n", file);
    fclose(file);
    kill(world->daemon, SIGHUP);
    assert_true(log_says(world, "event=reload_refused"));
    dg_client_close(daemon_connect(world)); // lives on with the old one
}

static const char *header_line = "";

static void get(const struct world *world, const char *path, char *answer, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)world->port)};
    char request[256];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // The control socket, for which the set-up waits, is there a moment before HTTP.
    int refused = connect(fd, (struct sockaddr *)&address, sizeof(address));
    for (int waited = 0; refused && waited < DEADLINE_MS; waited += 10) {
        poll(NULL, 0, 10);
        refused = connect(fd, (struct sockaddr *)&address, sizeof(address));
    }
    assert_int_equal(refused, 0);
    int length = snprintf(request, sizeof(request),
                          "GET %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", path, header_line);
    assert_int_equal(send(fd, request, (size_t)length, 0), length);
    drain(fd, answer, size);
    close(fd);
}

static void test_http(void **state)
{
    char *answer = malloc(1u << 20);
    get(*state, "/healthz", answer, 1u << 20);
    assert_non_null(strstr(answer, " 200 "));
    get(*state, "/readyz", answer, 1u << 20);
    assert_non_null(strstr(answer, " 503 "));
    assert_non_null(strstr(answer, "dataplane is absent"));
    get(*state, "/metrics", answer, 1u << 20);
    assert_non_null(strstr(answer, " 200 "));
    assert_non_null(strstr(answer, "# TYPE dialgate_dataplane_up gauge\ndialgate_dataplane_up 0\n"));
    assert_non_null(strstr(answer, "dialgate_build_info{version=\""));
    get(*state, "/other", answer, 1u << 20);
    assert_non_null(strstr(answer, " 404 "));
    free(answer);
}

// The status says it all; whoever wants to read more in a program gets it as JSON.
static void test_health_json(void **state)
{
    static const struct {
        const char *path, *accept;
        int status;
        bool json;
    } rows[] = {
        {"/healthz?format=json", "", 200, true},
        {"/healthz", "Accept: text/plain\r\n", 200, false},
        {"/readyz?format=json", "", 503, true},
        {"/readyz?a=b&format=json", "Accept: text/plain\r\n", 503, true},
        {"/readyz?format=text", "", 503, false},
        {"/readyz?=&%zz&&", "", 503, false},
        {"/readyz", "Accept: text/html, application/json;q=0.9\r\n", 503, true},
        {"/readyz", "Accept: application/health+json\r\n", 503, true},
        {"/readyz", "Accept: */*\r\n", 503, false},
    };
    static char answer[1u << 16];
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = 0;
        header_line = rows[i].accept;
        get(*state, rows[i].path, answer, sizeof(answer));
        header_line = "";
        const char *body = strstr(answer, "\r\n\r\n");
        assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
        assert_int_equal(status, rows[i].status);
        assert_non_null(body);
        assert_true((strstr(answer, "Content-Type: application/json\r\n") != NULL) == rows[i].json);
        if (!rows[i].json)
            assert_null(strchr(body, '{'));
        else if (status == 200)
            assert_string_equal(body, "\r\n\r\n{\"status\":\"pass\"}\n");
        else
            assert_non_null(strstr(body,
                                   "{\"status\":\"fail\",\"checks\":{\"dataplane\":{\"status\":\"fail\","
                                   "\"output\":\"dataplane is absent"));
        if (rows[i].json && status == 503)
            assert_non_null(strstr(body, "\"operator\":{\"status\":\"pass\"}}}\n"));
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    control_program = argv[1];
    ctl_program = argv[2];
#define T(name) cmocka_unit_test_setup_teardown(name, daemon_setup, daemon_teardown)
    const struct CMUnitTest tests[] = {T(test_status_says_waiting),
                                       T(test_library_errors),
                                       T(test_crowded_socket),
                                       T(test_lines),
                                       T(test_endless_line_is_refused),
                                       T(test_too_many_clients),
                                       T(test_second_start_is_refused),
                                       T(test_stale_socket_is_replaced),
                                       T(test_what_is_no_socket_is_left),
                                       T(test_port_in_use),
                                       T(test_socket_mode),
                                       T(test_command_line),
                                       T(test_hangup_reloads),
                                       T(test_http),
                                       T(test_health_json)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
