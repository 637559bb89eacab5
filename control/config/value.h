// SPDX-License-Identifier: BSD-3-Clause
// One value of the configuration: from its text in the file to its place in struct config and back.
#ifndef DIALGATE_CONFIG_VALUE_H
#define DIALGATE_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "keys.h"

#define VALUE_TEXT_SIZE 2304u // octets of any value printed, with its NUL

// Reads text as key's kind into value (the type that enum key_kind names) and checks its range. Returns 0, or
// -EINVAL with "what is wrong; what to do" in why.
int value_parse(const struct key *key, const char *text, void *value, char *why, size_t size);

// Writes value as it would stand in the file: value_parse() gives the same value again. Returns text.
const char *value_format(const struct key *key, const void *value, char *text, size_t size);

// The range or the choices in words: "1 .. 64", "sleep | spin", "a name".
const char *value_range(const struct key *key, char *text, size_t size);

// A key whose default is empty and that has no value is not printed: it cannot be said.
bool value_is_empty(const struct key *key, const void *value);

// What kind of value, and in which units it is given ("" where it has none).
const char *value_type(const struct key *key);
const char *value_unit(const struct key *key);

// "10.0.0.1" for ::ffff:10.0.0.1. text has room for INET6_ADDRSTRLEN octets.
const char *value_address(const struct ip_address *address, char *text, size_t size);
// With a port, IPv6 in brackets; and a prefix with its length. text has room for VALUE_PREFIX_SIZE octets.
#define VALUE_PREFIX_SIZE 56u
const char *value_endpoint(const struct ip_address *address, uint16_t port, char *text, size_t size);
const char *value_prefix(const struct ip_address *address, unsigned length, char *text, size_t size);

// Reads an address of either family, without brackets and zone; not ::ffff:a.b.c.d. Returns 0 or -EINVAL.
int value_parse_address(const char *text, struct ip_address *address);
// What value_endpoint() writes, port 0 too. Returns 0 or -EINVAL.
int value_parse_endpoint(const char *text, struct key_endpoint *endpoint);
// Of a host that others reach: not unspecified, multicast or bound to one link.
bool value_is_unicast(const struct ip_address *address);
bool value_is_loopback(const struct ip_address *address);

#endif
