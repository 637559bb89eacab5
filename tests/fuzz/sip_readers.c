// SPDX-License-Identifier: BSD-3-Clause
#include "sip_readers.h"

#include <string.h>

#include "contact.h"
#include "cseq.h"
#include "digest.h"
#include "escape.h"
#include "event.h"
#include "media_type.h"
#include "number.h"
#include "param.h"
#include "quoted.h"
#include "reason.h"
#include "refer_to.h"
#include "replaces.h"
#include "retry_after.h"
#include "session_expires.h"
#include "sip_check.h"
#include "sipfrag.h"
#include "subscription_state.h"
#include "tel.h"
#include "token_list.h"
#include "uri.h"
#include "write_value.h"

#define TEXT_MAX 4096u

// What is being read, and room for two renderings.
struct reading {
    const uint8_t *octets;
    struct span value;
    uint8_t first[TEXT_MAX], second[TEXT_MAX];
};

static struct reading reading;

static void inside(struct span span)
{
    if (span.length == 0)
        return;
    CHECK(span.offset >= reading.value.offset);
    CHECK(span.offset + span.length <= reading.value.offset + reading.value.length);
}

typedef bool (*rewrite_function)(const uint8_t *octets, struct span value, struct writer *writer);

// What is read and written reads again, and is written the same.
static void check_rewrite(rewrite_function rewrite)
{
    struct writer first, second;
    writer_init(&first, reading.first, sizeof(reading.first));
    if (!rewrite(reading.octets, reading.value, &first) || first.overflow)
        return;
    writer_init(&second, reading.second, sizeof(reading.second));
    CHECK(rewrite(reading.first, (struct span){0, (uint16_t)first.used}, &second));
    CHECK(!second.overflow && first.used == second.used);
    CHECK(memcmp(reading.first, reading.second, first.used) == 0);
}

static bool rewrite_uri(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct uri uri;
    if (uri_parse(octets, value, &uri) != 0)
        return false;
    write_uri(writer, octets, &uri);
    return true;
}

// Each parameter that is looked for is the first one of its name.
static void find_parameters(const uint8_t *octets, struct span parameters)
{
    static const char *const names[] = {"lr", "dg", "maddr", "transport", "a"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span name, text = {0, 0}, value = {0, 0};
        bool found = false;
        for (uint32_t at = 0; !found && uri_parameter_next(octets, parameters, &at, &name, &text);)
            found = span_is(octets, name, names[i]);
        CHECK(uri_parameter(octets, parameters, names[i], &value) == found);
        CHECK(!found || (value.offset == text.offset && value.length == text.length));
    }
}

