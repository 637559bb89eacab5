// SPDX-License-Identifier: BSD-3-Clause
// An application is a row of SECTION_PEERS without members, so that limits, counts and lists serve it.
#include <stdio.h>
#include <string.h>
#include "compile.h"

static uint16_t listener_of(const struct config *config, const struct config_application *application)
{
    const struct config_listener *listener = model_listener(config, application->listener);
    return listener ? (uint16_t)(listener - config->listeners) : 0;
}

// What has left the configuration, and may have calls yet.
static void put_gone(struct plan *plan, struct snapshot_peer *peers)
{
    static const struct snapshot_peer gone = {.flags = PEER_APPLICATION,
                                              .listeners = {0, NUMBER_NONE, NUMBER_NONE, NUMBER_NONE},
                                              .attempts = 1,
                                              .limit_reply = 503,
                                              .session_minimum_s = SESSION_MINIMUM_S};
    for (uint32_t i = 0; i < plan->counts[SECTION_PEERS]; i++) {
        if (!manifest_is_application(plan->manifest, i))
            continue;
        peers[i] = gone;
        peers[i].group = (uint16_t)i;
        snprintf(peers[i].name, sizeof(peers[i].name), "%s", manifest_peer_name(plan->manifest, i));
    }
}

void compile_applications(struct plan *plan)
{
    const struct config *config = plan->config;
    struct snapshot_peer *peers = plan_section(plan, SECTION_PEERS);
    put_gone(plan, peers);
    for (size_t i = 0; i < config->application_count; i++) {
        const struct config_application *application = &config->applications[i];
        uint16_t number = plan->peers[config->peer_count + i];
        bool drained = overlay_find(plan->overlay, application->name, "") != NULL;
        struct snapshot_peer *row = &peers[number];
        *row = (struct snapshot_peer){
            .flags = SNAPSHOT_PRESENT | PEER_APPLICATION | (drained ? PEER_DRAINING : 0),
            .listeners = {listener_of(config, application), NUMBER_NONE, NUMBER_NONE, NUMBER_NONE},
            .group = number,
            .attempts = 1,
            .session_expires_s = plan_seconds(application->session.expires),
            .session_minimum_s = plan_seconds(application->session.minimum),
            .session_refresher = (uint8_t)application->session.refresher,
            .reliable = (uint8_t)application->reliable};
        memcpy(row->name, application->name, sizeof(row->name));
        plan_peer_limits(row, &application->limits);
    }
}
