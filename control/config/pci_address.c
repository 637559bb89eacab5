// SPDX-License-Identifier: BSD-3-Clause
#include "pci_address.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_pci_address(const char *text)
{
    static const char form[] = "hhhh:hh:hh.o";
    size_t i = 0;
    for (; text[i] && form[i]; i++) {
        bool fits = form[i] == text[i];
        if (form[i] == 'h')
            fits = isdigit((unsigned char)text[i]) || (text[i] >= 'a' && text[i] <= 'f');
        else if (form[i] == 'o')
            fits = text[i] >= '0' && text[i] <= '7';
        if (!fits)
            return false;
    }
    return text[i] == form[i];
}

// As DPDK names its own: a driver's name, net_ before, and a number.
static bool is_virtual_device(const char *text)
{
    size_t length = strlen(text);
    return strncmp(text, "net_", 4) == 0 && length < NAME_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

int pci_address_add(const struct key *key, const char *text, struct target_list *list, char *why, size_t size)
{
    if (list->count == key->most) {
        snprintf(why, size, "is one too many; give at most %u", (unsigned)key->most);
        return -EINVAL;
    }
    if (!is_pci_address(text) && !is_virtual_device(text)) {
        snprintf(why, size, "'%.32s' is not a PCI address; give one such as 0000:3b:00.0 (lspci -D)", text);
        return -EINVAL;
    }
    memset(list->rows[list->count], 0, KEY_TARGET_SIZE);
    memcpy(list->rows[list->count++], text, strlen(text));
    return 0;
}
