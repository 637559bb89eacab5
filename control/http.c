// SPDX-License-Identifier: BSD-3-Clause
#include "http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "metrics.h"
#include "rpc/text.h"

#define TIMEOUT_S   10   // of a silent connection
#define HEADERS_MAX 8192 // octets of a request's headers

static void send_text(struct evhttp_request *request, int status, struct evbuffer *body, const char *type)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    evhttp_send_reply(request, status, NULL, body);
    evbuffer_free(body);
}

static void on_metrics(struct evhttp_request *request, void *context)
{
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    metrics_text(context, body);
    send_text(request, HTTP_OK, body, "text/plain; version=0.0.4; charset=utf-8");
}

// ?format=json, or an Accept that names JSON (RFC 9110 12.5.1; quality values are not weighed: whoever names
// it can read it).
static bool wants_json(struct evhttp_request *request)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct evkeyvalq values;
    bool asked = false;
    if (query && evhttp_parse_query_str(query, &values) == 0) {
        const char *format = evhttp_find_header(&values, "format");
        asked = format && strcmp(format, "json") == 0;
        evhttp_clear_headers(&values);
    }
    return asked || (accept && (strcasestr(accept, "application/json") ||
                                strcasestr(accept, "application/health+json")));
}

// With pass, or fail and why, as a load balancer's people know it: {"status": ..., "checks": {NAME:
// {"status": ..., "output": ...}}}.
static void send_json(struct evhttp_request *request, int status, json_t *checks)
{
    json_t *json = json_pack("{s:s, s:o*}", "status", status == HTTP_OK ? "pass" : "fail", "checks", checks);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct evbuffer *body = text ? evbuffer_new() : NULL;
    json_decref(json);
    if (body) {
        evbuffer_add_printf(body, "%s\n", text);
        send_text(request, status, body, "application/json");
    } else {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    }
    free(text);
}

static void on_health(struct evhttp_request *request, void *context)
{
    if (wants_json(request)) {
        send_json(request, HTTP_OK, NULL);
        return;
    }
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    evbuffer_add_printf(body, "ok\n");
    send_text(request, HTTP_OK, body, "text/plain; charset=utf-8");
}

static void send_checks(struct evhttp_request *request, const struct control *control, int status)
{
    char buffer[ERROR_SIZE];
    json_t *checks = json_object();
    for (enum control_check check = 0; check < CONTROL_CHECKS; check++) {
        const char *fault = control_check(control, check, buffer, sizeof(buffer));
        json_object_set_new(
            checks, control_check_names[check],
            fault ? json_pack("{s:s, s:o}", "status", "fail", "output", text_json(fault, strlen(fault)))
                  : json_pack("{s:s}", "status", "pass"));
    }
    send_json(request, status, checks);
}

static void on_ready(struct evhttp_request *request, void *context)
{
    char buffer[ERROR_SIZE];
    const char *reason = control_not_ready(context, 0, buffer, sizeof(buffer));
    int status = reason ? HTTP_SERVUNAVAIL : HTTP_OK;
    if (wants_json(request)) {
        send_checks(request, context, status);
        return;
    }
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    for (unsigned int i = 1; reason; i++) {
        evbuffer_add_printf(body, "%s\n", reason);
        reason = control_not_ready(context, i, buffer, sizeof(buffer));
    }
    if (status == HTTP_OK)
        evbuffer_add_printf(body, "ready\n");
    send_text(request, status, body, "text/plain; charset=utf-8");
}

struct evhttp *http_create(struct control *control, const char *address, uint16_t port, char *error,
                           size_t size)
{
    struct evhttp *http = evhttp_new(control->base);
    if (!http) {
        snprintf(error, size, "out of memory");
        return NULL;
    }
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_timeout(http, TIMEOUT_S);
    evhttp_set_max_headers_size(http, HEADERS_MAX);
    evhttp_set_max_body_size(http, 0);
    evhttp_set_cb(http, "/metrics", on_metrics, control);
    evhttp_set_cb(http, "/healthz", on_health, control);
    evhttp_set_cb(http, "/readyz", on_ready, control);
    errno = 0;
    if (evhttp_bind_socket(http, address, port) < 0) {
        snprintf(error, size, "metrics.listen %s:%u: %s; change metrics.listen, or stop what uses the port",
                 address, port, errno ? strerror(errno) : "not an address of this machine");
        evhttp_free(http);
        return NULL;
    }
    return http;
}
