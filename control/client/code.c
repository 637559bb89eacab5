// SPDX-License-Identifier: BSD-3-Clause
// Apart from the client, since the daemon uses the same texts for what it answers.
#include "dialgate/ua.h"

static const char *const texts[DG_CODE_COUNT] = {
#define X(name, wire, text) [name] = text,
    DG_CODES(X)
#undef X
};

const char *dg_code_text(enum dg_code code)
{
    return (unsigned int)code < DG_CODE_COUNT ? texts[code] : "unknown code";
}
