// SPDX-License-Identifier: BSD-3-Clause
// A snapshot is believed in nothing: one wrong field refuses it, and no image, however wrong, is read beyond
// its end.
#include <stdlib.h>
#include <string.h>
#include "tests.h"

static struct snapshot_image image;

static void magic(void)
{
    image.header.magic++;
}
static void version(void)
{
    image.header.version++;
}
static void size_less(void)
{
    image.header.size -= 8;
}
static void size_more(void)
{
    image.header.size += 8;
}
static void section_odd(void)
{
    image.header.sections[SECTION_PEERS].offset += 4;
}
static void section_in_header(void)
{
    image.header.sections[SECTION_PEERS].offset = 8;
}
static void section_behind(void)
{
    image.header.sections[SECTION_ROUTES].offset = sizeof(image) + 8;
}
static void section_too_long(void)
{
    image.header.sections[SECTION_TEXTS].count += 64;
}
static void section_count_wraps(void)
{
    image.header.sections[SECTION_MAGLEV].count = UINT32_MAX;
}
static void too_many_networks(void)
{
    image.header.sections[SECTION_NETWORKS].count = NETWORKS_MAX + 1;
}
static void no_workers(void)
{
    image.header.settings.workers = 0;
}
static void many_workers(void)
{
    image.header.settings.workers = WORKERS_MAX + 1;
}
static void idle(void)
{
    image.header.settings.idle = 2;
}
static void mode(void)
{
    image.header.settings.prefilter.mode = 3;
}
static void no_dialogs(void)
{
    image.header.settings.dialogs_capacity = 0;
}
static void many_dialogs(void)
{
    image.header.settings.dialogs_capacity = UINT32_MAX;
}
static void no_transactions(void)
{
    image.header.settings.transactions_capacity = 0;
}
static void many_transactions(void)
{
    image.header.settings.transactions_capacity = 1u << 29;
}
static void small_arena(void)
{
    image.header.settings.arena_octets = 4096;
}
static void large_arena(void)
{
    image.header.settings.arena_octets = UINT64_MAX;
}
static void t1(void)
{
    image.header.settings.timer_t1_ms = 0;
}
static void t1_large(void)
{
    image.header.settings.timer_t1_ms = UINT32_MAX;
}
static void t2(void)
{
    image.header.settings.timer_t2_ms = 100;
}
static void t4(void)
{
    image.header.settings.timer_t4_ms = 0;
}
static void timer_b(void)
{
    image.header.settings.timer_b_ms = 0;
}
static void timer_c(void)
{
    image.header.settings.timer_c_ms = 86400001;
}
static void early_life(void)
{
    image.header.settings.early_life_ms = 0;
}
static void life(void)
{
    image.header.settings.dialog_life_ms = 0;
}
static void long_life(void)
{
    image.header.settings.dialog_life_ms = UINT64_MAX;
}
static void server(void)
{
    memset(image.header.settings.server_header, 'x', NAME_SIZE);
}
static void dialogs_directory(void)
{
    memset(image.header.settings.dialogs_directory, '/', SNAPSHOT_PATH_SIZE);
}
static void dialogs_relative(void)
{
    strcpy(image.header.settings.dialogs_directory, "dialogs");
}
static void network_name(void)
{
    image.networks[1].name[0] = '\0';
}
static void interface_name(void)
{
    memset(image.networks[0].interface, 'x', NAME_SIZE);
}
static void attach(void)
{
    image.networks[0].attach = 2;
}
static void no_queues(void)
{
    image.networks[0].queues = 0;
}
static void queues(void)
{
    image.networks[0].queues = 65;
}
static void listener_name(void)
{
    memset(image.listeners[0].name, 'x', NAME_SIZE);
}
static void listener_network(void)
{
    image.listeners[1].network = 2;
}
static void listener_port(void)
{
    image.listeners[1].port = 0;
}
static void listener_ipv6(void)
{
    image.listeners[1].address.octets[0] = 0x20;
}
static void listener_any(void)
{
    image.listeners[1].address = image_address(0);
}
static void peer_name(void)
{
    image.peers[2].name[0] = '\0';
}
static void peer_listener(void)
{
    image.peers[2].listener = 2;
}
static void peer_group(void)
{
    image.peers[IMAGE_SBCS].group = PEERS_MAX;
}
static void in_dialog(void)
{
    image.header.settings.in_dialog = IN_DIALOG_ANY_PEER + 1;
}
static void session_end(void)
{
    image.header.settings.session_end = SESSION_END_BYE + 1;
}
static void peer_balance(void)
{
    image.peers[2].balance = BALANCE_WEIGHTED + 1;
}
static void list_offset(void)
{
    image.peers[2].list_offset = IMAGE_MEMBERS;
}
static void list_long(void)
{
    image.peers[2].member_count = 2;
}
static void list_wraps(void)
{
    image.peers[2].list_offset = UINT32_MAX;
}
static void list_empty(void)
{
    image.peers[2].member_count = 0;
}
static void list_foreign(void)
{
    image.lists[IMAGE_MEMBER_SBC2] = IMAGE_MEMBER_CARRIER_A;
}
static void list_unknown(void)
{
    image.lists[IMAGE_MEMBER_SBC2] = IMAGE_MEMBERS;
}
static void list_order(void)
{
    image.members[IMAGE_MEMBER_SBC1].priority = 2;
}
static void texts_without_end(void)
{
    image.texts[sizeof(image.texts) - 1] = 'x';
}
static void no_texts(void)
{
    image.header.sections[SECTION_TEXTS].count = 0;
}
static void attempts(void)
{
    image.peers[1].attempts = 0;
}
static void many_attempts(void)
{
    image.peers[1].attempts = 9;
}
static void failover_after(void)
{
    image.peers[1].failover_after_ms = 600001;
}
static void peer_reply(void)
{
    image.peers[1].limit_reply = 500;
}
static void probe(void)
{
    image.peers[1].probe_interval_ms = 1000;
}
static void probe_from(void)
{
    image.peers[1].probe_interval_ms = image.peers[1].probe_timeout_ms = 1000;
    image.peers[1].probe_down_after = image.peers[1].probe_up_after = 1;
    image.peers[1].probe_from = sizeof(image.texts);
}
static void member_weight(void)
{
    image.members[3].weight = 0;
}
static void member_priority(void)
{
    image.members[3].priority = 17;
}
static void route_listener(void)
{
    image.routes[1].listener = 2;
}
static void route_text(void)
{
    image.routes[1].header_value = sizeof(image.texts);
}
static void route_redirect(void)
{
    image.routes[1].action = ROUTE_REDIRECT;
}
static void reply(void)
{
    image.header.settings.limit_reply = 200;
}
static void overload(void)
{
    image.header.settings.overload.mbufs = 101;
}
static void maglev_offset(void)
{
    image.peers[2].maglev_offset = 8;
}
static void maglev_count(void)
{
    image.peers[2].maglev_count = 2;
}
static void maglev_wraps(void)
{
    image.peers[2].maglev_count = UINT32_MAX;
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
static void maglev_foreign(void)
{
    image.maglev[2] = IMAGE_MEMBER_CARRIER_A;
}
static void maglev_unknown(void)
{
    image.maglev[2] = IMAGE_MEMBERS;
}
static void maglev_absent(void)
{
    image.members[IMAGE_MEMBER_SBC2].flags = 0;
}
static void member_peer(void)
{
    image.members[3].peer = IMAGE_PEERS;
}
static void member_port(void)
{
    image.members[3].port = 0;
}
static void member_address(void)
{
    image.members[3].address = image_address(0);
}
static void member_of_absent(void)
{
    image.peers[2].flags = 0;
}
static void source_peer(void)
{
    image.sources[5].peer = IMAGE_PEERS;
}
static void source_length(void)
{
    image.sources[5].length = 129;
}
static void source_bits(void)
{
    image.sources[5].length = 96 + 16;
}
static void source_twice(void)
{
    image.sources[5] = image.sources[4];
}
static void route_from(void)
{
    image.routes[1].from = IMAGE_PEERS;
}
static void route_to(void)
{
    image.routes[1].to = IMAGE_PEERS;
}
static void route_action(void)
{
    image.routes[1].action = ROUTE_REDIRECT + 1;
}
static void route_answer(void)
{
    image.routes[0].answer = 199;
}
static void route_answer_large(void)
{
    image.routes[0].answer = 700;
}
static void route_method(void)
{
    image.routes[0].method = METHOD_COUNT;
}
static void route_to_us(void)
{
    image.routes[0].to_us = 2;
}
static void route_to_nobody(void)
{
    image.peers[IMAGE_SBCS].maglev_count = 0;
}

static const struct {
    const char *name;
    void (*breaks)(void);
} rows[] = {
#define ROW(function)                                                                                        \
    {                                                                                                        \
#function, function                                                                                  \
    }
    ROW(magic),
    ROW(version),
    ROW(size_less),
    ROW(size_more),
    ROW(section_odd),
    ROW(section_in_header),
    ROW(section_behind),
    ROW(section_too_long),
    ROW(section_count_wraps),
    ROW(too_many_networks),
    ROW(no_workers),
    ROW(many_workers),
    ROW(idle),
    ROW(mode),
    ROW(no_dialogs),
    ROW(many_dialogs),
    ROW(no_transactions),
    ROW(many_transactions),
    ROW(small_arena),
    ROW(large_arena),
    ROW(t1),
    ROW(t1_large),
    ROW(t2),
    ROW(t4),
    ROW(timer_b),
    ROW(timer_c),
    ROW(early_life),
    ROW(life),
    ROW(long_life),
    ROW(server),
    ROW(dialogs_directory),
    ROW(dialogs_relative),
    ROW(network_name),
    ROW(interface_name),
    ROW(attach),
    ROW(no_queues),
    ROW(queues),
    ROW(listener_name),
    ROW(listener_network),
    ROW(listener_port),
    ROW(listener_ipv6),
    ROW(listener_any),
    ROW(peer_name),
    ROW(peer_listener),
    ROW(peer_balance),
    ROW(peer_group),
    ROW(list_offset),
    ROW(list_long),
    ROW(list_wraps),
    ROW(list_empty),
    ROW(list_foreign),
    ROW(list_unknown),
    ROW(list_order),
    ROW(texts_without_end),
    ROW(no_texts),
    ROW(attempts),
    ROW(many_attempts),
    ROW(failover_after),
    ROW(peer_reply),
    ROW(probe),
    ROW(probe_from),
    ROW(member_weight),
    ROW(member_priority),
    ROW(route_listener),
    ROW(route_text),
    ROW(route_redirect),
    ROW(reply),
    ROW(overload),
    ROW(in_dialog),
    ROW(session_end),
    ROW(maglev_offset),
    ROW(maglev_count),
    ROW(maglev_wraps),
    ROW(maglev_foreign),
    ROW(maglev_unknown),
    ROW(maglev_absent),
    ROW(member_peer),
    ROW(member_port),
    ROW(member_address),
    ROW(member_of_absent),
    ROW(source_peer),
    ROW(source_length),
    ROW(source_bits),
    ROW(source_twice),
    ROW(maglev_shared),
    ROW(route_from),
    ROW(route_to),
    ROW(route_action),
    ROW(route_answer),
    ROW(route_answer_large),
    ROW(route_method),
    ROW(route_to_us),
    ROW(route_to_nobody),
#undef ROW
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
    uint16_t peer = rules_peer(rules, (uint32_t)random);
    assert_true(peer == NUMBER_NONE || peer < rules->peer_count);
    peer = rules_peer(rules, wire_sbc1.address);
    if (peer != NUMBER_NONE) {
        uint16_t member = rules_member(rules, peer, random);
        assert_true(member == NUMBER_NONE || member < rules->member_count);
        assert_true(rules->peers[peer].listener < rules->listener_count);
    }
    uint16_t listener = rules_listener(rules, IMAGE_CORE_ADDRESS, 5060);
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

static void test_lookups(void **state)
{
    char error[128];
    image_make(&image);
    struct rules *rules = rules_create(&image, sizeof(image), error, sizeof(error));
    assert_non_null(rules);
    assert_int_equal(rules_listener(rules, IMAGE_EDGE_ADDRESS, 5060), 0);
    assert_int_equal(rules_listener(rules, IMAGE_CORE_ADDRESS, 5060), 1);
    assert_int_equal(rules_listener(rules, IMAGE_CORE_ADDRESS, 5061), NUMBER_NONE);
    assert_int_equal(rules_peer(rules, wire_phone.address), IMAGE_CARRIER_A);
    assert_int_equal(rules_peer(rules, wire_carrier_b.address), IMAGE_CARRIER_B);
    assert_int_equal(rules_peer(rules, wire_sbc2.address), IMAGE_SBCS);
    assert_int_equal(rules_peer(rules, 0x0a0a0301), NUMBER_NONE);
    assert_int_equal(rules_peer(rules, 0), NUMBER_NONE);
    assert_int_equal(rules_peer(rules, UINT32_MAX), NUMBER_NONE);
    unsigned to_sbc1 = 0;
    for (uint64_t hash = 0; hash < 500; hash++)
        to_sbc1 += rules_member(rules, IMAGE_SBCS, hash) == IMAGE_MEMBER_SBC1;
    assert_int_equal(to_sbc1, 300);
    rules_destroy(rules);
    // The longest prefix wins.
    image.sources[4].peer = IMAGE_CARRIER_B;
    rules = rules_create(&image, sizeof(image), error, sizeof(error));
    assert_int_equal(rules_peer(rules, wire_carrier.address), IMAGE_CARRIER_A);
    assert_int_equal(rules_peer(rules, wire_phone.address), IMAGE_CARRIER_B);
    rules_destroy(rules);
    // A prefix of IPv6 is nobody's in IPv4, and not that of the zeros at its end.
    for (uint16_t length = 64; length <= 128; length++) {
        image_make(&image);
        image.sources[5] = (struct snapshot_source){.address = {{0x20, 1}}, .length = length, .peer = 2};
        rules = rules_create(&image, sizeof(image), error, sizeof(error));
        assert_non_null(rules);
        assert_int_equal(rules_peer(rules, 0), NUMBER_NONE);
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

int path_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_wrong_field), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_random_images), cmocka_unit_test(test_lookups),
                                       cmocka_unit_test(test_in_dialog)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
