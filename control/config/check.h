// SPDX-License-Identifier: BSD-3-Clause
// What keys must be to each other, by subject; check_config() of read.h asks all of these in turn. Each
// returns 0, or -EINVAL or -ENOMEM with the error in places. What is legal but odd is a warning there.
#ifndef DIALGATE_CONFIG_CHECK_H
#define DIALGATE_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "model.h"
#include "place.h"

#define ANY_PEER "any-peer"

int check_peers(const struct config *config, struct places *places);
int check_applications(const struct config *config, struct places *places);
int check_sources(const struct config *config, struct places *places);
int check_route(const struct config *config, size_t number, struct places *places);

// Only of a configuration that is whole otherwise.
void warn_config(const struct config *config, struct places *places);
void warn_applications(const struct config *config, struct places *places);
void warn_routes(const struct config *config, struct places *places);

bool check_same_address(const struct ip_address *one, const struct ip_address *other);
bool check_has_address(const struct config_member *member);
bool check_is_host(const char *text); // a host's name (RFC 1123 2.1)
bool check_is_uri(const char *text);

#endif
