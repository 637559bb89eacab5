// SPDX-License-Identifier: BSD-3-Clause
#include "http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include "control.h"
#include "metrics.h"

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

static void on_health(struct evhttp_request *request, void *context)
{
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    evbuffer_add_printf(body, "ok\n");
    send_text(request, HTTP_OK, body, "text/plain; charset=utf-8");
}

static void on_ready(struct evhttp_request *request, void *context)
{
    char buffer[ERROR_SIZE];
    const char *reason;
    unsigned int count = 0;
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    while ((reason = control_not_ready(context, count, buffer, sizeof(buffer)))) {
        evbuffer_add_printf(body, "%s\n", reason);
        count++;
    }
    if (count == 0)
        evbuffer_add_printf(body, "ready\n");
    send_text(request, count == 0 ? HTTP_OK : HTTP_SERVUNAVAIL, body, "text/plain; charset=utf-8");
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
