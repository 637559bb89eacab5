// SPDX-License-Identifier: BSD-3-Clause
// What a far end sees of a message: as much as it needs to know its call and to answer, in one pass over the
// lines. It trusts nothing that it reads.
#ifndef DIALGATE_PERF_LOOK_H
#define DIALGATE_PERF_LOOK_H

#include "script.h"

struct look {
    enum kind kind;
    enum inside_method inside;
    uint16_t status; // 0: a request
    uint16_t vias;   // Via lines
    uint32_t cseq;
    const char *text, *end; // all of it
    const char *lines;      // the first header line
    const char *body;
    const char *call_id;
    uint32_t call_id_length;
    const char *branch; // of the topmost Via
    uint32_t branch_length;
};

// False: it has not the form that it should have.
bool look_at(const char *text, uint32_t length, struct look *look);
// Copies the lines that a response repeats from the top of a request, Via and Record-Route. Returns octets,
// 0: no room.
uint32_t look_echo(const struct look *look, char *out, uint32_t size);
// The Record-Route values, a line feed behind each, as a string that free() frees; NULL: there are none.
char *look_routes(const struct look *look);
// Whether the message arrived as it was sent but for what a proxy changes: its Via, Max-Forwards, Route and
// Record-Route (RFC 3261 16.6, 16.7).
bool look_same(const struct look *look, const char *sent, uint32_t length);

#endif
