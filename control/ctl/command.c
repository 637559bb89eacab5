// SPDX-License-Identifier: BSD-3-Clause
#include "ctl.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "pager.h"
#include "table.h"
#include "watch.h"

static const struct ctl_word none[] = {{0}};
static const struct ctl_word peer_word[] = {{"PEER", "peer", CTL_TEXT, true, "name of a peer"}, {0}};
static const struct ctl_word member_words[] = {
    {"PEER", "peer", CTL_TEXT, true, "name of a peer"},
    {"MEMBER", "member", CTL_TEXT, false, "address, address:port or host; without it, the whole peer"},
    {0}};
static const struct ctl_word id_word[] = {{"ID", "id", CTL_TEXT, true, "Call-ID or short id"}, {0}};
static const struct ctl_word file_word[] = {{"FILE", "file", CTL_TEXT, true, "YAML file"}, {0}};
static const struct ctl_word sip_words[] = {
    {"FILE...", "files", CTL_LIST, true, "files of one SIP message each; - is standard input"}, {0}};
static const struct ctl_word sip_word[] = {{"FILE", "file", CTL_TEXT, true, "one SIP message"}, {0}};
static const struct ctl_word sip_options[] = {
    {"--ua", "ua", CTL_FLAG, false, "as a user agent judges, with its limits"}, {0}};
static const struct ctl_word reload_word[] = {
    {"FILE", "file", CTL_TEXT, false, "instead of the file in force"}, {0}};
static const struct ctl_word begun_words[] = {
    {"WORD...", "words", CTL_LIST, true, "of a command line; the last one is begun"}, {0}};
static const struct ctl_word method_word[] = {{"METHOD", "method", CTL_TEXT, false, "only this method"}, {0}};
static const struct ctl_word diff_word[] = {
    {"FILE", "file", CTL_TEXT, false, "instead of the file in force as it is now"}, {0}};
static const struct ctl_word version_word[] = {
    {"VERSION", "version", CTL_NUMBER, false, "of config history; without it, the one of before"}, {0}};
static const struct ctl_word version_options[] = {
    {"--version", "version", CTL_NUMBER, false, "of config history, instead of a file or what is in force"},
    {0}};
static const struct ctl_word address_word[] = {{"ADDRESS", "address", CTL_TEXT, true, "IPv4 address"}, {0}};

static const struct ctl_word list_options[] = {
    {"--peer", "peer", CTL_TEXT, false, "from or to this peer"},
    {"--state", "state", CTL_TEXT, false, "none, early, confirmed, terminating, terminated"},
    {"--older", "older_ms", CTL_DURATION_MS, false, "at least this old: 30s, 5m, 2h"},
    {"--older-than", "older_ms", CTL_DURATION_MS, false, "the same"},
    {"--limit", "limit", CTL_NUMBER, false, "this many rows, then end"},
    {"--after", "cursor", CTL_TEXT, false, "go on behind this cursor"},
    {0},
};
static const struct ctl_word follow_options[] = {
    {"--kind", "kinds", CTL_LIST, false,
     "dialog, member, limit, ban, config, refer, capture or health; may be repeated"},
    {"--peer", "peer", CTL_TEXT, false, "only what concerns this peer"},
    {"--call-id", "call_id", CTL_TEXT, false, "only the dialogs of this Call-ID"},
    {"--since", "since", CTL_NUMBER, false, "first what is kept behind this number"},
    {"--stream", "stream", CTL_TEXT, false,
     "which --since is a number of; it is said when a connection ends"},
    {"--limit", "limit", CTL_NUMBER, false, "this many events, then end"},
    {0},
};
static const struct ctl_word end_word[] = {{"ID", "id", CTL_TEXT, false, "Call-ID or short id"}, {0}};
static const struct ctl_word end_options[] = {
    {"--all", "all", CTL_FLAG, false, "every dialog with this Call-ID; without an ID: every dialog"},
    {"--peer", "peer", CTL_TEXT, false, "without an ID: those from or to this peer"},
    {"--state", "state", CTL_TEXT, false, "without an ID: none, early or confirmed ones"},
    {"--older-than", "older_ms", CTL_DURATION_MS, false, "without an ID: at least this old: 30s, 5m, 2h"},
    {"--rate", "rate", CTL_NUMBER, false, "without an ID: dialogs a second (100)"},
    {0},
};
static const struct ctl_word screen_options[] = {
    {"--once", "once", CTL_FLAG, false, "one picture of one second, for a log"},
    {0},
};
static const struct ctl_word top_options[] = {
    {"--limit", "limit", CTL_NUMBER, false, "rows a network (20)"},
    {0},
};
static const struct ctl_word ban_options[] = {
    {"--for", "seconds", CTL_DURATION_S, false, "lifetime: 90s, 10m, 1d; without it: until lifted"},
    {0},
};

