// SPDX-License-Identifier: BSD-3-Clause
// What an application wants becomes a command of the data plane: header fields as lines, every text checked,
// so that nothing of it can be taken for more than it is.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../../dataplane/sip/uri.h"
#include "../control.h"
#include "ua.h"

#define HEADERS_MAX 32768u // octets of the application's header lines
#define ALLOW                                                                                                \
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE, SUBSCRIBE\r\n"

struct draft {
    struct channel_ua_command fixed;
    struct ua_words words;
    char headers[HEADERS_MAX];
    size_t used;
    bool has_type, has_allow;
};

__attribute__((format(printf, 3, 4))) static bool wrong(struct ua_fault *fault, enum dg_code code,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fault->code = code;
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is two lines above
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return false;
}

// What the data plane writes itself (channel_ua.h), with the compact forms of RFC 3261 7.3.3.
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"Via",
                                        "v",
                                        "Route",
                                        "Record-Route",
                                        "From",
                                        "f",
                                        "To",
                                        "t",
                                        "Call-ID",
                                        "i",
                                        "CSeq",
                                        "Max-Forwards",
                                        "RSeq",
                                        "RAck",
                                        "Content-Length",
                                        "l",
                                        "Contact",
                                        "m",
                                        "Session-Expires",
                                        "x",
                                        "Min-SE",
                                        NULL};
    unsigned i = 0;
    while (names[i] && strcasecmp(names[i], name) != 0)
        i++;
    return names[i] != NULL;
}

// RFC 3261 25.1: token.
static bool is_token(const char *text)
{
    static const char others[] = "-.!%*_+`'~";
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr(others, c))
            return false;
    }
    return length > 0;
}

// No control octet but a tab: so no CR, LF, NUL (length is of the JSON text).
static bool is_line(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return false;
    return true;
}

static bool add_line(struct draft *draft, const char *name, const char *value, size_t length)
{
    size_t need = strlen(name) + length + 4;
    if (need >= sizeof(draft->headers) - draft->used)
        return false;
    draft->used += (size_t)snprintf(draft->headers + draft->used, sizeof(draft->headers) - draft->used,
                                    "%s: %.*s\r\n", name, (int)length, value);
    return true;
}

static bool add_header(struct draft *draft, const json_t *pair, const struct config_ua_limits_view *limits,
                       struct ua_fault *fault)
{
    const char *name = json_string_value(json_array_get(pair, 0));
    const json_t *text = json_array_get(pair, 1);
    const char *value = json_string_value(text);
    size_t length = json_string_length(text);
    if (json_array_size(pair) != 2 || !name || !value)
        return wrong(fault, DG_INVALID_PARAMS, "headers must be a list of [name, value]");
    if (strlen(name) != json_string_length(json_array_get(pair, 0)) || !is_token(name))
        return wrong(fault, DG_INVALID_PARAMS, "headers: a name is no token (RFC 3261 25.1)");
    if (is_reserved(name))
        return wrong(fault, DG_INVALID_PARAMS, "headers: %.64s is written by Dialgate; leave it out", name);
    if (!is_line(value, length))
        return wrong(fault, DG_INVALID_PARAMS, "headers: %.64s holds a control character", name);
    if (strcasecmp(name, "Require") == 0 && strcasestr(value, "100rel"))
        return wrong(fault, DG_INVALID_PARAMS, "headers: Require: 100rel is written by Dialgate");
    if (strlen(name) + length + 4 > limits->header_line)
        return wrong(fault, DG_INVALID_PARAMS, "headers: %.64s is longer than %u octets", name,
                     limits->header_line);
    draft->has_type = draft->has_type || strcasecmp(name, "Content-Type") == 0 || strcasecmp(name, "c") == 0;
    draft->has_allow = draft->has_allow || strcasecmp(name, "Allow") == 0;
    return add_line(draft, name, value, length) ||
           wrong(fault, DG_INVALID_PARAMS, "headers: more than %u octets", HEADERS_MAX);
}

// RFC 4566 5: v= first; at most so many m= lines.
static bool is_description(const char *body, size_t length, const struct config_ua_limits_view *limits,
                           struct ua_fault *fault)
{
    size_t media = 0;
    if (length < 4 || memcmp(body, "v=0", 3) != 0 || (body[3] != '\r' && body[3] != '\n'))
        return wrong(fault, DG_PROTOCOL, "body: a session description begins with v=0");
    for (size_t i = 1; i + 1 < length; i++)
        media += body[i - 1] == '\n' && body[i] == 'm' && body[i + 1] == '=';
    if (media > limits->media)
        return wrong(fault, DG_PROTOCOL, "body: more than %u media lines", limits->media);
    return true;
}

