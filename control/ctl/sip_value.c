// SPDX-License-Identifier: BSD-3-Clause
// One function a kind of value; json_false() where the reader refuses it.
#include "sip_tree.h"

#include "contact.h"
#include "cseq.h"
#include "digest.h"
#include "event.h"
#include "header.h"
#include "media_type.h"
#include "number.h"
#include "reason.h"
#include "refer_to.h"
#include "replaces.h"
#include "retry_after.h"
#include "session_expires.h"
#include "subscription_state.h"
#include "tel.h"
#include "token_list.h"
#include "uri.h"

static void put(json_t *object, const char *name, const uint8_t *octets, struct span span)
{
    if (span.length != 0)
        json_object_set_new(object, name, sip_text(octets, span));
}

static void put_number(json_t *object, const char *name, bool has, uint32_t number)
{
    if (has)
        json_object_set_new(object, name, json_integer(number));
}

static json_t *parameters_of(const uint8_t *octets, struct span parameters)
{
    json_t *object = json_object();
    struct span name, value;
    for (uint32_t at = 0; uri_parameter_next(octets, parameters, &at, &name, &value);) {
        json_t *key = sip_text(octets, name);
        json_object_set_new(object, json_string_value(key),
                            value.length == 0 ? json_true() : sip_text(octets, value));
        json_decref(key);
    }
    return object;
}

static void put_parameters(json_t *object, const uint8_t *octets, struct span parameters)
{
    if (parameters.length != 0)
        json_object_set_new(object, "parameters", parameters_of(octets, parameters));
}

static json_t *value_uri(const uint8_t *octets, struct span value)
{
    struct uri uri;
    struct tel tel;
    if (uri_parse(octets, value, &uri) != 0)
        return json_false();
    json_t *object = json_object();
    put(object, "scheme", octets, uri.scheme_name);
    if (uri.scheme == URI_TEL && tel_read(octets, uri.rest, &tel) == 0) {
        put(object, "number", octets, tel.number);
        put_parameters(object, octets, tel.parameters);
    } else if (uri.scheme != URI_SIP && uri.scheme != URI_SIPS) {
        put(object, "rest", octets, uri.rest);
    }
    put(object, "user", octets, uri.user);
    put(object, "password", octets, uri.password);
    put(object, "host", octets, uri.host);
    put_number(object, "port", uri.has_port, uri.port);
    put_parameters(object, octets, uri.parameters);
    put(object, "headers", octets, uri.headers);
    return object;
}

// A list, or json_false() when a reader refuses one of its values.
static json_t *list_or_false(json_t *list, int more)
{
    if (more == 0)
        return list;
    json_decref(list);
    return json_false();
}

static json_t *value_addresses(const uint8_t *octets, struct span value)
{
    json_t *list = json_array();
    struct contact contact;
    uint32_t at = 0;
    int more;
    if (contact_is_star(octets, value)) {
        json_array_append_new(list, json_string("*"));
        return list;
    }
    while ((more = contact_next(octets, value, &at, &contact)) == 1) {
        json_t *object = json_object();
        put(object, "display", octets, contact.address.display);
        json_object_set_new(object, "uri", value_uri(octets, contact.address.uri));
        put_parameters(object, octets, contact.address.parameters);
        json_array_append_new(list, object);
    }
    return list_or_false(list, more);
}

static json_t *value_vias(const uint8_t *octets, struct span value)
{
    json_t *list = json_array();
    struct via via;
    uint32_t at = 0;
    int more;
    while ((more = via_next(octets, value, &at, &via)) == 1) {
        json_t *object = json_object();
        put(object, "transport", octets, via.transport);
        put(object, "host", octets, via.host);
        put_number(object, "port", via.port != 0, via.port);
        put_parameters(object, octets, via.parameters);
        json_array_append_new(list, object);
    }
    return list_or_false(list, more);
}

static json_t *value_cseq(const uint8_t *octets, struct span value)
{
    struct cseq cseq;
    if (cseq_read(octets, value, &cseq) != 0)
        return json_false();
    json_t *object = json_object();
    put_number(object, "number", true, cseq.number);
    put(object, "method", octets, cseq.method_name);
    return object;
}

