// SPDX-License-Identifier: BSD-3-Clause
#include "place.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

// A mapping or sequence that is open.
struct frame {
    size_t node;
    bool sequence;
    bool in_value;               // of a mapping: a key was read and its value comes next
    size_t entries;              // of a sequence, or keys of a mapping
    size_t keys[PLACE_KEYS_MAX]; // nodes of a mapping's keys
};

struct walk {
    struct places *places;
    size_t depth;
    unsigned documents;
    struct frame frames[PLACE_DEPTH_MAX];
};

// One line, whatever the file held.
static void clean(char *line)
{
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
}

static void write_error(struct places *places, unsigned line, unsigned column, const char *path,
                        const char *text)
{
    if (places->error_size == 0 || places->error[0])
        return;
    snprintf(places->error, places->error_size, "%s:%u:%u: %s%s%s", places->file, line, column, path,
             path[0] ? ": " : "", text);
    clean(places->error);
}

static int refuse_mark(struct places *places, const yaml_mark_t *mark, const char *path, const char *text)
{
    write_error(places, (unsigned)mark->line + 1, (unsigned)mark->column + 1, path, text);
    return -EINVAL;
}

static int add_node(struct places *places, size_t parent, const char *path, const yaml_mark_t *mark)
{
    if (places->count == places->room) {
        size_t room = places->room ? places->room * 2 : 256;
        struct place *rows = realloc(places->rows, room * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        places->rows = rows;
        places->room = room;
    }
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    unsigned line = (unsigned)mark->line + 1, column = (unsigned)mark->column + 1;
    places->rows[places->count++] = (struct place){.path = copy,
                                                   .parent = parent,
                                                   .line = line,
                                                   .column = column,
                                                   .key_line = line,
                                                   .key_column = column};
    return 0;
}

static int read_key(struct walk *walk, struct frame *frame, const yaml_event_t *event)
{
    struct places *places = walk->places;
    const char *outer = places->rows[frame->node].path;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse_mark(
            places, &event->start_mark, outer,
            "a key is not plain text; write `key: value`, and {...} or [...] only behind a colon");
    const char *key = (const char *)event->data.scalar.value;
    char path[PLACE_PATH_SIZE];
    int length = snprintf(path, sizeof(path), "%s%s%s", outer, outer[0] ? "." : "", key);
    if (strlen(key) != event->data.scalar.length || (size_t)length >= sizeof(path))
        return refuse_mark(places, &event->start_mark, outer, "a key is too long or holds NUL; remove it");
    for (size_t i = 0; i < frame->entries; i++) {
        const struct place *other = &places->rows[frame->keys[i]];
        if (strcmp(other->path, path) != 0)
            continue;
        char text[64];
        snprintf(text, sizeof(text), "is given twice, first in line %u; remove one", other->key_line);
        return refuse_mark(places, &event->start_mark, path, text);
    }
    if (frame->entries == PLACE_KEYS_MAX)
        return refuse_mark(places, &event->start_mark, outer, "has too many keys; give at most 64");
    int result = add_node(places, frame->node, path, &event->start_mark);
    if (result < 0)
        return result;
    places->rows[places->count - 1].name = (size_t)length - strlen(key);
    frame->keys[frame->entries++] = places->count - 1;
    frame->in_value = true;
    return 0;
}

// Gives the node of the value that event begins. A mapping's value has its key's node already.
static int begin_value(struct walk *walk, const yaml_event_t *event, size_t *node)
{
    struct places *places = walk->places;
    if (walk->depth == 0) {
        *node = places->count;
        return add_node(places, 0, "", &event->start_mark);
    }
    struct frame *frame = &walk->frames[walk->depth - 1];
    if (!frame->sequence) {
        *node = places->count - 1;
        places->rows[*node].line = (unsigned)event->start_mark.line + 1;
        places->rows[*node].column = (unsigned)event->start_mark.column + 1;
        frame->in_value = false;
        return 0;
    }
    char path[PLACE_PATH_SIZE];
    const char *outer = places->rows[frame->node].path;
    int length = snprintf(path, sizeof(path), "%s[%zu]", outer, frame->entries++);
    if ((size_t)length >= sizeof(path))
        return refuse_mark(places, &event->start_mark, outer, "is nested too deep; see config/dialgate.yaml");
    *node = places->count;
    return add_node(places, frame->node, path, &event->start_mark);
}

static int read_value(struct walk *walk, const yaml_event_t *event)
{
    struct places *places = walk->places;
    size_t node = 0;
    int result = begin_value(walk, event, &node);
    if (result < 0)
        return result;
    const char *path = places->rows[node].path;
    if (event->type == YAML_SCALAR_EVENT) {
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            return refuse_mark(places, &event->start_mark, path, "holds NUL; remove it");
        return 0;
    }
    if (walk->depth == PLACE_DEPTH_MAX)
        return refuse_mark(places, &event->start_mark, path, "is nested too deep; see config/dialgate.yaml");
    struct frame *frame = &walk->frames[walk->depth++];
    frame->node = node;
    frame->sequence = event->type == YAML_SEQUENCE_START_EVENT;
    frame->in_value = false;
    frame->entries = 0;
    return 0;
}

static int read_event(struct walk *walk, const yaml_event_t *event)
{
    struct frame *frame = walk->depth ? &walk->frames[walk->depth - 1] : NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse_mark(walk->places, &event->start_mark,
                           frame ? walk->places->rows[frame->node].path : "",
                           "an alias (*) stands here; write the value out");
    case YAML_DOCUMENT_START_EVENT:
        if (walk->documents++)
            return refuse_mark(walk->places, &event->start_mark, "",
                               "a second document begins here; remove it and its ---");
        return 0;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        walk->depth--;
        return 0;
    case YAML_SCALAR_EVENT:
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        if (frame && !frame->sequence && !frame->in_value)
            return read_key(walk, frame, event);
        return read_value(walk, event);
    default:
        return 0;
    }
}

