// SPDX-License-Identifier: BSD-3-Clause
// Session timers (RFC 4028): what is asked, answered and agreed, for a UAC, a UAS and a proxy between them,
// and when a session must be refreshed and when it is over. Numbers only; header fields are the caller's.
//
//   UAC    session_ask() -> request; 422: session_ask_again(); 2xx: session_agree() -> terms
//   proxy  session_pass_request(), and session_pass_response() on the 2xx
//   UAS    session_answer() -> 422, or the terms and what the 2xx says
#ifndef DIALGATE_STATE_SESSION_TIMER_H
#define DIALGATE_STATE_SESSION_TIMER_H

#include "endpoint.h"

#define SESSION_FLOOR_S   90u    // section 4: no session is shorter; what Min-SE means when it is absent
#define SESSION_CEILING_S 86400u // ours: a longer one is no check of anything; far below what ticks can count

// Same order as the refresher parameter's reader in sip/ has: none, uac, uas.
enum session_side { SESSION_NEITHER, SESSION_UAC, SESSION_UAS };

// Ours, from configuration or an application.
struct session_policy {
    uint32_t wanted_s;  // interval that we ask for or insert; 0: we do not begin with it
    uint32_t minimum_s; // what is shorter gets 422; SESSION_FLOOR_S at least
    uint8_t refresher;  // enum session_side: who we would have refresh; SESSION_NEITHER: no matter
};

// Of an INVITE or UPDATE.
struct session_request {
    uint32_t interval_s; // Session-Expires; 0: absent
    uint32_t min_se_s;   // Min-SE; 0: absent
    uint8_t refresher;   // enum session_side
    bool supported;      // Supported or Require names `timer`
};

// What holds from a 2xx on.
struct session_terms {
    uint32_t interval_s; // 0: no session timer
    uint8_t refresher;   // enum session_side; of the request that the 2xx answered
};

struct session_answer {
    uint16_t status;            // 0, or 422 with a Min-SE of min_se_s (section 9)
    uint32_t min_se_s;          // 0: none
    struct session_terms terms; // interval_s 0: no Session-Expires in the 2xx
    bool require;               // the 2xx says Require: timer
};

// Section 7.1. min_se_s: the highest that a 422 of this call named, 0: none. A request always says
// Supported: timer.
struct session_request session_ask(const struct session_policy *policy, uint32_t min_se_s);
// A 422 with this Min-SE came to `asked` (section 7.3). Returns the min_se_s for session_ask(), or 0: asking
// again would not help, because it names nothing above what was asked or more than SESSION_CEILING_S.
uint32_t session_ask_again(const struct session_request *asked, uint32_t min_se_s);
// Section 7.2. interval_s and refresher: of the 2xx. A 2xx without a refresher leaves it to the UAC; one with
// more than was asked, or with less than the floor, is cut to that.
struct session_terms session_agree(const struct session_request *asked, struct session_terms answered);

// Section 9 with its table 2.
struct session_answer session_answer(const struct session_policy *policy,
                                     const struct session_request *request);

// Section 8.1: a stateful proxy lowers what is longer than it wants, inserts what is absent, and refuses what
// is too short. Changes *request to what is sent on. Returns 0, or 422 with *request as it was: the Min-SE of
// the response is the policy's minimum_s.
unsigned session_pass_request(const struct session_policy *policy, struct session_request *request);
// Section 8.2: the UAS knows no session timer, but the UAC does. sent: the request as it was sent on. Changes
// *terms, the 2xx's, to what is sent back. Returns whether it was changed: Require: timer is inserted too.
bool session_pass_response(const struct session_request *sent, struct session_terms *terms);

// Ticks after the 2xx. Section 7.4: half of the interval; section 10: the smaller of 32 seconds and a third
// before its end, when who waits in vain for a refresh sends BYE; a proxy forgets at the end (section 8.3).
tick_t session_refresh_after(uint32_t interval_s);
tick_t session_over_after(uint32_t interval_s);
tick_t session_forgotten_after(uint32_t interval_s);

#endif
