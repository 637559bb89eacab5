// SPDX-License-Identifier: BSD-3-Clause
// Applications: what may be said of them, and how it is shown.
#include <sys/stat.h>
#include <unistd.h>
#include "keys.h"
#include "place.h"
#include "rows.h"

#define BODIES       "/proc/self/cwd" // a directory of this process
#define ONE(keys)    PEERS "applications:\n  - {name: x" keys "}\nroutes: [{from: p, to: x}]\n"
#define RETRY(rows)  PEERS "retry:\n" rows
#define ROUTES(rows) PEERS "applications: [{name: x}, {name: y}]\nroutes:\n  - " rows "\n"

static const struct row rows[] = {
    {"smallest", ONE(""), NULL},
    {"all of it",
     ONE(", listener: a, reliable: required, refer: accept, refer_targets: [p, '+49@*', '@Example.net.', x], "
         "refer_wait: 3s, replaces: accept, replaces_from: any-peer, retry: network, session: {expires: 30m, "
         "minimum: 2m, "
         "refresher: local}, "
         "answer: {status: 200, after: 1s, ring: 180, ring_after: 500ms, hang_up: 30s, body: " BODIES
         "/sdp}, limits: {calls_per_second: 5, out_concurrent_calls: 7}"),
     NULL},
    {"refused by itself", ONE(", answer: {status: 486}"), NULL},
    {"without a name", PEERS "applications: [{reliable: off}]\n",
     "10:16: applications[0].name: is missing; give a name"},
    {"unknown key", ONE(", sources: [10.0.0.1]"),
     "11:15: applications[0].sources: unknown key here, it stands under peers[]; give one of name, listener, "
     "reliable, refer, refer_targets, refer_wait, replaces, replaces_from, retry, session, answer, limits"},
    {"unknown key of its session", ONE(", session: {expire: 30m}"),
     "11:25: applications[0].session.expire: unknown key, did you mean expires; give one of expires, "
     "minimum, refresher"},
    {"name of any peer", PEERS "applications:\n  - {name: any-peer}\n",
     "11:12: applications[0].name: any-peer means every peer in routes; choose another name"},
    {"name of a peer", PEERS "applications:\n  - {name: q}\n",
     "11:12: applications[0].name: q is the name of a peer; rename one"},
    {"name of two", PEERS "applications:\n  - {name: x}\n  - {name: x}\n",
     "12:12: applications[1].name: x is the name of two applications; rename one"},
    {"unknown listener", ONE(", listener: b"),
     "11:25: applications[0].listener: no listener is called b; add it under listeners"},
    {"unknown policy", ONE(", retry: often"),
     "11:22: applications[0].retry: no policy is called often; add it under retry"},
    {"unknown reliable", ONE(", reliable: on"),
     "11:25: applications[0].reliable: 'on' is not known here; give off | supported | required"},
    {"REFER for anybody", ONE(", refer: accept"),
     "11:22: applications[0].refer: accept would let callers call anybody through us; give refer_targets, "
     "too"},
    {"REFER for everybody", ONE(", refer: accept, refer_targets: ['@*']"),
     "11:46: applications[0].refer_targets[0]: @* allows everybody; give whom, or refer: ask"},
    {"unknown target", ONE(", refer_targets: [p, r]"),
     "11:34: applications[0].refer_targets[1]: no peer is called r; give one, or such as +49@* or "
     "@example.net"},
    {"target of no host", ONE(", refer_targets: [49@-x]"),
     "11:31: applications[0].refer_targets[0]: '-x' is not a host; give one such as example.net, or *"},
    {"target with a scheme", ONE(", refer_targets: 'sip:x@y'"),
     "11:30: applications[0].refer_targets: 'sip:x@y' is not a target; give a peer's name, or such as +49@* "
     "or @example.net"},
    {"target in a list", ONE(", refer_targets: [[p]]"),
     "11:31: applications[0].refer_targets[0]: is not a single value; give one without { } or [ ]"},
    {"no target", ONE(", refer_targets: []"),
     "11:30: applications[0].refer_targets: names nothing; give a target, or a list of up to 32"},
    {"session below the RFC's", ONE(", session: {minimum: 89s}"),
     "11:34: applications[0].session.minimum: 89s is out of range; give 90s to 1d"},
    {"session below its minimum", ONE(", session: {expires: 90s, minimum: 91s}"),
     "11:34: applications[0].session.expires: is shorter than minimum; give it or more"},
    {"answer of no status", ONE(", answer: {after: 1s}"),
     "11:31: applications[0].answer.after: is given without status; give that too"},
    {"ringing of no answer", ONE(", answer: {ring: 180}"),
     "11:30: applications[0].answer.ring: is given without status; give that too"},
    {"ringing of no status", ONE(", answer: {status: 486, ring_after: 1s}"),
     "11:49: applications[0].answer.ring_after: is given without ring; give that too"},
    {"ringing behind the answer", ONE(", answer: {status: 486, after: 1s, ring: 180, ring_after: 1s}"),
     "11:71: applications[0].answer.ring_after: is not before the answer; give less than after"},
    {"hanging up what was refused", ONE(", answer: {status: 486, hang_up: 1s}"),
     "11:46: applications[0].answer.hang_up: is given without a status of 200 to 299; give that too"},
    {"description of a refusal", ONE(", answer: {status: 486, body: " BODIES "/sdp}"),
     "11:43: applications[0].answer.body: is given without a status of 200 to 299; give that too"},
    {"answer of no description", ONE(", answer: {status: 200}"),
     "11:32: applications[0].answer.status: takes calls without a session description (RFC 3261 13.2.1); "
     "give body, too"},
    {"answer of a provisional status", ONE(", answer: {status: 180}"),
     "11:32: applications[0].answer.status: 180 is out of range; give 200 to 699"},
    {"description that is not there", ONE(", answer: {status: 200, body: " BODIES "/none}"),
     "11:43: applications[0].answer.body: " BODIES "/none cannot be read: No such file or directory; give a "
     "readable file of at most 64 KiB"},
    {"description in a directory", ONE(", answer: {status: 200, body: " BODIES "}"),
     "11:43: applications[0].answer.body: " BODIES " cannot be read: Invalid argument; give a readable file "
     "of at most 64 KiB"},
    {"description that is none", ONE(", answer: {status: 200, body: " BODIES "/text}"),
     "11:43: applications[0].answer.body: " BODIES "/text is no session description; give one that begins "
     "with v=0"},
    {"description that is too long",
     ONE(", answer: {status: 200, body: " BODIES "/sdp}") "application_limits: {body: 10}\n",
     "11:43: applications[0].answer.body: is longer than application_limits.body; give a shorter one"},
    {"description of too many media",
     ONE(", answer: {status: 200, body: " BODIES "/sdp}") "application_limits: {media: 1}\n",
     "11:43: applications[0].answer.body: has more m= lines than application_limits.media; give fewer"},
    {"burst of no rate", ONE(", limits: {burst: 5}"),
     "11:31: applications[0].limits.burst: is given without calls_per_second; give that too"},
    {"burst of no rate to it", ONE(", limits: {out_burst: 5}"),
     "11:35: applications[0].limits.out_burst: is given without out_calls_per_second; give that too"},
    {"policies",
     RETRY("  - {name: slow, count: 9, first: 1s, factor: 300, cap: 1m, jitter: 0}\n"
           "  - {name: network, count: 0}\n"),
     NULL},
    {"policy of two", RETRY("  - {name: slow}\n  - {name: slow}\n"),
     "12:12: retry[1].name: slow is the name of two policies; rename one"},
    {"policy that shrinks", RETRY("  - {name: slow, factor: 99}\n"),
     "11:26: retry[0].factor: 99 is out of range; give 100 to 1000"},
    {"cap below the first", RETRY("  - {name: slow, first: 6s}\n"),
     "11:5: retry[0].cap: is shorter than first; give it or more"},
    {"from an application", ROUTES("{from: x, to: q}"), NULL},
    {"from an application to another", ROUTES("{from: x, to: y}"),
     "12:19: routes[0].to: is an application as from is; calls between two of them are not made"},
    {"answer to an application", ROUTES("{from: x, answer: 486}"),
     "12:23: routes[0].answer: is not for what an application sends; give to"},
    {"redirection of an application", ROUTES("{from: x, redirect: 'sip:a@b'}"),
     "12:25: routes[0].redirect: is not for what an application sends; give to"},
    {"where an application is received", ROUTES("{from: x, listener: a, to: q}"),
     "12:25: routes[0].listener: receives nothing of what an application sends; remove it"},
    {"to us from an application", ROUTES("{from: x, to_us: true, to: q}"),
     "12:22: routes[0].to_us: is not for what an application sends; remove it"},
    {"to an application", ROUTES("{from: any-peer, uri_user: '99', to: x}"), NULL},
    {"stripped for an application", ROUTES("{from: p, to: x, strip: 1}"),
     "12:29: routes[0].strip: is not for what an application gets; remove it"},
    {"prepended for an application", ROUTES("{from: p, to: x, prepend: '0'}"),
     "12:31: routes[0].prepend: is not for what an application gets; remove it"},
    {"host set for an application", ROUTES("{from: p, to: x, set_host: h}"),
     "12:32: routes[0].set_host: is not for what an application gets; remove it"},
};

