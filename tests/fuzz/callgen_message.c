// SPDX-License-Identifier: BSD-3-Clause
// Any octets as the call generator (perf/callgen) reads, judges and answers them: its readers stay inside,
// what is kept of a message is what it said, and what is written for it fits.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../perf/callgen/check.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(struct span span, const uint8_t *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)span.at;
    CHECK(span.length == 0 || (at >= data && at <= data + size && span.length <= (size_t)(data + size - at)));
}

static void check_spans(const struct message *message, const uint8_t *data, size_t size)
{
    const struct span spans[] = {message->uri,     message->branch,   message->from,
                                 message->to,      message->from_tag, message->to_tag,
                                 message->call_id, message->contact,  message->body};
    const struct values *lists[] = {&message->vias, &message->routes, &message->record_routes};
    for (unsigned i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        check_span(spans[i], data, size);
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        CHECK(lists[i]->count <= MESSAGE_VIAS);
        for (unsigned j = 0; j < lists[i]->count; j++)
            check_span(lists[i]->list[j], data, size);
    }
    CHECK(message->call_id.length > 0 && message->from_tag.length > 0 && message->vias.count > 0);
    CHECK(message->to_tag.length <= MESSAGE_TAG && message->method < METHODS && message->cseq > 0);
    CHECK(message->status == 0 || (message->status >= 100 && message->status <= 699));
    CHECK(message->body.length == 0 || message->body.at + message->body.length == (const char *)data + size);
}

static void check_kept(const char *kept, uint16_t length, size_t room, const struct values *values)
{
    CHECK(length <= room && calls_same(kept, length, values));
    struct values fewer = *values;
    if (fewer.count > 0) {
        fewer.count--;
        CHECK(!calls_same(kept, length, &fewer));
    }
}

static void answer(const struct scene *scene, struct call *call, const struct message *message)
{
    char octets[COMPOSE_OCTETS];
    static const unsigned statuses[] = {180, 200, 486, 487};
    if (!calls_keep(call->vias, &call->vias_length, sizeof(call->vias), &message->vias) ||
        !calls_keep(call->routes, &call->routes_length, sizeof(call->routes), &message->record_routes))
        return;
    check_kept(call->vias, call->vias_length, sizeof(call->vias), &message->vias);
    check_kept(call->routes, call->routes_length, sizeof(call->routes), &message->record_routes);
    for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct answer answer = {.method = message->method,
                                .cseq = message->cseq,
                                .status = statuses[i],
                                .vias = {call->vias, call->vias_length}};
        CHECK(compose_answer(scene, call, &answer, octets) <= sizeof(octets));
    }
}

static void ask(const struct scene *scene, const struct call *call, const struct message *message)
{
    char octets[COMPOSE_OCTETS];
    for (uint32_t cseq = 1; cseq <= 3; cseq++) {
        struct asked asked = {.method = METHOD_ACK, .transaction = METHOD_INVITE, .cseq = cseq};
        asked.to_tag = message->to_tag;
        CHECK(compose_request(scene, call, &asked, octets) <= sizeof(octets));
        asked = (struct asked){.method = METHOD_INVITE, .transaction = METHOD_INVITE, .cseq = cseq};
        CHECK(compose_request(scene, call, &asked, octets) <= sizeof(octets));
    }
}

static void judge(const struct scene *scene, const struct call *call, const struct message *message)
{
    for (unsigned method = 0; method < METHODS; method++) {
        struct asked asked = {
            .method = method, .transaction = method, .cseq = message->cseq < 4 ? message->cseq : 1};
        if (message->status == 0)
            (void)check_request(scene, call, &asked, message);
        else
            (void)check_response(scene, call, &asked, message, method % 2 == 0);
    }
    if (message->status == 0)
        (void)check_hop(scene, call, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene scene;
    struct message message;
    uint32_t number;
    if (scene.counts[CALLER] == 0) {
        scene.seed = 1;
        CHECK(scene_places(scene.sides[CALLER], &scene.counts[CALLER], "10.10.1.1") &&
              scene_places(scene.sides[CALLEE], &scene.counts[CALLEE], "10.20.1.1+1"));
        unsigned one;
        CHECK(scene_places(&scene.proxy[CALLER], &one, "10.10.0.10") &&
              scene_places(&scene.proxy[CALLEE], &one, "10.20.0.10"));
    }
    if (!message_read(&message, (const char *)data, size))
        return 0;
    check_spans(&message, data, size);
    struct call call = {.number = 0};
    if (check_call_id(&scene, message.call_id, &number))
        call.number = number;
    answer(&scene, &call, &message);
    ask(&scene, &call, &message);
    judge(&scene, &call, &message);
    return 0;
}
