// SPDX-License-Identifier: BSD-3-Clause
// What did not go well is tried again in the name of the first (RFC 3261 8.1.3.4, 8.1.3.5, 22.2): the same
// Call-ID, From and its tag, the next CSeq. At once where something of the request had to change (401, 407,
// 3xx, 422), else after a delay that grows (408, 503).
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "../../dataplane/sip/contact.h"
#include "../../dataplane/sip/session_expires.h"
#include "../control.h"
#include "digest.h"
#include "ua.h"

#define TARGETS_MAX    8u // of one 3xx
#define CHALLENGES_MAX 4u // UAC, then each proxy on the way

struct ua_try {
    struct ua *ua;
    struct ua_sent *sent;
    struct config_retry_view policy;
    uint32_t attempts, redirects, challenges;
    unsigned challenged; // the last status, 401 or 407
    struct {             // the last 401, the last 407: both are answered from then on (RFC 3261 22.3)
        uint8_t *octets;
        uint32_t length;
        uint32_t count; // of requests that answered it
    } asked[2];
    uint32_t timeout_ms;
    bool retrying; // decided, the data plane has not begun it yet
    char *user, *password, *context;
    char *call_id, *from_tag, *uri; // of the request as it was sent
    uint32_t cseq;
    size_t headers; // octets of the application's own header lines
    char *targets;  // that a 3xx named and that are still to be tried: URIs, a NUL behind each
    size_t targets_length;
    struct event *timer;
};

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static char *cut(const struct message *message, struct span span)
{
    return span.length ? strndup((const char *)message_at(message, span), span.length) : NULL;
}

static uint32_t random_word(void)
{
    uint32_t word = 0;
    if (getrandom(&word, sizeof(word), GRND_NONBLOCK) != sizeof(word))
        word = (uint32_t)ua_unix_ms();
    return word;
}

// Of its name; else the application's.
static struct config_retry_view policy_of(const struct ua *ua, const struct ua_app *app, const char *name)
{
    struct config_application_view view;
    struct config_retry_view policy = {0};
    if (name) // a name that is none: no retries; the RPC refused it
        (void)config_retry_view(ua->control->active.config, name, &policy);
    else if (ua_app_view(ua, app, &view, NULL))
        policy = view.retry;
    return policy;
}

struct ua_try *ua_try_make(const struct ua *ua, const struct ua_wish *wish)
{
    struct ua_try *again = calloc(1, sizeof(*again));
    const struct ua_call *call = wish->call;
    if (!again)
        return NULL;
    again->policy = policy_of(ua, call ? call->app : wish->app, wish->retry);
    again->redirects = wish->redirects;
    again->timeout_ms = wish->timeout_ms;
    again->user = copy(wish->user ? wish->user : call ? call->user : NULL);
    again->password = copy(wish->password ? wish->password : call ? call->password : NULL);
    again->context = copy(wish->context);
    again->headers = SIZE_MAX; // until it is first needed
    return again;
}

void ua_try_free(struct ua_try *again)
{
    if (!again)
        return;
    if (again->timer)
        event_free(again->timer);
    free(again->user);
    free(again->password);
    free(again->context);
    free(again->call_id);
    free(again->from_tag);
    free(again->uri);
    free(again->targets);
    free(again->asked[0].octets);
    free(again->asked[1].octets);
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
    call->user = copy(again->user);
    call->password = copy(again->password);
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
    again->retrying = false;
}

bool ua_try_is_waiting(const struct ua_try *again)
{
    return again && again->retrying;
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
        again->headers = words.texts[CHANNEL_UA_TEXT_HEADERS].length;
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

// False: it could not be sent.
static bool send_again(struct ua *ua, struct ua_sent *sent)
{
    sent->again->retrying = true;
    ua->counts.retries++;
    return name_again(sent) == 0 && ua_sent_again(ua, sent) == 0;
}

static void on_delay(evutil_socket_t fd, short what, void *context)
{
    struct ua_try *again = context;
    struct ua_sent *sent = again->sent;
    struct ua *ua = again->ua;
    if (!send_again(ua, sent))
        ua_give_up(ua, sent, &(struct ua_response){.status = 503});
}

static bool wait_and_send(struct ua *ua, struct ua_sent *sent, uint64_t delay_ms)
{
    struct ua_try *again = sent->again;
    struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000) * 1000};
    again->ua = ua;
    again->sent = sent;
    if (!again->timer)
        again->timer = evtimer_new(ua->control->base, on_delay, again);
    again->retrying = again->timer && evtimer_add(again->timer, &delay) == 0;
    return again->retrying;
}

// Keeps the challenges of a 401 or 407.
static bool keep_challenge(struct ua_try *again, const struct message *message)
{
    unsigned which = message->status == 407;
    uint8_t *octets = malloc(message->length);
    if (!octets)
        return false;
    memcpy(octets, message->octets, message->length);
    free(again->asked[which].octets);
    again->asked[which].octets = octets;
    again->asked[which].length = message->length;
    again->asked[which].count = 0;
    return true;
}

// Header lines that answer all that was asked. stale: of the last one.
static size_t answers(struct ua_try *again, struct ua_digest *digest, char *lines, size_t size, bool *stale)
{
    size_t used = 0;
    for (unsigned which = 0; which < 2; which++) {
        struct message message;
        bool old;
        if (!again->asked[which].octets ||
            message_parse(again->asked[which].octets, again->asked[which].length, &message) != MESSAGE_FINE)
            continue;
        digest->count = ++again->asked[which].count;
        size_t length = ua_digest_answer(&message, digest, lines + used, size - used, &old);
        if (digest->count == 1) {
            *stale = old;
            if (length == 0)
                return 0;
        }
        used += length;
    }
    return used;
}