static char directory[] = "/tmp/dialgate-applications-XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int make_bodies(void **state)
{
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    write_file("sdp", "v=0\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n");
    write_file("text", "hello\n");
    return 0;
}

static int remove_bodies(void **state)
{
    unlink("sdp");
    unlink("text");
    return rmdir(directory);
}

static void test_rows(void **state)
{
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

// rows[1] printed means the same, and says what was given.
static void test_printed(void **state)
{
    static const char *const parts[] = {
        "  - name: x\n    listener: a\n    reliable: required\n    refer: accept\n"
        "    refer_targets: ['p', '+49@*', '@Example.net.', 'x']\n    refer_wait: 3s\n    replaces: accept\n"
        "    replaces_from: any-peer\n    retry: network\n"
        "    session: {expires: 30m, minimum: 2m, refresher: local}\n"
        "    answer: {status: 200, after: 1s, ring: 180, ring_after: 500ms, hang_up: 30s, body: '" BODIES
        "/sdp'}\n    limits: {calls_per_second: 5, out_concurrent_calls: 7, reply: 503, retry_after: 5s}\n",
        ("retry:\n  - {name: default, count: 3, first: 100ms, factor: 200, cap: 5s, jitter: 20}\n"
         "  - {name: network, count: 5, first: 200ms, factor: 150, cap: 10s, jitter: 20}\n"),
        "  applications: 16384\n",
    };
    struct config *config = parse_good(rows[1].text);
    char *printed = print_text(config), differences[64];
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(printed, parts[i]))
            fail_msg("'%s' is not in:\n%s", parts[i], printed);
    struct config *again = parse_good(printed);
    char *twice = print_text(again);
    assert_string_equal(printed, twice);
    assert_false(config_needs_restart(config, again, differences, sizeof(differences)));
    config_free(config);
    config_free(again);
    free(printed);
    free(twice);
}