static bool add_body(struct draft *draft, const struct ua_wish *wish,
                     const struct config_ua_limits_view *limits, struct ua_fault *fault)
{
    const char *type = wish->content_type;
    if (wish->body_length == 0)
        return true;
    if (wish->body_length > limits->body || wish->body_length > UINT16_MAX)
        return wrong(fault, DG_INVALID_PARAMS, "body: longer than %u octets", limits->body);
    if (!type && !draft->has_type && wish->body_length > 3 && memcmp(wish->body, "v=0", 3) == 0)
        type = "application/sdp";
    if (!type && !draft->has_type)
        return wrong(fault, DG_INVALID_PARAMS, "body needs a content_type");
    if (type && draft->has_type)
        return wrong(fault, DG_INVALID_PARAMS, "content_type and a header Content-Type");
    if (type && (!is_line(type, strlen(type)) || !add_line(draft, "Content-Type", type, strlen(type))))
        return wrong(fault, DG_INVALID_PARAMS, "content_type is none");
    if (type && strncasecmp(type, "application/sdp", 15) == 0) {
        draft->fixed.flags |= CHANNEL_UA_DESCRIPTION;
        if (!is_description(wish->body, wish->body_length, limits, fault))
            return false;
    }
    draft->fixed.body_length = (uint16_t)wish->body_length;
    draft->words.texts[CHANNEL_UA_TEXTS].octets = wish->body;
    draft->words.texts[CHANNEL_UA_TEXTS].length = wish->body_length;
    return true;
}

static bool set_text(struct draft *draft, enum channel_ua_text which, const char *text, size_t length)
{
    if (!text || !is_line(text, length) || length > UINT16_MAX)
        return false;
    draft->words.texts[which].octets = text;
    draft->words.texts[which].length = length;
    return true;
}

// A URI, or a name-addr with one; without a tag, which is the data plane's, but of the far end of a dialog
// that control keeps itself.
static bool read_address(const char *text, const struct config_ua_limits_view *limits, bool tagged,
                         struct address *address)
{
    struct uri uri;
    struct span all = {0, (uint16_t)strlen(text)}, tag;
    uint32_t at = 0;
    const uint8_t *octets = (const uint8_t *)text;
    if (strlen(text) == 0 || strlen(text) > limits->uri + limits->uri || !is_line(text, strlen(text)) ||
        address_next(octets, all, &at, address) != 1 || address_next(octets, all, &at, &(struct address){0}))
        return false;
    return address->uri.length <= limits->uri && uri_parse(octets, address->uri, &uri) == 0 &&
           (tagged || !uri_parameter(octets, address->parameters, "tag", &tag));
}

static bool add_address(struct draft *draft, enum channel_ua_text which, const char *text,
                        const struct config_ua_limits_view *limits, struct ua_fault *fault)
{
    static const char *const names[] = {
        [CHANNEL_UA_TEXT_FROM] = "from", [CHANNEL_UA_TEXT_TO] = "to", [CHANNEL_UA_TEXT_CONTACT] = "contact"};
    struct address address;
    bool again = draft->words.texts[CHANNEL_UA_TEXT_CALL_ID].length > 0;
    if (!text)
        return true;
    if (!read_address(text, limits, which == CHANNEL_UA_TEXT_TO && again, &address))
        return wrong(fault, DG_INVALID_PARAMS, "%s is neither a URI nor a name-addr without a tag",
                     names[which]);
    if (which == CHANNEL_UA_TEXT_TO) {
        // RFC 3261 8.1.1.1, 8.1.1.2: the Request-URI is that of To, unless something says otherwise.
        set_text(draft, CHANNEL_UA_TEXT_URI, text + address.uri.offset, address.uri.length);
        if (address.uri.length == strlen(text))
            return true;
    }
    return set_text(draft, which, text, strlen(text));
}

// RFC 3261 8.3.
static bool add_targets(struct draft *draft, const char *text, const struct config_ua_limits_view *limits)
{
    struct span all = {0, (uint16_t)strlen(text)};
    struct address address;
    struct uri uri;
    uint32_t at = 0;
    int more = 0;
    if (!is_line(text, strlen(text)) || strlen(text) > UINT16_MAX)
        return false;
    while ((more = address_next((const uint8_t *)text, all, &at, &address)) == 1)
        if (address.uri.length > limits->uri || uri_parse((const uint8_t *)text, address.uri, &uri) < 0)
            return false;
    return more == 0 && set_text(draft, CHANNEL_UA_TEXT_CONTACT, text, strlen(text));
}