static json_t *value_rack(const uint8_t *octets, struct span value)
{
    struct rack rack;
    if (rack_read(octets, value, &rack) != 0)
        return json_false();
    json_t *object = json_object();
    put_number(object, "response", true, rack.response);
    put_number(object, "number", true, rack.cseq.number);
    put(object, "method", octets, rack.cseq.method_name);
    return object;
}

static json_t *value_tokens(const uint8_t *octets, struct span value)
{
    json_t *list = json_array();
    struct span token;
    uint32_t at = 0;
    int more;
    while ((more = token_list_next(octets, value, &at, &token)) == 1)
        json_array_append_new(list, sip_text(octets, token));
    return list_or_false(list, more);
}

static json_t *value_number(const uint8_t *octets, struct span value)
{
    uint32_t number;
    return number_read(octets, value, UINT32_MAX, &number) == 0 ? json_integer(number) : json_false();
}

static json_t *value_media(const uint8_t *octets, struct span value)
{
    struct media_type media;
    if (media_type_read(octets, value, &media) != 0)
        return json_false();
    json_t *object = json_object();
    put(object, "type", octets, media.type);
    put(object, "subtype", octets, media.subtype);
    put_parameters(object, octets, media.parameters);
    return object;
}

static json_t *value_event(const uint8_t *octets, struct span value)
{
    struct event event;
    if (event_read(octets, value, &event) != 0)
        return json_false();
    json_t *object = json_object();
    put(object, "package", octets, event.package);
    put(object, "id", octets, event.id);
    return object;
}

static json_t *value_state(const uint8_t *octets, struct span value)
{
    struct subscription_state state;
    if (subscription_state_read(octets, value, &state) != 0)
        return json_false();
    json_t *object = json_object();
    put(object, "state", octets, state.name);
    put(object, "reason", octets, state.reason);
    put_number(object, "expires", state.has_expires, state.expires_s);
    put_number(object, "retry_after", state.has_retry_after, state.retry_after_s);
    return object;
}

static json_t *value_session(const uint8_t *octets, struct span value)
{
    struct session_expires session;
    if (session_expires_read(octets, value, &session) != 0)
        return json_false();
    json_t *object = json_object();
    put_number(object, "interval", true, session.interval_s);
    if (session.refresher != REFRESHER_NONE)
        json_object_set_new(object, "refresher",
                            json_string(session.refresher == REFRESHER_UAC ? "uac" : "uas"));
    return object;
}

static json_t *value_digest(const uint8_t *octets, struct span value)
{
    static const char *const names[DIGEST_FIELD_COUNT] = {"username",  "realm",  "nonce",   "uri", "response",
                                                          "algorithm", "cnonce", "opaque",  "qop", "nc",
                                                          "domain",    "stale",  "userhash"};
    struct digest digest;
    if (digest_read(octets, value, &digest) != 0)
        return json_false();
    json_t *object = json_object();
    put(object, "scheme", octets, digest.scheme);
    for (unsigned i = 0; i < DIGEST_FIELD_COUNT; i++)
        put(object, names[i], octets, digest.fields[i]);
    return object;
}

static json_t *value_reasons(const uint8_t *octets, struct span value)
{
    json_t *list = json_array();
    struct reason reason;
    uint32_t at = 0;
    int more;
    while ((more = reason_next(octets, value, &at, &reason)) == 1) {
        json_t *object = json_object();
        put(object, "protocol", octets, reason.protocol);
        put_number(object, "cause", reason.has_cause, reason.cause);
        put(object, "text", octets, reason.text);
        json_array_append_new(list, object);
    }
    return list_or_false(list, more);
}

static json_t *value_retry(const uint8_t *octets, struct span value)
{
    struct retry_after retry;
    if (retry_after_read(octets, value, &retry) != 0)
        return json_false();
    json_t *object = json_object();
    put_number(object, "delay", true, retry.delay_s);
    put_number(object, "duration", retry.has_duration, retry.duration_s);
    put(object, "comment", octets, retry.comment);
    return object;
}

