// SPDX-License-Identifier: BSD-3-Clause
#include "ua.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "../control.h"
#include "../log.h"

#define SWEEP_MS     200
#define TAKEN_EVENTS 64u // of which the data plane does not know that they are taken, between two sweeps

uint64_t ua_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *ua_id(uint64_t number, char id[UA_ID_SIZE])
{
    snprintf(id, UA_ID_SIZE, "%016" PRIx64, number);
    return id;
}

// RFC 4320 4.1: an answer, late as it is; a 408 would mean nothing to the far end.
static void answer_late(struct ua *ua)
{
    struct ua_request *request;
    uint64_t now = clock_ms();
    while ((request = TAILQ_FIRST(&ua->unanswered)) && request->deadline_ms <= now) {
        struct ua_fault fault;
        const struct ua_wish wish = {.op = CHANNEL_UA_RESPOND,
                                     .request = request,
                                     .status = 504,
                                     .peer = NUMBER_NONE,
                                     .member = NUMBER_NONE};
        // Again if the data plane refuses the answer, or never gets it.
        TAILQ_REMOVE(&ua->unanswered, request, link);
        request->deadline_ms = now + UA_ANSWER_MS;
        TAILQ_INSERT_TAIL(&ua->unanswered, request, link);
        if (!request->answering && ua_do(ua, &wish, NULL, &fault) < 0)
            ua_request_end(ua, request);
    }
}

// The configuration has it no more: nobody may speak for it. What finds no room in the data plane is ended
// later.
static void end_calls(struct ua *ua, const struct ua_app *app)
{
    for (struct ua_call *call = LIST_FIRST(&ua->calls), *next; call; call = next) {
        struct ua_fault fault;
        struct ua_wish wish = ua_wish(CHANNEL_UA_END);
        wish.call = call;
        wish.status = 480;
        wish.extra = "Reason: SIP;cause=480;text=\"Application removed\"\r\n";
        next = LIST_NEXT(call, link);
        if (call->app == app && !call->ender && !call->moved)
            (void)ua_do(ua, &wish, NULL, &fault); // without a data plane: its lifetime ends it
    }
}

// Also of those that were not there any more when control began.
static void end_gone(struct ua *ua)
{
    if (!channel_ready(ua->control->channel) || ua->resume)
        return;
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (ua->apps[i] && !ua->apps[i]->served && ua->apps[i]->calls > 0)
            end_calls(ua, ua->apps[i]);
}

// What came of them is kept first.
static void say_taken(struct ua *ua)
{
    const struct channel_ua_taken body = {.number = ua->taken};
    if (ua->taken == ua->said_taken)
        return;
    keep_commit(ua->keep);
    if (channel_tell(ua->control->channel, CHANNEL_UA_TAKEN, &body) == 0)
        ua->said_taken = ua->taken;
}

// It counts as taken from now on: what it brings about is kept before anything of it is sent, and is done by
// the next control as by this one.
void ua_taking(struct control *control, uint64_t number)
{
    struct ua *ua = &control->ua;
    if (ua->taken >= ua->said_taken + TAKEN_EVENTS)
        say_taken(ua);
    ua->taken = number;
    keep_mark(ua->keep, ua->taken_boot, number);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct ua *ua = context;
    ua_sent_sweep(ua);
    say_taken(ua);
    answer_late(ua);
    if (ua->settle_ms && clock_ms() >= ua->settle_ms)
        ua_resume_settle(ua);
    end_gone(ua);
}

// Transactions die with their process, confirmed dialogs do not: what became of an INVITE of ours the list of
// them says (resume.c).
static void give_up_all(struct ua *ua)
{
    static const struct ua_response lost = {.status = UA_LOST_STATUS, .peer = NUMBER_NONE};
    struct ua_call *call;
    if (ua->restarted)
        ua->restarted(ua);
    for (uint32_t i = 0; i < ua->tags.size; i++)
        for (struct ua_node *node = ua->tags.buckets[i]; node;) {
            struct ua_sent *sent = UA_OF(node, struct ua_sent, node);
            node = node->next;
            if (!sent->done || (sent->purpose == UA_FOR_CALL && sent->call))
                continue;
            ua_give_up(ua, sent, &lost);
            node = ua->tags.buckets[i]; // others may have gone with it
        }
    for (uint32_t i = 0; i < ua->requests.size; i++)
        while (ua->requests.buckets[i])
            ua_request_end(ua, UA_OF(ua->requests.buckets[i], struct ua_request, node));
    LIST_FOREACH(call, &ua->calls, link)
    ua_call_lift(ua, call);
}

