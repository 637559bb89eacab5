// SPDX-License-Identifier: BSD-3-Clause
// A snapshot is believed in nothing: one wrong field refuses it, and no image, however wrong, is read beyond
// its end.
#include <stdlib.h>
#include <string.h>
#include "tests.h"

#define AT(ipv4) (&(struct ip_address)IP_MAPPED(ipv4))

static struct snapshot_image image;

static void probe_from(void)
{
    image.peers[1].probe_interval_ms = image.peers[1].probe_timeout_ms = 1000;
    image.peers[1].probe_down_after = image.peers[1].probe_up_after = 1;
    image.peers[1].probe_from = sizeof(image.texts);
}
// Carrier-b as an application, as control compiles one.
static void application(void)
{
    struct snapshot_peer *row = &image.peers[IMAGE_CARRIER_B];
    row->flags = SNAPSHOT_PRESENT | PEER_APPLICATION;
    row->maglev_count = row->member_count = 0;
    row->session_minimum_s = 90;
    row->session_expires_s = 1800;
    row->reliable = RELIABLE_SUPPORTED;
    image.members[IMAGE_MEMBER_CARRIER_B].flags = 0;
    image.sources[3].peer = image.sources[5].peer = IMAGE_CARRIER_A;
    image.routes[2].to = IMAGE_CARRIER_B;
    image.header.settings.usages_capacity = 64;
}
static void application_member(void)
{
    application();
    image.members[IMAGE_MEMBER_CARRIER_B].flags = SNAPSHOT_PRESENT;
}
static void application_table(void)
{
    image_make(&image);
    image.peers[IMAGE_CARRIER_B].flags = SNAPSHOT_PRESENT | PEER_APPLICATION;
    image.peers[IMAGE_CARRIER_B].session_minimum_s = 90;
    image.sources[3].peer = image.sources[5].peer = IMAGE_CARRIER_A;
    image.header.settings.usages_capacity = 64;
}
static void application_as_group(void)
{
    application();
    image.peers[IMAGE_SBCS].group = IMAGE_CARRIER_B;
}
static void maglev_shared(void) // the whole of it, by each peer
{
    for (unsigned i = 0; i < IMAGE_PEERS; i++) {
        image.peers[i].maglev_offset = 0;
        image.peers[i].maglev_count = 7;
    }
    for (unsigned i = 0; i < 7; i++)
        image.maglev[i] = IMAGE_MEMBER_CARRIER_A;
}

