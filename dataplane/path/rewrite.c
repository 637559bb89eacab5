// SPDX-License-Identifier: BSD-3-Clause
// What the configuration wants changed in messages on their way: the Request-URI by the route (RFC 3261 16.6
// step 2), identities by the peer that they come from (RFC 3325 section 5), Path (RFC 3327 5.2). All else
// passes octet for octet.
#include <string.h>
#include "retry_after.h"
#include "worker_core.h"

// What takes a span's place.
struct rewrite {
    struct span span; // length 0 with offset 0: nothing changes
    const char *text;
};

// strip and prepend change the user part; of a URI without one (tel, a bare host) there is nothing to change.
static struct rewrite rewrite_user(const struct worker *worker, const struct uri *uri,
                                   const struct snapshot_route *route)
{
    const char *prepend = rules_text(worker->rules, route->prepend);
    uint16_t strip = RTE_MIN((uint16_t)route->strip, uri->user.length);
    if (uri->user.length == 0)
        return (struct rewrite){{0, 0}, ""};
    // A user part does not become empty: "sip:@host" is no URI.
    if (strip == uri->user.length && prepend[0] == '\0')
        strip--;
    return (struct rewrite){{uri->user.offset, strip}, prepend};
}

// set_host takes the port away too, which belongs to the host that was.
static struct rewrite rewrite_host(const struct worker *worker, const struct message *message,
                                   const struct uri *uri, const struct snapshot_route *route)
{
    const char *host = rules_text(worker->rules, route->set_host);
    uint32_t end = message->request_uri.offset + message->request_uri.length;
    uint32_t behind = uri->host.offset + uri->host.length;
    if (host[0] == '\0' || uri->host.length == 0)
        return (struct rewrite){{0, 0}, ""};
    if (uri->has_port)
        while (behind < end && (message->octets[behind] == ':' ||
                                (message->octets[behind] >= '0' && message->octets[behind] <= '9')))
            behind++;
    return (struct rewrite){{uri->host.offset, (uint16_t)(behind - uri->host.offset)}, host};
}

bool rewrites_request_uri(const struct snapshot_route *route)
{
    return route != NULL && (route->strip != 0 || route->prepend != 0 || route->set_host != 0);
}

void rewrite_request_uri(const struct worker *worker, const struct message *message,
                         const struct snapshot_route *route, struct writer *writer)
{
    struct uri uri;
    uint32_t at = message->request_uri.offset, end = at + message->request_uri.length;
    if (rewrites_request_uri(route) && uri_parse(message->octets, message->request_uri, &uri) == 0) {
        const struct rewrite changes[] = {rewrite_user(worker, &uri, route),
                                          rewrite_host(worker, message, &uri, route)};
        for (unsigned i = 0; i < RTE_DIM(changes); i++) { // the user part stands before the host
            if (changes[i].span.offset == 0)
                continue;
            write_octets(writer, message->octets + at, changes[i].span.offset - at);
            write_text(writer, changes[i].text);
            at = changes[i].span.offset + changes[i].span.length;
        }
    }
    write_octets(writer, message->octets + at, end - at);
}

void rewrite_identity(struct worker *worker, const struct message *message, uint16_t peer)
{
    static const enum sip_header identities[] = {HEADER_P_ASSERTED_IDENTITY, HEADER_P_PREFERRED_IDENTITY};
    if (peer >= worker->rules->peer_count || !(worker->rules->peers[peer].flags & PEER_IDENTITY_REMOVE))
        return;
    for (unsigned i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
        for (uint8_t field = message_first_header(message, identities[i]); field != MESSAGE_NO_HEADER;
             field = message_next_header(message, field))
            edit_remove(&worker->edits, message->headers[field].line);
    }
}

// Above the first Path, or behind the topmost Via.
void rewrite_path(struct worker *worker, const struct message *message, uint16_t listener)
{
    uint8_t field = message_first_header(message, HEADER_PATH);
    if (field == MESSAGE_NO_HEADER)
        field = message->first[HEADER_VIA];
    struct writer *writer = edit_open(&worker->edits, message->headers[field].line.offset, 0);
    write_text(writer, "Path: <sip:");
    listener_write(worker->rules, writer, listener);
    write_text(writer, ";lr>\r\n");
    edit_close(&worker->edits);
}

// 16.7 step 6: what the caller would do with a 503 concerns us, whom it would leave alone, and not the member
// that sent it. A Retry-After that is too long is nobody's to believe.
void rewrite_refusal(struct worker *worker, const struct message *message, uint16_t peer)
{
    const struct snapshot_peer *row = &worker->rules->peers[peer];
    uint8_t field = message_first_header(message, HEADER_RETRY_AFTER);
    struct retry_after retry;
    bool becomes_500 = message->status == 503 && !(row->flags & PEER_503_PASS);
    if (becomes_500) {
        static const char status[] = "500 Server Internal Error";
        const uint16_t at = sizeof("SIP/2.0 ") - 1; // the start line has no other form
        edit_replace(&worker->edits,
                     (struct span){at, (uint16_t)(message->reason.offset + message->reason.length - at)},
                     status, sizeof(status) - 1);
    }
    for (; field != MESSAGE_NO_HEADER; field = message_next_header(message, field)) {
        struct span value = message->headers[field].value;
        if (becomes_500) {
            edit_remove(&worker->edits, message->headers[field].line);
        } else if (retry_after_read(message->octets, value, &retry) == 0 &&
                   retry.delay_s > row->retry_after_max_s) {
            retry.delay_s = row->retry_after_max_s;
            write_retry_after(edit_open(&worker->edits, value.offset, value.length), message->octets, &retry);
            edit_close(&worker->edits);
        }
    }
}
