// SPDX-License-Identifier: BSD-3-Clause
// Commands from control, which are believed in nothing but their struct: lengths, texts, header lines and
// handles are checked here, what the operation itself may not do where it is done.
#include <errno.h>
#include <string.h>
#include "command.h"
#include "header.h"
#include "token_list.h"
#include "ua.h"

// Header fields that the data plane writes.
static bool is_ours(enum sip_header kind)
{
    static const enum sip_header ours[] = {HEADER_VIA,
                                           HEADER_ROUTE,
                                           HEADER_RECORD_ROUTE,
                                           HEADER_FROM,
                                           HEADER_TO,
                                           HEADER_CALL_ID,
                                           HEADER_CSEQ,
                                           HEADER_MAX_FORWARDS,
                                           HEADER_RSEQ,
                                           HEADER_RACK,
                                           HEADER_SESSION_EXPIRES,
                                           HEADER_MIN_SE,
                                           HEADER_CONTENT_LENGTH,
                                           HEADER_CONTACT};
    for (unsigned i = 0; i < RTE_DIM(ours); i++) {
        if (kind == ours[i])
            return true;
    }
    return false;
}

static bool has_controls(struct dialog_string text)
{
    const uint8_t *octets = text.octets;
    for (uint32_t i = 0; i < text.length; i++) {
        if ((octets[i] < ' ' && octets[i] != '\t') || octets[i] == 0x7f)
            return true;
    }
    return false;
}

static bool is_token(const uint8_t *octets, uint32_t length)
{
    static const char others[] = "-.!%*_+`'~"; // RFC 3261 25.1
    for (uint32_t i = 0; i < length; i++) {
        uint8_t octet = octets[i], letter = octet | 0x20;
        bool alphanumeric = (letter >= 'a' && letter <= 'z') || (octet >= '0' && octet <= '9');
        if (!alphanumeric && memchr(others, octet, sizeof(others) - 1) == NULL)
            return false;
    }
    return length > 0;
}

// One line without its CRLF: a name that is the application's to write (routes: Route, too), a value in one
// piece (no folds).
static bool is_header_line(struct dialog_string line, bool routes)
{
    const uint8_t *octets = line.octets, *colon = memchr(octets, ':', line.length);
    if (colon == NULL || has_controls(line))
        return false;
    uint32_t name = (uint32_t)(colon - octets);
    enum sip_header kind = header_find(octets, name);
    const struct span value = {(uint16_t)(name + 1), (uint16_t)(line.length - name - 1)};
    return is_token(octets, name) && (!is_ours(kind) || (routes && kind == HEADER_ROUTE)) &&
           (kind != HEADER_REQUIRE || !token_list_has(octets, value, "100rel"));
}

static bool are_header_lines(struct dialog_string lines, bool routes)
{
    const uint8_t *at = lines.octets, *end = at + lines.length;
    while (at < end) { // each turn takes a line
        const uint8_t *cr = memchr(at, '\r', (size_t)(end - at));
        if (cr == NULL || end - cr < 2 || cr[1] != '\n' ||
            !is_header_line((struct dialog_string){at, (uint32_t)(cr - at)}, routes))
            return false;
        at = cr + 2;
    }
    return true;
}

