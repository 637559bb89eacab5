// SPDX-License-Identifier: BSD-3-Clause
// dialgatectl: a command is one row of the table in command.c. Its positional words and options become the
// parameters of one RPC; what the RPC returned is printed by the row's show function, or as it came with
// --json.
#ifndef DIALGATE_CTL_H
#define DIALGATE_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include "dialgate/ua.h"

#define CTL_DONE    0
#define CTL_REFUSED 1
#define CTL_USAGE   2
// With --wait.
#define CTL_FAILED    3 // the call, or the transfer
#define CTL_UNDECIDED 4 // nothing final in time

#define CTL_TIMEOUT_MS 20000 // beyond the daemon's own deadlines, so that its text arrives

#define CTL_SOCKET_SIZE 108u // sun_path of a Unix socket's address

struct ctl {
    char socket[CTL_SOCKET_SIZE];
    bool json;
    bool pages;   // standard output is a terminal: what is long goes through a pager
    bool colours; // of states and titles
    FILE *out;
    FILE *errors;
    int watch_s;              // --watch: seconds between two pictures; 0: once
    struct dg_client *client; // opened with the first call; NULL: not now
};

enum ctl_kind {
    CTL_TEXT,
    CTL_NUMBER,
    CTL_DURATION_MS,
    CTL_DURATION_S,
    CTL_SIZE,
    CTL_FLAG,
    CTL_LIST /* the last positional word: this and all that follow; an option: each time it is given; an array
              */
};

struct ctl_word {
    const char *name;  // "--peer", or what usage shows for a positional word; NULL behind the last one
    const char *param; // of the RPC
    enum ctl_kind kind;
    bool required; // positional words only
    const char *help;
};

enum ctl_effect {
    CTL_LOOKS, // asks only, and ends by itself: may be watched
    CTL_ACTS,  // changes something, or goes on by itself
};

struct ctl_command {
    const char *noun; // NULL behind the last one
    const char *verb; // NULL: the noun stands alone
    const char *method;
    const struct ctl_word *words; // positional
    const struct ctl_word *options;
    // Exactly one of these. run gets the parameters (borrowed) and returns an exit status.
    void (*show)(struct ctl *ctl, const json_t *result);
    int (*run)(struct ctl *ctl, const json_t *params);
    enum ctl_effect effect;
    const char *help;
};

extern const struct ctl_command ctl_commands[];

// One command line: words, --json and --watch among them. Returns an exit status; one line was printed on
// stderr when that is not 0.
int ctl_execute(struct ctl *ctl, int count, const char *const *words);

// Takes --json, --watch, --socket and --run-directory out of words, wherever they stand before "--". Returns
// how many words are left, or -1 after one line on stderr.
int ctl_take_options(struct ctl *ctl, int count, const char *const *words, const char **left);

// A call of the daemon: the result, which the caller owns, or NULL after one line on stderr.
json_t *ctl_call(struct ctl *ctl, const char *method, const json_t *params);

// The same, with parts of the answer handed to take before.
json_t *ctl_call_parts(struct ctl *ctl, const char *method, const json_t *params, dg_take_part *take,
                       void *context);

// The same where params hold what an option says: files are read, header fields parted. Prints what came of
// it and returns an exit status.
int ctl_act(struct ctl *ctl, const char *method, const json_t *params);
// Likewise, without printing: the result, or NULL after one line on stderr.
json_t *ctl_ask(struct ctl *ctl, const char *method, const json_t *params);
void ctl_print_sent(struct ctl *ctl, const json_t *result);

// wait.c
struct ctl_waiting {
    const char *key, *id; // dialog or refer, and which
    int64_t timeout_ms;
};
// The connection hears events from now on: ua.attach, events.follow. False after one line on stderr.
bool ctl_wait_begin(struct ctl *ctl, const char *method, const json_t *params);
int ctl_wait(struct ctl *ctl, const struct ctl_waiting *waiting); // an exit status; ends the listening
void ctl_wait_end(struct ctl *ctl);

