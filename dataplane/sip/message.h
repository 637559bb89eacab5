// SPDX-License-Identifier: BSD-3-Clause
// A SIP message parsed once into offsets. Nothing is copied and nothing is allocated: struct message
// describes the caller's octets, which must stay where they are as long as it is used.
#ifndef DIALGATE_SIP_MESSAGE_H
#define DIALGATE_SIP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Octets [offset, offset + length) of the message. length 0 with offset 0 means absent; an empty value that
// is there has its offset.
struct span {
    uint16_t offset;
    uint16_t length;
};

#define MESSAGE_SIZE_MAX 65507u // octets of the largest UDP payload over IPv4
#define MESSAGE_HEADERS_MAX                                                                                  \
    128u // header lines that are looked at; more than that is MESSAGE_TOO_MANY_HEADERS

enum sip_method {
    METHOD_INVITE,
    METHOD_ACK,
    METHOD_BYE,
    METHOD_CANCEL,
    METHOD_OPTIONS,
    METHOD_REGISTER,
    METHOD_PRACK,
    METHOD_SUBSCRIBE,
    METHOD_NOTIFY,
    METHOD_PUBLISH,
    METHOD_INFO,
    METHOD_REFER,
    METHOD_MESSAGE,
    METHOD_UPDATE,
    METHOD_OTHER, // any other token
    METHOD_COUNT
};

// Headers by name (RFC 3261 20 and the RFCs that add to it). Those that a proxy needs for each message come
// first; the others are found by message_first_header(). What is not here is HEADER_OTHER, and passes.
enum sip_header {
    HEADER_OTHER,
    HEADER_VIA,
    HEADER_FROM,
    HEADER_TO,
    HEADER_CALL_ID,
    HEADER_CSEQ,
    HEADER_MAX_FORWARDS,
    HEADER_CONTACT,
    HEADER_ROUTE,
    HEADER_RECORD_ROUTE,
    HEADER_CONTENT_LENGTH,
    HEADER_CONTENT_TYPE,
    HEADER_PROXY_REQUIRE,
    HEADER_PROXY_AUTHORIZATION,
    HEADER_REQUIRE,
    HEADER_SUPPORTED,
    HEADER_RETRY_AFTER,
    HEADER_REASON,
    HEADER_TIMESTAMP,
    HEADER_INDEXED_COUNT, // the kinds before it are found by message->first[], all others together as this
                          // one
    HEADER_ACCEPT = HEADER_INDEXED_COUNT,
    HEADER_ACCEPT_CONTACT,
    HEADER_ACCEPT_ENCODING,
    HEADER_ACCEPT_LANGUAGE,
    HEADER_ACCEPT_RESOURCE_PRIORITY,
    HEADER_ALERT_INFO,
    HEADER_ALLOW,
    HEADER_ALLOW_EVENTS,
    HEADER_ANSWER_MODE,
    HEADER_AUTHENTICATION_INFO,
    HEADER_AUTHORIZATION,
    HEADER_CALL_INFO,
    HEADER_CONTENT_DISPOSITION,
    HEADER_CONTENT_ENCODING,
    HEADER_CONTENT_LANGUAGE,
    HEADER_DATE,
    HEADER_ERROR_INFO,
    HEADER_EVENT,
    HEADER_EXPIRES,
    HEADER_FLOW_TIMER,
    HEADER_GEOLOCATION,
    HEADER_GEOLOCATION_ERROR,
    HEADER_GEOLOCATION_ROUTING,
    HEADER_HISTORY_INFO,
    HEADER_IDENTITY,
    HEADER_IN_REPLY_TO,
    HEADER_INFO_PACKAGE,
    HEADER_JOIN,
    HEADER_MAX_BREADTH,
    HEADER_MIME_VERSION,
    HEADER_MIN_EXPIRES,
    HEADER_MIN_SE,
    HEADER_ORGANIZATION,
    HEADER_P_ACCESS_NETWORK_INFO,
    HEADER_P_ASSERTED_IDENTITY,
    HEADER_P_ASSERTED_SERVICE,
    HEADER_P_ASSOCIATED_URI,
    HEADER_P_CALLED_PARTY_ID,
    HEADER_P_CHARGING_FUNCTION_ADDRESSES,
    HEADER_P_CHARGING_VECTOR,
    HEADER_P_EARLY_MEDIA,
    HEADER_P_PREFERRED_IDENTITY,
    HEADER_P_PREFERRED_SERVICE,
    HEADER_P_VISITED_NETWORK_ID,
    HEADER_PATH,
    HEADER_POLICY_CONTACT,
    HEADER_POLICY_ID,
    HEADER_PRIORITY,
    HEADER_PRIV_ANSWER_MODE,
    HEADER_PRIVACY,
    HEADER_PROXY_AUTHENTICATE,
    HEADER_RACK,
    HEADER_RECV_INFO,
    HEADER_REFER_SUB,
    HEADER_REFER_TO,
    HEADER_REFERRED_BY,
    HEADER_REJECT_CONTACT,
    HEADER_REPLACES,
    HEADER_REPLY_TO,
    HEADER_REQUEST_DISPOSITION,
    HEADER_RESOURCE_PRIORITY,
    HEADER_RSEQ,
    HEADER_SECURITY_CLIENT,
    HEADER_SECURITY_SERVER,
    HEADER_SECURITY_VERIFY,
    HEADER_SERVER,
    HEADER_SERVICE_ROUTE,
    HEADER_SESSION_EXPIRES,
    HEADER_SIP_ETAG,
    HEADER_SIP_IF_MATCH,
    HEADER_SUBJECT,
    HEADER_SUBSCRIPTION_STATE,
    HEADER_TARGET_DIALOG,
    HEADER_UNSUPPORTED,
    HEADER_USER_AGENT,
    HEADER_USER_TO_USER,
    HEADER_WARNING,
    HEADER_WWW_AUTHENTICATE,
    HEADER_COUNT
};

