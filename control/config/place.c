// SPDX-License-Identifier: BSD-3-Clause
#include "place.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "environment.h"

#define TEXT_SIZE 1024u // octets of what an error says

// A mapping or sequence that is open.
struct frame {
    size_t node;
    bool sequence;
    bool in_value;               // of a mapping: a key was read and its value comes next
    size_t value;                // that key's node
    size_t others;               // keys that other files gave
    uint64_t joined;             // bits of those that this file goes on with
    size_t entries;              // of a sequence, or keys of a mapping
    size_t keys[PLACE_KEYS_MAX]; // nodes of a mapping's keys
};

static_assert(PLACE_KEYS_MAX <= 64, "a bit a key");

struct walk {
    struct places *places;
    unsigned file;
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

const char *places_file(const struct places *places, unsigned file)
{
    return file == 0 ? places->file : places->included[file - 1];
}

static void write_error(struct places *places, const struct place *at, const char *text)
{
    if (places->error_size == 0 || places->error[0])
        return;
    snprintf(places->error, places->error_size, "%s:%u:%u: %s%s%s", places_file(places, at->file), at->line,
             at->column, at->path, at->path[0] ? ": " : "", text);
    clean(places->error);
}

static int refuse_mark(const struct walk *walk, const yaml_mark_t *mark, const char *path, const char *text)
{
    struct place at = {.path = (char *)(uintptr_t)path,
                       .file = walk->file,
                       .line = (unsigned)mark->line + 1,
                       .column = (unsigned)mark->column + 1};
    write_error(walk->places, &at, text);
    return -EINVAL;
}

static int add_node(const struct walk *walk, size_t parent, const char *path, const yaml_mark_t *mark)
{
    struct places *places = walk->places;
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
                                                   .file = walk->file,
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
            walk, &event->start_mark, outer,
            "a key is not plain text; write `key: value`, and {...} or [...] only behind a colon");
    const char *key = (const char *)event->data.scalar.value;
    char path[PLACE_PATH_SIZE];
    int length = snprintf(path, sizeof(path), "%s%s%s", outer, outer[0] ? "." : "", key);
    if (strlen(key) != event->data.scalar.length || (size_t)length >= sizeof(path))
        return refuse_mark(walk, &event->start_mark, outer, "a key is too long or holds NUL; remove it");
    for (size_t i = 0; i < frame->entries; i++) {
        const struct place *other = &places->rows[frame->keys[i]];
        if (strcmp(other->path, path) != 0)
            continue;
        frame->value = frame->keys[i];
        frame->in_value = true;
        if (i < frame->others && !(frame->joined & UINT64_C(1) << i)) {
            frame->joined |= UINT64_C(1) << i;
            return 0;
        }
        char text[64];
        snprintf(text, sizeof(text), "is given twice, first in line %u; remove one", other->key_line);
        return refuse_mark(walk, &event->start_mark, path, text);
    }
    if (frame->entries == PLACE_KEYS_MAX)
        return refuse_mark(walk, &event->start_mark, outer, "has too many keys; give at most 64");
    int result = add_node(walk, frame->node, path, &event->start_mark);
    if (result < 0)
        return result;
    places->rows[places->count - 1].name = (size_t)length - strlen(key);
    frame->value = places->count - 1;
    frame->keys[frame->entries++] = frame->value;
    frame->in_value = true;
    return 0;
}

// A node that another file has: only a mapping or a list may go on here.
static int join_node(const struct walk *walk, const yaml_event_t *event, size_t node)
{
    const struct place *place = &walk->places->rows[node];
    bool goes_on = (place->kind == PLACE_MAPPING && event->type == YAML_MAPPING_START_EVENT) ||
                   (place->kind == PLACE_LIST && event->type == YAML_SEQUENCE_START_EVENT);
    if (goes_on)
        return 0;
    char text[PLACE_PATH_SIZE + 64];
    snprintf(text, sizeof(text), "is given in %.*s:%u already; remove one", (int)PLACE_PATH_SIZE,
             places_file(walk->places, place->file), place->line);
    return refuse_mark(walk, &event->start_mark, place->path, text);
}

// Gives the node of the value that event begins. A mapping's value has its key's node already.
static int begin_value(struct walk *walk, const yaml_event_t *event, size_t *node)
{
    struct places *places = walk->places;
    if (walk->depth == 0) {
        *node = 0;
        return walk->file > 0 ? join_node(walk, event, 0) : add_node(walk, 0, "", &event->start_mark);
    }
    struct frame *frame = &walk->frames[walk->depth - 1];
    if (!frame->sequence) {
        struct place *place = &places->rows[ *node = frame->value];
        frame->in_value = false;
        if (place->file != walk->file)
            return join_node(walk, event, *node);
        place->line = (unsigned)event->start_mark.line + 1;
        place->column = (unsigned)event->start_mark.column + 1;
        return 0;
    }
    char path[PLACE_PATH_SIZE];
    const char *outer = places->rows[frame->node].path;
    int length = snprintf(path, sizeof(path), "%s[%zu]", outer, frame->entries++);
    if ((size_t)length >= sizeof(path))
        return refuse_mark(walk, &event->start_mark, outer, "is nested too deep; see config/dialgate.yaml");
    *node = places->count;
    return add_node(walk, frame->node, path, &event->start_mark);
}

