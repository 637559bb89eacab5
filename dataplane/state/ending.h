// SPDX-License-Identifier: BSD-3-Clause
// What a failure response within a dialog ends (RFC 5057 section 5; RFC 3261 12.2.1.2, 14.1, 15.1.1): only
// its own transaction, the usage that the request belonged to, or the dialog with all its usages. A user
// agent acts on it; a front end that sees the response pass learns what the two ends will make of it.
#ifndef DIALGATE_STATE_ENDING_H
#define DIALGATE_STATE_ENDING_H

// What the request was (RFC 5057 5.3: which usage it belongs to).
enum ending_request {
    ENDING_REINVITE,
    ENDING_IN_USAGE, // UPDATE, INFO: of the INVITE usage
    ENDING_PRACK,
    ENDING_BYE,
    ENDING_CANCEL,
    ENDING_SUBSCRIPTION, // SUBSCRIBE, NOTIFY: of one subscription
    ENDING_REFER,
    ENDING_OF_NONE, // OPTIONS, MESSAGE and others that belong to no usage
    ENDING_REQUESTS
};

enum ending {
    ENDING_TRANSACTION, // nothing else
    ENDING_OPTIONAL, // with a Retry-After as ENDING_TRANSACTION; without, who sent the request may try again
                     // later or end its usage
    ENDING_USAGE,
    ENDING_DIALOG
};

// status: of a final response; 0: none came (RFC 5057 5.2), or it could not be sent. Statuses that are
// unknown count as the x00 of their class (RFC 3261 8.1.3.2). The 2xx to a BYE ends the usage too.
enum ending ending_of(enum ending_request request, unsigned status);

#endif
