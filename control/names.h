// SPDX-License-Identifier: BSD-3-Clause
// Names of next hops that the dataplane meets in messages (RFC 3261 16.6 step 7) and asks about: looked up as
// RFC 3263 4.2 says, with servers and time-outs like those of members' hosts, and sockets of their own.
// Nothing is kept here: the dataplane keeps answers as long as they are good, and asks again while they are
// used.
#ifndef DIALGATE_CONTROL_NAMES_H
#define DIALGATE_CONTROL_NAMES_H

#include "dialgate/channel.h"

struct event_base;
struct names;

typedef void name_answered(void *context, const struct channel_name_answer *answer);

struct names_options {
    struct event_base *base;
    const char *servers;     // as dns_create() takes them, or NULL; lives as long as this
    name_answered *answered; // once for each question, perhaps before names_ask() returns
    void *context;
};

// NULL without memory, or when servers cannot be read.
struct names *names_create(const struct names_options *options);
void names_destroy(struct names *names); // NULL is fine; questions under way are not answered any more

void names_ask(struct names *names, const struct channel_name *name, bool ipv6);

#endif
