// SPDX-License-Identifier: BSD-3-Clause
#include "corpus.h"

#include <errno.h>
#include <stdio.h>

struct corpus corpus[CORPUS_COUNT] = {
    [CORPUS_INVITE] = {.name = "invite"}, [CORPUS_200] = {.name = "200"}, [CORPUS_BYE] = {.name = "bye"}};

int corpus_load(const char *folder)
{
    for (unsigned i = 0; i < CORPUS_COUNT; i++) {
        char path[4096];
        if (snprintf(path, sizeof(path), "%s/%s.sip", folder, corpus[i].name) >= (int)sizeof(path))
            return -ENAMETOOLONG;
        FILE *file = fopen(path, "rb");
        if (file == NULL)
            return -errno;
        size_t length = fread(corpus[i].octets, 1, sizeof(corpus[i].octets), file);
        fclose(file);
        if (length == 0 || length == sizeof(corpus[i].octets))
            return -EINVAL;
        corpus[i].length = (uint32_t)length;
    }
    return 0;
}
