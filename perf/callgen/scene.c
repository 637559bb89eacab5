// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scene.h"

// "+N" at *AT, of which there may be none.
static bool read_more(const char **at, unsigned *more)
{
    *more = 0;
    if (**at != '+')
        return true;
    char *end;
    unsigned long value = strtoul(*at + 1, &end, 10);
    if (end == *at + 1 || value >= SCENE_PLACES)
        return false;
    *more = (unsigned)value;
    *at = end;
    return true;
}

static bool read_address(const char **at, uint32_t *address)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr read;
    size_t length = strspn(*at, "0123456789.");
    if (length >= sizeof(text))
        return false;
    memcpy(text, *at, length);
    text[length] = '\0';
    *at += length;
    if (inet_pton(AF_INET, text, &read) != 1)
        return false;
    *address = ntohl(read.s_addr);
    return true;
}

static void write_place(struct place *place, uint32_t address, uint16_t port)
{
    place->address = address;
    place->port = port;
    snprintf(place->text, sizeof(place->text), "%u.%u.%u.%u:%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255, port);
}

bool scene_places(struct place *list, unsigned *count, const char *text)
{
    uint32_t address;
    unsigned addresses, ports = 0;
    unsigned long port = 5060;
    if (!read_address(&text, &address) || !read_more(&text, &addresses))
        return false;
    if (*text == ':') {
        char *end;
        port = strtoul(text + 1, &end, 10);
        text = end;
        if (!read_more(&text, &ports))
            return false;
    }
    if (*text != '\0' || port == 0 || port + ports > UINT16_MAX ||
        (addresses + 1) * (ports + 1) > SCENE_PLACES)
        return false;
    *count = 0;
    for (unsigned i = 0; i <= addresses; i++)
        for (unsigned j = 0; j <= ports; j++)
            write_place(&list[(*count)++], address + i, (uint16_t)(port + j));
    return true;
}

int scene_find(const struct scene *scene, enum side side, uint32_t address, uint16_t port)
{
    for (unsigned i = 0; i < scene->counts[side]; i++)
        if (scene->sides[side][i].address == address && scene->sides[side][i].port == port)
            return (int)i;
    return -1;
}
