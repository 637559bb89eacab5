// SPDX-License-Identifier: BSD-3-Clause
// Applications: what becomes of them in the snapshot, and what control reads.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "judge.h"
#include "rows.h"

#define SDP       "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
#define ONE(keys) PEERS "applications:\n  - {name: x" keys "}\nroutes: [{from: p, to: x}]\n"
// The description lies in a directory of this process.
#define WHOLE                                                                                                \
    ONE(", refer: accept, refer_wait: 3s, refer_targets: [p, '+49@*', '@Example.net.', x], replaces: "       \
        "refuse, "                                                                                           \
        "replaces_from: any-peer, retry: network, session: "                                                 \
        "{expires: 30m}, "                                                                                   \
        "answer: {status: 200, after: 1s, ring: 180, ring_after: 500ms, hang_up: 30s, body: "                \
        "/proc/self/cwd/sdp}")

static char directory[] = "/tmp/dialgate-applications-XXXXXX";

// Some lines end in LF alone.
static int make_description(void **state)
{
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    FILE *out = fopen("sdp", "w");
    assert_non_null(out);
    assert_true(fputs("v=0\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\nc=IN IP4 0.0.0.0\r\nt=0 0\n", out) >= 0);
    assert_int_equal(fclose(out), 0);
    return 0;
}

static int remove_description(void **state)
{
    unlink("sdp");
    return rmdir(directory);
}

struct image {
    const struct snapshot_header *header;
    size_t size;
};

