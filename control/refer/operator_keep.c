// SPDX-License-Identifier: BSD-3-Clause
// An operator's transfers over a restart of control (control/ua/keep.h): by the tag of their command, which
// what comes of them has. Written before the REFER goes out.
#include <stdlib.h>
#include "../control.h"
#include "operator.h"

void operator_keep(struct control *control, const struct operator_transfer *transfer)
{
    struct keep_writer *writer = keep_begin(control->ua.keep);
    if (!writer)
        return;
    keep_number(writer, transfer->id);
    keep_number(writer, transfer->dialog);
    keep_number(writer, transfer->deadline_ms);
    keep_number(writer, transfer->to_callee);
    keep_text(writer, transfer->ask.uri);
    keep_text(writer, transfer->ask.replaces);
    keep_text(writer, transfer->ask.referred_by);
    keep_put(control->ua.keep, KEEP_OPERATOR, transfer->tag);
}

static void take(void *context, uint64_t tag, struct keep_reader *reader)
{
    struct control *control = context;
    struct operator_transfer *transfer = calloc(1, sizeof(*transfer));
    if (!transfer)
        return;
    transfer->tag = tag;
    transfer->kept = true;
    transfer->id = keep_read_number(reader);
    transfer->dialog = keep_read_number(reader);
    transfer->deadline_ms = keep_read_number(reader);
    transfer->to_callee = keep_read_number(reader) != 0;
    keep_read_into(reader, transfer->ask.uri, sizeof(transfer->ask.uri));
    keep_read_into(reader, transfer->ask.replaces, sizeof(transfer->ask.replaces));
    keep_read_into(reader, transfer->ask.referred_by, sizeof(transfer->ask.referred_by));
    if (!reader->bad && tag && operator_resume(control, transfer))
        return;
    free(transfer);
    keep_drop(control->ua.keep, KEEP_OPERATOR, tag);
}

void operators_take(struct control *control)
{
    keep_each(control->ua.keep, KEEP_OPERATOR, take, control);
}
