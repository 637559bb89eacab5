// SPDX-License-Identifier: BSD-3-Clause
// Workers as the data plane's end of the channel sees them: they answer commands from dialogs that are
// invented, and fill their rings. One thread.
#ifndef DIALGATE_TEST_CHANNEL_WORKERS_H
#define DIALGATE_TEST_CHANNEL_WORKERS_H

#include "channel_services.h"

#define CHANNEL_WORKERS 2u

struct channel_workers {
    struct workers all; // commands, results and what is published
    struct channel_rings rings[CHANNEL_WORKERS];
    struct capture_count captured[CAPTURES_MAX];
};
extern struct channel_workers channel_workers;
extern const struct ban_place channel_workers_bans; // takes any, and has no hits

void channel_workers_init(void);
void channel_workers_reset(void); // the rings that they fill are empty
void channel_workers_answer(void);
// One change an octet; what finds the ring full is lost. Members change where rules are published.
void channel_workers_change_dialogs(const uint8_t *octets, size_t size);
void channel_workers_change_members(const uint8_t *octets, size_t size);
// Four octets an event: worker, kind, octets of the message.
void channel_workers_tell_ua(const uint8_t *octets, size_t size);
void channel_workers_ask_name(const uint8_t *octets, size_t size);
void channel_workers_end_call(const struct call_records *records, const uint8_t *octets, size_t size);
// Open descriptors but pipes: the service has none, and libFuzzer opens two to its symbolizer with each new
// function.
unsigned channel_descriptors(void);

#endif
