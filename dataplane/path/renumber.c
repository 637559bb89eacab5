// SPDX-License-Identifier: BSD-3-Clause
#include "renumber.h"
#include <string.h>
#include "cseq.h"
#include "event.h"
#include "scan.h"

static bool is_shifted(const struct worker *worker, uint32_t index)
{
    return index != INDEX_NONE && (dialog_at(&worker->dialogs, index)->flags & DIALOG_FLAG_SHIFTED);
}

// Where a number stands in a header's value: digits, then what is none.
static struct span number_at(const struct message *message, struct span value, uint32_t offset)
{
    uint32_t end = value.offset + value.length, at = offset;
    while (at < end && message->octets[at] >= '0' && message->octets[at] <= '9')
        at++;
    return (struct span){(uint16_t)offset, (uint16_t)(at - offset)};
}

static void edit_number(struct worker *worker, struct span span, uint32_t number)
{
    struct writer *writer = edit_open(&worker->edits, span.offset, span.length);
    write_number(writer, number);
    edit_close(&worker->edits);
}

static void edit_cseq(struct worker *worker, const struct message *message, uint32_t number)
{
    if (number != message->cseq_number)
        edit_number(worker, number_at(message, message->cseq, message->cseq.offset), number);
}

// The number in the middle of RAck; what is no RAck passes as it is.
static void edit_rack(struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    uint8_t field = message_first_header(message, HEADER_RACK);
    struct rack rack;
    if (field == MESSAGE_NO_HEADER || rack_read(message->octets, message->headers[field].value, &rack) != 0)
        return;
    struct span value = message->headers[field].value;
    uint32_t number = dialog_cseq_out(&worker->dialogs, work->dialog, work->side, rack.cseq.number);
    struct span response = number_at(message, value, value.offset);
    uint32_t at = (uint32_t)response.offset + response.length;
    while (message->octets[at] < '0' || message->octets[at] > '9') // rack_read() has seen digits there
        at++;
    if (number != rack.cseq.number)
        edit_number(worker, number_at(message, value, at), number);
}

// "refer;id=93809823" names a REFER by its CSeq: in a NOTIFY one of the receiver's, in a SUBSCRIBE one of the
// sender's.
static void edit_event(struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    const struct dialogs *dialogs = &worker->dialogs;
    bool notify = message->method == METHOD_NOTIFY;
    uint32_t number, other;
    struct span id;
    if ((!notify && message->method != METHOD_SUBSCRIBE) || !event_refer(message, &id, &number) ||
        id.length == 0)
        return;
    other = notify ? dialog_cseq_back(dialogs, work->dialog, 1 - work->side, number)
                   : dialog_cseq_out(dialogs, work->dialog, work->side, number);
    if (other != number)
        edit_number(worker, id, other);
}

void renumber_request(struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    if (!is_shifted(worker, work->dialog))
        return;
    edit_cseq(worker, message,
              dialog_cseq_out(&worker->dialogs, work->dialog, work->side, message->cseq_number));
    edit_rack(worker, work);
    edit_event(worker, work);
}

void renumber_kept(struct worker *worker, const struct message *message, uint32_t dialog)
{
    if (!is_shifted(worker, dialog))
        return;
    // By tag, not by peer: both sides may belong to the same one. From is the asker's.
    bool caller = dialog_text_is(&worker->dialogs, dialog, DIALOG_TEXT_CALLER_TAG,
                                 string_of(message, message->from_tag));
    edit_cseq(worker, message,
              dialog_cseq_back(&worker->dialogs, dialog, caller ? DIALOG_CALLER : DIALOG_CALLEE,
                               message->cseq_number));
}

void renumber_response(struct worker *worker, const struct work *work)
{
    renumber_kept(worker, work->message,
                  work->client == INDEX_NONE
                      ? work->dialog
                      : renumber_record(worker, &worker->transactions.records[work->client]));
}
