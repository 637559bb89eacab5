// SPDX-License-Identifier: BSD-3-Clause
// The record of a call (call_ring.h), written when the call ends: when the one record of its dialog set that
// stands for it (DIALOG_FLAG_COUNTED) leaves None, Early or Confirmed for good and no fork goes on. Whoever
// ends a call that was not answered, a 2xx may have crossed it: what it was is known with the answer to the
// INVITE. An INVITE that we refused before there was a dialog is an attempt, and has one too.
//
// It is written before the dialog's change is committed. A kill in between leaves both: the call ends once
// more in the next process, and that record says CHANNEL_RECORD_RESTARTED, as those of all calls do that a
// restart did not end. The other order would lose a record and nobody would know.
//
// Times come from the dialog's record: ticks, and the milliseconds beyond them where records were on when it
// happened. Nothing is done here while records are off, but for a look at the settings.
#ifndef DIALGATE_PATH_CALL_RECORD_H
#define DIALGATE_PATH_CALL_RECORD_H

#include "dialgate/channel.h"
#include "dialog.h"

struct worker;
struct work;
struct message;

// Of a Reason (RFC 3326). number 0: none.
struct call_cause {
    uint16_t number;
    bool sip; // a status, else of Q.850
};

// What the event of the machine does not say of an end. Zeroed: follows from the event.
struct call_end {
    bool known;     // the three below are meant
    uint8_t ender;  // enum channel_ender
    uint8_t reason; // enum channel_reason
    uint16_t status;
    bool unrecorded; // another record stands for this attempt
    struct call_cause cause;
};

// An INVITE's repeats after a refusal without state are not recorded again.
#define CALL_REFUSED_KEYS 1024u

bool call_record_wanted(const struct worker *worker);
// Of the worker's clock, beyond the tick.
uint8_t call_record_ms(const struct worker *worker);
// Whether the call that this record stands for is over with this event; DIALOG_EVENTS: with the record.
bool call_record_is_due(const struct worker *worker, uint32_t dialog, enum dialog_event event);
// It is, and nobody knows more than end.
void call_record_end(struct worker *worker, uint32_t dialog, enum dialog_event event,
                     const struct call_end *end);
// We answer an INVITE outside of dialogs with this, without state.
void call_record_refused(struct worker *worker, const struct work *work, uint16_t status);
// What a refusal of the INVITE of this server transaction means: our own end, the caller's CANCEL, or the
// callee's word.
struct call_end call_end_of_refusal(const struct worker *worker, uint32_t server, uint16_t status);
// The first cause that we know of this request's Reason (RFC 3326).
struct call_cause call_cause_of(const struct message *request);
// A BYE that comes before the answer: its cause waits with the INVITE for what the call comes to.
void call_record_bye(struct worker *worker, uint32_t dialog, const struct call_end *end);
// A BYE of this side.
struct call_end call_end_of_bye(const struct worker *worker, const struct message *bye,
                                enum dialog_side side);

#endif
