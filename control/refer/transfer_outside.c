// SPDX-License-Identifier: BSD-3-Clause
// REFERs that come outside dialogs (RFC 3515 2.4.4). The 2xx makes a dialog of the subscription alone (RFC
// 6665 4.1.2), which lives here: our tag comes back with the response that went, what is theirs is of the
// REFER. Its NOTIFYs go to the peer that the REFER came from, to the member that has its address.
//
// Nobody who sends one has proved to be in a call with us, unless Target-Dialog (RFC 4538) names one by both
// its tags: then it is that call's, whose description the new call has. What limits the others is
// refer_targets, without which no configuration says accept, and the guards below.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/uri.h"
#include "../control.h"
#include "../rpc/dialog.h"
#include "transfer.h"

#define LINES_MAX 8192u

// --- how much one source may ask ---

// Whoever has IPv6 has all of a /64.
static struct ip_address source_of(const struct ua_request *request)
{
    return ip_is_ipv4(&request->source) ? request->source : ip_prefix(&request->source, 64);
}

static bool is_too_fast(struct transfers *transfers, const struct ip_address *address, uint64_t second)
{
    struct refer_source *found = &transfers->sources[0];
    for (unsigned i = 0; i < REFER_SOURCES; i++) {
        struct refer_source *source = &transfers->sources[i];
        if (ip_equal(&source->address, address)) {
            found = source;
            break;
        }
        if (source->second < found->second)
            found = source;
    }
    if (!ip_equal(&found->address, address) || found->second != second)
        *found = (struct refer_source){.address = *address, .second = second};
    return ++found->count > REFER_SOURCE_RATE;
}

static uint16_t guard(struct transfers *transfers, const struct ip_address *address)
{
    const struct transfer *transfer;
    unsigned count = 0;
    if (is_too_fast(transfers, address, clock_ms() / 1000))
        return 503;
    LIST_FOREACH(transfer, &transfers->list, link)
    count += transfer->outside && ip_equal(&transfer->source, address);
    return count < TRANSFERS_CALL_MAX ? 0 : 486;
}

// --- the dialog ---

uint16_t transfer_member(const struct control *control, const struct ua_request *request)
{
    uint16_t near = NUMBER_NONE;
    for (uint16_t number = 0; number < MEMBERS_MAX; number++) {
        struct ip_address address;
        uint16_t port;
        uint32_t of;
        if (manifest_member_name(control->manifest, number, &of, &address, &port) < 0 ||
            of != request->peer || !ip_equal(&address, &request->source))
            continue;
        if (port == request->source_port)
            return number;
        near = number; // who sends from another port than it listens on
    }
    return near;
}

// RFC 3261 12.1.1: the route set of who is asked is Record-Route as it stands.
static char *routes_of(const struct message *message)
{
    char lines[LINES_MAX];
    size_t used = 0;
    lines[0] = '\0';
    for (uint8_t at = message_first_header(message, HEADER_RECORD_ROUTE); at != MESSAGE_NO_HEADER;
         at = message_next_header(message, at)) {
        struct span value = message->headers[at].value;
        int length = snprintf(lines + used, sizeof(lines) - used, "Route: %.*s\r\n", (int)value.length,
                              (const char *)message_at(message, value));
        if (length < 0 || (size_t)length >= sizeof(lines) - used)
            return NULL;
        // A fold is a blank (7.3.1), and no line of ours has any.
        for (size_t end = used + (size_t)length - 2; used < end; used++)
            if (lines[used] == '\r' || lines[used] == '\n')
                lines[used] = ' ';
        used += 2;
    }
    return strndup(lines, used);
}

static bool has_line_end(const char *text)
{
    return !text || strpbrk(text, "\r\n") != NULL;
}

// What is theirs: remote target, address with tag, route set. 0, or the status to refuse it with.
static uint16_t read_names(struct transfer *transfer, const struct message *message)
{
    struct address contact;
    uint32_t at = 0;
    uint8_t header = message_first_header(message, HEADER_CONTACT);
    if (header == MESSAGE_NO_HEADER || message->from_tag.length == 0 ||
        address_next(message->octets, message->headers[header].value, &at, &contact) != 1)
        return 400; // RFC 3261 12.1.1: what makes a dialog has a Contact
    transfer->uri = transfer_copy(message, contact.uri);
    transfer->to = transfer_copy(message, message->from);
    transfer->call_id = transfer_copy(message, message->call_id);
    transfer->routes = routes_of(message);
    transfer->their_cseq = message->cseq_number;
    return has_line_end(transfer->uri) || has_line_end(transfer->to) || !transfer->call_id ||
                   !transfer->routes
               ? 400
               : 0;
}

