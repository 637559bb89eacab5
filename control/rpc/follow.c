// SPDX-License-Identifier: BSD-3-Clause
#include "follow.h"

#include <event2/buffer.h>
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

static void write_event(struct evbuffer *output, const struct event_kept *kept)
{
    static const char begin[] = "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":";
    evbuffer_add(output, begin, sizeof(begin) - 1);
    evbuffer_add(output, kept->line, kept->length);
    evbuffer_add(output, "}\n", 2);
}

static void write_lost(struct follower *follower, struct control *control, struct evbuffer *output)
{
    struct event_stream *stream = &control->events;
    char loss[EVENT_LOSS_SIZE];
    uint64_t first = follower->next;
    while (follower->next <= stream->last && !events_at(stream, follower->next))
        follower->next = follower->next < events_first(stream) ? events_first(stream) : follower->next + 1;
    evbuffer_add_printf(
        output, "{\"jsonrpc\":\"2.0\",\"method\":\"events.lost\",\"params\":{%s,\"cause\":\"%s\"}}\n",
        events_loss(stream, first, follower->next - 1, loss), follower->back ? "gone" : "slow");
    if (!follower->back)
        stream->lost[EVENT_LOSS_CLIENT] += follower->next - first;
}

void follower_pump(struct follower *follower, struct control *control, struct evbuffer *output, size_t high)
{
    const struct event_stream *stream = &control->events;
    while (follower->on && follower->next <= stream->last && evbuffer_get_length(output) <= high) {
        const struct event_kept *kept = events_at(stream, follower->next);
        if (!kept) {
            write_lost(follower, control, output);
        } else {
            if (wants(follower, kept))
                write_event(output, kept);
            follower->next++;
        }
        follower->back = false;
    }
}
