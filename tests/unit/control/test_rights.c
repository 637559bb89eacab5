// SPDX-License-Identifier: BSD-3-Clause
// Who may do what, and what is written down of it; batches.
#include "cmocka_first.h"
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rpc/audit.h"
#include "rpc/call.h"
#include "rpc_world.h"

static struct rpc_world world;

// Groups that every system has stand for the roles.
static int setup(void **state)
{
    char section[256];
    *state = &world;
    if (rpc_world_open(&world, "viewer_group: games, operator_group: daemon, admin_group: adm") < 0)
        return -1;
    // The file's name is known only now.
    snprintf(section, sizeof(section), "sed -i 's|control: {|&audit: %s, |' %s", world.audit, world.config);
    return system(section) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    return rpc_world_close(&world);
}

static void on_answer(void *context, char *line)
{
    char **last = context;
    free(*last);
    *last = line;
}

// The answer's text, for free(); NULL: none.
static char *serve(const char *line, const struct rpc_user *user)
{
    char *last = strdup("not answered");
    struct rpc_answer answer = {.answer = on_answer, .context = &last, .user = user};
    rpc_serve(&world.control, line, strlen(line), &answer);
    return last;
}

static int64_t code_of(const char *method, const char *params, enum rpc_role role)
{
    char line[512];
    struct rpc_user user = {"alice", 1000, 77, role};
    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    char *text = serve(line, &user);
    int64_t code = rpc_code(json_loads(text, 0, NULL));
    free(text);
    return code;
}

// Every method with every role: what is beyond it is refused before the parameters are looked at.
static void test_every_method(void **state)
{
    for (const struct rpc_method *method = rpc_methods; method->name; method++) {
        assert_true(method->role > ROLE_NONE && method->role < ROLE_COUNT);
        for (int role = ROLE_NONE; role < ROLE_COUNT; role++) {
            bool denied = code_of(method->name, "{\"no such parameter\":1}", (enum rpc_role)role) == -32005;
            if (denied != (role < (int)method->role))
                fail_msg("%s as %s", method->name, role_name((enum rpc_role)role));
        }
    }
}

static void test_what_changes_is_not_for_viewers(void **state)
{
    static const char *const changes[] = {
        "peer.drain",      "peer.disable",  "peer.enable",   "drain.on",        "drain.off",    "dialog.end",
        "dialog.end_many", "config.reload", "prefilter.ban", "prefilter.unban", "ua.attach",    "ua.call",
        "ua.progress",     "ua.answer",     "ua.reject",     "ua.redirect",     "ua.terminate", "ua.cancel",
        "ua.close",        "ua.ack",        "ua.reinvite",   "ua.update",       "ua.hold",      "ua.unhold",
        "ua.request",      "ua.respond",    "ua.register",   "ua.unregister",   "ua.context",   "refer.send",
        "refer.answer",    "refer.notify"};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct rpc_method *method = rpc_methods;
        while (method->name && strcmp(method->name, changes[i]) != 0)
            method++;
        assert_non_null(method->name);
        assert_true(method->role > ROLE_VIEWER && method->audited);
    }
}

static void test_refusal_says_what_to_do(void **state)
{
    struct rpc_user user = {"alice", 1000, 77, ROLE_VIEWER};
    char *text = serve("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.reload\"}", &user);
    assert_non_null(strstr(text, "needs the role admin, you have viewer; join group adm"));
    free(text);
}

static const char *read_audit(char *text, size_t size)
{
    FILE *file = fopen(world.audit, "r");
    size_t length = file ? fread(text, 1, size - 1, file) : 0;
    text[length] = '\0';
    if (file)
        fclose(file);
    return text;
}

static void on_reloaded(void *context, int result, const char *text)
{
    *(bool *)context = true;
    assert_int_equal(result, 0);
}