// The commented example in config/dialgate.yaml says every key, and means what is so without it.
static void test_shipped(void **state)
{
    static char text[1 << 16], bare[1 << 16];
    char path[128];
    FILE *in = fopen(SOURCE_ROOT "/config/dialgate.yaml", "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    size_t length = 0;
    bool within = false;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        within = line[0] == '#' &&
                 (within || strncmp(line, "# applications:", 15) == 0 || strncmp(line, "# retry:", 8) == 0);
        size_t skip = within ? 2 : 0, end = strcspn(line, "\n") + 1;
        memcpy(bare + length, line + skip, end - skip);
        length += end - skip;
    }
    struct config *config = parse_good(bare);
    struct places places = {.file = "t"};
    assert_int_equal(places_read(&places, bare, length), 0);
    const struct key_group *group;
    for (size_t i = 0; (group = keys_group(i)); i++) {
        if (strncmp(group->path, "applications[]", 14) != 0 && strcmp(group->path, "retry[]") != 0)
            continue;
        for (size_t k = 0; k < group->count; k++) {
            const struct key *key = &group->keys[k];
            const char *dot = strchr(group->path, '.');
            snprintf(path, sizeof(path), "%.*s[0]%s.%s", (int)strcspn(group->path, "["), group->path,
                     dot ? dot : "", key->name);
            bool given = strcmp(places_find(&places, path)->path, path) == 0;
            snprintf(path, sizeof(path), "# %s: ", key->name);
            if (!given && (!key->fallback || key->fallback[0] || !strstr(bare, path)))
                fail_msg("%s.%s is not in config/dialgate.yaml", group->path, key->name);
        }
    }
    struct config *plain = parse_good(text);
    char *with = print_text(config), *without = print_text(plain);
    char *retry = strstr(with, "retry:\n"), *other = strstr(without, "retry:\n");
    assert_true(retry && other);
    assert_memory_equal(retry, other, strcspn(other, "}"));
    assert_int_equal(config_applications(config), 1);
    free(with);
    free(without);
    places_free(&places);
    config_free(config);
    config_free(plain);
}

