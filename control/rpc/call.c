// SPDX-License-Identifier: BSD-3-Clause
#include "call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "audit.h"

struct rpc_call {
    struct control *control;
    json_t *request;
    json_t *id;                      // borrowed from request; NULL: a notification
    json_t *params;                  // checked; NULL: not yet
    const struct rpc_method *method; // NULL: not yet
    struct rpc_answer answer;
};

static const int wire_codes[DG_CODE_COUNT] = {
#define X(name, wire, text) [name] = wire,
    DG_CODES(X)
#undef X
};

static char *to_line(json_t *response)
{
    char *text = response ? json_dumps(response, JSON_COMPACT) : NULL;
    json_decref(response);
    size_t length = text ? strlen(text) : 0;
    char *line = text ? realloc(text, length + 2) : NULL;
    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + length, "\n", 2);
    return line;
}

static char *error_line(json_t *id, enum dg_code code, const char *text)
{
    json_t *known = id ? json_incref(id) : json_null();
    // What others sent may stand in text: only UTF-8 is taken, else the code's own text speaks.
    json_t *message = json_string(text);
    if (!message)
        message = json_string(dg_code_text(code));
    return to_line(json_pack("{s:s, s:o, s:{s:i, s:o}}", "jsonrpc", "2.0", "id", known, "error", "code",
                             wire_codes[code], "message", message));
}

char *rpc_error_line(enum dg_code code, const char *text)
{
    return error_line(NULL, code, text);
}

static void audit(const struct rpc_call *call, const json_t *result, enum dg_code code, const char *text)
{
    const struct audit_entry entry = {.user = call->answer.user,
                                      .method = call->method,
                                      .params = call->params,
                                      .result = result,
                                      .program = rpc_attached(call) != NULL,
                                      .code = code,
                                      .text = text};
    if (call->method && call->method->audited)
        audit_write(call->control, &entry);
}

static void finish(struct rpc_call *call, char *line)
{
    struct rpc_answer answer = call->answer;
    json_decref(call->params);
    json_decref(call->request);
    free(call);
    answer.answer(answer.context, line);
}

void rpc_reply(struct rpc_call *call, json_t *result)
{
    if (!result) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    char *line = NULL;
    if (call->id)
        line = to_line(json_pack("{s:s, s:O, s:O}", "jsonrpc", "2.0", "id", call->id, "result", result));
    audit(call, result, DG_OK, NULL);
    json_decref(result);
    finish(call, line);
}

void rpc_fail(struct rpc_call *call, enum dg_code code, const char *format, ...)
{
    char text[DG_ERROR_TEXT_SIZE * 2];
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is in the line above
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    call->control->rpc.errors[code]++;
    audit(call, NULL, code, text);
    finish(call, call->id ? error_line(call->id, code, text) : NULL);
}

void rpc_fail_errno(struct rpc_call *call, int result, const char *text)
{
    if (result == -ENOTCONN)
        rpc_fail(call, DG_UNAVAILABLE, "%s", text && text[0] ? text : dg_code_text(DG_UNAVAILABLE));
    else if (result == -ETIMEDOUT)
        rpc_fail(call, DG_NO_ANSWER, "dataplane does not answer");
    else if (result == -ENOENT)
        rpc_fail(call, DG_NOT_FOUND, "%s", text && text[0] ? text : dg_code_text(DG_NOT_FOUND));
    else
        rpc_fail(call, DG_REFUSED, "%s", text && text[0] ? text : strerror(-result));
}

bool rpc_follow(struct rpc_call *call, const struct follower *follower)
{
    if (call->answer.follow && !rpc_gone(call))
        call->answer.follow(call->answer.context, follower);
    return call->answer.follow != NULL;
}

bool rpc_attach(struct rpc_call *call, const struct follower *follower)
{
    if (call->answer.attach && !rpc_gone(call))
        call->answer.attach(call->answer.context, follower);
    return call->answer.attach != NULL;
}

struct ua_app *rpc_attached(const struct rpc_call *call)
{
    return call->answer.attached ? call->answer.attached(call->answer.context) : NULL;
}

struct control *rpc_control(const struct rpc_call *call)
{
    return call->control;
}

const char *rpc_text(const struct rpc_call *call, const char *name)
{
    return json_string_value(json_object_get(call->params, name));
}

const json_t *rpc_list(const struct rpc_call *call, const char *name)
{
    return json_object_get(call->params, name);
}

const char *rpc_who(const struct rpc_call *call)
{
    return call->answer.user ? call->answer.user->name : "-";
}

const struct rpc_user *rpc_user(const struct rpc_call *call)
{
    return call->answer.user;
}