static int read_scalar(struct walk *walk, const yaml_event_t *event, struct place *place)
{
    const char *text = (const char *)event->data.scalar.value;
    char why[ENVIRONMENT_WHY_SIZE];
    if (strlen(text) != event->data.scalar.length)
        return refuse_mark(walk, &event->start_mark, place->path, "holds NUL; remove it");
    int result = environment_expand(text, &place->value, why);
    if (result == -EINVAL)
        return refuse_mark(walk, &event->start_mark, place->path, why);
    if (result < 0)
        return result;
    place->kind = PLACE_VALUE;
    if (result > 0 && !(place->written = strdup(text)))
        return -ENOMEM;
    return 0;
}

// What other files gave under node comes before what this one gives.
static void load_frame(const struct places *places, struct frame *frame)
{
    for (size_t i = 1; i < places->count; i++)
        if (places->rows[i].parent == frame->node && frame->entries < PLACE_KEYS_MAX && !frame->sequence)
            frame->keys[frame->entries++] = i;
        else if (places->rows[i].parent == frame->node && frame->sequence)
            frame->entries++;
    frame->others = frame->entries;
}

static int read_value(struct walk *walk, const yaml_event_t *event)
{
    struct places *places = walk->places;
    size_t node = 0;
    int result = begin_value(walk, event, &node);
    if (result < 0)
        return result;
    struct place *place = &places->rows[node];
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(walk, event, place);
    if (walk->depth == PLACE_DEPTH_MAX)
        return refuse_mark(walk, &event->start_mark, place->path,
                           "is nested too deep; see config/dialgate.yaml");
    struct frame *frame = &walk->frames[walk->depth++];
    *frame = (struct frame){.node = node, .sequence = event->type == YAML_SEQUENCE_START_EVENT};
    place->kind = frame->sequence ? PLACE_LIST : PLACE_MAPPING;
    if (place->file != walk->file)
        load_frame(places, frame);
    return 0;
}

static int read_event(struct walk *walk, const yaml_event_t *event)
{
    struct frame *frame = walk->depth ? &walk->frames[walk->depth - 1] : NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse_mark(walk, &event->start_mark, frame ? walk->places->rows[frame->node].path : "",
                           "an alias (*) stands here; write the value out");
    case YAML_DOCUMENT_START_EVENT:
        if (walk->documents++)
            return refuse_mark(walk, &event->start_mark, "",
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

static int refuse_syntax(const struct walk *walk, const yaml_parser_t *parser, const char *text,
                         size_t length)
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
    return refuse_mark(walk, &mark, "", why);
}

static int walk_text(struct walk *walk, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int result = 0;
    bool root = false;
    for (bool more = true; more && result == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            result = refuse_syntax(walk, &parser, text, length);
            break;
        }
        result = read_event(walk, &event);
        root |= event.type == YAML_DOCUMENT_START_EVENT;
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (result == 0 && !root) {
        yaml_mark_t start = {0, 0, 0};
        result = refuse_mark(walk, &start, "", "the file is empty; begin with config/dialgate.yaml");
    }
    return result;
}

static int read_file(struct places *places, const char *text, size_t length)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (places->file_count == 0)
        sha256_init(&places->sum);
    sha256_add(&places->sum, text, length);
    if (walk)
        *walk = (struct walk){.places = places, .file = places->file_count++};
    int result = walk ? walk_text(walk, text, length) : -ENOMEM;
    free(walk);
    if (result == -ENOMEM)
        places_refuse(places, "", "no memory");
    return result;
}

int places_read(struct places *places, const char *text, size_t length)
{
    return read_file(places, text, length);
}

int places_add(struct places *places, const char *name, const char *text, size_t length)
{
    assert(places->file_count > 0 && places->file_count < PLACE_FILES_MAX);
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    places->included[places->file_count - 1] = copy;
    return read_file(places, text, length);
}

void places_free(struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->rows[i].path);
        free(places->rows[i].value);
        free(places->rows[i].written);
    }
    for (unsigned i = 1; i < places->file_count; i++)
        free(places->included[i - 1]);
    places->file_count = 0;
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

// What the environment gave may be a secret.
__attribute__((format(printf, 3, 0))) static void write_text(const struct place *place, char text[TEXT_SIZE],
                                                             const char *format, va_list arguments)
{
    if (place && place->written)
        snprintf(text, TEXT_SIZE,
                 "what %.64s stands for does not fit here; see `dialgatectl config reference`",
                 place->written);
    else
        // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is in the callers
        vsnprintf(text, TEXT_SIZE, format, arguments);
}

__attribute__((format(printf, 4, 0))) static int refuse(struct places *places, const char *path, bool key,
                                                        const char *format, va_list arguments)
{
    static char root[] = "";
    struct place none = {.path = root, .line = 1, .column = 1};
    char text[TEXT_SIZE];
    const struct place *place = places_find(places, path);
    struct place at = place ? *place : none;
    write_text(place && strcmp(place->path, path) == 0 ? place : NULL, text, format, arguments);
    at.path = (char *)(uintptr_t)path;
    at.line = key ? at.key_line : at.line;
    at.column = key ? at.key_column : at.column;
    write_error(places, &at, text);
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
    char text[TEXT_SIZE], line[2 * TEXT_SIZE];
    const struct place *place = places_find(places, path);
    if (!place || places->warning_count == PLACE_WARNINGS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is in the line above
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(line, sizeof(line), "%s:%u:%u: %s%s%s", places_file(places, place->file), place->line,
             place->column, path, path[0] ? ": " : "", text);
    clean(line);
    char *kept = strdup(line);
    if (kept)
        places->warnings[places->warning_count++] = kept;
}
