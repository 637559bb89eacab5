// SPDX-License-Identifier: BSD-3-Clause
// The table of commands.
#include "ctl.h"

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
     "dialog, member, limit, ban, drop, config, refer, capture or health; may be repeated"},
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
static const struct ctl_word page_options[] = {
    {"--limit", "limit", CTL_NUMBER, false, "rows, at most 1000 (100)"},
    {"--after", "cursor", CTL_TEXT, false, "go on behind this cursor"},
    {0},
};
static const struct ctl_word drops_options[] = {
    {"--follow", "follow", CTL_FLAG, false, "and what comes, until Ctrl-C"},
    {"--summary", "summary", CTL_FLAG, false, "how many, by network, peer and reason"},
    {"--network", "network", CTL_TEXT, false, "only of this network"},
    {"--peer", "peer", CTL_TEXT, false, "only of this peer's sources"},
    {"--strangers", "strangers", CTL_FLAG, false, "only of sources that are no peer's"},
    {"--reason", "reason", CTL_TEXT, false, "only for this reason: not_sip, peer_rate, ..."},
    {"--source", "source", CTL_TEXT, false, "only from this address or prefix"},
    {"--limit", "limit", CTL_NUMBER, false, "the newest rows (50); with --follow, end after so many"},
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
    {"--hep", "hep", CTL_TEXT, false, "HOST[:PORT] of Homer or sngrep, instead of a file; port 9060"},
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
    {"--realm", "realm", CTL_TEXT, false, "whose challenges alone are answered"},
    {"--redirect", "redirect", CTL_NUMBER, false, "targets of 3xx to try (0)"},
    {"--timeout", "timeout_ms", CTL_DURATION_MS, false, "cancel it then: 30s, 2m"},
    {"--context", "context", CTL_TEXT, false, "kept with the dialog"},
    {"--wait", "wait", CTL_DURATION_MS, false,
     "until it is answered (exit status 0), fails (3), or so long (4): 60s"},
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
static const struct ctl_word refer_answer_options[] = {
    {"--refuse", "refuse", CTL_NUMBER, false, "with this status, 300 to 699; without it, it is accepted"},
    {"--reason", "reason", CTL_TEXT, false, "phrase of that status"},
    {"--body", "body", CTL_TEXT, false,
     "accepted: file with what the new call offers; - is standard input; without it, as the call has it"},
    {"--type", "content_type", CTL_TEXT, false, "of the body; application/sdp where it begins with v=0"},
    {0}};
static const struct ctl_word refer_notify_words[] = {
    {"ID", "refer", CTL_TEXT, true, "of a transfer"},
    {"STATUS", "status", CTL_NUMBER, true, "100 to 699; a final one is the last"},
    {0}};
static const struct ctl_word refer_notify_options[] = {
    {"--reason", "reason", CTL_TEXT, false, "phrase of the status"},
    {"--final", "final", CTL_FLAG, false, "the last, whatever the status"},
    {0}};
static const struct ctl_word refer_send_words[] = {
    {"DIALOG", "dialog", CTL_TEXT, true,
     "id of an application's dialog, or of one between two peers; or the URI of whom to refer outside "
     "dialogs"},
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
    {"--outside", "outside", CTL_FLAG, false, "not in the dialog, but with Target-Dialog (RFC 4538)"},
    {"--application", "application", CTL_TEXT, false, "to a URI: that refers"},
    {"--from", "from", CTL_TEXT, false, "to a URI: URI or name-addr; without it, made of the application"},
    {"--peer", "peer", CTL_TEXT, false, "to a URI: to this peer; without it, by the routes"},
    {"--member", "member", CTL_TEXT, false, "to a URI: address:port of one of its members"},
    {"--user", "user", CTL_TEXT, false, "to a URI: answers 401 and 407"},
    {"--password-file", "password_file", CTL_TEXT, false,
     "to a URI: file whose first line is the user's password"},
    {"--realm", "realm", CTL_TEXT, false, "to a URI: whose challenges alone are answered"},
    {"--wait", "wait", CTL_DURATION_MS, false,
     "prints what becomes of it until it is over: 0 done, 3 failed, 4 nothing by then"},
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
    {"refer", "answer", NULL, refer_word, refer_answer_options, NULL, run_refer_answer, CTL_ACTS,
     "accept or refuse a REFER that waits for the program"},
    {"refer", "notify", NULL, refer_notify_words, refer_notify_options, NULL, run_refer_notify, CTL_ACTS,
     "tell who referred how the call goes that somebody else makes"},
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
    {"prefilter", "show", "prefilter.show", none, none, show_prefilter, NULL, CTL_LOOKS, "packets by reason"},
    {"prefilter", "top", "prefilter.top", none, top_options, show_top, NULL, CTL_LOOKS,
     "sources with the most drops"},
    {"prefilter", "drops", NULL, none, drops_options, NULL, run_prefilter_drops, CTL_ACTS,
     "the last dropped packets, a sample: whence, whose, why"},
    {"prefilter", "ban", "prefilter.ban", address_word, ban_options, show_ban, NULL, CTL_ACTS,
     "drop all from an address"},
    {"prefilter", "unban", "prefilter.unban", address_word, none, show_unban, NULL, CTL_ACTS, "lift a ban"},
    {"prefilter", "bans", "prefilter.bans", none, page_options, show_bans, NULL, CTL_LOOKS,
     "who is banned, why, for how long"},
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