// Texts and body, where they lie. False: the lengths do not add up, or a text has what would end its line.
static bool read_command(const struct channel_ua_command *fixed, uint32_t length, struct ua_command *command)
{
    *command = (struct ua_command){.fixed = fixed, .dialog = INDEX_NONE, .transaction = INDEX_NONE};
    if (length < sizeof(*fixed) || length != channel_ua_command_size(fixed))
        return false;
    const uint8_t *at = (const uint8_t *)(fixed + 1);
    for (unsigned i = 0; i < CHANNEL_UA_TEXTS; i++) {
        command->texts[i] = (struct dialog_string){at, fixed->text_lengths[i]};
        at += fixed->text_lengths[i];
        if (i != CHANNEL_UA_TEXT_HEADERS && has_controls(command->texts[i]))
            return false;
    }
    command->body = (struct dialog_string){at, fixed->body_length};
    struct dialog_string method = command->texts[CHANNEL_UA_TEXT_METHOD];
    if (method.length > 0 && !is_token(method.octets, method.length))
        return false;
    // Of a dialog that the application keeps by itself.
    bool routes = fixed->op == CHANNEL_UA_REQUEST && fixed->dialog == 0 &&
                  fixed->text_lengths[CHANNEL_UA_TEXT_CALL_ID] > 0;
    return fixed->tag != 0 && (fixed->flags & ~CHANNEL_UA_FLAGS) == 0 &&
           fixed->status <= CHANNEL_STATUS_MAX &&
           fixed->text_lengths[CHANNEL_UA_TEXT_REASON] < UA_PHRASE_MAX &&
           are_header_lines(command->texts[CHANNEL_UA_TEXT_HEADERS], routes);
}

static int end(struct worker *worker, struct ua_command *command)
{
    const struct channel_ua_command *fixed = command->fixed;
    if (fixed->status != 0 && fixed->status < 300)
        return -EINVAL;
    if (dialog_state(&worker->dialogs, command->dialog) == DIALOG_TERMINATING)
        return -EALREADY;
    if ((fixed->flags & CHANNEL_UA_CLAIMED) && !ua_claim_end(worker, command->dialog))
        return -EALREADY;
    const struct ua_step step = {.dialog = command->dialog,
                                 .event = USAGE_ON_END,
                                 .status = fixed->status,
                                 .tag = fixed->tag,
                                 .headers = command->texts[CHANNEL_UA_TEXT_HEADERS],
                                 .phrase = command->texts[CHANNEL_UA_TEXT_REASON]};
    if (!(ua_step_set(worker, &step) & USAGE_DO_NOT_NOW))
        return 0;
    // Taken over from a process before, a call that rings has neither its INVITE nor what is under way in it:
    // there is nothing to refuse or to cancel with. It ends here, and at the far end by its timers.
    if (dialog_state(&worker->dialogs, command->dialog) == DIALOG_EARLY &&
        ua_usage_awake(worker, command->dialog) == INDEX_NONE)
        return ua_end(worker, command->dialog, CHANNEL_REASON_OPERATOR);
    return -EPROTO;
}

// What it still owes a peer is not sent any more: its records go, and what comes for it later finds none.
static int release(struct worker *worker, struct ua_command *command)
{
    uint32_t usage = ua_usage_awake(worker, command->dialog);
    uint32_t invite = usage == INDEX_NONE ? INDEX_NONE : ua_invite(worker, usage);
    if (invite != INDEX_NONE)
        transaction_release(&worker->transactions, invite);
    if (usage != INDEX_NONE)
        usage_release(&worker->ua.usages, usage);
    dialog_drop(worker, command->dialog);
    return 0;
}

struct operation {
    int (*run)(struct worker *worker, struct ua_command *command); // NULL: nobody knows it
    bool dialog;                                                   // needs one
    bool transaction;                                              // needs one
    bool proxied;                                                  // the dialog is between two peers
};

static const struct operation operations[CHANNEL_UA_OPS] = {
    [CHANNEL_UA_INVITE] = {.run = ua_place},
    [CHANNEL_UA_REQUEST] = {.run = ua_request},
    [CHANNEL_UA_ACK] = {ua_ack, .dialog = true},
    [CHANNEL_UA_CANCEL] = {ua_cancel, .dialog = true},
    [CHANNEL_UA_RESPOND] = {ua_respond, .transaction = true},
    [CHANNEL_UA_END] = {end, .dialog = true},
    [CHANNEL_UA_RELEASE] = {release, .dialog = true},
    [CHANNEL_UA_REFER] = {refer_operator_send, .dialog = true, .proxied = true},
    [CHANNEL_UA_CLAIM] = {.run = ua_claim},
};

