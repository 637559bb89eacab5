// SPDX-License-Identifier: BSD-3-Clause
// Which route a request outside a dialog takes: the first whose every condition holds. A condition that is
// not given holds.
#include <string.h>
#include "header.h"
#include "worker_core.h"

// A request as the routes look at it.
struct matched {
    const struct worker *worker;
    const struct work *work;
    struct uri request_uri; // zero: none that can be read
    struct uri to;          // the same, once it was asked for
    bool has_to;
    bool to_us;
};

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

static bool same_without_case(const uint8_t *octets, size_t length, const char *text)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || lower(octets[i]) != lower((uint8_t)text[i]))
            return false;
    }
    return text[length] == '\0';
}

// A user part is compared as it is written (RFC 3261 19.1.4); an escape is not what it stands for.
static bool begins_with(const struct message *message, struct span user, const char *text)
{
    size_t length = strlen(text);
    return user.length >= length && memcmp(message_at(message, user), text, length) == 0;
}

static bool is_host(const struct message *message, struct span host, const char *text)
{
    return host.length != 0 && same_without_case(message_at(message, host), host.length, text);
}

static bool has_value(const struct message *message, const struct header_field *field, const char *value)
{
    return value[0] == '\0' ||
           same_without_case(message_at(message, field->value), field->value.length, value);
}

// By kind, so that a compact form counts; a header that we do not know by its name as it stands.
static bool has_header(const struct message *message, const char *name, const char *value)
{
    size_t length = strlen(name);
    enum sip_header kind = header_find((const uint8_t *)name, length);
    for (uint32_t i = 0; i < message->header_count; i++) {
        const struct header_field *field = &message->headers[i];
        if (field->kind != kind || !has_value(message, field, value))
            continue;
        if (kind != HEADER_OTHER)
            return true;
        const uint8_t *at = message_at(message, field->line);
        if (field->line.length > length && same_without_case(at, length, name) &&
            (at[length] == ':' || at[length] == ' ' || at[length] == '\t'))
            return true;
    }
    return false;
}

static const struct uri *to_of(struct matched *matched)
{
    const struct message *message = matched->work->message;
    struct address to;
    uint32_t position = 0;
    if (!matched->has_to && (address_next(message->octets, message->to, &position, &to) != 1 ||
                             uri_parse(message->octets, to.uri, &matched->to) != 0))
        memset(&matched->to, 0, sizeof(matched->to));
    matched->has_to = true;
    return &matched->to;
}

static bool fits_texts(struct matched *matched, const struct snapshot_route *route)
{
    const struct rules *rules = matched->worker->rules;
    const struct message *message = matched->work->message;
    return (route->uri_user == 0 ||
            begins_with(message, matched->request_uri.user, rules_text(rules, route->uri_user))) &&
           (route->uri_host == 0 ||
            is_host(message, matched->request_uri.host, rules_text(rules, route->uri_host))) &&
           (route->to_user == 0 ||
            begins_with(message, to_of(matched)->user, rules_text(rules, route->to_user))) &&
           (route->to_host == 0 ||
            is_host(message, to_of(matched)->host, rules_text(rules, route->to_host))) &&
           (route->header == 0 ||
            has_header(message, rules_text(rules, route->header), rules_text(rules, route->header_value)));
}

static bool fits(struct matched *matched, const struct snapshot_route *route)
{
    const struct packet *packet = matched->work->packet;
    return (route->from == packet->peer || route->from == ROUTE_FROM_ANY_PEER) &&
           (route->method == matched->work->message->method || route->method == ROUTE_METHOD_ANY) &&
           (route->listener == packet->source.listener || route->listener == NUMBER_NONE) &&
           (!route->to_us || matched->to_us) && fits_texts(matched, route);
}

static const struct snapshot_route *first_that_fits(struct matched *matched)
{
    const struct rules *rules = matched->worker->rules;
    const struct message *message = matched->work->message;
    struct span user = matched->request_uri.user;
    uint16_t chains[ROUTE_INDEX_WAYS];
    uint32_t found = rules->route_count;
    uint32_t count = route_index_chains(&rules->route_index, matched->work->packet->peer,
                                        message_at(message, user), user.length, chains);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t next = chains[i]; next != 0 && next <= found;
             next = rules->route_index.next[next - 1]) {
            if (fits(matched, &rules->routes[next - 1])) {
                found = next - 1;
                break;
            }
        }
    }
    return found == rules->route_count ? NULL : &rules->routes[found];
}

const struct snapshot_route *match_route(const struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    const struct rules *rules = worker->rules;
    struct matched matched = {.worker = worker, .work = work};
    struct endpoint at;
    if (uri_parse(message->octets, message->request_uri, &matched.request_uri) != 0)
        memset(&matched.request_uri, 0, sizeof(matched.request_uri));
    // Without a host it was no URI.
    matched.to_us = matched.request_uri.user.length == 0 && matched.request_uri.host.length != 0 &&
                    endpoint_of_parts(message->octets, &matched.request_uri, &at) &&
                    rules_listener_named(rules, &at.address, at.port) != NUMBER_NONE;
    return first_that_fits(&matched);
}