// One header line (with its folded continuations). Comma-joined values are one entry here: address_next() and
// via_next() walk them.
struct header_field {
    struct span
        line; // from the first octet of the name to the last of the line end: what an edit removes whole
    struct span value; // without surrounding white space
    uint16_t kind;     // enum sip_header
};

// What is wrong, as negative values. The first fault found is returned; parsing goes on as far as it can, so
// that a 400 can be built from Via, From, To, Call-ID and CSeq if they are there.
enum message_fault {
    MESSAGE_FINE = 0,
    MESSAGE_NOT_SIP = -1,     // no request line and no status line
    MESSAGE_BAD_VERSION = -2, // SIP/ but not 2.0: 505
    MESSAGE_BAD_REQUEST_URI = -3,
    MESSAGE_BAD_HEADER_LINE = -4, // no colon, no token before it, control octets
    MESSAGE_TOO_MANY_HEADERS = -5,
    MESSAGE_NO_VIA = -6,
    MESSAGE_BAD_VIA = -7,
    MESSAGE_NO_CALL_ID = -8,
    MESSAGE_BAD_CALL_ID = -9, // also two different ones
    MESSAGE_NO_FROM = -10,
    MESSAGE_BAD_FROM = -11,
    MESSAGE_NO_TO = -12,
    MESSAGE_BAD_TO = -13,
    MESSAGE_NO_CSEQ = -14,
    MESSAGE_BAD_CSEQ = -15, // no number below 2^31, or its method is not the request's
    MESSAGE_BAD_MAX_FORWARDS = -16,
    MESSAGE_BAD_CONTENT_LENGTH = -17, // no number, or more than the datagram holds (RFC 3261 18.3)
    MESSAGE_CUT = -18,                // no empty line before the end
    MESSAGE_REPEATED_HEADER = -19,    // From, To, Call-ID, CSeq, Max-Forwards or Content-Length twice
    MESSAGE_TOO_LONG = -20            // over MESSAGE_SIZE_MAX
};

// The topmost Via (RFC 3261 20.42, 18.2.1; RFC 3581). Of a Via that is MESSAGE_BAD_VIA, what stands before
// the fault.
struct via {
    struct span whole;      // this one value, from the protocol to its last parameter
    struct span transport;  // UDP, ...
    struct span host;       // sent-by without port; an IPv6 reference keeps its brackets
    uint16_t port;          // sent-by port; 0 when not given
    bool has_rport;         // the rport parameter is there, with or without a value
    uint16_t rport_port;    // its value, 0 when it has none
    struct span rport;      // "rport" or "rport=5060", without the semicolon
    struct span received;   // value
    struct span branch;     // value, with its z9hG4bK
    struct span parameters; // all of them, from behind the first semicolon: see via_parameters_read()
};

struct message {
    const uint8_t *octets; // the caller's
    uint32_t length;       // octets of the datagram
    uint16_t start; // offset of the start line: line ends before it are no part of the message (RFC 3261 7.5)
    bool is_request;
    bool is_unfolded;   // no value holds a line end; false: one may
    uint8_t uri_scheme; // enum uri_scheme (uri.h) of the Request-URI, when that is no fault
    uint8_t
        method; // enum sip_method: the request's, or the CSeq's of a response; METHOD_OTHER without either
    uint16_t status; // 100 .. 699 of a response, 0 of a request
    struct span method_name;
    struct span request_uri;
    struct span reason;
    struct span call_id;  // value
    struct span from;     // whole value
    struct span from_tag; // length 0: none
    struct span to;
    struct span to_tag;
    struct span cseq; // whole value
    uint32_t cseq_number;
    uint8_t cseq_method;  // enum sip_method; METHOD_OTHER when there is no CSeq
    int16_t max_forwards; // -1: no such header (RFC 3261 16.3)
    uint16_t header_end;  // offset of the first octet behind the empty line
    struct span body;     // by Content-Length when given, else to the end of the datagram
    struct via via;       // topmost
    uint16_t header_count;
    // Indexes of the first and of the last header of a kind in headers, MESSAGE_NO_HEADER when absent.
    uint8_t first[HEADER_INDEXED_COUNT + 1];
    uint8_t last[HEADER_INDEXED_COUNT + 1];
    struct header_field headers[MESSAGE_HEADERS_MAX];
};
#define MESSAGE_NO_HEADER 0xffu

// Parses octets[0, length) into message, whatever they are. Returns MESSAGE_FINE or the first fault. message
// is always filled as far as parsing came: absent fields are zero. RFC 3261 sections 7 and 25.
int message_parse(const uint8_t *octets, uint32_t length, struct message *message);

// The Call-ID that message_parse() would find, without parsing: for steering. Returns true and sets call_id;
// false when message_parse() would find none. Agrees with message_parse() on every input (tests/fuzz proves
// it).
bool peek_call_id(const uint8_t *octets, uint32_t length, struct span *call_id);

// Whether the topmost Via has its line to itself, as most have; else more follows there. Of a message whose
// Via is no fault.
static inline bool message_via_is_alone(const struct message *message)
{
    return message->via.whole.length == message->headers[message->first[HEADER_VIA]].value.length;
}

// Index of the first header of a kind, whichever; MESSAGE_NO_HEADER when there is none.
uint8_t message_first_header(const struct message *message, unsigned kind);

// Next header of this kind after index `after` (message->first[kind] starts), MESSAGE_NO_HEADER when there is
// none.
uint8_t message_next_header(const struct message *message, uint8_t after);

static inline const uint8_t *message_at(const struct message *message, struct span span)
{
    return message->octets + span.offset;
}

#endif
