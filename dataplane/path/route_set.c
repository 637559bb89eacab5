// SPDX-License-Identifier: BSD-3-Clause
#include "route_set.h"
#include "own_uri.h"

struct values {
    struct span spans[ROUTE_SET_MAX]; // top to bottom
    uint32_t count;
    uint32_t ours, below; // of this passage: the first, and the one behind the last; both 0 without any
};

bool route_set_cookie(const struct worker *worker, const struct message *message,
                      const struct address *address, struct cookie_route *cookie)
{
    struct own_uri own;
    if (!own_uri_read(worker, message, address->uri, NULL, &own) || !own.has_cookie)
        return false;
    *cookie = own.cookie;
    return true;
}

static bool is_same(const struct cookie_route *a, const struct cookie_route *b)
{
    return a->index == b->index && a->generation == b->generation && a->worker == b->worker &&
           a->caller_peer == b->caller_peer && a->callee_peer == b->callee_peer;
}

static void read_values(const struct worker *worker, const struct message *message,
                        const struct cookie_route *mine, struct values *values)
{
    struct own_uri last = {.has_cookie = false}; // that was one of ours
    values->count = values->ours = values->below = 0;
    for (uint8_t field = message->first[HEADER_RECORD_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct address address;
        while (address_next(message->octets, message->headers[field].value, &at, &address) ==
               1) { // each turn moves on in the line
            struct own_uri own;
            if (values->count == ROUTE_SET_MAX) { // half a way leads nowhere
                values->count = values->ours = values->below = 0;
                return;
            }
            // Without a proof: who forges what names his own call's record moves his own route alone.
            if (mine != NULL && own_uri_look(worker, message, address.uri, &last, &own) && own.has_cookie &&
                is_same(&own.cookie, mine)) {
                last = own;
                if (values->below == 0)
                    values->ours = values->count;
                values->below = values->count + 1;
            }
            values->spans[values->count++] = address.whole;
        }
    }
}

struct dialog_string route_set_of_caller(struct worker *worker, const struct message *message,
                                         const struct cookie_route *mine)
{
    struct values values;
    struct writer writer;
    read_values(worker, message, mine, &values);
    writer_init(&writer, worker->scratch, sizeof(worker->scratch));
    uint32_t first = mine != NULL && values.below == 0 ? values.count : values.below;
    for (uint32_t i = first; i < values.count; i++) {
        if (i > first)
            write_text(&writer, ",");
        write_span(&writer, message, values.spans[i]);
    }
    return (struct dialog_string){worker->scratch, writer.overflow ? 0 : writer.used};
}

// 12.1.2: the lowest of the first so many comes first.
static struct dialog_string reversed(struct worker *worker, const struct message *message,
                                     const struct values *values, uint32_t count)
{
    struct writer writer;
    writer_init(&writer, worker->scratch, sizeof(worker->scratch));
    for (uint32_t i = count; i-- > 0;) {
        if (i + 1 < count)
            write_text(&writer, ",");
        write_span(&writer, message, values->spans[i]);
    }
    return (struct dialog_string){worker->scratch, writer.overflow ? 0 : writer.used};
}

struct dialog_string route_set_of_callee(struct worker *worker, const struct message *message,
                                         const struct cookie_route *mine)
{
    struct values values;
    read_values(worker, message, mine, &values);
    return reversed(worker, message, &values, values.ours);
}

struct dialog_string route_set_of_answer(struct worker *worker, const struct message *message)
{
    struct values values;
    read_values(worker, message, NULL, &values);
    return reversed(worker, message, &values, values.count);
}