static const struct ctl_word capture_word[] = {{"CAPTURE", "id", CTL_NUMBER, true, "id of a capture"}, {0}};
static const struct ctl_word capture_options[] = {
    {"--call-id", "call_id", CTL_TEXT, false, "messages with this Call-ID"},
    {"--peer", "peer", CTL_TEXT, false, "whole calls from or to this peer"},
    {"--number", "number", CTL_TEXT, false, "whole calls whose user in Request-URI, From or To begins so"},
    {"--sample", "sample", CTL_NUMBER, false, "one of so many calls, whole; 1: all"},
    {"--dropped", "dropped", CTL_FLAG, false, "only what is dropped, of these or of everything, and why"},
    {"--for", "duration_ms", CTL_DURATION_MS, false, "end then: 30s, 10m, 1h (capture.duration)"},
    {"--max-messages", "messages", CTL_NUMBER, false, "end after so many"},
    {"--max-size", "octets", CTL_SIZE, false, "end before the file is longer: 64KiB, 10MiB (capture.size)"},
    {"--file", "file", CTL_TEXT, false,
     "name of a new file in capture.directory; without it, by time and id"},
    {"--hep", "hep", CTL_TEXT, false, "ADDRESS:PORT of Homer or sngrep, instead of a file"},
    {"--wait", "wait", CTL_FLAG, false, "until it is over; Ctrl-C stops it"},
    {0},
};

static const struct ctl_word dialog_word[] = {
    {"DIALOG", "dialog", CTL_TEXT, true, "id of an application's dialog"}, {0}};
static const struct ctl_word place_words[] = {{"TO", "to", CTL_TEXT, true, "URI or name-addr"}, {0}};
static const struct ctl_word redirect_words[] = {
    {"DIALOG", "dialog", CTL_TEXT, true, "id of an application's dialog"},
    {"TARGET...", "targets", CTL_LIST, true, "URIs, the best first"},
    {0}};
static const struct ctl_word send_words[] = {
    {"DIALOG", "dialog", CTL_TEXT, true, "id of an application's dialog"},
    {"REQUEST", "method", CTL_TEXT, true, "INFO, MESSAGE, OPTIONS, NOTIFY, ..."},
    {0}};

#define CTL_CONTENT                                                                                          \
    {"--header", "headers", CTL_LIST, false, "\"Name: value\"; may be repeated"},                            \
        {"--body", "body", CTL_TEXT, false, "file with the body; - is standard input"},                      \
    {                                                                                                        \
        "--type", "content_type", CTL_TEXT, false, "of the body; application/sdp where it begins with v=0"   \
    }

