// SPDX-License-Identifier: BSD-3-Clause
// The image, walked as the dataplane would.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "message.h"
#include "rows.h"
#include "value.h"

#define TEXT                                                                                                 \
    "networks:\n"                                                                                            \
    "  outside: {interface: e0, queues: 2}\n"                                                                \
    "  inside: {interface: e1, attach: af_packet}\n"                                                         \
    "listeners:\n"                                                                                           \
    "  - {name: edge, network: outside, address: 203.0.113.10}\n"                                            \
    "  - {name: core, network: inside, address: 10.0.0.10, port: 5070}\n"                                    \
    "peers:\n"                                                                                               \
    "  - name: carrier\n"                                                                                    \
    "    listener: edge\n"                                                                                   \
    "    sources: [198.51.0.0/16, 198.51.100.0/28, 198.51.100.1, 10.0.1.3]\n"                                \
    "    members: [{address: 198.51.100.1}, {address: 198.51.100.2, port: 5080}]\n"                          \
    "  - name: sbcs\n"                                                                                       \
    "    listener: core\n"                                                                                   \
    "    members: [{address: 10.0.1.1, weight: 3}, {address: 10.0.1.2}, {address: 10.0.1.3}]\n"              \
    "    prefilter: {rate: 100, invite_rate: 20, invite_burst: 30, fragment_burst: 7}\n"                     \
    "  - {name: silent, listener: core, sources: [0.0.0.0/0]}\n"                                             \
    "routes:\n"                                                                                              \
    "  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}\n"                                      \
    "  - {from: carrier, method: INVITE, to: sbcs}\n"                                                        \
    "  - {from: sbcs, to: carrier}\n"                                                                        \
    "workers: {count: 3, idle: spin}\n"                                                                      \
    "memory: {mb: 600, mbufs: 40000}\n"                                                                      \
    "dialogs: {capacity: 2000, early_lifetime: 4m, lifetime: 720h, arena: 9MiB}\n"                           \
    "transactions: {capacity: 3000}\n"                                                                       \
    "state: {dialogs: /mnt/huge/a}\n"                                                                        \
    "timers: {t1: 200ms, t2: 3s, t4: 6s, b: 20s, c: 190s}\n"                                                 \
    "prefilter:\n"                                                                                           \
    "  mode: dry-run\n"                                                                                      \
    "  unavailable: software\n"                                                                              \
    "  deny: [192.0.2.0/24, 192.0.2.7]\n"                                                                    \
    "  peer: {rate: 1, burst: 2}\n"                                                                          \
    "  peer_invite: {rate: 3, burst: 4}\n"                                                                   \
    "  stranger: {rate: 5, burst: 6}\n"                                                                      \
    "  stranger_invite: {rate: 7, burst: 8}\n"                                                               \
    "  strangers: {rate: 0, burst: 9}\n"                                                                     \
    "  strangers_fragment: {rate: 10, burst: 11}\n"                                                          \
    "  source_prefix: 56\n"

struct image {
    const struct snapshot_header *header;
    size_t size;
    int fd;
};

static struct image compile(const char *text, struct manifest *manifest, uint64_t sequence)
{
    struct image image = {0};
    char error[256] = "";
    struct config *config = parse_good(text);
    struct compile_input input = {.config = config, .manifest = manifest, .sequence = sequence};
    int result = config_compile(&input, &image.fd, &image.size, error, sizeof(error));
    if (result < 0)
        print_error("%s\n", error);
    assert_int_equal(result, 0);
    config_free(config);
    image.header = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, image.fd, 0);
    assert_true(image.header != MAP_FAILED);
    return image;
}

static void release(struct image *image)
{
    munmap((void *)(uintptr_t)image->header, image->size);
    close(image->fd);
}

static const void *section(const struct image *image, enum snapshot_section which)
{
    return (const char *)image->header + image->header->sections[which].offset;
}

