// SPDX-License-Identifier: BSD-3-Clause
// What the methods of applications take.
#include "ua.h"

#define TEXT_MAX 8192
#define BODY_MAX 90000 // octets as base64

// clang-format off
#define CONTENT                                                                                                        \
    {"headers", RPC_PAIRS, false, 0, 100, NULL, "header fields, [[name, value], ...]"},                               \
    {"body", RPC_TEXT, false, 0, BODY_MAX, NULL, "text, or octets with body_base64"},                                  \
    {"body_base64", RPC_BOOLEAN, false, 0, 0, NULL, "body is base64"},                                                 \
    {"content_type", RPC_TEXT, false, 1, 255, NULL, "application/sdp where the body begins with v=0"}
#define REASON {"reason", RPC_TEXT, false, 0, 255, NULL, "phrase of the status line; without it, the RFC's"}
#define TAG {"tag", RPC_TEXT, false, 0, UA_LABEL_MAX, NULL, "repeated in every event about this request"}
#define DIALOG {"dialog", RPC_TEXT, true, 16, 16, NULL, "id of a dialog"}
#define APPLICATION                                                                                                    \
    {"application", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "its name; without it, the one this client is attached to"}
#define WAY                                                                                                            \
    {"from", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, made of the application"},            \
    {"contact", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, our listener"},                    \
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "to this peer; without it, by the routes from the application"}, \
    {"member", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "address:port of one of its members; without it, by balance"}, \
    {"user", RPC_TEXT, false, 1, 255, NULL, "answers 401 and 407"},                                                    \
    {"password", RPC_TEXT, false, 0, 255, NULL, "of the user"},                                                        \
    {"realm", RPC_TEXT, false, 1, 255, NULL, "whose challenges alone are answered"}
// clang-format on

const struct rpc_param ua_app_params[] = {APPLICATION, {0}};

const struct rpc_param ua_attach_params[] = {
    {"application", RPC_TEXT, true, 1, RPC_NAME_MAX, NULL, "its name"},
    {"since", RPC_INTEGER, false, 0, RPC_EVER, NULL,
     "first those that are kept behind this seq; 0: all that are kept; without it, only what comes"},
    {"stream", RPC_TEXT, false, 16, 16, NULL,
     "the stream that since is of: when it is another one now, all that is kept comes"},
    {"listen", RPC_BOOLEAN, false, 0, 0, NULL,
     "true: events only; calls are refused as if nobody were attached, unless somebody else is"},
    {0},
};

const struct rpc_param ua_call_params[] = {
    APPLICATION,
    {"to", RPC_TEXT, true, 1, TEXT_MAX, NULL, "URI or name-addr"},
    WAY,
    CONTENT,
    {"late_ack", RPC_BOOLEAN, false, 0, 0, NULL, "the 2xx waits for ua.ack"},
    {"retry", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "name of a policy; without it, the application's"},
    {"redirect", RPC_INTEGER, false, 0, 10, NULL, "targets of 3xx to try (0)"},
    {"timeout_ms", RPC_INTEGER, false, 100, 86400000, NULL,
     "it is cancelled when it has no final response by then"},
    {"session_expires", RPC_INTEGER, false, 90, 65535, NULL, "seconds (RFC 4028); without it, as configured"},
    {"context", RPC_TEXT, false, 0, UA_CONTEXT_MAX, NULL, "the application's own, shown by ua.get"},
    TAG,
    {0},
};

