// SPDX-License-Identifier: BSD-3-Clause
// A name-addr from its parts (RFC 3261 25.1).
#include <stdlib.h>
#include <string.h>
#include "dialgate/ua.h"

struct text { // grows; octets NULL: no memory
    char *octets;
    size_t used, size;
};

static void add(struct text *text, const char *octets, size_t length)
{
    if (text->octets && text->size - text->used <= length) {
        size_t size = (text->size + length) * 2;
        char *grown = realloc(text->octets, size);
        if (!grown)
            free(text->octets);
        text->octets = grown;
        text->size = size;
    }
    if (!text->octets)
        return;
    memcpy(text->octets + text->used, octets, length);
    text->used += length;
    text->octets[text->used] = '\0';
}

static void say(struct text *text, const char *before, const char *words)
{
    if (!words || !*words)
        return;
    add(text, before, strlen(before));
    add(text, words, strlen(words));
}

static void quote(struct text *text, const char *display)
{
    if (!display || !*display)
        return;
    add(text, "\"", 1);
    for (; *display; display++) {
        if (*display == '"' || *display == '\\')
            add(text, "\\", 1);
        add(text, display, 1);
    }
    add(text, "\" ", 2);
}

// A user may hold any octet, most of them escaped (19.1.2).
static void escape(struct text *text, const char *user)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] = "-_.!~*'()&=+$,;?/";
    for (; *user; user++) {
        unsigned char c = (unsigned char)*user;
        bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        if (letter || strchr(plain, c))
            add(text, user, 1);
        else
            add(text, escaped, 3);
    }
}

static bool is_line(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

char *dg_address_text(const struct dg_address *address)
{
    struct text text = {.octets = malloc(64), .size = 64};
    if (!is_line(address->display) || !is_line(address->user) || !is_line(address->host) ||
        !is_line(address->uri) || !is_line(address->uri_parameters) || !is_line(address->parameters) ||
        (!address->uri && !address->host)) {
        free(text.octets);
        return NULL;
    }
    quote(&text, address->display);
    add(&text, "<", 1);
    if (address->uri) {
        say(&text, "", address->uri);
    } else {
        add(&text, "sip:", 4);
        if (address->user) {
            escape(&text, address->user);
            add(&text, "@", 1);
        }
        say(&text, "", address->host);
    }
    say(&text, ";", address->uri_parameters);
    add(&text, ">", 1);
    say(&text, ";", address->parameters);
    return text.octets;
}
