// SPDX-License-Identifier: BSD-3-Clause
// A new configuration, or the one in force with what changed around it: made, handed over, and put in force
// when the dataplane took it.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "control.h"
#include "drain.h"
#include "event_tell.h"
#include "hand_over.h"
#include "log.h"

static void count_reload(struct control *control, bool refused)
{
    struct reload_counts *counts = &control->reloads;
    *(refused ? &counts->refused : &counts->taken) += 1;
    counts->last_refused = refused;
    counts->last_s = (uint64_t)time(NULL);
}

static void follow_ports(struct control *control)
{
    uint32_t count;
    const struct snapshot_listener *listeners =
        configuration_section(&control->active, SECTION_LISTENERS, &count);
    kept_ports_follow(&control->kept_ports, listeners, count);
}

static void reload_done(struct control *control, int result, const char *text)
{
    struct reload_answer answer = control->reload;
    static const char *const events[][2] = {
        [RELOAD_OF_FILE] = {"reloaded", "reload_refused"},
        [RELOAD_OF_ADDRESSES] = {"addresses_taken", "addresses_refused"},
        [RELOAD_OF_OVERLAY] = {"drain_taken", "drain_refused"},
    };
    enum reload_cause cause = control->cause;
    bool loaded = cause == RELOAD_OF_FILE;
    if (loaded)
        version_record(control, &control->candidate, result, text);
    control->reloading = false;
    control->cause = RELOAD_OF_FILE; // what is compiled now is not of a change that is under way
    if (result == 0) {
        if (!loaded)
            configuration_inherit(&control->candidate, &control->active);
        configuration_free(&control->active);
        control->active = control->candidate;
        control->candidate = (struct configuration){.memfd = -1};
        if (loaded) {
            resolver_follow(control->resolver, control->active.config);
            drain_follow(control);
            ua_configured(control);
            follow_ports(control);
        }
    } else {
        configuration_free(&control->candidate);
    }
    if (loaded)
        count_reload(control, result != 0);
    if (cause == RELOAD_OF_OVERLAY)
        drain_settle(control, result);
    event_tell_handed(control, cause, result, text);
    log_event(result == 0 ? LEVEL_INFO : LEVEL_ERROR, events[cause][result != 0],
              "sequence=%" PRIu64 " text=\"%s\"", control->active.image->sequence, text);
    answer.done(answer.context, result, text);
}

static void on_reload_result(void *context, const struct channel_done *done)
{
    struct control *control = context;
    char text[ERROR_SIZE];
    if (done->result == 0) {
        control->handed = HANDED_ACCEPTED;
        reload_done(control, 0, "the dataplane took the new configuration");
        return;
    }
    snprintf(text, sizeof(text), "%s; the configuration of before stays in force", done->text);
    control->resend = done->result == -ETIMEDOUT;
    reload_done(control, done->result, text);
    hand_over_synchronise(control);
}

// Returns 0 (on_reload_result() follows) or -errno with the candidate gone.
static int send_candidate(struct control *control)
{
    struct channel_answer sent = {.done = on_reload_result, .context = control};
    control->reloading = true;
    int result = hand_over_send(control, &control->candidate, &sent);
    if (result < 0) {
        control->reloading = false;
        configuration_free(&control->candidate);
    }
    return result;
}

// Returns 0 (reload_done() has followed or follows) or -errno with the reason in error and the candidate
// gone.
static int hand_over(struct control *control, char *error, size_t size)
{
    if (!channel_ready(control->channel)) {
        control->handed = HANDED_NONE;
        reload_done(control, 0,
                    "the dataplane is not connected; it gets the new configuration when it comes");
        return 0;
    }
    int result = send_candidate(control);
    if (result < 0)
        snprintf(error, size, "the dataplane could not be asked: %s", strerror(-result));
    return result;
}

int control_may_hand_over(const struct control *control, char *error, size_t size)
{
    if (control->reloading || control->handed == HANDED_WAITING) {
        snprintf(error, size, "another reload is under way; try again");
        return -EBUSY;
    }
    if (!channel_ready(control->channel))
        return 0;
    if (!hand_over_taken(control)) {
        snprintf(error, size, "the dataplane is %s; try again", control_dataplane_state(control));
        return -EAGAIN;
    }
    return 0;
}