// RFC 3891: of a Replaces as it came, which is not one of ours.
static bool add_replaces(struct draft *draft, const struct ua_wish *wish, struct ua_fault *fault)
{
    return (set_text(draft, CHANNEL_UA_TEXT_CALL_ID, wish->call_id, strlen(wish->call_id)) &&
            set_text(draft, CHANNEL_UA_TEXT_TO, wish->to, strlen(wish->to)) &&
            set_text(draft, CHANNEL_UA_TEXT_FROM_TAG, wish->from_tag, strlen(wish->from_tag))) ||
           wrong(fault, DG_INVALID_PARAMS, "Replaces holds a control character");
}

static bool add_texts(struct draft *draft, const struct ua_wish *wish,
                      const struct config_ua_limits_view *limits, struct ua_fault *fault)
{
    if (wish->op == CHANNEL_UA_CLAIM)
        return wish->call || add_replaces(draft, wish, fault);
    if (wish->method && (!is_token(wish->method) || strlen(wish->method) > 31))
        return wrong(fault, DG_INVALID_PARAMS, "method is no token");
    if (wish->method)
        set_text(draft, CHANNEL_UA_TEXT_METHOD, wish->method, strlen(wish->method));
    if (wish->reason && !set_text(draft, CHANNEL_UA_TEXT_REASON, wish->reason, strlen(wish->reason)))
        return wrong(fault, DG_INVALID_PARAMS, "reason holds a control character");
    if (wish->targets && !add_targets(draft, wish->targets, limits))
        return wrong(fault, DG_INVALID_PARAMS, "targets: one is no URI and no name-addr");
    if (wish->uri) {
        // Its parameters are its own: no address is read here.
        size_t length = strlen(wish->uri);
        const struct span all = {0, (uint16_t)length};
        struct uri uri;
        if (length > limits->uri || !is_line(wish->uri, length) ||
            uri_parse((const uint8_t *)wish->uri, all, &uri) < 0)
            return wrong(fault, DG_INVALID_PARAMS, "the Request-URI is no URI");
    }
    if (wish->call_id) {
        set_text(draft, CHANNEL_UA_TEXT_CALL_ID, wish->call_id, strlen(wish->call_id));
        set_text(draft, CHANNEL_UA_TEXT_FROM_TAG, wish->from_tag, strlen(wish->from_tag));
        draft->fixed.cseq = wish->cseq;
    }
    if (!add_address(draft, CHANNEL_UA_TEXT_TO, wish->to, limits, fault) ||
        !add_address(draft, CHANNEL_UA_TEXT_FROM, wish->from, limits, fault) ||
        !add_address(draft, CHANNEL_UA_TEXT_CONTACT, wish->contact, limits, fault))
        return false;
    if (wish->uri) {
        if (draft->words.texts[CHANNEL_UA_TEXT_TO].length == 0)
            draft->words.texts[CHANNEL_UA_TEXT_TO] = draft->words.texts[CHANNEL_UA_TEXT_URI];
        set_text(draft, CHANNEL_UA_TEXT_URI, wish->uri, strlen(wish->uri));
    }
    return true;
}

// RFC 3261 13.2.1, 13.3.1.4, 11.2: who sends or takes an INVITE says what else may come.
static bool wants_allow(const struct ua_wish *wish)
{
    if (wish->op == CHANNEL_UA_RESPOND)
        return wish->status == 405 || (wish->status >= 200 && wish->status < 300 &&
                                       (strcmp(wish->request->method, "INVITE") == 0 ||
                                        strcmp(wish->request->method, "OPTIONS") == 0));
    return wish->op == CHANNEL_UA_INVITE ||
           (wish->op == CHANNEL_UA_REQUEST && strcmp(wish->method, "INVITE") == 0);
}

// RFC 3891 6.2: as far as it is not refused. What else the data plane supports, it says itself.
static const char *supported(const struct ua *ua, const struct ua_wish *wish)
{
    const struct ua_app *app = wish->call ? wish->call->app : wish->request ? wish->request->app : wish->app;
    struct config_application_view view;
    bool offers = wants_allow(wish) && wish->status != 405 && ua_app_view(ua, app, &view, NULL) &&
                  view.replaces != CONFIG_REFER_REFUSE;
    return offers ? "Supported: replaces\r\n" : "";
}