struct told {
    char text[2048];
    size_t length;
};

static void tell(void *context, const struct config_change *change)
{
    struct told *told = context;
    told->length +=
        (size_t)snprintf(told->text + told->length, sizeof(told->text) - told->length, "%d %s|%s|%s\n",
                         (int)change->kind, change->path, change->before, change->after);
}

static void test_diff(void **state)
{
    static const struct {
        const char *old, *new, *changes;
    } cases[] = {
        {ONE(""), ONE(", refer_targets: [p], session: {expires: 30m}"),
         "0 applications.x.refer_targets||['p']\n0 applications.x.session.expires||30m\n"},
        {PEERS "dialogs: {applications: 64}\n",
         PEERS "dialogs: {applications: 64}\napplications: [{name: x, answer: {status: 486}}]\n",
         "1 applications.x||name: x\n1 applications.x.answer||status: 486\n"},
        {RETRY("  - {name: slow}\n  - {name: default, count: 7}\n"), RETRY("  - {name: slow, cap: 6s}\n"),
         "0 retry.slow.cap|5s|6s\n0 retry.default.count|7|3\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *old = parse_good(cases[i].old), *new = parse_good(cases[i].new);
        struct told told = {.length = 0};
        assert_int_equal(config_diff(old, new, tell, &told), 0);
        assert_string_equal(told.text, cases[i].changes);
        config_free(old);
        config_free(new);
    }
}

static void test_warnings(void **state)
{
    static const struct {
        const char *text, *warning;
    } cases[] = {
        {ONE(""), NULL},
        {ROUTES("{from: x, to: p}\n  - {from: p, to: y}"), NULL},
        {ROUTES("{from: x, to: p}"), "t:10:27: applications[1]: no route names it: nobody calls it, and it "
                                     "calls only where a call names its peer"},
        {PEERS "applications: [{name: x, answer: {status: 486}}]\nroutes: [{from: x, to: p}]\n",
         "t:10:34: applications[0].answer: has no effect: no route leads to it"},
        // any-peer is no application: the second route is reached.
        {PEERS "applications: [{name: x}]\nroutes: [{from: any-peer, to: q}, {from: x, to: p}]\n", NULL},
        {PEERS "applications: [{name: x}]\nroutes: [{from: x, to: q}, {from: x, to: p}]\n",
         "t:11:28: routes[1]: is never reached: the route of line 11 takes all that it would"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *config = parse_good(cases[i].text);
        const char *warning = NULL, *seen = "";
        for (size_t k = 0; (warning = config_warning_at(config, k)); k++)
            if (!strstr(warning, "no route names this peer"))
                seen = warning;
        assert_string_equal(seen, cases[i].warning ? cases[i].warning : "");
        config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_printed),
                                       cmocka_unit_test(test_shipped), cmocka_unit_test(test_diff),
                                       cmocka_unit_test(test_warnings)};
    return cmocka_run_group_tests_name("config applications", tests, make_bodies, remove_bodies);
}
