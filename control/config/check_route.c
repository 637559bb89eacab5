// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "message.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct route_rule {
    const char *key;
    bool wrong;
    const char *why;
};

// host, or host:port.
static bool is_host_port(const char *text)
{
    char host[KEY_TEXT_SIZE];
    size_t length = strcspn(text, ":");
    memcpy(host, text, length);
    host[length] = '\0';
    return check_is_host(host) &&
           (!text[length] || (atoi(text + length + 1) > 0 && atoi(text + length + 1) <= 65535 &&
                              strspn(text + length + 1, "0123456789") == strlen(text + length + 1)));
}

static int check_rows(const struct route_rule *rules, size_t count, size_t number, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "routes[%zu].%s", number, rules[i].key);
        if (rules[i].wrong)
            return places_refuse(places, path, "%s", rules[i].why);
    }
    return 0;
}

static int check_route_texts(const struct config *config, size_t number, struct places *places)
{
    const struct config_route *route = &config->routes[number];
    const struct route_rule rows[] = {
        {"listener", route->listener[0] && !model_listener(config, route->listener),
         "is no listener's name; add it under listeners"},
        {"strip", route->strip && !route->to[0], "is given without to; give that too"},
        {"prepend", route->prepend[0] && !route->to[0], "is given without to; give that too"},
        {"prepend", strcspn(route->prepend, "@:;?<> \"") != strlen(route->prepend),
         "holds what no user part may hold; give digits or letters"},
        {"set_host", route->set_host[0] && !route->to[0], "is given without to; give that too"},
        {"set_host", route->set_host[0] && !is_host_port(route->set_host), "is not host or host:port"},
        {"retry_after", route->retry_after && !route->answer, "is given without answer; give that too"},
        {"header_value", route->header_value[0] && !route->header[0],
         "is given without header; give that too"},
        {"header", strcspn(route->header, ":;, \"<>@") != strlen(route->header),
         "is not the name of a header"},
        {"redirect", route->redirect[0] && !check_is_uri(route->redirect),
         "is not a URI; give one such as sip:support@example.net"},
        {"redirect",
         route->redirect[0] && route->method != METHOD_INVITE && route->method != CHOICE_METHOD_ANY,
         "is for INVITE; give method: INVITE or none"},
    };
    return check_rows(rows, COUNT_OF(rows), number, places);
}

// What an application sends was received by nobody, and has its answer from whom it is for.
static int check_caller(const struct config_route *route, size_t number, struct places *places)
{
    const struct route_rule rules[] = {
        {"answer", route->answer != 0, "is not for what an application sends; give to"},
        {"redirect", route->redirect[0] != '\0', "is not for what an application sends; give to"},
        {"listener", route->listener[0] != '\0', "receives nothing of what an application sends; remove it"},
        {"to_us", route->to_us != 0, "is not for what an application sends; remove it"},
    };
    return check_rows(rules, COUNT_OF(rules), number, places);
}

// An application sees a request as it came.
static int check_callee(const struct config_route *route, const struct config_application *caller,
                        size_t number, struct places *places)
{
    const struct route_rule rules[] = {
        {"to", caller != NULL, "is an application as from is; calls between two of them are not made"},
        {"strip", route->strip != 0, "is not for what an application gets; remove it"},
        {"prepend", route->prepend[0] != '\0', "is not for what an application gets; remove it"},
        {"set_host", route->set_host[0] != '\0', "is not for what an application gets; remove it"},
    };
    return check_rows(rules, COUNT_OF(rules), number, places);
}

int check_route(const struct config *config, size_t number, struct places *places)
{
    const struct config_route *route = &config->routes[number];
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "routes[%zu].from", number);
    const struct config_application *caller = model_application(config, route->from);
    if (strcmp(route->from, ANY_PEER) != 0 && !caller && !model_peer(config, route->from))
        return places_refuse(places, path, "no peer is called %s; give a peer's name or " ANY_PEER,
                             route->from);
    snprintf(path, sizeof(path), "routes[%zu]", number);
    unsigned actions = (route->to[0] != '\0') + (route->answer != 0) + (route->redirect[0] != '\0');
    if (actions != 1)
        return places_refuse(places, path, "gives %s; give one of them",
                             actions ? "more than one of to, answer and redirect"
                                     : "neither to nor answer nor redirect");
    snprintf(path, sizeof(path), "routes[%zu].method", number);
    // ACK and CANCEL follow the INVITE that they belong to (RFC 3261 16.10, 17.1.1.3).
    if (route->method == METHOD_ACK || route->method == METHOD_CANCEL)
        return places_refuse(places, path, "ACK and CANCEL go where their INVITE went; remove the route");
    if (route->answer >= 200 && route->answer < 300 &&
        (route->method == METHOD_INVITE || route->method == CHOICE_METHOD_ANY))
        return places_refuse(
            places, path,
            "an INVITE cannot be answered with %" PRIu64
            " without anybody to talk to; give another method such as OPTIONS, or a status from 300",
            route->answer);
    int result = check_route_texts(config, number, places);
    if (result == 0 && caller)
        result = check_caller(route, number, places);
    if (result == 0 && model_application(config, route->to))
        return check_callee(route, caller, number, places);
    if (result < 0 || route->to[0] == '\0')
        return result;
    snprintf(path, sizeof(path), "routes[%zu].to", number);
    const struct config_peer *to = model_peer(config, route->to);
    if (!to)
        return places_refuse(places, path, "no peer is called %s; add it under peers", route->to);
    if (to->member_count == 0)
        return places_refuse(places, path, "%s has no members to send to; add members to it", route->to);
    return 0;
}
