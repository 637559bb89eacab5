// SPDX-License-Identifier: BSD-3-Clause
// cmocka.h wants these before it, in this order.
#ifndef DIALGATE_TEST_CMOCKA_FIRST_H
#define DIALGATE_TEST_CMOCKA_FIRST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