static json_t *dialog_of(const uint8_t *octets, const struct replaces *replaces)
{
    json_t *object = json_object();
    put(object, "call_id", octets, replaces->call_id);
    put(object, "to_tag", octets, replaces->to_tag);
    put(object, "from_tag", octets, replaces->from_tag);
    if (replaces->early_only)
        json_object_set_new(object, "early_only", json_true());
    return object;
}

static json_t *value_replaces(const uint8_t *octets, struct span value)
{
    struct replaces replaces;
    return replaces_read(octets, value, &replaces) == 0 ? dialog_of(octets, &replaces) : json_false();
}

static json_t *value_refer_to(const uint8_t *octets, struct span value)
{
    static uint8_t plain[MESSAGE_SIZE_MAX];
    struct refer_to refer;
    struct replaces replaces;
    struct writer buffer;
    if (refer_to_read(octets, value, &refer) != 0)
        return json_false();
    json_t *object = json_object();
    put(object, "display", octets, refer.address.display);
    json_object_set_new(object, "uri", value_uri(octets, refer.address.uri));
    json_object_set_new(object, "method", json_string(method_text(refer.method)));
    writer_init(&buffer, plain, sizeof(plain));
    if (refer.replaces.length != 0)
        json_object_set_new(object, "replaces",
                            refer_to_replaces(octets, &refer, &buffer, &replaces) == 0
                                ? dialog_of(plain, &replaces)
                                : json_false());
    return object;
}

static const struct {
    uint8_t kind;
    json_t *(*read)(const uint8_t *octets, struct span value);
} rows[] = {
    {HEADER_OTHER, value_uri}, // the Request-URI
    {HEADER_VIA, value_vias},
    {HEADER_FROM, value_addresses},
    {HEADER_TO, value_addresses},
    {HEADER_CONTACT, value_addresses},
    {HEADER_ROUTE, value_addresses},
    {HEADER_RECORD_ROUTE, value_addresses},
    {HEADER_PATH, value_addresses},
    {HEADER_SERVICE_ROUTE, value_addresses},
    {HEADER_REPLY_TO, value_addresses},
    {HEADER_REFERRED_BY, value_addresses},
    {HEADER_HISTORY_INFO, value_addresses},
    {HEADER_P_ASSERTED_IDENTITY, value_addresses},
    {HEADER_P_PREFERRED_IDENTITY, value_addresses},
    {HEADER_CSEQ, value_cseq},
    {HEADER_RACK, value_rack},
    {HEADER_REQUIRE, value_tokens},
    {HEADER_PROXY_REQUIRE, value_tokens},
    {HEADER_SUPPORTED, value_tokens},
    {HEADER_UNSUPPORTED, value_tokens},
    {HEADER_ALLOW, value_tokens},
    {HEADER_ALLOW_EVENTS, value_tokens},
    {HEADER_MAX_FORWARDS, value_number},
    {HEADER_CONTENT_LENGTH, value_number},
    {HEADER_EXPIRES, value_number},
    {HEADER_MIN_EXPIRES, value_number},
    {HEADER_RSEQ, value_number},
    {HEADER_MAX_BREADTH, value_number},
    {HEADER_FLOW_TIMER, value_number},
    {HEADER_CONTENT_TYPE, value_media},
    {HEADER_EVENT, value_event},
    {HEADER_SUBSCRIPTION_STATE, value_state},
    {HEADER_SESSION_EXPIRES, value_session},
    {HEADER_AUTHORIZATION, value_digest},
    {HEADER_PROXY_AUTHORIZATION, value_digest},
    {HEADER_WWW_AUTHENTICATE, value_digest},
    {HEADER_PROXY_AUTHENTICATE, value_digest},
    {HEADER_REASON, value_reasons},
    {HEADER_RETRY_AFTER, value_retry},
    {HEADER_REPLACES, value_replaces},
    {HEADER_JOIN, value_replaces},
    {HEADER_REFER_TO, value_refer_to},
};

json_t *sip_value(unsigned kind, const uint8_t *octets, struct span value)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].kind == kind)
            return rows[i].read(octets, value);
    return NULL;
}
