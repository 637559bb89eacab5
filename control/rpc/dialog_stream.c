// SPDX-License-Identifier: BSD-3-Clause
// dialog.list with "stream": a page is asked of the dataplane when the client has read most of the one
// before, so that a list of a million dialogs begins at once, goes as fast as it is read, and holds one page
// here whatever its length. A reader that stops holds nothing of the dataplane: only pages that are asked for
// count against PAGES_MAX, further ones wait in line.
#include "dialog.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_ROWS 250u // 250 KB of JSON
#define PAGES_MAX 4u   // of the requests that the dataplane takes at once; others want some too

struct listing_stream {
    struct rpc_call *call;
    struct channel_dialog_list list; // the page under way
    json_t *dialogs;                 // of it
    int64_t rows, left;              // sent, still wanted
    struct listing_stream *next;     // in line
};

static void fail(struct listing_stream *stream, int result, const char *text)
{
    json_decref(stream->dialogs);
    rpc_fail_errno(stream->call, result, text);
    free(stream);
}

static void ask_waiting(struct control *control);

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct listing_stream *stream = context;
    // More than was asked for would let the dataplane fill our memory.
    if (json_array_size(stream->dialogs) < stream->list.limit)
        json_array_append_new(stream->dialogs, dialog_json(rpc_control(stream->call), row, text));
}

static void finish(struct listing_stream *stream)
{
    char cursor[DIALOG_ID_SIZE];
    uint64_t next = stream->list.cursor;
    rpc_reply(stream->call, json_pack("{s:[], s:I, s:o}", "dialogs", "rows", (json_int_t)stream->rows,
                                      "cursor", next ? json_string(dialog_id(next, cursor)) : json_null()));
    free(stream);
}

static void next_page(void *context);

static void on_page_done(void *context, const struct channel_done *done)
{
    struct listing_stream *stream = context;
    struct control *control = rpc_control(stream->call);
    int64_t rows = (int64_t)json_array_size(stream->dialogs);
    control->listings.asked--;
    if (done->result < 0) {
        fail(stream, done->result, done->text);
        ask_waiting(control);
        return;
    }
    stream->rows += rows;
    stream->left -= rows;
    stream->list.cursor = done->cursor;
    if (rows > 0) // a page that found none in its time has only a cursor
        rpc_part(stream->call, "dialog.page", "dialogs", stream->dialogs);
    else
        json_decref(stream->dialogs);
    stream->dialogs = NULL;
    if (done->cursor && stream->left > 0 && !rpc_gone(stream->call))
        rpc_when_taken(stream->call, next_page, stream);
    else
        finish(stream);
    ask_waiting(control);
}

static void ask_page(struct listing_stream *stream)
{
    struct control *control = rpc_control(stream->call);
    struct channel_answer answer = {on_row, on_page_done, stream, NULL};
    int result = rpc_gone(stream->call) ? -ECANCELED : 0;
    stream->list.limit = stream->left < PAGE_ROWS ? (uint32_t)stream->left : PAGE_ROWS;
    stream->dialogs = json_array();
    if (result == 0)
        result = dialog_ask(control, CHANNEL_DIALOG_LIST, &stream->list, &answer);
    if (result == 0)
        control->listings.asked++;
    else
        fail(stream, result, NULL);
}

static void ask_waiting(struct control *control)
{
    struct listings *line = &control->listings;
    while (line->first && line->asked < PAGES_MAX) {
        struct listing_stream *stream = line->first;
        line->first = stream->next;
        if (!line->first)
            line->end = NULL;
        ask_page(stream);
    }
}

static void next_page(void *context)
{
    struct listing_stream *stream = context;
    struct control *control = rpc_control(stream->call);
    struct listings *line = &control->listings;
    stream->next = NULL;
    *(line->end ? line->end : &line->first) = stream;
    line->end = &stream->next;
    ask_waiting(control);
}

void dialog_stream(struct rpc_call *call, const struct channel_dialog_list *list)
{
    if (!rpc_streams(call)) {
        rpc_fail(call, DG_REFUSED, "a streamed list is a request of its own, with an id, in no batch");
        return;
    }
    struct listing_stream *stream = calloc(1, sizeof(*stream));
    if (!stream) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    stream->call = call;
    stream->list = *list;
    stream->left = rpc_integer(call, "limit", INT64_MAX);
    next_page(stream);
}
