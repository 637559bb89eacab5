// SPDX-License-Identifier: BSD-3-Clause
#include "history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "include.h"
#include "replace.h"

#define HEAD         "# dialgate-version 1\n"
#define END          "# end\n"
#define VERSIONS_MAX 4096u // files of the directory that are looked at
#define TEXT_MAX     (2 * CONFIG_FILE_SIZE_MAX)
#define PATH_SIZE    (PATH_MAX + 32)

struct content {
    const struct config *config;
    const struct history_entry *entry;
};

// One line, whatever it holds.
static void write_line(FILE *file, const char *key, const char *value)
{
    fprintf(file, "# %s ", key);
    for (const char *at = value; *at; at++)
        fputc((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at, file);
    fputc('\n', file);
}

static void write_version(const void *from, FILE *file)
{
    const struct content *content = from;
    const struct history_entry *entry = content->entry;
    fputs(HEAD, file);
    fprintf(file, "# time %" PRId64 "\n", entry->time);
    write_line(file, "who", entry->who);
    write_line(file, "cause", entry->cause);
    write_line(file, "file", entry->file);
    write_line(file, "sha256", entry->source.sha256);
    fprintf(file, "# octets %" PRIu64 "\n# files %u\n# sequence %" PRIu64 "\n", entry->source.octets,
            entry->source.files, entry->sequence);
    write_line(file, "result", entry->accepted ? "accepted" : "refused");
    write_line(file, "text", entry->text);
    if (config_print(content->config, file) == 0)
        fputs(END, file);
}

static void versions_path(const char *directory, uint32_t version, char path[PATH_SIZE])
{
    if (version)
        snprintf(path, PATH_SIZE, "%s/versions/%u", directory, version);
    else
        snprintf(path, PATH_SIZE, "%s/versions", directory);
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

// The numbers of versions, ascending; the caller frees them. No directory: none.
static int read_numbers(const char *directory, uint32_t **numbers, size_t *count)
{
    char path[PATH_SIZE];
    *count = 0;
    *numbers = calloc(VERSIONS_MAX, sizeof(**numbers));
    if (!*numbers)
        return -ENOMEM;
    versions_path(directory, 0, path);
    DIR *open = opendir(path);
    if (!open)
        return 0;
    for (const struct dirent *row; *count < VERSIONS_MAX && (row = readdir(open));) {
        size_t length = strlen(row->d_name);
        if (length == 0 || length > 9 || row->d_name[0] == '0' || strspn(row->d_name, "0123456789") != length)
            continue;
        (*numbers)[(*count)++] = (uint32_t)strtoul(row->d_name, NULL, 10);
    }
    closedir(open);
    qsort(*numbers, *count, sizeof(**numbers), compare_numbers);
    return 0;
}

// The value behind "# KEY " in the head of text, which ends in NUL; the line it stands in ends at the next
// '\n'.
static const char *find_value(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line[0] == '#' && line[1] == ' '; line++) {
        if (strncmp(line + 2, key, length) == 0 && line[2 + length] == ' ')
            return line + 3 + length;
        line = strchr(line, '\n');
        if (!line)
            break;
    }
    return NULL;
}

static bool copy_value(const char *text, const char *key, char *to, size_t size)
{
    const char *value = find_value(text, key);
    size_t length = value ? strcspn(value, "\n") : 0;
    if (!value)
        return false;
    snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), value);
    return true;
}

static bool copy_number(const char *text, const char *key, uint64_t *number)
{
    const char *value = find_value(text, key);
    return value && sscanf(value, "%" SCNu64, number) == 1;
}

static bool read_head(const char *text, struct history_entry *entry)
{
    char result[16];
    uint64_t time = 0, files = 0;
    if (strncmp(text, HEAD, strlen(HEAD)) != 0)
        return false;
    bool whole = copy_number(text, "time", &time) &&
                 copy_value(text, "who", entry->who, sizeof(entry->who)) &&
                 copy_value(text, "cause", entry->cause, sizeof(entry->cause)) &&
                 copy_value(text, "file", entry->file, sizeof(entry->file)) &&
                 copy_value(text, "sha256", entry->source.sha256, sizeof(entry->source.sha256)) &&
                 copy_number(text, "octets", &entry->source.octets) && copy_number(text, "files", &files) &&
                 copy_number(text, "sequence", &entry->sequence) &&
                 copy_value(text, "result", result, sizeof(result)) &&
                 copy_value(text, "text", entry->text, sizeof(entry->text));
    if (!whole)
        return false;
    entry->time = (int64_t)time;
    entry->source.files = (unsigned int)files;
    entry->accepted = strcmp(result, "accepted") == 0;
    return true;
}

