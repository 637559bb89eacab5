// SPDX-License-Identifier: BSD-3-Clause
// Codes of errors as they are on the wire.
#ifndef DIALGATE_CONTROL_CLIENT_CODE_H
#define DIALGATE_CONTROL_CLIENT_CODE_H

#include "dialgate/ua.h"

// DG_REFUSED where it is none of ours.
enum dg_code code_of_wire(long long wire);

#endif
