// SPDX-License-Identifier: BSD-3-Clause
#include "hand_over.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "log.h"

void hand_over_number(struct control *control)
{
    if (channel_ready(control->channel) && control->hello.snapshot_sequence > control->sequence)
        control->sequence = control->hello.snapshot_sequence;
    control->sequence++;
}

// The file is written before an image with this number leaves, so that no number is used twice.
int hand_over_save_number(struct control *control, char *error, size_t size)
{
    return sequence_save(control->state_directory, control->sequence, error, size);
}

struct build hand_over_build(struct control *control, char *error, size_t size)
{
    return (struct build){control->manifest,
                          control->state_directory,
                          control->sequence,
                          control->resolver ? resolver_hosts(control->resolver) : NULL,
                          control->cause == RELOAD_OF_OVERLAY ? &control->changed : &control->overlay,
                          error,
                          size};
}

static void on_hand_over(void *context, const struct channel_done *done)
{
    struct control *control = context;
    control->handed = done->result == 0 ? HANDED_ACCEPTED : HANDED_REFUSED;
    control->resend = done->result == -ETIMEDOUT;
    snprintf(control->refusal, sizeof(control->refusal), "%s", done->text);
    if (done->result == 0)
        log_event(LEVEL_INFO, "configuration_accepted", "sequence=%" PRIu64, control->active.image->sequence);
    else
        log_event(LEVEL_ERROR, "configuration_refused", "sequence=%" PRIu64 " errno=%d reason=\"%s\"",
                  control->active.image->sequence, -done->result, done->text);
}

int hand_over_send(struct control *control, const struct configuration *configuration,
                   const struct channel_answer *answer)
{
    struct channel_snapshot body = {.sequence = configuration->image->sequence,
                                    .size = (uint32_t)configuration->size};
    struct channel_request request = {.type = CHANNEL_SNAPSHOT,
                                      .body = &body,
                                      .fd = configuration->memfd,
                                      .timeout_ms = control->snapshot_deadline_ms};
    return channel_ask(control->channel, &request, answer);
}

bool hand_over_taken(const struct control *control)
{
    return channel_ready(control->channel) &&
           (control->hello.state == CHANNEL_WAITING || control->hello.state == CHANNEL_RUNNING);
}

// Brings the active configuration to the dataplane when that has another one. What it refused is not offered
// twice to the same dataplane.
void hand_over_synchronise(struct control *control)
{
    char error[ERROR_SIZE];
    if (!hand_over_taken(control) || control->reloading || control->handed == HANDED_WAITING)
        return;
    if (control->handed_boot != control->hello.boot)
        control->handed = HANDED_NONE;
    control->handed_boot = control->hello.boot;
    bool same = control->hello.snapshot_sequence == control->active.image->sequence && !control->resend;
    if (same && control->hello.state == CHANNEL_RUNNING)
        control->handed = HANDED_ACCEPTED;
    if (control->handed != HANDED_NONE && !control->resend)
        return;
    if (control->resend || control->hello.snapshot_sequence > control->active.image->sequence) {
        hand_over_number(control);
        struct build build = hand_over_build(control, error, sizeof(error));
        if (hand_over_save_number(control, error, sizeof(error)) < 0 ||
            configuration_renumber(&control->active, &build) < 0) {
            log_event(LEVEL_ERROR, "configuration_not_sent", "reason=\"%s\"", error);
            return;
        }
    }
    struct channel_answer answer = {.done = on_hand_over, .context = control};
    control->resend = false;
    int result = hand_over_send(control, &control->active, &answer);
    control->handed = result == 0 ? HANDED_WAITING : HANDED_NONE;
    if (result < 0)
        log_event(LEVEL_ERROR, "configuration_not_sent", "errno=%d", -result);
}
