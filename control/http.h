// SPDX-License-Identifier: BSD-3-Clause
// HTTP for machines: /metrics (Prometheus text), /healthz (this process answers), /readyz (calls can be
// taken, else 503 and one line a reason).
#ifndef DIALGATE_CONTROL_HTTP_H
#define DIALGATE_CONTROL_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct control;
struct evhttp;

// NULL with one line in error when address and port cannot be listened on. evhttp_free() ends it.
struct evhttp *http_create(struct control *control, const char *address, uint16_t port, char *error,
                           size_t size);

#endif