// R(name, what is broken)
// clang-format off
#define BREAKS(R) \
    R(magic, image.header.magic++) \
    R(version, image.header.version++) \
    R(size_less, image.header.size -= 8) \
    R(size_more, image.header.size += 8) \
    R(section_odd, image.header.sections[SECTION_PEERS].offset += 4) \
    R(section_in_header, image.header.sections[SECTION_PEERS].offset = 8) \
    R(section_behind, image.header.sections[SECTION_ROUTES].offset = sizeof(image) + 8) \
    R(section_too_long, image.header.sections[SECTION_TEXTS].count += 64) \
    R(section_count_wraps, image.header.sections[SECTION_MAGLEV].count = UINT32_MAX) \
    R(too_many_networks, image.header.sections[SECTION_NETWORKS].count = NETWORKS_MAX + 1) \
    R(no_workers, image.header.settings.workers = 0) \
    R(many_workers, image.header.settings.workers = WORKERS_MAX + 1) \
    R(idle, image.header.settings.idle = 2) \
    R(mode, image.header.settings.prefilter.mode = 3) \
    R(unavailable, image.header.settings.prefilter.unavailable = 2) \
    R(no_dialogs, image.header.settings.dialogs_capacity = 0) \
    R(many_dialogs, image.header.settings.dialogs_capacity = UINT32_MAX) \
    R(no_transactions, image.header.settings.transactions_capacity = 0) \
    R(many_transactions, image.header.settings.transactions_capacity = 1u << 29) \
    R(small_arena, image.header.settings.arena_octets = 4096) \
    R(large_arena, image.header.settings.arena_octets = UINT64_MAX) \
    R(t1, image.header.settings.timer_t1_ms = 0) \
    R(t1_large, image.header.settings.timer_t1_ms = UINT32_MAX) \
    R(t2, image.header.settings.timer_t2_ms = 100) \
    R(t4, image.header.settings.timer_t4_ms = 0) \
    R(timer_b, image.header.settings.timer_b_ms = 0) \
    R(timer_c, image.header.settings.timer_c_ms = 86400001) \
    R(early_life, image.header.settings.early_life_ms = 0) \
    R(life, image.header.settings.dialog_life_ms = 0) \
    R(long_life, image.header.settings.dialog_life_ms = UINT64_MAX) \
    R(server, memset(image.header.settings.server_header, 'x', NAME_SIZE)) \
    R(dialogs_directory, memset(image.header.settings.dialogs_directory, '/', SNAPSHOT_PATH_SIZE)) \
    R(dialogs_relative, strcpy(image.header.settings.dialogs_directory, "dialogs")) \
    R(network_name, image.networks[1].name[0] = '\0') \
    R(interface_name, memset(image.networks[0].interface, 'x', NAME_SIZE)) \
    R(attach, image.networks[0].attach = 3) \
    R(no_device, (image.networks[0].attach = ATTACH_PCI, image.networks[0].host_rate = 1)) \
    R(no_host_rate, (image.networks[0].attach = ATTACH_PCI, image.networks[0].device[0] = '0')) \
    R(network_flags, image.networks[0].flags = NETWORK_FLAGS + 1) \
    R(isolation_without_device, image.networks[0].flags = NETWORK_ISOLATION_ON) \
    R(isolation_on_and_off, image.networks[0].flags = NETWORK_ISOLATION_ON | NETWORK_ISOLATION_OFF) \
    R(no_queues, image.networks[0].queues = 0) \
    R(queues, image.networks[0].queues = 65) \
    R(same_interface_and_tags, memcpy(image.networks[1].interface, image.networks[0].interface, NAME_SIZE)) \
    R(same_interface_other_queues, (memcpy(image.networks[1].interface, image.networks[0].interface, NAME_SIZE), image.networks[1].vlan = 7, image.networks[1].queues = 2)) \
    R(same_interface_other_attach, (memcpy(image.networks[1].interface, image.networks[0].interface, NAME_SIZE), image.networks[1].vlan = 7, image.networks[1].attach = ATTACH_AF_PACKET)) \
    R(same_device_other_interface, (strcpy(image.networks[1].device, "0000:00:02.0"), strcpy(image.networks[0].device, "0000:00:02.0"))) \
    R(vlan, image.networks[0].vlan = 4095) \
    R(outer_vlan, image.networks[0].outer_vlan = 4095) \
    R(listener_name, memset(image.listeners[0].name, 'x', NAME_SIZE)) \
    R(listener_network, image.listeners[1].network = 2) \
    R(listener_port, image.listeners[1].port = 0) \
    R(listener_unspecified, memset(&image.listeners[1].address, 0, 16)) \
    R(listener_any, image.listeners[1].address = image_address(0)) \
    R(listener_advertised_port, image.listeners[1].advertised_port = 0) \
    R(listener_advertised_any, image.listeners[1].advertised = image_address(0)) \
    R(listener_advertised_as_another, image.listeners[0].advertised = image.listeners[1].address) \
    R(peer_name, image.peers[2].name[0] = '\0') \
    R(peer_listener, image.peers[2].listeners[0] = 2) \
    R(peer_no_listener, image.peers[2].listeners[0] = NUMBER_NONE) \
    R(peer_second_listener, image.peers[2].listeners[1] = 2) \
    R(peer_listener_twice, image.peers[2].listeners[1] = image.peers[2].listeners[0]) \
    R(peer_listener_behind_the_end, image.peers[2].listeners[2] = 1) \
    R(peer_balance, image.peers[2].balance = BALANCE_WEIGHTED + 1) \
    R(peer_group, image.peers[IMAGE_SBCS].group = PEERS_MAX) \
    R(list_offset, image.peers[2].list_offset = IMAGE_MEMBERS) \
    R(list_long, image.peers[2].member_count = 2) \
    R(list_wraps, image.peers[2].list_offset = UINT32_MAX) \
    R(list_empty, image.peers[2].member_count = 0) \
    R(list_foreign, image.lists[IMAGE_MEMBER_SBC2] = IMAGE_MEMBER_CARRIER_A) \
    R(list_unknown, image.lists[IMAGE_MEMBER_SBC2] = IMAGE_MEMBERS) \
    R(list_order, image.members[IMAGE_MEMBER_SBC1].priority = 2) \
    R(texts_without_end, image.texts[sizeof(image.texts) - 1] = 'x') \
    R(no_texts, image.header.sections[SECTION_TEXTS].count = 0) \
    R(attempts, image.peers[1].attempts = 0) \
    R(many_attempts, image.peers[1].attempts = 9) \
    R(failover_after, image.peers[1].failover_after_ms = 600001) \
    R(peer_reply, image.peers[1].limit_reply = 500) \
    R(probe, image.peers[1].probe_interval_ms = 1000) \
    R(member_weight, image.members[3].weight = 0) \
    R(member_host, image.members[3].host = sizeof(image.texts)) \
    R(member_priority, image.members[3].priority = 17) \
    R(route_listener, image.routes[1].listener = 2) \
    R(route_text, image.routes[1].header_value = sizeof(image.texts)) \
    R(route_redirect, image.routes[1].action = ROUTE_REDIRECT) \
    R(reply, image.header.settings.limit_reply = 200) \
    R(overload, image.header.settings.overload.mbufs = 101) \
    R(in_dialog, image.header.settings.in_dialog = IN_DIALOG_ANY_PEER + 1) \
    R(keepalive_short, image.header.settings.keepalive_ms = 999) \
    R(keepalive_long, image.header.settings.keepalive_ms = 3600001) \
    R(session_end, image.header.settings.session_end = SESSION_END_BYE + 1) \
    R(maglev_offset, image.peers[2].maglev_offset = 8) \
    R(maglev_count, image.peers[2].maglev_count = 2) \
    R(maglev_wraps, image.peers[2].maglev_count = UINT32_MAX) \
    R(maglev_foreign, image.maglev[2] = IMAGE_MEMBER_CARRIER_A) \
    R(maglev_unknown, image.maglev[2] = IMAGE_MEMBERS) \
    R(maglev_absent, image.members[IMAGE_MEMBER_SBC2].flags = 0) \
    R(member_peer, image.members[3].peer = IMAGE_PEERS) \
    R(member_port, image.members[3].port = 0) \
    R(member_address, image.members[3].address = image_address(0)) \
    R(member_of_absent, image.peers[2].flags = 0) \
    R(source_peer, image.sources[5].peer = IMAGE_PEERS) \
    R(source_length, image.sources[5].length = 129) \
    R(source_bits, image.sources[5].length = 96 + 16) \
    R(source_twice, image.sources[5] = image.sources[4]) \
    R(route_from, image.routes[1].from = IMAGE_PEERS) \
    R(route_to, image.routes[1].to = IMAGE_PEERS) \
    R(route_action, image.routes[1].action = ROUTE_REDIRECT + 1) \
    R(route_answer, image.routes[0].answer = 199) \
    R(route_answer_large, image.routes[0].answer = 700) \
    R(route_method, image.routes[0].method = METHOD_COUNT) \
    R(route_to_us, image.routes[0].to_us = 2) \
    R(route_to_nobody, image.peers[IMAGE_SBCS].maglev_count = 0) \
    R(many_usages, image.header.settings.usages_capacity = UINT32_MAX) \
    R(application_no_usages, (application(), image.header.settings.usages_capacity = 0)) \
    R(application_flags, (application(), image.peers[IMAGE_CARRIER_B].flags |= PEER_CONTACT_SOURCE)) \
    R(application_source, (application(), image.sources[5].peer = IMAGE_CARRIER_B)) \
    R(application_group, (application(), image.peers[IMAGE_CARRIER_B].group = IMAGE_SBCS)) \
    R(application_minimum, (application(), image.peers[IMAGE_CARRIER_B].session_minimum_s = 89)) \
    R(application_gone_group, (application(), image.peers[IMAGE_CARRIER_B].flags = PEER_APPLICATION, \
                               image.routes[2].to = IMAGE_SBCS, image.peers[IMAGE_SBCS].group = IMAGE_CARRIER_B)) \
    R(application_gone_minimum, (application(), image.peers[IMAGE_CARRIER_B].flags = PEER_APPLICATION, \
                                 image.routes[2].to = IMAGE_SBCS, image.peers[IMAGE_CARRIER_B].session_minimum_s = 0)) \
    R(application_gone_route, (application(), image.peers[IMAGE_CARRIER_B].flags = PEER_APPLICATION)) \
    R(application_minimum_long, (application(), image.peers[IMAGE_CARRIER_B].session_minimum_s = 86401)) \
    R(application_session, (application(), image.peers[IMAGE_CARRIER_B].session_expires_s = 89)) \
    R(application_session_long, (application(), image.peers[IMAGE_CARRIER_B].session_expires_s = 86401)) \
    R(application_refresher, (application(), image.peers[IMAGE_CARRIER_B].session_refresher = 3)) \
    R(application_reliable, (application(), image.peers[IMAGE_CARRIER_B].reliable = 3)) \
    R(application_probe, (application(), image.peers[IMAGE_CARRIER_B].probe_interval_ms = 1000, \
                          image.peers[IMAGE_CARRIER_B].probe_timeout_ms = 1000, \
                          image.peers[IMAGE_CARRIER_B].probe_down_after = 1, image.peers[IMAGE_CARRIER_B].probe_up_after = 1))
