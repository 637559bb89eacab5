// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_TEST_PATH_TESTS_H
#define DIALGATE_TEST_PATH_TESTS_H

#include "call.h"

// Of each test_*.c. Returns the number that failed.
int path_tests(void);

#define ON_WIRE(test) cmocka_unit_test_setup_teardown(test, wire_setup, wire_teardown)
#define ON_TWO(test)  cmocka_unit_test_setup_teardown(test, wire_setup_two, wire_teardown)

#endif
