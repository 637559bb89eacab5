// SPDX-License-Identifier: BSD-3-Clause
// Aligned columns on a text terminal, and numbers with units as people read them.
#ifndef DIALGATE_CTL_TABLE_H
#define DIALGATE_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16
#define UNIT_SIZE         48

struct table;

struct table_column {
    const char *title;
    bool right; // numbers
};

// columns must outlive the table. NULL without memory.
struct table *table_create(const struct table_column *columns, size_t count);
void table_free(struct table *table);

// Adds a row; cells (as many as columns) are copied. Returns false without memory.
bool table_add(struct table *table, const char *const *cells);

// Prints what was added since the last print, the titles before the first row ever printed: so pages stream.
// Widths only grow. Nothing at all is printed without rows.
void table_print(struct table *table, FILE *out);

// From now on titles are bold and words of states have colours.
void table_colour(struct table *table);

// The escape sequence that begins the colour of a state ("up", "NOT READY"), NULL where the word is none.
const char *table_state_colour(const char *word);
#define COLOUR_BOLD "\033[1m"
#define COLOUR_NONE "\033[0m"

// Into buffer, which is returned. 1234567 -> "1,234,567"; 61000 -> "1m01s"; 0.25 -> "25.0 %".
const char *unit_count(int64_t value, char buffer[UNIT_SIZE]);
const char *unit_duration_ms(int64_t ms, char buffer[UNIT_SIZE]);
const char *unit_share(double share, char buffer[UNIT_SIZE]);

// "500ms", "5s", "10m", "12h", "2d" (a bare number: seconds) in milliseconds; -1 when it is not like this.
int64_t unit_parse_duration_ms(const char *text);

// "4096", "64KiB", "10MiB", "1GiB" in octets; -1 when it is not like this.
int64_t unit_parse_size(const char *text);

#endif