static void load_audit_key(void)
{
    struct far_message message;
    bool done = false;
    char error[ERROR_SIZE] = "";
    struct reload_answer answer = {.done = on_reloaded, .context = &done};
    if (control_reload(&world.control, NULL, &answer, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    while (!done) {
        if (far_receive(world.far, &message, NULL, 0))
            far_done(world.far, CHANNEL_SNAPSHOT_RESULT, message.header.request, 0, "");
        far_run(world.base, 5);
    }
}

// One line a change, appended, opened again after a rotation.
static void test_audit(void **state)
{
    char text[8192], moved[128];
    struct stat status;
    load_audit_key();
    world.control.audit.denied = (struct log_limit){0}; // other tests were denied much
    assert_int_equal(code_of("drain.on", "{}", ROLE_VIEWER), -32005);
    json_t *entry = json_loads(read_audit(text, sizeof(text)), JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(entry, "user")), "alice");
    assert_string_equal(json_string_value(json_object_get(entry, "method")), "drain.on");
    assert_string_equal(json_string_value(json_object_get(entry, "role")), "viewer");
    assert_string_equal(json_string_value(json_object_get(entry, "result")), "refused");
    assert_int_equal(json_integer_value(json_object_get(entry, "uid")), 1000);
    assert_int_equal(json_integer_value(json_object_get(entry, "pid")), 77);
    assert_int_equal(strlen(json_string_value(json_object_get(entry, "time"))), 24);
    json_decref(entry);
    assert_int_equal(stat(world.audit, &status), 0);
    assert_int_equal(status.st_mode & 0777 & ~0640u, 0);
    assert_int_equal(code_of("config.show", "{}", ROLE_VIEWER), 0); // changes nothing
    assert_int_equal(code_of("peer.drain", "{\"peer\":\"a\\nb\"}", ROLE_OPERATOR), -32001);
    read_audit(text, sizeof(text));
    assert_int_equal(strchr(strchr(text, '\n') + 1, '\n')[1], '\0'); // two lines
    assert_non_null(strstr(text, "\"params\":{\"peer\":\"a\\nb\"}"));
    snprintf(moved, sizeof(moved), "%s.1", world.audit);
    assert_int_equal(rename(world.audit, moved), 0);
    code_of("peer.drain", "{\"peer\":\"c\"}", ROLE_OPERATOR);
    assert_int_equal(access(world.audit, F_OK), -1);
    audit_reopen(&world.control);
    code_of("peer.drain", "{\"peer\":\"d\"}", ROLE_OPERATOR);
    assert_non_null(strstr(read_audit(text, sizeof(text)), "\"peer\":\"d\""));
    assert_int_equal(world.control.rpc.audit_lost, 0);
    // A link, or a directory, in its place is not written to.
    audit_reopen(&world.control);
    assert_int_equal(unlink(world.audit), 0);
    assert_int_equal(symlink(moved, world.audit), 0);
    code_of("peer.drain", "{\"peer\":\"e\"}", ROLE_OPERATOR);
    assert_int_equal(world.control.rpc.audit_lost, 1);
    assert_int_equal(unlink(world.audit), 0);
    assert_int_equal(mkdir(world.audit, 0700), 0);
    code_of("peer.drain", "{\"peer\":\"f\"}", ROLE_OPERATOR);
    assert_int_equal(world.control.rpc.audit_lost, 2);
    rmdir(world.audit);
}

static json_t *audited(const struct audit_entry *entry, char *text, size_t size)
{
    unlink(world.audit);
    audit_reopen(&world.control);
    audit_write(&world.control, entry);
    json_t *json = json_loads(read_audit(text, size), JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(json);
    return json;
}

static const char *shown(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json_object_get(json, "params"), key));
}

// A call of an application: its dialog is told though only the answer names it, its password is not.
static void test_audit_of_applications(void **state)
{
    char text[8192];
    const struct rpc_method *method = rpc_methods;
    struct rpc_user user = {"alice", 1000, 77, ROLE_OPERATOR};
    while (strcmp(method->name, "ua.call") != 0)
        method++;
    json_t *params =
        json_pack("{s:s, s:s, s:s}", "to", "sip:bob@example.net", "password", "a secret", "body", "v=0\r\n");
    json_t *result = json_pack("{s:s, s:s}", "dialog", "00000000000000aa", "call_id", "c@example.net");
    struct audit_entry entry = {.user = &user, .method = method, .params = params, .result = result};
    json_t *json = audited(&entry, text, sizeof(text));
    assert_null(strstr(text, "a secret"));
    assert_string_equal(shown(json, "to"), "sip:bob@example.net");
    assert_string_equal(shown(json, "body"), "(5 octets)");
    assert_string_equal(json_string_value(json_object_get(json, "dialog")), "00000000000000aa");
    assert_null(json_object_get(json, "call_id"));
    assert_string_equal(json_string_value(json_object_get(params, "password")), "a secret"); // a copy was cut
    json_decref(json);
    // What is named twice is told once, what is no UTF-8 is told all the same.
    json_object_set_new(params, "dialog", json_string("00000000000000bb"));
    entry.code = DG_NOT_FOUND;
    entry.text = "no \xc3";
    json = audited(&entry, text, sizeof(text));
    assert_string_equal(shown(json, "dialog"), "00000000000000bb");
    assert_null(json_object_get(json, "dialog"));
    assert_non_null(json_object_get(json, "text"));
    json_decref(json);
    json_decref(result);
    json_decref(params);
    unlink(world.audit);
}

