// SPDX-License-Identifier: BSD-3-Clause
// capture.start, capture.list, capture.stop.
#include "../capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "../control.h"
#include "call.h"
#include "dialog.h"
#include "handlers.h"
#include "text.h"

static const char *const kinds[CHANNEL_CAPTURE_KINDS] = {
    [CHANNEL_CAPTURE_ALL] = "all",       [CHANNEL_CAPTURE_CALL_ID] = "call_id",
    [CHANNEL_CAPTURE_PEER] = "peer",     [CHANNEL_CAPTURE_NUMBER] = "number",
    [CHANNEL_CAPTURE_SAMPLE] = "sample",
};

// Whose numbers are captured is for those who may capture.
static bool sees_numbers(const struct rpc_call *call)
{
    const struct rpc_user *user = rpc_user(call);
    return !user || user->role >= ROLE_OPERATOR;
}

static json_t *row_json(const struct rpc_call *call, const struct capture *capture)
{
    static const char *const states[] = {"starting", "running", "ending", "ending", "over"};
    const char *what = sees_numbers(call) ? capture->what : kinds[capture->set.kind];
    const char *fault = capture->fault < 0 ? strerror(-capture->fault) : NULL;
    bool to_file = capture->to[0] == '\0';
    json_t *row = json_pack("{s:I, s:s, s:s?, s:s?, s:s, s:b, s:s, s:I}", "id", (json_int_t)capture->set.id,
                            "state", states[capture->state], "reason", capture->reason, "fault", fault,
                            "what", what, "dropped", (capture->set.flags & CHANNEL_CAPTURE_DROPPED) != 0,
                            "by", capture->who, "started", (json_int_t)capture->started_s);
    json_t *counts =
        json_pack("{s:s?, s:s?, s:I, s:I, s:I, s:I, s:I}", "file", to_file ? capture->writer.path : NULL,
                  "hep", to_file ? NULL : capture->to, "messages", (json_int_t)capture->messages, "octets",
                  (json_int_t)(to_file ? capture->writer.size + capture->writer.used : capture->octets),
                  "lost", (json_int_t)capture_lost(rpc_control(call), capture), "failed",
                  (json_int_t)capture->failed, "calls_forgotten", (json_int_t)capture->forgotten);
    json_object_update_new(row, counts);
    json_object_set_new(row, "ended",
                        capture->state == CAPTURE_OVER ? json_integer((json_int_t)capture->ended_s)
                                                       : json_null());
    return row;
}

static void on_done(void *context, const struct capture *capture, int result, const char *text)
{
    struct rpc_call *call = context;
    if (result < 0)
        rpc_fail_errno(call, result, text);
    else
        rpc_reply(call, row_json(call, capture));
}

// SIP text of the request into the message. False: it was refused.
static bool take_text(struct rpc_call *call, const char *name, enum channel_capture_kind kind,
                      struct channel_capture_set *set)
{
    size_t most = kind == CHANNEL_CAPTURE_NUMBER ? CHANNEL_CAPTURE_NUMBER_MAX : sizeof(set->text);
    long length = text_octets(rpc_text(call, name), set->text, most);
    set->kind = kind;
    set->text_length = length > 0 ? (uint16_t)length : 0;
    if (length <= 0)
        rpc_fail(call, DG_INVALID_PARAMS, "%s has 1 to %zu octets; others are written \\xHH", name, most);
    return length > 0;
}

static bool take_peer(struct rpc_call *call, struct channel_capture_set *set)
{
    const char *name = rpc_text(call, "peer");
    int peer = dialog_find_peer(rpc_control(call), name);
    set->kind = CHANNEL_CAPTURE_PEER;
    set->peer = (uint16_t)peer;
    if (peer < 0)
        rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", name);
    return peer >= 0;
}