static void test_header(void **state)
{
    static const size_t sizes[SECTION_COUNT] = {112, 56, 192, 40, 24, 56, 2, 24, 2, 1, 24, 64};
    static const uint32_t counts[SECTION_COUNT] = {2, 2, 3, 5, 8, 3, 20014, 2, 5, 1 + (3 + 3 * 9) * 108,
                                                   0, 8};
    struct manifest *manifest = manifest_create();
    struct image image = compile(TEXT, manifest, 77);
    assert_true(image.header->magic == SNAPSHOT_MAGIC && image.header->version == SNAPSHOT_VERSION);
    assert_int_equal(image.header->size, image.size);
    assert_int_equal(lseek(image.fd, 0, SEEK_END), image.size);
    assert_int_equal(image.header->sequence, 77);
    size_t end = sizeof(*image.header);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct snapshot_range *range = &image.header->sections[i];
        assert_int_equal(range->offset % 8, 0);
        assert_true(range->offset >= end);
        assert_int_equal(range->count, counts[i]);
        end = range->offset + range->count * sizes[i];
    }
    assert_true(end <= image.size && image.size - end < 8);
    const struct snapshot_scanner *scanners = section(&image, SECTION_SCANNERS);
    assert_string_equal(scanners[0].word, "friendly-scanner");
    assert_string_equal(scanners[4].word, "vaxsipuseragent");
    release(&image);
    manifest_free(manifest);
}

static void test_settings(void **state)
{
    static const struct bucket_limit limits[] = {{5, 6}, {7, 8}, {0, 9}, {10, 11}};
    struct manifest *manifest = manifest_create();
    struct image image = compile(TEXT, manifest, 1);
    const struct snapshot_settings *settings = &image.header->settings;
    assert_true(settings->workers == 3 && settings->idle == IDLE_SPIN);
    assert_true(settings->dialogs_capacity == 2000 && settings->transactions_capacity == 3000);
    assert_true(settings->arena_octets == 9u << 20 && settings->mbufs == 40000 && settings->memory_mb == 600);
    assert_true(settings->timer_t1_ms == 200 && settings->timer_t2_ms == 3000 &&
                settings->timer_t4_ms == 6000);
    assert_true(settings->timer_b_ms == 20000 && settings->timer_c_ms == 190000);
    assert_int_equal(settings->keepalive_ms, 0);
    assert_true(settings->early_life_ms == 240000 && settings->dialog_life_ms == 2592000000);
    assert_int_equal(settings->server_header[0], 0);
    assert_string_equal(settings->dialogs_directory, "/mnt/huge/a");
    assert_true(settings->prefilter.mode == PREFILTER_DRY_RUN);
    assert_true(settings->prefilter.unavailable == PREFILTER_SOFTWARE);
    assert_int_equal(settings->prefilter.source_bits, 56);
    assert_memory_equal(&settings->prefilter.stranger, limits, sizeof(limits));
    const struct snapshot_deny *deny = section(&image, SECTION_DENY);
    assert_true(deny[0].length == 120 && deny[1].length == 128 && deny[1].address.octets[15] == 7);
    release(&image);
    manifest_free(manifest);
}

static void test_lists(void **state)
{
    struct manifest *manifest = manifest_create();
    struct image image = compile(TEXT, manifest, 1);
    const struct snapshot_network *networks = section(&image, SECTION_NETWORKS);
    assert_string_equal(networks[0].name, "outside");
    assert_string_equal(networks[1].interface, "e1");
    assert_true(networks[0].queues == 2 && networks[1].attach == ATTACH_AF_PACKET);
    assert_true(networks[0].device[0] == '\0' && networks[0].host_rate == 20000);
    const struct snapshot_listener *listeners = section(&image, SECTION_LISTENERS);
    static const uint8_t core[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 10};
    assert_memory_equal(&listeners[1].address, core, sizeof(core));
    assert_true(listeners[1].port == 5070 && listeners[1].network == 1 && listeners[0].port == 5060);
    const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
    int sbcs = manifest_find_peer(manifest, "sbcs"), silent = manifest_find_peer(manifest, "silent");
    assert_true(peers[sbcs].flags == (SNAPSHOT_PRESENT | PEER_FAIL_OPEN) && peers[sbcs].listeners[0] == 1 &&
                peers[sbcs].listeners[1] == NUMBER_NONE && peers[sbcs].member_count == 3);
    assert_string_equal(peers[sbcs].name, "sbcs");
    // What is its own, the burst that follows from a rate, and what is everybody's.
    static const struct bucket_limit own[] = {{100, 200}, {20, 30}, {2000, 7}},
                                     common[] = {{1, 2}, {3, 4}, {2000, 4000}};
    assert_memory_equal(&peers[sbcs].filter_all, own, sizeof(own));
    assert_memory_equal(&peers[silent].filter_all, common, sizeof(common));
    assert_true(peers[silent].maglev_count == 0 && peers[silent].member_count == 0);
    const struct snapshot_route *routes = section(&image, SECTION_ROUTES);
    int carrier = manifest_find_peer(manifest, "carrier");
    assert_true(routes[0].from == ROUTE_FROM_ANY_PEER && routes[0].action == ROUTE_ANSWER);
    assert_true(routes[0].answer == 200 && routes[0].method == METHOD_OPTIONS && routes[0].to_us == 1);
    assert_true(routes[1].from == carrier && routes[1].to == sbcs && routes[1].action == ROUTE_TO_PEER);
    assert_true(routes[1].method == METHOD_INVITE && routes[1].to_us == 0);
    assert_true(routes[2].from == sbcs && routes[2].to == carrier && routes[2].method == ROUTE_METHOD_ANY);
    release(&image);
    manifest_free(manifest);
}

