// SPDX-License-Identifier: BSD-3-Clause
#include "table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  "

struct table {
    const struct table_column *columns;
    size_t count;
    char **cells; // rows one after another
    size_t used;
    size_t size;
    int widths[TABLE_COLUMNS_MAX];
    bool titled;
    bool colours;
};

// Places on the terminal: octets that begin a UTF-8 character.
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

struct table *table_create(const struct table_column *columns, size_t count)
{
    assert(count <= TABLE_COLUMNS_MAX);
    struct table *table = calloc(1, sizeof(*table));
    if (!table)
        return NULL;
    table->columns = columns;
    table->count = count;
    for (size_t i = 0; i < count; i++)
        table->widths[i] = width_of(columns[i].title);
    return table;
}

static void forget_rows(struct table *table)
{
    for (size_t i = 0; i < table->used; i++)
        free(table->cells[i]);
    table->used = 0;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    forget_rows(table);
    free(table->cells);
    free(table);
}

bool table_add(struct table *table, const char *const *cells)
{
    if (table->size - table->used < table->count) {
        size_t size = table->size * 2 + table->count * 16;
        char **grown = realloc(table->cells, size * sizeof(*grown));
        if (!grown)
            return false;
        table->cells = grown;
        table->size = size;
    }
    for (size_t i = 0; i < table->count; i++) {
        char *copy = strdup(cells[i] ? cells[i] : "-");
        if (!copy) {
            while (i-- > 0)
                free(table->cells[--table->used]);
            return false;
        }
        table->cells[table->used++] = copy;
        if (width_of(copy) > table->widths[i])
            table->widths[i] = width_of(copy);
    }
    return true;
}

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"

const char *table_state_colour(const char *word)
{
    static const struct {
        const char *word, *colour;
    } states[] = {{"up", GREEN},       {"ready", GREEN},     {"running", GREEN},  {"confirmed", GREEN},
                  {"accepted", GREEN}, {"draining", YELLOW}, {"drained", YELLOW}, {"disabled", YELLOW},
                  {"early", YELLOW},   {"degraded", YELLOW}, {"down", RED},       {"refused", RED},
                  {"NOT READY", RED}};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(states[i].word, word) == 0)
            return states[i].colour;
    return NULL;
}

void table_colour(struct table *table)
{
    table->colours = true;
}

static void print_cell(const struct table *table, size_t column, const char *text, FILE *out)
{
    int padding = table->widths[column] - width_of(text);
    bool last = column + 1 == table->count;
    if (table->columns[column].right)
        fprintf(out, "%*s", padding, "");
    const char *colour = !table->colours ? NULL : table->titled ? table_state_colour(text) : COLOUR_BOLD;
    if (colour)
        fputs(colour, out);
    fputs(text, out);
    if (colour)
        fputs(COLOUR_NONE, out);
    if (!table->columns[column].right && !last)
        fprintf(out, "%*s", padding, "");
    fputs(last ? "\n" : GAP, out);
}

void table_print(struct table *table, FILE *out)
{
    if (table->used == 0 || table->count == 0)
        return;
    for (size_t i = 0; i < table->count && !table->titled; i++)
        print_cell(table, i, table->columns[i].title, out);
    table->titled = true;
    for (size_t i = 0; i < table->used; i++)
        print_cell(table, i % table->count, table->cells[i], out);
    forget_rows(table);
}

const char *unit_count(int64_t value, char buffer[UNIT_SIZE])
{
    char digits[UNIT_SIZE / 2];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);
    char *to = buffer;
    if (value < 0)
        *to++ = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return buffer;
}

const char *unit_duration_ms(int64_t ms, char buffer[UNIT_SIZE])
{
    int64_t s = ms / 1000;
    if (ms < 1000 && ms != 0)
        snprintf(buffer, UNIT_SIZE, "%" PRId64 "ms", ms);
    else if (s < 60)
        snprintf(buffer, UNIT_SIZE, "%" PRId64 "s", s);
    else if (s < 3600)
        snprintf(buffer, UNIT_SIZE, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(buffer, UNIT_SIZE, "%" PRId64 "h%02" PRId64 "m", s / 3600, s % 3600 / 60);
    else
        snprintf(buffer, UNIT_SIZE, "%" PRId64 "d%02" PRId64 "h", s / 86400, s % 86400 / 3600);
    return buffer;
}

const char *unit_share(double share, char buffer[UNIT_SIZE])
{
    snprintf(buffer, UNIT_SIZE, "%.1f %%", share * 100);
    return buffer;
}

int64_t unit_parse_duration_ms(const char *text)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"", 1000}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10)
        return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text + digits, units[i].suffix) == 0)
            return (int64_t)strtoll(text, NULL, 10) * units[i].ms;
    return -1;
}

int64_t unit_parse_size(const char *text)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB"};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9)
        return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text + digits, units[i]) == 0)
            return (int64_t)strtoll(text, NULL, 10) << 10 * i;
    return -1;
}
