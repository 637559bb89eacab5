// SPDX-License-Identifier: BSD-3-Clause
// A batch (JSON-RPC 2.0, section 6): its requests are served one after another, their answers collected in
// one line. So a batch holds one request and at most RPC_BATCH_OCTETS_MAX octets and one answer more; who
// wants much asks in several lines. Requests of a batch can neither stream nor follow.
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "call.h"

struct batch {
    struct control *control;
    json_t *requests;
    size_t next;
    char *text; // "[answer,answer"; NULL: no answer yet
    size_t used;
    bool lost;    // without memory
    bool serving; // on_answer comes from inside serve_all
    bool waiting; // the answer of the request before next is still to come
    struct rpc_answer answer;
};

static void add(struct batch *batch, const char *line)
{
    size_t length = strlen(line) - 1; // without its end
    char *grown = realloc(batch->text, batch->used + length + 4);
    if (!grown) {
        batch->lost = true;
        return;
    }
    batch->text = grown;
    batch->text[batch->used] = batch->used ? ',' : '[';
    memcpy(batch->text + batch->used + 1, line, length);
    batch->used += length + 1;
}

static void finish(struct batch *batch)
{
    char *line = batch->text;
    struct rpc_answer answer = batch->answer;
    if (batch->lost) {
        free(line);
        line = rpc_error_line(DG_INTERNAL, "out of memory");
    } else if (line) {
        memcpy(line + batch->used, "]\n", 3);
    }
    json_decref(batch->requests);
    free(batch);
    answer.answer(answer.context, line);
}

static void serve_all(struct batch *batch);

static void on_answer(void *context, char *line)
{
    struct batch *batch = context;
    batch->waiting = false;
    if (line)
        add(batch, line);
    free(line);
    if (!batch->serving)
        serve_all(batch);
}

// The rest of a batch whose answers are too long: told once, to no request in particular.
static void refuse_rest(struct batch *batch)
{
    char *line = rpc_error_line(
        DG_REFUSED,
        "the batch's answers are too long; what follows was not done, ask again in several lines");
    batch->next = json_array_size(batch->requests);
    batch->control->rpc.refused[RPC_REFUSED_BATCH]++;
    if (line)
        add(batch, line);
    free(line);
}

static struct ua_app *attached_to(void *context)
{
    const struct batch *batch = context;
    return batch->answer.attached ? batch->answer.attached(batch->answer.context) : NULL;
}

static void serve_all(struct batch *batch)
{
    struct rpc_answer answer = {
        .answer = on_answer, .context = batch, .user = batch->answer.user, .attached = attached_to};
    batch->serving = true;
    while (!batch->waiting && batch->next < json_array_size(batch->requests)) {
        if (batch->used > RPC_BATCH_OCTETS_MAX) {
            refuse_rest(batch);
            break;
        }
        batch->waiting = true;
        rpc_serve_request(batch->control, json_incref(json_array_get(batch->requests, batch->next++)),
                          &answer);
    }
    batch->serving = false;
    if (!batch->waiting)
        finish(batch);
}

void rpc_serve_batch(struct control *control, json_t *requests, const struct rpc_answer *answer)
{
    size_t count = json_array_size(requests);
    struct batch *batch = count > 0 && count <= RPC_BATCH_MAX ? calloc(1, sizeof(*batch)) : NULL;
    if (!batch) {
        json_decref(requests);
        control->rpc.refused[RPC_REFUSED_BATCH]++;
        answer->answer(answer->context,
                       count == 0 ? rpc_error_line(DG_INVALID_REQUEST, "an empty batch")
                       : count > RPC_BATCH_MAX
                           ? rpc_error_line(DG_INVALID_REQUEST, "a batch may have 100 requests")
                           : rpc_error_line(DG_INTERNAL, "out of memory"));
        return;
    }
    *batch = (struct batch){.control = control, .requests = requests, .answer = *answer};
    serve_all(batch);
}
