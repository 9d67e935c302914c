/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cmocka 2 has an assertion of ranges for each type and deprecates the only one that
 * cmocka 1 has. Tests use the new name. Included after cmocka.h.
 */
#ifndef TEST_RANGE_H
#define TEST_RANGE_H

#ifndef assert_uint_in_range
#define assert_uint_in_range(value, minimum, maximum) assert_in_range(value, minimum, maximum)
#endif

#endif
