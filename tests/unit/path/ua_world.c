// SPDX-License-Identifier: BSD-3-Clause
#include "ua_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call.h"

const char ua_sdp[] =
    "v=0\r\no=- 1 1 IN IP4 10.20.0.11\r\ns=-\r\nc=IN IP4 10.20.0.11\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

static int setup(void **state, unsigned workers)
{
    struct ua_world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->wire = wire_open(&(struct wire_options){.usages = 32, .workers = workers});
    *state = world;
    return 0;
}

int ua_setup(void **state)
{
    return setup(state, 1);
}

int ua_setup_two(void **state)
{
    return setup(state, 2);
}

static void read_ring(struct ua_world *world, struct ua_ring *ring)
{
    uint32_t length;
    const void *at;
    while ((at = ua_ring_first(ring, &length)) != NULL) {
        assert_true(world->seen_count < UA_SEEN_MAX);
        struct ua_seen *seen = &world->seen[world->seen_count++];
        memset(seen, 0, sizeof(*seen));
        memcpy(&seen->event, at, sizeof(seen->event));
        uint32_t octets = seen->event.length;
        assert_true(length >= channel_ua_event_size(&seen->event) && octets < WIRE_TEXT_MAX);
        memcpy(seen->packet.text, (const char *)at + sizeof(seen->event), octets);
        seen->packet.length = octets;
        ua_ring_drop(ring);
    }
    assert_int_equal(ring->lost, 0);
}

static void read_events(struct ua_world *world)
{
    for (unsigned i = 0; i < world->wire->count; i++)
        read_ring(world, world->wire->parts[i].ua_events);
}

int ua_teardown(void **state)
{
    struct ua_world *world = *state;
    for (unsigned i = 0; i < 40; i++) { // what still waits for its time
        wire_pass_silently(world->wire, 2500);
        read_events(world);
        ua_forget(world);
    }
    wire_close(world->wire);
    free(world);
    return 0;
}

uint64_t ua_put(struct ua_world *world, const struct ua_wanted *wanted)
{
    struct channel_ua_command fixed = wanted->fixed;
    fixed.tag = ++world->tag;
    fixed.to_peer = fixed.to_peer == 0 ? NUMBER_NONE : fixed.to_peer;
    fixed.to_member = fixed.to_member == 0 ? NUMBER_NONE : fixed.to_member;
    fixed.application = IMAGE_APPLICATION;
    for (unsigned i = 0; i < CHANNEL_UA_TEXTS; i++)
        fixed.text_lengths[i] = wanted->texts[i] != NULL ? (uint16_t)strlen(wanted->texts[i]) : 0;
    fixed.body_length = wanted->body != NULL ? (uint16_t)strlen(wanted->body) : 0;
    uint8_t *at = ua_ring_add(world->wire->parts[world->worker].ua_commands, channel_ua_command_size(&fixed));
    assert_non_null(at);
    memcpy(at, &fixed, sizeof(fixed));
    at += sizeof(fixed);
    for (unsigned i = 0; i < CHANNEL_UA_TEXTS; i++) {
        if (wanted->texts[i] != NULL)
            memcpy(at, wanted->texts[i], fixed.text_lengths[i]);
        at += fixed.text_lengths[i];
    }
    if (wanted->body != NULL)
        memcpy(at, wanted->body, fixed.body_length);
    ua_ring_publish(world->wire->parts[world->worker].ua_commands);
    wire_turn(world->wire);
    return fixed.tag;
}

static void take_at(struct ua_world *world, uint32_t at, struct ua_seen *seen)
{
    *seen = world->seen[at];
    memmove(&world->seen[at], &world->seen[at + 1], (world->seen_count - at - 1) * sizeof(world->seen[0]));
    world->seen_count--;
    if (seen->packet.length > 0)
        assert_int_equal(
            message_parse((const uint8_t *)seen->packet.text, seen->packet.length, &seen->packet.message),
            MESSAGE_FINE);
}

static void show(const struct ua_world *world)
{
    for (uint32_t i = 0; i < world->seen_count; i++) {
        const struct channel_ua_event *event = &world->seen[i].event;
        print_error("event: kind %u tag %llu result %d status %u state %u reason %u\n%s\n", event->kind,
                    (unsigned long long)event->tag, event->result, event->status, event->state, event->reason,
                    world->seen[i].packet.text);
    }
}

struct ua_seen ua_take(struct ua_world *world, enum channel_ua_kind kind)
{
    static struct ua_seen seen;
    read_events(world);
    for (uint32_t i = 0; i < world->seen_count; i++) {
        if (world->seen[i].event.kind != kind)
            continue;
        take_at(world, i, &seen);
        seen.packet.message.octets = NULL; // a copy is parsed by who looks closer
        return seen;
    }
    show(world);
    fail_msg("no event of kind %u", kind);
    return seen;
}

int ua_ask(struct ua_world *world, const struct ua_wanted *wanted, struct ua_seen *done)
{
    uint64_t tag = ua_put(world, wanted);
    struct ua_seen seen = ua_take(world, CHANNEL_UA_DONE);
    assert_int_equal(seen.event.tag, tag);
    if (done != NULL)
        *done = seen;
    return seen.event.result;
}

unsigned ua_seen_of(struct ua_world *world, enum channel_ua_kind kind)
{
    unsigned n = 0;
    read_events(world);
    for (uint32_t i = 0; i < world->seen_count; i++)
        n += world->seen[i].event.kind == kind;
    return n;
}

void ua_expect_state(struct ua_world *world, uint64_t dialog, enum channel_dialog_state state)
{
    struct ua_seen seen = ua_take(world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.dialog, dialog);
    assert_int_equal(seen.event.state, state);
}

void ua_expect_silence(struct ua_world *world)
{
    read_events(world);
    show(world);
    assert_int_equal(world->seen_count, 0);
}

void ua_forget(struct ua_world *world)
{
    read_events(world);
    world->seen_count = 0;
}

void ua_respond_from(struct ua_world *world, const struct wire_packet *request,
                     const struct ua_response *response)
{
    char text[WIRE_TEXT_MAX], to[512];
    const char *body = response->body != NULL ? response->body : "";
    bool tagged = strstr(header_of(request, "To"), ";tag=") != NULL || response->tag == NULL;
    snprintf(to, sizeof(to), "%s%s%s", header_of(request, "To"),
             tagged ? "" : ";tag=", tagged ? "" : response->tag);
    int length = snprintf(text, sizeof(text),
                          "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n%s%s"
                          "Content-Length: %zu\r\n\r\n%s",
                          response->status, header_of(request, "Via"), header_of(request, "From"), to,
                          header_of(request, "Call-ID"), header_of(request, "CSeq"),
                          response->extra != NULL ? response->extra : "",
                          body[0] != '\0' ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
    assert_in_range(length, 1, sizeof(text) - 1);
    wire_send(world->wire, request->to, text);
}
