/* tests/test.h - what every test file includes */
#ifndef OTK_TESTS_TEST_H
#define OTK_TESTS_TEST_H

/* cmocka wants these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#endif
