// SPDX-License-Identifier: BSD-3-Clause
// Addresses in what the agent logs.
#ifndef DIALGATE_ADDRESS_TEXT_H
#define DIALGATE_ADDRESS_TEXT_H

#include "dialgate/address.h"

#define ADDRESS_TEXT_SIZE 42u // "[", eight groups of four digits with colons, "]" and NUL

// As a host: IPv6 in brackets, so that ":PORT" may follow. Returns text.
const char *address_text(const struct ip_address *address, char text[ADDRESS_TEXT_SIZE]);

#endif
