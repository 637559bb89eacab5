// SPDX-License-Identifier: BSD-3-Clause
// Merged requests (RFC 3261 8.2.2.2): one that was forked on its way and reaches the same user agent server
// over two paths, so under two branches. The first is served, a second one is answered with 482 (Loop
// Detected). Asked by the user agent service alone, for the requests that it serves itself: a proxy forwards
// each passage (16.3), and notes nothing here.
//
// The index lies beside the transactions: from a keyed hash of Call-ID, From-tag and CSeq to a server
// transaction that has them. It needs no word when a transaction ends: an entry names the transaction's
// generation, one that is gone is taken out when it is met, and each index of a transaction has one entry at
// most, so that there is always room. Hashes are compared, not texts, like the keys of transactions.
#ifndef DIALGATE_STATE_MERGED_H
#define DIALGATE_STATE_MERGED_H

#include "siphash.h"
#include "text.h"
#include "transaction.h"

struct merged_entry {
    uint64_t hash;
    uint32_t generation; // of the transaction with this index
    bool noted;          // it stands in the table
};
static_assert(sizeof(struct merged_entry) == 16, "with 9 of table 25 octets a transaction");

struct merged {
    struct merged_entry *entries; // by the transaction's index
    uint32_t capacity;
    struct table table;
    struct siphash_key key;
};

// Of a request, not an ACK or CANCEL, which belong to another request's transaction (17.1.1.3, 9.2).
struct merged_request {
    uint64_t key; // of the server transaction that its branch names (17.2.3)
    struct dialog_string call_id;
    struct dialog_string from_tag;
    struct dialog_string to_tag;
    uint32_t cseq;
    uint8_t method; // enum sip_method: all that it does not name count as one
};

size_t merged_memory(uint32_t capacity); // octets, 64-octet aligned
// Capacity: that of the transactions. The key is the worker's own.
void merged_init(struct merged *set, void *memory, uint32_t capacity, struct siphash_key key);

// Whether an ongoing transaction that was noted, of another branch, has this Call-ID, From-tag and CSeq. To
// be asked before merged_note(). Never of a request with a To-tag: it belongs to a dialog, and the same
// request over two paths does not arise (8.2.2.2).
bool merged_is(struct merged *set, const struct transactions *transactions,
               const struct merged_request *request);
// It is served, by this server transaction. Returns 0, or -ENOSPC: the request is not known here, and what
// merges with it is served too.
int merged_note(struct merged *set, const struct transactions *transactions, uint32_t index,
                const struct merged_request *request);

#endif
