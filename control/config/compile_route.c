// SPDX-License-Identifier: BSD-3-Clause
#include "compile.h"
#include "message.h"

static void put_route_texts(struct plan *plan, const struct config_route *route, struct snapshot_route *row)
{
    row->uri_user = plan_text(plan, route->uri_user);
    row->uri_host = plan_text(plan, route->uri_host);
    row->to_user = plan_text(plan, route->to_user);
    row->to_host = plan_text(plan, route->to_host);
    row->header = plan_text(plan, route->header);
    row->header_value = plan_text(plan, route->header_value);
    row->prepend = plan_text(plan, route->prepend);
    row->set_host = plan_text(plan, route->set_host);
    row->redirect = plan_text(plan, route->redirect);
}

void compile_routes(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_route *routes = plan_section(plan, SECTION_ROUTES);
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        uint16_t from = plan_number(plan, route->from);
        routes[i].from = from != NUMBER_NONE ? from : ROUTE_FROM_ANY_PEER;
        routes[i].to = plan_number(plan, route->to);
        routes[i].answer = (uint16_t)route->answer;
        routes[i].action = (uint8_t)(route->to[0]    ? ROUTE_TO_PEER
                                     : route->answer ? ROUTE_ANSWER
                                                     : ROUTE_REDIRECT);
        routes[i].method = route->method == CHOICE_METHOD_ANY ? ROUTE_METHOD_ANY : (uint8_t)route->method;
        routes[i].to_us = (uint8_t)route->to_us;
        const struct config_listener *listener = model_listener(config, route->listener);
        routes[i].listener = listener ? (uint16_t)(listener - config->listeners) : NUMBER_NONE;
        routes[i].strip = (uint8_t)route->strip;
        routes[i].retry_after_s = plan_seconds(route->retry_after);
        put_route_texts(plan, route, &routes[i]);
    }
}