static bool add_headers(struct draft *draft, const struct ua_wish *wish,
                        const struct config_ua_limits_view *limits, const char *own, struct ua_fault *fault)
{
    size_t extra = wish->extra ? strlen(wish->extra) : 0;
    if (json_array_size(wish->headers) > 100)
        return wrong(fault, DG_INVALID_PARAMS, "headers: more than 100");
    for (size_t i = 0; i < json_array_size(wish->headers); i++)
        if (!add_header(draft, json_array_get(wish->headers, i), limits, fault))
            return false;
    if (!add_body(draft, wish, limits, fault))
        return false;
    size_t allow = wants_allow(wish) && !draft->has_allow ? sizeof(ALLOW) - 1 : 0;
    if (extra + allow + strlen(own) >= sizeof(draft->headers) - draft->used)
        return wrong(fault, DG_INVALID_PARAMS, "headers: more than %u octets", HEADERS_MAX);
    memcpy(draft->headers + draft->used, ALLOW, allow);
    draft->used += allow;
    memcpy(draft->headers + draft->used, own, strlen(own));
    draft->used += strlen(own);
    if (extra)
        memcpy(draft->headers + draft->used, wish->extra, extra);
    draft->used += extra;
    draft->words.texts[CHANNEL_UA_TEXT_HEADERS].octets = draft->headers;
    draft->words.texts[CHANNEL_UA_TEXT_HEADERS].length = draft->used;
    return true;
}

static void set_fixed(struct channel_ua_command *fixed, const struct ua_wish *wish)
{
    fixed->op = (uint8_t)wish->op;
    fixed->dialog = wish->call && wish->op != CHANNEL_UA_RESPOND ? wish->call->by_handle.key : 0;
    fixed->transaction = wish->op == CHANNEL_UA_RESPOND ? wish->request->node.key : 0;
    fixed->application = wish->app ? wish->app->number : NUMBER_NONE;
    fixed->to_peer = wish->peer;
    fixed->to_member = wish->member;
    fixed->status = wish->status;
    fixed->session_s = wish->session_s;
    fixed->flags =
        (uint8_t)((wish->reliable ? CHANNEL_UA_RELIABLE : 0u) | (wish->late_ack ? CHANNEL_UA_LATE_ACK : 0u) |
                  (wish->early_only ? CHANNEL_UA_EARLY_ONLY : 0u) |
                  (wish->claimed ? CHANNEL_UA_CLAIMED : 0u));
}

struct channel_ua_command *ua_order(const struct ua *ua, const struct ua_wish *wish, size_t *size,
                                    struct ua_fault *fault)
{
    const struct config_ua_limits_view limits = config_ua_limits_view(ua->control->active.config);
    struct draft *draft = calloc(1, sizeof(*draft));
    struct channel_ua_command *order = NULL;
    *fault = (struct ua_fault){DG_INTERNAL, "out of memory"};
    if (!draft)
        return NULL;
    set_fixed(&draft->fixed, wish);
    if (add_texts(draft, wish, &limits, fault) &&
        add_headers(draft, wish, &limits, supported(ua, wish), fault))
        order = ua_order_join(&draft->fixed, &draft->words, size);
    free(draft);
    return order;
}

void ua_order_words(const struct channel_ua_command *order, struct ua_words *words)
{
    const char *at = (const char *)(order + 1);
    for (unsigned i = 0; i <= CHANNEL_UA_TEXTS; i++) {
        words->texts[i].octets = at;
        words->texts[i].length = i < CHANNEL_UA_TEXTS ? order->text_lengths[i] : order->body_length;
        at += words->texts[i].length;
    }
}

struct channel_ua_command *ua_order_join(const struct channel_ua_command *fixed, const struct ua_words *words,
                                         size_t *size)
{
    *size = sizeof(*fixed);
    for (unsigned i = 0; i <= CHANNEL_UA_TEXTS; i++)
        *size += words->texts[i].length;
    struct channel_ua_command *order = malloc(*size);
    if (!order)
        return NULL;
    *order = *fixed;
    char *at = (char *)(order + 1);
    for (unsigned i = 0; i <= CHANNEL_UA_TEXTS; i++) {
        if (words->texts[i].length)
            memcpy(at, words->texts[i].octets, words->texts[i].length);
        at += words->texts[i].length;
        if (i < CHANNEL_UA_TEXTS)
            order->text_lengths[i] = (uint16_t)words->texts[i].length;
    }
    order->body_length = (uint16_t)words->texts[CHANNEL_UA_TEXTS].length;
    return order;
}