static int refuse_syntax(struct places *places, const yaml_parser_t *parser, const char *text, size_t length)
{
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR) {
        // The reader names an octet only.
        mark.line = mark.column = 0;
        for (size_t i = 0; i < parser->problem_offset && i < length; i++) {
            mark.column = text[i] == '\n' ? 0 : mark.column + 1;
            mark.line += text[i] == '\n';
        }
    }
    char why[200];
    snprintf(why, sizeof(why), "not YAML: %s%s%s; look for a missing colon, quote or bracket, or a tab",
             parser->context ? parser->context : "", parser->context ? ", " : "",
             parser->problem ? parser->problem : "unknown");
    return refuse_mark(places, &mark, "", why);
}

int places_read(struct places *places, const char *text, size_t length)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    yaml_parser_t parser;
    if (!walk || !yaml_parser_initialize(&parser)) {
        free(walk);
        return -ENOMEM;
    }
    walk->places = places;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int result = 0;
    for (bool more = true; more && result == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            result = refuse_syntax(places, &parser, text, length);
            break;
        }
        result = read_event(walk, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    free(walk);
    if (result == 0 && places->count == 0) {
        yaml_mark_t start = {0, 0, 0};
        result = refuse_mark(places, &start, "", "the file is empty; begin with config/dialgate.yaml");
    }
    if (result == -ENOMEM)
        write_error(places, 1, 1, "", "no memory");
    return result;
}

void places_free(struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->rows[i].path);
    free(places->rows);
    places->rows = NULL;
    places->count = places->room = 0;
    for (size_t i = 0; i < places->warning_count; i++)
        free(places->warnings[i]);
    places->warning_count = 0;
}

const struct place *places_find(const struct places *places, const char *path)
{
    char upper[PLACE_PATH_SIZE];
    snprintf(upper, sizeof(upper), "%s", path);
    for (size_t length = strlen(upper);; upper[length] = '\0') {
        for (size_t i = 0; i < places->count; i++)
            if (strcmp(places->rows[i].path, upper) == 0)
                return &places->rows[i];
        if (length == 0)
            return NULL;
        while (length > 0 && upper[length] != '.' && upper[length] != '[')
            length--;
    }
}

__attribute__((format(printf, 4, 0))) static int refuse(struct places *places, const char *path, bool key,
                                                        const char *format, va_list arguments)
{
    char text[512];
    const struct place *place = places_find(places, path);
    vsnprintf(text, sizeof(text), format, arguments);
    if (place)
        write_error(places, key ? place->key_line : place->line, key ? place->key_column : place->column,
                    path, text);
    return -EINVAL;
}

int places_refuse(struct places *places, const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = refuse(places, path, false, format, arguments);
    va_end(arguments);
    return result;
}

int places_refuse_key(struct places *places, const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = refuse(places, path, true, format, arguments);
    va_end(arguments);
    return result;
}

void places_warn(struct places *places, const char *path, const char *format, ...)
{
    char text[512], line[1024];
    const struct place *place = places_find(places, path);
    if (!place || places->warning_count == PLACE_WARNINGS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(line, sizeof(line), "%s:%u:%u: %s%s%s", places->file, place->line, place->column, path,
             path[0] ? ": " : "", text);
    clean(line);
    char *kept = strdup(line);
    if (kept)
        places->warnings[places->warning_count++] = kept;
}
