// SPDX-License-Identifier: BSD-3-Clause
// dialog.end: the selected dialogs are shown first, so that a Call-ID that several dialogs share ends none of
// them unless the operator said so; then each is ended by its handle, one after another.
#include "dialog.h"

#include <errno.h>
#include <stdlib.h>
#include "handlers.h"

#define END_MAX 256u // forks of one Call-ID

struct ending {
    struct rpc_call *call;
    uint64_t handles[END_MAX];
    uint32_t found;
    uint32_t next;
    bool by_handle;  // the Call-ID was not tried yet
    json_t *dialogs; // what was found, for a refusal
};

static void end_next(struct ending *ending);
static void look(struct ending *ending, const struct channel_dialog_select *select);

static void ending_free(struct ending *ending)
{
    json_decref(ending->dialogs);
    free(ending);
}

static void fail(struct ending *ending, int result, const char *text)
{
    rpc_fail_errno(ending->call, result, text);
    ending_free(ending);
}

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct ending *ending = context;
    if (ending->found == END_MAX)
        return;
    ending->handles[ending->found++] = row->handle;
    json_array_append_new(ending->dialogs, dialog_json(rpc_control(ending->call), row, text));
}

static void look_by_call_id(struct ending *ending)
{
    struct channel_dialog_select select;
    ending->by_handle = false;
    if (dialog_by_call_id(rpc_text(ending->call, "id"), &select)) {
        look(ending, &select);
        return;
    }
    rpc_fail(ending->call, DG_INVALID_PARAMS, "id is neither a short id nor a Call-ID");
    ending_free(ending);
}

static void refuse_several(struct ending *ending)
{
    char ids[DG_ERROR_TEXT_SIZE / 2];
    size_t used = 0;
    ids[0] = '\0';
    for (uint32_t i = 0; i < ending->found && used + DIALOG_ID_SIZE + 1 < sizeof(ids); i++) {
        char id[DIALOG_ID_SIZE];
        used += (size_t)snprintf(ids + used, sizeof(ids) - used, " %s", dialog_id(ending->handles[i], id));
    }
    rpc_fail(ending->call, DG_AMBIGUOUS,
             "%u dialogs have this Call-ID:%s; end one by its id, or give \"all\"", ending->found, ids);
    ending_free(ending);
}

static void on_found(void *context, const struct channel_done *done)
{
    struct ending *ending = context;
    bool none = done->result == -ENOENT || (done->result == 0 && ending->found == 0);
    if (none && ending->by_handle)
        look_by_call_id(ending);
    else if (none)
        fail(ending, -ENOENT, "no dialog has this id or Call-ID; dialog.list shows those there are");
    else if (done->result < 0)
        fail(ending, done->result, done->text);
    else if (ending->found > 1 && !rpc_boolean(ending->call, "all"))
        refuse_several(ending);
    else
        end_next(ending);
}

static void look(struct ending *ending, const struct channel_dialog_select *select)
{
    struct channel_answer answer = {on_row, on_found, ending, NULL};
    int result = dialog_ask(rpc_control(ending->call), CHANNEL_DIALOG_SHOW, select, &answer);
    if (result < 0)
        fail(ending, result, NULL);
}

static void on_ended(void *context, const struct channel_done *done)
{
    struct ending *ending = context;
    // One that went by itself in the meantime is ended too.
    if (done->result < 0 && done->result != -ENOENT)
        fail(ending, done->result, done->text);
    else
        end_next(ending);
}

static void end_next(struct ending *ending)
{
    if (ending->next == ending->found) {
        rpc_reply(ending->call, json_pack("{s:O}", "ended", ending->dialogs));
        ending_free(ending);
        return;
    }
    struct channel_dialog_select select = {.handle = ending->handles[ending->next++]};
    struct channel_answer answer = {NULL, on_ended, ending, NULL};
    int result = dialog_ask(rpc_control(ending->call), CHANNEL_DIALOG_END, &select, &answer);
    if (result < 0)
        fail(ending, result, NULL);
}

void rpc_dialog_end(struct rpc_call *call)
{
    struct channel_dialog_select select = {0};
    struct ending *ending = calloc(1, sizeof(*ending));
    if (!ending) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    ending->call = call;
    ending->dialogs = json_array();
    ending->by_handle = dialog_handle(rpc_text(call, "id"), &select.handle);
    if (ending->by_handle)
        look(ending, &select);
    else
        look_by_call_id(ending);
}