// The file's text with a NUL behind it; NULL with errno.
static char *read_text(const char *directory, uint32_t version, size_t *length)
{
    char path[PATH_SIZE];
    versions_path(directory, version, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *text = fd < 0 ? NULL : include_read(fd, TEXT_MAX, length), *longer = NULL;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (text && (longer = realloc(text, *length + 1)))
        longer[*length] = '\0';
    else if (text)
        free(text);
    errno = longer ? 0 : reason;
    return longer;
}

int history_read(const char *directory, uint32_t version, struct history_entry *entry,
                 struct history_text *text)
{
    size_t length = 0;
    char *octets = read_text(directory, version, &length);
    *entry = (struct history_entry){.version = version};
    if (!octets)
        return errno ? -errno : -ENOMEM;
    bool whole = length > strlen(END) && strlen(octets) == length &&
                 strcmp(octets + length - strlen(END), END) == 0 && read_head(octets, entry);
    if (whole && text)
        *text = (struct history_text){octets, length};
    else
        free(octets);
    return whole ? 0 : -EBADMSG;
}

int history_list(const char *directory, struct history_entry **entries, size_t *count)
{
    uint32_t *numbers = NULL;
    size_t files = 0;
    int result = read_numbers(directory, &numbers, &files);
    *count = 0;
    *entries = result == 0 ? calloc(files + 1, sizeof(**entries)) : NULL;
    for (size_t i = 0; *entries && i < files; i++)
        if (history_read(directory, numbers[i], &(*entries)[*count], NULL) == 0)
            (*count)++;
    free(numbers);
    return *entries ? 0 : -ENOMEM;
}

bool history_is(const char *directory, uint32_t version, const struct config *config)
{
    struct history_entry entry;
    struct history_text kept = {0};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    bool printed = out && config_print(config, out) == 0;
    if (out)
        printed = fclose(out) == 0 && printed;
    bool same = false;
    if (printed && history_read(directory, version, &entry, &kept) == 0) {
        size_t whole = length + strlen(END);
        const char *body = kept.octets + kept.length - whole;
        same = kept.length > whole && body[-1] == '\n' && memcmp(body, text, length) == 0 &&
               find_value(kept.octets, "text") != NULL &&
               strchr(find_value(kept.octets, "text"), '\n') + 1 == body;
    }
    free(text);
    free(kept.octets);
    return same;
}

// Refused ones first, then the oldest, until `keep` are left.
static void prune(const struct history_target *target, uint32_t newest)
{
    struct history_entry *entries = NULL;
    size_t count = 0;
    char path[PATH_SIZE];
    if (history_list(target->directory, &entries, &count) < 0)
        return;
    size_t surplus = count > target->keep ? count - target->keep : 0;
    for (int oldest = 0; oldest < 2; oldest++)
        for (size_t i = 0; i < count && surplus; i++) {
            if (entries[i].version == newest || entries[i].version == 0 || (!oldest && entries[i].accepted))
                continue;
            versions_path(target->directory, entries[i].version, path);
            unlink(path);
            entries[i].version = 0;
            surplus--;
        }
    free(entries);
}

int history_add(const struct history_target *target, const struct config *config, struct history_entry *entry)
{
    char path[PATH_SIZE], name[16];
    uint32_t *numbers = NULL;
    size_t count = 0;
    struct content content = {config, entry};
    int result = read_numbers(target->directory, &numbers, &count);
    entry->version = result == 0 && count ? numbers[count - 1] + 1 : 1;
    free(numbers);
    versions_path(target->directory, 0, path);
    snprintf(name, sizeof(name), "%u", entry->version);
    if (result == 0)
        result = replace_file(path, name, write_version, &content);
    if (result < 0) {
        snprintf(target->error, target->error_size, "%s/%s: %s; is the state directory writable?", path, name,
                 strerror(-result));
        return result;
    }
    prune(target, entry->version);
    return 0;
}