static bool challenge(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    struct ua_words words;
    char lines[4096], cnonce[17], method[32];
    bool stale = false, same = again->challenged == response->status;
    if (!again->user || !again->password || !response->message || again->challenges >= CHALLENGES_MAX ||
        !keep_challenge(again, response->message))
        return false;
    ua_order_words(sent->order, &words);
    snprintf(cnonce, sizeof(cnonce), "%08x%08x", random_word(), random_word());
    snprintf(method, sizeof(method), "%.*s", (int)response->message->cseq.length,
             (const char *)message_at(response->message, response->message->cseq));
    const char *name = strpbrk(method, " \t"); // "2 INVITE"
    char *uri = again->uri ? strdup(again->uri)
                           : strndup(words.texts[CHANNEL_UA_TEXT_URI].octets,
                                     words.texts[CHANNEL_UA_TEXT_URI].length);
    struct ua_digest digest = {.user = again->user,
                               .password = again->password,
                               .method = name ? name + strspn(name, " \t") : method,
                               .uri = uri ? uri : "",
                               .cnonce = cnonce};
    size_t length = answers(again, &digest, lines, sizeof(lines), &stale);
    free(uri);
    // The same challenge once more: the credentials are wrong (RFC 3261 22.2).
    if (length == 0 || (same && !stale))
        return false;
    again->challenges++;
    again->challenged = response->status;
    ua->counts.challenges++;
    return change(sent, lines, length, NULL) == 0 && send_again(ua, sent);
}

// The URIs of Contact, best q first.
static void read_targets(struct ua_try *again, const struct message *message)
{
    struct contact found[TARGETS_MAX];
    unsigned count = 0;
    for (uint8_t i = message_first_header(message, HEADER_CONTACT); i != MESSAGE_NO_HEADER;
         i = message_next_header(message, i)) {
        uint32_t at = 0;
        struct contact contact;
        while (count < TARGETS_MAX &&
               contact_next(message->octets, message->headers[i].value, &at, &contact) == 1) {
            unsigned place = count++;
            for (; place > 0 && found[place - 1].q < contact.q; place--)
                found[place] = found[place - 1];
            found[place] = contact;
        }
    }
    free(again->targets);
    again->targets = calloc(1, message->length + TARGETS_MAX);
    again->targets_length = 0;
    for (unsigned i = 0; i < count && again->targets; i++) {
        struct span uri = found[i].address.uri;
        memcpy(again->targets + again->targets_length, message_at(message, uri), uri.length);
        again->targets_length += uri.length + 1u;
    }
}

// The next of the targets, the others stay. NULL: none.
static char *next_target(struct ua_try *again)
{
    if (!again->targets || again->targets_length == 0)
        return NULL;
    size_t length = strlen(again->targets) + 1;
    char *uri = strdup(again->targets);
    again->targets_length -= length;
    memmove(again->targets, again->targets + length, again->targets_length);
    return uri;
}

// RFC 3261 8.1.3.4: the targets one after another, each target counts.
static bool redirect(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    if (again->redirects == 0)
        return false;
    if (response->status < 400 && response->message)
        read_targets(again, response->message);
    char *uri = next_target(again);
    struct uri parsed;
    bool good = uri && strlen(uri) <= config_ua_limits_view(ua->control->active.config).uri &&
                uri_parse((const uint8_t *)uri, (struct span){0, (uint16_t)strlen(uri)}, &parsed) == 0 &&
                parsed.scheme != URI_OTHER && parsed.headers.offset == 0;
    bool sends = good && change(sent, "", 0, uri) == 0;
    free(uri);
    if (!sends)
        return false;
    again->redirects--;
    again->challenges = again->challenged = 0;
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
    return send_again(ua, sent);
}

static uint64_t delay_of(const struct ua_try *again)
{
    uint64_t delay_ms = again->policy.first_ms;
    for (uint32_t i = 0; i < again->attempts && delay_ms < again->policy.cap_ms; i++)
        delay_ms = delay_ms * again->policy.factor_percent / 100;
    if (delay_ms > again->policy.cap_ms)
        delay_ms = again->policy.cap_ms;
    uint64_t jitter = delay_ms * again->policy.jitter_percent / 100;
    return jitter ? delay_ms - jitter + random_word() % (2 * jitter + 1) : delay_ms;
}

// Another member of the same peer than the one that failed; where there is none, the data plane chooses.
static void fail_over(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    uint32_t count, first = random_word();
    const struct snapshot_member *members =
        configuration_section(&ua->control->active, SECTION_MEMBERS, &count);
    sent->order->to_member = NUMBER_NONE;
    for (uint32_t i = 0; i < count && response->source; i++) {
        uint32_t number = (first + i) % count;
        const uint8_t *ip = members[number].address.octets + 12;
        uint64_t endpoint = ((uint64_t)ip[0] << 24 | (uint64_t)ip[1] << 16 | (uint64_t)ip[2] << 8 | ip[3])
                                << 16 |
                            members[number].port;
        if (members[number].flags == SNAPSHOT_PRESENT && members[number].peer == response->peer &&
            endpoint != response->source) {
            sent->order->to_peer = response->peer;
            sent->order->to_member = (uint16_t)number;
            ua->counts.failovers++;
            return;
        }
    }
}

static bool later(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_try *again = sent->again;
    long after_s = response->message ? ua_message_retry_after(response->message) : -1;
    bool inside = sent->order->dialog != 0;
    uint64_t delay_ms = delay_of(again);
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
        fail_over(ua, sent, response);
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
    again->retrying = true;
    return true;
}

bool ua_retry(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    unsigned status = response->status;
    if (!sent->again || (sent->call && sent->call->ender && sent->order->op != CHANNEL_UA_END))
        return false;
    sent->again->retrying = false;
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
