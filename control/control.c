// SPDX-License-Identifier: BSD-3-Clause
#include "control.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "drain.h"
#include "log.h"

#define RENEWAL_MS 200 // until changed addresses are offered again

static void forget_maps(struct prefilter_maps *maps)
{
    for (uint32_t map = 0; map < PREFILTER_MAP_COUNT; map++) {
        if (maps->fds[map] >= 0)
            close(maps->fds[map]);
        maps->fds[map] = -1;
    }
}

static void forget_descriptors(struct control *control)
{
    for (uint32_t network = 0; network < NETWORKS_MAX; network++)
        forget_maps(&control->prefilters[network]);
    control->networks = 0;
    counters_close(control->counters);
    control->counters = NULL;
}

static void take_descriptors(struct control *control, const struct channel_hello *hello, int *fds)
{
    char error[ERROR_SIZE];
    size_t next = hello->has_counters;
    forget_descriptors(control);
    if (hello->has_counters && counters_open(fds[0], &control->counters, error, sizeof(error)) < 0)
        log_event(LEVEL_ERROR, "counters_refused", "reason=\"%s\"", error);
    control->networks = hello->networks;
    for (uint32_t network = 0; network < hello->networks; network++) {
        struct prefilter_maps *maps = &control->prefilters[network];
        for (uint32_t map = 0; map < hello->prefilter_maps[network]; map++, next++) {
            if (map >= PREFILTER_MAP_COUNT)
                continue;
            maps->fds[map] = fds[next];
            fds[next] = -1;
        }
        // What is no map of ours would let a read overrun our buffers.
        int result = hello->prefilter_maps[network] ? prefilter_check_maps(maps) : 0;
        if (result < 0) {
            log_event(LEVEL_ERROR, "prefilter_maps_refused", "network=%u errno=%d", network, -result);
            forget_maps(maps);
        }
    }
}

static void next_sequence(struct control *control)
{
    if (channel_ready(control->channel) && control->hello.snapshot_sequence > control->sequence)
        control->sequence = control->hello.snapshot_sequence;
    control->sequence++;
}

// The file is written before an image with this number leaves, so that no number is used twice.
static int save_sequence(struct control *control, char *error, size_t size)
{
    return sequence_save(control->state_directory, control->sequence, error, size);
}

static struct build build_of(struct control *control, char *error, size_t size)
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

static int send_snapshot(struct control *control, const struct configuration *configuration,
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

static bool takes_snapshots(const struct control *control)
{
    return channel_ready(control->channel) &&
           (control->hello.state == CHANNEL_WAITING || control->hello.state == CHANNEL_RUNNING);
}

// Brings the active configuration to the dataplane when that has another one. What it refused is not offered
// twice to the same dataplane.
static void synchronise(struct control *control)
{
    char error[ERROR_SIZE];
    if (!takes_snapshots(control) || control->reloading || control->handed == HANDED_WAITING)
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
        next_sequence(control);
        struct build build = build_of(control, error, sizeof(error));
        if (save_sequence(control, error, sizeof(error)) < 0 ||
            configuration_renumber(&control->active, &build) < 0) {
            log_event(LEVEL_ERROR, "configuration_not_sent", "reason=\"%s\"", error);
            return;
        }
    }
    struct channel_answer answer = {.done = on_hand_over, .context = control};
    control->resend = false;
    int result = send_snapshot(control, &control->active, &answer);
    control->handed = result == 0 ? HANDED_WAITING : HANDED_NONE;
    if (result < 0)
        log_event(LEVEL_ERROR, "configuration_not_sent", "errno=%d", -result);
}

static void on_hello(void *context, const struct channel_hello *hello, int *fds)
{
    struct control *control = context;
    control->hello = *hello;
    take_descriptors(control, hello, fds);
    log_event(hello->state == CHANNEL_FAILED ? LEVEL_ERROR : LEVEL_INFO, "dataplane_hello",
              "state=%s pid=%u workers=%u sequence=%" PRIu64 " text=\"%s\"", control_dataplane_state(control),
              hello->pid, hello->workers, hello->snapshot_sequence, hello->text);
    synchronise(control);
}

static void on_events(void *context, const struct channel_events *events)
{
    const struct control *control = context;
    if (control->events.publish)
        control->events.publish(control->events.context, events);
}