int ua_start(struct control *control)
{
    static const struct timeval interval = {0, SWEEP_MS * 1000};
    struct ua *ua = &control->ua;
    ua->control = control;
    TAILQ_INIT(&ua->waiting);
    TAILQ_INIT(&ua->unanswered);
    LIST_INIT(&ua->registrations);
    LIST_INIT(&ua->calls);
    // No two processes count their tags alike: what an earlier one asked for may be told to this one.
    uint32_t begin = (uint32_t)ua_unix_ms();
    if (getrandom(&ua->stream, sizeof(ua->stream), 0) != sizeof(ua->stream) ||
        getrandom(&begin, sizeof(begin), 0) != sizeof(begin))
        ua->stream = ua_unix_ms();
    ua->last_tag = (uint64_t)begin << 31;
    ua->sweep = event_new(control->base, -1, EV_PERSIST, on_sweep, ua);
    struct ua_table *tables[] = {&ua->handles, &ua->ids, &ua->numbers, &ua->requests, &ua->tags};
    for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (ua_table_open(tables[i]) < 0)
            return -ENOMEM;
    if (!ua->sweep || event_add(ua->sweep, &interval) < 0)
        return -ENOMEM;
    ua->last_registration = ua_unix_ms() << 16; // no two processes count alike
    ua_configured(control);
    return 0;
}

// What the data plane has not said to have taken; with all, what it has taken, too, and nobody is told.
static void drop_sent(struct ua *ua, bool all)
{
    for (uint32_t i = 0; i < ua->tags.size; i++)
        for (struct ua_node *node = ua->tags.buckets[i]; node;) {
            struct ua_sent *sent = UA_OF(node, struct ua_sent, node);
            node = node->next;
            if (!sent->done) {
                ua_sent_fail(ua, sent, DG_UNAVAILABLE, "the connection to the data plane was lost");
                node = ua->tags.buckets[i]; // others may have gone with it
            } else if (all) {
                ua_sent_free(ua, sent);
            }
        }
}

void ua_stop(struct control *control)
{
    struct ua *ua = &control->ua;
    ua_resume_stop(ua);
    keep_close(ua->keep); // before all is forgotten
    ua->keep = NULL;
    if (!ua->tags.buckets)
        return;
    drop_sent(ua, true);
    while (!LIST_EMPTY(&ua->calls))
        ua_call_forget(ua, LIST_FIRST(&ua->calls));
    for (uint32_t i = 0; i < ua->requests.size; i++)
        while (ua->requests.buckets[i])
            ua_request_end(ua, UA_OF(ua->requests.buckets[i], struct ua_request, node));
    ua_registrations_stop(ua);
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (ua->apps[i]) {
            event_ring_close(&ua->apps[i]->ring);
            free(ua->apps[i]);
            ua->apps[i] = NULL;
        }
    ua_table_close(&ua->handles);
    ua_table_close(&ua->ids);
    ua_table_close(&ua->numbers);
    ua_table_close(&ua->requests);
    ua_table_close(&ua->tags);
    if (ua->sweep)
        event_free(ua->sweep);
}

void ua_configured(struct control *control)
{
    struct ua *ua = &control->ua;
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&control->active, SECTION_PEERS, &count);
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        bool served = i < count && (peers[i].flags & SNAPSHOT_PRESENT) && (peers[i].flags & PEER_APPLICATION);
        struct ua_app *app = served ? ua_app_at(ua, (uint16_t)i) : ua->apps[i];
        bool goes = app && app->served && !served;
        if (app)
            app->served = served;
        if (goes)
            end_calls(ua, app);
    }
    ua_keep_start(ua);
}

void ua_connected(struct control *control)
{
    struct ua *ua = &control->ua;
    ua->said_taken = 0; // it may not have come
    if (ua->taken_boot != control->hello.boot)
        ua->taken = 0;
    ua->taken_boot = control->hello.boot;
    if (ua->taken > 0)
        channel_expect_ua(control->channel, ua->taken + 1);
    if (control->hello.state != CHANNEL_RUNNING || ua->resume)
        return;
    if (ua->boot != control->hello.boot) {
        give_up_all(ua);
        ua->restart = ua->boot ? UA_RESTARTED_DATAPLANE : UA_RESTARTED_CONTROL;
        ua->boot = control->hello.boot;
    } else if (ua->round == 0) {
        ua->restart = UA_RESTARTED_CONTROL;
    }
    if (LIST_EMPTY(&ua->calls)) // else when their handles are of this boot (resume.c)
        ua_keep_boot(ua);
    ua_sent_connected(ua);
    ua_resume_begin(ua);
}

void ua_disconnected(struct control *control)
{
    struct ua *ua = &control->ua;
    ua_resume_stop(ua);
    drop_sent(ua, false);
}

void ua_lost(struct control *control, uint64_t count)
{
    struct ua *ua = &control->ua;
    ua->counts.lost += count;
    log_event(LEVEL_WARNING, "application_events_lost", "count=%" PRIu64, count);
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (ua->apps[i] && ua->apps[i]->served)
            ua_tell(ua, ua->apps[i], NULL, "lost", json_pack("{s:I}", "count", (json_int_t)count));
    ua_resume_begin(ua); // what they said of states is asked for
}
