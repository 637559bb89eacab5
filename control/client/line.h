// SPDX-License-Identifier: BSD-3-Clause
// A line of the socket as an agent reads it. What comes is checked as if a stranger had written it: texts
// that are missing are "", numbers out of range 0.
#ifndef DIALGATE_CONTROL_CLIENT_LINE_H
#define DIALGATE_CONTROL_CLIENT_LINE_H

#include <jansson.h>
#include "dialgate/ua.h"

#define METHOD_SIZE  32
#define LINE_ID_SIZE 33

enum line_kind { LINE_BAD, LINE_REPLY, LINE_EVENT, LINE_OTHER };

struct line {
    enum line_kind kind;
    json_t *json;   // the whole; json_decref() it
    json_t *value;  // borrowed: a reply's result (NULL: an error), an event's params
    uint64_t id;    // reply; 0: of none
    long long code; // of an error
    const char *text;
};
struct line line_read(const char *text, size_t length);

// What an event says; texts live as long as its JSON.
struct line_event {
    enum dg_event_kind kind; // DG_EVENT_KINDS: not known here
    const char *dialog, *request, *refer, *of;
    const char *stream, *method, *reason, *tag, *by, *peer, *source;
    const char *to, *from; // states, or a transfer's target
    const char *replaces, *referred_by;
    uint64_t number, count;
    unsigned status;
    uint32_t expires_s;
    bool final;
    json_t *message; // object; NULL: none
};
void line_event(const json_t *params, struct line_event *event);

// A text of an object, "": none. An id: "" where it is too long for one.
const char *line_text(const json_t *object, const char *key);
const char *line_id(const json_t *object, const char *key);
uint64_t line_number(const json_t *object, const char *key); // 0: none, or below 0

#endif