static void on_member_events(void *context, const struct channel_member_events *events)
{
    const struct control *control = context;
    if (control->events.publish)
        control->events.publish_members(control->events.context, events);
}

static void on_lost(void *context)
{
    struct control *control = context;
    forget_descriptors(control);
    control->handed = HANDED_NONE;
    control->resend = false;
}

static const struct channel_callbacks callbacks = {
    .hello = on_hello, .events = on_events, .member_events = on_member_events, .lost = on_lost};

static void on_hosts_changed(void *context);
static void on_renewal(evutil_socket_t fd, short what, void *context);

static int start_resolver(struct control *control, const struct control_options *options,
                          const struct config *config, char *error, size_t size)
{
    struct resolver_options resolver = {control->base, control->state_directory, options->name_servers,
                                        on_hosts_changed, control};
    control->renewal = evtimer_new(control->base, on_renewal, control);
    if (!control->renewal) {
        snprintf(error, size, "no memory");
        return -ENOMEM;
    }
    control->resolver = resolver_create(&resolver, config, error, size);
    return control->resolver ? 0 : -EINVAL;
}

int control_init(struct control *control, struct event_base *base, const struct control_options *options,
                 char *error, size_t size)
{
    *control =
        (struct control){.base = base, .run_directory = options->run_directory, .started_ms = clock_ms()};
    control->reloads.last_s = control->start_time_s = (uint64_t)time(NULL);
    control->snapshot_deadline_ms = SNAPSHOT_DEADLINE_MS;
    memset(control->prefilters, 0xff, sizeof(control->prefilters)); // every descriptor -1
    control->active.memfd = control->candidate.memfd = -1;
    control->audit.fd = -1;
    struct config *config = config_load(options->file, error, size);
    if (!config)
        return -EINVAL;
    const char *directory =
        options->state_directory ? options->state_directory : config_state_directory(config);
    snprintf(control->state_directory, sizeof(control->state_directory), "%s", directory);
    control->manifest = manifest_load(control->state_directory, error, size);
    if (!control->manifest) {
        config_free(config);
        return -EINVAL;
    }
    control->sequence = sequence_load(control->state_directory) + 1;
    int result = save_sequence(control, error, size);
    if (result == 0)
        result = overlay_load(&control->overlay, control->state_directory, error, size);
    if (result == 0)
        result = start_resolver(control, options, config, error, size);
    if (result == 0 && !(control->rates = rates_create(control))) {
        snprintf(error, size, "no memory");
        result = -ENOMEM;
    }
    struct build build = build_of(control, error, size);
    if (result == 0)
        result = configuration_build(&control->active, config, options->file, &build);
    else
        config_free(config);
    if (result < 0)
        control_fini(control);
    else
        drain_follow(control);
    return result;
}

int control_connect(struct control *control)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/dataplane.sock", control->run_directory);
    control->channel = channel_create(control->base, path, &callbacks, control);
    return control->channel ? 0 : -ENOMEM;
}

void control_fini(struct control *control)
{
    channel_destroy(control->channel);
    audit_reopen(control);
    rates_destroy(control->rates);
    resolver_destroy(control->resolver);
    if (control->renewal)
        event_free(control->renewal);
    forget_descriptors(control);
    configuration_free(&control->candidate);
    configuration_free(&control->active);
    overlay_free(&control->overlay);
    overlay_free(&control->changed);
    manifest_free(control->manifest);
}

static void count_reload(struct control *control, bool refused)
{
    struct reload_counts *counts = &control->reloads;
    *(refused ? &counts->refused : &counts->taken) += 1;
    counts->last_refused = refused;
    counts->last_s = (uint64_t)time(NULL);
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
        }
    } else {
        configuration_free(&control->candidate);
    }
    if (loaded)
        count_reload(control, result != 0);
    if (cause == RELOAD_OF_OVERLAY)
        drain_settle(control, result);
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
    synchronise(control);
}

