// SPDX-License-Identifier: BSD-3-Clause
#include "prefixes.h"

#include <string.h>

void prefixes_make(struct prefixes_image *image, size_t count, bool no_strangers)
{
    struct snapshot_range *range = &image->image.header.sections[SECTION_SOURCES];

    image_usual(&image->image);
    memcpy(image->sources, image->image.sources, sizeof(image->image.sources));
    range->offset = offsetof(struct prefixes_image, sources);
    for (uint32_t i = 0; i < count; i++)
        image->sources[range->count++] =
            (struct snapshot_source){.address = IP_MAPPED(0x0b000000u + i * 0x9e37u * 16),
                                     .length = (uint16_t)(IP_MAPPED_BITS + 24 + i % 9),
                                     .peer = (uint16_t)(i % IMAGE_PEERS)};
    for (unsigned i = 0; i < IMAGE_PEERS; i++)
        image->image.peers[i].filter_all = image->image.peers[i].filter_invite =
            (struct bucket_limit){10000000, 1000000000};
    // A burst that outlasts some ticks: with less the program reads the exact clock for each packet.
    if (no_strangers)
        image->image.header.settings.prefilter.strangers = (struct bucket_limit){1, 2};
}
