// SPDX-License-Identifier: BSD-3-Clause
// How an INVITE of ours is tried again, over a restart of control (keep.h): what was sent, what was asked of
// us and answered, where else it may go, when. Written when the data plane has taken the INVITE, and again
// before each further try goes out, so that whatever comes of it finds it by its tag.
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "retry.h"

#define NUMBERS 16u

// Unix time; 0: it does not wait.
static uint64_t due_of(const struct ua_try *again)
{
    struct timeval at;
    if (!again->timer || !event_pending(again->timer, EV_TIMEOUT, &at))
        return 0;
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_usec / 1000;
}

void ua_invite_keep(struct ua *ua, const struct ua_sent *sent)
{
    const struct ua_try *again = sent->again;
    struct keep_writer *writer = again && sent->call ? keep_begin(ua->keep) : NULL;
    if (!writer || sent->call->untold)
        return;
    const uint64_t numbers[NUMBERS] = {again->policy.count,
                                       again->policy.first_ms,
                                       again->policy.factor_percent,
                                       again->policy.cap_ms,
                                       again->policy.jitter_percent,
                                       again->attempts,
                                       again->redirects,
                                       again->challenges,
                                       again->challenged,
                                       again->credentials.asked[0].count,
                                       again->credentials.asked[1].count,
                                       again->waiting,
                                       again->cseq,
                                       again->headers,
                                       sent->done,
                                       due_of(again)};
    for (unsigned i = 0; i < NUMBERS; i++)
        keep_number(writer, numbers[i]);
    keep_octets(writer, sent->order, sent->size);
    keep_text(writer, again->credentials.user);
    keep_text(writer, again->credentials.password);
    keep_text(writer, again->credentials.realm);
    keep_text(writer, again->credentials.first);
    keep_text(writer, again->call_id);
    keep_text(writer, again->from_tag);
    keep_text(writer, again->uri);
    keep_octets(writer, again->targets.uris, again->targets.length);
    for (unsigned i = 0; i < 2; i++) {
        keep_octets(writer, again->credentials.asked[i].octets, again->credentials.asked[i].length);
        keep_text(writer, again->credentials.asked[i].cnonce);
    }
    keep_put(ua->keep, KEEP_INVITE, sent->call->by_id.key);
}

// The order, NULL: it is none.
static struct channel_ua_command *read_order(struct keep_reader *reader, size_t *size)
{
    struct channel_ua_command *order = keep_read_octets(reader, size);
    if (order && *size >= sizeof(*order) && *size == channel_ua_command_size(order) &&
        order->op == CHANNEL_UA_INVITE && order->dialog == 0 && order->tag != 0)
        return order;
    free(order);
    return NULL;
}

static void read_texts(struct ua_try *again, struct keep_reader *reader)
{
    char **const texts[] = {&again->credentials.user,
                            &again->credentials.password,
                            &again->credentials.realm,
                            &again->credentials.first,
                            &again->call_id,
                            &again->from_tag,
                            &again->uri};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = keep_read_text(reader);
    struct ua_targets *targets = &again->targets;
    targets->uris = keep_read_octets(reader, &targets->length);
    if (targets->length && targets->uris[targets->length - 1] != '\0')
        targets->length = 0; // each ends with one
    for (unsigned i = 0; i < 2; i++) {
        struct ua_asked *asked = &again->credentials.asked[i];
        size_t length;
        asked->octets = keep_read_octets(reader, &length);
        asked->length = (uint32_t)length;
        keep_read_into(reader, asked->cnonce, sizeof(asked->cnonce));
    }
}

// NULL: no memory.
static struct ua_try *read_numbers(struct keep_reader *reader, bool *done, uint64_t *due_ms)
{
    uint64_t n[NUMBERS];
    struct ua_try *again = calloc(1, sizeof(*again));
    for (unsigned i = 0; i < NUMBERS; i++)
        n[i] = keep_read_number(reader);
    if (!again)
        return NULL;
    again->policy = (struct config_retry_view){(uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2], (uint32_t)n[3],
                                               (uint32_t)n[4]};
    again->attempts = (uint32_t)n[5];
    again->redirects = (uint32_t)n[6];
    again->challenges = (uint32_t)n[7];
    again->challenged = (unsigned)n[8];
    again->credentials.asked[0].count = (uint32_t)n[9];
    again->credentials.asked[1].count = (uint32_t)n[10];
    again->waiting = n[11] != 0;
    again->cseq = (uint32_t)n[12];
    again->headers = (size_t)n[13];
    *done = n[14] != 0;
    *due_ms = n[15];
    return again;
}

// What was known of it by its call (keep_call.c) becomes the whole.
static void complete(struct ua *ua, struct ua_sent *sent, struct ua_try *again,
                     struct channel_ua_command *order, size_t size)
{
    ua_table_remove(&ua->tags, &sent->node);
    free(sent->order);
    sent->order = order;
    sent->size = size;
    sent->again = again;
    ua_table_add(&ua->tags, &sent->node, order->tag);
}

static void take(void *context, uint64_t id, struct keep_reader *reader)
{
    struct ua *ua = context;
    const struct ua_call *call = ua_call_by_id(ua, id);
    struct ua_sent *sent = call ? call->placing : NULL;
    bool done = false;
    uint64_t due_ms = 0, now = ua_unix_ms();
    size_t size;
    struct ua_try *again = read_numbers(reader, &done, &due_ms);
    struct channel_ua_command *order = read_order(reader, &size);
    if (again)
        read_texts(again, reader);
    bool headers_fit =
        again && order &&
        (again->headers == SIZE_MAX || again->headers <= order->text_lengths[CHANNEL_UA_TEXT_HEADERS]);
    if (!sent || reader->bad || !headers_fit) {
        ua_try_free(again);
        free(order);
        keep_drop(ua->keep, KEEP_INVITE, id);
        return;
    }
    complete(ua, sent, again, order, size);
    if (due_ms) {
        ua_try_wait(ua, sent, due_ms > now ? due_ms - now : 0);
    } else if (!done) { // whether the data plane has taken it, it will say
        sent->done = false;
        TAILQ_INSERT_TAIL(&ua->waiting, sent, link);
    }
}

void ua_invites_take(struct ua *ua)
{
    keep_each(ua->keep, KEEP_INVITE, take, ua);
}