// Of what programs do the file has every line.
static void test_audit_of_programs(void **state)
{
    char text[65536];
    unsigned lines = 0;
    const struct audit_entry entry = {.method = rpc_methods, .program = true};

    unlink(world.audit);
    audit_reopen(&world.control);
    world.control.audit.programs = (struct log_limit){0};
    for (unsigned i = 0; i < 100; i++)
        audit_write(&world.control, &entry);
    assert_true(world.control.audit.programs.passed > 0);
    for (const char *at = read_audit(text, sizeof(text)); (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 100);
    unlink(world.audit);
}

// Batches: what goes in, what comes out ("" nothing, else what the text has in this order).
static const struct {
    const char *what, *line, *says[4];
} batches[] = {
    {"one",
     "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"drain.status\"}]",
     {"[{", "\"id\":1", "\"result\"", "}]\n"}},
    {"two and a notification",
     "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"drain.status\"},{\"jsonrpc\":\"2.0\",\"method\":\"drain."
     "status\"},"
     "{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":\"nothing\"}]",
     {"[{", "\"id\":1", "\"id\":\"b\"", "-32601"}},
    {"only notifications", "[{\"jsonrpc\":\"2.0\",\"method\":\"drain.status\"}]", {NULL}},
    {"empty", "[]", {"{", "\"id\":null", "-32600", "}\n"}},
    {"no requests", "[1,[]]", {"[{", "-32600", "-32600", "}]\n"}},
    {"a broken one between",
     "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"drain.status\"},{\"id\":5}]",
     {"\"result\"", "\"id\":5", "-32600", "]\n"}},
    {"following",
     "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\"}]",
     {"\"id\":1", "connection", NULL}},
};

static void test_batches(void **state)
{
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        char *text = serve(batches[i].line, NULL);
        const char *at = text;
        if (!batches[i].says[0])
            assert_null(text);
        for (size_t k = 0; k < 4 && batches[i].says[k]; k++) {
            at = at ? strstr(at, batches[i].says[k]) : NULL;
            if (!at)
                fail_msg("%s: %s", batches[i].what, text);
            at += strlen(batches[i].says[k]);
        }
        free(text);
    }
}

