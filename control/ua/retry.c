// SPDX-License-Identifier: BSD-3-Clause
// What did not go well is tried again in the name of the first (RFC 3261 8.1.3.4, 8.1.3.5, 22.2): the same
// Call-ID, From and its tag, the next CSeq.
//
//   sent ----------> final response, or none: ua_retry() decides
//    ^                 |                          |
//    |                 | yes: waiting             | no: it is told and forgotten (ua_give_up())
//    |                 v
//    +--- at once, where something of the request had to change: 401, 407 (credentials.c), 3xx (redirect.c),
//    |    422
//    +--- by its timer, after a delay that grows: 408, 503 (backoff.c)
//    +--- when the data plane says so (RETRY), which knows whose turn it is: 491, 500 with Retry-After
//
// It is waiting from the decision until the data plane has begun the next try (ua_try_sent()); meanwhile the
// call may be over there, and is none the less the same call for the application.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/session_expires.h"
#include "../../dataplane/sip/uri.h"
#include "../control.h"
#include "backoff.h"
#include "retry.h"

#define CHALLENGES_MAX 4u   // UAC, then each proxy on the way
#define CONNECT_MS     200u // until the data plane is looked for again

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static char *cut(const struct message *message, struct span span)
{
    return span.length ? strndup((const char *)message_at(message, span), span.length) : NULL;
}

struct ua_try *ua_try_make(const struct ua *ua, const struct ua_wish *wish)
{
    struct ua_try *again = calloc(1, sizeof(*again));
    const struct ua_call *call = wish->call;
    if (!again)
        return NULL;
    again->policy = ua_policy(ua, call ? call->app : wish->app, wish->retry);
    again->redirects = wish->redirects;
    again->timeout_ms = wish->timeout_ms;
    again->credentials.user = copy(wish->user ? wish->user : call ? call->user : NULL);
    again->credentials.password = copy(wish->password ? wish->password : call ? call->password : NULL);
    again->credentials.realm = copy(wish->user ? wish->realm : call ? call->realm : NULL);
    again->context = copy(wish->context);
    again->headers = SIZE_MAX; // until it is first needed
    again->answered = wish->answered;
    return again;
}

void ua_try_free(struct ua_try *again)
{
    if (!again)
        return;
    if (again->timer)
        event_free(again->timer);
    ua_credentials_free(&again->credentials);
    free(again->context);
    free(again->call_id);
    free(again->from_tag);
    free(again->uri);
    ua_targets_free(&again->targets);
    free(again);
}

static void on_limit(evutil_socket_t fd, short what, void *context)
{
    struct ua_call *call = context;
    struct ua *ua = call->limit_of;
    struct ua_fault fault;
    struct ua_wish wish = ua_wish(CHANNEL_UA_CANCEL);
    wish.call = call;
    if (!call->placing)
        return;
    call->ender = UA_BY_TIMEOUT;
    (void)ua_do(ua, &wish, NULL, &fault); // without a data plane there is nothing to cancel
}

void ua_call_limit(struct ua *ua, struct ua_call *call, uint64_t limit_ms)
{
    struct timeval limit = {(time_t)(limit_ms / 1000), (suseconds_t)(limit_ms % 1000) * 1000};
    call->limit_of = ua;
    call->limit = evtimer_new(ua->control->base, on_limit, call);
    if (call->limit)
        evtimer_add(call->limit, &limit);
}

void ua_try_begin(struct ua *ua, struct ua_try *again, struct ua_call *call)
{
    if (!again)
        return;
    call->context = again->context;
    again->context = NULL;
    call->user = copy(again->credentials.user);
    call->password = copy(again->credentials.password);
    call->realm = copy(again->credentials.realm);
    if (again->timeout_ms)
        ua_call_limit(ua, call, again->timeout_ms);
}

void ua_try_sent(struct ua_try *again, const struct message *message)
{
    free(again->call_id);
    free(again->from_tag);
    free(again->uri);
    again->call_id = cut(message, message->call_id);
    again->from_tag = cut(message, message->from_tag);
    again->uri = cut(message, message->request_uri);
    again->cseq = message->cseq_number;
    again->waiting = false;
}

bool ua_try_is_waiting(const struct ua_try *again)
{
    return again && again->waiting;
}

static void put(struct ua_words *words, enum channel_ua_text which, const char *text)
{
    words->texts[which].octets = text;
    words->texts[which].length = text ? strlen(text) : 0;
}

