// SPDX-License-Identifier: BSD-3-Clause
// A message becomes frames: IPv6, tags, and fragments of what is longer than the way's MTU. The plain form,
// IPv4 without a tag in one frame, is tx.c's own.
//
// Fragments are fresh buffers, as drivers take linear ones alone. Their identification cannot be guessed (RFC
// 7739): who could would end datagrams of ours with a fragment of his own (RFC 5722).
#ifndef DIALGATE_PATH_TX_FRAME_H
#define DIALGATE_PATH_TX_FRAME_H

#include "endpoint.h"
#include "headers.h"
#include "write.h"

struct worker;
struct rte_mbuf;

#define TX_FRAMES_MAX 128u // 65,515 octets with an MTU of 576 are 119

struct tx_frames {
    struct rte_mbuf *mbufs[TX_FRAMES_MAX];
    unsigned count;
};

// Of the message that tx_open_for() made room for. Returns 0, or the outcome that tells why not. The
// mbuf stays the caller's unless it is the only frame. Sums of fragments are ours: of way->leaves_*, too,
// then.
uint32_t tx_frame_make(struct worker *worker, struct rte_mbuf *mbuf, const struct writer *writer,
                       struct headers_way *way, struct tx_frames *frames);

#endif
