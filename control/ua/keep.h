// SPDX-License-Identifier: BSD-3-Clause
// What applications have and only control knows, so that the next control has it too: calls with context,
// credentials and description, registrations, transfers. One file, `applications.sqlite` in state.directory,
// where the dialogs themselves lie: they outlive the process together and the machine's boot neither.
//
// SQLite, because a file that is damaged gives an error there and no signal, as one that is mapped would; its
// log (WAL) is whole after a death at any moment. Nothing is ever synced to a disk: what has to be survived
// is the process. What one turn of the event loop writes is one transaction, committed in the next;
// keep_commit() is for what must be there before something is sent. The file holds passwords: mode 0600.
//
// A file that is damaged or of another version is set aside as `applications.sqlite.bad`, and all begins
// empty. Without a file, or when it is full (KEEP_OCTETS_MAX), control works on; what is not kept is counted.
#ifndef DIALGATE_CONTROL_UA_KEEP_H
#define DIALGATE_CONTROL_UA_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_OCTETS_MAX (256u << 20)
#define KEEP_RECORD_MAX (192u << 10) // a description of 64 KiB and all texts of a transfer

enum keep_kind {
    KEEP_ABOUT,
    KEEP_CALL,
    KEEP_REGISTRATION,
    KEEP_TRANSFER,
    KEEP_INVITE, // of a call: how its INVITE is tried again
    KEEP_REFERRAL,
    KEEP_OPERATOR,
    KEEP_REQUEST, // that waits for a program
    KEEP_TAKEN,   // keep_mark()
    KEEP_KINDS
};

struct event_base;
struct keep;

// The file in directory. NULL: there is none, or no memory; logged. All else here takes NULL and does
// nothing.
struct keep *keep_open(struct event_base *base, const char *directory);
void keep_close(struct keep *keep); // with what was written

// A record: keep_begin(), its fields, keep_put(). Until then it is the only one.
struct keep_writer {
    uint8_t *octets;
    size_t used, size;
    bool overflow;
};
struct keep_writer *keep_begin(struct keep *keep); // NULL: nothing is kept
void keep_number(struct keep_writer *writer, uint64_t number);
void keep_text(struct keep_writer *writer, const char *text); // NULL is kept as such
void keep_octets(struct keep_writer *writer, const void *octets, size_t length);
void keep_put(struct keep *keep, enum keep_kind kind, uint64_t id);

void keep_drop(struct keep *keep, enum keep_kind kind, uint64_t id);
void keep_drop_all(struct keep *keep, enum keep_kind kind);
void keep_commit(struct keep *keep);
// Up to where something is in what is written from now on: one record KEEP_TAKEN of both numbers, committed
// with it.
void keep_mark(struct keep *keep, uint64_t of, uint64_t number);

// Fields in the order in which they were written. Behind the end: 0, NULL, and `bad`.
struct keep_reader {
    const uint8_t *octets;
    size_t used, size;
    bool bad;
};
uint64_t keep_read_number(struct keep_reader *reader);
char *keep_read_text(struct keep_reader *reader);                   // for free()
void *keep_read_octets(struct keep_reader *reader, size_t *length); // likewise, a NUL behind it
// Fills a field of that size; longer texts are cut.
void keep_read_into(struct keep_reader *reader, char *text, size_t size);
// The last field of a record, where it has one: what keep_octets() wrote of an address; else it stays.
struct ip_address;
void keep_read_address(struct keep_reader *reader, struct ip_address *address);
// Each record of the kind, the oldest id first; what is called may drop the record that it is called for.
typedef void keep_taker(void *context, uint64_t id, struct keep_reader *reader);
void keep_each(struct keep *keep, enum keep_kind kind, keep_taker *taker, void *context);

uint64_t keep_failures(const struct keep *keep); // records that could not be written

#endif
