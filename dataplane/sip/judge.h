// SPDX-License-Identifier: BSD-3-Clause
// What is owed to the sender of a message: nothing, an answer, or silence.
#ifndef DIALGATE_SIP_JUDGE_H
#define DIALGATE_SIP_JUDGE_H

#include "message.h"
#include "write.h"

enum judge_role {
    JUDGE_FRONT_END, // a proxy: judges only what it must understand to route (RFC 3261 16.3)
    JUDGE_UA         // also methods, Require (RFC 3261 8.2)
};

// Octets or numbers of values; 0: no limit.
struct judge_limits {
    uint32_t message;             // of the datagram: 513
    uint32_t header_line;         // of each line with its folds: 400
    uint32_t body;                // 413
    uint32_t uri;                 // of the Request-URI: 414; of From, To, Contact, Refer-To: 400
    uint32_t call_id;             // 400
    uint32_t tag;                 // 400
    uint32_t replaces;            // of the header's value, and of the escaped one in Refer-To: 400
    uint32_t vias;                // values on all lines: 400
    uint32_t routes;              // values of Route on all lines: 400
    uint32_t refer_to_parameters; // of the URI, of its headers and of Refer-To: 400
    uint32_t media_lines;         // of an SDP body, which then must start with v=0: 400
};

struct judge_options {
    enum judge_role role;
    uint32_t schemes;              // of a Request-URI: bits 1 << enum uri_scheme; 416 for the others
    uint32_t methods;              // of a UA: bits 1 << enum sip_method; 405 for the others that we know, 501
                                   // for those that we do not
    const char *const *extensions; // option tags that Require (UA) or Proxy-Require (front end) may name; a
                                   // NULL ends them
    struct judge_limits limits;
};

// sip, sips, tel and urn; no extension, no limit.
extern const struct judge_options judge_front_end;

// What binds user agents and REFER by default.
extern const struct judge_limits judge_limits_ua;

enum judge_action { JUDGE_FINE, JUDGE_ANSWER, JUDGE_SILENCE };

struct message_verdict {
    enum judge_action action;
    uint16_t status; // 0 but for JUDGE_ANSWER
    uint16_t header; // HEADER_UNSUPPORTED, HEADER_ALLOW: write_verdict_header() writes it; else HEADER_OTHER
    const char *reason; // static text, which names the fault; NULL with status 0
};

// Judges a message by what message_parse() said of it. Answers are for requests that have a topmost Via with
// a host and a CSeq or Call-ID; responses and ACK never get one (RFC 3261 8.2, 16.3, 17.1.1.3, 18.3).
struct message_verdict message_judge(const struct message *message, int fault,
                                     const struct judge_options *options);

// Of a request that parsed without fault: true when judge_front_end has nothing against it, as of nearly all;
// false: message_judge() tells.
static inline bool judge_front_end_passes(const struct message *request)
{
    return (judge_front_end.schemes >> request->uri_scheme & 1) != 0 && request->max_forwards != 0 &&
           request->first[HEADER_PROXY_REQUIRE] == MESSAGE_NO_HEADER;
}

// Writes the header line, with CRLF, that the verdict's answer must carry (RFC 3261 20.5, 20.40). Nothing
// when it has none.
void write_verdict_header(struct writer *writer, const struct message *message,
                          const struct message_verdict *verdict, const struct judge_options *options);

#endif
