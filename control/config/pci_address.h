// SPDX-License-Identifier: BSD-3-Clause
// PCI addresses as the kernel writes them, domain:bus:device.function, such as 0000:3b:00.0.
#ifndef DIALGATE_CONFIG_PCI_ADDRESS_H
#define DIALGATE_CONFIG_PCI_ADDRESS_H

#include "keys.h"

// Adds one to a list of at most key->most. Returns 0, or -EINVAL with the reason in why[size].
int pci_address_add(const struct key *key, const char *text, struct target_list *list, char *why,
                    size_t size);

#endif