// clang-format on
#define R(name, statement)                                                                                   \
    static void name(void)                                                                                   \
    {                                                                                                        \
        statement;                                                                                           \
    }
BREAKS(R)
#undef R

static const struct {
    const char *name;
    void (*breaks)(void);
} rows[] = {
#define R(name, statement) {#name, name},
    BREAKS(R)
#undef R
#define ROW(function)                                                                                        \
    {                                                                                                        \
#function, function                                                                                  \
    }
        ROW(probe_from),
    ROW(maglev_shared),
    ROW(application_member),
    ROW(application_table),
    ROW(application_as_group),
};

static void test_one_wrong_field(void **state)
{
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        char error[128] = "";
        image_make(&image);
        rows[i].breaks();
        if (rules_create(&image, sizeof(image), error, sizeof(error)) != NULL)
            fail_msg("%s was accepted", rows[i].name);
        assert_true(strncmp(error, "snapshot: ", 10) == 0 && strchr(error, '\n') == NULL);
    }
}

static void test_sizes(void **state)
{
    char error[128];
    image_make(&image);
    for (size_t size = 0; size < sizeof(image); size += 7) {
        void *cut = malloc(size + 1); // ends where the image ends
        memcpy(cut, &image, size);
        assert_null(rules_create(cut, size, error, sizeof(error)));
        free(cut);
    }
    assert_null(rules_create(&image, (size_t)SNAPSHOT_SIZE_MAX + 1, error, sizeof(error)));
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

// What is accepted can be used: every look-up stays inside.
static void use(const struct rules *rules, uint64_t random)
{
    uint16_t peer = rules_peer(rules, AT((uint32_t)random));
    assert_true(peer == NUMBER_NONE || peer < rules->peer_count);
    peer = rules_peer(rules, &wire_sbc1.address);
    if (peer != NUMBER_NONE) {
        uint16_t member = rules_member(rules, peer, random);
        assert_true(member == NUMBER_NONE || member < rules->member_count);
        assert_true(rules->peers[peer].listeners[0] < rules->listener_count);
    }
    uint16_t listener = rules_listener(rules, AT(IMAGE_CORE_ADDRESS), 5060);
    assert_true(listener == NUMBER_NONE || rules->listeners[listener].network < rules->network_count);
}

static void test_random_images(void **state)
{
    uint64_t seed = 0x243f6a8885a308d3u;
    unsigned accepted = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char error[128];
        image_make(&image);
        for (unsigned k = 1 + next_random(&seed) % 4; k > 0; k--) {
            uint64_t random = next_random(&seed);
            // Half of them in the header and its sections, which decide what is read.
            size_t within = random & 1 ? sizeof(image) : sizeof(image.header);
            ((uint8_t *)&image)[(random >> 8) % within] =
                random & 2 ? (uint8_t)(random >> 56) : (random & 4 ? 0xff : 0);
        }
        struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
        if (rules == NULL)
            continue;
        accepted++;
        use(rules, next_random(&seed));
        rules_destroy(rules);
    }
    assert_true(accepted > 1000 && accepted < 19000); // both ways were tried
}

