// SPDX-License-Identifier: BSD-3-Clause
#include "probing.h"

struct snapshot_peer *probing_peer(struct wire *wire)
{
    return &wire->image.peers[IMAGE_SBCS];
}

struct snapshot_member *probing_member(struct wire *wire, uint16_t member)
{
    return &wire->image.members[member];
}

const struct counters_member *probing_words(const struct wire *wire, uint16_t member)
{
    return &wire->parts[member % wire->count].members[member];
}

void probing_expect(const struct wire *wire, uint16_t member, enum member_health health)
{
    assert_int_equal(probing_words(wire, member)->health, health);
}

void probing_begin(struct wire *wire)
{
    struct snapshot_peer *peer = probing_peer(wire);
    peer->probe_interval_ms = INTERVAL_MS;
    peer->probe_timeout_ms = TIMEOUT_MS;
    peer->probe_down_after = 3;
    peer->probe_up_after = 2;
    peer->probe_accept[0] = 404;
    peer->probe_accept[1] = 486;
    probing_member(wire, IMAGE_MEMBER_SBC2)->flags |= MEMBER_DISABLED;
    wire_reload(wire);
}

void probing_end(struct wire *wire)
{
    probing_peer(wire)->probe_interval_ms = 0;
    wire_reload(wire);
    for (unsigned i = 0; i < MEMBERS_MAX / PROBES_A_TURN + 1; i++)
        wire_turn_silently(wire);
}

uint32_t probing_next(struct wire *wire, struct endpoint to, struct wire_packet *probe)
{
    for (uint32_t ms = 100; ms <= 3 * INTERVAL_MS; ms += 100) {
        wire_pass(wire, 100);
        for (unsigned i = 0; i < wire->out_count; i++) {
            if (!endpoint_equal(wire->out[i].to, to))
                continue;
            *probe = wire_take(wire, to);
            assert_starts(probe, PROBE);
            return ms;
        }
    }
    fail_msg("no probe came");
    return 0;
}

void probing_answer(struct wire *wire, const struct wire_packet *probe, const char *status)
{
    struct call call = {.wire = wire, .sides = {{.at = probe->to, .target = "sip:sbc@10.20.0.11"}}};
    call_respond(&call, probe, status, "sbc");
}

void probing_one(struct wire *wire, struct endpoint at, const char *status)
{
    struct wire_packet probe;
    probing_next(wire, at, &probe);
    if (status[0] != '\0')
        probing_answer(wire, &probe, status);
    if (status[0] > '1') // final
        return;
    wire_pass(wire, TIMEOUT_MS);
    wire_take_all(wire, at, PROBE); // timer E
}
