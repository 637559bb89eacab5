// SPDX-License-Identifier: BSD-3-Clause
#include "ua_tag.h"

#include <string.h>

#define NUMBER_LETTERS 4u

static const char letters[] = "0123456789abcdef";

// No cookie tag of ours begins with a number of two octets: it is bound to texts from messages.
static void write_mac(const struct cookie_keys *keys, uint16_t application, struct cookie_octets call_id,
                      char out[COOKIE_TEXT_MAX])
{
    static const char of_ua[] = "application";
    cookie_tag_write(keys, call_id, (struct cookie_octets){&application, sizeof(application)},
                     (struct cookie_octets){of_ua, sizeof(of_ua)}, out);
}

unsigned ua_tag_write(const struct cookie_keys *keys, uint16_t application, struct cookie_octets call_id,
                      char out[COOKIE_TEXT_MAX])
{
    char mac[COOKIE_TEXT_MAX];
    for (unsigned i = 0; i < NUMBER_LETTERS; i++)
        out[i] = letters[application >> (12 - 4 * i) & 15];
    write_mac(keys, application, call_id, mac);
    memcpy(out + NUMBER_LETTERS, mac, COOKIE_TAG_LENGTH + 1);
    return UA_TAG_LENGTH;
}

bool ua_tag_read(const struct cookie_keys *keys, struct cookie_octets text, struct cookie_octets call_id,
                 uint16_t *application)
{
    char own[COOKIE_TEXT_MAX];
    const char *tag = text.octets;
    unsigned number = 0;
    if (text.length != UA_TAG_LENGTH)
        return false;
    for (unsigned i = 0; i < NUMBER_LETTERS; i++) {
        const char *letter = memchr(letters, tag[i], sizeof(letters) - 1);
        if (letter == NULL)
            return false;
        number = number << 4 | (unsigned)(letter - letters);
    }
    *application = (uint16_t)number;
    write_mac(keys, *application, call_id, own);
    return memcmp(own, tag + NUMBER_LETTERS, COOKIE_TAG_LENGTH) == 0;
}
