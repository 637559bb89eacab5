// SPDX-License-Identifier: BSD-3-Clause
// The last 8 octets of a name, its first one and its length make a slot of a table without collisions: two
// names that share a slot do not compile (initializer override). One comparison with the name there decides,
// and for most names that is one word. The factor was found by trial: it keeps all names apart in 9 bits.
#include "header.h"

// clang-format off
// Kind, name, its length, its first letter and its last 8 in lower case.
#define NAMES(X) \
    X(HEADER_VIA, "Via", 3, 'v', 0, 0, 0, 0, 0, 'v', 'i', 'a') \
    X(HEADER_FROM, "From", 4, 'f', 0, 0, 0, 0, 'f', 'r', 'o', 'm') \
    X(HEADER_TO, "To", 2, 't', 0, 0, 0, 0, 0, 0, 't', 'o') \
    X(HEADER_CALL_ID, "Call-ID", 7, 'c', 0, 'c', 'a', 'l', 'l', '-', 'i', 'd') \
    X(HEADER_CSEQ, "CSeq", 4, 'c', 0, 0, 0, 0, 'c', 's', 'e', 'q') \
    X(HEADER_MAX_FORWARDS, "Max-Forwards", 12, 'm', 'f', 'o', 'r', 'w', 'a', 'r', 'd', 's') \
    X(HEADER_CONTACT, "Contact", 7, 'c', 0, 'c', 'o', 'n', 't', 'a', 'c', 't') \
    X(HEADER_ROUTE, "Route", 5, 'r', 0, 0, 0, 'r', 'o', 'u', 't', 'e') \
    X(HEADER_RECORD_ROUTE, "Record-Route", 12, 'r', 'r', 'd', '-', 'r', 'o', 'u', 't', 'e') \
    X(HEADER_CONTENT_LENGTH, "Content-Length", 14, 'c', 't', '-', 'l', 'e', 'n', 'g', 't', 'h') \
    X(HEADER_CONTENT_TYPE, "Content-Type", 12, 'c', 'e', 'n', 't', '-', 't', 'y', 'p', 'e') \
    X(HEADER_PROXY_REQUIRE, "Proxy-Require", 13, 'p', '-', 'r', 'e', 'q', 'u', 'i', 'r', 'e') \
    X(HEADER_PROXY_AUTHORIZATION, "Proxy-Authorization", 19, 'p', 'r', 'i', 'z', 'a', 't', 'i', 'o', 'n') \
    X(HEADER_REQUIRE, "Require", 7, 'r', 0, 'r', 'e', 'q', 'u', 'i', 'r', 'e') \
    X(HEADER_SUPPORTED, "Supported", 9, 's', 'u', 'p', 'p', 'o', 'r', 't', 'e', 'd') \
    X(HEADER_RETRY_AFTER, "Retry-After", 11, 'r', 'r', 'y', '-', 'a', 'f', 't', 'e', 'r') \
    X(HEADER_REASON, "Reason", 6, 'r', 0, 0, 'r', 'e', 'a', 's', 'o', 'n') \
    X(HEADER_TIMESTAMP, "Timestamp", 9, 't', 'i', 'm', 'e', 's', 't', 'a', 'm', 'p') \
    X(HEADER_ACCEPT, "Accept", 6, 'a', 0, 0, 'a', 'c', 'c', 'e', 'p', 't') \
    X(HEADER_ACCEPT_CONTACT, "Accept-Contact", 14, 'a', '-', 'c', 'o', 'n', 't', 'a', 'c', 't') \
    X(HEADER_ACCEPT_ENCODING, "Accept-Encoding", 15, 'a', 'e', 'n', 'c', 'o', 'd', 'i', 'n', 'g') \
    X(HEADER_ACCEPT_LANGUAGE, "Accept-Language", 15, 'a', 'l', 'a', 'n', 'g', 'u', 'a', 'g', 'e') \
    X(HEADER_ACCEPT_RESOURCE_PRIORITY, "Accept-Resource-Priority", 24, 'a', 'p', 'r', 'i', 'o', 'r', 'i', 't', 'y') \
    X(HEADER_ALERT_INFO, "Alert-Info", 10, 'a', 'e', 'r', 't', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_ALLOW, "Allow", 5, 'a', 0, 0, 0, 'a', 'l', 'l', 'o', 'w') \
    X(HEADER_ALLOW_EVENTS, "Allow-Events", 12, 'a', 'w', '-', 'e', 'v', 'e', 'n', 't', 's') \
    X(HEADER_ANSWER_MODE, "Answer-Mode", 11, 'a', 'w', 'e', 'r', '-', 'm', 'o', 'd', 'e') \
    X(HEADER_AUTHENTICATION_INFO, "Authentication-Info", 19, 'a', 'i', 'o', 'n', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_AUTHORIZATION, "Authorization", 13, 'a', 'r', 'i', 'z', 'a', 't', 'i', 'o', 'n') \
    X(HEADER_CALL_INFO, "Call-Info", 9, 'c', 'a', 'l', 'l', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_CONTENT_DISPOSITION, "Content-Disposition", 19, 'c', 'p', 'o', 's', 'i', 't', 'i', 'o', 'n') \
    X(HEADER_CONTENT_ENCODING, "Content-Encoding", 16, 'c', 'e', 'n', 'c', 'o', 'd', 'i', 'n', 'g') \
    X(HEADER_CONTENT_LANGUAGE, "Content-Language", 16, 'c', 'l', 'a', 'n', 'g', 'u', 'a', 'g', 'e') \
    X(HEADER_DATE, "Date", 4, 'd', 0, 0, 0, 0, 'd', 'a', 't', 'e') \
    X(HEADER_ERROR_INFO, "Error-Info", 10, 'e', 'r', 'o', 'r', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_EVENT, "Event", 5, 'e', 0, 0, 0, 'e', 'v', 'e', 'n', 't') \
    X(HEADER_EXPIRES, "Expires", 7, 'e', 0, 'e', 'x', 'p', 'i', 'r', 'e', 's') \
    X(HEADER_FLOW_TIMER, "Flow-Timer", 10, 'f', 'o', 'w', '-', 't', 'i', 'm', 'e', 'r') \
    X(HEADER_GEOLOCATION, "Geolocation", 11, 'g', 'l', 'o', 'c', 'a', 't', 'i', 'o', 'n') \
    X(HEADER_GEOLOCATION_ERROR, "Geolocation-Error", 17, 'g', 'o', 'n', '-', 'e', 'r', 'r', 'o', 'r') \
    X(HEADER_GEOLOCATION_ROUTING, "Geolocation-Routing", 19, 'g', '-', 'r', 'o', 'u', 't', 'i', 'n', 'g') \
    X(HEADER_HISTORY_INFO, "History-Info", 12, 'h', 'o', 'r', 'y', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_IDENTITY, "Identity", 8, 'i', 'i', 'd', 'e', 'n', 't', 'i', 't', 'y') \
    X(HEADER_IN_REPLY_TO, "In-Reply-To", 11, 'i', 'r', 'e', 'p', 'l', 'y', '-', 't', 'o') \
    X(HEADER_INFO_PACKAGE, "Info-Package", 12, 'i', '-', 'p', 'a', 'c', 'k', 'a', 'g', 'e') \
    X(HEADER_JOIN, "Join", 4, 'j', 0, 0, 0, 0, 'j', 'o', 'i', 'n') \
    X(HEADER_MAX_BREADTH, "Max-Breadth", 11, 'm', '-', 'b', 'r', 'e', 'a', 'd', 't', 'h') \
    X(HEADER_MIME_VERSION, "MIME-Version", 12, 'm', '-', 'v', 'e', 'r', 's', 'i', 'o', 'n') \
    X(HEADER_MIN_EXPIRES, "Min-Expires", 11, 'm', '-', 'e', 'x', 'p', 'i', 'r', 'e', 's') \
    X(HEADER_MIN_SE, "Min-SE", 6, 'm', 0, 0, 'm', 'i', 'n', '-', 's', 'e') \
    X(HEADER_ORGANIZATION, "Organization", 12, 'o', 'n', 'i', 'z', 'a', 't', 'i', 'o', 'n') \
    X(HEADER_P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", 21, 'p', 'o', 'r', 'k', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_P_ASSERTED_IDENTITY, "P-Asserted-Identity", 19, 'p', 'i', 'd', 'e', 'n', 't', 'i', 't', 'y') \
    X(HEADER_P_ASSERTED_SERVICE, "P-Asserted-Service", 18, 'p', '-', 's', 'e', 'r', 'v', 'i', 'c', 'e') \
    X(HEADER_P_ASSOCIATED_URI, "P-Associated-URI", 16, 'p', 'a', 't', 'e', 'd', '-', 'u', 'r', 'i') \
    X(HEADER_P_CALLED_PARTY_ID, "P-Called-Party-ID", 17, 'p', 'p', 'a', 'r', 't', 'y', '-', 'i', 'd') \
    X(HEADER_P_CHARGING_FUNCTION_ADDRESSES, "P-Charging-Function-Addresses", 29, 'p', 'd', 'd', 'r', 'e', 's', 's', 'e', 's') \
    X(HEADER_P_CHARGING_VECTOR, "P-Charging-Vector", 17, 'p', 'g', '-', 'v', 'e', 'c', 't', 'o', 'r') \
    X(HEADER_P_EARLY_MEDIA, "P-Early-Media", 13, 'p', 'l', 'y', '-', 'm', 'e', 'd', 'i', 'a') \
    X(HEADER_P_PREFERRED_IDENTITY, "P-Preferred-Identity", 20, 'p', 'i', 'd', 'e', 'n', 't', 'i', 't', 'y') \
    X(HEADER_P_PREFERRED_SERVICE, "P-Preferred-Service", 19, 'p', '-', 's', 'e', 'r', 'v', 'i', 'c', 'e') \
    X(HEADER_P_VISITED_NETWORK_ID, "P-Visited-Network-ID", 20, 'p', 't', 'w', 'o', 'r', 'k', '-', 'i', 'd') \
    X(HEADER_PATH, "Path", 4, 'p', 0, 0, 0, 0, 'p', 'a', 't', 'h') \
    X(HEADER_POLICY_CONTACT, "Policy-Contact", 14, 'p', '-', 'c', 'o', 'n', 't', 'a', 'c', 't') \
    X(HEADER_POLICY_ID, "Policy-ID", 9, 'p', 'o', 'l', 'i', 'c', 'y', '-', 'i', 'd') \
    X(HEADER_PRIORITY, "Priority", 8, 'p', 'p', 'r', 'i', 'o', 'r', 'i', 't', 'y') \
    X(HEADER_PRIV_ANSWER_MODE, "Priv-Answer-Mode", 16, 'p', 'w', 'e', 'r', '-', 'm', 'o', 'd', 'e') \
    X(HEADER_PRIVACY, "Privacy", 7, 'p', 0, 'p', 'r', 'i', 'v', 'a', 'c', 'y') \
    X(HEADER_PROXY_AUTHENTICATE, "Proxy-Authenticate", 18, 'p', 'e', 'n', 't', 'i', 'c', 'a', 't', 'e') \
    X(HEADER_RACK, "RAck", 4, 'r', 0, 0, 0, 0, 'r', 'a', 'c', 'k') \
    X(HEADER_RECV_INFO, "Recv-Info", 9, 'r', 'e', 'c', 'v', '-', 'i', 'n', 'f', 'o') \
    X(HEADER_REFER_SUB, "Refer-Sub", 9, 'r', 'e', 'f', 'e', 'r', '-', 's', 'u', 'b') \
    X(HEADER_REFER_TO, "Refer-To", 8, 'r', 'r', 'e', 'f', 'e', 'r', '-', 't', 'o') \
    X(HEADER_REFERRED_BY, "Referred-By", 11, 'r', 'e', 'r', 'r', 'e', 'd', '-', 'b', 'y') \
    X(HEADER_REJECT_CONTACT, "Reject-Contact", 14, 'r', '-', 'c', 'o', 'n', 't', 'a', 'c', 't') \
    X(HEADER_REPLACES, "Replaces", 8, 'r', 'r', 'e', 'p', 'l', 'a', 'c', 'e', 's') \
    X(HEADER_REPLY_TO, "Reply-To", 8, 'r', 'r', 'e', 'p', 'l', 'y', '-', 't', 'o') \
    X(HEADER_REQUEST_DISPOSITION, "Request-Disposition", 19, 'r', 'p', 'o', 's', 'i', 't', 'i', 'o', 'n') \
    X(HEADER_RESOURCE_PRIORITY, "Resource-Priority", 17, 'r', 'p', 'r', 'i', 'o', 'r', 'i', 't', 'y') \
    X(HEADER_RSEQ, "RSeq", 4, 'r', 0, 0, 0, 0, 'r', 's', 'e', 'q') \
    X(HEADER_SECURITY_CLIENT, "Security-Client", 15, 's', 'y', '-', 'c', 'l', 'i', 'e', 'n', 't') \
    X(HEADER_SECURITY_SERVER, "Security-Server", 15, 's', 'y', '-', 's', 'e', 'r', 'v', 'e', 'r') \
    X(HEADER_SECURITY_VERIFY, "Security-Verify", 15, 's', 'y', '-', 'v', 'e', 'r', 'i', 'f', 'y') \
    X(HEADER_SERVER, "Server", 6, 's', 0, 0, 's', 'e', 'r', 'v', 'e', 'r') \
    X(HEADER_SERVICE_ROUTE, "Service-Route", 13, 's', 'c', 'e', '-', 'r', 'o', 'u', 't', 'e') \
    X(HEADER_SESSION_EXPIRES, "Session-Expires", 15, 's', '-', 'e', 'x', 'p', 'i', 'r', 'e', 's') \
    X(HEADER_SIP_ETAG, "SIP-ETag", 8, 's', 's', 'i', 'p', '-', 'e', 't', 'a', 'g') \
    X(HEADER_SIP_IF_MATCH, "SIP-If-Match", 12, 's', 'i', 'f', '-', 'm', 'a', 't', 'c', 'h') \
    X(HEADER_SUBJECT, "Subject", 7, 's', 0, 's', 'u', 'b', 'j', 'e', 'c', 't') \
    X(HEADER_SUBSCRIPTION_STATE, "Subscription-State", 18, 's', 'o', 'n', '-', 's', 't', 'a', 't', 'e') \
    X(HEADER_TARGET_DIALOG, "Target-Dialog", 13, 't', 't', '-', 'd', 'i', 'a', 'l', 'o', 'g') \
    X(HEADER_UNSUPPORTED, "Unsupported", 11, 'u', 'u', 'p', 'p', 'o', 'r', 't', 'e', 'd') \
    X(HEADER_USER_AGENT, "User-Agent", 10, 'u', 'e', 'r', '-', 'a', 'g', 'e', 'n', 't') \
    X(HEADER_USER_TO_USER, "User-to-User", 12, 'u', '-', 't', 'o', '-', 'u', 's', 'e', 'r') \
    X(HEADER_WARNING, "Warning", 7, 'w', 0, 'w', 'a', 'r', 'n', 'i', 'n', 'g') \
    X(HEADER_WWW_AUTHENTICATE, "WWW-Authenticate", 16, 'w', 'e', 'n', 't', 'i', 'c', 'a', 't', 'e')
// Kind and the letter that stands for it: RFC 3261 7.3.3 and 20; those of later RFCs are in IANA's registry of
// header fields.
#define COMPACT(X) \
    X(HEADER_ACCEPT_CONTACT, 'a') \
    X(HEADER_REFERRED_BY, 'b') \
    X(HEADER_CONTENT_TYPE, 'c') \
    X(HEADER_REQUEST_DISPOSITION, 'd') \
    X(HEADER_CONTENT_ENCODING, 'e') \
    X(HEADER_FROM, 'f') \
    X(HEADER_CALL_ID, 'i') \
    X(HEADER_REJECT_CONTACT, 'j') \
    X(HEADER_SUPPORTED, 'k') \
    X(HEADER_CONTENT_LENGTH, 'l') \
    X(HEADER_CONTACT, 'm') \
    X(HEADER_EVENT, 'o') \
    X(HEADER_REFER_TO, 'r') \
    X(HEADER_SUBJECT, 's') \
    X(HEADER_TO, 't') \
    X(HEADER_ALLOW_EVENTS, 'u') \
    X(HEADER_VIA, 'v') \
    X(HEADER_SESSION_EXPIRES, 'x') \
    X(HEADER_IDENTITY, 'y')
// clang-format on

#define NAME_ROW(kind, name, length, first, ...) [kind] = name,
static const char *const names[HEADER_COUNT] = {NAMES(NAME_ROW)};

// Rows by number: kinds have their own, the compact forms follow.
#define COMPACT_NUMBER(kind, letter) COMPACT_##kind,
enum { COMPACT_BEFORE = HEADER_COUNT - 1, COMPACT(COMPACT_NUMBER) ROW_COUNT };
static_assert(ROW_COUNT <= HEADER_ROWS_MAX && HEADER_ROWS_MAX <= UINT8_MAX, "row numbers fit an octet");

// The first 8 octets of a name in lower case as a word; 0 when there are not more.
#define OCTET(name, place)                                                                                   \
    ((place) < sizeof(name) - 1 ? (uint8_t)((name)[(place) < sizeof(name) ? (place) : 0] | 0x20) : 0)
#define HEAD(name, length)                                                                                   \
    ((length) <= 8 ? 0                                                                                       \
                   : HEADER_KEY(OCTET(name, 0), OCTET(name, 1), OCTET(name, 2), OCTET(name, 3),              \
                                OCTET(name, 4), OCTET(name, 5), OCTET(name, 6), OCTET(name, 7)))
#define LOOK_ROW(kind, name, length, first, ...)                                                             \
    [kind] = {HEADER_KEY(__VA_ARGS__), HEAD(name, length), length, kind},
#define LOOK_COMPACT(kind, letter)               [COMPACT_##kind] = {HEADER_KEY(0, 0, 0, 0, 0, 0, 0, letter), 0, 1, kind},
#define SLOT_ROW(kind, name, length, first, ...) [HEADER_SLOT(HEADER_KEY(__VA_ARGS__), first, length)] = kind,
#define SLOT_COMPACT(kind, letter)                                                                           \
    [HEADER_SLOT(HEADER_KEY(0, 0, 0, 0, 0, 0, 0, letter), letter, 1)] = COMPACT_##kind,

#define MASK(length) ((length) == 0 ? 0 : (length) >= 8 ? UINT64_MAX : ~(UINT64_MAX >> 8 * ((length)&7)))
#define MASK8(length)                                                                                        \
    MASK(length), MASK((length) + 1), MASK((length) + 2), MASK((length) + 3), MASK((length) + 4),            \
        MASK((length) + 5), MASK((length) + 6), MASK((length) + 7)

const struct header_table header_table = {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): lengths of texts that the compiler knows
    .rows = {NAMES(LOOK_ROW) COMPACT(LOOK_COMPACT)},
    .masks = {MASK8(0), MASK8(8), MASK8(16), MASK8(24), MASK(32)},
    .slots = {NAMES(SLOT_ROW) COMPACT(SLOT_COMPACT)},
};