void transfer_move(struct transfer *transfer, const struct message *subscribe)
{
    struct address contact;
    uint32_t at = 0;
    uint8_t header = message_first_header(subscribe, HEADER_CONTACT);
    if (header == MESSAGE_NO_HEADER ||
        address_next(subscribe->octets, subscribe->headers[header].value, &at, &contact) != 1)
        return;
    char *uri = transfer_copy(subscribe, contact.uri);
    if (has_line_end(uri)) {
        free(uri);
        return;
    }
    free(transfer->uri);
    transfer->uri = uri;
}

static void on_begun(struct ua *ua, struct transfer *transfer, const struct ua_outcome *outcome)
{
    const struct message *message = outcome->message;
    struct address ours;
    uint32_t at = 0;
    transfer->request = 0;
    if (outcome->code != DG_OK || !message || message->to_tag.length == 0 ||
        address_next(message->octets, message->to, &at, &ours) != 1) {
        transfer->refer.status = 503;
        transfer_act(ua, transfer, REFER_DO_TELL | REFER_DO_END | REFER_DO_FORGET);
        return;
    }
    struct span bare = {message->to.offset, message->to.length};
    if (ours.parameters.offset)
        bare.length = (uint16_t)(ours.parameters.offset - 1u - bare.offset);
    transfer->from = transfer_copy(message, bare);
    transfer->from_tag = transfer_copy(message, message->to_tag);
    transfer_act(ua, transfer, transfer->later);
}

void transfer_open(struct ua *ua, struct transfer *transfer, unsigned later)
{
    struct ua_fault fault;
    struct ua_wish wish = {.op = CHANNEL_UA_RESPOND,
                           .request = ua_request_find(ua, transfer->request),
                           .status = 200,
                           .extra = transfer->ask.silent ? "Refer-Sub: false\r\n" : NULL,
                           .peer = NUMBER_NONE,
                           .member = NUMBER_NONE};
    const struct ua_reply reply = transfer_reply(ua, transfer, on_begun);
    transfer->later = (uint16_t)later;
    if (wish.request && !wish.request->answering && reply.done && ua_do(ua, &wish, &reply, &fault) == 0)
        return;
    free(reply.context);
    transfer->refer.status = 503; // the REFER is gone, or the data plane
    transfer_act(ua, transfer, REFER_DO_TELL | REFER_DO_END | REFER_DO_FORGET);
}

bool transfer_has(const struct transfer *transfer, const struct ua_request *request,
                  const struct message *message)
{
    if (request->call && !transfer->outside)
        return transfer->dialog == request->call->by_id.key;
    // Else by Call-ID and our tag, which nobody guesses.
    return !request->call && transfer->alone && transfer->call_id && transfer->from_tag &&
           strlen(transfer->call_id) == message->call_id.length &&
           memcmp(transfer->call_id, message_at(message, message->call_id), message->call_id.length) == 0 &&
           strlen(transfer->from_tag) == message->to_tag.length &&
           memcmp(transfer->from_tag, message_at(message, message->to_tag), message->to_tag.length) == 0;
}

// --- what becomes of it ---

// A chain of transfers has its end outside dialogs, too; the depth is that of the call which is named.
static uint16_t judge_policy(const struct ua *ua, const struct transfer *transfer,
                             const struct config_application_view *view)
{
    if (transfer->depth >= REFER_DEPTH_MAX)
        return 482;
    return view->refer == CONFIG_REFER_ACCEPT ? transfer_judge_offer(ua, transfer) : 0;
}

static void go_on(struct ua *ua, struct transfer *transfer)
{
    struct config_application_view view;
    transfer->refusal = ua_app_view(ua, transfer->app, &view, NULL) ? judge_policy(ua, transfer, &view) : 480;
    if (transfer->refusal) {
        transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_REFUSE, 0, clock_ms()));
        return;
    }
    transfer_tell(ua, transfer, ua_call_by_id(ua, transfer->dialog));
    if (view.refer == CONFIG_REFER_ACCEPT)
        transfer_act(ua, transfer, transfer_take_up(transfer));
}

// --- Target-Dialog ---

struct naming { // a dialog of the application that is looked for
    struct ua *ua;
    uint64_t id, dialog;
    char local[129], remote[129];
};

