// SPDX-License-Identifier: BSD-3-Clause
#include "follow.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <string.h>
#include "../control.h"
#include "../event.h"

static bool wants(const struct follower *follower, const struct event_kept *kept)
{
    if (!(follower->kinds & 1u << kept->kind))
        return false;
    if (kept->everybody)
        return true;
    return (follower->peer == NUMBER_NONE || follower->peer == kept->peers[0] ||
            follower->peer == kept->peers[1]) &&
           (follower->call == 0 || follower->call == kept->call);
}

static const struct event_ring *ring_of(const struct follower *follower, const struct control *control)
{
    return follower->app ? &follower->app->ring : &control->events.ring;
}

static void write_event(const struct follower *follower, struct evbuffer *output,
                        const struct event_kept *kept)
{
    evbuffer_add_printf(
        output, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":", follower->app ? "ua.event" : "event");
    evbuffer_add(output, kept->line, kept->length);
    evbuffer_add(output, "}\n", 2);
}

static void write_lost(struct follower *follower, struct control *control, struct evbuffer *output)
{
    struct event_stream *stream = &control->events;
    char loss[EVENT_LOSS_SIZE], id[UA_ID_SIZE];
    uint64_t first = follower->next;
    follower->next = event_ring_next(ring_of(follower, control), follower->next);
    if (follower->app)
        evbuffer_add_printf(
            output,
            "{\"jsonrpc\":\"2.0\",\"method\":\"ua.event\",\"params\":{\"application\":\"%s\","
            "\"stream\":\"%s\",\"seq\":%" PRIu64 ",\"event\":\"lost\",\"count\":%" PRIu64 "}}\n",
            follower->app->name, ua_id(control->ua.stream, id), follower->next - 1, follower->next - first);
    else
        evbuffer_add_printf(
            output, "{\"jsonrpc\":\"2.0\",\"method\":\"events.lost\",\"params\":{%s,\"cause\":\"%s\"}}\n",
            events_loss(stream, first, follower->next - 1, loss), follower->back ? "gone" : "slow");
    if (!follower->back)
        stream->lost[EVENT_LOSS_CLIENT] += follower->next - first;
}

void follower_pump(struct follower *follower, struct control *control, struct evbuffer *output, size_t high)
{
    if (!follower->on)
        return;
    const struct event_ring *ring = ring_of(follower, control);
    while (follower->next <= ring->last && evbuffer_get_length(output) <= high) {
        const struct event_kept *kept = event_ring_at(ring, follower->next);
        if (!kept) {
            write_lost(follower, control, output);
        } else {
            if (follower->app || wants(follower, kept))
                write_event(follower, output, kept);
            follower->next++;
        }
        follower->back = false;
    }
}