enum sip_header header_find(const uint8_t *name, size_t length)
{
    // header_find_word() reads octets before a short name.
    uint8_t copy[8 + HEADER_NAME_MAX] = {0};
    if (length == 0 || length > HEADER_NAME_MAX)
        return HEADER_OTHER;
    for (size_t i = 0; i < length; i++) {
        if (!scan_is(name[i], SCAN_HOST))
            return HEADER_OTHER;
        copy[8 + i] = name[i];
    }
    return header_find_word(copy + 8, length);
}

bool header_same_middle(enum sip_header kind, const uint8_t *name, size_t length)
{
    const char *text = names[kind];
    for (size_t i = 8; i + 8 < length; i++)
        if ((name[i] | 0x20) != ((uint8_t)text[i] | 0x20))
            return false;
    return true;
}

const char *header_text(unsigned kind)
{
    return kind < HEADER_COUNT && kind != HEADER_OTHER ? names[kind] : "";
}

struct method_name {
    uint8_t length;
    char text[11];
};

// clang-format off
// Method, name, its first letter and its length.
#define METHODS(X) \
    X(METHOD_INVITE, "INVITE", 'I', 6) \
    X(METHOD_ACK, "ACK", 'A', 3) \
    X(METHOD_BYE, "BYE", 'B', 3) \
    X(METHOD_CANCEL, "CANCEL", 'C', 6) \
    X(METHOD_OPTIONS, "OPTIONS", 'O', 7) \
    X(METHOD_REGISTER, "REGISTER", 'R', 8) \
    X(METHOD_PRACK, "PRACK", 'P', 5) \
    X(METHOD_SUBSCRIBE, "SUBSCRIBE", 'S', 9) \
    X(METHOD_NOTIFY, "NOTIFY", 'N', 6) \
    X(METHOD_PUBLISH, "PUBLISH", 'P', 7) \
    X(METHOD_INFO, "INFO", 'I', 4) \
    X(METHOD_REFER, "REFER", 'R', 5) \
    X(METHOD_MESSAGE, "MESSAGE", 'M', 7) \
    X(METHOD_UPDATE, "UPDATE", 'U', 6)
// clang-format on

// First letter and length keep all apart, as those of headers do: two in one slot do not compile.
#define METHOD_SLOTS                          32u
#define METHOD_SLOT(first, length)            (((unsigned)(first) + 11u * (unsigned)(length)) % METHOD_SLOTS)
#define METHOD_ROW(method, name, first, size) [method] = {size, name},
#define METHOD_AT(method, name, first, size)  [METHOD_SLOT(first, size)] = method,

static const struct method_name methods[METHOD_OTHER] = {METHODS(METHOD_ROW)};
static const uint8_t method_slots[METHOD_SLOTS] = {METHODS(METHOD_AT)};

enum sip_method method_find(const uint8_t *name, size_t length)
{
    if (length == 0)
        return METHOD_OTHER;
    unsigned method = method_slots[METHOD_SLOT(name[0], length)];
    bool same =
        length == methods[method].length && scan_equal(name, (const uint8_t *)methods[method].text, length);
    return same ? (enum sip_method)method : METHOD_OTHER;
}

const char *method_text(unsigned method)
{
    return method < METHOD_OTHER ? methods[method].text : "OTHER";
}