static struct snapshot_source ipv6_source(uint8_t seventh, uint16_t length, uint16_t peer)
{
    return (struct snapshot_source){
        .address = {{0x20, 0x01, 0x0d, 0xb8, [7] = seventh}}, .length = length, .peer = peer};
}

// Each family has its own: ::/0 is not the default of IPv4.
static void ipv6_sources(void)
{
    static const struct {
        struct ip_address address;
        uint16_t peer;
    } cases[] = {
        {{{0x20, 0x01, 0x0d, 0xb8, [7] = 1, [15] = 9}}, IMAGE_CARRIER_A},
        {{{0x20, 0x01, 0x0d, 0xb8, [7] = 2, [15] = 9}}, IMAGE_CARRIER_B},
        {{{0x20, 0x01, 0x0d, 0xb9, [15] = 9}}, IMAGE_SBCS},
        {IP_MAPPED(0x0a0a0301), NUMBER_NONE},
    };
    char error[128];
    image_make(&image);
    image.sources[3] = ipv6_source(1, 64, IMAGE_CARRIER_A);
    image.sources[4] = ipv6_source(0, 32, IMAGE_CARRIER_B);
    image.sources[5] = (struct snapshot_source){.peer = IMAGE_SBCS};
    struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
    assert_non_null(rules);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(rules_peer(rules, &cases[i].address), cases[i].peer);
    rules_destroy(rules);
}

