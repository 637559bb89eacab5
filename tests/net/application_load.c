// SPDX-License-Identifier: BSD-3-Clause
// An application with very many calls: it places some, takes others, holds all of them, changes each session
// and ends each call, and prints how long Dialgate took for its part of each. Operations begin at a fixed
// rate whatever the ones before do, and their time counts from when they were due: nothing that waits is
// left out. The far end's time is in `to the answer` alone.
//
//   application-load SOCKET APPLICATION PLACED TAKEN RATE      prints `attached` when others may call
#include <dialgate/ua.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 60u // without any progress
#define SDP                                                                                                  \
    "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

enum kind { PLACE, TAKE, CHANGE, CHANGE_ANSWERED, END, KINDS };
static const char *const names[KINDS] = {"call placed", "call answered", "re-INVITE",
                                         "re-INVITE, to the answer", "call ended"};

struct times {
    uint64_t *ns;
    size_t count, room;
};

struct call {
    struct dg_dialog *dialog;
    uint64_t begun_ns; // of what is under way
};

struct load {
    struct dg_agent *agent;
    struct call *calls;
    size_t room, known, confirmed, changed, ended, failed;
    uint64_t lost, moved_ns;
    unsigned rate;
    struct times times[KINDS];
};

// What is under way for one answer of Dialgate.
struct operation {
    struct load *load;
    enum kind kind;
    uint64_t begun_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *need(void *memory)
{
    if (memory)
        return memory;
    fprintf(stderr, "out of memory\n");
    exit(1);
}

static void note(struct load *load, enum kind kind, uint64_t begun_ns)
{
    struct times *times = &load->times[kind];
    uint64_t now = now_ns();
    if (times->count == times->room) {
        times->room = times->room ? times->room * 2 : 1024;
        times->ns = need(realloc(times->ns, times->room * sizeof(times->ns[0])));
    }
    times->ns[times->count++] = now - begun_ns;
    load->moved_ns = now;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double ms_at(const struct times *times, size_t percent)
{
    size_t at = (times->count - 1) * percent / 100;
    return (double)times->ns[at] / 1e6;
}

static void tell(const struct times *times, const char *name)
{
    if (times->count == 0)
        return;
    qsort(times->ns, times->count, sizeof(times->ns[0]), compare);
    printf("%-26s %7zu  p50 %7.2f  p99 %7.2f  longest %8.2f ms\n", name, times->count, ms_at(times, 50),
           ms_at(times, 99), ms_at(times, 100));
}

static void fail(struct load *load, const char *what, const char *why)
{
    if (load->failed++ < 10)
        fprintf(stderr, "%s: %s\n", what, why);
}

static void on_done(void *context, const struct dg_result *result)
{
    struct operation *operation = context;
    if (result->code != DG_OK)
        fail(operation->load, names[operation->kind], result->text);
    note(operation->load, operation->kind, operation->begun_ns);
    free(operation);
}

static struct dg_options options_of(struct load *load, enum kind kind, uint64_t begun_ns)
{
    struct dg_options options = DG_INIT(dg_options);
    struct operation *operation = need(malloc(sizeof(*operation)));
    *operation = (struct operation){load, kind, begun_ns};
    options.done = on_done;
    options.context = operation;
    if (kind != END)
        options.body = SDP;
    return options;
}

static void check(struct load *load, enum dg_code code, const struct dg_options *options,
                  const struct dg_error *error)
{
    if (code == DG_OK)
        return;
    fail(load, names[((struct operation *)options->context)->kind], error->text);
    free(options->context);
}

// --- what Dialgate tells ---

static void take(struct load *load, struct dg_dialog *dialog)
{
    struct dg_error error;
    struct dg_options options = options_of(load, TAKE, now_ns());
    check(load, dg_dialog_answer(dialog, &options, &error), &options, &error);
}

static void on_state(struct load *load, struct dg_dialog *dialog, const struct dg_event *event)
{
    if (event->to != DG_STATE_CONFIRMED || load->known == load->room)
        return;
    struct call *call = &load->calls[load->known++];
    call->dialog = dg_dialog_ref(dialog);
    dg_dialog_set_context(dialog, call);
    load->confirmed++;
    load->moved_ns = now_ns();
}

static void on_response(struct load *load, const struct dg_event *event)
{
    struct call *call = dg_dialog_context(event->dialog);
    if (!event->final || !call || call->begun_ns == 0)
        return;
    if (event->status >= 300)
        fail(load, names[CHANGE_ANSWERED], event->reason);
    note(load, CHANGE_ANSWERED, call->begun_ns);
    call->begun_ns = 0;
    load->changed++;
}

static void on_event(void *context, const struct dg_event *event)
{
    struct load *load = context;
    switch (event->kind) {
    case DG_EVENT_INCOMING:
        take(load, event->dialog);
        break;
    case DG_EVENT_STATE:
        on_state(load, event->dialog, event);
        break;
    case DG_EVENT_RESPONSE:
        on_response(load, event);
        break;
    case DG_EVENT_FAILED:
        fail(load, names[PLACE], event->reason);
        break;
    case DG_EVENT_ENDED:
        load->ended++;
        load->moved_ns = now_ns();
        break;
    case DG_EVENT_LOST:
        load->lost += event->count;
        break;
    default:
        break;
    }
}

// --- phases ---

static void turn(struct load *load, uint64_t until_ns)
{
    struct pollfd one = {.fd = dg_agent_fd(load->agent), .events = POLLIN};
    uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
    const struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    (void)ppoll(&one, 1, &wait, NULL);
    (void)dg_agent_process(load->agent);
}

// False: nothing has moved for too long.
static bool wait_for(struct load *load, const char *what, const size_t *count, size_t wanted)
{
    load->moved_ns = now_ns();
    while (*count < wanted) {
        turn(load, now_ns() + 100000000u);
        if (now_ns() - load->moved_ns > PATIENCE_S * 1000000000ull) {
            fprintf(stderr, "%s: %zu of %zu, then nothing for %u s\n", what, *count, wanted, PATIENCE_S);
            return false;
        }
    }
    return true;
}

typedef void begin_one(struct load *load, size_t number, uint64_t due_ns);

static void place(struct load *load, size_t number, uint64_t due_ns)
{
    struct dg_error error;
    struct dg_options options = options_of(load, PLACE, due_ns);
    check(load, dg_agent_call(load->agent, "sip:200@example.net", &options, NULL, &error), &options, &error);
}

static void change(struct load *load, size_t number, uint64_t due_ns)
{
    struct dg_error error;
    struct call *call = &load->calls[number];
    struct dg_options options = options_of(load, CHANGE, due_ns);
    call->begun_ns = due_ns;
    check(load, dg_dialog_reinvite(call->dialog, &options, NULL, &error), &options, &error);
}

static void end(struct load *load, size_t number, uint64_t due_ns)
{
    struct dg_error error;
    struct dg_options options = options_of(load, END, due_ns);
    check(load, dg_dialog_terminate(load->calls[number].dialog, &options, &error), &options, &error);
}

static void pace(struct load *load, size_t count, unsigned rate, begin_one *begin)
{
    uint64_t first_ns = now_ns();
    for (size_t i = 0; i < count; i++) {
        uint64_t due_ns = first_ns + i * 1000000000ull / rate;
        do // who is late hears what is told all the same
            turn(load, due_ns);
        while (now_ns() < due_ns);
        begin(load, i, due_ns);
    }
}

static bool run(struct load *load, size_t placed, size_t taken)
{
    size_t all = placed + taken;
    printf("attached\n");
    // Others call as fast.
    pace(load, placed, taken > 0 ? (load->rate + 1) / 2 : load->rate, place);
    if (!wait_for(load, "calls confirmed", &load->confirmed, all))
        return false;
    // The INVITE transactions of RFC 6026 and the far ends' ACKs are over.
    uint64_t rest_ns = now_ns() + 5000000000u;
    while (now_ns() < rest_ns)
        turn(load, rest_ns);
    printf("held %zu\n", dg_agent_count(load->agent, DG_STATE_CONFIRMED));
    getchar();
    pace(load, all, load->rate, change);
    if (!wait_for(load, "sessions changed", &load->changed, all))
        return false;
    pace(load, all, load->rate, end);
    return wait_for(load, "calls ended", &load->ended, all) &&
           wait_for(load, "endings answered", &load->times[END].count, all);
}

int main(int count, char **words)
{
    struct dg_agent_options options = DG_INIT(dg_agent_options);
    struct dg_error error;
    if (count != 6 || atoi(words[5]) <= 0) {
        fprintf(stderr, "usage: application-load SOCKET APPLICATION PLACED TAKEN RATE\n");
        return 2;
    }
    struct load load = {.rate = (unsigned)atoi(words[5])};
    size_t placed = strtoul(words[3], NULL, 10), taken = strtoul(words[4], NULL, 10);
    load.room = placed + taken;
    load.calls = need(calloc(load.room + 1, sizeof(load.calls[0])));
    setvbuf(stdout, NULL, _IOLBF, 0);
    options.socket = words[1];
    options.application = words[2];
    options.on_event = on_event;
    options.context = &load;
    options.queue = 1u << 20;
    load.agent = dg_agent_create(&options, &error);
    if (!load.agent) {
        fprintf(stderr, "%s: %s\n", error.text, dg_code_advice(error.code));
        return 1;
    }
    bool done = run(&load, placed, taken);
    for (unsigned i = 0; i < KINDS; i++)
        tell(&load.times[i], names[i]);
    printf("%zu calls, %u operations a second, %zu failed, %llu events lost\n", load.confirmed, load.rate,
           load.failed, (unsigned long long)load.lost);
    for (size_t i = 0; i < load.known; i++)
        dg_dialog_unref(load.calls[i].dialog);
    dg_agent_close(load.agent);
    return done && load.failed == 0 ? 0 : 1;
}