static int reload_allowed(const struct control *control, const struct config *next, char *error, size_t size)
{
    char keys[ERROR_SIZE / 2];
    int result = control_may_hand_over(control, error, size);
    if (result < 0)
        return result;
    if (channel_ready(control->channel) && control->hello.state == CHANNEL_RUNNING &&
        config_needs_restart(control->active.config, next, keys, sizeof(keys))) {
        snprintf(error, size,
                 "nothing changed: %s can only change with the dataplane stopped; stop dialgate-dataplane, "
                 "reload, "
                 "start dialgate-dataplane",
                 keys);
        return -ENOTSUP;
    }
    return 0;
}

// A configuration on its way into force, with where it came from.
struct coming {
    struct config *config;
    const char *file;
    char cause[HISTORY_WORD_SIZE];
    const struct config_source *source;
};

static void log_warnings(const struct config *config)
{
    const char *text;
    for (size_t i = 0; (text = config_warning_at(config, i)); i++)
        log_event(LEVEL_WARNING, "configuration_odd", "text=\"%s\"", text);
}

// Takes over the configuration. Returns as control_reload() does.
static int begin(struct control *control, const struct coming *coming, const struct reload_answer *answer,
                 char *error, size_t size)
{
    int result = reload_allowed(control, coming->config, error, size);
    if (result == 0) {
        hand_over_number(control);
        result = hand_over_save_number(control, error, size);
    }
    if (result < 0) {
        config_free(coming->config);
        return result;
    }
    const struct config_source source = *coming->source;
    log_warnings(coming->config);
    struct build build = hand_over_build(control, error, size);
    result = configuration_build(&control->candidate, coming->config, coming->file, &build);
    if (result < 0)
        return result;
    control->reload = *answer;
    version_begin(&control->versions, coming->cause, answer->who, &source);
    return hand_over(control, error, size);
}

int control_reload(struct control *control, const char *file, const struct reload_answer *answer, char *error,
                   size_t size)
{
    struct coming coming = {.file = file ? file : control->active.file, .cause = "reload"};
    coming.config = config_load(coming.file, error, size);
    coming.source = coming.config ? config_source(coming.config) : NULL;
    int result = coming.config ? begin(control, &coming, answer, error, size) : -EINVAL;
    if (result < 0) { // else reload_done() counts and tells it
        count_reload(control, true);
        event_tell_refused(control, "reload", answer->who, error);
    }
    return result;
}

int control_rollback(struct control *control, uint32_t version, const struct reload_answer *answer,
                     char *error, size_t size)
{
    struct history_entry entry;
    struct coming coming = {.file = entry.file, .source = &entry.source};
    version = version ? version : version_before(control);
    if (version == 0) {
        snprintf(error, size, "no version of before is kept that says something else; see config history");
        return -ENOENT;
    }
    coming.config = version_parse(control, version, &entry, error, size);
    int result = coming.config ? 0 : -errno;
    if (result == 0 && !entry.accepted) {
        snprintf(error, size, "version %u was refused by the dataplane: %s", version, entry.text);
        config_free(coming.config);
        result = -EINVAL;
    }
    snprintf(coming.cause, sizeof(coming.cause), "rollback %u", version);
    if (result == 0)
        result = begin(control, &coming, answer, error, size);
    if (result < 0 && result != -ENOENT) {
        count_reload(control, true);
        event_tell_refused(control, "rollback", answer->who, error);
    }
    return result;
}

int control_again(struct control *control, enum reload_cause cause, const struct reload_answer *answer,
                  char *error, size_t size)
{
    int result = control_may_hand_over(control, error, size);
    if (result < 0)
        return result;
    control->cause = cause;
    hand_over_number(control);
    result = hand_over_save_number(control, error, size);
    struct build build = hand_over_build(control, error, size);
    if (result == 0)
        result = configuration_again(&control->candidate, &control->active, &build);
    control->reload = *answer;
    if (result == 0)
        result = hand_over(control, error, size);
    if (result < 0)
        control->cause = RELOAD_OF_FILE;
    return result;
}
