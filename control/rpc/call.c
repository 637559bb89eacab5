// SPDX-License-Identifier: BSD-3-Clause
#include "call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rpc_call {
    struct control *control;
    json_t *request;
    json_t *id;     // borrowed from request; NULL: a notification
    json_t *params; // borrowed from request; NULL: none
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

static void finish(struct rpc_call *call, char *line)
{
    struct rpc_answer answer = call->answer;
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
    json_decref(result);
    finish(call, line);
}

void rpc_fail(struct rpc_call *call, enum dg_code code, const char *format, ...)
{
    char text[DG_ERROR_TEXT_SIZE * 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
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

bool rpc_follow(struct rpc_call *call, uint16_t peer)
{
    if (call->answer.follow)
        call->answer.follow(call->answer.context, peer);
    return call->answer.follow != NULL;
}

struct control *rpc_control(const struct rpc_call *call)
{
    return call->control;
}

const char *rpc_text(const struct rpc_call *call, const char *name)
{
    return json_string_value(json_object_get(call->params, name));
}

const char *rpc_who(const struct rpc_call *call)
{
    return call->answer.who ? call->answer.who : "-";
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

static bool type_fits(const json_t *value, enum rpc_type type)
{
    if (type == RPC_TEXT)
        return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
    return type == RPC_INTEGER ? json_is_integer(value) && json_integer_value(value) >= 0
                               : json_is_boolean(value);
}

// False when params are not what the row says, with the reason in text.
static bool params_fit(const struct rpc_method *method, json_t *params, char *text, size_t size)
{
    static const char *const type_names[] = {"a text", "an integer of at least 0", "true or false"};
    const char *key;
    json_t *value;
    json_object_foreach(params, key, value)
    {
        const struct rpc_param *param = method->params;
        while (param->name && strcmp(param->name, key) != 0)
            param++;
        if (!param->name) {
            snprintf(text, size, "%s has no parameter %.64s; api.list shows what it takes", method->name,
                     key);
            return false;
        }
        if (!type_fits(value, param->type)) {
            snprintf(text, size, "%s: %s must be %s", method->name, param->name, type_names[param->type]);
            return false;
        }
    }
    for (const struct rpc_param *param = method->params; param->name; param++)
        if (param->required && !json_object_get(params, param->name)) {
            snprintf(text, size, "%s: %s is missing: %s", method->name, param->name, param->help);
            return false;
        }
    return true;
}

static void dispatch(struct rpc_call *call)
{
    char text[DG_ERROR_TEXT_SIZE];
    const char *name = json_string_value(json_object_get(call->request, "method"));
    const struct rpc_method *method = rpc_methods;
    while (method->name && strcmp(method->name, name) != 0)
        method++;
    if (!method->name)
        rpc_fail(call, DG_UNKNOWN_METHOD, "%s", dg_code_text(DG_UNKNOWN_METHOD));
    else if (call->params && !json_is_object(call->params))
        rpc_fail(call, DG_INVALID_PARAMS, "params must be an object");
    else if (!params_fit(method, call->params, text, sizeof(text)))
        rpc_fail(call, DG_INVALID_PARAMS, "%s", text);
    else
        method->handler(call);
}

void rpc_serve(struct control *control, const char *line, size_t length, const struct rpc_answer *answer)
{
    json_error_t error;
    json_t *request =
        json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!request) {
        char text[DG_ERROR_TEXT_SIZE];
        snprintf(text, sizeof(text), "not JSON at column %d", error.column);
        answer->answer(answer->context, rpc_error_line(DG_PARSE, text));
        return;
    }
    json_t *id = json_object_get(request, "id");
    const char *version = json_string_value(json_object_get(request, "jsonrpc"));
    bool id_ok = !id || json_is_string(id) || json_is_integer(id) || json_is_null(id);
    if (!json_is_object(request) || !version || strcmp(version, "2.0") != 0 || !id_ok ||
        !json_is_string(json_object_get(request, "method"))) {
        char *refusal = error_line(id_ok ? id : NULL, DG_INVALID_REQUEST, dg_code_text(DG_INVALID_REQUEST));
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
    *call = (struct rpc_call){control, request, id, json_object_get(request, "params"), *answer};
    dispatch(call);
}
