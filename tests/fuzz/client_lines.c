// SPDX-License-Identifier: BSD-3-Clause
// Octets of a daemon into a whole agent of libdialgate: it has attached and listed one dialog, what comes
// then is the input. Whatever it is, callbacks get handles and texts that can be read, what they answer to is
// refused or times out, and nothing is left when the agent is closed.
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "dialgate/ua.h"
#include "sip_check.h"

#define TURNS 1000 // of the agent, until it must have seen the end

static const char greeting[] = "{\"id\":1,\"result\":{\"application\":\"a\",\"stream\":\"s\",\"next\":1}}\n"
                               "{\"id\":2,\"result\":{\"dialogs\":[{\"dialog\":\"1\",\"state\":\"early\","
                               "\"role\":\"server\"}],\"after\":null}}\n";

static char directory[] = "/tmp/dialgate-fuzz-XXXXXX";
static char path[64];

static void end(void)
{
    rmdir(directory);
}

static void begin(void)
{
    CHECK(mkdtemp(directory));
    atexit(end);
    snprintf(path, sizeof(path), "%s/socket", directory);
}

// One for each input: an agent that was left comes again, and what it left in the queue is not the next's.
static int open_listener(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, path);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 16) == 0);
    return listener;
}

struct input {
    const uint8_t *octets;
    size_t length;
    int listener;
};

static void *serve(void *context)
{
    const struct input *input = context;
    char ignored[4096];
    int fd = accept(input->listener, NULL, NULL);
    CHECK(fd >= 0);
    // An agent that has waited too long for its greeting is gone already; another has seen enough.
    ssize_t count = send(fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL);
    for (size_t sent = 0; count > 0 && sent<input->length; sent += count> 0 ? (size_t)count : 0)
        count = send(fd, input->octets + sent, input->length - sent, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, ignored, sizeof(ignored), 0) > 0)
        continue;
    close(fd);
    return NULL;
}

static size_t read_message(const struct dg_message *message)
{
    struct dg_header header;
    size_t length, sum = strlen(dg_message_start(message));
    for (size_t i = 0; dg_message_header_at(message, i, &header); i++)
        sum += strlen(header.name) + strlen(header.value);
    dg_message_header(message, "Contact", 1);
    const char *body = dg_message_body(message, &length);
    CHECK(body[length] == '\0');
    return sum + length;
}

static void on_event(void *context, const struct dg_event *event)
{
    size_t *sum = context;
    CHECK(event->kind < DG_EVENT_KINDS && event->status < 700);
    CHECK(event->from <= DG_STATE_TERMINATED && event->to <= DG_STATE_TERMINATED);
    *sum += strlen(event->method) + strlen(event->reason) + strlen(event->tag) + strlen(event->by) +
            strlen(event->peer) + strlen(event->source);
    if (event->message)
        *sum += read_message(event->message);
    if (event->dialog)
        CHECK(strlen(dg_dialog_id(event->dialog)) > 0 &&
              dg_dialog_state(event->dialog) <= DG_STATE_TERMINATED);
    if (event->request)
        *sum += strlen(dg_request_method(event->request)) + strlen(dg_refer_to(event->request)) +
                strlen(dg_refer_replaces(event->request));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct input input = {data, size, -1};
    struct dg_error error;
    pthread_t thread;
    size_t sum = 0;
    if (!path[0])
        begin();
    input.listener = open_listener();
    options.socket = path;
    options.application = "a";
    options.on_event = on_event;
    options.context = &sum;
    options.queue = 64;
    CHECK(pthread_create(&thread, NULL, serve, &input) == 0);
    struct dg_agent *agent = dg_agent_create(&options, &error);
    // A bad line may come in the same read as the greeting: then it has not got further.
    for (int i = 0; agent && i < TURNS && dg_agent_process(agent) == DG_OK; i++) {
        struct pollfd one = {.fd = dg_agent_fd(agent), .events = POLLIN};
        poll(&one, 1, 100);
    }
    if (agent)
        dg_agent_process(agent); // what is left in the queue
    dg_agent_close(agent);
    pthread_join(thread, NULL);
    close(input.listener);
    unlink(path);
    return 0;
}
