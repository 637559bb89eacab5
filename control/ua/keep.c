// SPDX-License-Identifier: BSD-3-Clause
#include "keep.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../log.h"
#include "dialgate/address.h"

#define NAME      "applications.sqlite"
#define VERSION   2 // of the records, too
#define PAGE_SIZE 4096u
#define NO_TEXT   UINT32_MAX

struct keep {
    sqlite3 *file;
    sqlite3_stmt *put, *drop, *drop_all, *begin, *commit;
    struct event *soon; // commits
    bool begun;
    bool marked; // since the last commit
    uint64_t mark[2];
    int fault; // the last that was logged
    uint64_t failures;
    struct keep_writer writer;
    uint8_t octets[KEEP_RECORD_MAX];
};

// One line for each fault until something goes well again.
static void complain(struct keep *keep, int result)
{
    keep->failures++;
    if (keep->fault != result)
        log_event(LEVEL_ERROR, "applications_not_kept", "reason=\"%s\" failures=%llu", sqlite3_errstr(result),
                  (unsigned long long)keep->failures);
    keep->fault = result;
}

static bool run(struct keep *keep, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (result != SQLITE_DONE)
        complain(keep, result);
    else if (statement == keep->commit)
        keep->fault = 0;
    return result == SQLITE_DONE;
}

static bool begin(struct keep *keep)
{
    static const struct timeval now = {0, 0};
    if (keep->begun && !sqlite3_get_autocommit(keep->file)) // a full file takes the whole back by itself
        return true;
    keep->begun = run(keep, keep->begin);
    if (keep->begun)
        evtimer_add(keep->soon, &now);
    return keep->begun;
}

void keep_commit(struct keep *keep)
{
    if (!keep || !keep->begun)
        return;
    if (keep->marked) {
        struct keep_writer *writer = keep_begin(keep);
        keep->marked = false;
        keep_number(writer, keep->mark[0]);
        keep_number(writer, keep->mark[1]);
        keep_put(keep, KEEP_TAKEN, 0);
    }
    keep->begun = false;
    if (!sqlite3_get_autocommit(keep->file))
        (void)run(keep, keep->commit);
}

void keep_mark(struct keep *keep, uint64_t of, uint64_t number)
{
    if (!keep || !begin(keep))
        return;
    keep->mark[0] = of;
    keep->mark[1] = number;
    keep->marked = true;
}

static void on_soon(evutil_socket_t fd, short what, void *context)
{
    keep_commit(context);
}

// --- the file ---