// The order with more header lines behind the application's own, and another Request-URI. 0 or -1.
static int change(struct ua_sent *sent, const char *lines, size_t length, const char *uri)
{
    struct ua_try *again = sent->again;
    struct ua_words words;
    size_t size;
    ua_order_words(sent->order, &words);
    if (again->headers == SIZE_MAX)
        again->headers = words.texts[CHANNEL_UA_TEXT_HEADERS].length - again->answered;
    char *headers = malloc(again->headers + length + 1);
    if (!headers || again->headers + length > UINT16_MAX) {
        free(headers);
        return -1;
    }
    memcpy(headers, words.texts[CHANNEL_UA_TEXT_HEADERS].octets, again->headers);
    memcpy(headers + again->headers, lines, length);
    words.texts[CHANNEL_UA_TEXT_HEADERS].octets = headers;
    words.texts[CHANNEL_UA_TEXT_HEADERS].length = again->headers + length;
    if (uri) {
        if (words.texts[CHANNEL_UA_TEXT_TO].length == 0) // To stays what it was (8.1.3.4)
            words.texts[CHANNEL_UA_TEXT_TO] = words.texts[CHANNEL_UA_TEXT_URI];
        put(&words, CHANNEL_UA_TEXT_URI, uri);
    }
    struct channel_ua_command *order = ua_order_join(sent->order, &words, &size);
    free(headers);
    if (!order)
        return -1;
    free(sent->order);
    sent->order = order;
    sent->size = size;
    return 0;
}

// Outside dialogs: in the name of the one before.
static int name_again(struct ua_sent *sent)
{
    struct ua_try *again = sent->again;
    struct ua_words words;
    size_t size;
    if (sent->order->dialog || !again->call_id || !again->from_tag)
        return 0;
    ua_order_words(sent->order, &words);
    put(&words, CHANNEL_UA_TEXT_CALL_ID, again->call_id);
    put(&words, CHANNEL_UA_TEXT_FROM_TAG, again->from_tag);
    struct channel_ua_command *order = ua_order_join(sent->order, &words, &size);
    if (!order)
        return -1;
    order->cseq = again->cseq + 1;
    free(sent->order);
    sent->order = order;
    sent->size = size;
    return 0;
}

// The answers to all that was asked take the place of those of before. False: there is none, or no memory.
static bool put_answers(struct ua_sent *sent, const char *method, bool *stale)
{
    struct ua_try *again = sent->again;
    struct ua_words words;
    char lines[4096];
    struct writer writer;
    writer_init(&writer, lines, sizeof(lines));
    ua_order_words(sent->order, &words);
    char *uri = again->uri ? strdup(again->uri)
                           : strndup(words.texts[CHANNEL_UA_TEXT_URI].octets,
                                     words.texts[CHANNEL_UA_TEXT_URI].length);
    size_t length = uri ? ua_credentials_write(&again->credentials, method, uri, &writer, stale) : 0;
    free(uri);
    return length > 0 && change(sent, lines, length, NULL) == 0;
}

// False: it could not be sent.
static bool send_again(struct ua *ua, struct ua_sent *sent)
{
    sent->again->waiting = true;
    ua->counts.retries++;
    return name_again(sent) == 0 && ua_sent_again(ua, sent) == 0;
}

void ua_try_renew(struct ua_sent *sent)
{
    if (!sent->again)
        return;
    struct ua_words words;
    char method[32] = "INVITE";
    ua_order_words(sent->order, &words);
    if (sent->order->op == CHANNEL_UA_REQUEST && words.texts[CHANNEL_UA_TEXT_METHOD].length > 0)
        snprintf(method, sizeof(method), "%.*s", (int)words.texts[CHANNEL_UA_TEXT_METHOD].length,
                 words.texts[CHANNEL_UA_TEXT_METHOD].octets);
    (void)put_answers(sent, method, NULL);
}

// As it is, but for that.
static bool repeat(struct ua *ua, struct ua_sent *sent)
{
    ua_try_renew(sent);
    return send_again(ua, sent);
}

static void on_delay(evutil_socket_t fd, short what, void *context)
{
    struct ua_try *again = context;
    struct ua_sent *sent = again->sent;
    struct ua *ua = again->ua;
    if (!sent->order->dialog && !channel_ready(ua->control->channel)) // it is being started
        ua_try_wait(ua, sent, CONNECT_MS);
    else if (!repeat(ua, sent))
        ua_give_up(ua, sent, &(struct ua_response){.status = 503});
}

void ua_try_wait(struct ua *ua, struct ua_sent *sent, uint64_t delay_ms)
{
    struct ua_try *again = sent->again;
    struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000) * 1000};
    again->ua = ua;
    again->sent = sent;
    if (!again->timer)
        again->timer = evtimer_new(ua->control->base, on_delay, again);
    again->waiting = again->timer && evtimer_add(again->timer, &delay) == 0;
}

static bool wait_and_send(struct ua *ua, struct ua_sent *sent, uint64_t delay_ms)
{
    ua_try_wait(ua, sent, delay_ms);
    if (sent->purpose == UA_FOR_CALL)
        ua_invite_keep(ua, sent);
    return sent->again->waiting;
}

static bool challenge(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    char method[32];
    bool stale = false, same = again->challenged == response->status;
    if (!again->credentials.user || !again->credentials.password || !response->message ||
        again->challenges >= CHALLENGES_MAX || !ua_credentials_ask(&again->credentials, response->message))
        return false;
    snprintf(method, sizeof(method), "%.*s", (int)response->message->cseq.length,
             (const char *)message_at(response->message, response->message->cseq));
    const char *name = strpbrk(method, " \t"); // "2 INVITE"
    // The same challenge once more: the credentials are wrong (RFC 3261 22.2).
    if (!put_answers(sent, name ? name + strspn(name, " \t") : method, &stale) || (same && !stale))
        return false;
    again->challenges++;
    again->challenged = response->status;
    ua->counts.challenges++;
    return send_again(ua, sent);
}

