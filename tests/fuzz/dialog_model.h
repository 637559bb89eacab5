// SPDX-License-Identifier: BSD-3-Clause
// A dialog as RFC 3261 section 12 and a proxy's operator see it, in plain words of C: no tables, no wheel, no
// arena. Slow, and with nothing in common with dataplane/state but the names of events and actions.
#ifndef DIALGATE_TESTS_FUZZ_DIALOG_MODEL_H
#define DIALGATE_TESTS_FUZZ_DIALOG_MODEL_H

#include "dialog.h"

#define MODEL_TEXT 48u

struct model {
    enum dialog_row row;
    unsigned call;
    char texts[DIALOG_TEXT_COUNT][MODEL_TEXT];
    uint16_t peers[2];
    uint32_t learnt[2]; // address_of()
    uint32_t cseq[2];
    bool acked, cancelled, bounded;
    uint16_t session_s;
    tick_t session_end;
    tick_t created;
    tick_t since;   // when None, Early or Confirmed began
    tick_t leaving; // when Terminating began
    tick_t end;     // of None, Early and Terminating
};

void model_begin(struct model *model, const struct dialog_life *life, tick_t now);
enum dialog_state model_state(const struct model *model);
unsigned model_step(struct model *model, enum dialog_event event, const struct dialog_life *life, tick_t now);
// What is due, DIALOG_EVENTS: nothing.
enum dialog_event model_due(const struct model *model, const struct dialog_life *life, tick_t now);
void model_end_at(struct model *model, tick_t deadline);
tick_t model_since(const struct model *model);

struct model_wanted {
    unsigned call;
    const char *from, *to;
    unsigned peer; // 3: any
    bool response;
};
// How well the record fits, 0: not at all; more is better.
unsigned model_rank(const struct model *model, const struct model_wanted *wanted, enum dialog_side *side);

#endif
