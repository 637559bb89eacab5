// SPDX-License-Identifier: BSD-3-Clause
// Which worker owns a Call-ID: the high half of its keyed hash, scaled to their number. The low half is left
// to the tables.
#ifndef DIALGATE_STATE_OWNER_H
#define DIALGATE_STATE_OWNER_H

#include <stdint.h>

static inline unsigned owner_of(uint64_t call_hash, unsigned workers)
{
    return (unsigned)((call_hash >> 32) * workers >> 32);
}

#endif