static bool take_filter(struct rpc_call *call, struct channel_capture_set *set)
{
    int64_t sample = rpc_integer(call, "sample", 0);
    bool call_id = rpc_text(call, "call_id"), peer = rpc_text(call, "peer"),
         number = rpc_text(call, "number");
    int given = call_id + peer + number + (sample > 0);
    if (given > 1 || (given == 0 && !rpc_boolean(call, "dropped"))) {
        rpc_fail(call, DG_INVALID_PARAMS,
                 "give one of call_id, peer, number, sample (1: every call), or dropped alone");
        return false;
    }
    set->flags = rpc_boolean(call, "dropped") ? CHANNEL_CAPTURE_DROPPED : 0;
    set->peer = NUMBER_NONE;
    set->kind = sample > 0 ? CHANNEL_CAPTURE_SAMPLE : CHANNEL_CAPTURE_ALL;
    set->sample = (uint32_t)sample;
    if (call_id)
        return take_text(call, "call_id", CHANNEL_CAPTURE_CALL_ID, set);
    if (number)
        return take_text(call, "number", CHANNEL_CAPTURE_NUMBER, set);
    return !peer || take_peer(call, set);
}

static bool take_limits(struct rpc_call *call, struct channel_capture_set *set)
{
    const struct config_capture_view view = config_capture_view(rpc_control(call)->active.config);
    uint64_t octets = (uint64_t)rpc_integer(call, "octets", (int64_t)view.size);
    set->messages = (uint64_t)rpc_integer(call, "messages", INT64_MAX);
    set->duration_ms = (uint32_t)rpc_integer(call, "duration_ms", (int64_t)view.duration_ms);
    set->octets = octets;
    if (octets > view.size)
        rpc_fail(call, DG_INVALID_PARAMS, "octets: at most %llu; capture.size says so",
                 (unsigned long long)view.size);
    return octets <= view.size;
}

// For people, in the words of the command line.
static void describe(const struct rpc_call *call, const struct channel_capture_set *set, char *what,
                     size_t size)
{
    const char *given = set->kind == CHANNEL_CAPTURE_SAMPLE || set->kind == CHANNEL_CAPTURE_ALL
                            ? NULL
                            : rpc_text(call, kinds[set->kind]);
    int used = 0;
    if (given)
        used = snprintf(what, size, "%s %s", kinds[set->kind], given);
    else if (set->kind == CHANNEL_CAPTURE_SAMPLE)
        used = snprintf(what, size, "one of %u calls", set->sample);
    if (set->flags & CHANNEL_CAPTURE_DROPPED)
        snprintf(what + used, size - (size_t)used, "%swhat is dropped", used ? ", " : "");
}

void rpc_capture_start(struct rpc_call *call)
{
    char error[ERROR_SIZE], what[CAPTURE_WHAT_MAX];
    struct capture_request request = {
        .what = what, .who = rpc_who(call), .file = rpc_text(call, "file"), .to = rpc_text(call, "hep")};
    const struct capture_answer answer = {on_done, call};
    if (request.file && request.to) {
        rpc_fail(call, DG_INVALID_PARAMS, "give file or hep, not both");
        return;
    }
    if (!take_filter(call, &request.set) || !take_limits(call, &request.set))
        return;
    describe(call, &request.set, what, sizeof(what));
    int result = capture_start(rpc_control(call), &request, &answer, error, sizeof(error));
    if (result == -EINVAL)
        rpc_fail(call, DG_INVALID_PARAMS, "%s", error);
    else if (result < 0)
        rpc_fail_errno(call, result, error);
}

void rpc_capture_stop(struct rpc_call *call)
{
    char error[ERROR_SIZE];
    const struct capture_answer answer = {on_done, call};
    int result =
        capture_stop(rpc_control(call), (uint32_t)rpc_integer(call, "id", 0), &answer, error, sizeof(error));
    if (result < 0)
        rpc_fail_errno(call, result, error);
}

void rpc_capture_list(struct rpc_call *call)
{
    const struct capture *capture = rpc_control(call)->captures.first;
    json_t *rows = json_array();
    for (; capture; capture = capture->next)
        json_array_append_new(rows, row_json(call, capture));
    rpc_reply(call, json_pack("{s:o}", "captures", rows));
}
