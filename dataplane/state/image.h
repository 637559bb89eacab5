// SPDX-License-Identifier: BSD-3-Clause
// The file of one worker's dialogs, and how a later process reads it.
//
//   struct image_header (4,096 octets) | struct dialog_journal, records | arena
//
// A file is one process's, made fresh at each start with the next epoch. At start all files with an earlier
// epoch are images: nothing is written to them but a record's check (0: struck out, taken over by another
// file or ended) and their journal. Reading trusts nothing: every offset and length is checked.
#ifndef DIALGATE_STATE_IMAGE_H
#define DIALGATE_STATE_IMAGE_H

#include "dialog_record.h"
#include "siphash.h"

#define IMAGE_MAGIC   0x31676d69616c6764ull
#define IMAGE_VERSION 2u
#define IMAGE_HEADER  4096u // octets before the journal
#define IMAGE_BOOT_ID 16u

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t record_octets; // sizeof(struct dialog)
    uint64_t epoch;         // each start has a higher one
    uint32_t worker;
    uint32_t workers;
    uint8_t boot_id[IMAGE_BOOT_ID]; // ticks are of this boot
    uint64_t key_mark;              // SipHash of a constant with the table key: hashes are of this key
    uint32_t capacity;
    uint32_t reserved;
    uint64_t arena_offset; // from the start of the file
    uint64_t arena_octets;
    uint64_t check; // over all before
};
static_assert(sizeof(struct image_header) == 88, "layout");

struct image_identity {
    uint64_t epoch;
    uint32_t worker;
    uint32_t workers;
    uint8_t boot_id[IMAGE_BOOT_ID];
    struct siphash_key key;
};

struct image_layout {
    size_t size;           // of the file
    size_t dialogs_offset; // journal and records: dialogs_place.file
    size_t arena_offset;   // 2 MiB aligned
    size_t arena_octets;
};
struct image_layout image_layout(uint32_t capacity, size_t arena_octets);
// Writes the header into a zeroed mapping, magic last: without it the file is none.
void image_begin(void *file, const struct image_layout *layout, const struct image_identity *identity,
                 uint32_t capacity);

enum image_fault {
    IMAGE_FINE,
    IMAGE_UNFINISHED, // no magic: the process died while it made the file, there is nothing in it
    IMAGE_DAMAGED,    // the header
    IMAGE_OTHER_VERSION,
    IMAGE_OTHER_BOOT,
    IMAGE_OTHER_KEY,
    IMAGE_CUT, // shorter than the header says
    IMAGE_FAULTS
};
const char *image_fault_text(enum image_fault fault);

// One older file, mapped shared and writable. Workers read it together; each strikes out its own records.
struct image {
    uint8_t *octets;
    size_t size;
    const struct image_header *header;
    struct dialog_journal *journal;
    struct dialog *records;
    struct region arena;
};
enum image_fault image_open(struct image *image, void *octets, size_t size,
                            const struct image_identity *ours);
// Before any worker looks: a record that was being changed gets back what it was (the journal), and a record
// that two files have is struck out in the older one. Images in any order. Whatever a journal says, nothing
// outside the images is touched.
void image_settle(struct image *const *images, unsigned count);

enum image_record {
    IMAGE_RECORD_NONE, // free, never committed, or struck out
    IMAGE_RECORD_FINE,
    IMAGE_RECORD_DAMAGED // torn or changed: record, cold block, or an interned text of it
};
enum image_record image_record(const struct image *image, uint32_t index);
// Of a record that is IMAGE_RECORD_FINE.
const struct dialog_cold *image_cold(const struct image *image, uint32_t index);
struct text_source image_texts(const struct image *image, uint32_t index);
void image_strike(struct image *image, uint32_t index);

#endif
