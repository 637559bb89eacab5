// SPDX-License-Identifier: BSD-3-Clause
// What the configuration wants changed in messages on their way: the Request-URI by the route (RFC 3261 16.6
// step 2), identities by the peer that they come from (RFC 3325 section 5), Path (RFC 3327 5.2). All else
// passes octet for octet.
#include <string.h>
#include "retry_after.h"
#include "worker_core.h"

// strip and prepend change the user part; of a URI without one (tel, a bare host) there is nothing to change.
static void edit_user(struct edits *edits, const struct uri *uri, const struct snapshot_route *route,
                      const char *prepend)
{
    uint16_t strip = RTE_MIN((uint16_t)route->strip, uri->user.length);
    if (uri->user.length == 0 || (strip == 0 && prepend[0] == '\0'))
        return;
    // A user part does not become empty: "sip:@host" is no URI.
    if (strip == uri->user.length && prepend[0] == '\0')
        strip--;
    edit_replace(edits, (struct span){uri->user.offset, strip}, prepend, (uint32_t)strlen(prepend));
}

void rewrite_request_uri(struct worker *worker, const struct message *message,
                         const struct snapshot_route *route)
{
    const char *host = rules_text(worker->rules, route->set_host);
    struct uri uri;
    if ((route->strip == 0 && route->prepend == 0 && route->set_host == 0) ||
        uri_parse(message->octets, message->request_uri, &uri) != 0)
        return;
    edit_user(&worker->edits, &uri, route, rules_text(worker->rules, route->prepend));
    if (host[0] == '\0' || uri.host.length == 0)
        return;
    struct span whole = uri.host; // with the port, which belongs to the host that was
    uint32_t end = message->request_uri.offset + message->request_uri.length;
    uint32_t behind = whole.offset + whole.length;
    if (uri.has_port)
        while (behind < end && (message->octets[behind] == ':' ||
                                (message->octets[behind] >= '0' && message->octets[behind] <= '9')))
            behind++;
    whole.length = (uint16_t)(behind - whole.offset);
    edit_replace(&worker->edits, whole, host, (uint32_t)strlen(host));
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
    write_ipv4(writer, worker->rules->listener_addresses[listener]);
    write_text(writer, ":");
    write_number(writer, worker->rules->listeners[listener].port);
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
