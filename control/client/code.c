// SPDX-License-Identifier: BSD-3-Clause
// Apart from the client, since the daemon uses the same texts for what it answers.
#include "code.h"

static const char *const texts[DG_CODE_COUNT] = {
#define X(name, wire, text) [name] = text,
    DG_CODES(X)
#undef X
};

static const int wire_codes[DG_CODE_COUNT] = {
#define X(name, wire, text) [name] = wire,
    DG_CODES(X)
#undef X
};

// X(NAME, category, severity, the same call may succeed later, what to do)
#define KINDS(X)                                                                                             \
    X(DG_OK, NONE, NONE, false, "nothing")                                                                   \
    X(DG_NO_MEMORY, LIMIT, ERROR, true, "give the program more memory")                                      \
    X(DG_NOT_CONNECTED, CONNECTION, ERROR, true, "start dialgate-control, then try again")                   \
    X(DG_PERMISSION, CONNECTION, ERROR, false, "run as a member of the control socket's group")              \
    X(DG_CLOSED, CONNECTION, WARNING, true,                                                                  \
      "look whether it was carried out (dialogs, events), then try again")                                   \
    X(DG_TIMEOUT, STATE, WARNING, true, "look whether it was carried out, or wait again")                    \
    X(DG_BAD_REPLY, CONNECTION, ERROR, false, "install the same release of library and daemon")              \
    X(DG_BAD_ARGUMENT, USE, ERROR, false, "correct the program")                                             \
    X(DG_PARSE, USE, ERROR, false, "install the same release of library and daemon")                         \
    X(DG_INVALID_REQUEST, USE, ERROR, false, "install the same release of library and daemon")               \
    X(DG_UNKNOWN_METHOD, USE, ERROR, false, "install the same release of library and daemon")                \
    X(DG_INVALID_PARAMS, USE, ERROR, false, "correct the argument that the text names")                      \
    X(DG_INTERNAL, CONNECTION, ERROR, true, "see the daemon's log")                                          \
    X(DG_REFUSED, POLICY, NOTICE, false, "see the text")                                                     \
    X(DG_NOT_FOUND, STATE, NOTICE, false, "it has ended, or its name is wrong: list what there is")          \
    X(DG_UNAVAILABLE, CONNECTION, ERROR, true, "see system.status; try again when the dataplane is there")   \
    X(DG_NO_ANSWER, CONNECTION, ERROR, true, "see system.status; look whether it was carried out")           \
    X(DG_AMBIGUOUS, USE, NOTICE, false, "name it by its id")                                                 \
    X(DG_DENIED, POLICY, WARNING, false, "ask for the role that the text names")                             \
    X(DG_INVALID_STATE, STATE, NOTICE, true, "wait for the event that ends what is under way")               \
    X(DG_INVALID_TRANSITION, STATE, NOTICE, false, "look at the dialog's state first")                       \
    X(DG_TRANSACTION_GONE, STATE, NOTICE, false, "nothing: nobody waits for this answer")                    \
    X(DG_TRANSACTION_TIMEOUT, FAR_END, WARNING, true, "try another member or peer, or later")                \
    X(DG_TOO_MANY_DIALOGS, LIMIT, WARNING, true, "end calls, or raise dialogs.applications")                 \
    X(DG_REFER_REFUSED, FAR_END, NOTICE, false, "go on with the call as it is")                              \
    X(DG_REFER_TARGET, POLICY, WARNING, false, "allow the target in refer_targets of the application")       \
    X(DG_TRANSPORT, FAR_END, WARNING, true, "see peer.show and the routes from the application")             \
    X(DG_DIALOG_EXPIRED, FAR_END, WARNING, false, "make a new call")                                         \
    X(DG_CONFIGURATION, POLICY, ERROR, false, "correct the configuration and reload it")                     \
    X(DG_PROTOCOL, FAR_END, NOTICE, false, "see the text: another method may do")                            \
    X(DG_RESOURCES, LIMIT, ERROR, true, "wait for calls to end, or raise capacities")                        \
    X(DG_RATE_LIMITED, LIMIT, WARNING, true, "call more slowly, or raise the limits of the application")

static const struct {
    enum dg_category category;
    enum dg_severity severity;
    bool temporary;
    const char *advice;
} kinds[DG_CODE_COUNT] = {
#define X(name, category, severity, temporary, advice)                                                       \
    [name] = {DG_CATEGORY_##category, DG_SEVERITY_##severity, temporary, advice},
    KINDS(X)
#undef X
};

static enum dg_code in_range(enum dg_code code)
{
    return (unsigned int)code < DG_CODE_COUNT ? code : DG_INTERNAL;
}

enum dg_code code_of_wire(long long wire)
{
    for (unsigned int i = 0; i < DG_CODE_COUNT; i++)
        if (wire_codes[i] != 0 && wire_codes[i] == wire)
            return (enum dg_code)i;
    return DG_REFUSED;
}

const char *dg_code_text(enum dg_code code)
{
    return (unsigned int)code < DG_CODE_COUNT ? texts[code] : "unknown code";
}

enum dg_category dg_code_category(enum dg_code code)
{
    return kinds[in_range(code)].category;
}

enum dg_severity dg_code_severity(enum dg_code code)
{
    return kinds[in_range(code)].severity;
}

const char *dg_code_advice(enum dg_code code)
{
    return kinds[in_range(code)].advice;
}

bool dg_code_is_temporary(enum dg_code code)
{
    return kinds[in_range(code)].temporary;
}

const char *dg_category_text(enum dg_category category)
{
    static const char *const names[] = {[DG_CATEGORY_NONE] = "none",
                                        [DG_CATEGORY_USE] = "use",
                                        [DG_CATEGORY_STATE] = "state",
                                        [DG_CATEGORY_FAR_END] = "far_end",
                                        [DG_CATEGORY_LIMIT] = "limit",
                                        [DG_CATEGORY_POLICY] = "policy",
                                        [DG_CATEGORY_CONNECTION] = "connection"};
    return (unsigned int)category < sizeof(names) / sizeof(names[0]) ? names[category] : "none";
}

const char *dg_severity_text(enum dg_severity severity)
{
    static const char *const names[] = {[DG_SEVERITY_NONE] = "none",
                                        [DG_SEVERITY_NOTICE] = "notice",
                                        [DG_SEVERITY_WARNING] = "warning",
                                        [DG_SEVERITY_ERROR] = "error"};
    return (unsigned int)severity < sizeof(names) / sizeof(names[0]) ? names[severity] : "none";
}
