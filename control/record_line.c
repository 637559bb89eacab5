// SPDX-License-Identifier: BSD-3-Clause
#include "record_line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "rpc/text.h"

#define STAMP_SIZE 32

static const char *const reasons[CHANNEL_REASON_COUNT] = {
#define R(name, word) [CHANNEL_REASON_##name] = word,
    CHANNEL_REASONS(R)
#undef R
};
static const char *const enders[CHANNEL_ENDER_COUNT] = {
#define E(name, word) [CHANNEL_ENDER_##name] = word,
    CHANNEL_ENDERS(E)
#undef E
};

// What stands in a line, in its order. Texts are escaped.
struct fields {
    char record[64];
    char start[STAMP_SIZE], ring[STAMP_SIZE], answer[STAMP_SIZE], end[STAMP_SIZE];
    json_t *texts[CHANNEL_RECORD_TEXTS];
    char cause[24];
    long long delay_ms, answer_ms, duration_ms; // -1: none
    char marks[64];
};

static void stamp(uint64_t unix_ms, char text[STAMP_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    size_t used = gmtime_r(&seconds, &utc) ? strftime(text, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc) : 0;
    snprintf(text + used, STAMP_SIZE - used, ".%03uZ", (unsigned)(unix_ms % 1000));
}

static void stamp_after(const struct channel_record *record, uint32_t after_ms, char text[STAMP_SIZE])
{
    text[0] = '\0';
    if (after_ms != CHANNEL_RECORD_NEVER)
        stamp(record->start_ms + after_ms, text);
}

// The URI of a From or To: what is between the angle brackets, or what comes before parameters (RFC 3261
// 20.10: a URI without brackets has none).
static json_t *uri_json(const char *text, size_t length)
{
    const char *open = memrchr(text, '<', length), *begin = text, *end = text + length;
    const char *close = open ? memchr(open, '>', (size_t)(end - open)) : memchr(text, ';', length);
    if (open)
        begin = open + 1;
    if (close)
        end = close;
    return text_json(begin, (size_t)(end - begin));
}

static void mark(char marks[64], bool set, const char *word)
{
    size_t used = strlen(marks);
    if (set)
        snprintf(marks + used, 64 - used, "%s%s", used ? " " : "", word);
}

static struct fields fields_of(const struct channel_record *record, const struct record_names *names)
{
    struct fields fields = {.delay_ms = -1, .answer_ms = -1, .duration_ms = -1};
    const char *text = (const char *)(record + 1);
    snprintf(fields.record, sizeof(fields.record), "%08" PRIx64 "-%" PRIu32 "-%" PRIu64,
             names->instance & UINT32_MAX, names->worker, record->sequence);
    stamp(record->start_ms, fields.start);
    stamp_after(record, record->ring_ms, fields.ring);
    stamp_after(record, record->answer_ms, fields.answer);
    stamp_after(record, record->end_ms, fields.end);
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++) {
        size_t length = record->text_lengths[i];
        fields.texts[i] = i == CHANNEL_RECORD_CALL_ID ? text_json(text, length) : uri_json(text, length);
        text += length;
    }
    if (record->cause > 0)
        snprintf(fields.cause, sizeof(fields.cause), "%s %u", record->sip_cause ? "SIP" : "Q.850",
                 record->cause);
    bool answered = record->answer_ms != CHANNEL_RECORD_NEVER;
    if (record->ring_ms != CHANNEL_RECORD_NEVER)
        fields.delay_ms = record->ring_ms;
    else if (answered)
        fields.delay_ms = record->answer_ms; // nothing rang before
    if (answered) {
        fields.answer_ms = record->answer_ms;
        fields.duration_ms = record->end_ms > record->answer_ms ? record->end_ms - record->answer_ms : 0;
    }
    mark(fields.marks, names->repeated, "repeated");
    mark(fields.marks, record->flags & CHANNEL_RECORD_RESTARTED, "restarted");
    mark(fields.marks, record->flags & CHANNEL_RECORD_RESUMED, "resumed");
    mark(fields.marks, record->flags & CHANNEL_RECORD_CUT, "cut");
    return fields;
}

static char *json_line(const struct channel_record *record, const struct record_names *names,
                       const struct fields *fields)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s*, s:s*, s:s, s:O, s:O, s:O, s:s, s:s, s:s, s:i, s:s, s:s, s:s*, s:s*}", "record",
        fields->record, "start", fields->start, "ring", fields->ring[0] ? fields->ring : NULL, "answer",
        fields->answer[0] ? fields->answer : NULL, "end", fields->end, "call_id",
        fields->texts[CHANNEL_RECORD_CALL_ID], "from", fields->texts[CHANNEL_RECORD_FROM], "to",
        fields->texts[CHANNEL_RECORD_TO], "caller_peer", names->caller_peer, "callee_peer",
        names->callee_peer, "member", names->member, "status", (int)record->status, "ended_by",
        enders[record->ender], "reason", reasons[record->reason], "cause",
        fields->cause[0] ? fields->cause : NULL, "marks", fields->marks[0] ? fields->marks : NULL);
    static const char *const spans[] = {"post_dial_delay_ms", "answer_ms", "duration_ms"};
    const long long values[] = {fields->delay_ms, fields->answer_ms, fields->duration_ms};
    for (unsigned i = 0; json && i < 3; i++)
        if (values[i] >= 0)
            json_object_set_new(json, spans[i], json_integer(values[i]));
    char *line = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    size_t length = line ? strlen(line) : 0;
    if (line)
        line[length] = '\n'; // the line end takes the place of the NUL: the length is known by it
    json_decref(json);
    return line;
}

// RFC 4180: a double quote within is doubled.
static void put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputs("\",", out);
}

static void put_span(FILE *out, long long value)
{
    if (value >= 0)
        fprintf(out, "%lld", value);
    fputc(',', out);
}

static char *csv_line(const struct channel_record *record, const struct record_names *names,
                      const struct fields *fields, size_t *length)
{
    char *line = NULL;
    FILE *out = open_memstream(&line, length);
    if (!out)
        return NULL;
    fprintf(out, "%s,%s,%s,%s,%s,", fields->record, fields->start, fields->ring, fields->answer, fields->end);
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++)
        put_text(out, json_string_value(fields->texts[i]));
    put_text(out, names->caller_peer);
    put_text(out, names->callee_peer);
    fprintf(out, "%s,%u,%s,%s,%s,", names->member, record->status, enders[record->ender],
            reasons[record->reason], fields->cause);
    put_span(out, fields->delay_ms);
    put_span(out, fields->answer_ms);
    put_span(out, fields->duration_ms);
    fprintf(out, "%s\r\n", fields->marks);
    if (fclose(out) == 0)
        return line;
    free(line);
    return NULL;
}

char *record_line(const struct channel_record *record, const struct record_names *names,
                  enum record_format format, size_t *length)
{
    struct fields fields = fields_of(record, names);
    char *line = NULL;
    if (fields.texts[0] && fields.texts[1] && fields.texts[2])
        line = format == RECORD_CSV ? csv_line(record, names, &fields, length)
                                    : json_line(record, names, &fields);
    if (line && format == RECORD_JSON)
        *length =
            (size_t)((char *)rawmemchr(line, '\n') - line) + 1; // none within: control characters are escaped
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++)
        json_decref(fields.texts[i]);
    return line;
}
