// SPDX-License-Identifier: BSD-3-Clause
#include "rpc_world.h"

#include "cmocka_first.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "rpc/dialog.h"

#define TURNS 2000 // of a few milliseconds, for a line

static int write_config(const struct rpc_world *world, const char *section)
{
    char text[16384];
    FILE *in = fopen(SOURCE_ROOT "/config/examples/lab.yaml", "r");
    FILE *out = fopen(world->config, "w");
    size_t length = in ? fread(text, 1, sizeof(text), in) : 0;
    bool written = out && fwrite(text, 1, length, out) == length &&
                   fprintf(out, "\nmetrics: {listen: \"127.0.0.1:9464\"}\ncontrol: {%s}\n", section) > 0;
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return written ? 0 : -1;
}

int rpc_world_start(struct rpc_world *world)
{
    char error[ERROR_SIZE] = "no server";
    int pair[2];
    struct control_options options = {world->config, world->directory, world->directory, NULL};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    world->base = event_base_new();
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0) {
        print_error("%s\n", error);
        return -1;
    }
    world->far = pair[1];
    world->server = rpc_server_create(&world->control, world->path, NULL, error, sizeof(error));
    if (!world->server || control_connect(&world->control) < 0 ||
        channel_attach(world->control.channel, pair[0]) < 0) {
        print_error("%s\n", error);
        return -1;
    }
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->control.active.image->sequence);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_run(world->base, 5);
    struct far_message message;
    return far_receive(world->far, &message, NULL, 60000) ? 0 : -1; // control's hello
}

int rpc_world_open(struct rpc_world *world, const char *section)
{
    memset(world, 0, sizeof(*world));
    signal(SIGPIPE, SIG_IGN); // as the daemon does: a client may be gone before its answer
    strcpy(world->directory, "/tmp/dialgate-rpc-XXXXXX");
    if (!mkdtemp(world->directory) || chmod(world->directory, 0755) < 0)
        return -1;
    snprintf(world->path, sizeof(world->path), "%s/control.sock", world->directory);
    snprintf(world->config, sizeof(world->config), "%s/lab.yaml", world->directory);
    snprintf(world->audit, sizeof(world->audit), "%s/audit", world->directory);
    return write_config(world, section) < 0 ? -1 : rpc_world_start(world);
}

void rpc_world_stop(struct rpc_world *world)
{
    rpc_server_destroy(world->server);
    dialog_end_stop(&world->control);
    control_fini(&world->control);
    event_base_loop(world->base, EVLOOP_NONBLOCK); // as main() does
    event_base_free(world->base);
    close(world->far);
}

int rpc_world_close(struct rpc_world *world)
{
    char command[128];
    rpc_world_stop(world);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    return system(command);
}

void rpc_reader_open(struct rpc_reader *reader, const struct rpc_world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memset(reader, 0, sizeof(*reader));
    strcpy(address.sun_path, world->path);
    reader->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(reader->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void rpc_reader_close(struct rpc_reader *reader)
{
    close(reader->fd);
    free(reader->text);
}

void rpc_reader_say(struct rpc_reader *reader, const char *text)
{
    assert_int_equal(send(reader->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void rpc_reader_take(struct rpc_reader *reader)
{
    ssize_t got;
    do {
        if (reader->size - reader->used < 65536) {
            reader->size = reader->size * 2 + 131072;
            reader->text = realloc(reader->text, reader->size);
            assert_non_null(reader->text);
        }
        got = recv(reader->fd, reader->text + reader->used, reader->size - reader->used, MSG_DONTWAIT);
        reader->used += got > 0 ? (size_t)got : 0;
        reader->ended = reader->ended || got == 0;
    } while (got > 0);
}

json_t *rpc_reader_line(struct rpc_world *world, struct rpc_reader *reader)
{
    char *end = NULL;
    for (int i = 0; i < TURNS; i++) {
        rpc_reader_take(reader);
        end = memchr(reader->text, '\n', reader->used);
        if (end || reader->ended)
            break;
        far_run(world->base, 2);
    }
    if (!end)
        return NULL;
    json_t *line = json_loadb(reader->text, (size_t)(end - reader->text), 0, NULL);
    assert_non_null(line);
    reader->used -= (size_t)(end + 1 - reader->text);
    memmove(reader->text, end + 1, reader->used);
    return line;
}

int64_t rpc_code(json_t *line)
{
    int64_t code = json_integer_value(json_object_get(json_object_get(line, "error"), "code"));
    assert_non_null(line);
    assert_true((code == 0) == (json_object_get(line, "result") != NULL));
    json_decref(line);
    return code;
}
