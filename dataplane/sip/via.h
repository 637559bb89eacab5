// SPDX-License-Identifier: BSD-3-Clause
// Private to dataplane/sip.
#ifndef DIALGATE_SIP_VIA_H
#define DIALGATE_SIP_VIA_H

#include "scan.h"

// One value of a list of Via values, as via_next(). On -1 via holds what stands before the fault.
int via_read(struct cursor *cursor, struct via *via);

#endif
