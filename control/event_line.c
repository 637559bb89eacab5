// SPDX-License-Identifier: BSD-3-Clause
#include "event_line.h"

#include <assert.h>
#include <string.h>
#include "control.h"
#include "dialgate/counters.h"
#include "rpc/dialog.h"
#include "rpc/text.h"

static const char *const reasons[CHANNEL_REASON_COUNT] = {
#define R(name, word) [CHANNEL_REASON_##name] = word,
    CHANNEL_REASONS(R)
#undef R
};

// 90 octets of names, 20 + 16 + 16 of numbers, states and a reason, two names of peers and an address.
#define NAMES_MOST (2u * 5u * NAME_SIZE)
static_assert(400 + NAMES_MOST + ADDRESS_TEXT_SIZE <= EVENT_LINE_SIZE, "all have room");

static char *put(char *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

// Names of the configuration are letters, digits, '-' and '_'; what a manifest on disk says instead is shown
// as text_json() shows octets.
static char *put_name(char *to, const char *name)
{
    static const char digits[] = "0123456789abcdef";
    const char *end = name + strnlen(name, NAME_SIZE);
    for (; name < end; name++) {
        unsigned char octet = (unsigned char)*name;
        if (octet > ' ' && octet < 0x7f && octet != '"' && octet != '\\') {
            *to++ = (char)octet;
            continue;
        }
        to = put(to, "\\\\x");
        *to++ = digits[octet >> 4];
        *to++ = digits[octet & 15];
    }
    return to;
}

static char *put_number(char *to, uint64_t number)
{
    char text[20];
    char *from = text + sizeof(text);
    do
        *--from = (char)('0' + number % 10);
    while (number /= 10);
    size_t length = (size_t)(text + sizeof(text) - from);
    memcpy(to, from, length);
    return to + length;
}

static char *put_id(char *to, uint64_t handle)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned shift = 64; shift > 0;)
        *to++ = digits[handle >> (shift -= 4) & 15];
    return to;
}

static char *put_member(char *to, const struct control *control, uint32_t number)
{
    struct ip_address address;
    uint16_t port;
    char text[ADDRESS_TEXT_SIZE];
    if (number >= MEMBERS_MAX || manifest_member_name(control->manifest, number, NULL, &address, &port) < 0)
        return put(to, "-");
    return put(to, text_address(&address, port, text));
}

size_t event_line_dialog(const struct control *control, const struct channel_event *event, uint64_t number,
                         char text[EVENT_LINE_SIZE])
{
    char *to = put_number(put(text, "\"dataplane_seq\":"), number);
    to = put_id(put(to, ",\"id\":\""), event->handle);
    to = put_id(put(to, "\",\"call\":\""), event->call);
    to = put(put(to, "\",\"from\":\""),
             event->from == CHANNEL_DIALOG_ANY ? "-" : dialog_state_name(event->from));
    to = put(put(to, "\",\"to\":\""), dialog_state_name(event->to));
    to = put(put(to, "\",\"reason\":\""), reasons[event->reason]);
    to = put_name(put(to, "\",\"caller_peer\":\""), control_peer_name(control, event->caller_peer));
    to = put_name(put(to, "\",\"callee_peer\":\""), control_peer_name(control, event->callee_peer));
    to = put_member(put(to, "\",\"member\":\""), control, event->callee_member);
    return (size_t)(put(to, "\"}") - text);
}
