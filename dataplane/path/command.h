// SPDX-License-Identifier: BSD-3-Clause
// Commands from the agent to a worker. The agent owns the struct, hands a pointer over the worker's command
// ring and does not touch it until the same pointer comes back over the result ring. A worker does a bounded
// piece of one command a turn.
#ifndef DIALGATE_PATH_COMMAND_H
#define DIALGATE_PATH_COMMAND_H

#include <stdint.h>
#include "dialgate/channel.h"

enum command_kind {
    COMMAND_DIALOG_LIST, // from cursor; goes through at most COMMAND_SLICE records, then comes back
    COMMAND_DIALOG_SHOW, // by handle, or all with this Call-ID
    COMMAND_DIALOG_END   // by handle
};

#define COMMAND_SLICE       512u
#define COMMAND_ROWS_OCTETS 65536u

struct command {
    uint8_t kind;     // enum command_kind
    uint8_t done;     // result, LIST: 1 when the last record was seen
    uint16_t peer;    // LIST: NUMBER_NONE any
    uint16_t state;   // LIST: enum channel_dialog_state
    uint16_t worker;  // agent's
    uint32_t request; // agent's
    uint32_t limit;   // LIST: rows still wanted
    uint64_t older_ms;
    uint32_t cursor; // LIST: index to begin with; afterwards: index to go on with
    int32_t result;  // 0 or -errno
    uint64_t handle;
    uint16_t call_id_length;
    char call_id[CHANNEL_CALL_ID_SIZE];
    uint32_t row_count;
    uint32_t used; // octets of rows
    // Rows one after another, each: struct channel_dialog_row, its texts, padding to 8 octets. `call` is the
    // hash of the Call-ID here.
    _Alignas(8) uint8_t rows[COMMAND_ROWS_OCTETS];
};

// The handle of a dialog: worker + 1 in the top 8 bits, so that no handle is 0, generation in 24, index
// in 32.
static inline uint64_t command_handle(unsigned worker, uint32_t generation, uint32_t index)
{
    return (uint64_t)(worker + 1) << 56 | (uint64_t)(generation & 0xffffffu) << 32 | index;
}

// UINT_MAX for what is no handle.
static inline unsigned command_handle_worker(uint64_t handle)
{
    return (unsigned)(handle >> 56) - 1;
}

#endif