// A hundred are served, not more; and not much more than the octets that answers may have.
static void test_batch_limits(void **state)
{
    static const char one[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"drain.status\"}";
    char *line = malloc(102 * sizeof(one) + 3);
    for (unsigned int count = RPC_BATCH_MAX; count <= RPC_BATCH_MAX + 1; count++) {
        strcpy(line, "[");
        for (unsigned int i = 0; i < count; i++) {
            strcat(line, i ? "," : "");
            strcat(line, one);
        }
        strcat(line, "]");
        char *text = serve(line, NULL);
        json_t *answer = json_loads(text, 0, NULL);
        assert_int_equal(json_array_size(answer), count == RPC_BATCH_MAX ? RPC_BATCH_MAX : 0);
        json_decref(answer);
        free(text);
    }
    free(line);
    assert_int_equal(world.control.rpc.refused[RPC_REFUSED_BATCH], 2); // and the empty one above
}

// The answer comes from the dataplane, later, twice.
static void test_batch_waits(void **state)
{
    static const char line[] =
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.show\",\"params\":[\"a@b\"]},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"dialog.show\",\"params\":[\"c@d\"]}]";
    char *last = NULL;
    struct far_message message;
    struct rpc_answer answer = {.answer = on_answer, .context = &last};
    rpc_serve(&world.control, line, strlen(line), &answer);
    for (int i = 0; i < 2; i++) {
        far_run(world.base, 20);
        assert_null(last);
        assert_true(far_receive(world.far, &message, NULL, 60000));
        assert_int_equal(message.header.type, CHANNEL_DIALOG_SHOW);
        far_done(world.far, CHANNEL_DONE, message.header.request, -2, "no such dialog");
    }
    for (int i = 0; i < 100 && !last; i++)
        far_run(world.base, 10);
    json_t *both = json_loads(last, 0, NULL);
    assert_int_equal(json_array_size(both), 2);
    json_decref(both);
    free(last);
}

// Roles of real processes: each row connects with these groups, the first of them as its own.
static const struct {
    const char *what;
    const char *groups[3];
    uid_t uid;
    int64_t show, drain, reload; // codes
} peers[] = {
    {"no group of ours", {"nogroup"}, 65534, -32005, 0, 0},
    {"viewer", {"games"}, 65534, 0, -32005, -32005},
    {"viewer by a supplementary group", {"nogroup", "games"}, 65534, 0, -32005, -32005},
    {"operator", {"nogroup", "daemon"}, 65534, 0, -32001, -32005},
    {"admin", {"nogroup", "games", "adm"}, 65534, 0, -32001, -32000},
    {"root", {"nogroup"}, 0, 0, -32001, -32000},
};

static gid_t gid_of(const char *name)
{
    const struct group *entry = getgrnam(name);
    assert_non_null(entry);
    return entry->gr_gid;
}

// In a child of its own: asks three things and leaves what came in the pipe.
static void ask_as(size_t row, int out)
{
    static const char lines[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"drain.status\"}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"peer.drain\",\"params\":[\"nobody\"]}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"config.reload\",\"params\":[\"/nonexistent\"]}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    gid_t groups[3];
    size_t count = 0;
    char block[4096];
    ssize_t got;
    for (; count < 3 && peers[row].groups[count]; count++)
        groups[count] = gid_of(peers[row].groups[count]);
    strcpy(address.sun_path, world.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (setgroups(count, groups) < 0 || setgid(groups[0]) < 0 || setuid(peers[row].uid) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        _exit(1);
    if (send(fd, lines, strlen(lines), MSG_NOSIGNAL) < 0 && row > 0)
        _exit(1);
    shutdown(fd, SHUT_WR);
    while ((got = recv(fd, block, sizeof(block), 0)) > 0)
        if (write(out, block, (size_t)got) < 0)
            _exit(1);
    _exit(0);
}

static void test_real_peers(void **state)
{
    if (geteuid() != 0)
        skip();
    // The door is not what is tried here: everybody may knock.
    assert_int_equal(chmod(world.path, 0666), 0);
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        int ends[2];
        char text[8192] = "";
        size_t used = 0;
        int status = -1;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0)
            ask_as(i, ends[1]);
        close(ends[1]);
        for (int turn = 0; turn < 1000 && waitpid(pid, &status, WNOHANG) == 0; turn++)
            far_run(world.base, 5);
        ssize_t got;
        while ((got = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
            used += (size_t)got;
        text[used] = '\0';
        close(ends[0]);
        print_message("%s: %s\n", peers[i].what, text);
        assert_int_equal(status, 0);
        const int64_t codes[] = {peers[i].show, peers[i].drain, peers[i].reload};
        char *line = strtok(text, "\n");
        for (size_t k = 0; k < 3; k++) {
            if (k > 0 && i == 0) { // it was told once, and closed
                assert_null(line);
                break;
            }
            assert_int_equal(rpc_code(json_loads(line, 0, NULL)), codes[k]);
            line = strtok(NULL, "\n");
        }
    }
    assert_int_equal(world.control.rpc.refused[RPC_REFUSED_STRANGER], 1);
}

// Places are kept for admins: who fills the others keeps them not out.
static void test_places_of_admins(void **state)
{
    struct rpc_reader admin;
    int ready[2], go[2];
    char octet;
    if (geteuid() != 0)
        skip();
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        gid_t viewer = gid_of("games");
        strcpy(address.sun_path, world.path);
        if (setgroups(1, &viewer) < 0 || setgid(viewer) < 0 || setuid(65534) < 0)
            _exit(1);
        for (int i = 0; i < 300; i++)
            if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)) < 0)
                _exit(1);
        _exit(write(ready[1], "x", 1) == 1 && read(go[0], &octet, 1) == 1 ? 0 : 1);
    }
    for (int i = 0; i < 1000 && world.control.rpc.refused[RPC_REFUSED_CLIENTS] < 300 - 224; i++)
        far_run(world.base, 5);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    assert_int_equal(world.control.rpc.clients, 224);
    rpc_reader_open(&admin, &world);
    rpc_reader_say(&admin, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"drain.status\"}\n");
    assert_int_equal(rpc_code(rpc_reader_line(&world, &admin)), 0);
    rpc_reader_close(&admin);
    assert_int_equal(write(go[1], "x", 1), 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ready[0]);
    close(ready[1]);
    close(go[0]);
    close(go[1]);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_every_method),
                                     cmocka_unit_test(test_what_changes_is_not_for_viewers),
                                     cmocka_unit_test(test_refusal_says_what_to_do),
                                     cmocka_unit_test(test_batches),
                                     cmocka_unit_test(test_batch_limits),
                                     cmocka_unit_test(test_batch_waits),
                                     cmocka_unit_test(test_audit),
                                     cmocka_unit_test(test_audit_of_applications),
                                     cmocka_unit_test(test_audit_of_programs),
                                     cmocka_unit_test(test_real_peers),
                                     cmocka_unit_test(test_places_of_admins)};
    return cmocka_run_group_tests(all, setup, teardown);
}
