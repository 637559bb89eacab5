// SPDX-License-Identifier: BSD-3-Clause
// URIs of ours in Record-Route, Route and Path values: "sip:LISTENER;lr;dg=COOKIE". Others give them back as
// they got them (RFC 3261 12.1, 12.2.1.1), so they are known by comparing octets. What differs from our own
// words, in case, order or parameters, is read by the grammar and comes to the same.
//
// Reading such a value (twice by the grammar, once each for its maddr and its dg) took 3,200 instructions,
// six times a call; it takes 600 for the first of a message, most of which is the MAC, and 100 for what
// repeats its cookie. A request inside a dialog needs no MAC as long as there is a record that has its
// Call-ID and its tags: then the cookie is only the quickest way to find that.
#ifndef DIALGATE_PATH_OWN_URI_H
#define DIALGATE_PATH_OWN_URI_H

#include "worker_core.h"

struct own_uri {
    uint16_t listener; // that it names
    struct span text;  // of its dg parameter; length 0: none
    bool has_cookie;   // which we signed for this Call-ID, or by own_uri_look() may have
    struct cookie_route cookie;
};

// Whether a URI names a listener of ours (16.4). before: one of the same message that was read before, whose
// cookie is not checked again where it is repeated (RFC 5658: two values with one cookie); NULL: none.
bool own_uri_read(const struct worker *worker, const struct message *message, struct span uri,
                  const struct own_uri *before, struct own_uri *own);
// The same without a proof of the cookie, for who looks at what it names: own_uri_check() proves it.
bool own_uri_look(const struct worker *worker, const struct message *message, struct span uri,
                  const struct own_uri *before, struct own_uri *own);
bool own_uri_check(const struct worker *worker, const struct message *message, const struct own_uri *own);

#endif