static bool is_tag(const char *text, const struct channel_dialog_row *row, unsigned which, const char *tag)
{
    for (unsigned i = 0; i < which; i++)
        text += row->text_lengths[i];
    return row->text_lengths[which] == strlen(tag) && memcmp(text, tag, strlen(tag)) == 0;
}

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct naming *naming = context;
    const struct transfer *transfer = transfer_find(naming->ua, naming->id);
    const struct ua_call *call = ua_call_by_handle(naming->ua, row->handle);
    if (!transfer || !call || call->app != transfer->app)
        return;
    unsigned local = call->callee ? CHANNEL_TEXT_CALLEE_TAG : CHANNEL_TEXT_CALLER_TAG;
    unsigned remote = call->callee ? CHANNEL_TEXT_CALLER_TAG : CHANNEL_TEXT_CALLEE_TAG;
    if (is_tag(text, row, local, naming->local) && is_tag(text, row, remote, naming->remote))
        naming->dialog = call->by_id.key;
}

static void on_named(void *context, const struct channel_done *done)
{
    struct naming *naming = context;
    struct transfer *transfer = transfer_find(naming->ua, naming->id);
    const struct ua_call *call = ua_call_by_id(naming->ua, naming->dialog);
    if (transfer && call) {
        transfer->dialog = naming->dialog;
        transfer->depth = call->transfers;
    }
    if (transfer && transfer->refer.state == REFER_ASKED)
        go_on(naming->ua, transfer);
    free(naming);
}

static bool copy_tag(char out[129], const struct message *message, struct span tag)
{
    return snprintf(out, 129, "%.*s", (int)tag.length, (const char *)message_at(message, tag)) < 129;
}

// RFC 4538 section 3: the tags are as we have them. One that names no call of ours authorizes nothing
// (section 4). False: nothing is looked for.
static bool look_for(struct ua *ua, const struct transfer *transfer, const struct message *message)
{
    struct target_dialog target;
    struct channel_dialog_select select = {0};
    uint8_t at = message_first_header(message, HEADER_TARGET_DIALOG);
    if (at == MESSAGE_NO_HEADER || message_next_header(message, at) != MESSAGE_NO_HEADER ||
        target_dialog_read(message->octets, message->headers[at].value, &target) < 0 ||
        target.call_id.length > sizeof(select.call_id))
        return false;
    select.call_id_length = target.call_id.length;
    memcpy(select.call_id, message_at(message, target.call_id), target.call_id.length);
    struct naming *naming = calloc(1, sizeof(*naming));
    const struct channel_answer answer = {on_row, on_named, naming, NULL};
    if (!naming)
        return false;
    naming->ua = ua;
    naming->id = transfer->id;
    bool asked = copy_tag(naming->local, message, target.local_tag) &&
                 copy_tag(naming->remote, message, target.remote_tag) &&
                 dialog_ask(ua->control, CHANNEL_DIALOG_SHOW, &select, &answer) >= 0;
    if (!asked)
        free(naming);
    return asked;
}

static struct transfer *begin(struct ua *ua, const struct ua_request *request, const struct message *message)
{
    struct transfer *transfer = transfer_begin_outside(ua, request->app, REFER_ASKED, message->cseq_number);
    if (!transfer)
        return NULL;
    transfer->outside = transfer->alone = true;
    transfer->request = request->node.key;
    transfer->source = source_of(request);
    transfer->peer = request->peer;
    transfer->member = transfer_member(ua->control, request);
    return transfer;
}

bool transfer_take_outside(struct ua *ua, struct ua_request *request, const struct message *message)
{
    struct config_application_view view;
    uint32_t application;
    if (!ua_app_view(ua, request->app, &view, &application))
        return false;
    // RFC 3261 12.2.2; RFC 7647 section 4: in the dialog of a subscription there is no other.
    uint16_t status = message->to_tag.length ? 481 : 0;
    const struct ip_address source = source_of(request);
    if (status == 0)
        status = guard(&ua->control->transfers, &source);
    struct transfer *transfer = status ? NULL : begin(ua, request, message);
    if (!transfer) {
        transfer_respond_to(ua, request, status ? status : 503, NULL);
        return true;
    }
    transfer->refusal = transfer_judge(ua, transfer, message, &view, application);
    if (transfer->refusal == 0)
        transfer->refusal = read_names(transfer, message);
    if (transfer->refusal)
        transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_REFUSE, 0, clock_ms()));
    else if (!look_for(ua, transfer, message))
        go_on(ua, transfer);
    return true;
}
