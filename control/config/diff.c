// SPDX-License-Identifier: BSD-3-Clause
// What differs between two configurations, part by part and key by key. Values are compared as they are,
// defaults and the environment included, and shown as they are printed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "config.h"
#include "effect.h"
#include "parts.h"
#include "print.h"
#include "value.h"

struct diff {
    struct side old, new;
    config_change_visitor *visit;
    void *context;
    bool failed; // no memory
};

static struct mapping mapping_of(const struct side *side, const struct part *part)
{
    return (struct mapping){side->config, part->path, part->group, part->values};
}

// As it is printed: key of a part, or one row of it, or (key is NULL) all of the part that is not at its
// default. The caller frees it; NULL without memory.
static char *text_of(struct diff *diff, const struct mapping *mapping, const struct key *key, size_t row)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out && !key)
        print_mapping(mapping, out);
    else if (out && key->kind == KEY_PREFIX)
        print_row(mapping, key, row, out);
    else if (out && !value_is_empty(key, (const char *)mapping->values + key->offset))
        print_one(mapping, key, out);
    if (!out || fclose(out) != 0) {
        diff->failed = true;
        free(text);
        return NULL;
    }
    return text;
}

// Takes the texts over; NULL: there is none for want of memory.
static void tell(struct diff *diff, struct config_change change, char *before, char *after)
{
    change.before = before;
    change.after = after;
    if (before && after)
        diff->visit(diff->context, &change);
    free(before);
    free(after);
}

static int compare_prefixes(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct key_prefix));
}

static const struct prefix_list *prefixes_of(const struct part *part, const struct key *key)
{
    return (const void *)((const char *)part->values + key->offset);
}

// The rows of a list of prefixes that the other side's does not have.
static void diff_prefixes(struct diff *diff, const struct part *part, const struct key *key,
                          enum config_change_kind kind)
{
    const struct prefix_list *here = prefixes_of(part, key), *there = prefixes_of(part->other, key);
    const struct mapping mapping = mapping_of(kind == CONFIG_ADDED ? &diff->new : &diff->old, part);
    struct key_prefix *sorted = calloc(there->count + 1, sizeof(*sorted));
    char path[PLACE_PATH_SIZE];
    diff->failed |= !sorted;
    if (sorted && there->count)
        memcpy(sorted, there->rows, there->count * sizeof(*sorted));
    if (sorted)
        qsort(sorted, there->count, sizeof(*sorted), compare_prefixes);
    snprintf(path, sizeof(path), "%.150s.%s", part->name, key->name);
    for (size_t i = 0; sorted && i < here->count; i++) {
        const struct config_change change = {.kind = kind, .path = path, .effect = effect_name(key->effect)};
        if (bsearch(&here->rows[i], sorted, there->count, sizeof(*sorted), compare_prefixes))
            continue;
        char *text = text_of(diff, &mapping, key, i);
        tell(diff, change, kind == CONFIG_ADDED ? strdup("") : text,
             kind == CONFIG_ADDED ? text : strdup(""));
    }
    free(sorted);
}

static bool has_statuses(const struct status_list *list, const struct status_list *others)
{
    for (size_t i = 0; i < others->count; i++) {
        size_t at = 0;
        while (at < list->count && list->rows[at] != others->rows[i])
            at++;
        if (at == list->count)
            return false;
    }
    return true;
}

static bool same_value(const struct key *key, const void *old, const void *new)
{
    char before[VALUE_TEXT_SIZE], after[VALUE_TEXT_SIZE];
    if (key->kind == KEY_STATUS)
        return has_statuses(old, new) && has_statuses(new, old);
    return strcmp(value_format(key, old, before, sizeof(before)),
                  value_format(key, new, after, sizeof(after))) == 0;
}

static void diff_keys(struct diff *diff, const struct part *old)
{
    const struct part *new = old->other;
    const struct mapping before = mapping_of(&diff->old, old), after = mapping_of(&diff->new, new);
    char path[PLACE_PATH_SIZE];
    for (size_t k = 0; k < old->group->count; k++) {
        const struct key *key = &old->group->keys[k];
        if (key->kind == KEY_PREFIX) {
            diff_prefixes(diff, old, key, CONFIG_REMOVED);
            diff_prefixes(diff, new, key, CONFIG_ADDED);
            continue;
        }
        if (same_value(key, (const char *)old->values + key->offset, (const char *)new->values + key->offset))
            continue;
        snprintf(path, sizeof(path), "%.150s.%s", new->name, key->name);
        const struct config_change change = {
            .kind = CONFIG_CHANGED, .path = path, .effect = effect_name(key->effect)};
        tell(diff, change, text_of(diff, &before, key, 0), text_of(diff, &after, key, 0));
    }
}