static int run(struct worker *worker, struct ua_command *command)
{
    const struct channel_ua_command *fixed = command->fixed;
    enum dialog_side ours;
    if (fixed->op >= CHANNEL_UA_OPS || operations[fixed->op].run == NULL)
        return -EINVAL;
    const struct operation *operation = &operations[fixed->op];
    if (!operation->proxied && worker->ua.usages.capacity == 0)
        return -ENOSPC; // no application was configured when the process began
    if (fixed->dialog != 0)
        command->dialog = dialog_by_handle(worker, fixed->dialog);
    if (fixed->transaction != 0)
        command->transaction = ua_transaction_by_handle(worker, fixed->transaction);
    bool lost = (command->dialog == INDEX_NONE && (fixed->dialog != 0 || operation->dialog)) ||
                (command->transaction == INDEX_NONE && (fixed->transaction != 0 || operation->transaction));
    if (lost ||
        (command->dialog != INDEX_NONE && ua_side(worker, command->dialog, &ours) == operation->proxied))
        return -ENOENT;
    return operation->run(worker, command);
}

// A 2xx that begins a subscription, which the application keeps by itself: its To-tag is ours.
static bool begins_subscription(struct worker *worker, const struct ua_command *command)
{
    const struct channel_ua_command *fixed = command->fixed;
    if (fixed->op != CHANNEL_UA_RESPOND || command->dialog != INDEX_NONE || fixed->status / 100 != 2)
        return false;
    uint8_t method = transaction_at(&worker->transactions, command->transaction)->method;
    return method == METHOD_REFER || method == METHOD_SUBSCRIBE;
}

// The dialog's handle is kept from before: what was done may have ended it.
static void do_command(struct worker *worker, const struct channel_ua_command *fixed, uint32_t length)
{
    struct ua_command command;
    bool readable = read_command(fixed, length, &command);
    int result = readable ? run(worker, &command) : -EINVAL;
    count(worker, result == 0 ? COUNTER_UA_COMMAND : COUNTER_UA_COMMAND_REFUSED);
    if (length < sizeof(*fixed))
        return;
    struct ua_told told = {.kind = CHANNEL_UA_DONE,
                           .dialog = fixed->dialog,
                           .transaction = fixed->transaction,
                           .application = fixed->application,
                           .peer = fixed->to_peer};
    // Of a new call, whose record may be told of. One that has ended already has been told of.
    if (result == 0 && command.dialog != INDEX_NONE &&
        dialog_state(&worker->dialogs, command.dialog) != DIALOG_FREE)
        told = ua_told_of(worker, CHANNEL_UA_DONE, command.dialog);
    if (result == 0 && command.transaction != INDEX_NONE && fixed->transaction == 0)
        told.transaction = ua_transaction_handle(worker, command.transaction);
    told.tag = fixed->tag;
    told.result = result;
    told.status = fixed->status;
    // What has gone, and where to: Call-ID, tag and CSeq are ours to choose.
    bool gone = result == 0 &&
                (fixed->transaction == 0 ? told.transaction != 0 : begins_subscription(worker, &command));
    const struct transaction *sent = gone ? transaction_at(&worker->transactions, command.transaction) : NULL;
    if (sent != NULL && sent->kept != ARENA_NONE &&
        message_parse(arena_at(&worker->arena, sent->kept), sent->kept_length, &worker->kept) ==
            MESSAGE_FINE) {
        told.message = &worker->kept;
        told.source = sent->remote;
    }
    (void)ua_tell(worker, &told);
}

unsigned ua_command_slice(struct worker *worker)
{
    struct ua_ring *commands = worker->parts.ua_commands;
    unsigned n = 0;
    uint32_t length;
    for (; n < UA_COMMANDS_A_TURN; n++) {
        const void *taken = ua_ring_first(commands, &length);
        if (taken == NULL)
            break;
        do_command(worker, taken, length);
        ua_ring_drop(commands);
    }
    return n;
}
