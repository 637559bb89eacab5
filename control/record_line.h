// SPDX-License-Identifier: BSD-3-Clause
// One call's record as a line: CSV (RFC 4180, texts in double quotes) or a JSON object. Times are ISO 8601 in
// UTC with milliseconds, spans are milliseconds; what did not happen is empty, or null. Octets that are no
// printable text are written \xHH (rpc/text.h).
#ifndef DIALGATE_CONTROL_RECORD_LINE_H
#define DIALGATE_CONTROL_RECORD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include "dialgate/channel.h"

enum record_format { RECORD_CSV, RECORD_JSON }; // order of choices_record_format

// The names of a record's numbers, and where it came from.
struct record_names {
    const char *caller_peer;
    const char *callee_peer;
    const char *member; // address:port
    uint64_t instance;  // with worker and sequence: no other record has this id
    uint32_t worker;
    bool repeated; // it may be in the file already
};

#define RECORD_CSV_HEADER                                                                                    \
    "record,start,ring,answer,end,call_id,from,to,caller_peer,callee_peer,member,status,ended_by,reason,"    \
    "cause,post_dial_delay_ms,answer_ms,duration_ms,marks\r\n"

// record is checked (channel_check()), its texts lie behind it. Returns the line with its end, which the
// caller frees, and its octets; NULL without memory.
char *record_line(const struct channel_record *record, const struct record_names *names,
                  enum record_format format, size_t *length);

#endif