static struct image compile(const char *text, struct manifest *manifest, const struct overlay *overlay)
{
    struct image image = {0};
    struct config *config = parse_good(text);
    char error[256] = "";
    int fd = -1;
    const struct compile_input input = {
        .config = config, .manifest = manifest, .sequence = 1, .overlay = overlay};
    if (config_compile(&input, &fd, &image.size, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    image.header = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(image.header != MAP_FAILED);
    close(fd);
    config_free(config);
    return image;
}

static const void *section(const struct image *image, enum snapshot_section which)
{
    return (const char *)image->header + image->header->sections[which].offset;
}

static void release(struct image *image)
{
    munmap((void *)(uintptr_t)image->header, image->size);
}

static void test_snapshot(void **state)
{
    struct manifest *manifest = manifest_create();
    struct image image = compile(
        BASE "  - {name: b, network: n, address: 10.0.0.2}\n"
             "peers: [{name: p, listener: a, sources: [10.1.0.0/16], group: x, members: [{address: "
             "10.0.1.1}]}]\n"
             "applications:\n"
             "  - {name: x, listener: b, reliable: off, session: {expires: 90500ms, refresher: remote},"
             " limits: {calls_per_second: 5, out_concurrent_calls: 7, reply: 486}}\n"
             "  - {name: y}\n"
             "routes: [{from: p, to: y}, {from: x, to: p}, {from: any-peer, answer: 404}]\n"
             "dialogs: {applications: 64}\n"
             "application_limits: {header_line: 1001, body: 1002, uri: 1003, call_id: 1004, tag: 105, "
             "replaces: 1006, vias: 7, routes: 8, refer_to_parameters: 9, media: 11}\n",
        manifest, NULL);
    const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
    const struct snapshot_route *routes = section(&image, SECTION_ROUTES);
    assert_int_equal(image.header->sections[SECTION_PEERS].count, 3);
    assert_int_equal(image.header->sections[SECTION_SOURCES].count, 2);
    assert_int_equal(image.header->settings.usages_capacity, 64);
    const struct snapshot_ua_limits limits = {1001, 1002, 1003, 1004, 105, 1006, 7, 8, 9, 11};
    assert_memory_equal(&image.header->settings.ua_limits, &limits, sizeof(limits));
    const struct snapshot_peer *x = &peers[1], *y = &peers[2];
    assert_string_equal(x->name, "x");
    assert_string_equal(y->name, "y");
    assert_int_equal(peers[0].flags & PEER_APPLICATION, 0);
    assert_int_equal(x->flags, SNAPSHOT_PRESENT | PEER_APPLICATION);
    assert_true(x->group == 1 && y->group == 2 && x->member_count == 0 && x->maglev_count == 0);
    assert_true(x->listeners[0] == 1 && x->listeners[1] == NUMBER_NONE && y->listeners[0] == 0);
    assert_true(x->in.rate == 5 && x->in.burst == 5 && x->out.concurrent == 7 && x->limit_reply == 486);
    assert_true(x->session_expires_s == 91 && x->session_minimum_s == 90);
    assert_true(x->session_refresher == REFRESH_BY_REMOTE && x->reliable == RELIABLE_OFF);
    assert_true(y->session_expires_s == 0 && y->session_refresher == REFRESH_BY_ANY &&
                y->reliable == RELIABLE_SUPPORTED && y->attempts == 1 && y->limit_reply == 503);
    assert_true(routes[0].from == 0 && routes[0].to == 2 && routes[0].action == ROUTE_TO_PEER);
    assert_true(routes[1].from == 1 && routes[1].to == 0 && routes[1].action == ROUTE_TO_PEER);
    assert_true(routes[2].from == ROUTE_FROM_ANY_PEER && routes[2].action == ROUTE_ANSWER);
    release(&image);
    image = compile(PEERS, manifest, NULL); // its calls are ended yet
    assert_int_equal(image.header->settings.usages_capacity, 16384);
    release(&image);
    manifest_free(manifest);
    manifest = manifest_create();
    image = compile(PEERS, manifest, NULL);
    assert_int_equal(image.header->settings.usages_capacity, 0);
    release(&image);
    manifest_free(manifest);
}

// A name that changes from one kind to the other and back has a number of each.
static void test_numbers(void **state)
{
    static const char as_peer[] = BASE "peers: [{name: v, listener: a, sources: [10.1.0.0/16]}]\n";
    static const char as_application[] = BASE "applications: [{name: v}]\n";
    static const struct {
        const char *text;
        uint32_t number;
    } cases[] = {{as_peer, 0}, {as_application, 1}, {as_application, 1}, {as_peer, 0}};
    struct manifest *manifest = manifest_create();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct image image = compile(cases[i].text, manifest, NULL);
        const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
        assert_int_equal(image.header->sections[SECTION_PEERS].count, i == 0 ? 1 : 2);
        assert_string_equal(peers[cases[i].number].name, "v");
        assert_int_equal((peers[cases[i].number].flags & PEER_APPLICATION) != 0,
                         cases[i].text == as_application);
        if (cases[i].number == 1)
            assert_int_equal(peers[0].flags, 0);
        else if (i > 0) // it has left the configuration, and its calls have not
            assert_true(peers[1].flags == PEER_APPLICATION && peers[1].group == 1 &&
                        peers[1].session_minimum_s == 90 && peers[1].listeners[1] == NUMBER_NONE);
        release(&image);
    }
    manifest_free(manifest);
}

static void no_row(const struct overlay_row *row)
{
    fail_msg("%s is not drained any more", row->peer);
}

static void test_drained(void **state)
{
    struct manifest *manifest = manifest_create();
    struct overlay nothing = {0}, overlay = {0};
    const struct overlay_row row = {.peer = "x", .state = OVERLAY_DRAINING, .who = "me"};
    assert_int_equal(overlay_with(&overlay, &nothing, &row), 0);
    struct config *config = parse_good(ONE(""));
    overlay_follow(&overlay, config, no_row);
    assert_int_equal(overlay.count, 1);
    config_free(config);
    struct image image = compile(ONE(""), manifest, &overlay);
    const struct snapshot_peer *peers = section(&image, SECTION_PEERS);
    assert_int_equal(peers[2].flags, SNAPSHOT_PRESENT | PEER_APPLICATION | PEER_DRAINING);
    release(&image);
    overlay_free(&overlay);
    manifest_free(manifest);
}

static void test_views(void **state)
{
    struct config *config = parse_good(WHOLE), *bare = parse_good(ONE(""));
    struct config_retry_view retry;
    assert_int_equal(config_applications(config), 1);
    struct config_application_view view = config_application_view(config, 0);
    assert_string_equal(view.name, "x");
    assert_true(view.answer.status == 200 && view.answer.after_ms == 1000 && view.answer.ring_status == 180 &&
                view.answer.ring_after_ms == 500 && view.answer.hang_up_ms == 30000);
    assert_int_equal(view.answer.body_length, strlen(SDP));
    assert_memory_equal(view.answer.body, SDP, strlen(SDP));
    assert_true(view.refer == CONFIG_REFER_ACCEPT && view.refer_targets == 4 && view.refer_wait_ms == 3000 &&
                view.replaces == CONFIG_REFER_REFUSE && view.replaces_any_peer &&
                view.session_expires_s == 1800);
    assert_true(view.retry.count == 5 && view.retry.first_ms == 200 && view.retry.factor_percent == 150 &&
                view.retry.cap_ms == 10000 && view.retry.jitter_percent == 20);
    view = config_application_view(bare, 0);
    assert_true(view.answer.status == 0 && !view.answer.body && view.refer == CONFIG_REFER_ASK &&
                view.replaces == CONFIG_REFER_ASK && !view.replaces_any_peer && view.refer_targets == 0 &&
                view.refer_wait_ms == 15000 && view.session_expires_s == 0);
    assert_true(config_retry_view(bare, "default", &retry) && retry.count == 3 && retry.first_ms == 100 &&
                retry.factor_percent == 200 && retry.cap_ms == 5000);
    assert_false(config_retry_view(bare, "often", &retry));
    // The defaults are what `dialgatectl sip check` goes by, too.
    const struct judge_limits *usual = &judge_limits_ua;
    struct config_ua_limits_view limits = config_ua_limits_view(bare);
    assert_true(
        limits.header_line == usual->header_line && limits.body == usual->body && limits.uri == usual->uri &&
        limits.call_id == usual->call_id && limits.replaces == usual->replaces && limits.tag == usual->tag &&
        limits.vias == usual->vias && limits.routes == usual->routes && limits.media == usual->media_lines &&
        limits.refer_to_parameters == usual->refer_to_parameters);
    assert_true(limits.header_line == 8192 && limits.body == 65536 && limits.uri == 2048 &&
                limits.call_id == 256 && limits.replaces == 512 && limits.tag == 128 && limits.vias == 10 &&
                limits.routes == 10 && limits.refer_to_parameters == 20 && limits.media == 10);
    config_free(config);
    config_free(bare);
}

// The targets of WHOLE: peer p, users from +49, the host Example.net., and application x.
static void test_targets(void **state)
{
    static const struct {
        const char *peer, *user, *host;
        bool taken;
    } cases[] = {
        {"p", "1", "anywhere", true},       {"q", "1", "anywhere", false},
        {"x", "1", "anywhere", true},       {NULL, "1", "anywhere", false},
        {"q", "+4930", "anywhere", true},   {NULL, "+4", "anywhere", false},
        {NULL, "", "anywhere", false},      {NULL, "%2B4930", "anywhere", false},
        {"q", "", "eXample.NET.", true},    {"q", "1", "Example.net", false},
        {"q", "1", "Example.net.x", false},
    };
    struct config *config = parse_good(WHOLE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_refer_target target;
        const struct config_refer_uri uri = {.peer = cases[i].peer,
                                             .user = cases[i].user,
                                             .host = cases[i].host,
                                             .user_length = strlen(cases[i].user),
                                             .host_length = strlen(cases[i].host)};
        bool taken = false;
        size_t count = 0;
        while (config_refer_target_at(config, 0, count, &target)) {
            taken |= config_refer_target_takes(&target, &uri);
            count++;
        }
        assert_int_equal(count, 4);
        if (taken != cases[i].taken)
            fail_msg("case %zu: %staken", i, taken ? "" : "not ");
    }
    config_free(config);
}

// A URI that names the host, and leads to another one, is not that host's.
static void test_targets_elsewhere(void **state)
{
    struct config *config = parse_good(WHOLE);
    const struct config_refer_uri uri = {
        .user = "+4930", .host = "example.net.", .user_length = 5, .host_length = 12, .elsewhere = true};
    struct config_refer_target target;
    unsigned taken = 0;
    for (size_t i = 0; config_refer_target_at(config, 0, i, &target); i++) {
        taken += config_refer_target_takes(&target, &uri);
        assert_false(config_refer_target_takes(&target, &uri) && target.host);
    }
    assert_int_equal(taken, 1); // the user of any host
    config_free(config);
}

static void test_restart(void **state)
{
    struct config *without = parse_good(PEERS), *with = parse_good(ONE("")),
                  *ready = parse_good(PEERS "dialogs: {applications: 16384}\n");
    char text[64];
    assert_true(config_needs_restart(without, with, text, sizeof(text)));
    assert_string_equal(text, "dialogs.applications");
    assert_false(config_needs_restart(ready, with, text, sizeof(text)));
    assert_false(config_needs_restart(with, without, text, sizeof(text)));
    config_free(without);
    config_free(with);
    config_free(ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_drained),  cmocka_unit_test(test_views),
        cmocka_unit_test(test_targets),  cmocka_unit_test(test_targets_elsewhere),
        cmocka_unit_test(test_restart)};
    return cmocka_run_group_tests_name("config applications in use", tests, make_description,
                                       remove_description);
}
