// SPDX-License-Identifier: BSD-3-Clause
// What REFER, NOTIFY and SUBSCRIBE say, and what is written of it. A message: whatever refer_read() accepts
// is one line of printable text each, the URI that is called has the user and host that the guard of targets
// judged, Replaces is written and escaped so that it is read as the same again, a NOTIFY's status line too.
// Or, behind the octet 'O', what a program wants sent, seven texts with 0x1f between them: URI, method,
// Referred-By, Call-ID, to-tag, from-tag, flags.
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "refer/refer.h"
#include "refer_to.h"
#include "sip_check.h"
#include "sipfrag.h"
#include "subscription_state.h"
#include "uri.h"

#define TEXT_END 0x1f
#define WORDS    7u

static const struct refer_limits limits = {2048, 512, 20};

static struct span all_of(const char *text)
{
    return (struct span){0, (uint16_t)strlen(text)};
}

static void check_line(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    CHECK(length < size);
    for (size_t i = 0; i < length; i++)
        CHECK((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
}

// Lines that end in CRLF, each with a name.
static void check_lines(const char *text, uint32_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\r', length), *colon = memchr(text, ':', length);
        CHECK(end != NULL && end[1] == '\n' && colon != NULL && colon < end && colon > text);
        CHECK(memchr(text, '\n', (size_t)(end - text)) == NULL);
        length -= (uint32_t)(end + 2 - text);
        text = end + 2;
    }
}

// A message with these lines and body, as its receiver reads it.
static void make_message(struct message *message, const char *method, const char *lines, const char *body)
{
    static char text[32768];
    int length = snprintf(text, sizeof(text),
                          "%s sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n"
                          "From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>;tag=2\r\nCall-ID: c@x\r\nCSeq: 7 %s\r\n"
                          "Max-Forwards: 70\r\n%sContent-Length: %zu\r\n\r\n%s",
                          method, method, lines, strlen(body), body);
    CHECK(length > 0 && (size_t)length < sizeof(text));
    CHECK(message_parse((const uint8_t *)text, (uint32_t)length, message) == MESSAGE_FINE);
}

static bool same(const char *text, const char *other, struct span span)
{
    return strlen(text) == span.length && memcmp(text, other + span.offset, span.length) == 0;
}

// A Refer-To of the call that an ask means says the same.
static void check_again(const struct refer_ask *ask, const struct replaces *replaces)
{
    static struct message message;
    static struct refer_ask again;
    static char lines[8192];
    struct writer writer;
    writer_init(&writer, lines, sizeof(lines) - 1);
    write_text(&writer, "Refer-To: ");
    write_refer_to(&writer, ask->uri, (const uint8_t *)ask->replaces, replaces);
    write_text(&writer, "\r\n");
    CHECK(!writer.overflow);
    lines[writer.used] = '\0';
    make_message(&message, "REFER", lines, "");
    unsigned status =
        refer_read(&message, &(struct refer_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX}, &again);
    CHECK(status == 0 && again.method == METHOD_INVITE && again.sip == ask->sip);
    CHECK(strcmp(again.uri, ask->uri) == 0 && strcmp(again.user, ask->user) == 0);
    CHECK(strcmp(again.host, ask->host) == 0 && strcmp(again.replaces, ask->replaces) == 0);
}

// What was judged is what is called.
static void check_target(const struct refer_ask *ask)
{
    char to[REFER_TEXT_MAX + 2];
    struct address address, more;
    struct uri uri;
    struct span method;
    uint32_t at = 0;
    snprintf(to, sizeof(to), "<%s>", ask->uri);
    const uint8_t *octets = (const uint8_t *)to;
    CHECK(address_next(octets, all_of(to), &at, &address) == 1);
    CHECK(address_next(octets, all_of(to), &at, &more) == 0);
    CHECK(address.uri.length == strlen(ask->uri) && address.parameters.length == 0);
    CHECK(uri_parse(octets, address.uri, &uri) == 0 && (uri.scheme == URI_SIP) == ask->sip);
    CHECK(same(ask->user, to, uri.user) && same(ask->host, to, uri.host) && uri.headers.length == 0);
    CHECK(!ask->sip || !uri_parameter(octets, uri.parameters, "method", &method));
}

static void check_call(const struct refer_ask *ask)
{
    char lines[8192];
    struct writer writer;
    writer_init(&writer, lines, sizeof(lines));
    refer_write_call(&writer, ask);
    CHECK(!writer.overflow);
    check_lines(lines, writer.used);
}

static void check_refer(const struct message *message)
{
    static struct refer_ask ask;
    struct replaces replaces;
    unsigned status = refer_read(message, &limits, &ask);
    CHECK(status == 0 || status == 400 || status == 413 || status == 414);
    if (status != 0)
        return;
    check_line(ask.uri, sizeof(ask.uri));
    check_line(ask.user, sizeof(ask.user));
    check_line(ask.host, sizeof(ask.host));
    check_line(ask.replaces, sizeof(ask.replaces));
    check_line(ask.referred_by, sizeof(ask.referred_by));
    CHECK(strlen(ask.uri) <= limits.uri && strlen(ask.replaces) <= limits.replaces);
    const uint8_t *octets = (const uint8_t *)ask.replaces;
    bool takes = ask.replaces[0] != '\0';
    CHECK(!takes || replaces_read(octets, all_of(ask.replaces), &replaces) == 0);
    for (unsigned depth = 0; depth <= REFER_DEPTH_MAX; depth++) {
        status = refer_judge(message, &ask, depth);
        CHECK(status == 0 || status == 403 || status == 416 || status == 482);
        CHECK(status != 0 || (ask.sip && ask.method == METHOD_INVITE && depth < REFER_DEPTH_MAX));
    }
    check_call(&ask);
    if (!ask.sip)
        return;
    check_target(&ask);
    check_again(&ask, takes ? &replaces : NULL);
}

static void check_notify(const struct message *message)
{
    struct refer_news news;
    struct sipfrag frag;
    char body[256];
    struct writer writer;
    (void)refer_is_about(message, 7, true);
    (void)refer_read_expires(message);
    unsigned status = refer_read_notify(message, &news);
    CHECK(status == 0 || status == 400 || status == 489);
    if (status != 0)
        return;
    check_line(news.reason, sizeof(news.reason));
    CHECK(news.status == 0 || (news.status >= 100 && news.status <= 699));
    if (news.status == 0)
        return;
    writer_init(&writer, body, sizeof(body));
    write_sipfrag(&writer, news.status, news.reason);
    CHECK(!writer.overflow);
    CHECK(sipfrag_read((const uint8_t *)body, (struct span){0, (uint16_t)writer.used}, &frag) == 0);
    CHECK(frag.status == news.status && same(news.reason, body, frag.reason) && frag.rest.length == 0);
}

static void check_order(char *text)
{
    static struct message message;
    static struct refer_ask ask;
    static char lines[16384];
    const char *words[WORDS] = {"", "", "", "", "", "", ""};
    char replaces[4096];
    struct replaces named;
    struct writer writer;
    for (unsigned i = 0; i < WORDS && text != NULL; i++) {
        words[i] = text;
        text = strchr(text, TEXT_END);
        if (text != NULL)
            *text++ = '\0';
    }
    snprintf(replaces, sizeof(replaces), "%s;to-tag=%s;from-tag=%s%s", words[3], words[4], words[5],
             strchr(words[6], 'e') ? ";early-only" : "");
    // Of a dialog that there is; and its method is a token.
    bool takes = replaces_read((const uint8_t *)replaces, all_of(replaces), &named) == 0 &&
                 same(words[3], replaces, named.call_id) && same(words[4], replaces, named.to_tag) &&
                 same(words[5], replaces, named.from_tag);
    const struct refer_order order = {.uri = words[0],
                                      .method = strcmp(words[1], "INFO") == 0 ? words[1] : NULL,
                                      .referred_by = words[2][0] ? words[2] : NULL,
                                      .call_id = takes ? words[3] : NULL,
                                      .to_tag = words[4],
                                      .from_tag = words[5],
                                      .early_only = strchr(words[6], 'e') != NULL,
                                      .silent = strchr(words[6], 's') != NULL};
    writer_init(&writer, lines, sizeof(lines) - 1);
    if (!refer_write_refer(&writer, &order) || writer.overflow)
        return;
    lines[writer.used] = '\0';
    check_lines(lines, writer.used);
    make_message(&message, "REFER", lines, "");
    unsigned status = refer_read(&message, &(struct refer_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX}, &ask);
    CHECK(status == 0 || status == 413 || status == 414); // longer than what a REFER may ask of us
    if (status != 0)
        return;
    // Empty parameters are left out.
    struct uri uri;
    CHECK(uri_parse((const uint8_t *)words[0], all_of(words[0]), &uri) == 0 && ask.silent == order.silent);
    CHECK(same(ask.user, words[0], uri.user) && same(ask.host, words[0], uri.host));
    CHECK(ask.method == (order.method != NULL ? METHOD_INFO : METHOD_INVITE));
    CHECK(strcmp(ask.replaces, takes ? replaces : "") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message message;
    static char text[4096];
    if (size > 0 && data[0] == 'O' && size < sizeof(text)) {
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        for (char *at = text; *at != '\0'; at++) // as JSON-RPC lets through
            *at = ((uint8_t)*at < 0x20 && *at != TEXT_END) || *at == 0x7f ? ' ' : *at;
        check_order(text);
        return 0;
    }
    if (size > UINT16_MAX || message_parse(data, (uint32_t)size, &message) != MESSAGE_FINE)
        return 0;
    check_refer(&message);
    check_notify(&message);
    return 0;
}
