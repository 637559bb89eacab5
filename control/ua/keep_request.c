// SPDX-License-Identifier: BSD-3-Clause
// Requests that wait for a program's answer, over a restart of control (keep.h): the program knows their ids,
// and the data plane waits. First INVITEs are of their calls' records, REFERs and SUBSCRIBEs of their
// transfers'.
#include <stdio.h>
#include <string.h>
#include "../control.h"
#include "ua.h"

void ua_request_keep(struct ua *ua, struct ua_request *request)
{
    struct keep_writer *writer = keep_begin(ua->keep);
    if (!writer)
        return;
    keep_number(writer, request->app->number);
    keep_text(writer, request->app->name);
    keep_number(writer, request->call ? request->call->by_id.key : 0);
    // IPv4 and port; behind the rest all of it.
    keep_number(writer, (uint64_t)ip_ipv4(&request->source) << 16 | request->source_port);
    keep_number(writer, request->peer);
    keep_number(writer, request->deadline_ms);
    keep_text(writer, request->method);
    keep_octets(writer, &request->source, sizeof(request->source));
    keep_put(ua->keep, KEEP_REQUEST, request->node.key);
    request->kept = true;
}

// They come by their ids, not by their age.
static void insert(struct ua *ua, struct ua_request *request)
{
    struct ua_request *before;
    TAILQ_FOREACH_REVERSE(before, &ua->unanswered, ua_request_list, link)
    if (before->deadline_ms <= request->deadline_ms) {
        TAILQ_INSERT_AFTER(&ua->unanswered, before, request, link);
        return;
    }
    TAILQ_INSERT_HEAD(&ua->unanswered, request, link);
}

static void take(void *context, uint64_t id, struct keep_reader *reader)
{
    struct ua *ua = context;
    char method[sizeof((struct ua_request){0}.method)];
    struct ua_app *app = ua_app_kept(ua, reader);
    uint64_t call_id = keep_read_number(reader);
    struct ua_call *call = call_id ? ua_call_by_id(ua, call_id) : NULL;
    uint64_t source = keep_read_number(reader);
    struct channel_ua_event event = {.transaction = id,
                                     .source = ip_from_ipv4((uint32_t)(source >> 16)),
                                     .source_port = (uint16_t)source,
                                     .peer = (uint16_t)keep_read_number(reader)};
    uint64_t deadline_ms = keep_read_number(reader);
    keep_read_into(reader, method, sizeof(method));
    keep_read_address(reader, &event.source);
    bool good = app && id && !reader->bad && (call || !call_id);
    struct ua_request *request = good ? ua_request_begin(ua, &event, app, call) : NULL;
    if (!request) {
        keep_drop(ua->keep, KEEP_REQUEST, id);
        return;
    }
    request->kept = true;
    snprintf(request->method, sizeof(request->method), "%s", method);
    request->deadline_ms = deadline_ms;
    if (deadline_ms)
        insert(ua, request);
    else if (call && !call->invite)
        call->invite = request;
}

void ua_requests_take(struct ua *ua)
{
    keep_each(ua->keep, KEEP_REQUEST, take, ua);
}
