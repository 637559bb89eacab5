// SPDX-License-Identifier: BSD-3-Clause
// The tree of places as YAML again, for libcyaml: every value in double quotes, so that it means the octets
// that it has. Written in flow style; the depth is bounded by PLACE_DEPTH_MAX.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "place.h"

#define NONE SIZE_MAX

struct tree {
    const struct places *places;
    size_t *first; // child of each node
    size_t *next;  // sibling of each node
    FILE *out;
};

static void write_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at >= 0x20 && *at < 0x7f)
            fputc(*at, out);
        else if (*at < 0x80)
            fprintf(out, "\\x%02x", *at);
        else {
            // libyaml gave UTF-8 that is whole: the leading octet says how many follow.
            unsigned more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
            unsigned code = *at & (0x3fu >> more);
            for (; more && at[1]; more--)
                code = code << 6 | (*++at & 0x3f);
            fprintf(out, "\\U%08x", code);
        }
    }
    fputc('"', out);
}

static void write_node(const struct tree *tree, size_t node)
{
    const struct place *place = &tree->places->rows[node];
    const char *between = "";
    if (place->kind == PLACE_VALUE) {
        write_quoted(place->value, tree->out);
        return;
    }
    bool mapping = place->kind == PLACE_MAPPING;
    fputc(mapping ? '{' : '[', tree->out);
    for (size_t child = tree->first[node]; child != NONE; child = tree->next[child]) {
        const struct place *below = &tree->places->rows[child];
        if (node == 0 && mapping && strcmp(below->path, "include") == 0)
            continue;
        fputs(between, tree->out);
        between = ",\n";
        if (mapping) {
            write_quoted(below->path + below->name, tree->out);
            fputs(": ", tree->out);
        }
        write_node(tree, child);
    }
    fputc(mapping ? '}' : ']', tree->out);
}

char *places_text(const struct places *places, size_t *length)
{
    size_t count = places->count;
    char *text = NULL;
    struct tree tree = {.places = places, .out = open_memstream(&text, length)};
    tree.first = malloc(count * sizeof(*tree.first));
    tree.next = malloc(count * sizeof(*tree.next));
    bool good = tree.out && tree.first && tree.next;
    for (size_t i = 0; good && i < count; i++)
        tree.first[i] = tree.next[i] = NONE;
    for (size_t i = count; good && i-- > 1;) { // backwards: each goes before its siblings
        tree.next[i] = tree.first[places->rows[i].parent];
        tree.first[places->rows[i].parent] = i;
    }
    if (good)
        write_node(&tree, 0);
    free(tree.first);
    free(tree.next);
    if (tree.out && (fclose(tree.out) != 0 || !good)) {
        free(text);
        return NULL;
    }
    return text;
}
