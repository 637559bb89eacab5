// SPDX-License-Identifier: BSD-3-Clause
// Any octets: the parser stays inside them, its spans too, steering sees the Call-ID that the parser sees,
// and so for every part of them.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip_check.h"
#include "uri.h"

#define CUTS 16u

static void check_values(const struct message *message, const struct header_field *field)
{
    struct address address;
    struct via via;
    struct uri uri;
    struct span value;
    uint32_t at = 0;
    unsigned steps = 0;
    while (address_next(message->octets, field->value, &at, &address) == 1) {
        CHECK(++steps <= field->value.length && at <= field->value.length);
        CHECK(address.whole.offset >= field->value.offset);
        CHECK(address.whole.offset + address.whole.length <= field->value.offset + field->value.length);
        (void)uri_parse(message->octets, address.uri, &uri);
        (void)uri_parameter(message->octets, address.parameters, "tag", &value);
    }
    at = 0;
    steps = 0;
    while (via_next(message->octets, field->value, &at, &via) == 1) {
        CHECK(++steps <= field->value.length && at <= field->value.length);
        CHECK(via.whole.offset + via.whole.length <= field->value.offset + field->value.length);
        CHECK(via.has_rport == (via.rport.length != 0));
    }
}

static void check_octets(const uint8_t *octets, uint32_t length)
{
    struct message message;
    struct span call_id;
    int fault = message_parse(octets, length, &message);
    check_message(&message, fault);
    bool found = peek_call_id(octets, length, &call_id);
    CHECK(found == (message.call_id.length != 0));
    CHECK(!found || (call_id.offset == message.call_id.offset && call_id.length == message.call_id.length));
    for (unsigned i = 0; i < message.header_count; i++)
        check_values(&message, &message.headers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > UINT32_MAX)
        return 0;
    check_octets(data, (uint32_t)size);
    for (unsigned i = 0; i < CUTS; i++) {
        size_t length = size * i / CUTS;
        // A copy of its own, so that the sanitizer sees the first octet read behind it.
        uint8_t *cut = malloc(length + 1);
        CHECK(cut != NULL);
        memcpy(cut + 1, data, length);
        check_octets(cut + 1, (uint32_t)length);
        free(cut);
    }
    return 0;
}
