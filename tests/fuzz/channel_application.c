// SPDX-License-Identifier: BSD-3-Clause
#include "channel_application.h"

#include <string.h>
#include "dialgate/channel.h"

void application_commanded(struct application_far_end *far, uint64_t tag)
{
    far->tags[far->tag_count++ % APPLICATION_TAGS] = tag;
}

// 0 is none, 1 that of the last command, 2 of the one before it.
static uint64_t tag_of(const struct application_far_end *far, unsigned which)
{
    which %= APPLICATION_TAGS + 1;
    return which == 0 || which > far->tag_count ? 0 : far->tags[(far->tag_count - which) % APPLICATION_TAGS];
}

size_t application_event(struct application_far_end *far, const uint8_t *octets, size_t size, void *body)
{
    uint8_t fields[APPLICATION_FIELDS] = {0};
    struct channel_event_run run = {.first = far->next++, .count = 1};
    size_t room = APPLICATION_EVENT_MAX - sizeof(run) - sizeof(struct channel_ua_event) - 8;
    memcpy(fields, octets, size < sizeof(fields) ? size : sizeof(fields));
    size_t length = size < sizeof(fields) ? 0 : size - sizeof(fields);
    length = length < room ? length : room;
    struct channel_ua_event event = {.kind = fields[0],
                                     .application = far->peers[fields[1] % 4],
                                     .peer = fields[1] / 16 < 4 ? far->peers[fields[1] / 16] : NUMBER_NONE,
                                     .dialog = fields[2] ? APPLICATION_DIALOG + fields[2] : 0,
                                     .call = fields[3],
                                     .transaction = fields[4] ? APPLICATION_TRANSACTION + fields[4] : 0,
                                     .tag = tag_of(far, fields[5]),
                                     .state = fields[6],
                                     .reason = fields[7],
                                     .flags = fields[8],
                                     .status = (uint16_t)(fields[9] | fields[10] << 8),
                                     .result = fields[0] == CHANNEL_UA_REFERRAL ? fields[11] : -fields[11],
                                     .length = (uint16_t)length,
                                     .time_ms = 1700000000000,
                                     .source = IP_MAPPED(0x0a0a0101),
                                     .source_port = 5060};
    memset(body, 0, sizeof(run) + channel_ua_event_size(&event));
    memcpy(body, &run, sizeof(run));
    memcpy((uint8_t *)body + sizeof(run), &event, sizeof(event));
    if (length > 0)
        memcpy((uint8_t *)body + sizeof(run) + sizeof(event), octets + sizeof(fields), length);
    return sizeof(run) + channel_ua_event_size(&event);
}
