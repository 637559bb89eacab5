// SPDX-License-Identifier: BSD-3-Clause
// Records of calls on the channel (channel.h), as they lie in the ring of each worker too.
#ifndef DIALGATE_CHANNEL_RECORD_H
#define DIALGATE_CHANNEL_RECORD_H

#include <assert.h>
#include <stdint.h>

// Who ended a call. The words are those of the records.
// clang-format off
#define CHANNEL_ENDERS(E)                                                                                              \
    E(CALLER, "caller")                                                                                                \
    E(CALLEE, "callee")                                                                                                \
    E(OPERATOR, "operator")                                                                                            \
    E(TIMEOUT, "timeout")               /* nobody did: a timer ran out */                                             \
    E(PROXY, "proxy")                   /* we refused it */
// clang-format on
enum channel_ender {
#define E(name, word) CHANNEL_ENDER_##name,
    CHANNEL_ENDERS(E)
#undef E
        CHANNEL_ENDER_COUNT
};

enum channel_record_text {
    CHANNEL_RECORD_CALL_ID,
    CHANNEL_RECORD_FROM,
    CHANNEL_RECORD_TO,
    CHANNEL_RECORD_TEXTS
};

#define CHANNEL_RECORD_TEXT_MAX 256u       // octets of one text; a longer one is cut
#define CHANNEL_RECORD_NEVER    UINT32_MAX // what did not happen

#define CHANNEL_RECORD_RESTARTED 1u // the call began in a process before
#define CHANNEL_RECORD_RESUMED                                                                               \
    2u                        // it was recorded as ended before: its BYE had to come again with credentials
#define CHANNEL_RECORD_CUT 4u // a text is longer than what is here

// One call, or one attempt. Its texts follow, and padding to 8 octets; From and To as in the INVITE, without
// parameters.
struct channel_record {
    uint64_t sequence;  // of its worker's records, from 1
    uint64_t start_ms;  // its INVITE: Unix time; of the monotonic clock while it waits in the data plane
    uint32_t ring_ms;   // after start: the first 101-199, or CHANNEL_RECORD_NEVER
    uint32_t answer_ms; // the first 2xx, or CHANNEL_RECORD_NEVER
    uint32_t end_ms;
    uint32_t size; // octets with texts and padding
    uint16_t caller_peer;
    uint16_t callee_peer;   // NUMBER_NONE: none was chosen
    uint16_t callee_member; // NUMBER_NONE: none was chosen
    uint16_t status;        // the final one to the INVITE, 200 for any 2xx; 0: there was none
    uint16_t cause;         // of the Reason (RFC 3326) in the BYE, 0: none
    uint8_t ender;          // enum channel_ender
    uint8_t reason;         // enum channel_reason
    uint8_t flags;          // CHANNEL_RECORD_*
    uint8_t sip_cause;      // 1: the cause is a SIP status, 0: of Q.850
    uint16_t text_lengths[CHANNEL_RECORD_TEXTS];
};
static_assert(sizeof(struct channel_record) == 56, "layout");
#define CHANNEL_RECORD_SIZE_MAX                                                                              \
    (sizeof(struct channel_record) + CHANNEL_RECORD_TEXTS * CHANNEL_RECORD_TEXT_MAX)

// Records of one worker, in order.
struct channel_records {
    uint64_t instance; // of the file that holds them; another one counts from the start again
    uint64_t lost;     // of this worker, in all: the ring was full
    uint64_t waiting;  // octets behind these
    uint32_t worker;
    uint32_t count;
};
static_assert(sizeof(struct channel_records) == 32, "layout");

struct channel_records_done {
    uint64_t instance;
    uint64_t sequence; // kept up to this one
    uint32_t worker;
    uint32_t again; // 1: what is behind it is to be sent again
};
static_assert(sizeof(struct channel_records_done) == 24, "layout");

#endif