static void test_lookups(void **state)
{
    char error[128];
    image_make(&image);
    struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
    assert_non_null(rules);
    assert_int_equal(rules_listener(rules, AT(IMAGE_EDGE_ADDRESS), 5060), 0);
    assert_int_equal(rules_listener(rules, AT(IMAGE_CORE_ADDRESS), 5060), 1);
    assert_int_equal(rules_listener(rules, AT(IMAGE_CORE_ADDRESS), 5061), NUMBER_NONE);
    assert_int_equal(rules_peer(rules, &wire_phone.address), IMAGE_CARRIER_A);
    assert_int_equal(rules_peer(rules, &wire_carrier_b.address), IMAGE_CARRIER_B);
    assert_int_equal(rules_peer(rules, &wire_sbc2.address), IMAGE_SBCS);
    assert_int_equal(rules_peer(rules, AT(0x0a0a0301)), NUMBER_NONE);
    assert_int_equal(rules_peer(rules, AT(0)), NUMBER_NONE);
    assert_int_equal(rules_peer(rules, AT(UINT32_MAX)), NUMBER_NONE);
    unsigned to_sbc1 = 0;
    for (uint64_t hash = 0; hash < 500; hash++)
        to_sbc1 += rules_member(rules, IMAGE_SBCS, hash) == IMAGE_MEMBER_SBC1;
    assert_int_equal(to_sbc1, 300);
    rules_destroy(rules);
    // The longest prefix wins.
    image.sources[4].peer = IMAGE_CARRIER_B;
    rules = rules_create(&image, sizeof(image), error, sizeof(error));
    assert_int_equal(rules_peer(rules, &wire_carrier.address), IMAGE_CARRIER_A);
    assert_int_equal(rules_peer(rules, &wire_phone.address), IMAGE_CARRIER_B);
    rules_destroy(rules);
    ipv6_sources();
    // A prefix of IPv6 is nobody's in IPv4, and not that of the zeros at its end.
    for (uint16_t length = 64; length <= 128; length++) {
        image_make(&image);
        image.sources[5] = (struct snapshot_source){.address = {{0x20, 1}}, .length = length, .peer = 2};
        rules = rules_create(&image, sizeof(image), error, sizeof(error));
        assert_non_null(rules);
        assert_int_equal(rules_peer(rules, AT(0)), NUMBER_NONE);
        rules_destroy(rules);
    }
}

