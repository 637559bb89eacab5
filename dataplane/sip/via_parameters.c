// SPDX-License-Identifier: BSD-3-Clause
#include "param.h"
#include "quoted.h"

#define OC_VALIDITY_DEFAULT_MS 500u // RFC 7339 4.3

// RFC 7339 4.1: without a value in a request, a number in a response.
static int take_oc(const struct cursor *cursor, const struct param *param, struct via_parameters *parameters)
{
    uint32_t number;
    if (parameters->has_oc)
        return -1;
    parameters->has_oc = true;
    parameters->oc = param->value;
    return param->value.length == 0 ||
                   scan_number(cursor->base + param->value.offset,
                               cursor->base + param->value.offset + param->value.length, UINT32_MAX,
                               &number) == cursor->base + param->value.offset + param->value.length
               ? 0
               : -1;
}

static int take_maddr(const struct cursor *cursor, const struct param *param, struct span *maddr)
{
    const uint8_t *value = cursor->base + param->value.offset;
    if (param_take(param, maddr) != 0 ||
        scan_host(value, value + param->value.length) != value + param->value.length)
        return -1;
    return 0;
}

static int take_algorithm(const struct cursor *cursor, const struct param *param,
                          struct via_parameters *parameters)
{
    if (param_take(param, &parameters->oc_algorithm) != 0)
        return -1;
    parameters->oc_algorithm = quoted_inside(cursor->base, parameters->oc_algorithm);
    return 0;
}

static int take(const struct cursor *cursor, const struct param *param, struct via_parameters *parameters,
                bool *has_validity)
{
    uint32_t number;
    if (param_is(cursor, param, "maddr"))
        return take_maddr(cursor, param, &parameters->maddr);
    if (param_is(cursor, param, "ttl")) {
        // RFC 3261 25.1: 1*3DIGIT, 0 to 255.
        int fault = param_take_number(cursor, param, UINT8_MAX, &parameters->has_ttl, &number);
        parameters->ttl = fault == 0 ? (uint8_t)number : 0;
        return fault;
    }
    if (param_is(cursor, param, "oc"))
        return take_oc(cursor, param, parameters);
    if (param_is(cursor, param, "oc-algo"))
        return take_algorithm(cursor, param, parameters);
    if (param_is(cursor, param, "oc-validity"))
        return param_take_number(cursor, param, UINT32_MAX, has_validity, &parameters->oc_validity_ms);
    return param_is(cursor, param, "oc-seq") ? param_take(param, &parameters->oc_sequence) : 0;
}

int via_parameters_read(const uint8_t *octets, const struct via *via, struct via_parameters *parameters)
{
    *parameters = (struct via_parameters){.oc_validity_ms = OC_VALIDITY_DEFAULT_MS};
    if (via->parameters.length == 0)
        return 0;
    struct cursor cursor = cursor_of(octets, via->parameters);
    struct param param;
    bool has_validity = false;
    int more;
    cursor.at--; // the semicolon
    while ((more = param_next(&cursor, &param)) == 1)
        if (take(&cursor, &param, parameters, &has_validity) != 0)
            return -1;
    return more;
}

// Algorithms are tokens with commas between them; loss is the one that everybody has (RFC 7339 4.2).
static bool has_loss(const uint8_t *octets, struct span algorithms)
{
    struct cursor cursor = cursor_of(octets, algorithms);
    while (cursor.at < cursor.end) {
        cursor_skip_lws(&cursor);
        const uint8_t *end = scan_while(cursor.at, cursor.end, SCAN_TOKEN);
        if (end - cursor.at == 4 && scan_same(cursor.at, "loss", 4))
            return true;
        for (cursor.at = end; cursor.at < cursor.end && *cursor.at != ',';)
            cursor.at++;
        cursor.at += cursor.at < cursor.end;
    }
    return false;
}

bool via_takes_overload(const uint8_t *octets, const struct via *via, struct via_parameters *parameters)
{
    if (via_parameters_read(octets, via, parameters) != 0 || !parameters->has_oc ||
        !has_loss(octets, parameters->oc_algorithm))
        return false;
    // An answer to an answer would be ambiguous.
    return parameters->oc_sequence.length == 0 &&
           (parameters->oc.length == 0 || octets[parameters->oc.offset - 1] == '=');
}
