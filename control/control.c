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
#include "hand_over.h"
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
    drops_disconnected(control);
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
    drops_connected(control);
    capture_connected(control, hello->has_captures ? &fds[next] : NULL);
}

static void on_hello(void *context, const struct channel_hello *hello, int *fds)
{
    struct control *control = context;
    event_watch_hello(control, hello);
    control->hello = *hello;
    take_descriptors(control, hello, fds);
    log_event(hello->state == CHANNEL_FAILED ? LEVEL_ERROR : LEVEL_INFO, "dataplane_hello",
              "state=%s pid=%u workers=%u sequence=%" PRIu64 " text=\"%s\"", control_dataplane_state(control),
              hello->pid, hello->workers, hello->snapshot_sequence, hello->text);
    hand_over_synchronise(control);
    ua_connected(control);
}

static void on_listeners(void *context, int *fds, size_t count)
{
    struct control *control = context;
    kept_ports_take(&control->kept_ports, fds, count);
}

static void on_capture_ended(void *context, const struct channel_capture_ended *ended)
{
    capture_ended(context, ended);
}

static void on_events(void *context, const struct channel_events *events)
{
    events_take(context, events);
}

static void on_member_events(void *context, const struct channel_member_events *events)
{
    events_take_members(context, events);
}

static void on_ban_events(void *context, const struct channel_ban_events *events)
{
    events_take_bans(context, events);
}

static void on_records(void *context, const struct channel_records *records)
{
    record_take(context, records);
}

static void on_name_ask(void *context, const struct channel_name *name)
{
    const struct control *control = context;
    names_ask(control->names, name, config_has_ipv6(control->active.config));
}

// What finds no room in the socket is asked again.
static void on_name_answer(void *context, const struct channel_name_answer *answer)
{
    const struct control *control = context;
    channel_tell(control->channel, CHANNEL_NAME_ANSWER, answer);
}

static void on_ua_event(void *context, const struct channel_ua_event *event, const uint8_t *message)
{
    if (event->kind == CHANNEL_UA_REFERRAL && event->tag == 0)
        refer_watch_take(context, event, message);
    else if (!operator_take(context, event, message))
        ua_take(context, event, message);
}

static void on_ua_lost(void *context, uint64_t count)
{
    ua_lost(context, count);
}

static void on_ua_taking(void *context, uint64_t number)
{
    ua_taking(context, number);
}

static void on_lost(void *context)
{
    struct control *control = context;
    ua_disconnected(control);
    capture_disconnected(control);
    event_watch_away(control);
    forget_descriptors(control);
    control->handed = HANDED_NONE;
    control->resend = false;
}

static const struct channel_callbacks callbacks = {.hello = on_hello,
                                                   .listeners = on_listeners,
                                                   .events = on_events,
                                                   .member_events = on_member_events,
                                                   .ban_events = on_ban_events,
                                                   .records = on_records,
                                                   .name_ask = on_name_ask,
                                                   .capture_ended = on_capture_ended,
                                                   .ua_event = on_ua_event,
                                                   .ua_lost = on_ua_lost,
                                                   .ua_taking = on_ua_taking,
                                                   .lost = on_lost};

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
    if (!control->resolver)
        return -EINVAL;
    struct names_options names = {control->base, options->name_servers, on_name_answer, control};
    control->names = names_create(&names);
    if (!control->names)
        snprintf(error, size, "no memory");
    return control->names ? 0 : -ENOMEM;
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
    int result = hand_over_save_number(control, error, size);
    if (result == 0)
        result = overlay_load(&control->overlay, control->state_directory, error, size);
    if (result == 0)
        result = start_resolver(control, options, config, error, size);
    if (result == 0 && !(control->rates = rates_create(control))) {
        snprintf(error, size, "no memory");
        result = -ENOMEM;
    }
    struct build build = hand_over_build(control, error, size);
    if (result == 0)
        result = configuration_build(&control->active, config, options->file, &build);
    else
        config_free(config);
    if (result == 0 && ((result = record_start(control)) < 0 || (result = events_start(control)) < 0 ||
                        (result = drops_start(control)) < 0 || (result = event_watch_start(control)) < 0 ||
                        (result = capture_init(control)) < 0 || (result = referrals_start(control)) < 0 ||
                        (result = ua_start(control)) < 0 || (result = transfers_start(control)) < 0))
        snprintf(error, size, "no memory");
    if (result < 0)
        control_fini(control);
    else {
        drain_follow(control);
        version_start(control);
    }
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
    capture_fini(control);
    control->channel = NULL;
    operators_stop(control);
    transfers_stop(control);
    ua_stop(control);
    referrals_stop(control);
    event_watch_stop(control);
    events_stop(control);
    record_stop(control);
    audit_reopen(control);
    rates_destroy(control->rates);
    names_destroy(control->names);
    resolver_destroy(control->resolver);
    if (control->renewal)
        event_free(control->renewal);
    forget_descriptors(control);
    drops_stop(control);
    kept_ports_close(&control->kept_ports);
    configuration_free(&control->candidate);
    configuration_free(&control->active);
    overlay_free(&control->overlay);
    overlay_free(&control->changed);
    manifest_free(control->manifest);
}