static void read_uri(const uint8_t *octets, struct span value)
{
    struct uri uri, slow = {0};
    struct tel tel;
    struct span name, text;
    unsigned steps = 0;
    memset(&uri, 0, sizeof(uri));
    int result = uri_parse(octets, value, &uri);
    CHECK(uri_read(octets, value, &slow) == result);
    if (result != 0)
        return;
    CHECK(memcmp(&uri, &slow, sizeof(uri)) == 0);
    const struct span spans[] = {uri.scheme_name, uri.rest,       uri.user,   uri.password,
                                 uri.host,        uri.parameters, uri.headers};
    for (unsigned i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        inside(spans[i]);
    for (uint32_t at = 0; uri_parameter_next(octets, uri.parameters, &at, &name, &text);) {
        CHECK(++steps <= value.length);
        inside(name);
        inside(text);
    }
    find_parameters(octets, uri.parameters);
    for (uint32_t at = 0; uri_header_next(octets, uri.headers, &at, &name, &text) == 1;) {
        CHECK(++steps <= value.length);
        inside(name);
        inside(text);
    }
    if (uri.scheme == URI_TEL && tel_read(octets, uri.rest, &tel) == 0)
        inside(tel.number);
    uint8_t address[16];
    (void)uri_host_ipv6(octets, uri.host, address);
    // A tel URI must be a number to equal anything, and there may be too many parts.
    if (uri.scheme == URI_OTHER || uri.scheme == URI_URN)
        CHECK(uri_equal(octets, value, octets, value));
    check_rewrite(rewrite_uri);
}

// The same URI twice, and its halves: whatever is compared, the order of the two does not matter.
static void compare_uris(const uint8_t *octets, struct span value)
{
    uint16_t half = value.length / 2;
    struct span left = {value.offset, half}, right = {(uint16_t)(value.offset + half), half};
    CHECK(uri_equal(octets, left, octets, right) == uri_equal(octets, right, octets, left));
}

static bool rewrite_address(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct address address;
    uint32_t at = 0;
    if (address_next(octets, value, &at, &address) != 1)
        return false;
    write_address(writer, octets, &address);
    return true;
}

static void read_contact(const uint8_t *octets, struct span value)
{
    struct contact contact;
    unsigned steps = 0;
    (void)contact_is_star(octets, value);
    for (uint32_t at = 0; contact_next(octets, value, &at, &contact) == 1;) {
        CHECK(++steps <= value.length && contact.q <= 1000);
        inside(contact.address.whole);
        inside(contact.address.display);
        inside(contact.address.uri);
        inside(contact.address.parameters);
        inside(contact.instance);
    }
    check_rewrite(rewrite_address);
}

static bool rewrite_via(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct via via;
    uint32_t at = 0;
    if (via_next(octets, value, &at, &via) != 1)
        return false;
    write_via(writer, octets, &via);
    return true;
}

static void read_via(const uint8_t *octets, struct span value)
{
    struct via via;
    struct via_parameters parameters;
    unsigned steps = 0;
    for (uint32_t at = 0; via_next(octets, value, &at, &via) == 1;) {
        CHECK(++steps <= value.length && via.has_rport == (via.rport.length != 0));
        inside(via.whole);
        inside(via.parameters);
        inside(via.branch);
        if (via_parameters_read(octets, &via, &parameters) != 0)
            continue;
        inside(parameters.maddr);
        inside(parameters.oc_algorithm);
    }
    check_rewrite(rewrite_via);
}

static bool rewrite_cseq(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct cseq cseq;
    if (cseq_read(octets, value, &cseq) != 0)
        return false;
    write_cseq(writer, octets, &cseq);
    return true;
}

static bool rewrite_rack(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct rack rack;
    if (rack_read(octets, value, &rack) != 0)
        return false;
    write_rack(writer, octets, &rack);
    return true;
}

static bool rewrite_replaces(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct replaces replaces;
    if (replaces_read(octets, value, &replaces) != 0)
        return false;
    write_replaces(writer, octets, &replaces);
    return true;
}

static bool rewrite_session(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct session_expires session;
    if (session_expires_read(octets, value, &session) != 0)
        return false;
    write_session_expires(writer, &session);
    return true;
}

static bool rewrite_event(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct event event;
    if (event_read(octets, value, &event) != 0)
        return false;
    write_event(writer, octets, &event);
    return true;
}

static bool rewrite_state(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct subscription_state state;
    if (subscription_state_read(octets, value, &state) != 0)
        return false;
    write_subscription_state(writer, octets, &state);
    return true;
}

static bool rewrite_digest(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct digest digest;
    if (digest_read(octets, value, &digest) != 0 || !digest.is_digest || !digest_is_challenge(&digest))
        return false;
    write_digest(writer, octets, &digest);
    return true;
}

static bool rewrite_reason(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct reason reason;
    uint32_t at = 0;
    if (reason_next(octets, value, &at, &reason) != 1)
        return false;
    write_reason(writer, octets, &reason);
    return true;
}

static bool rewrite_retry(const uint8_t *octets, struct span value, struct writer *writer)
{
    struct retry_after retry;
    if (retry_after_read(octets, value, &retry) != 0)
        return false;
    write_retry_after(writer, octets, &retry);
    return true;
}

static void read_cseq(const uint8_t *octets, struct span value)
{
    check_rewrite(rewrite_cseq);
}

static void read_rack(const uint8_t *octets, struct span value)
{
    check_rewrite(rewrite_rack);
}

static void read_session(const uint8_t *octets, struct span value)
{
    uint32_t interval_s;
    (void)min_se_read(octets, value, &interval_s);
    check_rewrite(rewrite_session);
}

static void read_event(const uint8_t *octets, struct span value)
{
    check_rewrite(rewrite_event);
}

static void read_state(const uint8_t *octets, struct span value)
{
    check_rewrite(rewrite_state);
}

static void read_digest(const uint8_t *octets, struct span value)
{
    struct digest digest;
    if (digest_read(octets, value, &digest) == 0)
        for (unsigned i = 0; i < DIGEST_FIELD_COUNT; i++)
            inside(digest.fields[i]);
    check_rewrite(rewrite_digest);
}

static void read_reason(const uint8_t *octets, struct span value)
{
    struct reason reason;
    struct writer writer;
    unsigned steps = 0;
    for (uint32_t at = 0; reason_next(octets, value, &at, &reason) == 1;) {
        CHECK(++steps <= value.length);
        inside(reason.text);
        writer_init(&writer, reading.first, sizeof(reading.first));
        write_unquoted(&writer, octets, reason.text);
    }
    check_rewrite(rewrite_reason);
}

static void read_retry(const uint8_t *octets, struct span value)
{
    check_rewrite(rewrite_retry);
}

static void read_replaces(const uint8_t *octets, struct span value)
{
    struct replaces join;
    struct target_dialog target;
    if (join_read(octets, value, &join) == 0)
        inside(join.call_id);
    if (target_dialog_read(octets, value, &target) == 0)
        inside(target.remote_tag);
    check_rewrite(rewrite_replaces);
}

// A Refer-To with a Replaces is written with everything escaped that needs it: it reads back the same.
static void read_refer_to(const uint8_t *octets, struct span value)
{
    static uint8_t plain[TEXT_MAX];
    struct refer_to refer;
    struct replaces replaces, again;
    struct writer buffer, writer;
    if (refer_to_read(octets, value, &refer) != 0)
        return;
    inside(refer.replaces);
    writer_init(&buffer, plain, sizeof(plain));
    if (refer_to_replaces(octets, &refer, &buffer, &replaces) != 0)
        return;
    writer_init(&writer, reading.first, sizeof(reading.first));
    write_refer_to(&writer, "sip:c@h", plain, &replaces);
    if (writer.overflow)
        return;
    CHECK(refer_to_read(reading.first, (struct span){0, (uint16_t)writer.used}, &refer) == 0);
    writer_init(&buffer, reading.second, sizeof(reading.second));
    CHECK(refer_to_replaces(reading.first, &refer, &buffer, &again) == 0);
    CHECK(again.call_id.length == replaces.call_id.length && again.early_only == replaces.early_only);
    CHECK(memcmp(plain + replaces.call_id.offset, reading.second + again.call_id.offset,
                 again.call_id.length) == 0);
}

static void read_tokens(const uint8_t *octets, struct span value)
{
    struct span token;
    unsigned steps = 0;
    for (uint32_t at = 0; token_list_next(octets, value, &at, &token) == 1;) {
        CHECK(++steps <= value.length && token.length != 0);
        inside(token);
    }
}

static void read_media(const uint8_t *octets, struct span value)
{
    struct media_type media;
    unsigned steps = 0;
    if (media_type_read(octets, value, &media) == 0)
        inside(media.boundary);
    for (uint32_t at = 0; accept_next(octets, value, &at, &media) == 1;) {
        CHECK(++steps <= value.length && media.q <= 1000);
        inside(media.parameters);
    }
}

static void read_number(const uint8_t *octets, struct span value)
{
    uint32_t number;
    uint16_t q;
    (void)number_read(octets, value, UINT32_MAX, &number);
    if (number_read_q(octets, value, &q) == 0)
        CHECK(q <= 1000);
}

static void read_frag(const uint8_t *octets, struct span value)
{
    struct sipfrag frag;
    if (sipfrag_read(octets, value, &frag) != 0)
        return;
    CHECK(frag.status == 0 || (frag.status >= 100 && frag.status <= 699));
    inside(frag.reason);
    inside(frag.method);
    inside(frag.request_uri);
    inside(frag.rest);
}

// Whatever unescapes is escaped again to what unescapes to the same.
static void read_escaped(const uint8_t *octets, struct span value)
{
    static uint8_t plain[TEXT_MAX];
    struct writer writer, escaped, again;
    writer_init(&writer, plain, sizeof(plain));
    if (write_unescaped(&writer, octets, value) != 0 || writer.overflow)
        return;
    writer_init(&escaped, reading.first, sizeof(reading.first));
    write_escaped(&escaped, plain, writer.used);
    if (escaped.overflow)
        return;
    writer_init(&again, reading.second, sizeof(reading.second));
    CHECK(write_unescaped(&again, reading.first, (struct span){0, (uint16_t)escaped.used}) == 0);
    CHECK(again.used == writer.used && memcmp(plain, reading.second, again.used) == 0);
}

static const struct {
    void (*read)(const uint8_t *octets, struct span value);
    uint8_t kinds[6]; // headers that it is for
} readers[] = {
    {read_uri, {HEADER_OTHER}},
    {compare_uris, {HEADER_OTHER}},
    {read_contact,
     {HEADER_CONTACT, HEADER_ROUTE, HEADER_RECORD_ROUTE, HEADER_FROM, HEADER_P_ASSERTED_IDENTITY,
      HEADER_REFERRED_BY}},
    {read_via, {HEADER_VIA}},
    {read_cseq, {HEADER_CSEQ}},
    {read_rack, {HEADER_RACK}},
    {read_session, {HEADER_SESSION_EXPIRES, HEADER_MIN_SE}},
    {read_event, {HEADER_EVENT}},
    {read_state, {HEADER_SUBSCRIPTION_STATE}},
    {read_digest,
     {HEADER_AUTHORIZATION, HEADER_PROXY_AUTHORIZATION, HEADER_WWW_AUTHENTICATE, HEADER_PROXY_AUTHENTICATE}},
    {read_reason, {HEADER_REASON}},
    {read_retry, {HEADER_RETRY_AFTER}},
    {read_replaces, {HEADER_REPLACES, HEADER_JOIN, HEADER_TARGET_DIALOG}},
    {read_refer_to, {HEADER_REFER_TO}},
    {read_tokens, {HEADER_REQUIRE, HEADER_PROXY_REQUIRE, HEADER_SUPPORTED, HEADER_ALLOW, HEADER_UNSUPPORTED}},
    {read_media, {HEADER_CONTENT_TYPE, HEADER_ACCEPT}},
    {read_number, {HEADER_EXPIRES, HEADER_MIN_EXPIRES, HEADER_RSEQ, HEADER_MAX_BREADTH, HEADER_FLOW_TIMER}},
    {read_frag, {HEADER_OTHER}},
    {read_escaped, {HEADER_OTHER}},
};

unsigned readers_count(void)
{
    return sizeof(readers) / sizeof(readers[0]);
}

void readers_run(unsigned reader, const uint8_t *octets, struct span value)
{
    reading.octets = octets;
    reading.value = value;
    readers[reader].read(octets, value);
}

void readers_run_kind(unsigned kind, const uint8_t *octets, struct span value)
{
    if (kind == HEADER_OTHER)
        return;
    for (unsigned i = 0; i < readers_count(); i++)
        if (memchr(readers[i].kinds, (int)kind, sizeof(readers[i].kinds)) != NULL)
            readers_run(i, octets, value);
}
