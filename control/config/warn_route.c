// SPDX-License-Identifier: BSD-3-Clause
// Routes that no request reaches: the first one that fits is taken, so one whose every request fits an
// earlier one is dead. Seen is what follows from the texts alone: an earlier condition is the same or wider.
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// Is the beginning that the earlier one asks for a beginning of the later one's?
static bool covers_beginning(const char *earlier, const char *later)
{
    return strncmp(earlier, later, strlen(earlier)) == 0;
}

// Hosts and names of headers are compared without case (RFC 3261 7.3.1, 19.1.4); "" asks for nothing.
static bool covers_text(const char *earlier, const char *later)
{
    return !earlier[0] || strcasecmp(earlier, later) == 0;
}

static bool covers(const struct config_route *earlier, const struct config_route *later)
{
    return (strcmp(earlier->from, ANY_PEER) == 0 || strcmp(earlier->from, later->from) == 0) &&
           (earlier->method == CHOICE_METHOD_ANY || earlier->method == later->method) &&
           (earlier->to_us == 0 || later->to_us != 0) &&
           (!earlier->listener[0] || strcmp(earlier->listener, later->listener) == 0) &&
           covers_beginning(earlier->uri_user, later->uri_user) &&
           covers_text(earlier->uri_host, later->uri_host) &&
           covers_beginning(earlier->to_user, later->to_user) &&
           covers_text(earlier->to_host, later->to_host) && covers_text(earlier->header, later->header) &&
           (!earlier->header_value[0] || strcmp(earlier->header_value, later->header_value) == 0);
}

void warn_routes(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE], other[PLACE_PATH_SIZE];
    for (size_t i = 1; i < config->route_count; i++)
        for (size_t earlier = 0; earlier < i; earlier++) {
            if (!covers(&config->routes[earlier], &config->routes[i]))
                continue;
            snprintf(path, sizeof(path), "routes[%zu]", i);
            snprintf(other, sizeof(other), "routes[%zu]", earlier);
            places_warn(places, path, "is never reached: the route of line %u takes all that it would",
                        places_find(places, other)->line);
            break;
        }
}
