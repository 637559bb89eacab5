// SPDX-License-Identifier: BSD-3-Clause
// What an application has written is not trusted to be a message. A draft of it is parsed as if it had been
// received, and has to be without fault and to say what we say: our tag, our Call-ID. The routes look at the
// draft, too. Then the listener is known, and the request is written that goes.
#include "ua_draft.h"
#include <errno.h>
#include <string.h>
#include "feedback.h"
#include "header.h"
#include "owner.h"
#include "random.h"
#include "ua_send.h"
#include "ua_tag.h"

static void write_string(struct writer *writer, struct dialog_string text)
{
    write_octets(writer, text.octets, text.length);
}

// A tag that we gave to a caller has letters behind it.
static bool is_own_tag(const struct cookie_keys *keys, const struct placed *placed, uint16_t *application)
{
    struct cookie_octets tag = cookie_of(placed->tag);
    tag.length = RTE_MIN(tag.length, (size_t)UA_TAG_LENGTH);
    return ua_tag_read(keys, tag, cookie_of(placed->call_id), application);
}

int ua_draft_name(struct worker *worker, struct placed *placed)
{
    const struct ua_command *command = placed->command;
    const struct cookie_keys *keys = &worker->parts.keys;
    uint16_t application;
    placed->call_id = command->texts[CHANNEL_UA_TEXT_CALL_ID];
    placed->tag = command->texts[CHANNEL_UA_TEXT_FROM_TAG];
    placed->cseq = command->fixed->cseq;
    if (placed->call_id.length == 0) {
        if (placed->tag.length != 0 || placed->cseq != 0)
            return -EINVAL;
        if (!random_call_id(worker, placed->new_call_id))
            return -ENOSPC;
        placed->cseq = 1;
        placed->call_id = (struct dialog_string){placed->new_call_id, (uint32_t)strlen(placed->new_call_id)};
        placed->tag.length =
            ua_tag_write(keys, command->fixed->application, cookie_of(placed->call_id), placed->new_tag);
        placed->tag.octets = placed->new_tag;
    } else if (placed->cseq == 0 || placed->cseq >= 1u << 31 || // 8.1.1.5
               !is_own_tag(keys, placed, &application) || application != command->fixed->application) {
        return -EINVAL;
    }
    placed->packet.call_hash = siphash13(&keys->table, placed->call_id.octets, placed->call_id.length);
    // What comes of it would go to another worker.
    return owner_of(placed->packet.call_hash, worker->parts.count) == worker->parts.id ? 0 : -EINVAL;
}

static struct dialog_string method_of(const struct placed *placed)
{
    static const struct dialog_string invite = {"INVITE", 6};
    return placed->invite ? invite : placed->command->texts[CHANNEL_UA_TEXT_METHOD];
}

// The application's address is that of its first listener, whatever the request leaves by.
static void write_own_address(const struct worker *worker, struct writer *writer, uint16_t application)
{
    uint16_t listener = worker->rules->peers[application].listeners[0];
    if (listener >= worker->rules->listener_count)
        listener = 0;
    listener_write(worker->rules, writer, listener);
}

static void write_from(const struct worker *worker, struct writer *writer, const struct placed *placed)
{
    const struct ua_command *command = placed->command;
    write_text(writer, "From: ");
    if (command->texts[CHANNEL_UA_TEXT_FROM].length > 0) {
        write_string(writer, command->texts[CHANNEL_UA_TEXT_FROM]);
    } else {
        write_text(writer, "<sip:");
        write_text(writer, worker->rules->peers[command->fixed->application].name);
        write_text(writer, "@");
        write_own_address(worker, writer, command->fixed->application);
        write_text(writer, ">");
    }
    write_text(writer, ";tag=");
    write_string(writer, placed->tag);
    write_text(writer, "\r\n");
}

static void write_to(struct writer *writer, const struct placed *placed)
{
    const struct ua_command *command = placed->command;
    write_text(writer, "To: ");
    if (command->texts[CHANNEL_UA_TEXT_TO].length > 0) {
        write_string(writer, command->texts[CHANNEL_UA_TEXT_TO]);
    } else {
        write_text(writer, "<");
        write_string(writer, command->texts[CHANNEL_UA_TEXT_URI]);
        write_text(writer, ">");
    }
    write_text(writer, "\r\n");
}