// Longest first, no prefix twice, a member's own address unless sources give it to somebody.
static void test_sources(void **state)
{
    static const struct {
        const char *address;
        uint16_t length;
        const char *peer;
    } rows[] = {
        {"10.0.1.1", 128, "sbcs"},        {"10.0.1.2", 128, "sbcs"},        {"10.0.1.3", 128, "carrier"},
        {"198.51.100.1", 128, "carrier"}, {"198.51.100.2", 128, "carrier"}, {"198.51.100.0", 124, "carrier"},
        {"198.51.0.0", 112, "carrier"},   {"0.0.0.0", 96, "silent"},
    };
    struct manifest *manifest = manifest_create();
    struct image image = compile(TEXT, manifest, 1);
    const struct snapshot_source *sources = section(&image, SECTION_SOURCES);
    assert_int_equal(image.header->sections[SECTION_SOURCES].count, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[64];
        assert_string_equal(value_address(&sources[i].address, text, sizeof(text)), rows[i].address);
        assert_int_equal(sources[i].length, rows[i].length);
        assert_int_equal(sources[i].peer, manifest_find_peer(manifest, rows[i].peer));
        assert_int_equal(sources[i].reserved, 0);
    }
    release(&image);
    manifest_free(manifest);
}

static void test_members(void **state)
{
    struct manifest *manifest = manifest_create();
    struct image image = compile(TEXT, manifest, 1);
    const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
    const struct snapshot_member *members = section(&image, SECTION_MEMBERS);
    const uint16_t *maglev = section(&image, SECTION_MAGLEV);
    uint32_t count = image.header->sections[SECTION_MEMBERS].count, total = 0;
    for (uint32_t i = 0; i < image.header->sections[SECTION_PEERS].count; i++) {
        uint32_t slots[16] = {0}, weights = 0;
        for (uint32_t slot = 0; slot < peers[i].maglev_count; slot++) {
            uint16_t number = maglev[peers[i].maglev_offset + slot];
            assert_true(number < count && members[number].flags == SNAPSHOT_PRESENT &&
                        members[number].peer == i);
            slots[number]++;
        }
        for (uint32_t m = 0; m < count; m++)
            weights += members[m].peer == i ? members[m].weight : 0;
        for (uint32_t m = 0; m < count; m++) {
            uint32_t wanted =
                members[m].peer == i && weights ? peers[i].maglev_count * members[m].weight / weights : 0;
            assert_true(slots[m] + peers[i].maglev_count / 100 >= wanted &&
                        slots[m] <= wanted + peers[i].maglev_count / 100);
        }
        total += peers[i].maglev_count;
    }
    assert_int_equal(total, image.header->sections[SECTION_MAGLEV].count);
    release(&image);
    manifest_free(manifest);
}

