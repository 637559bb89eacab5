// SPDX-License-Identifier: BSD-3-Clause
#include "own_uri.h"
#include <string.h>

static const char scheme[] = "sip:";
static const char parameters[] = ";lr;dg="; // as forward.c writes them

#define SCHEME_LENGTH     (sizeof(scheme) - 1)
#define PARAMETERS_LENGTH (sizeof(parameters) - 1)
#define AROUND_LISTENER   (SCHEME_LENGTH + PARAMETERS_LENGTH + COOKIE_ROUTE_LENGTH)

static bool is_repeated(const struct message *message, const struct own_uri *before, struct span text)
{
    return before != NULL && before->has_cookie && before->text.length == text.length &&
           memcmp(message_at(message, before->text), message_at(message, text), text.length) == 0;
}

bool own_uri_check(const struct worker *worker, const struct message *message, const struct own_uri *own)
{
    struct cookie_route cookie;
    return own->has_cookie && cookie_route_read(&worker->parts.keys, octets_of(message, own->text),
                                                octets_of(message, message->call_id), &cookie);
}

static void look_at_cookie(const struct worker *worker, const struct message *message,
                           const struct own_uri *before, struct own_uri *own)
{
    if (is_repeated(message, before, own->text)) {
        own->has_cookie = true;
        own->cookie = before->cookie;
        return;
    }
    own->has_cookie = cookie_route_hint(&worker->parts.keys, octets_of(message, own->text), &own->cookie);
}

// Our own words. The octets in the place of the cookie could be anything, a maddr among it; those of what may
// be a cookie are letters and digits.
static bool is_written(const struct worker *worker, const struct message *message, struct span uri,
                       const struct own_uri *before, struct own_uri *own)
{
    const uint8_t *octets = message_at(message, uri);
    if (uri.length <= AROUND_LISTENER || memcmp(octets, scheme, SCHEME_LENGTH) != 0)
        return false;
    uint32_t length = uri.length - (uint32_t)AROUND_LISTENER;
    if (memcmp(octets + SCHEME_LENGTH + length, parameters, PARAMETERS_LENGTH) != 0)
        return false;
    own->listener = listener_of_text(worker->rules, octets + SCHEME_LENGTH, length);
    if (own->listener == NUMBER_NONE)
        return false;
    own->text = (struct span){(uint16_t)(uri.offset + uri.length - COOKIE_ROUTE_LENGTH), COOKIE_ROUTE_LENGTH};
    look_at_cookie(worker, message, before, own);
    return own->has_cookie;
}

bool own_uri_look(const struct worker *worker, const struct message *message, struct span uri,
                  const struct own_uri *before, struct own_uri *own)
{
    struct uri parts;
    struct endpoint at;
    if (is_written(worker, message, uri, before, own))
        return true;
    if (uri_parse(message->octets, uri, &parts) != 0 || !endpoint_of_parts(message->octets, &parts, &at))
        return false;
    own->listener = rules_listener_named(worker->rules, &at.address, at.port);
    if (own->listener == NUMBER_NONE)
        return false;
    own->has_cookie = false;
    own->text = (struct span){0, 0};
    if (uri_parameter(message->octets, parts.parameters, "dg", &own->text))
        look_at_cookie(worker, message, before, own);
    return true;
}

bool own_uri_read(const struct worker *worker, const struct message *message, struct span uri,
                  const struct own_uri *before, struct own_uri *own)
{
    if (!own_uri_look(worker, message, uri, before, own))
        return false;
    if (own->has_cookie && !is_repeated(message, before, own->text))
        own->has_cookie = own_uri_check(worker, message, own);
    return true;
}
