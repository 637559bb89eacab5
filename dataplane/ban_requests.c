// SPDX-License-Identifier: BSD-3-Clause
#include "ban_requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// What the operator is told.
static void explain(struct channel_done *done, uint32_t source_bits)
{
    switch (done->result) {
    case -ENOENT:
        snprintf(done->text, sizeof(done->text), "not banned");
        break;
    case -EDOM:
        snprintf(done->text, sizeof(done->text),
                 "a ban is of one source: an IPv4 address, or an IPv6 /%u (prefilter.source_prefix); "
                 "prefilter.deny in the configuration has other prefixes",
                 source_bits);
        break;
    case -EADDRNOTAVAIL:
        snprintf(done->text, sizeof(done->text), "nobody sends from there");
        break;
    case -ENOSPC:
        snprintf(done->text, sizeof(done->text), "no room for more bans; lift some");
        break;
    case -E2BIG:
        snprintf(done->text, sizeof(done->text),
                 "bans of %u other prefix lengths are in force; lift those of one of them",
                 PREFILTER_BAN_LENGTHS);
        break;
    default:
        snprintf(done->text, sizeof(done->text), "%s", strerror(-done->result));
    }
}

void ban_requests_set(struct bans *bans, const struct rules *rules, struct channel_server *channel,
                      const struct channel_input *in, uint64_t now_ms)
{
    const struct channel_ban *order = &in->body.ban;
    uint32_t bits = rules->settings->prefilter.source_bits;
    struct channel_done done = {.result = order->lift ? bans_lift(bans, order, bits)
                                                      : bans_set(bans, order, bits, now_ms)};

    // What the operator was told holds, whatever ends us then. What is not saved now is tried each second.
    if (done.result == 0)
        bans_save(bans);
    else
        explain(&done, bits);
    channel_server_done(channel, CHANNEL_DONE, in->header.request, &done);
}

void ban_requests_list(struct bans *bans, struct channel_server *channel, const struct channel_input *in,
                       uint64_t now_ms)
{
    const struct channel_ban_list *list = &in->body.ban_list;
    struct channel_done done = {.cursor = list->cursor};

    do {
        struct channel_ban_rows rows = {0};
        uint32_t most = list->limit - done.rows;

        rows.count = bans_list(bans, &done.cursor, rows.rows,
                               most < CHANNEL_BAN_ROWS_MAX ? most : CHANNEL_BAN_ROWS_MAX, now_ms);
        done.rows += rows.count;
        if (rows.count > 0 &&
            channel_server_send(channel, &(struct channel_output){.type = CHANNEL_BAN_ROWS,
                                                                  .request = in->header.request,
                                                                  .body = &rows,
                                                                  .body_size = sizeof(rows)}) < 0)
            return;
    } while (done.cursor != 0 && done.rows < list->limit);
    channel_server_done(channel, CHANNEL_DONE, in->header.request, &done);
}

void ban_requests_take(struct bans *bans, const struct workers *workers, struct suspects *suspects,
                       uint64_t now_ms)
{
    struct suspect_verdict verdicts[SUSPECT_VERDICTS];
    unsigned count = suspect_take(suspects, verdicts, SUSPECT_VERDICTS);

    for (unsigned i = 0; i < count; i++)
        bans_judge(bans, workers->published.rules, &verdicts[i].source, (enum ban_rule)verdicts[i].rule,
                   now_ms);
}
