// SPDX-License-Identifier: BSD-3-Clause
#include "source.h"

#include "write.h"

void sources_renew(struct sources *sources, const struct rules *rules)
{
    memset(sources->rows, 0, sizeof(sources->rows));
    sources->serial = rules->serial;
}

uint16_t source_learn(struct sources *sources, const struct rules *rules, const struct ip_address *address)
{
    uint16_t peer = rules_peer(rules, address);
    if (peer != NUMBER_NONE)
        sources->rows[source_place(address)] = (struct source_row){.address = *address, .peer = peer};
    return peer;
}

const char *source_text(struct sources *sources, const struct ip_address *address)
{
    struct source_row *row = &sources->rows[source_place(address)];
    if (!ip_equal(&row->address, address))
        return NULL;
    if (row->length == 0) {
        struct writer writer;
        writer_init(&writer, row->text, sizeof(row->text) - 1);
        write_ip_host(&writer, address); // 41 octets at most
        row->text[writer.used] = '\0';
        row->length = (uint8_t)writer.used;
    }
    return row->text;
}