static const struct ctl_word calls_options[] = {
    {"--application", "application", CTL_TEXT, false, "only of this one"},
    {"--state", "state", CTL_TEXT, false, "none, early, confirmed, terminating"},
    {"--call-id", "call_id", CTL_TEXT, false, "only those of this Call-ID"},
    {"--limit", "limit", CTL_NUMBER, false, "rows (100)"},
    {"--after", "after", CTL_TEXT, false, "go on behind this cursor"},
    {0},
};
static const struct ctl_word place_options[] = {
    {"--application", "application", CTL_TEXT, false, "that places it"},
    {"--from", "from", CTL_TEXT, false, "URI or name-addr; without it, made of the application"},
    {"--peer", "peer", CTL_TEXT, false, "to this peer; without it, by the routes"},
    {"--member", "member", CTL_TEXT, false, "address:port of one of its members"},
    {"--user", "user", CTL_TEXT, false, "answers 401 and 407"},
    {"--password-file", "password_file", CTL_TEXT, false, "file whose first line is the user's password"},
    {"--redirect", "redirect", CTL_NUMBER, false, "targets of 3xx to try (0)"},
    {"--timeout", "timeout_ms", CTL_DURATION_MS, false, "cancel it then: 30s, 2m"},
    {"--context", "context", CTL_TEXT, false, "kept with the dialog"},
    CTL_CONTENT,
    {0},
};
static const struct ctl_word answer_options[] = {
    {"--status", "status", CTL_NUMBER, false, "ring: 180, answer: 200, reject: 486 unless given"},
    CTL_CONTENT,
    {0},
};
static const struct ctl_word hang_up_options[] = {
    {"--status", "status", CTL_NUMBER, false, "where the call has no answer yet (480)"},
    {"--cause", "cause", CTL_NUMBER, false, "of a Reason (RFC 3326)"},
    {"--protocol", "protocol", CTL_TEXT, false, "of that Reason: SIP, Q.850"},
    {"--text", "text", CTL_TEXT, false, "of that Reason"},
    {0},
};
static const struct ctl_word send_options[] = {CTL_CONTENT, {0}};
static const struct ctl_word refers_options[] = {
    {"--open", "open", CTL_FLAG, false, "only those under way"},
    {"--origin", "origin", CTL_TEXT, false, "proxied, operator or application"},
    {"--peer", "peer", CTL_TEXT, false, "who refers or is referred"},
    {"--application", "application", CTL_TEXT, false, "of its calls only"},
    {"--limit", "limit", CTL_NUMBER, false, "rows (100)"},
    {0},
};
static const struct ctl_word refer_word[] = {{"ID", "refer", CTL_TEXT, true, "of a transfer"}, {0}};
static const struct ctl_word refer_send_words[] = {
    {"DIALOG", "dialog", CTL_TEXT, true, "id of an application's dialog, or of one between two peers"},
    {"TARGET", "words", CTL_LIST, false,
     "URI to call; else the far end of --replaces. Between two peers `caller` or `callee`, who is referred, "
     "before it"},
    {0}};
static const struct ctl_word refer_send_options[] = {
    {"--replaces", "replaces", CTL_TEXT, false, "id of the dialog whose place the new call takes (RFC 3891)"},
    {"--replaces-party", "replaces_party", CTL_TEXT, false, "of it, whom the new call reaches (callee)"},
    {"--early-only", "early_only", CTL_FLAG, false, "only while that dialog is early"},
    {"--keep", "keep", CTL_FLAG, false, "between two peers: no BYE when the new call is answered"},
    {"--no-subscribe", "no_subscribe", CTL_FLAG, false, "ask for no NOTIFYs (RFC 4488)"},
    {"--method", "method", CTL_TEXT, false, "of the request that is asked for: INVITE, BYE (INVITE)"},
    {"--referred-by", "referred_by", CTL_TEXT, false, "Referred-By (RFC 3892)"},
    {"--header", "headers", CTL_LIST, false, "\"Name: value\"; may be repeated"},
    {0},
};

