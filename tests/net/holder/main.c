// SPDX-License-Identifier: BSD-3-Clause
// call-holder: a caller and its callees around Dialgate, for very many calls. README.md says how to use it.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "command.h"
#include "turn.h"

struct options {
    const char *ends[1 + CALLEES_MAX]; // the caller's, then the callees'
    unsigned callees;
    uint32_t capacity, flights, t1_ms;
    const char *history;
};

static int usage(void)
{
    fputs("usage: call-holder --caller END --callee END [--callee END]... [options]\n"
          "  END is NAMESPACE,ADDRESS:PORT,DIALGATE:PORT; NAMESPACE is a path or empty\n"
          "  --capacity N  calls at once (default 100000)\n"
          "  --flights N   calls that are being set up, asked or ended at once (default 8192)\n"
          "  --t1 MS       RFC 3261's T1 (default 500)\n"
          "  --seed N      of Call-IDs, tags and branches (default random)\n"
          "  --history F   file for what became of each call\n",
          stderr);
    return 2;
}

static bool read_address(char *text, struct sockaddr_in *address)
{
    char *port = strchr(text, ':');
    if (port == NULL)
        return false;
    *port = '\0';
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10))};
    bool read = inet_pton(AF_INET, text, &address->sin_addr) == 1 && address->sin_port != 0;
    *port = ':';
    return read;
}

static bool open_end(struct holder *holder, unsigned index, const char *text)
{
    struct sockaddr_in local, remote;
    char copy[512], *rest = copy;
    snprintf(copy, sizeof(copy), "%s", text);
    const char *space = strsep(&rest, ",");
    char *here = strsep(&rest, ",");
    if (here == NULL || rest == NULL || !read_address(here, &local) || !read_address(rest, &remote)) {
        fprintf(stderr, "call-holder: %s is no NAMESPACE,ADDRESS:PORT,DIALGATE:PORT\n", text);
        return false;
    }
    snprintf(holder->here[index], ADDRESS_TEXT, "%s", here);
    snprintf(holder->dialgate[index == 0 ? CALLER : CALLEE], ADDRESS_TEXT, "%s", rest);
    holder->wires[index] = wire_open(space, &local, &remote);
    if (holder->wires[index] == NULL)
        fprintf(stderr, "call-holder: %s: %s\n", text, strerror(errno));
    else
        holder->wire_count++;
    return holder->wires[index] != NULL;
}

static bool open_holder(struct holder *holder, const struct options *options)
{
    for (unsigned i = 0; i <= options->callees; i++)
        if (!open_end(holder, i, options->ends[i]))
            return false;
    holder->t1_us = 1000ull * options->t1_ms;
    if (!calls_create(&holder->calls, options->capacity, options->flights)) {
        fprintf(stderr, "call-holder: no memory for %u calls\n", options->capacity);
        return false;
    }
    if (options->history == NULL)
        return true;
    holder->tally.history = fopen(options->history, "we");
    if (holder->tally.history == NULL)
        fprintf(stderr, "call-holder: %s: %s\n", options->history, strerror(errno));
    return holder->tally.history != NULL;
}

static void close_holder(struct holder *holder)
{
    for (unsigned i = 0; i < holder->wire_count; i++)
        wire_close(holder->wires[i]);
    calls_destroy(&holder->calls);
    if (holder->tally.history != NULL)
        fclose(holder->tally.history);
}

// False: wrong usage.
static bool read_options(int count, char **words, struct options *options, uint64_t *seed)
{
    static const struct option table[] = {{"caller", 1, NULL, 'r'},   {"callee", 1, NULL, 'e'},
                                          {"capacity", 1, NULL, 'c'}, {"flights", 1, NULL, 'f'},
                                          {"t1", 1, NULL, 't'},       {"seed", 1, NULL, 's'},
                                          {"history", 1, NULL, 'h'},  {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(count, words, "", table, NULL)) != -1;) {
        uint64_t number = optarg == NULL ? 0 : strtoull(optarg, NULL, 10);
        if (option == 'r')
            options->ends[0] = optarg;
        else if (option == 'e' && options->callees < CALLEES_MAX)
            options->ends[++options->callees] = optarg;
        else if (option == 'c')
            options->capacity = (uint32_t)number;
        else if (option == 'f')
            options->flights = (uint32_t)number;
        else if (option == 't')
            options->t1_ms = (uint32_t)number;
        else if (option == 's')
            *seed = number;
        else if (option == 'h')
            options->history = optarg;
        else
            return false;
    }
    return options->ends[0] != NULL && options->callees > 0 && options->capacity > 0 &&
           options->flights > 0 && options->t1_ms > 0 && optind == count;
}

static void loop(struct holder *holder)
{
    struct work work = {.turned_us = 0};
    struct commands commands = {.length = 0};
    struct pollfd polled[2 + CALLEES_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    int timeout_ms = 0;
    for (unsigned i = 0; i < holder->wire_count; i++)
        polled[1 + i] = (struct pollfd){.fd = wire_descriptor(holder->wires[i]), .events = POLLIN};
    while (!commands.ended) {
        // While a wait is under way, nothing is read: input is still noticed when it ends.
        polled[0].fd = commands.waiting ? -1 : STDIN_FILENO;
        polled[0].revents = 0;
        poll(polled, 1 + holder->wire_count, timeout_ms);
        timeout_ms = turn(holder, &work);
        commands_turn(&commands, holder, &work, polled[0].revents != 0);
    }
}

int main(int count, char **words)
{
    static struct holder holder;
    struct options options = {.capacity = 100000, .flights = 8192, .t1_ms = 500};
    if (getrandom(&holder.seed, sizeof(holder.seed), 0) != sizeof(holder.seed))
        holder.seed = (uint64_t)getpid();
    if (!read_options(count, words, &options, &holder.seed))
        return usage();
    bool opened = open_holder(&holder, &options);
    if (opened)
        loop(&holder);
    close_holder(&holder);
    return opened ? 0 : 1;
}
