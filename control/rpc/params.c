// SPDX-License-Identifier: BSD-3-Clause
// Parameters against the row of their method.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "call.h"

#define WHY_SIZE 320

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool is_pair(const json_t *value)
{
    return json_array_size(value) == 2 && is_text(json_array_get(value, 0)) &&
           json_is_string(json_array_get(value, 1));
}

static bool is_list(const json_t *value, const struct rpc_param *param, bool (*is_one)(const json_t *))
{
    int64_t count = (int64_t)json_array_size(value);
    bool good = json_is_array(value) && count >= param->least && count <= param->most;
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = is_one(json_array_get(value, i));
    return good;
}

static bool is_choice(const struct rpc_param *param, const json_t *value)
{
    for (size_t i = 0; param->choices[i]; i++)
        if (is_text(value) && strcmp(json_string_value(value), param->choices[i]) == 0)
            return true;
    return false;
}

static bool wrong_choice(const struct rpc_param *param, const json_t *value, char *why, size_t size)
{
    bool list = param->type == RPC_CHOICES, wrong = list && json_array_size(value) == 0;
    size_t used = (size_t)snprintf(why, size, list ? "must be a list of " : "must be ");
    for (size_t i = 0; param->choices[i]; i++)
        used += (size_t)snprintf(why + used, used < size ? size - used : 0, "%s%s", i ? " | " : "",
                                 param->choices[i]);
    for (size_t i = 0; i < json_array_size(value) && list; i++)
        wrong = wrong || !is_choice(param, json_array_get(value, i));
    return list ? wrong : !is_choice(param, value);
}

// True when value is not what the row says, with the reason in why.
static bool is_wrong(const struct rpc_param *param, const json_t *value, char *why, size_t size)
{
    json_int_t number = json_integer_value(value);
    switch (param->type) {
    case RPC_CHOICE:
    case RPC_CHOICES:
        return wrong_choice(param, value, why, size);
    case RPC_TEXTS:
        snprintf(why, size, "must be a list of %" PRId64 " to %" PRId64 " texts", param->least, param->most);
        return !is_list(value, param, is_text);
    case RPC_PAIRS:
        snprintf(why, size, "must be a list of at most %" PRId64 " [name, value]", param->most);
        return !is_list(value, param, is_pair);
    case RPC_BOOLEAN:
        snprintf(why, size, "must be true or false");
        return !json_is_boolean(value);
    case RPC_INTEGER:
        if (param->most == RPC_EVER)
            snprintf(why, size, "must be an integer of at least %" PRId64, param->least);
        else
            snprintf(why, size, "must be an integer, %" PRId64 " to %" PRId64, param->least, param->most);
        return !json_is_integer(value) || number < param->least || number > param->most;
    case RPC_TEXT:
        snprintf(why, size, "must be a text of %" PRId64 " to %" PRId64 " octets without NUL", param->least,
                 param->most);
        return !is_text(value) || (int64_t)json_string_length(value) < param->least ||
               (int64_t)json_string_length(value) > param->most;
    }
    return true;
}

// By position (JSON-RPC 2.0, 4.2): in the order of the row. null leaves one out.
static json_t *by_name(const struct rpc_method *method, const json_t *list)
{
    json_t *named = json_object();
    const struct rpc_param *param = method->params;
    for (size_t i = 0; named && i < json_array_size(list); i++, param++) {
        json_t *value = json_array_get(list, i);
        if (!param->name) {
            json_decref(named);
            return NULL;
        }
        if (!json_is_null(value))
            json_object_set(named, param->name, value);
    }
    return named;
}

static bool all_fit(const struct rpc_method *method, json_t *params, char *text, size_t size)
{
    const char *key;
    json_t *value;
    json_object_foreach(params, key, value)
    {
        char why[WHY_SIZE];
        const struct rpc_param *param = method->params;
        while (param->name && strcmp(param->name, key) != 0)
            param++;
        if (!param->name) {
            snprintf(text, size, "%s has no parameter %.64s; api.list shows what it takes", method->name,
                     key);
            return false;
        }
        if (is_wrong(param, value, why, sizeof(why))) {
            snprintf(text, size, "%s: %s %s", method->name, param->name, why);
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

json_t *rpc_params(const struct rpc_method *method, json_t *given, char *text, size_t size)
{
    json_t *params = !given                  ? json_object()
                     : json_is_object(given) ? json_incref(given)
                     : json_is_array(given)  ? by_name(method, given)
                                             : NULL;
    if (!params)
        snprintf(text, size,
                 json_is_array(given) ? "%s takes fewer params" : "%s: params must be an object or an array",
                 method->name);
    if (params && all_fit(method, params, text, size))
        return params;
    json_decref(params);
    return NULL;
}