static void on_renewed(void *context, int result, const char *text)
{
    // reload_done() has logged it. What was refused is tried again with the next change, what was not heard
    // at once.
    if (result == -ENOTCONN || result == -ETIMEDOUT)
        on_hosts_changed(context);
}

// Addresses changed: the configuration in force is compiled with them and handed over as a reload is, behind
// one that is under way.
static void on_renewal(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval busy = {0, RENEWAL_MS * 1000};
    struct control *control = context;
    struct reload_answer answer = {on_renewed, control, NULL};
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

const char *const control_check_names[CONTROL_CHECKS] = {"dataplane", "configuration", "counters",
                                                         "operator"};

static bool is_running(const struct control *control)
{
    return channel_ready(control->channel) && control->hello.state == CHANNEL_RUNNING;
}

static const char *check_dataplane(const struct control *control, char *buffer, size_t size)
{
    const char *fault =
        channel_ready(control->channel) ? control->hello.text : channel_fault(control->channel);
    if (is_running(control))
        return NULL;
    snprintf(buffer, size, "dataplane is %s%s%s", control_dataplane_state(control), fault[0] ? ": " : "",
             fault);
    return buffer;
}

static const char *check_configuration(const struct control *control, char *buffer, size_t size)
{
    if (control->handed == HANDED_REFUSED) {
        snprintf(buffer, size, "dataplane refused the configuration: %s", control->refusal);
        return buffer;
    }
    if (is_running(control) && control->handed != HANDED_ACCEPTED)
        return "dataplane has not taken this configuration yet";
    return NULL;
}

const char *control_check(const struct control *control, enum control_check check, char *buffer, size_t size)
{
    switch (check) {
    case CONTROL_CHECK_DATAPLANE:
        return check_dataplane(control, buffer, size);
    case CONTROL_CHECK_CONFIGURATION:
        return check_configuration(control, buffer, size);
    case CONTROL_CHECK_COUNTERS:
        return is_running(control) && !control->counters ? "dataplane gave no counters" : NULL;
    default:
        return overlay_find(&control->overlay, "", "") ? "the operator drains this node" : NULL;
    }
}

const char *control_not_ready(const struct control *control, unsigned int index, char *buffer, size_t size)
{
    for (enum control_check check = 0; check < CONTROL_CHECKS; check++) {
        const char *fault = control_check(control, check, buffer, size);
        if (fault && index-- == 0)
            return fault;
    }
    return NULL;
}

const char *control_peer_name(const struct control *control, uint32_t number)
{
    const char *name = number < PEERS_MAX ? manifest_peer_name(control->manifest, number) : NULL;
    return name ? name : "-";
}

const struct snapshot_network *control_network(const struct control *control, uint32_t index)
{
    uint32_t count;
    const struct snapshot_network *networks =
        configuration_section(&control->active, SECTION_NETWORKS, &count);
    return index < count ? &networks[index] : NULL;
}

const char *control_network_name(const struct control *control, uint32_t index)
{
    const struct snapshot_network *network = control_network(control, index);
    return network ? network->name : "-";
}

bool control_has_prefilter(const struct control *control, uint32_t network)
{
    return network < control->networks && control->prefilters[network].fds[PREFILTER_MAP_COUNTERS] >= 0;
}

// The first network with the interface of this one.
static uint32_t port_of(const struct control *control, uint32_t network)
{
    uint32_t count, port = 0;
    const struct snapshot_network *networks =
        configuration_section(&control->active, SECTION_NETWORKS, &count);
    while (network < count && strcmp(networks[port].interface, networks[network].interface) != 0)
        port++;
    return network < count ? port : network;
}

enum filter_place control_filter_place(const struct control *control, uint32_t network)
{
    if (control_has_prefilter(control, network))
        return FILTER_IN_XDP;
    if (control_has_prefilter(control, port_of(control, network)))
        return FILTER_SHARED;
    if (network >= control->networks || !control->counters)
        return FILTER_NOWHERE;
    return counters_network(control->counters, network).no_program ? FILTER_INSTEAD : FILTER_IN_WORKERS;
}

int control_filter_counters(const struct control *control, uint32_t network,
                            uint64_t values[PREFILTER_REASON_COUNT])
{
    switch (control_filter_place(control, network)) {
    case FILTER_IN_XDP:
        return prefilter_read_counters(&control->prefilters[network], values);
    case FILTER_IN_WORKERS:
    case FILTER_INSTEAD:
        counters_filter(control->counters, network, values);
        return 0;
    default:
        return -ENOENT;
    }
}

void control_filter_class(const struct control *control, uint32_t class,
                          uint64_t values[PREFILTER_TALLY_COUNT])
{
    memset(values, 0, PREFILTER_TALLY_COUNT * sizeof(*values));
    if (control->counters)
        counters_class(control->counters, class, values);
    for (uint32_t network = 0; network < control->networks; network++)
        if (control_has_prefilter(control, network))
            prefilter_add_class(&control->prefilters[network], class, values);
}