const struct ctl_command ctl_commands[] = {
    {"status", NULL, "system.status", none, none, show_status, NULL, CTL_LOOKS, "is it well, in one screen"},
    {"top", NULL, NULL, none, screen_options, NULL, run_top, CTL_LOOKS,
     "workers, peers, calls, delays and drops; a live screen on a terminal"},
    {"core", "list", "core.list", none, none, show_cores, NULL, CTL_LOOKS, "a row a worker"},
    {"peer", "list", "peer.list", none, none, show_peers, NULL, CTL_LOOKS, "a row a peer"},
    {"peer", "show", "peer.show", peer_word, none, show_peer, NULL, CTL_LOOKS, "a peer and its members"},
    {"peer", "drain", "peer.drain", member_words, none, show_drained, NULL, CTL_ACTS,
     "no new calls; those there are go on"},
    {"peer", "enable", "peer.enable", member_words, none, show_drained, NULL, CTL_ACTS,
     "takes back drain and disable"},
    {"peer", "disable", "peer.disable", member_words, none, show_drained, NULL, CTL_ACTS,
     "as drain, and no probes"},
    {"drain", "on", "drain.on", none, none, show_drained, NULL, CTL_ACTS,
     "the node: new calls get 503, calls go on"},
    {"drain", "off", "drain.off", none, none, show_drained, NULL, CTL_ACTS, "the node takes new calls again"},
    {"drain", "status", "drain.status", none, none, show_drained, NULL, CTL_LOOKS,
     "what is drained, and calls left"},
    {"dialog", "list", "dialog.list", none, list_options, NULL, run_dialog_list, CTL_LOOKS, "a row a dialog"},
    {"dialog", "show", "dialog.show", id_word, none, show_dialogs, NULL, CTL_LOOKS,
     "everything about a dialog"},
    {"dialog", "count", "dialog.count", none, none, show_dialog_count, NULL, CTL_LOOKS,
     "by state and by peer"},
    {"dialog", "end", NULL, end_word, end_options, NULL, run_dialog_end, CTL_ACTS,
     "end dialogs on both sides"},
    {"dialog", "send", NULL, send_words, send_options, NULL, run_dialog_send, CTL_ACTS,
     "a request in an application's dialog"},
    {"dialog", "hold", NULL, dialog_word, send_options, NULL, run_dialog_hold, CTL_ACTS,
     "re-INVITE with the last description, on hold"},
    {"dialog", "unhold", NULL, dialog_word, send_options, NULL, run_dialog_unhold, CTL_ACTS,
     "and back again"},
    {"application", "list", "application.list", none, none, show_applications, NULL, CTL_LOOKS,
     "a row an application"},
    {"call", "list", "ua.list", none, calls_options, show_calls, NULL, CTL_LOOKS,
     "a row a dialog of an application"},
    {"call", "show", "ua.get", dialog_word, none, show_call, NULL, CTL_LOOKS, "everything about one of them"},
    {"call", "place", NULL, place_words, place_options, NULL, run_call_place, CTL_ACTS, "begin a call"},
    {"call", "ring", NULL, dialog_word, answer_options, NULL, run_call_ring, CTL_ACTS,
     "a provisional response to a call that came"},
    {"call", "answer", NULL, dialog_word, answer_options, NULL, run_call_answer, CTL_ACTS,
     "take a call that came"},
    {"call", "reject", NULL, dialog_word, answer_options, NULL, run_call_reject, CTL_ACTS,
     "refuse a call that came"},
    {"call", "redirect", NULL, redirect_words, none, NULL, run_call_redirect, CTL_ACTS,
     "send a call that came elsewhere"},
    {"call", "end", NULL, dialog_word, hang_up_options, NULL, run_call_end, CTL_ACTS,
     "CANCEL, a refusal or BYE: what its state asks for"},
    {"refer", "list", "refer.list", none, refers_options, show_refers, NULL, CTL_LOOKS, "a row a transfer"},
    {"refer", "show", "refer.show", refer_word, none, show_refer, NULL, CTL_LOOKS, "everything about one"},
    {"refer", "send", NULL, refer_send_words, refer_send_options, NULL, run_refer_send, CTL_ACTS,
     "transfer the far end of a call"},
    {"capture", "start", NULL, none, capture_options, NULL, run_capture_start, CTL_ACTS,
     "SIP messages as on the wire, to a file for wireshark or sngrep, or by HEP"},
    {"capture", "list", "capture.list", none, none, show_captures, NULL, CTL_LOOKS,
     "captures that run, and the last that are over"},
    {"capture", "stop", "capture.stop", capture_word, none, show_capture_stopped, NULL, CTL_ACTS,
     "end one; its file is whole then"},
    {"events", "follow", NULL, none, follow_options, NULL, run_events, CTL_ACTS,
     "a line an event, until Ctrl-C"},
    {"config", "check", NULL, file_word, none, NULL, run_config_check, CTL_LOOKS,
     "is a file acceptable (needs no daemon)"},
    {"config", "show", "config.show", none, version_options, show_config, NULL, CTL_LOOKS,
     "every key in force"},
    {"config", "diff", "config.diff", diff_word, version_options, NULL, run_config_diff, CTL_LOOKS,
     "what a file or a version would change, key by key"},
    {"config", "reload", "config.reload", reload_word, none, NULL, run_config_reload, CTL_ACTS,
     "whole or not at all"},
    {"config", "history", "config.history", none, none, show_history, NULL, CTL_LOOKS,
     "versions that are kept: when, by whom, what came of it"},
    {"config", "rollback", "config.rollback", version_word, none, show_rollback, NULL, CTL_ACTS,
     "a kept version into force again"},
    {"config", "reference", NULL, none, none, NULL, run_config_reference, CTL_LOOKS,
     "every key with type, default, range, help (needs no daemon)"},
    {"prefilter", "show", "prefilter.show", none, none, show_prefilter, NULL, CTL_LOOKS,
     "packets by reason, bans"},
    {"prefilter", "top", "prefilter.top", none, top_options, show_top, NULL, CTL_LOOKS,
     "sources with the most drops"},
    {"prefilter", "ban", "prefilter.ban", address_word, ban_options, show_ban, NULL, CTL_ACTS,
     "drop all from an address"},
    {"prefilter", "unban", "prefilter.unban", address_word, none, show_unban, NULL, CTL_ACTS, "lift a ban"},
    {"sip", "check", NULL, sip_words, sip_options, NULL, run_sip_check, CTL_LOOKS,
     "what a front end does with a message (needs no daemon)"},
    {"sip", "show", NULL, sip_word, none, NULL, run_sip_show, CTL_LOOKS,
     "what is understood of a message (needs no daemon)"},
    {"completion", "bash", NULL, none, none, NULL, run_completion_bash, CTL_LOOKS,
     "for ~/.bashrc: source <(dialgatectl completion bash)"},
    {"completion", "words", NULL, begun_words, none, NULL, run_completion_words, CTL_LOOKS,
     "what may stand there; behind --"},
    {"api", NULL, NULL, method_word, none, NULL, run_api, CTL_LOOKS,
     "methods of the control socket: parameters, roles"},
    {"metrics", NULL, "metrics.get", none, none, show_metrics, NULL, CTL_LOOKS, "as Prometheus text"},
    {0},
};