static int read_version(sqlite3 *file)
{
    sqlite3_stmt *statement = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(file, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

static bool is_whole(sqlite3 *file)
{
    sqlite3_stmt *statement = NULL;
    bool whole = sqlite3_prepare_v2(file, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    return whole;
}

// What SQLite makes is as readable as what it finds: nobody else's from the beginning.
static int make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat status;
    if (fd < 0)
        return -errno;
    int result = fstat(fd, &status) < 0 || fchmod(fd, 0600) < 0 ? -errno
                 : S_ISREG(status.st_mode)                      ? 0
                                                                : -EINVAL;
    close(fd);
    return result;
}

// Returns NULL when it is there and good, else what is wrong.
static const char *set_up(struct keep *keep)
{
    static const char settings[] =
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096";
    static const char tables[] = "BEGIN; CREATE TABLE kept(kind INTEGER, id INTEGER, record BLOB, PRIMARY "
                                 "KEY(kind, id)) WITHOUT ROWID;"
                                 "PRAGMA user_version=2; COMMIT";
    static_assert(VERSION == 2, "as in tables");
    struct {
        sqlite3_stmt **statement;
        const char *text;
    } const statements[] = {{&keep->put, "INSERT OR REPLACE INTO kept VALUES(?1, ?2, ?3)"},
                            {&keep->drop, "DELETE FROM kept WHERE kind=?1 AND id=?2"},
                            {&keep->drop_all, "DELETE FROM kept WHERE kind=?1"},
                            {&keep->begin, "BEGIN IMMEDIATE"},
                            {&keep->commit, "COMMIT"}};
    char limit[64];
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%u", KEEP_OCTETS_MAX / PAGE_SIZE);
    if (sqlite3_exec(keep->file, settings, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite3_errmsg(keep->file);
    int version = read_version(keep->file);
    if (version == 0 && sqlite3_exec(keep->file, tables, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite3_errmsg(keep->file);
    if (version != 0 && version != VERSION)
        return version < 0 ? sqlite3_errmsg(keep->file) : "its version is unknown";
    if (!is_whole(keep->file))
        return "it is damaged";
    if (sqlite3_exec(keep->file, limit, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite3_errmsg(keep->file);
    for (unsigned i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        if (sqlite3_prepare_v3(keep->file, statements[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                               statements[i].statement, NULL) != SQLITE_OK)
            return sqlite3_errmsg(keep->file);
    return NULL;
}

static void shut(struct keep *keep)
{
    sqlite3_stmt **const statements[] = {&keep->put, &keep->drop, &keep->drop_all, &keep->begin,
                                         &keep->commit};
    for (unsigned i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        sqlite3_finalize(*statements[i]);
        *statements[i] = NULL;
    }
    sqlite3_close(keep->file);
    keep->file = NULL;
}

// False: it cannot be, now or with an empty file. busy: another process has it.
static bool open_file(struct keep *keep, const char *path, bool *busy, char *fault, size_t size)
{
    const char *wrong = NULL;
    int result = make_private(path);
    *busy = result < 0;
    if (result < 0) {
        snprintf(fault, size, "%s", strerror(-result));
        return false;
    }
    result = sqlite3_open_v2(path, &keep->file,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
    wrong = result == SQLITE_OK ? set_up(keep) : sqlite3_errstr(result);
    if (!wrong)
        return true;
    snprintf(fault, size, "%s", wrong);
    *busy = (sqlite3_errcode(keep->file) & 0xff) == SQLITE_BUSY;
    shut(keep);
    return false;
}

// With its log, which would be read into the next one.
static void set_aside(const char *path, const char *fault)
{
    char bad[PATH_MAX + 8], log[PATH_MAX + 8];
    snprintf(bad, sizeof(bad), "%s.bad", path);
    snprintf(log, sizeof(log), "%s-wal", path);
    if (rename(path, bad) < 0)
        unlink(path);
    unlink(log);
    log_event(LEVEL_ERROR, "applications_file_set_aside", "file=\"%s\" reason=\"%s\"", bad, fault);
}

struct keep *keep_open(struct event_base *base, const char *directory)
{
    char path[PATH_MAX], fault[256] = "no memory";
    struct keep *keep = calloc(1, sizeof(*keep));
    bool busy = false, open = false;
    int length = snprintf(path, sizeof(path), "%s/" NAME, directory);
    if (keep)
        keep->soon = evtimer_new(base, on_soon, keep);
    if (keep && keep->soon && length < (int)sizeof(path)) {
        open = open_file(keep, path, &busy, fault, sizeof(fault));
        if (!open && !busy) {
            set_aside(path, fault);
            open = open_file(keep, path, &busy, fault, sizeof(fault));
        }
    }
    if (open)
        return keep;
    log_event(LEVEL_ERROR, "applications_not_kept", "file=\"%s\" reason=\"%s\"", path, fault);
    if (keep && keep->soon)
        event_free(keep->soon);
    free(keep);
    return NULL;
}

void keep_close(struct keep *keep)
{
    if (!keep)
        return;
    keep_commit(keep);
    shut(keep);
    event_free(keep->soon);
    explicit_bzero(keep->octets, sizeof(keep->octets));
    free(keep);
}

uint64_t keep_failures(const struct keep *keep)
{
    return keep ? keep->failures : 0;
}

// --- records ---

struct keep_writer *keep_begin(struct keep *keep)
{
    if (!keep)
        return NULL;
    keep->writer = (struct keep_writer){.octets = keep->octets, .size = sizeof(keep->octets)};
    return &keep->writer;
}

static void put(struct keep_writer *writer, const void *octets, size_t length)
{
    if (length > writer->size - writer->used) {
        writer->overflow = true;
        return;
    }
    if (length > 0)
        memcpy(writer->octets + writer->used, octets, length);
    writer->used += length;
}

void keep_number(struct keep_writer *writer, uint64_t number)
{
    put(writer, &number, sizeof(number));
}

void keep_octets(struct keep_writer *writer, const void *octets, size_t length)
{
    uint32_t size = octets ? (uint32_t)length : NO_TEXT;
    put(writer, &size, sizeof(size));
    if (octets)
        put(writer, octets, length);
}

void keep_text(struct keep_writer *writer, const char *text)
{
    keep_octets(writer, text, text ? strlen(text) : 0);
}

void keep_put(struct keep *keep, enum keep_kind kind, uint64_t id)
{
    if (!keep)
        return;
    if (keep->writer.overflow) {
        complain(keep, SQLITE_TOOBIG);
        return;
    }
    if (!begin(keep))
        return;
    sqlite3_bind_int(keep->put, 1, (int)kind);
    sqlite3_bind_int64(keep->put, 2, (sqlite3_int64)id);
    sqlite3_bind_blob(keep->put, 3, keep->octets, (int)keep->writer.used, SQLITE_STATIC);
    (void)run(keep, keep->put);
    sqlite3_clear_bindings(keep->put);
}

void keep_drop(struct keep *keep, enum keep_kind kind, uint64_t id)
{
    if (!keep || !begin(keep))
        return;
    sqlite3_bind_int(keep->drop, 1, (int)kind);
    sqlite3_bind_int64(keep->drop, 2, (sqlite3_int64)id);
    (void)run(keep, keep->drop);
}

void keep_drop_all(struct keep *keep, enum keep_kind kind)
{
    if (!keep || !begin(keep))
        return;
    sqlite3_bind_int(keep->drop_all, 1, (int)kind);
    (void)run(keep, keep->drop_all);
}

static const void *take(struct keep_reader *reader, size_t length)
{
    static const uint64_t nothing;
    if (reader->bad || length > reader->size - reader->used) {
        reader->bad = true;
        return length <= sizeof(nothing) ? &nothing : NULL;
    }
    reader->used += length;
    return reader->octets + reader->used - length;
}

uint64_t keep_read_number(struct keep_reader *reader)
{
    uint64_t number;
    memcpy(&number, take(reader, sizeof(number)), sizeof(number));
    return number;
}

void *keep_read_octets(struct keep_reader *reader, size_t *length)
{
    uint32_t size;
    memcpy(&size, take(reader, sizeof(size)), sizeof(size));
    *length = 0;
    if (reader->bad || size == NO_TEXT)
        return NULL;
    const void *octets = take(reader, size);
    char *copy = reader->bad ? NULL : malloc((size_t)size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, octets, size);
    copy[size] = '\0';
    *length = size;
    return copy;
}

char *keep_read_text(struct keep_reader *reader)
{
    size_t length;
    return keep_read_octets(reader, &length);
}

void keep_read_into(struct keep_reader *reader, char *text, size_t size)
{
    char *read = keep_read_text(reader);
    snprintf(text, size, "%s", read ? read : "");
    free(read);
}

void keep_read_address(struct keep_reader *reader, struct ip_address *address)
{
    size_t length;
    if (reader->bad || reader->used == reader->size)
        return;
    void *octets = keep_read_octets(reader, &length);
    if (octets && length == sizeof(*address))
        memcpy(address, octets, sizeof(*address));
    free(octets);
}

void keep_each(struct keep *keep, enum keep_kind kind, keep_taker *taker, void *context)
{
    sqlite3_stmt *rows = NULL;
    if (!keep)
        return;
    int result = sqlite3_prepare_v2(keep->file,
                                    "SELECT id, record FROM kept WHERE kind=?1 AND id>?2 ORDER BY id LIMIT 1",
                                    -1, &rows, NULL);
    // A question a record: the taker may drop it, and nothing is read across a change.
    for (sqlite3_int64 last = INT64_MIN; result == SQLITE_OK || result == SQLITE_ROW;) {
        sqlite3_bind_int(rows, 1, (int)kind);
        sqlite3_bind_int64(rows, 2, last);
        result = sqlite3_step(rows);
        if (result != SQLITE_ROW)
            break;
        last = sqlite3_column_int64(rows, 0);
        struct keep_reader reader = {.octets = sqlite3_column_blob(rows, 1),
                                     .size = (size_t)sqlite3_column_bytes(rows, 1)};
        uint8_t *copy = reader.size ? malloc(reader.size) : NULL;
        if (copy) {
            memcpy(copy, reader.octets, reader.size);
            reader.octets = copy;
        } else {
            reader.size = 0;
        }
        sqlite3_reset(rows);
        taker(context, (uint64_t)last, &reader);
        free(copy);
    }
    if (result != SQLITE_DONE)
        complain(keep, result);
    sqlite3_finalize(rows);
}