// Of those that refresh a target, or make one; a REGISTER without a Contact asks (10.2.3).
static bool needs_contact(enum sip_method method)
{
    return method == METHOD_INVITE || method == METHOD_SUBSCRIBE || method == METHOD_NOTIFY ||
           method == METHOD_REFER;
}

static void write_contact(const struct worker *worker, struct writer *writer, const struct placed *placed)
{
    struct dialog_string contact = placed->command->texts[CHANNEL_UA_TEXT_CONTACT];
    struct dialog_string method = method_of(placed);
    if (contact.length == 0 && !needs_contact(method_find(method.octets, method.length)))
        return;
    write_text(writer, "Contact: ");
    if (contact.length > 0) {
        write_string(writer, contact);
    } else {
        write_text(writer, "<sip:");
        listener_write(worker->rules, writer, placed->to.listener);
        write_text(writer, ">");
    }
    write_text(writer, "\r\n");
}

void ua_draft_write(struct worker *worker, struct writer *writer, const struct placed *placed,
                    const struct message *draft)
{
    const struct ua_command *command = placed->command;
    write_string(writer, method_of(placed));
    write_text(writer, " ");
    if (draft != NULL)
        rewrite_request_uri(worker, draft, placed->route, writer);
    else
        write_string(writer, command->texts[CHANNEL_UA_TEXT_URI]);
    write_text(writer, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    listener_write(worker->rules, writer, placed->to.listener);
    write_text(writer, ";branch=");
    write_text(writer, placed->branch);
    if (draft != NULL && feedback_is_on(worker, placed->peer))
        write_text(writer, FEEDBACK_OFFER);
    write_text(writer, "\r\nMax-Forwards: 70\r\n");
    write_from(worker, writer, placed);
    write_to(writer, placed);
    write_text(writer, "Call-ID: ");
    write_string(writer, placed->call_id);
    write_text(writer, "\r\nCSeq: ");
    write_number(writer, placed->cseq);
    write_text(writer, " ");
    write_string(writer, method_of(placed));
    write_text(writer, "\r\n");
    write_contact(worker, writer, placed);
    if (placed->invite)
        ua_write_options(worker, writer,
                         &(struct ua_options){.application = command->fixed->application,
                                              .invite = true,
                                              .dialog = INDEX_NONE,
                                              .wanted = command->fixed});
    write_string(writer, command->texts[CHANNEL_UA_TEXT_HEADERS]);
    write_text(writer, "Content-Length: ");
    write_number(writer, command->body.length);
    write_text(writer, "\r\n\r\n");
    write_string(writer, command->body);
}

// Inside a dialog that its application keeps by itself a request may have these methods.
static bool is_method(const struct placed *placed, const struct message *draft)
{
    switch (draft->method) {
    case METHOD_INVITE:
        return placed->invite;
    case METHOD_ACK:
    case METHOD_CANCEL:
    case METHOD_BYE:
    case METHOD_PRACK:
    case METHOD_UPDATE:
        return false;
    default:
        return true;
    }
}

int ua_draft_make(struct worker *worker, struct placed *placed)
{
    struct message *draft = &worker->kept;
    struct writer writer;
    struct uri uri;
    bool again = placed->command->texts[CHANNEL_UA_TEXT_CALL_ID].length > 0;
    writer_init(&writer, worker->restored[0], sizeof(worker->restored[0]));
    strcpy(placed->branch, "z9hG4bK");
    ua_draft_write(worker, &writer, placed, NULL);
    if (writer.overflow)
        return -EMSGSIZE;
    if (message_parse(writer.octets, writer.used, draft) != MESSAGE_FINE || !is_method(placed, draft) ||
        draft->body.length != placed->command->body.length ||
        uri_parse(draft->octets, draft->request_uri, &uri) != 0 || uri.scheme == URI_SIPS ||
        uri.headers.offset != 0)
        return -EINVAL;
    struct dialog_string tag = string_of(draft, draft->from_tag), call_id = string_of(draft, draft->call_id);
    bool same = tag.length == placed->tag.length && call_id.length == placed->call_id.length &&
                memcmp(tag.octets, placed->tag.octets, tag.length) == 0 &&
                memcmp(call_id.octets, placed->call_id.octets, call_id.length) == 0;
    // A tag of the far end is that of a dialog which the application keeps by itself.
    return same && (draft->to_tag.length == 0 || (again && !placed->invite)) ? 0 : -EINVAL;
}