// A running dataplane knows listeners by their place: none of those that stay may move.
static enum key_effect effect_of(const struct side *side, const struct part *part)
{
    const struct part *end = side->parts + side->count;
    if (part->group != &keys_listener)
        return part->group->keys[0].effect;
    for (const struct part *next = part + 1; next < end && next->group == &keys_listener; next++)
        if (next->other)
            return EFFECT_RESTART;
    return EFFECT_RELOAD;
}

// What came or went as a whole; nothing of it when all its keys are at their defaults.
static void tell_part(struct diff *diff, const struct part *part, enum config_change_kind kind)
{
    const struct side *side = kind == CONFIG_ADDED ? &diff->new : &diff->old;
    const struct mapping mapping = mapping_of(side, part);
    const struct config_change change = {
        .kind = kind, .path = part->name, .effect = effect_name(effect_of(side, part))};
    char *text = text_of(diff, &mapping, NULL, 0);
    if (text && !text[0])
        free(text);
    else
        tell(diff, change, kind == CONFIG_ADDED ? strdup("") : text,
             kind == CONFIG_ADDED ? text : strdup(""));
}

// What went behind old, then what came behind its other.
static void tell_behind(struct diff *diff, const struct part *old, const struct part *new)
{
    for (; old < diff->old.parts + diff->old.count && !old->other; old++)
        tell_part(diff, old, CONFIG_REMOVED);
    for (; new < diff->new.parts + diff->new.count && !new->other; new ++)
        tell_part(diff, new, CONFIG_ADDED);
}

static bool same_list(const struct part *one, const struct part *other)
{
    return one->list == other->list && strncmp(one->name, other->name, one->list) == 0;
}

// What the list that begins at first keeps, in its order.
static char *kept_text(struct diff *diff, const struct side *side, const struct part *first)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    const char *between = "";
    for (const struct part *part = first; out && part < side->parts + side->count && same_list(part, first);
         part++) {
        if (!part->other)
            continue;
        fprintf(out, "%s%s", between, part->name + part->list + 1);
        between = ", ";
    }
    if (out && fclose(out) == 0)
        return text;
    diff->failed = true;
    free(text);
    return NULL;
}

// The order of the list that begins at first. That of members of different priorities means nothing.
static void diff_order(struct diff *diff, const struct part *first)
{
    const struct part *last[PRIORITY_MAX + 1] = {NULL}, *there = NULL;
    bool moved = false;
    for (const struct part *part = first; part < diff->old.parts + diff->old.count && same_list(part, first);
         part++) {
        const struct config_member *member = part->group == &keys_member ? part->values : NULL;
        size_t rank = member ? member->priority : 0;
        if (!part->other)
            continue;
        moved |= last[rank] && part->other < last[rank];
        last[rank] = part->other;
        if (!there || part->other < there)
            there = part->other;
    }
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "%.*s", (int)first->list, first->name);
    enum key_effect effect = first->group == &keys_member ? EFFECT_RELOAD : EFFECT_RESTART;
    const struct config_change change = {.kind = CONFIG_CHANGED, .path = path, .effect = effect_name(effect)};
    if (moved)
        tell(diff, change, kept_text(diff, &diff->old, first), kept_text(diff, &diff->new, there));
}

static void tell_all(struct diff *diff)
{
    const struct part *end = diff->old.parts + diff->old.count;
    tell_behind(diff, diff->old.parts, diff->new.parts);
    for (const struct part *old = diff->old.parts; old < end; old++) {
        if (old->list && (old == diff->old.parts || !same_list(old, old - 1)))
            diff_order(diff, old);
        if (!old->other)
            continue;
        diff_keys(diff, old);
        tell_behind(diff, old + 1, old->other + 1);
    }
}

int config_diff(const struct config *old, const struct config *new, config_change_visitor *visitor,
                void *context)
{
    struct diff diff = {.visit = visitor, .context = context};
    diff.failed = parts_take(&diff.old, old) < 0 || parts_take(&diff.new, new) < 0 ||
                  parts_match(&diff.old, &diff.new) < 0;
    if (!diff.failed)
        tell_all(&diff);
    parts_free(&diff.old);
    parts_free(&diff.new);
    return diff.failed ? -ENOMEM : 0;
}
