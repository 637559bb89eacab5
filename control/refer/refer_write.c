// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include "../../dataplane/sip/refer_to.h"
#include "refer.h"

void refer_write_notify(struct writer *writer, const struct refer *refer, bool last, uint64_t now_ms)
{
    write_text(writer, "Event: refer");
    if (refer->named) {
        write_text(writer, ";id=");
        write_number(writer, refer->cseq);
    }
    write_text(writer, "\r\nSubscription-State: ");
    if (last) {
        // RFC 3515 2.4.7: noresource, when the transfer is over; RFC 6665 4.1.3: timeout, when it is not.
        write_text(writer, refer->ran_out ? "terminated;reason=timeout" : "terminated;reason=noresource");
    } else {
        write_text(writer, "active;expires=");
        write_number(writer,
                     refer->until_ms > now_ms ? (uint32_t)((refer->until_ms - now_ms + 999) / 1000) : 0);
    }
    write_text(writer, "\r\n");
}

void refer_write_call(struct writer *writer, const struct refer_ask *ask)
{
    if (ask->referred_by[0]) {
        write_text(writer, "Referred-By: ");
        write_text(writer, ask->referred_by);
        write_text(writer, "\r\n");
    }
    if (ask->replaces[0]) {
        // RFC 3891 section 4: who does not know it would ring as for any other call.
        write_text(writer, "Require: replaces\r\nReplaces: ");
        write_text(writer, ask->replaces);
        write_text(writer, "\r\n");
    }
}

// The dialog to replace, as spans of text.
static void join(struct writer *text, const struct refer_order *order, struct replaces *replaces)
{
    const char *const parts[] = {order->call_id, order->to_tag, order->from_tag};
    struct span *const spans[] = {&replaces->call_id, &replaces->to_tag, &replaces->from_tag};
    for (unsigned i = 0; i < 3; i++) {
        *spans[i] = (struct span){(uint16_t)text->used, (uint16_t)strlen(parts[i])};
        write_text(text, parts[i]);
    }
    replaces->early_only = order->early_only;
}

bool refer_write_refer(struct writer *writer, const struct refer_order *order)
{
    const uint8_t *octets = (const uint8_t *)order->uri;
    struct span all = {0, (uint16_t)strlen(order->uri)}, value;
    struct uri uri;
    bool invite = !order->method || strcmp(order->method, "INVITE") == 0;
    if (strlen(order->uri) > UINT16_MAX || uri_parse(octets, all, &uri) < 0 || uri.headers.offset != 0 ||
        (uri.parameters.offset != 0 && uri_parameter(octets, uri.parameters, "method", &value)))
        return false;
    // Parameters of a method and headers are of sip and sips URIs alone (RFC 3261 19.1.1).
    if (strpbrk(order->uri, "<> ,") ||
        (uri.scheme != URI_SIP && uri.scheme != URI_SIPS && (!invite || order->call_id)))
        return false;
    char target[REFER_TEXT_MAX + 64];
    uint8_t names[REFER_TEXT_MAX];
    struct writer to, text;
    struct replaces replaces;
    writer_init(&to, target, sizeof(target) - 1);
    writer_init(&text, names, sizeof(names));
    write_text(&to, order->uri);
    if (!invite) { // RFC 3261 19.1.1: a parameter of the URI, before its headers
        write_text(&to, ";method=");
        write_text(&to, order->method);
    }
    if (order->call_id)
        join(&text, order, &replaces);
    if (to.overflow || text.overflow)
        return false;
    target[to.used] = '\0';
    write_text(writer, "Refer-To: ");
    write_refer_to(writer, target, names, order->call_id ? &replaces : NULL);
    write_text(writer, "\r\n");
    if (order->referred_by) {
        write_text(writer, "Referred-By: ");
        write_text(writer, order->referred_by);
        write_text(writer, "\r\n");
    }
    if (order->about) { // RFC 4538 section 3: the tags as who gets it has them
        write_text(writer, "Target-Dialog: ");
        write_text(writer, order->about);
        write_text(writer, ";local-tag=");
        write_text(writer, order->about_local);
        write_text(writer, ";remote-tag=");
        write_text(writer, order->about_remote);
        write_text(writer, "\r\n");
    }
    if (order->silent) // RFC 4488 section 4
        write_text(writer, "Refer-Sub: false\r\nSupported: norefersub\r\n");
    return true;
}
