// SPDX-License-Identifier: BSD-3-Clause
// Waiting for the far end. The states are those of the handles, which are right before any callback is
// called.
#include "wire.h"

// More than "not yet" is the answer.
typedef bool is_done(const void *what, enum dg_code *code);

static enum dg_code wait(struct dg_agent *agent, int timeout_ms, is_done *done, const void *what)
{
    int64_t deadline_ms = wire_deadline(timeout_ms);
    enum dg_code code = DG_TIMEOUT;
    while (!done(what, &code)) {
        if (agent->closed)
            return DG_CLOSED;
        if (!wire_turn(agent, deadline_ms))
            return done(what, &code) ? code : DG_TIMEOUT;
    }
    return code;
}

static bool is_answered(const void *what, enum dg_code *code)
{
    const struct dg_dialog *dialog = what;
    unsigned status = dialog->outcome.status;
    *code = status >= 200 && status < 300 ? DG_OK : status ? DG_REFUSED : DG_INVALID_TRANSITION;
    return status || dialog->state == DG_STATE_TERMINATED;
}

enum dg_code dg_dialog_wait_answer(struct dg_dialog *dialog, int timeout_ms, struct dg_outcome *outcome)
{
    pthread_mutex_lock(&dialog->agent->lock);
    enum dg_code code = wait(dialog->agent, timeout_ms, is_answered, dialog);
    outcome_copy(outcome, &dialog->outcome);
    pthread_mutex_unlock(&dialog->agent->lock);
    return code;
}

static bool is_acked(const void *what, enum dg_code *code)
{
    const struct dg_dialog *dialog = what;
    *code = dialog->acked ? DG_OK : DG_INVALID_TRANSITION;
    return dialog->acked || dialog->state == DG_STATE_TERMINATED;
}

enum dg_code dg_dialog_wait_ack(struct dg_dialog *dialog, int timeout_ms)
{
    pthread_mutex_lock(&dialog->agent->lock);
    enum dg_code code = wait(dialog->agent, timeout_ms, is_acked, dialog);
    pthread_mutex_unlock(&dialog->agent->lock);
    return code;
}

struct aim {
    const struct dg_dialog *dialog;
    enum dg_state state;
};

static bool is_reached(const void *what, enum dg_code *code)
{
    const struct aim *aim = what;
    *code = aim->dialog->state == aim->state ? DG_OK : DG_INVALID_TRANSITION;
    return aim->dialog->state == aim->state || aim->dialog->state == DG_STATE_TERMINATED;
}

enum dg_code dg_dialog_wait_state(struct dg_dialog *dialog, enum dg_state state, int timeout_ms)
{
    const struct aim aim = {dialog, state};
    pthread_mutex_lock(&dialog->agent->lock);
    enum dg_code code = wait(dialog->agent, timeout_ms, is_reached, &aim);
    pthread_mutex_unlock(&dialog->agent->lock);
    return code;
}

static bool is_over(const void *what, enum dg_code *code)
{
    const struct dg_request *request = what;
    *code = request->outcome.status ? DG_OK : DG_INVALID_TRANSITION;
    return request->over;
}

enum dg_code dg_request_wait(struct dg_request *request, int timeout_ms, struct dg_outcome *outcome)
{
    pthread_mutex_lock(&request->agent->lock);
    enum dg_code code = wait(request->agent, timeout_ms, is_over, request);
    outcome_copy(outcome, &request->outcome);
    pthread_mutex_unlock(&request->agent->lock);
    return code;
}

enum dg_code dg_dialog_wait_refer(struct dg_request *refer, int timeout_ms, struct dg_outcome *outcome)
{
    return refer->refer ? dg_request_wait(refer, timeout_ms, outcome) : DG_BAD_ARGUMENT;
}
