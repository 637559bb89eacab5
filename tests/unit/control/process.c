// SPDX-License-Identifier: BSD-3-Clause
#include "process.h"

#include "cmocka_first.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const char *control_program;
const char *ctl_program;

// A port that is free now: bound, read, closed.
static unsigned int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void copy_config(const struct world *world)
{
    char text[8192];
    FILE *in = fopen(SOURCE_ROOT "/config/examples/lab.yaml", "r");
    assert_non_null(in);
    size_t length = fread(text, 1, sizeof(text), in);
    fclose(in);
    FILE *out = fopen(world->config, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, length, out), length);
    fprintf(out, "\nmetrics: {listen: \"127.0.0.1:%u\"}\nstate: {directory: %s/state}\n", world->port,
            world->directory);
    fclose(out);
}

static pid_t start(char *const *arguments, const char *output)
{
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execv(arguments[0], arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

int process_finish(pid_t pid)
{
    int status = 0;
    for (int waited = 0; waited < DEADLINE_MS; waited += 10) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        poll(NULL, 0, 10);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

int process_run(const struct world *world, const char *const *words, char *output, size_t size)
{
    char path[160];
    char *arguments[16];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/output", world->directory);
    unlink(path);
    while (words[count]) {
        arguments[count] = (char *)(uintptr_t)words[count];
        count++;
    }
    arguments[count] = NULL;
    int status = process_finish(start(arguments, path));
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(output, 1, size - 1, file) : 0;
    output[length] = '\0';
    if (file)
        fclose(file);
    return status;
}

pid_t daemon_start(struct world *world)
{
    char *program = (char *)(uintptr_t)control_program;
    char check[] = "-c", directory[] = "--run-directory";
    char *arguments[] = {program, check, world->config, directory, world->run, NULL};
    return start(arguments, world->log);
}

struct dg_client *daemon_connect(const struct world *world)
{
    struct dg_error error = {0};
    for (int waited = 0; waited < DEADLINE_MS; waited += 10) {
        struct dg_client *client = dg_client_open(world->socket, &error);
        if (client)
            return client;
        poll(NULL, 0, 10);
    }
    fail_msg("%s", error.text);
    return NULL;
}

int daemon_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->directory, "/tmp/dialgate-daemon-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(world->run, sizeof(world->run), "%s/run", world->directory);
    snprintf(world->config, sizeof(world->config), "%s/dialgate.yaml", world->directory);
    snprintf(world->socket, sizeof(world->socket), "%s/control.sock", world->run);
    snprintf(world->log, sizeof(world->log), "%s/log", world->directory);
    world->port = free_port();
    copy_config(world);
    world->daemon = daemon_start(world);
    dg_client_close(daemon_connect(world));
    *state = world;
    return 0;
}

// The daemon ends by SIGTERM with status 0; under a sanitizer this says too that nothing leaked.
int daemon_teardown(void **state)
{
    struct world *world = *state;
    char command[160];
    if (world->daemon > 0) {
        kill(world->daemon, SIGTERM);
        int status = process_finish(world->daemon);
        if (status != 0) {
            snprintf(command, sizeof(command), "cat %s", world->log);
            if (system(command) != 0)
                print_error("no log\n");
            print_error("dialgate-control ended with %d\n", status);
            return -1;
        }
    }
    if (access(world->socket, F_OK) == 0)
        return -1;
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    int result = system(command);
    free(world);
    return result;
}
