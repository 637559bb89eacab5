// SPDX-License-Identifier: BSD-3-Clause
// What every test program of path/ begins with: EAL once, then the tests of its file.
#include "tests.h"
#include <rte_eal.h>

int main(void)
{
    if (!wire_boot())
        return 77;
    int failed = path_tests();
    rte_eal_cleanup();
    return failed;
}