struct ua_credentials *ua_try_credentials(struct ua_try *again)
{
    return again ? &again->credentials : NULL;
}

static bool is_same_host(const char *uri, const char *other)
{
    struct uri one, two;
    const uint8_t *octets = (const uint8_t *)uri, *others = (const uint8_t *)other;
    return uri && uri_parse(octets, (struct span){0, (uint16_t)strlen(uri)}, &one) == 0 &&
           uri_parse(others, (struct span){0, (uint16_t)strlen(other)}, &two) == 0 && one.host.length > 0 &&
           one.host.length == two.host.length &&
           strncasecmp(uri + one.host.offset, other + two.host.offset, one.host.length) == 0;
}

// What is sent in the call later is answered for as its INVITE is.
static void bind_call(struct ua *ua, struct ua_call *call, const char *realm)
{
    free(call->realm);
    call->realm = copy(realm);
    if (!call->realm) { // no memory: nobody is answered, then
        free(call->user);
        call->user = NULL;
    }
    ua_call_keep(ua, call);
}

// What was asked where it went before is not asked there; who asks there is somebody else.
static void leave_host(struct ua *ua, struct ua_sent *sent, const char *uri)
{
    struct ua_try *again = sent->again;
    again->challenges = again->challenged = 0;
    ua_credentials_forget(&again->credentials);
    if (is_same_host(again->uri, uri))
        return;
    ua_credentials_leave(&again->credentials);
    if (sent->call && sent->call->user)
        bind_call(ua, sent->call, again->credentials.realm);
}

// RFC 3261 8.1.3.4: the targets one after another, each target counts.
static bool redirect(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    if (again->redirects == 0)
        return false;
    if (response->status < 400 && response->message)
        ua_targets_read(&again->targets, response->message);
    char *uri = ua_targets_next(&again->targets);
    struct uri parsed;
    bool good = uri && strlen(uri) <= config_ua_limits_view(ua->control->active.config).uri &&
                uri_parse((const uint8_t *)uri, (struct span){0, (uint16_t)strlen(uri)}, &parsed) == 0 &&
                parsed.scheme != URI_OTHER && parsed.headers.offset == 0;
    bool sends = good && change(sent, "", 0, uri) == 0;
    if (sends)
        leave_host(ua, sent, uri);
    free(uri);
    if (!sends)
        return false;
    again->redirects--;
    ua->counts.redirects++;
    return send_again(ua, sent);
}

// RFC 4028 7.4: with an interval that is long enough.
static bool lengthen(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    uint32_t interval_s = 0;
    uint8_t at =
        response->message ? message_first_header(response->message, HEADER_MIN_SE) : MESSAGE_NO_HEADER;
    if (at == MESSAGE_NO_HEADER ||
        min_se_read(response->message->octets, response->message->headers[at].value, &interval_s) < 0 ||
        interval_s <= sent->order->min_se_s || interval_s > UINT16_MAX)
        return false;
    sent->order->min_se_s = (uint16_t)interval_s;
    if (sent->order->session_s < interval_s)
        sent->order->session_s = (uint16_t)interval_s;
    return repeat(ua, sent);
}

static bool later(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    long after_s = response->message ? ua_message_retry_after(response->message) : -1;
    bool inside = sent->order->dialog != 0;
    uint64_t delay_ms = ua_backoff_ms(&again->policy, again->attempts);
    if (again->attempts >= again->policy.count)
        return false;
    if (after_s >= 0 && (uint64_t)after_s * 1000 > again->policy.cap_ms)
        return false; // the application is told, with the Retry-After
    if (inside && (response->status != 503 || after_s < 0))
        return false;
    if (after_s >= 0 && (uint64_t)after_s * 1000 > delay_ms)
        delay_ms = (uint64_t)after_s * 1000;
    again->attempts++;
    if (!inside)
        ua_fail_over(ua, sent, response);
    return wait_and_send(ua, sent, delay_ms);
}

// The data plane says when (14.1): RETRY.
static bool on_its_word(struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    bool after =
        response->status == 500 && response->message && ua_message_retry_after(response->message) >= 0;
    if (sent->purpose != UA_FOR_CHANGE || (response->status != 491 && !after) ||
        again->attempts >= again->policy.count)
        return false;
    again->attempts++;
    again->waiting = true;
    return true;
}

bool ua_retry(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    unsigned status = response->status;
    if (!sent->again || (sent->call && sent->call->ender && sent->order->op != CHANNEL_UA_END))
        return false;
    sent->again->waiting = false;
    if (status == 401 || status == 407)
        return challenge(ua, sent, response);
    if (sent->order->op == CHANNEL_UA_END)
        return false;
    if (on_its_word(sent, response))
        return true;
    if (status == 422)
        return lengthen(ua, sent, response);
    if (sent->order->dialog == 0 && status >= 300 && redirect(ua, sent, response))
        return true;
    return (status == 408 || status == 503) && later(ua, sent, response);
}
