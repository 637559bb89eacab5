// SPDX-License-Identifier: BSD-3-Clause
// Between the three files in which passing messages change dialog records: dialog_track.c (the INVITE that
// begins one, and its responses), dialog_inside.c (what passes inside), dialog_answer.c (which record a
// response belongs to). What other stages call stands in worker_core.h.
#ifndef DIALGATE_PATH_DIALOG_TRACK_H
#define DIALGATE_PATH_DIALOG_TRACK_H

#include "worker_core.h"

// The URI of the Contact; empty without one that can be read.
struct dialog_string track_contact(const struct message *message);
// A record for this INVITE, or for a 2xx that is late for it. birth: what the texts do not say. mine: as for
// route_set_of_caller(). INDEX_NONE: no room.
uint32_t track_begin(struct worker *worker, const struct work *work, struct dialog_birth birth,
                     const struct cookie_route *mine);
// A 1xx or 2xx with a To-tag to the INVITE of this first record. mine: the cookie of that record, which may
// be gone.
void track_tag(struct worker *worker, struct work *work, uint32_t first, const struct cookie_route *mine);
// A final refusal ends every record of the INVITE that was not confirmed meanwhile.
void track_refusal(struct worker *worker, uint32_t first, const struct call_end *end);
// Whether this server transaction is the INVITE that began the dialog.
bool track_began_with(const struct worker *worker, uint32_t dialog, uint32_t server);
// RFC 4028 8.2: each 2xx to INVITE or UPDATE says how long the session lasts from now on; without a word of
// it, it does not expire. asker: who sent that request.
void track_session(const struct worker *worker, const struct message *message, enum dialog_side asker,
                   struct dialog_change *change);
// Who sent the request that this response is to: its From is the asker's.
enum dialog_side track_asker(const struct worker *worker, const struct message *response, uint32_t index);
// Whether a final response to such a request inside the dialog, or none (0), ends the dialog or its INVITE
// usage (RFC 5057); that of a subscription is another.
bool track_ends_call(uint8_t method, uint16_t status);
// A final response inside the dialog; a 2xx to a re-INVITE, whose request work->client keeps.
void track_inside(struct worker *worker, struct work *work, uint32_t index);
void track_reinvite(struct worker *worker, struct work *work, uint32_t index);

#endif