const struct rpc_param ua_progress_params[] = {
    DIALOG,
    {"status", RPC_INTEGER, false, 101, 199, NULL, "180"},
    REASON,
    CONTENT,
    {"reliable", RPC_BOOLEAN, false, 0, 0, NULL, "sent until it is acknowledged (RFC 3262)"},
    {"contact", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, our listener"},
    {0},
};

const struct rpc_param ua_answer_params[] = {
    DIALOG,
    {"status", RPC_INTEGER, false, 200, 299, NULL, "200"},
    REASON,
    CONTENT,
    {"contact", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, our listener"},
    {0},
};

const struct rpc_param ua_reject_params[] = {
    DIALOG, {"status", RPC_INTEGER, false, 300, 699, NULL, "486"}, REASON, CONTENT, {0},
};

const struct rpc_param ua_redirect_params[] = {
    DIALOG,
    {"targets", RPC_TEXTS, true, 1, 10, NULL,
     "URIs or name-addrs, with ;q=... where the order is not theirs"},
    {"status", RPC_INTEGER, false, 300, 399, NULL, "302"},
    REASON,
    {0},
};

const struct rpc_param ua_terminate_params[] = {
    DIALOG,
    {"status", RPC_INTEGER, false, 300, 699, NULL, "of the refusal where theirs is early (480)"},
    {"protocol", RPC_TEXT, false, 1, 32, NULL, "of a Reason (RFC 3326): SIP, Q.850"},
    {"cause", RPC_INTEGER, false, 0, 999, NULL, "of that Reason"},
    {"text", RPC_TEXT, false, 0, 255, NULL, "of that Reason"},
    {"headers", RPC_PAIRS, false, 0, 100, NULL, "header fields, [[name, value], ...]"},
    {0},
};

const struct rpc_param ua_dialog_params[] = {DIALOG, {0}};

const struct rpc_param ua_ack_params[] = {DIALOG, CONTENT, {0}};

const struct rpc_param ua_change_params[] = {
    DIALOG,
    CONTENT,
    {"late_ack", RPC_BOOLEAN, false, 0, 0, NULL, "re-INVITE: the 2xx waits for ua.ack"},
    {"contact", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, our listener"},
    TAG,
    {0},
};

const struct rpc_param ua_hold_params[] = {
    DIALOG,
    {"headers", RPC_PAIRS, false, 0, 100, NULL, "header fields, [[name, value], ...]"},
    {"body", RPC_TEXT, false, 0, BODY_MAX, NULL,
     "session description; without it, the last that was sent with the direction changed"},
    {"content_type", RPC_TEXT, false, 1, 255, NULL, "of the body"},
    TAG,
    {0},
};

const struct rpc_param ua_request_params[] = {
    {"dialog", RPC_TEXT, false, 16, 16, NULL, "id of a dialog; without it, outside dialogs"},
    APPLICATION,
    {"method", RPC_TEXT, true, 1, 31, NULL, "INFO, MESSAGE, OPTIONS, NOTIFY, SUBSCRIBE, ..."},
    {"to", RPC_TEXT, false, 1, TEXT_MAX, NULL, "outside dialogs: URI or name-addr"},
    WAY,
    CONTENT,
    {"retry", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "name of a policy; without it, the application's"},
    {"redirect", RPC_INTEGER, false, 0, 10, NULL, "targets of 3xx to try (0)"},
    TAG,
    {0},
};

const struct rpc_param ua_respond_params[] = {
    {"request", RPC_TEXT, true, 16, 16, NULL, "of an event"},
    {"status", RPC_INTEGER, true, 101, 699, NULL, "of the response"},
    REASON,
    CONTENT,
    {"reliable", RPC_BOOLEAN, false, 0, 0, NULL, "101-199: sent until it is acknowledged (RFC 3262)"},
    {"contact", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, our listener"},
    {0},
};

const struct rpc_param ua_register_params[] = {
    APPLICATION,
    {"registrar", RPC_TEXT, true, 1, TEXT_MAX, NULL, "URI of the domain: sip:example.net"},
    {"aor", RPC_TEXT, true, 1, TEXT_MAX, NULL, "address of record: sip:alice@example.net"},
    {"contact", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI or name-addr; without it, our listener"},
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL,
     "to this peer; without it, by the routes from the application"},
    {"expires", RPC_INTEGER, false, 60, 86400, NULL, "seconds (3600); refreshed before they are over"},
    {"user", RPC_TEXT, false, 1, 255, NULL, "answers 401 and 407"},
    {"password", RPC_TEXT, false, 0, 255, NULL, "of the user"},
    {"realm", RPC_TEXT, false, 1, 255, NULL, "whose challenges alone are answered"},
    TAG,
    {0},
};

const struct rpc_param ua_unregister_params[] = {
    APPLICATION,
    {"registrar", RPC_TEXT, true, 1, TEXT_MAX, NULL, "as it was registered"},
    {"aor", RPC_TEXT, true, 1, TEXT_MAX, NULL, "as it was registered"},
    {0},
};

static const char *const states[] = {"none", "early", "confirmed", "terminating", NULL};

const struct rpc_param ua_list_params[] = {
    APPLICATION,
    {"call_id", RPC_TEXT, false, 1, RPC_PATH_MAX, NULL, "dialogs of this Call-ID"},
    {"local_tag", RPC_TEXT, false, 1, 255, NULL, "with call_id: of our side"},
    {"remote_tag", RPC_TEXT, false, 1, 255, NULL, "with call_id: of the other side"},
    {"state", RPC_CHOICE, false, 0, 0, states, "only dialogs in this state"},
    {"limit", RPC_INTEGER, false, 1, 1000, NULL, "rows of this page (100)"},
    {"after", RPC_TEXT, false, 16, 16, NULL, "cursor of the page before"},
    {0},
};

const struct rpc_param ua_context_params[] = {
    DIALOG,
    {"context", RPC_TEXT, true, 0, UA_CONTEXT_MAX, NULL, "the application's own, shown by ua.get"},
    {0},
};
