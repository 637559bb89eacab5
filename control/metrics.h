// SPDX-License-Identifier: BSD-3-Clause
// Every metric there is, walked once: the Prometheus text, metrics.get and dialgatectl come from the same
// walk.
#ifndef DIALGATE_CONTROL_METRICS_H
#define DIALGATE_CONTROL_METRICS_H

struct control;

struct metrics_visitor {
    // Begins a family; its samples follow.
    void (*family)(void *context, const char *name, const char *type, const char *help);
    // suffix: "", or "_bucket" and the like; labels as in Prometheus text without braces, perhaps empty.
    void (*sample)(void *context, const char *suffix, const char *labels, double value);
    void *context;
};
void metrics_walk(const struct control *control, const struct metrics_visitor *visitor);

// Prometheus text exposition 0.0.4, into an evbuffer.
struct evbuffer;
void metrics_text(const struct control *control, struct evbuffer *out);

#endif
