// SPDX-License-Identifier: BSD-3-Clause
#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>

struct corpus_row corpus[CORPUS_MAX];

static FILE *open_or_die(const char *directory, const char *folder, const char *name, const char *suffix)
{
    char *path;
    if (asprintf(&path, "%s/%s%s%s", directory, folder, name, suffix) < 0)
        abort();
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        abort();
    }
    free(path);
    return file;
}

static void load_message(const char *directory, struct corpus_row *row)
{
    FILE *file = open_or_die(directory, "messages/", row->name, ".sip");
    row->length = (uint32_t)fread(row->octets, 1, sizeof(row->octets), file);
    fclose(file);
    if (row->length == 0 || row->length == sizeof(row->octets)) {
        fprintf(stderr, "%s: %u octets\n", row->name, row->length);
        abort();
    }
}

unsigned corpus_load(const char *directory)
{
    char line[512];
    unsigned count = 0;
    FILE *table = open_or_die(directory, "", "table", ".tsv");
    while (fgets(line, sizeof(line), table) != NULL) {
        if (line[0] == '#')
            continue;
        struct corpus_row *row = &corpus[count];
        if (count == CORPUS_MAX ||
            sscanf(line, "%39[^\t]\t%23[^\t]\t%31[^\t]", row->name, row->reference, row->library) != 3) {
            fprintf(stderr, "table.tsv: %s", line);
            abort();
        }
        load_message(directory, row);
        count++;
    }
    fclose(table);
    return count;
}
