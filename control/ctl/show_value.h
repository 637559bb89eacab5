// SPDX-License-Identifier: BSD-3-Clause
// Values of a result as they are shown. A result comes from our own daemon, but a key that is missing shows
// as "-" or 0, never as a crash. For the show_*.c alone, hence the short names.
#ifndef DIALGATE_CTL_SHOW_VALUE_H
#define DIALGATE_CTL_SHOW_VALUE_H

#include <time.h>
#include "ctl.h"
#include "table.h"

#define COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))

static inline const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && value[0] ? value : "-";
}

static inline int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static inline const char *count(const json_t *object, const char *key, char buffer[UNIT_SIZE])
{
    return unit_count(number(object, key), buffer);
}

#define TIME_SIZE 32

// Unix seconds as a time; "otherwise" for what is none.
static inline const char *stamp(const json_t *object, const char *key, const char *otherwise,
                                char buffer[TIME_SIZE])
{
    time_t at = (time_t)number(object, key);
    struct tm utc;
    if (!json_is_integer(json_object_get(object, key)) || !gmtime_r(&at, &utc))
        return otherwise;
    strftime(buffer, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return buffer;
}

// A state in its colour.
static inline void print_state(struct ctl *ctl, const char *state)
{
    const char *colour = ctl->colours ? table_state_colour(state) : NULL;
    fprintf(ctl->out, "%s%s%s", colour ? colour : "", state, colour ? COLOUR_NONE : "");
}

static inline void print_and_free(struct ctl *ctl, struct table *table)
{
    if (table && ctl->colours)
        table_colour(table);
    if (table)
        table_print(table, ctl->out);
    table_free(table);
}

#endif