void ctl_print_json(struct ctl *ctl, const json_t *value); // one line
int ctl_shell(struct ctl *ctl);                            // reads commands until the input ends

// Every command, or those that begin with words.
void ctl_usage(FILE *out, int count, const char *const *words);

// One line on stderr about words that begin no command: what they may have meant. Returns CTL_USAGE.
int ctl_no_command(const struct ctl *ctl, int count, const char *const *words);

// show*.c: each row's show or run function.
void show_status(struct ctl *ctl, const json_t *result);
void show_cores(struct ctl *ctl, const json_t *result);
void show_networks(struct ctl *ctl, const json_t *networks);      // of core.list
void show_network_lines(struct ctl *ctl, const json_t *networks); // of system.status
void show_peers(struct ctl *ctl, const json_t *result);
void show_peer(struct ctl *ctl, const json_t *result);
void show_drained(struct ctl *ctl, const json_t *result);
void show_config(struct ctl *ctl, const json_t *result);
void show_rollback(struct ctl *ctl, const json_t *result);
void show_history(struct ctl *ctl, const json_t *result);
void show_prefilter(struct ctl *ctl, const json_t *result);
void show_top(struct ctl *ctl, const json_t *result);
void show_ban(struct ctl *ctl, const json_t *result);
void show_unban(struct ctl *ctl, const json_t *result);
void show_bans(struct ctl *ctl, const json_t *result);
void show_metrics(struct ctl *ctl, const json_t *result);
void show_dialogs(struct ctl *ctl, const json_t *result);
void show_dialog_count(struct ctl *ctl, const json_t *result);
void show_captures(struct ctl *ctl, const json_t *result);
void show_capture_stopped(struct ctl *ctl, const json_t *result);
int run_prefilter_drops(struct ctl *ctl, const json_t *params);
int run_top(struct ctl *ctl, const json_t *params);
int run_completion_bash(struct ctl *ctl, const json_t *params);
int run_completion_words(struct ctl *ctl, const json_t *params);
int run_api(struct ctl *ctl, const json_t *params);
int run_dialog_list(struct ctl *ctl, const json_t *params);
int run_dialog_end(struct ctl *ctl, const json_t *params);
void show_applications(struct ctl *ctl, const json_t *result);
void show_refers(struct ctl *ctl, const json_t *result);
void show_refer(struct ctl *ctl, const json_t *result);
void show_calls(struct ctl *ctl, const json_t *result);
void show_call(struct ctl *ctl, const json_t *result);
int run_call_place(struct ctl *ctl, const json_t *params);
int run_call_ring(struct ctl *ctl, const json_t *params);
int run_call_answer(struct ctl *ctl, const json_t *params);
int run_call_reject(struct ctl *ctl, const json_t *params);
int run_call_redirect(struct ctl *ctl, const json_t *params);
int run_call_end(struct ctl *ctl, const json_t *params);
int run_dialog_send(struct ctl *ctl, const json_t *params);
int run_dialog_hold(struct ctl *ctl, const json_t *params);
int run_dialog_unhold(struct ctl *ctl, const json_t *params);
int run_refer_send(struct ctl *ctl, const json_t *params);
int run_refer_answer(struct ctl *ctl, const json_t *params);
int run_refer_notify(struct ctl *ctl, const json_t *params);
int run_capture_start(struct ctl *ctl, const json_t *params);
int run_events(struct ctl *ctl, const json_t *params);
int run_sip_check(struct ctl *ctl, const json_t *params);
int run_sip_show(struct ctl *ctl, const json_t *params);
int run_config_check(struct ctl *ctl, const json_t *params);
int run_config_reload(struct ctl *ctl, const json_t *params);
int run_config_diff(struct ctl *ctl, const json_t *params);
int run_config_reference(struct ctl *ctl, const json_t *params);

#endif