// Who may speak on the side of the dialog where carrier-a stands, by dialogs.in_dialog.
static void test_in_dialog(void **state)
{
    static const struct {
        uint32_t in_dialog;
        bool one_group; // carrier-b in the group of carrier-a
        bool a, b, sbcs;
    } cases[] = {
        {IN_DIALOG_PEER, true, true, false, false},
        {IN_DIALOG_GROUP, false, true, false, false},
        {IN_DIALOG_GROUP, true, true, true, false},
        {IN_DIALOG_ANY_PEER, false, true, true, true},
    };
    char error[256];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        image_make(&image);
        image.header.settings.in_dialog = cases[i].in_dialog;
        if (cases[i].one_group)
            image.peers[IMAGE_CARRIER_B].group = IMAGE_CARRIER_A;
        struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
        assert_non_null(rules);
        assert_int_equal(rules_may_speak(rules, IMAGE_CARRIER_A, IMAGE_CARRIER_A), cases[i].a);
        assert_int_equal(rules_may_speak(rules, IMAGE_CARRIER_B, IMAGE_CARRIER_A), cases[i].b);
        assert_int_equal(rules_may_speak(rules, IMAGE_SBCS, IMAGE_CARRIER_A), cases[i].sbcs);
        // The dialog's peer was taken out of the configuration, its number is beyond all others.
        assert_int_equal(rules_may_speak(rules, IMAGE_SBCS, PEERS_MAX - 1),
                         cases[i].in_dialog == IN_DIALOG_ANY_PEER);
        rules_destroy(rules);
    }
}

static void test_application(void **state)
{
    static const struct {
        uint8_t refresher;
        uint8_t as_uac, as_uas; // enum session_side
    } cases[] = {
        {REFRESH_BY_ANY, SESSION_NEITHER, SESSION_NEITHER},
        {REFRESH_BY_LOCAL, SESSION_UAC, SESSION_UAS},
        {REFRESH_BY_REMOTE, SESSION_UAS, SESSION_UAC},
    };
    char error[256] = "";
    for (size_t i = 0; i < RTE_DIM(cases); i++) {
        image_make(&image);
        application();
        image.peers[IMAGE_CARRIER_B].session_refresher = cases[i].refresher;
        image.header.settings.in_dialog = IN_DIALOG_ANY_PEER;
        struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
        assert_string_equal(error, "");
        assert_non_null(rules);
        assert_true(rules_is_application(rules, IMAGE_CARRIER_B));
        assert_false(rules_is_application(rules, IMAGE_SBCS) || rules_is_application(rules, NUMBER_NONE));
        // Nobody speaks for it, even where any peer speaks for any other.
        assert_false(rules_may_speak(rules, IMAGE_CARRIER_A, IMAGE_CARRIER_B));
        assert_int_equal(rules_member(rules, IMAGE_CARRIER_B, 1), NUMBER_NONE);
        struct session_policy policy = rules_session(rules, IMAGE_CARRIER_B, true);
        assert_true(policy.wanted_s == 1800 && policy.minimum_s == 90 && policy.refresher == cases[i].as_uac);
        assert_int_equal(rules_session(rules, IMAGE_CARRIER_B, false).refresher, cases[i].as_uas);
        rules_destroy(rules);
    }
    image.header.settings.ua_limits = (struct snapshot_ua_limits){1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    // A reload took it out: its calls are still those of an application.
    image.peers[IMAGE_CARRIER_B].flags = PEER_APPLICATION;
    image.routes[2].to = IMAGE_CARRIER_A;
    image.header.settings.usages_capacity = 0;
    struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
    assert_string_equal(error, "");
    assert_true(rules_is_application(rules, IMAGE_CARRIER_B));
    assert_false(rules_may_speak(rules, IMAGE_CARRIER_A, IMAGE_CARRIER_B));
    struct judge_limits limits = rules_judge_limits(rules);
    assert_true(limits.message == 0 && limits.header_line == 1 && limits.body == 2 && limits.uri == 3 &&
                limits.call_id == 4 && limits.tag == 5 && limits.replaces == 6 && limits.vias == 7 &&
                limits.routes == 8 && limits.refer_to_parameters == 9 && limits.media_lines == 10);
    rules_destroy(rules);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_wrong_field), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_random_images),   cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_in_dialog),       cmocka_unit_test(test_application)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
