// SPDX-License-Identifier: BSD-3-Clause
// The first 8 octets of a name, its last one and its length make a slot of a table without collisions: two
// names that share a slot do not compile (initializer override). One comparison with the name there decides.
// The factor was found by trial: the first that keeps all names apart in 9 bits.
#include "header.h"

// clang-format off
// Kind, name, its length, its first 8 letters and its last one in lower case.
#define NAMES(X) \
    X(HEADER_VIA, "Via", 3, 'v', 'i', 'a', 0, 0, 0, 0, 0, 'a') \
    X(HEADER_FROM, "From", 4, 'f', 'r', 'o', 'm', 0, 0, 0, 0, 'm') \
    X(HEADER_TO, "To", 2, 't', 'o', 0, 0, 0, 0, 0, 0, 'o') \
    X(HEADER_CALL_ID, "Call-ID", 7, 'c', 'a', 'l', 'l', '-', 'i', 'd', 0, 'd') \
    X(HEADER_CSEQ, "CSeq", 4, 'c', 's', 'e', 'q', 0, 0, 0, 0, 'q') \
    X(HEADER_MAX_FORWARDS, "Max-Forwards", 12, 'm', 'a', 'x', '-', 'f', 'o', 'r', 'w', 's') \
    X(HEADER_CONTACT, "Contact", 7, 'c', 'o', 'n', 't', 'a', 'c', 't', 0, 't') \
    X(HEADER_ROUTE, "Route", 5, 'r', 'o', 'u', 't', 'e', 0, 0, 0, 'e') \
    X(HEADER_RECORD_ROUTE, "Record-Route", 12, 'r', 'e', 'c', 'o', 'r', 'd', '-', 'r', 'e') \
    X(HEADER_CONTENT_LENGTH, "Content-Length", 14, 'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'h') \
    X(HEADER_CONTENT_TYPE, "Content-Type", 12, 'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'e') \
    X(HEADER_PROXY_REQUIRE, "Proxy-Require", 13, 'p', 'r', 'o', 'x', 'y', '-', 'r', 'e', 'e') \
    X(HEADER_PROXY_AUTHORIZATION, "Proxy-Authorization", 19, 'p', 'r', 'o', 'x', 'y', '-', 'a', 'u', 'n') \
    X(HEADER_REQUIRE, "Require", 7, 'r', 'e', 'q', 'u', 'i', 'r', 'e', 0, 'e') \
    X(HEADER_SUPPORTED, "Supported", 9, 's', 'u', 'p', 'p', 'o', 'r', 't', 'e', 'd') \
    X(HEADER_RETRY_AFTER, "Retry-After", 11, 'r', 'e', 't', 'r', 'y', '-', 'a', 'f', 'r') \
    X(HEADER_REASON, "Reason", 6, 'r', 'e', 'a', 's', 'o', 'n', 0, 0, 'n') \
    X(HEADER_TIMESTAMP, "Timestamp", 9, 't', 'i', 'm', 'e', 's', 't', 'a', 'm', 'p') \
    X(HEADER_ACCEPT, "Accept", 6, 'a', 'c', 'c', 'e', 'p', 't', 0, 0, 't') \
    X(HEADER_ACCEPT_CONTACT, "Accept-Contact", 14, 'a', 'c', 'c', 'e', 'p', 't', '-', 'c', 't') \
    X(HEADER_ACCEPT_ENCODING, "Accept-Encoding", 15, 'a', 'c', 'c', 'e', 'p', 't', '-', 'e', 'g') \
    X(HEADER_ACCEPT_LANGUAGE, "Accept-Language", 15, 'a', 'c', 'c', 'e', 'p', 't', '-', 'l', 'e') \
    X(HEADER_ACCEPT_RESOURCE_PRIORITY, "Accept-Resource-Priority", 24, 'a', 'c', 'c', 'e', 'p', 't', '-', 'r', 'y') \
    X(HEADER_ALERT_INFO, "Alert-Info", 10, 'a', 'l', 'e', 'r', 't', '-', 'i', 'n', 'o') \
    X(HEADER_ALLOW, "Allow", 5, 'a', 'l', 'l', 'o', 'w', 0, 0, 0, 'w') \
    X(HEADER_ALLOW_EVENTS, "Allow-Events", 12, 'a', 'l', 'l', 'o', 'w', '-', 'e', 'v', 's') \
    X(HEADER_ANSWER_MODE, "Answer-Mode", 11, 'a', 'n', 's', 'w', 'e', 'r', '-', 'm', 'e') \
    X(HEADER_AUTHENTICATION_INFO, "Authentication-Info", 19, 'a', 'u', 't', 'h', 'e', 'n', 't', 'i', 'o') \
    X(HEADER_AUTHORIZATION, "Authorization", 13, 'a', 'u', 't', 'h', 'o', 'r', 'i', 'z', 'n') \
    X(HEADER_CALL_INFO, "Call-Info", 9, 'c', 'a', 'l', 'l', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_CONTENT_DISPOSITION, "Content-Disposition", 19, 'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'n') \
    X(HEADER_CONTENT_ENCODING, "Content-Encoding", 16, 'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'g') \
    X(HEADER_CONTENT_LANGUAGE, "Content-Language", 16, 'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'e') \
    X(HEADER_DATE, "Date", 4, 'd', 'a', 't', 'e', 0, 0, 0, 0, 'e') \
    X(HEADER_ERROR_INFO, "Error-Info", 10, 'e', 'r', 'r', 'o', 'r', '-', 'i', 'n', 'o') \
    X(HEADER_EVENT, "Event", 5, 'e', 'v', 'e', 'n', 't', 0, 0, 0, 't') \
    X(HEADER_EXPIRES, "Expires", 7, 'e', 'x', 'p', 'i', 'r', 'e', 's', 0, 's') \
    X(HEADER_FLOW_TIMER, "Flow-Timer", 10, 'f', 'l', 'o', 'w', '-', 't', 'i', 'm', 'r') \
    X(HEADER_GEOLOCATION, "Geolocation", 11, 'g', 'e', 'o', 'l', 'o', 'c', 'a', 't', 'n') \
    X(HEADER_GEOLOCATION_ERROR, "Geolocation-Error", 17, 'g', 'e', 'o', 'l', 'o', 'c', 'a', 't', 'r') \
    X(HEADER_GEOLOCATION_ROUTING, "Geolocation-Routing", 19, 'g', 'e', 'o', 'l', 'o', 'c', 'a', 't', 'g') \
    X(HEADER_HISTORY_INFO, "History-Info", 12, 'h', 'i', 's', 't', 'o', 'r', 'y', '-', 'o') \
    X(HEADER_IDENTITY, "Identity", 8, 'i', 'd', 'e', 'n', 't', 'i', 't', 'y', 'y') \
    X(HEADER_IN_REPLY_TO, "In-Reply-To", 11, 'i', 'n', '-', 'r', 'e', 'p', 'l', 'y', 'o') \
    X(HEADER_INFO_PACKAGE, "Info-Package", 12, 'i', 'n', 'f', 'o', '-', 'p', 'a', 'c', 'e') \
    X(HEADER_JOIN, "Join", 4, 'j', 'o', 'i', 'n', 0, 0, 0, 0, 'n') \
    X(HEADER_MAX_BREADTH, "Max-Breadth", 11, 'm', 'a', 'x', '-', 'b', 'r', 'e', 'a', 'h') \
    X(HEADER_MIME_VERSION, "MIME-Version", 12, 'm', 'i', 'm', 'e', '-', 'v', 'e', 'r', 'n') \
    X(HEADER_MIN_EXPIRES, "Min-Expires", 11, 'm', 'i', 'n', '-', 'e', 'x', 'p', 'i', 's') \
    X(HEADER_MIN_SE, "Min-SE", 6, 'm', 'i', 'n', '-', 's', 'e', 0, 0, 'e') \
    X(HEADER_ORGANIZATION, "Organization", 12, 'o', 'r', 'g', 'a', 'n', 'i', 'z', 'a', 'n') \
    X(HEADER_P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", 21, 'p', '-', 'a', 'c', 'c', 'e', 's', 's', 'o') \
    X(HEADER_P_ASSERTED_IDENTITY, "P-Asserted-Identity", 19, 'p', '-', 'a', 's', 's', 'e', 'r', 't', 'y') \
    X(HEADER_P_ASSERTED_SERVICE, "P-Asserted-Service", 18, 'p', '-', 'a', 's', 's', 'e', 'r', 't', 'e') \
    X(HEADER_P_ASSOCIATED_URI, "P-Associated-URI", 16, 'p', '-', 'a', 's', 's', 'o', 'c', 'i', 'i') \
    X(HEADER_P_CALLED_PARTY_ID, "P-Called-Party-ID", 17, 'p', '-', 'c', 'a', 'l', 'l', 'e', 'd', 'd') \
    X(HEADER_P_CHARGING_FUNCTION_ADDRESSES, "P-Charging-Function-Addresses", 29, 'p', '-', 'c', 'h', 'a', 'r', 'g', 'i', 's') \
    X(HEADER_P_CHARGING_VECTOR, "P-Charging-Vector", 17, 'p', '-', 'c', 'h', 'a', 'r', 'g', 'i', 'r') \
    X(HEADER_P_EARLY_MEDIA, "P-Early-Media", 13, 'p', '-', 'e', 'a', 'r', 'l', 'y', '-', 'a') \
    X(HEADER_P_PREFERRED_IDENTITY, "P-Preferred-Identity", 20, 'p', '-', 'p', 'r', 'e', 'f', 'e', 'r', 'y') \
    X(HEADER_P_PREFERRED_SERVICE, "P-Preferred-Service", 19, 'p', '-', 'p', 'r', 'e', 'f', 'e', 'r', 'e') \
    X(HEADER_P_VISITED_NETWORK_ID, "P-Visited-Network-ID", 20, 'p', '-', 'v', 'i', 's', 'i', 't', 'e', 'd') \
    X(HEADER_PATH, "Path", 4, 'p', 'a', 't', 'h', 0, 0, 0, 0, 'h') \
    X(HEADER_POLICY_CONTACT, "Policy-Contact", 14, 'p', 'o', 'l', 'i', 'c', 'y', '-', 'c', 't') \
    X(HEADER_POLICY_ID, "Policy-ID", 9, 'p', 'o', 'l', 'i', 'c', 'y', '-', 'i', 'd') \
    X(HEADER_PRIORITY, "Priority", 8, 'p', 'r', 'i', 'o', 'r', 'i', 't', 'y', 'y') \
    X(HEADER_PRIV_ANSWER_MODE, "Priv-Answer-Mode", 16, 'p', 'r', 'i', 'v', '-', 'a', 'n', 's', 'e') \
    X(HEADER_PRIVACY, "Privacy", 7, 'p', 'r', 'i', 'v', 'a', 'c', 'y', 0, 'y') \
    X(HEADER_PROXY_AUTHENTICATE, "Proxy-Authenticate", 18, 'p', 'r', 'o', 'x', 'y', '-', 'a', 'u', 'e') \
    X(HEADER_RACK, "RAck", 4, 'r', 'a', 'c', 'k', 0, 0, 0, 0, 'k') \
    X(HEADER_RECV_INFO, "Recv-Info", 9, 'r', 'e', 'c', 'v', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_REFER_SUB, "Refer-Sub", 9, 'r', 'e', 'f', 'e', 'r', '-', 's', 'u', 'b') \
    X(HEADER_REFER_TO, "Refer-To", 8, 'r', 'e', 'f', 'e', 'r', '-', 't', 'o', 'o') \
    X(HEADER_REFERRED_BY, "Referred-By", 11, 'r', 'e', 'f', 'e', 'r', 'r', 'e', 'd', 'y') \
    X(HEADER_REJECT_CONTACT, "Reject-Contact", 14, 'r', 'e', 'j', 'e', 'c', 't', '-', 'c', 't') \
    X(HEADER_REPLACES, "Replaces", 8, 'r', 'e', 'p', 'l', 'a', 'c', 'e', 's', 's') \
    X(HEADER_REPLY_TO, "Reply-To", 8, 'r', 'e', 'p', 'l', 'y', '-', 't', 'o', 'o') \
    X(HEADER_REQUEST_DISPOSITION, "Request-Disposition", 19, 'r', 'e', 'q', 'u', 'e', 's', 't', '-', 'n') \
    X(HEADER_RESOURCE_PRIORITY, "Resource-Priority", 17, 'r', 'e', 's', 'o', 'u', 'r', 'c', 'e', 'y') \
    X(HEADER_RSEQ, "RSeq", 4, 'r', 's', 'e', 'q', 0, 0, 0, 0, 'q') \
    X(HEADER_SECURITY_CLIENT, "Security-Client", 15, 's', 'e', 'c', 'u', 'r', 'i', 't', 'y', 't') \
    X(HEADER_SECURITY_SERVER, "Security-Server", 15, 's', 'e', 'c', 'u', 'r', 'i', 't', 'y', 'r') \
    X(HEADER_SECURITY_VERIFY, "Security-Verify", 15, 's', 'e', 'c', 'u', 'r', 'i', 't', 'y', 'y') \
    X(HEADER_SERVER, "Server", 6, 's', 'e', 'r', 'v', 'e', 'r', 0, 0, 'r') \
    X(HEADER_SERVICE_ROUTE, "Service-Route", 13, 's', 'e', 'r', 'v', 'i', 'c', 'e', '-', 'e') \
    X(HEADER_SESSION_EXPIRES, "Session-Expires", 15, 's', 'e', 's', 's', 'i', 'o', 'n', '-', 's') \
    X(HEADER_SIP_ETAG, "SIP-ETag", 8, 's', 'i', 'p', '-', 'e', 't', 'a', 'g', 'g') \
    X(HEADER_SIP_IF_MATCH, "SIP-If-Match", 12, 's', 'i', 'p', '-', 'i', 'f', '-', 'm', 'h') \
    X(HEADER_SUBJECT, "Subject", 7, 's', 'u', 'b', 'j', 'e', 'c', 't', 0, 't') \
    X(HEADER_SUBSCRIPTION_STATE, "Subscription-State", 18, 's', 'u', 'b', 's', 'c', 'r', 'i', 'p', 'e') \
    X(HEADER_TARGET_DIALOG, "Target-Dialog", 13, 't', 'a', 'r', 'g', 'e', 't', '-', 'd', 'g') \
    X(HEADER_UNSUPPORTED, "Unsupported", 11, 'u', 'n', 's', 'u', 'p', 'p', 'o', 'r', 'd') \
    X(HEADER_USER_AGENT, "User-Agent", 10, 'u', 's', 'e', 'r', '-', 'a', 'g', 'e', 't') \
    X(HEADER_USER_TO_USER, "User-to-User", 12, 'u', 's', 'e', 'r', '-', 't', 'o', '-', 'r') \
    X(HEADER_WARNING, "Warning", 7, 'w', 'a', 'r', 'n', 'i', 'n', 'g', 0, 'g') \
    X(HEADER_WWW_AUTHENTICATE, "WWW-Authenticate", 16, 'w', 'w', 'w', '-', 'a', 'u', 't', 'h', 'e')
// clang-format on

#define NAME_ROW(kind, name, length, a, b, c, d, e, f, g, h, last) [kind] = name,
static const char *const names[HEADER_COUNT] = {NAMES(NAME_ROW)};

// An octet of a name in lower case; behind the name, zero.
#define OCTET(name, place)                                                                                   \
    ((place) < sizeof(name) - 1 ? (uint8_t)((name)[(place) < sizeof(name) ? (place) : 0] | 0x20) : 0)
#define OCTETS(name, place)                                                                                  \
    OCTET(name, place), OCTET(name, (place) + 1), OCTET(name, (place) + 2), OCTET(name, (place) + 3),        \
        OCTET(name, (place) + 4), OCTET(name, (place) + 5), OCTET(name, (place) + 6),                        \
        OCTET(name, (place) + 7)
#define LOOK_ROW(kind, name, length, a, b, c, d, e, f, g, h, last)                                           \
    [kind] = {length,                                                                                        \
              HEADER_KEY(a, b, c, d, e, f, g, h, length),                                                    \
              {OCTETS(name, 0), OCTETS(name, 8), OCTETS(name, 16), OCTETS(name, 24)}},
// NOLINTNEXTLINE(bugprone-sizeof-expression): lengths of texts that the compiler knows
const struct header_row header_rows[HEADER_COUNT] = {NAMES(LOOK_ROW)};

#define SLOT_ROW(kind, name, length, a, b, c, d, e, f, g, h, last)                                           \
    [HEADER_SLOT(HEADER_KEY(a, b, c, d, e, f, g, h, length), last, length)] = kind,
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