// Returns 0 (on_reload_result() follows) or -errno with the candidate gone.
static int send_candidate(struct control *control)
{
    struct channel_answer sent = {.done = on_reload_result, .context = control};
    control->reloading = true;
    int result = send_snapshot(control, &control->candidate, &sent);
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
    if (!takes_snapshots(control)) {
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

static int begin_reload(struct control *control, const char *file, const struct reload_answer *answer,
                        char *error, size_t size)
{
    const char *path = file ? file : control->active.file;
    struct config *next = config_load(path, error, size);
    if (!next)
        return -EINVAL;
    int result = reload_allowed(control, next, error, size);
    if (result < 0) {
        config_free(next);
        return result;
    }
    next_sequence(control);
    result = save_sequence(control, error, size);
    if (result < 0) {
        config_free(next);
        return result;
    }
    struct build build = build_of(control, error, size);
    result = configuration_build(&control->candidate, next, path, &build);
    if (result < 0)
        return result;
    control->reload = *answer;
    return hand_over(control, error, size);
}

int control_reload(struct control *control, const char *file, const struct reload_answer *answer, char *error,
                   size_t size)
{
    int result = begin_reload(control, file, answer, error, size);
    if (result < 0) // else reload_done() counts it
        count_reload(control, true);
    return result;
}

static void on_renewed(void *context, int result, const char *text)
{
    // reload_done() has logged it. What was refused is tried again with the next change, what was not heard
    // at once.
    if (result == -ENOTCONN || result == -ETIMEDOUT)
        on_hosts_changed(context);
}

int control_again(struct control *control, enum reload_cause cause, const struct reload_answer *answer,
                  char *error, size_t size)
{
    int result = control_may_hand_over(control, error, size);
    if (result < 0)
        return result;
    control->cause = cause;
    next_sequence(control);
    result = save_sequence(control, error, size);
    struct build build = build_of(control, error, size);
    if (result == 0)
        result = configuration_again(&control->candidate, &control->active, &build);
    control->reload = *answer;
    if (result == 0)
        result = hand_over(control, error, size);
    if (result < 0)
        control->cause = RELOAD_OF_FILE;
    return result;
}

// Addresses changed: the configuration in force is compiled with them and handed over as a reload is, behind
// one that is under way.
static void on_renewal(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval busy = {0, RENEWAL_MS * 1000};
    struct control *control = context;
    struct reload_answer answer = {on_renewed, control};
    char error[ERROR_SIZE];
    int result = control_again(control, RELOAD_OF_ADDRESSES, &answer, error, sizeof(error));
    if (result == -EBUSY || result == -EAGAIN)
        evtimer_add(control->renewal, &busy);
    else if (result < 0)
        log_event(LEVEL_ERROR, "hosts_not_sent", "reason=\"%s\"", error);
}

static void on_hosts_changed(void *context)
{
    static const struct timeval now = {0, 0};
    struct control *control = context;
    evtimer_add(control->renewal, &now);
}

const char *control_dataplane_state(const struct control *control)
{
    static const char *const names[] = {"control", "waiting", "starting", "running", "failed"};
    return channel_ready(control->channel) ? names[control->hello.state] : "absent";
}

const char *control_not_ready(const struct control *control, unsigned int index, char *buffer, size_t size)
{
    bool refused = control->handed == HANDED_REFUSED;
    bool running = channel_ready(control->channel) && control->hello.state == CHANNEL_RUNNING;
    if (!running && index-- == 0) {
        const char *fault =
            channel_ready(control->channel) ? control->hello.text : channel_fault(control->channel);
        snprintf(buffer, size, "dataplane is %s%s%s", control_dataplane_state(control), fault[0] ? ": " : "",
                 fault);
        return buffer;
    }
    if (refused && index-- == 0) {
        snprintf(buffer, size, "dataplane refused the configuration: %s", control->refusal);
        return buffer;
    }
    if (running && !refused && control->handed != HANDED_ACCEPTED && index-- == 0)
        return "dataplane has not taken this configuration yet";
    if (running && !control->counters && index-- == 0)
        return "dataplane gave no counters";
    if (overlay_find(&control->overlay, "", "") && index-- == 0)
        return "the operator drains this node";
    return NULL;
}

const char *control_peer_name(const struct control *control, uint32_t number)
{
    const char *name = number < PEERS_MAX ? manifest_peer_name(control->manifest, number) : NULL;
    return name ? name : "-";
}

const char *control_network_name(const struct control *control, uint32_t index)
{
    uint32_t count;
    const struct snapshot_network *networks =
        configuration_section(&control->active, SECTION_NETWORKS, &count);
    return index < count ? networks[index].name : "-";
}

bool control_has_prefilter(const struct control *control, uint32_t network)
{
    return network < control->networks && control->prefilters[network].fds[PREFILTER_MAP_COUNTERS] >= 0;
}
