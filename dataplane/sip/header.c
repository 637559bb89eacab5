// SPDX-License-Identifier: BSD-3-Clause
// A name's length and its first, middle and last letter make a slot of a table without collisions: two names
// that share a slot do not compile (initializer override). One comparison with the name there decides. The
// factor was found by trial: the first that keeps all names apart in 9 bits.
#include "header.h"

// clang-format off
// Kind, name, its length, its first, middle (at length / 2) and last letter in lower case.
#define NAMES(X) \
    X(HEADER_VIA, "Via", 3, 'v', 'i', 'a') \
    X(HEADER_FROM, "From", 4, 'f', 'o', 'm') \
    X(HEADER_TO, "To", 2, 't', 'o', 'o') \
    X(HEADER_CALL_ID, "Call-ID", 7, 'c', 'l', 'd') \
    X(HEADER_CSEQ, "CSeq", 4, 'c', 'e', 'q') \
    X(HEADER_MAX_FORWARDS, "Max-Forwards", 12, 'm', 'r', 's') \
    X(HEADER_CONTACT, "Contact", 7, 'c', 't', 't') \
    X(HEADER_ROUTE, "Route", 5, 'r', 'u', 'e') \
    X(HEADER_RECORD_ROUTE, "Record-Route", 12, 'r', '-', 'e') \
    X(HEADER_CONTENT_LENGTH, "Content-Length", 14, 'c', '-', 'h') \
    X(HEADER_CONTENT_TYPE, "Content-Type", 12, 'c', 't', 'e') \
    X(HEADER_PROXY_REQUIRE, "Proxy-Require", 13, 'p', 'r', 'e') \
    X(HEADER_PROXY_AUTHORIZATION, "Proxy-Authorization", 19, 'p', 'h', 'n') \
    X(HEADER_REQUIRE, "Require", 7, 'r', 'u', 'e') \
    X(HEADER_SUPPORTED, "Supported", 9, 's', 'o', 'd') \
    X(HEADER_RETRY_AFTER, "Retry-After", 11, 'r', '-', 'r') \
    X(HEADER_REASON, "Reason", 6, 'r', 's', 'n') \
    X(HEADER_TIMESTAMP, "Timestamp", 9, 't', 's', 'p') \
    X(HEADER_ACCEPT, "Accept", 6, 'a', 'e', 't') \
    X(HEADER_ACCEPT_CONTACT, "Accept-Contact", 14, 'a', 'c', 't') \
    X(HEADER_ACCEPT_ENCODING, "Accept-Encoding", 15, 'a', 'e', 'g') \
    X(HEADER_ACCEPT_LANGUAGE, "Accept-Language", 15, 'a', 'l', 'e') \
    X(HEADER_ACCEPT_RESOURCE_PRIORITY, "Accept-Resource-Priority", 24, 'a', 'r', 'y') \
    X(HEADER_ALERT_INFO, "Alert-Info", 10, 'a', '-', 'o') \
    X(HEADER_ALLOW, "Allow", 5, 'a', 'l', 'w') \
    X(HEADER_ALLOW_EVENTS, "Allow-Events", 12, 'a', 'e', 's') \
    X(HEADER_ANSWER_MODE, "Answer-Mode", 11, 'a', 'r', 'e') \
    X(HEADER_AUTHENTICATION_INFO, "Authentication-Info", 19, 'a', 'a', 'o') \
    X(HEADER_AUTHORIZATION, "Authorization", 13, 'a', 'i', 'n') \
    X(HEADER_CALL_INFO, "Call-Info", 9, 'c', '-', 'o') \
    X(HEADER_CONTENT_DISPOSITION, "Content-Disposition", 19, 'c', 'i', 'n') \
    X(HEADER_CONTENT_ENCODING, "Content-Encoding", 16, 'c', 'e', 'g') \
    X(HEADER_CONTENT_LANGUAGE, "Content-Language", 16, 'c', 'l', 'e') \
    X(HEADER_DATE, "Date", 4, 'd', 't', 'e') \
    X(HEADER_ERROR_INFO, "Error-Info", 10, 'e', '-', 'o') \
    X(HEADER_EVENT, "Event", 5, 'e', 'e', 't') \
    X(HEADER_EXPIRES, "Expires", 7, 'e', 'i', 's') \
    X(HEADER_FLOW_TIMER, "Flow-Timer", 10, 'f', 't', 'r') \
    X(HEADER_GEOLOCATION, "Geolocation", 11, 'g', 'c', 'n') \
    X(HEADER_GEOLOCATION_ERROR, "Geolocation-Error", 17, 'g', 'i', 'r') \
    X(HEADER_GEOLOCATION_ROUTING, "Geolocation-Routing", 19, 'g', 'o', 'g') \
    X(HEADER_HISTORY_INFO, "History-Info", 12, 'h', 'y', 'o') \
    X(HEADER_IDENTITY, "Identity", 8, 'i', 't', 'y') \
    X(HEADER_IN_REPLY_TO, "In-Reply-To", 11, 'i', 'p', 'o') \
    X(HEADER_INFO_PACKAGE, "Info-Package", 12, 'i', 'a', 'e') \
    X(HEADER_JOIN, "Join", 4, 'j', 'i', 'n') \
    X(HEADER_MAX_BREADTH, "Max-Breadth", 11, 'm', 'r', 'h') \
    X(HEADER_MIME_VERSION, "MIME-Version", 12, 'm', 'e', 'n') \
    X(HEADER_MIN_EXPIRES, "Min-Expires", 11, 'm', 'x', 's') \
    X(HEADER_MIN_SE, "Min-SE", 6, 'm', '-', 'e') \
    X(HEADER_ORGANIZATION, "Organization", 12, 'o', 'z', 'n') \
    X(HEADER_P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", 21, 'p', 'e', 'o') \
    X(HEADER_P_ASSERTED_IDENTITY, "P-Asserted-Identity", 19, 'p', 'd', 'y') \
    X(HEADER_P_ASSERTED_SERVICE, "P-Asserted-Service", 18, 'p', 'd', 'e') \
    X(HEADER_P_ASSOCIATED_URI, "P-Associated-URI", 16, 'p', 'a', 'i') \
    X(HEADER_P_CALLED_PARTY_ID, "P-Called-Party-ID", 17, 'p', '-', 'd') \
    X(HEADER_P_CHARGING_FUNCTION_ADDRESSES, "P-Charging-Function-Addresses", 29, 'p', 'c', 's') \
    X(HEADER_P_CHARGING_VECTOR, "P-Charging-Vector", 17, 'p', 'n', 'r') \
    X(HEADER_P_EARLY_MEDIA, "P-Early-Media", 13, 'p', 'y', 'a') \
    X(HEADER_P_PREFERRED_IDENTITY, "P-Preferred-Identity", 20, 'p', 'd', 'y') \
    X(HEADER_P_PREFERRED_SERVICE, "P-Preferred-Service", 19, 'p', 'e', 'e') \
    X(HEADER_P_VISITED_NETWORK_ID, "P-Visited-Network-ID", 20, 'p', 'n', 'd') \
    X(HEADER_PATH, "Path", 4, 'p', 't', 'h') \
    X(HEADER_POLICY_CONTACT, "Policy-Contact", 14, 'p', 'c', 't') \
    X(HEADER_POLICY_ID, "Policy-ID", 9, 'p', 'c', 'd') \
    X(HEADER_PRIORITY, "Priority", 8, 'p', 'r', 'y') \
    X(HEADER_PRIV_ANSWER_MODE, "Priv-Answer-Mode", 16, 'p', 'w', 'e') \
    X(HEADER_PRIVACY, "Privacy", 7, 'p', 'v', 'y') \
    X(HEADER_PROXY_AUTHENTICATE, "Proxy-Authenticate", 18, 'p', 'h', 'e') \
    X(HEADER_RACK, "RAck", 4, 'r', 'c', 'k') \
    X(HEADER_RECV_INFO, "Recv-Info", 9, 'r', '-', 'o') \
    X(HEADER_REFER_SUB, "Refer-Sub", 9, 'r', 'r', 'b') \
    X(HEADER_REFER_TO, "Refer-To", 8, 'r', 'r', 'o') \
    X(HEADER_REFERRED_BY, "Referred-By", 11, 'r', 'r', 'y') \
    X(HEADER_REJECT_CONTACT, "Reject-Contact", 14, 'r', 'c', 't') \
    X(HEADER_REPLACES, "Replaces", 8, 'r', 'a', 's') \
    X(HEADER_REPLY_TO, "Reply-To", 8, 'r', 'y', 'o') \
    X(HEADER_REQUEST_DISPOSITION, "Request-Disposition", 19, 'r', 'i', 'n') \
    X(HEADER_RESOURCE_PRIORITY, "Resource-Priority", 17, 'r', '-', 'y') \
    X(HEADER_RSEQ, "RSeq", 4, 'r', 'e', 'q') \
    X(HEADER_SECURITY_CLIENT, "Security-Client", 15, 's', 'y', 't') \
    X(HEADER_SECURITY_SERVER, "Security-Server", 15, 's', 'y', 'r') \
    X(HEADER_SECURITY_VERIFY, "Security-Verify", 15, 's', 'y', 'y') \
    X(HEADER_SERVER, "Server", 6, 's', 'v', 'r') \
    X(HEADER_SERVICE_ROUTE, "Service-Route", 13, 's', 'e', 'e') \
    X(HEADER_SESSION_EXPIRES, "Session-Expires", 15, 's', '-', 's') \
    X(HEADER_SIP_ETAG, "SIP-ETag", 8, 's', 'e', 'g') \
    X(HEADER_SIP_IF_MATCH, "SIP-If-Match", 12, 's', '-', 'h') \
    X(HEADER_SUBJECT, "Subject", 7, 's', 'j', 't') \
    X(HEADER_SUBSCRIPTION_STATE, "Subscription-State", 18, 's', 'i', 'e') \
    X(HEADER_TARGET_DIALOG, "Target-Dialog", 13, 't', '-', 'g') \
    X(HEADER_UNSUPPORTED, "Unsupported", 11, 'u', 'p', 'd') \
    X(HEADER_USER_AGENT, "User-Agent", 10, 'u', 'a', 't') \
    X(HEADER_USER_TO_USER, "User-to-User", 12, 'u', 'o', 'r') \
    X(HEADER_WARNING, "Warning", 7, 'w', 'n', 'g') \
    X(HEADER_WWW_AUTHENTICATE, "WWW-Authenticate", 16, 'w', 'e', 'e')
// clang-format on

#define NAME_ROW(kind, name, length, first, middle, last) [kind] = name,
static const char *const names[HEADER_COUNT] = {NAMES(NAME_ROW)};

// Octets of a name in lower case, as words that hold the first one lowest; what is behind the name is zero.
#define OCTET(name, place)                                                                                   \
    ((place) < sizeof(name) - 1 ? (uint64_t)((name)[(place) < sizeof(name) ? (place) : 0] | 0x20) : 0)
#define WORD(name, place)                                                                                    \
    (OCTET(name, place) | OCTET(name, (place) + 1) << 8 | OCTET(name, (place) + 2) << 16 |                   \
     OCTET(name, (place) + 3) << 24 | OCTET(name, (place) + 4) << 32 | OCTET(name, (place) + 5) << 40 |      \
     OCTET(name, (place) + 6) << 48 | OCTET(name, (place) + 7) << 56)
#define IN_WORDS(kind, name, length, first, middle, last)                                                    \
    [kind] = {length, {WORD(name, 0), WORD(name, 8), WORD(name, 16), WORD(name, 24)}},
const struct header_row header_rows[HEADER_COUNT] = {NAMES(IN_WORDS)};

#define SLOT_ROW(kind, name, length, first, middle, last) [HEADER_SLOT(length, first, middle, last)] = kind,
const uint8_t header_slots[1u << HEADER_SLOT_BITS] = {NAMES(SLOT_ROW)};

// RFC 3261 7.3.3 and 20; the letters of later RFCs are in IANA's registry of header fields.
static const uint8_t compact[26] = {
    ['a' - 'a'] = HEADER_ACCEPT_CONTACT,
    ['b' - 'a'] = HEADER_REFERRED_BY,
    ['c' - 'a'] = HEADER_CONTENT_TYPE,
    ['d' - 'a'] = HEADER_REQUEST_DISPOSITION,
    ['e' - 'a'] = HEADER_CONTENT_ENCODING,
    ['f' - 'a'] = HEADER_FROM,
    ['i' - 'a'] = HEADER_CALL_ID,
    ['j' - 'a'] = HEADER_REJECT_CONTACT,
    ['k' - 'a'] = HEADER_SUPPORTED,
    ['l' - 'a'] = HEADER_CONTENT_LENGTH,
    ['m' - 'a'] = HEADER_CONTACT,
    ['o' - 'a'] = HEADER_EVENT,
    ['r' - 'a'] = HEADER_REFER_TO,
    ['s' - 'a'] = HEADER_SUBJECT,
    ['t' - 'a'] = HEADER_TO,
    ['u' - 'a'] = HEADER_ALLOW_EVENTS,
    ['v' - 'a'] = HEADER_VIA,
    ['x' - 'a'] = HEADER_SESSION_EXPIRES,
    ['y' - 'a'] = HEADER_IDENTITY,
};

enum sip_header header_compact(uint8_t letter)
{
    letter |= 0x20;
    return letter >= 'a' && letter <= 'z' ? (enum sip_header)compact[letter - 'a'] : HEADER_OTHER;
}

enum sip_header header_find(const uint8_t *name, size_t length)
{
    uint8_t copy[HEADER_NAME_MAX] = {0};
    if (length == 0 || length > HEADER_NAME_MAX)
        return HEADER_OTHER;
    for (size_t i = 0; i < length; i++) {
        if (!scan_is(name[i], SCAN_HOST))
            return HEADER_OTHER;
        copy[i] = name[i];
    }
    return header_find_word(copy, length);
}

const char *header_text(unsigned kind)
{
    return kind < HEADER_COUNT && kind != HEADER_OTHER ? names[kind] : "";
}

struct method_name {
    uint8_t length;
    char text[11];
};

static const struct method_name methods[METHOD_OTHER] = {
    [METHOD_INVITE] = {6, "INVITE"},   [METHOD_ACK] = {3, "ACK"},
    [METHOD_BYE] = {3, "BYE"},         [METHOD_CANCEL] = {6, "CANCEL"},
    [METHOD_OPTIONS] = {7, "OPTIONS"}, [METHOD_REGISTER] = {8, "REGISTER"},
    [METHOD_PRACK] = {5, "PRACK"},     [METHOD_SUBSCRIBE] = {9, "SUBSCRIBE"},
    [METHOD_NOTIFY] = {6, "NOTIFY"},   [METHOD_PUBLISH] = {7, "PUBLISH"},
    [METHOD_INFO] = {4, "INFO"},       [METHOD_REFER] = {5, "REFER"},
    [METHOD_MESSAGE] = {7, "MESSAGE"}, [METHOD_UPDATE] = {6, "UPDATE"},
};

enum sip_method method_find(const uint8_t *name, size_t length)
{
    if (length == 0)
        return METHOD_OTHER;
    for (unsigned i = 0; i < METHOD_OTHER; i++)
        if (length == methods[i].length && name[0] == (uint8_t)methods[i].text[0] &&
            memcmp(name, methods[i].text, length) == 0)
            return (enum sip_method)i;
    return METHOD_OTHER;
}

const char *method_text(unsigned method)
{
    return method < METHOD_OTHER ? methods[method].text : "OTHER";
}