bool rpc_streams(const struct rpc_call *call)
{
    return call->answer.stream && call->id;
}

void rpc_part(struct rpc_call *call, const char *method, const char *name, json_t *rows)
{
    char *line = to_line(json_pack("{s:s, s:s, s:{s:O, s:O}}", "jsonrpc", "2.0", "method", method, "params",
                                   "id", call->id, name, rows));
    json_decref(rows);
    if (line)
        call->answer.stream->part(call->answer.context, line);
}

void rpc_when_taken(struct rpc_call *call, void (*go)(void *what), void *what)
{
    call->answer.stream->when_taken(call->answer.context, go, what);
}

bool rpc_gone(const struct rpc_call *call)
{
    return call->answer.stream && call->answer.stream->gone(call->answer.context);
}

int64_t rpc_integer(const struct rpc_call *call, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(call->params, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool rpc_boolean(const struct rpc_call *call, const char *name)
{
    return json_is_true(json_object_get(call->params, name));
}

bool rpc_is_false(const struct rpc_call *call, const char *name)
{
    return json_is_false(json_object_get(call->params, name));
}

static void refuse_role(struct rpc_call *call)
{
    char way[128];
    const struct config_control_view view = config_control_view(call->control->active.config);
    enum rpc_role role = call->method->role;
    call->control->rpc.refused[RPC_REFUSED_ROLE]++;
    rpc_fail(call, DG_DENIED, "%s needs the role %s, you have %s; %s", call->method->name, role_name(role),
             role_name(call->answer.user->role), role_way(&view, role, way, sizeof(way)));
}

static void dispatch(struct rpc_call *call, json_t *given)
{
    char text[DG_ERROR_TEXT_SIZE];
    const char *name = json_string_value(json_object_get(call->request, "method"));
    const struct rpc_method *method = rpc_methods;
    while (method->name && strcmp(method->name, name) != 0)
        method++;
    if (!method->name) {
        call->control->rpc.refused[RPC_REFUSED_REQUEST]++;
        rpc_fail(call, DG_UNKNOWN_METHOD, "%s", dg_code_text(DG_UNKNOWN_METHOD));
        return;
    }
    call->method = method;
    if (call->answer.user && call->answer.user->role < method->role) {
        refuse_role(call);
        return;
    }
    call->params = rpc_params(method, given, text, sizeof(text));
    if (call->params) {
        method->handler(call);
        return;
    }
    call->control->rpc.refused[RPC_REFUSED_REQUEST]++;
    rpc_fail(call, DG_INVALID_PARAMS, "%s", text);
}

// Identifiers are texts, numbers or null (JSON-RPC 2.0, 4); a request without one is a notification.
static bool is_request(const json_t *request)
{
    const json_t *id = json_object_get(request, "id");
    const char *version = json_string_value(json_object_get(request, "jsonrpc"));
    return json_is_object(request) && version && strcmp(version, "2.0") == 0 &&
           json_is_string(json_object_get(request, "method")) &&
           (!id || json_is_string(id) || json_is_number(id) || json_is_null(id));
}

void rpc_serve_request(struct control *control, json_t *request, const struct rpc_answer *answer)
{
    json_t *id = json_object_get(request, "id");
    control->rpc.requests++;
    if (!is_request(request)) {
        bool known = json_is_string(id) || json_is_number(id);
        char *refusal = error_line(known ? id : NULL, DG_INVALID_REQUEST, dg_code_text(DG_INVALID_REQUEST));
        control->rpc.refused[RPC_REFUSED_REQUEST]++;
        control->rpc.errors[DG_INVALID_REQUEST]++;
        json_decref(request);
        answer->answer(answer->context, refusal);
        return;
    }
    struct rpc_call *call = malloc(sizeof(*call));
    if (!call) {
        json_decref(request);
        answer->answer(answer->context, rpc_error_line(DG_INTERNAL, "out of memory"));
        return;
    }
    *call = (struct rpc_call){.control = control, .request = request, .id = id, .answer = *answer};
    dispatch(call, json_object_get(request, "params"));
}

void rpc_serve(struct control *control, const char *line, size_t length, const struct rpc_answer *answer)
{
    json_error_t error;
    json_t *request =
        json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!request) {
        char text[DG_ERROR_TEXT_SIZE];
        snprintf(text, sizeof(text), "not JSON at column %d", error.column);
        control->rpc.refused[RPC_REFUSED_REQUEST]++;
        control->rpc.errors[DG_PARSE]++;
        answer->answer(answer->context, rpc_error_line(DG_PARSE, text));
    } else if (json_is_array(request)) {
        rpc_serve_batch(control, request, answer);
    } else {
        rpc_serve_request(control, request, answer);
    }
}