// A changed order of the file changes no number and no slot; a peer that leaves leaves a hole.
static void test_stable(void **state)
{
    static const char head[] =
        "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}]\n"
        "peers:\n";
    static const char p[] =
        "  - {name: p, listener: a, members: [{address: 10.0.1.1}, {address: 10.0.1.2}]}\n";
    static const char p_turned[] =
        "  - {name: p, listener: a, members: [{address: 10.0.1.2}, {address: 10.0.1.1}]}\n";
    static const char q[] =
        "  - {name: q, listener: a, members: [{address: 10.0.1.3}, {address: 10.0.1.4}]}\n";
    char text[1024];
    struct manifest *manifest = manifest_create();
    snprintf(text, sizeof(text), "%s%s%s", head, p, q);
    struct image before = compile(text, manifest, 1);
    snprintf(text, sizeof(text), "%s%s%s", head, q, p_turned);
    struct image turned = compile(text, manifest, 2);
    const struct snapshot_peer *old_peers = section(&before, SECTION_PEERS),
                               *new_peers = section(&turned, SECTION_PEERS);
    assert_memory_equal(section(&before, SECTION_MEMBERS), section(&turned, SECTION_MEMBERS),
                        4 * sizeof(struct snapshot_member));
    for (int i = 0; i < 2; i++) {
        assert_string_equal(old_peers[i].name, new_peers[i].name);
        assert_memory_equal((const uint16_t *)section(&before, SECTION_MAGLEV) + old_peers[i].maglev_offset,
                            (const uint16_t *)section(&turned, SECTION_MAGLEV) + new_peers[i].maglev_offset,
                            old_peers[i].maglev_count * sizeof(uint16_t));
    }
    snprintf(text, sizeof(text), "%s%s", head, q);
    struct image hole = compile(text, manifest, 3);
    const struct snapshot_peer *peers = section(&hole, SECTION_PEERS);
    const struct snapshot_member *members = section(&hole, SECTION_MEMBERS);
    assert_int_equal(hole.header->sections[SECTION_PEERS].count, 2);
    assert_true(peers[0].flags == 0 && (peers[1].flags & SNAPSHOT_PRESENT));
    assert_true(members[0].flags == 0 && members[1].flags == 0 && members[2].flags == SNAPSHOT_PRESENT);
    release(&before);
    release(&turned);
    release(&hole);
    manifest_free(manifest);
}

// A peer's sections, priorities and a route's texts.
static void test_peer_settings(void **state)
{
    static const char text[] =
        "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}]\n"
        "peers:\n"
        "  - name: p\n    listener: a\n    balance: weighted\n    contact: source\n    identity: remove\n"
        "    refer: refuse\n    path: true\n    fail_open: false\n"
        "    limits: {calls_per_second: 7, concurrent_calls: 8, out_calls_per_second: 9, out_burst: 10, "
        "reply: 486,\n"
        "             retry_after: 0s}\n"
        "    members:\n"
        "      - {address: 10.0.1.1, priority: 2}\n"
        "      - {address: 10.0.1.2, capacity: 11, calls_per_second: 12}\n"
        "routes:\n"
        "  - {from: p, listener: a, uri_user: '+49', header: X-A, header_value: v, to: p, strip: 3, prepend: "
        "'0',\n"
        "     set_host: 'h.net:9'}\n"
        "  - {from: p, redirect: 'sip:a@b'}\n"
        "limits: {calls_per_second: 100, concurrent_calls: 13, reply: 480}\n";
    struct manifest *manifest = manifest_create();
    struct image image = compile(text, manifest, 1);
    const struct snapshot_peer *peer = section(&image, SECTION_PEERS);
    const struct snapshot_member *members = section(&image, SECTION_MEMBERS);
    const struct snapshot_route *routes = section(&image, SECTION_ROUTES);
    const uint16_t *list = section(&image, SECTION_LISTS), *maglev = section(&image, SECTION_MAGLEV);
    const char *texts = section(&image, SECTION_TEXTS);
    assert_int_equal(peer->flags, SNAPSHOT_PRESENT | PEER_CONTACT_SOURCE | PEER_IDENTITY_REMOVE |
                                      PEER_REFER_REFUSE | PEER_PATH);
    assert_int_equal(peer->balance, BALANCE_WEIGHTED);
    assert_int_equal(peer->retry_after_max_s, 60);
    assert_true(peer->probe_interval_ms == 0 && peer->probe_from == 0 && peer->failover_after_ms == 0 &&
                peer->attempts == 3 && peer->failover_statuses[0] == 408 &&
                peer->failover_statuses[1] == 503 && peer->failover_statuses[2] == 0);
    assert_true(peer->in.rate == 7 && peer->in.burst == 7 && peer->in.concurrent == 8);
    assert_true(peer->out.rate == 9 && peer->out.burst == 10 && peer->out.concurrent == 0);
    assert_true(peer->limit_reply == 486 && peer->limit_retry_after_s == 0);
    assert_true(list[0] == 1 && list[1] == 0 && members[1].priority == 1 && members[0].priority == 2);
    assert_true(members[1].capacity == 11 && members[1].rate == 12 && members[0].capacity == 0);
    for (uint32_t i = 0; i < peer->maglev_count; i++)
        assert_int_equal(maglev[i], 1); // the other one's priority is worse
    assert_true(routes[0].action == ROUTE_TO_PEER && routes[0].listener == 0 && routes[0].strip == 3);
    assert_string_equal(texts + routes[0].uri_user, "+49");
    assert_string_equal(texts + routes[0].header, "X-A");
    assert_string_equal(texts + routes[0].header_value, "v");
    assert_string_equal(texts + routes[0].prepend, "0");
    assert_string_equal(texts + routes[0].set_host, "h.net:9");
    assert_true(routes[0].uri_host == 0 && routes[0].to_user == 0 && routes[0].redirect == 0);
    assert_true(routes[1].action == ROUTE_REDIRECT && routes[1].listener == NUMBER_NONE);
    assert_string_equal(texts + routes[1].redirect, "sip:a@b");
    const struct snapshot_settings *settings = &image.header->settings;
    assert_true(settings->limits.rate == 100 && settings->limits.burst == 100 &&
                settings->limits.concurrent == 13 && settings->limit_reply == 480 &&
                settings->limit_retry_after_s == 5);
    assert_true(settings->overload.transactions == 90 && settings->overload.mbufs == 90 &&
                settings->overload.turn_us == 10000 && settings->overload.retry_after_s == 5);
    release(&image);
    manifest_free(manifest);
}

