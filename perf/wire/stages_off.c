// SPDX-License-Identifier: BSD-3-Clause
#include "stages.h"

void stages_begin(void)
{
}

bool stages_read(struct stage_times *times)
{
    (void)times;
    return false;
}