static int wrong(const struct ctl *ctl, const char *text, const char *word)
{
    fprintf(ctl->errors, "dialgatectl: %s%s%s; see dialgatectl --help\n", text, word ? " " : "",
            word ? word : "");
    return CTL_USAGE;
}

// A new value for the RPC, or NULL when text is not of the word's kind.
static json_t *value_of(const struct ctl_word *word, const char *text)
{
    int64_t ms;
    switch (word->kind) {
    case CTL_FLAG:
        return json_true();
    case CTL_TEXT:
    case CTL_LIST:
        return json_string(text);
    case CTL_NUMBER:
        if (*text == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
            return NULL;
        return json_integer(atoll(text));
    case CTL_SIZE:
        ms = unit_parse_size(text);
        return ms < 0 ? NULL : json_integer(ms);
    default:
        ms = unit_parse_duration_ms(text);
        // A ban shorter than a second would be for ever.
        if (ms < 0 || (word->kind == CTL_DURATION_S && ms < 1000))
            return NULL;
        return json_integer(word->kind == CTL_DURATION_S ? ms / 1000 : ms);
    }
}

static int put(const struct ctl *ctl, json_t *params, const struct ctl_word *word, const char *text)
{
    json_t *value = value_of(word, text);
    if (!value) {
        fprintf(ctl->errors, "dialgatectl: %s: \"%s\" is not understood; %s\n", word->name, text, word->help);
        return CTL_USAGE;
    }
    if (word->kind == CTL_LIST) {
        json_t *list = json_object_get(params, word->param);
        if (!list) {
            list = json_array();
            json_object_set_new(params, word->param, list);
        }
        return json_array_append_new(list, value) == 0 ? CTL_DONE : CTL_REFUSED;
    }
    return json_object_set_new(params, word->param, value) == 0 ? CTL_DONE : CTL_REFUSED;
}

// "--peer", or "--peer=NAME" with NAME in *value.
static const struct ctl_word *find_option(const struct ctl_command *command, const char *word,
                                          const char **value)
{
    const struct ctl_word *option = command->options;
    size_t length = strcspn(word, "=");
    *value = word[length] ? word + length + 1 : NULL;
    while (option->name && (strncmp(option->name, word, length) != 0 || option->name[length]))
        option++;
    return option->name ? option : NULL;
}

// A lone hyphen is standard input.
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

static int read_words(const struct ctl *ctl, const struct ctl_command *command, int count,
                      const char *const *words, json_t *params)
{
    const struct ctl_word *next = command->words;
    bool options_end = false;
    int status = CTL_DONE;
    for (int i = 0; i < count && status == CTL_DONE; i++) {
        if (strcmp(words[i], "--") == 0 && !options_end) {
            options_end = true;
            continue;
        }
        if (!is_option(words[i]) || options_end) {
            if (!next->name)
                return wrong(ctl, "one word too many:", words[i]);
            status = put(ctl, params, next, words[i]);
            next += next->kind != CTL_LIST;
            continue;
        }
        const char *value;
        const struct ctl_word *option = find_option(command, words[i], &value);
        if (!option || (option->kind == CTL_FLAG && value))
            return wrong(ctl, "unknown option", words[i]);
        if (option->kind != CTL_FLAG && !value && i + 1 == count)
            return wrong(ctl, "a value is missing behind", words[i]);
        if (option->kind != CTL_FLAG && !value)
            value = words[++i];
        status = put(ctl, params, option, value ? value : "");
    }
    if (status == CTL_DONE && next->name && next->required && !json_object_get(params, next->param))
        return wrong(ctl, "what is missing:", next->name);
    return status;
}

// Words that the command's own name took, 0 when it is not this command.
static int matches(const struct ctl_command *command, int count, const char *const *words)
{
    if (strcmp(command->noun, words[0]) != 0)
        return 0;
    if (!command->verb)
        return 1;
    return count > 1 && strcmp(command->verb, words[1]) == 0 ? 2 : 0;
}

static int run_once(struct ctl *ctl, const struct ctl_command *command, const json_t *params)
{
    if (command->run)
        return command->run(ctl, params);
    json_t *result = ctl_call(ctl, command->method, params);
    if (!result)
        return CTL_REFUSED;
    if (ctl->json)
        ctl_print_json(ctl, result);
    else
        command->show(ctl, result);
    json_decref(result);
    return CTL_DONE;
}

struct picture {
    const struct ctl_command *command;
    const json_t *params;
};

static int draw(struct ctl *ctl, void *context)
{
    const struct picture *picture = context;
    return run_once(ctl, picture->command, picture->params);
}

static int run_paged(struct ctl *ctl, const struct ctl_command *command, const json_t *params)
{
    FILE *pager = ctl->pages && !ctl->json ? pager_open() : NULL;
    if (!pager)
        return run_once(ctl, command, params);
    // A pager that is left early, or cannot be run, is no reason to die while writing to it.
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    FILE *terminal = ctl->out;
    ctl->out = pager;
    int status = run_once(ctl, command, params);
    ctl->out = terminal;
    if (!pager_close(pager)) {
        fputs("dialgatectl: $PAGER cannot be run; PAGER=cat does without\n", stderr);
        status = CTL_REFUSED;
    }
    signal(SIGPIPE, before);
    return status;
}

static int run(struct ctl *ctl, const struct ctl_command *command, const json_t *params)
{
    struct picture picture = {command, params};
    // top has its own idea of again, and what acts may ask or go on.
    if (command->run == run_top || (ctl->watch_s == 0 && command->effect == CTL_ACTS))
        return run_once(ctl, command, params);
    if (ctl->watch_s == 0)
        return run_paged(ctl, command, params);
    if (command->effect == CTL_LOOKS)
        return watch_run(ctl, ctl->watch_s, draw, &picture);
    return wrong(ctl, "nothing to --watch:", command->noun);
}

// Where help is asked for: the words before that; -1 where it is not.
static int help_at(int count, const char *const *words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return i;
    return -1;
}

static int execute(struct ctl *ctl, int count, const char *const *words)
{
    int help = help_at(count, words);
    if (count == 0)
        return CTL_DONE;
    if (help >= 0 || strcmp(words[0], "help") == 0) {
        if (help >= 0)
            ctl_usage(ctl->out, help, words);
        else
            ctl_usage(ctl->out, count - 1, words + 1);
        return CTL_DONE;
    }
    for (const struct ctl_command *command = ctl_commands; command->noun; command++) {
        int used = matches(command, count, words);
        if (used == 0)
            continue;
        json_t *params = json_object();
        int status = read_words(ctl, command, count - used, words + used, params);
        if (status == CTL_DONE)
            status = run(ctl, command, params);
        json_decref(params);
        return status;
    }
    return is_option(words[0]) ? wrong(ctl, "unknown option", words[0]) : ctl_no_command(ctl, count, words);
}

int ctl_execute(struct ctl *ctl, int count, const char *const *words)
{
    // What a line of a shell says holds for this line alone.
    struct ctl one = *ctl;
    const char **left = calloc((size_t)count + 1, sizeof(*left));
    if (!left) {
        fputs("dialgatectl: no memory\n", ctl->errors);
        return CTL_REFUSED;
    }
    int kept = ctl_take_options(&one, count, words, left);
    bool elsewhere = strcmp(one.socket, ctl->socket) != 0;
    if (elsewhere)
        one.client = NULL;
    int status = kept < 0 ? CTL_USAGE : execute(&one, kept, left);
    if (elsewhere)
        dg_client_close(one.client);
    else
        ctl->client = one.client;
    free(left);
    return status;
}