// The number of a group is that of its first peer; without a group a peer has its own.
static void test_listeners(void **state)
{
    struct manifest *manifest = manifest_create();
    struct image image =
        compile(BASE "  - {name: b, network: n, address: 10.0.0.2, advertise: '192.0.2.1:5066'}\n"
                     "  - {name: c, network: n, address: 10.0.0.3}\n"
                     "peers: [{name: p, listener: [c, a], sources: [10.1.0.1]}]\n",
                manifest, 1);
    static const uint16_t listeners[PEER_LISTENERS_MAX] = {2, 0, NUMBER_NONE, NUMBER_NONE};
    const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
    const struct snapshot_listener *rows = section(&image, SECTION_LISTENERS);
    static const uint8_t public[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    assert_memory_equal(peers[manifest_find_peer(manifest, "p")].listeners, listeners, sizeof(listeners));
    assert_memory_equal(&rows[1].advertised, public, sizeof(public));
    assert_true(rows[1].advertised_port == 5066 && rows[1].port == 5060);
    assert_memory_equal(&rows[2].advertised, &rows[2].address, sizeof(rows[2].address));
    assert_int_equal(rows[2].advertised_port, 5060);
    release(&image);
    manifest_free(manifest);
}

static void test_groups(void **state)
{
    static const char text[] =
        "networks: {n: {interface: e0}}\nlisteners: [{name: a, network: n, address: 10.0.0.1}]\n"
        "peers:\n"
        "  - {name: lone, listener: a, sources: [10.1.0.0/24]}\n"
        "  - {name: one, listener: a, group: carriers, sources: [10.2.0.0/24]}\n"
        "  - {name: other, listener: a, group: sbcs, sources: [10.3.0.0/24]}\n"
        "  - {name: two, listener: a, group: carriers, sources: [10.4.0.0/24]}\n"
        "dialogs: {in_dialog: group, session_end: bye, keepalive: 45s}\n";
    static const uint16_t groups[] = {0, 1, 2, 1};
    struct manifest *manifest = manifest_create();
    struct image image = compile(text, manifest, 1);
    const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        assert_int_equal(peers[i].group, groups[i]);
    assert_int_equal(image.header->settings.in_dialog, IN_DIALOG_GROUP);
    assert_int_equal(image.header->settings.session_end, SESSION_END_BYE);
    assert_int_equal(image.header->settings.keepalive_ms, 45000);
    release(&image);
    manifest_free(manifest);
}

static void test_sealed(void **state)
{
    struct manifest *manifest = manifest_create();
    struct image image = compile(TEXT, manifest, 1);
    assert_int_equal(fcntl(image.fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    assert_int_equal(pwrite(image.fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(image.fd, (off_t)image.size - 1), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(image.fd, (off_t)image.size + 1), -1);
    assert_true(mmap(NULL, image.size, PROT_READ | PROT_WRITE, MAP_SHARED, image.fd, 0) == MAP_FAILED);
    assert_int_equal(fcntl(image.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    release(&image);
    manifest_free(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),        cmocka_unit_test(test_settings),  cmocka_unit_test(test_lists),
        cmocka_unit_test(test_sources),       cmocka_unit_test(test_members),   cmocka_unit_test(test_stable),
        cmocka_unit_test(test_peer_settings), cmocka_unit_test(test_listeners), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_sealed),
    };
    return cmocka_run_group_tests_name("config compile", tests, NULL, NULL);
}
